// claim, on a journal.
#ifndef QUEUECTL_JOURNAL_STORE_CLAIM_HPP
#define QUEUECTL_JOURNAL_STORE_CLAIM_HPP

#include <queuectl/journal/store/finish.hpp>

#include <span>

namespace queuectl::inline v0::journal {

// What is due, in the order of the contract, taken out of its lines. All lanes: O(1) a job beside the order's cost;
// with queues or kinds named: O(lanes that match) once.
class due_jobs {
public:
    due_jobs(job_index& index, const claim_request& request, timestamp now)
        : index_{index}, now_{now.time_since_epoch().count()}, all_{request.queues.empty() && request.kinds.empty()}
    {
        if (!all_) match(request);
    }

    // Appends up to `most` jobs, those of one line that come next. False: nothing is due; then next_at() says when.
    [[nodiscard]] bool next(std::vector<ref>& jobs, std::size_t most)
    {
        return all_ ? next_of_all(jobs, most) : next_of_matched(jobs, most);
    }

    // The earliest run_at that was seen to be later than now. After next() has said 0: of all.
    [[nodiscard]] timestamp next_at() const noexcept { return later_; }

private:
    // Whether the line's first job is due.
    bool due(ref line)
    {
        index_.step();
        const ref first = index_.all_lanes().first_of(line);
        if (first == 0) return false;
        const auto at = index_.live(first).node.time;
        if (at <= now_) return true;
        later_ = std::min(later_, timestamp{duration{at}});
        return false;
    }

    bool next_of_all(std::vector<ref>& jobs, std::size_t most)
    {
        auto& lanes = index_.all_lanes();
        bool found = false;
        later_ = timestamp_max;
        lanes.for_each_level([&](std::size_t level) {
            const ref line = lanes.first_line(level);
            if (line == 0 || !due(line)) return true;
            take(line, lanes.line_behind(level, line), jobs, most);
            found = true;
            return false;
        });
        return found;
    }

    bool next_of_matched(std::vector<ref>& jobs, std::size_t most)
    {
        const auto comes_later = [this](ref a, ref b) { return before(b, a); };
        if (taken_ != 0) {
            if (due(taken_)) {
                lines_.push_back(taken_);
                std::push_heap(lines_.begin(), lines_.end(), comes_later);
            }
            taken_ = 0;
        }
        if (lines_.empty()) return false;
        std::pop_heap(lines_.begin(), lines_.end(), comes_later);
        taken_ = lines_.back();
        lines_.pop_back();
        const auto& lanes = index_.all_lanes();
        const bool rival = !lines_.empty() && lanes.line(lines_.front()).priority == lanes.line(taken_).priority;
        take(taken_, rival ? lines_.front() : 0, jobs, most);
        return true;
    }

    // The first job of a line, which is due, and those that are due and come before those of `rival`, if there is one.
    void take(ref line, ref rival, std::vector<ref>& jobs, std::size_t most)
    {
        auto& lanes = index_.all_lanes();
        const order_node* const limit = rival == 0 ? nullptr : &index_.live(lanes.first_of(rival)).node;
        lanes.lift_first(line, jobs, most, [&](const order_node& n) {
            index_.step();
            return n.time <= now_ && (limit == nullptr || comes_before(n, *limit));
        });
    }

    [[nodiscard]] bool before(ref a, ref b) const
    {
        const auto &x = index_.all_lanes().line(a), &y = index_.all_lanes().line(b);
        if (x.priority != y.priority) return x.priority > y.priority;
        const auto& i = index_.live(index_.all_lanes().first_of(a)).node;
        const auto& j = index_.live(index_.all_lanes().first_of(b)).node;
        return comes_before(i, j);
    }

    void match(const claim_request& request)
    {
        auto& lanes = index_.all_lanes();
        const auto wanted = [](std::span<const std::string> names, std::string_view name) {
            return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
        };
        lanes.for_each_queue([&](ref queue) {
            if (!wanted(request.queues, read_text(index_.space(), index_.space().get<queue_slot>(queue)->name)))
                return true;
            lanes.for_each_lane(queue, [&](ref lane) {
                if (wanted(request.kinds, lanes.kind_of(lane)))
                    for (ref line = lanes.get(lane).lines; line != 0; line = lanes.line(line).next)
                        if (due(line)) lines_.push_back(line);
                return true;
            });
            return true;
        });
        std::make_heap(lines_.begin(), lines_.end(), [this](ref a, ref b) { return before(b, a); });
    }

    job_index& index_;
    std::int64_t now_;
    bool all_;
    timestamp later_ = timestamp_max;
    std::vector<ref> lines_;  // whose first jobs are due: a heap
    ref taken_ = 0;           // the line whose first job was told last
};

// One call of claim; the leases are appended to `leases`, which the caller cuts again after an error.
template <class Core>
class claim_call {
public:
    claim_call(Core& core, const claim_request& request, std::vector<lease>& leases, const instant& now,
               std::size_t max)
        : core_{core}, request_{request}, leases_{leases}, now_{now}, max_{max}
    {
    }

    // What the call may write.
    [[nodiscard]] std::uint64_t bytes_max()
    {
        find_expired();
        std::uint64_t bytes = claim_bytes_max(max_) + request_.worker.size();
        end_record sample{};
        attempt run;
        run.error = expiry;
        run.worker.assign(text_size_max, 'w');
        sample.run = &run;
        sample.error = expiry;
        for (const auto& [sequence, job] : expired_) bytes += finish_bytes_max(sample, core_.index.live(job).bytes);
        return bytes;
    }
    [[nodiscard]] std::size_t changes_max() const noexcept { return expired_.size() + max_; }

    [[nodiscard]] result<claim_info> run()
    {
        claim_info info;
        for (const auto& e : expired_) {
            if (!still(e)) continue;
            attempt run;
            auto r = crash_record(core_, e.second, expiry, now_.wall, run);
            if (!r) return fail(r.error());
            if (auto done = finish(core_, e.second, *r); !done) return fail(done.error());
            ++info.reaped;
        }
        if (Core::guards::repeat_claims && request_.repeat) {
            auto again = repeat();
            if (!again) return fail(again.error());
            if (*again > 0) {
                info.next_at = now_.wall;
                return info;
            }
        }
        auto next = take_due();
        if (!next) return fail(next.error());
        info.next_at = *next;
        return info;
    }

private:
    static constexpr std::string_view expiry = "lease expired";

    // Whose leases have expired. What is settled before run() is not among them any more then.
    void find_expired()
    {
        std::vector<ref> jobs;
        core_.index.all_leases().expired(now_, limits::reap, jobs);
        for (const ref job : jobs) expired_.push_back({core_.index.live(job).node.sequence, job});
    }
    [[nodiscard]] bool still(const std::pair<std::uint64_t, ref>& e) const
    {
        return core_.index.by_sequence(e.first) == e.second && core_.index.state_of(e.second) == state::processing;
    }

    // The leases that an earlier claim with this nonce took, in its order.
    result<std::size_t> repeat()
    {
        std::vector<ref> mine;
        auto& all = core_.index.all_leases();
        if (const ref worker = all.find_worker(request_.worker); worker != 0)
            all.for_each(worker, [&](ref job) {
                if (all.of(core_.index.live(job)).nonce == request_.nonce) mine.push_back(job);
                return true;
            });
        const auto token_of = [&](ref job) { return all.token_of(core_.index.live(job)); };
        std::sort(mine.begin(), mine.end(), [&](ref a, ref b) { return token_of(a) < token_of(b); });
        for (const ref job : mine)
            if (auto done = tell(job, token_of(job)); !done) return fail(done.error());
        return mine.size();
    }

    result<timestamp> take_due()
    {
        due_jobs due{core_.index, request_, now_.wall};
        std::vector<ref> jobs;
        while (jobs.size() < max_ && due.next(jobs, max_ - jobs.size())) {}
        std::vector<std::uint64_t> taken(jobs.size());
        const auto terms = terms_of(request_.nonce, request_.worker, now_, request_.lease);
        const ref lease = jobs.empty() ? 0 : core_.index.all_leases().open(terms);
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            const auto ordinal = static_cast<std::uint32_t>(i);
            taken[i] = core_.index.live(jobs[i]).node.sequence;
            if (auto done = tell(jobs[i], {request_.nonce, ordinal}); !done) return fail(done.error());
            core_.index.lease(jobs[i], lease, ordinal, now_.wall);
        }
        if (Core::guards::log_claims && !taken.empty())
            append_claim(core_.body, {request_.nonce, 0, request_.worker, now_, request_.lease, taken});
        return taken.size() == max_ ? now_.wall : due.next_at();
    }

    result<void> tell(ref job, const lease_token& token)
    {
        const auto& slot = core_.index.live(job);
        lease& l = leases_.emplace_back();
        l.token = token;
        l.attempts = slot.attempts;
        l.crashes = slot.crashes;
        if (slot.last != slot.image || slot.image_has_error)
            if (auto done = core_.load_error(slot.last, l.error); !done) return done;
        auto content = core_.read(slot.image, record_type::job);
        if (!content) return fail(content.error());
        if (auto done = read_job(*content, l.job); !done) return done;
        l.job.run_at = wall(slot.node.time);
        return {};
    }

    Core& core_;
    const claim_request& request_;
    std::vector<lease>& leases_;
    const instant& now_;
    std::size_t max_;
    std::vector<std::pair<std::uint64_t, ref>> expired_;
};

}  // namespace queuectl::inline v0::journal

#endif
