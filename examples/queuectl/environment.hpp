// What a job remembers of the place and the environment it was enqueued in.
#ifndef QUEUECTL_COMMAND_ENVIRONMENT_HPP
#define QUEUECTL_COMMAND_ENVIRONMENT_HPP

#include <queuectl/result.hpp>

#include <span>
#include <string>
#include <string_view>

namespace queuectl::command {

// [A-Za-z_][A-Za-z0-9_]*
[[nodiscard]] bool is_variable_name(std::string_view name);

// An environment as a job stores it: NAME=VALUE, each ended by NUL; a name occurs once.
class environment {
public:
    // PATH HOME USER LOGNAME SHELL LANG LC_* TZ TMPDIR of this process, and the variables named.
    [[nodiscard]] static environment capture(std::span<const std::string> allowed);

    // "NAME=VALUE" sets it; "NAME" takes it from this process, or removes it where this has none. Errors:
    // invalid_argument, field "env".
    [[nodiscard]] result<void> apply(std::string_view assignment);
    void set(std::string_view name, std::string_view value);
    void unset(std::string_view name);

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
};

// The working directory; empty when it cannot be told.
[[nodiscard]] std::string working_folder();

}  // namespace queuectl::command

#endif
