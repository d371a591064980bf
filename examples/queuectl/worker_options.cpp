#include "worker_options.hpp"

#include "cli.hpp"
#include "text.hpp"

#include <queuectl/limits.hpp>

namespace queuectl::command {
namespace {

constexpr std::int64_t count_max = 256;
constexpr std::int64_t concurrency_max = 1024;

result<std::size_t> read_number(const char* name, const std::optional<std::string>& text, std::int64_t most)
{
    if (!text) return std::size_t{1};
    auto number = parse_integer(name, *text, 1, most);
    if (!number) return fail(number.error());
    return static_cast<std::size_t>(*number);
}

}  // namespace

void worker_option_texts::describe_worker(command_line& line)
{
    line.option("--concurrency", "C", concurrency_, "Jobs at once in each worker process (1)")
        .options("--queue", "Q", queues_, "Only jobs of this queue; may be repeated (all queues)")
        .flag("--drain", drain_, "End when nothing is due, running or waiting for a retry")
        .flag("--quiet", quiet_, "Log only what needs attention");
}

void worker_option_texts::describe_supervisor(command_line& line)
{
    line.option("--count", "N", count_, "Worker processes (1)")
        .option("--file", "F", file_, "With --drain: enqueue the jobs of this file first, one JSON object a line")
        .flag("--detach", detach_, "Go on in the background; return when the workers are up");
}

result<worker_options> worker_option_texts::read() const
{
    worker_options o;
    auto count = read_number("--count", count_, count_max);
    if (!count) return fail(count.error());
    auto concurrency = read_number("--concurrency", concurrency_, concurrency_max);
    if (!concurrency) return fail(concurrency.error());
    o.count = *count;
    o.concurrency = *concurrency;
    for (const auto& queue : queues_)
        if (!limits::is_name(queue, limits::name_bytes))
            return fail(errc::invalid_argument, "--queue",
                        "must be 1 to 64 of A-Z a-z 0-9 . _ : - and begin with a letter or digit");
    o.queues = queues_;
    o.file = file_.value_or(std::string{});
    o.drain = drain_;
    o.detach = detach_;
    o.quiet = quiet_;
    if (file_ && !drain_) return fail(errc::invalid_argument, "--file", "needs --drain");
    if (detach_ && file_ && *file_ == "-")
        return fail(errc::invalid_argument, "--detach", "cannot be given with --file -");
    return o;
}

std::vector<std::string> worker_words(const worker_options& options)
{
    std::vector<std::string> words{"--concurrency", std::to_string(options.concurrency)};
    for (const auto& queue : options.queues) {
        words.emplace_back("--queue");
        words.push_back(queue);
    }
    if (options.drain) words.emplace_back("--drain");
    if (options.quiet) words.emplace_back("--quiet");
    return words;
}

}  // namespace queuectl::command
