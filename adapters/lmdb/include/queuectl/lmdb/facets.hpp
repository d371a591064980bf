// The facets of lmdb_storage: inspectable, configurable, notifying, transferable.
#ifndef QUEUECTL_LMDB_FACETS_HPP
#define QUEUECTL_LMDB_FACETS_HPP

#include <queuectl/lmdb/config_rows.hpp>
#include <queuectl/lmdb/inspect.hpp>
#include <queuectl/lmdb/restore.hpp>
#include <queuectl/lmdb/verbs.hpp>
#include <queuectl/lmdb/verify.hpp>
#include <queuectl/process/table_facets.hpp>

namespace queuectl::inline v0::detail::lmdb {

class facets : public table_facets<verbs> {
    using base = table_facets<verbs>;

public:
    [[nodiscard]] result<store_info> info() const
    {
        store_info out;
        auto done = store().read("info", [&](transaction& tx) {
            out.format = tx.head.format;
            out.min_reader = tx.head.min_reader;
            out.min_writer = tx.head.min_writer;
            out.id = {tx.head.id_high, tx.head.id_low};
            out.moved_to = tx.moved_to;
            out.state = tx.state();
            return 0;
        });
        out.read_only = out.state == store_state::read_only || store().options().read_only;
        out.location = store().path();
        out.durability = store().options().durability;
        return told(std::move(done), std::move(out));
    }

    // transferable_storage. In durability none and interval, too, both are durable when they return.

    [[nodiscard]] result<void> restore(std::span<const stored_job> jobs, std::span<insert_status> statuses,
                                       const instant&)
    {
        return store().write("restore", durable::always, access::begins,
                             [&](transaction& tx) { return lmdb::restore(tx, jobs, statuses); });
    }
    [[nodiscard]] result<void> set_state(store_state to, std::string_view moved_to = {})
    {
        return store().write("set_state", durable::always, access::state, [&](transaction& tx) {
            tx.head.state = static_cast<std::uint32_t>(to);
            tx.moved_to = moved_to;
            tx.header_changes();
            tx.work = tx.control = true;
            return 0;
        });
    }

    [[nodiscard]] result<void> revive(std::span<const std::string> ids, std::span<change_status> statuses,
                                      const instant& now)
    {
        return change("revive", access::begins, ids, statuses,
                      [&](transaction& tx, std::uint64_t sequence, state_view& s, change_status& status) {
                          return lmdb::revive(tx, sequence, s, status, now);
                      });
    }
    [[nodiscard]] result<void> cancel(std::span<const std::string> ids, std::span<change_status> statuses,
                                      const instant& now)
    {
        return change("cancel", access::ends, ids, statuses,
                      [&](transaction& tx, std::uint64_t sequence, state_view& s, change_status& status) {
                          return lmdb::cancel(tx, sequence, s, status, now);
                      });
    }
    [[nodiscard]] result<void> remove(std::span<const std::string> ids, std::span<change_status> statuses)
    {
        return change("remove", access::begins, ids, statuses,
                      [](transaction& tx, std::uint64_t sequence, state_view& s, change_status& status) {
                          return lmdb::remove(tx, sequence, s, status);
                      });
    }

    [[nodiscard]] result<change_status> reprioritise(std::string_view id, int priority, const instant& now)
    {
        if (priority < limits::priority_min || priority > limits::priority_max)
            return fail(errc::invalid_argument, "reprioritise", "priority is not within -128 and 127");
        const std::string one{id};
        change_status status{};
        auto done = change("reprioritise", access::begins, {&one, 1}, {&status, 1},
                           [&](transaction& tx, std::uint64_t sequence, state_view& s, change_status& told) {
                               return lmdb::reprioritise(tx, sequence, s, priority, told, now);
                           });
        return told(std::move(done), std::move(status));
    }

    // Checks the pages of the file, that the tables agree, and that the output files are those that runs name. Reads
    // everything, without the store's lock.
    [[nodiscard]] result<verify_report> verify(const instant& now) const
    {
        return store_check{store()}.run(seconds(now));
    }

protected:
    using base::base;

private:
    template <class Change>
    result<void> change(const char* verb, access kind, std::span<const std::string> ids,
                        std::span<change_status> statuses, Change one)
    {
        return store().write(verb, durable::now, kind, [&](transaction& tx) {
            return change_each(tx, ids, statuses, [&](std::uint64_t sequence, state_view& s, change_status& status) {
                return one(tx, sequence, s, status);
            });
        });
    }
};

}  // namespace queuectl::inline v0::detail::lmdb

#endif
