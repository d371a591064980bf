// wait: until a job has ended.
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "find_job.hpp"
#include "job_view.hpp"
#include "store.hpp"
#include "tend.hpp"
#include "text.hpp"

#include <algorithm>

namespace queuectl::command {

namespace {

// The job's own code; a dead job never ends with 0.
int code_of(const job_record& r)
{
    if (r.state == state::completed) return r.exit_code > 0 ? r.exit_code : int{exit_done};
    if (r.state == state::cancelled || r.exit_code < 0) return exit_never_ran;
    return r.exit_code == 0 ? int{exit_failed} : r.exit_code;
}

int tell(context& c, const job_record& r)
{
    if (c.json) {
        json_writer json{c.out.buffer()};
        write_job(json, r);
        c.out << "\n";
    } else {
        c.out << queuectl::name(r.state) << "\n";
    }
    return code_of(r);
}

// Looks again after a while that grows with the time waited, and at once when the store tells of a change.
int wait_for(context& c, open_store& opened, const std::string& id, std::optional<duration> timeout)
{
    constexpr duration longest{200'000};
    any_storage& store = *opened.storage;
    duration tended{};
    const duration begun = c.now().boot;
    for (bool seen = false;; seen = true) {
        if (const duration now = c.now().boot; tended == duration{} || now - tended > duration{1'000'000}) {
            tend(opened);
            tended = now;
        }
        const change_counts changes = store.changes();
        auto record = find_job(store, id);
        if (!record && record.error().code == errc::not_found && seen)
            return complain(error{errc::not_found, "job " + id + " is gone", "its record was not kept"});
        if (!record) return complain(record.error());
        if (is_final(record->state)) return tell(c, *record);
        const duration waited = c.now().boot - begun;
        if (timeout && waited >= *timeout) {
            complain("job " + id + " is still " + std::string{queuectl::name(record->state)});
            return exit_wait_timeout;
        }
        duration pause = std::clamp(waited / 8, duration{2'000}, longest);
        if (timeout) pause = std::min(pause, *timeout - waited);
        static_cast<void>(store.wait_for_change(changes, pause));
    }
}

}  // namespace

int wait_command(context& c)
{
    std::vector<std::string> words;
    std::optional<std::string> timeout;
    command_line line{"wait", "Waits until a job has ended, and ends with its exit code."};
    line.words("ID", 1, 1, words).option("--timeout", "DURATION", timeout, "Wait no longer: exit code 124");
    line.examples("  queuectl wait \"$(queuectl enqueue 'make test')\"\n");
    if (const auto ended = line.parse(c)) return *ended;
    std::optional<duration> most;
    if (timeout) {
        auto parsed = parse_duration("timeout", *timeout);
        if (!parsed) return complain(parsed.error());
        most = *parsed;
    }
    auto store = open_for_reading(c.store);
    if (!store) return complain(store.error());
    return wait_for(c, *store, words[0], most);
}

}  // namespace queuectl::command
