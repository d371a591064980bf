// Stop signals of a worker process, turned into a count and a call.
#ifndef QUEUECTL_PROCESS_SIGNALS_HPP
#define QUEUECTL_PROCESS_SIGNALS_HPP

#include <queuectl/config.hpp>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>

#include <unistd.h>

namespace queuectl::inline v0::process {

namespace detail {
struct stop_signal_state {
    std::atomic<int> requests{0};
    std::atomic<void (*)(void*)> wake{nullptr};
    std::atomic<void*> context{nullptr};
    std::atomic<pid_t> parent{0};
    std::atomic<bool> orphaned{false};
};
inline stop_signal_state stop_signals_of_process;
}  // namespace detail

// While it lives, TERM, INT and HUP count as stop requests, however often they come USR1 stands for one and USR2 for
// two of them, and PIPE is ignored. `wake(context)` is called at each from the signal handler, so it must be
// async-signal-safe, as executor.wake() is. One object at a time in a process.
//
// The first of TERM, INT and HUP after the parent has died, what the parent-death signal of a supervisor sends, stands
// for one request as USR1 does: the running jobs are finished, also when a stop was under way already.
class stop_signals {
public:
    explicit stop_signals(void (*wake)(void*) = nullptr, void* context = nullptr) noexcept
    {
        auto& s = detail::stop_signals_of_process;
        s.requests = 0;
        s.context = context;
        s.wake = wake;
        s.parent = ::getppid();
        s.orphaned = false;
        struct sigaction action {};
        action.sa_handler = &on_signal;
        action.sa_flags = SA_RESTART;
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            if (numbers[i] == SIGPIPE) action.sa_handler = SIG_IGN;
            ::sigaction(numbers[i], &action, &before_[i]);
        }
    }
    stop_signals(const stop_signals&) = delete;
    stop_signals& operator=(const stop_signals&) = delete;
    ~stop_signals()
    {
        for (std::size_t i = 0; i < numbers.size(); ++i) ::sigaction(numbers[i], &before_[i], nullptr);
        detail::stop_signals_of_process.wake = nullptr;
    }

    // How many there were: 1 = finish the current jobs, 2 = stop them and release their leases. Any thread.
    [[nodiscard]] int requests() const noexcept { return detail::stop_signals_of_process.requests; }

private:
    static constexpr std::array numbers{SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};

    static void on_signal(int signal)
    {
        const int saved = errno;
        auto& s = detail::stop_signals_of_process;
        const bool parent_death = ::getppid() != s.parent && !s.orphaned.exchange(true);
        const int least = signal == SIGUSR2 ? 2 : signal == SIGUSR1 || parent_death ? 1 : 0;
        if (least == 0)
            ++s.requests;
        else if (s.requests < least)
            s.requests = least;
        if (auto* const wake = s.wake.load(); wake != nullptr) wake(s.context);
        errno = saved;
    }

    std::array<struct sigaction, numbers.size()> before_{};
};

}  // namespace queuectl::inline v0::process

#endif
