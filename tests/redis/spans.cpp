// What happened to several jobs together is told of all at once; each is as if it had been alone.
#include "redis/together.hpp"

namespace queuectl_test {
namespace {

struct RedisSpans : together {
    std::vector<lease> claimed_together(std::size_t n, duration length = std::chrono::hours{1})
    {
        put_together(n);
        auto leases = take(store, n, length).value();
        EXPECT_EQ(leases.size(), n);
        EXPECT_EQ(fields_of("jobs:state"), 0);
        return leases;
    }
    [[nodiscard]] ids listed(state which)
    {
        job_filter filter;
        filter.state = which;
        std::vector<job_record> some;
        page_request page;
        page.limit = 1000;
        EXPECT_TRUE(store.list(filter, page, some));
        ids out;
        for (const auto& r : some) out.push_back(r.job.id);
        return out;
    }
    extend_status extend(const lease& l, duration length = std::chrono::hours{1})
    {
        const auto r = l.receipt();
        extend_status told{};
        EXPECT_TRUE(store.extend({&r, 1}, length, {&told, 1}, real_now()));
        return told;
    }
    change_status cancel(const std::string& id)
    {
        change_status told{};
        EXPECT_TRUE(store.cancel({&id, 1}, {&told, 1}, real_now()));
        return told;
    }
    settle_status end(const lease& l, verdict_kind kind)
    {
        auto s = success(l);
        s.verdict.kind = kind;
        s.report->status = run_status::failed;
        s.report->error = "why";
        return settle(store, s).value();
    }
};

TEST_F(RedisSpans, ALeasedJobIsTold)
{
    const auto before = real_now().wall;
    const auto leases = claimed_together(70);
    for (const std::size_t i : {0U, 63U, 64U, 69U}) {
        const auto r = find(store, leases[i].job.id);
        EXPECT_EQ(r.state, state::processing);
        EXPECT_EQ(r.token, leases[i].token);
        EXPECT_EQ(r.locked_by, "w");
        EXPECT_GE(r.locked_at, before);
        EXPECT_EQ(r.lease_until, r.locked_at + std::chrono::hours{1});
        EXPECT_EQ(r.updated_at, r.locked_at);
        EXPECT_EQ(r.job.run_at, leases[i].job.run_at);
        EXPECT_EQ(r.sequence, i + 1);
    }
    EXPECT_EQ(listed(state::processing).size(), 70U);
    EXPECT_TRUE(listed(state::pending).empty());
}

TEST_F(RedisSpans, ACompletedJobIsToldWithItsRun)
{
    const auto leases = claimed_together(70);
    const auto locked_at = find(store, "a65").locked_at;
    complete(leases);
    EXPECT_EQ(fields_of("jobs:state"), 0);
    const auto r = find(store, "a65");
    EXPECT_EQ(r.state, state::completed);
    EXPECT_EQ(r.attempts, 1);
    EXPECT_EQ(r.exit_code, 0);
    EXPECT_EQ(r.token, lease_token{});
    EXPECT_EQ(r.settled_token, leases[65].token);
    EXPECT_EQ(r.locked_at, locked_at);
    EXPECT_TRUE(r.locked_by.empty());
    std::vector<attempt> runs;
    ASSERT_TRUE(store.attempts("a65", runs));
    ASSERT_EQ(runs.size(), 1U);
    EXPECT_EQ(runs[0].status, run_status::succeeded);
    EXPECT_EQ(runs[0].worker, "w");
    EXPECT_EQ(runs[0].number, 1);
    EXPECT_EQ(listed(state::completed).size(), 70U);
}

TEST_F(RedisSpans, ARepeatedSettleIsAppliedAndAnyOtherIsNot)
{
    const auto leases = claimed_together(8);
    complete(leases);
    complete(leases);
    EXPECT_EQ(settle(store, success(leases[3])).value(), settle_status::applied);
    EXPECT_EQ(count(store, state::completed), 8U);
    auto forged = leases;
    for (auto& l : forged) l.token.nonce.low ^= 1;
    for (const auto t : settle_all(forged)) EXPECT_EQ(t, settle_status::lease_lost);
    for (auto& l : forged) l.job.id += "x";
    for (const auto t : settle_all(forged)) EXPECT_EQ(t, settle_status::gone);
}

TEST_F(RedisSpans, ATokenIsOfItsOwnJobOnly)
{
    auto leases = claimed_together(6);
    std::swap(leases[0].token, leases[5].token);
    EXPECT_EQ(extend(leases[0]), extend_status::lease_lost);
    const auto told = settle_all(leases);
    const auto lost = settle_status::lease_lost;
    const auto done = settle_status::applied;
    EXPECT_EQ(told, (std::vector{lost, done, done, done, done, lost}));
    EXPECT_EQ(count(store, state::processing), 2U);
}

TEST_F(RedisSpans, EachLeasedJobGoesAlone)
{
    const auto leases = claimed_together(20);
    EXPECT_EQ(cancel("a10"), change_status::requested);
    EXPECT_EQ(extend(leases[10]), extend_status::cancel_requested);
    EXPECT_EQ(extend(leases[11]), extend_status::held);
    EXPECT_EQ(end(leases[3], verdict_kind::retry), settle_status::applied);
    EXPECT_EQ(settle(store, success(leases[4])).value(), settle_status::applied);
    EXPECT_EQ(end(leases[5], verdict_kind::bury), settle_status::applied);
    EXPECT_EQ(end(leases[6], verdict_kind::release), settle_status::applied);
    EXPECT_EQ(find(store, "a10").state, state::processing);
    EXPECT_TRUE(find(store, "a10").cancel_requested);
    EXPECT_EQ(find(store, "a7").token, leases[7].token);
    complete(leases);
    const state ends[] = {state::completed, state::completed, state::completed, state::failed,
                          state::completed, state::dead,      state::pending,   state::completed};
    for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(find(store, leases[i].job.id).state, ends[i]) << i;
    for (const char* id : {"a9", "a10", "a11", "a12"}) EXPECT_EQ(find(store, id).state, state::completed) << id;
    EXPECT_EQ(listed(state::completed).size(), 17U);
    EXPECT_EQ(count(store, state::completed), 17U);
    EXPECT_EQ(size_of("leases"), 0);
    EXPECT_EQ(fields_of("leases:held"), 0);
    EXPECT_EQ(size_of("jobs:spans"), 1) << "a12 to a19";
    EXPECT_EQ(claimed(9), ids({"a3", "a6"}));
}

TEST_F(RedisSpans, AClaimIsRepeatedWithWhatItStillHolds)
{
    put_together(12);
    claim_request r;
    r.max = 10;
    r.lease = std::chrono::hours{1};
    r.worker = "w";
    r.nonce = fresh();
    std::vector<lease> first;
    ASSERT_TRUE(store.claim(r, first, real_now()));
    complete(std::span{first}.subspan(2, 5));
    EXPECT_EQ(extend(first[9]), extend_status::held);
    r.repeat = true;
    std::vector<lease> again;
    ASSERT_TRUE(store.claim(r, again, real_now()));
    ASSERT_EQ(again.size(), 5U);
    for (std::size_t i = 0; i < 5; ++i) {
        EXPECT_EQ(again[i].job.id, first[i < 2 ? i : i + 5].job.id);
        EXPECT_EQ(again[i].token, first[i < 2 ? i : i + 5].token);
    }
    complete(again);
    EXPECT_EQ(size_of("leases"), 0);
    EXPECT_EQ(size_of("jobs:spans"), 1) << "a2 to a6";
}

TEST_F(RedisSpans, TwoWorkersThatGiveTheSameNonceKeepTheirJobsApart)
{
    put_together(12);
    claim_request r;
    r.max = 5;
    r.lease = std::chrono::hours{1};
    r.nonce = fresh();
    std::vector<lease> of_one;
    std::vector<lease> of_other;
    r.worker = "w";
    ASSERT_TRUE(store.claim(r, of_one, real_now()));
    r.worker = "v";
    ASSERT_TRUE(store.claim(r, of_other, real_now()));
    EXPECT_EQ(find(store, "a9").locked_by, "v");
    complete(of_other);
    EXPECT_EQ(find(store, "a4").locked_by, "w");
    complete(of_one);
    EXPECT_EQ(count(store, state::completed), 10U);
    EXPECT_EQ(fields_of("leases:held"), 0);
}

TEST_F(RedisSpans, TheJobsOfAClaimThatEndsCrash)
{
    const auto leases = claimed_together(10, std::chrono::milliseconds{40});
    complete(std::span{leases}.first(4));
    EXPECT_EQ(end(leases[4], verdict_kind::retry), settle_status::applied);
    EXPECT_EQ(extend(leases[9]), extend_status::held);
    ids back;
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    while (back.size() < 5 && std::chrono::steady_clock::now() < limit)
        for (const auto& id : claimed(9)) back.push_back(id);
    std::sort(back.begin(), back.end());
    EXPECT_EQ(back, ids({"a4", "a5", "a6", "a7", "a8"}));
    for (const char* id : {"a5", "a8"}) EXPECT_EQ(find(store, id).crashes, 1);
    for (const std::size_t i : {5U, 8U})
        EXPECT_EQ(settle(store, success(leases[i])).value(), settle_status::lease_lost);
    EXPECT_EQ(settle(store, success(leases[9])).value(), settle_status::applied);
    EXPECT_EQ(find(store, "a0").state, state::completed);
    EXPECT_EQ(store.free_worker("w", "gone", real_now()).value(), 5U);
    EXPECT_EQ(fields_of("leases:held"), 0);
    EXPECT_EQ(size_of("jobs:spans"), 1) << "a0 to a3";
}

TEST_F(RedisSpans, ADeadWorkersJobsAreFreed)
{
    const auto leases = claimed_together(100);
    complete(std::span{leases}.subspan(10, 70));
    EXPECT_EQ(store.free_worker("w", "gone", real_now()).value(), 30U);
    EXPECT_EQ(count(store, state::pending), 30U);
    EXPECT_EQ(listed(state::completed).size(), 70U);
    EXPECT_EQ(find(store, "a9").error, "gone");
    EXPECT_EQ(fields_of("leases:held"), 0);
    EXPECT_EQ(claimed(99).size(), 30U);
}

TEST_F(RedisSpans, EachCompletedJobGoesAlone)
{
    complete(claimed_together(70));
    const ids some{"a1", "a69"};
    change_status told[2];
    ASSERT_TRUE(store.revive({&some[1], 1}, told, real_now()));
    EXPECT_EQ(find(store, "a69").state, state::pending);
    std::vector<attempt> runs;
    ASSERT_TRUE(store.attempts("a69", runs));
    EXPECT_EQ(runs.size(), 1U) << "the run before";
    ASSERT_TRUE(store.remove({&some[0], 1}, told));
    ASSERT_TRUE(put(store, make_job("a1")));
    EXPECT_EQ(find(store, "a1").state, state::pending);
    EXPECT_EQ(size_of("jobs:spans"), 2);
    job_filter finished;
    finished.state = state::completed;
    EXPECT_EQ(store.purge(finished, 1000).value(), 68U);
    EXPECT_EQ(size_of("jobs:spans"), 0);
    EXPECT_EQ(fields_of("jobs"), 2);
    auto back = claimed(9);
    std::sort(back.begin(), back.end());
    EXPECT_EQ(back, some);
}

TEST_F(RedisSpans, JobsThatAreForgottenOrAreUniqueGoOnAsAlone)
{
    const auto now = real_now();
    std::vector<job> jobs;
    for (int i = 0; i < 16; ++i) {
        jobs.push_back(make_job("a" + std::to_string(i), now));
        if (i >= 8) jobs.back().unique_key = "k" + std::to_string(i);
        if (i >= 4 && i < 8) jobs.back().retention = duration::zero();
    }
    std::vector<insert_status> told(jobs.size());
    ASSERT_TRUE(store.insert(jobs, told, now));
    auto other = make_job("b");
    other.unique_key = "k9";
    EXPECT_EQ(put(store, other).value(), insert_status::kept);
    const auto leases = take(store, 99).value();
    ASSERT_EQ(leases.size(), 16U);
    EXPECT_EQ(put(store, other).value(), insert_status::inserted) << "the one before no longer waits";
    complete(leases);
    EXPECT_EQ(listed(state::completed).size(), 12U);
    EXPECT_EQ(count(store, state::completed), 12U);
    EXPECT_FALSE(store.find("a5").value());
}

}  // namespace
}  // namespace queuectl_test
