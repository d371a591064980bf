// extend and settle.
#ifndef QUEUECTL_LMDB_SETTLE_HPP
#define QUEUECTL_LMDB_SETTLE_HPP

#include <queuectl/lmdb/change.hpp>

namespace queuectl::inline v0::detail::lmdb {

// The leases move to new groups, of their holders.
[[nodiscard]] inline int extend(transaction& tx, std::span<const receipt> receipts, duration d,
                                std::span<extend_status> statuses, const instant& now)
{
    const auto boot = tx.boot(now);
    std::vector<std::unique_ptr<group_writer>> groups;
    for (std::size_t i = 0; i < receipts.size(); ++i) {
        const auto& r = receipts[i];
        statuses[i] = extend_status::lease_lost;
        std::uint64_t sequence = 0;
        lease_view l;
        int rc = find_sequence(tx, r.id, sequence);
        if (rc == 0) rc = tx.find_lease(sequence, l);
        if (rc == MDB_NOTFOUND) continue;
        if (rc != 0) return rc;
        if (l.token() != r.token) continue;
        statuses[i] = l.has(lease_row::cancel_requested) ? extend_status::cancel_requested : extend_status::held;
        auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g->worker() == l.worker; });
        if (group == groups.end())
            group = groups.insert(group, std::make_unique<group_writer>(tx, boot, add(now.boot, d).count(), l.worker));
        l.worker = (*group)->worker();
        leased_place place{};
        rc = tx.end_lease(sequence, l.place());
        if (rc == 0) rc = (*group)->add(sequence, place);
        l.place(place);
        l.row.until = ticks(add(now.wall, d));
        if (rc == 0) rc = tx.add_lease(sequence, l);
        if (rc != 0) return rc;
    }
    for (auto& group : groups)
        if (const int rc = group->finish(); rc != 0) return rc;
    return 0;
}

// Applies verdicts.
class settler {
public:
    settler(transaction& tx, const instant& now) : tx_{tx}, now_{now} {}

    [[nodiscard]] int all(std::span<const settlement> settlements, std::span<settle_status> statuses)
    {
        for (std::size_t i = 0; i < settlements.size(); ++i)
            if (const int rc = one(settlements[i], statuses[i]); rc != 0) return rc;
        return 0;
    }

private:
    int one(const settlement& s, settle_status& status)
    {
        const auto& token = s.receipt.token;
        std::uint64_t sequence = tx_.hints != nullptr ? tx_.hints->find(token, s.receipt.id) : 0;
        state_view now;
        const auto is_current = [&] { return now.is_leased() && now.lease.token() == token; };
        if (const int rc = sequence != 0 ? look(sequence, now.lease) : 0; rc != 0) return rc;
        if (!is_current()) {
            int rc = find_sequence(tx_, s.receipt.id, sequence);
            status = settle_status::gone;
            if (rc == MDB_NOTFOUND) return 0;
            if (rc == 0) rc = look(sequence, now.lease);
            if (rc != 0) return rc;
        }
        status = settle_status::applied;
        if (is_current()) {
            const int rc = read_leased_state(tx_, sequence, now);
            return rc == 0 ? apply(sequence, now, s) : rc;
        }
        const int rc = read_state_row(tx_, sequence, now);
        if (rc == MDB_NOTFOUND || !token || now.settled_token() != token) status = settle_status::lease_lost;
        return rc == MDB_NOTFOUND ? 0 : rc;
    }

    // The job's lease; without jobs when it has none.
    int look(std::uint64_t sequence, lease_view& out)
    {
        const int rc = tx_.find_lease(sequence, out);
        if (rc == MDB_NOTFOUND) out = {};
        return rc == MDB_NOTFOUND ? 0 : rc;
    }

    int apply(std::uint64_t sequence, state_view& job, const settlement& s)
    {
        const state to = state_after(s.verdict.kind, job.own_state(), job.cancel_requested());
        const auto place = job.lease.place();
        if (to == state::completed && job.has(state_row::forgotten_when_completed)) {
            tx_.count(job.row.queue, state::processing, -1);
            const int rc = forget_job(tx_, sequence, job);
            return rc == 0 ? tx_.end_lease(sequence, place) : rc;
        }
        job.worker = job.lease.worker;
        // Nothing writes to the tables of states and leases before the job's row is put together: its strings stay.
        if (const int rc = end_run(sequence, job, s, to); rc != 0) return rc;
        job.settled_token(s.receipt.token);
        if (to == state::completed) job.result = s.result;
        if (s.verdict.kind == verdict_kind::retry && is_waiting(to)) job.row.run_at = ticks(s.verdict.retry_at);
        tx_.move(job.row.queue, state::processing, to);
        const bool unique = is_final(to) && job.has(state_row::has_unique_key);
        int rc = place_job(tx_, sequence, job, to, now_);
        if (rc == 0) rc = tx_.end_lease(sequence, place);
        return rc == 0 && unique ? leave_unique(tx_, sequence) : rc;
    }

    // Records the run, if one ended, and what it says of the job.
    int end_run(std::uint64_t sequence, state_view& job, const settlement& s, state to)
    {
        if (!s.report) {
            if (!s.error.empty()) job.error = s.error;
        } else {
            const auto& run = *s.report;
            int rc = 0;
            if (to == state::completed && wrote_nothing(run)) {
                job.set(state_row::own_run, true);
                job.row.started_at = ticks(run.started_at);
                job.row.ended_at = ticks(run.ended_at);
                rc = forget_old_runs(tx_, sequence, ++job.row.runs);
            } else {
                rc = record_run(tx_, sequence, job, run);
            }
            if (rc != 0) return rc;
            ++job.row.attempts;
            job.row.exit_code = run.exit_code;
            job.row.signal = run.signal;
            job.error = run.error;
        }
        if (to == state::completed) job.error = {};
        return 0;
    }

    // A job's state has room for its last run then.
    [[nodiscard]] static bool wrote_nothing(const attempt& run) noexcept
    {
        return run.status == run_status::succeeded && run.error.empty() && run.output_bytes == 0 &&
               run.output.head.empty() && run.output.tail.empty() && run.output.dropped_bytes == 0;
    }

    transaction& tx_;
    const instant& now_;
};

}  // namespace queuectl::inline v0::detail::lmdb

#endif
