#include "commands.hpp"

namespace queuectl::command {

namespace {

constexpr subcommand subcommands[] = {
    {"enqueue", "Add a job", enqueue_command},
    {"list", "List jobs", list_command},
    {"show", "Show a job and its runs", show_command},
    {"why", "Tell why a job does not run now", why_command},
    {"logs", "Print what a job wrote", logs_command},
    {"status", "Count jobs; show workers and store", status_command},
    {"wait", "Wait until a job has ended", wait_command},
    {"cancel", "Withdraw a job, or stop a running one", cancel_command},
    {"delete", "Forget a job", delete_command},
    {"purge", "Forget ended jobs", purge_command},
    {"dlq list", "List the dead letter queue", dlq_list_command},
    {"dlq retry", "Put dead jobs back", dlq_retry_command},
    {"config set", "Change a setting", config_set_command},
    {"config get", "Print a setting", config_get_command},
    {"config list", "Print every setting", config_list_command},
    {"config unset", "Go back to a setting's default", config_unset_command},
    {"worker start", "Run jobs", worker_start_command},
    {"worker stop", "Stop every worker of the store", worker_stop_command},
    {"worker list", "Show the workers", worker_list_command},
    {"migrate", "Move a live store to another place", migrate_command},
    {"export", "Print every job, with all its past", export_command},
    {"import", "Add what export printed", import_command},
    {"doctor", "Name what about the store cannot keep a promise", doctor_command},
    {"verify", "Check the store: that all can be read, and agrees", verify_command},
    {"repair", "Save what can be read of a damaged store into a new one", repair_command},
    {"smoke-test", "Try everything once, in a throw-away store", smoke_test_command},
    {"completion", "Print a script that completes commands in a shell", completion_command},
    {"worker-process", nullptr, worker_process_command},
};

}  // namespace

std::span<const subcommand> all_commands() { return subcommands; }

}  // namespace queuectl::command
