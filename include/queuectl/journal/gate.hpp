// Who may write to a log, and who may sync it: one at a time each, over threads and processes. POSIX.
#ifndef QUEUECTL_JOURNAL_GATE_HPP
#define QUEUECTL_JOURNAL_GATE_HPP

#include <queuectl/process/store_lock.hpp>

namespace queuectl::inline v0::journal {

// The store's lock, and the leadership of the group commit: FOLDER/lock and FOLDER/sync. The kernel frees both when
// their holder dies. Whoever holds the lock may wait for the leadership, never the other way round.
class process_gate {
public:
    using guard = store_lock::guard;

    // `words` must outlive the gate.
    [[nodiscard]] static result<process_gate> open(const side_folder& folder, control_words& words)
    {
        auto lock = store_lock::open(folder, words);
        if (!lock) return fail(lock.error());
        auto file = folder.open_file("sync", O_RDWR | O_CREAT);
        if (!file) return fail(file.error());
        return process_gate{std::move(*lock), std::move(*file)};
    }

    // errc::busy when it is not ours within `most`.
    [[nodiscard]] result<guard> acquire(duration most) { return lock_.acquire(most); }

    // Whether this thread leads now; it does not wait.
    [[nodiscard]] bool try_lead()
    {
        if (!threads_->try_lock()) return false;
        while (::flock(leader_.get(), LOCK_EX | LOCK_NB) != 0)
            if (errno != EINTR) {
                threads_->unlock();
                return false;
            }
        return true;
    }
    void stop_leading()
    {
        ::flock(leader_.get(), LOCK_UN);
        threads_->unlock();
    }

private:
    process_gate(store_lock lock, owned_fd leader)
        : lock_{std::move(lock)}, leader_{std::move(leader)}, threads_{std::make_unique<std::mutex>()}
    {
    }
    store_lock lock_;
    owned_fd leader_;
    std::unique_ptr<std::mutex> threads_;
};

}  // namespace queuectl::inline v0::journal

#endif
