// What the verbs work on: an open transaction of a store.
#ifndef QUEUECTL_LMDB_TRANSACTION_HPP
#define QUEUECTL_LMDB_TRANSACTION_HPP

#include <queuectl/detail/store_gate.hpp>
#include <queuectl/facets.hpp>
#include <queuectl/lmdb/cursor.hpp>
#include <queuectl/lmdb/ended.hpp>
#include <queuectl/lmdb/environment.hpp>
#include <queuectl/lmdb/lease_hints.hpp>
#include <queuectl/lmdb/leased.hpp>
#include <queuectl/lmdb/names.hpp>
#include <queuectl/lmdb/store_files.hpp>

#include <optional>

namespace queuectl::inline v0::detail::lmdb {

// What a handle remembers from one transaction to the next: leases, and names that are in the table for good. Under the
// store's lock.
struct known_rows {
    lease_hints leases;
    std::array<name_memo, 2> names;
};

// The verbs give 0, LMDB's code or `refused` with `refusal` set. What many jobs share (counts, groups, the header) is
// gathered here and written by finish(), the last thing before the commit. The MDB_txn is the caller's.
class transaction {
public:
    // `files` and `known` are null in a transaction of the user's and for reads.
    transaction(environment& e, MDB_txn* txn, store_files* files = nullptr, known_rows* known = nullptr)
        : hints{known != nullptr ? &known->leases : nullptr}, env_{e}, txn_{txn}, files_{files}, known_{known}
    {
    }
    transaction(const transaction&) = delete;
    transaction& operator=(const transaction&) = delete;
    ~transaction()
    {
        close_cursors();
        env_.steps.fetch_add(steps_, std::memory_order_relaxed);
    }

    lease_hints* hints;
    store_header head{};
    std::string moved_to;
    std::optional<failure_value> refusal;
    bool work = false;                   // something may have become claimable
    bool control = false;                // a running job's cancellation was asked for
    std::vector<std::string> new_logs;   // files that nothing refers to unless we commit
    std::vector<std::string> dead_logs;  // files that nothing refers to after the commit
    std::string scratch;                 // for a value being put together

    // Where long output goes; null in a transaction of the user's.
    [[nodiscard]] store_files* files() const noexcept { return files_; }
    [[nodiscard]] store_state state() const noexcept { return static_cast<store_state>(head.state); }

    [[nodiscard]] int refuse(failure_value why)
    {
        refusal = std::move(why);
        return refused;
    }

    // Refuses changes that the store does not take now.
    [[nodiscard]] int check_state(const char* verb, change_of what)
    {
        auto admitted = admit(state(), moved_to, what, verb);
        return admitted ? 0 : refuse(fail(admitted.error()));
    }

    // The cursor of a table; null with `rc` set when there is none to be had.
    [[nodiscard]] cursor* at(table t, int& rc)
    {
        auto& c = cursors_[static_cast<std::size_t>(t)];
        rc = c.is_open() ? 0 : c.open(txn_, env_.dbi(t), prefix_of(t), steps_);
        return rc == 0 ? &c : nullptr;
    }
    // Of tables without a prefix.
    [[nodiscard]] int get(table t, std::string_view key, std::string_view& value)
    {
        ++steps_;
        MDB_val k = val(key);
        MDB_val v{};
        const int rc = mdb_get(txn_, env_.dbi(t), &k, &v);
        if (rc == 0) value = view(v);
        return rc;
    }
    [[nodiscard]] int put(table t, std::string_view key, std::string_view value, unsigned flags = 0)
    {
        ++steps_;
        MDB_val k = val(key);
        MDB_val v = val(value);
        return mdb_put(txn_, env_.dbi(t), &k, &v, flags);
    }
    [[nodiscard]] int del(table t, std::string_view key)
    {
        ++steps_;
        MDB_val k = val(key);
        return mdb_del(txn_, env_.dbi(t), &k, nullptr);
    }
    // Has to be done before the transaction ends.
    void close_cursors() noexcept
    {
        for (auto& c : cursors_) c.close();
    }

    [[nodiscard]] int read_header()
    {
        int rc = 0;
        cursor* const rows = at(table::store, rc);
        if (rc == 0) rc = rows->find("h");
        if (rc != 0) return rc;
        if (!read_row(rows->value(), head)) return MDB_CORRUPTED;
        moved_to = rows->value().substr(sizeof head);
        return 0;
    }
    void header_changes() noexcept { header_changed_ = true; }

    // The number of a queue or kind; a new one where `create`, else MDB_NOTFOUND.
    [[nodiscard]] int number_of(name_kind what, std::string_view name, bool create, std::uint32_t& number)
    {
        if (known_ != nullptr && known_->names[static_cast<std::size_t>(what)].find(name, number)) return 0;
        if (names_[static_cast<std::size_t>(what)].find(name, number)) return 0;
        std::string key{what == name_kind::queue ? 'Q' : 'K'};
        key += name;
        std::string_view value;
        const int rc = get(table::store, key, value);
        if (rc == MDB_NOTFOUND && create) return add_name(what, key, name, number);
        if (rc != 0) return rc;
        if (!read_row(value, number)) return MDB_CORRUPTED;
        memo_for(what, number).add(number, name);
        return 0;
    }
    // The name stays where it is until another one is asked for.
    [[nodiscard]] int name_of(name_kind what, std::uint32_t number, std::string_view& name)
    {
        if (known_ != nullptr && known_->names[static_cast<std::size_t>(what)].find(number, name)) return 0;
        if (names_[static_cast<std::size_t>(what)].find(number, name)) return 0;
        std::string_view value;
        const int rc = get(table::store, number_key(what, number).view(), value);
        if (rc != 0) return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
        const std::size_t before = what == name_kind::queue ? sizeof(queue_row) : 0;
        if (value.size() < before) return MDB_CORRUPTED;
        auto& memo = memo_for(what, number);
        memo.add(number, value.substr(before));
        return memo.find(number, name) ? 0 : MDB_CORRUPTED;
    }
    [[nodiscard]] static packed_key<5> number_key(name_kind what, std::uint32_t number)
    {
        return packed_key<5>{}.add(static_cast<std::uint8_t>(what == name_kind::queue ? 'q' : 'k')).add(number);
    }

    void count(std::uint32_t queue, queuectl::state s, std::int64_t by)
    {
        if (counts_.empty() || counts_[last_count_].queue != queue) {
            last_count_ = 0;
            while (last_count_ < counts_.size() && counts_[last_count_].queue != queue) ++last_count_;
            if (last_count_ == counts_.size()) counts_.push_back({queue, {}});
        }
        counts_[last_count_].by[static_cast<std::size_t>(s)] += by;
    }
    void move(std::uint32_t queue, queuectl::state from, queuectl::state to)
    {
        count(queue, from, -1);
        count(queue, to, +1);
    }

    // Each call gives another one.
    [[nodiscard]] std::uint64_t next_sequence() noexcept
    {
        header_changed_ = true;
        return ++head.last_sequence;
    }
    [[nodiscard]] std::uint64_t next_group() noexcept
    {
        header_changed_ = true;
        return ++head.last_group;
    }
    // The number of this boot among those that the store has seen; leases of lower ones have expired.
    [[nodiscard]] std::uint32_t boot(const instant& now) noexcept
    {
        if (head.boots == 0 || head.boot_high != now.boot_id.high || head.boot_low != now.boot_id.low) {
            head.boot_high = now.boot_id.high;
            head.boot_low = now.boot_id.low;
            ++head.boots;
            header_changed_ = true;
        }
        return head.boots;
    }

    // A job's lease; MDB_NOTFOUND when it has none.
    [[nodiscard]] int find_lease(std::uint64_t sequence, lease_view& out)
    {
        int rc = 0;
        cursor* const rows = at(table::leased, rc);
        return rc == 0 ? leased_.find(*rows, sequence, out) : rc;
    }
    [[nodiscard]] int add_lease(std::uint64_t sequence, const lease_view& lease)
    {
        int rc = 0;
        cursor* const rows = at(table::leased, rc);
        return rc == 0 ? leased_.add(*rows, sequence, lease) : rc;
    }
    // Requires: it has one, in that group.
    [[nodiscard]] int end_lease(std::uint64_t sequence, const leased_place& place)
    {
        int rc = 0;
        cursor* const rows = at(table::leased, rc);
        if (rc == 0) rc = leased_.remove(*rows, sequence);
        if (rc == 0) ++leaving(place).left;
        return rc;
    }
    // The same with another row in that group.
    [[nodiscard]] int change_lease(std::uint64_t sequence, const lease_view& lease)
    {
        int rc = 0;
        cursor* const rows = at(table::leased, rc);
        if (rc == 0) rc = leased_.remove(*rows, sequence);
        return rc == 0 ? leased_.add(*rows, sequence, lease) : rc;
    }
    // The first `n` of the group have been looked at.
    void scanned(const leased_place& place, std::uint32_t n)
    {
        auto& change = leaving(place);
        change.scanned = std::max(change.scanned, n);
    }
    // A job became final.
    [[nodiscard]] int enter_ended(queuectl::state s, std::int64_t updated_at, std::uint64_t sequence,
                                  ended_place& place)
    {
        int rc = 0;
        cursor* const newest = at(table::newest, rc);
        return rc == 0 ? ended_.enter(*newest, s, updated_at, sequence, place, [this] { return next_group(); }) : rc;
    }
    // It is final no more, or gone.
    [[nodiscard]] int leave_ended(queuectl::state s, const ended_place& place, std::uint64_t sequence)
    {
        int rc = 0;
        cursor* const newest = at(table::newest, rc);
        cursor* const rows = rc == 0 ? at(table::ended, rc) : nullptr;
        return rc == 0 ? ended_.leave(*newest, *rows, s, place, sequence) : rc;
    }

    // Writes what was gathered.
    [[nodiscard]] int finish()
    {
        int rc = write_counts();
        if (rc == 0) rc = write_leases();
        if (rc == 0) rc = write_groups();
        if (rc == 0) rc = write_ended();
        if (rc == 0 && header_changed_) {
            scratch = bytes_of(head);
            scratch += moved_to;
            cursor* const rows = at(table::store, rc);
            if (rc == 0) rc = rows->put("h", scratch);
        }
        if (rc != 0 || new_logs.empty()) return rc;
        auto logs = files_->open_logs(false);
        auto synced = logs ? (*logs)->sync() : fail(logs.error());
        return synced ? 0 : refuse(fail(synced.error()));
    }

private:
    struct count_change {
        std::uint32_t queue;
        std::array<std::int64_t, state_count> by;
    };
    struct group_change {
        leased_place place;
        std::uint32_t left, scanned;
    };
    // A name that this transaction has made may yet be undone.
    name_memo& memo_for(name_kind what, std::uint32_t number) noexcept
    {
        const auto i = static_cast<std::size_t>(what);
        const auto first_new = first_new_[i];
        return known_ != nullptr && (first_new == 0 || number < first_new) ? known_->names[i] : names_[i];
    }

    int add_name(name_kind what, const std::string& key, std::string_view name, std::uint32_t& number)
    {
        const bool queue = what == name_kind::queue;
        auto& last = queue ? head.last_queue : head.last_kind;
        if (last == (queue ? lane_queue_max : lane_kind_max))
            return refuse(fail(errc::store_full, "insert", "too many names of queues or kinds"));
        number = ++last;
        auto& first_new = first_new_[static_cast<std::size_t>(what)];
        if (first_new == 0) first_new = number;
        header_changed_ = true;
        scratch.clear();
        if (queue) scratch = bytes_of(queue_row{});
        scratch += name;
        int rc = put(table::store, key, bytes_of(number));
        if (rc == 0) rc = put(table::store, number_key(what, number).view(), scratch);
        if (rc == 0) names_[static_cast<std::size_t>(what)].add(number, name);
        return rc;
    }

    group_change& leaving(const leased_place& place)
    {
        if (groups_.empty() || groups_[last_group_].place != place) {
            last_group_ = 0;
            while (last_group_ < groups_.size() && groups_[last_group_].place != place) ++last_group_;
            if (last_group_ == groups_.size()) groups_.push_back({place, 0, 0});
        }
        return groups_[last_group_];
    }

    int write_counts()
    {
        for (const auto& c : counts_) {
            if (c.by == decltype(c.by){}) continue;
            const auto key = number_key(name_kind::queue, c.queue);
            int rc = 0;
            cursor* const rows = at(table::store, rc);
            if (rc == 0) rc = rows->find(key.view());
            queue_row row{};
            if (rc == 0 && !read_row(rows->value(), row)) rc = MDB_CORRUPTED;
            if (rc != 0) return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
            for (std::size_t i = 0; i < state_count; ++i) row.counts[i] += static_cast<std::uint64_t>(c.by[i]);
            scratch = bytes_of(row);
            scratch += rows->value().substr(sizeof row);
            if (rc = rows->replace(key.view(), scratch); rc != 0) return rc;
        }
        return 0;
    }

    int write_leases()
    {
        if (leased_.is_written()) return 0;
        int rc = 0;
        cursor* const rows = at(table::leased, rc);
        return rc == 0 ? leased_.flush(*rows) : rc;
    }

    int write_groups()
    {
        int rc = 0;
        cursor* const c = groups_.empty() ? nullptr : at(table::groups, rc);
        for (std::size_t i = 0; rc == 0 && i < groups_.size(); ++i) {
            const auto& change = groups_[i];
            const auto key = group_key(change.place.boot, change.place.end, change.place.group);
            rc = c->find(key.view());
            lease_group row{};
            if (rc == MDB_NOTFOUND || (rc == 0 && (!read_row(c->value(), row) || row.live < change.left)))
                rc = MDB_CORRUPTED;
            if (rc != 0) return rc;
            if (row.live == change.left) {
                rc = c->erase();
                continue;
            }
            row.live -= change.left;
            row.scanned = std::max(row.scanned, change.scanned);
            scratch = bytes_of(row);
            scratch += c->value().substr(sizeof row);
            rc = c->replace(key.view(), scratch);
        }
        return rc;
    }

    int write_ended()
    {
        int rc = 0;
        cursor* const full = ended_.has_full() ? at(table::ended, rc) : nullptr;
        if (full != nullptr) rc = ended_.write_full(*full);
        cursor* const newest = rc == 0 && ended_.has_changed() ? at(table::newest, rc) : nullptr;
        return newest == nullptr ? rc : ended_.write_newest(*newest);
    }

    environment& env_;
    MDB_txn* txn_;
    store_files* files_;
    std::uint64_t steps_ = 0;
    bool header_changed_ = false;
    std::array<cursor, table_count> cursors_;
    known_rows* known_;
    std::array<name_memo, 2> names_;
    std::array<std::uint32_t, 2> first_new_{};  // the first that this transaction has made; 0 = none
    leased_jobs leased_;
    std::vector<count_change> counts_;
    std::size_t last_count_ = 0;
    std::vector<group_change> groups_;
    std::size_t last_group_ = 0;
    ended_jobs ended_;
};

}  // namespace queuectl::inline v0::detail::lmdb

#endif
