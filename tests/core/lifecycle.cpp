#include <queuectl/lifecycle.hpp>

#include <queuectl/backoff/constant.hpp>

#include <gtest/gtest.h>

using namespace queuectl;
using namespace std::chrono_literals;

namespace {

constexpr timestamp now{1000s};

lease leased(std::int32_t attempts, std::int32_t max_retries)
{
    lease l;
    l.attempts = attempts;
    l.job.max_retries = max_retries;
    return l;
}
outcome ended(run_status s)
{
    outcome o;
    o.report.status = s;
    return o;
}

TEST(Lifecycle, SuccessCompletes)
{
    EXPECT_EQ(decide(leased(0, 3), ended(run_status::succeeded), exponential{}, 0, now).kind, verdict_kind::complete);
}

TEST(Lifecycle, NRetriesAfterTheFirstRun)
{
    for (std::int32_t n = 0; n < 5; ++n) {
        for (std::int32_t attempts = 0; attempts <= n; ++attempts) {
            const verdict v = decide(leased(attempts, n), ended(run_status::failed), exponential{}, 0, now);
            EXPECT_EQ(v.kind, attempts < n ? verdict_kind::retry : verdict_kind::bury) << n << ' ' << attempts;
        }
    }
}

TEST(Lifecycle, ATimeoutIsAFailure)
{
    EXPECT_EQ(decide(leased(0, 1), ended(run_status::timed_out), exponential{}, 0, now).kind, verdict_kind::retry);
    EXPECT_EQ(decide(leased(0, 0), ended(run_status::timed_out), exponential{}, 0, now).kind, verdict_kind::bury);
}

TEST(Lifecycle, TheJobsOwnBaseGoesBeforeTheQueuesBackoff)
{
    lease l = leased(1, 3);
    EXPECT_EQ(decide(l, ended(run_status::failed), constant{5s}, 0, now).retry_at, now + 5s);
    l.job.backoff_base = 3;
    EXPECT_EQ(decide(l, ended(run_status::failed), constant{5s}, 0, now).retry_at, now + 9s);
}

TEST(Lifecycle, AFailureMayNameItsOwnDelay)
{
    outcome o = ended(run_status::failed);
    o.retry_after = 7s;
    EXPECT_EQ(decide(leased(0, 3), o, exponential{}, 0, now).retry_at, now + 7s);
    o.retry_after = -7s;
    EXPECT_EQ(decide(leased(0, 3), o, exponential{}, 0, now).retry_at, now);
    o.retry_after = duration::max();
    EXPECT_EQ(decide(leased(0, 3), o, exponential{}, 0, now).retry_at, timestamp_max);
}

TEST(Lifecycle, NeitherReleaseNorCancellationIsAFailure)
{
    outcome o = ended(run_status::failed);
    o.released = true;
    EXPECT_EQ(decide(leased(9, 0), o, exponential{}, 0, now).kind, verdict_kind::release);
    EXPECT_EQ(decide(leased(9, 0), ended(run_status::cancelled), exponential{}, 0, now).kind, verdict_kind::cancel);
}

TEST(Lifecycle, CrashLimit)
{
    lease l;
    l.crashes = 2;
    EXPECT_FALSE(crashed_too_often(l, 3));
    EXPECT_TRUE(runs_alone(l));
    l.crashes = 3;
    EXPECT_TRUE(crashed_too_often(l, 3));
    EXPECT_FALSE(crashed_too_often(l, 0)) << "0 is no limit";
}

}  // namespace
