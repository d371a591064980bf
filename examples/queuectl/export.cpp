// export: every job with all its past, one JSON object a line.
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "job_lines.hpp"
#include "job_past.hpp"
#include "move_mark.hpp"
#include "worker_entry.hpp"

namespace queuectl::command {
namespace {

// A job that runs now is told as it would be if its worker were gone before it had begun: it must not be lost, and
// nothing of the run is known yet.
void give_back(job_record& r)
{
    if (r.state != state::processing) return;
    r.state = state::pending;
}

result<void> print_jobs(context& c, any_storage& store)
{
    job_pages pages{store, any_storage::max_batch};
    std::vector<stored_job> page;
    for (;;) {
        auto more = pages.next(page);
        if (!more) return fail(more.error());
        if (!*more) return {};
        for (auto& j : page) {
            give_back(j.record);
            append_line(c.out.buffer(), j);
            c.out.flush_if_full();
        }
    }
}

result<void> print_settings(context& c, any_storage& store)
{
    std::vector<config_entry> all;
    if (auto listed = store.config_list("", all, c.now()); !listed) return listed;
    for (const auto& entry : all)
        if (!entry.key.starts_with(worker_key_prefix) && !entry.key.starts_with(move_key_prefix))
            append_line(c.out.buffer(), entry);
    return {};
}

}  // namespace

int export_command(context& c)
{
    command_line line{"export", "Prints every job with all its past, and the settings, one JSON object a line."};
    line.examples(
        "  queuectl export > jobs.ndjson\n"
        "  queuectl export --store sqlite:a.db | queuectl import - --store journal:b\n"
        "\n"
        "Of a store in use, each job is told as it was when its turn came; one that runs then is told as pending.\n");
    if (const auto ended = line.parse(c)) return *ended;
    auto store = open_for_reading(c.store);
    if (!store) return complain(store.error());
    append_header_line(c.out.buffer());
    auto done = print_jobs(c, *store->storage);
    if (done) done = print_settings(c, *store->storage);
    return done ? int{exit_done} : complain(done.error());
}

}  // namespace queuectl::command
