// The reading half of a log: what a turn begins with. Repairs, and tells the sink what it has not heard.
#ifndef QUEUECTL_JOURNAL_LOG_LISTENER_HPP
#define QUEUECTL_JOURNAL_LOG_LISTENER_HPP

#include <queuectl/journal/log_view.hpp>
#include <queuectl/journal/log_writer.hpp>

namespace queuectl::inline v0::journal::detail {

// A part of log, which says what it means. All of it needs the lock.
template <file_system FileSystem, class Gate, class Guards>
struct log_listener : log_writer<FileSystem, Gate, Guards> {
    using base = log_writer<FileSystem, Gate, Guards>;
    using base::base;
    using base::create_first;
    using base::cut;
    using base::find_store;
    using base::fs_;
    using base::generation_;
    using base::give_up_segment;
    using base::hurried_;
    using base::next_;
    using base::note;
    using base::options_;
    using base::page_valid;
    using base::prepared_end_;
    using base::publish;
    using base::reader_;
    using base::refused_;
    using base::rescue_all;
    using base::store_;
    using base::sync_;
    using base::window_;
    using base::words_;
    using base::written_;

    // Afterwards the sink has heard all, and the reader is at the end. When a failed sync cannot be made good (no room,
    // say), that holds too, but nothing can be appended: refused_.
    template <class Sink>
    result<void> enter(Sink& sink)
    {
        prepared_end_ = 0;
        hurried_ = false;
        refused_.reset();
        if (!store_)  // it may have been created since
            if (auto done = find_store(); !done) return done;
        if (!page_valid())
            if (auto done = make_page(sink); !done) return done;
        for (;;) {
            // Read first: what is appended under a generation that ends meanwhile is never acknowledged.
            const auto generation = words_->generation.load();
            if (std::exchange(generation_, generation) != generation) forget_read();
            if (words_->poisoned.load() != 0) {
                if (auto done = rescue_all(); !done) {
                    if (words_->dirty.load() == write_words || done.error().code == errc::corrupt) return done;
                    refused_ = done.error();
                    break;
                }
            } else if (words_->dirty.load() != write_done) {
                if (auto done = repair(sink); !done) return done;
            } else {
                break;
            }
        }
        window_.close_before(fs_, words_->lowest.load());
        return hear(sink);
    }

private:
    void forget_read() noexcept
    {
        window_.forget();
        written_.clear();
    }

    // The words are right: O(1) when the sink has heard all.
    template <class Sink>
    result<void> hear(Sink& sink)
    {
        const log_position end = words_->position();
        if (sink.heard().reaches(end)) {
            reader_.jump(end, end.segment);
            return {};
        }
        auto told = tell_rest(sink, end.segment, end.sequence - 1);
        const bool done = told && *told == read_status::frame && reader_.position().reaches(end);
        if (!done && (told || told.error().code == errc::corrupt)) told = tell_all(sink, end.segment, end.sequence - 1);
        if (!told) return fail(told.error());
        if (reader_.position().reaches(end)) {
            reader_.jump(end, end.segment);
            return {};
        }
        return fail(errc::corrupt, "read " + segment_name(reader_.position().segment),
                    "damage at offset " + std::to_string(reader_.position().offset) + ": frame " +
                        std::to_string(reader_.position().sequence) + " had been written and is gone");
    }

    // Tells what is behind heard(), up to sequence `last` or the end of the newest segment, which the result says;
    // `rewound` when heard() is of no use.
    template <class Sink>
    result<read_status> tell_rest(Sink& sink, std::uint64_t newest, std::uint64_t last)
    {
        const log_position from = sink.heard();
        const bool usable = !from.is_none() && from.segment >= words_->lowest.load() &&
                            from.segment <= words_->segment.load() && from.sequence <= words_->written.load() + 1;
        if (!usable) return read_status::rewound;
        reader_.jump(from, newest);
        return tell(sink, last);
    }

    template <class Sink>
    result<read_status> tell_all(Sink& sink, std::uint64_t newest, std::uint64_t last)
    {
        sink.restart();
        const auto found = find_segments(fs_);
        if (!found) return fail(found.error());
        reader_.begin(found->lowest, newest);
        auto told = tell(sink, last);
        if (!told) return told;
        if (found->lowest > 1 && words_->trim_segment.load() < found->lowest) return segments_missing(found->lowest);
        words_->lowest = found->lowest;
        return told;
    }

    template <class Sink>
    result<read_status> tell(Sink& sink, std::uint64_t last)
    {
        frame_view frame;
        for (;;) {
            const auto rewound = reader_.rewound();
            if (!rewound) return fail(rewound.error());
            if (*rewound) return read_status::rewound;
            if (reader_.position().sequence > last) return read_status::frame;
            const auto got = reader_.next(frame);
            if (!got || *got != read_status::frame) return got;
            tell_one(sink, frame);
        }
    }

    template <class Sink>
    void tell_one(Sink& sink, const frame_view& frame)
    {
        const auto& h = frame.header;
        note(h.type, h.sequence, h.durable_upto, frame.body);
        tell_frame(sink, frame, reader_.position());
    }

    // Another boot, or the first time: only the files are known.
    template <class Sink>
    result<void> make_page(Sink& sink)
    {
        words_->invalidate();
        words_->poisoned = words_->syncing = words_->dirty = 0;
        words_->doubtful = 0;
        words_->synced_next.set({});
        words_->waits = words_->waits_synced = words_->batch = 0;
        words_->waits_written = words_->waits_covered = 0;
        words_->last_data = words_->durable_said = words_->trim_segment = words_->trim_sequence = words_->lowest = 0;
        forget_read();
        auto found = find_segments(fs_);
        if (!found) return fail(found.error());
        if (found->newest == 0) {
            if (auto done = create_first(); !done) return done;
            found->newest = 1;
        }
        words_->segment = found->newest;
        next_.forget();
        if (auto done = next_.clean(fs_); !done) return done;
        if (auto done = fs_.sync_directory(); !done) return done;
        const auto told = tell_all(sink, found->newest, ~std::uint64_t{0});
        if (!told) return fail(told.error());
        if (auto done = end_here(0); !done) return done;
        const auto current = reader_.current();
        if (!current) return fail(current.error());
        words_->synced = std::max(words_->durable_said.load(), (*current)->header.first_sequence - 1);
        store_ = (*current)->header.store;
        words_->set_valid_for(options_.boot, store_);
        return {};
    }

    // A writer died while it changed the files.
    template <class Sink>
    result<void> repair(Sink& sink)
    {
        const auto found = find_segments(fs_);
        if (!found) return fail(found.error());
        if (found->newest > words_->segment.load()) {
            auto lead = sync_.lead();
            if (auto done = fs_.sync_directory(); !done) return give_up_segment(done.error());
            const auto next = open_segment(fs_, found->newest);
            if (!next) return fail(next.error());
            words_->synced = std::max(words_->synced.load(), next->header.first_sequence - 1);
        }
        auto told = tell_rest(sink, found->newest, ~std::uint64_t{0});
        if (told && *told == read_status::rewound) told = tell_all(sink, found->newest, ~std::uint64_t{0});
        if (!told) return fail(told.error());
        return end_here(words_->synced.load());
    }

    // The reader has found no further frame: makes that the end, unless one up to `synced` is missing.
    result<void> end_here(std::uint64_t synced)
    {
        const auto found = reader_.inspect_end(synced);
        if (!found) return fail(found.error());
        const auto current = reader_.current();
        if (!current) return fail(current.error());
        words_->dirty = write_files;
        if (found->kind == tail_kind::torn) cut(**current, found->used_end);
        words_->dirty = write_words;
        words_->segment_crc = reader_.segment_crc();
        publish();
        words_->dirty = write_done;
        return {};
    }
};

}  // namespace queuectl::inline v0::journal::detail

#endif
