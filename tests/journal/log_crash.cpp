#include "log_crash.hpp"

#include <queuectl/testing/effort.hpp>

#include <cstdio>

namespace {

using namespace queuectl;
using namespace queuectl::journal_testing;

TEST(LogCrash, EverySequenceAtEveryCallWithEveryClassOfLoss)
{
    std::size_t distinct = 0;
    for (std::size_t length = 1; length <= effort(3, 4); ++length) {
        const auto report = crash_search<journal::all_guards>{length, effort(16, 4)}.run();
        EXPECT_EQ(report.fault, "") << "with sequences of " << length;
        std::printf("length %zu: %llu sequences, %llu crashes, %llu images, %zu distinct\n", length,
                    static_cast<unsigned long long>(report.sequences), static_cast<unsigned long long>(report.crashes),
                    static_cast<unsigned long long>(report.images), report.distinct.size());
        distinct += report.distinct.size();
    }
    EXPECT_GT(distinct, 1000U);
}

}  // namespace
