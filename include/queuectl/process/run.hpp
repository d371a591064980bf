// One run of a job as process_executor keeps it, from its start to its report.
#ifndef QUEUECTL_PROCESS_RUN_HPP
#define QUEUECTL_PROCESS_RUN_HPP

#include <queuectl/executor.hpp>
#include <queuectl/process/exit_text.hpp>
#include <queuectl/process/live_output.hpp>
#include <queuectl/process/output_buffer.hpp>
#include <queuectl/process/process_tree.hpp>
#include <queuectl/process/posix.hpp>

#include <algorithm>
#include <optional>
#include <span>
#include <string>

#include <sys/wait.h>

namespace queuectl::inline v0::process {

inline constexpr duration never = duration_max;

// Times are of CLOCK_MONOTONIC; `never` = not awaited.
struct run {
    lease_token token{};
    tree_identity tree;
    owned_fd pidfd;
    owned_fd output;           // the read end of its pipe; none once it was closed
    std::uint32_t serial = 0;  // the run's number, last in its mark; 0 = this place is free
    bool watched = false;      // the pipe is in the poll set
    bool reported = false;     // only what its leader left behind is still being ended
    bool exited = false;       // the leader was reaped: `status` is its wait status, −1 = unknown
    bool killing = false;      // TERM was not enough, or too much
    int status = -1;
    bool live_due = false;  // it has run for so long that its output is shown as it comes
    output_buffer buffer;
    live_output live;
    timestamp started_at{};
    duration begun{};
    duration ended{};
    duration timeout{};
    std::optional<stop_reason> stopping{};
    duration live_at = never;   // when live_due
    duration watch_at = never;  // when to watch the pipe, if it still runs
    duration timeout_at = never;
    duration kill_at = never;  // when TERM turns into KILL
    duration look_at = never;  // when to look whether the tree has ended
    duration look_wait = std::chrono::milliseconds{5};
    duration give_up_at = never;  // when not to wait any more for what no signal can end

    [[nodiscard]] duration next_timer() const noexcept
    {
        return std::min({live_at, watch_at, timeout_at, kill_at, look_at, give_up_at});
    }
};

// Reads what is in the pipe now into the buffer, about `bytes_max` at most. False when nothing more can come.
[[nodiscard]] inline bool drain(run& r, std::span<char> scratch, std::size_t bytes_max)
{
    for (std::size_t total = 0; r.output && total < bytes_max;) {
        const auto n = ::read(r.output.get(), scratch.data(), scratch.size());
        if (n == 0) return false;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK;
        const auto bytes = static_cast<std::size_t>(n);
        r.buffer.append({scratch.data(), bytes});
        if (r.live_due) r.live.append({scratch.data(), bytes});
        total += bytes;
        if (bytes < scratch.size()) return true;
    }
    return static_cast<bool>(r.output);
}

// Exit code and signal of a report, from a wait status.
inline void set_exit(attempt& report, int status)
{
    if (status == -1) return;
    report.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    report.exit_code = report.signal != 0 ? 128 + report.signal : WEXITSTATUS(status);
}

// Why a run that was not stopped failed: its exit, and the last line that it wrote. Empty when it succeeded.
[[nodiscard]] inline std::string failure_text(const run& r, const run_output& output)
{
    if (r.status == 0) return {};
    auto text = r.status == -1 ? std::string{"exit status lost (SIGCHLD is ignored)"} : exit_text(r.status);
    const auto line = last_line(output, 200);
    return line.empty() ? text : text + ": " + line;
}

// What a run that has ended reports.
[[nodiscard]] inline outcome make_outcome(run& r)
{
    outcome what;
    auto& report = what.report;
    report.started_at = r.started_at;
    report.ended_at = add(r.started_at, r.ended - r.begun);
    report.output_bytes = r.buffer.total_bytes();
    report.output = r.buffer.take();
    set_exit(report, r.status);
    if (!r.stopping) {
        report.status = r.status == 0 ? run_status::succeeded : run_status::failed;
        report.error = failure_text(r, report.output);
        return what;
    }
    switch (*r.stopping) {
        case stop_reason::timed_out:
            report.status = run_status::timed_out;
            report.error = "timed out after " + duration_text(r.timeout);
            break;
        case stop_reason::cancelled:
            report.status = run_status::cancelled;
            report.error = "cancelled";
            break;
        case stop_reason::shutdown:
        case stop_reason::lease_lost:
            report.status = run_status::cancelled;
            what.released = true;
            report.error = *r.stopping == stop_reason::shutdown ? "stopped with its worker" : "lease lost";
            break;
    }
    return what;
}

}  // namespace queuectl::inline v0::process

#endif
