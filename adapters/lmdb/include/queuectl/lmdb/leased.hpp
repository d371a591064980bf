// Which jobs are leased, by whom and until when: neighbours of one claim share a row.
#ifndef QUEUECTL_LMDB_LEASED_HPP
#define QUEUECTL_LMDB_LEASED_HPP

#include <queuectl/lmdb/cursor.hpp>
#include <queuectl/lmdb/format.hpp>
#include <queuectl/receipt.hpp>

#include <string>

namespace queuectl::inline v0::detail::lmdb {

// Where a lease is told of, too.
struct leased_place {
    std::uint32_t boot;
    std::int64_t end;
    std::uint64_t group;
    friend bool operator==(const leased_place&, const leased_place&) = default;
};

// A job's lease; the worker's name stays where it is until another lease is asked for.
struct lease_view {
    lease_row row{};
    std::string_view worker;
    [[nodiscard]] bool has(lease_row::flag f) const noexcept { return (row.flags & f) != 0; }
    void set(lease_row::flag f) noexcept { row.flags = static_cast<std::uint16_t>(row.flags | f); }
    [[nodiscard]] lease_token token() const noexcept { return {{row.token_high, row.token_low}, row.ordinal}; }
    [[nodiscard]] leased_place place() const noexcept { return {row.boot, row.end, row.group}; }
    void place(const leased_place& p) noexcept
    {
        row.boot = p.boot;
        row.end = p.end;
        row.group = p.group;
    }
};

// The table of leases as a transaction changes it. The row that leases are taken out of, and the one that they are
// added to, are written when another one is needed: a batch costs one change. All give LMDB's codes and take the cursor
// of the table, which nobody else moves.
class leased_jobs {
public:
    // MDB_NOTFOUND when the job is not leased.
    [[nodiscard]] int find(cursor& rows, std::uint64_t sequence, lease_view& out)
    {
        const range* in = &added_;
        if (!added_.holds(sequence)) {
            if (const int rc = load(rows, sequence); rc != 0) return rc;
            if (!loaded_.holds(sequence)) return MDB_NOTFOUND;
            in = &loaded_;
        }
        out.row = in->row;
        out.row.count = 1;
        out.row.ordinal += static_cast<std::uint32_t>(sequence - in->first);
        out.worker = in->worker;
        return 0;
    }

    // Requires: it is not leased.
    [[nodiscard]] int add(cursor& rows, std::uint64_t sequence, const lease_view& lease)
    {
        if (added_.continues_with(sequence, lease)) return ++added_.row.count, 0;
        const int rc = flush(rows);
        added_.first = sequence;
        added_.row = lease.row;
        added_.row.count = 1;
        added_.worker = lease.worker;
        return rc;
    }

    // Requires: it is leased.
    [[nodiscard]] int remove(cursor& rows, std::uint64_t sequence)
    {
        if (added_.holds(sequence))
            if (const int rc = flush(rows); rc != 0) return rc;
        if (const int rc = load(rows, sequence); rc != 0) return rc;
        const auto before = static_cast<std::uint32_t>(sequence - loaded_.first);
        if (!loaded_.holds(sequence)) return MDB_CORRUPTED;
        if (before == 0) {
            ++loaded_.first;
            ++loaded_.row.ordinal;
            --loaded_.row.count;
            changed_ = true;
            return 0;
        }
        range rest = loaded_;
        rest.first = sequence + 1;
        rest.row.ordinal += before + 1;
        rest.row.count -= before + 1;
        loaded_.row.count = before;
        changed_ = true;
        if (rest.row.count == 0) return 0;
        const int rc = write_loaded(rows);
        return rc == 0 ? write(rows, rest) : rc;
    }

    [[nodiscard]] bool is_written() const noexcept { return !changed_ && added_.row.count == 0; }
    // Writes what is not yet written.
    [[nodiscard]] int flush(cursor& rows)
    {
        int rc = write_loaded(rows);
        if (rc == 0 && added_.row.count != 0) rc = write(rows, added_);
        added_.row.count = 0;
        return rc;
    }

    [[nodiscard]] static packed_key<8> key(std::uint64_t first) noexcept { return packed_key<8>{}.add(first); }

private:
    struct range {
        std::uint64_t first = 0;
        lease_row row{};  // count 0: none
        std::string worker;

        [[nodiscard]] bool holds(std::uint64_t sequence) const noexcept
        {
            return sequence >= first && sequence - first < row.count;
        }
        [[nodiscard]] bool continues_with(std::uint64_t sequence, const lease_view& lease) const noexcept
        {
            if (row.count == 0 || sequence != first + row.count || worker != lease.worker) return false;
            auto next = lease.row;
            next.count = row.count;
            next.ordinal -= row.count;
            return std::memcmp(&next, &row, sizeof row) == 0;
        }
    };

    // Makes the row that may hold the job the loaded one.
    int load(cursor& rows, std::uint64_t sequence)
    {
        if (stored_count_ != 0 && sequence >= stored_first_ && sequence - stored_first_ < stored_count_) return 0;
        int rc = write_loaded(rows);
        stored_count_ = 0;
        loaded_.row.count = 0;
        at_loaded_ = false;
        if (rc == 0) rc = rows.find(key(sequence).view());
        if (rc == MDB_NOTFOUND) rc = rows.seek_before(key(sequence).view());
        if (rc != 0) return rc;
        const auto first = unpack<std::uint64_t>(rows.key(), 0);
        std::string_view value = rows.value();
        if (rows.key().size() != 8 || !read_row(value, loaded_.row) || loaded_.row.count == 0) return MDB_CORRUPTED;
        loaded_.worker = value.substr(sizeof(lease_row));
        loaded_.first = stored_first_ = first;
        stored_count_ = loaded_.row.count;
        at_loaded_ = true;
        return 0;
    }
    int write_loaded(cursor& rows)
    {
        if (!std::exchange(changed_, false)) return 0;
        int rc = 0;
        if (loaded_.row.count == 0 || loaded_.first != stored_first_) {
            if (!at_loaded_) rc = rows.find(key(stored_first_).view());
            at_loaded_ = false;
            if (rc == 0) rc = rows.erase();
            if (rc == MDB_NOTFOUND) rc = MDB_CORRUPTED;
        }
        stored_first_ = loaded_.first;
        stored_count_ = loaded_.row.count;
        return rc != 0 || stored_count_ == 0 ? rc : write(rows, loaded_);
    }
    int write(cursor& rows, const range& r)
    {
        at_loaded_ = false;
        scratch_ = bytes_of(r.row);
        scratch_ += r.worker;
        return rows.put(key(r.first).view(), scratch_);
    }

    range loaded_;  // as it is now; in the table under stored_first_, with stored_count_ jobs, until it is written
    range added_;   // not in the table yet
    std::uint64_t stored_first_ = 0;
    std::uint32_t stored_count_ = 0;
    bool changed_ = false;
    bool at_loaded_ = false;  // the cursor is on the loaded row
    std::string scratch_;
};

}  // namespace queuectl::inline v0::detail::lmdb

#endif
