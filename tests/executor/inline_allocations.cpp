#include <queuectl/executor/inline.hpp>

#include "support.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

// The thread sanitizer brings its own operator new.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define QUEUECTL_TEST_TSAN 1
#endif
#endif

#if !defined(__SANITIZE_THREAD__) && !defined(QUEUECTL_TEST_TSAN)

using namespace executor_tests;

namespace {

std::atomic<long> allocations{0};

}  // namespace

void* operator new(std::size_t bytes)
{
    ++allocations;
    if (void* p = std::malloc(bytes)) return p;
    throw std::bad_alloc{};
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

TEST(InlineExecutor, AllocatesNothingOnceWarm)
{
    inline_executor e{nothing, 8};
    std::vector<finished_run> out;
    const lease l = make_lease();
    const auto round = [&] {
        for (int i = 0; i < 8; ++i) static_cast<void>(e.start(l, some_time));
        e.collect(out, {});
        out.clear();
    };
    round();
    round();
    const long before = allocations;
    for (int i = 0; i < 100; ++i) round();
    EXPECT_EQ(allocations - before, 0);
}

#endif
