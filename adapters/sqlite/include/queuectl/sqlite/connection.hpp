// One connection to a store's file, set up as the queue needs it.
#ifndef QUEUECTL_SQLITE_CONNECTION_HPP
#define QUEUECTL_SQLITE_CONNECTION_HPP

#include <queuectl/sqlite/failure.hpp>
#include <queuectl/sqlite/log_vfs.hpp>
#include <queuectl/sqlite/options.hpp>
#include <queuectl/sqlite/statement.hpp>

#include <memory>

namespace queuectl::inline v0::detail::sqlite {

// PRAGMA synchronous.
enum class sync_level : int { normal = 1, full = 2 };

// Not thread-safe; where it is kept it stays (the log hook points to it).
class connection {
public:
    [[nodiscard]] static result<std::unique_ptr<connection>> open(const std::string& path, bool read_only,
                                                                  duration busy)
    {
        sqlite3* db = nullptr;
        const int flags = (read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOFOLLOW |
                          SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
        errno = 0;
        const int rc = sqlite3_open_v2(path.c_str(), &db, flags, log_vfs::name());
        if (db == nullptr) return fail(errc::no_memory, "open " + path);
        std::unique_ptr<connection> made{new connection{db}};
        if (rc != SQLITE_OK) return failed(db, rc, "open " + path);
        made->busy(busy);
        if (const int e = made->set_up(); e != SQLITE_OK) return failed(db, e, "open " + path);
        return made;
    }

    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection()
    {
        {
            const statements finalised{std::move(sql)};
        }
        sqlite3_close_v2(db_);
    }

    [[nodiscard]] sqlite3* db() const noexcept { return db_; }

    // How long a statement waits for programs that do not stand in our line.
    void busy(duration most)
    {
        const auto ms = saturate(most).count() / 1000;
        sqlite3_busy_timeout(db_, static_cast<int>(ms < 1 ? 1 : ms > 0x7fffffff ? 0x7fffffff : ms));
    }

    // Runs statements that give no rows.
    [[nodiscard]] int run(const char* text) { return sqlite3_exec(db_, text, nullptr, nullptr, nullptr); }

    [[nodiscard]] int sync(sync_level level)
    {
        if (level == level_) return SQLITE_OK;
        const int rc = run(level == sync_level::full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
        if (rc == SQLITE_OK) level_ = level;
        return rc;
    }

    // Ends whatever transaction is open.
    void roll_back()
    {
        if (sqlite3_get_autocommit(db_) == 0) static_cast<void>(run("ROLLBACK"));
    }

    // Copies the log into the file when it has grown past `bytes`, so that the next commit starts it anew. Only under
    // the store's lock: SQLite before 3.51.3 can corrupt when another connection commits meanwhile. Readers that still
    // need the log keep it growing; it is tried again when it has grown by as much again.
    void checkpoint_past(std::int64_t bytes)
    {
        if (log_pages_ * page_bytes < bytes + put_off_) return;
        const bool whole = checkpoint(SQLITE_CHECKPOINT_PASSIVE);
        put_off_ = whole ? 0 : log_pages_ * page_bytes;
        if (whole) log_pages_ = 0;
    }

    // The same before the first commit, when another connection left a log of `pages`: whoever opens the store first
    // reads all of it. The commit then starts the log anew in place, which is cheaper to sync than one that grows.
    void checkpoint_left(std::int64_t pages, std::int64_t bytes)
    {
        if (pages * page_bytes >= bytes) static_cast<void>(checkpoint(SQLITE_CHECKPOINT_PASSIVE));
    }

    [[nodiscard]] std::int64_t log_pages() const noexcept { return log_pages_; }

    // The same at close, emptying the log where no reader is in the way.
    void empty_log_past(std::int64_t bytes)
    {
        if (log_pages_ * page_bytes < bytes) return;
        sqlite3_busy_timeout(db_, 0);
        static_cast<void>(checkpoint(SQLITE_CHECKPOINT_TRUNCATE));
    }

    statements sql;

private:
    explicit connection(sqlite3* db) : sql{db}, db_{db} {}

    int set_up()
    {
        sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
        sqlite3_db_config(db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
        sqlite3_db_config(db_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        sqlite3_wal_hook(db_, &connection::committed, this);  // in place of automatic checkpoints
        if (const int rc = row_tables::add_to(db_); rc != SQLITE_OK) return rc;
        return run("PRAGMA secure_delete=OFF; PRAGMA synchronous=FULL; PRAGMA cache_size=-8192");
    }

    static constexpr std::int64_t page_bytes = 4096;

    bool checkpoint(int mode)
    {
        int pages = 0;
        int copied = 0;
        return sqlite3_wal_checkpoint_v2(db_, nullptr, mode, &pages, &copied) == SQLITE_OK && pages == copied;
    }

    static int committed(void* self, sqlite3*, const char*, int pages)
    {
        static_cast<connection*>(self)->log_pages_ = pages;
        return SQLITE_OK;
    }

    sqlite3* db_;
    sync_level level_ = sync_level::full;
    std::int64_t log_pages_ = 0;
    std::int64_t put_off_ = 0;
};

}  // namespace queuectl::inline v0::detail::sqlite

#endif
