// The environment of a run: the job's own, and what tells it which job it is.
#ifndef QUEUECTL_PROCESS_JOB_ENVIRONMENT_HPP
#define QUEUECTL_PROCESS_JOB_ENVIRONMENT_HPP

#include <queuectl/process/exec_plan.hpp>

#include <array>
#include <string>
#include <string_view>

namespace queuectl::inline v0::process {

// The variables that every run gets, whatever its job says. QUEUECTL_RUN marks all processes of the run: see
// marked_processes.hpp. PWD is set as a shell would set it.
struct run_variables {
    std::string_view job_id;
    std::string_view attempt;
    std::string_view store;
    std::string_view mark;
    std::string_view cwd;
};

// Fills `out` with the entries of `block` (NAME=VALUE, each ended by NUL) and the run's variables.
inline void build_environment(string_block& out, std::string_view block, const run_variables& run)
{
    const std::array<std::pair<std::string_view, std::string_view>, 5> own{{{"QUEUECTL_JOB_ID=", run.job_id},
                                                                            {"QUEUECTL_ATTEMPT=", run.attempt},
                                                                            {"QUEUECTL_STORE=", run.store},
                                                                            {"QUEUECTL_RUN=", run.mark},
                                                                            {"PWD=", run.cwd}}};
    const auto replaced = [&](std::string_view entry) {
        for (const auto& [name, value] : own)
            if (entry.starts_with(name)) return true;
        return false;
    };
    out.clear();
    for (const auto& [name, value] : own)
        if (!value.empty()) out.add(name, value);
    while (!block.empty()) {
        const auto end = block.find('\0');
        const auto entry = block.substr(0, end);
        if (!entry.empty() && !replaced(entry)) out.add(entry);
        block.remove_prefix(end == std::string_view::npos ? block.size() : end + 1);
    }
}

}  // namespace queuectl::inline v0::process

#endif
