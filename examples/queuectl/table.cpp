#include "table.hpp"

#include <algorithm>

namespace queuectl::command {

namespace {

// Code points; good enough for alignment.
std::size_t columns_of(std::string_view text)
{
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// The longest beginning of at most that many code points.
std::string_view cut(std::string_view text, std::size_t columns)
{
    std::size_t seen = 0;
    for (std::size_t i = 0; i < text.size(); ++i)
        if ((text[i] & 0xc0) != 0x80 && seen++ == columns) return text.substr(0, i);
    return text;
}

}  // namespace

void table::add(std::vector<std::string> cells)
{
    for (auto& cell : cells) rows_.push_back(one_line(cell));
}

void table::print(writer& out, int coloured) const
{
    std::vector<std::size_t> widths(width_);
    for (std::size_t i = 0; i < rows_.size(); ++i)
        widths[i % width_] = std::max(widths[i % width_], columns_of(rows_[i]));
    const bool colour = out.colour();
    const std::size_t edge = out.columns();
    std::size_t used = 0;
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        const std::size_t column = i % width_;
        if (column == 0) used = 0;
        if (column + 1 == width_) {
            out << (edge > used ? cut(rows_[i], edge - used) : std::string_view{rows_[i]}) << "\n";
            continue;
        }
        const bool is_state = static_cast<int>(column) == coloured && i >= width_;
        out << (is_state ? coloured_state(rows_[i], colour) : rows_[i]);
        out << std::string(widths[column] - columns_of(rows_[i]) + 2, ' ');
        used += widths[column] + 2;
    }
}

std::string one_line(std::string_view text)
{
    std::string out = without_controls(text);
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
    return out;
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
