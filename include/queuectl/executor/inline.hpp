// Runs each job in the worker's own thread.
#ifndef QUEUECTL_EXECUTOR_INLINE_HPP
#define QUEUECTL_EXECUTOR_INLINE_HPP

#include <queuectl/detail/event.hpp>
#include <queuectl/detail/run_handler.hpp>
#include <queuectl/fwd.hpp>

#include <utility>
#include <vector>

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
