// The states of a job, and why a pending one may be held.
#ifndef QUEUECTL_STATE_HPP
#define QUEUECTL_STATE_HPP

#include <queuectl/config.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace queuectl::inline v0 {

// A job is in exactly one state. The numbers are stored: they never change.
enum class state : std::uint8_t {
    pending = 0,     // waiting: due now, due later, or held
    processing = 1,  // leased to a worker
    completed = 2,   // the last run succeeded
    failed = 3,      // the last run failed; waits for its retry
    dead = 4,        // gave up: in the dead letter queue
    cancelled = 5,   // withdrawn by a person
};
inline constexpr std::size_t state_count = 6;

[[nodiscard]] constexpr std::string_view name(state s) noexcept
{
    constexpr std::string_view names[] = {"pending", "processing", "completed", "failed", "dead", "cancelled"};
    return names[static_cast<std::size_t>(s)];
}

// The state of that name, or nothing.
[[nodiscard]] constexpr std::optional<state> state_from(std::string_view text) noexcept
{
    for (std::size_t i = 0; i < state_count; ++i)
        if (name(static_cast<state>(i)) == text) return static_cast<state>(i);
    return std::nullopt;
}

// Waiting for a worker: claimable once due and not held.
[[nodiscard]] constexpr bool is_waiting(state s) noexcept { return s == state::pending || s == state::failed; }
// Ended: nothing will run it again unless a person revives it.
[[nodiscard]] constexpr bool is_final(state s) noexcept { return !is_waiting(s) && s != state::processing; }

// Why a waiting job may not be claimed although it is due: bits of job::hold. The numbers are stored.
enum hold : std::uint32_t {
    hold_none = 0,
    hold_dependency = 1,    // a job that it depends on has not completed
    hold_key_order = 2,     // an earlier job of the same key has not ended
    hold_key_limit = 4,     // as many jobs of its key run as may
    hold_unknown_kind = 8,  // no worker has a handler for its kind
};

}  // namespace queuectl::inline v0

#endif
