// cancel, delete: jobs by id.
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "find_job.hpp"
#include "json_writer.hpp"
#include "store.hpp"
#include "tend.hpp"

namespace queuectl::command {

namespace {

using change_verb = result<void> (*)(any_storage&, const std::string& id, change_status&, const instant&);

// What one of the two verbs does and says.
struct change {
    change_verb apply;
    const char* done;       // "cancelled"
    const char* requested;  // "asked to stop"
    const char* conflict;   // behind "is STATE: "
};

result<change_status> apply_one(context& c, any_storage& store, const change& what, const std::string& id)
{
    change_status status{};
    if (auto applied = what.apply(store, id, status, c.now()); !applied) return fail(applied.error());
    if (status == change_status::not_found) return fail(errc::not_found, "no job " + id);
    if (status != change_status::conflict) return status;
    auto record = find_job(store, id);
    if (!record) return fail(record.error());
    return fail(errc::conflict, id, "is " + std::string{name(record->state)} + what.conflict);
}

int apply_all(context& c, any_storage& store, const change& what, const std::vector<std::string>& ids)
{
    int code = exit_done;
    for (const auto& id : ids) {
        auto status = apply_one(c, store, what, id);
        if (!status) {
            code = complain(status.error());
            continue;
        }
        const char* word = *status == change_status::requested ? what.requested : what.done;
        if (c.json)
            json_writer{c.out.buffer()}.begin_object().member("id", id).member("status", word).end_object();
        else
            c.out << id << " " << word;
        c.out << "\n";
    }
    return code;
}

int run(context& c, command_line& line, const change& what)
{
    std::vector<std::string> ids;
    line.words("ID...", 1, ~std::size_t{0}, ids);
    if (const auto ended = line.parse(c)) return *ended;
    auto store = open_for_change(c.store);
    if (!store) return complain(store.error());
    tend(*store);
    return apply_all(c, *store->storage, what, ids);
}

}  // namespace

int cancel_command(context& c)
{
    command_line line{"cancel", "Withdraws a waiting job, or asks the worker of a running one to stop it."};
    line.examples("  queuectl cancel job1\n");
    const auto apply = [](any_storage& store, const std::string& id, change_status& status, const instant& now) {
        return store.cancel({&id, 1}, {&status, 1}, now);
    };
    return run(c, line, {apply, "cancelled", "asked to stop", " already"});
}

int delete_command(context& c)
{
    command_line line{"delete", "Forgets a job with its runs and output. A running one is refused: cancel it first."};
    line.examples("  queuectl delete job1\n");
    const auto apply = [](any_storage& store, const std::string& id, change_status& status, const instant&) {
        return store.remove({&id, 1}, {&status, 1});
    };
    return run(c, line, {apply, "deleted", "deleted", ": cancel it first"});
}

}  // namespace queuectl::command
