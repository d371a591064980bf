// The log that processes share: opaque bodies in; the same bodies out, in order, durable.
#ifndef QUEUECTL_JOURNAL_LOG_HPP
#define QUEUECTL_JOURNAL_LOG_HPP

#include <queuectl/journal/gate.hpp>
#include <queuectl/journal/interval_sync.hpp>
#include <queuectl/journal/log_listener.hpp>

namespace queuectl::inline v0::journal {

// One object for a process; any thread may call any member. FileSystem, Gate and words must be the same for all who
// share the store, and outlive the log. A process that dies leaves nothing behind that the next one does not repair.
template <file_system FileSystem = posix_file_system, class Gate = process_gate, class Guards = all_guards>
class log : detail::log_listener<FileSystem, Gate, Guards> {
    using base = detail::log_listener<FileSystem, Gate, Guards>;

public:
    // The right to append: held by one thread of one process at a time, until destroyed. A thread that holds it may
    // call sync(), read(), drop_one() and drop_trimmed() of the log, nothing else.
    class turn {
    public:
        // Makes room for a body of up to so many bytes, and tells where its first byte will be if it is what is
        // appended next. Errors as append().
        [[nodiscard]] result<frame_place> prepare(std::uint64_t bytes_max, append_room room = append_room::normal)
        {
            return log_->prepare(frame_type::transaction, bytes_max, room);
        }

        // Whether prepare() would tell the place that it told before in this turn.
        [[nodiscard]] bool fits(std::uint64_t bytes_max, append_room room) { return log_->fits(bytes_max, room); }

        // Writes a frame; it is there whole or not at all, at the end of the log. Tells what to sync() before it is
        // acknowledged. One write to the file. A body is at most body_bytes_max. errc::store_full and others: nothing
        // changed; errc::outcome_unknown: it may be there.
        [[nodiscard]] result<log_ticket> append(std::string_view body, append_room room = append_room::normal)
        {
            return log_->append(frame_type::transaction, body, room);
        }

        // Does what appends would have to do soon for the next segment: for who waits anyway.
        void fill_ahead() { log_->fill_ahead(log_->next_.large_piece_bytes); }

        // Says in the log that it begins with segment `first` now: all that is needed of those before has been
        // appended before this. `user` lies behind the trim's own 8 bytes of the body. errc::invalid_argument when
        // `first` is behind the segment of this frame, or before an earlier trim's.
        [[nodiscard]] result<log_ticket> trim(std::uint64_t first, std::string_view user = {})
        {
            return log_->trim(first, user);
        }

        // Says in the log how far it is durable, unless it says so already or has no room. Not waited for.
        [[nodiscard]] result<void> watermark() { return log_->watermark(); }

        // Who holds this turn waits for no sync: appends leave a new segment to others, who do, as long as there is
        // room.
        void in_a_hurry(bool is) noexcept { log_->hurried_ = is; }

        // Everything in the log.
        [[nodiscard]] log_ticket seen() const noexcept { return log_->seen(); }
        // The end of the log: what a sink has heard that knows what was appended.
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

    // What a log_view of the folder would tell: for a log that is damaged, or cannot be written.
    template <log_sink Sink>
    [[nodiscard]] static result<void> read_all(FileSystem fs, Sink& sink)
    {
        return log_view<FileSystem>{std::move(fs)}.read_all(sink);
    }

    log(const log&) = delete;
    log& operator=(const log&) = delete;

    [[nodiscard]] FileSystem& files() noexcept { return base::fs_; }
    // All zero until the store is there: see take_turn.
    [[nodiscard]] const uid& store() const noexcept { return base::store_; }
    // A sync has failed: the next turn makes it good before anything is written.
    [[nodiscard]] bool needs_rescue() const noexcept { return base::words_->poisoned.load() != 0; }
    // The last sequence in the log; changes with every append of anybody.
    [[nodiscard]] std::uint64_t written() const noexcept { return base::words_->written.load(); }
    // The segment that the log begins with.
    [[nodiscard]] std::uint64_t lowest() const noexcept { return base::words_->lowest.load(); }

    // Waits in line for the lock, repairs what a dead writer, a power loss or a failed sync has left, and tells `sink`
    // what it has not heard; when that is nothing, no file is read. errc::busy, errc::corrupt (damage: `sink` has heard
    // all that comes before it), errc::io. While a failed sync cannot be made good (the disk is full, say), there is a
    // turn, but what would write ends with the reason.
    template <log_sink Sink>
    [[nodiscard]] result<turn> take_turn(Sink& sink)
    {
        return take_turn(sink, options_.lock_patience);
    }
    template <log_sink Sink>
    [[nodiscard]] result<turn> take_turn(Sink& sink, duration most)
    {
        std::optional<typename Gate::guard> held;
        if (Guards::lock) {
            auto got = gate_->acquire(most);
            if (!got) return fail(got.error());
            held.emplace(std::move(*got));
        }
        std::unique_lock state{mutex_};
        if (auto done = base::enter(sink); !done) return fail(done.error());
        // Whoever has appended it may have been killed before it was synced.
        if (options_.mode == durability::interval && words_->synced.load() < words_->written.load()) late_.ask();
        return turn{*this, std::move(held), std::move(state)};
    }

    // Until what the ticket names is as durable as the mode promises. errc::outcome_unknown when a sync has failed.
    [[nodiscard]] result<void> sync(const log_ticket& ticket)
    {
        if (options_.mode == durability::full) {
            announce();
            wrote(1);
            return sync_.wait(ticket);
        }
        if (options_.mode != durability::interval || words_->synced.load() >= ticket.sequence) return {};
        if (words_->generation.load() != ticket.generation)
            return fail(errc::outcome_unknown, "sync", "a sync of the store has failed");
        late_.ask();
        return {};
    }
    // The caller will append, and wait in sync_always(): whoever leads the next sync waits for it a little.
    void announce() noexcept { words_->waits.fetch_add(1); }
    // So many who had announced it have.
    void wrote(std::uint64_t waiting) noexcept { words_->waits_written.fetch_add(waiting); }
    // It will not, after all.
    void retract() noexcept { words_->waits.fetch_sub(1); }
    // Whether as many as the last time are announced.
    [[nodiscard]] bool more_will_wait() const noexcept { return words_->more_will_wait(); }
    // And how long who waits for them does so, from now on.
    [[nodiscard]] std::int64_t gathers_until() const noexcept { return sync_.gathers_until(); }
    // Whether so many were waiting that who comes first does better to let others come, too.
    [[nodiscard]] bool several_wait() const noexcept { return sync_.several_wait(); }
    // Whether so many that there is time for other things until all have come again.
    [[nodiscard]] bool many_wait() const noexcept { return sync_.many_wait(); }
    // Until what the ticket names has reached the disk, whatever the mode.
    [[nodiscard]] result<void> sync_always(const log_ticket& ticket) { return sync_.wait(ticket); }

    // Who waits for a sync from now on gives way to others until then, in microseconds of monotonic_us().
    [[nodiscard]] std::int64_t gives_way_until() const noexcept { return sync_.gives_way_until(); }
    // Changes with every sync of anybody; and sleeping, at most so long, until it is not `seen` any more.
    [[nodiscard]] std::uint32_t syncs() const noexcept { return words_->turn.load(); }
    void sleep_until_sync(std::uint32_t seen, duration most) noexcept { words_->sleep(seen, most); }
    // Wakes who sleeps so.
    void wake_for_sync() noexcept { words_->tell(); }
    [[nodiscard]] duration patience() const noexcept { return options_.lock_patience; }

    // For a holder of the turn: `bytes` bytes of the log from `offset` of a segment's file on, valid until the next
    // call or append. errc::corrupt when they are not there. What is near to what was read last costs no system call.
    [[nodiscard]] result<std::string_view> read(std::uint64_t segment, std::uint64_t offset, std::size_t bytes)
    {
        return base::read(segment, offset, bytes);
    }

    // For a holder of the turn: removes the oldest segment if it lies before the newest trim's first one and that trim
    // is durable. Returns its number, for dropped(); 0 = there is nothing to remove.
    [[nodiscard]] result<std::uint64_t> drop_one()
    {
        auto number = detail::drop_one<Guards>(fs_, *words_);
        if (number && *number != 0) base::window_.close_before(fs_, *number + 1);
        return number;
    }
    // Anybody, the turn is not needed: makes the removal durable; only then another segment can be removed. One sync of
    // the folder.
    [[nodiscard]] result<void> dropped(std::uint64_t number) { return detail::dropped<Guards>(fs_, *words_, number); }

    // For a holder of the turn: all of it, for all such segments.
    [[nodiscard]] result<void> drop_trimmed()
    {
        for (;;) {
            auto number = drop_one();
            if (!number) return fail(number.error());
            if (*number == 0) return {};
            if (auto done = dropped(*number); !done || !Guards::oldest_first) return done;
        }
    }

    // When there is nothing to do, and before the log goes: all durable, and the log says so.
    template <log_sink Sink>
    [[nodiscard]] result<void> settle_down(Sink& sink)
    {
        auto mine = take_turn(sink);
        if (!mine) return fail(mine.error());
        if (words_->synced.load() < words_->last_data.load()) {
            const auto lead = sync_.lead();
            if (auto done = sync_.sync_written(); !done) return fail(done.error());
        }
        return mine->watermark();
    }

private:
    log(FileSystem fs, Gate& gate, log_words& words, const log_options& options)
        : base{std::move(fs), gate, words, options}, late_{sync_, options.interval}
    {
    }

    using base::find_store;
    using base::fs_;
    using base::gate_;
    using base::mutex_;
    using base::options_;
    using base::sync_;
    using base::words_;

    interval_sync<group_sync<FileSystem, Gate, Guards>> late_;
};

}  // namespace queuectl::inline v0::journal

#endif
