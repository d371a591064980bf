// Bytes of others (commands, output, errors) made fit for a terminal, and how wide they are there.
#ifndef QUEUECTL_COMMAND_TERMINAL_TEXT_HPP
#define QUEUECTL_COMMAND_TERMINAL_TEXT_HPP

#include <cstddef>
#include <string>
#include <string_view>

namespace queuectl::command {

// The length of the well-formed UTF-8 sequence at the front (Unicode 15, table 3-7); 0 when it is ill-formed.
[[nodiscard]] std::size_t utf8_length(std::string_view text);

// The code point of a well-formed sequence of several bytes when it must not reach a terminal: the controls U+0080 …
// U+009F, and what turns the direction of writing. Else 0.
[[nodiscard]] char32_t hidden_character(std::string_view sequence);

// The text without control characters, escape sequences (ECMA-48) and characters that turn the direction of writing;
// newline and tab stay. What is not UTF-8 becomes U+FFFD.
[[nodiscard]] std::string without_controls(std::string_view text);
// The same as one line: line ends and tabs become spaces.
[[nodiscard]] std::string one_line(std::string_view text);

// without_controls() of a text that comes in parts: what a part leaves unfinished waits for the next.
class control_filter {
public:
    [[nodiscard]] std::string pass(std::string_view part);
    // What was held back; the next part begins anew.
    [[nodiscard]] std::string end();

private:
    std::string held_;
};

// Columns that a text without controls takes: wide characters (East Asian, emoji) two, combining ones none.
[[nodiscard]] std::size_t columns_of(std::string_view text);
// The text, or where it is wider its beginning and "…": at most that many columns, which are at least one.
[[nodiscard]] std::string fit(std::string_view text, std::size_t columns);

}  // namespace queuectl::command

#endif
