// Leases that end at one time, in groups.
#ifndef QUEUECTL_LMDB_GROUPS_HPP
#define QUEUECTL_LMDB_GROUPS_HPP

#include <queuectl/lmdb/runs.hpp>

namespace queuectl::inline v0::detail::lmdb {

// A value of groups, copied.
struct lease_list {
    leased_place place{};
    lease_group row{};
    std::string worker;
    std::vector<std::uint64_t> sequences;

    [[nodiscard]] bool read(const cursor& c)
    {
        place = {unpack<std::uint32_t>(c.key(), 0), unpack<std::int64_t>(c.key(), 4),
                 unpack<std::uint64_t>(c.key(), 12)};
        std::string_view rest = c.value();
        std::string_view name;
        if (c.key().size() != 20 || !read_row(rest, row)) return false;
        rest.remove_prefix(sizeof row);
        if (!take(rest, row.worker_bytes, name) || rest.size() / sizeof(range) < row.ranges) return false;
        worker = name;
        sequences.clear();
        for (std::uint32_t i = 0; i < row.ranges; ++i, rest.remove_prefix(sizeof(range))) {
            range r{};
            if (!read_row(rest, r) || r.count > group_most - sequences.size()) return false;
            for (std::uint64_t n = 0; n < r.count; ++n) sequences.push_back(r.first + n);
        }
        return true;
    }

    struct range {
        std::uint64_t first, count;
    };
};

// Puts leases into new groups, as many as it takes.
class group_writer {
public:
    group_writer(transaction& tx, std::uint32_t boot, std::int64_t end, std::string_view worker)
        : tx_{tx}, place_{boot, end, 0}, worker_{worker}
    {
    }

    [[nodiscard]] std::string_view worker() const noexcept { return worker_; }

    // Where the lease is told from now on.
    [[nodiscard]] int add(std::uint64_t sequence, leased_place& place)
    {
        const bool next = !ranges_.empty() && sequence == ranges_.back().first + ranges_.back().count;
        if (count_ == group_most || (!next && ranges_.size() == group_ranges_most))
            if (const int rc = finish(); rc != 0) return rc;
        if (count_++ == 0) place_.group = tx_.next_group();
        if (next && !ranges_.empty())
            ++ranges_.back().count;
        else
            ranges_.push_back({sequence, 1});
        place = place_;
        return 0;
    }
    [[nodiscard]] int finish()
    {
        if (count_ == 0) return 0;
        auto& value = tx_.scratch;
        value = bytes_of(lease_group{count_, 0, static_cast<std::uint32_t>(ranges_.size()),
                                     static_cast<std::uint32_t>(worker_.size())});
        value += worker_;
        for (const auto& r : ranges_) value += bytes_of(r);
        ranges_.clear();
        count_ = 0;
        int rc = 0;
        cursor* const groups = tx_.at(table::groups, rc);
        return rc == 0 ? groups->put(group_key(place_.boot, place_.end, place_.group).view(), value) : rc;
    }

private:
    transaction& tx_;
    leased_place place_;
    std::string worker_;
    std::vector<lease_list::range> ranges_;
    std::uint32_t count_ = 0;
};

// Returns up to limits::reap expired leases to waiting. One seek when none has expired; else what it looks at is
// bounded: of each group only what no earlier call has looked at.
[[nodiscard]] inline int reap(transaction& tx, std::uint32_t boot, const instant& now, std::size_t& reaped)
{
    std::size_t looked_at = 0;
    packed_key<20> from;
    lease_list group;
    while (reaped < limits::reap && looked_at < limits::sweep) {
        int rc = 0;
        cursor* const c = tx.at(table::groups, rc);
        if (rc == 0) rc = from.used == 0 ? c->first() : c->seek(from.view());
        if (rc != 0) return rc == MDB_NOTFOUND ? 0 : rc;
        if (!group.read(*c)) return MDB_CORRUPTED;
        if (group.place.boot == boot && group.place.end > now.boot.count()) return 0;
        std::uint32_t i = group.row.scanned;
        for (; i < group.sequences.size() && reaped < limits::reap && looked_at < limits::sweep; ++i, ++looked_at) {
            bool crashed = false;
            if (rc = crash(tx, group.sequences[i], group.place, "lease expired", now, crashed); rc != 0) return rc;
            reaped += crashed ? 1 : 0;
        }
        tx.scanned(group.place, i);
        from = group_key(group.place.boot, group.place.end, group.place.group + 1);
    }
    return 0;
}

// Reads one row for each group of leases in the store.
[[nodiscard]] inline int free_leases(transaction& tx, std::string_view worker, std::string_view cause,
                                     const instant& now, std::size_t& freed)
{
    packed_key<20> from;
    lease_list group;
    while (freed < limits::sweep) {
        int rc = 0;
        cursor* const c = tx.at(table::groups, rc);
        if (rc == 0) rc = from.used == 0 ? c->first() : c->seek(from.view());
        if (rc != 0) return rc == MDB_NOTFOUND ? 0 : rc;
        if (!group.read(*c)) return MDB_CORRUPTED;
        from = group_key(group.place.boot, group.place.end, group.place.group + 1);
        if (group.worker != worker) continue;
        for (std::size_t i = 0; i < group.sequences.size() && freed < limits::sweep; ++i) {
            bool crashed = false;
            if (rc = crash(tx, group.sequences[i], group.place, cause, now, crashed); rc != 0) return rc;
            freed += crashed ? 1 : 0;
        }
    }
    return 0;
}

}  // namespace queuectl::inline v0::detail::lmdb

#endif
