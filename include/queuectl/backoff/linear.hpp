// step · attempt.
#ifndef QUEUECTL_BACKOFF_LINEAR_HPP
#define QUEUECTL_BACKOFF_LINEAR_HPP

#include <queuectl/backoff.hpp>
#include <queuectl/detail/saturating.hpp>

namespace queuectl::inline v0 {

// A negative step counts as 0. Attempts below 1 count as 1.
struct linear {
    duration step = std::chrono::seconds{1};

    [[nodiscard]] constexpr duration operator()(std::int32_t attempt, random_bits = 0) const noexcept
    {
        const std::int64_t each = detail::clamped(step).count();
        const std::int64_t n = attempt < 1 ? 1 : attempt;
        return each > time_max_us / n ? duration_max : duration{each * n};
    }
};

}  // namespace queuectl::inline v0

#endif
