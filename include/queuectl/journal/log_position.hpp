// Places in the log.
#ifndef QUEUECTL_JOURNAL_LOG_POSITION_HPP
#define QUEUECTL_JOURNAL_LOG_POSITION_HPP

#include <queuectl/journal/format.hpp>

namespace queuectl::inline v0::journal {

// A place between two frames. The default is none, which is also the begin of a log that was never trimmed.
struct log_position {
    std::uint64_t segment = 1;
    std::uint64_t offset = frames_begin;
    std::uint64_t sequence = 1;      // of the next frame
    std::uint32_t previous_crc = 0;  // CRC field of the frame before it

    [[nodiscard]] bool is_none() const noexcept { return *this == log_position{}; }

    // Whether no frame lies between here and `end`, the end of the log: this is it, or the end of what comes before a
    // segment that is empty yet.
    [[nodiscard]] bool reaches(const log_position& end) const noexcept
    {
        return *this == end || (end.offset == frames_begin && sequence == end.sequence && segment < end.segment &&
                                previous_crc == end.previous_crc);
    }

    friend bool operator==(const log_position&, const log_position&) = default;
};

// Where the bytes of a body begin.
struct frame_place {
    std::uint64_t segment = 0;
    std::uint64_t offset = 0;  // of the body's first byte, in the segment's file
    frame_type type = frame_type::transaction;

    friend bool operator==(const frame_place&, const frame_place&) = default;
};

}  // namespace queuectl::inline v0::journal

#endif
