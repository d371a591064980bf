// extend and settle.
#ifndef QUEUECTL_SQLITE_SETTLE_HPP
#define QUEUECTL_SQLITE_SETTLE_HPP

#include <queuectl/sqlite/change.hpp>
#include <queuectl/sqlite/lease_row.hpp>

namespace queuectl::inline v0::detail::sqlite {

[[nodiscard]] inline int extend(transaction& tx, std::span<const receipt> receipts, duration d,
                                std::span<extend_status> statuses, const instant& now)
{
    std::int64_t boot = 0;
    if (const int rc = tx.boot(now, boot); rc != SQLITE_OK) return rc;
    auto update = tx.sql.get(sql::extend);
    for (std::size_t i = 0; i < receipts.size(); ++i) {
        const auto token = pack(receipts[i].token);
        update.bind(receipts[i].id, blob{token.view()}, boot, add(now.boot, d), add(now.wall, d));
        statuses[i] = extend_status::lease_lost;
        int rc = update.step();
        for (; rc == SQLITE_ROW; rc = update.step())
            statuses[i] = update.int32(0) != 0 ? extend_status::cancel_requested : extend_status::held;
        update.reset();
        if (rc != SQLITE_DONE) return rc;
    }
    return SQLITE_OK;
}

// A row of queuectl_completed: a run that completed its job.
struct completed_row {
    const settlement* what;
    settle_status* status;
    const lease_hint* lease;
    std::string_view worker;
    packed<20> token;

    // The job's own row has room for its last run when that wrote nothing.
    [[nodiscard]] bool is_own_run() const
    {
        const auto& run = what->report;
        return run && run->status == run_status::succeeded && run->error.empty() && run->output_bytes == 0 &&
               run->output.head.empty() && run->output.tail.empty() && run->output.dropped_bytes == 0;
    }
    void give(int column, sqlite3_context* out) const
    {
        const auto& run = what->report;
        if (!run && (column == 4 || column == 5)) return;
        if (column >= 7 && !is_own_run()) return;
        switch (column) {
            case 0: return sqlite::give(out, lease->sequence);
            case 1: return give_blob(out, token.view());
            case 2: return sqlite::give(out, std::int64_t{lease->attempts + (run ? 1 : 0)});
            case 3: return sqlite::give(out, lease->runs + (run ? 1 : 0));
            case 4: return sqlite::give(out, std::int64_t{run->exit_code});
            case 5: return sqlite::give(out, std::int64_t{run->signal});
            case 6: return give_blob_or_null(out, what->result);
            case 7: return sqlite::give(out, run->started_at);
            case 8: return sqlite::give(out, run->ended_at);
            case 9: return give_text(out, worker);
            default: return;
        }
    }
};

// Applies verdicts. Completions, the most frequent, are gathered and done in one statement for each table.
class settler {
public:
    settler(transaction& tx, const instant& now) : tx_{tx}, now_{now} {}

    [[nodiscard]] int all(std::span<const settlement> settlements, std::span<settle_status> statuses)
    {
        completed_.reserve(settlements.size());
        for (std::size_t i = 0; i < settlements.size(); ++i)
            if (!gather(settlements[i], statuses[i])) others_.push_back({&settlements[i], &statuses[i]});
        int rc = drop_lost();
        looked_up_.reserve(others_.size());
        for (std::size_t i = 0; rc == SQLITE_OK && i < others_.size(); ++i)
            rc = look_up(*others_[i].what, *others_[i].status);
        return rc == SQLITE_OK ? complete() : rc;
    }

private:
    struct other {
        const settlement* what;
        settle_status* status;
    };

    // Whether it is a completion of a lease that this process claimed.
    bool gather(const settlement& s, settle_status& status)
    {
        if (tx_.hints == nullptr || s.verdict.kind != verdict_kind::complete) return false;
        std::string_view worker;
        const lease_hint* hint = tx_.hints->find(s.receipt.token, worker);
        if (hint == nullptr || hint->id != s.receipt.id || hint->forgotten_when_completed) return false;
        completed_.push_back({&s, &status, hint, worker, pack(s.receipt.token)});
        return true;
    }

    // Leaves only those whose token is current.
    int drop_lost()
    {
        if (completed_.empty()) return SQLITE_OK;
        const auto source = source_of(completed_);
        auto row = tx_.sql.get(sql::leases_completed);
        row.bind(source);
        std::vector<completed_row> held;
        held.reserve(completed_.size());
        int rc = row.step();
        for (const auto& c : completed_) {
            const bool leased = rc == SQLITE_ROW && row.integer(0) == c.lease->sequence;
            if (leased && row.bytes(1) == c.token.view())
                held.push_back(c);
            else
                others_.push_back({c.what, c.status});
            if (leased) rc = row.step();
        }
        if (rc != SQLITE_DONE) return rc == SQLITE_ROW ? SQLITE_CORRUPT : rc;
        row.reset();
        completed_ = std::move(held);
        return SQLITE_OK;
    }

    int look_up(const settlement& s, settle_status& status)
    {
        lease_row row;
        {
            auto held = tx_.sql.get(sql::held);
            const int rc = held.bind(s.receipt.id).step();
            if (rc == SQLITE_DONE) return settled_dead(s, status);
            if (rc != SQLITE_ROW) return rc;
            row = read_lease_row(held);
        }
        const auto& token = s.receipt.token;
        if (row.leased && row.token == token) {
            status = settle_status::applied;
            return apply(std::move(row), s, status);
        }
        status = token && row.settled_token == token ? settle_status::applied : settle_status::lease_lost;
        return SQLITE_OK;
    }

    int settled_dead(const settlement& s, settle_status& status)
    {
        auto dead = tx_.sql.get(sql::settled_dead);
        const int rc = dead.bind(s.receipt.id).step();
        status = settle_status::gone;
        if (rc == SQLITE_ROW)
            status = s.receipt.token && unpack_token(dead.bytes(0)) == s.receipt.token ? settle_status::applied
                                                                                       : settle_status::lease_lost;
        return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
    }

    int apply(lease_row row, const settlement& s, settle_status& status)
    {
        const state to = state_after(s.verdict.kind, row.claimed_from, row.cancel_requested);
        if (to == state::completed && !row.forgotten_when_completed) {
            const auto& kept = looked_up_.emplace_back(std::move(row));
            completed_.push_back({&s, &status, &kept, kept.locked_by, pack(s.receipt.token)});
            return SQLITE_OK;
        }
        if (const int rc = tx_.sql.get(sql::unlease).bind(row.sequence).run(); rc != SQLITE_OK) return rc;
        if (to == state::completed) return forget(row);
        if (s.report)
            if (const int rc = record_run(tx_, row, row.locked_by, *s.report); rc != SQLITE_OK) return rc;
        if (const int rc = end_run(row, s, to); rc != SQLITE_OK) return rc;
        tx_.move(row.queue, state::processing, to);
        if (to == state::dead) return move_to_dead(tx_, row.sequence);
        return is_waiting(to) ? wait(row, s.verdict) : SQLITE_OK;
    }

    int wait(const lease_row& row, const verdict& v)
    {
        tx_.work = true;
        if (v.kind == verdict_kind::retry)
            if (const int rc = tx_.sql.get(sql::retry_at).bind(row.sequence, v.retry_at).run(); rc != SQLITE_OK)
                return rc;
        return tx_.sql.get(sql::enter_line).bind(row.sequence).run();
    }

    int end_run(const lease_row& row, const settlement& s, state to)
    {
        const auto token = pack(s.receipt.token);
        const int ended = s.report ? 1 : 0;
        const std::string& error = s.report ? s.report->error : s.error.empty() ? row.error : s.error;
        return tx_.sql.get(sql::end_run)
            .bind(row.sequence, static_cast<int>(to), blob{token.view()}, ended, ended ? s.report->exit_code : -1,
                  ended ? s.report->signal : 0, text_or_null{error}, now_.wall)
            .run();
    }

    int forget(const lease_row& row)
    {
        tx_.count(row.queue, state::processing, -1);
        return forget_job(tx_, row.sequence, false);
    }

    // Ends the leases that were gathered, and completes their jobs.
    int complete()
    {
        if (completed_.empty()) return SQLITE_OK;
        for (const auto& c : completed_) {
            *c.status = settle_status::applied;
            tx_.move(c.lease->queue, state::processing, state::completed);
            if (const int rc = record(c); rc != SQLITE_OK) return rc;
        }
        const auto source = source_of(completed_);
        if (completed_.size() == 1) {
            const auto sequence = completed_.front().lease->sequence;
            const int rc = tx_.sql.get(sql::unlease).bind(sequence).run();
            return rc == SQLITE_OK ? tx_.sql.get(sql::complete_one).bind(source, now_.wall, sequence).run() : rc;
        }
        int rc = tx_.sql.get(sql::unlease_completed).bind(source).run();
        if (rc == SQLITE_OK && static_cast<std::size_t>(sqlite3_changes(tx_.sql.db())) != completed_.size())
            return SQLITE_MISUSE;  // a receipt was given twice
        return rc == SQLITE_OK ? tx_.sql.get(sql::complete).bind(source, now_.wall).run() : rc;
    }

    int record(const completed_row& c)
    {
        if (!c.what->report) return SQLITE_OK;
        return c.is_own_run() ? forget_old_runs(tx_, *c.lease) : record_run(tx_, *c.lease, c.worker, *c.what->report);
    }

    transaction& tx_;
    const instant& now_;
    std::vector<completed_row> completed_;
    std::vector<other> others_;
    std::vector<lease_row> looked_up_;
};

}  // namespace queuectl::inline v0::detail::sqlite

#endif
