#include "worker_log.hpp"

#include "terminal_text.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include <unistd.h>

namespace queuectl::command {
namespace {

constexpr std::size_t line_bytes_max = 400;

std::string clock_text(std::time_t t)
{
    std::tm parts{};
    ::localtime_r(&t, &parts);
    char text[32];
    return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts));
}

// What runs, in at most 80 bytes.
std::string command_text(const job& j)
{
    std::string text = j.payload.substr(0, 80);
    if (j.kind == "argv") std::replace(text.begin(), text.end(), '\0', ' ');
    if (j.payload.size() > 80) text += "...";
    return text;
}

std::string duration_of(const settlement& s)
{
    return s.report ? " in " + elapsed_text(s.report->ended_at - s.report->started_at) : std::string{};
}

std::string reason_of(const settlement& s)
{
    const auto& reason = s.report && !s.report->error.empty() ? s.report->error : s.error;
    return reason.empty() ? std::string{} : ": " + reason;
}

std::string retry_text(const lease& l, const settlement& s)
{
    const auto at = std::chrono::time_point_cast<std::chrono::seconds>(s.verdict.retry_at);
    const auto wait = s.report ? s.verdict.retry_at - s.report->ended_at : duration{};
    return "; retry " + std::to_string(l.attempts + 1) + " of " + std::to_string(l.job.max_retries) + " in " +
           elapsed_text(std::max(wait, duration{})) + ", at " +
           clock_text(std::chrono::system_clock::to_time_t(at)).substr(11);
}

}  // namespace

std::string elapsed_text(duration d)
{
    const double seconds = static_cast<double>(d.count()) / 1e6;
    char text[48];
    if (seconds < 1)
        std::snprintf(text, sizeof text, "%lldms", static_cast<long long>((d.count() + 999) / 1000));
    else if (seconds < 60)
        std::snprintf(text, sizeof text, "%.3gs", seconds);
    else
        std::snprintf(text, sizeof text, "%lldm %llds", static_cast<long long>(seconds) / 60,
                      static_cast<long long>(seconds) % 60);
    return text;
}

void log_line(std::string_view text)
{
    thread_local std::time_t last = 0;
    thread_local std::string stamp;
    if (const auto now = std::time(nullptr); now != last) {
        last = now;
        stamp = clock_text(now) + ' ';
    }
    const std::string line = stamp + one_line(text.substr(0, line_bytes_max)) + '\n';
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

void log_observer::started(const lease& l) const
{
    if (quiet) return;
    const auto run = l.run_number();
    log_line("started " + l.job.id + (run > 1 ? " (run " + std::to_string(run) + ")" : "") + ": " +
             command_text(l.job));
}

void log_observer::settled(const lease& l, const settlement& s, settle_status status) const
{
    if (status != settle_status::applied)
        return log_line("lost " + l.job.id + ": its lease went to another worker; the result is thrown away");
    switch (s.verdict.kind) {
        case verdict_kind::complete:
            if (!quiet) log_line("completed " + l.job.id + duration_of(s));
            return;
        case verdict_kind::retry:
            if (!quiet) log_line("failed " + l.job.id + duration_of(s) + reason_of(s) + retry_text(l, s));
            return;
        case verdict_kind::bury:
            return log_line("dead " + l.job.id + " after " + std::to_string(l.attempts + 1) + " runs" + reason_of(s));
        case verdict_kind::cancel:
            if (!quiet) log_line("cancelled " + l.job.id + duration_of(s));
            return;
        case verdict_kind::release: return log_line("released " + l.job.id + reason_of(s));
    }
}

void log_observer::buried(const lease& l, std::string_view why) const
{
    log_line("dead " + l.job.id + ": " + std::string{why});
}

void log_observer::trouble(const error& e) const { log_line("trouble: " + e.message()); }

}  // namespace queuectl::command
