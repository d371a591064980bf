#include <queuectl/run_table.hpp>

#include <gtest/gtest.h>

#include <random>

using namespace queuectl;

namespace {

TEST(RunTable, FindsEveryActiveRunWhateverTheOrderOfTheirEnds)
{
    const unsigned seed = 42;
    SCOPED_TRACE(seed);
    std::mt19937 random{seed};
    run_table table;
    std::vector<lease_token> active;
    for (std::uint32_t i = 1; i < 5000; ++i) {
        if (active.empty() || random() % 2) {
            lease l;
            l.token = {{1, i}, i};
            table.activate(table.hold(std::move(l)));
            active.push_back({{1, i}, i});
        } else {
            const auto at = random() % 4 ? 0 : random() % active.size();
            run_slot* r = table.finish(active[at]);
            ASSERT_NE(r, nullptr);
            EXPECT_EQ(r->held.token, active[at]);
            EXPECT_EQ(table.finish(active[at]), nullptr);
            table.recycle(r);
            active.erase(active.begin() + static_cast<std::ptrdiff_t>(at));
        }
        EXPECT_EQ(table.empty(), active.empty());
        std::size_t counted = 0;
        table.for_each([&](run_slot&) { ++counted; });
        ASSERT_EQ(counted, active.size());
    }
}

}  // namespace
