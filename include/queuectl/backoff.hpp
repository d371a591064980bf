// The backoff concept: how long a failed job waits for its retry.
#ifndef QUEUECTL_BACKOFF_HPP
#define QUEUECTL_BACKOFF_HPP

#include <queuectl/time.hpp>

#include <concepts>
#include <cstdint>

namespace queuectl::inline v0 {

// A draw of the queue's random source, uniform over 64 bits: jitter is a pure function of it.
using random_bits = std::uint64_t;

// b(n, bits): the delay after the n-th ended run failed (n ≥ 1). Pure; never negative, never over
// duration_max. `bits` may be ignored.
template <class B>
concept backoff = requires(const B& b, std::int32_t attempt, random_bits bits)
{
    {
        b(attempt, bits)
        } -> std::same_as<duration>;
};

}  // namespace queuectl::inline v0

#endif
