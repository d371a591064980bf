// Arithmetic of delays that saturates instead of overflowing; constexpr, without <cmath>.
#ifndef QUEUECTL_DETAIL_SATURATING_HPP
#define QUEUECTL_DETAIL_SATURATING_HPP

#include <queuectl/time.hpp>

#include <cstdint>

namespace queuectl::inline v0::detail {

// base^n for n ≥ 0, by squaring; exact while base and every power up to the result are integers below 2^53.
// Negative and NaN bases count as 0. May be infinite.
[[nodiscard]] constexpr double power(double base, std::int32_t n) noexcept
{
    double square = base > 0 ? base : 0;
    double product = 1;
    for (; n > 0; n /= 2) {
        if (n % 2 != 0) product *= square;
        if (n > 1) square *= square;
    }
    return product;
}

// The nearest whole number of microseconds in [0, duration_max]; NaN is 0.
[[nodiscard]] constexpr duration clamped(double microseconds) noexcept
{
    if (!(microseconds > 0)) return duration{0};
    if (microseconds >= static_cast<double>(time_max_us)) return duration_max;
    return duration{static_cast<std::int64_t>(microseconds + 0.5)};
}

// d, brought into [0, duration_max].
[[nodiscard]] constexpr duration clamped(duration d) noexcept
{
    return d < duration{0} ? duration{0} : queuectl::saturate(d);
}

// floor(bits · n / 2^64): a uniform draw from [0, n) when bits is uniform and n is small against 2^64.
[[nodiscard]] constexpr std::uint64_t scaled(std::uint64_t bits, std::uint64_t n) noexcept
{
    constexpr std::uint64_t low_half = 0xffff'ffffu;
    const std::uint64_t low = (bits & low_half) * (n & low_half);
    const std::uint64_t middle = (bits >> 32) * (n & low_half) + (low >> 32);
    const std::uint64_t other = (bits & low_half) * (n >> 32) + (middle & low_half);
    return (bits >> 32) * (n >> 32) + (middle >> 32) + (other >> 32);
}

}  // namespace queuectl::inline v0::detail

#endif
