#include "job_list.hpp"

#include "exit_codes.hpp"
#include "job_view.hpp"
#include "table.hpp"
#include "text.hpp"

#include <queuectl/limits.hpp>

#include <unistd.h>

namespace queuectl::command {

namespace {

constexpr std::size_t table_rows = 100;
constexpr std::size_t no_limit = ~std::size_t{0};

result<state> read_state(const std::string& text)
{
    if (const auto s = state_from(text)) return *s;
    return fail(errc::invalid_argument, "state",
                "must be one of pending, processing, completed, failed, dead, cancelled");
}

result<std::string> read_name(const char* field, const std::string& text)
{
    if (limits::is_name(text, limits::name_bytes)) return text;
    return fail(errc::invalid_argument, field,
                "must be 1 to 64 of A-Z a-z 0-9 . _ : - and begin with a letter or digit");
}

// Calls `take(records)` page by page until `limit` records were told.
template <class Take>
result<void> each_page(any_storage& store, const job_filter& filter, std::size_t limit, Take take)
{
    std::vector<job_record> records;
    for (page_request page; limit > 0;) {
        page.limit = std::min(limits::sweep, limit);
        records.clear();
        auto next = store.list(filter, page, records);
        if (!next) return fail(next.error());
        limit -= std::min(limit, records.size());
        take(records);
        if ((page.after = *next) == 0) break;
    }
    return {};
}

// Nothing is printed before the first page has been read: an error leaves standard output empty.
int print_json(context& c, any_storage& store, const job_filter& filter, std::size_t limit)
{
    json_writer json{c.out.buffer()};
    bool any = false;
    json.begin_array();
    auto done = each_page(store, filter, limit, [&](const std::vector<job_record>& records) {
        for (const auto& r : records) {
            json.line_break();
            write_job(json, r);
        }
        any = any || !records.empty();
        c.out.flush_if_full();
    });
    if (!done) {
        c.out.buffer().clear();
        return complain(done.error());
    }
    if (any) json.line_break();
    json.end_array();
    c.out << "\n";
    return exit_done;
}

std::string when(const job_record& r, timestamp now)
{
    switch (r.state) {
        case state::pending:
        case state::failed: return r.job.run_at <= now ? "due" : relative_time(r.job.run_at, now);
        case state::processing: return "since " + relative_time(r.locked_at, now);
        default: return relative_time(r.updated_at, now);
    }
}

// Why the last run failed, short enough to leave room for the command.
std::string short_error(const job_record& r)
{
    constexpr std::size_t most = 40;
    return r.error.size() <= most ? r.error : r.error.substr(0, most) + "...";
}

std::vector<std::string> cells_of(const job_record& r, timestamp now, bool with_error)
{
    std::vector<std::string> cells{
        r.job.id,
        std::string{name(r.state)},
        r.job.queue,
        std::to_string(r.job.priority),
        std::to_string(r.attempts) + "/" + std::to_string(r.job.max_retries + std::int64_t{1}),
        when(r, now)};
    if (with_error) cells.push_back(short_error(r));
    cells.push_back(command_of(r.job));
    return cells;
}

int print_table(context& c, any_storage& store, const job_filter& filter, std::size_t limit)
{
    std::vector<std::string> head{"ID", "STATE", "QUEUE", "PRIO", "RUNS", "WHEN"};
    const bool with_error = filter.state == state::dead || filter.state == state::failed;
    if (with_error) head.emplace_back("ERROR");
    head.emplace_back("COMMAND");
    table t{std::move(head), {"ERROR", "QUEUE"}};
    const timestamp now = c.now().wall;
    std::size_t shown = 0;
    bool more = false;
    auto done = each_page(store, filter, limit == no_limit ? limit : limit + 1, [&](const auto& records) {
        for (const auto& r : records) {
            more = more || shown == limit;
            if (more) return;
            ++shown;
            t.add(cells_of(r, now, with_error));
        }
    });
    if (!done) return complain(done.error());
    if (shown == 0) {
        if (limit > 0) writer{STDERR_FILENO} << "no jobs\n";
        return exit_done;
    }
    t.print(c.out, 1);
    c.out.flush();
    if (more) writer{STDERR_FILENO} << "the first " << std::to_string(shown) << "; for more: --limit N, or --json\n";
    return exit_done;
}

}  // namespace

void filter_flags::describe(command_line& line, bool with_state)
{
    if (with_state) line.option("--state", "STATE", state, "pending processing completed failed dead cancelled");
    line.option("--queue", "NAME", queue, "Only of this queue");
    line.option("--kind", "NAME", kind, "Only of this kind");
    line.option("--tag", "NAME", tag, "Only with this tag");
}

result<job_filter> filter_flags::read() const
{
    job_filter filter;
    if (state) {
        auto s = read_state(*state);
        if (!s) return fail(s.error());
        filter.state = *s;
    }
    const std::tuple<const char*, const std::optional<std::string>&, std::string&> names[] = {
        {"queue", queue, filter.queue}, {"kind", kind, filter.kind}, {"tag", tag, filter.tag}};
    for (const auto& [field, text, into] : names) {
        if (!text) continue;
        auto checked = read_name(field, *text);
        if (!checked) return fail(checked.error());
        into = std::move(*checked);
    }
    return filter;
}

result<std::size_t> read_limit(const std::optional<std::string>& text, std::size_t otherwise)
{
    if (!text) return otherwise;
    auto limit = parse_integer("limit", *text, 0, time_max_us);
    if (!limit) return fail(limit.error());
    return static_cast<std::size_t>(*limit);
}

int print_jobs(context& c, any_storage& store, const job_filter& filter, const std::optional<std::string>& limit)
{
    auto most = read_limit(limit, c.json ? no_limit : table_rows);
    if (!most) return complain(most.error());
    return c.json ? print_json(c, store, filter, *most) : print_table(c, store, filter, *most);
}

}  // namespace queuectl::command
