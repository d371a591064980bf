// Keeps a worker's leases alive and listens for news, beside the loop that runs the jobs.
#ifndef QUEUECTL_HEARTBEAT_HPP
#define QUEUECTL_HEARTBEAT_HPP

#include <queuectl/detail/sync.hpp>
#include <queuectl/facets.hpp>

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#if QUEUECTL_HAS_THREADS
#include <condition_variable>
#include <thread>
#endif

namespace queuectl::inline v0 {

// What the heartbeat learnt since it was last asked.
struct heartbeat_news {
    std::vector<lease_token> lost;       // stop these, throw their results away
    std::vector<lease_token> cancelled;  // stop these, someone asked
};

// Extends every held lease each third of its duration, and at once when a cancellation was asked for. With
// `Threads` this happens on a thread of its own that no job can starve, which also waits for the storage to tell
// of work and then calls `wake`; without, the loop calls beat_if_due(). hold, drop, take: any thread.
template <storage Storage, class TimeSource, class Wake, class Trouble, bool Threads>
class heartbeat {
public:
    heartbeat(Storage& s, const TimeSource& time, Wake wake, Trouble trouble, duration lease, duration check)
        : storage_{s},
          time_{time},
          wake_{std::move(wake)},
          trouble_{std::move(trouble)},
          lease_{lease},
          check_{check},
          next_beat_{add(time.now().boot, lease / 3)}
    {
        if constexpr (notifying_storage<Storage>) seen_ = storage_.changes();
#if QUEUECTL_HAS_THREADS
        if constexpr (Threads) thread_ = std::thread{[this] { listen(); }};
#endif
    }
    ~heartbeat()
    {
#if QUEUECTL_HAS_THREADS
        if constexpr (Threads) stop_thread();
#endif
    }
    heartbeat(const heartbeat&) = delete;
    heartbeat& operator=(const heartbeat&) = delete;

    void hold(const lease& l)
    {
        const detail::scoped_lock guard{mutex_};
        held_.push_back(l.receipt());
    }
    // Linear in what is held for a batch of any size, given in about the order of hold().
    void drop(std::span<const settlement> settled)
    {
        const detail::scoped_lock guard{mutex_};
        auto hint = held_.begin();
        for (const auto& s : settled) hint = forget(hint, s.receipt.token);
        std::erase_if(held_, [](const receipt& r) { return !r.token; });
    }
    void drop(lease_token token)
    {
        const detail::scoped_lock guard{mutex_};
        std::erase_if(held_, [&](const receipt& r) { return r.token == token; });
    }
    [[nodiscard]] heartbeat_news take()
    {
        const detail::scoped_lock guard{mutex_};
        return std::exchange(news_, {});
    }
    // Whether the storage has told of work since the last call.
    [[nodiscard]] bool take_work() { return work_.exchange(false); }

    // Without a thread: extends when it is time, or when a cancellation was asked for.
    void beat_if_due(const instant& now)
    {
        look();
        if (now.boot >= next_beat_ || control_) beat(now);
    }
    // Boot time of the next beat.
    [[nodiscard]] duration next_beat() const { return next_beat_; }

private:
    using receipts = std::vector<receipt>;

    typename receipts::iterator forget(typename receipts::iterator from, const lease_token& token)
    {
        const auto is_it = [&](const receipt& r) { return r.token == token; };
        auto found = std::find_if(from, held_.end(), is_it);
        if (found == held_.end()) found = std::find_if(held_.begin(), from, is_it);
        if (found == held_.end() || found->token != token) return from;
        found->token = {};
        return found + 1;
    }

    void look()
    {
        if constexpr (notifying_storage<Storage>) heard(storage_.changes());
    }
    void heard(change_counts now)
    {
        if (now.work != seen_.work) work_ = true;
        if (now.control != seen_.control) control_ = true;
        seen_ = now;
    }

    void beat(const instant& now)
    {
        control_ = false;
        next_beat_ = add(now.boot, lease_ / 3);
        receipts extending;
        {
            const detail::scoped_lock guard{mutex_};
            extending = held_;
        }
        constexpr std::size_t batch = storage_traits<Storage>::max_batch;
        for (std::size_t i = 0; i < extending.size(); i += batch)
            extend(std::span{extending}.subspan(i, std::min(batch, extending.size() - i)), now);
    }

    void extend(std::span<const receipt> part, const instant& now)
    {
        std::vector<extend_status> statuses(part.size());
        if (auto extended = storage_.extend(part, lease_, statuses, now); !extended) return trouble_(extended.error());
        const detail::scoped_lock guard{mutex_};
        for (std::size_t i = 0; i < part.size(); ++i) {
            if (statuses[i] == extend_status::lease_lost) news_.lost.push_back(part[i].token);
            if (statuses[i] == extend_status::cancel_requested) news_.cancelled.push_back(part[i].token);
        }
    }

#if QUEUECTL_HAS_THREADS
    void listen()
    {
        while (!quit_) listen_once();
        ended_ = true;
    }
    void listen_once()
    {
        const duration until_beat = next_beat_ - time_.now().boot;
        wait(std::clamp(until_beat, duration{1000}, check_));
        if (quit_) return;
        const instant now = time_.now();
        const bool beating = now.boot >= next_beat_ || control_;
        if (beating) beat(now);
        if (beating || work_) wake_();
    }
    void wait(duration max)
    {
        if constexpr (notifying_storage<Storage>) {
            heard(storage_.wait_for_change(seen_, max));
        } else {
            std::unique_lock lock{quit_mutex_};
            quit_changed_.wait_for(lock, max, [this] { return quit_.load(); });
        }
    }
    void stop_thread()
    {
        {
            const std::lock_guard lock{quit_mutex_};
            quit_ = true;
        }
        quit_changed_.notify_all();
        if constexpr (notifying_storage<Storage>) {
            while (!ended_) {  // an interrupt that comes just before the wait is lost
                storage_.interrupt_waits();
                std::this_thread::sleep_for(std::chrono::microseconds{100});
            }
        }
        thread_.join();
    }
#endif

    Storage& storage_;
    const TimeSource& time_;
    Wake wake_;
    Trouble trouble_;
    duration lease_;
    duration check_;
    duration next_beat_;
    change_counts seen_{};
    std::atomic<bool> work_{false};
    bool control_ = false;
    detail::mutex mutex_;
    receipts held_;
    heartbeat_news news_;
#if QUEUECTL_HAS_THREADS
    std::atomic<bool> quit_{false};
    std::atomic<bool> ended_{false};
    std::mutex quit_mutex_;
    std::condition_variable quit_changed_;
    std::thread thread_;
#endif
};

}  // namespace queuectl::inline v0

#endif
