// insert.
#ifndef QUEUECTL_SQLITE_INSERT_HPP
#define QUEUECTL_SQLITE_INSERT_HPP

#include <queuectl/lease.hpp>
#include <queuectl/sqlite/transaction.hpp>

namespace queuectl::inline v0::detail::sqlite {

// Adds jobs in order; one seek in each of two indexes a job, one more while the dead letter queue is not empty.
class inserter {
public:
    inserter(transaction& tx, const instant& now)
        : tx_{tx},
          now_{now},
          insert_{tx.sql.get(sql::insert)},
          identify_{tx.sql.get(sql::identify)},
          identify_dead_{tx.sql.get(sql::identify_dead)}
    {
    }

    [[nodiscard]] int all(std::span<const job> jobs, std::span<insert_status> statuses)
    {
        const int rc = tx_.sql.get(sql::any_dead).step();
        if (rc != SQLITE_ROW && rc != SQLITE_DONE) return rc;
        any_dead_ = rc == SQLITE_ROW;
        for (std::size_t i = 0; i < jobs.size(); ++i)
            if (const int failed = one(jobs[i], statuses[i]); failed != SQLITE_OK) return failed;
        tx_.work = true;
        return SQLITE_OK;
    }

private:
    int one(const job& j, insert_status& status)
    {
        if (any_dead_ || !j.unique_key.empty()) {
            bool taken = false;
            if (const int rc = look(j, status, taken); rc != SQLITE_OK || taken) return rc;
        }
        if (next_ == 0) {
            if (const int rc = tx_.next_sequence(next_); rc != SQLITE_OK) return rc;
            first_ = next_;
        }
        if (const int rc = add(j); rc != SQLITE_OK) return rc;
        if (sqlite3_changes(tx_.sql.db()) == 0) return identify(identify_, j, status);
        tx_.count(j.queue, state::pending, +1);
        status = insert_status::inserted;
        return tx_.next_sequence(next_);
    }

    int add(const job& j)
    {
        const auto nonce = pack(j.nonce);
        const std::string depends_on = join_lines(j.depends_on);
        const bool text = j.payload.find('\0') == std::string::npos;
        insert_.bind(next_, j.id, j.queue, j.kind, int{j.priority}, j.run_at, std::int64_t{j.hold}, now_.wall,
                     j.max_retries, j.timeout, j.retention, j.backoff_base, or_null(nonce, j.nonce), optional(j.tag),
                     optional(j.key), optional(j.unique_key), optional(j.batch), optional(depends_on), optional(j.cwd),
                     blob{j.env});
        if (text)
            insert_.bind_at(21, std::string_view{j.payload});
        else
            insert_.bind_at(21, blob{j.payload});
        return insert_.run();
    }
    static text_or_null optional(const std::string& text) { return {text}; }

    // The id, dead ones included, then the unique key.
    int look(const job& j, insert_status& status, bool& taken)
    {
        taken = true;
        for (auto* by_id : {&identify_, &identify_dead_}) {
            const int rc = identify(*by_id, j, status);
            if (rc != SQLITE_DONE) return rc;
        }
        taken = false;
        if (j.unique_key.empty()) return SQLITE_OK;
        auto waiting = tx_.sql.get(sql::unique_waiting);
        const int rc = waiting.bind(j.unique_key).step();
        taken = rc == SQLITE_ROW;
        if (taken) status = insert_status::kept;
        return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
    }

    // SQLITE_OK = the id is taken and `status` says by whom; SQLITE_DONE = it is free.
    int identify(statement& by_id, const job& j, insert_status& status)
    {
        const int rc = by_id.bind(j.id).step();
        if (rc == SQLITE_ROW) {
            const bool earlier = first_ == 0 || by_id.integer(0) < first_;
            const bool same = earlier && j.nonce && unpack_uid(by_id.bytes(1)) == j.nonce;
            status = same ? insert_status::inserted : insert_status::duplicate;
        }
        by_id.reset();
        return rc == SQLITE_ROW ? SQLITE_OK : rc;
    }

    transaction& tx_;
    const instant& now_;
    statement insert_;
    statement identify_;
    statement identify_dead_;
    std::int64_t first_ = 0;  // the first sequence that this call gave
    std::int64_t next_ = 0;
    bool any_dead_ = false;
};

}  // namespace queuectl::inline v0::detail::sqlite

#endif
