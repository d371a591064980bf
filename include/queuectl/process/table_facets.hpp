// What is the same in the facets of every store in tables that processes of one machine share. POSIX.
#ifndef QUEUECTL_PROCESS_TABLE_FACETS_HPP
#define QUEUECTL_PROCESS_TABLE_FACETS_HPP

#include <queuectl/facets.hpp>
#include <queuectl/limits.hpp>
#include <queuectl/process/kept_outputs.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace queuectl::inline v0::detail {

// Verbs: store(), the open store, and in one transaction that is as durable as the store promises, write_jobs(verb,
// body) and write_runs(verb, body), which goes on in a moving store. Each facet is one call of a function of the
// tables, found by its transaction: int, 0 when it was done.
//
//     find_job list_jobs list_runs find_output count_jobs                       what is there
//     purgeable purge_jobs free_leases                                          jobs that have ended, leases
//     get_entry put_entry erase_entry list_entries                              settings
template <class Verbs>
class table_facets : public Verbs {
public:
    [[nodiscard]] result<std::optional<job_record>> find(std::string_view id) const
    {
        std::optional<job_record> out;
        auto done = store().read("find", [&](auto& tx) { return find_job(tx, id, out); });
        return told(std::move(done), std::move(out));
    }

    [[nodiscard]] result<std::uint64_t> list(const job_filter& filter, const page_request& page,
                                             std::vector<job_record>& out) const
    {
        std::uint64_t next = 0;
        auto done = store().read("list", [&](auto& tx) { return list_jobs(tx, filter, page, out, next); });
        return told(std::move(done), std::move(next));
    }

    [[nodiscard]] result<void> attempts(std::string_view id, std::vector<attempt>& out) const
    {
        return store().read("attempts", [&](auto& tx) { return list_runs(tx, id, out); });
    }

    [[nodiscard]] result<run_output> output(std::string_view id, std::int32_t number) const
    {
        kept_output kept;
        auto done = store().read("output", [&](auto& tx) { return find_output(tx, id, number, kept); });
        if (done && !kept.log.empty()) {
            auto bytes = store().read_output(kept.log);
            if (!bytes) return fail(bytes.error());
            split_output(kept, std::move(*bytes));
        }
        return told(std::move(done), std::move(kept.output));
    }

    [[nodiscard]] result<void> counts(std::vector<queue_counts>& out) const
    {
        return store().read("counts", [&](auto& tx) { return count_jobs(tx, out); });
    }

    // Looks for the jobs without a lock, then removes those that are still final. errc::… as for every write.
    [[nodiscard]] result<std::size_t> purge(const job_filter& filter, std::size_t limit)
    {
        std::vector<std::string> ids;
        std::size_t count = 0;
        const auto most = std::min(limit, limits::sweep);
        auto done = store().read("purge", [&](auto& tx) { return purgeable(tx, filter, most, ids); });
        if (done) done = this->write_jobs("purge", [&](auto& tx) { return purge_jobs(tx, ids, count); });
        return told(std::move(done), std::move(count));
    }

    [[nodiscard]] result<std::size_t> free_worker(std::string_view worker, std::string_view cause, const instant& now)
    {
        std::size_t freed = 0;
        auto done = this->write_runs("free_worker", [&](auto& tx) {
            freed = 0;
            return free_leases(tx, worker, cause, now, freed);
        });
        return told(std::move(done), std::move(freed));
    }

    [[nodiscard]] result<std::optional<config_entry>> config_get(std::string_view key, const instant& now) const
    {
        std::optional<config_entry> out;
        auto done = store().read("config_get", [&](auto& tx) { return get_entry(tx, key, now, out); });
        return told(std::move(done), std::move(out));
    }
    [[nodiscard]] result<std::uint64_t> config_put(const config_entry& entry, const instant& now)
    {
        std::uint64_t version = 0;
        auto done = this->write_runs("config_put", [&](auto& tx) { return put_entry(tx, entry, now, version); });
        return told(std::move(done), std::move(version));
    }
    [[nodiscard]] result<bool> config_erase(std::string_view key)
    {
        bool erased = false;
        auto done = this->write_runs("config_erase", [&](auto& tx) { return erase_entry(tx, key, erased); });
        return told(std::move(done), std::move(erased));
    }
    [[nodiscard]] result<void> config_list(std::string_view prefix, std::vector<config_entry>& out,
                                           const instant& now) const
    {
        return store().read("config_list", [&](auto& tx) { return list_entries(tx, prefix, now, out); });
    }

    // Sleeps on a word that every writer bumps. Commits of programs that do not (another tool, a transaction of the
    // user's) are seen within five seconds.
    [[nodiscard]] change_counts changes() const noexcept { return store().files().wake->changes(); }
    change_counts wait_for_change(change_counts seen, duration max) { return store().wait(seen, max); }
    void interrupt_waits() noexcept { store().files().wake->interrupt(); }

    // Removes up to limits::sweep output files that no run names, and that are an hour old: what a settle left that
    // failed, or whose process died.
    [[nodiscard]] result<output_sweep> sweep_outputs(const instant& now)
    {
        return sweep_orphaned_outputs(store(), seconds(now));
    }

protected:
    using Verbs::Verbs;

    [[nodiscard]] auto& store() const noexcept { return Verbs::store(); }

    [[nodiscard]] static std::int64_t seconds(const instant& now)
    {
        return std::chrono::duration_cast<std::chrono::seconds>(now.wall.time_since_epoch()).count();
    }

    template <class T>
    static result<T> told(result<void>&& done, T&& value)
    {
        if (!done) return fail(done.error());
        return std::move(value);
    }
};

}  // namespace queuectl::inline v0::detail

#endif
