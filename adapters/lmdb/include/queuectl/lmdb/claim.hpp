// claim: reap, find, lease.
#ifndef QUEUECTL_LMDB_CLAIM_HPP
#define QUEUECTL_LMDB_CLAIM_HPP

#include <queuectl/lmdb/claim_order.hpp>
#include <queuectl/lmdb/groups.hpp>

namespace queuectl::inline v0::detail::lmdb {

// Appends the lease of a job.
[[nodiscard]] inline int tell_lease(transaction& tx, const job_view& from, const state_view& s, lease_token token,
                                    std::vector<lease>& leases)
{
    auto& out = leases.emplace_back();
    out.token = token;
    out.attempts = s.row.attempts;
    out.crashes = s.row.crashes;
    out.error = s.error;
    return read_job(tx, from, s, out.job);
}

// The current leases of a claim made before, by ordinal. Reads the rows of that worker's leases.
[[nodiscard]] inline int repeat(transaction& tx, const claim_request& request, std::vector<lease>& leases)
{
    struct mine {
        lease_token token;
        std::uint64_t sequence;
    };
    std::vector<mine> all;
    lease_list group;
    int rc = 0;
    cursor* const c = tx.at(table::groups, rc);
    for (rc = rc == 0 ? c->first() : rc; rc == 0; rc = c->next()) {
        if (!group.read(*c)) return MDB_CORRUPTED;
        if (group.worker != request.worker) continue;
        for (const auto sequence : group.sequences) {
            lease_view l;
            const int found = tx.find_lease(sequence, l);
            if (found != 0 && found != MDB_NOTFOUND) return found;
            if (found == 0 && l.place() == group.place && l.token().nonce == request.nonce)
                all.push_back({l.token(), sequence});
        }
    }
    if (rc != MDB_NOTFOUND) return rc;
    std::sort(all.begin(), all.end(), [](const mine& a, const mine& b) { return a.token < b.token; });
    for (const auto& m : all) {
        state_view s;
        job_view from;
        rc = read_job_row(tx, m.sequence, from);
        if (rc == 0) rc = read_own_state(tx, m.sequence, false, from, s);
        if (rc == 0) rc = tell_lease(tx, from, s, m.token, leases);
        if (rc != 0) return rc;
    }
    return 0;
}

// Leases out what was taken out of line.
class lessor {
public:
    lessor(transaction& tx, const claim_request& request, std::uint32_t boot, const instant& now)
        : tx_{tx}, request_{request}, now_{now}, groups_{tx, boot, add(now.boot, request.lease).count(), request.worker}
    {
    }

    [[nodiscard]] int all(const std::vector<claim_order::due_job>& jobs, std::vector<lease>& leases)
    {
        int rc = 0;
        leases.reserve(leases.size() + jobs.size());
        if (tx_.hints != nullptr) tx_.hints->start(request_.nonce);
        for (std::size_t i = 0; rc == 0 && i < jobs.size(); ++i)
            rc = one(jobs[i], static_cast<std::uint32_t>(i), leases);
        return rc == 0 ? groups_.finish() : rc;
    }

private:
    int one(const claim_order::due_job& due, std::uint32_t ordinal, std::vector<lease>& leases)
    {
        const lease_token token{request_.nonce, ordinal};
        leased_place place{};
        job_view from;
        state_view s;
        int rc = groups_.add(due.sequence, place);
        if (rc == 0) rc = read_next_job(due.sequence, from);
        if (rc == 0) rc = read_own_state(tx_, due.sequence, due.is_fresh, from, s);
        if (rc == 0) rc = tell_lease(tx_, from, s, token, leases);
        if (rc != 0) return rc;
        if (tx_.hints != nullptr) tx_.hints->add(due.sequence, from.id);
        tx_.move(s.row.queue, s.own_state(), state::processing);
        return tx_.add_lease(due.sequence, lease_of(token, place, due.is_fresh, s.row));
    }

    // As read_job_row; neighbours are mostly claimed one after the other.
    int read_next_job(std::uint64_t sequence, job_view& from)
    {
        int rc = 0;
        if (jobs_ == nullptr) jobs_ = tx_.at(table::jobs, rc);
        if (rc == 0 && at_ != 0 && sequence == at_ + 1) rc = jobs_->next();
        const bool is_there = rc == 0 && at_ != 0 && jobs_->sequence() == sequence;
        at_ = sequence;
        if (rc != 0 && rc != MDB_NOTFOUND) return rc;
        if (!is_there) return read_job_row(tx_, sequence, from);
        return from.read(jobs_->value()) ? 0 : MDB_CORRUPTED;
    }

    [[nodiscard]] lease_view lease_of(const lease_token& token, const leased_place& place, bool is_fresh,
                                      const state_row& now) const
    {
        lease_view out;
        out.row.token_high = token.nonce.high;
        out.row.token_low = token.nonce.low;
        out.row.ordinal = token.ordinal;
        out.row.started_at = ticks(now_.wall);
        out.row.until = ticks(add(now_.wall, request_.lease));
        out.place(place);
        out.worker = request_.worker;
        if (is_fresh) fresh_lease(out, now);
        return out;
    }

    transaction& tx_;
    const claim_request& request_;
    const instant& now_;
    group_writer groups_;
    cursor* jobs_ = nullptr;
    std::uint64_t at_ = 0;  // where that is
};

[[nodiscard]] inline int claim(transaction& tx, const claim_request& request, std::vector<lease>& leases,
                               claim_info& info, const instant& now)
{
    const std::size_t before = leases.size();
    const auto boot = tx.boot(now);
    info = {};
    int rc = reap(tx, boot, now, info.reaped);
    if (rc == 0 && tx.state() == store_state::moving) return 0;
    if (rc == 0 && request.repeat) rc = repeat(tx, request, leases);
    const bool repeated = leases.size() > before;
    claim_order order{tx, request, now};
    if (rc == 0) rc = order.take(repeated ? 0 : request.max);
    if (rc == 0 && !order.jobs.empty()) rc = lessor{tx, request, boot, now}.all(order.jobs, leases);
    info.next_at = leases.size() - before == request.max ? now.wall : order.next_at;
    return rc;
}

}  // namespace queuectl::inline v0::detail::lmdb

#endif
