// The whole worker on real processes: every job that misbehaves, twenty times, among its likes.
#include <queuectl/executor/process.hpp>
#include <queuectl/queue.hpp>
#include <queuectl/storage/memory.hpp>

#include <gtest/gtest.h>

#include <process/process_testing.hpp>

#include <map>

namespace {
using namespace queuectl;
using namespace std::chrono_literals;

struct misbehaviour {
    const char* name;
    std::string command;
    state ends = state::completed;
    run_status status = run_status::succeeded;
    std::int32_t exit_code = 0;
    std::int32_t signal = 0;
    duration timeout{};
};

// 124 MiB of output each time would be 2.5 GiB: long under a sanitizer, and no truer.
const std::vector<misbehaviour> zoo{
    {"ignores TERM", "trap '' TERM; while :; do sleep 0.1; done", state::dead, run_status::timed_out, 137, 9, 200ms},
    {"double-forks and setsids", "(setsid sh -c '(sleep 71 &) ; sleep 72' &) ; exit 3", state::dead, run_status::failed,
     3},
    {"has grandchildren", "sh -c 'sleep 73 & sleep 74 & wait' & wait", state::dead, run_status::timed_out, 143, 15,
     200ms},
    {"leaves a child holding the pipe", "sleep 75 & echo done"},
    {"closes its output", "exec >&- 2>&-; sleep 0.01"},
    {"writes a lot", "head -c 20000000 /dev/zero"},
    {"writes one long line", "head -c 20000000 /dev/zero | tr '\\0' x"},
    {"writes NUL, escapes and broken UTF-8", "printf 'a\\000b\\033[2J\\377\\300'"},
    {"reads stdin", "cat; read line || true"},
    {"dumps core", "kill -SEGV $$", state::dead, run_status::failed, 139, 11},
    {"is killed", "kill -9 $$", state::dead, run_status::failed, 137, 9},
    {"sleeps for ever", "sleep 76", state::dead, run_status::timed_out, 143, 15, 100ms},
    {"ends at once", "true"},
    {"does not exist", "no-such-program-here", state::dead, run_status::failed, 127},
};

constexpr int times = 20;

process_options eight_at_once(const std::string& mark)
{
    process_options o;
    o.concurrency = 8;
    o.grace = 200ms;
    o.run_mark = mark;
    o.subreaper = true;
    return o;
}

// In a process of its own: what it may use of memory, and whose children it may reap, are those of a worker.
void run_all(const std::string& mark)
{
    basic_queue queue{memory_storage{}, process_executor{eight_at_once(mark)}, exponential{},
                      queue_options{.max_retries = 0, .retention = 1h}};
    std::map<std::string, const misbehaviour*> jobs;
    for (int i = 0; i < times; ++i)
        for (const auto& m : zoo) {
            const auto id = queue.enqueue({.payload = m.command, .timeout = m.timeout});
            ASSERT_TRUE(id);
            jobs[*id] = &m;
        }
    const auto summary = queue.run_until_drained();
    ASSERT_TRUE(summary);
    EXPECT_EQ(summary->completed + summary->buried, jobs.size());
    for (const auto& [id, m] : jobs) {
        SCOPED_TRACE(m->name);
        const job_record record = **queue.find(id);
        const auto runs = *queue.attempts(id);
        ASSERT_EQ(runs.size(), 1u);
        EXPECT_EQ(record.state, m->ends) << record.error;
        EXPECT_EQ(runs[0].status, m->status) << record.error;
        EXPECT_EQ(record.exit_code, m->exit_code) << record.error;
        EXPECT_EQ(record.signal, m->signal) << record.error;
    }
}

[[maybe_unused]] void expect_little_memory()
{
    std::string status;
    ASSERT_TRUE(process::read_file("/proc/self/status", status, 1u << 16));
    EXPECT_LT(std::stol(status.substr(status.find("VmHWM:") + 6)), 32 << 10) << "KiB";
}

TEST(ProcessQueue, MisbehavingJobsEndTruthfullyLeaveNothingAndUseLittleMemory)
{
    const std::string mark = "zoo" + std::to_string(::getpid());
    const pid_t pid = ::fork();
    if (pid == 0) {
        run_all(mark);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(__clang__)
        expect_little_memory();
#endif
        ::_exit(testing::Test::HasFailure() ? 1 : 0);
    }
    EXPECT_EQ(process::reap(pid), 0);
    EXPECT_EQ(process_testing::marked_processes(mark), 0u);
}

}  // namespace
