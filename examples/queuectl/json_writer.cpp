#include "json_writer.hpp"

#include "text.hpp"

#include <cmath>

namespace queuectl::command {

namespace {

// The length of the well-formed UTF-8 sequence at the front (Unicode 15, table 3-7); 0 when it is ill-formed.
std::size_t sequence_length(std::string_view text)
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

void append_escaped(std::string& out, char c)
{
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        case '\b': out += "\\b"; return;
        case '\f': out += "\\f"; return;
        default: break;
    }
    constexpr char digits[] = "0123456789abcdef";
    out += "\\u00";
    out += digits[c >> 4 & 15];
    out += digits[c & 15];
}

bool plain(char c)
{
    const auto b = static_cast<unsigned char>(c);
    return b >= 0x20 && b < 0x7f && c != '"' && c != '\\';
}

}  // namespace

void append_json_string(std::string& out, std::string_view text)
{
    out += '"';
    while (!text.empty()) {
        std::size_t n = 0;
        while (n < text.size() && plain(text[n])) ++n;
        out.append(text.substr(0, n));
        text.remove_prefix(n);
        if (text.empty()) break;
        if (static_cast<unsigned char>(text.front()) < 0x80) {
            append_escaped(out, text.front());
            text.remove_prefix(1);
        } else if (const std::size_t length = sequence_length(text); length != 0) {
            out.append(text.substr(0, length));
            text.remove_prefix(length);
        } else {
            out += "\xef\xbf\xbd";
            text.remove_prefix(1);
        }
    }
    out += '"';
}

void json_writer::separate()
{
    if (comma_) out_ += ',';
    if (break_) out_ += '\n';
    comma_ = true;
    break_ = false;
}

json_writer& json_writer::raw(std::string_view text)
{
    separate();
    out_ += text;
    return *this;
}

json_writer& json_writer::open(char bracket)
{
    separate();
    out_ += bracket;
    comma_ = false;
    return *this;
}

json_writer& json_writer::close(char bracket)
{
    if (break_) out_ += '\n';
    break_ = false;
    out_ += bracket;
    comma_ = true;
    return *this;
}

json_writer& json_writer::key(std::string_view name)
{
    separate();
    append_json_string(out_, name);
    out_ += ':';
    comma_ = false;
    return *this;
}

json_writer& json_writer::value(std::string_view text)
{
    separate();
    append_json_string(out_, text);
    return *this;
}

json_writer& json_writer::value(double number) { return raw(std::isfinite(number) ? number_text(number) : "null"); }

}  // namespace queuectl::command
