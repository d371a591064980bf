// Timeouts, cancels, latency and idleness of whole processes.
#include "support.hpp"

namespace queuectl::e2e {
namespace {

TEST(Jobs, ATimeoutEndsTheWholeTree)
{
    const site s;
    const auto id =
        s.enqueue("sleep 77.21 & setsid sleep 77.21 & sleep 77.21", {"--timeout", "500ms", "--max-retries", "0"});
    auto worker = s.start_worker();
    ASSERT_TRUE(s.reaches(id, state::dead)) << s.log();
    std::vector<attempt> runs;
    ASSERT_TRUE(s.open()->storage().attempts(id, runs));
    ASSERT_EQ(runs.size(), 1u);
    EXPECT_EQ(runs[0].status, run_status::timed_out);
    EXPECT_EQ(running("sleep 77.21"), 0);
}

TEST(Jobs, ACancelEndsTheWholeTreeAtOnce)
{
    const site s;
    const auto id = s.enqueue("trap '' TERM; sleep 77.22 & setsid sleep 77.22 & while :; do sleep 77.22; done");
    s.set("grace", "200ms");
    auto worker = s.start_worker();
    ASSERT_TRUE(eventually([] { return running("sleep 77.22") >= 3; }));
    const auto before = clock::now();
    EXPECT_EQ(s.run({"cancel", id}).code, 0);
    ASSERT_TRUE(s.reaches(id, state::cancelled)) << s.log();
    EXPECT_LT(clock::now() - before, 2s);
    EXPECT_EQ(running("sleep 77.22"), 0);
}

TEST(Jobs, WhatASuccessfulJobLeavesBehindIsEnded)
{
    const site s;
    const auto id = s.enqueue("setsid sleep 77.23 & sleep 77.23 & exit 0");
    auto worker = s.start_worker();
    ASSERT_TRUE(s.reaches(id, state::completed));
    EXPECT_TRUE(eventually([] { return running("sleep 77.23") == 0; }));
}

TEST(Jobs, AnotherProcessesJobStartsSoon)
{
    const site s;
    auto worker = s.start_worker();
    ASSERT_TRUE(s.workers_are_up(1));
    clock::duration slowest{};
    for (int i = 0; i < 10; ++i) {
        std::this_thread::sleep_for(30ms);
        const auto id = s.enqueue("true");
        const auto before = clock::now();
        ASSERT_TRUE(s.reaches(id, state::completed));
        slowest = std::max(slowest, clock::now() - before);
    }
    EXPECT_LT(slowest, 1s) << "it waited for a fallback check";
}

long ticks_of(pid_t pid)
{
    const auto text = read_all("/proc/" + std::to_string(pid) + "/stat");
    std::istringstream fields{text.substr(text.rfind(')') + 2)};
    std::string skipped;
    for (int i = 3; i < 14; ++i) fields >> skipped;
    long user = 0;
    long system = 0;
    fields >> user >> system;
    return user + system;
}

TEST(Jobs, IdleWorkersUseNoProcessor)
{
    const site s;
    auto worker = s.start_worker({"--count", "2"});
    ASSERT_TRUE(s.workers_are_up(2));
    auto pids = s.workers();
    pids.push_back(worker.pid());
    std::this_thread::sleep_for(200ms);
    long before = 0;
    for (const auto pid : pids) before += ticks_of(pid);
    std::this_thread::sleep_for(2s);
    long after = 0;
    for (const auto pid : pids) after += ticks_of(pid);
    EXPECT_LE(after - before, ::sysconf(_SC_CLK_TCK) * 2 / 100) << "more than 1 % for three processes";
}

TEST(Enqueuers, SixteenAtOnceWhileFourWorkersRun)
{
    constexpr int clients = 16;
    constexpr int each = 20;
    const site s;
    auto worker = s.start_worker({"--count", "4", "--quiet"});
    std::vector<std::thread> threads;
    for (int c = 0; c < clients; ++c)
        threads.emplace_back([&s, c] {
            for (int i = 0; i < each; ++i) {
                auto one =
                    s.start({"enqueue", "--id", "j" + std::to_string(c) + "-" + std::to_string(i), "--command", "true"},
                            {}, s.path("ids" + std::to_string(c)), s.path("enqueue.err"));
                EXPECT_EQ(one.wait(), 0);
            }
        });
    for (auto& t : threads) t.join();
    EXPECT_EQ(read_all(s.path("enqueue.err")), "") << "no one hears of a lock";
    const auto q = s.open();
    EXPECT_TRUE(eventually([&] { return s.count(state::completed) == clients * each; }, 60s));
    EXPECT_EQ(s.log(), "");
}

TEST(Enqueuers, WhatAKilledOneWasToldIsThere)
{
    const site s;
    s.enqueue("true");
    unsigned random = 12345;
    for (int round = 0; round < 40; ++round) {
        auto one =
            s.start({"enqueue", "--id", "r" + std::to_string(round), "--command", "true"}, {}, s.path("acknowledged"));
        random = random * 1103515245 + 12345;
        ::usleep((random >> 16) % 8000);
        one.signal(SIGKILL);
        one.wait();
    }
    const auto q = s.open();
    const auto acknowledged = lines_of(s.path("acknowledged"));
    for (const auto& [id, times] : acknowledged) {
        auto found = q->find(id);
        EXPECT_TRUE(found && *found) << id;
    }
    std::printf("%zu of 40 were acknowledged before they were killed\n", acknowledged.size());
    auto worker = s.start_worker({"--drain", "--quiet"});
    EXPECT_EQ(worker.wait(), 0) << s.log();
    EXPECT_EQ(s.count(state::pending) + s.count(state::processing), 0u);
}

}  // namespace
}  // namespace queuectl::e2e
