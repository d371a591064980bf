// What stands between memory_storage and a bare queue: the same cycle (64 jobs in, the same 64 claimed, completed; one
// thread, one lock a call) on its own parts, from a list of numbered slots up to the whole. Each line adds to the one
// before; the last is ours.
#include "report.hpp"

#include <queuectl/storage/memory.hpp>

#include <array>

namespace {

using namespace queuectl;

constexpr std::size_t batch = 64;
constexpr int batches = 10'000;
constexpr instant now{timestamp{std::chrono::hours{24 * 365 * 50}}, std::chrono::hours{1}, uid{0, 1}};

enum rung { numbers, ids, copied_in, copied_out };

std::vector<job> make_jobs()
{
    std::vector<job> jobs(batch);
    for (std::size_t i = 0; i < batch; ++i) {
        jobs[i].id = "000000" + std::to_string(10 + i);
        jobs[i].queue = "default";
        jobs[i].kind = "mail";
        jobs[i].payload = "user=4711";
        jobs[i].run_at = now.wall;
        jobs[i].nonce = {1, i + 1};
    }
    return jobs;
}

// A first-in, first-out queue of slots that does only what its rung says.
template <rung R>
class bare_queue {
public:
    void insert(std::span<const job> jobs)
    {
        const detail::memory_guard guard{lock_};
        table_.reserve(jobs.size());
        for (const job& j : jobs) {
            if constexpr (R == numbers) {
                append(slab_.take());
            } else {
                const std::uint32_t hash = table_.hash(j.id);
                std::size_t end = 0;
                if (table_.find(j.id, hash, end)) continue;
                detail::memory_slot& slot = slab_.take();
                if constexpr (R == ids) {
                    slot.id.assign(j.id);
                } else {
                    slot.lane = &lanes_.at(j.queue, j.kind);
                    detail::memory_write(slot, j, now.wall);
                }
                table_.add(slot, hash, end);
                append(slot);
            }
        }
    }
    void claim()
    {
        const detail::memory_guard guard{lock_};
        claimed_ = 0;
        if constexpr (R == copied_out) leases_.clear();
        for (; claimed_ < batch && first_; first_ = first_->next, ++claimed_) {
            if constexpr (R == numbers)
                slots_[claimed_] = first_;
            else if constexpr (R == copied_out)
                detail::memory_read_lease(*first_, {uid{1, 1}, static_cast<std::uint32_t>(claimed_)}, leases_);
            else
                ids_[claimed_].assign(first_->id.view());
        }
    }
    void complete()
    {
        const detail::memory_guard guard{lock_};
        for (std::size_t i = 0; i < claimed_; ++i)
            if constexpr (R == numbers)
                slab_.give_back(*slots_[i]);
            else if constexpr (R == copied_out)
                remove(leases_[i].job.id);
            else
                remove(ids_[i]);
    }

private:
    void append(detail::memory_slot& slot)
    {
        slot.next = nullptr;
        (first_ ? last_->next : first_) = &slot;
        last_ = &slot;
    }
    void remove(const std::string& id)
    {
        detail::memory_slot* const slot = table_.find(id);
        table_.drop(*slot);
        slab_.give_back(*slot);
    }

    detail::memory_lock lock_;
    detail::memory_slab slab_;
    detail::memory_table table_{slab_};
    detail::memory_lanes lanes_;
    detail::memory_slot* first_ = nullptr;
    detail::memory_slot* last_ = nullptr;

    std::size_t claimed_ = 0;
    std::array<detail::memory_slot*, batch> slots_{};
    std::array<std::string, batch> ids_{};
    std::vector<lease> leases_;
};

class ours {
public:
    void insert(std::span<const job> jobs)
    {
        std::array<insert_status, batch> statuses{};
        static_cast<void>(storage_.insert(jobs, statuses, now));
    }
    void claim()
    {
        leases_.clear();
        ++nonce_.low;
        static_cast<void>(storage_.claim({batch, {}, {}, std::chrono::seconds{30}, "w", nonce_, false}, leases_, now));
    }
    void complete()
    {
        settlements_.resize(leases_.size());
        for (std::size_t i = 0; i < leases_.size(); ++i) {
            settlements_[i].receipt.id = leases_[i].job.id;
            settlements_[i].receipt.token = leases_[i].token;
        }
        std::array<settle_status, batch> statuses{};
        static_cast<void>(storage_.settle(settlements_, statuses, now));
    }

private:
    memory_storage storage_;
    uid nonce_{2, 0};
    std::vector<lease> leases_;
    std::vector<settlement> settlements_;
};

// Jobs a second.
template <class Queue>
double cycles()
{
    const std::vector<job> jobs = make_jobs();
    Queue queue;
    const double took = bench::seconds([&] {
        for (int b = 0; b < batches; ++b) {
            queue.insert(jobs);
            queue.claim();
            queue.complete();
        }
    });
    return static_cast<double>(batches * batch) / took;
}

struct step {
    const char* name;
    double (*run)();
};
constexpr step steps[] = {
    {"numbered slots in a list", cycles<bare_queue<numbers>>},
    {"+ ids as text, in a hash table", cycles<bare_queue<ids>>},
    {"+ the job copied in", cycles<bare_queue<copied_in>>},
    {"+ the job copied out into a lease", cycles<bare_queue<copied_out>>},
    {"+ states, orders, tokens, leases: memory_storage", cycles<ours>},
};

}  // namespace

int main(int argc, char** argv)
{
    const bench::report out{argc, argv};
    std::vector<std::vector<double>> rates(std::size(steps));
    for (int turn = 0; turn < 10; ++turn)
        for (std::size_t i = 0; i < std::size(steps); ++i) rates[i].push_back(steps[i].run());
    for (auto& r : rates) std::sort(r.begin(), r.end());
    for (std::size_t i = 0; i < std::size(steps); ++i) {
        const double median = rates[i][rates[i].size() / 2];
        out.figure(std::string{"memory limit: "} + steps[i].name, median, "jobs/s",
                   median / rates[0][rates[0].size() / 2], steps[0].name);
    }
}
