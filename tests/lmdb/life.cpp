// A job's life in an LMDB store, and what of it is there after reopening.
#include "shared/life.hpp"
#include "lmdb/store.hpp"

namespace queuectl_test {
namespace {

// Rows in one of the store's databases, with keys that begin so.
std::size_t rows_of(lmdb_storage& s, const char* database, std::string_view prefix = {})
{
    MDB_txn* txn = nullptr;
    MDB_dbi dbi = 0;
    MDB_cursor* c = nullptr;
    MDB_val k{};
    MDB_val v{};
    EXPECT_EQ(mdb_txn_begin(s.env(), nullptr, MDB_RDONLY, &txn), 0);
    EXPECT_EQ(mdb_dbi_open(txn, database, 0, &dbi), 0) << database;
    EXPECT_EQ(mdb_cursor_open(txn, dbi, &c), 0);
    std::size_t n = 0;
    while (mdb_cursor_get(c, &k, &v, MDB_NEXT) == 0)
        n += std::string_view{static_cast<char*>(k.mv_data), k.mv_size}.substr(0, prefix.size()) == prefix ? 1u : 0u;
    mdb_cursor_close(c);
    mdb_txn_abort(txn);
    return n;
}
std::size_t rows_in_line(lmdb_storage& s) { return rows_of(s, "queuectl.store", "w"); }
std::size_t rows_of_leases(lmdb_storage& s) { return rows_of(s, "queuectl.store", "r"); }

}  // namespace

struct lmdb_life_kind : lmdb_kind {
    static std::size_t run_rows(lmdb_storage& s, const std::string&) { return rows_of(s, "queuectl.runs"); }
};
INSTANTIATE_TYPED_TEST_SUITE_P(LmdbLife, StoreLife, lmdb_life_kind);

namespace {

// job0 … job99, in one call.
void insert_hundred(lmdb_storage& s)
{
    std::vector<job> jobs;
    for (int i = 0; i < 100; ++i) jobs.push_back(make_job("job" + std::to_string(i)));
    std::vector<insert_status> statuses(jobs.size());
    ASSERT_TRUE(s.insert(jobs, statuses, at(1)));
}

TEST(LmdbLife, NeighboursInLineShareARow)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q");
    insert_hundred(s);
    EXPECT_EQ(rows_in_line(s), 1u);
    const std::vector<std::string> middle{"job50", "job0", "job99"};
    std::vector<change_status> cancelled(3);
    ASSERT_TRUE(s.cancel(middle, cancelled, at(2)));
    EXPECT_EQ(rows_in_line(s), 2u) << "on either side of the one in the middle";
    const auto leases = take(s, 60);
    ASSERT_EQ(leases.size(), 60u);
    EXPECT_EQ(leases.front().job.id, "job1");
    EXPECT_EQ(leases[48].job.id, "job49");
    EXPECT_EQ(leases[49].job.id, "job51");
    EXPECT_EQ(settle(s, ended(leases[10], verdict_kind::release)), settle_status::applied);
    const auto rest = take(s, 100);
    ASSERT_EQ(rest.size(), 38u);
    EXPECT_EQ(rest.front().job.id, leases[10].job.id) << "in its old place";
    EXPECT_EQ(rows_in_line(s), 0u);
}

// What the jobs of one claim share is one row, whatever the order in which they end; it is split where one goes.
TEST(LmdbLife, NeighboursOfOneClaimShareARow)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q");
    insert_hundred(s);
    const auto leases = take(s, 60);
    EXPECT_EQ(rows_of_leases(s), 1u);
    const auto settle_these = [&](std::vector<std::size_t> which) {
        std::vector<settlement> ends;
        for (const auto i : which) ends.push_back(ended(leases[i], verdict_kind::complete));
        std::vector<settle_status> told(ends.size());
        ASSERT_TRUE(s.settle(ends, told, at(3)));
        EXPECT_EQ(told, std::vector(ends.size(), settle_status::applied));
    };
    settle_these({0, 1, 2, 59});
    EXPECT_EQ(rows_of_leases(s), 1u);
    settle_these({30, 10, 20, 30});
    EXPECT_EQ(rows_of_leases(s), 4u);
    EXPECT_EQ(s.find("job11").value()->token, leases[11].token);
    EXPECT_EQ(s.find("job30").value()->state, state::completed);
    const std::string running = "job40";
    change_status changed{};
    ASSERT_TRUE(s.cancel({&running, 1}, {&changed, 1}, at(4)));
    EXPECT_EQ(rows_of_leases(s), 6u);
    std::vector<receipt> receipts;
    for (std::size_t i = 31; i < 59; ++i) receipts.push_back(leases[i].receipt());
    receipts.push_back(leases[31].receipt());
    std::vector<extend_status> extended(receipts.size());
    ASSERT_TRUE(s.extend(receipts, std::chrono::seconds{90}, extended, at(5)));
    EXPECT_EQ(extended[8], extend_status::held);
    EXPECT_EQ(extended[9], extend_status::cancel_requested);
    EXPECT_EQ(extended.back(), extend_status::held);
    for (std::size_t i = 3; i < 59; ++i)
        EXPECT_EQ(s.find("job" + std::to_string(i)).value()->token,
                  i % 10 == 0 && i != 40 && i != 50 ? lease_token{} : leases[i].token)
            << i;
    std::vector<std::size_t> rest;
    for (std::size_t i = 58; i > 2; --i)
        if (i != 10 && i != 20 && i != 30 && i != 40) rest.push_back(i);
    settle_these(rest);
    EXPECT_EQ(settle(s, ended(leases[40], verdict_kind::retry, run_status::failed)), settle_status::applied);
    EXPECT_EQ(state_of(s, "job40"), state::cancelled);
    EXPECT_EQ(rows_of_leases(s), 0u);
    EXPECT_EQ(rows_of(s, "queuectl.store", "g"), 0u);
    const auto report = s.verify(at(9));
    ASSERT_TRUE(report);
    EXPECT_EQ(report->found, 0u) << report->findings.front().text;
}

// Final jobs are told of in chunks by time; the newest one is beside the header.
TEST(LmdbLife, FinalJobsArePurgedByTimeWhereverTheyAreTold)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q");
    const auto is_clean = [&] {
        const auto report = s.verify(at(900));
        ASSERT_TRUE(report);
        EXPECT_EQ(report->found, 0u) << report->findings.front().text;
    };
    std::vector<job> jobs;
    for (int i = 0; i < 600; ++i) jobs.push_back(make_job("job" + std::to_string(i)));
    std::vector<insert_status> statuses(jobs.size());
    ASSERT_TRUE(s.insert(jobs, statuses, at(1)));
    for (std::int64_t t = 10; t < 22; ++t) {
        std::vector<settlement> ends;
        for (const auto& l : take(s, 50, at(t))) ends.push_back(ended(l, verdict_kind::complete));
        std::vector<settle_status> told(ends.size());
        // The clock goes back once.
        ASSERT_TRUE(s.settle(ends, told, at(t == 21 ? 12 : t)));
    }
    EXPECT_EQ(rows_of(s, "queuectl.ended"), 3u) << "of 200, 200 and 150";
    is_clean();
    const std::vector<std::string> some{"job5", "job0", "job199", "job300", "job599", "job399"};
    std::vector<change_status> told(some.size());
    ASSERT_TRUE(s.remove({some.data(), 3}, {told.data(), 3}));
    ASSERT_TRUE(s.revive({some.data() + 3, 3}, {told.data(), 3}, at(30)));
    is_clean();
    job_filter filter;
    filter.updated_before = at(12).wall;
    EXPECT_EQ(*s.purge(filter, 30), 30u);
    EXPECT_FALSE(*s.find("job1")) << "the oldest first";
    EXPECT_TRUE(*s.find("job60"));
    EXPECT_EQ(*s.purge(filter, 1000), 68u);
    filter.updated_before = at(13).wall;
    EXPECT_EQ(*s.purge(filter, 1000), 99u) << "also those of the clock that went back";
    is_clean();
    EXPECT_EQ(*s.purge({}, 1000), 600u - 3 - 3 - 30 - 68 - 99);
    EXPECT_EQ(rows_of(s, "queuectl.ended") + rows_of(s, "queuectl.store", "e"), 0u);
    is_clean();
}

TEST(LmdbLife, TheNewestRunsAreKept)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q");
    put(s, make_job("a"));
    for (std::int64_t i = 0; i < 30; ++i) {
        const auto leases = take(s, 1, at(10 + i));
        ASSERT_EQ(leases.size(), 1u);
        settle(s, ended(leases[0], verdict_kind::retry, run_status::failed), at(10 + i));
    }
    std::vector<attempt> runs;
    ASSERT_TRUE(s.attempts("a", runs));
    ASSERT_EQ(runs.size(), limits::attempts_kept);
    EXPECT_EQ(runs.front().number, 11);
    EXPECT_EQ(runs.back().number, 30);
    EXPECT_EQ(rows_of(s, "queuectl.runs"), limits::attempts_kept);
}

TEST(LmdbLife, AJobWithAUniqueKeyIsKeptWhileItWaitsOrRuns)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q");
    const auto keyed = [](const char* id) {
        auto j = make_job(id);
        j.unique_key = "once";
        return j;
    };
    EXPECT_EQ(put(s, keyed("a")), insert_status::inserted);
    EXPECT_EQ(put(s, keyed("b")), insert_status::kept);
    const auto leases = take(s, 1);
    EXPECT_EQ(put(s, keyed("b")), insert_status::kept);
    settle(s, ended(leases.at(0), verdict_kind::complete));
    EXPECT_EQ(put(s, keyed("b")), insert_status::inserted);
    EXPECT_EQ(rows_of(s, "queuectl.unique"), 1u);
}

TEST(LmdbLife, AJobIsHandedOverWithItsPast)
{
    const temporary_folder folder;
    auto from = open_store(folder / "from");
    put(from, make_job("a"));
    put(from, make_job("b"));
    auto failed = ended(take(from, 1).at(0), verdict_kind::bury, run_status::failed);
    failed.report->output.head.assign(5000, 'x');
    settle(from, failed);
    std::vector<stored_job> jobs(2);
    for (std::size_t i = 0; i < 2; ++i) {
        const std::string id = i == 0 ? "a" : "b";
        jobs[i].record = *from.find(id).value();
        ASSERT_TRUE(from.attempts(id, jobs[i].attempts));
        for (auto& run : jobs[i].attempts) run.output = *from.output(id, run.number);
    }
    auto to = open_store(folder / "to");
    std::vector<insert_status> told(2);
    for (int repeated = 0; repeated < 2; ++repeated) {
        ASSERT_TRUE(to.restore(jobs, told, at(50)));
        EXPECT_EQ(told, (std::vector{insert_status::inserted, insert_status::inserted}));
    }
    const auto a = *to.find("a").value();
    EXPECT_EQ(a.state, state::dead);
    EXPECT_EQ(a.error, "it failed");
    EXPECT_EQ(a.updated_at, jobs[0].record.updated_at);
    EXPECT_EQ(a.settled_token, jobs[0].record.settled_token);
    EXPECT_EQ(to.output("a", 1)->head, std::string(5000, 'x'));
    EXPECT_EQ(take(to, 5).size(), 1u);
    auto other = jobs[0];
    other.record.job.nonce = fresh();
    ASSERT_TRUE(to.restore({&other, 1}, {told.data(), 1}, at(51)));
    EXPECT_EQ(told[0], insert_status::duplicate);
    other.record.state = state::processing;
    const auto refused = to.restore({&other, 1}, {told.data(), 1}, at(51));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::invalid_argument);
}

TEST(LmdbLife, AMovingStoreLetsRunsEndAndBeginsNothing)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q");
    put(s, make_job("a"));
    put(s, make_job("b"));
    const auto leases = take(s, 1);
    ASSERT_TRUE(s.set_state(store_state::moving, "journal:/there"));
    const job j = make_job("c");
    insert_status status{};
    const auto refused = s.insert({&j, 1}, {&status, 1}, at(4));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::busy);
    EXPECT_NE(refused.error().detail.find("journal:/there"), std::string::npos);
    std::vector<lease> more;
    claim_request request;
    request.nonce = fresh();
    const auto info = s.claim(request, more, at(4));
    ASSERT_TRUE(info);
    EXPECT_TRUE(more.empty());
    EXPECT_EQ(info->next_at, timestamp_max);
    const std::string waiting = "b";
    const std::string running = "a";
    change_status changed{};
    EXPECT_EQ(s.cancel({&waiting, 1}, {&changed, 1}, at(4)).error().code, errc::busy);
    EXPECT_TRUE(s.cancel({&running, 1}, {&changed, 1}, at(4)));
    EXPECT_EQ(changed, change_status::requested);
    EXPECT_EQ(settle(s, ended(leases.at(0), verdict_kind::complete)), settle_status::applied);
    EXPECT_EQ(s.remove({&running, 1}, {&changed, 1}).error().code, errc::busy);
    EXPECT_EQ(s.info()->state, store_state::moving);
    ASSERT_TRUE(s.set_state(store_state::moved, "journal:/there"));
    EXPECT_EQ(s.insert({&j, 1}, {&status, 1}, at(5)).error().code, errc::moved);
    ASSERT_TRUE(s.set_state(store_state::open, ""));
    EXPECT_EQ(put(s, j), insert_status::inserted);
}

}  // namespace
}  // namespace queuectl_test
