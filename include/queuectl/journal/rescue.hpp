// After a failed sync: what had not been synced before is copied to a new segment.
#ifndef QUEUECTL_JOURNAL_RESCUE_HPP
#define QUEUECTL_JOURNAL_RESCUE_HPP

#include <queuectl/journal/log_reader.hpp>

namespace queuectl::inline v0::journal {

// The frames behind sequence `synced` of a segment, as they will stand at the begin of another one.
struct rescued_frames {
    std::string bytes;
    std::uint64_t last_sequence = 0;  // of those copied, or `synced`
    std::uint32_t crc_before = 0;     // of frame `synced`
    std::uint32_t last_crc = 0;
    std::uint64_t segment_bytes = 0;  // of the segment they come from
    std::uint64_t begin = 0;          // offset in it of the first that is copied
};

// Reads the segment `number`, whose first frame follows one of CRC `segment_crc`, up to the first place without a
// valid frame: what is not readable any more was never acknowledged. errc::corrupt when a frame up to `synced` is gone.
// Memory: what is copied.
template <class Guards = all_guards, file_system FileSystem>
[[nodiscard]] result<rescued_frames> rescue(FileSystem& fs, std::uint64_t number, std::uint32_t segment_crc,
                                            std::uint64_t synced, std::uint64_t new_file_id)
{
    auto opened = open_segment(fs, number);
    if (!opened) return fail(opened.error());
    const auto first = opened->header.first_sequence;
    log_reader<FileSystem, Guards> reader{fs, {number, frames_begin, first, segment_crc}, number};
    rescued_frames out{{}, synced, segment_crc, segment_crc, opened->header.bytes, frames_begin};
    frame_view frame;
    for (;;) {
        const auto got = reader.next(frame);
        if (!got) return fail(got.error());
        if (*got != read_status::frame) break;
        if (frame.header.sequence <= synced) {
            out.crc_before = out.last_crc = frame.header.crc;
            out.begin = reader.position().offset;
            continue;
        }
        frame_header h = frame.header;
        h.file_id = new_file_id;
        h.durable_upto = synced;
        h.previous_crc = out.last_crc;
        out.last_crc = append_frame(out.bytes, h, frame.body, frames_begin + out.bytes.size());
        out.last_sequence = h.sequence;
    }
    if (reader.position().sequence <= synced)
        return fail(errc::corrupt, "read " + segment_name(number),
                    "damage at offset " + std::to_string(reader.position().offset) + ": frame " +
                        std::to_string(reader.position().sequence) + " had been synced and is gone");
    return out;
}

}  // namespace queuectl::inline v0::journal

#endif
