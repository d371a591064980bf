// Acknowledged = durable: what is synced before a verb returns.
#include "shared/durability.hpp"
#include "sqlite/store.hpp"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

static std::atomic<int> syncs{0};
static std::atomic<int> folder_syncs{0};

static void count_sync(int fd)
{
    struct stat what {};
    ++syncs;
    if (::fstat(fd, &what) == 0 && S_ISDIR(what.st_mode)) ++folder_syncs;
}

// In place of the C library's, which SQLite calls: counted.
extern "C" int fdatasync(int fd)
{
    count_sync(fd);
    return static_cast<int>(::syscall(SYS_fdatasync, fd));
}
extern "C" int fsync(int fd)
{
    count_sync(fd);
    return static_cast<int>(::syscall(SYS_fsync, fd));
}

namespace queuectl_test {
namespace {

paid_by_verb<int> syncs_with(const sqlite_options& options)
{
    return paid_with<sqlite_kind>(options, [] { return syncs.load(); });
}

TEST(SqliteDurability, FullSyncsInsertsAndSettlesBeforeTheyReturn)
{
    const auto full = syncs_with({});
    EXPECT_GE(full.insert, 1);
    EXPECT_GE(full.settle, 1);
    EXPECT_EQ(full.claim, 0) << "a lease recovers a claim that is lost";
}

TEST(SqliteDurability, SyncedClaimsAreSynced)
{
    sqlite_options options;
    options.sync_claims = true;
    EXPECT_GE(syncs_with(options).claim, 1);
}

TEST(SqliteDurability, NoneSyncsNothing)
{
    sqlite_options options;
    options.durability = durability::none;
    const auto none = syncs_with(options);
    EXPECT_EQ(none.insert + none.claim + none.settle, 0);
}

// What one process after the other pays: a handle that makes one insert.
struct paid {
    int syncs = 0;
    int folder_syncs = 0;
};
paid insert_alone(const std::string& path, const std::string& id)
{
    auto s = open_store(path);
    const paid before{syncs, folder_syncs};
    put(s, make_job(id));
    return {syncs - before.syncs, folder_syncs - before.folder_syncs};
}

TEST(SqliteDurability, TheFolderIsSyncedWithANewLogOnly)
{
    const temporary_folder folder;
    const auto path = folder / "q.db";
    insert_alone(path, "first");
    const auto known = insert_alone(path, "second");
    EXPECT_EQ(known.syncs, 1);
    EXPECT_EQ(known.folder_syncs, 0);

    run_sql(path, "PRAGMA wal_checkpoint(TRUNCATE); PRAGMA synchronous");
    EXPECT_FALSE(std::filesystem::exists(path + "-wal")) << "the last connection of a foreign program removes it";
    EXPECT_GE(insert_alone(path, "third").folder_syncs, 1);

    std::filesystem::resize_file(path + "-wal", 32);  // its maker died before the sync of the header
    EXPECT_GE(insert_alone(path, "fourth").folder_syncs, 1);
}

TEST(SqliteDurability, ManyProcessesOfOneInsertOverwriteTheLogInPlace)
{
    const temporary_folder folder;
    const auto path = folder / "q.db";
    std::uintmax_t longest = 0;
    std::uintmax_t before = 0;
    int paid_syncs = 0;
    constexpr int inserts = 120;
    for (int i = 0; i < inserts; ++i) {
        paid_syncs += insert_alone(path, "job-" + std::to_string(i)).syncs;
        const auto now = std::filesystem::file_size(path + "-wal");
        EXPECT_GE(now, before) << "it is not cut, which would make it grow again";
        before = now;
        longest = std::max(longest, now);
    }
    EXPECT_LE(longest, std::uintmax_t{320} << 10) << "each process reads the log";
    EXPECT_LE(paid_syncs, inserts + inserts / 2) << "a checkpoint each 15 inserts or so";
    std::vector<queue_counts> counts;
    ASSERT_TRUE(open_store(path).counts(counts));
    ASSERT_EQ(counts.size(), 1u);
    EXPECT_EQ(counts[0].by_state[static_cast<std::size_t>(state::pending)], std::uint64_t{inserts});
}

}  // namespace
}  // namespace queuectl_test
