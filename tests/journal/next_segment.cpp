#include "log_testing.hpp"

namespace {

using namespace queuectl;
using namespace queuectl::journal_testing;

// Segments of 1 MiB, bodies of 10 kB.
struct next_segment_test : testing::Test {
    simulated_machine<> machine;
    simulated_process<> p = start(1);

    simulated_process<> start(std::uint64_t seed)
    {
        auto options = small_options(seed, machine.boot);
        options.sizes = {1 << 20, 1 << 20};
        return {machine.disk, machine.gate, machine.words, options};
    }
    [[nodiscard]] std::uint64_t prepared(std::uint64_t number = 2)
    {
        const auto& names = machine.disk.state().cached;
        const auto found = names.find(journal::segment_name(number, ".new"));
        return found == names.end() ? 0 : found->second->cached.size();
    }
    void append(std::size_t bytes = 10'000) { ASSERT_TRUE(p.append(std::string(bytes, 'x'))); }
    void append_until(std::uint64_t offset)
    {
        while (p.heard.at.offset < offset) append();
    }
};

TEST_F(next_segment_test, GrowsInPiecesAndIsReadyInTime)
{
    append_until(1 << 18);
    EXPECT_LE(prepared(), 64U << 10);
    std::uint64_t before = prepared();
    while (p.heard.at.offset < (3 << 18)) {
        append();
        EXPECT_LE(prepared() - before, 128U << 10);
        before = prepared();
    }
    append();
    EXPECT_EQ(prepared(), 1U << 20);
    std::uint64_t most = 0;
    while (machine.words.segment.load() == 1) {
        const auto calls = machine.disk.calls();
        append();
        most = std::max(most, machine.disk.calls() - calls);
    }
    EXPECT_LE(most, 9U);  // no zeros: the old file opened (3) and synced, header, sync, name, folder, frame
    EXPECT_EQ(prepared(), 0U);
    append();
    EXPECT_EQ(p.read_back(), "");
}

// Where many wait for syncs, an append leaves it to who has time; but not so long that the file would be late.
TEST_F(next_segment_test, WhereManyWaitWhoHasTimeFillsMoreAtOnce)
{
    append();
    machine.words.batch = 100;
    const auto fill_ahead = [&] {
        auto turn = p.log->take_turn(p.heard);
        ASSERT_TRUE(turn);
        turn->fill_ahead();
    };
    append_until(3 << 17);
    EXPECT_EQ(prepared(), 0U);
    fill_ahead();
    EXPECT_GE(prepared(), 256U << 10);
    const auto before = prepared();
    append(20'000);
    fill_ahead();
    EXPECT_EQ(prepared(), before);
    append_until(3 << 18);
    EXPECT_EQ(prepared(), 1U << 20);
    fill_ahead();
    EXPECT_EQ(prepared(), 1U << 20);
    EXPECT_EQ(p.read_back(), "");
}

TEST_F(next_segment_test, AnotherProcessGoesOnWithWhatADeadOneHasFilled)
{
    append_until(1 << 19);
    auto& file = machine.disk.state().cached.find(journal::segment_name(2, ".new"))->second->cached;
    file.append(5000, '\0');
    p.fs.kill();
    auto other = start(2);
    while (machine.words.segment.load() == 1) ASSERT_TRUE(other.append(std::string(10'000, 'y')));
    const auto& made = machine.disk.state().cached.find(journal::segment_name(2))->second->cached;
    EXPECT_EQ(made.size(), 1U << 20);
    const auto used = static_cast<std::size_t>(machine.words.end.load());
    EXPECT_TRUE(journal::detail::all_zero(std::string_view{made}.substr(used)));
}

TEST_F(next_segment_test, WhatAnotherBootHasPreparedIsNotBelieved)
{
    append_until(3 << 18);
    auto& file = machine.disk.state().cached.find(journal::segment_name(2, ".new"))->second->cached;
    file.assign(file.size(), '#');
    machine.boot = {9, 9};
    auto later = start(2);
    ASSERT_TRUE(later.listen());
    EXPECT_EQ(prepared(), 0U);
    while (machine.words.segment.load() == 1) ASSERT_TRUE(later.append(std::string(10'000, 'y')));
    EXPECT_EQ(later.read_back(), "");
    machine.boot = {10, 10};
    auto last = start(3);
    ASSERT_TRUE(last.listen());
    EXPECT_EQ(last.heard.bodies.size(), later.heard.bodies.size());
}

TEST_F(next_segment_test, WithoutRoomNothingIsLeftAndAppendsGoOn)
{
    append_until(1 << 18);
    machine.disk.set_room(100'000);
    append_until(3 << 18);
    EXPECT_EQ(prepared(), 0U);
    machine.disk.set_room({});
    while (machine.words.segment.load() == 1) append();
    EXPECT_EQ(p.read_back(), "");
}

TEST_F(next_segment_test, ALargerFrameGetsALargerSegment)
{
    append_until(3 << 18);
    append(3 << 20);
    EXPECT_EQ(machine.words.segment.load(), 2U);
    append();
    EXPECT_EQ(p.read_back(), "");
}

}  // namespace
