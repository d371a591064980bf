// What a user asks for, and how it becomes a stored job.
#ifndef QUEUECTL_NEW_JOB_HPP
#define QUEUECTL_NEW_JOB_HPP

#include <queuectl/job.hpp>
#include <queuectl/limits.hpp>
#include <queuectl/options.hpp>
#include <queuectl/result.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace queuectl::inline v0 {

// Unset members take the queue's defaults. Limits: limits.hpp.
struct new_job {
    std::string payload{};
    std::string kind{};
    std::string queue{};  // empty = queue_options::default_queue
    std::string id{};     // empty = generated
    int priority = 0;     // −128 … 127, higher first
    duration delay{};     // from now; not together with run_at
    std::optional<timestamp> run_at{};
    std::optional<duration> timeout{};  // of a run; 0 = none
    std::optional<std::int32_t> max_retries{};
    std::optional<double> backoff_base{};  // wait base^attempt seconds; 0 = the queue's Backoff
    std::optional<duration> retention{};   // keep the completed record; 0 = remove it at once
    std::string tag{};
    std::string cwd{};  // process_executor
    std::string env{};  // process_executor: NAME=VALUE, each ended by NUL
    // Not yet supported: refused when set.
    std::string key{};
    std::string unique_key{};
    std::string batch{};
    std::vector<std::string> depends_on{};
};

namespace detail {

inline failure_value bad_field(const char* field, std::string allowed)
{
    return fail(errc::invalid_argument, field, std::move(allowed));
}

inline result<void> check_names(const new_job& j)
{
    const auto name_rule = [](std::size_t n) {
        return "must be 1 to " + std::to_string(n) + " of A-Z a-z 0-9 . _ : - and begin with a letter or digit";
    };
    if (!j.id.empty() && !limits::is_name(j.id, limits::id_bytes)) return bad_field("id", name_rule(limits::id_bytes));
    const std::pair<const char*, const std::string*> names[] = {
        {"queue", &j.queue}, {"kind", &j.kind}, {"tag", &j.tag}};
    for (const auto& [field, value] : names)
        if (!value->empty() && !limits::is_name(*value, limits::name_bytes))
            return bad_field(field, name_rule(limits::name_bytes));
    return {};
}

inline result<void> check_numbers(const new_job& j)
{
    if (j.priority < limits::priority_min || j.priority > limits::priority_max)
        return bad_field("priority", "must be from -128 to 127");
    if (j.delay < duration{} || j.delay > duration_max) return bad_field("delay", "must not be negative or absurd");
    if (j.run_at && j.delay != duration{}) return bad_field("run_at", "cannot be given together with delay");
    if (j.run_at && (*j.run_at < timestamp{} || *j.run_at > timestamp_max))
        return bad_field("run_at", "must be a time after 1970");
    if (j.timeout && (*j.timeout < duration{} || *j.timeout > duration_max))
        return bad_field("timeout", "must not be negative or absurd; 0 is no limit");
    if (j.retention && (*j.retention < duration{} || *j.retention > duration_max))
        return bad_field("retention", "must not be negative or absurd");
    if (j.max_retries && (*j.max_retries < 0 || *j.max_retries > limits::retries_max))
        return bad_field("max_retries", "must be from 0 to 1000000");
    if (j.backoff_base && !(*j.backoff_base >= 0 && *j.backoff_base <= limits::backoff_base_max))
        return bad_field("backoff_base", "must be from 0 to 1000000 seconds");
    return {};
}

inline result<void> check_sizes(const new_job& j)
{
    if (j.payload.size() > limits::payload_bytes) return bad_field("payload", "must be at most 16 MiB");
    if (j.cwd.size() + j.env.size() > limits::environment_bytes)
        return bad_field("env", "must be at most 1 MiB together with cwd");
    if (j.cwd.find('\0') != std::string::npos) return bad_field("cwd", "must not contain NUL");
    return {};
}

inline result<void> check_unsupported(const new_job& j)
{
    const std::pair<const char*, bool> later[] = {{"unique_key", !j.unique_key.empty()},
                                                  {"key", !j.key.empty()},
                                                  {"batch", !j.batch.empty()},
                                                  {"depends_on", !j.depends_on.empty()}};
    for (const auto& [field, set] : later)
        if (set) return fail(errc::unsupported, field, "is not supported by this version");
    return {};
}

}  // namespace detail

// Whether the job may be enqueued; else errc::invalid_argument (or unsupported) with the field as the
// operation and what is allowed as the detail.
[[nodiscard]] inline result<void> validate(const new_job& j)
{
    using check = result<void> (*)(const new_job&);
    for (const check c : {check{detail::check_names}, check{detail::check_numbers}, check{detail::check_sizes},
                          check{detail::check_unsupported}})
        if (auto checked = c(j); !checked) return checked;
    return {};
}

// The stored job of a valid request: defaults resolved. The id may still be empty; the nonce is none.
[[nodiscard]] inline job resolve(new_job&& j, const queue_options& defaults, duration default_retention, timestamp now)
{
    job out;
    out.id = std::move(j.id);
    out.queue = j.queue.empty() ? defaults.default_queue : std::move(j.queue);
    out.kind = std::move(j.kind);
    out.payload = std::move(j.payload);
    out.run_at = j.run_at ? *j.run_at : add(now, j.delay);
    out.timeout = j.timeout.value_or(defaults.timeout);
    out.retention = j.retention ? *j.retention : defaults.retention.value_or(default_retention);
    out.backoff_base = j.backoff_base.value_or(defaults.backoff_base);
    out.max_retries = j.max_retries.value_or(defaults.max_retries);
    out.priority = static_cast<std::int8_t>(j.priority);
    out.tag = std::move(j.tag);
    out.cwd = std::move(j.cwd);
    out.env = std::move(j.env);
    return out;
}

}  // namespace queuectl::inline v0

#endif
