// The storage of a store that does not exist: empty to every read, refuses every write.
#ifndef QUEUECTL_COMMAND_MISSING_STORAGE_HPP
#define QUEUECTL_COMMAND_MISSING_STORAGE_HPP

#include <queuectl/facets.hpp>

#include <algorithm>

namespace queuectl::command {

class missing_storage {
public:
    explicit missing_storage(std::string location) : location_{std::move(location)} {}

    result<void> insert(std::span<const job>, std::span<insert_status>, const instant&) { return refuse("insert"); }
    result<claim_info> claim(const claim_request&, std::vector<lease>&, const instant&) { return claim_info{}; }
    result<void> extend(std::span<const receipt>, duration, std::span<extend_status> statuses, const instant&)
    {
        std::fill(statuses.begin(), statuses.end(), extend_status::lease_lost);
        return {};
    }
    result<void> settle(std::span<const settlement>, std::span<settle_status> statuses, const instant&)
    {
        std::fill(statuses.begin(), statuses.end(), settle_status::gone);
        return {};
    }

    result<store_info> info()
    {
        store_info i;
        i.location = location_;
        return i;
    }
    result<std::optional<job_record>> find(std::string_view) { return std::optional<job_record>{}; }
    result<std::uint64_t> list(const job_filter&, const page_request&, std::vector<job_record>&)
    {
        return std::uint64_t{0};
    }
    result<void> attempts(std::string_view, std::vector<attempt>&) { return {}; }
    result<run_output> output(std::string_view, std::int32_t) { return fail(errc::not_found, "output", "no such job"); }
    result<void> counts(std::vector<queue_counts>&) { return {}; }
    result<void> revive(std::span<const std::string>, std::span<change_status> statuses, const instant&)
    {
        return none(statuses);
    }
    result<void> cancel(std::span<const std::string>, std::span<change_status> statuses, const instant&)
    {
        return none(statuses);
    }
    result<void> remove(std::span<const std::string>, std::span<change_status> statuses) { return none(statuses); }
    result<std::size_t> purge(const job_filter&, std::size_t) { return std::size_t{0}; }
    result<change_status> reprioritise(std::string_view, int, const instant&) { return change_status::not_found; }
    result<std::size_t> free_worker(std::string_view, std::string_view, const instant&) { return std::size_t{0}; }

    result<std::optional<config_entry>> config_get(std::string_view, const instant&)
    {
        return std::optional<config_entry>{};
    }
    result<std::uint64_t> config_put(const config_entry&, const instant&) { return refuse("config_put"); }
    result<bool> config_erase(std::string_view) { return false; }
    result<void> config_list(std::string_view, std::vector<config_entry>&, const instant&) { return {}; }

    change_counts changes() { return {}; }
    change_counts wait_for_change(change_counts, duration) { return {}; }
    void interrupt_waits() {}

private:
    failure_value refuse(const char* verb) const { return fail(errc::not_found, verb, location_ + " does not exist"); }
    static result<void> none(std::span<change_status> statuses)
    {
        std::fill(statuses.begin(), statuses.end(), change_status::not_found);
        return {};
    }
    std::string location_;
};

}  // namespace queuectl::command

#endif
