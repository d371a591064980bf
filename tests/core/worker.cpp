#include <queuectl/worker.hpp>

#include "manual_executor.hpp"

#include <queuectl/queue.hpp>
#include <queuectl/testing/model.hpp>
#include <queuectl/testing/virtual_time.hpp>

#include <gtest/gtest.h>

using namespace queuectl;
using namespace std::chrono_literals;

namespace {

// Fails chosen calls of the model, before or after they took effect.
struct flaky_storage : model_storage {
    struct plan {
        int settles_fail = 0;
        int claims_unknown_after = 0;  // the claim happens, its reply is lost
        errc code = errc::busy;
        int settle_calls = 0;
    };
    std::shared_ptr<plan> p = std::make_shared<plan>();

    result<void> settle(std::span<const settlement> s, std::span<settle_status> out, const instant& now)
    {
        ++p->settle_calls;
        if (p->settles_fail > 0 && p->settles_fail--) return fail(p->code, "settle", "not now");
        return model_storage::settle(s, out, now);
    }
    result<claim_info> claim(const claim_request& r, std::vector<lease>& out, const instant& now)
    {
        auto claimed = model_storage::claim(r, out, now);
        if (p->claims_unknown_after > 0 && p->claims_unknown_after--)
            return fail(errc::outcome_unknown, "claim", "reply lost");
        return claimed;
    }
    result<claim_info> settle_and_claim(std::span<const settlement> s, std::span<settle_status> out,
                                        const claim_request& r, std::vector<lease>& leases, const instant& now)
    {
        if (!s.empty())
            if (auto settled = settle(s, out, now); !settled) return fail(settled.error());
        return claim(r, leases, now);
    }
};

class Worker : public testing::Test {
protected:
    using queue_type = basic_queue<flaky_storage, manual_executor, exponential, virtual_traits>;

    flaky_storage store;
    virtual_time time;
    manual_executor::shared runs;
    queue_options options{.worker = "w1"};
    std::unique_ptr<queue_type> made;

    queue_type& queue()
    {
        if (!made)
            made = std::make_unique<queue_type>(store, manual_executor{&runs}, exponential{}, options,
                                                virtual_values(time));
        return *made;
    }
    void add(std::string id, new_job j = {})
    {
        j.id = std::move(id);
        ASSERT_TRUE(queue().enqueue(std::move(j)).has_value());
    }
    job_record get(const std::string& id) { return **queue().find(id); }
    // One loop at a time: every run ends as `o` as soon as the worker waits.
    run_summary run_all(const outcome& o = success())
    {
        runs.on_wait = [this, o] { runs.finish_all(o); };
        return queue().run_until_idle().value();
    }
};

TEST_F(Worker, RunsWhatIsDueInOrder)
{
    add("low", {.priority = -1});
    add("later", {.delay = 10s});
    add("high", {.priority = 5});
    add("normal");
    EXPECT_EQ(run_all().completed, 3u);
    EXPECT_EQ(runs.started, (std::vector<std::string>{"high", "normal", "low"}));
    time.advance(10s);
    EXPECT_EQ(run_all().completed, 1u);
    EXPECT_EQ(get("later").state, state::completed);
}

TEST_F(Worker, ClaimsNoMoreThanCanStart)
{
    runs.slots = 2;
    for (const auto* id : {"a", "b", "c"}) add(id);
    std::size_t most_processing = 0;
    runs.on_wait = [&] {
        std::size_t processing = 0;
        for (const auto* id : {"a", "b", "c"}) processing += get(id).state == state::processing;
        most_processing = std::max(most_processing, processing);
        if (!runs.running.empty()) runs.finish(runs.running.front().lease->job.id, success());
    };
    EXPECT_EQ(queue().run_until_idle()->completed, 3u);
    EXPECT_EQ(most_processing, 2u);
}

TEST_F(Worker, RetriesWithBackoffThenBuries)
{
    add("bad");
    std::vector<long> waits;
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(run_all(failure()).retried, 1u);
        EXPECT_EQ(get("bad").state, state::failed);
        const duration wait = get("bad").job.run_at - time.now().wall;
        waits.push_back(wait / 1s);
        time.advance(wait - 1us);
        EXPECT_EQ(run_all(failure()).retried, 0u) << "a microsecond early";
        time.advance(1us);
    }
    EXPECT_EQ(waits, (std::vector<long>{2, 4, 8}));
    EXPECT_EQ(run_all(failure("worn out")).buried, 1u);
    EXPECT_EQ(get("bad").state, state::dead);
    EXPECT_EQ(get("bad").attempts, 4);
    EXPECT_EQ(get("bad").error, "worn out");
}

TEST_F(Worker, DrainWaitsForRetriesNotForTheFuture)
{
    add("bad", {.max_retries = 1});
    add("tomorrow", {.delay = 24h});
    runs.on_wait = [&] {
        runs.finish_all(failure());
        time.advance(100ms);
    };
    const auto summary = queue().run_until_drained();
    EXPECT_EQ(summary->retried, 1u);
    EXPECT_EQ(summary->buried, 1u);
    EXPECT_EQ(get("tomorrow").state, state::pending);
}

// Also when it is claimed together with others: they are given back before it starts.
class WorkerOrder : public Worker, public testing::WithParamInterface<std::vector<const char*>> {};
INSTANTIATE_TEST_SUITE_P(Claims, WorkerOrder,
                         testing::Values(std::vector<const char*>{"a", "poison", "b"},
                                         std::vector<const char*>{"poison", "a", "b"}));

TEST_P(WorkerOrder, AJobWithACrashBehindItRunsAlone)
{
    for (const auto* id : GetParam()) add(id);
    const auto processing = [&] {
        std::vector<queue_counts> counts;
        EXPECT_TRUE(store.counts(counts));
        return counts.front()[state::processing];
    };
    std::vector<lease> leases;
    const std::vector<std::string> ids{"poison"};
    ASSERT_TRUE(store.claim({.max = 3, .worker = "gone", .nonce = {1, 1}}, leases, time.now()));
    std::vector<settlement> others;
    for (const auto& l : leases)
        if (l.job.id != "poison") others.push_back({l.receipt(), {verdict_kind::release, {}}, {}, {}, {}});
    std::vector<settle_status> statuses(others.size());
    ASSERT_TRUE(store.settle(others, statuses, time.now()));
    ASSERT_EQ(*store.free_worker("gone", "killed by signal 9", time.now()), 1u);

    bool ever_together = false;
    runs.on_wait = [&] {
        const auto is_poison = [](const auto& r) { return r.lease->job.id == "poison"; };
        if (std::any_of(runs.running.begin(), runs.running.end(), is_poison))
            ever_together |= runs.running.size() > 1 || processing() > 1;
        runs.finish_all(success());
    };
    EXPECT_EQ(queue().run_until_idle()->completed, 3u);
    EXPECT_FALSE(ever_together);
    EXPECT_EQ(get("poison").crashes, 1);
    EXPECT_EQ(get("poison").attempts, 1);
}

TEST_F(Worker, TheThirdCrashBuriesWithoutARun)
{
    add("poison");
    for (int i = 0; i < 3; ++i) {
        std::vector<lease> leases;
        ASSERT_TRUE(store.claim({.max = 1, .worker = "gone", .nonce = {1, static_cast<std::uint64_t>(i) + 1}}, leases,
                                time.now()));
        ASSERT_EQ(*store.free_worker("gone", "worker killed by signal 9", time.now()), 1u);
    }
    EXPECT_EQ(run_all().buried, 1u);
    EXPECT_TRUE(runs.started.empty());
    EXPECT_EQ(get("poison").state, state::dead);
    EXPECT_EQ(get("poison").attempts, 0);
    EXPECT_EQ(get("poison").crashes, 3);
    EXPECT_EQ(get("poison").error, "gave up after 3 crashes; the last: worker killed by signal 9");
}

TEST_F(Worker, ALongJobIsHeartbeatenAndKeepsItsLease)
{
    add("long");
    int waits = 0;
    runs.on_wait = [&] {
        time.advance(15s);  // half a lease
        std::vector<lease> stolen;
        ASSERT_TRUE(store.claim({.max = 1, .worker = "w2", .nonce = {7, static_cast<std::uint64_t>(waits) + 1}}, stolen,
                                time.now()));
        EXPECT_TRUE(stolen.empty());
        if (++waits == 10) runs.finish_all(success());
    };
    EXPECT_EQ(queue().run_until_idle()->completed, 1u);
    EXPECT_EQ(get("long").crashes, 0);
}

TEST_F(Worker, AFrozenWorkerThatLostItsLeaseStopsTheJobAndThrowsItsResultAway)
{
    add("slow");
    int waits = 0;
    runs.on_wait = [&] {
        if (++waits == 1) {
            time.advance(31s);  // frozen: no heartbeat
            std::vector<lease> stolen;
            ASSERT_TRUE(store.claim({.max = 1, .worker = "w2", .nonce = {7, 1}}, stolen, time.now()));
            ASSERT_EQ(stolen.size(), 1u);
            EXPECT_EQ(stolen[0].crashes, 1);
            return;
        }
        if (!runs.stopped.empty()) runs.finish_all(released());
    };
    const auto summary = queue().run_until_idle();
    EXPECT_EQ(summary->lost, 1u);
    ASSERT_FALSE(runs.stopped.empty());
    EXPECT_EQ(runs.stopped[0], (std::pair{std::string{"slow"}, stop_reason::lease_lost}));
    EXPECT_EQ(get("slow").state, state::processing);
    EXPECT_EQ(get("slow").locked_by, "w2");
}

TEST_F(Worker, ACancelledRunIsStoppedAtOnce)
{
    add("job");
    int waits = 0;
    runs.on_wait = [&] {
        if (++waits == 1) {
            EXPECT_EQ(*queue().cancel("job"), change_status::requested);
        }
        if (runs.stopped.empty()) return;
        EXPECT_EQ(runs.stopped[0].second, stop_reason::cancelled);
        outcome o;
        o.report.status = run_status::cancelled;
        runs.finish_all(o);
    };
    EXPECT_EQ(queue().run_until_idle()->cancelled, 1u);
    EXPECT_EQ(get("job").state, state::cancelled);
    EXPECT_LE(waits, 3);
}

TEST_F(Worker, StopFinishesWhatRunsAndLeavesTheRest)
{
    runs.slots = 1;
    add("running");
    add("waiting");
    stop_source stop;
    int waits = 0;
    runs.on_wait = [&] {
        if (++waits == 1) stop.request();
        if (waits == 3) runs.finish_all(success());
    };
    EXPECT_EQ(queue().run(stop)->completed, 1u);
    EXPECT_EQ(get("running").state, state::completed);
    EXPECT_EQ(get("waiting").state, state::pending);
}

TEST_F(Worker, TheSecondStopReleasesAndCountsNothing)
{
    add("running");
    stop_source stop;
    runs.on_wait = [&] {
        stop.escalate();
        if (!runs.stopped.empty()) runs.finish_all(released());
    };
    EXPECT_EQ(queue().run(stop)->released, 1u);
    EXPECT_EQ(get("running").state, state::pending);
    EXPECT_EQ(get("running").attempts + get("running").crashes, 0);
}

TEST_F(Worker, ASettleThatFailsIsRepeatedUntilItIsTaken)
{
    add("job");
    store.p->settles_fail = 3;
    runs.on_wait = [&] {
        runs.finish_all(success());
        time.advance(1s);
    };
    EXPECT_EQ(queue().run_until_idle()->completed, 1u);
    EXPECT_EQ(get("job").attempts, 1);
}

TEST_F(Worker, AfterAStopAStoreThatStaysAwayIsWaitedForAsLongAsALease)
{
    add("job");
    store.p->settles_fail = 1'000'000;
    store.p->code = errc::unreachable;
    stop_source stop;
    const auto start = time.now().boot;
    std::optional<duration> stopped;
    runs.on_wait = [&] {
        runs.finish_all(success());
        time.advance(10s);
        if (stopped || time.now().boot - start < 2 * options.lease) return;
        stopped = time.now().boot;
        stop.request();
    };
    const auto summary = queue().run(stop);
    ASSERT_FALSE(summary.has_value());
    EXPECT_EQ(summary.error().code, errc::unreachable);
    ASSERT_TRUE(stopped) << "while it works, it never gives up";
    EXPECT_EQ(get("job").state, state::processing) << "its lease says when it runs again";
}

TEST_F(Worker, AnErrorThatNothingMendsEndsTheRunAndItsJobs)
{
    add("job");
    add("other");
    store.p->settles_fail = 1;
    store.p->code = errc::corrupt;
    runs.on_wait = [&] {
        if (!runs.stopped.empty())
            runs.finish_all(released());
        else
            runs.finish("job", success());
    };
    const auto summary = queue().run_until_idle();
    ASSERT_FALSE(summary.has_value());
    EXPECT_EQ(summary.error().code, errc::corrupt);
    EXPECT_EQ(runs.stopped, (std::vector{std::pair{std::string{"other"}, stop_reason::lease_lost}}));
}

TEST_F(Worker, AClaimWhoseReplyIsLostIsRepeatedNotDoubled)
{
    add("job");
    store.p->claims_unknown_after = 2;
    runs.on_wait = [&] {
        runs.finish_all(success());
        time.advance(1s);
    };
    EXPECT_EQ(queue().run_until_idle()->completed, 1u);
    EXPECT_EQ(runs.started, std::vector<std::string>{"job"});
    EXPECT_EQ(get("job").crashes, 0);
}

TEST_F(Worker, WhatCannotBeSpawnedIsReleasedAndTriedAgainLater)
{
    add("job");
    runs.refuse = true;
    int waits = 0;
    runs.on_wait = [&] {
        time.advance(1s);
        if (++waits == 3) runs.refuse = false;
        runs.finish_all(success());
    };
    const auto summary = queue().run_until_drained();
    EXPECT_EQ(summary->completed, 1u);
    EXPECT_GE(summary->released, 1u);
    EXPECT_EQ(get("job").attempts, 1);
}

TEST_F(Worker, OnlyItsQueuesAndKinds)
{
    options.queues = {"mail"};
    add("mine", {.queue = "mail"});
    add("theirs", {.queue = "sms"});
    EXPECT_EQ(run_all().completed, 1u);
    EXPECT_EQ(get("theirs").state, state::pending);
}

TEST_F(Worker, AFinalFailureSkipsTheRetries)
{
    add("job");
    outcome o = failure();
    o.final_failure = true;
    EXPECT_EQ(run_all(o).buried, 1u);
    EXPECT_EQ(get("job").attempts, 1);
}

}  // namespace
