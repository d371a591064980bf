#include "worker_recovery.hpp"

#include "worker_log.hpp"

#include <queuectl/process/live_output.hpp>
#include <queuectl/process/orphans.hpp>
#include <queuectl/time_source.hpp>

#include <filesystem>

#include <unistd.h>

namespace queuectl::command {
namespace {

// For processes that no signal ends at once: blocked in the kernel, they run nothing more once KILL is sent.
constexpr duration tree_patience = std::chrono::milliseconds{500};

// Frees every lease of a dead worker; how many.
result<std::size_t> free_leases(any_storage& storage, const std::string& worker, std::string_view cause)
{
    for (std::size_t total = 0;;) {
        auto freed = storage.free_worker(worker, cause, system_time_source{}.now());
        if (!freed) return freed;
        if (*freed == 0) return total;
        total += *freed;
    }
}

result<void> clean_up(any_storage& storage, const worker_entry& worker, std::string_view cause)
{
    process::end_marked(worker.mark, tree_patience);
    auto freed = free_leases(storage, worker.name, cause);
    if (!freed) return fail(freed.error());
    std::string line = "crashed " + worker.name + ": " + std::string{cause};
    if (*freed > 0) line += "; jobs given back: " + std::to_string(*freed);
    log_line(line);
    return {};
}

std::string cause_of(const worker_entry& worker, const seen_death& seen)
{
    if (seen.pid != 0 && worker.pid == seen.pid) return std::string{seen.cause};
    return "worker " + worker.name + " died";
}

}  // namespace

void recover_dead_workers(const worker_registry& registry, any_storage& storage, const seen_death& seen)
{
    for (auto& dead : registry.dead()) {
        if (dead.entry.role == worker_role::worker && dead.entry.pid != 0) {
            if (auto cleaned = clean_up(storage, dead.entry, cause_of(dead.entry, seen)); !cleaned) {
                log_line("trouble: " + cleaned.error().message());
                continue;
            }
        }
        if (auto forgotten = registry.forget(storage, std::move(dead)); !forgotten)
            log_line("trouble: " + forgotten.error().message());
    }
}

void recover_lockless_workers(const worker_registry& registry, any_storage& storage)
{
    auto workers = registry.lockless(storage);
    if (!workers) return log_line("trouble: " + workers.error().message());
    for (const auto& worker : *workers) {
        auto done = clean_up(storage, worker, "worker " + worker.name + " died, its lock file is missing");
        if (done)
            if (auto erased = storage.config_erase(std::string{worker_key_prefix} + worker.name); !erased)
                done = fail(erased.error());
        if (!done) log_line("trouble: " + done.error().message());
    }
}

void housekeeping::step(any_storage& storage, const instant& now)
{
    constexpr duration pause = std::chrono::seconds{30};
    if (now.boot < next_) return;
    next_ = add(now.boot, pause);
    auto done = sweep_outputs(storage, now);
    if (done) done = remove_expired(storage, now);
    if (done) done = remove_orphan_output(storage);
    if (!done) log_line("trouble: " + done.error().message());
}

result<void> housekeeping::sweep_outputs(any_storage& storage, const instant& now)
{
    if (swept_) return {};
    auto swept = storage.sweep_outputs(now);
    swept_ = !swept || swept->done;
    if (!swept) return fail(swept.error());
    if (swept->removed > 0) log_line("output files of no run removed: " + std::to_string(swept->removed));
    return {};
}

result<void> housekeeping::remove_expired(any_storage& storage, const instant& now)
{
    job_filter completed;
    completed.state = state::completed;
    std::vector<job_record> jobs;
    auto next = storage.list(completed, {after_, page_jobs}, jobs);
    if (!next) return fail(next.error());
    after_ = *next;
    std::vector<std::string> ended;
    for (auto& record : jobs)
        if (add(record.updated_at, record.job.retention) <= now.wall) ended.push_back(std::move(record.job.id));
    if (ended.empty()) return {};
    next_ = {};  // there may be more
    std::vector<change_status> statuses(ended.size());
    return storage.remove(ended, statuses);
}

result<void> housekeeping::remove_orphan_output(any_storage& storage) const
{
    std::vector<std::string> files;
    std::error_code ignored;
    for (const auto& file : std::filesystem::directory_iterator{logs_path_, ignored})
        if (file.path().extension() == ".live") files.push_back(file.path().string());
    job_filter running;
    running.state = state::processing;
    for (page_request page; !files.empty();) {
        std::vector<job_record> jobs;
        auto next = storage.list(running, page, jobs);
        if (!next) return fail(next.error());
        for (const auto& record : jobs) std::erase(files, process::live_output_path(logs_path_, record.token));
        if ((page.after = *next) == 0) break;
    }
    for (const auto& file : files) ::unlink(file.c_str());
    return {};
}

}  // namespace queuectl::command
