// Version, feature switches and the assertion hook. Every other header includes this one.
#ifndef QUEUECTL_CONFIG_HPP
#define QUEUECTL_CONFIG_HPP

#define QUEUECTL_VERSION_MAJOR 0
#define QUEUECTL_VERSION_MINOR 1
#define QUEUECTL_VERSION_PATCH 0
#define QUEUECTL_VERSION "0.1.0"

// 1 when the translation unit is compiled with exceptions. Nothing of ours throws but memory exhaustion
// and result<T>::value() on an error; without exceptions both end the program.
#if defined(__cpp_exceptions) || defined(_CPPUNWIND)
#define QUEUECTL_HAS_EXCEPTIONS 1
#else
#define QUEUECTL_HAS_EXCEPTIONS 0
#endif

// Define QUEUECTL_NO_THREADS to build without <mutex>, <thread> and <condition_variable>: storages then take
// no locks, worker heartbeats come from the worker's own loop, and thread_pool_executor does not exist.
#if defined(QUEUECTL_NO_THREADS)
#define QUEUECTL_HAS_THREADS 0
#else
#define QUEUECTL_HAS_THREADS 1
#endif

// Programmer errors (a broken precondition) hit QUEUECTL_ASSERT; define it before the first include to
// replace it. Bad input, I/O and contention never do: they are values of queuectl::result.
#ifndef QUEUECTL_ASSERT
#include <cassert>
#define QUEUECTL_ASSERT(condition) assert(condition)
#endif

// Everything lives in an inline namespace, so that two ABI versions can meet in one program.
namespace queuectl::inline v0 {
}

#endif
