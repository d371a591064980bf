// The storages of the command behind one virtual interface: one instantiation of the queue serves every store.
#ifndef QUEUECTL_COMMAND_ANY_STORAGE_HPP
#define QUEUECTL_COMMAND_ANY_STORAGE_HPP

#include <queuectl/facets.hpp>
#include <queuectl/storage_ref.hpp>
#include <queuectl/verify_report.hpp>

#include <memory>
#include <utility>

namespace queuectl::command {

// Satisfies storage, fused_storage and every facet; a queue
// takes it as storage_ref<any_storage>. Thread safety: that of what it holds.
class any_storage {
public:
    static constexpr std::size_t max_batch = 1000;

    any_storage() = default;
    any_storage(const any_storage&) = delete;
    any_storage& operator=(const any_storage&) = delete;
    virtual ~any_storage() = default;

    virtual result<void> insert(std::span<const job>, std::span<insert_status>, const instant&) = 0;
    virtual result<claim_info> claim(const claim_request&, std::vector<lease>&, const instant&) = 0;
    virtual result<void> extend(std::span<const receipt>, duration, std::span<extend_status>, const instant&) = 0;
    virtual result<void> settle(std::span<const settlement>, std::span<settle_status>, const instant&) = 0;
    virtual result<claim_info> settle_and_claim(std::span<const settlement>, std::span<settle_status>,
                                                const claim_request&, std::vector<lease>&, const instant&) = 0;

    virtual result<store_info> info() = 0;
    virtual result<std::optional<job_record>> find(std::string_view id) = 0;
    virtual result<std::uint64_t> list(const job_filter&, const page_request&, std::vector<job_record>&) = 0;
    virtual result<void> attempts(std::string_view id, std::vector<attempt>&) = 0;
    virtual result<run_output> output(std::string_view id, std::int32_t number) = 0;
    virtual result<void> counts(std::vector<queue_counts>&) = 0;
    virtual result<void> revive(std::span<const std::string>, std::span<change_status>, const instant&) = 0;
    virtual result<void> cancel(std::span<const std::string>, std::span<change_status>, const instant&) = 0;
    virtual result<void> remove(std::span<const std::string>, std::span<change_status>) = 0;
    virtual result<std::size_t> purge(const job_filter&, std::size_t limit) = 0;
    virtual result<change_status> reprioritise(std::string_view id, int priority, const instant&) = 0;
    virtual result<std::size_t> free_worker(std::string_view worker, std::string_view cause, const instant&) = 0;

    virtual result<void> restore(std::span<const stored_job>, std::span<insert_status>, const instant&) = 0;
    virtual result<void> set_state(store_state, std::string_view moved_to) = 0;

    virtual result<std::optional<config_entry>> config_get(std::string_view key, const instant&) = 0;
    virtual result<std::uint64_t> config_put(const config_entry&, const instant&) = 0;
    virtual result<bool> config_erase(std::string_view key) = 0;
    virtual result<void> config_list(std::string_view prefix, std::vector<config_entry>&, const instant&) = 0;

    virtual change_counts changes() = 0;
    virtual change_counts wait_for_change(change_counts seen, duration max) = 0;
    virtual void interrupt_waits() = 0;

    // What the store can check beyond its facets; nothing where there is nothing more.
    virtual result<verify_report> verify(const instant&) { return verify_report{}; }
    // A bounded step of removing output files that no run names and none will.
    virtual result<output_sweep> sweep_outputs(const instant&) { return output_sweep{}; }
    // One line for each setting of a server that cannot keep a promise.
    virtual result<std::vector<std::string>> doubts() { return std::vector<std::string>{}; }
    // False: a view of a store that cannot be changed.
    [[nodiscard]] virtual bool writable() const { return true; }
};

static_assert(fused_storage<any_storage> && inspectable_storage<any_storage> && configurable_storage<any_storage> &&
              notifying_storage<any_storage> && transferable_storage<any_storage>);

// A concrete storage as an any_storage.
template <class S>
class stored final : public any_storage {
    static_assert(inspectable_storage<S> && configurable_storage<S> && notifying_storage<S>);
    static_assert(storage_traits<S>::max_batch >= any_storage::max_batch);

public:
    stored() = default;
    explicit stored(S s) : s_{std::move(s)} {}

    result<void> insert(std::span<const job> jobs, std::span<insert_status> statuses, const instant& now) override
    {
        return s_.insert(jobs, statuses, now);
    }
    result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now) override
    {
        return s_.claim(request, leases, now);
    }
    result<void> extend(std::span<const receipt> receipts, duration d, std::span<extend_status> statuses,
                        const instant& now) override
    {
        return s_.extend(receipts, d, statuses, now);
    }
    result<void> settle(std::span<const settlement> settlements, std::span<settle_status> statuses,
                        const instant& now) override
    {
        return s_.settle(settlements, statuses, now);
    }
    result<claim_info> settle_and_claim(std::span<const settlement> settlements, std::span<settle_status> statuses,
                                        const claim_request& request, std::vector<lease>& leases,
                                        const instant& now) override
    {
        return queuectl::settle_and_claim(s_, settlements, statuses, request, leases, now);
    }

    result<store_info> info() override { return s_.info(); }
    result<std::optional<job_record>> find(std::string_view id) override { return s_.find(id); }
    result<std::uint64_t> list(const job_filter& filter, const page_request& page,
                               std::vector<job_record>& out) override
    {
        return s_.list(filter, page, out);
    }
    result<void> attempts(std::string_view id, std::vector<attempt>& out) override { return s_.attempts(id, out); }
    result<run_output> output(std::string_view id, std::int32_t number) override { return s_.output(id, number); }
    result<void> counts(std::vector<queue_counts>& out) override { return s_.counts(out); }
    result<void> revive(std::span<const std::string> ids, std::span<change_status> statuses,
                        const instant& now) override
    {
        return s_.revive(ids, statuses, now);
    }
    result<void> cancel(std::span<const std::string> ids, std::span<change_status> statuses,
                        const instant& now) override
    {
        return s_.cancel(ids, statuses, now);
    }
    result<void> remove(std::span<const std::string> ids, std::span<change_status> statuses) override
    {
        return s_.remove(ids, statuses);
    }
    result<std::size_t> purge(const job_filter& filter, std::size_t limit) override { return s_.purge(filter, limit); }
    result<change_status> reprioritise(std::string_view id, int priority, const instant& now) override
    {
        return s_.reprioritise(id, priority, now);
    }
    result<std::size_t> free_worker(std::string_view worker, std::string_view cause, const instant& now) override
    {
        return s_.free_worker(worker, cause, now);
    }

    // errc::unsupported where the storage has no such facet.
    result<void> restore(std::span<const stored_job> jobs, std::span<insert_status> statuses,
                         const instant& now) override
    {
        if constexpr (transferable_storage<S>)
            return s_.restore(jobs, statuses, now);
        else
            return fail(errc::unsupported, "restore", "this store takes no jobs of others");
    }
    result<void> set_state(store_state state, std::string_view moved_to) override
    {
        if constexpr (transferable_storage<S>)
            return s_.set_state(state, moved_to);
        else
            return fail(errc::unsupported, "set_state", "this store cannot be moved");
    }

    result<std::optional<config_entry>> config_get(std::string_view key, const instant& now) override
    {
        return s_.config_get(key, now);
    }
    result<std::uint64_t> config_put(const config_entry& entry, const instant& now) override
    {
        return s_.config_put(entry, now);
    }
    result<bool> config_erase(std::string_view key) override { return s_.config_erase(key); }
    result<void> config_list(std::string_view prefix, std::vector<config_entry>& out, const instant& now) override
    {
        return s_.config_list(prefix, out, now);
    }

    change_counts changes() override { return s_.changes(); }
    change_counts wait_for_change(change_counts seen, duration max) override { return s_.wait_for_change(seen, max); }
    void interrupt_waits() override { s_.interrupt_waits(); }

    result<verify_report> verify(const instant& now) override
    {
        if constexpr (requires { s_.verify(now); })
            return s_.verify(now);
        else
            return any_storage::verify(now);
    }
    result<std::vector<std::string>> doubts() override
    {
        if constexpr (requires { s_.doubts(); })
            return s_.doubts();
        else
            return any_storage::doubts();
    }
    [[nodiscard]] bool writable() const override
    {
        if constexpr (requires { S::writable(); })
            return S::writable();
        else
            return true;
    }
    result<output_sweep> sweep_outputs(const instant& now) override
    {
        if constexpr (requires { s_.sweep_outputs(now); })
            return s_.sweep_outputs(now);
        else
            return any_storage::sweep_outputs(now);
    }

private:
    S s_;
};

template <class S>
[[nodiscard]] std::unique_ptr<any_storage> erase_type(S s)
{
    return std::make_unique<stored<S>>(std::move(s));
}

}  // namespace queuectl::command

#endif
