#include "index_testing.hpp"

namespace {

using namespace queuectl;
using namespace queuectl::journal;
using namespace queuectl::journal_testing;
using process_testing::temporary_directory;

struct test_roots {
    std::uint64_t number = 0;
    char text[3000] = {};
};

TEST(IndexSpace, ValidForWhatItWasClearedFor)
{
    const temporary_directory directory;
    auto space = space_in(directory.path() + "/store");
    EXPECT_FALSE(space.valid(boot_a, store_a, 1));
    ASSERT_TRUE(space.clear(boot_a, store_a, 1));
    EXPECT_TRUE(space.valid(boot_a, store_a, 1));
    EXPECT_TRUE(space.covered());
    EXPECT_FALSE(space.valid({1, 3}, store_a, 1));
    EXPECT_FALSE(space.valid(boot_a, {3, 5}, 1));
    EXPECT_FALSE(space.valid(boot_a, store_a, 2));
    auto other = space_in(directory.path() + "/store");
    EXPECT_TRUE(other.valid(boot_a, store_a, 1));
    EXPECT_EQ(other.seed(), space.seed());
    other.invalidate();
    EXPECT_FALSE(space.valid(boot_a, store_a, 1));
}

TEST(IndexSpace, ClearForgetsAll)
{
    auto space = private_space();
    space.touch(space.roots<test_roots>()).number = 7;
    static_cast<void>(space.allocate(100));
    EXPECT_EQ(space.block_bytes(), 112U);
    ASSERT_TRUE(space.clear(boot_a, {9, 9}, 2));
    EXPECT_FALSE(space.pending());
    EXPECT_EQ(space.roots<test_roots>().number, 0U);
    EXPECT_EQ(space.block_bytes(), 0U);
    EXPECT_TRUE(space.valid(boot_a, {9, 9}, 2));
}

TEST(IndexSpace, BlocksAreApartAndUsedAgain)
{
    auto space = private_space();
    std::vector<std::pair<ref, std::size_t>> blocks;
    for (std::size_t bytes = 1; bytes <= index_space::bytes_max; bytes += 37) {
        const ref block = space.allocate(bytes);
        ASSERT_NE(block, 0U);
        EXPECT_EQ(space.ref_of(space.get<char>(block)), block);
        std::memset(space.get<char>(block), static_cast<int>(bytes % 251), bytes);
        blocks.emplace_back(block, bytes);
    }
    for (const auto& [block, bytes] : blocks)
        for (std::size_t i = 0; i < bytes; ++i)
            ASSERT_EQ(static_cast<unsigned char>(space.get<char>(block)[i]), bytes % 251) << bytes;
    for (const auto& [block, bytes] : blocks) space.release(block, bytes);
    EXPECT_EQ(space.block_bytes(), 0U);
    space.commit();
    EXPECT_EQ(space.allocate(blocks[5].second), blocks[5].first);
    space.rollback();
    EXPECT_EQ(space.allocate(blocks[5].second), blocks[5].first);
}

TEST(IndexSpace, RollbackRestoresBytesAndAllocations)
{
    auto space = private_space();
    auto& roots = space.roots<test_roots>();
    space.touch(roots).number = 1;
    const ref kept = space.allocate(64);
    const ref given_back = space.allocate(64);
    std::memset(space.get<char>(kept), 'k', 64);
    std::memset(space.get<char>(given_back), 'g', 64);
    EXPECT_TRUE(space.pending());
    space.commit();
    EXPECT_FALSE(space.pending());

    space.touch(roots.number) = 2;
    space.touch(roots.number) = 3;
    std::memset(space.touch(roots.text), 't', sizeof roots.text);
    space.release(given_back, 64);
    EXPECT_EQ(space.allocate(50), given_back);
    std::memset(space.get<char>(given_back), 'n', 64);
    static_cast<void>(space.allocate(64));
    space.touch(space.get<char>(kept), 64);
    std::memset(space.get<char>(kept), 'x', 64);
    space.release(kept, 64);
    EXPECT_TRUE(space.pending());
    space.rollback();
    EXPECT_FALSE(space.pending());
    EXPECT_EQ(roots.number, 1U);
    EXPECT_EQ(roots.text[2999], 0);
    EXPECT_EQ(std::string(space.get<char>(kept), 64), std::string(64, 'k'));
    EXPECT_EQ(std::string(space.get<char>(given_back), 64), std::string(64, 'g'));
    EXPECT_EQ(space.block_bytes(), 128U);
    const ref next = space.allocate(64);
    EXPECT_NE(next, kept);
    EXPECT_NE(next, given_back);
    EXPECT_TRUE(space.valid(boot_a, store_a, 1));
}

TEST(IndexSpace, AllRangesAndLargePiecesAreRemembered)
{
    auto space = private_space();
    constexpr std::size_t bytes = 3'000'001;
    for (const auto range : {index_range::buckets, index_range::pages}) {
        ASSERT_TRUE(space.memory().grow(range, bytes));
        char* const base = space.memory().base(range);
        for (std::size_t i = 0; i < bytes; ++i) base[i] = static_cast<char>(i % 127);
        space.touch(base, bytes);
        std::memset(base, -1, bytes);
        space.rollback();
        for (std::size_t i = 0; i < bytes; ++i) ASSERT_EQ(base[i], static_cast<char>(i % 127)) << i;
    }
}

TEST(IndexSpace, AnotherProcessRollsBack)
{
    const temporary_directory directory;
    auto space = space_in(directory.path() + "/store");
    ASSERT_TRUE(space.clear(boot_a, store_a, 1));
    const int status = in_child([&] {
        auto mine = space_in(directory.path() + "/store");
        auto& roots = mine.roots<test_roots>();
        mine.touch(roots).number = 5;
        const ref block = mine.allocate(4000);
        std::memset(mine.get<char>(block), 'b', 4000);
        mine.commit();
        mine.touch(roots).number = 6;
        mine.touch(mine.get<char>(block), 4000);
        std::memset(mine.get<char>(block), 'c', 4000);
        for (int i = 0; i < 1000; ++i) static_cast<void>(mine.allocate(4000));
        ::raise(SIGKILL);
        return 0;
    });
    ASSERT_TRUE(WIFSIGNALED(status));
    EXPECT_TRUE(space.pending());
    EXPECT_EQ(space.roots<test_roots>().number, 6U);
    space.rollback();
    EXPECT_EQ(space.roots<test_roots>().number, 5U);
    EXPECT_EQ(space.block_bytes(), 4000U);
    EXPECT_EQ(std::string(space.get<char>(journal::detail::space_blocks_at / 16), 4000), std::string(4000, 'b'));
    EXPECT_TRUE(space.valid(boot_a, store_a, 1));
}

TEST(IndexSpace, WhatIsReservedCanBeHadOnAFullDisk)
{
    const temporary_directory directory;
    const int status = in_child([&] {
        limit_files(1 << 20);
        auto space = space_in(directory.path() + "/store");
        if (!space.clear(boot_a, store_a, 1)) return 1;
        std::uint64_t blocks = 0;
        for (;; ++blocks) {
            const auto room = space.reserve(1024, 2048);
            if (!room && room.error().code != errc::store_full) return 2;
            if (!room) break;
            for (int i = 0; i < 64; ++i) {
                const ref block = space.allocate(16);
                space.touch(*space.get<std::uint32_t>(block)) = 1;
                space.release(block, 16);
                if (space.allocate(16) != block) return 3;
            }
            space.commit();
        }
        if (blocks < 900 || !space.valid(boot_a, store_a, 1)) return 4;
        // Beyond what was reserved: no crash, and no undo is lost silently.
        for (const auto range : {index_range::blocks, index_range::buckets, index_range::pages})
            for (std::uint64_t at = 0; at < space.memory().bytes(range); at += 64)
                space.touch(space.memory().base(range) + at, 1);
        return space.valid(boot_a, store_a, 1) ? 5 : 0;
    });
    EXPECT_EQ(status, 0);
}

TEST(IndexSpace, ABlockThatCannotBeHadIsNoneAndInvalidates)
{
    const temporary_directory directory;
    const int status = in_child([&] {
        limit_files(1 << 20);
        auto space = space_in(directory.path() + "/store");
        if (!space.clear(boot_a, store_a, 1)) return 1;
        for (int i = 0; i < 300; ++i) {
            const ref block = space.allocate(4096);
            std::memset(space.get<char>(block), 1, 4096);
            if (block == 0) return space.valid(boot_a, store_a, 1) ? 2 : 0;
        }
        return 3;
    });
    EXPECT_EQ(status, 0);
}

TEST(IndexSpace, AnUndoOfGarbageInvalidates)
{
    auto space = private_space();
    space.touch(space.roots<test_roots>()).number = 5;
    auto* const words = reinterpret_cast<std::uint64_t*>(space.memory().base(index_range::undo));
    words[words[0] / 8 + 7] = ~std::uint64_t{0};
    space.rollback();
    EXPECT_FALSE(space.pending());
    EXPECT_FALSE(space.valid(boot_a, store_a, 1));

    ASSERT_TRUE(space.clear(boot_a, store_a, 1));
    words[0] = std::uint64_t{1} << 60;
    space.rollback();
    EXPECT_FALSE(space.valid(boot_a, store_a, 1));
}

}  // namespace
