// Reads the file in which a running job's output grows.
#ifndef QUEUECTL_COMMAND_LIVE_LOG_HPP
#define QUEUECTL_COMMAND_LIVE_LOG_HPP

#include <queuectl/process/live_output.hpp>

#include <cstdint>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace queuectl::command {

// Movable; owns its descriptor. The file may appear late, or never: a short run makes none.
class live_log {
public:
    live_log() = default;
    live_log(const std::string& folder, const lease_token& token)
        : token_{token}, path_{process::live_output_path(folder, token)}
    {
    }
    live_log(live_log&& other) noexcept { swap(other); }
    live_log& operator=(live_log&& other) noexcept
    {
        live_log moved{std::move(other)};
        swap(moved);
        return *this;
    }
    ~live_log()
    {
        if (fd_ >= 0) ::close(fd_);
    }

    [[nodiscard]] bool of(const lease_token& token) const { return token_ == token; }

    // Whether the file is open; tries once. Links are not followed.
    [[nodiscard]] bool open()
    {
        if (fd_ < 0 && !path_.empty()) fd_ = ::open(path_.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        return fd_ >= 0;
    }

    // What was written since the last call, at most 1 MiB.
    [[nodiscard]] std::string read_more()
    {
        std::string out(1u << 20, '\0');
        const ssize_t n = ::read(fd_, out.data(), out.size());
        out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        bytes_ += out.size();
        return out;
    }

    // Read in all.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

private:
    void swap(live_log& other) noexcept
    {
        std::swap(token_, other.token_);
        path_.swap(other.path_);
        std::swap(fd_, other.fd_);
        std::swap(bytes_, other.bytes_);
    }

    lease_token token_{};
    std::string path_;
    int fd_ = -1;
    std::uint64_t bytes_ = 0;
};

}  // namespace queuectl::command

#endif
