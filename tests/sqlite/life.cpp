// A job's life in a SQLite store, and what of it is there after reopening.
#include "sqlite/store.hpp"

namespace queuectl_test {
namespace {

TEST(SqliteLife, SurvivesReopening)
{
    const temporary_folder folder;
    {
        auto s = open_store(folder / "q.db");
        EXPECT_EQ(put(s, make_job("a")), insert_status::inserted);
        EXPECT_EQ(put(s, make_job("b")), insert_status::inserted);
        const auto leases = take(s, 1);
        ASSERT_EQ(leases.size(), 1u);
        EXPECT_EQ(settle(s, ended(leases[0], verdict_kind::bury, run_status::failed)), settle_status::applied);
    }
    auto s = open_store(folder / "q.db");
    EXPECT_EQ(state_of(s, "a"), state::dead);
    EXPECT_EQ(state_of(s, "b"), state::pending);
    EXPECT_EQ(put(s, make_job("a")), insert_status::duplicate);
    std::vector<queue_counts> counts;
    ASSERT_TRUE(s.counts(counts));
    ASSERT_EQ(counts.size(), 1u);
    EXPECT_EQ(counts[0][state::dead], 1u);
    EXPECT_EQ(counts[0][state::pending], 1u);
    EXPECT_EQ(counts[0][state::processing], 0u);
}

TEST(SqliteLife, SettleAndClaimIsOneStep)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q.db");
    put(s, make_job("a"));
    put(s, make_job("b"));
    const auto first = take(s, 1);
    const auto done = ended(first[0], verdict_kind::complete);
    settle_status status{};
    claim_request request;
    request.nonce = fresh();
    std::vector<lease> leases;
    const auto info = s.settle_and_claim({&done, 1}, {&status, 1}, request, leases, at(3));
    ASSERT_TRUE(info);
    EXPECT_EQ(status, settle_status::applied);
    ASSERT_EQ(leases.size(), 1u);
    EXPECT_EQ(leases[0].job.id, "b");
    EXPECT_EQ(state_of(s, "a"), state::completed);
}

TEST(SqliteLife, LongOutputLiesInAFileAndGoesWithTheJob)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q.db");
    put(s, make_job("a"));
    auto done = ended(take(s, 1)[0], verdict_kind::complete);
    done.report->output = {std::string(5000, 'h'), std::string(6000, 't'), 7};
    EXPECT_EQ(settle(s, done), settle_status::applied);
    EXPECT_TRUE(std::filesystem::exists(folder / "q.db.d/logs/1-1"));
    const auto out = s.output("a", 1);
    ASSERT_TRUE(out) << out.error().message();
    EXPECT_EQ(out->head, std::string(5000, 'h'));
    EXPECT_EQ(out->tail, std::string(6000, 't'));
    EXPECT_EQ(out->dropped_bytes, 7u);
    const std::string id = "a";
    change_status status{};
    ASSERT_TRUE(s.remove({&id, 1}, {&status, 1}));
    EXPECT_EQ(status, change_status::done);
    EXPECT_FALSE(std::filesystem::exists(folder / "q.db.d/logs/1-1"));
    EXPECT_EQ(put(s, make_job("a")), insert_status::inserted);
    EXPECT_EQ((*s.find("a"))->sequence, 2u) << "a sequence is never used twice";
}

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

TEST(SqliteLife, ACompletedRunWithoutOutputIsInTheJobsRowUntilItIsRevived)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q.db");
    put(s, make_job("a"));
    auto done = ended(take(s, 1)[0], verdict_kind::complete);
    done.report->started_at = timestamp{duration{2}};
    done.report->ended_at = timestamp{duration{3}};
    EXPECT_EQ(settle(s, done), settle_status::applied);
    EXPECT_EQ(number_of(folder / "q.db", "SELECT count(*) FROM attempts"), 0);
    const auto check = [&] {
        std::vector<attempt> runs;
        ASSERT_TRUE(s.attempts("a", runs));
        ASSERT_EQ(runs.size(), 1u);
        EXPECT_EQ(runs[0].number, 1);
        EXPECT_EQ(runs[0].status, run_status::succeeded);
        EXPECT_EQ(runs[0].exit_code, 0);
        EXPECT_EQ(runs[0].started_at, timestamp{duration{2}});
        EXPECT_EQ(runs[0].ended_at, timestamp{duration{3}});
        EXPECT_EQ(runs[0].worker, "w");
    };
    check();
    const std::string id = "a";
    change_status status{};
    ASSERT_TRUE(s.revive({&id, 1}, {&status, 1}, at(9)));
    EXPECT_EQ(number_of(folder / "q.db", "SELECT count(*) FROM attempts"), 1);
    check();
}

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
