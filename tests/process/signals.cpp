// Stop signals of a worker.
#include <queuectl/process/signals.hpp>
#include <queuectl/process/spawn.hpp>

#include <gtest/gtest.h>

namespace {
using namespace queuectl;

TEST(StopSignals, AreCountedAndPassedOn)
{
    int woken = 0;
    {
        const process::stop_signals signals{[](void* n) { ++*static_cast<int*>(n); }, &woken};
        EXPECT_EQ(signals.requests(), 0);
        ::raise(SIGTERM);
        EXPECT_EQ(signals.requests(), 1);
        ::raise(SIGINT);
        ::raise(SIGPIPE);
        EXPECT_EQ(signals.requests(), 2);
        ::raise(SIGHUP);
        EXPECT_EQ(signals.requests(), 3);
    }
    EXPECT_EQ(woken, 3);
    struct sigaction now {};
    ::sigaction(SIGTERM, nullptr, &now);
    EXPECT_EQ(now.sa_handler, SIG_DFL);
    EXPECT_EQ(process::stop_signals{}.requests(), 0);
}

TEST(StopSignals, WhatTheParentsDeathSendsAsksToFinishNotToRelease)
{
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t parent = ::fork();
    if (parent == 0) {
        const pid_t self = ::getpid();
        if (::fork() == 0) {
            const process::stop_signals signals;
            const char ready = 0;
            static_cast<void>(::write(pipe[1], &ready, 1) == 1);
            while (::getppid() == self) ::usleep(1000);
            ::raise(SIGTERM);
            const char n = static_cast<char>(signals.requests());
            ::_exit(::write(pipe[1], &n, 1) == 1 ? 0 : 1);
        }
        ::pause();
    }
    char n = 0;
    ASSERT_EQ(::read(pipe[0], &n, 1), 1);
    ::kill(parent, SIGKILL);
    process::reap(parent);
    ASSERT_EQ(::read(pipe[0], &n, 1), 1);
    EXPECT_EQ(n, 1);
    ::close(pipe[0]);
    ::close(pipe[1]);
}

}  // namespace
