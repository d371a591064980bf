#include "instrumented.hpp"
#include "log_builder.hpp"

#include <queuectl/testing/effort.hpp>

#include <cstdio>

namespace {

using namespace queuectl;
using namespace queuectl::journal;
using namespace queuectl::journal_testing;
using strings = std::vector<std::string>;

// Frames a, b, c in one segment; each later one says that the earlier ones are durable.
struct three : log_builder {
    explicit three(bool watermarks = true)
    {
        begin(1);
        for (const char* body : {"a", "bb", "ccc"}) {
            add(body);
            if (watermarks) durable_upto = sequence - 1;
        }
    }
};

TEST(LogReader, ReadsInOrderOverSegmentsFromAnyPosition)
{
    log_builder log;
    log.begin(1);
    log.add("one");
    log.add(std::string(2000, 'x'));
    log.begin(2);
    log.add("");
    log.begin(3);
    log.add("four");
    const auto all = read_all(log.read(3));
    EXPECT_EQ(all.bodies, (strings{"one", std::string(2000, 'x'), "", "four"}));
    EXPECT_EQ(all.status, read_status::end);
    EXPECT_EQ(all.text, "");
    EXPECT_EQ(all.tail, tail_kind::clean);

    auto reader = log.read(3);
    frame_view frame;
    for (std::size_t done = 1; done <= 4; ++done) {
        ASSERT_EQ(*reader.next(frame), read_status::frame);
        const auto rest = read_all({log.fs, reader.position(), 3});
        EXPECT_EQ(rest.bodies.size(), 4 - done);
        EXPECT_EQ(rest.text, "");
    }
}

TEST(LogReader, SeesWhatIsAppendedAfterTheEnd)
{
    log_builder log;
    log.begin(1);
    log.add("one");
    auto reader = log.read(1);
    frame_view frame;
    ASSERT_EQ(*reader.next(frame), read_status::frame);
    ASSERT_EQ(*reader.next(frame), read_status::end);
    log.add("two");
    log.begin(2);
    log.add("three");
    reader.refresh();
    ASSERT_EQ(*reader.next(frame), read_status::frame);
    EXPECT_EQ(frame.body, "two");
    ASSERT_EQ(*reader.next(frame), read_status::end);
    reader.set_newest(2);
    ASSERT_EQ(*reader.next(frame), read_status::frame);
    EXPECT_EQ(frame.body, "three");
}

TEST(LogReader, ATornLastFrameIsATornTail)
{
    three log{false};
    log.bytes(1)[log.offsets[2] + 41] ^= 1;
    const auto all = read_all(log.read(1));
    EXPECT_EQ(all.bodies, (strings{"a", "bb"}));
    EXPECT_EQ(all.text, "");
    EXPECT_EQ(all.tail, tail_kind::torn);
}

TEST(LogReader, AFrameMissingBeforeUnsyncedOnesIsATornTail)
{
    three log{false};
    log.bytes(1).replace(log.offsets[1], frame_bytes(2), frame_bytes(2), '\0');
    const auto all = read_all(log.read(1));
    EXPECT_EQ(all.bodies, (strings{"a"}));
    EXPECT_EQ(all.tail, tail_kind::torn);
    auto reader = log.read(1);
    frame_view frame;
    ASSERT_TRUE(reader.next(frame));
    EXPECT_EQ(reader.inspect_end()->used_end, log.offsets[2] + 43);
}

TEST(LogReader, AFrameMissingThatHadBeenSyncedIsDamage)
{
    for (const std::size_t lost : {0U, 1U}) {
        three log;
        log.bytes(1)[log.offsets[lost]] ^= 1;
        const auto all = read_all(log.read(1));
        EXPECT_EQ(all.bodies.size(), lost);
        EXPECT_EQ(all.failure, errc::corrupt);
        EXPECT_NE(all.text.find("0000000000000001.log: damage at offset " + std::to_string(log.offsets[lost])),
                  std::string::npos)
            << all.text;
    }
}

TEST(LogReader, ASnapshotKnowsWhatHadBeenSynced)
{
    three log{false};
    auto reader = log.read(1);
    frame_view frame;
    while (*reader.next(frame) == read_status::frame) {}
    EXPECT_TRUE(reader.inspect_end(3));
    EXPECT_EQ(reader.inspect_end(4).error().code, errc::corrupt);
}

TEST(LogReader, AnythingLostBeforeTheLastSegmentIsDamage)
{
    for (int what = 0; what < 4; ++what) {
        log_builder log;
        for (std::uint64_t number = 1; number <= 3; ++number) {
            log.begin(number);
            log.add("body");
        }
        if (what == 0) log.bytes(1)[log.offsets[0] + 40] ^= 1;
        if (what == 1) log.bytes(2).resize(4000);
        if (what == 2) static_cast<void>(log.fs.remove(segment_name(2)));
        if (what == 3) log.bytes(2)[30] ^= 1;
        const auto all = read_all(log.read(3));
        EXPECT_EQ(all.failure, errc::corrupt) << what;
        EXPECT_LE(all.bodies.size(), 1U);
    }
}

TEST(LogReader, ASegmentEndsWhereTheNextBegins)
{
    log_builder log;
    log.begin(1);
    log.add("one");
    const auto crc = log.previous_crc;
    log.add("void");
    log.sequence = 2;
    log.previous_crc = crc;
    log.begin(2);
    log.add("two");
    EXPECT_EQ(read_all(log.read(2)).bodies, (strings{"one", "two"}));

    auto reader = log.read(1);
    frame_view frame;
    while (*reader.next(frame) == read_status::frame) {}
    reader.set_newest(2);
    EXPECT_EQ(*reader.next(frame), read_status::rewound);
    EXPECT_EQ(*reader.next(frame), read_status::rewound);
}

TEST(LogReader, ASegmentOfAnotherStoreOrPlaceIsDamage)
{
    log_builder log;
    log.begin(1);
    log.add("one");
    log.store = {3, 4};
    log.begin(2);
    log.add("two");
    EXPECT_EQ(read_all(log.read(2)).failure, errc::corrupt);
    log.store = {1, 2};
    log.sequence = 5;
    log.begin(2);
    EXPECT_EQ(read_all(log.read(2)).failure, errc::corrupt);
}

TEST(LogReader, NewerFrameTypes)
{
    log_builder log;
    log.begin(1);
    log.type = static_cast<frame_type>(77);
    log.flags = flag_skippable;
    log.add("may be skipped");
    EXPECT_EQ(read_all(log.read(1)).bodies.size(), 1U);
    log.flags = 0;
    log.add("may not");
    EXPECT_EQ(read_all(log.read(1)).failure, errc::wrong_version);
}

// The file id of a frame is no secret to a disk: heads that look right, everywhere, with the longest bodies.
TEST(LogReader, AHostileTailIsReadInBoundedTimeAndNeverCut)
{
    log_builder log{1 << 20};
    log.begin(1);
    log.add("one");
    frame_header h;
    h.sequence = 9;
    h.durable_upto = 8;
    h.file_id = log.header(1).file_id;
    h.type = frame_type::transaction;
    std::string& bytes = log.bytes(1);
    for (auto at = log.end() + 64; at + 40 < bytes.size(); at += 40) {
        std::string head;
        append_frame(head, h, {}, 0);
        journal::detail::store_le(head.data() + 4, static_cast<std::uint32_t>(bytes.size() - at - 40) & ~7U);
        bytes.replace(at, 40, head);
    }
    const auto all = read_all(log.read(1));
    EXPECT_EQ(all.bodies.size(), 1U);
    EXPECT_EQ(all.failure, errc::corrupt);
}

TEST(LogReader, RandomBytesNeverHurt)
{
    seeded_random random{11};
    for (int round = 0; round < 300; ++round) {
        log_builder log{2048};
        log.begin(1);
        for (int i = 0; i < 8; ++i) log.add(std::string(random.below(100), 'x'));
        log.begin(2);
        log.add("last");
        std::string& bytes = log.bytes(1 + random.below(2));
        for (auto n = random.below(4) + 1; n-- > 0;) {
            const auto begin = random.below(bytes.size());
            const auto count = std::min<std::uint64_t>(random.below(64), bytes.size() - begin);
            for (std::uint64_t i = 0; i < count; ++i) bytes[begin + i] = static_cast<char>(random.next());
        }
        if (random.one_in(8)) bytes.resize(random.below(bytes.size()));
        const auto all = read_all(log.read(2));
        EXPECT_LE(all.bodies.size(), 9U);
        EXPECT_TRUE(all.bodies.size() >= 8 || all.failure == errc::corrupt);
    }
}

// 64 KiB of log: whichever bit flips, all that the last watermark covers is there unchanged, or the reader says damage.
// One bit of three; of 48, instrumented. BitFlips flips each.
TEST(LogReader, BitsOf64KiBFlipped)
{
    const std::size_t every = effort(instrumented ? 48 : 3, 1);
    log_builder log{64 << 10};
    log.begin(1);
    strings bodies;
    while (log.end() + 3000 < (64 << 10)) {
        bodies.push_back(std::string(900 + bodies.size(), static_cast<char>('a' + bodies.size() % 26)));
        log.add(bodies.back());
        log.durable_upto = log.sequence - 1;
    }
    const auto covered = log.sequence - 1;
    log.type = frame_type::watermark;
    log.add({});
    bodies.emplace_back();
    const auto used_end = log.end();
    std::string& bytes = log.bytes(1);
    for (std::size_t bit = 0; bit < bytes.size() * 8; bit += every) {
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
        const auto all = read_all(log.read(1));
        bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
        ASSERT_LE(all.bodies.size(), bodies.size());
        ASSERT_TRUE(std::equal(all.bodies.begin(), all.bodies.end(), bodies.begin())) << bit;
        ASSERT_TRUE(all.bodies.size() >= covered || all.failure == errc::corrupt) << bit;
        ASSERT_TRUE(bit / 8 < used_end || all.bodies.size() == bodies.size()) << bit;
    }
    std::printf("one bit of %zu flipped\n", every);
}

}  // namespace
