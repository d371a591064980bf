// The real clocks.
#ifndef QUEUECTL_TIME_SOURCE_HPP
#define QUEUECTL_TIME_SOURCE_HPP

#include <queuectl/time.hpp>

#include <chrono>
#include <cstdio>
#include <time.h>

namespace queuectl::inline v0 {

namespace detail {

// Linux: /proc/sys/kernel/random/boot_id. Elsewhere a constant: leases then run on the steady clock of a host
// that is taken never to reboot, and end by their duration alone.
inline uid read_boot_id() noexcept
{
    uid id{0, 1};
#if defined(__linux__)
    if (std::FILE* file = std::fopen("/proc/sys/kernel/random/boot_id", "re")) {
        uid read{};
        int digits = 0;
        for (int c = std::fgetc(file); c != EOF && digits < 32; c = std::fgetc(file)) {
            const int value = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
            if (value < 0) continue;
            read.high = read.high << 4 | read.low >> 60;
            read.low = read.low << 4 | static_cast<std::uint64_t>(value);
            ++digits;
        }
        std::fclose(file);
        if (digits == 32) id = read;
    }
#endif
    return id;
}

}  // namespace detail

// A time source has now(). This one reads the system's clocks; thread-safe.
struct system_time_source {
    [[nodiscard]] instant now() const noexcept
    {
        static const uid boot = detail::read_boot_id();
        return {std::chrono::time_point_cast<duration>(std::chrono::system_clock::now()), boot_time(), boot};
    }

private:
    static duration boot_time() noexcept
    {
#if defined(CLOCK_BOOTTIME)
        timespec t{};
        clock_gettime(CLOCK_BOOTTIME, &t);
        return duration{t.tv_sec * 1'000'000 + t.tv_nsec / 1'000};
#else
        return std::chrono::duration_cast<duration>(std::chrono::steady_clock::now().time_since_epoch());
#endif
    }
};

}  // namespace queuectl::inline v0

#endif
