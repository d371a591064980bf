// Which jobs, and printing them: shared by `list`, `dlq list`, `dlq retry --all` and `purge`.
#ifndef QUEUECTL_COMMAND_JOB_LIST_HPP
#define QUEUECTL_COMMAND_JOB_LIST_HPP

#include "cli.hpp"
#include "store.hpp"

#include <optional>
#include <string>

namespace queuectl::command {

// The flags that say which jobs.
struct filter_flags {
    std::optional<std::string> state;
    std::optional<std::string> queue;
    std::optional<std::string> kind;
    std::optional<std::string> tag;

    // --queue, --kind, --tag; and --state where that is asked for.
    void describe(command_line& line, bool with_state);
    // Errors name the flag and what is allowed.
    [[nodiscard]] result<job_filter> read() const;
};

[[nodiscard]] result<std::size_t> read_limit(const std::optional<std::string>& text, std::size_t otherwise);

// A JSON array without limit, or a table of at most 100, where no --limit is given. Returns the exit code.
[[nodiscard]] int print_jobs(context& c, any_storage& store, const job_filter& filter,
                             const std::optional<std::string>& limit);

}  // namespace queuectl::command

#endif
