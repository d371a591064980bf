// What a run writes, bounded: the first bytes, the last bytes, and a count of what was dropped between them.
#ifndef QUEUECTL_PROCESS_OUTPUT_BUFFER_HPP
#define QUEUECTL_PROCESS_OUTPUT_BUFFER_HPP

#include <queuectl/job.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace queuectl::inline v0::process {

// Holds at most head_bytes + tail_bytes, and allocates no more than a small factor of what was written. Any bytes.
class output_buffer {
public:
    output_buffer() = default;
    output_buffer(std::size_t head_bytes, std::size_t tail_bytes) : head_max_{head_bytes}, tail_max_{tail_bytes} {}

    void append(std::string_view bytes)
    {
        total_ += bytes.size();
        const auto first = std::min(bytes.size(), head_max_ - head_.size());
        head_.append(bytes.substr(0, first));
        bytes.remove_prefix(first);
        if (bytes.size() > tail_max_) bytes.remove_prefix(bytes.size() - tail_max_);
        const auto growth = std::min(bytes.size(), tail_max_ - ring_.size());
        ring_.append(bytes.substr(0, growth));
        bytes.remove_prefix(growth);
        while (!bytes.empty()) {
            const auto n = std::min(bytes.size(), ring_.size() - oldest_);
            bytes.copy(ring_.data() + oldest_, n);
            oldest_ = (oldest_ + n) % ring_.size();
            bytes.remove_prefix(n);
        }
    }

    // Bytes ever appended.
    [[nodiscard]] std::uint64_t total_bytes() const noexcept { return total_; }
    [[nodiscard]] std::uint64_t dropped_bytes() const noexcept { return total_ - head_.size() - ring_.size(); }

    // Calls f(bytes) with what is kept, in order; what was dropped is missing in between.
    template <class F>
    void visit(F&& f) const
    {
        f(std::string_view{head_});
        f(std::string_view{ring_}.substr(oldest_));
        f(std::string_view{ring_}.substr(0, oldest_));
    }

    // What is kept; the buffer is empty afterwards. The tail is empty when nothing was dropped.
    [[nodiscard]] run_output take()
    {
        run_output out;
        out.dropped_bytes = dropped_bytes();
        std::rotate(ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(oldest_), ring_.end());
        out.head = std::move(head_);
        if (out.dropped_bytes > 0)
            out.tail = std::move(ring_);
        else
            out.head += ring_;
        head_.clear();
        ring_.clear();
        oldest_ = 0;
        total_ = 0;
        return out;
    }

private:
    std::string head_;
    std::string ring_;  // its oldest byte at oldest_, once it is full
    std::size_t oldest_ = 0;
    std::size_t head_max_ = 0;
    std::size_t tail_max_ = 0;
    std::uint64_t total_ = 0;
};

// The last line that shows anything, for a list: control characters and terminal sequences left out, its first
// `bytes_max` bytes at most, never cut inside a UTF-8 character. Empty when there is none.
[[nodiscard]] inline std::string last_line(const run_output& output, std::size_t bytes_max)
{
    std::string_view text = output.tail.empty() ? output.head : output.tail;
    const auto visible = [&](std::string_view line) {
        std::string shown;
        for (std::size_t i = 0; i < line.size() && shown.size() <= bytes_max; ++i) {
            if (line[i] == '\x1b' && i + 1 < line.size() && line[i + 1] == '[') {
                for (i += 2; i < line.size() && (line[i] < '@' || line[i] > '~');) ++i;
                continue;
            }
            const auto byte = static_cast<unsigned char>(line[i]);
            if (byte == '\t')
                shown += ' ';
            else if (byte >= ' ' && byte != 0x7f)
                shown += line[i];
        }
        if (shown.size() > bytes_max) {
            auto end = bytes_max;
            while (end > 0 && (static_cast<unsigned char>(shown[end]) & 0xc0) == 0x80) --end;
            shown.resize(end);
        }
        const auto first = shown.find_first_not_of(' ');
        return first == std::string::npos ? std::string{}
                                          : shown.substr(first, shown.find_last_not_of(' ') - first + 1);
    };
    while (!text.empty()) {
        const auto newline = text.find_last_of("\r\n");
        const auto begin = newline == std::string_view::npos ? 0 : newline + 1;
        if (auto line = visible(text.substr(begin)); !line.empty()) return line;
        text = text.substr(0, newline == std::string_view::npos ? 0 : newline);
    }
    return {};
}

}  // namespace queuectl::inline v0::process

#endif
