// What a log makes of a full disk, of calls that fail, and of damage.
#include "log_testing.hpp"

namespace {

using namespace queuectl;
using namespace queuectl::journal_testing;
using journal::append_room;

TEST(Log, AFullDiskRefusesAppendsButNotSettlesAndGoesOnByItself)
{
    simulated_machine<> machine;
    auto a = machine.start();
    ASSERT_TRUE(a.append("first"));
    machine.disk.set_room(100);
    int taken = 1;
    for (;; ++taken) {
        const auto got = a.append(std::string(56, 'x'));
        if (got) continue;
        EXPECT_EQ(got.error().code, errc::store_full);
        break;
    }
    EXPECT_TRUE(a.append(std::string(56, 's'), append_room::reserve));
    EXPECT_EQ(a.append(std::string(56, 'x')).error().code, errc::store_full);
    auto b = machine.start(2);
    ASSERT_TRUE(b.listen());
    EXPECT_EQ(b.heard.bodies.size(), static_cast<std::size_t>(taken) + 1);
    machine.disk.set_room({});
    EXPECT_TRUE(a.append(std::string(56, 'x')));
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
                const auto text = std::to_string(i) + std::string(350, '.');
                const auto got = a.append_durably(text);
                if (got) surely[text] = true;
                if (!got && got.error().code != errc::outcome_unknown) surely[text] = false;
            }
            ASSERT_TRUE(a.append_durably("last"));
            auto b = machine.start(2);
            ASSERT_TRUE(b.listen());
            const auto all = texts(b.heard);
            for (const auto& [text, there] : surely) {
                ASSERT_EQ(std::count(all.begin(), all.end(), text), there ? 1 : 0) << nth << ' ' << text;
            }
        }
}

// What was heard stands in a segment that was given up, and has moved.
TEST(Log, AfterAFailedSyncAllIsHeardAtItsNewPlace)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    ASSERT_TRUE(a.append_durably("durable"));
    const auto moved = a.append("moved");
    machine.disk.fail_next_sync();
    ASSERT_FALSE(a.log->sync(*moved));
    auto b = machine.start(2);
    b.heard = a.heard;
    ASSERT_TRUE(b.append("more"));
    EXPECT_EQ(b.heard.restarts, 2);
    EXPECT_EQ(b.heard.places.at(moved->sequence).segment, 2U);
    EXPECT_EQ(b.read_back(), "");
    ASSERT_TRUE(a.listen());
    EXPECT_EQ(a.read_back(), "");
}

TEST(Log, WhatAFailedSyncCoveredIsCopiedAndNobodyIsToldItIsDurable)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    auto b = machine.start(2);
    ASSERT_TRUE(a.append_durably("durable"));
    const auto mine = a.append("mine");
    const auto other = b.append("other");
    machine.disk.fail_next_sync();
    EXPECT_EQ(a.log->sync(*mine).error().code, errc::outcome_unknown);
    EXPECT_EQ(b.log->sync(*other).error().code, errc::outcome_unknown);
    EXPECT_EQ(machine.words.segment.load(), 1U);
    ASSERT_TRUE(b.append_durably("after"));
    EXPECT_EQ(machine.words.segment.load(), 2U);
    EXPECT_EQ(texts(b.heard), (strings{"durable", "mine", "other", "after"}));
    EXPECT_EQ(a.log->sync(*mine).error().code, errc::outcome_unknown);
    ASSERT_TRUE(a.listen());
    EXPECT_EQ(texts(a.heard), texts(b.heard));
    for (const auto& plan : machine.disk.crash_plans(5)) {
        simulated_machine<> later{machine.disk.crash(plan)};
        auto c = later.start(3);
        ASSERT_TRUE(c.listen()) << plan.describe();
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
    ASSERT_TRUE(a.append_durably("durable"));
    const auto lost = a.append("lost");
    machine.disk.fail_next_sync();
    ASSERT_FALSE(a.log->sync(*lost));
    auto& file = *machine.disk.state().cached.begin()->second;
    file.cached = file.stored;
    const auto next = b.append_durably("successor");
    ASSERT_TRUE(next);
    EXPECT_EQ(next->sequence, lost->sequence);
    EXPECT_EQ(a.log->sync(*lost).error().code, errc::outcome_unknown);
    ASSERT_TRUE(a.listen());
    EXPECT_EQ(texts(a.heard), (strings{"durable", "successor"}));
    EXPECT_EQ(a.heard.restarts, 2);
}

TEST(Log, WhatIsThereCanBeReadWhileAFailedSyncCannotBeMadeGood)
{
    simulated_machine<> machine;
    auto a = machine.start(1);
    auto b = machine.start(2);
    const auto ticket = a.append("one");
    machine.disk.fail_next_sync();
    EXPECT_FALSE(a.log->sync(*ticket));
    machine.disk.set_room(100);
    ASSERT_TRUE(b.listen());
    EXPECT_EQ(texts(b.heard), strings{"one"});
    const auto seen = [&] { return b.log->take_turn(b.heard)->seen(); }();
    EXPECT_EQ(b.log->sync(seen).error().code, errc::outcome_unknown);
    EXPECT_EQ(b.append("two").error().code, errc::store_full);
    machine.disk.set_room({});
    ASSERT_TRUE(b.append_durably("two"));
    EXPECT_EQ(texts(b.heard), (strings{"one", "two"}));
}

TEST(Log, DamageIsReadUpToAndNeverWrittenOver)
{
    simulated_machine<> machine;
    {
        auto a = machine.start(1);
        for (const char* body : {"one", "two", "three"}) ASSERT_TRUE(a.append_durably(body));
        ASSERT_TRUE(a.log->settle_down(a.heard));
    }
    auto& bytes = machine.disk.state().cached.begin()->second->cached;
    bytes[journal::frames_begin + 48 + 40] ^= 1;
    const auto before = bytes;
    machine.boot = {9, 9};
    auto b = machine.start(2);
    ASSERT_TRUE(b.log);
    EXPECT_EQ(b.listen().error().code, errc::corrupt);
    EXPECT_EQ(texts(b.heard), strings{"one"});
    const auto refused = b.append("four");
    EXPECT_EQ(refused.error().code, errc::corrupt);
    EXPECT_NE(refused.error().message().find("0000000000000001.log: damage at offset 176"), std::string::npos)
        << refused.error().message();
    EXPECT_EQ(bytes, before);
}

}  // namespace
