// Full jitter: anything from no wait to another backoff's wait, so that jobs which failed together do not
// come back together. The formula is "full jitter" of the AWS Architecture Blog, "Exponential Backoff And
// Jitter" (2015): random_between(0, delay).
#ifndef QUEUECTL_BACKOFF_JITTERED_HPP
#define QUEUECTL_BACKOFF_JITTERED_HPP

#include <queuectl/backoff.hpp>
#include <queuectl/detail/saturating.hpp>

namespace queuectl::inline v0 {

// `jittered{capped{exponential{}, std::chrono::hours{1}}}`: uniform over [0, delay], both ends included. The
// inner backoff sees the same bits, so a jittered one inside does not draw independently.
template <backoff B>
struct jittered {
    B inner{};

    [[nodiscard]] constexpr duration operator()(std::int32_t attempt, random_bits bits) const
    {
        const auto choices = static_cast<std::uint64_t>(detail::clamped(inner(attempt, bits)).count()) + 1;
        return duration{static_cast<std::int64_t>(detail::scaled(bits, choices))};
    }
};
template <class B>
jittered(B) -> jittered<B>;

}  // namespace queuectl::inline v0

#endif
