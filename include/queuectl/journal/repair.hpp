// Salvages a damaged journal into a new one. POSIX.
#ifndef QUEUECTL_JOURNAL_REPAIR_HPP
#define QUEUECTL_JOURNAL_REPAIR_HPP

#include <queuectl/journal/salvage.hpp>
#include <queuectl/journal/store/new_journal.hpp>
#include <queuectl/journal/store/salvaged_jobs.hpp>

namespace queuectl::inline v0 {

// What was saved, and what was not.
struct repair_report {
    static constexpr std::size_t ids_kept = 100;

    std::uint64_t jobs = 0;
    std::uint64_t runs = 0;
    std::uint64_t settings = 0;
    std::uint64_t outputs = 0;               // files
    std::uint64_t requeued = 0;              // were processing: pending, one crash more
    std::vector<journal::lost_part> lost{};  // of the log
    std::uint64_t bad_records = 0;           // in frames that are intact
    std::uint64_t lost_jobs = 0;             // of which only later records are left
    std::uint64_t lost_outputs = 0;
    std::uint64_t incomplete = 0;  // jobs some of whose runs are lost
    std::uint64_t doubtful = 0;    // jobs whose newest record may be lost: they may have been run, or removed
    std::vector<std::string> doubtful_ids{};  // the first of those that have not ended

    [[nodiscard]] bool nothing_lost() const noexcept
    {
        return lost.empty() && (bad_records | lost_jobs | lost_outputs | incomplete | doubtful) == 0;
    }
};

namespace journal {

// One repair. `now`: the wall clock.
class repair_pass {
public:
    repair_pass(posix_file_system from, timestamp now) : from_{std::move(from)}, now_{now} {}

    [[nodiscard]] result<repair_report> run(const std::string& to)
    {
        auto found = salvage_log(from_, salvaged_);
        if (!found) return fail(found.error());
        report_.lost = std::move(found->lost);
        if (auto more = remembered_loss(from_, found->store, found->next, queuectl::detail::read_boot_id())) {
            report_.lost.push_back(std::move(*more));
            salvaged_.gap(found->next);
        }
        report_.bad_records = salvaged_.bad_records;
        if (!report_.lost.empty() || report_.bad_records != 0) report_.lost_jobs = salvaged_.ghosts.size();
        auto made = new_journal::create(to);
        if (!made) return fail(made.error());
        auto done = fill(**made);
        if (done) done = (*made)->publish();
        if (!done) return fail(done.error());
        return std::move(report_);
    }

private:
    result<void> fill(new_journal& to)
    {
        if (auto done = fill_settings(to); !done) return done;
        for (const auto& [sequence, job] : salvaged_.jobs)
            if (auto done = save(to, job); !done) return done;
        return {};
    }
    result<void> fill_settings(new_journal& to)
    {
        std::vector<std::string_view> names;
        for (const auto& [name, known] : salvaged_.queues) names.push_back(name);
        append_queues(to.body(), names);
        salvaged_.header.moved_to = salvaged_.moved_to;
        append_header(to.body(), salvaged_.header);
        for (const auto& [key, entry] : salvaged_.settings) {
            append_config(to.body(), entry);
            ++report_.settings;
        }
        return to.flush_if_full();
    }

    result<void> save(new_journal& to, const salvaged_job& job)
    {
        auto image = load(job);
        if (!image) return fail(image.error());
        auto& r = image->record;
        if (salvaged_.last_gap != 0 && job.frame < salvaged_.last_gap) {
            ++report_.doubtful;
            if (!is_final(r.state) && report_.doubtful_ids.size() < repair_report::ids_kept)
                report_.doubtful_ids.push_back(r.job.id);
        }
        report_.incomplete += job.incomplete ? 1 : 0;
        if (job.leased) requeue(*image);
        for (auto& run : image->attempts)
            if (run.output_file != 0 && !to.copy_output(from_, run.output_file)) {
                run.output_file = run.run.output_bytes = 0;
                run.run.output = {};
                ++report_.lost_outputs;
            }
        for (const auto& run : image->attempts) report_.outputs += run.output_file != 0 ? 1 : 0;
        append_job(to.body(), *image);
        ++report_.jobs;
        report_.runs += image->attempts.size();
        return to.flush_if_full();
    }

    // The job was being run: nobody knows how that ended.
    void requeue(job_image& image)
    {
        auto& r = image.record;
        auto& run = image.attempts.emplace_back().run;
        run.number = r.attempts + r.crashes + 1;
        run.status = run_status::crashed;
        run.started_at = r.locked_at == timestamp{} ? r.updated_at : r.locked_at;
        run.ended_at = now_;
        run.error = r.error = "cut off when the store was repaired";
        run.worker = r.locked_by;
        if (image.attempts.size() > limits::attempts_kept) image.attempts.erase(image.attempts.begin());
        r.state = state::pending;
        ++r.crashes;
        r.updated_at = now_;
        r.token = {};
        r.locked_by.clear();
        r.locked_at = r.lease_until = {};
        r.cancel_requested = false;
        image.was_failed = false;
        image.lease_end = {};
        image.boot_id = {};
        ++report_.requeued;
    }

    result<job_image> load(const salvaged_job& job)
    {
        auto content = read(job.image);
        if (!content) return fail(content.error());
        auto image = read_image(*content);
        if (!image) return image;
        for (const location at : job.ends) {
            auto record = read(at);
            if (!record) return fail(record.error());
            auto end = read_end(*record);
            if (!end) return fail(end.error());
            apply_end(*image, *end);
        }
        return image;
    }
    // The content of a record that was read before; valid until the next call.
    result<std::string_view> read(location at)
    {
        constexpr std::size_t first_bytes = std::size_t{8} << 10;
        if (segment_of(at) != open_) {
            auto file = from_.open(segment_name(segment_of(at)));
            if (!file) return fail(file.error());
            file_ = std::move(*file);
            open_ = segment_of(at);
        }
        for (std::size_t want = first_bytes;;) {
            bytes_.resize(want);
            const auto got = from_.read(file_, offset_of(at), bytes_.data(), want);
            if (!got) return fail(got.error());
            bytes_.resize(*got);
            const auto size = *got < record_header_bytes ? 0 : record_bytes(bytes_);
            if (size <= want || *got < want) break;
            want = size;
        }
        const auto record = read_record(bytes_);
        if (!record) return fail(record.error());
        return record->content;
    }

    posix_file_system from_;
    timestamp now_;
    salvaged_jobs salvaged_;
    repair_report report_;
    posix_file_system::file file_;
    std::uint64_t open_ = 0;
    std::string bytes_;
};

}  // namespace journal

// Writes all that can be read of the journal in the folder `from`, which is only read and should not be in use, into a
// new one in the folder `to`: every frame that is intact, also behind damage; each job as its newest readable record
// says; processing jobs are pending with a crash counted. `to` appears whole and durable at the end, or not at all.
// errc::exists: something is at `to` (or at `to`.partial, from a repair that was cut off); errc::not_found: there is no
// journal. Memory: about 200 bytes a job, and the largest segment.
[[nodiscard]] inline result<repair_report> repair_journal(const std::string& from, const std::string& to, timestamp now)
{
    auto files = journal::posix_file_system::open_folder_to_read(from);
    if (!files) return fail(files.error());
    return journal::repair_pass{std::move(*files), now}.run(to);
}

}  // namespace queuectl::inline v0

#endif
