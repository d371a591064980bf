// Jobs that stand or fall with the user's own transaction.
#include "sqlite/store.hpp"

namespace queuectl_test {
namespace {

class SqliteUserTransaction : public ::testing::Test {
protected:
    SqliteUserTransaction()
    {
        EXPECT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
        run("PRAGMA journal_mode=WAL; PRAGMA busy_timeout=1000; CREATE TABLE orders (n)");
        EXPECT_TRUE(sqlite_storage::create_schema(db));
        ::chmod(path.c_str(), 0600);
    }
    ~SqliteUserTransaction() override { sqlite3_close_v2(db); }

    void run(const char* sql) { EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sql; }

    temporary_folder folder;
    std::string path = folder / "app.db";
    sqlite3* db = nullptr;
};

TEST_F(SqliteUserTransaction, CommitsWithTheUsersRows)
{
    auto queue = sqlite_storage::on(db);
    run("BEGIN; INSERT INTO orders VALUES (1)");
    EXPECT_EQ(put(queue, make_job("a")), insert_status::inserted);
    auto workers = open_store(path);
    EXPECT_FALSE(*workers.find("a")) << "not before the commit";
    run("COMMIT");
    EXPECT_EQ(take(workers, 5).size(), 1u);
}

TEST_F(SqliteUserTransaction, GoesWithTheUsersRollback)
{
    auto queue = sqlite_storage::on(db);
    run("BEGIN");
    put(queue, make_job("a"));
    run("ROLLBACK");
    auto workers = open_store(path);
    EXPECT_TRUE(take(workers, 5).empty());
    std::vector<queue_counts> counts;
    ASSERT_TRUE(workers.counts(counts));
    EXPECT_TRUE(counts.empty());
}

TEST_F(SqliteUserTransaction, SettlesInsideIt)
{
    auto workers = open_store(path);
    put(workers, make_job("a"));
    const auto leases = take(workers, 1);
    auto queue = sqlite_storage::on(db);
    run("BEGIN; INSERT INTO orders VALUES (2)");
    EXPECT_EQ(settle(queue, ended(leases[0], verdict_kind::complete)), settle_status::applied);
    EXPECT_EQ(state_of(workers, "a"), state::processing);
    run("COMMIT");
    EXPECT_EQ(state_of(workers, "a"), state::completed);
}

TEST_F(SqliteUserTransaction, ARefusalLeavesTheUsersTransactionOpen)
{
    auto queue = sqlite_storage::on(db);
    auto workers = open_store(path);
    ASSERT_TRUE(workers.set_state(store_state::moved, "redis://there"));
    run("BEGIN; INSERT INTO orders VALUES (3)");
    const job j = make_job("a");
    insert_status status{};
    const auto refused = queue.insert({&j, 1}, {&status, 1}, at(1));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::moved);
    EXPECT_EQ(refused.error().detail, "redis://there");
    EXPECT_EQ(sqlite3_get_autocommit(db), 0);
    run("COMMIT");
}

TEST_F(SqliteUserTransaction, NotifyWakesAWaiter)
{
    auto workers = open_store(path);
    const auto seen = workers.changes();
    ASSERT_TRUE(sqlite_storage::notify(path));
    EXPECT_NE(workers.wait_for_change(seen, std::chrono::seconds{60}), seen);
}

TEST_F(SqliteUserTransaction, CreateSchemaAgainIsNothing)
{
    EXPECT_TRUE(sqlite_storage::create_schema(db));
    sqlite3* taken = nullptr;
    ASSERT_EQ(sqlite3_open((folder / "other.db").c_str(), &taken), SQLITE_OK);
    sqlite3_exec(taken, "CREATE TABLE jobs (x)", nullptr, nullptr, nullptr);
    const auto refused = sqlite_storage::create_schema(taken);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::conflict);
    sqlite3_close(taken);
}

}  // namespace
}  // namespace queuectl_test
