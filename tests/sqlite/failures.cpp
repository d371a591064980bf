// What goes wrong beneath a store: a full disk, contention, a log that must not grow for ever.
#include "shared/failures.hpp"
#include "sqlite/vm_steps.hpp"

namespace queuectl_test {

struct sqlite_failures_kind : sqlite_kind {
    static void count_steps() { count_vm_steps(); }
    static std::uint64_t steps(const sqlite_storage&) { return vm_steps(); }
};
INSTANTIATE_TYPED_TEST_SUITE_P(SqliteFailures, StoreFailures, sqlite_failures_kind);

namespace {

TEST(SqliteFailures, LongOutputOnAFullDiskLeavesTheLease)
{
    const temporary_folder folder;
    const int code = with_small_disk(2u << 20, [&] {
        auto s = sqlite_storage::open(folder / "q.db");
        if (!s) return 1;
        put(*s, make_job("a"));
        const auto leases = take(*s, 1);
        auto done = ended(leases.at(0), verdict_kind::complete);
        done.report->output.head.assign(3u << 20, 'x');
        settle_status status{};
        const auto settled = s->settle({&done, 1}, {&status, 1}, at(3));
        if (settled || settled.error().code != errc::store_full) return 2;
        if (std::filesystem::exists(folder / "q.db.d/logs/1-1")) return 3;
        done.report->output = {};
        return settle(*s, done) == settle_status::applied ? 0 : 4;
    });
    EXPECT_EQ(code, 0);
}

TEST(SqliteFailures, AnotherWriterMakesUsBusyAfterTheDeadlineInAll)
{
    const temporary_folder folder;
    sqlite_options options;
    options.busy = std::chrono::milliseconds{60};
    auto s = open_store(folder / "q.db", options);
    put(s, make_job("a"));
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((folder / "q.db").c_str(), &db), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(db, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
    const job j = make_job("b");
    insert_status status{};
    const auto refused = s.insert({&j, 1}, {&status, 1}, at(1));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::busy);
    EXPECT_EQ(state_of(s, "a"), state::pending) << "reads go on";
    ASSERT_EQ(sqlite3_exec(db, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(db);
    EXPECT_EQ(put(s, j), insert_status::inserted);
}

TEST(SqliteFailures, TheLogStaysBounded)
{
    const temporary_folder folder;
    sqlite_options options;
    options.durability = durability::none;
    auto s = open_store(folder / "q.db", options);
    for (int i = 0; i < 60; ++i) {
        job j = make_job("job" + std::to_string(i));
        j.payload.assign(1u << 19, 'x');
        put(s, j);
    }
    EXPECT_LT(std::filesystem::file_size(folder / "q.db-wal"), 8u << 20);
}

TEST(SqliteFailures, ADamagedFileIsCalledSo)
{
    const temporary_folder folder;
    {
        auto s = open_store(folder / "q.db");
        for (int i = 0; i < 50; ++i) put(s, make_job("job" + std::to_string(i)));
    }
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((folder / "q.db").c_str(), &db), SQLITE_OK);
    sqlite3_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)", nullptr, nullptr, nullptr);
    sqlite3_close(db);
    auto* const file = std::fopen((folder / "q.db").c_str(), "r+");
    ASSERT_NE(file, nullptr);
    const std::string junk(3 * 4096, '\x5a');
    std::fseek(file, 4096, SEEK_SET);
    ASSERT_EQ(std::fwrite(junk.data(), 1, junk.size(), file), junk.size());
    std::fclose(file);
    const auto s = sqlite_storage::open(folder / "q.db");
    ASSERT_FALSE(s);
    EXPECT_EQ(s.error().code, errc::corrupt) << s.error().message();
}

}  // namespace
}  // namespace queuectl_test
