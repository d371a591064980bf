// Words for exits and durations.
#include <queuectl/process/exit_text.hpp>

#include <gtest/gtest.h>

namespace {
using namespace queuectl;
using process::duration_text;

TEST(ExitText, Signals)
{
    EXPECT_EQ(process::signal_text(9), "killed by signal 9 (SIGKILL)");
    EXPECT_EQ(process::signal_text(11, true), "killed by signal 11 (SIGSEGV), core dumped");
    EXPECT_EQ(process::signal_text(40), "killed by signal 40");
}

TEST(ExitText, Durations)
{
    EXPECT_EQ(duration_text(std::chrono::seconds{5}), "5s");
    EXPECT_EQ(duration_text(std::chrono::milliseconds{1500}), "1.5s");
    EXPECT_EQ(duration_text(std::chrono::milliseconds{1050}), "1.05s");
    EXPECT_EQ(duration_text(std::chrono::milliseconds{250}), "250ms");
    EXPECT_EQ(duration_text(duration{7}), "7us");
}

}  // namespace
