// The four verbs of sqlite_storage, and settle with claim in one transaction.
#ifndef QUEUECTL_SQLITE_VERBS_HPP
#define QUEUECTL_SQLITE_VERBS_HPP

#include <queuectl/sqlite/claim.hpp>
#include <queuectl/sqlite/insert.hpp>
#include <queuectl/sqlite/session.hpp>
#include <queuectl/sqlite/settle.hpp>

namespace queuectl::inline v0::detail::sqlite {

class verbs {
public:
    [[nodiscard]] result<void> insert(std::span<const job> jobs, std::span<insert_status> statuses, const instant& now)
    {
        return session_->write("insert", durable::now, [&](transaction& tx) {
            return inserter{tx, now}.all(jobs, statuses);
        });
    }

    // On its own a claim need not reach the disk: power loss ends the boot, and with it the lease.
    [[nodiscard]] result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        return claim_after("claim", session_->options().sync_claims ? durable::now : durable::later, request, leases,
                           now, [](transaction&) { return SQLITE_OK; });
    }

    [[nodiscard]] result<void> extend(std::span<const receipt> receipts, duration d, std::span<extend_status> statuses,
                                      const instant& now)
    {
        return session_->write("extend", durable::later, change_of::runs,
                               [&](transaction& tx) { return sqlite::extend(tx, receipts, d, statuses, now); });
    }

    [[nodiscard]] result<void> settle(std::span<const settlement> settlements, std::span<settle_status> statuses,
                                      const instant& now)
    {
        return session_->write("settle", durable::now, change_of::runs, [&](transaction& tx) {
            return settler{tx, now}.all(settlements, statuses);
        });
    }

    [[nodiscard]] result<claim_info> settle_and_claim(std::span<const settlement> settlements,
                                                      std::span<settle_status> statuses, const claim_request& request,
                                                      std::vector<lease>& leases, const instant& now)
    {
        if (settlements.empty()) return claim(request, leases, now);
        return claim_after("settle", durable::now, request, leases, now, [&](transaction& tx) {
            return settler{tx, now}.all(settlements, statuses);
        });
    }

protected:
    explicit verbs(std::unique_ptr<session> s) : session_{std::move(s)} {}
    [[nodiscard]] session& store() const noexcept { return *session_; }

    // What begins or changes what waits or has ended, and what goes on in a moving store.
    template <class Body>
    [[nodiscard]] result<void> write_jobs(const char* verb, Body body)
    {
        return session_->write(verb, durable::now, std::move(body));
    }
    template <class Body>
    [[nodiscard]] result<void> write_runs(const char* verb, Body body)
    {
        return session_->write(verb, durable::now, change_of::runs, std::move(body));
    }

private:
    template <class First>
    result<claim_info> claim_after(const char* verb, durable wanted, const claim_request& request,
                                   std::vector<lease>& leases, const instant& now, First first)
    {
        claim_info info;
        const auto before = leases.size();
        auto done = session_->write(verb, wanted, change_of::runs, [&](transaction& tx) {
            const int rc = first(tx);
            return rc == SQLITE_OK ? sqlite::claim(tx, request, leases, info, now) : rc;
        });
        if (done) return info;
        leases.resize(before);
        return fail(done.error());
    }

    std::unique_ptr<session> session_;
};

}  // namespace queuectl::inline v0::detail::sqlite

#endif
