#include <queuectl/executor/thread_pool.hpp>

#include "support.hpp"

#include <atomic>
#include <barrier>
#include <set>

using namespace executor_tests;

namespace {

static_assert(executor<thread_pool_executor<void (*)(const job&)>>);
static_assert(std::same_as<decltype(thread_pool_executor{2, nothing}), thread_pool_executor<void (*)(const job&)>>);

// Ends when it is asked to, and says so by failing.
outcome until_stopped(const job&, context& c)
{
    while (!c.stop_requested()) std::this_thread::yield();
    return fail_run("stopped");
}

}  // namespace

TEST(ThreadPool, RunsAsManyAtOnceAsItHasThreads)
{
    std::barrier all{3};
    thread_pool_executor e{3, [&](const job&) { all.arrive_and_wait(); }};
    EXPECT_EQ(e.capacity(), 3u);
    const lease leases[] = {make_lease(1), make_lease(2), make_lease(3)};
    for (const lease& l : leases) ASSERT_TRUE(e.start(l, some_time));
    EXPECT_EQ(e.capacity(), 0u);
    EXPECT_EQ(collect(e, 3).size(), 3u);
    EXPECT_EQ(e.capacity(), 3u);
}

TEST(ThreadPool, ReportsEachRunOnce)
{
    constexpr std::uint32_t jobs = 2000;
    std::atomic<std::uint32_t> ran{0};
    thread_pool_executor e{4, [&](const job& j) {
                               ++ran;
                               return succeed(j.id);
                           }};
    std::vector<lease> leases;
    for (std::uint32_t n = 0; n < jobs; ++n) leases.push_back(make_lease(n));
    std::set<std::uint32_t> seen;
    std::vector<finished_run> out;
    for (std::uint32_t next = 0; seen.size() < jobs;) {
        for (; next < jobs && e.capacity() > 0; ++next) ASSERT_TRUE(e.start(leases[next], some_time));
        out.clear();
        e.collect(out, 10s);
        for (const auto& run : out) {
            EXPECT_TRUE(seen.insert(run.token.ordinal).second) << run.token.ordinal;
            EXPECT_EQ(run.what.result, "job" + std::to_string(run.token.ordinal));
        }
    }
    EXPECT_EQ(ran, jobs);
    out.clear();
    e.collect(out, {});
    EXPECT_TRUE(out.empty());
}

TEST(ThreadPool, StopReachesTheRunItNames)
{
    thread_pool_executor e{2, until_stopped};
    const lease first = make_lease(1);
    const lease second = make_lease(2);
    ASSERT_TRUE(e.start(first, some_time));
    ASSERT_TRUE(e.start(second, some_time));
    e.stop(make_lease(99).token, stop_reason::cancelled);
    e.stop(second.token, stop_reason::cancelled);
    auto out = collect(e, 1);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].token, second.token);
    EXPECT_EQ(out[0].what.report.status, run_status::cancelled);
    EXPECT_FALSE(out[0].what.released);
    e.stop(first.token, stop_reason::shutdown);
    out = collect(e, 1);
    EXPECT_EQ(out[0].token, first.token);
    EXPECT_TRUE(out[0].what.released);
}

TEST(ThreadPool, TheNextRunOfASlotIsNotStopped)
{
    thread_pool_executor e{
        1, [](const job& j, context& c) { return j.payload == "wait" ? until_stopped(j, c) : outcome{succeed()}; }};
    const lease waiting = make_lease(1, "wait");
    ASSERT_TRUE(e.start(waiting, some_time));
    e.stop(waiting.token, stop_reason::cancelled);
    EXPECT_EQ(collect(e, 1)[0].what.report.status, run_status::cancelled);
    EXPECT_EQ(run_one(e, make_lease(2)).report.status, run_status::succeeded);
}

TEST(ThreadPool, AskedToStopAtItsTimeout)
{
    thread_pool_executor e{1, until_stopped};
    lease l = make_lease();
    l.job.timeout = 5ms;
    const auto o = run_one(e, l);
    EXPECT_EQ(o.report.status, run_status::timed_out);
    EXPECT_GE(o.report.ended_at - o.report.started_at, 5ms);
}

TEST(ThreadPool, DestructionStopsWhatRunsAndWaits)
{
    std::atomic<bool> ended{false};
    std::atomic<bool> begun{false};
    const lease l = make_lease();
    {
        thread_pool_executor e{1, [&](const job& j, context& c) {
                                   begun = true;
                                   static_cast<void>(until_stopped(j, c));
                                   EXPECT_EQ(c.why_stop(), stop_reason::shutdown);
                                   ended = true;
                               }};
        ASSERT_TRUE(e.start(l, some_time));
        while (!begun) std::this_thread::yield();
    }
    EXPECT_TRUE(ended);
}

TEST(ThreadPool, WakeEndsAWait)
{
    thread_pool_executor e{1, nothing};
    std::vector<finished_run> out;
    e.wake();
    e.collect(out, 1h);
    std::thread other{[&] { e.wake(); }};
    e.collect(out, 1h);
    other.join();
    EXPECT_TRUE(out.empty());
}

TEST(ThreadPool, ZeroThreadsCountAsOne)
{
    thread_pool_executor e{0, nothing};
    EXPECT_EQ(e.capacity(), 1u);
    EXPECT_EQ(run_one(e).report.status, run_status::succeeded);
}
