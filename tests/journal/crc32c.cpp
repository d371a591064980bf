#include <queuectl/journal/crc32c.hpp>

#include <queuectl/testing/seeded_random.hpp>

#include <gtest/gtest.h>

#include <string>

namespace {

using namespace queuectl;
using journal::crc32c;
using journal::crc32c_portable;

static_assert(crc32c_portable("123456789") == 0xe3069283);
static_assert(crc32c_portable("") == 0);

// RFC 3720, B.4.
TEST(Crc32c, KnownVectors)
{
    std::string ascending(32, '\0');
    std::string descending(32, '\0');
    for (int i = 0; i < 32; ++i) {
        ascending[static_cast<std::size_t>(i)] = static_cast<char>(i);
        descending[static_cast<std::size_t>(i)] = static_cast<char>(31 - i);
    }
    for (const auto crc : {&crc32c, &crc32c_portable}) {
        EXPECT_EQ(crc("123456789", 0), 0xe3069283U);
        EXPECT_EQ(crc(std::string(32, '\0'), 0), 0x8a9136aaU);
        EXPECT_EQ(crc(std::string(32, '\xff'), 0), 0x62a8ab43U);
        EXPECT_EQ(crc(ascending, 0), 0x46dd794eU);
        EXPECT_EQ(crc(descending, 0), 0x113fdb5cU);
    }
}

TEST(Crc32c, InPiecesAndByEveryWayTheSame)
{
    seeded_random random{7};
    std::string bytes(300, '\0');
    for (char& c : bytes) c = static_cast<char>(random.next());
    for (std::size_t begin = 0; begin < 9; ++begin)
        for (std::size_t size = 0; begin + size <= bytes.size(); ++size) {
            const std::string_view whole{bytes.data() + begin, size};
            const auto expected = crc32c_portable(whole);
            ASSERT_EQ(crc32c(whole), expected);
            ASSERT_EQ(crc32c(whole.substr(size / 3), crc32c(whole.substr(0, size / 3))), expected);
            ASSERT_EQ(crc32c_portable(whole.substr(size / 3), crc32c(whole.substr(0, size / 3))), expected);
        }
}

}  // namespace
