// Acknowledged = durable: what is synced before a verb returns, and what a failed write or sync means.
#include "shared/durability.hpp"
#include "lmdb/store.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

static std::atomic<int> syncs{0};
static std::atomic<int> meta_syncs{0};
static std::atomic<bool> syncs_fail{false};
static std::atomic<bool> meta_writes_fail{false};

// In place of the C library's, which LMDB calls: counted, and made to fail.
extern "C" int fdatasync(int fd)
{
    ++syncs;
    if (syncs_fail) return errno = EIO, -1;
    return static_cast<int>(::syscall(SYS_fdatasync, fd));
}
// LMDB writes its meta page to a descriptor of its own, opened with O_DSYNC, where that is to be synced.
extern "C" ssize_t pwrite(int fd, const void* bytes, size_t count, off_t at)
{
    const bool meta = (::fcntl(fd, F_GETFL) & O_DSYNC) != 0;
    meta_syncs += meta ? 1 : 0;
    if (meta && meta_writes_fail) return errno = EIO, -1;
    return ::syscall(SYS_pwrite64, fd, bytes, count, at);
}
extern "C" ssize_t pwrite64(int fd, const void* bytes, size_t count, off64_t at)
{
    return pwrite(fd, bytes, count, at);
}

namespace queuectl_test {
namespace {

struct flushes {
    int data = 0;
    int meta = 0;
    friend bool operator==(const flushes&, const flushes&) = default;
    friend flushes operator-(const flushes& a, const flushes& b) { return {a.data - b.data, a.meta - b.meta}; }
};
paid_by_verb<flushes> flushes_with(const lmdb_options& options)
{
    return paid_with<lmdb_kind>(options, [] { return flushes{syncs, meta_syncs}; });
}

constexpr flushes whole{1, 1};
constexpr flushes but_the_end{1, 0};
constexpr flushes none{0, 0};

TEST(LmdbDurability, FullSyncsWholeWhatItAcknowledges)
{
    const auto full = flushes_with({});
    EXPECT_EQ(full.insert, whole);
    EXPECT_EQ(full.settle, whole);
    EXPECT_EQ(full.fused, whole);
    EXPECT_EQ(full.claim, but_the_end) << "a lease recovers a claim that is lost, but nothing recovers a file that is "
                                          "half of one state and half of another";
}

TEST(LmdbDurability, SyncedClaimsAreSynced)
{
    lmdb_options options;
    options.sync_claims = true;
    EXPECT_EQ(flushes_with(options).claim, whole);
}

TEST(LmdbDurability, IntervalSyncsAllButTheEnd)
{
    lmdb_options options;
    options.durability = durability::interval;
    const auto some = flushes_with(options);
    EXPECT_EQ(some.insert, but_the_end);
    EXPECT_EQ(some.claim, but_the_end);
    EXPECT_EQ(some.settle, but_the_end);
}

TEST(LmdbDurability, NoneSyncsNothing)
{
    lmdb_options options;
    options.durability = durability::none;
    const auto nothing = flushes_with(options);
    EXPECT_EQ(nothing.insert, none);
    EXPECT_EQ(nothing.claim, none);
    EXPECT_EQ(nothing.settle, none);
}

TEST(LmdbDurability, HandlesOfOneProcessKeepTheirOwn)
{
    const temporary_folder folder;
    lmdb_options options;
    options.durability = durability::none;
    auto fast = open_store(folder / "q", options);
    auto safe = open_store(folder / "q");
    put(fast, make_job("a"));
    const int before = meta_syncs;
    put(safe, make_job("b"));
    EXPECT_EQ(meta_syncs, before + 1);
    put(fast, make_job("c"));
    EXPECT_EQ(meta_syncs, before + 1);
    EXPECT_EQ(fast.info()->durability, durability::none);
    EXPECT_EQ(safe.info()->durability, durability::full);
}

TEST(LmdbDurability, StatesAndRestoredJobsAreDurableWhateverTheStoreSays)
{
    const temporary_folder folder;
    lmdb_options options;
    options.durability = durability::none;
    auto s = open_store(folder / "q", options);
    int before = meta_syncs;
    ASSERT_TRUE(s.set_state(store_state::open, ""));
    EXPECT_EQ(meta_syncs, before + 1);
    stored_job j;
    j.record.job = make_job("a");
    insert_status status{};
    before = meta_syncs;
    ASSERT_TRUE(s.restore({&j, 1}, {&status, 1}, at(1)));
    EXPECT_EQ(meta_syncs, before + 1);
}

TEST(LmdbDurability, AFailedSyncOfDataChangesNothing)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q");
    put(s, make_job("a"));
    const job j = make_job("b");
    insert_status status{};
    syncs_fail = true;
    const auto refused = s.insert({&j, 1}, {&status, 1}, at(1));
    syncs_fail = false;
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::io);
    EXPECT_FALSE(*s.find("b"));
    EXPECT_EQ(put(s, j), insert_status::inserted);
    EXPECT_EQ(take(s, 5).size(), 2u);
}

TEST(LmdbDurability, AFailedWriteOfTheMetaPageLeavesTheOutcomeUnknownAndTheStoreGoesOn)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q");
    auto other = open_store(folder / "q");
    put(s, make_job("a"));
    const job j = make_job("b");
    insert_status status{};
    meta_writes_fail = true;
    const auto refused = s.insert({&j, 1}, {&status, 1}, at(1));
    meta_writes_fail = false;
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::outcome_unknown);
    EXPECT_EQ(put(s, j), insert_status::inserted) << "the same call again";
    EXPECT_EQ(state_of(other, "b"), state::pending);
    EXPECT_EQ(take(other, 5).size(), 2u);
}

}  // namespace
}  // namespace queuectl_test
