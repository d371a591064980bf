// Jobs from a file: one JSON object a line.
#ifndef QUEUECTL_COMMAND_FILE_ENQUEUE_HPP
#define QUEUECTL_COMMAND_FILE_ENQUEUE_HPP

#include "context.hpp"
#include "request.hpp"
#include "store.hpp"

#include <string>

namespace queuectl::command {

struct file_summary {
    std::uint64_t enqueued = 0;
    std::uint64_t refused = 0;  // each was reported with its line number on standard error
};

// Enqueues the jobs of `path` ("-" = standard input) in batches, each durable and its ids printed before the next.
// `defaults` fill what a line does not say. Blank lines are passed over. An error ends it: what was printed is stored.
[[nodiscard]] result<file_summary> enqueue_file(context& c, open_store& store, const std::string& path,
                                                const request& defaults, bool print_ids);

}  // namespace queuectl::command

#endif
