#include "environment.hpp"

#include <algorithm>
#include <cstdlib>
#include <unistd.h>

namespace queuectl::command {

namespace {

constexpr std::string_view always[] = {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "TZ", "TMPDIR"};

bool recorded(std::string_view name, std::span<const std::string> allowed)
{
    return std::find(std::begin(always), std::end(always), name) != std::end(always) || name.substr(0, 3) == "LC_" ||
           std::find(allowed.begin(), allowed.end(), name) != allowed.end();
}

}  // namespace

bool is_variable_name(std::string_view name)
{
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    if (name.empty() || !letter(name.front())) return false;
    return std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

environment environment::capture(std::span<const std::string> allowed)
{
    environment out;
    for (char** entry = ::environ; *entry != nullptr; ++entry) {
        const std::string_view assignment = *entry;
        const std::size_t equals = assignment.find('=');
        if (equals == std::string_view::npos || !recorded(assignment.substr(0, equals), allowed)) continue;
        out.set(assignment.substr(0, equals), assignment.substr(equals + 1));
    }
    return out;
}

result<void> environment::apply(std::string_view assignment)
{
    const std::size_t equals = assignment.find('=');
    const std::string name{assignment.substr(0, equals)};
    if (!is_variable_name(name) || assignment.find('\0') != std::string_view::npos)
        return fail(errc::invalid_argument, "env",
                    "must be NAME or NAME=VALUE without NUL; a name has letters, digits and _");
    const char* here = std::getenv(name.c_str());
    if (equals != std::string_view::npos)
        set(name, assignment.substr(equals + 1));
    else if (here != nullptr)
        set(name, here);
    else
        unset(name);
    return {};
}

void environment::set(std::string_view name, std::string_view value)
{
    unset(name);
    text_.append(name).append(1, '=').append(value).append(1, '\0');
}

void environment::unset(std::string_view name)
{
    for (std::size_t at = 0; at < text_.size();) {
        const std::size_t end = text_.find('\0', at) + 1;
        if (text_.compare(at, name.size(), name) == 0 && text_[at + name.size()] == '=') {
            text_.erase(at, end - at);
            return;
        }
        at = end;
    }
}

std::string working_folder()
{
    char here[4096];
    return ::getcwd(here, sizeof here) == nullptr ? std::string{} : std::string{here};
}

}  // namespace queuectl::command
