// Jobs that stand or fall with the user's own transaction.
#include "lmdb/store.hpp"

#include <thread>

namespace queuectl_test {
namespace {

class LmdbUserTransaction : public ::testing::Test {
protected:
    void begin()
    {
        ASSERT_EQ(mdb_txn_begin(store.env(), nullptr, 0, &txn), 0);
        ASSERT_EQ(mdb_dbi_open(txn, "orders", MDB_CREATE, &orders), 0);
    }
    void order(const std::string& text)
    {
        MDB_val key{text.size(), const_cast<char*>(text.data())};
        EXPECT_EQ(mdb_put(txn, orders, &key, &key, 0), 0);
    }
    [[nodiscard]] bool has_order(const std::string& text)
    {
        EXPECT_EQ(mdb_txn_begin(store.env(), nullptr, MDB_RDONLY, &txn), 0);
        EXPECT_EQ(mdb_dbi_open(txn, "orders", 0, &orders), 0);
        MDB_val key{text.size(), const_cast<char*>(text.data())};
        MDB_val value{};
        const int rc = mdb_get(txn, orders, &key, &value);
        mdb_txn_abort(txn);
        return rc == 0;
    }
    static lmdb_options small()
    {
        lmdb_options options;
        options.map_bytes = 256 << 10;
        options.busy = std::chrono::milliseconds{50};
        return options;
    }

    temporary_folder folder;
    std::string path = folder / "q";
    lmdb_storage store = open_store(path, small());
    MDB_txn* txn = nullptr;
    MDB_dbi orders = 0;
};

TEST_F(LmdbUserTransaction, CommitsWithTheUsersRowsAndWakesTheWorkers)
{
    const auto seen = store.changes();
    {
        auto turn = store.turn();
        ASSERT_TRUE(turn);
        begin();
        order("one");
        auto queue = lmdb_storage::on(txn);
        EXPECT_EQ(put(queue, make_job("a")), insert_status::inserted);
        bool visible = true;
        std::thread{[&] { visible = store.find("a")->has_value(); }}.join();
        EXPECT_FALSE(visible) << "not before the commit";
        ASSERT_EQ(mdb_txn_commit(txn), 0);
    }
    EXPECT_NE(store.changes(), seen);
    EXPECT_TRUE(has_order("one"));
    EXPECT_EQ(take(store, 5).size(), 1u);
}

TEST_F(LmdbUserTransaction, GoesWithTheUsersAbort)
{
    {
        auto turn = store.turn();
        begin();
        auto queue = lmdb_storage::on(txn);
        put(queue, make_job("a"));
        mdb_txn_abort(txn);
    }
    EXPECT_TRUE(take(store, 5).empty());
    std::vector<queue_counts> counts;
    ASSERT_TRUE(store.counts(counts));
    EXPECT_TRUE(counts.empty());
}

TEST_F(LmdbUserTransaction, SettlesInsideIt)
{
    put(store, make_job("a"));
    const auto leases = take(store, 1);
    {
        auto turn = store.turn();
        begin();
        order("two");
        auto queue = lmdb_storage::on(txn);
        EXPECT_EQ(settle(queue, ended(leases.at(0), verdict_kind::complete)), settle_status::applied);
        ASSERT_EQ(mdb_txn_commit(txn), 0);
    }
    EXPECT_EQ(state_of(store, "a"), state::completed);
}

TEST_F(LmdbUserTransaction, AFullMapIsToldAndLeavesTheUsersPartOfTheTransaction)
{
    std::vector<job> jobs(1000);
    for (auto& j : jobs) {
        j = make_job("job" + std::to_string(&j - jobs.data()));
        j.payload.assign(600, 'x');
    }
    std::vector<insert_status> statuses(jobs.size());
    int tries = 0;
    for (bool done = false; !done; ++tries) {
        ASSERT_LT(tries, 10);
        auto turn = store.turn();
        ASSERT_TRUE(turn);
        begin();
        order("three");
        auto queue = lmdb_storage::on(txn);
        const auto told = queue.insert(jobs, statuses, at(1));
        done = told.has_value();
        if (done) {
            ASSERT_EQ(mdb_txn_commit(txn), 0);
            continue;
        }
        EXPECT_EQ(told.error().code, errc::store_full);
        EXPECT_EQ(put(queue, make_job("small")), insert_status::inserted) << "the transaction is as it was before";
        mdb_txn_abort(txn);
        {
            const auto given_up = std::move(*turn);
        }
        ASSERT_TRUE(store.grow());
    }
    EXPECT_GT(tries, 1);
    EXPECT_TRUE(has_order("three"));
    EXPECT_EQ(take(store, 1000).size(), 1000u);
}

TEST_F(LmdbUserTransaction, ARefusalLeavesTheUsersTransactionOpen)
{
    ASSERT_TRUE(store.set_state(store_state::moved, "redis://there"));
    auto turn = store.turn();
    begin();
    order("four");
    auto queue = lmdb_storage::on(txn);
    const job j = make_job("a");
    insert_status status{};
    const auto refused = queue.insert({&j, 1}, {&status, 1}, at(1));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::moved);
    EXPECT_EQ(refused.error().detail, "redis://there");
    ASSERT_EQ(mdb_txn_commit(txn), 0);
    EXPECT_TRUE(has_order("four"));
}

TEST_F(LmdbUserTransaction, OthersWaitForItNoLongerThanTheyWould)
{
    auto turn = store.turn();
    ASSERT_TRUE(turn);
    const job j = make_job("a");
    insert_status status{};
    errc code{};
    std::thread{[&] { code = store.insert({&j, 1}, {&status, 1}, at(1)).error().code; }}.join();
    EXPECT_EQ(code, errc::busy);
}

TEST_F(LmdbUserTransaction, OnAnotherEnvironmentIsRefused)
{
    MDB_env* env = nullptr;
    std::filesystem::create_directory(folder / "other");
    ASSERT_EQ(mdb_env_create(&env), 0);
    ASSERT_EQ(mdb_env_open(env, (folder / "other").c_str(), 0, 0600), 0);
    ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
    auto queue = lmdb_storage::on(txn);
    const job j = make_job("a");
    insert_status status{};
    const auto refused = queue.insert({&j, 1}, {&status, 1}, at(1));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::unsupported);
    mdb_txn_abort(txn);
    mdb_env_close(env);
}

TEST_F(LmdbUserTransaction, AnEnvironmentOfTheUsersBecomesAStoreWhereThatIsWanted)
{
    MDB_env* env = nullptr;
    std::filesystem::create_directory(folder / "app");
    ASSERT_EQ(mdb_env_create(&env), 0);
    ASSERT_EQ(mdb_env_set_maxdbs(env, 4), 0);
    ASSERT_EQ(mdb_env_open(env, (folder / "app").c_str(), 0, 0600), 0);
    ASSERT_EQ(mdb_txn_begin(env, nullptr, 0, &txn), 0);
    ASSERT_EQ(mdb_dbi_open(txn, "orders", MDB_CREATE, &orders), 0);
    ASSERT_EQ(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
    const auto refused = lmdb_storage::open(folder / "app");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::corrupt);
    EXPECT_FALSE(std::filesystem::exists(folder / "app/control")) << "nothing is put into other people's folders";
    lmdb_options options;
    options.adopt = true;
    auto s = open_store(folder / "app", options);
    EXPECT_EQ(put(s, make_job("a")), insert_status::inserted);
}

}  // namespace
}  // namespace queuectl_test
