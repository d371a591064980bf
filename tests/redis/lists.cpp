// Jobs that went the same way together are stored together; each goes on alone.
#include "redis/together.hpp"

namespace queuectl_test {
namespace {

struct RedisLists : together {};

TEST_F(RedisLists, ABatchTakesFewEntries)
{
    put_together(200);
    EXPECT_EQ(size_of("retry_queue"), 4);
    const auto leases = take(store, 200).value();
    EXPECT_EQ(size_of("retry_queue"), 0);
    EXPECT_EQ(size_of("leases"), 1);
    EXPECT_EQ(fields_of("leases:held"), 2);
    EXPECT_EQ(size_of("jobs:spans"), 4);
    complete(leases);
    EXPECT_EQ(size_of("leases"), 0);
    EXPECT_EQ(fields_of("leases:held"), 0);
    EXPECT_EQ(size_of("completed"), 4);
    EXPECT_EQ(size_of("jobs:spans"), 4);
    EXPECT_EQ(fields_of("jobs:state"), 0);
}

TEST_F(RedisLists, EachWaitingJobLeavesTheLineAlone)
{
    put_together(8);
    EXPECT_EQ(claimed(2), (ids{"a0", "a1"}));
    const ids gone{"a4", "a7"};
    change_status told[2];
    ASSERT_TRUE(store.cancel({&gone[0], 1}, told, real_now()));
    ASSERT_TRUE(store.remove({&gone[1], 1}, told));
    ASSERT_TRUE(store.reprioritise("a5", 9, real_now()));
    EXPECT_EQ(claimed(2), (ids{"a5", "a2"}));
    EXPECT_EQ(claimed(9), (ids{"a3", "a6"}));
    EXPECT_EQ(count(store, state::pending), 0U);
    EXPECT_EQ(size_of("retry_queue"), 0);
}

TEST_F(RedisLists, QueuesTakeTurnsInTheMiddleOfTheirLists)
{
    const auto now = real_now();
    std::vector<job> jobs;
    for (int i = 0; i < 12; ++i) {
        jobs.push_back(make_job("a" + std::to_string(i), now));
        if (i / 3 % 2 == 1) jobs.back().queue = "other";
    }
    std::vector<insert_status> told(jobs.size());
    ASSERT_TRUE(store.insert(jobs, told, now));
    EXPECT_EQ(size_of("retry_queue"), 4);
    EXPECT_EQ(claimed(5), (ids{"a0", "a1", "a2", "a3", "a4"}));
    EXPECT_EQ(claimed(99), (ids{"a5", "a6", "a7", "a8", "a9", "a10", "a11"}));
}

TEST_F(RedisLists, ALeaseThatIsExtendedOutlivesItsClaim)
{
    put_together(3);
    const auto leases = take(store, 3, std::chrono::milliseconds{40}).value();
    ASSERT_EQ(leases.size(), 3U);
    const auto kept = leases[1].receipt();
    extend_status held{};
    ASSERT_TRUE(store.extend({&kept, 1}, std::chrono::hours{1}, {&held, 1}, real_now()));
    EXPECT_EQ(settle(store, success(leases[0])).value(), settle_status::applied);
    ids again;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    while (again.empty() && std::chrono::steady_clock::now() < end) again = claimed(3);
    EXPECT_EQ(again, ids{"a2"}) << "neither settled nor extended";
    EXPECT_EQ(find(store, "a2").crashes, 1);
    EXPECT_EQ(settle(store, success(leases[1])).value(), settle_status::applied);
    EXPECT_EQ(settle(store, success(leases[2])).value(), settle_status::lease_lost);
    EXPECT_EQ(size_of("leases"), 1) << "the second claim's";
    EXPECT_EQ(shared_server().ask({"EXISTS", address.prefix + "leases:ended"}).number(), 0);
}

TEST_F(RedisLists, ALeaseThatIsShortenedEndsBeforeItsClaim)
{
    put_together(2);
    const auto leases = take(store, 2).value();
    const auto early = leases[1].receipt();
    extend_status held{};
    ASSERT_TRUE(store.extend({&early, 1}, std::chrono::milliseconds{1}, {&held, 1}, real_now()));
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
    EXPECT_EQ(claimed(2), ids{"a1"});
}

TEST_F(RedisLists, ADeadWorkersJobsAreFreedThatItStillHeld)
{
    put_together(4);
    const auto leases = take(store, 4).value();
    complete(std::vector{leases[0], leases[3]});
    EXPECT_EQ(store.free_worker("w", "gone", real_now()).value(), 2U);
    EXPECT_EQ(store.free_worker("w", "gone", real_now()).value(), 0U);
    EXPECT_EQ(size_of("leases"), 0);
    EXPECT_EQ(claimed(9), (ids{"a1", "a2"}));
}

TEST_F(RedisLists, EachCompletedJobIsRemovedAlone)
{
    put_together(70);
    complete(take(store, 70).value());
    const ids some{"a1", "a69"};
    change_status told[2];
    ASSERT_TRUE(store.remove({&some[0], 1}, told));
    ASSERT_TRUE(store.revive({&some[1], 1}, told, real_now()));
    EXPECT_EQ(count(store, state::completed), 68U);
    job_filter finished;
    finished.state = state::completed;
    EXPECT_EQ(store.purge(finished, 10).value(), 10U);
    finished.tag = "other";
    EXPECT_EQ(store.purge(finished, 1000).value(), 0U);
    finished.tag.clear();
    EXPECT_EQ(store.purge(finished, 1000).value(), 58U);
    EXPECT_EQ(size_of("completed"), 0);
    EXPECT_EQ(claimed(9), ids{"a69"});
}

TEST_F(RedisLists, EachJobLeavesTheOrderAlone)
{
    put_together(70);
    EXPECT_EQ(size_of("jobs:order"), 2);
    const ids gone{"a0", "a5", "a63", "a64"};
    change_status told[4];
    ASSERT_TRUE(store.remove(gone, told));
    ASSERT_TRUE(store.cancel({&gone[0], 1}, told, real_now()));
    EXPECT_EQ(told[0], change_status::not_found);
    const ids back{"a7"};
    ASSERT_TRUE(store.cancel(back, told, real_now()));
    ASSERT_TRUE(store.revive(back, told, real_now()));
    ids seen;
    page_request page;
    page.limit = 4;
    for (bool more = true; more;) {
        std::vector<job_record> some;
        page.after = store.list({}, page, some).value();
        for (const auto& r : some) seen.push_back(r.job.id);
        more = page.after != 0;
    }
    ids expected;
    for (int i = 0; i < 70; ++i)
        if (const auto id = "a" + std::to_string(i);
            id != "a7" && std::find(gone.begin(), gone.end(), id) == gone.end())
            expected.push_back(id);
    expected.push_back("a7");
    EXPECT_EQ(seen, expected);
    std::vector<change_status> all(expected.size());
    ASSERT_TRUE(store.remove(expected, all));
    EXPECT_EQ(size_of("jobs:order"), 0);
}

}  // namespace
}  // namespace queuectl_test
