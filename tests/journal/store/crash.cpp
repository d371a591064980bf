// The power is cut, or the process is killed, at every call of every short life of a journal.
#include "journal/store/crash_search.hpp"

#include <queuectl/testing/effort.hpp>

#include <cstdio>

namespace queuectl::journal_testing {
namespace {

search_report run(const search_options& options)
{
    auto report = store_search<small_guards>{options}.run();
    EXPECT_EQ(report.fault, "");
    std::printf("%llu sequences, %llu images, %llu distinct, %llu cut, %llu used, %llu kills\n",
                static_cast<unsigned long long>(report.sequences), static_cast<unsigned long long>(report.images),
                static_cast<unsigned long long>(report.distinct), static_cast<unsigned long long>(report.cut),
                static_cast<unsigned long long>(report.deep), static_cast<unsigned long long>(report.kills));
    return report;
}

TEST(JournalCrash, PowerIsCutAtEveryCallOfEverySequence)
{
    const auto report = run({fast ? 5U : 2U, true, false, effort(14, 170), 97, fast ? 3U : 1U});
    EXPECT_GT(report.distinct, fast ? 5'000'000U : 5'000U);
}

TEST(JournalCrash, ProcessIsKilledAtEveryCallOfEverySequence)
{
    const auto report = run({fast ? effort(4, 5) : 2U, false, true, 2, 97, fast ? 3U : 1U});
    EXPECT_GT(report.kills, 500U);
}

}  // namespace
}  // namespace queuectl::journal_testing
