// Waiting on a 32-bit word in shared memory. Linux: futex; elsewhere: short sleeps.
#ifndef QUEUECTL_PROCESS_FUTEX_HPP
#define QUEUECTL_PROCESS_FUTEX_HPP

#include <queuectl/time.hpp>

#include <atomic>
#include <cstdint>

#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

namespace queuectl::inline v0::detail {

// A word that processes share; its address is the same file page in each.
using shared_word = std::atomic<std::uint32_t>;
static_assert(shared_word::is_always_lock_free && sizeof(shared_word) == 4);

// Sleeps while the word holds `seen`, at most `most`. Returns early at will.
inline void futex_wait(shared_word& word, std::uint32_t seen, duration most) noexcept
{
    if (most <= duration{0}) return;
#if defined(__linux__)
    timespec limit{};
    limit.tv_sec = static_cast<time_t>(most.count() / 1'000'000);
    limit.tv_nsec = static_cast<long>(most.count() % 1'000'000) * 1000;
    ::syscall(SYS_futex, &word, FUTEX_WAIT, seen, &limit, nullptr, 0);
#else
    const duration nap = most < duration{500} ? most : duration{500};
    if (word.load() == seen) ::usleep(static_cast<useconds_t>(nap.count()));
#endif
}

// Wakes up to `count` sleepers of any process.
inline void futex_wake([[maybe_unused]] shared_word& word, [[maybe_unused]] int count) noexcept
{
#if defined(__linux__)
    ::syscall(SYS_futex, &word, FUTEX_WAKE, count, nullptr, nullptr, 0);
#endif
}

// Microseconds since boot, for deadlines; the same for every process of the machine.
[[nodiscard]] inline std::int64_t monotonic_us() noexcept
{
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return std::int64_t{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000;
}

}  // namespace queuectl::inline v0::detail

#endif
