// A stream socket with deadlines, that raises no signal and is not inherited by other programs.
#ifndef QUEUECTL_REDIS_SOCKET_HPP
#define QUEUECTL_REDIS_SOCKET_HPP

#include <queuectl/redis/options.hpp>
#include <queuectl/result.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>
#ifndef QUEUECTL_REDIS_NUMERIC_HOSTS
#include <netdb.h>
#endif

namespace queuectl::inline v0::detail::redis {

using time_limit = std::chrono::steady_clock::time_point;

[[nodiscard]] inline time_limit limit_in(duration d)
{
    const auto most = std::min<duration>(d, std::chrono::hours{24 * 365});
    return std::chrono::steady_clock::now() + most;
}
[[nodiscard]] inline int poll_time(time_limit limit)
{
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - std::chrono::steady_clock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

struct socket_address {
    sockaddr_storage storage{};
    socklen_t size = 0;
};

// "localhost" and numbers need no look-up; QUEUECTL_REDIS_NUMERIC_HOSTS leaves out any other (a statically linked
// program cannot count on the system's modules for it).
[[nodiscard]] inline result<socket_address> resolve(const redis_address& to)
{
    socket_address out;
    if (!to.unix_path.empty()) {
        auto& un = reinterpret_cast<sockaddr_un&>(out.storage);
        if (to.unix_path.size() >= sizeof un.sun_path)
            return fail(errc::invalid_argument, "connect " + to.text(), "the path of a socket has at most 107 bytes");
        un.sun_family = AF_UNIX;
        to.unix_path.copy(un.sun_path, sizeof un.sun_path - 1);
        out.size = sizeof un;
        return out;
    }
    const std::string host = to.host == "localhost" ? "127.0.0.1" : to.host;
    auto& v4 = reinterpret_cast<sockaddr_in&>(out.storage);
    auto& v6 = reinterpret_cast<sockaddr_in6&>(out.storage);
    const auto port = htons(static_cast<std::uint16_t>(to.port));
    if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = port;
        out.size = sizeof v4;
        return out;
    }
    if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = port;
        out.size = sizeof v6;
        return out;
    }
#ifdef QUEUECTL_REDIS_NUMERIC_HOSTS
    return fail(errc::unsupported, "connect " + to.text(),
                "this program is linked statically and looks up no names; give the address in numbers");
#else
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int rc = ::getaddrinfo(host.c_str(), std::to_string(to.port).c_str(), &hints, &found);
    if (rc != 0) return fail(errc::unreachable, "connect " + to.text(), ::gai_strerror(rc), rc);
    std::memcpy(&out.storage, found->ai_addr, found->ai_addrlen);
    out.size = found->ai_addrlen;
    ::freeaddrinfo(found);
    return out;
#endif
}

class socket {
public:
    socket() = default;
    socket(const socket&) = delete;
    socket& operator=(const socket&) = delete;
    ~socket()
    {
        if (fd_ >= 0) ::close(fd_);
    }
    [[nodiscard]] int fd() const noexcept { return fd_; }

    [[nodiscard]] result<void> connect(const redis_address& to, time_limit limit)
    {
        auto at = resolve(to);
        if (!at) return fail(at.error());
        fd_ = ::socket(at->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd_ < 0) return failed(to, errno);
        int rc = ::connect(fd_, reinterpret_cast<const sockaddr*>(&at->storage), at->size);
        if (rc != 0 && errno != EINPROGRESS) return failed(to, errno);
        if (rc != 0) {
            if (!ready(POLLOUT, limit)) return failed(to, ETIMEDOUT);
            int problem = 0;
            socklen_t size = sizeof problem;
            ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &problem, &size);
            if (problem != 0) return failed(to, problem);
        }
        if (to.unix_path.empty()) {
            const int yes = 1;
            ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
            ::setsockopt(fd_, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
        }
        return {};
    }

    // All of both, or false and why.
    bool write(std::string_view head, std::string_view body, time_limit limit, std::string& why)
    {
        while (!head.empty() || !body.empty()) {
            iovec parts[] = {{const_cast<char*>(head.data()), head.size()},
                             {const_cast<char*>(body.data()), body.size()}};
            msghdr m{};
            m.msg_iov = parts;
            m.msg_iovlen = 2;
            const ssize_t n = ::sendmsg(fd_, &m, MSG_NOSIGNAL);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && errno != EAGAIN) return tell(why, errno);
            if (n < 0) {
                if (!ready(POLLOUT, limit)) return tell(why, ETIMEDOUT);
                continue;
            }
            const auto of_head = std::min(head.size(), static_cast<std::size_t>(n));
            head.remove_prefix(of_head);
            body.remove_prefix(static_cast<std::size_t>(n) - of_head);
        }
        return true;
    }
    // How many bytes, at least one; 0 when there will be none, and why.
    std::size_t read(char* to, std::size_t most, time_limit limit, std::string& why)
    {
        bool awake = asleep_ == 0;
        if (!awake) --asleep_;
        const auto awake_until = std::min(limit, limit_in(awake_most));
        for (;;) {
            const ssize_t n = ::recv(fd_, to, most, 0);
            if (n > 0) return static_cast<std::size_t>(n);
            if (n == 0) why = "the server closed the connection";
            if (n == 0) return 0;
            if (errno == EINTR) continue;
            if (errno == EAGAIN && awake) {
                awake = give_way(awake_until);
                continue;
            }
            const int problem = errno == EAGAIN && !ready(POLLIN, limit) ? ETIMEDOUT : errno;
            if (problem == EAGAIN) continue;
            tell(why, problem);
            return 0;
        }
    }

private:
    // A server nearby answers before this thread would be asleep and awake again: so long it stays awake, and lets
    // others run. After an answer that took longer, it sleeps at once the next times.
    static constexpr duration awake_most{1000};
    static constexpr int asleep_after_slow = 4;

    [[nodiscard]] bool give_way(time_limit until) noexcept
    {
        ::sched_yield();
        if (std::chrono::steady_clock::now() < until) return true;
        asleep_ = asleep_after_slow;
        return false;
    }
    bool ready(short what, time_limit limit) const
    {
        for (;;) {
            pollfd p{fd_, what, 0};
            const int rc = ::poll(&p, 1, poll_time(limit));
            errno = EAGAIN;
            if (rc > 0) return true;
            if (std::chrono::steady_clock::now() >= limit) return false;
        }
    }
    static bool tell(std::string& why, int problem)
    {
        why = std::strerror(problem);
        return false;
    }
    static failure_value failed(const redis_address& to, int problem)
    {
        const auto code = problem == EACCES || problem == EPERM ? errc::permission : errc::unreachable;
        return fail(code, "connect " + to.text(), std::strerror(problem), problem);
    }

    int fd_ = -1;
    int asleep_ = 0;  // so many reads sleep at once
};

}  // namespace queuectl::inline v0::detail::redis

#endif
