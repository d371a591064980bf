// The log that processes share: opaque bodies in; the same bodies out, in order, durable.
#ifndef QUEUECTL_JOURNAL_LOG_HPP
#define QUEUECTL_JOURNAL_LOG_HPP

#include <queuectl/journal/gate.hpp>
#include <queuectl/journal/log_options.hpp>
#include <queuectl/journal/rescue.hpp>

#include <span>

namespace queuectl::inline v0::journal {

// One object for a process; any thread may call any member. FileSystem, Gate and words must be the same for all who
// share the store, and outlive the log. A process that dies leaves nothing behind that the next one does not repair.
template <file_system FileSystem = posix_file_system, class Gate = process_gate, class Guards = all_guards>
class log {
    using sync_type = group_sync<FileSystem, Gate, Guards>;

public:
    // The right to append: held by one thread of one process at a time, until destroyed. Nothing else in the log may
    // be called by a thread that holds it, but sync().
    class turn {
    public:
        // Writes a frame for each body; each is atomic, and all of them are there or none when it returns.
        // What to sync() before it is acknowledged. errc::store_full: nothing changed. Σ body + 48 bytes each ≤ 1 GiB.
        [[nodiscard]] result<log_ticket> append(std::span<const std::string_view> bodies,
                                                append_room room = append_room::normal)
        {
            return log_->append(frame_type::transaction, bodies, room);
        }
        // Says in the log how far it is durable, unless it says so already or has no room. Not waited for.
        [[nodiscard]] result<void> watermark() { return log_->watermark(); }

        // Everything that this log has read or written.
        [[nodiscard]] log_ticket seen() const noexcept { return log_->seen(); }
        [[nodiscard]] const log_position& position() const noexcept { return log_->reader_.position(); }

    private:
        friend class log;
        turn(log& l, std::optional<typename Gate::guard> held, std::unique_lock<std::mutex> state)
            : log_{&l}, held_{std::move(held)}, state_{std::move(state)}
        {
        }
        log* log_;
        std::optional<typename Gate::guard> held_;
        std::unique_lock<std::mutex> state_;
    };

    // Opens the log in the folder of `fs`; reads nothing yet. errc::not_found, errc::corrupt, errc::wrong_version.
    [[nodiscard]] static result<std::unique_ptr<log>> open(FileSystem fs, Gate& gate, log_words& words,
                                                           log_options options = {})
    {
        std::unique_ptr<log> made{new log{std::move(fs), gate, words, options}};
        if (auto done = made->find_store(); !done) return fail(done.error());
        return made;
    }

    log(const log&) = delete;
    log& operator=(const log&) = delete;

    // Waits in line for the lock, repairs what a dead writer, a power loss or a failed sync has left, and tells `sink`
    // what others have appended. errc::busy, errc::corrupt (damage: `sink` has heard all that comes before it),
    // errc::io.
    template <log_sink Sink>
    [[nodiscard]] result<turn> take_turn(Sink& sink)
    {
        std::optional<typename Gate::guard> held;
        if (Guards::lock) {
            auto got = gate_->acquire(options_.lock_patience);
            if (!got) return fail(got.error());
            held.emplace(std::move(*got));
        }
        std::unique_lock state{mutex_};
        if (auto done = enter(sink); !done) return fail(done.error());
        return turn{*this, std::move(held), std::move(state)};
    }

    // Tells `sink` what others have appended, without the lock while nothing needs repair.
    template <log_sink Sink>
    [[nodiscard]] result<void> catch_up(Sink& sink)
    {
        {
            const std::scoped_lock state{mutex_};
            const auto done = read_published(sink);
            if (!done) return fail(done.error());
            if (*done) return {};
        }
        auto mine = take_turn(sink);
        if (!mine) return fail(mine.error());
        return {};
    }

    // Everything that this log has read or written.
    [[nodiscard]] log_ticket ticket()
    {
        const std::scoped_lock state{mutex_};
        return seen();
    }

    // Until what the ticket names is as durable as the mode promises. errc::outcome_unknown when a sync has failed.
    [[nodiscard]] result<void> sync(const log_ticket& ticket)
    {
        if (options_.mode == durability::none) return {};
        if (options_.mode == durability::full) return sync_.wait(ticket);
        if (auto done = sync_.sync_after(options_.interval); !done)
            return fail(errc::outcome_unknown, done.error().operation, done.error().detail, done.error().backend_code);
        return {};
    }

    // When there is nothing to do, and before the log goes: all durable, and the log says so.
    template <log_sink Sink>
    [[nodiscard]] result<void> settle_down(Sink& sink)
    {
        auto mine = take_turn(sink);
        if (!mine) return fail(mine.error());
        if (words_->synced.load() < seen().sequence && durable_seen_ < last_data_) {
            const auto lead = sync_.lead();
            if (auto done = sync_.sync_written(); !done) return fail(done.error());
        }
        return mine->watermark();
    }

private:
    log(FileSystem fs, Gate& gate, log_words& words, const log_options& options)
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

    // ── Reading ──

    template <class Sink>
    void tell(Sink& sink, const frame_view& frame)
    {
        note(frame.header.type, frame.header.sequence, frame.header.durable_upto);
        if (frame.header.type == frame_type::transaction) sink.frame(frame.header.sequence, frame.body);
    }
    void note(frame_type type, std::uint64_t sequence, std::uint64_t durable_upto) noexcept
    {
        durable_seen_ = std::max(durable_seen_, durable_upto);
        if (type != frame_type::watermark) last_data_ = sequence;
    }

    // Reads up to sequence `last`, or to the end of the newest segment.
    template <class Sink>
    result<read_status> read(Sink& sink, std::uint64_t newest, std::uint64_t last)
    {
        reader_.set_newest(newest);
        reader_.refresh();
        frame_view frame;
        for (;;) {
            const auto rewound = reader_.rewound();
            if (!rewound) return fail(rewound.error());
            if (*rewound) {
                sink.restart();
                reader_ = log_reader<FileSystem, Guards>{fs_, options_.start, newest};
                durable_seen_ = last_data_ = 0;
                continue;
            }
            if (reader_.position().sequence > last) return read_status::frame;
            const auto got = reader_.next(frame);
            if (!got || *got == read_status::end) return got;
            tell(sink, frame);
        }
    }

    // Whether all that is published was read; false: the lock is needed to find out.
    template <class Sink>
    result<bool> read_published(Sink& sink)
    {
        const auto generation = words_->generation.load();
        if (!page_valid() || words_->poisoned.load() != 0) return false;
        const auto written = words_->written.load();
        const auto newest = words_->segment.load();
        if (generation == generation_ && written < reader_.position().sequence && newest == reader_.newest())
            return true;
        const auto got = read(sink, newest, written);
        if (!got || *got != read_status::frame) return false;
        if (words_->generation.load() != generation) return false;
        generation_ = generation;
        return true;
    }

    // ── Taking a turn ──

    template <class Sink>
    result<void> enter(Sink& sink)
    {
        if (!store_)  // it may have been created since
            if (auto done = find_store(); !done) return done;
        if (!page_valid())
            if (auto done = make_page(sink); !done) return done;
        for (;;) {
            // Read first: what is appended under a generation that ends meanwhile is never acknowledged.
            generation_ = words_->generation.load();
            if (words_->poisoned.load() != 0) {
                if (auto done = rescue_all(); !done) return done;
            } else if (words_->dirty.load() != 0) {
                if (auto done = repair(sink); !done) return done;
            } else {
                break;
            }
        }
        const bool mine = reader_.current() != nullptr && words_->writer.load() == writer_ &&
                          words_->written.load() + 1 == reader_.position().sequence &&
                          words_->segment.load() == reader_.position().segment;
        if (mine) return {};
        const auto got = read(sink, words_->segment.load(), ~std::uint64_t{0});
        if (!got) return fail(got.error());
        publish(0);
        return {};
    }

    // Another boot, or the first time: only the files are known.
    template <class Sink>
    result<void> make_page(Sink& sink)
    {
        words_->invalidate();
        words_->poisoned = words_->syncing = words_->dirty = 0;
        words_->appends = words_->appends_synced = words_->batch = 0;
        auto newest = newest_segment(fs_);
        if (!newest) return fail(newest.error());
        if (*newest == 0) {
            if (auto done = create_first(); !done) return done;
            newest = std::uint64_t{1};
        }
        words_->segment = *newest;
        if (auto done = fs_.sync_directory(); !done) return done;
        if (auto done = read_and_cut(sink, *newest); !done) return done;
        const auto* current = reader_.current();
        words_->segment_crc = begin_crc();
        words_->synced = std::max({durable_seen_, current->header.first_sequence - 1, options_.durable_upto});
        store_ = current->header.store;
        words_->set_valid_for(options_.boot, store_);
        return {};
    }

    result<void> create_first()
    {
        segment_header h = new_header(1, 1, options_.sizes.of(1));
        h.store = store_ ? store_ : random_.draw_uid();
        if (auto made = prepare_segment<Guards>(fs_, h, {}); !made) return fail(made.error());
        auto published = publish_segment<Guards>(fs_, 1);
        if (!published) static_cast<void>(fs_.remove(segment_name(1)));  // it is made anew, not believed
        return published;
    }

    // A writer died while it changed the files.
    template <class Sink>
    result<void> repair(Sink& sink)
    {
        const auto newest = newest_segment(fs_);
        if (!newest) return fail(newest.error());
        if (*newest > words_->segment.load()) {
            auto lead = sync_.lead();
            if (auto done = fs_.sync_directory(); !done) return give_up_segment(done.error());
            const auto synced = open_segment(fs_, *newest);
            if (!synced) return fail(synced.error());
            words_->synced = std::max(words_->synced.load(), synced->header.first_sequence - 1);
        }
        if (auto done = read_and_cut(sink, *newest); !done) return done;
        words_->segment_crc = begin_crc();
        return {};
    }

    template <class Sink>
    result<void> read_and_cut(Sink& sink, std::uint64_t newest)
    {
        const auto got = read(sink, newest, ~std::uint64_t{0});
        if (!got) return fail(got.error());
        const auto found = reader_.inspect_end(options_.durable_upto);
        if (!found) return fail(found.error());
        words_->dirty = 1;
        if (found->kind == tail_kind::torn) cut(found->used_end);
        publish(0);
        words_->dirty = 0;
        return {};
    }

    // What cannot be cut is left behind in its segment.
    void cut(std::uint64_t end)
    {
        auto lead = sync_.lead();
        if (!cut_tail<Guards>(fs_, *reader_.current(), reader_.position().offset, end)) sync_.poison();
    }

    // ── Writing ──

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
    std::uint64_t bytes_for(std::uint64_t number, std::uint64_t frames) const noexcept
    {
        const auto usual = options_.sizes.of(number);
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

    // ── Segments ──

    // Goes on in a new segment with room for `bytes` of frames.
    result<void> roll(std::uint64_t bytes)
    {
        auto lead = sync_.lead();
        if (Guards::sync_before_roll && words_->synced.load() < seen().sequence)
            if (auto done = sync_.sync_written(); !done) return done;
        const auto number = reader_.position().segment + 1;
        words_->dirty = 1;
        const auto h = new_header(number, reader_.position().sequence, bytes_for(number, bytes));
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
        h.bytes = bytes_for(number + 1, saved->bytes.size());
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

    FileSystem fs_;
    Gate* gate_;
    log_words* words_;
    log_options options_;
    random_source random_;
    std::uint64_t writer_;
    sync_type sync_;

    std::mutex mutex_;  // of all below
    log_reader<FileSystem, Guards> reader_;
    uid store_{};
    std::uint32_t generation_ = 0;
    std::uint64_t durable_seen_ = 0;  // the highest durable_upto of a frame
    std::uint64_t last_data_ = 0;     // the last frame that is no watermark
    std::string buffer_;
};

}  // namespace queuectl::inline v0::journal

#endif
