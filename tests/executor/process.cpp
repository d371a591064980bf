// process_executor: ordinary jobs, and what goes wrong with them.
#include <queuectl/executor/process.hpp>

#include <gtest/gtest.h>

#include <process/process_testing.hpp>

namespace {
using namespace queuectl;
using namespace queuectl::process_testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

static_assert(executor<process_executor>);

TEST(ProcessExecutor, TellsSuccessAndOutput)
{
    const auto what = run_process("echo hello; echo oops >&2; echo bye");
    EXPECT_EQ(what.report.status, run_status::succeeded);
    EXPECT_EQ(what.report.exit_code, 0);
    EXPECT_EQ(what.report.error, "");
    EXPECT_EQ(what.report.output.head, "hello\noops\nbye\n");
    EXPECT_EQ(what.report.output_bytes, 15u);
}

TEST(ProcessExecutor, TellsExitCodeAndLastLine)
{
    const auto what = run_process("printf 'one\\n\\033[31mno such thing\\033[0m\\n\\n'; exit 3");
    EXPECT_EQ(what.report.status, run_status::failed);
    EXPECT_EQ(what.report.exit_code, 3);
    EXPECT_EQ(what.report.error, "exit code 3: no such thing");
}

TEST(ProcessExecutor, TellsSignal)
{
    const auto what = run_process("kill -9 $$");
    EXPECT_EQ(what.report.exit_code, 137);
    EXPECT_EQ(what.report.signal, 9);
    EXPECT_EQ(what.report.error, "killed by signal 9 (SIGKILL)");
}

TEST(ProcessExecutor, ProgramNotFoundIs127AsInAShell)
{
    const auto what = run_process("no-such-program-here a b");
    EXPECT_EQ(what.report.status, run_status::failed);
    EXPECT_EQ(what.report.exit_code, 127);
    EXPECT_EQ(what.report.error, "no-such-program-here: not found");
}

TEST(ProcessExecutor, UnusableProgramIs126AsInAShell)
{
    const auto what = run_process("/etc/passwd");
    EXPECT_EQ(what.report.exit_code, 126);
    EXPECT_EQ(what.report.error, "/etc/passwd: Permission denied");
}

TEST(ProcessExecutor, MissingDirectoryIs126AndNamed)
{
    auto l = make_lease("true");
    l.job.cwd = "/no/such/directory";
    const auto what = run_process(l);
    EXPECT_EQ(what.report.exit_code, 126);
    EXPECT_EQ(what.report.error, "cannot change to /no/such/directory: No such file or directory");
}

TEST(ProcessExecutor, ArgvNeverMeetsAShell)
{
    auto l = make_lease("");
    l.job.kind = "argv";
    l.job.payload = std::string{"printf\0%s,\0$HOME\0a b\0\0;\0", 24};
    EXPECT_EQ(run_process(l).report.output.head, "$HOME,a b,,;,");
}

TEST(ProcessExecutor, EnvironmentAndDirectoryAreTheJobs)
{
    auto l = make_lease("env; pwd");
    l.job.cwd = "/usr";
    l.job.env = std::string{"PATH=/usr/bin:/bin\0FOO=bar baz\0QUEUECTL_JOB_ID=forged\0", 55};
    l.attempts = 2;
    process_options options;
    options.store = "sqlite:/x";
    options.run_mark = "mark";
    const auto what = run_process(l, options);
    const auto& text = what.report.output.head;
    for (const auto* entry : {"FOO=bar baz\n", "QUEUECTL_JOB_ID=job\n", "QUEUECTL_ATTEMPT=3\n",
                              "QUEUECTL_STORE=sqlite:/x\n", "QUEUECTL_RUN=mark.1\n", "PWD=/usr\n", "\n/usr\n"})
        EXPECT_NE(text.find(entry), std::string::npos) << entry << text;
    EXPECT_EQ(text.find("forged"), std::string::npos);
    EXPECT_EQ(text.find("HOME="), std::string::npos);
}

TEST(ProcessExecutor, TimeoutEndsTheWholeTree)
{
    auto l = make_lease("trap '' TERM; sleep 300 & (setsid sleep 300 &); sleep 300; sleep 300");
    l.job.timeout = milliseconds{100};
    process_options options;
    options.grace = milliseconds{50};
    process_executor e{options};
    const auto what = run_process(e, l);
    EXPECT_EQ(what.report.status, run_status::timed_out);
    EXPECT_EQ(what.report.error, "timed out after 100ms");
    EXPECT_EQ(what.report.signal, SIGKILL);
    EXPECT_EQ(marked_processes(e.run_mark()), 0u);
}

TEST(ProcessExecutor, StopReasonsAreTold)
{
    for (const auto reason : {stop_reason::cancelled, stop_reason::shutdown, stop_reason::lease_lost}) {
        process_executor e;
        auto l = make_lease("sleep 300");
        ASSERT_TRUE(e.start(l, instant{}));
        e.stop(l.token, reason);
        const auto what = collect_one(e);
        EXPECT_EQ(what.released, reason != stop_reason::cancelled);
        EXPECT_EQ(what.report.status, run_status::cancelled);
        EXPECT_EQ(what.report.exit_code, reason == stop_reason::lease_lost ? 137 : 143);
    }
}

TEST(ProcessExecutor, WakeIsRememberedAndEndsTheWait)
{
    process_executor e;
    e.wake();
    std::vector<finished_run> out;
    const auto before = process::monotonic_now();
    e.collect(out, seconds{60});
    EXPECT_LT(process::monotonic_now() - before, seconds{10});
    EXPECT_TRUE(out.empty());
}

TEST(ProcessExecutor, RunsAsManyAtOnceAsAsked)
{
    process_options options;
    options.concurrency = 8;
    process_executor e{options};
    std::vector<finished_run> out;
    std::size_t started = 0;
    while (out.size() < 100) {
        while (started < 100 && e.capacity() > 0) {
            auto l = make_lease(started % 2 ? "sh -c 'exit 1'" : "true");
            l.token.ordinal = static_cast<std::uint32_t>(started++);
            ASSERT_TRUE(e.start(l, instant{}));
        }
        e.collect(out, seconds{10});
    }
    std::vector<int> seen(100, 0);
    for (const auto& f : out) {
        ++seen[f.token.ordinal];
        EXPECT_EQ(f.what.report.exit_code, static_cast<int>(f.token.ordinal % 2));
    }
    EXPECT_EQ(seen, std::vector<int>(100, 1));
    EXPECT_EQ(e.capacity(), 8u);
}

}  // namespace
