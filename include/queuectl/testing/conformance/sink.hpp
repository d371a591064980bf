// Where checks report: a list of failures that any test framework can print.
#ifndef QUEUECTL_TESTING_CONFORMANCE_SINK_HPP
#define QUEUECTL_TESTING_CONFORMANCE_SINK_HPP

#include <queuectl/receipt.hpp>
#include <queuectl/time.hpp>

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace queuectl::inline v0::conformance {

struct failure {
    const char* file = "";
    int line = 0;
    std::string text;
};

// Collects what went wrong in one check. One thread.
class sink {
public:
    void fail(const char* file, int line, std::string text) { failures_.push_back({file, line, std::move(text)}); }
    [[nodiscard]] const std::vector<failure>& failures() const noexcept { return failures_; }
    [[nodiscard]] bool good() const noexcept { return failures_.empty(); }

private:
    std::vector<failure> failures_;
};

// A value as text, for messages.
[[nodiscard]] inline std::string show(bool b) { return b ? "true" : "false"; }
[[nodiscard]] inline std::string show(const char* text) { return text; }
[[nodiscard]] inline std::string show(const std::string& text)
{
    return text.size() <= 200 ? '"' + text + '"' : std::to_string(text.size()) + " bytes";
}
[[nodiscard]] inline std::string show(duration d) { return std::to_string(d.count()) + "us"; }
[[nodiscard]] inline std::string show(timestamp t) { return show(t.time_since_epoch()); }
[[nodiscard]] inline std::string show(const uid& u) { return to_hex(u); }
[[nodiscard]] inline std::string show(const lease_token& t)
{
    return to_hex(t.nonce) + '/' + std::to_string(t.ordinal);
}
template <class T>
    requires(std::is_arithmetic_v<T> || std::is_enum_v<T>)
[[nodiscard]] std::string show(T value)
{
    if constexpr (requires { name(value); })
        return std::string{name(value)};
    else if constexpr (std::is_enum_v<T>)
        return '#' + std::to_string(static_cast<long long>(value));
    else
        return std::to_string(value);
}
template <class T>
[[nodiscard]] std::string show(const std::vector<T>& values)
{
    std::string text = "[";
    for (const auto& v : values) text += (text.size() > 1 ? ", " : "") + show(v);
    return text + ']';
}

}  // namespace queuectl::inline v0::conformance

// Records a failure of fixture f unless the condition holds; goes on either way.
#define QUEUECTL_CHECK(f, ...) (f).check(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
// The same for actual == expected, telling both.
#define QUEUECTL_EQUAL(f, actual, ...) (f).equal(#actual, __FILE__, __LINE__, (actual), __VA_ARGS__)

#endif
