// The supervisor: stands over worker processes, restarts them, and cleans up after those that die. Linux.
#ifndef QUEUECTL_SUPERVISOR_HPP
#define QUEUECTL_SUPERVISOR_HPP

#include <queuectl/process/exec_plan.hpp>
#include <queuectl/process/exit_text.hpp>
#include <queuectl/process/orphans.hpp>
#include <queuectl/process/restart_policy.hpp>
#include <queuectl/process/spawn.hpp>
#include <queuectl/result.hpp>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace queuectl::inline v0 {

struct supervisor_options {
    std::vector<std::string> argv{};                     // of a worker; argv[0] is the path of its program
    std::vector<std::string> env{};                      // NAME=VALUE; empty = this process's
    std::size_t count = 1;                               // workers
    std::string run_mark{};                              // of this supervisor: unique on the machine; must not be empty
    duration patience = std::chrono::milliseconds{900};  // for the job trees of a dead worker to end
    int release_signal = SIGTERM;                        // what the second stop sends; see process::stop_signals
    duration tick = std::chrono::milliseconds{500};      // how often on_tick is called, where there is one
};

struct worker_death {
    std::size_t index = 0;  // 0 … count − 1
    pid_t pid = 0;
    std::string mark;   // QUEUECTL_WORKER_MARK of that process
    std::string cause;  // "worker killed by signal 9 (SIGKILL)"
};

// Keeps `count` worker processes running. Each gets QUEUECTL_WORKER_MARK, unique to that process ("<run_mark>.<n>"), in
// its environment; it is to be the run_mark of its process_executor. Each has its own session, so that a terminal's
// signals reach only the supervisor, and gets TERM when the supervisor dies.
//
// A worker that ends with 0 is done; with 64 or more, it says that no other could do better: the others are asked to
// finish and run() returns that code. All else is a death: its job trees are killed first, then on_death(worker_death)
// is called, to free its leases, then it is started again (process/restart_policy.hpp).
//
// TERM, INT or HUP: the first asks the workers to finish (TERM), the second to stop (release_signal: where it is TERM
// again, two in quick succession may look like one), the third kills them. USR1 does what the first does, USR2 what the
// second does, however often they come.
//
// run() takes over the process: its children (all of them; it is a child subreaper meanwhile) and the signals TERM,
// INT, HUP, USR1, USR2, CHLD and PIPE. Call it from the only thread, with no store open.
class supervisor {
public:
    explicit supervisor(supervisor_options options) : options_{std::move(options)} {}

    // Returns when every worker has ended: 0, the code of a worker that gave up, or 1 when workers had to be killed. An
    // error when no worker could be started at all.
    template <class OnDeath>
    result<int> run(OnDeath&& on_death)
    {
        options_.tick = std::chrono::hours{1};
        return run(on_death, [] {});
    }
    // The same; on_tick() is called every `tick` besides, for what a supervisor does for its peers.
    template <class OnDeath, class OnTick>
    result<int> run(OnDeath&& on_death, OnTick&& on_tick)
    {
        QUEUECTL_ASSERT(!options_.argv.empty() && !options_.run_mark.empty());
        const takeover guard;
        oom_kills_ = out_of_memory_kills();
        workers_.assign(options_.count, worker{});
        while (!all_done()) {
            start_due(process::monotonic_now());
            if (start_error_ != 0 && !ever_started_)
                return fail(errc::spawn_failed, "start " + options_.argv.front(), std::strerror(start_error_),
                            start_error_);
            wait_signal(guard.signals);
            reap_all(on_death);
            if (const auto now = process::monotonic_now(); now >= next_tick_) {
                next_tick_ = add(now, options_.tick);
                on_tick();
            }
        }
        return code_;
    }

private:
    struct worker {
        pid_t pid = 0;  // 0 = not running
        bool done = false;
        std::string mark{};
        duration start_at{};
        process::restart_policy policy{};
    };

    // The signals blocked, default dispositions, child subreaper; all as before at the end.
    struct takeover {
        sigset_t signals{};
        sigset_t mask_before{};
        struct sigaction child_before {};
        struct sigaction pipe_before {};
        int reaper_before = 0;

        takeover() noexcept
        {
            ::sigemptyset(&signals);
            for (const int s : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD}) ::sigaddset(&signals, s);
            ::sigprocmask(SIG_BLOCK, &signals, &mask_before);
            struct sigaction action {};
            action.sa_handler = SIG_DFL;
            ::sigaction(SIGCHLD, &action, &child_before);
            action.sa_handler = SIG_IGN;
            ::sigaction(SIGPIPE, &action, &pipe_before);
            ::prctl(PR_GET_CHILD_SUBREAPER, &reaper_before, 0, 0, 0);
            ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
        }
        takeover(const takeover&) = delete;
        takeover& operator=(const takeover&) = delete;
        ~takeover()
        {
            ::prctl(PR_SET_CHILD_SUBREAPER, reaper_before, 0, 0, 0);
            ::sigaction(SIGPIPE, &pipe_before, nullptr);
            ::sigaction(SIGCHLD, &child_before, nullptr);
            ::sigprocmask(SIG_SETMASK, &mask_before, nullptr);
        }
    };

    // Processes that the kernel ended for want of memory, since boot (proc_vmstat(5)).
    [[nodiscard]] static long long out_of_memory_kills()
    {
        std::string text;
        if (!process::read_file("/proc/vmstat", text, 64u << 10)) return 0;
        const auto at = text.find("oom_kill ");
        return at == std::string::npos ? 0 : std::strtoll(text.c_str() + at + 9, nullptr, 10);
    }

    [[nodiscard]] bool all_done() const noexcept
    {
        return std::all_of(workers_.begin(), workers_.end(), [](const worker& w) { return w.done; });
    }

    void start_due(duration now)
    {
        for (auto& w : workers_)
            if (!w.done && w.pid == 0 && w.start_at <= now) start(w, now);
    }

    void start(worker& w, duration now)
    {
        w.mark = options_.run_mark + '.' + std::to_string(++serial_);
        words_.clear();
        for (const auto& word : options_.argv) words_.add(word);
        variables_.clear();
        variables_.add("QUEUECTL_WORKER_MARK=", w.mark);
        if (options_.env.empty()) {
            for (char** entry = ::environ; *entry != nullptr; ++entry) add_variable(*entry);
        } else {
            for (const auto& entry : options_.env) add_variable(entry);
        }
        process::spawn_request request;
        request.path = options_.argv.front().c_str();
        request.argv = words_.pointers();
        request.envp = variables_.pointers();
        request.death_signal = SIGTERM;
        request.new_session = true;
        const auto child = spawner_.spawn(request);
        if (child.pid > 0 && child.error != 0) process::reap(child.pid);
        if (child.error != 0) {
            start_error_ = child.error;
            w.start_at = add(now, std::max(w.policy.on_death(now), duration{std::chrono::milliseconds{100}}));
            return;
        }
        ever_started_ = true;
        w.pid = child.pid;
    }

    void add_variable(std::string_view entry)
    {
        if (!entry.starts_with("QUEUECTL_WORKER_MARK=")) variables_.add(entry);
    }

    // Waits for a stop request, a child's end or the next start.
    void wait_signal(const sigset_t& signals)
    {
        const auto now = process::monotonic_now();
        auto next = std::max(next_tick_ - now, duration::zero());
        for (const auto& w : workers_)
            if (!w.done && w.pid == 0) next = std::min(next, std::max(w.start_at - now, duration::zero()));
        const timespec limit{static_cast<time_t>(next.count() / 1'000'000),
                             static_cast<long>(next.count() % 1'000'000) * 1000};
        const int signal = ::sigtimedwait(&signals, nullptr, &limit);
        if (signal == SIGTERM || signal == SIGINT || signal == SIGHUP) stop();
        if (signal == SIGUSR1 && stops_ < 1) stop();
        while (signal == SIGUSR2 && stops_ < 2) stop();
    }

    void stop()
    {
        ++stops_;
        if (stops_ == 3) code_ = 1;
        for (auto& w : workers_) {
            if (w.pid == 0)
                w.done = true;
            else
                ::kill(w.pid, stops_ == 1 ? SIGTERM : stops_ == 2 ? options_.release_signal : SIGKILL);
        }
    }

    // Every child that has ended: workers, and orphans that came to us.
    template <class OnDeath>
    void reap_all(OnDeath& on_death)
    {
        int status = 0;
        for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;)
            for (std::size_t i = 0; i < workers_.size(); ++i)
                if (workers_[i].pid == pid) on_end(i, status, on_death);
    }

    template <class OnDeath>
    void on_end(std::size_t index, int status, OnDeath& on_death)
    {
        auto& w = workers_[index];
        const worker_death death{index, std::exchange(w.pid, 0), w.mark, cause_of(status)};
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
            w.done = true;
            return;
        }
        end_trees(w.mark);
        on_death(death);
        const auto now = process::monotonic_now();
        w.start_at = add(now, w.policy.on_death(now));
        w.done = stops_ > 0;
        if (WIFEXITED(status) && WEXITSTATUS(status) >= 64) {
            code_ = code_ == 0 ? WEXITSTATUS(status) : code_;
            if (stops_ == 0) stop();
            w.done = true;
        }
    }

    [[nodiscard]] std::string cause_of(int status)
    {
        const auto kills = out_of_memory_kills();
        const bool out_of_memory = kills > oom_kills_ && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        oom_kills_ = kills;
        return "worker " + (WIFSIGNALED(status) ? "" : std::string{"ended with "}) + process::exit_text(status) +
               (out_of_memory ? ", out of memory" : "");
    }

    void end_trees(const std::string& mark)
    {
        const auto is_worker = [&](pid_t pid) {
            return std::any_of(workers_.begin(), workers_.end(), [&](const worker& w) { return w.pid == pid; });
        };
        process::end_marked_and_adopted(mark, options_.patience, is_worker);
    }

    supervisor_options options_;
    std::vector<worker> workers_;
    process::spawner spawner_;
    process::string_block words_;
    process::string_block variables_;
    std::uint64_t serial_ = 0;
    long long oom_kills_ = 0;
    int stops_ = 0;
    duration next_tick_{};
    int code_ = 0;
    int start_error_ = 0;
    bool ever_started_ = false;
};

}  // namespace queuectl::inline v0

#endif
