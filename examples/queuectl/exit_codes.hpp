// What the command's exit status means; `queuectl --help` prints the same table.
#ifndef QUEUECTL_COMMAND_EXIT_CODES_HPP
#define QUEUECTL_COMMAND_EXIT_CODES_HPP

#include <queuectl/error.hpp>

namespace queuectl::command {

enum exit_code : int {
    exit_done = 0,
    exit_failed = 1,          // the thing asked for failed or was not found
    exit_usage = 2,           // wrong usage or bad input; nothing was stored
    exit_unreachable = 69,    // the store cannot be opened, reached or used by this program
    exit_corrupt = 70,        // the store's bytes are damaged
    exit_exists = 73,         // the id is taken; the store is not empty
    exit_again = 75,          // busy, disk full, or an unknown outcome: try again
    exit_wait_timeout = 124,  // `wait`: its own timeout
    exit_never_ran = 125,     // `wait`: cancelled, or no run of it ended
};

[[nodiscard]] constexpr exit_code exit_code_of(errc code) noexcept
{
    switch (code) {
        case errc::invalid_argument:
        case errc::unsupported: return exit_usage;
        case errc::not_found:
        case errc::conflict: return exit_failed;
        case errc::exists: return exit_exists;
        case errc::corrupt: return exit_corrupt;
        case errc::busy:
        case errc::store_full:
        case errc::outcome_unknown:
        case errc::spawn_failed:
        case errc::no_memory: return exit_again;
        case errc::unreachable:
        case errc::read_only:
        case errc::moved:
        case errc::wrong_version:
        case errc::io:
        case errc::permission: return exit_unreachable;
    }
    return exit_failed;
}

inline constexpr char exit_codes_help[] =
    "Exit codes: 0 done; 1 the thing asked for failed or was not found; 2 wrong usage or bad\n"
    "input; 69 store unreachable; 70 store corrupt; 73 exists already; 75 try again (busy,\n"
    "disk full). `wait` ends with the job's own code (124 its timeout, 125 never ran).\n";

}  // namespace queuectl::command

#endif
