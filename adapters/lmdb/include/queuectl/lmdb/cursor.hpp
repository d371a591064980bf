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

// A key of at most 31 bytes behind a table's prefix.
class prefixed {
public:
    prefixed(char prefix, std::string_view key) noexcept : used_{key.size() + 1}
    {
        bytes_[0] = prefix;
        key.copy(bytes_ + 1, sizeof bytes_ - 1);
    }
    [[nodiscard]] MDB_val val() noexcept { return {used_, bytes_}; }

private:
    char bytes_[32];
    std::size_t used_;
};

// All give 0, MDB_NOTFOUND or another code of LMDB's. What key() and value() show is gone with the next write. With a
// prefix, only the keys that begin with it are there, and it is no part of them.
class cursor {
public:
    cursor() = default;
    cursor(const cursor&) = delete;
    cursor& operator=(const cursor&) = delete;
    ~cursor() { close(); }

    [[nodiscard]] int open(MDB_txn* txn, MDB_dbi dbi, char prefix, std::uint64_t& steps)
    {
        steps_ = &steps;
        prefix_ = prefix;
        return mdb_cursor_open(txn, dbi, &at_);
    }
    [[nodiscard]] bool is_open() const noexcept { return at_ != nullptr; }
    void close() noexcept
    {
        if (at_ != nullptr) mdb_cursor_close(std::exchange(at_, nullptr));
    }

    [[nodiscard]] int first() { return prefix_ == 0 ? move(MDB_FIRST) : seek({}); }
    // Requires: no prefix.
    [[nodiscard]] int last() { return move(MDB_LAST); }
    [[nodiscard]] int next() { return move(MDB_NEXT); }
    // The one that came after what was erased last.
    [[nodiscard]] int next_after_erase() { return move(MDB_NEXT); }
    // The first at or after `key`.
    [[nodiscard]] int seek(std::string_view key) { return look(key, MDB_SET_RANGE); }
    // The one of exactly that key.
    [[nodiscard]] int find(std::string_view key) { return look(key, MDB_SET_KEY); }
    // The last before `key`. Requires: a prefix.
    [[nodiscard]] int seek_before(std::string_view key)
    {
        prefixed whole{prefix_, key};
        key_ = whole.val();
        ++*steps_;
        const int rc = mdb_cursor_get(at_, &key_, &value_, MDB_SET_RANGE);
        return rc == 0 ? move(MDB_PREV) : rc == MDB_NOTFOUND ? move(MDB_LAST) : rc;
    }

    [[nodiscard]] std::string_view key() const noexcept
    {
        const auto whole = view(key_);
        return prefix_ == 0 ? whole : whole.substr(1);
    }
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
        value_ = val(value);
        return put_as(key, flags);
    }
    // Room for `bytes` under a key, to be written before anything else is done.
    [[nodiscard]] int reserve(std::string_view key, std::size_t bytes, char*& room, unsigned flags = 0)
    {
        value_ = {bytes, nullptr};
        const int rc = put_as(key, flags | MDB_RESERVE);
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
    int move(MDB_cursor_op to)
    {
        ++*steps_;
        const int rc = mdb_cursor_get(at_, &key_, &value_, to);
        if (rc != 0 || prefix_ == 0) return rc;
        return key_.mv_size != 0 && *static_cast<const char*>(key_.mv_data) == prefix_ ? 0 : MDB_NOTFOUND;
    }
    int look(std::string_view key, MDB_cursor_op how)
    {
        if (prefix_ == 0) {
            key_ = val(key);
            return move(how);
        }
        prefixed whole{prefix_, key};
        key_ = whole.val();
        return move(how);
    }
    int put_as(std::string_view key, unsigned flags)
    {
        ++*steps_;
        if (prefix_ == 0) {
            MDB_val k = val(key);
            return mdb_cursor_put(at_, &k, &value_, flags);
        }
        prefixed whole{prefix_, key};
        MDB_val k = whole.val();
        return mdb_cursor_put(at_, &k, &value_, flags);
    }

    MDB_cursor* at_ = nullptr;
    std::uint64_t* steps_ = nullptr;
    char prefix_ = 0;
    MDB_val key_{};
    MDB_val value_{};
};

}  // namespace queuectl::inline v0::detail::lmdb

#endif
