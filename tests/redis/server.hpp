// A redis-server of the tests' own: on a unix socket in a temporary folder, ended by its pid.
#ifndef QUEUECTL_TESTS_REDIS_SERVER_HPP
#define QUEUECTL_TESTS_REDIS_SERVER_HPP

#include <queuectl/redis.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace queuectl_test {

using namespace queuectl;

class redis_server {
public:
    // `settings`: words of its command line, as in {"--appendonly", "yes"}.
    explicit redis_server(std::vector<std::string> settings = {"--appendonly", "no"}) : settings_{std::move(settings)}
    {
        char name[] = "/tmp/queuectl-redis-XXXXXX";
        folder_ = ::mkdtemp(name);
        owner_ = ::getpid();
        start();
    }
    redis_server(const redis_server&) = delete;
    redis_server& operator=(const redis_server&) = delete;
    ~redis_server()
    {
        if (::getpid() != owner_) return;
        kill();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }

    // Starts it, on what an earlier life left; returns when it answers and has loaded its data.
    void start()
    {
        const pid_t parent = ::getpid();
        child_ = ::fork();
        if (child_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::getppid() != parent) ::_exit(1);
            run();
        }
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{20};
        while (!answers()) {
            if (std::chrono::steady_clock::now() > end) {
                ADD_FAILURE() << "redis-server does not answer";
                return;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds{2});
        }
    }
    // SIGKILL.
    void kill()
    {
        if (child_ <= 0) return;
        ::kill(child_, SIGKILL);
        int status = 0;
        ::waitpid(child_, &status, 0);
        child_ = 0;
    }
    void signal(int number) const { ::kill(child_, number); }
    [[nodiscard]] const std::string& folder() const { return folder_; }
    [[nodiscard]] std::string socket_path() const { return folder_ + "/s"; }
    [[nodiscard]] redis_address address(std::string prefix = "queuectl:") const
    {
        redis_address a;
        a.unix_path = socket_path();
        a.prefix = std::move(prefix);
        return a;
    }
    // One command on a connection of its own.
    detail::redis::reply ask(std::initializer_list<std::string_view> words) const
    {
        namespace r = detail::redis;
        r::wire w;
        const auto limit = r::limit_in(std::chrono::seconds{10});
        if (!w.connect(address(), limit) || !w.write(r::command(words), {}, limit)) return {};
        return w.read(limit).value_or(r::reply{});
    }

private:
    [[noreturn]] void run() const
    {
        std::vector<std::string> words{"redis-server",  "--port", "0",     "--unixsocket", socket_path(),
                                       "--save",        "",       "--dir", folder_,        "--logfile",
                                       folder_ + "/log"};
        words.insert(words.end(), settings_.begin(), settings_.end());
        std::vector<char*> argv;
        for (auto& w : words) argv.push_back(w.data());
        argv.push_back(nullptr);
        ::execvp("redis-server", argv.data());
        ::_exit(127);
    }
    [[nodiscard]] bool answers() const { return ask({"PING"}).text == "PONG"; }

    std::vector<std::string> settings_;
    std::string folder_;
    pid_t owner_ = 0;
    pid_t child_ = 0;
};

// One server for all tests of this executable that need no settings of their own; a prefix of one's own keeps apart.
[[nodiscard]] inline redis_server& shared_server()
{
    static redis_server server;
    return server;
}
[[nodiscard]] inline std::string fresh_prefix()
{
    static int n = 0;
    return "t" + std::to_string(::getpid()) + "." + std::to_string(++n) + ":";
}

[[nodiscard]] inline redis_storage open_store(const redis_address& at, const redis_options& options = {})
{
    auto opened = redis_storage::open(at, options);
    if (!opened) ADD_FAILURE() << opened.error().message();
    return std::move(opened.value());
}

}  // namespace queuectl_test

#endif
