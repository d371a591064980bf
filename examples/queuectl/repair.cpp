// repair: saves what can be read of a damaged journal into a new one.
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "json_writer.hpp"
#include "store.hpp"
#include "terminal_text.hpp"

#include <queuectl/journal/repair.hpp>

namespace queuectl::command {

namespace {

void print_json(context& c, const repair_report& r)
{
    json_writer json{c.out.buffer()};
    json.begin_object().member("nothing_lost", r.nothing_lost()).member("jobs", r.jobs).member("runs", r.runs);
    json.member("settings", r.settings).member("outputs", r.outputs).member("requeued", r.requeued);
    json.key("lost").begin_array();
    for (const auto& part : r.lost)
        json.begin_object()
            .member("file", part.file)
            .member("begin", part.begin)
            .member("end", part.end)
            .member("first_frame", part.sequence)
            .member("frames", part.frames)
            .member("why", part.why)
            .end_object();
    json.end_array().member("bad_records", r.bad_records).member("lost_jobs", r.lost_jobs);
    json.member("lost_outputs", r.lost_outputs).member("incomplete", r.incomplete).member("doubtful", r.doubtful);
    json.key("doubtful_ids").begin_array();
    for (const auto& id : r.doubtful_ids) json.value(id);
    json.end_array().end_object();
    c.out << "\n";
}

void print_people(context& c, const repair_report& r)
{
    const auto line = [&](std::uint64_t n, const char* what) {
        if (n != 0) c.out << std::to_string(n) << " " << what << "\n";
    };
    for (const auto& part : r.lost) c.out << "lost: " << one_line(part.text()) << "\n";
    line(r.bad_records, "records in whole frames that cannot be read");
    line(r.lost_jobs, "jobs lost: only later records of them are left");
    line(r.lost_outputs, "outputs of runs lost");
    line(r.incomplete, "jobs with runs lost");
    line(r.doubtful, "jobs as they were before the loss: they may have run, changed or been removed since");
    for (const auto& id : r.doubtful_ids) c.out << "  " << one_line(id) << "\n";
    line(r.requeued, "jobs were being run: they are pending, with one crash more");
    c.out << "saved: " << std::to_string(r.jobs) << " jobs, " << std::to_string(r.runs) << " runs, "
          << std::to_string(r.outputs) << " output files, " << std::to_string(r.settings) << " settings\n";
}

}  // namespace

int repair_command(context& c)
{
    std::optional<std::string> out;
    command_line line{"repair", "Saves what can be read of a journal into a new one, and lists what is lost."};
    line.option("--out", "DIR", out, "The new journal's folder; it must not exist");
    line.examples("  queuectl repair --store journal:jobs --out jobs-repaired\n");
    if (const auto ended = line.parse(c)) return *ended;
    if (!out || out->empty()) {
        complain("repair: needs --out DIR (see queuectl repair --help)");
        return exit_usage;
    }
    auto from = locate(c.store);
    if (!from) return complain(from.error());
    auto to = locate("journal:" + *out);
    if (!to) return complain(to.error());
    if (from->kind != store_kind::journal) {
        complain("repair: takes a journal: store; for SQLite, use `.recover` of the sqlite3 program");
        return exit_usage;
    }
    auto report = repair_journal(from->path, to->path, c.now().wall);
    if (!report) return complain(report.error());
    c.json ? print_json(c, *report) : print_people(c, *report);
    return report->nothing_lost() ? exit_done : exit_failed;
}

}  // namespace queuectl::command
