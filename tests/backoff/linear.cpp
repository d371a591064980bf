#include <queuectl/backoff/linear.hpp>

#include "support.hpp"

using namespace backoff_tests;
using queuectl::linear;

static_assert(queuectl::backoff<linear>);
static_assert(linear{10s}(3, 0) == 30s);

TEST(Linear, WaitsAStepMoreEachTime)
{
    EXPECT_EQ(linear{1500ms}(1, 0), 1500ms);
    EXPECT_EQ(linear{1500ms}(2, 0), 3s);
    EXPECT_EQ(linear{1500ms}(10, 0), 15s);
}

TEST(Linear, SaturatesInsteadOfOverflowing)
{
    const auto last = std::numeric_limits<std::int32_t>::max();
    expect_in_range(linear{duration::max()});
    EXPECT_EQ(linear{queuectl::duration_max}(2, 0), queuectl::duration_max);
    EXPECT_EQ(linear{1h}(last, 0), queuectl::duration_max);
    EXPECT_EQ(linear{1us}(last, 0), duration{last});
}

TEST(Linear, NegativeStepsAndAttemptsClamp)
{
    expect_in_range(linear{duration::min()});
    EXPECT_EQ(linear{-1s}(4, 0), 0us);
    EXPECT_EQ(linear{2s}(-4, 0), 2s);
}

TEST(Linear, GrowsWithTheAttempt)
{
    for (const auto step : {duration{0}, duration{1}, duration{3h}, queuectl::duration_max / 7})
        expect_monotone(linear{step});
}
