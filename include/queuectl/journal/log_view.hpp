// Reads a log that must not, or cannot, be written: damaged, of a newer format, on a read-only disk.
#ifndef QUEUECTL_JOURNAL_LOG_VIEW_HPP
#define QUEUECTL_JOURNAL_LOG_VIEW_HPP

#include <queuectl/journal/log_options.hpp>
#include <queuectl/journal/log_reader.hpp>
#include <queuectl/journal/log_window.hpp>
#include <queuectl/journal/trim.hpp>

namespace queuectl::inline v0::journal {

namespace detail {

// `behind`: the position behind the frame.
template <class Sink>
void tell_frame(Sink& sink, const frame_view& frame, const log_position& behind)
{
    const auto& h = frame.header;
    frame_place place{behind.segment, behind.offset - frame_bytes(h.body_bytes) + frame_header_bytes, h.type};
    auto body = h.type == frame_type::transaction || h.type == frame_type::trim ? frame.body : std::string_view{};
    if (h.type == frame_type::trim) {
        const auto head = std::min(trim_head_bytes, body.size());
        body.remove_prefix(head);
        place.offset += head;
    }
    sink.frame(behind, place, body);
}

[[nodiscard]] inline failure_value segments_missing(std::uint64_t lowest)
{
    return fail(errc::corrupt, "open the journal", "segments before " + segment_name(lowest) + " are missing");
}

}  // namespace detail

// Writes nothing and locks nothing: what others append meanwhile may be heard or not, and when they trim meanwhile,
// segments may seem to be missing. One thread at a time.
template <file_system FileSystem = posix_file_system>
class log_view {
public:
    explicit log_view(FileSystem fs) : fs_{std::move(fs)} {}

    // Tells `sink` (restart() first) all that is in the log. errc::corrupt: damage; all that comes before it has been
    // told. errc::wrong_version: the same, before what is too new. errc::not_found: there is no log.
    template <log_sink Sink>
    [[nodiscard]] result<void> read_all(Sink& sink)
    {
        sink.restart();
        window_.forget();
        trimmed_to_ = 0;
        const auto found = find_segments(fs_);
        if (!found) return fail(found.error());
        if (found->newest == 0) return fail(errc::not_found, "open the journal", "there is none");
        log_reader<FileSystem> reader{fs_, {}, found->newest};
        reader.begin(found->lowest, found->newest);
        auto done = tell(sink, reader);
        end_ = reader.position();
        if (done && found->lowest > 1 && trimmed_to_ < found->lowest) return detail::segments_missing(found->lowest);
        return done;
    }

    // `bytes` bytes from `offset` of a segment's file on, of what was told; valid until the next call. errc::corrupt.
    [[nodiscard]] result<std::string_view> read(std::uint64_t segment, std::uint64_t offset, std::size_t bytes)
    {
        return window_.read(fs_, segment, offset, bytes, end_);
    }

private:
    template <class Sink>
    result<void> tell(Sink& sink, log_reader<FileSystem>& reader)
    {
        frame_view frame;
        for (bool again = false;; again = true) {
            auto got = reader.next(frame);
            for (; got && *got == read_status::frame; got = reader.next(frame)) {
                if (frame.header.type == frame_type::trim) trimmed_to_ = detail::trimmed_to(frame.body);
                detail::tell_frame(sink, frame, reader.position());
                again = false;
            }
            if (!got) return fail(got.error());
            const auto end = reader.inspect_end();
            if (end) return {};
            // The frame may have been half written when it was read, and others have followed it since.
            if (again) return fail(end.error());
            reader.refresh();
        }
    }

    FileSystem fs_;
    detail::log_window<FileSystem, all_guards> window_;
    log_position end_{};
    std::uint64_t trimmed_to_ = 0;
};

}  // namespace queuectl::inline v0::journal

#endif
