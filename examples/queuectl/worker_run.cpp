#include "worker_run.hpp"

#include "worker_log.hpp"

#include <queuectl/executor/process.hpp>
#include <queuectl/process/signals.hpp>
#include <queuectl/queue.hpp>

#include <atomic>

namespace queuectl::command {
namespace {

struct worker_traits : queue_traits {
    using observer = log_observer;
};
using worker_queue = basic_queue<storage_ref<any_storage>, process_executor, exponential, worker_traits>;

queue_options queue_options_of(const worker_options& options, const settings& values, const worker_identity& who)
{
    queue_options o;
    o.queues = options.queues;
    o.worker = who.name;
    o.lease = values.lease;
    o.max_crashes = values.max_crashes;
    return o;
}

process_options process_options_of(const open_store& store, const worker_options& options, const settings& values,
                                   const worker_identity& who)
{
    process_options o;
    o.concurrency = options.concurrency;
    o.grace = values.grace;
    o.head_bytes = values.output_head;
    o.tail_bytes = values.output_tail;
    o.run_mark = who.mark;
    if (store.where.kind != store_kind::memory) o.store = store.where.url();
    return o;
}

struct stop_follower {
    stop_source stop;
    std::atomic<const process::stop_signals*> signals{nullptr};
};

// Called by the signal handler.
void follow_signal(void* context)
{
    auto& follower = *static_cast<stop_follower*>(context);
    const auto* const signals = follower.signals.load();
    const bool release = signals != nullptr && signals->requests() > 1;
    follower.stop.request(release ? stop_level::release : stop_level::finish);
}

std::string summary_text(const run_summary& s)
{
    std::string text = "ended: " + std::to_string(s.completed) + " completed";
    const std::pair<std::uint64_t, const char*> others[] = {
        {s.retried, " failed, to be retried"}, {s.buried, " dead"},
        {s.cancelled, " cancelled"},           {s.released, " released"},
        {s.lost, " lost to others"},
    };
    for (const auto& [count, what] : others)
        if (count > 0) text += ", " + std::to_string(count) + what;
    return text;
}

}  // namespace

result<run_summary> run_worker(const open_store& store, const worker_options& options, const settings& values,
                               const worker_identity& who)
{
    stop_follower follower;
    traits_values<worker_traits> parts;
    parts.observer.quiet = options.quiet;
    worker_queue queue{store.ref(), process_executor{process_options_of(store, options, values, who)},
                       exponential{values.backoff_base}, queue_options_of(options, values, who), std::move(parts)};
    const process::stop_signals signals{&follow_signal, &follower};
    follower.signals = &signals;
    auto summary = options.drain ? queue.run_until_drained(follower.stop) : queue.run(follower.stop);
    follower.signals = nullptr;
    if (summary && !options.quiet) log_line(who.name + ' ' + summary_text(*summary));
    return summary;
}

}  // namespace queuectl::command
