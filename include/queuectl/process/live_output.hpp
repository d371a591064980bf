// The output of a run while it runs, in a file that others may follow.
#ifndef QUEUECTL_PROCESS_LIVE_OUTPUT_HPP
#define QUEUECTL_PROCESS_LIVE_OUTPUT_HPP

#include <queuectl/process/posix.hpp>
#include <queuectl/receipt.hpp>

#include <algorithm>
#include <string>
#include <string_view>

#include <sys/stat.h>

namespace queuectl::inline v0::process {

// The file of a lease's run: its nonce and ordinal in hexadecimal, ".live".
[[nodiscard]] inline std::string live_output_path(const std::string& directory, const lease_token& token)
{
    char ordinal[9];
    for (int i = 0; i < 8; ++i) ordinal[i] = "0123456789abcdef"[(token.ordinal >> (28 - 4 * i)) & 15];
    ordinal[8] = '\0';
    return directory + '/' + to_hex(token.nonce) + ordinal + ".live";
}

// Owns the file: made by the first write (0600, never through a link, never one that is there), removed at the end.
// Holds at most `bytes_max` bytes and a note that there was more. A file that cannot be written is given up silently:
// the run's report does not depend on it.
class live_output {
public:
    live_output() = default;
    live_output(std::string path, std::size_t bytes_max) : path_{std::move(path)}, left_{bytes_max} {}
    live_output(live_output&& other) noexcept { *this = std::move(other); }
    live_output& operator=(live_output&& other) noexcept
    {
        if (this != &other) {
            remove();
            path_.swap(other.path_);
            fd_ = std::move(other.fd_);
            left_ = other.left_;
            made_ = other.made_;
        }
        return *this;
    }
    ~live_output() { remove(); }

    void append(std::string_view bytes)
    {
        if (path_.empty() || left_ == 0 || bytes.empty() || !open()) return;
        const auto kept = bytes.substr(0, std::min(bytes.size(), left_));
        left_ = write(kept) ? left_ - kept.size() : 0;
        if (kept.size() < bytes.size()) write("\n[more output follows; it is shown when the run has ended]\n");
        if (left_ == 0) fd_.reset();
    }

    void remove()
    {
        if (made_ && !path_.empty()) ::unlink(path_.c_str());
        path_.clear();
        fd_.reset();
    }

private:
    [[nodiscard]] bool open()
    {
        if (fd_) return true;
        fd_ = owned_fd{::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600)};
        if (!fd_)
            left_ = 0;
        else
            made_ = true;
        return made_;
    }

    bool write(std::string_view bytes)
    {
        while (!bytes.empty()) {
            const auto n = retry_interrupted([&] { return ::write(fd_.get(), bytes.data(), bytes.size()); });
            if (n <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
        return true;
    }

    std::string path_;
    owned_fd fd_;
    std::size_t left_ = 0;
    bool made_ = false;
};

}  // namespace queuectl::inline v0::process

#endif
