// An executor whose runs end when, and as, the test says.
#pragma once

#include <queuectl/executor.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

struct manual_executor {
    struct run {
        const queuectl::lease* lease;
        std::vector<queuectl::stop_reason> stops{};
    };
    struct shared {
        std::size_t slots = 4;
        std::vector<std::string> started{};  // ids, in order
        std::vector<run> running{};
        std::vector<queuectl::finished_run> finished{};
        std::vector<std::pair<std::string, queuectl::stop_reason>> stopped{};
        bool refuse = false;                    // start fails: nothing can be spawned
        std::function<void()> on_wait = [] {};  // called by each collect: the test's turn

        void finish(const std::string& id, queuectl::outcome o)
        {
            const auto it =
                std::find_if(running.begin(), running.end(), [&](const run& r) { return r.lease->job.id == id; });
            if (it == running.end()) return;
            finished.push_back({it->lease->token, std::move(o)});
            running.erase(it);
        }
        void finish_all(const queuectl::outcome& o)
        {
            while (!running.empty()) finish(std::string{running.front().lease->job.id}, o);
        }
    };
    shared* s;

    std::size_t capacity() const { return s->slots - std::min(s->slots, s->running.size()); }
    queuectl::result<void> start(const queuectl::lease& l, const queuectl::instant&)
    {
        if (s->refuse) return queuectl::fail(queuectl::errc::spawn_failed, "fork", "no process left");
        s->started.push_back(l.job.id);
        s->running.push_back({&l});
        return {};
    }
    void collect(std::vector<queuectl::finished_run>& out, queuectl::duration)
    {
        s->on_wait();
        for (auto& f : s->finished) out.push_back(std::move(f));
        s->finished.clear();
    }
    void stop(queuectl::lease_token token, queuectl::stop_reason reason)
    {
        for (const auto& r : s->running)
            if (r.lease->token == token) s->stopped.emplace_back(r.lease->job.id, reason);
    }
    void wake() noexcept {}
};

inline queuectl::outcome success()
{
    queuectl::outcome o;
    o.report.status = queuectl::run_status::succeeded;
    return o;
}
inline queuectl::outcome failure(std::string why = "no luck")
{
    queuectl::outcome o;
    o.report.status = queuectl::run_status::failed;
    o.report.error = std::move(why);
    return o;
}
inline queuectl::outcome released()
{
    queuectl::outcome o;
    o.released = true;
    return o;
}
