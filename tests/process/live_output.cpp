// The file that shows a running job's output.
#include <queuectl/process/live_output.hpp>

#include <gtest/gtest.h>

#include <process/temporary_directory.hpp>

#include <fstream>

namespace {
using namespace queuectl;
using process_testing::temporary_directory;

std::string content(const std::string& path)
{
    std::string text;
    static_cast<void>(process::read_file(path.c_str(), text, 1u << 20));
    return text;
}

TEST(LiveOutput, IsNamedByTheToken)
{
    EXPECT_EQ(process::live_output_path("/d", {uid{1, 0xabc}, 0x12f}),
              "/d/00000000000000010000000000000abc0000012f.live");
}

TEST(LiveOutput, IsThereWhileItLivesAndPrivate)
{
    temporary_directory directory;
    const auto path = directory.path() + "/x.live";
    {
        process::live_output live{path, 100};
        EXPECT_FALSE(std::filesystem::exists(path));
        live.append("one ");
        live.append("two");
        EXPECT_EQ(content(path), "one two");
        EXPECT_EQ(std::filesystem::status(path).permissions(),
                  std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
        auto moved = std::move(live);
        moved.append("!");
        EXPECT_EQ(content(path), "one two!");
    }
    EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(LiveOutput, IsBoundedAndSaysSo)
{
    temporary_directory directory;
    const auto path = directory.path() + "/x.live";
    process::live_output live{path, 10};
    live.append("12345");
    for (int i = 0; i < 1000; ++i) live.append("1234567890");
    EXPECT_EQ(content(path), "1234512345\n[more output follows; it is shown when the run has ended]\n");
}

TEST(LiveOutput, NeverWritesThroughWhatIsThere)
{
    temporary_directory directory;
    const auto path = directory.path() + "/x.live";
    const auto victim = directory.path() + "/victim";
    std::ofstream{victim} << "precious";
    std::filesystem::create_symlink(victim, path);
    {
        process::live_output live{path, 100};
        live.append("evil");
    }
    EXPECT_EQ(content(victim), "precious");
    EXPECT_TRUE(std::filesystem::is_symlink(path));
}

}  // namespace
