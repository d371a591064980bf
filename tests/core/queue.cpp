#include <queuectl/queue.hpp>

#include "manual_executor.hpp"

#include <queuectl/executor/inline.hpp>
#include <queuectl/storage_ref.hpp>
#include <queuectl/testing/model.hpp>
#include <queuectl/testing/virtual_time.hpp>

#include <gtest/gtest.h>

using namespace queuectl;
using namespace std::chrono_literals;

namespace {

// Draws the same id for ever: what two sources may do once in an age.
struct stuck_ids {
    int drawn = 0;
    std::string operator()(const instant&, random_source&) { return ++drawn < 3 ? "same" : "other"; }
};
struct stuck_traits : virtual_traits {
    using id_source = stuck_ids;
};

TEST(Queue, AGeneratedIdThatIsTakenIsDrawnAgain)
{
    basic_queue queue{model_storage{}, no_executor{}, exponential{}, queue_options{}, traits_values<stuck_traits>{}};
    EXPECT_EQ(*queue.enqueue({}), "same");
    EXPECT_EQ(*queue.enqueue({}), "other");
}

TEST(Queue, AGivenIdThatIsTakenIsRefused)
{
    producer<model_storage> queue{model_storage{}};
    EXPECT_EQ(*queue.enqueue({.id = "mine"}), "mine");
    EXPECT_EQ(queue.enqueue({.id = "mine"}).error().code, errc::exists);
}

TEST(Queue, ABatchWithAnInvalidJobAddsNothingAndNamesIt)
{
    producer<model_storage> queue{model_storage{}};
    std::vector<new_job> jobs(3);
    jobs[1].priority = 1000;
    const auto added = queue.enqueue_all(jobs);
    ASSERT_FALSE(added.has_value());
    EXPECT_EQ(added.error().message(), "job 2: priority: must be from -128 to 127");
    EXPECT_TRUE(queue.list()->empty());
}

TEST(Queue, ABatchLongerThanTheStoragesIsSplit)
{
    producer<model_storage> queue{model_storage{}};
    std::vector<new_job> jobs(2500);
    jobs[7].id = jobs[2400].id = "twice";
    const auto added = queue.enqueue_all(jobs);
    ASSERT_TRUE(added.has_value());
    EXPECT_EQ((*added)[7].status, insert_status::inserted);
    EXPECT_EQ((*added)[2400].status, insert_status::duplicate);
    EXPECT_EQ(queue.list()->size(), 2499u);
}

TEST(Queue, RetryBringsADeadJobBackWithFreshCounters)
{
    virtual_time time;
    manual_executor::shared runs;
    runs.on_wait = [&] { runs.finish_all(failure()); };
    basic_queue queue{model_storage{}, manual_executor{&runs}, exponential{}, queue_options{.max_retries = 0},
                      virtual_values(time)};
    const std::string id = *queue.enqueue({.payload = "kept"});
    ASSERT_EQ(queue.run_until_idle()->buried, 1u);
    EXPECT_EQ(*queue.retry(id), change_status::done);
    const job_record record = **queue.find(id);
    EXPECT_EQ(record.state, state::pending);
    EXPECT_EQ(record.attempts, 0);
    EXPECT_EQ(record.job.payload, "kept");
    EXPECT_EQ(*queue.retry("nobody"), change_status::not_found);
}

TEST(Queue, PurgeRemovesOnlyWhatHasEnded)
{
    virtual_time time;
    manual_executor::shared runs;
    runs.on_wait = [&] { runs.finish_all(success()); };
    basic_queue queue{model_storage{}, manual_executor{&runs}, exponential{}, queue_options{}, virtual_values(time)};
    for (int i = 0; i < 3; ++i) (void)queue.enqueue({.retention = 1h});
    ASSERT_EQ(queue.run_until_idle()->completed, 3u);
    (void)queue.enqueue({});
    time.advance(1min);
    EXPECT_EQ(*queue.purge({.state = state::completed, .updated_before = time.now().wall - 2min}), 0u);
    EXPECT_EQ(*queue.purge({.updated_before = time.now().wall}), 3u);
    EXPECT_EQ(queue.list()->size(), 1u);
}

TEST(Queue, TwoQueuesShareAStorageByReference)
{
    model_storage store;
    producer<storage_ref<model_storage>> in{storage_ref{store}};
    manual_executor::shared runs;
    runs.on_wait = [&] { runs.finish_all(success()); };
    basic_queue out{storage_ref{store}, manual_executor{&runs}};
    ASSERT_TRUE(in.enqueue({.id = "job"}));
    EXPECT_EQ(out.run_until_idle()->completed, 1u);
}

// With real threads: an enqueue elsewhere wakes a waiting worker at once.
TEST(Queue, AnEnqueueWakesARunningWorker)
{
    model_storage store;
    stop_source stop;
    basic_queue worker{storage_ref{store}, inline_executor{[&](const job&) { stop.request(); }}};
    producer<storage_ref<model_storage>> in{storage_ref{store}};
    std::thread later{[&] {
        std::this_thread::sleep_for(50ms);
        (void)in.enqueue({});
    }};
    const auto begun = std::chrono::steady_clock::now();
    const auto summary = worker.run(stop);
    later.join();
    EXPECT_EQ(summary->completed, 1u);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 4s) << "found by the fallback check, not by the wake-up";
}

}  // namespace
