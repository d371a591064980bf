// What every command does for the store that it touches.
#ifndef QUEUECTL_COMMAND_TEND_HPP
#define QUEUECTL_COMMAND_TEND_HPP

#include "store.hpp"

namespace queuectl::command {

// When workers of this machine died with nobody there to see it: ends what is left of their jobs and frees their
// leases. A few system calls when there is none. Failures are logged, and left to the next command.
void tend(open_store& store);

}  // namespace queuectl::command

#endif
