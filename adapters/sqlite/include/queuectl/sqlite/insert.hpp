// insert.
#ifndef QUEUECTL_SQLITE_INSERT_HPP
#define QUEUECTL_SQLITE_INSERT_HPP

#include <queuectl/lease.hpp>
#include <queuectl/sqlite/transaction.hpp>

#include <span>

namespace queuectl::inline v0::detail::sqlite {

// A row of queuectl_new_jobs.
struct new_job_row {
    const job* what;
    insert_status* status;
    std::int64_t sequence;
    packed<16> nonce{};
    std::string depends_on{};
    std::int64_t lane = -1;  // none: it is not in line

    void give(int column, sqlite3_context* out) const
    {
        const job& j = *what;
        switch (column) {
            case 0: return sqlite::give(out, sequence);
            case 1: return give_text(out, j.id);
            case 2: return give_text(out, j.queue);
            case 3: return give_text(out, j.kind);
            case 4: return sqlite::give(out, std::int64_t{j.priority});
            case 5: return sqlite::give(out, j.run_at);
            case 6: return sqlite::give(out, std::int64_t{j.hold});
            case 7: return sqlite::give(out, std::int64_t{j.max_retries});
            case 8: return sqlite::give(out, j.timeout);
            case 9: return sqlite::give(out, j.retention);
            case 10: return sqlite3_result_double(out, j.backoff_base);
            case 11: return give_blob_or_null(out, j.nonce ? nonce.view() : std::string_view{});
            case 12: return give_text_or_null(out, j.tag);
            case 13: return give_text_or_null(out, j.key);
            case 14: return give_text_or_null(out, j.unique_key);
            case 15: return give_text_or_null(out, j.batch);
            case 16: return give_text_or_null(out, depends_on);
            case 17: return give_text_or_null(out, j.cwd);
            case 18: return give_blob_or_null(out, j.env);
            case 19:
                return j.payload.find('\0') == std::string::npos ? give_text(out, j.payload)
                                                                 : give_blob(out, j.payload);
            case 20: return lane < 0 ? void() : sqlite::give(out, lane);
            default: return;
        }
    }
};

// Adds jobs in order: one row in each of jobs, its index by id and the line; with dead jobs, one more seek.
class inserter {
public:
    inserter(transaction& tx, const instant& now) : tx_{tx}, now_{now} {}

    [[nodiscard]] int all(std::span<const job> jobs, std::span<insert_status> statuses)
    {
        if (const int rc = tx_.any_dead(any_dead_); rc != SQLITE_OK) return rc;
        rows_.reserve(jobs.size());
        for (std::size_t i = 0; i < jobs.size(); ++i)
            if (const int failed = one(jobs[i], statuses[i]); failed != SQLITE_OK) return failed;
        tx_.work = true;
        return add();
    }

private:
    // A job with a unique key must find those before it.
    int one(const job& j, insert_status& status)
    {
        const bool alone = !j.unique_key.empty();
        if (alone)
            if (const int rc = add(); rc != SQLITE_OK) return rc;
        if (any_dead_ || alone) {
            bool taken = false;
            if (const int rc = look(j, status, taken); rc != SQLITE_OK || taken) return rc;
        }
        auto& row = rows_.emplace_back(new_job_row{&j, &status, 0});
        if (const int rc = tx_.next_sequence(row.sequence); rc != SQLITE_OK) return rc;
        if (first_ == 0) first_ = row.sequence;
        if (j.nonce) row.nonce = pack(j.nonce);
        if (!j.depends_on.empty()) row.depends_on = join_lines(j.depends_on);
        status = insert_status::inserted;
        return alone ? add() : SQLITE_OK;
    }

    // Stores what was gathered.
    int add()
    {
        if (rows_.empty()) return SQLITE_OK;
        const auto source = source_of(rows_);
        int rc = tx_.sql.get(sql::insert).bind(source, now_.wall).run();
        if (rc != SQLITE_OK) return rc;
        const bool some_taken = static_cast<std::size_t>(sqlite3_changes(tx_.sql.db())) != rows_.size();
        bool waiting = false;
        for (auto& row : rows_) {
            bool added = true;
            if (some_taken && (rc = look_again(row, added)) != SQLITE_OK) return rc;
            if (!added) continue;
            if (rc = tx_.lane(*row.what, row.lane); rc != SQLITE_OK) return rc;
            tx_.count(row.what->queue, state::pending, +1);
            if (row.what->hold != hold_none) row.lane = -1;
            waiting = waiting || row.lane >= 0;
        }
        if (waiting) rc = tx_.sql.get(sql::line_up).bind(source).run();
        rows_.clear();
        return rc;
    }

    // Whether the row went in, or who has its id.
    int look_again(new_job_row& row, bool& added)
    {
        auto by_id = tx_.sql.get(sql::identify);
        if (const int rc = by_id.bind(row.what->id).step(); rc != SQLITE_ROW)
            return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
        added = by_id.integer(0) == row.sequence;
        if (!added) *row.status = told(by_id, *row.what);
        return SQLITE_OK;
    }

    // The id, dead ones included, then the unique key.
    int look(const job& j, insert_status& status, bool& taken)
    {
        taken = true;
        for (const char* sql : {sql::identify, sql::identify_dead}) {
            auto by_id = tx_.sql.get(sql);
            const int rc = by_id.bind(j.id).step();
            if (rc == SQLITE_ROW) status = told(by_id, j);
            if (rc != SQLITE_DONE) return rc == SQLITE_ROW ? SQLITE_OK : rc;
        }
        taken = false;
        if (j.unique_key.empty()) return SQLITE_OK;
        auto waiting = tx_.sql.get(sql::unique_waiting);
        const int rc = waiting.bind(j.unique_key).step();
        taken = rc == SQLITE_ROW;
        if (taken) status = insert_status::kept;
        return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
    }

    // Of a job whose id is taken by the row found.
    [[nodiscard]] insert_status told(const statement& by_id, const job& j) const
    {
        const bool earlier = first_ == 0 || by_id.integer(0) < first_;
        const bool same = earlier && j.nonce && unpack_uid(by_id.bytes(1)) == j.nonce;
        return same ? insert_status::inserted : insert_status::duplicate;
    }

    transaction& tx_;
    const instant& now_;
    std::vector<new_job_row> rows_;
    std::int64_t first_ = 0;  // the first sequence that this call gave
    bool any_dead_ = false;
};

}  // namespace queuectl::inline v0::detail::sqlite

#endif
