// The other of two programs that share a Redis: runs what redis_producer enqueues, until nothing waits any more.
#include <queuectl/queuectl.hpp>
#include <queuectl/redis.hpp>

#include <cstdio>

// redis_worker URL. In a service: queue.run(stop) instead, in as many processes and on as many machines as you like.
int main(int argc, char** argv)
{
    auto target = queuectl::parse_redis_url(argc > 1 ? argv[1] : "redis://localhost");
    if (!target) return std::puts(target.error().message().c_str()), 1;
    auto storage = queuectl::redis_storage::open(target->address);
    if (!storage) return std::puts(storage.error().message().c_str()), 1;
    queuectl::basic_queue queue{*std::move(storage), queuectl::inline_executor{[](const queuectl::job& job) {
                                    std::printf("hello, %s\n", job.payload.c_str());
                                }}};
    const auto summary = queue.run_until_drained();
    if (!summary) return std::puts(summary.error().message().c_str()), 1;
    std::printf("%d jobs done\n", static_cast<int>(summary->completed));
}
