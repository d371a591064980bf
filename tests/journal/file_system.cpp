#include "../process/temporary_directory.hpp"

#include <queuectl/journal/file_system.hpp>
#include <queuectl/testing/simulated_disk.hpp>

#include <algorithm>
#include <optional>

namespace {

using namespace queuectl;

struct posix_folder {
    process_testing::temporary_directory directory;
    journal::posix_file_system fs = *journal::posix_file_system::open_folder(directory.path() + "/store", true);
};
struct simulated_folder {
    simulated_disk disk;
    simulated_file_system fs{disk};
};

template <class Folder>
struct FileSystem : testing::Test {
    Folder folder;
    std::string text(const auto& file)
    {
        std::string all(100, 'x');
        const auto got = folder.fs.read(file, 0, all.data(), all.size());
        all.resize(got.value_or(0));
        return all;
    }
};
using folders = testing::Types<posix_folder, simulated_folder>;
TYPED_TEST_SUITE(FileSystem, folders);

TYPED_TEST(FileSystem, WritesReadsAndFillsWithZeros)
{
    auto& fs = this->folder.fs;
    auto file = fs.create("a");
    ASSERT_TRUE(file) << file.error().message();
    EXPECT_TRUE(fs.write(*file, 0, "hello"));
    EXPECT_TRUE(fs.fill_zeros(*file, 5, 3));
    EXPECT_TRUE(fs.write(*file, 4, "a"));
    EXPECT_EQ(this->text(*file), std::string("hella\0\0\0", 8));
    EXPECT_EQ(*fs.size(*file), 8U);
    EXPECT_TRUE(fs.truncate(*file, 2));
    EXPECT_EQ(this->text(*file), "he");
    EXPECT_TRUE(fs.sync(*file));
    EXPECT_TRUE(fs.sync_directory());
    char byte = 0;
    EXPECT_EQ(*fs.read(*file, 2, &byte, 1), 0U);
}

TYPED_TEST(FileSystem, NamesAreTakenOnceAndRenamedOver)
{
    auto& fs = this->folder.fs;
    ASSERT_TRUE(fs.create("a"));
    EXPECT_FALSE(fs.create("a"));
    auto file = fs.create("b");
    ASSERT_TRUE(file);
    ASSERT_TRUE(fs.write(*file, 0, "b"));
    EXPECT_TRUE(fs.rename("b", "a"));
    EXPECT_EQ(fs.open("b").error().code, errc::not_found);
    EXPECT_EQ(this->text(*fs.open("a")), "b");
    const auto names = fs.list();
    ASSERT_TRUE(names);
    EXPECT_EQ(std::count(names->begin(), names->end(), "a"), 1);
    EXPECT_TRUE(fs.remove("a"));
    EXPECT_EQ(fs.remove("a").error().code, errc::not_found);
    EXPECT_NE(fs.remove("a").error().message().find("a"), std::string::npos);
}

TEST(PosixFileSystem, FilesArePrivateAndLinksAreNotFollowed)
{
    posix_folder folder;
    const std::string path = folder.directory.path() + "/store/";
    const auto mask = ::umask(0);
    ASSERT_TRUE(folder.fs.create("a"));
    ::umask(mask);
    struct stat what {};
    ASSERT_EQ(::stat((path + "a").c_str(), &what), 0);
    EXPECT_EQ(what.st_mode & 0777, 0600U);
    ASSERT_EQ(::symlink("a", (path + "link").c_str()), 0);
    EXPECT_EQ(folder.fs.open("link").error().code, errc::permission);
    ASSERT_EQ(::symlink("new", (path + "dangling").c_str()), 0);
    EXPECT_FALSE(folder.fs.create("dangling"));
    ASSERT_EQ(::mkfifo((path + "fifo").c_str(), 0600), 0);
    EXPECT_FALSE(folder.fs.open("fifo"));
}

// A signal or a short transfer at any call changes nothing; a full disk and an I/O error are told.
TEST(SimulatedFileSystem, FaultsAtEveryCall)
{
    const std::string body(200'000, 'b');
    for (std::uint64_t nth = 1; nth < 12; ++nth)
        for (const auto fault :
             {disk_fault::interrupted, disk_fault::short_transfer, disk_fault::full, disk_fault::io_error}) {
            simulated_folder folder;
            folder.disk.inject(fault, nth);
            const auto work = [&]() -> result<std::string> {
                auto file = folder.fs.create("a");
                if (!file) return fail(file.error());
                if (auto done = folder.fs.write(*file, 0, body); !done) return fail(done.error());
                if (auto done = folder.fs.fill_zeros(*file, body.size(), body.size()); !done) return fail(done.error());
                std::string got(2 * body.size(), 'x');
                if (auto done = folder.fs.read(*file, 0, got.data(), got.size()); !done) return fail(done.error());
                return got;
            }();
            const bool harmless = fault == disk_fault::interrupted || fault == disk_fault::short_transfer;
            if (work) {
                EXPECT_EQ(*work, body + std::string(body.size(), '\0'));
                EXPECT_TRUE(harmless || folder.disk.calls() <= nth);
            } else {
                EXPECT_FALSE(harmless) << nth;
                EXPECT_EQ(work.error().code, fault == disk_fault::full ? errc::store_full : errc::io);
            }
        }
}

std::string after(const simulated::disk_state& disk, std::string_view name)
{
    const auto found = disk.stored.find(name);
    return found == disk.stored.end() ? "(none)" : found->second->stored;
}

TEST(SimulatedDisk, PowerLossKeepsWhatWasSyncedAndAnySubsetOfTheRest)
{
    simulated_folder folder;
    auto file = folder.fs.create("a");
    ASSERT_TRUE(folder.fs.write(*file, 0, std::string(2048, 'a')));
    ASSERT_TRUE(folder.fs.sync(*file));
    ASSERT_TRUE(folder.fs.sync_directory());
    ASSERT_TRUE(folder.fs.write(*file, 512, std::string(1024, 'b')));
    ASSERT_TRUE(folder.fs.rename("a", "c"));
    bool old_name = false, new_name = false, none = false, whole = false, torn = false, second_only = false;
    for (const auto& plan : folder.disk.crash_plans(1, 20)) {
        const auto disk = folder.disk.crash(plan);
        old_name |= after(disk, "a") != "(none)";
        new_name |= after(disk, "c") != "(none)";
        const auto text = disk.stored.begin()->second->stored;
        ASSERT_EQ(disk.stored.size(), 1U);
        ASSERT_EQ(text.substr(0, 512) + text.substr(1536), std::string(1024, 'a')) << plan.describe();
        const auto middle = text.substr(512, 1024);
        none |= middle == std::string(1024, 'a');
        whole |= middle == std::string(1024, 'b');
        second_only |= middle == std::string(512, 'a') + std::string(512, 'b');
        torn |= middle[0] == 'b' && middle[1023] == 'a' && middle[511] != middle[0];
    }
    EXPECT_TRUE(old_name && new_name && none && whole && torn && second_only);
}

TEST(SimulatedDisk, AFailedSyncLosesItsPagesWhileTheCacheKeepsThem)
{
    simulated_folder folder;
    auto file = folder.fs.create("a");
    ASSERT_TRUE(folder.fs.sync_directory());
    ASSERT_TRUE(folder.fs.write(*file, 0, "one"));
    folder.disk.inject(disk_fault::failed_sync, 1);
    EXPECT_EQ(folder.fs.sync(*file).error().code, errc::io);
    ASSERT_TRUE(folder.fs.write(*file, 3, "two"));
    EXPECT_TRUE(folder.fs.sync(*file));
    char bytes[6];
    ASSERT_EQ(*folder.fs.read(*file, 0, bytes, 6), 6U);
    EXPECT_EQ(std::string(bytes, 6), "onetwo");
    EXPECT_EQ(after(folder.disk.crash({}), "a"), std::string("\0\0\0two", 6));
}

TEST(SimulatedDisk, AFailedSyncIsToldOnceToEachThatHadTheFileOpen)
{
    simulated_folder folder;
    auto file = folder.fs.create("a");
    auto other = folder.fs.open("a");
    ASSERT_TRUE(file && other);
    ASSERT_TRUE(folder.fs.write(*file, 0, "one"));
    folder.disk.fail_next_sync();
    EXPECT_FALSE(folder.fs.sync(*file));
    auto late = folder.fs.open("a");
    EXPECT_TRUE(folder.fs.sync(*late));
    EXPECT_FALSE(folder.fs.sync(*other));
    EXPECT_TRUE(folder.fs.sync(*other));
    EXPECT_TRUE(folder.fs.sync(*file));
}

TEST(SimulatedDisk, WhatIsWrittenAgainAfterAFailedSyncIsThere)
{
    simulated_folder folder;
    auto file = folder.fs.create("a");
    ASSERT_TRUE(folder.fs.sync_directory());
    ASSERT_TRUE(folder.fs.write(*file, 0, "onetwothree"));
    folder.disk.fail_next_sync();
    EXPECT_FALSE(folder.fs.sync(*file));
    ASSERT_TRUE(folder.fs.write(*file, 3, "two"));
    ASSERT_TRUE(folder.fs.sync(*file));
    for (const auto& plan : folder.disk.crash_plans(1, 20)) {
        const std::string left = after(folder.disk.crash(plan), "a");
        ASSERT_GE(left.size(), 6U) << plan.describe();
        EXPECT_EQ(left.substr(3, 3), "two") << plan.describe();
    }
}

TEST(SimulatedDisk, NothingHappensAfterPowerIsOff)
{
    simulated_folder folder;
    auto file = folder.fs.create("a");
    ASSERT_TRUE(folder.fs.sync_directory());
    folder.disk.inject(disk_fault::power_off, 1);
    static_cast<void>(folder.fs.write(*file, 0, "one"));
    EXPECT_TRUE(folder.disk.is_off());
    EXPECT_FALSE(folder.fs.write(*file, 3, "two"));
    EXPECT_FALSE(folder.fs.sync(*file));
    EXPECT_EQ(after(folder.disk.crash({simulated::crash_plan::kind::all, 0, 0, false, 0}), "a"), "one");
}

}  // namespace
