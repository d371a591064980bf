// dlq list, dlq retry: the dead letter queue.
#include "commands.hpp"
#include "exit_codes.hpp"
#include "find_job.hpp"
#include "job_list.hpp"
#include "tend.hpp"
#include "json_writer.hpp"

#include <queuectl/limits.hpp>

namespace queuectl::command {

namespace {

// Puts one dead job back; says why it could not.
result<void> retry_one(context& c, any_storage& store, const std::string& id)
{
    auto record = find_job(store, id);
    if (!record) return fail(record.error());
    if (record->state != state::dead)
        return fail(errc::conflict, id, "is " + std::string{name(record->state)} + ", not in the dead letter queue");
    change_status status{};
    if (auto revived = store.revive({&id, 1}, {&status, 1}, c.now()); !revived) return fail(revived.error());
    if (status != change_status::done) return fail(errc::conflict, id, "is no longer in the dead letter queue");
    return {};
}

int retry_these(context& c, any_storage& store, const std::vector<std::string>& ids)
{
    int code = exit_done;
    std::vector<std::string> retried;
    for (const auto& id : ids) {
        auto done = retry_one(c, store, id);
        if (done)
            retried.push_back(id);
        else
            code = complain(done.error());
    }
    if (c.json) {
        json_writer json{c.out.buffer()};
        json.begin_object().member("retried", std::uint64_t{retried.size()}).end_object();
        c.out << "\n";
    } else {
        for (const auto& id : retried) c.out << id << " is due again\n";
    }
    return code;
}

// Those that were dead when it began: one that dies again meanwhile stays dead.
result<std::uint64_t> retry_matching(context& c, any_storage& store, job_filter filter)
{
    filter.state = state::dead;
    filter.updated_before = add(c.now().wall, duration{1});
    std::uint64_t retried = 0;
    std::vector<job_record> records;
    for (page_request page{0, limits::sweep};;) {
        records.clear();
        auto next = store.list(filter, page, records);
        if (!next) return fail(next.error());
        std::vector<std::string> ids;
        for (auto& r : records) ids.push_back(std::move(r.job.id));
        std::vector<change_status> statuses(ids.size());
        if (!ids.empty())
            if (auto revived = store.revive(ids, statuses, c.now()); !revived) return fail(revived.error());
        for (const auto s : statuses) retried += s == change_status::done ? 1 : 0;
        if ((page.after = *next) == 0) return retried;
    }
}

int retry_all(context& c, any_storage& store, const job_filter& filter)
{
    auto retried = retry_matching(c, store, filter);
    if (!retried) return complain(retried.error());
    if (c.json)
        json_writer{c.out.buffer()}.begin_object().member("retried", *retried).end_object();
    else
        c.out << std::to_string(*retried) << (*retried == 1 ? " job is" : " jobs are") << " due again";
    c.out << "\n";
    return exit_done;
}

}  // namespace

int dlq_list_command(context& c)
{
    filter_flags flags;
    std::optional<std::string> limit;
    command_line line{"dlq list", "Lists the dead letter queue: jobs that were given up."};
    flags.describe(line, false);
    line.option("--limit", "N", limit, "At most so many; else 100, with --json all");
    line.examples("  queuectl dlq list\n  queuectl dlq list --queue mail --json\n");
    if (const auto ended = line.parse(c)) return *ended;
    auto filter = flags.read();
    if (!filter) return complain(filter.error());
    if (auto checked = read_limit(limit, 0); !checked) return complain(checked.error());
    filter->state = state::dead;
    auto store = open_for_reading(c.store);
    if (!store) return complain(store.error());
    tend(*store);
    return print_jobs(c, *store->storage, *filter, limit);
}

int dlq_retry_command(context& c)
{
    std::vector<std::string> ids;
    filter_flags flags;
    bool all = false;
    command_line line{"dlq retry", "Puts dead jobs back: due now, attempts and crashes 0, everything else kept."};
    line.words("[ID...]", 0, ~std::size_t{0}, ids).flag("--all", all, "All that the filter matches");
    flags.describe(line, false);
    line.examples("  queuectl dlq retry job1 job2\n  queuectl dlq retry --all --queue mail\n");
    if (const auto ended = line.parse(c)) return *ended;
    if (all != ids.empty()) {
        complain("dlq retry: needs either ids or --all (see queuectl dlq retry --help)");
        return exit_usage;
    }
    auto filter = flags.read();
    if (!filter) return complain(filter.error());
    if (!all && (flags.queue || flags.kind || flags.tag)) {
        complain("dlq retry: --queue, --kind and --tag go with --all");
        return exit_usage;
    }
    auto store = open_for_change(c.store);
    if (!store) return complain(store.error());
    tend(*store);
    return all ? retry_all(c, *store->storage, *filter) : retry_these(c, *store->storage, ids);
}

}  // namespace queuectl::command
