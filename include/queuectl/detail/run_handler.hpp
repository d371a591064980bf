// One call of a handler, turned into the outcome of a run.
#ifndef QUEUECTL_DETAIL_RUN_HANDLER_HPP
#define QUEUECTL_DETAIL_RUN_HANDLER_HPP

#include <queuectl/handler.hpp>
#include <queuectl/limits.hpp>

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
