// purge: forgets ended jobs.
#include "commands.hpp"
#include "exit_codes.hpp"
#include "job_list.hpp"
#include "json_writer.hpp"
#include "text.hpp"

#include <queuectl/limits.hpp>

namespace queuectl::command {

namespace {

result<job_filter> read_filter(context& c, const filter_flags& flags, const std::optional<std::string>& older_than)
{
    auto filter = flags.read();
    if (!filter) return fail(filter.error());
    if (filter->state && !is_final(*filter->state))
        return fail(errc::invalid_argument, "state", "must be completed, dead or cancelled: other jobs have not ended");
    if (!older_than) return filter;
    auto age = parse_duration("older-than", *older_than);
    if (!age) return fail(age.error());
    filter->updated_before = add(c.now().wall, -*age);
    return filter;
}

result<std::uint64_t> purge(any_storage& store, const job_filter& filter)
{
    for (std::uint64_t total = 0;;) {
        auto removed = store.purge(filter, limits::sweep);
        if (!removed) return fail(removed.error());
        if (*removed == 0) return total;
        total += *removed;
    }
}

}  // namespace

int purge_command(context& c)
{
    filter_flags flags;
    std::optional<std::string> older_than;
    command_line line{"purge", "Forgets ended jobs, with their runs and output."};
    flags.describe(line, true);
    line.option("--older-than", "DURATION", older_than, "Only those that ended before");
    line.examples(
        "  queuectl purge --state completed --older-than 7d\n"
        "  queuectl purge --state dead --queue mail\n");
    if (const auto ended = line.parse(c)) return *ended;
    if (!flags.state && !older_than) {
        complain("purge: needs --state or --older-than (see queuectl purge --help)");
        return exit_usage;
    }
    auto filter = read_filter(c, flags, older_than);
    if (!filter) return complain(filter.error());
    auto store = open_for_change(c.store);
    if (!store) return complain(store.error());
    auto removed = purge(*store->storage, *filter);
    if (!removed) return complain(removed.error());
    if (c.json)
        json_writer{c.out.buffer()}.begin_object().member("removed", *removed).end_object();
    else
        c.out << std::to_string(*removed) << (*removed == 1 ? " job" : " jobs") << " removed";
    c.out << "\n";
    return exit_done;
}

}  // namespace queuectl::command
