// Time that a test moves: days of retries and schedules in microseconds, through the real code.
#ifndef QUEUECTL_TESTING_VIRTUAL_TIME_HPP
#define QUEUECTL_TESTING_VIRTUAL_TIME_HPP

#include <queuectl/detail/sync.hpp>
#include <queuectl/traits.hpp>

#include <memory>

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
