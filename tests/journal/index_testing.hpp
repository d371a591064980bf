// What the tests of the index share: folders, spaces in them, children that are forked.
#ifndef QUEUECTL_TESTS_JOURNAL_INDEX_TESTING_HPP
#define QUEUECTL_TESTS_JOURNAL_INDEX_TESTING_HPP

#include "../process/temporary_directory.hpp"

#include <queuectl/journal/index/space.hpp>

#include <gtest/gtest.h>

#include <csignal>
#include <sys/resource.h>
#include <sys/wait.h>

namespace queuectl::journal_testing {

inline constexpr uid boot_a{1, 2};
inline constexpr uid store_a{3, 4};
inline constexpr journal::index_range all_ranges[] = {journal::index_range::blocks, journal::index_range::buckets,
                                                      journal::index_range::pages, journal::index_range::undo};

[[nodiscard]] inline side_folder folder_at(const std::string& path)
{
    auto folder = side_folder::open(path, true);
    EXPECT_TRUE(folder) << folder.error().message();
    return std::move(*folder);
}

// The space in the files of a folder, as they are.
[[nodiscard]] inline journal::index_space space_in(const std::string& path)
{
    auto memory = journal::index_memory::map(folder_at(path));
    EXPECT_TRUE(memory) << memory.error().message();
    return journal::index_space{std::move(*memory)};
}

// An empty space in private memory.
[[nodiscard]] inline journal::index_space private_space()
{
    auto memory = journal::index_memory::anonymous();
    EXPECT_TRUE(memory) << memory.error().message();
    journal::index_space space{std::move(*memory)};
    EXPECT_TRUE(space.clear(boot_a, store_a, 1));
    return space;
}

// Runs f() → exit code in a child, and returns what waitpid says.
template <class F>
[[nodiscard]] int in_child(F&& f)
{
    const pid_t child = ::fork();
    if (child == 0) ::_exit(f());
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return status;
}

// In a child: files end at `bytes`, as on a full disk, and say so instead of killing.
inline void limit_files(rlim_t bytes)
{
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
}

}  // namespace queuectl::journal_testing

#endif
