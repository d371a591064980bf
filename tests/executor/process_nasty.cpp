// process_executor: jobs that misbehave. Every outcome is truthful, nothing is left over, memory is bounded.
#include <queuectl/executor/process.hpp>

#include <gtest/gtest.h>

#include <executor/in_child.hpp>
#include <process/process_testing.hpp>
#include <process/temporary_directory.hpp>

#include <atomic>
#include <fstream>
#include <random>
#include <thread>

#include <sys/resource.h>

namespace {
using namespace queuectl;
using namespace queuectl::process_testing;
using process::monotonic_now;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Lets the executor work until nothing with its mark lives, for at most 10 s.
template <class E>
bool nothing_is_left(E& e)
{
    std::vector<finished_run> none;
    for (const auto until = monotonic_now() + seconds{10}; monotonic_now() < until;) {
        if (marked_processes(e.run_mark()) == 0) return none.empty();
        e.collect(none, milliseconds{20});
    }
    return false;
}

process_options owner()
{
    process_options options;
    options.subreaper = true;
    return options;
}

TEST(ProcessNasty, ABackgroundChildHoldingThePipeDelaysNothingAndIsEnded)
{
    for (const auto* job : {"sleep 300 & echo started", "trap '' TERM; sleep 300 & echo started",
                            "yes & sleep 0.05; echo started", "nohup sleep 300 >/dev/null 2>&1 & echo started"}) {
        process_executor e;
        const auto before = monotonic_now();
        const auto what = run_process(e, make_lease(job));
        EXPECT_LT(monotonic_now() - before, milliseconds{900}) << job;
        EXPECT_EQ(what.report.status, run_status::succeeded);
        EXPECT_EQ(e.capacity(), 1u) << "what is left takes no place";
        EXPECT_TRUE(nothing_is_left(e)) << job;
    }
}

constexpr const char* daemons =
    "(setsid sh -c 'sleep 300; :' >/dev/null 2>&1 &); sh -c 'setsid sleep 300 & exit'; sleep 0.1; exit 5";

TEST(ProcessNasty, DaemonsAreEndedWithoutASubreaper)
{
    process_executor e;
    EXPECT_EQ(run_process(e, make_lease(daemons)).report.exit_code, 5);
    EXPECT_TRUE(nothing_is_left(e));
}

TEST(ProcessNasty, DaemonsAreEndedAndReapedByASubreaper)
{
    EXPECT_EQ(in_child([] {
                  process_executor e{owner()};
                  EXPECT_EQ(run_process(e, make_lease(daemons)).report.exit_code, 5);
                  EXPECT_TRUE(nothing_is_left(e));
                  std::vector<finished_run> none;
                  for (int i = 0; i < 10; ++i) e.collect(none, milliseconds{20});
                  std::vector<pid_t> children;
                  EXPECT_TRUE(process::list_children(children));
                  EXPECT_EQ(children.size(), 0u) << "a zombie";
                  return true;
              }),
              0);
}

TEST(ProcessNasty, ADaemonWithoutAMarkIsEndedOnceNoJobCanOwnIt)
{
    EXPECT_EQ(in_child([] {
                  auto options = owner();
                  options.concurrency = 2;
                  process_executor e{options};
                  auto long_job = make_lease("sleep 0.4");
                  long_job.token.ordinal = 9;
                  EXPECT_TRUE(e.start(long_job, instant{}));
                  temporary_directory directory;
                  const auto file = directory.path() + "/pid";
                  run_process(
                      e, make_lease("env -i setsid sleep 300 >/dev/null 2>&1 & echo $! > " + file + "; sleep 0.1"));
                  pid_t pid = 0;
                  std::ifstream{file} >> pid;
                  std::vector<finished_run> out;
                  while (out.empty()) {
                      EXPECT_EQ(::kill(pid, 0), 0) << "it may belong to the job that runs";
                      e.collect(out, milliseconds{50});
                  }
                  for (int i = 0; i < 100 && ::kill(pid, 0) == 0; ++i) e.collect(out, milliseconds{20});
                  EXPECT_EQ(::kill(pid, 0), -1);
                  return true;
              }),
              0);
}

TEST(ProcessNasty, ADaemonOfARunningJobIsLeftAlone)
{
    EXPECT_EQ(in_child([] {
                  auto options = owner();
                  options.concurrency = 2;
                  process_executor e{options};
                  auto job = make_lease("(setsid sh -c 'sleep 0.5; echo by the daemon' &); sleep 0.7");
                  job.token.ordinal = 9;
                  EXPECT_TRUE(e.start(job, instant{}));
                  run_process(e, make_lease("true"));
                  EXPECT_EQ(collect_one(e).report.output.head, "by the daemon\n");
                  return true;
              }),
              0);
}

TEST(ProcessNasty, CancelReachesProcessesThatLeftTheSession)
{
    for (const auto* job : {"setsid sleep 300 & wait", "(setsid sh -c 'sleep 300; :' &); sleep 300",
                            "trap '' TERM; (trap '' TERM HUP INT; setsid sleep 300 &); sleep 300", "kill -STOP $$"}) {
        process_options options;
        options.grace = milliseconds{60};
        process_executor e{options};
        auto l = make_lease(job);
        ASSERT_TRUE(e.start(l, instant{}));
        std::vector<finished_run> none;
        e.collect(none, milliseconds{40});
        e.stop(l.token, stop_reason::cancelled);
        EXPECT_EQ(collect_one(e).report.status, run_status::cancelled);
        EXPECT_EQ(marked_processes(e.run_mark()), 0u) << job;
    }
}

TEST(ProcessNasty, EachProcessGetsOneTerm)
{
    for (const auto* job :
         {"trap 'echo term; exit 0' TERM; sleep 0.3 & wait; wait",
          "setsid sh -c \"trap 'echo term; exit 0' TERM; sleep 0.3 & wait; wait\" & trap : TERM; wait; wait"}) {
        process_executor e;
        auto l = make_lease(job);
        ASSERT_TRUE(e.start(l, instant{}));
        ::usleep(50'000);
        e.stop(l.token, stop_reason::shutdown);
        e.stop(l.token, stop_reason::shutdown);
        const auto what = collect_one(e);
        EXPECT_TRUE(what.released);
        EXPECT_EQ(what.report.output.head, "term\n") << job;
    }
}

TEST(ProcessNasty, ClosedOutputIsNotSpunOn)
{
    rusage before{};
    rusage after{};
    ::getrusage(RUSAGE_SELF, &before);
    const auto what = run_process("exec >&- 2>&-; sleep 0.5; exit 4");
    ::getrusage(RUSAGE_SELF, &after);
    EXPECT_EQ(what.report.exit_code, 4);
    EXPECT_EQ(what.report.output_bytes, 0u);
    const auto ms = [](const timeval& t) { return t.tv_sec * 1000 + t.tv_usec / 1000; };
    EXPECT_LT(ms(after.ru_utime) + ms(after.ru_stime) - ms(before.ru_utime) - ms(before.ru_stime), 100);
}

TEST(ProcessNasty, AnyBytesAreKept)
{
    const auto what = run_process("printf 'a\\000b\\377\\n\\033[2Jc'");
    EXPECT_EQ(what.report.output.head, (std::string{"a\0b\xff\n\x1b[2Jc", 10}));
}

TEST(ProcessNasty, StdinIsEmpty) { EXPECT_EQ(run_process("cat; read x || echo end").report.output.head, "end\n"); }

TEST(ProcessNasty, ACoreDumpIsASignal)
{
    temporary_directory directory;
    auto l = make_lease("ulimit -c 0; kill -SEGV $$");
    l.job.cwd = directory.path();
    const auto what = run_process(l);
    EXPECT_EQ(what.report.signal, SIGSEGV);
    EXPECT_EQ(what.report.exit_code, 139);
    EXPECT_EQ(what.report.error, "killed by signal 11 (SIGSEGV)");
}

#if !defined(__SANITIZE_ADDRESS__)
TEST(ProcessNasty, MemoryStaysBoundedWhateverIsWritten)
{
    EXPECT_EQ(in_child([] {
                  const auto written = run_process("head -c 400000000 /dev/zero").report;
                  EXPECT_EQ(written.output_bytes, 400000000u);
                  EXPECT_EQ(written.output.head.size(), 64u << 10);
                  EXPECT_EQ(written.output.tail.size(), 192u << 10);
                  const auto line = run_process("head -c 100000000 /dev/zero | tr '\\0' x; exit 1").report;
                  EXPECT_EQ(line.output_bytes, 100000000u);
                  EXPECT_EQ(line.error, "exit code 1: " + std::string(200, 'x'));
                  std::string status;
                  EXPECT_TRUE(process::read_file("/proc/self/status", status, 1u << 16));
                  const auto kib = std::stol(status.substr(status.find("VmHWM:") + 6));
                  EXPECT_LT(kib, 32 << 10);
                  return true;
              }),
              0);
}
#endif

TEST(ProcessNasty, AStopThatComesTooLateChangesNothing)
{
    process_executor e;
    auto l = make_lease("exit 3");
    ASSERT_TRUE(e.start(l, instant{}));
    ::usleep(100'000);
    e.stop(l.token, stop_reason::cancelled);
    const auto what = collect_one(e);
    EXPECT_EQ(what.report.status, run_status::failed);
    EXPECT_EQ(what.report.error, "exit code 3");
    e.stop(l.token, stop_reason::cancelled);
}

TEST(ProcessNasty, ALostLeaseOverridesAPatientStop)
{
    process_executor e;
    auto l = make_lease("trap '' TERM; while :; do sleep 0.01; done");
    ASSERT_TRUE(e.start(l, instant{}));
    ::usleep(50'000);
    e.stop(l.token, stop_reason::shutdown);
    e.stop(l.token, stop_reason::lease_lost);
    const auto before = monotonic_now();
    EXPECT_TRUE(collect_one(e).released);
    EXPECT_LT(monotonic_now() - before, seconds{2});
}

TEST(ProcessNasty, TheDestructorLeavesNothing)
{
    std::string mark;
    {
        process_options options;
        options.concurrency = 3;
        process_executor e{options};
        mark = e.run_mark();
        for (const auto* job : {"trap '' TERM; sleep 300; :", "setsid sleep 300 & wait", daemons})
            ASSERT_TRUE(e.start(make_lease(job), instant{}));
        ::usleep(50'000);
    }
    EXPECT_EQ(marked_processes(mark), 0u);
}

TEST(ProcessNasty, AKilledWorkersJobsDieOrAreFoundByTheirMark)
{
    const std::string mark = "dead-worker-" + std::to_string(::getpid());
    const pid_t worker = ::fork();
    if (worker == 0) {
        process_options options;
        options.run_mark = mark;
        process_executor e{options};
        static_cast<void>(e.start(make_lease("setsid sleep 300 & sleep 300"), instant{}));
        ::usleep(100'000);
        ::kill(::getpid(), SIGKILL);
    }
    process::reap(worker);
    for (int i = 0; i < 100 && marked_processes(mark) > 2; ++i) ::usleep(5000);
    EXPECT_LE(marked_processes(mark), 2u) << "the leader dies with its worker";
    EXPECT_EQ(process::end_marked(mark, seconds{5}), 0u);
    EXPECT_EQ(marked_processes(mark), 0u);
}

TEST(ProcessNasty, DescriptorsDoNotLeak)
{
    process_options options;
    options.concurrency = 4;
    process_executor e{options};
    std::size_t before = 0;
    std::vector<finished_run> out;
    const std::array jobs{"true",      "no-such-program", "echo x; sleep 0.01", "exec >&-; sleep 0.01",
                          "sleep 300", "kill -9 $$",      "sleep 30 & :"};
    for (std::uint32_t i = 0; i < 140; ++i) {
        while (e.capacity() == 0) e.collect(out, seconds{1});
        auto l = make_lease(jobs[i % jobs.size()]);
        l.token.ordinal = i + 1;
        l.job.timeout = milliseconds{30};
        if (i == 70) before = open_descriptors();
        ASSERT_TRUE(e.start(l, instant{}));
    }
    while (e.capacity() < 4) e.collect(out, seconds{1});
    EXPECT_EQ(out.size(), 140u);
    EXPECT_TRUE(nothing_is_left(e));
    EXPECT_LE(open_descriptors(), before);
}

TEST(ProcessNasty, SignalStormsChangeNoOutcome)
{
    constexpr unsigned seed = 11;
    struct sigaction handler {};
    handler.sa_handler = [](int) {};
    std::array<struct sigaction, 3> before{};
    const std::array numbers{SIGUSR1, SIGCHLD, SIGALRM};
    for (std::size_t i = 0; i < numbers.size(); ++i) ::sigaction(numbers[i], &handler, &before[i]);
    std::atomic<bool> done{false};
    const auto loop = ::pthread_self();
    std::thread storm{[&] {
        std::minstd_rand random{seed};
        while (!done) {
            ::pthread_kill(loop, numbers[random() % numbers.size()]);
            ::usleep(static_cast<useconds_t>(random() % 200));
        }
    }};
    process_executor e;
    for (int i = 0; i < 100; ++i) {
        const auto code = i % 3;
        const auto what = run_process(e, make_lease("echo " + std::to_string(i) + "; exit " + std::to_string(code)));
        EXPECT_EQ(what.report.exit_code, code);
        EXPECT_EQ(what.report.output.head, std::to_string(i) + "\n");
    }
    done = true;
    storm.join();
    for (std::size_t i = 0; i < numbers.size(); ++i) ::sigaction(numbers[i], &before[i], nullptr);
}

TEST(ProcessNasty, LongRunsShowTheirOutput)
{
    temporary_directory directory;
    process_options options;
    options.spool_dir = directory.path();
    process_executor e{options};
    auto l = make_lease("echo early; sleep 0.4; echo late; sleep 0.4");
    ASSERT_TRUE(e.start(l, instant{}));
    const auto path = process::live_output_path(directory.path(), l.token);
    std::vector<finished_run> out;
    std::string seen;
    const auto wait_for = [&](std::string_view text) {
        while (out.empty() && seen != text) {
            e.collect(out, milliseconds{20});
            static_cast<void>(process::read_file(path.c_str(), seen, 1000));
        }
        return seen;
    };
    EXPECT_EQ(wait_for("early\n"), "early\n");
    EXPECT_EQ(wait_for("early\nlate\n"), "early\nlate\n");
    while (out.empty()) e.collect(out, seconds{1});
    EXPECT_FALSE(std::filesystem::exists(path));
    EXPECT_EQ(out.front().what.report.output.head, "early\nlate\n");
}

}  // namespace
