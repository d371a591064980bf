// What goes wrong with a server, and what a call says then.
#include "redis/life.hpp"

#include <sys/wait.h>

namespace queuectl_test {
namespace {

TEST(RedisFailures, AtMaxmemoryInsertsAreRefusedAndRunningJobsEnd)
{
    redis_server server;
    auto store = open_store(server.address());
    ASSERT_TRUE(put(store, make_job("running")));
    ASSERT_TRUE(put(store, make_job("waiting")));
    auto leases = take(store);
    ASSERT_TRUE(leases);
    ASSERT_EQ(leases->size(), 1U);
    server.ask({"CONFIG", "SET", "maxmemory", "1"});

    EXPECT_EQ(code_of(put(store, make_job("refused"))), errc::store_full);
    auto s = success(leases->front());
    s.result = "kept";
    auto settled = settle(store, s);
    ASSERT_TRUE(settled) << settled.error().message();
    EXPECT_EQ(*settled, settle_status::applied);
    EXPECT_EQ(take(store).value().size(), 1U);
    EXPECT_EQ(find(store, "running").result, "kept");
    auto found = store.find("refused");
    ASSERT_TRUE(found);
    EXPECT_FALSE(found->has_value());
    EXPECT_TRUE(redis_storage::open(server.address())) << "a worker must be able to start";

    server.ask({"CONFIG", "SET", "maxmemory", "0"});
    EXPECT_TRUE(put(store, make_job("refused")));
}

TEST(RedisFailures, ForgottenScriptsAreLoadedAgain)
{
    auto store = open_store(shared_server().address(fresh_prefix()));
    ASSERT_TRUE(put(store, make_job("a")));
    shared_server().ask({"SCRIPT", "FLUSH"});
    EXPECT_EQ(put(store, make_job("b")).value(), insert_status::inserted);
}

TEST(RedisFailures, NoServerIsUnreachable)
{
    redis_address nowhere;
    nowhere.port = 1;
    EXPECT_EQ(code_of(redis_storage::open(nowhere)), errc::unreachable);

    redis_server server;
    redis_options options;
    options.timeout = std::chrono::milliseconds{200};
    auto store = open_store(server.address(), options);
    server.kill();
    EXPECT_EQ(code_of(put(store, make_job("a"))), errc::unreachable);
    EXPECT_EQ(code_of(store.find("a")), errc::unreachable);
}

TEST(RedisFailures, ALostAnswerIsAnUnknownOutcomeAndRepeatingIsSafe)
{
    redis_server server{{"--appendonly", "yes"}};
    redis_options options;
    options.timeout = std::chrono::milliseconds{300};
    auto store = open_store(server.address(), options);
    ASSERT_TRUE(put(store, make_job("before")));
    const job j = make_job("a");
    server.signal(SIGSTOP);
    EXPECT_EQ(code_of(put(store, j)), errc::outcome_unknown);
    server.signal(SIGCONT);
    EXPECT_EQ(put(store, j).value(), insert_status::inserted);
    EXPECT_EQ(count(store, state::pending), 2U);
}

TEST(RedisFailures, AReplicaIsReadOnlyAndStillRead)
{
    redis_server server;
    auto store = open_store(server.address());
    ASSERT_TRUE(put(store, make_job("a")));
    server.ask({"REPLICAOF", "127.0.0.1", "1"});
    EXPECT_EQ(code_of(put(store, make_job("b"))), errc::read_only);
    EXPECT_EQ(find(store, "a").state, state::pending);
}

TEST(RedisFailures, AServerThatCannotWriteItsDiskSaysSo)
{
    const auto kind = [](const char* text) { return detail::redis::error_of_reply("insert", text).code; };
    EXPECT_EQ(kind("MISCONF Errors writing to the AOF file: No space left on device"), errc::store_full);
    EXPECT_EQ(kind("MISCONF Errors writing to the AOF file: Input/output error"), errc::io);
    EXPECT_EQ(kind("LOADING Redis is loading the dataset in memory"), errc::busy);
    EXPECT_EQ(kind("OOM command not allowed when used memory > 'maxmemory'."), errc::store_full);
    EXPECT_EQ(kind("NOAUTH Authentication required."), errc::permission);
    EXPECT_EQ(kind("NOPERM this user has no permissions to run the 'evalsha' command"), errc::permission);
    EXPECT_EQ(kind("QUEUECTL moved lmdb:/there"), errc::moved);
}

TEST(RedisFailures, PasswordsAreAskedForAndNeverShown)
{
    redis_server server;
    server.ask({"ACL", "SETUSER", "worker", "on", ">s3cret", "allkeys", "allchannels", "+@all", "-config", "-info"});
    server.ask({"ACL", "SETUSER", "default", "off"});
    auto address = server.address();
    const auto refused = redis_storage::open(address);
    EXPECT_EQ(code_of(refused), errc::permission);
    address.user = "worker";
    address.password = "wrong-pass";
    const auto wrong = redis_storage::open(address);
    ASSERT_EQ(code_of(wrong), errc::permission);
    EXPECT_EQ(wrong.error().message().find("wrong-pass"), std::string::npos) << wrong.error().message();
    address.password = "s3cret";
    auto store = open_store(address);
    EXPECT_TRUE(put(store, make_job("a")));
    const auto info = store.info();
    ASSERT_TRUE(info);
    EXPECT_EQ(info->location.find("s3cret"), std::string::npos);
    EXPECT_EQ(info->durability, durability::none) << "what is not told is not promised";
    const auto doubts = store.doubts();
    ASSERT_TRUE(doubts);
    ASSERT_EQ(doubts->size(), 1U);
    EXPECT_NE(doubts->front().find("not known"), std::string::npos);
}

TEST(RedisFailures, SettingsThatCannotKeepAPromiseAreNamed)
{
    redis_server server{{"--appendonly", "yes", "--appendfsync", "always"}};
    auto store = open_store(server.address());
    EXPECT_EQ(store.info()->durability, durability::full);
    EXPECT_TRUE(store.doubts()->empty());
    server.ask({"CONFIG", "SET", "appendfsync", "everysec"});
    server.ask({"CONFIG", "SET", "maxmemory", "1000000000"});
    server.ask({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"});
    EXPECT_EQ(store.info()->durability, durability::interval);
    std::string all;
    const auto doubts = store.doubts();
    ASSERT_TRUE(doubts);
    for (const auto& line : *doubts) all += line + '\n';
    EXPECT_NE(all.find("appendfsync is everysec"), std::string::npos) << all;
    EXPECT_NE(all.find("maxmemory-policy is allkeys-lru"), std::string::npos) << all;
    server.ask({"CONFIG", "SET", "appendonly", "no"});
    EXPECT_NE(store.doubts()->front().find("appendonly is no"), std::string::npos);
}

TEST(RedisFailures, OldServersAndClustersWithoutBracesAreRefused)
{
    namespace r = detail::redis;
    redis_address plain;
    redis_address braces;
    braces.prefix = "{jobs}:";
    const auto old = r::facts_of_info("# Server\r\nredis_version:6.2.7\r\n");
    EXPECT_EQ(code_of(r::check_server(old, plain)), errc::unsupported);
    const auto cluster = r::facts_of_info("# Server\r\nredis_version:7.2.4\r\ncluster_enabled:1\r\n");
    EXPECT_EQ(code_of(r::check_server(cluster, plain)), errc::unsupported);
    EXPECT_TRUE(r::check_server(cluster, braces));
}

TEST(RedisFailures, AClusterTakesAStoreInOneSlot)
{
    redis_server server{{"--cluster-enabled", "yes"}};
    EXPECT_EQ(code_of(redis_storage::open(server.address())), errc::unsupported);
    server.ask({"CLUSTER", "ADDSLOTSRANGE", "0", "16383"});
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (server.ask({"CLUSTER", "INFO"}).text.find("cluster_state:ok") == std::string::npos &&
           std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    auto store = open_store(server.address("{queuectl}:"));
    ASSERT_TRUE(put(store, make_job("a")));
    auto leases = take(store);
    ASSERT_TRUE(leases) << leases.error().message();
    ASSERT_EQ(leases->size(), 1U);
    EXPECT_EQ(settle(store, success(leases->front())).value(), settle_status::applied);
}

TEST(RedisFailures, AHandleIsRefusedAfterFork)
{
    auto store = open_store(shared_server().address(fresh_prefix()));
    const pid_t child = ::fork();
    if (child == 0) ::_exit(code_of(put(store, make_job("a"))) == errc::unsupported ? 0 : 1);
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(put(store, make_job("a")));
}

TEST(RedisFailures, ARemovedStoreIsNotMadeAnew)
{
    auto address = shared_server().address(fresh_prefix());
    auto store = open_store(address);
    shared_server().ask({"UNLINK", address.prefix + "store"});
    EXPECT_EQ(code_of(put(store, make_job("a"))), errc::not_found);
    redis_options reading;
    reading.read_only = true;
    EXPECT_EQ(code_of(redis_storage::open(address, reading)), errc::not_found);
}

TEST(RedisFailures, ANewerFormatIsRefused)
{
    auto address = shared_server().address(fresh_prefix());
    auto store = open_store(address);
    shared_server().ask({"HSET", address.prefix + "store", "gate", "4 5 0"});
    EXPECT_EQ(code_of(put(store, make_job("a"))), errc::wrong_version);
    EXPECT_TRUE(store.find("a"));
    shared_server().ask({"HSET", address.prefix + "store", "gate", "5 5 0"});
    EXPECT_EQ(code_of(store.find("a")), errc::wrong_version);
    EXPECT_EQ(code_of(redis_storage::open(address)), errc::wrong_version);
}

TEST(RedisFailures, AnOlderFormatIsRefusedInOneLine)
{
    auto address = shared_server().address(fresh_prefix());
    shared_server().ask({"HSET", address.prefix + "store", "format", "3", "gate", "3 3 0"});
    const auto refused = redis_storage::open(address);
    ASSERT_EQ(code_of(refused), errc::wrong_version);
    EXPECT_NE(refused.error().message().find("older version"), std::string::npos) << refused.error().message();
}

TEST(RedisFailures, APathThatIsTooLong)
{
    redis_address long_path;
    long_path.unix_path.assign(200, 'p');
    EXPECT_EQ(code_of(redis_storage::open(long_path)), errc::invalid_argument);
}

}  // namespace
}  // namespace queuectl_test
