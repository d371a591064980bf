// A file descriptor with one owner. POSIX.
#ifndef QUEUECTL_PROCESS_OWNED_FD_HPP
#define QUEUECTL_PROCESS_OWNED_FD_HPP

#include <queuectl/result.hpp>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include <unistd.h>

namespace queuectl::inline v0 {

// Closes its descriptor when it goes; −1 = none. Not thread-safe, like any value.
class owned_fd {
public:
    owned_fd() = default;
    explicit owned_fd(int fd) noexcept : fd_{fd} {}
    owned_fd(owned_fd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
    owned_fd& operator=(owned_fd&& other) noexcept
    {
        if (this != &other) {
            reset();
            fd_ = std::exchange(other.fd_, -1);
        }
        return *this;
    }
    ~owned_fd() { reset(); }

    [[nodiscard]] int get() const noexcept { return fd_; }
    [[nodiscard]] explicit operator bool() const noexcept { return fd_ >= 0; }
    [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
    void reset() noexcept
    {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

private:
    int fd_ = -1;
};

namespace detail {

// errno as an error: access, room and absence have codes of their own, all else is errc::io.
[[nodiscard]] inline failure_value fail_errno(std::string operation, int number)
{
    errc code = errc::io;
    if (number == EACCES || number == EPERM || number == ELOOP) code = errc::permission;
    if (number == ENOSPC || number == EDQUOT || number == EFBIG) code = errc::store_full;
    if (number == ENOENT) code = errc::not_found;
    if (number == ENOMEM) code = errc::no_memory;
    if (number == EROFS) code = errc::read_only;
    return fail(code, std::move(operation), std::strerror(number), number);
}

// All of it, or an error: goes on after short writes and signals.
[[nodiscard]] inline int write_all(int fd, const char* bytes, std::size_t count) noexcept
{
    while (count > 0) {
        const auto written = ::write(fd, bytes, count);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        bytes += written;
        count -= static_cast<std::size_t>(written);
    }
    return 0;
}

}  // namespace detail
}  // namespace queuectl::inline v0

#endif
