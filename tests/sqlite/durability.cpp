// Acknowledged = durable: what is synced before a verb returns.
#include "sqlite/store.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

static std::atomic<int> syncs{0};

// In place of the C library's, which SQLite calls: counted.
extern "C" int fdatasync(int fd)
{
    ++syncs;
    return static_cast<int>(::syscall(SYS_fdatasync, fd));
}
extern "C" int fsync(int fd)
{
    ++syncs;
    return static_cast<int>(::syscall(SYS_fsync, fd));
}

namespace queuectl_test {
namespace {

struct counted {
    int insert = 0;
    int claim = 0;
    int settle = 0;
};

// The syncs of each verb on a store that has taken a job before, by a handle that did not make it: its connection has
// no settings but those that every connection is given, and creating a store must not be what makes it durable.
counted syncs_with(sqlite_options options)
{
    const temporary_folder folder;
    {
        open_store(folder / "q.db", options);
    }
    auto s = open_store(folder / "q.db", options);
    put(s, make_job("first"));
    counted out;
    const auto count = [](int& into, auto&& verb) {
        const int before = syncs;
        verb();
        into = syncs - before;
    };
    count(out.insert, [&] { put(s, make_job("second")); });
    claim_request request;
    request.worker = "worker";
    request.nonce = {1, 1};
    std::vector<lease> leases;
    count(out.claim, [&] { EXPECT_TRUE(s.claim(request, leases, at(10))); });
    EXPECT_EQ(leases.size(), 1u);
    if (leases.empty()) return out;
    const auto done = ended(leases[0], verdict_kind::complete);
    settle_status status{};
    count(out.settle, [&] { EXPECT_TRUE(s.settle({&done, 1}, {&status, 1}, at(11))); });
    return out;
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

}  // namespace
}  // namespace queuectl_test
