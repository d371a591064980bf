// The worker's loop: claim what can start at once, start it, settle what ended together with the next claim, wait.
#ifndef QUEUECTL_WORKER_HPP
#define QUEUECTL_WORKER_HPP

#include <queuectl/facets.hpp>
#include <queuectl/heartbeat.hpp>
#include <queuectl/lifecycle.hpp>
#include <queuectl/options.hpp>
#include <queuectl/run_table.hpp>
#include <queuectl/stop.hpp>
#include <queuectl/traits.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <vector>

namespace queuectl::inline v0 {

// When a run of the worker ends by itself.
enum class run_until : std::uint8_t {
    stopped,  // never: only by its stop_source, or by an error that no repetition can mend
    drained,  // nothing of its queues is due, processing anywhere, or waiting for a retry
    idle,     // nothing is due now and nothing of its own runs
};

// What a run of the worker did; each settled job counts once per run.
struct run_summary {
    std::uint64_t completed = 0;
    std::uint64_t retried = 0;  // failed, will be retried
    std::uint64_t buried = 0;   // into the dead letter queue
    std::uint64_t cancelled = 0;
    std::uint64_t released = 0;
    std::uint64_t lost = 0;  // the lease was lost: the result was thrown away
};

// Errors after which the same call may succeed later.
[[nodiscard]] constexpr bool is_transient(errc code) noexcept
{
    return code == errc::busy || code == errc::store_full || code == errc::unreachable || code == errc::io ||
           code == errc::outcome_unknown || code == errc::no_memory;
}

// One run of the loop over parts that it does not own. Used through basic_queue::run*. Not thread-safe.
template <class Storage, class Executor, class Backoff, class Traits>
class worker {
public:
    using time_source = typename Traits::time_source;
    static constexpr bool threads = Traits::threads && QUEUECTL_HAS_THREADS && !storage_traits<Storage>::single_thread;

    struct parts {
        Storage& storage;
        Executor& executor;
        const Backoff& backoff;
        const queue_options& options;
        const time_source& time;
        typename Traits::random_source& random;
        typename Traits::observer& observer;
        std::atomic<bool>& hint;  // set by an enqueue of the same queue
    };

    worker(const parts& p, run_until until, stop_source* stop)
        : p_{p}, until_{until}, stop_{stop}, heartbeat_{p.storage,
                                                        p.time,
                                                        wake_executor{&p.executor},
                                                        tell_trouble{&p.observer},
                                                        p.options.lease,
                                                        p.options.check}
    {
    }

    [[nodiscard]] result<run_summary> run()
    {
        while (true) {
            const instant now = p_.time.now();
            if constexpr (!threads) heartbeat_.beat_if_due(now);
            follow_stop();
            follow_news();
            if (auto stepped = step(now); !stepped) {
                if (gave_up(stepped.error(), now)) return abandon(stepped.error());
            }
            if (ended(now)) return summary_;
            p_.executor.collect(finished_, wait_time());
            take_finished();
        }
    }

private:
    struct wake_executor {
        Executor* executor;
        void operator()() const { executor->wake(); }
    };
    struct tell_trouble {
        typename Traits::observer* to;
        void operator()(const error& e) const { to->trouble(e); }
    };

    // --- what was told from outside ---

    void follow_stop()
    {
        const auto level = stop_ ? stop_->level() : stop_level::none;
        if (level == level_) return;
        level_ = level;
        if (level == stop_level::release)
            runs_.for_each([&](run_slot& r) { p_.executor.stop(r.held.token, stop_reason::shutdown); });
    }

    void follow_news()
    {
        const heartbeat_news news = heartbeat_.take();
        for (const auto& token : news.lost) {
            run_slot* r = runs_.find(token);
            if (!r || r->lost) continue;
            r->lost = true;
            p_.executor.stop(token, stop_reason::lease_lost);
        }
        for (const auto& token : news.cancelled)
            if (runs_.find(token)) p_.executor.stop(token, stop_reason::cancelled);
    }

    // --- settle and claim ---

    // How many jobs may start now.
    [[nodiscard]] std::size_t wanted() const
    {
        if (level_ != stop_level::none || solo_running_) return 0;
        if (solo_waiting_) return runs_.empty() ? 1 : 0;
        const std::size_t batch = std::min(p_.options.batch, storage_traits<Storage>::max_batch);
        return std::min<std::size_t>(p_.executor.capacity(), batch);
    }

    [[nodiscard]] bool worth_claiming(const instant& now)
    {
        if (heartbeat_.take_work() || p_.hint.exchange(false)) more_ = true;
        return more_ || now.wall >= next_at_ || now.boot >= next_check_;
    }

    result<void> step(const instant& now)
    {
        if (now.boot < paused_until_) return {};
        const std::size_t want = repeat_ ? last_want_ : wanted();
        const bool claiming = want > 0 && (!settling_.empty() || repeat_ || worth_claiming(now));
        if (settling_.empty() && !claiming) return {};
        statuses_.assign(settling_.size(), settle_status::applied);
        if (!claiming) {
            if (auto settled = settle_only(now); !settled) return settled;
        } else if (auto claimed = claim(want, now); !claimed) {
            return claimed;
        }
        failures_ = 0;
        apply_statuses();
        start_claimed(now);
        return {};
    }

    result<void> settle_only(const instant& now)
    {
        constexpr std::size_t batch = storage_traits<Storage>::max_batch;
        const std::span<const settlement> all{settling_};
        const std::span<settle_status> statuses{statuses_};
        for (std::size_t i = 0; i < all.size(); i += batch) {
            const std::size_t n = std::min(batch, all.size() - i);
            if (auto settled = p_.storage.settle(all.subspan(i, n), statuses.subspan(i, n), now); !settled)
                return settled;
        }
        return {};
    }

    result<void> claim(std::size_t want, const instant& now)
    {
        if (!repeat_) nonce_ = p_.random.draw_uid();
        last_want_ = want;
        const claim_request request{
            want, p_.options.queues, p_.options.kinds, p_.options.lease, p_.options.worker, nonce_, repeat_};
        leases_.clear();
        auto claimed = settling_.size() > storage_traits<Storage>::max_batch
                           ? settle_then_claim(request, now)
                           : settle_and_claim(p_.storage, settling_, statuses_, request, leases_, now);
        if (!claimed) {
            leases_.clear();
            repeat_ = repeat_ || claimed.error().code == errc::outcome_unknown;
            return fail(claimed.error());
        }
        repeat_ = false;
        more_ = leases_.size() >= want;
        next_at_ = claimed->next_at;
        next_check_ = add(now.boot, p_.options.check);
        if (solo_waiting_) solo_waiting_ = false;
        return {};
    }
    result<claim_info> settle_then_claim(const claim_request& request, const instant& now)
    {
        if (auto settled = settle_only(now); !settled) return fail(settled.error());
        return p_.storage.claim(request, leases_, now);
    }

    void apply_statuses()
    {
        heartbeat_.drop(settling_);
        for (std::size_t i = 0; i < settling_.size(); ++i) {
            run_slot& r = *settled_runs_[i];
            count(settling_[i].verdict.kind, statuses_[i]);
            if (r.started)
                p_.observer.settled(r.held, settling_[i], statuses_[i]);
            else if (settling_[i].verdict.kind == verdict_kind::bury)
                p_.observer.buried(r.held, settling_[i].error);
            runs_.recycle(&r);
        }
        settling_.clear();
        settled_runs_.clear();
    }

    void count(verdict_kind kind, settle_status status)
    {
        if (status != settle_status::applied) {
            ++summary_.lost;
            return;
        }
        switch (kind) {
            case verdict_kind::complete:
                ++summary_.completed;
                break;
            case verdict_kind::retry:
                ++summary_.retried;
                break;
            case verdict_kind::bury:
                ++summary_.buried;
                break;
            case verdict_kind::cancel:
                ++summary_.cancelled;
                break;
            case verdict_kind::release:
                ++summary_.released;
                break;
        }
    }

    // --- start ---

    void start_claimed(const instant& now)
    {
        for (const auto& l : leases_) heartbeat_.hold(l);
        const bool alone = !leases_.empty() && runs_.empty() && runs_alone(leases_.front());
        for (std::size_t i = 0; i < leases_.size(); ++i) {
            run_slot* r = runs_.hold(std::move(leases_[i]));
            if (crashed_too_often(r->held, p_.options.max_crashes)) {
                settle_unrun(r, verdict_kind::bury, crash_verdict_text(r->held));
            } else if (level_ != stop_level::none) {
                settle_unrun(r, verdict_kind::release, {});
            } else if (alone ? i > 0 : runs_alone(r->held)) {
                solo_waiting_ = solo_waiting_ || !alone;
                more_ = true;
                settle_unrun(r, verdict_kind::release, {});
            } else {
                start(r, now);
                solo_running_ = solo_running_ || (alone && r->started);
            }
        }
        leases_.clear();
    }

    void start(run_slot* r, const instant& now)
    {
        r->started = true;
        p_.observer.started(r->held);
        if (auto started = p_.executor.start(r->held, now)) {
            runs_.activate(r);
        } else {
            r->started = false;
            p_.observer.trouble(started.error());
            pause(now);
            settle_unrun(r, verdict_kind::release, {});
        }
    }

    void settle_unrun(run_slot* r, verdict_kind kind, std::string why)
    {
        settling_.push_back({r->held.receipt(), {kind, {}}, {}, std::move(why), {}});
        settled_runs_.push_back(r);
    }

    void take_finished()
    {
        const instant now = p_.time.now();
        for (auto& f : finished_) {
            run_slot* r = runs_.finish(f.token);
            if (!r) continue;
            if (runs_.empty()) solo_running_ = false;
            if (r->lost) {
                heartbeat_.drop(f.token);
                ++summary_.lost;
                runs_.recycle(r);
                continue;
            }
            const verdict v = decide(r->held, f.what, p_.backoff, p_.random(), now.wall);
            settling_.push_back(settle_run(r->held, std::move(f.what), v));
            settled_runs_.push_back(r);
        }
        finished_.clear();
    }

    // --- wait and end ---

    void pause(const instant& now)
    {
        failures_ = std::min(failures_ + 1, 6);
        paused_until_ = add(now.boot, duration{50'000} * (1 << failures_));
    }

    // Whether the loop must end with this error; otherwise the step is repeated after a pause.
    [[nodiscard]] bool gave_up(const error& e, const instant& now)
    {
        p_.observer.trouble(e);
        if (!is_transient(e.code)) return true;
        pause(now);
        return level_ == stop_level::release && ++last_tries_ > 5;
    }

    // Stops what runs, without a storage to tell of it: the leases run out.
    [[nodiscard]] failure_value abandon(const error& e)
    {
        runs_.for_each([&](run_slot& r) { p_.executor.stop(r.held.token, stop_reason::lease_lost); });
        while (!runs_.empty()) {
            p_.executor.collect(finished_, p_.options.check);
            for (const auto& f : finished_)
                if (run_slot* r = runs_.finish(f.token)) runs_.recycle(r);
            finished_.clear();
        }
        return fail(e);
    }

    [[nodiscard]] bool ended(const instant& now)
    {
        if (!runs_.empty() || !settling_.empty() || repeat_) return false;
        if (level_ != stop_level::none) return true;
        if (until_ == run_until::stopped || more_ || now.wall >= next_at_ || now.boot < paused_until_) return false;
        return until_ == run_until::idle || drained();
    }

    // Whether no job of the queues is being run anywhere or waits for its retry.
    [[nodiscard]] bool drained()
    {
        if constexpr (inspectable_storage<Storage>) {
            std::vector<queue_counts> counts;
            if (!p_.storage.counts(counts)) return false;
            return std::none_of(counts.begin(), counts.end(), [&](const queue_counts& c) {
                const auto& mine = p_.options.queues;
                const bool ours = mine.empty() || std::find(mine.begin(), mine.end(), c.queue) != mine.end();
                return ours && c[state::processing] + c[state::failed] > 0;
            });
        } else {
            return next_at_ == timestamp_max;
        }
    }

    [[nodiscard]] duration wait_time() const
    {
        const instant now = p_.time.now();
        if (now.boot < paused_until_) return paused_until_ - now.boot;
        if (!settling_.empty()) return duration{};
        duration wait = p_.options.check;
        if (wanted() > 0) {
            if (more_ || repeat_) return duration{};
            wait = std::min({wait, next_at_ - now.wall, next_check_ - now.boot});
        }
        if (until_ == run_until::drained) wait = std::min(wait, duration{100'000});
        if constexpr (!threads) wait = std::min({wait, heartbeat_.next_beat() - now.boot, duration{100'000}});
        return std::max(wait, duration{});
    }

    parts p_;
    run_until until_;
    stop_source* stop_;
    heartbeat<Storage, time_source, wake_executor, tell_trouble, threads> heartbeat_;
    run_summary summary_{};

    run_table runs_;
    std::vector<finished_run> finished_;
    std::vector<lease> leases_;
    std::vector<settlement> settling_;     // ended, the storage does not know yet
    std::vector<run_slot*> settled_runs_;  // of the same indices
    std::vector<settle_status> statuses_;

    stop_level level_ = stop_level::none;
    uid nonce_{};
    std::size_t last_want_ = 0;
    bool repeat_ = false;        // the claim of nonce_ had an unknown outcome
    bool more_ = true;           // a claim may find something now
    bool solo_waiting_ = false;  // a job that must run alone was seen: drain, then claim one
    bool solo_running_ = false;
    timestamp next_at_ = timestamp_max;
    duration next_check_{};
    duration paused_until_{};
    int failures_ = 0;
    int last_tries_ = 0;
};

}  // namespace queuectl::inline v0

#endif
