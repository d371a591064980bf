// claim: reap, find, lease.
#ifndef QUEUECTL_SQLITE_CLAIM_HPP
#define QUEUECTL_SQLITE_CLAIM_HPP

#include <queuectl/sqlite/claim_order.hpp>
#include <queuectl/sqlite/lease_row.hpp>

#include <algorithm>

namespace queuectl::inline v0::detail::sqlite {

// The sequences that a statement gives in its first column, up to its own limit.
[[nodiscard]] inline int gather(statement rows, std::vector<std::int64_t>& out)
{
    int rc = rows.step();
    for (; rc == SQLITE_ROW; rc = rows.step()) out.push_back(rows.integer(0));
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

// Returns up to limits::reap expired leases to waiting. Three seeks when none has expired.
[[nodiscard]] inline int reap(transaction& tx, const instant& now, std::size_t& reaped)
{
    const auto boot = pack(now.boot_id);
    const std::string_view boot_bytes = boot.view();
    constexpr int most = static_cast<int>(limits::reap);
    std::vector<std::int64_t> expired;
    const auto bound = [&](const char* sql, auto... values) {
        auto rows = tx.sql.get(sql);
        rows.bind(blob{boot_bytes}, values..., most);
        return gather(std::move(rows), expired);
    };
    int rc = bound(sql::expired, now.boot);
    if (rc == SQLITE_OK) rc = bound(sql::expired_before);
    if (rc == SQLITE_OK) rc = bound(sql::expired_after);
    if (rc != SQLITE_OK) return rc;
    if (expired.size() > limits::reap) expired.resize(limits::reap);
    for (const auto sequence : expired)
        if (rc = crash(tx, sequence, "lease expired", now); rc != SQLITE_OK) return rc;
    reaped = expired.size();
    return SQLITE_OK;
}

[[nodiscard]] inline int read_lease(transaction& tx, std::int64_t sequence, lease_token token, lease& out)
{
    auto row = tx.sql.get(sql::job);
    if (const int rc = row.bind(sequence).step(); rc != SQLITE_ROW) return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
    out.job = read_job(row);
    out.token = token;
    out.attempts = row.int32(column_state + 1);
    out.crashes = row.int32(column_state + 2);
    out.error = row.bytes(column_state + 3);
    tx.move(out.job.queue, static_cast<state>(row.int32(column_state)), state::processing);
    if (tx.hints != nullptr)
        tx.hints->add({sequence, row.integer(column_runs), out.attempts, out.crashes, out.job.retention == duration{0},
                       out.job.queue});
    return SQLITE_OK;
}

// The current leases of a claim made before, by ordinal. Reads one index entry per lease in the store.
[[nodiscard]] inline int repeat(transaction& tx, const claim_request& request, std::vector<lease>& leases)
{
    std::vector<std::int64_t> held;
    auto rows = tx.sql.get(sql::leases_of);
    rows.bind(request.worker, -1);
    if (const int rc = gather(std::move(rows), held); rc != SQLITE_OK) return rc;
    std::vector<std::pair<lease_token, std::int64_t>> mine;
    for (const auto sequence : held) {
        auto row = tx.sql.get(sql::token_of);
        if (const int rc = row.bind(sequence).step(); rc != SQLITE_ROW) return rc;
        const auto token = unpack_token(row.bytes(0));
        if (token.nonce == request.nonce) mine.emplace_back(token, sequence);
    }
    std::sort(mine.begin(), mine.end());
    if (tx.hints != nullptr) tx.hints->start({}, {});
    for (const auto& [token, sequence] : mine) {
        lease out;
        if (const int rc = read_lease(tx, sequence, token, out); rc != SQLITE_OK) return rc;
        leases.push_back(std::move(out));
    }
    return SQLITE_OK;
}

// Leases the rows of `order` in that order, as one claim.
[[nodiscard]] inline int lease_out(transaction& tx, const claim_request& request,
                                   const std::vector<std::int64_t>& order, std::vector<lease>& leases,
                                   const instant& now)
{
    const auto boot = pack(now.boot_id);
    auto update = tx.sql.get(sql::lease);
    if (tx.hints != nullptr && !order.empty()) tx.hints->start(request.nonce, request.worker);
    std::uint32_t ordinal = 0;
    for (const auto sequence : order) {
        const lease_token token{request.nonce, ordinal++};
        const auto bytes = pack(token);
        auto& out = leases.emplace_back();
        if (const int rc = read_lease(tx, sequence, token, out); rc != SQLITE_OK) return rc;
        const int rc = update
                           .bind(sequence, blob{bytes.view()}, add(now.boot, request.lease), blob{boot.view()},
                                 add(now.wall, request.lease), now.wall, request.worker)
                           .run();
        if (rc != SQLITE_OK) return rc;
    }
    return SQLITE_OK;
}

[[nodiscard]] inline int claim(transaction& tx, const claim_request& request, std::vector<lease>& leases,
                               claim_info& info, const instant& now)
{
    if (const int rc = reap(tx, now, info.reaped); rc != SQLITE_OK) return rc;
    const std::size_t before = leases.size();
    if (request.repeat)
        if (const int rc = repeat(tx, request, leases); rc != SQLITE_OK) return rc;
    const bool repeated = leases.size() > before;
    claim_order order{tx, request, now};
    if (const int rc = order.find(repeated ? 0 : request.max); rc != SQLITE_OK) return rc;
    if (const int rc = lease_out(tx, request, order.sequences, leases, now); rc != SQLITE_OK) return rc;
    info.next_at = leases.size() - before == request.max ? now.wall : order.next_at;
    return SQLITE_OK;
}

}  // namespace queuectl::inline v0::detail::sqlite

#endif
