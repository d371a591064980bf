#include "json_writer.hpp"

#include "terminal_text.hpp"
#include "text.hpp"

#include <cmath>

namespace queuectl::command {

namespace {

// A code point below U+10000.
void append_code(std::string& out, char32_t c)
{
    constexpr char digits[] = "0123456789abcdef";
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += digits[c >> shift & 15];
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
    append_code(out, static_cast<unsigned char>(c));
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
        } else if (const std::size_t length = utf8_length(text); length != 0) {
            const auto hidden = hidden_character(text.substr(0, length));
            if (hidden != 0)
                append_code(out, hidden);
            else
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
