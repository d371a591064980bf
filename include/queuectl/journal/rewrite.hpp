// Writes frames of a segment again, the same bytes to the same places, so that the next sync covers them.
#ifndef QUEUECTL_JOURNAL_REWRITE_HPP
#define QUEUECTL_JOURNAL_REWRITE_HPP

#include <queuectl/journal/log_reader.hpp>

namespace queuectl::inline v0::journal {

namespace detail {

// Whether frame `at.sequence` is at `at`, and not behind frame `synced` + 1.
template <class Guards, file_system FileSystem>
[[nodiscard]] bool begins_at(FileSystem& fs, std::uint64_t number, const log_position& at, std::uint64_t synced)
{
    if (at.segment != number || at.sequence == 0 || at.sequence > synced + 1) return false;
    log_reader<FileSystem, Guards> reader{fs, at, number};
    frame_view frame;
    const auto got = reader.next(frame);
    return got && *got == read_status::frame;
}

// Where the frames of `s` begin. Of the first, the previous CRC is believed.
template <file_system FileSystem>
[[nodiscard]] log_position begin_of(FileSystem& fs, const segment<FileSystem>& s)
{
    char first[frame_header_bytes] = {};
    const bool there = fs.read(s.file, frames_begin, first, sizeof first).has_value();
    return {s.header.number, frames_begin, s.header.first_sequence, there ? load_frame_header(first).previous_crc : 0};
}

}  // namespace detail

// The frames behind sequence `synced` up to `last` of segment `s`. Each is checked as a reader checks it before it is
// written. errc::corrupt when one is not readable any more; it and what follows has not been written. Others may append
// behind `last` meanwhile. Reads from `near` on, if that is a position before those frames, else from the segment's
// begin. Memory: 256 KiB and the largest frame, twice.
template <class Guards = all_guards, file_system FileSystem>
[[nodiscard]] result<void> rewrite(FileSystem& fs, segment<FileSystem>& s, std::uint64_t synced, std::uint64_t last,
                                   const log_position& near = {})
{
    constexpr std::size_t piece_bytes = std::size_t{256} << 10;
    const bool is_near = detail::begins_at<Guards>(fs, s.header.number, near, synced);
    const log_position from = is_near ? near : detail::begin_of(fs, s);
    log_reader<FileSystem, Guards> reader{fs, from, s.header.number};
    std::string piece;
    std::uint64_t begin = from.offset;
    const auto write = [&] {
        auto done = piece.empty() ? result<void>{} : fs.write(s.file, begin, piece);
        begin += piece.size();
        piece.clear();
        return done;
    };
    frame_view frame;
    for (auto next = from.sequence; next <= last; ++next) {
        const auto got = reader.next(frame);
        if (!got) return fail(got.error());
        if (*got != read_status::frame) break;
        const auto bytes = static_cast<std::size_t>(frame_bytes(frame.body.size()));
        if (next <= synced)
            begin = reader.position().offset;
        else
            piece.append(frame.body.data() - frame_header_bytes, bytes);
        if (piece.size() < piece_bytes) continue;
        if (auto done = write(); !done) return done;
    }
    if (auto done = write(); !done) return done;
    if (!Guards::rewrite_whole || reader.position().sequence > last || s.header.first_sequence > last) return {};
    return fail(errc::corrupt, "read " + segment_name(s.header.number),
                "frame " + std::to_string(reader.position().sequence) +
                    " was being synced by a process that has died, and is gone");
}

}  // namespace queuectl::inline v0::journal

#endif
