// A 128-bit identifier: nonces, boot ids, store ids.
#ifndef QUEUECTL_UID_HPP
#define QUEUECTL_UID_HPP

#include <queuectl/config.hpp>

#include <compare>
#include <cstdint>
#include <string>

namespace queuectl::inline v0 {

// Unique when drawn from a random source; all zero means "none".
struct uid {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    [[nodiscard]] explicit constexpr operator bool() const noexcept { return (high | low) != 0; }
    friend constexpr auto operator<=>(const uid&, const uid&) = default;
};

// 32 lower-case hexadecimal digits.
[[nodiscard]] inline std::string to_hex(const uid& u)
{
    std::string text(32, '0');
    for (int i = 0; i < 16; ++i) {
        const auto digit = [](std::uint64_t v) { return "0123456789abcdef"[v & 15]; };
        text[static_cast<std::size_t>(15 - i)] = digit(u.high >> (4 * i));
        text[static_cast<std::size_t>(31 - i)] = digit(u.low >> (4 * i));
    }
    return text;
}

}  // namespace queuectl::inline v0

#endif
