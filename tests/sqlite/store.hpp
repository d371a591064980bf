// SQLite stores for the shared tests, and short ways to open them.
#ifndef QUEUECTL_TESTS_SQLITE_STORE_HPP
#define QUEUECTL_TESTS_SQLITE_STORE_HPP

#include "shared/store.hpp"

#include <queuectl/sqlite.hpp>

namespace queuectl_test {

struct sqlite_kind {
    using storage = sqlite_storage;
    using options = sqlite_options;
    static constexpr char file[] = "q.db";
    static constexpr char side_folder[] = "q.db.d";
};

inline sqlite_storage open_store(const std::string& path, sqlite_options options = {})
{
    return open_as<sqlite_kind>(path, options);
}

// Runs `sql` on a handle of its own.
inline void run_sql(const std::string& path, const char* sql)
{
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
}

}  // namespace queuectl_test

#endif
