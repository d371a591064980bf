#include <queuectl/time.hpp>
#include <queuectl/time_source.hpp>

#include <gtest/gtest.h>

using namespace queuectl;
using namespace std::chrono_literals;

namespace {

TEST(Time, SaturatesInsteadOfOverflowing)
{
    EXPECT_EQ(add(duration_max, 1s), duration_max);
    EXPECT_EQ(add(duration::max(), duration::max()), duration_max);
    EXPECT_EQ(add(duration::min(), -1s), -duration_max);
    EXPECT_EQ(add(timestamp_max, 1us), timestamp_max);
    EXPECT_EQ(add(timestamp{1s}, 2s), timestamp{3s});
}

TEST(TimeSource, BootTimeNeverGoesBackwardsAndKeepsItsBoot)
{
    const system_time_source source;
    const instant a = source.now();
    const instant b = source.now();
    EXPECT_LE(a.boot, b.boot);
    EXPECT_EQ(a.boot_id, b.boot_id);
    EXPECT_TRUE(static_cast<bool>(a.boot_id));
    EXPECT_GT(a.wall, timestamp{1'700'000'000s});
}

TEST(Uid, PrintsAs32Digits)
{
    EXPECT_EQ(to_hex({0x0123456789abcdef, 0xf}), "0123456789abcdef000000000000000f");
    EXPECT_FALSE(static_cast<bool>(uid{}));
}

}  // namespace
