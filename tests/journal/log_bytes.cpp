// Any bytes as files of a log: never a fault, and never a wrong answer about what had been durable.
#include "log_fuzz.hpp"

#include <queuectl/testing/effort.hpp>
#include <queuectl/testing/seeded_random.hpp>

#include <gtest/gtest.h>

#include <fstream>

namespace {

using namespace queuectl;
using namespace queuectl::journal_testing;

const char* wrong_in(const std::string& bytes)
{
    return fuzz_log(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

TEST(LogBytes, SoundLogsAreReadSavedAndUsed)
{
    for (char kind = 0; kind < 8; ++kind) {
        EXPECT_STREQ(wrong_in({kind}), nullptr) << int{kind};
        simulated_disk disk{fuzz_files{std::string_view{&kind, 1}}.disk()};
        fuzz_sink heard;
        EXPECT_TRUE(log_fuzz::hear(disk, heard, {7, 7}));
        EXPECT_EQ(heard.bodies.size(), kind == 7 ? 15U : 4U * ((static_cast<unsigned>(kind) + 1) / 2) - (kind > 2));
    }
}

// What the fuzzer has found to take new ways through the code: a line of hexadecimal digits each.
TEST(LogBytes, TheCorpus)
{
    std::ifstream corpus{QUEUECTL_TEST_CORPUS};
    std::size_t lines = 0;
    for (std::string line; std::getline(corpus, line); ++lines) {
        std::string bytes;
        for (std::size_t i = 0; i + 1 < line.size(); i += 2)
            bytes += static_cast<char>(std::stoi(line.substr(i, 2), nullptr, 16));
        EXPECT_STREQ(wrong_in(bytes), nullptr) << line;
    }
    EXPECT_GT(lines, 100U);
}

TEST(LogBytes, RandomChangesOfSoundLogs)
{
    seeded_random random{20250611};
    for (std::size_t round = 0; round < effort(20'000, 2'000'000); ++round) {
        std::string bytes(1 + random.below(60), '\0');
        for (auto& c : bytes) c = static_cast<char>(random.below(256));
        bytes[0] = static_cast<char>(1 + random.below(7));
        const char* why = wrong_in(bytes);
        ASSERT_STREQ(why, nullptr) << "seed 20250611, round " << round;
    }
}

}  // namespace
