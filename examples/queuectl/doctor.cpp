// doctor: what about a store cannot keep a promise, or waits for somebody to act. Changes nothing.
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "json_writer.hpp"
#include "move_mark.hpp"
#include "store.hpp"
#include "terminal_text.hpp"
#include "worker_view.hpp"

#include <unistd.h>

#include <sys/stat.h>
#include <sys/statvfs.h>

namespace queuectl::command {
namespace {

struct finding {
    const char* kind;  // access, disk, durability, setting, state, worker
    std::string text;
};
using findings = std::vector<finding>;

// Below this a store of files soon takes no jobs.
constexpr std::uint64_t room_bytes_min = 64u << 20;

void look_at_access(const std::string& path, findings& out)
{
    struct stat what {};
    if (::lstat(path.c_str(), &what) != 0 || S_ISLNK(what.st_mode)) return;
    const bool written = (what.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    if (what.st_uid != ::geteuid())
        out.push_back({"access", path + " belongs to another user"});
    else if ((what.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        out.push_back({"access", std::string{written ? "others may write to " : "others may read "} + path +
                                     " (chmod go= " + path + ")"});
}

void look_at_disk(const std::string& path, findings& out)
{
    struct statvfs room {};
    if (::statvfs(path.c_str(), &room) != 0) return;
    const std::uint64_t bytes = std::uint64_t{room.f_bavail} * room.f_frsize;
    if (bytes < room_bytes_min)
        out.push_back({"disk", std::to_string(bytes >> 20) + " MiB are left where " + path +
                                   " is: jobs are refused when there is no room"});
}

void look_at_files(const store_location& where, findings& out)
{
    look_at_access(where.path, out);
    if (where.side_folder() != where.path) look_at_access(where.side_folder(), out);
    look_at_disk(::access(where.path.c_str(), F_OK) == 0 ? where.path : where.path.substr(0, where.path.rfind('/') + 1),
                 out);
}

void look_at_header(const open_store& store, const store_info& info, findings& out)
{
    if (info.state == store_state::read_only) out.push_back({"state", "the store is read-only: it takes no jobs"});
    if (info.state == store_state::moved) out.push_back({"state", "the store was moved to " + info.moved_to});
    if (info.state == store_state::moving)
        out.push_back(
            {"state", "the store is moving to " + info.moved_to +
                          ": it takes no jobs until the move has ended (queuectl migrate; --abort gives up)"});
    if (store.where.shared()) return;  // its doubts say why
    if (info.durability == durability::interval)
        out.push_back({"durability", "durability is interval: a power loss takes the jobs of the last moments"});
    if (info.durability == durability::none)
        out.push_back({"durability", "durability is none: a power loss takes acknowledged jobs"});
}

result<void> look_at_content(open_store& store, const instant& now, findings& out)
{
    auto info = store.storage->info();
    if (!info) return fail(info.error());
    look_at_header(store, *info, out);
    auto doubts = store.storage->doubts();
    if (!doubts) return fail(doubts.error());
    for (auto& doubt : *doubts) out.push_back({"setting", std::move(doubt)});
    auto mark = read_move_mark(*store.storage, now);
    if (!mark) return fail(mark.error());
    if (*mark)
        out.push_back({"state", "jobs are still being moved into the store from " + (*mark)->from +
                                    ": no worker starts until that has ended (queuectl migrate)"});
    auto workers = workers_of(store);
    if (!workers) return fail(workers.error());
    for (const auto& w : *workers)
        if (!w.alive && !w.foreign)
            out.push_back({"worker", w.entry.name + " has died: what it ran runs again once a command frees it "
                                                    "(queuectl status)"});
    return {};
}

result<findings> examine(const store_location& where, const instant& now)
{
    findings out;
    if (!where.shared() && where.kind != store_kind::memory) look_at_files(where, out);
    auto store = open_for_reading(where);
    if (!store) {
        // Refused for what it is or where it lies: a network file system, a link, an old server.
        const auto code = store.error().code;
        const bool refused = code == errc::permission || code == errc::unsupported;
        if (!refused || where.kind == store_kind::memory) return fail(store.error());
        if (out.empty()) out.push_back({"access", store.error().message()});
        return out;
    }
    if (!store->exists) return out;
    if (auto looked = look_at_content(*store, now, out); !looked) return fail(looked.error());
    return out;
}

void print_json(context& c, const store_location& where, const findings& all)
{
    json_writer json{c.out.buffer()};
    json.begin_object().member("store", where.url()).member("found", std::uint64_t{all.size()});
    json.key("findings").begin_array();
    for (const auto& f : all) json.begin_object().member("kind", f.kind).member("text", f.text).end_object();
    json.end_array().end_object();
    c.out << "\n";
}

}  // namespace

int doctor_command(context& c)
{
    command_line line{"doctor", "Names what cannot keep a promise: settings, files, the disk, dead workers, moves."};
    line.examples(
        "  queuectl doctor\n  queuectl doctor --store redis://localhost --json | jq -r '.findings[].text'\n"
        "\n"
        "One line for each finding; changes nothing. Ends with 0 when there is none, else with 1.\n");
    if (const auto ended = line.parse(c)) return *ended;
    auto where = locate(c.store);
    if (!where) return complain(where.error());
    auto found = examine(*where, c.now());
    if (!found) return complain(found.error());
    if (c.json)
        print_json(c, *where, *found);
    else
        for (const auto& f : *found) c.out << f.kind << ": " << one_line(f.text) << "\n";
    return found->empty() ? exit_done : exit_failed;
}

}  // namespace queuectl::command
