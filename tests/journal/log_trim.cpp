#include "log_testing.hpp"

namespace {

using namespace queuectl;
using namespace queuectl::journal_testing;

// A machine with a log of seven segments or so, a body to a segment.
struct long_log {
    simulated_machine<> machine;
    simulated_process<> p = machine.start(1);

    long_log()
    {
        for (int i = 0; i < 10; ++i) EXPECT_TRUE(p.append_durably(std::to_string(i) + std::string(1200, '.')));
    }
    [[nodiscard]] std::vector<std::uint64_t> segments()
    {
        std::vector<std::uint64_t> numbers;
        for (const auto& [name, file] : machine.disk.state().cached)
            if (const auto number = journal::segment_number(name)) numbers.push_back(number);
        return numbers;
    }
    [[nodiscard]] std::uint64_t newest() { return machine.words.segment.load(); }
};

TEST(LogTrim, RemovesWhatLiesBeforeOnceItIsDurable)
{
    long_log log;
    auto& p = log.p;
    const auto before = log.segments();
    ASSERT_GT(before.size(), 5U);
    std::optional<journal::log_ticket> ticket;
    {
        auto turn = p.log->take_turn(p.heard);
        const auto got = turn->trim(4, "for the user");
        ASSERT_TRUE(got);
        ticket = *got;
        ASSERT_TRUE(p.log->drop_trimmed());
        EXPECT_EQ(log.segments(), before);
        ASSERT_TRUE(p.log->sync(*ticket));
        ASSERT_TRUE(p.log->drop_trimmed());
    }
    EXPECT_EQ(log.segments().front(), 4U);
    EXPECT_EQ(log.segments().back(), before.back());
    const auto calls = log.machine.disk.calls();
    ASSERT_TRUE(p.drop_trimmed());
    EXPECT_LE(log.machine.disk.calls(), calls + 6);  // the sink is told of the trim; nothing is listed or removed

    log.machine.boot = {9, 9};
    auto later = log.machine.start(2);
    ASSERT_TRUE(later.listen());
    EXPECT_EQ(later.heard.bodies.rbegin()->second.front(), '9');
    EXPECT_EQ(later.heard.places.begin()->second.segment, 4U);
    EXPECT_EQ(later.heard.trims, std::vector<std::string>{"for the user"});
    ASSERT_TRUE(later.append("goes on"));
    EXPECT_EQ(later.read_back(), "");
}

TEST(LogTrim, WhoHasHeardOnlyWhatIsRemovedHearsAllAgain)
{
    long_log log;
    auto lagging = log.machine.start(2);
    {
        auto early = log.p.heard.places.begin()->second;
        lagging.heard.at = {early.segment, early.offset + 1256 - journal::frame_header_bytes, 2, 7};
        lagging.heard.bodies[1] = "void";
    }
    ASSERT_TRUE(log.p.trim_durably(log.newest(), {}));
    ASSERT_TRUE(log.p.drop_trimmed());
    ASSERT_TRUE(lagging.listen());
    EXPECT_EQ(lagging.heard.restarts, 1);
    EXPECT_EQ(lagging.heard.bodies.size(), 1U);
}

TEST(LogTrim, WhatCannotBeIsRefused)
{
    long_log log;
    auto turn = log.p.log->take_turn(log.p.heard);
    EXPECT_EQ(turn->trim(0).error().code, errc::invalid_argument);
    EXPECT_EQ(turn->trim(log.newest() + 1).error().code, errc::invalid_argument);
    ASSERT_TRUE(turn->trim(3));
    EXPECT_EQ(turn->trim(2).error().code, errc::invalid_argument);
    EXPECT_TRUE(turn->trim(3));
}

TEST(LogTrim, TheUsersBytesLieAtTheirPlace)
{
    long_log log;
    ASSERT_TRUE(log.p.trim_durably(2, "the user's"));
    struct places : heard_bodies {
        journal::frame_place trim;
        void frame(const journal::log_position& behind, const journal::frame_place& place, std::string_view body)
        {
            heard_bodies::frame(behind, place, body);
            if (place.type == journal::frame_type::trim) trim = place;
        }
    } sink;
    auto turn = log.p.log->take_turn(sink);
    ASSERT_TRUE(turn);
    EXPECT_EQ(*log.p.log->read(sink.trim.segment, sink.trim.offset, 10), "the user's");
}

TEST(LogTrim, MissingSegmentsAreDamage)
{
    for (const auto lost : {1U, 2U, 4U}) {
        long_log log;
        ASSERT_TRUE(log.p.trim_durably(lost == 4 ? 3 : lost, {}));
        simulated_file_system fs{log.machine.disk};
        for (std::uint64_t number = 1; number <= lost; ++number)
            if (lost != 4 || number >= 3) {
                ASSERT_TRUE(fs.remove(journal::segment_name(number)));
            }
        log.machine.boot = {9, 9};
        auto later = log.machine.start(2);
        const auto heard = later.listen();
        ASSERT_FALSE(heard) << lost;
        EXPECT_EQ(heard.error().code, errc::corrupt) << heard.error().message();
    }
}

TEST(LogTrim, ARemovalThatWasCutOffIsFinished)
{
    long_log log;
    ASSERT_TRUE(log.p.trim_durably(5, {}));
    simulated_file_system fs{log.machine.disk};
    ASSERT_TRUE(fs.remove(journal::segment_name(1)));
    log.machine.boot = {9, 9};
    auto later = log.machine.start(2);
    ASSERT_TRUE(later.listen());
    EXPECT_EQ(later.heard.places.begin()->second.segment, 2U);
    ASSERT_TRUE(later.drop_trimmed());
    EXPECT_EQ(log.segments().front(), 2U);  // nobody knows yet that the trim is durable
    ASSERT_TRUE(later.log->settle_down(later.heard));
    ASSERT_TRUE(later.drop_trimmed());
    EXPECT_EQ(log.segments().front(), 5U);
}

// A trim that is lost with a failed sync removes nothing, though its sequence is used again and synced.
TEST(LogTrim, ATrimThatIsLostRemovesNothing)
{
    long_log log;
    const auto before = log.segments();
    auto& newest = *log.machine.disk.state().cached.rbegin()->second;
    {
        auto turn = log.p.log->take_turn(log.p.heard);
        const auto ticket = turn->trim(4);
        ASSERT_TRUE(ticket);
        log.machine.disk.fail_next_sync();
        ASSERT_FALSE(log.p.log->sync(*ticket));
    }
    newest.cached = newest.stored;
    ASSERT_TRUE(log.p.append_durably("successor"));
    ASSERT_TRUE(log.p.append_durably("another"));
    ASSERT_TRUE(log.p.drop_trimmed());
    EXPECT_EQ(log.segments().front(), 1U);
    EXPECT_EQ(log.segments().size(), before.size() + 1);
}

}  // namespace
