// What every subcommand is given.
#ifndef QUEUECTL_COMMAND_CONTEXT_HPP
#define QUEUECTL_COMMAND_CONTEXT_HPP

#include "output.hpp"

#include <queuectl/time_source.hpp>

#include <string>
#include <vector>

namespace queuectl::command {

struct context {
    std::string store;               // --store, or empty: see locate()
    bool json = false;               // --json
    std::vector<std::string> words;  // what follows the subcommand's name; see command_line::parse
    writer out{1};
    [[nodiscard]] instant now() const { return system_time_source{}.now(); }
};

// One subcommand: a file of its own that ends in a line of the table in commands.cpp.
struct subcommand {
    const char* name;      // "enqueue", "dlq list"
    const char* summary;   // one line, for the help
    int (*run)(context&);  // parses context.words with a command_line; returns the exit code
};

}  // namespace queuectl::command

#endif
