// The log that processes share: opaque bodies in; the same bodies out, in order, durable.
#ifndef QUEUECTL_JOURNAL_LOG_HPP
#define QUEUECTL_JOURNAL_LOG_HPP

#include <queuectl/journal/gate.hpp>
#include <queuectl/journal/log_writer.hpp>

namespace queuectl::inline v0::journal {

// One object for a process; any thread may call any member. FileSystem, Gate and words must be the same for all who
// share the store, and outlive the log. A process that dies leaves nothing behind that the next one does not repair.
template <file_system FileSystem = posix_file_system, class Gate = process_gate, class Guards = all_guards>
class log : detail::log_writer<FileSystem, Gate, Guards> {
    using base = detail::log_writer<FileSystem, Gate, Guards>;

public:
    // The right to append: held by one thread of one process at a time, until destroyed. Nothing else in the log may
    // be called by a thread that holds it, but sync().
    class turn {
    public:
        // Writes a frame for each body; each is atomic, and all of them are there or none when it returns.
        // What to sync() before it is acknowledged. errc::store_full: nothing changed. A body is at most
        // body_bytes_max.
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
        : base{std::move(fs), gate, words, options}
    {
    }

    using base::append;
    using base::begin_crc;
    using base::create_first;
    using base::cut;
    using base::durable_seen_;
    using base::find_store;
    using base::fs_;
    using base::gate_;
    using base::generation_;
    using base::give_up_segment;
    using base::last_data_;
    using base::mutex_;
    using base::note;
    using base::options_;
    using base::page_valid;
    using base::publish;
    using base::reader_;
    using base::rescue_all;
    using base::seen;
    using base::store_;
    using base::sync_;
    using base::watermark;
    using base::words_;
    using base::writer_;

    // ── Reading ──

    template <class Sink>
    void tell(Sink& sink, const frame_view& frame)
    {
        note(frame.header.type, frame.header.sequence, frame.header.durable_upto);
        if (frame.header.type == frame_type::transaction) sink.frame(frame.header.sequence, frame.body);
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

    // Whether all that is published was read; false: the lock is needed to find out. While a failed sync is not made
    // good, what was read keeps the old generation: it may be lost yet.
    template <class Sink>
    result<bool> read_published(Sink& sink)
    {
        const auto generation = words_->generation.load();
        if (!store_ && !find_store()) return false;  // it may have been created since
        if (!page_valid()) return false;
        const bool sound = words_->poisoned.load() == 0;
        const auto written = words_->written.load();
        const auto newest = words_->segment.load();
        if (generation == generation_ && written < reader_.position().sequence && newest == reader_.newest())
            return true;
        const auto got = read(sink, newest, written);
        if (!got || *got != read_status::frame) return false;
        if (words_->generation.load() != generation) return false;
        if (sound) generation_ = generation;
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
};

}  // namespace queuectl::inline v0::journal

#endif
