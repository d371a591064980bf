// The four verbs of lmdb_storage, and settle with claim in one transaction.
#ifndef QUEUECTL_LMDB_VERBS_HPP
#define QUEUECTL_LMDB_VERBS_HPP

#include <queuectl/lmdb/claim.hpp>
#include <queuectl/lmdb/insert.hpp>
#include <queuectl/lmdb/session.hpp>
#include <queuectl/lmdb/settle.hpp>

namespace queuectl::inline v0::detail::lmdb {

class verbs {
public:
    [[nodiscard]] result<void> insert(std::span<const job> jobs, std::span<insert_status> statuses, const instant& now)
    {
        return session_->write("insert", durable::now, access::begins, [&](transaction& tx) {
            return inserter{tx, now}.all(jobs, statuses);
        });
    }

    // On its own a claim need not reach the disk whole: power loss ends the boot, and with it the lease.
    [[nodiscard]] result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        return claim_after("claim", session_->options().sync_claims ? durable::now : durable::later, access::claims,
                           request, leases, now, [](transaction&) { return 0; });
    }

    [[nodiscard]] result<void> extend(std::span<const receipt> receipts, duration d, std::span<extend_status> statuses,
                                      const instant& now)
    {
        return session_->write("extend", durable::later, access::ends,
                               [&](transaction& tx) { return lmdb::extend(tx, receipts, d, statuses, now); });
    }

    [[nodiscard]] result<void> settle(std::span<const settlement> settlements, std::span<settle_status> statuses,
                                      const instant& now)
    {
        return session_->write("settle", durable::now, access::ends, [&](transaction& tx) {
            return settler{tx, now}.all(settlements, statuses);
        });
    }

    [[nodiscard]] result<claim_info> settle_and_claim(std::span<const settlement> settlements,
                                                      std::span<settle_status> statuses, const claim_request& request,
                                                      std::vector<lease>& leases, const instant& now)
    {
        if (settlements.empty()) return claim(request, leases, now);
        return claim_after("settle", durable::now, access::ends, request, leases, now, [&](transaction& tx) {
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
        return session_->write(verb, durable::now, access::begins, std::move(body));
    }
    template <class Body>
    [[nodiscard]] result<void> write_runs(const char* verb, Body body)
    {
        return session_->write(verb, durable::now, access::ends, std::move(body));
    }

private:
    template <class First>
    result<claim_info> claim_after(const char* verb, durable wanted, access kind, const claim_request& request,
                                   std::vector<lease>& leases, const instant& now, First first)
    {
        claim_info info;
        const auto before = leases.size();
        auto done = session_->write(verb, wanted, kind, [&](transaction& tx) {
            leases.resize(before);
            const int rc = first(tx);
            return rc == 0 ? lmdb::claim(tx, request, leases, info, now) : rc;
        });
        if (done) return info;
        leases.resize(before);
        return fail(done.error());
    }

    std::unique_ptr<session> session_;
};

}  // namespace queuectl::inline v0::detail::lmdb

#endif
