// Several processes on one store: every job once, wake-ups, and nothing lost to SIGKILL.
#include "shared/processes.hpp"
#include "sqlite/store.hpp"

#include <thread>

namespace queuectl_test {

INSTANTIATE_TYPED_TEST_SUITE_P(SqliteProcesses, StoreProcesses, sqlite_kind);

namespace {

TEST(SqliteProcesses, AChangeByAnotherToolIsNoticedInFiveSeconds)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q.db");
    const auto seen = s.changes();
    std::thread waiter{[&] {
        const auto start = detail::monotonic_us();
        EXPECT_NE(s.wait_for_change(seen, std::chrono::seconds{60}), seen);
        EXPECT_LT(detail::monotonic_us() - start, 12'000'000);
    }};
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((folder / "q.db").c_str(), &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 1000);
    ::usleep(100'000);
    EXPECT_EQ(sqlite3_exec(db, "INSERT INTO config VALUES('k','v',1,9)", nullptr, nullptr, nullptr), SQLITE_OK);
    waiter.join();
    sqlite3_close(db);
}

}  // namespace
}  // namespace queuectl_test
