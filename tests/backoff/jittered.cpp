#include <queuectl/backoff/capped.hpp>
#include <queuectl/backoff/constant.hpp>
#include <queuectl/backoff/exponential.hpp>
#include <queuectl/backoff/jittered.hpp>

#include "support.hpp"

#include <array>
#include <random>

using namespace backoff_tests;
using queuectl::capped;
using queuectl::constant;
using queuectl::exponential;
using queuectl::jittered;
using queuectl::random_bits;

static_assert(queuectl::backoff<jittered<exponential>>);
static_assert(std::same_as<decltype(jittered{capped{exponential{}, 1h}}), jittered<capped<exponential>>>);

TEST(Jittered, ReachesBothEndsAndNothingBeyond)
{
    const jittered b{constant{10s}};
    EXPECT_EQ(b(1, 0), 0us);
    EXPECT_EQ(b(1, ~random_bits{0}), 10s);
    EXPECT_EQ((jittered{constant{queuectl::duration_max}}(1, ~random_bits{0})), queuectl::duration_max);
    EXPECT_EQ((jittered{constant{0s}}(1, ~random_bits{0})), 0us);
}

TEST(Jittered, ScalesLikeTheHighWordOfTheProduct)
{
    const jittered b{constant{queuectl::duration_max}};  // n = 2^53: the draw is the upper 53 bits
    for (const random_bits bits :
         {random_bits{1}, random_bits{0x0123'4567'89ab'cdefu}, random_bits{0xfedc'ba98'7654'3210u}})
        EXPECT_EQ(b(1, bits).count(), static_cast<std::int64_t>(bits >> 11));
    EXPECT_EQ((jittered{constant{2us}}(1, 0x5555'5555'5555'5555u)), 0us);
    EXPECT_EQ((jittered{constant{2us}}(1, 0x5555'5555'5555'5556u)), 1us);
}

TEST(Jittered, IsAPureFunctionOfItsArguments)
{
    const jittered b{exponential{2}};
    EXPECT_EQ(b(5, 0x1234'5678'9abc'def0u), b(5, 0x1234'5678'9abc'def0u));
}

TEST(Jittered, IsUniformOverTheDelay)
{
    constexpr unsigned seed = 20240229;
    RecordProperty("seed", static_cast<int>(seed));
    std::mt19937_64 random{seed};
    const jittered b{exponential{2}};
    constexpr int draws_made = 40'000;
    std::array<int, 8> buckets{};
    for (int i = 0; i < draws_made; ++i) {
        const duration delay = b(3, random());
        ASSERT_LE(delay, 8s);
        ASSERT_GE(delay, 0s);
        ++buckets[std::min<std::size_t>(7, static_cast<std::size_t>(delay.count() / 1'000'000))];
    }
    // Standard deviation of a bucket: about 66.
    for (const int count : buckets) EXPECT_NEAR(count, draws_made / 8, 350) << "seed " << seed;
}

TEST(Jittered, StaysInRange)
{
    expect_in_range(jittered{exponential{1e9}});
    expect_in_range(jittered{exponential{-1}});
    expect_in_range(capped{jittered{exponential{2}}, 1min});
}
