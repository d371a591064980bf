// Waiting for changes: a thread with a connection of its own, subscribed to what every change publishes.
#ifndef QUEUECTL_REDIS_LISTENER_HPP
#define QUEUECTL_REDIS_LISTENER_HPP

#include <queuectl/redis/session.hpp>

#include <csignal>
#include <sys/eventfd.h>

namespace queuectl::inline v0::detail::redis {

// Any thread. The thread is started by the first wait and ended by the destructor. What others publish while nobody
// listens is made good by counting every new subscription as a change; what a silent connection swallows, by one every
// five seconds of waiting.
class listener {
public:
    explicit listener(session& s) : session_{s} {}
    listener(const listener&) = delete;
    listener& operator=(const listener&) = delete;
    ~listener()
    {
        if (!thread_.joinable()) return;
        if (home_.left()) {
            thread_.detach();  // it is the parent's
            return;
        }
        stop_ = true;
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto n = ::write(stop_fd_, &one, sizeof one);
        thread_.join();
        ::close(stop_fd_);
    }

    [[nodiscard]] change_counts changes() const noexcept { return {work_.load(), control_.load()}; }
    void touch_work() { touch(work_); }
    void touch_control() { touch(control_); }
    void interrupt()
    {
        const std::scoped_lock lock{mutex_};
        ++interrupts_;
        changed_.notify_all();
    }

    change_counts wait(change_counts seen, duration max)
    {
        constexpr duration fallback = std::chrono::seconds{5};
        std::unique_lock lock{mutex_};
        start();
        const auto interrupts = interrupts_;
        const auto told = [&] { return changes() != seen || interrupts_ != interrupts; };
        const auto until = std::chrono::steady_clock::now() + std::clamp(max, duration::zero(), fallback);
        if (!changed_.wait_until(lock, until, told) && max >= fallback) ++work_;
        return changes();
    }

private:
    void touch(std::atomic<std::uint32_t>& counter)
    {
        const std::scoped_lock lock{mutex_};
        ++counter;
        changed_.notify_all();
    }

    // Requires mutex_.
    void start()
    {
        if (thread_.joinable() || home_.left()) return;
        stop_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (stop_fd_ < 0) return;
        sigset_t all;
        sigset_t before;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        thread_ = std::thread{[this] { run(); }};
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }

    void run()
    {
        auto pause = std::chrono::milliseconds{20};
        while (!stop_) {
            if (auto w = subscribe()) {
                pause = std::chrono::milliseconds{20};
                touch(work_);
                touch(control_);
                listen(*w);
            }
            if (stop_) return;
            pollfd p{stop_fd_, POLLIN, 0};
            ::poll(&p, 1, static_cast<int>(pause.count()));
            pause = std::min(pause * 2, std::chrono::milliseconds{1000});
        }
    }

    [[nodiscard]] std::unique_ptr<wire> subscribe()
    {
        const auto limit = limit_in(std::chrono::seconds{2});
        auto made = session_.connect(limit);
        if (!made) return nullptr;
        if (!(*made)->write(command({"SUBSCRIBE", session_.channel()}), {}, limit)) return nullptr;
        const auto told = (*made)->read(limit);
        return told && !told->is_error() ? std::move(*made) : nullptr;
    }

    // Until the connection fails or the thread is to end.
    void listen(wire& w)
    {
        for (;;) {
            while (const auto told = w.read_received()) hear(*told);
            pollfd p[] = {{w.fd(), POLLIN, 0}, {stop_fd_, POLLIN, 0}};
            if (::poll(p, 2, -1) < 0 && errno != EINTR) return;
            if (stop_) return;
            if (p[0].revents == 0) continue;
            const auto told = w.read(limit_in(std::chrono::seconds{2}));
            if (!told) return;
            hear(*told);
        }
    }
    void hear(const reply& told)
    {
        const auto text = told.at(2);
        if (told.at(0) != "message" || text.size() != 17 || text.substr(0, 16) == session_.handle()) return;
        touch(text.back() == 'c' ? control_ : work_);
    }

    session& session_;
    const home_process home_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::atomic<std::uint32_t> work_{0};
    std::atomic<std::uint32_t> control_{0};
    std::uint64_t interrupts_ = 0;
    std::atomic<bool> stop_{false};
    int stop_fd_ = -1;
    std::thread thread_;
};

}  // namespace queuectl::inline v0::detail::redis

#endif
