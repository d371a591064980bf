#include <queuectl/heartbeat.hpp>

#include <queuectl/executor/inline.hpp>
#include <queuectl/executor/thread_pool.hpp>
#include <queuectl/queue.hpp>
#include <queuectl/storage_ref.hpp>
#include <queuectl/testing/model.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

using namespace queuectl;
using namespace std::chrono_literals;

namespace {

// The handler holds the worker's only thread for many leases: the heartbeat's own thread keeps the lease.
TEST(Heartbeat, NoJobCanStarveIt)
{
    model_storage store;
    std::atomic<bool> running{false};
    std::atomic<int> stolen{0};
    std::atomic<bool> over{false};
    basic_queue worker{storage_ref{store}, inline_executor{[&](const job&) {
                           running = true;
                           std::this_thread::sleep_for(600ms);
                       }},
                       queue_options{.worker = "w1", .lease = 150ms}};
    ASSERT_TRUE(worker.enqueue({}));
    std::thread thief{[&] {
        const system_time_source time;
        for (std::uint64_t i = 1; !over; ++i) {
            std::vector<lease> leases;
            if (running) (void)store.claim({.max = 1, .worker = "w2", .nonce = {9, i}}, leases, time.now());
            stolen += static_cast<int>(leases.size());
            std::this_thread::sleep_for(5ms);
        }
    }};
    const auto summary = worker.run_until_idle();
    over = true;
    thief.join();
    EXPECT_EQ(summary->completed, 1u);
    EXPECT_EQ(stolen, 0);
}

// Counts extends; everything is extended at once when a cancellation was asked for, not a third of a lease later.
TEST(Heartbeat, ACancellationIsTakenToTheJobWithoutWaitingForTheNextBeat)
{
    model_storage store;
    std::atomic<bool> running{false};
    basic_queue worker{storage_ref{store},
                       thread_pool_executor{1,
                                            [&](const job&, context& run) {
                                                running = true;
                                                while (!run.stop_requested()) std::this_thread::sleep_for(1ms);
                                                return fail_run("stopped");
                                            }},
                       queue_options{.lease = 10min}};
    ASSERT_TRUE(worker.enqueue({.id = "job"}));
    producer<storage_ref<model_storage>> outside{storage_ref{store}};
    std::thread canceller{[&] {
        while (!running) std::this_thread::sleep_for(1ms);
        EXPECT_EQ(*outside.cancel("job"), change_status::requested);
    }};
    const auto begun = std::chrono::steady_clock::now();
    const auto summary = worker.run_until_idle();
    canceller.join();
    EXPECT_EQ(summary->cancelled, 1u);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 4s);
}

// Many workers and enqueuers on one storage object, in real threads: each job runs once.
TEST(Heartbeat, ManyWorkersOfOneProcess)
{
    constexpr int jobs = 400;
    model_storage store;
    std::array<std::atomic<int>, jobs> runs{};
    const auto handler = [&](const job& j) { ++runs[std::stoul(j.payload)]; };
    std::vector<std::thread> threads;
    stop_source stop;
    for (int w = 0; w < 3; ++w)
        threads.emplace_back([&] {
            basic_queue worker{storage_ref{store}, thread_pool_executor{2, handler}, queue_options{.lease = 1s}};
            (void)worker.run(stop);
        });
    producer<storage_ref<model_storage>> in{storage_ref{store}};
    for (int i = 0; i < jobs; ++i) ASSERT_TRUE(in.enqueue({.payload = std::to_string(i)}));
    const auto all_done = [&] { return (*in.counts())[0][state::completed] == jobs; };
    for (int i = 0; i < 2000 && !all_done(); ++i) std::this_thread::sleep_for(5ms);
    stop.request();
    for (auto& t : threads) t.join();
    for (const auto& r : runs) EXPECT_EQ(r, 1);
}

}  // namespace
