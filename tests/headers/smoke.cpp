// The whole way of a job, with a retry and the dead letter queue, in a build without exceptions and RTTI.
#include <queuectl/executor/inline.hpp>
#include <queuectl/handlers.hpp>
#include <queuectl/queue.hpp>
#include <queuectl/storage/memory.hpp>

#include <cstdio>

using namespace queuectl;

namespace {

int require(bool holds, const char* what)
{
    if (!holds) std::printf("not so: %s\n", what);
    return holds ? 0 : 1;
}

}  // namespace

int main()
{
    int greeted = 0;
    basic_queue queue{memory_storage{},
                      inline_executor{handlers{}.on("greet", [&](const job&) { ++greeted; }).on("fail", [](const job&) {
                          return retry_in(duration{0}, "no");
                      })}};
    const auto greet = queue.enqueue({.payload = "world", .kind = "greet"});
    const auto failing = queue.enqueue({.kind = "fail", .max_retries = 1});
    const auto unknown = queue.enqueue({.kind = "nobody"});
    const auto refused = queue.enqueue({.id = "not a name"});
    if (!greet || !failing || !unknown) return require(false, "three jobs are taken");
    int wrong = require(!refused && refused.error().code == errc::invalid_argument, "a bad id is refused");
    const auto first = queue.run_until_drained();
    wrong +=
        require(first && first->completed == 1 && first->retried == 1 && first->buried == 2, "each job ends its way");
    wrong += require(greeted == 1, "the handler ran once");
    const auto record = queue.find(*failing);
    wrong +=
        require(record && *record && (*record)->state == state::dead && (*record)->attempts == 2, "dead after a retry");
#if defined(__GLIBC__)
    // Also without threads, a worker with nothing to do sleeps.
    const auto before = std::chrono::steady_clock::now();
    std::vector<finished_run> none;
    queue.executor().wake();
    queue.executor().collect(none, std::chrono::hours{1});
    queue.executor().collect(none, std::chrono::milliseconds{30});
    wrong += require(std::chrono::steady_clock::now() - before >= std::chrono::milliseconds{30}, "collect waits");
#endif
    return wrong;
}
