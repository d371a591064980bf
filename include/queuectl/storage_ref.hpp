// A storage that is owned elsewhere.
#ifndef QUEUECTL_STORAGE_REF_HPP
#define QUEUECTL_STORAGE_REF_HPP

#include <queuectl/facets.hpp>

namespace queuectl::inline v0 {

// Refers to a storage that outlives it, so that several queues of one process (a producer and some workers,
// say) share it. It has the verbs and facets of what it refers to, and its thread safety.
template <storage S>
class storage_ref {
public:
    static constexpr std::size_t max_batch = storage_traits<S>::max_batch;
    static constexpr bool single_thread = storage_traits<S>::single_thread;
    static constexpr duration default_retention = storage_traits<S>::default_retention;

    explicit storage_ref(S& s) noexcept : s_{&s} {}

    result<void> insert(std::span<const job> jobs, std::span<insert_status> statuses, const instant& now)
    {
        return s_->insert(jobs, statuses, now);
    }
    result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        return s_->claim(request, leases, now);
    }
    result<void> extend(std::span<const receipt> receipts, duration d, std::span<extend_status> statuses,
                        const instant& now)
    {
        return s_->extend(receipts, d, statuses, now);
    }
    result<void> settle(std::span<const settlement> settlements, std::span<settle_status> statuses, const instant& now)
    {
        return s_->settle(settlements, statuses, now);
    }
    result<claim_info> settle_and_claim(std::span<const settlement> settlements, std::span<settle_status> statuses,
                                        const claim_request& request, std::vector<lease>& leases,
                                        const instant& now) requires fused_storage<S>
    {
        return s_->settle_and_claim(settlements, statuses, request, leases, now);
    }

    result<store_info> info() requires inspectable_storage<S> { return s_->info(); }
    result<std::optional<job_record>> find(std::string_view id) requires inspectable_storage<S> { return s_->find(id); }
    result<std::uint64_t> list(const job_filter& filter, const page_request& page,
                               std::vector<job_record>& out) requires inspectable_storage<S>
    {
        return s_->list(filter, page, out);
    }
    result<void> attempts(std::string_view id, std::vector<attempt>& out) requires inspectable_storage<S>
    {
        return s_->attempts(id, out);
    }
    result<run_output> output(std::string_view id, std::int32_t number) requires inspectable_storage<S>
    {
        return s_->output(id, number);
    }
    result<void> counts(std::vector<queue_counts>& out) requires inspectable_storage<S> { return s_->counts(out); }
    result<void> revive(std::span<const std::string> ids, std::span<change_status> statuses,
                        const instant& now) requires inspectable_storage<S>
    {
        return s_->revive(ids, statuses, now);
    }
    result<void> cancel(std::span<const std::string> ids, std::span<change_status> statuses,
                        const instant& now) requires inspectable_storage<S>
    {
        return s_->cancel(ids, statuses, now);
    }
    result<void> remove(std::span<const std::string> ids,
                        std::span<change_status> statuses) requires inspectable_storage<S>
    {
        return s_->remove(ids, statuses);
    }
    result<std::size_t> purge(const job_filter& filter, std::size_t limit) requires inspectable_storage<S>
    {
        return s_->purge(filter, limit);
    }
    result<change_status> reprioritise(std::string_view id, int priority,
                                       const instant& now) requires inspectable_storage<S>
    {
        return s_->reprioritise(id, priority, now);
    }
    result<std::size_t> free_worker(std::string_view name, std::string_view cause,
                                    const instant& now) requires inspectable_storage<S>
    {
        return s_->free_worker(name, cause, now);
    }

    result<void> restore(std::span<const stored_job> jobs, std::span<insert_status> statuses,
                         const instant& now) requires transferable_storage<S>
    {
        return s_->restore(jobs, statuses, now);
    }
    result<void> set_state(store_state state, std::string_view moved_to) requires transferable_storage<S>
    {
        return s_->set_state(state, moved_to);
    }

    result<std::optional<config_entry>> config_get(std::string_view key,
                                                   const instant& now) requires configurable_storage<S>
    {
        return s_->config_get(key, now);
    }
    result<std::uint64_t> config_put(const config_entry& entry, const instant& now) requires configurable_storage<S>
    {
        return s_->config_put(entry, now);
    }
    result<bool> config_erase(std::string_view key) requires configurable_storage<S> { return s_->config_erase(key); }
    result<void> config_list(std::string_view prefix, std::vector<config_entry>& out,
                             const instant& now) requires configurable_storage<S>
    {
        return s_->config_list(prefix, out, now);
    }

    change_counts changes() requires notifying_storage<S> { return s_->changes(); }
    change_counts wait_for_change(change_counts seen, duration max) requires notifying_storage<S>
    {
        return s_->wait_for_change(seen, max);
    }
    void interrupt_waits() requires notifying_storage<S> { s_->interrupt_waits(); }

private:
    S* s_;
};

}  // namespace queuectl::inline v0

#endif
