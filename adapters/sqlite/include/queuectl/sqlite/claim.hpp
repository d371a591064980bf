// claim: reap, find, lease.
#ifndef QUEUECTL_SQLITE_CLAIM_HPP
#define QUEUECTL_SQLITE_CLAIM_HPP

#include <queuectl/sqlite/claim_order.hpp>
#include <queuectl/sqlite/lease_row.hpp>

#include <algorithm>

namespace queuectl::inline v0::detail::sqlite {

// Returns up to limits::reap expired leases to waiting. One seek when none has expired.
[[nodiscard]] inline int reap(transaction& tx, std::int64_t boot, const instant& now, std::size_t& reaped)
{
    std::vector<std::int64_t> expired;
    {
        auto rows = tx.sql.get(sql::expired);
        rows.bind(boot, now.boot, static_cast<std::int64_t>(limits::reap));
        int rc = rows.step();
        for (; rc == SQLITE_ROW; rc = rows.step()) expired.push_back(rows.integer(0));
        if (rc != SQLITE_DONE) return rc;
    }
    for (const auto sequence : expired)
        if (const int rc = crash(tx, sequence, "lease expired", now); rc != SQLITE_OK) return rc;
    reaped = expired.size();
    return SQLITE_OK;
}

// A row of queuectl_taken.
struct taken_row {
    std::int64_t sequence;
    lease_token token;
    packed<20> bytes;

    taken_row(std::int64_t job, const lease_token& t) : sequence{job}, token{t}, bytes{pack(t)} {}
    void give(int column, sqlite3_context* out) const
    {
        column == 0 ? sqlite::give(out, sequence) : give_blob(out, bytes.view());
    }
};

// Appends the leases; counts tell that their jobs are processing when `moved`.
[[nodiscard]] inline int read_leases(transaction& tx, const std::vector<taken_row>& taken, bool moved,
                                     std::vector<lease>& leases)
{
    const auto source = source_of(taken);
    auto row = tx.sql.get(sql::jobs_taken);
    row.bind(source);
    for (const auto& t : taken) {
        if (const int rc = row.step(); rc != SQLITE_ROW) return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
        auto& out = leases.emplace_back();
        out.job = read_job(row);
        out.token = t.token;
        out.attempts = row.int32(column_state + 1);
        out.crashes = row.int32(column_state + 2);
        out.error = row.bytes(column_state + 3);
        if (moved) tx.move(out.job.queue, static_cast<state>(row.int32(column_state)), state::processing);
        if (tx.hints != nullptr)
            tx.hints->add({t.sequence, row.integer(column_runs), out.attempts, out.crashes,
                           out.job.retention == duration{0}, out.job.queue, out.job.id});
    }
    return SQLITE_OK;
}

// The current leases of a claim made before, by ordinal. Reads one row per lease in the store.
[[nodiscard]] inline int repeat(transaction& tx, const claim_request& request, std::vector<lease>& leases)
{
    std::vector<taken_row> mine;
    {
        auto rows = tx.sql.get(sql::leases_of);
        rows.bind(request.worker, -1);
        int rc = rows.step();
        for (; rc == SQLITE_ROW; rc = rows.step())
            if (const auto token = unpack_token(rows.bytes(1)); token.nonce == request.nonce)
                mine.emplace_back(rows.integer(0), token);
        if (rc != SQLITE_DONE) return rc;
    }
    std::sort(mine.begin(), mine.end(), [](const auto& a, const auto& b) { return a.token < b.token; });
    if (tx.hints != nullptr) tx.hints->start({}, {});
    return read_leases(tx, mine, false, leases);
}

// Leases the jobs of `order` in that order, as one claim.
[[nodiscard]] inline int lease_out(transaction& tx, const claim_request& request, claim_order& order, std::int64_t boot,
                                   std::vector<lease>& leases, const instant& now)
{
    if (order.sequences.empty()) return SQLITE_OK;
    std::vector<taken_row> taken;
    taken.reserve(order.sequences.size());
    std::uint32_t ordinal = 0;
    for (const auto sequence : order.sequences) taken.emplace_back(sequence, lease_token{request.nonce, ordinal++});
    if (tx.hints != nullptr) tx.hints->start(request.nonce, request.worker);
    leases.reserve(leases.size() + taken.size());
    int rc = read_leases(tx, taken, true, leases);
    if (rc == SQLITE_OK) rc = order.leave();
    if (rc != SQLITE_OK) return rc;
    const auto source = source_of(taken);
    return tx.sql.get(sql::lease)
        .bind(source, boot, add(now.boot, request.lease), add(now.wall, request.lease), now.wall, request.worker)
        .run();
}

[[nodiscard]] inline int claim(transaction& tx, const claim_request& request, std::vector<lease>& leases,
                               claim_info& info, const instant& now)
{
    std::int64_t boot = 0;
    if (const int rc = tx.boot(now, boot); rc != SQLITE_OK) return rc;
    if (const int rc = reap(tx, boot, now, info.reaped); rc != SQLITE_OK) return rc;
    const std::size_t before = leases.size();
    if (request.repeat)
        if (const int rc = repeat(tx, request, leases); rc != SQLITE_OK) return rc;
    const bool repeated = leases.size() > before;
    if (tx.head.state != store_state::open) return SQLITE_OK;
    claim_order order{tx, request, now};
    if (const int rc = order.find(repeated ? 0 : request.max); rc != SQLITE_OK) return rc;
    if (const int rc = lease_out(tx, request, order, boot, leases, now); rc != SQLITE_OK) return rc;
    info.next_at = leases.size() - before == request.max ? now.wall : order.next_at;
    return SQLITE_OK;
}

}  // namespace queuectl::inline v0::detail::sqlite

#endif
