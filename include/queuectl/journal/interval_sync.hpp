// The thread that syncs a log some time after an append, for durability::interval. POSIX.
#ifndef QUEUECTL_JOURNAL_INTERVAL_SYNC_HPP
#define QUEUECTL_JOURNAL_INTERVAL_SYNC_HPP

#include <queuectl/journal/group_sync.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include <pthread.h>
#include <signal.h>

namespace queuectl::inline v0::journal {

// Any thread may ask. The thread starts with the first ask, takes no signals, and ends with the object, which syncs
// what is still asked for. Group is a group_sync, and outlives it.
template <class Group>
class interval_sync {
public:
    interval_sync(Group& group, duration interval) : group_{&group}, interval_{interval} {}
    interval_sync(const interval_sync&) = delete;
    interval_sync& operator=(const interval_sync&) = delete;
    ~interval_sync()
    {
        {
            const std::scoped_lock lock{mutex_};
            ended_ = true;
        }
        changed_.notify_one();
        if (started_) ::pthread_join(thread_, nullptr);
        if (asked_) static_cast<void>(group_->sync_rest());
    }

    // What is written is synced at the latest an interval from now, plus what a sync takes. At once when there can be
    // no thread. A sync that fails is known to all by the words.
    void ask()
    {
        const std::scoped_lock lock{mutex_};
        if (asked_) return;
        if (!started_) started_ = ::pthread_create(&thread_, nullptr, &interval_sync::main, this) == 0;
        if (!started_) {
            static_cast<void>(group_->sync_rest());
            return;
        }
        asked_ = true;
        changed_.notify_one();
    }

private:
    static void* main(void* self)
    {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
        static_cast<interval_sync*>(self)->run();
        return nullptr;
    }

    void run()
    {
        std::unique_lock lock{mutex_};
        for (;;) {
            changed_.wait(lock, [&] { return ended_ || asked_; });
            const auto due = std::chrono::steady_clock::now() + interval_;
            if (changed_.wait_until(lock, due, [&] { return ended_; })) return;
            asked_ = false;
            lock.unlock();
            static_cast<void>(group_->sync_rest());
            lock.lock();
        }
    }

    Group* group_;
    duration interval_;
    std::mutex mutex_;
    std::condition_variable changed_;
    pthread_t thread_{};
    bool started_ = false;
    bool asked_ = false;  // and not begun
    bool ended_ = false;
};

}  // namespace queuectl::inline v0::journal

#endif
