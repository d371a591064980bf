// Reads bytes of the log back from any place.
#ifndef QUEUECTL_JOURNAL_LOG_WINDOW_HPP
#define QUEUECTL_JOURNAL_LOG_WINDOW_HPP

#include <queuectl/journal/log_position.hpp>
#include <queuectl/journal/segment.hpp>

namespace queuectl::inline v0::journal::detail {

// A few windows, each over a part of a segment, and a few segments kept open. What is in a window never changes in the
// file: it ends where the log ended when it was filled. Not thread-safe.
template <file_system FileSystem, class Guards>
class log_window {
public:
    // `bytes` bytes at `offset` of a segment's file; valid until the next call. What a failed sync has moved to the
    // next segment is read there. `end`: the log's. errc::corrupt when they are not there. Reads 64 KiB where an
    // earlier read was near, else 8 KiB, at least.
    [[nodiscard]] result<std::string_view> read(FileSystem& fs, std::uint64_t number, std::uint64_t offset,
                                                std::size_t bytes, const log_position& end)
    {
        for (window& w : windows_)
            if (w.holds(number, offset, bytes)) {
                w.used = ++uses_;
                return w.view(offset, bytes);
            }
        return fill(fs, number, offset, bytes, end);
    }

    // What was read may have changed: segments have become void.
    void forget() noexcept
    {
        for (window& w : windows_) w.number = 0;
        open_.clear();
        followers_.clear();
    }
    // Segments before this one are no longer needed.
    void close_before(FileSystem& fs, std::uint64_t number) noexcept
    {
        for (auto& s : open_)
            if (s.header.number < number) let_go(fs, s.file);
        std::erase_if(open_, [&](const auto& s) { return s.header.number < number; });
        for (window& w : windows_)
            if (w.number < number) w.number = 0;
    }

private:
    static constexpr std::size_t window_bytes = std::size_t{64} << 10;
    static constexpr std::size_t first_bytes = std::size_t{8} << 10;
    static constexpr std::size_t windows = 4;
    static constexpr std::size_t open_max = 8;

    struct window {
        std::string bytes;
        std::uint64_t number = 0;  // of the segment; 0 = it holds nothing
        std::uint64_t begin = 0;
        std::uint64_t used = 0;  // when it was, the last time

        [[nodiscard]] bool holds(std::uint64_t of, std::uint64_t offset, std::size_t count) const noexcept
        {
            return of == number && offset >= begin && offset - begin <= bytes.size() &&
                   count <= bytes.size() - (offset - begin);
        }
        [[nodiscard]] bool is_near(std::uint64_t of, std::uint64_t offset) const noexcept
        {
            return of == number && offset + window_bytes >= begin && offset <= begin + bytes.size() + window_bytes;
        }
        [[nodiscard]] std::string_view view(std::uint64_t offset, std::size_t count) const noexcept
        {
            return std::string_view{bytes}.substr(static_cast<std::size_t>(offset - begin), count);
        }
    };

    static failure_value not_there(std::uint64_t number, std::uint64_t offset, const char* why)
    {
        return fail(errc::corrupt, "read " + segment_name(number), "at offset " + std::to_string(offset) + ": " + why);
    }

    // The window to fill: one that was near, else the one that was not used for longest.
    window& window_for(std::uint64_t number, std::uint64_t offset) noexcept
    {
        for (window& w : windows_)
            if (w.is_near(number, offset)) return w;
        return *std::min_element(std::begin(windows_), std::end(windows_),
                                 [](const window& a, const window& b) { return a.used < b.used; });
    }

    result<std::string_view> fill(FileSystem& fs, std::uint64_t number, std::uint64_t offset, std::size_t bytes,
                                  const log_position& end)
    {
        auto moved = moved_from(fs, number, offset, end);
        if (!moved) return fail(moved.error());
        if (Guards::moved && *moved != 0 && offset >= *moved)
            return read(fs, number + 1, offset - *moved + frames_begin, bytes, end);
        auto s = open(fs, number, offset);
        if (!s) return fail(s.error());
        const bool growing = Guards::window_end && number == end.segment;
        const std::uint64_t limit = growing ? end.offset : *moved != 0 ? *moved : (*s)->header.bytes;
        if (number > end.segment || offset > limit || bytes > limit - offset)
            return not_there(number, offset, "the log does not reach so far");
        window& w = window_for(number, offset);
        const auto least = w.is_near(number, offset) ? window_bytes : first_bytes;
        const auto want = std::min<std::uint64_t>(std::max(bytes, least), limit - offset);
        w.number = 0;
        w.bytes.resize(static_cast<std::size_t>(want));
        const auto got = fs.read((*s)->file, offset, w.bytes.data(), w.bytes.size());
        if (!got) return fail(got.error());
        if (*got < bytes) return not_there(number, offset, "the file was cut off");
        w.bytes.resize(*got);
        w.number = number;
        w.begin = offset;
        w.used = ++uses_;
        return w.view(offset, bytes);
    }

    // From which offset on the segment's frames have moved to the next one; 0 = none have.
    result<std::uint64_t> moved_from(FileSystem& fs, std::uint64_t number, std::uint64_t offset,
                                     const log_position& end)
    {
        if (number >= end.segment) return std::uint64_t{0};
        for (const auto& f : followers_)
            if (f.number == number) return f.moved_from;
        auto next = open(fs, number + 1, offset);
        if (!next) return fail(next.error());
        if (followers_.size() == followers_max) followers_.erase(followers_.begin());
        followers_.push_back({number, (*next)->header.replaces});
        return followers_.back().moved_from;
    }

    // The open segment, in front of the others.
    result<segment<FileSystem>*> open(FileSystem& fs, std::uint64_t number, std::uint64_t offset)
    {
        for (auto it = open_.begin(); it != open_.end(); ++it)
            if (it->header.number == number) {
                std::rotate(open_.begin(), it, it + 1);
                return &open_.front();
            }
        auto opened = open_segment(fs, number);
        if (!opened && opened.error().code == errc::not_found)
            return not_there(number, offset, "the segment is missing");
        if (!opened) return fail(opened.error());
        if (open_.size() == open_max) open_.pop_back();
        open_.insert(open_.begin(), std::move(*opened));
        return &open_.front();
    }

    static constexpr std::size_t followers_max = 64;
    struct follower {
        std::uint64_t number = 0;
        std::uint64_t moved_from = 0;
    };

    std::vector<segment<FileSystem>> open_;  // the last used first
    std::vector<follower> followers_;        // what the segment behind `number` says; it never changes
    window windows_[windows];
    std::uint64_t uses_ = 0;
};

}  // namespace queuectl::inline v0::journal::detail

#endif
