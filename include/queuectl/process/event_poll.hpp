// Waiting for descriptors and for a call from elsewhere. Linux.
#ifndef QUEUECTL_PROCESS_EVENT_POLL_HPP
#define QUEUECTL_PROCESS_EVENT_POLL_HPP

#include <queuectl/process/posix.hpp>

#include <array>
#include <cstdint>

#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace queuectl::inline v0::process {

// An epoll set with a wake-up. One thread, except wake().
class event_poll {
public:
    static constexpr std::uint64_t wake_key = ~std::uint64_t{0};

    event_poll() noexcept
        : epoll_{above_standard(owned_fd{::epoll_create1(EPOLL_CLOEXEC)})},
          wake_{above_standard(owned_fd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)})}
    {
        if (!epoll_ || !wake_ || !add(wake_.get(), wake_key)) epoll_.reset();
    }

    // False: the set could not be made (out of descriptors or memory).
    [[nodiscard]] bool valid() const noexcept { return static_cast<bool>(epoll_); }

    // Reports `key` while the descriptor is readable or hung up.
    [[nodiscard]] bool add(int fd, std::uint64_t key) noexcept
    {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = key;
        return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
    }
    void remove(int fd) noexcept { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

    // Waits for at most `max` (rounded up to milliseconds) and calls f(key) for each ready descriptor. True when
    // wake() was called since the last time it was true. Signals end the wait early.
    template <class F>
    bool wait(duration max, F&& f)
    {
        const auto ms = std::chrono::ceil<std::chrono::milliseconds>(max).count();
        std::array<epoll_event, 64> events;
        const int timeout = ms < 0 ? 0 : ms > 1'000'000 ? 1'000'000 : static_cast<int>(ms);
        const int n = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout);
        bool woken = false;
        for (int i = 0; i < n; ++i) {
            const auto key = events[static_cast<std::size_t>(i)].data.u64;
            if (key != wake_key) {
                f(key);
                continue;
            }
            std::uint64_t count = 0;
            woken = ::read(wake_.get(), &count, sizeof count) > 0;
        }
        return woken;
    }

    // Any thread, any signal handler.
    void wake() noexcept
    {
        const int saved = errno;
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto n = ::write(wake_.get(), &one, sizeof one);
        errno = saved;
    }

private:
    owned_fd epoll_;
    owned_fd wake_;
};

}  // namespace queuectl::inline v0::process

#endif
