#include "settings.hpp"

#include "environment.hpp"
#include "text.hpp"

#include <queuectl/limits.hpp>

namespace queuectl::command {

namespace {

constexpr std::string_view prefix = "config/";

template <std::int32_t settings::*Member, std::int32_t Least, std::int32_t Most>
result<void> read_integer(settings& s, std::string_view field, std::string_view text)
{
    auto value = parse_integer(field, text, Least, Most);
    if (!value) return fail(value.error());
    s.*Member = static_cast<std::int32_t>(*value);
    return {};
}
template <std::int32_t settings::*Member>
std::string write_integer(const settings& s)
{
    return std::to_string(s.*Member);
}

// `LeastMs`: the least allowed, in milliseconds.
template <duration settings::*Member, std::int64_t LeastMs>
result<void> read_duration(settings& s, std::string_view field, std::string_view text)
{
    auto value = parse_duration(field, text);
    if (!value) return fail(value.error());
    if (*value < std::chrono::milliseconds{LeastMs})
        return fail(errc::invalid_argument, std::string{field},
                    "must be at least " + short_duration(std::chrono::milliseconds{LeastMs}));
    s.*Member = *value;
    return {};
}
template <duration settings::*Member>
std::string write_duration(const settings& s)
{
    return short_duration(s.*Member);
}

template <bool settings::*Member>
result<void> read_switch(settings& s, std::string_view field, std::string_view text)
{
    auto value = parse_switch(field, text);
    if (!value) return fail(value.error());
    s.*Member = *value;
    return {};
}
template <bool settings::*Member>
std::string write_switch(const settings& s)
{
    return s.*Member ? "on" : "off";
}

constexpr std::int64_t output_max = 16 << 20;
template <std::size_t settings::*Member>
result<void> read_bytes(settings& s, std::string_view field, std::string_view text)
{
    auto value = parse_integer(field, text, 0, output_max);
    if (!value) return fail(value.error());
    s.*Member = static_cast<std::size_t>(*value);
    return {};
}
template <std::size_t settings::*Member>
std::string write_bytes(const settings& s)
{
    return std::to_string(s.*Member);
}

result<void> read_backoff(settings& s, std::string_view field, std::string_view text)
{
    auto value = parse_number(field, text, 0, limits::backoff_base_max);
    if (!value) return fail(value.error());
    s.backoff_base = *value;
    return {};
}
std::string write_backoff(const settings& s) { return number_text(s.backoff_base); }

result<void> read_names(settings& s, std::string_view field, std::string_view text)
{
    s.env_allow.clear();
    while (!text.empty()) {
        const std::size_t end = text.find_first_of(", ");
        const std::string_view name = text.substr(0, end);
        if (!name.empty() && !is_variable_name(name))
            return fail(errc::invalid_argument, std::string{field},
                        "must be names of environment variables, separated by commas");
        if (!name.empty()) s.env_allow.emplace_back(name);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return {};
}
std::string write_names(const settings& s)
{
    std::string text;
    for (const auto& name : s.env_allow) text += (text.empty() ? "" : ",") + name;
    return text;
}

using S = settings;
constexpr setting known_settings[] = {
    {"max-retries", "0 to 1000000", "Retries after the first run, for later jobs",
     read_integer<&S::max_retries, 0, limits::retries_max>, write_integer<&S::max_retries>},
    {"backoff-base", "0 to 1000000", "The n-th retry waits base^n seconds, for later jobs", read_backoff,
     write_backoff},
    {"timeout", "a duration; 0 = none", "Limit of one run, for later jobs", read_duration<&S::timeout, 0>,
     write_duration<&S::timeout>},
    {"keep-completed", "a duration; 0 = not at all", "How long completed jobs are kept, for later jobs",
     read_duration<&S::keep_completed, 0>, write_duration<&S::keep_completed>},
    {"env-allow", "names, separated by commas", "Environment variables recorded at enqueue besides the usual ones",
     read_names, write_names},
    {"lease", "a duration, at least 1s", "How long a worker that went silent keeps its jobs",
     read_duration<&S::lease, 1000>, write_duration<&S::lease>},
    {"grace", "a duration", "Between TERM and KILL when a run is stopped", read_duration<&S::grace, 0>,
     write_duration<&S::grace>},
    {"max-crashes", "1 to 1000", "A job that was cut off this often is dead-lettered",
     read_integer<&S::max_crashes, 1, 1000>, write_integer<&S::max_crashes>},
    {"jitter", "on or off", "Retries wait a random part of their delay", read_switch<&S::jitter>,
     write_switch<&S::jitter>},
    {"sync-claims", "on or off", "Each start is on the disk before the command runs", read_switch<&S::sync_claims>,
     write_switch<&S::sync_claims>},
    {"output-head", "bytes, 0 to 16777216", "How much of the beginning of a run's output is kept",
     read_bytes<&S::output_head>, write_bytes<&S::output_head>},
    {"output-tail", "bytes, 0 to 16777216", "How much of its end", read_bytes<&S::output_tail>,
     write_bytes<&S::output_tail>},
};

// With hyphens, as the settings have it.
std::string normal(std::string_view name)
{
    std::string text{name};
    for (char& c : text)
        if (c == '_') c = '-';
    return text;
}

}  // namespace

std::span<const setting> all_settings() { return known_settings; }

result<const setting*> find_setting(std::string_view name)
{
    const std::string wanted = normal(name);
    std::string names;
    for (const auto& s : known_settings) {
        if (wanted == s.name) return &s;
        names += (names.empty() ? "" : ", ") + std::string{s.name};
    }
    return fail(errc::invalid_argument, "unknown setting '" + std::string{name.substr(0, 100)} + "'",
                "must be one of " + names);
}

std::string storage_key(const setting& s) { return std::string{prefix} + s.name; }

result<std::string> canonical(const setting& s, std::string_view text)
{
    settings scratch;
    if (auto read = s.read(scratch, s.name, text); !read) return fail(read.error());
    return s.write(scratch);
}

result<settings> load_settings(any_storage& store, const instant& now)
{
    settings out;
    std::vector<config_entry> stored;
    if (auto listed = store.config_list(prefix, stored, now); !listed) return fail(listed.error());
    for (const auto& entry : stored)
        for (const auto& s : known_settings)
            if (entry.key == storage_key(s))
                if (auto read = s.read(out, s.name, entry.value); !read)
                    return fail(errc::corrupt, "setting " + read.error().operation, read.error().detail);
    return out;
}

}  // namespace queuectl::command
