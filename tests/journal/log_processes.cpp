#include "real_process.hpp"

#include "../process/temporary_directory.hpp"

#include <queuectl/testing/effort.hpp>
#include <queuectl/testing/seeded_random.hpp>

#include <set>
#include <thread>

#include <csignal>
#include <sys/wait.h>

namespace {

using namespace queuectl;
using namespace queuectl::journal_testing;

// Reads "N text" from a pipe's end.
std::set<std::string> lines_of(int fd)
{
    std::string all;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<std::size_t>(n));
    std::set<std::string> lines;
    for (std::size_t at = 0, end = 0; (end = all.find('\n', at)) != std::string::npos; at = end + 1)
        lines.insert(all.substr(at, end - at));
    return lines;
}

std::multiset<std::string> bodies_in(const std::string& path)
{
    real_process<> reader{path};
    EXPECT_TRUE(reader.listen());
    std::multiset<std::string> all;
    for (const auto& [sequence, body] : reader.heard.bodies) all.insert(body);
    return all;
}

TEST(LogProcesses, AllThatEachAppendsIsThereOnce)
{
    const process_testing::temporary_directory directory;
    const std::string path = directory.path() + "/store";
    constexpr int processes = 4;
    const int each = static_cast<int>(effort(150, 5000));
    std::vector<pid_t> children;
    for (int p = 0; p < processes; ++p) {
        const pid_t child = ::fork();
        if (child == 0) {
            real_process<> mine{path};
            for (int i = 0; i < each; ++i)
                if (!mine.append_durably(std::to_string(p) + "-" + std::to_string(i))) ::_exit(1);
            ::_exit(mine.log->settle_down(mine.heard) ? 0 : 2);
        }
        children.push_back(child);
    }
    for (const pid_t child : children) {
        int status = -1;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
    }
    const auto all = bodies_in(path);
    EXPECT_EQ(all.size(), static_cast<std::size_t>(processes * each));
    EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), all.size());
}

// Processes are killed at random; what they told us before is there, once; and the others go on.
TEST(LogProcesses, KilledAtAnyInstruction)
{
    const process_testing::temporary_directory directory;
    const std::string path = directory.path() + "/store";
    seeded_random random{20};
    std::set<std::string> told;
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    std::thread collector{[&] { told = lines_of(ends[0]); }};
    const std::size_t rounds = effort(25, 1000);
    for (std::size_t round = 0; round < rounds; ++round) {
        std::vector<pid_t> children;
        for (int p = 0; p < 3; ++p) {
            const pid_t child = ::fork();
            if (child == 0) {
                real_process<> mine{path};
                for (int i = 0;; ++i) {
                    const std::string body = std::to_string(round) + "." + std::to_string(p) + "." + std::to_string(i) +
                                             std::string(static_cast<std::size_t>(i % 7) * 500, '.');
                    if (!mine.append_durably(body)) continue;
                    const std::string line = body.substr(0, body.find("..")) + "\n";
                    if (::write(ends[1], line.data(), line.size()) < 0) ::_exit(3);
                }
            }
            children.push_back(child);
        }
        ::usleep(static_cast<useconds_t>(3'000 + random.below(20'000)));
        for (const pid_t child : children) {
            ::kill(child, SIGKILL);
            ::usleep(static_cast<useconds_t>(random.below(2'000)));
        }
        for (const pid_t child : children) ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    }
    ::close(ends[1]);
    collector.join();
    ::close(ends[0]);
    std::multiset<std::string> names;
    for (const auto& body : bodies_in(path)) names.insert(body.substr(0, body.find("..")));
    EXPECT_FALSE(told.empty());
    for (const auto& name : told) ASSERT_EQ(names.count(name), 1U) << name;
    EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
}

// Nobody appends any more: it is synced nevertheless; and by another process when the first one has died.
TEST(LogProcesses, AfterAnIntervalItIsSynced)
{
    const process_testing::temporary_directory directory;
    const std::string path = directory.path() + "/store";
    real_process<> a{path, std::chrono::seconds{30}, queuectl::durability::interval};
    const auto synced = [&](std::uint64_t sequence) {
        const auto until = queuectl::detail::monotonic_us() + 20'000'000;
        while (a.words().synced.load() < sequence && queuectl::detail::monotonic_us() < until) ::usleep(1000);
        return a.words().synced.load() >= sequence;
    };
    ASSERT_TRUE(a.append_durably("one"));
    EXPECT_TRUE(synced(1));
    ASSERT_TRUE(a.append_durably("two"));
    EXPECT_TRUE(synced(2));
    const pid_t child = ::fork();
    if (child == 0) {
        real_process<> mine{path, std::chrono::seconds{30}, queuectl::durability::interval};
        ::_exit(mine.append("three") ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_EQ(status, 0);
    EXPECT_EQ(a.words().synced.load(), 2U);
    ASSERT_TRUE(a.listen());
    EXPECT_TRUE(synced(3));
}

TEST(LogProcesses, ThreadsOfOneLogAndOfTwoShareTheSyncs)
{
    const process_testing::temporary_directory directory;
    real_process<> a{directory.path() + "/store"};
    real_process<> b{directory.path() + "/store"};
    constexpr int threads = 8;
    constexpr int each = 60;
    std::vector<std::thread> all;
    std::atomic<int> failures{0};
    for (int t = 0; t < threads; ++t)
        all.emplace_back([&, t] {
            auto& p = t % 2 == 0 ? a : b;
            for (int i = 0; i < each; ++i) {
                std::optional<journal::log_ticket> ticket;
                if (const auto got = p.append(std::to_string(t) + "-" + std::to_string(i))) ticket = *got;
                if (!ticket || !p.log->sync(*ticket)) ++failures;
            }
        });
    for (auto& t : all) t.join();
    EXPECT_EQ(failures.load(), 0);
    EXPECT_EQ(bodies_in(directory.path() + "/store").size(), static_cast<std::size_t>(threads * each));
    EXPECT_EQ(a.words().synced.load(), a.words().written.load());
}

// Two processes, of which one leads the sync while the other has only said that it will append.
TEST(LogProcesses, WhoLeadsWaitsForWhatOthersAreAboutToAppend)
{
    const process_testing::temporary_directory directory;
    real_process<> leader{directory.path() + "/store"};
    real_process<> other{directory.path() + "/store"};
    ASSERT_TRUE(leader.append_durably("first"));
    constexpr int rounds = 100;
    int together = 0;
    for (int i = 0; i < rounds; ++i) {
        leader.words().batch = 2;
        const auto syncs = leader.log->syncs();
        std::atomic<bool> appended{false};
        other.log->announce();
        std::thread late{[&] {
            while (!appended.load()) ::sched_yield();
            const auto ticket = other.append("late");
            other.log->wrote(1);
            EXPECT_TRUE(ticket && other.log->sync_always(*ticket));
        }};
        const auto ticket = leader.append("early");
        appended = true;
        EXPECT_TRUE(ticket && leader.log->sync(*ticket));
        late.join();
        together += leader.log->syncs() - syncs == 1 ? 1 : 0;
    }
    EXPECT_GT(together, rounds / 10) << "it waits for 104 us, and an append takes 10";
}

}  // namespace
