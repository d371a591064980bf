// Wake-ups: pushed, remembered by value, interruptible.
#include <queuectl/process/wake_word.hpp>

#include "process/temporary_directory.hpp"

#include <sys/wait.h>

#include <csignal>
#include <thread>

namespace queuectl::process_testing {
namespace {

struct waker {
    explicit waker(const std::string& path)
        : folder{std::move(*side_folder::open(path, true))},
          page{std::move(*control_page::open(folder))},
          word{page.words()}
    {
    }
    side_folder folder;
    control_page page;
    wake_word word;
};

class WakeWord : public ::testing::Test {
protected:
    temporary_directory base;
    std::string path = base.path() + "/q.d";
};

constexpr duration long_time = std::chrono::seconds{60};

TEST_F(WakeWord, ABumpBeforeTheWaitIsNotMissed)
{
    waker a{path};
    waker b{path};
    const auto seen = b.word.changes();
    a.word.bump_work();
    const auto now = b.word.wait(seen, long_time);
    EXPECT_EQ(now.work, seen.work + 1);
    EXPECT_EQ(now.control, seen.control);
    a.word.bump_control();
    EXPECT_EQ(b.word.wait(now, long_time).control, seen.control + 1);
}

TEST_F(WakeWord, AWaitEndsAtItsTime)
{
    waker a{path};
    const auto start = detail::monotonic_us();
    EXPECT_EQ(a.word.wait(a.word.changes(), std::chrono::milliseconds{20}), a.word.changes());
    EXPECT_GE(detail::monotonic_us() - start, 20'000);
    EXPECT_EQ(a.word.wait(a.word.changes(), duration{-1}), a.word.changes());
}

TEST_F(WakeWord, AWaiterFindsByItselfWhatNobodyTellsOf)
{
    waker a{path};
    waker other{path};
    const auto seen = a.word.changes();
    int looks = 0;
    const auto now = a.word.wait_and_look(
        seen, long_time, [&looks] { return ++looks == 3; }, std::chrono::milliseconds{5});
    EXPECT_EQ(looks, 3);
    EXPECT_EQ(now.work, seen.work + 1);
    EXPECT_EQ(other.word.changes(), now) << "the others hear of it, too";
    EXPECT_EQ(a.word.wait_and_look(
                  now, std::chrono::milliseconds{12}, [] { return false; }, duration{5000}),
              now);
}

TEST_F(WakeWord, InterruptEndsTheWaitsOfItsOwnObjectOnly)
{
    waker mine{path};
    waker other{path};
    std::atomic<bool> other_ended{false};
    std::thread first{[&] { mine.word.wait(mine.word.changes(), long_time); }};
    std::thread second{[&] {
        other.word.wait(other.word.changes(), long_time);
        other_ended = true;
    }};
    while (mine.page.words().sleepers.load() != 2) std::this_thread::yield();
    mine.word.interrupt();
    first.join();
    EXPECT_FALSE(other_ended);
    other.word.interrupt();
    second.join();
}

TEST_F(WakeWord, WakesAnotherProcessFast)
{
    waker mine{path};
    int told[2];
    ASSERT_EQ(::pipe(told), 0);
    const auto child = ::fork();
    if (child == 0) {
        waker own{path};
        for (int i = 0; i < 50; ++i) {
            auto seen = change_counts{static_cast<std::uint32_t>(i), 0};
            own.word.wait(seen, long_time);
            const auto now = detail::monotonic_us();
            if (::write(told[1], &now, sizeof now) != sizeof now) ::_exit(1);
        }
        ::_exit(0);
    }
    std::vector<std::int64_t> waits;
    for (int i = 0; i < 50; ++i) {
        while (mine.page.words().sleepers.load() == 0) std::this_thread::yield();
        ::usleep(500);
        const auto sent = detail::monotonic_us();
        mine.word.bump_work();
        std::int64_t woken = 0;
        ASSERT_EQ(::read(told[0], &woken, sizeof woken), static_cast<ssize_t>(sizeof woken));
        waits.push_back(woken - sent);
    }
    ::waitpid(child, nullptr, 0);
    std::sort(waits.begin(), waits.end());
    RecordProperty("median_us", static_cast<int>(waits[25]));
    EXPECT_LT(waits[25], 20'000) << "a pushed wake-up, not a poll";
    ::close(told[0]);
    ::close(told[1]);
}

TEST_F(WakeWord, AKilledSleeperLeavesTheRestWorking)
{
    waker mine{path};
    const auto child = ::fork();
    if (child == 0) {
        waker own{path};
        own.word.wait(own.word.changes(), long_time);
        ::_exit(0);
    }
    while (mine.page.words().sleepers.load() == 0) std::this_thread::yield();
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const auto seen = mine.word.changes();
    std::thread bumper{[&] {
        waker own{path};
        while (mine.page.words().sleepers.load() < 2) std::this_thread::yield();
        own.word.bump_work();
    }};
    EXPECT_NE(mine.word.wait(seen, long_time), seen);
    bumper.join();
}

}  // namespace
}  // namespace queuectl::process_testing
