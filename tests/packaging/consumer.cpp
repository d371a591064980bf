// A user's program: on the stores that it is built with, beside argv[1], and in memory; with WITH_REDIS: where there is
// no server.
#include <queuectl/queuectl.hpp>
#if defined(WITH_SQLITE)
#include <queuectl/sqlite.hpp>
#endif
#if defined(WITH_REDIS)
#include <queuectl/redis.hpp>
#endif
#if defined(WITH_LMDB)
#include <queuectl/lmdb.hpp>
#endif

#include <cstdio>
#include <string>

namespace {

template <class Storage>
int use(Storage storage)
{
    int runs = 0;
    queuectl::basic_queue queue{std::move(storage), queuectl::inline_executor{[&](const queuectl::job&) { ++runs; }}};
    if (const auto id = queue.enqueue({.payload = "hello"}); !id) return std::puts(id.error().message().c_str()), 1;
    const auto summary = queue.run_until_idle();
    return summary && summary->completed == 1 && runs == 1 ? 0 : 1;
}

}  // namespace

int main([[maybe_unused]] int argc, [[maybe_unused]] char** argv)
{
#if defined(WITH_SQLITE)
    auto opened = queuectl::sqlite_storage::open(argc > 1 ? argv[1] : "jobs.db");
    if (!opened) return std::puts(opened.error().message().c_str()), 1;
    if (const int code = use(*std::move(opened)); code != 0) return code;
#endif
#if defined(WITH_REDIS)
    const auto target = queuectl::parse_redis_url("redis://127.0.0.1:1");
    if (!target || queuectl::redis_storage::open(target->address)) return 1;
#endif
#if defined(WITH_LMDB)
    auto in_lmdb = queuectl::lmdb_storage::open(std::string{argc > 1 ? argv[1] : "jobs"} + ".lmdb");
    if (!in_lmdb) return std::puts(in_lmdb.error().message().c_str()), 1;
    if (const int code = use(*std::move(in_lmdb)); code != 0) return code;
#endif
    return use(queuectl::memory_storage{});
}
