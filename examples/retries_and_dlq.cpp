// A job that fails until it is given up, how to see that in the dead letter queue, and how to send it round again.
#include <queuectl/queuectl.hpp>

#include <cstdio>

using namespace std::chrono_literals;

int main()
{
    bool repaired = false;
    queuectl::basic_queue queue{
        queuectl::memory_storage{}, queuectl::inline_executor{[&](const queuectl::job&, queuectl::context& run) {
            std::printf("run %d\n", static_cast<int>(run.run_number()));
            return repaired ? queuectl::succeed("delivered") : queuectl::fail_run("connection refused");
        }},
        queuectl::capped{queuectl::geometric{5ms, 2}, 1s}};

    const auto id = queue.enqueue({.id = "invoice-17", .max_retries = 2, .retention = 1h});
    if (!id || !queue.run_until_drained()) return 1;

    const auto dead = queue.list({.state = queuectl::state::dead});
    if (!dead || dead->size() != 1) return 1;
    for (const auto& record : *dead)
        std::printf("%s gave up after %d runs: %s\n", record.job.id.c_str(), static_cast<int>(record.attempts),
                    record.error.c_str());

    repaired = true;
    if (!queue.retry("invoice-17") || !queue.run_until_drained()) return 1;
    const auto record = queue.find("invoice-17");
    if (!record || !*record) return 1;
    std::printf("%s is %s: %s\n", (*record)->job.id.c_str(), name((*record)->state).data(), (*record)->result.c_str());
    return (*record)->state == queuectl::state::completed ? 0 : 1;
}
