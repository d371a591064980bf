#include "table.hpp"

#include "terminal_text.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace queuectl::command {

void table::add(std::vector<std::string> cells)
{
    for (auto& cell : cells) rows_.push_back(one_line(cell));
}

// Of the columns but the last, with the two spaces behind each.
std::vector<std::size_t> table::widths(std::size_t edge) const
{
    constexpr std::size_t least = 8;
    std::vector<std::size_t> all(width_);
    for (std::size_t i = 0; i < rows_.size(); ++i)
        all[i % width_] = std::max(all[i % width_], columns_of(rows_[i]) + 2);
    const std::size_t last = std::exchange(all.back(), 0);
    std::size_t wanted = std::accumulate(all.begin(), all.end(), std::min(last, 2 * least));
    for (std::size_t i = 0; i + 1 < width_ && edge > 0; ++i) {
        const bool may = std::find(cuttable_.begin(), cuttable_.end(), rows_[i]) != cuttable_.end();
        if (!may || wanted <= edge || all[i] <= least) continue;
        const std::size_t less = std::min(wanted - edge, all[i] - least);
        all[i] -= less;
        wanted -= less;
    }
    return all;
}

void table::print(writer& out, int coloured) const
{
    const bool colour = out.colour();
    const std::size_t edge = out.columns();
    const auto widths = this->widths(edge);
    const std::size_t used = std::accumulate(widths.begin(), widths.end(), std::size_t{0});
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        const std::size_t column = i % width_;
        if (column + 1 == width_) {
            out << (edge == 0 ? rows_[i] : fit(rows_[i], edge - used % edge)) << "\n";
            continue;
        }
        const auto cell = fit(rows_[i], widths[column] - 2);
        const bool is_state = static_cast<int>(column) == coloured && i >= width_;
        out << (is_state ? coloured_state(cell, colour) : cell);
        out << std::string(widths[column] - columns_of(cell), ' ');
    }
}

std::string coloured_state(std::string_view name, bool colour)
{
    if (!colour) return std::string{name};
    const char* code = name == "completed"    ? "\x1b[32m"
                       : name == "processing" ? "\x1b[36m"
                       : name == "failed"     ? "\x1b[33m"
                       : name == "dead"       ? "\x1b[31m"
                       : name == "cancelled"  ? "\x1b[2m"
                                              : "";
    return code + std::string{name} + "\x1b[0m";
}

}  // namespace queuectl::command
