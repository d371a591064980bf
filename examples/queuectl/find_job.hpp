// One job by its id.
#ifndef QUEUECTL_COMMAND_FIND_JOB_HPP
#define QUEUECTL_COMMAND_FIND_JOB_HPP

#include "any_storage.hpp"

#include <string>

namespace queuectl::command {

// errc::not_found when there is none.
[[nodiscard]] inline result<job_record> find_job(any_storage& store, const std::string& id)
{
    auto found = store.find(id);
    if (!found) return fail(found.error());
    if (!*found) return fail(errc::not_found, "no job " + id);
    return std::move(**found);
}

}  // namespace queuectl::command

#endif
