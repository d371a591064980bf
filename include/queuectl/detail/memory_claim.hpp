// claim on a memory_core.
#ifndef QUEUECTL_DETAIL_MEMORY_CLAIM_HPP
#define QUEUECTL_DETAIL_MEMORY_CLAIM_HPP

#include <queuectl/detail/memory_core.hpp>

namespace queuectl::inline v0::detail {

// One claim under way. Until commit, its destruction undoes it.
class memory_claim {
public:
    memory_claim(memory_core& core, const claim_request& request, std::vector<lease>& leases, const instant& now,
                 std::size_t max)
        : core_{core},
          request_{request},
          leases_{leases},
          first_{leases.size()},
          now_{now},
          max_{max},
          boot_{core.boot(now.boot_id)},
          worker_{boot_.worker(request.worker)}
    {
    }
    memory_claim(const memory_claim&) = delete;
    memory_claim& operator=(const memory_claim&) = delete;
    ~memory_claim()
    {
        if (committed_) return;
        while (taken_ > 0) put_back(*core_.found[--taken_]);
        leases_.erase(leases_.begin() + static_cast<std::ptrdiff_t>(first_), leases_.end());
    }
    void commit() noexcept { committed_ = true; }

    // Leases of an earlier claim with this nonce, in its order; how many.
    std::size_t again()
    {
        core_.found.clear();
        for (const auto& boot : core_.boots)
            if (const memory_worker* worker = boot->find(request_.worker))
                worker->for_each([&](memory_slot& slot) {
                    if (slot.token.nonce == request_.nonce) core_.found.push_back(&slot);
                    return true;
                });
        std::sort(core_.found.begin(), core_.found.end(),
                  [](const memory_slot* a, const memory_slot* b) { return a->token < b->token; });
        for (const memory_slot* slot : core_.found) memory_read_lease(*slot, slot->token, leases_);
        return core_.found.size();
    }

    // Leases what is due; the earliest time when there may be more.
    timestamp take_due()
    {
        core_.found.resize(std::max(core_.found.size(), max_));
        worker_.reserve(max_);
        core_.recent.begin(request_.nonce);
        const bool all = request_.queues.empty() && request_.kinds.empty();
        const timestamp next = all ? take_from_all() : take_from_matched();
        return taken_ == max_ ? now_.wall : next;
    }

private:
    [[nodiscard]] bool due(const memory_slot& slot) const noexcept { return slot.run_at <= now_.wall; }

    timestamp take_from_all()
    {
        timestamp next = timestamp_max;
        core_.order.for_each_level([&](memory_level& level) {
            while (!level.empty()) {
                memory_slot& slot = *level.top()->head();
                ++core_.records_seen;
                if (!due(slot)) {
                    next = std::min(next, slot.run_at);
                    break;
                }
                if (taken_ == max_) return false;
                take(slot);
            }
            return true;
        });
        return next;
    }

    timestamp take_from_matched()
    {
        timestamp next = timestamp_max;
        const auto later = [](const memory_line* a, const memory_line* b) {
            return a->priority() != b->priority() ? a->priority() < b->priority() : b->head()->key() < a->head()->key();
        };
        auto& lines = core_.matched;
        const auto offer = [&](memory_line* line) {
            if (line->empty()) return false;
            ++core_.records_seen;
            if (due(*line->head())) return true;
            next = std::min(next, line->head()->run_at);
            return false;
        };
        lines.clear();
        const std::uint64_t call = ++core_.claim_calls;
        core_.lanes.for_each(request_.queues, request_.kinds, [&](memory_lane& lane) {
            if (lane.claim_call == call) return true;
            lane.claim_call = call;
            for (const auto& line : lane.waiting)
                if (offer(line.get())) lines.push_back(line.get());
            return true;
        });
        std::make_heap(lines.begin(), lines.end(), later);
        while (!lines.empty() && taken_ < max_) {
            std::pop_heap(lines.begin(), lines.end(), later);
            take(*lines.back()->head());
            if (offer(lines.back()))
                std::push_heap(lines.begin(), lines.end(), later);
            else
                lines.pop_back();
        }
        return next;
    }

    void take(memory_slot& slot)
    {
        const lease_token token{request_.nonce, static_cast<std::uint32_t>(taken_)};
        memory_read_lease(slot, token, leases_);
        core_.recent.add(slot);
        core_.found[taken_++] = &slot;
        slot.was_failed = slot.state == state::failed;
        core_.lift(slot);
        core_.set_state(slot, state::processing);
        slot.token = token;
        slot.locked_at = slot.updated_at = now_.wall;
        slot.lease_until = add(now_.wall, request_.lease);
        boot_.put(slot, worker_, add(now_.boot, request_.lease));
    }

    // The last taken goes first: each was the head of its line, so that the line's list has a place for it.
    void put_back(memory_slot& slot) noexcept
    {
        core_.lift(slot);
        core_.set_state(slot, slot.was_failed ? state::failed : state::pending);
        slot.token = {};
        core_.stand(slot, timestamp_max);
    }

    memory_core& core_;
    const claim_request& request_;
    std::vector<lease>& leases_;
    const std::size_t first_;
    const instant& now_;
    const std::size_t max_;
    memory_boot& boot_;
    memory_worker& worker_;
    std::size_t taken_ = 0;
    bool committed_ = false;
};

}  // namespace queuectl::inline v0::detail

#endif
