// Reading /proc, and signals with an identity.
#include <queuectl/process/process_tree.hpp>

#include <gtest/gtest.h>

#include <sys/wait.h>

namespace {
using namespace queuectl;
using namespace std::string_literals;
using process::process_entry;

TEST(ProcessList, ParsesAnyName)
{
    process_entry e;
    ASSERT_TRUE(
        process::parse_stat("42 (a) b) R 1\n) S 7 42 40 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2 3\n", e));
    EXPECT_EQ(e.state, 'S');
    EXPECT_EQ(e.parent, 7);
    EXPECT_EQ(e.group, 42);
    EXPECT_EQ(e.session, 40);
    EXPECT_EQ(e.start, 98765u);
    for (const auto* text : {"", ")", "1 (x)", "1 (x) S 1 2", "1 (x) S a"}) EXPECT_FALSE(process::parse_stat(text, e));
}

TEST(ProcessList, FindsTheMarkAsAWholeVariable)
{
    EXPECT_EQ(process::mark_in("A=1\0QUEUECTL_RUN=m.1\0B=2\0"s), "m.1");
    EXPECT_EQ(process::mark_in("XQUEUECTL_RUN=m\0A=QUEUECTL_RUN=m\0"s), "");
    EXPECT_EQ(process::mark_in(""), "");
    EXPECT_TRUE(process::is_part_of("m", "m"));
    EXPECT_TRUE(process::is_part_of("m.3.4", "m"));
    EXPECT_TRUE(process::is_part_of("m.3.4", "m.3"));
    EXPECT_FALSE(process::is_part_of("m.33", "m.3"));
    EXPECT_FALSE(process::is_part_of("", ""));
}

TEST(ProcessList, ListsThisProcess)
{
    std::vector<process_entry> all;
    process::list_processes(all);
    std::size_t found = 0;
    for (const auto& p : all) found += p.pid == ::getpid() && p.parent == ::getppid() && p.alive();
    EXPECT_EQ(found, 1u);
}

TEST(ProcessList, AReusedPidIsNotSignalled)
{
    const pid_t pid = ::fork();
    if (pid == 0) {
        ::pause();
        ::_exit(0);
    }
    process_entry entry;
    std::string scratch;
    ASSERT_TRUE(process::read_process(pid, entry, scratch));
    auto earlier = entry;
    --earlier.start;
    EXPECT_FALSE(process::signal_process(earlier, SIGKILL));
    EXPECT_EQ(::waitpid(pid, nullptr, WNOHANG), 0);
    EXPECT_TRUE(process::signal_process(entry, SIGKILL));
    EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
    EXPECT_FALSE(process::signal_process(entry, SIGKILL));
}

TEST(ProcessTree, HoldsSessionGroupAndDescendants)
{
    const process::tree_identity tree{100, ""};
    const auto entry = [](pid_t pid, pid_t parent, pid_t group, pid_t session, char state = 'S') {
        process_entry e;
        e.pid = pid;
        e.parent = parent;
        e.group = group;
        e.session = session;
        e.state = state;
        return e;
    };
    const std::vector<process_entry> all{
        entry(300, 200, 300, 300), entry(100, 1, 100, 100), entry(101, 1, 101, 100), entry(102, 1, 100, 100, 'Z'),
        entry(200, 101, 200, 200), entry(1, 0, 1, 1),       entry(400, 1, 400, 400)};
    std::vector<process_entry> members;
    process::find_tree(tree, all, members);
    std::vector<pid_t> pids;
    for (const auto& m : members) pids.push_back(m.pid);
    EXPECT_EQ(pids, (std::vector<pid_t>{100, 101, 200, 300}));
}

}  // namespace
