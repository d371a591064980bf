// A redis-server of one test, on a unix socket in its folder; nothing of it is left.
#ifndef QUEUECTL_TESTS_COMMAND_REDIS_PROCESS_HPP
#define QUEUECTL_TESTS_COMMAND_REDIS_PROCESS_HPP

#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace command_tests {

class redis_process {
public:
    explicit redis_process(const std::string& folder, const std::vector<std::string>& more = {})
        : folder_{folder}, socket_{folder + "/redis.sock"}
    {
        const pid_t parent = ::getpid();
        child_ = ::fork();
        if (child_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (::getppid() == parent) become(more);
            ::_exit(1);
        }
        for (int i = 0; i < 5000; ++i) {
            if (accepts()) return;
            ::usleep(2000);
        }
        ADD_FAILURE() << "redis-server does not start";
    }
    redis_process(const redis_process&) = delete;
    redis_process& operator=(const redis_process&) = delete;
    ~redis_process()
    {
        ::kill(child_, SIGKILL);
        int status = 0;
        ::waitpid(child_, &status, 0);
    }
    [[nodiscard]] std::string url(const std::string& name) const
    {
        return "redis+unix://" + socket_ + "?db=0&prefix=" + name + ':';
    }

private:
    [[noreturn]] void become(const std::vector<std::string>& more) const
    {
        std::vector<std::string> words{
            "redis-server", "--port", "0",         "--unixsocket",         socket_,        "--save", "",
            "--dir",        folder_,  "--logfile", folder_ + "/redis.log", "--appendonly", "yes",    "--appendfsync",
            "always"};
        words.insert(words.end(), more.begin(), more.end());
        std::vector<char*> argv;
        for (auto& w : words) argv.push_back(w.data());
        argv.push_back(nullptr);
        ::execvp("redis-server", argv.data());
        ::_exit(127);
    }
    [[nodiscard]] bool accepts() const
    {
        sockaddr_un at{};
        at.sun_family = AF_UNIX;
        socket_.copy(at.sun_path, sizeof at.sun_path - 1);
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const bool connected = ::connect(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) == 0;
        ::close(fd);
        return connected;
    }

    std::string folder_;
    std::string socket_;
    pid_t child_ = 0;
};

}  // namespace command_tests

#endif
