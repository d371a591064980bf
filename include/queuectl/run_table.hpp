// The leases in a worker's hands.
#ifndef QUEUECTL_RUN_TABLE_HPP
#define QUEUECTL_RUN_TABLE_HPP

#include <queuectl/executor.hpp>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace queuectl::inline v0 {

struct run_slot {
    lease held{};
    bool started = false;
    bool lost = false;  // the lease: the result will be thrown away
};

// Slots at stable addresses, reused without allocation; those that run are found by token, at O(1) when they
// finish in the order in which they started.
class run_table {
public:
    // A slot for this lease, not yet active.
    [[nodiscard]] run_slot* hold(lease&& l)
    {
        if (free_.empty()) {
            slots_.push_back(std::make_unique<run_slot>());
            free_.push_back(slots_.back().get());
        }
        run_slot* r = free_.back();
        free_.pop_back();
        r->held = std::move(l);
        r->started = r->lost = false;
        return r;
    }
    void activate(run_slot* r) { active_.push_back(r); }
    void recycle(run_slot* r) { free_.push_back(r); }

    [[nodiscard]] bool empty() const noexcept { return active_.size() == done_; }

    // The active slot of that token, or nullptr.
    [[nodiscard]] run_slot* find(const lease_token& token) const
    {
        const auto found = locate(token);
        return found == active_.end() ? nullptr : *found;
    }
    // The same, and it is active no longer.
    [[nodiscard]] run_slot* finish(const lease_token& token)
    {
        const auto found = locate(token);
        if (found == active_.end()) return nullptr;
        run_slot* r = *found;
        const auto index = static_cast<std::size_t>(found - active_.begin());
        active_[index] = std::exchange(active_[done_], nullptr);
        if (++done_ == active_.size()) {
            active_.clear();
            done_ = 0;
        } else if (done_ > 64 && done_ * 2 > active_.size()) {
            active_.erase(active_.begin(), active_.begin() + static_cast<std::ptrdiff_t>(done_));
            done_ = 0;
        }
        return r;
    }

    template <class F>
    void for_each(F&& f) const
    {
        for (std::size_t i = done_; i < active_.size(); ++i) f(*active_[i]);
    }

private:
    using slots = std::vector<run_slot*>;
    [[nodiscard]] slots::const_iterator locate(const lease_token& token) const
    {
        return std::find_if(active_.begin() + static_cast<std::ptrdiff_t>(done_), active_.end(),
                            [&](const run_slot* r) { return r->held.token == token; });
    }

    std::vector<std::unique_ptr<run_slot>> slots_;
    slots free_;
    slots active_;  // the first done_ are null
    std::size_t done_ = 0;
};

}  // namespace queuectl::inline v0

#endif
