// extend and settle.
#ifndef QUEUECTL_SQLITE_SETTLE_HPP
#define QUEUECTL_SQLITE_SETTLE_HPP

#include <queuectl/sqlite/change.hpp>
#include <queuectl/sqlite/lease_row.hpp>

namespace queuectl::inline v0::detail::sqlite {

[[nodiscard]] inline int extend(transaction& tx, std::span<const receipt> receipts, duration d,
                                std::span<extend_status> statuses, const instant& now)
{
    const auto boot = pack(now.boot_id);
    auto update = tx.sql.get(sql::extend);
    for (std::size_t i = 0; i < receipts.size(); ++i) {
        const auto token = pack(receipts[i].token);
        update.bind(receipts[i].id, blob{token.view()}, add(now.boot, d), blob{boot.view()}, add(now.wall, d));
        statuses[i] = extend_status::lease_lost;
        int rc = update.step();
        for (; rc == SQLITE_ROW; rc = update.step())
            statuses[i] = update.int32(0) != 0 ? extend_status::cancel_requested : extend_status::held;
        update.reset();
        if (rc != SQLITE_DONE) return rc;
    }
    return SQLITE_OK;
}

// Applies verdicts: a seek by id, an update, and an attempt record each.
class settler {
public:
    settler(transaction& tx, const instant& now) : tx_{tx}, now_{now}, held_{tx.sql.get(sql::held)} {}

    [[nodiscard]] int all(std::span<const settlement> settlements, std::span<settle_status> statuses)
    {
        for (std::size_t i = 0; i < settlements.size(); ++i)
            if (const int rc = one(settlements[i], statuses[i]); rc != SQLITE_OK) return rc;
        return SQLITE_OK;
    }

private:
    int one(const settlement& s, settle_status& status)
    {
        std::string_view worker;
        const lease_hint* hint = tx_.hints == nullptr ? nullptr : tx_.hints->find(s.receipt.token, worker);
        if (hint != nullptr && s.verdict.kind == verdict_kind::complete && !hint->forgotten_when_completed) {
            bool applied = false;
            const int rc = complete(*hint, worker, s, applied);
            status = settle_status::applied;
            if (rc != SQLITE_OK || applied) return rc;
        }
        int rc = held_.bind(s.receipt.id).step();
        if (rc == SQLITE_DONE) {
            held_.reset();
            return settled_dead(s, status);
        }
        if (rc != SQLITE_ROW) return rc;
        const lease_row row = read_lease_row(held_);
        held_.reset();
        const auto& token = s.receipt.token;
        if (row.state == state::processing && row.token == token) {
            status = settle_status::applied;
            return apply(row, s);
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

    static state target(const lease_row& row, verdict_kind kind)
    {
        switch (kind) {
            case verdict_kind::complete: return state::completed;
            case verdict_kind::retry: return state::failed;
            case verdict_kind::bury: return state::dead;
            case verdict_kind::cancel: return state::cancelled;
            case verdict_kind::release: break;
        }
        return row.cancel_requested ? state::cancelled : row.claimed_from;
    }

    // The most frequent verdict, in one statement that checks what it relies on.
    int complete(const lease_hint& row, std::string_view worker, const settlement& s, bool& applied)
    {
        const auto token = pack(s.receipt.token);
        const int ended = s.report ? 1 : 0;
        const int exit_code = s.report ? s.report->exit_code : -1;
        const int signal = s.report ? s.report->signal : 0;
        const int rc = tx_.sql.get(sql::complete)
                           .bind(row.sequence, blob{token.view()}, ended, exit_code, signal, blob{s.result}, now_.wall,
                                 s.receipt.id)
                           .run();
        applied = rc == SQLITE_OK && sqlite3_changes(tx_.sql.db()) == 1;
        if (!applied) return rc;
        tx_.move(row.queue, state::processing, state::completed);
        return s.report ? record_run(tx_, row, worker, *s.report) : SQLITE_OK;
    }

    int apply(const lease_row& row, const settlement& s)
    {
        const state to = target(row, s.verdict.kind);
        bool applied = false;
        if (to == state::completed)
            return row.forgotten_when_completed ? forget(row) : complete(row, row.locked_by, s, applied);
        if (s.report)
            if (const int rc = record_run(tx_, row, row.locked_by, *s.report); rc != SQLITE_OK) return rc;
        if (const int rc = end_run(row, s, to); rc != SQLITE_OK) return rc;
        tx_.move(row.queue, state::processing, to);
        if (is_waiting(to)) tx_.work = true;
        if (s.verdict.kind == verdict_kind::retry)
            return tx_.sql.get(sql::retry_at).bind(row.sequence, s.verdict.retry_at).run();
        return to == state::dead ? move_to_dead(tx_, row.sequence) : SQLITE_OK;
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

    transaction& tx_;
    const instant& now_;
    statement held_;
};

}  // namespace queuectl::inline v0::detail::sqlite

#endif
