// The setting `jitter`: a retry waits a random part of its delay.
#ifndef QUEUECTL_COMMAND_JITTER_HPP
#define QUEUECTL_COMMAND_JITTER_HPP

#include <queuectl/backoff/exponential.hpp>
#include <queuectl/backoff/jittered.hpp>
#include <queuectl/executor.hpp>
#include <queuectl/random.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace queuectl::command {

// An executor that, with `on`, gives each failed run its retry's delay: uniform over [0, base^n], where the job's own
// base would have made it base^n. Without, it is the executor it wraps.
template <class Executor>
class with_jitter {
public:
    with_jitter(Executor e, bool on) : inner_{std::move(e)}, on_{on} {}

    [[nodiscard]] std::size_t capacity() const { return inner_.capacity(); }
    [[nodiscard]] result<void> start(const lease& l, const instant& now)
    {
        auto started = inner_.start(l, now);
        if (started && on_) held_.push_back(&l);
        return started;
    }
    void collect(std::vector<finished_run>& out, duration max)
    {
        const std::size_t before = out.size();
        inner_.collect(out, max);
        if (on_)
            for (std::size_t i = before; i < out.size(); ++i) draw(out[i]);
    }
    void stop(lease_token token, stop_reason reason) { inner_.stop(token, reason); }
    void wake() noexcept { inner_.wake(); }

private:
    void draw(finished_run& run)
    {
        const auto at = std::find_if(held_.begin(), held_.end(), [&](const lease* l) { return l->token == run.token; });
        if (at == held_.end()) return;
        const lease& l = **at;
        const auto status = run.what.report.status;
        const bool failed = status == run_status::failed || status == run_status::timed_out;
        if (failed && !run.what.released && !run.what.retry_after)
            run.what.retry_after = jittered{exponential{l.job.backoff_base}}(l.attempts + 1, random_());
        held_.erase(at);
    }

    Executor inner_;
    bool on_;
    random_source random_{};
    std::vector<const lease*> held_;  // of the runs that have not ended
};

}  // namespace queuectl::command

#endif
