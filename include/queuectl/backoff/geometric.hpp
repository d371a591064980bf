// base · factor^(attempt − 1): a first wait of any length that grows by any factor.
#ifndef QUEUECTL_BACKOFF_GEOMETRIC_HPP
#define QUEUECTL_BACKOFF_GEOMETRIC_HPP

#include <queuectl/backoff.hpp>
#include <queuectl/detail/saturating.hpp>

namespace queuectl::inline v0 {

// A negative base counts as 0, a negative or NaN factor too. Attempts below 1 count as 1.
struct geometric {
    duration base = std::chrono::seconds{1};  // the first wait
    double factor = 2;                        // from each wait to the next

    [[nodiscard]] constexpr duration operator()(std::int32_t attempt, random_bits = 0) const noexcept
    {
        const duration first = detail::clamped(base);
        if (first == duration{0}) return first;
        return detail::clamped(static_cast<double>(first.count()) *
                               detail::power(factor, attempt < 1 ? 0 : attempt - 1));
    }
};

}  // namespace queuectl::inline v0

#endif
