// list: the jobs of the store, in the order in which they were enqueued.
#include "commands.hpp"
#include "job_list.hpp"
#include "tend.hpp"

namespace queuectl::command {

int list_command(context& c)
{
    filter_flags flags;
    std::optional<std::string> limit;
    command_line line{"list", "Lists jobs in the order in which they were enqueued."};
    flags.describe(line, true);
    line.option("--limit", "N", limit, "At most so many; else 100, with --json all");
    line.examples(
        "  queuectl list --state failed\n"
        "  queuectl list --queue mail --limit 1000\n"
        "  queuectl list --json | jq -r '.[].id'\n");
    if (const auto ended = line.parse(c)) return *ended;
    auto filter = flags.read();
    if (!filter) return complain(filter.error());
    if (auto checked = read_limit(limit, 0); !checked) return complain(checked.error());
    auto store = open_for_reading(c.store);
    if (!store) return complain(store.error());
    tend(*store);
    return print_jobs(c, *store->storage, *filter, limit);
}

}  // namespace queuectl::command
