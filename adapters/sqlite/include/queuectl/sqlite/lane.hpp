// The numbers of the table line: a lane holds the waiting jobs of one queue, kind and priority.
#ifndef QUEUECTL_SQLITE_LANE_HPP
#define QUEUECTL_SQLITE_LANE_HPP

#include <queuectl/limits.hpp>

#include <cstdint>

namespace queuectl::inline v0::detail::sqlite {

inline constexpr std::int64_t lane_kind_max = (1 << 24) - 1;
inline constexpr std::int64_t lane_queue_max = (std::int64_t{1} << 31) - 1;

// By queue, then kind, then priority from the highest.
[[nodiscard]] constexpr std::int64_t lane_of(std::int64_t queue, std::int64_t kind, int priority)
{
    return queue << 32 | kind << 8 | (limits::priority_max - priority);
}
[[nodiscard]] constexpr std::int64_t lane_queue(std::int64_t lane) { return lane >> 32; }
[[nodiscard]] constexpr int lane_priority(std::int64_t lane)
{
    return limits::priority_max - static_cast<int>(lane & 255);
}

}  // namespace queuectl::inline v0::detail::sqlite

#endif
