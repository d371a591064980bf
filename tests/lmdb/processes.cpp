// Several processes on one store: every job once, wake-ups, and nothing lost to SIGKILL.
#include "shared/processes.hpp"
#include "lmdb/store.hpp"

#include <thread>

namespace queuectl_test {

INSTANTIATE_TYPED_TEST_SUITE_P(LmdbProcesses, StoreProcesses, lmdb_kind);

namespace {

TEST(LmdbProcesses, AChangeThatNobodyTellsOfIsNoticedInFiveSeconds)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q");
    const auto seen = s.changes();
    std::thread waiter{[&] {
        const auto start = detail::monotonic_us();
        EXPECT_NE(s.wait_for_change(seen, std::chrono::seconds{60}), seen);
        EXPECT_LT(detail::monotonic_us() - start, 12'000'000);
    }};
    MDB_txn* txn = nullptr;
    MDB_dbi own = 0;
    ::usleep(100'000);
    EXPECT_EQ(mdb_txn_begin(s.env(), nullptr, 0, &txn), 0);
    EXPECT_EQ(mdb_dbi_open(txn, "mine", MDB_CREATE, &own), 0);
    EXPECT_EQ(mdb_txn_commit(txn), 0);
    waiter.join();
}

}  // namespace
}  // namespace queuectl_test
