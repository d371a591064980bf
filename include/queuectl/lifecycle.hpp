// Policy as pure functions: what an outcome means for a job. No clock, no storage.
#ifndef QUEUECTL_LIFECYCLE_HPP
#define QUEUECTL_LIFECYCLE_HPP

#include <queuectl/backoff.hpp>
#include <queuectl/backoff/exponential.hpp>
#include <queuectl/executor.hpp>
#include <queuectl/lease.hpp>

#include <string>

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
