#include "commands.hpp"

namespace queuectl::command {

namespace {

constexpr subcommand table[] = {
    {"enqueue", "Add a job", enqueue_command},
    {"config set", "Change a setting", config_set_command},
    {"config get", "Print a setting", config_get_command},
    {"config list", "Print every setting", config_list_command},
    {"config unset", "Go back to a setting's default", config_unset_command},
    {"worker start", "Run jobs", worker_start_command},
    {"worker stop", "Stop every worker of the store", worker_stop_command},
    {"worker list", "Show the workers", worker_list_command},
    {"smoke-test", "Try everything once, in a throw-away store", smoke_test_command},
    {"worker-process", nullptr, worker_process_command},
};

}  // namespace

std::span<const subcommand> all_commands() { return table; }

}  // namespace queuectl::command
