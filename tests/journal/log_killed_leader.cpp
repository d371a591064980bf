// The process that leads a sync is killed in it: the next one goes on, at hardly any cost, and believes nothing.
#include "../process/temporary_directory.hpp"
#include "dying_leader.hpp"
#include "real_process.hpp"

#include <csignal>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace {

// Who is to die in its sync tells it here, and waits for that. −1 = nobody.
int doomed_tells = -1;
bool doomed_syncs_first = false;

}  // namespace

extern "C" int fdatasync(int fd)
{
    if (doomed_tells >= 0 && !doomed_syncs_first)
        for (static_cast<void>(::write(doomed_tells, "x", 1)); true;) ::pause();
    const auto done = static_cast<int>(::syscall(SYS_fdatasync, fd));
    if (doomed_tells >= 0)
        for (static_cast<void>(::write(doomed_tells, "x", 1)); true;) ::pause();
    return done;
}

namespace {

using namespace queuectl;
using namespace queuectl::journal_testing;

// A process that appends `bodies` bodies, and is killed while it syncs them.
void append_and_die_syncing(const std::string& path, int bodies)
{
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        real_process<> mine{path};
        std::optional<journal::log_ticket> last;
        for (int i = 0; i < bodies; ++i)
            if (const auto got = mine.append("doomed " + std::to_string(i))) last = *got;
        doomed_tells = ends[1];
        static_cast<void>(mine.log->sync(*last));
        ::_exit(1);
    }
    ::close(ends[1]);
    char told = 0;
    EXPECT_EQ(::read(ends[0], &told, 1), 1);
    ::close(ends[0]);
    ::kill(child, SIGKILL);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
}

TEST(LogKilledLeader, OthersGoOnAndNothingIsToldAgain)
{
    for (const bool synced : {false, true}) {
        doomed_syncs_first = synced;
        const process_testing::temporary_directory directory;
        const std::string path = directory.path() + "/store";
        real_process<> a{path};
        ASSERT_TRUE(a.append_durably("first"));
        const int restarts = a.heard.restarts;
        constexpr int rounds = 5;
        for (int round = 0; round < rounds; ++round) {
            append_and_die_syncing(path, 10);
            EXPECT_EQ(a.words().syncing.load(), 1U);
            EXPECT_TRUE(a.append_durably("after"));
            EXPECT_EQ(a.words().synced.load(), a.words().written.load());
        }
        EXPECT_EQ(a.words().generation.load(), 0U);
        EXPECT_EQ(a.words().segment.load(), 1U);
        EXPECT_EQ(a.heard.restarts, restarts);
        EXPECT_EQ(a.heard.bodies.size(), 1U + rounds * 11U);
        real_process<> other{path};
        ASSERT_TRUE(other.listen());
        EXPECT_EQ(other.heard.bodies, a.heard.bodies);
    }
}

// The same, seen from a process that waits for that very sync, which had failed.
TEST(LogKilledLeader, WhatTheDeadOneLostIsWrittenAgain)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    ASSERT_TRUE(a.append_durably("durable"));
    ASSERT_TRUE(a.append("one"));
    const auto two = a.append("two");
    ASSERT_TRUE(two);
    die_syncing(machine);
    auto b = machine.start(2);
    EXPECT_TRUE(b.log->sync(*two));
    EXPECT_EQ(machine.words.generation.load(), 0U);
    const int restarts = a.heard.restarts;
    EXPECT_TRUE(a.listen());
    EXPECT_EQ(a.heard.restarts, restarts);
    simulated_machine<> later{machine.disk.crash({}), {9, 9}};
    auto c = later.start(3);
    ASSERT_TRUE(c.listen());
    EXPECT_EQ(c.heard.bodies, a.heard.bodies);
}

// Whoever had the segment open hears of the error too: then it is one.
TEST(LogKilledLeader, AnErrorThatIsHeardCounts)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    ASSERT_TRUE(a.append_durably("durable"));
    const auto lost = a.append("lost");
    ASSERT_TRUE(lost);
    die_syncing(machine);
    EXPECT_EQ(a.log->sync(*lost).error().code, errc::outcome_unknown);
    EXPECT_TRUE(a.log->needs_rescue());
    EXPECT_TRUE(a.append_durably("next"));
    EXPECT_EQ(machine.words.segment.load(), 2U);
    EXPECT_EQ(a.read_back(), "");
}

TEST(LogKilledLeader, WhatIsGoneFromTheFileCountsAsAFailedSync)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    ASSERT_TRUE(a.append_durably("durable"));
    const auto lost = a.append("lost");
    ASSERT_TRUE(lost);
    die_syncing(machine);
    auto& file = *machine.disk.state().cached.begin()->second;
    file.cached = file.stored;
    auto b = machine.start(2);
    EXPECT_EQ(b.log->sync(*lost).error().code, errc::outcome_unknown);
    EXPECT_TRUE(b.append_durably("next"));
    EXPECT_EQ(b.heard.bodies, (std::map<std::uint64_t, std::string>{{1, "durable"}, {2, "next"}}));
}

TEST(LogKilledLeader, WhatIsReadDoesNotGrowWithTheSegment)
{
    simulated_machine<> machine;
    auto options = small_options(1, machine.boot);
    options.sizes = {32 << 20, 32 << 20};
    simulated_process<> a{machine.disk, machine.gate, machine.words, options};
    const std::string body(40'000, '.');
    for (int i = 0; i < 150; ++i) ASSERT_TRUE(a.append_durably(body));
    for (int i = 0; i < 5; ++i) {
        const auto ticket = a.append(body);
        machine.words.syncing = 1;
        const auto calls = machine.disk.calls();
        ASSERT_TRUE(a.log->sync(*ticket));
        EXPECT_LE(machine.disk.calls() - calls, 20U);
    }
    // A hint that is wrong costs time only.
    const auto ticket = a.append(body);
    machine.words.syncing = 1;
    machine.words.synced_near.offset.fetch_add(8);
    const auto calls = machine.disk.calls();
    ASSERT_TRUE(a.log->sync(*ticket));
    EXPECT_GE(machine.disk.calls() - calls, 24U);
    EXPECT_EQ(machine.words.generation.load(), 0U);
}

TEST(LogKilledLeader, ManyFramesInManyPieces)
{
    simulated_machine<> machine;
    auto options = small_options(1, machine.boot);
    options.sizes = {4 << 20, 4 << 20};
    simulated_process<> a{machine.disk, machine.gate, machine.words, options};
    ASSERT_TRUE(a.append_durably("durable"));
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(a.append(std::string(10'000, static_cast<char>('!' + i % 90))));
    die_syncing(machine);
    options.random = random_source{2};
    simulated_process<> b{machine.disk, machine.gate, machine.words, options};
    ASSERT_TRUE(b.log->sync(a.log->take_turn(a.heard)->seen()));
    simulated_machine<> later{machine.disk.crash({}), {9, 9}};
    auto c = later.start(3);
    ASSERT_TRUE(c.listen());
    EXPECT_EQ(c.heard.bodies, a.heard.bodies);
}

}  // namespace
