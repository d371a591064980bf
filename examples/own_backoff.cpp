// A backoff of one's own: any callable from (attempt, random bits) to a duration, and no inheritance.
#include <queuectl/queuectl.hpp>

#include <cstdio>

using namespace std::chrono_literals;

namespace {

// 10, 10, 20, 30, 50, … ms.
struct fibonacci {
    queuectl::duration unit;

    queuectl::duration operator()(std::int32_t attempt, queuectl::random_bits) const
    {
        queuectl::duration wait = unit;
        for (queuectl::duration before{}; attempt > 1; --attempt)
            before = std::exchange(wait, queuectl::add(wait, before));  // saturates
        return wait;
    }
};

}  // namespace

int main()
{
    queuectl::basic_queue queue{
        queuectl::memory_storage{},
        queuectl::inline_executor{[](const queuectl::job&, queuectl::context& run) { return run.run_number() == 5; }},
        queuectl::jittered{fibonacci{10ms}}};
    const auto id = queue.enqueue({.max_retries = 4});
    const auto summary = queue.run_until_drained();
    if (!id || !summary) return 1;
    std::printf("%d retries, then completed\n", static_cast<int>(summary->retried));
    return summary->retried == 4 && summary->completed == 1 ? 0 : 1;
}
