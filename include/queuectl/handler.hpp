// How a handler is called, and what it may return.
#ifndef QUEUECTL_HANDLER_HPP
#define QUEUECTL_HANDLER_HPP

#include <queuectl/context.hpp>

#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

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
