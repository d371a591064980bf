// A place in one database of an open transaction.
#ifndef QUEUECTL_LMDB_CURSOR_HPP
#define QUEUECTL_LMDB_CURSOR_HPP

#include <lmdb.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace queuectl::inline v0::detail::lmdb {

[[nodiscard]] inline MDB_val val(std::string_view bytes) noexcept
{
    return {bytes.size(), const_cast<char*>(bytes.data())};
}
[[nodiscard]] inline std::string_view view(const MDB_val& v) noexcept
{
    return {static_cast<const char*>(v.mv_data), v.mv_size};
}
// As a key of the tables by sequence.
[[nodiscard]] inline std::string_view sequence_key(const std::uint64_t& sequence) noexcept
{
    return {reinterpret_cast<const char*>(&sequence), sizeof sequence};
}

// All give 0, MDB_NOTFOUND or another code of LMDB's. What key() and value() show is gone with the next write.
class cursor {
public:
    cursor() = default;
    cursor(const cursor&) = delete;
    cursor& operator=(const cursor&) = delete;
    ~cursor() { close(); }

    [[nodiscard]] int open(MDB_txn* txn, MDB_dbi dbi, std::uint64_t& steps)
    {
        steps_ = &steps;
        return mdb_cursor_open(txn, dbi, &at_);
    }
    [[nodiscard]] bool is_open() const noexcept { return at_ != nullptr; }
    void close() noexcept
    {
        if (at_ != nullptr) mdb_cursor_close(std::exchange(at_, nullptr));
    }

    [[nodiscard]] int move(MDB_cursor_op to)
    {
        ++*steps_;
        return mdb_cursor_get(at_, &key_, &value_, to);
    }
    [[nodiscard]] int next() { return move(MDB_NEXT); }
    // The first at or after `key`.
    [[nodiscard]] int seek(std::string_view key)
    {
        key_ = val(key);
        return move(MDB_SET_RANGE);
    }
    // The one of exactly that key.
    [[nodiscard]] int find(std::string_view key)
    {
        key_ = val(key);
        return move(MDB_SET_KEY);
    }
    // The last before `key`.
    [[nodiscard]] int seek_before(std::string_view key)
    {
        const int rc = seek(key);
        return rc == 0 ? move(MDB_PREV) : rc == MDB_NOTFOUND ? move(MDB_LAST) : rc;
    }

    [[nodiscard]] std::string_view key() const noexcept { return view(key_); }
    [[nodiscard]] std::string_view value() const noexcept { return view(value_); }
    [[nodiscard]] std::uint64_t sequence() const noexcept
    {
        std::uint64_t s = 0;
        if (key_.mv_size == sizeof s) std::memcpy(&s, key_.mv_data, sizeof s);
        return s;
    }

    // Leaves the cursor there.
    [[nodiscard]] int put(std::string_view key, std::string_view value, unsigned flags = 0)
    {
        ++*steps_;
        MDB_val k = val(key);
        value_ = val(value);
        return mdb_cursor_put(at_, &k, &value_, flags);
    }
    // Room for `bytes` under a key, to be written before anything else is done.
    [[nodiscard]] int reserve(std::string_view key, std::size_t bytes, char*& room, unsigned flags = 0)
    {
        ++*steps_;
        MDB_val k = val(key);
        value_ = {bytes, nullptr};
        const int rc = mdb_cursor_put(at_, &k, &value_, flags | MDB_RESERVE);
        room = static_cast<char*>(value_.mv_data);
        return rc;
    }
    // Another value under the key where it stands, which the caller knows; its bytes must not be the table's own.
    [[nodiscard]] int replace(std::string_view key, std::string_view value) { return put(key, value, MDB_CURRENT); }
    [[nodiscard]] int erase()
    {
        ++*steps_;
        return mdb_cursor_del(at_, 0);
    }

private:
    MDB_cursor* at_ = nullptr;
    std::uint64_t* steps_ = nullptr;
    MDB_val key_{};
    MDB_val value_{};
};

}  // namespace queuectl::inline v0::detail::lmdb

#endif
