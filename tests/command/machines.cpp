// Workers of several machines on one Redis: each with a host name (a namespace of its own, where it may have one) and a
// home of its own, so that only the store connects them. Passwords.
#include "command/run_command.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <thread>

namespace command_tests {
namespace {

class machines_redis : public command_test {
protected:
    ~machines_redis() override
    {
        for (const pid_t pid : running_) {
            ::kill(pid, SIGKILL);
            ::waitpid(pid, nullptr, 0);
        }
    }

    // The environment of a machine; the name that it really got is what its `hostname` says.
    void enter(const std::string& host)
    {
        if (::unshare(CLONE_NEWUTS) == 0) static_cast<void>(::sethostname(host.c_str(), host.size()));
        std::filesystem::create_directories(path(host));
        environment_["HOME"] = path(host);
    }
    pid_t start(const std::string& host, const strings& words)
    {
        const pid_t pid = ::fork();
        if (pid == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            enter(host);
            const int log = ::open(path(host + ".log").c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
            ::dup2(log, 1);
            ::dup2(log, 2);
            become(words);
        }
        running_.push_back(pid);
        return pid;
    }
    // Whether the process ended within ten seconds, and with which code.
    int end_of(pid_t pid)
    {
        for (int i = 0; i < 2000; ++i) {
            int status = 0;
            if (::waitpid(pid, &status, WNOHANG) == pid) {
                std::erase(running_, pid);
                return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            }
            ::usleep(5000);
        }
        return -1;
    }
    std::string until(const strings& words, const std::string& text)
    {
        std::string out;
        for (int i = 0; i < 200; ++i) {
            out = run(words).out;
            if (out.find(text) != std::string::npos) return out;
            ::usleep(50'000);
        }
        ADD_FAILURE() << "no " << text << " in " << out;
        return out;
    }
    static std::size_t count(const std::string& text, const std::string& what)
    {
        std::size_t n = 0;
        for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++n;
        return n;
    }
    static bool has_names()
    {
        int status = 0;
        const pid_t pid = ::fork();
        if (pid == 0) ::_exit(::unshare(CLONE_NEWUTS) == 0 ? 0 : 1);
        ::waitpid(pid, &status, 0);
        return status == 0;
    }

private:
    std::vector<pid_t> running_;
};

TEST_F(machines_redis, workers_everywhere_are_listed_and_stopped_from_anywhere)
{
    const pid_t a = start("host-a", {"worker", "start"});
    const pid_t b = start("host-b", {"worker", "start", "--count", "2"});
    std::string list;
    for (int i = 0; i < 200 && count(list, "\"role\":\"worker\"") != 3; ++i) {
        list = ok({"worker", "list", "--json"});
        ::usleep(50'000);
    }
    EXPECT_EQ(count(list, "\"role\":\"worker\""), 3U) << list;
    EXPECT_EQ(count(list, "\"role\":\"supervisor\""), 2U) << list;
    EXPECT_EQ(count(list, "\"condition\":\"alive\""), 5U) << list;

    std::string lines;
    for (int i = 0; i < 40; ++i)
        lines += R"({"id":"j)" + std::to_string(i) + R"(","command":"sleep 0.1; hostname"})" + "\n";
    ASSERT_EQ(run({"enqueue", "--file", "-"}, lines).code, 0);
    for (int i = 0; i < 40; ++i) ok({"wait", "j" + std::to_string(i), "--timeout", "60"});
    if (has_names()) {
        EXPECT_EQ(count(list, "\"host\":\"host-a\""), 2U) << list;
        std::string ran;
        for (int i = 0; i < 40; ++i) {
            const auto id = "j" + std::to_string(i);
            const auto host = ok({"logs", id});
            EXPECT_NE(ok({"show", id, "--json"}).find("\"worker\":\"" + host + ":"), std::string::npos);
            ran += host + "\n";
        }
        EXPECT_NE(ran.find("host-a"), std::string::npos);
        EXPECT_NE(ran.find("host-b"), std::string::npos);
    }

    const auto stopped = ok({"worker", "stop", "--timeout", "20"});
    EXPECT_EQ(count(stopped, "stopped "), 3U) << stopped;
    EXPECT_EQ(end_of(a), 0) << get("host-a.log");
    EXPECT_EQ(end_of(b), 0) << get("host-b.log");
    EXPECT_EQ(ok({"worker", "list", "--json"}), "[]");
    EXPECT_EQ(ok({"worker", "stop"}), "no workers are running");
}

TEST_F(machines_redis, a_machine_that_dies_gives_its_jobs_to_another)
{
    ok({"config", "set", "lease", "1s"});
    start("host-a", {"worker", "start"});
    ok({"enqueue",
        R"({"id":"long","command":"test -e done || { touch here; sleep 100; }","cwd":")" + path("") + "\"}"});
    for (int i = 0; i < 400 && !std::filesystem::exists(path("here")); ++i) ::usleep(25'000);
    const auto list = ok({"worker", "list", "--json"});
    for (auto at = list.find("\"pid\":"); at != list.npos; at = list.find("\"pid\":", at + 1))
        ::kill(std::atoi(list.c_str() + at + 6), SIGKILL);
    put("done", "");
    const pid_t b = start("host-b", {"worker", "start"});
    EXPECT_EQ(run({"wait", "long", "--timeout", "30"}).code, 0) << get("host-b.log");
    EXPECT_NE(ok({"show", "long", "--json"}).find("\"crashes\":1"), std::string::npos);
    ::kill(b, SIGTERM);
    EXPECT_EQ(end_of(b), 0) << get("host-b.log");
}

TEST_F(machines_redis, a_password_is_shown_nowhere)
{
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&at), size), 0);
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size);
    ::close(fd);
    const auto port = std::to_string(ntohs(at.sin_port));
    std::filesystem::create_directory(path("guarded"));
    const redis_process guarded{path("guarded"), {"--port", port, "--bind", "127.0.0.1", "--requirepass", "s3cret"}};
    const auto store = "redis://:s3cret@127.0.0.1:" + port + "/0";
    const auto shown = "redis://127.0.0.1:" + port + "/0";

    EXPECT_EQ(run({"enqueue", "true", "--store", shown}).code, 69);
    const auto wrong = run({"enqueue", "true", "--store", "redis://:s3cret-not@127.0.0.1:" + port});
    EXPECT_EQ(wrong.code, 69);
    EXPECT_EQ(wrong.err.find("s3cret"), std::string::npos) << wrong.err;
    expect_refused(run({"list", "--store", store + "x"}), {"redis://[USER:PASSWORD@]HOST"});

    ok({"enqueue", R"({"id":"j","command":"echo $QUEUECTL_STORE; cat /proc/*/cmdline | tr '\\0' ' '; env"})", "--store",
        store});
    EXPECT_EQ(run({"worker", "start", "--drain", "--store", store}).code, 0);
    const auto logs = ok({"logs", "j", "--store", store});
    EXPECT_EQ(logs.substr(0, logs.find('\n')), shown);
    EXPECT_EQ(logs.find("s3cret@"), std::string::npos) << logs;
    for (const char* command : {"status", "list"}) {
        const auto told = run({command, "--json", "--store", store});
        EXPECT_EQ(told.code, 0);
        EXPECT_EQ((told.out + told.err).find("s3cret"), std::string::npos) << told.out;
    }
    EXPECT_NE(ok({"status", "--json", "--store", store}).find("\"store\":\"" + shown + '"'), std::string::npos);
}

TEST_F(machines_redis, settings_that_cannot_keep_a_promise_are_named)
{
    std::filesystem::create_directory(path("loose"));
    const redis_process loose{path("loose"), {"--appendonly", "no"}};
    const auto store = loose.url("q");
    const auto enqueued = run({"enqueue", "true", "--store", store});
    EXPECT_EQ(enqueued.code, 0);
    EXPECT_EQ(enqueued.err, "");
    const auto started = run({"worker", "start", "--drain", "--store", store});
    EXPECT_EQ(started.code, 0);
    EXPECT_NE(started.err.find("appendonly is no"), std::string::npos) << started.err;
    EXPECT_NE(ok({"status", "--store", store}).find("appendonly is no"), std::string::npos);
    EXPECT_NE(ok({"status", "--json", "--store", store}).find("\"durability\":\"none\""), std::string::npos);
    EXPECT_EQ(run({"list", "--store", store}).err.find("appendonly"), std::string::npos);
    EXPECT_EQ(ok({"status"}).find("warning"), std::string::npos);
}

TEST_F(machines_redis, a_full_server_is_75_and_an_unreachable_one_69)
{
    std::filesystem::create_directory(path("full"));
    const redis_process full{path("full"), {"--maxmemory", "1"}};
    EXPECT_EQ(run({"enqueue", "true", "--store", full.url("q")}).code, 75);
    const auto none = run({"list", "--store", "redis://127.0.0.1:1"});
    EXPECT_EQ(none.code, 69);
    EXPECT_EQ(std::count(none.err.begin(), none.err.end(), '\n'), 1) << none.err;
    expect_refused(run({"list", "--store", "rediss://127.0.0.1"}), {"TLS"});
}

TEST_F(machines_redis, one_machine_at_a_time_moves_a_store)
{
    ok({"enqueue", "--id", "long", "--command", "while ! test -e " + path("go") + "; do sleep 0.01; done"});
    const pid_t worker = start("host-a", {"worker", "start"});
    until({"list", "--state", "processing"}, "long");
    const strings move{"migrate", "--to", "sqlite:" + path("to.db")};
    const pid_t first = start("host-a", move);
    until({"status"}, "moving to");
    const pid_t second = start("host-b", move);
    EXPECT_EQ(end_of(second), 75);
    EXPECT_NE(get("host-b.log").find("is moving the store"), std::string::npos) << get("host-b.log");
    EXPECT_EQ(end_of(start("host-b", {"migrate", "--abort"})), 75);

    // On its own machine it is known to be dead.
    ::kill(first, SIGKILL);
    EXPECT_EQ(end_of(first), 128 + SIGKILL);
    EXPECT_EQ(end_of(start("host-b", {"migrate", "--abort"})), 75) << "elsewhere that is not known yet";
    const pid_t again = start("host-a", move);
    ::usleep(100'000);
    put("go", "");
    EXPECT_EQ(end_of(again), 0) << get("host-a.log");
    EXPECT_EQ(end_of(worker), 0);
    EXPECT_NE(ok({"show", "long", "--store", "sqlite:" + path("to.db")}).find("completed"), std::string::npos);
}

}  // namespace
}  // namespace command_tests
