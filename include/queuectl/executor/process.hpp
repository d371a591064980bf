// process_executor: runs each job as an operating-system process. Linux.
#ifndef QUEUECTL_EXECUTOR_PROCESS_HPP
#define QUEUECTL_EXECUTOR_PROCESS_HPP

#include <queuectl/executor.hpp>
#include <queuectl/process/event_poll.hpp>
#include <queuectl/process/launcher.hpp>
#include <queuectl/process/leftovers.hpp>
#include <queuectl/process/orphans.hpp>
#include <queuectl/process/run.hpp>
#include <queuectl/process/run_mark.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace queuectl::inline v0 {

struct process_options {
    std::size_t concurrency = 1;               // jobs at once
    duration grace = std::chrono::seconds{5};  // from TERM to KILL
    std::size_t head_bytes = 64u << 10;        // of each run's output, kept from its start
    std::size_t tail_bytes = 192u << 10;       // … and from its end
    std::string run_mark{};                    // QUEUECTL_RUN of the jobs begins with it; empty = a random one
    std::string store{};                       // QUEUECTL_STORE of the jobs; empty = not set
    std::string spool_dir{};  // output of long runs is shown here as it comes (live_output.hpp); empty = nowhere
    // Makes this process a child subreaper, and the executor the owner of all its children: those that it did not start
    // are what jobs left, and are ended. Only for a process that starts children in no other way.
    bool subreaper = false;
};

// Runs jobs as processes: payload of kind "argv" is the words, each ended by NUL, and never meets a shell; of any
// other kind it is a command text, executed directly where `sh -c` would do the same, else by /bin/sh -c. job.env is
// the environment (empty = this process's at construction), job.cwd the directory (empty = this process's).
//
// A run ends when its process ends, whoever still holds its output. Whatever it leaves behind is ended then: TERM,
// and KILL after a second. A timeout, cancel or shutdown ends the whole tree: TERM, KILL after `grace`; it is reported
// when the tree is gone. exit_code is the process's, 128 + n when signal n ended it, 127 when the program was not
// found, 126 when it or the directory could not be used. No process started, for want of something: errc::spawn_failed.
//
// The parent-death signal ends the leaders when the thread that called start() ends. One thread, except wake().
// Moves only while nothing runs. The destructor kills what runs.
template <class Spawner>
class basic_process_executor {
public:
    explicit basic_process_executor(process_options options = {})
        : options_{with_mark(std::move(options))}, finder_{options_.run_mark, options_.subreaper}, scratch_(64u << 10)
    {
        if (options_.subreaper) ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    }
    basic_process_executor(basic_process_executor&&) = default;
    basic_process_executor& operator=(basic_process_executor&&) = delete;
    ~basic_process_executor() { kill_all(); }

    [[nodiscard]] std::size_t capacity() const noexcept
    {
        const auto taken = active_ + done_.size();
        return taken < options_.concurrency ? options_.concurrency - taken : 0;
    }

    [[nodiscard]] result<void> start(const lease& l, const instant& now)
    {
        QUEUECTL_ASSERT(capacity() > 0);
        const auto operation = [&] { return "start " + l.job.id; };
        int pipe[2] = {-1, -1};
        if (!poll_.valid() || ::pipe2(pipe, O_CLOEXEC) != 0)
            return fail(errc::spawn_failed, operation(), std::strerror(errno), errno);
        owned_fd reader = process::above_standard(owned_fd{pipe[0]});
        const owned_fd writer = process::above_standard(owned_fd{pipe[1]});
        ::fcntl(reader.get(), F_SETFL, O_NONBLOCK);
        auto& r = free_place();
        done_.reserve(options_.concurrency);  // nothing is allocated once it runs
        auto mark = options_.run_mark + '.' + std::to_string(++serial_);
        auto child = launcher_.launch(l, options_.store, mark, writer.get());
        if (child.error != 0) return fail(errc::spawn_failed, operation(), std::strerror(child.error), child.error);
        if (child.pid < 0) return never_ran(l, now, child);
        r.token = l.token;
        r.serial = serial_;
        r.tree = {child.pid, std::move(mark)};
        r.pidfd = std::move(child.pidfd);
        r.output = std::move(reader);
        r.buffer = {options_.head_bytes, options_.tail_bytes};
        r.started_at = now.wall;
        r.begun = process::monotonic_now();
        r.timeout = l.job.timeout;
        r.watch_at = add(r.begun, watch_delay);
        if (!options_.spool_dir.empty()) show_later(r);
        if (options_.subreaper) sweep_at_ = std::min(sweep_at_, add(r.begun, sweep_interval));
        if (r.timeout > duration::zero()) r.timeout_at = add(r.begun, r.timeout);
        if (r.pidfd && !poll_.add(r.pidfd.get(), key_of(r))) r.pidfd.reset();
        ++active_;
        return {};
    }

    void collect(std::vector<finished_run>& out, duration max)
    {
        const auto until = add(process::monotonic_now(), max);
        for (bool woken = false;;) {
            const auto now = process::monotonic_now();
            const auto next = tick(now);
            const auto pause = !done_.empty() || woken ? duration::zero() : std::min(next, until) - now;
            woken = poll_.wait(pause, [&](std::uint64_t key) { on_event(key); }) || woken;
            if (!done_.empty() || woken || process::monotonic_now() >= until) break;
        }
        for (auto& finished : done_) out.push_back(std::move(finished));
        done_.clear();
    }

    void stop(lease_token token, stop_reason reason)
    {
        for (auto& r : runs_)
            if (r.serial != 0 && !r.reported && r.token == token) return stop_run(r, reason, process::monotonic_now());
    }

    void wake() noexcept { poll_.wake(); }

    // QUEUECTL_RUN of the jobs is this, a dot, and a number.
    [[nodiscard]] const std::string& run_mark() const noexcept { return options_.run_mark; }
    [[nodiscard]] Spawner& spawner() noexcept { return launcher_.spawner(); }

private:
    using run = process::run;
    // A run shorter than this costs no watching of its pipe, which holds what it writes.
    static constexpr duration watch_delay = std::chrono::milliseconds{2};
    static constexpr duration leftover_grace = std::chrono::seconds{1};
    static constexpr duration look_wait_max = std::chrono::milliseconds{100};
    static constexpr duration exit_poll = std::chrono::milliseconds{5};  // without pidfds
    static constexpr duration sweep_interval = std::chrono::seconds{1};
    static constexpr duration live_delay = std::chrono::milliseconds{200};
    static constexpr duration patience = std::chrono::seconds{5};  // after KILL
    static constexpr std::size_t pipe_bytes_max = 1u << 20;

    [[nodiscard]] static process_options with_mark(process_options options)
    {
        if (options.run_mark.empty()) options.run_mark = process::random_mark();
        return options;
    }

    // The job could not be executed: a run that failed at once, as a shell would tell it.
    [[nodiscard]] result<void> never_ran(const lease& l, const instant& now, process::launched& child)
    {
        finished_run finished{l.token, {}};
        auto& report = finished.what.report;
        report.started_at = report.ended_at = now.wall;
        report.exit_code = child.exit_code;
        report.error = std::move(child.reason);
        done_.push_back(std::move(finished));
        return {};
    }

    [[nodiscard]] run& free_place()
    {
        for (auto& r : runs_)
            if (r.serial == 0) return r;
        return runs_.emplace_back();
    }

    // What the poll set tells of a run: its serial number, place, and whether it is the pipe.
    [[nodiscard]] std::uint64_t key_of(const run& r, bool pipe = false) const noexcept
    {
        const auto place = static_cast<std::uint64_t>(&r - runs_.data());
        return (std::uint64_t{r.serial} << 32) | (place << 1) | (pipe ? 1 : 0);
    }

    void on_event(std::uint64_t key)
    {
        const auto place = static_cast<std::size_t>((key & 0xffff'ffff) >> 1);
        if (place >= runs_.size() || runs_[place].serial != key >> 32) return;
        auto& r = runs_[place];
        if ((key & 1) == 0) return on_exit(r);
        if (!process::drain(r, scratch_, pipe_bytes_max)) close_output(r);
    }

    void close_output(run& r)
    {
        if (r.watched) poll_.remove(r.output.get());
        r.watched = false;
        r.watch_at = process::never;
        r.output.reset();
    }

    // The leader may have ended: if so, it is reaped, and the run reported unless its tree has to be waited for.
    void on_exit(run& r)
    {
        int status = 0;
        const auto pid = process::retry_interrupted([&] { return ::waitpid(r.tree.leader, &status, WNOHANG); });
        if (pid == 0) return;
        r.status = pid > 0 ? status : -1;
        r.exited = true;
        r.ended = process::monotonic_now();
        r.timeout_at = r.live_at = process::never;
        sweep_at_ = std::min(sweep_at_, finder_.after_exit(r.ended));
        if (r.pidfd) poll_.remove(r.pidfd.get());
        r.pidfd.reset();
        if (!process::drain(r, scratch_, pipe_bytes_max)) close_output(r);
        const bool group_left = ::kill(-r.tree.leader, 0) == 0 || errno == EPERM;
        if (!group_left) r.tree.leader = 0;
        if (r.stopping) return void(r.look_at = r.ended);
        report(r);
        if (!group_left) return release(r);
        end_rest(r, r.ended);
    }

    void report(run& r)
    {
        if (r.output) close_output(r);
        r.live.remove();
        done_.push_back({r.token, process::make_outcome(r)});
        r.reported = true;
        --active_;
    }

    void release(run& r)
    {
        if (!r.reported) report(r);
        r = run{};
    }

    void stop_run(run& r, stop_reason reason, duration now)
    {
        if (reason != stop_reason::lease_lost && (r.stopping || has_ended(r))) return;
        r.stopping = reason;
        r.timeout_at = process::never;
        if (reason == stop_reason::lease_lost) return kill_run(r, now);
        signal_run(r, SIGTERM, now);
        r.kill_at = add(now, options_.grace);
    }

    // It ended by itself, and is about to be reported so.
    [[nodiscard]] static bool has_ended(const run& r) noexcept
    {
        siginfo_t info{};
        const auto pid = static_cast<id_t>(r.tree.leader);
        return r.exited || (::waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0);
    }

    // Each process of the tree gets the signal once: those of the leader's group at one stroke, then who left it.
    void signal_run(run& r, int signal, duration now)
    {
        const auto group = r.exited ? 0 : r.tree.leader;
        if (group > 0) ::kill(-group, signal);
        if (group > 0 && signal == SIGTERM) ::kill(-group, SIGCONT);
        auto& members = snapshot_.members_of(r.tree, now);
        const auto in_group = [&](const process::process_entry& p) { return group > 0 && p.group == group; };
        members.erase(std::remove_if(members.begin(), members.end(), in_group), members.end());
        process::signal_members(members, signal);
    }

    void kill_run(run& r, duration now)
    {
        r.killing = true;
        r.kill_at = process::never;
        r.give_up_at = add(now, patience);
        signal_run(r, SIGKILL, now);
    }

    // Lets every run do what is due at `now`; returns when the next is.
    duration tick(duration now)
    {
        if (sweep_at_ <= now) sweep(now);
        auto next = sweep_at_;
        for (auto& r : runs_) {
            if (r.serial == 0) continue;
            if (r.next_timer() <= now) on_timer(r, now);
            if (r.serial == 0) continue;
            next = std::min(next, r.next_timer());
            if (!r.pidfd && !r.exited) {
                on_exit(r);
                next = std::min(next, add(now, exit_poll));
            }
        }
        return next;
    }

    void on_timer(run& r, duration now)
    {
        if (r.live_at <= now) show(r);
        if (r.watch_at <= now) watch(r, now);
        if (r.timeout_at <= now) stop_run(r, stop_reason::timed_out, now);
        if (r.kill_at <= now) kill_run(r, now);
        if (r.look_at <= now) look(r, now);
        if (r.give_up_at <= now) r.exited ? release(r) : void(r.give_up_at = add(now, patience));
    }

    void watch(run& r, duration now)
    {
        r.watched = poll_.add(r.output.get(), key_of(r, true));
        r.watch_at = process::never;
        if (r.watched) return;
        if (!process::drain(r, scratch_, pipe_bytes_max)) return close_output(r);
        r.watch_at = add(now, watch_delay);
    }

    // The leader is gone: is the rest of the tree?
    void look(run& r, duration now)
    {
        const auto& left = snapshot_.members_of(r.tree, now);
        if (left.empty()) return release(r);
        const auto led = [&](const process::process_entry& p) {
            return p.session == r.tree.leader || p.group == r.tree.leader;
        };
        if (std::none_of(left.begin(), left.end(), led)) r.tree.leader = 0;  // its number may be another's soon
        if (r.killing) process::signal_members(left, SIGKILL);
        r.look_at = add(now, r.look_wait);
        r.look_wait = std::min(r.look_wait * 2, look_wait_max);
    }

    void show_later(run& r)
    {
        const auto bytes_max = 2 * (options_.head_bytes + options_.tail_bytes);
        r.live = {process::live_output_path(options_.spool_dir, r.token), bytes_max};
        r.live_at = add(r.begun, live_delay);
    }

    static void show(run& r)
    {
        r.live_at = process::never;
        r.live_due = true;
        r.buffer.visit([&](std::string_view bytes) { r.live.append(bytes); });
    }

    // Ends what ended runs left outside their sessions.
    void sweep(duration now)
    {
        const auto active = [&](std::uint32_t number) {
            return std::any_of(runs_.begin(), runs_.end(),
                               [&](const run& r) { return r.serial == number && !r.reported; });
        };
        const auto leader = [&](pid_t pid) {
            return std::any_of(runs_.begin(), runs_.end(),
                               [&](const run& r) { return r.serial != 0 && !r.exited && r.tree.leader == pid; });
        };
        auto oldest = serial_ + 1;
        for (const auto& r : runs_)
            if (r.serial != 0 && !r.reported) oldest = std::min(oldest, r.serial);
        found_.clear();
        const bool again = finder_.look(active, leader, oldest, serial_, found_);
        sweep_at_ = again || !found_.empty()            ? finder_.after_exit(now)
                    : options_.subreaper && active_ > 0 ? add(now, sweep_interval)
                                                        : process::never;
        for (const auto number : found_) end_leftover(number, now);
    }

    void end_leftover(std::uint32_t number, duration now)
    {
        for (const auto& r : runs_)
            if (r.serial == number) return;
        auto& r = free_place();
        r.serial = number;
        r.tree.mark = options_.run_mark + '.' + std::to_string(number);
        r.exited = r.reported = true;
        end_rest(r, now);
    }

    // TERM to what is left of a reported run's tree; KILL later.
    void end_rest(run& r, duration now)
    {
        signal_run(r, SIGTERM, now);
        r.look_at = add(now, r.look_wait);
        r.kill_at = add(now, leftover_grace);
    }

    void kill_all()
    {
        if (serial_ == 0 || options_.run_mark.empty()) return;  // nothing ran, or moved from
        const auto now = process::monotonic_now();
        for (auto& r : runs_)
            if (r.serial != 0) kill_run(r, now);
        for (auto& r : runs_)
            if (r.serial != 0 && !r.exited) process::reap(r.tree.leader);
        if (!options_.subreaper) {
            process::end_marked(options_.run_mark, patience);
            return;
        }
        process::end_marked_and_adopted(options_.run_mark, patience, [](pid_t) { return false; });
        while (::waitpid(-1, nullptr, WNOHANG) > 0) continue;
    }

    process_options options_;
    process::leftover_finder finder_;
    process::launcher<Spawner> launcher_;
    process::event_poll poll_;
    std::vector<run> runs_;  // a free place has serial 0
    std::vector<finished_run> done_;
    std::vector<char> scratch_;
    process::process_snapshot snapshot_;
    std::size_t active_ = 0;
    std::uint32_t serial_ = 0;  // of the newest run
    duration sweep_at_ = process::never;
    std::vector<std::uint32_t> found_;
};

using process_executor = basic_process_executor<process::spawner>;

}  // namespace queuectl::inline v0

#endif
