// A queue inside the user's own database and transaction.
#ifndef QUEUECTL_SQLITE_USER_TRANSACTION_HPP
#define QUEUECTL_SQLITE_USER_TRANSACTION_HPP

#include <queuectl/sqlite/claim.hpp>
#include <queuectl/sqlite/failure.hpp>
#include <queuectl/sqlite/insert.hpp>
#include <queuectl/sqlite/settle.hpp>

namespace queuectl::inline v0 {

// A storage on a connection of the user's: each verb is a savepoint in whatever transaction is open there, and stands
// or falls with it. It takes no lock of the queue, never checkpoints, and wakes nobody: after the commit call
// sqlite_storage::notify(path), or workers see the change within five seconds. Long output stays in the database.
//
// The database has the tables of sqlite_storage::create_schema(db) and journal_mode=WAL. The user sets, on this and on
// every other connection that writes while workers run: a busy_timeout, synchronous=FULL (for what is acknowledged to
// survive power loss), and wal_autocheckpoint=0 with SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE: the queue's own writers
// checkpoint, and SQLite before 3.51.3 can corrupt a database when two connections checkpoint and write at once.
//
// One thread at a time, as for the connection itself, which must outlive this.
class sqlite_transaction {
    using context = detail::sqlite::transaction;
    using change_of = detail::change_of;

public:
    static constexpr bool single_thread = true;

    explicit sqlite_transaction(sqlite3* db) : statements_{db}
    {
        static_cast<void>(detail::sqlite::row_tables::add_to(db));  // what fails here is told by the first verb
    }

    [[nodiscard]] result<void> insert(std::span<const job> jobs, std::span<insert_status> statuses, const instant& now)
    {
        return step("insert", change_of::jobs, [&](context& tx) {
            return detail::sqlite::inserter{tx, now}.all(jobs, statuses);
        });
    }

    [[nodiscard]] result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        claim_info info;
        const auto before = leases.size();
        auto done = step("claim", change_of::runs,
                         [&](context& tx) { return detail::sqlite::claim(tx, request, leases, info, now); });
        if (done) return info;
        leases.resize(before);
        return fail(done.error());
    }

    [[nodiscard]] result<void> extend(std::span<const receipt> receipts, duration d, std::span<extend_status> statuses,
                                      const instant& now)
    {
        return step("extend", change_of::runs,
                    [&](context& tx) { return detail::sqlite::extend(tx, receipts, d, statuses, now); });
    }

    [[nodiscard]] result<void> settle(std::span<const settlement> settlements, std::span<settle_status> statuses,
                                      const instant& now)
    {
        return step("settle", change_of::runs, [&](context& tx) {
            return detail::sqlite::settler{tx, now}.all(settlements, statuses);
        });
    }

private:
    template <class Body>
    result<void> step(const char* verb, change_of what, Body body)
    {
        using namespace detail::sqlite;
        context tx{statements_};
        const bool alone = sqlite3_get_autocommit(statements_.db()) != 0;
        int rc = statements_.get(sql::savepoint).run();
        if (rc == SQLITE_OK) rc = tx.check_writable(verb, what);
        if (rc == SQLITE_OK) rc = body(tx);
        if (rc == SQLITE_OK) rc = tx.finish();
        const auto when = rc == SQLITE_OK && alone ? stage::commit : stage::before_commit;
        if (rc == SQLITE_OK) rc = statements_.get(sql::release).run();
        if (rc == SQLITE_OK) return {};
        auto why = tx.refusal ? std::move(*tx.refusal) : failed(statements_.db(), rc, verb, when);
        if (sqlite3_get_autocommit(statements_.db()) == 0) {
            static_cast<void>(statements_.get(sql::rollback_to).run());
            static_cast<void>(statements_.get(sql::release).run());
        }
        return why;
    }

    detail::sqlite::statements statements_;
};

static_assert(storage<sqlite_transaction>);

}  // namespace queuectl::inline v0

#endif
