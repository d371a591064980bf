// CRC32C (Castagnoli; RFC 3720 appendix B.4): the checksum of every frame and header of the journal.
#ifndef QUEUECTL_JOURNAL_CRC32C_HPP
#define QUEUECTL_JOURNAL_CRC32C_HPP

#include <queuectl/config.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define QUEUECTL_CRC32C_SSE42 1
#include <nmmintrin.h>
#else
#define QUEUECTL_CRC32C_SSE42 0
#endif

namespace queuectl::inline v0::journal {

namespace detail {

// tables[k][b]: the remainder of byte b followed by k zero bytes, for the reflected polynomial 0x82f63b78.
using crc_tables = std::array<std::array<std::uint32_t, 256>, 8>;

[[nodiscard]] constexpr crc_tables make_crc_tables() noexcept
{
    crc_tables tables{};
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
        std::uint32_t remainder = byte;
        for (int bit = 0; bit < 8; ++bit) remainder = remainder >> 1 ^ ((remainder & 1) != 0 ? 0x82f63b78U : 0U);
        tables[0][byte] = remainder;
    }
    for (std::size_t k = 1; k < 8; ++k)
        for (std::size_t byte = 0; byte < 256; ++byte) {
            const std::uint32_t before = tables[k - 1][byte];
            tables[k][byte] = before >> 8 ^ tables[0][before & 255];
        }
    return tables;
}
inline constexpr crc_tables crc_table = make_crc_tables();

[[nodiscard]] constexpr std::uint32_t crc_word(const char* at, std::uint32_t value = 0) noexcept
{
    for (unsigned i = 0; i < 4; ++i) value ^= std::uint32_t{static_cast<unsigned char>(at[i])} << (8 * i);
    return value;
}

// Eight bytes a step (Kounavis & Berry's slicing). `state` is the inverted checksum.
[[nodiscard]] constexpr std::uint32_t crc_by_slices(const char* at, std::size_t count, std::uint32_t state) noexcept
{
    for (; count >= 8; at += 8, count -= 8) {
        const std::uint32_t low = crc_word(at, state);
        const std::uint32_t high = crc_word(at + 4);
        state = crc_table[7][low & 255] ^ crc_table[6][low >> 8 & 255] ^ crc_table[5][low >> 16 & 255] ^
                crc_table[4][low >> 24] ^ crc_table[3][high & 255] ^ crc_table[2][high >> 8 & 255] ^
                crc_table[1][high >> 16 & 255] ^ crc_table[0][high >> 24];
    }
    for (; count > 0; ++at, --count) state = state >> 8 ^ crc_table[0][(state ^ static_cast<unsigned char>(*at)) & 255];
    return state;
}

#if QUEUECTL_CRC32C_SSE42
[[nodiscard]] __attribute__((target("sse4.2"))) inline std::uint32_t crc_by_instruction(const char* at,
                                                                                        std::size_t count,
                                                                                        std::uint32_t state) noexcept
{
    std::uint64_t wide = state;
    for (; count >= 8; at += 8, count -= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, at, 8);
        wide = _mm_crc32_u64(wide, word);
    }
    state = static_cast<std::uint32_t>(wide);
    if ((count & 4) != 0) {
        std::uint32_t word = 0;
        std::memcpy(&word, at, 4);
        state = _mm_crc32_u32(state, word);
        at += 4;
    }
    if ((count & 2) != 0) {
        std::uint16_t word = 0;
        std::memcpy(&word, at, 2);
        state = _mm_crc32_u16(state, word);
        at += 2;
    }
    return (count & 1) != 0 ? _mm_crc32_u8(state, static_cast<unsigned char>(*at)) : state;
}
inline const bool has_crc_instruction = __builtin_cpu_supports("sse4.2") != 0;
#endif

}  // namespace detail

// The checksum of `bytes`; or, given that of what comes before them, of both together.
[[nodiscard]] inline std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0) noexcept
{
#if QUEUECTL_CRC32C_SSE42
    if (detail::has_crc_instruction) return ~detail::crc_by_instruction(bytes.data(), bytes.size(), ~before);
#endif
    return ~detail::crc_by_slices(bytes.data(), bytes.size(), ~before);
}

// The same without special instructions, also at compile time.
[[nodiscard]] constexpr std::uint32_t crc32c_portable(std::string_view bytes, std::uint32_t before = 0) noexcept
{
    return ~detail::crc_by_slices(bytes.data(), bytes.size(), ~before);
}

}  // namespace queuectl::inline v0::journal

#endif
