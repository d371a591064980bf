// Writes JSON piece by piece: what is not UTF-8 becomes U+FFFD, commas come by themselves.
#ifndef QUEUECTL_COMMAND_JSON_WRITER_HPP
#define QUEUECTL_COMMAND_JSON_WRITER_HPP

#include <cstdint>
#include <string>
#include <string_view>

namespace queuectl::command {

// Appends the text as a JSON string, quotes included.
void append_json_string(std::string& out, std::string_view text);

// Appends to a string that outlives it. The caller balances begin and end, and gives keys in objects.
class json_writer {
public:
    explicit json_writer(std::string& out) : out_{out} {}

    json_writer& begin_object() { return open('{'); }
    json_writer& end_object() { return close('}'); }
    json_writer& begin_array() { return open('['); }
    json_writer& end_array() { return close(']'); }
    json_writer& key(std::string_view name);

    json_writer& value(std::string_view text);
    json_writer& value(const std::string& text) { return value(std::string_view{text}); }
    json_writer& value(const char* text) { return value(std::string_view{text}); }
    json_writer& value(bool b) { return raw(b ? "true" : "false"); }
    json_writer& value(std::int64_t n) { return raw(std::to_string(n)); }
    json_writer& value(std::uint64_t n) { return raw(std::to_string(n)); }
    json_writer& value(int n) { return raw(std::to_string(n)); }
    json_writer& value(double number);

    // The next value or bracket stands on a new line.
    json_writer& line_break()
    {
        break_ = true;
        return *this;
    }

    template <class T>
    json_writer& member(std::string_view name, const T& v)
    {
        return key(name).value(v);
    }

private:
    json_writer& raw(std::string_view text);
    json_writer& open(char bracket);
    json_writer& close(char bracket);
    void separate();

    std::string& out_;
    bool comma_ = false;  // something stands before the next value or key
    bool break_ = false;
};

}  // namespace queuectl::command

#endif
