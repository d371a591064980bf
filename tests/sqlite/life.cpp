// A job's life in a SQLite store, and what of it is there after reopening.
#include "shared/life.hpp"
#include "sqlite/store.hpp"

namespace queuectl_test {
namespace {

std::int64_t number_of(const std::string& path, const char* sql)
{
    sqlite3* db = nullptr;
    sqlite3_stmt* row = nullptr;
    EXPECT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_prepare_v2(db, sql, -1, &row, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    EXPECT_EQ(sqlite3_step(row), SQLITE_ROW);
    const auto n = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    sqlite3_close(db);
    return n;
}

}  // namespace

struct sqlite_life_kind : sqlite_kind {
    static std::size_t run_rows(sqlite_storage&, const std::string& path)
    {
        return static_cast<std::size_t>(number_of(path, "SELECT count(*) FROM attempts"));
    }
};
INSTANTIATE_TYPED_TEST_SUITE_P(SqliteLife, StoreLife, sqlite_life_kind);

namespace {

TEST(SqliteLife, TheTablesTellWhatWaitsAndWhatRuns)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q.db");
    for (const char* id : {"a", "b", "c", "d"}) put(s, make_job(id));
    const auto leases = take(s, 2);
    ASSERT_EQ(leases.size(), 2u);
    EXPECT_EQ(number_of(folder / "q.db", "SELECT count(*) FROM line"), 2);
    EXPECT_EQ(number_of(folder / "q.db", "SELECT count(*) FROM leases"), 2);
    EXPECT_EQ(number_of(folder / "q.db", "SELECT count(*) FROM job_view WHERE state='processing'"), 2);
    settle(s, ended(leases[0], verdict_kind::release));
    settle(s, ended(leases[1], verdict_kind::bury, run_status::failed));
    const std::string c = "c";
    change_status status{};
    ASSERT_TRUE(s.cancel({&c, 1}, {&status, 1}, at(4)));
    EXPECT_EQ(number_of(folder / "q.db", "SELECT count(*) FROM leases"), 0);
    EXPECT_EQ(
        number_of(folder / "q.db",
                  "SELECT count(*) FROM (SELECT sequence, run_at FROM line EXCEPT SELECT sequence, run_at FROM jobs "
                  "WHERE state IN (0, 3) AND hold = 0)"),
        0);
    EXPECT_EQ(number_of(folder / "q.db", "SELECT count(*) FROM line"), 2);
    EXPECT_EQ(number_of(folder / "q.db", "SELECT count(*) FROM dead_letter_queue"), 1);
}

}  // namespace
}  // namespace queuectl_test
