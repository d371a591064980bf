// redis://[USER:PASSWORD@]HOST[:PORT][/DB][?prefix=P] and redis+unix:///PATH[?db=N&prefix=P] as addresses.
#ifndef QUEUECTL_REDIS_URL_HPP
#define QUEUECTL_REDIS_URL_HPP

#include <queuectl/redis/options.hpp>
#include <queuectl/result.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace queuectl::inline v0 {

// What a URL names.
struct redis_target {
    redis_address address;
    int replicas = 0;  // redis_options::replicas
};

namespace detail::redis {

[[nodiscard]] inline int hex_digit(char c) noexcept
{
    if (c >= '0' && c <= '9') return c - '0';
    const char low = static_cast<char>(c | 32);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}
// %41 → A; nothing when it is broken or holds NUL.
[[nodiscard]] inline std::optional<std::string> percent_decoded(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
            const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) return std::nullopt;
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        if (c == '\0') return std::nullopt;
        out += c;
    }
    return out;
}
// 0 … most, or nothing.
[[nodiscard]] inline std::optional<int> small_number(std::string_view text, int most)
{
    int value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9' || value > most) return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return text.empty() || value > most ? std::nullopt : std::optional{value};
}

[[nodiscard]] inline bool read_parameter(std::string_view one, bool by_socket, redis_target& out)
{
    const auto equals = one.find('=');
    const auto name = one.substr(0, equals);
    const auto value = percent_decoded(equals == one.npos ? std::string_view{} : one.substr(equals + 1));
    if (!value) return false;
    if (name == "prefix") {
        out.address.prefix = *value;
        return !value->empty() && value->size() <= 200;
    }
    const bool db = name == "db" && by_socket;
    if (!db && name != "replicas") return false;
    const auto number = small_number(*value, db ? 1'000'000 : 1000);
    if (number) (db ? out.address.database : out.replicas) = *number;
    return number.has_value();
}

// USER:PASSWORD@HOST:PORT
[[nodiscard]] inline bool read_authority(std::string_view text, redis_address& out)
{
    if (const auto at = text.rfind('@'); at != text.npos) {
        const auto who = text.substr(0, at);
        const auto colon = who.find(':');
        if (colon == who.npos) return false;
        const auto user = percent_decoded(who.substr(0, colon));
        const auto password = percent_decoded(who.substr(colon + 1));
        if (!user || !password) return false;
        out.user = *user;
        out.password = *password;
        text.remove_prefix(at + 1);
    }
    std::string_view port;
    if (!text.empty() && text.front() == '[') {
        const auto end = text.find(']');
        if (end == text.npos) return false;
        out.host = text.substr(1, end - 1);
        port = text.substr(end + 1);
    } else {
        out.host = text.substr(0, text.find(':'));
        port = text.substr(out.host.size());
    }
    if (out.host.empty()) return false;
    if (port.empty()) return true;
    const auto number = port.front() == ':' ? small_number(port.substr(1), 65'535) : std::nullopt;
    out.port = number.value_or(0);
    return out.port > 0;
}

}  // namespace detail::redis

// errc::invalid_argument says what is allowed and never repeats the URL, for it may hold a password. unsupported:
// rediss://, as there is no TLS here.
[[nodiscard]] inline result<redis_target> parse_redis_url(std::string_view url)
{
    const auto bad = [] {
        return fail(errc::invalid_argument, "store",
                    "must be redis://[USER:PASSWORD@]HOST[:PORT][/DB][?prefix=P&replicas=N] or "
                    "redis+unix:///PATH[?db=N&prefix=P&replicas=N]");
    };
    if (url.substr(0, 9) == "rediss://")
        return fail(errc::unsupported, "store rediss:", "TLS is not supported; use redis:// by way of a tunnel");
    const bool by_socket = url.substr(0, 14) == "redis+unix:///";
    if (!by_socket && url.substr(0, 8) != "redis://") return bad();
    redis_target out;
    url.remove_prefix(by_socket ? 13 : 8);
    const auto question = url.find('?');
    std::string_view parameters = question == url.npos ? std::string_view{} : url.substr(question + 1);
    std::string_view place = url.substr(0, question);
    if (by_socket) {
        const auto path = detail::redis::percent_decoded(place);
        if (!path || path->size() < 2) return bad();
        out.address.unix_path = *path;
    } else {
        const auto slash = place.find('/');
        const auto db = slash == place.npos ? std::string_view{} : place.substr(slash + 1);
        const auto number = detail::redis::small_number(db.empty() ? "0" : db, 1'000'000);
        if (!number || !detail::redis::read_authority(place.substr(0, slash), out.address)) return bad();
        out.address.database = *number;
    }
    while (!parameters.empty()) {
        const auto end = std::min(parameters.find('&'), parameters.size());
        if (!detail::redis::read_parameter(parameters.substr(0, end), by_socket, out)) return bad();
        parameters.remove_prefix(std::min(end + 1, parameters.size()));
    }
    return out;
}

}  // namespace queuectl::inline v0

#endif
