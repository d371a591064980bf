#include "log_testing.hpp"

namespace {

using namespace queuectl;
using namespace queuectl::journal_testing;
using journal::append_room;

TEST(Log, WhatOneAppendsAnotherHears)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    auto b = machine.start(2);
    ASSERT_TRUE(a.log && b.log);
    ASSERT_TRUE(a.append("one"));
    ASSERT_TRUE(a.append("two"));
    ASSERT_TRUE(b.append("three"));
    ASSERT_TRUE(a.append("four"));
    ASSERT_TRUE(b.listen());
    EXPECT_EQ(texts(a.heard), (strings{"one", "two", "three", "four"}));
    EXPECT_EQ(texts(b.heard), texts(a.heard));
    auto c = machine.start(3);
    ASSERT_TRUE(c.listen());
    EXPECT_EQ(texts(c.heard), texts(a.heard));
}

TEST(Log, RollsOverToLargerSegments)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    auto b = machine.start(2);
    for (int i = 0; i < 60; ++i) {
        auto& writer = i % 3 == 0 ? b : a;
        ASSERT_TRUE(writer.append(std::string(100, static_cast<char>('A' + i))));
    }
    ASSERT_TRUE(a.append(std::string(10'000, 'x')));
    ASSERT_TRUE(b.append("last"));
    ASSERT_TRUE(a.listen());
    EXPECT_EQ(texts(a.heard), texts(b.heard));
    EXPECT_EQ(a.heard.bodies.size(), 62U);
    EXPECT_GE(machine.words.segment.load(), 5U);
    const auto& names = machine.disk.state().cached;
    EXPECT_EQ(names.find(journal::segment_name(1))->second->cached.size(), 1024U);
    EXPECT_EQ(names.find(journal::segment_name(2))->second->cached.size(), 2048U);
    EXPECT_EQ(names.count(journal::segment_name(2, ".new")), 0U);
}

TEST(Log, ReopensAfterAnotherBoot)
{
    simulated_machine<> machine;
    {
        auto a = machine.start();
        for (int i = 0; i < 20; ++i) ASSERT_TRUE(a.append(std::to_string(i) + std::string(80, '.')));
        ASSERT_TRUE(a.log->settle_down(a.heard));
    }
    machine.boot = {9, 9};
    auto b = machine.start(2);
    ASSERT_TRUE(b.listen());
    EXPECT_EQ(b.heard.bodies.size(), 20U);
    EXPECT_EQ(b.heard.restarts, 1);
    ASSERT_TRUE(b.append("more"));
    EXPECT_EQ(b.read_back(), "");
}

// What the processes of a store know together: another process goes on where the last one was, and reads nothing.
TEST(Log, WhoSharesWhatWasHeardReadsNothing)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(a.append(std::to_string(i) + std::string(80, '.')));
    auto b = machine.start(2);
    b.heard = a.heard;
    const auto calls = machine.disk.calls();
    {
        auto turn = b.log->take_turn(b.heard);
        ASSERT_TRUE(turn);
        EXPECT_EQ(turn->position(), a.heard.at);
    }
    EXPECT_EQ(machine.disk.calls(), calls);
    ASSERT_TRUE(b.append("from there on"));
    EXPECT_LE(machine.disk.calls(), calls + 5);  // opens a segment, reads its header twice, writes
    ASSERT_TRUE(a.listen());
    EXPECT_EQ(texts(a.heard), texts(b.heard));
    EXPECT_EQ(a.heard.at, b.heard.at);
    EXPECT_EQ(a.heard.restarts, 1);
    EXPECT_EQ(b.heard.restarts, 1);
}

// Its process has died between the append and the sink's own commit.
TEST(Log, WhoLagsBehindIsToldTheRest)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(a.append(std::to_string(i) + std::string(80, '.')));
    for (const auto lag : {1U, 2U, 30U}) {
        auto b = machine.start(lag);
        auto c = machine.start(lag + 1);
        {
            auto turn = b.log->take_turn(b.heard);
            ASSERT_TRUE(turn);
            c.heard = b.heard;
            for (unsigned i = 0; i < lag; ++i)
                ASSERT_TRUE(turn->append(std::to_string(i) + "+" + std::string(90, '.')));
        }
        const auto before = c.heard.bodies.size();
        ASSERT_TRUE(c.listen());
        EXPECT_EQ(c.heard.bodies.size(), before + lag);
        EXPECT_EQ(c.heard.restarts, 1);
        EXPECT_EQ(c.read_back(), "");
    }
}

TEST(Log, APositionThatCannotBeIsHeardFromTheBegin)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(a.append(std::to_string(i) + std::string(80, '.')));
    const auto end = a.heard.at;
    const std::vector<journal::log_position> wrong{
        {},
        {end.segment + 1, journal::frames_begin, end.sequence, end.previous_crc},
        {end.segment, end.offset + 48, end.sequence + 1, 5},
        {end.segment, end.offset - 8, end.sequence - 1, 5},
        {end.segment, end.offset, end.sequence, end.previous_crc + 1},
    };
    for (const auto& position : wrong) {
        auto b = machine.start(2);
        b.heard.at = position;
        b.heard.bodies[99] = "void";
        const auto done = b.listen();
        ASSERT_TRUE(done) << done.error().message();
        EXPECT_EQ(b.heard.restarts, 1);
        EXPECT_EQ(texts(b.heard), texts(a.heard));
    }
}

TEST(Log, APreparedBodyLandsAtItsPlace)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    auto b = machine.start(2);
    for (std::size_t i = 0; i < 120; ++i) {
        auto& p = i % 5 == 0 ? b : a;
        auto turn = p.log->take_turn(p.heard);
        ASSERT_TRUE(turn);
        const std::string body = std::to_string(i) + std::string(i * 37 % 300, '.');
        const auto room = i % 3 == 0 ? append_room::reserve : append_room::normal;
        const auto place = turn->prepare(body.size() + i % 7 * 40, room);
        ASSERT_TRUE(place);
        const auto ticket = turn->append(body);
        ASSERT_TRUE(ticket);
        ASSERT_EQ(*p.log->read(place->segment, place->offset, body.size()), body) << i;
        p.heard.remember(ticket->sequence, *place, body);
        p.heard.at = turn->position();
    }
    EXPECT_EQ(a.read_back(), "");
    auto c = machine.start(3);
    ASSERT_TRUE(b.listen());
    ASSERT_TRUE(c.listen());
    EXPECT_EQ(c.heard.places, b.heard.places);
}

TEST(Log, ReadsBackWhatOthersAppend)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    auto b = machine.start(2);
    for (int i = 0; i < 100; ++i) {
        auto& writer = i % 3 == 0 ? a : b;
        ASSERT_TRUE(writer.append(std::to_string(i) + std::string(static_cast<std::size_t>(i % 9) * 20, 'x')));
        EXPECT_EQ(a.read_back(), "");
    }
    auto turn = b.log->take_turn(b.heard);
    ASSERT_TRUE(turn);
    const auto end = turn->position();
    EXPECT_EQ(b.log->read(end.segment, end.offset, 1).error().code, errc::corrupt);
    EXPECT_EQ(b.log->read(end.segment, end.offset - 8, 9).error().code, errc::corrupt);
    EXPECT_EQ(b.log->read(end.segment, ~std::uint64_t{0}, 9).error().code, errc::corrupt);
    EXPECT_EQ(b.log->read(end.segment + 1, 128, 1).error().code, errc::corrupt);
    ASSERT_TRUE(simulated_file_system{machine.disk}.remove(journal::segment_name(3)));
    const auto missing = b.log->read(3, 168, 4);
    EXPECT_EQ(missing ? "" : missing.error().message(),
              "read 0000000000000003.log: at offset 168: the segment is missing");
}

TEST(Log, ReadingNearbyCostsNoCall)
{
    simulated_machine<> machine;
    auto options = small_options(1);
    options.sizes = {1 << 20, 1 << 20};
    simulated_process<> a{machine.disk, machine.gate, machine.words, options};
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(a.append(std::string(1000, 'x')));
    ASSERT_EQ(a.read_back(), "");
    const auto calls = machine.disk.calls();
    ASSERT_EQ(a.read_back(), "");
    EXPECT_LE(machine.disk.calls(), calls + 3);
}

TEST(Log, AMissingLogIsNotCreatedUnlessAsked)
{
    simulated_machine<> machine;
    auto options = small_options(1);
    options.create = false;
    simulated_file_system fs{machine.disk};
    EXPECT_EQ(simulated_log<>::open(fs, machine.gate, machine.words, options).error().code, errc::not_found);
    EXPECT_TRUE(fs.list()->empty());
}

TEST(Log, OneSyncIsEnoughForAllThatIsWritten)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    auto b = machine.start(2);
    const auto first = a.append("one");
    const auto second = b.append("two");
    ASSERT_TRUE(b.log->sync(*second));
    const auto calls = machine.disk.calls();
    EXPECT_TRUE(a.log->sync(*first));
    EXPECT_EQ(machine.disk.calls(), calls);
    EXPECT_EQ(machine.words.synced.load(), 2U);
}

TEST(Log, AWatermarkIsWrittenOnce)
{
    simulated_machine<> machine;
    auto a = machine.start();
    ASSERT_TRUE(a.append_durably("one"));
    ASSERT_TRUE(a.log->settle_down(a.heard));
    EXPECT_EQ(machine.words.written.load(), 2U);
    ASSERT_TRUE(a.log->settle_down(a.heard));
    EXPECT_EQ(machine.words.written.load(), 2U);
    auto b = machine.start(2);
    ASSERT_TRUE(b.log->settle_down(b.heard));
    EXPECT_EQ(machine.words.written.load(), 2U);
    EXPECT_EQ(texts(b.heard), strings{"one"});
}

TEST(Log, DurabilityNoneAndIntervalDoNotWait)
{
    simulated_machine<> machine;
    auto options = small_options(1);
    options.mode = queuectl::durability::none;
    simulated_process<> none{machine.disk, machine.gate, machine.words, options};
    ASSERT_TRUE(none.append_durably("one"));
    EXPECT_EQ(machine.words.synced.load(), 0U);
    options.mode = queuectl::durability::interval;
    options.interval = std::chrono::hours{1};
    {
        simulated_process<> hourly{machine.disk, machine.gate, machine.words, options};
        ASSERT_TRUE(hourly.append_durably("two"));
        EXPECT_EQ(machine.words.synced.load(), 0U);
    }
    EXPECT_EQ(machine.words.synced.load(), 2U);
}

TEST(Log, ANewerFormatMayBeReadButNotWritten)
{
    simulated_machine<> machine;
    {
        auto a = machine.start(1);
        ASSERT_TRUE(a.append_durably("one"));
    }
    auto& bytes = machine.disk.state().cached.begin()->second->cached;
    bytes[16] = 2;
    journal::detail::store_le(bytes.data() + 20, journal::detail::segment_header_crc(bytes.data()));
    auto b = machine.start(2);
    ASSERT_TRUE(b.listen());
    EXPECT_EQ(b.append("two").error().code, errc::wrong_version);
}

}  // namespace
