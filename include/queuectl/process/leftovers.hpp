// Processes that a run left behind outside its session and group: found by their mark. Linux.
#ifndef QUEUECTL_PROCESS_LEFTOVERS_HPP
#define QUEUECTL_PROCESS_LEFTOVERS_HPP

#include <queuectl/process/process_list.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <dirent.h>
#include <sys/wait.h>

namespace queuectl::inline v0::process {

// Appends the children of this process, whichever thread they belong to; false where the kernel does not list them.
[[nodiscard]] inline bool list_children(std::vector<pid_t>& out)
{
    DIR* const directory = ::opendir("/proc/self/task");
    if (directory == nullptr) return false;
    bool listed = false;
    std::string text;
    while (const dirent* const task = ::readdir(directory)) {
        if (task->d_name[0] == '.') continue;
        const auto path = std::string{"/proc/self/task/"} + task->d_name + "/children";
        if (!read_file(path.c_str(), text, 1u << 20)) continue;
        listed = true;
        const char* const end = text.data() + text.size();
        for (const char* at = text.data(); at < end;) {
            pid_t pid = 0;
            const auto parsed = std::from_chars(at, end, pid);
            if (parsed.ec == std::errc{} && pid > 0) out.push_back(pid);
            at = std::max(parsed.ptr, at) + 1;
        }
    }
    ::closedir(directory);
    return listed;
}

// The run's number in a mark "<prefix>.<number>", or 0.
[[nodiscard]] inline std::uint32_t run_number(std::string_view mark, std::string_view prefix) noexcept
{
    if (mark.size() <= prefix.size() + 1 || !mark.starts_with(prefix) || mark[prefix.size()] != '.') return 0;
    std::uint32_t number = 0;
    const auto* const end = mark.data() + mark.size();
    return std::from_chars(mark.data() + prefix.size() + 1, end, number).ptr == end ? number : 0;
}

// Looks now and then for processes that belong to no running job.
//
// As `owner` of all children of this process, a child subreaper: looks at its children that started no run, which are
// what jobs left. It reaps the dead and kills those without a mark as soon as no run is active that was when they were
// first seen. Otherwise: looks at every process younger than this object, and never reaps.
class leftover_finder {
public:
    leftover_finder(std::string run_mark, bool owner) : run_mark_{std::move(run_mark)}, owner_{owner}
    {
        process_entry self;
        std::string scratch;
        if (read_process(::getpid(), self, scratch)) self_start_ = self.start;
    }

    // When to look after a run ended at `now`.
    [[nodiscard]] duration after_exit(duration now) const noexcept { return add(now, owner_ ? owner_delay_ : delay_); }

    // Appends the numbers of ended runs that have left living processes. `active(number)` tells whether a run's leader
    // lives, `leader(pid)` whether a child is one; `oldest` and `newest` are the lowest active and the highest number
    // yet. True: something without a mark is left, look again.
    template <class Active, class Leader>
    bool look(const Active& active, const Leader& leader, std::uint32_t oldest, std::uint32_t newest,
              std::vector<std::uint32_t>& found)
    {
        const auto begun = monotonic_now();
        candidates_.clear();
        if (!owner_ || !list_children(candidates_)) list_young();
        bool again = false;
        for (const auto pid : candidates_) {
            if (leader(pid) || (owner_ && ::waitpid(pid, nullptr, WNOHANG) == pid)) continue;
            read_environment(pid, scratch_);
            const auto number = run_number(mark_in(scratch_), run_mark_);
            if (number != 0 && active(number)) continue;
            if (number != 0)
                found.push_back(number);
            else if (owner_)
                again = end_unmarked(pid, oldest, newest) || again;
        }
        forget_gone();
        delay_ = std::max(duration{std::chrono::milliseconds{500}}, (monotonic_now() - begun) * 50);
        return again;
    }

private:
    struct stranger {
        pid_t pid;
        std::uint32_t newest;  // the highest number of a run that may have left it
        bool seen;
    };

    void list_young()
    {
        std::vector<process_entry> all;
        list_processes(all);
        for (const auto& p : all)
            if (owner_ ? p.parent == ::getpid() : p.start >= self_start_ && p.pid != ::getpid() && p.alive())
                candidates_.push_back(p.pid);
    }

    bool end_unmarked(pid_t pid, std::uint32_t oldest, std::uint32_t newest)
    {
        auto known =
            std::find_if(strangers_.begin(), strangers_.end(), [&](const stranger& s) { return s.pid == pid; });
        if (known == strangers_.end()) known = strangers_.insert(known, {pid, newest, true});
        known->seen = true;
        if (oldest > known->newest) ::kill(pid, SIGKILL);  // our own unreaped child: the pid is pinned
        return true;
    }

    void forget_gone()
    {
        const auto gone = [](const stranger& s) { return !s.seen; };
        strangers_.erase(std::remove_if(strangers_.begin(), strangers_.end(), gone), strangers_.end());
        for (auto& s : strangers_) s.seen = false;
    }

    std::string run_mark_;
    bool owner_;
    std::uint64_t self_start_ = 0;
    duration owner_delay_ = std::chrono::milliseconds{50};
    duration delay_ = std::chrono::milliseconds{500};
    std::vector<pid_t> candidates_;
    std::vector<stranger> strangers_;
    std::string scratch_;
};

}  // namespace queuectl::inline v0::process

#endif
