// A flag that a thread can wait for.
#ifndef QUEUECTL_DETAIL_EVENT_HPP
#define QUEUECTL_DETAIL_EVENT_HPP

#include <queuectl/time.hpp>

#include <atomic>

// Which implementation: 1 a POSIX semaphore, 2 a condition variable, 0 none.
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 30)
#define QUEUECTL_DETAIL_EVENT 1
#include <cerrno>
#include <ctime>
#include <semaphore.h>
#elif QUEUECTL_HAS_THREADS
#define QUEUECTL_DETAIL_EVENT 2
#include <condition_variable>
#include <mutex>
#else
#define QUEUECTL_DETAIL_EVENT 0
#endif

namespace queuectl::inline v0::detail {

// set() from any thread; with glibc also from a signal handler. wait_for() from one thread; it returns at once
// when the event is set, and clears it. What was written before set() is seen after a wait that it ended.
// Without threads and without glibc nothing can set it during a wait, and waits return at once. Moved from and to only
// while no other thread knows it; a moved event is not set.
class event {
public:
    event() = default;
    event(event&&) noexcept {}
    event& operator=(event&&) noexcept
    {
        clear();
        return *this;
    }

    void set() noexcept
    {
        if (!set_.exchange(true, std::memory_order_acq_rel)) signal();
    }
    void clear() noexcept { static_cast<void>(wait_for(duration{0})); }

    // Whether it was set.
    bool wait_for(duration max) noexcept
    {
        if (!await(max)) return false;
        return set_.exchange(false, std::memory_order_acq_rel);
    }

private:
    std::atomic<bool> set_{false};

#if QUEUECTL_DETAIL_EVENT == 0
    void signal() noexcept {}
    bool await(duration) noexcept { return set_.load(std::memory_order_relaxed); }
#elif QUEUECTL_DETAIL_EVENT == 1
    // One token exactly while set_: set() posts it on the way up, the waiter takes it before going down.
    struct semaphore {
        sem_t handle;
        semaphore() noexcept { sem_init(&handle, 0, 0); }
        ~semaphore() { sem_destroy(&handle); }
        semaphore(const semaphore&) = delete;
        semaphore& operator=(const semaphore&) = delete;
    } tokens_;

    void signal() noexcept { sem_post(&tokens_.handle); }
    bool await(duration max) noexcept
    {
        if (sem_trywait(&tokens_.handle) == 0) return true;
        if (max <= duration{0}) return false;
        timespec until{};
        clock_gettime(CLOCK_MONOTONIC, &until);
        const auto at = queuectl::saturate(max) + std::chrono::seconds{until.tv_sec} +
                        std::chrono::microseconds{until.tv_nsec / 1000 + 1};
        until.tv_sec = static_cast<std::time_t>(at.count() / 1'000'000);
        until.tv_nsec = static_cast<long>(at.count() % 1'000'000 * 1000);
        int failed = 0;
        while ((failed = sem_clockwait(&tokens_.handle, CLOCK_MONOTONIC, &until)) != 0 && errno == EINTR) {}
        return failed == 0;
    }
#else
    std::mutex mutex_{};
    std::condition_variable ready_{};

    void signal() noexcept
    {
        const std::lock_guard lock{mutex_};
        ready_.notify_one();
    }
    bool await(duration max) noexcept
    {
        std::unique_lock lock{mutex_};
        constexpr duration longest = std::chrono::hours{24};
        return ready_.wait_for(lock, max < longest ? max : longest, [this] { return set_.load(); });
    }
#endif
};

}  // namespace queuectl::inline v0::detail

#endif
