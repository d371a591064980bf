// enqueue: one job from JSON, a command text or an argv; or many from a file.
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "file_enqueue.hpp"
#include "json_writer.hpp"
#include "request.hpp"
#include "store.hpp"
#include "tend.hpp"

#include <queuectl/queue.hpp>

#include <unistd.h>

namespace queuectl::command {

namespace {

constexpr char enqueue_examples[] =
    "  queuectl enqueue 'make backup'\n"
    "  queuectl enqueue '{\"id\":\"job1\",\"command\":\"sleep 2\",\"max_retries\":5}'\n"
    "  queuectl enqueue --queue mail --delay 10m --command 'send-report --all'\n"
    "  queuectl enqueue --timeout 1h -- rsync -a \"/my files/\" host:/backup/\n"
    "  producer | queuectl enqueue --file -\n"
    "\n"
    "A text that begins with { or [ is JSON, any other is a command. Fields of the object: id command argv\n"
    "queue kind priority run_at delay timeout max_retries max_attempts backoff_base keep_completed tag tags\n"
    "env cwd. Flags fill in what the object does not say.\n";

// A flag that is the text of a request's field.
struct field_flag {
    const char* flag;
    const char* field;
    const char* value;
    const char* help;
};
constexpr field_flag field_flags[] = {
    {"--id", "id", "ID", "Else one is made; refused when it exists"},
    {"--queue", "queue", "NAME", "Else \"default\""},
    {"--priority", "priority", "N", "-128 to 127, higher first"},
    {"--delay", "delay", "DURATION", "Not before this has passed"},
    {"--run-at", "run_at", "TIME", "Not before: ISO-8601 with zone, or epoch seconds"},
    {"--timeout", "timeout", "DURATION", "Limit of each run; 0 is none"},
    {"--max-retries", "max_retries", "N", "Retries after the first run"},
    {"--max-attempts", "max_attempts", "N", "The same plus one"},
    {"--backoff-base", "backoff_base", "B", "The n-th retry waits B^n seconds"},
    {"--keep-completed", "keep_completed", "DURATION", "Keep the record this long"},
    {"--tag", "tag", "NAME", "To find it by"},
    {"--cwd", "cwd", "DIR", "Where it runs; else here"},
    {"--unique-key", "unique_key", "KEY", "At most one waiting job of a key"},
};

struct new_job_arguments {
    std::vector<std::string> words;
    std::optional<std::vector<std::string>> argv;
    std::optional<std::string> command;
    std::optional<std::string> file;
    std::vector<std::string> env;
    std::optional<std::string> flags[std::size(field_flags)];
};

std::optional<int> parse(context& c, new_job_arguments& a)
{
    command_line line{"enqueue", "Adds a job and prints its id, once it is durable."};
    line.words("[JSON | COMMAND]", 0, 1, a.words).after_dashes("ARGV...", a.argv).examples(enqueue_examples);
    line.option("--command", "TEXT", a.command, "A command, whatever it begins with");
    line.option("--file", "F", a.file, "One JSON object a line; - is standard input");
    for (std::size_t i = 0; i < std::size(field_flags); ++i)
        line.option(field_flags[i].flag, field_flags[i].value, a.flags[i], field_flags[i].help);
    line.options("--env", "NAME[=VALUE]", a.env, "Record this variable too");
    return line.parse(c);
}

result<request> read_flags(const new_job_arguments& a)
{
    request r;
    for (std::size_t i = 0; i < std::size(field_flags); ++i)
        if (a.flags[i])
            if (auto read = read_flag(r, field_flags[i].field, *a.flags[i]); !read) return fail(read.error());
    for (const auto& one : a.env)
        if (auto read = read_flag(r, "env", one); !read) return fail(read.error());
    return r;
}

result<void> set_argv(request& r, const std::vector<std::string>& words)
{
    json_value argv;
    argv.kind = json_kind::array;
    for (const auto& word : words) {
        argv.items.emplace_back();
        argv.items.back().kind = json_kind::string;
        argv.items.back().text = word;
    }
    return read_field(r, "argv", argv);
}

bool looks_like_json(const std::string& text)
{
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first != std::string::npos && (text[first] == '{' || text[first] == '[');
}

result<request> read_one(const new_job_arguments& a, const request& flags)
{
    request r;
    if (a.argv) {
        if (auto set = set_argv(r, *a.argv); !set) return fail(set.error());
    } else if (a.command || !looks_like_json(a.words.front())) {
        if (auto set = read_flag(r, "command", a.command ? *a.command : a.words.front()); !set)
            return fail(set.error());
    } else {
        auto read = read_request(a.words.front());
        if (!read && read.error().operation == "json")
            return fail(read.error().code, read.error().operation,
                        read.error().detail + " (a command that begins so: --command TEXT)");
        if (!read) return fail(read.error());
        r = std::move(*read);
    }
    add_defaults(r, flags);
    if (auto completed = complete(r); !completed) return fail(completed.error());
    return r;
}

result<std::string> store_one(context& c, request&& r)
{
    auto store = open_for_writing(c.store);
    if (!store) return fail(store.error());
    tend(*store);
    auto values = load_settings(*store->storage, c.now());
    if (!values) return fail(values.error());
    const auto place = request_place::here(*values);
    auto job = job_of(std::move(r), place);
    if (!job) return fail(job.error());
    producer<storage_ref<any_storage>> queue{store->ref(), no_executor{}, place.options};
    return queue.enqueue(std::move(*job));
}

int enqueue_one(context& c, const new_job_arguments& a, const request& flags)
{
    auto r = read_one(a, flags);
    if (!r) return complain(r.error());
    auto id = store_one(c, std::move(*r));
    if (!id) return complain(id.error());
    if (c.json)
        json_writer{c.out.buffer()}.begin_object().member("id", *id).end_object();
    else
        c.out << *id;
    c.out << "\n";
    return exit_done;
}

int enqueue_many(context& c, const std::string& path, const request& flags)
{
    if (flags.has("id")) {
        complain("enqueue: --id cannot be given together with --file");
        return exit_usage;
    }
    auto store = open_for_writing(c.store);
    if (!store) return complain(store.error());
    tend(*store);
    auto summary = enqueue_file(c, *store, path, flags, true);
    if (!summary) return complain(summary.error());
    writer{STDERR_FILENO} << std::to_string(summary->enqueued) << " enqueued, " << std::to_string(summary->refused)
                          << " refused\n";
    return summary->refused == 0 ? exit_done : exit_failed;
}

}  // namespace

int enqueue_command(context& c)
{
    new_job_arguments a;
    if (const auto ended = parse(c, a)) return *ended;
    const int forms =
        int{!a.words.empty()} + int{a.argv.has_value()} + int{a.command.has_value()} + int{a.file.has_value()};
    if (forms != 1) {
        complain(
            "enqueue: needs exactly one of JSON, COMMAND, --command, --file, -- ARGV... (see queuectl enqueue "
            "--help)");
        return exit_usage;
    }
    auto flags = read_flags(a);
    if (!flags) return complain(flags.error());
    return a.file ? enqueue_many(c, *a.file, *flags) : enqueue_one(c, a, *flags);
}

}  // namespace queuectl::command
