// The lock of a store: exclusive, never stale, with a deadline, and nobody starves.
#include <queuectl/process/store_lock.hpp>

#include "process/temporary_directory.hpp"

#include <sys/wait.h>

#include <csignal>
#include <thread>

namespace queuectl::process_testing {
namespace {

// A handle of its own: what another process would have.
struct handle {
    explicit handle(const std::string& path)
        : folder{std::move(*side_folder::open(path, true))},
          page{std::move(*control_page::open(folder))},
          lock{std::move(*store_lock::open(folder, page.words()))}
    {
    }
    side_folder folder;
    control_page page;
    store_lock lock;
};

class StoreLock : public ::testing::Test {
protected:
    temporary_directory base;
    std::string path = base.path() + "/q.d";
};

constexpr duration patient = std::chrono::seconds{20};

TEST_F(StoreLock, IsExclusiveAndHasADeadline)
{
    handle a{path};
    handle b{path};
    {
        auto held = a.lock.acquire(patient);
        ASSERT_TRUE(held);
        const auto start = detail::monotonic_us();
        const auto refused = b.lock.acquire(std::chrono::milliseconds{30});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, errc::busy);
        EXPECT_GE(detail::monotonic_us() - start, 30'000);
        const auto at_once = b.lock.acquire(duration{0});
        ASSERT_FALSE(at_once);
        std::thread other{[&] { EXPECT_FALSE(a.lock.acquire(duration{1000})) << "threads of one object, too"; }};
        other.join();
    }
    EXPECT_TRUE(b.lock.acquire(duration{0}));
}

TEST_F(StoreLock, AKilledHolderLeavesNothing)
{
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const auto child = ::fork();
    if (child == 0) {
        handle mine{path};
        auto held = mine.lock.acquire(patient);
        if (held && ::write(ready[1], "x", 1) == 1) ::pause();
        ::_exit(1);
    }
    char c = 0;
    ASSERT_EQ(::read(ready[0], &c, 1), 1);
    handle mine{path};
    EXPECT_FALSE(mine.lock.acquire(duration{1000}));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_TRUE(mine.lock.acquire(duration{0}));
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST_F(StoreLock, AHolderKilledWhileOthersWaitCostsLittle)
{
    handle mine{path};
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const auto child = ::fork();
    if (child == 0) {
        handle own{path};
        auto held = own.lock.acquire(patient);
        if (held && ::write(ready[1], "x", 1) == 1) ::pause();
        ::_exit(1);
    }
    char c = 0;
    ASSERT_EQ(::read(ready[0], &c, 1), 1);
    std::thread waiter{[&] { EXPECT_TRUE(mine.lock.acquire(patient)); }};
    while (mine.page.words().line.load() == 0) std::this_thread::yield();
    const auto start = detail::monotonic_us();
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    waiter.join();
    EXPECT_LT(detail::monotonic_us() - start, 2'000'000) << "it looks again by itself";
    ::close(ready[0]);
    ::close(ready[1]);
}

TEST_F(StoreLock, ProcessesCountTogether)
{
    constexpr int processes = 4;
    constexpr int rounds = 500;
    handle mine{path};
    auto file = mine.folder.open_file("number", O_RDWR | O_CREAT);
    ASSERT_TRUE(file);
    long number = 0;
    ASSERT_EQ(::pwrite(file->get(), &number, sizeof number, 0), static_cast<ssize_t>(sizeof number));
    std::vector<pid_t> children;
    for (int p = 0; p < processes; ++p) {
        children.push_back(::fork());
        if (children.back() != 0) continue;
        handle own{path};
        for (int i = 0; i < rounds; ++i) {
            auto held = own.lock.acquire(patient);
            if (!held) ::_exit(1);
            long n = 0;
            if (::pread(file->get(), &n, sizeof n, 0) != sizeof n) ::_exit(2);
            ++n;
            if (::pwrite(file->get(), &n, sizeof n, 0) != sizeof n) ::_exit(2);
        }
        ::_exit(0);
    }
    for (const auto child : children) {
        int status = 0;
        ::waitpid(child, &status, 0);
        EXPECT_EQ(status, 0);
    }
    ASSERT_EQ(::pread(file->get(), &number, sizeof number, 0), static_cast<ssize_t>(sizeof number));
    EXPECT_EQ(number, processes * rounds);
    EXPECT_EQ(mine.page.words().line.load(), 0u);
}

TEST_F(StoreLock, ABusyHolderDoesNotStarveOthers)
{
    handle greedy{path};
    handle other{path};
    std::atomic<bool> stop{false};
    std::atomic<int> rounds{0};
    std::thread hog{[&] {
        while (!stop) {
            auto held = greedy.lock.acquire(patient);
            ++rounds;
            const auto until = detail::monotonic_us() + 300;
            while (detail::monotonic_us() < until) {}
        }
    }};
    while (rounds < 3) std::this_thread::yield();
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(other.lock.acquire(std::chrono::seconds{5}));
    stop = true;
    hog.join();
}

TEST_F(StoreLock, AGarbagePageCostsNothingButTime)
{
    handle mine{path};
    auto& words = mine.page.words();
    words.reserved = std::numeric_limits<std::int64_t>::max();
    words.line = 77;
    words.turn = 0xffffffff;
    for (int i = 0; i < 3; ++i) EXPECT_TRUE(mine.lock.acquire(std::chrono::seconds{5}));
}

}  // namespace
}  // namespace queuectl::process_testing
