// What the disk and the scheduler give to threads that each wait for their own bytes: no index, no checksum, no lock
// shared with other processes, no queue. One of the threads writes and syncs for all who have come.
#ifndef QUEUECTL_BENCH_GROUP_COMMIT_HPP
#define QUEUECTL_BENCH_GROUP_COMMIT_HPP

#include "cycle.hpp"

#include <mutex>
#include <string>

#include <sched.h>

namespace bench {

// Over a zero-filled file, from its beginning again when it is full. Any thread.
class group_commit {
public:
    explicit group_commit(const folder& where) : file_{::open((where / "group").c_str(), O_RDWR | O_CREAT, 0600)}
    {
        const std::string zeros(file_bytes, '\0');
        write(zeros);
    }

    // Until the bytes are on the disk.
    void commit(std::string_view bytes)
    {
        std::uint64_t mine = 0;
        {
            const std::scoped_lock one{adding_};
            gathered_ += bytes;
            mine = ++added_;
        }
        while (synced_.load() < mine) {
            if (leads_.try_lock()) {
                if (synced_.load() < mine) lead();
                leads_.unlock();
            }
            ::sched_yield();
        }
    }

private:
    static constexpr std::size_t file_bytes = 4U << 20U;
    static constexpr std::int64_t gather_us = 100;

    void lead()
    {
        const auto until = queuectl::detail::monotonic_us() + gather_us;
        while (added_.load() - synced_.load() < last_ && queuectl::detail::monotonic_us() < until) ::sched_yield();
        std::uint64_t upto = 0;
        {
            const std::scoped_lock one{adding_};
            written_.swap(gathered_);
            gathered_.clear();
            upto = added_.load();
        }
        write(written_);
        last_ = upto - synced_.load();
        synced_ = upto;
    }
    void write(std::string_view bytes)
    {
        if (at_ + bytes.size() > file_bytes) at_ = 0;
        if (::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(at_)) < 0) std::abort();
        ::fdatasync(file_.get());
        at_ += bytes.size();
    }

    queuectl::owned_fd file_;
    std::mutex adding_, leads_;
    std::string gathered_, written_;
    std::atomic<std::uint64_t> added_{0}, synced_{0};
    std::uint64_t last_ = 0;  // how many the last sync was for
    std::size_t at_ = 0;
};

}  // namespace bench

#endif
