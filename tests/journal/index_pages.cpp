#include "index_checks.hpp"
#include "index_testing.hpp"

#include <queuectl/testing/seeded_random.hpp>

#include <map>
#include <random>

namespace {

using namespace queuectl;
using namespace queuectl::journal;
using namespace queuectl::journal_testing;

struct paged {
    index_space space = private_space();
    pages_roots& roots = space.roots<pages_roots>();
    sequence_pages by{space, roots};

    [[nodiscard]] std::vector<std::uint64_t> all(std::uint64_t from = 0)
    {
        std::vector<std::uint64_t> found;
        std::uint64_t stopped = 0;
        while ((from = by.next(from, 1'000'000, &stopped)) != 0) found.push_back(from++);
        return found;
    }
};

TEST(IndexPages, SetGetRemove)
{
    paged p;
    EXPECT_EQ(p.by.get(1), 0U);
    EXPECT_TRUE(p.all().empty());
    ASSERT_TRUE(p.by.reserve(1000, 1000));
    p.by.set(1, 11);
    p.by.set(300, 33);
    p.by.set(2, 22);
    EXPECT_EQ(p.by.get(1), 11U);
    EXPECT_EQ(p.by.get(2), 22U);
    EXPECT_EQ(p.by.get(300), 33U);
    EXPECT_EQ(p.by.get(3), 0U);
    EXPECT_EQ(p.by.get(1'000'000'000'000), 0U);
    EXPECT_EQ(p.all(), (std::vector<std::uint64_t>{1, 2, 300}));
    EXPECT_EQ(p.all(3), (std::vector<std::uint64_t>{300}));
    p.by.set(2, 23);
    EXPECT_EQ(p.by.get(2), 23U);
    p.by.set(2, 0);
    p.by.set(2, 0);
    p.by.set(4000, 0);
    EXPECT_EQ(p.all(), (std::vector<std::uint64_t>{1, 300}));
    EXPECT_EQ(pages_check(p.space, p.roots).wrong(), "");
}

TEST(IndexPages, AnEmptyPageIsReleased)
{
    paged p;
    for (std::uint64_t s = 1; s <= 10'000; ++s) p.by.set(s, 1);
    EXPECT_EQ(p.space.block_bytes(), 40U * 1040U);
    for (std::uint64_t s = 1; s <= 5'120; ++s) p.by.set(s, 0);
    EXPECT_EQ(p.space.block_bytes(), 20U * 1040U);
    EXPECT_EQ(p.roots.first, 20U);
    for (std::uint64_t s = 10'000; s > 5'120; --s) p.by.set(s, 0);
    EXPECT_EQ(p.space.block_bytes(), 0U);
    EXPECT_EQ(p.roots.first, p.roots.count);
    p.by.set(700, 7);
    EXPECT_EQ(p.all(), (std::vector<std::uint64_t>{700}));
    EXPECT_EQ(p.roots.first, 2U);
}

TEST(IndexPages, AnyOrderAndFarBeyondTheEnd)
{
    paged p;
    for (const std::uint64_t s : {5'000'000U, 70U, 900'000U, 1U, 4'999'999U}) p.by.set(s, static_cast<ref>(s));
    EXPECT_EQ(p.all(), (std::vector<std::uint64_t>{1, 70, 900'000, 4'999'999, 5'000'000}));
    EXPECT_EQ(p.space.block_bytes(), 3U * 1040U);
    EXPECT_EQ(pages_check(p.space, p.roots).wrong(), "");
}

TEST(IndexPages, NextStopsWhereItIsTold)
{
    paged p;
    p.by.set(1, 1);
    p.by.set(1'000'000, 2);
    std::uint64_t stopped = 0;
    EXPECT_EQ(p.by.next(0, 1000, &stopped), 1U);
    EXPECT_EQ(stopped, 0U);
    std::uint64_t from = 2;
    std::uint64_t found = 0;
    int calls = 0;
    for (; (found = p.by.next(from, 100, &stopped)) == 0 && stopped != 0; ++calls) {
        ASSERT_GT(stopped, from);
        from = stopped;
    }
    EXPECT_EQ(found, 1'000'000U);
    EXPECT_GT(calls, 40);
    EXPECT_LT(calls, 50);
    EXPECT_EQ(p.by.next(1'000'001, 1000, &stopped), 0U);
    EXPECT_EQ(stopped, 0U);
    EXPECT_EQ(p.by.next(~std::uint64_t{0}, 1000, &stopped), 0U);
    EXPECT_EQ(stopped, 0U);
}

// Sequences that come and go, as in a store of which the oldest is purged: the lowest page in use is known, and no
// walk goes over what is gone.
TEST(IndexPages, TheFirstPageFollows)
{
    paged p;
    for (std::uint64_t s = 1; s <= 500'000; ++s) {
        p.by.set(s, 1);
        if (s > 1000) p.by.set(s - 1000, 0);
        p.space.commit();
    }
    std::uint64_t stopped = 0;
    EXPECT_EQ(p.by.next(0, 257, &stopped), 499'001U);
    EXPECT_LE(p.space.block_bytes(), 6U * 1040U);
}

TEST(IndexPages, AsAMapUnderRandomOperations)
{
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed);
    seeded_random random{seed};
    paged p;
    std::map<std::uint64_t, ref> model;
    std::map<std::uint64_t, ref> committed;
    for (int step = 0; step < 30'000; ++step) {
        const std::uint64_t low = static_cast<std::uint64_t>(step) / 3;
        const std::uint64_t sequence = low + 1 + random.below(random.one_in(100) ? 20'000 : 1000);
        if (random.below(5) < 2) {
            const auto value = static_cast<ref>(1 + random.below(1'000'000));
            p.by.set(sequence, value);
            model[sequence] = value;
        } else {
            const auto at = model.lower_bound(random.one_in(2) ? 0 : sequence);
            if (at != model.end()) {
                p.by.set(at->first, 0);
                model.erase(at);
            }
        }
        if (random.one_in(20)) {
            p.space.commit();
            committed = model;
        } else if (random.one_in(20)) {
            p.space.rollback();
            model = committed;
        }
        const auto at = model.find(sequence);
        ASSERT_EQ(p.by.get(sequence), at == model.end() ? 0 : at->second) << step;
        if (!random.one_in(200)) continue;
        const pages_check check{p.space, p.roots};
        ASSERT_EQ(check.wrong(), "") << step;
        ASSERT_EQ(check.members(), (std::vector<std::pair<std::uint64_t, ref>>(model.begin(), model.end()))) << step;
        ASSERT_EQ(p.all().size(), model.size());
        ASSERT_EQ(p.space.block_bytes(), check.pages() * 1040);
    }
}

TEST(IndexPages, NoRoomIsSaid)
{
    const process_testing::temporary_directory directory;
    const int status = in_child([&] {
        limit_files(128 << 10);
        auto space = space_in(directory.path() + "/store");
        if (!space.clear(boot_a, store_a, 1)) return 1;
        sequence_pages pages{space, space.roots<pages_roots>()};
        for (std::uint64_t s = 1; s < 40'000; ++s) {
            const auto room = pages.reserve(s, 1);
            if (!room && room.error().code != errc::store_full) return 2;
            if (!room) return s > 20'000 && space.valid(boot_a, store_a, 1) ? 0 : 3;
            pages.set(s, 1);
            space.commit();
        }
        return 4;
    });
    EXPECT_EQ(status, 0);
    const int directory_full = in_child([&] {
        limit_files(128 << 10);
        auto space = space_in(directory.path() + "/other");
        if (!space.clear(boot_a, store_a, 1)) return 1;
        sequence_pages pages{space, space.roots<pages_roots>()};
        const auto room = pages.reserve(100'000'000, 1);
        if (room || room.error().code != errc::store_full) return 2;
        pages.set(100'000'000, 1);
        return space.valid(boot_a, store_a, 1) ? 3 : 0;
    });
    EXPECT_EQ(directory_full, 0);
}

}  // namespace
