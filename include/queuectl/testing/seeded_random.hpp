// Numbers that look random and are the same for the same seed everywhere.
#ifndef QUEUECTL_TESTING_SEEDED_RANDOM_HPP
#define QUEUECTL_TESTING_SEEDED_RANDOM_HPP

#include <queuectl/config.hpp>

#include <cstdint>

namespace queuectl::inline v0 {

// SplitMix64 (Steele, Lea, Flood 2014).
class seeded_random {
public:
    explicit constexpr seeded_random(std::uint64_t seed) noexcept : state_{seed} {}

    constexpr std::uint64_t next() noexcept
    {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15U);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }
    // 0 … n − 1.
    constexpr std::uint64_t below(std::uint64_t n) noexcept { return next() % n; }
    constexpr bool one_in(std::uint64_t n) noexcept { return below(n) == 0; }

private:
    std::uint64_t state_;
};

}  // namespace queuectl::inline v0

#endif
