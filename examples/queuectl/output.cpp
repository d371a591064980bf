#include "output.hpp"

#include "exit_codes.hpp"
#include "terminal_text.hpp"

#include <cerrno>
#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

namespace queuectl::command {

namespace {

// Whether all was written.
bool write_all(int fd, std::string_view text)
{
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
}

}  // namespace

void writer::flush()
{
    if (!buffer_.empty() && !write_all(fd_, buffer_)) failed_ = true;
    buffer_.clear();
}

bool writer::terminal() const { return ::isatty(fd_) != 0; }

bool writer::colour() const
{
    const char* no = std::getenv("NO_COLOR");
    const char* term = std::getenv("TERM");
    const std::string_view kind = term != nullptr ? term : "";
    return terminal() && !(no != nullptr && *no != '\0') && !kind.empty() && kind != "dumb";
}

std::size_t writer::columns() const
{
    winsize size{};
    if (::ioctl(fd_, TIOCGWINSZ, &size) != 0) return 0;
    return size.ws_col;
}

void complain(std::string_view text)
{
    (void)write_all(STDERR_FILENO, "queuectl: " + one_line(text.substr(0, 2000)) + '\n');
}

int complain(const error& e)
{
    complain(e.code == errc::moved ? e.operation + ": the store was moved to " + e.detail : e.message());
    return exit_code_of(e.code);
}

}  // namespace queuectl::command
