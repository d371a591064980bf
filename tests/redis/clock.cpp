// The server's clock counts, whatever the callers' clocks say.
#include "redis/life.hpp"

namespace queuectl_test {
namespace {

constexpr duration hour = std::chrono::hours{1};

instant off_by(duration d)
{
    instant now = real_now();
    now.wall = add(now.wall, d);
    now.boot = add(now.boot, d);
    return now;
}

struct RedisClock : ::testing::Test {
    redis_storage store = open_store(shared_server().address(fresh_prefix()));
};

TEST_F(RedisClock, AJobForNowIsDueAtOnceWhoeverEnqueuedIt)
{
    for (const auto d : {hour, -hour}) {
        const auto theirs = off_by(d);
        ASSERT_TRUE(put(store, make_job(d > duration{} ? "ahead" : "behind", theirs), theirs));
    }
    EXPECT_EQ(take(store, 5, hour, off_by(-hour)).value().size(), 2U);
    EXPECT_LT(find(store, "ahead").created_at, add(real_now().wall, std::chrono::minutes{1}));
}

TEST_F(RedisClock, ALeaseNeitherEndsEarlyNorLateForAWrongClock)
{
    ASSERT_TRUE(put(store, make_job("a")));
    const auto length = std::chrono::milliseconds{150};
    ASSERT_EQ(take(store, 1, length, off_by(-hour)).value().size(), 1U);
    EXPECT_EQ(take(store, 1, length, off_by(hour)).value().size(), 0U) << "early";
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    std::size_t again = 0;
    while (again == 0 && std::chrono::steady_clock::now() < end) again = take(store, 1, length, off_by(-hour))->size();
    EXPECT_EQ(again, 1U);
    EXPECT_EQ(find(store, "a").crashes, 1);
}

TEST_F(RedisClock, ARetryWaitsAsLongAsTheWorkerSaid)
{
    ASSERT_TRUE(put(store, make_job("a")));
    auto leases = take(store, 1, hour, off_by(hour));
    ASSERT_EQ(leases->size(), 1U);
    const auto theirs = off_by(hour);
    auto s = success(leases->front(), theirs);
    s.verdict = {verdict_kind::retry, add(theirs.wall, std::chrono::seconds{100})};
    s.report->status = run_status::failed;
    ASSERT_EQ(settle(store, s, theirs).value(), settle_status::applied);
    const auto waits = find(store, "a").job.run_at - real_now().wall;
    EXPECT_LT(waits, std::chrono::seconds{101});
    EXPECT_GT(waits, std::chrono::seconds{90});
    claim_request r;
    r.nonce = fresh();
    std::vector<lease> none;
    const auto asked = off_by(-hour);
    auto info = store.claim(r, none, asked);
    ASSERT_TRUE(info);
    EXPECT_LT(info->next_at - asked.wall, std::chrono::seconds{101}) << "told in the caller's own time";
}

TEST_F(RedisClock, SettingsExpireByIt)
{
    const auto theirs = off_by(hour);
    ASSERT_TRUE(store.config_put({"k", "v", 0, add(theirs.wall, std::chrono::seconds{60})}, theirs));
    EXPECT_TRUE(store.config_get("k", off_by(-hour))->has_value());
    ASSERT_TRUE(store.config_put({"gone", "v", 0, add(theirs.wall, -std::chrono::seconds{1})}, theirs));
    EXPECT_FALSE(store.config_get("gone", off_by(-hour))->has_value());
}

}  // namespace
}  // namespace queuectl_test
