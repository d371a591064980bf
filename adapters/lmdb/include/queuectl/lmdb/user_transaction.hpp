// A queue inside the user's own transaction.
#ifndef QUEUECTL_LMDB_USER_TRANSACTION_HPP
#define QUEUECTL_LMDB_USER_TRANSACTION_HPP

#include <queuectl/lmdb/claim.hpp>
#include <queuectl/lmdb/insert.hpp>
#include <queuectl/lmdb/session.hpp>
#include <queuectl/lmdb/settle.hpp>

namespace queuectl::inline v0 {

// Our turn to write: while it is held no other writer of the queue begins, in any process, the map stays where it is,
// and commits are as durable as the store was opened for. Hold it from before mdb_txn_begin until after the commit, in
// one thread, and call no verb of the store itself meanwhile. Its end wakes the workers.
class lmdb_turn {
public:
    lmdb_turn(lmdb_turn&& other) noexcept
        : session_{std::exchange(other.session_, nullptr)}, lock_{std::move(other.lock_)}, map_{std::move(other.map_)}
    {
    }
    lmdb_turn& operator=(lmdb_turn&&) = delete;
    ~lmdb_turn()
    {
        if (session_ == nullptr) return;
        mdb_env_set_flags(session_->env().env, MDB_NOSYNC | MDB_NOMETASYNC, 0);
        session_->files().wake->bump_work();
    }

    // errc::busy when others write for longer than the store waits.
    [[nodiscard]] static result<lmdb_turn> begin(detail::lmdb::session& s)
    {
        if (auto usable = s.check_usable("turn"); !usable) return fail(usable.error());
        if (s.options().read_only) return fail(errc::read_only, s.name("turn"), "it was opened for reading");
        auto held = s.files().lock->acquire(s.options().busy);
        if (!held) return fail(held.error());
        std::shared_lock<std::shared_mutex> map;
        // Takes over what others made of the map.
        MDB_txn* txn = nullptr;
        if (const int rc = s.env().begin(MDB_RDONLY, map, txn); rc != 0)
            return detail::lmdb::failed(rc, s.name("turn"));
        mdb_txn_abort(txn);
        mdb_env_set_flags(s.env().env, s.sync_flags(detail::lmdb::durable::now), 1);
        return lmdb_turn{s, std::move(*held), std::move(map)};
    }

private:
    lmdb_turn(detail::lmdb::session& s, store_lock::guard&& lock, std::shared_lock<std::shared_mutex>&& map)
        : session_{&s}, lock_{std::move(lock)}, map_{std::move(map)}
    {
    }

    detail::lmdb::session* session_;
    store_lock::guard lock_;
    std::shared_lock<std::shared_mutex> map_;
};

// A storage in a write transaction of the user's, on lmdb_storage::env(): each verb is a nested transaction in it, and
// stands or falls with it. The map cannot grow there: errc::store_full says so, and leaves the transaction as it was
// before the verb; abort it, give up the turn, call lmdb_storage::grow() and begin again. Long output stays in the
// database. One thread: the transaction's.
class lmdb_transaction {
public:
    static constexpr bool single_thread = true;

    explicit lmdb_transaction(MDB_txn* txn) : txn_{txn}, env_{detail::lmdb::environments::of(txn)} {}

    [[nodiscard]] result<void> insert(std::span<const job> jobs, std::span<insert_status> statuses, const instant& now)
    {
        return step("insert", access::begins, [&](context& tx) {
            return detail::lmdb::inserter{tx, now}.all(jobs, statuses);
        });
    }

    [[nodiscard]] result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        claim_info info;
        const auto before = leases.size();
        auto done = step("claim", access::claims,
                         [&](context& tx) { return detail::lmdb::claim(tx, request, leases, info, now); });
        if (done) return info;
        leases.resize(before);
        return fail(done.error());
    }

    [[nodiscard]] result<void> extend(std::span<const receipt> receipts, duration d, std::span<extend_status> statuses,
                                      const instant& now)
    {
        return step("extend", access::ends,
                    [&](context& tx) { return detail::lmdb::extend(tx, receipts, d, statuses, now); });
    }

    [[nodiscard]] result<void> settle(std::span<const settlement> settlements, std::span<settle_status> statuses,
                                      const instant& now)
    {
        return step("settle", access::ends, [&](context& tx) {
            return detail::lmdb::settler{tx, now}.all(settlements, statuses);
        });
    }

private:
    using context = detail::lmdb::transaction;
    using access = detail::lmdb::access;

    template <class Body>
    result<void> step(const char* verb, access kind, Body body)
    {
        using namespace detail::lmdb;
        if (env_ == nullptr)
            return fail(errc::unsupported, verb, "the transaction is not on lmdb_storage::env() of an open store");
        MDB_txn* inner = nullptr;
        if (const int rc = mdb_txn_begin(env_->env, txn_, 0, &inner); rc != 0) return failed(rc, verb);
        std::optional<failure_value> refusal;
        int rc = 0;
        {
            context tx{*env_, inner};
            rc = check_writable(tx, verb, kind);
            if (rc == 0) rc = body(tx);
            if (rc == 0) rc = tx.finish();
            refusal = std::move(tx.refusal);
        }
        if (rc == 0)
            rc = mdb_txn_commit(inner);
        else
            mdb_txn_abort(inner);
        if (rc == 0) return {};
        if (refusal) return std::move(*refusal);
        auto why = failed(rc, verb);
        if (rc == MDB_MAP_FULL) why.value.detail += "; abort the transaction, grow() the store and begin again";
        return why;
    }

    MDB_txn* txn_;
    detail::lmdb::environment* env_;
};

static_assert(storage<lmdb_transaction>);

}  // namespace queuectl::inline v0

#endif
