// worker start --drain, --concurrency, --detach, --file.
#include "support.hpp"

namespace queuectl::e2e {
namespace {

TEST(Draining, WaitsForRetriesAndLeavesWhatIsDueLater)
{
    const site s;
    const auto once = s.enqueue("true");
    const auto retried = s.enqueue("test -e " + s.path("second") + " || { touch " + s.path("second") + "; exit 1; }",
                                   {"--backoff-base", "1"});
    const auto dead = s.enqueue("exit 7", {"--max-retries", "0"});
    const auto later = s.enqueue("true", {"--delay", "1h"});
    auto worker = s.start_worker({"--drain", "--count", "2"});
    EXPECT_EQ(worker.wait(), 0) << s.log();
    EXPECT_EQ(s.find(once).state, state::completed);
    EXPECT_EQ(s.find(retried).state, state::completed);
    EXPECT_EQ(s.find(retried).attempts, 2);
    EXPECT_EQ(s.find(dead).state, state::dead);
    EXPECT_EQ(s.find(dead).exit_code, 7);
    EXPECT_EQ(s.find(later).state, state::pending);
}

TEST(Draining, WaitsForTheJobOfAnotherWorker)
{
    const site s;
    const auto id = s.enqueue("sleep 1");
    auto other = s.start_worker();
    ASSERT_TRUE(s.reaches(id, state::processing));
    auto draining = s.start_worker({"--drain"});
    EXPECT_EQ(draining.wait(), 0);
    EXPECT_EQ(s.find(id).state, state::completed);
}

TEST(Draining, OnlyItsQueuesMatter)
{
    const site s;
    const auto mine = s.enqueue("true", {"--queue", "mine"});
    const auto theirs = s.enqueue("true", {"--queue", "theirs"});
    auto worker = s.start_worker({"--drain", "--queue", "mine"});
    EXPECT_EQ(worker.wait(), 0);
    EXPECT_EQ(s.find(mine).state, state::completed);
    EXPECT_EQ(s.find(theirs).state, state::pending);
}

TEST(Draining, AnEmptyStoreIsDrainedAtOnce)
{
    const site s;
    auto worker = s.start_worker({"--drain"});
    EXPECT_EQ(worker.wait(), 0) << s.log();
}

// Four jobs that each wait for all four to have started: they end only when they run at once.
void expect_parallel(const words& options)
{
    const site s;
    const auto meet =
        "echo x >> " + s.path("here") + "; while test $(wc -l < " + s.path("here") + ") -lt 4; do sleep 0.02; done";
    for (int i = 0; i < 4; ++i) s.enqueue(meet, {"--timeout", "20", "--max-retries", "0"});
    auto flags = options;
    flags.emplace_back("--drain");
    auto worker = s.start_worker(flags);
    EXPECT_EQ(worker.wait(), 0) << s.log();
    EXPECT_EQ(s.count(state::completed), 4u);
}
TEST(Parallel, ConcurrencyRunsJobsOfOneWorkerAtOnce) { expect_parallel({"--concurrency", "4"}); }
TEST(Parallel, CountRunsWorkersAtOnce) { expect_parallel({"--count", "4"}); }
TEST(Parallel, BothMultiply) { expect_parallel({"--count", "2", "--concurrency", "2"}); }

TEST(Files, JobsOfAFileRunInMemory)
{
    const site s;
    std::ofstream{s.path("jobs")} << "{\"command\":\"echo one >> " << s.path("lines") << "\"}\n"
                                  << "{\"command\":\"echo two >> " << s.path("lines") << "; exit 1\","
                                  << "\"max_retries\":1,\"backoff_base\":0.1}\n";
    const auto ran = s.run({"--store", "memory:", "worker", "start", "--file", s.path("jobs"), "--drain"});
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_EQ(lines_of(s.path("lines")), (std::map<std::string, int>{{"one", 1}, {"two", 2}}));
}

TEST(Files, MemoryIsRefusedElsewhere)
{
    const site s;
    for (const auto& command : {words{"worker", "start"}, words{"worker", "start", "--drain"}, words{"worker", "stop"},
                                words{"worker", "list"}, words{"list"}, words{"enqueue", "true"}}) {
        auto all = command;
        all.insert(all.end(), {"--store", "memory:"});
        const auto refused = s.run(all);
        EXPECT_EQ(refused.code, 2) << command.back();
        EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1) << refused.err;
    }
}

TEST(Files, JobsOfAFileRunOnAStore)
{
    const site s;
    std::ofstream{s.path("jobs")} << "{\"command\":\"echo one >> " << s.path("lines") << "\"}\n";
    auto worker = s.start_worker({"--file", s.path("jobs"), "--drain"});
    EXPECT_EQ(worker.wait(), 0) << s.log();
    EXPECT_EQ(s.count(state::completed), 1u);
    EXPECT_EQ(read_all(s.path("lines")), "one\n");
}

TEST(Detached, ReturnsWhenTheWorkersAreUpAndGoesOn)
{
    const site s;
    const auto started = s.run({"worker", "start", "--count", "2", "--detach"});
    EXPECT_EQ(started.code, 0) << started.err;
    EXPECT_EQ(s.workers().size(), 2u);
    const auto id = s.enqueue("true");
    EXPECT_TRUE(s.reaches(id, state::completed));
    EXPECT_TRUE(eventually(
        [&] { return read_all(s.side_folder() + "/logs/worker.log").find("completed " + id) != std::string::npos; }));
    EXPECT_EQ(s.run({"worker", "stop", "--timeout", "20"}).code, 0);
    EXPECT_TRUE(s.workers().empty());
}

}  // namespace
}  // namespace queuectl::e2e
