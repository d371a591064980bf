// All processes of one run, however far they went: its session, its group, their descendants, and whatever carries
// its mark. Linux.
#ifndef QUEUECTL_PROCESS_PROCESS_TREE_HPP
#define QUEUECTL_PROCESS_PROCESS_TREE_HPP

#include <queuectl/process/process_list.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace queuectl::inline v0::process
{

// Which processes belong to a run. `leader` led its session and group (0: there was none); `mark` is the value of
// QUEUECTL_RUN (empty: there was none).
struct tree_identity {
    pid_t leader = 0;
    std::string mark;
};

// Appends the living processes of `all` that belong to the run, except this process. Reads the environment of those
// that do not belong by their session, group or ancestors, so that it costs about 20 µs a process of the machine.
inline void find_tree(const tree_identity& tree, const std::vector<process_entry>& all,
                      std::vector<process_entry>& members)
{
    std::vector<char> inside(all.size(), 0);
    std::string scratch;
    const pid_t self = ::getpid();
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto& p = all[i];
        if (p.pid == self || !p.alive()) continue;
        inside[i] = tree.leader > 0 && (p.session == tree.leader || p.group == tree.leader);
        if (inside[i] || tree.mark.empty() || p.parent == 2 || p.pid == 2) continue;
        read_environment(p.pid, scratch);
        inside[i] = is_marked(scratch, tree.mark);
    }
    const auto first = members.size();
    for (std::size_t i = 0; i < all.size(); ++i)
        if (inside[i]) members.push_back(all[i]);
    for (auto parent = first; parent < members.size(); ++parent)
        for (std::size_t i = 0; i < all.size(); ++i)
            if (!inside[i] && all[i].parent == members[parent].pid && all[i].alive() && all[i].pid != self) {
                inside[i] = 1;
                members.push_back(all[i]);
            }
}

[[nodiscard]] inline std::vector<process_entry> find_tree(const tree_identity& tree)
{
    std::vector<process_entry> all;
    std::vector<process_entry> members;
    list_processes(all);
    find_tree(tree, all, members);
    return members;
}

// Sends a signal to every member; with SIGTERM also SIGCONT, so that stopped ones see it. Returns how many there are.
inline std::size_t signal_tree(const tree_identity& tree, int signal)
{
    const auto members = find_tree(tree);
    for (const auto& member : members) {
        signal_process(member, signal);
        if (signal == SIGTERM) signal_process(member, SIGCONT);
    }
    return members.size();
}

}  // namespace queuectl::inline v0::process

#endif
