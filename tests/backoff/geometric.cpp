#include <queuectl/backoff/geometric.hpp>

#include "support.hpp"

using namespace backoff_tests;
using queuectl::geometric;

static_assert(queuectl::backoff<geometric>);
static_assert(geometric{100ms, 3}(3, 0) == 900ms);

TEST(Geometric, StartsAtTheBaseAndGrowsByTheFactor)
{
    const geometric b{500ms, 2};
    EXPECT_EQ(b(1, 0), 500ms);
    EXPECT_EQ(b(2, 0), 1s);
    EXPECT_EQ(b(3, 0), 2s);
}

TEST(Geometric, FactorOneIsConstant)
{
    for (const auto n : attempts) EXPECT_EQ((geometric{7s, 1}(n, 0)), 7s) << n;
}

TEST(Geometric, SaturatesInsteadOfOverflowing)
{
    expect_in_range(geometric{1us, std::numeric_limits<double>::infinity()});
    expect_in_range(geometric{duration::max(), 2});
    expect_in_range(geometric{queuectl::duration_max, 1e308});
    EXPECT_EQ((geometric{1us, 2}(std::numeric_limits<std::int32_t>::max(), 0)), queuectl::duration_max);
}

TEST(Geometric, NonsenseClampsToZero)
{
    expect_in_range(geometric{duration::min(), 2});
    EXPECT_EQ((geometric{-1s, 2}(3, 0)), 0us);
    EXPECT_EQ((geometric{0s, std::numeric_limits<double>::infinity()}(3, 0)), 0us);
    EXPECT_EQ((geometric{1s, std::numeric_limits<double>::quiet_NaN()}(2, 0)), 0us);
    EXPECT_EQ((geometric{1s, -3}(2, 0)), 0us);
    EXPECT_EQ((geometric{1s, -3}(1, 0)), 1s) << "the first wait needs no factor";
}

TEST(Geometric, GrowsWithTheAttempt)
{
    for (const double factor : {1.0, 1.05, 2.0, 10.0}) expect_monotone(geometric{3ms, factor});
}
