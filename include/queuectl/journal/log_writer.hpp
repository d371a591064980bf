// The writing half of a log: appends, new segments, and what to do when a sync has failed.
#ifndef QUEUECTL_JOURNAL_LOG_WRITER_HPP
#define QUEUECTL_JOURNAL_LOG_WRITER_HPP

#include <queuectl/journal/log_options.hpp>
#include <queuectl/journal/log_window.hpp>
#include <queuectl/journal/next_segment.hpp>
#include <queuectl/journal/rescue.hpp>
#include <queuectl/journal/trim.hpp>

#include <mutex>
#include <optional>

namespace queuectl::inline v0::journal::detail {

// A part of log, which says what it means. But for the constructor and sync_, all of it needs the lock.
template <file_system FileSystem, class Gate, class Guards>
struct log_writer {
    log_writer(FileSystem fs, Gate& gate, log_words& words, const log_options& options)
        : fs_{std::move(fs)},
          gate_{&gate},
          words_{&words},
          options_{options},
          random_{options.random},
          sync_{fs_, gate, words},
          reader_{fs_, {}, 1},
          next_{words}
    {
    }

    [[nodiscard]] log_ticket seen() const noexcept { return {reader_.position().sequence - 1, generation_}; }
    [[nodiscard]] bool page_valid() const noexcept { return store_ && words_->valid_for(options_.boot, store_); }

    result<void> find_store()
    {
        const auto found = find_segments(fs_);
        if (!found) return fail(found.error());
        if (found->newest == 0)
            return options_.create ? result<void>{} : fail(errc::not_found, "open the journal", "there is none");
        const auto opened = open_segment(fs_, found->newest);
        if (!opened) return fail(opened.error());
        store_ = opened->header.store;
        return {};
    }

    // A frame that was read or is about to be published.
    void note(frame_type type, std::uint64_t sequence, std::uint64_t durable_upto, std::string_view body) noexcept
    {
        if (durable_upto > words_->durable_said.load()) words_->durable_said = durable_upto;
        if (type == frame_type::watermark) return;
        if (sequence > words_->last_data.load()) words_->last_data = sequence;
        if (type != frame_type::trim || trimmed_to(body) < words_->trim_segment.load()) return;
        words_->trim_sequence = sequence;
        words_->trim_segment = trimmed_to(body);
    }

    segment_header new_header(std::uint64_t number, std::uint64_t first, std::uint64_t bytes)
    {
        segment_header h;
        h.store = store_;
        h.number = number;
        h.file_id = random_() | 1;
        h.first_sequence = first;
        h.bytes = bytes;
        return h;
    }
    // Room that is kept back in a segment of such a size.
    static std::uint64_t reserve_of(std::uint64_t bytes) noexcept
    {
        return std::min<std::uint64_t>(bytes / 8, std::uint64_t{256} << 10);
    }
    // Room that is left to those who are in a hurry.
    static std::uint64_t left_of(std::uint64_t bytes) noexcept
    {
        return std::min<std::uint64_t>(bytes / 32, std::uint64_t{256} << 10);
    }
    // Of a segment of usually `usual` bytes that gets so many bytes of frames at once.
    static std::uint64_t bytes_for(std::uint64_t usual, std::uint64_t frames) noexcept
    {
        const auto needed = frames_begin + frames + reserve_of(usual);
        return needed <= usual ? usual : (needed + 4095) / 4096 * 4096;
    }

    // Tells where the log ends now.
    void publish() noexcept
    {
        words_->dirty = write_words;
        words_->set_position(reader_.position());
    }

    // The segment to write to; an error when nothing may be written.
    result<segment<FileSystem>*> writable()
    {
        if (refused_) return fail(*refused_);
        auto s = reader_.current();
        if (s && (*s)->header.oldest_writer > format_version)
            return fail(errc::wrong_version, "append", "the journal's format is newer than this program");
        return s;
    }

    // Whether a frame with such a body has room in the segment.
    [[nodiscard]] bool fits(const segment_header& s, std::uint64_t body_bytes, append_room room) const noexcept
    {
        // While there is room for others, those who wait anyway go on in a new segment once it is ready.
        const auto early = !hurried_ && next_.ready(s, options_.sizes) ? left_of(s.bytes) : 0;
        const auto kept = (room == append_room::normal ? reserve_of(s.bytes) : 0) + early;
        const auto end = reader_.position().offset + frame_bytes(body_bytes);
        return end <= prepared_end_ || end + kept <= s.bytes;
    }
    [[nodiscard]] bool fits(std::uint64_t body_bytes, append_room room)
    {
        const auto s = writable();
        return s && body_bytes <= body_bytes_max && fits((*s)->header, body_bytes, room);
    }

    // Makes room for a frame with such a body, and tells where the body will be.
    result<frame_place> prepare(frame_type type, std::uint64_t body_bytes, append_room room)
    {
        if (body_bytes > body_bytes_max) return fail(errc::invalid_argument, "append", "a body is over 1 GiB");
        auto s = writable();
        if (!s) return fail(s.error());
        const auto bytes = frame_bytes(body_bytes);
        const auto& at = reader_.position();
        if (!fits((*s)->header, body_bytes, room))
            if (auto done = roll(bytes); !done) return fail(done.error());
        prepared_end_ = Guards::prepared ? std::max(prepared_end_, at.offset + bytes) : 0;
        return frame_place{at.segment, at.offset + frame_header_bytes, type};
    }

    result<log_ticket> append(frame_type type, std::string_view body, append_room room)
    {
        if (auto place = prepare(type, body.size(), room); !place) return fail(place.error());
        auto s = reader_.current();
        if (!s) return fail(s.error());
        const log_position at = reader_.position();
        frame_header h;
        h.sequence = at.sequence;
        h.durable_upto = std::min(words_->synced.load(), at.sequence - 1);
        h.file_id = (*s)->header.file_id;
        h.previous_crc = at.previous_crc;
        h.type = type;
        written_.clear();
        written_at_ = at;
        words_->note_near(at);
        const auto crc = append_frame(written_, h, body, at.offset);
        words_->dirty = write_files;
        if (auto done = fs_.write((*s)->file, at.offset, written_); !done) return undo_write(**s, done.error());
        note(type, h.sequence, h.durable_upto, body);
        reader_.skip(written_.size(), 1, crc);
        prepared_end_ = 0;
        publish();
        words_->dirty = write_done;
        fill_ahead(sync_.many_wait() ? next_.pieces_bytes_max : next_.piece_bytes);
        return seen();
    }

    // Of the next segment, if at least so many bytes are due.
    void fill_ahead(std::uint64_t least)
    {
        if (const auto s = reader_.current())
            next_.fill_ahead(fs_, (*s)->header, reader_.position().offset, options_.sizes, least);
    }

    result<log_ticket> undo_write(segment<FileSystem>& s, const error& why)
    {
        cut(s, reader_.position().offset + written_.size());
        written_.clear();
        if (words_->poisoned.load() != 0)
            return fail(errc::outcome_unknown, why.operation, why.detail, why.backend_code);
        words_->dirty = write_done;
        return fail(why);
    }

    result<log_ticket> trim(std::uint64_t first, std::string_view user)
    {
        const auto body = encode_trim(first, user);
        const auto place = prepare(frame_type::trim, body.size(), append_room::reserve);
        if (!place) return fail(place.error());
        if (first == 0 || first > place->segment || first < words_->trim_segment.load())
            return fail(errc::invalid_argument, "trim", "the log cannot begin with " + segment_name(first));
        return append(frame_type::trim, body, append_room::reserve);
    }

    // The caller has the turn.
    result<std::string_view> read(std::uint64_t segment, std::uint64_t offset, std::size_t bytes)
    {
        const auto inside = offset - written_at_.offset;  // huge when it lies before
        if (segment == written_at_.segment && inside <= written_.size() && bytes <= written_.size() - inside)
            return std::string_view{written_}.substr(static_cast<std::size_t>(inside), bytes);
        return window_.read(fs_, segment, offset, bytes, reader_.position());
    }

    result<void> watermark()
    {
        const auto data = words_->last_data.load();
        if (words_->synced.load() < data || words_->durable_said.load() >= data) return {};
        auto s = writable();
        if (!s) return fail(s.error());
        if (reader_.position().offset + frame_header_bytes > (*s)->header.bytes) return {};
        if (auto done = append(frame_type::watermark, {}, append_room::reserve); !done) return fail(done.error());
        return {};
    }

    // Goes on in a new segment with room for `bytes` of frames.
    result<void> roll(std::uint64_t bytes)
    {
        auto lead = sync_.lead();
        if (Guards::sync_before_roll && words_->synced.load() < seen().sequence)
            if (auto done = sync_.sync_written(); !done) return done;
        const auto& at = reader_.position();
        const auto s = reader_.current();
        if (!s) return fail(s.error());
        const auto h =
            new_header(at.segment + 1, at.sequence, bytes_for(options_.sizes.next((*s)->header.bytes), bytes));
        words_->dirty = write_files;
        auto made = next_.finish(fs_, h);
        if (!made) {
            words_->dirty = write_done;
            return fail(made.error());
        }
        if (auto done = publish_segment<Guards>(fs_, h.number); !done) return give_up_segment(done.error());
        prepared_end_ = 0;
        reader_.enter(std::move(*made));
        words_->dirty = write_words;
        words_->segment_crc = at.previous_crc;
        publish();
        words_->dirty = write_done;
        return {};
    }

    // The newest segment's name may be durable or not: nothing is appended before one at the same number is.
    result<void> give_up_segment(const error& why)
    {
        sync_.poison();
        return fail(why);
    }

    // A sync has failed: goes on in a new segment with what had not been synced, as far as it is readable.
    result<void> rescue_all()
    {
        auto lead = sync_.lead();
        const auto number = words_->segment.load();
        const auto synced = words_->synced.load();
        segment_header h = new_header(number + 1, synced + 1, 0);
        auto saved = rescue<Guards>(fs_, number, words_->segment_crc.load(), synced, h.file_id);
        if (!saved) return fail(saved.error());
        next_.forget();
        h.replaces = saved->begin;
        h.bytes = bytes_for(std::min(saved->segment_bytes, options_.sizes.most), saved->bytes.size());
        auto made = prepare_segment<Guards>(fs_, h, saved->bytes);
        if (!made) return fail(made.error());
        if (auto done = publish_segment<Guards>(fs_, number + 1); !done) return done;
        words_->segment_crc = saved->crc_before;
        words_->set_position(
            {number + 1, frames_begin + saved->bytes.size(), saved->last_sequence + 1, saved->last_crc});
        words_->synced = saved->last_sequence;
        words_->last_data = saved->last_sequence;
        words_->durable_said = 0;
        if (words_->trim_sequence.load() > synced) words_->trim_segment = words_->trim_sequence = 0;
        words_->dirty = write_done;
        words_->poisoned = 0;
        window_.forget();
        written_.clear();
        return {};
    }

    // What cannot be cut is left behind in its segment.
    void cut(segment<FileSystem>& s, std::uint64_t end)
    {
        auto lead = sync_.lead();
        sync_.supervise([&] { return cut_tail<Guards>(fs_, s, reader_.position().offset, end); });
    }

    result<void> create_first()
    {
        segment_header h = new_header(1, 1, options_.sizes.least);
        h.store = store_ ? store_ : random_.draw_uid();
        if (auto made = prepare_segment<Guards>(fs_, h, {}); !made) return fail(made.error());
        auto published = publish_segment<Guards>(fs_, 1);
        if (!published) static_cast<void>(fs_.remove(segment_name(1)));  // it is made anew, not believed
        return published;
    }

    FileSystem fs_;
    Gate* gate_;
    log_words* words_;
    log_options options_;
    random_source random_;
    group_sync<FileSystem, Gate, Guards> sync_;

    std::mutex mutex_;  // of all below
    log_reader<FileSystem, Guards> reader_;
    next_segment<FileSystem, Guards> next_;
    log_window<FileSystem, Guards> window_;
    uid store_{};
    std::uint32_t generation_ = 0;
    std::optional<error> refused_;    // why the holder of the turn may not write
    bool hurried_ = false;            // the holder of the turn waits for no sync
    std::uint64_t prepared_end_ = 0;  // where a frame may end in this segment, whatever is kept back
    std::string written_;             // the last frame that was written here,
    log_position written_at_;         // and where
};

}  // namespace queuectl::inline v0::journal::detail

#endif
