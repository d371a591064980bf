#include "index_checks.hpp"
#include "index_testing.hpp"

#include <queuectl/testing/seeded_random.hpp>

#include <functional>
#include <map>
#include <random>
#include <unordered_set>

namespace {

using namespace queuectl;
using namespace queuectl::journal;
using namespace queuectl::journal_testing;

struct named_block {
    std::uint32_t bytes = 0;
    table_entry entry;
    char id[52] = {};
};
using table_type = id_table<offsetof(named_block, entry)>;
using check_type = table_check<offsetof(named_block, entry)>;

struct named {
    index_space space = private_space();
    table_roots& roots = space.roots<table_roots>();
    table_type by{space, roots};

    ref make(const std::string& id)
    {
        const ref block = space.allocate(sizeof(named_block));
        auto& m = *space.get<named_block>(block);
        m.bytes = static_cast<std::uint32_t>(id.copy(m.id, sizeof m.id));
        return block;
    }
    ref add(const std::string& id)
    {
        EXPECT_TRUE(by.reserve(1));
        const ref block = make(id);
        by.add(block, id_hash(id, space.seed()));
        return block;
    }
    [[nodiscard]] ref find(const std::string& id) const
    {
        const auto hash = id_hash(id, space.seed());
        by.prefetch(hash);
        by.prefetch_member(hash);
        return by.find(hash, [&](ref at) {
            const auto& m = *space.get<named_block>(at);
            return std::string_view{m.id, m.bytes} == id;
        });
    }
};

TEST(IndexTable, FindsWhatWasAdded)
{
    named n;
    EXPECT_EQ(n.find("a"), 0U);
    const ref a = n.add("a"), b = n.add("b");
    EXPECT_EQ(n.find("a"), a);
    EXPECT_EQ(n.find("b"), b);
    EXPECT_EQ(n.find("c"), 0U);
    n.by.drop(a);
    EXPECT_EQ(n.find("a"), 0U);
    EXPECT_EQ(n.find("b"), b);
    const ref other = n.make("b");
    n.by.replace(b, other);
    EXPECT_EQ(n.find("b"), other);
    EXPECT_EQ(n.roots.size, 1U);
    n.by.drop(other);
    EXPECT_EQ(n.find("b"), 0U);
    EXPECT_EQ(n.roots.size, 0U);
}

TEST(IndexTable, TheSameHashForAll)
{
    named n;
    std::vector<ref> blocks;
    ASSERT_TRUE(n.by.reserve(300));
    for (int i = 0; i < 300; ++i) {
        blocks.push_back(n.make(std::to_string(i)));
        n.by.add(blocks.back(), 7);
    }
    EXPECT_EQ(check_type(n.space, n.roots).wrong(), "");
    for (const ref block : blocks) EXPECT_EQ(n.by.find(7, [&](ref at) { return at == block; }), block);
    EXPECT_EQ(n.by.find(7 + 64, [](ref) { return true; }), 0U);
    n.by.replace(blocks[150], n.make("other"));
    for (std::size_t i = 0; i < 300; i += 2)
        if (i != 150) n.by.drop(blocks[i]);
    EXPECT_EQ(check_type(n.space, n.roots).wrong(), "");
    EXPECT_EQ(n.roots.size, 151U);
}

// Ids as people make them: chains stay short, and neighbours are near each other.
TEST(IndexTable, IdsOfAllKindsSpread)
{
    seeded_random random{5};
    const std::function<std::string(std::uint64_t)> kinds[] = {
        [](std::uint64_t i) { return std::to_string(i); },
        [](std::uint64_t i) { return "job-" + std::to_string(i); },
        [](std::uint64_t i) { return "file-" + std::to_string(i) + ".mp4"; },
        [](std::uint64_t i) { return "nightly-backup-of-host-" + std::to_string(i) + ".example.org-1"; },
        [&](std::uint64_t) {
            return to_hex({random.next(), random.next()});
        },
        [](std::uint64_t i) { return std::string(i % 40 + 1, static_cast<char>('a' + i % 26)) + std::to_string(i); },
    };
    for (const auto& kind : kinds) {
        named n;
        std::unordered_set<std::uint32_t> hashes;
        for (std::uint64_t i = 0; i < 50'000; ++i) {
            const std::string id = kind(i);
            ASSERT_NE(n.add(id), 0U);
            hashes.insert(id_hash(id, n.space.seed()));
            n.space.commit();
        }
        const check_type check{n.space, n.roots};
        EXPECT_EQ(check.wrong(), "") << kind(1);
        EXPECT_LT(check.longest(), 13U) << kind(1);
        EXPECT_GT(hashes.size(), 49'950U) << kind(1);
    }
    const auto near = [](const char* a, const char* b) { return (id_hash(a, 1) ^ id_hash(b, 1)) < 16; };
    EXPECT_TRUE(near("job-123450", "job-123459"));
    EXPECT_FALSE(near("job-123450", "job-123460"));
    EXPECT_NE(id_hash("a", 1), id_hash("a", 2));
    EXPECT_NE(id_hash("", 1), id_hash("", 2));
}

TEST(IndexTable, AsAMapUnderRandomOperations)
{
    const std::uint64_t seed = std::random_device{}();
    SCOPED_TRACE(seed);
    seeded_random random{seed};
    named n;
    std::map<std::string, ref> model;
    std::map<std::string, ref> committed;
    for (int step = 0; step < 30'000; ++step) {
        const std::string id = "job-" + std::to_string(random.below(3000));
        const auto at = model.find(id);
        ASSERT_EQ(n.find(id), at == model.end() ? 0 : at->second) << step;
        if (at == model.end()) {
            model[id] = n.add(id);
        } else if (random.one_in(3)) {
            const ref with = n.make(id);
            n.by.replace(at->second, with);
            n.space.release(at->second, sizeof(named_block));
            at->second = with;
        } else if (random.one_in(2)) {
            n.by.drop(at->second);
            n.space.release(at->second, sizeof(named_block));
            model.erase(at);
        }
        if (random.one_in(20)) {
            n.space.commit();
            committed = model;
        } else if (random.one_in(20)) {
            n.space.rollback();
            model = committed;
        }
        if (!random.one_in(500)) continue;
        const check_type check{n.space, n.roots};
        ASSERT_EQ(check.wrong(), "") << step;
        ASSERT_EQ(check.members().size(), model.size());
        for (const auto& [name, block] : model) ASSERT_EQ(n.find(name), block) << step;
    }
}

TEST(IndexTable, NoRoomForBucketsIsSaidAndOnlySlows)
{
    const process_testing::temporary_directory directory;
    const int status = in_child([&] {
        auto space = space_in(directory.path() + "/store");
        if (!space.clear(boot_a, store_a, 1) || !space.reserve(2 << 20, 1 << 20)) return 1;
        limit_files(64 << 10);
        auto& roots = space.roots<table_roots>();
        table_type table{space, roots};
        if (!table.reserve(16'000)) return 2;
        const auto refused = table.reserve(20'000);
        if (refused || refused.error().code != errc::store_full) return 3;
        for (std::uint32_t i = 0; i < 20'000; ++i) {
            table.add(space.allocate(sizeof(named_block)), i * 0x9e3779b1U);
            space.commit();
        }
        if (!space.valid(boot_a, store_a, 1) || roots.bucket_count != 16'384) return 4;
        return check_type(space, roots).wrong() == " load" ? 0 : 5;
    });
    EXPECT_EQ(status, 0);
}

}  // namespace
