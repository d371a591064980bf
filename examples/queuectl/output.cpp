#include "output.hpp"

#include "exit_codes.hpp"

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

bool is_control(char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }

// The bytes of the escape sequence that begins at text[0] == ESC (ECMA-48: CSI, OSC and its kin, or two bytes).
std::size_t escape_length(std::string_view text)
{
    if (text.size() < 2) return text.size();
    std::size_t i = 2;
    if (text[1] == '[') {
        while (i < text.size() && (text[i] < 0x40 || text[i] > 0x7e) && !is_control(text[i])) ++i;
        return i < text.size() && !is_control(text[i]) ? i + 1 : i;
    }
    if (text[1] == ']' || text[1] == 'P' || text[1] == 'X' || text[1] == '^' || text[1] == '_') {
        for (; i < text.size() && text[i] != '\n'; ++i) {
            if (text[i] == '\a') return i + 1;
            if (text[i] == '\x1b') return i + 1 < text.size() && text[i + 1] == '\\' ? i + 2 : i;
        }
        return i;
    }
    return is_control(text[1]) ? 1 : 2;
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
    return terminal() && !(no != nullptr && *no != '\0') && term != nullptr && std::string_view{term} != "dumb";
}

std::size_t writer::columns() const
{
    winsize size{};
    if (::ioctl(fd_, TIOCGWINSZ, &size) != 0) return 0;
    return size.ws_col;
}

void complain(std::string_view text)
{
    std::string line{"queuectl: "};
    line.append(text.substr(0, 2000));
    for (char& c : line)
        if (is_control(c)) c = ' ';
    line += '\n';
    (void)write_all(STDERR_FILENO, line);
}

int complain(const error& e)
{
    complain(e.message());
    return exit_code_of(e.code);
}

std::string without_controls(std::string_view text)
{
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const char c = text[i];
        const bool c1 = c == '\xc2' && i + 1 < text.size() && (text[i + 1] & 0xe0) == 0x80;  // U+0080 … U+009F
        if (c == '\x1b') {
            i += escape_length(text.substr(i));
        } else if (c1) {
            i += 2;
        } else {
            if (c == '\n' || c == '\t' || !is_control(c)) out += c;
            ++i;
        }
    }
    return out;
}

}  // namespace queuectl::command
