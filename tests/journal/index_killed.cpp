#include "index_world.hpp"

#include <queuectl/testing/effort.hpp>

#include <random>

#include <sys/ptrace.h>

namespace {

using namespace queuectl;
using namespace queuectl::journal;
using namespace queuectl::journal_testing;
using process_testing::temporary_directory;

// Changes and commits until it is killed.
[[noreturn]] void change_for_ever(const std::string& path, std::uint64_t seed)
{
    auto space = space_in(path);
    space.rollback();
    index_world world{space};
    seeded_random random{seed};
    for (;;) {
        for (std::uint64_t n = random.below(10); n > 0; --n) world.step(random);
        if (random.one_in(10))
            space.rollback();
        else
            space.commit();
    }
}

TEST(IndexKilled, AtRandomMoments)
{
    const temporary_directory directory;
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed);
    seeded_random random{seed};
    const std::string path = directory.path() + "/store";
    auto space = space_in(path);
    ASSERT_TRUE(space.clear(boot_a, store_a, 1));
    index_world world{space};
    std::size_t in_a_change = 0;
    const std::size_t rounds = effort(250, 20'000);
    // Where the machine is busy, many children die before they begin: others follow them.
    const auto enough = [&](std::size_t round) { return round >= rounds && in_a_change > rounds / 4; };
    for (std::size_t round = 0; !enough(round) && round < 40 * rounds; ++round) {
        const pid_t child = ::fork();
        if (child == 0) change_for_ever(path, seed + round);
        ::usleep(static_cast<useconds_t>(random.below(4000)));
        ::kill(child, SIGKILL);
        ASSERT_EQ(::waitpid(child, nullptr, 0), child);
        in_a_change += space.pending() ? 1 : 0;
        if (random.one_in(3)) continue;
        space.rollback();
        ASSERT_TRUE(space.valid(boot_a, store_a, 1)) << round;
        ASSERT_EQ(world.wrong(), "") << round;
    }
    EXPECT_GT(in_a_change, rounds / 4);
    EXPECT_GT(world.roots().count, 50U);
}

// A child that stops before every instruction of a change, and what its death there would leave behind.
class stepped_change {
public:
    stepped_change(const std::string& path, std::uint64_t seed) : shared_{*index_memory::map(folder_at(path))}
    {
        child_ = ::fork();
        if (child_ == 0) {
            auto space = space_in(path);
            index_world world{space};
            seeded_random random{seed};
            if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(1);
            ::raise(SIGSTOP);
            for (int i = 0; i < 5; ++i) world.step(random);
            space.commit();
            ::_exit(0);
        }
        stopped_ = wait();
        EXPECT_TRUE(stopped_);
        for (const auto range : all_ranges) seen_.emplace_back(shared_.base(range), shared_.bytes(range));
    }
    // False when the child has ended.
    [[nodiscard]] bool step()
    {
        if (!stopped_ || ::ptrace(PTRACE_SINGLESTEP, child_, nullptr, nullptr) != 0) return false;
        stopped_ = wait();
        return stopped_;
    }
    // Copies what the child has made into `space` when it is new.
    [[nodiscard]] bool copy_if_changed(index_space& space)
    {
        bool changed = false;
        for (std::size_t i = 0; i < seen_.size(); ++i) {
            const std::string_view now{shared_.base(all_ranges[i]), seen_[i].size()};
            if (seen_[i] == now) continue;
            seen_[i] = now;
            changed = true;
        }
        for (std::size_t i = 0; changed && i < seen_.size(); ++i)
            std::memcpy(space.memory().base(all_ranges[i]), seen_[i].data(), seen_[i].size());
        return changed;
    }

private:
    [[nodiscard]] bool wait() const
    {
        int status = 0;
        return ::waitpid(child_, &status, 0) == child_ && WIFSTOPPED(status);
    }

    index_memory shared_;
    std::vector<std::string> seen_;
    pid_t child_ = -1;
    bool stopped_ = false;
};

// Every single instruction of some changes: before the commit all is undone, from it on all stands.
TEST(IndexKilled, AtEveryInstruction)
{
    const temporary_directory directory;
    const std::string path = directory.path() + "/store";
    auto space = space_in(path);
    ASSERT_TRUE(space.clear(boot_a, store_a, 1));
    index_world world{space};
    auto copy = private_space();
    index_world copied{copy};
    seeded_random random{11};
    for (const int members : {0, 300, 600}) {
        for (int i = 0; i < members; ++i) world.step(random);
        space.commit();
        const std::string before = world.image();
        std::size_t undone = 0;
        std::size_t committed = 0;
        stepped_change change{path, random.next()};
        std::string image;
        while (change.step()) {
            if (!change.copy_if_changed(copy)) continue;
            const bool pending = copy.pending();
            copy.rollback();
            image = copied.image();
            ASSERT_TRUE(copy.valid(boot_a, store_a, 1));
            if (pending) ++undone;
            committed += !pending && undone > 0 ? 1 : 0;
            ASSERT_EQ(image == (committed == 0 ? before : world.image()), true) << undone << ' ' << committed;
        }
        EXPECT_GT(undone, 100U);
        EXPECT_EQ(committed, 1U);
        EXPECT_FALSE(space.pending());
        EXPECT_EQ(image == world.image(), true);
        EXPECT_EQ(image == before, false);
        EXPECT_EQ(world.wrong(), "");
    }
}

}  // namespace
