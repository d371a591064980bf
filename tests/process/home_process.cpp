#include <queuectl/process/home_process.hpp>

#include <gtest/gtest.h>

#include <optional>
#include <thread>
#include <vector>

#include <sys/syscall.h>
#include <sys/wait.h>

namespace queuectl {
namespace {

// In a child made by `make`; whether body() was true there.
template <class Make, class Body>
bool in_child(Make make, Body body)
{
    const auto child = make();
    if (child == 0) ::_exit(body() ? 0 : 1);
    int status = 0;
    ::waitpid(static_cast<pid_t>(child), &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(HomeProcess, AChildHasLeftItHoweverItWasMade)
{
    const detail::home_process home;
    EXPECT_FALSE(home.left());
    EXPECT_TRUE(in_child([] { return ::fork(); }, [&] { return home.left(); }));
#if defined(SYS_fork)
    EXPECT_TRUE(in_child([] { return ::syscall(SYS_fork); }, [&] { return home.left(); }));
#endif
    EXPECT_FALSE(home.left());
}

TEST(HomeProcess, AChildHasItsOwnAndSoOn)
{
    const detail::home_process mine;
    EXPECT_TRUE(in_child([] { return ::fork(); },
                         [&] {
                             const detail::home_process childs;
                             return mine.left() && !childs.left() &&
                                    in_child([] { return ::fork(); },
                                             [&] {
                                                 const detail::home_process grandchilds;
                                                 return mine.left() && childs.left() && !grandchilds.left();
                                             }) &&
                                    !childs.left();
                         }));
}

TEST(HomeProcess, IsTheSameForAllThreadsOfAChild)
{
    EXPECT_TRUE(in_child([] { return ::fork(); },
                         [] {
                             std::vector<std::optional<detail::home_process>> homes(8);
                             std::vector<std::thread> threads;
                             for (auto& h : homes) threads.emplace_back([&h] { h.emplace(); });
                             for (auto& t : threads) t.join();
                             for (const auto& h : homes)
                                 if (h->left()) return false;
                             return true;
                         }));
}

}  // namespace
}  // namespace queuectl
