// Time as the queue knows it: microseconds, saturating, and always passed in as an argument.
#ifndef QUEUECTL_TIME_HPP
#define QUEUECTL_TIME_HPP

#include <queuectl/config.hpp>
#include <queuectl/uid.hpp>

#include <chrono>
#include <cstdint>

namespace queuectl::inline v0 {

using duration = std::chrono::microseconds;
// UTC wall time since 1970-01-01.
using timestamp = std::chrono::time_point<std::chrono::system_clock, duration>;

// Times and durations saturate here: the largest integer that a double, and so JSON, holds exactly.
inline constexpr std::int64_t time_max_us = (std::int64_t{1} << 53) - 1;
inline constexpr duration duration_max{time_max_us};
inline constexpr timestamp timestamp_max{duration_max};

[[nodiscard]] constexpr duration saturate(duration d) noexcept
{
    if (d > duration_max) return duration_max;
    return d < -duration_max ? -duration_max : d;
}
[[nodiscard]] constexpr duration add(duration a, duration b) noexcept { return saturate(saturate(a) + saturate(b)); }
[[nodiscard]] constexpr timestamp add(timestamp t, duration d) noexcept
{
    return timestamp{add(t.time_since_epoch(), d)};
}

// One reading of every clock a storage may need; taken once a call by the queue.
struct instant {
    timestamp wall{};  // for run_at, for people
    duration boot{};   // CLOCK_BOOTTIME: monotonic, goes on through suspend; leases are measured on it
    uid boot_id{};     // which boot `boot` counts from; another one means that every lease of it has expired
};

}  // namespace queuectl::inline v0

#endif
