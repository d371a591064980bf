#include <queuectl/backoff/exponential.hpp>

#include "support.hpp"

using namespace backoff_tests;
using queuectl::exponential;

static_assert(queuectl::backoff<exponential>);
static_assert(exponential{}(3, 0) == 8s);

TEST(Exponential, DefaultWaitsTwoFourEightSeconds)
{
    const exponential b;
    EXPECT_EQ(b(1, 0), 2s);
    EXPECT_EQ(b(2, 0), 4s);
    EXPECT_EQ(b(3, 0), 8s);
}

TEST(Exponential, IntegerBasesAreExactUpToTheLimit)
{
    std::int64_t expected_s = 1;
    for (std::int32_t n = 1; n <= 20; ++n) {
        expected_s *= 3;
        EXPECT_EQ(exponential{3}(n, 0), std::chrono::seconds{expected_s}) << n;
    }
    EXPECT_EQ(exponential{10}(9, 0), 1'000'000'000s);
    EXPECT_EQ(exponential{10}(10, 0), queuectl::duration_max);
}

TEST(Exponential, FractionsRoundToTheNearestMicrosecond)
{
    EXPECT_EQ(exponential{1.5}(2, 0), 2250ms);
    EXPECT_EQ(exponential{0.001}(1, 0), 1ms);
    EXPECT_EQ(exponential{0.001}(3, 0), 0us);
    EXPECT_EQ(exponential{0.0000017}(1, 0), 2us);
}

TEST(Exponential, SaturatesInsteadOfOverflowing)
{
    const double infinity = std::numeric_limits<double>::infinity();
    for (const double base : {2.0, 10.0, 1e300, std::numeric_limits<double>::max(), infinity}) {
        expect_in_range(exponential{base});
        EXPECT_EQ(exponential{base}(std::numeric_limits<std::int32_t>::max(), 0), queuectl::duration_max) << base;
    }
}

TEST(Exponential, NegativeAndNaNBasesWaitNothing)
{
    for (const double base :
         {-2.0, -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN(), 0.0, -0.0})
        for (const auto n : attempts) EXPECT_EQ(exponential{base}(n, 0), 0us) << base << " at " << n;
}

TEST(Exponential, AttemptsBelowOneCountAsTheFirst)
{
    for (const auto n : {std::numeric_limits<std::int32_t>::min(), -1, 0}) EXPECT_EQ(exponential{5}(n, 0), 5s);
}

TEST(Exponential, GrowsWithTheAttempt)
{
    for (const double base : {1.0, 1.0001, 1.1, 2.0, 7.0, 1000.0}) expect_monotone(exponential{base});
}
