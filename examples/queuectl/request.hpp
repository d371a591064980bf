// What a client asks for, as a JSON object or as flags, and the job that comes of it.
#ifndef QUEUECTL_COMMAND_REQUEST_HPP
#define QUEUECTL_COMMAND_REQUEST_HPP

#include "environment.hpp"
#include "json.hpp"
#include "settings.hpp"

#include <queuectl/new_job.hpp>

#include <optional>
#include <string>
#include <vector>

namespace queuectl::command {

inline constexpr char shell_kind[] = "shell";  // payload: a command text
inline constexpr char argv_kind[] = "argv";    // payload: words, each ended by NUL

// A request in parts, checked one by one as they are read. Errors are invalid_argument with the field as the
// operation and what is allowed as the detail.
struct request {
    new_job job{};
    std::optional<std::string> command{};
    std::optional<std::vector<std::string>> argv{};
    std::optional<std::string> payload{};  // of a kind that a program of the user's runs
    std::optional<std::int64_t> max_attempts{};
    std::vector<std::string> env{};    // NAME or NAME=VALUE
    std::vector<std::string> given{};  // names of the fields read, "_" between words

    [[nodiscard]] bool has(std::string_view field) const;
};

// Where and with what settings a request is made.
struct request_place {
    queue_options options{};  // the store's settings
    std::string folder{};     // the working directory
    environment variables{};  // what is recorded with each job
    [[nodiscard]] static request_place here(const settings& s);
};

// Reads one field. Fields that only the queue sets (state, attempts, …) and unknown ones are refused.
[[nodiscard]] result<void> read_field(request& r, std::string_view name, const json_value& value);
// The same for a flag's text; the text of numeric fields is read as a number.
[[nodiscard]] result<void> read_flag(request& r, std::string_view name, const std::string& text);
// A whole object.
[[nodiscard]] result<request> read_request(const json_value& object);
[[nodiscard]] result<request> read_request(std::string_view json);
// Takes from `defaults` every field that `r` was not given.
void add_defaults(request& r, const request& defaults);

// The payload and kind put together, everything checked but what the environment brings.
[[nodiscard]] result<void> complete(request& r);
// The job of a completed request.
[[nodiscard]] result<new_job> job_of(request&& r, const request_place& place);

}  // namespace queuectl::command

#endif
