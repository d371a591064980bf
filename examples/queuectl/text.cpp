#include "text.hpp"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace queuectl::command {

namespace {

failure_value misread(std::string_view field, std::string allowed)
{
    return fail(errc::invalid_argument, std::string{field}, std::move(allowed));
}

constexpr char duration_rule[] =
    "must be a duration such as 500ms, 2s, 5m, 1h or 7d, or seconds; not negative or absurd";
constexpr char time_rule[] =
    "must be a time after 1970 with its zone, such as 2030-01-31T12:00:00Z or 2030-01-31T12:00:00+02:00, "
    "or seconds since 1970";

struct unit {
    std::string_view name;
    double us;
};
constexpr unit units[] = {{"us", 1}, {"ms", 1e3}, {"s", 1e6}, {"m", 60e6}, {"h", 3600e6}, {"d", 86400e6}};

// Digits with an optional fraction; the bytes read, 0 when there is none.
std::size_t read_decimal(std::string_view text, double& value)
{
    if (text.empty() || text.front() < '0' || text.front() > '9') return 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    return code == std::errc{} ? static_cast<std::size_t>(end - text.data()) : 0;
}

// Exactly `digits` decimal digits from the front of the text.
bool take_digits(std::string_view& text, std::size_t digits, int& value)
{
    if (text.size() < digits) return false;
    value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
        if (text[i] < '0' || text[i] > '9') return false;
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(digits);
    return true;
}

bool take(std::string_view& text, char c)
{
    if (text.empty() || text.front() != c) return false;
    text.remove_prefix(1);
    return true;
}

// ".123456789": to microseconds, cut.
bool take_fraction(std::string_view& text, int& us)
{
    us = 0;
    if (!take(text, '.') && !take(text, ',')) return true;
    int digits = 0;
    for (; !text.empty() && text.front() >= '0' && text.front() <= '9'; text.remove_prefix(1), ++digits)
        if (digits < 6) us = us * 10 + (text.front() - '0');
    for (int i = digits; i < 6; ++i) us *= 10;
    return digits > 0;
}

// "Z", "+02:00", "-0330", "+02"
bool take_zone(std::string_view& text, int& minutes)
{
    minutes = 0;
    if (take(text, 'Z') || take(text, 'z')) return true;
    const bool west = !text.empty() && text.front() == '-';
    if (!take(text, '+') && !take(text, '-')) return false;
    int h = 0;
    int m = 0;
    if (!take_digits(text, 2, h)) return false;
    if (take(text, ':') || !text.empty())
        if (!take_digits(text, 2, m)) return false;
    if (h > 23 || m > 59) return false;
    minutes = (west ? -1 : 1) * (h * 60 + m);
    return true;
}

bool parse_iso(std::string_view text, timestamp& out)
{
    int year = 0, month = 0, day = 0, h = 0, m = 0, s = 0, us = 0, zone = 0;
    if (!take_digits(text, 4, year) || !take(text, '-') || !take_digits(text, 2, month) || !take(text, '-') ||
        !take_digits(text, 2, day))
        return false;
    if (!take(text, 'T') && !take(text, 't') && !take(text, ' ')) return false;
    if (!take_digits(text, 2, h) || !take(text, ':') || !take_digits(text, 2, m)) return false;
    if (take(text, ':') && (!take_digits(text, 2, s) || !take_fraction(text, us))) return false;
    if (!take_zone(text, zone) || !text.empty() || h > 23 || m > 59 || s > 60) return false;
    const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    if (!date.ok()) return false;
    out = std::chrono::sys_days{date} + std::chrono::hours{h} + std::chrono::minutes{m - zone} +
          std::chrono::seconds{s} + duration{us};
    return out >= timestamp{};
}

}  // namespace

result<std::int64_t> parse_integer(std::string_view field, std::string_view text, std::int64_t least, std::int64_t most)
{
    std::int64_t value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc{} || end != text.data() + text.size() || value < least || value > most)
        return misread(field, "must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
    return value;
}

result<double> parse_number(std::string_view field, std::string_view text, double least, double most)
{
    double value = 0;
    const std::size_t read = read_decimal(text, value);
    if (read == 0 || read != text.size() || !(value >= least && value <= most))
        return misread(field, "must be a number from " + number_text(least) + " to " + number_text(most));
    return value;
}

result<bool> parse_switch(std::string_view field, std::string_view text)
{
    for (const std::string_view yes : {"on", "true", "yes", "1"})
        if (text == yes) return true;
    for (const std::string_view no : {"off", "false", "no", "0"})
        if (text == no) return false;
    return misread(field, "must be on or off");
}

result<duration> duration_of(std::string_view field, double seconds)
{
    const double us = seconds * 1e6;
    if (!(us >= 0 && us <= static_cast<double>(time_max_us))) return misread(field, duration_rule);
    return duration{std::llround(us)};
}

std::optional<uid> parse_uid(std::string_view text)
{
    uid u;
    const char* const middle = text.data() + uid_digits / 2;
    const char* const end = text.data() + uid_digits;
    if (text.size() != uid_digits || std::from_chars(text.data(), middle, u.high, 16).ptr != middle ||
        std::from_chars(middle, end, u.low, 16).ptr != end)
        return std::nullopt;
    return u;
}

result<duration> parse_duration(std::string_view field, std::string_view text)
{
    double value = 0;
    const std::size_t read = read_decimal(text, value);
    if (read == 0) return misread(field, duration_rule);
    const std::string_view suffix = text.substr(read);
    if (suffix.empty()) return duration_of(field, value);
    for (const auto& u : units)
        if (suffix == u.name) return duration_of(field, value * u.us / 1e6);
    return misread(field, duration_rule);
}

result<timestamp> time_of(std::string_view field, double epoch_seconds)
{
    const double us = epoch_seconds * 1e6;
    if (!(us >= 0 && us <= static_cast<double>(time_max_us))) return misread(field, time_rule);
    return timestamp{duration{std::llround(us)}};
}

result<timestamp> parse_time(std::string_view field, std::string_view text)
{
    double seconds = 0;
    if (const std::size_t read = read_decimal(text, seconds); read != 0 && read == text.size())
        return time_of(field, seconds);
    timestamp t{};
    if (!parse_iso(text, t)) return misread(field, time_rule);
    return t;
}

std::string iso_time(timestamp t)
{
    const auto day = std::chrono::floor<std::chrono::days>(t);
    const std::chrono::year_month_day date{day};
    const std::int64_t us = (t - day).count();
    char text[64];
    std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(us / 3'600'000'000), static_cast<int>(us / 60'000'000 % 60),
                  static_cast<int>(us / 1'000'000 % 60), static_cast<int>(us % 1'000'000));
    return text;
}

std::string short_duration(duration d)
{
    const std::int64_t us = d.count();
    const auto with = [](std::int64_t n, const char* name) { return std::to_string(n) + name; };
    if (us == 0) return "0s";
    if (us % 1000 != 0) return with(us, "us");
    if (us % 1'000'000 != 0) return with(us / 1000, "ms");
    const std::int64_t s = us / 1'000'000;
    if (s % 86400 == 0) return with(s / 86400, "d");
    if (s % 3600 == 0) return with(s / 3600, "h");
    if (s % 60 == 0) return with(s / 60, "m");
    return with(s, "s");
}

std::string relative_time(timestamp t, timestamp now)
{
    const std::int64_t s = (t > now ? t - now : now - t).count() / 1'000'000;
    if (s == 0) return "now";
    std::string span = s < 120      ? std::to_string(s) + "s"
                       : s < 7200   ? std::to_string(s / 60) + "m"
                       : s < 172800 ? std::to_string(s / 3600) + "h"
                                    : std::to_string(s / 86400) + "d";
    return t > now ? "in " + span : span + " ago";
}

std::string number_text(double value)
{
    char text[400];
    const bool plain = std::fabs(value) < 1e15;
    const auto [end, code] = plain ? std::to_chars(text, text + sizeof text, value, std::chars_format::fixed)
                                   : std::to_chars(text, text + sizeof text, value);
    return code == std::errc{} ? std::string(text, end) : std::string{"0"};
}

}  // namespace queuectl::command
