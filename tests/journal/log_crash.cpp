#include "log_crash.hpp"

#include "instrumented.hpp"

#include <queuectl/testing/effort.hpp>

#include <cstdio>

namespace {

using namespace queuectl;
using namespace queuectl::journal_testing;

// Sequences of up to three operations; of up to two, instrumented, where LogSearches tries those of three unshared.
TEST(LogCrash, EverySequenceAtEveryCallWithEveryClassOfLoss)
{
    std::size_t distinct = 0;
    const std::size_t longest = effort(instrumented ? 2 : 3, 4);
    for (std::size_t round = 2; round <= 2 * longest + 1; ++round) {
        const std::size_t length = round / 2;
        const bool shared = round % 2 != 0;
        const auto report = crash_search<journal::all_guards>{length, effort(16, 4), shared}.run();
        EXPECT_EQ(report.fault, "") << "with sequences of " << length << (shared ? ", shared" : "");
        std::printf("length %zu: %llu sequences, %llu crashes, %llu images, %zu distinct\n", length,
                    static_cast<unsigned long long>(report.sequences), static_cast<unsigned long long>(report.crashes),
                    static_cast<unsigned long long>(report.images), report.distinct.size());
        distinct += report.distinct.size();
    }
    EXPECT_GT(distinct, 1000U);
}

}  // namespace
