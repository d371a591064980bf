// Restart delays, in virtual time.
#include <queuectl/process/restart_policy.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace {
using namespace queuectl;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(RestartPolicy, AtOnceFourTimesThenDoublingToTwoSeconds)
{
    process::restart_policy policy;
    duration now{};
    std::vector<long> waits_ms;
    for (int i = 0; i < 12; ++i) {
        const auto wait = policy.on_death(now);
        waits_ms.push_back(static_cast<long>(wait.count() / 1000));
        now += wait + milliseconds{1};
    }
    EXPECT_EQ(waits_ms, (std::vector<long>{0, 0, 0, 0, 100, 200, 400, 800, 1600, 2000, 2000, 2000}));
}

TEST(RestartPolicy, RareDeathsAreRestartedAtOnceForEver)
{
    process::restart_policy policy;
    for (int i = 0; i < 100; ++i) EXPECT_EQ(policy.on_death(seconds{i * 3}), duration::zero());
}

TEST(RestartPolicy, ForgivesAfterQuietTime)
{
    process::restart_policy policy;
    for (int i = 0; i < 6; ++i) static_cast<void>(policy.on_death(seconds{1}));
    EXPECT_EQ(policy.on_death(seconds{1}), milliseconds{400});
    EXPECT_EQ(policy.on_death(seconds{100}), duration::zero());
}

}  // namespace
