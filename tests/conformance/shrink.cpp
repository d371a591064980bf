// Delta debugging finds the elements that matter.
#include <queuectl/testing/shrink.hpp>

#include <gtest/gtest.h>

#include <numeric>

namespace {

std::vector<int> numbers(int n)
{
    std::vector<int> all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), 0);
    return all;
}

TEST(shrink, keeps_exactly_what_is_needed_in_order)
{
    const auto fails = [](const std::vector<int>& v) {
        int found = 0;
        for (const int i : v) found += i == 3 || i == 50 || i == 97;
        return found == 3;
    };
    EXPECT_EQ(queuectl::shrink(numbers(100), fails), (std::vector<int>{3, 50, 97}));
}

TEST(shrink, leaves_nothing_when_nothing_is_needed)
{
    EXPECT_TRUE(queuectl::shrink(numbers(9), [](const auto&) { return true; }).empty());
    EXPECT_TRUE(queuectl::shrink(numbers(0), [](const auto&) { return true; }).empty());
}

TEST(shrink, keeps_everything_when_everything_is_needed)
{
    EXPECT_EQ(queuectl::shrink(numbers(10), [](const auto& v) { return v.size() == 10; }), numbers(10));
}

TEST(shrink, stops_after_so_many_tries)
{
    std::size_t tries = 0;
    const auto rest = queuectl::shrink(
        numbers(1000), [&](const auto& v) { return ++tries, !v.empty() && v.back() == 999; }, 7);
    EXPECT_EQ(tries, 7U);
    EXPECT_LT(rest.size(), 1000U);
}

}  // namespace
