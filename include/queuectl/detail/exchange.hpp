// The worker's dialogue with its storage: what ended is settled, in one step with the next claim.
#ifndef QUEUECTL_DETAIL_EXCHANGE_HPP
#define QUEUECTL_DETAIL_EXCHANGE_HPP

#include <queuectl/facets.hpp>
#include <queuectl/options.hpp>
#include <queuectl/run_table.hpp>

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

namespace queuectl::inline v0::detail {

// Settlements stay until the storage has acknowledged them; a claim whose outcome is unknown is repeated
// with its nonce until it is known. So any step may fail, and be taken again.
template <class Storage>
class exchange {
public:
    exchange(Storage& s, const queue_options& options) : storage_{s}, options_{options} {}

    // Settles the slot's lease in the next step.
    void settle(run_slot* r, settlement&& s)
    {
        settling_.push_back(std::move(s));
        slots_.push_back(r);
    }
    [[nodiscard]] bool settling() const noexcept { return !settling_.empty(); }
    [[nodiscard]] std::span<const settlement> settlements() const noexcept { return settling_; }

    // A claim may have happened whose leases are not known yet.
    [[nodiscard]] bool repeating() const noexcept { return repeat_; }

    // There may be work that the last claim did not find.
    void expect_more() noexcept { more_ = true; }
    [[nodiscard]] bool worth_claiming(const instant& now) const
    {
        return more_ || repeat_ || now.wall >= next_at_ || now.boot >= next_check_;
    }
    // Until worth_claiming() turns true by itself.
    [[nodiscard]] duration idle_time(const instant& now) const
    {
        if (worth_claiming(now)) return duration{};
        return std::min(next_at_ - now.wall, next_check_ - now.boot);
    }
    // Whether a claim right now would find nothing, as far as this worker knows.
    [[nodiscard]] bool nothing_due(const instant& now) const { return !more_ && !repeat_ && now.wall < next_at_; }
    [[nodiscard]] bool nothing_waits() const { return next_at_ == timestamp_max; }

    // Settles all, and claims up to `want` jobs (0 = none) with `nonce`, or repeats the claim in doubt. On
    // success settled() and leases() tell what happened; on an error nothing has been told to anybody.
    [[nodiscard]] result<void> step(std::size_t want, uid nonce, const instant& now)
    {
        statuses_.assign(settling_.size(), settle_status::applied);
        leases_.clear();
        return want == 0 && !repeat_ ? settle_all(now) : claim(want, nonce, now);
    }

    // f(slot, settlement, status) for each settlement of the last step; then they are forgotten.
    template <class F>
    void take_settled(F&& f)
    {
        for (std::size_t i = 0; i < settling_.size(); ++i) f(*slots_[i], settling_[i], statuses_[i]);
        settling_.clear();
        slots_.clear();
    }
    // What the last step claimed; the worker moves them out.
    [[nodiscard]] std::vector<lease>& leases() noexcept { return leases_; }

private:
    static constexpr std::size_t batch = storage_traits<Storage>::max_batch;

    result<void> settle_all(const instant& now)
    {
        const std::span<const settlement> all{settling_};
        const std::span<settle_status> statuses{statuses_};
        for (std::size_t i = 0; i < all.size(); i += batch) {
            const std::size_t n = std::min(batch, all.size() - i);
            if (auto settled = storage_.settle(all.subspan(i, n), statuses.subspan(i, n), now); !settled)
                return settled;
        }
        return {};
    }

    result<void> claim(std::size_t want, uid nonce, const instant& now)
    {
        if (!repeat_) {
            nonce_ = nonce;
            want_ = want;
        }
        const claim_request request{want_,           options_.queues, options_.kinds, options_.lease,
                                    options_.worker, nonce_,          repeat_};
        auto claimed = settling_.size() <= batch
                           ? settle_and_claim(storage_, settling_, statuses_, request, leases_, now)
                           : settle_then_claim(request, now);
        if (!claimed) {
            leases_.clear();
            repeat_ = repeat_ || claimed.error().code == errc::outcome_unknown;
            return fail(claimed.error());
        }
        repeat_ = false;
        more_ = leases_.size() >= want_;
        next_at_ = claimed->next_at;
        next_check_ = add(now.boot, options_.check);
        return {};
    }
    result<claim_info> settle_then_claim(const claim_request& request, const instant& now)
    {
        if (auto settled = settle_all(now); !settled) return fail(settled.error());
        return storage_.claim(request, leases_, now);
    }

    Storage& storage_;
    const queue_options& options_;
    std::vector<settlement> settling_;
    std::vector<run_slot*> slots_;  // of the same indices
    std::vector<settle_status> statuses_;
    std::vector<lease> leases_;
    uid nonce_{};
    std::size_t want_ = 0;
    bool repeat_ = false;
    bool more_ = true;
    timestamp next_at_ = timestamp_max;
    duration next_check_{};
};

}  // namespace queuectl::inline v0::detail

#endif
