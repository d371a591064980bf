// process_executor: the system refuses a process, a descriptor, a pidfd or a status.
#include <queuectl/executor/process.hpp>

#include <gtest/gtest.h>

#include <executor/in_child.hpp>
#include <process/process_testing.hpp>

#include <sys/resource.h>

namespace {
using namespace queuectl;
using namespace queuectl::process_testing;
using std::chrono::milliseconds;

// A spawner whose next calls fail, or that forgets pidfds, as an old kernel does.
struct broken_spawner : process::spawner {
    int next_error = 0;
    bool without_pidfd = false;
    process::spawn_result spawn(const process::spawn_request& request) noexcept
    {
        process::spawn_result failed;
        failed.error = std::exchange(next_error, 0);
        if (failed.error != 0) return failed;
        auto r = process::spawner::spawn(request);
        if (without_pidfd) r.pidfd.reset();
        return r;
    }
};

TEST(ProcessNasty, NoProcessIsNoRun)
{
    basic_process_executor<broken_spawner> e;
    for (const int error : {EAGAIN, ENOMEM}) {
        e.spawner().next_error = error;
        const auto before = open_descriptors();
        const auto started = e.start(make_lease("true"), instant{});
        ASSERT_FALSE(started);
        EXPECT_EQ(started.error().code, errc::spawn_failed);
        EXPECT_EQ(started.error().backend_code, error);
        EXPECT_EQ(e.capacity(), 1u);
        EXPECT_EQ(open_descriptors(), before);
    }
    EXPECT_EQ(run_process(e, make_lease("true")).report.status, run_status::succeeded);
}

TEST(ProcessNasty, NoDescriptorIsNoRun)
{
    EXPECT_EQ(in_child([] {
                  process_executor e;
                  rlimit limit{};
                  ::getrlimit(RLIMIT_NOFILE, &limit);
                  const auto before = limit.rlim_cur;
                  limit.rlim_cur = 5;
                  ::setrlimit(RLIMIT_NOFILE, &limit);
                  const auto started = e.start(make_lease("true"), instant{});
                  EXPECT_TRUE(!started && started.error().code == errc::spawn_failed);
                  limit.rlim_cur = before;
                  ::setrlimit(RLIMIT_NOFILE, &limit);
                  EXPECT_EQ(run_process(e, make_lease("true")).report.status, run_status::succeeded);
                  return true;
              }),
              0);
}

TEST(ProcessNasty, WorksWithoutPidfds)
{
    basic_process_executor<broken_spawner> e;
    e.spawner().without_pidfd = true;
    EXPECT_EQ(run_process(e, make_lease("sleep 0.05; exit 7")).report.exit_code, 7);
    auto l = make_lease("sleep 300");
    l.job.timeout = milliseconds{50};
    EXPECT_EQ(run_process(e, l).report.status, run_status::timed_out);
}

TEST(ProcessNasty, AnIgnoredChildSignalLosesTheStatusAndSaysSo)
{
    struct sigaction ignore {};
    struct sigaction before {};
    ignore.sa_handler = SIG_IGN;
    ::sigaction(SIGCHLD, &ignore, &before);
    const auto what = run_process("true");
    ::sigaction(SIGCHLD, &before, nullptr);
    EXPECT_EQ(what.report.status, run_status::failed);
    EXPECT_EQ(what.report.error, "exit status lost (SIGCHLD is ignored)");
}

}  // namespace
