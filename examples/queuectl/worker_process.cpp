// worker-process: one worker process; started by `worker start` only.
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "worker_log.hpp"
#include "worker_registry.hpp"
#include "worker_run.hpp"

#include <queuectl/random.hpp>
#include <queuectl/worker.hpp>

#include <cstdlib>

#include <sys/prctl.h>

namespace queuectl::command {
namespace {

// Takes the variable out of the environment, so that no job inherits it.
std::string take_variable(const char* name)
{
    const char* value = std::getenv(name);
    std::string text = value == nullptr ? std::string{} : std::string{value};
    ::unsetenv(name);
    return text;
}

// 64 and above tells the supervisor that another worker would fare no better.
int give_up(const error& e)
{
    log_line("worker ended: " + e.message());
    return is_transient(e.code) ? int{exit_failed} : int{exit_code_of(e.code)};
}

result<settings> stored_settings(const store_location& where)
{
    auto store = open_for_reading(where);
    if (!store) return fail(store.error());
    return load_settings(*store->storage, system_time_source{}.now());
}

worker_entry entry_of(const worker_options& options, std::string mark, std::string supervisor)
{
    worker_entry e = describe_this_process(worker_role::worker);
    e.mark = mark.empty() ? to_hex(random_source{}.draw_uid()) : std::move(mark);
    e.supervisor = std::move(supervisor);
    e.concurrency = options.concurrency;
    e.queues = options.queues;
    return e;
}

result<void> work(const context& c, const worker_options& options, worker_entry entry, stop_listener& stop)
{
    auto where = locate(c.store);
    if (!where) return fail(where.error());
    auto values = stored_settings(*where);
    if (!values) return fail(values.error());
    auto store = open_for_writing(*where, {values->sync_claims});
    if (!store) return fail(store.error());
    auto registry = worker_registry::open(where->side_folder(), true);
    if (!registry) return fail(registry.error());
    auto registered = registry->enter(*store->storage, std::move(entry), where->shared());
    if (!registered) return fail(registered.error());
    const auto& me = registered->entry();
    if (auto ran = run_worker(*store, options, *values, {me.name, me.mark}, stop); !ran) return fail(ran.error());
    return {};
}

}  // namespace

int worker_process_command(context& c)
{
    ::prctl(PR_SET_NAME, "queuectl");
    stop_listener stop;
    auto mark = take_variable("QUEUECTL_WORKER_MARK");
    std::optional<std::string> supervisor;
    worker_option_texts texts;
    command_line line{"worker-process", "One worker process; started by `worker start` only."};
    line.option("--supervisor", "NAME", supervisor, "The supervisor's name");
    texts.describe_worker(line);
    if (const auto ended = line.parse(c)) return *ended;
    auto options = texts.read();
    if (!options) return complain(options.error());
    auto entry = entry_of(*options, std::move(mark), supervisor.value_or(std::string{}));
    auto worked = work(c, *options, std::move(entry), stop);
    return worked ? int{exit_done} : give_up(worked.error());
}

}  // namespace queuectl::command
