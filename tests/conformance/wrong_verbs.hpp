// The reference model with one rule of the four verbs broken.
#ifndef QUEUECTL_TESTS_CONFORMANCE_WRONG_VERBS_HPP
#define QUEUECTL_TESTS_CONFORMANCE_WRONG_VERBS_HPP

#include "conformance/faults.hpp"

#include <queuectl/testing/model.hpp>

#include <array>
#include <map>
#include <string>
#include <thread>

using namespace queuectl;

class wrong_verbs : public model_storage {
public:
    wrong_verbs(std::shared_ptr<model_store> store, fault f) : model_storage{std::move(store)}, fault_{f} {}

    result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        if (is(fault::claim_clears_its_output)) leases.clear();
        if (is(fault::claims_race)) return racing_claim(request, leases, now);
        claim_request r = request;
        if (is(fault::claims_one_too_many) && r.max > 1) ++r.max;
        const std::vector<std::string> default_queue{"default"};
        if (is(fault::no_queue_means_default) && r.queues.empty()) r.queues = default_queue;
        request_ = &r;
        now_ = now;
        auto told = model_storage::claim(r, leases, now);
        request_ = nullptr;
        return told;
    }

    result<void> settle(std::span<const settlement> all, std::span<settle_status> statuses, const instant& now)
    {
        const std::size_t most = is(fault::batches_end_at_100) ? std::min<std::size_t>(all.size(), 100) : all.size();
        auto told = model_storage::settle(all.first(most), statuses.first(most), now);
        if (is(fault::settle_answers_all_alike))
            for (auto& s : statuses) s = statuses.front();
        return told;
    }

    result<void> extend(std::span<const receipt> all, duration d, std::span<extend_status> statuses, const instant& now)
    {
        auto told = model_storage::extend(all, d, statuses, now);
        if (is(fault::extend_answers_all_alike))
            for (auto& s : statuses) s = statuses.back();
        return told;
    }

protected:
    [[nodiscard]] bool is(fault f) const { return fault_ == f; }

    bool same_insert(const model_row& r, const job& j) const override
    {
        if (is(fault::insert_forgets_nonces)) return false;
        return is(fault::insert_ignores_nonces) || model_storage::same_insert(r, j);
    }
    bool due(const model_row& r, const instant& now) const override
    {
        const timestamp at = r.record.job.run_at;
        if (is(fault::due_early)) return add(at, duration{-1}) <= now.wall;
        if (is(fault::due_late) && r.record.created_at < at) return at < now.wall;
        if (is(fault::retries_are_due_at_once) && r.record.state == state::failed) return true;
        if (is(fault::far_times_are_due) && at == timestamp_max) return true;
        if (is(fault::times_are_unsigned) && at.time_since_epoch().count() < 0) return false;
        return model_storage::due(r, now);
    }
    bool waits(const model_row& r) const override
    {
        if (is(fault::holds_are_ignored)) return is_waiting(r.record.state);
        if (is(fault::only_the_first_hold_holds))
            return is_waiting(r.record.state) && (r.record.job.hold & hold_dependency) == 0;
        if (is(fault::leased_jobs_are_leased_again) && r.record.state == state::processing) return true;
        return model_storage::waits(r);
    }
    bool wanted(const model_row& r, const claim_request& request) const override
    {
        claim_request q = request;
        if (is(fault::queues_are_ignored)) q.queues = {};
        if (is(fault::kinds_are_ignored)) q.kinds = {};
        return model_storage::wanted(r, q);
    }
    bool before(const model_row& a, const model_row& b) const override
    {
        const auto& x = a.record;
        const auto& y = b.record;
        if (is(fault::queue_by_queue) && x.job.queue != y.job.queue) return x.job.queue < y.job.queue;
        const auto p = [&](const job_record& r) {
            if (is(fault::priority_is_ignored)) return 0;
            return is(fault::priority_is_unsigned) ? int{static_cast<std::uint8_t>(r.job.priority)}
                                                   : int{r.job.priority};
        };
        if (p(x) != p(y)) return p(x) > p(y);
        const auto at = [&](const job_record& r) {
            if (is(fault::due_time_is_ignored_in_order)) return timestamp{};
            const bool old = is(fault::retry_keeps_its_old_due_time_in_order) && r.attempts > 0;
            return old ? r.created_at : r.job.run_at;
        };
        if (at(x) != at(y)) return at(x) < at(y);
        return is(fault::last_in_first_out) ? x.sequence > y.sequence : x.sequence < y.sequence;
    }
    bool expired(const model_row& r, const instant& now) const override
    {
        if (is(fault::handles_do_not_reap_each_other) &&
            std::find(mine_.begin(), mine_.end(), r.record.token) == mine_.end())
            return false;
        if (is(fault::boots_are_not_told_apart)) return now.boot >= r.lease_end;
        if (is(fault::leases_on_the_wall_clock)) return now.wall >= r.record.lease_until;
        if (is(fault::lease_times_overflow) && r.lease_end >= duration_max) return true;
        return model_storage::expired(r, now);
    }
    bool current(const model_row& r, lease_token token) const override
    {
        const bool leased = r.record.state == state::processing;
        if (is(fault::tokens_are_not_compared)) return leased;
        if (is(fault::nonces_are_not_compared)) return leased && r.record.token.ordinal == token.ordinal;
        if (is(fault::reaped_leases_stay_good) && r.record.state == state::pending && r.record.crashes > 0)
            return static_cast<bool>(token);
        return model_storage::current(r, token);
    }
    bool settled_by(const model_row& r, lease_token token) const override
    {
        if (is(fault::repeated_settle_is_refused)) return false;
        if (is(fault::no_token_counts_as_settled)) return r.record.settled_token == token;
        if (is(fault::every_settle_is_remembered) && r.record.attempts > 0 && !r.runs.empty()) return true;
        return model_storage::settled_by(r, token);
    }
    timestamp next_at(const claim_request& request, bool filled, const instant& now) const override
    {
        if (is(fault::next_at_is_always_never)) return timestamp_max;
        if (is(fault::next_at_ignores_the_maximum)) filled = false;
        claim_request q = request;
        if (is(fault::next_at_ignores_the_filter)) q.queues = q.kinds = {};
        const timestamp next = model_storage::next_at(q, filled, now);
        if (is(fault::next_at_of_nothing_is_now) && next == timestamp_max) return now.wall;
        if (filled) return next;
        return wrong_next_at(q, next);
    }
    timestamp wrong_next_at(const claim_request& q, timestamp next) const
    {
        const model_row* first = nullptr;
        timestamp earliest = timestamp_max;
        for (const auto& r : kept().rows) {
            const bool held = r.record.job.hold != hold_none;
            if (!is_waiting(r.record.state) || !wanted(r, q)) continue;
            if (is(fault::next_at_counts_held_jobs) && held) next = std::min(next, r.record.job.run_at);
            if (held) continue;
            if (r.record.state == state::pending) earliest = std::min(earliest, r.record.job.run_at);
            if (first == nullptr || r.record.job.priority > first->record.job.priority) first = &r;
        }
        if (is(fault::next_at_forgets_retries)) return earliest;
        if (is(fault::next_at_of_the_first_in_line) && first != nullptr) return first->record.job.run_at;
        return next;
    }

    void lease_out(model_row& r, const claim_request& request, std::uint32_t ordinal, const instant& now) override
    {
        const bool asked = r.record.cancel_requested;
        model_storage::lease_out(r, request, is(fault::one_token_for_a_claim) ? 0 : ordinal, now);
        if (is(fault::nonces_are_made_up)) r.record.token.nonce.high ^= 1;
        if (is(fault::handles_do_not_reap_each_other)) mine_.push_back(r.record.token);
        if (is(fault::cancel_outlives_the_lease)) r.record.cancel_requested = asked;
    }
    void prolong(model_row& r, duration d, const instant& now) override
    {
        const duration rest = r.lease_end - now.boot;
        const bool held = r.record.token && r.lease_boot == now.boot_id && rest > duration{0};
        const timestamp until = r.record.lease_until;
        if (is(fault::extends_on_the_wall_clock) && extending_ && held)
            d += now.wall - r.record.locked_at - duration{1};
        if (is(fault::extend_adds_to_the_rest) && extending_ && held) d += rest;
        if (is(fault::extend_never_shortens) && extending_ && held) d = std::max(d, rest);
        model_storage::prolong(r, d, now);
        if (is(fault::holder_is_not_named)) r.record.lease_until = until;
    }
    void record_run(model_row& r, attempt run) override
    {
        if (is(fault::output_is_dropped)) run.output = {};
        const auto older = r.runs;
        model_storage::record_run(r, std::move(run));
        if (is(fault::runs_are_kept_for_ever) && older.size() >= r.runs.size()) r.runs.insert(r.runs.begin(), older[0]);
        if (is(fault::runs_are_numbered_by_attempts)) r.runs.back().number = r.record.attempts + 1;
    }
    void give_back(model_row& r, state to) override
    {
        if (is(fault::cancel_is_forgotten_by_the_end)) r.record.cancel_requested = false;
        if (is(fault::release_always_to_pending) && to == state::failed) to = state::pending;
        model_storage::give_back(r, to);
    }
    void crash(model_row& r, std::string_view cause, const instant& now) override
    {
        const auto crashes = r.record.crashes;
        model_storage::crash(r, cause, now);
        if (is(fault::crash_counts_an_attempt)) ++r.record.attempts;
        if (is(fault::crash_is_not_counted)) r.record.crashes = crashes;
        if (is(fault::expired_jobs_are_failed)) r.record.state = state::failed;
        if (is(fault::expiry_goes_to_the_end)) r.record.sequence = kept().next_sequence++;
    }
    void retry(model_row& r, timestamp at) override
    {
        model_storage::retry(r, at);
        if (is(fault::retry_takes_a_new_sequence)) r.record.sequence = kept().next_sequence++;
    }
    void end(model_row& r, state to) override
    {
        if (is(fault::complete_leaves_the_job_waiting) && to == state::completed) to = state::pending;
        if (is(fault::bury_leaves_the_job_failed) && to == state::dead) to = state::failed;
        if (is(fault::cancel_leaves_the_job_waiting) && to == state::cancelled) to = state::pending;
        model_storage::end(r, to);
    }
    void unlock(model_row& r) override
    {
        const auto worker = r.record.locked_by;
        model_storage::unlock(r);
        if (is(fault::holder_is_not_named)) r.record.locked_by = worker;
    }

    insert_status insert_one(const job& j, const instant& now) override
    {
        job wrong = j;
        const auto cut = [](std::string& text, std::size_t n) { text = text.substr(0, n); };
        if (is(fault::payload_ends_at_nul)) cut(wrong.payload, wrong.payload.find('\0'));
        if (is(fault::payloads_end_at_1_mib)) cut(wrong.payload, 1U << 20);
        if (is(fault::empty_payloads_are_nul) && wrong.payload.empty()) wrong.payload.assign(1, '\0');
        if (is(fault::names_end_at_60_bytes)) cut(wrong.id, 127), cut(wrong.queue, 60);
        if (is(fault::dependencies_end_at_1000) && wrong.depends_on.size() > 1000) wrong.depends_on.resize(1000);
        if (is(fault::retries_are_16_bits)) wrong.max_retries &= 0xffff;
        if (is(fault::times_are_milliseconds)) wrong.run_at -= duration{wrong.run_at.time_since_epoch().count() % 1000};
        const bool known = kept().find(wrong.id) != nullptr;
        if (known && is(fault::insert_overwrites_duplicates)) kept().find(wrong.id)->record.job = wrong;
        if (is(fault::insert_stops_at_the_first_duplicate)) {
            if (&j == first_of_call_) stopped_ = false;
            if (stopped_) return insert_status::duplicate;
        }
        const auto told = model_storage::insert_one(wrong, now);
        stopped_ = told == insert_status::duplicate;
        if (is(fault::created_is_not_kept) && !known) kept().find(wrong.id)->record.created_at = timestamp{};
        return told;
    }

public:
    result<void> insert(std::span<const job> jobs, std::span<insert_status> statuses, const instant& now)
    {
        first_of_call_ = jobs.data();
        const std::size_t most = is(fault::batches_end_at_100) ? std::min<std::size_t>(jobs.size(), 100) : jobs.size();
        const auto seen = changes();
        auto told = model_storage::insert(jobs.first(most), statuses.first(most), now);
        if (is(fault::nobody_is_told_of_work)) untell(seen);
        return told;
    }

protected:
    void untell(change_counts seen)
    {
        const std::scoped_lock lock{kept().mutex};
        kept().changes = seen;
    }

    std::size_t reap(const instant& now) override
    {
        if (is(fault::only_asked_queues_are_reaped)) return reap_asked(now);
        std::size_t reaped = model_storage::reap(now);
        if (is(fault::reaps_without_bound))
            while (const std::size_t more = model_storage::reap(now)) reaped += more;
        return reaped;
    }
    std::size_t reap_asked(const instant& now)
    {
        std::size_t reaped = 0;
        for (auto& r : kept().rows)
            if (r.record.state == state::processing && expired(r, now) && wanted(r, *request_))
                crash(r, "lease expired", now), ++reaped;
        return reaped;
    }
    std::size_t repeat(const claim_request& request, std::vector<lease>& leases) override
    {
        if (is(fault::repeated_claim_finds_nothing)) return 0;
        const std::size_t found = model_storage::repeat(request, leases);
        if (is(fault::repeated_claim_returns_settled_jobs))
            for (const auto& r : kept().rows)
                if (r.record.settled_token.nonce == request.nonce) leases.push_back(told(r));
        if (is(fault::repeated_claim_takes_more) && found > 0) take(request, leases, now_);
        if (is(fault::repeated_claim_only_repeats) && found == 0) return request.max;
        return found;
    }

    extend_status extend_one(const receipt& which, duration d, const instant& now) override
    {
        auto* r = kept().find(which.id);
        if (r == nullptr && is(fault::extend_holds_unknown_jobs)) return extend_status::held;
        if (r != nullptr && is(fault::extend_revives_ended_leases) && settled_by(*r, which.token))
            return extend_status::held;
        if (r != nullptr && is(fault::clock_decides_extend) && expired(*r, now)) return extend_status::lease_lost;
        extending_ = true;
        auto told = model_storage::extend_one(which, d, now);
        extending_ = false;
        if (is(fault::cancel_is_not_told) && told == extend_status::cancel_requested) told = extend_status::held;
        return told;
    }
    settle_status settle_one(const settlement& s, const instant& now) override
    {
        auto* r = kept().find(s.receipt.id);
        if (r == nullptr && is(fault::unknown_jobs_are_lost_leases)) return settle_status::lease_lost;
        if (r != nullptr && is(fault::clock_decides_settle) && current(*r, s.receipt.token) && expired(*r, now))
            return settle_status::lease_lost;
        if (r != nullptr && settled_by(*r, s.receipt.token)) {
            if (is(fault::repeated_settle_counts_again) && s.report) ++r->record.attempts;
            if (is(fault::repeated_settle_ends_the_next_lease)) apply(*r, s, now);
        }
        return model_storage::settle_one(s, now);
    }
    void apply(model_row& r, const settlement& s, const instant& now) override
    {
        const bool release = s.verdict.kind == verdict_kind::release;
        const std::string id = r.record.job.id;
        const state before = r.before;
        settlement wrong = s;
        if (is(fault::release_forgets_its_error) && release) wrong.error.clear();
        if (is(fault::errors_end_at_255_bytes) && wrong.report)
            wrong.report->error = wrong.report->error.substr(0, 255);
        if (is(fault::nothing_is_retained)) r.record.job.retention = duration{0};
        model_storage::apply(r, wrong, now);
        if (const auto* row = kept().find(id); row == nullptr) return;
        wrong_after(*kept().find(id), s, before, now);
    }
    void wrong_after(model_row& r, const settlement& s, state before, const instant& now)
    {
        const bool release = s.verdict.kind == verdict_kind::release;
        if (is(fault::release_is_not_remembered) && release) r.record.settled_token = {};
        if (is(fault::release_counts_an_attempt) && release) ++r.record.attempts;
        if (is(fault::release_goes_to_the_end) && release && before == state::pending) r.record.job.run_at = now.wall;
        if (is(fault::released_retry_is_due_now) && release && before == state::failed) r.record.job.run_at = now.wall;
        if (is(fault::retry_counts_nothing) && s.verdict.kind == verdict_kind::retry) --r.record.attempts;
        if (is(fault::bury_without_report_counts) && !s.report && !release) ++r.record.attempts;
    }
    void complete(model_row& r, const std::string& value) override
    {
        const std::string error = r.record.error.empty() && !r.runs.empty() ? r.runs.front().error : r.record.error;
        if (is(fault::retention_is_ignored)) r.record.job.retention = duration_max;
        model_storage::complete(r, value);
        if (is(fault::success_keeps_the_error)) r.record.error = error;
    }

private:
    // Chooses under the lock, leases without looking again.
    result<claim_info> racing_claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        std::vector<std::string> chosen;
        {
            const std::scoped_lock lock{kept().mutex};
            if (request.repeat || kept().info.read_only)
                racing_ = false;
            else
                reaped_ = reap(now);
            for (auto* r = racing_ ? next(request, chosen, now) : nullptr; r != nullptr && chosen.size() < request.max;
                 r = next(request, chosen, now))
                chosen.push_back(r->record.job.id);
        }
        if (!std::exchange(racing_, true)) return model_storage::claim(request, leases, now);
        std::this_thread::yield();
        const std::scoped_lock lock{kept().mutex};
        for (std::size_t i = 0; i < chosen.size(); ++i)
            if (auto* r = kept().find(chosen[i])) {
                lease_out(*r, request, static_cast<std::uint32_t>(i), now);
                leases.push_back(told(*r));
            }
        return claim_info{next_at(request, chosen.size() == request.max, now), reaped_};
    }
    model_row* next(const claim_request& request, const std::vector<std::string>& chosen, const instant& now)
    {
        model_row* first = nullptr;
        for (auto& r : kept().rows)
            if (waits(r) && due(r, now) && wanted(r, request) && (first == nullptr || before(r, *first)) &&
                std::find(chosen.begin(), chosen.end(), r.record.job.id) == chosen.end())
                first = &r;
        return first;
    }

    fault fault_;
    bool racing_ = true;
    std::size_t reaped_ = 0;
    std::vector<lease_token> mine_;
    const claim_request* request_ = nullptr;
    instant now_;
    const job* first_of_call_ = nullptr;
    bool stopped_ = false;
    bool extending_ = false;
};

#endif
