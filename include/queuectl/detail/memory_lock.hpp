// One lock for short critical sections, and the change counters that waiters sleep on.
#ifndef QUEUECTL_DETAIL_MEMORY_LOCK_HPP
#define QUEUECTL_DETAIL_MEMORY_LOCK_HPP

#include <queuectl/facets.hpp>

#if QUEUECTL_HAS_THREADS
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#endif

namespace queuectl::inline v0::detail {

#if QUEUECTL_HAS_THREADS

// Free: one atomic exchange. Contended: spins, yields, then sleeps, so that a holder that was preempted runs. Unfair.
class memory_lock {
public:
    void lock() noexcept
    {
        if (held_.exchange(true, std::memory_order_acquire)) wait();
    }
    void unlock() noexcept { held_.store(false, std::memory_order_release); }

private:
    // Looks again after 1, 2, 4, … 64 pauses: meanwhile the holder may come back a few times, its data at hand, which
    // costs less than to pass everything to and fro with each call.
    void wait() noexcept
    {
        for (int turn = 0, pauses = 1;; ++turn) {
            if (turn < 32)
                for (int i = 0; i < pauses; ++i) pause();
            else if (turn < 160)
                std::this_thread::yield();
            else
                std::this_thread::sleep_for(std::chrono::microseconds{50});
            pauses = std::min(2 * pauses, 64);
            if (!held_.load(std::memory_order_relaxed) && !held_.exchange(true, std::memory_order_acquire)) return;
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
