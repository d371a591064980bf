#include "index_world.hpp"

#include <queuectl/testing/effort.hpp>

#include <random>

namespace {

using namespace queuectl;
using namespace queuectl::journal;
using namespace queuectl::journal_testing;

// Whatever was changed since the last commit: every byte is as it was.
TEST(IndexRollback, EveryByteAsItWas)
{
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed);
    seeded_random random{seed};
    auto space = private_space();
    index_world world{space};
    std::string committed = world.image();
    auto members = world.members();
    const std::size_t rounds = effort(2000, 100'000);
    for (std::size_t round = 0; round < rounds; ++round) {
        for (std::uint64_t n = random.below(40); n > 0; --n) world.step(random);
        if (random.one_in(2)) {
            space.commit();
            committed = world.image();
            members = world.members();
        } else {
            space.rollback();
            ASSERT_EQ(world.image() == committed, true) << round;
            ASSERT_EQ(world.members() == members, true) << round;
        }
        ASSERT_FALSE(space.pending());
        ASSERT_EQ(world.wrong(), "") << round;
    }
    EXPECT_TRUE(space.valid(boot_a, store_a, 1));
    EXPECT_GT(members.size(), 50U);
}

// What came before a savepoint stays, also where both have changed the same.
TEST(IndexRollback, ToASavepoint)
{
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed);
    seeded_random random{seed};
    auto space = private_space();
    index_world world{space};
    const std::size_t rounds = effort(2000, 100'000);
    for (std::size_t round = 0; round < rounds; ++round) {
        const std::string committed = world.image();
        std::string saved;
        for (std::uint64_t calls = 1 + random.below(4); calls > 0; --calls) {
            saved = world.image();
            const auto begin = space.save();
            for (std::uint64_t n = random.below(12); n > 0; --n) world.step(random);
            if (random.one_in(2)) continue;
            space.rollback(begin);
            ASSERT_EQ(world.image() == saved, true) << round;
            ASSERT_EQ(world.wrong(), "") << round;
        }
        if (random.one_in(3)) {
            space.rollback();
            ASSERT_EQ(world.image() == committed, true) << round;
        }
        space.commit();
        ASSERT_EQ(world.wrong(), "") << round;
    }
    EXPECT_TRUE(space.valid(boot_a, store_a, 1));
}

// What is undone may be done again by another space on the same memory, and the other way round.
TEST(IndexRollback, TwoMappingsInTurns)
{
    const process_testing::temporary_directory directory;
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed);
    seeded_random random{seed};
    index_space spaces[] = {space_in(directory.path() + "/store"), space_in(directory.path() + "/store")};
    ASSERT_TRUE(spaces[0].clear(boot_a, store_a, 1));
    index_world worlds[] = {index_world{spaces[0]}, index_world{spaces[1]}};
    std::string committed = worlds[0].image();
    for (int round = 0; round < 1000; ++round) {
        const std::size_t mine = random.below(2);
        for (std::uint64_t n = random.below(30); n > 0; --n) worlds[mine].step(random);
        if (random.one_in(2)) {
            spaces[mine].commit();
            committed = worlds[mine].image();
        } else {
            spaces[1 - mine].rollback();
        }
        ASSERT_EQ(worlds[1 - mine].image() == committed, true) << round;
        ASSERT_EQ(worlds[1 - mine].wrong(), "") << round;
    }
}

}  // namespace
