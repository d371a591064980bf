// A replica takes over: what was waited for is there, and no job has two current leases.
#include "redis/life.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

namespace queuectl_test {
namespace {

// A loopback port that nobody uses now.
std::string free_port()
{
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    EXPECT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&at), size), 0);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    ::close(fd);
    return std::to_string(ntohs(at.sin_port));
}

class RedisFailover : public ::testing::Test {
protected:
    void SetUp() override
    {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        while (replica_.ask({"INFO", "replication"}).text.find("master_link_status:up") == std::string::npos ||
               master_.ask({"WAIT", "1", "1000"}).number() != 1) {
            ASSERT_LT(std::chrono::steady_clock::now(), end) << "the replica does not follow";
            std::this_thread::sleep_for(std::chrono::milliseconds{10});
        }
    }
    void promote() { EXPECT_EQ(replica_.ask({"REPLICAOF", "NO", "ONE"}).text, "OK"); }
    static redis_options waiting()
    {
        redis_options o;
        o.replicas = 1;
        return o;
    }

    std::string port_ = free_port();
    redis_server master_{{"--port", port_, "--bind", "127.0.0.1", "--repl-diskless-sync-delay", "0"}};
    redis_server replica_{{"--replicaof", "127.0.0.1 " + port_, "--repl-diskless-sync-delay", "0"}};
};

TEST_F(RedisFailover, WhatWasWaitedForIsThere)
{
    auto store = open_store(master_.address(), waiting());
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(put(store, make_job("j" + std::to_string(i))));
    auto leases = take(store, 10);
    ASSERT_TRUE(leases) << leases.error().message();
    ASSERT_EQ(settle(store, success(leases->front())).value(), settle_status::applied);
    master_.kill();
    promote();
    auto after = open_store(replica_.address());
    EXPECT_EQ(count(after, state::pending), 40U);
    EXPECT_EQ(count(after, state::processing), 9U);
    EXPECT_EQ(count(after, state::completed), 1U);
    for (std::size_t i = 1; i < leases->size(); ++i)
        EXPECT_EQ(settle(after, success((*leases)[i])).value(), settle_status::applied);
    EXPECT_EQ(settle(after, success(leases->front())).value(), settle_status::applied) << "repeated";
}

TEST_F(RedisFailover, AClaimThatTheReplicaMissedIsRefusedThere)
{
    auto store = open_store(master_.address(), waiting());
    ASSERT_TRUE(put(store, make_job("a")));
    promote();  // the old master goes on for a while
    auto unwaited = open_store(master_.address());
    auto old = take(unwaited);
    ASSERT_TRUE(old);
    ASSERT_EQ(old->size(), 1U);
    auto after = open_store(replica_.address());
    auto now = take(after);
    ASSERT_TRUE(now);
    ASSERT_EQ(now->size(), 1U);
    EXPECT_EQ(settle(after, success(old->front())).value(), settle_status::lease_lost);
    const auto receipt = old->front().receipt();
    extend_status held{};
    ASSERT_TRUE(after.extend({&receipt, 1}, std::chrono::seconds{9}, {&held, 1}, real_now()));
    EXPECT_EQ(held, extend_status::lease_lost);
    EXPECT_EQ(settle(after, success(now->front())).value(), settle_status::applied);
}

TEST_F(RedisFailover, AWriteWithoutItsReplicasIsAnUnknownOutcome)
{
    auto options = waiting();
    options.replica_timeout = std::chrono::milliseconds{50};
    static_cast<void>(open_store(master_.address(), waiting()));  // makes the store, on both
    auto store = open_store(master_.address(), options);
    promote();
    const job j = make_job("a");
    const auto told = put(store, j);
    ASSERT_EQ(code_of(told), errc::outcome_unknown);
    EXPECT_NE(told.error().message().find("0 of 1 replicas"), std::string::npos) << told.error().message();
    auto plain = open_store(master_.address());
    EXPECT_EQ(put(plain, j).value(), insert_status::inserted) << "the same insert, once";
    EXPECT_EQ(count(plain, state::pending), 1U);
}

}  // namespace
}  // namespace queuectl_test
