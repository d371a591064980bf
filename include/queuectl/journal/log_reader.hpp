// Reads the log forward, frame by frame, from any position.
#ifndef QUEUECTL_JOURNAL_LOG_READER_HPP
#define QUEUECTL_JOURNAL_LOG_READER_HPP

#include <queuectl/journal/log_position.hpp>
#include <queuectl/journal/tail.hpp>

#include <optional>

namespace queuectl::inline v0::journal {

// A frame that was read. `body` is valid until the reader is used again.
struct frame_view {
    frame_header header;
    std::string_view body;
};

enum class read_status : std::uint8_t {
    frame,    // here it is
    end,      // the newest segment holds no valid frame here; inspect_end() tells why
    rewound,  // frames that were read have become void: start again from a position before them
};

// Knows files only; who writes and what is durable is log's business. Damage and too new formats are errors
// (errc::corrupt, errc::wrong_version) that name file and offset, and stay. Reads memory in proportion to the largest
// frame; never more than a segment. Not thread-safe.
template <file_system FileSystem, class Guards = all_guards>
class log_reader {
public:
    // Starts at a position between two frames. `newest`: the last segment there is, as far as is known.
    log_reader(FileSystem& fs, log_position from, std::uint64_t newest) : fs_{&fs}, at_{from}, newest_{newest} {}

    [[nodiscard]] const log_position& position() const noexcept { return at_; }
    [[nodiscard]] std::uint64_t newest() const noexcept { return newest_; }
    void set_newest(std::uint64_t newest) noexcept { newest_ = newest; }

    // Goes to a position that is known to be between two frames, in a segment up to `newest`. Reads nothing.
    void jump(const log_position& to, std::uint64_t newest) noexcept
    {
        if (current_ && current_->header.number != to.segment) current_.reset();
        following_.reset();
        at_ = to;
        newest_ = newest;
        chained_ = true;
        refresh();
    }
    // Goes to the begin of a log that begins with segment `lowest`: of its first frame, sequence and previous CRC are
    // believed.
    void begin(std::uint64_t lowest, std::uint64_t newest) noexcept
    {
        current_.reset();
        jump({lowest, frames_begin, lowest == 1 ? 1U : 0U, 0}, newest);
        chained_ = lowest == 1;
    }

    // The segment of the position.
    [[nodiscard]] result<segment<FileSystem>*> current()
    {
        if (auto here = settle_in(); !here) return fail(here.error());
        return &*current_;
    }

    // CRC of the last frame before the segment of the position; once it was needed.
    [[nodiscard]] std::uint32_t segment_crc() const noexcept { return segment_crc_; }

    // Whether frames that were read have become void.
    [[nodiscard]] result<bool> rewound()
    {
        const auto here = settle_in();
        if (!here) return fail(here.error());
        return *here == read_status::rewound;
    }

    // Makes what others have written since visible.
    void refresh() noexcept { window_.clear(); }

    // Reads the next frame and goes behind it.
    [[nodiscard]] result<read_status> next(frame_view& out)
    {
        for (;;) {
            auto here = settle_in();
            if (!here || *here != read_status::frame) return here;
            if (following_ && following_->header.first_sequence == at_.sequence) {
                advance();
                continue;
            }
            auto found = load(out);
            if (!found) return fail(found.error());
            if (*found) return read_status::frame;
            if (!following_) return read_status::end;
            return damaged(at_.offset, "frame " + std::to_string(at_.sequence) + " had been synced and is gone");
        }
    }

    // After `end`: what lies there. Damage is an error; `durable_upto` is the last sequence that anybody else knows to
    // have been synced. Reads the rest of the segment.
    [[nodiscard]] result<tail> inspect_end(std::uint64_t durable_upto = 0)
    {
        if (auto here = settle_in(); !here) return fail(here.error());
        auto found = inspect_tail<Guards>(*fs_, *current_, at_.offset, at_.sequence);
        if (!found) return found;
        const bool known = Guards::watermark && durable_upto >= at_.sequence;
        if (found->kind != tail_kind::damage && !known) return found;
        std::string why = "frame " + std::to_string(at_.sequence) + " had been synced and is gone";
        if (found->kind == tail_kind::damage)
            why += found->proof == 0 ? " (too many doubtful frames behind it)"
                                     : " (says the frame at offset " + std::to_string(found->proof) + ")";
        return damaged(at_.offset, why);
    }

    // Goes behind frames that the owner has just written itself, in the current segment.
    void skip(std::uint64_t bytes, std::uint64_t frames, std::uint32_t last_crc) noexcept
    {
        at_.offset += bytes;
        at_.sequence += frames;
        at_.previous_crc = last_crc;
    }

    // Goes to the begin of a segment that the owner has just created at the position.
    void enter(segment<FileSystem> created) noexcept
    {
        newest_ = created.header.number;
        current_.emplace(std::move(created));
        following_.reset();
        segment_crc_ = at_.previous_crc;
        at_.segment = newest_;
        at_.offset = frames_begin;
        window_.clear();
    }

private:
    static constexpr std::size_t window_bytes_min = std::size_t{4} << 10;
    static constexpr std::size_t window_bytes_max = std::size_t{256} << 10;

    failure_value damaged(std::uint64_t offset, const std::string& why) const
    {
        return fail(errc::corrupt, "read " + segment_name(at_.segment),
                    "damage at offset " + std::to_string(offset) + ": " + why);
    }

    // Opens the segment of the position and, when there is one, the segment behind it. Returns frame, or rewound.
    result<read_status> settle_in()
    {
        if (!current_) {
            auto opened = open_known(at_.segment);
            if (!opened) return fail(opened.error());
            if (at_.sequence == 0) at_.sequence = opened->header.first_sequence;
            if (auto fits = check_begin(*opened); !fits) return fail(fits.error());
            if (auto done = find_segment_crc(*opened); !done) return fail(done.error());
            current_.emplace(std::move(*opened));
        }
        if (!following_ && at_.segment < newest_) {
            auto opened = open_known(at_.segment + 1);
            if (!opened) return fail(opened.error());
            if (opened->header.store != current_->header.store)
                return fail(errc::corrupt, "open " + segment_name(at_.segment + 1), "it belongs to another store");
            if (opened->header.first_sequence < current_->header.first_sequence)
                return fail(errc::corrupt, "open " + segment_name(at_.segment + 1),
                            "it begins before the one before it");
            following_.emplace(std::move(*opened));
        }
        if (following_ && following_->header.first_sequence < at_.sequence) return read_status::rewound;
        return read_status::frame;
    }

    result<segment<FileSystem>> open_known(std::uint64_t number)
    {
        auto opened = open_segment(*fs_, number);
        if (!opened && opened.error().code == errc::not_found)
            return fail(errc::corrupt, "open " + segment_name(number),
                        "segment " + std::to_string(number) + " of " + std::to_string(newest_) + " is missing");
        return opened;
    }

    result<void> check_begin(const segment<FileSystem>& s) const
    {
        const auto first = s.header.first_sequence;
        const bool at_begin = at_.offset == frames_begin;
        if (at_begin ? first == at_.sequence : first < at_.sequence && at_.offset <= s.header.bytes) return {};
        return fail(
            errc::corrupt, "open " + segment_name(at_.segment),
            "it begins with frame " + std::to_string(first) + " where " + std::to_string(at_.sequence) + " is next");
    }

    result<void> find_segment_crc(const segment<FileSystem>& s)
    {
        segment_crc_ = at_.previous_crc;
        if (at_.offset == frames_begin) return {};
        char first[frame_header_bytes] = {};
        const auto got = fs_->read(s.file, frames_begin, first, sizeof first);
        if (!got) return fail(got.error());
        segment_crc_ = load_frame_header(first).previous_crc;
        return {};
    }

    void advance()
    {
        segment_crc_ = at_.previous_crc;
        current_ = std::move(following_);
        following_.reset();
        at_.segment = current_->header.number;
        at_.offset = frames_begin;
        window_.clear();
        window_bytes_ = window_bytes_min;
    }

    // Whether there is a valid frame at the position; goes behind it.
    result<bool> load(frame_view& out)
    {
        const segment_header& s = current_->header;
        const std::uint64_t room = s.bytes - at_.offset;
        if (room < frame_header_bytes) return false;
        auto at = view(frame_header_bytes);
        if (!at) return fail(at.error());
        if (*at == nullptr) return false;
        const frame_header h = load_frame_header(*at);
        if (!plausible<Guards>(h, s.file_id, room) || h.sequence != at_.sequence) return false;
        if (Guards::chain && chained_ && h.previous_crc != at_.previous_crc) return false;
        const std::uint64_t bytes = frame_bytes(h.body_bytes);
        at = view(static_cast<std::size_t>(bytes));
        if (!at) return fail(at.error());
        if (*at == nullptr || !intact<Guards>(h, *at, s.file_id, at_.offset)) return false;
        if (h.type > frame_type::trim && (h.flags & flag_skippable) == 0)
            return fail(errc::wrong_version, "read " + segment_name(at_.segment),
                        "a frame's type is newer than this program");
        out = {h, {*at + frame_header_bytes, h.body_bytes}};
        if (!chained_) segment_crc_ = h.previous_crc;
        chained_ = true;
        skip(bytes, 1, h.crc);
        return true;
    }

    // `count` bytes at the position, or null when the file ends before.
    result<const char*> view(std::size_t count)
    {
        const bool inside = at_.offset >= window_begin_ && at_.offset + count <= window_begin_ + window_.size();
        if (!inside) {
            const std::uint64_t room = current_->header.bytes - at_.offset;
            const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(std::max(count, window_bytes_), room));
            window_bytes_ = std::min(window_bytes_ * 2, window_bytes_max);
            window_begin_ = at_.offset;
            window_.resize(want);
            const auto got = fs_->read(current_->file, at_.offset, window_.data(), want);
            window_.resize(got ? *got : 0);
            if (!got) return fail(got.error());
            if (*got < count) return nullptr;
        }
        return window_.data() + (at_.offset - window_begin_);
    }

    FileSystem* fs_;
    log_position at_;
    std::uint64_t newest_;
    bool chained_ = true;  // whether the CRC of the frame before the position is known
    std::uint32_t segment_crc_ = 0;
    std::optional<segment<FileSystem>> current_;
    std::optional<segment<FileSystem>> following_;
    std::string window_;
    std::uint64_t window_begin_ = 0;
    std::size_t window_bytes_ = window_bytes_min;
};

}  // namespace queuectl::inline v0::journal

#endif
