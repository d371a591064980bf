// The workers of a store as `worker list` and `status` show them.
#ifndef QUEUECTL_COMMAND_WORKER_VIEW_HPP
#define QUEUECTL_COMMAND_WORKER_VIEW_HPP

#include "json_writer.hpp"
#include "worker_registry.hpp"

namespace queuectl::command {

// None when nobody has worked on the store yet.
[[nodiscard]] result<std::vector<known_worker>> workers_of(open_store& store);

// A JSON array.
void write_workers(json_writer& json, const std::vector<known_worker>& workers);

}  // namespace queuectl::command

#endif
