#include "terminal_text.hpp"

#include <algorithm>

namespace queuectl::command {

namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";

bool is_control(char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }

// What stands at the front of a text.
struct piece {
    enum kind { shown, dropped, broken, unfinished } what;
    std::size_t length;
};

// At an ESC: CSI, OSC and its kin, or two bytes.
piece escape_piece(std::string_view text)
{
    if (text.size() < 2) return {piece::unfinished, text.size()};
    std::size_t i = 2;
    if (text[1] == '[') {
        while (i < text.size() && (text[i] < 0x40 || text[i] > 0x7e) && !is_control(text[i])) ++i;
        if (i == text.size()) return {piece::unfinished, i};
        return {piece::dropped, is_control(text[i]) ? i : i + 1};
    }
    if (text[1] == ']' || text[1] == 'P' || text[1] == 'X' || text[1] == '^' || text[1] == '_') {
        for (; i < text.size() && text[i] != '\n'; ++i) {
            if (text[i] == '\a') return {piece::dropped, i + 1};
            if (text[i] != '\x1b') continue;
            if (i + 1 == text.size()) return {piece::unfinished, text.size()};
            return {piece::dropped, text[i + 1] == '\\' ? i + 2 : i};
        }
        return {i == text.size() ? piece::unfinished : piece::dropped, i};
    }
    return {piece::dropped, is_control(text[1]) ? 1u : 2u};
}

char32_t decode(std::string_view sequence)
{
    constexpr unsigned char lead_mask[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    char32_t c = static_cast<unsigned char>(sequence[0]) & lead_mask[sequence.size()];
    for (const char byte : sequence.substr(1)) c = c << 6 | (static_cast<unsigned char>(byte) & 0x3f);
    return c;
}

// A sequence that more bytes may complete.
bool is_begun(std::string_view text)
{
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t length = lead >= 0xf0 && lead <= 0xf4 ? 4 : lead >= 0xe0 ? 3 : 2;
    return lead >= 0xc2 && lead <= 0xf4 && text.size() < length &&
           std::all_of(text.begin() + 1, text.end(), [](char c) { return (c & 0xc0) == 0x80; });
}

piece front_piece(std::string_view text)
{
    const char c = text[0];
    if (c == '\x1b') return escape_piece(text);
    if (static_cast<unsigned char>(c) < 0x80)
        return {c == '\n' || c == '\t' || !is_control(c) ? piece::shown : piece::dropped, 1};
    const std::size_t length = utf8_length(text);
    if (length == 0) return is_begun(text) ? piece{piece::unfinished, text.size()} : piece{piece::broken, 1};
    return {hidden_character(text.substr(0, length)) != 0 ? piece::dropped : piece::shown, length};
}

// Takes pieces from the front of the text, up to an unfinished one.
void append_clean(std::string& out, std::string_view& text)
{
    while (!text.empty()) {
        const piece p = front_piece(text);
        if (p.what == piece::unfinished) return;
        if (p.what == piece::shown) out.append(text.substr(0, p.length));
        if (p.what == piece::broken) out.append(replacement);
        text.remove_prefix(p.length);
    }
}

// 0, 1 or 2 (Unicode 15: the East Asian wide and fullwidth blocks, emoji, combining marks; by blocks).
std::size_t width_of(char32_t c)
{
    struct block {
        char32_t first, last;
        std::size_t width;
    };
    constexpr block blocks[] = {
        {0x300, 0x36f, 0},     {0x200b, 0x200d, 0},   {0x20d0, 0x20ff, 0}, {0xfe00, 0xfe0f, 0},   {0xfe20, 0xfe2f, 0},
        {0x1100, 0x115f, 2},   {0x2e80, 0x303e, 2},   {0x3041, 0xa4cf, 2}, {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},
        {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2},   {0xffe0, 0xffe6, 2}, {0x1f300, 0x1f64f, 2}, {0x1f680, 0x1f6ff, 2},
        {0x1f900, 0x1f9ff, 2}, {0x20000, 0x3fffd, 2},
    };
    for (const auto& b : blocks)
        if (c >= b.first && c <= b.last) return b.width;
    return 1;
}

// Calls f(bytes, width) for each character until it returns false.
template <class F>
void each_character(std::string_view text, F&& f)
{
    while (!text.empty()) {
        const std::size_t length = std::max<std::size_t>(utf8_length(text), 1);
        const bool valid = length > 1 || static_cast<unsigned char>(text[0]) < 0x80;
        if (!f(length, valid ? width_of(decode(text.substr(0, length))) : 1)) return;
        text.remove_prefix(length);
    }
}

}  // namespace

std::size_t utf8_length(std::string_view text)
{
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    const auto follows = [&](std::size_t i, unsigned least = 0x80, unsigned most = 0xbf) {
        return byte(i) >= least && byte(i) <= most;
    };
    const unsigned b = byte(0);
    if (b < 0x80) return 1;
    if (b >= 0xc2 && b <= 0xdf) return follows(1) ? 2 : 0;
    if (b >= 0xe0 && b <= 0xef)
        return follows(1, b == 0xe0 ? 0xa0 : 0x80, b == 0xed ? 0x9f : 0xbf) && follows(2) ? 3 : 0;
    if (b >= 0xf0 && b <= 0xf4)
        return follows(1, b == 0xf0 ? 0x90 : 0x80, b == 0xf4 ? 0x8f : 0xbf) && follows(2) && follows(3) ? 4 : 0;
    return 0;
}

char32_t hidden_character(std::string_view sequence)
{
    const char32_t c = decode(sequence);
    const bool turns =
        (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0x61c;
    return turns || (c >= 0x80 && c < 0xa0) ? c : 0;
}

std::string without_controls(std::string_view text)
{
    control_filter filter;
    std::string out = filter.pass(text);
    return out.append(filter.end());
}

std::string one_line(std::string_view text)
{
    std::string out = without_controls(text);
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c == '\n' || c == '\t'; }, ' ');
    return out;
}

std::string control_filter::pass(std::string_view part)
{
    constexpr std::size_t held_bytes_max = 4096;
    std::string out;
    out.reserve(held_.size() + part.size());
    held_.append(part);
    std::string_view text{held_};
    append_clean(out, text);
    if (text.size() > held_bytes_max) text = {};  // a sequence without an end
    held_.erase(0, held_.size() - text.size());
    return out;
}

std::string control_filter::end()
{
    const bool begun = !held_.empty() && held_[0] != '\x1b';
    held_.clear();
    return begun ? std::string{replacement} : std::string{};
}

std::size_t columns_of(std::string_view text)
{
    std::size_t columns = 0;
    each_character(text, [&](std::size_t, std::size_t width) {
        columns += width;
        return true;
    });
    return columns;
}

std::string fit(std::string_view text, std::size_t columns)
{
    if (columns_of(text) <= columns) return std::string{text};
    std::size_t bytes = 0;
    std::size_t used = 1;
    each_character(text, [&](std::size_t length, std::size_t width) {
        if (used + width > columns) return false;
        used += width;
        bytes += length;
        return true;
    });
    return std::string{text.substr(0, bytes)} + "\xe2\x80\xa6";
}

}  // namespace queuectl::command
