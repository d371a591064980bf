// Nothing is included before the single header: it must bring all it needs.
#include <queuectl/queuectl.hpp>

#include <cstdio>

#if defined(QUEUECTL_POSIX)
static_assert(queuectl::executor<queuectl::process_executor>);
#endif
#if defined(QUEUECTL_TESTING)
static_assert(sizeof(queuectl::seeded_random) > 0);
#endif

int main()
{
    int runs = 0;
    queuectl::basic_queue queue{queuectl::memory_storage{},
                                queuectl::inline_executor{[&](const queuectl::job& j) { runs += j.payload == "hi"; }}};
    const auto id = queue.enqueue({.payload = "hi"});
    const auto summary = queue.run_until_idle();
    if (!id || !summary) {
        std::puts(id ? summary.error().message().c_str() : id.error().message().c_str());
        return 1;
    }
    return runs == 1 && summary->completed == 1 ? 0 : 1;
}
