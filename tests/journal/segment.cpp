#include "log_builder.hpp"

namespace {

using namespace queuectl;
using namespace queuectl::journal;
using queuectl::journal_testing::log_builder;

TEST(Segment, Names)
{
    EXPECT_EQ(segment_name(1), "0000000000000001.log");
    EXPECT_EQ(segment_name(0xabc, ".new"), "0000000000000abc.new");
    EXPECT_EQ(segment_number(segment_name(0xffffffffffffffff)), 0xffffffffffffffff);
    for (const char* other :
         {"", "0000000000000001.new", "000000000000000g.log", "0000000000000A01.log", "1.log", "00000000000000001.log"})
        EXPECT_EQ(segment_number(other), 0U) << other;
}

TEST(Segment, SizesDouble)
{
    EXPECT_EQ(segment_sizes{}.next(1U << 20), 2U << 20);
    EXPECT_EQ(segment_sizes{}.next(8U << 20), 16U << 20);
    EXPECT_EQ(segment_sizes{}.next(16U << 20), 16U << 20);
    EXPECT_EQ(segment_sizes{}.next(std::uint64_t{1} << 40), 16U << 20);
}

TEST(Segment, EveryFlippedBitOfTheHeaderIsNoticed)
{
    log_builder log;
    log.begin(1);
    ASSERT_TRUE(open_segment(log.fs, 1));
    for (std::size_t bit = 0; bit < segment_header_bytes * 8; ++bit) {
        char& byte = log.bytes(1)[bit / 8];
        byte = static_cast<char>(byte ^ 1 << bit % 8);
        ASSERT_EQ(open_segment(log.fs, 1).error().code, errc::corrupt) << bit;
        byte = static_cast<char>(byte ^ 1 << bit % 8);
    }
}

TEST(Segment, CutOffOrAnotherUnderThisName)
{
    log_builder log;
    log.begin(1);
    auto whole = log.bytes(1);
    for (const std::size_t size : {std::size_t{0}, segment_header_bytes - 1, segment_header_bytes, whole.size() - 1}) {
        log.bytes(1) = whole.substr(0, size);
        EXPECT_EQ(open_segment(log.fs, 1).error().code, errc::corrupt) << size;
    }
    log.bytes(1) = whole;
    ASSERT_TRUE(log.fs.rename(segment_name(1), segment_name(2)));
    EXPECT_EQ(open_segment(log.fs, 2).error().code, errc::corrupt);
    EXPECT_EQ(open_segment(log.fs, 1).error().code, errc::not_found);
}

TEST(Segment, ANewerFormatIsRefused)
{
    log_builder log;
    auto header = log.header(1);
    header.oldest_reader = format_version + 1;
    log.begin(header);
    EXPECT_EQ(open_segment(log.fs, 1).error().code, errc::wrong_version);
}

TEST(Segment, ALeftOverIsReplacedAndAFailureLeavesNothing)
{
    log_builder log;
    ASSERT_TRUE(log.fs.create(segment_name(1, ".new")));
    log.begin(1);
    EXPECT_EQ(find_segments(log.fs)->newest, 1U);
    log.disk.set_room(1000);
    EXPECT_EQ(prepare_segment(log.fs, log.header(2), {}).error().code, errc::store_full);
    EXPECT_EQ(log.fs.list()->size(), 1U);
}

// Whatever a power loss leaves while a segment is made, a file of its name is whole.
TEST(Segment, CreationCutOffAtEveryCall)
{
    for (std::uint64_t nth = 1;; ++nth) {
        log_builder log{1024};
        log.disk.inject(disk_fault::power_off, nth);
        if (prepare_segment(log.fs, log.header(1), {})) static_cast<void>(publish_segment(log.fs, 1));
        if (!log.disk.is_off()) break;
        for (const auto& plan : log.disk.crash_plans(nth)) {
            simulated_disk after{log.disk.crash(plan)};
            simulated_file_system fs{after};
            EXPECT_TRUE(find_segments(fs)->newest == 0 || open_segment(fs, 1)) << nth << ' ' << plan.describe();
        }
    }
}

}  // namespace
