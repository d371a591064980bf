// worker list
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "table.hpp"
#include "text.hpp"
#include "worker_view.hpp"

namespace queuectl::command {
namespace {

std::string queues_text(const worker_entry& e)
{
    std::string text;
    for (const auto& queue : e.queues) text += (text.empty() ? "" : ",") + queue;
    return text.empty() ? "all" : text;
}

const char* role_text(const worker_entry& e) { return e.role == worker_role::supervisor ? "supervisor" : "worker"; }

const char* condition_text(const known_worker& w) { return w.alive ? "alive" : w.foreign ? "elsewhere" : "dead"; }

void print_table(context& c, const std::vector<known_worker>& workers)
{
    if (workers.empty()) return complain("no workers");
    table t{{"NAME", "ROLE", "CONDITION", "JOBS", "STARTED", "QUEUES"}, {"NAME"}};
    const auto now = c.now().wall;
    for (const auto& w : workers)
        t.add({w.entry.name, role_text(w.entry), condition_text(w), std::to_string(w.entry.concurrency),
               relative_time(w.entry.started_at, now), queues_text(w.entry)});
    t.print(c.out);
}

}  // namespace

void write_workers(json_writer& json, const std::vector<known_worker>& workers)
{
    json.begin_array();
    for (const auto& w : workers) {
        const auto& e = w.entry;
        json.begin_object().member("name", e.name).member("role", role_text(e)).member("condition", condition_text(w));
        json.member("host", e.host).member("pid", static_cast<std::int64_t>(e.pid));
        json.member("concurrency", static_cast<std::uint64_t>(e.concurrency));
        if (e.role == worker_role::supervisor) json.member("count", static_cast<std::uint64_t>(e.count));
        if (!e.supervisor.empty()) json.member("supervisor", e.supervisor);
        json.key("queues").begin_array();
        for (const auto& queue : e.queues) json.value(queue);
        json.end_array().member("started_at", iso_time(e.started_at)).end_object();
    }
    json.end_array();
}

result<std::vector<known_worker>> workers_of(open_store& store)
{
    auto registry = worker_registry::open(store.where.side_folder(), false);
    if (registry) return registry->list(*store.storage);
    if (store.where.shared() && store.exists) return list_entries(*store.storage);
    if (registry.error().code == errc::not_found) return std::vector<known_worker>{};
    return fail(registry.error());
}

int worker_list_command(context& c)
{
    command_line line{"worker list", "Lists the workers of the store and their supervisors."};
    if (const auto ended = line.parse(c)) return *ended;
    auto store = open_for_reading(c.store);
    if (!store) return complain(store.error());
    auto workers = workers_of(*store);
    if (!workers) return complain(workers.error());
    if (!c.json) {
        print_table(c, *workers);
        return exit_done;
    }
    json_writer json{c.out.buffer()};
    write_workers(json, *workers);
    c.out << "\n";
    return exit_done;
}

}  // namespace queuectl::command
