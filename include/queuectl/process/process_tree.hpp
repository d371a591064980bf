// All processes of one run, however far they went: its session, its group, their descendants, and whatever carries
// its mark. Linux.
#ifndef QUEUECTL_PROCESS_PROCESS_TREE_HPP
#define QUEUECTL_PROCESS_PROCESS_TREE_HPP

#include <queuectl/process/process_list.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace queuectl::inline v0::process {

// Which processes belong to a run. `leader` led its session and group (0: there was none); `mark` is the value of
// QUEUECTL_RUN (empty: there was none).
struct tree_identity {
    pid_t leader = 0;
    std::string mark;
};

// Appends the living processes of `all`, listed with their marks, that belong to the run, except this process. Pure.
inline void find_tree(const tree_identity& tree, const std::vector<process_entry>& all,
                      std::vector<process_entry>& members)
{
    std::vector<char> inside(all.size(), 0);
    const pid_t self = ::getpid();
    const auto first = members.size();
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto& p = all[i];
        const bool led = tree.leader > 0 && (p.session == tree.leader || p.group == tree.leader);
        inside[i] = p.pid != self && p.alive() && (led || is_part_of(p.mark, tree.mark));
        if (inside[i]) members.push_back(p);
    }
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
    list_marked_processes(all);
    find_tree(tree, all, members);
    return members;
}

// Sends a signal to each member once; with SIGTERM also SIGCONT, so that stopped ones see it.
inline void signal_members(const std::vector<process_entry>& members, int signal)
{
    for (const auto& member : members) {
        signal_process(member, signal);
        if (signal == SIGTERM) signal_process(member, SIGCONT);
    }
}

// Finds the members and signals them; how many there are.
inline std::size_t signal_tree(const tree_identity& tree, int signal)
{
    const auto members = find_tree(tree);
    signal_members(members, signal);
    return members.size();
}

// The members of many runs for the price of one listing: the processes as they were at most `age_max` ago.
class process_snapshot {
public:
    static constexpr duration age_max = std::chrono::milliseconds{4};

    // The living members; valid until the next call.
    [[nodiscard]] std::vector<process_entry>& members_of(const tree_identity& tree, duration now)
    {
        members_.clear();
        if (now - listed_at_ > age_max) {
            all_.clear();
            list_marked_processes(all_);
            listed_at_ = monotonic_now();
        }
        find_tree(tree, all_, members_);
        return members_;
    }

private:
    std::vector<process_entry> all_;
    std::vector<process_entry> members_;
    duration listed_at_ = -duration_max;
};

}  // namespace queuectl::inline v0::process

#endif
