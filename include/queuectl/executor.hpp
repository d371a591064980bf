// The executor concept: what runs a claimed job.
#ifndef QUEUECTL_EXECUTOR_HPP
#define QUEUECTL_EXECUTOR_HPP

#include <queuectl/lease.hpp>
#include <queuectl/result.hpp>

#include <concepts>
#include <cstdint>
#include <vector>

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
