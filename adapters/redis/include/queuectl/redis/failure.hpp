// What an error reply of Redis means.
#ifndef QUEUECTL_REDIS_FAILURE_HPP
#define QUEUECTL_REDIS_FAILURE_HPP

#include <queuectl/result.hpp>

#include <string>
#include <string_view>

namespace queuectl::inline v0::detail::redis {

// The errc of a name that a script of ours gave.
[[nodiscard]] inline errc errc_of_script(std::string_view word)
{
    for (const auto code :
         {errc::not_found, errc::wrong_version, errc::read_only, errc::moved, errc::busy, errc::outcome_unknown})
        if (name(code) == word) return code;
    return errc::io;
}

// `text` is the reply: its first word tells the kind.
[[nodiscard]] inline error error_of_reply(std::string verb, std::string_view text)
{
    const std::string_view word = text.substr(0, text.find(' '));
    if (word == "QUEUECTL") {
        std::string_view rest = text.substr(word.size() + 1);
        const auto code = errc_of_script(rest.substr(0, rest.find(' ')));
        rest.remove_prefix(std::min(rest.size(), rest.find(' ') + 1));
        return {code, std::move(verb), std::string{rest}, 0};
    }
    constexpr std::pair<std::string_view, errc> words[] = {
        {"LOADING", errc::busy},         {"BUSY", errc::busy},
        {"TRYAGAIN", errc::busy},        {"CLUSTERDOWN", errc::busy},
        {"MASTERDOWN", errc::busy},      {"NOREPLICAS", errc::busy},
        {"READONLY", errc::read_only},   {"OOM", errc::store_full},
        {"MISCONF", errc::io},           {"NOAUTH", errc::permission},
        {"WRONGPASS", errc::permission}, {"NOPERM", errc::permission},
        {"MOVED", errc::unsupported},    {"CROSSSLOT", errc::unsupported},
        {"WRONGTYPE", errc::corrupt},
    };
    errc code = errc::io;
    for (const auto& [w, c] : words)
        if (w == word) code = c;
    const auto says = [&](std::string_view part) { return text.find(part) != text.npos; };
    if (code == errc::io && says("No space left")) code = errc::store_full;
    if (word == "ERR" && (says("invalid password") || says("AUTH"))) code = errc::permission;
    if (word == "ERR" && says("unknown command")) code = errc::unsupported;
    if (word == "ERR" && says("max number of clients")) code = errc::busy;
    return {code, std::move(verb), std::string{text}, 0};
}

// Whether the same request may well succeed in a moment.
[[nodiscard]] inline bool passes_soon(std::string_view text)
{
    for (const std::string_view word :
         {"LOADING ", "BUSY ", "TRYAGAIN ", "CLUSTERDOWN ", "MASTERDOWN ", "ERR max number of clients"})
        if (text.substr(0, word.size()) == word) return true;
    return false;
}

}  // namespace queuectl::inline v0::detail::redis

#endif
