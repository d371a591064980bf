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
        sequence_ranges ranges;
        if (!take(rest, row.worker_bytes, name) || !ranges.read(rest, group_most)) return false;
        worker = name;
        sequences.clear();
        return ranges.each([this](std::uint64_t sequence) { return sequences.push_back(sequence), 0; }) == 0 &&
               sequences.size() == row.count;
    }
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
        if (jobs_.count() == group_most || (jobs_.ranges() == group_ranges_most && !jobs_.is_next(sequence)))
            if (const int rc = finish(); rc != 0) return rc;
        if (jobs_.count() == 0) place_.group = tx_.next_group();
        jobs_.add(sequence);
        place = place_;
        return 0;
    }
    [[nodiscard]] int finish()
    {
        const auto n = static_cast<std::uint32_t>(jobs_.count());
        if (n == 0) return 0;
        auto& value = tx_.scratch;
        value = bytes_of(lease_group{n, 0, n, static_cast<std::uint32_t>(worker_.size())});
        value += worker_;
        jobs_.append_to(value);
        jobs_.clear();
        int rc = 0;
        cursor* const groups = tx_.at(table::groups, rc);
        return rc == 0 ? groups->put(group_key(place_.boot, place_.end, place_.group).view(), value) : rc;
    }

private:
    transaction& tx_;
    leased_place place_;
    std::string worker_;
    sequence_ranges jobs_;
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
