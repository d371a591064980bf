// What must not happen in the process of the tests.
#ifndef QUEUECTL_TESTS_EXECUTOR_IN_CHILD_HPP
#define QUEUECTL_TESTS_EXECUTOR_IN_CHILD_HPP

#include <queuectl/executor/process.hpp>

#include <gtest/gtest.h>

namespace queuectl::process_testing {

// Runs f in a child process; its result is the exit code.
template <class F>
[[nodiscard]] int in_child(F&& f)
{
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(f() && !testing::Test::HasFailure() ? 0 : 1);
    return process::reap(pid);
}

}  // namespace queuectl::process_testing

#endif
