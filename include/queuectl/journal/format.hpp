// The file journal's format, version 1.
//
// A store is a directory. Its truth is a log: a chain of segments, files named by their number in 16 hexadecimal
// digits and ".log", from 0000000000000001.log on, without gaps. A segment is a header block and frames:
//
//   segment   := header (80 bytes, below) , zeros up to frames_begin , frame … , zeros
//   frame     := frame header (40 bytes, below) , body , zeros up to a multiple of 8
//
// All integers are little-endian. Space behind the last frame is zero: it was filled ahead, because a sync of bytes
// that only replace zeros writes no metadata. Frames do not cross segments.
//
//   segment header                                       frame header
//    0  8  magic "qctlseg1"                               0  4  CRC32C, below
//    8  4  format version                                 4  4  body bytes
//   12  4  oldest format that may read it                 8  8  sequence: 1, 2, … over the whole log
//   16  4  oldest format that may write it               16  8  durable_upto: every frame up to this sequence was
//   20  4  CRC32C of the other 76 bytes                           known to be synced when this one was written
//   24 16  store id                                      24  8  file id of its segment
//   40  8  segment number                                32  4  CRC32C field of the frame before it in the log; 0 for
//   48  8  file id: random, not 0                                the first of the log
//   56  8  sequence of its first frame                   36  1  type; 37 1 flags; 38 2 zero
//   64  8  bytes of the file
//   72  8  where the void frames of the segment before begin; 0 = it has none
//
// A frame's CRC32C covers, in this order: the file id (8 bytes), the offset of the frame in its file (8 bytes), the
// frame header from byte 4 on, the body. So a frame of another file, or of another place, is never taken for one here.
//
// A new segment. First every frame of the one before is synced. Then NUMBER.new is written at its full size, with zeros
// behind (most of them ahead of time, in pieces), and synced; it is renamed to NUMBER.log, and the directory is synced,
// before the first frame in it is acknowledged. Hence a NUMBER.log is always whole, and all that comes before its first
// sequence had been synced: a bad header, a file shorter than its header says, a missing frame or segment before the
// last segment are damage, never the trace of a crash. A NUMBER.new is no part of the log.
//
// Trimming. A trim frame says: the log begins with segment N (at most the frame's own; never less than an earlier
// trim's); nothing before it is needed. When it is synced, the files before N are removed, the lowest number first,
// each removal durable before the next. So the numbers have no gaps at any time, and segments before N that are still
// there are read like the others. Reading begins at the lowest number present; if that is not 1, the previous CRC of
// the first frame is believed, and a trim frame with N ≥ that number must follow: else segments are missing, which is
// damage.
//
// A segment ends where the next one begins: frames in it from the next one's first sequence on are void. (A sync of it
// had failed; what followed the last successful one was copied to the new segment, under the same sequences, one behind
// the other. So what a record says to be at an offset ≥ `where the void frames begin` is as far behind frames_begin in
// the new segment.)
//
// Reading. The last segment ends at the first place that holds no valid frame: zeros, bad bytes, a wrong sequence or a
// wrong previous CRC. If a *valid frame behind it* in this segment (CRC right; at any multiple of 8) has durable_upto ≥
// the missing sequence, or if the processes of this boot know it to have been synced, then something that had been
// synced is gone: that is damage, and the store is read-only until it is repaired. Otherwise what is there was never
// acknowledged: a torn tail, which is cut, by writing zeros over it and syncing them, before anything new is appended.
// Cutting may itself be cut off: it is done again. A tail so hostile that the search behind it exceeds its bound
// (journal/tail.hpp) counts as damage.
//
// A watermark frame (no body) follows when the log has been idle since a sync, and at close, so that also the last
// acknowledged frame is known to be durable to every later reader. It is not waited for.
//
// A sync whose end nobody has seen, since its process was killed in it, may have failed. What it may have covered is
// then written again, where it is, once its frames have been found whole, and synced: so it is as durable as any, or
// the sync has failed (journal/group_sync.hpp). In the files there is no trace of it.
//
// What a write may do to the disk before its sync: nothing, all, or any of its sectors, in any order, or garbage in
// the bytes that it covers. Bytes outside are taken to be safe ("power-safe overwrite").
//
// Newer formats. A program refuses a segment whose min_reader (min_writer) is newer than what it knows. A frame type
// that it does not know is skipped when flag_skippable is set; otherwise the store is refused as too new.
#ifndef QUEUECTL_JOURNAL_FORMAT_HPP
#define QUEUECTL_JOURNAL_FORMAT_HPP

#include <queuectl/config.hpp>

#include <cstddef>
#include <cstdint>

namespace queuectl::inline v0::journal {

inline constexpr char segment_magic[9] = "qctlseg1";
inline constexpr std::uint32_t format_version = 1;
inline constexpr std::uint32_t min_reader = 1;
inline constexpr std::uint32_t min_writer = 1;

inline constexpr std::size_t segment_header_bytes = 80;
inline constexpr std::size_t frames_begin = 128;
inline constexpr std::size_t frame_header_bytes = 40;
inline constexpr std::size_t frame_alignment = 8;
// The first segment has the smaller size, each next one twice the one before, up to the larger. A frame that
// does not fit into the largest gets a segment of its own; one that replaces another after a failed sync keeps its
// size.
inline constexpr std::size_t segment_bytes_min = std::size_t{1} << 20;
inline constexpr std::size_t segment_bytes_max = std::size_t{16} << 20;
// The largest body: 1,000 jobs are split by the queue before they come near.
inline constexpr std::size_t body_bytes_max = std::size_t{1} << 30;

enum class frame_type : std::uint8_t {
    none = 0,         // zeros: no frame
    transaction = 1,  // body: records that take effect together (journal/records.hpp)
    watermark = 2,    // no body
    trim = 3,         // body: the log's first segment (8 bytes), then bytes of the user's
};
inline constexpr std::uint8_t flag_skippable = 1;

}  // namespace queuectl::inline v0::journal

#endif
