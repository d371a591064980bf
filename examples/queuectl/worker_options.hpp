// What `worker start` was asked for, and how a worker process is told of it.
#ifndef QUEUECTL_COMMAND_WORKER_OPTIONS_HPP
#define QUEUECTL_COMMAND_WORKER_OPTIONS_HPP

#include "context.hpp"

#include <queuectl/result.hpp>

#include <optional>
#include <string>
#include <vector>

namespace queuectl::command {

class command_line;

struct worker_options {
    std::size_t count = 1;        // worker processes
    std::size_t concurrency = 1;  // jobs at once in each
    std::vector<std::string> queues{};
    std::string file{};  // jobs to enqueue first; "-" = standard input
    bool drain = false;
    bool detach = false;
    bool quiet = false;
};

// The options as they are on a command line: described to it, then read from what it found.
class worker_option_texts {
public:
    void describe_worker(command_line& line);      // those of a worker process
    void describe_supervisor(command_line& line);  // those of the supervisor besides
    // Errors: invalid_argument, naming the option.
    [[nodiscard]] result<worker_options> read() const;

private:
    std::optional<std::string> count_, concurrency_, file_;
    std::vector<std::string> queues_;
    bool drain_ = false, detach_ = false, quiet_ = false;
};

// The words that follow `worker-process` so that read() gives these options again.
[[nodiscard]] std::vector<std::string> worker_words(const worker_options& options);

}  // namespace queuectl::command

#endif
