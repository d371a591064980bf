// How a worker's run is ended from outside.
#ifndef QUEUECTL_STOP_HPP
#define QUEUECTL_STOP_HPP

#include <queuectl/config.hpp>

#include <atomic>
#include <cstdint>

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
