// One of two programs that share a Redis: this one enqueues jobs and ends; redis_worker, on any machine, runs them.
#include <queuectl/queuectl.hpp>
#include <queuectl/redis.hpp>

#include <cstdio>

// redis_producer URL TEXT…: a job for each text. redis://[USER:PASSWORD@]HOST[:PORT][/DB] or redis+unix:///PATH.
int main(int argc, char** argv)
{
    auto target = queuectl::parse_redis_url(argc > 1 ? argv[1] : "redis://localhost");
    if (!target) return std::puts(target.error().message().c_str()), 1;
    auto storage = queuectl::redis_storage::open(target->address);
    if (!storage) return std::puts(storage.error().message().c_str()), 1;
    queuectl::producer<queuectl::redis_storage> queue{*std::move(storage), queuectl::no_executor{}};
    for (int i = 2; i < argc; ++i) {
        const auto id = queue.enqueue({.payload = argv[i], .kind = "greet"});
        if (!id) return std::puts(id.error().message().c_str()), 1;
        std::printf("enqueued %s\n", id->c_str());
    }
}
