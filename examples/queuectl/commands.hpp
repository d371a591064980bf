// Every subcommand. To add one: write `int NAME(context&)` in a file of its own, declare it here, and give it a
// line in the table of commands.cpp.
#ifndef QUEUECTL_COMMAND_COMMANDS_HPP
#define QUEUECTL_COMMAND_COMMANDS_HPP

#include "context.hpp"

#include <span>

namespace queuectl::command {

int enqueue_command(context&);
int list_command(context&);
int show_command(context&);
int status_command(context&);
int logs_command(context&);
int dlq_list_command(context&);
int dlq_retry_command(context&);
int config_set_command(context&);
int config_get_command(context&);
int config_list_command(context&);
int config_unset_command(context&);
int cancel_command(context&);
int delete_command(context&);
int purge_command(context&);
int wait_command(context&);
int worker_start_command(context&);
int worker_stop_command(context&);
int worker_list_command(context&);
int worker_process_command(context&);
int smoke_test_command(context&);
int migrate_command(context&);
int export_command(context&);
int import_command(context&);
int why_command(context&);
int doctor_command(context&);
int verify_command(context&);
int repair_command(context&);
int completion_command(context&);

// In the order of the help; those without a summary are not in it. A name has one word or two ("dlq list").
[[nodiscard]] std::span<const subcommand> all_commands();

}  // namespace queuectl::command

#endif
