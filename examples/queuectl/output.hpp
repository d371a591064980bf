// Standard output and standard error, without iostreams.
#ifndef QUEUECTL_COMMAND_OUTPUT_HPP
#define QUEUECTL_COMMAND_OUTPUT_HPP

#include <queuectl/error.hpp>

#include <string>
#include <string_view>

namespace queuectl::command {

// A buffered file descriptor. What could not be written is remembered: see failed(). Not thread-safe.
class writer {
public:
    explicit writer(int fd) : fd_{fd} {}
    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;
    ~writer() { flush(); }

    writer& operator<<(std::string_view text)
    {
        buffer_.append(text);
        if (buffer_.size() >= flush_bytes) flush();
        return *this;
    }
    // For those who append themselves; call flush_if_full() now and then.
    [[nodiscard]] std::string& buffer() noexcept { return buffer_; }
    void flush_if_full()
    {
        if (buffer_.size() >= flush_bytes) flush();
    }
    void flush();
    [[nodiscard]] bool failed() const noexcept { return failed_; }
    // Whether it is a terminal.
    [[nodiscard]] bool terminal() const;
    // Whether colour is wanted: a terminal, a TERM that is not dumb, and no NO_COLOR.
    [[nodiscard]] bool colour() const;
    // Columns of the terminal; 0 when it is none.
    [[nodiscard]] std::size_t columns() const;

private:
    static constexpr std::size_t flush_bytes = 64u << 10;
    int fd_;
    bool failed_ = false;
    std::string buffer_;
};

// One line on standard error, "queuectl: TEXT", without control characters.
void complain(std::string_view text);
// complain(e.message()) and the exit code that belongs to the error.
[[nodiscard]] int complain(const error& e);

}  // namespace queuectl::command

#endif
