// A storage whose calls fail when a test says so: before anything happened, or after it did.
#ifndef QUEUECTL_TESTING_FAULT_STORAGE_HPP
#define QUEUECTL_TESTING_FAULT_STORAGE_HPP

#include <queuectl/facets.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace queuectl::inline v0 {

enum class verb : std::uint8_t { insert, claim, extend, settle };

// One planned failure of a verb.
struct planned_fault {
    queuectl::verb verb = verb::insert;
    std::uint64_t call = 1;  // the n-th call of that verb, from 1
    errc code = errc::io;
    bool after_effect = false;  // what was asked for was done, and only the answer is lost: errc::outcome_unknown
    std::uint64_t repeats = 1;  // so many calls in a row fail
};

// The plan and what was called so far; shared with the storage, so that a test can add to it while a worker runs.
// Any thread.
class fault_plan {
public:
    void add(planned_fault f)
    {
        const std::scoped_lock lock{mutex_};
        faults_.push_back(f);
    }
    // The next `repeats` calls of a verb fail.
    void fail_next(verb v, errc code, bool after_effect = false, std::uint64_t repeats = 1)
    {
        const std::scoped_lock lock{mutex_};
        faults_.push_back({v, calls_[static_cast<std::size_t>(v)] + 1, code, after_effect, repeats});
    }
    [[nodiscard]] std::uint64_t calls(verb v) const
    {
        const std::scoped_lock lock{mutex_};
        return calls_[static_cast<std::size_t>(v)];
    }
    // How many calls were made to fail.
    [[nodiscard]] std::uint64_t failed() const
    {
        const std::scoped_lock lock{mutex_};
        return failed_;
    }

    // Counts a call; the fault that it meets, if any.
    [[nodiscard]] std::optional<planned_fault> next(verb v)
    {
        const std::scoped_lock lock{mutex_};
        const std::uint64_t call = ++calls_[static_cast<std::size_t>(v)];
        for (const auto& f : faults_)
            if (f.verb == v && call >= f.call && call - f.call < f.repeats) {
                ++failed_;
                return f;
            }
        return std::nullopt;
    }

private:
    mutable std::mutex mutex_;
    std::vector<planned_fault> faults_;
    std::array<std::uint64_t, 4> calls_{};
    std::uint64_t failed_ = 0;
};

// S with a plan. The facets of S are there as they are and never fail; settle_and_claim is taken as two steps.
// A failed call leaves the caller's vectors and statuses as they were.
template <storage S>
class fault_storage : public S {
public:
    explicit fault_storage(S s, std::shared_ptr<fault_plan> plan = std::make_shared<fault_plan>())
        : S{std::move(s)}, plan_{std::move(plan)}
    {
    }
    [[nodiscard]] fault_plan& plan() noexcept { return *plan_; }

    result<void> insert(std::span<const job> jobs, std::span<insert_status> told, const instant& now)
    {
        return with_fault<void>(verb::insert, "insert", [&](bool heard) {
            std::vector<insert_status> unheard(told.size());
            return S::insert(jobs, heard ? told : std::span<insert_status>{unheard}, now);
        });
    }
    result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        return with_fault<claim_info>(verb::claim, "claim", [&](bool heard) {
            std::vector<lease> unheard;
            return S::claim(request, heard ? leases : unheard, now);
        });
    }
    result<void> extend(std::span<const receipt> receipts, duration d, std::span<extend_status> told,
                        const instant& now)
    {
        return with_fault<void>(verb::extend, "extend", [&](bool heard) {
            std::vector<extend_status> unheard(told.size());
            return S::extend(receipts, d, heard ? told : std::span<extend_status>{unheard}, now);
        });
    }
    result<void> settle(std::span<const settlement> all, std::span<settle_status> told, const instant& now)
    {
        return with_fault<void>(verb::settle, "settle", [&](bool heard) {
            std::vector<settle_status> unheard(told.size());
            return S::settle(all, heard ? told : std::span<settle_status>{unheard}, now);
        });
    }
    result<claim_info> settle_and_claim(std::span<const settlement> all, std::span<settle_status> told,
                                        const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        if (!all.empty())
            if (auto settled = settle(all, told, now); !settled) return fail(settled.error());
        return claim(request, leases, now);
    }

private:
    template <class T, class Call>
    result<T> with_fault(verb v, const char* name, Call call)
    {
        const auto fault = plan_->next(v);
        if (!fault) return call(true);
        if (fault->after_effect)
            if (auto done = call(false); !done) return done;
        return fail(fault->code, name, "planned by the test");
    }

    std::shared_ptr<fault_plan> plan_;
};

}  // namespace queuectl::inline v0

#endif
