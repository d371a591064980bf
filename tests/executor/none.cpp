#include <queuectl/executor/none.hpp>

#include "support.hpp"

using namespace executor_tests;

static_assert(executor<no_executor>);

TEST(NoExecutor, TakesNothing)
{
    no_executor e;
    EXPECT_EQ(e.capacity(), 0u);
    const auto refused = e.start(make_lease(), some_time);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::unsupported);
    std::vector<finished_run> out;
    e.collect(out, 1h);
    EXPECT_TRUE(out.empty());
}
