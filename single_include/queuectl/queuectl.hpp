// queuectl in one file, made from include/queuectl by tests/single_header/amalgamate.cpp: change those,
// not this. Define QUEUECTL_POSIX for what needs a POSIX system (process_executor, the supervisor), and
// QUEUECTL_TESTING for the conformance suite and its kit. License: see LICENSE.
#ifndef QUEUECTL_SINGLE_HEADER_HPP
#define QUEUECTL_SINGLE_HEADER_HPP
#define QUEUECTL_QUEUECTL_HPP

// ---- queuectl/config.hpp
// Version, feature switches and the assertion hook. Every other header includes this one.
#ifndef QUEUECTL_CONFIG_HPP
#define QUEUECTL_CONFIG_HPP

#define QUEUECTL_VERSION_MAJOR 0
#define QUEUECTL_VERSION_MINOR 1
#define QUEUECTL_VERSION_PATCH 0
#define QUEUECTL_VERSION "0.1.0"

// 1 when the translation unit is compiled with exceptions. Nothing of ours throws but memory exhaustion
// and result<T>::value() on an error; without exceptions both end the program.
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define QUEUECTL_HAS_EXCEPTIONS 1
#else
#define QUEUECTL_HAS_EXCEPTIONS 0
#endif

// Define QUEUECTL_NO_THREADS to build without <mutex>, <thread> and <condition_variable>: storages then take
// no locks, worker heartbeats come from the worker's own loop, and thread_pool_executor does not exist.
#if defined(QUEUECTL_NO_THREADS)
#define QUEUECTL_HAS_THREADS 0
#else
#define QUEUECTL_HAS_THREADS 1
#endif

// Programmer errors (a broken precondition) hit QUEUECTL_ASSERT; define it before the first include to
// replace it. Bad input, I/O and contention never do: they are values of queuectl::result.
#ifndef QUEUECTL_ASSERT
#include <cassert>
#define QUEUECTL_ASSERT(condition) assert(condition)
#endif

// Everything lives in an inline namespace, so that two ABI versions can meet in one program.
namespace queuectl::inline v0 {
}

#endif

// ---- queuectl/uid.hpp
// A 128-bit identifier: nonces, boot ids, store ids.
#ifndef QUEUECTL_UID_HPP
#define QUEUECTL_UID_HPP

#include <compare>
#include <cstdint>
#include <string>

namespace queuectl::inline v0 {

// Unique when drawn from a random source; all zero means "none".
struct uid {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    [[nodiscard]] explicit constexpr operator bool() const noexcept { return (high | low) != 0; }
    friend constexpr auto operator<=>(const uid&, const uid&) = default;
};

// 32 lower-case hexadecimal digits.
[[nodiscard]] inline std::string to_hex(const uid& u)
{
    std::string text(32, '0');
    for (int i = 0; i < 16; ++i) {
        const auto digit = [](std::uint64_t v) { return "0123456789abcdef"[v & 15]; };
        text[static_cast<std::size_t>(15 - i)] = digit(u.high >> (4 * i));
        text[static_cast<std::size_t>(31 - i)] = digit(u.low >> (4 * i));
    }
    return text;
}

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/time.hpp
// Time as the queue knows it: microseconds, saturating, and always passed in as an argument.
#ifndef QUEUECTL_TIME_HPP
#define QUEUECTL_TIME_HPP

#include <chrono>

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

// ---- queuectl/backoff.hpp
// The backoff concept: how long a failed job waits for its retry.
#ifndef QUEUECTL_BACKOFF_HPP
#define QUEUECTL_BACKOFF_HPP

#include <concepts>

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

// ---- queuectl/detail/saturating.hpp
// Arithmetic of delays that saturates instead of overflowing; constexpr, without <cmath>.
#ifndef QUEUECTL_DETAIL_SATURATING_HPP
#define QUEUECTL_DETAIL_SATURATING_HPP

namespace queuectl::inline v0::detail {

// base^n for n ≥ 0, by squaring; exact while base and every power up to the result are integers below 2^53.
// Negative and NaN bases count as 0. May be infinite.
[[nodiscard]] constexpr double power(double base, std::int32_t n) noexcept
{
    double square = base > 0 ? base : 0;
    double product = 1;
    for (; n > 0; n /= 2) {
        if (n % 2 != 0) product *= square;
        if (n > 1) square *= square;
    }
    return product;
}

// The nearest whole number of microseconds in [0, duration_max]; NaN is 0.
[[nodiscard]] constexpr duration clamped(double microseconds) noexcept
{
    if (!(microseconds > 0)) return duration{0};
    if (microseconds >= static_cast<double>(time_max_us)) return duration_max;
    return duration{static_cast<std::int64_t>(microseconds + 0.5)};
}

// d, brought into [0, duration_max].
[[nodiscard]] constexpr duration clamped(duration d) noexcept
{
    return d < duration{0} ? duration{0} : queuectl::saturate(d);
}

// floor(bits · n / 2^64): a uniform draw from [0, n) when bits is uniform and n is small against 2^64.
[[nodiscard]] constexpr std::uint64_t scaled(std::uint64_t bits, std::uint64_t n) noexcept
{
    constexpr std::uint64_t low_half = 0xffff'ffffu;
    const std::uint64_t low = (bits & low_half) * (n & low_half);
    const std::uint64_t middle = (bits >> 32) * (n & low_half) + (low >> 32);
    const std::uint64_t other = (bits & low_half) * (n >> 32) + (middle & low_half);
    return (bits >> 32) * (n >> 32) + (middle >> 32) + (other >> 32);
}

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/backoff/capped.hpp
// Another backoff's wait, but never longer than a maximum.
#ifndef QUEUECTL_BACKOFF_CAPPED_HPP
#define QUEUECTL_BACKOFF_CAPPED_HPP

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

// ---- queuectl/backoff/constant.hpp
// The same wait every time.
#ifndef QUEUECTL_BACKOFF_CONSTANT_HPP
#define QUEUECTL_BACKOFF_CONSTANT_HPP

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

// ---- queuectl/backoff/exponential.hpp
// base^attempt seconds: with base 2, waits of 2, 4, 8, … s.
#ifndef QUEUECTL_BACKOFF_EXPONENTIAL_HPP
#define QUEUECTL_BACKOFF_EXPONENTIAL_HPP

namespace queuectl::inline v0 {

// A base below 1 makes later waits shorter; negative and NaN count as 0: no wait. Attempts below 1 count as 1.
struct exponential {
    double base = 2;  // seconds, and the factor from each wait to the next

    [[nodiscard]] constexpr duration operator()(std::int32_t attempt, random_bits = 0) const noexcept
    {
        return detail::clamped(detail::power(base, attempt < 1 ? 1 : attempt) * 1e6);
    }
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/backoff/geometric.hpp
// base · factor^(attempt − 1): a first wait of any length that grows by any factor.
#ifndef QUEUECTL_BACKOFF_GEOMETRIC_HPP
#define QUEUECTL_BACKOFF_GEOMETRIC_HPP

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

// ---- queuectl/backoff/jittered.hpp
// Full jitter: anything from no wait to another backoff's wait, so that jobs which failed together do not
// come back together. The formula is "full jitter" of the AWS Architecture Blog, "Exponential Backoff And
// Jitter" (2015): random_between(0, delay).
#ifndef QUEUECTL_BACKOFF_JITTERED_HPP
#define QUEUECTL_BACKOFF_JITTERED_HPP

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

// ---- queuectl/backoff/linear.hpp
// step · attempt.
#ifndef QUEUECTL_BACKOFF_LINEAR_HPP
#define QUEUECTL_BACKOFF_LINEAR_HPP

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

// ---- queuectl/receipt.hpp
// The right to settle: a receipt is a job's id and the token of one lease on it.
#ifndef QUEUECTL_RECEIPT_HPP
#define QUEUECTL_RECEIPT_HPP

namespace queuectl::inline v0 {

// Fences a lease: the claim's nonce and the job's place in that claim. All zero = none. A token that is no
// longer a job's current one is refused everywhere, whatever the clock says.
struct lease_token {
    uid nonce{};
    std::uint32_t ordinal = 0;

    [[nodiscard]] explicit constexpr operator bool() const noexcept { return static_cast<bool>(nonce); }
    friend constexpr auto operator<=>(const lease_token&, const lease_token&) = default;
};

struct receipt {
    std::string id;
    lease_token token{};
    friend auto operator<=>(const receipt&, const receipt&) = default;
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/state.hpp
// The states of a job, and why a pending one may be held.
#ifndef QUEUECTL_STATE_HPP
#define QUEUECTL_STATE_HPP

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

// ---- queuectl/job.hpp
// A job as it is stored: what was asked for, and its record.
#ifndef QUEUECTL_JOB_HPP
#define QUEUECTL_JOB_HPP

#include <vector>

namespace queuectl::inline v0 {

// What was asked for; every default is resolved at enqueue, so that a later change of settings applies to
// later jobs only. Limits: limits.hpp. Strings hold any bytes where nothing else is said.
struct job {
    std::string id;       // a name of at most 128 bytes
    std::string queue;    // a name of at most 64 bytes
    std::string kind;     // a name, or empty; "shell" and "argv" are process_executor's
    std::string payload;  // opaque bytes; "shell": the command; "argv": the words, each ended by NUL

    timestamp run_at{};            // not claimable before; a retry moves it
    duration timeout{};            // of one run; 0 = none
    duration retention{};          // the record is kept this long once completed; 0 = removed at once
    double backoff_base = 0;       // seconds; 0 = the worker's own backoff decides
    std::int32_t max_retries = 3;  // runs after the first; max_attempts − 1
    std::uint32_t hold = hold_none;
    std::int8_t priority = 0;  // higher first
    uid nonce{};               // the enqueuer's: the same id and nonce again is the same insert

    std::string tag;                      // a name, or empty
    std::string key;                      // order and limits per key (≤ 255 bytes)
    std::string unique_key;               // at most one waiting job per key (≤ 255 bytes)
    std::string batch;                    // the batch it belongs to: a name, or empty
    std::string cwd;                      // process_executor: where to run it; empty = the worker's directory
    std::string env;                      // process_executor: NAME=VALUE, each ended by NUL
    std::vector<std::string> depends_on;  // ids
};

// How a run ended. The numbers are stored.
enum class run_status : std::uint8_t {
    succeeded = 0,
    failed = 1,     // the handler said so, or the exit code was not 0
    timed_out = 2,  // stopped at its timeout: a failure
    cancelled = 3,  // stopped on request
    crashed = 4,    // the worker died, or its lease ran out
};

// What a run wrote: stdout and stderr as one stream, in the order written; the middle of a long one is dropped.
struct run_output {
    std::string head;
    std::string tail;                 // what follows the gap; empty when nothing was dropped
    std::uint64_t dropped_bytes = 0;  // between head and tail
};

// One run of a job.
struct attempt {
    std::int32_t number = 0;  // 1, 2, …: its place among the job's runs, crashed ones included
    run_status status = run_status::failed;
    std::int32_t exit_code = -1;  // −1 = none (a handler, or a crash); 128 + n when signalled
    std::int32_t signal = 0;      // 0 = none
    timestamp started_at{};
    timestamp ended_at{};
    std::string error;               // why it failed, in words; empty on success
    std::string worker;              // who ran it
    run_output output;               // filled by `output()` only, not by `attempts()`
    std::uint64_t output_bytes = 0;  // in all, dropped ones included
};

// A job and all that is known of it.
struct job_record {
    queuectl::job job;
    queuectl::state state = state::pending;
    std::int32_t attempts = 0;  // runs that ended
    std::int32_t crashes = 0;   // runs cut off since the job was enqueued or revived
    timestamp created_at{};
    timestamp updated_at{};
    std::uint64_t sequence = 0;  // insertion order; breaks ties of run_at

    lease_token token{};            // the current lease; none unless processing
    lease_token settled_token{};    // the lease that settled it last
    bool cancel_requested = false;  // told to the holder by extend
    std::string locked_by;          // worker that holds the lease
    timestamp locked_at{};
    timestamp lease_until{};  // for people: the clock that counts is in the storage

    std::int32_t exit_code = -1;  // of the last run that ended
    std::int32_t signal = 0;
    std::string error;     // why the last run failed or was cut off; cleared by success
    std::string result;    // what a handler returned (≤ 64 KiB)
    std::string progress;  // what a handler last reported
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/lease.hpp
// The words of claim, extend and settle.
#ifndef QUEUECTL_LEASE_HPP
#define QUEUECTL_LEASE_HPP

#include <cstddef>
#include <span>

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

// ---- queuectl/error.hpp
// What can go wrong, as a value.
#ifndef QUEUECTL_ERROR_HPP
#define QUEUECTL_ERROR_HPP

namespace queuectl::inline v0 {

enum class errc : std::uint8_t {
    invalid_argument,  // a field is outside its limits; the text names the field and what is allowed
    unsupported,       // this storage, version or build lacks what was asked for
    exists,            // the id is taken
    not_found,         // no such job, key or store
    conflict,          // the thing is in a state that does not allow this, or a compare-and-set lost
    busy,              // contended beyond the deadline: try again
    store_full,        // disk, map or memory limit: nothing changed, try again when there is room
    unreachable,       // the store cannot be opened or reached
    corrupt,           // the store's bytes are damaged
    read_only,         // the store may be read but not written
    moved,             // the store was moved; the text is its new URL
    wrong_version,     // the store's format is newer than this program
    io,                // a system call failed; nothing changed
    permission,        // access denied, loose modes, or a link where none may be
    outcome_unknown,   // it may or may not have happened; repeating the same call is safe
    spawn_failed,      // no process or thread could be started: nothing ran, nothing is counted
    no_memory,         // an allocation failed; nothing changed
};

// The name of the enumerator, for logs.
[[nodiscard]] constexpr std::string_view name(errc code) noexcept
{
    constexpr std::string_view names[] = {
        "invalid_argument", "unsupported",  "exists",    "not_found", "conflict",      "busy", "store_full",
        "unreachable",      "corrupt",      "read_only", "moved",     "wrong_version", "io",   "permission",
        "outcome_unknown",  "spawn_failed", "no_memory"};
    return names[static_cast<std::size_t>(code)];
}

// One failure: what kind, in which operation, and the backend's own code and words.
struct error {
    errc code = errc::io;
    std::string operation;  // the verb that failed and on what: "insert", "open /var/q.db"
    std::string detail;     // the reason in the backend's words, one line
    int backend_code = 0;   // errno, SQLite's extended code, …; 0 when there is none

    // One line for people: "open /var/q.db: permission denied".
    [[nodiscard]] std::string message() const
    {
        if (operation.empty()) return detail;
        return detail.empty() ? operation : operation + ": " + detail;
    }
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/result.hpp
// result<T>: a value or a queuectl::error. A subset of std::expected's interface.
#ifndef QUEUECTL_RESULT_HPP
#define QUEUECTL_RESULT_HPP

#include <cstdlib>
#include <type_traits>
#include <utility>

#if QUEUECTL_HAS_EXCEPTIONS
#include <exception>
#endif

namespace queuectl::inline v0 {

// Wraps an error so that it converts to any result<T>: `return fail(errc::busy, "claim", "…")`.
struct failure_value {
    error value;
};

[[nodiscard]] inline failure_value fail(errc code, std::string operation, std::string detail = {}, int backend_code = 0)
{
    return {error{code, std::move(operation), std::move(detail), backend_code}};
}
[[nodiscard]] inline failure_value fail(error e) { return {std::move(e)}; }

#if QUEUECTL_HAS_EXCEPTIONS
// Thrown by result<T>::value() when there is none.
class bad_result_access : public std::exception {
public:
    explicit bad_result_access(queuectl::error e) : error_{std::move(e)}, text_{error_.message()} {}
    [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
    [[nodiscard]] const queuectl::error& error() const noexcept { return error_; }

private:
    queuectl::error error_;
    std::string text_;
};
#endif

namespace detail {
[[noreturn]] inline void bad_access([[maybe_unused]] const error& e)
{
#if QUEUECTL_HAS_EXCEPTIONS
    throw bad_result_access{e};
#else
    std::abort();
#endif
}
}  // namespace detail

// Either a T or an error. `*r` and `r->` require a value (asserted); value() throws bad_result_access, or
// ends the program where exceptions are off. Not thread-safe, like any value.
template <class T>
class [[nodiscard]] result {
public:
    using value_type = T;
    using error_type = queuectl::error;

    result(T value) : value_{std::move(value)} {}
    result(failure_value f) : error_{std::move(f.value)} {}

    [[nodiscard]] bool has_value() const noexcept { return value_.has_value(); }
    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }

    [[nodiscard]] T& operator*() & { return checked(); }
    [[nodiscard]] const T& operator*() const& { return const_cast<result*>(this)->checked(); }
    [[nodiscard]] T&& operator*() && { return std::move(checked()); }
    [[nodiscard]] T* operator->() { return &checked(); }
    [[nodiscard]] const T* operator->() const { return &**this; }

    [[nodiscard]] T& value() &
    {
        if (!value_) detail::bad_access(*error_);
        return *value_;
    }
    [[nodiscard]] const T& value() const& { return const_cast<result*>(this)->value(); }
    [[nodiscard]] T&& value() && { return std::move(value()); }

    template <class U>
    [[nodiscard]] T value_or(U&& fallback) const&
    {
        return value_ ? *value_ : static_cast<T>(std::forward<U>(fallback));
    }

    [[nodiscard]] const queuectl::error& error() const
    {
        QUEUECTL_ASSERT(error_.has_value());
        return *error_;
    }

private:
    T& checked()
    {
        QUEUECTL_ASSERT(value_.has_value());
        return *value_;
    }
    std::optional<T> value_;
    std::optional<queuectl::error> error_;
};

// Success, or an error.
template <>
class [[nodiscard]] result<void> {
public:
    using value_type = void;
    using error_type = queuectl::error;

    result() noexcept {}  // not "= default": `return {}` would zero the room of the error first
    result(failure_value f) : error_{std::move(f.value)} {}

    [[nodiscard]] bool has_value() const noexcept { return !error_.has_value(); }
    [[nodiscard]] explicit operator bool() const noexcept { return has_value(); }
    void operator*() const { QUEUECTL_ASSERT(has_value()); }
    void value() const
    {
        if (error_) detail::bad_access(*error_);
    }
    [[nodiscard]] const queuectl::error& error() const
    {
        QUEUECTL_ASSERT(error_.has_value());
        return *error_;
    }

private:
    std::optional<queuectl::error> error_;
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/executor.hpp
// The executor concept: what runs a claimed job.
#ifndef QUEUECTL_EXECUTOR_HPP
#define QUEUECTL_EXECUTOR_HPP

namespace queuectl::inline v0 {

// Why a run is being stopped.
enum class stop_reason : std::uint8_t {
    cancelled,   // a person asked: ends as run_status::cancelled
    timed_out,   // its timeout passed: ends as run_status::timed_out
    shutdown,    // the worker ends: the lease is released, nothing is counted
    lease_lost,  // another worker has the job: the result is thrown away
};

// How a run ended, as an executor tells it. With `released` the job did not run, or was stopped for shutdown:
// nothing is counted, nothing recorded but `report.error`.
struct outcome {
    bool released = false;
    attempt report{};                       // status, exit code, signal, times, error, output
    std::string result{};                   // of a handler (≤ 64 KiB)
    bool final_failure = false;             // a failure that no retry can mend: straight to the dead letter queue
    std::optional<duration> retry_after{};  // a failure that names its own delay
};

struct finished_run {
    lease_token token{};  // which lease
    outcome what{};
};

// Expression               Meaning
// e.capacity()             How many more jobs it can start right now.
// e.start(lease, now)      Starts it without waiting for it (inline_executor: runs it). Requires capacity() > 0.
//                          Exactly one finished_run follows for each success; an error (errc::spawn_failed) means that
//                          nothing ran and none follows. The lease stays where it is, unchanged, until its
//                          finished_run has been collected: an executor may keep a pointer to it.
// e.collect(out, max)      Appends finished runs; waits for the first until wake(), or until `max` has passed.
// e.stop(token, reason)    Asks a run to end; a no-op for an unknown token. It still reports.
// e.wake()                 Makes collect return; any thread, async-signal-safe, remembered when none waits.
//
// Called by one thread, the worker's loop, except wake().
template <class E>
concept executor = requires(E& e, const lease& l, const instant& now, std::vector<finished_run>& out, duration max,
                            lease_token token, stop_reason reason)
{
    {
        e.capacity()
        } -> std::convertible_to<std::size_t>;
    {
        e.start(l, now)
        } -> std::same_as<result<void>>;
    {e.collect(out, max)};
    {e.stop(token, reason)};
    {e.wake()};
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/context.hpp
// What a handler knows of its run beside the job.
#ifndef QUEUECTL_CONTEXT_HPP
#define QUEUECTL_CONTEXT_HPP

#include <atomic>

namespace queuectl::inline v0 {

// Whether and why a run is asked to end. Any thread may ask and look; the first reason stays.
class stop_flag {
public:
    void request(stop_reason why) noexcept
    {
        std::uint8_t none = 0;
        value_.compare_exchange_strong(none, static_cast<std::uint8_t>(static_cast<unsigned>(why) + 1));
    }
    [[nodiscard]] std::optional<stop_reason> reason() const noexcept
    {
        const std::uint8_t value = value_.load(std::memory_order_acquire);
        if (value == 0) return std::nullopt;
        return static_cast<stop_reason>(value - 1);
    }
    // For the next run; not while another thread uses it.
    void reset() noexcept { value_.store(0, std::memory_order_relaxed); }

private:
    std::atomic<std::uint8_t> value_{0};
};

// The monotonic clock that in-process executors measure runs with. Any callable with this signature can take
// its place; only differences of its readings are used.
struct steady_time {
    [[nodiscard]] duration operator()() const noexcept
    {
        return std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch());
    }
};

// Passed to a handler that takes one; valid during the call. All members may be called from any thread.
//
// A handler in this process cannot be killed. At the job's timeout, at a cancellation and when the worker shuts
// down, it is asked to end: stop_requested() turns true. One that ends after its timeout is reported as timed
// out whatever it returns. One that is asked to stop for another reason and succeeds all the same has succeeded.
class context {
public:
    // For executors: the run of `l`, begun when `clock` read `begun`. All references outlive the context.
    template <class Clock>
    context(const queuectl::lease& l, const stop_flag& stop, const Clock& clock, duration begun) noexcept
        : lease_{&l}, stop_{&stop}, clock_{&clock}, read_{&read<Clock>}, begun_{begun}
    {
    }

    // The job's lease: attempts and crashes before this run, and why the last one failed.
    [[nodiscard]] const queuectl::lease& lease() const noexcept { return *lease_; }
    // 1 for the first run.
    [[nodiscard]] std::int32_t run_number() const noexcept { return lease_->run_number(); }

    [[nodiscard]] bool stop_requested() const noexcept { return why_stop().has_value(); }
    [[nodiscard]] std::optional<stop_reason> why_stop() const noexcept
    {
        if (const auto why = stop_->reason()) return why;
        if (remaining() == duration{0}) return stop_reason::timed_out;
        return std::nullopt;
    }
    // Until the job's timeout, 0 when it has passed; nothing when it has none.
    [[nodiscard]] std::optional<duration> remaining() const noexcept
    {
        const duration timeout = lease_->job.timeout;
        if (timeout <= duration{0}) return std::nullopt;
        const duration elapsed = read_(clock_) - begun_;
        return elapsed >= timeout ? duration{0} : timeout - elapsed;
    }

private:
    template <class Clock>
    static duration read(const void* clock) noexcept
    {
        return (*static_cast<const Clock*>(clock))();
    }

    const queuectl::lease* lease_;
    const stop_flag* stop_;
    const void* clock_;
    duration (*read_)(const void*) noexcept;
    duration begun_;
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/detail/event.hpp
// A flag that a thread can wait for.
#ifndef QUEUECTL_DETAIL_EVENT_HPP
#define QUEUECTL_DETAIL_EVENT_HPP

// Which implementation: 1 a POSIX semaphore, 2 a condition variable, 0 none.
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 30)
#define QUEUECTL_DETAIL_EVENT 1
#include <cerrno>
#include <ctime>
#include <semaphore.h>
#elif QUEUECTL_HAS_THREADS
#define QUEUECTL_DETAIL_EVENT 2
#include <condition_variable>
#include <mutex>
#else
#define QUEUECTL_DETAIL_EVENT 0
#endif

namespace queuectl::inline v0::detail {

// set() from any thread; with glibc also from a signal handler. wait_for() from one thread; it returns at once
// when the event is set, and clears it. What was written before set() is seen after a wait that it ended.
// Without threads and without glibc nothing can set it during a wait, and waits return at once. Moved from and to only
// while no other thread knows it; a moved event is not set.
class event {
public:
    event() = default;
    event(event&&) noexcept {}
    event& operator=(event&&) noexcept
    {
        clear();
        return *this;
    }

    void set() noexcept
    {
        if (!set_.exchange(true, std::memory_order_acq_rel)) signal();
    }
    void clear() noexcept { static_cast<void>(wait_for(duration{0})); }

    // Whether it was set.
    bool wait_for(duration max) noexcept
    {
        if (!await(max)) return false;
        return set_.exchange(false, std::memory_order_acq_rel);
    }

private:
    std::atomic<bool> set_{false};

#if QUEUECTL_DETAIL_EVENT == 0
    void signal() noexcept {}
    bool await(duration) noexcept { return set_.load(std::memory_order_relaxed); }
#elif QUEUECTL_DETAIL_EVENT == 1
    // One token exactly while set_: set() posts it on the way up, the waiter takes it before going down.
    struct semaphore {
        sem_t handle;
        semaphore() noexcept { sem_init(&handle, 0, 0); }
        ~semaphore() { sem_destroy(&handle); }
        semaphore(const semaphore&) = delete;
        semaphore& operator=(const semaphore&) = delete;
    } tokens_;

    void signal() noexcept { sem_post(&tokens_.handle); }
    bool await(duration max) noexcept
    {
        if (sem_trywait(&tokens_.handle) == 0) return true;
        if (max <= duration{0}) return false;
        timespec until{};
        clock_gettime(CLOCK_MONOTONIC, &until);
        const auto at = queuectl::saturate(max) + std::chrono::seconds{until.tv_sec} +
                        std::chrono::microseconds{until.tv_nsec / 1000 + 1};
        until.tv_sec = static_cast<std::time_t>(at.count() / 1'000'000);
        until.tv_nsec = static_cast<long>(at.count() % 1'000'000 * 1000);
        int failed = 0;
        while ((failed = sem_clockwait(&tokens_.handle, CLOCK_MONOTONIC, &until)) != 0 && errno == EINTR) {}
        return failed == 0;
    }
#else
    std::mutex mutex_{};
    std::condition_variable ready_{};

    void signal() noexcept
    {
        const std::lock_guard lock{mutex_};
        ready_.notify_one();
    }
    bool await(duration max) noexcept
    {
        std::unique_lock lock{mutex_};
        constexpr duration longest = std::chrono::hours{24};
        return ready_.wait_for(lock, max < longest ? max : longest, [this] { return set_.load(); });
    }
#endif
};

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/storage.hpp
// The storage concept: where jobs live. The contract that no signature can state is the conformance suite
// in queuectl/testing.
#ifndef QUEUECTL_STORAGE_HPP
#define QUEUECTL_STORAGE_HPP

namespace queuectl::inline v0 {

// A storage knows bytes, order, leases and holds, and nothing else: no clock (time is an argument), no
// randomness (nonces are arguments), no retry limit, no backoff, no handler.
//
// Expression                                Meaning
// s.insert(jobs, statuses, now)             Adds the jobs, all or none; statuses[i] tells of jobs[i]. Waiting from
//                                           max(run_at, …) on: due exactly at run_at. created_at = now.wall.
// s.claim(request, leases, now)             Returns up to limits::reap expired leases of any queue to pending
//                                           (crashes + 1, an attempt record "crashed"), then leases up to
//                                           request.max due jobs and appends them to `leases`. Order: priority
//                                           descending, run_at, insertion, across all queues of the request.
// s.extend(receipts, duration, statuses, now)  Heartbeat: each current lease now ends `duration` from now.
// s.settle(settlements, statuses, now)      Applies each verdict whose token is current. A token that settled
//                                           the job last is `applied` again and changes nothing.
//
// Every call is atomic: what it reports is there after it, as durable as the storage declares; an error means
// that nothing changed, or it is errc::outcome_unknown and the same call may be repeated. A span holds at most
// storage_traits<S>::max_batch elements, and `statuses` is as long as the span it tells of. Within one call an
// id occurs once in settlements and receipts; jobs may repeat an id (the second is a duplicate).
template <class S>
concept storage = requires(S& s, std::span<const job> jobs, std::span<insert_status> inserted,
                           const claim_request& request, std::vector<lease>& leases, std::span<const receipt> receipts,
                           std::span<extend_status> extended, std::span<const settlement> settlements,
                           std::span<settle_status> settled, duration d, const instant& now)
{
    {
        s.insert(jobs, inserted, now)
        } -> std::same_as<result<void>>;
    {
        s.claim(request, leases, now)
        } -> std::same_as<result<claim_info>>;
    {
        s.extend(receipts, d, extended, now)
        } -> std::same_as<result<void>>;
    {
        s.settle(settlements, settled, now)
        } -> std::same_as<result<void>>;
};

// Optional: settle and claim as one atomic step, one sync. Otherwise two steps are taken.
template <class S>
concept fused_storage = storage<S> &&
    requires(S& s, std::span<const settlement> settlements, std::span<settle_status> settled,
             const claim_request& request, std::vector<lease>& leases, const instant& now)
{
    {
        s.settle_and_claim(settlements, settled, request, leases, now)
        } -> std::same_as<result<claim_info>>;
};

// What survives what, as a storage declares it.
enum class durability : std::uint8_t {
    process,   // nothing survives the process
    none,      // survives the process, not power loss
    interval,  // power loss may take the last moments
    full,      // what a call acknowledged survives power loss
};
[[nodiscard]] constexpr std::string_view name(durability d) noexcept
{
    constexpr std::string_view names[] = {"process", "none", "interval", "full"};
    return names[static_cast<std::size_t>(d)];
}

// What a storage declares of itself: specialise, or give the class static members of these names.
template <class S>
struct storage_traits {
    // The most elements of one span of a verb. The queue splits what is longer.
    static constexpr std::size_t max_batch = [] {
        if constexpr (requires { S::max_batch; })
            return std::size_t{S::max_batch};
        else
            return std::size_t{1000};
    }();
    // One thread at a time may use an object: the worker then heartbeats from its own loop.
    static constexpr bool single_thread = [] {
        if constexpr (requires { S::single_thread; })
            return bool{S::single_thread};
        else
            return false;
    }();
    // How long completed jobs are kept when the job does not say.
    static constexpr duration default_retention = [] {
        if constexpr (requires { S::default_retention; })
            return duration{S::default_retention};
        else
            return duration{std::chrono::hours{24 * 30}};
    }();
};

// settle, then claim: in one step where the storage can. After an error neither `statuses` nor `leases` tells
// anything; repeat both (each is idempotent by its tokens and its nonce).
template <storage S>
[[nodiscard]] result<claim_info> settle_and_claim(S& s, std::span<const settlement> settlements,
                                                  std::span<settle_status> statuses, const claim_request& request,
                                                  std::vector<lease>& leases, const instant& now)
{
    if constexpr (fused_storage<S>) {
        return s.settle_and_claim(settlements, statuses, request, leases, now);
    } else {
        if (!settlements.empty())
            if (auto settled = s.settle(settlements, statuses, now); !settled) return fail(settled.error());
        return s.claim(request, leases, now);
    }
}

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/facets.hpp
// What a storage may offer beside its four verbs. Each facet is optional; what needs a missing one does not
// compile, with the name of the facet in the message.
#ifndef QUEUECTL_FACETS_HPP
#define QUEUECTL_FACETS_HPP

#include <array>

namespace queuectl::inline v0 {

// Which jobs. Unset members match everything.
struct job_filter {
    std::optional<queuectl::state> state{};
    std::string queue{};
    std::string kind{};
    std::string tag{};
    timestamp updated_before = timestamp_max;  // strictly
};

// Jobs in insertion order; pass `next` back as `after` to go on. 0 starts and, as `next`, ends.
struct page_request {
    std::uint64_t after = 0;
    std::size_t limit = 100;  // ≤ limits::sweep
};

struct queue_counts {
    std::string queue;
    std::array<std::uint64_t, state_count> by_state{};
    [[nodiscard]] std::uint64_t operator[](queuectl::state s) const { return by_state[static_cast<std::size_t>(s)]; }
};

enum class change_status : std::uint8_t {
    done,
    requested,  // cancel of a running job: its worker is told
    not_found,
    conflict,  // the job's state does not allow it
};

// The header of a store.
struct store_info {
    std::uint32_t format = 0;      // version of its layout
    std::uint32_t min_reader = 0;  // the oldest format version that a program must know to read it
    std::uint32_t min_writer = 0;
    uid id{};
    std::string location;  // for people: a path or URL, without a password
    std::string moved_to;  // where it was moved; empty = it was not
    bool read_only = false;
    queuectl::durability durability = durability::full;
};

// Expression                          Meaning
// s.info()                            The header.
// s.find(id)                          The record, or nothing.
// s.list(filter, page, out)           Appends up to page.limit records in insertion order; returns the next cursor.
//                                     It may end early with a cursor: only 0 is the end.
// s.attempts(id, out)                 Appends the runs of a job, oldest first, without their output.
// s.output(id, number)                What run `number` wrote; not_found when it is not kept.
// s.counts(out)                       Appends the counts of every queue that ever held a job. O(queues).
// s.revive(ids, statuses, now)        dead, cancelled, failed or completed → pending, due now, attempts and crashes 0,
//                                     everything else kept, at the end of its priority's line. Processing, pending:
//                                     conflict.
// s.cancel(ids, statuses, now)        Waiting → cancelled (done); processing → requested; final → conflict.
// s.remove(ids, statuses)             Forgets jobs, with attempts and output. Processing: conflict.
// s.purge(filter, limit)              Removes up to `limit` final jobs; returns how many. 0 = none is left.
// s.reprioritise(id, priority)        Of a waiting job, in its place by time.
// s.free_worker(worker, cause, now)   Ends up to limits::sweep leases of a worker known to be dead: → pending,
//                                     crashes + 1, error = cause, an attempt record "crashed". Returns how many.
//
// The same atomicity as the four verbs.
template <class S>
concept inspectable_storage = storage<S> &&
    requires(S& s, const job_filter& filter, const page_request& page, std::string_view id,
             std::span<const std::string> ids, std::span<change_status> statuses, std::vector<job_record>& records,
             std::vector<attempt>& attempts, std::vector<queue_counts>& counts, std::int32_t number, std::size_t limit,
             int priority, const instant& now)
{
    {
        s.info()
        } -> std::same_as<result<store_info>>;
    {
        s.find(id)
        } -> std::same_as<result<std::optional<job_record>>>;
    {
        s.list(filter, page, records)
        } -> std::same_as<result<std::uint64_t>>;
    {
        s.attempts(id, attempts)
        } -> std::same_as<result<void>>;
    {
        s.output(id, number)
        } -> std::same_as<result<run_output>>;
    {
        s.counts(counts)
        } -> std::same_as<result<void>>;
    {
        s.revive(ids, statuses, now)
        } -> std::same_as<result<void>>;
    {
        s.cancel(ids, statuses, now)
        } -> std::same_as<result<void>>;
    {
        s.remove(ids, statuses)
        } -> std::same_as<result<void>>;
    {
        s.purge(filter, limit)
        } -> std::same_as<result<std::size_t>>;
    {
        s.reprioritise(id, priority, now)
        } -> std::same_as<result<change_status>>;
    {
        s.free_worker(id, id, now)
        } -> std::same_as<result<std::size_t>>;
};

// A small keyed value: a setting, a worker's registration, a schedule. `version` is 0 when there is none and
// changes with every write.
struct config_entry {
    std::string key;    // ≤ 255 bytes
    std::string value;  // ≤ 64 KiB
    std::uint64_t version = 0;
    timestamp expires_at = timestamp_max;
};

// Expression                            Meaning
// s.config_get(key, now)                The entry unless it has expired.
// s.config_put(entry, now)              Writes it if entry.version is the stored one (0 = there is none; any_version =
//                                       whatever there is); the new version, or errc::conflict.
// s.config_erase(key)                   Whether there was one.
// s.config_list(prefix, out, now)       Appends the entries whose key begins with prefix, by key.
inline constexpr std::uint64_t any_version = ~std::uint64_t{0};
template <class S>
concept configurable_storage = storage<S> &&
    requires(S& s, std::string_view key, const config_entry& entry, std::vector<config_entry>& out, const instant& now)
{
    {
        s.config_get(key, now)
        } -> std::same_as<result<std::optional<config_entry>>>;
    {
        s.config_put(entry, now)
        } -> std::same_as<result<std::uint64_t>>;
    {
        s.config_erase(key)
        } -> std::same_as<result<bool>>;
    {
        s.config_list(key, out, now)
        } -> std::same_as<result<void>>;
};

// Two counters that only grow (and wrap): `work` when a job may have become claimable or a setting changed,
// `control` when a running job's cancellation was asked for.
struct change_counts {
    std::uint32_t work = 0;
    std::uint32_t control = 0;
    friend bool operator==(const change_counts&, const change_counts&) = default;
};

// Expression                     Meaning
// s.changes()                    The counters now. Cheap; any thread.
// s.wait_for_change(seen, max)   Blocks until changes() != seen, interrupt_waits() or `max` has passed; returns
//                                changes(). Changes by other processes count. May return early.
// s.interrupt_waits()            Makes every current wait of this object return. Async-signal-unsafe.
template <class S>
concept notifying_storage = storage<S> && requires(S& s, change_counts seen, duration max)
{
    {
        s.changes()
        } -> std::same_as<change_counts>;
    {
        s.wait_for_change(seen, max)
        } -> std::same_as<change_counts>;
    {s.interrupt_waits()};
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/options.hpp
// The settings of a queue and of its worker.
#ifndef QUEUECTL_OPTIONS_HPP
#define QUEUECTL_OPTIONS_HPP

namespace queuectl::inline v0 {

struct queue_options {
    // For jobs that do not say; resolved at enqueue.
    std::string default_queue = "default";
    std::int32_t max_retries = 3;
    duration timeout{};                   // 0 = none
    double backoff_base = 0;              // 0 = the queue's Backoff decides when the job fails
    std::optional<duration> retention{};  // of completed jobs; unset = storage_traits::default_retention

    // For the worker.
    std::vector<std::string> queues{};          // empty = all
    std::vector<std::string> kinds{};           // empty = all
    std::string worker = "worker";              // its name in leases and attempt records
    duration lease = std::chrono::seconds{30};  // extended every third of it
    std::int32_t max_crashes = 3;               // a job cut off this often is dead-lettered
    std::size_t batch = 1000;                   // the most jobs claimed in one step
    duration check = std::chrono::seconds{5};   // look for work this often even when nothing tells of any
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/run_table.hpp
// The leases in a worker's hands.
#ifndef QUEUECTL_RUN_TABLE_HPP
#define QUEUECTL_RUN_TABLE_HPP

#include <algorithm>
#include <memory>

namespace queuectl::inline v0 {

struct run_slot {
    lease held{};
    bool started = false;
    bool lost = false;  // the lease: the result will be thrown away
};

// Slots at stable addresses, reused without allocation; those that run are found by token, at O(1) when they
// finish in the order in which they started.
class run_table {
public:
    // A slot for this lease, not yet active.
    [[nodiscard]] run_slot* hold(lease&& l)
    {
        if (free_.empty()) {
            slots_.push_back(std::make_unique<run_slot>());
            free_.push_back(slots_.back().get());
        }
        run_slot* r = free_.back();
        free_.pop_back();
        r->held = std::move(l);
        r->started = r->lost = false;
        return r;
    }
    void activate(run_slot* r) { active_.push_back(r); }
    void recycle(run_slot* r) { free_.push_back(r); }

    [[nodiscard]] bool empty() const noexcept { return active_.size() == done_; }

    // The active slot of that token, or nullptr.
    [[nodiscard]] run_slot* find(const lease_token& token) const
    {
        const auto found = locate(token);
        return found == active_.end() ? nullptr : *found;
    }
    // The same, and it is active no longer.
    [[nodiscard]] run_slot* finish(const lease_token& token)
    {
        const auto found = locate(token);
        if (found == active_.end()) return nullptr;
        run_slot* r = *found;
        const auto index = static_cast<std::size_t>(found - active_.begin());
        active_[index] = std::exchange(active_[done_], nullptr);
        if (++done_ == active_.size()) {
            active_.clear();
            done_ = 0;
        } else if (done_ > 64 && done_ * 2 > active_.size()) {
            active_.erase(active_.begin(), active_.begin() + static_cast<std::ptrdiff_t>(done_));
            done_ = 0;
        }
        return r;
    }

    template <class F>
    void for_each(F&& f) const
    {
        for (std::size_t i = done_; i < active_.size(); ++i) f(*active_[i]);
    }

private:
    using slots = std::vector<run_slot*>;
    [[nodiscard]] slots::const_iterator locate(const lease_token& token) const
    {
        return std::find_if(active_.begin() + static_cast<std::ptrdiff_t>(done_), active_.end(),
                            [&](const run_slot* r) { return r->held.token == token; });
    }

    std::vector<std::unique_ptr<run_slot>> slots_;
    slots free_;
    slots active_;  // the first done_ are null
    std::size_t done_ = 0;
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/detail/exchange.hpp
// The worker's dialogue with its storage: what ended is settled, in one step with the next claim.
#ifndef QUEUECTL_DETAIL_EXCHANGE_HPP
#define QUEUECTL_DETAIL_EXCHANGE_HPP

namespace queuectl::inline v0::detail {

// Settlements stay until the storage has acknowledged them; a claim whose outcome is unknown is repeated
// with its nonce until it is known. So any step may fail, and be taken again.
template <class Storage>
class exchange {
public:
    exchange(Storage& s, const queue_options& options) : storage_{s}, options_{options} {}

    // Settles the slot's lease in the next step.
    void settle(run_slot* r, settlement&& s)
    {
        settling_.push_back(std::move(s));
        slots_.push_back(r);
    }
    [[nodiscard]] bool settling() const noexcept { return !settling_.empty(); }
    [[nodiscard]] std::span<const settlement> settlements() const noexcept { return settling_; }

    // A claim may have happened whose leases are not known yet.
    [[nodiscard]] bool repeating() const noexcept { return repeat_; }

    // There may be work that the last claim did not find.
    void expect_more() noexcept { more_ = true; }
    [[nodiscard]] bool worth_claiming(const instant& now) const
    {
        return more_ || repeat_ || now.wall >= next_at_ || now.boot >= next_check_;
    }
    // Until worth_claiming() turns true by itself.
    [[nodiscard]] duration idle_time(const instant& now) const
    {
        if (worth_claiming(now)) return duration{};
        return std::min(next_at_ - now.wall, next_check_ - now.boot);
    }
    // Whether a claim right now would find nothing, as far as this worker knows.
    [[nodiscard]] bool nothing_due(const instant& now) const { return !more_ && !repeat_ && now.wall < next_at_; }
    [[nodiscard]] bool nothing_waits() const { return next_at_ == timestamp_max; }

    // Settles all, and claims up to `want` jobs (0 = none) with `nonce`, or repeats the claim in doubt. On
    // success settled() and leases() tell what happened; on an error nothing has been told to anybody.
    [[nodiscard]] result<void> step(std::size_t want, uid nonce, const instant& now)
    {
        statuses_.assign(settling_.size(), settle_status::applied);
        leases_.clear();
        return want == 0 && !repeat_ ? settle_all(now) : claim(want, nonce, now);
    }

    // f(slot, settlement, status) for each settlement of the last step; then they are forgotten.
    template <class F>
    void take_settled(F&& f)
    {
        for (std::size_t i = 0; i < settling_.size(); ++i) f(*slots_[i], settling_[i], statuses_[i]);
        settling_.clear();
        slots_.clear();
    }
    // What the last step claimed; the worker moves them out.
    [[nodiscard]] std::vector<lease>& leases() noexcept { return leases_; }

private:
    static constexpr std::size_t batch = storage_traits<Storage>::max_batch;

    result<void> settle_all(const instant& now)
    {
        const std::span<const settlement> all{settling_};
        const std::span<settle_status> statuses{statuses_};
        for (std::size_t i = 0; i < all.size(); i += batch) {
            const std::size_t n = std::min(batch, all.size() - i);
            if (auto settled = storage_.settle(all.subspan(i, n), statuses.subspan(i, n), now); !settled)
                return settled;
        }
        return {};
    }

    result<void> claim(std::size_t want, uid nonce, const instant& now)
    {
        if (!repeat_) {
            nonce_ = nonce;
            want_ = want;
        }
        const claim_request request{want_,           options_.queues, options_.kinds, options_.lease,
                                    options_.worker, nonce_,          repeat_};
        auto claimed = settling_.size() <= batch
                           ? settle_and_claim(storage_, settling_, statuses_, request, leases_, now)
                           : settle_then_claim(request, now);
        if (!claimed) {
            leases_.clear();
            repeat_ = repeat_ || claimed.error().code == errc::outcome_unknown;
            return fail(claimed.error());
        }
        repeat_ = false;
        more_ = leases_.size() >= want_;
        next_at_ = claimed->next_at;
        next_check_ = add(now.boot, options_.check);
        return {};
    }
    result<claim_info> settle_then_claim(const claim_request& request, const instant& now)
    {
        if (auto settled = settle_all(now); !settled) return fail(settled.error());
        return storage_.claim(request, leases_, now);
    }

    Storage& storage_;
    const queue_options& options_;
    std::vector<settlement> settling_;
    std::vector<run_slot*> slots_;  // of the same indices
    std::vector<settle_status> statuses_;
    std::vector<lease> leases_;
    uid nonce_{};
    std::size_t want_ = 0;
    bool repeat_ = false;
    bool more_ = true;
    timestamp next_at_ = timestamp_max;
    duration next_check_{};
};

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/detail/memory_lock.hpp
// One lock for short critical sections, and the change counters that waiters sleep on.
#ifndef QUEUECTL_DETAIL_MEMORY_LOCK_HPP
#define QUEUECTL_DETAIL_MEMORY_LOCK_HPP

#if QUEUECTL_HAS_THREADS
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#endif

namespace queuectl::inline v0::detail {

#if QUEUECTL_HAS_THREADS

// Free: one atomic exchange. Contended: spins, yields, then sleeps, so that a holder that was preempted runs. Unfair.
class memory_lock {
public:
    void lock() noexcept
    {
        if (held_.exchange(true, std::memory_order_acquire)) wait();
    }
    void unlock() noexcept { held_.store(false, std::memory_order_release); }

private:
    // Looks again after 1, 2, 4, … 64 pauses: meanwhile the holder may come back a few times, its data at hand, which
    // costs less than to pass everything to and fro with each call.
    void wait() noexcept
    {
        for (int turn = 0, pauses = 1;; ++turn) {
            if (turn < 32)
                for (int i = 0; i < pauses; ++i) pause();
            else if (turn < 160)
                std::this_thread::yield();
            else
                std::this_thread::sleep_for(std::chrono::microseconds{50});
            pauses = std::min(2 * pauses, 64);
            if (!held_.load(std::memory_order_relaxed) && !held_.exchange(true, std::memory_order_acquire)) return;
        }
    }
    static void pause() noexcept
    {
#if defined(__x86_64__) && defined(__GNUC__)
        __builtin_ia32_pause();
#endif
    }
    std::atomic<bool> held_{false};
};

// change_counts and those who wait for them. touch_…, announce and withdraw: under the storage's lock, so that who
// touches either was seen by a waiter that announced itself later, or sees that waiter.
class memory_changes {
public:
    void touch_work() noexcept { touch(work_); }
    void touch_control() noexcept { touch(control_); }
    void announce() noexcept { ++waiters_; }
    void withdraw() noexcept { --waiters_; }

    [[nodiscard]] change_counts now() const noexcept
    {
        return {work_.load(std::memory_order_acquire), control_.load(std::memory_order_acquire)};
    }
    // Between announce and withdraw, without the storage's lock.
    void wait(change_counts seen, duration max)
    {
        std::unique_lock guard{mutex_};
        const std::uint32_t interrupts = interrupts_;
        wake_.wait_for(guard, std::clamp(max, duration::zero(), longest),
                       [&] { return now() != seen || interrupts_ != interrupts; });
    }
    void interrupt()
    {
        const std::scoped_lock guard{mutex_};
        ++interrupts_;
        wake_.notify_all();
    }

private:
    // Longer waits return early.
    static constexpr duration longest = std::chrono::hours{24};

    void touch(std::atomic<std::uint32_t>& counter) noexcept
    {
        counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_release);
        if (waiters_ == 0) return;
        const std::scoped_lock guard{mutex_};
        wake_.notify_all();
    }

    std::atomic<std::uint32_t> work_{0};
    std::atomic<std::uint32_t> control_{0};
    std::uint32_t waiters_ = 0;
    std::uint32_t interrupts_ = 0;
    std::mutex mutex_;
    std::condition_variable wake_;
};

#else

class memory_lock {
public:
    void lock() noexcept {}
    void unlock() noexcept {}
};
class memory_changes {
public:
    void touch_work() noexcept {}
    void touch_control() noexcept {}
};

#endif

// Another number at each call in this process, from 1.
[[nodiscard]] inline std::uint64_t memory_serial() noexcept
{
#if QUEUECTL_HAS_THREADS
    static std::atomic<std::uint64_t> last{0};
#else
    static std::uint64_t last = 0;
#endif
    return ++last;
}

class memory_guard {
public:
    explicit memory_guard(memory_lock& lock) noexcept : lock_{lock} { lock_.lock(); }
    memory_guard(const memory_guard&) = delete;
    memory_guard& operator=(const memory_guard&) = delete;
    ~memory_guard() { lock_.unlock(); }

private:
    memory_lock& lock_;
};

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/detail/memory_text.hpp
// Short texts without calls: ids, names and small payloads are copied and compared many millions of times a second.
#ifndef QUEUECTL_DETAIL_MEMORY_TEXT_HPP
#define QUEUECTL_DETAIL_MEMORY_TEXT_HPP

#include <cstring>
#include <new>

// For the few functions of each job's cycle, where a call costs more than what it does.
#if defined(__GNUC__) && defined(__OPTIMIZE__) && !defined(__OPTIMIZE_SIZE__)
#define QUEUECTL_MEMORY_INLINE [[gnu::always_inline]]
#define QUEUECTL_MEMORY_FLATTEN [[gnu::flatten]]
#define QUEUECTL_MEMORY_APART [[gnu::noinline]]
#else
#define QUEUECTL_MEMORY_INLINE
#define QUEUECTL_MEMORY_FLATTEN
#define QUEUECTL_MEMORY_APART
#endif

namespace queuectl::inline v0::detail {

// a == b.
[[nodiscard]] QUEUECTL_MEMORY_INLINE inline bool memory_equal(std::string_view a, std::string_view b) noexcept
{
    const std::size_t n = a.size();
    if (n != b.size()) return false;
    const char* p = a.data();
    const char* q = b.data();
    const auto differ = [&]<class Word>(Word, std::size_t at) {
        Word x;
        Word y;
        std::memcpy(&x, p + at, sizeof x);
        std::memcpy(&y, q + at, sizeof y);
        return x != y;
    };
    if (n > 32) return std::memcmp(p, q, n) == 0;
    if (n >= 8) {
        for (std::size_t at = 0; at + 8 < n; at += 8)
            if (differ(std::uint64_t{}, at)) return false;
        return !differ(std::uint64_t{}, n - 8);
    }
    if (n >= 4) return !differ(std::uint32_t{}, 0) && !differ(std::uint32_t{}, n - 4);
    for (std::size_t at = 0; at < n; ++at)
        if (p[at] != q[at]) return false;
    return true;
}

// Bytes, up to 15 of them in place. Keeps the memory of a longer text for the next one. 15 bytes can be read wherever
// a short text is, which makes a copy two fixed moves.
class memory_text {
public:
    [[nodiscard]] std::string_view view() const noexcept
    {
        return {size_ <= short_bytes ? short_ : long_.get(), size_};
    }
    operator std::string_view() const noexcept { return view(); }

    QUEUECTL_MEMORY_INLINE void assign(std::string_view text)
    {
        const std::size_t n = text.size();
        if (n > short_bytes) return assign_long(text);
        const auto move = [&]<class Word>(Word w, std::size_t at) {
            std::memcpy(&w, text.data() + at, sizeof w);
            std::memcpy(short_ + at, &w, sizeof w);
        };
        if (n >= 8) {
            move(std::uint64_t{}, 0);
            move(std::uint64_t{}, n - 8);
        } else if (n >= 4) {
            move(std::uint32_t{}, 0);
            move(std::uint32_t{}, n - 4);
        } else {
            for (std::size_t i = 0; i < n; ++i) short_[i] = text[i];
        }
        size_ = static_cast<std::uint32_t>(n);
    }

    // Gives memory over `bytes_max` back; the text is empty then.
    void shrink(std::size_t bytes_max) noexcept
    {
        if (capacity_ <= bytes_max) return;
        long_.reset();
        capacity_ = size_ = 0;
    }

    [[nodiscard]] QUEUECTL_MEMORY_INLINE std::string string() const
    {
        return size_ <= short_bytes ? short_string() : std::string(long_.get(), size_);
    }

private:
    static constexpr std::size_t short_bytes = 15;

    // Of a fixed size first: two moves, no call.
    QUEUECTL_MEMORY_FLATTEN std::string short_string() const
    {
        std::string text(short_, short_bytes);
        text.resize(size_);
        return text;
    }
    QUEUECTL_MEMORY_APART void assign_long(std::string_view text)
    {
        if (text.size() > capacity_) {
            long_ = std::make_unique<char[]>(text.size());
            capacity_ = static_cast<std::uint32_t>(text.size());
        }
        std::memcpy(long_.get(), text.data(), text.size());
        size_ = static_cast<std::uint32_t>(text.size());
    }

    char short_[short_bytes + 1] = {};
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 0;
    std::unique_ptr<char[]> long_;
};

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/detail/memory_slot.hpp
// A job as memory_storage keeps it: what every cycle touches in the slot, the rest in blocks made when needed.
#ifndef QUEUECTL_DETAIL_MEMORY_SLOT_HPP
#define QUEUECTL_DETAIL_MEMORY_SLOT_HPP

#include <bit>

namespace queuectl::inline v0::detail {

class memory_line;
struct memory_lane;
struct memory_page;

// The fields of a job that most jobs leave empty.
struct memory_extra {
    std::string tag, key, unique_key, batch, cwd, env;
    std::vector<std::string> depends_on;
};

// What the runs of a job left behind.
struct memory_history {
    lease_token settled_token{};
    std::int32_t exit_code = -1;
    std::int32_t signal = 0;
    std::string error, result, progress;
    std::vector<attempt> attempts;  // oldest first, at most limits::attempts_kept
};

// Place in an order: by time, then insertion.
struct memory_key {
    std::int64_t time = 0;
    std::uint64_t sequence = 0;
    friend bool operator<(const memory_key& a, const memory_key& b) noexcept
    {
        return a.time != b.time ? a.time < b.time : a.sequence < b.sequence;
    }
};

inline constexpr std::uint32_t memory_nowhere = ~std::uint32_t{0};

// Slots never move; `index` names one for its life. A free slot keeps its strings' and blocks' memory for the next job.
struct memory_slot {
    memory_text id;
    memory_text payload;

    std::uint64_t sequence = 0;
    std::int64_t key_time =
        0;  // of its place in `line`: run_at waiting, end of lease (boot) processing, updated_at final
    memory_line* line = nullptr;  // the order it stands in; none when held
    memory_slot* previous = nullptr;
    memory_slot* next = nullptr;  // in `line`'s list; of a free slot, the next free one
    memory_lane* lane = nullptr;
    std::uint32_t heap_place = memory_nowhere;  // in `line`'s heap, when it is not in its list
    std::uint32_t hash = 0;
    std::uint32_t index = 0;
    queuectl::state state = state::pending;
    bool was_failed = false;  // the state that a release restores
    bool cancel_requested = false;
    bool has_extra = false;
    bool has_history = false;
    std::int8_t priority = 0;

    timestamp run_at{};
    duration timeout{};
    duration retention{};
    double backoff_base = 0;
    std::int32_t max_retries = 0;
    std::uint32_t hold = hold_none;
    std::int32_t attempts = 0;
    std::int32_t crashes = 0;
    uid nonce{};
    lease_token token{};
    std::uint32_t insert_call = 0;  // the last insert call that named it with its nonce
    timestamp created_at{};
    timestamp updated_at{};
    timestamp locked_at{};
    timestamp lease_until{};
    memory_page* page = nullptr;

    std::unique_ptr<memory_extra> extra;
    std::unique_ptr<memory_history> history;

    [[nodiscard]] memory_key key() const noexcept { return {key_time, sequence}; }
};

// Slots in blocks of 64, 64, 128, 256, …: addresses are stable, growth copies nothing, memory is given back at the end.
class memory_slab {
public:
    memory_slab() = default;
    memory_slab(const memory_slab&) = delete;
    memory_slab& operator=(const memory_slab&) = delete;
    ~memory_slab()
    {
        for (std::uint32_t i = 0; i < used_; ++i) (*this)[i].~memory_slot();
        for (std::size_t b = 0; b < block_count; ++b)
            if (blocks_[b]) std::allocator<memory_slot>{}.deallocate(blocks_[b], block_size(b));
    }

    [[nodiscard]] memory_slot& operator[](std::uint32_t index) const noexcept
    {
        const std::size_t b = block_of(index);
        return blocks_[b][b == 0 ? index : index - block_size(b)];
    }

    // A free slot, its strings of unspecified content.
    [[nodiscard]] QUEUECTL_MEMORY_INLINE memory_slot& take()
    {
        if (!free_) return new_slot();
        memory_slot& slot = *free_;
        free_ = slot.next;
        return slot;
    }

    QUEUECTL_MEMORY_INLINE void give_back(memory_slot& slot) noexcept
    {
        slot.payload.shrink(kept_bytes);
        if (slot.has_extra) slot.extra.reset();
        if (slot.has_history) forget(*slot.history);
        slot.has_extra = slot.has_history = false;
        slot.state = state::pending;
        slot.line = nullptr;
        slot.next = free_;
        free_ = &slot;
    }

private:
    static constexpr std::size_t block_count = 27;
    static constexpr std::size_t kept_bytes = 1024;
    [[nodiscard]] static constexpr std::size_t block_size(std::size_t b) noexcept
    {
        return std::size_t{64} << (b == 0 ? 0 : b - 1);
    }
    [[nodiscard]] static constexpr std::size_t block_of(std::uint32_t index) noexcept
    {
        return static_cast<std::size_t>(std::bit_width(index >> 6));
    }
    QUEUECTL_MEMORY_APART memory_slot& new_slot()
    {
        const std::size_t b = block_of(used_);
        if (!blocks_[b]) blocks_[b] = std::allocator<memory_slot>{}.allocate(block_size(b));
        auto* slot = ::new (static_cast<void*>(&(*this)[used_])) memory_slot;
        slot->index = used_++;
        return *slot;
    }
    QUEUECTL_MEMORY_APART static void forget(memory_history& history) noexcept
    {
        history.settled_token = {};
        history.exit_code = -1;
        history.signal = 0;
        history.attempts.clear();
        for (auto* text : {&history.error, &history.result, &history.progress}) {
            text->clear();
            if (text->capacity() > kept_bytes) std::string{}.swap(*text);
        }
    }

    memory_slot* blocks_[block_count] = {};
    std::uint32_t used_ = 0;
    memory_slot* free_ = nullptr;
};

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/detail/memory_pages.hpp
// All jobs by sequence, for lists.
#ifndef QUEUECTL_DETAIL_MEMORY_PAGES_HPP
#define QUEUECTL_DETAIL_MEMORY_PAGES_HPP

#include <limits>

namespace queuectl::inline v0::detail {

inline constexpr std::uint64_t memory_page_size = 64;

// The jobs of 64 consecutive sequences.
struct memory_page {
    std::uint64_t number = 0;
    std::uint32_t live = 0;
    memory_slot* slots[memory_page_size] = {};
    memory_page* next_spare = nullptr;
};

// Hands out sequences, 1, 2, …, and finds jobs by them. Pages without jobs are used again. add and drop O(1) but for
// one O(log pages) step a page; at O(log pages).
class memory_pages {
public:
    memory_pages() = default;
    memory_pages(const memory_pages&) = delete;
    memory_pages& operator=(const memory_pages&) = delete;
    ~memory_pages()
    {
        for (const place& p : places_) delete p.page;
        while (spare_) delete std::exchange(spare_, spare_->next_spare);
    }

    // Makes room for n more: the next n adds allocate nothing.
    void reserve(std::size_t n)
    {
        const std::size_t pages = n / memory_page_size + 1;
        for (; spares_ < pages; ++spares_) make_spare(*new memory_page);
        if (places_.capacity() - places_.size() < pages) make_places(pages);
    }
    [[nodiscard]] std::uint64_t next_sequence() const noexcept { return next_; }

    // Gives the slot the next sequence.
    QUEUECTL_MEMORY_INLINE void add(memory_slot& slot) noexcept
    {
        slot.sequence = next_++;
        if (!last_ || last_->number != slot.sequence / memory_page_size) open(slot.sequence / memory_page_size);
        last_->slots[slot.sequence % memory_page_size] = &slot;
        ++last_->live;
        slot.page = last_;
    }
    QUEUECTL_MEMORY_INLINE void drop(const memory_slot& slot) noexcept
    {
        memory_page& page = *slot.page;
        page.slots[slot.sequence % memory_page_size] = nullptr;
        if (--page.live == 0 && &page != last_) retire(page);
    }

    // Calls visit(slot) for the jobs whose sequence is over `after`, in order, until it returns false.
    template <class Visit>
    void visit_after(std::uint64_t after, Visit visit) const
    {
        if (after == std::numeric_limits<std::uint64_t>::max()) return;
        std::uint64_t first = (after + 1) % memory_page_size;
        const std::uint64_t number = (after + 1) / memory_page_size;
        for (std::size_t i = place_of(number); i < places_.size(); ++i, first = 0) {
            if (!places_[i].page) continue;
            if (places_[i].number != number) first = 0;
            for (; first < memory_page_size; ++first)
                if (memory_slot* slot = places_[i].page->slots[first]; slot && !visit(*slot)) return;
        }
    }

    // The job of that sequence, or null.
    [[nodiscard]] memory_slot* at(std::uint64_t sequence) const noexcept
    {
        const std::uint64_t number = sequence / memory_page_size;
        const std::size_t i = place_of(number);
        if (i == places_.size() || places_[i].number != number || !places_[i].page) return nullptr;
        return places_[i].page->slots[sequence % memory_page_size];
    }

private:
    struct place {
        std::uint64_t number;
        memory_page* page;  // null when it was retired
    };

    // The first place whose number is not below.
    [[nodiscard]] std::size_t place_of(std::uint64_t number) const noexcept
    {
        std::size_t low = 0;
        for (std::size_t high = places_.size(); low < high;) {
            const std::size_t middle = (low + high) / 2;
            if (places_[middle].number < number)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
    // Forgets retired places, and grows where more than half are in use, so that this is O(1) a page.
    QUEUECTL_MEMORY_APART void make_places(std::size_t pages)
    {
        const std::size_t used = places_.size() - retired_;
        if (2 * (used + pages) > places_.capacity()) places_.reserve(std::max<std::size_t>(64, 4 * (used + pages)));
        std::erase_if(places_, [](const place& p) { return !p.page; });
        retired_ = 0;
    }
    QUEUECTL_MEMORY_APART void open(std::uint64_t number) noexcept
    {
        memory_page* const before = last_;
        last_ = std::exchange(spare_, spare_->next_spare);
        --spares_;
        last_->number = number;
        places_.push_back({number, last_});
        if (before && before->live == 0) retire(*before);
    }
    QUEUECTL_MEMORY_APART void retire(memory_page& page) noexcept
    {
        places_[place_of(page.number)].page = nullptr;
        ++retired_;
        make_spare(page);
        ++spares_;
    }
    void make_spare(memory_page& page) noexcept { page.next_spare = std::exchange(spare_, &page); }

    std::vector<place> places_;  // by number
    std::size_t retired_ = 0;
    memory_page* spare_ = nullptr;  // all empty
    std::size_t spares_ = 0;
    memory_page* last_ = nullptr;
    std::uint64_t next_ = 1;
};

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/detail/memory_recent.hpp
// The jobs leased last, by token: a settlement mostly comes soon, and needs no search by id then.
#ifndef QUEUECTL_DETAIL_MEMORY_RECENT_HPP
#define QUEUECTL_DETAIL_MEMORY_RECENT_HPP

namespace queuectl::inline v0::detail {

// The last 1024 leases of some of the last claims. A hint only: what it names is current when the slot says so.
class memory_recent {
public:
    // A claim begins; its leases follow, by ordinal from 0.
    void begin(const uid& nonce) noexcept { claims_[index(nonce)] = {nonce, next_}; }
    void add(memory_slot& slot) noexcept { leases_[next_++ % leases_.size()] = &slot; }

    // The job that holds this token, or null when it was not found here.
    [[nodiscard]] QUEUECTL_MEMORY_INLINE memory_slot* find(const lease_token& token) const noexcept
    {
        const claim& c = claims_[index(token.nonce)];
        if (c.nonce != token.nonce) return nullptr;
        memory_slot* const slot = leases_[(c.first + token.ordinal) % leases_.size()];
        return slot && slot->state == state::processing && slot->token == token ? slot : nullptr;
    }

private:
    struct claim {
        uid nonce{};
        std::uint32_t first = 0;
    };
    [[nodiscard]] static std::size_t index(const uid& nonce) noexcept { return nonce.low % claim_count; }

    static constexpr std::size_t claim_count = 16;
    std::array<claim, claim_count> claims_{};
    std::array<memory_slot*, 1024> leases_{};
    std::uint32_t next_ = 0;
};

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/detail/memory_line.hpp
// The orders of memory_storage: a line of jobs, and a level of lines.
#ifndef QUEUECTL_DETAIL_MEMORY_LINE_HPP
#define QUEUECTL_DETAIL_MEMORY_LINE_HPP

namespace queuectl::inline v0::detail {

class memory_level;

// Jobs by key (time, then insertion). What arrives in order, or before all others, is linked to a list in O(1); the
// rest goes to a heap that knows its members' places. head O(1); put, take from anywhere O(log of the heap).
class memory_line {
public:
    explicit memory_line(memory_level* level = nullptr, std::int8_t priority = 0) : level_{level}, priority_{priority}
    {
    }
    memory_line(const memory_line&) = delete;
    memory_line& operator=(const memory_line&) = delete;

    [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }
    [[nodiscard]] memory_slot* head() const noexcept { return head_; }
    [[nodiscard]] memory_level* level() const noexcept { return level_; }
    [[nodiscard]] std::int8_t priority() const noexcept { return priority_; }
    [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

    // Makes room for n puts: the next n of them allocate nothing.
    void reserve(std::size_t n)
    {
        if (heap_.capacity() - heap_.size() < n) heap_.reserve(heap_.size() + std::max(n, heap_.size()));
    }

    // Stands the slot at its key. A key later than `in_order_until` never goes to the list, where it would make
    // everything that follows it out of order. Requires: in no line; room, unless it goes to the list. Whether it is
    // the head now.
    QUEUECTL_MEMORY_INLINE bool put(memory_slot& slot, std::int64_t time, std::int64_t in_order_until) noexcept
    {
        slot.line = this;
        slot.key_time = time;
        if (!back_ ? time <= in_order_until : !(slot.key() < back_->key()) && time <= in_order_until)
            append(slot);
        else if (front_ && slot.key() < front_->key())
            prepend(slot);
        else
            push(slot);
        if (!head_ || slot.key() < head_->key()) head_ = &slot;
        return head_ == &slot;
    }
    [[nodiscard]] bool needs_room(const memory_slot& slot, std::int64_t time,
                                  std::int64_t in_order_until) const noexcept
    {
        const memory_key key{time, slot.sequence};
        if (!back_) return time > in_order_until;
        return (key < back_->key() || time > in_order_until) && !(key < front_->key());
    }

    // Whether it was the head.
    QUEUECTL_MEMORY_INLINE bool take(memory_slot& slot) noexcept
    {
        if (slot.heap_place == memory_nowhere)
            unlink(slot);
        else
            pull(slot);
        slot.line = nullptr;
        if (&slot != head_) return false;
        find_head();
        return true;
    }

    // Calls visit(slot) for each member, in no order, until it returns false.
    template <class Visit>
    void for_each(Visit visit) const
    {
        for (memory_slot* slot = front_; slot; slot = slot->next)
            if (!visit(*slot)) return;
        for (const entry& e : heap_)
            if (!visit(*e.slot)) return;
    }

private:
    friend class memory_level;
    struct entry {
        memory_key key;
        memory_slot* slot;
    };

    QUEUECTL_MEMORY_INLINE void find_head() noexcept
    {
        head_ = front_;
        if (!heap_.empty() && (!front_ || heap_.front().key < front_->key())) head_ = heap_.front().slot;
    }
    void append(memory_slot& slot) noexcept
    {
        slot.previous = back_;
        slot.next = nullptr;
        (back_ ? back_->next : front_) = &slot;
        back_ = &slot;
    }
    void prepend(memory_slot& slot) noexcept
    {
        slot.previous = nullptr;
        slot.next = front_;
        front_->previous = &slot;
        front_ = &slot;
    }
    void unlink(memory_slot& slot) noexcept
    {
        (slot.previous ? slot.previous->next : front_) = slot.next;
        (slot.next ? slot.next->previous : back_) = slot.previous;
    }

    static constexpr std::size_t arity = 4;
    void push(memory_slot& slot) noexcept
    {
        heap_.push_back({slot.key(), &slot});
        sift_up(heap_.size() - 1);
    }
    void pull(memory_slot& slot) noexcept
    {
        const std::size_t place = slot.heap_place;
        slot.heap_place = memory_nowhere;
        const entry last = heap_.back();
        heap_.pop_back();
        if (place == heap_.size()) return;
        set(place, last);
        sift_down(place);
        sift_up(last.slot->heap_place);
    }
    void set(std::size_t place, const entry& e) noexcept
    {
        heap_[place] = e;
        e.slot->heap_place = static_cast<std::uint32_t>(place);
        ++steps_;
    }
    void sift_up(std::size_t place) noexcept
    {
        const entry moving = heap_[place];
        while (place > 0) {
            const std::size_t parent = (place - 1) / arity;
            if (!(moving.key < heap_[parent].key)) break;
            set(place, heap_[parent]);
            place = parent;
        }
        set(place, moving);
    }
    void sift_down(std::size_t place) noexcept
    {
        const entry moving = heap_[place];
        for (;;) {
            const std::size_t first = place * arity + 1;
            if (first >= heap_.size()) break;
            const std::size_t end = std::min(first + arity, heap_.size());
            std::size_t best = first;
            for (std::size_t child = first + 1; child < end; ++child)
                if (heap_[child].key < heap_[best].key) best = child;
            if (!(heap_[best].key < moving.key)) break;
            set(place, heap_[best]);
            place = best;
        }
        set(place, moving);
    }

    memory_slot* head_ = nullptr;
    memory_slot* front_ = nullptr;
    memory_slot* back_ = nullptr;
    memory_level* level_;
    std::uint32_t place_ = memory_nowhere;  // in the level
    std::int8_t priority_;
    std::uint64_t steps_ = 0;
    std::vector<entry> heap_;
};

// Lines by their heads. top O(1); update O(log lines). Lines with nobody in them are left out.
class memory_level {
public:
    // Makes room for one more line that names this level; update never allocates then.
    void expect_line()
    {
        if (lines_ == heap_.capacity()) heap_.reserve(std::max<std::size_t>(4, 2 * lines_));
        ++lines_;
    }
    void forget_line() noexcept { --lines_; }

    [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
    [[nodiscard]] memory_line* top() const noexcept { return heap_.empty() ? nullptr : heap_.front(); }

    // To be called after the line's head may have changed. Whether this level was, and is, in use: no news.
    QUEUECTL_MEMORY_INLINE bool update(memory_line& line) noexcept
    {
        const bool stays = line.place_ != memory_nowhere && !line.empty();
        if (!stays || heap_.size() > 1) move(line);
        return stays;
    }

private:
    [[nodiscard]] static bool before(const memory_line* a, const memory_line* b) noexcept
    {
        return a->head()->key() < b->head()->key();
    }
    void move(memory_line& line) noexcept
    {
        if (line.empty()) {
            if (line.place_ != memory_nowhere) drop(line);
            return;
        }
        if (line.place_ == memory_nowhere) {
            heap_.push_back(&line);
            line.place_ = static_cast<std::uint32_t>(heap_.size() - 1);
            if (heap_.size() == 1) return;
        }
        sift_down(line.place_);
        sift_up(line.place_);
    }
    void drop(memory_line& line) noexcept
    {
        const std::size_t place = line.place_;
        line.place_ = memory_nowhere;
        memory_line* last = heap_.back();
        heap_.pop_back();
        if (last == &line) return;
        set(place, last);
        sift_down(place);
        sift_up(last->place_);
    }
    void set(std::size_t place, memory_line* line) noexcept
    {
        heap_[place] = line;
        line->place_ = static_cast<std::uint32_t>(place);
        ++line->steps_;
    }
    void sift_up(std::size_t place) noexcept
    {
        memory_line* moving = heap_[place];
        for (; place > 0 && before(moving, heap_[(place - 1) / 2]); place = (place - 1) / 2)
            set(place, heap_[(place - 1) / 2]);
        set(place, moving);
    }
    void sift_down(std::size_t place) noexcept
    {
        memory_line* moving = heap_[place];
        for (std::size_t child = 2 * place + 1; child < heap_.size(); child = 2 * place + 1) {
            if (child + 1 < heap_.size() && before(heap_[child + 1], heap_[child])) ++child;
            if (!before(heap_[child], moving)) break;
            set(place, heap_[child]);
            place = child;
        }
        set(place, moving);
    }

    std::vector<memory_line*> heap_;
    std::size_t lines_ = 0;
};

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/detail/memory_names.hpp
// Things known by a name: queues, kinds, workers, settings.
#ifndef QUEUECTL_DETAIL_MEMORY_NAMES_HPP
#define QUEUECTL_DETAIL_MEMORY_NAMES_HPP

#include <map>

namespace queuectl::inline v0::detail {

struct memory_named {
    memory_named() = default;
    memory_named(const memory_named&) = delete;
    memory_named& operator=(const memory_named&) = delete;
    virtual ~memory_named() = default;
    memory_text name;
};

// Owns named things, at stable addresses, in the order of their names. Each operation is O(log size).
class memory_name_tree {
public:
    [[nodiscard]] std::size_t size() const noexcept { return tree_.size(); }
    [[nodiscard]] memory_named* find(std::string_view name) const noexcept { return at(tree_.find(name)); }
    // The first whose name is not before, or is after this one; null = there is none.
    [[nodiscard]] memory_named* first_from(std::string_view name) const noexcept { return at(tree_.lower_bound(name)); }
    [[nodiscard]] memory_named* first_after(std::string_view name) const noexcept
    {
        return at(tree_.upper_bound(name));
    }
    // Requires: the name is not there.
    void add(std::unique_ptr<memory_named> one, std::string_view name)
    {
        one->name.assign(name);
        const std::string_view key = one->name;
        tree_.emplace(key, std::move(one));
    }
    void erase(const memory_named& one) noexcept { tree_.erase(tree_.find(one.name)); }

private:
    using tree = std::map<std::string_view, std::unique_ptr<memory_named>>;  // the keys are the names' own bytes
    [[nodiscard]] memory_named* at(tree::const_iterator place) const noexcept
    {
        return place == tree_.end() ? nullptr : place->second.get();
    }
    tree tree_;
};

// The same for one type derived from memory_named; next to nothing is compiled for each.
template <class T>
class memory_names {
public:
    [[nodiscard]] std::size_t size() const noexcept { return tree_.size(); }
    [[nodiscard]] T* find(std::string_view name) const noexcept { return static_cast<T*>(tree_.find(name)); }
    [[nodiscard]] T* first_from(std::string_view name) const noexcept
    {
        return static_cast<T*>(tree_.first_from(name));
    }
    [[nodiscard]] T* first_after(std::string_view name) const noexcept
    {
        return static_cast<T*>(tree_.first_after(name));
    }
    // The T of that name, made from the arguments where there is none.
    template <class... Arguments>
    T& get(std::string_view name, Arguments&&... arguments)
    {
        if (T* const known = find(name)) return *known;
        T* const made = new T(std::forward<Arguments>(arguments)...);
        tree_.add(std::unique_ptr<memory_named>{made}, name);
        return *made;
    }
    void erase(const T& one) noexcept { tree_.erase(one); }

    // Calls visit(T&) for each, by name, until it returns false; whether none did. O(log size) a step.
    template <class Visit>
    bool for_each(Visit visit) const
    {
        for (T* one = first_from({}); one; one = first_after(one->name))
            if (!visit(*one)) return false;
        return true;
    }

private:
    memory_name_tree tree_;
};

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/detail/memory_lane.hpp
// Queues, kinds and priorities: which line a job waits in.
#ifndef QUEUECTL_DETAIL_MEMORY_LANE_HPP
#define QUEUECTL_DETAIL_MEMORY_LANE_HPP

namespace queuectl::inline v0::detail {

// One level a priority, and which of them hold a waiting job.
class memory_order {
public:
    [[nodiscard]] memory_level& level(std::int8_t priority) noexcept { return levels_[index(priority)]; }

    // To be called after the line's head may have changed.
    QUEUECTL_MEMORY_INLINE void update(memory_line& line) noexcept
    {
        const std::size_t i = index(line.priority());
        if (levels_[i].update(line)) return;
        const std::uint64_t bit = std::uint64_t{1} << (i % 64);
        if (levels_[i].empty())
            in_use_[i / 64] &= ~bit;
        else
            in_use_[i / 64] |= bit;
    }

    // Calls visit(level) for the levels in use, highest priority first, until it returns false.
    template <class Visit>
    void for_each_level(Visit visit)
    {
        for (std::size_t word = in_use_.size(); word-- > 0;)
            for (std::uint64_t bits = in_use_[word]; bits != 0;) {
                const auto top = static_cast<std::size_t>(std::bit_width(bits) - 1);
                bits &= ~(std::uint64_t{1} << top);
                if (!visit(levels_[word * 64 + top])) return;
            }
    }

private:
    [[nodiscard]] static std::size_t index(std::int8_t priority) noexcept
    {
        return static_cast<std::size_t>(priority + 128);
    }
    std::array<memory_level, 256> levels_;
    std::array<std::uint64_t, 4> in_use_{};
};

struct memory_queue;

// The jobs of one queue and kind, which is its name: a line for each priority in use, and one for each final state.
struct memory_lane : memory_named {
    explicit memory_lane(memory_queue* q) : queue{q} {}
    memory_queue* const queue;
    std::vector<std::unique_ptr<memory_line>> waiting;
    std::array<memory_line, state_count> final_lines;  // by (updated_at, insertion); those of final states are used
    memory_line* last = nullptr;                       // the line asked for last
    std::uint64_t claim_call = 0;                      // the last claim that looked at it

    [[nodiscard]] QUEUECTL_MEMORY_INLINE memory_line& line(std::int8_t priority, memory_order& order)
    {
        return last && last->priority() == priority ? *last : other_line(priority, order);
    }
    [[nodiscard]] memory_line& line(queuectl::state s) noexcept { return final_lines[static_cast<std::size_t>(s)]; }

private:
    QUEUECTL_MEMORY_APART memory_line& other_line(std::int8_t priority, memory_order& order)
    {
        for (const auto& known : waiting)
            if (known->priority() == priority) return *(last = known.get());
        waiting.reserve(waiting.size() + 1);
        auto made = std::make_unique<memory_line>(&order.level(priority), priority);
        order.level(priority).expect_line();
        waiting.push_back(std::move(made));
        return *(last = waiting.back().get());
    }
};

struct memory_queue : memory_named {
    std::array<std::uint64_t, state_count> counts{};
    memory_names<memory_lane> lanes;  // by kind
};

// All queues ever named. Lanes are kept: names are few.
class memory_lanes {
public:
    [[nodiscard]] QUEUECTL_MEMORY_INLINE memory_lane& at(std::string_view queue, std::string_view kind)
    {
        if (last_ && memory_equal(last_->queue->name, queue) && memory_equal(last_->name, kind)) return *last_;
        return other(queue, kind);
    }

    // Calls visit(lane) for the lanes of the named queues and kinds, all where none is named, until it returns false.
    // A name given twice is visited twice.
    template <class Names, class Visit>
    void for_each(const Names& queues, const Names& kinds, Visit visit)
    {
        const auto in_queue = [&](memory_queue& queue) {
            return each(queue.lanes, kinds, [&](memory_lane& lane) { return visit(lane); });
        };
        each(queues_, queues, in_queue);
    }
    template <class Visit>
    void for_each_queue(Visit visit) const
    {
        queues_.for_each([&](const memory_queue& queue) {
            visit(queue);
            return true;
        });
    }

    template <class Visit>
    void for_each_line(Visit visit) const
    {
        for_each_queue([&](const memory_queue& queue) {
            queue.lanes.for_each([&](const memory_lane& lane) {
                for (const auto& line : lane.waiting) visit(*line);
                return true;
            });
        });
    }

private:
    QUEUECTL_MEMORY_APART memory_lane& other(std::string_view queue, std::string_view kind)
    {
        memory_queue& q = queues_.get(queue);
        return *(last_ = &q.lanes.get(kind, &q));
    }

    template <class T, class Names, class Visit>
    static bool each(const memory_names<T>& all, const Names& names, Visit visit)
    {
        if (names.empty()) return all.for_each(visit);
        for (const auto& name : names)
            if (T* const found = all.find(name); found && !visit(*found)) return false;
        return true;
    }

    memory_names<memory_queue> queues_;
    memory_lane* last_ = nullptr;
};

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/detail/memory_leases.hpp
// Leases by their end, and by their holder.
#ifndef QUEUECTL_DETAIL_MEMORY_LEASES_HPP
#define QUEUECTL_DETAIL_MEMORY_LEASES_HPP

namespace queuectl::inline v0::detail {

// The leases of one worker, by their end on the boot clock.
struct memory_worker : memory_line, memory_named {
    explicit memory_worker(memory_level* level) : memory_line{level} {}
};

// The leases measured on one boot's clock.
class memory_boot {
public:
    explicit memory_boot(uid boot) : id{boot} {}
    const uid id;

    [[nodiscard]] memory_worker& worker(std::string_view name)
    {
        if (last_ && memory_equal(last_->name, name)) return *last_;
        memory_worker* found = workers_.find(name);
        if (!found) {
            if (workers_.size() >= tidy_at_) tidy();
            level_.expect_line();
            found = &workers_.get(name, &level_);
        }
        return *(last_ = found);
    }
    [[nodiscard]] memory_worker* find(std::string_view name) { return workers_.find(name); }
    // The lease that ends first, or null.
    [[nodiscard]] memory_slot* first() const noexcept { return level_.empty() ? nullptr : level_.top()->head(); }

    void put(memory_slot& slot, memory_worker& holder, duration end) noexcept
    {
        if (holder.put(slot, end.count(), time_max_us)) level_.update(holder);
    }

private:
    // Forgets workers without leases, so that names that never come back do not pile up.
    void tidy()
    {
        memory_worker* next = nullptr;
        for (memory_worker* w = workers_.first_from({}); w; w = next) {
            next = workers_.first_after(w->name);
            if (!w->empty()) continue;
            workers_.erase(*w);
            level_.forget_line();
        }
        last_ = nullptr;
        tidy_at_ = 64 + 2 * workers_.size();
    }

    memory_names<memory_worker> workers_;
    memory_worker* last_ = nullptr;
    memory_level level_;
    std::size_t tidy_at_ = 64;
};

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/limits.hpp
// The limits of every field, in one place. All storages share them; the queue checks them before a storage
// is called, and a storage may rely on that.
#ifndef QUEUECTL_LIMITS_HPP
#define QUEUECTL_LIMITS_HPP

namespace queuectl::inline v0::limits {

inline constexpr std::size_t id_bytes = 128;
inline constexpr std::size_t name_bytes = 64;  // queue, kind, tag
inline constexpr std::size_t key_bytes = 255;  // unique_key, key
inline constexpr std::size_t payload_bytes = 16u << 20;
inline constexpr std::size_t environment_bytes = 1u << 20;  // cwd and env together
inline constexpr std::size_t result_bytes = 64u << 10;
inline constexpr std::size_t config_value_bytes = 64u << 10;
inline constexpr std::size_t error_bytes = 4u << 10;
inline constexpr std::size_t inline_output_bytes = 4u << 10;  // more goes beside the store
inline constexpr std::size_t dependencies = 10'000;
inline constexpr int priority_min = -128;
inline constexpr int priority_max = 127;
inline constexpr std::int32_t retries_max = 1'000'000;
inline constexpr double backoff_base_max = 1'000'000.0;
// No call touches more records than this beyond its arguments.
inline constexpr std::size_t sweep = 1'000;
// The newest runs of a job that are kept; older attempt records are forgotten.
inline constexpr std::size_t attempts_kept = 20;
// A claim returns at most this many expired leases to waiting.
inline constexpr std::size_t reap = 256;

// [A-Za-z0-9][A-Za-z0-9._:-]*, 1…bytes_max bytes: ids, queues, kinds and tags.
[[nodiscard]] constexpr bool is_name(std::string_view text, std::size_t bytes_max) noexcept
{
    const auto alnum = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    if (text.empty() || text.size() > bytes_max || !alnum(text.front())) return false;
    for (const char c : text)
        if (!alnum(c) && c != '.' && c != '_' && c != ':' && c != '-') return false;
    return true;
}

}  // namespace queuectl::inline v0::limits

#endif

// ---- queuectl/detail/memory_record.hpp
// Between a job's slot and the records that callers see.
#ifndef QUEUECTL_DETAIL_MEMORY_RECORD_HPP
#define QUEUECTL_DETAIL_MEMORY_RECORD_HPP

namespace queuectl::inline v0::detail {

[[nodiscard]] constexpr timestamp saturated(timestamp t) noexcept
{
    return timestamp{queuectl::saturate(t.time_since_epoch())};
}

// Whether the job has a field that memory_extra holds.
[[nodiscard]] inline bool memory_needs_extra(const job& j) noexcept
{
    return !j.tag.empty() || !j.key.empty() || !j.unique_key.empty() || !j.batch.empty() || !j.cwd.empty() ||
           !j.env.empty() || !j.depends_on.empty();
}

QUEUECTL_MEMORY_APART inline void memory_write_extra(memory_slot& slot, const job& j)
{
    slot.extra =
        std::make_unique<memory_extra>(memory_extra{j.tag, j.key, j.unique_key, j.batch, j.cwd, j.env, j.depends_on});
    slot.has_extra = true;
}
// Everything of a new job but its place: no lane, no sequence.
QUEUECTL_MEMORY_INLINE inline void memory_write(memory_slot& slot, const job& j, timestamp now)
{
    slot.id.assign(j.id);
    slot.payload.assign(j.payload);
    slot.run_at = saturated(j.run_at);
    slot.timeout = j.timeout;
    slot.retention = j.retention;
    slot.backoff_base = j.backoff_base;
    slot.max_retries = j.max_retries;
    slot.hold = j.hold;
    slot.priority = j.priority;
    slot.nonce = j.nonce;
    slot.state = state::pending;
    slot.cancel_requested = false;
    slot.attempts = slot.crashes = 0;
    slot.token = {};
    slot.created_at = slot.updated_at = now;
    if (!memory_needs_extra(j)) return;
    memory_write_extra(slot, j);
}

// An empty list by name: for a plain `{}` among the initialisers GCC first fills the whole job with zeros.
[[nodiscard]] QUEUECTL_MEMORY_INLINE inline std::vector<std::string> memory_no_strings() noexcept
{
    std::vector<std::string> none;
    return none;
}
// The job without what memory_extra holds.
[[nodiscard]] QUEUECTL_MEMORY_INLINE inline job memory_plain_job(const memory_slot& slot)
{
    return {.id = slot.id.string(),
            .queue = slot.lane->queue->name.string(),
            .kind = slot.lane->name.string(),
            .payload = slot.payload.string(),
            .run_at = slot.run_at,
            .timeout = slot.timeout,
            .retention = slot.retention,
            .backoff_base = slot.backoff_base,
            .max_retries = slot.max_retries,
            .hold = slot.hold,
            .priority = slot.priority,
            .nonce = slot.nonce,
            .tag = {},
            .key = {},
            .unique_key = {},
            .batch = {},
            .cwd = {},
            .env = {},
            .depends_on = memory_no_strings()};
}
QUEUECTL_MEMORY_APART inline void memory_read_extra(const memory_slot& slot, job& j)
{
    const memory_extra& extra = *slot.extra;
    j.tag = extra.tag;
    j.key = extra.key;
    j.unique_key = extra.unique_key;
    j.batch = extra.batch;
    j.cwd = extra.cwd;
    j.env = extra.env;
    j.depends_on = extra.depends_on;
}

// What a lease is made from in its place; it has neither the error nor what memory_extra holds.
struct memory_plain_lease {
    const memory_slot& slot;
    const lease_token& token;
    QUEUECTL_MEMORY_FLATTEN operator lease() const
    {
        return {.job = memory_plain_job(slot),
                .token = token,
                .attempts = slot.attempts,
                .crashes = slot.crashes,
                .error = {}};
    }
};

QUEUECTL_MEMORY_INLINE inline void memory_read_lease(const memory_slot& slot, const lease_token& token,
                                                     std::vector<lease>& out)
{
    lease& l = out.emplace_back(memory_plain_lease{slot, token});
    if (slot.has_extra) memory_read_extra(slot, l.job);
    if (slot.has_history) l.error = slot.history->error;
}

[[nodiscard]] inline std::string_view memory_holder(const memory_slot& slot) noexcept
{
    return slot.state == state::processing ? static_cast<const memory_worker*>(slot.line)->name.view()
                                           : std::string_view{};
}

[[nodiscard]] inline job_record memory_read_record(const memory_slot& slot)
{
    job_record r;
    r.job = memory_plain_job(slot);
    if (slot.has_extra) memory_read_extra(slot, r.job);
    r.state = slot.state;
    r.attempts = slot.attempts;
    r.crashes = slot.crashes;
    r.created_at = slot.created_at;
    r.updated_at = slot.updated_at;
    r.sequence = slot.sequence;
    r.token = slot.token;
    r.cancel_requested = slot.cancel_requested;
    if (slot.state == state::processing) {
        r.locked_by = memory_holder(slot);
        r.locked_at = slot.locked_at;
        r.lease_until = slot.lease_until;
    }
    if (!slot.has_history) return r;
    r.settled_token = slot.history->settled_token;
    r.exit_code = slot.history->exit_code;
    r.signal = slot.history->signal;
    r.error = slot.history->error;
    r.result = slot.history->result;
    r.progress = slot.history->progress;
    return r;
}

// The slot's history, made where it has none.
[[nodiscard]] inline memory_history& memory_history_of(memory_slot& slot)
{
    if (!slot.history) slot.history = std::make_unique<memory_history>();
    slot.has_history = true;
    return *slot.history;
}

// Makes room for one more run: the next memory_keep_attempt allocates nothing.
inline void memory_reserve_attempt(memory_history& history)
{
    const std::size_t size = history.attempts.size();
    if (size == history.attempts.capacity() && size < limits::attempts_kept)
        history.attempts.reserve(std::min(limits::attempts_kept, size == 0 ? 1 : 2 * size));
}
inline void memory_keep_attempt(memory_history& history, attempt&& run) noexcept
{
    if (history.attempts.size() == limits::attempts_kept) history.attempts.erase(history.attempts.begin());
    history.attempts.push_back(std::move(run));
}

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/detail/memory_table.hpp
// Ids to slots: open addressing without tombstones.
#ifndef QUEUECTL_DETAIL_MEMORY_TABLE_HPP
#define QUEUECTL_DETAIL_MEMORY_TABLE_HPP

namespace queuectl::inline v0::detail {

// The hash of an id; the seed makes collisions hard to prepare from outside. Ids that differ in their last character
// only, numbers counted up say, get hashes that differ in the lowest 4 bits only: neighbours in the table, in one or
// two cache lines.
[[nodiscard]] QUEUECTL_MEMORY_INLINE inline std::uint32_t memory_hash(std::string_view text,
                                                                      std::uint64_t seed) noexcept
{
    if (text.empty()) return 0;
    constexpr std::uint64_t k = 0x9e3779b97f4a7c15u;
    const auto word = [](const char* p, std::size_t n) {
        std::uint64_t w = 0;
        std::memcpy(&w, p, n);
        return w;
    };
    const auto mix = [](std::uint64_t v) { return (v ^ (v >> 32)) * k; };
    const auto last = static_cast<unsigned char>(text.back());
    const char* p = text.data();
    std::size_t n = text.size() - 1;
    std::uint64_t h = seed ^ (n * k);
    for (; n > 16; p += 8, n -= 8) h = mix(h ^ word(p, 8));
    if (n >= 8) {
        h = mix(h ^ word(p, 8));
        h = mix(h ^ word(p + n - 8, 8));
    } else if (n >= 4) {
        h = mix(h ^ (word(p, 4) << 32 | word(p + n - 4, 4)));
    } else if (n > 0) {
        const auto byte = [p](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(p[i])}; };
        h = mix(h ^ (byte(0) << 16 | byte(n / 2) << 8 | byte(n - 1)));
    }
    h = mix(h);
    const auto digit = static_cast<std::uint32_t>(last + (last >> 6) * 9) & 15;
    return (static_cast<std::uint32_t>(h >> 32) & ~std::uint32_t{15}) | digit;
}

// The slots of all jobs by id. At most half full; growth doubles it. find, add and drop O(1). Linear probing in which
// every cell stands behind those whose home comes before its own ("Robin Hood"), so that a search ends at the first
// one that is nearer to its home, and a removal moves nobody who is at home.
class memory_table {
public:
    explicit memory_table(const memory_slab& slab) : slab_{slab} {}

    [[nodiscard]] QUEUECTL_MEMORY_INLINE std::uint32_t hash(std::string_view id) const noexcept
    {
        return memory_hash(id, reinterpret_cast<std::uintptr_t>(this));
    }

    void prefetch([[maybe_unused]] std::uint32_t hash) const noexcept
    {
#if defined(__GNUC__)
        if (!cells_.empty()) __builtin_prefetch(&cells_[hash & mask_]);
#endif
    }

    [[nodiscard]] memory_slot* find(std::string_view id) const noexcept
    {
        std::size_t end = 0;
        return cells_.empty() ? nullptr : find(id, hash(id), end);
    }
    // The same where nothing was found: sets `end`, where the id would stand. Requires: reserve() was called.
    [[nodiscard]] QUEUECTL_MEMORY_INLINE memory_slot* find(std::string_view id, std::uint32_t hash,
                                                           std::size_t& end) const noexcept
    {
        std::size_t i = hash & mask_;
        for (std::size_t steps = 0; cells_[i].slot != none && steps <= distance(i); ++steps, i = (i + 1) & mask_) {
            if (cells_[i].hash != hash) continue;
            memory_slot& slot = slab_[cells_[i].slot];
            if (memory_equal(slot.id, id)) return &slot;
        }
        end = i;
        return nullptr;
    }

    // Makes room for n more: the next n adds allocate nothing.
    void reserve(std::size_t n)
    {
        if ((size_ + n) * 2 <= cells_.size()) return;
        std::vector<cell> old(std::max(cells_min, std::bit_ceil((size_ + n) * 2)));
        old.swap(cells_);
        mask_ = cells_.size() - 1;
        for (const cell& c : old)
            if (c.slot != none) place(c, c.hash & mask_);
    }
    // Requires: find(slot.id, hash, end) found nothing, and the table is as it was then.
    QUEUECTL_MEMORY_INLINE void add(memory_slot& slot, std::uint32_t hash, std::size_t end) noexcept
    {
        slot.hash = hash;
        place({hash, slot.index}, end);
        ++size_;
    }
    QUEUECTL_MEMORY_INLINE void drop(const memory_slot& slot) noexcept
    {
        std::size_t hole = slot.hash & mask_;
        while (cells_[hole].slot != slot.index) hole = (hole + 1) & mask_;
        for (std::size_t i = (hole + 1) & mask_; cells_[i].slot != none && distance(i) != 0; i = (i + 1) & mask_) {
            cells_[hole] = cells_[i];
            hole = i;
        }
        cells_[hole] = {};
        --size_;
    }

private:
    static constexpr std::uint32_t none = memory_nowhere;
    static constexpr std::size_t cells_min = 512;
    struct cell {
        std::uint32_t hash = 0;
        std::uint32_t slot = none;
    };
    // How far the cell in that place is from its home.
    [[nodiscard]] std::size_t distance(std::size_t place) const noexcept
    {
        return (place - cells_[place].hash) & mask_;
    }
    void place(cell c, std::size_t i) noexcept
    {
        for (; cells_[i].slot != none; i = (i + 1) & mask_)
            if (distance(i) < ((i - c.hash) & mask_)) std::swap(c, cells_[i]);
        cells_[i] = c;
    }

    const memory_slab& slab_;
    std::vector<cell> cells_;
    std::size_t mask_ = 0;
    std::size_t size_ = 0;
};

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/detail/memory_core.hpp
// The state of a memory_storage and the moves of a job in it. Not thread-safe.
#ifndef QUEUECTL_DETAIL_MEMORY_CORE_HPP
#define QUEUECTL_DETAIL_MEMORY_CORE_HPP

namespace queuectl::inline v0::detail {

// A run to be recorded, made before anything changes.
struct memory_outcome {
    memory_slot* slot = nullptr;
    bool has_run = false;
    attempt run;
    std::string error;
    std::string result;
};

struct memory_setting : memory_named {
    config_entry entry;
};

// The moves are noexcept: what they need is reserved before the first change of a call.
struct memory_core {
    // Tells stores of one process apart; nobody else sees them.
    const uid id{reinterpret_cast<std::uintptr_t>(this), memory_serial()};
    memory_lock lock;
    memory_changes changes;
    memory_slab slab;
    memory_table table{slab};
    memory_recent recent;
    memory_pages pages;
    memory_lanes lanes;
    memory_order order;
    std::vector<std::unique_ptr<memory_boot>> boots;  // the current one last; every lease of the others has expired
    memory_names<memory_setting> settings;
    std::uint64_t settings_version = 0;
    std::uint32_t insert_calls = 0;
    std::uint64_t claim_calls = 0;
    std::uint64_t records_seen = 0;  // by claims: what their cost grows with

    // Working memory of single calls, kept to spare allocations.
    std::vector<memory_slot*> found;
    std::vector<std::uint32_t> hashes;
    std::vector<memory_line*> matched;
    std::vector<memory_outcome> outcomes;

    QUEUECTL_MEMORY_INLINE void set_state(memory_slot& slot, state to) noexcept
    {
        auto& counts = slot.lane->queue->counts;
        --counts[static_cast<std::size_t>(slot.state)];
        ++counts[static_cast<std::size_t>(to)];
        slot.state = to;
    }

    [[nodiscard]] memory_line& waiting_line(memory_slot& slot) { return slot.lane->line(slot.priority, order); }

    // Stands a waiting job in its line unless it is held. Requires: its line has room.
    void stand(memory_slot& slot, timestamp now) noexcept { stand(slot, waiting_line(slot), now); }
    QUEUECTL_MEMORY_INLINE void stand(memory_slot& slot, memory_line& line, timestamp now) noexcept
    {
        if (slot.hold != hold_none) return;
        if (line.put(slot, slot.run_at.time_since_epoch().count(), now.time_since_epoch().count())) order.update(line);
    }

    // Takes a job out of the line it stands in, if any.
    QUEUECTL_MEMORY_INLINE void lift(memory_slot& slot) noexcept
    {
        memory_line* const line = slot.line;
        if (!line || !line->take(slot)) return;
        if (is_waiting(slot.state))
            order.update(*line);
        else if (line->level())
            line->level()->update(*line);
    }

    QUEUECTL_MEMORY_INLINE void erase(memory_slot& slot) noexcept
    {
        lift(slot);
        --slot.lane->queue->counts[static_cast<std::size_t>(slot.state)];
        table.drop(slot);
        pages.drop(slot);
        slab.give_back(slot);
    }

    // → a final state. Requires: lane->line(to) has room.
    void end(memory_slot& slot, state to, timestamp now) noexcept
    {
        lift(slot);
        set_state(slot, to);
        slot.token = {};
        slot.cancel_requested = false;
        slot.updated_at = now;
        slot.lane->line(to).put(slot, now.time_since_epoch().count(), time_max_us);
    }

    // processing → waiting, or → cancelled where that was asked for. Requires: both lines have room.
    void give_up_lease(memory_slot& slot, state to, timestamp now) noexcept
    {
        if (slot.cancel_requested) return end(slot, state::cancelled, now);
        lift(slot);
        set_state(slot, to);
        slot.token = {};
        slot.updated_at = now;
        stand(slot, now);
        changes.touch_work();
    }

    void reserve_waiting(memory_slot& slot, std::size_t n)
    {
        waiting_line(slot).reserve(n);
        slot.lane->line(state::cancelled).reserve(n);
    }

    // The worker is gone: the run is recorded as crashed, the job waits again.
    void crash(memory_slot& slot, std::string_view cause, timestamp now)
    {
        memory_history& history = memory_history_of(slot);
        memory_reserve_attempt(history);
        reserve_waiting(slot, 1);
        attempt run;
        run.number = slot.attempts + slot.crashes + 1;
        run.status = run_status::crashed;
        run.started_at = slot.locked_at;
        run.ended_at = now;
        run.error = cause;
        run.worker = memory_holder(slot);
        history.error = cause;

        memory_keep_attempt(history, std::move(run));
        ++slot.crashes;
        give_up_lease(slot, state::pending, now);
    }

    // The leases measured on this boot's clock.
    [[nodiscard]] memory_boot& boot(const uid& boot_id)
    {
        if (boots.empty() || boots.back()->id != boot_id) boots.push_back(std::make_unique<memory_boot>(boot_id));
        return *boots.back();
    }

    // Returns expired leases to waiting, the oldest first; how many. An allocation failure keeps those that were done.
    std::size_t reap(const instant& now)
    {
        memory_boot* const current = &boot(now.boot_id);
        std::size_t reaped = 0;
        while (reaped < limits::reap) {
            memory_boot& oldest = *boots.front();
            memory_slot* const slot = oldest.first();
            if (&oldest == current) {
                if (!slot || slot->key_time > now.boot.count()) break;
            } else if (!slot) {
                boots.erase(boots.begin());
                continue;
            }
            crash(*slot, "lease expired", now.wall);
            ++reaped;
        }
        return reaped;
    }
};

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/detail/memory_claim.hpp
// claim on a memory_core.
#ifndef QUEUECTL_DETAIL_MEMORY_CLAIM_HPP
#define QUEUECTL_DETAIL_MEMORY_CLAIM_HPP

namespace queuectl::inline v0::detail {

// One claim under way. Until commit, its destruction undoes it.
class memory_claim {
public:
    memory_claim(memory_core& core, const claim_request& request, std::vector<lease>& leases, const instant& now,
                 std::size_t max)
        : core_{core},
          request_{request},
          leases_{leases},
          first_{leases.size()},
          now_{now},
          max_{max},
          boot_{core.boot(now.boot_id)},
          worker_{boot_.worker(request.worker)}
    {
    }
    memory_claim(const memory_claim&) = delete;
    memory_claim& operator=(const memory_claim&) = delete;
    ~memory_claim()
    {
        if (committed_) return;
        while (taken_ > 0) put_back(*core_.found[--taken_]);
        leases_.erase(leases_.begin() + static_cast<std::ptrdiff_t>(first_), leases_.end());
    }
    void commit() noexcept { committed_ = true; }

    // Leases of an earlier claim with this nonce, in its order; how many.
    std::size_t again()
    {
        core_.found.clear();
        for (const auto& boot : core_.boots)
            if (const memory_worker* worker = boot->find(request_.worker))
                worker->for_each([&](memory_slot& slot) {
                    if (slot.token.nonce == request_.nonce) core_.found.push_back(&slot);
                    return true;
                });
        std::sort(core_.found.begin(), core_.found.end(),
                  [](const memory_slot* a, const memory_slot* b) { return a->token < b->token; });
        for (const memory_slot* slot : core_.found) memory_read_lease(*slot, slot->token, leases_);
        return core_.found.size();
    }

    // Leases what is due; the earliest time when there may be more.
    timestamp take_due()
    {
        core_.found.resize(std::max(core_.found.size(), max_));
        worker_.reserve(max_);
        core_.recent.begin(request_.nonce);
        const bool all = request_.queues.empty() && request_.kinds.empty();
        const timestamp next = all ? take_from_all() : take_from_matched();
        return taken_ == max_ ? now_.wall : next;
    }

private:
    [[nodiscard]] bool due(const memory_slot& slot) const noexcept { return slot.run_at <= now_.wall; }

    timestamp take_from_all()
    {
        timestamp next = timestamp_max;
        core_.order.for_each_level([&](memory_level& level) {
            while (!level.empty()) {
                memory_slot& slot = *level.top()->head();
                ++core_.records_seen;
                if (!due(slot)) {
                    next = std::min(next, slot.run_at);
                    break;
                }
                if (taken_ == max_) return false;
                take(slot);
            }
            return true;
        });
        return next;
    }

    timestamp take_from_matched()
    {
        timestamp next = timestamp_max;
        const auto later = [](const memory_line* a, const memory_line* b) {
            return a->priority() != b->priority() ? a->priority() < b->priority() : b->head()->key() < a->head()->key();
        };
        auto& lines = core_.matched;
        const auto offer = [&](memory_line* line) {
            if (line->empty()) return false;
            ++core_.records_seen;
            if (due(*line->head())) return true;
            next = std::min(next, line->head()->run_at);
            return false;
        };
        lines.clear();
        const std::uint64_t call = ++core_.claim_calls;
        core_.lanes.for_each(request_.queues, request_.kinds, [&](memory_lane& lane) {
            if (lane.claim_call == call) return true;
            lane.claim_call = call;
            for (const auto& line : lane.waiting)
                if (offer(line.get())) lines.push_back(line.get());
            return true;
        });
        std::make_heap(lines.begin(), lines.end(), later);
        while (!lines.empty() && taken_ < max_) {
            std::pop_heap(lines.begin(), lines.end(), later);
            take(*lines.back()->head());
            if (offer(lines.back()))
                std::push_heap(lines.begin(), lines.end(), later);
            else
                lines.pop_back();
        }
        return next;
    }

    void take(memory_slot& slot)
    {
        const lease_token token{request_.nonce, static_cast<std::uint32_t>(taken_)};
        memory_read_lease(slot, token, leases_);
        core_.recent.add(slot);
        core_.found[taken_++] = &slot;
        slot.was_failed = slot.state == state::failed;
        core_.lift(slot);
        core_.set_state(slot, state::processing);
        slot.token = token;
        slot.locked_at = slot.updated_at = now_.wall;
        slot.lease_until = add(now_.wall, request_.lease);
        boot_.put(slot, worker_, add(now_.boot, request_.lease));
    }

    // The last taken goes first: each was the head of its line, so that the line's list has a place for it.
    void put_back(memory_slot& slot) noexcept
    {
        core_.lift(slot);
        core_.set_state(slot, slot.was_failed ? state::failed : state::pending);
        slot.token = {};
        core_.stand(slot, timestamp_max);
    }

    memory_core& core_;
    const claim_request& request_;
    std::vector<lease>& leases_;
    const std::size_t first_;
    const instant& now_;
    const std::size_t max_;
    memory_boot& boot_;
    memory_worker& worker_;
    std::size_t taken_ = 0;
    bool committed_ = false;
};

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/detail/memory_config.hpp
// The keyed values of a memory_core.
#ifndef QUEUECTL_DETAIL_MEMORY_CONFIG_HPP
#define QUEUECTL_DETAIL_MEMORY_CONFIG_HPP

namespace queuectl::inline v0::detail {

[[nodiscard]] inline const config_entry* memory_config_find(const memory_core& core, std::string_view key,
                                                            timestamp now)
{
    const memory_setting* const found = core.settings.find(key);
    return !found || found->entry.expires_at <= now ? nullptr : &found->entry;
}

[[nodiscard]] inline result<std::uint64_t> memory_config_put(memory_core& core, const config_entry& entry,
                                                             timestamp now)
{
    if (entry.key.empty() || entry.key.size() > limits::key_bytes)
        return fail(errc::invalid_argument, "config_put", "a key has 1 to 255 bytes");
    if (entry.value.size() > limits::config_value_bytes)
        return fail(errc::invalid_argument, "config_put " + entry.key, "a value has at most 64 KiB");
    const config_entry* known = memory_config_find(core, entry.key, now);
    if (entry.version != any_version && entry.version != (known ? known->version : 0))
        return fail(errc::conflict, "config_put " + entry.key, "it was changed by another");
    config_entry copy = entry;
    copy.version = core.settings_version + 1;
    core.settings.get(entry.key).entry = std::move(copy);
    core.changes.touch_work();
    return ++core.settings_version;
}

[[nodiscard]] inline bool memory_config_erase(memory_core& core, std::string_view key)
{
    const memory_setting* const found = core.settings.find(key);
    if (!found) return false;
    core.settings.erase(*found);
    core.changes.touch_work();
    return true;
}

// Expired entries on the way are forgotten.
inline void memory_config_list(memory_core& core, std::string_view prefix, std::vector<config_entry>& out,
                               timestamp now)
{
    const memory_setting* next = nullptr;
    for (const memory_setting* s = core.settings.first_from(prefix); s && s->entry.key.starts_with(prefix); s = next) {
        next = core.settings.first_after(s->entry.key);
        if (s->entry.expires_at <= now)
            core.settings.erase(*s);
        else
            out.push_back(s->entry);
    }
}

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/detail/memory_inspect.hpp
// What inspectable_storage asks of a memory_core.
#ifndef QUEUECTL_DETAIL_MEMORY_INSPECT_HPP
#define QUEUECTL_DETAIL_MEMORY_INSPECT_HPP

namespace queuectl::inline v0::detail {

[[nodiscard]] inline bool memory_matches(const memory_slot& slot, const job_filter& f) noexcept
{
    return (!f.state || slot.state == *f.state) && (f.queue.empty() || slot.lane->queue->name.view() == f.queue) &&
           (f.kind.empty() || slot.lane->name.view() == f.kind) &&
           (f.tag.empty() || (slot.has_extra && slot.extra->tag == f.tag)) && slot.updated_at < f.updated_before;
}

// Looks at no more than limits::sweep jobs.
inline std::uint64_t memory_list(const memory_core& core, const job_filter& filter, const page_request& page,
                                 std::vector<job_record>& out)
{
    const std::size_t limit = std::min(page.limit, limits::sweep);
    std::size_t seen = 0;
    std::size_t found = 0;
    std::uint64_t last = page.after;
    std::uint64_t next = 0;
    core.pages.visit_after(page.after, [&](const memory_slot& slot) {
        if (found == limit || seen == limits::sweep) {
            next = last;
            return false;
        }
        ++seen;
        last = slot.sequence;
        if (!memory_matches(slot, filter)) return true;
        out.push_back(memory_read_record(slot));
        ++found;
        return true;
    });
    return next;
}

inline void memory_attempts(const memory_slot& slot, std::vector<attempt>& out)
{
    if (!slot.has_history) return;
    for (const attempt& run : slot.history->attempts) {
        attempt& copy = out.emplace_back();
        copy.number = run.number;
        copy.status = run.status;
        copy.exit_code = run.exit_code;
        copy.signal = run.signal;
        copy.started_at = run.started_at;
        copy.ended_at = run.ended_at;
        copy.error = run.error;
        copy.worker = run.worker;
        copy.output_bytes = run.output_bytes;
    }
}

// The newest run of that number: a revived job counts from 1 again.
[[nodiscard]] inline const attempt* memory_run(const memory_slot& slot, std::int32_t number) noexcept
{
    if (!slot.has_history) return nullptr;
    const auto& runs = slot.history->attempts;
    for (std::size_t i = runs.size(); i-- > 0;)
        if (runs[i].number == number) return &runs[i];
    return nullptr;
}

inline void memory_revive(memory_core& core, std::span<const std::string> ids, std::span<change_status> statuses,
                          timestamp now)
{
    core.pages.reserve(ids.size());
    for (const auto& id : ids)
        if (memory_slot* slot = core.table.find(id)) core.waiting_line(*slot).reserve(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
        memory_slot* const slot = core.table.find(ids[i]);
        statuses[i] = slot ? change_status::conflict : change_status::not_found;
        if (!slot || slot->state == state::pending || slot->state == state::processing) continue;
        core.lift(*slot);
        core.set_state(*slot, state::pending);
        core.pages.drop(*slot);
        core.pages.add(*slot);
        slot->attempts = slot->crashes = 0;
        slot->run_at = slot->updated_at = now;
        core.stand(*slot, now);
        statuses[i] = change_status::done;
    }
    core.changes.touch_work();
}

inline void memory_cancel(memory_core& core, std::span<const std::string> ids, std::span<change_status> statuses,
                          timestamp now)
{
    for (const auto& id : ids)
        if (memory_slot* slot = core.table.find(id)) slot->lane->line(state::cancelled).reserve(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
        memory_slot* const slot = core.table.find(ids[i]);
        statuses[i] = slot ? change_status::conflict : change_status::not_found;
        if (!slot || is_final(slot->state)) continue;
        if (is_waiting(slot->state)) {
            core.end(*slot, state::cancelled, now);
            statuses[i] = change_status::done;
        } else {
            slot->cancel_requested = true;
            core.changes.touch_control();
            statuses[i] = change_status::requested;
        }
    }
}

inline void memory_remove(memory_core& core, std::span<const std::string> ids,
                          std::span<change_status> statuses) noexcept
{
    for (std::size_t i = 0; i < ids.size(); ++i) {
        memory_slot* const slot = core.table.find(ids[i]);
        statuses[i] = slot ? change_status::conflict : change_status::not_found;
        if (!slot || slot->state == state::processing) continue;
        core.erase(*slot);
        statuses[i] = change_status::done;
    }
}

// The oldest first in each queue and kind: O(queues and kinds + removed). With a tag, which no order knows, jobs
// of other tags are looked at too.
inline std::size_t memory_purge(memory_core& core, const job_filter& filter, std::size_t limit)
{
    limit = std::min(limit, limits::sweep);
    std::size_t removed = 0;
    const auto clear = [&](memory_line& line) {
        while (removed < limit && !line.empty() && line.head()->updated_at < filter.updated_before) {
            core.erase(*line.head());
            ++removed;
        }
    };
    const auto pick = [&](const memory_line& line) {
        line.for_each([&](memory_slot& slot) {
            if (memory_matches(slot, filter)) core.found.push_back(&slot);
            return core.found.size() < limit;
        });
    };
    core.found.clear();
    core.found.reserve(limit);
    const auto named = [](const std::string& name) { return std::span{&name, name.empty() ? 0u : 1u}; };
    core.lanes.for_each(named(filter.queue), named(filter.kind), [&](memory_lane& lane) {
        for (const state s : {state::completed, state::dead, state::cancelled})
            if (!filter.state || *filter.state == s) filter.tag.empty() ? clear(lane.line(s)) : pick(lane.line(s));
        return removed < limit && core.found.size() < limit;
    });
    for (memory_slot* slot : core.found) core.erase(*slot);
    return removed + core.found.size();
}

[[nodiscard]] inline change_status memory_reprioritise(memory_core& core, std::string_view id, std::int8_t priority,
                                                       timestamp now)
{
    memory_slot* const slot = core.table.find(id);
    if (!slot) return change_status::not_found;
    if (!is_waiting(slot->state)) return change_status::conflict;
    slot->lane->line(priority, core.order).reserve(1);
    core.lift(*slot);
    slot->priority = priority;
    slot->updated_at = now;
    core.stand(*slot, now);
    core.changes.touch_work();
    return change_status::done;
}

[[nodiscard]] inline std::size_t memory_free_worker(memory_core& core, std::string_view name, std::string_view cause,
                                                    timestamp now)
{
    std::size_t freed = 0;
    for (const auto& boot : core.boots)
        if (memory_worker* worker = boot->find(name))
            for (; freed < limits::sweep && !worker->empty(); ++freed) core.crash(*worker->head(), cause, now);
    return freed;
}

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/detail/memory_verbs.hpp
// insert, extend and settle on a memory_core.
#ifndef QUEUECTL_DETAIL_MEMORY_VERBS_HPP
#define QUEUECTL_DETAIL_MEMORY_VERBS_HPP

namespace queuectl::inline v0::detail {

// Adds one job; its slot is whole or not there. Requires: room in table and pages; `hash` and `end` as the search for
// its id left them.
QUEUECTL_MEMORY_INLINE inline void memory_add(memory_core& core, const job& j, std::uint32_t hash, std::size_t end,
                                              timestamp now)
{
    memory_lane& lane = core.lanes.at(j.queue, j.kind);
    memory_line& line = lane.line(j.priority, core.order);
    struct undo {
        memory_slab& slab;
        memory_slot* slot;
        ~undo()
        {
            if (slot) slab.give_back(*slot);
        }
    } guard{core.slab, &core.slab.take()};
    memory_slot& slot = *guard.slot;
    memory_write(slot, j, now);
    slot.sequence = core.pages.next_sequence();
    if (line.needs_room(slot, slot.run_at.time_since_epoch().count(), now.time_since_epoch().count())) line.reserve(1);
    guard.slot = nullptr;

    slot.lane = &lane;
    slot.insert_call = core.insert_calls;
    ++lane.queue->counts[static_cast<std::size_t>(state::pending)];
    core.pages.add(slot);
    core.table.add(slot, hash, end);
    core.stand(slot, line, now);
}

inline void memory_insert(memory_core& core, std::span<const job> jobs, std::span<insert_status> statuses,
                          timestamp now)
{
    core.table.reserve(jobs.size());
    core.pages.reserve(jobs.size());
    core.hashes.resize(std::max(core.hashes.size(), jobs.size()));
    ++core.insert_calls;
    struct undo {
        memory_core& core;
        std::uint64_t first;
        bool done = false;
        ~undo()
        {
            if (done) return;
            for (std::uint64_t s = core.pages.next_sequence(); s-- > first;)
                if (memory_slot* slot = core.pages.at(s)) core.erase(*slot);
        }
    } guard{core, core.pages.next_sequence()};

    for (std::size_t i = 0; i < jobs.size(); ++i) {
        core.hashes[i] = core.table.hash(jobs[i].id);
        core.table.prefetch(core.hashes[i]);
    }
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        std::size_t end = 0;
        memory_slot* const known = core.table.find(jobs[i].id, core.hashes[i], end);
        if (!known) {
            memory_add(core, jobs[i], core.hashes[i], end, now);
            statuses[i] = insert_status::inserted;
        } else if (known->nonce == jobs[i].nonce && jobs[i].nonce && known->insert_call != core.insert_calls) {
            known->insert_call = core.insert_calls;
            statuses[i] = insert_status::inserted;
        } else {
            statuses[i] = insert_status::duplicate;
        }
    }
    guard.done = true;
    core.changes.touch_work();
}

inline void memory_extend(memory_core& core, std::span<const receipt> receipts, duration length,
                          std::span<extend_status> statuses, const instant& now)
{
    memory_boot& boot = core.boot(now.boot_id);
    const auto held = [](const memory_slot* slot, const receipt& r) {
        return slot && slot->state == state::processing && slot->token == r.token;
    };
    for (const receipt& r : receipts)
        if (memory_slot* slot = core.table.find(r.id); held(slot, r))
            boot.worker(memory_holder(*slot)).reserve(receipts.size());
    for (std::size_t i = 0; i < receipts.size(); ++i) {
        memory_slot* const slot = core.table.find(receipts[i].id);
        statuses[i] = extend_status::lease_lost;
        if (!held(slot, receipts[i])) continue;
        memory_worker& holder = boot.worker(memory_holder(*slot));
        core.lift(*slot);
        boot.put(*slot, holder, add(now.boot, length));
        slot->lease_until = add(now.wall, length);
        statuses[i] = slot->cancel_requested ? extend_status::cancel_requested : extend_status::held;
    }
}

// What the settlement would do to the job that has its id.
[[nodiscard]] inline settle_status memory_judge(const memory_slot* slot, const lease_token& token) noexcept
{
    if (!slot) return settle_status::gone;
    if (slot->state == state::processing && slot->token == token) return settle_status::applied;
    const bool repeated = token && slot->has_history && slot->history->settled_token == token;
    return repeated ? settle_status::applied : settle_status::lease_lost;
}

[[nodiscard]] inline bool memory_vanishes(const memory_slot& slot, const verdict& v) noexcept
{
    return v.kind == verdict_kind::complete && slot.retention <= duration::zero();
}

// Makes what memory_apply moves into place; `batch` settlements in all.
inline void memory_prepare(memory_core& core, memory_slot& slot, const settlement& s, memory_outcome& outcome,
                           std::size_t batch)
{
    memory_history& history = memory_history_of(slot);
    core.reserve_waiting(slot, batch);
    slot.lane->line(state::completed).reserve(batch);
    slot.lane->line(state::dead).reserve(batch);
    outcome.slot = &slot;
    outcome.has_run = s.report.has_value();
    outcome.error = s.report && s.error.empty() ? s.report->error : s.error;
    outcome.result = s.result;
    if (!s.report) return;
    memory_reserve_attempt(history);
    outcome.run = *s.report;
    outcome.run.number = slot.attempts + slot.crashes + 1;
    outcome.run.worker = memory_holder(slot);
    const run_output& output = outcome.run.output;
    if (outcome.run.output_bytes == 0)
        outcome.run.output_bytes = output.head.size() + output.tail.size() + output.dropped_bytes;
}

inline void memory_apply(memory_core& core, memory_outcome& outcome, const verdict& v, timestamp now) noexcept
{
    memory_slot& slot = *outcome.slot;
    memory_history& history = *slot.history;
    const state before = slot.was_failed ? state::failed : state::pending;
    const state to = state_after(v.kind, before, slot.cancel_requested);
    history.settled_token = slot.token;
    if (outcome.has_run) {
        ++slot.attempts;
        history.exit_code = outcome.run.exit_code;
        history.signal = outcome.run.signal;
        memory_keep_attempt(history, std::move(outcome.run));
    }
    if (to == state::completed)
        history.error.clear();
    else if (outcome.has_run || !outcome.error.empty())
        history.error.swap(outcome.error);
    if (to == state::completed || !outcome.result.empty()) history.result.swap(outcome.result);
    if (is_final(to)) return core.end(slot, to, now);
    if (v.kind == verdict_kind::retry) slot.run_at = saturated(v.retry_at);
    core.give_up_lease(slot, to, now);
}

inline void memory_settle(memory_core& core, std::span<const settlement> settlements, std::span<settle_status> statuses,
                          timestamp now)
{
    const std::size_t n = settlements.size();
    core.found.resize(std::max(core.found.size(), n));
    for (std::size_t i = 0; i < n; ++i) {
        core.found[i] = core.recent.find(settlements[i].receipt.token);
        if (core.found[i]) core.table.prefetch(core.found[i]->hash);
    }
    std::size_t prepared = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const settlement& s = settlements[i];
        memory_slot* slot = core.found[i];
        if (!slot || !memory_equal(slot->id, s.receipt.id)) slot = core.table.find(s.receipt.id);
        statuses[i] = memory_judge(slot, s.receipt.token);
        const bool changes = slot && slot->state == state::processing && slot->token == s.receipt.token;
        core.found[i] = changes ? slot : nullptr;
        if (!changes || memory_vanishes(*slot, s.verdict)) continue;
        if (prepared == core.outcomes.size()) core.outcomes.emplace_back();
        memory_prepare(core, *slot, s, core.outcomes[prepared++], n);
    }
    prepared = 0;
    for (std::size_t i = 0; i < n; ++i) {
        if (!core.found[i]) continue;
        const verdict& v = settlements[i].verdict;
        if (memory_vanishes(*core.found[i], v))
            core.erase(*core.found[i]);
        else
            memory_apply(core, core.outcomes[prepared++], v, now);
    }
}

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/handler.hpp
// How a handler is called, and what it may return.
#ifndef QUEUECTL_HANDLER_HPP
#define QUEUECTL_HANDLER_HPP

namespace queuectl::inline v0 {

// What a handler that returns an outcome says.

// Done; `result` is kept with the job (≤ 64 KiB).
[[nodiscard]] inline outcome succeed(std::string result = {})
{
    outcome o;
    o.report.status = run_status::succeeded;
    o.result = std::move(result);
    return o;
}
// Failed; retried by the backoff while retries are left.
[[nodiscard]] inline outcome fail_run(std::string why)
{
    outcome o;
    o.report.status = run_status::failed;
    o.report.error = std::move(why);
    return o;
}
// Failed, and no retry can mend it: straight to the dead letter queue.
[[nodiscard]] inline outcome fail_for_good(std::string why)
{
    outcome o = fail_run(std::move(why));
    o.final_failure = true;
    return o;
}
// Failed; retried after `delay` instead of the backoff's wait, while retries are left.
[[nodiscard]] inline outcome retry_in(duration delay, std::string why)
{
    outcome o = fail_run(std::move(why));
    o.retry_after = delay;
    return o;
}

namespace detail {

template <class H>
concept takes_context = std::invocable<H&, const job&, context&>;

template <class R>
concept handler_return = std::is_void_v<R> || std::same_as<R, bool> || std::same_as<R, outcome> ||
    std::same_as<R, result<void>> || std::same_as<R, result<std::string>>;

template <class H>
[[nodiscard]] decltype(auto) call(H& handler, const job& j, context& c)
{
    if constexpr (takes_context<H>)
        return handler(j, c);
    else
        return handler(j);
}

template <class H>
using return_of = std::remove_cvref_t<decltype(detail::call(std::declval<H&>(), std::declval<const job&>(),
                                                            std::declval<context&>()))>;

}  // namespace detail

// Expression                 Meaning
// h(const job&, context&)    Runs the job; or
// h(const job&)              the same, without a look at the context.
//
// It returns      and that is
// void            success
// bool            true: success, false: failure
// result<void>, result<std::string>   success, with the string as the job's result; or a failure with the error's
// message outcome         what it says: succeed(), fail_run(), fail_for_good(), retry_in()
//
// An exception is a failure with its what().
template <class H>
concept job_handler = (std::invocable<H&, const job&, context&> ||
                       std::invocable<H&, const job&>)&&detail::handler_return<detail::return_of<H>>;

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/detail/run_handler.hpp
// One call of a handler, turned into the outcome of a run.
#ifndef QUEUECTL_DETAIL_RUN_HANDLER_HPP
#define QUEUECTL_DETAIL_RUN_HANDLER_HPP

#if QUEUECTL_HAS_EXCEPTIONS
#include <exception>
#endif

namespace queuectl::inline v0::detail {

inline void set_failed(outcome& into, std::string why)
{
    into.report.status = run_status::failed;
    into.report.error = std::move(why);
}

// Calls the handler and stores what it returned; `into` is fresh.
template <job_handler H>
void call_into(H& handler, const job& j, context& c, outcome& into)
{
    using returned = return_of<H>;
    into.report.status = run_status::succeeded;
    if constexpr (std::is_void_v<returned>) {
        call(handler, j, c);
    } else if constexpr (std::same_as<returned, bool>) {
        if (!call(handler, j, c)) set_failed(into, "the handler returned false");
    } else if constexpr (std::same_as<returned, outcome>) {
        into = call(handler, j, c);
    } else {
        auto r = call(handler, j, c);
        if (!r)
            set_failed(into, r.error().message());
        else if constexpr (std::same_as<returned, result<std::string>>)
            into.result = *std::move(r);
    }
}

template <job_handler H>
void call_guarded(H& handler, const job& j, context& c, outcome& into)
{
#if QUEUECTL_HAS_EXCEPTIONS
    try {
        call_into(handler, j, c, into);
    } catch (const std::exception& e) {
        set_failed(into, e.what());
    } catch (...) {
        set_failed(into, "the handler threw something that is no std::exception");
    }
#else
    call_into(handler, j, c, into);
#endif
}

inline void apply_limits(outcome& into)
{
    if (into.result.size() > limits::result_bytes) {
        set_failed(into, "the result has " + std::to_string(into.result.size()) + " bytes; at most " +
                             std::to_string(limits::result_bytes) + " are allowed");
        into.result.clear();
    }
    if (into.report.error.size() > limits::error_bytes) into.report.error.resize(limits::error_bytes);
}

// What a request to stop, and the time taken, make of the handler's own word.
inline void apply_stop(outcome& into, std::optional<stop_reason> why, bool late)
{
    if (late || why == stop_reason::timed_out) {
        into = outcome{};
        into.report.status = run_status::timed_out;
        into.report.error = "timed out";
    } else if (into.report.status == run_status::succeeded && !into.released) {
        return;
    } else if (why == stop_reason::cancelled) {
        into.released = false;
        into.report.status = run_status::cancelled;
    } else if (why) {
        into.released = true;
    }
}

// Runs the job of `l`, begun when `clock` read `begun`; returns the reading at its end. `into` is fresh.
template <job_handler H, class Clock>
duration run_handler(H& handler, const lease& l, const stop_flag& stop, const Clock& clock, duration begun,
                     timestamp started_at, outcome& into)
{
    context c{l, stop, clock, begun};
    call_guarded(handler, l.job, c, into);
    const duration ended = clock();
    const duration elapsed = ended - begun;
    const bool late = l.job.timeout > duration{0} && elapsed >= l.job.timeout;
    if (const auto why = stop.reason(); why || late) apply_stop(into, why, late);
    apply_limits(into);
    into.report.started_at = started_at;
    into.report.ended_at = add(started_at, elapsed);
    return ended;
}

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/detail/sync.hpp
// std::mutex where there are threads, nothing where there are none.
#ifndef QUEUECTL_DETAIL_SYNC_HPP
#define QUEUECTL_DETAIL_SYNC_HPP

#if QUEUECTL_HAS_THREADS
#include <mutex>
#endif

namespace queuectl::inline v0::detail {

#if QUEUECTL_HAS_THREADS
using mutex = std::mutex;
#else
struct mutex {
    void lock() noexcept {}
    void unlock() noexcept {}
    bool try_lock() noexcept { return true; }
};
#endif

// Holds a mutex for a scope.
class [[nodiscard]] scoped_lock {
public:
    explicit scoped_lock(mutex& m) : mutex_{m} { mutex_.lock(); }
    ~scoped_lock() { mutex_.unlock(); }
    scoped_lock(const scoped_lock&) = delete;
    scoped_lock& operator=(const scoped_lock&) = delete;

private:
    mutex& mutex_;
};

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/fwd.hpp
// Forward declarations; the only place for template defaults and aliases.
#ifndef QUEUECTL_FWD_HPP
#define QUEUECTL_FWD_HPP

namespace queuectl::inline v0 {

struct queue_traits;
struct exponential;
class no_executor;

struct steady_time;
template <class Handler, class Clock = steady_time>
class inline_executor;
template <class Handler, class Clock = steady_time>
class thread_pool_executor;

template <class Storage, class Executor, class Backoff = exponential, class Traits = queue_traits>
class basic_queue;

// Only enqueues and inspects: for programs whose workers are elsewhere.
template <class Storage>
using producer = basic_queue<Storage, no_executor>;

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/executor/inline.hpp
// Runs each job in the worker's own thread.
#ifndef QUEUECTL_EXECUTOR_INLINE_HPP
#define QUEUECTL_EXECUTOR_INLINE_HPP

namespace queuectl::inline v0 {

// `inline_executor{[](const queuectl::job& j) { … }}`: start() calls the handler and returns when it has ended.
// With `ahead` > 1 the worker claims that many jobs at once and runs them one after another: more jobs per
// sync, but they wait for each other while other workers cannot have them.
//
// Allocates nothing per job once its buffer has grown, beyond what the handler does. A run can be stopped only
// by its timeout: the worker's loop, which would pass on a cancellation, is busy running it.
template <class Handler, class Clock>
class inline_executor {
    static_assert(job_handler<Handler>,
                  "a handler is called as h(const queuectl::job&, queuectl::context&) or h(const queuectl::job&) and "
                  "returns void, bool, outcome, result<void> or result<std::string>");

public:
    explicit inline_executor(Handler h, std::size_t ahead = 1, Clock clock = Clock{})
        : handler_{std::move(h)}, clock_{std::move(clock)}, ahead_{ahead == 0 ? 1 : ahead}
    {
    }

    [[nodiscard]] std::size_t capacity() const noexcept { return ended_.size() < ahead_ ? ahead_ - ended_.size() : 0; }

    [[nodiscard]] result<void> start(const lease& l, const instant& now)
    {
        QUEUECTL_ASSERT(capacity() > 0);
        // The next of several jobs begins when the one before it has ended.
        if (ended_.empty()) {
            first_begun_ = last_ended_ = clock_();
            first_started_at_ = now.wall;
        }
        finished_run& run = ended_.emplace_back();
        run.token = l.token;
        const timestamp started_at = add(first_started_at_, last_ended_ - first_begun_);
        last_ended_ = detail::run_handler(handler_, l, never_stopped_, clock_, last_ended_, started_at, run.what);
        return {};
    }

    void collect(std::vector<finished_run>& out, duration max)
    {
        if (ended_.empty()) {
            if (max > duration{0}) wake_.wait_for(max);
        } else if (out.empty()) {
            std::swap(out, ended_);
        } else {
            for (finished_run& run : ended_) out.push_back(std::move(run));
            ended_.clear();
        }
    }

    void stop(lease_token, stop_reason) noexcept {}
    void wake() noexcept { wake_.set(); }

    [[nodiscard]] Handler& handler() noexcept { return handler_; }

private:
    Handler handler_;
    [[no_unique_address]] Clock clock_;
    std::size_t ahead_;
    std::vector<finished_run> ended_{};
    duration first_begun_{};
    duration last_ended_{};
    timestamp first_started_at_{};
    detail::event wake_{};
    static inline const stop_flag never_stopped_{};
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/executor/none.hpp
// An executor that runs nothing: for programs that only enqueue.
#ifndef QUEUECTL_EXECUTOR_NONE_HPP
#define QUEUECTL_EXECUTOR_NONE_HPP

namespace queuectl::inline v0 {

class no_executor {
public:
    [[nodiscard]] static constexpr std::size_t capacity() noexcept { return 0; }
    [[nodiscard]] result<void> start(const lease&, const instant&)
    {
        return fail(errc::unsupported, "start", "a queue without an executor runs no jobs");
    }
    void collect(std::vector<finished_run>&, duration) noexcept {}
    void stop(lease_token, stop_reason) noexcept {}
    void wake() noexcept {}
};

static_assert(executor<no_executor>);

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/executor/thread_pool.hpp
// Runs handlers on threads of its own.
#ifndef QUEUECTL_EXECUTOR_THREAD_POOL_HPP
#define QUEUECTL_EXECUTOR_THREAD_POOL_HPP

#if QUEUECTL_HAS_THREADS

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#if QUEUECTL_HAS_EXCEPTIONS
#include <system_error>
#endif

namespace queuectl::inline v0 {

// `thread_pool_executor{4, handler}`: up to four jobs at once. All threads call the one handler, at the same
// time: it must be safe for that. Threads are started when there is work for them. stop() reaches a running
// handler through its context. The destructor asks what runs to stop (stop_reason::shutdown) and waits for it.
// Movable while nothing runs.
template <class Handler, class Clock>
class thread_pool_executor {
    static_assert(job_handler<Handler>,
                  "a handler is called as h(const queuectl::job&, queuectl::context&) or h(const queuectl::job&) and "
                  "returns void, bool, outcome, result<void> or result<std::string>");

public:
    thread_pool_executor(std::size_t threads, Handler h, Clock clock = Clock{})
        : pool_{std::make_unique<pool>(threads == 0 ? 1 : threads, std::move(h), std::move(clock))}
    {
    }

    [[nodiscard]] std::size_t capacity() const noexcept { return pool_->free_.size(); }

    [[nodiscard]] result<void> start(const lease& l, const instant& now)
    {
        QUEUECTL_ASSERT(capacity() > 0);
        return pool_->start(l, now);
    }

    void collect(std::vector<finished_run>& out, duration max) { pool_->collect(out, max); }
    void stop(lease_token token, stop_reason why) noexcept { pool_->stop(token, why); }
    void wake() noexcept { pool_->news_.set(); }

    [[nodiscard]] Handler& handler() noexcept { return pool_->handler_; }

private:
    // One run in flight. The loop's thread fills it in, one worker thread runs it, the loop's thread collects it.
    struct slot {
        const lease* held = nullptr;  // null: free
        timestamp started_at{};
        stop_flag stop{};
        finished_run run{};
    };

    struct pool {
        pool(std::size_t size, Handler h, Clock c) : handler_{std::move(h)}, clock_{std::move(c)}, slots_(size)
        {
            for (slot& s : slots_) free_.push_back(&s);
            ready_.reserve(size);
            ended_.reserve(size);
            collected_.reserve(size);
        }
        ~pool()
        {
            for (slot& s : slots_) s.stop.request(stop_reason::shutdown);
            {
                const std::lock_guard lock{mutex_};
                closing_ = true;
            }
            work_.notify_all();
            for (std::thread& t : threads_) t.join();
        }

        result<void> start(const lease& l, const instant& now)
        {
            const std::size_t running = slots_.size() - free_.size();
            if (threads_.size() <= running)
                if (auto grown = add_thread(); !grown) return grown;
            slot& s = *free_.back();
            free_.pop_back();
            s.held = &l;
            s.started_at = now.wall;
            s.stop.reset();
            s.run.token = l.token;
            s.run.what = outcome{};
            {
                const std::lock_guard lock{mutex_};
                ready_.push_back(&s);
            }
            work_.notify_one();
            return {};
        }

        result<void> add_thread()
        {
#if QUEUECTL_HAS_EXCEPTIONS
            try {
                threads_.emplace_back([this] { serve(); });
            } catch (const std::system_error& e) {
                return fail(errc::spawn_failed, "start a thread", e.what(), e.code().value());
            }
#else
            threads_.emplace_back([this] { serve(); });
#endif
            return {};
        }

        void collect(std::vector<finished_run>& out, duration max)
        {
            const bool woken = news_.wait_for(duration{0});
            if (!take_ended() && !woken && max > duration{0}) {
                news_.wait_for(max);
                take_ended();
            }
            for (slot* s : collected_) {
                out.push_back(std::move(s->run));
                s->held = nullptr;
                free_.push_back(s);
            }
            collected_.clear();
        }

        bool take_ended()
        {
            const std::lock_guard lock{mutex_};
            std::swap(ended_, collected_);
            return !collected_.empty();
        }

        void stop(lease_token token, stop_reason why) noexcept
        {
            for (slot& s : slots_)
                if (s.held && s.run.token == token) s.stop.request(why);
        }

        // A worker thread's life.
        void serve()
        {
            while (slot* s = next()) {
                run(*s);
                {
                    const std::lock_guard lock{mutex_};
                    ended_.push_back(s);
                }
                news_.set();
            }
        }

        slot* next()
        {
            std::unique_lock lock{mutex_};
            work_.wait(lock, [this] { return closing_ || !ready_.empty(); });
            if (ready_.empty()) return nullptr;
            slot* s = ready_.front();
            ready_.erase(ready_.begin());
            return s;
        }

        void run(slot& s)
        {
            // Asked to stop before it began: it does not.
            if (const auto why = s.stop.reason()) {
                s.run.what.released = true;
                detail::apply_stop(s.run.what, why, false);
                s.run.what.report.started_at = s.run.what.report.ended_at = s.started_at;
                return;
            }
            detail::run_handler(handler_, *s.held, s.stop, clock_, clock_(), s.started_at, s.run.what);
        }

        Handler handler_;
        [[no_unique_address]] const Clock clock_;
        std::vector<slot> slots_;       // of the loop's thread, but for the runs in flight
        std::vector<slot*> free_;       // of the loop's thread
        std::vector<slot*> collected_;  // of the loop's thread
        std::vector<std::thread> threads_;
        detail::event news_;

        std::mutex mutex_;  // guards what follows
        std::condition_variable work_;
        std::vector<slot*> ready_;
        std::vector<slot*> ended_;
        bool closing_ = false;
    };

    std::unique_ptr<pool> pool_;
};

}  // namespace queuectl::inline v0

#endif
#endif

// ---- queuectl/payload.hpp
// Typed payloads: how a type becomes a job's bytes and comes back.
#ifndef QUEUECTL_PAYLOAD_HPP
#define QUEUECTL_PAYLOAD_HPP

namespace queuectl::inline v0 {

// Either give T two members,
//     std::string to_payload() const;
//     static queuectl::result<T> from_payload(std::string_view);
// or specialise this with the two functions below, for a type that is not yours. Bytes once stored are read by
// later versions of the program: the format is a promise of its author.
template <class T>
struct payload_traits {
    [[nodiscard]] static std::string encode(const T& value) requires requires
    {
        {
            value.to_payload()
            } -> std::convertible_to<std::string>;
    }
    {
        return value.to_payload();
    }
    [[nodiscard]] static result<T> decode(std::string_view bytes) requires requires
    {
        {
            T::from_payload(bytes)
            } -> std::same_as<result<T>>;
    }
    {
        return T::from_payload(bytes);
    }
};

// Text is its own payload.
template <>
struct payload_traits<std::string> {
    [[nodiscard]] static std::string encode(std::string value) { return value; }
    [[nodiscard]] static result<std::string> decode(std::string_view bytes) { return std::string{bytes}; }
};

template <class T>
concept payload_type = requires(const T& value, std::string_view bytes)
{
    {
        payload_traits<T>::encode(value)
        } -> std::same_as<std::string>;
    {
        payload_traits<T>::decode(bytes)
        } -> std::same_as<result<T>>;
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/handlers.hpp
// A handler for each kind of job.
#ifndef QUEUECTL_HANDLERS_HPP
#define QUEUECTL_HANDLERS_HPP

namespace queuectl::inline v0 {

// `handlers{}.on("email", send).on<resize>("resize", [](const resize& r, context&) { … })`: itself a handler,
// that calls the one of the job's kind. A job of a kind without one, and a payload that cannot be decoded, are
// dead-lettered with the reason: no retry mends them. Movable. Calls are as thread-safe as the handlers are;
// on() while calls go on is not.
class handlers {
public:
    // The handler of one kind; a second one replaces the first. `kind` may be empty: jobs without a kind.
    template <job_handler H>
    handlers& on(std::string kind, H h) &
    {
        place(std::move(kind)) = std::make_unique<held<H>>(std::move(h));
        return *this;
    }
    // The handler gets the decoded payload in place of the job: h(const T&, context&) or h(const T&).
    template <payload_type T, class F>
    handlers& on(std::string kind, F f) &
    {
        return on(std::move(kind), typed<T, F>{std::move(f)});
    }
    template <job_handler H>
    handlers&& on(std::string kind, H h) &&
    {
        return std::move(on(std::move(kind), std::move(h)));
    }
    template <payload_type T, class F>
    handlers&& on(std::string kind, F f) &&
    {
        return std::move(on<T>(std::move(kind), std::move(f)));
    }

    // The kinds that have a handler, sorted: for queue_options::kinds, so that others are left to other workers.
    [[nodiscard]] std::vector<std::string> kinds() const
    {
        std::vector<std::string> out;
        out.reserve(table_.size());
        for (const entry& e : table_) out.push_back(e.kind);
        return out;
    }

    [[nodiscard]] outcome operator()(const job& j, context& c)
    {
        const auto found = lower_bound(j.kind);
        if (found == table_.end() || found->kind != j.kind)
            return fail_for_good("there is no handler for the kind \"" + j.kind + "\"");
        outcome into;
        found->handler->call(j, c, into);
        return into;
    }

private:
    struct base {
        base() = default;
        base(const base&) = delete;
        base& operator=(const base&) = delete;
        virtual ~base() = default;
        virtual void call(const job& j, context& c, outcome& into) = 0;
    };
    template <class H>
    struct held final : base {
        explicit held(H h) : handler{std::move(h)} {}
        void call(const job& j, context& c, outcome& into) override { detail::call_into(handler, j, c, into); }
        H handler;
    };
    // A handler of T as a handler of jobs.
    template <class T, class F>
    struct typed {
        F function;
        outcome operator()(const job& j, context& c)
        {
            auto value = payload_traits<T>::decode(j.payload);
            if (!value) return fail_for_good("payload: " + value.error().message());
            outcome into;
            const auto with_value = [&](const job&, context& same) -> decltype(auto) {
                if constexpr (std::invocable<F&, const T&, context&>)
                    return function(*std::as_const(value), same);
                else
                    return function(*std::as_const(value));
            };
            detail::call_into(with_value, j, c, into);
            return into;
        }
    };
    struct entry {
        std::string kind;
        std::unique_ptr<base> handler;
    };

    std::vector<entry>::iterator lower_bound(std::string_view kind)
    {
        return std::lower_bound(table_.begin(), table_.end(), kind,
                                [](const entry& e, std::string_view k) { return e.kind < k; });
    }
    std::unique_ptr<base>& place(std::string kind)
    {
        auto at = lower_bound(kind);
        if (at == table_.end() || at->kind != kind) at = table_.insert(at, entry{std::move(kind), nullptr});
        return at->handler;
    }

    std::vector<entry> table_;  // sorted by kind
};

static_assert(job_handler<handlers>);

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/heartbeat.hpp
// Keeps a worker's leases alive and listens for news, beside the loop that runs the jobs.
#ifndef QUEUECTL_HEARTBEAT_HPP
#define QUEUECTL_HEARTBEAT_HPP

#if QUEUECTL_HAS_THREADS
#include <condition_variable>
#include <thread>
#endif

namespace queuectl::inline v0 {

// What the heartbeat learnt since it was last asked.
struct heartbeat_news {
    std::vector<lease_token> lost;       // stop these, throw their results away
    std::vector<lease_token> cancelled;  // stop these, someone asked
};

// Extends every held lease each third of its duration, and at once when a cancellation was asked for. With
// `Threads` this happens on a thread of its own that no job can starve, which also waits for the storage to tell
// of work and then calls `wake`; without, the loop calls beat_if_due(). hold, drop, take: any thread.
template <storage Storage, class TimeSource, class Wake, class Trouble, bool Threads>
class heartbeat {
public:
    heartbeat(Storage& s, const TimeSource& time, Wake wake, Trouble trouble, duration lease, duration check)
        : storage_{s},
          time_{time},
          wake_{std::move(wake)},
          trouble_{std::move(trouble)},
          lease_{lease},
          check_{check},
          next_beat_{add(time.now().boot, lease / 3)}
    {
        if constexpr (notifying_storage<Storage>) seen_ = storage_.changes();
#if QUEUECTL_HAS_THREADS
        if constexpr (Threads) thread_ = std::thread{[this] { listen(); }};
#endif
    }
    ~heartbeat()
    {
#if QUEUECTL_HAS_THREADS
        if constexpr (Threads) stop_thread();
#endif
    }
    heartbeat(const heartbeat&) = delete;
    heartbeat& operator=(const heartbeat&) = delete;

    void hold(const lease& l)
    {
        const detail::scoped_lock guard{mutex_};
        held_.push_back(l.receipt());
    }
    // Linear in what is held for a batch of any size, given in about the order of hold().
    void drop(std::span<const settlement> settled)
    {
        const detail::scoped_lock guard{mutex_};
        auto hint = held_.begin();
        for (const auto& s : settled) hint = forget(hint, s.receipt.token);
        std::erase_if(held_, [](const receipt& r) { return !r.token; });
    }
    void drop(lease_token token)
    {
        const detail::scoped_lock guard{mutex_};
        std::erase_if(held_, [&](const receipt& r) { return r.token == token; });
    }
    [[nodiscard]] heartbeat_news take()
    {
        const detail::scoped_lock guard{mutex_};
        return std::exchange(news_, {});
    }
    // Whether the storage has told of work since the last call.
    [[nodiscard]] bool take_work() { return work_.exchange(false); }

    // Without a thread: extends when it is time, or when a cancellation was asked for.
    void beat_if_due(const instant& now)
    {
        look();
        if (now.boot >= next_beat_ || control_) beat(now);
    }
    // Boot time of the next beat.
    [[nodiscard]] duration next_beat() const { return next_beat_; }

private:
    using receipts = std::vector<receipt>;

    typename receipts::iterator forget(typename receipts::iterator from, const lease_token& token)
    {
        const auto is_it = [&](const receipt& r) { return r.token == token; };
        auto found = std::find_if(from, held_.end(), is_it);
        if (found == held_.end()) found = std::find_if(held_.begin(), from, is_it);
        if (found == held_.end() || found->token != token) return from;
        found->token = {};
        return found + 1;
    }

    void look()
    {
        if constexpr (notifying_storage<Storage>) heard(storage_.changes());
    }
    void heard(change_counts now)
    {
        if (now.work != seen_.work) work_ = true;
        if (now.control != seen_.control) control_ = true;
        seen_ = now;
    }

    void beat(const instant& now)
    {
        control_ = false;
        next_beat_ = add(now.boot, lease_ / 3);
        receipts extending;
        {
            const detail::scoped_lock guard{mutex_};
            extending = held_;
        }
        constexpr std::size_t batch = storage_traits<Storage>::max_batch;
        for (std::size_t i = 0; i < extending.size(); i += batch)
            extend(std::span{extending}.subspan(i, std::min(batch, extending.size() - i)), now);
    }

    void extend(std::span<const receipt> part, const instant& now)
    {
        std::vector<extend_status> statuses(part.size());
        if (auto extended = storage_.extend(part, lease_, statuses, now); !extended) return trouble_(extended.error());
        const detail::scoped_lock guard{mutex_};
        for (std::size_t i = 0; i < part.size(); ++i) {
            if (statuses[i] == extend_status::lease_lost) news_.lost.push_back(part[i].token);
            if (statuses[i] == extend_status::cancel_requested) news_.cancelled.push_back(part[i].token);
        }
    }

#if QUEUECTL_HAS_THREADS
    void listen()
    {
        while (!quit_) listen_once();
        ended_ = true;
    }
    void listen_once()
    {
        const duration until_beat = next_beat_ - time_.now().boot;
        wait(std::clamp(until_beat, duration{1000}, check_));
        if (quit_) return;
        const instant now = time_.now();
        const bool beating = now.boot >= next_beat_ || control_;
        if (beating) beat(now);
        if (beating || work_) wake_();
    }
    void wait(duration max)
    {
        if constexpr (notifying_storage<Storage>) {
            heard(storage_.wait_for_change(seen_, max));
        } else {
            std::unique_lock lock{quit_mutex_};
            quit_changed_.wait_for(lock, max, [this] { return quit_.load(); });
        }
    }
    void stop_thread()
    {
        {
            const std::lock_guard lock{quit_mutex_};
            quit_ = true;
        }
        quit_changed_.notify_all();
        if constexpr (notifying_storage<Storage>) {
            while (!ended_) {  // an interrupt that comes just before the wait is lost
                storage_.interrupt_waits();
                std::this_thread::sleep_for(std::chrono::microseconds{100});
            }
        }
        thread_.join();
    }
#endif

    Storage& storage_;
    const TimeSource& time_;
    Wake wake_;
    Trouble trouble_;
    duration lease_;
    duration check_;
    duration next_beat_;
    change_counts seen_{};
    std::atomic<bool> work_{false};
    bool control_ = false;
    detail::mutex mutex_;
    receipts held_;
    heartbeat_news news_;
#if QUEUECTL_HAS_THREADS
    std::atomic<bool> quit_{false};
    std::atomic<bool> ended_{false};
    std::mutex quit_mutex_;
    std::condition_variable quit_changed_;
    std::thread thread_;
#endif
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/random.hpp
// Randomness for nonces, ids and jitter.
#ifndef QUEUECTL_RANDOM_HPP
#define QUEUECTL_RANDOM_HPP

#if defined(__linux__)
#include <sys/random.h>
#else
#include <random>
#endif

namespace queuectl::inline v0 {

// xoshiro256++ (Blackman & Vigna, public domain reference), seeded with 256 bits from the operating system,
// or from a given seed for repeatable tests. Not for secrets. Not thread-safe.
class random_source {
public:
    random_source() noexcept
    {
#if defined(__linux__)
        if (getrandom(state_, sizeof state_, 0) == static_cast<ssize_t>(sizeof state_)) return;
        seed(reinterpret_cast<std::uintptr_t>(this));
#else
        std::random_device device;
        for (auto& word : state_) word = std::uint64_t{device()} << 32 | device();
#endif
    }
    explicit random_source(std::uint64_t value) noexcept { seed(value); }

    [[nodiscard]] std::uint64_t operator()() noexcept
    {
        const std::uint64_t out = rotate(state_[0] + state_[3], 23) + state_[0];
        const std::uint64_t t = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= t;
        state_[3] = rotate(state_[3], 45);
        return out;
    }

    // Never all zero.
    [[nodiscard]] uid draw_uid() noexcept { return {(*this)(), (*this)() | 1}; }

private:
    static constexpr std::uint64_t rotate(std::uint64_t x, int k) noexcept { return x << k | x >> (64 - k); }
    void seed(std::uint64_t value) noexcept  // splitmix64
    {
        for (auto& word : state_) {
            std::uint64_t z = value += 0x9e3779b97f4a7c15;
            z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
            z = (z ^ z >> 27) * 0x94d049bb133111eb;
            word = z ^ z >> 31;
        }
    }
    std::uint64_t state_[4];
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/id_source.hpp
// Ids for jobs that were given none.
#ifndef QUEUECTL_ID_SOURCE_HPP
#define QUEUECTL_ID_SOURCE_HPP

namespace queuectl::inline v0 {

// 15 characters of Crockford's base 32 in lower case (no i, l, o, u): 42 bits of milliseconds since 1970, 33 bits
// that start at random and count up within a millisecond. They sort by time, never repeat within one source, fit
// into a std::string without allocation; that two sources draw the same one is possible, and the queue then draws
// again. Not thread-safe.
class id_source {
public:
    [[nodiscard]] std::string operator()(const instant& now, random_source& random)
    {
        const auto ms = static_cast<std::uint64_t>(now.wall.time_since_epoch().count()) / 1000 & ((1ull << 42) - 1);
        if (ms > last_ms_) {
            last_ms_ = ms;
            count_ = random() >> 32;
        } else if (++count_ >> 33 != 0) {
            ++last_ms_;
            count_ = 0;
        }
        return format(last_ms_, count_);
    }

private:
    static std::string format(std::uint64_t ms, std::uint64_t count)
    {
        char text[15];
        std::uint64_t low = (ms & 127) << 33 | count;  // 40 bits: 8 characters
        for (int i = 14; i > 6; --i, low >>= 5) text[i] = digits[low & 31];
        std::uint64_t high = ms >> 7;  // 35 bits: 7 characters
        for (int i = 6; i >= 0; --i, high >>= 5) text[i] = digits[high & 31];
        return std::string(text, sizeof text);
    }

    static constexpr char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    std::uint64_t last_ms_ = 0;
    std::uint64_t count_ = 0;
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/time_source.hpp
// The real clocks.
#ifndef QUEUECTL_TIME_SOURCE_HPP
#define QUEUECTL_TIME_SOURCE_HPP

#include <cstdio>
#include <time.h>

namespace queuectl::inline v0 {

namespace detail {

// Linux: /proc/sys/kernel/random/boot_id. Elsewhere a constant: leases then run on the steady clock of a host
// that is taken never to reboot, and end by their duration alone.
inline uid read_boot_id() noexcept
{
    uid id{0, 1};
#if defined(__linux__)
    if (std::FILE* file = std::fopen("/proc/sys/kernel/random/boot_id", "re")) {
        uid read{};
        int digits = 0;
        for (int c = std::fgetc(file); c != EOF && digits < 32; c = std::fgetc(file)) {
            const int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
            if (value < 0) continue;
            read.high = read.high << 4 | read.low >> 60;
            read.low = read.low << 4 | static_cast<std::uint64_t>(value);
            ++digits;
        }
        std::fclose(file);
        if (digits == 32) id = read;
    }
#endif
    return id;
}

}  // namespace detail

// A time source has now(). This one reads the system's clocks; thread-safe.
struct system_time_source {
    [[nodiscard]] instant now() const noexcept
    {
        static const uid boot = detail::read_boot_id();
        return {std::chrono::time_point_cast<duration>(std::chrono::system_clock::now()), boot_time(), boot};
    }

private:
    static duration boot_time() noexcept
    {
#if defined(CLOCK_BOOTTIME)
        timespec t{};
        clock_gettime(CLOCK_BOOTTIME, &t);
        return duration{t.tv_sec * 1'000'000 + t.tv_nsec / 1'000};
#else
        return std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch());
#endif
    }
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/verify_report.hpp
// What a check of a store has found.
#ifndef QUEUECTL_VERIFY_REPORT_HPP
#define QUEUECTL_VERIFY_REPORT_HPP

namespace queuectl::inline v0 {

// The most important first.
enum class finding_kind : std::uint8_t {
    damage,    // bytes that cannot be read, or are not what was written
    wrong,     // what can be read contradicts itself
    leftover,  // takes room, harms nothing
};
[[nodiscard]] constexpr std::string_view name(finding_kind kind) noexcept
{
    constexpr std::string_view names[] = {"damage", "wrong", "leftover"};
    return names[static_cast<std::size_t>(kind)];
}

struct finding {
    finding_kind kind = finding_kind::wrong;
    std::string text;  // one line, naming file and offset, job or queue
};

struct verify_report {
    static constexpr std::size_t findings_kept = 100;

    std::uint64_t jobs = 0;
    std::uint64_t runs = 0;
    std::uint64_t bytes = 0;        // of files that were read
    std::uint64_t found = 0;        // findings, also those that are not kept
    bool damaged = false;           // one of them is damage
    bool counts_moved = false;      // jobs never stood still long enough for a recount from outside
    std::vector<finding> findings;  // the most important, in that order

    void add(finding_kind kind, std::string text)
    {
        ++found;
        damaged = damaged || kind == finding_kind::damage;
        const auto at = std::upper_bound(findings.begin(), findings.end(), kind,
                                         [](finding_kind k, const finding& f) { return k < f.kind; });
        findings.insert(at, finding{kind, std::move(text)});
        if (findings.size() > findings_kept) findings.pop_back();
    }
    // Both together.
    void add(verify_report other)
    {
        const auto dropped = other.found - other.findings.size();
        jobs += other.jobs;
        runs += other.runs;
        bytes += other.bytes;
        counts_moved = counts_moved || other.counts_moved;
        for (auto& f : other.findings) add(f.kind, std::move(f.text));
        found += dropped;
        damaged = damaged || other.damaged;
    }
};

// One step of removing output files that no run names and none will.
struct output_sweep {
    std::size_t removed = 0;
    bool done = true;  // false: call again, later
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/lifecycle.hpp
// Policy as pure functions: what an outcome means for a job. No clock, no storage.
#ifndef QUEUECTL_LIFECYCLE_HPP
#define QUEUECTL_LIFECYCLE_HPP

namespace queuectl::inline v0 {

// The wait before the retry that follows the ended run of this lease.
template <backoff Backoff>
[[nodiscard]] duration retry_delay(const lease& l, const outcome& o, const Backoff& b, random_bits bits)
{
    if (o.retry_after) return *o.retry_after < duration{} ? duration{} : saturate(*o.retry_after);
    const std::int32_t ended = l.attempts + 1;
    return l.job.backoff_base > 0 ? exponential{l.job.backoff_base}(ended, bits) : b(ended, bits);
}

// released → release; success → complete; cancelled → cancel; a failure → retry while max_retries allows it and
// the failure is not final, else bury.
template <backoff Backoff>
[[nodiscard]] verdict decide(const lease& l, const outcome& o, const Backoff& b, random_bits bits, timestamp now)
{
    if (o.released) return {verdict_kind::release, {}};
    if (o.report.status == run_status::succeeded) return {verdict_kind::complete, {}};
    if (o.report.status == run_status::cancelled) return {verdict_kind::cancel, {}};
    if (o.final_failure || l.attempts >= l.job.max_retries) return {verdict_kind::bury, {}};
    return {verdict_kind::retry, add(now, retry_delay(l, o, b, bits))};
}

// A job that took its worker down, or outlived its lease, this often is not run again.
[[nodiscard]] inline bool crashed_too_often(const lease& l, std::int32_t max_crashes)
{
    return max_crashes > 0 && l.crashes >= max_crashes;
}

[[nodiscard]] inline std::string crash_verdict_text(const lease& l)
{
    std::string text = "gave up after " + std::to_string(l.crashes) + " crashes";
    return l.error.empty() ? text : text + "; the last: " + l.error;
}

// A job with a crash behind it runs with no neighbour, so that it takes none with it.
[[nodiscard]] inline bool runs_alone(const lease& l) { return l.crashes > 0; }

// The settlement of a run that ended, or was released.
[[nodiscard]] inline settlement settle_run(const lease& l, outcome&& o, const verdict& v)
{
    settlement s{l.receipt(), v, {}, {}, {}};
    if (o.released) return s;
    s.result = std::move(o.result);
    s.report = std::move(o.report);
    return s;
}

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/new_job.hpp
// What a user asks for, and how it becomes a stored job.
#ifndef QUEUECTL_NEW_JOB_HPP
#define QUEUECTL_NEW_JOB_HPP

namespace queuectl::inline v0 {

// Unset members take the queue's defaults. Limits: limits.hpp.
struct new_job {
    std::string payload{};
    std::string kind{};
    std::string queue{};  // empty = queue_options::default_queue
    std::string id{};     // empty = generated
    int priority = 0;     // −128 … 127, higher first
    duration delay{};     // from now; not together with run_at
    std::optional<timestamp> run_at{};
    std::optional<duration> timeout{};  // of a run; 0 = none
    std::optional<std::int32_t> max_retries{};
    std::optional<double> backoff_base{};  // wait base^attempt seconds; 0 = the queue's Backoff
    std::optional<duration> retention{};   // keep the completed record; 0 = remove it at once
    std::string tag{};
    std::string cwd{};  // process_executor
    std::string env{};  // process_executor: NAME=VALUE, each ended by NUL
    // Not yet supported: refused when set.
    std::string key{};
    std::string unique_key{};
    std::string batch{};
    std::vector<std::string> depends_on{};
};

namespace detail {

inline failure_value bad_field(const char* field, std::string allowed)
{
    return fail(errc::invalid_argument, field, std::move(allowed));
}

inline result<void> check_names(const new_job& j)
{
    const auto name_rule = [](std::size_t n) {
        return "must be 1 to " + std::to_string(n) + " of A-Z a-z 0-9 . _ : - and begin with a letter or digit";
    };
    if (!j.id.empty() && !limits::is_name(j.id, limits::id_bytes)) return bad_field("id", name_rule(limits::id_bytes));
    const std::pair<const char*, const std::string*> names[] = {
        {"queue", &j.queue}, {"kind", &j.kind}, {"tag", &j.tag}};
    for (const auto& [field, value] : names)
        if (!value->empty() && !limits::is_name(*value, limits::name_bytes))
            return bad_field(field, name_rule(limits::name_bytes));
    return {};
}

inline result<void> check_numbers(const new_job& j)
{
    if (j.priority < limits::priority_min || j.priority > limits::priority_max)
        return bad_field("priority", "must be from -128 to 127");
    if (j.delay < duration{} || j.delay > duration_max) return bad_field("delay", "must not be negative or absurd");
    if (j.run_at && j.delay != duration{}) return bad_field("run_at", "cannot be given together with delay");
    if (j.run_at && (*j.run_at < timestamp{} || *j.run_at > timestamp_max))
        return bad_field("run_at", "must be a time after 1970");
    if (j.timeout && (*j.timeout < duration{} || *j.timeout > duration_max))
        return bad_field("timeout", "must not be negative or absurd; 0 is no limit");
    if (j.retention && (*j.retention < duration{} || *j.retention > duration_max))
        return bad_field("retention", "must not be negative or absurd");
    if (j.max_retries && (*j.max_retries < 0 || *j.max_retries > limits::retries_max))
        return bad_field("max_retries", "must be from 0 to 1000000");
    if (j.backoff_base && !(*j.backoff_base >= 0 && *j.backoff_base <= limits::backoff_base_max))
        return bad_field("backoff_base", "must be from 0 to 1000000 seconds");
    return {};
}

inline result<void> check_sizes(const new_job& j)
{
    if (j.payload.size() > limits::payload_bytes) return bad_field("payload", "must be at most 16 MiB");
    if (j.cwd.size() + j.env.size() > limits::environment_bytes)
        return bad_field("env", "must be at most 1 MiB together with cwd");
    if (j.cwd.find('\0') != std::string::npos) return bad_field("cwd", "must not contain NUL");
    return {};
}

inline result<void> check_unsupported(const new_job& j)
{
    const std::pair<const char*, bool> later[] = {{"unique_key", !j.unique_key.empty()},
                                                  {"key", !j.key.empty()},
                                                  {"batch", !j.batch.empty()},
                                                  {"depends_on", !j.depends_on.empty()}};
    for (const auto& [field, set] : later)
        if (set) return fail(errc::unsupported, field, "is not supported by this version");
    return {};
}

}  // namespace detail

// Whether the job may be enqueued; else errc::invalid_argument (or unsupported) with the field as the
// operation and what is allowed as the detail.
[[nodiscard]] inline result<void> validate(const new_job& j)
{
    using check = result<void> (*)(const new_job&);
    for (const check c : {check{detail::check_names}, check{detail::check_numbers}, check{detail::check_sizes},
                          check{detail::check_unsupported}})
        if (auto checked = c(j); !checked) return checked;
    return {};
}

// The stored job of a valid request: defaults resolved. The id may still be empty; the nonce is none.
[[nodiscard]] inline job resolve(new_job&& j, const queue_options& defaults, duration default_retention, timestamp now)
{
    job out;
    out.id = std::move(j.id);
    out.queue = j.queue.empty() ? defaults.default_queue : std::move(j.queue);
    out.kind = std::move(j.kind);
    out.payload = std::move(j.payload);
    out.run_at = j.run_at ? *j.run_at : add(now, j.delay);
    out.timeout = j.timeout.value_or(defaults.timeout);
    out.retention = j.retention ? *j.retention : defaults.retention.value_or(default_retention);
    out.backoff_base = j.backoff_base.value_or(defaults.backoff_base);
    out.max_retries = j.max_retries.value_or(defaults.max_retries);
    out.priority = static_cast<std::int8_t>(j.priority);
    out.tag = std::move(j.tag);
    out.cwd = std::move(j.cwd);
    out.env = std::move(j.env);
    return out;
}

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/traits.hpp
// What a queue takes its time, randomness and ids from, and whom it tells.
#ifndef QUEUECTL_TRAITS_HPP
#define QUEUECTL_TRAITS_HPP

namespace queuectl::inline v0 {

// Hears what a worker does. All calls come from the worker's loop thread, except `trouble`, which may also
// come from its heartbeat thread. Derive and hide what you need.
struct no_observer {
    // A job is about to start.
    void started(const lease&) {}
    // A run ended, and the storage has taken (applied) or refused (lease_lost, gone) its settlement.
    void settled(const lease&, const settlement&, settle_status) {}
    // A job was dead-lettered without a run: it had crashed too often.
    void buried(const lease&, std::string_view /*why*/) {}
    // The storage failed; the worker goes on, and repeats what did not happen, unless run() returns it.
    void trouble(const error&) {}
};

// The defaults. Derive and replace the types you need; the queue holds one object of each, given to its
// constructor in a `traits_values` or default-constructed.
struct queue_traits {
    using time_source = system_time_source;  // instant now() const
    using random_source = queuectl::random_source;
    using id_source = queuectl::id_source;
    using observer = no_observer;
    // false: no thread is ever started; heartbeats come from the worker's loop.
    static constexpr bool threads = QUEUECTL_HAS_THREADS != 0;
};

// One object of each of the traits' types, for a queue whose time, randomness or observer are not the defaults.
template <class Traits>
struct traits_values {
    typename Traits::time_source time{};
    typename Traits::random_source random{};
    typename Traits::id_source ids{};
    typename Traits::observer observer{};
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/run_summary.hpp
// What a run of a worker did.
#ifndef QUEUECTL_RUN_SUMMARY_HPP
#define QUEUECTL_RUN_SUMMARY_HPP

namespace queuectl::inline v0 {

// How often each verdict was settled.
struct run_summary {
    std::uint64_t completed = 0;
    std::uint64_t retried = 0;  // failed, will be retried
    std::uint64_t buried = 0;   // into the dead letter queue
    std::uint64_t cancelled = 0;
    std::uint64_t released = 0;
    std::uint64_t lost = 0;  // the lease was lost: the result was thrown away

    void count(verdict_kind kind, settle_status status) noexcept
    {
        if (status != settle_status::applied)
            ++lost;
        else
            ++of(kind);
    }

private:
    [[nodiscard]] std::uint64_t& of(verdict_kind kind) noexcept
    {
        switch (kind) {
            case verdict_kind::complete: return completed;
            case verdict_kind::retry: return retried;
            case verdict_kind::bury: return buried;
            case verdict_kind::cancel: return cancelled;
            case verdict_kind::release: break;
        }
        return released;
    }
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/stop.hpp
// How a worker's run is ended from outside.
#ifndef QUEUECTL_STOP_HPP
#define QUEUECTL_STOP_HPP

namespace queuectl::inline v0 {

// Each level includes the ones before it.
enum class stop_level : std::uint8_t {
    none,
    finish,   // claim no more; the running jobs finish
    release,  // stop the running jobs and give their leases back: nothing is counted
};

// Owned by the caller, passed to basic_queue::run. request() may be called from any thread, and from a
// signal handler where the executor's wake() may. The queue must outlive a concurrent request().
class stop_source {
public:
    // Raises the level (never lowers it) and wakes the worker.
    void request(stop_level level = stop_level::finish) noexcept
    {
        auto seen = level_.load(std::memory_order_relaxed);
        while (seen < level && !level_.compare_exchange_weak(seen, level)) {}
        if (const auto wake = wake_.load()) wake(target_.load());
    }
    // One level up: the first call finishes, the second releases.
    void escalate() noexcept { request(level() == stop_level::none ? stop_level::finish : stop_level::release); }

    [[nodiscard]] stop_level level() const noexcept { return level_.load(); }
    [[nodiscard]] bool requested() const noexcept { return level() != stop_level::none; }

    // For the worker: what a request calls while it runs; nullptr ends that.
    using wake_function = void (*)(void*) noexcept;
    void connect(wake_function wake, void* target) noexcept
    {
        target_.store(target);
        wake_.store(wake);
    }

private:
    std::atomic<stop_level> level_{stop_level::none};
    std::atomic<wake_function> wake_{nullptr};
    std::atomic<void*> target_{nullptr};
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/worker.hpp
// The worker's loop: claim what can start at once, start it, settle what ended together with the next claim, wait.
#ifndef QUEUECTL_WORKER_HPP
#define QUEUECTL_WORKER_HPP

namespace queuectl::inline v0 {

// When a run of the worker ends by itself.
enum class run_until : std::uint8_t {
    stopped,  // never: only by its stop_source, or by an error that no repetition can mend
    drained,  // nothing of its queues is due, processing anywhere, or waiting for a retry
    idle,     // nothing is due now and nothing of its own runs
};

// Errors after which the same call may succeed later.
[[nodiscard]] constexpr bool is_transient(errc code) noexcept
{
    return code == errc::busy || code == errc::store_full || code == errc::unreachable || code == errc::io ||
           code == errc::outcome_unknown || code == errc::no_memory;
}

// One run of the loop over parts that it does not own. Used through basic_queue::run*. Not thread-safe.
template <class Storage, class Executor, class Backoff, class Traits>
class worker {
public:
    using time_source = typename Traits::time_source;
    static constexpr bool threads = Traits::threads && QUEUECTL_HAS_THREADS && !storage_traits<Storage>::single_thread;

    struct parts {
        Storage& storage;
        Executor& executor;
        const Backoff& backoff;
        const queue_options& options;
        const time_source& time;
        typename Traits::random_source& random;
        typename Traits::observer& observer;
        std::atomic<bool>& hint;  // set by an enqueue of the same queue
    };

    worker(const parts& p, run_until until, stop_source* stop)
        : p_{p},
          until_{until},
          stop_{stop},
          heartbeat_{p.storage,       p.time,         wake_executor{&p.executor}, tell_trouble{&p.observer},
                     p.options.lease, p.options.check},
          exchange_{p.storage, p.options}
    {
    }

    [[nodiscard]] result<run_summary> run()
    {
        while (true) {
            const instant now = p_.time.now();
            if constexpr (!threads) heartbeat_.beat_if_due(now);
            follow_stop();
            follow_news();
            if (auto stepped = step(now); !stepped) {
                if (gave_up(stepped.error(), now)) return abandon(stepped.error());
            }
            if (ended(now)) return summary_;
            p_.executor.collect(finished_, wait_time());
            take_finished();
        }
    }

private:
    struct wake_executor {
        Executor* executor;
        void operator()() const { executor->wake(); }
    };
    struct tell_trouble {
        typename Traits::observer* to;
        void operator()(const error& e) const { to->trouble(e); }
    };

    // --- what was told from outside ---

    void follow_stop()
    {
        const auto level = stop_ ? stop_->level() : stop_level::none;
        if (level == level_) return;
        level_ = level;
        if (level == stop_level::release)
            runs_.for_each([&](run_slot& r) { p_.executor.stop(r.held.token, stop_reason::shutdown); });
    }

    void follow_news()
    {
        const heartbeat_news news = heartbeat_.take();
        for (const auto& token : news.lost) {
            run_slot* r = runs_.find(token);
            if (!r || r->lost) continue;
            r->lost = true;
            p_.executor.stop(token, stop_reason::lease_lost);
        }
        for (const auto& token : news.cancelled)
            if (runs_.find(token)) p_.executor.stop(token, stop_reason::cancelled);
    }

    // --- settle and claim ---

    // How many jobs may start now.
    [[nodiscard]] std::size_t wanted() const
    {
        if (level_ != stop_level::none || solo_running_) return 0;
        if (solo_waiting_) return runs_.empty() ? 1 : 0;
        const std::size_t batch = std::min(p_.options.batch, storage_traits<Storage>::max_batch);
        return std::min<std::size_t>(p_.executor.capacity(), batch);
    }

    result<void> step(const instant& now)
    {
        if (now.boot < paused_until_) return {};
        if (heartbeat_.take_work() || p_.hint.exchange(false)) exchange_.expect_more();
        std::size_t want = wanted();
        if (!exchange_.settling() && !exchange_.worth_claiming(now)) want = 0;
        if (!exchange_.settling() && !exchange_.repeating() && want == 0) return {};
        if (auto stepped = exchange_.step(want, p_.random.draw_uid(), now); !stepped) return stepped;
        failures_ = 0;
        if (want > 0) solo_waiting_ = false;
        tell_settled();
        start_claimed(now);
        return {};
    }

    void tell_settled()
    {
        heartbeat_.drop(exchange_.settlements());
        exchange_.take_settled([&](run_slot& r, const settlement& s, settle_status status) {
            summary_.count(s.verdict.kind, status);
            if (r.started)
                p_.observer.settled(r.held, s, status);
            else if (s.verdict.kind == verdict_kind::bury)
                p_.observer.buried(r.held, s.error);
            runs_.recycle(&r);
        });
    }

    // --- start ---

    // A job that must run alone starts when its lease is the only one held here: what else was claimed with it would
    // count as cut off, should it take this worker down.
    void start_claimed(const instant& now)
    {
        auto& leases = exchange_.leases();
        for (const auto& l : leases) heartbeat_.hold(l);
        const bool alone = leases.size() == 1 && runs_.empty() && runs_alone(leases.front());
        for (auto& l : leases) {
            run_slot* r = runs_.hold(std::move(l));
            if (crashed_too_often(r->held, p_.options.max_crashes)) {
                settle_unrun(r, verdict_kind::bury, crash_verdict_text(r->held));
            } else if (level_ != stop_level::none) {
                settle_unrun(r, verdict_kind::release, {});
            } else if (!alone && runs_alone(r->held)) {
                solo_waiting_ = true;
                exchange_.expect_more();
                settle_unrun(r, verdict_kind::release, {});
            } else {
                start(r, now);
                solo_running_ = solo_running_ || (alone && r->started);
            }
        }
        leases.clear();
    }

    void start(run_slot* r, const instant& now)
    {
        r->started = true;
        p_.observer.started(r->held);
        if (auto started = p_.executor.start(r->held, now)) {
            runs_.activate(r);
        } else {
            r->started = false;
            p_.observer.trouble(started.error());
            pause(now);
            settle_unrun(r, verdict_kind::release, {});
        }
    }

    void settle_unrun(run_slot* r, verdict_kind kind, std::string why)
    {
        exchange_.settle(r, {r->held.receipt(), {kind, {}}, {}, std::move(why), {}});
    }

    void take_finished()
    {
        const instant now = p_.time.now();
        for (auto& f : finished_) {
            run_slot* r = runs_.finish(f.token);
            if (!r) continue;
            if (runs_.empty()) solo_running_ = false;
            if (r->lost) {
                heartbeat_.drop(f.token);
                ++summary_.lost;
                runs_.recycle(r);
                continue;
            }
            const verdict v = decide(r->held, f.what, p_.backoff, p_.random(), now.wall);
            exchange_.settle(r, settle_run(r->held, std::move(f.what), v));
        }
        finished_.clear();
    }

    // --- wait and end ---

    void pause(const instant& now)
    {
        failures_ = std::min(failures_ + 1, 6);
        paused_until_ = add(now.boot, duration{50'000} * (1 << failures_));
    }

    // Whether the loop must end with this error; otherwise the step is repeated after a pause.
    [[nodiscard]] bool gave_up(const error& e, const instant& now)
    {
        p_.observer.trouble(e);
        if (!is_transient(e.code)) return true;
        pause(now);
        return level_ == stop_level::release && ++last_tries_ > 5;
    }

    // Stops what runs, without a storage to tell of it: the leases run out.
    [[nodiscard]] failure_value abandon(const error& e)
    {
        runs_.for_each([&](run_slot& r) { p_.executor.stop(r.held.token, stop_reason::lease_lost); });
        while (!runs_.empty()) {
            p_.executor.collect(finished_, p_.options.check);
            for (const auto& f : finished_)
                if (run_slot* r = runs_.finish(f.token)) runs_.recycle(r);
            finished_.clear();
        }
        return fail(e);
    }

    [[nodiscard]] bool ended(const instant& now)
    {
        if (!runs_.empty() || exchange_.settling() || exchange_.repeating()) return false;
        if (level_ != stop_level::none) return true;
        if (until_ == run_until::stopped || !exchange_.nothing_due(now) || now.boot < paused_until_) return false;
        return until_ == run_until::idle || drained();
    }

    // Whether no job of the queues is being run anywhere or waits for its retry.
    [[nodiscard]] bool drained()
    {
        if constexpr (inspectable_storage<Storage>) {
            std::vector<queue_counts> counts;
            if (!p_.storage.counts(counts)) return false;
            return std::none_of(counts.begin(), counts.end(), [&](const queue_counts& c) {
                const auto& mine = p_.options.queues;
                const bool ours = mine.empty() || std::find(mine.begin(), mine.end(), c.queue) != mine.end();
                return ours && c[state::processing] + c[state::failed] > 0;
            });
        } else {
            return exchange_.nothing_waits();
        }
    }

    [[nodiscard]] duration wait_time() const
    {
        const instant now = p_.time.now();
        if (now.boot < paused_until_) return paused_until_ - now.boot;
        if (exchange_.settling() || exchange_.repeating()) return duration{};
        duration wait = p_.options.check;
        if (wanted() > 0) wait = std::min(wait, exchange_.idle_time(now));
        if (until_ == run_until::drained) wait = std::min(wait, duration{100'000});
        if constexpr (!threads) wait = std::min({wait, heartbeat_.next_beat() - now.boot, duration{100'000}});
        return std::max(wait, duration{});
    }

    parts p_;
    run_until until_;
    stop_source* stop_;
    heartbeat<Storage, time_source, wake_executor, tell_trouble, threads> heartbeat_;
    run_summary summary_{};

    run_table runs_;
    detail::exchange<Storage> exchange_;
    std::vector<finished_run> finished_;

    stop_level level_ = stop_level::none;
    bool solo_waiting_ = false;  // a job that must run alone was seen: drain, then claim one
    bool solo_running_ = false;
    duration paused_until_{};
    int failures_ = 0;
    int last_tries_ = 0;
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/queue.hpp
// basic_queue: a storage, an executor and a backoff, put together.
#ifndef QUEUECTL_QUEUE_HPP
#define QUEUECTL_QUEUE_HPP

namespace queuectl::inline v0 {

// What became of one job of a batch.
struct enqueued {
    std::string id;
    insert_status status = insert_status::inserted;
};

// Owns its parts by value; not movable once made (guaranteed elision still allows factories).
//
// Thread safety: everything but run* may be called from any thread, also while a run* is going on, where the
// storage is thread-safe. One run* at a time; more workers are more queues on the same store (storage_ref).
// Verbs of a missing facet do not compile.
template <class Storage, class Executor, class Backoff, class Traits>
class basic_queue {
    static_assert(queuectl::storage<Storage>, "Storage must satisfy queuectl::storage: insert, claim, extend, settle");
    static_assert(queuectl::executor<Executor>,
                  "Executor must satisfy queuectl::executor: capacity, start, collect, stop, wake");
    static_assert(queuectl::backoff<Backoff>, "Backoff must satisfy queuectl::backoff: b(attempt, bits) -> duration");

    static constexpr bool runs_jobs = !std::is_same_v<Executor, no_executor>;

public:
    using storage_type = Storage;
    using executor_type = Executor;

    explicit basic_queue(Storage s, Executor e = Executor{}, Backoff b = Backoff{}, queue_options options = {},
                         traits_values<Traits> values = {})
        : storage_{std::move(s)},
          executor_{std::move(e)},
          backoff_{std::move(b)},
          options_{std::move(options)},
          values_{std::move(values)}
    {
    }
    basic_queue(Storage s, Executor e, queue_options options)
        : basic_queue{std::move(s), std::move(e), Backoff{}, std::move(options)}
    {
    }
    basic_queue(const basic_queue&) = delete;
    basic_queue& operator=(const basic_queue&) = delete;

    // --- enqueue ---

    // Adds one job and returns its id; durable as the storage declares when it returns. Errors:
    // invalid_argument and unsupported name the field; exists: the id is taken (by a job that may have ended,
    // as long as its record is kept); outcome_unknown: repeat with the same id.
    result<std::string> enqueue(new_job j)
    {
        const bool generated = j.id.empty();
        auto prepared = prepare(std::move(j));
        if (!prepared) return fail(prepared.error());
        for (int tries = 0;; ++tries) {
            insert_status status{};
            if (auto inserted = insert(std::span{&*prepared, 1}, std::span{&status, 1}); !inserted)
                return fail(inserted.error());
            if (status != insert_status::duplicate) return std::move(prepared->id);
            if (!generated || tries == 3) return fail(errc::exists, "id", prepared->id + " exists already");
            draw_id(*prepared);
        }
    }

    // Adds many, in steps of the storage's max_batch; each step is atomic. All are checked first: an invalid one
    // is an error that names it, and nothing is added. A duplicate id is told in its place and hinders no other.
    result<std::vector<enqueued>> enqueue_all(std::vector<new_job> jobs)
    {
        std::vector<job> prepared;
        prepared.reserve(jobs.size());
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            auto one = prepare(std::move(jobs[i]));
            if (!one)
                return fail(one.error().code, "job " + std::to_string(i + 1) + ": " + one.error().operation,
                            one.error().detail);
            prepared.push_back(std::move(*one));
        }
        return enqueue_prepared(std::move(prepared));
    }

    // Checks one request and resolves its defaults, id and nonce, without storing it.
    [[nodiscard]] result<job> prepare(new_job&& j)
    {
        if (auto valid = validate(j); !valid) return fail(valid.error());
        const instant now = values_.time.now();
        job out = resolve(std::move(j), options_, storage_traits<Storage>::default_retention, now.wall);
        const detail::scoped_lock guard{random_mutex_};
        if (out.id.empty()) out.id = values_.ids(now, values_.random);
        out.nonce = values_.random.draw_uid();
        return out;
    }

    // Adds jobs that prepare() made.
    result<std::vector<enqueued>> enqueue_prepared(std::vector<job> jobs)
    {
        std::vector<insert_status> statuses(jobs.size());
        for (std::size_t i = 0; i < jobs.size(); i += max_batch) {
            const std::size_t n = std::min(max_batch, jobs.size() - i);
            const std::span part{jobs.data() + i, n};
            if (auto inserted = insert(part, std::span{statuses}.subspan(i, n)); !inserted)
                return fail(inserted.error());
        }
        std::vector<enqueued> out(jobs.size());
        for (std::size_t i = 0; i < jobs.size(); ++i) out[i] = {std::move(jobs[i].id), statuses[i]};
        return out;
    }

    // --- work ---

    // The worker: runs jobs until `stop` is requested, then finishes (or releases) what runs. Returns an error
    // only when the storage has one that no repetition can mend; running jobs are then stopped.
    result<run_summary> run(stop_source& stop) requires runs_jobs { return work(run_until::stopped, &stop); }
    // Runs until nothing of its queues is due, processing, or waiting for a retry; waits for retries. Jobs
    // that are due later for another reason, or held, stay.
    result<run_summary> run_until_drained(stop_source& stop) requires runs_jobs
    {
        return work(run_until::drained, &stop);
    }
    result<run_summary> run_until_drained() requires runs_jobs { return work(run_until::drained, nullptr); }
    // Runs what is due now and returns; never waits for a due time. For tests and batch programs.
    result<run_summary> run_until_idle() requires runs_jobs { return work(run_until::idle, nullptr); }

    // --- inspect and operate (inspectable storages) ---

    [[nodiscard]] result<std::optional<job_record>> find(std::string_view id) requires inspectable_storage<Storage>
    {
        return storage_.find(id);
    }
    // Every job that matches, in insertion order; page by page in the storage, whole in memory.
    [[nodiscard]] result<std::vector<job_record>> list(const job_filter& filter = {},
                                                       std::size_t limit = ~std::size_t{
                                                           0}) requires inspectable_storage<Storage>
    {
        std::vector<job_record> out;
        for (page_request page; out.size() < limit;) {
            page.limit = std::min(limits::sweep, limit - out.size());
            auto next = storage_.list(filter, page, out);
            if (!next) return fail(next.error());
            if ((page.after = *next) == 0) break;
        }
        return out;
    }
    [[nodiscard]] result<std::vector<queue_counts>> counts() requires inspectable_storage<Storage>
    {
        std::vector<queue_counts> out;
        if (auto counted = storage_.counts(out); !counted) return fail(counted.error());
        return out;
    }
    [[nodiscard]] result<std::vector<attempt>> attempts(std::string_view id) requires inspectable_storage<Storage>
    {
        std::vector<attempt> out;
        if (auto found = storage_.attempts(id, out); !found) return fail(found.error());
        return out;
    }
    // Out of the dead letter queue, or any other end: due now, attempts and crashes 0.
    result<change_status> retry(const std::string& id) requires inspectable_storage<Storage>
    {
        return change(id,
                      [this](auto ids, auto statuses) { return storage_.revive(ids, statuses, values_.time.now()); });
    }
    result<change_status> cancel(const std::string& id) requires inspectable_storage<Storage>
    {
        return change(id,
                      [this](auto ids, auto statuses) { return storage_.cancel(ids, statuses, values_.time.now()); });
    }
    result<change_status> remove(const std::string& id) requires inspectable_storage<Storage>
    {
        return change(id, [this](auto ids, auto statuses) { return storage_.remove(ids, statuses); });
    }
    // Removes every ended job that matches; returns how many. In bounded steps.
    result<std::size_t> purge(const job_filter& filter) requires inspectable_storage<Storage>
    {
        for (std::size_t total = 0;;) {
            auto removed = storage_.purge(filter, limits::sweep);
            if (!removed) return fail(removed.error());
            if (*removed == 0) return total;
            total += *removed;
        }
    }
    // Gives the jobs of a worker that is known to be dead back; returns how many.
    result<std::size_t> free_worker(std::string_view worker,
                                    std::string_view cause) requires inspectable_storage<Storage>
    {
        for (std::size_t total = 0;;) {
            auto freed = storage_.free_worker(worker, cause, values_.time.now());
            if (!freed) return fail(freed.error());
            if (*freed == 0) return total;
            total += *freed;
        }
    }

    [[nodiscard]] Storage& storage() noexcept { return storage_; }
    [[nodiscard]] Executor& executor() noexcept { return executor_; }
    [[nodiscard]] typename Traits::observer& observer() noexcept { return values_.observer; }
    [[nodiscard]] const queue_options& options() const noexcept { return options_; }
    [[nodiscard]] instant now() const { return values_.time.now(); }

private:
    static constexpr std::size_t max_batch = storage_traits<Storage>::max_batch;

    result<void> insert(std::span<const job> jobs, std::span<insert_status> statuses)
    {
        auto inserted = storage_.insert(jobs, statuses, values_.time.now());
        for (int tries = 0; tries < 3 && !inserted && inserted.error().code == errc::outcome_unknown; ++tries)
            inserted = storage_.insert(jobs, statuses, values_.time.now());
        if (inserted) {
            hint_ = true;
            if constexpr (!notifying_storage<Storage>) executor_.wake();
        }
        return inserted;
    }

    void draw_id(job& j)
    {
        const detail::scoped_lock guard{random_mutex_};
        j.id = values_.ids(values_.time.now(), values_.random);
        j.nonce = values_.random.draw_uid();
    }

    template <class Change>
    result<change_status> change(const std::string& id, Change&& apply)
    {
        change_status status{};
        if (auto changed = apply(std::span{&id, 1}, std::span{&status, 1}); !changed) return fail(changed.error());
        return status;
    }

    result<run_summary> work(run_until until, stop_source* stop)
    {
        typename Traits::random_source random;
        worker<Storage, Executor, Backoff, Traits> w{
            {storage_, executor_, backoff_, options_, values_.time, random, values_.observer, hint_}, until, stop};
        const auto wake = [](void* e) noexcept { static_cast<Executor*>(e)->wake(); };
        if (stop) stop->connect(wake, &executor_);
        auto summary = w.run();
        if (stop) stop->connect(nullptr, nullptr);
        return summary;
    }

    Storage storage_;
    Executor executor_;
    Backoff backoff_;
    queue_options options_;
    traits_values<Traits> values_;
    detail::mutex random_mutex_;
    std::atomic<bool> hint_{false};
};

template <class S, class E>
basic_queue(S, E) -> basic_queue<S, E>;
template <class S, class E>
basic_queue(S, E, queue_options) -> basic_queue<S, E>;
template <class S, class E, class B>
basic_queue(S, E, B) -> basic_queue<S, E, B>;
template <class S, class E, class B>
basic_queue(S, E, B, queue_options) -> basic_queue<S, E, B>;
template <class S, class E, class B, class T>
basic_queue(S, E, B, queue_options, traits_values<T>) -> basic_queue<S, E, B, T>;

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/storage/memory.hpp
// memory_storage: jobs in this process's memory. The reference of the storage concept, and the fastest.
#ifndef QUEUECTL_STORAGE_MEMORY_HPP
#define QUEUECTL_STORAGE_MEMORY_HPP

namespace queuectl::inline v0 {

// Nothing survives the process. Any thread may call any verb at any time (with QUEUECTL_NO_THREADS: one thread);
// each call is atomic, for a failed allocation too. Once it has held as many jobs as it will, short fields included,
// a storage allocates nothing more but what a caller gets. Movable; a moved-from one may be assigned to or destroyed.
//
// insert, settle, extend: O(1) a job when jobs come in the order of their due times, else O(log waiting).
// claim: O(1) a job, O(log queues and kinds) where there are several; O(lanes that match) a call with a filter.
// A lane is a queue and a kind; lanes are never forgotten, and the memory of removed jobs is kept for later ones.
class memory_storage {
public:
    static constexpr std::size_t max_batch = 1000;
    static constexpr bool single_thread = !QUEUECTL_HAS_THREADS;
    static constexpr duration default_retention{0};

    memory_storage() : core_{std::make_unique<detail::memory_core>()} {}

    // The four verbs.

    [[nodiscard]] result<void> insert(std::span<const job> jobs, std::span<insert_status> statuses, const instant& now)
    {
        QUEUECTL_ASSERT(jobs.size() <= max_batch && statuses.size() >= jobs.size());
        const detail::memory_guard guard{core_->lock};
        detail::memory_insert(*core_, jobs, statuses, now.wall);
        return {};
    }
    [[nodiscard]] result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        const detail::memory_guard guard{core_->lock};
        return claim_locked(request, leases, now);
    }
    [[nodiscard]] result<void> extend(std::span<const receipt> receipts, duration length,
                                      std::span<extend_status> statuses, const instant& now)
    {
        QUEUECTL_ASSERT(receipts.size() <= max_batch && statuses.size() >= receipts.size());
        const detail::memory_guard guard{core_->lock};
        detail::memory_extend(*core_, receipts, length, statuses, now);
        return {};
    }
    [[nodiscard]] result<void> settle(std::span<const settlement> settlements, std::span<settle_status> statuses,
                                      const instant& now)
    {
        QUEUECTL_ASSERT(settlements.size() <= max_batch && statuses.size() >= settlements.size());
        const detail::memory_guard guard{core_->lock};
        detail::memory_settle(*core_, settlements, statuses, now.wall);
        return {};
    }
    // After a failed allocation the settlements may have been applied; repeating the call is safe.
    [[nodiscard]] result<claim_info> settle_and_claim(std::span<const settlement> settlements,
                                                      std::span<settle_status> statuses, const claim_request& request,
                                                      std::vector<lease>& leases, const instant& now)
    {
        QUEUECTL_ASSERT(settlements.size() <= max_batch && statuses.size() >= settlements.size());
        const detail::memory_guard guard{core_->lock};
        detail::memory_settle(*core_, settlements, statuses, now.wall);
        return claim_locked(request, leases, now);
    }

    // inspectable_storage

    [[nodiscard]] result<store_info> info() const
    {
        store_info i;
        i.format = i.min_reader = i.min_writer = 1;
        i.id = core_->id;
        i.location = "memory:";
        i.durability = durability::process;
        return i;
    }
    [[nodiscard]] result<std::optional<job_record>> find(std::string_view id) const
    {
        const detail::memory_guard guard{core_->lock};
        const detail::memory_slot* slot = core_->table.find(id);
        return slot ? std::optional{detail::memory_read_record(*slot)} : std::nullopt;
    }
    [[nodiscard]] result<std::uint64_t> list(const job_filter& filter, const page_request& page,
                                             std::vector<job_record>& out) const
    {
        const detail::memory_guard guard{core_->lock};
        return detail::memory_list(*core_, filter, page, out);
    }
    [[nodiscard]] result<void> attempts(std::string_view id, std::vector<attempt>& out) const
    {
        const detail::memory_guard guard{core_->lock};
        const detail::memory_slot* slot = core_->table.find(id);
        if (slot) detail::memory_attempts(*slot, out);
        return {};
    }
    [[nodiscard]] result<run_output> output(std::string_view id, std::int32_t number) const
    {
        const detail::memory_guard guard{core_->lock};
        const detail::memory_slot* slot = core_->table.find(id);
        const attempt* run = slot ? detail::memory_run(*slot, number) : nullptr;
        if (!run) return fail(errc::not_found, "output " + std::string{id}, slot ? "no such run" : "no such job");
        return run->output;
    }
    [[nodiscard]] result<void> counts(std::vector<queue_counts>& out) const
    {
        const detail::memory_guard guard{core_->lock};
        core_->lanes.for_each_queue([&](const detail::memory_queue& q) {
            out.push_back({std::string{q.name.view()}, q.counts});
        });
        return {};
    }
    [[nodiscard]] result<void> revive(std::span<const std::string> ids, std::span<change_status> statuses,
                                      const instant& now)
    {
        const detail::memory_guard guard{core_->lock};
        detail::memory_revive(*core_, ids, statuses, now.wall);
        return {};
    }
    [[nodiscard]] result<void> cancel(std::span<const std::string> ids, std::span<change_status> statuses,
                                      const instant& now)
    {
        const detail::memory_guard guard{core_->lock};
        detail::memory_cancel(*core_, ids, statuses, now.wall);
        return {};
    }
    [[nodiscard]] result<void> remove(std::span<const std::string> ids, std::span<change_status> statuses)
    {
        const detail::memory_guard guard{core_->lock};
        detail::memory_remove(*core_, ids, statuses);
        return {};
    }
    // With a tag in the filter, final jobs of other tags are looked at too: O(final jobs) then.
    [[nodiscard]] result<std::size_t> purge(const job_filter& filter, std::size_t limit)
    {
        const detail::memory_guard guard{core_->lock};
        return detail::memory_purge(*core_, filter, limit);
    }
    [[nodiscard]] result<change_status> reprioritise(std::string_view id, int priority, const instant& now)
    {
        if (priority < limits::priority_min || priority > limits::priority_max)
            return fail(errc::invalid_argument, "reprioritise", "a priority is -128 to 127");
        const detail::memory_guard guard{core_->lock};
        return detail::memory_reprioritise(*core_, id, static_cast<std::int8_t>(priority), now.wall);
    }
    [[nodiscard]] result<std::size_t> free_worker(std::string_view worker, std::string_view cause, const instant& now)
    {
        const detail::memory_guard guard{core_->lock};
        return detail::memory_free_worker(*core_, worker, cause, now.wall);
    }

    // configurable_storage

    [[nodiscard]] result<std::optional<config_entry>> config_get(std::string_view key, const instant& now) const
    {
        const detail::memory_guard guard{core_->lock};
        const config_entry* entry = detail::memory_config_find(*core_, key, now.wall);
        return entry ? std::optional{*entry} : std::nullopt;
    }
    [[nodiscard]] result<std::uint64_t> config_put(const config_entry& entry, const instant& now)
    {
        const detail::memory_guard guard{core_->lock};
        return detail::memory_config_put(*core_, entry, now.wall);
    }
    [[nodiscard]] result<bool> config_erase(std::string_view key)
    {
        const detail::memory_guard guard{core_->lock};
        return detail::memory_config_erase(*core_, key);
    }
    [[nodiscard]] result<void> config_list(std::string_view prefix, std::vector<config_entry>& out, const instant& now)
    {
        const detail::memory_guard guard{core_->lock};
        detail::memory_config_list(*core_, prefix, out, now.wall);
        return {};
    }

#if QUEUECTL_HAS_THREADS
    // notifying_storage

    [[nodiscard]] change_counts changes() const { return core_->changes.now(); }
    change_counts wait_for_change(change_counts seen, duration max)
    {
        announce(true);
        core_->changes.wait(seen, max);
        announce(false);
        return core_->changes.now();
    }
    void interrupt_waits() { core_->changes.interrupt(); }
#endif

    // How much work claims have done since the start: records looked at and steps in heaps. For tests of their cost.
    [[nodiscard]] std::uint64_t claim_steps() const
    {
        const detail::memory_guard guard{core_->lock};
        std::uint64_t steps = core_->records_seen;
        core_->lanes.for_each_line([&](const detail::memory_line& line) { steps += line.steps(); });
        return steps;
    }

private:
    result<claim_info> claim_locked(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        claim_info info;
        info.reaped = core_->reap(now);
        detail::memory_claim claim{*core_, request, leases, now, std::min(request.max, max_batch)};
        if (request.repeat && claim.again() > 0)
            info.next_at = now.wall;
        else
            info.next_at = claim.take_due();
        claim.commit();
        return info;
    }
#if QUEUECTL_HAS_THREADS
    void announce(bool waits)
    {
        const detail::memory_guard guard{core_->lock};
        waits ? core_->changes.announce() : core_->changes.withdraw();
    }
#endif

    std::unique_ptr<detail::memory_core> core_;
};

static_assert(fused_storage<memory_storage>);
static_assert(inspectable_storage<memory_storage>);
static_assert(configurable_storage<memory_storage>);
static_assert(notifying_storage<memory_storage> == bool{QUEUECTL_HAS_THREADS});

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/storage_ref.hpp
// A storage that is owned elsewhere.
#ifndef QUEUECTL_STORAGE_REF_HPP
#define QUEUECTL_STORAGE_REF_HPP

namespace queuectl::inline v0 {

// Refers to a storage that outlives it, so that several queues of one process (a producer and some workers,
// say) share it. It has the verbs and facets of what it refers to, and its thread safety.
template <storage S>
class storage_ref {
public:
    static constexpr std::size_t max_batch = storage_traits<S>::max_batch;
    static constexpr bool single_thread = storage_traits<S>::single_thread;
    static constexpr duration default_retention = storage_traits<S>::default_retention;

    explicit storage_ref(S& s) noexcept : s_{&s} {}

    result<void> insert(std::span<const job> jobs, std::span<insert_status> statuses, const instant& now)
    {
        return s_->insert(jobs, statuses, now);
    }
    result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        return s_->claim(request, leases, now);
    }
    result<void> extend(std::span<const receipt> receipts, duration d, std::span<extend_status> statuses,
                        const instant& now)
    {
        return s_->extend(receipts, d, statuses, now);
    }
    result<void> settle(std::span<const settlement> settlements, std::span<settle_status> statuses, const instant& now)
    {
        return s_->settle(settlements, statuses, now);
    }
    result<claim_info> settle_and_claim(std::span<const settlement> settlements, std::span<settle_status> statuses,
                                        const claim_request& request, std::vector<lease>& leases,
                                        const instant& now) requires fused_storage<S>
    {
        return s_->settle_and_claim(settlements, statuses, request, leases, now);
    }

    result<store_info> info() requires inspectable_storage<S> { return s_->info(); }
    result<std::optional<job_record>> find(std::string_view id) requires inspectable_storage<S> { return s_->find(id); }
    result<std::uint64_t> list(const job_filter& filter, const page_request& page,
                               std::vector<job_record>& out) requires inspectable_storage<S>
    {
        return s_->list(filter, page, out);
    }
    result<void> attempts(std::string_view id, std::vector<attempt>& out) requires inspectable_storage<S>
    {
        return s_->attempts(id, out);
    }
    result<run_output> output(std::string_view id, std::int32_t number) requires inspectable_storage<S>
    {
        return s_->output(id, number);
    }
    result<void> counts(std::vector<queue_counts>& out) requires inspectable_storage<S> { return s_->counts(out); }
    result<void> revive(std::span<const std::string> ids, std::span<change_status> statuses,
                        const instant& now) requires inspectable_storage<S>
    {
        return s_->revive(ids, statuses, now);
    }
    result<void> cancel(std::span<const std::string> ids, std::span<change_status> statuses,
                        const instant& now) requires inspectable_storage<S>
    {
        return s_->cancel(ids, statuses, now);
    }
    result<void> remove(std::span<const std::string> ids,
                        std::span<change_status> statuses) requires inspectable_storage<S>
    {
        return s_->remove(ids, statuses);
    }
    result<std::size_t> purge(const job_filter& filter, std::size_t limit) requires inspectable_storage<S>
    {
        return s_->purge(filter, limit);
    }
    result<change_status> reprioritise(std::string_view id, int priority,
                                       const instant& now) requires inspectable_storage<S>
    {
        return s_->reprioritise(id, priority, now);
    }
    result<std::size_t> free_worker(std::string_view name, std::string_view cause,
                                    const instant& now) requires inspectable_storage<S>
    {
        return s_->free_worker(name, cause, now);
    }

    result<std::optional<config_entry>> config_get(std::string_view key,
                                                   const instant& now) requires configurable_storage<S>
    {
        return s_->config_get(key, now);
    }
    result<std::uint64_t> config_put(const config_entry& entry, const instant& now) requires configurable_storage<S>
    {
        return s_->config_put(entry, now);
    }
    result<bool> config_erase(std::string_view key) requires configurable_storage<S> { return s_->config_erase(key); }
    result<void> config_list(std::string_view prefix, std::vector<config_entry>& out,
                             const instant& now) requires configurable_storage<S>
    {
        return s_->config_list(prefix, out, now);
    }

    change_counts changes() requires notifying_storage<S> { return s_->changes(); }
    change_counts wait_for_change(change_counts seen, duration max) requires notifying_storage<S>
    {
        return s_->wait_for_change(seen, max);
    }
    void interrupt_waits() requires notifying_storage<S> { s_->interrupt_waits(); }

private:
    S* s_;
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/verify.hpp
// Checks a store through its facets: what it says of itself must agree.
#ifndef QUEUECTL_VERIFY_HPP
#define QUEUECTL_VERIFY_HPP

namespace queuectl::inline v0 {

namespace detail {

// What is wrong with a record by itself; empty = nothing.
[[nodiscard]] inline std::string_view record_fault(const job_record& r)
{
    const auto& j = r.job;
    const auto name_or_none = [](const std::string& s) { return s.empty() || limits::is_name(s, limits::name_bytes); };
    if (!limits::is_name(j.id, limits::id_bytes)) return "its id is no id";
    if (!limits::is_name(j.queue, limits::name_bytes)) return "its queue's name is no name";
    if (!name_or_none(j.kind) || !name_or_none(j.tag)) return "its kind or tag is no name";
    if (j.payload.size() > limits::payload_bytes) return "its payload is over the limit";
    if (j.key.size() > limits::key_bytes || j.unique_key.size() > limits::key_bytes) return "a key is over the limit";
    if (j.cwd.size() + j.env.size() > limits::environment_bytes) return "its environment is over the limit";
    if (j.depends_on.size() > limits::dependencies) return "it has too many dependencies";
    if (r.result.size() > limits::result_bytes) return "its result is over the limit";
    if (r.error.size() > limits::error_bytes) return "its error is over the limit";
    if (j.max_retries < 0 || j.max_retries > limits::retries_max) return "its max_retries are outside the limits";
    if (!(j.backoff_base >= 0 && j.backoff_base <= limits::backoff_base_max)) return "its backoff_base is outside";
    if (static_cast<std::size_t>(r.state) >= state_count) return "its state is none";
    if (r.attempts < 0 || r.crashes < 0) return "it has less than no attempts or crashes";
    if (r.attempts > std::int64_t{j.max_retries} + 1) return "it was tried more often than its max_retries allow";
    const bool runs = r.state == state::processing;
    if (runs && (!r.token || r.locked_by.empty())) return "it is processing, but has no lease token or no holder";
    if (!runs && (r.token || !r.locked_by.empty())) return "it is not processing, but has a lease token or a holder";
    if (r.state == state::completed && !r.error.empty()) return "it is completed, but has an error";
    return {};
}

// What is wrong with the kept runs of a job.
[[nodiscard]] inline std::string_view runs_fault(const job_record& r, const std::vector<attempt>& runs)
{
    const std::int64_t made = std::int64_t{r.attempts} + r.crashes;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        if (runs[i].number < 1) return "a run has no number";
        // A revived job counts from 1 again.
        if (i > 0 && runs[i].number <= runs[i - 1].number && runs[i].number != 1) return "its runs are out of order";
    }
    if (made == 0) return {};
    if (runs.empty() || runs.back().number != made) return "its newest run is not the one that its counters tell of";
    if (runs.size() < std::min<std::size_t>(limits::attempts_kept, static_cast<std::size_t>(made)))
        return "some of its runs are missing";
    return {};
}

[[nodiscard]] inline bool same_moment(const job_record& a, const job_record& b)
{
    return a.sequence == b.sequence && a.state == b.state && a.attempts == b.attempts && a.crashes == b.crashes &&
           a.updated_at == b.updated_at && a.token == b.token && a.settled_token == b.settled_token;
}

// FNV-1a, 64 bits.
[[nodiscard]] inline std::uint64_t text_hash(std::string_view text, std::uint64_t h = 0xcbf29ce484222325) noexcept
{
    for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return h;
}

// One check of one store. Bounded pages; 16 bytes of memory a job.
template <inspectable_storage S>
class facet_check {
public:
    facet_check(S& s, verify_report& report) : s_{s}, report_{report} {}

    // Only errors that keep the check from going on are told as such.
    [[nodiscard]] result<void> run()
    {
        if (auto done = compare_counts(); !done) return done;
        return look_for_twins();
    }

private:
    using queues = std::vector<queue_counts>;
    struct scan {
        queues counts;
        std::uint64_t digest = 0;  // of all that changes when a job moves
        bool whole = true;
    };
    static constexpr int looks_max = 4;

    // Jobs move while they are counted. What was counted must be what the store said just before or just after; else
    // it is counted again, and it is an error only when two scans saw the very same jobs and the store said the same
    // around both: then nothing has moved, and the difference is real.
    result<void> compare_counts()
    {
        scan last;
        queues last_said;
        for (int look = 0; look < looks_max; ++look) {
            auto before = counts();
            if (!before) return fail(before.error());
            auto seen = look_at_all(look == 0);
            if (!seen) return fail(seen.error());
            if (!seen->whole) return {};
            auto after = counts();
            if (!after) return fail(after.error());
            if (equal(seen->counts, *before) || equal(seen->counts, *after)) return {};
            const bool still =
                look > 0 && seen->digest == last.digest && equal(*before, *after) && equal(*before, last_said);
            if (still) {
                tell_differences(*after, seen->counts);
                return {};
            }
            last = std::move(*seen);
            last_said = std::move(*after);
        }
        report_.counts_moved = true;
        return {};
    }

    // The queues that hold jobs, by name.
    result<queues> counts()
    {
        queues all;
        if (auto done = s_.counts(all); !done) return fail(done.error());
        std::erase_if(all, [](const queue_counts& q) { return q.by_state == decltype(q.by_state){}; });
        std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.queue < b.queue; });
        return all;
    }
    static bool equal(const queues& a, const queues& b)
    {
        return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                          [](const auto& x, const auto& y) { return x.queue == y.queue && x.by_state == y.by_state; });
    }
    static void count(queues& all, const job_record& r)
    {
        auto at = std::lower_bound(all.begin(), all.end(), r.job.queue,
                                   [](const queue_counts& q, const std::string& name) { return q.queue < name; });
        if (at == all.end() || at->queue != r.job.queue) at = all.insert(at, queue_counts{r.job.queue, {}});
        if (static_cast<std::size_t>(r.state) < state_count) ++at->by_state[static_cast<std::size_t>(r.state)];
    }

    void tell_differences(const queues& said, const queues& seen)
    {
        for (const auto& q : said)
            for (std::size_t i = 0; i < state_count; ++i) {
                const auto at =
                    std::find_if(seen.begin(), seen.end(), [&](const auto& o) { return o.queue == q.queue; });
                const std::uint64_t there = at == seen.end() ? 0 : at->by_state[i];
                if (there != q.by_state[i])
                    report_.add(finding_kind::wrong, "queue " + q.queue + ": counted " + std::to_string(q.by_state[i]) +
                                                         " " + std::string{name(static_cast<state>(i))} +
                                                         " jobs, there are " + std::to_string(there));
            }
        for (const auto& q : seen)
            if (std::none_of(said.begin(), said.end(), [&](const auto& o) { return o.queue == q.queue; }))
                report_.add(finding_kind::wrong, "queue " + q.queue + ": has jobs, but is not counted");
    }

    result<scan> look_at_all(bool first)
    {
        scan seen;
        std::vector<job_record> records;
        std::uint64_t before = 0;
        for (page_request page{0, page_jobs};;) {
            records.clear();
            auto next = s_.list({}, page, records);
            if (!next && next.error().code != errc::corrupt) return fail(next.error());
            if (!next) {
                report_.add(finding_kind::damage, next.error().message());
                seen.whole = false;
                return seen;
            }
            for (auto& r : records) {
                count(seen.counts, r);
                digest(seen.digest, r);
                if (first && r.sequence <= before) wrong(r, "it is listed out of order");
                before = r.sequence;
                if (first)
                    if (auto done = look_at(r); !done) return fail(done.error());
            }
            if ((page.after = *next) == 0) return seen;
        }
    }
    static void digest(std::uint64_t& sum, const job_record& r)
    {
        std::uint64_t h = text_hash(r.job.id);
        for (const std::uint64_t n : {r.sequence, static_cast<std::uint64_t>(r.state), r.token.nonce.low,
                                      static_cast<std::uint64_t>(r.updated_at.time_since_epoch().count()),
                                      static_cast<std::uint64_t>(r.attempts), static_cast<std::uint64_t>(r.crashes)})
            h = (h ^ n) * 0x9e3779b97f4a7c15;
        sum += h;
    }

    void wrong(const job_record& r, std::string_view what)
    {
        report_.add(finding_kind::wrong, "job " + r.job.id + ": " + std::string{what});
    }

    result<void> look_at(job_record& r)
    {
        ++report_.jobs;
        ids_.emplace_back(text_hash(r.job.id), r.sequence);
        if (const auto fault = record_fault(r); !fault.empty()) wrong(r, fault);
        const bool ran = r.attempts != 0 || r.crashes != 0 || r.settled_token || !r.error.empty();
        return ran ? look_at_runs(r) : result<void>{};
    }

    // The job may have moved since it was listed: what is wrong must be wrong with what it is now.
    result<void> look_at_runs(const job_record& listed)
    {
        job_record r = listed;
        std::vector<attempt> runs;
        std::string fault;
        for (int look = 0; look < looks_max; ++look) {
            runs.clear();
            auto read = s_.attempts(r.job.id, runs);
            if (!read && read.error().code != errc::corrupt) return read;
            fault = read ? std::string{runs_fault(r, runs)} : "its runs cannot be read: " + read.error().message();
            if (fault.empty()) fault = output_fault(r, runs);
            if (fault.empty()) break;
            auto now = s_.find(r.job.id);
            if (!now) return fail(now.error());
            if (!*now) break;
            if (same_moment(r, **now)) {
                wrong(r, fault);
                break;
            }
            r = std::move(**now);
        }
        report_.runs += runs.size();
        return {};
    }
    std::string output_fault(const job_record& r, const std::vector<attempt>& runs)
    {
        for (std::size_t i = 0; i < runs.size(); ++i) {
            const auto number = runs[i].number;
            const bool hidden = std::any_of(runs.begin() + static_cast<std::ptrdiff_t>(i) + 1, runs.end(),
                                            [&](const attempt& later) { return later.number == number; });
            if (runs[i].output_bytes == 0 || hidden) continue;
            const std::string of = "the output of run " + std::to_string(number);
            auto out = s_.output(r.job.id, number);
            if (!out) return of + " cannot be read: " + out.error().message();
            if (out->head.size() + out->tail.size() + out->dropped_bytes != runs[i].output_bytes)
                return of + " has not the length that the run tells of";
        }
        return {};
    }

    // A job that is put at the end of its line has another sequence from then on, and may be listed under both. The
    // later one is looked at first: where that is there, the earlier one must be gone.
    result<void> look_for_twins()
    {
        std::sort(ids_.begin(), ids_.end());
        for (std::size_t i = 1; i < ids_.size(); ++i) {
            if (ids_[i].first != ids_[i - 1].first) continue;
            auto later = at(ids_[i].second);
            if (!later) return fail(later.error());
            auto earlier = at(ids_[i - 1].second);
            if (!earlier) return fail(earlier.error());
            if (*later && *earlier && (*later)->job.id == (*earlier)->job.id) wrong(**later, "it is there twice");
        }
        ids_.clear();
        return {};
    }
    result<std::optional<job_record>> at(std::uint64_t sequence)
    {
        std::vector<job_record> records;
        auto next = s_.list({}, {sequence - 1, 1}, records);
        if (!next) return fail(next.error());
        if (records.empty() || records[0].sequence != sequence) return std::optional<job_record>{};
        return std::optional<job_record>{std::move(records[0])};
    }

    static constexpr std::size_t page_jobs = 500;

    S& s_;
    verify_report& report_;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ids_;  // hashes and sequences
};

}  // namespace detail

// Recounts, and looks at every job, run and output; adds what is wrong to the report. The store may be in use.
template <inspectable_storage S>
[[nodiscard]] result<void> verify_facets(S& s, verify_report& report)
{
    return detail::facet_check<S>{s, report}.run();
}

}  // namespace queuectl::inline v0

#endif

#if defined(QUEUECTL_POSIX)

// ---- queuectl/process/owned_fd.hpp
// A file descriptor with one owner. POSIX.
#ifndef QUEUECTL_PROCESS_OWNED_FD_HPP
#define QUEUECTL_PROCESS_OWNED_FD_HPP

#include <cerrno>

#include <unistd.h>

namespace queuectl::inline v0 {

// Closes its descriptor when it goes; −1 = none. Not thread-safe, like any value.
class owned_fd {
public:
    owned_fd() = default;
    explicit owned_fd(int fd) noexcept : fd_{fd} {}
    owned_fd(owned_fd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    owned_fd& operator=(owned_fd&& other) noexcept
    {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    ~owned_fd() { reset(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    void reset() noexcept
    {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

private:
    int fd_ = -1;
};

namespace detail {

// errno as an error: access, room and absence have codes of their own, all else is errc::io.
[[nodiscard]] inline failure_value fail_errno(std::string operation, int number)
{
    errc code = errc::io;
    if (number == EACCES || number == EPERM || number == ELOOP) code = errc::permission;
    if (number == ENOSPC || number == EDQUOT || number == EFBIG) code = errc::store_full;
    if (number == ENOENT) code = errc::not_found;
    if (number == ENOMEM) code = errc::no_memory;
    if (number == EROFS) code = errc::read_only;
    return fail(code, std::move(operation), std::strerror(number), number);
}

// All of it, or an error: goes on after short writes and signals.
[[nodiscard]] inline int write_all(int fd, const char* bytes, std::size_t count) noexcept
{
    while (count > 0) {
        const auto written = ::write(fd, bytes, count);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        bytes += written;
        count -= static_cast<std::size_t>(written);
    }
    return 0;
}

}  // namespace detail
}  // namespace queuectl::inline v0

#endif

// ---- queuectl/process/posix.hpp
// What every POSIX part needs: interrupted calls repeated, the monotonic clock, whole small files.
#ifndef QUEUECTL_PROCESS_POSIX_HPP
#define QUEUECTL_PROCESS_POSIX_HPP

#include <fcntl.h>

namespace queuectl::inline v0::process {

// Calls f again while it fails with EINTR.
template <class F>
auto retry_interrupted(F&& f) noexcept(noexcept(f()))
{
    for (;;)
        if (const auto r = f(); r != -1 || errno != EINTR) return r;
}

// The same descriptor, at 3 or above: a program started without stdin, stdout or stderr must not get a pipe as one.
[[nodiscard]] inline owned_fd above_standard(owned_fd fd) noexcept
{
    if (!fd || fd.get() > 2) return fd;
    return owned_fd{::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3)};
}

// CLOCK_MONOTONIC: what timeouts and graces are measured on. Stands still while the machine sleeps.
[[nodiscard]] inline duration monotonic_now() noexcept
{
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return duration{std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000};
}

// Replaces `text` with the first `bytes_max` bytes of a file; false when it cannot be read to there or its end.
[[nodiscard]] inline bool read_file(const char* path, std::string& text, std::size_t bytes_max)
{
    text.clear();
    const owned_fd fd{retry_interrupted([&] { return ::open(path, O_RDONLY | O_CLOEXEC); })};
    if (!fd) return false;
    for (std::size_t used = 0;;) {
        text.resize(used + 4096 < bytes_max ? used + 4096 : bytes_max);
        const auto n = retry_interrupted([&] { return ::read(fd.get(), text.data() + used, text.size() - used); });
        used += n > 0 ? static_cast<std::size_t>(n) : 0;
        if (n <= 0 || used == bytes_max) {
            text.resize(used);
            return n >= 0;
        }
    }
}

}  // namespace queuectl::inline v0::process

#endif

// ---- queuectl/process/event_poll.hpp
// Waiting for descriptors and for a call from elsewhere. Linux.
#ifndef QUEUECTL_PROCESS_EVENT_POLL_HPP
#define QUEUECTL_PROCESS_EVENT_POLL_HPP

#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace queuectl::inline v0::process {

// An epoll set with a wake-up. One thread, except wake().
class event_poll {
public:
    static constexpr std::uint64_t wake_key = ~std::uint64_t{0};

    event_poll() noexcept
        : epoll_{above_standard(owned_fd{::epoll_create1(EPOLL_CLOEXEC)})},
          wake_{above_standard(owned_fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)})}
    {
        if (!epoll_ || !wake_ || !add(wake_.get(), wake_key)) epoll_.reset();
    }

    // False: the set could not be made (out of descriptors or memory).
    [[nodiscard]] bool valid() const noexcept { return static_cast<bool>(epoll_); }

    // Reports `key` while the descriptor is readable or hung up.
    [[nodiscard]] bool add(int fd, std::uint64_t key) noexcept
    {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = key;
        return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
    }
    void remove(int fd) noexcept { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

    // Waits for at most `max` (rounded up to milliseconds) and calls f(key) for each ready descriptor. True when
    // wake() was called since the last time it was true. Signals end the wait early.
    template <class F>
    bool wait(duration max, F&& f)
    {
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(max).count();
        std::array<epoll_event, 64> events;
        const int timeout = ms < 0 ? 0 : ms > 1'000'000 ? 1'000'000 : static_cast<int>(ms);
        const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout);
        bool woken = false;
        for (int i = 0; i < n; ++i) {
            const auto key = events[static_cast<std::size_t>(i)].data.u64;
            if (key != wake_key) {
                f(key);
                continue;
            }
            std::uint64_t count = 0;
            woken = ::read(wake_.get(), &count, sizeof count) > 0;
        }
        return woken;
    }

    // Any thread, any signal handler.
    void wake() noexcept
    {
        const int saved = errno;
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto n = ::write(wake_.get(), &one, sizeof one);
        errno = saved;
    }

private:
    owned_fd epoll_;
    owned_fd wake_;
};

}  // namespace queuectl::inline v0::process

#endif

// ---- queuectl/process/command_line.hpp
// Command texts: which ones need a shell, and the words of those that do not. Pure, but for find_program.
#ifndef QUEUECTL_PROCESS_COMMAND_LINE_HPP
#define QUEUECTL_PROCESS_COMMAND_LINE_HPP

#include <sys/stat.h>

namespace queuectl::inline v0::process {

// A byte that a shell takes literally, whatever shell and locale. Blanks are not literal: they part words.
[[nodiscard]] constexpr bool is_literal(char c) noexcept
{
    return c > ' ' && c <= '~' && std::string_view{"|&;<>()$`\\\"'*?[]#~=%!{}"}.find(c) == std::string_view::npos;
}

// A word that sh, whichever it is, does not look up on PATH: the builtins and keywords of dash, bash, ksh and busybox.
// `true` and `false` are left out: alone, their programs do the same.
[[nodiscard]] constexpr bool is_shell_word(std::string_view word) noexcept
{
    constexpr std::string_view words =
        " . : alias bg bind break builtin caller case cd chdir command compgen complete compopt continue coproc declare"
        " dirs disown do done echo elif else enable esac eval exec exit export fc fg fi for function getopts hash help"
        " history if in jobs kill let local logout mapfile namespace nameref newgrp popd print printf pushd pwd read"
        " readarray readonly return select set shift shopt source suspend test then time times trap type typeset ulimit"
        " umask unalias unset until wait whence while ";
    if (word.empty() || word.find(' ') != std::string_view::npos) return false;
    for (auto at = words.find(word); at != std::string_view::npos; at = words.find(word, at + 1))
        if (words[at - 1] == ' ' && words[at + word.size()] == ' ') return true;
    return false;
}

// The words of a command that may be executed directly, because `sh -c` would look its first word up on PATH and pass
// the others unchanged; no words when it takes a shell (an empty command, say). Words point into `text`.
inline void split_plain(std::string_view text, std::vector<std::string_view>& words)
{
    words.clear();
    for (std::size_t i = 0; i < text.size();) {
        if (text[i] == ' ' || text[i] == '\t') {
            ++i;
            continue;
        }
        const auto begin = i;
        while (i < text.size() && is_literal(text[i])) ++i;
        words.push_back(text.substr(begin, i - begin));
        if (i < text.size() && text[i] != ' ' && text[i] != '\t') return words.clear();
    }
    if (words.empty()) return;
    const auto first = words.front();
    const bool option = first.front() == '-' || first.front() == '+';
    const bool stub = first == "true" || first == "false";
    if (option || is_shell_word(first) || (stub && words.size() > 1)) words.clear();
}

// The words of an argv payload: each ended by NUL. A last word without its NUL counts.
inline void split_argv(std::string_view payload, std::vector<std::string_view>& words)
{
    words.clear();
    while (!payload.empty()) {
        const auto end = payload.find('\0');
        words.push_back(payload.substr(0, end));
        payload.remove_prefix(end == std::string_view::npos ? payload.size() : end + 1);
    }
}

// Every entry of the search path is absolute: what is found does not depend on the directory.
[[nodiscard]] constexpr bool is_absolute_path_list(std::string_view list) noexcept
{
    for (;;) {
        if (list.empty() || list.front() != '/') return false;
        const auto end = list.find(':');
        if (end == std::string_view::npos) return true;
        list.remove_prefix(end + 1);
    }
}

// A regular file that may be executed: 0, else ENOENT or EACCES.
[[nodiscard]] inline int check_program(const char* path) noexcept
{
    struct stat info {};
    if (::stat(path, &info) != 0) return errno == EACCES ? EACCES : ENOENT;
    return S_ISREG(info.st_mode) && ::access(path, X_OK) == 0 ? 0 : EACCES;
}

// Looks `name` up as execvp does: a name with a slash is a path, else the first entry of `path_list` that has it;
// relative entries start at `cwd`. 0 and the path in `found`, else ENOENT, or EACCES when only unusable files have it.
[[nodiscard]] inline int find_program(std::string_view name, std::string_view path_list, std::string_view cwd,
                                      std::string& found)
{
    const auto under_cwd = [&](std::string_view path) {
        found.assign(path.starts_with('/') || cwd.empty() ? std::string_view{} : cwd);
        if (!found.empty()) found += '/';
        found += path;
    };
    if (name.empty()) return ENOENT;
    if (name.find('/') != std::string_view::npos) {
        under_cwd(name);
        const int error = check_program(found.c_str());
        found.assign(name);
        return error;
    }
    int error = ENOENT;
    for (;;) {
        const auto end = path_list.find(':');
        const auto entry = path_list.substr(0, end);
        under_cwd(entry.empty() ? std::string_view{"."} : entry);
        found += '/';
        found += name;
        if (const int e = check_program(found.c_str()); e != ENOENT) error = e;
        if (error == 0) return 0;
        if (end == std::string_view::npos) return error;
        path_list.remove_prefix(end + 1);
    }
}

}  // namespace queuectl::inline v0::process

#endif

// ---- queuectl/process/exec_plan.hpp
// What a job executes, ready for execve: program, words and environment, built before the process exists.
#ifndef QUEUECTL_PROCESS_EXEC_PLAN_HPP
#define QUEUECTL_PROCESS_EXEC_PLAN_HPP

namespace queuectl::inline v0::process {

// Strings in one buffer, and the null-terminated array of pointers that execve wants. `spare` empty places stay in
// front of the array. Reused from run to run without allocating once it is warm.
class string_block {
public:
    void clear() noexcept
    {
        bytes_.clear();
        starts_.clear();
    }
    void add(std::string_view a, std::string_view b = {}, std::string_view c = {}, std::string_view d = {})
    {
        starts_.push_back(bytes_.size());
        bytes_.append(a).append(b).append(c).append(d).push_back('\0');
    }
    [[nodiscard]] std::size_t size() const noexcept { return starts_.size(); }
    [[nodiscard]] std::string_view at(std::size_t i) const { return bytes_.c_str() + starts_[i]; }

    // Valid until the next change; its places `0 … spare − 1` are null.
    [[nodiscard]] char** pointers(std::size_t spare = 0)
    {
        pointers_.assign(spare, nullptr);
        for (const auto start : starts_) pointers_.push_back(bytes_.data() + start);
        pointers_.push_back(nullptr);
        return pointers_.data();
    }

private:
    std::string bytes_;
    std::vector<std::size_t> starts_;
    std::vector<char*> pointers_;
};

// The environment of this process as a job carries it: NAME=VALUE, each ended by NUL.
[[nodiscard]] inline std::string current_environment()
{
    std::string block;
    for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) block.append(*entry).push_back('\0');
    return block;
}

// The value of a variable in such a block; empty when it is not there.
[[nodiscard]] inline std::string_view environment_value(std::string_view block, std::string_view name) noexcept
{
    while (!block.empty()) {
        const auto end = block.find('\0');
        const auto entry = block.substr(0, end);
        if (entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name))
            return entry.substr(name.size() + 1);
        block.remove_prefix(end == std::string_view::npos ? block.size() : end + 1);
    }
    return {};
}

// A program to execute, or why there is none: `error` is ENOENT or EACCES of `name`, or EINVAL for no command.
struct exec_plan {
    std::string path;
    string_block words;
    std::string name;              // the first word, for messages
    bool shell = false;            // through /bin/sh -c
    bool script_fallback = false;  // a file without a known format is a script for /bin/sh
    int error = 0;
};

// Plans command texts and argv payloads (kind "argv"). `environment` is the job's block, `cwd` its directory.
class planner {
public:
    void plan(exec_plan& out, bool argv, std::string_view payload, std::string_view environment, std::string_view cwd)
    {
        out.words.clear();
        out.shell = false;
        out.error = 0;
        const auto path = environment_value(environment, "PATH");
        if (argv) return plan_argv(out, payload, path, cwd);
        if (payload.find('\0') != std::string_view::npos) return refuse(out, "a command with a NUL byte");
        split_plain(payload, words_);
        if (!words_.empty() && is_direct(out, path, environment, cwd)) return plan_direct(out);
        plan_shell(out, payload);
    }

private:
    // A program with the words of `words_`, or the reason why a shell would not find it either.
    [[nodiscard]] bool is_direct(exec_plan& out, std::string_view path, std::string_view environment,
                                 std::string_view cwd)
    {
        const auto name = words_.front();
        if (environment.find("BASH_FUNC_") != std::string_view::npos) return false;
        if (name.find('/') == std::string_view::npos && !is_absolute_path_list(path)) return false;
        out.error = find_program(name, path, cwd, out.path);
        return out.error == 0 || (name != "true" && name != "false");
    }

    void plan_direct(exec_plan& out)
    {
        out.name.assign(words_.front());
        out.script_fallback = true;
        for (const auto word : words_) out.words.add(word);
    }

    void plan_argv(exec_plan& out, std::string_view payload, std::string_view path, std::string_view cwd)
    {
        split_argv(payload, words_);
        if (words_.empty()) return refuse(out, "no command");
        if (path.empty()) path = "/usr/local/bin:/usr/bin:/bin";
        out.error = find_program(words_.front(), path, cwd, out.path);
        plan_direct(out);
        out.script_fallback = false;
    }

    void plan_shell(exec_plan& out, std::string_view text)
    {
        out.error = 0;
        out.shell = true;
        out.script_fallback = false;
        out.path.assign("/bin/sh");
        out.name.assign("/bin/sh");
        out.words.add("sh");
        out.words.add("-c");
        if (text.starts_with('-') || text.starts_with('+')) out.words.add("--");
        out.words.add(text);
    }

    static void refuse(exec_plan& out, std::string_view what)
    {
        out.name.assign(what);
        out.error = EINVAL;
    }

    std::vector<std::string_view> words_;
};

}  // namespace queuectl::inline v0::process

#endif

// ---- queuectl/process/job_environment.hpp
// The environment of a run: the job's own, and what tells it which job it is.
#ifndef QUEUECTL_PROCESS_JOB_ENVIRONMENT_HPP
#define QUEUECTL_PROCESS_JOB_ENVIRONMENT_HPP

namespace queuectl::inline v0::process {

// The variables that every run gets, whatever its job says. QUEUECTL_RUN marks all processes of the run: see
// marked_processes.hpp. PWD is set as a shell would set it.
struct run_variables {
    std::string_view job_id;
    std::string_view attempt;
    std::string_view store;
    std::string_view mark;
    std::string_view cwd;
};

// Fills `out` with the entries of `block` (NAME=VALUE, each ended by NUL) and the run's variables.
inline void build_environment(string_block& out, std::string_view block, const run_variables& run)
{
    const std::array<std::pair<std::string_view, std::string_view>, 5> own{{{"QUEUECTL_JOB_ID=", run.job_id},
                                                                            {"QUEUECTL_ATTEMPT=", run.attempt},
                                                                            {"QUEUECTL_STORE=", run.store},
                                                                            {"QUEUECTL_RUN=", run.mark},
                                                                            {"PWD=", run.cwd}}};
    const auto replaced = [&](std::string_view entry) {
        for (const auto& [name, value] : own)
            if (entry.starts_with(name)) return true;
        return false;
    };
    out.clear();
    for (const auto& [name, value] : own)
        if (!value.empty()) out.add(name, value);
    while (!block.empty()) {
        const auto end = block.find('\0');
        const auto entry = block.substr(0, end);
        if (!entry.empty() && !replaced(entry)) out.add(entry);
        block.remove_prefix(end == std::string_view::npos ? block.size() : end + 1);
    }
}

}  // namespace queuectl::inline v0::process

#endif

// ---- queuectl/process/spawn.hpp
// Starting a process at the cost of vfork, whatever the size of this one. Linux.
#ifndef QUEUECTL_PROCESS_SPAWN_HPP
#define QUEUECTL_PROCESS_SPAWN_HPP

#include <climits>
#include <csignal>

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

// The child runs in the parent's memory on a stack of its own, which no sanitizer may instrument.
#if defined(__clang__)
#define QUEUECTL_DETAIL_NO_SANITIZE __attribute__((no_sanitize("address", "thread", "undefined", "memory")))
#else
#define QUEUECTL_DETAIL_NO_SANITIZE __attribute__((no_sanitize("address,thread,undefined")))
#endif

namespace queuectl::inline v0::process {

// What to start. All pointers must outlive the call. The child gets default dispositions of all signals, an empty
// mask, the given descriptors as 0, 1 and 2 (above 2 themselves; −1 = this process's own) and no others. It keeps the
// umask and the limits of this process.
struct spawn_request {
    const char* path = nullptr;
    char* const* argv = nullptr;  // with script_fallback, argv[−1] is a place for one more word
    char* const* envp = nullptr;
    const char* cwd = nullptr;  // null = stay
    int in = -1;
    int out = -1;
    int err = -1;
    int death_signal = 0;          // sent to it when the calling thread ends, however that ends; 0 = none
    bool new_session = false;      // leader of its own session and process group
    bool script_fallback = false;  // execute a file without a known format by /bin/sh, as a shell does
};

enum class spawn_step : std::uint8_t { none, directory, execute };

// pid > 0: it ran, unless failed_step tells that the child (to be reaped all the same) could not. pid −1: no process.
struct spawn_result {
    pid_t pid = -1;
    owned_fd pidfd;  // none where the kernel has no pidfds
    spawn_step failed_step = spawn_step::none;
    int error = 0;  // errno of the failure
};

namespace detail {

struct spawn_frame {
    const spawn_request* request;
    pid_t parent;
    volatile int step;
    volatile int error;
};

// Between clone and exec: system calls on prepared memory, nothing else. Not even libc's wrappers, which sanitizers
// replace. Memory is the parent's; signal dispositions, mask and descriptors are already the child's own.
QUEUECTL_DETAIL_NO_SANITIZE inline int run_child(void* argument)
{
    auto& frame = *static_cast<spawn_frame*>(argument);
    const auto& r = *frame.request;
    const unsigned long none[16] = {};  // SIG_DFL, no flags, empty mask, in any layout; also an empty signal set
    for (int s = 1; s <= 64; ++s) ::syscall(SYS_rt_sigaction, s, none, nullptr, 8);
    if (r.new_session) ::syscall(SYS_setsid);
    if (r.death_signal != 0) {
        ::syscall(SYS_prctl, PR_SET_PDEATHSIG, r.death_signal, 0, 0, 0);
        if (::syscall(SYS_getppid) != frame.parent) ::syscall(SYS_exit_group, 127);
    }
    frame.step = static_cast<int>(spawn_step::directory);
    if (r.cwd != nullptr && ::syscall(SYS_chdir, r.cwd) != 0) {
        frame.error = errno;
        ::syscall(SYS_exit_group, 126);
    }
    frame.step = static_cast<int>(spawn_step::execute);
    if (r.in >= 0) ::syscall(SYS_dup3, r.in, 0, 0);
    if (r.out >= 0) ::syscall(SYS_dup3, r.out, 1, 0);
    if (r.err >= 0) ::syscall(SYS_dup3, r.err, 2, 0);
    if (::syscall(SYS_close_range, 3u, ~0u, 0u) != 0)
        for (int fd = 3; fd < 4096; ++fd) ::syscall(SYS_close, fd);
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, none, nullptr, 8);
    ::syscall(SYS_execve, r.path, r.argv, r.envp);
    if (errno == ENOEXEC && r.script_fallback) {
        char** words = const_cast<char**>(r.argv) - 1;
        static char shell[] = "sh";
        words[0] = shell;
        words[1] = const_cast<char*>(r.path);
        ::syscall(SYS_execve, "/bin/sh", words, r.envp);
    }
    frame.error = errno;
    ::syscall(SYS_exit_group, 127);
    return 127;
}

}  // namespace detail

// Starts processes. Owns the little stack they start on; one thread at a time.
class spawner {
public:
    spawner() noexcept
        : stack_{::mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)}
    {
    }
    spawner(spawner&& other) noexcept : stack_{std::exchange(other.stack_, MAP_FAILED)} {}
    spawner& operator=(spawner&&) = delete;
    ~spawner()
    {
        if (stack_ != MAP_FAILED) ::munmap(stack_, stack_bytes);
    }

    // Returns when the child executes its program or has failed to. No signal handler runs in between, in either.
    [[nodiscard]] spawn_result spawn(const spawn_request& request) noexcept
    {
        spawn_result result;
        if (stack_ == MAP_FAILED) {
            result.error = ENOMEM;
            return result;
        }
        detail::spawn_frame frame{&request, ::getpid(), 0, 0};
        const std::uint64_t all = ~std::uint64_t{0};
        std::uint64_t before = 0;
        ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, 8);
        int pidfd = -1;
        result.pid = start(frame, CLONE_PIDFD, &pidfd);
        if (result.pid < 0 && errno == EINVAL) result.pid = start(frame, 0, nullptr);
        const int failure = errno;
        ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, nullptr, 8);
        result.pidfd = owned_fd{pidfd};
        if (result.pid < 0) {
            result.error = failure;
        } else if (frame.error != 0) {
            result.failed_step = static_cast<spawn_step>(frame.step);
            result.error = frame.error;
        }
        return result;
    }

private:
    static constexpr std::size_t stack_bytes = 64u << 10;

    [[nodiscard]] pid_t start(detail::spawn_frame& frame, int flags, int* pidfd) noexcept
    {
        return ::clone(detail::run_child, static_cast<char*>(stack_) + stack_bytes,
                       CLONE_VM | CLONE_VFORK | SIGCHLD | flags, &frame, pidfd);
    }

    void* stack_;
};

// Waits for a child; its wait status, or −1 when it is none of ours (any more).
inline int reap(pid_t pid) noexcept
{
    int status = 0;
    return retry_interrupted([&] { return ::waitpid(pid, &status, 0); }) == pid ? status : -1;
}

}  // namespace queuectl::inline v0::process

#endif

// ---- queuectl/process/launcher.hpp
// From a leased job to its process. Linux.
#ifndef QUEUECTL_PROCESS_LAUNCHER_HPP
#define QUEUECTL_PROCESS_LAUNCHER_HPP

namespace queuectl::inline v0::process {

// pid > 0: it runs. Else `error` is the errno for which no process could be started, and nothing ran; or it is 0, and
// the job cannot be executed: `exit_code` (126, 127) and `reason` are what a shell would tell.
struct launched {
    pid_t pid = -1;
    owned_fd pidfd{};
    int error = 0;
    int exit_code = 126;
    std::string reason{};
};

// Starts jobs in sessions of their own, with stdin from /dev/null. One thread; jobs are killed when it ends.
template <class Spawner>
class launcher {
public:
    launcher()
        : environment_{current_environment()},
          null_{above_standard(owned_fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)})}
    {
    }

    // stdout and stderr go to `out`; QUEUECTL_STORE and QUEUECTL_RUN are `store` and `mark`.
    [[nodiscard]] launched launch(const lease& l, std::string_view store, std::string_view mark, int out)
    {
        launched result;
        if (!null_) result.error = EMFILE;
        if (!null_) return result;
        const auto& environment = l.job.env.empty() ? environment_ : l.job.env;
        planner_.plan(plan_, l.job.kind == "argv", l.job.payload, environment, l.job.cwd);
        if (plan_.error != 0) {
            explain(result, {}, l.job.cwd);
            return result;
        }
        set_variables(l, environment, store, mark);
        auto child = spawner_.spawn(request_for(l, out));
        if (child.pid < 0) result.error = child.error;
        if (child.pid < 0) return result;
        if (child.error == 0) {
            result.pid = child.pid;
            result.pidfd = std::move(child.pidfd);
            return result;
        }
        reap(child.pid);
        if (is_shortage(child.error))
            result.error = child.error;
        else
            explain(result, child, l.job.cwd);
        return result;
    }

    [[nodiscard]] Spawner& spawner() noexcept { return spawner_; }

private:
    // The machine lacks something now; the job is not to blame.
    [[nodiscard]] static bool is_shortage(int error) noexcept
    {
        return error == EAGAIN || error == ENOMEM || error == EMFILE || error == ENFILE;
    }

    void set_variables(const lease& l, std::string_view environment, std::string_view store, std::string_view mark)
    {
        char here[4096];
        const auto number = std::to_string(l.run_number());
        const char* const cwd = l.job.cwd.empty() ? ::getcwd(here, sizeof here) : l.job.cwd.c_str();
        build_environment(variables_, environment, {l.job.id, number, store, mark, cwd != nullptr ? cwd : ""});
    }

    [[nodiscard]] spawn_request request_for(const lease& l, int out)
    {
        spawn_request request;
        request.path = plan_.path.c_str();
        request.argv = plan_.words.pointers(1) + 1;
        request.envp = variables_.pointers();
        request.cwd = l.job.cwd.empty() ? nullptr : l.job.cwd.c_str();
        request.in = null_.get();
        request.out = request.err = out;
        request.death_signal = SIGKILL;
        request.new_session = true;
        request.script_fallback = plan_.script_fallback;
        return request;
    }

    void explain(launched& result, const spawn_result& child, std::string_view cwd) const
    {
        result.exit_code = plan_.error == ENOENT || child.error == ENOENT ? 127 : 126;
        if (child.failed_step == spawn_step::directory) {
            result.exit_code = 126;
            result.reason.append("cannot change to ").append(cwd).append(": ").append(std::strerror(child.error));
        } else if (plan_.error == EINVAL) {
            result.reason = "cannot execute " + plan_.name;
        } else if (plan_.error == ENOENT) {
            result.reason = plan_.name + ": not found";
        } else if (child.error == ENOENT) {
            result.reason = plan_.name + ": its interpreter was not found";
        } else {
            result.reason = plan_.name + ": " + std::strerror(plan_.error != 0 ? plan_.error : child.error);
        }
    }

    std::string environment_;
    owned_fd null_;
    Spawner spawner_;
    planner planner_;
    exec_plan plan_;
    string_block variables_;
};

}  // namespace queuectl::inline v0::process

#endif

// ---- queuectl/process/process_list.hpp
// The processes of this machine as /proc tells of them, and signals that cannot hit a reused pid. Linux.
#ifndef QUEUECTL_PROCESS_PROCESS_LIST_HPP
#define QUEUECTL_PROCESS_PROCESS_LIST_HPP

#include <charconv>

#include <dirent.h>

namespace queuectl::inline v0::process {

struct process_entry {
    pid_t pid = 0;
    pid_t parent = 0;
    pid_t group = 0;
    pid_t session = 0;
    char state = '?';         // as in ps: Z is a zombie
    std::uint64_t start = 0;  // clock ticks after boot: with the pid, the identity of a process
    std::string mark{};       // QUEUECTL_RUN of its environment, where it was asked for and may be read

    [[nodiscard]] bool alive() const noexcept { return state != 'Z' && state != 'X'; }
};

// The fields of /proc/PID/stat (proc(5)); false when they are not there. The name may hold any bytes, `)` included.
[[nodiscard]] inline bool parse_stat(std::string_view text, process_entry& entry) noexcept
{
    const auto close = text.rfind(')');
    if (close == std::string_view::npos || close + 2 >= text.size()) return false;
    entry.state = text[close + 2];
    const char* at = text.data() + close + 3;
    const char* const end = text.data() + text.size();
    long long value = 0;
    for (int field = 4; field <= 22; ++field) {
        while (at < end && *at == ' ') ++at;
        const auto parsed = std::from_chars(at, end, value);
        if (parsed.ec != std::errc{} && parsed.ec != std::errc::result_out_of_range) return false;
        at = parsed.ptr;
        if (field == 4) entry.parent = static_cast<pid_t>(value);
        if (field == 5) entry.group = static_cast<pid_t>(value);
        if (field == 6) entry.session = static_cast<pid_t>(value);
    }
    entry.start = static_cast<std::uint64_t>(value);
    return true;
}

[[nodiscard]] inline bool read_process(pid_t pid, process_entry& entry, std::string& scratch)
{
    char path[40];
    std::snprintf(path, sizeof path, "/proc/%ld/stat", static_cast<long>(pid));
    entry.pid = pid;
    return read_file(path, scratch, 4096) && parse_stat(scratch, entry);
}

// Appends every process that can be seen. Not a snapshot: some may come and go meanwhile.
inline void list_processes(std::vector<process_entry>& out)
{
    DIR* const directory = ::opendir("/proc");
    if (directory == nullptr) return;
    std::string scratch;
    while (const dirent* const file = ::readdir(directory)) {
        const std::string_view name{file->d_name};
        pid_t pid = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr != name.data() + name.size()) continue;
        process_entry entry;
        if (pid > 0 && read_process(pid, entry, scratch)) out.push_back(entry);
    }
    ::closedir(directory);
}

// The value of QUEUECTL_RUN in a process's environment; empty when there is none.
[[nodiscard]] inline std::string_view mark_in(std::string_view environment) noexcept
{
    constexpr std::string_view name = "QUEUECTL_RUN=";
    for (auto at = environment.find(name); at != std::string_view::npos; at = environment.find(name, at + 1)) {
        if (at > 0 && environment[at - 1] != '\0') continue;
        const auto value = environment.substr(at + name.size());
        return value.substr(0, value.find('\0'));
    }
    return {};
}

// `mark` is `wanted` itself, or begins with it and goes on after a '.': the mark of a part of it.
[[nodiscard]] inline bool is_part_of(std::string_view mark, std::string_view wanted) noexcept
{
    return !wanted.empty() && mark.starts_with(wanted) && (mark.size() == wanted.size() || mark[wanted.size()] == '.');
}

// The environment that a process was started with; empty when it may not be read.
inline void read_environment(pid_t pid, std::string& out)
{
    char path[40];
    std::snprintf(path, sizeof path, "/proc/%ld/environ", static_cast<long>(pid));
    if (!read_file(path, out, 4u << 20)) out.clear();
}

// The same with their marks: about 20 µs for each.
inline void list_marked_processes(std::vector<process_entry>& out)
{
    constexpr pid_t kernel_threads = 2;  // the parent of them all; they have no environment
    auto first = out.size();
    list_processes(out);
    std::string scratch;
    for (; first < out.size(); ++first) {
        auto& p = out[first];
        if (!p.alive() || p.pid == kernel_threads || p.parent == kernel_threads) continue;
        read_environment(p.pid, scratch);
        p.mark = mark_in(scratch);
    }
}

// Sends a signal to the process that was listed, not to another one that has got its pid since.
// True when it was sent.
inline bool signal_process(const process_entry& target, int signal)
{
    const owned_fd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, target.pid, 0))};
    if (!pidfd && errno != ENOSYS) return false;
    process_entry now;
    std::string scratch;
    if (!read_process(target.pid, now, scratch) || now.start != target.start) return false;
    if (!pidfd) return ::kill(target.pid, signal) == 0;
    return ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0;
}

}  // namespace queuectl::inline v0::process

#endif

// ---- queuectl/process/leftovers.hpp
// Processes that a run left behind outside its session and group: found by their mark. Linux.
#ifndef QUEUECTL_PROCESS_LEFTOVERS_HPP
#define QUEUECTL_PROCESS_LEFTOVERS_HPP

namespace queuectl::inline v0::process {

// Appends the children of this process, whichever thread they belong to; false where the kernel does not list them.
[[nodiscard]] inline bool list_children(std::vector<pid_t>& out)
{
    DIR* const directory = ::opendir("/proc/self/task");
    if (directory == nullptr) return false;
    bool listed = false;
    std::string text;
    while (const dirent* const task = ::readdir(directory)) {
        if (task->d_name[0] == '.') continue;
        const auto path = std::string{"/proc/self/task/"} + task->d_name + "/children";
        if (!read_file(path.c_str(), text, 1u << 20)) continue;
        listed = true;
        const char* const end = text.data() + text.size();
        for (const char* at = text.data(); at < end;) {
            pid_t pid = 0;
            const auto parsed = std::from_chars(at, end, pid);
            if (parsed.ec == std::errc{} && pid > 0) out.push_back(pid);
            at = std::max(parsed.ptr, at) + 1;
        }
    }
    ::closedir(directory);
    return listed;
}

// The run's number in a mark "<prefix>.<number>", or 0.
[[nodiscard]] inline std::uint32_t run_number(std::string_view mark, std::string_view prefix) noexcept
{
    if (mark.size() <= prefix.size() + 1 || !mark.starts_with(prefix) || mark[prefix.size()] != '.') return 0;
    std::uint32_t number = 0;
    const auto* const end = mark.data() + mark.size();
    return std::from_chars(mark.data() + prefix.size() + 1, end, number).ptr == end ? number : 0;
}

// Looks now and then for processes that belong to no running job.
//
// As `owner` of all children of this process, a child subreaper: looks at its children that started no run, which are
// what jobs left. It reaps the dead and kills those without a mark as soon as no run is active that was when they were
// first seen. Otherwise: looks at every process younger than this object, and never reaps.
class leftover_finder {
public:
    leftover_finder(std::string run_mark, bool owner) : run_mark_{std::move(run_mark)}, owner_{owner}
    {
        process_entry self;
        std::string scratch;
        if (read_process(::getpid(), self, scratch)) self_start_ = self.start;
    }

    // When to look after a run ended at `now`.
    [[nodiscard]] duration after_exit(duration now) const noexcept { return add(now, owner_ ? owner_delay_ : delay_); }

    // Appends the numbers of ended runs that have left living processes. `active(number)` tells whether a run's leader
    // lives, `leader(pid)` whether a child is one; `oldest` and `newest` are the lowest active and the highest number
    // yet. True: something without a mark is left, look again.
    template <class Active, class Leader>
    bool look(const Active& active, const Leader& leader, std::uint32_t oldest, std::uint32_t newest,
              std::vector<std::uint32_t>& found)
    {
        const auto begun = monotonic_now();
        candidates_.clear();
        if (!owner_ || !list_children(candidates_)) list_young();
        bool again = false;
        for (const auto pid : candidates_) {
            if (leader(pid) || (owner_ && ::waitpid(pid, nullptr, WNOHANG) == pid)) continue;
            read_environment(pid, scratch_);
            const auto number = run_number(mark_in(scratch_), run_mark_);
            if (number != 0 && active(number)) continue;
            if (number != 0)
                found.push_back(number);
            else if (owner_)
                again = end_unmarked(pid, oldest, newest) || again;
        }
        forget_gone();
        delay_ = std::max(duration{std::chrono::milliseconds{500}}, (monotonic_now() - begun) * 50);
        return again;
    }

private:
    struct stranger {
        pid_t pid;
        std::uint32_t newest;  // the highest number of a run that may have left it
        bool seen;
    };

    void list_young()
    {
        std::vector<process_entry> all;
        list_processes(all);
        for (const auto& p : all)
            if (owner_ ? p.parent == ::getpid() : p.start >= self_start_ && p.pid != ::getpid() && p.alive())
                candidates_.push_back(p.pid);
    }

    bool end_unmarked(pid_t pid, std::uint32_t oldest, std::uint32_t newest)
    {
        auto known =
            std::find_if(strangers_.begin(), strangers_.end(), [&](const stranger& s) { return s.pid == pid; });
        if (known == strangers_.end()) known = strangers_.insert(known, {pid, newest, true});
        known->seen = true;
        if (oldest > known->newest) ::kill(pid, SIGKILL);  // our own unreaped child: the pid is pinned
        return true;
    }

    void forget_gone()
    {
        const auto gone = [](const stranger& s) { return !s.seen; };
        strangers_.erase(std::remove_if(strangers_.begin(), strangers_.end(), gone), strangers_.end());
        for (auto& s : strangers_) s.seen = false;
    }

    std::string run_mark_;
    bool owner_;
    std::uint64_t self_start_ = 0;
    duration owner_delay_ = std::chrono::milliseconds{50};
    duration delay_ = std::chrono::milliseconds{500};
    std::vector<pid_t> candidates_;
    std::vector<stranger> strangers_;
    std::string scratch_;
};

}  // namespace queuectl::inline v0::process

#endif

// ---- queuectl/process/process_tree.hpp
// All processes of one run, however far they went: its session, its group, their descendants, and whatever carries
// its mark. Linux.
#ifndef QUEUECTL_PROCESS_PROCESS_TREE_HPP
#define QUEUECTL_PROCESS_PROCESS_TREE_HPP

namespace queuectl::inline v0::process {

// Which processes belong to a run. `leader` led its session and group (0: there was none); `mark` is the value of
// QUEUECTL_RUN (empty: there was none).
struct tree_identity {
    pid_t leader = 0;
    std::string mark;
};

// Appends the living processes of `all`, listed with their marks, that belong to the run, except this process. Pure.
inline void find_tree(const tree_identity& tree, const std::vector<process_entry>& all,
                      std::vector<process_entry>& members)
{
    std::vector<char> inside(all.size(), 0);
    const pid_t self = ::getpid();
    const auto first = members.size();
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto& p = all[i];
        const bool led = tree.leader > 0 && (p.session == tree.leader || p.group == tree.leader);
        inside[i] = p.pid != self && p.alive() && (led || is_part_of(p.mark, tree.mark));
        if (inside[i]) members.push_back(p);
    }
    for (auto parent = first; parent < members.size(); ++parent)
        for (std::size_t i = 0; i < all.size(); ++i)
            if (!inside[i] && all[i].parent == members[parent].pid && all[i].alive() && all[i].pid != self) {
                inside[i] = 1;
                members.push_back(all[i]);
            }
}

[[nodiscard]] inline std::vector<process_entry> find_tree(const tree_identity& tree)
{
    std::vector<process_entry> all;
    std::vector<process_entry> members;
    list_marked_processes(all);
    find_tree(tree, all, members);
    return members;
}

// Sends a signal to each member once; with SIGTERM also SIGCONT, so that stopped ones see it.
inline void signal_members(const std::vector<process_entry>& members, int signal)
{
    for (const auto& member : members) {
        signal_process(member, signal);
        if (signal == SIGTERM) signal_process(member, SIGCONT);
    }
}

// Finds the members and signals them; how many there are.
inline std::size_t signal_tree(const tree_identity& tree, int signal)
{
    const auto members = find_tree(tree);
    signal_members(members, signal);
    return members.size();
}

// The members of many runs for the price of one listing: the processes as they were at most `age_max` ago.
class process_snapshot {
public:
    static constexpr duration age_max = std::chrono::milliseconds{4};

    // The living members; valid until the next call.
    [[nodiscard]] std::vector<process_entry>& members_of(const tree_identity& tree, duration now)
    {
        members_.clear();
        if (now - listed_at_ > age_max) {
            all_.clear();
            list_marked_processes(all_);
            listed_at_ = monotonic_now();
        }
        find_tree(tree, all_, members_);
        return members_;
    }

private:
    std::vector<process_entry> all_;
    std::vector<process_entry> members_;
    duration listed_at_ = -duration_max;
};

}  // namespace queuectl::inline v0::process

#endif

// ---- queuectl/process/orphans.hpp
// Ending what a dead worker left running. Linux.
#ifndef QUEUECTL_PROCESS_ORPHANS_HPP
#define QUEUECTL_PROCESS_ORPHANS_HPP

namespace queuectl::inline v0::process {

namespace detail {
// Calls kill(), which tells how many it found, until that is none or `patience` has passed; what it told last.
template <class Kill>
std::size_t kill_until_gone(duration patience, Kill&& kill)
{
    const auto until = add(monotonic_now(), patience);
    for (::useconds_t pause_us = 500;; pause_us = pause_us < 16'000 ? pause_us * 2 : pause_us) {
        const auto left = kill();
        if (left == 0 || monotonic_now() >= until) return left;
        ::usleep(pause_us);
    }
}
}  // namespace detail

// Kills every process whose QUEUECTL_RUN is `mark`, or begins with it and a dot, and their descendants, until none is
// left or `patience` has passed; never this process. Returns how many are left. Only for a mark whose owner is dead:
// nothing asks whether the jobs should go on. About 20 µs for each process of the machine when there is nothing to do.
inline std::size_t end_marked(std::string_view mark, duration patience)
{
    if (mark.empty()) return 0;
    const tree_identity tree{0, std::string{mark}};
    return detail::kill_until_gone(patience, [&] { return signal_tree(tree, SIGKILL); });
}

// The same, and with them the children of this process but those for which keep(pid) is true. For a process that
// owns all its children: a supervisor, which adopts what dead workers leave, marked or not.
template <class Keep>
std::size_t end_marked_and_adopted(std::string_view mark, duration patience, const Keep& keep)
{
    const tree_identity tree{0, std::string{mark}};
    std::vector<process_entry> all;
    return detail::kill_until_gone(patience, [&] {
        all.clear();
        list_marked_processes(all);
        std::vector<process_entry> members;
        find_tree(tree, all, members);
        for (const auto& p : all)
            if (p.parent == ::getpid() && p.alive() && !keep(p.pid)) members.push_back(p);
        signal_members(members, SIGKILL);
        return members.size();
    });
}

}  // namespace queuectl::inline v0::process

#endif

// ---- queuectl/process/exit_text.hpp
// How a run ended, in words.
#ifndef QUEUECTL_PROCESS_EXIT_TEXT_HPP
#define QUEUECTL_PROCESS_EXIT_TEXT_HPP

namespace queuectl::inline v0::process {

// "SIGKILL"; empty for a signal without a name of its own.
[[nodiscard]] inline std::string signal_name(int signal)
{
    struct entry {
        int number;
        const char* name;
    };
    constexpr std::array names{
        entry{SIGHUP, "HUP"},   entry{SIGINT, "INT"},   entry{SIGQUIT, "QUIT"},     entry{SIGILL, "ILL"},
        entry{SIGTRAP, "TRAP"}, entry{SIGABRT, "ABRT"}, entry{SIGBUS, "BUS"},       entry{SIGFPE, "FPE"},
        entry{SIGKILL, "KILL"}, entry{SIGUSR1, "USR1"}, entry{SIGSEGV, "SEGV"},     entry{SIGUSR2, "USR2"},
        entry{SIGPIPE, "PIPE"}, entry{SIGALRM, "ALRM"}, entry{SIGTERM, "TERM"},     entry{SIGXCPU, "XCPU"},
        entry{SIGXFSZ, "XFSZ"}, entry{SIGSYS, "SYS"},   entry{SIGVTALRM, "VTALRM"}, entry{SIGPROF, "PROF"}};
    for (const auto& e : names)
        if (e.number == signal) return std::string{"SIG"} + e.name;
    return {};
}

// "killed by signal 9 (SIGKILL)"
[[nodiscard]] inline std::string signal_text(int signal, bool core_dumped = false)
{
    std::string text = "killed by signal " + std::to_string(signal);
    if (const auto name = signal_name(signal); !name.empty()) text += " (" + name + ")";
    return core_dumped ? text + ", core dumped" : text;
}

// "exit code 3" or the signal, of a wait status.
[[nodiscard]] inline std::string exit_text(int status)
{
    if (WIFSIGNALED(status)) return signal_text(WTERMSIG(status), WCOREDUMP(status));
    return "exit code " + std::to_string(WEXITSTATUS(status));
}

// "5s", "1.5s", "250ms", "7us"
[[nodiscard]] inline std::string duration_text(duration d)
{
    const auto us = d.count();
    if (us % 1000 != 0) return std::to_string(us) + "us";
    if (us < 1'000'000) return std::to_string(us / 1000) + "ms";
    std::string text = std::to_string(us / 1'000'000);
    if (const auto ms = us / 1000 % 1000; ms != 0) {
        auto fraction = std::to_string(1000 + ms).substr(1);
        fraction.resize(fraction.find_last_not_of('0') + 1);
        text += "." + fraction;
    }
    return text + "s";
}

}  // namespace queuectl::inline v0::process

#endif

// ---- queuectl/process/live_output.hpp
// The output of a run while it runs, in a file that others may follow.
#ifndef QUEUECTL_PROCESS_LIVE_OUTPUT_HPP
#define QUEUECTL_PROCESS_LIVE_OUTPUT_HPP

namespace queuectl::inline v0::process {

// The file of a lease's run: its nonce and ordinal in hexadecimal, ".live".
[[nodiscard]] inline std::string live_output_path(const std::string& directory, const lease_token& token)
{
    char ordinal[9];
    for (int i = 0; i < 8; ++i) ordinal[i] = "0123456789abcdef"[(token.ordinal >> (28 - 4 * i)) & 15];
    ordinal[8] = '\0';
    return directory + '/' + to_hex(token.nonce) + ordinal + ".live";
}

// Owns the file: made by the first write (0600, never through a link, never one that is there), removed at the end.
// Holds at most `bytes_max` bytes and a note that there was more. A file that cannot be written is given up silently:
// the run's report does not depend on it.
class live_output {
public:
    live_output() = default;
    live_output(std::string path, std::size_t bytes_max) : path_{std::move(path)}, left_{bytes_max} {}
    live_output(live_output&& other) noexcept { *this = std::move(other); }
    live_output& operator=(live_output&& other) noexcept
    {
        if (this != &other) {
            remove();
            path_.swap(other.path_);
            fd_ = std::move(other.fd_);
            left_ = other.left_;
            made_ = other.made_;
        }
        return *this;
    }
    ~live_output() { remove(); }

    void append(std::string_view bytes)
    {
        if (path_.empty() || left_ == 0 || bytes.empty() || !open()) return;
        const auto kept = bytes.substr(0, std::min(bytes.size(), left_));
        left_ = write(kept) ? left_ - kept.size() : 0;
        if (kept.size() < bytes.size()) write("\n[more output follows; it is shown when the run has ended]\n");
        if (left_ == 0) fd_.reset();
    }

    void remove()
    {
        if (made_ && !path_.empty()) ::unlink(path_.c_str());
        path_.clear();
        fd_.reset();
    }

private:
    [[nodiscard]] bool open()
    {
        if (fd_) return true;
        fd_ = owned_fd{::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600)};
        if (!fd_)
            left_ = 0;
        else
            made_ = true;
        return made_;
    }

    bool write(std::string_view bytes)
    {
        while (!bytes.empty()) {
            const auto n = retry_interrupted([&] { return ::write(fd_.get(), bytes.data(), bytes.size()); });
            if (n <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }

    std::string path_;
    owned_fd fd_;
    std::size_t left_ = 0;
    bool made_ = false;
};

}  // namespace queuectl::inline v0::process

#endif

// ---- queuectl/process/output_buffer.hpp
// What a run writes, bounded: the first bytes, the last bytes, and a count of what was dropped between them.
#ifndef QUEUECTL_PROCESS_OUTPUT_BUFFER_HPP
#define QUEUECTL_PROCESS_OUTPUT_BUFFER_HPP

namespace queuectl::inline v0::process {

// Holds at most head_bytes + tail_bytes, and allocates no more than a small factor of what was written. Any bytes.
class output_buffer {
public:
    output_buffer() = default;
    output_buffer(std::size_t head_bytes, std::size_t tail_bytes) : head_max_{head_bytes}, tail_max_{tail_bytes} {}

    void append(std::string_view bytes)
    {
        total_ += bytes.size();
        const auto first = std::min(bytes.size(), head_max_ - head_.size());
        head_.append(bytes.substr(0, first));
        bytes.remove_prefix(first);
        if (bytes.size() > tail_max_) bytes.remove_prefix(bytes.size() - tail_max_);
        const auto growth = std::min(bytes.size(), tail_max_ - ring_.size());
        ring_.append(bytes.substr(0, growth));
        bytes.remove_prefix(growth);
        while (!bytes.empty()) {
            const auto n = std::min(bytes.size(), ring_.size() - oldest_);
            bytes.copy(ring_.data() + oldest_, n);
            oldest_ = (oldest_ + n) % ring_.size();
            bytes.remove_prefix(n);
        }
    }

    // Bytes ever appended.
    [[nodiscard]] std::uint64_t total_bytes() const noexcept { return total_; }
    [[nodiscard]] std::uint64_t dropped_bytes() const noexcept { return total_ - head_.size() - ring_.size(); }

    // Calls f(bytes) with what is kept, in order; what was dropped is missing in between.
    template <class F>
    void visit(F&& f) const
    {
        f(std::string_view{head_});
        f(std::string_view{ring_}.substr(oldest_));
        f(std::string_view{ring_}.substr(0, oldest_));
    }

    // What is kept; the buffer is empty afterwards. The tail is empty when nothing was dropped.
    [[nodiscard]] run_output take()
    {
        run_output out;
        out.dropped_bytes = dropped_bytes();
        std::rotate(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(oldest_), ring_.end());
        out.head = std::move(head_);
        if (out.dropped_bytes > 0)
            out.tail = std::move(ring_);
        else
            out.head += ring_;
        head_.clear();
        ring_.clear();
        oldest_ = 0;
        total_ = 0;
        return out;
    }

private:
    std::string head_;
    std::string ring_;  // its oldest byte at oldest_, once it is full
    std::size_t oldest_ = 0;
    std::size_t head_max_ = 0;
    std::size_t tail_max_ = 0;
    std::uint64_t total_ = 0;
};

// The last line that shows anything, for a list: control characters and terminal sequences left out, its first
// `bytes_max` bytes at most, never cut inside a UTF-8 character. Empty when there is none.
[[nodiscard]] inline std::string last_line(const run_output& output, std::size_t bytes_max)
{
    std::string_view text = output.tail.empty() ? output.head : output.tail;
    const auto visible = [&](std::string_view line) {
        std::string shown;
        for (std::size_t i = 0; i < line.size() && shown.size() <= bytes_max; ++i) {
            if (line[i] == '\x1b' && i + 1 < line.size() && line[i + 1] == '[') {
                for (i += 2; i < line.size() && (line[i] < '@' || line[i] > '~');) ++i;
                continue;
            }
            const auto byte = static_cast<unsigned char>(line[i]);
            if (byte == '\t')
                shown += ' ';
            else if (byte >= ' ' && byte != 0x7f)
                shown += line[i];
        }
        if (shown.size() > bytes_max) {
            auto end = bytes_max;
            while (end > 0 && (static_cast<unsigned char>(shown[end]) & 0xc0) == 0x80) --end;
            shown.resize(end);
        }
        const auto first = shown.find_first_not_of(' ');
        return first == std::string::npos ? std::string{}
                                          : shown.substr(first, shown.find_last_not_of(' ') - first + 1);
    };
    while (!text.empty()) {
        const auto newline = text.find_last_of("\r\n");
        const auto begin = newline == std::string_view::npos ? 0 : newline + 1;
        if (auto line = visible(text.substr(begin)); !line.empty()) return line;
        text = text.substr(0, newline == std::string_view::npos ? 0 : newline);
    }
    return {};
}

}  // namespace queuectl::inline v0::process

#endif

// ---- queuectl/process/run.hpp
// One run of a job as process_executor keeps it, from its start to its report.
#ifndef QUEUECTL_PROCESS_RUN_HPP
#define QUEUECTL_PROCESS_RUN_HPP

namespace queuectl::inline v0::process {

inline constexpr duration never = duration_max;

// Times are of CLOCK_MONOTONIC; `never` = not awaited.
struct run {
    lease_token token{};
    tree_identity tree;
    owned_fd pidfd;
    owned_fd output;           // the read end of its pipe; none once it was closed
    std::uint32_t serial = 0;  // the run's number, last in its mark; 0 = this place is free
    bool watched = false;      // the pipe is in the poll set
    bool reported = false;     // only what its leader left behind is still being ended
    bool exited = false;       // the leader was reaped: `status` is its wait status, −1 = unknown
    bool killing = false;      // TERM was not enough, or too much
    int status = -1;
    bool live_due = false;  // it has run for so long that its output is shown as it comes
    output_buffer buffer;
    live_output live;
    timestamp started_at{};
    duration begun{};
    duration ended{};
    duration timeout{};
    std::optional<stop_reason> stopping{};
    duration live_at = never;   // when live_due
    duration watch_at = never;  // when to watch the pipe, if it still runs
    duration timeout_at = never;
    duration kill_at = never;  // when TERM turns into KILL
    duration look_at = never;  // when to look whether the tree has ended
    duration look_wait = std::chrono::milliseconds{5};
    duration give_up_at = never;  // when not to wait any more for what no signal can end

    [[nodiscard]] duration next_timer() const noexcept
    {
        return std::min({live_at, watch_at, timeout_at, kill_at, look_at, give_up_at});
    }
};

// Reads what is in the pipe now into the buffer, about `bytes_max` at most. False when nothing more can come.
[[nodiscard]] inline bool drain(run& r, std::span<char> scratch, std::size_t bytes_max)
{
    for (std::size_t total = 0; r.output && total < bytes_max;) {
        const auto n = ::read(r.output.get(), scratch.data(), scratch.size());
        if (n == 0) return false;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
        const auto bytes = static_cast<std::size_t>(n);
        r.buffer.append({scratch.data(), bytes});
        if (r.live_due) r.live.append({scratch.data(), bytes});
        total += bytes;
        if (bytes < scratch.size()) return true;
    }
    return static_cast<bool>(r.output);
}

// Exit code and signal of a report, from a wait status.
inline void set_exit(attempt& report, int status)
{
    if (status == -1) return;
    report.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    report.exit_code = report.signal != 0 ? 128 + report.signal : WEXITSTATUS(status);
}

// Why a run that was not stopped failed: its exit, and the last line that it wrote. Empty when it succeeded.
[[nodiscard]] inline std::string failure_text(const run& r, const run_output& output)
{
    if (r.status == 0) return {};
    auto text = r.status == -1 ? std::string{"exit status lost (SIGCHLD is ignored)"} : exit_text(r.status);
    const auto line = last_line(output, 200);
    return line.empty() ? text : text + ": " + line;
}

// What a run that has ended reports.
[[nodiscard]] inline outcome make_outcome(run& r)
{
    outcome what;
    auto& report = what.report;
    report.started_at = r.started_at;
    report.ended_at = add(r.started_at, r.ended - r.begun);
    report.output_bytes = r.buffer.total_bytes();
    report.output = r.buffer.take();
    set_exit(report, r.status);
    if (!r.stopping) {
        report.status = r.status == 0 ? run_status::succeeded : run_status::failed;
        report.error = failure_text(r, report.output);
        return what;
    }
    switch (*r.stopping) {
        case stop_reason::timed_out:
            report.status = run_status::timed_out;
            report.error = "timed out after " + duration_text(r.timeout);
            break;
        case stop_reason::cancelled:
            report.status = run_status::cancelled;
            report.error = "cancelled";
            break;
        case stop_reason::shutdown:
        case stop_reason::lease_lost:
            report.status = run_status::cancelled;
            what.released = true;
            report.error = *r.stopping == stop_reason::shutdown ? "stopped with its worker" : "lease lost";
            break;
    }
    return what;
}

}  // namespace queuectl::inline v0::process

#endif

// ---- queuectl/process/run_mark.hpp
// A name for the processes of one worker, by which they are found after its death.
#ifndef QUEUECTL_PROCESS_RUN_MARK_HPP
#define QUEUECTL_PROCESS_RUN_MARK_HPP

#include <sys/random.h>

namespace queuectl::inline v0::process {

// 32 hexadecimal digits that no other mark has.
[[nodiscard]] inline std::string random_mark()
{
    uid u{};
    if (::getrandom(&u, sizeof u, 0) != static_cast<ssize_t>(sizeof u))
        u = {static_cast<std::uint64_t>(::getpid()), static_cast<std::uint64_t>(monotonic_now().count())};
    return to_hex(u);
}

}  // namespace queuectl::inline v0::process

#endif

// ---- queuectl/executor/process.hpp
// process_executor: runs each job as an operating-system process. Linux.
#ifndef QUEUECTL_EXECUTOR_PROCESS_HPP
#define QUEUECTL_EXECUTOR_PROCESS_HPP

namespace queuectl::inline v0 {

struct process_options {
    std::size_t concurrency = 1;               // jobs at once
    duration grace = std::chrono::seconds{5};  // from TERM to KILL
    std::size_t head_bytes = 64u << 10;        // of each run's output, kept from its start
    std::size_t tail_bytes = 192u << 10;       // … and from its end
    std::string run_mark{};                    // QUEUECTL_RUN of the jobs begins with it; empty = a random one
    std::string store{};                       // QUEUECTL_STORE of the jobs; empty = not set
    std::string spool_dir{};  // output of long runs is shown here as it comes (live_output.hpp); empty = nowhere
    // Makes this process a child subreaper, and the executor the owner of all its children: those that it did not start
    // are what jobs left, and are ended. Only for a process that starts children in no other way.
    bool subreaper = false;
};

// Runs jobs as processes: payload of kind "argv" is the words, each ended by NUL, and never meets a shell; of any
// other kind it is a command text, executed directly where `sh -c` would do the same, else by /bin/sh -c. job.env is
// the environment (empty = this process's at construction), job.cwd the directory (empty = this process's).
//
// A run ends when its process ends, whoever still holds its output. Whatever it leaves behind is ended then: TERM,
// and KILL after a second. A timeout, cancel or shutdown ends the whole tree: TERM, KILL after `grace`; it is reported
// when the tree is gone. exit_code is the process's, 128 + n when signal n ended it, 127 when the program was not
// found, 126 when it or the directory could not be used. No process started, for want of something: errc::spawn_failed.
//
// The parent-death signal ends the leaders when the thread that called start() ends. One thread, except wake().
// Moves only while nothing runs. The destructor kills what runs.
template <class Spawner>
class basic_process_executor {
public:
    explicit basic_process_executor(process_options options = {})
        : options_{with_mark(std::move(options))}, finder_{options_.run_mark, options_.subreaper}, scratch_(64u << 10)
    {
        if (options_.subreaper) ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    }
    basic_process_executor(basic_process_executor&&) = default;
    basic_process_executor& operator=(basic_process_executor&&) = delete;
    ~basic_process_executor() { kill_all(); }

    [[nodiscard]] std::size_t capacity() const noexcept
    {
        const auto taken = active_ + done_.size();
        return taken < options_.concurrency ? options_.concurrency - taken : 0;
    }

    [[nodiscard]] result<void> start(const lease& l, const instant& now)
    {
        QUEUECTL_ASSERT(capacity() > 0);
        const auto operation = [&] { return "start " + l.job.id; };
        int pipe[2] = {-1, -1};
        if (!poll_.valid() || ::pipe2(pipe, O_CLOEXEC) != 0)
            return fail(errc::spawn_failed, operation(), std::strerror(errno), errno);
        owned_fd reader = process::above_standard(owned_fd{pipe[0]});
        const owned_fd writer = process::above_standard(owned_fd{pipe[1]});
        ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
        auto& r = free_place();
        done_.reserve(options_.concurrency);  // nothing is allocated once it runs
        auto mark = options_.run_mark + '.' + std::to_string(++serial_);
        auto child = launcher_.launch(l, options_.store, mark, writer.get());
        if (child.error != 0) return fail(errc::spawn_failed, operation(), std::strerror(child.error), child.error);
        if (child.pid < 0) return never_ran(l, now, child);
        r.token = l.token;
        r.serial = serial_;
        r.tree = {child.pid, std::move(mark)};
        r.pidfd = std::move(child.pidfd);
        r.output = std::move(reader);
        r.buffer = {options_.head_bytes, options_.tail_bytes};
        r.started_at = now.wall;
        r.begun = process::monotonic_now();
        r.timeout = l.job.timeout;
        r.watch_at = add(r.begun, watch_delay);
        if (!options_.spool_dir.empty()) show_later(r);
        if (options_.subreaper) sweep_at_ = std::min(sweep_at_, add(r.begun, sweep_interval));
        if (r.timeout > duration::zero()) r.timeout_at = add(r.begun, r.timeout);
        if (r.pidfd && !poll_.add(r.pidfd.get(), key_of(r))) r.pidfd.reset();
        ++active_;
        return {};
    }

    void collect(std::vector<finished_run>& out, duration max)
    {
        const auto until = add(process::monotonic_now(), max);
        for (bool woken = false;;) {
            const auto now = process::monotonic_now();
            const auto next = tick(now);
            const auto pause = !done_.empty() || woken ? duration::zero() : std::min(next, until) - now;
            woken = poll_.wait(pause, [&](std::uint64_t key) { on_event(key); }) || woken;
            if (!done_.empty() || woken || process::monotonic_now() >= until) break;
        }
        for (auto& finished : done_) out.push_back(std::move(finished));
        done_.clear();
    }

    void stop(lease_token token, stop_reason reason)
    {
        for (auto& r : runs_)
            if (r.serial != 0 && !r.reported && r.token == token) return stop_run(r, reason, process::monotonic_now());
    }

    void wake() noexcept { poll_.wake(); }

    // QUEUECTL_RUN of the jobs is this, a dot, and a number.
    [[nodiscard]] const std::string& run_mark() const noexcept { return options_.run_mark; }
    [[nodiscard]] Spawner& spawner() noexcept { return launcher_.spawner(); }

private:
    using run = process::run;
    // A run shorter than this costs no watching of its pipe, which holds what it writes.
    static constexpr duration watch_delay = std::chrono::milliseconds{2};
    static constexpr duration leftover_grace = std::chrono::seconds{1};
    static constexpr duration look_wait_max = std::chrono::milliseconds{100};
    static constexpr duration exit_poll = std::chrono::milliseconds{5};  // without pidfds
    static constexpr duration sweep_interval = std::chrono::seconds{1};
    static constexpr duration live_delay = std::chrono::milliseconds{200};
    static constexpr duration patience = std::chrono::seconds{5};  // after KILL
    static constexpr std::size_t pipe_bytes_max = 1u << 20;

    [[nodiscard]] static process_options with_mark(process_options options)
    {
        if (options.run_mark.empty()) options.run_mark = process::random_mark();
        return options;
    }

    // The job could not be executed: a run that failed at once, as a shell would tell it.
    [[nodiscard]] result<void> never_ran(const lease& l, const instant& now, process::launched& child)
    {
        finished_run finished{l.token, {}};
        auto& report = finished.what.report;
        report.started_at = report.ended_at = now.wall;
        report.exit_code = child.exit_code;
        report.error = std::move(child.reason);
        done_.push_back(std::move(finished));
        return {};
    }

    [[nodiscard]] run& free_place()
    {
        for (auto& r : runs_)
            if (r.serial == 0) return r;
        return runs_.emplace_back();
    }

    // What the poll set tells of a run: its serial number, place, and whether it is the pipe.
    [[nodiscard]] std::uint64_t key_of(const run& r, bool pipe = false) const noexcept
    {
        const auto place = static_cast<std::uint64_t>(&r - runs_.data());
        return (std::uint64_t{r.serial} << 32) | (place << 1) | (pipe ? 1 : 0);
    }

    void on_event(std::uint64_t key)
    {
        const auto place = static_cast<std::size_t>((key & 0xffff'ffff) >> 1);
        if (place >= runs_.size() || runs_[place].serial != key >> 32) return;
        auto& r = runs_[place];
        if ((key & 1) == 0) return on_exit(r);
        if (!process::drain(r, scratch_, pipe_bytes_max)) close_output(r);
    }

    void close_output(run& r)
    {
        if (r.watched) poll_.remove(r.output.get());
        r.watched = false;
        r.watch_at = process::never;
        r.output.reset();
    }

    // The leader may have ended: if so, it is reaped, and the run reported unless its tree has to be waited for.
    void on_exit(run& r)
    {
        int status = 0;
        const auto pid = process::retry_interrupted([&] { return ::waitpid(r.tree.leader, &status, WNOHANG); });
        if (pid == 0) return;
        r.status = pid > 0 ? status : -1;
        r.exited = true;
        r.ended = process::monotonic_now();
        r.timeout_at = r.live_at = process::never;
        sweep_at_ = std::min(sweep_at_, finder_.after_exit(r.ended));
        if (r.pidfd) poll_.remove(r.pidfd.get());
        r.pidfd.reset();
        if (!process::drain(r, scratch_, pipe_bytes_max)) close_output(r);
        const bool group_left = ::kill(-r.tree.leader, 0) == 0 || errno == EPERM;
        if (!group_left) r.tree.leader = 0;
        if (r.stopping) return void(r.look_at = r.ended);
        report(r);
        if (!group_left) return release(r);
        end_rest(r, r.ended);
    }

    void report(run& r)
    {
        if (r.output) close_output(r);
        r.live.remove();
        done_.push_back({r.token, process::make_outcome(r)});
        r.reported = true;
        --active_;
    }

    void release(run& r)
    {
        if (!r.reported) report(r);
        r = run{};
    }

    void stop_run(run& r, stop_reason reason, duration now)
    {
        if (reason != stop_reason::lease_lost && (r.stopping || has_ended(r))) return;
        r.stopping = reason;
        r.timeout_at = process::never;
        if (reason == stop_reason::lease_lost) return kill_run(r, now);
        signal_run(r, SIGTERM, now);
        r.kill_at = add(now, options_.grace);
    }

    // It ended by itself, and is about to be reported so.
    [[nodiscard]] static bool has_ended(const run& r) noexcept
    {
        siginfo_t info{};
        const auto pid = static_cast<id_t>(r.tree.leader);
        return r.exited || (::waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0);
    }

    // Each process of the tree gets the signal once: those of the leader's group at one stroke, then who left it.
    void signal_run(run& r, int signal, duration now)
    {
        const auto group = r.exited ? 0 : r.tree.leader;
        if (group > 0) ::kill(-group, signal);
        if (group > 0 && signal == SIGTERM) ::kill(-group, SIGCONT);
        auto& members = snapshot_.members_of(r.tree, now);
        const auto in_group = [&](const process::process_entry& p) { return group > 0 && p.group == group; };
        members.erase(std::remove_if(members.begin(), members.end(), in_group), members.end());
        process::signal_members(members, signal);
    }

    void kill_run(run& r, duration now)
    {
        r.killing = true;
        r.kill_at = process::never;
        r.give_up_at = add(now, patience);
        signal_run(r, SIGKILL, now);
    }

    // Lets every run do what is due at `now`; returns when the next is.
    duration tick(duration now)
    {
        if (sweep_at_ <= now) sweep(now);
        auto next = sweep_at_;
        for (auto& r : runs_) {
            if (r.serial == 0) continue;
            if (r.next_timer() <= now) on_timer(r, now);
            if (r.serial == 0) continue;
            next = std::min(next, r.next_timer());
            if (!r.pidfd && !r.exited) {
                on_exit(r);
                next = std::min(next, add(now, exit_poll));
            }
        }
        return next;
    }

    void on_timer(run& r, duration now)
    {
        if (r.live_at <= now) show(r);
        if (r.watch_at <= now) watch(r, now);
        if (r.timeout_at <= now) stop_run(r, stop_reason::timed_out, now);
        if (r.kill_at <= now) kill_run(r, now);
        if (r.look_at <= now) look(r, now);
        if (r.give_up_at <= now) r.exited ? release(r) : void(r.give_up_at = add(now, patience));
    }

    void watch(run& r, duration now)
    {
        r.watched = poll_.add(r.output.get(), key_of(r, true));
        r.watch_at = process::never;
        if (r.watched) return;
        if (!process::drain(r, scratch_, pipe_bytes_max)) return close_output(r);
        r.watch_at = add(now, watch_delay);
    }

    // The leader is gone: is the rest of the tree?
    void look(run& r, duration now)
    {
        const auto& left = snapshot_.members_of(r.tree, now);
        if (left.empty()) return release(r);
        const auto led = [&](const process::process_entry& p) {
            return p.session == r.tree.leader || p.group == r.tree.leader;
        };
        if (std::none_of(left.begin(), left.end(), led)) r.tree.leader = 0;  // its number may be another's soon
        if (r.killing) process::signal_members(left, SIGKILL);
        r.look_at = add(now, r.look_wait);
        r.look_wait = std::min(r.look_wait * 2, look_wait_max);
    }

    void show_later(run& r)
    {
        const auto bytes_max = 2 * (options_.head_bytes + options_.tail_bytes);
        r.live = {process::live_output_path(options_.spool_dir, r.token), bytes_max};
        r.live_at = add(r.begun, live_delay);
    }

    static void show(run& r)
    {
        r.live_at = process::never;
        r.live_due = true;
        r.buffer.visit([&](std::string_view bytes) { r.live.append(bytes); });
    }

    // Ends what ended runs left outside their sessions.
    void sweep(duration now)
    {
        const auto active = [&](std::uint32_t number) {
            return std::any_of(runs_.begin(), runs_.end(),
                               [&](const run& r) { return r.serial == number && !r.reported; });
        };
        const auto leader = [&](pid_t pid) {
            return std::any_of(runs_.begin(), runs_.end(),
                               [&](const run& r) { return r.serial != 0 && !r.exited && r.tree.leader == pid; });
        };
        auto oldest = serial_ + 1;
        for (const auto& r : runs_)
            if (r.serial != 0 && !r.reported) oldest = std::min(oldest, r.serial);
        found_.clear();
        const bool again = finder_.look(active, leader, oldest, serial_, found_);
        sweep_at_ = again || !found_.empty()            ? finder_.after_exit(now)
                    : options_.subreaper && active_ > 0 ? add(now, sweep_interval)
                                                        : process::never;
        for (const auto number : found_) end_leftover(number, now);
    }

    void end_leftover(std::uint32_t number, duration now)
    {
        for (const auto& r : runs_)
            if (r.serial == number) return;
        auto& r = free_place();
        r.serial = number;
        r.tree.mark = options_.run_mark + '.' + std::to_string(number);
        r.exited = r.reported = true;
        end_rest(r, now);
    }

    // TERM to what is left of a reported run's tree; KILL later.
    void end_rest(run& r, duration now)
    {
        signal_run(r, SIGTERM, now);
        r.look_at = add(now, r.look_wait);
        r.kill_at = add(now, leftover_grace);
    }

    void kill_all()
    {
        if (serial_ == 0 || options_.run_mark.empty()) return;  // nothing ran, or moved from
        const auto now = process::monotonic_now();
        for (auto& r : runs_)
            if (r.serial != 0) kill_run(r, now);
        for (auto& r : runs_)
            if (r.serial != 0 && !r.exited) process::reap(r.tree.leader);
        if (!options_.subreaper) {
            process::end_marked(options_.run_mark, patience);
            return;
        }
        process::end_marked_and_adopted(options_.run_mark, patience, [](pid_t) { return false; });
        while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
    }

    process_options options_;
    process::leftover_finder finder_;
    process::launcher<Spawner> launcher_;
    process::event_poll poll_;
    std::vector<run> runs_;  // a free place has serial 0
    std::vector<finished_run> done_;
    std::vector<char> scratch_;
    process::process_snapshot snapshot_;
    std::size_t active_ = 0;
    std::uint32_t serial_ = 0;  // of the newest run
    duration sweep_at_ = process::never;
    std::vector<std::uint32_t> found_;
};

using process_executor = basic_process_executor<process::spawner>;

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/journal/crc32c.hpp
// CRC32C (Castagnoli; RFC 3720 appendix B.4): the checksum of every frame and header of the journal.
#ifndef QUEUECTL_JOURNAL_CRC32C_HPP
#define QUEUECTL_JOURNAL_CRC32C_HPP

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define QUEUECTL_CRC32C_SSE42 1
#include <nmmintrin.h>
#else
#define QUEUECTL_CRC32C_SSE42 0
#endif

namespace queuectl::inline v0::journal {

namespace detail {

// tables[k][b]: the remainder of byte b followed by k zero bytes, for the reflected polynomial 0x82f63b78.
using crc_tables = std::array<std::array<std::uint32_t, 256>, 8>;

[[nodiscard]] constexpr crc_tables make_crc_tables() noexcept
{
    crc_tables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t remainder = byte;
        for (int bit = 0; bit < 8; ++bit) remainder = remainder >> 1 ^ ((remainder & 1) != 0 ? 0x82f63b78U : 0U);
        tables[0][byte] = remainder;
    }
    for (std::size_t k = 1; k < 8; ++k)
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t before = tables[k - 1][byte];
            tables[k][byte] = before >> 8 ^ tables[0][before & 255];
        }
    return tables;
}
inline constexpr crc_tables crc_table = make_crc_tables();

[[nodiscard]] constexpr std::uint32_t crc_word(const char* at, std::uint32_t value = 0) noexcept
{
    for (unsigned i = 0; i < 4; ++i) value ^= std::uint32_t{static_cast<unsigned char>(at[i])} << (8 * i);
    return value;
}

// Eight bytes a step (Kounavis & Berry's slicing). `state` is the inverted checksum.
[[nodiscard]] constexpr std::uint32_t crc_by_slices(const char* at, std::size_t count, std::uint32_t state) noexcept
{
    for (; count >= 8; at += 8, count -= 8) {
        const std::uint32_t low = crc_word(at, state);
        const std::uint32_t high = crc_word(at + 4);
        state = crc_table[7][low & 255] ^ crc_table[6][low >> 8 & 255] ^ crc_table[5][low >> 16 & 255] ^
                crc_table[4][low >> 24] ^ crc_table[3][high & 255] ^ crc_table[2][high >> 8 & 255] ^
                crc_table[1][high >> 16 & 255] ^ crc_table[0][high >> 24];
    }
    for (; count > 0; ++at, --count) state = state >> 8 ^ crc_table[0][(state ^ static_cast<unsigned char>(*at)) & 255];
    return state;
}

#if QUEUECTL_CRC32C_SSE42
[[nodiscard]] __attribute__((target("sse4.2"))) inline std::uint32_t crc_by_instruction(const char* at,
                                                                                        std::size_t count,
                                                                                        std::uint32_t state) noexcept
{
    std::uint64_t wide = state;
    for (; count >= 8; at += 8, count -= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, at, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    state = static_cast<std::uint32_t>(wide);
    for (; count > 0; ++at, --count) state = _mm_crc32_u8(state, static_cast<unsigned char>(*at));
    return state;
}
inline const bool has_crc_instruction = __builtin_cpu_supports("sse4.2") != 0;
#endif

}  // namespace detail

// The checksum of `bytes`; or, given that of what comes before them, of both together.
[[nodiscard]] inline std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0) noexcept
{
#if QUEUECTL_CRC32C_SSE42
    if (detail::has_crc_instruction) return ~detail::crc_by_instruction(bytes.data(), bytes.size(), ~before);
#endif
    return ~detail::crc_by_slices(bytes.data(), bytes.size(), ~before);
}

// The same without special instructions, also at compile time.
[[nodiscard]] constexpr std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t before = 0) noexcept
{
    return ~detail::crc_by_slices(bytes.data(), bytes.size(), ~before);
}

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/process/side_folder.hpp
// The private folder of a file store: PATH.d, with its lock, control page and logs. POSIX.
#ifndef QUEUECTL_PROCESS_SIDE_FOLDER_HPP
#define QUEUECTL_PROCESS_SIDE_FOLDER_HPP

namespace queuectl::inline v0 {

namespace detail {

// Refuses what another user owns or may write.
[[nodiscard]] inline result<void> check_private(const struct stat& what, const std::string& path)
{
    if (what.st_uid != ::geteuid()) return fail(errc::permission, "open " + path, "it belongs to another user");
    if ((what.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fail(errc::permission, "open " + path, "others may write to it; chmod go-w");
    return {};
}

}  // namespace detail

// An open folder that only its owner may write to. Names are single path components chosen by the program:
// user text never becomes one. Nothing is followed: links, FIFOs and other people's files are refused.
class side_folder {
public:
    // Opens `path`; with `create`, makes it first, with mode 0700 whatever the umask. errc::not_found when it
    // is missing. A new folder is as durable as its parent is made by sync_parent().
    [[nodiscard]] static result<side_folder> open(std::string path, bool create)
    {
        return open_at(AT_FDCWD, path.c_str(), path, create);
    }

    // The same for a folder inside this one.
    [[nodiscard]] result<side_folder> subfolder(const char* name, bool create) const
    {
        return open_at(fd_.get(), name, path_ + '/' + name, create);
    }

    // Opens a regular file with `flags` (O_RDWR | O_CREAT, …). A new one has mode 0600 whatever the umask.
    [[nodiscard]] result<owned_fd> open_file(const char* name, int flags) const
    {
        constexpr int safe = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
        const std::string full = path_ + '/' + name;
        if ((flags & O_CREAT) != 0) {
            owned_fd made{::openat(fd_.get(), name, flags | O_EXCL | safe, 0600)};
            if (made) {
                if (::fchmod(made.get(), 0600) != 0) return detail::fail_errno("chmod " + full, errno);
                return made;
            }
            if (errno != EEXIST || (flags & O_EXCL) != 0) return detail::fail_errno("create " + full, errno);
        }
        owned_fd file{::openat(fd_.get(), name, (flags & ~O_CREAT) | safe)};
        if (!file) return detail::fail_errno("open " + full, errno);
        struct stat what {};
        if (::fstat(file.get(), &what) != 0) return detail::fail_errno("stat " + full, errno);
        if (!S_ISREG(what.st_mode)) return fail(errc::permission, "open " + full, "it is not a regular file");
        if (auto ours = detail::check_private(what, full); !ours) return fail(ours.error());
        return file;
    }

    [[nodiscard]] bool holds(const char* name) const noexcept
    {
        return ::faccessat(fd_.get(), name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    }
    // False once the folder itself was removed.
    [[nodiscard]] bool still_there() const noexcept
    {
        struct stat what {};
        return ::fstat(fd_.get(), &what) == 0 && what.st_nlink != 0;
    }

    // Makes entries created or removed in this folder durable.
    [[nodiscard]] result<void> sync() const
    {
        if (::fsync(fd_.get()) != 0) return detail::fail_errno("fsync " + path_, errno);
        return {};
    }

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] bool created() const noexcept { return created_; }

private:
    side_folder(owned_fd fd, std::string path, bool created)
        : fd_{std::move(fd)}, path_{std::move(path)}, created_{created}
    {
    }

    static result<side_folder> open_at(int parent, const char* name, const std::string& full, bool create)
    {
        bool created = false;
        if (create) {
            created = ::mkdirat(parent, name, 0700) == 0;
            if (!created && errno != EEXIST) return detail::fail_errno("mkdir " + full, errno);
            if (created && ::fchmodat(parent, name, 0700, 0) != 0) return detail::fail_errno("chmod " + full, errno);
        }
        owned_fd folder{::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
        if (!folder) {
            if (errno == ENOTDIR) return fail(errc::permission, "open " + full, "it is not a folder");
            return detail::fail_errno("open " + full, errno);
        }
        struct stat what {};
        if (::fstat(folder.get(), &what) != 0) return detail::fail_errno("stat " + full, errno);
        if (auto ours = detail::check_private(what, full); !ours) return fail(ours.error());
        return side_folder{std::move(folder), full, created};
    }

    owned_fd fd_;
    std::string path_;
    bool created_ = false;
};

// Makes the entry of `path` in its parent folder durable.
[[nodiscard]] inline result<void> sync_parent(const std::string& path)
{
    const auto slash = path.rfind('/');
    const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    const owned_fd folder{::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!folder || ::fsync(folder.get()) != 0) return detail::fail_errno("fsync " + parent, errno);
    return {};
}

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/journal/file_system.hpp
// The files of a journal as a policy: what a log asks of a disk, and the real one. POSIX.
#ifndef QUEUECTL_JOURNAL_FILE_SYSTEM_HPP
#define QUEUECTL_JOURNAL_FILE_SYSTEM_HPP

#if defined(__linux__)
#include <sys/syscall.h>
#endif

namespace queuectl::inline v0::journal {

// One folder of files with plain names. Every error names the path and the system's reason.
//
// | expression                     | meaning                                                                          |
// |--------------------------------|----------------------------------------------------------------------------------|
// | F::file                        | an open file; movable, default-constructible (none), closed when destroyed       |
// | create(name) → file            | a new file that only its owner may read or write; fails when the name is taken   |
// | open(name) → file              | an existing regular file, to read and write; no links; errc::not_found           |
// | read(file, offset, to, count)  | → bytes read, fewer than `count` only at the end of the file                     |
// | write(file, offset, bytes)     | all of it, or an error: then any part of it may have been written                |
// | fill_zeros(file, offset, n)    | writes n real zeros (allocated space is not enough); as write                    |
// | sync(file)                     | file contents and size are durable; after an error nobody knows what is          |
// | sync_directory()               | names created, renamed and removed are durable                                   |
// | rename(from, to)               | replaces `to`                                                                    |
// | remove(name), list(), size(file), truncate(file, bytes)                                                           |
//
// Any thread may call anything; calls on one file at a time may overlap.
template <class F>
concept file_system = requires(F& fs, typename F::file& file, std::string_view text, std::uint64_t at, char* to)
{
    requires std::movable<typename F::file> && std::default_initializable<typename F::file>;
    {
        fs.create(text)
        } -> std::same_as<result<typename F::file>>;
    {
        fs.open(text)
        } -> std::same_as<result<typename F::file>>;
    {
        fs.read(file, at, to, std::size_t{})
        } -> std::same_as<result<std::size_t>>;
    {
        fs.write(file, at, text)
        } -> std::same_as<result<void>>;
    {
        fs.fill_zeros(file, at, at)
        } -> std::same_as<result<void>>;
    {
        fs.sync(file)
        } -> std::same_as<result<void>>;
    {
        fs.sync_directory()
        } -> std::same_as<result<void>>;
    {
        fs.rename(text, text)
        } -> std::same_as<result<void>>;
    {
        fs.remove(text)
        } -> std::same_as<result<void>>;
    {
        fs.list()
        } -> std::same_as<result<std::vector<std::string>>>;
    {
        fs.size(file)
        } -> std::same_as<result<std::uint64_t>>;
    {
        fs.truncate(file, at)
        } -> std::same_as<result<void>>;
};

namespace detail {

using queuectl::detail::fail_errno;

// Calls transfer(done, left) → bytes or −errno until `count` bytes are through, or it returns 0 (the end).
// Goes on after signals and short transfers. Returns the bytes done, or −errno.
template <class Transfer>
[[nodiscard]] std::int64_t transfer_all(std::size_t count, Transfer&& transfer)
{
    std::size_t done = 0;
    while (done < count) {
        const std::int64_t n = transfer(done, count - done);
        if (n == -EINTR) continue;
        if (n < 0) return n;
        if (n == 0) break;
        done += static_cast<std::size_t>(n);
    }
    return static_cast<std::int64_t>(done);
}

// The same for writes: 0, or errno. A write of nothing that reports no error counts as a full disk.
template <class Transfer>
[[nodiscard]] int write_all(std::size_t count, Transfer&& transfer)
{
    const std::int64_t done = transfer_all(count, transfer);
    if (done < 0) return static_cast<int>(-done);
    return static_cast<std::size_t>(done) == count ? 0 : ENOSPC;
}

// Calls write(offset, bytes) → result<void> with zeros for [offset, offset + count).
template <class Write>
[[nodiscard]] result<void> write_zeros(std::uint64_t offset, std::uint64_t count, Write&& write)
{
    static constexpr char zeros[std::size_t{64} << 10] = {};
    while (count > 0) {
        const std::size_t piece = static_cast<std::size_t>(std::min<std::uint64_t>(count, sizeof zeros));
        if (auto done = write(offset, std::string_view{zeros, piece}); !done) return done;
        offset += piece;
        count -= piece;
    }
    return {};
}

}  // namespace detail

// A folder of the operating system: private to its user, no links followed.
class posix_file_system {
public:
    struct file {
        owned_fd fd;
        std::string path;
    };

    // With `create`, makes the folder (0700) and its entry in its parent durable.
    [[nodiscard]] static result<posix_file_system> open_folder(std::string path, bool create)
    {
        auto folder = side_folder::open(std::move(path), create);
        if (!folder) return fail(folder.error());
        if (folder->created())
            if (auto done = sync_parent(folder->path()); !done) return fail(done.error());
        return posix_file_system{std::move(*folder)};
    }

    // A folder that is only read: nothing is created, and files are opened to be read, also on a read-only disk.
    [[nodiscard]] static result<posix_file_system> open_folder_to_read(std::string path)
    {
        auto made = open_folder(std::move(path), false);
        if (made) made->access_ = O_RDONLY;
        return made;
    }

    [[nodiscard]] const side_folder& folder() const noexcept { return folder_; }

    [[nodiscard]] result<file> create(std::string_view name) { return open_file(name, O_RDWR | O_CREAT | O_EXCL); }
    [[nodiscard]] result<file> open(std::string_view name) { return open_file(name, access_); }

    [[nodiscard]] result<std::size_t> read(const file& f, std::uint64_t offset, char* to, std::size_t count)
    {
        const auto done = detail::transfer_all(count, [&](std::size_t at, std::size_t left) -> std::int64_t {
            const auto n = ::pread(f.fd.get(), to + at, left, static_cast<off_t>(offset + at));
            return n < 0 ? -errno : n;
        });
        if (done < 0) return detail::fail_errno("read " + f.path, static_cast<int>(-done));
        return static_cast<std::size_t>(done);
    }

    [[nodiscard]] result<void> write(file& f, std::uint64_t offset, std::string_view bytes)
    {
        const int failure = detail::write_all(bytes.size(), [&](std::size_t at, std::size_t left) -> std::int64_t {
            const auto n = ::pwrite(f.fd.get(), bytes.data() + at, left, static_cast<off_t>(offset + at));
            return n < 0 ? -errno : n;
        });
        if (failure != 0) return detail::fail_errno("write " + f.path, failure);
        return {};
    }

    [[nodiscard]] result<void> fill_zeros(file& f, std::uint64_t offset, std::uint64_t count)
    {
        return detail::write_zeros(offset, count,
                                   [&](std::uint64_t at, std::string_view zeros) { return write(f, at, zeros); });
    }

    // Asks the system to begin to write such a part of the file; waits for nothing, promises nothing.
    void write_soon([[maybe_unused]] file& f, [[maybe_unused]] std::uint64_t offset,
                    [[maybe_unused]] std::uint64_t count) noexcept
    {
#if defined(__linux__)
        ::syscall(SYS_sync_file_range, f.fd.get(), offset, count, sync_range_write);
#endif
    }

    // Not repeated after EINTR either: what a failed sync has done is not known.
    [[nodiscard]] result<void> sync(file& f)
    {
        if (::fdatasync(f.fd.get()) != 0) return detail::fail_errno("sync " + f.path, errno);
        return {};
    }
    [[nodiscard]] result<void> sync_directory() { return folder_.sync(); }

    [[nodiscard]] result<void> rename(std::string_view from, std::string_view to)
    {
        if (::renameat(folder_.fd(), std::string{from}.c_str(), folder_.fd(), std::string{to}.c_str()) != 0)
            return detail::fail_errno("rename " + path(from) + " to " + path(to), errno);
        return {};
    }
    [[nodiscard]] result<void> remove(std::string_view name)
    {
        if (::unlinkat(folder_.fd(), std::string{name}.c_str(), 0) != 0)
            return detail::fail_errno("remove " + path(name), errno);
        return {};
    }

    [[nodiscard]] result<std::vector<std::string>> list()
    {
        owned_fd fd{::openat(folder_.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        DIR* entries = fd ? ::fdopendir(fd.get()) : nullptr;
        if (entries == nullptr) return detail::fail_errno("list " + folder_.path(), errno);
        static_cast<void>(fd.release());
        std::vector<std::string> names;
        errno = 0;
        while (const dirent* entry = ::readdir(entries)) names.emplace_back(entry->d_name);
        const int failure = errno;
        ::closedir(entries);
        if (failure != 0) return detail::fail_errno("list " + folder_.path(), failure);
        return names;
    }

    [[nodiscard]] result<std::uint64_t> size(const file& f)
    {
        struct stat what {};
        if (::fstat(f.fd.get(), &what) != 0) return detail::fail_errno("stat " + f.path, errno);
        return static_cast<std::uint64_t>(what.st_size);
    }
    [[nodiscard]] result<void> truncate(file& f, std::uint64_t bytes)
    {
        while (::ftruncate(f.fd.get(), static_cast<off_t>(bytes)) != 0)
            if (errno != EINTR) return detail::fail_errno("truncate " + f.path, errno);
        return {};
    }

private:
    static constexpr unsigned sync_range_write = 2;  // SYNC_FILE_RANGE_WRITE, which needs _GNU_SOURCE

    explicit posix_file_system(side_folder folder) : folder_{std::move(folder)} {}

    [[nodiscard]] std::string path(std::string_view name) const { return folder_.path() + '/' + std::string{name}; }

    result<file> open_file(std::string_view name, int flags)
    {
        auto fd = folder_.open_file(std::string{name}.c_str(), flags);
        if (!fd) return fail(fd.error());
        return file{std::move(*fd), path(name)};
    }

    side_folder folder_;
    int access_ = O_RDWR;
};
static_assert(file_system<posix_file_system>);

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/format.hpp
// The file journal's format, version 1.
//
// A store is a directory. Its truth is a log: a chain of segments, files named by their number in 16 hexadecimal
// digits and ".log", from 0000000000000001.log on, without gaps. A segment is a header block and frames:
//
//   segment   := header (80 bytes, below) , zeros up to frames_begin , frame … , zeros
//   frame     := frame header (40 bytes, below) , body , zeros up to a multiple of 8
//
// All integers are little-endian. Space behind the last frame is zero: it was filled ahead, because a sync of bytes
// that only replace zeros writes no metadata. Frames do not cross segments.
//
//   segment header                                       frame header
//    0  8  magic "qctlseg1"                               0  4  CRC32C, below
//    8  4  format version                                 4  4  body bytes
//   12  4  oldest format that may read it                 8  8  sequence: 1, 2, … over the whole log
//   16  4  oldest format that may write it               16  8  durable_upto: every frame up to this sequence was
//   20  4  CRC32C of the other 76 bytes                           known to be synced when this one was written
//   24 16  store id                                      24  8  file id of its segment
//   40  8  segment number                                32  4  CRC32C field of the frame before it in the log; 0 for
//   48  8  file id: random, not 0                                the first of the log
//   56  8  sequence of its first frame                   36  1  type; 37 1 flags; 38 2 zero
//   64  8  bytes of the file
//   72  8  where the void frames of the segment before begin; 0 = it has none
//
// A frame's CRC32C covers, in this order: the file id (8 bytes), the offset of the frame in its file (8 bytes), the
// frame header from byte 4 on, the body. So a frame of another file, or of another place, is never taken for one here.
//
// A new segment. First every frame of the one before is synced. Then NUMBER.new is written at its full size, with zeros
// behind (most of them ahead of time, in pieces), and synced; it is renamed to NUMBER.log, and the directory is synced,
// before the first frame in it is acknowledged. Hence a NUMBER.log is always whole, and all that comes before its first
// sequence had been synced: a bad header, a file shorter than its header says, a missing frame or segment before the
// last segment are damage, never the trace of a crash. A NUMBER.new is no part of the log.
//
// Trimming. A trim frame says: the log begins with segment N (at most the frame's own; never less than an earlier
// trim's); nothing before it is needed. When it is synced, the files before N are removed, the lowest number first,
// each removal durable before the next. So the numbers have no gaps at any time, and segments before N that are still
// there are read like the others. Reading begins at the lowest number present; if that is not 1, the previous CRC of
// the first frame is believed, and a trim frame with N ≥ that number must follow: else segments are missing, which is
// damage.
//
// A segment ends where the next one begins: frames in it from the next one's first sequence on are void. (A sync of it
// had failed; what followed the last successful one was copied to the new segment, under the same sequences, one behind
// the other. So what a record says to be at an offset ≥ `where the void frames begin` is as far behind frames_begin in
// the new segment.)
//
// Reading. The last segment ends at the first place that holds no valid frame: zeros, bad bytes, a wrong sequence or a
// wrong previous CRC. If a *valid frame behind it* in this segment (CRC right; at any multiple of 8) has durable_upto ≥
// the missing sequence, or if the processes of this boot know it to have been synced, then something that had been
// synced is gone: that is damage, and the store is read-only until it is repaired. Otherwise what is there was never
// acknowledged: a torn tail, which is cut, by writing zeros over it and syncing them, before anything new is appended.
// Cutting may itself be cut off: it is done again. A tail so hostile that the search behind it exceeds its bound
// (journal/tail.hpp) counts as damage.
//
// A watermark frame (no body) follows when the log has been idle since a sync, and at close, so that also the last
// acknowledged frame is known to be durable to every later reader. It is not waited for.
//
// A sync whose end nobody has seen, since its process was killed in it, may have failed. What it may have covered is
// then written again, where it is, once its frames have been found whole, and synced: so it is as durable as any, or
// the sync has failed (journal/group_sync.hpp). In the files there is no trace of it.
//
// What a write may do to the disk before its sync: nothing, all, or any of its sectors, in any order, or garbage in
// the bytes that it covers. Bytes outside are taken to be safe ("power-safe overwrite").
//
// Newer formats. A program refuses a segment whose min_reader (min_writer) is newer than what it knows. A frame type
// that it does not know is skipped when flag_skippable is set; otherwise the store is refused as too new.
#ifndef QUEUECTL_JOURNAL_FORMAT_HPP
#define QUEUECTL_JOURNAL_FORMAT_HPP

namespace queuectl::inline v0::journal {

inline constexpr char segment_magic[9] = "qctlseg1";
inline constexpr std::uint32_t format_version = 1;
inline constexpr std::uint32_t min_reader = 1;
inline constexpr std::uint32_t min_writer = 1;

inline constexpr std::size_t segment_header_bytes = 80;
inline constexpr std::size_t frames_begin = 128;
inline constexpr std::size_t frame_header_bytes = 40;
inline constexpr std::size_t frame_alignment = 8;
// The first segment has the smaller size, each next one twice the one before, up to the larger. A frame that
// does not fit into the largest gets a segment of its own; one that replaces another after a failed sync keeps its
// size.
inline constexpr std::size_t segment_bytes_min = std::size_t{1} << 20;
inline constexpr std::size_t segment_bytes_max = std::size_t{64} << 20;
// The largest body: 1,000 jobs are split by the queue before they come near.
inline constexpr std::size_t body_bytes_max = std::size_t{1} << 30;

enum class frame_type : std::uint8_t {
    none = 0,         // zeros: no frame
    transaction = 1,  // body: records that take effect together (journal/records.hpp)
    watermark = 2,    // no body
    trim = 3,         // body: the log's first segment (8 bytes), then bytes of the user's
};
inline constexpr std::uint8_t flag_skippable = 1;

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/frame.hpp
// One frame of the log as bytes: written, and checked.
#ifndef QUEUECTL_JOURNAL_FRAME_HPP
#define QUEUECTL_JOURNAL_FRAME_HPP

namespace queuectl::inline v0::journal {

// What a log checks and does for safety. All of it always; tests switch off one at a time to see that they notice.
struct all_guards {
    static constexpr bool checksum = true;          // a frame's CRC32C is compared
    static constexpr bool file_id = true;           // a frame belongs to this file
    static constexpr bool chain = true;             // a frame names the one before it
    static constexpr bool watermark = true;         // durable_upto tells damage from a torn tail
    static constexpr bool sync_frames = true;       // frames are synced before they are acknowledged
    static constexpr bool sync_before_roll = true;  // a segment is synced before the next one appears
    static constexpr bool sync_new_segment = true;  // a segment is synced before it gets its name
    static constexpr bool sync_directory = true;    // a segment's name is synced before its frames count
    static constexpr bool cut_tail = true;          // a torn tail is overwritten
    static constexpr bool sync_cut = true;          // and that is synced before anything is appended
    static constexpr bool poison = true;            // a failed sync is remembered, what it covered is copied
    static constexpr bool rewrite = true;           // what a dead process may have failed to sync is written again
    static constexpr bool rewrite_whole = true;     // all of it, or the sync counts as failed
    static constexpr bool rewrite_next = true;      // also the frame that was on its way
    static constexpr bool generation = true;        // who waited for what was lost does not take a successor for it
    static constexpr bool lock = true;              // one writer at a time
    static constexpr bool sync_trim = true;         // a trim is synced before what it trims is removed
    static constexpr bool oldest_first = true;      // trimmed segments are removed in their order
    static constexpr bool prepared = true;          // a body lands where prepare() has said
    static constexpr bool moved = true;             // what a failed sync has moved is read where it is now
    static constexpr bool window_end = true;        // bytes that are not yet written are not kept as read
};

namespace detail {

template <class Integer>
[[nodiscard]] inline Integer load_le(const char* at) noexcept
{
    Integer value = 0;
    std::memcpy(&value, at, sizeof value);
    if constexpr (std::endian::native == std::endian::big) {
        Integer swapped = 0;
        for (std::size_t i = 0; i < sizeof value; ++i)
            swapped = static_cast<Integer>(swapped << 8 | (value >> (8 * i) & 255));
        value = swapped;
    }
    return value;
}
template <class Integer>
inline void store_le(char* at, Integer value) noexcept
{
    if constexpr (std::endian::native == std::endian::big) {
        for (std::size_t i = 0; i < sizeof value; ++i) at[i] = static_cast<char>(value >> (8 * i) & 255);
    } else {
        std::memcpy(at, &value, sizeof value);
    }
}

[[nodiscard]] inline bool all_zero(std::string_view bytes) noexcept
{
    return bytes.empty() || (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

}  // namespace detail

struct frame_header {
    std::uint32_t crc = 0;  // computed by append_frame
    std::uint32_t body_bytes = 0;
    std::uint64_t sequence = 0;
    std::uint64_t durable_upto = 0;
    std::uint64_t file_id = 0;
    std::uint32_t previous_crc = 0;
    frame_type type = frame_type::none;
    std::uint8_t flags = 0;
};

// The bytes that a frame with such a body takes in its file.
[[nodiscard]] constexpr std::uint64_t frame_bytes(std::uint64_t body_bytes) noexcept
{
    return (frame_header_bytes + body_bytes + frame_alignment - 1) / frame_alignment * frame_alignment;
}

// The checksum of the frame whose header and body lie at `at`, for its place.
[[nodiscard]] inline std::uint32_t frame_crc(const char* at, std::uint32_t body_bytes, std::uint64_t file_id,
                                             std::uint64_t offset) noexcept
{
    char place[16];
    detail::store_le(place, file_id);
    detail::store_le(place + 8, offset);
    return crc32c({at + 4, frame_header_bytes - 4 + body_bytes}, crc32c({place, sizeof place}));
}

// Appends the frame for `offset` of its file to `out` and returns its CRC. body.size() ≤ body_bytes_max.
inline std::uint32_t append_frame(std::string& out, const frame_header& header, std::string_view body,
                                  std::uint64_t offset)
{
    const std::size_t begin = out.size();
    out.resize(begin + frame_header_bytes);
    out.append(body);
    out.resize(begin + static_cast<std::size_t>(frame_bytes(body.size())));
    char* const at = out.data() + begin;
    detail::store_le(at + 4, static_cast<std::uint32_t>(body.size()));
    detail::store_le(at + 8, header.sequence);
    detail::store_le(at + 16, header.durable_upto);
    detail::store_le(at + 24, header.file_id);
    detail::store_le(at + 32, header.previous_crc);
    at[36] = static_cast<char>(header.type);
    at[37] = static_cast<char>(header.flags);
    const std::uint32_t crc = frame_crc(at, static_cast<std::uint32_t>(body.size()), header.file_id, offset);
    detail::store_le(at, crc);
    return crc;
}

// The fields at `at` (frame_header_bytes of them), not checked.
[[nodiscard]] inline frame_header load_frame_header(const char* at) noexcept
{
    frame_header h;
    h.crc = detail::load_le<std::uint32_t>(at);
    h.body_bytes = detail::load_le<std::uint32_t>(at + 4);
    h.sequence = detail::load_le<std::uint64_t>(at + 8);
    h.durable_upto = detail::load_le<std::uint64_t>(at + 16);
    h.file_id = detail::load_le<std::uint64_t>(at + 24);
    h.previous_crc = detail::load_le<std::uint32_t>(at + 32);
    h.type = static_cast<frame_type>(at[36]);
    h.flags = static_cast<std::uint8_t>(at[37]);
    return h;
}

// Whether such a header may stand at a place with `room` bytes to the end of its file: what can be known without
// the body. O(1).
template <class Guards = all_guards>
[[nodiscard]] bool plausible(const frame_header& h, std::uint64_t file_id, std::uint64_t room) noexcept
{
    return (!Guards::file_id || h.file_id == file_id) && h.sequence != 0 && h.durable_upto < h.sequence &&
           h.type != frame_type::none && h.body_bytes <= body_bytes_max && frame_bytes(h.body_bytes) <= room;
}

// Whether the bytes at `at`, the whole frame of header `h`, are that frame at this place. O(body).
template <class Guards = all_guards>
[[nodiscard]] bool intact(const frame_header& h, const char* at, std::uint64_t file_id, std::uint64_t offset) noexcept
{
    if (!Guards::checksum) return true;
    const std::size_t used = frame_header_bytes + h.body_bytes;
    return frame_crc(at, h.body_bytes, Guards::file_id ? file_id : h.file_id, offset) == h.crc &&
           detail::all_zero({at + used, static_cast<std::size_t>(frame_bytes(h.body_bytes)) - used});
}

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/process/futex.hpp
// Waiting on a 32-bit word in shared memory. Linux: futex; elsewhere: short sleeps.
#ifndef QUEUECTL_PROCESS_FUTEX_HPP
#define QUEUECTL_PROCESS_FUTEX_HPP

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

namespace queuectl::inline v0::detail {

// A word that processes share; its address is the same file page in each.
using shared_word = std::atomic<std::uint32_t>;
static_assert(shared_word::is_always_lock_free && sizeof(shared_word) == 4);

// Sleeps while the word holds `seen`, at most `most`. Returns early at will.
inline void futex_wait(shared_word& word, std::uint32_t seen, duration most) noexcept
{
    if (most <= duration{0}) return;
#if defined(__linux__)
    timespec limit{};
    limit.tv_sec = static_cast<time_t>(most.count() / 1'000'000);
    limit.tv_nsec = static_cast<long>(most.count() % 1'000'000) * 1000;
    ::syscall(SYS_futex, &word, FUTEX_WAIT, seen, &limit, nullptr, 0);
#else
    const duration nap = most < duration{500} ? most : duration{500};
    if (word.load() == seen) ::usleep(static_cast<useconds_t>(nap.count()));
#endif
}

// Wakes up to `count` sleepers of any process.
inline void futex_wake([[maybe_unused]] shared_word& word, [[maybe_unused]] int count) noexcept
{
#if defined(__linux__)
    ::syscall(SYS_futex, &word, FUTEX_WAKE, count, nullptr, nullptr, 0);
#endif
}

// Microseconds since boot, for deadlines; the same for every process of the machine.
[[nodiscard]] inline std::int64_t monotonic_us() noexcept
{
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000;
}

}  // namespace queuectl::inline v0::detail

#endif

// ---- queuectl/process/control_page.hpp
// The page that the processes of one store share: PATH.d/control, mapped. POSIX.
#ifndef QUEUECTL_PROCESS_CONTROL_PAGE_HPP
#define QUEUECTL_PROCESS_CONTROL_PAGE_HPP

namespace queuectl::inline v0 {

// Hints only: nothing here decides what is true, so a process may die at any instruction and a page of
// garbage costs wake-ups and short waits, never correctness. All zero is a valid state.
struct control_words {
    detail::shared_word turn;            // store_lock: changes with every release
    detail::shared_word line;            // store_lock: who sleeps on `turn` (dead ones stay counted)
    std::atomic<std::int64_t> reserved;  // store_lock: nobody barges in before this monotonic_us
    detail::shared_word any;             // wake_word: changes with every bump, and is slept on
    detail::shared_word sleepers;        // wake_word: who sleeps on `any` (dead ones stay counted)
    detail::shared_word work;            // change_counts::work
    detail::shared_word control;         // change_counts::control
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free && sizeof(control_words) == 32);

// The mapped page; movable, its words stay where they are.
class control_page {
public:
    // Maps FOLDER/control, creating it. Its blocks are allocated, so that a full disk cannot kill us later.
    [[nodiscard]] static result<control_page> open(const side_folder& folder)
    {
        const std::string path = folder.path() + "/control";
        auto file = folder.open_file("control", O_RDWR | O_CREAT);
        if (!file) return fail(file.error());
        struct stat what {};
        if (::fstat(file->get(), &what) != 0) return detail::fail_errno("stat " + path, errno);
        if (what.st_size < bytes)
            if (const int e = ::posix_fallocate(file->get(), 0, bytes); e != 0)
                return detail::fail_errno("allocate " + path, e);
        void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file->get(), 0);
        if (at == MAP_FAILED) return detail::fail_errno("map " + path, errno);
        return control_page{static_cast<control_words*>(at)};
    }

    control_page(control_page&& other) noexcept : words_{std::exchange(other.words_, nullptr)} {}
    control_page& operator=(control_page&& other) noexcept
    {
        std::swap(words_, other.words_);
        return *this;
    }
    ~control_page()
    {
        if (words_ != nullptr) ::munmap(words_, bytes);
    }

    [[nodiscard]] control_words& words() const noexcept { return *words_; }

    // The storage's own words, in the second KiB of the page: lock-free atomics, for which all zero is a valid state.
    template <class Words>
    [[nodiscard]] Words& storage_words() const noexcept
    {
        static_assert(sizeof(Words) <= 1024 && alignof(Words) <= 64);
        return *reinterpret_cast<Words*>(reinterpret_cast<char*>(words_) + 1024);
    }

private:
    static constexpr off_t bytes = 4096;
    explicit control_page(control_words* words) : words_{words} {}
    control_words* words_;
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/process/store_lock.hpp
// The lock that the writers of one store share, over threads of an object and over processes. POSIX.
#ifndef QUEUECTL_PROCESS_STORE_LOCK_HPP
#define QUEUECTL_PROCESS_STORE_LOCK_HPP

#include <mutex>

#include <sys/file.h>

namespace queuectl::inline v0 {

// Who holds it is decided by flock on FOLDER/lock alone: the kernel releases it when the holder dies, so it is
// never stale. Those who wait sleep on a word of the control page, and look again by themselves every 20 ms in case
// the holder died. A waiter passed over for 2 ms reserves the next turn, so nobody starves.
class store_lock {
public:
    // Held until destroyed or moved from.
    class guard {
    public:
        guard(guard&& other) noexcept : lock_{std::exchange(other.lock_, nullptr)} {}
        guard& operator=(guard&&) = delete;
        ~guard()
        {
            if (lock_ != nullptr) lock_->release();
        }

    private:
        friend class store_lock;
        explicit guard(store_lock* lock) : lock_{lock} {}
        store_lock* lock_;
    };

    [[nodiscard]] static result<store_lock> open(const side_folder& folder, control_words& words)
    {
        auto file = folder.open_file("lock", O_RDWR | O_CREAT);
        if (!file) return fail(file.error());
        return store_lock{std::move(*file), folder.path() + "/lock", words};
    }

    // Waits in line; errc::busy when it is not ours within `most`. 0 = does not wait. Any thread; not recursive.
    [[nodiscard]] result<guard> acquire(duration most)
    {
        const auto start = detail::monotonic_us();
        if (!threads_->try_lock_for(most)) return fail(errc::busy, "lock " + path_, "another thread holds it");
        const int failure = acquire_file(start, start + saturate(most).count());
        if (failure == 0) return guard{this};
        threads_->unlock();
        if (failure == EWOULDBLOCK) return fail(errc::busy, "lock " + path_, "another process holds it");
        return detail::fail_errno("lock " + path_, failure);
    }

private:
    static constexpr std::int64_t patience_us = 2'000;
    static constexpr std::int64_t reservation_us = 5'000;
    static constexpr std::int64_t look_again_us = 20'000;

    store_lock(owned_fd file, std::string path, control_words& words)
        : file_{std::move(file)}, path_{std::move(path)}, words_{&words}, threads_{std::make_unique<std::timed_mutex>()}
    {
    }

    int acquire_file(std::int64_t start, std::int64_t deadline)
    {
        if (words_->reserved.load() <= start) {
            if (const int e = try_file(); e != EWOULDBLOCK) return e;
        }
        words_->line.fetch_add(1);
        const int e = stand_in_line(start, deadline);
        words_->line.fetch_sub(1);
        return e;
    }

    int stand_in_line(std::int64_t start, std::int64_t deadline)
    {
        std::int64_t mine = 0;
        for (;;) {
            const auto turn = words_->turn.load();
            auto now = detail::monotonic_us();
            auto reserved = words_->reserved.load();
            if (reserved > now + reservation_us) words_->reserved.store(reserved = 0);  // garbage
            if (reserved <= now || reserved == mine) {
                const int e = try_file();
                if (e == 0 && mine != 0) words_->reserved.compare_exchange_strong(mine, 0);
                if (e != EWOULDBLOCK) return e;
                now = detail::monotonic_us();
                const auto until = now + reservation_us;
                if (now - start > patience_us && words_->reserved.compare_exchange_strong(reserved, until))
                    mine = until;
            }
            if (now >= deadline) {
                if (mine != 0) words_->reserved.compare_exchange_strong(mine, 0);
                return EWOULDBLOCK;
            }
            detail::futex_wait(words_->turn, turn, duration{nap(now, start, deadline)});
        }
    }

    std::int64_t nap(std::int64_t now, std::int64_t start, std::int64_t deadline) const
    {
        const auto left = deadline - now;
        if (now - start <= patience_us) return std::min(left, patience_us + start - now + 1);
        const auto reserved = words_->reserved.load();
        return std::min(left, reserved > now ? reserved - now + 1 : look_again_us);
    }

    int try_file()
    {
        while (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0)
            if (errno != EINTR) return errno;
        return 0;
    }

    void release()
    {
        ::flock(file_.get(), LOCK_UN);
        words_->turn.fetch_add(1);
        if (words_->line.load() != 0) detail::futex_wake(words_->turn, words_->reserved.load() != 0 ? 1 << 20 : 1);
        threads_->unlock();
    }

    owned_fd file_;
    std::string path_;
    control_words* words_;
    std::unique_ptr<std::timed_mutex> threads_;
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/journal/gate.hpp
// Who may write to a log, and who may sync it: one at a time each, over threads and processes. POSIX.
#ifndef QUEUECTL_JOURNAL_GATE_HPP
#define QUEUECTL_JOURNAL_GATE_HPP

namespace queuectl::inline v0::journal {

// The store's lock, and the leadership of the group commit: FOLDER/lock and FOLDER/sync. The kernel frees both when
// their holder dies. Whoever holds the lock may wait for the leadership, never the other way round.
class process_gate {
public:
    // The lock, held until destroyed.
    class guard {
    public:
        guard(std::unique_lock<std::timed_mutex> thread, store_lock::guard store)
            : thread_{std::move(thread)}, store_{std::move(store)}
        {
        }

    private:
        std::unique_lock<std::timed_mutex> thread_;
        store_lock::guard store_;
    };

    // `words` must outlive the gate.
    [[nodiscard]] static result<process_gate> open(const side_folder& folder, control_words& words)
    {
        auto lock = store_lock::open(folder, words);
        if (!lock) return fail(lock.error());
        auto file = folder.open_file("sync", O_RDWR | O_CREAT);
        if (!file) return fail(file.error());
        return process_gate{std::move(*lock), std::move(*file)};
    }

    // errc::busy when it is not ours within `most`. Threads of this process give way to each other before they sleep:
    // a turn is shorter than a sleep.
    [[nodiscard]] result<guard> acquire(duration most)
    {
        std::unique_lock thread{threads_->turn, std::try_to_lock};
        for (int i = 0; i < yields && !thread.owns_lock(); ++i) {
            ::sched_yield();
            static_cast<void>(thread.try_lock());
        }
        if (!thread.owns_lock() && !thread.try_lock_for(most))
            return fail(errc::busy, "lock the journal", "another thread holds it");
        auto store = lock_.acquire(most);
        if (!store) return fail(store.error());
        return guard{std::move(thread), std::move(*store)};
    }

    // Whether this thread leads now; it does not wait.
    [[nodiscard]] bool try_lead()
    {
        if (!threads_->leader.try_lock()) return false;
        while (::flock(leader_.get(), LOCK_EX | LOCK_NB) != 0)
            if (errno != EINTR) {
                threads_->leader.unlock();
                return false;
            }
        return true;
    }
    void stop_leading()
    {
        ::flock(leader_.get(), LOCK_UN);
        threads_->leader.unlock();
    }

private:
    static constexpr int yields = 20;
    struct of_threads {
        std::timed_mutex turn;
        std::mutex leader;
    };

    process_gate(store_lock lock, owned_fd leader)
        : lock_{std::move(lock)}, leader_{std::move(leader)}, threads_{std::make_unique<of_threads>()}
    {
    }
    store_lock lock_;
    owned_fd leader_;
    std::unique_ptr<of_threads> threads_;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/log_position.hpp
// Places in the log.
#ifndef QUEUECTL_JOURNAL_LOG_POSITION_HPP
#define QUEUECTL_JOURNAL_LOG_POSITION_HPP

namespace queuectl::inline v0::journal {

// A place between two frames. The default is none, which is also the begin of a log that was never trimmed.
struct log_position {
    std::uint64_t segment = 1;
    std::uint64_t offset = frames_begin;
    std::uint64_t sequence = 1;      // of the next frame
    std::uint32_t previous_crc = 0;  // CRC field of the frame before it

    [[nodiscard]] bool is_none() const noexcept { return *this == log_position{}; }

    // Whether no frame lies between here and `end`, the end of the log: this is it, or the end of what comes before a
    // segment that is empty yet.
    [[nodiscard]] bool reaches(const log_position& end) const noexcept
    {
        return *this == end || (end.offset == frames_begin && sequence == end.sequence && segment < end.segment &&
                                previous_crc == end.previous_crc);
    }

    friend bool operator==(const log_position&, const log_position&) = default;
};

// Where the bytes of a body begin.
struct frame_place {
    std::uint64_t segment = 0;
    std::uint64_t offset = 0;  // of the body's first byte, in the segment's file
    frame_type type = frame_type::transaction;

    friend bool operator==(const frame_place&, const frame_place&) = default;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/log_words.hpp
// What the processes that share a log tell each other, in the store's control page.
#ifndef QUEUECTL_JOURNAL_LOG_WORDS_HPP
#define QUEUECTL_JOURNAL_LOG_WORDS_HPP

namespace queuectl::inline v0::journal {

enum write_state : std::uint32_t {
    write_done = 0,
    write_files = 1,  // files change; the words say what was before
    write_words = 2,  // the words change too
};

// A position that others may read while it changes: it is a hint then, to be checked.
struct position_hint {
    std::atomic<std::uint64_t> segment;
    std::atomic<std::uint64_t> offset;
    std::atomic<std::uint64_t> sequence;
    std::atomic<std::uint32_t> crc;

    [[nodiscard]] log_position get() const noexcept
    {
        return {segment.load(), offset.load(), sequence.load(), crc.load()};
    }
    void set(const log_position& p) noexcept
    {
        segment = p.segment;
        offset = p.offset;
        sequence = p.sequence;
        crc = p.previous_crc;
    }
};

// Valid for one boot of the machine and one store: else made anew, under the lock, from the files alone. All zero is
// "not valid". Frames are believed because they are valid, never because a word says so; what only the words know is
// how far this boot has synced, and whether a sync has failed in it.
struct log_words {
    std::atomic<std::uint64_t> boot_high;
    std::atomic<std::uint64_t> boot_low;
    std::atomic<std::uint64_t> store_high;
    std::atomic<std::uint64_t> store_low;
    std::atomic<std::uint64_t> segment;        // the newest
    std::atomic<std::uint64_t> written;        // the last sequence; set after `segment`
    std::atomic<std::uint64_t> end;            // offset in `segment` behind frame `written`
    std::atomic<std::uint64_t> synced;         // the last sequence known to be durable
    std::atomic<std::uint64_t> doubtful;       // up to this sequence, what is not synced is written again before it is
    std::atomic<std::uint64_t> last_data;      // the last sequence that is no watermark, or more
    std::atomic<std::uint64_t> durable_said;   // the highest durable_upto of a frame, or less
    std::atomic<std::uint64_t> lowest;         // the first segment, or less
    std::atomic<std::uint64_t> trim_segment;   // where the log begins by the newest trim frame; 0 = none is known
    std::atomic<std::uint64_t> trim_sequence;  // of that frame
    std::atomic<std::uint64_t> ahead_number;   // of the segment that is prepared; 0 = none
    std::atomic<std::uint64_t> ahead_bytes;    // how many zeros are in its file
    std::atomic<std::uint64_t> ahead_id;       // of that file
    std::atomic<std::uint64_t> ahead_failed;   // of the segment that could not be prepared
    std::atomic<std::uint64_t> waits;          // how often somebody began to wait for a sync
    std::atomic<std::uint64_t> waits_synced;   // as `waits`, when the last sync began
    std::atomic<std::uint64_t> batch;          // how many began to wait between the last two
    position_hint synced_near;                 // not far before where the frames begin that are not synced
    position_hint synced_next;                 // the same, when the frames before it are synced
    std::atomic<std::uint32_t> end_crc;        // CRC of frame `written`
    std::atomic<std::uint32_t> segment_crc;    // CRC of the last frame before the newest segment
    queuectl::detail::shared_word dirty;       // a write_state; under the lock, not 0: a writer has died in it
    queuectl::detail::shared_word syncing;     // not 0: a sync runs; under the leadership: its process died in it
    queuectl::detail::shared_word poisoned;    // not 0: a sync has failed; what it covered has to be copied
    queuectl::detail::shared_word generation;  // changes after every `poisoned`
    queuectl::detail::shared_word turn;        // changes with every sync, and is slept on
    queuectl::detail::shared_word sleepers;    // who sleeps on `turn` (dead ones stay counted)

    [[nodiscard]] bool valid_for(const uid& boot, const uid& store) const noexcept
    {
        return store_low.load() == store.low && store_high.load() == store.high && boot_high.load() == boot.high &&
               boot_low.load() == boot.low;
    }
    void set_valid_for(const uid& boot, const uid& store) noexcept
    {
        store_high = store.high;
        store_low = store.low;
        boot_high = boot.high;
        boot_low = boot.low;
    }
    // Under the lock.
    [[nodiscard]] log_position position() const noexcept
    {
        return {segment.load(), end.load(), written.load() + 1, end_crc.load()};
    }
    void set_position(const log_position& p) noexcept
    {
        end = p.offset;
        end_crc = p.previous_crc;
        segment = p.segment;
        written = p.sequence - 1;
    }
    // Under the lock: a frame will follow at `at`.
    void note_near(const log_position& at) noexcept
    {
        if (synced.load() + 1 < synced_next.sequence.load()) return;
        synced_near.set(synced_next.get());
        synced_next.set(at);
    }
    void invalidate() noexcept { boot_high = boot_low = 0; }

    void tell() noexcept
    {
        turn.fetch_add(1);
        if (sleepers.load() != 0) queuectl::detail::futex_wake(turn, 1 << 20);
    }
    void sleep(std::uint32_t seen, duration most) noexcept
    {
        sleepers.fetch_add(1);
        queuectl::detail::futex_wait(turn, seen, most);
        sleepers.fetch_sub(1);
    }
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && sizeof(log_words) <= 1024);

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/segment.hpp
// One file of the log: its name, its header, how it comes to be.
#ifndef QUEUECTL_JOURNAL_SEGMENT_HPP
#define QUEUECTL_JOURNAL_SEGMENT_HPP

namespace queuectl::inline v0::journal {

struct segment_header {
    std::uint32_t version = format_version;
    std::uint32_t oldest_reader = min_reader;
    std::uint32_t oldest_writer = min_writer;
    uid store{};
    std::uint64_t number = 0;
    std::uint64_t file_id = 0;
    std::uint64_t first_sequence = 0;
    std::uint64_t bytes = 0;  // of the file
    // Where the frames of the segment before begin that are void: they stand here now, in the same order from
    // frames_begin on. 0 = none are.
    std::uint64_t replaces = 0;
};

// Sizes of segments. Others than these are for tests.
struct segment_sizes {
    std::uint64_t least = segment_bytes_min;
    std::uint64_t most = segment_bytes_max;

    // Of the segment behind one of `bytes`.
    [[nodiscard]] constexpr std::uint64_t next(std::uint64_t bytes) const noexcept
    {
        return bytes < most / 2 ? 2 * bytes : most;
    }
};

[[nodiscard]] inline std::string segment_name(std::uint64_t number, std::string_view suffix = ".log")
{
    std::string name(16, '0');
    for (std::size_t i = 16; i-- > 0; number >>= 4) name[i] = "0123456789abcdef"[number & 15];
    return name.append(suffix);
}

// The number in the name of a segment; 0 when it is not one.
[[nodiscard]] constexpr std::uint64_t segment_number(std::string_view name, std::string_view suffix = ".log") noexcept
{
    if (name.size() != 16 + suffix.size() || name.substr(16) != suffix) return 0;
    std::uint64_t number = 0;
    for (const char c : name.substr(0, 16)) {
        const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
        if (digit < 0) return 0;
        number = number << 4 | static_cast<std::uint64_t>(digit);
    }
    return number;
}

namespace detail {

[[nodiscard]] inline std::uint32_t segment_header_crc(const char* at) noexcept
{
    return crc32c({at + 24, segment_header_bytes - 24}, crc32c({at, 20}));
}

}  // namespace detail

// The first frames_begin bytes of a segment.
[[nodiscard]] inline std::string encode(const segment_header& h)
{
    std::string bytes(frames_begin, '\0');
    char* const at = bytes.data();
    std::memcpy(at, segment_magic, 8);
    detail::store_le(at + 8, h.version);
    detail::store_le(at + 12, h.oldest_reader);
    detail::store_le(at + 16, h.oldest_writer);
    detail::store_le(at + 24, h.store.high);
    detail::store_le(at + 32, h.store.low);
    detail::store_le(at + 40, h.number);
    detail::store_le(at + 48, h.file_id);
    detail::store_le(at + 56, h.first_sequence);
    detail::store_le(at + 64, h.bytes);
    detail::store_le(at + 72, h.replaces);
    detail::store_le(at + 20, detail::segment_header_crc(at));
    return bytes;
}

// Reads the header at `at` (segment_header_bytes of them). Null when it is one; else what is wrong.
[[nodiscard]] inline const char* decode(const char* at, segment_header& h) noexcept
{
    if (std::memcmp(at, segment_magic, 8) != 0) return "it does not begin as a segment of a journal";
    if (detail::load_le<std::uint32_t>(at + 20) != detail::segment_header_crc(at)) return "its header is damaged";
    h.version = detail::load_le<std::uint32_t>(at + 8);
    h.oldest_reader = detail::load_le<std::uint32_t>(at + 12);
    h.oldest_writer = detail::load_le<std::uint32_t>(at + 16);
    h.store = {detail::load_le<std::uint64_t>(at + 24), detail::load_le<std::uint64_t>(at + 32)};
    h.number = detail::load_le<std::uint64_t>(at + 40);
    h.file_id = detail::load_le<std::uint64_t>(at + 48);
    h.first_sequence = detail::load_le<std::uint64_t>(at + 56);
    h.bytes = detail::load_le<std::uint64_t>(at + 64);
    h.replaces = detail::load_le<std::uint64_t>(at + 72);
    if (h.oldest_reader > format_version) return nullptr;
    if (h.file_id == 0 || h.first_sequence == 0 || h.bytes < frames_begin) return "its header is damaged";
    return nullptr;
}

// An open segment.
template <class FileSystem>
struct segment {
    segment_header header;
    typename FileSystem::file file;
};

// Opens segment `number`. errc::not_found; errc::corrupt when it is damaged, short or another's; errc::wrong_version
// when it is too new to be read.
template <file_system FileSystem>
[[nodiscard]] result<segment<FileSystem>> open_segment(FileSystem& fs, std::uint64_t number)
{
    const std::string name = segment_name(number);
    const auto corrupt = [&](const char* why) { return fail(errc::corrupt, "open " + name, why); };
    auto file = fs.open(name);
    if (!file) return fail(file.error());
    segment<FileSystem> s{{}, std::move(*file)};
    char bytes[segment_header_bytes];
    const auto got = fs.read(s.file, 0, bytes, sizeof bytes);
    if (!got) return fail(got.error());
    if (*got < sizeof bytes) return corrupt("it is cut off in its header");
    if (const char* why = decode(bytes, s.header)) return corrupt(why);
    if (s.header.oldest_reader > format_version)
        return fail(errc::wrong_version, "open " + name, "its format is newer than this program");
    if (s.header.number != number) return corrupt("it is another segment under this name");
    const auto size = fs.size(s.file);
    if (!size) return fail(size.error());
    if (*size < s.header.bytes) return corrupt("it is shorter than its header says: it was cut off");
    return s;
}

// Writes the segment of header `h` with `frames` at its begin as NUMBER.new, whole and synced; replaces a left-over
// one. An error leaves no trace but that.
template <class Guards = all_guards, file_system FileSystem>
[[nodiscard]] result<segment<FileSystem>> prepare_segment(FileSystem& fs, const segment_header& h,
                                                          std::string_view frames)
{
    const std::string name = segment_name(h.number, ".new");
    if (auto gone = fs.remove(name); !gone && gone.error().code != errc::not_found) return fail(gone.error());
    auto file = fs.create(name);
    if (!file) return fail(file.error());
    const auto written = [&]() -> result<void> {
        const std::string head = encode(h).append(frames);
        if (auto done = fs.write(*file, 0, head); !done) return done;
        if (auto done = fs.fill_zeros(*file, head.size(), h.bytes - head.size()); !done) return done;
        return Guards::sync_new_segment ? fs.sync(*file) : result<void>{};
    }();
    if (!written) {
        static_cast<void>(fs.remove(name));
        return fail(written.error());
    }
    return segment<FileSystem>{h, std::move(*file)};
}

// Gives a prepared segment its name, durably. After an error it may or may not have it, also after a power loss.
template <class Guards = all_guards, file_system FileSystem>
[[nodiscard]] result<void> publish_segment(FileSystem& fs, std::uint64_t number)
{
    if (auto done = fs.rename(segment_name(number, ".new"), segment_name(number)); !done) return done;
    return Guards::sync_directory ? fs.sync_directory() : result<void>{};
}

struct segment_bounds {
    std::uint64_t lowest = 0;  // 0 = there is none
    std::uint64_t newest = 0;
};

// The numbers of the segments in the folder.
template <file_system FileSystem>
[[nodiscard]] result<segment_bounds> find_segments(FileSystem& fs)
{
    const auto names = fs.list();
    if (!names) return fail(names.error());
    segment_bounds found;
    for (const auto& name : *names) {
        const auto number = segment_number(name);
        found.newest = std::max(found.newest, number);
        if (number != 0 && (found.lowest == 0 || number < found.lowest)) found.lowest = number;
    }
    return found;
}

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/tail.hpp
// What lies where the frames of the last segment end: nothing, a torn tail, or the proof of damage.
#ifndef QUEUECTL_JOURNAL_TAIL_HPP
#define QUEUECTL_JOURNAL_TAIL_HPP

namespace queuectl::inline v0::journal {

enum class tail_kind : std::uint8_t {
    clean,   // zeros to the end of the file
    torn,    // bytes that were never acknowledged, to be cut
    damage,  // a frame that had been synced is gone
};

struct tail {
    tail_kind kind = tail_kind::clean;
    std::uint64_t used_end = 0;  // behind the last byte that is not zero; only for `torn`
    std::uint64_t proof = 0;     // where the frame is that proves the damage; 0 = the search gave up
};

namespace detail {

// Reads a segment in pieces that overlap by one frame header.
template <file_system FileSystem, class Guards>
class tail_search {
public:
    tail_search(FileSystem& fs, const segment<FileSystem>& s, std::uint64_t begin, std::uint64_t missing)
        : fs_{&fs}, segment_{&s}, begin_{begin}, missing_{missing}, budget_{4 * s.header.bytes + piece_bytes}
    {
    }

    [[nodiscard]] result<tail> run()
    {
        const std::uint64_t end = segment_->header.bytes;
        for (std::uint64_t at = begin_; at < end; at += piece_bytes) {
            const auto count =
                static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes + frame_header_bytes, end - at));
            piece_.resize(count);
            const auto got = fs_->read(segment_->file, at, piece_.data(), count);
            if (!got) return fail(got.error());
            piece_.resize(*got);
            if (zero(piece_)) continue;
            note_used(at);
            if (!Guards::watermark) continue;
            auto found = search_piece(at);
            if (!found) return fail(found.error());
            if (*found) return found_;
        }
        return found_;
    }

private:
    static constexpr std::size_t piece_bytes = std::size_t{256} << 10;

    static bool zero(std::string_view bytes) noexcept { return all_zero(bytes); }

    void note_used(std::uint64_t at)
    {
        const auto last = piece_.find_last_not_of('\0');
        found_.kind = tail_kind::torn;
        found_.used_end = at + last + 1;
    }

    // Whether the damage is proved, or the search too long, in the piece at `at`.
    result<bool> search_piece(std::uint64_t at)
    {
        for (std::size_t i = 0; i + frame_header_bytes <= piece_.size() && i < piece_bytes; i += frame_alignment) {
            if (Guards::file_id && load_le<std::uint64_t>(piece_.data() + i + 24) != segment_->header.file_id) continue;
            const frame_header h = load_frame_header(piece_.data() + i);
            if (h.durable_upto < missing_) continue;
            if (!plausible<Guards>(h, segment_->header.file_id, segment_->header.bytes - at - i)) continue;
            auto valid = check(h, at + i);
            if (!valid || *valid) return valid;
        }
        return false;
    }

    result<bool> check(const frame_header& h, std::uint64_t at)
    {
        const auto bytes = static_cast<std::size_t>(frame_bytes(h.body_bytes));
        found_.kind = tail_kind::damage;
        if (bytes > budget_) return true;
        budget_ -= bytes;
        frame_.resize(bytes);
        const auto got = fs_->read(segment_->file, at, frame_.data(), bytes);
        if (!got) return fail(got.error());
        found_.proof = at;
        if (*got == bytes && intact<Guards>(h, frame_.data(), segment_->header.file_id, at)) return true;
        found_ = {tail_kind::torn, found_.used_end, 0};
        return false;
    }

    FileSystem* fs_;
    const segment<FileSystem>* segment_;
    std::uint64_t begin_;
    std::uint64_t missing_;
    std::uint64_t budget_;
    std::string piece_;
    std::string frame_;
    tail found_;
};

}  // namespace detail

// Classifies what lies from `begin` on (a multiple of 8) in the last segment, where frame `missing` would be next.
// Reads the rest of the file once, and up to 4 × its size again for frames that look like a proof.
template <class Guards = all_guards, file_system FileSystem>
[[nodiscard]] result<tail> inspect_tail(FileSystem& fs, const segment<FileSystem>& s, std::uint64_t begin,
                                        std::uint64_t missing)
{
    return detail::tail_search<FileSystem, Guards>{fs, s, begin, missing}.run();
}

// Overwrites a torn tail with zeros and syncs them.
template <class Guards = all_guards, file_system FileSystem>
[[nodiscard]] result<void> cut_tail(FileSystem& fs, segment<FileSystem>& s, std::uint64_t begin, std::uint64_t end)
{
    if (!Guards::cut_tail) return {};
    if (auto done = fs.fill_zeros(s.file, begin, end - begin); !done) return done;
    return Guards::sync_cut ? fs.sync(s.file) : result<void>{};
}

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/log_reader.hpp
// Reads the log forward, frame by frame, from any position.
#ifndef QUEUECTL_JOURNAL_LOG_READER_HPP
#define QUEUECTL_JOURNAL_LOG_READER_HPP

namespace queuectl::inline v0::journal {

// A frame that was read. `body` is valid until the reader is used again.
struct frame_view {
    frame_header header;
    std::string_view body;
};

enum class read_status : std::uint8_t {
    frame,    // here it is
    end,      // the newest segment holds no valid frame here; inspect_end() tells why
    rewound,  // frames that were read have become void: start again from a position before them
};

// Knows files only; who writes and what is durable is log's business. Damage and too new formats are errors
// (errc::corrupt, errc::wrong_version) that name file and offset, and stay. Reads memory in proportion to the largest
// frame; never more than a segment. Not thread-safe.
template <file_system FileSystem, class Guards = all_guards>
class log_reader {
public:
    // Starts at a position between two frames. `newest`: the last segment there is, as far as is known.
    log_reader(FileSystem& fs, log_position from, std::uint64_t newest) : fs_{&fs}, at_{from}, newest_{newest} {}

    [[nodiscard]] const log_position& position() const noexcept { return at_; }
    [[nodiscard]] std::uint64_t newest() const noexcept { return newest_; }
    void set_newest(std::uint64_t newest) noexcept { newest_ = newest; }

    // Goes to a position that is known to be between two frames, in a segment up to `newest`. Reads nothing.
    void jump(const log_position& to, std::uint64_t newest) noexcept
    {
        if (current_ && current_->header.number != to.segment) current_.reset();
        following_.reset();
        at_ = to;
        newest_ = newest;
        chained_ = true;
        refresh();
    }
    // Goes to the begin of a log that begins with segment `lowest`: of its first frame, sequence and previous CRC are
    // believed.
    void begin(std::uint64_t lowest, std::uint64_t newest) noexcept
    {
        current_.reset();
        jump({lowest, frames_begin, lowest == 1 ? 1U : 0U, 0}, newest);
        chained_ = lowest == 1;
    }

    // The segment of the position.
    [[nodiscard]] result<segment<FileSystem>*> current()
    {
        if (auto here = settle_in(); !here) return fail(here.error());
        return &*current_;
    }

    // CRC of the last frame before the segment of the position; once it was needed.
    [[nodiscard]] std::uint32_t segment_crc() const noexcept { return segment_crc_; }

    // Whether frames that were read have become void.
    [[nodiscard]] result<bool> rewound()
    {
        const auto here = settle_in();
        if (!here) return fail(here.error());
        return *here == read_status::rewound;
    }

    // Makes what others have written since visible.
    void refresh() noexcept { window_.clear(); }

    // Reads the next frame and goes behind it.
    [[nodiscard]] result<read_status> next(frame_view& out)
    {
        for (;;) {
            auto here = settle_in();
            if (!here || *here != read_status::frame) return here;
            if (following_ && following_->header.first_sequence == at_.sequence) {
                advance();
                continue;
            }
            auto found = load(out);
            if (!found) return fail(found.error());
            if (*found) return read_status::frame;
            if (!following_) return read_status::end;
            return damaged(at_.offset, "frame " + std::to_string(at_.sequence) + " had been synced and is gone");
        }
    }

    // After `end`: what lies there. Damage is an error; `durable_upto` is the last sequence that anybody else knows to
    // have been synced. Reads the rest of the segment.
    [[nodiscard]] result<tail> inspect_end(std::uint64_t durable_upto = 0)
    {
        if (auto here = settle_in(); !here) return fail(here.error());
        auto found = inspect_tail<Guards>(*fs_, *current_, at_.offset, at_.sequence);
        if (!found) return found;
        const bool known = Guards::watermark && durable_upto >= at_.sequence;
        if (found->kind != tail_kind::damage && !known) return found;
        std::string why = "frame " + std::to_string(at_.sequence) + " had been synced and is gone";
        if (found->kind == tail_kind::damage)
            why += found->proof == 0 ? " (too many doubtful frames behind it)"
                                     : " (says the frame at offset " + std::to_string(found->proof) + ")";
        return damaged(at_.offset, why);
    }

    // Goes behind frames that the owner has just written itself, in the current segment.
    void skip(std::uint64_t bytes, std::uint64_t frames, std::uint32_t last_crc) noexcept
    {
        at_.offset += bytes;
        at_.sequence += frames;
        at_.previous_crc = last_crc;
    }

    // Goes to the begin of a segment that the owner has just created at the position.
    void enter(segment<FileSystem> created) noexcept
    {
        newest_ = created.header.number;
        current_.emplace(std::move(created));
        following_.reset();
        segment_crc_ = at_.previous_crc;
        at_.segment = newest_;
        at_.offset = frames_begin;
        window_.clear();
    }

private:
    static constexpr std::size_t window_bytes_min = std::size_t{4} << 10;
    static constexpr std::size_t window_bytes_max = std::size_t{256} << 10;

    failure_value damaged(std::uint64_t offset, const std::string& why) const
    {
        return fail(errc::corrupt, "read " + segment_name(at_.segment),
                    "damage at offset " + std::to_string(offset) + ": " + why);
    }

    // Opens the segment of the position and, when there is one, the segment behind it. Returns frame, or rewound.
    result<read_status> settle_in()
    {
        if (!current_) {
            auto opened = open_known(at_.segment);
            if (!opened) return fail(opened.error());
            if (at_.sequence == 0) at_.sequence = opened->header.first_sequence;
            if (auto fits = check_begin(*opened); !fits) return fail(fits.error());
            if (auto done = find_segment_crc(*opened); !done) return fail(done.error());
            current_.emplace(std::move(*opened));
        }
        if (!following_ && at_.segment < newest_) {
            auto opened = open_known(at_.segment + 1);
            if (!opened) return fail(opened.error());
            if (opened->header.store != current_->header.store)
                return fail(errc::corrupt, "open " + segment_name(at_.segment + 1), "it belongs to another store");
            if (opened->header.first_sequence < current_->header.first_sequence)
                return fail(errc::corrupt, "open " + segment_name(at_.segment + 1),
                            "it begins before the one before it");
            following_.emplace(std::move(*opened));
        }
        if (following_ && following_->header.first_sequence < at_.sequence) return read_status::rewound;
        return read_status::frame;
    }

    result<segment<FileSystem>> open_known(std::uint64_t number)
    {
        auto opened = open_segment(*fs_, number);
        if (!opened && opened.error().code == errc::not_found)
            return fail(errc::corrupt, "open " + segment_name(number),
                        "segment " + std::to_string(number) + " of " + std::to_string(newest_) + " is missing");
        return opened;
    }

    result<void> check_begin(const segment<FileSystem>& s) const
    {
        const auto first = s.header.first_sequence;
        const bool at_begin = at_.offset == frames_begin;
        if (at_begin ? first == at_.sequence : first < at_.sequence && at_.offset <= s.header.bytes) return {};
        return fail(
            errc::corrupt, "open " + segment_name(at_.segment),
            "it begins with frame " + std::to_string(first) + " where " + std::to_string(at_.sequence) + " is next");
    }

    result<void> find_segment_crc(const segment<FileSystem>& s)
    {
        segment_crc_ = at_.previous_crc;
        if (at_.offset == frames_begin) return {};
        char first[frame_header_bytes] = {};
        const auto got = fs_->read(s.file, frames_begin, first, sizeof first);
        if (!got) return fail(got.error());
        segment_crc_ = load_frame_header(first).previous_crc;
        return {};
    }

    void advance()
    {
        segment_crc_ = at_.previous_crc;
        current_ = std::move(following_);
        following_.reset();
        at_.segment = current_->header.number;
        at_.offset = frames_begin;
        window_.clear();
        window_bytes_ = window_bytes_min;
    }

    // Whether there is a valid frame at the position; goes behind it.
    result<bool> load(frame_view& out)
    {
        const segment_header& s = current_->header;
        const std::uint64_t room = s.bytes - at_.offset;
        if (room < frame_header_bytes) return false;
        auto at = view(frame_header_bytes);
        if (!at) return fail(at.error());
        if (*at == nullptr) return false;
        const frame_header h = load_frame_header(*at);
        if (!plausible<Guards>(h, s.file_id, room) || h.sequence != at_.sequence) return false;
        if (Guards::chain && chained_ && h.previous_crc != at_.previous_crc) return false;
        const std::uint64_t bytes = frame_bytes(h.body_bytes);
        at = view(static_cast<std::size_t>(bytes));
        if (!at) return fail(at.error());
        if (*at == nullptr || !intact<Guards>(h, *at, s.file_id, at_.offset)) return false;
        if (h.type > frame_type::trim && (h.flags & flag_skippable) == 0)
            return fail(errc::wrong_version, "read " + segment_name(at_.segment),
                        "a frame's type is newer than this program");
        out = {h, {*at + frame_header_bytes, h.body_bytes}};
        if (!chained_) segment_crc_ = h.previous_crc;
        chained_ = true;
        skip(bytes, 1, h.crc);
        return true;
    }

    // `count` bytes at the position, or null when the file ends before.
    result<const char*> view(std::size_t count)
    {
        const bool inside = at_.offset >= window_begin_ && at_.offset + count <= window_begin_ + window_.size();
        if (!inside) {
            const std::uint64_t room = current_->header.bytes - at_.offset;
            const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(std::max(count, window_bytes_), room));
            window_bytes_ = std::min(window_bytes_ * 2, window_bytes_max);
            window_begin_ = at_.offset;
            window_.resize(want);
            const auto got = fs_->read(current_->file, at_.offset, window_.data(), want);
            window_.resize(got ? *got : 0);
            if (!got) return fail(got.error());
            if (*got < count) return nullptr;
        }
        return window_.data() + (at_.offset - window_begin_);
    }

    FileSystem* fs_;
    log_position at_;
    std::uint64_t newest_;
    bool chained_ = true;  // whether the CRC of the frame before the position is known
    std::uint32_t segment_crc_ = 0;
    std::optional<segment<FileSystem>> current_;
    std::optional<segment<FileSystem>> following_;
    std::string window_;
    std::uint64_t window_begin_ = 0;
    std::size_t window_bytes_ = window_bytes_min;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/rewrite.hpp
// Writes frames of a segment again, the same bytes to the same places, so that the next sync covers them.
#ifndef QUEUECTL_JOURNAL_REWRITE_HPP
#define QUEUECTL_JOURNAL_REWRITE_HPP

namespace queuectl::inline v0::journal {

namespace detail {

// Whether frame `at.sequence` is at `at`, and not behind frame `synced` + 1.
template <class Guards, file_system FileSystem>
[[nodiscard]] bool begins_at(FileSystem& fs, std::uint64_t number, const log_position& at, std::uint64_t synced)
{
    if (at.segment != number || at.sequence == 0 || at.sequence > synced + 1) return false;
    log_reader<FileSystem, Guards> reader{fs, at, number};
    frame_view frame;
    const auto got = reader.next(frame);
    return got && *got == read_status::frame;
}

// Where the frames of `s` begin. Of the first, the previous CRC is believed.
template <file_system FileSystem>
[[nodiscard]] log_position begin_of(FileSystem& fs, const segment<FileSystem>& s)
{
    char first[frame_header_bytes] = {};
    const bool there = fs.read(s.file, frames_begin, first, sizeof first).has_value();
    return {s.header.number, frames_begin, s.header.first_sequence, there ? load_frame_header(first).previous_crc : 0};
}

}  // namespace detail

// The frames behind sequence `synced` up to `last` of segment `s`. Each is checked as a reader checks it before it is
// written. errc::corrupt when one is not readable any more; it and what follows has not been written. Others may append
// behind `last` meanwhile. Reads from `near` on, if that is a position before those frames, else from the segment's
// begin. Memory: 256 KiB and the largest frame, twice.
template <class Guards = all_guards, file_system FileSystem>
[[nodiscard]] result<void> rewrite(FileSystem& fs, segment<FileSystem>& s, std::uint64_t synced, std::uint64_t last,
                                   const log_position& near = {})
{
    constexpr std::size_t piece_bytes = std::size_t{256} << 10;
    const bool is_near = detail::begins_at<Guards>(fs, s.header.number, near, synced);
    const log_position from = is_near ? near : detail::begin_of(fs, s);
    log_reader<FileSystem, Guards> reader{fs, from, s.header.number};
    std::string piece;
    std::uint64_t begin = from.offset;
    const auto write = [&] {
        auto done = piece.empty() ? result<void>{} : fs.write(s.file, begin, piece);
        begin += piece.size();
        piece.clear();
        return done;
    };
    frame_view frame;
    for (auto next = from.sequence; next <= last; ++next) {
        const auto got = reader.next(frame);
        if (!got) return fail(got.error());
        if (*got != read_status::frame) break;
        const auto bytes = static_cast<std::size_t>(frame_bytes(frame.body.size()));
        if (next <= synced)
            begin = reader.position().offset;
        else
            piece.append(frame.body.data() - frame_header_bytes, bytes);
        if (piece.size() < piece_bytes) continue;
        if (auto done = write(); !done) return done;
    }
    if (auto done = write(); !done) return done;
    if (!Guards::rewrite_whole || reader.position().sequence > last || s.header.first_sequence > last) return {};
    return fail(errc::corrupt, "read " + segment_name(s.header.number),
                "frame " + std::to_string(reader.position().sequence) +
                    " was being synced by a process that has died, and is gone");
}

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/group_sync.hpp
// Group commit: one sync for all who wait, over threads and processes.
#ifndef QUEUECTL_JOURNAL_GROUP_SYNC_HPP
#define QUEUECTL_JOURNAL_GROUP_SYNC_HPP

namespace queuectl::inline v0::journal {

// What to wait for: frames up to `sequence`. Good for one boot.
struct log_ticket {
    std::uint64_t sequence = 0;
    std::uint32_t generation = 0;
};

// A leader that is killed in its sync. Nobody has seen how that ended; it may have failed, and then the system has told
// a process that is gone, and keeps the pages as clean. Linux reports an error of writing back once to each descriptor
// that was open when it occurred, and to later ones only if none has been told (kernel documentation: VFS, "Handling
// errors during writeback"; The errseq_t datatype; since 4.13 and 4.17), and a flush of the disk's cache that failed to
// its caller alone. So a second sync proves nothing of what the first one covered. But the frames are still in the
// file, and their checksums and their chain say whether they are what was written: the next leader writes the same
// bytes to the same places, by a descriptor that it opened before. Those pages are dirty then, so its sync writes them
// to the disk itself, or fails. Where a frame is no longer there, or anything fails, the sync counts as failed.
//
// Any thread may call wait(). Whoever gets the leadership syncs the newest segment, and by that every frame: a segment
// is synced before the next one exists. The others sleep until it is done, or until the leader has died.
template <file_system FileSystem, class Gate, class Guards>
class group_sync {
public:
    // Held: nobody else syncs this log.
    class leadership {
    public:
        explicit leadership(Gate& gate) : gate_{&gate} {}
        leadership(leadership&& other) noexcept : gate_{std::exchange(other.gate_, nullptr)} {}
        leadership& operator=(leadership&&) = delete;
        ~leadership()
        {
            if (gate_ != nullptr) gate_->stop_leading();
        }

    private:
        Gate* gate_;
    };

    group_sync(FileSystem& fs, Gate& gate, log_words& words) : fs_{&fs}, gate_{&gate}, words_{&words} {}

    // Until the ticket's frames are durable. errc::outcome_unknown when a sync has failed since they were written: they
    // may be durable, or not, or become so.
    [[nodiscard]] result<void> wait(const log_ticket& ticket)
    {
        words_->waits.fetch_add(1);
        for (int round = 0;; ++round) {
            const auto turn = words_->turn.load();
            const auto synced = words_->synced.load();
            if (Guards::generation && words_->generation.load() != ticket.generation)
                return fail(errc::outcome_unknown, "sync", "a sync of the store has failed");
            if (synced >= ticket.sequence) return {};
            if (gate_->try_lead()) {
                const leadership held{*gate_};
                if (words_->synced.load() >= ticket.sequence) continue;
                gather();
                if (auto done = sync_written(); !done)
                    return fail(errc::outcome_unknown, done.error().operation, done.error().detail,
                                done.error().backend_code);
                continue;
            }
            if (round < spins)
                ::sched_yield();
            else
                words_->sleep(turn, look_again);
        }
    }

    // Waits for the leadership, and makes all that is written durable, unless it is.
    [[nodiscard]] result<void> sync_rest()
    {
        const auto held = lead();
        if (words_->synced.load() >= words_->written.load()) return {};
        return sync_written();
    }

    // Waits until nobody else leads.
    [[nodiscard]] leadership lead()
    {
        while (!gate_->try_lead()) words_->sleep(words_->turn.load(), lead_again);
        return leadership{*gate_};
    }

    // Under the leadership: makes all that is written durable, or poisons the store.
    [[nodiscard]] result<void> sync_written()
    {
        if (words_->poisoned.load() != 0) return fail(errc::io, "sync", "a sync of the store has failed");
        const auto waits = words_->waits.load();
        const auto written = words_->written.load();
        const auto number = words_->segment.load();
        if (file_.header.number != number) {
            auto opened = open_segment(*fs_, number);
            if (!opened) return fail(opened.error());
            file_ = std::move(*opened);
        }
        begin();
        auto done = Guards::rewrite && words_->synced.load() < words_->doubtful.load()
                        ? rewrite<Guards>(*fs_, file_, words_->synced.load(), written, words_->synced_near.get())
                        : result<void>{};
        if (done && Guards::sync_frames) done = fs_->sync(file_.file);
        if (!done) {
            poison();
            return done;
        }
        words_->synced = written;
        words_->batch = waits - words_->waits_synced.exchange(waits);
        words_->syncing = 0;
        words_->tell();
        return {};
    }

    // Under the leadership: `work` → result<void> syncs the newest segment in its own way. Poisons when it fails.
    template <class Work>
    void supervise(Work&& work)
    {
        begin();
        if (!work()) return poison();
        words_->syncing = 0;
    }

    // Under the leadership: nothing that was written since the last good sync is believed from now on.
    void poison()
    {
        if (Guards::poison) words_->poisoned = 1;
        words_->generation.fetch_add(1);
        words_->syncing = 0;
        file_ = {};
        words_->tell();
    }

private:
    static constexpr int spins = 4;
    static constexpr duration look_again{20'000};
    static constexpr duration lead_again{200};
    static constexpr std::int64_t gather_us = 100;

    // A sync begins. If the process of the one before has died in it: what that one may have covered is in doubt, and
    // that is at most the frame behind `written`, as one process appends at a time, and none appends to a segment that
    // was made meanwhile, since that takes the leadership.
    void begin()
    {
        if (words_->syncing.load() != 0) words_->doubtful = words_->written.load() + (Guards::rewrite_next ? 1 : 0);
        words_->syncing = 1;
    }

    // While as many as the last time may be about to wait, too, waits for them, a little. What nobody waits for, a
    // claim say, does not count.
    void gather()
    {
        const auto expected = words_->batch.load();
        if (expected < 2) return;
        const auto start = queuectl::detail::monotonic_us();
        const auto enough = words_->waits_synced.load() + expected;
        while (words_->waits.load() < enough && queuectl::detail::monotonic_us() - start < gather_us) ::sched_yield();
    }

    FileSystem* fs_;
    Gate* gate_;
    log_words* words_;
    segment<FileSystem> file_{};  // to sync; the leader's
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/index/memory.hpp
// The memory of an index: four ranges that grow in place, mapped from files and shared by processes, or private. POSIX.
#ifndef QUEUECTL_JOURNAL_INDEX_MEMORY_HPP
#define QUEUECTL_JOURNAL_INDEX_MEMORY_HPP

#if defined(__GNUC__)
#define QUEUECTL_INDEX_COLD [[gnu::noinline, gnu::cold]]
#else
#define QUEUECTL_INDEX_COLD
#endif

namespace queuectl::inline v0::journal {

enum class index_range : std::uint8_t { blocks, buckets, pages, undo };

namespace detail {

inline constexpr std::uint64_t index_bytes_min = std::uint64_t{64} << 10;
inline constexpr std::uint64_t index_step_max = std::uint64_t{16} << 20;

// What a range of `size` bytes grows to when `bytes` are needed: at least the double, or 16 MiB more.
[[nodiscard]] constexpr std::uint64_t index_bytes_next(std::uint64_t size, std::uint64_t bytes) noexcept
{
    const std::uint64_t least = (bytes + index_bytes_min - 1) / index_bytes_min * index_bytes_min;
    return std::max(least, size + std::min(size, index_step_max));
}

// Makes a file `to` bytes long, with every byte behind `from`, its size, allocated. 0, or errno.
[[nodiscard]] inline int allocate_file(int fd, std::uint64_t from, std::uint64_t to) noexcept
{
    int failure = EINTR;
    while (failure == EINTR) failure = ::posix_fallocate(fd, static_cast<off_t>(from), static_cast<off_t>(to - from));
    if (failure != EOPNOTSUPP && failure != EINVAL && failure != ENOSYS) return failure;
    static constexpr char zeros[4096] = {};
    while (from < to) {
        const auto n = ::pwrite(fd, zeros, std::min<std::uint64_t>(to - from, sizeof zeros), static_cast<off_t>(from));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0 ? errno : ENOSPC;
        from += static_cast<std::uint64_t>(n);
    }
    return 0;
}

// Address space of a fixed length; with a file, the file's bytes lie at its begin, however far it grows.
class mapped_range {
public:
    mapped_range() = default;
    mapped_range(owned_fd file, std::string path) : file_{std::move(file)}, path_{std::move(path)} {}
    mapped_range(mapped_range&& other) noexcept { swap(other); }
    mapped_range& operator=(mapped_range&& other) noexcept
    {
        swap(other);
        return *this;
    }
    ~mapped_range() { unmap(); }

    // Takes `length` bytes of address space instead of what it had. errc::no_memory.
    [[nodiscard]] result<void> map(std::uint64_t length)
    {
        unmap();
        const int kind = file_ ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
        void* const at = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, kind | MAP_NORESERVE, file_.get(), 0);
        if (at == MAP_FAILED) return queuectl::detail::fail_errno("map " + path_, errno);
        base_ = static_cast<char*>(at);
        length_ = length;
        if (bytes_now() > length) return fail(errc::no_memory, "map " + path_, "it is larger than the address space");
        return {};
    }

    // The address space of `owner`, which outlives this.
    void borrow(const mapped_range& owner) noexcept
    {
        unmap();
        base_ = owner.base_;
        length_ = bytes_ = owner.length_;
        borrowed_ = true;
    }

    [[nodiscard]] result<void> grow(std::uint64_t bytes)
    {
        if (bytes <= bytes_) return {};
        if (bytes > length_) return fail(errc::store_full, "grow " + path_, "the address space for it is used up");
        if (!file_) {
            bytes_ = std::min(index_bytes_next(bytes_, bytes), length_);
            return {};
        }
        while (::flock(file_.get(), LOCK_EX) != 0 && errno == EINTR) {}
        const int failure = grow_file(bytes);
        ::flock(file_.get(), LOCK_UN);
        if (failure != 0) return queuectl::detail::fail_errno("grow " + path_, failure);
        return {};
    }

    [[nodiscard]] char* base() const noexcept { return base_; }
    [[nodiscard]] std::uint64_t length() const noexcept { return length_; }
    // As last seen.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    // As it is now.
    [[nodiscard]] std::uint64_t bytes_now() const noexcept
    {
        struct stat what {};
        if (!file_ || ::fstat(file_.get(), &what) != 0) return bytes_;
        return static_cast<std::uint64_t>(what.st_size);
    }

private:
    // Under the file's lock: nobody else grows it.
    [[nodiscard]] int grow_file(std::uint64_t bytes) noexcept
    {
        const std::uint64_t size = bytes_now();
        int failure = 0;
        if (size < bytes) {
            failure = allocate_file(file_.get(), size, std::min(index_bytes_next(size, bytes), length_));
            if (failure == ENOSPC || failure == EDQUOT || failure == EFBIG)
                failure = allocate_file(file_.get(), size, std::min(index_bytes_next(0, bytes), length_));
        }
        if (failure == 0) bytes_ = std::min(bytes_now(), length_);
        return failure;
    }
    void unmap() noexcept
    {
        if (base_ != nullptr && !borrowed_) ::munmap(base_, length_);
        base_ = nullptr;
        length_ = 0;
        borrowed_ = false;
    }
    void swap(mapped_range& other) noexcept
    {
        std::swap(file_, other.file_);
        std::swap(path_, other.path_);
        std::swap(base_, other.base_);
        std::swap(length_, other.length_);
        std::swap(bytes_, other.bytes_);
        std::swap(borrowed_, other.borrowed_);
    }

    owned_fd file_;
    std::string path_ = "private memory";
    char* base_ = nullptr;
    std::uint64_t length_ = 0;
    std::uint64_t bytes_ = 0;
    bool borrowed_ = false;
};

}  // namespace detail

// Four ranges of memory whose addresses never change while they grow. Movable. Any thread may read; one at a time, of
// all processes, may grow.
class index_memory {
public:
    // Shared with every process that maps the same folder: its files index.blocks, index.buckets, index.pages and
    // index.undo, made when they are missing. No links are followed; only their owner may read and write them.
    [[nodiscard]] static result<index_memory> map(const side_folder& folder)
    {
        index_memory memory;
        for (std::size_t i = 0; i < ranges; ++i) {
            auto file = folder.open_file(names[i], O_RDWR | O_CREAT);
            if (!file) return fail(file.error());
            memory.ranges_[i] = detail::mapped_range{std::move(*file), folder.path() + '/' + names[i]};
        }
        return mapped(std::move(memory));
    }

    // The same ranges as another's, which outlives this: two indexes of one process in one memory. All of its address
    // space counts as usable; no files are grown.
    [[nodiscard]] index_memory borrow() const noexcept
    {
        index_memory memory;
        for (std::size_t i = 0; i < ranges; ++i) memory.ranges_[i].borrow(ranges_[i]);
        return memory;
    }

    // Private to this process.
    [[nodiscard]] static result<index_memory> anonymous() { return mapped(index_memory{}); }

    [[nodiscard]] char* base(index_range which) const noexcept { return at(which).base(); }

    // How far the range can ever grow in this process.
    [[nodiscard]] std::uint64_t length(index_range which) const noexcept { return at(which).length(); }

    // From now on at least so many bytes may be touched, by every process: they are allocated on the disk, so that a
    // full one is errc::store_full here and no signal later. New bytes are zero.
    [[nodiscard]] result<void> grow(index_range which, std::uint64_t bytes)
    {
        return ranges_[static_cast<std::size_t>(which)].grow(bytes);
    }

    // How many bytes may be touched, whoever made them so. One system call where the range is a file.
    [[nodiscard]] std::uint64_t bytes(index_range which) const noexcept { return at(which).bytes_now(); }

    // The same as this object last saw it: never more.
    [[nodiscard]] std::uint64_t bytes_seen(index_range which) const noexcept { return at(which).bytes(); }

private:
    static constexpr std::size_t ranges = 4;
    static constexpr const char* names[ranges] = {"index.blocks", "index.buckets", "index.pages", "index.undo"};

    index_memory() = default;

    // 64 GiB for the blocks and 16 for each other range; where limits do not allow it, a quarter, or a quarter of that.
    [[nodiscard]] static result<index_memory> mapped(index_memory memory)
    {
        std::uint64_t unit = std::uint64_t{16} << 30;
        auto done = memory.map_ranges(unit);
        for (; !done && unit > detail::index_step_max; unit /= 4) done = memory.map_ranges(unit / 4);
        if (!done) return fail(done.error());
        for (auto& range : memory.ranges_)
            if (auto grown = range.grow(detail::index_bytes_min); !grown) return fail(grown.error());
        return memory;
    }
    [[nodiscard]] result<void> map_ranges(std::uint64_t unit)
    {
        for (auto& range : ranges_)
            if (auto done = range.map(&range == ranges_ ? 4 * unit : unit); !done) return done;
        return {};
    }
    [[nodiscard]] const detail::mapped_range& at(index_range which) const noexcept
    {
        return ranges_[static_cast<std::size_t>(which)];
    }

    detail::mapped_range ranges_[ranges];
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/index/undo.hpp
// What the memory of an index was before it was changed.
#ifndef QUEUECTL_JOURNAL_INDEX_UNDO_HPP
#define QUEUECTL_JOURNAL_INDEX_UNDO_HPP

namespace queuectl::inline v0::journal::detail {

// index_range::undo. It begins with the number of bytes of the entries, which are 64 bytes behind that. An entry: the
// bytes as they were, padded to 8; then where they belong: length << 40 | range << 38 | offset.
//
// A process may be killed between any two stores: an entry is whole before its length counts, and that before the
// caller changes anything. Program order is enough for it: a killed process has done what it executed, and others come
// after taking the store's lock.
class index_undo {
public:
    static constexpr std::size_t piece_max = std::size_t{1} << 20;

    explicit index_undo(const index_memory& memory) noexcept : base_{memory.base(index_range::undo)} {}

    [[nodiscard]] bool empty() const noexcept { return bytes() == 0; }
    // Of all entries.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return word(0); }
    void forget() noexcept
    {
        std::atomic_signal_fence(std::memory_order_seq_cst);
        set_bytes(0);
    }

    [[nodiscard]] static constexpr std::uint64_t place(index_range range, std::uint64_t offset,
                                                       std::size_t bytes) noexcept
    {
        return std::uint64_t{bytes} << 40 | static_cast<std::uint64_t>(range) << 38 | offset;
    }
    // Of bytes in any of the other three ranges.
    [[nodiscard]] std::uint64_t place_of(const index_memory& memory, const char* at, std::size_t bytes) const noexcept
    {
        for (const auto range : {index_range::blocks, index_range::buckets}) {
            const auto offset = static_cast<std::uint64_t>(at - memory.base(range));
            if (offset < memory.length(range)) return place(range, offset, bytes);
        }
        const auto offset = static_cast<std::uint64_t>(at - memory.base(index_range::pages));
        QUEUECTL_ASSERT(offset + bytes <= memory.length(index_range::pages));
        return place(index_range::pages, offset, bytes);
    }
    // Requires an entry.
    [[nodiscard]] std::uint64_t last_place() const noexcept { return word(end() - 8); }

    // How many bytes of its range are in use; and would be with one entry more.
    [[nodiscard]] std::uint64_t end() const noexcept { return entries_at + bytes(); }
    [[nodiscard]] std::uint64_t end_with(std::size_t more) const noexcept { return end() + padded(more) + 8; }

    // Requires that the range has grown to end_with(bytes).
    void append(const char* at, std::size_t bytes, std::uint64_t place) noexcept
    {
        const std::uint64_t from = end();
        const std::uint64_t to = end_with(bytes);
        std::memcpy(base_ + from, at, bytes);
        word(to - 8) = place;
        std::atomic_signal_fence(std::memory_order_seq_cst);
        set_bytes(to - entries_at);
    }

    // Puts back what all entries say, the last first; may be cut off and repeated. False when they are garbage.
    [[nodiscard]] bool restore(index_memory& memory) const noexcept
    {
        std::uint64_t left = bytes();
        if (left % 8 != 0 || left > memory.bytes(index_range::undo) - entries_at) return false;
        while (left != 0) {
            const std::uint64_t at = word(entries_at + left - 8);
            const std::uint64_t count = at >> 40;
            const std::uint64_t offset = at & ((std::uint64_t{1} << 38) - 1);
            const auto range = static_cast<index_range>(at >> 38 & 3);
            if (padded(count) + 8 > left || range == index_range::undo) return false;
            if (offset + count > memory.bytes_seen(range) && offset + count > memory.bytes(range)) return false;
            left -= padded(count) + 8;
            std::memcpy(memory.base(range) + offset, base_ + entries_at + left, count);
        }
        std::atomic_signal_fence(std::memory_order_seq_cst);
        return true;
    }

private:
    static constexpr std::size_t entries_at = 64;

    [[nodiscard]] static constexpr std::size_t padded(std::size_t bytes) noexcept
    {
        return (bytes + 7) & ~std::size_t{7};
    }
    [[nodiscard]] std::uint64_t& word(std::uint64_t at) const noexcept
    {
        return *reinterpret_cast<std::uint64_t*>(base_ + at);
    }
    void set_bytes(std::uint64_t bytes) noexcept
    {
        word(0) = bytes;
        std::atomic_signal_fence(std::memory_order_seq_cst);
    }

    char* base_;
};

}  // namespace queuectl::inline v0::journal::detail

#endif

// ---- queuectl/journal/index/space.hpp
// Blocks in the memory of an index, with one undo for all that changes.
#ifndef QUEUECTL_JOURNAL_INDEX_SPACE_HPP
#define QUEUECTL_JOURNAL_INDEX_SPACE_HPP

namespace queuectl::inline v0::journal {

using ref = std::uint32_t;  // a block: its place in units of 16 bytes; 0 = none

namespace detail {

inline constexpr std::uint64_t space_magic = 0x3130656361707371;  // the layout of what follows, in its last digits
inline constexpr std::size_t block_unit = 16;
inline constexpr std::size_t block_bytes_max = 4096;

// Places in index_range::blocks. Behind ref 0 lies a page that nobody reads: a block that could not be had.
inline constexpr std::size_t space_header_at = 4096;
inline constexpr std::size_t space_roots_at = 8192;
inline constexpr std::size_t space_roots_bytes = 16384;
inline constexpr std::size_t space_blocks_at = space_roots_at + space_roots_bytes;

// What allocations change but for the free lists; remembered first in every undo.
struct space_heap {
    std::uint64_t in_use = 0;  // bytes
    ref end = 0;               // blocks behind it are fresh
    std::uint32_t unused = 0;
};

struct space_header {
    std::uint64_t magic = 0;  // space_magic, or the content means nothing
    uid boot{};
    uid store{};
    std::uint64_t seed = 0;
    std::uint32_t layout = 0;
    std::uint32_t unused = 0;
    space_heap heap;
    ref free[block_bytes_max / block_unit + 1] = {};  // by size in units: the first of a list, linked by first words
};
static_assert(sizeof(space_header) <= space_roots_at - space_header_at);

}  // namespace detail

// The content of an index_memory. All changes between two commits are undone by rollback, also by another process
// after this one was killed at any instruction. Not thread-safe: whoever has the store's turn uses it.
class index_space {
public:
    // The largest block.
    static constexpr std::size_t bytes_max = detail::block_bytes_max;

    explicit index_space(index_memory memory) noexcept
        : memory_{std::move(memory)}, undo_{memory_}, blocks_{memory_.base(index_range::blocks)}
    {
    }

    // Whether the content was made by this layout, for this boot and this store, and nobody declared it broken.
    [[nodiscard]] bool valid(const uid& boot, const uid& store, std::uint32_t layout) const noexcept
    {
        const detail::space_header& h = header();
        return h.magic == detail::space_magic && h.boot == boot && h.store == store && h.layout == layout;
    }
    // Whether all blocks lie in the address space of this process: no, where limits allow less than another's.
    [[nodiscard]] bool covered() const noexcept
    {
        return std::uint64_t{header().heap.end} * detail::block_unit <= memory_.length(index_range::blocks);
    }
    // Everything gone: all zero roots, no blocks; valid for these from now on.
    [[nodiscard]] result<void> clear(const uid& boot, const uid& store, std::uint32_t layout)
    {
        invalidate();
        undo_.forget();
        std::memset(blocks_, 0, detail::space_blocks_at);
        detail::space_header& h = header();
        h.boot = boot;
        h.store = store;
        h.layout = layout;
        h.seed = random_source{}();
        h.heap.end = detail::space_blocks_at / detail::block_unit;
        std::atomic_signal_fence(std::memory_order_seq_cst);
        h.magic = detail::space_magic;
        return {};
    }
    // As if never made. Changes may go on until clear, but nothing may be concluded from what is there.
    void invalidate() noexcept
    {
        header().magic = 0;
        std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    // Random, the same for all processes until the next clear.
    [[nodiscard]] std::uint64_t seed() const noexcept { return header().seed; }

    // All zero after clear. Touch what you change.
    template <class Roots>
    [[nodiscard]] Roots& roots() noexcept
    {
        static_assert(sizeof(Roots) <= detail::space_roots_bytes && alignof(Roots) <= 64);
        return *reinterpret_cast<Roots*>(blocks_ + detail::space_roots_at);
    }
    // Requires at != 0.
    template <class T>
    [[nodiscard]] T* get(ref at) const noexcept
    {
        return reinterpret_cast<T*>(blocks_ + std::size_t{at} * detail::block_unit);
    }
    template <class T>
    [[nodiscard]] ref ref_of(const T* object) const noexcept
    {
        return static_cast<ref>(static_cast<std::size_t>(reinterpret_cast<const char*>(object) - blocks_) /
                                detail::block_unit);
    }

    // Bytes that were remembered since the last commit: how much has changed.
    [[nodiscard]] std::uint64_t remembered() const noexcept { return undo_.bytes(); }
    // Remembers the bytes, anywhere but in the undo, until commit; then they may be changed. When there is no room
    // (see reserve) the space is invalid from now on.
    void touch(void* at, std::size_t bytes) noexcept
    {
        auto* const from = static_cast<char*>(at);
        for (std::size_t done = 0; done < bytes; done += detail::index_undo::piece_max)
            remember(from + done, std::min(bytes - done, detail::index_undo::piece_max));
    }
    template <class T>
    T& touch(T& object) noexcept
    {
        static_assert(sizeof(T) <= detail::index_undo::piece_max);
        remember(reinterpret_cast<char*>(&object), sizeof object);
        return object;
    }

    // Room for allocations of `block_bytes` in all, in blocks of 8 bytes and more, and for touches, releases included,
    // of `undo_bytes` in all, in pieces of 4 bytes and more; an allocation counts as 8. errc::store_full.
    [[nodiscard]] result<void> reserve(std::uint64_t block_bytes, std::uint64_t undo_bytes)
    {
        const std::uint64_t end = std::uint64_t{header().heap.end} * detail::block_unit + 2 * block_bytes;
        const std::uint64_t undo = undo_.end() + 4 * undo_bytes + 64;
        if (end > memory_.bytes_seen(index_range::blocks)) [[unlikely]]
            if (auto done = memory_.grow(index_range::blocks, end); !done) return done;
        if (undo > memory_.bytes_seen(index_range::undo)) [[unlikely]]
            return memory_.grow(index_range::undo, undo);
        return {};
    }

    // A block of 1 … bytes_max bytes, at a multiple of 16; what it contains is unspecified, and may be changed without
    // a touch until commit. Without room (see reserve) the space is invalid from now on, and the block is 0.
    [[nodiscard]] ref allocate(std::size_t bytes) noexcept
    {
        QUEUECTL_ASSERT(bytes > 0 && bytes <= bytes_max);
        const std::size_t units = (bytes + detail::block_unit - 1) / detail::block_unit;
        detail::space_header& h = header();
        if (undo_.empty()) remember_heap();
        ref block = h.free[units];
        if (block != 0) {
            ref& link = *get<ref>(block);
            touch(h.free[units]);
            touch(link);
            h.free[units] = link;
        } else {
            const std::uint64_t end = (h.heap.end + units) * detail::block_unit;
            if (end > memory_.bytes_seen(index_range::blocks) && !grown(index_range::blocks, end)) [[unlikely]]
                return 0;
            block = h.heap.end;
            h.heap.end += static_cast<ref>(units);
        }
        h.heap.in_use += units * detail::block_unit;
        return block;
    }
    // Gives back a block of allocate(bytes).
    void release(ref block, std::size_t bytes) noexcept
    {
        if (block == 0) return;
        const std::size_t units = (bytes + detail::block_unit - 1) / detail::block_unit;
        detail::space_header& h = header();
        remember(get<char>(block), units * detail::block_unit);
        touch(h.free[units]);
        *get<ref>(block) = h.free[units];
        h.free[units] = block;
        h.heap.in_use -= units * detail::block_unit;
    }

    // Changes have been made since the last commit: by this holder of the turn, or by one that died.
    [[nodiscard]] bool pending() const noexcept { return !undo_.empty(); }
    // The changes stand.
    void commit() noexcept { undo_.forget(); }
    // All bytes, and the allocations, as at the last commit. May itself be cut off and repeated.
    void rollback() noexcept
    {
        if (!undo_.restore(memory_)) invalidate();
        undo_.forget();
    }

    [[nodiscard]] index_memory& memory() noexcept { return memory_; }
    [[nodiscard]] const index_memory& memory() const noexcept { return memory_; }
    // Allocated and not released, each block rounded up to 16.
    [[nodiscard]] std::uint64_t block_bytes() const noexcept { return header().heap.in_use; }
    // Makes `bytes` of a range usable; when that fails the space is invalid from now on.
    QUEUECTL_INDEX_COLD [[nodiscard]] bool grown(index_range which, std::uint64_t bytes) noexcept
    {
        if (memory_.grow(which, bytes)) return true;
        invalidate();
        return false;
    }

private:
    [[nodiscard]] detail::space_header& header() const noexcept
    {
        return *reinterpret_cast<detail::space_header*>(blocks_ + detail::space_header_at);
    }
    void remember(const char* at, std::size_t bytes) noexcept
    {
        if (undo_.empty()) remember_heap();
        const std::uint64_t place = undo_.place_of(memory_, at, bytes);
        if (place != undo_.last_place()) append(at, bytes, place);
    }
    QUEUECTL_INDEX_COLD void remember_heap() noexcept
    {
        append(reinterpret_cast<const char*>(&header().heap), sizeof(detail::space_heap), heap_place);
    }
    void append(const char* at, std::size_t bytes, std::uint64_t place) noexcept
    {
        const std::uint64_t end = undo_.end_with(bytes);
        if (end > memory_.bytes_seen(index_range::undo) && !grown(index_range::undo, end)) [[unlikely]]
            return;
        undo_.append(at, bytes, place);
    }

    static constexpr std::uint64_t heap_place =
        detail::index_undo::place(index_range::blocks, detail::space_header_at + offsetof(detail::space_header, heap),
                                  sizeof(detail::space_heap));

    index_memory memory_;
    detail::index_undo undo_;
    char* blocks_;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/index/order.hpp
// Ordered sets of blocks: by time, then sequence.
#ifndef QUEUECTL_JOURNAL_INDEX_ORDER_HPP
#define QUEUECTL_JOURNAL_INDEX_ORDER_HPP

namespace queuectl::inline v0::journal {

// What a block keeps for the set it is in. Only time and sequence are the user's: set before put and, unless the block
// is newly allocated, touched before that.
struct order_node {
    std::int64_t time = 0;
    std::uint64_t sequence = 0;
    ref before = 0;           // the members below it in the tree that come before it
    ref after = 0;            // … and behind it
    ref above = 0;            // 0 = it is the root
    std::uint32_t place = 0;  // never lower than that of a member below it
};
static_assert(sizeof(order_node) == 32);

// A set, in a block or in the roots. All zero = empty.
struct order_set {
    ref first = 0;
    ref last = 0;
    ref root = 0;
    std::uint32_t size = 0;
};

// The operations of all sets whose members have their node at Offset: a treap, whose shape comes from hashes of the
// sequences with the space's secret seed, so that no order of keys is a bad one; entered at its ends where that is
// shorter. A block is in one set at a time for each Offset. What changes is touched.
template <std::size_t Offset>
class order {
public:
    // What reserve may count for a put or a take; rarely is more needed.
    static constexpr std::size_t undo_bytes = 512;

    explicit order(index_space& space) noexcept : space_{&space} {}

    // Requires a block in no set, with a sequence that no other member has. O(1) expected when it comes first or last,
    // else O(log n) expected.
    void put(order_set& set, ref block) noexcept
    {
        order_node& n = touched(block);
        n.place = place_of(n.sequence);
        n.before = n.after = n.above = 0;
        space_->touch(set);
        if (set.size++ == 0)
            set.root = set.first = set.last = block;
        else if (less(node(set.last), n))
            put_at_end<&order_node::before, &order_node::after>(set, set.last, block);
        else if (less(n, node(set.first)))
            put_at_end<&order_node::after, &order_node::before>(set, set.first, block);
        else
            put_between(set, block);
    }

    // Requires a member. What its node's links say afterwards means nothing. O(1) expected.
    void take(order_set& set, ref block) noexcept
    {
        const order_node& n = node(block);
        space_->touch(set);
        --set.size;
        if (set.first == block) set.first = neighbour<&order_node::before, &order_node::after>(block);
        if (set.last == block) set.last = neighbour<&order_node::after, &order_node::before>(block);
        ref owner = n.above;
        link side = owner != 0 && node(owner).before == block ? &order_node::before : &order_node::after;
        ref low = n.before;
        ref high = n.after;
        while (low != 0 && high != 0) {
            if (node(low).place >= node(high).place) {
                hang(set, owner, side, low);
                owner = low;
                side = &order_node::after;
                low = node(low).after;
            } else {
                hang(set, owner, side, high);
                owner = high;
                side = &order_node::before;
                high = node(high).before;
            }
        }
        hang(set, owner, side, low != 0 ? low : high);
    }

    // 0 = the set is empty. O(1).
    [[nodiscard]] ref first(const order_set& set) const noexcept { return set.first; }

    // The member behind `block`, a member; 0 = it is the last. O(1) amortised over a walk.
    [[nodiscard]] ref next([[maybe_unused]] const order_set& set, ref block) const noexcept
    {
        return neighbour<&order_node::before, &order_node::after>(block);
    }

private:
    using link = ref order_node::*;

    [[nodiscard]] order_node& node(ref block) const noexcept
    {
        return *reinterpret_cast<order_node*>(space_->template get<char>(block) + Offset);
    }
    order_node& touched(ref block) const noexcept { return space_->touch(node(block)); }

    [[nodiscard]] static bool less(const order_node& a, const order_node& b) noexcept
    {
        return a.time != b.time ? a.time < b.time : a.sequence < b.sequence;
    }
    [[nodiscard]] std::uint32_t place_of(std::uint64_t sequence) const noexcept
    {
        std::uint64_t z = (sequence + space_->seed()) * 0x9e3779b97f4a7c15;
        z = (z ^ z >> 32) * 0xd6e8feb86659fd93;
        return static_cast<std::uint32_t>(z >> 32);
    }

    // The member next to `block` in the direction of Outer.
    template <link Inner, link Outer>
    [[nodiscard]] ref neighbour(ref block) const noexcept
    {
        ref at = node(block).*Outer;
        if (at != 0) {
            while (node(at).*Inner != 0) at = node(at).*Inner;
            return at;
        }
        at = node(block).above;
        while (at != 0 && node(at).*Outer == block) {
            block = at;
            at = node(at).above;
        }
        return at;
    }

    // Behind all others in the direction of Outer; `end` is the one that was outermost.
    template <link Inner, link Outer>
    void put_at_end(order_set& set, ref& end, ref block) noexcept
    {
        order_node& n = node(block);
        ref below = 0;
        ref above = end;
        while (above != 0 && node(above).place < n.place) {
            below = above;
            above = node(above).above;
        }
        end = block;
        n.*Inner = below;
        n.above = above;
        if (below != 0) touched(below).above = block;
        if (above != 0)
            touched(above).*Outer = block;
        else
            set.root = block;
    }

    // Down to where its place belongs; what is there is split in two, below it.
    void put_between(order_set& set, ref block) noexcept
    {
        const order_node& n = node(block);
        ref owner = 0;
        link side = &order_node::before;
        ref at = set.root;
        while (at != 0 && node(at).place >= n.place) {
            owner = at;
            side = less(n, node(at)) ? &order_node::before : &order_node::after;
            at = node(at).*side;
        }
        hang(set, owner, side, block);
        ref low = block;
        ref high = block;
        link low_side = &order_node::before;
        link high_side = &order_node::after;
        while (at != 0) {
            if (less(node(at), n)) {
                hang(set, low, low_side, at);
                low = at;
                low_side = &order_node::after;
            } else {
                hang(set, high, high_side, at);
                high = at;
                high_side = &order_node::before;
            }
            at = node(at).*(low == at ? low_side : high_side);
        }
        hang(set, low, low_side, 0);
        hang(set, high, high_side, 0);
    }

    // Makes `block` (or 0) what is below `owner` at that side; of owner 0, the root.
    void hang(order_set& set, ref owner, link side, ref block) noexcept
    {
        if (owner == 0)
            set.root = block;
        else if (node(owner).*side != block)
            touched(owner).*side = block;
        if (block != 0 && node(block).above != owner) touched(block).above = owner;
    }

    index_space* space_;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/index/pages.hpp
// Sequences to blocks, in order.
#ifndef QUEUECTL_JOURNAL_INDEX_PAGES_HPP
#define QUEUECTL_JOURNAL_INDEX_PAGES_HPP

namespace queuectl::inline v0::journal {

// In the user's roots. All zero = nothing is set. Pages outside [first, count) are not in use.
struct pages_roots {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
};

// Pages of 256 consecutive sequences, as blocks, while one of them is set; their directory, one ref a page, in
// index_range::pages: 4 bytes for every 256 sequences there ever were. What changes is touched.
class sequence_pages {
public:
    // What reserve may count for a set, if it is the last of its page.
    static constexpr std::size_t undo_bytes = 1200;

    sequence_pages(index_space& space, pages_roots& roots) noexcept : space_{&space}, roots_{&roots} {}

    // Memory for the directory up to `last_sequence`, and for the pages of `new_jobs` consecutive sequences. Calls of
    // index_space::reserve do not add up: whoever makes one, too, counts page_bytes(new_jobs) there. errc::store_full.
    [[nodiscard]] result<void> reserve(std::uint64_t last_sequence, std::size_t new_jobs)
    {
        const std::uint64_t bytes = (last_sequence / page_size + 1) * sizeof(ref);
        if (bytes > space_->memory().bytes_seen(index_range::pages)) [[unlikely]]
            if (auto done = space_->memory().grow(index_range::pages, bytes); !done) return done;
        return space_->reserve(page_bytes(new_jobs), 0);
    }
    // The blocks that as many consecutive sequences may need.
    [[nodiscard]] static constexpr std::uint64_t page_bytes(std::size_t new_jobs) noexcept
    {
        return (new_jobs / page_size + 2) * sizeof(page);
    }

    // 0 removes. O(1), but for the first set beyond the last page, which is linear in how far.
    void set(std::uint64_t sequence, ref block) noexcept
    {
        const std::uint64_t number = sequence / page_size;
        if (block != 0 && !open(number)) return;
        page* const p = page_at(number);
        if (p == nullptr) return;
        ref& place = p->places[sequence % page_size];
        if (place == block) return;
        if (place == 0) ++space_->touch(p->set);
        space_->touch(place) = block;
        if (block == 0 && --space_->touch(p->set) == 0) close(number);
    }

    // 0 = nothing is set.
    [[nodiscard]] ref get(std::uint64_t sequence) const noexcept
    {
        const page* const p = page_at(sequence / page_size);
        return p == nullptr ? 0 : p->places[sequence % page_size];
    }

    // The same where the content may be garbage: reads nothing outside of the memory.
    [[nodiscard]] ref get_checked(std::uint64_t sequence) const noexcept
    {
        const std::uint64_t number = sequence / page_size;
        const auto& memory = space_->memory();
        if (number >= roots_->count || (number + 1) * sizeof(ref) > memory.bytes(index_range::pages)) return 0;
        const std::uint64_t at = directory()[number];
        if (at == 0 || at * detail::block_unit + sizeof(page) > memory.bytes(index_range::blocks)) return 0;
        return space_->template get<page>(static_cast<ref>(at))->places[sequence % page_size];
    }

    // The first sequence ≥ from that is set; 0 = none, or not found by looking at `most` places, at least one: then
    // *stopped is where to go on, else 0. A page that is not there counts as one place.
    [[nodiscard]] std::uint64_t next(std::uint64_t from, std::size_t most, std::uint64_t* stopped) const noexcept
    {
        *stopped = 0;
        std::uint64_t at = std::max(from, roots_->first * page_size);
        while (at / page_size < roots_->count) {
            const page* const p = page_at(at / page_size);
            const std::uint64_t end = (at / page_size + 1) * page_size;
            if (most == 0) {
                *stopped = at;
                return 0;
            }
            if (p == nullptr) {
                --most;
                at = end;
                continue;
            }
            for (; at < end && most != 0; ++at, --most)
                if (p->places[at % page_size] != 0) return at;
        }
        return 0;
    }

private:
    static constexpr std::uint64_t page_size = 256;
    // So many pages at most are skipped when one is closed.
    static constexpr int skip_max = 64;

    struct page {
        std::uint32_t set = 0;  // how many places are
        std::uint32_t unused[3] = {};
        ref places[page_size] = {};
    };

    [[nodiscard]] ref* directory() const noexcept
    {
        return reinterpret_cast<ref*>(space_->memory().base(index_range::pages));
    }
    [[nodiscard]] page* page_at(std::uint64_t number) const noexcept
    {
        if (number >= roots_->count) return nullptr;
        const ref at = directory()[number];
        return at == 0 ? nullptr : space_->template get<page>(at);
    }

    // Makes the page if there is none. What lies behind the last page means nothing, and is written without being
    // remembered.
    [[nodiscard]] bool open(std::uint64_t number) noexcept
    {
        if (number < roots_->count && directory()[number] != 0) return true;
        if (number >= roots_->count) {
            const std::uint64_t bytes = (number + 1) * sizeof(ref);
            if (bytes > space_->memory().bytes_seen(index_range::pages) && !space_->grown(index_range::pages, bytes))
                [[unlikely]]
                return false;
            space_->touch(*roots_);
            std::memset(directory() + roots_->count, 0, (number + 1 - roots_->count) * sizeof(ref));
            roots_->first = roots_->first == roots_->count ? number : roots_->first;
            roots_->count = number + 1;
        } else if (number < roots_->first) {
            space_->touch(*roots_).first = number;
        }
        const ref made = space_->allocate(sizeof(page));
        if (made == 0) return false;
        std::memset(space_->template get<char>(made), 0, sizeof(page));
        space_->touch(directory()[number]) = made;
        return true;
    }

    void close(std::uint64_t number) noexcept
    {
        ref& at = directory()[number];
        space_->release(at, sizeof(page));
        space_->touch(at) = 0;
        if (directory()[roots_->first] != 0) return;
        std::uint64_t& first = space_->touch(*roots_).first;
        for (int i = 0; i < skip_max && first < roots_->count && directory()[first] == 0; ++i) ++first;
    }

    index_space* space_;
    pages_roots* roots_;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/index/table.hpp
// Ids to blocks: a hash table that grows one bucket at a time.
#ifndef QUEUECTL_JOURNAL_INDEX_TABLE_HPP
#define QUEUECTL_JOURNAL_INDEX_TABLE_HPP

namespace queuectl::inline v0::journal {

namespace detail {

// The two halves of a 128-bit product, mixed.
[[nodiscard]] inline std::uint64_t hash_mix(std::uint64_t a, std::uint64_t b) noexcept
{
#if defined(__SIZEOF_INT128__)
    __extension__ using wide = unsigned __int128;
    const wide product = static_cast<wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
#else
    a = (a ^ a >> 32) * (b | 1);
    return (a ^ a >> 29) * 0x9e3779b97f4a7c15;
#endif
}
[[nodiscard]] inline std::uint64_t hash_word(const char* at, std::size_t bytes) noexcept
{
    std::uint64_t word = 0;
    std::memcpy(&word, at, bytes);
    return word;
}

}  // namespace detail

// The hash of an id, the same in every process of one machine. A secret seed makes collisions hard to prepare. Ids that
// differ only in their last digit, numbers counted up say, have hashes that differ only in the lowest 4 bits: their
// buckets lie in one or two cache lines.
[[nodiscard]] inline std::uint32_t id_hash(std::string_view id, std::uint64_t seed) noexcept
{
    constexpr std::uint64_t k1 = 0xa0761d6478bd642f;
    constexpr std::uint64_t k2 = 0xe7037ed1a0b428db;
    if (id.empty()) return static_cast<std::uint32_t>(seed);
    const char* at = id.data();
    std::size_t left = id.size() - 1;
    std::uint64_t h = seed ^ left * k2;
    for (; left > 16; at += 16, left -= 16)
        h = detail::hash_mix(detail::hash_word(at, 8) ^ k1, detail::hash_word(at + 8, 8) ^ h);
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    if (left >= 8) {
        a = detail::hash_word(at, 8);
        b = detail::hash_word(at + left - 8, 8);
    } else if (left >= 4) {
        a = detail::hash_word(at, 4);
        b = detail::hash_word(at + left - 4, 4);
    } else if (left > 0) {
        a = detail::hash_word(at, 1) | detail::hash_word(at + left / 2, 1) << 8;
        b = detail::hash_word(at + left - 1, 1);
    }
    h = detail::hash_mix(detail::hash_mix(a ^ k1, b ^ h), k2 ^ seed);
    const auto last = static_cast<unsigned char>(id.back());
    return static_cast<std::uint32_t>(h >> 16) ^ (last & 15U) ^ static_cast<std::uint32_t>(last >> 4) * 0x9e3779b0U;
}

// What every block in the table keeps for it.
struct table_entry {
    ref next = 0;
    std::uint32_t hash = 0;
};

// In the user's roots. All zero = an empty table.
struct table_roots {
    std::uint32_t bucket_count = 0;  // the split position follows from it
    std::uint32_t size = 0;
};

// Linear hashing: as many buckets as there ever were members, one ref each, in index_range::buckets; chains through the
// table_entry that the members have at Offset. What changes is touched. All O(1) expected, growth included.
template <std::size_t Offset>
class id_table {
public:
    // What reserve may count for an add, a drop or a replace.
    static constexpr std::size_t undo_bytes = 128;

    id_table(index_space& space, table_roots& roots) noexcept : space_{&space}, roots_{&roots} {}

    // Memory for the buckets of so many more members. errc::store_full.
    [[nodiscard]] result<void> reserve(std::size_t more)
    {
        const std::uint64_t bytes = bytes_for(roots_->size + std::uint64_t{more} + 1);
        if (bytes <= space_->memory().bytes_seen(index_range::buckets)) return {};
        return space_->memory().grow(index_range::buckets, bytes);
    }

    // The member with that hash for which same(ref) holds; 0 = none.
    template <class Same>
    [[nodiscard]] ref find(std::uint32_t hash, Same&& same) const
    {
        if (roots_->bucket_count == 0) return 0;
        for (ref at = *bucket(hash); at != 0; at = entry(at).next)
            if (entry(at).hash == hash && same(at)) return at;
        return 0;
    }

    // Requires a block that is not in the table. Without room (see reserve) the table stops growing, no more.
    void add(ref block, std::uint32_t hash) noexcept
    {
        space_->touch(*roots_);
        if (roots_->size++ >= roots_->bucket_count) grow();
        if (roots_->bucket_count == 0) return space_->invalidate();
        ref* const head = bucket(hash);
        space_->touch(entry(block)) = {*head, hash};
        space_->touch(*head) = block;
    }

    // Requires a member.
    void drop(ref block) noexcept
    {
        space_->touch(*roots_).size--;
        space_->touch(*link_to(block)) = entry(block).next;
    }

    // `with`, not in the table, takes the place and the hash of `old`, a member.
    void replace(ref old, ref with) noexcept
    {
        ref* const link = link_to(old);
        space_->touch(entry(with)) = entry(old);
        space_->touch(*link) = with;
    }

    // Starts to load what find(hash) looks at first.
    void prefetch(std::uint32_t hash) const noexcept
    {
        if (roots_->bucket_count != 0) fetch(bucket(hash));
    }
    // Starts to load what it looks at then; wants the first to be there already.
    void prefetch_member(std::uint32_t hash) const noexcept
    {
        if (roots_->bucket_count != 0) fetch(&entry(*bucket(hash)));
    }

private:
    static constexpr std::uint32_t buckets_min = 64;
    // Splits look so many buckets ahead.
    static constexpr std::uint32_t ahead = 8;

    [[nodiscard]] static std::uint64_t bytes_for(std::uint64_t buckets) noexcept
    {
        return std::max<std::uint64_t>(buckets, buckets_min) * sizeof(ref);
    }
    [[nodiscard]] table_entry& entry(ref block) const noexcept
    {
        return *reinterpret_cast<table_entry*>(space_->template get<char>(block) + Offset);
    }
    [[nodiscard]] ref* buckets() const noexcept
    {
        return reinterpret_cast<ref*>(space_->memory().base(index_range::buckets));
    }
    // Requires bucket_count != 0.
    [[nodiscard]] ref* bucket(std::uint32_t hash) const noexcept
    {
        const std::uint32_t mask = ~std::uint32_t{0} >> std::countl_zero(roots_->bucket_count);
        const std::uint32_t at = hash & mask;
        return buckets() + (at < roots_->bucket_count ? at : at & mask >> 1);
    }
    static void fetch([[maybe_unused]] const void* at) noexcept
    {
#if defined(__GNUC__)
        __builtin_prefetch(at);
#endif
    }

    // What refers to a member: its bucket, or the one before it in the chain.
    [[nodiscard]] ref* link_to(ref block) const noexcept
    {
        ref* link = bucket(entry(block).hash);
        while (*link != block) {
            QUEUECTL_ASSERT(*link != 0);
            link = &entry(*link).next;
        }
        return link;
    }

    // One bucket more; the first time, buckets_min of them. What lies behind the last bucket means nothing, and is
    // written without being remembered.
    void grow() noexcept
    {
        const std::uint32_t count = roots_->bucket_count;
        const std::uint64_t bytes = bytes_for(std::uint64_t{count} + 1);
        if (bytes > space_->memory().bytes_seen(index_range::buckets) &&
            !space_->memory().grow(index_range::buckets, bytes)) [[unlikely]]
            return;
        if (count == 0) {
            std::memset(buckets(), 0, buckets_min * sizeof(ref));
            roots_->bucket_count = buckets_min;
        } else if (count < ~std::uint32_t{0}) {
            split(count);
        }
    }

    // Makes bucket `added`: takes the members that belong there from the bucket that had them.
    void split(std::uint32_t added) noexcept
    {
        const std::uint32_t bit = std::bit_floor(added);
        ref* const all = buckets();
        ref* stay = &all[added - bit];
        ref moved = 0;
        fetch(&entry(stay[ahead < bit ? ahead : 0]));
        while (*stay != 0) {
            const ref at = *stay;
            table_entry& e = entry(at);
            if ((e.hash & bit) == 0) {
                stay = &e.next;
                continue;
            }
            space_->touch(*stay) = e.next;
            space_->touch(e.next) = moved;
            moved = at;
        }
        all[added] = moved;
        roots_->bucket_count = added + 1;
    }

    index_space* space_;
    table_roots* roots_;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/index/slots.hpp
// What the index keeps of the store: small blocks in shared memory, named by refs.
#ifndef QUEUECTL_JOURNAL_INDEX_SLOTS_HPP
#define QUEUECTL_JOURNAL_INDEX_SLOTS_HPP

namespace queuectl::inline v0::journal {

// Changes with every change of what is below: an index of another layout is made anew.
inline constexpr std::uint32_t index_layout = 1;

// Where a record begins: the segment and the byte in its file. 0 = nowhere.
using location = std::uint64_t;
[[nodiscard]] constexpr location locate(std::uint64_t segment, std::uint64_t offset) noexcept
{
    return segment << 40 | offset;
}
[[nodiscard]] constexpr std::uint64_t segment_of(location at) noexcept { return at >> 40; }
[[nodiscard]] constexpr std::uint64_t offset_of(location at) noexcept { return at & ((std::uint64_t{1} << 40) - 1); }

// What every job has. A slot is a live_slot unless the job has ended.
struct job_slot {
    table_entry entry;
    ref id = 0;                        // a text
    std::uint32_t lane_and_state = 0;  // number of the lane << 8 | state

    [[nodiscard]] std::uint32_t lane() const noexcept { return lane_and_state >> 8; }
    [[nodiscard]] queuectl::state state() const noexcept { return static_cast<queuectl::state>(lane_and_state & 0xff); }
    void set_state(queuectl::state s) noexcept
    {
        lane_and_state = (lane_and_state & ~std::uint32_t{0xff}) | static_cast<std::uint8_t>(s);
    }
};

// Pending, failed or processing.
struct live_slot {
    job_slot head;
    order_node node;     // time: run_at while it waits, the lease's end on the boot clock while it runs
    location image = 0;  // of its job record
    location last = 0;   // of its newest end record; of the image when there is none
    std::int64_t updated_at = 0;
    std::int32_t attempts = 0;
    std::int32_t crashes = 0;
    std::uint16_t hold = 0;
    std::int8_t priority = 0;
    bool was_failed : 1 = false;  // what a release restores
    bool cancel_requested : 1 = false;
    bool image_has_error : 1 = false;
    bool vanishes : 1 = false;  // retention 0: removed when it completes
    std::uint32_t bytes = 0;    // that its image takes
    ref line = 0;               // where it stands; none when it is held or runs
    ref lease = 0;              // while it runs
};

// Completed, dead or cancelled; the rest is in the log.
struct ended_slot {
    job_slot head;
    location last = 0;  // of its newest end record, or of its image
    ref before = 0;     // of the same lane and state, in the order in which they ended
    ref after = 0;
};
static_assert(sizeof(job_slot) == 16 && sizeof(live_slot) == 96 && sizeof(ended_slot) == 32);

struct lease_slot {
    lease_token token{};
    std::int64_t locked_at = 0;
    std::int64_t until = 0;   // wall, for people
    std::int64_t run_at = 0;  // what a release restores
    ref boot = 0;
    ref worker = 0;
    ref before = 0;  // live slots of the same worker
    ref after = 0;
};
static_assert(sizeof(lease_slot) == 64);

// Jobs of one queue and kind and priority that wait, by time.
struct line_slot {
    order_set jobs;
    order_node node;  // among the lines of its level, by their first jobs
    ref lane = 0;
    ref next = 0;  // of the lane
    std::int8_t priority = 0;
};

struct ended_chain {
    ref first = 0;
    ref last = 0;
};

// A queue and a kind; never forgotten.
struct lane_slot {
    ref next = 0;  // of the same hash
    ref next_of_queue = 0;
    std::uint32_t number = 0;
    ref queue = 0;
    ref kind = 0;  // a text
    ref lines = 0;
    ended_chain ended[3];  // completed, dead, cancelled
};

struct queue_slot {
    ref next = 0;
    ref name = 0;
    ref lanes = 0;
    std::uint32_t reserved = 0;
    std::uint64_t counts[state_count] = {};
};

// Leases measured on the clock of one boot.
struct boot_slot {
    uid id{};
    order_set leases;
    ref next = 0;  // an older one
};

// Who holds leases.
struct worker_slot {
    ref next = 0;
    ref name = 0;
    ref first = 0;  // live slots
    std::uint32_t count = 0;
};

struct config_slot {
    std::uint64_t version = 0;
    std::int64_t expires_at = 0;
    location at = 0;  // of its record
    std::uint32_t bytes = 0;
    ref key = 0;
    ref next = 0;  // of the same hash
};

struct index_roots {
    log_position heard{};
    std::uint64_t any_heard = 0;  // whether heard says anything
    table_roots table;
    pages_roots pages;
    std::uint64_t last_sequence = 0;
    std::uint64_t config_version = 0;
    std::uint64_t live_bytes = 0;  // that the images of all jobs, and the settings, would take
    std::int64_t created_at = 0;
    std::uint32_t lane_count = 0;
    ref queues = 0;
    ref boots = 0;  // the newest
    ref workers = 0;
    ref moved_to = 0;  // a text
    std::uint32_t store_state = 0;
    std::uint64_t log_bytes = 0;      // of all frames that are not known to be needless
    std::uint64_t clean_segment = 0;  // compaction: the record that is looked at next
    std::uint64_t clean_frame = 0;
    std::uint64_t clean_record = 0;
    std::uint64_t levels_used[4] = {};  // a bit for each priority, the highest first
    order_set levels[256];              // lines by their first jobs; the highest priority first
    ref lane_pages[64] = {};            // of 1024 lanes
    ref lane_buckets[256] = {};
    ref config_buckets[256] = {};
};
static_assert(sizeof(index_roots) <= 16384);

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/index/lanes.hpp
// Queues, kinds and the lines that waiting jobs stand in.
#ifndef QUEUECTL_JOURNAL_INDEX_LANES_HPP
#define QUEUECTL_JOURNAL_INDEX_LANES_HPP

namespace queuectl::inline v0::journal {

// Texts of up to text_size_max bytes in blocks of their own; longer ones are cut.
inline constexpr std::size_t text_size_max = 1024;
[[nodiscard]] inline std::string_view read_text(const index_space& space, ref at) noexcept
{
    const char* const block = space.get<char>(at);
    std::uint16_t size;
    std::memcpy(&size, block, sizeof size);
    return {block + sizeof size, size};
}
[[nodiscard]] inline ref make_text(index_space& space, std::string_view text) noexcept
{
    const auto size = static_cast<std::uint16_t>(std::min(text.size(), text_size_max));
    const ref made = space.allocate(sizeof size + size);
    char* const block = space.get<char>(made);
    std::memcpy(block, &size, sizeof size);
    if (!text.empty()) std::memcpy(block + sizeof size, text.data(), size);
    return made;
}
inline void drop_text(index_space& space, ref at) noexcept
{
    space.release(at, sizeof(std::uint16_t) + read_text(space, at).size());
}

// The lanes of an index; see slots.hpp. Not thread-safe. Requires: what a member changes was reserved.
class lanes {
public:
    using job_order = order<offsetof(live_slot, node)>;
    using line_order = order<offsetof(line_slot, node)>;
    static constexpr std::uint32_t lanes_max = 65'536;

    explicit lanes(index_space& space) : space_{&space}, jobs_{space}, lines_{space} {}

    // The lane of a queue and kind, made where there is none; 0 = there are lanes_max others. O(lanes / 256).
    [[nodiscard]] ref find_or_make(std::string_view queue, std::string_view kind) noexcept
    {
        ref* const bucket = bucket_of(queue, kind);
        for (ref at = *bucket; at != 0; at = get(at).next)
            if (kind_of(at) == kind && queue_of(at) == queue) return at;
        if (roots().lane_count == lanes_max) return 0;
        return make(*bucket, find_or_make_queue(queue), kind);
    }
    [[nodiscard]] lane_slot& get(ref lane) const noexcept { return *space_->get<lane_slot>(lane); }
    [[nodiscard]] ref by_number(std::uint32_t number) const noexcept
    {
        return space_->get<ref>(roots().lane_pages[number / 1024])[number % 1024];
    }
    [[nodiscard]] std::string_view kind_of(ref lane) const noexcept { return read_text(*space_, get(lane).kind); }
    [[nodiscard]] queue_slot& queue_slot_of(ref lane) const noexcept
    {
        return *space_->get<queue_slot>(get(lane).queue);
    }
    [[nodiscard]] std::string_view queue_of(ref lane) const noexcept
    {
        return read_text(*space_, queue_slot_of(lane).name);
    }
    // 0 = no such queue. O(queues).
    [[nodiscard]] ref find_queue(std::string_view name) const noexcept
    {
        for (ref at = roots().queues; at != 0; at = space_->get<queue_slot>(at)->next)
            if (read_text(*space_, space_->get<queue_slot>(at)->name) == name) return at;
        return 0;
    }
    ref find_or_make_queue(std::string_view name) noexcept
    {
        if (const ref known = find_queue(name); known != 0) return known;
        const ref made = space_->allocate(sizeof(queue_slot));
        auto& queue = *space_->get<queue_slot>(made);
        queue = {};
        queue.name = make_text(*space_, name);
        queue.next = roots().queues;
        space_->touch(roots().queues) = made;
        return made;
    }

    // visit(lane) for each lane of a queue; false stops.
    template <class Visit>
    bool for_each_lane(ref queue, Visit&& visit) const
    {
        for (ref at = space_->get<queue_slot>(queue)->lanes; at != 0; at = get(at).next_of_queue)
            if (!visit(at)) return false;
        return true;
    }
    template <class Visit>
    void for_each_queue(Visit&& visit) const
    {
        for (ref at = roots().queues; at != 0; at = space_->get<queue_slot>(at)->next)
            if (!visit(at)) return;
    }

    // Stands a waiting job, whose node is set, in its line.
    void stand(ref job) noexcept
    {
        auto& slot = *space_->get<live_slot>(job);
        const ref at = line_of(by_number(slot.head.lane()), slot.priority);
        space_->touch(slot.line) = at;
        change_line(at, [&](order_set& set) { jobs_.put(set, job); });
    }
    void lift(ref job) noexcept
    {
        auto& slot = *space_->get<live_slot>(job);
        if (slot.line == 0) return;
        change_line(slot.line, [&](order_set& set) { jobs_.take(set, job); });
        space_->touch(slot.line) = 0;
    }

    // The first job of a line; 0 = none.
    [[nodiscard]] ref first_of(ref line) const noexcept { return jobs_.first(space_->get<line_slot>(line)->jobs); }
    [[nodiscard]] ref next_of(ref line, ref job) const noexcept
    {
        return jobs_.next(space_->get<line_slot>(line)->jobs, job);
    }
    [[nodiscard]] const line_slot& line(ref at) const noexcept { return *space_->get<line_slot>(at); }

    // visit(line) with the line whose first job comes first, for each priority that has jobs, the highest first;
    // false stops. visit may take that job.
    template <class Visit>
    void for_each_level(Visit&& visit)
    {
        for (std::size_t word = 0; word < 4; ++word)
            for (std::uint64_t bits = roots().levels_used[word]; bits != 0; bits &= bits - 1) {
                const auto level = 64 * word + static_cast<std::size_t>(std::countr_zero(bits));
                if (!visit(level)) return;
            }
    }
    // The line of a level whose first job comes first; 0 = none.
    [[nodiscard]] ref first_line(std::size_t level) const noexcept { return lines_.first(roots().levels[level]); }

private:
    [[nodiscard]] index_roots& roots() const noexcept { return space_->roots<index_roots>(); }

    [[nodiscard]] ref* bucket_of(std::string_view queue, std::string_view kind) const noexcept
    {
        return &roots().lane_buckets[(id_hash(queue, 0) * 31 + id_hash(kind, 0)) % 256];
    }

    ref make(ref& bucket, ref queue, std::string_view kind) noexcept
    {
        const std::uint32_t number = roots().lane_count;
        if (number % 1024 == 0) space_->touch(roots().lane_pages[number / 1024]) = space_->allocate(1024 * sizeof(ref));
        const ref made = space_->allocate(sizeof(lane_slot));
        auto& lane = *space_->get<lane_slot>(made);
        lane = {};
        lane.number = number;
        lane.queue = queue;
        lane.kind = make_text(*space_, kind);
        lane.next = bucket;
        auto& of_queue = space_->touch(space_->get<queue_slot>(queue)->lanes);
        lane.next_of_queue = std::exchange(of_queue, made);
        space_->touch(bucket) = made;
        space_->touch(space_->get<ref>(roots().lane_pages[number / 1024])[number % 1024]) = made;
        space_->touch(roots().lane_count) = number + 1;
        return made;
    }

    [[nodiscard]] ref line_of(ref lane, std::int8_t priority) noexcept
    {
        ref& first = get(lane).lines;
        for (ref at = first; at != 0; at = line(at).next)
            if (line(at).priority == priority) return at;
        const ref made = space_->allocate(sizeof(line_slot));
        auto& l = *space_->get<line_slot>(made);
        l = {};
        l.lane = lane;
        l.priority = priority;
        l.next = first;
        space_->touch(first) = made;
        return made;
    }

    // Changes the jobs of a line, and its place among the lines of its level.
    template <class Change>
    void change_line(ref at, Change&& change) noexcept
    {
        auto& l = *space_->get<line_slot>(at);
        const ref before = jobs_.first(l.jobs);
        change(l.jobs);
        const ref after = jobs_.first(l.jobs);
        if (before == after) return;
        const auto level = static_cast<std::size_t>(127 - l.priority);
        order_set& set = roots().levels[level];
        if (before != 0) lines_.take(set, at);
        if (after != 0) {
            space_->touch(l.node);
            const auto& node = space_->get<live_slot>(after)->node;
            l.node.time = node.time;
            l.node.sequence = node.sequence;
            lines_.put(set, at);
        }
        auto& word = roots().levels_used[level / 64];
        const auto bit = std::uint64_t{1} << level % 64;
        if (((word & bit) != 0) != (set.size != 0)) space_->touch(word) ^= bit;
    }

    index_space* space_;
    job_order jobs_;
    line_order lines_;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/index/leases.hpp
// Who holds which jobs, and until when.
#ifndef QUEUECTL_JOURNAL_INDEX_LEASES_HPP
#define QUEUECTL_JOURNAL_INDEX_LEASES_HPP

namespace queuectl::inline v0::journal {

// The leases of an index. Not thread-safe. Requires: what a member changes was reserved.
class leases {
public:
    using lease_order = order<offsetof(live_slot, node)>;

    explicit leases(index_space& space) : space_{&space}, order_{space} {}

    [[nodiscard]] lease_slot& of(const live_slot& slot) const noexcept { return *space_->get<lease_slot>(slot.lease); }
    [[nodiscard]] std::string_view holder(const live_slot& slot) const noexcept
    {
        return read_text(*space_, space_->get<worker_slot>(of(slot).worker)->name);
    }
    // 0 = holds nothing. O(workers that hold leases).
    [[nodiscard]] ref find_worker(std::string_view name) const noexcept
    {
        for (ref at = roots().workers; at != 0; at = space_->get<worker_slot>(at)->next)
            if (read_text(*space_, space_->get<worker_slot>(at)->name) == name) return at;
        return 0;
    }
    // visit(live slot) for each job that the worker holds; false stops. visit may end the lease.
    template <class Visit>
    void for_each(ref worker, Visit&& visit) const
    {
        for (ref at = space_->get<worker_slot>(worker)->first; at != 0;) {
            const ref next = of(*space_->get<live_slot>(at)).after;
            if (!visit(at)) return;
            at = next;
        }
    }

    // Leases a job that stands in no line.
    void put(ref job, const lease_token& token, std::string_view worker, const instant& now, duration length) noexcept
    {
        auto& slot = *space_->get<live_slot>(job);
        const ref made = space_->allocate(sizeof(lease_slot));
        auto& l = *space_->get<lease_slot>(made);
        l = {};
        l.token = token;
        l.locked_at = now.wall.time_since_epoch().count();
        l.run_at = slot.node.time;
        space_->touch(slot);
        slot.lease = made;
        enlist(job, l, worker);
        start(job, now, length);
    }
    // The lease ends `length` from now.
    void extend(ref job, const instant& now, duration length) noexcept
    {
        auto& slot = *space_->get<live_slot>(job);
        order_.take(space_->get<boot_slot>(of(slot).boot)->leases, job);
        start(job, now, length);
    }
    // The job has no lease any more; its node's time is run_at again.
    void take(ref job) noexcept
    {
        auto& slot = *space_->get<live_slot>(job);
        const lease_slot l = of(slot);
        order_.take(space_->get<boot_slot>(l.boot)->leases, job);
        delist(l);
        space_->release(slot.lease, sizeof(lease_slot));
        space_->touch(slot);
        slot.lease = 0;
        slot.node.time = l.run_at;
    }

    // Appends up to `most` jobs whose leases have expired: those of other boots, then by time.
    void expired(const instant& now, std::size_t most, std::vector<ref>& out) const
    {
        for (ref at = roots().boots; at != 0; at = space_->get<boot_slot>(at)->next) {
            const auto& boot = *space_->get<boot_slot>(at);
            for (ref job = order_.first(boot.leases); job != 0; job = order_.next(boot.leases, job)) {
                const bool runs = boot.id == now.boot_id && space_->get<live_slot>(job)->node.time > now.boot.count();
                if (runs) break;
                if (out.size() == most) return;
                out.push_back(job);
            }
        }
    }

private:
    [[nodiscard]] index_roots& roots() const noexcept { return space_->roots<index_roots>(); }

    void start(ref job, const instant& now, duration length) noexcept
    {
        auto& slot = *space_->get<live_slot>(job);
        const ref boot = boot_of(now.boot_id);
        space_->touch(slot.node);
        slot.node.time = add(now.boot, length).count();
        auto& l = space_->touch(of(slot));
        l.boot = boot;
        l.until = add(now.wall, length).time_since_epoch().count();
        order_.put(space_->get<boot_slot>(boot)->leases, job);
    }

    // Boots without leases go when a new one comes.
    ref boot_of(const uid& id) noexcept
    {
        ref first = roots().boots;
        for (ref at = first; at != 0; at = space_->get<boot_slot>(at)->next)
            if (space_->get<boot_slot>(at)->id == id) return at;
        while (first != 0 && space_->get<boot_slot>(first)->leases.size == 0) {
            const ref gone = std::exchange(first, space_->get<boot_slot>(first)->next);
            space_->release(gone, sizeof(boot_slot));
        }
        const ref made = space_->allocate(sizeof(boot_slot));
        auto& boot = *space_->get<boot_slot>(made);
        boot = {};
        boot.id = id;
        boot.next = first;
        return space_->touch(roots().boots) = made;
    }

    void enlist(ref job, lease_slot& l, std::string_view name) noexcept
    {
        l.worker = find_worker(name);
        if (l.worker == 0) {
            l.worker = space_->allocate(sizeof(worker_slot));
            auto& made = *space_->get<worker_slot>(l.worker);
            made = {};
            made.name = make_text(*space_, name);
            made.next = roots().workers;
            space_->touch(roots().workers) = l.worker;
        }
        auto& worker = space_->touch(*space_->get<worker_slot>(l.worker));
        l.after = worker.first;
        if (l.after != 0) space_->touch(of(*space_->get<live_slot>(l.after))).before = job;
        worker.first = job;
        ++worker.count;
    }
    void delist(const lease_slot& l) noexcept
    {
        auto& worker = space_->touch(*space_->get<worker_slot>(l.worker));
        if (l.after != 0) space_->touch(of(*space_->get<live_slot>(l.after))).before = l.before;
        if (l.before != 0)
            space_->touch(of(*space_->get<live_slot>(l.before))).after = l.after;
        else
            worker.first = l.after;
        if (--worker.count == 0) forget(l.worker);
    }
    void forget(ref worker) noexcept
    {
        ref* link = &roots().workers;
        while (*link != worker) link = &space_->get<worker_slot>(*link)->next;
        const worker_slot gone = *space_->get<worker_slot>(worker);
        space_->touch(*link) = gone.next;
        drop_text(*space_, gone.name);
        space_->release(worker, sizeof(worker_slot));
    }

    index_space* space_;
    lease_order order_;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/wire.hpp
// Integers, times and strings as little-endian bytes: written without a check, read with every check.
#ifndef QUEUECTL_JOURNAL_WIRE_HPP
#define QUEUECTL_JOURNAL_WIRE_HPP

namespace queuectl::inline v0::journal {

// varint:  7 bits a byte, lowest first, bit 7 set in all but the last byte; at most 10 bytes, 64 bits.
// signed:  a varint of (n << 1) ^ (n >> 63), so that small numbers of either sign are short.
// text:    a varint of the bytes, then the bytes.
inline constexpr std::size_t varint_bytes_max = 10;  // of 64 bits
inline constexpr std::size_t small_bytes_max = 5;    // of 32 bits, and of the length of a text

[[nodiscard]] constexpr std::size_t text_bytes_max(std::string_view text) noexcept
{
    return small_bytes_max + text.size();
}

// Writes into memory that its owner has made large enough.
class wire_writer {
public:
    explicit wire_writer(char* at) noexcept : at_{at} {}

    [[nodiscard]] char* position() const noexcept { return at_; }

    template <class Integer>
    void fixed(Integer value) noexcept
    {
        static_assert(std::is_unsigned_v<Integer>);
        detail::store_le(at_, value);
        at_ += sizeof value;
    }
    void byte(unsigned value) noexcept { *at_++ = static_cast<char>(value); }
    void time(duration d) noexcept { fixed(static_cast<std::uint64_t>(d.count())); }
    void time(timestamp t) noexcept { time(t.time_since_epoch()); }
    void id(const uid& u) noexcept
    {
        fixed(u.high);
        fixed(u.low);
    }
    void varint(std::uint64_t value) noexcept
    {
        for (; value >= 128; value >>= 7) *at_++ = static_cast<char>(value | 128);
        *at_++ = static_cast<char>(value);
    }
    void signed_varint(std::int64_t value) noexcept
    {
        varint(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
    }
    // The way from `base` to `value`, modulo 2^64: short when they are near.
    void difference(std::uint64_t value, std::uint64_t base) noexcept
    {
        signed_varint(static_cast<std::int64_t>(value - base));
    }
    void difference(timestamp value, timestamp base) noexcept
    {
        difference(static_cast<std::uint64_t>(value.time_since_epoch().count()),
                   static_cast<std::uint64_t>(base.time_since_epoch().count()));
    }
    void bytes(std::string_view text) noexcept
    {
        if (!text.empty()) std::memcpy(at_, text.data(), text.size());
        at_ += text.size();
    }
    void text(std::string_view text) noexcept
    {
        varint(text.size());
        bytes(text);
    }

private:
    char* at_;
};

namespace detail {

struct long_varint_result {
    std::uint64_t value;
    const char* behind;  // null = there is none
};
// Apart, so that a reader can live in registers.
[[gnu::noinline]] inline long_varint_result long_varint(const char* at, const char* end) noexcept
{
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at != end; shift += 7) {
        const std::uint64_t next = static_cast<unsigned char>(*at++);
        if (shift == 63 && next > 1) break;
        value |= (next & 127) << shift;
        if (next < 128) return {value, at};
    }
    return {0, nullptr};
}

}  // namespace detail

// Reads any bytes. What is not there, or no such value, reads as 0 or empty, and ok() is false from then on.
class wire_reader {
public:
    explicit wire_reader(std::string_view bytes) noexcept : at_{bytes.data()}, end_{at_ + bytes.size()} {}

    [[nodiscard]] bool ok() const noexcept { return !failed_; }
    [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
    // Everything was there, and nothing more.
    [[nodiscard]] bool done() const noexcept { return ok() && at_ == end_; }
    void fail() noexcept
    {
        failed_ = true;
        at_ = end_;
    }

    template <class Integer>
    [[nodiscard]] Integer fixed() noexcept
    {
        static_assert(std::is_unsigned_v<Integer>);
        if (left() < sizeof(Integer)) [[unlikely]] {
            fail();
            return 0;
        }
        const auto value = detail::load_le<Integer>(at_);
        at_ += sizeof(Integer);
        return value;
    }
    [[nodiscard]] std::uint8_t byte() noexcept { return fixed<std::uint8_t>(); }
    // One of an enumeration's numbers, 0 … last.
    template <class Enum>
    [[nodiscard]] Enum choice(Enum last) noexcept
    {
        const std::uint8_t value = byte();
        if (value > static_cast<std::uint8_t>(last)) fail();
        return failed_ ? Enum{} : static_cast<Enum>(value);
    }
    [[nodiscard]] duration span() noexcept { return duration{static_cast<std::int64_t>(fixed<std::uint64_t>())}; }
    [[nodiscard]] timestamp time() noexcept { return timestamp{span()}; }
    [[nodiscard]] uid id() noexcept
    {
        const auto high = fixed<std::uint64_t>();
        return {high, fixed<std::uint64_t>()};
    }
    [[nodiscard]] std::uint64_t varint() noexcept
    {
        if (at_ != end_ && static_cast<unsigned char>(*at_) < 128) return static_cast<unsigned char>(*at_++);
        const auto [value, behind] = detail::long_varint(at_, end_);
        if (behind == nullptr) [[unlikely]]
            fail();
        else
            at_ = behind;
        return value;
    }
    [[nodiscard]] std::int64_t signed_varint() noexcept
    {
        const std::uint64_t value = varint();
        return static_cast<std::int64_t>(value >> 1 ^ (0 - (value & 1)));
    }
    // A varint, or signed varint, that fits into Integer.
    template <class Integer>
    [[nodiscard]] Integer small() noexcept
    {
        if constexpr (std::is_signed_v<Integer>) {
            const std::int64_t value = signed_varint();
            if (value < std::numeric_limits<Integer>::min() || value > std::numeric_limits<Integer>::max()) fail();
            return failed_ ? Integer{} : static_cast<Integer>(value);
        } else {
            const std::uint64_t value = varint();
            if (value > std::numeric_limits<Integer>::max()) fail();
            return failed_ ? Integer{} : static_cast<Integer>(value);
        }
    }
    // What wire_writer::difference wrote.
    [[nodiscard]] std::uint64_t difference(std::uint64_t base) noexcept
    {
        return base + static_cast<std::uint64_t>(signed_varint());
    }
    [[nodiscard]] timestamp difference(timestamp base) noexcept
    {
        const auto from = static_cast<std::uint64_t>(base.time_since_epoch().count());
        return timestamp{duration{static_cast<std::int64_t>(difference(from))}};
    }
    [[nodiscard]] std::string_view bytes(std::uint64_t count) noexcept
    {
        if (count > left()) [[unlikely]] {
            fail();
            return {};
        }
        const char* const begin = at_;
        at_ += count;
        return {begin, static_cast<std::size_t>(count)};
    }
    [[nodiscard]] std::string_view text() noexcept { return bytes(varint()); }
    [[nodiscard]] std::string_view rest() noexcept { return bytes(left()); }

private:
    const char* at_;
    const char* end_;
    bool failed_ = false;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/record.hpp
// One record: its header, written and checked. What records carry: journal/records.hpp.
#ifndef QUEUECTL_JOURNAL_RECORD_HPP
#define QUEUECTL_JOURNAL_RECORD_HPP

namespace queuectl::inline v0::journal {

enum class record_type : std::uint8_t { job = 1, claim, extend, end, change, remove, config, unconfig, queues, header };
inline constexpr record_type last_record_type = record_type::header;

inline constexpr std::size_t record_header_bytes = 12;

// `content` points into what was read. A type beyond last_record_type is one to skip.
struct record_view {
    record_type type{};
    std::uint8_t flags = 0;
    std::string_view content;
    std::size_t bytes = 0;  // of the whole record, with its header
};

// The length of the whole record whose header lies at the begin of `at` (≥ record_header_bytes); not checked.
[[nodiscard]] inline std::size_t record_bytes(std::string_view at) noexcept
{
    QUEUECTL_ASSERT(at.size() >= record_header_bytes);
    return record_header_bytes + std::size_t{detail::load_le<std::uint32_t>(at.data() + 4)};
}

namespace detail {

[[nodiscard, gnu::noinline, gnu::cold]] inline failure_value bad_record(const char* why, errc code = errc::corrupt)
{
    return fail(code, "read a record", why);
}

// Appends a record to `out`, whose content is what is written to it until finish(), at most `content_bytes_max`.
class record_writer : public wire_writer {
public:
    record_writer(std::string& out, record_type type, std::size_t content_bytes_max)
        : wire_writer{nullptr}, out_{&out}, begin_{out.size()}
    {
        out.resize(begin_ + record_header_bytes + content_bytes_max);
        static_cast<wire_writer&>(*this) = wire_writer{out.data() + begin_ + record_header_bytes};
        char* const head = out.data() + begin_;
        head[8] = static_cast<char>(type);
    }
    void finish()
    {
        char* const head = out_->data() + begin_;
        const auto bytes = static_cast<std::size_t>(position() - head);
        QUEUECTL_ASSERT(begin_ + bytes <= out_->size());
        QUEUECTL_ASSERT(bytes - record_header_bytes <= body_bytes_max);
        store_le(head + 4, static_cast<std::uint32_t>(bytes - record_header_bytes));
        store_le(head, crc32c({head + 4, bytes - 4}));
        out_->resize(begin_ + bytes);
    }

private:
    std::string* out_;
    std::size_t begin_;
};

}  // namespace detail

// Reads the record at the begin of `at`. errc::corrupt when it is cut off or its CRC is wrong; errc::wrong_version
// when it is of an unknown type that must not be skipped. O(its bytes).
[[nodiscard]] inline result<record_view> read_record(std::string_view at)
{
    if (at.size() < record_header_bytes) return detail::bad_record("its header is cut off");
    const std::size_t bytes = record_bytes(at);
    if (bytes > at.size()) return detail::bad_record("it is cut off");
    if (crc32c({at.data() + 4, bytes - 4}) != detail::load_le<std::uint32_t>(at.data()))
        return detail::bad_record("its checksum is wrong");
    const auto type = static_cast<record_type>(at[8]);
    const auto flags = static_cast<std::uint8_t>(at[9]);
    const bool known = type != record_type{} && type <= last_record_type;
    if (!known && (flags & flag_skippable) == 0)
        return detail::bad_record("its type is newer than this program", errc::wrong_version);
    return record_view{type, flags, at.substr(record_header_bytes, bytes - record_header_bytes), bytes};
}

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/records_run.hpp
// A run inside a record: an attempt as it is stored.
#ifndef QUEUECTL_JOURNAL_RECORDS_RUN_HPP
#define QUEUECTL_JOURNAL_RECORDS_RUN_HPP

namespace queuectl::inline v0::journal {

// A run that is kept: its output is inline, in run.output, or in the output file of that number.
struct stored_attempt {
    queuectl::attempt run;
    std::uint64_t output_file = 0;
};

// The same as views into a record.
struct run_view {
    std::int32_t number = 0;
    run_status status = run_status::failed;
    std::int32_t exit_code = -1;
    std::int32_t signal = 0;
    timestamp started_at{};
    timestamp ended_at{};
    std::string_view error;
    std::string_view worker;
    std::string_view output_head;
    std::string_view output_tail;
    std::uint64_t dropped_bytes = 0;
    std::uint64_t output_bytes = 0;
    std::uint64_t output_file = 0;
};

[[nodiscard]] inline stored_attempt to_attempt(const run_view& v)
{
    stored_attempt stored;
    attempt& run = stored.run;
    run.number = v.number;
    run.status = v.status;
    run.exit_code = v.exit_code;
    run.signal = v.signal;
    run.started_at = v.started_at;
    run.ended_at = v.ended_at;
    run.error = v.error;
    run.worker = v.worker;
    run.output.head = v.output_head;
    run.output.tail = v.output_tail;
    run.output.dropped_bytes = v.dropped_bytes;
    run.output_bytes = v.output_bytes;
    stored.output_file = v.output_file;
    return stored;
}

namespace detail {

inline constexpr std::uint8_t run_has_output = 128;

[[nodiscard]] inline std::size_t run_bytes_max(const attempt& run) noexcept
{
    constexpr std::size_t scalars = 1 + 3 * small_bytes_max + 8 + 4 * varint_bytes_max;
    return scalars + text_bytes_max(run.error) + text_bytes_max(run.worker) + text_bytes_max(run.output.head) +
           text_bytes_max(run.output.tail);
}

inline void write_run(wire_writer& w, const attempt& run, std::uint64_t output_file)
{
    const run_output& output = run.output;
    const bool has_output =
        (run.output_bytes | output_file | output.dropped_bytes) != 0 || !output.head.empty() || !output.tail.empty();
    w.byte(static_cast<unsigned>(run.status) | (has_output ? run_has_output : 0U));
    w.signed_varint(run.number);
    w.signed_varint(run.exit_code);
    w.signed_varint(run.signal);
    w.time(run.started_at);
    w.difference(run.ended_at, run.started_at);
    w.text(run.error);
    w.text(run.worker);
    if (!has_output) return;
    w.varint(run.output_bytes);
    w.varint(output_file);
    w.varint(output.dropped_bytes);
    w.text(output.head);
    w.text(output.tail);
}

// reader.ok() tells whether there was one.
[[nodiscard]] inline run_view read_run(wire_reader& r)
{
    run_view run;
    const std::uint8_t first = r.byte();
    const auto status = static_cast<std::uint8_t>(first & ~run_has_output);
    if (status > static_cast<std::uint8_t>(run_status::crashed)) r.fail();
    if (!r.ok()) return run;
    run.status = static_cast<run_status>(status);
    run.number = r.small<std::int32_t>();
    run.exit_code = r.small<std::int32_t>();
    run.signal = r.small<std::int32_t>();
    run.started_at = r.time();
    run.ended_at = r.difference(run.started_at);
    run.error = r.text();
    run.worker = r.text();
    if ((first & run_has_output) == 0) return run;
    run.output_bytes = r.varint();
    run.output_file = r.varint();
    run.dropped_bytes = r.varint();
    run.output_head = r.text();
    run.output_tail = r.text();
    return run;
}

}  // namespace detail

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/records_job.hpp
// Appends the record `job`: all of a job. Its bytes: journal/records.hpp; how it is read: records_job_read.hpp.
#ifndef QUEUECTL_JOURNAL_RECORDS_JOB_HPP
#define QUEUECTL_JOURNAL_RECORDS_JOB_HPP

namespace queuectl::inline v0::journal {

// All that is known of a job at one moment: enough to forget every record about it before this one.
struct job_image {
    job_record record;
    bool was_failed = false;  // what a release of the current lease restores: failed, else pending
    duration lease_end{};     // boot clock
    uid boot_id{};            // of lease_end
    std::vector<stored_attempt> attempts;
};

namespace detail {

// The parts of an image that are left out when they say nothing, in the order of their bits.
enum job_part : std::uint32_t {
    part_run_at = 1u << 0,
    part_timeout = 1u << 1,
    part_retention = 1u << 2,
    part_backoff_base = 1u << 3,
    part_max_retries = 1u << 4,
    part_hold = 1u << 5,
    part_tag = 1u << 6,
    part_key = 1u << 7,
    part_unique_key = 1u << 8,
    part_batch = 1u << 9,
    part_cwd = 1u << 10,
    part_env = 1u << 11,
    part_depends_on = 1u << 12,
    part_updated_at = 1u << 13,
    part_counts = 1u << 14,
    part_lease = 1u << 15,
    part_settled = 1u << 16,
    part_last_run = 1u << 17,
    part_error = 1u << 18,
    part_result = 1u << 19,
    part_progress = 1u << 20,
    part_attempts = 1u << 21,
    part_was_failed = 1u << 22,        // no bytes
    part_cancel_requested = 1u << 23,  // no bytes
};
inline constexpr std::uint32_t known_job_parts = (1u << 24) - 1;
inline constexpr std::size_t job_parts_offset = 16;
inline constexpr std::int32_t usual_max_retries = 3;
inline constexpr std::size_t token_bytes_max = 16 + small_bytes_max;

[[nodiscard]] constexpr std::uint32_t part_if(bool there, job_part part) noexcept { return there ? part : 0U; }

// The parts of what was asked for.
[[nodiscard]] inline std::uint32_t parts_of(const job& j, timestamp created_at) noexcept
{
    return part_if(j.run_at != created_at, part_run_at) | part_if(j.timeout.count() != 0, part_timeout) |
           part_if(j.retention.count() != 0, part_retention) |
           part_if(std::bit_cast<std::uint64_t>(j.backoff_base) != 0, part_backoff_base) |
           part_if(j.max_retries != usual_max_retries, part_max_retries) | part_if(j.hold != hold_none, part_hold) |
           part_if(!j.tag.empty(), part_tag) | part_if(!j.key.empty(), part_key) |
           part_if(!j.unique_key.empty(), part_unique_key) | part_if(!j.batch.empty(), part_batch) |
           part_if(!j.cwd.empty(), part_cwd) | part_if(!j.env.empty(), part_env) |
           part_if(!j.depends_on.empty(), part_depends_on);
}

[[nodiscard]] inline bool has_lease(const job_image& image) noexcept
{
    const job_record& r = image.record;
    return r.token != lease_token{} || !r.locked_by.empty() || r.locked_at != timestamp{} ||
           r.lease_until != timestamp{} || image.lease_end != duration{} || image.boot_id;
}

// The parts of what became of it.
[[nodiscard]] inline std::uint32_t parts_since(const job_image& image) noexcept
{
    const job_record& r = image.record;
    return part_if(r.updated_at != r.created_at, part_updated_at) |
           part_if((r.attempts | r.crashes) != 0, part_counts) | part_if(has_lease(image), part_lease) |
           part_if(r.settled_token != lease_token{}, part_settled) |
           part_if(r.exit_code != -1 || r.signal != 0, part_last_run) | part_if(!r.error.empty(), part_error) |
           part_if(!r.result.empty(), part_result) | part_if(!r.progress.empty(), part_progress) |
           part_if(!image.attempts.empty(), part_attempts) | part_if(image.was_failed, part_was_failed) |
           part_if(r.cancel_requested, part_cancel_requested);
}

inline void write_token(wire_writer& w, const lease_token& token) noexcept
{
    w.id(token.nonce);
    w.varint(token.ordinal);
}

// A part that begins with its length, a u32: write() writes it.
template <class Write>
void write_sized(wire_writer& w, Write&& write)
{
    char* const length = w.position();
    w.fixed(std::uint32_t{0});
    write();
    store_le(length, static_cast<std::uint32_t>(w.position() - length - 4));
}

inline void write_asked(wire_writer& w, std::uint32_t parts, const job& j, timestamp created_at) noexcept
{
    if ((parts & part_run_at) != 0) w.difference(j.run_at, created_at);
    if ((parts & part_timeout) != 0) w.time(j.timeout);
    if ((parts & part_retention) != 0) w.time(j.retention);
    if ((parts & part_backoff_base) != 0) w.fixed(std::bit_cast<std::uint64_t>(j.backoff_base));
    if ((parts & part_max_retries) != 0) w.signed_varint(j.max_retries);
    if ((parts & part_hold) != 0) w.varint(j.hold);
    if ((parts & part_tag) != 0) w.text(j.tag);
    if ((parts & part_key) != 0) w.text(j.key);
    if ((parts & part_unique_key) != 0) w.text(j.unique_key);
    if ((parts & part_batch) != 0) w.text(j.batch);
    if ((parts & part_cwd) != 0) w.text(j.cwd);
    if ((parts & part_env) != 0) w.text(j.env);
    if ((parts & part_depends_on) != 0)
        write_sized(w, [&] {
            for (const auto& id : j.depends_on) w.text(id);
        });
}

inline void write_lease(wire_writer& w, const job_image& image) noexcept
{
    const job_record& r = image.record;
    write_token(w, r.token);
    w.time(r.locked_at);
    w.time(r.lease_until);
    w.time(image.lease_end);
    w.id(image.boot_id);
    w.text(r.locked_by);
}

inline void write_since(wire_writer& w, std::uint32_t parts, const job_image& image) noexcept
{
    const job_record& r = image.record;
    if ((parts & part_updated_at) != 0) w.difference(r.updated_at, r.created_at);
    if ((parts & part_counts) != 0) w.signed_varint(r.attempts), w.signed_varint(r.crashes);
    if ((parts & part_lease) != 0) write_lease(w, image);
    if ((parts & part_settled) != 0) write_token(w, r.settled_token);
    if ((parts & part_last_run) != 0) w.signed_varint(r.exit_code), w.signed_varint(r.signal);
    if ((parts & part_error) != 0) w.text(r.error);
    if ((parts & part_result) != 0) w.text(r.result);
    if ((parts & part_progress) != 0) w.text(r.progress);
    if ((parts & part_attempts) != 0)
        write_sized(w, [&] {
            for (const auto& kept : image.attempts) write_run(w, kept.run, kept.output_file);
        });
}

struct image_begin {
    std::uint64_t sequence;
    timestamp created_at;
    std::uint32_t parts;
    queuectl::state state;
};
inline void write_begin(wire_writer& w, const image_begin& begin, const job& j) noexcept
{
    w.fixed(begin.sequence);
    w.time(begin.created_at);
    w.fixed(begin.parts);
    w.byte(static_cast<unsigned>(begin.state));
    w.byte(static_cast<std::uint8_t>(j.priority));
    w.id(j.nonce);
    w.text(j.id);
    w.text(j.queue);
    w.text(j.kind);
}

[[nodiscard]] inline std::size_t since_bytes_max(const job_image& image) noexcept
{
    constexpr std::size_t scalars = varint_bytes_max + 4 * small_bytes_max + 2 * token_bytes_max + 3 * 8 + 16 + 4;
    const job_record& r = image.record;
    std::size_t bytes = scalars + text_bytes_max(r.locked_by) + text_bytes_max(r.error) + text_bytes_max(r.result) +
                        text_bytes_max(r.progress);
    for (const auto& kept : image.attempts) bytes += run_bytes_max(kept.run);
    return bytes;
}

}  // namespace detail

// No less than the bytes that append_job(out, j, …) appends, and less than 160 more than the texts. O(dependencies).
[[nodiscard]] inline std::size_t job_bytes_max(const job& j) noexcept
{
    constexpr std::size_t scalars = record_header_bytes + 38 + varint_bytes_max + 3 * 8 + 2 * small_bytes_max + 4;
    std::size_t bytes = scalars + 9 * small_bytes_max + j.id.size() + j.queue.size() + j.kind.size() + j.tag.size() +
                        j.key.size() + j.unique_key.size() + j.batch.size() + j.cwd.size() + j.env.size() +
                        j.payload.size();
    for (const auto& id : j.depends_on) bytes += text_bytes_max(id);
    return bytes;
}

// A new job: pending, created now.
inline void append_job(std::string& out, const job& j, std::uint64_t sequence, timestamp now)
{
    detail::record_writer w{out, record_type::job, job_bytes_max(j) - record_header_bytes};
    const std::uint32_t parts = detail::parts_of(j, now);
    detail::write_begin(w, {sequence, now, parts, state::pending}, j);
    detail::write_asked(w, parts, j, now);
    w.bytes(j.payload);
    w.finish();
}

inline void append_job(std::string& out, const job_image& image)
{
    const job_record& r = image.record;
    const std::size_t bytes_max = job_bytes_max(r.job) + detail::since_bytes_max(image) - record_header_bytes;
    detail::record_writer w{out, record_type::job, bytes_max};
    const std::uint32_t parts = detail::parts_of(r.job, r.created_at) | detail::parts_since(image);
    detail::write_begin(w, {r.sequence, r.created_at, parts, r.state}, r.job);
    detail::write_asked(w, parts, r.job, r.created_at);
    detail::write_since(w, parts, image);
    w.bytes(r.job.payload);
    w.finish();
}

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/records_job_read.hpp
// Reads the record `job`. Its bytes: journal/records.hpp.
#ifndef QUEUECTL_JOURNAL_RECORDS_JOB_READ_HPP
#define QUEUECTL_JOURNAL_RECORDS_JOB_READ_HPP

namespace queuectl::inline v0::journal {

// What an index needs of an image. The views point into the content that was read.
struct job_head {
    std::uint64_t sequence = 0;
    timestamp created_at{};
    timestamp updated_at{};
    timestamp run_at{};
    duration timeout{};
    duration retention{};
    double backoff_base = 0;
    std::int32_t max_retries = detail::usual_max_retries;
    std::uint32_t hold = hold_none;
    std::int8_t priority = 0;
    queuectl::state state = queuectl::state::pending;
    bool was_failed = false;
    bool cancel_requested = false;
    std::int32_t attempts = 0;
    std::int32_t crashes = 0;
    std::int32_t exit_code = -1;
    std::int32_t signal = 0;
    uid nonce{};
    std::string_view id;
    std::string_view queue;
    std::string_view kind;
    std::string_view tag;
    std::string_view key;
    std::string_view unique_key;
    std::string_view batch;
    std::string_view error;

    bool has_lease = false;  // one is recorded: the token or anything else of it is not zero
    lease_token token{};
    std::string_view worker;
    timestamp locked_at{};
    timestamp lease_until{};
    duration lease_end{};  // boot clock
    uid boot_id{};         // of lease_end
    lease_token settled_token{};
};

namespace detail {

// What an index leaves on the disk.
struct job_bulk {
    std::string_view payload;
    std::string_view cwd;
    std::string_view env;
    std::string_view depends_on;  // texts
    std::string_view result;
    std::string_view progress;
    std::string_view attempts;  // runs
};

[[nodiscard]] inline lease_token read_token(wire_reader& r) noexcept
{
    const uid nonce = r.id();
    return {nonce, r.small<std::uint32_t>()};
}

// These set every member, so that a head can be used again and nothing is cleared first. Inlined: the parts that a
// caller does not want then cost it nothing.
[[gnu::always_inline]] inline void read_asked(wire_reader& r, std::uint32_t parts, job_head& head,
                                              job_bulk& bulk) noexcept
{
    const auto has = [parts](job_part part) { return (parts & part) != 0; };
    const auto text = [&](job_part part) { return has(part) ? r.text() : std::string_view{}; };
    head.run_at = has(part_run_at) ? r.difference(head.created_at) : head.created_at;
    head.timeout = has(part_timeout) ? r.span() : duration{};
    head.retention = has(part_retention) ? r.span() : duration{};
    head.backoff_base = std::bit_cast<double>(has(part_backoff_base) ? r.fixed<std::uint64_t>() : 0);
    head.max_retries = has(part_max_retries) ? r.small<std::int32_t>() : usual_max_retries;
    head.hold = has(part_hold) ? r.small<std::uint32_t>() : std::uint32_t{hold_none};
    head.tag = text(part_tag);
    head.key = text(part_key);
    head.unique_key = text(part_unique_key);
    head.batch = text(part_batch);
    bulk.cwd = text(part_cwd);
    bulk.env = text(part_env);
    bulk.depends_on = has(part_depends_on) ? r.bytes(r.fixed<std::uint32_t>()) : std::string_view{};
}

[[gnu::always_inline]] inline void read_lease(wire_reader& r, bool there, job_head& head) noexcept
{
    head.has_lease = there;
    head.token = there ? read_token(r) : lease_token{};
    head.locked_at = there ? r.time() : timestamp{};
    head.lease_until = there ? r.time() : timestamp{};
    head.lease_end = there ? r.span() : duration{};
    head.boot_id = there ? r.id() : uid{};
    head.worker = there ? r.text() : std::string_view{};
}

[[gnu::always_inline]] inline void read_since(wire_reader& r, std::uint32_t parts, job_head& head,
                                              job_bulk& bulk) noexcept
{
    const auto has = [parts](job_part part) { return (parts & part) != 0; };
    const auto text = [&](job_part part) { return has(part) ? r.text() : std::string_view{}; };
    head.updated_at = has(part_updated_at) ? r.difference(head.created_at) : head.created_at;
    head.attempts = has(part_counts) ? r.small<std::int32_t>() : 0;
    head.crashes = has(part_counts) ? r.small<std::int32_t>() : 0;
    read_lease(r, has(part_lease), head);
    head.settled_token = has(part_settled) ? read_token(r) : lease_token{};
    head.exit_code = has(part_last_run) ? r.small<std::int32_t>() : -1;
    head.signal = has(part_last_run) ? r.small<std::int32_t>() : 0;
    head.error = text(part_error);
    bulk.result = text(part_result);
    bulk.progress = text(part_progress);
    bulk.attempts = has(part_attempts) ? r.bytes(r.fixed<std::uint32_t>()) : std::string_view{};
    head.was_failed = has(part_was_failed);
    head.cancel_requested = has(part_cancel_requested);
}

// Whether the content is an image; its parts are known ones.
[[nodiscard, gnu::always_inline]] inline bool parse_job(std::string_view content, job_head& head,
                                                        job_bulk& bulk) noexcept
{
    wire_reader r{content};
    head.sequence = r.fixed<std::uint64_t>();
    head.created_at = r.time();
    const auto parts = r.fixed<std::uint32_t>();
    head.state = r.choice(state::cancelled);
    head.priority = static_cast<std::int8_t>(r.byte());
    head.nonce = r.id();
    head.id = r.text();
    head.queue = r.text();
    head.kind = r.text();
    read_asked(r, parts, head, bulk);
    read_since(r, parts, head, bulk);
    bulk.payload = r.rest();
    return r.ok();
}

[[nodiscard]] inline bool has_unknown_parts(std::string_view content) noexcept
{
    return content.size() >= job_parts_offset + 4 &&
           (load_le<std::uint32_t>(content.data() + job_parts_offset) & ~known_job_parts) != 0;
}
[[nodiscard]] inline failure_value bad_job(std::string_view content)
{
    return has_unknown_parts(content) ? bad_record("a job has parts newer than this program", errc::wrong_version)
                                      : bad_record("it is no job");
}
[[nodiscard, gnu::always_inline]] inline bool read_job_views(std::string_view content, job_head& head,
                                                             job_bulk& bulk) noexcept
{
    return !has_unknown_parts(content) && parse_job(content, head, bulk);
}

// Whether `bytes` are texts; they replace `out`, reusing its strings.
[[nodiscard]] inline bool read_texts(std::string_view bytes, std::vector<std::string>& out)
{
    wire_reader r{bytes};
    std::size_t count = 0;
    for (; r.left() > 0; ++count) {
        const std::string_view text = r.text();
        if (!r.ok()) return false;
        if (count < out.size())
            out[count] = text;
        else
            out.emplace_back(text);
    }
    out.resize(count);
    return true;
}

// to = text, quick when the lengths are the same, as those of one job after another often are.
inline void assign(std::string& to, std::string_view text)
{
    if (to.size() != text.size())
        to.assign(text);
    else if (!text.empty())
        std::memcpy(to.data(), text.data(), text.size());
}

[[nodiscard]] inline bool assign(job& to, const job_head& head, const job_bulk& bulk)
{
    assign(to.id, head.id);
    assign(to.queue, head.queue);
    assign(to.kind, head.kind);
    assign(to.payload, bulk.payload);
    to.run_at = head.run_at;
    to.timeout = head.timeout;
    to.retention = head.retention;
    to.backoff_base = head.backoff_base;
    to.max_retries = head.max_retries;
    to.hold = head.hold;
    to.priority = head.priority;
    to.nonce = head.nonce;
    assign(to.tag, head.tag);
    assign(to.key, head.key);
    assign(to.unique_key, head.unique_key);
    assign(to.batch, head.batch);
    assign(to.cwd, bulk.cwd);
    assign(to.env, bulk.env);
    return read_texts(bulk.depends_on, to.depends_on);
}

inline void assign(job_image& to, const job_head& head, const job_bulk& bulk)
{
    job_record& r = to.record;
    r.state = head.state;
    r.attempts = head.attempts;
    r.crashes = head.crashes;
    r.created_at = head.created_at;
    r.updated_at = head.updated_at;
    r.sequence = head.sequence;
    r.token = head.token;
    r.settled_token = head.settled_token;
    r.cancel_requested = head.cancel_requested;
    r.locked_by = head.worker;
    r.locked_at = head.locked_at;
    r.lease_until = head.lease_until;
    r.exit_code = head.exit_code;
    r.signal = head.signal;
    r.error = head.error;
    r.result = bulk.result;
    r.progress = bulk.progress;
    to.was_failed = head.was_failed;
    to.lease_end = head.lease_end;
    to.boot_id = head.boot_id;
}

}  // namespace detail

// The job as it was asked for, into `out`, whose strings keep their capacity. After an error `out` holds anything.
[[nodiscard]] inline result<void> read_job(std::string_view content, job& out)
{
    job_head head;
    detail::job_bulk bulk;
    if (!detail::read_job_views(content, head, bulk) || !detail::assign(out, head, bulk))
        return detail::bad_job(content);
    return {};
}

// Allocates nothing. Says nothing about the parts that it does not return. After an error `out` holds anything.
[[nodiscard]] inline result<void> read_head(std::string_view content, job_head& out)
{
    detail::job_bulk bulk;
    if (!detail::read_job_views(content, out, bulk)) return detail::bad_job(content);
    return {};
}
[[nodiscard]] inline result<job_head> read_head(std::string_view content)
{
    job_head head;
    if (auto done = read_head(content, head); !done) return fail(done.error());
    return head;
}

[[nodiscard]] inline result<job_image> read_image(std::string_view content)
{
    job_head head;
    detail::job_bulk bulk;
    job_image image;
    if (!detail::read_job_views(content, head, bulk) || !detail::assign(image.record.job, head, bulk))
        return detail::bad_job(content);
    detail::assign(image, head, bulk);
    wire_reader runs{bulk.attempts};
    while (runs.left() > 0) {
        const run_view run = detail::read_run(runs);
        if (!runs.ok()) return detail::bad_job(content);
        image.attempts.push_back(to_attempt(run));
    }
    return image;
}

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/records_lease.hpp
// The records of leases: `claim`, `extend`, `end`. Their bytes: journal/records.hpp.
#ifndef QUEUECTL_JOURNAL_RECORDS_LEASE_HPP
#define QUEUECTL_JOURNAL_RECORDS_LEASE_HPP

namespace queuectl::inline v0::journal {

// Jobs were leased: the i-th has the token {nonce, first_ordinal + i}.
struct claim_record {
    uid nonce{};
    std::uint32_t first_ordinal = 0;
    std::string_view worker;
    instant now{};
    duration lease{};
    std::span<const std::uint64_t> sequences;
};

// Leases run `length` from `now` on.
struct extend_record {
    instant now{};
    duration length{};
    std::span<const std::uint64_t> sequences;
};

// A lease of one job ended.
struct end_record {
    std::uint64_t sequence = 0;
    std::uint64_t previous = 0;  // location of the job's last `end` behind its image; 0 = none
    queuectl::state state = queuectl::state::pending;
    timestamp now{};
    timestamp run_at{};         // from now on
    std::int32_t attempts = 0;  // these two too
    std::int32_t crashes = 0;
    lease_token token{};  // the lease that ended
    bool was_failed = false;
    bool counts_crash = false;     // it was cut off, not settled
    const attempt* run = nullptr;  // the run that ended; null = none
    std::uint64_t output_file = 0;
    bool set_error = false;
    std::string_view error;
    bool set_result = false;
    std::string_view result;
    std::uint32_t image_bytes = 0;  // what the job's image would take from now on
};

// The same as it was read; the views point into the content.
struct end_view {
    std::uint64_t sequence = 0;
    std::uint64_t previous = 0;
    queuectl::state state = queuectl::state::pending;
    timestamp now{};
    timestamp run_at{};
    std::int32_t attempts = 0;
    std::int32_t crashes = 0;
    lease_token token{};
    bool was_failed = false;
    bool counts_crash = false;
    bool has_run = false;
    run_view run;
    bool set_error = false;
    std::string_view error;
    bool set_result = false;
    std::string_view result;
    std::uint32_t image_bytes = 0;
};

[[nodiscard]] inline stored_attempt to_attempt(const end_view& end) { return to_attempt(end.run); }

namespace detail {

inline constexpr std::size_t worker_bytes_usual_max = 255;

enum end_flag : std::uint8_t {
    end_has_run = 1,
    end_counts_crash = 2,
    end_sets_error = 4,
    end_error_is_of_run = 8,  // it is not written twice
    end_sets_result = 16,
    end_was_failed = 32,
};
inline constexpr std::uint8_t known_end_flags = 63;

inline void write_instant(wire_writer& w, const instant& now) noexcept
{
    w.time(now.wall);
    w.time(now.boot);
    w.id(now.boot_id);
}
[[nodiscard]] inline instant read_instant(wire_reader& r) noexcept
{
    instant now;
    now.wall = r.time();
    now.boot = r.span();
    now.boot_id = r.id();
    return now;
}

[[nodiscard]] constexpr std::size_t sequences_bytes_max(std::size_t count) noexcept
{
    return varint_bytes_max * (1 + count);
}
inline void write_sequences(wire_writer& w, std::span<const std::uint64_t> sequences) noexcept
{
    w.varint(sequences.size());
    std::uint64_t before = 0;
    for (const std::uint64_t sequence : sequences) {
        w.difference(sequence, before);
        before = sequence;
    }
}
inline void read_sequences(wire_reader& r, std::vector<std::uint64_t>& out)
{
    out.clear();
    const std::uint64_t count = r.varint();
    if (count > r.left()) return r.fail();
    out.resize(static_cast<std::size_t>(count));
    std::uint64_t before = 0;
    for (auto& sequence : out) sequence = before = r.difference(before);
}

[[nodiscard]] inline bool has_error_of_run(const end_record& e) noexcept
{
    return e.set_error && e.run != nullptr && !e.error.empty() && e.run->error == e.error;
}

[[nodiscard]] inline unsigned flags_of(const end_record& e) noexcept
{
    const auto flag_if = [](bool set, end_flag flag) { return set ? unsigned{flag} : 0U; };
    return flag_if(e.run != nullptr, end_has_run) | flag_if(e.counts_crash, end_counts_crash) |
           flag_if(e.set_error, end_sets_error) | flag_if(has_error_of_run(e), end_error_is_of_run) |
           flag_if(e.set_result, end_sets_result) | flag_if(e.was_failed, end_was_failed);
}

}  // namespace detail

// No less than append_claim appends for such a worker's name.
[[nodiscard]] constexpr std::size_t claim_bytes_max(std::size_t jobs,
                                                    std::size_t worker_bytes = detail::worker_bytes_usual_max) noexcept
{
    constexpr std::size_t scalars = record_header_bytes + 16 + 32 + 8 + 4 + small_bytes_max;
    return scalars + worker_bytes + detail::sequences_bytes_max(jobs);
}
inline void append_claim(std::string& out, const claim_record& claim)
{
    const std::size_t bytes_max = claim_bytes_max(claim.sequences.size(), claim.worker.size());
    detail::record_writer w{out, record_type::claim, bytes_max - record_header_bytes};
    w.id(claim.nonce);
    detail::write_instant(w, claim.now);
    w.time(claim.lease);
    w.fixed(claim.first_ordinal);
    w.text(claim.worker);
    detail::write_sequences(w, claim.sequences);
    w.finish();
}
// Replaces `sequences`; the value's span is over it.
[[nodiscard]] inline result<claim_record> read_claim(std::string_view content, std::vector<std::uint64_t>& sequences)
{
    wire_reader r{content};
    claim_record claim;
    claim.nonce = r.id();
    claim.now = detail::read_instant(r);
    claim.lease = r.span();
    claim.first_ordinal = r.fixed<std::uint32_t>();
    claim.worker = r.text();
    detail::read_sequences(r, sequences);
    claim.sequences = sequences;
    if (!r.done()) return detail::bad_record("it is no claim");
    return claim;
}

[[nodiscard]] constexpr std::size_t extend_bytes_max(std::size_t jobs) noexcept
{
    return record_header_bytes + 32 + 8 + detail::sequences_bytes_max(jobs);
}
inline void append_extend(std::string& out, const extend_record& extend)
{
    const std::size_t bytes_max = extend_bytes_max(extend.sequences.size());
    detail::record_writer w{out, record_type::extend, bytes_max - record_header_bytes};
    detail::write_instant(w, extend.now);
    w.time(extend.length);
    detail::write_sequences(w, extend.sequences);
    w.finish();
}
// Replaces `sequences`; the value's span is over it.
[[nodiscard]] inline result<extend_record> read_extend(std::string_view content, std::vector<std::uint64_t>& sequences)
{
    wire_reader r{content};
    extend_record extend;
    extend.now = detail::read_instant(r);
    extend.length = r.span();
    detail::read_sequences(r, sequences);
    extend.sequences = sequences;
    if (!r.done()) return detail::bad_record("it is no extension of leases");
    return extend;
}

[[nodiscard]] inline std::size_t end_bytes_max(const end_record& e) noexcept
{
    constexpr std::size_t scalars =
        record_header_bytes + 8 + 8 + 8 + 1 + 1 + 16 + 4 * small_bytes_max + varint_bytes_max;
    return scalars + (e.run != nullptr ? detail::run_bytes_max(*e.run) : 0) + text_bytes_max(e.error) +
           text_bytes_max(e.result);
}
inline void append_end(std::string& out, const end_record& e)
{
    using namespace detail;
    record_writer w{out, record_type::end, end_bytes_max(e) - record_header_bytes};
    w.fixed(e.sequence);
    w.fixed(e.previous);
    w.time(e.now);
    w.byte(static_cast<unsigned>(e.state));
    w.byte(flags_of(e));
    w.id(e.token.nonce);
    w.varint(e.token.ordinal);
    w.difference(e.run_at, e.now);
    w.signed_varint(e.attempts);
    w.signed_varint(e.crashes);
    w.varint(e.image_bytes);
    if (e.run != nullptr) write_run(w, *e.run, e.output_file);
    if (e.set_error && !has_error_of_run(e)) w.text(e.error);
    if (e.set_result) w.text(e.result);
    w.finish();
}
[[nodiscard]] inline result<end_view> read_end(std::string_view content)
{
    using namespace detail;
    wire_reader r{content};
    end_view e;
    e.sequence = r.fixed<std::uint64_t>();
    e.previous = r.fixed<std::uint64_t>();
    e.now = r.time();
    e.state = r.choice(state::cancelled);
    const std::uint8_t flags = r.byte();
    if ((flags & ~known_end_flags) != 0) r.fail();
    e.has_run = (flags & end_has_run) != 0;
    e.counts_crash = (flags & end_counts_crash) != 0;
    e.set_error = (flags & end_sets_error) != 0;
    e.set_result = (flags & end_sets_result) != 0;
    e.was_failed = (flags & end_was_failed) != 0;
    e.token.nonce = r.id();
    e.token.ordinal = r.small<std::uint32_t>();
    e.run_at = r.difference(e.now);
    e.attempts = r.small<std::int32_t>();
    e.crashes = r.small<std::int32_t>();
    e.image_bytes = r.small<std::uint32_t>();
    if (e.has_run) e.run = read_run(r);
    if (e.set_error) e.error = (flags & end_error_is_of_run) != 0 ? e.run.error : r.text();
    if (e.set_result) e.result = r.text();
    if (!r.done()) return bad_record("it is no end of a lease");
    return e;
}

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/records_store.hpp
// The records of what people and programs change: `change`, `remove`, `config`, `unconfig`, `queues`, `header`.
// Their bytes: journal/records.hpp.
#ifndef QUEUECTL_JOURNAL_RECORDS_STORE_HPP
#define QUEUECTL_JOURNAL_RECORDS_STORE_HPP

namespace queuectl::inline v0::journal {

// What was done to a job from outside. The numbers are stored.
enum class change_kind : std::uint8_t {
    revived = 1,           // pending again, attempts and crashes 0
    cancelled = 2,         // while it waited
    cancel_requested = 3,  // of its holder
    reprioritised = 4,
    replaced = 5,  // by a later job of the same unique_key
};

struct change_record {
    std::uint64_t sequence = 0;
    change_kind kind = change_kind::revived;
    queuectl::state state = queuectl::state::pending;
    timestamp now{};
    timestamp run_at{};
    std::int8_t priority = 0;
};

// The state of a store: see store_info.
struct header_record {
    timestamp created_at{};
    std::uint8_t state = 0;     // 0 open, 1 read-only, 2 moved
    std::string_view moved_to;  // the URL
};

struct unconfig_record {
    std::string_view key;
    std::uint64_t version = 0;  // of the erasure: above every earlier one of the store
};

inline void append_change(std::string& out, const change_record& c)
{
    detail::record_writer w{out, record_type::change, 8 + 8 + 3 + varint_bytes_max};
    w.fixed(c.sequence);
    w.time(c.now);
    w.byte(static_cast<unsigned>(c.kind));
    w.byte(static_cast<unsigned>(c.state));
    w.byte(static_cast<std::uint8_t>(c.priority));
    w.difference(c.run_at, c.now);
    w.finish();
}
[[nodiscard]] inline result<change_record> read_change(std::string_view content)
{
    wire_reader r{content};
    change_record c;
    c.sequence = r.fixed<std::uint64_t>();
    c.now = r.time();
    c.kind = r.choice(change_kind::replaced);
    c.state = r.choice(state::cancelled);
    c.priority = static_cast<std::int8_t>(r.byte());
    c.run_at = r.difference(c.now);
    if (!r.done() || c.kind == change_kind{}) return detail::bad_record("it is no change of a job");
    return c;
}

inline void append_remove(std::string& out, std::span<const std::uint64_t> sequences)
{
    detail::record_writer w{out, record_type::remove, detail::sequences_bytes_max(sequences.size())};
    detail::write_sequences(w, sequences);
    w.finish();
}
// Replaces `sequences`.
[[nodiscard]] inline result<void> read_remove(std::string_view content, std::vector<std::uint64_t>& sequences)
{
    wire_reader r{content};
    detail::read_sequences(r, sequences);
    if (!r.done()) return detail::bad_record("it is no removal");
    return {};
}

inline void append_config(std::string& out, const config_entry& entry)
{
    detail::record_writer w{out, record_type::config, 16 + text_bytes_max(entry.key) + text_bytes_max(entry.value)};
    w.fixed(entry.version);
    w.time(entry.expires_at);
    w.text(entry.key);
    w.text(entry.value);
    w.finish();
}
[[nodiscard]] inline result<config_entry> read_config(std::string_view content)
{
    wire_reader r{content};
    config_entry entry;
    entry.version = r.fixed<std::uint64_t>();
    entry.expires_at = r.time();
    entry.key = r.text();
    entry.value = r.text();
    if (!r.done()) return detail::bad_record("it is no setting");
    return entry;
}

inline void append_unconfig(std::string& out, std::string_view key, std::uint64_t version)
{
    detail::record_writer w{out, record_type::unconfig, 8 + text_bytes_max(key)};
    w.fixed(version);
    w.text(key);
    w.finish();
}
[[nodiscard]] inline result<unconfig_record> read_unconfig(std::string_view content)
{
    wire_reader r{content};
    unconfig_record erased;
    erased.version = r.fixed<std::uint64_t>();
    erased.key = r.text();
    if (!r.done()) return detail::bad_record("it is no erased setting");
    return erased;
}

inline void append_queues(std::string& out, std::span<const std::string_view> names)
{
    std::size_t bytes_max = 0;
    for (const auto name : names) bytes_max += text_bytes_max(name);
    detail::record_writer w{out, record_type::queues, bytes_max};
    for (const auto name : names) w.text(name);
    w.finish();
}
// Replaces `names`, which point into the content.
[[nodiscard]] inline result<void> read_queues(std::string_view content, std::vector<std::string_view>& names)
{
    names.clear();
    wire_reader r{content};
    while (r.left() > 0) names.push_back(r.text());
    if (!r.done()) return detail::bad_record("it is no list of queues");
    return {};
}

inline void append_header(std::string& out, const header_record& h)
{
    detail::record_writer w{out, record_type::header, 8 + 1 + text_bytes_max(h.moved_to)};
    w.time(h.created_at);
    w.byte(h.state);
    w.text(h.moved_to);
    w.finish();
}
[[nodiscard]] inline result<header_record> read_header(std::string_view content)
{
    wire_reader r{content};
    header_record h;
    h.created_at = r.time();
    h.state = r.byte();
    h.moved_to = r.text();
    if (!r.done()) return detail::bad_record("it is no header of a store");
    return h;
}

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/records.hpp
// The records in the body of a transaction frame: their bytes, and everything that writes and reads them.
//
//   body    := record …
//   record  := header (12 bytes) , content
//
//   header  0  4  CRC32C of all that follows in the record
//           4  4  bytes of the content
//           8  1  type
//           9  1  flags: 1 = a program that does not know the type skips the record; else the store is too new for it
//          10  2  zero
//
// So a record can be read alone. Its *location* is (segment number << 40) | offset of its first byte in the file.
//
// All integers are little-endian. u8 … u64: so many bits; v: a varint, s: a signed varint, text: its bytes behind a
// varint of their number (journal/wire.hpp). time: microseconds since 1970-01-01 UTC, boot: microseconds of
// CLOCK_BOOTTIME, span: microseconds, all as u64 in two's complement. uid: u64 high, u64 low. A − B is the signed
// varint of the difference modulo 2^64. token: uid, v ordinal. instant: time, boot, uid of the boot.
// sequences: v count, then for each the signed varint of its difference from the one before (the first: from 0).
// A job is named by its sequence, everywhere but in its own image.
//
// 1 job: the image of a job, written when it is inserted and again when it is moved; replaces what was known of it
//    u64 sequence, time created_at, u32 parts, u8 state, u8 priority (int8), uid nonce, text id, text queue, text kind,
//    the parts whose bit is set, payload (to the end of the record). A part that is not there is 0, empty or as said.
//      bit  0 run_at − created_at (else created_at)     13 updated_at − created_at (else created_at)
//           1 span timeout                              14 s attempts, s crashes
//           2 span retention                            15 the lease: token, time locked_at, time lease_until,
//           3 8 backoff_base (IEEE 754 double)                 boot lease_end, uid boot, text worker
//           4 s max_retries (else 3)                    16 token settled_token
//           5 v hold                                    17 s exit code, s signal (else −1, 0)
//           6 text tag                                  18 text error
//           7 text key                                  19 text result
//           8 text unique_key                           20 text progress
//           9 text batch                                21 u32 bytes, then the kept attempts: run …
//          10 text cwd                                  22 (nothing) a release makes it failed, not pending
//          11 text env                                  23 (nothing) its cancellation was requested
//          12 u32 bytes, then depends_on: text …        24 … 31: a program that does not know them refuses the store
//    run := u8 status, + 128 when it has output; s number, s exit code, s signal, time started_at,
//           ended_at − started_at, text error, text worker; with output: v bytes in all, v number of the output file
//           (0 = inline), v dropped bytes, text head, text tail
// 2 claim: leases begin; the i-th job's token has the ordinal first + i
//    uid nonce, instant, span lease, u32 first ordinal, text worker, sequences
// 3 extend: leases end later
//    instant, span from then on, sequences
// 4 end: a lease ended
//    u64 sequence, u64 location of the job's previous `end` (0 = none behind its image), time (updated_at), u8 state,
//    u8 flags (1 a run, 2 counted as a crash, 4 sets the error, 8 to that of the run, 16 sets the result,
//    32 a release makes it failed), token of the lease, run_at − time, s attempts, s crashes, v bytes of its image now;
//    [1] run, [4 without 8] text error, [16] text result
// 5 change: what was done to a job from outside
//    u64 sequence, time (updated_at), u8 kind (change_kind), u8 state, u8 priority (int8), run_at − time
// 6 remove: jobs are forgotten                             sequences
// 7 config: a keyed value                                  u64 version, time expires_at, text key, text value
// 8 unconfig: it is erased                                 u64 version, text key
// 9 queues: names that are remembered                      text … to the end of the record
// 10 header: the state of the store                        time created_at, u8 state (0 open, 1 read-only, 2 moved),
//                                                          text the URL that it was moved to
//
// Readers take any bytes: every value or error that they return is within the record, and they allocate no more than
// in proportion to it. A wrong number of bytes, or a number outside an enumeration, is errc::corrupt.
#ifndef QUEUECTL_JOURNAL_RECORDS_HPP
#define QUEUECTL_JOURNAL_RECORDS_HPP

#endif

// ---- queuectl/journal/index/job_index.hpp
// What every job is now: an index over the log. See slots.hpp for what it keeps.
#ifndef QUEUECTL_JOURNAL_INDEX_JOB_INDEX_HPP
#define QUEUECTL_JOURNAL_INDEX_JOB_INDEX_HPP

namespace queuectl::inline v0::journal {

// The moves of a job; the same for a verb and for a record that is told again. Whoever has the store's turn may use it,
// and nobody else. Requires: reserve() has promised the room for what is changed before the next commit.
class job_index {
public:
    explicit job_index(index_memory memory)
        : space_{std::move(memory)},
          lanes_{space_},
          leases_{space_},
          table_{space_, space_.roots<index_roots>().table},
          pages_{space_, space_.roots<index_roots>().pages}
    {
    }
    job_index(const job_index&) = delete;
    job_index& operator=(const job_index&) = delete;

    [[nodiscard]] index_space& space() noexcept { return space_; }
    [[nodiscard]] index_roots& roots() noexcept { return space_.roots<index_roots>(); }
    [[nodiscard]] lanes& all_lanes() noexcept { return lanes_; }
    [[nodiscard]] leases& all_leases() noexcept { return leases_; }
    [[nodiscard]] sequence_pages& pages() noexcept { return pages_; }

    // Room for adding `added` jobs and for changing `changed` ones. errc::store_full.
    [[nodiscard]] result<void> reserve(std::size_t added, std::size_t changed)
    {
        if (auto done = space_.reserve(8192 + added * bytes_an_addition + changed * bytes_a_change,
                                       4096 + (added + changed) * undo_a_change);
            !done)
            return done;
        if (added == 0) return {};
        if (auto done = table_.reserve(added); !done) return done;
        return pages_.reserve(roots().last_sequence + added, added);
    }

    // Room for adding one job under this sequence.
    [[nodiscard]] result<void> reserve_for(std::uint64_t sequence)
    {
        if (auto done = reserve(0, 4); !done) return done;
        if (auto done = table_.reserve(1); !done) return done;
        return pages_.reserve(std::max(sequence, roots().last_sequence), 1);
    }

    // Looking. 0 = there is no such job.

    [[nodiscard]] std::uint32_t hash(std::string_view id) const noexcept { return id_hash(id, 0); }
    void prefetch(std::uint32_t hash) const noexcept { table_.prefetch(hash); }
    [[nodiscard]] ref find(std::string_view id, std::uint32_t hash) const noexcept
    {
        return table_.find(hash, [&](ref at) { return id_of(at) == id; });
    }
    [[nodiscard]] ref find(std::string_view id) const noexcept { return find(id, hash(id)); }
    [[nodiscard]] ref by_sequence(std::uint64_t sequence) const noexcept { return pages_.get(sequence); }

    [[nodiscard]] job_slot& head(ref at) const noexcept { return *space_.get<job_slot>(at); }
    [[nodiscard]] queuectl::state state_of(ref at) const noexcept { return head(at).state(); }
    [[nodiscard]] bool is_live(ref at) const noexcept { return !is_final(state_of(at)); }
    [[nodiscard]] live_slot& live(ref at) const noexcept { return *space_.get<live_slot>(at); }
    [[nodiscard]] ended_slot& ended(ref at) const noexcept { return *space_.get<ended_slot>(at); }
    [[nodiscard]] std::string_view id_of(ref at) const noexcept { return read_text(space_, head(at).id); }
    [[nodiscard]] std::string_view queue_of(ref at) const noexcept
    {
        return lanes_.queue_of(lanes_.by_number(head(at).lane()));
    }
    [[nodiscard]] std::string_view kind_of(ref at) const noexcept
    {
        return lanes_.kind_of(lanes_.by_number(head(at).lane()));
    }
    // Of the newest record that says what the job is.
    [[nodiscard]] location last_of(ref at) const noexcept { return is_live(at) ? live(at).last : ended(at).last; }

    [[nodiscard]] bool holds(ref at, const lease_token& token) const noexcept
    {
        return at != 0 && state_of(at) == state::processing && leases_.of(live(at)).token == token;
    }

    // How much work there was so far: lines and jobs looked at for claims. For tests of their cost.
    [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }
    void step(std::uint64_t n = 1) noexcept { steps_ += n; }

    // Moving.

    // A job as its record says, under a new id. 0 = there are too many queues and kinds.
    ref add(const job_head& j, std::uint32_t hash, location image, std::uint32_t bytes, bool vanishes) noexcept
    {
        const ref lane = lanes_.find_or_make(j.queue, j.kind);
        if (lane == 0) return 0;
        const ref made = is_final(j.state) ? make_ended(j, image) : make_live(j, image, bytes, vanishes);
        auto& slot = head(made);
        slot.id = make_text(space_, j.id);
        slot.lane_and_state = lanes_.get(lane).number << 8;
        slot.set_state(j.state);
        table_.add(made, hash);
        pages_.set(j.sequence, made);
        auto& known = roots();
        if (known.last_sequence < j.sequence) space_.touch(known.last_sequence) = j.sequence;
        space_.touch(known.live_bytes) += bytes;
        ++space_.touch(lanes_.queue_slot_of(lane).counts[static_cast<std::size_t>(j.state)]);
        if (is_final(j.state))
            chain(made);
        else if (j.state == state::processing)
            leases_.put(made, j.token, j.worker, {j.locked_at, {}, j.boot_id}, j.lease_end);
        else if (j.hold == hold_none)
            lanes_.stand(made);
        if (j.state == state::processing)
            space_.touch(leases_.of(live(made))).until = j.lease_until.time_since_epoch().count();
        return made;
    }

    // The job is not there any more. `sequence` and `bytes`: of an ended job, whose slot does not know them.
    void erase(ref at, std::uint64_t sequence, std::uint32_t bytes) noexcept
    {
        settle_out(at);
        --space_.touch(count(at, state_of(at)));
        table_.drop(at);
        pages_.set(sequence, 0);
        space_.touch(roots().live_bytes) -= bytes;
        drop_text(space_, head(at).id);
        space_.release(at, is_live(at) ? sizeof(live_slot) : sizeof(ended_slot));
    }

    // A waiting job is leased.
    void lease(ref at, const lease_token& token, std::string_view worker, const instant& now, duration length) noexcept
    {
        lanes_.lift(at);
        auto& slot = space_.touch(live(at));
        slot.was_failed = slot.head.state() == state::failed;
        set_state(at, state::processing);
        slot.cancel_requested = false;
        slot.updated_at = now.wall.time_since_epoch().count();
        leases_.put(at, token, worker, now, length);
    }

    // A live job becomes what `r` says; `record`: where r is. Returns its slot, which may be another.
    ref end(ref at, const end_record& r, location record) noexcept
    {
        settle_out(at);
        auto& slot = space_.touch(live(at));
        space_.touch(roots().live_bytes) += std::uint64_t{r.image_bytes} - slot.bytes;
        slot.last = record;
        slot.bytes = r.image_bytes;
        if (is_final(r.state)) return bury(at, r);
        set_state(at, r.state);
        slot.attempts = r.attempts;
        slot.crashes = r.crashes;
        slot.cancel_requested = false;
        slot.updated_at = r.now.time_since_epoch().count();
        slot.node.time = r.run_at.time_since_epoch().count();
        if (slot.hold == hold_none) lanes_.stand(at);
        return at;
    }

    // The job was written again, whole, at `image`, where it takes `bytes`; so far it was said to take `before`.
    // `has_error`: the image says why the last run failed.
    void set_image(ref at, location image, std::uint32_t bytes, std::uint32_t before, bool has_error) noexcept
    {
        space_.touch(roots().live_bytes) += std::uint64_t{bytes} - before;
        if (!is_live(at)) {
            space_.touch(ended(at).last) = image;
            return;
        }
        auto& slot = space_.touch(live(at));
        slot.image = slot.last = image;
        slot.image_has_error = has_error;
        slot.bytes = bytes;
    }

    void request_cancel(ref at) noexcept { space_.touch(live(at)).cancel_requested = true; }

    // How many have ended so, in a lane; and the one that did first.
    [[nodiscard]] ref first_ended(ref lane, state s) const noexcept
    {
        return lanes_.get(lane).ended[chain_of(s)].first;
    }

private:
    static constexpr std::uint64_t bytes_an_addition = 768;
    static constexpr std::uint64_t bytes_a_change = 256;
    static constexpr std::uint64_t undo_a_change = 640;

    static constexpr std::size_t chain_of(state s) noexcept
    {
        return s == state::completed ? 0 : s == state::dead ? 1 : 2;
    }
    [[nodiscard]] std::uint64_t& count(ref at, state s) const noexcept
    {
        return lanes_.queue_slot_of(lanes_.by_number(head(at).lane())).counts[static_cast<std::size_t>(s)];
    }

    ref make_live(const job_head& j, location image, std::uint32_t bytes, bool vanishes) noexcept
    {
        const ref made = space_.allocate(sizeof(live_slot));
        auto& slot = live(made);
        slot = {};
        slot.node.time = j.run_at.time_since_epoch().count();
        slot.node.sequence = j.sequence;
        slot.image = slot.last = image;
        slot.updated_at = j.updated_at.time_since_epoch().count();
        slot.attempts = j.attempts;
        slot.crashes = j.crashes;
        slot.hold = static_cast<std::uint16_t>(j.hold);
        slot.priority = j.priority;
        slot.was_failed = j.was_failed;
        slot.cancel_requested = j.cancel_requested;
        slot.image_has_error = !j.error.empty();
        slot.vanishes = vanishes;
        slot.bytes = bytes;
        return made;
    }
    ref make_ended(const job_head&, location image) noexcept
    {
        const ref made = space_.allocate(sizeof(ended_slot));
        ended(made) = {};
        ended(made).last = image;
        return made;
    }

    void set_state(ref at, state to) noexcept
    {
        --space_.touch(count(at, state_of(at)));
        ++space_.touch(count(at, to));
        space_.touch(head(at).lane_and_state);
        head(at).set_state(to);
    }

    // Out of the line, the lease or the chain that it is in.
    void settle_out(ref at) noexcept
    {
        const state s = state_of(at);
        if (is_final(s))
            unchain(at);
        else if (s == state::processing)
            leases_.take(at);
        else
            lanes_.lift(at);
    }

    // A live slot gives way to a smaller one.
    ref bury(ref at, const end_record& r) noexcept
    {
        set_state(at, r.state);
        const ref made = space_.allocate(sizeof(ended_slot));
        auto& slot = ended(made);
        slot = {};
        slot.head = head(at);
        slot.last = live(at).last;
        table_.replace(at, made);
        pages_.set(r.sequence, made);
        space_.release(at, sizeof(live_slot));
        chain(made);
        return made;
    }

    [[nodiscard]] ended_chain& chain_with(ref at) const noexcept
    {
        return lanes_.get(lanes_.by_number(head(at).lane())).ended[chain_of(state_of(at))];
    }
    void chain(ref at) noexcept
    {
        auto& ends = space_.touch(chain_with(at));
        ended(at).before = ends.last;
        if (ends.last != 0)
            space_.touch(ended(ends.last).after) = at;
        else
            ends.first = at;
        ends.last = at;
    }
    void unchain(ref at) noexcept
    {
        auto& ends = space_.touch(chain_with(at));
        const auto& slot = ended(at);
        (slot.before != 0 ? space_.touch(ended(slot.before).after) : ends.first) = slot.after;
        (slot.after != 0 ? space_.touch(ended(slot.after).before) : ends.last) = slot.before;
    }

    index_space space_;
    std::uint64_t steps_ = 0;
    lanes lanes_;
    leases leases_;
    id_table<offsetof(job_slot, entry)> table_;
    sequence_pages pages_;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/index/settings.hpp
// The keyed values of a store, by key; the values are in the log.
#ifndef QUEUECTL_JOURNAL_INDEX_SETTINGS_HPP
#define QUEUECTL_JOURNAL_INDEX_SETTINGS_HPP

namespace queuectl::inline v0::journal {

// Not thread-safe. Requires: what a member changes was reserved. Finding: O(entries / 256).
class settings {
public:
    explicit settings(index_space& space) : space_{&space} {}

    // 0 = there is none.
    [[nodiscard]] ref find(std::string_view key) const noexcept
    {
        for (ref at = bucket(key); at != 0; at = get(at).next)
            if (key_of(at) == key) return at;
        return 0;
    }
    [[nodiscard]] const config_slot& get(ref at) const noexcept { return *space_->get<config_slot>(at); }
    [[nodiscard]] std::string_view key_of(ref at) const noexcept { return read_text(*space_, get(at).key); }

    // Replaces the entry of that key. `at`, `bytes`: of its record.
    void put(std::string_view key, std::uint64_t version, std::int64_t expires_at, location at,
             std::uint32_t bytes) noexcept
    {
        ref entry = find(key);
        if (entry == 0) entry = make(key);
        auto& slot = space_->touch(*space_->get<config_slot>(entry));
        space_->touch(roots().live_bytes) += std::uint64_t{bytes} - slot.bytes;
        slot.version = version;
        slot.expires_at = expires_at;
        slot.at = at;
        slot.bytes = bytes;
        note(version);
    }
    // The entry's record was written again, at `at`.
    void move(ref entry, location at) noexcept { space_->touch(space_->get<config_slot>(entry)->at) = at; }
    // Forgets the entry of that key, if there is one.
    void erase(std::string_view key) noexcept
    {
        for (ref* link = &bucket(key); *link != 0; link = &space_->get<config_slot>(*link)->next) {
            if (key_of(*link) != key) continue;
            const ref gone = *link;
            const config_slot slot = get(gone);
            space_->touch(*link) = slot.next;
            space_->touch(roots().live_bytes) -= slot.bytes;
            drop_text(*space_, slot.key);
            space_->release(gone, sizeof(config_slot));
            return;
        }
    }
    // Versions up to this one are taken.
    void note(std::uint64_t version) noexcept
    {
        if (roots().config_version < version) space_->touch(roots().config_version) = version;
    }

    template <class Visit>
    void for_each(Visit&& visit) const
    {
        for (const ref first : roots().config_buckets)
            for (ref at = first; at != 0; at = get(at).next) visit(at);
    }

private:
    [[nodiscard]] index_roots& roots() const noexcept { return space_->roots<index_roots>(); }
    [[nodiscard]] ref& bucket(std::string_view key) const noexcept
    {
        return roots().config_buckets[id_hash(key, 0) % 256];
    }
    ref make(std::string_view key) noexcept
    {
        const ref made = space_->allocate(sizeof(config_slot));
        auto& slot = *space_->get<config_slot>(made);
        slot = {};
        slot.key = make_text(*space_, key);
        slot.next = bucket(key);
        return space_->touch(bucket(key)) = made;
    }

    index_space* space_;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/interval_sync.hpp
// The thread that syncs a log some time after an append, for durability::interval. POSIX.
#ifndef QUEUECTL_JOURNAL_INTERVAL_SYNC_HPP
#define QUEUECTL_JOURNAL_INTERVAL_SYNC_HPP

#include <condition_variable>

#include <pthread.h>
#include <signal.h>

namespace queuectl::inline v0::journal {

// Any thread may ask. The thread starts with the first ask, takes no signals, and ends with the object, which syncs
// what is still asked for. Group is a group_sync, and outlives it.
template <class Group>
class interval_sync {
public:
    interval_sync(Group& group, duration interval) : group_{&group}, interval_{interval} {}
    interval_sync(const interval_sync&) = delete;
    interval_sync& operator=(const interval_sync&) = delete;
    ~interval_sync()
    {
        {
            const std::scoped_lock lock{mutex_};
            ended_ = true;
        }
        changed_.notify_one();
        if (started_) ::pthread_join(thread_, nullptr);
        if (asked_) static_cast<void>(group_->sync_rest());
    }

    // What is written is synced at the latest an interval from now, plus what a sync takes. At once when there can be
    // no thread. A sync that fails is known to all by the words.
    void ask()
    {
        const std::scoped_lock lock{mutex_};
        if (asked_) return;
        if (!started_) started_ = ::pthread_create(&thread_, nullptr, &interval_sync::main, this) == 0;
        if (!started_) {
            static_cast<void>(group_->sync_rest());
            return;
        }
        asked_ = true;
        changed_.notify_one();
    }

private:
    static void* main(void* self)
    {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
        static_cast<interval_sync*>(self)->run();
        return nullptr;
    }

    void run()
    {
        std::unique_lock lock{mutex_};
        for (;;) {
            changed_.wait(lock, [&] { return ended_ || asked_; });
            const auto due = std::chrono::steady_clock::now() + interval_;
            if (changed_.wait_until(lock, due, [&] { return ended_; })) return;
            asked_ = false;
            lock.unlock();
            static_cast<void>(group_->sync_rest());
            lock.lock();
        }
    }

    Group* group_;
    duration interval_;
    std::mutex mutex_;
    std::condition_variable changed_;
    pthread_t thread_{};
    bool started_ = false;
    bool asked_ = false;  // and not begun
    bool ended_ = false;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/log_options.hpp
// How a log is opened, and who listens to it.
#ifndef QUEUECTL_JOURNAL_LOG_OPTIONS_HPP
#define QUEUECTL_JOURNAL_LOG_OPTIONS_HPP

namespace queuectl::inline v0::journal {

struct log_options {
    bool create = true;  // the folder's first segment, when there is none
    // When an append is acknowledged, and what a power loss may take of what was (the end of the log, never its
    // middle). A killed process alone loses nothing in any of them.
    //   full      after its sync: nothing.
    //   interval  at once; a thread of the log syncs at the latest `interval` after it: what was acknowledged in the
    //             last `interval` and the length of a sync. When the process is killed meanwhile: also that, until
    //             another one takes a turn (which asks for a sync in its turn) or the system writes it (30 s, say).
    //             After a failed sync, what it covered is copied if it can still be read: else it is lost.
    //   none      at once: what the system has not written (30 s, say), and all of it after a disk error. A full
    //             segment is synced in every mode.
    // process is taken for none.
    durability mode = durability::full;
    duration interval{1'000'000};
    duration lock_patience{10'000'000};
    segment_sizes sizes{};
    uid boot = queuectl::detail::read_boot_id();
    random_source random{};  // of store id and file ids
};

// What room an append may use.
enum class append_room : std::uint8_t {
    normal,
    reserve,  // also what is kept back for appends that must go on when the disk is full: settles
};

// Who hears what is in the log, and remembers how far; often shared by the processes of a store, like the log.
//
// | expression                       | meaning                                                                        |
// |----------------------------------|--------------------------------------------------------------------------------|
// | sink.heard() → log_position      | behind the last frame that it has heard; none (the default) when there is none |
// | sink.frame(behind, place, body)  | the next frame; from now on heard() is `behind`                                |
// | sink.restart()                   | what it has heard is void: heard() is none, all is told again from the begin   |
//
// `place.type` says what the frame is: transaction, or trim (`body` is the user's part of it); for any other `body` is
// empty. `body` lies at `place`; the view is valid during the call only. After a trim, frames may speak of what had
// been written before the log's begin. A telling from the begin starts with restart(). What a holder of the turn
// appends is not told: it sets the sink's position itself, to turn.position(). A sink that does not (its process has
// died) is told.
template <class S>
concept log_sink = requires(S& sink, const log_position& behind, const frame_place& place, std::string_view body)
{
    {
        sink.heard()
        } -> std::convertible_to<log_position>;
    sink.frame(behind, place, body);
    sink.restart();
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/log_window.hpp
// Reads bytes of the log back from any place.
#ifndef QUEUECTL_JOURNAL_LOG_WINDOW_HPP
#define QUEUECTL_JOURNAL_LOG_WINDOW_HPP

namespace queuectl::inline v0::journal::detail {

// One window over one segment, and a few segments kept open. What is in the window never changes in the file: it ends
// where the log ended when it was filled. Not thread-safe.
template <file_system FileSystem, class Guards>
class log_window {
public:
    // `bytes` bytes at `offset` of a segment's file; valid until the next call. What a failed sync has moved to the
    // next segment is read there. `end`: the log's. errc::corrupt when they are not there. Reads 64 KiB where the last
    // read was near, else 8 KiB, at least.
    [[nodiscard]] result<std::string_view> read(FileSystem& fs, std::uint64_t number, std::uint64_t offset,
                                                std::size_t bytes, const log_position& end)
    {
        if (!holds(number, offset, bytes)) {
            auto filled = fill(fs, number, offset, bytes, end);
            if (!filled) return fail(filled.error());
            offset = *filled;
        }
        return std::string_view{bytes_}.substr(static_cast<std::size_t>(offset - begin_), bytes);
    }

    // What was read may have changed: segments have become void.
    void forget() noexcept
    {
        number_ = 0;
        open_.clear();
        followers_.clear();
    }
    // Segments before this one are no longer needed.
    void close_before(std::uint64_t number) noexcept
    {
        std::erase_if(open_, [&](const auto& s) { return s.header.number < number; });
        if (number_ < number) number_ = 0;
    }

private:
    static constexpr std::size_t window_bytes = std::size_t{64} << 10;
    static constexpr std::size_t first_bytes = std::size_t{8} << 10;
    static constexpr std::size_t open_max = 8;

    [[nodiscard]] bool holds(std::uint64_t number, std::uint64_t offset, std::size_t bytes) const noexcept
    {
        return number == number_ && offset >= begin_ && offset - begin_ <= bytes_.size() &&
               bytes <= bytes_.size() - (offset - begin_);
    }

    static failure_value not_there(std::uint64_t number, std::uint64_t offset, const char* why)
    {
        return fail(errc::corrupt, "read " + segment_name(number), "at offset " + std::to_string(offset) + ": " + why);
    }

    // Returns the offset, in the segment where it was found.
    result<std::uint64_t> fill(FileSystem& fs, std::uint64_t number, std::uint64_t offset, std::size_t bytes,
                               const log_position& end)
    {
        const bool near =
            number == number_ && offset + window_bytes >= begin_ && offset <= begin_ + bytes_.size() + window_bytes;
        number_ = 0;
        auto moved = moved_from(fs, number, offset, end);
        if (!moved) return fail(moved.error());
        if (Guards::moved && *moved != 0 && offset >= *moved)
            return fill(fs, number + 1, offset - *moved + frames_begin, bytes, end);
        auto s = open(fs, number, offset);
        if (!s) return fail(s.error());
        const bool growing = Guards::window_end && number == end.segment;
        const std::uint64_t limit = growing ? end.offset : *moved != 0 ? *moved : (*s)->header.bytes;
        if (number > end.segment || offset > limit || bytes > limit - offset)
            return not_there(number, offset, "the log does not reach so far");
        const auto want = std::min<std::uint64_t>(std::max(bytes, near ? window_bytes : first_bytes), limit - offset);
        bytes_.resize(static_cast<std::size_t>(want));
        const auto got = fs.read((*s)->file, offset, bytes_.data(), bytes_.size());
        if (!got) return fail(got.error());
        if (*got < bytes) return not_there(number, offset, "the file was cut off");
        bytes_.resize(*got);
        number_ = number;
        return begin_ = offset;
    }

    // From which offset on the segment's frames have moved to the next one; 0 = none have.
    result<std::uint64_t> moved_from(FileSystem& fs, std::uint64_t number, std::uint64_t offset,
                                     const log_position& end)
    {
        if (number >= end.segment) return std::uint64_t{0};
        for (const auto& f : followers_)
            if (f.number == number) return f.moved_from;
        auto next = open(fs, number + 1, offset);
        if (!next) return fail(next.error());
        if (followers_.size() == followers_max) followers_.erase(followers_.begin());
        followers_.push_back({number, (*next)->header.replaces});
        return followers_.back().moved_from;
    }

    // The open segment, in front of the others.
    result<segment<FileSystem>*> open(FileSystem& fs, std::uint64_t number, std::uint64_t offset)
    {
        for (auto it = open_.begin(); it != open_.end(); ++it)
            if (it->header.number == number) {
                std::rotate(open_.begin(), it, it + 1);
                return &open_.front();
            }
        auto opened = open_segment(fs, number);
        if (!opened && opened.error().code == errc::not_found)
            return not_there(number, offset, "the segment is missing");
        if (!opened) return fail(opened.error());
        if (open_.size() == open_max) open_.pop_back();
        open_.insert(open_.begin(), std::move(*opened));
        return &open_.front();
    }

    static constexpr std::size_t followers_max = 64;
    struct follower {
        std::uint64_t number = 0;
        std::uint64_t moved_from = 0;
    };

    std::vector<segment<FileSystem>> open_;  // the last used first
    std::vector<follower> followers_;        // what the segment behind `number` says; it never changes
    std::string bytes_;
    std::uint64_t number_ = 0;  // of the window's segment; 0 = it holds nothing
    std::uint64_t begin_ = 0;
};

}  // namespace queuectl::inline v0::journal::detail

#endif

// ---- queuectl/journal/trim.hpp
// Trims: frames that say where the log begins, and the removal of what lies before.
#ifndef QUEUECTL_JOURNAL_TRIM_HPP
#define QUEUECTL_JOURNAL_TRIM_HPP

namespace queuectl::inline v0::journal::detail {

// A trim frame's body: the first segment, then the user's bytes.
inline constexpr std::size_t trim_head_bytes = 8;

[[nodiscard]] inline std::string encode_trim(std::uint64_t first_segment, std::string_view user)
{
    std::string body(trim_head_bytes, '\0');
    store_le(body.data(), first_segment);
    return body.append(user);
}

// The first segment that a trim frame's body names; 0 when it is none.
[[nodiscard]] inline std::uint64_t trimmed_to(std::string_view body) noexcept
{
    return body.size() < trim_head_bytes ? 0 : load_le<std::uint64_t>(body.data());
}

// Under the lock: removes, the oldest first and each durably before the next, the segments before the newest trim's
// first one, if that trim is durable. A failure leaves a log that is whole; it may be called again.
template <class Guards, file_system FileSystem>
[[nodiscard]] result<void> drop_trimmed(FileSystem& fs, log_words& words)
{
    const auto end = words.trim_segment.load();
    if (Guards::sync_trim && words.synced.load() < words.trim_sequence.load()) return {};
    auto begin = words.lowest.load();
    while (begin < end) {
        const auto number = Guards::oldest_first ? begin : end - 1;
        if (auto gone = fs.remove(segment_name(number)); !gone && gone.error().code != errc::not_found) return gone;
        if (auto done = fs.sync_directory(); !done) return done;
        if (!Guards::oldest_first) return {};
        words.lowest = ++begin;
    }
    return {};
}

}  // namespace queuectl::inline v0::journal::detail

#endif

// ---- queuectl/journal/log_view.hpp
// Reads a log that must not, or cannot, be written: damaged, of a newer format, on a read-only disk.
#ifndef QUEUECTL_JOURNAL_LOG_VIEW_HPP
#define QUEUECTL_JOURNAL_LOG_VIEW_HPP

namespace queuectl::inline v0::journal {

namespace detail {

// `behind`: the position behind the frame.
template <class Sink>
void tell_frame(Sink& sink, const frame_view& frame, const log_position& behind)
{
    const auto& h = frame.header;
    frame_place place{behind.segment, behind.offset - frame_bytes(h.body_bytes) + frame_header_bytes, h.type};
    auto body = h.type == frame_type::transaction || h.type == frame_type::trim ? frame.body : std::string_view{};
    if (h.type == frame_type::trim) {
        const auto head = std::min(trim_head_bytes, body.size());
        body.remove_prefix(head);
        place.offset += head;
    }
    sink.frame(behind, place, body);
}

[[nodiscard]] inline failure_value segments_missing(std::uint64_t lowest)
{
    return fail(errc::corrupt, "open the journal", "segments before " + segment_name(lowest) + " are missing");
}

}  // namespace detail

// Writes nothing and locks nothing: what others append meanwhile may be heard or not, and when they trim meanwhile,
// segments may seem to be missing. One thread at a time.
template <file_system FileSystem = posix_file_system>
class log_view {
public:
    explicit log_view(FileSystem fs) : fs_{std::move(fs)} {}

    // Tells `sink` (restart() first) all that is in the log. errc::corrupt: damage; all that comes before it has been
    // told. errc::wrong_version: the same, before what is too new. errc::not_found: there is no log.
    template <log_sink Sink>
    [[nodiscard]] result<void> read_all(Sink& sink)
    {
        sink.restart();
        window_.forget();
        trimmed_to_ = 0;
        const auto found = find_segments(fs_);
        if (!found) return fail(found.error());
        if (found->newest == 0) return fail(errc::not_found, "open the journal", "there is none");
        log_reader<FileSystem> reader{fs_, {}, found->newest};
        reader.begin(found->lowest, found->newest);
        auto done = tell(sink, reader);
        end_ = reader.position();
        if (done && found->lowest > 1 && trimmed_to_ < found->lowest) return detail::segments_missing(found->lowest);
        return done;
    }

    // `bytes` bytes from `offset` of a segment's file on, of what was told; valid until the next call. errc::corrupt.
    [[nodiscard]] result<std::string_view> read(std::uint64_t segment, std::uint64_t offset, std::size_t bytes)
    {
        return window_.read(fs_, segment, offset, bytes, end_);
    }

private:
    template <class Sink>
    result<void> tell(Sink& sink, log_reader<FileSystem>& reader)
    {
        frame_view frame;
        for (bool again = false;; again = true) {
            auto got = reader.next(frame);
            for (; got && *got == read_status::frame; got = reader.next(frame)) {
                if (frame.header.type == frame_type::trim) trimmed_to_ = detail::trimmed_to(frame.body);
                detail::tell_frame(sink, frame, reader.position());
                again = false;
            }
            if (!got) return fail(got.error());
            const auto end = reader.inspect_end();
            if (end) return {};
            // The frame may have been half written when it was read, and others have followed it since.
            if (again) return fail(end.error());
            reader.refresh();
        }
    }

    FileSystem fs_;
    detail::log_window<FileSystem, all_guards> window_;
    log_position end_{};
    std::uint64_t trimmed_to_ = 0;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/next_segment.hpp
// The segment behind the newest one, filled with zeros ahead, so that no append waits for all of them.
#ifndef QUEUECTL_JOURNAL_NEXT_SEGMENT_HPP
#define QUEUECTL_JOURNAL_NEXT_SEGMENT_HPP

namespace queuectl::inline v0::journal::detail {

// NUMBER.new grows in pieces, by whichever process appends; the words say how far it holds zeros. They are believed for
// one boot; a file that they say nothing of is made anew. All of it needs the lock.
template <file_system FileSystem, class Guards>
class next_segment {
public:
    explicit next_segment(log_words& words) : words_{&words} {}

    // After an append that ends at `offset` of segment `s`: fills a piece when it is time, so that the file is ready
    // long before the segment is full. Writes at most 1 MiB. A failure is left to finish().
    void fill_ahead(FileSystem& fs, const segment_header& s, std::uint64_t offset, const segment_sizes& sizes)
    {
        if (offset <= s.bytes / 4 || words_->ahead_failed.load() == s.number + 1) return;
        const auto whole = sizes.next(s.bytes);
        // From a quarter of the segment to three quarters: all of the file.
        const auto due = std::min(whole, (offset - s.bytes / 4) * 2 * ((whole + s.bytes - 1) / s.bytes));
        const auto have = words_->ahead_number.load() == s.number + 1 ? words_->ahead_bytes.load() : 0;
        if (due < have + piece_bytes && (due < whole || have >= whole)) return;
        if (open(fs, s.number + 1) && fill(fs, std::min(due, have + pieces_bytes_max))) return;
        give_up(fs, s.number + 1);
        words_->ahead_failed = s.number + 1;
    }

    // The file whole and synced, with header `h`, as prepare_segment() would make it.
    [[nodiscard]] result<segment<FileSystem>> finish(FileSystem& fs, const segment_header& h)
    {
        if (words_->ahead_number.load() != h.number || words_->ahead_bytes.load() > h.bytes) {
            forget();
            return prepare_segment<Guards>(fs, h, {});
        }
        const auto done = [&]() -> result<void> {
            if (auto opened = open(fs, h.number); !opened) return opened;
            if (auto filled = fill(fs, h.bytes); !filled) return filled;
            if (auto written = fs.write(file_, 0, encode(h)); !written) return written;
            words_->ahead_number = 0;  // who is killed in the sync leaves a file of unknown state: it is made anew
            return Guards::sync_new_segment ? fs.sync(file_) : result<void>{};
        }();
        if (!done) {
            give_up(fs, h.number);
            return fail(done.error());
        }
        segment<FileSystem> made{h, std::move(file_)};
        forget();
        return made;
    }

    // What is there is not to be used: somebody else makes the file.
    void forget() noexcept
    {
        words_->ahead_number = words_->ahead_bytes = words_->ahead_failed = 0;
        mine_ = 0;
        file_ = {};
    }

    // After another boot: what was prepared then is removed.
    static result<void> clean(FileSystem& fs)
    {
        const auto names = fs.list();
        if (!names) return fail(names.error());
        for (const auto& name : *names)
            if (segment_number(name, ".new") != 0)
                if (auto gone = fs.remove(name); !gone) return gone;
        return {};
    }

private:
    static constexpr std::uint64_t piece_bytes = std::uint64_t{64} << 10;
    static constexpr std::uint64_t pieces_bytes_max = std::uint64_t{1} << 20;

    // NUMBER.new, with what the words say of it; or a new one.
    result<void> open(FileSystem& fs, std::uint64_t number)
    {
        const std::string name = segment_name(number, ".new");
        const bool known = words_->ahead_number.load() == number;
        if (known && mine_ == words_->ahead_id.load()) return {};
        if (!known) {
            words_->ahead_number = words_->ahead_bytes = words_->ahead_failed = 0;
            if (auto gone = fs.remove(name); !gone && gone.error().code != errc::not_found) return gone;
        }
        auto file = known ? fs.open(name) : fs.create(name);
        if (!file) return fail(file.error());
        file_ = std::move(*file);
        if (!known) {
            words_->ahead_id.fetch_add(1);
            words_->ahead_number = number;
        }
        mine_ = words_->ahead_id.load();
        return {};
    }

    // Zeros up to `end`, which the disk begins to write at once.
    result<void> fill(FileSystem& fs, std::uint64_t end)
    {
        const auto begin = words_->ahead_bytes.load();
        if (begin >= end) return {};
        if (auto done = fs.fill_zeros(file_, begin, end - begin); !done) return done;
        if constexpr (requires { fs.write_soon(file_, begin, end - begin); }) fs.write_soon(file_, begin, end - begin);
        words_->ahead_bytes = end;
        return {};
    }

    void give_up(FileSystem& fs, std::uint64_t number)
    {
        forget();
        static_cast<void>(fs.remove(segment_name(number, ".new")));
    }

    log_words* words_;
    typename FileSystem::file file_{};
    std::uint64_t mine_ = 0;  // ahead_id of the file that is open
};

}  // namespace queuectl::inline v0::journal::detail

#endif

// ---- queuectl/journal/rescue.hpp
// After a failed sync: what had not been synced before is copied to a new segment.
#ifndef QUEUECTL_JOURNAL_RESCUE_HPP
#define QUEUECTL_JOURNAL_RESCUE_HPP

namespace queuectl::inline v0::journal {

// The frames behind sequence `synced` of a segment, as they will stand at the begin of another one.
struct rescued_frames {
    std::string bytes;
    std::uint64_t last_sequence = 0;  // of those copied, or `synced`
    std::uint32_t crc_before = 0;     // of frame `synced`
    std::uint32_t last_crc = 0;
    std::uint64_t segment_bytes = 0;  // of the segment they come from
    std::uint64_t begin = 0;          // offset in it of the first that is copied
};

// Reads the segment `number`, whose first frame follows one of CRC `segment_crc`, up to the first place without a
// valid frame: what is not readable any more was never acknowledged. errc::corrupt when a frame up to `synced` is gone.
// Memory: what is copied.
template <class Guards = all_guards, file_system FileSystem>
[[nodiscard]] result<rescued_frames> rescue(FileSystem& fs, std::uint64_t number, std::uint32_t segment_crc,
                                            std::uint64_t synced, std::uint64_t new_file_id)
{
    auto opened = open_segment(fs, number);
    if (!opened) return fail(opened.error());
    const auto first = opened->header.first_sequence;
    log_reader<FileSystem, Guards> reader{fs, {number, frames_begin, first, segment_crc}, number};
    rescued_frames out{{}, synced, segment_crc, segment_crc, opened->header.bytes, frames_begin};
    frame_view frame;
    for (;;) {
        const auto got = reader.next(frame);
        if (!got) return fail(got.error());
        if (*got != read_status::frame) break;
        if (frame.header.sequence <= synced) {
            out.crc_before = out.last_crc = frame.header.crc;
            out.begin = reader.position().offset;
            continue;
        }
        frame_header h = frame.header;
        h.file_id = new_file_id;
        h.durable_upto = synced;
        h.previous_crc = out.last_crc;
        out.last_crc = append_frame(out.bytes, h, frame.body, frames_begin + out.bytes.size());
        out.last_sequence = h.sequence;
    }
    if (reader.position().sequence <= synced)
        return fail(errc::corrupt, "read " + segment_name(number),
                    "damage at offset " + std::to_string(reader.position().offset) + ": frame " +
                        std::to_string(reader.position().sequence) + " had been synced and is gone");
    return out;
}

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/log_writer.hpp
// The writing half of a log: appends, new segments, and what to do when a sync has failed.
#ifndef QUEUECTL_JOURNAL_LOG_WRITER_HPP
#define QUEUECTL_JOURNAL_LOG_WRITER_HPP

namespace queuectl::inline v0::journal::detail {

// A part of log, which says what it means. But for the constructor and sync_, all of it needs the lock.
template <file_system FileSystem, class Gate, class Guards>
struct log_writer {
    log_writer(FileSystem fs, Gate& gate, log_words& words, const log_options& options)
        : fs_{std::move(fs)},
          gate_{&gate},
          words_{&words},
          options_{options},
          random_{options.random},
          sync_{fs_, gate, words},
          reader_{fs_, {}, 1},
          next_{words}
    {
    }

    [[nodiscard]] log_ticket seen() const noexcept { return {reader_.position().sequence - 1, generation_}; }
    [[nodiscard]] bool page_valid() const noexcept { return store_ && words_->valid_for(options_.boot, store_); }

    result<void> find_store()
    {
        const auto found = find_segments(fs_);
        if (!found) return fail(found.error());
        if (found->newest == 0)
            return options_.create ? result<void>{} : fail(errc::not_found, "open the journal", "there is none");
        const auto opened = open_segment(fs_, found->newest);
        if (!opened) return fail(opened.error());
        store_ = opened->header.store;
        return {};
    }

    // A frame that was read or is about to be published.
    void note(frame_type type, std::uint64_t sequence, std::uint64_t durable_upto, std::string_view body) noexcept
    {
        if (durable_upto > words_->durable_said.load()) words_->durable_said = durable_upto;
        if (type == frame_type::watermark) return;
        if (sequence > words_->last_data.load()) words_->last_data = sequence;
        if (type != frame_type::trim || trimmed_to(body) < words_->trim_segment.load()) return;
        words_->trim_sequence = sequence;
        words_->trim_segment = trimmed_to(body);
    }

    segment_header new_header(std::uint64_t number, std::uint64_t first, std::uint64_t bytes)
    {
        segment_header h;
        h.store = store_;
        h.number = number;
        h.file_id = random_() | 1;
        h.first_sequence = first;
        h.bytes = bytes;
        return h;
    }
    // Room that is kept back in a segment of such a size.
    static std::uint64_t reserve_of(std::uint64_t bytes) noexcept
    {
        return std::min<std::uint64_t>(bytes / 8, std::uint64_t{256} << 10);
    }
    // Of a segment of usually `usual` bytes that gets so many bytes of frames at once.
    static std::uint64_t bytes_for(std::uint64_t usual, std::uint64_t frames) noexcept
    {
        const auto needed = frames_begin + frames + reserve_of(usual);
        return needed <= usual ? usual : (needed + 4095) / 4096 * 4096;
    }

    // Tells where the log ends now.
    void publish() noexcept
    {
        words_->dirty = write_words;
        words_->set_position(reader_.position());
    }

    // The segment to write to; an error when nothing may be written.
    result<segment<FileSystem>*> writable()
    {
        if (refused_) return fail(*refused_);
        auto s = reader_.current();
        if (s && (*s)->header.oldest_writer > format_version)
            return fail(errc::wrong_version, "append", "the journal's format is newer than this program");
        return s;
    }

    // Makes room for a frame with such a body, and tells where the body will be.
    result<frame_place> prepare(frame_type type, std::uint64_t body_bytes, append_room room)
    {
        if (body_bytes > body_bytes_max) return fail(errc::invalid_argument, "append", "a body is over 1 GiB");
        auto s = writable();
        if (!s) return fail(s.error());
        const auto bytes = frame_bytes(body_bytes);
        const auto& at = reader_.position();
        const auto kept = room == append_room::normal ? reserve_of((*s)->header.bytes) : 0;
        const bool fits = at.offset + bytes <= prepared_end_ || at.offset + bytes + kept <= (*s)->header.bytes;
        if (!fits)
            if (auto done = roll(bytes); !done) return fail(done.error());
        prepared_end_ = Guards::prepared ? std::max(prepared_end_, at.offset + bytes) : 0;
        return frame_place{at.segment, at.offset + frame_header_bytes, type};
    }

    result<log_ticket> append(frame_type type, std::string_view body, append_room room)
    {
        if (auto place = prepare(type, body.size(), room); !place) return fail(place.error());
        auto s = reader_.current();
        if (!s) return fail(s.error());
        const log_position at = reader_.position();
        frame_header h;
        h.sequence = at.sequence;
        h.durable_upto = std::min(words_->synced.load(), at.sequence - 1);
        h.file_id = (*s)->header.file_id;
        h.previous_crc = at.previous_crc;
        h.type = type;
        written_.clear();
        written_at_ = at;
        words_->note_near(at);
        const auto crc = append_frame(written_, h, body, at.offset);
        words_->dirty = write_files;
        if (auto done = fs_.write((*s)->file, at.offset, written_); !done) return undo_write(**s, done.error());
        note(type, h.sequence, h.durable_upto, body);
        reader_.skip(written_.size(), 1, crc);
        prepared_end_ = 0;
        publish();
        words_->dirty = write_done;
        next_.fill_ahead(fs_, (*s)->header, reader_.position().offset, options_.sizes);
        return seen();
    }

    result<log_ticket> undo_write(segment<FileSystem>& s, const error& why)
    {
        cut(s, reader_.position().offset + written_.size());
        written_.clear();
        if (words_->poisoned.load() != 0)
            return fail(errc::outcome_unknown, why.operation, why.detail, why.backend_code);
        words_->dirty = write_done;
        return fail(why);
    }

    result<log_ticket> trim(std::uint64_t first, std::string_view user)
    {
        const auto body = encode_trim(first, user);
        const auto place = prepare(frame_type::trim, body.size(), append_room::reserve);
        if (!place) return fail(place.error());
        if (first == 0 || first > place->segment || first < words_->trim_segment.load())
            return fail(errc::invalid_argument, "trim", "the log cannot begin with " + segment_name(first));
        return append(frame_type::trim, body, append_room::reserve);
    }

    // The caller has the turn.
    result<std::string_view> read(std::uint64_t segment, std::uint64_t offset, std::size_t bytes)
    {
        const auto inside = offset - written_at_.offset;  // huge when it lies before
        if (segment == written_at_.segment && inside <= written_.size() && bytes <= written_.size() - inside)
            return std::string_view{written_}.substr(static_cast<std::size_t>(inside), bytes);
        return window_.read(fs_, segment, offset, bytes, reader_.position());
    }

    result<void> watermark()
    {
        const auto data = words_->last_data.load();
        if (words_->synced.load() < data || words_->durable_said.load() >= data) return {};
        auto s = writable();
        if (!s) return fail(s.error());
        if (reader_.position().offset + frame_header_bytes > (*s)->header.bytes) return {};
        if (auto done = append(frame_type::watermark, {}, append_room::reserve); !done) return fail(done.error());
        return {};
    }

    // Goes on in a new segment with room for `bytes` of frames.
    result<void> roll(std::uint64_t bytes)
    {
        auto lead = sync_.lead();
        if (Guards::sync_before_roll && words_->synced.load() < seen().sequence)
            if (auto done = sync_.sync_written(); !done) return done;
        const auto& at = reader_.position();
        const auto s = reader_.current();
        if (!s) return fail(s.error());
        const auto h =
            new_header(at.segment + 1, at.sequence, bytes_for(options_.sizes.next((*s)->header.bytes), bytes));
        words_->dirty = write_files;
        auto made = next_.finish(fs_, h);
        if (!made) {
            words_->dirty = write_done;
            return fail(made.error());
        }
        if (auto done = publish_segment<Guards>(fs_, h.number); !done) return give_up_segment(done.error());
        prepared_end_ = 0;
        reader_.enter(std::move(*made));
        words_->dirty = write_words;
        words_->segment_crc = at.previous_crc;
        publish();
        words_->dirty = write_done;
        return {};
    }

    // The newest segment's name may be durable or not: nothing is appended before one at the same number is.
    result<void> give_up_segment(const error& why)
    {
        sync_.poison();
        return fail(why);
    }

    // A sync has failed: goes on in a new segment with what had not been synced, as far as it is readable.
    result<void> rescue_all()
    {
        auto lead = sync_.lead();
        const auto number = words_->segment.load();
        const auto synced = words_->synced.load();
        segment_header h = new_header(number + 1, synced + 1, 0);
        auto saved = rescue<Guards>(fs_, number, words_->segment_crc.load(), synced, h.file_id);
        if (!saved) return fail(saved.error());
        next_.forget();
        h.replaces = saved->begin;
        h.bytes = bytes_for(std::min(saved->segment_bytes, options_.sizes.most), saved->bytes.size());
        auto made = prepare_segment<Guards>(fs_, h, saved->bytes);
        if (!made) return fail(made.error());
        if (auto done = publish_segment<Guards>(fs_, number + 1); !done) return done;
        words_->segment_crc = saved->crc_before;
        words_->set_position(
            {number + 1, frames_begin + saved->bytes.size(), saved->last_sequence + 1, saved->last_crc});
        words_->synced = saved->last_sequence;
        words_->last_data = saved->last_sequence;
        words_->durable_said = 0;
        if (words_->trim_sequence.load() > synced) words_->trim_segment = words_->trim_sequence = 0;
        words_->dirty = write_done;
        words_->poisoned = 0;
        window_.forget();
        written_.clear();
        return {};
    }

    // What cannot be cut is left behind in its segment.
    void cut(segment<FileSystem>& s, std::uint64_t end)
    {
        auto lead = sync_.lead();
        sync_.supervise([&] { return cut_tail<Guards>(fs_, s, reader_.position().offset, end); });
    }

    result<void> create_first()
    {
        segment_header h = new_header(1, 1, options_.sizes.least);
        h.store = store_ ? store_ : random_.draw_uid();
        if (auto made = prepare_segment<Guards>(fs_, h, {}); !made) return fail(made.error());
        auto published = publish_segment<Guards>(fs_, 1);
        if (!published) static_cast<void>(fs_.remove(segment_name(1)));  // it is made anew, not believed
        return published;
    }

    FileSystem fs_;
    Gate* gate_;
    log_words* words_;
    log_options options_;
    random_source random_;
    group_sync<FileSystem, Gate, Guards> sync_;

    std::mutex mutex_;  // of all below
    log_reader<FileSystem, Guards> reader_;
    next_segment<FileSystem, Guards> next_;
    log_window<FileSystem, Guards> window_;
    uid store_{};
    std::uint32_t generation_ = 0;
    std::optional<error> refused_;    // why the holder of the turn may not write
    std::uint64_t prepared_end_ = 0;  // where a frame may end in this segment, whatever is kept back
    std::string written_;             // the last frame that was written here,
    log_position written_at_;         // and where
};

}  // namespace queuectl::inline v0::journal::detail

#endif

// ---- queuectl/journal/log_listener.hpp
// The reading half of a log: what a turn begins with. Repairs, and tells the sink what it has not heard.
#ifndef QUEUECTL_JOURNAL_LOG_LISTENER_HPP
#define QUEUECTL_JOURNAL_LOG_LISTENER_HPP

namespace queuectl::inline v0::journal::detail {

// A part of log, which says what it means. All of it needs the lock.
template <file_system FileSystem, class Gate, class Guards>
struct log_listener : log_writer<FileSystem, Gate, Guards> {
    using base = log_writer<FileSystem, Gate, Guards>;
    using base::base;
    using base::create_first;
    using base::cut;
    using base::find_store;
    using base::fs_;
    using base::generation_;
    using base::give_up_segment;
    using base::next_;
    using base::note;
    using base::options_;
    using base::page_valid;
    using base::prepared_end_;
    using base::publish;
    using base::reader_;
    using base::refused_;
    using base::rescue_all;
    using base::store_;
    using base::sync_;
    using base::window_;
    using base::words_;
    using base::written_;

    // Afterwards the sink has heard all, and the reader is at the end. When a failed sync cannot be made good (no room,
    // say), that holds too, but nothing can be appended: refused_.
    template <class Sink>
    result<void> enter(Sink& sink)
    {
        prepared_end_ = 0;
        refused_.reset();
        if (!store_)  // it may have been created since
            if (auto done = find_store(); !done) return done;
        if (!page_valid())
            if (auto done = make_page(sink); !done) return done;
        for (;;) {
            // Read first: what is appended under a generation that ends meanwhile is never acknowledged.
            const auto generation = words_->generation.load();
            if (std::exchange(generation_, generation) != generation) forget_read();
            if (words_->poisoned.load() != 0) {
                if (auto done = rescue_all(); !done) {
                    if (words_->dirty.load() == write_words || done.error().code == errc::corrupt) return done;
                    refused_ = done.error();
                    break;
                }
            } else if (words_->dirty.load() != write_done) {
                if (auto done = repair(sink); !done) return done;
            } else {
                break;
            }
        }
        window_.close_before(words_->lowest.load());
        return hear(sink);
    }

private:
    void forget_read() noexcept
    {
        window_.forget();
        written_.clear();
    }

    // The words are right: O(1) when the sink has heard all.
    template <class Sink>
    result<void> hear(Sink& sink)
    {
        const log_position end = words_->position();
        if (sink.heard().reaches(end)) {
            reader_.jump(end, end.segment);
            return {};
        }
        auto told = tell_rest(sink, end.segment, end.sequence - 1);
        const bool done = told && *told == read_status::frame && reader_.position().reaches(end);
        if (!done && (told || told.error().code == errc::corrupt)) told = tell_all(sink, end.segment, end.sequence - 1);
        if (!told) return fail(told.error());
        if (reader_.position().reaches(end)) {
            reader_.jump(end, end.segment);
            return {};
        }
        return fail(errc::corrupt, "read " + segment_name(reader_.position().segment),
                    "damage at offset " + std::to_string(reader_.position().offset) + ": frame " +
                        std::to_string(reader_.position().sequence) + " had been written and is gone");
    }

    // Tells what is behind heard(), up to sequence `last` or the end of the newest segment, which the result says;
    // `rewound` when heard() is of no use.
    template <class Sink>
    result<read_status> tell_rest(Sink& sink, std::uint64_t newest, std::uint64_t last)
    {
        const log_position from = sink.heard();
        const bool usable = !from.is_none() && from.segment >= words_->lowest.load() &&
                            from.segment <= words_->segment.load() && from.sequence <= words_->written.load() + 1;
        if (!usable) return read_status::rewound;
        reader_.jump(from, newest);
        return tell(sink, last);
    }

    template <class Sink>
    result<read_status> tell_all(Sink& sink, std::uint64_t newest, std::uint64_t last)
    {
        sink.restart();
        const auto found = find_segments(fs_);
        if (!found) return fail(found.error());
        reader_.begin(found->lowest, newest);
        auto told = tell(sink, last);
        if (!told) return told;
        if (found->lowest > 1 && words_->trim_segment.load() < found->lowest) return segments_missing(found->lowest);
        words_->lowest = found->lowest;
        return told;
    }

    template <class Sink>
    result<read_status> tell(Sink& sink, std::uint64_t last)
    {
        frame_view frame;
        for (;;) {
            const auto rewound = reader_.rewound();
            if (!rewound) return fail(rewound.error());
            if (*rewound) return read_status::rewound;
            if (reader_.position().sequence > last) return read_status::frame;
            const auto got = reader_.next(frame);
            if (!got || *got != read_status::frame) return got;
            tell_one(sink, frame);
        }
    }

    template <class Sink>
    void tell_one(Sink& sink, const frame_view& frame)
    {
        const auto& h = frame.header;
        note(h.type, h.sequence, h.durable_upto, frame.body);
        tell_frame(sink, frame, reader_.position());
    }

    // Another boot, or the first time: only the files are known.
    template <class Sink>
    result<void> make_page(Sink& sink)
    {
        words_->invalidate();
        words_->poisoned = words_->syncing = words_->dirty = 0;
        words_->doubtful = 0;
        words_->synced_next.set({});
        words_->waits = words_->waits_synced = words_->batch = 0;
        words_->last_data = words_->durable_said = words_->trim_segment = words_->trim_sequence = words_->lowest = 0;
        forget_read();
        auto found = find_segments(fs_);
        if (!found) return fail(found.error());
        if (found->newest == 0) {
            if (auto done = create_first(); !done) return done;
            found->newest = 1;
        }
        words_->segment = found->newest;
        next_.forget();
        if (auto done = next_.clean(fs_); !done) return done;
        if (auto done = fs_.sync_directory(); !done) return done;
        const auto told = tell_all(sink, found->newest, ~std::uint64_t{0});
        if (!told) return fail(told.error());
        if (auto done = end_here(0); !done) return done;
        const auto current = reader_.current();
        if (!current) return fail(current.error());
        words_->synced = std::max(words_->durable_said.load(), (*current)->header.first_sequence - 1);
        store_ = (*current)->header.store;
        words_->set_valid_for(options_.boot, store_);
        return {};
    }

    // A writer died while it changed the files.
    template <class Sink>
    result<void> repair(Sink& sink)
    {
        const auto found = find_segments(fs_);
        if (!found) return fail(found.error());
        if (found->newest > words_->segment.load()) {
            auto lead = sync_.lead();
            if (auto done = fs_.sync_directory(); !done) return give_up_segment(done.error());
            const auto next = open_segment(fs_, found->newest);
            if (!next) return fail(next.error());
            words_->synced = std::max(words_->synced.load(), next->header.first_sequence - 1);
        }
        auto told = tell_rest(sink, found->newest, ~std::uint64_t{0});
        if (told && *told == read_status::rewound) told = tell_all(sink, found->newest, ~std::uint64_t{0});
        if (!told) return fail(told.error());
        return end_here(words_->synced.load());
    }

    // The reader has found no further frame: makes that the end, unless one up to `synced` is missing.
    result<void> end_here(std::uint64_t synced)
    {
        const auto found = reader_.inspect_end(synced);
        if (!found) return fail(found.error());
        const auto current = reader_.current();
        if (!current) return fail(current.error());
        words_->dirty = write_files;
        if (found->kind == tail_kind::torn) cut(**current, found->used_end);
        words_->dirty = write_words;
        words_->segment_crc = reader_.segment_crc();
        publish();
        words_->dirty = write_done;
        return {};
    }
};

}  // namespace queuectl::inline v0::journal::detail

#endif

// ---- queuectl/journal/log.hpp
// The log that processes share: opaque bodies in; the same bodies out, in order, durable.
#ifndef QUEUECTL_JOURNAL_LOG_HPP
#define QUEUECTL_JOURNAL_LOG_HPP

namespace queuectl::inline v0::journal {

// One object for a process; any thread may call any member. FileSystem, Gate and words must be the same for all who
// share the store, and outlive the log. A process that dies leaves nothing behind that the next one does not repair.
template <file_system FileSystem = posix_file_system, class Gate = process_gate, class Guards = all_guards>
class log : detail::log_listener<FileSystem, Gate, Guards> {
    using base = detail::log_listener<FileSystem, Gate, Guards>;

public:
    // The right to append: held by one thread of one process at a time, until destroyed. A thread that holds it may
    // call sync(), read() and drop_trimmed() of the log, nothing else.
    class turn {
    public:
        // Makes room for a body of up to so many bytes, and tells where its first byte will be if it is what is
        // appended next. Errors as append().
        [[nodiscard]] result<frame_place> prepare(std::uint64_t bytes_max, append_room room = append_room::normal)
        {
            return log_->prepare(frame_type::transaction, bytes_max, room);
        }

        // Writes a frame; it is there whole or not at all, at the end of the log. Tells what to sync() before it is
        // acknowledged. One write to the file. A body is at most body_bytes_max. errc::store_full and others: nothing
        // changed; errc::outcome_unknown: it may be there.
        [[nodiscard]] result<log_ticket> append(std::string_view body, append_room room = append_room::normal)
        {
            return log_->append(frame_type::transaction, body, room);
        }

        // Says in the log that it begins with segment `first` now: all that is needed of those before has been
        // appended before this. `user` lies behind the trim's own 8 bytes of the body. errc::invalid_argument when
        // `first` is behind the segment of this frame, or before an earlier trim's.
        [[nodiscard]] result<log_ticket> trim(std::uint64_t first, std::string_view user = {})
        {
            return log_->trim(first, user);
        }

        // Says in the log how far it is durable, unless it says so already or has no room. Not waited for.
        [[nodiscard]] result<void> watermark() { return log_->watermark(); }

        // Everything in the log.
        [[nodiscard]] log_ticket seen() const noexcept { return log_->seen(); }
        // The end of the log: what a sink has heard that knows what was appended.
        [[nodiscard]] const log_position& position() const noexcept { return log_->reader_.position(); }

    private:
        friend class log;
        turn(log& l, std::optional<typename Gate::guard> held, std::unique_lock<std::mutex> state)
            : log_{&l}, held_{std::move(held)}, state_{std::move(state)}
        {
        }
        log* log_;
        std::optional<typename Gate::guard> held_;
        std::unique_lock<std::mutex> state_;
    };

    // Opens the log in the folder of `fs`; reads nothing yet. errc::not_found, errc::corrupt, errc::wrong_version.
    [[nodiscard]] static result<std::unique_ptr<log>> open(FileSystem fs, Gate& gate, log_words& words,
                                                           log_options options = {})
    {
        std::unique_ptr<log> made{new log{std::move(fs), gate, words, options}};
        if (auto done = made->find_store(); !done) return fail(done.error());
        return made;
    }

    // What a log_view of the folder would tell: for a log that is damaged, or cannot be written.
    template <log_sink Sink>
    [[nodiscard]] static result<void> read_all(FileSystem fs, Sink& sink)
    {
        return log_view<FileSystem>{std::move(fs)}.read_all(sink);
    }

    log(const log&) = delete;
    log& operator=(const log&) = delete;

    [[nodiscard]] FileSystem& files() noexcept { return base::fs_; }
    // All zero until the store is there: see take_turn.
    [[nodiscard]] const uid& store() const noexcept { return base::store_; }
    // A sync has failed: the next turn makes it good before anything is written.
    [[nodiscard]] bool needs_rescue() const noexcept { return base::words_->poisoned.load() != 0; }
    // The last sequence in the log; changes with every append of anybody.
    [[nodiscard]] std::uint64_t written() const noexcept { return base::words_->written.load(); }
    // The segment that the log begins with.
    [[nodiscard]] std::uint64_t lowest() const noexcept { return base::words_->lowest.load(); }

    // Waits in line for the lock, repairs what a dead writer, a power loss or a failed sync has left, and tells `sink`
    // what it has not heard; when that is nothing, no file is read. errc::busy, errc::corrupt (damage: `sink` has heard
    // all that comes before it), errc::io. While a failed sync cannot be made good (the disk is full, say), there is a
    // turn, but what would write ends with the reason.
    template <log_sink Sink>
    [[nodiscard]] result<turn> take_turn(Sink& sink)
    {
        std::optional<typename Gate::guard> held;
        if (Guards::lock) {
            auto got = gate_->acquire(options_.lock_patience);
            if (!got) return fail(got.error());
            held.emplace(std::move(*got));
        }
        std::unique_lock state{mutex_};
        if (auto done = base::enter(sink); !done) return fail(done.error());
        // Whoever has appended it may have been killed before it was synced.
        if (options_.mode == durability::interval && words_->synced.load() < words_->written.load()) late_.ask();
        return turn{*this, std::move(held), std::move(state)};
    }

    // Until what the ticket names is as durable as the mode promises. errc::outcome_unknown when a sync has failed.
    [[nodiscard]] result<void> sync(const log_ticket& ticket)
    {
        if (options_.mode == durability::full) return sync_.wait(ticket);
        if (options_.mode != durability::interval || words_->synced.load() >= ticket.sequence) return {};
        if (words_->generation.load() != ticket.generation)
            return fail(errc::outcome_unknown, "sync", "a sync of the store has failed");
        late_.ask();
        return {};
    }

    // For a holder of the turn: `bytes` bytes of the log from `offset` of a segment's file on, valid until the next
    // call or append. errc::corrupt when they are not there. What is near to what was read last costs no system call.
    [[nodiscard]] result<std::string_view> read(std::uint64_t segment, std::uint64_t offset, std::size_t bytes)
    {
        return base::read(segment, offset, bytes);
    }

    // For a holder of the turn: removes the segments before the newest trim's first one once that trim is durable;
    // until then does nothing. One removal and one sync of the folder for each.
    [[nodiscard]] result<void> drop_trimmed()
    {
        auto done = detail::drop_trimmed<Guards>(fs_, *words_);
        base::window_.close_before(words_->lowest.load());
        return done;
    }

    // When there is nothing to do, and before the log goes: all durable, and the log says so.
    template <log_sink Sink>
    [[nodiscard]] result<void> settle_down(Sink& sink)
    {
        auto mine = take_turn(sink);
        if (!mine) return fail(mine.error());
        if (words_->synced.load() < words_->last_data.load()) {
            const auto lead = sync_.lead();
            if (auto done = sync_.sync_written(); !done) return fail(done.error());
        }
        return mine->watermark();
    }

private:
    log(FileSystem fs, Gate& gate, log_words& words, const log_options& options)
        : base{std::move(fs), gate, words, options}, late_{sync_, options.interval}
    {
    }

    using base::find_store;
    using base::fs_;
    using base::gate_;
    using base::mutex_;
    using base::options_;
    using base::sync_;
    using base::words_;

    interval_sync<group_sync<FileSystem, Gate, Guards>> late_;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/log_copy.hpp
// A log as the files have it, read by one for himself; goes on where it ended.
#ifndef QUEUECTL_JOURNAL_LOG_COPY_HPP
#define QUEUECTL_JOURNAL_LOG_COPY_HPP

namespace queuectl::inline v0::journal {

// What store_core and replay want of a log, without words and lock: writes nothing. One thread at a time. `fs` outlives
// it.
template <file_system FileSystem>
class log_copy {
public:
    explicit log_copy(FileSystem& fs) : fs_{&fs} {}

    // Of the oldest segment that has a readable header; none before read_all.
    [[nodiscard]] const uid& store() const noexcept { return store_; }
    [[nodiscard]] const log_position& position() const noexcept { return end_; }
    // The segment that it began with.
    [[nodiscard]] std::uint64_t lowest() const noexcept { return lowest_; }

    // As log_view::read_all.
    template <log_sink Sink>
    [[nodiscard]] result<void> read_all(Sink& sink)
    {
        window_.forget();
        trimmed_to_ = 0;
        const auto found = find_segments(*fs_);
        if (!found) return fail(found.error());
        if (found->newest == 0) return fail(errc::not_found, "open the journal", "there is none");
        lowest_ = found->lowest;
        find_store(*found);
        sink.restart();
        reader_.emplace(*fs_, log_position{}, found->newest);
        reader_->begin(found->lowest, found->newest);
        auto done = tell(sink);
        if (done && lowest_ > 1 && trimmed_to_ < lowest_) return detail::segments_missing(lowest_);
        return done;
    }

    // Tells what has been appended since, up to segment `newest`. Requires: read_all. errc::conflict: what was told is
    // void, or was trimmed; read_all() must be called again.
    template <log_sink Sink>
    [[nodiscard]] result<void> read_on(Sink& sink, std::uint64_t newest)
    {
        reader_->set_newest(newest);
        reader_->refresh();
        return tell(sink);
    }

    // `bytes` bytes from `offset` of a segment's file on, of what was told; valid until the next call. errc::corrupt.
    [[nodiscard]] result<std::string_view> read(std::uint64_t segment, std::uint64_t offset, std::size_t bytes)
    {
        return window_.read(*fs_, segment, offset, bytes, end_);
    }

private:
    void find_store(const segment_bounds& found)
    {
        for (auto number = found.lowest; number <= found.newest; ++number)
            if (const auto opened = open_segment(*fs_, number)) {
                store_ = opened->header.store;
                return;
            }
    }

    template <class Sink>
    result<void> tell(Sink& sink)
    {
        frame_view frame;
        for (bool again = false;; again = true) {
            auto got = reader_->next(frame);
            for (; got && *got == read_status::frame; got = reader_->next(frame)) {
                if (frame.header.type == frame_type::trim) trimmed_to_ = detail::trimmed_to(frame.body);
                end_ = reader_->position();
                detail::tell_frame(sink, frame, end_);
                again = false;
            }
            end_ = reader_->position();
            if (!got) return fail(got.error());
            if (*got == read_status::rewound) return fail(errc::conflict, "read the journal", "it was written anew");
            const auto end = reader_->inspect_end();
            if (end) return {};
            // The frame may have been half written when it was read, and others have followed it since.
            if (again) return fail(end.error());
            reader_->refresh();
        }
    }

    FileSystem* fs_;
    std::optional<log_reader<FileSystem>> reader_;
    detail::log_window<FileSystem, all_guards> window_;
    log_position end_{};
    uid store_{};
    std::uint64_t lowest_ = 0;
    std::uint64_t trimmed_to_ = 0;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/options.hpp
// How a journal is opened.
#ifndef QUEUECTL_JOURNAL_OPTIONS_HPP
#define QUEUECTL_JOURNAL_OPTIONS_HPP

namespace queuectl::inline v0 {

struct journal_options {
    // full: what a call acknowledged survives power loss. interval: power loss may take what was acknowledged in the
    // last `interval`, as a whole and from the end. none: in the last seconds, until the system has written it. None of
    // them loses anything when processes die, and none damages the store. process is refused.
    queuectl::durability durability = queuectl::durability::full;
    duration interval = std::chrono::seconds{1};
    // With full durability, a claim on its own is not synced: power loss may forget that a job was started (its
    // lease has expired by then anyway). true: it is. Settles with a fused claim always are.
    bool sync_claims = false;
    // A call waits this long in all for other writers, then gives errc::busy.
    duration busy = std::chrono::seconds{10};
    bool create = true;              // false: a missing store is errc::not_found, and nothing is created
    bool insist_network_fs = false;  // locks and shared memory do not work there between machines: refused otherwise
    journal::segment_sizes sizes{};  // of its files; others than these are for tests
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/journal/salvage.hpp
// Reads everything of a log that can be read, also behind damage.
#ifndef QUEUECTL_JOURNAL_SALVAGE_HPP
#define QUEUECTL_JOURNAL_SALVAGE_HPP

namespace queuectl::inline v0::journal {

// A part of the log that is gone.
struct lost_part {
    std::string file;
    std::uint64_t begin = 0;  // offsets in the file; both 0: all of it is missing
    std::uint64_t end = 0;
    std::uint64_t sequence = 0;  // of the first frame that is missing
    std::uint64_t frames = 0;    // how many are; 0: none, or nobody knows
    std::string why;

    // "0000000000000001.log: offsets 4096 to 4200: 1 frame missing, from 17 on: bad bytes"
    [[nodiscard]] std::string text() const
    {
        std::string t = file;
        if (end != 0) t += ": offsets " + std::to_string(begin) + " to " + std::to_string(end);
        if (frames != 0)
            t += ": " + std::to_string(frames) + (frames == 1 ? " frame" : " frames") + " missing, from " +
                 std::to_string(sequence) + " on";
        return t + ": " + why;
    }
};

struct salvaged_log {
    std::vector<lost_part> lost;  // in order
    std::uint64_t next = 0;       // the sequence behind the last frame that was found
    uid store{};                  // of the last header that can be read
};

namespace detail {

// One pass over the segments of a folder; see salvage_log.
template <file_system FileSystem, class Sink>
class salvage_pass {
public:
    salvage_pass(FileSystem& fs, Sink& sink) : fs_{fs}, sink_{sink} {}

    [[nodiscard]] result<salvaged_log> run()
    {
        if (auto listed = list_segments(); !listed) return fail(listed.error());
        if (numbers_.empty()) return fail(errc::not_found, "open the journal", "there is none");
        for (std::size_t i = 0; i < numbers_.size(); ++i) {
            if (i > 0)
                for (auto n = numbers_[i - 1] + 1; n < numbers_[i] && n < numbers_[i - 1] + named_max; ++n)
                    lose({segment_name(n), 0, 0, 0, 0, "the file is missing"});
            const bool last = i + 1 == numbers_.size();
            if (auto done = read_segment(numbers_[i], last ? 0 : numbers_[i + 1]); !done) return fail(done.error());
        }
        if (numbers_.front() > 1 && trimmed_to_ < numbers_.front())
            lost_.insert(lost_.begin(),
                         {segment_name(numbers_.front() - 1), 0, 0, 0, 0, "the segments up to this one are missing"});
        return salvaged_log{std::move(lost_), next_, store_};
    }

private:
    static constexpr std::uint64_t named_max = 1000;  // missing files that are told one by one

    result<void> list_segments()
    {
        const auto names = fs_.list();
        if (!names) return fail(names.error());
        for (const auto& name : *names)
            if (const auto number = segment_number(name); number != 0) numbers_.push_back(number);
        std::sort(numbers_.begin(), numbers_.end());
        return {};
    }
    void lose(lost_part part) { lost_.push_back(std::move(part)); }

    // The whole file, and its header; with a bad header, number and size are what the name and the file say, and the
    // file id is 0.
    result<segment_header> load(std::uint64_t number)
    {
        const std::string name = segment_name(number);
        auto file = fs_.open(name);
        if (!file) return fail(file.error());
        const auto size = fs_.size(*file);
        if (!size) return fail(size.error());
        bytes_.resize(static_cast<std::size_t>(*size));
        const auto got = fs_.read(*file, 0, bytes_.data(), bytes_.size());
        if (!got) return fail(got.error());
        bytes_.resize(*got);
        segment_header h;
        const char* why =
            bytes_.size() < segment_header_bytes ? "it is cut off in its header" : decode(bytes_.data(), h);
        if (why == nullptr && h.oldest_reader > format_version)
            return fail(errc::wrong_version, "open " + name, "its format is newer than this program");
        if (why == nullptr && h.number != number) why = "it is another segment under this name";
        if (why == nullptr && bytes_.size() < h.bytes)
            lose({name, bytes_.size(), h.bytes, 0, 0, "it is shorter than its header says: it was cut off"});
        if (why == nullptr) {
            store_ = h.store;
            return h;
        }
        lose({name, 0, std::min<std::uint64_t>(frames_begin, bytes_.size()), 0, 0, why});
        h = {};
        h.number = number;
        return h;
    }
    // The sequence from which on frames before segment `number` are void; the largest when it does not say.
    std::uint64_t first_of(std::uint64_t number)
    {
        if (number == 0) return ~std::uint64_t{0};
        char bytes[segment_header_bytes];
        segment_header h;
        auto file = fs_.open(segment_name(number));
        if (!file) return ~std::uint64_t{0};
        const auto got = fs_.read(*file, 0, bytes, sizeof bytes);
        const bool good = got && *got == sizeof bytes && decode(bytes, h) == nullptr && h.number == number;
        return good ? h.first_sequence : ~std::uint64_t{0};
    }

    result<void> read_segment(std::uint64_t number, std::uint64_t following)
    {
        auto header = load(number);
        if (!header) return fail(header.error());
        segment_header& h = *header;
        if (next_ == 0) next_ = number == 1 ? 1 : h.file_id != 0 ? h.first_sequence : 0;
        const std::uint64_t end = first_of(following);
        std::uint64_t at = frames_begin;
        std::uint64_t bad = 0;  // where what cannot be read begins; 0 = nowhere
        while (at + frame_header_bytes <= bytes_.size() && next_ < end) {
            const frame_header f = load_frame_header(bytes_.data() + at);
            if (!good(h, f, at) || f.sequence >= end) {
                if (bad == 0 && following == 0 && is_tail(h, at)) return {};
                if (bad == 0) bad = at;
                at += frame_alignment;
                continue;
            }
            h.file_id = f.file_id;
            if (f.sequence >= next_) {
                tell_gap(number, bad == 0 ? at : bad, at, f.sequence);
                tell(number, at, f);
            }
            bad = 0;
            at += frame_bytes(f.body_bytes);
        }
        if (following == number + 1 && next_ != 0 && end != ~std::uint64_t{0} && next_ < end)
            tell_gap(number, bad == 0 ? at : bad, bytes_.size(), end);
        return {};
    }
    [[nodiscard]] bool good(const segment_header& h, const frame_header& f, std::uint64_t at) const
    {
        if (f.file_id == 0 || (h.file_id != 0 && f.file_id != h.file_id)) return false;
        return plausible(f, f.file_id, bytes_.size() - at) && f.type <= frame_type::trim &&
               intact(f, bytes_.data() + at, f.file_id, at);
    }
    // Whether the log simply ends here, in the newest segment: no frame behind says that one was durable here.
    bool is_tail(const segment_header& h, std::uint64_t at)
    {
        if (all_zero(std::string_view{bytes_}.substr(static_cast<std::size_t>(at)))) return true;
        for (auto i = at; i + frame_header_bytes <= bytes_.size(); i += frame_alignment) {
            const frame_header f = load_frame_header(bytes_.data() + i);
            if (f.durable_upto >= next_ && f.sequence > next_ && good(h, f, i)) return false;
        }
        return true;
    }

    void tell_gap(std::uint64_t number, std::uint64_t begin, std::uint64_t end, std::uint64_t sequence)
    {
        const bool first = next_ == 0;  // the first frame of all is where a trimmed log begins
        const std::uint64_t missing = first || sequence <= next_ ? 0 : sequence - next_;
        const std::uint64_t from = std::exchange(next_, std::max(next_, sequence));
        if (missing == 0 && begin == end) return;
        if (missing > 0) sink_.gap(from);
        for (auto& part : lost_)  // a file that is missing, or cut off, since the last frame
            if (missing > 0 && part.frames == 0 && part.sequence == 0) {
                part.sequence = from;
                part.frames = missing;
                return;
            }
        if (missing == 0 && first) return;
        lose({segment_name(number), begin, std::max(end, begin + 1), from, missing, "bytes that are no frame"});
    }
    void tell(std::uint64_t number, std::uint64_t at, const frame_header& f)
    {
        for (auto& part : lost_)
            if (part.sequence == 0) part.sequence = f.sequence;  // nothing is missing there, or nobody knows
        const std::string_view body{bytes_.data() + at + frame_header_bytes, f.body_bytes};
        if (f.type == frame_type::trim) trimmed_to_ = std::max(trimmed_to_, trimmed_to(body));
        const std::uint64_t skip = f.type == frame_type::trim ? std::min(trim_head_bytes, body.size()) : 0;
        if (f.type != frame_type::watermark)
            sink_.frame(f.sequence, {number, at + frame_header_bytes + skip, f.type},
                        body.substr(static_cast<std::size_t>(skip)));
        next_ = f.sequence + 1;
    }

    FileSystem& fs_;
    Sink& sink_;
    std::vector<std::uint64_t> numbers_;
    std::vector<lost_part> lost_;
    std::string bytes_;
    std::uint64_t next_ = 0;  // the sequence that is expected; 0 = any
    std::uint64_t trimmed_to_ = 0;
    uid store_{};
};

}  // namespace detail

// Tells `sink` every frame that is intact, in order: sink.frame(sequence, place, body), as a log_sink's;
// sink.gap(sequence) says before a frame that those from `sequence` on are missing. Behind damage it looks for the next
// intact frame at every multiple of 8. Returns what is gone, in order; a torn tail, which nobody had been promised, is
// not. Writes nothing. errc::not_found: there is no log; wrong_version; io. Memory: the largest segment.
template <file_system FileSystem, class Sink>
[[nodiscard]] result<salvaged_log> salvage_log(FileSystem& fs, Sink& sink)
{
    return detail::salvage_pass<FileSystem, Sink>{fs, sink}.run();
}

// What the processes of a store remember beyond the frames that are there (`next` and `store` as in salvaged_log): of
// this boot, to have been written; of an earlier one, to have been synced. From FOLDER/control, which is not believed
// in anything else.
template <file_system FileSystem>
[[nodiscard]] std::optional<lost_part> remembered_loss(FileSystem& fs, const uid& store, std::uint64_t next,
                                                       const uid& boot)
{
    constexpr std::uint64_t words_at = 1024;
    alignas(64) char bytes[sizeof(log_words)] = {};
    auto file = fs.open("control");
    if (!file) return std::nullopt;
    const auto got = fs.read(*file, words_at, bytes, sizeof bytes);
    if (!got || *got != sizeof bytes) return std::nullopt;
    const auto& words = *reinterpret_cast<const log_words*>(bytes);
    const bool now = words.valid_for(boot, store) && words.poisoned.load() == 0;
    const bool ours = words.store_high.load() == store.high && words.store_low.load() == store.low;
    const auto last = now ? words.written.load() : ours ? words.synced.load() : 0;
    if (last < next) return std::nullopt;
    return lost_part{segment_name(words.segment.load()),
                     0,
                     0,
                     next,
                     last - next + 1,
                     now ? "they had been written" : "they had been synced"};
}

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/store/guards.hpp
// What a journal does for safety, and when it cleans.
#ifndef QUEUECTL_JOURNAL_STORE_GUARDS_HPP
#define QUEUECTL_JOURNAL_STORE_GUARDS_HPP

namespace queuectl::inline v0::journal {

// All of it always; tests switch off one at a time to see that they notice, and clean sooner.
struct store_guards : all_guards {
    static constexpr bool sync_writes = true;        // a write is durable before it is acknowledged
    static constexpr bool own_ticket = true;         // it waits for its own frame, not only for those before
    static constexpr bool append_first = true;       // the index is committed after the append
    static constexpr bool roll_back_failed = true;   // and rolled back when that has failed
    static constexpr bool roll_back_dead = true;     // what a dead process has left in the index is undone
    static constexpr bool compare_tokens = true;     // only the current token extends and settles
    static constexpr bool repeat_claims = true;      // a claim with the nonce of an earlier one tells its leases
    static constexpr bool repeat_inserts = true;     // an insert with the nonce of an earlier one is the same
    static constexpr bool repeat_settles = true;     // so is a settlement with the token that settled last
    static constexpr bool log_removals = true;       // a removal is in the log
    static constexpr bool log_claims = true;         // so is a claim
    static constexpr bool sync_outputs = true;       // an output's file is durable before a record names it
    static constexpr bool sync_output_names = true;  // and so is its name
    static constexpr bool places = true;             // records are where the index says
    static constexpr bool move_images = true;        // what is alive in a segment is written again before it goes
    static constexpr bool remember = true;           // a trim says what no record says any more

    // Cleaning begins when the log takes more than twice what its live records would, and this much more.
    static constexpr std::uint64_t clean_slack_bytes = std::uint64_t{8} << 20;
    // At least so many bytes are looked at in a turn that cleans.
    static constexpr std::uint64_t clean_bytes_min = std::uint64_t{16} << 10;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/store/core.hpp
// One change of a store under way: what is read, what is written, and the index that follows.
#ifndef QUEUECTL_JOURNAL_STORE_CORE_HPP
#define QUEUECTL_JOURNAL_STORE_CORE_HPP

namespace queuectl::inline v0::journal {

// What a job is after one of its leases has ended so.
inline void apply_end(job_image& image, const end_view& end)
{
    auto& r = image.record;
    r.state = end.state;
    r.updated_at = end.now;
    r.job.run_at = end.run_at;
    r.attempts = end.attempts;
    r.crashes = end.crashes;
    r.settled_token = end.token;
    r.token = {};
    r.cancel_requested = false;
    r.locked_by.clear();
    if (end.set_error) r.error = end.error;
    if (end.set_result) r.result = end.result;
    if (!end.has_run) return;
    auto& run = image.attempts.emplace_back(to_attempt(end));
    if (run.run.status != run_status::crashed) {
        r.exit_code = run.run.exit_code;
        r.signal = run.run.signal;
    }
    if (image.attempts.size() > limits::attempts_kept) image.attempts.erase(image.attempts.begin());
}

// Used by whoever holds the log's turn. Log: journal::log, or what reads like one.
template <class Log, class Guards = store_guards>
class store_core {
public:
    using guards = Guards;

    store_core(Log& log, index_memory memory) : index{std::move(memory)}, config{index.space()}, log_{&log} {}

    [[nodiscard]] Log& log() noexcept { return *log_; }

    // The index has followed the log up to there.
    void heard(const log_position& position) noexcept
    {
        auto& roots = index.roots();
        const bool same = roots.any_heard != 0 && roots.heard.segment == position.segment;
        index.space().touch(roots.log_bytes) += position.offset - (same ? roots.heard.offset : frames_begin);
        index.space().touch(roots.heard) = position;
        index.space().touch(roots.any_heard) = 1;
    }
    void set_header(const header_record& h) noexcept
    {
        auto& roots = index.roots();
        auto& space = index.space();
        space.touch(roots.created_at) = h.created_at.time_since_epoch().count();
        space.touch(roots.store_state) = h.state;
        if (roots.moved_to != 0) drop_text(space, roots.moved_to);
        space.touch(roots.moved_to) = h.moved_to.empty() ? 0 : make_text(space, h.moved_to);
    }

    // Whether the job is leased by this token.
    [[nodiscard]] bool holds(ref job, const lease_token& token) const noexcept
    {
        if (!Guards::compare_tokens) return job != 0 && index.state_of(job) == state::processing;
        return index.holds(job, token);
    }

    // ── What is written ──

    // Makes place in the log for the records of this change, of at most so many bytes; what append() was given before
    // stays.
    template <class Turn>
    [[nodiscard]] result<void> prepare(Turn& turn, std::uint64_t bytes_max, append_room room)
    {
        auto place = turn.prepare(bytes_max, room);
        if (!place) return fail(place.error());
        segment_ = place->segment;
        offset_ = place->offset;
        return {};
    }
    // Nothing is under way any more.
    void forget() noexcept
    {
        body.clear();
        segment_ = 0;
    }
    // Where the next record of this change will be. Requires: prepare.
    [[nodiscard]] location here() const noexcept { return at(body.size()); }
    [[nodiscard]] location at(std::size_t offset_in_body) const noexcept
    {
        return locate(segment_, offset_ + offset_in_body + (Guards::places ? 0 : frame_header_bytes));
    }

    // ── What is read ──

    // The record at a place; its content is valid until the next read or append.
    [[nodiscard]] result<record_view> read(location where)
    {
        auto head = bytes(where, record_header_bytes);
        if (!head) return fail(head.error());
        const auto size = record_bytes(*head);
        auto whole = bytes(where, size);
        if (!whole) return fail(whole.error());
        auto record = read_record(*whole);
        if (!record) return damaged(where, record.error().detail);
        return record;
    }
    // The same for a record that must be of this type.
    [[nodiscard]] result<std::string_view> read(location where, record_type type)
    {
        auto record = read(where);
        if (!record) return fail(record.error());
        if (record->type != type) return wrong(where);
        return record->content;
    }

    // The newest records of a job back to its image, which is not among them: visit(location, end_view); false stops.
    // Returns where its image is, or where it was stopped.
    template <class Visit>
    [[nodiscard]] result<location> for_each_end(location last, Visit&& visit)
    {
        for (location at = last;;) {
            auto record = read(at);
            if (!record) return fail(record.error());
            if (record->type == record_type::job) return at;
            if (record->type != record_type::end) return wrong(at);
            auto end = read_end(record->content);
            if (!end) return fail(end.error());
            const location previous = end->previous;
            if (!visit(at, *end)) return at;
            if (previous >= at) return wrong(at);
            at = previous;
        }
    }

    // All that is known of a job.
    [[nodiscard]] result<job_image> load(ref job)
    {
        std::vector<location> ends;
        auto image_at = for_each_end(index.last_of(job), [&](location at, const end_view&) {
            ends.push_back(at);
            return true;
        });
        if (!image_at) return fail(image_at.error());
        auto content = read(*image_at, record_type::job);
        if (!content) return fail(content.error());
        auto image = read_image(*content);
        if (!image) return image;
        while (!ends.empty()) {
            auto record = read(ends.back(), record_type::end);
            if (!record) return fail(record.error());
            auto end = read_end(*record);
            if (!end) return fail(end.error());
            apply_end(*image, *end);
            ends.pop_back();
        }
        if (index.is_live(job)) overlay(*image, index.live(job));
        return image;
    }

    // Why the last run failed or was cut off.
    [[nodiscard]] result<void> load_error(location last, std::string& error)
    {
        bool found = false;
        auto image = for_each_end(last, [&](location, const end_view& end) {
            if (end.set_error) error.assign(end.error);
            return !(found = end.set_error);
        });
        if (!image) return fail(image.error());
        if (found) return {};
        auto content = read(*image, record_type::job);
        if (!content) return fail(content.error());
        auto loaded = read_image(*content);
        if (!loaded) return fail(loaded.error());
        error = std::move(loaded->record.error);
        return {};
    }

    // The lease that settled the job last.
    [[nodiscard]] result<lease_token> settled_token(location last)
    {
        auto record = read(last);
        if (!record) return fail(record.error());
        if (record->type == record_type::end) {
            auto end = read_end(record->content);
            if (!end) return fail(end.error());
            return end->token;
        }
        auto image = read_image(record->content);
        if (!image) return fail(image.error());
        return image->record.settled_token;
    }

    std::string body;  // the records of this change
    job_index index;
    settings config;

private:
    failure_value damaged(location at, std::string_view why) const
    {
        return fail(errc::corrupt, "read " + segment_name(segment_of(at)),
                    "damage at offset " + std::to_string(offset_of(at)) + ": " + std::string{why});
    }
    failure_value wrong(location at) const { return damaged(at, "another record is expected there"); }

    [[nodiscard]] result<std::string_view> bytes(location where, std::size_t count)
    {
        if (segment_of(where) == segment_ && offset_of(where) >= offset_) {
            const auto at = offset_of(where) - offset_;
            if (at + count > body.size()) return wrong(where);
            return std::string_view{body}.substr(at, count);
        }
        return log_->read(segment_of(where), offset_of(where), count);
    }

    void overlay(job_image& image, const live_slot& slot)
    {
        const auto time = [](std::int64_t us) { return timestamp{duration{us}}; };
        auto& r = image.record;
        r.state = slot.head.state();
        r.attempts = slot.attempts;
        r.crashes = slot.crashes;
        r.updated_at = time(slot.updated_at);
        r.cancel_requested = slot.cancel_requested;
        image.was_failed = slot.was_failed;
        r.job.run_at = time(slot.node.time);
        r.token = {};
        r.locked_by.clear();
        if (r.state != state::processing) return;
        const auto& l = index.all_leases().of(slot);
        r.job.run_at = time(l.run_at);
        r.token = l.token;
        r.locked_by = index.all_leases().holder(slot);
        r.locked_at = time(l.locked_at);
        r.lease_until = time(l.until);
        image.lease_end = duration{slot.node.time};
        image.boot_id = index.space().template get<boot_slot>(l.boot)->id;
    }

    Log* log_;
    std::uint64_t segment_ = 0;  // where `body` will be
    std::uint64_t offset_ = 0;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/store/outputs.hpp
// Output too long for the log: files of their own in the store's folder, named by a random number.
#ifndef QUEUECTL_JOURNAL_STORE_OUTPUTS_HPP
#define QUEUECTL_JOURNAL_STORE_OUTPUTS_HPP

namespace queuectl::inline v0::journal {

using output_number = std::uint64_t;  // 0 = none

[[nodiscard]] inline std::string output_name(output_number number) { return segment_name(number, ".out"); }

[[nodiscard]] inline bool needs_file(const run_output& out) noexcept
{
    return out.head.size() + out.tail.size() > limits::inline_output_bytes;
}

// Writes and syncs the file: 8 bytes length of the head, the head, the tail. Its name is not synced.
template <class Guards = store_guards, file_system FileSystem>
[[nodiscard]] result<void> write_output(FileSystem& fs, output_number number, const run_output& out)
{
    std::string bytes(8, '\0');
    detail::store_le(bytes.data(), std::uint64_t{out.head.size()});
    bytes += out.head;
    bytes += out.tail;
    auto file = fs.create(output_name(number));
    if (!file) return fail(file.error());
    auto done = fs.write(*file, 0, bytes);
    if (done && Guards::sync_outputs) done = fs.sync(*file);
    if (!done) static_cast<void>(fs.remove(output_name(number)));
    return done;
}

// Head and tail of a file; dropped_bytes is not in it.
template <file_system FileSystem>
[[nodiscard]] result<run_output> read_output(FileSystem& fs, output_number number)
{
    auto file = fs.open(output_name(number));
    if (!file) return fail(file.error());
    const auto size = fs.size(*file);
    if (!size) return fail(size.error());
    std::string bytes(static_cast<std::size_t>(*size), '\0');
    const auto got = fs.read(*file, 0, bytes.data(), bytes.size());
    if (!got) return fail(got.error());
    bytes.resize(*got);
    const std::uint64_t head = bytes.size() < 8 ? ~std::uint64_t{0} : detail::load_le<std::uint64_t>(bytes.data());
    if (head > bytes.size() - 8) return fail(errc::corrupt, "read " + output_name(number), "it is cut off");
    run_output out;
    out.head.assign(bytes, 8, static_cast<std::size_t>(head));
    out.tail.assign(bytes, 8 + static_cast<std::size_t>(head));
    return out;
}

// Appends the numbers of the files that a job's newest records and its image name.
template <class Core>
[[nodiscard]] result<void> collect_outputs(Core& core, location last, std::vector<output_number>& files)
{
    auto image_at = core.for_each_end(last, [&](location, const end_view& end) {
        if (end.has_run && end.run.output_file != 0) files.push_back(end.run.output_file);
        return true;
    });
    if (!image_at) return fail(image_at.error());
    auto content = core.read(*image_at, record_type::job);
    if (!content) return fail(content.error());
    auto image = read_image(*content);
    if (!image) return fail(image.error());
    for (const auto& run : image->attempts)
        if (run.output_file != 0) files.push_back(run.output_file);
    return {};
}

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/store/new_journal.hpp
// A journal that is written as a whole: it gets its name when it is complete and durable. POSIX.
#ifndef QUEUECTL_JOURNAL_STORE_NEW_JOURNAL_HPP
#define QUEUECTL_JOURNAL_STORE_NEW_JOURNAL_HPP

namespace queuectl::inline v0::journal {

// Records are put into body(). One thread. Removed again unless published.
class new_journal {
public:
    // errc::exists when there is anything at `path`, or at `path`.partial, where it is written.
    [[nodiscard]] static result<std::unique_ptr<new_journal>> create(const std::string& path)
    {
        struct stat what {};
        if (::lstat(path.c_str(), &what) == 0) return fail(errc::exists, "create " + path, "it exists");
        const std::string partial = path + ".partial";
        if (::mkdir(partial.c_str(), 0700) != 0)
            return errno == EEXIST ? fail(errc::exists, "create " + partial, "it exists: a repair was cut off")
                                   : queuectl::detail::fail_errno("create " + partial, errno);
        auto files = posix_file_system::open_folder(partial, false);
        if (!files) return fail(files.error());
        std::unique_ptr<new_journal> made{new new_journal{std::move(*files), path}};
        if (auto opened = made->open_log(); !opened) return fail(opened.error());
        return made;
    }
    new_journal(const new_journal&) = delete;
    new_journal& operator=(const new_journal&) = delete;
    ~new_journal()
    {
        log_.reset();
        if (published_) return;
        if (const auto names = files_.list())
            for (const auto& name : *names) static_cast<void>(files_.remove(name));
        ::rmdir(files_.folder().path().c_str());
    }

    [[nodiscard]] std::string& body() noexcept { return body_; }
    [[nodiscard]] result<void> flush_if_full() { return body_.size() < flush_bytes ? result<void>{} : flush(); }

    // Copies an output file of another journal; false when there is none that can be read.
    [[nodiscard]] bool copy_output(posix_file_system& from, output_number number)
    {
        const auto out = read_output(from, number);
        return out && write_output(files_, number, *out);
    }

    // Everything is durable, and then has its name.
    [[nodiscard]] result<void> publish()
    {
        if (auto done = flush(); !done) return done;
        if (auto done = log_->settle_down(end_); !done) return done;
        if (auto done = files_.sync_directory(); !done) return done;
        log_.reset();
        if (::rename(files_.folder().path().c_str(), path_.c_str()) != 0)
            return queuectl::detail::fail_errno("rename " + files_.folder().path(), errno);
        published_ = true;
        return sync_parent(path_);
    }

private:
    static constexpr std::size_t flush_bytes = std::size_t{1} << 20;

    // A log's sink that remembers only how far it has heard.
    struct end_of_log {
        log_position at{};
        [[nodiscard]] log_position heard() const noexcept { return at; }
        void frame(const log_position& behind, const frame_place&, std::string_view) noexcept { at = behind; }
        void restart() noexcept { at = {}; }
    };

    new_journal(posix_file_system files, std::string path) : files_{std::move(files)}, path_{std::move(path)} {}

    result<void> open_log()
    {
        auto page = control_page::open(files_.folder());
        if (!page) return fail(page.error());
        page_.emplace(std::move(*page));
        auto gate = process_gate::open(files_.folder(), page_->words());
        if (!gate) return fail(gate.error());
        gate_.emplace(std::move(*gate));
        auto again = posix_file_system::open_folder(files_.folder().path(), false);
        if (!again) return fail(again.error());
        auto opened = log<>::open(std::move(*again), *gate_, page_->storage_words<log_words>());
        if (!opened) return fail(opened.error());
        log_ = std::move(*opened);
        return {};
    }

    result<void> flush()
    {
        auto turn = log_->take_turn(end_);
        if (!turn) return fail(turn.error());
        if (!body_.empty())
            if (auto done = turn->append(body_); !done) return fail(done.error());
        end_.at = turn->position();
        body_.clear();
        return {};
    }

    posix_file_system files_;
    std::string path_;
    std::optional<control_page> page_;
    std::optional<process_gate> gate_;
    std::unique_ptr<log<>> log_;
    end_of_log end_;
    std::string body_;
    bool published_ = false;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/store/salvaged_jobs.hpp
// What a damaged log still says of its jobs.
#ifndef QUEUECTL_JOURNAL_STORE_SALVAGED_JOBS_HPP
#define QUEUECTL_JOURNAL_STORE_SALVAGED_JOBS_HPP

#include <unordered_map>

namespace queuectl::inline v0::journal {

// Where the records of a job are that could be read, the newest image and what followed it.
struct salvaged_job {
    location image = 0;
    std::vector<location> ends;
    std::uint64_t frame = 0;  // of the newest of them
    bool leased = false;      // a claim came after them
    bool incomplete = false;  // records between them are gone
};

// The sink of salvage_log: remembers places, not contents. About 150 bytes a job.
class salvaged_jobs {
public:
    void frame(std::uint64_t sequence, const frame_place& place, std::string_view body)
    {
        for (std::size_t at = 0; at < body.size();) {
            const auto record = read_record(body.substr(at));
            if (!record) {
                ++bad_records;
                return;
            }
            if (!take(sequence, locate(place.segment, place.offset + at), *record)) ++bad_records;
            at += record->bytes;
        }
    }
    void gap(std::uint64_t sequence) noexcept { last_gap = sequence; }

    std::map<std::uint64_t, salvaged_job> jobs;  // by sequence
    std::map<std::string, config_entry> settings;
    std::map<std::string, bool> queues;
    header_record header{};
    std::string moved_to;
    std::uint64_t last_gap = 0;                               // the first frame missing in the newest gap; 0 = none is
    std::uint64_t bad_records = 0;                            // in frames that are intact
    std::unordered_map<std::uint64_t, std::uint64_t> ghosts;  // sequences of jobs whose image is gone: newest frame

private:
    // False when it cannot be read.
    bool take(std::uint64_t frame, location where, const record_view& r)
    {
        switch (r.type) {
            case record_type::job: return job(frame, where, r.content);
            case record_type::claim: return claim(frame, r.content);
            case record_type::end: return end(frame, where, r.content);
            case record_type::remove: return remove(r.content);
            case record_type::config: return config(r.content);
            case record_type::unconfig: return unconfig(r.content);
            case record_type::queues: return queue_names(r.content);
            case record_type::header: return store_header(r.content);
            default: return true;
        }
    }

    bool job(std::uint64_t frame, location where, std::string_view content)
    {
        job_head head;
        if (!read_head(content, head)) return false;
        const std::string id{head.id};
        const auto known = sequences_.find(id);
        if (known != sequences_.end() && known->second != head.sequence) jobs.erase(known->second);
        sequences_[id] = head.sequence;
        ghosts.erase(head.sequence);
        queues[std::string{head.queue}] = true;
        jobs[head.sequence] = salvaged_job{where, {}, frame, head.state == state::processing, false};
        return true;
    }
    bool claim(std::uint64_t frame, std::string_view content)
    {
        if (!read_claim(content, named_)) return false;
        for (const auto sequence : named_) {
            if (const auto at = jobs.find(sequence); at != jobs.end())
                at->second.leased = true;
            else
                ghosts[sequence] = frame;
        }
        return true;
    }
    bool end(std::uint64_t frame, location where, std::string_view content)
    {
        const auto e = read_end(content);
        if (!e) return false;
        const auto at = jobs.find(e->sequence);
        if (at == jobs.end()) {
            ghosts[e->sequence] = frame;
            return true;
        }
        auto& job = at->second;
        const location before = job.ends.empty() ? job.image : job.ends.back();
        job.incomplete = job.incomplete || e->previous != before;
        job.ends.push_back(where);
        job.frame = frame;
        job.leased = false;
        return true;
    }
    bool remove(std::string_view content)
    {
        if (!read_remove(content, named_)) return false;
        for (const auto sequence : named_) {
            jobs.erase(sequence);
            ghosts.erase(sequence);
        }
        return true;
    }
    bool config(std::string_view content)
    {
        auto entry = read_config(content);
        if (entry) settings[entry->key] = *entry;
        return static_cast<bool>(entry);
    }
    bool unconfig(std::string_view content)
    {
        const auto gone = read_unconfig(content);
        if (gone) settings.erase(std::string{gone->key});
        return static_cast<bool>(gone);
    }
    bool queue_names(std::string_view content)
    {
        std::vector<std::string_view> names;
        if (!read_queues(content, names)) return false;
        for (const auto name : names) queues[std::string{name}] = true;
        return true;
    }
    bool store_header(std::string_view content)
    {
        const auto read = read_header(content);
        if (!read) return false;
        moved_to = read->moved_to;
        header = *read;
        header.moved_to = {};
        return true;
    }

    std::unordered_map<std::string, std::uint64_t> sequences_;  // by id
    std::vector<std::uint64_t> named_;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/repair.hpp
// Salvages a damaged journal into a new one. POSIX.
#ifndef QUEUECTL_JOURNAL_REPAIR_HPP
#define QUEUECTL_JOURNAL_REPAIR_HPP

namespace queuectl::inline v0 {

// What was saved, and what was not.
struct repair_report {
    static constexpr std::size_t ids_kept = 100;

    std::uint64_t jobs = 0;
    std::uint64_t runs = 0;
    std::uint64_t settings = 0;
    std::uint64_t outputs = 0;               // files
    std::uint64_t requeued = 0;              // were processing: pending, one crash more
    std::vector<journal::lost_part> lost{};  // of the log
    std::uint64_t bad_records = 0;           // in frames that are intact
    std::uint64_t lost_jobs = 0;             // of which only later records are left
    std::uint64_t lost_outputs = 0;
    std::uint64_t incomplete = 0;  // jobs some of whose runs are lost
    std::uint64_t doubtful = 0;    // jobs whose newest record may be lost: they may have been run, or removed
    std::vector<std::string> doubtful_ids{};  // the first of those that have not ended

    [[nodiscard]] bool nothing_lost() const noexcept
    {
        return lost.empty() && (bad_records | lost_jobs | lost_outputs | incomplete | doubtful) == 0;
    }
};

namespace journal {

// One repair. `now`: the wall clock.
class repair_pass {
public:
    repair_pass(posix_file_system from, timestamp now) : from_{std::move(from)}, now_{now} {}

    [[nodiscard]] result<repair_report> run(const std::string& to)
    {
        auto found = salvage_log(from_, salvaged_);
        if (!found) return fail(found.error());
        report_.lost = std::move(found->lost);
        if (auto more = remembered_loss(from_, found->store, found->next, queuectl::detail::read_boot_id())) {
            report_.lost.push_back(std::move(*more));
            salvaged_.gap(found->next);
        }
        report_.bad_records = salvaged_.bad_records;
        if (!report_.lost.empty() || report_.bad_records != 0) report_.lost_jobs = salvaged_.ghosts.size();
        auto made = new_journal::create(to);
        if (!made) return fail(made.error());
        auto done = fill(**made);
        if (done) done = (*made)->publish();
        if (!done) return fail(done.error());
        return std::move(report_);
    }

private:
    result<void> fill(new_journal& to)
    {
        if (auto done = fill_settings(to); !done) return done;
        for (const auto& [sequence, job] : salvaged_.jobs)
            if (auto done = save(to, job); !done) return done;
        return {};
    }
    result<void> fill_settings(new_journal& to)
    {
        std::vector<std::string_view> names;
        for (const auto& [name, known] : salvaged_.queues) names.push_back(name);
        append_queues(to.body(), names);
        salvaged_.header.moved_to = salvaged_.moved_to;
        append_header(to.body(), salvaged_.header);
        for (const auto& [key, entry] : salvaged_.settings) {
            append_config(to.body(), entry);
            ++report_.settings;
        }
        return to.flush_if_full();
    }

    result<void> save(new_journal& to, const salvaged_job& job)
    {
        auto image = load(job);
        if (!image) return fail(image.error());
        auto& r = image->record;
        if (salvaged_.last_gap != 0 && job.frame < salvaged_.last_gap) {
            ++report_.doubtful;
            if (!is_final(r.state) && report_.doubtful_ids.size() < repair_report::ids_kept)
                report_.doubtful_ids.push_back(r.job.id);
        }
        report_.incomplete += job.incomplete ? 1 : 0;
        if (job.leased) requeue(*image);
        for (auto& run : image->attempts)
            if (run.output_file != 0 && !to.copy_output(from_, run.output_file)) {
                run.output_file = run.run.output_bytes = 0;
                run.run.output = {};
                ++report_.lost_outputs;
            }
        for (const auto& run : image->attempts) report_.outputs += run.output_file != 0 ? 1 : 0;
        append_job(to.body(), *image);
        ++report_.jobs;
        report_.runs += image->attempts.size();
        return to.flush_if_full();
    }

    // The job was being run: nobody knows how that ended.
    void requeue(job_image& image)
    {
        auto& r = image.record;
        auto& run = image.attempts.emplace_back().run;
        run.number = r.attempts + r.crashes + 1;
        run.status = run_status::crashed;
        run.started_at = r.locked_at == timestamp{} ? r.updated_at : r.locked_at;
        run.ended_at = now_;
        run.error = r.error = "cut off when the store was repaired";
        run.worker = r.locked_by;
        if (image.attempts.size() > limits::attempts_kept) image.attempts.erase(image.attempts.begin());
        r.state = state::pending;
        ++r.crashes;
        r.updated_at = now_;
        r.token = {};
        r.locked_by.clear();
        r.locked_at = r.lease_until = {};
        r.cancel_requested = false;
        image.was_failed = false;
        image.lease_end = {};
        image.boot_id = {};
        ++report_.requeued;
    }

    result<job_image> load(const salvaged_job& job)
    {
        auto content = read(job.image);
        if (!content) return fail(content.error());
        auto image = read_image(*content);
        if (!image) return image;
        for (const location at : job.ends) {
            auto record = read(at);
            if (!record) return fail(record.error());
            auto end = read_end(*record);
            if (!end) return fail(end.error());
            apply_end(*image, *end);
        }
        return image;
    }
    // The content of a record that was read before; valid until the next call.
    result<std::string_view> read(location at)
    {
        constexpr std::size_t first_bytes = std::size_t{8} << 10;
        if (segment_of(at) != open_) {
            auto file = from_.open(segment_name(segment_of(at)));
            if (!file) return fail(file.error());
            file_ = std::move(*file);
            open_ = segment_of(at);
        }
        for (std::size_t want = first_bytes;;) {
            bytes_.resize(want);
            const auto got = from_.read(file_, offset_of(at), bytes_.data(), want);
            if (!got) return fail(got.error());
            bytes_.resize(*got);
            const auto size = *got < record_header_bytes ? 0 : record_bytes(bytes_);
            if (size <= want || *got < want) break;
            want = size;
        }
        const auto record = read_record(bytes_);
        if (!record) return fail(record.error());
        return record->content;
    }

    posix_file_system from_;
    timestamp now_;
    salvaged_jobs salvaged_;
    repair_report report_;
    posix_file_system::file file_;
    std::uint64_t open_ = 0;
    std::string bytes_;
};

}  // namespace journal

// Writes all that can be read of the journal in the folder `from`, which is only read and should not be in use, into a
// new one in the folder `to`: every frame that is intact, also behind damage; each job as its newest readable record
// says; processing jobs are pending with a crash counted. `to` appears whole and durable at the end, or not at all.
// errc::exists: something is at `to` (or at `to`.partial, from a repair that was cut off); errc::not_found: there is no
// journal. Memory: about 200 bytes a job, and the largest segment.
[[nodiscard]] inline result<repair_report> repair_journal(const std::string& from, const std::string& to, timestamp now)
{
    auto files = journal::posix_file_system::open_folder_to_read(from);
    if (!files) return fail(files.error());
    return journal::repair_pass{std::move(*files), now}.run(to);
}

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/journal/store/finish.hpp
// How a lease ends, on a journal.
#ifndef QUEUECTL_JOURNAL_STORE_FINISH_HPP
#define QUEUECTL_JOURNAL_STORE_FINISH_HPP

namespace queuectl::inline v0::journal {

// After so many runs a job is written again, whole: what is known of it is never more records away.
inline constexpr std::int32_t ends_between_images = 16;

// What finish() may write for `r`, on a job whose image takes `bytes`.
[[nodiscard]] inline std::uint64_t finish_bytes_max(const end_record& r, std::uint64_t bytes)
{
    return bytes + 2 * end_bytes_max(r);
}

// Writes that a live job has become what `r` says, and tells the index. `r.previous` and `r.image_bytes` are filled in
// here. Requires: reserved, prepared.
template <class Core>
[[nodiscard]] result<void> finish(Core& core, ref job, end_record& r)
{
    auto& slot = core.index.live(job);
    const location at = core.here();
    const std::size_t begin = core.body.size();
    r.sequence = slot.node.sequence;
    r.previous = slot.last;
    const auto grown = slot.bytes + end_bytes_max(r);
    r.image_bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>(grown, ~std::uint32_t{0}));
    append_end(core.body, r);
    const ref now = core.index.end(job, r, at);
    if (r.run == nullptr || (r.attempts + r.crashes) % ends_between_images != 0) return {};
    auto image = core.load(now);
    if (!image) return fail(image.error());
    core.body.resize(begin);
    append_job(core.body, *image);
    core.index.set_image(now, at, static_cast<std::uint32_t>(core.body.size() - begin), r.image_bytes,
                         !image->record.error.empty());
    return {};
}

[[nodiscard]] inline timestamp wall(std::int64_t us) noexcept { return timestamp{duration{us}}; }

// The worker is gone: its run counts as a crash, and the job waits again. What to give to finish(); `run` belongs to
// it.
template <class Core>
[[nodiscard]] result<end_record> crash_record(Core& core, ref job, std::string_view cause, timestamp now, attempt& run)
{
    const auto& slot = core.index.live(job);
    const auto& l = core.index.all_leases().of(slot);
    auto token = core.settled_token(slot.last);
    if (!token) return fail(token.error());
    run = {};
    run.number = slot.attempts + slot.crashes + 1;
    run.status = run_status::crashed;
    run.started_at = wall(l.locked_at);
    run.ended_at = now;
    run.error = cause;
    run.worker = core.index.all_leases().holder(slot);
    end_record r{};
    r.state = slot.cancel_requested ? state::cancelled : state::pending;
    r.now = now;
    r.run_at = wall(l.run_at);
    r.attempts = slot.attempts;
    r.crashes = slot.crashes + 1;
    r.token = *token;
    r.counts_crash = true;
    r.run = &run;
    r.set_error = true;
    r.error = cause;
    return r;
}

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/store/claim.hpp
// claim, on a journal.
#ifndef QUEUECTL_JOURNAL_STORE_CLAIM_HPP
#define QUEUECTL_JOURNAL_STORE_CLAIM_HPP

namespace queuectl::inline v0::journal {

// What is due, in the order of the contract. Each job that is taken must leave its line before the next is asked for.
// All lanes: O(1) a job beside the order's cost; with queues or kinds named: O(lanes that match) once.
class due_jobs {
public:
    due_jobs(job_index& index, const claim_request& request, timestamp now)
        : index_{index}, now_{now.time_since_epoch().count()}, all_{request.queues.empty() && request.kinds.empty()}
    {
        if (!all_) match(request);
    }

    // 0 = nothing is due; then next_at() says when.
    [[nodiscard]] ref next() { return all_ ? next_of_all() : next_of_matched(); }

    // The earliest run_at that was seen to be later than now. After next() has said 0: of all.
    [[nodiscard]] timestamp next_at() const noexcept { return later_; }

private:
    // Whether the line's first job is due.
    bool due(ref line)
    {
        index_.step();
        const ref first = index_.all_lanes().first_of(line);
        if (first == 0) return false;
        const auto at = index_.live(first).node.time;
        if (at <= now_) return true;
        later_ = std::min(later_, timestamp{duration{at}});
        return false;
    }

    ref next_of_all()
    {
        ref found = 0;
        later_ = timestamp_max;
        index_.all_lanes().for_each_level([&](std::size_t level) {
            const ref line = index_.all_lanes().first_line(level);
            if (line == 0 || !due(line)) return true;
            found = index_.all_lanes().first_of(line);
            return false;
        });
        return found;
    }

    ref next_of_matched()
    {
        const auto comes_later = [this](ref a, ref b) { return before(b, a); };
        if (taken_ != 0) {
            if (due(taken_)) {
                lines_.push_back(taken_);
                std::push_heap(lines_.begin(), lines_.end(), comes_later);
            }
            taken_ = 0;
        }
        if (lines_.empty()) return 0;
        std::pop_heap(lines_.begin(), lines_.end(), comes_later);
        taken_ = lines_.back();
        lines_.pop_back();
        return index_.all_lanes().first_of(taken_);
    }

    [[nodiscard]] bool before(ref a, ref b) const
    {
        const auto &x = index_.all_lanes().line(a), &y = index_.all_lanes().line(b);
        if (x.priority != y.priority) return x.priority > y.priority;
        const auto& i = index_.live(index_.all_lanes().first_of(a)).node;
        const auto& j = index_.live(index_.all_lanes().first_of(b)).node;
        return i.time != j.time ? i.time < j.time : i.sequence < j.sequence;
    }

    void match(const claim_request& request)
    {
        auto& lanes = index_.all_lanes();
        const auto wanted = [](std::span<const std::string> names, std::string_view name) {
            return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
        };
        lanes.for_each_queue([&](ref queue) {
            if (!wanted(request.queues, read_text(index_.space(), index_.space().get<queue_slot>(queue)->name)))
                return true;
            lanes.for_each_lane(queue, [&](ref lane) {
                if (wanted(request.kinds, lanes.kind_of(lane)))
                    for (ref line = lanes.get(lane).lines; line != 0; line = lanes.line(line).next)
                        if (due(line)) lines_.push_back(line);
                return true;
            });
            return true;
        });
        std::make_heap(lines_.begin(), lines_.end(), [this](ref a, ref b) { return before(b, a); });
    }

    job_index& index_;
    std::int64_t now_;
    bool all_;
    timestamp later_ = timestamp_max;
    std::vector<ref> lines_;  // whose first jobs are due: a heap
    ref taken_ = 0;           // the line whose first job was told last
};

// One call of claim; the leases are appended to `leases`, which the caller cuts again after an error.
template <class Core>
class claim_call {
public:
    claim_call(Core& core, const claim_request& request, std::vector<lease>& leases, const instant& now,
               std::size_t max)
        : core_{core}, request_{request}, leases_{leases}, now_{now}, max_{max}
    {
    }

    // What the call may write.
    [[nodiscard]] std::uint64_t bytes_max()
    {
        find_expired();
        std::uint64_t bytes = claim_bytes_max(max_) + request_.worker.size();
        end_record sample{};
        attempt run;
        run.error = expiry;
        run.worker.assign(text_size_max, 'w');
        sample.run = &run;
        sample.error = expiry;
        for (const auto& [sequence, job] : expired_) bytes += finish_bytes_max(sample, core_.index.live(job).bytes);
        return bytes;
    }
    [[nodiscard]] std::size_t changes_max() const noexcept { return expired_.size() + max_; }

    [[nodiscard]] result<claim_info> run()
    {
        claim_info info;
        for (const auto& e : expired_) {
            if (!still(e)) continue;
            attempt run;
            auto r = crash_record(core_, e.second, expiry, now_.wall, run);
            if (!r) return fail(r.error());
            if (auto done = finish(core_, e.second, *r); !done) return fail(done.error());
            ++info.reaped;
        }
        if (Core::guards::repeat_claims && request_.repeat) {
            auto again = repeat();
            if (!again) return fail(again.error());
            if (*again > 0) {
                info.next_at = now_.wall;
                return info;
            }
        }
        auto next = take_due();
        if (!next) return fail(next.error());
        info.next_at = *next;
        return info;
    }

private:
    static constexpr std::string_view expiry = "lease expired";

    // Whose leases have expired. What is settled before run() is not among them any more then.
    void find_expired()
    {
        std::vector<ref> jobs;
        core_.index.all_leases().expired(now_, limits::reap, jobs);
        for (const ref job : jobs) expired_.push_back({core_.index.live(job).node.sequence, job});
    }
    [[nodiscard]] bool still(const std::pair<std::uint64_t, ref>& e) const
    {
        return core_.index.by_sequence(e.first) == e.second && core_.index.state_of(e.second) == state::processing;
    }

    // The leases that an earlier claim with this nonce took, in its order.
    result<std::size_t> repeat()
    {
        std::vector<ref> mine;
        auto& all = core_.index.all_leases();
        if (const ref worker = all.find_worker(request_.worker); worker != 0)
            all.for_each(worker, [&](ref job) {
                if (all.of(core_.index.live(job)).token.nonce == request_.nonce) mine.push_back(job);
                return true;
            });
        std::sort(mine.begin(), mine.end(),
                  [&](ref a, ref b) { return all.of(core_.index.live(a)).token < all.of(core_.index.live(b)).token; });
        for (const ref job : mine)
            if (auto done = tell(job, all.of(core_.index.live(job)).token); !done) return fail(done.error());
        return mine.size();
    }

    result<timestamp> take_due()
    {
        due_jobs due{core_.index, request_, now_.wall};
        std::vector<std::uint64_t> taken;
        while (taken.size() < max_) {
            const ref job = due.next();
            if (job == 0) break;
            const lease_token token{request_.nonce, static_cast<std::uint32_t>(taken.size())};
            taken.push_back(core_.index.live(job).node.sequence);
            if (auto done = tell(job, token); !done) return fail(done.error());
            core_.index.lease(job, token, request_.worker, now_, request_.lease);
        }
        if (Core::guards::log_claims && !taken.empty())
            append_claim(core_.body, {request_.nonce, 0, request_.worker, now_, request_.lease, taken});
        return taken.size() == max_ ? now_.wall : due.next_at();
    }

    result<void> tell(ref job, const lease_token& token)
    {
        const auto& slot = core_.index.live(job);
        lease& l = leases_.emplace_back();
        l.token = token;
        l.attempts = slot.attempts;
        l.crashes = slot.crashes;
        if (slot.last != slot.image || slot.image_has_error)
            if (auto done = core_.load_error(slot.last, l.error); !done) return done;
        auto content = core_.read(slot.image, record_type::job);
        if (!content) return fail(content.error());
        if (auto done = read_job(*content, l.job); !done) return done;
        const bool runs = slot.head.state() == state::processing;
        l.job.run_at = wall(runs ? core_.index.all_leases().of(slot).run_at : slot.node.time);
        return {};
    }

    Core& core_;
    const claim_request& request_;
    std::vector<lease>& leases_;
    const instant& now_;
    std::size_t max_;
    std::vector<std::pair<std::uint64_t, ref>> expired_;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/store/insert.hpp
// insert, on a journal.
#ifndef QUEUECTL_JOURNAL_STORE_INSERT_HPP
#define QUEUECTL_JOURNAL_STORE_INSERT_HPP

namespace queuectl::inline v0::journal {

// What the index takes from a new job.
[[nodiscard]] inline job_head head_of(const job& j, std::uint64_t sequence, timestamp now) noexcept
{
    job_head h{};
    h.sequence = sequence;
    h.run_at = timestamp{saturate(j.run_at.time_since_epoch())};
    h.hold = j.hold;
    h.priority = j.priority;
    h.created_at = h.updated_at = now;
    h.id = j.id;
    h.queue = j.queue;
    h.kind = j.kind;
    return h;
}

// One call of insert. Its parts are called in their order, all under one turn.
template <class Core>
class insert_call {
public:
    insert_call(Core& core, std::span<const job> jobs, std::span<insert_status> statuses, timestamp now)
        : core_{core}, jobs_{jobs}, statuses_{statuses}, now_{now}
    {
    }

    template <class Turn>
    [[nodiscard]] result<void> run(Turn& turn)
    {
        std::uint64_t bytes = 0;
        for (const job& j : jobs_) bytes += job_bytes_max(j);
        if (auto done = core_.index.reserve(jobs_.size(), 0); !done) return done;
        if (auto done = core_.prepare(turn, bytes, append_room::normal); !done) return done;
        before_ = core_.index.roots().last_sequence;
        hashes_.resize(jobs_.size());
        for (std::size_t i = 0; i < jobs_.size(); ++i) core_.index.prefetch(hashes_[i] = core_.index.hash(jobs_[i].id));
        for (std::size_t i = 0; i < jobs_.size(); ++i) {
            auto status = insert_one(jobs_[i], hashes_[i]);
            if (!status) return fail(status.error());
            statuses_[i] = *status;
        }
        return {};
    }

private:
    result<insert_status> insert_one(const job& j, std::uint32_t hash)
    {
        const ref known = core_.index.find(j.id, hash);
        if (known != 0) return repeated(j, known);
        const location at = core_.here();
        const std::size_t begin = core_.body.size();
        const job_head head = head_of(j, core_.index.roots().last_sequence + 1, now_);
        append_job(core_.body, j, head.sequence, now_);
        const auto bytes = static_cast<std::uint32_t>(core_.body.size() - begin);
        if (core_.index.add(head, hash, at, bytes, j.retention <= duration::zero()) == 0)
            return fail(errc::store_full, "insert " + j.id, "there are too many queues and kinds");
        return insert_status::inserted;
    }

    result<insert_status> repeated(const job& j, ref known)
    {
        if (!Core::guards::repeat_inserts || !j.nonce || std::find(told_.begin(), told_.end(), known) != told_.end())
            return insert_status::duplicate;
        auto image = core_.for_each_end(core_.index.last_of(known), [](location, const end_view&) { return true; });
        if (!image) return fail(image.error());
        auto content = core_.read(*image, record_type::job);
        if (!content) return fail(content.error());
        auto head = read_head(*content);
        if (!head) return fail(head.error());
        if (head->nonce != j.nonce || head->sequence > before_) return insert_status::duplicate;
        told_.push_back(known);
        return insert_status::inserted;
    }

    Core& core_;
    std::span<const job> jobs_;
    std::span<insert_status> statuses_;
    timestamp now_;
    std::uint64_t before_ = 0;  // the last sequence before this call
    std::vector<std::uint32_t> hashes_;
    std::vector<ref> told_;  // jobs that were there, and were told to be inserted by this call
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/store/inspect.hpp
// What inspectable_storage asks of a journal.
#ifndef QUEUECTL_JOURNAL_STORE_INSPECT_HPP
#define QUEUECTL_JOURNAL_STORE_INSPECT_HPP

namespace queuectl::inline v0::journal {

// ── Looking ──

// Places in the order of sequences that one call looks at.
inline constexpr std::size_t pages_looked_at = 100'000;

template <class Core>
[[nodiscard]] result<std::uint64_t> list_jobs(Core& core, const job_filter& filter, const page_request& page,
                                              std::vector<job_record>& out)
{
    const std::size_t limit = std::min(page.limit, limits::sweep);
    const std::size_t first = out.size();
    std::uint64_t last = page.after;
    std::uint64_t stopped = 0;
    for (std::size_t seen = 0; seen < limits::sweep; ++seen) {
        const std::uint64_t sequence = core.index.pages().next(last + 1, pages_looked_at, &stopped);
        if (sequence == 0) return stopped == 0 ? 0 : stopped - 1;
        if (out.size() - first == limit) return last;
        last = sequence;
        const ref job = core.index.by_sequence(sequence);
        if (filter.state && core.index.state_of(job) != *filter.state) continue;
        if (!filter.queue.empty() && core.index.queue_of(job) != filter.queue) continue;
        if (!filter.kind.empty() && core.index.kind_of(job) != filter.kind) continue;
        auto image = core.load(job);
        if (!image) return fail(image.error());
        auto& record = image->record;
        if (!filter.tag.empty() && record.job.tag != filter.tag) continue;
        if (filter.updated_before != timestamp_max && record.updated_at >= filter.updated_before) continue;
        record.sequence = sequence;
        out.push_back(std::move(record));
    }
    return last;
}

// ── Changing ── each returns what it did to one job; the record is in core.body, the index has followed.

// The job as it was, but waiting, at the end of its line, under a new sequence. The image is in core.body at `offset`.
struct rewritten_job {
    ref job = 0;
    std::size_t offset = 0;
    std::uint64_t old_sequence = 0;
    std::uint32_t old_bytes = 0;
};

// What an ended job's records say it takes.
template <class Core>
[[nodiscard]] result<std::pair<std::uint64_t, std::uint32_t>> sequence_and_bytes(Core& core, ref job)
{
    using pair = std::pair<std::uint64_t, std::uint32_t>;
    if (core.index.is_live(job)) return pair{core.index.live(job).node.sequence, core.index.live(job).bytes};
    auto record = core.read(core.index.ended(job).last);
    if (!record) return fail(record.error());
    if (record->type == record_type::end) {
        auto end = read_end(record->content);
        if (!end) return fail(end.error());
        return pair{end->sequence, end->image_bytes};
    }
    auto head = read_head(record->content);
    if (!head) return fail(head.error());
    return pair{head->sequence, static_cast<std::uint32_t>(record->bytes)};
}

// Forgets jobs.
template <class Core>
class remove_call {
public:
    explicit remove_call(Core& core) : core_{core} {}

    [[nodiscard]] static std::uint64_t bytes_max(std::size_t jobs) noexcept { return 64 + 10 * jobs; }

    [[nodiscard]] result<void> remove(ref job)
    {
        if (auto done = collect_outputs(core_, core_.index.last_of(job), dead_files_); !done) return done;
        auto known = sequence_and_bytes(core_, job);
        if (!known) return fail(known.error());
        core_.index.erase(job, known->first, known->second);
        gone_.push_back(known->first);
        return {};
    }
    void write()
    {
        if (Core::guards::log_removals && !gone_.empty()) append_remove(core_.body, gone_);
    }
    [[nodiscard]] const std::vector<output_number>& dead_files() const noexcept { return dead_files_; }
    [[nodiscard]] std::size_t removed() const noexcept { return gone_.size(); }

private:
    Core& core_;
    std::vector<std::uint64_t> gone_;
    std::vector<output_number> dead_files_;
};

// The oldest ended jobs of each queue and kind first, up to `limit`. Jobs that do not match for their tag are looked
// at, all of them.
template <class Core>
[[nodiscard]] result<void> purge_jobs(Core& core, const job_filter& filter, std::size_t limit,
                                      remove_call<Core>& removing)
{
    result<void> outcome;
    auto& lanes = core.index.all_lanes();
    const auto clear = [&](ref lane, state s) -> result<void> {
        for (ref at = core.index.first_ended(lane, s); at != 0 && removing.removed() < limit;) {
            const ref next = core.index.ended(at).after;
            if (!filter.tag.empty() || filter.updated_before != timestamp_max) {
                auto image = core.load(at);
                if (!image) return fail(image.error());
                if (image->record.updated_at >= filter.updated_before) return {};
                if (!filter.tag.empty() && image->record.job.tag != filter.tag) {
                    at = next;
                    continue;
                }
            }
            if (auto done = removing.remove(at); !done) return done;
            at = next;
        }
        return {};
    };
    lanes.for_each_queue([&](ref queue) {
        if (!filter.queue.empty() &&
            read_text(core.index.space(), core.index.space().template get<queue_slot>(queue)->name) != filter.queue)
            return true;
        return lanes.for_each_lane(queue, [&](ref lane) {
            if (!filter.kind.empty() && lanes.kind_of(lane) != filter.kind) return true;
            for (const state s : {state::completed, state::dead, state::cancelled})
                if (outcome && (!filter.state || *filter.state == s)) outcome = clear(lane, s);
            return outcome && removing.removed() < limit;
        });
    });
    return outcome;
}

// Writes jobs again, whole and changed: revive and reprioritise.
template <class Core>
class rewrite_call {
public:
    explicit rewrite_call(Core& core) : core_{core} {}

    // `edit(image)` changes what is written; with `renumber`, the job comes to stand last.
    template <class Edit>
    [[nodiscard]] result<void> add(ref job, bool renumber, Edit&& edit)
    {
        auto known = sequence_and_bytes(core_, job);
        if (!known) return fail(known.error());
        auto image = core_.load(job);
        if (!image) return fail(image.error());
        image->record.sequence = renumber ? ++newest() : known->first;
        edit(*image);
        jobs_.push_back({job, core_.body.size(), known->first, known->second});
        append_job(core_.body, *image);
        return {};
    }
    [[nodiscard]] std::size_t size() const noexcept { return jobs_.size(); }

    // After core.prepare: the index follows.
    [[nodiscard]] result<void> apply()
    {
        for (std::size_t i = 0; i < jobs_.size(); ++i) {
            const auto& j = jobs_[i];
            auto record = read_record(std::string_view{core_.body}.substr(j.offset));
            if (!record) return fail(record.error());
            auto head = read_head(record->content);
            if (!head) return fail(head.error());
            const bool vanishes = head->retention <= duration::zero();
            core_.index.erase(j.job, j.old_sequence, j.old_bytes);
            core_.index.add(*head, core_.index.hash(head->id), core_.at(j.offset),
                            static_cast<std::uint32_t>(record->bytes), vanishes);
        }
        return {};
    }

private:
    std::uint64_t& newest()
    {
        if (newest_ == 0) newest_ = core_.index.roots().last_sequence;
        return newest_;
    }
    Core& core_;
    std::vector<rewritten_job> jobs_;
    std::uint64_t newest_ = 0;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/store/clean.hpp
// Compaction: the log is cleaned from its oldest segment on, a little at a time.
#ifndef QUEUECTL_JOURNAL_STORE_CLEAN_HPP
#define QUEUECTL_JOURNAL_STORE_CLEAN_HPP

namespace queuectl::inline v0::journal {

// For each byte that is appended so many are looked at, at least Guards::clean_bytes_min a turn: cleaning keeps ahead
// even when half of what it looks at is alive.
inline constexpr std::uint64_t clean_ahead = 4;
inline constexpr std::uint64_t clean_bytes_max = std::uint64_t{256} << 10;

template <class Guards>
[[nodiscard]] bool needs_cleaning(const index_roots& roots) noexcept
{
    return roots.log_bytes > 2 * roots.live_bytes + Guards::clean_slack_bytes;
}

// Looks at the next records of the oldest segment. What is alive is written again, at the log's end; what was looked
// at is not needed any more then. Requires: no change is under way.
template <class Core>
class clean_step {
public:
    clean_step(Core& core, std::uint64_t lowest, std::uint64_t newest) : core_{core}, newest_{newest}
    {
        const auto& roots = core.index.roots();
        at_ = {roots.clean_segment, roots.clean_frame, roots.clean_record};
        if (at_.number < lowest) at_ = {lowest, frames_begin, 0};
    }

    // Puts into core.body what of the next `budget` bytes is alive; the index follows in apply().
    [[nodiscard]] result<void> look(std::uint64_t budget)
    {
        std::uint64_t looked = 0;
        while (looked < budget && core_.body.size() < budget && !segment_done_ && at_.number < newest_) {
            auto bytes = look_at_frame(budget - looked);
            if (!bytes) return fail(bytes.error());
            looked += *bytes;
        }
        return {};
    }

    // After core.prepare for core.body. Requires: index room for moved() changes.
    void apply()
    {
        for (const auto& m : moves_) {
            if (m.job != 0)
                core_.index.set_image(m.job, core_.at(m.offset), m.bytes, m.bytes_before, m.has_error);
            else
                core_.config.move(m.entry, core_.at(m.offset));
        }
        auto& roots = core_.index.roots();
        auto& space = core_.index.space();
        space.touch(roots.clean_segment) = at_.number;
        space.touch(roots.clean_frame) = at_.frame;
        space.touch(roots.clean_record) = at_.record;
    }
    [[nodiscard]] std::size_t moved() const noexcept { return moves_.size(); }

    // The segment that is not needed any more once what was moved is durable; 0 = none.
    [[nodiscard]] std::uint64_t done_segment() const noexcept { return segment_done_ ? at_.number : 0; }

private:
    struct cursor {
        std::uint64_t number = 0;  // of the segment
        std::uint64_t frame = 0;   // offset in the file
        std::uint64_t record = 0;  // offset in the frame's body
    };
    struct move {
        ref job = 0;  // or
        ref entry = 0;
        std::size_t offset = 0;  // in core.body
        std::uint32_t bytes = 0;
        std::uint32_t bytes_before = 0;
        bool has_error = false;
    };

    // Returns how many bytes were looked at.
    result<std::uint64_t> look_at_frame(std::uint64_t budget)
    {
        auto head = core_.log().read(at_.number, at_.frame, frame_header_bytes);
        const bool none = !head || load_frame_header(head->data()).sequence == 0;
        if (none) {
            segment_done_ = true;
            return std::uint64_t{0};
        }
        const frame_header h = load_frame_header(head->data());
        const std::uint64_t end = h.type == frame_type::transaction ? h.body_bytes : 0;
        std::uint64_t looked = frame_header_bytes;
        for (; at_.record < end && looked < budget;) {
            const location where = locate(at_.number, at_.frame + frame_header_bytes + at_.record);
            auto record = core_.read(where);
            if (!record) return fail(record.error());
            const auto bytes = record->bytes;
            if (auto done = look_at(where, *record); !done) return fail(done.error());
            at_.record += bytes;
            looked += bytes;
        }
        if (at_.record < end) return looked;
        at_.frame += frame_bytes(h.body_bytes);
        at_.record = 0;
        return looked;
    }

    result<void> look_at(location where, const record_view& record)
    {
        if (record.type == record_type::job) return look_at_job(where, record.content);
        if (record.type == record_type::config) return look_at_entry(where, record.content);
        return {};
    }

    result<void> look_at_job(location where, std::string_view content)
    {
        auto head = read_head(content);
        if (!head) return fail(head.error());
        const ref job = core_.index.by_sequence(head->sequence);
        if (job == 0) return {};
        auto image_at = core_.for_each_end(core_.index.last_of(job), [](location, const end_view&) { return true; });
        if (!image_at) return fail(image_at.error());
        if (*image_at != where) return {};
        if (!Core::guards::move_images) return {};
        auto known = sequence_and_bytes(core_, job);
        if (!known) return fail(known.error());
        auto image = core_.load(job);
        if (!image) return fail(image.error());
        move m;
        m.job = job;
        m.offset = core_.body.size();
        append_job(core_.body, *image);
        m.bytes = static_cast<std::uint32_t>(core_.body.size() - m.offset);
        m.bytes_before = known->second;
        m.has_error = !image->record.error.empty();
        moves_.push_back(m);
        return {};
    }

    result<void> look_at_entry(location where, std::string_view content)
    {
        auto entry = read_config(content);
        if (!entry) return fail(entry.error());
        const ref at = core_.config.find(entry->key);
        if (at == 0 || core_.config.get(at).at != where) return {};
        move m;
        m.entry = at;
        m.offset = core_.body.size();
        append_config(core_.body, *entry);
        moves_.push_back(m);
        return {};
    }

    Core& core_;
    std::uint64_t newest_;
    cursor at_;
    bool segment_done_ = false;
    std::vector<move> moves_;
};

// What a trim says beside the first segment: what is remembered though no record of it is left.
template <class Core>
void append_remembered(Core& core, std::string& out)
{
    auto& space = core.index.space();
    const auto& roots = core.index.roots();
    std::vector<std::string_view> names;
    core.index.all_lanes().for_each_queue([&](ref queue) {
        names.push_back(read_text(space, space.template get<queue_slot>(queue)->name));
        return true;
    });
    append_queues(out, names);
    const std::uint64_t last[1] = {roots.last_sequence};
    if (last[0] != 0 && core.index.by_sequence(last[0]) == 0) append_remove(out, last);
    append_unconfig(out, {}, roots.config_version);
    header_record header;
    header.created_at = timestamp{duration{roots.created_at}};
    header.state = static_cast<std::uint8_t>(roots.store_state);
    if (roots.moved_to != 0) header.moved_to = read_text(space, roots.moved_to);
    append_header(out, header);
}

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/store/replay.hpp
// Listens to the log: the index follows what others have written, or what was written before.
#ifndef QUEUECTL_JOURNAL_STORE_REPLAY_HPP
#define QUEUECTL_JOURNAL_STORE_REPLAY_HPP

namespace queuectl::inline v0::journal {

// The log's sink. Each frame changes the index as a whole. The first error stops it: what comes after is not heard,
// and failure() says why.
template <class Core>
class replay {
public:
    replay(Core& core, const uid& boot) : core_{&core}, boot_{boot} {}

    [[nodiscard]] const std::optional<error>& failure() const noexcept { return failure_; }
    void forget_failure() noexcept { failure_.reset(); }

    // Whether the index can be used as it is; else it must be told everything.
    [[nodiscard]] bool valid() { return core_->index.space().valid(boot_, core_->log().store(), index_layout); }

    [[nodiscard]] log_position heard()
    {
        if (Core::guards::roll_back_dead && core_->index.space().pending())
            core_->index.space().rollback();  // its holder has died
        auto& roots = core_->index.roots();
        return valid() && roots.any_heard != 0 ? roots.heard : log_position{};
    }
    void restart()
    {
        failure_.reset();
        if (auto done = core_->index.space().clear(boot_, core_->log().store(), index_layout); !done)
            failure_ = done.error();
    }
    void frame(const log_position& behind, const frame_place& place, std::string_view body)
    {
        if (failure_) return;
        auto done = apply(place, body);
        if (done) {
            core_->heard(behind);
            core_->index.space().commit();
        } else {
            core_->index.space().rollback();
            failure_ = done.error();
        }
    }

private:
    result<void> apply(const frame_place& place, std::string_view body)
    {
        for (std::size_t at = 0; at < body.size();) {
            auto record = read_record(body.substr(at));
            if (!record) return fail(record.error());
            const location where = locate(place.segment, place.offset + at);
            if (auto done = apply(where, *record); !done) return done;
            at += record->bytes;
        }
        return {};
    }

    result<void> apply(location where, const record_view& r)
    {
        switch (r.type) {
            case record_type::job: return job(where, r);
            case record_type::claim: return claim(r.content);
            case record_type::extend: return extend(r.content);
            case record_type::end: return end(where, r.content);
            case record_type::change: return change(r.content);
            case record_type::remove: return remove(r.content);
            case record_type::config: return config(where, r);
            case record_type::unconfig: return unconfig(r.content);
            case record_type::queues: return queues(r.content);
            case record_type::header: return header(r.content);
        }
        return {};  // one to skip
    }
    static failure_value too_new()
    {
        return fail(errc::wrong_version, "read the journal", "a record's type is newer than this program");
    }

    // An image replaces all that was known of the job.
    result<void> job(location where, const record_view& r)
    {
        auto head = read_head(r.content);
        if (!head) return fail(head.error());
        auto& index = core_->index;
        if (auto room = index.reserve_for(head->sequence); !room) return room;
        const auto hash = index.hash(head->id);
        if (const ref known = index.find(head->id, hash); known != 0)
            if (auto done = drop(known); !done) return done;
        const auto bytes = static_cast<std::uint32_t>(r.bytes);
        if (index.add(*head, hash, where, bytes, head->retention <= duration::zero()) == 0)
            return fail(errc::corrupt, "read the journal", "there are too many queues and kinds");
        return {};
    }
    result<void> drop(ref job)
    {
        if (core_->index.is_live(job)) {
            const auto& slot = core_->index.live(job);
            core_->index.erase(job, slot.node.sequence, slot.bytes);
            return {};
        }
        auto known = sequence_and_bytes(*core_, job);
        if (!known) return fail(known.error());
        core_->index.erase(job, known->first, known->second);
        return {};
    }

    // Jobs that are not there were removed, or were moved on with all that is said here.
    result<void> claim(std::string_view content)
    {
        auto c = read_claim(content, sequences_);
        if (!c) return fail(c.error());
        if (auto room = core_->index.reserve(0, c->sequences.size()); !room) return room;
        for (std::size_t i = 0; i < c->sequences.size(); ++i) {
            const ref at = core_->index.by_sequence(c->sequences[i]);
            if (at == 0 || !is_waiting(core_->index.state_of(at))) continue;
            const lease_token token{c->nonce, c->first_ordinal + static_cast<std::uint32_t>(i)};
            core_->index.lease(at, token, c->worker, c->now, c->lease);
        }
        return {};
    }
    result<void> extend(std::string_view content)
    {
        auto e = read_extend(content, sequences_);
        if (!e) return fail(e.error());
        if (auto room = core_->index.reserve(0, e->sequences.size()); !room) return room;
        for (const auto sequence : e->sequences) {
            const ref at = core_->index.by_sequence(sequence);
            if (at != 0 && core_->index.state_of(at) == state::processing)
                core_->index.all_leases().extend(at, e->now, e->length);
        }
        return {};
    }
    result<void> end(location where, std::string_view content)
    {
        auto e = read_end(content);
        if (!e) return fail(e.error());
        const ref at = core_->index.by_sequence(e->sequence);
        if (at == 0 || !core_->index.is_live(at)) return {};
        if (auto room = core_->index.reserve(0, 1); !room) return room;
        end_record r{};
        r.sequence = e->sequence;
        r.previous = e->previous;
        r.state = e->state;
        r.now = e->now;
        r.run_at = e->run_at;
        r.attempts = e->attempts;
        r.crashes = e->crashes;
        r.image_bytes = e->image_bytes;
        core_->index.end(at, r, where);
        return {};
    }
    result<void> change(std::string_view content)
    {
        auto c = read_change(content);
        if (!c) return fail(c.error());
        const ref at = core_->index.by_sequence(c->sequence);
        if (at == 0 || core_->index.state_of(at) != state::processing) return {};
        if (auto room = core_->index.reserve(0, 1); !room) return room;
        if (c->kind != change_kind::cancel_requested) return too_new();
        core_->index.request_cancel(at);
        return {};
    }
    result<void> remove(std::string_view content)
    {
        if (auto done = read_remove(content, sequences_); !done) return done;
        if (auto room = core_->index.reserve(0, sequences_.size()); !room) return room;
        auto& roots = core_->index.roots();
        for (const auto sequence : sequences_) {
            if (roots.last_sequence < sequence) core_->index.space().touch(roots.last_sequence) = sequence;
            if (const ref at = core_->index.by_sequence(sequence); at != 0)
                if (auto done = drop(at); !done) return done;
        }
        return {};
    }

    result<void> config(location where, const record_view& r)
    {
        auto entry = read_config(r.content);
        if (!entry) return fail(entry.error());
        if (auto room = core_->index.reserve(1, 1); !room) return room;
        core_->config.put(entry->key, entry->version, entry->expires_at.time_since_epoch().count(), where,
                          static_cast<std::uint32_t>(r.bytes));
        return {};
    }
    result<void> unconfig(std::string_view content)
    {
        auto gone = read_unconfig(content);
        if (!gone) return fail(gone.error());
        if (auto room = core_->index.reserve(0, 1); !room) return room;
        core_->config.erase(gone->key);
        core_->config.note(gone->version);
        return {};
    }
    result<void> queues(std::string_view content)
    {
        std::vector<std::string_view> names;
        if (auto done = read_queues(content, names); !done) return done;
        if (auto room = core_->index.reserve(names.size(), 0); !room) return room;
        for (const auto name : names) core_->index.all_lanes().find_or_make_queue(name);
        return {};
    }
    result<void> header(std::string_view content)
    {
        auto h = read_header(content);
        if (!h) return fail(h.error());
        if (auto room = core_->index.reserve(1, 1); !room) return room;
        core_->set_header(*h);
        return {};
    }

    Core* core_;
    uid boot_;
    std::optional<error> failure_;
    std::vector<std::uint64_t> sequences_;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/process/wake_word.hpp
// Pushed wake-ups between the processes of one store, through its control page. POSIX.
#ifndef QUEUECTL_PROCESS_WAKE_WORD_HPP
#define QUEUECTL_PROCESS_WAKE_WORD_HPP

namespace queuectl::inline v0 {

// The two counters of change_counts. Any thread of any process may call any member; a process that dies here
// leaves nothing wrong (a sleeper that died stays counted: one needless system call a bump).
class wake_word {
public:
    explicit wake_word(control_words& words)
        : words_{&words}, interrupts_{std::make_unique<std::atomic<std::uint32_t>>(0)}
    {
    }

    [[nodiscard]] change_counts changes() const noexcept { return {words_->work.load(), words_->control.load()}; }

    void bump_work() noexcept { bump(words_->work); }
    void bump_control() noexcept { bump(words_->control); }

    // Blocks until changes() != seen, interrupt() or `most` has passed; returns changes().
    change_counts wait(change_counts seen, duration most)
    {
        const auto interrupts = interrupts_->load();
        const auto deadline = detail::monotonic_us() + saturate(most).count();
        words_->sleepers.fetch_add(1);
        for (;;) {
            const auto any = words_->any.load();
            if (changes() != seen || interrupts_->load() != interrupts) break;
            const auto left = deadline - detail::monotonic_us();
            if (left <= 0) break;
            detail::futex_wait(words_->any, any, duration{left});
        }
        words_->sleepers.fetch_sub(1);
        return changes();
    }

    // Ends every current wait of this object; those of others go on.
    void interrupt() noexcept
    {
        interrupts_->fetch_add(1);
        wake();
    }

private:
    void bump(detail::shared_word& word) noexcept
    {
        word.fetch_add(1);
        wake();
    }
    void wake() noexcept
    {
        words_->any.fetch_add(1);
        if (words_->sleepers.load() != 0) detail::futex_wake(words_->any, 1 << 20);
    }

    control_words* words_;
    std::unique_ptr<std::atomic<std::uint32_t>> interrupts_;
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/journal/store/session.hpp
// An open journal: its log and its index, and how a change of both is made.
#ifndef QUEUECTL_JOURNAL_STORE_SESSION_HPP
#define QUEUECTL_JOURNAL_STORE_SESSION_HPP

namespace queuectl::inline v0::journal {

// Whether a store may be changed. The numbers are stored.
enum class store_state : std::uint8_t { open = 0, read_only = 1, moved = 2 };

// Any number of threads. FileSystem, Gate, the words and the index memory are shared by all who have the store open.
template <file_system FileSystem, class Gate, class Guards>
class session {
public:
    using log_type = log<FileSystem, Gate, Guards>;
    using core_type = store_core<log_type, Guards>;
    using turn_type = typename log_type::turn;

    // `kept` lives as long as the session.
    session(std::shared_ptr<void> kept, std::unique_ptr<log_type> opened, index_memory memory, control_words& control,
            const log_options& options, std::string where)
        : kept_{std::move(kept)},
          log_{std::move(opened)},
          core_{*log_, std::move(memory)},
          replay_{core_, options.boot},
          wake_{control},
          random_{options.random},
          location_{std::move(where)},
          mode_{options.mode},
          process_{::getpid()}
    {
    }
    session(const session&) = delete;
    session& operator=(const session&) = delete;
    // In a forked child everything is left as it is: it belongs to the parent.
    ~session()
    {
        if (!forked()) static_cast<void>(log_->settle_down(replay_));
    }

    [[nodiscard]] FileSystem& fs() noexcept { return log_->files(); }
    [[nodiscard]] wake_word& wake() noexcept { return wake_; }
    [[nodiscard]] const std::string& where() const noexcept { return location_; }
    [[nodiscard]] queuectl::durability mode() const noexcept { return mode_; }
    [[nodiscard]] uid store() noexcept { return log_->store(); }
    [[nodiscard]] output_number new_output_number() noexcept
    {
        const std::scoped_lock one{drawing_};
        return random_() | 1;
    }

    // Runs `body(core, turn)` → result<void>, which changes the index and puts records into core.body, and appends
    // those. With `wait`, all of it is as durable as the mode promises when this returns. After an error nothing has
    // changed, or it is errc::outcome_unknown. `body` runs again when a failed sync of somebody else's came between.
    template <class Body>
    [[nodiscard]] result<void> write(const char* verb, bool wait, append_room room, Body&& body)
    {
        log_ticket ticket;
        for (int left = repairs_max;; --left) {
            auto turn = take(verb);
            if (!turn) return fail(turn.error());
            if (auto open = check_writable(verb); !open) return open;
            auto done = change(*turn, room, ticket, body);
            if (done) {
                clean(*turn);
                break;
            }
            if (left == 0 || !log_->needs_rescue() || done.error().code == errc::outcome_unknown)
                return named(verb, done.error());
        }
        if (!wait || !Guards::sync_writes) return {};
        auto synced = log_->sync(ticket);
        return synced ? synced : named(verb, synced.error());
    }

    // Runs `body(core)` → result<void> on one state of the store.
    template <class Body>
    [[nodiscard]] result<void> read(const char* verb, Body&& body)
    {
        auto turn = take(verb);
        if (!turn) return fail(turn.error());
        core_.forget();
        auto done = body(core_);
        return done ? result<void>{} : named(verb, done.error());
    }

    // The store's own state; changes it whatever it is.
    [[nodiscard]] result<void> set_header(const char* verb, const header_record& header)
    {
        log_ticket ticket;
        {
            auto turn = take(verb);
            if (!turn) return fail(turn.error());
            auto done = change(*turn, append_room::reserve, ticket, [&](core_type& core, turn_type& t) {
                if (auto room = core.index.reserve(1, 1); !room) return room;
                if (auto place = core.prepare(t, 1024 + header.moved_to.size(), append_room::reserve); !place)
                    return place;
                append_header(core.body, header);
                core.set_header(header);
                return result<void>{};
            });
            if (!done) return named(verb, done.error());
        }
        auto synced = log_->sync(ticket);
        return synced ? synced : named(verb, synced.error());
    }

    // notifying_storage's wait, with a look at the log every five seconds: who appends may die before it tells.
    change_counts wait(change_counts seen, duration most)
    {
        const auto deadline = queuectl::detail::monotonic_us() + saturate(most).count();
        for (;;) {
            const auto written = log_->written();
            const auto left = deadline - queuectl::detail::monotonic_us();
            const auto start = queuectl::detail::monotonic_us();
            const auto now = wake_.wait(seen, std::min(duration{left}, look_again));
            const bool looked = queuectl::detail::monotonic_us() - start >= look_again.count();
            if (now != seen || left <= look_again.count() || !looked) return now;
            if (log_->written() != written) wake_.bump_work();
        }
    }

    void remove_outputs(const std::vector<output_number>& files)
    {
        for (const auto number : files) static_cast<void>(fs().remove(output_name(number)));
    }

private:
    failure_value named(const char* verb, const error& why) const
    {
        error e = why;
        e.operation = std::string{verb} + ' ' + location_ + (why.operation.empty() ? "" : ": " + why.operation);
        return failure_value{std::move(e)};
    }

    static constexpr int repairs_max = 3;
    static constexpr duration look_again{5'000'000};

    [[nodiscard]] bool forked() const noexcept { return ::getpid() != process_; }

    result<turn_type> take(const char* verb)
    {
        if (forked())
            return fail(errc::unsupported, std::string{verb} + ' ' + location_,
                        "a store must be opened again after fork");
        if (auto there = check_folder(verb); !there) return fail(there.error());
        auto turn = log_->take_turn(replay_);
        if (!turn) return named(verb, turn.error());
        if (replay_.failure()) {
            auto why = named(verb, *replay_.failure());
            replay_.forget_failure();
            return why;
        }
        return turn;
    }

    result<void> check_writable(const char* verb)
    {
        const auto& roots = core_.index.roots();
        switch (static_cast<store_state>(roots.store_state)) {
            case store_state::open: return {};
            case store_state::moved:
                return fail(errc::moved, std::string{verb} + ' ' + location_,
                            std::string{roots.moved_to == 0 ? std::string_view{}
                                                            : read_text(core_.index.space(), roots.moved_to)});
            case store_state::read_only: break;
        }
        return fail(errc::read_only, std::string{verb} + ' ' + location_, "the store is read-only");
    }

    // What is written to a folder that was removed is lost, and others may have made a new store in its place.
    result<void> check_folder(const char* verb)
    {
        if constexpr (requires { fs().folder().still_there(); })
            if (mode_ != queuectl::durability::none && !fs().folder().still_there())
                return fail(errc::unreachable, std::string{verb} + ' ' + location_, "the store was removed");
        return {};
    }

    template <class Body>
    result<void> change(turn_type& turn, append_room room, log_ticket& ticket, Body&& body)
    {
        core_.forget();
        result<void> done = body(core_, turn);
        ticket = turn.seen();
        if (done && !Guards::append_first) core_.index.space().commit();
        if (done && !core_.body.empty()) {
            auto appended = turn.append(core_.body, room);
            if (!appended)
                done = fail(appended.error());
            else if (Guards::own_ticket)
                ticket = *appended;
        }
        if (!done) {
            if (Guards::roll_back_failed)
                core_.index.space().rollback();
            else
                core_.index.space().commit();
            return done;
        }
        core_.index.step(core_.index.space().remembered() / sizeof(order_node));
        core_.heard(turn.position());
        core_.index.space().commit();
        return done;
    }

    // A step of compaction, where it is due. It may fail: nothing has changed then, and the next step tries again.
    void clean(turn_type& turn)
    {
        auto& roots = core_.index.roots();
        if (!needs_cleaning<Guards>(roots)) return;
        const auto budget =
            std::min(std::max(clean_ahead * core_.body.size(), Guards::clean_bytes_min), clean_bytes_max);
        clean_step<core_type> step{core_, log_->lowest(), roots.heard.segment};
        log_ticket ticket;
        auto moved = change(turn, append_room::normal, ticket, [&](core_type& core, turn_type& t) -> result<void> {
            if (auto looked = step.look(budget); !looked) return looked;
            if (auto room = core.index.reserve(0, 1 + step.moved()); !room) return room;
            if (auto place = core.prepare(t, core.body.size(), append_room::normal); !place) return place;
            step.apply();
            return {};
        });
        if (moved && step.done_segment() != 0) trim(turn, step.done_segment());
        static_cast<void>(log_->drop_trimmed());
    }
    // What follows the segment is the log from now on.
    void trim(turn_type& turn, std::uint64_t segment)
    {
        auto& roots = core_.index.roots();
        if (auto room = core_.index.reserve(0, 1); !room) return;
        core_.body.clear();
        if (Guards::remember) append_remembered(core_, core_.body);
        if (auto done = turn.trim(segment + 1, core_.body); !done) return;
        auto& space = core_.index.space();
        space.touch(roots.log_bytes) -= roots.clean_frame - frames_begin;
        space.touch(roots.clean_segment) = segment + 1;
        space.touch(roots.clean_frame) = frames_begin;
        space.touch(roots.clean_record) = 0;
        core_.heard(turn.position());
        space.commit();
    }

    std::shared_ptr<void> kept_;
    std::unique_ptr<log_type> log_;
    core_type core_;            // under the turn
    replay<core_type> replay_;  // under the turn
    wake_word wake_;
    std::mutex drawing_;
    random_source random_;
    std::string location_;
    queuectl::durability mode_;
    ::pid_t process_;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/store/settle.hpp
// settle and extend, on a journal.
#ifndef QUEUECTL_JOURNAL_STORE_SETTLE_HPP
#define QUEUECTL_JOURNAL_STORE_SETTLE_HPP

namespace queuectl::inline v0::journal {

// One call of settle. `files[i]`: the file with the output of settlements[i]; 0 = it goes into the log, or there is
// none.
template <class Core>
class settle_call {
public:
    settle_call(Core& core, std::span<const settlement> settlements, std::span<settle_status> statuses,
                std::span<const output_number> files, timestamp now)
        : core_{core}, settlements_{settlements}, statuses_{statuses}, files_{files}, now_{now}
    {
    }

    [[nodiscard]] std::uint64_t bytes_max()
    {
        jobs_.resize(settlements_.size());
        std::uint64_t bytes = 0;
        for (std::size_t i = 0; i < settlements_.size(); ++i) {
            const settlement& s = settlements_[i];
            jobs_[i] = core_.index.find(s.receipt.id);
            if (!core_.holds(jobs_[i], s.receipt.token)) continue;
            end_record r{};
            attempt run;
            if (s.report) run.worker = core_.index.all_leases().holder(core_.index.live(jobs_[i]));
            r.run = s.report ? &run : nullptr;
            r.error = s.error;
            r.result = s.result;
            const auto output = s.report ? s.report->output.head.size() + s.report->output.tail.size() : 0;
            const auto text = s.report ? s.report->error.size() : 0;
            bytes += finish_bytes_max(r, core_.index.live(jobs_[i]).bytes) + 2 * (output + 2 * text);
        }
        return bytes;
    }

    [[nodiscard]] result<void> run()
    {
        for (std::size_t i = 0; i < settlements_.size(); ++i) {
            auto status = settle_one(settlements_[i], jobs_[i], files_.empty() ? output_number{0} : files_[i]);
            if (!status) return fail(status.error());
            statuses_[i] = *status;
        }
        return {};
    }
    // Files that no job names.
    [[nodiscard]] const std::vector<output_number>& dead_files() const noexcept { return dead_files_; }
    [[nodiscard]] bool any_waits() const noexcept { return any_waits_; }

private:
    result<settle_status> settle_one(const settlement& s, ref job, output_number file)
    {
        if (core_.holds(job, s.receipt.token)) {
            auto done = apply(s, job, file);
            return done ? result<settle_status>{settle_status::applied} : fail(done.error());
        }
        if (file != 0) dead_files_.push_back(file);
        if (job == 0) return settle_status::gone;
        auto token = core_.settled_token(core_.index.last_of(job));
        if (!token) return fail(token.error());
        const bool again = Core::guards::repeat_settles && s.receipt.token && *token == s.receipt.token;
        return again ? settle_status::applied : settle_status::lease_lost;
    }

    result<void> apply(const settlement& s, ref job, output_number file)
    {
        const live_slot& slot = core_.index.live(job);
        const auto& lease = core_.index.all_leases().of(slot);
        end_record r{};
        const state before = slot.was_failed ? state::failed : state::pending;
        r.state = state_after(s.verdict.kind, before, slot.cancel_requested);
        if (r.state == state::completed && slot.vanishes) return vanish(job, file);
        r.now = now_;
        r.run_at = wall(lease.run_at);
        if (s.verdict.kind == verdict_kind::retry && is_waiting(r.state))
            r.run_at = timestamp{saturate(s.verdict.retry_at.time_since_epoch())};
        r.attempts = slot.attempts + (s.report ? 1 : 0);
        r.crashes = slot.crashes;
        r.token = s.receipt.token;
        r.was_failed = slot.was_failed;
        attempt run;
        if (s.report) {
            run = *s.report;
            run.number = slot.attempts + slot.crashes + 1;
            run.worker = core_.index.all_leases().holder(slot);
            const auto& out = run.output;
            if (run.output_bytes == 0) run.output_bytes = out.head.size() + out.tail.size() + out.dropped_bytes;
            r.run = &run;
            r.output_file = file;
        }
        r.error = s.report && s.error.empty() ? std::string_view{s.report->error} : std::string_view{s.error};
        if (r.state == state::completed) r.error = {};
        r.set_error = r.state == state::completed || s.report || !r.error.empty();
        r.set_result = r.state == state::completed || !s.result.empty();
        r.result = s.result;
        any_waits_ = any_waits_ || is_waiting(r.state);
        return finish(core_, job, r);
    }

    // Completed, and not to be kept.
    result<void> vanish(ref job, output_number file)
    {
        if (file != 0) dead_files_.push_back(file);
        const auto& slot = core_.index.live(job);
        if (slot.last != slot.image)
            if (auto done = collect_outputs(core_, slot.last, dead_files_); !done) return done;
        const std::uint64_t sequence[1] = {slot.node.sequence};
        append_remove(core_.body, sequence);
        core_.index.erase(job, sequence[0], slot.bytes);
        return {};
    }

    Core& core_;
    std::span<const settlement> settlements_;
    std::span<settle_status> statuses_;
    std::span<const output_number> files_;
    timestamp now_;
    std::vector<ref> jobs_;
    std::vector<output_number> dead_files_;
    bool any_waits_ = false;
};

// Heartbeats; writes what a receipt needs at most extend_bytes_max(receipts).
template <class Core>
[[nodiscard]] result<void> extend_leases(Core& core, std::span<const receipt> receipts, duration length,
                                         std::span<extend_status> statuses, const instant& now)
{
    std::vector<std::uint64_t> held;
    for (std::size_t i = 0; i < receipts.size(); ++i) {
        const ref job = core.index.find(receipts[i].id);
        statuses[i] = extend_status::lease_lost;
        if (!core.holds(job, receipts[i].token)) continue;
        const auto& slot = core.index.live(job);
        statuses[i] = slot.cancel_requested ? extend_status::cancel_requested : extend_status::held;
        core.index.all_leases().extend(job, now, length);
        held.push_back(slot.node.sequence);
    }
    if (!held.empty()) append_extend(core.body, {now, length, held});
    return {};
}

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/store/verbs.hpp
// The four verbs of a journal.
#ifndef QUEUECTL_JOURNAL_STORE_VERBS_HPP
#define QUEUECTL_JOURNAL_STORE_VERBS_HPP

namespace queuectl::inline v0::journal {

template <class Session>
class verbs {
public:
    static constexpr std::size_t max_batch = 1000;

    [[nodiscard]] result<void> insert(std::span<const job> jobs, std::span<insert_status> statuses, const instant& now)
    {
        QUEUECTL_ASSERT(jobs.size() <= max_batch && statuses.size() >= jobs.size());
        auto done = session_->write("insert", true, append_room::normal, [&](core& c, turn& t) {
            return insert_call<core>{c, jobs, statuses, now.wall}.run(t);
        });
        if (done) session_->wake().bump_work();
        return done;
    }

    [[nodiscard]] result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        return settle_and_claim_with({}, {}, &request, leases, now);
    }

    [[nodiscard]] result<void> extend(std::span<const receipt> receipts, duration length,
                                      std::span<extend_status> statuses, const instant& now)
    {
        QUEUECTL_ASSERT(receipts.size() <= max_batch && statuses.size() >= receipts.size());
        return session_->write("extend", false, append_room::reserve, [&](core& c, turn& t) -> result<void> {
            if (auto room = c.index.reserve(0, receipts.size()); !room) return room;
            if (auto place = c.prepare(t, 128 + 10 * receipts.size(), append_room::reserve); !place) return place;
            return extend_leases(c, receipts, length, statuses, now);
        });
    }

    [[nodiscard]] result<void> settle(std::span<const settlement> settlements, std::span<settle_status> statuses,
                                      const instant& now)
    {
        std::vector<lease> none;
        auto done = settle_and_claim_with(settlements, statuses, nullptr, none, now);
        if (!done) return fail(done.error());
        return {};
    }

    [[nodiscard]] result<claim_info> settle_and_claim(std::span<const settlement> settlements,
                                                      std::span<settle_status> statuses, const claim_request& request,
                                                      std::vector<lease>& leases, const instant& now)
    {
        return settle_and_claim_with(settlements, statuses, &request, leases, now);
    }

protected:
    using core = typename Session::core_type;
    using turn = typename Session::turn_type;

    explicit verbs(std::unique_ptr<Session> session, bool sync_claims)
        : session_{std::move(session)}, sync_claims_{sync_claims}
    {
    }

    std::unique_ptr<Session> session_;

private:
    result<claim_info> settle_and_claim_with(std::span<const settlement> settlements, std::span<settle_status> statuses,
                                             const claim_request* request, std::vector<lease>& leases,
                                             const instant& now)
    {
        QUEUECTL_ASSERT(settlements.size() <= max_batch && statuses.size() >= settlements.size());
        std::vector<output_number> files;
        if (auto done = write_outputs(settlements, files); !done) return fail(done.error());
        const std::size_t first = leases.size();
        std::vector<output_number> dead_files;
        claim_info info;
        bool any_waits = false;
        const auto room = settlements.empty() ? append_room::normal : append_room::reserve;
        auto done =
            session_->write(settlements.empty() ? "claim" : "settle", !settlements.empty() || sync_claims_, room,
                            [&](core& c, turn& t) -> result<void> {
                                leases.erase(leases.begin() + static_cast<std::ptrdiff_t>(first), leases.end());
                                settle_call<core> settling{c, settlements, statuses, files, now.wall};
                                auto bytes = settling.bytes_max();
                                std::size_t changes = settlements.size();
                                std::optional<claim_call<core>> claiming;
                                if (request != nullptr) {
                                    claiming.emplace(c, *request, leases, now, std::min(request->max, max_batch));
                                    bytes += claiming->bytes_max();
                                    changes += claiming->changes_max();
                                }
                                if (auto reserved = c.index.reserve(0, changes); !reserved) return reserved;
                                if (auto place = c.prepare(t, bytes, room); !place) return place;
                                if (auto settled = settling.run(); !settled) return settled;
                                any_waits = settling.any_waits();
                                dead_files = settling.dead_files();
                                if (!claiming) return {};
                                auto claimed = claiming->run();
                                if (!claimed) return fail(claimed.error());
                                info = *claimed;
                                return {};
                            });
        if (!done) {
            leases.erase(leases.begin() + static_cast<std::ptrdiff_t>(first), leases.end());
            if (done.error().code != errc::outcome_unknown) session_->remove_outputs(files);
            return fail(done.error());
        }
        session_->remove_outputs(dead_files);
        if (any_waits || info.reaped > 0) session_->wake().bump_work();
        return info;
    }

    // Writes the outputs that are too long for the log; files[i] is 0 where there is none. Empty = there are none.
    result<void> write_outputs(std::span<const settlement> settlements, std::vector<output_number>& files)
    {
        for (std::size_t i = 0; i < settlements.size(); ++i) {
            const auto& s = settlements[i];
            if (!s.report || !needs_file(s.report->output)) continue;
            files.resize(settlements.size());
            const auto number = session_->new_output_number();
            auto written = write_output<typename core::guards>(session_->fs(), number, s.report->output);
            if (!written) {
                session_->remove_outputs(files);
                return written;
            }
            files[i] = number;
        }
        if (files.empty() || !core::guards::sync_output_names) return {};
        auto synced = session_->fs().sync_directory();
        if (!synced) session_->remove_outputs(files);
        return synced;
    }

    bool sync_claims_;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/store/facets.hpp
// The facets of a journal.
#ifndef QUEUECTL_JOURNAL_STORE_FACETS_HPP
#define QUEUECTL_JOURNAL_STORE_FACETS_HPP

namespace queuectl::inline v0::journal {

template <class Session>
class facets : public verbs<Session> {
    using base = verbs<Session>;
    using typename base::core;
    using typename base::turn;

public:
    // ── inspectable_storage ──

    [[nodiscard]] result<store_info> info()
    {
        store_info i;
        i.format = format_version;
        i.min_reader = min_reader;
        i.min_writer = min_writer;
        i.id = session().store();
        i.location = session().where();
        i.durability = session().mode();
        auto done = session().read("info", [&](core& c) -> result<void> {
            const auto& roots = c.index.roots();
            i.read_only = roots.store_state == static_cast<std::uint32_t>(store_state::read_only);
            if (roots.moved_to != 0) i.moved_to = read_text(c.index.space(), roots.moved_to);
            return {};
        });
        if (!done) return fail(done.error());
        i.id = session().store();
        return i;
    }

    [[nodiscard]] result<std::optional<job_record>> find(std::string_view id)
    {
        std::optional<job_record> found;
        auto done = session().read("find", [&](core& c) -> result<void> {
            const ref job = c.index.find(id);
            if (job == 0) return {};
            auto image = c.load(job);
            if (!image) return fail(image.error());
            found = std::move(image->record);
            return {};
        });
        if (!done) return fail(done.error());
        return found;
    }

    // Looks at no more than limits::sweep jobs.
    [[nodiscard]] result<std::uint64_t> list(const job_filter& filter, const page_request& page,
                                             std::vector<job_record>& out)
    {
        std::uint64_t next = 0;
        auto done = session().read("list", [&](core& c) -> result<void> {
            auto listed = list_jobs(c, filter, page, out);
            if (!listed) return fail(listed.error());
            next = *listed;
            return {};
        });
        if (!done) return fail(done.error());
        return next;
    }

    [[nodiscard]] result<void> attempts(std::string_view id, std::vector<attempt>& out)
    {
        return session().read("attempts", [&](core& c) -> result<void> {
            const ref job = c.index.find(id);
            if (job == 0) return {};
            auto image = c.load(job);
            if (!image) return fail(image.error());
            for (auto& stored : image->attempts) {
                stored.run.output = {};
                out.push_back(std::move(stored.run));
            }
            return {};
        });
    }

    [[nodiscard]] result<run_output> output(std::string_view id, std::int32_t number)
    {
        std::optional<stored_attempt> run;
        auto done = session().read("output", [&](core& c) -> result<void> {
            const ref job = c.index.find(id);
            if (job == 0) return {};
            auto image = c.load(job);
            if (!image) return fail(image.error());
            for (auto& stored : image->attempts)
                if (stored.run.number == number) run = std::move(stored);
            return {};
        });
        if (!done) return fail(done.error());
        if (!run || run->run.output_bytes == 0)
            return fail(errc::not_found, "output " + std::string{id}, "no output is kept");
        if (run->output_file == 0) return std::move(run->run.output);
        auto out = read_output(session().fs(), run->output_file);
        if (!out) return out;
        out->dropped_bytes = run->run.output.dropped_bytes;
        return out;
    }

    [[nodiscard]] result<void> counts(std::vector<queue_counts>& out)
    {
        return session().read("counts", [&](core& c) -> result<void> {
            auto& space = c.index.space();
            c.index.all_lanes().for_each_queue([&](ref at) {
                const auto& queue = *space.template get<queue_slot>(at);
                auto& counts = out.emplace_back();
                counts.queue = read_text(space, queue.name);
                std::copy(std::begin(queue.counts), std::end(queue.counts), counts.by_state.begin());
                return true;
            });
            return {};
        });
    }

    [[nodiscard]] result<void> revive(std::span<const std::string> ids, std::span<change_status> statuses,
                                      const instant& now)
    {
        auto done = session().write("revive", true, append_room::normal, [&](core& c, turn& t) -> result<void> {
            rewrite_call<core> rewriting{c};
            for (std::size_t i = 0; i < ids.size(); ++i) {
                const ref job = c.index.find(ids[i]);
                statuses[i] = job == 0 ? change_status::not_found : change_status::conflict;
                if (job == 0) continue;
                const state s = c.index.state_of(job);
                if (s == state::pending || s == state::processing) continue;
                auto added = rewriting.add(job, true, [&](job_image& image) {
                    auto& r = image.record;
                    r.state = state::pending;
                    r.attempts = r.crashes = 0;
                    r.cancel_requested = false;
                    r.job.run_at = r.updated_at = now.wall;
                });
                if (!added) return added;
                statuses[i] = change_status::done;
            }
            return write_again(c, t, rewriting);
        });
        if (done) session().wake().bump_work();
        return done;
    }

    [[nodiscard]] result<void> cancel(std::span<const std::string> ids, std::span<change_status> statuses,
                                      const instant& now)
    {
        bool told = false;
        auto done = session().write("cancel", true, append_room::normal, [&](core& c, turn& t) -> result<void> {
            end_record sample{};
            if (auto room = c.index.reserve(0, ids.size()); !room) return room;
            if (auto place = c.prepare(t, ids.size() * (64 + end_bytes_max(sample)), append_room::normal); !place)
                return place;
            for (std::size_t i = 0; i < ids.size(); ++i) {
                auto status = cancel_one(c, c.index.find(ids[i]), now.wall);
                if (!status) return fail(status.error());
                statuses[i] = *status;
                told = told || *status == change_status::requested;
            }
            return {};
        });
        if (done && told) session().wake().bump_control();
        return done;
    }

    [[nodiscard]] result<void> remove(std::span<const std::string> ids, std::span<change_status> statuses)
    {
        std::vector<output_number> dead_files;
        auto done = session().write("remove", true, append_room::reserve, [&](core& c, turn& t) -> result<void> {
            remove_call<core> removing{c};
            if (auto room = begin_remove(c, t, ids.size()); !room) return room;
            for (std::size_t i = 0; i < ids.size(); ++i) {
                const ref job = c.index.find(ids[i]);
                statuses[i] = job == 0 ? change_status::not_found : change_status::conflict;
                if (job == 0 || c.index.state_of(job) == state::processing) continue;
                if (auto removed = removing.remove(job); !removed) return removed;
                statuses[i] = change_status::done;
            }
            removing.write();
            dead_files = removing.dead_files();
            return {};
        });
        if (done) session().remove_outputs(dead_files);
        return done;
    }

    // With a tag in the filter, ended jobs of other tags are looked at too: O(ended jobs) then.
    [[nodiscard]] result<std::size_t> purge(const job_filter& filter, std::size_t limit)
    {
        std::size_t removed = 0;
        std::vector<output_number> dead_files;
        auto done = session().write("purge", true, append_room::reserve, [&](core& c, turn& t) -> result<void> {
            remove_call<core> removing{c};
            const std::size_t most = std::min(limit, limits::sweep);
            if (auto room = begin_remove(c, t, most); !room) return room;
            if (auto purged = purge_jobs(c, filter, most, removing); !purged) return purged;
            removing.write();
            removed = removing.removed();
            dead_files = removing.dead_files();
            return {};
        });
        if (!done) return fail(done.error());
        session().remove_outputs(dead_files);
        return removed;
    }

    [[nodiscard]] result<change_status> reprioritise(std::string_view id, int priority, const instant& now)
    {
        if (priority < limits::priority_min || priority > limits::priority_max)
            return fail(errc::invalid_argument, "reprioritise", "a priority is -128 to 127");
        auto status = change_status::not_found;
        auto done = session().write("reprioritise", true, append_room::normal, [&](core& c, turn& t) -> result<void> {
            const ref job = c.index.find(id);
            if (job == 0) return {};
            status = change_status::conflict;
            if (!is_waiting(c.index.state_of(job))) return {};
            rewrite_call<core> rewriting{c};
            auto added = rewriting.add(job, false, [&](job_image& image) {
                image.record.job.priority = static_cast<std::int8_t>(priority);
                image.record.updated_at = now.wall;
            });
            if (!added) return added;
            status = change_status::done;
            return write_again(c, t, rewriting);
        });
        if (!done) return fail(done.error());
        session().wake().bump_work();
        return status;
    }

    [[nodiscard]] result<std::size_t> free_worker(std::string_view worker, std::string_view cause, const instant& now)
    {
        std::size_t freed = 0;
        auto done = session().write("free_worker", true, append_room::reserve, [&](core& c, turn& t) -> result<void> {
            std::vector<ref> held;
            if (const ref at = c.index.all_leases().find_worker(worker); at != 0)
                c.index.all_leases().for_each(at, [&](ref job) {
                    held.push_back(job);
                    return held.size() < limits::sweep;
                });
            if (auto room = prepare_crashes(c, t, held, worker, cause); !room) return room;
            for (const ref job : held) {
                attempt run;
                auto r = crash_record(c, job, cause, now.wall, run);
                if (!r) return fail(r.error());
                if (auto ended = finish(c, job, *r); !ended) return ended;
            }
            freed = held.size();
            return {};
        });
        if (!done) return fail(done.error());
        if (freed > 0) session().wake().bump_work();
        return freed;
    }

    // ── configurable_storage ──

    [[nodiscard]] result<std::optional<config_entry>> config_get(std::string_view key, const instant& now)
    {
        std::optional<config_entry> found;
        auto done = session().read("config_get", [&](core& c) -> result<void> {
            const ref at = live_entry(c, key, now);
            if (at == 0) return {};
            auto entry = read_entry(c, at);
            if (!entry) return fail(entry.error());
            found = std::move(*entry);
            return {};
        });
        if (!done) return fail(done.error());
        return found;
    }

    [[nodiscard]] result<std::uint64_t> config_put(const config_entry& entry, const instant& now)
    {
        if (entry.key.empty() || entry.key.size() > limits::key_bytes)
            return fail(errc::invalid_argument, "config_put", "a key has 1 to 255 bytes");
        if (entry.value.size() > limits::config_value_bytes)
            return fail(errc::invalid_argument, "config_put " + entry.key, "a value has at most 64 KiB");
        config_entry written = entry;
        auto done = session().write("config_put", true, append_room::reserve, [&](core& c, turn& t) -> result<void> {
            const ref known = live_entry(c, entry.key, now);
            const std::uint64_t version = known == 0 ? 0 : c.config.get(known).version;
            if (entry.version != any_version && entry.version != version)
                return fail(errc::conflict, entry.key, "it was changed by another");
            if (auto room = c.index.reserve(1, 1); !room) return room;
            if (auto place = c.prepare(t, 128 + entry.key.size() + entry.value.size(), append_room::reserve); !place)
                return place;
            written.version = c.index.roots().config_version + 1;
            const location at = c.here();
            append_config(c.body, written);
            c.config.put(entry.key, written.version, entry.expires_at.time_since_epoch().count(), at,
                         static_cast<std::uint32_t>(c.body.size()));
            return {};
        });
        if (!done) return fail(done.error());
        session().wake().bump_work();
        return written.version;
    }

    [[nodiscard]] result<bool> config_erase(std::string_view key)
    {
        bool erased = false;
        auto done = session().write("config_erase", true, append_room::reserve, [&](core& c, turn& t) -> result<void> {
            if (c.config.find(key) == 0) return {};
            if (auto room = c.index.reserve(0, 1); !room) return room;
            if (auto place = c.prepare(t, 128 + key.size(), append_room::reserve); !place) return place;
            append_unconfig(c.body, key, c.index.roots().config_version);
            c.config.erase(key);
            erased = true;
            return {};
        });
        if (!done) return fail(done.error());
        if (erased) session().wake().bump_work();
        return erased;
    }

    [[nodiscard]] result<void> config_list(std::string_view prefix, std::vector<config_entry>& out, const instant& now)
    {
        const std::size_t first = out.size();
        return session().read("config_list", [&](core& c) -> result<void> {
            std::vector<ref> found;
            c.config.for_each([&](ref at) {
                if (c.config.key_of(at).substr(0, prefix.size()) == prefix && live(c, at, now)) found.push_back(at);
            });
            for (const ref at : found) {
                auto entry = read_entry(c, at);
                if (!entry) return fail(entry.error());
                out.push_back(std::move(*entry));
            }
            std::sort(out.begin() + static_cast<std::ptrdiff_t>(first), out.end(),
                      [](const config_entry& a, const config_entry& b) { return a.key < b.key; });
            return {};
        });
    }

    // ── notifying_storage ──

    [[nodiscard]] change_counts changes() { return session().wake().changes(); }
    change_counts wait_for_change(change_counts seen, duration max) { return session().wait(seen, max); }
    void interrupt_waits() { session().wake().interrupt(); }

    // How much work claims have done so far: lines looked at, and places of the index changed. For tests of their cost.
    [[nodiscard]] std::uint64_t index_steps()
    {
        std::uint64_t steps = 0;
        static_cast<void>(session().read("look", [&](core& c) -> result<void> {
            steps = c.index.steps();
            return {};
        }));
        return steps;
    }

    // Memory that the index uses, shared by all processes. For tests of its size.
    [[nodiscard]] std::uint64_t index_bytes()
    {
        std::uint64_t bytes = 0;
        static_cast<void>(session().read("look", [&](core& c) -> result<void> {
            const auto& roots = c.index.roots();
            bytes = c.index.space().block_bytes() + sizeof(ref) * (roots.table.bucket_count + roots.pages.count);
            return {};
        }));
        return bytes;
    }

    // Whether the store may be changed from now on, by anybody; `moved_to` for store_state::moved.
    [[nodiscard]] result<void> set_state(store_state s, std::string_view moved_to = {})
    {
        header_record header{};
        header.state = static_cast<std::uint8_t>(s);
        header.moved_to = moved_to;
        return session().set_header("set_state", header);
    }

protected:
    using base::base;

private:
    [[nodiscard]] Session& session() const { return *this->session_; }

    static result<void> write_again(core& c, turn& t, rewrite_call<core>& rewriting)
    {
        if (rewriting.size() == 0) return {};
        if (auto room = c.index.reserve(rewriting.size(), rewriting.size()); !room) return room;
        if (auto place = c.prepare(t, c.body.size(), append_room::normal); !place) return place;
        return rewriting.apply();
    }

    static result<change_status> cancel_one(core& c, ref job, timestamp now)
    {
        if (job == 0) return change_status::not_found;
        if (!c.index.is_live(job)) return change_status::conflict;
        const live_slot& slot = c.index.live(job);
        if (slot.head.state() == state::processing) {
            append_change(c.body, {slot.node.sequence, change_kind::cancel_requested, state::processing, now, {}, 0});
            c.index.request_cancel(job);
            return change_status::requested;
        }
        auto token = c.settled_token(slot.last);
        if (!token) return fail(token.error());
        end_record r{};
        r.state = state::cancelled;
        r.now = now;
        r.run_at = wall(slot.node.time);
        r.attempts = slot.attempts;
        r.crashes = slot.crashes;
        r.token = *token;
        if (auto done = finish(c, job, r); !done) return fail(done.error());
        return change_status::done;
    }

    static result<void> begin_remove(core& c, turn& t, std::size_t jobs)
    {
        if (auto room = c.index.reserve(0, jobs); !room) return room;
        return c.prepare(t, remove_call<core>::bytes_max(jobs), append_room::reserve);
    }

    static result<void> prepare_crashes(core& c, turn& t, const std::vector<ref>& held, std::string_view worker,
                                        std::string_view cause)
    {
        end_record sample{};
        attempt run;
        run.error = cause;
        run.worker = worker;
        sample.run = &run;
        sample.error = cause;
        std::uint64_t bytes = 0;
        for (const ref job : held) bytes += finish_bytes_max(sample, c.index.live(job).bytes);
        if (auto room = c.index.reserve(0, held.size()); !room) return room;
        return c.prepare(t, bytes, append_room::reserve);
    }

    [[nodiscard]] static bool live(core& c, ref at, const instant& now)
    {
        return now.wall.time_since_epoch().count() < c.config.get(at).expires_at;
    }
    [[nodiscard]] static ref live_entry(core& c, std::string_view key, const instant& now)
    {
        const ref at = c.config.find(key);
        return at != 0 && live(c, at, now) ? at : 0;
    }
    [[nodiscard]] static result<config_entry> read_entry(core& c, ref at)
    {
        auto content = c.read(c.config.get(at).at, record_type::config);
        if (!content) return fail(content.error());
        return read_config(*content);
    }
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/store/compare.hpp
// Whether two indices say the same of the same log.
#ifndef QUEUECTL_JOURNAL_STORE_COMPARE_HPP
#define QUEUECTL_JOURNAL_STORE_COMPARE_HPP

namespace queuectl::inline v0::journal {

// Looks at `shared` with care: it may be wrong. `own`: made from the log just now, up to the same place.
class index_compare {
public:
    index_compare(job_index& own, job_index& shared, verify_report& report)
        : own_{own}, shared_{shared}, report_{report}, limit_{shared.space().memory().bytes(index_range::blocks)}
    {
    }

    // What is known of the store as a whole. O(queues).
    void totals()
    {
        auto &a = own_.roots(), &b = shared_.roots();
        if (a.last_sequence != b.last_sequence) differs("the newest sequence");
        if (a.config_version != b.config_version) differs("the newest version of a setting");
        if (a.live_bytes != b.live_bytes) differs("the bytes that jobs take");
        if (a.store_state != b.store_state) differs("the state of the store");
        own_.all_lanes().for_each_queue([&](ref at) {
            const auto& queue = *own_.space().get<queue_slot>(at);
            const auto name = read_text(own_.space(), queue.name);
            const ref other = shared_.all_lanes().find_queue(name);
            const bool same = other != 0 && std::equal(std::begin(queue.counts), std::end(queue.counts),
                                                       std::begin(shared_.space().get<queue_slot>(other)->counts));
            if (!same) differs("the counts of queue " + std::string{name});
            return true;
        });
    }

    // Compares up to `most` jobs from `sequence` on; returns where to go on, 0 = at the end.
    [[nodiscard]] std::uint64_t jobs(std::uint64_t sequence, std::size_t most)
    {
        for (std::size_t i = 0; i < most; ++i) {
            std::uint64_t stopped = 0;
            const auto at = own_.pages().next(sequence, pages_at_once, &stopped);
            if (at == 0) return stopped;
            const ref job = own_.by_sequence(at);
            if (const char* what = compare(job, shared_.pages().get_checked(at)); what != nullptr)
                differs(std::string{what} + " job " + std::string{own_.id_of(job)});
            sequence = at + 1;
        }
        return sequence;
    }

private:
    static constexpr std::size_t pages_at_once = 100'000;

    void differs(const std::string& what)
    {
        report_.add(finding_kind::damage, "the index differs from the log in " + what);
    }
    [[nodiscard]] bool inside(ref at, std::size_t bytes) const noexcept
    {
        return at != 0 && std::uint64_t{at} * detail::block_unit + bytes <= limit_;
    }

    // Null when they are the same.
    [[nodiscard]] const char* compare(ref own, ref shared) const
    {
        if (shared == 0) return "missing";
        if (!inside(shared, sizeof(ended_slot))) return "the place of";
        const auto& b = shared_.head(shared);
        if (!inside(b.id, 2) || b.lane() >= shared_.roots().lane_count) return "the id or queue of";
        if (own_.id_of(own) != shared_.id_of(shared)) return "the id of";
        if (shared_.find(own_.id_of(own)) != shared) return "finding";
        if (own_.state_of(own) != b.state()) return "the state of";
        if (own_.queue_of(own) != shared_.queue_of(shared) || own_.kind_of(own) != shared_.kind_of(shared))
            return "the queue or kind of";
        if (!own_.is_live(own)) return own_.ended(own).last == shared_.ended(shared).last ? nullptr : "the record of";
        return inside(shared, sizeof(live_slot)) ? compare(own_.live(own), shared_.live(shared)) : "the place of";
    }
    [[nodiscard]] const char* compare(const live_slot& a, const live_slot& b) const
    {
        if (a.image != b.image || a.last != b.last || a.bytes != b.bytes) return "the record of";
        if (a.node.time != b.node.time || a.node.sequence != b.node.sequence) return "the due time of";
        if (a.attempts != b.attempts || a.crashes != b.crashes) return "the runs of";
        if (a.priority != b.priority || a.hold != b.hold || (a.line == 0) != (b.line == 0)) return "the line of";
        if (a.was_failed != b.was_failed || a.cancel_requested != b.cancel_requested || a.vanishes != b.vanishes)
            return "the flags of";
        if ((a.lease == 0) != (b.lease == 0)) return "the lease of";
        if (a.lease == 0) return nullptr;
        if (!inside(b.lease, sizeof(lease_slot))) return "the lease of";
        const auto &x = own_.all_leases().of(a), &y = shared_.all_leases().of(b);
        if (x.token != y.token || x.run_at != y.run_at || !inside(y.worker, sizeof(worker_slot))) return "the lease of";
        return own_.all_leases().holder(a) == shared_.all_leases().holder(b) ? nullptr : "the holder of";
    }

    job_index& own_;
    job_index& shared_;
    verify_report& report_;
    std::uint64_t limit_;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/store/damage.hpp
// What is damaged, for a report.
#ifndef QUEUECTL_JOURNAL_STORE_DAMAGE_HPP
#define QUEUECTL_JOURNAL_STORE_DAMAGE_HPP

namespace queuectl::inline v0::journal {

// Adds the size of every file of the store that has this suffix to the report.
template <file_system FileSystem>
[[nodiscard]] result<void> add_bytes(FileSystem& fs, std::string_view suffix, verify_report& report)
{
    const auto names = fs.list();
    if (!names) return fail(names.error());
    for (const auto& name : *names) {
        if (segment_number(name, suffix) == 0) continue;
        auto file = fs.open(name);
        if (!file) continue;  // removed meanwhile, or someone else's
        if (const auto size = fs.size(*file)) report.bytes += *size;
    }
    return {};
}

// Adds every damaged place of the log to the report.
template <file_system FileSystem>
[[nodiscard]] result<void> tell_damage(FileSystem& fs, verify_report& report)
{
    struct {
        void frame(std::uint64_t, const frame_place&, std::string_view) noexcept {}
        void gap(std::uint64_t) noexcept {}
    } nobody;
    const auto lost = salvage_log(fs, nobody);
    if (!lost) return fail(lost.error());
    for (const auto& part : lost->lost) report.add(finding_kind::damage, part.text());
    if (const auto more = remembered_loss(fs, lost->store, lost->next, queuectl::detail::read_boot_id()))
        report.add(finding_kind::damage, more->text());
    return add_bytes(fs, ".log", report);
}

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/store/orphans.hpp
// Output files that no job names: their settle failed, or its process died.
#ifndef QUEUECTL_JOURNAL_STORE_ORPHANS_HPP
#define QUEUECTL_JOURNAL_STORE_ORPHANS_HPP

namespace queuectl::inline v0::journal {

// A settle writes its files before it appends: those that are younger may belong to one that has not ended.
inline constexpr std::int64_t orphan_age_s = 3600;

// The output files that are older than orphan_age_s, sorted. A file system that tells no age has none.
template <file_system FileSystem>
[[nodiscard]] result<std::vector<output_number>> old_outputs(FileSystem& fs, std::int64_t now_s)
{
    std::vector<output_number> numbers;
    if constexpr (requires { fs.folder().fd(); }) {
        const auto names = fs.list();
        if (!names) return fail(names.error());
        for (const auto& name : *names) {
            const auto number = segment_number(name, ".out");
            struct stat what {};
            if (number != 0 && ::fstatat(fs.folder().fd(), name.c_str(), &what, AT_SYMLINK_NOFOLLOW) == 0 &&
                what.st_mtime < now_s - orphan_age_s)
                numbers.push_back(number);
        }
        std::sort(numbers.begin(), numbers.end());
    }
    return numbers;
}

// Takes out of `files` (sorted) those that the jobs with sequences from `from` on, before `end` (0: all), name.
template <class Core>
[[nodiscard]] result<void> drop_named(Core& core, std::uint64_t from, std::uint64_t end,
                                      std::vector<output_number>& files)
{
    std::vector<output_number> named;
    std::uint64_t stopped = 0;
    for (auto at = from; at != 0 && !files.empty() && (end == 0 || at < end);) {
        const auto sequence = core.index.pages().next(at, 100'000, &stopped);
        at = sequence == 0 ? stopped : sequence + 1;
        if (sequence == 0 || (end != 0 && sequence >= end)) continue;
        const ref job = core.index.by_sequence(sequence);
        named.clear();
        if (auto done = collect_outputs(core, core.index.last_of(job), named); !done) return done;
        for (const auto number : named)
            if (const auto it = std::lower_bound(files.begin(), files.end(), number);
                it != files.end() && *it == number)
                files.erase(it);
    }
    return {};
}

// Finds and removes orphans, a thousand jobs a step. Any number of threads.
class orphan_sweep {
public:
    template <class Session>
    [[nodiscard]] result<output_sweep> step(Session& session, std::int64_t now_s)
    {
        const std::scoped_lock one{mutex_};
        if (next_ == 0) {
            auto found = old_outputs(session.fs(), now_s);
            if (!found) return fail(found.error());
            files_ = std::move(*found);
            next_ = 1;
        }
        const auto from = next_;
        auto looked = session.read("sweep_outputs", [&](auto& core) -> result<void> {
            const auto last = core.index.roots().last_sequence;
            next_ = last - from < jobs_a_step || from > last ? 0 : from + jobs_a_step;
            return drop_named(core, from, next_, files_);
        });
        if (!looked) {
            next_ = 0;
            return fail(looked.error());
        }
        if (files_.empty()) next_ = 0;
        if (next_ != 0) return output_sweep{0, false};
        for (const auto number : files_) static_cast<void>(session.fs().remove(output_name(number)));
        return output_sweep{std::exchange(files_, {}).size(), true};
    }

private:
    static constexpr std::uint64_t jobs_a_step = 1000;

    std::mutex mutex_;
    std::vector<output_number> files_;  // named by no job before next_
    std::uint64_t next_ = 0;            // the sequence that is looked at next; 0 = a new sweep begins
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/store/verify.hpp
// Checks what only the log can tell: that all of it can be read, and that the index says the same.
#ifndef QUEUECTL_JOURNAL_STORE_VERIFY_HPP
#define QUEUECTL_JOURNAL_STORE_VERIFY_HPP

namespace queuectl::inline v0::journal {

// One check of an open store, which others may use meanwhile. The log is read without the turn, into an index of our
// own; then, under the turn and a thousand jobs at a time, that hears the rest and is compared with the shared one.
template <class Session>
class store_check {
    using core = typename Session::core_type;
    using file_system = std::remove_reference_t<decltype(std::declval<Session&>().fs())>;
    using own_core = store_core<log_copy<file_system>>;

public:
    store_check(Session& s, index_memory memory)
        : session_{s}, copy_{s.fs()}, own_{copy_, std::move(memory)}, sink_{own_, uid{0, 1}}
    {
    }

    [[nodiscard]] result<verify_report> run(std::int64_t now_s)
    {
        for (int look = 0;; ++look) {
            report_ = {};
            auto done = look_once(now_s);
            if (done) break;
            // What was read has been trimmed, or written anew, by others: again.
            if (done.error().code != errc::conflict || look == looks_max) return fail(done.error());
        }
        if (auto done = add_bytes(session_.fs(), ".log", report_); !done) return fail(done.error());
        if (auto done = add_bytes(session_.fs(), ".out", report_); !done) return fail(done.error());
        return std::move(report_);
    }

private:
    static constexpr int looks_max = 20;
    static constexpr std::size_t jobs_a_turn = 1000;

    result<void> look_once(std::int64_t now_s)
    {
        auto read = copy_.read_all(sink_);
        if (read && sink_.failure()) read = fail(*sink_.failure());
        if (!read) return moved_on() ? conflict() : damage(read.error());
        auto names = old_outputs(session_.fs(), now_s);
        if (!names) return fail(names.error());
        orphans_ = std::move(*names);
        for (std::uint64_t next = 1, first = 1; next != 0; first = 0) {
            auto done = session_.read("verify", [&](core& c) { return compare(c, next, first != 0); });
            if (!done) return done.error().code == errc::corrupt && !moved_on() ? damage(done.error()) : done;
        }
        for (const auto number : orphans_)
            report_.add(finding_kind::leftover, "output file " + output_name(number) + " belongs to no run");
        return {};
    }

    static result<void> conflict() { return fail(errc::conflict, "read the journal", "it was trimmed meanwhile"); }
    // Whether segments that were there at the begin have been trimmed since.
    bool moved_on()
    {
        const auto found = find_segments(session_.fs());
        return found && found->lowest > copy_.lowest();
    }
    result<void> damage(const error& why)
    {
        if (why.code != errc::corrupt) return fail(why);
        auto told = tell_damage(session_.fs(), report_);
        if (report_.found == 0) report_.add(finding_kind::damage, why.message());
        report_.bytes = 0;
        return told;
    }

    result<void> compare(core& c, std::uint64_t& next, bool first)
    {
        const log_position end = c.index.roots().heard;
        auto heard = copy_.read_on(sink_, end.segment);
        if (heard && sink_.failure()) heard = fail(*sink_.failure());
        if (heard && !copy_.position().reaches(end))
            heard = fail(errc::corrupt, "read " + segment_name(copy_.position().segment),
                         "damage at offset " + std::to_string(copy_.position().offset) + ": frame " +
                             std::to_string(copy_.position().sequence) + " had been written and is gone");
        if (!heard) return heard.error().code == errc::corrupt && moved_on() ? conflict() : heard;
        index_compare both{own_.index, c.index, report_};
        if (first) both.totals();
        const auto from = next;
        next = both.jobs(from, jobs_a_turn);
        return orphans_.empty() || report_.found != 0 ? result<void>{} : drop_named(c, from, next, orphans_);
    }

    Session& session_;
    log_copy<file_system> copy_;
    own_core own_;
    replay<own_core> sink_;
    verify_report report_;
    std::vector<output_number> orphans_;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/process/network_fs.hpp
// Whether a path lies on a file system of another machine. Linux; elsewhere nothing is known and nothing is refused.
#ifndef QUEUECTL_PROCESS_NETWORK_FS_HPP
#define QUEUECTL_PROCESS_NETWORK_FS_HPP

#if defined(__linux__)
#include <sys/vfs.h>
#endif

namespace queuectl::inline v0 {

namespace detail {

// The name of a network file system by its magic number (statfs(2)), or null for a local one. FUSE counts as one:
// which of them are remote cannot be told.
[[nodiscard]] constexpr const char* network_fs_name(std::uint32_t magic) noexcept
{
    switch (magic) {
        case 0x6969: return "NFS";
        case 0x517b:
        case 0xff534d42:
        case 0xfe534d42: return "SMB";
        case 0x01021997: return "9P";
        case 0x65735546: return "FUSE";
        case 0x5346414f:
        case 0x6b414653: return "AFS";
        case 0x00c36400: return "Ceph";
        case 0x73757245: return "Coda";
        case 0x0bd00bd0: return "Lustre";
        case 0x7461636f: return "OCFS2";
        case 0x01161970: return "GFS2";
        default: return nullptr;
    }
}

}  // namespace detail

// errc::unsupported when `folder` is on a network file system: locks, shared memory and syncs do not mean the
// same there.
[[nodiscard]] inline result<void> refuse_network_fs([[maybe_unused]] const std::string& folder)
{
#if defined(__linux__)
    struct statfs what {};
    if (::statfs(folder.c_str(), &what) != 0) return detail::fail_errno("statfs " + folder, errno);
    if (const char* name = detail::network_fs_name(static_cast<std::uint32_t>(what.f_type)))
        return fail(errc::unsupported, "open " + folder,
                    std::string{"it is on a network file system ("} + name + "); insist to use it all the same");
#endif
    return {};
}

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/journal/storage.hpp
// journal_storage: jobs in an append-only log of our own. POSIX; needs nothing but the system.
#ifndef QUEUECTL_JOURNAL_STORAGE_HPP
#define QUEUECTL_JOURNAL_STORAGE_HPP

namespace queuectl::inline v0 {

namespace journal {

// A journal over any file system and lock; journal_storage is the real one.
template <file_system FileSystem, class Gate, class Guards = store_guards>
class basic_storage : public facets<session<FileSystem, Gate, Guards>> {
protected:
    using session_type = session<FileSystem, Gate, Guards>;

public:
    // `gate`, `words`, `control` and what `memory` maps are shared by all who have the store open; they outlive this,
    // or are kept alive by `kept`. Opening reads nothing but the newest segment's header.
    [[nodiscard]] static result<basic_storage> open(FileSystem fs, Gate& gate, log_words& words, control_words& control,
                                                    index_memory memory, const log_options& options, std::string where,
                                                    bool sync_claims = false, std::shared_ptr<void> kept = {})
    {
        auto opened = session_type::log_type::open(std::move(fs), gate, words, options);
        if (!opened) return fail(opened.error());
        return basic_storage{std::make_unique<session_type>(std::move(kept), std::move(*opened), std::move(memory),
                                                            control, options, std::move(where)),
                             sync_claims};
    }

    // Reads and checks every frame and record of the log, and compares what they say with the index that processes
    // share; names what is damaged by file and offset. Others may use the store meanwhile. Memory: an index of its own.
    [[nodiscard]] result<verify_report> verify(const instant& now)
    {
        auto memory = index_memory::anonymous();
        if (!memory) return fail(memory.error());
        return store_check<session_type>{*this->session_, std::move(*memory)}.run(seconds(now));
    }

    // One step of removing output files that no run names, and that are an hour old: what a settle left that failed, or
    // whose process died. Looks at a thousand jobs.
    [[nodiscard]] result<output_sweep> sweep_outputs(const instant& now)
    {
        return sweep_->step(*this->session_, seconds(now));
    }

protected:
    basic_storage(std::unique_ptr<session_type> session, bool sync_claims)
        : facets<session_type>{std::move(session), sync_claims}
    {
    }

private:
    static std::int64_t seconds(const instant& now) noexcept
    {
        return std::chrono::duration_cast<std::chrono::seconds>(now.wall.time_since_epoch()).count();
    }

    std::unique_ptr<orphan_sweep> sweep_ = std::make_unique<orphan_sweep>();
};

}  // namespace journal

// A handle to the store in one folder; movable. Any number of threads may call it, and any number of processes may open
// the same folder. It must not be used after fork: the child opens its own (calls give errc::unsupported there).
class journal_storage : public journal::basic_storage<journal::posix_file_system, journal::process_gate> {
    using base = journal::basic_storage<journal::posix_file_system, journal::process_gate>;

public:
    // Opens the store, creating it where the options say so; creating it is durable when this returns.
    // errc::not_found: there is none; corrupt: damage; wrong_version: it is of a newer program; permission: a link,
    // another user's folder; unsupported: a network file system; invalid_argument: a folder of other things.
    [[nodiscard]] static result<journal_storage> open(std::string path, const journal_options& options = {})
    {
        if (options.durability == durability::process)
            return fail(errc::unsupported, "open " + path, "a file outlives its process");
        auto fs = journal::posix_file_system::open_folder(path, options.create);
        if (!fs) return fail(fs.error());
        if (!options.insist_network_fs)
            if (auto local = refuse_network_fs(path); !local) return fail(local.error());
        if (auto usable = check_folder(*fs, path, options.create); !usable) return fail(usable.error());
        auto shared = share(fs->folder());
        if (!shared) return fail(shared.error());
        auto memory = journal::index_memory::map(fs->folder());
        if (!memory) return fail(memory.error());
        const auto parts = std::move(*shared);
        auto& words = parts->page.storage_words<journal::log_words>();
        const auto log_options = log_options_of(options, fs->folder());
        auto opened = base::open(std::move(*fs), parts->gate, words, parts->page.words(), std::move(*memory),
                                 log_options, std::move(path), options.sync_claims, parts);
        if (!opened) return fail(opened.error());
        return journal_storage{std::move(*opened)};
    }

private:
    // What the processes of one store share.
    struct shared_parts {
        control_page page;
        journal::process_gate gate;
    };

    explicit journal_storage(base opened) : base{std::move(opened)} {}

    static result<std::shared_ptr<shared_parts>> share(const side_folder& folder)
    {
        auto page = control_page::open(folder);
        if (!page) return fail(page.error());
        auto gate = journal::process_gate::open(folder, page->words());
        if (!gate) return fail(gate.error());
        return std::make_shared<shared_parts>(shared_parts{std::move(*page), std::move(*gate)});
    }
    // A folder without a store: of nothing else, to become one.
    static result<void> check_folder(journal::posix_file_system& fs, const std::string& path, bool create)
    {
        if (create && fs.folder().holds("control")) return {};
        auto names = fs.list();
        if (!names) return fail(names.error());
        const auto any = [&](auto is) { return std::any_of(names->begin(), names->end(), is); };
        if (any([](const auto& name) { return journal::segment_number(name) != 0; })) return {};
        if (any([](const auto& name) { return !is_ours(name); }))
            return fail(errc::invalid_argument, "open " + path, "it is no store, and holds other things");
        return create ? result<void>{} : fail(errc::not_found, "open " + path, "no such store");
    }
    // Whether a folder that becomes a store may hold this before: what a creation that was cut off left, and the
    // folders of workers.
    static bool is_ours(std::string_view name)
    {
        for (const char* one : {".", "..", "control", "lock", "sync", "logs", "workers", "lost+found"})
            if (name == one) return true;
        return name.starts_with("index.") || journal::segment_number(name, ".new") != 0;
    }
    // What is shared by mapping is believed in the folder where it was made only: a copy of a store, whose files may
    // have been copied one after the other while it was changed, trusts nothing but its log.
    static uid same_place(uid boot, const side_folder& folder)
    {
#if defined(__linux__)
        struct statx what {};
        if (::statx(folder.fd(), "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &what) != 0) return boot;
        const auto made = static_cast<std::uint64_t>(what.stx_btime.tv_sec) << 30 | what.stx_btime.tv_nsec;
        return {boot.high ^ made, boot.low ^ what.stx_ino ^ std::uint64_t{what.stx_dev_minor} << 48};
#else
        struct stat what {};
        if (::fstat(folder.fd(), &what) != 0) return boot;
        return {boot.high ^ static_cast<std::uint64_t>(what.st_dev),
                boot.low ^ static_cast<std::uint64_t>(what.st_ino)};
#endif
    }
    static journal::log_options log_options_of(const journal_options& options, const side_folder& folder)
    {
        journal::log_options log;
        log.create = options.create;
        log.mode = options.durability;
        log.interval = options.interval;
        log.lock_patience = options.busy;
        log.sizes = options.sizes;
        log.boot = same_place(log.boot, folder);
        return log;
    }
};

static_assert(fused_storage<journal_storage> && inspectable_storage<journal_storage> &&
              configurable_storage<journal_storage> && notifying_storage<journal_storage>);

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/journal/store/view_session.hpp
// A journal that is only looked at: an index of our own over what of the log can be read.
#ifndef QUEUECTL_JOURNAL_STORE_VIEW_SESSION_HPP
#define QUEUECTL_JOURNAL_STORE_VIEW_SESSION_HPP

namespace queuectl::inline v0::journal {

// The same as session, for what reads; every write is refused with the reason why there is only a view. Any number of
// threads. Shares nothing with others, and follows nothing that they append.
template <file_system FileSystem>
class view_session {
public:
    using log_type = log_copy<FileSystem>;
    using core_type = store_core<log_type>;
    struct turn_type {
        [[nodiscard]] result<frame_place> prepare(std::uint64_t, append_room) { return fail(errc::read_only, "write"); }
    };

    // `why`: what writes are refused with, until damage is found.
    view_session(FileSystem fs, index_memory memory, std::string where, error why)
        : fs_{std::move(fs)},
          log_{fs_},
          core_{log_, std::move(memory)},
          wake_{words_},
          location_{std::move(where)},
          why_{std::move(why)}
    {
    }
    view_session(const view_session&) = delete;
    view_session& operator=(const view_session&) = delete;

    // Reads all that comes before the first damage. After errc::corrupt it can be used nevertheless.
    [[nodiscard]] result<void> load()
    {
        replay<core_type> sink{core_, uid{0, 1}};
        auto done = log_.read_all(sink);
        if (done && sink.failure()) done = fail(*sink.failure());
        if (done)
            if (const auto lost =
                    remembered_loss(fs_, log_.store(), log_.position().sequence, queuectl::detail::read_boot_id()))
                done = fail(errc::corrupt, "read the journal", lost->text());
        if (!done && done.error().code == errc::corrupt) why_ = done.error();
        return done;
    }
    [[nodiscard]] const error& why() const noexcept { return why_; }

    [[nodiscard]] FileSystem& fs() noexcept { return fs_; }
    [[nodiscard]] wake_word& wake() noexcept { return wake_; }
    change_counts wait(change_counts seen, duration max) { return wake_.wait(seen, max); }
    [[nodiscard]] const std::string& where() const noexcept { return location_; }
    [[nodiscard]] queuectl::durability mode() const noexcept { return durability::full; }
    [[nodiscard]] uid store() noexcept { return log_.store(); }
    [[nodiscard]] output_number new_output_number() noexcept { return 0; }
    void remove_outputs(const std::vector<output_number>&) noexcept {}

    template <class Body>
    [[nodiscard]] result<void> write(const char* verb, bool, append_room, Body&&)
    {
        return refuse(verb);
    }
    [[nodiscard]] result<void> set_header(const char* verb, const header_record&) { return refuse(verb); }

    template <class Body>
    [[nodiscard]] result<void> read(const char* verb, Body&& body)
    {
        const std::scoped_lock one{mutex_};
        core_.forget();
        auto done = body(core_);
        if (done) return {};
        error e = done.error();
        e.operation = std::string{verb} + ' ' + location_ + (e.operation.empty() ? "" : ": " + e.operation);
        return fail(std::move(e));
    }

private:
    failure_value refuse(const char* verb) const
    {
        error e = why_;
        e.operation = std::string{verb} + ' ' + location_ + ": " + e.operation;
        return fail(std::move(e));
    }

    FileSystem fs_;
    log_type log_;
    core_type core_;
    control_words words_{};
    wake_word wake_;
    std::string location_;
    error why_;
    std::mutex mutex_;
};

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/view.hpp
// journal_view: a journal that cannot be used as usual, for those who want to see what is in it. POSIX.
#ifndef QUEUECTL_JOURNAL_VIEW_HPP
#define QUEUECTL_JOURNAL_VIEW_HPP

namespace queuectl::inline v0 {

// A damaged store, or one in a folder that cannot be written. Tells what the log says up to the first damage, as it is
// when this is opened; every write is refused: errc::corrupt with the place of the damage, or errc::read_only. Locks,
// writes and creates nothing. All of the index is memory of this process.
class journal_view : public journal::facets<journal::view_session<journal::posix_file_system>> {
    using session_type = journal::view_session<journal::posix_file_system>;
    using base = journal::facets<session_type>;

public:
    // errc::not_found, permission, wrong_version, no_memory, io.
    [[nodiscard]] static result<journal_view> open(std::string path)
    {
        auto fs = journal::posix_file_system::open_folder_to_read(path);
        if (!fs) return fail(fs.error());
        auto memory = journal::index_memory::anonymous();
        if (!memory) return fail(memory.error());
        error why{errc::read_only, "open " + path, "its folder cannot be written", 0};
        auto made = std::make_unique<session_type>(std::move(*fs), std::move(*memory), std::move(path), std::move(why));
        if (auto loaded = made->load(); !loaded && loaded.error().code != errc::corrupt) return fail(loaded.error());
        return journal_view{std::move(made)};
    }

    // Why there is only a view: what every write is refused with.
    [[nodiscard]] const error& why() const noexcept { return session_->why(); }
    [[nodiscard]] static constexpr bool writable() noexcept { return false; }

    // Refused before any output is written.
    [[nodiscard]] result<void> settle(std::span<const settlement>, std::span<settle_status>, const instant&)
    {
        return refuse("settle");
    }
    [[nodiscard]] result<claim_info> settle_and_claim(std::span<const settlement>, std::span<settle_status>,
                                                      const claim_request&, std::vector<lease>&, const instant&)
    {
        return fail(refuse("settle").error());
    }

    // Every damaged place of the log.
    [[nodiscard]] result<verify_report> verify(const instant&)
    {
        verify_report report;
        if (auto done = journal::tell_damage(session_->fs(), report); !done) return fail(done.error());
        return report;
    }

private:
    result<void> refuse(const char* verb)
    {
        return session_->write(verb, false, journal::append_room::normal, nullptr);
    }
    explicit journal_view(std::unique_ptr<session_type> session) : base{std::move(session), false} {}
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/process/restart_policy.hpp
// When a dead worker is started again.
#ifndef QUEUECTL_PROCESS_RESTART_POLICY_HPP
#define QUEUECTL_PROCESS_RESTART_POLICY_HPP

namespace queuectl::inline v0::process {

// At once, until it died five times within ten seconds; from then on after 100 ms, 200 ms, … 2 s, until it died less
// often than that. Pure but for its memory of deaths; `now` never goes back.
class restart_policy {
public:
    // It died at `now`: how long to wait.
    [[nodiscard]] constexpr duration on_death(duration now) noexcept
    {
        deaths_[next_] = now;
        next_ = (next_ + 1) % deaths_.size();
        const auto fifth_last = deaths_[next_];
        if (now - fifth_last > window) return delay_ = duration::zero();
        delay_ = delay_ == duration::zero() ? shortest : std::min(delay_ * 2, longest);
        return delay_;
    }

private:
    static constexpr duration window = std::chrono::seconds{10};
    static constexpr duration shortest = std::chrono::milliseconds{100};
    static constexpr duration longest = std::chrono::seconds{2};
    static constexpr duration long_ago = -duration_max / 2;

    std::array<duration, 5> deaths_{long_ago, long_ago, long_ago, long_ago, long_ago};
    std::size_t next_ = 0;
    duration delay_{};
};

}  // namespace queuectl::inline v0::process

#endif

// ---- queuectl/process/signals.hpp
// Stop signals of a worker process, turned into a count and a call.
#ifndef QUEUECTL_PROCESS_SIGNALS_HPP
#define QUEUECTL_PROCESS_SIGNALS_HPP

namespace queuectl::inline v0::process {

namespace detail {
struct stop_signal_state {
    std::atomic<int> requests{0};
    std::atomic<void (*)(void*)> wake{nullptr};
    std::atomic<void*> context{nullptr};
    std::atomic<pid_t> parent{0};
    std::atomic<bool> orphaned{false};
};
inline stop_signal_state stop_signals_of_process;
}  // namespace detail

// While it lives, TERM, INT and HUP count as stop requests, however often they come USR1 stands for one and USR2 for
// two of them, and PIPE is ignored. `wake(context)` is called at each from the signal handler, so it must be
// async-signal-safe, as executor.wake() is. One object at a time in a process.
//
// The first of TERM, INT and HUP after the parent has died, what the parent-death signal of a supervisor sends, stands
// for one request as USR1 does: the running jobs are finished, also when a stop was under way already.
class stop_signals {
public:
    explicit stop_signals(void (*wake)(void*) = nullptr, void* context = nullptr) noexcept
    {
        auto& s = detail::stop_signals_of_process;
        s.requests = 0;
        s.context = context;
        s.wake = wake;
        s.parent = ::getppid();
        s.orphaned = false;
        struct sigaction action {};
        action.sa_handler = &on_signal;
        action.sa_flags = SA_RESTART;
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            if (numbers[i] == SIGPIPE) action.sa_handler = SIG_IGN;
            ::sigaction(numbers[i], &action, &before_[i]);
        }
    }
    stop_signals(const stop_signals&) = delete;
    stop_signals& operator=(const stop_signals&) = delete;
    ~stop_signals()
    {
        for (std::size_t i = 0; i < numbers.size(); ++i) ::sigaction(numbers[i], &before_[i], nullptr);
        detail::stop_signals_of_process.wake = nullptr;
    }

    // How many there were: 1 = finish the current jobs, 2 = stop them and release their leases. Any thread.
    [[nodiscard]] int requests() const noexcept { return detail::stop_signals_of_process.requests; }

private:
    static constexpr std::array numbers{SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};

    static void on_signal(int signal)
    {
        const int saved = errno;
        auto& s = detail::stop_signals_of_process;
        const bool parent_death = ::getppid() != s.parent && !s.orphaned.exchange(true);
        const int least = signal == SIGUSR2 ? 2 : signal == SIGUSR1 || parent_death ? 1 : 0;
        if (least == 0)
            ++s.requests;
        else if (s.requests < least)
            s.requests = least;
        if (auto* const wake = s.wake.load(); wake != nullptr) wake(s.context);
        errno = saved;
    }

    std::array<struct sigaction, numbers.size()> before_{};
};

}  // namespace queuectl::inline v0::process

#endif

// ---- queuectl/supervisor.hpp
// The supervisor: stands over worker processes, restarts them, and cleans up after those that die. Linux.
#ifndef QUEUECTL_SUPERVISOR_HPP
#define QUEUECTL_SUPERVISOR_HPP

namespace queuectl::inline v0 {

struct supervisor_options {
    std::vector<std::string> argv{};                     // of a worker; argv[0] is the path of its program
    std::vector<std::string> env{};                      // NAME=VALUE; empty = this process's
    std::size_t count = 1;                               // workers
    std::string run_mark{};                              // of this supervisor: unique on the machine; must not be empty
    duration patience = std::chrono::milliseconds{900};  // for the job trees of a dead worker to end
    int release_signal = SIGTERM;                        // what the second stop sends; see process::stop_signals
    duration tick = std::chrono::milliseconds{500};      // how often on_tick is called, where there is one
};

struct worker_death {
    std::size_t index = 0;  // 0 … count − 1
    pid_t pid = 0;
    std::string mark;   // QUEUECTL_WORKER_MARK of that process
    std::string cause;  // "worker killed by signal 9 (SIGKILL)"
};

// Keeps `count` worker processes running. Each gets QUEUECTL_WORKER_MARK, unique to that process ("<run_mark>.<n>"), in
// its environment; it is to be the run_mark of its process_executor. Each has its own session, so that a terminal's
// signals reach only the supervisor, and gets TERM when the supervisor dies.
//
// A worker that ends with 0 is done; with 64 or more, it says that no other could do better: the others are asked to
// finish and run() returns that code. All else is a death: its job trees are killed first, then on_death(worker_death)
// is called, to free its leases, then it is started again (process/restart_policy.hpp).
//
// TERM, INT or HUP: the first asks the workers to finish (TERM), the second to stop (release_signal: where it is TERM
// again, two in quick succession may look like one), the third kills them. USR1 does what the first does, USR2 what the
// second does, however often they come.
//
// run() takes over the process: its children (all of them; it is a child subreaper meanwhile) and the signals TERM,
// INT, HUP, USR1, USR2, CHLD and PIPE. Call it from the only thread, with no store open.
class supervisor {
public:
    explicit supervisor(supervisor_options options) : options_{std::move(options)} {}

    // Returns when every worker has ended: 0, the code of a worker that gave up, or 1 when workers had to be killed. An
    // error when no worker could be started at all.
    template <class OnDeath>
    result<int> run(OnDeath&& on_death)
    {
        options_.tick = std::chrono::hours{1};
        return run(on_death, [] {});
    }
    // The same; on_tick() is called every `tick` besides, for what a supervisor does for its peers.
    template <class OnDeath, class OnTick>
    result<int> run(OnDeath&& on_death, OnTick&& on_tick)
    {
        QUEUECTL_ASSERT(!options_.argv.empty() && !options_.run_mark.empty());
        const takeover guard;
        oom_kills_ = out_of_memory_kills();
        workers_.assign(options_.count, worker{});
        while (!all_done()) {
            start_due(process::monotonic_now());
            if (start_error_ != 0 && !ever_started_)
                return fail(errc::spawn_failed, "start " + options_.argv.front(), std::strerror(start_error_),
                            start_error_);
            wait_signal(guard.signals);
            reap_all(on_death);
            if (const auto now = process::monotonic_now(); now >= next_tick_) {
                next_tick_ = add(now, options_.tick);
                on_tick();
            }
        }
        return code_;
    }

private:
    struct worker {
        pid_t pid = 0;  // 0 = not running
        bool done = false;
        std::string mark{};
        duration start_at{};
        process::restart_policy policy{};
    };

    // The signals blocked, default dispositions, child subreaper; all as before at the end.
    struct takeover {
        sigset_t signals{};
        sigset_t mask_before{};
        struct sigaction child_before {};
        struct sigaction pipe_before {};
        int reaper_before = 0;

        takeover() noexcept
        {
            ::sigemptyset(&signals);
            for (const int s : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD}) ::sigaddset(&signals, s);
            ::sigprocmask(SIG_BLOCK, &signals, &mask_before);
            struct sigaction action {};
            action.sa_handler = SIG_DFL;
            ::sigaction(SIGCHLD, &action, &child_before);
            action.sa_handler = SIG_IGN;
            ::sigaction(SIGPIPE, &action, &pipe_before);
            ::prctl(PR_GET_CHILD_SUBREAPER, &reaper_before, 0, 0, 0);
            ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        }
        takeover(const takeover&) = delete;
        takeover& operator=(const takeover&) = delete;
        ~takeover()
        {
            ::prctl(PR_SET_CHILD_SUBREAPER, reaper_before, 0, 0, 0);
            ::sigaction(SIGPIPE, &pipe_before, nullptr);
            ::sigaction(SIGCHLD, &child_before, nullptr);
            ::sigprocmask(SIG_SETMASK, &mask_before, nullptr);
        }
    };

    // Processes that the kernel ended for want of memory, since boot (proc_vmstat(5)).
    [[nodiscard]] static long long out_of_memory_kills()
    {
        std::string text;
        if (!process::read_file("/proc/vmstat", text, 64u << 10)) return 0;
        const auto at = text.find("oom_kill ");
        return at == std::string::npos ? 0 : std::strtoll(text.c_str() + at + 9, nullptr, 10);
    }

    [[nodiscard]] bool all_done() const noexcept
    {
        return std::all_of(workers_.begin(), workers_.end(), [](const worker& w) { return w.done; });
    }

    void start_due(duration now)
    {
        for (auto& w : workers_)
            if (!w.done && w.pid == 0 && w.start_at <= now) start(w, now);
    }

    void start(worker& w, duration now)
    {
        w.mark = options_.run_mark + '.' + std::to_string(++serial_);
        words_.clear();
        for (const auto& word : options_.argv) words_.add(word);
        variables_.clear();
        variables_.add("QUEUECTL_WORKER_MARK=", w.mark);
        if (options_.env.empty()) {
            for (char** entry = ::environ; *entry != nullptr; ++entry) add_variable(*entry);
        } else {
            for (const auto& entry : options_.env) add_variable(entry);
        }
        process::spawn_request request;
        request.path = options_.argv.front().c_str();
        request.argv = words_.pointers();
        request.envp = variables_.pointers();
        request.death_signal = SIGTERM;
        request.new_session = true;
        const auto child = spawner_.spawn(request);
        if (child.pid > 0 && child.error != 0) process::reap(child.pid);
        if (child.error != 0) {
            start_error_ = child.error;
            w.start_at = add(now, std::max(w.policy.on_death(now), duration{std::chrono::milliseconds{100}}));
            return;
        }
        ever_started_ = true;
        w.pid = child.pid;
    }

    void add_variable(std::string_view entry)
    {
        if (!entry.starts_with("QUEUECTL_WORKER_MARK=")) variables_.add(entry);
    }

    // Waits for a stop request, a child's end or the next start.
    void wait_signal(const sigset_t& signals)
    {
        const auto now = process::monotonic_now();
        auto next = std::max(next_tick_ - now, duration::zero());
        for (const auto& w : workers_)
            if (!w.done && w.pid == 0) next = std::min(next, std::max(w.start_at - now, duration::zero()));
        const timespec limit{static_cast<time_t>(next.count() / 1'000'000),
                             static_cast<long>(next.count() % 1'000'000) * 1000};
        const int signal = ::sigtimedwait(&signals, nullptr, &limit);
        if (signal == SIGTERM || signal == SIGINT || signal == SIGHUP) stop();
        if (signal == SIGUSR1 && stops_ < 1) stop();
        while (signal == SIGUSR2 && stops_ < 2) stop();
    }

    void stop()
    {
        ++stops_;
        if (stops_ == 3) code_ = 1;
        for (auto& w : workers_) {
            if (w.pid == 0)
                w.done = true;
            else
                ::kill(w.pid, stops_ == 1 ? SIGTERM : stops_ == 2 ? options_.release_signal : SIGKILL);
        }
    }

    // Every child that has ended: workers, and orphans that came to us.
    template <class OnDeath>
    void reap_all(OnDeath& on_death)
    {
        int status = 0;
        for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
            for (std::size_t i = 0; i < workers_.size(); ++i)
                if (workers_[i].pid == pid) on_end(i, status, on_death);
    }

    template <class OnDeath>
    void on_end(std::size_t index, int status, OnDeath& on_death)
    {
        auto& w = workers_[index];
        const worker_death death{index, std::exchange(w.pid, 0), w.mark, cause_of(status)};
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
            w.done = true;
            return;
        }
        end_trees(w.mark);
        on_death(death);
        const auto now = process::monotonic_now();
        w.start_at = add(now, w.policy.on_death(now));
        w.done = stops_ > 0;
        if (WIFEXITED(status) && WEXITSTATUS(status) >= 64) {
            code_ = code_ == 0 ? WEXITSTATUS(status) : code_;
            if (stops_ == 0) stop();
            w.done = true;
        }
    }

    [[nodiscard]] std::string cause_of(int status)
    {
        const auto kills = out_of_memory_kills();
        const bool out_of_memory = kills > oom_kills_ && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        oom_kills_ = kills;
        return "worker " + (WIFSIGNALED(status) ? "" : std::string{"ended with "}) + process::exit_text(status) +
               (out_of_memory ? ", out of memory" : "");
    }

    void end_trees(const std::string& mark)
    {
        const auto is_worker = [&](pid_t pid) {
            return std::any_of(workers_.begin(), workers_.end(), [&](const worker& w) { return w.pid == pid; });
        };
        process::end_marked_and_adopted(mark, options_.patience, is_worker);
    }

    supervisor_options options_;
    std::vector<worker> workers_;
    process::spawner spawner_;
    process::string_block words_;
    process::string_block variables_;
    std::uint64_t serial_ = 0;
    long long oom_kills_ = 0;
    int stops_ = 0;
    duration next_tick_{};
    int code_ = 0;
    int start_error_ = 0;
    bool ever_started_ = false;
};

}  // namespace queuectl::inline v0

#endif

#endif

#if defined(QUEUECTL_TESTING)

// ---- queuectl/testing/conformance/sink.hpp
// Where checks report: a list of failures that any test framework can print.
#ifndef QUEUECTL_TESTING_CONFORMANCE_SINK_HPP
#define QUEUECTL_TESTING_CONFORMANCE_SINK_HPP

namespace queuectl::inline v0::conformance {

struct failure {
    const char* file = "";
    int line = 0;
    std::string text;
};

// Collects what went wrong in one check. One thread.
class sink {
public:
    void fail(const char* file, int line, std::string text) { failures_.push_back({file, line, std::move(text)}); }
    [[nodiscard]] const std::vector<failure>& failures() const noexcept { return failures_; }
    [[nodiscard]] bool good() const noexcept { return failures_.empty(); }

private:
    std::vector<failure> failures_;
};

// A value as text, for messages.
[[nodiscard]] inline std::string show(bool b) { return b ? "true" : "false"; }
[[nodiscard]] inline std::string show(const char* text) { return text; }
[[nodiscard]] inline std::string show(const std::string& text)
{
    return text.size() <= 200 ? '"' + text + '"' : std::to_string(text.size()) + " bytes";
}
[[nodiscard]] inline std::string show(duration d) { return std::to_string(d.count()) + "us"; }
[[nodiscard]] inline std::string show(timestamp t) { return show(t.time_since_epoch()); }
[[nodiscard]] inline std::string show(const uid& u) { return to_hex(u); }
[[nodiscard]] inline std::string show(const lease_token& t)
{
    return to_hex(t.nonce) + '/' + std::to_string(t.ordinal);
}
template <class T>
    requires(std::is_arithmetic_v<T> || std::is_enum_v<T>)
[[nodiscard]] std::string show(T value)
{
    if constexpr (requires { name(value); })
        return std::string{name(value)};
    else if constexpr (std::is_enum_v<T>)
        return '#' + std::to_string(static_cast<long long>(value));
    else
        return std::to_string(value);
}
template <class T>
[[nodiscard]] std::string show(const std::vector<T>& values)
{
    std::string text = "[";
    for (const auto& v : values) text += (text.size() > 1 ? ", " : "") + show(v);
    return text + ']';
}

}  // namespace queuectl::inline v0::conformance

// Records a failure of fixture f unless the condition holds; goes on either way.
#define QUEUECTL_CHECK(f, ...) (f).check(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
// The same for actual == expected, telling both.
#define QUEUECTL_EQUAL(f, actual, ...) (f).equal(#actual, __FILE__, __LINE__, (actual), __VA_ARGS__)

#endif

// ---- queuectl/testing/conformance/fixture.hpp
// What a backend supplies, and the hands with which a check works on it.
#ifndef QUEUECTL_TESTING_CONFORMANCE_FIXTURE_HPP
#define QUEUECTL_TESTING_CONFORMANCE_FIXTURE_HPP

namespace queuectl::inline v0::conformance {

// One object of a backend is one store, empty at first; its destructor removes the store. A handle is returned as a
// storage_type or as a std::unique_ptr to one.
//
// Expression                 Meaning
// B{}                        A new place for a store.
// b.make()                   The first handle; called once.
// b.reopen()                 Optional. A handle on the same store, after every other one is gone.
// b.another()                Optional. One more handle on the store while others are open, in this or in a forked
//                            process; called from any of them.
// B::processes               Optional, bool. Whether another() works in forked children that later die by SIGKILL.
// b.operations()             Optional. How many records (or steps, or pages) were touched so far: a number that only
//                            grows, the same for the same calls. Cost is judged by it, never by time.
// b.make_read_only()         Optional. Sets the store's state to read-only, behind the handle's back.
template <class B>
concept backend = std::default_initializable<B> && storage<typename B::storage_type> && requires(B& b)
{
    b.make();
};

template <class B>
inline constexpr bool can_reopen = requires(B& b)
{
    b.reopen();
};
template <class B>
inline constexpr bool can_share = requires(B& b)
{
    b.another();
};
template <class B>
inline constexpr bool can_count = requires(B& b)
{
    b.operations();
};
template <class B>
inline constexpr bool can_freeze = requires(B& b)
{
    b.make_read_only();
};
template <class B>
inline constexpr bool has_processes = [] {
    if constexpr (requires { B::processes; })
        return can_share<B> && B::processes;
    else
        return false;
}();
template <class B>
inline constexpr bool has_threads = !storage_traits<typename B::storage_type>::single_thread;

// A handle, from whatever a backend returns.
template <class S, class Make>
[[nodiscard]] std::unique_ptr<S> hold_handle(Make make)
{
    if constexpr (requires { std::unique_ptr<S>{make()}; })
        return make();
    else
        return std::unique_ptr<S>{new S(make())};
}

// A store under test, a virtual clock, a source of nonces, and short words for the verbs. A verb's error is a failure
// of the check; the check goes on with an empty answer.
template <backend B>
class fixture {
public:
    using backend_type = B;
    using storage_type = typename B::storage_type;
    static constexpr bool inspectable = inspectable_storage<storage_type>;
    static constexpr bool configurable = configurable_storage<storage_type>;
    static constexpr bool notifying = notifying_storage<storage_type>;
    static constexpr duration lease_time = std::chrono::seconds{30};
    static constexpr duration tick{1};

    explicit fixture(sink& out) : out_{out}, store_{hold_handle<storage_type>([this] { return backend_.make(); })} {}

    B& place() { return backend_; }
    storage_type& store() { return *store_; }
    storage_type* operator->() { return store_.get(); }
    void close() { store_.reset(); }
    void reopen()
    {
        close();
        store_ = hold_handle<storage_type>([this] { return backend_.reopen(); });
    }
    [[nodiscard]] std::unique_ptr<storage_type> another()
    {
        return hold_handle<storage_type>([this] { return backend_.another(); });
    }

    instant now{timestamp{std::chrono::hours{24 * 365 * 50}}, std::chrono::hours{100}, uid{7, 7}};
    void advance(duration d)
    {
        now.wall = add(now.wall, d);
        now.boot = add(now.boot, d);
    }
    [[nodiscard]] timestamp in(duration d) const { return add(now.wall, d); }
    [[nodiscard]] uid nonce() { return uid{0x636f6e666f726dU, ++nonces_}; }

    // Jobs. Due since `now`, kept for a day when completed.
    [[nodiscard]] job make(std::string id)
    {
        job j;
        j.id = std::move(id);
        j.queue = "default";
        j.kind = "shell";
        j.payload = "true";
        j.run_at = now.wall;
        j.retention = std::chrono::hours{24};
        j.nonce = nonce();
        return j;
    }
    insert_status insert(const job& j) { return insert(std::vector<job>{j}).front(); }
    std::vector<insert_status> insert(const std::vector<job>& jobs)
    {
        std::vector<insert_status> statuses(jobs.size(), insert_status::kept);
        good(store_->insert(jobs, statuses, now), "insert");
        return statuses;
    }
    void put(const std::string& id) { equal("insert", __FILE__, __LINE__, insert(make(id)), insert_status::inserted); }
    template <class Edit>
    void put(const std::string& id, Edit edit)
    {
        job j = make(id);
        edit(j);
        equal("insert", __FILE__, __LINE__, insert(j), insert_status::inserted);
    }
    // `n` jobs NAME0, NAME1, … in calls of at most max_batch.
    template <class Edit>
    void put_many(const std::string& name, std::size_t n, Edit edit)
    {
        for (std::size_t done = 0; done < n;) {
            std::vector<job> jobs;
            for (; done < n && jobs.size() < batch(); ++done) {
                jobs.push_back(make(name + std::to_string(done)));
                edit(jobs.back());
            }
            insert(jobs);
        }
    }
    [[nodiscard]] static constexpr std::size_t batch() { return storage_traits<storage_type>::max_batch; }

    // Claims.
    [[nodiscard]] claim_request request(std::size_t max = 1)
    {
        claim_request r;
        r.max = max;
        r.lease = lease_time;
        r.worker = "worker-1";
        r.nonce = nonce();
        return r;
    }
    std::vector<lease> claim(const claim_request& r, claim_info* info = nullptr)
    {
        std::vector<lease> leases;
        auto told = store_->claim(r, leases, now);
        if (good(told, "claim") && info != nullptr) *info = *told;
        return leases;
    }
    std::vector<lease> claim(std::size_t max = 1) { return claim(request(max)); }
    claim_info look(const claim_request& r)
    {
        claim_info info;
        claim(r, &info);
        return info;
    }
    // The next lease; a failure, and an empty lease, when there is none.
    lease take()
    {
        auto leases = claim(1);
        check(leases.size() == 1, "a job is claimable", __FILE__, __LINE__);
        return leases.empty() ? lease{} : leases.front();
    }
    // The ids of what is claimable now, in order; leases them.
    std::vector<std::string> drain(std::size_t max = 100) { return ids(claim(max)); }
    [[nodiscard]] static std::vector<std::string> ids(const std::vector<lease>& leases)
    {
        std::vector<std::string> names;
        for (const auto& l : leases) names.push_back(l.job.id);
        return names;
    }

    // Extends and settlements.
    extend_status extend(const receipt& r, duration d = lease_time)
    {
        std::vector<extend_status> statuses(1, extend_status::lease_lost);
        good(store_->extend(std::vector<receipt>{r}, d, statuses, now), "extend");
        return statuses.front();
    }
    settle_status settle(const settlement& s) { return settle(std::vector<settlement>{s}).front(); }
    std::vector<settle_status> settle(const std::vector<settlement>& all)
    {
        std::vector<settle_status> statuses(all.size(), settle_status::gone);
        good(store_->settle(all, statuses, now), "settle");
        return statuses;
    }
    [[nodiscard]] settlement success(const lease& l) const { return ended(l, verdict_kind::complete, ""); }
    [[nodiscard]] settlement failed(const lease& l, timestamp retry_at, std::string why = "exit code 1") const
    {
        auto s = ended(l, verdict_kind::retry, std::move(why));
        s.verdict.retry_at = retry_at;
        return s;
    }
    [[nodiscard]] settlement buried(const lease& l) const { return ended(l, verdict_kind::bury, "exit code 1"); }
    [[nodiscard]] static settlement released(const lease& l)
    {
        settlement s;
        s.receipt = l.receipt();
        s.verdict.kind = verdict_kind::release;
        return s;
    }
    // A run of one second that ended now; a failure when `why` says something.
    [[nodiscard]] settlement ended(const lease& l, verdict_kind kind, std::string why) const
    {
        settlement s;
        s.receipt = l.receipt();
        s.verdict.kind = kind;
        attempt run;
        run.status = why.empty() ? run_status::succeeded : run_status::failed;
        run.exit_code = why.empty() ? 0 : 1;
        run.started_at = add(now.wall, std::chrono::seconds{-1});
        run.ended_at = now.wall;
        run.error = std::move(why);
        s.report = std::move(run);
        return s;
    }

    // What is kept.
    [[nodiscard]] job_record find(const std::string& id) requires inspectable
    {
        auto found = store_->find(id);
        if (!good(found, "find")) return {};
        check(found->has_value(), "the job is found", __FILE__, __LINE__);
        return found->value_or(job_record{});
    }
    [[nodiscard]] bool knows(const std::string& id) requires inspectable
    {
        auto found = store_->find(id);
        return good(found, "find") && found->has_value();
    }
    // None for a job that is not there, whether that is an error to the storage or not.
    [[nodiscard]] std::vector<attempt> runs(const std::string& id) requires inspectable
    {
        std::vector<attempt> all;
        if (auto told = store_->attempts(id, all); told || told.error().code != errc::not_found) good(told, "attempts");
        return all;
    }
    [[nodiscard]] std::vector<job_record> list(const job_filter& filter = {},
                                               std::size_t limit = limits::sweep) requires inspectable
    {
        std::vector<job_record> all;
        page_request page;
        page.limit = limit;
        do {
            auto next = store_->list(filter, page, all);
            if (!good(next, "list")) break;
            check(*next == 0 || *next > page.after, "the cursor grows", __FILE__, __LINE__);
            page.after = *next > page.after ? *next : 0;
        } while (page.after != 0);
        return all;
    }
    change_status cancel(const std::string& id) requires inspectable
    {
        return changed([&](auto ids, auto statuses) { return store_->cancel(ids, statuses, now); }, id);
    }
    change_status revive(const std::string& id) requires inspectable
    {
        return changed([&](auto ids, auto statuses) { return store_->revive(ids, statuses, now); }, id);
    }
    change_status remove(const std::string& id) requires inspectable
    {
        return changed([&](auto ids, auto statuses) { return store_->remove(ids, statuses); }, id);
    }

    // Verdicts of the check itself.
    bool check(bool holds, const char* what, const char* file, int line)
    {
        if (!holds) out_.fail(file, line, std::string{"not so: "} + what);
        return holds;
    }
    template <class A>
    bool equal(const char* what, const char* file, int line, const A& actual, const std::type_identity_t<A>& expected)
    {
        const bool same = actual == expected;
        if (!same) out_.fail(file, line, std::string{what} + " is " + show(actual) + ", not " + show(expected));
        return same;
    }
    template <class T>
    bool good(const result<T>& r, const char* verb)
    {
        if (!r)
            out_.fail(__FILE__, __LINE__,
                      std::string{verb} + " failed: " + std::string{name(r.error().code)} + ": " + r.error().message());
        return r.has_value();
    }
    sink& out() { return out_; }

private:
    template <class Verb>
    change_status changed(Verb verb, const std::string& id)
    {
        const std::vector<std::string> ids{id};
        std::vector<change_status> statuses(1, change_status::not_found);
        good(verb(std::span<const std::string>{ids}, std::span<change_status>{statuses}), "change");
        return statuses.front();
    }

    sink& out_;
    B backend_{};
    std::unique_ptr<storage_type> store_;
    std::uint64_t nonces_ = 0;
};

// A named check and what runs it on a fresh store of the backend.
struct check {
    const char* name;
    void (*run)(sink&);
};

template <backend B>
class check_list {
public:
    using fixture_type = fixture<B>;

    template <void (*Check)(fixture<B>&)>
    void add(const char* name)
    {
        checks_.push_back({name, [](sink& out) {
                               fixture<B> f{out};
                               Check(f);
                           }});
    }
    [[nodiscard]] const std::vector<check>& checks() const noexcept { return checks_; }

private:
    std::vector<check> checks_;
};

}  // namespace queuectl::inline v0::conformance

// Adds the function template NAME<B> to a check_list<B> under its own name.
#define QUEUECTL_ADD_CHECK(list, B, name) (list).template add<&name<B>>(#name)

#endif

// ---- queuectl/testing/conformance/atomic.hpp
// Line 1: a call is atomic, and repeating it is safe.
#ifndef QUEUECTL_TESTING_CONFORMANCE_ATOMIC_HPP
#define QUEUECTL_TESTING_CONFORMANCE_ATOMIC_HPP

namespace queuectl::inline v0::conformance {

template <backend B>
void line1_lease_carries_the_job(fixture<B>& f)
{
    job j = f.make("whole");
    j.queue = "q.1";
    j.kind = "argv";
    j.payload = std::string{"a\0b\n\xff", 5};
    j.timeout = duration{5};
    j.backoff_base = 1.5;
    j.max_retries = 7;
    j.priority = -3;
    j.tag = "t";
    j.key = "k \xe2\x82\xac";
    j.batch = "b";
    j.cwd = "/tmp";
    j.env = std::string{"A=1\0B=\0", 7};
    j.depends_on = {"x", "y"};
    f.insert(j);
    const job got = f.take().job;
    QUEUECTL_EQUAL(f, got.id, j.id);
    QUEUECTL_EQUAL(f, got.queue, j.queue);
    QUEUECTL_EQUAL(f, got.kind, j.kind);
    QUEUECTL_EQUAL(f, got.payload, j.payload);
    QUEUECTL_EQUAL(f, got.run_at, j.run_at);
    QUEUECTL_EQUAL(f, got.timeout, j.timeout);
    QUEUECTL_EQUAL(f, got.retention, j.retention);
    QUEUECTL_EQUAL(f, got.backoff_base, j.backoff_base);
    QUEUECTL_EQUAL(f, got.max_retries, j.max_retries);
    QUEUECTL_EQUAL(f, int{got.priority}, int{j.priority});
    QUEUECTL_EQUAL(f, got.nonce, j.nonce);
    QUEUECTL_EQUAL(f, got.tag, j.tag);
    QUEUECTL_EQUAL(f, got.key, j.key);
    QUEUECTL_EQUAL(f, got.batch, j.batch);
    QUEUECTL_EQUAL(f, got.cwd, j.cwd);
    QUEUECTL_EQUAL(f, got.env, j.env);
    QUEUECTL_EQUAL(f, got.depends_on, j.depends_on);
}

template <backend B>
void line1_insert_repeated_is_inserted(fixture<B>& f)
{
    const job j = f.make("a");
    QUEUECTL_EQUAL(f, f.insert(j), insert_status::inserted);
    QUEUECTL_EQUAL(f, f.insert(j), insert_status::inserted);
    QUEUECTL_EQUAL(f, f.drain(), std::vector<std::string>{"a"});
}

template <backend B>
void line1_insert_of_a_taken_id_is_a_duplicate(fixture<B>& f)
{
    f.put("a", [](job& j) { j.payload = "first"; });
    job second = f.make("a");
    second.payload = "second";
    QUEUECTL_EQUAL(f, f.insert(second), insert_status::duplicate);
    const auto leases = f.claim(10);
    QUEUECTL_EQUAL(f, f.ids(leases), std::vector<std::string>{"a"});
    for (const auto& l : leases) QUEUECTL_EQUAL(f, l.job.payload, std::string{"first"});
}

template <backend B>
void line1_insert_tells_of_each_job(fixture<B>& f)
{
    f.put("b");
    const auto told = f.insert({f.make("a"), f.make("b"), f.make("c"), f.make("a")});
    QUEUECTL_EQUAL(
        f, told,
        {insert_status::inserted, insert_status::duplicate, insert_status::inserted, insert_status::duplicate});
    QUEUECTL_EQUAL(f, f.drain(), {"b", "a", "c"});
}

template <backend B>
void line1_insert_repeated_after_the_claim_changes_nothing(fixture<B>& f)
{
    const job j = f.make("a");
    f.insert(j);
    const lease l = f.take();
    QUEUECTL_EQUAL(f, f.insert(j), insert_status::inserted);
    QUEUECTL_EQUAL(f, f.drain(), {});
    QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::applied);
    QUEUECTL_EQUAL(f, f.insert(j), insert_status::inserted);
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void line1_claim_appends(fixture<B>& f)
{
    f.put("a");
    std::vector<lease> leases(1);
    leases.front().job.id = "kept";
    f.good(f->claim(f.request(5), leases, f.now), "claim");
    QUEUECTL_EQUAL(f, f.ids(leases), {"kept", "a"});
}

template <backend B>
void line1_claim_repeated_returns_the_same_leases(fixture<B>& f)
{
    for (const char* id : {"a", "b", "c", "d"}) f.put(id);
    auto r = f.request(3);
    const auto first = f.claim(r);
    r.repeat = true;
    const auto again = f.claim(r);
    QUEUECTL_EQUAL(f, f.ids(first), {"a", "b", "c"});
    QUEUECTL_EQUAL(f, f.ids(again), f.ids(first));
    for (std::size_t i = 0; i < first.size() && i < again.size(); ++i)
        QUEUECTL_EQUAL(f, again[i].token, first[i].token);
    QUEUECTL_EQUAL(f, f.drain(), {"d"});
}

template <backend B>
void line1_claim_repeated_without_a_first_claims(fixture<B>& f)
{
    f.put("a");
    auto r = f.request(2);
    r.repeat = true;
    const auto leases = f.claim(r);
    QUEUECTL_EQUAL(f, f.ids(leases), {"a"});
    for (const auto& l : leases) QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::applied);
}

template <backend B>
void line1_claim_repeated_returns_only_what_is_current(fixture<B>& f)
{
    for (const char* id : {"a", "b", "c"}) f.put(id);
    auto r = f.request(3);
    const auto first = f.claim(r);
    if (!QUEUECTL_EQUAL(f, first.size(), 3)) return;
    f.settle(f.success(first[1]));
    r.repeat = true;
    const auto again = f.claim(r);
    if (!QUEUECTL_EQUAL(f, f.ids(again), {"a", "c"})) return;
    QUEUECTL_EQUAL(f, again[1].token, first[2].token);
}

template <backend B>
void line1_settle_repeated_is_applied(fixture<B>& f)
{
    for (const auto kind : {verdict_kind::complete, verdict_kind::bury, verdict_kind::cancel}) {
        f.put(std::string{"job"} + std::to_string(static_cast<int>(kind)));
        const auto s = f.ended(f.take(), kind, "");
        QUEUECTL_EQUAL(f, f.settle(s), settle_status::applied);
        QUEUECTL_EQUAL(f, f.settle(s), settle_status::applied);
        QUEUECTL_EQUAL(f, f.drain(), {});
    }
}

template <backend B>
void line1_settle_repeated_counts_once(fixture<B>& f)
{
    f.put("a");
    const auto s = f.failed(f.take(), f.now.wall);
    QUEUECTL_EQUAL(f, f.settle(s), settle_status::applied);
    QUEUECTL_EQUAL(f, f.settle(s), settle_status::applied);
    QUEUECTL_EQUAL(f, f.take().attempts, 1);
}

template <backend B>
void line1_settle_repeated_during_the_next_lease_changes_nothing(fixture<B>& f)
{
    f.put("a");
    const auto first = f.failed(f.take(), f.now.wall);
    f.settle(first);
    const lease second = f.take();
    QUEUECTL_EQUAL(f, f.settle(first), settle_status::applied);
    QUEUECTL_EQUAL(f, f.drain(), {});
    QUEUECTL_EQUAL(f, f.settle(f.success(second)), settle_status::applied);
}

template <backend B>
void line1_release_repeated_is_applied(fixture<B>& f)
{
    f.put("a");
    const auto first = f.released(f.take());
    QUEUECTL_EQUAL(f, f.settle(first), settle_status::applied);
    QUEUECTL_EQUAL(f, f.settle(first), settle_status::applied);
    const lease second = f.take();
    QUEUECTL_EQUAL(f, f.settle(first), settle_status::applied);
    QUEUECTL_EQUAL(f, f.settle(f.success(second)), settle_status::applied);
}

template <backend B>
void line1_settle_tells_of_each(fixture<B>& f)
{
    f.put("a");
    f.put("b");
    const auto leases = f.claim(2);
    if (!QUEUECTL_EQUAL(f, leases.size(), 2)) return;
    auto stale = f.success(leases[1]);
    stale.receipt.token.nonce = f.nonce();
    auto unknown = f.success(leases[1]);
    unknown.receipt.id = "nobody";
    QUEUECTL_EQUAL(f, f.settle({unknown, f.success(leases[0]), stale}),
                   {settle_status::gone, settle_status::applied, settle_status::lease_lost});
    QUEUECTL_EQUAL(f, f.settle(f.success(leases[1])), settle_status::applied);
}

template <backend B>
void line1_settle_and_claim_does_both(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    const std::vector<settlement> settlements{f.failed(l, f.now.wall)};
    std::vector<settle_status> statuses(1, settle_status::gone);
    std::vector<lease> leases;
    const auto told = settle_and_claim(f.store(), std::span<const settlement>{settlements},
                                       std::span<settle_status>{statuses}, f.request(2), leases, f.now);
    f.good(told, "settle_and_claim");
    QUEUECTL_EQUAL(f, statuses.front(), settle_status::applied);
    if (!QUEUECTL_EQUAL(f, f.ids(leases), {"a"})) return;
    QUEUECTL_EQUAL(f, leases.front().attempts, 1);
}

template <backend B>
void add_atomic_checks(check_list<B>& list)
{
    QUEUECTL_ADD_CHECK(list, B, line1_lease_carries_the_job);
    QUEUECTL_ADD_CHECK(list, B, line1_insert_repeated_is_inserted);
    QUEUECTL_ADD_CHECK(list, B, line1_insert_of_a_taken_id_is_a_duplicate);
    QUEUECTL_ADD_CHECK(list, B, line1_insert_tells_of_each_job);
    QUEUECTL_ADD_CHECK(list, B, line1_insert_repeated_after_the_claim_changes_nothing);
    QUEUECTL_ADD_CHECK(list, B, line1_claim_appends);
    QUEUECTL_ADD_CHECK(list, B, line1_claim_repeated_returns_the_same_leases);
    QUEUECTL_ADD_CHECK(list, B, line1_claim_repeated_without_a_first_claims);
    QUEUECTL_ADD_CHECK(list, B, line1_claim_repeated_returns_only_what_is_current);
    QUEUECTL_ADD_CHECK(list, B, line1_settle_repeated_is_applied);
    QUEUECTL_ADD_CHECK(list, B, line1_settle_repeated_counts_once);
    QUEUECTL_ADD_CHECK(list, B, line1_settle_repeated_during_the_next_lease_changes_nothing);
    QUEUECTL_ADD_CHECK(list, B, line1_release_repeated_is_applied);
    QUEUECTL_ADD_CHECK(list, B, line1_settle_tells_of_each);
    QUEUECTL_ADD_CHECK(list, B, line1_settle_and_claim_does_both);
}

}  // namespace queuectl::inline v0::conformance

#endif

// ---- queuectl/testing/conformance/bounds.hpp
// Line 7: no call touches more than a bounded number of records.
#ifndef QUEUECTL_TESTING_CONFORMANCE_BOUNDS_HPP
#define QUEUECTL_TESTING_CONFORMANCE_BOUNDS_HPP

namespace queuectl::inline v0::conformance {

template <backend B>
void line7_a_claim_reaps_a_bounded_number(fixture<B>& f)
{
    const std::size_t n = limits::reap + 10;
    f.put_many("a", n, [](job&) {});
    for (std::size_t leased = 0; leased < n;) {
        const auto got = f.claim(std::min(n - leased, f.batch())).size();
        if (!QUEUECTL_CHECK(f, got > 0)) return;
        leased += got;
    }
    f.advance(f.lease_time + f.tick);
    QUEUECTL_EQUAL(f, f.look(f.request(1)).reaped, limits::reap);
    QUEUECTL_EQUAL(f, f.look(f.request(1)).reaped, n - limits::reap);
    QUEUECTL_EQUAL(f, f.look(f.request(1)).reaped, 0);
}

template <backend B>
void line7_a_page_is_bounded(fixture<B>& f) requires fixture<B>::inspectable
{
    const std::size_t n = limits::sweep + 10;
    f.put_many("a", n, [](job&) {});
    std::vector<job_record> records;
    page_request page;
    page.limit = n;
    auto next = f->list({}, page, records);
    if (!f.good(next, "list")) return;
    QUEUECTL_CHECK(f, records.size() <= limits::sweep);
    QUEUECTL_CHECK(f, *next != 0);
    QUEUECTL_EQUAL(f, f.list().size(), n);
}

template <backend B>
void line7_a_purge_is_bounded(fixture<B>& f) requires fixture<B>::inspectable
{
    const std::size_t n = limits::sweep + 10;
    f.put_many("a", n, [](job&) {});
    for (std::size_t i = 0; i < n; ++i) f.cancel(std::string{"a"} + std::to_string(i));
    auto first = f->purge({}, n);
    if (!f.good(first, "purge")) return;
    QUEUECTL_CHECK(f, *first <= limits::sweep);
    std::size_t purged = *first;
    for (std::size_t more = 1; more != 0; purged += more) more = f->purge({}, n).value_or(0);
    QUEUECTL_EQUAL(f, purged, n);
}

template <backend B>
void line7_free_worker_is_bounded(fixture<B>& f) requires fixture<B>::inspectable
{
    const std::size_t n = limits::sweep + 10;
    f.put_many("a", n, [](job&) {});
    for (std::size_t leased = 0; leased < n;) {
        const auto got = f.claim(std::min(n - leased, f.batch())).size();
        if (!QUEUECTL_CHECK(f, got > 0)) return;
        leased += got;
    }
    auto first = f->free_worker("worker-1", "gone", f.now);
    if (!f.good(first, "free_worker")) return;
    QUEUECTL_CHECK(f, *first <= limits::sweep);
    std::size_t freed = *first;
    for (std::size_t more = 1; more != 0; freed += more) more = f->free_worker("worker-1", "gone", f.now).value_or(0);
    QUEUECTL_EQUAL(f, freed, n);
}

template <backend B>
void line7_whole_batches_are_taken(fixture<B>& f)
{
    std::vector<job> jobs;
    for (std::size_t i = 0; i < f.batch(); ++i) jobs.push_back(f.make(std::string{"a"} + std::to_string(i)));
    for (const auto told : f.insert(jobs)) QUEUECTL_EQUAL(f, told, insert_status::inserted);
    const auto leases = f.claim(f.batch());
    if (!QUEUECTL_EQUAL(f, leases.size(), f.batch())) return;
    std::vector<settlement> settlements;
    for (const auto& l : leases) settlements.push_back(f.success(l));
    for (const auto told : f.settle(settlements)) QUEUECTL_EQUAL(f, told, settle_status::applied);
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void add_bound_checks(check_list<B>& list)
{
    QUEUECTL_ADD_CHECK(list, B, line7_a_claim_reaps_a_bounded_number);
    QUEUECTL_ADD_CHECK(list, B, line7_whole_batches_are_taken);
    if constexpr (fixture<B>::inspectable) {
        QUEUECTL_ADD_CHECK(list, B, line7_a_page_is_bounded);
        QUEUECTL_ADD_CHECK(list, B, line7_a_purge_is_bounded);
        QUEUECTL_ADD_CHECK(list, B, line7_free_worker_is_bounded);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif

// ---- queuectl/testing/conformance/changes.hpp
// The rows of inspectable_storage: changing jobs by hand.
#ifndef QUEUECTL_TESTING_CONFORMANCE_CHANGES_HPP
#define QUEUECTL_TESTING_CONFORMANCE_CHANGES_HPP

namespace queuectl::inline v0::conformance {

// A job of each state, named after it; "failed" is due in an hour, and the claimed one is leased for long.
template <backend B>
void put_one_of_each_state(fixture<B>& f)
{
    for (const auto kind : {verdict_kind::complete, verdict_kind::retry, verdict_kind::bury, verdict_kind::cancel}) {
        const char* const names[] = {"completed", "failed", "dead", "cancelled"};
        f.put(names[static_cast<std::size_t>(kind)]);
        auto s = f.ended(f.take(), kind, "why");
        s.verdict.retry_at = f.in(std::chrono::hours{1});
        f.settle(s);
    }
    f.put("processing");
    f.take();
    f.put("pending");
}

template <backend B>
void revive_makes_ended_and_failed_jobs_due(fixture<B>& f)
{
    put_one_of_each_state(f);
    f.drain();
    for (const char* id : {"completed", "dead", "cancelled", "failed"}) {
        f.advance(f.tick);
        QUEUECTL_EQUAL(f, f.revive(id), change_status::done);
        const auto r = f.find(id);
        QUEUECTL_EQUAL(f, r.state, state::pending);
        QUEUECTL_EQUAL(f, r.attempts, 0);
        QUEUECTL_EQUAL(f, r.crashes, 0);
        QUEUECTL_EQUAL(f, r.job.run_at, f.now.wall);
        QUEUECTL_EQUAL(f, r.job.payload, "true");
    }
    QUEUECTL_EQUAL(f, f.drain(), {"completed", "dead", "cancelled", "failed"});
}

template <backend B>
void revive_of_others_is_a_conflict(fixture<B>& f)
{
    put_one_of_each_state(f);
    QUEUECTL_EQUAL(f, f.revive("processing"), change_status::conflict);
    QUEUECTL_EQUAL(f, f.revive("pending"), change_status::conflict);
    QUEUECTL_EQUAL(f, f.revive("nobody"), change_status::not_found);
    QUEUECTL_EQUAL(f, f.drain(), {"pending"});
}

template <backend B>
void revive_goes_to_the_end_of_the_line(fixture<B>& f)
{
    f.put("a");
    f.settle(f.buried(f.take()));
    f.put("b");
    QUEUECTL_EQUAL(f, f.revive("a"), change_status::done);
    QUEUECTL_CHECK(f, f.find("a").sequence > f.find("b").sequence);
    QUEUECTL_EQUAL(f, f.drain(), {"b", "a"});
}

template <backend B>
void revive_clears_crashes(fixture<B>& f)
{
    f.put("a");
    f.take();
    f.advance(f.lease_time + f.tick);
    f.settle(f.buried(f.take()));
    f.revive("a");
    const lease l = f.take();
    QUEUECTL_EQUAL(f, l.crashes, 0);
    QUEUECTL_EQUAL(f, l.attempts, 0);
    QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::applied);
}

template <backend B>
void cancel_ends_waiting_jobs(fixture<B>& f)
{
    put_one_of_each_state(f);
    for (const char* id : {"pending", "failed"}) {
        QUEUECTL_EQUAL(f, f.cancel(id), change_status::done);
        QUEUECTL_EQUAL(f, f.find(id).state, state::cancelled);
    }
    for (const char* id : {"completed", "dead", "cancelled"}) QUEUECTL_EQUAL(f, f.cancel(id), change_status::conflict);
    QUEUECTL_EQUAL(f, f.cancel("nobody"), change_status::not_found);
    QUEUECTL_EQUAL(f, f.find("completed").state, state::completed);
    QUEUECTL_EQUAL(f, f.find("dead").state, state::dead);
    f.advance(f.lease_time / 2);
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void cancel_of_a_running_job_is_told_by_extend(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    QUEUECTL_EQUAL(f, f.extend(l.receipt()), extend_status::held);
    QUEUECTL_EQUAL(f, f.cancel("a"), change_status::requested);
    QUEUECTL_EQUAL(f, f.find("a").state, state::processing);
    QUEUECTL_CHECK(f, f.find("a").cancel_requested);
    QUEUECTL_EQUAL(f, f.extend(l.receipt()), extend_status::cancel_requested);
    QUEUECTL_EQUAL(f, f.extend(l.receipt()), extend_status::cancel_requested);
    QUEUECTL_EQUAL(f, f.settle(f.ended(l, verdict_kind::cancel, "stopped")), settle_status::applied);
    QUEUECTL_EQUAL(f, f.find("a").state, state::cancelled);
}

template <backend B>
void cancel_takes_effect_on_release_retry_expiry_and_free_worker(fixture<B>& f)
{
    for (const char* id : {"released", "again", "expired", "freed"}) {
        f.put(id);
        const lease l = f.take();
        QUEUECTL_EQUAL(f, f.cancel(id), change_status::requested);
        if (*id == 'r') f.settle(f.released(l));
        if (*id == 'a') f.settle(f.ended(l, verdict_kind::retry, "failed"));
        if (*id == 'e') f.advance(f.lease_time + f.tick);
        if (*id == 'f') f.good(f->free_worker("worker-1", "gone", f.now), "free_worker");
        QUEUECTL_EQUAL(f, f.drain(), {});
        QUEUECTL_EQUAL(f, f.find(id).state, state::cancelled);
    }
}

template <backend B>
void cancel_is_over_once_the_job_is_revived(fixture<B>& f)
{
    f.put("a");
    lease l = f.take();
    f.cancel("a");
    f.settle(f.ended(l, verdict_kind::cancel, "stopped"));
    f.revive("a");
    l = f.take();
    QUEUECTL_EQUAL(f, f.extend(l.receipt()), extend_status::held);
    f.settle(f.released(l));
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void remove_forgets_all_but_running_jobs(fixture<B>& f)
{
    put_one_of_each_state(f);
    for (const char* id : {"completed", "failed", "dead", "cancelled", "pending"}) {
        QUEUECTL_EQUAL(f, f.remove(id), change_status::done);
        QUEUECTL_CHECK(f, !f.knows(id));
        QUEUECTL_EQUAL(f, f.runs(id).size(), 0);
        QUEUECTL_EQUAL(f, f.remove(id), change_status::not_found);
    }
    QUEUECTL_EQUAL(f, f.remove("processing"), change_status::conflict);
    f.put("dead");
    QUEUECTL_EQUAL(f, f.runs("dead").size(), 0);
    QUEUECTL_EQUAL(f, f.drain(), {"dead"});
}

template <backend B>
void purge_removes_only_final_jobs(fixture<B>& f)
{
    put_one_of_each_state(f);
    QUEUECTL_EQUAL(f, f->purge({}, 100).value_or(99), 3);
    QUEUECTL_EQUAL(f, f->purge({}, 100).value_or(99), 0);
    for (const char* id : {"failed", "processing", "pending"}) QUEUECTL_CHECK(f, f.knows(id));
}

template <backend B>
void purge_obeys_filter_and_limit(fixture<B>& f)
{
    put_one_of_each_state(f);
    f.advance(std::chrono::seconds{1});
    f.settle(f.buried(f.take()));
    job_filter filter;
    filter.state = state::dead;
    filter.updated_before = f.now.wall;
    QUEUECTL_EQUAL(f, f->purge(filter, 100).value_or(99), 1);
    QUEUECTL_CHECK(f, !f.knows("dead"));
    QUEUECTL_CHECK(f, f.knows("pending"));
    filter.updated_before = timestamp_max;
    QUEUECTL_EQUAL(f, f->purge(filter, 100).value_or(99), 1);
    QUEUECTL_EQUAL(f, f->purge({}, 1).value_or(99), 1);
    QUEUECTL_EQUAL(f, f->purge({}, 1).value_or(99), 1);
    QUEUECTL_EQUAL(f, f->purge({}, 1).value_or(99), 0);
    filter = {};
    filter.state = state::pending;
    QUEUECTL_EQUAL(f, f->purge(filter, 100).value_or(99), 0);
}

template <backend B>
void reprioritise_moves_a_waiting_job(fixture<B>& f)
{
    put_one_of_each_state(f);
    f.put("urgent", [](job& j) { j.priority = 5; });
    const auto set = [&](const char* id, int p) {
        auto told = f->reprioritise(id, p, f.now);
        return f.good(told, "reprioritise") ? *told : change_status::not_found;
    };
    QUEUECTL_EQUAL(f, set("pending", 5), change_status::done);
    QUEUECTL_EQUAL(f, set("failed", 6), change_status::done);
    for (const char* id : {"completed", "dead", "cancelled", "processing"})
        QUEUECTL_EQUAL(f, set(id, 9), change_status::conflict);
    QUEUECTL_EQUAL(f, set("nobody", 9), change_status::not_found);
    QUEUECTL_EQUAL(f, f.drain(), {"pending", "urgent"});
    QUEUECTL_EQUAL(f, int{f.find("failed").job.priority}, 6);
}

template <backend B>
void free_worker_ends_the_leases_of_that_worker(fixture<B>& f)
{
    f.put("a");
    f.put("b");
    const lease a = f.take();
    auto r = f.request();
    r.worker = "worker-2";
    const auto b = f.claim(r);
    auto freed = f->free_worker("worker-1", "killed by signal 9", f.now);
    QUEUECTL_EQUAL(f, freed.value_or(99), 1);
    const auto kept = f.find("a");
    QUEUECTL_EQUAL(f, kept.state, state::pending);
    QUEUECTL_EQUAL(f, kept.crashes, 1);
    QUEUECTL_EQUAL(f, kept.attempts, 0);
    QUEUECTL_EQUAL(f, kept.error, "killed by signal 9");
    const auto runs = f.runs("a");
    if (QUEUECTL_EQUAL(f, runs.size(), 1)) {
        QUEUECTL_EQUAL(f, runs[0].status, run_status::crashed);
        QUEUECTL_EQUAL(f, runs[0].error, "killed by signal 9");
        QUEUECTL_EQUAL(f, runs[0].worker, "worker-1");
        QUEUECTL_EQUAL(f, runs[0].number, 1);
    }
    QUEUECTL_EQUAL(f, f.settle(f.success(a)), settle_status::lease_lost);
    if (QUEUECTL_EQUAL(f, b.size(), 1)) QUEUECTL_EQUAL(f, f.extend(b[0].receipt()), extend_status::held);
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
    QUEUECTL_EQUAL(f, f->free_worker("nobody", "gone", f.now).value_or(99), 0);
}

template <backend B>
void changes_tell_of_each_id(fixture<B>& f)
{
    put_one_of_each_state(f);
    const std::vector<std::string> ids{"dead", "nobody", "processing", "failed"};
    std::vector<change_status> told(4, change_status::requested);
    f.good(f->revive(ids, told, f.now), "revive");
    QUEUECTL_EQUAL(f, told,
                   {change_status::done, change_status::not_found, change_status::conflict, change_status::done});
    f.good(f->cancel(ids, told, f.now), "cancel");
    QUEUECTL_EQUAL(f, told,
                   {change_status::done, change_status::not_found, change_status::requested, change_status::done});
    f.good(f->remove(ids, told), "remove");
    QUEUECTL_EQUAL(f, told,
                   {change_status::done, change_status::not_found, change_status::conflict, change_status::done});
}

template <backend B>
void add_change_checks(check_list<B>& list)
{
    if constexpr (fixture<B>::inspectable) {
        QUEUECTL_ADD_CHECK(list, B, revive_makes_ended_and_failed_jobs_due);
        QUEUECTL_ADD_CHECK(list, B, revive_of_others_is_a_conflict);
        QUEUECTL_ADD_CHECK(list, B, revive_goes_to_the_end_of_the_line);
        QUEUECTL_ADD_CHECK(list, B, revive_clears_crashes);
        QUEUECTL_ADD_CHECK(list, B, cancel_ends_waiting_jobs);
        QUEUECTL_ADD_CHECK(list, B, cancel_of_a_running_job_is_told_by_extend);
        QUEUECTL_ADD_CHECK(list, B, cancel_takes_effect_on_release_retry_expiry_and_free_worker);
        QUEUECTL_ADD_CHECK(list, B, cancel_is_over_once_the_job_is_revived);
        QUEUECTL_ADD_CHECK(list, B, remove_forgets_all_but_running_jobs);
        QUEUECTL_ADD_CHECK(list, B, purge_removes_only_final_jobs);
        QUEUECTL_ADD_CHECK(list, B, purge_obeys_filter_and_limit);
        QUEUECTL_ADD_CHECK(list, B, reprioritise_moves_a_waiting_job);
        QUEUECTL_ADD_CHECK(list, B, free_worker_ends_the_leases_of_that_worker);
        QUEUECTL_ADD_CHECK(list, B, changes_tell_of_each_id);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif

// ---- queuectl/testing/conformance/cost.hpp
// Line 6: what a claim costs, by counting operations, never by time.
#ifndef QUEUECTL_TESTING_CONFORMANCE_COST_HPP
#define QUEUECTL_TESTING_CONFORMANCE_COST_HPP

namespace queuectl::inline v0::conformance {

// The operations of the dearest of a few claims.
template <backend B>
[[nodiscard]] std::uint64_t claim_cost(fixture<B>& f)
{
    std::uint64_t most = 0;
    for (int i = 0; i < 4; ++i) {
        const auto before = static_cast<std::uint64_t>(f.place().operations());
        const auto leases = f.claim(1);
        most = std::max(most, static_cast<std::uint64_t>(f.place().operations()) - before);
        QUEUECTL_EQUAL(f, leases.size(), 1);
    }
    return most;
}

// Claims before and after fifteen times as many jobs were put in by fill(name, n): linear growth would show.
template <backend B, class Fill>
void check_claim_cost(fixture<B>& f, Fill fill)
{
    f.put_many("due", 20, [](job&) {});
    fill("few", 100);
    const auto few = claim_cost(f);
    fill("many", 1500);
    const auto many = claim_cost(f);
    if (many > 3 * few + 60)
        f.out().fail(__FILE__, __LINE__, "a claim costs " + show(few) + " operations before, " + show(many) + " after");
}

template <backend B>
void line6_finished_jobs_cost_a_claim_nothing(fixture<B>& f)
{
    check_claim_cost(f, [&](const char* name, std::size_t n) {
        f.put_many(name, n, [](job& j) { j.priority = 1; });
        for (std::size_t ended = 0; ended < n;) {
            std::vector<settlement> all;
            for (const auto& l : f.claim(std::min(n - ended, f.batch())))
                all.push_back(all.size() % 2 == 0 ? f.success(l) : f.buried(l));
            if (!QUEUECTL_CHECK(f, !all.empty())) return;
            f.settle(all);
            ended += all.size();
        }
    });
}

template <backend B>
void line6_future_jobs_cost_a_claim_nothing(fixture<B>& f)
{
    check_claim_cost(f, [&](const char* name, std::size_t n) {
        int i = 0;
        f.put_many(name, n, [&](job& j) {
            j.priority = static_cast<std::int8_t>(++i % 3);
            j.run_at = f.in(std::chrono::hours{i});
        });
    });
}

template <backend B>
void line6_held_jobs_cost_a_claim_nothing(fixture<B>& f)
{
    check_claim_cost(f, [&](const char* name, std::size_t n) {
        f.put_many(name, n, [](job& j) { j.priority = 1, j.hold = hold_dependency; });
    });
}

template <backend B>
void line6_the_backlog_costs_a_claim_little(fixture<B>& f)
{
    check_claim_cost(f, [&](const char* name, std::size_t n) { f.put_many(name, n, [](job&) {}); });
}

template <backend B>
void line6_jobs_of_other_queues_and_kinds_cost_a_claim_little(fixture<B>& f)
{
    f.put_many("mine", 20, [](job& j) { j.queue = "mine", j.kind = "mine"; });
    const std::vector<std::string> mine{"mine"};
    const auto cost = [&] {
        auto r = f.request();
        r.queues = r.kinds = mine;
        const auto before = static_cast<std::uint64_t>(f.place().operations());
        QUEUECTL_EQUAL(f, f.claim(r).size(), 1);
        return static_cast<std::uint64_t>(f.place().operations()) - before;
    };
    f.put_many("few", 100, [](job& j) { j.priority = 1; });
    const auto few = cost();
    f.put_many("many", 1500, [](job& j) { j.priority = 1, j.queue = j.id < "many5" ? "mine" : "other"; });
    const auto many = cost();
    if (many > 3 * few + 60)
        f.out().fail(__FILE__, __LINE__, "a claim costs " + show(few) + " operations before, " + show(many) + " after");
}

template <backend B>
void line6_jobs_that_fall_due_together_make_no_claim_stall(fixture<B>& f)
{
    check_claim_cost(f, [&](const char* name, std::size_t n) {
        f.put_many(name, n, [&](job& j) { j.run_at = f.in(std::chrono::hours{1}); });
        f.advance(std::chrono::hours{1});
        f.look(f.request(1));  // it also reaps what the hour expired, which is not measured
    });
}

template <backend B>
void add_cost_checks(check_list<B>& list)
{
    if constexpr (can_count<B>) {
        QUEUECTL_ADD_CHECK(list, B, line6_finished_jobs_cost_a_claim_nothing);
        QUEUECTL_ADD_CHECK(list, B, line6_future_jobs_cost_a_claim_nothing);
        QUEUECTL_ADD_CHECK(list, B, line6_held_jobs_cost_a_claim_nothing);
        QUEUECTL_ADD_CHECK(list, B, line6_the_backlog_costs_a_claim_little);
        QUEUECTL_ADD_CHECK(list, B, line6_jobs_of_other_queues_and_kinds_cost_a_claim_little);
        QUEUECTL_ADD_CHECK(list, B, line6_jobs_that_fall_due_together_make_no_claim_stall);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif

// ---- queuectl/testing/conformance/counts.hpp
// Line 5: one state a job, counts that equal a recount, and nothing lost.
#ifndef QUEUECTL_TESTING_CONFORMANCE_COUNTS_HPP
#define QUEUECTL_TESTING_CONFORMANCE_COUNTS_HPP

namespace queuectl::inline v0::conformance {

// Compares counts() with a recount by list(), queue by queue, and their sum with `kept` jobs.
template <backend B>
void check_counts(fixture<B>& f, std::uint64_t kept, const char* step)
{
    std::vector<queue_counts> told;
    f.good(f->counts(told), "counts");
    std::vector<queue_counts> recount;
    for (const auto& c : told) {
        recount.emplace_back();
        recount.back().queue = c.queue;
    }
    std::uint64_t total = 0;
    for (const auto& r : f.list()) {
        ++total;
        bool known = false;
        for (auto& c : recount)
            if (c.queue == r.job.queue) known = true, ++c.by_state[static_cast<std::size_t>(r.state)];
        f.check(known, "every queue is counted", step, 0);
    }
    f.equal("jobs listed", step, 0, total, kept);
    for (std::size_t i = 0; i < told.size(); ++i)
        for (std::size_t s = 0; s < state_count; ++s)
            f.equal("the count of a state", step, static_cast<int>(s), told[i].by_state[s], recount[i].by_state[s]);
}

template <backend B>
void line5_counts_equal_a_recount(fixture<B>& f)
{
    check_counts(f, 0, "empty");
    for (int i = 0; i < 8; ++i)
        f.put(std::string{"a"} + std::to_string(i), [&](job& j) { j.queue = i % 2 == 0 ? "even" : "odd"; });
    f.insert(f.make("a0"));
    check_counts(f, 8, "insert");
    auto leases = f.claim(8);
    if (!QUEUECTL_EQUAL(f, leases.size(), 8)) return;
    check_counts(f, 8, "claim");
    f.settle({f.success(leases[0]), f.failed(leases[1], f.in(std::chrono::hours{2})), f.buried(leases[2]),
              f.ended(leases[3], verdict_kind::cancel, ""), f.released(leases[4])});
    check_counts(f, 8, "settle");
    f.settle(f.success(leases[0]));
    check_counts(f, 8, "settle repeated");
    f.cancel("a5");
    f.advance(f.lease_time + f.tick);
    f.claim(1);
    check_counts(f, 8, "expiry");
    f.cancel("a1");
    f.revive("a2");
    f.revive("a0");
    check_counts(f, 8, "cancel and revive");
    f.remove("a1");
    check_counts(f, 7, "remove");
    f.good(f->free_worker("worker-1", "gone", f.now), "free_worker");
    check_counts(f, 7, "free_worker");
    f.good(f->reprioritise("a6", 9, f.now), "reprioritise");
    check_counts(f, 7, "reprioritise");
    f.good(f->purge(job_filter{}, 100), "purge");
    check_counts(f, 5, "purge");
}

template <backend B>
void line5_counts_forget_a_job_completed_without_retention(fixture<B>& f)
{
    f.put("a", [](job& j) { j.retention = duration{0}; });
    f.settle(f.success(f.take()));
    check_counts(f, 0, "complete");
}

template <backend B>
void line5_each_state_is_counted(fixture<B>& f)
{
    for (int i = 0; i < 6; ++i) f.put(std::string{"a"} + std::to_string(i));
    const auto leases = f.claim(5);
    if (!QUEUECTL_EQUAL(f, leases.size(), 5)) return;
    f.settle({f.success(leases[0]), f.failed(leases[1], f.in(std::chrono::hours{2})), f.buried(leases[2]),
              f.ended(leases[3], verdict_kind::cancel, "")});
    std::vector<queue_counts> counts;
    f.good(f->counts(counts), "counts");
    if (!QUEUECTL_EQUAL(f, counts.size(), 1)) return;
    QUEUECTL_EQUAL(f, counts[0].queue, "default");
    for (std::size_t s = 0; s < state_count; ++s) QUEUECTL_EQUAL(f, counts[0].by_state[s], 1);
}

template <backend B>
void line5_counts_name_every_queue_that_held_a_job(fixture<B>& f)
{
    f.put("a", [](job& j) { j.queue = "once"; });
    f.remove("a");
    std::vector<queue_counts> counts;
    f.good(f->counts(counts), "counts");
    if (!QUEUECTL_EQUAL(f, counts.size(), 1)) return;
    QUEUECTL_EQUAL(f, counts[0].queue, "once");
    QUEUECTL_EQUAL(f, counts[0][state::pending], 0);
}

template <backend B>
void add_count_checks(check_list<B>& list)
{
    if constexpr (fixture<B>::inspectable) {
        QUEUECTL_ADD_CHECK(list, B, line5_counts_equal_a_recount);
        QUEUECTL_ADD_CHECK(list, B, line5_counts_forget_a_job_completed_without_retention);
        QUEUECTL_ADD_CHECK(list, B, line5_each_state_is_counted);
        QUEUECTL_ADD_CHECK(list, B, line5_counts_name_every_queue_that_held_a_job);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif

// ---- queuectl/testing/conformance/header.hpp
// Line 11: a store has a header that every verb obeys.
#ifndef QUEUECTL_TESTING_CONFORMANCE_HEADER_HPP
#define QUEUECTL_TESTING_CONFORMANCE_HEADER_HPP

namespace queuectl::inline v0::conformance {

// Only what dies with the process may do without an id.
template <backend B>
void line11_a_store_has_a_header(fixture<B>& f)
{
    auto info = f->info();
    if (!f.good(info, "info")) return;
    QUEUECTL_CHECK(f, info->id || info->durability == durability::process);
    QUEUECTL_CHECK(f, info->format >= 1);
    QUEUECTL_CHECK(f, info->min_reader <= info->format && info->min_writer <= info->format);
    QUEUECTL_CHECK(f, info->min_reader <= info->min_writer);
    QUEUECTL_CHECK(f, !info->location.empty());
    QUEUECTL_CHECK(f, info->moved_to.empty() && !info->read_only);
}

template <backend B>
void line11_stores_have_ids_of_their_own(fixture<B>& f)
{
    sink none;
    fixture<B> other{none};
    auto mine = f->info();
    auto theirs = other->info();
    if (!f.good(mine, "info") || !f.good(theirs, "info")) return;
    QUEUECTL_CHECK(f, mine->id != theirs->id || !mine->id);
}

template <backend B>
void line11_reopen_keeps_the_id(fixture<B>& f) requires fixture<B>::inspectable
{
    auto before = f->info();
    f.reopen();
    auto after = f->info();
    if (!f.good(before, "info") || !f.good(after, "info")) return;
    QUEUECTL_EQUAL(f, after->id, before->id);
}

template <backend B>
void line11_a_read_only_store_refuses_changes(fixture<B>& f)
{
    f.put("a");
    f.put("b");
    const lease l = f.take();
    f.place().make_read_only();
    const auto refused = [&](const auto& r) { return !r && r.error().code == errc::read_only; };
    std::vector<insert_status> inserted(1);
    const std::vector<job> jobs{f.make("c")};
    QUEUECTL_CHECK(f, refused(f->insert(jobs, inserted, f.now)));
    std::vector<lease> leases;
    QUEUECTL_CHECK(f, refused(f->claim(f.request(), leases, f.now)));
    std::vector<extend_status> held(1);
    const std::vector<receipt> receipts{l.receipt()};
    QUEUECTL_CHECK(f, refused(f->extend(receipts, f.lease_time, held, f.now)));
    std::vector<settle_status> settled(1);
    const std::vector<settlement> settlements{f.success(l)};
    QUEUECTL_CHECK(f, refused(f->settle(settlements, settled, f.now)));
    if constexpr (fixture<B>::inspectable) {
        QUEUECTL_CHECK(f, refused(f->purge({}, 10)));
        QUEUECTL_CHECK(f, refused(f->free_worker("worker-1", "gone", f.now)));
        QUEUECTL_EQUAL(f, f.list().size(), 2);
    }
}

template <backend B>
void add_header_checks(check_list<B>& list)
{
    if constexpr (fixture<B>::inspectable) {
        QUEUECTL_ADD_CHECK(list, B, line11_a_store_has_a_header);
        QUEUECTL_ADD_CHECK(list, B, line11_stores_have_ids_of_their_own);
        if constexpr (can_reopen<B>) QUEUECTL_ADD_CHECK(list, B, line11_reopen_keeps_the_id);
    }
    if constexpr (can_freeze<B>) QUEUECTL_ADD_CHECK(list, B, line11_a_read_only_store_refuses_changes);
}

}  // namespace queuectl::inline v0::conformance

#endif

// ---- queuectl/testing/conformance/inspect.hpp
// The rows of inspectable_storage: looking at jobs.
#ifndef QUEUECTL_TESTING_CONFORMANCE_INSPECT_HPP
#define QUEUECTL_TESTING_CONFORMANCE_INSPECT_HPP

namespace queuectl::inline v0::conformance {

template <backend B>
void find_returns_the_record(fixture<B>& f)
{
    f.put("a", [](job& j) { j.tag = "t", j.payload = "p", j.priority = 3; });
    const auto r = f.find("a");
    QUEUECTL_EQUAL(f, r.job.id, "a");
    QUEUECTL_EQUAL(f, r.job.payload, "p");
    QUEUECTL_EQUAL(f, r.job.tag, "t");
    QUEUECTL_EQUAL(f, r.state, state::pending);
    QUEUECTL_EQUAL(f, r.created_at, f.now.wall);
    QUEUECTL_EQUAL(f, r.updated_at, f.now.wall);
    QUEUECTL_EQUAL(f, r.exit_code, -1);
    QUEUECTL_CHECK(f, !r.token && !r.settled_token && !r.cancel_requested);
    QUEUECTL_CHECK(f, !f.knows("b"));
}

template <backend B>
[[nodiscard]] std::vector<std::string> listed(fixture<B>& f, const job_filter& filter = {}, std::size_t limit = 100)
{
    std::vector<std::string> ids;
    for (const auto& r : f.list(filter, limit)) ids.push_back(r.job.id);
    return ids;
}

template <backend B>
void list_is_in_order_of_insertion(fixture<B>& f)
{
    f.put("b", [](job& j) { j.priority = -1; });
    f.put("c", [&](job& j) { j.run_at = f.in(std::chrono::hours{1}); });
    f.put("a", [](job& j) { j.priority = 9; });
    f.settle(f.success(f.take()));
    QUEUECTL_EQUAL(f, listed(f), {"b", "c", "a"});
}

template <backend B>
void list_goes_page_by_page(fixture<B>& f)
{
    for (const char* id : {"a", "b", "c", "d", "e"}) f.put(id, [&](job& j) { j.tag = *id == 'c' ? "x" : "t"; });
    for (const std::size_t limit : {1u, 2u, 5u, 6u}) {
        QUEUECTL_EQUAL(f, listed(f, {}, limit), {"a", "b", "c", "d", "e"});
        job_filter filter;
        filter.tag = "t";
        QUEUECTL_EQUAL(f, listed(f, filter, limit), {"a", "b", "d", "e"});
    }
    std::vector<job_record> page;
    f.good(f->list({}, {0, 2}, page), "list");
    QUEUECTL_CHECK(f, page.size() <= 2);
}

template <backend B>
void list_filters(fixture<B>& f)
{
    f.put("q", [](job& j) { j.queue = "other"; });
    f.put("k", [](job& j) { j.kind = "mail"; });
    f.put("t", [](job& j) { j.tag = "red"; });
    f.advance(std::chrono::seconds{1});
    f.put("s", [](job& j) { j.priority = 1; });
    f.settle(f.buried(f.take()));
    job_filter filter;
    filter.queue = "other";
    QUEUECTL_EQUAL(f, listed(f, filter), {"q"});
    filter = {};
    filter.kind = "mail";
    QUEUECTL_EQUAL(f, listed(f, filter), {"k"});
    filter = {};
    filter.tag = "red";
    QUEUECTL_EQUAL(f, listed(f, filter), {"t"});
    filter = {};
    filter.state = state::dead;
    QUEUECTL_EQUAL(f, listed(f, filter), {"s"});
    filter.state = state::pending;
    filter.kind = "mail";
    filter.queue = "other";
    QUEUECTL_EQUAL(f, listed(f, filter), {});
    filter = {};
    filter.updated_before = f.now.wall;
    QUEUECTL_EQUAL(f, listed(f, filter), {"q", "k", "t"});
}

template <backend B>
void attempts_tell_each_run(fixture<B>& f)
{
    f.put("a");
    f.settle(f.failed(f.take(), f.now.wall, "first"));
    const timestamp started = f.now.wall;
    f.take();
    f.advance(f.lease_time + f.tick);
    auto s = f.success(f.take());
    s.report->started_at = f.in(std::chrono::seconds{-2});
    s.report->output_bytes = 5;
    s.report->output.head = "hello";
    f.settle(s);
    const auto runs = f.runs("a");
    if (!QUEUECTL_EQUAL(f, runs.size(), 3)) return;
    for (std::size_t i = 0; i < 3; ++i) {
        QUEUECTL_EQUAL(f, runs[i].number, static_cast<std::int32_t>(i + 1));
        QUEUECTL_EQUAL(f, runs[i].worker, "worker-1");
        QUEUECTL_EQUAL(f, runs[i].output.head, "");
    }
    QUEUECTL_EQUAL(f, runs[0].status, run_status::failed);
    QUEUECTL_EQUAL(f, runs[0].error, "first");
    QUEUECTL_EQUAL(f, runs[0].exit_code, 1);
    QUEUECTL_EQUAL(f, runs[1].status, run_status::crashed);
    QUEUECTL_EQUAL(f, runs[1].error, "lease expired");
    QUEUECTL_EQUAL(f, runs[1].started_at, started);
    QUEUECTL_EQUAL(f, runs[2].status, run_status::succeeded);
    QUEUECTL_EQUAL(f, runs[2].started_at, f.in(std::chrono::seconds{-2}));
    QUEUECTL_EQUAL(f, runs[2].ended_at, f.now.wall);
    QUEUECTL_EQUAL(f, runs[2].output_bytes, 5);
}

template <backend B>
void attempts_keep_the_newest(fixture<B>& f)
{
    f.put("a");
    const auto kept = static_cast<std::int32_t>(limits::attempts_kept);
    for (std::int32_t i = 0; i < kept + 3; ++i) f.settle(f.failed(f.take(), f.now.wall));
    const auto runs = f.runs("a");
    if (!QUEUECTL_EQUAL(f, runs.size(), limits::attempts_kept)) return;
    QUEUECTL_EQUAL(f, runs.front().number, 4);
    QUEUECTL_EQUAL(f, runs.back().number, kept + 3);
    QUEUECTL_EQUAL(f, f.find("a").attempts, kept + 3);
}

template <backend B>
void output_is_kept_by_run(fixture<B>& f)
{
    f.put("a");
    for (int i = 1; i <= 2; ++i) {
        auto s = f.failed(f.take(), f.now.wall);
        s.report->output.head = std::string{"run\0", 4} + std::to_string(i);
        s.report->output.tail = "end";
        s.report->output.dropped_bytes = 7;
        s.report->output_bytes = 15;
        f.settle(s);
    }
    auto got = f->output("a", 2);
    if (!f.good(got, "output")) return;
    QUEUECTL_EQUAL(f, got->head, (std::string{"run\0", 4} + "2"));
    QUEUECTL_EQUAL(f, got->tail, "end");
    QUEUECTL_EQUAL(f, got->dropped_bytes, 7);
    got = f->output("a", 1);
    if (f.good(got, "output")) QUEUECTL_EQUAL(f, got->head, (std::string{"run\0", 4} + "1"));
    got = f->output("a", 3);
    QUEUECTL_CHECK(f, !got && got.error().code == errc::not_found);
    f.remove("a");
    got = f->output("a", 1);
    QUEUECTL_CHECK(f, !got && got.error().code == errc::not_found);
}

template <backend B>
void add_inspection_checks(check_list<B>& list)
{
    if constexpr (fixture<B>::inspectable) {
        QUEUECTL_ADD_CHECK(list, B, find_returns_the_record);
        QUEUECTL_ADD_CHECK(list, B, list_is_in_order_of_insertion);
        QUEUECTL_ADD_CHECK(list, B, list_goes_page_by_page);
        QUEUECTL_ADD_CHECK(list, B, list_filters);
        QUEUECTL_ADD_CHECK(list, B, attempts_tell_each_run);
        QUEUECTL_ADD_CHECK(list, B, attempts_keep_the_newest);
        QUEUECTL_ADD_CHECK(list, B, output_is_kept_by_run);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif

// ---- queuectl/testing/conformance/limits.hpp
// Line 8: values at their limits are kept whole.
#ifndef QUEUECTL_TESTING_CONFORMANCE_LIMITS_HPP
#define QUEUECTL_TESTING_CONFORMANCE_LIMITS_HPP

namespace queuectl::inline v0::conformance {

template <backend B>
void line8_names_at_their_limits(fixture<B>& f)
{
    job j = f.make(std::string(limits::id_bytes, 'i'));
    j.queue.assign(limits::name_bytes, 'q');
    j.kind.assign(limits::name_bytes, 'k');
    j.tag.assign(limits::name_bytes, 't');
    j.batch.assign(limits::name_bytes, 'b');
    j.key.assign(limits::key_bytes, '\xff');
    j.unique_key.assign(limits::key_bytes, '\0');
    f.insert(j);
    f.put(std::string(limits::id_bytes - 1, 'i'));
    const std::vector<std::string> queues{j.queue};
    const std::vector<std::string> kinds{j.kind};
    auto r = f.request(2);
    r.queues = queues;
    r.kinds = kinds;
    const auto leases = f.claim(r);
    if (!QUEUECTL_EQUAL(f, f.ids(leases), {j.id})) return;
    QUEUECTL_EQUAL(f, leases[0].job.queue, j.queue);
    QUEUECTL_EQUAL(f, leases[0].job.tag, j.tag);
    QUEUECTL_EQUAL(f, leases[0].job.batch, j.batch);
    QUEUECTL_EQUAL(f, leases[0].job.key, j.key);
    QUEUECTL_EQUAL(f, leases[0].job.unique_key, j.unique_key);
    QUEUECTL_EQUAL(f, f.settle(f.success(leases[0])), settle_status::applied);
}

template <backend B>
void line8_a_payload_holds_any_bytes(fixture<B>& f)
{
    job j = f.make("bytes");
    j.payload.clear();
    for (int i = 0; i < 512; ++i) j.payload += static_cast<char>(i);
    f.insert(j);
    f.put("empty", [](job& e) { e.payload.clear(); });
    QUEUECTL_EQUAL(f, f.take().job.payload, j.payload);
    QUEUECTL_EQUAL(f, f.take().job.payload, "");
}

template <backend B>
void line8_a_payload_of_16_mib(fixture<B>& f)
{
    job j = f.make("large");
    j.payload.assign(limits::payload_bytes, 'x');
    j.payload.back() = '\0';
    f.insert(j);
    QUEUECTL_CHECK(f, f.take().job.payload == j.payload);
}

template <backend B>
void line8_numbers_at_their_limits(fixture<B>& f)
{
    job j = f.make("numbers");
    j.max_retries = limits::retries_max;
    j.backoff_base = limits::backoff_base_max;
    j.timeout = duration_max;
    j.retention = duration_max;
    j.priority = limits::priority_min;
    j.nonce = uid{~std::uint64_t{0}, ~std::uint64_t{0}};
    f.insert(j);
    QUEUECTL_EQUAL(f, f.insert(j), insert_status::inserted);
    const job got = f.take().job;
    QUEUECTL_EQUAL(f, got.max_retries, j.max_retries);
    QUEUECTL_EQUAL(f, got.backoff_base, j.backoff_base);
    QUEUECTL_EQUAL(f, got.timeout, j.timeout);
    QUEUECTL_EQUAL(f, got.retention, j.retention);
    QUEUECTL_EQUAL(f, int{got.priority}, limits::priority_min);
    QUEUECTL_EQUAL(f, got.nonce, j.nonce);
}

template <backend B>
void line8_many_dependencies_and_environment(fixture<B>& f)
{
    job j = f.make("many");
    for (std::size_t i = 0; i < limits::dependencies; ++i) j.depends_on.push_back(std::string{"d"} + std::to_string(i));
    while (j.env.size() + 8 < limits::environment_bytes) j.env += std::string{"A=12345", 8};
    f.insert(j);
    const job got = f.take().job;
    QUEUECTL_CHECK(f, got.depends_on == j.depends_on);
    QUEUECTL_CHECK(f, got.env == j.env);
}

template <backend B>
void line8_errors_and_results_at_their_limits(fixture<B>& f)
{
    f.put("a");
    f.settle(f.failed(f.take(), f.now.wall, std::string(limits::error_bytes, 'e')));
    const lease l = f.take();
    QUEUECTL_EQUAL(f, l.error, std::string(limits::error_bytes, 'e'));
    auto s = f.success(l);
    s.result.assign(limits::result_bytes, '\0');
    QUEUECTL_EQUAL(f, f.settle(s), settle_status::applied);
    if constexpr (fixture<B>::inspectable) QUEUECTL_CHECK(f, f.find("a").result == s.result);
}

template <backend B>
void add_limit_checks(check_list<B>& list)
{
    QUEUECTL_ADD_CHECK(list, B, line8_names_at_their_limits);
    QUEUECTL_ADD_CHECK(list, B, line8_a_payload_holds_any_bytes);
    QUEUECTL_ADD_CHECK(list, B, line8_a_payload_of_16_mib);
    QUEUECTL_ADD_CHECK(list, B, line8_numbers_at_their_limits);
    QUEUECTL_ADD_CHECK(list, B, line8_many_dependencies_and_environment);
    QUEUECTL_ADD_CHECK(list, B, line8_errors_and_results_at_their_limits);
}

}  // namespace queuectl::inline v0::conformance

#endif

// ---- queuectl/testing/conformance/notify.hpp
// The rows of notifying_storage, with real but bounded waits.
#ifndef QUEUECTL_TESTING_CONFORMANCE_NOTIFY_HPP
#define QUEUECTL_TESTING_CONFORMANCE_NOTIFY_HPP

#include <thread>

namespace queuectl::inline v0::conformance {

// How long a wait is given that should end at once: half of it is already a failure. Set it before the checks run.
inline duration notify_patience = std::chrono::seconds{4};

// Whether the store's counter `which` moves when `act` runs.
template <backend B, class Act>
[[nodiscard]] bool moves(fixture<B>& f, std::uint32_t change_counts::*which, Act act)
{
    const auto before = f->changes();
    act();
    return f->changes().*which != before.*which;
}

template <backend B>
void notify_work_changes_with_what_may_be_claimed(fixture<B>& f)
{
    const auto work = &change_counts::work;
    QUEUECTL_CHECK(f, moves(f, work, [&] { f.put("a"); }));
    QUEUECTL_CHECK(f, moves(f, work, [&] { f.put("later", [&](job& j) { j.run_at = f.in(std::chrono::hours{1}); }); }));
    lease l = f.take();
    QUEUECTL_CHECK(f, moves(f, work, [&] { f.settle(f.released(l)); }));
    l = f.take();
    QUEUECTL_CHECK(f, moves(f, work, [&] { f.settle(f.failed(l, f.now.wall)); }));
    f.take();
    if constexpr (fixture<B>::inspectable) {
        QUEUECTL_CHECK(f, moves(f, work, [&] { f.good(f->free_worker("worker-1", "gone", f.now), "free_worker"); }));
        f.settle(f.buried(f.take()));
        QUEUECTL_CHECK(f, moves(f, work, [&] { f.revive("a"); }));
    }
    if constexpr (fixture<B>::configurable)
        QUEUECTL_CHECK(f, moves(f, work, [&] { f.good(f->config_put({"k", "v", 0, timestamp_max}, f.now), "put"); }));
}

template <backend B>
void notify_control_changes_with_a_cancel(fixture<B>& f) requires fixture<B>::inspectable
{
    f.put("a");
    f.take();
    QUEUECTL_CHECK(f, moves(f, &change_counts::control, [&] { f.cancel("a"); }));
}

template <backend B>
void notify_a_wait_for_what_happened_ends_at_once(fixture<B>& f)
{
    const auto seen = f->changes();
    f.put("a");
    const auto started = std::chrono::steady_clock::now();
    const auto told = f->wait_for_change(seen, notify_patience);
    QUEUECTL_CHECK(f, std::chrono::steady_clock::now() - started < notify_patience / 2);
    QUEUECTL_CHECK(f, told != seen);
    QUEUECTL_CHECK(f, told == f->changes());
}

template <backend B>
void notify_a_wait_ends_with_its_time(fixture<B>& f)
{
    const auto started = std::chrono::steady_clock::now();
    f->wait_for_change(f->changes(), std::chrono::milliseconds{1});
    QUEUECTL_CHECK(f, std::chrono::steady_clock::now() - started < notify_patience / 2);
}

// Runs `act` while another thread waits for a change; whether that ended well before its time.
template <backend B, class Act>
[[nodiscard]] bool wakes(fixture<B>& f, Act act)
{
    const auto seen = f->changes();
    const auto started = std::chrono::steady_clock::now();
    std::thread waiter{[&] {
        auto told = seen;
        while (told == seen && std::chrono::steady_clock::now() - started < notify_patience)
            told = f->wait_for_change(seen, notify_patience);
    }};
    act();
    waiter.join();
    return std::chrono::steady_clock::now() - started < notify_patience / 2;
}

template <backend B>
void notify_an_insert_wakes_a_waiting_thread(fixture<B>& f)
{
    QUEUECTL_CHECK(f, wakes(f, [&] { f.put("a"); }));
}

template <backend B>
void notify_another_handle_wakes_a_waiting_thread(fixture<B>& f)
{
    const auto other = f.another();
    const std::vector<job> jobs{f.make("a")};
    QUEUECTL_CHECK(f, wakes(f, [&] {
                       std::vector<insert_status> told(1);
                       f.good(other->insert(jobs, told, f.now), "insert");
                   }));
}

template <backend B>
void notify_interrupt_ends_waits(fixture<B>& f)
{
    const auto seen = f->changes();
    const auto started = std::chrono::steady_clock::now();
    std::atomic<bool> returned{false};
    std::thread waiter{[&] {
        f->wait_for_change(seen, notify_patience);
        returned = true;
    }};
    while (!returned && std::chrono::steady_clock::now() - started < notify_patience * 2) {
        f->interrupt_waits();
        std::this_thread::yield();
    }
    waiter.join();
    QUEUECTL_CHECK(f, std::chrono::steady_clock::now() - started < notify_patience / 2);
}

template <backend B>
void add_notification_checks(check_list<B>& list)
{
    if constexpr (fixture<B>::notifying) {
        QUEUECTL_ADD_CHECK(list, B, notify_work_changes_with_what_may_be_claimed);
        QUEUECTL_ADD_CHECK(list, B, notify_a_wait_for_what_happened_ends_at_once);
        QUEUECTL_ADD_CHECK(list, B, notify_a_wait_ends_with_its_time);
        if constexpr (fixture<B>::inspectable) QUEUECTL_ADD_CHECK(list, B, notify_control_changes_with_a_cancel);
        if constexpr (has_threads<B>) {
            QUEUECTL_ADD_CHECK(list, B, notify_an_insert_wakes_a_waiting_thread);
            QUEUECTL_ADD_CHECK(list, B, notify_interrupt_ends_waits);
            if constexpr (can_share<B>) QUEUECTL_ADD_CHECK(list, B, notify_another_handle_wakes_a_waiting_thread);
        }
    }
}

}  // namespace queuectl::inline v0::conformance

#endif

// ---- queuectl/testing/conformance/order.hpp
// Line 3: priority descending, then due time, then insertion.
#ifndef QUEUECTL_TESTING_CONFORMANCE_ORDER_HPP
#define QUEUECTL_TESTING_CONFORMANCE_ORDER_HPP

namespace queuectl::inline v0::conformance {

template <backend B>
void line3_priority_goes_first(fixture<B>& f)
{
    int n = 0;
    for (const int p : {0, -128, 127, 5, -1})
        f.put(std::string{"p"} + std::to_string(p), [&](job& j) {
            j.priority = static_cast<std::int8_t>(p);
            j.run_at = f.in(-std::chrono::seconds{10 * ++n});
        });
    QUEUECTL_EQUAL(f, f.drain(), {"p127", "p5", "p0", "p-1", "p-128"});
}

template <backend B>
void line3_due_time_goes_second(fixture<B>& f)
{
    for (const int us : {2, 3, 1})
        f.put(std::string{"due"} + std::to_string(us), [&](job& j) { j.run_at = f.in(duration{us - 5}); });
    QUEUECTL_EQUAL(f, f.drain(), {"due1", "due2", "due3"});
}

template <backend B>
void line3_insertion_breaks_ties(fixture<B>& f)
{
    const timestamp due = f.now.wall;
    f.insert({f.make("z"), f.make("m")});
    f.advance(std::chrono::seconds{1});
    f.put("a", [&](job& j) { j.run_at = due; });
    QUEUECTL_EQUAL(f, f.drain(1), {"z"});
    QUEUECTL_EQUAL(f, f.drain(), {"m", "a"});
}

template <backend B>
void line3_order_spans_the_queues(fixture<B>& f)
{
    f.put("late", [&](job& j) { j.queue = "q1", j.run_at = f.in(-f.tick); });
    f.put("early", [&](job& j) { j.queue = "q2", j.run_at = f.in(-f.tick * 2); });
    f.put("urgent", [&](job& j) { j.queue = "q3", j.priority = 1; });
    f.put("not asked", [&](job& j) { j.queue = "q4", j.id = "other", j.priority = 9; });
    const std::vector<std::string> queues{"q1", "q2", "q3"};
    auto r = f.request(2);
    r.queues = queues;
    QUEUECTL_EQUAL(f, f.ids(f.claim(r)), {"urgent", "early"});
    r.nonce = f.nonce();
    QUEUECTL_EQUAL(f, f.ids(f.claim(r)), {"late"});
}

template <backend B>
void line3_no_queue_named_means_all(fixture<B>& f)
{
    f.put("b", [&](job& j) { j.queue = "q1"; });
    f.put("a", [&](job& j) { j.queue = "q2", j.priority = 1; });
    QUEUECTL_EQUAL(f, f.drain(), {"a", "b"});
}

template <backend B>
void line3_a_claim_takes_at_most_max(fixture<B>& f)
{
    for (const char* id : {"a", "b", "c"}) f.put(id);
    QUEUECTL_EQUAL(f, f.drain(2), {"a", "b"});
    QUEUECTL_EQUAL(f, f.drain(2), {"c"});
}

template <backend B>
void line3_a_retry_goes_by_its_due_time(fixture<B>& f)
{
    f.put("a");
    f.settle(f.failed(f.take(), f.in(std::chrono::seconds{2})));
    f.put("b", [&](job& j) { j.run_at = f.in(std::chrono::seconds{1}); });
    f.put("c", [&](job& j) { j.run_at = f.in(std::chrono::seconds{3}); });
    f.advance(std::chrono::seconds{5});
    QUEUECTL_EQUAL(f, f.drain(), {"b", "a", "c"});
}

template <backend B>
void line3_retries_of_one_time_keep_the_order_of_insertion(fixture<B>& f)
{
    f.put("a");
    f.put("b");
    const auto leases = f.claim(2);
    if (!QUEUECTL_EQUAL(f, leases.size(), 2)) return;
    const timestamp at = f.in(std::chrono::seconds{1});
    f.settle(f.failed(leases[1], at));
    f.settle(f.failed(leases[0], at));
    f.advance(std::chrono::seconds{1});
    QUEUECTL_EQUAL(f, f.drain(), {"a", "b"});
}

template <backend B>
void line3_a_release_keeps_the_place(fixture<B>& f)
{
    for (const char* id : {"a", "b"}) f.put(id);
    f.advance(std::chrono::seconds{1});
    f.settle(f.released(f.take()));
    QUEUECTL_EQUAL(f, f.drain(), {"a", "b"});
}

template <backend B>
void line3_a_released_retry_keeps_the_place(fixture<B>& f)
{
    f.put("a");
    const timestamp at = f.in(std::chrono::seconds{2});
    f.settle(f.failed(f.take(), at));
    f.put("b", [&](job& j) { j.run_at = add(at, f.tick); });
    f.advance(std::chrono::seconds{9});
    f.settle(f.released(f.take()));
    QUEUECTL_EQUAL(f, f.drain(), {"a", "b"});
}

template <backend B>
void line3_an_expiry_keeps_the_place(fixture<B>& f)
{
    for (const char* id : {"a", "b"}) f.put(id);
    f.take();
    f.advance(f.lease_time + f.tick);
    QUEUECTL_EQUAL(f, f.drain(), {"a", "b"});
}

template <backend B>
void add_order_checks(check_list<B>& list)
{
    QUEUECTL_ADD_CHECK(list, B, line3_priority_goes_first);
    QUEUECTL_ADD_CHECK(list, B, line3_due_time_goes_second);
    QUEUECTL_ADD_CHECK(list, B, line3_insertion_breaks_ties);
    QUEUECTL_ADD_CHECK(list, B, line3_order_spans_the_queues);
    QUEUECTL_ADD_CHECK(list, B, line3_no_queue_named_means_all);
    QUEUECTL_ADD_CHECK(list, B, line3_a_claim_takes_at_most_max);
    QUEUECTL_ADD_CHECK(list, B, line3_a_retry_goes_by_its_due_time);
    QUEUECTL_ADD_CHECK(list, B, line3_retries_of_one_time_keep_the_order_of_insertion);
    QUEUECTL_ADD_CHECK(list, B, line3_a_release_keeps_the_place);
    QUEUECTL_ADD_CHECK(list, B, line3_a_released_retry_keeps_the_place);
    QUEUECTL_ADD_CHECK(list, B, line3_an_expiry_keeps_the_place);
}

}  // namespace queuectl::inline v0::conformance

#endif

// ---- queuectl/testing/conformance/persist.hpp
// Line 10: all of it holds after reopening, and for several handles on one store.
#ifndef QUEUECTL_TESTING_CONFORMANCE_PERSIST_HPP
#define QUEUECTL_TESTING_CONFORMANCE_PERSIST_HPP

namespace queuectl::inline v0::conformance {

template <backend B>
void line10_reopen_keeps_waiting_jobs_and_their_order(fixture<B>& f)
{
    f.put("ended");
    f.settle(f.success(f.take()));
    f.put("c");
    f.put("b", [](job& j) { j.priority = 1; });
    f.put("later", [&](job& j) { j.run_at = f.in(std::chrono::seconds{5}); });
    f.put("held", [](job& j) { j.hold = hold_dependency; });
    f.reopen();
    f.put("d");
    claim_info info;
    QUEUECTL_EQUAL(f, f.ids(f.claim(f.request(9), &info)), {"b", "c", "d"});
    QUEUECTL_EQUAL(f, info.next_at, f.in(std::chrono::seconds{5}));
    QUEUECTL_EQUAL(f, f.insert(f.make("held")), insert_status::duplicate);
}

template <backend B>
void line10_reopen_keeps_leases(fixture<B>& f)
{
    f.put("a");
    f.put("b");
    const auto leases = f.claim(2);
    if (!QUEUECTL_EQUAL(f, leases.size(), 2)) return;
    f.reopen();
    QUEUECTL_EQUAL(f, f.drain(), {});
    QUEUECTL_EQUAL(f, f.extend(leases[0].receipt()), extend_status::held);
    QUEUECTL_EQUAL(f, f.settle(f.success(leases[0])), settle_status::applied);
    f.advance(f.lease_time + f.tick);
    QUEUECTL_EQUAL(f, f.drain(), {"b"});
}

template <backend B>
void line10_reopen_keeps_the_state_before_the_claim(fixture<B>& f) requires fixture<B>::inspectable
{
    f.put("a");
    f.settle(f.failed(f.take(), f.now.wall));
    const lease l = f.take();
    f.reopen();
    f.settle(f.released(l));
    QUEUECTL_EQUAL(f, f.find("a").state, state::failed);
}

template <backend B>
void line10_reopen_keeps_what_makes_repeats_safe(fixture<B>& f)
{
    const job j = f.make("a");
    f.insert(j);
    auto r = f.request(1);
    const auto first = f.claim(r);
    if (!QUEUECTL_EQUAL(f, first.size(), 1)) return;
    f.reopen();
    QUEUECTL_EQUAL(f, f.insert(j), insert_status::inserted);
    QUEUECTL_EQUAL(f, f.insert(f.make("a")), insert_status::duplicate);
    r.repeat = true;
    const auto again = f.claim(r);
    if (!QUEUECTL_EQUAL(f, again.size(), 1)) return;
    QUEUECTL_EQUAL(f, again[0].token, first[0].token);
    f.settle(f.failed(first[0], f.now.wall));
    f.reopen();
    QUEUECTL_EQUAL(f, f.settle(f.failed(first[0], f.now.wall)), settle_status::applied);
    QUEUECTL_EQUAL(f, f.take().attempts, 1);
}

template <backend B>
void line10_reopen_keeps_records_runs_and_counts(fixture<B>& f) requires fixture<B>::inspectable
{
    f.put("a", [](job& j) { j.tag = "t"; });
    f.settle(f.failed(f.take(), f.now.wall, "why"));
    auto s = f.success(f.take());
    s.result = "42";
    f.settle(s);
    const auto before = f.find("a");
    f.reopen();
    const auto after = f.find("a");
    QUEUECTL_EQUAL(f, after.state, state::completed);
    QUEUECTL_EQUAL(f, after.attempts, 2);
    QUEUECTL_EQUAL(f, after.result, "42");
    QUEUECTL_EQUAL(f, after.created_at, before.created_at);
    QUEUECTL_EQUAL(f, after.updated_at, before.updated_at);
    QUEUECTL_EQUAL(f, after.sequence, before.sequence);
    QUEUECTL_EQUAL(f, after.job.tag, "t");
    QUEUECTL_EQUAL(f, f.runs("a").size(), 2);
    std::vector<queue_counts> counts;
    f.good(f->counts(counts), "counts");
    if (!QUEUECTL_EQUAL(f, counts.size(), 1)) return;
    QUEUECTL_EQUAL(f, counts[0][state::completed], 1);
}

template <backend B>
void line10_reopen_keeps_settings(fixture<B>& f) requires fixture<B>::configurable
{
    config_entry e;
    e.key = "k";
    e.value = std::string{"v\0w", 3};
    auto version = f->config_put(e, f.now);
    if (!f.good(version, "config_put")) return;
    f.reopen();
    auto got = f->config_get("k", f.now);
    if (!f.good(got, "config_get") || !QUEUECTL_CHECK(f, got->has_value())) return;
    QUEUECTL_EQUAL(f, (*got)->value, e.value);
    QUEUECTL_EQUAL(f, (*got)->version, *version);
    QUEUECTL_CHECK(f, !f->config_put(e, f.now));
}

template <backend B>
void line10_handles_share_one_store(fixture<B>& f)
{
    const auto other = f.another();
    f.put("a");
    std::vector<lease> leases;
    f.good(other->claim(f.request(5), leases, f.now), "claim");
    if (!QUEUECTL_EQUAL(f, f.ids(leases), {"a"})) return;
    QUEUECTL_EQUAL(f, f.drain(), {});
    QUEUECTL_EQUAL(f, f.settle(f.success(leases[0])), settle_status::applied);
    std::vector<settle_status> told(1, settle_status::gone);
    const std::vector<settlement> again{f.success(leases[0])};
    f.good(other->settle(again, told, f.now), "settle");
    QUEUECTL_EQUAL(f, told.front(), settle_status::applied);
}

template <backend B>
void line10_handles_reap_each_other(fixture<B>& f)
{
    const auto other = f.another();
    f.put("a");
    const lease old = f.take();
    f.advance(f.lease_time + f.tick);
    std::vector<lease> leases;
    f.good(other->claim(f.request(), leases, f.now), "claim");
    QUEUECTL_EQUAL(f, f.ids(leases), {"a"});
    QUEUECTL_EQUAL(f, f.settle(f.success(old)), settle_status::lease_lost);
}

template <backend B>
void add_persistence_checks(check_list<B>& list)
{
    if constexpr (can_reopen<B>) {
        QUEUECTL_ADD_CHECK(list, B, line10_reopen_keeps_waiting_jobs_and_their_order);
        QUEUECTL_ADD_CHECK(list, B, line10_reopen_keeps_leases);
        QUEUECTL_ADD_CHECK(list, B, line10_reopen_keeps_what_makes_repeats_safe);
        if constexpr (fixture<B>::inspectable) {
            QUEUECTL_ADD_CHECK(list, B, line10_reopen_keeps_the_state_before_the_claim);
            QUEUECTL_ADD_CHECK(list, B, line10_reopen_keeps_records_runs_and_counts);
        }
        if constexpr (fixture<B>::configurable) QUEUECTL_ADD_CHECK(list, B, line10_reopen_keeps_settings);
    }
    if constexpr (can_share<B>) {
        QUEUECTL_ADD_CHECK(list, B, line10_handles_share_one_store);
        QUEUECTL_ADD_CHECK(list, B, line10_handles_reap_each_other);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif

// ---- queuectl/testing/effort.hpp
// How hard tests try.
#ifndef QUEUECTL_TESTING_EFFORT_HPP
#define QUEUECTL_TESTING_EFFORT_HPP

namespace queuectl::inline v0 {

// `normal`, or `soak` when the environment says QUEUECTL_SOAK=1.
[[nodiscard]] inline std::size_t effort(std::size_t normal, std::size_t soak)
{
    const char* asked = std::getenv("QUEUECTL_SOAK");
    return asked != nullptr && std::string_view{asked} == "1" ? soak : normal;
}

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/testing/seeded_random.hpp
// Numbers that look random and are the same for the same seed everywhere.
#ifndef QUEUECTL_TESTING_SEEDED_RANDOM_HPP
#define QUEUECTL_TESTING_SEEDED_RANDOM_HPP

namespace queuectl::inline v0 {

// SplitMix64 (Steele, Lea, Flood 2014).
class seeded_random {
public:
    explicit constexpr seeded_random(std::uint64_t seed) noexcept : state_{seed} {}

    constexpr std::uint64_t next() noexcept
    {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }
    // 0 … n − 1.
    constexpr std::uint64_t below(std::uint64_t n) noexcept { return next() % n; }
    constexpr bool one_in(std::uint64_t n) noexcept { return below(n) == 0; }

private:
    std::uint64_t state_;
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/testing/conformance/processes.hpp
// Line 10: several processes, killed at any moment. Children put in, claim and complete jobs with handles of their own
// and note in shared memory what was acknowledged to them; SIGKILL falls on one after the other. In the end nothing
// acknowledged is missing, and no job was completed twice. POSIX.
#ifndef QUEUECTL_TESTING_CONFORMANCE_PROCESSES_HPP
#define QUEUECTL_TESTING_CONFORMANCE_PROCESSES_HPP

#include <csignal>

#include <sched.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

namespace queuectl::inline v0::conformance {

// What the processes share, outside the store. Job n has the id "p<n>".
struct kill_board {
    static constexpr std::size_t jobs_max = 20'000;
    std::atomic<std::uint32_t> next_job{0};
    std::atomic<std::uint32_t> steps{0};      // verbs that returned, in all children
    std::atomic<std::uint32_t> completed{0};  // acknowledged completions
    std::atomic<std::int64_t> boot_us{0};     // virtual time since the start
    std::atomic<bool> stop{false};
    std::atomic<bool> failed{false};
    std::array<char, 200> why{};  // by the first child that failed
    std::array<std::atomic<std::uint8_t>, jobs_max> inserted{};
    std::array<std::atomic<std::uint8_t>, jobs_max> completions{};
};

// Anonymous shared memory for a board; null where there is none to be had.
class kill_board_memory {
public:
    kill_board_memory()
    {
        void* at = ::mmap(nullptr, sizeof(kill_board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (at != MAP_FAILED) board_ = new (at) kill_board;
    }
    ~kill_board_memory()
    {
        if (board_ != nullptr) ::munmap(board_, sizeof(kill_board));
    }
    kill_board_memory(const kill_board_memory&) = delete;
    kill_board_memory& operator=(const kill_board_memory&) = delete;
    [[nodiscard]] kill_board* get() const noexcept { return board_; }

private:
    kill_board* board_ = nullptr;
};

// One child: works until it is told to stop, is killed, or its parent is gone.
template <backend B>
class kill_victim {
public:
    using storage_type = typename B::storage_type;
    kill_victim(fixture<B>& f, kill_board& board, std::uint64_t seed) : f_{f}, board_{board}, random_{seed} {}

    void work(pid_t parent)
    {
        const auto handle = f_.another();
        while (!board_.stop && !board_.failed && ::getppid() == parent) {
            if (board_.next_job - board_.completed < 40 && board_.next_job + 8 < kill_board::jobs_max) put(*handle);
            take(*handle);
        }
    }

private:
    void put(storage_type& s)
    {
        const std::uint32_t n = board_.next_job++;
        job j;
        j.id = std::string{"p"} + std::to_string(n);
        j.queue = n % 2 == 0 ? "a" : "b";
        j.run_at = f_.now.wall;
        j.retention = std::chrono::hours{24};
        j.nonce = uid{random_.next(), n + 1};
        std::vector<insert_status> told(1);
        const std::vector<job> jobs{j};
        if (good(s.insert(jobs, told, now()), "insert") && told[0] == insert_status::inserted) board_.inserted[n] = 1;
    }
    void take(storage_type& s)
    {
        claim_request r;
        r.max = 1 + random_.below(4);
        r.lease = std::chrono::seconds{30};
        r.worker = "child";
        r.nonce = uid{random_.next(), random_.next()};
        std::vector<lease> leases;
        if (!good(s.claim(r, leases, now()), "claim")) return;
        if (leases.empty()) ::sched_yield();
        std::vector<settlement> all;
        for (const auto& l : leases)
            if (!random_.one_in(8)) all.push_back(random_.one_in(4) ? f_.released(l) : f_.success(l));
        std::vector<settle_status> told(all.size());
        if (all.empty() || !good(s.settle(all, told, now()), "settle")) return;
        for (std::size_t i = 0; i < all.size(); ++i) {
            if (told[i] != settle_status::applied || all[i].verdict.kind != verdict_kind::complete) continue;
            ++board_.completions[std::strtoul(all[i].receipt.id.c_str() + 1, nullptr, 10)];
            ++board_.completed;
        }
    }
    [[nodiscard]] instant now() const
    {
        instant t = f_.now;
        t.boot = add(t.boot, duration{board_.boot_us.load()});
        return t;
    }
    template <class T>
    bool good(const result<T>& r, const char* verb)
    {
        ++board_.steps;
        if (r || board_.failed.exchange(true)) return r.has_value();
        const std::string text = std::string{verb} + ": " + r.error().message();
        text.copy(board_.why.data(), board_.why.size() - 1);
        return false;
    }

    fixture<B>& f_;
    kill_board& board_;
    seeded_random random_;
};

// The parent: starts children and kills them.
template <backend B>
class killer {
public:
    killer(fixture<B>& f, kill_board& board) : f_{f}, board_{board} {}

    // Requires that no handle is open: none may cross the fork.
    void run(std::size_t kills)
    {
        for (auto& child : children_) child = start();
        for (std::size_t i = 0; i < kills && !board_.failed; ++i) {
            wait_for_steps(static_cast<std::uint32_t>(3 + random_.below(40)));
            auto& child = children_[random_.below(children_.size())];
            end(child, SIGKILL);
            board_.boot_us += std::chrono::microseconds{std::chrono::seconds{random_.one_in(3) ? 31 : 1}}.count();
            child = start();
        }
        board_.stop = true;
        for (const auto child : children_) end(child, 0);
        if (board_.failed) f_.out().fail(__FILE__, __LINE__, std::string{"in a child: "} + board_.why.data());
    }

private:
    [[nodiscard]] pid_t start()
    {
        const pid_t parent = ::getpid();
        const auto seed = random_.next();
        const pid_t child = ::fork();
        if (child == 0) {
            kill_victim<B>{f_, board_, seed}.work(parent);
            ::_exit(0);
        }
        if (child < 0) board_.failed = true;
        return child;
    }
    static void end(pid_t child, int signal)
    {
        if (child <= 0) return;
        if (signal != 0) ::kill(child, signal);
        int status = 0;
        ::waitpid(child, &status, 0);
    }
    // Until the children have got on by `n` verbs; ten seconds without that is a failure.
    void wait_for_steps(std::uint32_t n)
    {
        const std::uint32_t from = board_.steps;
        const auto started = std::chrono::steady_clock::now();
        while (board_.steps - from < n && !board_.failed) {
            ::sched_yield();
            if (std::chrono::steady_clock::now() - started < std::chrono::seconds{10}) continue;
            f_.out().fail(__FILE__, __LINE__, "the children do not get on after a kill");
            board_.failed = true;
        }
    }

    fixture<B>& f_;
    kill_board& board_;
    seeded_random random_{2026};
    std::array<pid_t, 3> children_{};
};

template <backend B>
void line10_killed_processes_lose_nothing_acknowledged(fixture<B>& f)
{
    const kill_board_memory memory;
    if (!QUEUECTL_CHECK(f, memory.get() != nullptr)) return;
    kill_board& board = *memory.get();
    f.close();
    killer<B>{f, board}.run(effort(15, 400));
    f.reopen();
    f.advance(duration{board.boot_us.load()} + f.lease_time + f.tick);
    for (auto leases = f.claim(50); !leases.empty(); leases = f.claim(50))
        for (const auto& l : leases) {
            QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::applied);
            ++board.completions[std::strtoul(l.job.id.c_str() + 1, nullptr, 10)];
        }
    for (std::size_t n = 0; n < board.next_job; ++n) {
        QUEUECTL_CHECK(f, board.completions[n] <= 1);
        if (board.inserted[n] == 0) continue;
        QUEUECTL_EQUAL(f, f.insert(f.make(std::string{"p"} + std::to_string(n))), insert_status::duplicate);
        if constexpr (fixture<B>::inspectable)
            QUEUECTL_EQUAL(f, f.find(std::string{"p"} + std::to_string(n)).state, state::completed);
    }
    if constexpr (fixture<B>::inspectable) check_counts(f, f.list().size(), "after the kills");
}

template <backend B>
void add_process_checks(check_list<B>& list)
{
    if constexpr (has_processes<B> && can_reopen<B>)
        QUEUECTL_ADD_CHECK(list, B, line10_killed_processes_lose_nothing_acknowledged);
}

}  // namespace queuectl::inline v0::conformance

#endif

// ---- queuectl/testing/conformance/settings.hpp
// The rows of configurable_storage.
#ifndef QUEUECTL_TESTING_CONFORMANCE_SETTINGS_HPP
#define QUEUECTL_TESTING_CONFORMANCE_SETTINGS_HPP

namespace queuectl::inline v0::conformance {

template <backend B>
[[nodiscard]] std::uint64_t put_setting(fixture<B>& f, const std::string& key, const std::string& value,
                                        std::uint64_t version = any_version, timestamp expires_at = timestamp_max)
{
    auto put = f->config_put({key, value, version, expires_at}, f.now);
    return f.good(put, "config_put") ? *put : 0;
}

template <backend B>
[[nodiscard]] config_entry get_setting(fixture<B>& f, const std::string& key)
{
    auto got = f->config_get(key, f.now);
    return f.good(got, "config_get") ? got->value_or(config_entry{}) : config_entry{};
}

template <backend B>
[[nodiscard]] bool put_conflicts(fixture<B>& f, const std::string& key, std::uint64_t version)
{
    auto put = f->config_put({key, "lost", version, timestamp_max}, f.now);
    return !put && put.error().code == errc::conflict;
}

template <backend B>
void config_returns_what_was_put(fixture<B>& f)
{
    const std::string value{"v\0\xff", 3};
    const auto version = put_setting(f, "a b/\xc3\xa9", value);
    const auto got = get_setting(f, "a b/\xc3\xa9");
    QUEUECTL_EQUAL(f, got.key, "a b/\xc3\xa9");
    QUEUECTL_EQUAL(f, got.value, value);
    QUEUECTL_EQUAL(f, got.version, version);
    QUEUECTL_EQUAL(f, got.expires_at, timestamp_max);
    QUEUECTL_CHECK(f, version != 0);
    QUEUECTL_EQUAL(f, get_setting(f, "none").version, 0);
}

template <backend B>
void config_compares_versions(fixture<B>& f)
{
    const auto first = put_setting(f, "k", "1", 0);
    QUEUECTL_CHECK(f, put_conflicts(f, "k", 0));
    const auto second = put_setting(f, "k", "2", first);
    QUEUECTL_CHECK(f, second != first);
    QUEUECTL_CHECK(f, put_conflicts(f, "k", first));
    QUEUECTL_CHECK(f, put_conflicts(f, "absent", first));
    QUEUECTL_EQUAL(f, get_setting(f, "k").value, "2");
    const auto third = put_setting(f, "k", "2");
    QUEUECTL_CHECK(f, third != second);
    QUEUECTL_CHECK(f, put_conflicts(f, "k", second));
}

template <backend B>
void config_entries_expire(fixture<B>& f)
{
    const auto version = put_setting(f, "k", "1", 0, f.in(std::chrono::seconds{2}));
    f.advance(std::chrono::seconds{2} - f.tick);
    QUEUECTL_EQUAL(f, get_setting(f, "k").value, "1");
    f.advance(f.tick * 2);
    QUEUECTL_EQUAL(f, get_setting(f, "k").version, 0);
    std::vector<config_entry> all;
    f.good(f->config_list("", all, f.now), "config_list");
    QUEUECTL_EQUAL(f, all.size(), 0);
    QUEUECTL_CHECK(f, put_conflicts(f, "k", version));
    QUEUECTL_CHECK(f, put_setting(f, "k", "2", 0) != version);
}

template <backend B>
void config_erase_tells_whether_there_was_one(fixture<B>& f)
{
    const auto version = put_setting(f, "k", "1");
    QUEUECTL_EQUAL(f, f->config_erase("k").value_or(false), true);
    QUEUECTL_EQUAL(f, f->config_erase("k").value_or(true), false);
    QUEUECTL_EQUAL(f, get_setting(f, "k").version, 0);
    QUEUECTL_CHECK(f, put_conflicts(f, "k", version));
}

template <backend B>
void config_list_is_by_prefix_and_in_order(fixture<B>& f)
{
    for (const char* key : {"b/2", "a", "b/1", "b%", "b_", "b", "B/1", "c"}) {
        const auto version = put_setting(f, key, key);
        QUEUECTL_CHECK(f, version != 0);
    }
    const auto keys = [&](const char* prefix) {
        std::vector<config_entry> all;
        f.good(f->config_list(prefix, all, f.now), "config_list");
        std::vector<std::string> names;
        for (const auto& e : all) names.push_back(e.key);
        return names;
    };
    QUEUECTL_EQUAL(f, keys("b/"), {"b/1", "b/2"});
    QUEUECTL_EQUAL(f, keys("b_"), {"b_"});
    QUEUECTL_EQUAL(f, keys("b%"), {"b%"});
    QUEUECTL_EQUAL(f, keys(""), {"B/1", "a", "b", "b%", "b/1", "b/2", "b_", "c"});
    QUEUECTL_EQUAL(f, keys("x"), {});
}

template <backend B>
void add_setting_checks(check_list<B>& list)
{
    if constexpr (fixture<B>::configurable) {
        QUEUECTL_ADD_CHECK(list, B, config_returns_what_was_put);
        QUEUECTL_ADD_CHECK(list, B, config_compares_versions);
        QUEUECTL_ADD_CHECK(list, B, config_entries_expire);
        QUEUECTL_ADD_CHECK(list, B, config_erase_tells_whether_there_was_one);
        QUEUECTL_ADD_CHECK(list, B, config_list_is_by_prefix_and_in_order);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif

// ---- queuectl/testing/conformance/threads.hpp
// Line 10: concurrent calls. Threads put in, claim, drop, release and settle; each job must be completed exactly once,
// and no job may be held by two at a time.
#ifndef QUEUECTL_TESTING_CONFORMANCE_THREADS_HPP
#define QUEUECTL_TESTING_CONFORMANCE_THREADS_HPP

#include <mutex>

namespace queuectl::inline v0::conformance {

// What the threads share. Jobs are numbered; job i has the id "t<i>".
template <backend B>
class crowd {
public:
    using storage_type = typename B::storage_type;
    crowd(fixture<B>& f, std::size_t threads, std::size_t jobs_each, bool drops)
        : f_{f}, threads_{threads}, jobs_each_{jobs_each}, drops_{drops}, holders_(total()), completions_(total())
    {
    }

    // Runs every thread to its end; `handle(i)` is the storage of thread i.
    template <class Handle>
    void run(Handle handle)
    {
        std::vector<std::thread> all;
        for (std::size_t i = 0; i < threads_; ++i) all.emplace_back([this, i, &s = handle(i)] { work(s, i); });
        for (auto& t : all) t.join();
        for (const auto& problem : problems_) f_.out().fail(__FILE__, __LINE__, problem);
        for (std::size_t j = 0; j < total(); ++j)
            f_.equal("the times that a job was completed", __FILE__, __LINE__, completions_[j].load(), 1);
    }
    [[nodiscard]] std::size_t total() const { return threads_ * jobs_each_; }

private:
    void work(storage_type& s, std::size_t thread)
    {
        seeded_random random{thread + 1};
        for (std::size_t n = 0; n < jobs_each_; ++n) {
            put(s, thread * jobs_each_ + n, random);
            if (random.one_in(2)) take(s, 1 + random.below(3), random);
        }
        for (std::size_t round = 0; done_ < total() && problems() == 0 && round < 200'000; ++round)
            if (!take(s, 1 + random.below(8), random)) idle();
    }
    void put(storage_type& s, std::size_t number, seeded_random& random)
    {
        job j;
        j.id = "t" + std::to_string(number);
        j.queue = random.one_in(2) ? "a" : "b";
        j.run_at = f_.now.wall;
        j.retention = std::chrono::hours{1};
        j.nonce = uid{random.next(), number + 1};
        std::vector<insert_status> told(1);
        const std::vector<job> jobs{j};
        if (good(s.insert(jobs, told, now()), "insert") && told[0] != insert_status::inserted)
            problem("insert of " + j.id + " is a duplicate");
    }
    // Whether any was claimed.
    bool take(storage_type& s, std::size_t max, seeded_random& random)
    {
        claim_request r;
        r.max = max;
        r.lease = lease_;
        r.worker = "thread";
        r.nonce = uid{random.next(), random.next()};
        std::vector<lease> leases;
        if (!good(s.claim(r, leases, now()), "claim")) return false;
        if (leases.size() > max) problem("a claim returned more than its maximum");
        for (const auto& l : leases)
            if (!drops_ && holders_[number(l)].fetch_add(1) != 0) problem(l.job.id + " is held twice");
        for (const auto& l : leases) end(s, l, random);
        return !leases.empty();
    }
    void end(storage_type& s, const lease& l, seeded_random& random)
    {
        if (drops_ && random.one_in(5)) return;
        settlement what = f_.success(l);
        if (random.one_in(4))
            what = f_.released(l);
        else if (random.one_in(4))
            what = f_.failed(l, f_.now.wall);
        if (!drops_) holders_[number(l)].fetch_sub(1);
        std::vector<settle_status> told(1);
        const std::vector<settlement> one{what};
        if (!good(s.settle(one, told, now()), "settle")) return;
        if (!drops_ && told[0] != settle_status::applied) problem("the settle of " + l.job.id + " was refused");
        if (told[0] != settle_status::applied || what.verdict.kind != verdict_kind::complete) return;
        completions_[number(l)].fetch_add(1);
        ++done_;
    }
    // Nothing is claimable: time goes on until the dropped leases run out.
    void idle()
    {
        if (drops_) boot_us_ += (lease_ / 4).count();
        std::this_thread::yield();
    }

    [[nodiscard]] instant now() const
    {
        instant t = f_.now;
        t.boot = add(t.boot, duration{boot_us_.load()});
        return t;
    }
    [[nodiscard]] static std::size_t number(const lease& l)
    {
        return static_cast<std::size_t>(std::strtoull(l.job.id.c_str() + 1, nullptr, 10));
    }
    template <class T>
    bool good(const result<T>& r, const char* verb)
    {
        if (!r) problem(std::string{verb} + ": " + r.error().message());
        return r.has_value();
    }
    void problem(std::string text)
    {
        const std::scoped_lock lock{mutex_};
        if (problems_.size() < 10) problems_.push_back(std::move(text));
    }
    [[nodiscard]] std::size_t problems()
    {
        const std::scoped_lock lock{mutex_};
        return problems_.size();
    }

    fixture<B>& f_;
    std::size_t threads_;
    std::size_t jobs_each_;
    bool drops_;
    duration lease_ = std::chrono::seconds{30};
    std::atomic<std::int64_t> boot_us_{0};
    std::atomic<std::size_t> done_{0};
    std::vector<std::atomic<int>> holders_;
    std::vector<std::atomic<int>> completions_;
    std::mutex mutex_;
    std::vector<std::string> problems_;
};

template <backend B>
void check_crowd(fixture<B>& f, bool drops, bool own_handles)
{
    constexpr std::size_t threads = 4;
    crowd<B> all{f, threads, effort(60, 2000), drops};
    std::vector<std::unique_ptr<typename B::storage_type>> handles;
    if constexpr (can_share<B>)
        for (std::size_t i = 0; own_handles && i < threads; ++i) handles.push_back(f.another());
    all.run([&](std::size_t i) -> auto& { return handles.empty() ? f.store() : *handles[i]; });
    handles.clear();
    if constexpr (fixture<B>::inspectable) check_counts(f, all.total(), "after the threads");
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void line10_threads_complete_each_job_once(fixture<B>& f)
{
    check_crowd(f, false, false);
}
template <backend B>
void line10_threads_that_drop_leases_complete_each_job_once(fixture<B>& f)
{
    check_crowd(f, true, false);
}
template <backend B>
void line10_threads_with_own_handles_complete_each_job_once(fixture<B>& f)
{
    check_crowd(f, false, true);
}
template <backend B>
void line10_threads_with_own_handles_that_drop_leases_complete_each_job_once(fixture<B>& f)
{
    check_crowd(f, true, true);
}

template <backend B>
void add_thread_checks(check_list<B>& list)
{
    if constexpr (has_threads<B>) {
        QUEUECTL_ADD_CHECK(list, B, line10_threads_complete_each_job_once);
        QUEUECTL_ADD_CHECK(list, B, line10_threads_that_drop_leases_complete_each_job_once);
    }
    if constexpr (can_share<B>) {
        QUEUECTL_ADD_CHECK(list, B, line10_threads_with_own_handles_complete_each_job_once);
        QUEUECTL_ADD_CHECK(list, B, line10_threads_with_own_handles_that_drop_leases_complete_each_job_once);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif

// ---- queuectl/testing/conformance/time.hpp
// Line 9: wall time for due times, the boot clock for leases, and both saturate.
#ifndef QUEUECTL_TESTING_CONFORMANCE_TIME_HPP
#define QUEUECTL_TESTING_CONFORMANCE_TIME_HPP

namespace queuectl::inline v0::conformance {

template <backend B>
void line9_a_lease_ends_on_the_boot_clock(fixture<B>& f)
{
    f.put("a");
    f.take();
    f.now.boot += f.lease_time - f.tick;
    QUEUECTL_EQUAL(f, f.drain(), {});
    f.now.boot += f.tick * 2;
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void line9_a_wall_clock_jump_touches_no_lease(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    for (const int years : {10, -20}) {
        f.now.wall += std::chrono::hours{24 * 365 * years};
        f.now.boot += f.tick;
        QUEUECTL_EQUAL(f, f.drain(), {});
    }
    QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::applied);
}

template <backend B>
void line9_a_wall_clock_set_back_does_not_prolong_a_lease(fixture<B>& f)
{
    f.put("a", [&](job& j) { j.run_at = timestamp{}; });
    f.take();
    f.now.wall -= std::chrono::hours{24 * 365};
    f.now.boot += f.lease_time + f.tick;
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void line9_a_wall_clock_jump_during_an_extend_touches_no_lease(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    f.now.wall -= std::chrono::hours{24};
    QUEUECTL_EQUAL(f, f.extend(l.receipt()), extend_status::held);
    f.now.wall += std::chrono::hours{48};
    f.now.boot += f.lease_time - f.tick;
    QUEUECTL_EQUAL(f, f.drain(), {});
    f.now.boot += f.tick * 2;
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void line9_another_boot_means_expired(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    f.now.boot_id = uid{8, 8};
    claim_info info;
    QUEUECTL_EQUAL(f, f.ids(f.claim(f.request(), &info)), {"a"});
    QUEUECTL_EQUAL(f, info.reaped, 1);
    QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::lease_lost);
}

template <backend B>
void line9_an_earlier_boot_clock_of_another_boot_means_expired(fixture<B>& f)
{
    f.put("a");
    f.take();
    f.now.boot_id = uid{8, 8};
    f.now.boot = duration{1};
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
    f.now.boot += f.lease_time - f.tick;
    QUEUECTL_EQUAL(f, f.drain(), {});
    f.now.boot += f.tick * 2;
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void line9_far_times_saturate(fixture<B>& f)
{
    f.put("never", [](job& j) { j.run_at = timestamp_max; });
    f.put("a");
    auto r = f.request(2);
    r.lease = duration_max;
    QUEUECTL_EQUAL(f, f.ids(f.claim(r)), {"a"});
    f.advance(std::chrono::hours{24 * 365 * 100});
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void line9_times_before_1970_are_due(fixture<B>& f)
{
    f.put("b");
    f.put("a", [](job& j) { j.run_at = timestamp{std::chrono::hours{-24 * 365}}; });
    QUEUECTL_EQUAL(f, f.drain(), {"a", "b"});
}

template <backend B>
void line9_microseconds_are_kept(fixture<B>& f)
{
    const timestamp at = timestamp{duration{time_max_us - 1}};
    f.put("a", [&](job& j) { j.run_at = at; });
    f.put("b", [&](job& j) { j.run_at = add(at, -f.tick); });
    QUEUECTL_EQUAL(f, f.look(f.request()).next_at, add(at, -f.tick));
    f.now.wall = at;
    const auto leases = f.claim(2);
    if (!QUEUECTL_EQUAL(f, f.ids(leases), {"b", "a"})) return;
    QUEUECTL_EQUAL(f, leases[1].job.run_at, at);
}

template <backend B>
void add_time_checks(check_list<B>& list)
{
    QUEUECTL_ADD_CHECK(list, B, line9_a_lease_ends_on_the_boot_clock);
    QUEUECTL_ADD_CHECK(list, B, line9_a_wall_clock_jump_touches_no_lease);
    QUEUECTL_ADD_CHECK(list, B, line9_a_wall_clock_set_back_does_not_prolong_a_lease);
    QUEUECTL_ADD_CHECK(list, B, line9_a_wall_clock_jump_during_an_extend_touches_no_lease);
    QUEUECTL_ADD_CHECK(list, B, line9_another_boot_means_expired);
    QUEUECTL_ADD_CHECK(list, B, line9_an_earlier_boot_clock_of_another_boot_means_expired);
    QUEUECTL_ADD_CHECK(list, B, line9_far_times_saturate);
    QUEUECTL_ADD_CHECK(list, B, line9_times_before_1970_are_due);
    QUEUECTL_ADD_CHECK(list, B, line9_microseconds_are_kept);
}

}  // namespace queuectl::inline v0::conformance

#endif

// ---- queuectl/testing/conformance/tokens.hpp
// Line 2: at most one token of a job is current, and the token decides, not the clock.
#ifndef QUEUECTL_TESTING_CONFORMANCE_TOKENS_HPP
#define QUEUECTL_TESTING_CONFORMANCE_TOKENS_HPP

namespace queuectl::inline v0::conformance {

template <backend B>
void line2_a_leased_job_is_leased_once(fixture<B>& f)
{
    f.put("a");
    f.take();
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void line2_token_is_nonce_and_ordinal(fixture<B>& f)
{
    f.put("a");
    f.put("b");
    const auto r = f.request(2);
    const auto leases = f.claim(r);
    if (!QUEUECTL_EQUAL(f, leases.size(), 2)) return;
    for (const auto& l : leases) QUEUECTL_EQUAL(f, l.token.nonce, r.nonce);
    QUEUECTL_CHECK(f, leases[0].token != leases[1].token);
}

template <backend B>
void line2_a_foreign_token_is_refused(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    lease forged = l;
    forged.token.nonce = f.nonce();
    QUEUECTL_EQUAL(f, f.settle(f.success(forged)), settle_status::lease_lost);
    QUEUECTL_EQUAL(f, f.extend(forged.receipt()), extend_status::lease_lost);
    forged.token = l.token;
    ++forged.token.ordinal;
    QUEUECTL_EQUAL(f, f.settle(f.success(forged)), settle_status::lease_lost);
    QUEUECTL_EQUAL(f, f.extend(forged.receipt()), extend_status::lease_lost);
    QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::applied);
}

template <backend B>
void line2_no_token_is_never_current(fixture<B>& f)
{
    f.put("a");
    lease none;
    none.job.id = "a";
    QUEUECTL_EQUAL(f, f.settle(f.success(none)), settle_status::lease_lost);
    QUEUECTL_EQUAL(f, f.extend(none.receipt()), extend_status::lease_lost);
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void line2_the_token_of_a_neighbour_is_refused(fixture<B>& f)
{
    f.put("a");
    f.put("b");
    const auto leases = f.claim(2);
    if (!QUEUECTL_EQUAL(f, leases.size(), 2)) return;
    lease swapped = leases[0];
    swapped.token = leases[1].token;
    QUEUECTL_EQUAL(f, f.settle(f.success(swapped)), settle_status::lease_lost);
    QUEUECTL_EQUAL(f, f.extend(swapped.receipt()), extend_status::lease_lost);
}

template <backend B>
void line2_a_reaped_lease_is_lost(fixture<B>& f)
{
    f.put("a");
    const lease old = f.take();
    f.advance(f.lease_time + f.tick);
    f.put("elsewhere", [](job& j) { j.queue = "other"; });
    auto r = f.request(5);
    const std::vector<std::string> queues{"other"};
    r.queues = queues;
    QUEUECTL_EQUAL(f, f.ids(f.claim(r)), {"elsewhere"});
    QUEUECTL_EQUAL(f, f.settle(f.success(old)), settle_status::lease_lost);
    QUEUECTL_EQUAL(f, f.extend(old.receipt()), extend_status::lease_lost);
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void line2_a_reclaimed_lease_is_lost(fixture<B>& f)
{
    f.put("a");
    const lease old = f.take();
    f.advance(f.lease_time + f.tick);
    const lease fresh = f.take();
    QUEUECTL_CHECK(f, fresh.token != old.token);
    QUEUECTL_EQUAL(f, f.settle(f.success(old)), settle_status::lease_lost);
    QUEUECTL_EQUAL(f, f.extend(old.receipt()), extend_status::lease_lost);
    QUEUECTL_EQUAL(f, f.extend(fresh.receipt()), extend_status::held);
    QUEUECTL_EQUAL(f, f.settle(f.success(fresh)), settle_status::applied);
}

template <backend B>
void line2_a_late_worker_may_settle(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    f.advance(f.lease_time * 10);
    QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::applied);
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void line2_a_late_worker_may_extend(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    f.advance(f.lease_time * 10);
    QUEUECTL_EQUAL(f, f.extend(l.receipt()), extend_status::held);
    f.advance(f.lease_time - f.tick);
    QUEUECTL_EQUAL(f, f.drain(), {});
    QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::applied);
}

template <backend B>
void line2_an_ended_lease_is_lost(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    f.settle(f.success(l));
    QUEUECTL_EQUAL(f, f.extend(l.receipt()), extend_status::lease_lost);
    lease other = l;
    other.token.nonce = f.nonce();
    QUEUECTL_EQUAL(f, f.settle(f.success(other)), settle_status::lease_lost);
}

template <backend B>
void line2_only_the_last_settle_may_be_repeated(fixture<B>& f)
{
    f.put("a");
    const auto first = f.released(f.take());
    f.settle(first);
    f.settle(f.failed(f.take(), f.now.wall));
    QUEUECTL_EQUAL(f, f.settle(first), settle_status::lease_lost);
    QUEUECTL_EQUAL(f, f.take().attempts, 1);
}

template <backend B>
void extend_of_an_unknown_job_is_lost(fixture<B>& f)
{
    QUEUECTL_EQUAL(f, f.extend(receipt{"nobody", {f.nonce(), 0}}), extend_status::lease_lost);
}

template <backend B>
void extend_prolongs_from_now(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    f.advance(f.lease_time / 2);
    QUEUECTL_EQUAL(f, f.extend(l.receipt()), extend_status::held);
    f.advance(f.lease_time - f.tick);
    QUEUECTL_EQUAL(f, f.drain(), {});
    f.advance(f.tick * 2);
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void extend_may_shorten(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    QUEUECTL_EQUAL(f, f.extend(l.receipt(), f.lease_time / 10), extend_status::held);
    f.advance(f.lease_time / 2);
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void extend_tells_of_each(fixture<B>& f)
{
    f.put("a");
    f.put("b");
    const auto leases = f.claim(2);
    if (!QUEUECTL_EQUAL(f, leases.size(), 2)) return;
    f.settle(f.success(leases[0]));
    const std::vector<receipt> receipts{leases[0].receipt(), leases[1].receipt()};
    std::vector<extend_status> told(2, extend_status::cancel_requested);
    f.good(f->extend(receipts, f.lease_time, told, f.now), "extend");
    QUEUECTL_EQUAL(f, told, {extend_status::lease_lost, extend_status::held});
}

template <backend B>
void add_token_checks(check_list<B>& list)
{
    QUEUECTL_ADD_CHECK(list, B, line2_a_leased_job_is_leased_once);
    QUEUECTL_ADD_CHECK(list, B, line2_token_is_nonce_and_ordinal);
    QUEUECTL_ADD_CHECK(list, B, line2_a_foreign_token_is_refused);
    QUEUECTL_ADD_CHECK(list, B, line2_no_token_is_never_current);
    QUEUECTL_ADD_CHECK(list, B, line2_the_token_of_a_neighbour_is_refused);
    QUEUECTL_ADD_CHECK(list, B, line2_a_reaped_lease_is_lost);
    QUEUECTL_ADD_CHECK(list, B, line2_a_reclaimed_lease_is_lost);
    QUEUECTL_ADD_CHECK(list, B, line2_a_late_worker_may_settle);
    QUEUECTL_ADD_CHECK(list, B, line2_a_late_worker_may_extend);
    QUEUECTL_ADD_CHECK(list, B, line2_an_ended_lease_is_lost);
    QUEUECTL_ADD_CHECK(list, B, line2_only_the_last_settle_may_be_repeated);
    QUEUECTL_ADD_CHECK(list, B, extend_of_an_unknown_job_is_lost);
    QUEUECTL_ADD_CHECK(list, B, extend_prolongs_from_now);
    QUEUECTL_ADD_CHECK(list, B, extend_may_shorten);
    QUEUECTL_ADD_CHECK(list, B, extend_tells_of_each);
}

}  // namespace queuectl::inline v0::conformance

#endif

// ---- queuectl/testing/conformance/verdicts.hpp
// The rows of storage.hpp: what each verdict, an expiry and a crash leave behind.
#ifndef QUEUECTL_TESTING_CONFORMANCE_VERDICTS_HPP
#define QUEUECTL_TESTING_CONFORMANCE_VERDICTS_HPP

namespace queuectl::inline v0::conformance {

template <backend B>
void settle_complete_ends_the_job(fixture<B>& f)
{
    f.put("a");
    QUEUECTL_EQUAL(f, f.settle(f.success(f.take())), settle_status::applied);
    f.advance(f.lease_time * 2);
    QUEUECTL_EQUAL(f, f.drain(), {});
    QUEUECTL_EQUAL(f, f.insert(f.make("a")), insert_status::duplicate);
}

template <backend B>
void settle_complete_without_retention_removes_the_job(fixture<B>& f)
{
    f.put("a", [](job& j) { j.retention = duration{0}; });
    const auto s = f.success(f.take());
    QUEUECTL_EQUAL(f, f.settle(s), settle_status::applied);
    QUEUECTL_EQUAL(f, f.settle(s), settle_status::gone);
    f.put("a");
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void settle_bury_and_cancel_keep_a_job_without_retention(fixture<B>& f)
{
    for (const auto kind : {verdict_kind::bury, verdict_kind::cancel}) {
        const std::string id = std::string{"job"} + std::to_string(static_cast<int>(kind));
        f.put(id, [](job& j) { j.retention = duration{0}; });
        f.settle(f.ended(f.take(), kind, "why"));
        QUEUECTL_EQUAL(f, f.insert(f.make(id)), insert_status::duplicate);
    }
}

template <backend B>
void settle_retry_counts_an_attempt(fixture<B>& f)
{
    f.put("a");
    const lease first = f.take();
    QUEUECTL_EQUAL(f, first.attempts, 0);
    QUEUECTL_EQUAL(f, first.error, "");
    f.settle(f.failed(first, f.now.wall, "exit code 3"));
    const lease second = f.take();
    QUEUECTL_EQUAL(f, second.attempts, 1);
    QUEUECTL_EQUAL(f, second.crashes, 0);
    QUEUECTL_EQUAL(f, second.error, "exit code 3");
    QUEUECTL_EQUAL(f, second.run_number(), 2);
}

template <backend B>
void settle_bury_and_cancel_end_the_job(fixture<B>& f)
{
    f.put("a");
    f.put("b");
    f.settle(f.buried(f.take()));
    f.settle(f.ended(f.take(), verdict_kind::cancel, "stopped"));
    f.advance(f.lease_time * 2);
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void settle_release_counts_nothing(fixture<B>& f)
{
    f.put("a");
    f.settle(f.failed(f.take(), f.now.wall, "why"));
    QUEUECTL_EQUAL(f, f.settle(f.released(f.take())), settle_status::applied);
    const lease l = f.take();
    QUEUECTL_EQUAL(f, l.attempts, 1);
    QUEUECTL_EQUAL(f, l.crashes, 0);
    QUEUECTL_EQUAL(f, l.error, "why");
}

template <backend B>
void settle_release_with_an_error_keeps_it(fixture<B>& f)
{
    f.put("a");
    auto s = f.released(f.take());
    s.error = "no process";
    f.settle(s);
    QUEUECTL_EQUAL(f, f.take().error, "no process");
}

template <backend B>
void settle_of_an_unknown_job_is_gone(fixture<B>& f)
{
    lease l;
    l.job.id = "nobody";
    l.token = {f.nonce(), 0};
    QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::gone);
}

template <backend B>
void claim_counts_a_crash(fixture<B>& f)
{
    f.put("a");
    f.settle(f.failed(f.take(), f.now.wall));
    f.take();
    f.advance(f.lease_time + f.tick);
    claim_info info;
    const auto leases = f.claim(f.request(), &info);
    QUEUECTL_EQUAL(f, info.reaped, 1);
    if (!QUEUECTL_EQUAL(f, leases.size(), 1)) return;
    QUEUECTL_EQUAL(f, leases[0].crashes, 1);
    QUEUECTL_EQUAL(f, leases[0].attempts, 1);
    QUEUECTL_EQUAL(f, leases[0].error, "lease expired");
    QUEUECTL_EQUAL(f, leases[0].run_number(), 3);
}

template <backend B>
void claim_reaps_every_queue(fixture<B>& f)
{
    f.put("a", [](job& j) { j.queue = "q1"; });
    f.put("b", [](job& j) { j.queue = "q2"; });
    f.claim(2);
    f.advance(f.lease_time + f.tick);
    const std::vector<std::string> queues{"q3"};
    auto r = f.request();
    r.queues = queues;
    QUEUECTL_EQUAL(f, f.look(r).reaped, 2);
    QUEUECTL_EQUAL(f, f.look(r).reaped, 0);
}

template <backend B>
void settle_bury_without_a_report_counts_no_attempt(fixture<B>& f) requires fixture<B>::inspectable
{
    f.put("a");
    auto s = f.released(f.take());
    s.verdict.kind = verdict_kind::bury;
    s.error = "third crash";
    QUEUECTL_EQUAL(f, f.settle(s), settle_status::applied);
    const auto r = f.find("a");
    QUEUECTL_EQUAL(f, r.state, state::dead);
    QUEUECTL_EQUAL(f, r.attempts, 0);
    QUEUECTL_EQUAL(f, r.error, "third crash");
    QUEUECTL_EQUAL(f, f.runs("a").size(), 0);
}

template <backend B>
void settle_leaves_the_state_of_its_verdict(fixture<B>& f) requires fixture<B>::inspectable
{
    const std::pair<verdict_kind, state> all[] = {{verdict_kind::complete, state::completed},
                                                  {verdict_kind::retry, state::failed},
                                                  {verdict_kind::bury, state::dead},
                                                  {verdict_kind::cancel, state::cancelled},
                                                  {verdict_kind::release, state::pending}};
    for (const auto& [kind, after] : all) {
        const std::string id = std::string{"job"} + std::to_string(static_cast<int>(kind));
        f.put(id);
        const lease l = f.take();
        QUEUECTL_EQUAL(f, f.find(id).state, state::processing);
        auto s = kind == verdict_kind::release ? f.released(l) : f.ended(l, kind, "");
        s.verdict.retry_at = f.in(std::chrono::hours{1});
        f.settle(s);
        QUEUECTL_EQUAL(f, f.find(id).state, after);
    }
}

template <backend B>
void settle_complete_keeps_the_result_and_clears_the_error(fixture<B>& f) requires fixture<B>::inspectable
{
    f.put("a");
    auto s = f.failed(f.take(), f.now.wall, "exit code 143");
    s.report->exit_code = 143;
    s.report->signal = 15;
    f.settle(s);
    auto r = f.find("a");
    QUEUECTL_EQUAL(f, r.exit_code, 143);
    QUEUECTL_EQUAL(f, r.signal, 15);
    QUEUECTL_EQUAL(f, r.error, "exit code 143");
    f.advance(std::chrono::seconds{5});
    s = f.success(f.take());
    s.result = std::string{
        "4\0"
        "2",
        3};
    f.settle(s);
    r = f.find("a");
    QUEUECTL_EQUAL(f, r.exit_code, 0);
    QUEUECTL_EQUAL(f, r.signal, 0);
    QUEUECTL_EQUAL(f, r.error, "");
    QUEUECTL_EQUAL(f, r.result, s.result);
    QUEUECTL_EQUAL(f, r.attempts, 2);
    QUEUECTL_EQUAL(f, r.updated_at, f.now.wall);
}

template <backend B>
void settle_retry_moves_the_due_time_and_keeps_the_sequence(fixture<B>& f) requires fixture<B>::inspectable
{
    f.put("a");
    f.put("b");
    const auto before = f.find("a").sequence;
    f.settle(f.failed(f.take(), f.in(std::chrono::seconds{4})));
    const auto r = f.find("a");
    QUEUECTL_EQUAL(f, r.job.run_at, f.in(std::chrono::seconds{4}));
    QUEUECTL_EQUAL(f, r.sequence, before);
}

template <backend B>
void settle_release_restores_the_state_before(fixture<B>& f) requires fixture<B>::inspectable
{
    f.put("a");
    f.settle(f.failed(f.take(), f.now.wall));
    f.settle(f.released(f.take()));
    const auto r = f.find("a");
    QUEUECTL_EQUAL(f, r.state, state::failed);
    QUEUECTL_EQUAL(f, r.attempts, 1);
    QUEUECTL_EQUAL(f, f.runs("a").size(), 1);
}

template <backend B>
void claim_returns_an_expired_job_to_pending(fixture<B>& f) requires fixture<B>::inspectable
{
    f.put("a");
    f.settle(f.failed(f.take(), f.now.wall));
    f.take();
    f.advance(f.lease_time + f.tick);
    const std::vector<std::string> queues{"other"};
    auto q = f.request();
    q.queues = queues;
    f.claim(q);
    const auto r = f.find("a");
    QUEUECTL_EQUAL(f, r.state, state::pending);
    QUEUECTL_EQUAL(f, r.crashes, 1);
    QUEUECTL_EQUAL(f, r.attempts, 1);
    QUEUECTL_EQUAL(f, r.error, "lease expired");
    QUEUECTL_CHECK(f, !r.token);
    QUEUECTL_EQUAL(f, r.exit_code, 1);
}

template <backend B>
void claim_names_the_holder(fixture<B>& f) requires fixture<B>::inspectable
{
    f.put("a");
    f.advance(std::chrono::seconds{3});
    const lease l = f.take();
    auto r = f.find("a");
    QUEUECTL_EQUAL(f, r.locked_by, "worker-1");
    QUEUECTL_EQUAL(f, r.locked_at, f.now.wall);
    QUEUECTL_EQUAL(f, r.lease_until, f.in(f.lease_time));
    QUEUECTL_EQUAL(f, r.token, l.token);
    f.settle(f.success(l));
    r = f.find("a");
    QUEUECTL_CHECK(f, !r.token);
    QUEUECTL_EQUAL(f, r.settled_token, l.token);
    QUEUECTL_EQUAL(f, r.locked_by, "");
}

template <backend B>
void add_verdict_checks(check_list<B>& list)
{
    QUEUECTL_ADD_CHECK(list, B, settle_complete_ends_the_job);
    QUEUECTL_ADD_CHECK(list, B, settle_complete_without_retention_removes_the_job);
    QUEUECTL_ADD_CHECK(list, B, settle_bury_and_cancel_keep_a_job_without_retention);
    QUEUECTL_ADD_CHECK(list, B, settle_retry_counts_an_attempt);
    QUEUECTL_ADD_CHECK(list, B, settle_bury_and_cancel_end_the_job);
    QUEUECTL_ADD_CHECK(list, B, settle_release_counts_nothing);
    QUEUECTL_ADD_CHECK(list, B, settle_release_with_an_error_keeps_it);
    QUEUECTL_ADD_CHECK(list, B, settle_of_an_unknown_job_is_gone);
    QUEUECTL_ADD_CHECK(list, B, claim_counts_a_crash);
    QUEUECTL_ADD_CHECK(list, B, claim_reaps_every_queue);
    if constexpr (fixture<B>::inspectable) {
        QUEUECTL_ADD_CHECK(list, B, settle_bury_without_a_report_counts_no_attempt);
        QUEUECTL_ADD_CHECK(list, B, settle_leaves_the_state_of_its_verdict);
        QUEUECTL_ADD_CHECK(list, B, settle_complete_keeps_the_result_and_clears_the_error);
        QUEUECTL_ADD_CHECK(list, B, settle_retry_moves_the_due_time_and_keeps_the_sequence);
        QUEUECTL_ADD_CHECK(list, B, settle_release_restores_the_state_before);
        QUEUECTL_ADD_CHECK(list, B, claim_returns_an_expired_job_to_pending);
        QUEUECTL_ADD_CHECK(list, B, claim_names_the_holder);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif

// ---- queuectl/testing/conformance/visible.hpp
// Line 4: when a job may be claimed, and when a claim says to look again.
#ifndef QUEUECTL_TESTING_CONFORMANCE_VISIBLE_HPP
#define QUEUECTL_TESTING_CONFORMANCE_VISIBLE_HPP

namespace queuectl::inline v0::conformance {

template <backend B>
void line4_invisible_before_its_due_time(fixture<B>& f)
{
    f.put("a", [&](job& j) { j.run_at = f.in(std::chrono::seconds{1}); });
    f.advance(std::chrono::seconds{1} - f.tick);
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void line4_claimable_exactly_at_its_due_time(fixture<B>& f)
{
    f.put("a", [&](job& j) { j.run_at = f.in(std::chrono::seconds{1}); });
    f.advance(std::chrono::seconds{1});
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void line4_a_retry_waits_until_its_due_time(fixture<B>& f)
{
    f.put("a");
    f.settle(f.failed(f.take(), f.in(std::chrono::seconds{1})));
    f.advance(std::chrono::seconds{1} - f.tick);
    QUEUECTL_EQUAL(f, f.drain(), {});
    f.advance(f.tick);
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void line4_a_held_job_is_invisible(fixture<B>& f)
{
    for (const auto bit : {hold_dependency, hold_key_order, hold_key_limit, hold_unknown_kind})
        f.put(std::string{"held"} + std::to_string(static_cast<unsigned>(bit)), [&](job& j) { j.hold = bit; });
    QUEUECTL_EQUAL(f, f.drain(), {});
    f.advance(std::chrono::hours{1});
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void line4_a_claim_takes_only_its_queues(fixture<B>& f)
{
    f.put("a", [](job& j) { j.queue = "q1"; });
    f.put("b", [](job& j) { j.queue = "q2"; });
    const std::vector<std::string> queues{"q2", "q3"};
    auto r = f.request(5);
    r.queues = queues;
    QUEUECTL_EQUAL(f, f.ids(f.claim(r)), {"b"});
}

template <backend B>
void line4_a_claim_takes_only_its_kinds(fixture<B>& f)
{
    f.put("a", [](job& j) { j.kind = "mail"; });
    f.put("b", [](job& j) { j.kind = "resize"; });
    f.put("c", [](job& j) { j.kind = ""; });
    f.put("d", [](job& j) { j.kind = "resize", j.queue = "q2"; });
    const std::vector<std::string> kinds{"resize", "none"};
    const std::vector<std::string> queues{"default"};
    auto r = f.request(5);
    r.kinds = kinds;
    r.queues = queues;
    QUEUECTL_EQUAL(f, f.ids(f.claim(r)), {"b"});
    r.nonce = f.nonce();
    r.queues = {};
    QUEUECTL_EQUAL(f, f.ids(f.claim(r)), {"d"});
}

template <backend B>
void next_at_of_an_empty_store_is_never(fixture<B>& f)
{
    QUEUECTL_EQUAL(f, f.look(f.request()).next_at, timestamp_max);
}

template <backend B>
void next_at_of_a_filled_claim_is_now(fixture<B>& f)
{
    f.put("a");
    QUEUECTL_EQUAL(f, f.look(f.request()).next_at, f.now.wall);
}

template <backend B>
void next_at_is_the_earliest_due_time(fixture<B>& f)
{
    f.put("a");
    for (const int s : {9, 4, 7})
        f.put(std::string{"due"} + std::to_string(s), [&](job& j) {
            j.run_at = f.in(std::chrono::seconds{s});
            j.priority = static_cast<std::int8_t>(s);
        });
    QUEUECTL_EQUAL(f, f.look(f.request(2)).next_at, f.in(std::chrono::seconds{4}));
}

template <backend B>
void next_at_counts_retries(fixture<B>& f)
{
    f.put("a");
    f.settle(f.failed(f.take(), f.in(std::chrono::seconds{3})));
    QUEUECTL_EQUAL(f, f.look(f.request()).next_at, f.in(std::chrono::seconds{3}));
}

template <backend B>
void next_at_counts_what_the_request_names(fixture<B>& f)
{
    f.put("a", [&](job& j) { j.run_at = f.in(std::chrono::seconds{1}), j.queue = "q1", j.kind = "k1"; });
    f.put("b", [&](job& j) { j.run_at = f.in(std::chrono::seconds{2}), j.queue = "q2", j.kind = "k1"; });
    f.put("c", [&](job& j) { j.run_at = f.in(std::chrono::seconds{3}), j.queue = "q2", j.kind = "k2"; });
    const std::vector<std::string> queues{"q2"};
    const std::vector<std::string> kinds{"k2"};
    auto r = f.request();
    r.queues = queues;
    QUEUECTL_EQUAL(f, f.look(r).next_at, f.in(std::chrono::seconds{2}));
    r.kinds = kinds;
    QUEUECTL_EQUAL(f, f.look(r).next_at, f.in(std::chrono::seconds{3}));
}

template <backend B>
void next_at_counts_neither_held_nor_leased_jobs(fixture<B>& f)
{
    f.put("a");
    f.take();
    f.put("held", [&](job& j) { j.hold = hold_dependency, j.run_at = f.in(std::chrono::seconds{1}); });
    f.put("held now", [](job& j) { j.id = "held.now", j.hold = hold_key_limit; });
    QUEUECTL_EQUAL(f, f.look(f.request()).next_at, timestamp_max);
}

template <backend B>
void add_visibility_checks(check_list<B>& list)
{
    QUEUECTL_ADD_CHECK(list, B, line4_invisible_before_its_due_time);
    QUEUECTL_ADD_CHECK(list, B, line4_claimable_exactly_at_its_due_time);
    QUEUECTL_ADD_CHECK(list, B, line4_a_retry_waits_until_its_due_time);
    QUEUECTL_ADD_CHECK(list, B, line4_a_held_job_is_invisible);
    QUEUECTL_ADD_CHECK(list, B, line4_a_claim_takes_only_its_queues);
    QUEUECTL_ADD_CHECK(list, B, line4_a_claim_takes_only_its_kinds);
    QUEUECTL_ADD_CHECK(list, B, next_at_of_an_empty_store_is_never);
    QUEUECTL_ADD_CHECK(list, B, next_at_of_a_filled_claim_is_now);
    QUEUECTL_ADD_CHECK(list, B, next_at_is_the_earliest_due_time);
    QUEUECTL_ADD_CHECK(list, B, next_at_counts_retries);
    QUEUECTL_ADD_CHECK(list, B, next_at_counts_what_the_request_names);
    QUEUECTL_ADD_CHECK(list, B, next_at_counts_neither_held_nor_leased_jobs);
}

}  // namespace queuectl::inline v0::conformance

#endif

// ---- queuectl/testing/model/store.hpp
// What the reference model keeps: plain vectors.
#ifndef QUEUECTL_TESTING_MODEL_STORE_HPP
#define QUEUECTL_TESTING_MODEL_STORE_HPP

#include <condition_variable>

namespace queuectl::inline v0 {

struct model_row {
    job_record record;
    state before = state::pending;  // what the current claim took it from
    duration lease_end{};           // on the boot clock of lease_boot
    uid lease_boot{};
    std::vector<attempt> runs;
};

// One store; handles share it. Rows are in order of `sequence`.
struct model_store {
    std::mutex mutex;
    std::condition_variable changed;
    change_counts changes;
    std::uint64_t interrupts = 0;

    store_info info;
    std::vector<model_row> rows;
    std::vector<std::string> queues;  // every queue that ever held a job
    std::uint64_t next_sequence = 1;

    std::vector<config_entry> config;
    std::uint64_t next_version = 1;

    model_store()
    {
        static std::uint64_t stores = 0;
        info.format = info.min_reader = info.min_writer = 1;
        info.id = uid{0x6d6f64656cu, ++stores};
        info.location = "model";
        info.durability = durability::process;
    }

    [[nodiscard]] model_row* find(std::string_view id)
    {
        for (auto& r : rows)
            if (r.record.job.id == id) return &r;
        return nullptr;
    }
    void erase(std::string_view id)
    {
        rows.erase(std::remove_if(rows.begin(), rows.end(), [&](const model_row& r) { return r.record.job.id == id; }),
                   rows.end());
    }
    void tell_work()
    {
        ++changes.work;
        changed.notify_all();
    }
    void tell_control()
    {
        ++changes.control;
        changed.notify_all();
    }
};

[[nodiscard]] inline bool model_matches(const job_filter& filter, const job_record& r)
{
    return (!filter.state || *filter.state == r.state) && (filter.queue.empty() || filter.queue == r.job.queue) &&
           (filter.kind.empty() || filter.kind == r.job.kind) && (filter.tag.empty() || filter.tag == r.job.tag) &&
           (filter.updated_before == timestamp_max || r.updated_at < filter.updated_before);
}

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/testing/model/rules.hpp
// The contract as one small function a rule. A storage that breaks exactly one of them is made by overriding it:
// that is how the conformance suite is shown to fail.
#ifndef QUEUECTL_TESTING_MODEL_RULES_HPP
#define QUEUECTL_TESTING_MODEL_RULES_HPP

namespace queuectl::inline v0 {

class model_rules {
public:
    virtual ~model_rules() = default;

protected:
    explicit model_rules(std::shared_ptr<model_store> store) : store_{std::move(store)} {}

    // Which rows.
    virtual bool same_insert(const model_row& r, const job& j) const { return r.record.job.nonce == j.nonce; }
    virtual bool due(const model_row& r, const instant& now) const { return r.record.job.run_at <= now.wall; }
    virtual bool waits(const model_row& r) const
    {
        return is_waiting(r.record.state) && r.record.job.hold == hold_none;
    }
    virtual bool wanted(const model_row& r, const claim_request& request) const
    {
        const auto& j = r.record.job;
        const auto names = [](std::span<const std::string> list, const std::string& name) {
            return list.empty() || std::find(list.begin(), list.end(), name) != list.end();
        };
        return names(request.queues, j.queue) && names(request.kinds, j.kind);
    }
    virtual bool before(const model_row& a, const model_row& b) const
    {
        const auto& x = a.record;
        const auto& y = b.record;
        if (x.job.priority != y.job.priority) return x.job.priority > y.job.priority;
        if (x.job.run_at != y.job.run_at) return x.job.run_at < y.job.run_at;
        return x.sequence < y.sequence;
    }
    virtual bool expired(const model_row& r, const instant& now) const
    {
        return now.boot_id != r.lease_boot || now.boot >= r.lease_end;
    }
    virtual bool current(const model_row& r, lease_token token) const
    {
        return r.record.state == state::processing && r.record.token == token;
    }
    virtual bool settled_by(const model_row& r, lease_token token) const
    {
        return token && r.record.settled_token == token;
    }
    virtual timestamp next_at(const claim_request& request, bool filled, const instant& now) const
    {
        if (filled) return now.wall;
        timestamp next = timestamp_max;
        for (const auto& r : store_->rows)
            if (waits(r) && wanted(r, request)) next = std::min(next, r.record.job.run_at);
        return next;
    }

    // What happens to a row.
    virtual void lease_out(model_row& r, const claim_request& request, std::uint32_t ordinal, const instant& now)
    {
        r.before = r.record.state;
        r.record.state = state::processing;
        r.record.token = {request.nonce, ordinal};
        r.record.locked_by = std::string{request.worker};
        r.record.locked_at = r.record.updated_at = now.wall;
        r.record.cancel_requested = false;
        prolong(r, request.lease, now);
    }
    virtual void prolong(model_row& r, duration d, const instant& now)
    {
        r.lease_end = add(now.boot, d);
        r.lease_boot = now.boot_id;
        r.record.lease_until = add(now.wall, d);
    }
    virtual void record_run(model_row& r, attempt run)
    {
        run.number = r.record.attempts + r.record.crashes + 1;
        run.worker = r.record.locked_by;
        r.runs.push_back(std::move(run));
        if (r.runs.size() > limits::attempts_kept) r.runs.erase(r.runs.begin());
    }
    virtual void count_run(model_row& r, const attempt& run)
    {
        record_run(r, run);
        ++r.record.attempts;
        r.record.exit_code = run.exit_code;
        r.record.signal = run.signal;
        r.record.error = run.error;
    }
    virtual void unlock(model_row& r)
    {
        r.record.token = {};
        r.record.locked_by.clear();
    }
    // Back to waiting, or cancelled when that was asked for meanwhile.
    virtual void give_back(model_row& r, state to)
    {
        r.record.state = r.record.cancel_requested ? state::cancelled : to;
        unlock(r);
    }
    virtual void crash(model_row& r, std::string_view cause, const instant& now)
    {
        attempt run;
        run.status = run_status::crashed;
        run.error = std::string{cause};
        run.started_at = r.record.locked_at;
        run.ended_at = now.wall;
        record_run(r, run);
        ++r.record.crashes;
        r.record.error = std::string{cause};
        r.record.updated_at = now.wall;
        give_back(r, state::pending);
    }
    virtual void retry(model_row& r, timestamp at)
    {
        r.record.state = state_after(verdict_kind::retry, r.before, r.record.cancel_requested);
        if (is_waiting(r.record.state)) r.record.job.run_at = at;
        unlock(r);
    }
    virtual void end(model_row& r, state to)
    {
        r.record.state = to;
        unlock(r);
    }
    virtual void revive_row(model_row& r, const instant& now)
    {
        r.record.state = state::pending;
        r.record.attempts = r.record.crashes = 0;
        r.record.job.run_at = now.wall;
        r.record.updated_at = now.wall;
        r.record.cancel_requested = false;
        r.record.sequence = store_->next_sequence++;
    }

    [[nodiscard]] model_store& kept() const { return *store_; }

private:
    std::shared_ptr<model_store> store_;
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/testing/model/verbs.hpp
// The four verbs of the reference model: linear scans over its rows.
#ifndef QUEUECTL_TESTING_MODEL_VERBS_HPP
#define QUEUECTL_TESTING_MODEL_VERBS_HPP

namespace queuectl::inline v0 {

// Any number of threads may call one object.
class model_verbs : public model_rules {
public:
    result<void> insert(std::span<const job> jobs, std::span<insert_status> statuses, const instant& now)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = writable("insert"); !open) return open;
        for (std::size_t i = 0; i < jobs.size(); ++i) statuses[i] = insert_one(jobs[i], now);
        kept().tell_work();
        return {};
    }

    result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = writable("claim"); !open) return fail(open.error());
        claim_info info;
        info.reaped = reap(now);
        std::size_t found = request.repeat ? repeat(request, leases) : 0;
        if (found == 0) found = take(request, leases, now);
        info.next_at = next_at(request, found == request.max, now);
        return info;
    }

    result<void> extend(std::span<const receipt> receipts, duration d, std::span<extend_status> statuses,
                        const instant& now)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = writable("extend"); !open) return open;
        for (std::size_t i = 0; i < receipts.size(); ++i) statuses[i] = extend_one(receipts[i], d, now);
        return {};
    }

    result<void> settle(std::span<const settlement> settlements, std::span<settle_status> statuses, const instant& now)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = writable("settle"); !open) return open;
        for (std::size_t i = 0; i < settlements.size(); ++i) statuses[i] = settle_one(settlements[i], now);
        kept().tell_work();
        return {};
    }

protected:
    using model_rules::model_rules;

    virtual result<void> writable(const char* verb) const
    {
        const auto& info = kept().info;
        if (!info.moved_to.empty()) return fail(errc::moved, verb, info.moved_to);
        if (info.read_only) return fail(errc::read_only, verb, "the store is read-only");
        return {};
    }

    virtual insert_status insert_one(const job& j, const instant& now)
    {
        if (const auto* r = kept().find(j.id))
            return same_insert(*r, j) ? insert_status::inserted : insert_status::duplicate;
        model_row r;
        r.record.job = j;
        r.record.created_at = r.record.updated_at = now.wall;
        r.record.sequence = kept().next_sequence++;
        kept().rows.push_back(std::move(r));
        auto& queues = kept().queues;
        if (std::find(queues.begin(), queues.end(), j.queue) == queues.end()) queues.push_back(j.queue);
        return insert_status::inserted;
    }

    virtual std::size_t reap(const instant& now)
    {
        std::size_t reaped = 0;
        for (auto& r : kept().rows) {
            if (reaped == limits::reap) break;
            if (r.record.state != state::processing || !expired(r, now)) continue;
            crash(r, "lease expired", now);
            ++reaped;
        }
        return reaped;
    }

    virtual std::size_t repeat(const claim_request& request, std::vector<lease>& leases)
    {
        std::vector<const model_row*> mine;
        for (const auto& r : kept().rows)
            if (r.record.state == state::processing && r.record.token.nonce == request.nonce) mine.push_back(&r);
        std::sort(mine.begin(), mine.end(), [](const model_row* a, const model_row* b) {
            return a->record.token.ordinal < b->record.token.ordinal;
        });
        for (const auto* r : mine) leases.push_back(told(*r));
        return mine.size();
    }

    virtual std::size_t take(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        std::uint32_t taken = 0;
        while (taken < request.max) {
            model_row* first = nullptr;
            for (auto& r : kept().rows)
                if (waits(r) && due(r, now) && wanted(r, request) && (first == nullptr || before(r, *first)))
                    first = &r;
            if (first == nullptr) break;
            lease_out(*first, request, taken++, now);
            leases.push_back(told(*first));
        }
        return taken;
    }

    virtual lease told(const model_row& r) const
    {
        return {r.record.job, r.record.token, r.record.attempts, r.record.crashes, r.record.error};
    }

    virtual extend_status extend_one(const receipt& which, duration d, const instant& now)
    {
        auto* r = kept().find(which.id);
        if (r == nullptr || !current(*r, which.token)) return extend_status::lease_lost;
        prolong(*r, d, now);
        return r->record.cancel_requested ? extend_status::cancel_requested : extend_status::held;
    }

    virtual settle_status settle_one(const settlement& s, const instant& now)
    {
        auto* r = kept().find(s.receipt.id);
        if (r == nullptr) return settle_status::gone;
        if (current(*r, s.receipt.token)) {
            apply(*r, s, now);
            return settle_status::applied;
        }
        return settled_by(*r, s.receipt.token) ? settle_status::applied : settle_status::lease_lost;
    }

    virtual void apply(model_row& r, const settlement& s, const instant& now)
    {
        if (s.report)
            count_run(r, *s.report);
        else if (!s.error.empty())
            r.record.error = s.error;
        r.record.settled_token = s.receipt.token;
        r.record.updated_at = now.wall;
        switch (s.verdict.kind) {
            case verdict_kind::complete: complete(r, s.result); break;
            case verdict_kind::retry: retry(r, s.verdict.retry_at); break;
            case verdict_kind::bury: end(r, state::dead); break;
            case verdict_kind::cancel: end(r, state::cancelled); break;
            case verdict_kind::release: give_back(r, r.before); break;
        }
    }

    virtual void complete(model_row& r, const std::string& value)
    {
        r.record.result = value;
        r.record.error.clear();
        end(r, state::completed);
        if (r.record.job.retention == duration{0}) kept().erase(std::string{r.record.job.id});
    }
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/testing/model/inspect.hpp
// The reference model's inspectable facet.
#ifndef QUEUECTL_TESTING_MODEL_INSPECT_HPP
#define QUEUECTL_TESTING_MODEL_INSPECT_HPP

namespace queuectl::inline v0 {

class model_inspect : public model_verbs {
public:
    result<store_info> info() const
    {
        const std::scoped_lock lock{kept().mutex};
        return kept().info;
    }

    result<std::optional<job_record>> find(std::string_view id) const
    {
        const std::scoped_lock lock{kept().mutex};
        const auto* r = kept().find(id);
        return r == nullptr ? std::nullopt : std::optional{r->record};
    }

    virtual result<std::uint64_t> list(const job_filter& filter, const page_request& page, std::vector<job_record>& out)
    {
        const std::scoped_lock lock{kept().mutex};
        const std::size_t most = std::min(page.limit, limits::sweep);
        std::size_t told = 0;
        std::uint64_t last = 0;
        for (const auto& r : kept().rows) {
            if (r.record.sequence <= page.after || !model_matches(filter, r.record)) continue;
            if (told++ == most) return last;
            out.push_back(r.record);
            last = r.record.sequence;
        }
        return std::uint64_t{0};
    }

    result<void> attempts(std::string_view id, std::vector<attempt>& out) const
    {
        const std::scoped_lock lock{kept().mutex};
        if (const auto* r = kept().find(id))
            for (attempt run : r->runs) {
                run.output = {};
                out.push_back(std::move(run));
            }
        return {};
    }

    result<run_output> output(std::string_view id, std::int32_t number) const
    {
        const std::scoped_lock lock{kept().mutex};
        if (const auto* r = kept().find(id))
            for (auto run = r->runs.rbegin(); run != r->runs.rend(); ++run)
                if (run->number == number && run->output_bytes > 0) return run->output;
        return fail(errc::not_found, "output", "no output is kept");
    }

    virtual result<void> counts(std::vector<queue_counts>& out) const
    {
        const std::scoped_lock lock{kept().mutex};
        for (const auto& name : kept().queues) {
            queue_counts c;
            c.queue = name;
            for (const auto& r : kept().rows)
                if (r.record.job.queue == name) ++c.by_state[static_cast<std::size_t>(r.record.state)];
            out.push_back(std::move(c));
        }
        return {};
    }

    result<void> revive(std::span<const std::string> ids, std::span<change_status> statuses, const instant& now)
    {
        return change(ids, statuses, "revive", [&](model_row& r) { return revive_one(r, now); });
    }
    result<void> cancel(std::span<const std::string> ids, std::span<change_status> statuses, const instant& now)
    {
        return change(ids, statuses, "cancel", [&](model_row& r) { return cancel_one(r, now); });
    }
    result<void> remove(std::span<const std::string> ids, std::span<change_status> statuses)
    {
        return change(ids, statuses, "remove", [&](model_row& r) { return remove_one(r); });
    }

    virtual result<std::size_t> purge(const job_filter& filter, std::size_t limit)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = writable("purge"); !open) return fail(open.error());
        std::vector<std::string> ids;
        for (const auto& r : kept().rows)
            if (ids.size() < std::min(limit, limits::sweep) && is_final(r.record.state) &&
                model_matches(filter, r.record))
                ids.push_back(r.record.job.id);
        for (const auto& id : ids) kept().erase(id);
        return ids.size();
    }

    result<change_status> reprioritise(std::string_view id, int priority, const instant& now)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = writable("reprioritise"); !open) return fail(open.error());
        auto* r = kept().find(id);
        if (r == nullptr) return change_status::not_found;
        if (!is_waiting(r->record.state)) return change_status::conflict;
        set_priority(*r, priority, now);
        return change_status::done;
    }

    virtual result<std::size_t> free_worker(std::string_view worker, std::string_view cause, const instant& now)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = writable("free_worker"); !open) return fail(open.error());
        std::size_t freed = 0;
        for (auto& r : kept().rows) {
            if (freed == limits::sweep) break;
            if (r.record.state != state::processing || r.record.locked_by != worker) continue;
            crash(r, cause, now);
            ++freed;
        }
        if (freed > 0) kept().tell_work();
        return freed;
    }

protected:
    using model_verbs::model_verbs;

    virtual change_status revive_one(model_row& r, const instant& now)
    {
        if (r.record.state == state::pending || r.record.state == state::processing) return change_status::conflict;
        revive_row(r, now);
        auto& rows = kept().rows;
        std::stable_sort(rows.begin(), rows.end(),
                         [](const model_row& a, const model_row& b) { return a.record.sequence < b.record.sequence; });
        kept().tell_work();
        return change_status::done;
    }

    virtual change_status cancel_one(model_row& r, const instant& now)
    {
        if (is_final(r.record.state)) return change_status::conflict;
        if (r.record.state == state::processing) {
            r.record.cancel_requested = true;
            kept().tell_control();
            return change_status::requested;
        }
        r.record.updated_at = now.wall;
        end(r, state::cancelled);
        return change_status::done;
    }

    virtual change_status remove_one(model_row& r)
    {
        if (r.record.state == state::processing) return change_status::conflict;
        kept().erase(std::string{r.record.job.id});
        return change_status::done;
    }

    virtual void set_priority(model_row& r, int priority, const instant& now)
    {
        r.record.job.priority = static_cast<std::int8_t>(priority);
        r.record.updated_at = now.wall;
    }

private:
    template <class Change>
    result<void> change(std::span<const std::string> ids, std::span<change_status> statuses, const char* verb,
                        Change one)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = writable(verb); !open) return open;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            auto* r = kept().find(ids[i]);
            statuses[i] = r == nullptr ? change_status::not_found : one(*r);
        }
        return {};
    }
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/testing/model/config.hpp
// The reference model's configurable and notifying facets.
#ifndef QUEUECTL_TESTING_MODEL_CONFIG_HPP
#define QUEUECTL_TESTING_MODEL_CONFIG_HPP

namespace queuectl::inline v0 {

class model_config : public model_inspect {
public:
    virtual result<std::optional<config_entry>> config_get(std::string_view key, const instant& now) const
    {
        const std::scoped_lock lock{kept().mutex};
        for (const auto& e : kept().config)
            if (e.key == key && live(e, now)) return std::optional{e};
        return std::optional<config_entry>{};
    }

    virtual result<std::uint64_t> config_put(const config_entry& entry, const instant& now)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = writable("config_put"); !open) return fail(open.error());
        auto& all = kept().config;
        std::uint64_t stored = 0;
        for (const auto& e : all)
            if (e.key == entry.key && live(e, now)) stored = e.version;
        if (!may_put(entry.version, stored)) return fail(errc::conflict, "config_put", "another version is stored");
        drop(entry.key);
        all.push_back(entry);
        all.back().version = kept().next_version++;
        const std::uint64_t version = all.back().version;
        std::sort(all.begin(), all.end(), [](const config_entry& a, const config_entry& b) { return a.key < b.key; });
        kept().tell_work();
        return version;
    }

    virtual result<bool> config_erase(std::string_view key)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = writable("config_erase"); !open) return fail(open.error());
        return drop(key);
    }

    virtual result<void> config_list(std::string_view prefix, std::vector<config_entry>& out, const instant& now) const
    {
        const std::scoped_lock lock{kept().mutex};
        for (const auto& e : kept().config)
            if (std::string_view{e.key}.substr(0, prefix.size()) == prefix && live(e, now)) out.push_back(e);
        return {};
    }

    virtual change_counts changes() const
    {
        const std::scoped_lock lock{kept().mutex};
        return kept().changes;
    }

    virtual change_counts wait_for_change(change_counts seen, duration max)
    {
        auto& s = kept();
        std::unique_lock lock{s.mutex};
        const auto interrupts = s.interrupts;
        s.changed.wait_for(lock, max, [&] { return s.changes != seen || s.interrupts != interrupts; });
        return s.changes;
    }

    virtual void interrupt_waits()
    {
        const std::scoped_lock lock{kept().mutex};
        ++kept().interrupts;
        kept().changed.notify_all();
    }

protected:
    using model_inspect::model_inspect;

    virtual bool live(const config_entry& e, const instant& now) const { return now.wall < e.expires_at; }
    virtual bool may_put(std::uint64_t expected, std::uint64_t stored) const
    {
        return expected == any_version || expected == stored;
    }

private:
    bool drop(std::string_view key)
    {
        auto& all = kept().config;
        const auto end = std::remove_if(all.begin(), all.end(), [&](const config_entry& e) { return e.key == key; });
        const bool any = end != all.end();
        all.erase(end, all.end());
        return any;
    }
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/testing/model.hpp
// The reference model: a storage that is slow and plainly right. Random operations compare other storages with it,
// and the conformance suite is shown to fail on copies of it that break one rule each.
#ifndef QUEUECTL_TESTING_MODEL_HPP
#define QUEUECTL_TESTING_MODEL_HPP

namespace queuectl::inline v0 {

// A handle; copies made from one store share it. Any number of threads. Every call is linear in the store.
class model_storage : public model_config {
public:
    explicit model_storage(std::shared_ptr<model_store> store = std::make_shared<model_store>())
        : model_config{std::move(store)}
    {
    }
};

static_assert(storage<model_storage> && inspectable_storage<model_storage> && configurable_storage<model_storage> &&
              notifying_storage<model_storage>);

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/testing/random/describe.hpp
// Records as text, so that two storages can be compared and the difference read. Only what the contract fixes.
#ifndef QUEUECTL_TESTING_RANDOM_DESCRIBE_HPP
#define QUEUECTL_TESTING_RANDOM_DESCRIBE_HPP

namespace queuectl::inline v0 {

[[nodiscard]] inline std::string describe(const lease& l)
{
    using conformance::show;
    return l.job.id + " token " + show(l.token) + " run_at " + show(l.job.run_at) + " attempts " + show(l.attempts) +
           " crashes " + show(l.crashes) + " error " + show(l.error) + " payload " + show(l.job.payload);
}

[[nodiscard]] inline std::string describe(const job_record& r)
{
    using conformance::show;
    std::string text = r.job.id + ' ' + std::string{name(r.state)} + " queue " + r.job.queue + " priority " +
                       show(int{r.job.priority}) + " run_at " + show(r.job.run_at) + " hold " + show(r.job.hold) +
                       " attempts " + show(r.attempts) + " crashes " + show(r.crashes) + " exit " + show(r.exit_code) +
                       " signal " + show(r.signal) + " error " + show(r.error) + " created " + show(r.created_at);
    if (r.state == state::processing)
        text += " token " + show(r.token) + " by " + r.locked_by + " at " + show(r.locked_at) + " until " +
                show(r.lease_until) + " cancel " + show(r.cancel_requested);
    if (r.state == state::completed) text += " result " + show(r.result);
    if (is_final(r.state)) text += " updated " + show(r.updated_at);
    return text;
}

[[nodiscard]] inline std::string describe(const attempt& a)
{
    using conformance::show;
    return '#' + show(a.number) + " status " + show(a.status) + " exit " + show(a.exit_code) + " signal " +
           show(a.signal) + " from " + show(a.started_at) + " to " + show(a.ended_at) + " error " + show(a.error) +
           " worker " + a.worker + " bytes " + show(a.output_bytes);
}

[[nodiscard]] inline std::string describe(const queue_counts& c)
{
    std::string text = "queue " + c.queue;
    for (const auto n : c.by_state) text += ' ' + std::to_string(n);
    return text;
}

template <class T>
[[nodiscard]] std::vector<std::string> describe(const std::vector<T>& all)
{
    std::vector<std::string> lines;
    for (const auto& one : all) lines.push_back(describe(one));
    return lines;
}

// Everything that an inspectable storage tells of its jobs, a line each; an error is a line too.
template <class S>
[[nodiscard]] std::vector<std::string> describe_store(S& s)
{
    std::vector<std::string> lines;
    std::vector<job_record> records;
    page_request page;
    do {
        auto next = s.list({}, page, records);
        if (!next) lines.push_back("list: " + next.error().message());
        page.after = next.value_or(0);
    } while (page.after != 0);
    for (const auto& r : records) {
        lines.push_back(describe(r));
        std::vector<attempt> runs;
        if (auto told = s.attempts(r.job.id, runs); !told) lines.push_back("attempts: " + told.error().message());
        for (const auto& run : runs) lines.push_back("  " + describe(run));
    }
    std::vector<queue_counts> counts;
    if (auto told = s.counts(counts); !told) lines.push_back("counts: " + told.error().message());
    std::sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.queue < b.queue; });
    for (const auto& c : counts) lines.push_back(describe(c));
    return lines;
}

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/testing/random/operation.hpp
// One random operation, as numbers: what they mean is decided when it runs, so that any subsequence can be run too.
#ifndef QUEUECTL_TESTING_RANDOM_OPERATION_HPP
#define QUEUECTL_TESTING_RANDOM_OPERATION_HPP

namespace queuectl::inline v0 {

enum class op : std::uint8_t {
    insert,
    claim,
    repeat_claim,
    extend,
    settle,
    repeat_settle,
    forged_settle,
    step,
    wall_jump,
    reboot,
    reopen,
    revive,  // from here on: inspectable storages only
    cancel,
    remove,
    purge,
    reprioritise,
    free_worker,
};

struct operation {
    queuectl::op kind = op::step;
    std::array<std::uint32_t, 4> bits{};
    // The i-th number, 0 … n − 1.
    [[nodiscard]] std::size_t pick(std::size_t i, std::size_t n) const { return bits[i] % n; }
};

[[nodiscard]] inline std::vector<operation> random_operations(std::uint64_t seed, std::size_t n)
{
    static constexpr op mix[] = {op::insert,        op::insert,     op::insert, op::insert,       op::claim,
                                 op::claim,         op::claim,      op::claim,  op::repeat_claim, op::extend,
                                 op::extend,        op::settle,     op::settle, op::settle,       op::settle,
                                 op::settle,        op::step,       op::step,   op::step,         op::repeat_settle,
                                 op::forged_settle, op::wall_jump,  op::reboot, op::reopen,       op::revive,
                                 op::revive,        op::cancel,     op::cancel, op::remove,       op::purge,
                                 op::reprioritise,  op::free_worker};
    seeded_random random{seed};
    std::vector<operation> all(n);
    for (auto& o : all) {
        o.kind = mix[random.below(std::size(mix))];
        for (auto& b : o.bits) b = static_cast<std::uint32_t>(random.next() >> 32);
    }
    return all;
}

[[nodiscard]] constexpr const char* name(op kind) noexcept
{
    constexpr const char* names[] = {"insert",        "claim",         "repeat_claim", "extend",    "settle",
                                     "repeat_settle", "forged_settle", "step",         "wall_jump", "reboot",
                                     "reopen",        "revive",        "cancel",       "remove",    "purge",
                                     "reprioritise",  "free_worker"};
    return names[static_cast<std::size_t>(kind)];
}

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/testing/random/run.hpp
// Runs operations on the reference model and on a storage alike, and compares every answer.
#ifndef QUEUECTL_TESTING_RANDOM_RUN_HPP
#define QUEUECTL_TESTING_RANDOM_RUN_HPP

namespace queuectl::inline v0 {

// One run on a fresh store. What was done and the first difference are kept as text.
template <conformance::backend B>
class random_run {
public:
    // Whether every answer, and the whole store after each operation, was the model's.
    [[nodiscard]] bool run(const std::vector<operation>& all)
    {
        for (const auto& o : all) {
            ++applied_;
            apply(o);
            if (difference_.empty()) compare_stores();
            if (!difference_.empty() || !errors_.good()) return false;
        }
        return true;
    }
    // How many operations were run: all, or those up to the first difference.
    [[nodiscard]] std::size_t applied() const noexcept { return applied_; }
    // What was done, one line an operation, and what differed.
    [[nodiscard]] std::string story() const
    {
        std::string text;
        for (const auto& line : log_) text += "  " + line + '\n';
        for (const auto& e : errors_.failures()) text += "  " + e.text + '\n';
        return text + difference_;
    }

private:
    using storage_type = typename B::storage_type;
    static constexpr bool inspectable = inspectable_storage<storage_type>;

    void apply(const operation& o)
    {
        switch (o.kind) {
            case op::insert: return insert(o);
            case op::claim: return claim(o);
            case op::repeat_claim: return repeat_claim();
            case op::extend: return extend(o);
            case op::settle: return settle(o);
            case op::repeat_settle: return repeat_settle(o);
            case op::forged_settle: return forged_settle(o);
            case op::step: return step(o);
            case op::wall_jump: return wall_jump(o);
            case op::reboot: return reboot(o);
            case op::reopen: return reopen();
            default:
                if constexpr (inspectable) change(o);
        }
    }

    // The four verbs.
    void insert(const operation& o)
    {
        std::vector<job> jobs;
        for (std::size_t i = 0; i <= o.pick(0, 3); ++i) {
            seeded_random random{o.bits[1] + i};
            job j = f_.make("j" + std::to_string(random.below(14)));
            if (inserted_.size() > 3 && random.one_in(8))
                j = inserted_[random.below(inserted_.size())];
            else
                describe_job(j, random);
            const auto same = [&](const job& other) { return other.id == j.id && other.nonce == j.nonce; };
            if (std::any_of(jobs.begin(), jobs.end(), same)) continue;
            jobs.push_back(j);
            inserted_.push_back(std::move(j));
        }
        std::string what = "insert";
        for (const auto& j : jobs)
            what += ' ' + j.id + "(queue " + j.queue + " kind " + j.kind + " priority " + std::to_string(j.priority) +
                    " due " + std::to_string((j.run_at - f_.now.wall).count()) + " hold " + std::to_string(j.hold) +
                    " retention " + std::to_string(j.retention.count()) + ')';
        log(what);
        std::vector<insert_status> told(jobs.size());
        f_.good(model_.insert(jobs, told, f_.now), "insert");
        compare(told, f_.insert(jobs));
    }
    void describe_job(job& j, seeded_random& random)
    {
        j.queue = "q" + std::to_string(random.below(3));
        j.kind = random.one_in(2) ? "a" : "b";
        j.priority = static_cast<std::int8_t>(static_cast<int>(random.below(3)) - 1);
        j.run_at = f_.in(std::chrono::seconds{static_cast<int>(random.below(8)) - 4});
        j.retention = random.one_in(6) ? duration{0} : duration{1'000'000};
        j.hold = random.one_in(10) ? hold_dependency : hold_none;
        j.payload = "payload " + std::to_string(random.below(1000));
    }

    void claim(const operation& o)
    {
        request_ = f_.request(1 + o.pick(0, 4));
        request_.lease = o.pick(1, 2) == 0 ? duration{10'000'500} : duration{70'000'500};
        request_.worker = o.pick(2, 2) == 0 ? "w0" : "w1";
        queues_.clear();
        kinds_.clear();
        for (std::size_t q = 0; q < 3; ++q)
            if (((o.bits[3] >> q) & 1U) != 0) queues_.push_back("q" + std::to_string(q));
        if ((o.bits[3] & 56U) == 56U) kinds_ = {"a"};
        log("claim max " + std::to_string(request_.max) + " queues " + conformance::show(queues_) + " kinds " +
            conformance::show(kinds_) + " lease " + conformance::show(request_.lease) + " worker " +
            std::string{request_.worker});
        claim_both(false);
    }
    // The model decides whether there is something to repeat: leases of the nonce that are current.
    void repeat_claim()
    {
        if (leases_.empty()) return;
        const std::vector<std::string> nowhere{"nowhere"};
        auto reaping = f_.request();
        reaping.queues = nowhere;
        f_.good(model_.claim(reaping, scratch_, f_.now), "claim");
        f_.claim(reaping);
        log("claim from nowhere, so that expired leases are reaped");
        bool any = false;
        for (const auto& l : leases_) any = any || (l.token.nonce == request_.nonce && is_current(l));
        if (!any) return;
        log("claim repeated");
        claim_both(true);
    }
    void claim_both(bool repeat)
    {
        request_.queues = queues_;
        request_.kinds = kinds_;
        request_.repeat = repeat;
        std::vector<lease> told;
        auto info = model_.claim(request_, told, f_.now);
        claim_info answer;
        const auto leases = f_.claim(request_, &answer);
        compare(describe(told), describe(leases));
        if (!repeat) {
            compare(info->next_at, answer.next_at);
            compare(info->reaped, answer.reaped);
            leases_.insert(leases_.end(), told.begin(), told.end());
        }
    }
    [[nodiscard]] bool is_current(const lease& l)
    {
        auto r = model_.find(l.job.id);
        return r && r->has_value() && (*r)->state == state::processing && (*r)->token == l.token;
    }

    // Mostly a lease that is current, else any of the last few.
    [[nodiscard]] const lease& some_lease(const operation& o)
    {
        const std::size_t recent = std::min<std::size_t>(leases_.size(), 8);
        const std::size_t first = o.pick(0, recent);
        for (std::size_t i = 0; i < recent && o.bits[0] % 64 < 48; ++i) {
            const lease& l = leases_[leases_.size() - 1 - (first + i) % recent];
            if (is_current(l)) return l;
        }
        return leases_[leases_.size() - 1 - first];
    }
    void extend(const operation& o)
    {
        if (leases_.empty()) return;
        const std::vector<receipt> receipts{some_lease(o).receipt()};
        const duration d{5'000'500 + 1'000'000 * static_cast<std::int64_t>(o.pick(1, 30))};
        log("extend " + receipts[0].id + ' ' + conformance::show(receipts[0].token) + " by " + conformance::show(d));
        std::vector<extend_status> told(1);
        f_.good(model_.extend(receipts, d, told, f_.now), "extend");
        compare(told[0], f_.extend(receipts[0], d));
    }
    void settle(const operation& o)
    {
        if (leases_.empty()) return;
        const lease& l = some_lease(o);
        auto kind = static_cast<verdict_kind>(o.pick(1, 5));
        if (kind == verdict_kind::retry && cancel_requested(l)) kind = verdict_kind::cancel;
        settlement s = kind == verdict_kind::release ? f_.released(l) : f_.ended(l, kind, "");
        if (kind == verdict_kind::complete)
            s.result = "result " + std::to_string(o.pick(2, 100));
        else if (s.report)
            s.report->error = "why " + std::to_string(o.pick(2, 100));
        if (s.report) s.report->exit_code = static_cast<std::int32_t>(o.pick(2, 3));
        s.verdict.retry_at = f_.in(std::chrono::seconds{static_cast<int>(o.pick(3, 20))});
        settle_both(s);
        settled_.push_back(std::move(s));
    }
    [[nodiscard]] bool cancel_requested(const lease& l)
    {
        auto r = model_.find(l.job.id);
        return r && r->has_value() && (*r)->cancel_requested;
    }
    void repeat_settle(const operation& o)
    {
        if (!settled_.empty())
            settle_both(settled_[settled_.size() - 1 - o.pick(0, std::min<std::size_t>(settled_.size(), 4))]);
    }
    void forged_settle(const operation& o)
    {
        if (leases_.empty()) return;
        lease l = some_lease(o);
        if (o.pick(1, 2) == 0)
            l.token.ordinal += 1000;
        else
            l.job.id = "j" + std::to_string(o.pick(2, 14)), l.token = leases_.front().token, l.token.ordinal += 1000;
        settle_both(f_.success(l));
    }
    void settle_both(const settlement& s)
    {
        const char* const verdicts[] = {"complete", "retry", "bury", "cancel", "release"};
        log("settle " + s.receipt.id + ' ' + conformance::show(s.receipt.token) + ' ' +
            verdicts[static_cast<std::size_t>(s.verdict.kind)] + " due " +
            std::to_string((s.verdict.retry_at - f_.now.wall).count()));
        std::vector<settle_status> told(1);
        const std::vector<settlement> one{s};
        f_.good(model_.settle(one, told, f_.now), "settle");
        compare(told[0], f_.settle(s));
    }

    // Time.
    void step(const operation& o)
    {
        static constexpr std::int64_t us[] = {1'000, 1'000'000, 1'000'000, 3'000'000, 15'000'000, 80'000'000};
        const duration d{us[o.pick(0, std::size(us))]};
        log("step " + conformance::show(d));
        f_.advance(d);
    }
    void wall_jump(const operation& o)
    {
        const std::chrono::seconds d{(o.pick(0, 2) == 0 ? -1 : 1) * static_cast<int>(1 + o.pick(1, 100))};
        log("the wall clock jumps by " + std::to_string(d.count()) + " s");
        f_.now.wall += d;
    }
    void reboot(const operation& o)
    {
        if (o.pick(0, 2) == 0) return;
        log("reboot");
        f_.now.boot = std::chrono::seconds{o.pick(1, 100)};
        ++f_.now.boot_id.low;
    }
    void reopen()
    {
        if constexpr (conformance::can_reopen<B>) {
            log("reopen");
            f_.reopen();
        }
    }

    // Changes by hand.
    void change(const operation& o)
    {
        std::vector<std::string> ids{"j" + std::to_string(o.pick(0, 14)), "j" + std::to_string(14 + o.pick(1, 2))};
        if (!leases_.empty() && o.pick(3, 2) == 0) ids[0] = some_lease(o).job.id;
        std::vector<change_status> told(2);
        std::vector<change_status> answer(2);
        log(std::string{name(o.kind)} + ' ' + conformance::show(ids) + " bits " + std::to_string(o.bits[2]));
        const auto both = [&](auto verb) {
            f_.good(verb(static_cast<model_inspect&>(model_), std::span<change_status>{told}), "change");
            f_.good(verb(f_.store(), std::span<change_status>{answer}), "change");
        };
        job_filter filter;
        if (o.pick(2, 2) == 0) filter.queue = "q" + std::to_string(o.pick(3, 3));
        const std::string worker = o.pick(2, 2) == 0 ? "w0" : "w1";
        const int priority = static_cast<int>(o.pick(2, 5)) - 2;
        const auto same = [&](auto verb) { compare(verb(model_), verb(f_.store())); };
        switch (o.kind) {
            case op::revive: both([&](auto& s, auto statuses) { return s.revive(ids, statuses, f_.now); }); break;
            case op::cancel: both([&](auto& s, auto statuses) { return s.cancel(ids, statuses, f_.now); }); break;
            case op::remove: both([&](auto& s, auto statuses) { return s.remove(ids, statuses); }); break;
            case op::purge: same([&](auto& s) { return s.purge(filter, limits::sweep).value_or(~0U); }); break;
            case op::reprioritise:
                same([&](auto& s) {
                    return s.reprioritise(ids[0], priority, f_.now).value_or(change_status::requested);
                });
                break;
            default: same([&](auto& s) { return s.free_worker(worker, "killed", f_.now).value_or(~0U); });
        }
        compare(told, answer);
    }

    void compare_stores()
    {
        if constexpr (inspectable) {
            const auto expected = describe_store(static_cast<model_inspect&>(model_));
            const auto actual = describe_store(f_.store());
            for (std::size_t i = 0; i < std::max(expected.size(), actual.size()); ++i)
                if (i >= expected.size() || i >= actual.size() || expected[i] != actual[i])
                    return differ(i < expected.size() ? expected[i] : "nothing",
                                  i < actual.size() ? actual[i] : "nothing");
        }
    }
    template <class T>
    void compare(const T& model, const T& storage)
    {
        if (!(model == storage)) differ(conformance::show(model), conformance::show(storage));
    }
    void differ(const std::string& model, const std::string& storage)
    {
        if (difference_.empty()) difference_ = "the model says " + model + "\nthe storage says " + storage;
    }
    void log(std::string line) { log_.push_back(std::move(line)); }

    conformance::sink errors_;
    conformance::fixture<B> f_{errors_};
    model_storage model_;
    std::vector<job> inserted_;
    std::vector<lease> leases_;
    std::vector<lease> scratch_;
    std::vector<settlement> settled_;
    claim_request request_;
    std::vector<std::string> queues_;
    std::vector<std::string> kinds_;
    std::vector<std::string> log_;
    std::string difference_;
    std::size_t applied_ = 0;
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/testing/shrink.hpp
// Delta debugging: the short core of a long failing sequence.
#ifndef QUEUECTL_TESTING_SHRINK_HPP
#define QUEUECTL_TESTING_SHRINK_HPP

namespace queuectl::inline v0 {

// A subsequence for which `fails` still holds, and from which no single element can be taken away (unless `tries` runs
// out first). Requires fails(all). Removes chunks of half the length, then a quarter, … then single elements.
template <class T, class Fails>
[[nodiscard]] std::vector<T> shrink(std::vector<T> all, Fails fails, std::size_t tries = 2000)
{
    for (std::size_t chunk = std::max<std::size_t>(all.size() / 2, 1);;) {
        bool removed = false;
        for (std::size_t at = 0; at < all.size() && tries > 0;) {
            const auto first = all.begin() + static_cast<std::ptrdiff_t>(at);
            const auto last = all.begin() + static_cast<std::ptrdiff_t>(std::min(at + chunk, all.size()));
            std::vector<T> rest(all.begin(), first);
            rest.insert(rest.end(), last, all.end());
            --tries;
            if (fails(rest)) {
                all = std::move(rest);
                removed = true;
            } else {
                at += chunk;
            }
        }
        if (tries == 0 || (chunk == 1 && !removed)) return all;
        if (!removed) chunk = std::max<std::size_t>(chunk / 2, 1);
    }
}

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/testing/random_ops.hpp
// Random operations on a storage and on the reference model alike: every answer and the whole store are compared, and a
// difference is told as the shortest sequence that shows it. The same seeds run everywhere; QUEUECTL_SEED=n runs one.
#ifndef QUEUECTL_TESTING_RANDOM_OPS_HPP
#define QUEUECTL_TESTING_RANDOM_OPS_HPP

namespace queuectl::inline v0 {

// Nothing, or the seed and the shortest story found.
template <conformance::backend B>
[[nodiscard]] std::string random_difference(std::uint64_t seed, std::size_t operations)
{
    const auto fails = [](const std::vector<operation>& all) { return !random_run<B>{}.run(all); };
    auto all = random_operations(seed, operations);
    random_run<B> first;
    if (first.run(all)) return {};
    all.resize(first.applied());
    all = shrink(std::move(all), fails, 500);
    random_run<B> last;
    const bool again = !last.run(all);
    return "seed " + std::to_string(seed) + (again ? "" : " (not every time)") + ":\n" + last.story();
}

namespace conformance {

template <backend B>
void random_operations_match_the_model(fixture<B>& f)
{
    const char* asked = std::getenv("QUEUECTL_SEED");
    const std::uint64_t first = asked != nullptr ? std::strtoull(asked, nullptr, 10) : 1;
    const std::uint64_t last = asked != nullptr ? first : effort(12, 500);
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        const std::string difference = random_difference<B>(seed, 300);
        if (difference.empty()) continue;
        f.out().fail(__FILE__, __LINE__, difference);
        return;
    }
}

template <backend B>
void add_random_checks(check_list<B>& list)
{
    QUEUECTL_ADD_CHECK(list, B, random_operations_match_the_model);
}

}  // namespace conformance
}  // namespace queuectl::inline v0

#endif

// ---- queuectl/testing/conformance.hpp
// The contract of a storage, as checks that can be run on any. A table of contents: each part is one header.
//
// With GoogleTest, one source file is enough:
//
//     #include <queuectl/testing/conformance.hpp>
//     #include <queuectl/testing/conformance/gtest.hpp>
//     struct my_backend {
//         using storage_type = my_storage;
//         my_storage make() { return my_storage{}; }
//     };
//     QUEUECTL_CONFORMANCE(my_storage, my_backend);
//
// With any other framework: for (auto& c : all_checks<my_backend>()) { sink out; c.run(out); out.failures(); }
// What else a backend may offer, so that more is checked, is told in conformance/fixture.hpp.
#ifndef QUEUECTL_TESTING_CONFORMANCE_HPP
#define QUEUECTL_TESTING_CONFORMANCE_HPP

namespace queuectl::inline v0::conformance {

// Every check that the backend's storage and abilities allow.
template <backend B>
[[nodiscard]] std::vector<check> all_checks()
{
    check_list<B> list;
    add_atomic_checks(list);
    add_token_checks(list);
    add_order_checks(list);
    add_visibility_checks(list);
    add_verdict_checks(list);
    add_count_checks(list);
    add_cost_checks(list);
    add_bound_checks(list);
    add_limit_checks(list);
    add_time_checks(list);
    add_persistence_checks(list);
    add_header_checks(list);
    add_inspection_checks(list);
    add_change_checks(list);
    add_setting_checks(list);
    add_notification_checks(list);
    add_random_checks(list);
    add_thread_checks(list);
    add_process_checks(list);
    return list.checks();
}

}  // namespace queuectl::inline v0::conformance

#endif

// ---- queuectl/testing/disk/state.hpp
// What a simulated disk holds: what is surely on it, and what has been asked of it since.
#ifndef QUEUECTL_TESTING_DISK_STATE_HPP
#define QUEUECTL_TESTING_DISK_STATE_HPP

namespace queuectl::inline v0::simulated {

// A change of a file that no sync has covered.
struct file_change {
    bool resize = false;
    std::uint64_t offset = 0;  // of a write; of a resize: the new size
    std::string bytes;
    bool lost = false;  // a sync of it failed: the cache takes it for clean, and no later sync writes it
};

inline void put(std::string& content, std::uint64_t offset, std::string_view bytes)
{
    if (content.size() < offset + bytes.size()) content.resize(static_cast<std::size_t>(offset) + bytes.size());
    content.replace(static_cast<std::size_t>(offset), bytes.size(), bytes);
}
inline void put(std::string& content, const file_change& change)
{
    if (change.resize)
        content.resize(static_cast<std::size_t>(change.offset));
    else
        put(content, change.offset, change.bytes);
}

// Takes what `later` covers out of earlier writes: that place is written by the later one, whatever became of them.
inline void supersede(std::vector<file_change>& earlier, const file_change& later)
{
    if (later.resize) return;
    const std::uint64_t end = later.offset + later.bytes.size();
    std::vector<file_change> left;
    for (auto& c : earlier) {
        const std::uint64_t c_end = c.offset + c.bytes.size();
        if (c.resize || c_end <= later.offset || end <= c.offset) {
            left.push_back(std::move(c));
            continue;
        }
        if (c.offset < later.offset)
            left.push_back(
                {false, c.offset, c.bytes.substr(0, static_cast<std::size_t>(later.offset - c.offset)), c.lost});
        if (end < c_end) left.push_back({false, end, c.bytes.substr(static_cast<std::size_t>(end - c.offset)), c.lost});
    }
    earlier = std::move(left);
}

// A failed sync is reported as Linux does it (errseq_t): to the one that meets it, and once to each handle that was
// opened before it. Handles that are opened after it has been reported hear nothing of it.
struct inode {
    std::string cached;                // what programs read
    std::string stored;                // what a power loss leaves at least
    std::vector<file_change> pending;  // in the order they were made
    std::uint64_t errors = 0;          // how often writing it back has failed

    void change(file_change c)
    {
        put(cached, c);
        pending.push_back(std::move(c));
    }
    // A successful sync: all but what an earlier failed one has lost.
    void settle()
    {
        std::vector<file_change> left;
        for (auto& c : pending) {
            if (c.lost) {
                left.push_back(std::move(c));
                continue;
            }
            put(stored, c);
            supersede(left, c);
        }
        pending = std::move(left);
    }
    void lose()
    {
        ++errors;
        for (auto& c : pending) c.lost = true;
    }
};

using names = std::map<std::string, std::shared_ptr<inode>, std::less<>>;

// A change of the directory that no sync has covered.
struct name_change {
    std::string gone;  // the name that is removed; empty = none
    std::string made;  // the name that is set; empty = none
    std::shared_ptr<inode> target{};
    bool lost = false;
};
inline void put(names& all, const name_change& change)
{
    if (!change.gone.empty()) all.erase(change.gone);
    if (!change.made.empty()) all[change.made] = change.target;
}

struct disk_state {
    names cached;
    names stored;
    std::vector<name_change> pending;

    void change(name_change c)
    {
        put(cached, c);
        pending.push_back(std::move(c));
    }
    void settle()
    {
        std::vector<name_change> left;
        for (auto& c : pending) {
            if (c.lost) {
                left.push_back(std::move(c));
                continue;
            }
            put(stored, c);
            // What was lost of the same names before cannot come after it.
            std::erase_if(left, [&](const name_change& old) {
                const auto speaks_of = [&old](const std::string& name) {
                    return !name.empty() && (old.made == name || old.gone == name);
                };
                return speaks_of(c.made) || speaks_of(c.gone);
            });
        }
        pending = std::move(left);
    }
    void lose()
    {
        for (auto& c : pending) c.lost = true;
    }
};

}  // namespace queuectl::inline v0::simulated

#endif

// ---- queuectl/testing/disk/crash.hpp
// What a power loss may leave on a simulated disk.
#ifndef QUEUECTL_TESTING_DISK_CRASH_HPP
#define QUEUECTL_TESTING_DISK_CRASH_HPP

namespace queuectl::inline v0::simulated {

// Which of the changes that no sync covered have reached the disk. Bytes that no unsynced write covers never change.
struct crash_plan {
    enum class kind : std::uint8_t {
        none,       // no change of a file
        all,        // every change
        first,      // those before `index`
        without,    // all but `index`
        only,       // `index` alone
        torn_byte,  // those before `index`, and `index` up to some byte
        torn_at,    // those before `index`, and the first `seed` bytes of it
        sectors,    // of each a random part of its 512-byte sectors
        garbage,    // as sectors, and some of the others hold garbage
    };
    kind files = kind::none;
    std::size_t index = 0;
    std::size_t kept_names =
        0;                   // how many of the directory's changes were kept, in order; then one more may be left out
    bool skip_name = false;  // of those, not the last but one
    std::uint64_t seed = 0;

    [[nodiscard]] std::string describe() const
    {
        constexpr std::array<std::string_view, 9> words{"none",      "all",     "first",   "without", "only",
                                                        "torn_byte", "torn_at", "sectors", "garbage"};
        return "files " + std::string{words[static_cast<std::size_t>(files)]} + " " + std::to_string(index) +
               ", names " + std::to_string(kept_names) + (skip_name ? " without the last but one" : "") + ", seed " +
               std::to_string(seed);
    }
};

namespace detail {

inline constexpr std::uint64_t sector_bytes = 512;

// Applies a part of a write: for each piece of a sector, as `choose(piece number)` says: 0 not, 1 yes, 2 garbage.
template <class Choose>
void apply_sectors(std::string& content, const file_change& change, seeded_random& random, Choose&& choose)
{
    for (std::size_t at = 0; at < change.bytes.size();) {
        const std::uint64_t place = change.offset + at;
        const auto count = static_cast<std::size_t>(
            std::min<std::uint64_t>(sector_bytes - place % sector_bytes, change.bytes.size() - at));
        std::string piece = change.bytes.substr(at, count);
        const int choice = choose();
        if (choice == 2)
            for (char& c : piece) c = static_cast<char>(random.next());
        if (choice != 0) put(content, place, piece);
        at += count;
    }
}

inline void apply_planned(std::string& content, const file_change& change, std::size_t i, const crash_plan& plan,
                          seeded_random& random)
{
    using kind = crash_plan::kind;
    const bool whole = plan.files == kind::all ||
                       ((plan.files == kind::first || plan.files == kind::torn_byte || plan.files == kind::torn_at) &&
                        i < plan.index) ||
                       (plan.files == kind::without && i != plan.index) ||
                       (plan.files == kind::only && i == plan.index);
    if (whole) return put(content, change);
    if (plan.files == kind::torn_byte && i == plan.index && !change.resize)
        return put(content, change.offset,
                   std::string_view{change.bytes}.substr(0, random.below(change.bytes.size() + 1)));
    if (plan.files == kind::torn_at && i == plan.index && !change.resize)
        return put(content, change.offset, std::string_view{change.bytes}.substr(0, plan.seed));
    if (plan.files != kind::sectors && plan.files != kind::garbage) return;
    if (change.resize) {
        if (random.one_in(2)) put(content, change);
        return;
    }
    const std::uint64_t choices = plan.files == kind::garbage ? 3 : 2;
    apply_sectors(content, change, random, [&] { return static_cast<int>(random.below(choices)); });
}

}  // namespace detail

// The disk after a power loss: what was stored and what the plan kept; nothing pending.
[[nodiscard]] inline disk_state crash(const disk_state& before, const crash_plan& plan)
{
    seeded_random random{plan.seed};
    names kept = before.stored;
    for (std::size_t i = 0; i < before.pending.size() && i < plan.kept_names; ++i)
        if (!(plan.skip_name && i + 2 == plan.kept_names)) put(kept, before.pending[i]);
    std::map<const inode*, std::shared_ptr<inode>> copies;
    disk_state after;
    std::size_t i = 0;
    for (const auto& [name, old] : kept) {
        auto& copy = copies[old.get()];
        if (!copy) {
            copy = std::make_shared<inode>();
            copy->stored = old->stored;
            for (const auto& change : old->pending) detail::apply_planned(copy->stored, change, i++, plan, random);
            copy->cached = copy->stored;
        }
        after.stored[name] = copy;
    }
    after.cached = after.stored;
    return after;
}

// Plans of every kind for what is pending: each index for the kinds that have one, `random` seeds for the others.
[[nodiscard]] inline std::vector<crash_plan> crash_plans(const disk_state& before, std::uint64_t seed,
                                                         std::size_t random = 2)
{
    using kind = crash_plan::kind;
    std::size_t changes = 0;
    for (const auto& [name, file] : before.cached) changes += file->pending.size();
    std::vector<crash_plan> plans;
    for (std::size_t kept = 0; kept <= before.pending.size(); ++kept)
        for (const bool skip : {false, true}) {
            if (skip && kept < 2) continue;
            const auto add = [&](kind k, std::size_t index) {
                plans.push_back({k, index, kept, skip, seed + 0x9e37 * plans.size()});
            };
            add(kind::none, 0);
            if (changes == 0) continue;
            add(kind::all, 0);
            for (std::size_t i = 0; i < changes; ++i) {
                add(kind::torn_byte, i);
                if (changes == 1) continue;
                add(kind::first, i);
                add(kind::without, i);
                add(kind::only, i);
            }
            for (std::size_t i = 0; i < random; ++i) {
                add(kind::sectors, 0);
                add(kind::garbage, 0);
            }
        }
    return plans;
}

// Tells disks apart by what is on them: FNV-1a over names and contents.
[[nodiscard]] inline std::uint64_t fingerprint(const disk_state& disk)
{
    std::uint64_t hash = 0xcbf29ce484222325U;
    const auto mix = [&](std::string_view bytes) {
        for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
        hash = (hash ^ bytes.size()) * 0x100000001b3U;
    };
    for (const auto& [name, file] : disk.stored) {
        mix(name);
        mix(file->stored);
    }
    return hash;
}

}  // namespace queuectl::inline v0::simulated

#endif

// ---- queuectl/testing/fault_storage.hpp
// A storage whose calls fail when a test says so: before anything happened, or after it did.
#ifndef QUEUECTL_TESTING_FAULT_STORAGE_HPP
#define QUEUECTL_TESTING_FAULT_STORAGE_HPP

namespace queuectl::inline v0 {

enum class verb : std::uint8_t { insert, claim, extend, settle };

// One planned failure of a verb.
struct planned_fault {
    queuectl::verb verb = verb::insert;
    std::uint64_t call = 1;  // the n-th call of that verb, from 1
    errc code = errc::io;
    bool after_effect = false;  // what was asked for was done, and only the answer is lost: errc::outcome_unknown
    std::uint64_t repeats = 1;  // so many calls in a row fail
};

// The plan and what was called so far; shared with the storage, so that a test can add to it while a worker runs.
// Any thread.
class fault_plan {
public:
    void add(planned_fault f)
    {
        const std::scoped_lock lock{mutex_};
        faults_.push_back(f);
    }
    // The next `repeats` calls of a verb fail.
    void fail_next(verb v, errc code, bool after_effect = false, std::uint64_t repeats = 1)
    {
        const std::scoped_lock lock{mutex_};
        faults_.push_back({v, calls_[static_cast<std::size_t>(v)] + 1, code, after_effect, repeats});
    }
    [[nodiscard]] std::uint64_t calls(verb v) const
    {
        const std::scoped_lock lock{mutex_};
        return calls_[static_cast<std::size_t>(v)];
    }
    // How many calls were made to fail.
    [[nodiscard]] std::uint64_t failed() const
    {
        const std::scoped_lock lock{mutex_};
        return failed_;
    }

    // Counts a call; the fault that it meets, if any.
    [[nodiscard]] std::optional<planned_fault> next(verb v)
    {
        const std::scoped_lock lock{mutex_};
        const std::uint64_t call = ++calls_[static_cast<std::size_t>(v)];
        for (const auto& f : faults_)
            if (f.verb == v && call >= f.call && call - f.call < f.repeats) {
                ++failed_;
                return f;
            }
        return std::nullopt;
    }

private:
    mutable std::mutex mutex_;
    std::vector<planned_fault> faults_;
    std::array<std::uint64_t, 4> calls_{};
    std::uint64_t failed_ = 0;
};

// S with a plan. The facets of S are there as they are and never fail; settle_and_claim is taken as two steps.
// A failed call leaves the caller's vectors and statuses as they were.
template <storage S>
class fault_storage : public S {
public:
    explicit fault_storage(S s, std::shared_ptr<fault_plan> plan = std::make_shared<fault_plan>())
        : S{std::move(s)}, plan_{std::move(plan)}
    {
    }
    [[nodiscard]] fault_plan& plan() noexcept { return *plan_; }

    result<void> insert(std::span<const job> jobs, std::span<insert_status> told, const instant& now)
    {
        return with_fault<void>(verb::insert, "insert", [&](bool heard) {
            std::vector<insert_status> unheard(told.size());
            return S::insert(jobs, heard ? told : std::span<insert_status>{unheard}, now);
        });
    }
    result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        return with_fault<claim_info>(verb::claim, "claim", [&](bool heard) {
            std::vector<lease> unheard;
            return S::claim(request, heard ? leases : unheard, now);
        });
    }
    result<void> extend(std::span<const receipt> receipts, duration d, std::span<extend_status> told,
                        const instant& now)
    {
        return with_fault<void>(verb::extend, "extend", [&](bool heard) {
            std::vector<extend_status> unheard(told.size());
            return S::extend(receipts, d, heard ? told : std::span<extend_status>{unheard}, now);
        });
    }
    result<void> settle(std::span<const settlement> all, std::span<settle_status> told, const instant& now)
    {
        return with_fault<void>(verb::settle, "settle", [&](bool heard) {
            std::vector<settle_status> unheard(told.size());
            return S::settle(all, heard ? told : std::span<settle_status>{unheard}, now);
        });
    }
    result<claim_info> settle_and_claim(std::span<const settlement> all, std::span<settle_status> told,
                                        const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        if (!all.empty())
            if (auto settled = settle(all, told, now); !settled) return fail(settled.error());
        return claim(request, leases, now);
    }

private:
    template <class T, class Call>
    result<T> with_fault(verb v, const char* name, Call call)
    {
        const auto fault = plan_->next(v);
        if (!fault) return call(true);
        if (fault->after_effect)
            if (auto done = call(false); !done) return done;
        return fail(fault->code, name, "planned by the test");
    }

    std::shared_ptr<fault_plan> plan_;
};

}  // namespace queuectl::inline v0

#endif

// ---- queuectl/testing/virtual_time.hpp
// Time that a test moves: days of retries and schedules in microseconds, through the real code.
#ifndef QUEUECTL_TESTING_VIRTUAL_TIME_HPP
#define QUEUECTL_TESTING_VIRTUAL_TIME_HPP

namespace queuectl::inline v0 {

// A time source; copies share one time, so keep one and hand another to the queue. Thread-safe.
// Starts at 2024-01-01T00:00:00Z, one hour after boot.
class virtual_time {
public:
    [[nodiscard]] instant now() const
    {
        const detail::scoped_lock guard{shared_->mutex};
        return shared_->now;
    }
    // Wall and boot clock go forward together.
    void advance(duration by) const
    {
        const detail::scoped_lock guard{shared_->mutex};
        shared_->now.wall = add(shared_->now.wall, by);
        shared_->now.boot = add(shared_->now.boot, by);
    }
    // The wall clock is set; the boot clock does not notice.
    void set_wall(timestamp to) const
    {
        const detail::scoped_lock guard{shared_->mutex};
        shared_->now.wall = to;
    }
    // The machine restarts: the boot clock begins anew.
    void reboot() const
    {
        const detail::scoped_lock guard{shared_->mutex};
        shared_->now.boot = std::chrono::seconds{1};
        ++shared_->now.boot_id.low;
    }

private:
    struct state {
        detail::mutex mutex;
        instant now{timestamp{std::chrono::seconds{1704067200}}, std::chrono::hours{1}, {0x71756575, 1}};
    };
    std::shared_ptr<state> shared_ = std::make_shared<state>();
};

// basic_queue{storage, executor, backoff, options, virtual_values(time)}. No thread is started: one loop drives
// all, so that a run repeats exactly.
struct virtual_traits : queue_traits {
    using time_source = virtual_time;
    static constexpr bool threads = false;
};
[[nodiscard]] inline traits_values<virtual_traits> virtual_values(const virtual_time& time, std::uint64_t seed = 1)
{
    return {time, random_source{seed}, {}, {}};
}

}  // namespace queuectl::inline v0

#endif

#endif

#if defined(QUEUECTL_POSIX) && defined(QUEUECTL_TESTING)

// ---- queuectl/testing/simulated_disk.hpp
// A disk in memory that loses power and fails on request: the file journal's file_system policy for tests.
#ifndef QUEUECTL_TESTING_SIMULATED_DISK_HPP
#define QUEUECTL_TESTING_SIMULATED_DISK_HPP

namespace queuectl::inline v0 {

// What goes wrong at one call.
enum class disk_fault : std::uint8_t {
    none,
    io_error,        // EIO, nothing done
    full,            // ENOSPC after a part of a write; other calls that need room: nothing done
    interrupted,     // EINTR once
    short_transfer,  // a read or write ends half-way, without an error
    failed_sync,     // EIO, if it is a sync, and the cache takes its pages for clean
    power_off,       // the call's effect is pending (a sync has none); every later call fails
};

// One folder of one disk, shared by any number of simulated_file_system, each a process. Repeatable: nothing here
// is random but what a seed decides. Not thread-safe.
class simulated_disk {
public:
    simulated_disk() = default;
    explicit simulated_disk(simulated::disk_state state) : state_{std::move(state)} {}

    // The n-th call from now (1 = the next; read, write, sync and names count) meets the fault. A piece of a long
    // write, and what is left of it after a fault, is a call.
    void inject(disk_fault fault, std::uint64_t nth) noexcept
    {
        fault_ = fault;
        fault_at_ = calls_ + nth;
    }
    // The next sync, whenever it comes, meets disk_fault::failed_sync; besides what is injected.
    void fail_next_sync() noexcept { fail_next_sync_ = true; }
    // From now on the disk has room for so many new bytes.
    void set_room(std::optional<std::uint64_t> bytes) noexcept { room_ = bytes; }

    [[nodiscard]] std::uint64_t calls() const noexcept { return calls_; }
    [[nodiscard]] bool is_off() const noexcept { return off_; }
    [[nodiscard]] simulated::disk_state& state() noexcept { return state_; }
    [[nodiscard]] const simulated::disk_state& state() const noexcept { return state_; }

    // The same disk after power has come back, or a copy for each way it may come back.
    [[nodiscard]] std::vector<simulated::crash_plan> crash_plans(std::uint64_t seed, std::size_t random = 2) const
    {
        return simulated::crash_plans(state_, seed, random);
    }
    [[nodiscard]] simulated::disk_state crash(const simulated::crash_plan& plan) const
    {
        return simulated::crash(state_, plan);
    }

private:
    friend class simulated_file_system;

    // 0, or the errno this call ends with. `fault` tells the ones that act on their own.
    int enter(disk_fault& fault)
    {
        fault = disk_fault::none;
        if (off_) return EIO;
        if (++calls_ != fault_at_) return 0;
        fault = fault_;
        if (fault_ == disk_fault::power_off) off_ = true;
        if (fault_ == disk_fault::io_error) return EIO;
        return fault_ == disk_fault::interrupted ? EINTR : 0;
    }

    simulated::disk_state state_;
    std::optional<std::uint64_t> room_;
    std::uint64_t calls_ = 0;
    std::uint64_t fault_at_ = 0;
    disk_fault fault_ = disk_fault::none;
    bool fail_next_sync_ = false;
    bool off_ = false;
};

// One process's hands on a simulated disk; copies belong to the same process. Satisfies journal::file_system.
class simulated_file_system {
public:
    struct file {
        std::shared_ptr<simulated::inode> inode;
        std::string name;
        std::uint64_t errors_heard = 0;  // of the inode's
    };

    explicit simulated_file_system(simulated_disk& disk) : disk_{&disk} {}

    // From now on this process does nothing any more; what it has done stays in the cache.
    void kill() noexcept { *killed_ = true; }

    [[nodiscard]] result<file> create(std::string_view name)
    {
        if (const int e = enter_plain()) return failed("create ", name, e);
        if (names().count(name) != 0) return failed("create ", name, EEXIST);
        if (!take_room(1)) return failed("create ", name, ENOSPC);
        auto made = std::make_shared<simulated::inode>();
        disk_->state_.change({{}, std::string{name}, made});
        return file{std::move(made), std::string{name}, 0};
    }
    [[nodiscard]] result<file> open(std::string_view name)
    {
        if (const int e = enter_plain()) return failed("open ", name, e);
        const auto found = names().find(name);
        if (found == names().end()) return failed("open ", name, ENOENT);
        return file{found->second, std::string{name}, found->second->errors};
    }
    [[nodiscard]] result<std::size_t> read(const file& f, std::uint64_t offset, char* to, std::size_t count)
    {
        const auto done = journal::detail::transfer_all(
            count, [&](std::size_t at, std::size_t left) { return read_once(*f.inode, offset + at, to + at, left); });
        if (done < 0) return failed("read ", f.name, static_cast<int>(-done));
        return static_cast<std::size_t>(done);
    }
    [[nodiscard]] result<void> write(file& f, std::uint64_t offset, std::string_view bytes)
    {
        const int e = journal::detail::write_all(bytes.size(), [&](std::size_t at, std::size_t left) {
            return write_once(*f.inode, offset + at, bytes.substr(at, left));
        });
        if (e != 0) return failed("write ", f.name, e);
        return {};
    }
    [[nodiscard]] result<void> fill_zeros(file& f, std::uint64_t offset, std::uint64_t count)
    {
        return journal::detail::write_zeros(
            offset, count, [&](std::uint64_t at, std::string_view zeros) { return write(f, at, zeros); });
    }
    [[nodiscard]] result<void> sync(file& f)
    {
        const int e = enter_sync(*f.inode);
        if (e == 0) f.inode->settle();
        const bool heard = std::exchange(f.errors_heard, f.inode->errors) == f.inode->errors;
        if (e != 0 || !heard) return failed("sync ", f.name, e != 0 ? e : EIO);
        return {};
    }
    [[nodiscard]] result<void> sync_directory()
    {
        if (const int e = enter_sync(disk_->state_)) return failed("sync ", "the folder", e);
        disk_->state_.settle();
        return {};
    }
    [[nodiscard]] result<void> rename(std::string_view from, std::string_view to)
    {
        if (const int e = enter_plain()) return failed("rename ", from, e);
        const auto found = names().find(from);
        if (found == names().end()) return failed("rename ", from, ENOENT);
        disk_->state_.change({std::string{from}, std::string{to}, found->second});
        return {};
    }
    [[nodiscard]] result<void> remove(std::string_view name)
    {
        if (const int e = enter_plain()) return failed("remove ", name, e);
        if (names().count(name) == 0) return failed("remove ", name, ENOENT);
        disk_->state_.change({std::string{name}, {}, {}});
        return {};
    }
    [[nodiscard]] result<std::vector<std::string>> list()
    {
        if (const int e = enter_plain()) return failed("list ", "the folder", e);
        std::vector<std::string> all;
        for (const auto& [name, inode] : names()) all.push_back(name);
        return all;
    }
    [[nodiscard]] result<std::uint64_t> size(const file& f)
    {
        if (const int e = enter_plain()) return failed("stat ", f.name, e);
        return std::uint64_t{f.inode->cached.size()};
    }
    [[nodiscard]] result<void> truncate(file& f, std::uint64_t bytes)
    {
        if (const int e = enter_plain()) return failed("truncate ", f.name, e);
        f.inode->change({true, bytes, {}});
        return {};
    }

private:
    static failure_value failed(std::string_view what, std::string_view name, int number)
    {
        return journal::detail::fail_errno(std::string{what}.append(name), number);
    }
    [[nodiscard]] const simulated::names& names() const noexcept { return disk_->state_.cached; }

    int enter(disk_fault& fault) { return *killed_ ? EIO : disk_->enter(fault); }

    // A call with no effect of its own under a fault; it is repeated after a signal.
    int enter_plain()
    {
        disk_fault fault{};
        int e = enter(fault);
        while (e == EINTR) e = enter(fault);
        if (e == 0 && fault == disk_fault::full) return ENOSPC;
        return e;
    }

    template <class Changed>
    int enter_sync(Changed& changed)
    {
        disk_fault fault{};
        const int e = enter(fault);
        if (fault == disk_fault::power_off) return EIO;
        const bool fails = std::exchange(disk_->fail_next_sync_, false) || fault == disk_fault::failed_sync;
        if (!fails && e == 0) return 0;
        if (!disk_->off_ && !*killed_) changed.lose();
        return e != 0 ? e : EIO;
    }

    std::int64_t read_once(const simulated::inode& node, std::uint64_t offset, char* to, std::size_t count)
    {
        disk_fault fault{};
        if (const int e = enter(fault)) return -e;
        if (offset >= node.cached.size()) return 0;
        count = static_cast<std::size_t>(std::min<std::uint64_t>(count, node.cached.size() - offset));
        if (fault == disk_fault::short_transfer) count = (count + 1) / 2;
        node.cached.copy(to, count, static_cast<std::size_t>(offset));
        return static_cast<std::int64_t>(count);
    }

    std::int64_t write_once(simulated::inode& node, std::uint64_t offset, std::string_view bytes)
    {
        disk_fault fault{};
        if (const int e = enter(fault)) return -e;
        if (fault == disk_fault::short_transfer) bytes = bytes.substr(0, (bytes.size() + 1) / 2);
        const std::uint64_t end = offset + bytes.size();
        const std::uint64_t grows = end > node.cached.size() ? end - node.cached.size() : 0;
        if (fault == disk_fault::full || !take_room(grows)) {
            const std::string_view part = bytes.substr(0, bytes.size() / 2);
            if (grows == 0 || grows < bytes.size()) node.change({false, offset, std::string{part}});
            return -ENOSPC;
        }
        node.change({false, offset, std::string{bytes}});
        return static_cast<std::int64_t>(bytes.size());
    }

    bool take_room(std::uint64_t bytes)
    {
        if (!disk_->room_ || bytes == 0) return true;
        if (*disk_->room_ < bytes) return false;
        *disk_->room_ -= bytes;
        return true;
    }

    simulated_disk* disk_;
    std::shared_ptr<bool> killed_ = std::make_shared<bool>(false);
};
static_assert(journal::file_system<simulated_file_system>);

}  // namespace queuectl::inline v0

#endif

#endif

#if defined(QUEUECTL_TESTING) && __has_include(<gtest/gtest.h>)

// ---- queuectl/testing/conformance/gtest.hpp
// Registers the checks of a backend with GoogleTest.
#ifndef QUEUECTL_TESTING_CONFORMANCE_GTEST_HPP
#define QUEUECTL_TESTING_CONFORMANCE_GTEST_HPP

#include <gtest/gtest.h>

namespace queuectl::inline v0::conformance {

class gtest_check final : public ::testing::Test {
public:
    explicit gtest_check(void (*run)(sink&)) : run_{run} {}
    void TestBody() override
    {
        sink out;
        run_(out);
        for (const auto& f : out.failures()) ADD_FAILURE_AT(f.file, f.line) << f.text;
    }

private:
    void (*run_)(sink&);
};

// One test SUITE.CHECK for each; before RUN_ALL_TESTS.
inline bool register_checks(const char* suite, const std::vector<check>& checks)
{
    for (const auto& c : checks)
        ::testing::RegisterTest(suite, c.name, nullptr, nullptr, __FILE__, __LINE__,
                                [run = c.run]() -> ::testing::Test* { return new gtest_check(run); });
    return !checks.empty();
}

}  // namespace queuectl::inline v0::conformance

// At namespace scope, after including <queuectl/testing/conformance.hpp>: the whole suite for a backend type.
#define QUEUECTL_CONFORMANCE(suite, backend)              \
    [[maybe_unused]] static const bool suite##_conforms = \
        ::queuectl::conformance::register_checks(#suite, ::queuectl::conformance::all_checks<backend>())

#endif

#endif

#endif
