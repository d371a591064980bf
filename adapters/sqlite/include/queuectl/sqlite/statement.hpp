// SQLite's handles with C++ lifetimes: a connection with its cache of prepared statements.
#ifndef QUEUECTL_SQLITE_STATEMENT_HPP
#define QUEUECTL_SQLITE_STATEMENT_HPP

#include <queuectl/sqlite/rows.hpp>
#include <queuectl/time.hpp>
#include <queuectl/uid.hpp>

#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace queuectl::inline v0::detail::sqlite {

// Bytes to be bound as a BLOB; empty = NULL.
struct blob {
    std::string_view bytes;
};

// Text; empty = NULL.
struct text_or_null {
    std::string_view bytes;
};

// A prepared statement in use: reset when it goes. A statement that could not be prepared is carried along: its
// step() gives the reason. Bound text must live until the last step.
class statement {
public:
    statement(sqlite3_stmt* handle, int status) : handle_{handle}, status_{status} {}
    statement(statement&& other) noexcept : handle_{std::exchange(other.handle_, nullptr)}, status_{other.status_} {}
    statement& operator=(statement&&) = delete;
    ~statement() { reset(); }

    // Binds every parameter, from ?1 on.
    template <class... Values>
    statement& bind(const Values&... values)
    {
        int at = 0;
        (bind_one(++at, values), ...);
        return *this;
    }

    template <class Value>
    void bind_at(int at, const Value& value)
    {
        bind_one(at, value);
    }

    // SQLITE_ROW, SQLITE_DONE or an error.
    [[nodiscard]] int step() { return handle_ == nullptr ? status_ : sqlite3_step(handle_); }
    // Runs a statement that gives no rows; SQLITE_OK or an error. Ready to be bound again.
    [[nodiscard]] int run()
    {
        int rc = step();
        while (rc == SQLITE_ROW) rc = step();
        reset();
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
    }
    void reset()
    {
        if (handle_ != nullptr) sqlite3_reset(handle_);
    }

    [[nodiscard]] std::int64_t integer(int column) const { return sqlite3_column_int64(handle_, column); }
    [[nodiscard]] std::int32_t int32(int column) const { return sqlite3_column_int(handle_, column); }
    [[nodiscard]] double real(int column) const { return sqlite3_column_double(handle_, column); }
    [[nodiscard]] bool null(int column) const { return sqlite3_column_type(handle_, column) == SQLITE_NULL; }
    // TEXT or BLOB, byte for byte; NULL = empty. Valid until the next step.
    [[nodiscard]] std::string_view bytes(int column) const
    {
        const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_, column));
        return data == nullptr
                   ? std::string_view{}
                   : std::string_view{data, static_cast<std::size_t>(sqlite3_column_bytes(handle_, column))};
    }
    [[nodiscard]] std::string text(int column) const { return std::string{bytes(column)}; }
    [[nodiscard]] timestamp time(int column) const { return timestamp{duration{integer(column)}}; }

private:
    void bind_one(int at, std::int64_t v) { sqlite3_bind_int64(handle_, at, v); }
    void bind_one(int at, int v) { sqlite3_bind_int(handle_, at, v); }
    void bind_one(int at, bool v) { sqlite3_bind_int(handle_, at, v ? 1 : 0); }
    void bind_one(int at, double v) { sqlite3_bind_double(handle_, at, v); }
    void bind_one(int at, timestamp v) { bind_one(at, std::int64_t{v.time_since_epoch().count()}); }
    void bind_one(int at, duration v) { bind_one(at, std::int64_t{v.count()}); }
    void bind_one(int at, std::string_view v)
    {
        sqlite3_bind_text64(handle_, at, v.data() == nullptr ? "" : v.data(), v.size(), SQLITE_STATIC, SQLITE_UTF8);
    }
    void bind_one(int at, const row_source& v)
    {
        sqlite3_bind_pointer(handle_, at, const_cast<row_source*>(&v), row_pointer, nullptr);
    }
    void bind_one(int at, const std::string& v) { bind_one(at, std::string_view{v}); }
    void bind_one(int at, text_or_null v)
    {
        if (v.bytes.empty())
            sqlite3_bind_null(handle_, at);
        else
            bind_one(at, v.bytes);
    }
    void bind_one(int at, blob v)
    {
        if (v.bytes.empty())
            sqlite3_bind_null(handle_, at);
        else
            sqlite3_bind_blob64(handle_, at, v.bytes.data(), v.bytes.size(), SQLITE_STATIC);
    }

    sqlite3_stmt* handle_;
    int status_;
};

// Prepared statements of one connection, by the address of their SQL text. Not thread-safe.
class statements {
public:
    explicit statements(sqlite3* db) : db_{db} {}
    statements(statements&& other) noexcept : db_{other.db_}, cached_{std::move(other.cached_)}
    {
        other.cached_.clear();
    }
    statements& operator=(statements&&) = delete;
    ~statements()
    {
        for (const auto& entry : cached_) sqlite3_finalize(entry.second);
    }

    // `sql` is one of the texts of sql.hpp. One use of it at a time.
    [[nodiscard]] statement get(const char* sql)
    {
        for (const auto& entry : cached_)
            if (entry.first == sql) return {entry.second, SQLITE_OK};
        sqlite3_stmt* handle = nullptr;
        const int rc = sqlite3_prepare_v3(db_, sql, -1, SQLITE_PREPARE_PERSISTENT, &handle, nullptr);
        if (rc != SQLITE_OK) return {nullptr, rc};
        cached_.emplace_back(sql, handle);
        return {handle, SQLITE_OK};
    }

    [[nodiscard]] sqlite3* db() const noexcept { return db_; }

private:
    sqlite3* db_;
    std::vector<std::pair<const char*, sqlite3_stmt*>> cached_;
};

}  // namespace queuectl::inline v0::detail::sqlite

#endif
