// memory_storage, jobs a second (each inserted, claimed and completed), against the queue that people write by hand:
// std::priority_queue, std::unordered_map and a std::mutex.
#include "report.hpp"

#include <queuectl/storage/memory.hpp>

#include <array>
#include <mutex>
#include <queue>
#include <thread>
#include <unordered_map>

namespace {

using namespace queuectl;
using bench::seconds;

constexpr instant now{timestamp{std::chrono::hours{24 * 365 * 50}}, std::chrono::hours{1}, uid{0, 1}};

// The id is the number in 8 digits of base 16.
void name_job(job& j, std::uint32_t number)
{
    char text[8];
    for (int i = 7; i >= 0; --i, number >>= 4) text[i] = "0123456789abcdef"[number & 15];
    j.id.assign(text, 8);
    j.nonce = {1, number + 1};
}
job new_job()
{
    job j;
    j.queue = "default";
    j.kind = "mail";
    j.payload = "user=4711";
    j.run_at = now.wall;
    return j;
}

class ours {
public:
    void insert(std::span<const job> jobs)
    {
        std::array<insert_status, 64> statuses{};
        static_cast<void>(storage_.insert(jobs, {statuses.data(), jobs.size()}, now));
    }
    // One thread's hands: what it claims and settles, kept from call to call as a worker does.
    struct hands {
        std::vector<lease> leases;
        std::vector<settlement> settlements;
        std::array<settle_status, 64> statuses{};
        uid nonce{};
    };
    std::size_t claim(hands& h, std::size_t n)
    {
        h.leases.clear();
        ++h.nonce.low;
        static_cast<void>(storage_.claim({n, {}, {}, std::chrono::seconds{30}, "w", h.nonce, false}, h.leases, now));
        return h.leases.size();
    }
    void complete(hands& h)
    {
        h.settlements.resize(std::max(h.settlements.size(), h.leases.size()));
        for (std::size_t i = 0; i < h.leases.size(); ++i) {
            h.settlements[i].receipt.id = h.leases[i].job.id;
            h.settlements[i].receipt.token = h.leases[i].token;
        }
        const std::size_t n = h.leases.size();
        static_cast<void>(storage_.settle({h.settlements.data(), n}, {h.statuses.data(), n}, now));
    }

private:
    memory_storage storage_;
};

class by_hand {
public:
    void insert(std::span<const job> jobs)
    {
        const std::scoped_lock guard{mutex_};
        for (const job& j : jobs)
            if (jobs_.try_emplace(j.id, j).second) order_.push({j.priority, j.run_at, ++sequence_, j.id});
    }
    struct hands {
        std::vector<job> jobs;
        uid nonce{};
    };
    std::size_t claim(hands& h, std::size_t n)
    {
        h.jobs.clear();
        const std::scoped_lock guard{mutex_};
        for (; h.jobs.size() < n && !order_.empty() && order_.top().run_at <= now.wall; order_.pop())
            h.jobs.push_back(jobs_.at(order_.top().id));
        return h.jobs.size();
    }
    void complete(hands& h)
    {
        const std::scoped_lock guard{mutex_};
        for (const job& j : h.jobs) jobs_.erase(j.id);
    }

private:
    struct entry {
        int priority;
        timestamp run_at;
        std::uint64_t sequence;
        std::string id;
        friend bool operator<(const entry& a, const entry& b)
        {
            if (a.priority != b.priority) return a.priority < b.priority;
            return a.run_at != b.run_at ? a.run_at > b.run_at : a.sequence > b.sequence;
        }
    };
    std::mutex mutex_;
    std::priority_queue<entry> order_;
    std::unordered_map<std::string, job> jobs_;
    std::uint64_t sequence_ = 0;
};

// Inserts `total` jobs, then claims and completes all, `batch` a call.
template <class Queue>
double drain(Queue& q, std::uint32_t total, std::size_t batch)
{
    std::vector<job> jobs(batch, new_job());
    typename Queue::hands hands;
    hands.nonce = {2, 0};
    const double time = seconds([&] {
        for (std::uint32_t i = 0; i < total; i += static_cast<std::uint32_t>(batch)) {
            for (std::size_t k = 0; k < batch; ++k) name_job(jobs[k], i + static_cast<std::uint32_t>(k));
            q.insert(jobs);
        }
        while (q.claim(hands, batch) > 0) q.complete(hands);
    });
    return total / time;
}

// `batch` jobs in, the same out, again and again.
template <class Queue>
double ping_pong(Queue& q, std::uint32_t total, std::size_t batch, std::uint32_t first = 0)
{
    std::vector<job> jobs(batch, new_job());
    typename Queue::hands hands;
    hands.nonce = {3 + first, 0};
    for (std::size_t k = 0; k < batch; ++k) name_job(jobs[k], first + static_cast<std::uint32_t>(k));
    const double time = seconds([&] {
        for (std::uint32_t i = 0; i < total; i += static_cast<std::uint32_t>(batch)) {
            for (std::size_t k = 0; batch == 1 && k < batch; ++k) name_job(jobs[k], first + i);
            q.insert(jobs);
            q.claim(hands, batch);
            q.complete(hands);
        }
    });
    return total / time;
}

// One thread inserts, the other claims and completes.
template <class Queue>
double two_threads(Queue& q, std::uint32_t total, std::size_t batch)
{
    const double time = seconds([&] {
        std::thread producer{[&] {
            std::vector<job> jobs(batch, new_job());
            for (std::uint32_t i = 0; i < total; i += static_cast<std::uint32_t>(batch)) {
                for (std::size_t k = 0; k < batch; ++k) name_job(jobs[k], i + static_cast<std::uint32_t>(k));
                q.insert(jobs);
            }
        }};
        typename Queue::hands hands;
        hands.nonce = {4, 0};
        for (std::uint32_t done = 0; done < total;) {
            const std::size_t n = q.claim(hands, batch);
            if (n > 0) q.complete(hands);
            done += static_cast<std::uint32_t>(n);
        }
        producer.join();
    });
    return total / time;
}

template <class Workload>
void compare(const bench::report& out, std::string_view name, Workload workload)
{
    ours a;
    by_hand b;
    const auto rates = bench::medians(
        5, [&] { return workload(a); }, [&] { return workload(b); });
    out.figure(name, rates.ours, "jobs/s", rates.ratio, "priority_queue + unordered_map");
}

}  // namespace

int main(int argc, char** argv)
{
    const bench::report out{argc, argv};
    compare(out, "memory/ping-pong", [](auto& q) { return ping_pong(q, 1'000'000, 1); });
    compare(out, "memory/batches of 64", [](auto& q) { return ping_pong(q, 1'600'000, 64); });
    compare(out, "memory/drain 1 M", [](auto& q) { return drain(q, 1'000'000, 1); });
    compare(out, "memory/drain 1 M, batches of 64", [](auto& q) { return drain(q, 1'000'000, 64); });
    compare(out, "memory/two threads", [](auto& q) { return two_threads(q, 1'000'000, 1); });
    compare(out, "memory/two threads, batches of 64", [](auto& q) { return two_threads(q, 1'600'000, 64); });
}
