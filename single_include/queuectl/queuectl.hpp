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

    result() = default;
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

// Free: one atomic exchange. Contended: spins a little, yields, then sleeps, so that a holder that was preempted runs.
class memory_lock {
public:
    void lock() noexcept
    {
        if (held_.exchange(true, std::memory_order_acquire)) wait();
    }
    void unlock() noexcept { held_.store(false, std::memory_order_release); }

private:
    void wait() noexcept
    {
        for (int turn = 0;; ++turn) {
            if (!held_.load(std::memory_order_relaxed) && !held_.exchange(true, std::memory_order_acquire)) return;
            if (turn < 128)
                pause();
            else if (turn < 256)
                std::this_thread::yield();
            else
                std::this_thread::sleep_for(std::chrono::microseconds{50});
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
#else
#define QUEUECTL_MEMORY_INLINE
#define QUEUECTL_MEMORY_FLATTEN
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

    // Requires: `to` is empty and has never held a long text.
    QUEUECTL_MEMORY_FLATTEN void write_to(std::string& to) const
    {
        if (size_ > short_bytes) {
            to.assign(long_.get(), size_);
            return;
        }
        std::destroy_at(&to);
        if (size_ <= 8)
            ::new (static_cast<void*>(&to)) std::string(short_, 8);
        else
            ::new (static_cast<void*>(&to)) std::string(short_, short_bytes);
        to.resize(size_);
    }

private:
    static constexpr std::size_t short_bytes = 15;

    void assign_long(std::string_view text)
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
    [[nodiscard]] memory_slot& take()
    {
        if (free_) {
            memory_slot& slot = *free_;
            free_ = slot.next;
            return slot;
        }
        const std::size_t b = block_of(used_);
        if (!blocks_[b]) blocks_[b] = std::allocator<memory_slot>{}.allocate(block_size(b));
        auto* slot = ::new (static_cast<void*>(&(*this)[used_])) memory_slot;
        slot->index = used_++;
        return *slot;
    }

    void give_back(memory_slot& slot) noexcept
    {
        slot.payload.shrink(kept_bytes);
        if (slot.has_extra) slot.extra.reset();
        if (slot.has_history) forget(*slot.history);
        slot.has_extra = slot.has_history = false;
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
    static void forget(memory_history& history) noexcept
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
#include <map>

namespace queuectl::inline v0::detail {

inline constexpr std::uint64_t memory_page_size = 64;

// The jobs of 64 consecutive sequences.
struct memory_page {
    std::uint64_t number = 0;
    std::uint32_t live = 0;
    memory_slot* slots[memory_page_size] = {};
};

// Hands out sequences, 1, 2, …, and finds jobs by them. Pages without jobs are used again. add and drop O(1) but for
// one O(log pages) step a page.
class memory_pages {
public:
    // Makes room for n more: the next n adds allocate nothing.
    void reserve(std::size_t n)
    {
        for (std::size_t pages = n / memory_page_size + 1; spare_.size() < pages;)
            spare_.try_emplace(std::numeric_limits<std::uint64_t>::max() - made_++);
    }
    [[nodiscard]] std::uint64_t next_sequence() const noexcept { return next_; }

    // Gives the slot the next sequence.
    void add(memory_slot& slot) noexcept
    {
        slot.sequence = next_++;
        if (!last_ || last_->number != slot.sequence / memory_page_size) open(slot.sequence / memory_page_size);
        last_->slots[slot.sequence % memory_page_size] = &slot;
        ++last_->live;
        slot.page = last_;
    }
    void drop(const memory_slot& slot) noexcept
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
        std::uint64_t place = (after + 1) % memory_page_size;
        auto page = pages_.lower_bound((after + 1) / memory_page_size);
        if (page != pages_.end() && page->first != (after + 1) / memory_page_size) place = 0;
        for (; page != pages_.end(); ++page, place = 0)
            for (; place < memory_page_size; ++place)
                if (memory_slot* slot = page->second.slots[place]; slot && !visit(*slot)) return;
    }

    // The job of that sequence, or null.
    [[nodiscard]] memory_slot* at(std::uint64_t sequence) const noexcept
    {
        const auto page = pages_.find(sequence / memory_page_size);
        return page == pages_.end() ? nullptr : page->second.slots[sequence % memory_page_size];
    }

private:
    using map = std::map<std::uint64_t, memory_page>;

    void open(std::uint64_t number) noexcept
    {
        memory_page* const before = last_;
        auto node = spare_.extract(spare_.begin());
        node.key() = number;
        node.mapped().number = number;
        last_ = &pages_.insert(pages_.end(), std::move(node))->second;
        if (before && before->live == 0) retire(*before);
    }
    void retire(memory_page& page) noexcept { spare_.insert(pages_.extract(page.number)); }

    map pages_;
    map spare_;  // all empty; the keys only tell them apart
    std::uint64_t made_ = 0;
    memory_page* last_ = nullptr;
    std::uint64_t next_ = 1;
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

    void find_head() noexcept
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

struct memory_queue {
    memory_text name;
    std::array<std::uint64_t, state_count> counts{};
    std::map<std::string, memory_lane, std::less<>> lanes;  // by kind
};

// The jobs of one queue and kind: a line for each priority in use, and one for each final state.
struct memory_lane {
    memory_queue* queue = nullptr;
    memory_text kind;
    std::vector<std::unique_ptr<memory_line>> waiting;
    std::array<memory_line, state_count> final_lines;  // by (updated_at, insertion); those of final states are used
    memory_line* last = nullptr;                       // the line asked for last
    std::uint64_t claim_call = 0;                      // the last claim that looked at it

    [[nodiscard]] memory_line& line(std::int8_t priority, memory_order& order)
    {
        if (last && last->priority() == priority) return *last;
        for (const auto& known : waiting)
            if (known->priority() == priority) return *(last = known.get());
        waiting.reserve(waiting.size() + 1);
        auto made = std::make_unique<memory_line>(&order.level(priority), priority);
        order.level(priority).expect_line();
        waiting.push_back(std::move(made));
        return *(last = waiting.back().get());
    }
    [[nodiscard]] memory_line& line(queuectl::state s) noexcept { return final_lines[static_cast<std::size_t>(s)]; }
};

// All queues ever named. Lanes are kept: names are few.
class memory_lanes {
public:
    [[nodiscard]] memory_lane& at(std::string_view queue, std::string_view kind)
    {
        if (last_ && memory_equal(last_->queue->name, queue) && memory_equal(last_->kind, kind)) return *last_;
        auto q = queues_.find(queue);
        if (q == queues_.end()) {
            q = queues_.try_emplace(std::string{queue}).first;
            q->second.name.assign(q->first);
        }
        auto lane = q->second.lanes.find(kind);
        if (lane == q->second.lanes.end()) {
            lane = q->second.lanes.try_emplace(std::string{kind}).first;
            lane->second.queue = &q->second;
            lane->second.kind.assign(lane->first);
        }
        return *(last_ = &lane->second);
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
        for (const auto& [name, queue] : queues_) visit(queue);
    }

    template <class Visit>
    void for_each_line(Visit visit) const
    {
        for (const auto& [queue_name, queue] : queues_)
            for (const auto& [kind, lane] : queue.lanes)
                for (const auto& line : lane.waiting) visit(*line);
    }

private:
    template <class Map, class Names, class Visit>
    static bool each(Map& map, const Names& names, Visit visit)
    {
        if (names.empty()) {
            for (auto& [name, value] : map)
                if (!visit(value)) return false;
            return true;
        }
        for (const auto& name : names)
            if (const auto found = map.find(name); found != map.end() && !visit(found->second)) return false;
        return true;
    }

    std::map<std::string, memory_queue, std::less<>> queues_;
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
struct memory_worker : memory_line {
    using memory_line::memory_line;
    std::string_view name;
};

// The leases measured on one boot's clock.
class memory_boot {
public:
    explicit memory_boot(uid boot) : id{boot} {}
    const uid id;

    [[nodiscard]] memory_worker& worker(std::string_view name)
    {
        if (last_ && memory_equal(last_->name, name)) return *last_;
        auto found = workers_.find(name);
        if (found == workers_.end()) {
            if (workers_.size() >= tidy_at_) tidy();
            level_.expect_line();
            found = workers_.try_emplace(std::string{name}, &level_).first;
            found->second.name = found->first;
        }
        return *(last_ = &found->second);
    }
    [[nodiscard]] memory_worker* find(std::string_view name)
    {
        const auto found = workers_.find(name);
        return found == workers_.end() ? nullptr : &found->second;
    }
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
        for (auto w = workers_.begin(); w != workers_.end();) {
            if (!w->second.empty()) {
                ++w;
                continue;
            }
            w = workers_.erase(w);
            level_.forget_line();
        }
        last_ = nullptr;
        tidy_at_ = 64 + 2 * workers_.size();
    }

    std::map<std::string, memory_worker, std::less<>> workers_;
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
    slot.extra =
        std::make_unique<memory_extra>(memory_extra{j.tag, j.key, j.unique_key, j.batch, j.cwd, j.env, j.depends_on});
    slot.has_extra = true;
}

// Requires: j is new.
QUEUECTL_MEMORY_INLINE inline void memory_read_job(const memory_slot& slot, job& j)
{
    slot.id.write_to(j.id);
    slot.lane->queue->name.write_to(j.queue);
    slot.lane->kind.write_to(j.kind);
    slot.payload.write_to(j.payload);
    j.run_at = slot.run_at;
    j.timeout = slot.timeout;
    j.retention = slot.retention;
    j.backoff_base = slot.backoff_base;
    j.max_retries = slot.max_retries;
    j.hold = slot.hold;
    j.priority = slot.priority;
    j.nonce = slot.nonce;
    if (!slot.has_extra) return;
    const memory_extra& extra = *slot.extra;
    j.tag = extra.tag;
    j.key = extra.key;
    j.unique_key = extra.unique_key;
    j.batch = extra.batch;
    j.cwd = extra.cwd;
    j.env = extra.env;
    j.depends_on = extra.depends_on;
}

// What a new lease is made from: emplace_back() would first zero all its bytes.
struct memory_blank_lease {
    operator lease() const { return {}; }
};

inline void memory_read_lease(const memory_slot& slot, lease& l)
{
    memory_read_job(slot, l.job);
    l.attempts = slot.attempts;
    l.crashes = slot.crashes;
    if (slot.has_history) l.error = slot.history->error;
}

[[nodiscard]] inline std::string_view memory_holder(const memory_slot& slot) noexcept
{
    return slot.state == state::processing ? static_cast<const memory_worker*>(slot.line)->name : std::string_view{};
}

[[nodiscard]] inline job_record memory_read_record(const memory_slot& slot)
{
    job_record r;
    memory_read_job(slot, r.job);
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
// Ids to slots: open addressing with linear probing and no tombstones.
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

// The slots of all jobs by id. At most half full; growth doubles it. find, add and drop O(1).
class memory_table {
public:
    explicit memory_table(const memory_slab& slab) : slab_{slab} {}

    [[nodiscard]] std::uint32_t hash(std::string_view id) const noexcept
    {
        return memory_hash(id, reinterpret_cast<std::uintptr_t>(this));
    }

    void prefetch([[maybe_unused]] std::uint32_t hash) const noexcept
    {
#if defined(__GNUC__)
        if (!cells_.empty()) __builtin_prefetch(&cells_[hash & mask_]);
#endif
    }

    [[nodiscard]] memory_slot* find(std::string_view id, std::uint32_t hash) const noexcept
    {
        if (cells_.empty()) return nullptr;
        for (std::size_t i = hash & mask_; cells_[i].slot != none; i = (i + 1) & mask_) {
            if (cells_[i].hash != hash) continue;
            memory_slot& slot = slab_[cells_[i].slot];
            if (memory_equal(slot.id, id)) return &slot;
        }
        return nullptr;
    }
    [[nodiscard]] memory_slot* find(std::string_view id) const noexcept { return find(id, hash(id)); }

    // Makes room for n more: the next n adds allocate nothing.
    void reserve(std::size_t n)
    {
        if ((size_ + n) * 2 <= cells_.size()) return;
        std::vector<cell> old(std::max<std::size_t>(64, std::bit_ceil((size_ + n) * 2)));
        old.swap(cells_);
        mask_ = cells_.size() - 1;
        for (const cell& c : old)
            if (c.slot != none) place(c);
    }
    void add(memory_slot& slot, std::uint32_t hash) noexcept
    {
        slot.hash = hash;
        place({hash, slot.index});
        ++size_;
    }
    void drop(const memory_slot& slot) noexcept
    {
        std::size_t hole = slot.hash & mask_;
        while (cells_[hole].slot != slot.index) hole = (hole + 1) & mask_;
        for (std::size_t i = (hole + 1) & mask_; cells_[i].slot != none; i = (i + 1) & mask_) {
            const std::size_t home = cells_[i].hash & mask_;
            if (((i - home) & mask_) < ((i - hole) & mask_)) continue;
            cells_[hole] = cells_[i];
            hole = i;
        }
        cells_[hole] = {};
        --size_;
    }

private:
    static constexpr std::uint32_t none = memory_nowhere;
    struct cell {
        std::uint32_t hash = 0;
        std::uint32_t slot = none;
    };
    void place(const cell& c) noexcept
    {
        std::size_t i = c.hash & mask_;
        while (cells_[i].slot != none) i = (i + 1) & mask_;
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

// The moves are noexcept: what they need is reserved before the first change of a call.
struct memory_core {
    // Tells stores of one process apart; nobody else sees them.
    const uid id{reinterpret_cast<std::uintptr_t>(this), memory_serial()};
    memory_lock lock;
    memory_changes changes;
    memory_slab slab;
    memory_table table{slab};
    memory_pages pages;
    memory_lanes lanes;
    memory_order order;
    std::vector<std::unique_ptr<memory_boot>> boots;  // the current one last; every lease of the others has expired
    std::map<std::string, config_entry, std::less<>> config;
    std::uint64_t config_version = 0;
    std::uint32_t insert_calls = 0;
    std::uint64_t claim_calls = 0;
    std::uint64_t records_seen = 0;  // by claims: what their cost grows with

    // Working memory of single calls, kept to spare allocations.
    std::vector<memory_slot*> found;
    std::vector<std::uint32_t> hashes;
    std::vector<memory_line*> matched;
    std::vector<memory_outcome> outcomes;

    void set_state(memory_slot& slot, state to) noexcept
    {
        auto& counts = slot.lane->queue->counts;
        --counts[static_cast<std::size_t>(slot.state)];
        ++counts[static_cast<std::size_t>(to)];
        slot.state = to;
    }

    [[nodiscard]] memory_line& waiting_line(memory_slot& slot) { return slot.lane->line(slot.priority, order); }

    // Stands a waiting job in its line unless it is held. Requires: its line has room.
    void stand(memory_slot& slot, timestamp now) noexcept
    {
        if (slot.hold != hold_none) return;
        memory_line& line = waiting_line(slot);
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

    void erase(memory_slot& slot) noexcept
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
        for (const memory_slot* slot : core_.found) {
            lease& l = leases_.emplace_back(memory_blank_lease{});
            memory_read_lease(*slot, l);
            l.token = slot->token;
        }
        return core_.found.size();
    }

    // Leases what is due; the earliest time when there may be more.
    timestamp take_due()
    {
        core_.found.resize(std::max(core_.found.size(), max_));
        worker_.reserve(max_);
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
        lease& l = leases_.emplace_back(memory_blank_lease{});
        memory_read_lease(slot, l);
        l.token = {request_.nonce, static_cast<std::uint32_t>(taken_)};
        core_.found[taken_++] = &slot;
        slot.was_failed = slot.state == state::failed;
        core_.lift(slot);
        core_.set_state(slot, state::processing);
        slot.token = l.token;
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
    const auto found = core.config.find(key);
    return found == core.config.end() || found->second.expires_at <= now ? nullptr : &found->second;
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
    copy.version = core.config_version + 1;
    core.config[entry.key] = std::move(copy);
    core.changes.touch_work();
    return ++core.config_version;
}

[[nodiscard]] inline bool memory_config_erase(memory_core& core, std::string_view key)
{
    const auto found = core.config.find(key);
    if (found == core.config.end()) return false;
    core.config.erase(found);
    core.changes.touch_work();
    return true;
}

// Expired entries on the way are forgotten.
inline void memory_config_list(memory_core& core, std::string_view prefix, std::vector<config_entry>& out,
                               timestamp now)
{
    for (auto e = core.config.lower_bound(prefix); e != core.config.end() && e->first.starts_with(prefix);) {
        if (e->second.expires_at <= now) {
            e = core.config.erase(e);
        } else {
            out.push_back(e->second);
            ++e;
        }
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
           (f.kind.empty() || slot.lane->kind.view() == f.kind) &&
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
    const auto run = std::find_if(runs.rbegin(), runs.rend(), [&](const attempt& a) { return a.number == number; });
    return run == runs.rend() ? nullptr : &*run;
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

// Adds one job; its slot is whole or not there. Requires: room in table and pages.
inline void memory_add(memory_core& core, const job& j, std::uint32_t hash, timestamp now)
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
    core.table.add(slot, hash);
    core.stand(slot, now);
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
        memory_slot* const known = core.table.find(jobs[i].id, core.hashes[i]);
        if (!known) {
            memory_add(core, jobs[i], core.hashes[i], now);
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

// Where the job goes. A job whose cancellation was asked for does not wait again.
[[nodiscard]] inline state memory_next_state(const memory_slot& slot, const verdict& v) noexcept
{
    const auto waiting = [&](state s) { return slot.cancel_requested ? state::cancelled : s; };
    switch (v.kind) {
        case verdict_kind::complete: return state::completed;
        case verdict_kind::retry: return waiting(state::failed);
        case verdict_kind::bury: return state::dead;
        case verdict_kind::cancel: return state::cancelled;
        case verdict_kind::release: break;
    }
    return waiting(slot.was_failed ? state::failed : state::pending);
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
    const state to = memory_next_state(slot, v);
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
    core.hashes.resize(std::max(core.hashes.size(), n));
    core.found.resize(std::max(core.found.size(), n));
    for (std::size_t i = 0; i < n; ++i) {
        core.hashes[i] = core.table.hash(settlements[i].receipt.id);
        core.table.prefetch(core.hashes[i]);
    }
    std::size_t prepared = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const settlement& s = settlements[i];
        memory_slot* const slot = core.table.find(s.receipt.id, core.hashes[i]);
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

#if defined(QUEUECTL_POSIX)

// ---- queuectl/process/posix.hpp
// What every POSIX part needs: an owned descriptor, the monotonic clock, whole small files.
#ifndef QUEUECTL_PROCESS_POSIX_HPP
#define QUEUECTL_PROCESS_POSIX_HPP

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace queuectl::inline v0::process {

// Owns a file descriptor; −1 = none.
class unique_fd {
public:
    unique_fd() = default;
    explicit unique_fd(int fd) noexcept : fd_{fd} {}
    unique_fd(unique_fd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    unique_fd& operator=(unique_fd&& other) noexcept
    {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    ~unique_fd() { reset(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
    void reset() noexcept
    {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }

private:
    int fd_ = -1;
};

// Calls f again while it fails with EINTR.
template <class F>
auto retry_interrupted(F&& f) noexcept(noexcept(f()))
{
    for (;;)
        if (const auto r = f(); r != -1 || errno != EINTR) return r;
}

// The same descriptor, at 3 or above: a program started without stdin, stdout or stderr must not get a pipe as one.
[[nodiscard]] inline unique_fd above_standard(unique_fd fd) noexcept
{
    if (!fd || fd.get() > 2) return fd;
    return unique_fd{::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3)};
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
    const unique_fd fd{retry_interrupted([&] { return ::open(path, O_RDONLY | O_CLOEXEC); })};
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
        : epoll_{above_standard(unique_fd{::epoll_create1(EPOLL_CLOEXEC)})},
          wake_{above_standard(unique_fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)})}
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
    unique_fd epoll_;
    unique_fd wake_;
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
    unique_fd pidfd;  // none where the kernel has no pidfds
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
        result.pidfd = unique_fd{pidfd};
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
    unique_fd pidfd{};
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
          null_{above_standard(unique_fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)})}
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
    unique_fd null_;
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
    const unique_fd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, target.pid, 0))};
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
        fd_ = unique_fd{::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600)};
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
    unique_fd fd_;
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
    unique_fd pidfd;
    unique_fd output;          // the read end of its pipe; none once it was closed
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
        process::unique_fd reader = process::above_standard(process::unique_fd{pipe[0]});
        const process::unique_fd writer = process::above_standard(process::unique_fd{pipe[1]});
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

// ---- queuectl/process/owned_fd.hpp
// A file descriptor with one owner. POSIX.
#ifndef QUEUECTL_PROCESS_OWNED_FD_HPP
#define QUEUECTL_PROCESS_OWNED_FD_HPP

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

    [[nodiscard]] const side_folder& folder() const noexcept { return folder_; }

    [[nodiscard]] result<file> create(std::string_view name) { return open_file(name, O_RDWR | O_CREAT | O_EXCL); }
    [[nodiscard]] result<file> open(std::string_view name) { return open_file(name, O_RDWR); }

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
    explicit posix_file_system(side_folder folder) : folder_{std::move(folder)} {}

    [[nodiscard]] std::string path(std::string_view name) const { return folder_.path() + '/' + std::string{name}; }

    result<file> open_file(std::string_view name, int flags)
    {
        auto fd = folder_.open_file(std::string{name}.c_str(), flags);
        if (!fd) return fail(fd.error());
        return file{std::move(*fd), path(name)};
    }

    side_folder folder_;
};
static_assert(file_system<posix_file_system>);

}  // namespace queuectl::inline v0::journal

#endif

// ---- queuectl/journal/format.hpp
// The file journal's format, version 1.
//
// A store is a directory. Its truth is a log: a chain of segments, files named by their number in 16 hexadecimal
// digits and ".log", from 0000000000000001.log on. A segment is a header block and frames:
//
//   segment   := header (72 bytes, below) , zeros up to frames_begin , frame … , zeros
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
//   20  4  CRC32C of the other 68 bytes                           known to be synced when this one was written
//   24 16  store id                                      24  8  file id of its segment
//   40  8  segment number                                32  4  CRC32C field of the frame before it in the log; 0 for
//   48  8  file id: random, not 0                                the first of the log
//   56  8  sequence of its first frame                   36  1  type; 37 1 flags; 38 2 zero
//   64  8  bytes of the file
//
// A frame's CRC32C covers, in this order: the file id (8 bytes), the offset of the frame in its file (8 bytes), the
// frame header from byte 4 on, the body. So a frame of another file, or of another place, is never taken for one here.
//
// A new segment. First every frame of the one before is synced. Then NUMBER.new is written at its full size, with zeros
// behind, and synced; it is renamed to NUMBER.log, and the directory is synced, before the first frame in it is
// acknowledged. Hence a NUMBER.log is always whole, and all that comes before its first sequence had been synced: a
// bad header, a file shorter than its header says, a missing frame or segment before the last segment are damage, never
// the trace of a crash. A NUMBER.new is no part of the log.
//
// A segment ends where the next one begins: frames in it from the next one's first sequence on are void. (A sync of it
// had failed; what followed the last successful one was copied to the new segment, under the same sequences.)
//
// Reading. The last segment ends at the first place that holds no valid frame: zeros, bad bytes, a wrong sequence or a
// wrong previous CRC. If a *valid frame behind it* in this segment (CRC right; at any multiple of 8) has durable_upto ≥
// the missing sequence, or a snapshot has, then something that had been synced is gone: that is damage, and the store
// is read-only until it is repaired. Otherwise what is there was never acknowledged: a torn tail, which is cut, by
// writing zeros over it and syncing them, before anything new is appended. Cutting may itself be cut off: it is done
// again. A tail so hostile that the search behind it exceeds its bound (journal/tail.hpp) counts as damage.
//
// A watermark frame (no body) follows when the log has been idle since a sync, and at close, so that also the last
// acknowledged frame is known to be durable to every later reader. It is not waited for.
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

inline constexpr std::size_t segment_header_bytes = 72;
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
    static constexpr bool generation = true;        // who waited for what was lost does not take a successor for it
    static constexpr bool lock = true;              // one writer at a time
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
    detail::shared_word poisoned;        // for the store: not 0 = a sync has failed
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free && sizeof(control_words) == 40);

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

// ---- queuectl/journal/log_words.hpp
// What the processes that share a log tell each other, in the store's control page.
#ifndef QUEUECTL_JOURNAL_LOG_WORDS_HPP
#define QUEUECTL_JOURNAL_LOG_WORDS_HPP

namespace queuectl::inline v0::journal {

// Valid for one boot of the machine and one store: else made anew, under the lock, from the files alone. All zero is
// "not valid". Frames are believed because they are valid, never because a word says so; what only the words know is
// how far this boot has synced, and whether a sync has failed in it.
struct log_words {
    std::atomic<std::uint64_t> boot_high;
    std::atomic<std::uint64_t> boot_low;
    std::atomic<std::uint64_t> store_high;
    std::atomic<std::uint64_t> store_low;
    std::atomic<std::uint64_t> segment;         // the newest
    std::atomic<std::uint64_t> written;         // the last sequence; set after `segment`
    std::atomic<std::uint64_t> synced;          // the last sequence known to be durable
    std::atomic<std::uint64_t> writer;          // who wrote last
    std::atomic<std::uint64_t> appends;         // how often was written
    std::atomic<std::uint64_t> appends_synced;  // as `appends`, when the last sync began
    std::atomic<std::uint64_t> batch;           // how many appends the last sync covered
    std::atomic<std::int64_t> synced_at;        // monotonic_us of the last sync
    std::atomic<std::uint32_t> segment_crc;     // CRC of the last frame before the newest segment
    queuectl::detail::shared_word dirty;        // not 0: a writer changes files; under the lock: it died there
    queuectl::detail::shared_word syncing;      // not 0: a sync runs; under the leadership: its process died in it
    queuectl::detail::shared_word poisoned;     // not 0: a sync has failed; what it covered has to be copied
    queuectl::detail::shared_word generation;   // changes after every `poisoned`
    queuectl::detail::shared_word turn;         // changes with every sync, and is slept on
    queuectl::detail::shared_word sleepers;     // who sleeps on `turn` (dead ones stay counted)

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

// The highest number of a segment in the folder; 0 = there is none.
template <file_system FileSystem>
[[nodiscard]] result<std::uint64_t> newest_segment(FileSystem& fs)
{
    const auto names = fs.list();
    if (!names) return fail(names.error());
    std::uint64_t newest = 0;
    for (const auto& name : *names) newest = std::max(newest, segment_number(name));
    return newest;
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

// When an append is acknowledged.
enum class durability : std::uint8_t {
    full,      // when it is synced
    interval,  // at once; the first append an interval after the last sync syncs
    none,      // at once; the system writes when it likes
};

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

    // In the mode `interval`: syncs when it is time and nobody else does.
    [[nodiscard]] result<void> sync_after(duration interval)
    {
        if (queuectl::detail::monotonic_us() - words_->synced_at.load() < interval.count() || !gate_->try_lead())
            return {};
        const leadership held{*gate_};
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
        if (words_->syncing.load() != 0) {
            poison();
            return fail(errc::io, "sync", "the process that synced the store has died; it may have failed");
        }
        const auto appends = words_->appends.load();
        const auto written = words_->written.load();
        const auto number = words_->segment.load();
        if (file_.header.number != number) {
            auto opened = open_segment(*fs_, number);
            if (!opened) return fail(opened.error());
            file_ = std::move(*opened);
        }
        words_->syncing = 1;
        auto done = Guards::sync_frames ? fs_->sync(file_.file) : result<void>{};
        if (!done) {
            poison();
            return done;
        }
        words_->synced = written;
        words_->synced_at = queuectl::detail::monotonic_us();
        words_->batch = appends - words_->appends_synced.exchange(appends);
        words_->syncing = 0;
        words_->tell();
        return {};
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

    // While as many as the last time may be about to append, waits for them, a little.
    void gather()
    {
        const auto expected = words_->batch.load();
        if (expected < 2) return;
        const auto start = queuectl::detail::monotonic_us();
        const auto enough = words_->appends_synced.load() + expected;
        while (words_->appends.load() < enough && queuectl::detail::monotonic_us() - start < gather_us) ::sched_yield();
    }

    FileSystem* fs_;
    Gate* gate_;
    log_words* words_;
    segment<FileSystem> file_{};  // to sync; the leader's
};

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

// A place between two frames. The default is the begin of the log; a snapshot holds another.
struct log_position {
    std::uint64_t segment = 1;
    std::uint64_t offset = frames_begin;
    std::uint64_t sequence = 1;      // of the next frame
    std::uint32_t previous_crc = 0;  // CRC field of the frame before it

    friend bool operator==(const log_position&, const log_position&) = default;
};

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
    // `newest`: the last segment there is, as far as is known.
    log_reader(FileSystem& fs, log_position from, std::uint64_t newest) : fs_{&fs}, at_{from}, newest_{newest} {}

    [[nodiscard]] const log_position& position() const noexcept { return at_; }
    [[nodiscard]] std::uint64_t newest() const noexcept { return newest_; }
    void set_newest(std::uint64_t newest) noexcept { newest_ = newest; }

    // The segment of the position; null before it was first needed.
    [[nodiscard]] segment<FileSystem>* current() noexcept { return current_ ? &*current_ : nullptr; }

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

    // After `end`: what lies there. Damage is an error; `durable_upto` is the last sequence that a snapshot, or
    // anybody else, knows to have been synced. Reads the rest of the segment.
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
        if (Guards::chain && h.previous_crc != at_.previous_crc) return false;
        const std::uint64_t bytes = frame_bytes(h.body_bytes);
        at = view(static_cast<std::size_t>(bytes));
        if (!at) return fail(at.error());
        if (*at == nullptr || !intact<Guards>(h, *at, s.file_id, at_.offset)) return false;
        if (h.type > frame_type::watermark && (h.flags & flag_skippable) == 0)
            return fail(errc::wrong_version, "read " + segment_name(at_.segment),
                        "a frame's type is newer than this program");
        out = {h, {*at + frame_header_bytes, h.body_bytes}};
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
    std::uint32_t segment_crc_ = 0;
    std::optional<segment<FileSystem>> current_;
    std::optional<segment<FileSystem>> following_;
    std::string window_;
    std::uint64_t window_begin_ = 0;
    std::size_t window_bytes_ = window_bytes_min;
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
    durability mode = durability::full;
    duration interval{1'000'000};  // of durability::interval
    duration lock_patience{10'000'000};
    log_position start{};            // where reading begins: what a snapshot says
    std::uint64_t durable_upto = 0;  // the last sequence that the snapshot knows to have been synced
    segment_sizes sizes{};
    uid boot = queuectl::detail::read_boot_id();
    random_source random{};  // of store id and file ids
};

// What room an append may use.
enum class append_room : std::uint8_t {
    normal,
    reserve,  // also what is kept back for appends that must go on when the disk is full: settles
};

// Hears what is in the log: frame(sequence, body) for each, in order, and restart() when all that it has heard is void
// and is told again from the start position (after a failed sync only). What is appended through this log is not told.
template <class S>
concept log_sink = requires(S& sink, std::uint64_t sequence, std::string_view body)
{
    sink.frame(sequence, body);
    sink.restart();
};

}  // namespace queuectl::inline v0::journal

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
    rescued_frames out{{}, synced, segment_crc, segment_crc, opened->header.bytes};
    frame_view frame;
    for (;;) {
        const auto got = reader.next(frame);
        if (!got) return fail(got.error());
        if (*got != read_status::frame) break;
        if (frame.header.sequence <= synced) {
            out.crc_before = out.last_crc = frame.header.crc;
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
          writer_{random_() | 1},
          sync_{fs_, gate, words},
          reader_{fs_, options.start, options.start.segment}
    {
    }

    [[nodiscard]] log_ticket seen() const noexcept { return {reader_.position().sequence - 1, generation_}; }
    [[nodiscard]] bool page_valid() const noexcept { return store_ && words_->valid_for(options_.boot, store_); }

    result<void> find_store()
    {
        const auto newest = newest_segment(fs_);
        if (!newest) return fail(newest.error());
        if (*newest == 0)
            return options_.create ? result<void>{} : fail(errc::not_found, "open the journal", "there is none");
        const auto opened = open_segment(fs_, *newest);
        if (!opened) return fail(opened.error());
        store_ = opened->header.store;
        return {};
    }

    void note(frame_type type, std::uint64_t sequence, std::uint64_t durable_upto) noexcept
    {
        durable_seen_ = std::max(durable_seen_, durable_upto);
        if (type != frame_type::watermark) last_data_ = sequence;
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

    // CRC of the last frame before the newest segment, once the reader is in it.
    std::uint32_t begin_crc() const noexcept { return reader_.segment_crc(); }

    void publish(std::uint64_t appends) noexcept
    {
        words_->segment = reader_.position().segment;
        words_->writer = writer_;
        words_->written = reader_.position().sequence - 1;
        if (appends != 0) words_->appends.fetch_add(appends);
    }

    result<log_ticket> append(frame_type type, std::span<const std::string_view> bodies, append_room room)
    {
        std::uint64_t bytes = 0;
        for (const auto body : bodies) {
            if (body.size() > body_bytes_max) return fail(errc::invalid_argument, "append", "a body is over 1 GiB");
            bytes += frame_bytes(body.size());
        }
        if (reader_.current()->header.oldest_writer > format_version)
            return fail(errc::wrong_version, "append", "the journal's format is newer than this program");
        const auto kept = room == append_room::normal ? reserve_of(reader_.current()->header.bytes) : 0;
        if (reader_.position().offset + bytes + kept > reader_.current()->header.bytes)
            if (auto done = roll(bytes); !done) return fail(done.error());
        return write(type, bodies);
    }

    result<log_ticket> write(frame_type type, std::span<const std::string_view> bodies)
    {
        auto& s = *reader_.current();
        const auto& at = reader_.position();
        frame_header h;
        h.sequence = at.sequence;
        h.durable_upto = std::min(words_->synced.load(), at.sequence - 1);
        h.file_id = s.header.file_id;
        h.previous_crc = at.previous_crc;
        h.type = type;
        buffer_.clear();
        for (const auto body : bodies) {
            h.previous_crc = append_frame(buffer_, h, body, at.offset + buffer_.size());
            ++h.sequence;
        }
        words_->dirty = 1;
        if (auto done = fs_.write(s.file, at.offset, buffer_); !done) {
            cut(at.offset + buffer_.size());
            if (words_->poisoned.load() != 0)
                return fail(errc::outcome_unknown, done.error().operation, done.error().detail,
                            done.error().backend_code);
            words_->dirty = 0;
            return fail(done.error());
        }
        note(type, h.sequence - 1, h.durable_upto);
        reader_.skip(buffer_.size(), bodies.size(), h.previous_crc);
        publish(type == frame_type::transaction ? 1 : 0);
        words_->dirty = 0;
        return seen();
    }

    result<void> watermark()
    {
        if (words_->synced.load() < last_data_ || durable_seen_ >= last_data_) return {};
        if (reader_.position().offset + frame_header_bytes > reader_.current()->header.bytes) return {};
        const std::string_view none[1];
        if (auto done = append(frame_type::watermark, none, append_room::reserve); !done) return fail(done.error());
        return {};
    }

    // Goes on in a new segment with room for `bytes` of frames.
    result<void> roll(std::uint64_t bytes)
    {
        auto lead = sync_.lead();
        if (Guards::sync_before_roll && words_->synced.load() < seen().sequence)
            if (auto done = sync_.sync_written(); !done) return done;
        const auto number = reader_.position().segment + 1;
        words_->dirty = 1;
        const auto h = new_header(number, reader_.position().sequence,
                                  bytes_for(options_.sizes.next(reader_.current()->header.bytes), bytes));
        auto made = prepare_segment<Guards>(fs_, h, {});
        if (!made) {
            words_->dirty = 0;
            return fail(made.error());
        }
        if (auto done = publish_segment<Guards>(fs_, number); !done) return give_up_segment(done.error());
        words_->segment_crc = reader_.position().previous_crc;
        reader_.enter(std::move(*made));
        publish(0);
        words_->dirty = 0;
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
        h.bytes = bytes_for(std::min(saved->segment_bytes, options_.sizes.most), saved->bytes.size());
        auto made = prepare_segment<Guards>(fs_, h, saved->bytes);
        if (!made) return fail(made.error());
        if (auto done = publish_segment<Guards>(fs_, number + 1); !done) return done;
        words_->segment_crc = saved->crc_before;
        words_->segment = number + 1;
        words_->written = saved->last_sequence;
        words_->synced = saved->last_sequence;
        words_->writer = 0;
        words_->dirty = 0;
        words_->poisoned = 0;
        return {};
    }

    // What cannot be cut is left behind in its segment.
    void cut(std::uint64_t end)
    {
        auto lead = sync_.lead();
        if (!cut_tail<Guards>(fs_, *reader_.current(), reader_.position().offset, end)) sync_.poison();
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
    std::uint64_t writer_;
    group_sync<FileSystem, Gate, Guards> sync_;

    std::mutex mutex_;  // of all below
    log_reader<FileSystem, Guards> reader_;
    uid store_{};
    std::uint32_t generation_ = 0;
    std::uint64_t durable_seen_ = 0;  // the highest durable_upto of a frame
    std::uint64_t last_data_ = 0;     // the last frame that is no watermark
    std::string buffer_;
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
class log : detail::log_writer<FileSystem, Gate, Guards> {
    using base = detail::log_writer<FileSystem, Gate, Guards>;

public:
    // The right to append: held by one thread of one process at a time, until destroyed. Nothing else in the log may
    // be called by a thread that holds it, but sync().
    class turn {
    public:
        // Writes a frame for each body; each is atomic, and all of them are there or none when it returns.
        // What to sync() before it is acknowledged. errc::store_full: nothing changed. A body is at most
        // body_bytes_max.
        [[nodiscard]] result<log_ticket> append(std::span<const std::string_view> bodies,
                                                append_room room = append_room::normal)
        {
            return log_->append(frame_type::transaction, bodies, room);
        }
        // Says in the log how far it is durable, unless it says so already or has no room. Not waited for.
        [[nodiscard]] result<void> watermark() { return log_->watermark(); }

        // Everything that this log has read or written.
        [[nodiscard]] log_ticket seen() const noexcept { return log_->seen(); }
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

    log(const log&) = delete;
    log& operator=(const log&) = delete;

    // Waits in line for the lock, repairs what a dead writer, a power loss or a failed sync has left, and tells `sink`
    // what others have appended. errc::busy, errc::corrupt (damage: `sink` has heard all that comes before it),
    // errc::io.
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
        if (auto done = enter(sink); !done) return fail(done.error());
        return turn{*this, std::move(held), std::move(state)};
    }

    // Tells `sink` what others have appended, without the lock while nothing needs repair.
    template <log_sink Sink>
    [[nodiscard]] result<void> catch_up(Sink& sink)
    {
        {
            const std::scoped_lock state{mutex_};
            const auto done = read_published(sink);
            if (!done) return fail(done.error());
            if (*done) return {};
        }
        auto mine = take_turn(sink);
        if (!mine) return fail(mine.error());
        return {};
    }

    // Everything that this log has read or written.
    [[nodiscard]] log_ticket ticket()
    {
        const std::scoped_lock state{mutex_};
        return seen();
    }

    // Until what the ticket names is as durable as the mode promises. errc::outcome_unknown when a sync has failed.
    [[nodiscard]] result<void> sync(const log_ticket& ticket)
    {
        if (options_.mode == durability::none) return {};
        if (options_.mode == durability::full) return sync_.wait(ticket);
        if (auto done = sync_.sync_after(options_.interval); !done)
            return fail(errc::outcome_unknown, done.error().operation, done.error().detail, done.error().backend_code);
        return {};
    }

    // When there is nothing to do, and before the log goes: all durable, and the log says so.
    template <log_sink Sink>
    [[nodiscard]] result<void> settle_down(Sink& sink)
    {
        auto mine = take_turn(sink);
        if (!mine) return fail(mine.error());
        if (words_->synced.load() < seen().sequence && durable_seen_ < last_data_) {
            const auto lead = sync_.lead();
            if (auto done = sync_.sync_written(); !done) return fail(done.error());
        }
        return mine->watermark();
    }

private:
    log(FileSystem fs, Gate& gate, log_words& words, const log_options& options)
        : base{std::move(fs), gate, words, options}
    {
    }

    using base::append;
    using base::begin_crc;
    using base::create_first;
    using base::cut;
    using base::durable_seen_;
    using base::find_store;
    using base::fs_;
    using base::gate_;
    using base::generation_;
    using base::give_up_segment;
    using base::last_data_;
    using base::mutex_;
    using base::note;
    using base::options_;
    using base::page_valid;
    using base::publish;
    using base::reader_;
    using base::rescue_all;
    using base::seen;
    using base::store_;
    using base::sync_;
    using base::watermark;
    using base::words_;
    using base::writer_;

    // ── Reading ──

    template <class Sink>
    void tell(Sink& sink, const frame_view& frame)
    {
        note(frame.header.type, frame.header.sequence, frame.header.durable_upto);
        if (frame.header.type == frame_type::transaction) sink.frame(frame.header.sequence, frame.body);
    }
    // Reads up to sequence `last`, or to the end of the newest segment.
    template <class Sink>
    result<read_status> read(Sink& sink, std::uint64_t newest, std::uint64_t last)
    {
        reader_.set_newest(newest);
        reader_.refresh();
        frame_view frame;
        for (;;) {
            const auto rewound = reader_.rewound();
            if (!rewound) return fail(rewound.error());
            if (*rewound) {
                sink.restart();
                reader_ = log_reader<FileSystem, Guards>{fs_, options_.start, newest};
                durable_seen_ = last_data_ = 0;
                continue;
            }
            if (reader_.position().sequence > last) return read_status::frame;
            const auto got = reader_.next(frame);
            if (!got || *got == read_status::end) return got;
            tell(sink, frame);
        }
    }

    // Whether all that is published was read; false: the lock is needed to find out. While a failed sync is not made
    // good, what was read keeps the old generation: it may be lost yet.
    template <class Sink>
    result<bool> read_published(Sink& sink)
    {
        const auto generation = words_->generation.load();
        if (!store_ && !find_store()) return false;  // it may have been created since
        if (!page_valid()) return false;
        const bool sound = words_->poisoned.load() == 0;
        const auto written = words_->written.load();
        const auto newest = words_->segment.load();
        if (generation == generation_ && written < reader_.position().sequence && newest == reader_.newest())
            return true;
        const auto got = read(sink, newest, written);
        if (!got || *got != read_status::frame) return false;
        if (words_->generation.load() != generation) return false;
        if (sound) generation_ = generation;
        return true;
    }

    // ── Taking a turn ──

    template <class Sink>
    result<void> enter(Sink& sink)
    {
        if (!store_)  // it may have been created since
            if (auto done = find_store(); !done) return done;
        if (!page_valid())
            if (auto done = make_page(sink); !done) return done;
        for (;;) {
            // Read first: what is appended under a generation that ends meanwhile is never acknowledged.
            generation_ = words_->generation.load();
            if (words_->poisoned.load() != 0) {
                if (auto done = rescue_all(); !done) return done;
            } else if (words_->dirty.load() != 0) {
                if (auto done = repair(sink); !done) return done;
            } else {
                break;
            }
        }
        const bool mine = reader_.current() != nullptr && words_->writer.load() == writer_ &&
                          words_->written.load() + 1 == reader_.position().sequence &&
                          words_->segment.load() == reader_.position().segment;
        if (mine) return {};
        const auto got = read(sink, words_->segment.load(), ~std::uint64_t{0});
        if (!got) return fail(got.error());
        publish(0);
        return {};
    }

    // Another boot, or the first time: only the files are known.
    template <class Sink>
    result<void> make_page(Sink& sink)
    {
        words_->invalidate();
        words_->poisoned = words_->syncing = words_->dirty = 0;
        words_->appends = words_->appends_synced = words_->batch = 0;
        auto newest = newest_segment(fs_);
        if (!newest) return fail(newest.error());
        if (*newest == 0) {
            if (auto done = create_first(); !done) return done;
            newest = std::uint64_t{1};
        }
        words_->segment = *newest;
        if (auto done = fs_.sync_directory(); !done) return done;
        if (auto done = read_and_cut(sink, *newest); !done) return done;
        const auto* current = reader_.current();
        words_->segment_crc = begin_crc();
        words_->synced = std::max({durable_seen_, current->header.first_sequence - 1, options_.durable_upto});
        store_ = current->header.store;
        words_->set_valid_for(options_.boot, store_);
        return {};
    }

    // A writer died while it changed the files.
    template <class Sink>
    result<void> repair(Sink& sink)
    {
        const auto newest = newest_segment(fs_);
        if (!newest) return fail(newest.error());
        if (*newest > words_->segment.load()) {
            auto lead = sync_.lead();
            if (auto done = fs_.sync_directory(); !done) return give_up_segment(done.error());
            const auto synced = open_segment(fs_, *newest);
            if (!synced) return fail(synced.error());
            words_->synced = std::max(words_->synced.load(), synced->header.first_sequence - 1);
        }
        if (auto done = read_and_cut(sink, *newest); !done) return done;
        words_->segment_crc = begin_crc();
        return {};
    }

    template <class Sink>
    result<void> read_and_cut(Sink& sink, std::uint64_t newest)
    {
        const auto got = read(sink, newest, ~std::uint64_t{0});
        if (!got) return fail(got.error());
        const auto found = reader_.inspect_end(options_.durable_upto);
        if (!found) return fail(found.error());
        words_->dirty = 1;
        if (found->kind == tail_kind::torn) cut(found->used_end);
        publish(0);
        words_->dirty = 0;
        return {};
    }
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
void cancel_takes_effect_on_release_expiry_and_free_worker(fixture<B>& f)
{
    for (const char* id : {"released", "expired", "freed"}) {
        f.put(id);
        const lease l = f.take();
        QUEUECTL_EQUAL(f, f.cancel(id), change_status::requested);
        if (*id == 'r') f.settle(f.released(l));
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
        QUEUECTL_ADD_CHECK(list, B, cancel_takes_effect_on_release_expiry_and_free_worker);
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
        r.record.state = state::failed;
        r.record.job.run_at = at;
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

struct inode {
    std::string cached;                // what programs read
    std::string stored;                // what a power loss leaves at least
    std::vector<file_change> pending;  // in the order they were made

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
            if (c.lost)
                left.push_back(std::move(c));
            else
                put(stored, c);
        }
        pending = std::move(left);
    }
    void lose()
    {
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
            if (c.lost)
                left.push_back(std::move(c));
            else
                put(stored, c);
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
        constexpr std::array<std::string_view, 8> words{"none", "all",       "first",   "without",
                                                        "only", "torn_byte", "sectors", "garbage"};
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
    const bool whole =
        plan.files == kind::all || ((plan.files == kind::first || plan.files == kind::torn_byte) && i < plan.index) ||
        (plan.files == kind::without && i != plan.index) || (plan.files == kind::only && i == plan.index);
    if (whole) return put(content, change);
    if (plan.files == kind::torn_byte && i == plan.index && !change.resize)
        return put(content, change.offset,
                   std::string_view{change.bytes}.substr(0, random.below(change.bytes.size() + 1)));
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
        return file{std::move(made), std::string{name}};
    }
    [[nodiscard]] result<file> open(std::string_view name)
    {
        if (const int e = enter_plain()) return failed("open ", name, e);
        const auto found = names().find(name);
        if (found == names().end()) return failed("open ", name, ENOENT);
        return file{found->second, std::string{name}};
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
        if (const int e = enter_sync(*f.inode)) return failed("sync ", f.name, e);
        f.inode->settle();
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
