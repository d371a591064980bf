#include "request.hpp"

#include "request_fields.hpp"

#include <algorithm>

namespace queuectl::command {

namespace {

// What the record of a job shows, and only the queue writes.
constexpr std::string_view kept_by_the_queue[] = {
    "state",     "attempts", "crashes",   "created_at", "updated_at",      "next_retry_at", "error_message",
    "exit_code", "signal",   "locked_by", "locked_at",  "lease_until",     "result",        "progress",
    "sequence",  "hold",     "worker_id", "error",      "cancel_requested"};

failure_value refuse(std::string_view field, std::string why)
{
    return fail(errc::invalid_argument, std::string{field}, std::move(why));
}

failure_value refuse_unknown(std::string_view name)
{
    std::string known;
    for (const auto& f : request_fields()) known.append(" ").append(f.name);
    std::string field{"unknown field "};
    field.append(name.substr(0, 100));
    return refuse(field, "must be one of" + known);
}

const request_field* find_field(std::string_view name)
{
    for (const auto& f : request_fields())
        if (name == f.name) return &f;
    return nullptr;
}

// A backoff base so small that every power of it is no time at all. The record's 0 means something else: the
// worker's own backoff.
constexpr double no_backoff = 1e-9;
double stored_base(double base) { return base == 0 ? no_backoff : base; }

// The fields that say what runs: exactly one of them.
result<void> check_one_command(const request& r)
{
    const int count = int{r.command.has_value()} + int{r.argv.has_value()} + int{r.payload.has_value()};
    if (count == 1) return {};
    return refuse("command", count == 0 ? "must be given (or argv)" : "cannot be given together with argv or payload");
}

result<void> put_payload(request& r)
{
    const char* kind = r.command ? shell_kind : argv_kind;
    if (r.payload) {
        if (r.job.kind.empty() || r.job.kind == shell_kind || r.job.kind == argv_kind)
            return refuse("kind", "must be given with payload, and be neither shell nor argv");
        r.job.payload = std::move(*r.payload);
        return {};
    }
    if (!r.job.kind.empty() && r.job.kind != kind)
        return refuse("kind", std::string{"must be "} + kind + " here; other kinds have a payload");
    r.job.kind = kind;
    if (r.command)
        r.job.payload = std::move(*r.command);
    else
        for (const auto& word : *r.argv) r.job.payload.append(word).append(1, '\0');
    return {};
}

}  // namespace

bool request::has(std::string_view field) const { return std::find(given.begin(), given.end(), field) != given.end(); }

request_place request_place::here(const settings& s)
{
    request_place place;
    place.options.max_retries = s.max_retries;
    place.options.timeout = s.timeout;
    place.options.backoff_base = stored_base(s.backoff_base);
    place.options.retention = s.keep_completed;
    place.folder = working_folder();
    place.variables = environment::capture(s.env_allow);
    return place;
}

result<void> read_field(request& r, std::string_view name, const json_value& value)
{
    const auto* known = std::find(std::begin(kept_by_the_queue), std::end(kept_by_the_queue), name);
    if (known != std::end(kept_by_the_queue)) return refuse(name, "is kept by the queue and cannot be given");
    const auto* f = find_field(name);
    if (f == nullptr) return refuse_unknown(name);
    if (auto read = f->read(r, f->name, value); !read) return read;
    if (!r.has(name)) r.given.emplace_back(name);
    return {};
}

result<void> read_flag(request& r, std::string_view name, const std::string& text)
{
    json_value value;
    value.kind = json_kind::string;
    value.text = text;
    const auto* f = find_field(name);
    if (f != nullptr && f->numeric)
        if (auto number = parse_json(text)) value = std::move(*number);
    return read_field(r, name, value);
}

result<request> read_request(const json_value& object)
{
    if (object.kind != json_kind::object)
        return refuse("json", "must be an object, not " + std::string{name(object.kind)});
    request r;
    for (const auto& [name, value] : object.members)
        if (auto read = read_field(r, name, value); !read) return fail(read.error());
    return r;
}

result<request> read_request(std::string_view json)
{
    auto parsed = parse_json(json);
    if (!parsed) return fail(parsed.error());
    return read_request(*parsed);
}

void add_defaults(request& r, const request& defaults)
{
    const auto take = [&](std::string_view field, auto new_job::*member) {
        if (defaults.has(field) && !r.has(field)) r.job.*member = defaults.job.*member;
    };
    take("id", &new_job::id);
    take("queue", &new_job::queue);
    take("kind", &new_job::kind);
    take("priority", &new_job::priority);
    if (!r.has("delay")) take("run_at", &new_job::run_at);
    if (!r.has("run_at")) take("delay", &new_job::delay);
    take("timeout", &new_job::timeout);
    if (!r.has("max_attempts")) take("max_retries", &new_job::max_retries);
    if (!r.has("max_retries") && !r.max_attempts) r.max_attempts = defaults.max_attempts;
    take("backoff_base", &new_job::backoff_base);
    take("keep_completed", &new_job::retention);
    if (!r.has("tags")) take("tag", &new_job::tag);
    take("cwd", &new_job::cwd);
    take("unique_key", &new_job::unique_key);
    r.env.insert(r.env.begin(), defaults.env.begin(), defaults.env.end());
}

result<void> complete(request& r)
{
    if (auto one = check_one_command(r); !one) return one;
    if (auto put = put_payload(r); !put) return put;
    if (r.max_attempts) {
        if (r.job.max_retries) return refuse("max_attempts", "cannot be given together with max_retries");
        r.job.max_retries = static_cast<std::int32_t>(*r.max_attempts - 1);
    }
    if (r.has("run_at") && r.has("delay")) return refuse("run_at", "cannot be given together with delay");
    if (r.has("tag") && r.has("tags")) return refuse("tags", "cannot be given together with tag");
    if (r.job.backoff_base) r.job.backoff_base = stored_base(*r.job.backoff_base);
    return validate(r.job);
}

result<new_job> job_of(request&& r, const request_place& place)
{
    new_job job = std::move(r.job);
    if (job.kind == shell_kind || job.kind == argv_kind) {
        if (job.cwd.empty())
            job.cwd = place.folder;
        else if (job.cwd.front() != '/')
            job.cwd = place.folder + "/" + job.cwd;
        if (r.env.empty()) {
            job.env = place.variables.text();
        } else {
            environment variables = place.variables;
            for (const auto& one : r.env)
                if (auto applied = variables.apply(one); !applied) return fail(applied.error());
            job.env = variables.text();
        }
    }
    return job;
}

}  // namespace queuectl::command
