// Randomness for nonces, ids and jitter.
#ifndef QUEUECTL_RANDOM_HPP
#define QUEUECTL_RANDOM_HPP

#include <queuectl/uid.hpp>

#include <cstdint>

#if defined(__linux__)
#include <sys/random.h>
#else
#include <random>
#endif

namespace queuectl::inline v0 {

// xoshiro256++ (Blackman & Vigna, public domain reference), seeded with 256 bits from the operating system,
// or from a given seed for repeatable tests. Not for secrets. Not thread-safe.
class random_source {
public:
    random_source() noexcept
    {
#if defined(__linux__)
        if (getrandom(state_, sizeof state_, 0) == static_cast<ssize_t>(sizeof state_)) return;
        seed(reinterpret_cast<std::uintptr_t>(this));
#else
        std::random_device device;
        for (auto& word : state_) word = std::uint64_t{device()} << 32 | device();
#endif
    }
    explicit random_source(std::uint64_t value) noexcept { seed(value); }

    [[nodiscard]] std::uint64_t operator()() noexcept
    {
        const std::uint64_t out = rotate(state_[0] + state_[3], 23) + state_[0];
        const std::uint64_t t = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= t;
        state_[3] = rotate(state_[3], 45);
        return out;
    }

    // Never all zero.
    [[nodiscard]] uid draw_uid() noexcept { return {(*this)(), (*this)() | 1}; }

private:
    static constexpr std::uint64_t rotate(std::uint64_t x, int k) noexcept { return x << k | x >> (64 - k); }
    void seed(std::uint64_t value) noexcept  // splitmix64
    {
        for (auto& word : state_) {
            std::uint64_t z = value += 0x9e3779b97f4a7c15;
            z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
            z = (z ^ z >> 27) * 0x94d049bb133111eb;
            word = z ^ z >> 31;
        }
    }
    std::uint64_t state_[4];
};

}  // namespace queuectl::inline v0

#endif
