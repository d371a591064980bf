#include "worker_entry.hpp"

#include <queuectl/limits.hpp>
#include <queuectl/process/process_list.hpp>
#include <queuectl/random.hpp>
#include <queuectl/time_source.hpp>

#include <charconv>

#include <unistd.h>

namespace queuectl::command {
namespace {

std::string host_name()
{
    char name[256] = {};
    if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
    std::string host{name};
    host.resize(std::min<std::size_t>(host.size(), 64));
    for (char& c : host)
        if (!limits::is_name(std::string_view{&c, 1}, 1) && c != '.' && c != '-') c = '-';
    return host;
}

std::string join(const std::vector<std::string>& words)
{
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
    return text;
}

std::vector<std::string> split(std::string_view text)
{
    std::vector<std::string> words;
    while (!text.empty()) {
        const auto end = text.find(' ');
        words.emplace_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return words;
}

template <class T>
void read_number(std::string_view text, T& number)
{
    std::from_chars(text.data(), text.data() + text.size(), number);
}

void read_field(worker_entry& e, std::string_view name, std::string_view value)
{
    if (name == "name") e.name = value;
    if (name == "role") e.role = value == "supervisor" ? worker_role::supervisor : worker_role::worker;
    if (name == "host") e.host = value;
    if (name == "pid") read_number(value, e.pid);
    if (name == "start_ticks") read_number(value, e.start_ticks);
    if (name == "boot") e.boot = value;
    if (name == "mark") e.mark = value;
    if (name == "supervisor") e.supervisor = value;
    if (name == "count") read_number(value, e.count);
    if (name == "concurrency") read_number(value, e.concurrency);
    if (name == "queues") e.queues = split(value);
    if (name == "started_at") {
        std::int64_t us = 0;
        read_number(value, us);
        e.started_at = timestamp{duration{us}};
    }
}

}  // namespace

worker_entry describe_this_process(worker_role role)
{
    const instant now = system_time_source{}.now();
    process::process_entry self;
    std::string scratch;
    worker_entry e;
    e.role = role;
    e.host = host_name();
    e.pid = ::getpid();
    if (process::read_process(e.pid, self, scratch)) e.start_ticks = self.start;
    e.boot = to_hex(now.boot_id);
    e.started_at = now.wall;
    e.name = e.host + ':' + std::to_string(e.pid) + ':' + to_hex(random_source{}.draw_uid()).substr(0, 6);
    return e;
}

std::string to_text(const worker_entry& e)
{
    const std::pair<const char*, std::string> fields[] = {
        {"name", e.name},
        {"role", e.role == worker_role::supervisor ? "supervisor" : "worker"},
        {"host", e.host},
        {"pid", std::to_string(e.pid)},
        {"start_ticks", std::to_string(e.start_ticks)},
        {"boot", e.boot},
        {"mark", e.mark},
        {"supervisor", e.supervisor},
        {"count", std::to_string(e.count)},
        {"concurrency", std::to_string(e.concurrency)},
        {"queues", join(e.queues)},
        {"started_at", std::to_string(e.started_at.time_since_epoch().count())}};
    std::string text;
    for (const auto& [name, value] : fields) text.append(name).append("=").append(value).append("\n");
    return text;
}

std::optional<worker_entry> parse_worker_entry(std::string_view text)
{
    worker_entry e;
    while (!text.empty()) {
        const auto line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        if (const auto equals = line.find('='); equals != std::string_view::npos)
            read_field(e, line.substr(0, equals), line.substr(equals + 1));
    }
    if (e.name.empty() || e.pid <= 0) return std::nullopt;
    return e;
}

}  // namespace queuectl::command
