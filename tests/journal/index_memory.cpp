#include "index_testing.hpp"

#include <cstring>
#include <fstream>

namespace {

using namespace queuectl;
using namespace queuectl::journal;
using namespace queuectl::journal_testing;
using process_testing::temporary_directory;

constexpr std::uint64_t kib = 1024;
constexpr std::uint64_t mib = 1024 * kib;

TEST(IndexMemory, GrowsByDoublingThenInSteps)
{
    EXPECT_EQ(journal::detail::index_bytes_next(0, 1), 64 * kib);
    EXPECT_EQ(journal::detail::index_bytes_next(64 * kib, 64 * kib + 1), 128 * kib);
    EXPECT_EQ(journal::detail::index_bytes_next(4 * mib, 5 * mib), 8 * mib);
    EXPECT_EQ(journal::detail::index_bytes_next(64 * mib, 65 * mib), 80 * mib);
    EXPECT_EQ(journal::detail::index_bytes_next(64 * kib, 100 * mib + 1), 100 * mib + 64 * kib);
}

TEST(IndexMemory, PrivateMemoryGrowsInPlaceAndIsZero)
{
    auto memory = index_memory::anonymous();
    ASSERT_TRUE(memory) << memory.error().message();
    for (const auto range : all_ranges) {
        char* const base = memory->base(range);
        ASSERT_GE(memory->bytes(range), 64 * kib);
        base[0] = 'x';
        ASSERT_TRUE(memory->grow(range, 3 * mib));
        EXPECT_EQ(memory->base(range), base);
        EXPECT_GE(memory->bytes(range), 3 * mib);
        EXPECT_EQ(base[0], 'x');
        for (std::uint64_t i = 1; i < 3 * mib; i += 511) ASSERT_EQ(base[i], 0);
        base[3 * mib - 1] = 'y';
    }
    const index_memory moved = std::move(*memory);
    EXPECT_EQ(moved.base(index_range::blocks)[3 * mib - 1], 'y');
}

TEST(IndexMemory, FilesAreSmallAndOnlyTheirOwners)
{
    const temporary_directory directory;
    const auto before = ::umask(0);
    const auto memory = index_memory::map(folder_at(directory.path() + "/store"));
    ::umask(before);
    ASSERT_TRUE(memory) << memory.error().message();
    for (const char* name : {"index.blocks", "index.buckets", "index.pages", "index.undo"}) {
        struct stat what {};
        ASSERT_EQ(::stat((directory.path() + "/store/" + name).c_str(), &what), 0) << name;
        EXPECT_EQ(what.st_mode & 07777U, 0600U) << name;
        EXPECT_EQ(what.st_size, static_cast<off_t>(64 * kib)) << name;
        EXPECT_GE(what.st_blocks * 512, what.st_size) << name;
    }
}

TEST(IndexMemory, ALinkIsRefused)
{
    const temporary_directory directory;
    const auto folder = folder_at(directory.path() + "/store");
    ASSERT_EQ(::symlink("/dev/null", (directory.path() + "/store/index.pages").c_str()), 0);
    const auto memory = index_memory::map(folder);
    ASSERT_FALSE(memory);
    EXPECT_EQ(memory.error().code, errc::permission);
}

TEST(IndexMemory, TwoMappingsSeeEachOthersBytesAndGrowth)
{
    const temporary_directory directory;
    auto one = index_memory::map(folder_at(directory.path() + "/store"));
    auto two = index_memory::map(folder_at(directory.path() + "/store"));
    ASSERT_TRUE(one && two);
    for (const auto range : all_ranges) {
        ASSERT_TRUE(one->grow(range, 5 * mib));
        std::memcpy(one->base(range) + 5 * mib - 6, "first", 6);
        EXPECT_STREQ(two->base(range) + 5 * mib - 6, "first");
        EXPECT_EQ(two->bytes(range), one->bytes(range));
        EXPECT_LT(two->bytes_seen(range), one->bytes(range));
        ASSERT_TRUE(two->grow(range, 5 * mib));
        EXPECT_EQ(two->bytes_seen(range), one->bytes(range));
        ASSERT_TRUE(two->grow(range, 40 * mib));
        std::memcpy(two->base(range) + 40 * mib - 7, "second", 7);
        EXPECT_STREQ(one->base(range) + 40 * mib - 7, "second");
    }
}

TEST(IndexMemory, AnotherProcessSeesIt)
{
    const temporary_directory directory;
    auto memory = index_memory::map(folder_at(directory.path() + "/store"));
    ASSERT_TRUE(memory);
    const int status = in_child([&] {
        auto mine = index_memory::map(folder_at(directory.path() + "/store"));
        if (!mine || !mine->grow(index_range::blocks, 20 * mib)) return 1;
        mine->base(index_range::blocks)[20 * mib - 1] = 'z';
        return 0;
    });
    EXPECT_EQ(status, 0);
    EXPECT_EQ(memory->base(index_range::blocks)[20 * mib - 1], 'z');
}

TEST(IndexMemory, AFullDiskIsAnErrorAndNoSignal)
{
    const temporary_directory directory;
    auto whole = index_memory::map(folder_at(directory.path() + "/store"));
    ASSERT_TRUE(whole);
    const int status = in_child([&] {
        limit_files(3 * mib);
        auto memory = index_memory::map(folder_at(directory.path() + "/store"));
        if (!memory || !memory->grow(index_range::blocks, 2 * mib)) return 1;
        // No room to double, but for what is needed.
        if (!memory->grow(index_range::blocks, 2 * mib + 1)) return 2;
        const auto refused = memory->grow(index_range::blocks, 4 * mib);
        if (refused || refused.error().code != errc::store_full) return 3;
        std::memset(memory->base(index_range::blocks), 1, memory->bytes(index_range::blocks));
        return 0;
    });
    EXPECT_EQ(status, 0);
    EXPECT_TRUE(whole->grow(index_range::blocks, 4 * mib));
}

// Of this process, as it is.
std::uint64_t address_space()
{
    std::uint64_t pages = 0;
    std::ifstream{"/proc/self/statm"} >> pages;
    return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

TEST(IndexMemory, LittleAddressSpaceIsEnoughForALittle)
{
    const temporary_directory directory;
    const int status = in_child([&] {
        const rlim_t bytes = address_space() + 1024 * mib;
        const rlimit limit{bytes, bytes};
        ::setrlimit(RLIMIT_AS, &limit);
        auto memory = index_memory::map(folder_at(directory.path() + "/store"));
        if (!memory) return 1;
        if (!memory->grow(index_range::blocks, 10 * mib)) return 2;
        if (std::malloc(300 * mib) == nullptr) return 4;
        const auto refused = memory->grow(index_range::blocks, 2048 * mib);
        return !refused && refused.error().code == errc::store_full ? 0 : 3;
    });
    EXPECT_EQ(status, 0);
}

}  // namespace
