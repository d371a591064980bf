// What the processes that share a log tell each other, in the store's control page.
#ifndef QUEUECTL_JOURNAL_LOG_WORDS_HPP
#define QUEUECTL_JOURNAL_LOG_WORDS_HPP

#include <queuectl/process/futex.hpp>
#include <queuectl/uid.hpp>

#include <atomic>

namespace queuectl::inline v0::journal {

// Valid for one boot of the machine and one store: else made anew, under the lock, from the files alone. All zero is
// "not valid". Frames are believed because they are valid, never because a word says so; what only the words know is
// how far this boot has synced, and whether a sync has failed in it.
struct log_words {
    std::atomic<std::uint64_t> boot_high;
    std::atomic<std::uint64_t> boot_low;
    std::atomic<std::uint64_t> store_high;
    std::atomic<std::uint64_t> store_low;
    std::atomic<std::uint64_t> segment;         // the newest
    std::atomic<std::uint64_t> written;         // the last sequence; set after `segment`
    std::atomic<std::uint64_t> synced;          // the last sequence known to be durable
    std::atomic<std::uint64_t> writer;          // who wrote last
    std::atomic<std::uint64_t> appends;         // how often was written
    std::atomic<std::uint64_t> appends_synced;  // as `appends`, when the last sync began
    std::atomic<std::uint64_t> batch;           // how many appends the last sync covered
    std::atomic<std::int64_t> synced_at;        // monotonic_us of the last sync
    std::atomic<std::uint32_t> segment_crc;     // CRC of the last frame before the newest segment
    queuectl::detail::shared_word dirty;        // not 0: a writer changes files; under the lock: it died there
    queuectl::detail::shared_word syncing;      // not 0: a sync runs; under the leadership: its process died in it
    queuectl::detail::shared_word poisoned;     // not 0: a sync has failed; what it covered has to be copied
    queuectl::detail::shared_word generation;   // changes after every `poisoned`
    queuectl::detail::shared_word turn;         // changes with every sync, and is slept on
    queuectl::detail::shared_word sleepers;     // who sleeps on `turn` (dead ones stay counted)

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
