// Another backoff's wait, but never longer than a maximum.
#ifndef QUEUECTL_BACKOFF_CAPPED_HPP
#define QUEUECTL_BACKOFF_CAPPED_HPP

#include <queuectl/backoff.hpp>
#include <queuectl/detail/saturating.hpp>

namespace queuectl::inline v0 {

// `capped{exponential{2}, std::chrono::minutes{10}}`. A negative maximum counts as 0.
template <backoff B>
struct capped {
    B inner{};
    duration max = duration_max;

    [[nodiscard]] constexpr duration operator()(std::int32_t attempt, random_bits bits = 0) const
    {
        const duration delay = inner(attempt, bits);
        const duration limit = detail::clamped(max);
        return delay < limit ? delay : limit;
    }
};
template <class B>
capped(B, duration) -> capped<B>;

}  // namespace queuectl::inline v0

#endif
