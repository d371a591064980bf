#include "job_view.hpp"

#include "request.hpp"
#include "text.hpp"

namespace queuectl::command {

namespace {

// A base too small to wait for is how "no wait" is stored.
double shown_base(double base) { return base < 1e-6 ? 0 : base; }

double seconds(duration d) { return static_cast<double>(d.count()) / 1e6; }

// As the shell wants it: bare where that is safe, else in single quotes.
void append_quoted(std::string& out, std::string_view word)
{
    constexpr std::string_view safe = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_@%+=:,./-";
    if (!word.empty() && word.find_first_not_of(safe) == std::string_view::npos) {
        out.append(word);
        return;
    }
    out += '\'';
    for (const char c : word) {
        if (c == '\'')
            out += "'\\''";
        else
            out += c;
    }
    out += '\'';
}

void write_hold(json_writer& json, std::uint32_t hold)
{
    constexpr std::pair<std::uint32_t, const char*> reasons[] = {{hold_dependency, "dependency"},
                                                                 {hold_key_order, "key_order"},
                                                                 {hold_key_limit, "key_limit"},
                                                                 {hold_unknown_kind, "unknown_kind"}};
    json.key("hold").begin_array();
    for (const auto& [bit, reason] : reasons)
        if ((hold & bit) != 0) json.value(reason);
    json.end_array();
}

void write_request(json_writer& json, const job& j)
{
    json.member("id", j.id).member("queue", j.queue).member("kind", j.kind);
    json.member("command", command_of(j));
    if (j.kind == argv_kind) {
        json.key("argv").begin_array();
        for (const auto& word : argv_of(j)) json.value(word);
        json.end_array();
    }
    json.member("priority", int{j.priority}).member("max_retries", j.max_retries);
    json.member("backoff_base", shown_base(j.backoff_base)).member("timeout", seconds(j.timeout));
    json.member("keep_completed", seconds(j.retention));
    if (!j.tag.empty()) json.key("tags").begin_array().value(j.tag).end_array();
    if (j.hold != hold_none) write_hold(json, j.hold);
}

void write_lease(json_writer& json, const job_record& r)
{
    json.member("locked_by", r.locked_by).member("locked_at", iso_time(r.locked_at));
    json.member("lease_until", iso_time(r.lease_until));
    if (r.cancel_requested) json.member("cancel_requested", true);
}

void write_environment(json_writer& json, const std::string& env)
{
    json.key("env").begin_object();
    for (std::size_t at = 0; at < env.size();) {
        const std::size_t end = env.find('\0', at);
        const std::string_view one = std::string_view{env}.substr(at, end - at);
        const std::size_t equals = one.find('=');
        if (equals != std::string_view::npos) json.member(one.substr(0, equals), one.substr(equals + 1));
        at = end == std::string::npos ? env.size() : end + 1;
    }
    json.end_object();
}

void write_run(json_writer& json, const attempt& run)
{
    json.begin_object().member("number", run.number).member("status", name(run.status));
    if (run.exit_code >= 0) json.member("exit_code", run.exit_code);
    if (run.signal != 0) json.member("signal", run.signal);
    json.member("started_at", iso_time(run.started_at)).member("ended_at", iso_time(run.ended_at));
    if (!run.error.empty()) json.member("error_message", run.error);
    json.member("worker", run.worker).member("output_bytes", run.output_bytes).end_object();
}

}  // namespace

std::vector<std::string> argv_of(const job& j)
{
    std::vector<std::string> words;
    for (std::size_t at = 0; at < j.payload.size();) {
        const std::size_t end = std::min(j.payload.find('\0', at), j.payload.size());
        words.push_back(j.payload.substr(at, end - at));
        at = end + 1;
    }
    return words;
}

std::string command_of(const job& j)
{
    if (j.kind != argv_kind) return j.payload;
    std::string out;
    for (const auto& word : argv_of(j)) {
        if (!out.empty()) out += ' ';
        append_quoted(out, word);
    }
    return out;
}

void write_job_members(json_writer& json, const job_record& r)
{
    write_request(json, r.job);
    json.member("state", queuectl::name(r.state)).member("attempts", r.attempts).member("crashes", r.crashes);
    json.member("created_at", iso_time(r.created_at)).member("updated_at", iso_time(r.updated_at));
    json.member("run_at", iso_time(r.job.run_at));
    if (r.state == state::failed) json.member("next_retry_at", iso_time(r.job.run_at));
    if (r.state == state::processing) write_lease(json, r);
    if (r.exit_code >= 0) json.member("exit_code", r.exit_code);
    if (r.signal != 0) json.member("signal", r.signal);
    if (!r.error.empty()) json.member("error_message", r.error);
    if (!r.result.empty()) json.member("result", r.result);
    if (!r.progress.empty()) json.member("progress", r.progress);
}

void write_job(json_writer& json, const job_record& r)
{
    json.begin_object();
    write_job_members(json, r);
    json.end_object();
}

void write_job_in_full(json_writer& json, const job_record& r, const std::vector<attempt>& runs)
{
    json.begin_object();
    write_job_members(json, r);
    if (!r.job.cwd.empty()) json.member("cwd", r.job.cwd);
    write_environment(json, r.job.env);
    json.key("runs").begin_array();
    for (const auto& run : runs) write_run(json, run);
    json.end_array().end_object();
}

std::string_view name(run_status status)
{
    constexpr std::string_view names[] = {"succeeded", "failed", "timed_out", "cancelled", "crashed"};
    return names[static_cast<std::size_t>(status)];
}

}  // namespace queuectl::command
