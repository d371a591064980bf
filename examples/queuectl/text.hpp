// Durations, times and numbers as people write them. Errors are errc::invalid_argument with `field` as the operation
// and what is allowed as the detail.
#ifndef QUEUECTL_COMMAND_TEXT_HPP
#define QUEUECTL_COMMAND_TEXT_HPP

#include <queuectl/result.hpp>
#include <queuectl/time.hpp>
#include <queuectl/uid.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace queuectl::command {

// A decimal integer in a range, nothing around it.
[[nodiscard]] result<std::int64_t> parse_integer(std::string_view field, std::string_view text, std::int64_t least,
                                                 std::int64_t most);
// A decimal number in a range: "2", "1.5".
[[nodiscard]] result<double> parse_number(std::string_view field, std::string_view text, double least, double most);
// on off true false yes no 1 0
[[nodiscard]] result<bool> parse_switch(std::string_view field, std::string_view text);

// What to_hex(uid) wrote: 32 hexadecimal digits; none when it is anything else.
inline constexpr std::size_t uid_digits = 32;
[[nodiscard]] std::optional<uid> parse_uid(std::string_view text);

// "500ms" "2s" "5m" "1h" "7d", or a number of seconds; not negative.
[[nodiscard]] result<duration> parse_duration(std::string_view field, std::string_view text);
// Seconds as a number.
[[nodiscard]] result<duration> duration_of(std::string_view field, double seconds);
// ISO-8601 with zone ("2030-01-31T12:00:00Z", "…+02:00"), or seconds since 1970.
[[nodiscard]] result<timestamp> parse_time(std::string_view field, std::string_view text);
[[nodiscard]] result<timestamp> time_of(std::string_view field, double epoch_seconds);

// "2030-01-31T12:00:00.123456Z"
[[nodiscard]] std::string iso_time(timestamp t);
// The shortest spelling that parse_duration reads back: "500ms", "90s", "30d", "0s".
[[nodiscard]] std::string short_duration(duration d);
// For people: "3s ago", "in 5m", "now".
[[nodiscard]] std::string relative_time(timestamp t, timestamp now);
// The shortest decimal that reads back as the same double; no exponent below 1e15.
[[nodiscard]] std::string number_text(double value);

}  // namespace queuectl::command

#endif
