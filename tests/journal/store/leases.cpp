// Jobs that were claimed together share a lease in the index: what is done to some of them leaves the others theirs.
#include "journal/store/jobs.hpp"

namespace queuectl::journal_testing {
namespace {

constexpr auto second = std::int64_t{1'000'000};

struct ten_leases {
    store_folder folder;
    std::unique_ptr<journal_storage> store = folder.open();
    std::vector<lease> leases;

    ten_leases()
    {
        for (int i = 0; i < 12; ++i) EXPECT_FALSE(put(*store, make_job("j" + std::to_string(i))));
        leases = claim(10, 2).first;
        EXPECT_EQ(leases.size(), 10U);
    }
    // The leases, for ten seconds, and how many were reaped first.
    std::pair<std::vector<lease>, std::size_t> claim(std::size_t most, std::int64_t now)
    {
        claim_request request;
        request.max = most;
        request.worker = "w";
        request.nonce = fresh();
        request.lease = std::chrono::seconds{10};
        std::vector<lease> got;
        const auto info = store->claim(request, got, at(now));
        EXPECT_TRUE(info);
        return {got, info ? info->reaped : 0};
    }
    void extend(std::initializer_list<std::size_t> which, std::int64_t now)
    {
        std::vector<receipt> receipts;
        for (const auto i : which) receipts.push_back(leases[i].receipt());
        std::vector<extend_status> statuses(receipts.size());
        ASSERT_TRUE(store->extend(receipts, std::chrono::seconds{10}, statuses, at(now)));
        for (const auto status : statuses) EXPECT_EQ(status, extend_status::held);
    }
    settle_status settle(std::size_t which)
    {
        const auto s = completed(leases[which]);
        settle_status status{};
        EXPECT_TRUE(store->settle({&s, 1}, {&status, 1}, at(3)));
        return status;
    }
    // The index is made anew from the log.
    void forget_index()
    {
        store.reset();
        for (const char* name : {"index.blocks", "index.buckets", "index.pages", "index.undo"})
            std::filesystem::resize_file(folder.path() + '/' + name, 0);
        store = folder.open();
    }
};

TEST(JournalLeases, ThoseNotExtendedExpire)
{
    for (const bool anew : {false, true}) {
        ten_leases t;
        t.extend({0, 4, 9}, 5 * second);
        t.extend({4, 3}, 6 * second);
        if (anew) t.forget_index();
        EXPECT_EQ(t.claim(0, 10 * second + 1).second, 0U);
        EXPECT_EQ(t.claim(0, 10 * second + 2).second, 6U);
        EXPECT_EQ(t.settle(1), settle_status::lease_lost);
        EXPECT_EQ(t.settle(0), settle_status::applied);
        EXPECT_EQ(t.claim(0, 15 * second).second, 1U);
        EXPECT_EQ(t.settle(9), settle_status::lease_lost);
        EXPECT_EQ(t.claim(0, 16 * second).second, 2U);
        const auto report = t.store->verify(at(16 * second));
        ASSERT_TRUE(report);
        EXPECT_TRUE(report->findings.empty());
    }
}

TEST(JournalLeases, AllExtendedShareOneAgain)
{
    for (const bool anew : {false, true}) {
        ten_leases t;
        for (std::int64_t i = 1; i < 5; ++i) t.extend({0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, i * 5 * second);
        if (anew) t.forget_index();
        for (const std::size_t i : {5U, 0U, 9U}) EXPECT_EQ(t.settle(i), settle_status::applied);
        EXPECT_EQ(t.claim(0, 30 * second - 1).second, 0U);
        EXPECT_EQ(t.claim(0, 30 * second).second, 7U);
    }
}

TEST(JournalLeases, OfADeadWorker)
{
    for (const bool anew : {false, true}) {
        ten_leases t;
        t.extend({2, 6}, 5 * second);
        EXPECT_EQ(t.settle(6), settle_status::applied);
        EXPECT_EQ(t.settle(7), settle_status::applied);
        EXPECT_EQ(t.claim(5, 6 * second).first.size(), 2U);
        if (anew) t.forget_index();
        const auto freed = t.store->free_worker("w", "it died", at(7 * second));
        ASSERT_TRUE(freed);
        EXPECT_EQ(*freed, 10U);
        EXPECT_EQ(*t.store->free_worker("w", "it died", at(7 * second)), 0U);
        EXPECT_EQ(t.claim(20, 8 * second).first.size(), 10U);
    }
}

// The first jobs of several lines, each a part of its line at a time.
TEST(JournalLeases, JobsOfSeveralLinesComeInTheirOrder)
{
    const store_folder folder;
    auto store = folder.open();
    std::vector<std::string> expected;
    for (int i = 0; i < 60; ++i) {
        auto j = make_job("j" + std::to_string(i));
        j.queue = "q" + std::to_string(i * i % 7 % 3);
        expected.push_back(j.id);
        ASSERT_FALSE(put(*store, j));
    }
    const std::vector<std::string> queues{"q0", "q1", "q2"};
    std::vector<std::string> got;
    while (got.size() < 60) {
        claim_request request;
        request.max = 1 + got.size() % 13;
        request.worker = "w";
        request.nonce = fresh();
        if (got.size() % 2 == 0) request.queues = queues;
        std::vector<lease> leases;
        ASSERT_TRUE(store->claim(request, leases, at(2)));
        ASSERT_FALSE(leases.empty());
        for (const auto& l : leases) got.push_back(l.job.id);
    }
    EXPECT_EQ(got, expected);
}

}  // namespace
}  // namespace queuectl::journal_testing
