// Pushed wake-ups between the processes of one store, through its control page. POSIX.
#ifndef QUEUECTL_PROCESS_WAKE_WORD_HPP
#define QUEUECTL_PROCESS_WAKE_WORD_HPP

#include <queuectl/facets.hpp>
#include <queuectl/process/control_page.hpp>

#include <algorithm>
#include <memory>

namespace queuectl::inline v0 {

// The two counters of change_counts. Any thread of any process may call any member; a process that dies here
// leaves nothing wrong (a sleeper that died stays counted: one needless system call a bump).
class wake_word {
public:
    explicit wake_word(control_words& words)
        : words_{&words}, interrupts_{std::make_unique<std::atomic<std::uint32_t>>(0)}
    {
    }

    [[nodiscard]] change_counts changes() const noexcept { return {words_->work.load(), words_->control.load()}; }

    void bump_work() noexcept { bump(words_->work); }
    void bump_control() noexcept { bump(words_->control); }

    // Blocks until changes() != seen, interrupt() or `most` has passed; returns changes().
    change_counts wait(change_counts seen, duration most)
    {
        const auto interrupts = interrupts_->load();
        const auto deadline = detail::monotonic_us() + saturate(most).count();
        words_->sleepers.fetch_add(1);
        for (;;) {
            const auto any = words_->any.load();
            if (changes() != seen || interrupts_->load() != interrupts) break;
            const auto left = deadline - detail::monotonic_us();
            if (left <= 0) break;
            detail::futex_wait(words_->any, any, duration{left});
        }
        words_->sleepers.fetch_sub(1);
        return changes();
    }

    // The same, with a look every five seconds for changes that nobody told of, since who made them died before: when
    // `changed()`, they are told of.
    template <class Changed>
    change_counts wait_and_look(change_counts seen, duration most, Changed changed,
                                duration pause = std::chrono::seconds{5})
    {
        const std::int64_t look_us = pause.count();
        const auto deadline = detail::monotonic_us() + saturate(most).count();
        for (;;) {
            const auto left = deadline - detail::monotonic_us();
            const auto start = detail::monotonic_us();
            const auto now = wait(seen, duration{std::min(left, look_us)});
            if (now != seen || left <= look_us || detail::monotonic_us() - start < look_us) return now;
            if (changed()) bump_work();
        }
    }

    // Ends every current wait of this object; those of others go on.
    void interrupt() noexcept
    {
        interrupts_->fetch_add(1);
        wake();
    }

private:
    void bump(detail::shared_word& word) noexcept
    {
        word.fetch_add(1);
        wake();
    }
    void wake() noexcept
    {
        words_->any.fetch_add(1);
        if (words_->sleepers.load() != 0) detail::futex_wake(words_->any, 1 << 20);
    }

    control_words* words_;
    std::unique_ptr<std::atomic<std::uint32_t>> interrupts_;
};

}  // namespace queuectl::inline v0

#endif
