// What is known of a worker process or supervisor of a store, as text and as a record.
#ifndef QUEUECTL_COMMAND_WORKER_ENTRY_HPP
#define QUEUECTL_COMMAND_WORKER_ENTRY_HPP

#include <queuectl/time.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace queuectl::command {

enum class worker_role : std::uint8_t { worker, supervisor };

// One process. Pid, start and boot say where to look for it; that it lives is said by its lock alone.
struct worker_entry {
    std::string name;  // HOST:PID:RANDOM, unique
    worker_role role = worker_role::worker;
    std::string host;
    pid_t pid = 0;
    std::uint64_t start_ticks = 0;  // after boot: with the pid, the identity of a process
    std::string boot;               // boot id, 32 hexadecimal digits
    std::string mark;               // QUEUECTL_RUN of its jobs is this, a dot and a number; empty for a supervisor
    std::string supervisor;         // the name of its supervisor; empty for a supervisor
    std::size_t count = 1;          // worker processes of a supervisor
    std::size_t concurrency = 1;
    std::vector<std::string> queues{};  // empty = all
    timestamp started_at{};
};

// A worker_entry of this process with everything that does not depend on its task; a fresh name.
[[nodiscard]] worker_entry describe_this_process(worker_role role);

// One NAME=VALUE a line. Unknown names are ignored when read, so that later versions may add some.
[[nodiscard]] std::string to_text(const worker_entry& entry);
// Nothing when the text lacks a name or a pid.
[[nodiscard]] std::optional<worker_entry> parse_worker_entry(std::string_view text);

// Where the store keeps the entry of a name.
inline constexpr std::string_view worker_key_prefix = "worker/";

}  // namespace queuectl::command

#endif
