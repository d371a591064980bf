#include "request_fields.hpp"

#include "text.hpp"

#include <queuectl/limits.hpp>

namespace queuectl::command {

namespace {

failure_value refuse(const char* field, std::string why) { return fail(errc::invalid_argument, field, std::move(why)); }
failure_value wrong_kind(const char* field, const char* wanted, const json_value& v)
{
    return refuse(field, std::string{"must be "} + wanted + ", not " + std::string{name(v.kind)});
}

result<const std::string*> text_of(const char* field, const json_value& v)
{
    if (v.kind != json_kind::string) return wrong_kind(field, "a string", v);
    if (v.text.empty()) return refuse(field, "must not be empty");
    return &v.text;
}

template <std::string new_job::*Member>
result<void> read_text(request& r, const char* field, const json_value& v)
{
    auto text = text_of(field, v);
    if (!text) return fail(text.error());
    r.job.*Member = **text;
    return {};
}

result<std::int64_t> integer_of(const char* field, const json_value& v, std::int64_t least, std::int64_t most)
{
    if (v.kind != json_kind::integer || v.integer < least || v.integer > most)
        return refuse(field, "must be an integer from " + std::to_string(least) + " to " + std::to_string(most));
    return v.integer;
}

result<duration> read_span(const char* field, const json_value& v)
{
    if (v.kind == json_kind::string) return parse_duration(field, v.text);
    if (v.kind == json_kind::integer || v.kind == json_kind::number) return duration_of(field, v.number);
    return wrong_kind(field, "a duration such as \"5m\", or seconds", v);
}

template <std::optional<duration> new_job::*Member>
result<void> read_duration(request& r, const char* field, const json_value& v)
{
    auto value = read_span(field, v);
    if (!value) return fail(value.error());
    r.job.*Member = *value;
    return {};
}

result<void> read_delay(request& r, const char* field, const json_value& v)
{
    auto value = read_span(field, v);
    if (!value) return fail(value.error());
    r.job.delay = *value;
    return {};
}

result<void> read_run_at(request& r, const char* field, const json_value& v)
{
    const bool number = v.kind == json_kind::integer || v.kind == json_kind::number;
    if (!number && v.kind != json_kind::string) return wrong_kind(field, "a time", v);
    auto value = number ? time_of(field, v.number) : parse_time(field, v.text);
    if (!value) return fail(value.error());
    r.job.run_at = *value;
    return {};
}

result<void> read_priority(request& r, const char* field, const json_value& v)
{
    auto value = integer_of(field, v, limits::priority_min, limits::priority_max);
    if (!value) return fail(value.error());
    r.job.priority = static_cast<int>(*value);
    return {};
}

result<void> read_retries(request& r, const char* field, const json_value& v)
{
    auto value = integer_of(field, v, 0, limits::retries_max);
    if (!value) return fail(value.error());
    r.job.max_retries = static_cast<std::int32_t>(*value);
    return {};
}

result<void> read_attempts(request& r, const char* field, const json_value& v)
{
    auto value = integer_of(field, v, 1, limits::retries_max + 1);
    if (!value) return fail(value.error());
    r.max_attempts = *value;
    return {};
}

result<void> read_backoff(request& r, const char* field, const json_value& v)
{
    const bool number = v.kind == json_kind::integer || v.kind == json_kind::number;
    if (!number || !(v.number >= 0 && v.number <= limits::backoff_base_max))
        return refuse(field, "must be a number from 0 to 1000000");
    r.job.backoff_base = v.number;
    return {};
}

result<void> read_command(request& r, const char* field, const json_value& v)
{
    if (v.kind != json_kind::string) return wrong_kind(field, "a string", v);
    if (v.text.find_first_not_of(" \t\r\n") == std::string::npos) return refuse(field, "must not be empty");
    if (v.text.find('\0') != std::string::npos) return refuse(field, "must not contain NUL");
    r.command = v.text;
    return {};
}

result<std::vector<std::string>> texts_of(const char* field, const json_value& v)
{
    if (v.kind != json_kind::array) return wrong_kind(field, "an array of strings", v);
    std::vector<std::string> out;
    for (const auto& item : v.items) {
        if (item.kind != json_kind::string) return refuse(field, "must be an array of strings");
        out.push_back(item.text);
    }
    return out;
}

result<void> read_argv(request& r, const char* field, const json_value& v)
{
    auto words = texts_of(field, v);
    if (!words) return fail(words.error());
    if (words->empty() || words->front().empty()) return refuse(field, "must begin with a program");
    for (const auto& word : *words)
        if (word.find('\0') != std::string::npos) return refuse(field, "must not contain NUL");
    r.argv = std::move(*words);
    return {};
}

result<void> read_payload(request& r, const char* field, const json_value& v)
{
    if (v.kind != json_kind::string) return wrong_kind(field, "a string", v);
    r.payload = v.text;
    return {};
}

result<void> read_tags(request& r, const char* field, const json_value& v)
{
    auto tags = texts_of(field, v);
    if (!tags) return fail(tags.error());
    if (tags->size() > 1) return refuse(field, "must be at most one tag in this version");
    if (!tags->empty() && tags->front().empty()) return refuse(field, "must not be empty");
    if (!tags->empty()) r.job.tag = std::move(tags->front());
    return {};
}

result<void> read_dependencies(request& r, const char* field, const json_value& v)
{
    auto ids = texts_of(field, v);
    if (!ids) return fail(ids.error());
    r.job.depends_on = std::move(*ids);
    return {};
}

result<void> add_variable(request& r, std::string assignment)
{
    environment scratch;
    if (auto applied = scratch.apply(assignment); !applied) return applied;
    r.env.push_back(std::move(assignment));
    return {};
}

// An object of names and values, or an array of NAME or NAME=VALUE.
result<void> read_env(request& r, const char* field, const json_value& v)
{
    if (v.kind == json_kind::string) return add_variable(r, v.text);
    if (v.kind == json_kind::array) {
        auto assignments = texts_of(field, v);
        if (!assignments) return fail(assignments.error());
        for (auto& one : *assignments)
            if (auto added = add_variable(r, std::move(one)); !added) return added;
        return {};
    }
    if (v.kind != json_kind::object) return wrong_kind(field, "an object of strings", v);
    for (const auto& [variable, value] : v.members) {
        if (value.kind != json_kind::string) return refuse(field, "must be an object of strings");
        if (!is_variable_name(variable)) return refuse(field, "has a name that is not letters, digits and _");
        if (auto added = add_variable(r, variable + "=" + value.text); !added) return added;
    }
    return {};
}

constexpr request_field known_fields[] = {
    {"id", false, read_text<&new_job::id>},
    {"command", false, read_command},
    {"argv", false, read_argv},
    {"kind", false, read_text<&new_job::kind>},
    {"payload", false, read_payload},
    {"queue", false, read_text<&new_job::queue>},
    {"priority", true, read_priority},
    {"run_at", false, read_run_at},
    {"delay", false, read_delay},
    {"timeout", false, read_duration<&new_job::timeout>},
    {"max_retries", true, read_retries},
    {"max_attempts", true, read_attempts},
    {"backoff_base", true, read_backoff},
    {"keep_completed", false, read_duration<&new_job::retention>},
    {"tag", false, read_text<&new_job::tag>},
    {"tags", false, read_tags},
    {"env", false, read_env},
    {"cwd", false, read_text<&new_job::cwd>},
    {"unique_key", false, read_text<&new_job::unique_key>},
    {"key", false, read_text<&new_job::key>},
    {"batch", false, read_text<&new_job::batch>},
    {"depends_on", false, read_dependencies},
};

}  // namespace

std::span<const request_field> request_fields() { return known_fields; }

}  // namespace queuectl::command
