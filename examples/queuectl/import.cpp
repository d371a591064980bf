// import: adds what export printed.
#include "cli.hpp"
#include "commands.hpp"
#include "exit_codes.hpp"
#include "job_lines.hpp"
#include "job_past.hpp"
#include "json_writer.hpp"
#include "line_reader.hpp"
#include "move_mark.hpp"
#include "worker_entry.hpp"

#include <unistd.h>

namespace queuectl::command {
namespace {

struct import_summary {
    std::uint64_t jobs = 0;
    std::uint64_t settings = 0;
    std::uint64_t refused = 0;
};

class importer {
public:
    explicit importer(any_storage& store) : store_{store} {}

    result<import_summary> run(line_reader& file)
    {
        for (std::uint64_t number = 1;; ++number) {
            auto line = file.next();
            if (!line) return fail(line.error());
            if (!*line) break;
            if (auto taken = take(number, **line); !taken) return fail(taken.error());
        }
        if (auto stored = store_batch(); !stored) return fail(stored.error());
        if (!begun_) return fail(errc::invalid_argument, "import", "the file is empty");
        return summary_;
    }

private:
    // What is wrong with a line is told; what is wrong with the store or the file as a whole is an error.
    result<void> take(std::uint64_t number, const line_reader::line& line)
    {
        if (!begun_) {
            auto header = read_header_line(line.too_long ? std::string_view{} : line.text);
            if (!header) return fail(header.error().code, "line " + std::to_string(number), header.error().message());
            begun_ = true;
            return {};
        }
        if (line.too_long) return refuse(number, "longer than 64 MiB");
        if (line.text.find_first_not_of(" \t\r") == std::string_view::npos) return {};
        auto read = read_line(line.text);
        if (!read) return refuse(number, read.error().message());
        if (auto* entry = std::get_if<config_entry>(&*read)) return put(number, *entry);
        batch_.push_back(std::move(std::get<stored_job>(*read)));
        lines_.push_back(number);
        bytes_ += bytes_of(batch_.back());
        const bool full = batch_.size() == any_storage::max_batch || bytes_ > job_pages::page_bytes;
        return full ? store_batch() : result<void>{};
    }

    result<void> put(std::uint64_t number, const config_entry& entry)
    {
        if (entry.key.starts_with(worker_key_prefix) || entry.key.starts_with(move_key_prefix))
            return refuse(number, "config: " + entry.key + " belongs to one store only");
        auto done = store_.config_put(entry, system_time_source{}.now());
        if (!done) return fail(done.error());
        ++summary_.settings;
        return {};
    }

    result<void> store_batch()
    {
        if (batch_.empty()) return {};
        std::vector<insert_status> statuses(batch_.size());
        if (auto done = store_.restore(batch_, statuses, system_time_source{}.now()); !done) return done;
        for (std::size_t i = 0; i < batch_.size(); ++i) {
            if (statuses[i] == insert_status::inserted)
                ++summary_.jobs;
            else
                static_cast<void>(refuse(lines_[i], "id: " + batch_[i].record.job.id + " exists already"));
        }
        batch_.clear();
        lines_.clear();
        bytes_ = 0;
        return {};
    }

    result<void> refuse(std::uint64_t number, const std::string& why)
    {
        ++summary_.refused;
        complain("line " + std::to_string(number) + ": " + why);
        return {};
    }

    any_storage& store_;
    std::vector<stored_job> batch_;
    std::vector<std::uint64_t> lines_;  // of the batch's jobs
    std::size_t bytes_ = 0;
    bool begun_ = false;  // the header was read
    import_summary summary_{};
};

void tell(context& c, const import_summary& s)
{
    if (c.json) {
        json_writer json{c.out.buffer()};
        json.begin_object().member("jobs", s.jobs).member("settings", s.settings);
        json.member("refused", s.refused).end_object();
        c.out << "\n";
        return;
    }
    writer{STDERR_FILENO} << std::to_string(s.jobs) << " jobs, " << std::to_string(s.settings) << " settings imported, "
                          << std::to_string(s.refused) << " lines refused\n";
}

}  // namespace

int import_command(context& c)
{
    std::vector<std::string> words;
    command_line line{"import", "Adds the jobs and settings that `queuectl export` printed."};
    line.words("FILE", 1, 1, words)
        .examples(
            "  queuectl import jobs.ndjson\n"
            "  queuectl export --store sqlite:a.db | queuectl import -\n"
            "\n"
            "A line that is wrong, or whose id is taken by another job, is reported by its number, and the others\n"
            "go in; a job that is there already is left as it is. FILE may be - for standard input.\n");
    if (const auto ended = line.parse(c)) return *ended;
    line_reader file{words.front()};
    if (auto opened = file.open(); !opened) return complain(opened.error());
    auto store = open_for_writing(c.store);
    if (!store) return complain(store.error());
    auto summary = importer{*store->storage}.run(file);
    if (!summary) return complain(summary.error());
    tell(c, *summary);
    return summary->refused == 0 ? exit_done : exit_failed;
}

}  // namespace queuectl::command
