// worker start: the supervisor, in the foreground or detached.
#include "cli.hpp"
#include "commands.hpp"
#include "detach.hpp"
#include "exit_codes.hpp"
#include "file_enqueue.hpp"
#include "move_mark.hpp"
#include "own_program.hpp"
#include "settings.hpp"
#include "shared_presence.hpp"
#include "worker_log.hpp"
#include "worker_recovery.hpp"
#include "worker_run.hpp"

#include <queuectl/random.hpp>
#include <queuectl/supervisor.hpp>

#include <csignal>

namespace queuectl::command {
namespace {

constexpr char start_examples[] =
    "  queuectl worker start --count 2\n"
    "  queuectl worker start --queue mail --concurrency 8\n"
    "  queuectl worker start --detach\n"
    "  queuectl --store memory: worker start --file jobs.ndjson --drain\n";

supervisor_options supervisor_options_of(const worker_options& options, const std::string& url, const std::string& name)
{
    supervisor_options o;
    o.argv = {own_program(), "worker-process", "--supervisor", name};
    if (!url.empty()) o.argv.insert(o.argv.end(), {"--store", url});
    for (auto& word : worker_words(options)) o.argv.push_back(std::move(word));
    o.count = options.count;
    o.run_mark = to_hex(random_source{}.draw_uid());
    o.release_signal = SIGUSR2;
    o.tick = std::chrono::milliseconds{500};
    return o;
}

worker_entry supervisor_entry(const worker_options& options)
{
    auto e = describe_this_process(worker_role::supervisor);
    e.count = options.count;
    e.concurrency = options.concurrency;
    e.queues = options.queues;
    return e;
}

// The words of a process can be read by everybody: a URL with a password goes by the environment instead.
std::string url_of_workers(const store_location& where)
{
    if (!where.shared()) return where.url();
    ::setenv("QUEUECTL_STORE", where.private_url.c_str(), 1);
    return {};
}

// What about the store cannot keep a promise is told before anything runs.
void tell_doubts(any_storage& storage)
{
    auto doubts = storage.doubts();
    if (!doubts) return complain("warning: " + doubts.error().message());
    for (const auto& doubt : *doubts) complain("warning: " + doubt);
}

// Everything of a supervisor's life, with the store open.
int supervise(const store_location& where, const worker_options& options, detached_start& start)
{
    auto store = open_for_writing(where);
    if (!store) return complain(store.error());
    auto registry = worker_registry::open(where.side_folder(), true);
    if (!registry) return complain(registry.error());
    recover_dead_workers(*registry, *store->storage);
    // An entry of a shared store may be of a machine that has our name: the end of its leases tells that it died.
    if (!where.shared()) recover_lockless_workers(*registry, *store->storage);
    auto registered = registry->enter(*store->storage, supervisor_entry(options), where.shared());
    if (!registered) return complain(registered.error());
    start.tell(registered->entry().name);

    housekeeping house{where.side_folder() + "/logs"};
    move_watch watch;
    shared_presence presence{where, *registry, registered->entry().name};
    supervisor over{supervisor_options_of(options, url_of_workers(where), registered->entry().name)};
    auto code = over.run(
        [&](const worker_death& death) {
            recover_dead_workers(*registry, *store->storage, {death.pid, death.cause});
        },
        [&] {
            recover_dead_workers(*registry, *store->storage);
            if (watch.moves(*store->storage))
                ::raise(SIGUSR1);  // as `worker stop` would
            else
                house.step(*store->storage, system_time_source{}.now());
            presence.step(*store->storage, system_time_source{}.now());
            start.bound_log();
        });
    return code ? *code : complain(code.error());
}

// Refused lines are reported, and the others run.
result<void> enqueue_first(context& c, open_store& store, const worker_options& options)
{
    if (options.file.empty()) return {};
    auto enqueued = enqueue_file(c, store, options.file, request{}, false);
    return enqueued ? result<void>{} : result<void>{fail(enqueued.error())};
}

int run_in_memory(context& c, const worker_options& options)
{
    open_store store = open_memory();
    if (auto enqueued = enqueue_first(c, store, options); !enqueued) return complain(enqueued.error());
    stop_listener stop;
    auto ran = run_worker(store, options, settings{}, {describe_this_process(worker_role::worker).name, {}}, stop);
    return ran ? int{exit_done} : complain(ran.error());
}

int start_on_store(context& c, const store_location& where, const worker_options& options)
{
    {
        auto store = open_for_writing(where);  // what is wrong is told before anything goes to the background
        if (!store) return complain(store.error());
        if (auto stays = check_settled(*store->storage, c.now()); !stays) return complain(stays.error());
        tell_doubts(*store->storage);
        if (auto enqueued = enqueue_first(c, *store, options); !enqueued) return complain(enqueued.error());
    }
    detached_start start;
    if (options.detach)
        if (const auto ended = start.go(where.side_folder(), options.count)) return *ended;
    return supervise(where, options, start);
}

}  // namespace

int worker_start_command(context& c)
{
    worker_option_texts texts;
    command_line line{"worker start",
                      "Runs jobs until it is stopped: TERM or INT finishes the running ones, a second "
                      "one stops and releases them."};
    texts.describe_worker(line);
    texts.describe_supervisor(line);
    line.examples(start_examples);
    if (const auto ended = line.parse(c)) return *ended;
    auto options = texts.read();
    if (!options) return complain(options.error());
    auto where = locate(c.store);
    if (!where) return complain(where.error());
    if (where->kind == store_kind::memory && !options->file.empty()) return run_in_memory(c, *options);
    return start_on_store(c, *where, *options);
}

}  // namespace queuectl::command
