// What a handler knows of its run beside the job.
#ifndef QUEUECTL_CONTEXT_HPP
#define QUEUECTL_CONTEXT_HPP

#include <queuectl/executor.hpp>
#include <queuectl/time.hpp>

#include <atomic>
#include <cstdint>
#include <optional>

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
