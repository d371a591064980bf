// Writes frames of a segment again, the same bytes to the same places, so that the next sync covers them.
#ifndef QUEUECTL_JOURNAL_REWRITE_HPP
#define QUEUECTL_JOURNAL_REWRITE_HPP

#include <queuectl/journal/log_reader.hpp>

namespace queuectl::inline v0::journal {

// The frames behind sequence `synced` up to `last` of segment `s`. Each is checked as a reader checks it before it is
// written. errc::corrupt when one is not readable any more; it and what follows has not been written. Others may append
// behind `last` meanwhile. Reads the segment up to there; memory: 256 KiB and the largest frame, twice.
template <class Guards = all_guards, file_system FileSystem>
[[nodiscard]] result<void> rewrite(FileSystem& fs, segment<FileSystem>& s, std::uint64_t synced, std::uint64_t last)
{
    constexpr std::size_t piece_bytes = std::size_t{256} << 10;
    log_reader<FileSystem, Guards> reader{fs, {}, s.header.number};
    reader.begin(s.header.number, s.header.number);
    std::string piece;
    std::uint64_t begin = frames_begin;
    const auto write = [&] {
        auto done = piece.empty() ? result<void>{} : fs.write(s.file, begin, piece);
        begin += piece.size();
        piece.clear();
        return done;
    };
    frame_view frame;
    for (auto next = s.header.first_sequence; next <= last; ++next) {
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
