// Ids for jobs that were given none.
#ifndef QUEUECTL_ID_SOURCE_HPP
#define QUEUECTL_ID_SOURCE_HPP

#include <queuectl/random.hpp>
#include <queuectl/time.hpp>

#include <cstdint>
#include <string>

namespace queuectl::inline v0 {

// 15 characters of Crockford's base 32 in lower case (no i, l, o, u): 42 bits of milliseconds since 1970, 33 bits
// that start at random and count up within a millisecond. They sort by time, never repeat within one source, fit
// into a std::string without allocation; that two sources draw the same one is possible, and the queue then draws
// again. Not thread-safe.
class id_source {
public:
    [[nodiscard]] std::string operator()(const instant& now, random_source& random)
    {
        const auto ms = static_cast<std::uint64_t>(now.wall.time_since_epoch().count()) / 1000 & ((1ull << 42) - 1);
        if (ms > last_ms_) {
            last_ms_ = ms;
            count_ = random() >> 32;
        } else if (++count_ >> 33 != 0) {
            ++last_ms_;
            count_ = 0;
        }
        return format(last_ms_, count_);
    }

private:
    static std::string format(std::uint64_t ms, std::uint64_t count)
    {
        char text[15];
        std::uint64_t low = (ms & 127) << 33 | count;  // 40 bits: 8 characters
        for (int i = 14; i > 6; --i, low >>= 5) text[i] = digits[low & 31];
        std::uint64_t high = ms >> 7;  // 35 bits: 7 characters
        for (int i = 6; i >= 0; --i, high >>= 5) text[i] = digits[high & 31];
        return std::string(text, sizeof text);
    }

    static constexpr char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    std::uint64_t last_ms_ = 0;
    std::uint64_t count_ = 0;
};

}  // namespace queuectl::inline v0

#endif
