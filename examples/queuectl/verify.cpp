// verify: checks a store, and changes nothing in it.
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "json_writer.hpp"
#include "store.hpp"
#include "terminal_text.hpp"

#include <queuectl/verify.hpp>

namespace queuectl::command {

namespace {

// The storage's own check first: what it finds damaged is not looked at through the facets.
result<verify_report> check(context& c, open_store& store)
{
    auto report = store.storage->verify(c.now());
    if (!report || report->damaged) return report;
    if (auto done = verify_facets(*store.storage, *report); !done) return fail(done.error());
    return report;
}

void print_json(context& c, const verify_report& r)
{
    json_writer json{c.out.buffer()};
    json.begin_object().member("clean", r.found == 0).member("damaged", r.damaged);
    json.member("jobs", r.jobs).member("runs", r.runs).member("bytes", r.bytes).member("found", r.found);
    json.key("findings").begin_array();
    for (const auto& f : r.findings)
        json.begin_object().member("kind", queuectl::name(f.kind)).member("text", f.text).end_object();
    json.end_array().end_object();
    c.out << "\n";
}

void print_people(context& c, const verify_report& r)
{
    for (const auto& f : r.findings) c.out << queuectl::name(f.kind) << ": " << one_line(f.text) << "\n";
    if (r.found > r.findings.size()) c.out << "... and " << std::to_string(r.found - r.findings.size()) << " more\n";
    if (r.damaged) return;
    const auto count = [&](std::uint64_t n, const char* one) {
        c.out << std::to_string(n) << " " << one << (n == 1 ? "" : "s");
    };
    c.out << (r.found == 0 ? "clean: " : "checked: ");
    count(r.jobs, "job");
    c.out << ", ";
    count(r.runs, "run");
    if (r.bytes != 0) {
        c.out << ", ";
        count(r.bytes, "byte");
    }
    c.out << (r.counts_moved ? "; jobs moved all the time: the recount is the storage's own\n" : "\n");
}

}  // namespace

int verify_command(context& c)
{
    command_line line{"verify", "Checks that all of the store can be read, and agrees; changes nothing."};
    line.examples("  queuectl verify\n  queuectl verify --store journal:jobs --json | jq .findings\n");
    if (const auto ended = line.parse(c)) return *ended;
    auto store = open_for_reading(c.store);
    if (!store) return complain(store.error());
    auto report = check(c, *store);
    if (!report) return complain(report.error());
    c.json ? print_json(c, *report) : print_people(c, *report);
    if (report->damaged) return exit_corrupt;
    return report->found == 0 ? exit_done : exit_failed;
}

}  // namespace queuectl::command
