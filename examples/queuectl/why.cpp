// why: the reason for which a job does not run now.
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "find_job.hpp"
#include "job_view.hpp"
#include "store.hpp"
#include "tend.hpp"
#include "terminal_text.hpp"
#include "text.hpp"
#include "worker_view.hpp"

#include <queuectl/limits.hpp>

#include <algorithm>

namespace queuectl::command {

namespace {

// `code` is the same in every version; `text` is for people and goes on after the id.
struct reason {
    const char* code;
    std::string text;
};

// The workers that could run a job, as far as this machine can tell.
struct takers {
    std::size_t living = 0;      // workers on this machine, whatever they take
    std::size_t elsewhere = 0;   // of other machines that take its queue: whether they live cannot be told
    std::size_t taking = 0;      // living ones that take its queue
    std::size_t places = 0;      // jobs that these run at once
    std::size_t running = 0;     // jobs that these run now
    std::size_t unoccupied = 0;  // of these, those that run nothing
};

std::string some(std::size_t n, const std::string& what)
{
    return std::to_string(n) + ' ' + what + (n == 1 ? "" : "s");
}

std::string at(timestamp t, timestamp now) { return relative_time(t, now) + ", at " + iso_time(t); }

reason of_ended(const job_record& r, timestamp now)
{
    const std::string when = " " + relative_time(r.updated_at, now);
    if (r.state == state::completed) return {"completed", "has completed" + when};
    if (r.state == state::cancelled) return {"cancelled", "was cancelled" + when};
    return {"dead", "was given up" + when + " (" + r.error + "); to run it again: queuectl dlq retry " + r.job.id};
}

// A due job of a store that takes claims, by who could claim it.
reason of_due(const job_record& r, const takers& t)
{
    const std::string queue = "queue " + r.job.queue;
    if (t.taking == 0 && t.elsewhere > 0)
        return {"workers_elsewhere", "is due; only workers of other machines take its " + queue +
                                         ", and whether they live cannot be told from here"};
    if (t.taking == 0 && t.living > 0)
        return {"no_worker_for_queue", "is due, but none of the " + some(t.living, "worker") + " takes its " + queue};
    if (t.taking == 0) return {"no_worker", "is due, but no worker runs on this machine: queuectl worker start"};
    if (r.crashes > 0 && t.unoccupied == 0)
        return {"runs_alone", "is due; with a crash behind it, it runs alone, and each of the " +
                                  some(t.taking, "worker") + " for its " + queue + " runs something else"};
    if (t.running >= t.places)
        return {"workers_busy", "is due; all " + some(t.places, "place") + " of the " + some(t.taking, "worker") +
                                    " for its " + queue + " are taken"};
    return {"about_to_run", "is due, and a worker with a free place takes its " + queue + ": it should start now"};
}

reason of_held(const job_record& r)
{
    std::string text;
    constexpr std::pair<std::uint32_t, const char*> causes[] = {{hold_dependency, "a job that it depends on"},
                                                                {hold_key_order, "an earlier job of its key"},
                                                                {hold_key_limit, "the limit of its key"},
                                                                {hold_unknown_kind, "a worker that knows its kind"}};
    for (const auto& [bit, cause] : causes)
        if ((r.job.hold & bit) != 0) text += (text.empty() ? "waits for " : " and ") + std::string{cause};
    return {"held", text};
}

// How many jobs each worker runs is counted from the store.
result<takers> find_takers(open_store& store, const std::string& queue)
{
    takers t;
    auto workers = workers_of(store);
    if (!workers) return fail(workers.error());
    std::vector<std::pair<std::string, std::size_t>> mine;
    for (const auto& [entry, alive, foreign] : *workers) {
        if (entry.role != worker_role::worker || !(alive || foreign)) continue;
        const auto& queues = entry.queues;
        const bool takes = queues.empty() || std::find(queues.begin(), queues.end(), queue) != queues.end();
        t.living += alive ? 1 : 0;
        t.elsewhere += foreign && takes ? 1 : 0;
        if (!alive || !takes) continue;
        ++t.taking;
        t.places += entry.concurrency;
        mine.emplace_back(entry.name, 0);
    }
    job_filter running;
    running.state = state::processing;
    for (page_request page{0, limits::sweep};;) {
        std::vector<job_record> jobs;
        auto next = store.storage->list(running, page, jobs);
        if (!next) return fail(next.error());
        for (const auto& j : jobs)
            for (auto& [name, count] : mine) count += j.locked_by == name ? 1 : 0;
        if ((page.after = *next) == 0) break;
    }
    for (const auto& [name, count] : mine) {
        t.running += count;
        t.unoccupied += count == 0 ? 1 : 0;
    }
    return t;
}

result<reason> find_reason(open_store& store, const job_record& r, timestamp now)
{
    if (is_final(r.state)) return of_ended(r, now);
    if (r.state == state::processing)
        return reason{"running", "runs: " + r.locked_by + " took it " + at(r.locked_at, now)};
    auto info = store.storage->info();
    if (!info) return fail(info.error());
    if (!info->moved_to.empty()) return reason{"moved", "is in a store that was moved to " + info->moved_to};
    if (r.job.hold != hold_none) return of_held(r);
    if (r.job.run_at > now)
        return r.state == state::failed ? reason{"retry_later", "failed and runs again " + at(r.job.run_at, now)}
                                        : reason{"due_later", "is due " + at(r.job.run_at, now)};
    auto t = find_takers(store, r.job.queue);
    if (!t) return fail(t.error());
    return of_due(r, *t);
}

}  // namespace

int why_command(context& c)
{
    std::vector<std::string> words;
    command_line line{"why", "Tells in one line why a job does not run now."};
    line.words("ID", 1, 1, words).examples("  queuectl why job1\n  queuectl why job1 --json | jq -r .reason\n");
    if (const auto ended = line.parse(c)) return *ended;
    auto store = open_for_reading(c.store);
    if (!store) return complain(store.error());
    tend(*store);
    auto record = find_job(*store->storage, words[0]);
    if (!record) return complain(record.error());
    auto why = find_reason(*store, *record, c.now().wall);
    if (!why) return complain(why.error());
    if (c.json) {
        json_writer json{c.out.buffer()};
        json.begin_object().member("id", record->job.id).member("state", queuectl::name(record->state));
        json.member("reason", why->code).member("text", why->text).end_object();
        c.out << "\n";
    } else {
        c.out << one_line(record->job.id + ' ' + why->text) << "\n";
    }
    return exit_done;
}

}  // namespace queuectl::command
