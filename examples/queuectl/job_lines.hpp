// What `export` prints and `import` reads: one JSON object a line.
//
//   {"queuectl":"export","format":1}                      the first line
//   {"id":"job1","queue":"default","state":"failed",…}    a job: every member of its record that is not the default,
//                                                         and "runs"
//   {"config":"config/max-retries","value":"5"}           a setting
//
// Times ("…_us") are microseconds since 1970 UTC, durations microseconds; uids hexadecimal. Bytes are text where they
// are UTF-8 (and do not grow much by it), else base64, in a member whose name ends in "_base64".
#ifndef QUEUECTL_COMMAND_JOB_LINES_HPP
#define QUEUECTL_COMMAND_JOB_LINES_HPP

#include <queuectl/facets.hpp>

#include <string>
#include <string_view>
#include <variant>

namespace queuectl::command {

inline constexpr int export_format = 1;

void append_header_line(std::string& out);
void append_line(std::string& out, const stored_job& j);
void append_line(std::string& out, const config_entry& entry);

// Errors are errc::invalid_argument with the member as the operation.
[[nodiscard]] result<void> read_header_line(std::string_view text);
[[nodiscard]] result<std::variant<stored_job, config_entry>> read_line(std::string_view text);

}  // namespace queuectl::command

#endif
