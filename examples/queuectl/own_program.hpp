// Starting this program again.
#ifndef QUEUECTL_COMMAND_OWN_PROGRAM_HPP
#define QUEUECTL_COMMAND_OWN_PROGRAM_HPP

#include <string>

namespace queuectl::command {

// A path of the program that runs now: its own, or /proc/self/exe when its file has been replaced since.
[[nodiscard]] std::string own_program();

}  // namespace queuectl::command

#endif
