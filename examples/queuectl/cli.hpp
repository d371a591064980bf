// The command line of one subcommand: options, words, help. The only user of CLI11 is cli.cpp.
#ifndef QUEUECTL_COMMAND_CLI_HPP
#define QUEUECTL_COMMAND_CLI_HPP

#include "context.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace queuectl::command {

// Describe, then parse(). What is bound must live until then. Option names as CLI11 has them: "--id", "-n,--limit".
// `--store URL`, `--json` and `--help` are there without being described.
class command_line {
public:
    command_line(const char* name, const char* summary);
    command_line(const command_line&) = delete;
    command_line& operator=(const command_line&) = delete;
    ~command_line();

    // An option with one value, given at most once.
    command_line& option(const char* names, const char* value, std::optional<std::string>& into, const char* help);
    // An option with one value each time it is given.
    command_line& options(const char* names, const char* value, std::vector<std::string>& into, const char* help);
    command_line& flag(const char* names, bool& into, const char* help);
    // What is no option: least … most words, told as `usage` ("ID…") in help and messages.
    command_line& words(const char* usage, std::size_t least, std::size_t most, std::vector<std::string>& into);
    // Takes everything behind `--`, where that is given; without this `--` only ends the options.
    command_line& after_dashes(const char* usage, std::optional<std::vector<std::string>>& into);
    // Printed at the end of the help.
    command_line& examples(const char* text);

    // Parses c.words and sets c.store and c.json. Nothing = go on; else the exit code: the help was printed, or a
    // complaint.
    [[nodiscard]] std::optional<int> parse(context& c);

private:
    struct parser;
    std::unique_ptr<parser> p_;
};

}  // namespace queuectl::command

#endif
