// A queue on a storage of one's own: own_storage.hpp is all that it needs.
#include "own_storage.hpp"

#include <queuectl/queuectl.hpp>

#include <cstdio>

int main()
{
    int runs = 0;
    queuectl::inline_executor executor{[&](const queuectl::job& j) {
        std::printf("hello, %s\n", j.payload.c_str());
        ++runs;
    }};
    queuectl::basic_queue queue{example::own_storage{}, std::move(executor)};
    for (const char* whom : {"one", "two"}) {
        queuectl::new_job j;
        j.payload = whom;
        if (auto id = queue.enqueue(j); !id) return std::puts(id.error().message().c_str()), 1;
    }
    if (auto ran = queue.run_until_idle(); !ran) return std::puts(ran.error().message().c_str()), 1;
    return runs == 2 ? 0 : 1;
}
