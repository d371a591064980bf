// The bytes of one record of each type, and what readers make of broken ones.
#include "record_fuzz.hpp"
#include "record_samples.hpp"

#include <queuectl/testing/effort.hpp>

#include <gtest/gtest.h>

namespace {

using namespace queuectl;
using namespace queuectl::journal;
using namespace queuectl::journal_testing;

// fixed_samples::all() in format version 1, for ever.
constexpr std::string_view golden[] = {
    "d1eb37163d00000001000000100000000000000000401e18240a06000000000000000807060504030201181716151413"
    "1211056a6f622d31046d61696c0473656e64746f3a20796f75",
    "d515666a2301000001000000110000000000000000401e18240a0600ffffff0001fe0807060504030201181716151413"
    "1211056a6f622d31046d61696c0473656e6464e80300000000000000a493d60000000000000000000000400802037461"
    "67036b657906756e69717565056261746368012f04413d620008000000056a6f622d300178c801020403000000000000"
    "0004000000000000000564401e18240a0600e403e819240a060040ed9604000000000800000000000000090000000000"
    "000003773a3206000000000000000700000000000000ac02021203776879023432033530253f00000002049e021e4082"
    "2d18240a06009003046c61746503773a3182049e021e40822d18240a06009003046c61746503773a31b4020cac020468"
    "656164047461696c746f3a20796f75",
    "d8ed1dbf46000000020000000300000000000000040000000000000080c43c18240a0600c029cd020000000008000000"
    "00000000090000000000000080c3c901000000000500000003773a32052202061f0b",
    "75ada13f2e0000000300000080c43c18240a0600c029cd02000000000800000000000000090000000000000080c3c901"
    "00000000052202061f0b",
    "1fa911245f000000040000001100000000000000800000000003000080c43c18240a0600033f03000000000000000400"
    "000000000000058092f4010402900382049e021e40822d18240a06009003046c61746503773a31b4020cac0204686561"
    "64047461696c046e6f6e65",
    "9c1d91a11b00000005000000110000000000000080c43c18240a06000400f7f591e68383898506",
    "18f915220600000006000000052202061f0b",
    "6ef14a5d140000000700000003000000000000000100000000000000016b0176",
    "514addcf0a000000080000000400000000000000016b",
    "4ef8c7a30d000000090000000764656661756c74046d61696c",
    "0364f615160000000a00000000401e18240a0600020c6a6f75726e616c3a2f6e6577",
};

std::string hex(std::string_view bytes)
{
    std::string text;
    for (const char c : bytes) {
        text += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
        text += "0123456789abcdef"[c & 15];
    }
    return text;
}
std::string unhex(std::string_view text)
{
    const auto digit = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i += 2)
        bytes += static_cast<char>(digit(text[i]) << 4 | digit(text[i + 1]));
    return bytes;
}
std::vector<std::string> golden_records()
{
    std::vector<std::string> records;
    for (const auto text : golden) records.push_back(unhex(text));
    return records;
}
bool fuzz(std::string_view bytes)
{
    return fuzz_records(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}
// The record as the fuzzer takes it: its type, its content.
std::string seed_of(const std::string& record) { return record[8] + record.substr(record_header_bytes); }

TEST(RecordBytes, AreTheFormatsForEver)
{
    const auto records = fixed_samples::all();
    ASSERT_EQ(records.size(), std::size(golden));
    for (std::size_t i = 0; i < records.size(); ++i) EXPECT_EQ(hex(records[i]), golden[i]) << i;
}

TEST(RecordBytes, EveryPrefixIsRefused)
{
    for (const auto& record : golden_records())
        for (std::size_t n = 0; n < record.size(); ++n)
            ASSERT_EQ(read_record({record.data(), n}).error().code, errc::corrupt) << hex(record) << " cut at " << n;
}

TEST(RecordBytes, EveryFlippedBitIsRefused)
{
    for (auto record : golden_records())
        for (std::size_t bit = 0; bit < record.size() * 8; ++bit) {
            const auto flip = [&] { record[bit / 8] = static_cast<char>(record[bit / 8] ^ 1 << bit % 8); };
            flip();
            const auto behind = record + std::string(1 << 10, 'x');
            ASSERT_EQ(read_record(record).error().code, errc::corrupt) << hex(record) << " bit " << bit;
            ASSERT_EQ(read_record(behind).error().code, errc::corrupt) << hex(record) << " bit " << bit;
            flip();
        }
}

// Without the checksum: the readers' own checks.
TEST(RecordBytes, AContentCutOffIsRefusedAndAnyFlipOfItIsHarmless)
{
    for (const auto& record : golden_records()) {
        const std::string seed = seed_of(record);
        ASSERT_TRUE(fuzz(seed));
        for (std::size_t n = 0; n < seed.size(); ++n) ASSERT_TRUE(fuzz({seed.data(), n})) << hex(record) << " at " << n;
        for (std::size_t bit = 8; bit < seed.size() * 8; ++bit) {
            auto bad = seed;
            bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ 1 << bit % 8);
            ASSERT_TRUE(fuzz(bad)) << hex(bad);
        }
    }
    ASSERT_TRUE(fuzz(std::string(1, '\0') + golden_records()[0] + golden_records()[4]));
}

TEST(RecordBytes, WhatIsNoNumberOfAnEnumerationIsRefused)
{
    const auto records = golden_records();
    const auto with = [&](std::size_t record, std::size_t at, int value) {
        std::string content = records[record].substr(record_header_bytes);
        content[at] = static_cast<char>(value);
        return content;
    };
    EXPECT_FALSE(read_head(with(0, 20, 6)));
    EXPECT_FALSE(read_end(with(4, 24, 6)));
    EXPECT_FALSE(read_end(with(4, 25, 64)));
    EXPECT_FALSE(read_change(with(5, 16, 0)));
    EXPECT_FALSE(read_change(with(5, 16, 6)));
    EXPECT_FALSE(read_change(with(5, 17, 6)));
    std::string run = golden_records()[4].substr(record_header_bytes);
    ASSERT_EQ(run[51], '\x82');
    run[51] = '\x85';
    EXPECT_FALSE(read_end(run));
}

TEST(RecordBytes, OneByteTooManyIsRefused)
{
    std::vector<std::uint64_t> sequences;
    const auto content = [records = golden_records()](std::size_t i) {
        return records[i].substr(record_header_bytes) + 'x';
    };
    EXPECT_FALSE(read_claim(content(2), sequences));
    EXPECT_FALSE(read_extend(content(3), sequences));
    EXPECT_FALSE(read_end(content(4)));
    EXPECT_FALSE(read_change(content(5)));
    EXPECT_FALSE(read_remove(content(6), sequences));
    EXPECT_FALSE(read_config(content(7)));
    EXPECT_FALSE(read_unconfig(content(8)));
    EXPECT_FALSE(read_header(content(10)));
}

// A count that the bytes behind it cannot hold is refused before anything is allocated for it.
TEST(RecordBytes, ACountIsNotBelieved)
{
    std::vector<std::uint64_t> sequences;
    EXPECT_FALSE(read_remove("\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x01\x01", sequences));
    EXPECT_EQ(sequences.capacity(), 0U);
    EXPECT_FALSE(read_remove("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", sequences));
    EXPECT_FALSE(read_remove("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", sequences));
}

// A good content with a few bytes changed, dropped or copied, or no content at all.
std::string mutated(seeded_random& random, const std::vector<std::string>& seeds)
{
    std::string bytes = seeds[random.below(seeds.size())];
    if (random.one_in(16)) {
        bytes.resize(1 + random.below(200));
        for (std::size_t i = 1; i < bytes.size(); ++i) bytes[i] = static_cast<char>(random.next());
        return bytes;
    }
    for (auto n = random.below(4) + 1; n-- > 0 && bytes.size() > 1;) {
        const auto at = 1 + random.below(bytes.size() - 1);
        const auto count = random.below(std::min<std::uint64_t>(bytes.size() - at, 12) + 1);
        switch (random.below(5)) {
            case 0: bytes[at] = static_cast<char>(random.next()); break;
            case 1: bytes[at] = static_cast<char>(bytes[at] ^ 1 << random.below(8)); break;
            case 2: bytes.resize(at); break;
            case 3: bytes.erase(at, count); break;
            default: bytes.insert(at, bytes.substr(1 + random.below(bytes.size() - 1), count)); break;
        }
    }
    return bytes;
}

TEST(RecordBytes, AMillionBrokenContents)
{
    constexpr std::uint64_t seed = 31;
    seeded_random random{seed};
    std::vector<std::string> seeds;
    for (const auto& record : golden_records()) seeds.push_back(seed_of(record));
    for (std::size_t round = 0; round < effort(1'000'000, 20'000'000); ++round) {
        const std::string bytes = mutated(random, seeds);
        ASSERT_TRUE(fuzz(bytes)) << "seed " << seed << " round " << round << ": " << hex(bytes);
    }
}

}  // namespace
