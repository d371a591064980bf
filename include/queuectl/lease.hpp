// The words of claim, extend and settle.
#ifndef QUEUECTL_LEASE_HPP
#define QUEUECTL_LEASE_HPP

#include <queuectl/job.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace queuectl::inline v0 {

// What a worker asks for. `queues` and `kinds` filter; empty = all. The nonce is fresh for each claim; with
// `repeat`, the claim of that nonce had an unknown outcome: its leases are returned again where they are current.
struct claim_request {
    std::size_t max = 1;
    std::span<const std::string> queues{};
    std::span<const std::string> kinds{};
    duration lease = std::chrono::seconds{30};
    std::string_view worker{};
    uid nonce{};
    bool repeat = false;
};

// A job in a worker's hands until its duration runs out unextended.
struct lease {
    queuectl::job job;
    lease_token token{};
    std::int32_t attempts = 0;  // ended runs before this one
    std::int32_t crashes = 0;   // cut-off runs before this one
    std::string error;          // why the last one failed or was cut off; empty at first

    [[nodiscard]] queuectl::receipt receipt() const { return {job.id, token}; }
    [[nodiscard]] std::int32_t run_number() const noexcept { return attempts + crashes + 1; }
};

struct claim_info {
    // The earliest wall time at which a claim may find more than this one did; the request's own time when it
    // was filled to its maximum, timestamp_max when nothing waits. Leases that run out are not counted.
    timestamp next_at = timestamp_max;
    std::size_t reaped = 0;  // expired leases that this claim returned to waiting
};

enum class insert_status : std::uint8_t {
    inserted,   // or was, by this same call repeated
    duplicate,  // the id is taken by another insert
    kept,       // unique_key: the waiting job stays
    replaced,   // unique_key: the waiting job was replaced by this one
};

enum class extend_status : std::uint8_t {
    held,
    cancel_requested,  // held, and someone asked for its cancellation
    lease_lost,        // the token is not current: stop the job, throw its result away
};

enum class settle_status : std::uint8_t {
    applied,     // or was, by this same call repeated
    lease_lost,  // the token is not current: nothing changed
    gone,        // no such job: removed, or completed with retention 0
};

enum class verdict_kind : std::uint8_t {
    complete,  // → completed
    retry,     // → failed, due at retry_at
    bury,      // → dead
    cancel,    // → cancelled
    release,   // → as it was before the claim, in its old place; nothing is counted or recorded
};

struct verdict {
    verdict_kind kind = verdict_kind::complete;
    timestamp retry_at{};  // retry only
};

// Where a verdict leads, from `before` the claim. A job whose cancellation was asked for does not wait again.
[[nodiscard]] constexpr state state_after(verdict_kind kind, state before, bool cancel_requested) noexcept
{
    const auto waiting = [&](state s) { return cancel_requested ? state::cancelled : s; };
    switch (kind) {
        case verdict_kind::complete: return state::completed;
        case verdict_kind::retry: return waiting(state::failed);
        case verdict_kind::bury: return state::dead;
        case verdict_kind::cancel: return state::cancelled;
        case verdict_kind::release: break;
    }
    return waiting(before);
}

// One lease's end. With a report, a run ended: attempts + 1, the report is kept as its attempt record, and
// exit code, signal and error are copied to the record. Without one (release; a job buried for its crashes)
// attempts stay, and `error`, where given, replaces the record's. An empty `error` of a failure keeps none.
struct settlement {
    queuectl::receipt receipt;
    queuectl::verdict verdict{};
    std::optional<attempt> report{};  // its number and worker are filled in by the storage
    std::string error{};
    std::string result{};
};

}  // namespace queuectl::inline v0

#endif
