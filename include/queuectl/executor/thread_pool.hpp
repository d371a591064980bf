// Runs handlers on threads of its own.
#ifndef QUEUECTL_EXECUTOR_THREAD_POOL_HPP
#define QUEUECTL_EXECUTOR_THREAD_POOL_HPP

#include <queuectl/detail/event.hpp>
#include <queuectl/detail/run_handler.hpp>
#include <queuectl/fwd.hpp>

#if QUEUECTL_HAS_THREADS

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#if QUEUECTL_HAS_EXCEPTIONS
#include <system_error>
#endif

namespace queuectl::inline v0 {

// `thread_pool_executor{4, handler}`: up to four jobs at once. All threads call the one handler, at the same
// time: it must be safe for that. Threads are started when there is work for them. stop() reaches a running
// handler through its context. The destructor asks what runs to stop (stop_reason::shutdown) and waits for it.
// Movable while nothing runs.
template <class Handler, class Clock>
class thread_pool_executor {
    static_assert(job_handler<Handler>,
                  "a handler is called as h(const queuectl::job&, queuectl::context&) or h(const queuectl::job&) and "
                  "returns void, bool, outcome, result<void> or result<std::string>");

public:
    thread_pool_executor(std::size_t threads, Handler h, Clock clock = Clock{})
        : pool_{std::make_unique<pool>(threads == 0 ? 1 : threads, std::move(h), std::move(clock))}
    {
    }

    [[nodiscard]] std::size_t capacity() const noexcept { return pool_->free_.size(); }

    [[nodiscard]] result<void> start(const lease& l, const instant& now)
    {
        QUEUECTL_ASSERT(capacity() > 0);
        return pool_->start(l, now);
    }

    void collect(std::vector<finished_run>& out, duration max) { pool_->collect(out, max); }
    void stop(lease_token token, stop_reason why) noexcept { pool_->stop(token, why); }
    void wake() noexcept { pool_->news_.set(); }

    [[nodiscard]] Handler& handler() noexcept { return pool_->handler_; }

private:
    // One run in flight. The loop's thread fills it in, one worker thread runs it, the loop's thread collects it.
    struct slot {
        const lease* held = nullptr;  // null: free
        timestamp started_at{};
        stop_flag stop{};
        finished_run run{};
    };

    struct pool {
        pool(std::size_t size, Handler h, Clock c) : handler_{std::move(h)}, clock_{std::move(c)}, slots_(size)
        {
            for (slot& s : slots_) free_.push_back(&s);
            ready_.reserve(size);
            ended_.reserve(size);
            collected_.reserve(size);
        }
        ~pool()
        {
            for (slot& s : slots_) s.stop.request(stop_reason::shutdown);
            {
                const std::lock_guard lock{mutex_};
                closing_ = true;
            }
            work_.notify_all();
            for (std::thread& t : threads_) t.join();
        }

        result<void> start(const lease& l, const instant& now)
        {
            const std::size_t running = slots_.size() - free_.size();
            if (threads_.size() <= running)
                if (auto grown = add_thread(); !grown) return grown;
            slot& s = *free_.back();
            free_.pop_back();
            s.held = &l;
            s.started_at = now.wall;
            s.stop.reset();
            s.run.token = l.token;
            s.run.what = outcome{};
            {
                const std::lock_guard lock{mutex_};
                ready_.push_back(&s);
            }
            work_.notify_one();
            return {};
        }

        result<void> add_thread()
        {
#if QUEUECTL_HAS_EXCEPTIONS
            try {
                threads_.emplace_back([this] { serve(); });
            } catch (const std::system_error& e) {
                return fail(errc::spawn_failed, "start a thread", e.what(), e.code().value());
            }
#else
            threads_.emplace_back([this] { serve(); });
#endif
            return {};
        }

        void collect(std::vector<finished_run>& out, duration max)
        {
            const bool woken = news_.wait_for(duration{0});
            if (!take_ended() && !woken && max > duration{0}) {
                news_.wait_for(max);
                take_ended();
            }
            for (slot* s : collected_) {
                out.push_back(std::move(s->run));
                s->held = nullptr;
                free_.push_back(s);
            }
            collected_.clear();
        }

        bool take_ended()
        {
            const std::lock_guard lock{mutex_};
            std::swap(ended_, collected_);
            return !collected_.empty();
        }

        void stop(lease_token token, stop_reason why) noexcept
        {
            for (slot& s : slots_)
                if (s.held && s.run.token == token) s.stop.request(why);
        }

        // A worker thread's life.
        void serve()
        {
            while (slot* s = next()) {
                run(*s);
                {
                    const std::lock_guard lock{mutex_};
                    ended_.push_back(s);
                }
                news_.set();
            }
        }

        slot* next()
        {
            std::unique_lock lock{mutex_};
            work_.wait(lock, [this] { return closing_ || !ready_.empty(); });
            if (ready_.empty()) return nullptr;
            slot* s = ready_.front();
            ready_.erase(ready_.begin());
            return s;
        }

        void run(slot& s)
        {
            // Asked to stop before it began: it does not.
            if (const auto why = s.stop.reason()) {
                s.run.what.released = true;
                detail::apply_stop(s.run.what, why, false);
                s.run.what.report.started_at = s.run.what.report.ended_at = s.started_at;
                return;
            }
            detail::run_handler(handler_, *s.held, s.stop, clock_, clock_(), s.started_at, s.run.what);
        }

        Handler handler_;
        [[no_unique_address]] const Clock clock_;
        std::vector<slot> slots_;       // of the loop's thread, but for the runs in flight
        std::vector<slot*> free_;       // of the loop's thread
        std::vector<slot*> collected_;  // of the loop's thread
        std::vector<std::thread> threads_;
        detail::event news_;

        std::mutex mutex_;  // guards what follows
        std::condition_variable work_;
        std::vector<slot*> ready_;
        std::vector<slot*> ended_;
        bool closing_ = false;
    };

    std::unique_ptr<pool> pool_;
};

}  // namespace queuectl::inline v0

#endif
#endif
