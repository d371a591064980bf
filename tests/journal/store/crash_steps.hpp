// The life that journals lead before they crash, one step at a time.
#ifndef QUEUECTL_TESTS_JOURNAL_STORE_CRASH_STEPS_HPP
#define QUEUECTL_TESTS_JOURNAL_STORE_CRASH_STEPS_HPP

#include "journal/log_testing.hpp"
#include "journal/store/store_digest.hpp"

#include <queuectl/facets.hpp>
#include <queuectl/testing/model.hpp>

namespace queuectl::journal_testing {

enum class step_kind : std::uint8_t {
    insert_one,
    insert_two,
    claim,             // up to two; not synced
    complete,          // the first of what is held, or a stale lease
    fail_held,         // the first waits for a retry, the others are dead
    settle_and_claim,  // the first completes
    change,            // cancel or remove, of jobs that were inserted
    configure,
    // Rarer ones: not in the longest sequences.
    erase_config,
    revive,
    purge,
    reprioritise,
    free_worker,
    restore,  // two, one of them with an output that has a file
};
inline constexpr std::size_t common_step_kinds = 8;
inline constexpr std::size_t step_kinds = 14;

// A client of a store, real or model: the same steps are the same calls as long as they are answered alike.
class step_client {
public:
    // Whether what the last step was answered is durable: all but a claim on its own.
    [[nodiscard]] bool durable() const noexcept { return durable_; }

    // The i-th step; a digest of what it was told.
    template <class Store>
    [[nodiscard]] result<std::uint64_t> step(Store& store, step_kind kind, std::uint64_t i)
    {
        now_.wall = timestamp{std::chrono::hours{24}} + std::chrono::seconds{i};
        now_.boot = std::chrono::seconds{i};
        told_ = {};
        durable_ = true;
        auto done = call(store, kind, i);
        if (!done) return fail(done.error());
        return told_.value();
    }
    // The last step's call once more, and again while its outcome is unknown, or a sync that a dead process began has
    // failed.
    template <class Store>
    [[nodiscard]] result<std::uint64_t> repeat(Store& store, const step_client& before, step_kind kind, std::uint64_t i)
    {
        for (int round = 0;; ++round) {
            *this = before;
            repeats_ = true;
            auto told = step(store, kind, i);
            if (!again(told) || round == 2) return told;
        }
    }
    // A settle and a heartbeat with every lease that is not held any more. Null when all are refused.
    template <class Store>
    [[nodiscard]] const char* use_stale(Store& store)
    {
        for (const auto& r : stale_) {
            extend_status extended{};
            auto held = store.extend({&r, 1}, std::chrono::seconds{1}, {&extended, 1}, now_);
            if (again(held)) held = store.extend({&r, 1}, std::chrono::seconds{1}, {&extended, 1}, now_);
            if (!held) return "it cannot be extended";
            if (extended != extend_status::lease_lost) return "a stale lease was extended";
            settlement s;
            s.receipt = r;
            s.verdict.kind = verdict_kind::bury;
            settle_status settled{};
            auto done = store.settle({&s, 1}, {&settled, 1}, now_);
            if (again(done)) done = store.settle({&s, 1}, {&settled, 1}, now_);
            if (!done) return "it cannot be settled";
        }
        return nullptr;
    }
    [[nodiscard]] bool holds_the_same(const step_client& other) const
    {
        return std::equal(
            held_.begin(), held_.end(), other.held_.begin(), other.held_.end(),
            [](const lease& a, const lease& b) { return a.receipt().id == b.receipt().id && a.token == b.token; });
    }
    [[nodiscard]] const instant& now() const noexcept { return now_; }

private:
    template <class T>
    static bool again(const result<T>& done)
    {
        return !done && (done.error().code == errc::outcome_unknown || done.error().code == errc::io);
    }

    template <class Store>
    result<void> call(Store& store, step_kind kind, std::uint64_t i)
    {
        switch (kind) {
            case step_kind::insert_one: return insert(store, i, 1);
            case step_kind::insert_two: return insert(store, i, 2);
            case step_kind::claim: return settle(store, {}, true, i);
            case step_kind::complete: {
                settlement s = settled(held_.empty() ? stale() : held_.front().receipt(), verdict_kind::complete);
                s.result = "good";
                return settle(store, {std::move(s)}, false, i);
            }
            case step_kind::fail_held: {
                std::vector<settlement> all;
                for (const auto& l : held_) {
                    all.push_back(settled(l.receipt(), all.empty() ? verdict_kind::retry : verdict_kind::bury));
                    all.back().verdict.retry_at = now_.wall + std::chrono::seconds{1};
                }
                return settle(store, std::move(all), false, i);
            }
            case step_kind::settle_and_claim: {
                std::vector<settlement> first;
                if (!held_.empty()) {
                    const auto verdict = i % 2 == 0 ? verdict_kind::complete : verdict_kind::release;
                    first.push_back(settled(held_.front().receipt(), verdict));
                    if (i % 2 != 0) first.back().report.reset();
                }
                return settle(store, std::move(first), true, i);
            }
            case step_kind::change: return change(store, i);
            case step_kind::configure: return configure(store, i);
            case step_kind::erase_config: return tell(store.config_erase(ids_.size() % 2 == 0 ? "even" : "odd"));
            case step_kind::revive: {
                std::vector<change_status> statuses(2);
                auto done = store.revive(two_ids(i), statuses, now_);
                tell_all(statuses);
                return done;
            }
            case step_kind::purge: {
                job_filter which;
                if (i % 3 == 0) which.state = state::completed;
                if (i % 3 == 1) which.queue = "b";
                return tell(store.purge(which, 100));
            }
            case step_kind::reprioritise: return tell(store.reprioritise(two_ids(i)[0], i % 2 == 0 ? 2 : -1, now_));
            case step_kind::restore: return restore(store, i);
            case step_kind::free_worker: break;
        }
        auto freed = store.free_worker("w", "its worker died", now_);
        if (freed)
            while (!held_.empty()) drop(held_.front().receipt());
        return tell(freed);
    }

    // A repeated call may be answered otherwise.
    template <class T>
    result<void> tell(const result<T>& answer)
    {
        if (!answer) return fail(answer.error());
        if (!repeats_) told_ << *answer;
        return {};
    }
    void tell_all(const std::vector<change_status>& statuses)
    {
        if (!repeats_)
            for (const auto s : statuses) told_ << s;
    }
    [[nodiscard]] std::vector<std::string> two_ids(std::uint64_t i) const
    {
        if (ids_.empty()) return {"nobody", "nobody else"};
        return {ids_[i % ids_.size()], ids_[(i + 1) % ids_.size()]};
    }

    template <class Store>
    result<void> configure(Store& store, std::uint64_t i)
    {
        config_entry entry;
        entry.key = i % 2 == 0 ? "even" : "odd";
        entry.value = "value of step " + std::to_string(i);
        entry.version = any_version;
        return tell(store.config_put(entry, now_));
    }

    template <class Store>
    result<void> insert(Store& store, std::uint64_t i, std::size_t count)
    {
        std::vector<job> jobs(count);
        for (auto& j : jobs) {
            j.id = "job" + std::to_string(ids_.size());
            j.queue = i % 3 == 0 ? "a" : "b";
            j.kind = "k";
            j.payload = "payload of step " + std::to_string(i);
            j.run_at = now_.wall;
            j.priority = i % 4 == 1 ? 1 : 0;
            j.retention = i % 5 == 4 ? duration{0} : duration{std::chrono::hours{1}};
            j.nonce = {1, 100 + i};
            ids_.push_back(j.id);
        }
        std::vector<insert_status> statuses(count);
        auto done = store.insert(jobs, statuses, now_);
        for (const auto s : statuses) told_ << s;
        return done;
    }

    template <class Store>
    result<void> restore(Store& store, std::uint64_t i)
    {
        std::vector<stored_job> jobs(2);
        for (auto& j : jobs) {
            auto& r = j.record;
            const bool first = &j == &jobs.front();
            r.job.id = "job" + std::to_string(ids_.size());
            r.job.queue = i % 3 == 0 ? "a" : "b";
            r.job.kind = "k";
            r.job.payload = "restored in step " + std::to_string(i);
            r.job.run_at = r.created_at = r.updated_at = now_.wall;
            r.job.retention = std::chrono::hours{1};
            r.job.nonce = {1, 100 + i};
            r.state = first ? state::failed : state::dead;
            r.attempts = 1;
            r.settled_token = {{3, 100 + i}, 0};
            r.error = "exit code 3";
            auto& run = j.attempts.emplace_back();
            run.number = 1;
            run.error = r.error;
            run.output.head.assign(first ? 10 : 5000, 'o');
            run.output_bytes = run.output.head.size();
            ids_.push_back(r.job.id);
        }
        std::vector<insert_status> statuses(2);
        auto done = store.restore(jobs, statuses, now_);
        for (const auto s : statuses) told_ << s;
        return done;
    }

    [[nodiscard]] receipt stale() const { return stale_.empty() ? receipt{"job0", {{9, 9}, 0}} : stale_.back(); }
    [[nodiscard]] settlement settled(receipt r, verdict_kind kind) const
    {
        settlement s;
        s.receipt = std::move(r);
        s.verdict.kind = kind;
        s.report.emplace();
        s.report->started_at = s.report->ended_at = now_.wall;
        s.report->status = kind == verdict_kind::complete ? run_status::succeeded : run_status::failed;
        s.report->exit_code = kind == verdict_kind::complete ? 0 : 3;
        if (kind != verdict_kind::complete) s.report->error = "exit code 3";
        s.report->output.head = "out";
        s.report->output_bytes = 3;
        return s;
    }
    template <class Store>
    result<void> settle(Store& store, std::vector<settlement> settlements, bool claims, std::uint64_t i)
    {
        std::vector<settle_status> statuses(settlements.size());
        std::vector<lease> leases;
        claim_request request;
        request.max = settlements.empty() ? 2 : 1;
        request.worker = "w";
        request.nonce = {2, 100 + i};
        request.lease = std::chrono::milliseconds{2500};
        request.repeat = repeats_;
        durable_ = !settlements.empty() || !claims;
        if (!claims) {
            auto done = store.settle(settlements, statuses, now_);
            if (!done) return done;
        } else {
            auto done = store.settle_and_claim(settlements, statuses, request, leases, now_);
            if (!done) return fail(done.error());
            if (!repeats_) told_ << done->reaped << done->next_at;
        }
        // Repeated, what completed and was not to be kept is gone.
        for (const auto s : statuses) told_ << (s == settle_status::gone ? settle_status::applied : s);
        for (const auto& s : settlements) drop(s.receipt);
        for (auto& l : leases) {
            told_ << l.job.id << l.job.payload << l.job.run_at << l.token << l.attempts << l.crashes << l.error;
            held_.push_back(std::move(l));
        }
        return {};
    }
    void drop(const receipt& r)
    {
        for (auto it = held_.begin(); it != held_.end(); ++it)
            if (it->token == r.token) {
                stale_.push_back(r);
                held_.erase(it);
                return;
            }
    }

    template <class Store>
    result<void> change(Store& store, std::uint64_t i)
    {
        if (ids_.empty()) return {};
        const auto which = two_ids(i);
        std::vector<change_status> statuses(2);
        auto done = i % 2 == 0 ? store.cancel(which, statuses, now_) : store.remove(which, statuses);
        tell_all(statuses);
        return done;
    }

    instant now_{{}, {}, first_boot};
    std::vector<std::string> ids_;
    std::vector<lease> held_;
    std::vector<receipt> stale_;
    digest told_;
    bool repeats_ = false;
    bool durable_ = true;
};

// model_storage with one step for settle and claim. A job whose cancellation was asked for does not wait for a retry.
class fused_model : public model_storage {
protected:
    void retry(model_row& r, timestamp at) override
    {
        model_storage::retry(r, at);
        if (r.record.cancel_requested) r.record.state = state::cancelled;
    }

public:
    [[nodiscard]] result<claim_info> settle_and_claim(std::span<const settlement> settlements,
                                                      std::span<settle_status> statuses, const claim_request& request,
                                                      std::vector<lease>& leases, const instant& now)
    {
        if (!settlements.empty())
            if (auto done = settle(settlements, statuses, now); !done) return fail(done.error());
        return claim(request, leases, now);
    }
};

}  // namespace queuectl::journal_testing

#endif
