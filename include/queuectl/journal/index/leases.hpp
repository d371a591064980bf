// Who holds which jobs, and until when.
#ifndef QUEUECTL_JOURNAL_INDEX_LEASES_HPP
#define QUEUECTL_JOURNAL_INDEX_LEASES_HPP

#include <queuectl/journal/index/lanes.hpp>
#include <queuectl/receipt.hpp>
#include <queuectl/time.hpp>

#include <vector>

namespace queuectl::inline v0::journal {

// What the jobs of a lease have in common.
struct lease_terms {
    uid nonce{};
    std::string_view worker;
    std::int64_t locked_at = 0;
    std::int64_t until = 0;
    uid boot{};
    std::int64_t end = 0;  // on the clock of that boot
};
[[nodiscard]] inline lease_terms terms_of(const uid& nonce, std::string_view worker, const instant& now,
                                          duration length) noexcept
{
    return {nonce,
            worker,
            now.wall.time_since_epoch().count(),
            add(now.wall, length).time_since_epoch().count(),
            now.boot_id,
            add(now.boot, length).count()};
}

// The leases of an index. Not thread-safe. Requires: what a member changes was reserved.
class leases {
public:
    explicit leases(index_space& space) : space_{&space}, order_{space} {}

    [[nodiscard]] lease_slot& of(const live_slot& slot) const noexcept { return at(slot.lease); }
    [[nodiscard]] lease_token token_of(const live_slot& slot) const noexcept
    {
        return {of(slot).nonce, slot.node.place};
    }
    [[nodiscard]] std::string_view holder(const live_slot& slot) const noexcept
    {
        return read_text(*space_, worker(of(slot).worker).name);
    }
    // 0 = holds nothing. O(workers that hold leases).
    [[nodiscard]] ref find_worker(std::string_view name) const noexcept
    {
        for (ref at = roots().workers; at != 0; at = worker(at).next)
            if (read_text(*space_, worker(at).name) == name) return at;
        return 0;
    }
    // visit(live slot) for each job that the worker holds; false stops. visit may end the lease.
    template <class Visit>
    void for_each(ref of_worker, Visit&& visit) const
    {
        for (ref lease = worker(of_worker).first; lease != 0;) {
            const ref behind = at(lease).after;
            for (ref job = at(lease).jobs.first; job != 0;) {
                const ref next = live(job).node.after;
                if (!visit(job)) return;
                job = next;
            }
            lease = behind;
        }
    }

    // A lease on these terms: the newest of the worker if it is one, else a new one. Requires that a job is added.
    [[nodiscard]] ref open(const lease_terms& t) noexcept
    {
        const ref boot = boot_of(t.boot);
        const ref holder = find_or_make_worker(t.worker);
        const ref newest = worker(holder).first;
        if (newest != 0 && matches(at(newest), t, boot)) return newest;
        return make(t, boot, holder, newest);
    }
    // A job that stands in no line joins a lease.
    void add(ref lease, ref job, std::uint32_t ordinal) noexcept
    {
        auto& slot = live(job);
        auto& jobs = space_->touch(at(lease).jobs);
        space_->touch(slot.lease) = lease;
        space_->touch(slot.node);
        slot.node.place = ordinal;
        slot.node.before = jobs.last;
        slot.node.after = 0;
        (jobs.last != 0 ? space_->touch(live(jobs.last).node.after) : jobs.first) = job;
        jobs.last = job;
    }
    // A job leaves its lease, which ends with its last job.
    void take(ref job) noexcept
    {
        auto& slot = live(job);
        const ref lease = slot.lease;
        auto& jobs = space_->touch(at(lease).jobs);
        const ref before = slot.node.before;
        const ref after = slot.node.after;
        (before != 0 ? space_->touch(live(before).node.after) : jobs.first) = after;
        (after != 0 ? space_->touch(live(after).node.before) : jobs.last) = before;
        space_->touch(slot.lease) = 0;
        if (jobs.first == 0) end(lease);
    }
    // A job's lease ends `length` from now. Those of one lease that are extended alike share one again, which stands
    // before that which they had.
    void extend(ref job, const instant& now, duration length) noexcept
    {
        const auto ordinal = live(job).node.place;
        const ref from = live(job).lease;
        const ref holder = at(from).worker;
        auto t = terms_of(at(from).nonce, {}, now, length);
        t.locked_at = at(from).locked_at;
        const ref boot = boot_of(now.boot_id);
        ref to = at(from).before;
        if (to == 0 || !matches(at(to), t, boot)) to = make(t, boot, holder, from);
        take(job);
        add(to, job, ordinal);
    }

    // Appends up to `most` jobs whose leases have expired: those of other boots, then by time.
    void expired(const instant& now, std::size_t most, std::vector<ref>& out) const
    {
        for (ref b = roots().boots; b != 0; b = boot(b).next)
            for (ref lease = order_.first(boot(b).leases); lease != 0; lease = order_.next(boot(b).leases, lease)) {
                if (boot(b).id == now.boot_id && at(lease).node.time > now.boot.count()) break;
                for (ref job = at(lease).jobs.first; job != 0; job = live(job).node.after) {
                    if (out.size() == most) return;
                    out.push_back(job);
                }
            }
    }

private:
    using lease_order = order<offsetof(lease_slot, node)>;

    [[nodiscard]] index_roots& roots() const noexcept { return space_->roots<index_roots>(); }
    [[nodiscard]] live_slot& live(ref job) const noexcept { return *space_->get<live_slot>(job); }
    [[nodiscard]] lease_slot& at(ref lease) const noexcept { return *space_->get<lease_slot>(lease); }
    [[nodiscard]] worker_slot& worker(ref at) const noexcept { return *space_->get<worker_slot>(at); }
    [[nodiscard]] boot_slot& boot(ref at) const noexcept { return *space_->get<boot_slot>(at); }

    [[nodiscard]] static bool matches(const lease_slot& l, const lease_terms& t, ref boot) noexcept
    {
        return l.nonce == t.nonce && l.locked_at == t.locked_at && l.until == t.until && l.boot == boot &&
               l.node.time == t.end;
    }

    // A lease without jobs, before `behind`, a lease of that worker or 0.
    ref make(const lease_terms& t, ref of_boot, ref holder, ref behind) noexcept
    {
        const ref made = space_->allocate(sizeof(lease_slot));
        auto& l = at(made);
        l = {};
        l.node.time = t.end;
        l.node.sequence = ++space_->touch(roots().last_lease);
        l.nonce = t.nonce;
        l.locked_at = t.locked_at;
        l.until = t.until;
        l.boot = of_boot;
        l.worker = holder;
        l.before = behind != 0 ? at(behind).before : 0;
        l.after = behind;
        link_before(l) = made;
        if (behind != 0) space_->touch(at(behind).before) = made;
        order_.put(boot(of_boot).leases, made);
        return made;
    }
    void end(ref lease) noexcept
    {
        auto& l = at(lease);
        order_.take(boot(l.boot).leases, lease);
        link_before(l) = l.after;
        if (l.after != 0) space_->touch(at(l.after).before) = l.before;
        if (worker(l.worker).first == 0) forget(l.worker);
        space_->release(lease, sizeof(lease_slot));
    }
    // What refers to a lease, or will, in its worker's list; touched.
    [[nodiscard]] ref& link_before(const lease_slot& l) const noexcept
    {
        return space_->touch(l.before != 0 ? at(l.before).after : worker(l.worker).first);
    }

    // Boots without leases go when a new one comes.
    ref boot_of(const uid& id) noexcept
    {
        ref first = roots().boots;
        for (ref at = first; at != 0; at = boot(at).next)
            if (boot(at).id == id) return at;
        while (first != 0 && boot(first).leases.size == 0) {
            const ref gone = std::exchange(first, boot(first).next);
            space_->release(gone, sizeof(boot_slot));
        }
        const ref made = space_->allocate(sizeof(boot_slot));
        boot(made) = {};
        boot(made).id = id;
        boot(made).next = first;
        return space_->touch(roots().boots) = made;
    }

    ref find_or_make_worker(std::string_view name) noexcept
    {
        if (const ref known = find_worker(name); known != 0) return known;
        const ref made = space_->allocate(sizeof(worker_slot));
        worker(made) = {};
        worker(made).name = make_text(*space_, name);
        worker(made).next = roots().workers;
        return space_->touch(roots().workers) = made;
    }
    void forget(ref gone) noexcept
    {
        ref* link = &roots().workers;
        while (*link != gone) {
            if (*link == 0) return space_->doubt();
            link = &worker(*link).next;
        }
        const worker_slot was = worker(gone);
        space_->touch(*link) = was.next;
        drop_text(*space_, was.name);
        space_->release(gone, sizeof(worker_slot));
    }

    index_space* space_;
    lease_order order_;
};

}  // namespace queuectl::inline v0::journal

#endif
