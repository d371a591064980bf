// Cleaning up after workers that died, and after jobs whose time is over.
#ifndef QUEUECTL_COMMAND_WORKER_RECOVERY_HPP
#define QUEUECTL_COMMAND_WORKER_RECOVERY_HPP

#include "worker_registry.hpp"

#include <string>
#include <string_view>

namespace queuectl::command {

// A worker process whose end its supervisor saw.
struct seen_death {
    pid_t pid = 0;
    std::string_view cause;
};

// For every worker of this machine whose lock is free: what is left of its jobs' processes is ended, then its leases
// are freed (crashes + 1, with the cause), then it is forgotten; each is logged. What fails is logged and left to the
// next call, or to another process. Without dead workers it costs a few system calls and no access to the store.
void recover_dead_workers(const worker_registry& registry, any_storage& storage, const seen_death& seen = {});

// The same for entries of this machine whose lock file is missing. One read of the store.
void recover_lockless_workers(const worker_registry& registry, any_storage& storage);

// Rare and small steps: once, output files that no run names are removed; then completed jobs whose retention is over
// are removed, and the live output (process/live_output.hpp) of runs that no longer are, which dead workers leave in
// the logs folder.
class housekeeping {
public:
    explicit housekeeping(std::string logs_path) : logs_path_{std::move(logs_path)} {}

    // Does nothing before its time has come. Logs what fails.
    void step(any_storage& storage, const instant& now);

private:
    static constexpr std::size_t page_jobs = 500;

    [[nodiscard]] result<void> sweep_outputs(any_storage& storage, const instant& now);
    [[nodiscard]] result<void> remove_expired(any_storage& storage, const instant& now);
    [[nodiscard]] result<void> remove_orphan_output(any_storage& storage) const;

    std::string logs_path_;
    std::uint64_t after_ = 0;
    duration next_{};  // boot time
    bool swept_ = false;
};

}  // namespace queuectl::command

#endif
