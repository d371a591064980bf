// What a spawned process inherits, and what not.
#include <queuectl/process/exit_text.hpp>
#include <queuectl/process/spawn.hpp>

#include <gtest/gtest.h>

#include <process/process_testing.hpp>
#include <process/temporary_directory.hpp>

#include <atomic>
#include <fstream>
#include <thread>

namespace {
using namespace queuectl;
using namespace queuectl::process_testing;

process::spawn_result spawn(std::vector<std::string> words, process::spawn_request request = {})
{
    std::vector<char*> argv{nullptr};
    for (auto& w : words) argv.push_back(w.data());
    argv.push_back(nullptr);
    request.path = words.front().c_str();
    request.argv = argv.data() + 1;
    request.envp = ::environ;
    process::spawner s;
    return s.spawn(request);
}

TEST(Spawn, TellsWhyNothingWasExecuted)
{
    auto r = spawn({"/no/such"});
    EXPECT_EQ(r.failed_step, process::spawn_step::execute);
    EXPECT_EQ(r.error, ENOENT);
    EXPECT_EQ(WEXITSTATUS(process::reap(r.pid)), 127);
    process::spawn_request request;
    request.cwd = "/no/such";
    r = spawn({"/bin/true"}, request);
    EXPECT_EQ(r.failed_step, process::spawn_step::directory);
    EXPECT_EQ(r.error, ENOENT);
    process::reap(r.pid);
    EXPECT_EQ(process::reap(r.pid), -1);
}

TEST(Spawn, AFileWithoutAFormatIsAScriptWhenAskedFor)
{
    temporary_directory directory;
    const auto script = directory.path() + "/script";
    std::ofstream{script} << "exit $1\n";
    std::filesystem::permissions(script, std::filesystem::perms::owner_all);
    process::spawn_request request;
    EXPECT_EQ(spawn({script, "7"}, request).error, ENOEXEC);
    request.script_fallback = true;
    const auto r = spawn({script, "7"}, request);
    EXPECT_EQ(r.error, 0);
    EXPECT_EQ(WEXITSTATUS(process::reap(r.pid)), 7);
}

std::string status_line(const std::string& text, const std::string& name)
{
    const auto at = text.find(name + ":\t");
    return at == std::string::npos ? "?"
                                   : text.substr(at + name.size() + 2, text.find('\n', at) - at - name.size() - 2);
}

TEST(Spawn, SignalsAreDefaultAndUnblockedWhateverTheParentDoes)
{
    struct sigaction before_usr1 {};
    struct sigaction before_pipe {};
    struct sigaction handler {};
    handler.sa_handler = [](int) {};
    ::sigaction(SIGUSR1, &handler, &before_usr1);
    handler.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &handler, &before_pipe);
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before);
    const auto what = run_process("cat /proc/self/status");
    sigset_t after;
    ::sigprocmask(SIG_SETMASK, &before, &after);
    struct sigaction now {};
    ::sigaction(SIGPIPE, &before_pipe, &now);
    EXPECT_EQ(now.sa_handler, SIG_IGN) << "the parent's own dispositions stay";
    ::sigaction(SIGUSR1, &before_usr1, &now);
    EXPECT_EQ(now.sa_handler, +handler.sa_handler == SIG_IGN ? now.sa_handler : SIG_DFL);
    EXPECT_EQ(::sigismember(&after, SIGUSR2), 1) << "the parent's own mask stays";
    const auto& text = what.report.output.head;
    for (const auto* name : {"SigBlk", "SigIgn", "SigCgt"})
        EXPECT_EQ(status_line(text, name), "0000000000000000") << name;
}

TEST(Spawn, NoDescriptorIsInherited)
{
    const int leak = ::open("/dev/null", O_RDWR);  // without CLOEXEC
    const auto what = run_process("ls -l /proc/self/fd");
    ::close(leak);
    const auto& text = what.report.output.head;
    EXPECT_NE(text.find("0 -> /dev/null"), std::string::npos) << text;
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 5) << text;  // total, 0, 1, 2, and the directory itself
}

TEST(Spawn, StandardDescriptorsMayBeClosedInTheParent)
{
    const pid_t pid = ::fork();
    if (pid == 0) {
        for (const int fd : {0, 1, 2}) ::close(fd);
        const auto what = run_process("cat; echo out; echo err >&2");
        ::_exit(what.report.output.head == "out\nerr\n" ? 0 : 1);
    }
    EXPECT_EQ(process::reap(pid), 0);
}

TEST(Spawn, LeadsItsOwnSessionAndGroup)
{
    const auto what = run_process("cat /proc/self/stat");
    process::process_entry e;
    ASSERT_TRUE(process::parse_stat(what.report.output.head, e));
    EXPECT_EQ(e.group, e.session);
    EXPECT_NE(e.session, ::getsid(0));
    EXPECT_EQ(e.parent, ::getpid());
}

TEST(Spawn, DiesWithItsParent)
{
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t pid = ::fork();
    if (pid == 0) {
        process::spawn_request request;
        request.death_signal = SIGKILL;
        const auto r = spawn({"/bin/sleep", "300"}, request);
        ::_exit(::write(pipe[1], &r.pid, sizeof r.pid) == sizeof r.pid ? 0 : 1);
    }
    EXPECT_EQ(process::reap(pid), 0);
    pid_t grandchild = 0;
    ASSERT_EQ(::read(pipe[0], &grandchild, sizeof grandchild), static_cast<ssize_t>(sizeof grandchild));
    process::process_entry e;
    std::string scratch;
    for (int i = 0; i < 500 && process::read_process(grandchild, e, scratch) && e.alive(); ++i) ::usleep(10'000);
    EXPECT_FALSE(process::read_process(grandchild, e, scratch) && e.alive());
    ::close(pipe[0]);
    ::close(pipe[1]);
}

pid_t storm_target = 0;
std::atomic<int> in_target{0};
std::atomic<int> in_others{0};

// The child shares the parent's memory and, until it executes, its handlers: they must not run there.
TEST(Spawn, HandlersNeverRunInTheChild)
{
    const pid_t pid = ::fork();
    if (pid != 0) {
        EXPECT_EQ(process::reap(pid), 0);
        return;
    }
    ::setpgid(0, 0);
    storm_target = ::getpid();
    struct sigaction handler {};
    handler.sa_handler = [](int) { (::getpid() == storm_target ? in_target : in_others) += 1; };
    handler.sa_flags = SA_RESTART;
    ::sigaction(SIGUSR1, &handler, nullptr);
    std::atomic<bool> done{false};
    std::thread storm{[&] {
        while (!done) ::kill(0, SIGUSR1);
    }};
    process::spawn_request request;
    request.new_session = true;
    for (int i = 0; i < 200; ++i) process::reap(spawn({"/bin/true"}, request).pid);
    done = true;
    storm.join();
    ::_exit(in_target > 0 && in_others == 0 ? 0 : 1);
}

}  // namespace
