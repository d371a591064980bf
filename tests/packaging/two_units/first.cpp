#include "everything.hpp"

bool handle(const queuectl::job& j) { return j.payload == "from the other unit"; }

int main()
{
    the_queue queue{queuectl::memory_storage{}, queuectl::inline_executor{handle}};
    if (!enqueue_one(queue)) return 1;
    const auto summary = queue.run_until_idle();
    return summary && summary->completed == 1 ? 0 : 1;
}
