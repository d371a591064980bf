// status: counts, workers, store.
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "store.hpp"
#include "tend.hpp"
#include "table.hpp"
#include "terminal_text.hpp"
#include "text.hpp"
#include "worker_view.hpp"

#include <algorithm>

namespace queuectl::command {

namespace {

struct store_status {
    store_info info;
    std::string url;
    bool exists = true;
    queue_counts total{};
    std::vector<queue_counts> queues{};
    std::vector<known_worker> workers{};
    std::vector<std::string> doubts{};
};

result<store_status> read_status(open_store& store)
{
    store_status s;
    s.url = store.where.url();
    s.exists = store.exists;
    auto info = store.storage->info();
    if (!info) return fail(info.error());
    s.info = std::move(*info);
    if (auto counted = store.storage->counts(s.queues); !counted) return fail(counted.error());
    std::sort(s.queues.begin(), s.queues.end(), [](const auto& a, const auto& b) { return a.queue < b.queue; });
    for (const auto& q : s.queues)
        for (std::size_t i = 0; i < state_count; ++i) s.total.by_state[i] += q.by_state[i];
    auto workers = workers_of(store);
    if (!workers) return fail(workers.error());
    s.workers = std::move(*workers);
    auto doubts = store.storage->doubts();
    if (!doubts) return fail(doubts.error());
    s.doubts = std::move(*doubts);
    return s;
}

void write_counts(json_writer& json, const queue_counts& counts)
{
    json.begin_object();
    for (std::size_t i = 0; i < state_count; ++i)
        json.member(queuectl::name(static_cast<state>(i)), counts.by_state[i]);
    json.end_object();
}

void print_json(context& c, const store_status& s)
{
    json_writer json{c.out.buffer()};
    json.begin_object().key("jobs");
    write_counts(json, s.total);
    json.key("queues").begin_object();
    for (const auto& q : s.queues) {
        json.key(q.queue);
        write_counts(json, q);
    }
    json.end_object().key("workers");
    write_workers(json, s.workers);
    json.member("store", s.url).member("exists", s.exists).member("durability", queuectl::name(s.info.durability));
    if (s.exists) json.member("store_id", to_hex(s.info.id)).member("format", std::uint64_t{s.info.format});
    if (s.exists) json.member("state", queuectl::name(s.info.state));
    if (!s.info.moved_to.empty()) json.member("moved_to", s.info.moved_to);
    if (s.exists && !s.doubts.empty()) {
        json.key("warnings").begin_array();
        for (const auto& doubt : s.doubts) json.value(doubt);
        json.end_array();
    }
    json.end_object();
    c.out << "\n";
}

void print_people(context& c, const store_status& s)
{
    std::vector<std::string> head{"QUEUE"};
    for (std::size_t i = 0; i < state_count; ++i) head.emplace_back(queuectl::name(static_cast<state>(i)));
    table t{std::move(head), {"QUEUE"}};
    const auto row = [&t](std::string name, const queue_counts& counts) {
        std::vector<std::string> cells{std::move(name)};
        for (const auto n : counts.by_state) cells.push_back(std::to_string(n));
        t.add(std::move(cells));
    };
    for (const auto& q : s.queues) row(q.queue, q);
    if (s.queues.size() != 1) row("all", s.total);
    t.print(c.out);
    const auto living = std::count_if(s.workers.begin(), s.workers.end(), [](const known_worker& w) {
        return w.alive && w.entry.role == worker_role::worker;
    });
    c.out << "\nworkers     " << std::to_string(living) << "\nstore       " << one_line(s.url)
          << (s.exists ? "" : " (not there yet)") << "\ndurability  " << queuectl::name(s.info.durability) << "\n";
    for (const auto& doubt : s.doubts) c.out << "warning     " << one_line(doubt) << "\n";
    if (s.info.state == store_state::read_only) c.out << "state       read-only\n";
    if (s.info.state == store_state::moving) c.out << "moving to   " << one_line(s.info.moved_to) << "\n";
    if (s.info.state == store_state::moved) c.out << "moved to    " << one_line(s.info.moved_to) << "\n";
}

}  // namespace

int status_command(context& c)
{
    command_line line{"status", "Counts the jobs of each queue by state; shows workers and store."};
    line.examples("  queuectl status\n  queuectl status --json | jq .jobs.dead\n");
    if (const auto ended = line.parse(c)) return *ended;
    auto store = open_for_reading(c.store);
    if (!store) return complain(store.error());
    tend(*store);
    auto status = read_status(*store);
    if (!status) return complain(status.error());
    c.json ? print_json(c, *status) : print_people(c, *status);
    return exit_done;
}

}  // namespace queuectl::command
