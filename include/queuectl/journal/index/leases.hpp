// Who holds which jobs, and until when.
#ifndef QUEUECTL_JOURNAL_INDEX_LEASES_HPP
#define QUEUECTL_JOURNAL_INDEX_LEASES_HPP

#include <queuectl/journal/index/lanes.hpp>
#include <queuectl/receipt.hpp>
#include <queuectl/time.hpp>

#include <vector>

namespace queuectl::inline v0::journal {

// The leases of an index. Not thread-safe. Requires: what a member changes was reserved.
class leases {
public:
    using lease_order = order<offsetof(live_slot, node)>;

    explicit leases(index_space& space) : space_{&space}, order_{space} {}

    [[nodiscard]] lease_slot& of(const live_slot& slot) const noexcept { return *space_->get<lease_slot>(slot.lease); }
    [[nodiscard]] std::string_view holder(const live_slot& slot) const noexcept
    {
        return read_text(*space_, space_->get<worker_slot>(of(slot).worker)->name);
    }
    // 0 = holds nothing. O(workers that hold leases).
    [[nodiscard]] ref find_worker(std::string_view name) const noexcept
    {
        for (ref at = roots().workers; at != 0; at = space_->get<worker_slot>(at)->next)
            if (read_text(*space_, space_->get<worker_slot>(at)->name) == name) return at;
        return 0;
    }
    // visit(live slot) for each job that the worker holds; false stops. visit may end the lease.
    template <class Visit>
    void for_each(ref worker, Visit&& visit) const
    {
        for (ref at = space_->get<worker_slot>(worker)->first; at != 0;) {
            const ref next = of(*space_->get<live_slot>(at)).after;
            if (!visit(at)) return;
            at = next;
        }
    }

    // Leases a job that stands in no line.
    void put(ref job, const lease_token& token, std::string_view worker, const instant& now, duration length) noexcept
    {
        auto& slot = *space_->get<live_slot>(job);
        const ref made = space_->allocate(sizeof(lease_slot));
        auto& l = *space_->get<lease_slot>(made);
        l = {};
        l.token = token;
        l.locked_at = now.wall.time_since_epoch().count();
        l.run_at = slot.node.time;
        space_->touch(slot);
        slot.lease = made;
        enlist(job, l, worker);
        start(job, now, length);
    }
    // The lease ends `length` from now.
    void extend(ref job, const instant& now, duration length) noexcept
    {
        auto& slot = *space_->get<live_slot>(job);
        order_.take(space_->get<boot_slot>(of(slot).boot)->leases, job);
        start(job, now, length);
    }
    // The job has no lease any more; its node's time is run_at again.
    void take(ref job) noexcept
    {
        auto& slot = *space_->get<live_slot>(job);
        const lease_slot l = of(slot);
        order_.take(space_->get<boot_slot>(l.boot)->leases, job);
        delist(l);
        space_->release(slot.lease, sizeof(lease_slot));
        space_->touch(slot);
        slot.lease = 0;
        slot.node.time = l.run_at;
    }

    // Appends up to `most` jobs whose leases have expired: those of other boots, then by time.
    void expired(const instant& now, std::size_t most, std::vector<ref>& out) const
    {
        for (ref at = roots().boots; at != 0; at = space_->get<boot_slot>(at)->next) {
            const auto& boot = *space_->get<boot_slot>(at);
            for (ref job = order_.first(boot.leases); job != 0; job = order_.next(boot.leases, job)) {
                const bool runs = boot.id == now.boot_id && space_->get<live_slot>(job)->node.time > now.boot.count();
                if (runs) break;
                if (out.size() == most) return;
                out.push_back(job);
            }
        }
    }

private:
    [[nodiscard]] index_roots& roots() const noexcept { return space_->roots<index_roots>(); }

    void start(ref job, const instant& now, duration length) noexcept
    {
        auto& slot = *space_->get<live_slot>(job);
        const ref boot = boot_of(now.boot_id);
        space_->touch(slot.node);
        slot.node.time = add(now.boot, length).count();
        auto& l = space_->touch(of(slot));
        l.boot = boot;
        l.until = add(now.wall, length).time_since_epoch().count();
        order_.put(space_->get<boot_slot>(boot)->leases, job);
    }

    // Boots without leases go when a new one comes.
    ref boot_of(const uid& id) noexcept
    {
        ref first = roots().boots;
        for (ref at = first; at != 0; at = space_->get<boot_slot>(at)->next)
            if (space_->get<boot_slot>(at)->id == id) return at;
        while (first != 0 && space_->get<boot_slot>(first)->leases.size == 0) {
            const ref gone = std::exchange(first, space_->get<boot_slot>(first)->next);
            space_->release(gone, sizeof(boot_slot));
        }
        const ref made = space_->allocate(sizeof(boot_slot));
        auto& boot = *space_->get<boot_slot>(made);
        boot = {};
        boot.id = id;
        boot.next = first;
        return space_->touch(roots().boots) = made;
    }

    void enlist(ref job, lease_slot& l, std::string_view name) noexcept
    {
        l.worker = find_worker(name);
        if (l.worker == 0) {
            l.worker = space_->allocate(sizeof(worker_slot));
            auto& made = *space_->get<worker_slot>(l.worker);
            made = {};
            made.name = make_text(*space_, name);
            made.next = roots().workers;
            space_->touch(roots().workers) = l.worker;
        }
        auto& worker = space_->touch(*space_->get<worker_slot>(l.worker));
        l.after = worker.first;
        if (l.after != 0) space_->touch(of(*space_->get<live_slot>(l.after))).before = job;
        worker.first = job;
        ++worker.count;
    }
    void delist(const lease_slot& l) noexcept
    {
        auto& worker = space_->touch(*space_->get<worker_slot>(l.worker));
        if (l.after != 0) space_->touch(of(*space_->get<live_slot>(l.after))).before = l.before;
        if (l.before != 0)
            space_->touch(of(*space_->get<live_slot>(l.before))).after = l.after;
        else
            worker.first = l.after;
        if (--worker.count == 0) forget(l.worker);
    }
    void forget(ref worker) noexcept
    {
        ref* link = &roots().workers;
        while (*link != worker) {
            if (*link == 0) return space_->doubt();
            link = &space_->get<worker_slot>(*link)->next;
        }
        const worker_slot gone = *space_->get<worker_slot>(worker);
        space_->touch(*link) = gone.next;
        drop_text(*space_, gone.name);
        space_->release(worker, sizeof(worker_slot));
    }

    index_space* space_;
    lease_order order_;
};

}  // namespace queuectl::inline v0::journal

#endif
