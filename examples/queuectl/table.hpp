// Aligned columns for people.
#ifndef QUEUECTL_COMMAND_TABLE_HPP
#define QUEUECTL_COMMAND_TABLE_HPP

#include "output.hpp"

#include <queuectl/state.hpp>

#include <string>
#include <vector>

namespace queuectl::command {

// Every column but the last is as wide as its widest cell; the last is cut at the terminal's edge, if there is one.
class table {
public:
    explicit table(std::vector<std::string> head) : rows_{std::move(head)}, width_{rows_.size()} {}

    // As many cells as the head has; control characters are taken out.
    void add(std::vector<std::string> cells);
    // `coloured`: the column whose cells are states, in their colours on a terminal; -1 = none.
    void print(writer& out, int coloured = -1) const;

private:
    std::vector<std::string> rows_;  // cells, row by row
    std::size_t width_;
};

// One line: controls taken out, line ends as spaces.
[[nodiscard]] std::string one_line(std::string_view text);
// The state's name in its colour, where `colour`.
[[nodiscard]] std::string coloured_state(std::string_view name, bool colour);

}  // namespace queuectl::command

#endif
