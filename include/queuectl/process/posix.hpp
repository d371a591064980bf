// What every POSIX part needs: interrupted calls repeated, the monotonic clock, whole small files.
#ifndef QUEUECTL_PROCESS_POSIX_HPP
#define QUEUECTL_PROCESS_POSIX_HPP

#include <queuectl/process/owned_fd.hpp>
#include <queuectl/time.hpp>

#include <cerrno>
#include <string>

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

namespace queuectl::inline v0::process {

// Calls f again while it fails with EINTR.
template <class F>
auto retry_interrupted(F&& f) noexcept(noexcept(f()))
{
    for (;;)
        if (const auto r = f(); r != -1 || errno != EINTR) return r;
}

// The same descriptor, at 3 or above: a program started without stdin, stdout or stderr must not get a pipe as one.
[[nodiscard]] inline owned_fd above_standard(owned_fd fd) noexcept
{
    if (!fd || fd.get() > 2) return fd;
    return owned_fd{::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3)};
}

// CLOCK_MONOTONIC: what timeouts and graces are measured on. Stands still while the machine sleeps.
[[nodiscard]] inline duration monotonic_now() noexcept
{
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return duration{std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000};
}

// Replaces `text` with the first `bytes_max` bytes of a file; false when it cannot be read to there or its end.
[[nodiscard]] inline bool read_file(const char* path, std::string& text, std::size_t bytes_max)
{
    text.clear();
    const owned_fd fd{retry_interrupted([&] { return ::open(path, O_RDONLY | O_CLOEXEC); })};
    if (!fd) return false;
    for (std::size_t used = 0;;) {
        text.resize(used + 4096 < bytes_max ? used + 4096 : bytes_max);
        const auto n = retry_interrupted([&] { return ::read(fd.get(), text.data() + used, text.size() - used); });
        used += n > 0 ? static_cast<std::size_t>(n) : 0;
        if (n <= 0 || used == bytes_max) {
            text.resize(used);
            return n >= 0;
        }
    }
}

}  // namespace queuectl::inline v0::process

#endif
