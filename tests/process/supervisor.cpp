// The supervisor over workers that are shell scripts.
#include <queuectl/supervisor.hpp>

#include <gtest/gtest.h>

#include <process/process_testing.hpp>
#include <process/temporary_directory.hpp>

namespace {
using namespace queuectl;
using namespace queuectl::process_testing;
using std::chrono::milliseconds;
using std::chrono::seconds;

// A supervisor in a process of its own. Deaths are written to a file, one a line.
class supervised {
public:
    supervised(std::string script, std::size_t count = 1, std::string mark = {})
        : mark_{mark.empty() ? "sup" + std::to_string(::getpid()) + "." + std::to_string(++serial) : std::move(mark)}
    {
        script = "D=" + directory_.path() + "; " + script;
        pid_ = ::fork();
        if (pid_ == 0) {
            ::setpgid(0, 0);
            ::_exit(run(script, count));
        }
    }
    ~supervised()
    {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            process::reap(pid_);
        }
        process::end_marked(mark_, seconds{5});
    }

    void signal(int s) const { ::kill(pid_, s); }
    void signal_group(int s) const { ::kill(-pid_, s); }
    [[nodiscard]] int wait()
    {
        const int status = process::reap(std::exchange(pid_, 0));
        return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
    }
    [[nodiscard]] std::string file(const std::string& name) const
    {
        std::string text;
        static_cast<void>(process::read_file((directory_.path() + "/" + name).c_str(), text, 1u << 20));
        return text;
    }
    // Waits for a file to contain a text.
    [[nodiscard]] bool shows(const std::string& name, std::string_view text) const
    {
        for (int i = 0; i < 1000; ++i) {
            if (file(name).find(text) != std::string::npos) return true;
            ::usleep(10'000);
        }
        return false;
    }
    [[nodiscard]] const std::string& mark() const { return mark_; }

private:
    int run(const std::string& script, std::size_t count) const
    {
        supervisor_options options;
        options.argv = {"/bin/sh", "-c", script};
        options.count = count;
        options.run_mark = mark_;
        supervisor s{options};
        const auto code = s.run([&](const worker_death& death) {
            // What is still alive at this moment of the worker's jobs would run beside the next holder of its lease.
            const auto left = process::find_tree({0, death.mark}).size();
            const auto line = std::to_string(death.index) + " " + death.cause + " left=" + std::to_string(left) + "\n";
            const owned_fd fd{
                ::open((directory_.path() + "/deaths").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600)};
            EXPECT_EQ(::write(fd.get(), line.data(), line.size()), static_cast<ssize_t>(line.size()));
        });
        return code ? *code : 99;
    }

    static inline int serial = 0;
    temporary_directory directory_;
    std::string mark_;
    pid_t pid_ = 0;
};

TEST(Supervisor, EndsWhenItsWorkersAreDone)
{
    supervised s{"echo x >> $D/starts", 3};
    EXPECT_EQ(s.wait(), 0);
    EXPECT_EQ(s.file("starts"), "x\nx\nx\n");
    EXPECT_EQ(s.file("deaths"), "");
}

TEST(Supervisor, RestartsADeadWorkerAndTellsTheCause)
{
    supervised s{"if test -e $D/second; then exit 0; fi; touch $D/second; kill -9 $$"};
    EXPECT_EQ(s.wait(), 0);
    EXPECT_EQ(s.file("deaths"), "0 worker killed by signal 9 (SIGKILL) left=0\n");
}

TEST(Supervisor, AnExitCodeBelow64IsADeath)
{
    supervised s{"if test -e $D/second; then exit 0; fi; touch $D/second; exit 3"};
    EXPECT_EQ(s.wait(), 0);
    EXPECT_EQ(s.file("deaths"), "0 worker ended with exit code 3 left=0\n");
}

TEST(Supervisor, AWorkerThatGivesUpEndsAll)
{
    supervised s{"if mkdir $D/first 2>/dev/null; then exit 70; fi; trap 'exit 0' TERM; while :; do sleep 0.05; done",
                 3};
    EXPECT_EQ(s.wait(), 70);
}

TEST(Supervisor, TheTreesOfADeadWorkerAreGoneBeforeItsDeathIsTold)
{
    supervised s{
        "test -e $D/second && exit 0; touch $D/second; export QUEUECTL_RUN=$QUEUECTL_WORKER_MARK.1;"
        "sleep 300 & setsid sleep 300 & (trap '' TERM HUP; setsid sh -c 'sleep 300; :' &);"
        "env -u QUEUECTL_RUN -u QUEUECTL_WORKER_MARK setsid sleep 300 & echo $! > $D/escaped; sleep 0.1; kill -9 $$"};
    const auto before = process::monotonic_now();
    EXPECT_EQ(s.wait(), 0);
    EXPECT_LT(process::monotonic_now() - before, seconds{2});
    EXPECT_EQ(s.file("deaths"), "0 worker killed by signal 9 (SIGKILL) left=0\n");
    EXPECT_EQ(marked_processes(s.mark()), 0u);
    const auto escaped = static_cast<pid_t>(std::stol(s.file("escaped")));
    EXPECT_EQ(::kill(escaped, 0), -1) << "a child without a mark, adopted by the supervisor";
}

TEST(Supervisor, FirstSignalFinishesSecondStopsThirdKills)
{
    for (const int kill_at : {1, 2, 3}) {
        supervised s{"n=0; trap 'n=$((n+1)); echo $n >> $D/terms; test $n = " + std::to_string(kill_at) +
                     " && exit 0' TERM; echo up > $D/up; while :; do sleep 0.02; done"};
        ASSERT_TRUE(s.shows("up", "up"));
        for (int i = 1; i <= kill_at; ++i) {
            s.signal(i == 1 ? SIGINT : i == 2 ? SIGTERM : SIGHUP);
            ASSERT_TRUE(i == 3 || s.shows("terms", std::to_string(i)));
        }
        EXPECT_EQ(s.wait(), kill_at == 3 ? 1 : 0);
        EXPECT_EQ(s.file("deaths"), kill_at == 3 ? "0 worker killed by signal 9 (SIGKILL) left=0\n" : "");
    }
}

TEST(Supervisor, ATerminalsSignalReachesTheWorkersOnce)
{
    supervised s{"trap 'echo x > $D/int' INT; trap 'exit 0' TERM; echo up > $D/up; while :; do sleep 0.02; done"};
    ASSERT_TRUE(s.shows("up", "up"));
    s.signal_group(SIGINT);
    EXPECT_EQ(s.wait(), 0);
    EXPECT_EQ(s.file("int"), "");
}

TEST(Supervisor, WorkersLearnOfItsDeath)
{
    supervised s{"trap 'echo term > $D/term; exit 0' TERM; echo up > $D/up; while :; do sleep 0.02; done"};
    ASSERT_TRUE(s.shows("up", "up"));
    s.signal(SIGKILL);
    EXPECT_EQ(s.wait(), 1009);
    EXPECT_TRUE(s.shows("term", "term"));
}

TEST(Supervisor, AWorkerThatCannotBeExecutedIsAnError)
{
    const pid_t pid = ::fork();
    if (pid == 0) {
        supervisor_options options;
        options.argv = {"/no/such/worker"};
        options.run_mark = "none";
        supervisor s{options};
        const auto code = s.run([](const worker_death&) {});
        ::_exit(!code && code.error().code == errc::spawn_failed ? 0 : 1);
    }
    EXPECT_EQ(process::reap(pid), 0);
}

TEST(Supervisor, ACrashLoopIsSlowedDown)
{
    supervised s{"echo x >> $D/starts; exit 1"};
    ::usleep(1'000'000);
    s.signal(SIGTERM);
    EXPECT_EQ(s.wait(), 0);
    const auto starts = s.file("starts").size() / 2;
    EXPECT_GE(starts, 5u);
    EXPECT_LE(starts, 9u);
}

}  // namespace
