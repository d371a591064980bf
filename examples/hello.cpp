// The smallest program: a queue in memory, a handler, a job.
#include <queuectl/queuectl.hpp>

#include <cstdio>

int main()
{
    queuectl::basic_queue queue{queuectl::memory_storage{}, queuectl::inline_executor{[](const queuectl::job& job) {
                                    std::printf("hello, %s\n", job.payload.c_str());
                                }}};
    const auto id = queue.enqueue({.payload = "world"});
    const auto summary = queue.run_until_idle();
    return id && summary && summary->completed == 1 ? 0 : 1;
}
