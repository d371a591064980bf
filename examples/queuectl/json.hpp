// Reads JSON strictly. The only user of nlohmann-json is json.cpp.
#ifndef QUEUECTL_COMMAND_JSON_HPP
#define QUEUECTL_COMMAND_JSON_HPP

#include <queuectl/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace queuectl::command {

enum class json_kind : std::uint8_t { null, boolean, integer, number, string, array, object };

[[nodiscard]] std::string_view name(json_kind kind);

struct json_value {
    json_kind kind = json_kind::null;
    bool boolean = false;
    std::int64_t integer = 0;                                   // kind integer
    double number = 0;                                          // kind number; also of an integer
    std::string text{};                                         // kind string: UTF-8
    std::vector<json_value> items{};                            // kind array
    std::vector<std::pair<std::string, json_value>> members{};  // kind object, in the order written, names unique
};

inline constexpr std::size_t json_depth_max = 64;
inline constexpr std::size_t json_bytes_max = 64u << 20;
inline constexpr std::size_t json_values_max = 200'000;

// One JSON text (RFC 8259) with nothing behind it. Refused, errc::invalid_argument, field "json": bad syntax,
// trailing text, ill-formed UTF-8, lone surrogates, duplicate names, numbers that do not fit a double, nesting deeper
// than json_depth_max, more bytes or values than the limits.
[[nodiscard]] result<json_value> parse_json(std::string_view text);

}  // namespace queuectl::command

#endif
