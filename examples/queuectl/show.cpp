// show: one job with all that is known of it.
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "find_job.hpp"
#include "job_view.hpp"
#include "store.hpp"
#include "tend.hpp"
#include "table.hpp"
#include "terminal_text.hpp"
#include "text.hpp"

namespace queuectl::command {

namespace {

// "name          text"
void field(context& c, std::string name, std::string_view text)
{
    name.resize(14, ' ');
    c.out << name << one_line(text) << "\n";
}

std::string both(timestamp t, timestamp now) { return iso_time(t) + " (" + relative_time(t, now) + ")"; }

void print_outcome(context& c, const job_record& r)
{
    if (r.exit_code >= 0) field(c, "exit code", std::to_string(r.exit_code));
    if (r.signal != 0) field(c, "signal", std::to_string(r.signal));
    if (!r.error.empty()) field(c, "error", r.error);
    if (!r.result.empty()) field(c, "result", r.result);
}

void print_job(context& c, const job_record& r)
{
    const timestamp now = c.now().wall;
    const auto& j = r.job;
    field(c, "id", j.id);
    c.out << "state         " << coloured_state(queuectl::name(r.state), c.out.colour()) << "\n";
    field(c, "command", command_of(j));
    field(c, "queue", j.queue);
    field(c, "priority", std::to_string(j.priority));
    field(c, "attempts", std::to_string(r.attempts) + " of " + std::to_string(j.max_retries + std::int64_t{1}));
    if (r.crashes > 0) field(c, "crashes", std::to_string(r.crashes));
    field(c, "created", both(r.created_at, now));
    field(c, "updated", both(r.updated_at, now));
    if (is_waiting(r.state)) field(c, r.state == state::failed ? "next retry" : "due", both(j.run_at, now));
    if (r.state == state::processing) field(c, "held by", r.locked_by + ", since " + both(r.locked_at, now));
    if (r.cancel_requested) field(c, "cancel", "requested");
    if (j.timeout > duration{}) field(c, "timeout", short_duration(j.timeout));
    if (!j.tag.empty()) field(c, "tag", j.tag);
    if (!j.cwd.empty()) field(c, "directory", j.cwd);
    print_outcome(c, r);
}

void print_runs(context& c, const std::vector<attempt>& runs)
{
    if (runs.empty()) return;
    table t{{"RUN", "STATUS", "EXIT", "STARTED", "TOOK", "OUTPUT", "WORKER", "ERROR"}, {"WORKER", "STARTED"}};
    for (const auto& run : runs)
        t.add({std::to_string(run.number), std::string{name(run.status)},
               run.exit_code < 0 ? "-" : std::to_string(run.exit_code), iso_time(run.started_at),
               number_text(static_cast<double>((run.ended_at - run.started_at).count() / 1000) / 1000) + "s",
               std::to_string(run.output_bytes), run.worker, run.error});
    c.out << "\n";
    t.print(c.out);
}

}  // namespace

int show_command(context& c)
{
    std::vector<std::string> words;
    command_line line{"show", "Shows a job and its runs."};
    line.words("ID", 1, 1, words).examples("  queuectl show job1\n  queuectl show job1 --json | jq .state\n");
    if (const auto ended = line.parse(c)) return *ended;
    auto store = open_for_reading(c.store);
    if (!store) return complain(store.error());
    tend(*store);
    auto record = find_job(*store->storage, words[0]);
    if (!record) return complain(record.error());
    std::vector<attempt> runs;
    if (auto read = store->storage->attempts(words[0], runs); !read) return complain(read.error());
    if (c.json) {
        json_writer json{c.out.buffer()};
        write_job_in_full(json, *record, runs);
        c.out << "\n";
    } else {
        print_job(c, *record);
        print_runs(c, runs);
    }
    return exit_done;
}

}  // namespace queuectl::command
