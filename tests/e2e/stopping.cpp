// Ending workers: what runs is finished or given back, and nothing is counted that should not be.
#include "support.hpp"

namespace queuectl::e2e {
namespace {

class Stopping : public ::testing::TestWithParam<std::string> {};

TEST_P(Stopping, TheRunningJobCompletesAndTheNextStaysPending)
{
    const site s;
    const auto running_id = s.enqueue("sleep 1");
    const auto waiting_id = s.enqueue("true");
    auto worker = s.start_worker();
    ASSERT_TRUE(s.reaches(running_id, state::processing));
    if (GetParam() == "worker stop") {
        const auto stopped = s.run({"worker", "stop", "--timeout", "20"});
        EXPECT_EQ(stopped.code, 0);
        EXPECT_EQ(stopped.out.rfind("stopped ", 0), 0u) << stopped.out;
    } else {
        worker.signal(GetParam() == "TERM" ? SIGTERM : SIGINT);
    }
    EXPECT_EQ(worker.wait(), 0) << s.log();
    EXPECT_EQ(s.find(running_id).state, state::completed);
    EXPECT_EQ(s.find(waiting_id).state, state::pending);
    EXPECT_EQ(s.find(waiting_id).attempts, 0);
}
INSTANTIATE_TEST_SUITE_P(Ways, Stopping, ::testing::Values("worker stop", "TERM", "INT"),
                         [](const auto& way) { return way.param == "worker stop" ? "command" : way.param; });

TEST(StoppingNow, TheSecondTermStopsTheJobAndGivesItBackUncounted)
{
    const site s;
    const auto id = s.enqueue("sleep 77.01");
    auto worker = s.start_worker();
    ASSERT_TRUE(s.reaches(id, state::processing));
    ASSERT_TRUE(eventually([] { return running("sleep 77.01") > 0; }));
    worker.signal(SIGTERM);
    std::this_thread::sleep_for(100ms);
    EXPECT_FALSE(worker.ended()) << "the first lets it finish";
    worker.signal(SIGTERM);
    EXPECT_EQ(worker.wait(), 0) << s.log();
    const auto record = s.find(id);
    EXPECT_EQ(record.state, state::pending);
    EXPECT_EQ(record.attempts, 0);
    EXPECT_EQ(record.crashes, 0);
    EXPECT_EQ(running("sleep 77.01"), 0);
}

TEST(StoppingNow, ReleaseGivesTheJobsOfEveryWorkerBack)
{
    const site s;
    for (int i = 0; i < 3; ++i) s.enqueue("sleep 77.02");
    auto one = s.start_worker({"--count", "2"});
    auto two = s.start_worker();
    ASSERT_TRUE(eventually([&] { return running("sleep 77.02") == 3; }));
    EXPECT_EQ(s.run({"worker", "stop", "--release", "--timeout", "20"}).code, 0);
    EXPECT_EQ(one.wait(), 0);
    EXPECT_EQ(two.wait(), 0);
    EXPECT_EQ(s.count(state::pending), 3u);
    EXPECT_EQ(running("sleep 77.02"), 0);
}

TEST(StoppingAll, EveryWorkerOfTheStoreAndNoneThatStartsLater)
{
    const site s;
    const auto id = s.enqueue("sleep 1");
    auto one = s.start_worker({"--count", "2"});
    auto two = s.start_worker();
    ASSERT_TRUE(s.workers_are_up(3));
    ASSERT_TRUE(s.reaches(id, state::processing));
    auto stop = s.start({"worker", "stop"}, {}, s.path("stop.out"));
    ASSERT_TRUE(eventually([&] { return s.workers().size() == 1; })) << "the idle ones end, one runs its job";
    auto later = s.start_worker();
    EXPECT_EQ(stop.wait(), 0);
    EXPECT_EQ(one.wait(), 0);
    EXPECT_EQ(two.wait(), 0);
    EXPECT_FALSE(later.ended());
    int stopped = 0;
    for (const auto& [line, times] : lines_of(s.path("stop.out")))
        stopped += line.rfind("stopped ", 0) == 0 ? times : 0;
    EXPECT_EQ(stopped, 3);
}

TEST(StoppingAll, WithoutWorkersItSaysSo)
{
    const site s;
    auto none = s.run({"worker", "stop"});
    EXPECT_EQ(none.code, 0);
    EXPECT_EQ(none.out, "no workers are running\n");
    s.enqueue("true");
    none = s.run({"worker", "stop"});
    EXPECT_EQ(none.code, 0);
    EXPECT_EQ(none.out, "no workers are running\n");
}

TEST(StoppingAll, NotInTimeIsSaidAndStoppingAgainDoesNotHurtTheJob)
{
    const site s;
    const auto id = s.enqueue("sleep 2");
    auto worker = s.start_worker();
    ASSERT_TRUE(s.reaches(id, state::processing));
    for (int i = 0; i < 3; ++i) {
        const auto again = s.run({"worker", "stop", "--timeout", "0.2"});
        EXPECT_EQ(again.code, 75);
        EXPECT_NE(again.out.find("still running "), std::string::npos) << again.out;
    }
    EXPECT_EQ(worker.wait(), 0);
    EXPECT_EQ(s.find(id).state, state::completed);
}

TEST(StoppingAll, AStaleLockFileWithAReusedPidIsNoWorker)
{
    const site s;
    auto worker = s.start_worker();
    ASSERT_TRUE(s.workers_are_up(1));
    EXPECT_EQ(s.run({"worker", "stop"}).code, 0);
    EXPECT_EQ(worker.wait(), 0);
    const auto stale = s.side_folder() + "/workers/h:1:x.lock";
    std::ofstream{stale} << "name=h:1:x\nrole=supervisor\nhost=h\npid=" << ::getpid() << "\n";
    ::chmod(stale.c_str(), 0600);
    EXPECT_EQ(s.run({"worker", "stop"}).out, "no workers are running\n");  // and we are still here
    auto next = s.start_worker({"--drain"});
    EXPECT_EQ(next.wait(), 0) << s.log();
    EXPECT_FALSE(std::filesystem::exists(stale)) << "the next worker clears it away";
}

}  // namespace
}  // namespace queuectl::e2e
