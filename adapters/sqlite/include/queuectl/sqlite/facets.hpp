// The facets of sqlite_storage: inspectable, transferable, configurable, notifying.
#ifndef QUEUECTL_SQLITE_FACETS_HPP
#define QUEUECTL_SQLITE_FACETS_HPP

#include <queuectl/sqlite/config_rows.hpp>
#include <queuectl/sqlite/inspect.hpp>
#include <queuectl/sqlite/transfer.hpp>
#include <queuectl/sqlite/verify.hpp>
#include <queuectl/sqlite/verbs.hpp>

namespace queuectl::inline v0::detail::sqlite {

class facets : public verbs {
public:
    [[nodiscard]] result<store_info> info() const
    {
        store_info out;
        auto done = store().read("info", [&](transaction& tx) {
            out.format = static_cast<std::uint32_t>(tx.head.format);
            out.min_reader = static_cast<std::uint32_t>(tx.head.min_reader);
            out.min_writer = static_cast<std::uint32_t>(tx.head.min_writer);
            out.id = uid_from_hex(tx.head.store_id);
            out.moved_to = tx.head.moved_to;
            out.state = tx.head.state;
            out.read_only = out.state == store_state::read_only || store().options().read_only;
            return SQLITE_OK;
        });
        out.location = store().path();
        const auto kept = store().options().durability;
        out.durability = kept == durability::full ? kept : durability::none;
        return told(std::move(done), std::move(out));
    }

    // transferable_storage. Attempts that wrote more than fits a row get files, as those of a settle do.
    [[nodiscard]] result<void> set_state(store_state to, std::string_view moved_to = {})
    {
        return store().write("set_state", durable::always, change_of::the_state, [&](transaction& tx) {
            tx.work = tx.control = true;
            return tx.sql.get(sql::set_state).bind(static_cast<int>(to), moved_to).run();
        });
    }
    [[nodiscard]] result<void> restore(std::span<const stored_job> jobs, std::span<insert_status> statuses,
                                       const instant&)
    {
        return store().write("restore", durable::always,
                             [&](transaction& tx) { return sqlite::restore(tx, jobs, statuses); });
    }

    [[nodiscard]] result<std::optional<job_record>> find(std::string_view id) const
    {
        std::optional<job_record> out;
        auto done = store().read("find", [&](transaction& tx) { return sqlite::find(tx, id, out); });
        return told(std::move(done), std::move(out));
    }

    [[nodiscard]] result<std::uint64_t> list(const job_filter& filter, const page_request& page,
                                             std::vector<job_record>& out) const
    {
        std::uint64_t next = 0;
        auto done = store().read("list", [&](transaction& tx) { return sqlite::list(tx, filter, page, out, next); });
        return told(std::move(done), std::move(next));
    }

    [[nodiscard]] result<void> attempts(std::string_view id, std::vector<attempt>& out) const
    {
        return store().read("attempts", [&](transaction& tx) { return sqlite::attempts(tx, id, out); });
    }

    [[nodiscard]] result<run_output> output(std::string_view id, std::int32_t number) const
    {
        kept_output kept;
        auto done = store().read("output", [&](transaction& tx) { return sqlite::output(tx, id, number, kept); });
        if (done && !kept.log.empty()) {
            auto bytes = store().read_output(kept.log);
            if (!bytes) return fail(bytes.error());
            split_output(kept, std::move(*bytes));
        }
        return told(std::move(done), std::move(kept.output));
    }

    [[nodiscard]] result<void> counts(std::vector<queue_counts>& out) const
    {
        return store().read("counts", [&](transaction& tx) { return sqlite::counts(tx, out); });
    }

    [[nodiscard]] result<void> revive(std::span<const std::string> ids, std::span<change_status> statuses,
                                      const instant& now)
    {
        return change("revive", change_of::jobs, ids, statuses,
                      [&](transaction& tx, const job_place& job, change_status& status) {
                          return sqlite::revive(tx, job, status, now);
                      });
    }
    [[nodiscard]] result<void> cancel(std::span<const std::string> ids, std::span<change_status> statuses,
                                      const instant& now)
    {
        return change("cancel", change_of::runs, ids, statuses,
                      [&](transaction& tx, const job_place& job, change_status& status) {
                          return sqlite::cancel(tx, job, status, now);
                      });
    }
    [[nodiscard]] result<void> remove(std::span<const std::string> ids, std::span<change_status> statuses)
    {
        return change("remove", change_of::jobs, ids, statuses,
                      [](transaction& tx, const job_place& job, change_status& status) {
                          return sqlite::remove(tx, job, status);
                      });
    }

    // Looks for the jobs without a lock, then removes those that are still final. errc::… as for every write.
    [[nodiscard]] result<std::size_t> purge(const job_filter& filter, std::size_t limit)
    {
        std::vector<std::string> ids;
        std::size_t count = 0;
        const auto most = std::min(limit, limits::sweep);
        auto done = store().read("purge", [&](transaction& tx) { return purgeable(tx, filter, most, ids); });
        if (done)
            done = store().write("purge", durable::now, [&](transaction& tx) { return sqlite::purge(tx, ids, count); });
        return told(std::move(done), std::move(count));
    }

    [[nodiscard]] result<change_status> reprioritise(std::string_view id, int priority, const instant& now)
    {
        if (priority < limits::priority_min || priority > limits::priority_max)
            return fail(errc::invalid_argument, "reprioritise", "priority is not within -128 and 127");
        change_status status{};
        auto done = store().write("reprioritise", durable::now,
                                  [&](transaction& tx) { return sqlite::reprioritise(tx, id, priority, status, now); });
        return told(std::move(done), std::move(status));
    }

    [[nodiscard]] result<std::size_t> free_worker(std::string_view worker, std::string_view cause, const instant& now)
    {
        std::size_t freed = 0;
        auto done = store().write("free_worker", durable::now, change_of::runs,
                                  [&](transaction& tx) { return sqlite::free_worker(tx, worker, cause, now, freed); });
        return told(std::move(done), std::move(freed));
    }

    [[nodiscard]] result<std::optional<config_entry>> config_get(std::string_view key, const instant& now) const
    {
        std::optional<config_entry> out;
        auto done = store().read("config_get", [&](transaction& tx) { return sqlite::config_get(tx, key, now, out); });
        return told(std::move(done), std::move(out));
    }
    [[nodiscard]] result<std::uint64_t> config_put(const config_entry& entry, const instant& now)
    {
        std::uint64_t version = 0;
        auto done = store().write("config_put", durable::now, change_of::runs,
                                  [&](transaction& tx) { return sqlite::config_put(tx, entry, now, version); });
        return told(std::move(done), std::move(version));
    }
    [[nodiscard]] result<bool> config_erase(std::string_view key)
    {
        bool erased = false;
        auto done = store().write("config_erase", durable::now, change_of::runs,
                                  [&](transaction& tx) { return sqlite::config_erase(tx, key, erased); });
        return told(std::move(done), std::move(erased));
    }
    [[nodiscard]] result<void> config_list(std::string_view prefix, std::vector<config_entry>& out,
                                           const instant& now) const
    {
        return store().read("config_list", [&](transaction& tx) { return sqlite::config_list(tx, prefix, now, out); });
    }

    // Sleeps on a word that every writer bumps. Commits of programs that do not (the sqlite3 tool, a transaction of
    // the user's) are seen within five seconds.
    [[nodiscard]] change_counts changes() const noexcept { return store().files().wake->changes(); }
    change_counts wait_for_change(change_counts seen, duration max) { return store().wait(seen, max); }
    void interrupt_waits() noexcept { store().files().wake->interrupt(); }

    // Checks the pages of the file, that the tables agree, and that the output files are those that rows name; all of
    // it on one state of the store, without its lock. Reads everything.
    [[nodiscard]] result<verify_report> verify(const instant& now) const
    {
        return database_check{store()}.run(seconds(now));
    }

    // Removes up to limits::sweep output files that no run names, and that are an hour old: what a settle left that
    // failed, or whose process died.
    [[nodiscard]] result<output_sweep> sweep_outputs(const instant& now)
    {
        auto names = orphaned_outputs(store(), seconds(now));
        if (!names) return fail(names.error());
        if (names->size() > limits::sweep) names->resize(limits::sweep);
        for (const auto& name : *names) remove_log(*store().logs(), name);
        return output_sweep{names->size(), names->size() < limits::sweep};
    }

protected:
    using verbs::verbs;

private:
    static std::int64_t seconds(const instant& now)
    {
        return std::chrono::duration_cast<std::chrono::seconds>(now.wall.time_since_epoch()).count();
    }

    template <class T>
    static result<T> told(result<void>&& done, T&& value)
    {
        if (!done) return fail(done.error());
        return std::move(value);
    }

    template <class Change>
    result<void> change(const char* verb, change_of what, std::span<const std::string> ids,
                        std::span<change_status> statuses, Change one)
    {
        return store().write(verb, durable::now, what, [&](transaction& tx) {
            return change_each(tx, ids, statuses,
                               [&](const job_place& job, change_status& status) { return one(tx, job, status); });
        });
    }
};

}  // namespace queuectl::inline v0::detail::sqlite

#endif
