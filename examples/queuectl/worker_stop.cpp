// worker stop
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "shared_presence.hpp"
#include "text.hpp"
#include "worker_registry.hpp"

#include <queuectl/process/posix.hpp>
#include <queuectl/process/process_list.hpp>
#include <queuectl/time_source.hpp>

#include <algorithm>

#include <csignal>
#include <unistd.h>

namespace queuectl::command {
namespace {

// One process that is to end.
struct stopping {
    worker_entry entry;
    bool asked = false;  // the signal was sent
    bool ended = false;
    bool remote = false;  // on another machine, or with another state folder: known by its entry in the store
};

bool is_among(const std::vector<worker_entry>& all, const std::string& name)
{
    return std::any_of(all.begin(), all.end(), [&](const worker_entry& e) { return e.name == name; });
}

// The signal to the process of that entry, if it still is the one that holds the lock.
bool ask(const worker_registry& registry, const worker_entry& entry, int signal)
{
    process::process_entry target;
    target.pid = entry.pid;
    target.start = entry.start_ticks;
    return registry.holds_lock(entry.name) && process::signal_process(target, signal);
}

// Those that are asked: supervisors, who tell their workers, and workers whose supervisor is gone.
std::vector<stopping> ask_all(const worker_registry& registry, int signal)
{
    const auto living = registry.living();
    std::vector<stopping> found;
    for (const auto& entry : living) {
        const bool told_by_another = entry.role == worker_role::worker && is_among(living, entry.supervisor);
        found.push_back({entry, told_by_another || ask(registry, entry, signal), false, false});
    }
    return found;
}

// Those of a shared store that have no lock here: their supervisors look for what the store tells them.
result<void> ask_remote(open_store& store, std::vector<stopping>& all, int signal)
{
    auto known = list_entries(*store.storage);
    if (!known) return fail(known.error());
    std::vector<worker_entry> entries;
    for (auto& worker : *known) entries.push_back(std::move(worker.entry));
    for (const auto& entry : entries) {
        if (std::any_of(all.begin(), all.end(), [&](const stopping& s) { return s.entry.name == entry.name; }))
            continue;
        bool asked = is_among(entries, entry.supervisor);
        if (entry.role == worker_role::supervisor) {
            auto told = ask_from_afar(*store.storage, entry.name, signal);
            if (!told) return fail(told.error());
            asked = true;
        }
        all.push_back({entry, asked, false, true});
    }
    return {};
}

// Whether the entry of that name is gone from the store.
bool has_left(open_store& store, const std::string& name)
{
    auto entry = store.storage->config_get(std::string{worker_key_prefix} + name, system_time_source{}.now());
    return entry && !entry->has_value();
}

void wait_until_ended(const result<worker_registry>& registry, open_store* store, std::vector<stopping>& all,
                      duration timeout)
{
    const auto until = add(process::monotonic_now(), timeout);
    for (;;) {
        std::size_t left = 0;
        for (auto& s : all) {
            if (!s.ended) s.ended = s.remote ? has_left(*store, s.entry.name) : !registry->holds_lock(s.entry.name);
            left += s.ended ? 0 : 1;
        }
        if (left == 0 || process::monotonic_now() >= until) return;
        ::usleep(store == nullptr ? 10'000 : 50'000);
    }
}

int report(context& c, const std::vector<stopping>& all)
{
    bool running = false;
    for (const auto& s : all) {
        if (s.entry.role == worker_role::supervisor && s.ended) continue;
        running = running || !s.ended;
        c.out << (s.ended   ? "stopped "
                  : s.asked ? "still running "
                            : "could not be signalled ")
              << s.entry.name << "\n";
    }
    return running ? exit_again : exit_done;
}

int stop_all(context& c, const store_location& where, int signal, duration timeout)
{
    auto registry = worker_registry::open(where.side_folder(), false);
    if (!registry && registry.error().code != errc::not_found && !where.shared()) return complain(registry.error());
    auto all = registry ? ask_all(*registry, signal) : std::vector<stopping>{};
    open_store store;
    if (where.shared()) {
        auto opened = open_for_change(where);
        if (!opened) return complain(opened.error());
        store = std::move(*opened);
        if (auto asked = ask_remote(store, all, signal); !asked) return complain(asked.error());
    }
    if (all.empty()) {
        c.out << "no workers are running\n";
        return exit_done;
    }
    wait_until_ended(registry, where.shared() ? &store : nullptr, all, timeout);
    return report(c, all);
}

}  // namespace

int worker_stop_command(context& c)
{
    std::optional<std::string> timeout;
    bool release = false;
    command_line line{"worker stop",
                      "Asks every worker of the store to finish its running jobs and end, and waits until they have."};
    line.option("--timeout", "D", timeout, "Give up waiting after this long and end with 75 (no limit)")
        .flag("--release", release, "Do not let running jobs finish: stop them and give them back, nothing counted")
        .examples("  queuectl worker stop\n  queuectl worker stop --timeout 30\n");
    if (const auto ended = line.parse(c)) return *ended;
    duration limit = duration_max;
    if (timeout) {
        auto parsed = parse_duration("--timeout", *timeout);
        if (!parsed) return complain(parsed.error());
        limit = *parsed;
    }
    auto where = locate(c.store);
    if (!where) return complain(where.error());
    if (where->kind != store_kind::memory) return stop_all(c, *where, release ? SIGUSR2 : SIGUSR1, limit);
    auto refused = open_for_reading(*where);
    return refused ? int{exit_done} : complain(refused.error());
}

}  // namespace queuectl::command
