// logs: what the runs of a job wrote.
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "find_job.hpp"
#include "job_view.hpp"
#include "live_log.hpp"
#include "store.hpp"
#include "tend.hpp"
#include "terminal_text.hpp"
#include "text.hpp"

namespace queuectl::command {

namespace {

struct log_request {
    std::string id;
    std::optional<std::int32_t> attempt;
    bool follow = false;
    bool raw = false;
};

class log_printer {
public:
    log_printer(context& c, open_store& store, const log_request& r)
        : c_{c}, store_{*store.storage}, folder_{store.where.side_folder() + "/logs"}, r_{r}
    {
        plain_ = r.raw || !c.out.terminal();
    }

    // The newest run, or the one asked for; the live output of a run that goes on.
    int print()
    {
        auto record = find_job(store_, r_.id);
        if (!record) return complain(record.error());
        const std::int32_t number = r_.attempt.value_or(newest(*record));
        if (record->state == state::processing && number == current_run(*record)) return print_live(*record);
        return print_run(number, 0);
    }

    // As print(), then on to the job's end.
    int follow()
    {
        std::int32_t shown = 0;
        for (duration pause{20'000};; pause = std::min(pause * 5 / 4, duration{200'000})) {
            const change_counts changes = store_.changes();
            auto record = find_job(store_, r_.id);
            if (!record) return complain(record.error());
            if (record->state == state::processing && !live_.of(record->token)) {
                shown = finish_run(shown);
                live_ = live_log{folder_, record->token};
                run_ = current_run(*record);
            }
            if (live_.open()) write(live_.read_more());
            if (record->state != state::processing) shown = finish_run(std::max(shown, 0));
            if (is_final(record->state)) return shown == 0 ? print_run(newest(*record), 0) : int{exit_done};
            c_.out.flush();
            static_cast<void>(store_.wait_for_change(changes, pause));
        }
    }

private:
    static std::int32_t current_run(const job_record& r) { return r.attempts + r.crashes + 1; }
    static std::int32_t newest(const job_record& r)
    {
        return r.attempts + r.crashes + (r.state == state::processing ? 1 : 0);
    }

    void write(const std::string& bytes)
    {
        if (plain_)
            c_.out << bytes;
        else
            c_.out << filter_.pass(bytes);
    }

    int print_live(const job_record& record)
    {
        live_ = live_log{folder_, record.token};
        if (live_.open()) write(live_.read_more());
        return exit_done;
    }

    // What of an ended run was not shown while it was live; the run's number, or `shown` when none was followed.
    std::int32_t finish_run(std::int32_t shown)
    {
        if (run_ == 0) return shown;
        const std::int32_t ended = run_;
        run_ = 0;
        static_cast<void>(print_run(ended, live_.bytes()));
        live_ = {};
        return ended;
    }

    int print_run(std::int32_t number, std::uint64_t seen)
    {
        if (number < 1) return no_run("has not run yet");
        std::vector<attempt> runs;
        if (auto read = store_.attempts(r_.id, runs); !read) return complain(read.error());
        for (const auto& run : runs)
            if (run.number == number) return print_output(run, seen);
        return no_run("has no run " + std::to_string(number) + (runs.empty() ? "" : " that is kept"));
    }

    int no_run(const std::string& why)
    {
        complain("job " + r_.id + " " + why);
        return exit_failed;
    }

    int print_output(const attempt& run, std::uint64_t seen)
    {
        run_output out;
        if (run.output_bytes > 0) {
            auto read = store_.output(r_.id, run.number);
            if (!read) return complain(read.error());
            out = std::move(*read);
        }
        if (c_.json) return print_json(run, out);
        if (seen < out.head.size()) write(out.head.substr(seen));
        const std::uint64_t tail_at = out.head.size() + out.dropped_bytes;
        if (out.dropped_bytes > 0 && seen < tail_at)
            write("\n[... " + std::to_string(tail_at - std::max<std::uint64_t>(seen, out.head.size())) +
                  " bytes left out ...]\n");
        if (seen < tail_at)
            write(out.tail);
        else if (seen - tail_at < out.tail.size())
            write(out.tail.substr(seen - tail_at));
        c_.out << filter_.end();
        return exit_done;
    }

    int print_json(const attempt& run, const run_output& out)
    {
        json_writer json{c_.out.buffer()};
        json.begin_object().member("id", r_.id).member("attempt", run.number).member("status", name(run.status));
        json.member("output_bytes", run.output_bytes).member("dropped_bytes", out.dropped_bytes);
        json.member("head", out.head).member("tail", out.tail).end_object();
        c_.out << "\n";
        return exit_done;
    }

    context& c_;
    any_storage& store_;
    std::string folder_;
    const log_request& r_;
    bool plain_ = true;
    control_filter filter_{};
    live_log live_{};
    std::int32_t run_ = 0;  // being followed
};

}  // namespace

int logs_command(context& c)
{
    log_request r;
    std::vector<std::string> words;
    std::optional<std::string> number;
    command_line line{"logs", "Prints what the newest run of a job wrote, standard output and error as one."};
    line.words("ID", 1, 1, words).option("--attempt", "N", number, "Of the N-th run");
    line.flag("-f,--follow", r.follow, "Go on until the job has ended");
    line.flag("--raw", r.raw, "Keep control sequences on a terminal");
    line.examples("  queuectl logs job1\n  queuectl logs job1 --attempt 2\n  queuectl logs --follow job1\n");
    if (const auto ended = line.parse(c)) return *ended;
    r.id = words[0];
    if (number) {
        auto n = parse_integer("attempt", *number, 1, INT32_MAX);
        if (!n) return complain(n.error());
        r.attempt = static_cast<std::int32_t>(*n);
    }
    if (r.follow && (c.json || r.attempt)) {
        complain("logs: --follow cannot be given together with --json or --attempt");
        return exit_usage;
    }
    auto store = open_for_reading(c.store);
    if (!store) return complain(store.error());
    tend(*store);
    log_printer printer{c, *store, r};
    return r.follow ? printer.follow() : printer.print();
}

}  // namespace queuectl::command
