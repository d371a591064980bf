// How the tests are compiled, for those that compute for long.
#ifndef QUEUECTL_TESTS_JOURNAL_INSTRUMENTED_HPP
#define QUEUECTL_TESTS_JOURNAL_INSTRUMENTED_HPP

namespace queuectl::journal_testing {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define QUEUECTL_TESTS_INSTRUMENTED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define QUEUECTL_TESTS_INSTRUMENTED
#endif

// A sanitizer looks at every access: everything takes many times as long.
#ifdef QUEUECTL_TESTS_INSTRUMENTED
inline constexpr bool instrumented = true;
#else
inline constexpr bool instrumented = false;
#endif

// Where the compiler optimises and nothing is instrumented, all sequences are tried; elsewhere the shorter ones.
#ifdef __OPTIMIZE__
inline constexpr bool fast = !instrumented;
#else
inline constexpr bool fast = false;
#endif

}  // namespace queuectl::journal_testing

#endif
