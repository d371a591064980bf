#include "index_checks.hpp"
#include "index_testing.hpp"

#include <queuectl/testing/seeded_random.hpp>

#include <functional>
#include <map>
#include <random>

namespace {

using namespace queuectl;
using namespace queuectl::journal;
using namespace queuectl::journal_testing;

// A block with two nodes, to be in two kinds of sets at once.
struct block_of_two {
    std::uint64_t other = 0;
    order_node one;
    order_node two;
};
using order_one = order<offsetof(block_of_two, one)>;
using check_one = order_check<offsetof(block_of_two, one)>;

struct sets {
    order_set one;
    order_set two;
};

struct ordered {
    index_space space = private_space();
    order_one by{space};
    sets& roots = space.roots<sets>();
    std::uint64_t sequence = 0;

    ref put(std::int64_t time)
    {
        const ref block = space.allocate(sizeof(block_of_two));
        auto& m = *space.get<block_of_two>(block);
        m.one.time = time;
        m.one.sequence = ++sequence;
        by.put(roots.one, block);
        return block;
    }
    std::vector<std::int64_t> times()
    {
        std::vector<std::int64_t> all;
        for (ref at = by.first(roots.one); at != 0; at = by.next(roots.one, at))
            all.push_back(space.get<block_of_two>(at)->one.time);
        return all;
    }
};

TEST(IndexOrder, ByTimeThenSequence)
{
    ordered o;
    EXPECT_EQ(o.by.first(o.roots.one), 0U);
    const ref late = o.put(30), early = o.put(10), also_early = o.put(10), middle = o.put(20), before = o.put(-5);
    EXPECT_EQ(o.times(), (std::vector<std::int64_t>{-5, 10, 10, 20, 30}));
    EXPECT_EQ(o.by.first(o.roots.one), before);
    EXPECT_EQ(o.by.next(o.roots.one, before), early);
    EXPECT_EQ(o.by.next(o.roots.one, early), also_early);
    o.by.take(o.roots.one, early);
    EXPECT_EQ(o.by.next(o.roots.one, before), also_early);
    o.by.take(o.roots.one, late);
    EXPECT_EQ(o.by.next(o.roots.one, middle), 0U);
    EXPECT_EQ(o.roots.one.size, 3U);
    for (const ref block : {before, also_early, middle}) {
        EXPECT_EQ(o.by.first(o.roots.one), block);
        o.by.take(o.roots.one, block);
    }
    EXPECT_EQ(o.by.first(o.roots.one), 0U);
    EXPECT_EQ(std::memcmp(&o.roots.one, std::string(sizeof(order_set), '\0').data(), sizeof(order_set)), 0);
}

TEST(IndexOrder, ABlockInTwoKindsOfSets)
{
    ordered o;
    order<offsetof(block_of_two, two)> by_two{o.space};
    std::vector<ref> blocks;
    for (int i = 0; i < 100; ++i) {
        blocks.push_back(o.put(i));
        auto& node = o.space.get<block_of_two>(blocks.back())->two;
        node.time = -i;
        node.sequence = o.sequence;
        by_two.put(o.roots.two, blocks.back());
    }
    EXPECT_EQ(o.by.first(o.roots.one), blocks.front());
    EXPECT_EQ(by_two.first(o.roots.two), blocks.back());
    EXPECT_EQ(check_one(o.space, o.roots.one).wrong(), "");
    EXPECT_EQ(order_check<offsetof(block_of_two, two)>(o.space, o.roots.two).wrong(), "");
}

TEST(IndexOrder, TheFirstOnesAreTakenTogether)
{
    seeded_random random{11};
    for (int round = 0; round < 2000; ++round) {
        ordered o;
        const auto n = 1 + random.below(60);
        for (std::uint64_t i = 0; i < n; ++i) o.put(static_cast<std::int64_t>(random.below(20)));
        auto left = o.times();
        while (!left.empty()) {
            const auto count = 1 + random.below(left.size());
            ref last = o.by.first(o.roots.one);
            for (std::uint64_t i = 1; i < count; ++i) last = o.by.next(o.roots.one, last);
            o.by.take_first(o.roots.one, last, static_cast<std::uint32_t>(count));
            left.erase(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(count));
            ASSERT_EQ(o.times(), left) << "seed 11, round " << round;
            ASSERT_EQ(o.roots.one.size, left.size());
            ASSERT_EQ(check_one(o.space, o.roots.one).wrong(), "") << "seed 11, round " << round;
            if (random.below(2) == 0) continue;
            o.put(static_cast<std::int64_t>(random.below(20)));
            left = o.times();
        }
        EXPECT_EQ(std::memcmp(&o.roots.one, std::string(sizeof(order_set), '\0').data(), sizeof(order_set)), 0);
    }
}

// No order of keys makes the tree deep: 20,000 members would be that deep in a list.
TEST(IndexOrder, NoOrderOfKeysIsBad)
{
    constexpr std::int64_t n = 20'000;
    const std::function<std::int64_t(std::int64_t)> patterns[] = {
        [](std::int64_t i) { return i; },
        [](std::int64_t i) { return -i; },
        [](std::int64_t) { return 7; },
        [](std::int64_t i) { return i % 2 == 0 ? i : 1'000'000 - i; },
        [](std::int64_t i) { return i % 2 == 0 ? i : n - i; },
        [](std::int64_t i) { return i % 100; },
        [](std::int64_t i) { return i == 0 ? 1'000'000'000 : i; },
    };
    for (const auto& pattern : patterns) {
        ordered o;
        for (std::int64_t i = 0; i < n; ++i) {
            o.put(pattern(i));
            o.space.commit();
        }
        const check_one check{o.space, o.roots.one};
        EXPECT_EQ(check.wrong(), "");
        EXPECT_LT(check.depth(), 60U);
        for (std::int64_t i = 0; i < n / 2; ++i) o.by.take(o.roots.one, o.by.first(o.roots.one));
        EXPECT_EQ(check_one(o.space, o.roots.one).wrong(), "");
    }
}

TEST(IndexOrder, AsAMapUnderRandomOperations)
{
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed);
    seeded_random random{seed};
    ordered o;
    using key = std::tuple<std::int64_t, std::uint64_t>;
    std::map<key, ref> model;
    std::map<key, ref> committed;
    std::vector<ref> members;
    for (int step = 0; step < 20'000; ++step) {
        const bool grow = step / 2000 % 2 == 0;
        if (random.below(10) < (grow ? 7U : 3U)) {
            const auto time = static_cast<std::int64_t>(random.one_in(3) ? random.below(50) : std::uint64_t(step));
            const ref block = o.put(time);
            model[{time, o.sequence}] = block;
        } else if (!model.empty()) {
            auto at = model.begin();
            if (!random.one_in(3))
                at = std::next(at, static_cast<std::ptrdiff_t>(random.below(std::min<std::size_t>(model.size(), 100))));
            else if (random.one_in(2))
                at = std::prev(model.end());
            o.by.take(o.roots.one, at->second);
            o.space.release(at->second, sizeof(block_of_two));
            model.erase(at);
        }
        if (random.one_in(20)) {
            o.space.commit();
            committed = model;
        } else if (random.one_in(20)) {
            o.space.rollback();
            model = committed;
        }
        ASSERT_EQ(o.by.first(o.roots.one), model.empty() ? 0 : model.begin()->second) << step;
        if (!random.one_in(50)) continue;
        const check_one check{o.space, o.roots.one};
        ASSERT_EQ(check.wrong(), "") << step;
        ref at = o.by.first(o.roots.one);
        for (const auto& [k, block] : model) {
            ASSERT_EQ(at, block) << step;
            at = o.by.next(o.roots.one, at);
        }
        ASSERT_EQ(at, 0U);
    }
}

}  // namespace
