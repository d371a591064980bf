// What goes wrong beneath a store: a full disk, contention, a log that must not grow for ever.
#include "sqlite/vm_steps.hpp"

#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>

namespace queuectl_test {
namespace {

// In a child whose files may not grow beyond `bytes`.
template <class Body>
int with_small_disk(rlim_t bytes, Body body)
{
    const auto child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{bytes, bytes};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        ::_exit(body());
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(SqliteFailures, AFullDiskRefusesWholeInsertsAndChangesNothing)
{
    const temporary_folder folder;
    {
        auto s = open_store(folder / "q.db");
        put(s, make_job("first"));
    }
    const int code = with_small_disk(1u << 20, [&] {
        auto s = sqlite_storage::open(folder / "q.db");
        if (!s) return 1;
        std::vector<job> jobs(8);
        std::vector<insert_status> statuses(8);
        for (int i = 0; i < 100; ++i) {
            for (auto& j : jobs) {
                j = make_job("big" + std::to_string(i) + "." + std::to_string(&j - jobs.data()));
                j.payload.assign(20'000, 'x');
            }
            const auto done = s->insert(jobs, statuses, at(1));
            if (done) continue;
            if (done.error().code != errc::store_full) return 2;
            if (*s->find(jobs.front().id) || *s->find(jobs.back().id)) return 3;
            return i > 0 && *s->find("big0.0") && *s->find("first") ? 0 : 4;
        }
        return 5;
    });
    EXPECT_EQ(code, 0);
    auto s = open_store(folder / "q.db");
    EXPECT_EQ(put(s, make_job("later")), insert_status::inserted) << "it goes on when there is room";
}

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

TEST(SqliteFailures, AClaimCostsTheSameBehindFinishedFutureAndHeldJobs)
{
    count_vm_steps();
    const temporary_folder folder;
    sqlite_options options;
    options.durability = durability::none;
    auto s = open_store(folder / "q.db", options);
    const auto cost = [&](const std::string& id) {
        put(s, make_job(id), at(1000));
        const auto before = vm_steps();
        EXPECT_EQ(take(s, 1, at(1000)).size(), 1u);
        return vm_steps() - before;
    };
    cost("warm");
    const auto empty = cost("empty");
    std::vector<job> jobs(1000);
    std::vector<insert_status> statuses(1000);
    for (int i = 0; i < 60; ++i) {
        for (auto& j : jobs) {
            j = make_job("j" + std::to_string(i) + "." + std::to_string(&j - jobs.data()));
            if (i < 20) j.run_at = timestamp{duration{2'000'000}};
            if (i < 20) j.priority = static_cast<std::int8_t>(i % 2);
            if (i >= 20 && i < 40) j.hold = hold_dependency;
        }
        ASSERT_TRUE(s.insert(jobs, statuses, at(1)));
    }
    for (auto leases = take(s, 1000, at(1000)); !leases.empty(); leases = take(s, 1000, at(1000))) {
        std::vector<settlement> done;
        for (const auto& l : leases) done.push_back(ended(l, verdict_kind::complete));
        std::vector<settle_status> told(done.size());
        ASSERT_TRUE(s.settle(done, told, at(1001)));
    }
    EXPECT_LT(static_cast<double>(cost("full")), 1.5 * static_cast<double>(empty));
}

}  // namespace
}  // namespace queuectl_test
