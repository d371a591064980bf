// worker stop
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "text.hpp"
#include "worker_registry.hpp"

#include <queuectl/process/posix.hpp>
#include <queuectl/process/process_list.hpp>

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
        found.push_back({entry, told_by_another || ask(registry, entry, signal), false});
    }
    return found;
}

void wait_until_ended(const worker_registry& registry, std::vector<stopping>& all, duration timeout)
{
    const auto until = add(process::monotonic_now(), timeout);
    for (;;) {
        std::size_t left = 0;
        for (auto& s : all) {
            s.ended = s.ended || !registry.holds_lock(s.entry.name);
            left += s.ended ? 0 : 1;
        }
        if (left == 0 || process::monotonic_now() >= until) return;
        ::usleep(10'000);
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

int stop_all(context& c, const std::string& side_folder, int signal, duration timeout)
{
    auto registry = worker_registry::open(side_folder, false);
    if (!registry && registry.error().code != errc::not_found) return complain(registry.error());
    auto all = registry ? ask_all(*registry, signal) : std::vector<stopping>{};
    if (all.empty()) {
        c.out << "no workers are running\n";
        return exit_done;
    }
    wait_until_ended(*registry, all, timeout);
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
    if (where->kind != store_kind::memory) return stop_all(c, where->side_folder(), release ? SIGUSR2 : SIGUSR1, limit);
    auto refused = open_for_reading(*where);
    return refused ? int{exit_done} : complain(refused.error());
}

}  // namespace queuectl::command
