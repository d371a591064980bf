#include <queuectl/journal/frame.hpp>

#include <gtest/gtest.h>

namespace {

using namespace queuectl::journal;

constexpr std::uint64_t file_id = 0x1122334455667788;

std::string make(std::string_view body, std::uint64_t offset)
{
    frame_header h;
    h.sequence = 7;
    h.durable_upto = 5;
    h.file_id = file_id;
    h.previous_crc = 99;
    h.type = frame_type::transaction;
    std::string bytes;
    append_frame(bytes, h, body, offset);
    return bytes;
}
bool valid(const std::string& bytes, std::uint64_t offset, std::uint64_t id = file_id)
{
    if (bytes.size() < frame_header_bytes) return false;
    const auto h = load_frame_header(bytes.data());
    return plausible(h, id, bytes.size()) && intact(h, bytes.data(), id, offset);
}

TEST(Frame, TheFormatsBytes)
{
    const auto bytes = make("body!", 128);
    ASSERT_EQ(bytes.size(), 48U);
    EXPECT_EQ(bytes.substr(4, 4), std::string("\5\0\0\0", 4));
    EXPECT_EQ(bytes.substr(8, 8), std::string("\7\0\0\0\0\0\0\0", 8));
    EXPECT_EQ(bytes.substr(16, 8), std::string("\5\0\0\0\0\0\0\0", 8));
    EXPECT_EQ(bytes.substr(24, 8), "\x88\x77\x66\x55\x44\x33\x22\x11");
    EXPECT_EQ(bytes.substr(32, 8), std::string("\x63\0\0\0\1\0\0\0", 8));
    EXPECT_EQ(bytes.substr(40), std::string("body!\0\0\0", 8));
    std::string covered = std::string("\x88\x77\x66\x55\x44\x33\x22\x11\x80\0\0\0\0\0\0\0", 16) + bytes.substr(4, 41);
    EXPECT_EQ(load_frame_header(bytes.data()).crc, crc32c_portable(covered));
}

TEST(Frame, EveryFlippedBitIsNoticed)
{
    for (const std::string body : {"", "x", "12345678", "a longer body, of 33 bytes, I say"}) {
        const auto good = make(body, 256);
        ASSERT_TRUE(valid(good, 256));
        for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
            auto bad = good;
            bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
            ASSERT_FALSE(valid(bad, 256)) << body << " bit " << bit;
        }
    }
}

TEST(Frame, AnotherPlaceOrFileIsNotItsOwn)
{
    const auto bytes = make("body", 256);
    EXPECT_TRUE(valid(bytes, 256));
    EXPECT_FALSE(valid(bytes, 264));
    EXPECT_FALSE(valid(bytes, 256, file_id + 1));
    auto moved = bytes;
    queuectl::journal::detail::store_le(moved.data() + 24, file_id + 1);
    EXPECT_FALSE(valid(moved, 256, file_id + 1));
}

TEST(Frame, ItsLengthMustFit)
{
    auto bytes = make("body", 256);
    EXPECT_FALSE(plausible(load_frame_header(bytes.data()), file_id, bytes.size() - 1));
    queuectl::journal::detail::store_le(bytes.data() + 4, 0xffffffffU);
    EXPECT_FALSE(plausible(load_frame_header(bytes.data()), file_id, std::uint64_t{1} << 40));
}

}  // namespace
