// Base64 (RFC 4648, section 4), with padding.
#ifndef QUEUECTL_COMMAND_BASE64_HPP
#define QUEUECTL_COMMAND_BASE64_HPP

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace queuectl::command {

inline constexpr char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

[[nodiscard]] inline std::string to_base64(std::string_view bytes)
{
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k)
            text += i + k > bytes.size() ? '=' : base64_digits[group >> (18 - 6 * k) & 63];
    }
    return text;
}

// Nothing when it is not canonical: other characters, wrong padding, bits that are not used but set.
[[nodiscard]] inline std::optional<std::string> from_base64(std::string_view text)
{
    constexpr std::string_view digits{base64_digits, 64};
    std::string bytes;
    bytes.reserve(text.size() / 4 * 3);
    for (std::size_t i = 0; i < text.size(); i += 4) {
        std::uint32_t group = 0;
        std::size_t padding = 0;
        for (std::size_t k = 0; k < 4; ++k) {
            const char c = i + k < text.size() ? text[i + k] : '\0';
            const auto digit = digits.find(c);
            const bool pads = c == '=' && k >= 2 && i + 4 == text.size();
            if ((digit == digits.npos && !pads) || (padding > 0 && !pads)) return std::nullopt;
            padding += pads ? 1 : 0;
            group = group << 6 | static_cast<std::uint32_t>(pads ? 0 : digit);
        }
        if ((group & ((1U << (8 * padding)) - 1)) != 0) return std::nullopt;
        for (std::size_t k = 0; k < 3 - padding; ++k) bytes += static_cast<char>(group >> (16 - 8 * k) & 255);
    }
    return bytes;
}

}  // namespace queuectl::command

#endif
