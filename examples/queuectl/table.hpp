// Aligned columns for people.
#ifndef QUEUECTL_COMMAND_TABLE_HPP
#define QUEUECTL_COMMAND_TABLE_HPP

#include "output.hpp"

#include <queuectl/state.hpp>

#include <string>
#include <vector>

namespace queuectl::command {

// Every column but the last is as wide as its widest cell. Where that is too much for the terminal, the columns that
// may be cut are, then the last one.
class table {
public:
    // `cuttable`: names of columns.
    explicit table(std::vector<std::string> head, std::vector<std::string> cuttable = {})
        : rows_{std::move(head)}, width_{rows_.size()}, cuttable_{std::move(cuttable)}
    {
    }

    // As many cells as the head has; control characters are taken out.
    void add(std::vector<std::string> cells);
    // `coloured`: the column whose cells are states, in their colours on a terminal; -1 = none.
    void print(writer& out, int coloured = -1) const;

private:
    [[nodiscard]] std::vector<std::size_t> widths(std::size_t edge) const;

    std::vector<std::string> rows_;  // cells, row by row
    std::size_t width_;
    std::vector<std::string> cuttable_;
};

// The state's name in its colour, where `colour`.
[[nodiscard]] std::string coloured_state(std::string_view name, bool colour);

}  // namespace queuectl::command

#endif
