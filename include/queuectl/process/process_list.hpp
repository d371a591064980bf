// The processes of this machine as /proc tells of them, and signals that cannot hit a reused pid. Linux.
#ifndef QUEUECTL_PROCESS_PROCESS_LIST_HPP
#define QUEUECTL_PROCESS_PROCESS_LIST_HPP

#include <queuectl/process/posix.hpp>

#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <dirent.h>
#include <sys/syscall.h>

namespace queuectl::inline v0::process {

struct process_entry {
    pid_t pid = 0;
    pid_t parent = 0;
    pid_t group = 0;
    pid_t session = 0;
    char state = '?';         // as in ps: Z is a zombie
    std::uint64_t start = 0;  // clock ticks after boot: with the pid, the identity of a process
    std::string mark{};       // QUEUECTL_RUN of its environment, where it was asked for and may be read

    [[nodiscard]] bool alive() const noexcept { return state != 'Z' && state != 'X'; }
};

// The fields of /proc/PID/stat (proc(5)); false when they are not there. The name may hold any bytes, `)` included.
[[nodiscard]] inline bool parse_stat(std::string_view text, process_entry& entry) noexcept
{
    const auto close = text.rfind(')');
    if (close == std::string_view::npos || close + 2 >= text.size()) return false;
    entry.state = text[close + 2];
    const char* at = text.data() + close + 3;
    const char* const end = text.data() + text.size();
    long long value = 0;
    for (int field = 4; field <= 22; ++field) {
        while (at < end && *at == ' ') ++at;
        const auto parsed = std::from_chars(at, end, value);
        if (parsed.ec != std::errc{} && parsed.ec != std::errc::result_out_of_range) return false;
        at = parsed.ptr;
        if (field == 4) entry.parent = static_cast<pid_t>(value);
        if (field == 5) entry.group = static_cast<pid_t>(value);
        if (field == 6) entry.session = static_cast<pid_t>(value);
    }
    entry.start = static_cast<std::uint64_t>(value);
    return true;
}

[[nodiscard]] inline bool read_process(pid_t pid, process_entry& entry, std::string& scratch)
{
    char path[40];
    std::snprintf(path, sizeof path, "/proc/%ld/stat", static_cast<long>(pid));
    entry.pid = pid;
    return read_file(path, scratch, 4096) && parse_stat(scratch, entry);
}

// Appends every process that can be seen. Not a snapshot: some may come and go meanwhile.
inline void list_processes(std::vector<process_entry>& out)
{
    DIR* const directory = ::opendir("/proc");
    if (directory == nullptr) return;
    std::string scratch;
    while (const dirent* const file = ::readdir(directory)) {
        const std::string_view name{file->d_name};
        pid_t pid = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr != name.data() + name.size()) continue;
        process_entry entry;
        if (pid > 0 && read_process(pid, entry, scratch)) out.push_back(entry);
    }
    ::closedir(directory);
}

// The value of QUEUECTL_RUN in a process's environment; empty when there is none.
[[nodiscard]] inline std::string_view mark_in(std::string_view environment) noexcept
{
    constexpr std::string_view name = "QUEUECTL_RUN=";
    for (auto at = environment.find(name); at != std::string_view::npos; at = environment.find(name, at + 1)) {
        if (at > 0 && environment[at - 1] != '\0') continue;
        const auto value = environment.substr(at + name.size());
        return value.substr(0, value.find('\0'));
    }
    return {};
}

// `mark` is `wanted` itself, or begins with it and goes on after a '.': the mark of a part of it.
[[nodiscard]] inline bool is_part_of(std::string_view mark, std::string_view wanted) noexcept
{
    return !wanted.empty() && mark.starts_with(wanted) && (mark.size() == wanted.size() || mark[wanted.size()] == '.');
}

// The environment that a process was started with; empty when it may not be read.
inline void read_environment(pid_t pid, std::string& out)
{
    char path[40];
    std::snprintf(path, sizeof path, "/proc/%ld/environ", static_cast<long>(pid));
    if (!read_file(path, out, 4u << 20)) out.clear();
}

// The same with their marks: about 20 µs for each.
inline void list_marked_processes(std::vector<process_entry>& out)
{
    constexpr pid_t kernel_threads = 2;  // the parent of them all; they have no environment
    auto first = out.size();
    list_processes(out);
    std::string scratch;
    for (; first < out.size(); ++first) {
        auto& p = out[first];
        if (!p.alive() || p.pid == kernel_threads || p.parent == kernel_threads) continue;
        read_environment(p.pid, scratch);
        p.mark = mark_in(scratch);
    }
}

// Sends a signal to the process that was listed, not to another one that has got its pid since.
// True when it was sent.
inline bool signal_process(const process_entry& target, int signal)
{
    const owned_fd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, target.pid, 0))};
    if (!pidfd && errno != ENOSYS) return false;
    process_entry now;
    std::string scratch;
    if (!read_process(target.pid, now, scratch) || now.start != target.start) return false;
    if (!pidfd) return ::kill(target.pid, signal) == 0;
    return ::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0;
}

}  // namespace queuectl::inline v0::process

#endif
