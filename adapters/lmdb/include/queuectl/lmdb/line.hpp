// The table line: who may be claimed once due.
#ifndef QUEUECTL_LMDB_LINE_HPP
#define QUEUECTL_LMDB_LINE_HPP

#include <queuectl/lmdb/transaction.hpp>

namespace queuectl::inline v0::detail::lmdb {

// `count` jobs of one lane and run_at with sequences from `first` on, all of them fresh (see line_row) or not.
struct line_entry {
    std::uint64_t lane = 0;
    std::int64_t run_at = 0;
    std::uint64_t first = 0;
    std::uint32_t count = 0;
    bool is_fresh = false;

    [[nodiscard]] packed_key<24> key() const noexcept { return line_key(lane, run_at, first); }
    [[nodiscard]] line_row row() const noexcept { return {count & 0x7fffffffu, is_fresh ? 1u : 0u}; }
    [[nodiscard]] bool takes(std::uint64_t l, std::int64_t at, std::uint64_t sequence) const noexcept
    {
        return lane == l && run_at == at && first + count == sequence;
    }
};

[[nodiscard]] inline bool read_entry(const cursor& c, line_entry& out) noexcept
{
    out.lane = unpack<std::uint64_t>(c.key(), 0);
    out.run_at = unpack<std::int64_t>(c.key(), 8);
    out.first = unpack<std::uint64_t>(c.key(), 16);
    line_row row{};
    const bool whole = c.key().size() == 24 && read_row(c.value(), row);
    out.count = row.count;
    out.is_fresh = row.is_fresh != 0;
    return whole && out.count != 0;
}

[[nodiscard]] inline int enter_line(transaction& tx, const line_entry& e)
{
    tx.work = true;
    int rc = 0;
    cursor* const c = tx.at(table::line, rc);
    return rc == 0 ? c->put(e.key().view(), bytes_of(e.row())) : rc;
}

[[nodiscard]] inline int leave_line(transaction& tx, std::uint64_t lane, std::int64_t run_at, std::uint64_t sequence)
{
    int rc = 0;
    cursor* const c = tx.at(table::line, rc);
    if (rc != 0) return rc;
    const auto key = line_key(lane, run_at, sequence);
    rc = c->find(key.view());
    if (rc == MDB_NOTFOUND) rc = c->seek_before(key.view());
    line_entry e;
    if (rc == MDB_NOTFOUND || (rc == 0 && !read_entry(*c, e))) return MDB_CORRUPTED;
    if (rc != 0) return rc;
    if (e.lane != lane || e.run_at != run_at || e.first + e.count <= sequence) return MDB_CORRUPTED;
    const line_entry before{lane, run_at, e.first, static_cast<std::uint32_t>(sequence - e.first), e.is_fresh};
    const line_entry after{lane, run_at, sequence + 1, e.count - before.count - 1, e.is_fresh};
    rc = before.count == 0 ? c->erase() : c->replace(before.key().view(), bytes_of(before.row()));
    return rc == 0 && after.count != 0 ? c->put(after.key().view(), bytes_of(after.row())) : rc;
}

}  // namespace queuectl::inline v0::detail::lmdb

#endif
