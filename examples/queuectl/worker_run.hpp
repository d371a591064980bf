// The worker itself: a queue over a store with processes as its jobs.
#ifndef QUEUECTL_COMMAND_WORKER_RUN_HPP
#define QUEUECTL_COMMAND_WORKER_RUN_HPP

#include "settings.hpp"
#include "store.hpp"
#include "worker_options.hpp"

#include <queuectl/worker.hpp>

#include <string>

namespace queuectl::command {

// Who works, as the store and its jobs see it.
struct worker_identity {
    std::string name;
    std::string mark;  // QUEUECTL_RUN of the jobs begins with it
};

// Runs jobs until it is stopped by TERM, INT or HUP (the first: the running jobs finish; the second: they are stopped
// and released), or until the store is drained where that was asked for. Logs; ends with a line that sums up.
[[nodiscard]] result<run_summary> run_worker(const open_store& store, const worker_options& options,
                                             const settings& values, const worker_identity& who);

}  // namespace queuectl::command

#endif
