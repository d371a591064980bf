// The command as its users have it: processes, their output and a store in a fresh folder.
#ifndef QUEUECTL_TESTS_E2E_SUPPORT_HPP
#define QUEUECTL_TESTS_E2E_SUPPORT_HPP

#include "../../examples/queuectl/store_parts.hpp"
#include "command/redis_process.hpp"
#include "test_store.hpp"

#include <queuectl/executor/none.hpp>
#include <queuectl/process/process_tree.hpp>
#include <queuectl/queue.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace queuectl::e2e {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using words = std::vector<std::string>;

inline std::string read_all(const std::string& path)
{
    std::ifstream file{path, std::ios::binary};
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

// Whether done() becomes true in time.
template <class Done>
bool eventually(Done&& done, clock::duration limit = 20s)
{
    const auto until = clock::now() + limit;
    while (!done()) {
        if (clock::now() > until) return false;
        std::this_thread::sleep_for(5ms);
    }
    return true;
}

// A process of the command. Killed and reaped when it goes, if it still runs.
class child {
public:
    child() = default;
    child(const words& arguments, const std::string& in, const std::string& out, const std::string& err,
          const char* program = QUEUECTL_COMMAND)
    {
        std::vector<char*> argv{const_cast<char*>("queuectl")};
        for (const auto& word : arguments) argv.push_back(const_cast<char*>(word.c_str()));
        argv.push_back(nullptr);
        const pid_t parent = ::getpid();
        pid_ = ::fork();
        if (pid_ != 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (::getppid() != parent) ::_exit(99);
        redirect(in, O_RDONLY, 0);
        redirect(out, O_WRONLY | O_CREAT | O_APPEND, 1);
        redirect(err, O_WRONLY | O_CREAT | O_APPEND, 2);
        ::execv(program, argv.data());
        ::_exit(98);
    }
    child(child&& other) noexcept : pid_{std::exchange(other.pid_, 0)}, code_{other.code_} {}
    child& operator=(child&& other) noexcept
    {
        std::swap(pid_, other.pid_);
        std::swap(code_, other.code_);
        return *this;
    }
    ~child()
    {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        wait();
    }

    [[nodiscard]] pid_t pid() const { return pid_; }
    void signal(int number) const
    {
        if (pid_ > 0) ::kill(pid_, number);
    }
    // 1000 + signal when one ended it.
    int wait()
    {
        int status = 0;
        while (pid_ > 0 && ::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {}
        if (pid_ > 0) code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
        pid_ = 0;
        return code_;
    }
    [[nodiscard]] bool ended()
    {
        if (pid_ == 0) return true;
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
        code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
        pid_ = 0;
        return true;
    }

private:
    static void redirect(const std::string& path, int flags, int to)
    {
        const int fd = ::open(path.empty() ? "/dev/null" : path.c_str(), path.empty() ? O_RDWR : flags, 0600);
        if (fd < 0) ::_exit(97);
        ::dup2(fd, to);
        ::close(fd);
    }
    pid_t pid_ = 0;
    int code_ = -1;
};

struct answer {
    int code = -1;
    std::string out;
    std::string err;
};

struct kept_storage {
    std::unique_ptr<command::any_storage> kept;
};
// An open store, to look into.
class reader : kept_storage, public producer<storage_ref<command::any_storage>> {
public:
    explicit reader(std::unique_ptr<command::any_storage> storage)
        : kept_storage{std::move(storage)}, basic_queue{storage_ref<command::any_storage>{*kept}}
    {
    }
};

#ifdef QUEUECTL_COMMAND_REDIS
std::unique_ptr<command::any_storage> open_redis_store(const std::string& url);
#endif

// A folder with a store, and the command on it. Of a Redis, a server and what this machine keeps of it.
class site {
public:
    explicit site(std::string_view store = test_store::name()) : store_{store}
    {
        const char* const base = std::getenv("TMPDIR");
        folder_ = std::string{base != nullptr ? base : "/tmp"} + "/queuectl-e2e-XXXXXX";
        EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
        if (!on_redis()) return;
        redis_.emplace(folder_);
        ::setenv("XDG_STATE_HOME", folder_.c_str(), 1);
    }
    site(const site&) = delete;
    site& operator=(const site&) = delete;
    ~site()
    {
        redis_.reset();
        std::error_code ignored;
        if (!::testing::Test::HasFailure() || std::getenv("QUEUECTL_KEEP") == nullptr)
            std::filesystem::remove_all(folder_, ignored);
    }

    [[nodiscard]] std::string path(const std::string& name) const { return folder_ + '/' + name; }
    [[nodiscard]] std::string url() const { return redis_ ? redis_->url("q") : test_store::url_in(folder_, store_); }
    [[nodiscard]] std::string side_folder() const
    {
        if (!on_redis()) return test_store::side_folder_in(folder_, store_);
        std::error_code ignored;
        for (const auto& one : std::filesystem::directory_iterator{path("queuectl"), ignored}) return one.path();
        return path("queuectl/none");
    }
    [[nodiscard]] std::string log() const { return read_all(path("worker.err")); }

    [[nodiscard]] child start(words arguments, const std::string& in = {}, const std::string& out = {},
                              const std::string& err = {}, const char* program = QUEUECTL_COMMAND) const
    {
        arguments.insert(arguments.begin(), {"--store", url()});
        return child{arguments, in, out, err, program};
    }
    // worker start with these options; its log is worker.err.
    [[nodiscard]] child start_worker(words options = {}, const char* program = QUEUECTL_COMMAND) const
    {
        options.insert(options.begin(), {"worker", "start"});
        return start(std::move(options), {}, {}, path("worker.err"), program);
    }
    answer run(const words& arguments) const
    {
        static int serial = 0;
        const auto name = path("run" + std::to_string(++serial));
        answer a;
        a.code = start(arguments, {}, name + ".out", name + ".err").wait();
        a.out = read_all(name + ".out");
        a.err = read_all(name + ".err");
        return a;
    }
    // Enqueues a command; the id.
    std::string enqueue(const std::string& command, words flags = {}) const
    {
        flags.insert(flags.begin(), "enqueue");
        flags.insert(flags.end(), {"--command", command});
        auto a = run(flags);
        EXPECT_EQ(a.code, 0) << a.err;
        if (!a.out.empty()) a.out.pop_back();
        return a.out;
    }
    void set(const std::string& key, const std::string& value) const
    {
        const auto a = run({"config", "set", key, value});
        EXPECT_EQ(a.code, 0) << a.err;
    }

    [[nodiscard]] std::unique_ptr<reader> open() const
    {
#ifdef QUEUECTL_COMMAND_REDIS
        if (on_redis()) return std::make_unique<reader>(open_redis_store(url()));
#endif
        auto* const open_it = store_ == "journal" ? command::open_journal
#ifdef QUEUECTL_COMMAND_LMDB
                              : store_ == "lmdb" ? command::open_lmdb
#endif
                                                 : command::open_sqlite;
        auto opened = open_it(test_store::path_in(folder_, store_), command::open_mode::create, {});
        EXPECT_TRUE(opened) << opened.error().message();
        return std::make_unique<reader>(std::move(*opened));
    }
    [[nodiscard]] job_record find(const std::string& id) const
    {
        auto found = open()->find(id);
        EXPECT_TRUE(found && *found) << id;
        return found && *found ? **found : job_record{};
    }
    [[nodiscard]] std::uint64_t count(state s) const
    {
        auto all = open()->counts();
        EXPECT_TRUE(all);
        std::uint64_t n = 0;
        if (all)
            for (const auto& q : *all) n += q[s];
        return n;
    }
    [[nodiscard]] bool reaches(const std::string& id, state s, clock::duration limit = 20s) const
    {
        const auto q = open();
        return eventually(
            [&] {
                auto found = q->find(id);
                return found && *found && (*found)->state == s;
            },
            limit);
    }

    // Pids of the living worker processes, from their lock files' text.
    [[nodiscard]] std::vector<pid_t> workers(const char* role = "worker") const
    {
        std::vector<pid_t> found;
        std::error_code ignored;
        for (const auto& file : std::filesystem::directory_iterator{side_folder() + "/workers", ignored}) {
            const auto text = read_all(file.path());
            if (text.find(std::string{"role="} + role + "\n") == std::string::npos) continue;
            const auto at = text.find("\npid=");
            if (at == std::string::npos) continue;
            const auto pid = static_cast<pid_t>(std::atol(text.c_str() + at + 5));
            if (pid > 0 && ::kill(pid, 0) == 0) found.push_back(pid);
        }
        return found;
    }
    [[nodiscard]] bool workers_are_up(std::size_t n) const
    {
        return eventually([&] { return workers().size() == n; });
    }

private:
    [[nodiscard]] bool on_redis() const { return store_ == "redis"; }

    std::string store_;
    std::string folder_;
    std::optional<command_tests::redis_process> redis_;
};

// How often each line occurs.
inline std::map<std::string, int> lines_of(const std::string& path)
{
    std::map<std::string, int> lines;
    std::ifstream file{path};
    for (std::string line; std::getline(file, line);) ++lines[line];
    return lines;
}

// The number of processes whose command line has this text: what a job left running.
inline int running(const std::string& text)
{
    std::vector<process::process_entry> all;
    process::list_processes(all);
    int n = 0;
    for (const auto& p : all) {
        std::string line;
        if (!process::read_file(("/proc/" + std::to_string(p.pid) + "/cmdline").c_str(), line, 65536)) continue;
        for (char& c : line)
            if (c == '\0') c = ' ';
        if (p.pid != ::getpid() && p.alive() && line.find(text) != std::string::npos &&
            line.find("queuectl") == std::string::npos)
            ++n;
    }
    return n;
}

}  // namespace queuectl::e2e

#endif
