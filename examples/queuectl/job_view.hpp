// A job as the command shows it.
#ifndef QUEUECTL_COMMAND_JOB_VIEW_HPP
#define QUEUECTL_COMMAND_JOB_VIEW_HPP

#include "json_writer.hpp"

#include <queuectl/job.hpp>

#include <string>
#include <vector>

namespace queuectl::command {

// The words of an argv job.
[[nodiscard]] std::vector<std::string> argv_of(const job& j);
// The command; of an argv job, its words quoted for a shell.
[[nodiscard]] std::string command_of(const job& j);

// The members of a job's object; see the table in README. What does not apply is left out. The object stays open.
void write_job_members(json_writer& json, const job_record& r);
void write_job(json_writer& json, const job_record& r);
// With working directory, environment and runs.
void write_job_in_full(json_writer& json, const job_record& r, const std::vector<attempt>& runs);

// "succeeded", "failed", "timed_out", "cancelled", "crashed"
[[nodiscard]] std::string_view name(run_status status);

}  // namespace queuectl::command

#endif
