// settle and extend, on a journal.
#ifndef QUEUECTL_JOURNAL_STORE_SETTLE_HPP
#define QUEUECTL_JOURNAL_STORE_SETTLE_HPP

#include <queuectl/journal/store/finish.hpp>
#include <queuectl/journal/store/outputs.hpp>

#include <span>

namespace queuectl::inline v0::journal {

// One call of settle. `files[i]`: the file with the output of settlements[i]; 0 = it goes into the log, or there is
// none.
template <class Core>
class settle_call {
public:
    settle_call(Core& core, std::span<const settlement> settlements, std::span<settle_status> statuses,
                std::span<const output_number> files, timestamp now)
        : core_{core}, settlements_{settlements}, statuses_{statuses}, files_{files}, now_{now}
    {
    }

    [[nodiscard]] std::uint64_t bytes_max()
    {
        find_jobs();
        std::uint64_t bytes = 0;
        for (std::size_t i = 0; i < settlements_.size(); ++i) {
            const settlement& s = settlements_[i];
            if (!core_.holds(jobs_[i], s.receipt.token)) continue;
            const live_slot& slot = core_.index.live(jobs_[i]);
            std::uint64_t texts = s.error.size() + s.result.size();
            if (s.report) {
                texts += 2 * s.report->error.size() + core_.index.all_leases().holder(slot).size();
                if (file_of(i) == 0) texts += s.report->output.head.size() + s.report->output.tail.size();
            }
            bytes += slot.bytes + 2 * (end_scalars_bytes_max + texts);
        }
        return bytes;
    }

    [[nodiscard]] result<void> run()
    {
        for (std::size_t i = 0; i < settlements_.size(); ++i) {
            auto status = settle_one(settlements_[i], jobs_[i], file_of(i));
            if (!status) return fail(status.error());
            statuses_[i] = *status;
        }
        return {};
    }
    // Files that no job names.
    [[nodiscard]] const std::vector<output_number>& dead_files() const noexcept { return dead_files_; }
    [[nodiscard]] bool any_waits() const noexcept { return any_waits_; }

private:
    [[nodiscard]] output_number file_of(std::size_t i) const noexcept { return files_.empty() ? 0 : files_[i]; }

    // What is looked at is loaded a few jobs before.
    void find_jobs()
    {
        static constexpr std::size_t ahead = 8;
        const auto& index = core_.index;
        std::vector<std::uint32_t> hashes(settlements_.size());
        for (std::size_t i = 0; i < hashes.size(); ++i)
            index.prefetch(hashes[i] = index.hash(settlements_[i].receipt.id));
        jobs_.resize(hashes.size());
        for (std::size_t i = 0; i < hashes.size(); ++i) {
            if (i + ahead < hashes.size()) index.prefetch_member(hashes[i + ahead]);
            jobs_[i] = index.find(settlements_[i].receipt.id, hashes[i]);
        }
    }

    result<settle_status> settle_one(const settlement& s, ref job, output_number file)
    {
        if (core_.holds(job, s.receipt.token)) {
            auto done = apply(s, job, file);
            return done ? result<settle_status>{settle_status::applied} : fail(done.error());
        }
        if (file != 0) dead_files_.push_back(file);
        if (job == 0) return settle_status::gone;
        auto token = core_.settled_token(core_.index.last_of(job));
        if (!token) return fail(token.error());
        const bool again = Core::guards::repeat_settles && s.receipt.token && *token == s.receipt.token;
        return again ? settle_status::applied : settle_status::lease_lost;
    }

    result<void> apply(const settlement& s, ref job, output_number file)
    {
        const live_slot& slot = core_.index.live(job);
        end_record r{};
        const state before = slot.was_failed ? state::failed : state::pending;
        r.state = state_after(s.verdict.kind, before, slot.cancel_requested);
        if (r.state == state::completed && slot.vanishes) return vanish(job, file);
        r.now = now_;
        r.run_at = wall(slot.node.time);
        if (s.verdict.kind == verdict_kind::retry && is_waiting(r.state))
            r.run_at = timestamp{saturate(s.verdict.retry_at.time_since_epoch())};
        r.attempts = slot.attempts + (s.report ? 1 : 0);
        r.crashes = slot.crashes;
        r.token = s.receipt.token;
        r.was_failed = slot.was_failed;
        if (s.report) {
            keep(*s.report, slot, file);
            r.run = &run_;
            r.output_file = file;
        }
        r.error = s.report && s.error.empty() ? std::string_view{s.report->error} : std::string_view{s.error};
        if (r.state == state::completed) r.error = {};
        r.set_error = r.state == state::completed || s.report || !r.error.empty();
        r.set_result = r.state == state::completed || !s.result.empty();
        r.result = s.result;
        any_waits_ = any_waits_ || is_waiting(r.state);
        return finish(core_, job, r);
    }

    // The run that ended, as it is written: output that has a file of its own is not in the log.
    void keep(const attempt& report, const live_slot& slot, output_number file)
    {
        run_.number = slot.attempts + slot.crashes + 1;
        run_.status = report.status;
        run_.exit_code = report.exit_code;
        run_.signal = report.signal;
        run_.started_at = report.started_at;
        run_.ended_at = report.ended_at;
        detail::assign(run_.error, report.error);
        detail::assign(run_.worker, core_.index.all_leases().holder(slot));
        const auto& out = report.output;
        detail::assign(run_.output.head, file == 0 ? std::string_view{out.head} : std::string_view{});
        detail::assign(run_.output.tail, file == 0 ? std::string_view{out.tail} : std::string_view{});
        run_.output.dropped_bytes = out.dropped_bytes;
        run_.output_bytes = report.output_bytes;
        if (run_.output_bytes == 0) run_.output_bytes = out.head.size() + out.tail.size() + out.dropped_bytes;
    }

    // Completed, and not to be kept.
    result<void> vanish(ref job, output_number file)
    {
        if (file != 0) dead_files_.push_back(file);
        const auto& slot = core_.index.live(job);
        if (slot.last != slot.image)
            if (auto done = collect_outputs(core_, slot.last, dead_files_); !done) return done;
        const std::uint64_t sequence[1] = {slot.node.sequence};
        append_remove(core_.body, sequence);
        core_.index.erase(job, sequence[0], slot.bytes);
        return {};
    }

    Core& core_;
    std::span<const settlement> settlements_;
    std::span<settle_status> statuses_;
    std::span<const output_number> files_;
    timestamp now_;
    std::vector<ref> jobs_;
    attempt run_;  // the one that ended, as it is written
    std::vector<output_number> dead_files_;
    bool any_waits_ = false;
};

// Heartbeats; writes what a receipt needs at most extend_bytes_max(receipts).
template <class Core>
[[nodiscard]] result<void> extend_leases(Core& core, std::span<const receipt> receipts, duration length,
                                         std::span<extend_status> statuses, const instant& now)
{
    std::vector<std::uint64_t> held;
    for (std::size_t i = 0; i < receipts.size(); ++i) {
        const ref job = core.index.find(receipts[i].id);
        statuses[i] = extend_status::lease_lost;
        if (!core.holds(job, receipts[i].token)) continue;
        const auto& slot = core.index.live(job);
        statuses[i] = slot.cancel_requested ? extend_status::cancel_requested : extend_status::held;
        core.index.all_leases().extend(job, now, length);
        held.push_back(slot.node.sequence);
    }
    if (!held.empty()) append_extend(core.body, {now, length, held});
    return {};
}

}  // namespace queuectl::inline v0::journal

#endif
