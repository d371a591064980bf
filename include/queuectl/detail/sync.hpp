// std::mutex where there are threads, nothing where there are none.
#ifndef QUEUECTL_DETAIL_SYNC_HPP
#define QUEUECTL_DETAIL_SYNC_HPP

#include <queuectl/config.hpp>

#if QUEUECTL_HAS_THREADS
#include <mutex>
#endif

namespace queuectl::inline v0::detail {

#if QUEUECTL_HAS_THREADS
using mutex = std::mutex;
#else
struct mutex {
    void lock() noexcept {}
    void unlock() noexcept {}
    bool try_lock() noexcept { return true; }
};
#endif

// Holds a mutex for a scope.
class [[nodiscard]] scoped_lock {
public:
    explicit scoped_lock(mutex& m) : mutex_{m} { mutex_.lock(); }
    ~scoped_lock() { mutex_.unlock(); }
    scoped_lock(const scoped_lock&) = delete;
    scoped_lock& operator=(const scoped_lock&) = delete;

private:
    mutex& mutex_;
};

}  // namespace queuectl::inline v0::detail

#endif
