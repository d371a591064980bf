// One frame of the log as bytes: written, and checked.
#ifndef QUEUECTL_JOURNAL_FRAME_HPP
#define QUEUECTL_JOURNAL_FRAME_HPP

#include <queuectl/journal/crc32c.hpp>
#include <queuectl/journal/format.hpp>

#include <bit>
#include <string>

namespace queuectl::inline v0::journal {

// What a log checks and does for safety. All of it always; tests switch off one at a time to see that they notice.
struct all_guards {
    static constexpr bool checksum = true;          // a frame's CRC32C is compared
    static constexpr bool file_id = true;           // a frame belongs to this file
    static constexpr bool chain = true;             // a frame names the one before it
    static constexpr bool watermark = true;         // durable_upto tells damage from a torn tail
    static constexpr bool sync_frames = true;       // frames are synced before they are acknowledged
    static constexpr bool sync_before_roll = true;  // a segment is synced before the next one appears
    static constexpr bool sync_new_segment = true;  // a segment is synced before it gets its name
    static constexpr bool sync_directory = true;    // a segment's name is synced before its frames count
    static constexpr bool cut_tail = true;          // a torn tail is overwritten
    static constexpr bool sync_cut = true;          // and that is synced before anything is appended
    static constexpr bool poison = true;            // a failed sync is remembered, what it covered is copied
    static constexpr bool rewrite = true;           // what a dead process may have failed to sync is written again
    static constexpr bool rewrite_whole = true;     // all of it, or the sync counts as failed
    static constexpr bool rewrite_next = true;      // also the frame that was on its way
    static constexpr bool generation = true;        // who waited for what was lost does not take a successor for it
    static constexpr bool lock = true;              // one writer at a time
    static constexpr bool sync_trim = true;         // a trim is synced before what it trims is removed
    static constexpr bool oldest_first = true;      // trimmed segments are removed in their order
    static constexpr bool prepared = true;          // a body lands where prepare() has said
    static constexpr bool moved = true;             // what a failed sync has moved is read where it is now
    static constexpr bool window_end = true;        // bytes that are not yet written are not kept as read
};

namespace detail {

template <class Integer>
[[nodiscard]] inline Integer load_le(const char* at) noexcept
{
    Integer value = 0;
    std::memcpy(&value, at, sizeof value);
    if constexpr (std::endian::native == std::endian::big) {
        Integer swapped = 0;
        for (std::size_t i = 0; i < sizeof value; ++i)
            swapped = static_cast<Integer>(swapped << 8 | (value >> (8 * i) & 255));
        value = swapped;
    }
    return value;
}
template <class Integer>
inline void store_le(char* at, Integer value) noexcept
{
    if constexpr (std::endian::native == std::endian::big) {
        for (std::size_t i = 0; i < sizeof value; ++i) at[i] = static_cast<char>(value >> (8 * i) & 255);
    } else {
        std::memcpy(at, &value, sizeof value);
    }
}

[[nodiscard]] inline bool all_zero(std::string_view bytes) noexcept
{
    return bytes.empty() || (bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

}  // namespace detail

struct frame_header {
    std::uint32_t crc = 0;  // computed by append_frame
    std::uint32_t body_bytes = 0;
    std::uint64_t sequence = 0;
    std::uint64_t durable_upto = 0;
    std::uint64_t file_id = 0;
    std::uint32_t previous_crc = 0;
    frame_type type = frame_type::none;
    std::uint8_t flags = 0;
};

// The bytes that a frame with such a body takes in its file.
[[nodiscard]] constexpr std::uint64_t frame_bytes(std::uint64_t body_bytes) noexcept
{
    return (frame_header_bytes + body_bytes + frame_alignment - 1) / frame_alignment * frame_alignment;
}

// The checksum of the frame whose header and body lie at `at`, for its place.
[[nodiscard]] inline std::uint32_t frame_crc(const char* at, std::uint32_t body_bytes, std::uint64_t file_id,
                                             std::uint64_t offset) noexcept
{
    char place[16];
    detail::store_le(place, file_id);
    detail::store_le(place + 8, offset);
    return crc32c({at + 4, frame_header_bytes - 4 + body_bytes}, crc32c({place, sizeof place}));
}

// Appends the frame for `offset` of its file to `out` and returns its CRC. body.size() ≤ body_bytes_max.
inline std::uint32_t append_frame(std::string& out, const frame_header& header, std::string_view body,
                                  std::uint64_t offset)
{
    const std::size_t begin = out.size();
    out.resize(begin + frame_header_bytes);
    out.append(body);
    out.resize(begin + static_cast<std::size_t>(frame_bytes(body.size())));
    char* const at = out.data() + begin;
    detail::store_le(at + 4, static_cast<std::uint32_t>(body.size()));
    detail::store_le(at + 8, header.sequence);
    detail::store_le(at + 16, header.durable_upto);
    detail::store_le(at + 24, header.file_id);
    detail::store_le(at + 32, header.previous_crc);
    at[36] = static_cast<char>(header.type);
    at[37] = static_cast<char>(header.flags);
    const std::uint32_t crc = frame_crc(at, static_cast<std::uint32_t>(body.size()), header.file_id, offset);
    detail::store_le(at, crc);
    return crc;
}

// The fields at `at` (frame_header_bytes of them), not checked.
[[nodiscard]] inline frame_header load_frame_header(const char* at) noexcept
{
    frame_header h;
    h.crc = detail::load_le<std::uint32_t>(at);
    h.body_bytes = detail::load_le<std::uint32_t>(at + 4);
    h.sequence = detail::load_le<std::uint64_t>(at + 8);
    h.durable_upto = detail::load_le<std::uint64_t>(at + 16);
    h.file_id = detail::load_le<std::uint64_t>(at + 24);
    h.previous_crc = detail::load_le<std::uint32_t>(at + 32);
    h.type = static_cast<frame_type>(at[36]);
    h.flags = static_cast<std::uint8_t>(at[37]);
    return h;
}

// Whether such a header may stand at a place with `room` bytes to the end of its file: what can be known without
// the body. O(1).
template <class Guards = all_guards>
[[nodiscard]] bool plausible(const frame_header& h, std::uint64_t file_id, std::uint64_t room) noexcept
{
    return (!Guards::file_id || h.file_id == file_id) && h.sequence != 0 && h.durable_upto < h.sequence &&
           h.type != frame_type::none && h.body_bytes <= body_bytes_max && frame_bytes(h.body_bytes) <= room;
}

// Whether the bytes at `at`, the whole frame of header `h`, are that frame at this place. O(body).
template <class Guards = all_guards>
[[nodiscard]] bool intact(const frame_header& h, const char* at, std::uint64_t file_id, std::uint64_t offset) noexcept
{
    if (!Guards::checksum) return true;
    const std::size_t used = frame_header_bytes + h.body_bytes;
    return frame_crc(at, h.body_bytes, Guards::file_id ? file_id : h.file_id, offset) == h.crc &&
           detail::all_zero({at + used, static_cast<std::size_t>(frame_bytes(h.body_bytes)) - used});
}

}  // namespace queuectl::inline v0::journal

#endif
