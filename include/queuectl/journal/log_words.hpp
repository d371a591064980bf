// What the processes that share a log tell each other, in the store's control page.
#ifndef QUEUECTL_JOURNAL_LOG_WORDS_HPP
#define QUEUECTL_JOURNAL_LOG_WORDS_HPP

#include <queuectl/journal/log_position.hpp>
#include <queuectl/process/futex.hpp>
#include <queuectl/uid.hpp>

#include <atomic>

namespace queuectl::inline v0::journal {

enum write_state : std::uint32_t {
    write_done = 0,
    write_files = 1,  // files change; the words say what was before
    write_words = 2,  // the words change too
};

// A position that others may read while it changes: it is a hint then, to be checked.
struct position_hint {
    std::atomic<std::uint64_t> segment;
    std::atomic<std::uint64_t> offset;
    std::atomic<std::uint64_t> sequence;
    std::atomic<std::uint32_t> crc;

    [[nodiscard]] log_position get() const noexcept
    {
        return {segment.load(), offset.load(), sequence.load(), crc.load()};
    }
    void set(const log_position& p) noexcept
    {
        segment = p.segment;
        offset = p.offset;
        sequence = p.sequence;
        crc = p.previous_crc;
    }
};

// Valid for one boot of the machine and one store: else made anew, under the lock, from the files alone. All zero is
// "not valid". Frames are believed because they are valid, never because a word says so; what only the words know is
// how far this boot has synced, and whether a sync has failed in it.
struct log_words {
    std::atomic<std::uint64_t> boot_high;
    std::atomic<std::uint64_t> boot_low;
    std::atomic<std::uint64_t> store_high;
    std::atomic<std::uint64_t> store_low;
    std::atomic<std::uint64_t> segment;        // the newest
    std::atomic<std::uint64_t> written;        // the last sequence; set after `segment`
    std::atomic<std::uint64_t> end;            // offset in `segment` behind frame `written`
    std::atomic<std::uint64_t> synced;         // the last sequence known to be durable
    std::atomic<std::uint64_t> doubtful;       // up to this sequence, what is not synced is written again before it is
    std::atomic<std::uint64_t> last_data;      // the last sequence that is no watermark, or more
    std::atomic<std::uint64_t> durable_said;   // the highest durable_upto of a frame, or less
    std::atomic<std::uint64_t> lowest;         // the first segment, or less
    std::atomic<std::uint64_t> trim_segment;   // where the log begins by the newest trim frame; 0 = none is known
    std::atomic<std::uint64_t> trim_sequence;  // of that frame
    std::atomic<std::uint64_t> ahead_number;   // of the segment that is prepared; 0 = none
    std::atomic<std::uint64_t> ahead_bytes;    // how many zeros are in its file
    std::atomic<std::uint64_t> ahead_id;       // of that file
    std::atomic<std::uint64_t> ahead_failed;   // of the segment that could not be prepared
    std::atomic<std::uint64_t> waits;          // how often somebody began a call that waits for a sync
    std::atomic<std::uint64_t> waits_synced;   // as `waits`, when the last sync began
    std::atomic<std::uint64_t> batch;          // how many were waiting when the last one ended, for it or the next
    position_hint synced_near;                 // not far before where the frames begin that are not synced
    position_hint synced_next;                 // the same, when the frames before it are synced
    std::atomic<std::uint32_t> end_crc;        // CRC of frame `written`
    std::atomic<std::uint32_t> segment_crc;    // CRC of the last frame before the newest segment
    queuectl::detail::shared_word dirty;       // a write_state; under the lock, not 0: a writer has died in it
    queuectl::detail::shared_word syncing;     // not 0: a sync runs; under the leadership: its process died in it
    queuectl::detail::shared_word poisoned;    // not 0: a sync has failed; what it covered has to be copied
    queuectl::detail::shared_word generation;  // changes after every `poisoned`
    queuectl::detail::shared_word turn;        // changes with every sync, and is slept on
    queuectl::detail::shared_word sleepers;    // who sleeps on `turn` (dead ones stay counted)
    // Of `waits`; at the end, where programs that know nothing of them leave them alone.
    std::atomic<std::uint64_t> waits_written;  // how often such a call's frame was written
    std::atomic<std::uint64_t> waits_covered;  // as `waits_written`, when the last sync began

    [[nodiscard]] bool valid_for(const uid& boot, const uid& store) const noexcept
    {
        return store_low.load() == store.low && store_high.load() == store.high && boot_high.load() == boot.high &&
               boot_low.load() == boot.low;
    }
    void set_valid_for(const uid& boot, const uid& store) noexcept
    {
        store_high = store.high;
        store_low = store.low;
        boot_high = boot.high;
        boot_low = boot.low;
    }
    // Under the lock.
    [[nodiscard]] log_position position() const noexcept
    {
        return {segment.load(), end.load(), written.load() + 1, end_crc.load()};
    }
    void set_position(const log_position& p) noexcept
    {
        end = p.offset;
        end_crc = p.previous_crc;
        segment = p.segment;
        written = p.sequence - 1;
    }
    // Under the lock: a frame will follow at `at`.
    void note_near(const log_position& at) noexcept
    {
        if (synced.load() + 1 < synced_next.sequence.load()) return;
        synced_near.set(synced_next.get());
        synced_next.set(at);
    }
    // As many as when the last sync ended may be about to wait again, and some of them do not yet. What nobody waits
    // for, a claim say, does not count.
    [[nodiscard]] bool more_will_wait() const noexcept { return fewer_than_batch(waits.load() - waits_synced.load()); }
    // The same of those whose frames a sync would cover now.
    [[nodiscard]] bool more_will_be_written() const noexcept
    {
        return fewer_than_batch(waits_written.load() - waits_covered.load());
    }
    // A count may have gone below zero.
    [[nodiscard]] bool fewer_than_batch(std::uint64_t count) const noexcept
    {
        return static_cast<std::int64_t>(count) < static_cast<std::int64_t>(batch.load());
    }

    void invalidate() noexcept { boot_high = boot_low = 0; }

    void tell() noexcept
    {
        turn.fetch_add(1);
        if (sleepers.load() != 0) queuectl::detail::futex_wake(turn, 1 << 20);
    }
    void sleep(std::uint32_t seen, duration most) noexcept
    {
        sleepers.fetch_add(1);
        queuectl::detail::futex_wait(turn, seen, most);
        sleepers.fetch_sub(1);
    }
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && sizeof(log_words) <= 1024);

}  // namespace queuectl::inline v0::journal

#endif
