// A log as the files have it, read by one for himself; goes on where it ended.
#ifndef QUEUECTL_JOURNAL_LOG_COPY_HPP
#define QUEUECTL_JOURNAL_LOG_COPY_HPP

#include <queuectl/journal/log_view.hpp>

namespace queuectl::inline v0::journal {

// What store_core and replay want of a log, without words and lock: writes nothing. One thread at a time. `fs` outlives
// it.
template <file_system FileSystem>
class log_copy {
public:
    explicit log_copy(FileSystem& fs) : fs_{&fs} {}

    // Of the oldest segment that has a readable header; none before read_all.
    [[nodiscard]] const uid& store() const noexcept { return store_; }
    [[nodiscard]] const log_position& position() const noexcept { return end_; }
    // The segment that it began with.
    [[nodiscard]] std::uint64_t lowest() const noexcept { return lowest_; }

    // As log_view::read_all.
    template <log_sink Sink>
    [[nodiscard]] result<void> read_all(Sink& sink)
    {
        window_.forget();
        trimmed_to_ = 0;
        const auto found = find_segments(*fs_);
        if (!found) return fail(found.error());
        if (found->newest == 0) return fail(errc::not_found, "open the journal", "there is none");
        lowest_ = found->lowest;
        find_store(*found);
        sink.restart();
        reader_.emplace(*fs_, log_position{}, found->newest);
        reader_->begin(found->lowest, found->newest);
        auto done = tell(sink);
        if (done && lowest_ > 1 && trimmed_to_ < lowest_) return detail::segments_missing(lowest_);
        return done;
    }

    // Tells what has been appended since, up to segment `newest`. Requires: read_all. errc::conflict: what was told is
    // void, or was trimmed; read_all() must be called again.
    template <log_sink Sink>
    [[nodiscard]] result<void> read_on(Sink& sink, std::uint64_t newest)
    {
        reader_->set_newest(newest);
        reader_->refresh();
        return tell(sink);
    }

    // `bytes` bytes from `offset` of a segment's file on, of what was told; valid until the next call. errc::corrupt.
    [[nodiscard]] result<std::string_view> read(std::uint64_t segment, std::uint64_t offset, std::size_t bytes)
    {
        return window_.read(*fs_, segment, offset, bytes, end_);
    }

private:
    void find_store(const segment_bounds& found)
    {
        for (auto number = found.lowest; number <= found.newest; ++number)
            if (const auto opened = open_segment(*fs_, number)) {
                store_ = opened->header.store;
                return;
            }
    }

    template <class Sink>
    result<void> tell(Sink& sink)
    {
        frame_view frame;
        for (bool again = false;; again = true) {
            auto got = reader_->next(frame);
            for (; got && *got == read_status::frame; got = reader_->next(frame)) {
                if (frame.header.type == frame_type::trim) trimmed_to_ = detail::trimmed_to(frame.body);
                end_ = reader_->position();
                detail::tell_frame(sink, frame, end_);
                again = false;
            }
            end_ = reader_->position();
            if (!got) return fail(got.error());
            if (*got == read_status::rewound) return fail(errc::conflict, "read the journal", "it was written anew");
            const auto end = reader_->inspect_end();
            if (end) return {};
            // The frame may have been half written when it was read, and others have followed it since.
            if (again) return fail(end.error());
            reader_->refresh();
        }
    }

    FileSystem* fs_;
    std::optional<log_reader<FileSystem>> reader_;
    detail::log_window<FileSystem, all_guards> window_;
    log_position end_{};
    uid store_{};
    std::uint64_t lowest_ = 0;
    std::uint64_t trimmed_to_ = 0;
};

}  // namespace queuectl::inline v0::journal

#endif
