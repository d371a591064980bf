// A file line by line, in large reads.
#ifndef QUEUECTL_COMMAND_LINE_READER_HPP
#define QUEUECTL_COMMAND_LINE_READER_HPP

#include <queuectl/result.hpp>

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <string>
#include <string_view>
#include <unistd.h>

namespace queuectl::command {

// Owns the file, unless it is standard input ("-").
class line_reader {
public:
    // Longer lines are told as `too_long`, and not kept in memory.
    static constexpr std::size_t line_bytes_max = 64u << 20;

    struct line {
        std::string_view text;  // without its newline; valid until the next call
        bool too_long = false;
    };

    explicit line_reader(std::string path) : path_{std::move(path)} {}
    line_reader(const line_reader&) = delete;
    line_reader& operator=(const line_reader&) = delete;
    ~line_reader()
    {
        if (fd_ > STDIN_FILENO) ::close(fd_);
    }

    result<void> open()
    {
        fd_ = path_ == "-" ? STDIN_FILENO : ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd_ >= 0) return {};
        return fail(errc::invalid_argument, "file " + path_, std::strerror(errno), errno);
    }

    // The next line; nothing at the end.
    result<std::optional<line>> next()
    {
        bool too_long = false;
        for (std::size_t searched = at_;;) {
            if (const auto end = buffer_.find('\n', searched); end != std::string::npos) {
                const line found{std::string_view{buffer_}.substr(at_, end - at_), too_long};
                at_ = end + 1;
                return std::optional{found};
            }
            if (ended_) return last(too_long);
            if (buffer_.size() - at_ > line_bytes_max) {
                too_long = true;
                buffer_.clear();
                at_ = 0;
            }
            searched = buffer_.size() - at_;
            if (auto filled = fill(); !filled) return fail(filled.error());
        }
    }

    // Whether the next line would have to be read first.
    [[nodiscard]] bool would_read() const { return !ended_ && buffer_.find('\n', at_) == std::string::npos; }

private:
    static constexpr std::size_t chunk = 256u << 10;

    result<std::optional<line>> last(bool too_long)
    {
        if (at_ == buffer_.size() && !too_long) return std::optional<line>{};
        const line found{std::string_view{buffer_}.substr(at_), too_long};
        at_ = buffer_.size();
        return std::optional{found};
    }

    // Drops what was told, and reads more; the search goes on at the old end.
    result<void> fill()
    {
        buffer_.erase(0, at_);
        at_ = 0;
        const std::size_t old = buffer_.size();
        buffer_.resize(old + chunk);
        ssize_t n = 0;
        do n = ::read(fd_, buffer_.data() + old, chunk);
        while (n < 0 && errno == EINTR);
        const int code = errno;
        buffer_.resize(old + (n > 0 ? static_cast<std::size_t>(n) : 0));
        ended_ = n <= 0;
        if (n < 0) return fail(errc::invalid_argument, "file " + path_, std::strerror(code), code);
        return {};
    }

    std::string path_;
    std::string buffer_;
    std::size_t at_ = 0;
    int fd_ = -1;
    bool ended_ = false;
};

}  // namespace queuectl::command

#endif
