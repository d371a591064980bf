// The writing half of a log: appends, new segments, and what to do when a sync has failed.
#ifndef QUEUECTL_JOURNAL_LOG_WRITER_HPP
#define QUEUECTL_JOURNAL_LOG_WRITER_HPP

#include <queuectl/journal/log_options.hpp>
#include <queuectl/journal/rescue.hpp>

#include <mutex>
#include <span>

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
          writer_{random_() | 1},
          sync_{fs_, gate, words},
          reader_{fs_, options.start, options.start.segment}
    {
    }

    [[nodiscard]] log_ticket seen() const noexcept { return {reader_.position().sequence - 1, generation_}; }
    [[nodiscard]] bool page_valid() const noexcept { return store_ && words_->valid_for(options_.boot, store_); }

    result<void> find_store()
    {
        const auto newest = newest_segment(fs_);
        if (!newest) return fail(newest.error());
        if (*newest == 0)
            return options_.create ? result<void>{} : fail(errc::not_found, "open the journal", "there is none");
        const auto opened = open_segment(fs_, *newest);
        if (!opened) return fail(opened.error());
        store_ = opened->header.store;
        return {};
    }

    void note(frame_type type, std::uint64_t sequence, std::uint64_t durable_upto) noexcept
    {
        durable_seen_ = std::max(durable_seen_, durable_upto);
        if (type != frame_type::watermark) last_data_ = sequence;
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
    // Of a segment of usually `usual` bytes that gets so many bytes of frames at once.
    static std::uint64_t bytes_for(std::uint64_t usual, std::uint64_t frames) noexcept
    {
        const auto needed = frames_begin + frames + reserve_of(usual);
        return needed <= usual ? usual : (needed + 4095) / 4096 * 4096;
    }

    // CRC of the last frame before the newest segment, once the reader is in it.
    std::uint32_t begin_crc() const noexcept { return reader_.segment_crc(); }

    void publish(std::uint64_t appends) noexcept
    {
        words_->segment = reader_.position().segment;
        words_->writer = writer_;
        words_->written = reader_.position().sequence - 1;
        if (appends != 0) words_->appends.fetch_add(appends);
    }

    result<log_ticket> append(frame_type type, std::span<const std::string_view> bodies, append_room room)
    {
        std::uint64_t bytes = 0;
        for (const auto body : bodies) {
            if (body.size() > body_bytes_max) return fail(errc::invalid_argument, "append", "a body is over 1 GiB");
            bytes += frame_bytes(body.size());
        }
        if (reader_.current()->header.oldest_writer > format_version)
            return fail(errc::wrong_version, "append", "the journal's format is newer than this program");
        const auto kept = room == append_room::normal ? reserve_of(reader_.current()->header.bytes) : 0;
        if (reader_.position().offset + bytes + kept > reader_.current()->header.bytes)
            if (auto done = roll(bytes); !done) return fail(done.error());
        return write(type, bodies);
    }

    result<log_ticket> write(frame_type type, std::span<const std::string_view> bodies)
    {
        auto& s = *reader_.current();
        const auto& at = reader_.position();
        frame_header h;
        h.sequence = at.sequence;
        h.durable_upto = std::min(words_->synced.load(), at.sequence - 1);
        h.file_id = s.header.file_id;
        h.previous_crc = at.previous_crc;
        h.type = type;
        buffer_.clear();
        for (const auto body : bodies) {
            h.previous_crc = append_frame(buffer_, h, body, at.offset + buffer_.size());
            ++h.sequence;
        }
        words_->dirty = 1;
        if (auto done = fs_.write(s.file, at.offset, buffer_); !done) {
            cut(at.offset + buffer_.size());
            if (words_->poisoned.load() != 0)
                return fail(errc::outcome_unknown, done.error().operation, done.error().detail,
                            done.error().backend_code);
            words_->dirty = 0;
            return fail(done.error());
        }
        note(type, h.sequence - 1, h.durable_upto);
        reader_.skip(buffer_.size(), bodies.size(), h.previous_crc);
        publish(type == frame_type::transaction ? 1 : 0);
        words_->dirty = 0;
        return seen();
    }

    result<void> watermark()
    {
        if (words_->synced.load() < last_data_ || durable_seen_ >= last_data_) return {};
        if (reader_.position().offset + frame_header_bytes > reader_.current()->header.bytes) return {};
        const std::string_view none[1];
        if (auto done = append(frame_type::watermark, none, append_room::reserve); !done) return fail(done.error());
        return {};
    }

    // Goes on in a new segment with room for `bytes` of frames.
    result<void> roll(std::uint64_t bytes)
    {
        auto lead = sync_.lead();
        if (Guards::sync_before_roll && words_->synced.load() < seen().sequence)
            if (auto done = sync_.sync_written(); !done) return done;
        const auto number = reader_.position().segment + 1;
        words_->dirty = 1;
        const auto h = new_header(number, reader_.position().sequence,
                                  bytes_for(options_.sizes.next(reader_.current()->header.bytes), bytes));
        auto made = prepare_segment<Guards>(fs_, h, {});
        if (!made) {
            words_->dirty = 0;
            return fail(made.error());
        }
        if (auto done = publish_segment<Guards>(fs_, number); !done) return give_up_segment(done.error());
        words_->segment_crc = reader_.position().previous_crc;
        reader_.enter(std::move(*made));
        publish(0);
        words_->dirty = 0;
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
        h.bytes = bytes_for(std::min(saved->segment_bytes, options_.sizes.most), saved->bytes.size());
        auto made = prepare_segment<Guards>(fs_, h, saved->bytes);
        if (!made) return fail(made.error());
        if (auto done = publish_segment<Guards>(fs_, number + 1); !done) return done;
        words_->segment_crc = saved->crc_before;
        words_->segment = number + 1;
        words_->written = saved->last_sequence;
        words_->synced = saved->last_sequence;
        words_->writer = 0;
        words_->dirty = 0;
        words_->poisoned = 0;
        return {};
    }

    // What cannot be cut is left behind in its segment.
    void cut(std::uint64_t end)
    {
        auto lead = sync_.lead();
        if (!cut_tail<Guards>(fs_, *reader_.current(), reader_.position().offset, end)) sync_.poison();
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
    std::uint64_t writer_;
    group_sync<FileSystem, Gate, Guards> sync_;

    std::mutex mutex_;  // of all below
    log_reader<FileSystem, Guards> reader_;
    uid store_{};
    std::uint32_t generation_ = 0;
    std::uint64_t durable_seen_ = 0;  // the highest durable_upto of a frame
    std::uint64_t last_data_ = 0;     // the last frame that is no watermark
    std::string buffer_;
};

}  // namespace queuectl::inline v0::journal::detail

#endif
