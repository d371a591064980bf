// The four verbs of the reference model: linear scans over its rows.
#ifndef QUEUECTL_TESTING_MODEL_VERBS_HPP
#define QUEUECTL_TESTING_MODEL_VERBS_HPP

#include <queuectl/detail/store_gate.hpp>
#include <queuectl/testing/model/rules.hpp>

namespace queuectl::inline v0 {

// Any number of threads may call one object.
class model_verbs : public model_rules {
public:
    result<void> insert(std::span<const job> jobs, std::span<insert_status> statuses, const instant& now)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = writable("insert"); !open) return open;
        for (std::size_t i = 0; i < jobs.size(); ++i) statuses[i] = insert_one(jobs[i], now);
        kept().tell_work();
        return {};
    }

    result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = ending("claim"); !open) return fail(open.error());
        claim_info info;
        info.reaped = reap(now);
        std::size_t found = request.repeat ? repeat(request, leases) : 0;
        if (leases_nothing()) return info;
        if (found == 0) found = take(request, leases, now);
        info.next_at = next_at(request, found == request.max, now);
        return info;
    }

    result<void> extend(std::span<const receipt> receipts, duration d, std::span<extend_status> statuses,
                        const instant& now)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = ending("extend"); !open) return open;
        for (std::size_t i = 0; i < receipts.size(); ++i) statuses[i] = extend_one(receipts[i], d, now);
        return {};
    }

    result<void> settle(std::span<const settlement> settlements, std::span<settle_status> statuses, const instant& now)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = ending("settle"); !open) return open;
        for (std::size_t i = 0; i < settlements.size(); ++i) statuses[i] = settle_one(settlements[i], now);
        kept().tell_work();
        return {};
    }

protected:
    using model_rules::model_rules;

    // Whether the store takes any change, and those that a moving one takes, too.
    result<void> writable(const char* verb) const { return admits(verb, detail::change_of::jobs); }
    result<void> ending(const char* verb) const { return admits(verb, detail::change_of::runs); }
    virtual result<void> admits(const char* verb, detail::change_of what) const
    {
        const auto& info = kept().info;
        return detail::admit(info.read_only ? store_state::read_only : info.state, info.moved_to, what, verb);
    }
    virtual bool leases_nothing() const { return kept().info.state == store_state::moving; }

    virtual insert_status insert_one(const job& j, const instant& now)
    {
        if (const auto* r = kept().find(j.id))
            return same_insert(*r, j) ? insert_status::inserted : insert_status::duplicate;
        model_row r;
        r.record.job = j;
        r.record.created_at = r.record.updated_at = now.wall;
        r.record.sequence = kept().next_sequence++;
        kept().rows.push_back(std::move(r));
        auto& queues = kept().queues;
        if (std::find(queues.begin(), queues.end(), j.queue) == queues.end()) queues.push_back(j.queue);
        return insert_status::inserted;
    }

    virtual std::size_t reap(const instant& now)
    {
        std::size_t reaped = 0;
        for (auto& r : kept().rows) {
            if (reaped == limits::reap) break;
            if (r.record.state != state::processing || !expired(r, now)) continue;
            crash(r, "lease expired", now);
            ++reaped;
        }
        return reaped;
    }

    virtual std::size_t repeat(const claim_request& request, std::vector<lease>& leases)
    {
        std::vector<const model_row*> mine;
        for (const auto& r : kept().rows)
            if (r.record.state == state::processing && r.record.token.nonce == request.nonce) mine.push_back(&r);
        std::sort(mine.begin(), mine.end(), [](const model_row* a, const model_row* b) {
            return a->record.token.ordinal < b->record.token.ordinal;
        });
        for (const auto* r : mine) leases.push_back(told(*r));
        return mine.size();
    }

    virtual std::size_t take(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        std::uint32_t taken = 0;
        while (taken < request.max) {
            model_row* first = nullptr;
            for (auto& r : kept().rows)
                if (waits(r) && due(r, now) && wanted(r, request) && (first == nullptr || before(r, *first)))
                    first = &r;
            if (first == nullptr) break;
            lease_out(*first, request, taken++, now);
            leases.push_back(told(*first));
        }
        return taken;
    }

    virtual lease told(const model_row& r) const
    {
        return {r.record.job, r.record.token, r.record.attempts, r.record.crashes, r.record.error};
    }

    virtual extend_status extend_one(const receipt& which, duration d, const instant& now)
    {
        auto* r = kept().find(which.id);
        if (r == nullptr || !current(*r, which.token)) return extend_status::lease_lost;
        prolong(*r, d, now);
        return r->record.cancel_requested ? extend_status::cancel_requested : extend_status::held;
    }

    virtual settle_status settle_one(const settlement& s, const instant& now)
    {
        auto* r = kept().find(s.receipt.id);
        if (r == nullptr) return settle_status::gone;
        if (current(*r, s.receipt.token)) {
            apply(*r, s, now);
            return settle_status::applied;
        }
        return settled_by(*r, s.receipt.token) ? settle_status::applied : settle_status::lease_lost;
    }

    virtual void apply(model_row& r, const settlement& s, const instant& now)
    {
        if (s.report)
            count_run(r, *s.report);
        else if (!s.error.empty())
            r.record.error = s.error;
        r.record.settled_token = s.receipt.token;
        r.record.updated_at = now.wall;
        switch (s.verdict.kind) {
            case verdict_kind::complete: complete(r, s.result); break;
            case verdict_kind::retry: retry(r, s.verdict.retry_at); break;
            case verdict_kind::bury: end(r, state::dead); break;
            case verdict_kind::cancel: end(r, state::cancelled); break;
            case verdict_kind::release: give_back(r, r.before); break;
        }
    }

    virtual void complete(model_row& r, const std::string& value)
    {
        r.record.result = value;
        r.record.error.clear();
        end(r, state::completed);
        if (r.record.job.retention == duration{0}) kept().erase(std::string{r.record.job.id});
    }
};

}  // namespace queuectl::inline v0

#endif
