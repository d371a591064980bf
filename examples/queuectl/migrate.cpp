// migrate: moves a live store to another place.
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "json_writer.hpp"
#include "move_lock.hpp"
#include "mover.hpp"
#include "text.hpp"

#include <queuectl/process/posix.hpp>

#include <unistd.h>

namespace queuectl::command {
namespace {

constexpr char migrate_examples[] =
    "  queuectl migrate --from sqlite:jobs.db --to journal:jobs\n"
    "  queuectl migrate --from sqlite:jobs.db --abort\n"
    "\n"
    "Workers of the old store finish what they run and end (0); start new ones on the new store when the\n"
    "move has ended. Until then clients are told to try again (75), afterwards where the store is (69).\n"
    "Cut off at any moment, it goes on when it is run again with the same stores.\n";

struct move_arguments {
    std::optional<std::string> from;
    std::optional<std::string> to;
    std::optional<std::string> timeout;
    std::optional<std::string> batch;
    bool abort = false;
};

std::optional<int> parse(context& c, move_arguments& a)
{
    command_line line{"migrate", "Moves every job with its past, and the settings, to another store."};
    line.option("--from", "URL", a.from, "The store to move; else --store")
        .option("--to", "URL", a.to, "Where to: a store that is empty, or not there yet")
        .option("--timeout", "D", a.timeout, "Give up waiting for running jobs after this long, and end with 75")
        .option("--batch", "N", a.batch, "Jobs in one transaction, at most (1000)")
        .flag("--abort", a.abort, "Give the move up: the old store takes changes again")
        .examples(migrate_examples);
    return line.parse(c);
}

int usage(const char* text)
{
    complain(std::string{"migrate: "} + text + " (see queuectl migrate --help)");
    return exit_usage;
}

// The store that moves. It must be there.
result<open_store> open_source(const store_location& where)
{
    auto opened = open_for_change(where);
    if (!opened || opened->exists) return opened;
    return fail(errc::unreachable, "migrate", "there is no store " + where.url());
}

int give_up(context& c, const store_location& from)
{
    auto store = open_source(from);
    if (!store) return complain(store.error());
    auto lock = move_lock::take(*store);
    if (!lock) return complain(lock.error());
    auto info = store->storage->info();
    if (!info) return complain(info.error());
    if (info->state == store_state::moved) return complain(error{errc::moved, "migrate --abort", info->moved_to});
    if (info->state != store_state::moving)
        return complain(error{errc::conflict, "migrate --abort", from.url() + " is not moving"});
    if (auto opened = store->storage->set_state(store_state::open, ""); !opened) return complain(opened.error());
    if (c.json)
        json_writer{c.out.buffer()}.begin_object().member("store", from.url()).member("state", "open").end_object();
    else
        c.out << from.url() << " takes changes again; what was copied to " << info->moved_to << " is of no use";
    c.out << "\n";
    return exit_done;
}

void tell(context& c, const store_location& from, const store_location& to, const move_report& r, duration took)
{
    if (c.json) {
        json_writer json{c.out.buffer()};
        json.begin_object().member("from", from.url()).member("to", to.url()).member("jobs", r.jobs);
        json.member("runs", r.runs).member("settings", r.settings).member("resumed", r.resumed);
        json.member("moved_before", r.was_done).member("seconds", static_cast<double>(took.count()) / 1e6).end_object();
    } else if (r.was_done) {
        c.out << "had moved to " << to.url() << " before";
    } else {
        c.out << "moved " << std::to_string(r.jobs) << " jobs, " << std::to_string(r.runs) << " runs, "
              << std::to_string(r.settings) << " settings to " << to.url();
    }
    c.out << "\n";
}

int move(context& c, const store_location& from, const store_location& to, const move_options& options)
{
    auto source = open_source(from);
    if (!source) return complain(source.error());
    auto lock = move_lock::take(*source);
    if (!lock) return complain(lock.error());
    auto target = open_for_writing(to);
    if (!target) return complain(target.error());
    const auto start = process::monotonic_now();
    const bool terminal = writer{STDERR_FILENO}.terminal();
    const auto tell_progress = [terminal](const std::string& what) {
        if (terminal) writer{STDERR_FILENO} << "\r\x1b[K" << what;
    };
    mover one{*source, *target, options, tell_progress, [&lock] { return lock->keep(); }};
    auto moved = one.run();
    if (terminal) writer{STDERR_FILENO} << "\r\x1b[K";
    if (!moved) return complain(moved.error());
    tell(c, from, to, *moved, process::monotonic_now() - start);
    return exit_done;
}

result<move_options> read_options(const move_arguments& a)
{
    move_options options;
    if (a.timeout) {
        auto patience = parse_duration("--timeout", *a.timeout);
        if (!patience) return fail(patience.error());
        options.patience = *patience;
    }
    if (a.batch) {
        auto batch = parse_integer("--batch", *a.batch, 1, any_storage::max_batch);
        if (!batch) return fail(batch.error());
        options.batch = static_cast<std::size_t>(*batch);
    }
    return options;
}

}  // namespace

int migrate_command(context& c)
{
    move_arguments a;
    if (const auto ended = parse(c, a)) return *ended;
    auto options = read_options(a);
    if (!options) return complain(options.error());
    auto from = locate(a.from.value_or(c.store));
    if (!from) return complain(from.error());
    if (a.abort) return a.to ? usage("--abort takes no --to") : give_up(c, *from);
    if (!a.to) return usage("needs --to URL");
    auto to = locate(*a.to);
    if (!to) return complain(to.error());
    if (from->kind == store_kind::memory || to->kind == store_kind::memory)
        return usage("memory: holds jobs within one process only");
    const bool same_place = from->shared() ? from->url() == to->url() : from->path == to->path;
    if (from->kind == to->kind && same_place) return usage("--from and --to are the same store");
    return move(c, *from, *to, *options);
}

}  // namespace queuectl::command
