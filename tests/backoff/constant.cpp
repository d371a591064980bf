#include <queuectl/backoff/constant.hpp>

#include "support.hpp"

using namespace backoff_tests;
using queuectl::constant;

static_assert(queuectl::backoff<constant>);

TEST(Constant, WaitsTheSameEveryTime)
{
    for (const auto n : attempts)
        for (const auto bits : draws) EXPECT_EQ(constant{90s}(n, bits), 90s);
}

TEST(Constant, Clamps)
{
    EXPECT_EQ(constant{-1us}(1, 0), 0us);
    EXPECT_EQ(constant{duration::min()}(1, 0), 0us);
    EXPECT_EQ(constant{duration::max()}(1, 0), queuectl::duration_max);
}
