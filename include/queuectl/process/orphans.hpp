// Ending what a dead worker left running. Linux.
#ifndef QUEUECTL_PROCESS_ORPHANS_HPP
#define QUEUECTL_PROCESS_ORPHANS_HPP

#include <queuectl/process/process_tree.hpp>

#include <string_view>

namespace queuectl::inline v0::process {

namespace detail {
// Calls kill(), which tells how many it found, until that is none or `patience` has passed; what it told last.
template <class Kill>
std::size_t kill_until_gone(duration patience, Kill&& kill)
{
    const auto until = add(monotonic_now(), patience);
    for (::useconds_t pause_us = 500;; pause_us = pause_us < 16'000 ? pause_us * 2 : pause_us) {
        const auto left = kill();
        if (left == 0 || monotonic_now() >= until) return left;
        ::usleep(pause_us);
    }
}
}  // namespace detail

// Kills every process whose QUEUECTL_RUN is `mark`, or begins with it and a dot, and their descendants, until none is
// left or `patience` has passed; never this process. Returns how many are left. Only for a mark whose owner is dead:
// nothing asks whether the jobs should go on. About 20 µs for each process of the machine when there is nothing to do.
inline std::size_t end_marked(std::string_view mark, duration patience)
{
    if (mark.empty()) return 0;
    const tree_identity tree{0, std::string{mark}};
    return detail::kill_until_gone(patience, [&] { return signal_tree(tree, SIGKILL); });
}

// The same, and with them the children of this process but those for which keep(pid) is true. For a process that
// owns all its children: a supervisor, which adopts what dead workers leave, marked or not.
template <class Keep>
std::size_t end_marked_and_adopted(std::string_view mark, duration patience, const Keep& keep)
{
    const tree_identity tree{0, std::string{mark}};
    std::vector<process_entry> all;
    return detail::kill_until_gone(patience, [&] {
        all.clear();
        list_marked_processes(all);
        std::vector<process_entry> members;
        find_tree(tree, all, members);
        for (const auto& p : all)
            if (p.parent == ::getpid() && p.alive() && !keep(p.pid)) members.push_back(p);
        signal_members(members, SIGKILL);
        return members.size();
    });
}

}  // namespace queuectl::inline v0::process

#endif
