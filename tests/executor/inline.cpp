#include <queuectl/executor/inline.hpp>

#include "support.hpp"

#include <csignal>
#include <thread>

using namespace executor_tests;

namespace {

static_assert(executor<inline_executor<void (*)(const job&)>>);
static_assert(std::same_as<decltype(inline_executor{nothing}), inline_executor<void (*)(const job&)>>);
static_assert(std::same_as<decltype(inline_executor{nothing, 8}), inline_executor<void (*)(const job&)>>);

}  // namespace

TEST(InlineExecutor, RunsInsideStart)
{
    std::string seen;
    inline_executor e{[&](const job& j) { seen = j.payload; }};
    EXPECT_EQ(e.capacity(), 1u);
    ASSERT_TRUE(e.start(make_lease(3, "work"), some_time));
    EXPECT_EQ(seen, "work");
    EXPECT_EQ(e.capacity(), 0u);
    std::vector<finished_run> out;
    e.collect(out, 1h);
    ASSERT_EQ(out.size(), 1u);
    EXPECT_EQ(out[0].token, make_lease(3).token);
    EXPECT_EQ(out[0].what.report.status, run_status::succeeded);
    EXPECT_EQ(e.capacity(), 1u);
}

TEST(InlineExecutor, CollectAppends)
{
    inline_executor e{nothing, 2};
    std::vector<finished_run> out(1);
    out[0].token = make_lease(9).token;
    ASSERT_TRUE(e.start(make_lease(1), some_time));
    ASSERT_TRUE(e.start(make_lease(2), some_time));
    e.collect(out, {});
    ASSERT_EQ(out.size(), 3u);
    EXPECT_EQ(out[0].token, make_lease(9).token);
    EXPECT_EQ(out[1].token, make_lease(1).token);
    EXPECT_EQ(out[2].token, make_lease(2).token);
}

TEST(InlineExecutor, JobsClaimedAheadBeginOneAfterAnother)
{
    duration at{};
    inline_executor e{[&](const job&) { at += 2s; }, 3, manual_time{&at}};
    for (std::uint32_t n = 1; n <= 3; ++n) ASSERT_TRUE(e.start(make_lease(n), some_time));
    EXPECT_EQ(e.capacity(), 0u);
    const auto out = collect(e, 3);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(out[i].what.report.started_at, some_time.wall + static_cast<int>(i) * 2s);
        EXPECT_EQ(out[i].what.report.ended_at, some_time.wall + static_cast<int>(i + 1) * 2s);
    }
}

TEST(InlineExecutor, LateRunsAreReportedTimedOut)
{
    duration at{};
    bool asked = false;
    inline_executor e{[&](const job&, context& c) {
                          at += 4999ms;
                          EXPECT_FALSE(c.stop_requested());
                          at += 1ms;
                          asked = c.why_stop() == stop_reason::timed_out;
                      },
                      1, manual_time{&at}};
    lease l = make_lease();
    l.job.timeout = 5s;
    const auto o = run_one(e, l);
    EXPECT_TRUE(asked);
    EXPECT_EQ(o.report.status, run_status::timed_out);
    EXPECT_EQ(o.report.error, "timed out");
    EXPECT_EQ(o.report.ended_at, some_time.wall + 5s);
}

TEST(InlineExecutor, WakeIsRemembered)
{
    inline_executor e{nothing};
    std::vector<finished_run> out;
    e.wake();
    e.collect(out, 1h);
    EXPECT_TRUE(out.empty());
    const auto before = std::chrono::steady_clock::now();
    e.collect(out, 20ms);
    EXPECT_GE(std::chrono::steady_clock::now() - before, 20ms) << "once woken, it waits again";
}

TEST(InlineExecutor, WakeEndsAWaitFromAnotherThread)
{
    inline_executor e{nothing};
    std::vector<finished_run> out;
    std::thread other{[&] { e.wake(); }};
    e.collect(out, 1h);
    other.join();
}

TEST(InlineExecutor, WakeFromASignalHandlerEndsAWait)
{
    static inline_executor<void (*)(const job&)>* woken = nullptr;
    inline_executor e{nothing};
    woken = &e;
    std::signal(SIGUSR1, [](int) { woken->wake(); });
    std::thread other{[] { std::raise(SIGUSR1); }};
    std::vector<finished_run> out;
    e.collect(out, 1h);
    other.join();
    std::signal(SIGUSR1, SIG_DFL);
}

TEST(InlineExecutor, IsMovable)
{
    inline_executor first{[](const job&) { return succeed("moved"); }};
    auto e = std::move(first);
    EXPECT_EQ(run_one(e).result, "moved");
}
