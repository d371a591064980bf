#include <queuectl/backoff/capped.hpp>
#include <queuectl/backoff/exponential.hpp>
#include <queuectl/backoff/linear.hpp>

#include "support.hpp"

using namespace backoff_tests;
using queuectl::capped;
using queuectl::exponential;

static_assert(queuectl::backoff<capped<exponential>>);
static_assert(std::same_as<decltype(capped{exponential{}, 10min}), capped<exponential>>);
static_assert(std::same_as<decltype(capped{capped{exponential{}, 10min}, 5min}), capped<capped<exponential>>>);

TEST(Capped, PassesWhatIsBelowAndHoldsWhatIsAbove)
{
    const capped b{exponential{2}, 5s};
    EXPECT_EQ(b(1, 0), 2s);
    EXPECT_EQ(b(2, 0), 4s);
    EXPECT_EQ(b(3, 0), 5s);
    EXPECT_EQ(b(1'000'000, 0), 5s);
}

TEST(Capped, StaysMonotoneAndInRange)
{
    const capped b{queuectl::linear{11s}, 1min};
    expect_monotone(b);
    expect_in_range(b);
    expect_in_range(capped{exponential{1e300}, duration::max()});
}

TEST(Capped, NegativeMaximumIsNoWait) { EXPECT_EQ((capped{exponential{2}, -5s}(2, 0)), 0us); }
