// The worker's loop: claim what can start at once, start it, settle what ended together with the next claim, wait.
#ifndef QUEUECTL_WORKER_HPP
#define QUEUECTL_WORKER_HPP

#include <queuectl/detail/exchange.hpp>
#include <queuectl/facets.hpp>
#include <queuectl/heartbeat.hpp>
#include <queuectl/lifecycle.hpp>
#include <queuectl/options.hpp>
#include <queuectl/run_summary.hpp>
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
        : p_{p},
          until_{until},
          stop_{stop},
          heartbeat_{p.storage,       p.time,         wake_executor{&p.executor}, tell_trouble{&p.observer},
                     p.options.lease, p.options.check},
          exchange_{p.storage, p.options}
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

    result<void> step(const instant& now)
    {
        if (now.boot < paused_until_) return {};
        if (heartbeat_.take_work() || p_.hint.exchange(false)) exchange_.expect_more();
        std::size_t want = wanted();
        if (!exchange_.settling() && !exchange_.worth_claiming(now)) want = 0;
        if (!exchange_.settling() && !exchange_.repeating() && want == 0) return {};
        if (auto stepped = exchange_.step(want, p_.random.draw_uid(), now); !stepped) return stepped;
        failures_ = 0;
        fails_since_.reset();
        if (want > 0) solo_waiting_ = false;
        tell_settled();
        start_claimed(now);
        return {};
    }

    void tell_settled()
    {
        heartbeat_.drop(exchange_.settlements());
        exchange_.take_settled([&](run_slot& r, const settlement& s, settle_status status) {
            summary_.count(s.verdict.kind, status);
            if (r.started)
                p_.observer.settled(r.held, s, status);
            else if (s.verdict.kind == verdict_kind::bury)
                p_.observer.buried(r.held, s.error);
            runs_.recycle(&r);
        });
    }

    // --- start ---

    // A job that must run alone starts when its lease is the only one held here: what else was claimed with it would
    // count as cut off, should it take this worker down.
    void start_claimed(const instant& now)
    {
        auto& leases = exchange_.leases();
        for (const auto& l : leases) heartbeat_.hold(l);
        const bool alone = leases.size() == 1 && runs_.empty() && runs_alone(leases.front());
        for (auto& l : leases) {
            run_slot* r = runs_.hold(std::move(l));
            if (crashed_too_often(r->held, p_.options.max_crashes)) {
                settle_unrun(r, verdict_kind::bury, crash_verdict_text(r->held));
            } else if (level_ != stop_level::none) {
                settle_unrun(r, verdict_kind::release, {});
            } else if (!alone && runs_alone(r->held)) {
                solo_waiting_ = true;
                exchange_.expect_more();
                settle_unrun(r, verdict_kind::release, {});
            } else {
                start(r, now);
                solo_running_ = solo_running_ || (alone && r->started);
            }
        }
        leases.clear();
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
        exchange_.settle(r, {r->held.receipt(), {kind, {}}, {}, std::move(why), {}});
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
            exchange_.settle(r, settle_run(r->held, std::move(f.what), v));
        }
        finished_.clear();
    }

    // --- wait and end ---

    void pause(const instant& now)
    {
        failures_ = std::min(failures_ + 1, 6);
        paused_until_ = add(now.boot, duration{50'000} * (1 << failures_));
    }

    // Whether the loop must end with this error; otherwise the step is repeated after a pause. Who finishes tries for as
    // long as its leases may have lasted since the first failure; who releases, a few times.
    [[nodiscard]] bool gave_up(const error& e, const instant& now)
    {
        p_.observer.trouble(e);
        if (!is_transient(e.code)) return true;
        pause(now);
        if (!fails_since_) fails_since_ = now.boot;
        if (level_ == stop_level::release) return ++last_tries_ > 5;
        return level_ == stop_level::finish && now.boot - *fails_since_ > p_.options.lease;
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
        if (!runs_.empty() || exchange_.settling() || exchange_.repeating()) return false;
        if (level_ != stop_level::none) return true;
        if (until_ == run_until::stopped || !exchange_.nothing_due(now) || now.boot < paused_until_) return false;
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
            return exchange_.nothing_waits();
        }
    }

    [[nodiscard]] duration wait_time() const
    {
        const instant now = p_.time.now();
        if (now.boot < paused_until_) return paused_until_ - now.boot;
        if (exchange_.settling() || exchange_.repeating()) return duration{};
        duration wait = p_.options.check;
        if (wanted() > 0) wait = std::min(wait, exchange_.idle_time(now));
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
    detail::exchange<Storage> exchange_;
    std::vector<finished_run> finished_;

    stop_level level_ = stop_level::none;
    bool solo_waiting_ = false;  // a job that must run alone was seen: drain, then claim one
    bool solo_running_ = false;
    duration paused_until_{};
    int failures_ = 0;
    std::optional<duration> fails_since_{};  // the steps, in this boot
    int last_tries_ = 0;
};

}  // namespace queuectl::inline v0

#endif
