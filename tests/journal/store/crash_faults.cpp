// Calls that fail, and long lives, of journals on a simulated disk.
#include "journal/store/crash_faults.hpp"

#include <queuectl/testing/effort.hpp>

#include <cstdio>

namespace queuectl::journal_testing {
namespace {

TEST(JournalFaults, AnyCallOfAnySequenceMayFail)
{
    const auto report = fault_search<small_guards>{fast ? effort(3, 4) : 2}.run();
    EXPECT_EQ(report.fault, "");
    std::printf("%llu faults, %llu refused, %llu unknown\n", static_cast<unsigned long long>(report.faults),
                static_cast<unsigned long long>(report.refused), static_cast<unsigned long long>(report.unknown));
    EXPECT_GT(report.unknown, 0U);
}

TEST(JournalCrash, LongRandomLives)
{
    for (std::uint64_t seed = 1; seed <= (fast ? effort(20, 2000) : 4); ++seed) {
        const auto report = store_search<small_guards>{{0, true, true}}.run_random(seed, 300);
        ASSERT_EQ(report.fault, "");
        if (seed % 10 == 0)
            std::printf("seed %llu: %llu distinct, %llu cut, %llu kills\n", static_cast<unsigned long long>(seed),
                        static_cast<unsigned long long>(report.distinct), static_cast<unsigned long long>(report.cut),
                        static_cast<unsigned long long>(report.kills));
    }
}

}  // namespace
}  // namespace queuectl::journal_testing
