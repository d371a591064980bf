// Group commit: one sync for all who wait, over threads and processes.
#ifndef QUEUECTL_JOURNAL_GROUP_SYNC_HPP
#define QUEUECTL_JOURNAL_GROUP_SYNC_HPP

#include <queuectl/journal/log_words.hpp>
#include <queuectl/journal/rewrite.hpp>
#include <queuectl/storage.hpp>

#include <sched.h>

namespace queuectl::inline v0::journal {

// What to wait for: frames up to `sequence`. Good for one boot.
struct log_ticket {
    std::uint64_t sequence = 0;
    std::uint32_t generation = 0;
};

// A leader that is killed in its sync. Nobody has seen how that ended; it may have failed, and then the system has told
// a process that is gone, and keeps the pages as clean. Linux reports an error of writing back once to each descriptor
// that was open when it occurred, and to later ones only if none has been told (kernel documentation: VFS, "Handling
// errors during writeback"; The errseq_t datatype; since 4.13 and 4.17), and a flush of the disk's cache that failed to
// its caller alone. So a second sync proves nothing of what the first one covered. But the frames are still in the
// file, and their checksums and their chain say whether they are what was written: the next leader writes the same
// bytes to the same places, by a descriptor that it opened before. Those pages are dirty then, so its sync writes them
// to the disk itself, or fails. Where a frame is no longer there, or anything fails, the sync counts as failed.
//
// Any thread may call wait(). Whoever gets the leadership syncs the newest segment, and by that every frame: a segment
// is synced before the next one exists. The others sleep until it is done, or until the leader has died.
template <file_system FileSystem, class Gate, class Guards>
class group_sync {
public:
    // What is gained when others come along is worth so much delay, and so much more for each that is expected: a
    // thread that waits has to be given a processor first, and they may all be on the same one.
    static constexpr std::int64_t gather_us = 100;
    static constexpr std::int64_t gather_each_us = 2;
    // While few wait, they give way to others so long before they sleep, which is longer than a fast disk's sync: to
    // wake them costs as much as the sync. Many would keep those from running who still have to come.
    static constexpr std::int64_t give_way_us = 500;
    static constexpr std::uint64_t few = 128;
    // So many gain when who runs what all want lets the others on its processor come first; and while so many come,
    // there is time to fill more of the next segment at once.
    static constexpr std::uint64_t several = 4;
    static constexpr std::uint64_t many = 24;

    // Held: nobody else syncs this log.
    class leadership {
    public:
        explicit leadership(Gate& gate) : gate_{&gate} {}
        leadership(leadership&& other) noexcept : gate_{std::exchange(other.gate_, nullptr)} {}
        leadership& operator=(leadership&&) = delete;
        ~leadership()
        {
            if (gate_ != nullptr) gate_->stop_leading();
        }

    private:
        Gate* gate_;
    };

    group_sync(FileSystem& fs, Gate& gate, log_words& words) : fs_{&fs}, gate_{&gate}, words_{&words} {}

    // Until the ticket's frames are durable. errc::outcome_unknown when a sync has failed since they were written: they
    // may be durable, or not, or become so. Whoever will wait is counted in words.waits before it appends, and in
    // words.waits_written then.
    [[nodiscard]] result<void> wait(const log_ticket& ticket)
    {
        std::int64_t sleeps_at = 0;
        for (int round = 0;; ++round) {
            if (round == spins) sleeps_at = gives_way_until();
            const auto turn = words_->turn.load();
            const auto synced = words_->synced.load();
            if (Guards::generation && words_->generation.load() != ticket.generation)
                return fail(errc::outcome_unknown, "sync", "a sync of the store has failed");
            if (synced >= ticket.sequence) return {};
            if (gate_->try_lead()) {
                const leadership held{*gate_};
                if (words_->synced.load() >= ticket.sequence) continue;
                gather();
                if (auto done = sync_written(); !done)
                    return fail(errc::outcome_unknown, done.error().operation, done.error().detail,
                                done.error().backend_code);
                continue;
            }
            if (round < spins || queuectl::detail::monotonic_us() < sleeps_at)
                ::sched_yield();
            else
                words_->sleep(turn, look_again);
        }
    }

    // When who waits from now on sleeps, in microseconds of monotonic_us().
    [[nodiscard]] std::int64_t gives_way_until() const noexcept
    {
        return words_->batch.load() <= few ? queuectl::detail::monotonic_us() + give_way_us : 0;
    }

    // How long who waits for others does so, if it begins now.
    [[nodiscard]] std::int64_t gathers_until() const noexcept
    {
        const auto expected = static_cast<std::int64_t>(std::min(words_->batch.load(), few));
        return queuectl::detail::monotonic_us() + gather_us + gather_each_us * expected;
    }
    [[nodiscard]] bool several_wait() const noexcept { return words_->batch.load() >= several; }
    [[nodiscard]] bool many_wait() const noexcept { return words_->batch.load() >= many; }

    // Waits for the leadership, and makes all that is written durable, unless it is.
    [[nodiscard]] result<void> sync_rest()
    {
        const auto held = lead();
        if (words_->synced.load() >= words_->written.load()) return {};
        return sync_written();
    }

    // Waits until nobody else leads.
    [[nodiscard]] leadership lead()
    {
        while (!gate_->try_lead()) words_->sleep(words_->turn.load(), lead_again);
        return leadership{*gate_};
    }

    // Under the leadership: makes all that is written durable, or poisons the store.
    [[nodiscard]] result<void> sync_written()
    {
        if (words_->poisoned.load() != 0) return fail(errc::io, "sync", "a sync of the store has failed");
        const auto waits_before = words_->waits_synced.exchange(words_->waits.load());
        words_->waits_covered = words_->waits_written.load();
        const auto written = words_->written.load();
        const auto number = words_->segment.load();
        if (file_.header.number != number) {
            auto opened = open_segment(*fs_, number);
            if (!opened) return fail(opened.error());
            file_ = std::move(*opened);
        }
        begin();
        auto done = Guards::rewrite && words_->synced.load() < words_->doubtful.load()
                        ? rewrite<Guards>(*fs_, file_, words_->synced.load(), written, words_->synced_near.get())
                        : result<void>{};
        if (done && Guards::sync_frames) done = fs_->sync(file_.file);
        if (!done) {
            poison();
            return done;
        }
        words_->synced = written;
        words_->batch = words_->waits.load() - waits_before;
        words_->syncing = 0;
        words_->tell();
        return {};
    }

    // Under the leadership: `work` → result<void> syncs the newest segment in its own way. Poisons when it fails.
    template <class Work>
    void supervise(Work&& work)
    {
        begin();
        if (!work()) return poison();
        words_->syncing = 0;
    }

    // Under the leadership: nothing that was written since the last good sync is believed from now on.
    void poison()
    {
        if (Guards::poison) words_->poisoned = 1;
        words_->generation.fetch_add(1);
        words_->syncing = 0;
        file_ = {};
        words_->tell();
    }

private:
    static constexpr int spins = 4;
    static constexpr duration look_again{20'000};
    static constexpr duration lead_again{200};

    // A sync begins. If the process of the one before has died in it: what that one may have covered is in doubt, and
    // that is at most the frame behind `written`, as one process appends at a time, and none appends to a segment that
    // was made meanwhile, since that takes the leadership.
    void begin()
    {
        if (words_->syncing.load() != 0) words_->doubtful = words_->written.load() + (Guards::rewrite_next ? 1 : 0);
        words_->syncing = 1;
    }

    void gather()
    {
        const auto until = gathers_until();
        while (words_->more_will_be_written() && queuectl::detail::monotonic_us() < until) ::sched_yield();
    }

    FileSystem* fs_;
    Gate* gate_;
    log_words* words_;
    segment<FileSystem> file_{};  // to sync; the leader's
};

}  // namespace queuectl::inline v0::journal

#endif
