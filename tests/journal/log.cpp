#include "log_testing.hpp"

namespace {

using namespace queuectl;
using namespace queuectl::journal_testing;
using journal::append_room;

std::vector<std::string> texts(const heard_bodies& heard)
{
    std::vector<std::string> all;
    for (const auto& [sequence, body] : heard.bodies) all.push_back(body);
    return all;
}
using strings = std::vector<std::string>;

TEST(Log, WhatOneAppendsAnotherHears)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    auto b = machine.start(2);
    ASSERT_TRUE(a.log && b.log);
    ASSERT_TRUE(a.append({"one", "two"}));
    ASSERT_TRUE(b.append({"three"}));
    ASSERT_TRUE(a.append({"four"}));
    ASSERT_TRUE(b.log->catch_up(b.heard));
    EXPECT_EQ(texts(a.heard), (strings{"one", "two", "three", "four"}));
    EXPECT_EQ(texts(b.heard), texts(a.heard));
    auto c = machine.start(3);
    ASSERT_TRUE(c.log->catch_up(c.heard));
    EXPECT_EQ(texts(c.heard), texts(a.heard));
}

TEST(Log, RollsOverToLargerSegments)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    auto b = machine.start(2);
    for (int i = 0; i < 60; ++i) {
        auto& writer = i % 3 == 0 ? b : a;
        ASSERT_TRUE(writer.append({std::string(100, static_cast<char>('A' + i))}));
    }
    ASSERT_TRUE(a.append({std::string(10'000, 'x')}));
    ASSERT_TRUE(b.append({"last"}));
    ASSERT_TRUE(a.log->catch_up(a.heard));
    EXPECT_EQ(texts(a.heard), texts(b.heard));
    EXPECT_EQ(a.heard.bodies.size(), 62U);
    EXPECT_GE(machine.words.segment.load(), 5U);
    const auto& names = machine.disk.state().cached;
    EXPECT_EQ(names.find(journal::segment_name(1))->second->cached.size(), 1024U);
    EXPECT_EQ(names.find(journal::segment_name(2))->second->cached.size(), 2048U);
    EXPECT_EQ(names.count(journal::segment_name(2, ".new")), 0U);
}

TEST(Log, ReopensAfterAnotherBootAndFromAPosition)
{
    simulated_machine<> machine;
    journal::log_position middle;
    {
        auto a = machine.start();
        for (int i = 0; i < 20; ++i) {
            ASSERT_TRUE(a.append({std::to_string(i) + std::string(80, '.')}));
            if (i == 11) {
                auto turn = a.log->take_turn(a.heard);
                middle = turn->position();
            }
        }
        ASSERT_TRUE(a.log->settle_down(a.heard));
    }
    machine.boot = {9, 9};
    auto b = machine.start(2);
    ASSERT_TRUE(b.log->catch_up(b.heard));
    EXPECT_EQ(b.heard.bodies.size(), 20U);
    auto options = small_options(3, machine.boot);
    options.start = middle;
    simulated_process<> c{machine.disk, machine.gate, machine.words, options};
    ASSERT_TRUE(c.append({"more"}));
    EXPECT_EQ(c.heard.bodies.size(), 9U);
    EXPECT_EQ(c.heard.bodies.begin()->first, 13U);
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
    const auto first = a.append({"one"});
    const auto second = b.append({"two"});
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
    ASSERT_TRUE(a.append_durably({"one"}));
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
    options.mode = journal::durability::none;
    simulated_process<> none{machine.disk, machine.gate, machine.words, options};
    ASSERT_TRUE(none.append_durably({"one"}));
    EXPECT_EQ(machine.words.synced.load(), 0U);
    options.mode = journal::durability::interval;
    options.interval = std::chrono::hours{1};
    simulated_process<> hourly{machine.disk, machine.gate, machine.words, options};
    machine.words.synced_at = queuectl::detail::monotonic_us();
    ASSERT_TRUE(hourly.append_durably({"two"}));
    EXPECT_EQ(machine.words.synced.load(), 0U);
    machine.words.synced_at = queuectl::detail::monotonic_us() - 3'700'000'000;
    ASSERT_TRUE(hourly.append_durably({"three"}));
    EXPECT_EQ(machine.words.synced.load(), 3U);
}

TEST(Log, AFullDiskRefusesAppendsButNotSettlesAndGoesOnByItself)
{
    simulated_machine<> machine;
    auto a = machine.start();
    ASSERT_TRUE(a.append({"first"}));
    machine.disk.set_room(100);
    int taken = 1;
    for (;; ++taken) {
        const auto got = a.append({std::string(56, 'x')});
        if (got) continue;
        EXPECT_EQ(got.error().code, errc::store_full);
        break;
    }
    EXPECT_TRUE(a.append({std::string(56, 's')}, append_room::reserve));
    EXPECT_EQ(a.append({std::string(56, 'x')}).error().code, errc::store_full);
    auto b = machine.start(2);
    ASSERT_TRUE(b.log->catch_up(b.heard));
    EXPECT_EQ(b.heard.bodies.size(), static_cast<std::size_t>(taken) + 1);
    machine.disk.set_room({});
    EXPECT_TRUE(a.append({std::string(56, 'x')}));
}

// Whatever fails at whichever call: an append that failed is not there, or said that it may be.
TEST(Log, AnyFaultAtAnyCall)
{
    for (const auto fault : {disk_fault::io_error, disk_fault::full, disk_fault::interrupted,
                             disk_fault::short_transfer, disk_fault::failed_sync})
        for (std::uint64_t nth = 1; nth < 60; ++nth) {
            simulated_machine<> machine;
            auto a = machine.start(1);
            ASSERT_TRUE(a.log);
            std::map<std::string, bool> surely;
            machine.disk.inject(fault, nth);
            for (int i = 0; i < 14; ++i) {
                const auto text = std::to_string(i) + std::string(150, '.');
                const auto got = a.append_durably({text, "second of " + text});
                if (got) surely[text] = true;
                if (!got && got.error().code != errc::outcome_unknown) surely[text] = false;
            }
            ASSERT_TRUE(a.append_durably({"last"}));
            auto b = machine.start(2);
            ASSERT_TRUE(b.log->catch_up(b.heard));
            const auto all = texts(b.heard);
            for (const auto& [text, there] : surely) {
                ASSERT_EQ(std::count(all.begin(), all.end(), text), there ? 1 : 0) << nth << ' ' << text;
                ASSERT_EQ(std::count(all.begin(), all.end(), "second of " + text), there ? 1 : 0) << nth;
            }
        }
}

TEST(Log, WhatAFailedSyncCoveredIsCopiedAndNobodyIsToldItIsDurable)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    auto b = machine.start(2);
    ASSERT_TRUE(a.append_durably({"durable"}));
    const auto mine = a.append({"mine"});
    const auto other = b.append({"other"});
    machine.disk.fail_next_sync();
    EXPECT_EQ(a.log->sync(*mine).error().code, errc::outcome_unknown);
    EXPECT_EQ(b.log->sync(*other).error().code, errc::outcome_unknown);
    EXPECT_EQ(machine.words.segment.load(), 1U);
    ASSERT_TRUE(b.append_durably({"after"}));
    EXPECT_EQ(machine.words.segment.load(), 2U);
    EXPECT_EQ(texts(b.heard), (strings{"durable", "mine", "other", "after"}));
    EXPECT_EQ(a.log->sync(*mine).error().code, errc::outcome_unknown);
    ASSERT_TRUE(a.log->catch_up(a.heard));
    EXPECT_EQ(texts(a.heard), texts(b.heard));
    for (const auto& plan : machine.disk.crash_plans(5)) {
        simulated_machine<> later{machine.disk.crash(plan)};
        auto c = later.start(3);
        ASSERT_TRUE(c.log->catch_up(c.heard)) << plan.describe();
        EXPECT_EQ(texts(c.heard), texts(b.heard)) << plan.describe();
    }
}

// The cache has dropped the page that was never written: what was there was never acknowledged, and its sequence is
// used again; who still waits for it must not take the successor for it.
TEST(Log, WhatIsLostByAFailedSyncIsNotMistakenForItsSuccessor)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    auto b = machine.start(2);
    ASSERT_TRUE(a.append_durably({"durable"}));
    const auto lost = a.append({"lost"});
    machine.disk.fail_next_sync();
    ASSERT_FALSE(a.log->sync(*lost));
    auto& file = *machine.disk.state().cached.begin()->second;
    file.cached = file.stored;
    const auto next = b.append_durably({"successor"});
    ASSERT_TRUE(next);
    EXPECT_EQ(next->sequence, lost->sequence);
    EXPECT_EQ(a.log->sync(*lost).error().code, errc::outcome_unknown);
    ASSERT_TRUE(a.log->catch_up(a.heard));
    EXPECT_EQ(texts(a.heard), (strings{"durable", "successor"}));
    EXPECT_EQ(a.heard.restarts, 1);
}

TEST(Log, WhatIsThereCanBeReadWhileAFailedSyncCannotBeMadeGood)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    auto b = machine.start(2);
    const auto ticket = a.append({"one"});
    machine.disk.fail_next_sync();
    EXPECT_FALSE(a.log->sync(*ticket));
    machine.disk.set_room(100);
    ASSERT_TRUE(b.log->catch_up(b.heard));
    EXPECT_EQ(texts(b.heard), strings{"one"});
    EXPECT_EQ(b.log->sync(b.log->ticket()).error().code, errc::outcome_unknown);
    EXPECT_EQ(b.append({"two"}).error().code, errc::store_full);
    machine.disk.set_room({});
    ASSERT_TRUE(b.append_durably({"two"}));
    EXPECT_EQ(texts(b.heard), (strings{"one", "two"}));
}

TEST(Log, ALeaderThatDiedInItsSyncMayHaveSwallowedAFailure)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    const auto ticket = a.append({"one"});
    machine.words.syncing = 1;
    EXPECT_EQ(a.log->sync(*ticket).error().code, errc::outcome_unknown);
    auto b = machine.start(2);
    ASSERT_TRUE(b.append_durably({"two"}));
    EXPECT_EQ(machine.words.segment.load(), 2U);
    EXPECT_EQ(texts(b.heard), (strings{"one", "two"}));
}

TEST(Log, DamageIsReadUpToAndNeverWrittenOver)
{
    simulated_machine<> machine;
    {
        auto a = machine.start(1);
        for (const char* body : {"one", "two", "three"}) ASSERT_TRUE(a.append_durably({body}));
        ASSERT_TRUE(a.log->settle_down(a.heard));
    }
    auto& bytes = machine.disk.state().cached.begin()->second->cached;
    bytes[journal::frames_begin + 48 + 40] ^= 1;
    const auto before = bytes;
    machine.boot = {9, 9};
    auto b = machine.start(2);
    ASSERT_TRUE(b.log);
    EXPECT_EQ(b.log->catch_up(b.heard).error().code, errc::corrupt);
    EXPECT_EQ(texts(b.heard), strings{"one"});
    const auto refused = b.append({"four"});
    EXPECT_EQ(refused.error().code, errc::corrupt);
    EXPECT_NE(refused.error().message().find("0000000000000001.log: damage at offset 176"), std::string::npos)
        << refused.error().message();
    EXPECT_EQ(bytes, before);
}

TEST(Log, ANewerFormatMayBeReadButNotWritten)
{
    simulated_machine<> machine;
    {
        auto a = machine.start(1);
        ASSERT_TRUE(a.append_durably({"one"}));
    }
    auto& bytes = machine.disk.state().cached.begin()->second->cached;
    bytes[16] = 2;
    journal::detail::store_le(bytes.data() + 20, journal::detail::segment_header_crc(bytes.data()));
    auto b = machine.start(2);
    ASSERT_TRUE(b.log->catch_up(b.heard));
    EXPECT_EQ(b.append({"two"}).error().code, errc::wrong_version);
}

}  // namespace
