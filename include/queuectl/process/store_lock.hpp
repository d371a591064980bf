// The lock that the writers of one store share, over threads of an object and over processes. POSIX.
#ifndef QUEUECTL_PROCESS_STORE_LOCK_HPP
#define QUEUECTL_PROCESS_STORE_LOCK_HPP

#include <queuectl/process/control_page.hpp>

#include <algorithm>
#include <chrono>
#include <memory>
#include <mutex>

#include <sys/file.h>

namespace queuectl::inline v0 {

// Who holds it is decided by flock on FOLDER/lock alone: the kernel releases it when the holder dies, so it is
// never stale. Those who wait sleep on a word of the control page, and look again by themselves every 20 ms in case
// the holder died. A waiter passed over for 2 ms reserves the next turn, so nobody starves.
class store_lock {
public:
    // Held until destroyed or moved from.
    class guard {
    public:
        guard(guard&& other) noexcept : lock_{std::exchange(other.lock_, nullptr)} {}
        guard& operator=(guard&&) = delete;
        ~guard()
        {
            if (lock_ != nullptr) lock_->release();
        }

    private:
        friend class store_lock;
        explicit guard(store_lock* lock) : lock_{lock} {}
        store_lock* lock_;
    };

    [[nodiscard]] static result<store_lock> open(const side_folder& folder, control_words& words)
    {
        auto file = folder.open_file("lock", O_RDWR | O_CREAT);
        if (!file) return fail(file.error());
        return store_lock{std::move(*file), folder.path() + "/lock", words};
    }

    // Waits in line; errc::busy when it is not ours within `most`. 0 = does not wait. Any thread; not recursive.
    [[nodiscard]] result<guard> acquire(duration most)
    {
        const auto start = detail::monotonic_us();
        if (!threads_->try_lock_for(most)) return fail(errc::busy, "lock " + path_, "another thread holds it");
        const int failure = acquire_file(start, start + saturate(most).count());
        if (failure == 0) return guard{this};
        threads_->unlock();
        if (failure == EWOULDBLOCK) return fail(errc::busy, "lock " + path_, "another process holds it");
        return detail::fail_errno("lock " + path_, failure);
    }

private:
    static constexpr std::int64_t patience_us = 2'000;
    static constexpr std::int64_t reservation_us = 5'000;
    static constexpr std::int64_t look_again_us = 20'000;

    store_lock(owned_fd file, std::string path, control_words& words)
        : file_{std::move(file)}, path_{std::move(path)}, words_{&words}, threads_{std::make_unique<std::timed_mutex>()}
    {
    }

    int acquire_file(std::int64_t start, std::int64_t deadline)
    {
        if (words_->reserved.load() <= start) {
            if (const int e = try_file(); e != EWOULDBLOCK) return e;
        }
        words_->line.fetch_add(1);
        const int e = stand_in_line(start, deadline);
        words_->line.fetch_sub(1);
        return e;
    }

    int stand_in_line(std::int64_t start, std::int64_t deadline)
    {
        std::int64_t mine = 0;
        for (;;) {
            const auto turn = words_->turn.load();
            auto now = detail::monotonic_us();
            auto reserved = words_->reserved.load();
            if (reserved > now + reservation_us) words_->reserved.store(reserved = 0);  // garbage
            if (reserved <= now || reserved == mine) {
                const int e = try_file();
                if (e == 0 && mine != 0) words_->reserved.compare_exchange_strong(mine, 0);
                if (e != EWOULDBLOCK) return e;
                now = detail::monotonic_us();
                const auto until = now + reservation_us;
                if (now - start > patience_us && words_->reserved.compare_exchange_strong(reserved, until))
                    mine = until;
            }
            if (now >= deadline) {
                if (mine != 0) words_->reserved.compare_exchange_strong(mine, 0);
                return EWOULDBLOCK;
            }
            detail::futex_wait(words_->turn, turn, duration{nap(now, start, deadline)});
        }
    }

    std::int64_t nap(std::int64_t now, std::int64_t start, std::int64_t deadline) const
    {
        const auto left = deadline - now;
        if (now - start <= patience_us) return std::min(left, patience_us + start - now + 1);
        const auto reserved = words_->reserved.load();
        return std::min(left, reserved > now ? reserved - now + 1 : look_again_us);
    }

    int try_file()
    {
        while (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0)
            if (errno != EINTR) return errno;
        return 0;
    }

    void release()
    {
        ::flock(file_.get(), LOCK_UN);
        words_->turn.fetch_add(1);
        if (words_->line.load() != 0) detail::futex_wake(words_->turn, words_->reserved.load() != 0 ? 1 << 20 : 1);
        threads_->unlock();
    }

    owned_fd file_;
    std::string path_;
    control_words* words_;
    std::unique_ptr<std::timed_mutex> threads_;
};

}  // namespace queuectl::inline v0

#endif
