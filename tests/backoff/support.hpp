// What every backoff promises, checked over attempts from nonsense to the largest.
#ifndef QUEUECTL_TESTS_BACKOFF_SUPPORT_HPP
#define QUEUECTL_TESTS_BACKOFF_SUPPORT_HPP

#include <queuectl/backoff.hpp>

#include <gtest/gtest.h>

#include <limits>

namespace backoff_tests {

using queuectl::duration;
using namespace std::chrono_literals;

inline constexpr std::int32_t attempts[] = {
    std::numeric_limits<std::int32_t>::min(), -1, 0, 1, 2, 3, 7, 30, 53, 64, 1000, 1'000'000,
    std::numeric_limits<std::int32_t>::max()};
inline constexpr queuectl::random_bits draws[] = {0, 1, 0x8000'0000'0000'0000u, ~queuectl::random_bits{0}};

// In [0, duration_max] for every attempt and draw.
template <queuectl::backoff B>
void expect_in_range(const B& b)
{
    for (const auto n : attempts)
        for (const auto bits : draws) {
            EXPECT_GE(b(n, bits), duration{0}) << "attempt " << n;
            EXPECT_LE(b(n, bits), queuectl::duration_max) << "attempt " << n;
        }
}

// A later attempt never waits less.
template <queuectl::backoff B>
void expect_monotone(const B& b)
{
    for (std::int32_t n = 1; n < 200; ++n) EXPECT_LE(b(n, 0), b(n + 1, 0)) << "attempt " << n;
}

}  // namespace backoff_tests

#endif
