// The facets of sqlite_storage: inspectable, transferable, configurable, notifying.
#ifndef QUEUECTL_SQLITE_FACETS_HPP
#define QUEUECTL_SQLITE_FACETS_HPP

#include <queuectl/process/table_facets.hpp>
#include <queuectl/sqlite/config_rows.hpp>
#include <queuectl/sqlite/inspect.hpp>
#include <queuectl/sqlite/transfer.hpp>
#include <queuectl/sqlite/verify.hpp>
#include <queuectl/sqlite/verbs.hpp>

namespace queuectl::inline v0::detail::sqlite {

class facets : public table_facets<verbs> {
    using base = table_facets<verbs>;

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

    [[nodiscard]] result<change_status> reprioritise(std::string_view id, int priority, const instant& now)
    {
        if (priority < limits::priority_min || priority > limits::priority_max)
            return fail(errc::invalid_argument, "reprioritise", "priority is not within -128 and 127");
        change_status status{};
        auto done = store().write("reprioritise", durable::now,
                                  [&](transaction& tx) { return sqlite::reprioritise(tx, id, priority, status, now); });
        return told(std::move(done), std::move(status));
    }

    // Checks the pages of the file, that the tables agree, and that the output files are those that rows name; all of
    // it on one state of the store, without its lock. Reads everything.
    [[nodiscard]] result<verify_report> verify(const instant& now) const
    {
        return database_check{store()}.run(seconds(now));
    }

protected:
    using base::base;

private:
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
