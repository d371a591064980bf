// Who may write to a log, and who may sync it: one at a time each, over threads and processes. POSIX.
#ifndef QUEUECTL_JOURNAL_GATE_HPP
#define QUEUECTL_JOURNAL_GATE_HPP

#include <queuectl/process/store_lock.hpp>

#include <sched.h>

namespace queuectl::inline v0::journal {

// The store's lock, and the leadership of the group commit: FOLDER/lock and FOLDER/sync. The kernel frees both when
// their holder dies. Whoever holds the lock may wait for the leadership, never the other way round.
class process_gate {
public:
    // The lock, held until destroyed.
    class guard {
    public:
        guard(std::unique_lock<std::timed_mutex> thread, store_lock::guard store)
            : thread_{std::move(thread)}, store_{std::move(store)}
        {
        }

    private:
        std::unique_lock<std::timed_mutex> thread_;
        store_lock::guard store_;
    };

    // `words` must outlive the gate.
    [[nodiscard]] static result<process_gate> open(const side_folder& folder, control_words& words)
    {
        auto lock = store_lock::open(folder, words);
        if (!lock) return fail(lock.error());
        auto file = folder.open_file("sync", O_RDWR | O_CREAT);
        if (!file) return fail(file.error());
        return process_gate{std::move(*lock), std::move(*file)};
    }

    // errc::busy when it is not ours within `most`. Threads of this process give way to each other before they sleep:
    // a turn is shorter than a sleep.
    [[nodiscard]] result<guard> acquire(duration most)
    {
        std::unique_lock thread{threads_->turn, std::try_to_lock};
        for (int i = 0; i < yields && !thread.owns_lock(); ++i) {
            ::sched_yield();
            static_cast<void>(thread.try_lock());
        }
        if (!thread.owns_lock() && !thread.try_lock_for(most))
            return fail(errc::busy, "lock the journal", "another thread holds it");
        auto store = lock_.acquire(most);
        if (!store) return fail(store.error());
        return guard{std::move(thread), std::move(*store)};
    }

    // Whether this thread leads now; it does not wait.
    [[nodiscard]] bool try_lead()
    {
        if (!threads_->leader.try_lock()) return false;
        while (::flock(leader_.get(), LOCK_EX | LOCK_NB) != 0)
            if (errno != EINTR) {
                threads_->leader.unlock();
                return false;
            }
        return true;
    }
    void stop_leading()
    {
        ::flock(leader_.get(), LOCK_UN);
        threads_->leader.unlock();
    }

private:
    static constexpr int yields = 20;
    struct of_threads {
        std::timed_mutex turn;
        std::mutex leader;
    };

    process_gate(store_lock lock, owned_fd leader)
        : lock_{std::move(lock)}, leader_{std::move(leader)}, threads_{std::make_unique<of_threads>()}
    {
    }
    store_lock lock_;
    owned_fd leader_;
    std::unique_ptr<of_threads> threads_;
};

}  // namespace queuectl::inline v0::journal

#endif
