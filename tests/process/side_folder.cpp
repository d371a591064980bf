// PATH.d: modes whatever the umask; links, pipes and loose modes are refused.
#include <queuectl/process/side_folder.hpp>

#include "process/temporary_directory.hpp"

#include <atomic>
#include <fstream>
#include <thread>

namespace queuectl::process_testing {
namespace {

int mode_of(const std::string& path)
{
    struct stat what {};
    EXPECT_EQ(::lstat(path.c_str(), &what), 0) << path;
    return static_cast<int>(what.st_mode & 07777);
}

TEST(SideFolder, ModesDoNotDependOnTheUmask)
{
    for (const int mask : {0, 0777}) {
        const temporary_directory base;
        const auto before = ::umask(static_cast<mode_t>(mask));
        auto folder = side_folder::open(base.path() + "/q.d", true);
        ASSERT_TRUE(folder) << folder.error().message();
        EXPECT_TRUE(folder->created());
        EXPECT_TRUE(folder->open_file("lock", O_RDWR | O_CREAT));
        ::umask(before);
        EXPECT_EQ(mode_of(base.path() + "/q.d"), 0700);
        EXPECT_EQ(mode_of(base.path() + "/q.d/lock"), 0600);
        EXPECT_TRUE(folder->open_file("lock", O_RDWR | O_CREAT)) << "again";
    }
}

TEST(SideFolder, MakesAFileThatOthersRemoveMeanwhile)
{
    const temporary_directory base;
    const auto folder = side_folder::open(base.path() + "/q.d", true);
    ASSERT_TRUE(folder);
    std::atomic<bool> stop{false};
    std::thread remover{[&] {
        while (!stop) ::unlinkat(folder->fd(), "lock", 0);
    }};
    for (int i = 0; i < 20'000; ++i) {
        const auto file = folder->open_file("lock", O_RDWR | O_CREAT);
        EXPECT_TRUE(file) << file.error().message();
        const auto again = folder->open_file("lock", O_RDWR | O_CREAT);
        EXPECT_TRUE(again) << again.error().message();
        if (!file || !again) break;
    }
    stop = true;
    remover.join();
}

TEST(SideFolder, RefusesLinksFilesAndLooseFolders)
{
    const temporary_directory base;
    std::filesystem::create_directory(base.path() + "/real");
    std::filesystem::create_directory_symlink(base.path() + "/real", base.path() + "/link");
    std::ofstream{base.path() + "/file"} << "x";
    for (const char* name : {"/link", "/file"}) {
        const auto folder = side_folder::open(base.path() + name, true);
        ASSERT_FALSE(folder) << name;
        EXPECT_EQ(folder.error().code, errc::permission) << folder.error().message();
    }
    ::chmod((base.path() + "/real").c_str(), 0770);
    EXPECT_FALSE(side_folder::open(base.path() + "/real", true));
    const auto none = side_folder::open(base.path() + "/none", false);
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, errc::not_found);
}

TEST(SideFolder, RefusesLinksPipesAndLooseFilesInside)
{
    const temporary_directory base;
    auto folder = side_folder::open(base.path() + "/q.d", true);
    ASSERT_TRUE(folder);
    std::ofstream{base.path() + "/victim"} << "x";
    std::filesystem::create_symlink(base.path() + "/victim", base.path() + "/q.d/link");
    ASSERT_EQ(::mkfifo((base.path() + "/q.d/pipe").c_str(), 0600), 0);
    {
        std::ofstream{base.path() + "/q.d/loose"} << "x";
    }
    ::chmod((base.path() + "/q.d/loose").c_str(), 0666);
    for (const char* name : {"link", "pipe", "loose"}) {
        const auto file = folder->open_file(name, O_RDWR | O_CREAT);
        ASSERT_FALSE(file) << name;
        EXPECT_EQ(file.error().code, errc::permission) << file.error().message();
    }
    EXPECT_EQ(std::filesystem::file_size(base.path() + "/victim"), 1u);
}

}  // namespace
}  // namespace queuectl::process_testing
