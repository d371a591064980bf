// The server dies under load, again and again: nothing that was acknowledged is lost, nothing happens twice.
#include "redis/life.hpp"

#include <queuectl/testing/effort.hpp>
#include <queuectl/testing/seeded_random.hpp>

#include <atomic>
#include <set>

namespace queuectl_test {
namespace {

// What one client did, as it was acknowledged.
struct client_log {
    std::set<std::string> inserted;
    std::set<std::string> completed;
    std::string failure;
};

void work(redis_storage& store, int who, const std::atomic<bool>& stop, client_log& log)
{
    seeded_random random{static_cast<std::uint64_t>(who)};
    for (int n = 0; !stop && log.failure.empty(); ++n) {
        std::vector<job> jobs;
        for (std::uint64_t i = 0; i <= random.below(5); ++i)
            jobs.push_back(make_job("c" + std::to_string(who) + "." + std::to_string(n) + "." + std::to_string(i)));
        std::vector<insert_status> told(jobs.size());
        if (auto done = store.insert(jobs, told, real_now()); !done) {
            log.failure = done.error().message();
            return;
        }
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            if (told[i] != insert_status::inserted) log.failure = jobs[i].id + " was inserted twice";
            log.inserted.insert(jobs[i].id);
        }
        auto leases = take(store, 1 + random.below(6));
        if (!leases) {
            log.failure = leases.error().message();
            return;
        }
        for (const auto& l : *leases) {
            auto settled = settle(store, success(l));
            if (!settled || *settled != settle_status::applied) {
                log.failure = l.job.id + (settled ? ": its lease was lost" : ": " + settled.error().message());
                return;
            }
            if (!log.completed.insert(l.job.id).second) log.failure = l.job.id + " ran twice";
        }
    }
}

TEST(RedisKills, NothingAcknowledgedIsLostWithAppendonlyAlways)
{
    redis_server server{{"--appendonly", "yes", "--appendfsync", "always"}};
    auto store = open_store(server.address());
    constexpr int clients = 3;
    std::atomic<bool> stop{false};
    std::vector<client_log> logs(clients);
    std::vector<std::thread> threads;
    for (int who = 0; who < clients; ++who)
        threads.emplace_back([&, who] { work(store, who, stop, logs[static_cast<std::size_t>(who)]); });
    seeded_random random{50};
    for (std::size_t kill = 0; kill < effort(50, 500); ++kill) {
        std::this_thread::sleep_for(std::chrono::milliseconds{5 + random.below(60)});
        server.kill();
        server.start();
    }
    stop = true;
    for (auto& t : threads) t.join();

    std::size_t inserted = 0;
    std::set<std::string> completed;
    for (const auto& log : logs) {
        EXPECT_EQ(log.failure, "");
        inserted += log.inserted.size();
        for (const auto& id : log.completed) EXPECT_TRUE(completed.insert(id).second) << id << " was completed twice";
        for (const auto& id : log.inserted) {
            const auto r = find(store, id);
            EXPECT_EQ(r.crashes, 0) << id;
            EXPECT_LE(r.attempts, 1) << id;
        }
    }
    for (const auto& id : completed) EXPECT_EQ(find(store, id).state, state::completed) << id;
    EXPECT_EQ(count(store, state::completed), completed.size());
    EXPECT_EQ(count(store, state::completed) + count(store, state::pending), inserted);
    EXPECT_EQ(count(store, state::processing), 0U) << "a lease that nobody was told of";
    RecordProperty("inserted", static_cast<int>(inserted));
}

}  // namespace
}  // namespace queuectl_test
