#include <queuectl/journal/wire.hpp>

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace queuectl;
using namespace queuectl::journal;

template <class Write>
std::string written(Write&& write)
{
    char room[64];
    wire_writer w{room};
    write(w);
    return {room, static_cast<std::size_t>(w.position() - room)};
}

TEST(Wire, VarintsAreAsShortAsTheirValues)
{
    constexpr std::uint64_t most = ~std::uint64_t{0};
    for (unsigned bits = 0; bits <= 64; ++bits) {
        const std::uint64_t value = bits == 0 ? 0 : most >> (64 - bits);
        const auto bytes = written([&](auto& w) { w.varint(value); });
        EXPECT_EQ(bytes.size(), bits == 0 ? 1 : (bits + 6) / 7);
        wire_reader r{bytes};
        EXPECT_EQ(r.varint(), value);
        EXPECT_TRUE(r.done());
        for (std::size_t n = 0; n < bytes.size(); ++n) {
            wire_reader cut{{bytes.data(), n}};
            EXPECT_EQ(cut.varint(), 0U);
            EXPECT_FALSE(cut.ok());
        }
    }
    EXPECT_EQ(written([](auto& w) { w.varint(300); }), "\xac\x02");
}

TEST(Wire, AVarintOfMoreThan64BitsIsNone)
{
    for (const std::string end : {"\x02", "\x7f", "\x80\x01", "\x81"}) {
        const std::string bytes = std::string(9, '\xff') + end;
        wire_reader r{bytes};
        EXPECT_EQ(r.varint(), 0U);
        EXPECT_FALSE(r.ok());
    }
}

TEST(Wire, SignedNumbersAndDifferences)
{
    constexpr auto least = std::numeric_limits<std::int64_t>::min();
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    for (const std::int64_t a : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{63}, std::int64_t{-64}, least, most}) {
        const auto bytes = written([&](auto& w) { w.signed_varint(a); });
        EXPECT_EQ(bytes.size() == 1, a >= -64 && a <= 63);
        EXPECT_EQ(wire_reader{bytes}.signed_varint(), a);
        for (const std::int64_t b : {std::int64_t{0}, std::int64_t{-7}, least, most}) {
            const timestamp value{duration{a}};
            const timestamp base{duration{b}};
            const auto apart = written([&](auto& w) { w.difference(value, base); });
            EXPECT_EQ(wire_reader{apart}.difference(base), value);
        }
    }
}

TEST(Wire, ANumberThatDoesNotFitIsNone)
{
    const auto reads = [](std::int64_t value, auto integer) {
        const auto bytes = written([&](auto& w) {
            if constexpr (std::is_signed_v<decltype(integer)>)
                w.signed_varint(value);
            else
                w.varint(static_cast<std::uint64_t>(value));
        });
        wire_reader r{bytes};
        const auto got = r.template small<decltype(integer)>();
        return r.ok() && static_cast<std::int64_t>(got) == value;
    };
    EXPECT_TRUE(reads(2147483647, std::int32_t{}));
    EXPECT_TRUE(reads(-2147483647 - 1, std::int32_t{}));
    EXPECT_FALSE(reads(2147483648, std::int32_t{}));
    EXPECT_FALSE(reads(-2147483649, std::int32_t{}));
    EXPECT_TRUE(reads(4294967295, std::uint32_t{}));
    EXPECT_FALSE(reads(4294967296, std::uint32_t{}));
}

TEST(Wire, AfterAFailureNothingIsRead)
{
    wire_reader r{
        "\x05"
        "abc"};
    EXPECT_EQ(r.text(), "");
    EXPECT_FALSE(r.ok());
    EXPECT_EQ(r.left(), 0U);
    EXPECT_EQ(r.byte(), 0);
    EXPECT_EQ(r.rest(), "");
    EXPECT_FALSE(r.done());
}

TEST(Wire, IntegersAreLittleEndian)
{
    const auto bytes = written([](auto& w) {
        w.fixed(std::uint32_t{0x04030201});
        w.id({0x0102030405060708, 1});
        w.time(duration{-2});
        w.text("ab");
    });
    EXPECT_EQ(bytes, std::string("\1\2\3\4\x08\7\6\5\4\3\2\1\1\0\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff\2ab", 31));
}

}  // namespace
