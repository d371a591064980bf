#include <queuectl/context.hpp>

#include "support.hpp"

using namespace executor_tests;

TEST(Context, TellsTheRunAndTheLease)
{
    lease l = make_lease();
    l.attempts = 2;
    l.crashes = 1;
    l.error = "last time";
    const stop_flag stop;
    const context c{l, stop, steady_time{}, duration{}};
    EXPECT_EQ(c.run_number(), 4);
    EXPECT_EQ(c.lease().error, "last time");
    EXPECT_FALSE(c.stop_requested());
    EXPECT_EQ(c.remaining(), std::nullopt) << "a job without timeout";
}

TEST(Context, RemainingRunsDownAndThenAsksToStop)
{
    lease l = make_lease();
    l.job.timeout = 10s;
    duration at = 100s;
    const stop_flag stop;
    const manual_time clock{&at};
    const context c{l, stop, clock, at};
    EXPECT_EQ(c.remaining(), duration{10s});
    at += 9s;
    EXPECT_EQ(c.remaining(), duration{1s});
    EXPECT_FALSE(c.stop_requested());
    at += 1s;
    EXPECT_EQ(c.remaining(), duration{0});
    EXPECT_EQ(c.why_stop(), stop_reason::timed_out);
    at += 1h;
    EXPECT_EQ(c.remaining(), duration{0});
}

TEST(Context, TheFirstReasonStays)
{
    stop_flag stop;
    EXPECT_EQ(stop.reason(), std::nullopt);
    stop.request(stop_reason::shutdown);
    stop.request(stop_reason::cancelled);
    EXPECT_EQ(stop.reason(), stop_reason::shutdown);
    stop.reset();
    EXPECT_EQ(stop.reason(), std::nullopt);
}
