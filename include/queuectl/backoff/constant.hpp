// The same wait every time.
#ifndef QUEUECTL_BACKOFF_CONSTANT_HPP
#define QUEUECTL_BACKOFF_CONSTANT_HPP

#include <queuectl/backoff.hpp>
#include <queuectl/detail/saturating.hpp>

namespace queuectl::inline v0 {

// A negative delay counts as 0.
struct constant {
    duration delay = std::chrono::seconds{1};

    [[nodiscard]] constexpr duration operator()(std::int32_t, random_bits = 0) const noexcept
    {
        return detail::clamped(delay);
    }
};

}  // namespace queuectl::inline v0

#endif
