// Rows as few bytes: words without their leading zeros.
#ifndef QUEUECTL_LMDB_PACKED_HPP
#define QUEUECTL_LMDB_PACKED_HPP

#include <queuectl/lmdb/format.hpp>

#include <bit>

namespace queuectl::inline v0::detail::lmdb {

// A row is taken as words of eight bytes. First a half byte for each word: how many of its bytes follow, from the
// lowest; then these bytes. The `times` words from `times_first` on are the differences from the one before,
// zigzag-coded (0, -1, 1, -2 … as 0, 1, 2, 3 …): times of one job are near each other.
template <class Row>
inline constexpr std::size_t words_of = sizeof(Row) / 8;
template <class Row>
inline constexpr std::size_t packed_most = (words_of<Row> + 1) / 2 + sizeof(Row);

static_assert(std::endian::native == std::endian::little, "rows are packed from the lowest byte on");

[[nodiscard]] constexpr std::uint64_t zigzag(std::uint64_t difference) noexcept
{
    return difference << 1 ^ (std::uint64_t{0} - (difference >> 63));
}
[[nodiscard]] constexpr std::uint64_t unzigzag(std::uint64_t coded) noexcept
{
    return coded >> 1 ^ (std::uint64_t{0} - (coded & 1));
}

// Writes up to packed_most<Row> bytes, and eight more that mean nothing; returns how many.
template <class Row>
[[nodiscard]] std::size_t pack(const Row& row, char* out) noexcept
{
    static_assert(std::is_trivially_copyable_v<Row> && sizeof(Row) % 8 == 0);
    auto words = std::bit_cast<std::array<std::uint64_t, words_of<Row>>>(row);
    for (std::size_t i = Row::times_first + Row::times - 1; i > Row::times_first; --i)
        words[i] = zigzag(words[i] - words[i - 1]);
    constexpr std::size_t head = (words_of<Row> + 1) / 2;
    std::memset(out, 0, head);
    std::size_t used = head;
    for (std::size_t i = 0; i < words_of<Row>; ++i) {
        const auto bytes = static_cast<unsigned>(std::bit_width(words[i]) + 7) / 8;
        out[i / 2] = static_cast<char>(static_cast<unsigned char>(out[i / 2]) | bytes << i % 2 * 4);
        std::memcpy(out + used, &words[i], 8);
        used += bytes;
    }
    return used;
}

// Takes a packed row off the front of `bytes`; false when it is none.
template <class Row>
[[nodiscard]] bool unpack_row(std::string_view& bytes, Row& row) noexcept
{
    std::array<std::uint64_t, words_of<Row>> words{};
    std::size_t used = (words_of<Row> + 1) / 2;
    if (bytes.size() < used) return false;
    for (std::size_t i = 0; i < words_of<Row>; ++i) {
        const std::size_t count = static_cast<unsigned char>(bytes[i / 2]) >> i % 2 * 4 & 15u;
        if (count > 8 || bytes.size() - used < count) return false;
        if (bytes.size() - used >= 8)
            std::memcpy(&words[i], bytes.data() + used, 8);
        else
            std::memcpy(&words[i], bytes.data() + used, count);
        if (count < 8) words[i] &= (std::uint64_t{1} << count * 8) - 1;
        used += count;
    }
    for (std::size_t i = Row::times_first + 1; i < Row::times_first + Row::times; ++i)
        words[i] = words[i - 1] + unzigzag(words[i]);
    row = std::bit_cast<Row>(words);
    bytes.remove_prefix(used);
    return true;
}

[[nodiscard]] inline std::uint64_t reversed_bits(double value) noexcept
{
    return __builtin_bswap64(std::bit_cast<std::uint64_t>(value));
}
[[nodiscard]] inline double from_reversed_bits(std::uint64_t bits) noexcept
{
    return std::bit_cast<double>(__builtin_bswap64(bits));
}

}  // namespace queuectl::inline v0::detail::lmdb

#endif
