// transferable_storage, on a journal.
#ifndef QUEUECTL_JOURNAL_STORE_TRANSFERRING_HPP
#define QUEUECTL_JOURNAL_STORE_TRANSFERRING_HPP

#include <queuectl/journal/store/configuring.hpp>

namespace queuectl::inline v0::journal {

// A job as its image is written. `files[i]`: the file with the output of the i-th kept run; 0 = it goes into the log,
// or there is none.
[[nodiscard]] inline job_image image_of(const stored_job& j, std::span<const output_number> files)
{
    job_image image;
    image.record = j.record;
    auto& r = image.record;
    r.job.run_at = timestamp{saturate(r.job.run_at.time_since_epoch())};
    r.token = {};
    r.locked_by.clear();
    r.locked_at = r.lease_until = {};
    r.cancel_requested = false;
    const std::size_t kept = std::min(j.attempts.size(), limits::attempts_kept);
    const std::span<const attempt> runs = std::span{j.attempts}.last(kept);
    for (std::size_t i = 0; i < kept; ++i) {
        auto& run = image.attempts.emplace_back(stored_attempt{runs[i], files.empty() ? output_number{0} : files[i]});
        if (run.output_file == 0) continue;
        run.run.output.head.clear();
        run.run.output.tail.clear();
    }
    return image;
}

// One call of restore: each job becomes an image, as if it had been written again by a compaction.
template <class Core>
class restore_call {
public:
    using files_of_jobs = std::vector<std::vector<output_number>>;

    restore_call(Core& core, std::span<const stored_job> jobs, std::span<insert_status> statuses,
                 const files_of_jobs& files)
        : core_{core}, jobs_{jobs}, statuses_{statuses}, files_{files}
    {
    }

    template <class Turn>
    [[nodiscard]] result<void> run(Turn& turn)
    {
        std::uint64_t bytes = 0;
        for (std::size_t i = 0; i < jobs_.size(); ++i) {
            const job_image image = image_of(jobs_[i], files_[i]);
            bytes += job_bytes_max(image.record.job) + detail::since_bytes_max(image);
        }
        if (auto done = core_.index.reserve(jobs_.size(), 0); !done) return done;
        if (auto done = core_.prepare(turn, bytes, append_room::normal); !done) return done;
        for (std::size_t i = 0; i < jobs_.size(); ++i) {
            auto status = restore_one(jobs_[i], files_[i]);
            if (!status) return fail(status.error());
            statuses_[i] = *status;
        }
        return {};
    }
    // Files that no job names.
    [[nodiscard]] const std::vector<output_number>& dead_files() const noexcept { return dead_files_; }

private:
    result<insert_status> restore_one(const stored_job& j, const std::vector<output_number>& files)
    {
        const auto hash = core_.index.hash(j.record.job.id);
        if (const ref known = core_.index.find(j.record.job.id, hash); known != 0) {
            dead_files_.insert(dead_files_.end(), files.begin(), files.end());
            return compare(j.record, known);
        }
        const location at = core_.here();
        const std::size_t begin = core_.body.size();
        job_image image = image_of(j, files);
        image.record.sequence = core_.index.roots().last_sequence + 1;
        append_job(core_.body, image);
        auto head = read_head(std::string_view{core_.body}.substr(begin + record_header_bytes));
        if (!head) return fail(head.error());
        const auto bytes = static_cast<std::uint32_t>(core_.body.size() - begin);
        if (core_.index.add(*head, hash, at, bytes, head->retention <= duration::zero()) == 0)
            return fail(errc::store_full, "restore " + j.record.job.id, "there are too many queues and kinds");
        return insert_status::inserted;
    }

    // Whether it is the same job, however far it has come here.
    result<insert_status> compare(const job_record& r, ref known)
    {
        auto image = core_.for_each_end(core_.index.last_of(known), [](location, const end_view&) { return true; });
        if (!image) return fail(image.error());
        auto content = core_.read(*image, record_type::job);
        if (!content) return fail(content.error());
        auto head = read_head(*content);
        if (!head) return fail(head.error());
        const bool same = head->nonce == r.job.nonce && head->created_at == r.created_at;
        return same ? insert_status::inserted : insert_status::duplicate;
    }

    Core& core_;
    std::span<const stored_job> jobs_;
    std::span<insert_status> statuses_;
    const files_of_jobs& files_;
    std::vector<output_number> dead_files_;
};

template <class Session>
class transferring : public configuring<Session> {
    using base = configuring<Session>;
    using core = typename Session::core_type;
    using turn = typename Session::turn_type;
    using call = restore_call<core>;

public:
    [[nodiscard]] result<void> restore(std::span<const stored_job> jobs, std::span<insert_status> statuses,
                                       const instant&)
    {
        QUEUECTL_ASSERT(jobs.size() <= base::max_batch && statuses.size() >= jobs.size());
        for (const auto& j : jobs)
            if (j.record.state == state::processing)
                return fail(errc::invalid_argument, "restore", "job " + j.record.job.id + " is processing");
        typename call::files_of_jobs files(jobs.size());
        std::vector<output_number> unneeded;
        if (auto written = write_outputs(jobs, files); !written) return remove_files(files), written;
        const auto body = [&](core& c, turn& t) -> result<void> {
            call restoring{c, jobs, statuses, files};
            auto done = restoring.run(t);
            unneeded = restoring.dead_files();
            return done;
        };
        auto done = session().write("restore", change_of::jobs, durable::always, body);
        if (!done && done.error().code != errc::outcome_unknown) remove_files(files);
        if (!done) return done;
        std::erase(unneeded, output_number{0});
        session().remove_outputs(unneeded);
        session().wake().bump_work();
        return {};
    }

    [[nodiscard]] result<void> set_state(store_state s, std::string_view moved_to = {})
    {
        header_record header{};
        header.state = static_cast<std::uint8_t>(s);
        header.moved_to = moved_to;
        auto done = session().set_header("set_state", header);
        if (!done) return done;
        session().wake().bump_work();
        session().wake().bump_control();
        return {};
    }

protected:
    using base::base;

private:
    using change_of = queuectl::detail::change_of;
    [[nodiscard]] Session& session() const { return *this->session_; }

    // The outputs that are too long for the log; durable when this returns.
    result<void> write_outputs(std::span<const stored_job> jobs, typename call::files_of_jobs& files)
    {
        bool any = false;
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            const std::size_t kept = std::min(jobs[i].attempts.size(), limits::attempts_kept);
            const auto runs = std::span{jobs[i].attempts}.last(kept);
            for (std::size_t k = 0; k < kept; ++k) {
                if (!needs_file(runs[k].output)) continue;
                files[i].resize(kept);
                const auto number = session().new_output_number();
                auto written = write_output<typename core::guards>(session().fs(), number, runs[k].output);
                if (!written) return written;
                files[i][k] = number;
                any = true;
            }
        }
        return any && core::guards::sync_output_names ? session().fs().sync_directory() : result<void>{};
    }
    void remove_files(const typename call::files_of_jobs& files)
    {
        for (const auto& of_job : files)
            for (const auto number : of_job)
                if (number != 0) session().remove_outputs({number});
    }
};

}  // namespace queuectl::inline v0::journal

#endif
