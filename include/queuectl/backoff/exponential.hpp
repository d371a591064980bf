// base^attempt seconds: with base 2, waits of 2, 4, 8, … s.
#ifndef QUEUECTL_BACKOFF_EXPONENTIAL_HPP
#define QUEUECTL_BACKOFF_EXPONENTIAL_HPP

#include <queuectl/backoff.hpp>
#include <queuectl/detail/saturating.hpp>

namespace queuectl::inline v0 {

// A base below 1 makes later waits shorter; negative and NaN count as 0: no wait. Attempts below 1 count as 1.
struct exponential {
    double base = 2;  // seconds, and the factor from each wait to the next

    [[nodiscard]] constexpr duration operator()(std::int32_t attempt, random_bits = 0) const noexcept
    {
        return detail::clamped(detail::power(base, attempt < 1 ? 1 : attempt) * 1e6);
    }
};

}  // namespace queuectl::inline v0

#endif
