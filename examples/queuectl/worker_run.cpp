#include "worker_run.hpp"

#include "jitter.hpp"
#include "worker_log.hpp"

#include <queuectl/executor/process.hpp>
#include <queuectl/process/side_folder.hpp>
#include <queuectl/queue.hpp>

namespace queuectl::command {
namespace {

struct worker_traits : queue_traits {
    using observer = log_observer;
};
using worker_executor = with_jitter<process_executor>;
using worker_queue = basic_queue<storage_ref<any_storage>, worker_executor, exponential, worker_traits>;

queue_options queue_options_of(const worker_options& options, const settings& values, const worker_identity& who)
{
    queue_options o;
    o.queues = options.queues;
    o.worker = who.name;
    o.lease = values.lease;
    o.max_crashes = values.max_crashes;
    return o;
}

// Where output is shown as it comes; empty when that cannot be.
std::string logs_folder(const store_location& where)
{
    auto side = side_folder::open(where.side_folder(), true);
    if (!side) return {};
    auto logs = side->subfolder("logs", true);
    return logs ? logs->path() : std::string{};
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
    o.subreaper = true;
    if (store.where.kind == store_kind::memory) return o;
    o.store = store.where.url();
    o.spool_dir = logs_folder(store.where);
    return o;
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

void stop_listener::follow(void* self)
{
    auto& me = *static_cast<stop_listener*>(self);
    const bool release = me.connected_ && me.signals_.requests() > 1;
    me.stop_.request(release ? stop_level::release : stop_level::finish);
}

result<run_summary> run_worker(const open_store& store, const worker_options& options, const settings& values,
                               const worker_identity& who, stop_listener& stop)
{
    traits_values<worker_traits> parts;
    parts.observer.quiet = options.quiet;
    worker_queue queue{store.ref(),
                       {process_executor{process_options_of(store, options, values, who)}, values.jitter},
                       exponential{values.backoff_base},
                       queue_options_of(options, values, who),
                       std::move(parts)};
    auto summary = options.drain ? queue.run_until_drained(stop.source()) : queue.run(stop.source());
    if (summary && !options.quiet) log_line(who.name + ' ' + summary_text(*summary));
    return summary;
}

}  // namespace queuectl::command
