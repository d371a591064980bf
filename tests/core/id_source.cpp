#include <queuectl/id_source.hpp>

#include <queuectl/limits.hpp>

#include <gtest/gtest.h>

#include <set>

using namespace queuectl;
using namespace std::chrono_literals;

namespace {

instant at(std::chrono::milliseconds wall) { return {timestamp{wall}, {}, {}}; }

TEST(IdSource, FifteenCharactersThatAreAName)
{
    id_source ids;
    random_source random{1};
    const std::string id = ids(at(1'700'000'000'000ms), random);
    EXPECT_EQ(id.size(), 15u);
    EXPECT_TRUE(limits::is_name(id, limits::id_bytes));
}

TEST(IdSource, SortsByTimeAndNeverRepeats)
{
    id_source ids;
    random_source random{2};
    std::string last;
    for (int i = 0; i < 10'000; ++i) {
        const std::string id = ids(at(std::chrono::milliseconds{1'700'000'000'000 + i / 100}), random);
        EXPECT_LT(last, id);
        last = id;
    }
}

TEST(IdSource, AClockThatGoesBackwardsDoesNotMakeItRepeat)
{
    id_source ids;
    random_source random{3};
    std::set<std::string> seen;
    for (int i = 0; i < 1000; ++i)
        EXPECT_TRUE(seen.insert(ids(at(std::chrono::milliseconds{5000 - i}), random)).second);
}

TEST(RandomSource, TheSameSeedRepeatsAndAnotherDoesNot)
{
    random_source a{7}, b{7}, c{8};
    EXPECT_EQ(a(), b());
    EXPECT_NE(a(), c());
    EXPECT_NE(random_source{}(), random_source{}());
}

}  // namespace
