// Integers, times and strings as little-endian bytes: written without a check, read with every check.
#ifndef QUEUECTL_JOURNAL_WIRE_HPP
#define QUEUECTL_JOURNAL_WIRE_HPP

#include <queuectl/journal/frame.hpp>
#include <queuectl/time.hpp>

#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>

namespace queuectl::inline v0::journal {

// varint:  7 bits a byte, lowest first, bit 7 set in all but the last byte; at most 10 bytes, 64 bits.
// signed:  a varint of (n << 1) ^ (n >> 63), so that small numbers of either sign are short.
// text:    a varint of the bytes, then the bytes.
inline constexpr std::size_t varint_bytes_max = 10;  // of 64 bits
inline constexpr std::size_t small_bytes_max = 5;    // of 32 bits, and of the length of a text

[[nodiscard]] constexpr std::size_t text_bytes_max(std::string_view text) noexcept
{
    return small_bytes_max + text.size();
}

// Writes into memory that its owner has made large enough.
class wire_writer {
public:
    explicit wire_writer(char* at) noexcept : at_{at} {}

    [[nodiscard]] char* position() const noexcept { return at_; }

    template <class Integer>
    void fixed(Integer value) noexcept
    {
        static_assert(std::is_unsigned_v<Integer>);
        detail::store_le(at_, value);
        at_ += sizeof value;
    }
    void byte(unsigned value) noexcept { *at_++ = static_cast<char>(value); }
    void time(duration d) noexcept { fixed(static_cast<std::uint64_t>(d.count())); }
    void time(timestamp t) noexcept { time(t.time_since_epoch()); }
    void id(const uid& u) noexcept
    {
        fixed(u.high);
        fixed(u.low);
    }
    void varint(std::uint64_t value) noexcept
    {
        for (; value >= 128; value >>= 7) *at_++ = static_cast<char>(value | 128);
        *at_++ = static_cast<char>(value);
    }
    void signed_varint(std::int64_t value) noexcept
    {
        varint(static_cast<std::uint64_t>(value) << 1 ^ static_cast<std::uint64_t>(value >> 63));
    }
    // The way from `base` to `value`, modulo 2^64: short when they are near.
    void difference(std::uint64_t value, std::uint64_t base) noexcept
    {
        signed_varint(static_cast<std::int64_t>(value - base));
    }
    void difference(timestamp value, timestamp base) noexcept
    {
        difference(static_cast<std::uint64_t>(value.time_since_epoch().count()),
                   static_cast<std::uint64_t>(base.time_since_epoch().count()));
    }
    void bytes(std::string_view text) noexcept
    {
        if (!text.empty()) std::memcpy(at_, text.data(), text.size());
        at_ += text.size();
    }
    void text(std::string_view text) noexcept
    {
        varint(text.size());
        bytes(text);
    }

private:
    char* at_;
};

namespace detail {

struct long_varint_result {
    std::uint64_t value;
    const char* behind;  // null = there is none
};
// Apart, so that a reader can live in registers.
[[gnu::noinline]] inline long_varint_result long_varint(const char* at, const char* end) noexcept
{
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at != end; shift += 7) {
        const std::uint64_t next = static_cast<unsigned char>(*at++);
        if (shift == 63 && next > 1) break;
        value |= (next & 127) << shift;
        if (next < 128) return {value, at};
    }
    return {0, nullptr};
}

}  // namespace detail

// Reads any bytes. What is not there, or no such value, reads as 0 or empty, and ok() is false from then on.
class wire_reader {
public:
    explicit wire_reader(std::string_view bytes) noexcept : at_{bytes.data()}, end_{at_ + bytes.size()} {}

    [[nodiscard]] bool ok() const noexcept { return !failed_; }
    [[nodiscard]] std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - at_); }
    // Everything was there, and nothing more.
    [[nodiscard]] bool done() const noexcept { return ok() && at_ == end_; }
    void fail() noexcept
    {
        failed_ = true;
        at_ = end_;
    }

    template <class Integer>
    [[nodiscard]] Integer fixed() noexcept
    {
        static_assert(std::is_unsigned_v<Integer>);
        if (left() < sizeof(Integer)) [[unlikely]] {
            fail();
            return 0;
        }
        const auto value = detail::load_le<Integer>(at_);
        at_ += sizeof(Integer);
        return value;
    }
    [[nodiscard]] std::uint8_t byte() noexcept { return fixed<std::uint8_t>(); }
    // One of an enumeration's numbers, 0 … last.
    template <class Enum>
    [[nodiscard]] Enum choice(Enum last) noexcept
    {
        const std::uint8_t value = byte();
        if (value > static_cast<std::uint8_t>(last)) fail();
        return failed_ ? Enum{} : static_cast<Enum>(value);
    }
    [[nodiscard]] duration span() noexcept { return duration{static_cast<std::int64_t>(fixed<std::uint64_t>())}; }
    [[nodiscard]] timestamp time() noexcept { return timestamp{span()}; }
    [[nodiscard]] uid id() noexcept
    {
        const auto high = fixed<std::uint64_t>();
        return {high, fixed<std::uint64_t>()};
    }
    [[nodiscard]] std::uint64_t varint() noexcept
    {
        if (at_ != end_ && static_cast<unsigned char>(*at_) < 128) return static_cast<unsigned char>(*at_++);
        const auto [value, behind] = detail::long_varint(at_, end_);
        if (behind == nullptr) [[unlikely]]
            fail();
        else
            at_ = behind;
        return value;
    }
    [[nodiscard]] std::int64_t signed_varint() noexcept
    {
        const std::uint64_t value = varint();
        return static_cast<std::int64_t>(value >> 1 ^ (0 - (value & 1)));
    }
    // A varint, or signed varint, that fits into Integer.
    template <class Integer>
    [[nodiscard]] Integer small() noexcept
    {
        if constexpr (std::is_signed_v<Integer>) {
            const std::int64_t value = signed_varint();
            if (value < std::numeric_limits<Integer>::min() || value > std::numeric_limits<Integer>::max()) fail();
            return failed_ ? Integer{} : static_cast<Integer>(value);
        } else {
            const std::uint64_t value = varint();
            if (value > std::numeric_limits<Integer>::max()) fail();
            return failed_ ? Integer{} : static_cast<Integer>(value);
        }
    }
    // What wire_writer::difference wrote.
    [[nodiscard]] std::uint64_t difference(std::uint64_t base) noexcept
    {
        return base + static_cast<std::uint64_t>(signed_varint());
    }
    [[nodiscard]] timestamp difference(timestamp base) noexcept
    {
        const auto from = static_cast<std::uint64_t>(base.time_since_epoch().count());
        return timestamp{duration{static_cast<std::int64_t>(difference(from))}};
    }
    [[nodiscard]] std::string_view bytes(std::uint64_t count) noexcept
    {
        if (count > left()) [[unlikely]] {
            fail();
            return {};
        }
        const char* const begin = at_;
        at_ += count;
        return {begin, static_cast<std::size_t>(count)};
    }
    [[nodiscard]] std::string_view text() noexcept { return bytes(varint()); }
    [[nodiscard]] std::string_view rest() noexcept { return bytes(left()); }

private:
    const char* at_;
    const char* end_;
    bool failed_ = false;
};

}  // namespace queuectl::inline v0::journal

#endif
