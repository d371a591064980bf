// Workers and supervisors that die or freeze: nothing is lost, nothing is stuck, nothing runs on unseen.
#include "support.hpp"

#include <random>

namespace queuectl::e2e {
namespace {

bool soaking() { return std::getenv("QUEUECTL_SOAK") != nullptr; }

TEST(Deaths, AKilledWorkerIsReplacedAndItsJobRunsAgainWithinASecond)
{
    const site s;
    auto worker = s.start_worker();
    const auto id =
        s.enqueue("echo $QUEUECTL_ATTEMPT >> " + s.path("runs") + "; test $QUEUECTL_ATTEMPT = 2 || sleep 77.11");
    ASSERT_TRUE(eventually([&] { return running("sleep 77.11") > 0; }));
    const auto before = clock::now();
    ::kill(s.workers().at(0), SIGKILL);
    ASSERT_TRUE(s.reaches(id, state::completed));
    EXPECT_LT(clock::now() - before, 1500ms);
    EXPECT_EQ(running("sleep 77.11"), 0);
    const auto record = s.find(id);
    EXPECT_EQ(record.attempts, 1);
    EXPECT_EQ(record.crashes, 1);
    std::vector<attempt> runs;
    ASSERT_TRUE(s.open()->storage().attempts(id, runs));
    ASSERT_EQ(runs.size(), 2u);
    EXPECT_EQ(runs[0].status, run_status::crashed);
    EXPECT_EQ(runs[0].error, "worker killed by signal 9 (SIGKILL)");
}

TEST(Deaths, WorkerAndSupervisorTogetherArePickedUpByAPeerWithinASecond)
{
    const site s;
    auto doomed = s.start_worker();
    ASSERT_TRUE(s.workers_are_up(1));
    const auto victim = s.workers().at(0);
    const auto id = s.enqueue("test $QUEUECTL_ATTEMPT = 2 || { setsid sleep 77.12 & sleep 77.12; }");
    ASSERT_TRUE(eventually([&] { return running("sleep 77.12") >= 2; }));
    auto peer = s.start_worker();
    ASSERT_TRUE(s.workers_are_up(2));
    const auto before = clock::now();
    doomed.signal(SIGKILL);
    ::kill(victim, SIGKILL);
    ASSERT_TRUE(s.reaches(id, state::completed));
    EXPECT_LT(clock::now() - before, 1500ms);
    EXPECT_EQ(running("sleep 77.12"), 0) << "also what had left its session";
    EXPECT_EQ(s.find(id).crashes, 1);
}

TEST(Deaths, WithoutAPeerTheNextWorkerPicksItUp)
{
    const site s;
    auto doomed = s.start_worker();
    ASSERT_TRUE(s.workers_are_up(1));
    const auto victim = s.workers().at(0);
    const auto id = s.enqueue("test $QUEUECTL_ATTEMPT = 2 || setsid sleep 77.13");
    ASSERT_TRUE(eventually([&] { return running("sleep 77.13") > 0; }));
    doomed.signal(SIGKILL);
    ::kill(victim, SIGKILL);
    doomed.wait();
    EXPECT_EQ(s.find(id).state, state::processing);
    const auto before = clock::now();
    auto next = s.start_worker({"--drain"});
    EXPECT_EQ(next.wait(), 0) << s.log();
    EXPECT_LT(clock::now() - before, 2s);
    EXPECT_EQ(s.find(id).state, state::completed);
    EXPECT_EQ(s.find(id).crashes, 1);
    EXPECT_EQ(running("sleep 77.13"), 0) << "what outlived its leader is ended before the job runs again";
}

TEST(Deaths, ASupervisorThatDiesTakesItsWorkersAlongOnceTheirJobsHaveEnded)
{
    const site s;
    auto doomed = s.start_worker();
    const auto id = s.enqueue("sleep 1");
    const auto next = s.enqueue("true");
    ASSERT_TRUE(s.reaches(id, state::processing));
    doomed.signal(SIGKILL);
    EXPECT_TRUE(eventually([&] { return s.workers().empty(); })) << s.log();
    EXPECT_EQ(s.find(id).state, state::completed);
    EXPECT_EQ(s.find(id).crashes, 0);
    EXPECT_EQ(s.find(next).state, state::pending);
}

TEST(Deaths, APoisonJobIsDeadAtTheThirdCrashAndTheOthersFlowOn)
{
    const site s;
    const auto poison = s.enqueue("kill -9 $PPID; sleep 77.15");
    std::vector<std::string> others;
    for (int i = 0; i < 20; ++i) others.push_back(s.enqueue("sleep 0.05"));
    auto worker = s.start_worker({"--count", "2", "--concurrency", "2"});
    ASSERT_TRUE(s.reaches(poison, state::dead)) << s.log();
    const auto record = s.find(poison);
    EXPECT_EQ(record.crashes, 3);
    EXPECT_EQ(record.attempts, 0);
    EXPECT_EQ(record.error, "gave up after 3 crashes; the last: worker killed by signal 9 (SIGKILL)");
    for (const auto& id : others) {
        EXPECT_TRUE(s.reaches(id, state::completed));
        EXPECT_LE(s.find(id).crashes, 1) << "at most the neighbour of its first run";
    }
    EXPECT_EQ(running("sleep 77.15"), 0);
    worker.signal(SIGTERM);
    EXPECT_EQ(worker.wait(), 0);
}

TEST(Deaths, AFrozenWorkersResultIsRefusedAndItsChildIsEnded)
{
    const site s;
    s.set("lease", "1s");
    auto frozen = s.start_worker();
    ASSERT_TRUE(s.workers_are_up(1));
    const auto victim = s.workers().at(0);
    const auto id =
        s.enqueue("echo $QUEUECTL_ATTEMPT >> " + s.path("runs") + "; test $QUEUECTL_ATTEMPT = 2 || sleep 77.16");
    ASSERT_TRUE(eventually([&] { return running("sleep 77.16") > 0; }));
    ::kill(victim, SIGSTOP);
    auto other = s.start_worker();
    ASSERT_TRUE(s.reaches(id, state::completed)) << s.log();
    EXPECT_EQ(s.find(id).crashes, 1);
    EXPECT_EQ(running("sleep 77.16"), 1) << "its first run goes on while its worker is frozen";
    ::kill(victim, SIGCONT);
    EXPECT_TRUE(eventually([] { return running("sleep 77.16") == 0; })) << s.log();
    EXPECT_EQ(s.find(id).state, state::completed);
    EXPECT_EQ(s.find(id).attempts, 1);
    EXPECT_EQ(lines_of(s.path("runs")), (std::map<std::string, int>{{"1", 1}, {"2", 1}}));
    EXPECT_EQ(::kill(victim, 0), 0) << "it lives, and works on";
}

TEST(Deaths, TheNextWorkerRemovesExpiredJobsAndTheLiveOutputOfTheDead)
{
    const site s;
    const auto expired = s.enqueue("true", {"--keep-completed", "1s"});
    const auto kept = s.enqueue("true");
    auto first = s.start_worker({"--drain"});
    EXPECT_EQ(first.wait(), 0) << s.log();
    EXPECT_EQ(s.find(expired).state, state::completed);
    const auto orphan = s.side_folder() + "/logs/0123456789abcdef0123456789abcdef00000000.live";
    std::ofstream{orphan} << "what a dead worker left";
    std::this_thread::sleep_for(1s);
    auto second = s.start_worker();
    EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(orphan); }));
    EXPECT_TRUE(eventually([&] { return !*s.open()->find(expired); }));
    EXPECT_EQ(s.find(kept).state, state::completed);
}

// Kills workers and supervisors at random while jobs run; each job appends its number.
TEST(Deaths, RandomKillsLoseNothingAndEachDoubleRunWasCutOff)
{
    const int jobs = soaking() ? 10'000 : 600;
    const auto seed = std::random_device{}();
    std::mt19937 random{seed};
    SCOPED_TRACE("seed " + std::to_string(seed));
    const site s;
    {
        std::ofstream out{s.path("jobs")};
        for (int i = 0; i < jobs; ++i)
            out << R"({"id":"job-)" << i << R"(","command":"echo )" << i << " >> " << s.path("lines") << "; sleep 0.00"
                << i % 9 << "\"}\n";
    }
    ASSERT_EQ(s.run({"config", "set", "max-crashes", "1000"}).code, 0);
    ASSERT_EQ(s.run({"enqueue", "--file", s.path("jobs")}).code, 0);
    child supervisors[2];
    const auto q = s.open();
    const auto done = [&] {
        auto counts = q->counts();
        return counts && (*counts)[0][state::completed] == static_cast<std::uint64_t>(jobs);
    };
    const auto until = clock::now() + (soaking() ? 500s : 100s);
    int kills = 0;
    const int kills_wanted = soaking() ? 1000 : 25;
    while (!done() && clock::now() < until) {
        for (auto& one : supervisors)
            if (one.ended()) one = s.start_worker({"--count", "2", "--concurrency", "2", "--quiet"});
        std::this_thread::sleep_for(std::chrono::milliseconds{20 + random() % 180});
        if (kills >= kills_wanted) continue;
        auto& victim = supervisors[random() % 2];
        const auto workers = s.workers();
        if (random() % 3 == 0)
            victim.signal(SIGKILL);
        else if (!workers.empty())
            ::kill(workers[random() % workers.size()], SIGKILL);
        ++kills;
    }
    ASSERT_TRUE(done()) << s.log();
    for (auto& one : supervisors) one.signal(SIGTERM);
    for (auto& one : supervisors) one.wait();
    ASSERT_TRUE(eventually([&] { return s.workers().empty(); }));
    EXPECT_EQ(s.count(state::processing), 0u);

    const auto lines = lines_of(s.path("lines"));
    EXPECT_EQ(lines.size(), static_cast<std::size_t>(jobs)) << "a job is missing";
    int doubles = 0;
    for (const auto& [line, times] : lines) {
        const auto record = s.find("job-" + line);
        EXPECT_LE(times, record.attempts + record.crashes) << "job " << line << " ran without being recorded";
        EXPECT_EQ(record.attempts, 1) << "job " << line;
        doubles += times - 1;
    }
    std::printf("%d kills, %d jobs, %d runs cut off after their line\n", kills, jobs, doubles);
}

}  // namespace
}  // namespace queuectl::e2e
