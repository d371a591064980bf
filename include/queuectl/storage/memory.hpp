// memory_storage: jobs in this process's memory. The reference of the storage concept, and the fastest.
#ifndef QUEUECTL_STORAGE_MEMORY_HPP
#define QUEUECTL_STORAGE_MEMORY_HPP

#include <queuectl/detail/memory_claim.hpp>
#include <queuectl/detail/memory_config.hpp>
#include <queuectl/detail/memory_inspect.hpp>
#include <queuectl/detail/memory_transfer.hpp>
#include <queuectl/detail/memory_verbs.hpp>

#include <memory>

namespace queuectl::inline v0 {

// Nothing survives the process. Any thread may call any verb at any time (with QUEUECTL_NO_THREADS: one thread);
// each call is atomic, for a failed allocation too. Once it has held as many jobs as it will, short fields included,
// a storage allocates nothing more but what a caller gets. Movable; a moved-from one may be assigned to or destroyed.
//
// insert, settle, extend: O(1) a job when jobs come in the order of their due times, else O(log waiting).
// claim: O(1) a job, O(log queues and kinds) where there are several; O(lanes that match) a call with a filter.
// A lane is a queue and a kind; lanes are never forgotten, and the memory of removed jobs is kept for later ones.
class memory_storage {
public:
    static constexpr std::size_t max_batch = 1000;
    static constexpr bool single_thread = !QUEUECTL_HAS_THREADS;
    static constexpr duration default_retention{0};

    memory_storage() : core_{std::make_unique<detail::memory_core>()} {}

    // The four verbs.

    [[nodiscard]] result<void> insert(std::span<const job> jobs, std::span<insert_status> statuses, const instant& now)
    {
        QUEUECTL_ASSERT(jobs.size() <= max_batch && statuses.size() >= jobs.size());
        const detail::memory_guard guard{core_->lock};
        if (core_->closed_to(detail::change_of::jobs)) return core_->refuse("insert");
        detail::memory_insert(*core_, jobs, statuses, now.wall);
        return {};
    }
    [[nodiscard]] result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        const detail::memory_guard guard{core_->lock};
        return claim_locked(request, leases, now);
    }
    [[nodiscard]] result<void> extend(std::span<const receipt> receipts, duration length,
                                      std::span<extend_status> statuses, const instant& now)
    {
        QUEUECTL_ASSERT(receipts.size() <= max_batch && statuses.size() >= receipts.size());
        const detail::memory_guard guard{core_->lock};
        if (core_->closed_to(detail::change_of::runs)) return core_->refuse("extend");
        detail::memory_extend(*core_, receipts, length, statuses, now);
        return {};
    }
    [[nodiscard]] result<void> settle(std::span<const settlement> settlements, std::span<settle_status> statuses,
                                      const instant& now)
    {
        QUEUECTL_ASSERT(settlements.size() <= max_batch && statuses.size() >= settlements.size());
        const detail::memory_guard guard{core_->lock};
        if (core_->closed_to(detail::change_of::runs)) return core_->refuse("settle");
        detail::memory_settle(*core_, settlements, statuses, now.wall);
        return {};
    }
    // After a failed allocation the settlements may have been applied; repeating the call is safe.
    [[nodiscard]] result<claim_info> settle_and_claim(std::span<const settlement> settlements,
                                                      std::span<settle_status> statuses, const claim_request& request,
                                                      std::vector<lease>& leases, const instant& now)
    {
        QUEUECTL_ASSERT(settlements.size() <= max_batch && statuses.size() >= settlements.size());
        const detail::memory_guard guard{core_->lock};
        if (core_->closed_to(detail::change_of::runs)) return core_->refuse("settle");
        detail::memory_settle(*core_, settlements, statuses, now.wall);
        return claim_locked(request, leases, now);
    }

    // inspectable_storage

    [[nodiscard]] result<store_info> info() const
    {
        store_info i;
        i.format = i.min_reader = i.min_writer = 1;
        i.id = core_->id;
        i.location = "memory:";
        const detail::memory_guard guard{core_->lock};
        i.state = core_->gate;
        i.read_only = i.state == store_state::read_only;
        i.moved_to = core_->moved_to;
        i.durability = durability::process;
        return i;
    }
    [[nodiscard]] result<std::optional<job_record>> find(std::string_view id) const
    {
        const detail::memory_guard guard{core_->lock};
        const detail::memory_slot* slot = core_->table.find(id);
        return slot ? std::optional{detail::memory_read_record(*slot)} : std::nullopt;
    }
    [[nodiscard]] result<std::uint64_t> list(const job_filter& filter, const page_request& page,
                                             std::vector<job_record>& out) const
    {
        const detail::memory_guard guard{core_->lock};
        return detail::memory_list(*core_, filter, page, out);
    }
    [[nodiscard]] result<void> attempts(std::string_view id, std::vector<attempt>& out) const
    {
        const detail::memory_guard guard{core_->lock};
        const detail::memory_slot* slot = core_->table.find(id);
        if (slot) detail::memory_attempts(*slot, out);
        return {};
    }
    [[nodiscard]] result<run_output> output(std::string_view id, std::int32_t number) const
    {
        const detail::memory_guard guard{core_->lock};
        const detail::memory_slot* slot = core_->table.find(id);
        const attempt* run = slot ? detail::memory_run(*slot, number) : nullptr;
        if (!run) return fail(errc::not_found, "output " + std::string{id}, slot ? "no such run" : "no such job");
        return run->output;
    }
    [[nodiscard]] result<void> counts(std::vector<queue_counts>& out) const
    {
        const detail::memory_guard guard{core_->lock};
        core_->lanes.for_each_queue([&](const detail::memory_queue& q) {
            out.push_back({std::string{q.name.view()}, q.counts});
        });
        return {};
    }
    [[nodiscard]] result<void> revive(std::span<const std::string> ids, std::span<change_status> statuses,
                                      const instant& now)
    {
        const detail::memory_guard guard{core_->lock};
        if (core_->closed_to(detail::change_of::jobs)) return core_->refuse("revive");
        detail::memory_revive(*core_, ids, statuses, now.wall);
        return {};
    }
    [[nodiscard]] result<void> cancel(std::span<const std::string> ids, std::span<change_status> statuses,
                                      const instant& now)
    {
        const detail::memory_guard guard{core_->lock};
        const bool any = detail::memory_cancels_waiting(*core_, ids);
        if (core_->closed_to(any ? detail::change_of::jobs : detail::change_of::runs)) return core_->refuse("cancel");
        detail::memory_cancel(*core_, ids, statuses, now.wall);
        return {};
    }
    [[nodiscard]] result<void> remove(std::span<const std::string> ids, std::span<change_status> statuses)
    {
        const detail::memory_guard guard{core_->lock};
        if (core_->closed_to(detail::change_of::jobs)) return core_->refuse("remove");
        detail::memory_remove(*core_, ids, statuses);
        return {};
    }
    // With a tag in the filter, final jobs of other tags are looked at too: O(final jobs) then.
    [[nodiscard]] result<std::size_t> purge(const job_filter& filter, std::size_t limit)
    {
        const detail::memory_guard guard{core_->lock};
        if (core_->closed_to(detail::change_of::jobs)) return core_->refuse("purge");
        return detail::memory_purge(*core_, filter, limit);
    }
    [[nodiscard]] result<change_status> reprioritise(std::string_view id, int priority, const instant& now)
    {
        if (priority < limits::priority_min || priority > limits::priority_max)
            return fail(errc::invalid_argument, "reprioritise", "a priority is -128 to 127");
        const detail::memory_guard guard{core_->lock};
        if (core_->closed_to(detail::change_of::jobs)) return core_->refuse("reprioritise");
        return detail::memory_reprioritise(*core_, id, static_cast<std::int8_t>(priority), now.wall);
    }
    [[nodiscard]] result<std::size_t> free_worker(std::string_view worker, std::string_view cause, const instant& now)
    {
        const detail::memory_guard guard{core_->lock};
        if (core_->closed_to(detail::change_of::runs)) return core_->refuse("free_worker");
        return detail::memory_free_worker(*core_, worker, cause, now.wall);
    }

    // transferable_storage

    [[nodiscard]] result<void> restore(std::span<const stored_job> jobs, std::span<insert_status> statuses,
                                       const instant& now)
    {
        QUEUECTL_ASSERT(jobs.size() <= max_batch && statuses.size() >= jobs.size());
        const detail::memory_guard guard{core_->lock};
        if (core_->closed_to(detail::change_of::jobs)) return core_->refuse("restore");
        return detail::memory_restore(*core_, jobs, statuses, now.wall);
    }
    [[nodiscard]] result<void> set_state(store_state to, std::string_view moved_to)
    {
        const detail::memory_guard guard{core_->lock};
        core_->moved_to = moved_to;
        core_->gate = to;
        core_->changes.touch_work();
        core_->changes.touch_control();
        return {};
    }

    // configurable_storage

    [[nodiscard]] result<std::optional<config_entry>> config_get(std::string_view key, const instant& now) const
    {
        const detail::memory_guard guard{core_->lock};
        const config_entry* entry = detail::memory_config_find(*core_, key, now.wall);
        return entry ? std::optional{*entry} : std::nullopt;
    }
    [[nodiscard]] result<std::uint64_t> config_put(const config_entry& entry, const instant& now)
    {
        const detail::memory_guard guard{core_->lock};
        if (core_->closed_to(detail::change_of::runs)) return core_->refuse("config_put");
        return detail::memory_config_put(*core_, entry, now.wall);
    }
    [[nodiscard]] result<bool> config_erase(std::string_view key)
    {
        const detail::memory_guard guard{core_->lock};
        if (core_->closed_to(detail::change_of::runs)) return core_->refuse("config_erase");
        return detail::memory_config_erase(*core_, key);
    }
    [[nodiscard]] result<void> config_list(std::string_view prefix, std::vector<config_entry>& out, const instant& now)
    {
        const detail::memory_guard guard{core_->lock};
        detail::memory_config_list(*core_, prefix, out, now.wall);
        return {};
    }

#if QUEUECTL_HAS_THREADS
    // notifying_storage

    [[nodiscard]] change_counts changes() const { return core_->changes.now(); }
    change_counts wait_for_change(change_counts seen, duration max)
    {
        announce(true);
        core_->changes.wait(seen, max);
        announce(false);
        return core_->changes.now();
    }
    void interrupt_waits() { core_->changes.interrupt(); }
#endif

    // How much work claims have done since the start: records looked at and steps in heaps. For tests of their cost.
    [[nodiscard]] std::uint64_t claim_steps() const
    {
        const detail::memory_guard guard{core_->lock};
        std::uint64_t steps = core_->records_seen;
        core_->lanes.for_each_line([&](const detail::memory_line& line) { steps += line.steps(); });
        return steps;
    }

private:
    result<claim_info> claim_locked(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        if (core_->closed_to(detail::change_of::runs)) return core_->refuse("claim");
        claim_info info;
        info.reaped = core_->reap(now);
        detail::memory_claim claim{*core_, request, leases, now, std::min(request.max, max_batch)};
        if (request.repeat && claim.again() > 0)
            info.next_at = now.wall;
        else if (core_->gate == store_state::open)
            info.next_at = claim.take_due();
        claim.commit();
        return info;
    }
#if QUEUECTL_HAS_THREADS
    void announce(bool waits)
    {
        const detail::memory_guard guard{core_->lock};
        waits ? core_->changes.announce() : core_->changes.withdraw();
    }
#endif

    std::unique_ptr<detail::memory_core> core_;
};

static_assert(fused_storage<memory_storage>);
static_assert(inspectable_storage<memory_storage>);
static_assert(configurable_storage<memory_storage>);
static_assert(transferable_storage<memory_storage>);
static_assert(notifying_storage<memory_storage> == bool{QUEUECTL_HAS_THREADS});

}  // namespace queuectl::inline v0

#endif
