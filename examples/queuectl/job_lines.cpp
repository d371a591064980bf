#include "job_lines.hpp"

#include "base64.hpp"
#include "job_members.hpp"
#include "job_view.hpp"
#include "json.hpp"
#include "json_writer.hpp"
#include "terminal_text.hpp"
#include "text.hpp"

#include <algorithm>
#include <charconv>

namespace queuectl::command {
namespace {

// ── Writing ──

// UTF-8 that JSON's escapes do not make much longer than base64 would.
bool is_text(std::string_view bytes)
{
    std::size_t escaped = 0;
    const std::size_t escapes_max = 4096 + bytes.size() / 16;
    while (!bytes.empty()) {
        const auto c = static_cast<unsigned char>(bytes.front());
        const std::size_t length = c < 0x80 ? 1 : utf8_length(bytes);
        if (length == 0) return false;
        if (c < 0x20 || c == 0x7f) ++escaped;
        if (escaped > escapes_max) return false;
        bytes.remove_prefix(length);
    }
    return true;
}

class member_writer {
public:
    explicit member_writer(json_writer& json) : json_{json} {}

    void bytes(const char* name, const std::string& value, std::size_t)
    {
        if (value.empty()) return;
        if (is_text(value))
            json_.member(name, value);
        else
            json_.member(std::string{name} + "_base64", to_base64(value));
    }
    void word(const char* name, const std::string& value, std::size_t bytes_max, bool = false)
    {
        bytes(name, value, bytes_max);
    }
    void words(const char* name, const std::vector<std::string>& values, std::size_t, std::size_t)
    {
        if (values.empty()) return;
        json_.key(name).begin_array();
        for (const auto& value : values) json_.value(value);
        json_.end_array();
    }
    template <class T>
    void number(const char* name, T value, std::int64_t, std::int64_t)
    {
        json_.member(name, static_cast<std::int64_t>(value));
    }
    void real(const char* name, double value, double) { json_.member(name, value); }
    void time(const char* name, timestamp t) { json_.member(name, std::int64_t{t.time_since_epoch().count()}); }
    void span(const char* name, duration d) { json_.member(name, std::int64_t{d.count()}); }
    void id(const char* name, const uid& u)
    {
        if (u) json_.member(name, to_hex(u));
    }
    void token(const char* name, const lease_token& t)
    {
        if (t) json_.member(name, to_hex(t.nonce) + '/' + std::to_string(t.ordinal));
    }
    void name(const char* name, state s) { json_.member(name, queuectl::name(s)); }
    void name(const char* name, run_status s) { json_.member(name, command::name(s)); }

private:
    json_writer& json_;
};

// ── Reading ──

// Takes the members out of an object; the first that is wrong is kept. What is not there keeps its default.
class member_reader {
public:
    explicit member_reader(json_value& object) : object_{object}, taken_(object.members.size()) {}

    [[nodiscard]] result<void> done()
    {
        if (failure_) return fail(*failure_);
        const auto left = std::find(taken_.begin(), taken_.end(), false);
        if (left == taken_.end()) return {};
        const auto& name = object_.members[static_cast<std::size_t>(left - taken_.begin())].first;
        return fail(errc::invalid_argument, name, "is not known");
    }
    void refuse(const std::string& name, const std::string& rule)
    {
        if (!failure_) failure_ = error{errc::invalid_argument, name, rule, 0};
    }

    void bytes(const char* name, std::string& into, std::size_t bytes_max)
    {
        auto text = take(name, json_kind::string);
        const std::string encoded_name = std::string{name} + "_base64";
        auto encoded = take(encoded_name, json_kind::string);
        if (text && encoded) return refuse(encoded_name, "stands beside " + std::string{name});
        if (encoded) {
            auto decoded = from_base64(encoded->text);
            if (!decoded) return refuse(encoded_name, "must be base64");
            into = std::move(*decoded);
        } else if (text) {
            into = std::move(text->text);
        }
        if (into.size() > bytes_max) refuse(name, "must be at most " + std::to_string(bytes_max) + " bytes");
    }
    void word(const char* name, std::string& into, std::size_t bytes_max, bool optional = false)
    {
        bytes(name, into, bytes_max);
        if (into.empty() && optional) return;
        if (!limits::is_name(into, bytes_max))
            refuse(name, "must be 1 to " + std::to_string(bytes_max) + " of A-Z a-z 0-9 . _ : -");
    }
    void words(const char* name, std::vector<std::string>& into, std::size_t most, std::size_t bytes_max)
    {
        auto found = take(name, json_kind::array);
        if (!found) return;
        for (auto& item : found->items) {
            if (item.kind != json_kind::string || !limits::is_name(item.text, bytes_max))
                return refuse(name, "must be a list of ids");
            into.push_back(std::move(item.text));
        }
        if (into.size() > most) refuse(name, "has too many");
    }
    template <class T>
    void number(const char* name, T& into, std::int64_t least, std::int64_t most)
    {
        auto found = take(name, json_kind::integer);
        if (!found) return;
        if (found->integer < least || found->integer > most)
            return refuse(name, "must be from " + std::to_string(least) + " to " + std::to_string(most));
        into = static_cast<T>(found->integer);
    }
    void real(const char* name, double& into, double most)
    {
        auto found = take(name, json_kind::number);
        if (!found) return;
        if (!(found->number >= 0 && found->number <= most)) return refuse(name, "is out of range");
        into = found->number;
    }
    void time(const char* name, timestamp& into)
    {
        std::int64_t us = into.time_since_epoch().count();
        number(name, us, -time_max_us, time_max_us);
        into = timestamp{duration{us}};
    }
    void span(const char* name, duration& into)
    {
        std::int64_t us = into.count();
        number(name, us, 0, time_max_us);
        into = duration{us};
    }
    void id(const char* name, uid& into)
    {
        auto found = take(name, json_kind::string);
        const auto read = found ? parse_uid(found->text) : std::nullopt;
        if (read) into = *read;
        if (found && !read) refuse(name, "must be 32 hexadecimal digits");
    }
    void token(const char* name, lease_token& into)
    {
        auto found = take(name, json_kind::string);
        if (!found) return;
        const std::string_view text = found->text;
        const char* const end = text.data() + text.size();
        const auto nonce = parse_uid(text.substr(0, uid_digits));
        const bool whole = nonce && text.size() > uid_digits + 1 && text[uid_digits] == '/' &&
                           std::from_chars(text.data() + uid_digits + 1, end, into.ordinal).ptr == end;
        if (nonce) into.nonce = *nonce;
        if (!whole) refuse(name, "must be 32 hexadecimal digits, / and a number");
    }
    void name(const char* name, state& into)
    {
        auto found = take(name, json_kind::string);
        const auto read = found ? state_from(found->text) : std::nullopt;
        if (!read || *read == state::processing)
            return refuse(name, "must be pending, completed, failed, dead or cancelled");
        into = *read;
    }
    void name(const char* name, run_status& into)
    {
        auto found = take(name, json_kind::string);
        for (const auto s : {run_status::succeeded, run_status::failed, run_status::timed_out, run_status::cancelled,
                             run_status::crashed})
            if (found && command::name(s) == found->text) {
                into = s;
                return;
            }
        refuse(name, "must be succeeded, failed, timed_out, cancelled or crashed");
    }

    // A name occurs once. Members are mostly asked for in their order: the search goes on behind the last.
    std::optional<json_value> take(std::string_view name, json_kind kind)
    {
        auto& all = object_.members;
        const auto is_it = [&](const auto& m) { return m.first == name; };
        const auto behind = all.begin() + static_cast<std::ptrdiff_t>(next_);
        auto found_at = std::find_if(behind, all.end(), is_it);
        if (found_at == all.end()) found_at = std::find_if(all.begin(), behind, is_it);
        if (found_at == behind && (found_at == all.end() || !is_it(*found_at))) return std::nullopt;
        const auto at = static_cast<std::size_t>(found_at - all.begin());
        next_ = at + 1;
        if (taken_[at]) return std::nullopt;
        taken_[at] = true;
        json_value found = std::move(found_at->second);
        const bool fits = found.kind == kind || (kind == json_kind::number && found.kind == json_kind::integer);
        if (fits) return found;
        refuse(std::string{name}, "must be of type " + std::string{queuectl::command::name(kind)});
        return std::nullopt;
    }

private:
    json_value& object_;
    std::vector<bool> taken_;  // of the object's members
    std::size_t next_ = 0;
    std::optional<error> failure_;
};

result<void> read_runs(member_reader& io, stored_job& j)
{
    auto runs = io.take("runs", json_kind::array);
    if (!runs) return {};
    if (runs->items.size() > limits::attempts_kept) return fail(errc::invalid_argument, "runs", "are too many");
    for (auto& item : runs->items) {
        if (item.kind != json_kind::object) return fail(errc::invalid_argument, "runs", "must be objects");
        member_reader run_io{item};
        run_members(run_io, j.attempts.emplace_back());
        if (auto done = run_io.done(); !done)
            return fail(done.error().code, "runs: " + done.error().operation, done.error().detail);
    }
    return {};
}

result<stored_job> read_job(json_value& object)
{
    stored_job j;
    j.record.job.max_retries = 0;
    member_reader io{object};
    asked_members(io, j.record.job);
    record_members(io, j.record);
    auto runs = read_runs(io, j);
    if (auto done = io.done(); !done) return fail(done.error());
    if (!runs) return fail(runs.error());
    if (j.record.job.cwd.size() + j.record.job.env.size() > limits::environment_bytes)
        return fail(errc::invalid_argument, "env", "must be at most 1 MiB together with cwd");
    return j;
}

result<config_entry> read_entry(json_value& object)
{
    config_entry entry;
    entry.version = any_version;
    member_reader io{object};
    io.bytes("config", entry.key, limits::key_bytes);
    io.bytes("value", entry.value, limits::config_value_bytes);
    io.time("expires_at_us", entry.expires_at);
    if (entry.key.empty()) io.refuse("config", "must be a key");
    if (auto done = io.done(); !done) return fail(done.error());
    return entry;
}

}  // namespace

void append_header_line(std::string& out)
{
    json_writer{out}.begin_object().member("queuectl", "export").member("format", export_format).end_object();
    out += '\n';
}

void append_line(std::string& out, const stored_job& j)
{
    json_writer json{out};
    json.begin_object();
    member_writer io{json};
    asked_members(io, j.record.job);
    record_members(io, j.record);
    if (!j.attempts.empty()) json.key("runs").begin_array();
    for (const auto& run : j.attempts) {
        json.begin_object();
        run_members(io, run);
        json.end_object();
    }
    if (!j.attempts.empty()) json.end_array();
    json.end_object();
    out += '\n';
}

void append_line(std::string& out, const config_entry& entry)
{
    json_writer json{out};
    json.begin_object();
    member_writer io{json};
    io.bytes("config", entry.key, limits::key_bytes);
    io.bytes("value", entry.value, limits::config_value_bytes);
    if (entry.expires_at != timestamp_max) io.time("expires_at_us", entry.expires_at);
    json.end_object();
    out += '\n';
}

result<void> read_header_line(std::string_view text)
{
    auto object = parse_json(text);
    if (!object) return fail(object.error());
    if (object->kind != json_kind::object) return fail(errc::invalid_argument, "header", "must be an object");
    member_reader io{*object};
    auto what = io.take("queuectl", json_kind::string);
    auto format = io.take("format", json_kind::integer);
    if (!what || what->text != "export" || !format)
        return fail(errc::invalid_argument, "header", "must be {\"queuectl\":\"export\",\"format\":1}");
    if (format->integer != export_format)
        return fail(errc::invalid_argument, "format", "is newer than this program: use a newer queuectl");
    return io.done();
}

result<std::variant<stored_job, config_entry>> read_line(std::string_view text)
{
    auto object = parse_json(text);
    if (!object) return fail(object.error());
    if (object->kind != json_kind::object) return fail(errc::invalid_argument, "line", "must be an object");
    const bool is_setting = std::any_of(object->members.begin(), object->members.end(), [](const auto& m) {
        return m.first == "config" || m.first == "config_base64";
    });
    if (is_setting) {
        auto entry = read_entry(*object);
        if (!entry) return fail(entry.error());
        return std::variant<stored_job, config_entry>{std::move(*entry)};
    }
    auto j = read_job(*object);
    if (!j) return fail(j.error());
    return std::variant<stored_job, config_entry>{std::move(*j)};
}

}  // namespace queuectl::command
