// The worker itself: a queue over a store with processes as its jobs.
#ifndef QUEUECTL_COMMAND_WORKER_RUN_HPP
#define QUEUECTL_COMMAND_WORKER_RUN_HPP

#include "settings.hpp"
#include "store.hpp"
#include "worker_options.hpp"

#include <queuectl/process/signals.hpp>
#include <queuectl/worker.hpp>

#include <atomic>
#include <string>

namespace queuectl::command {

// Who works, as the store and its jobs see it.
struct worker_identity {
    std::string name;
    std::string mark;  // QUEUECTL_RUN of the jobs begins with it
};

// While it lives, the signals of process::stop_signals are requests to its stop_source: one lets the running jobs
// finish, two stop and release them. One at a time in a process.
class stop_listener {
public:
    stop_listener() : signals_{&follow, this} { connected_ = true; }
    stop_listener(const stop_listener&) = delete;
    stop_listener& operator=(const stop_listener&) = delete;

    [[nodiscard]] stop_source& source() noexcept { return stop_; }

private:
    static void follow(void* self);  // called by the signal handler

    stop_source stop_;
    std::atomic<bool> connected_{false};
    process::stop_signals signals_;
};

// Runs jobs until it is told to stop, or until the store is drained where that was asked for. Logs; ends with a line
// that sums up.
[[nodiscard]] result<run_summary> run_worker(const open_store& store, const worker_options& options,
                                             const settings& values, const worker_identity& who, stop_listener& stop);

}  // namespace queuectl::command

#endif
