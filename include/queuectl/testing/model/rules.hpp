// The contract as one small function a rule. A storage that breaks exactly one of them is made by overriding it:
// that is how the conformance suite is shown to fail.
#ifndef QUEUECTL_TESTING_MODEL_RULES_HPP
#define QUEUECTL_TESTING_MODEL_RULES_HPP

#include <queuectl/testing/model/store.hpp>

#include <utility>

namespace queuectl::inline v0 {

class model_rules {
public:
    virtual ~model_rules() = default;

protected:
    explicit model_rules(std::shared_ptr<model_store> store) : store_{std::move(store)} {}

    // Which rows.
    virtual bool same_insert(const model_row& r, const job& j) const { return r.record.job.nonce == j.nonce; }
    virtual bool due(const model_row& r, const instant& now) const { return r.record.job.run_at <= now.wall; }
    virtual bool waits(const model_row& r) const
    {
        return is_waiting(r.record.state) && r.record.job.hold == hold_none;
    }
    virtual bool wanted(const model_row& r, const claim_request& request) const
    {
        const auto& j = r.record.job;
        const auto names = [](std::span<const std::string> list, const std::string& name) {
            return list.empty() || std::find(list.begin(), list.end(), name) != list.end();
        };
        return names(request.queues, j.queue) && names(request.kinds, j.kind);
    }
    virtual bool before(const model_row& a, const model_row& b) const
    {
        const auto& x = a.record;
        const auto& y = b.record;
        if (x.job.priority != y.job.priority) return x.job.priority > y.job.priority;
        if (x.job.run_at != y.job.run_at) return x.job.run_at < y.job.run_at;
        return x.sequence < y.sequence;
    }
    virtual bool expired(const model_row& r, const instant& now) const
    {
        return now.boot_id != r.lease_boot || now.boot >= r.lease_end;
    }
    virtual bool current(const model_row& r, lease_token token) const
    {
        return r.record.state == state::processing && r.record.token == token;
    }
    virtual bool settled_by(const model_row& r, lease_token token) const
    {
        return token && r.record.settled_token == token;
    }
    virtual timestamp next_at(const claim_request& request, bool filled, const instant& now) const
    {
        if (filled) return now.wall;
        timestamp next = timestamp_max;
        for (const auto& r : store_->rows)
            if (waits(r) && wanted(r, request)) next = std::min(next, r.record.job.run_at);
        return next;
    }

    // What happens to a row.
    virtual void lease_out(model_row& r, const claim_request& request, std::uint32_t ordinal, const instant& now)
    {
        r.before = r.record.state;
        r.record.state = state::processing;
        r.record.token = {request.nonce, ordinal};
        r.record.locked_by = std::string{request.worker};
        r.record.locked_at = r.record.updated_at = now.wall;
        r.record.cancel_requested = false;
        prolong(r, request.lease, now);
    }
    virtual void prolong(model_row& r, duration d, const instant& now)
    {
        r.lease_end = add(now.boot, d);
        r.lease_boot = now.boot_id;
        r.record.lease_until = add(now.wall, d);
    }
    virtual void record_run(model_row& r, attempt run)
    {
        run.number = r.record.attempts + r.record.crashes + 1;
        run.worker = r.record.locked_by;
        r.runs.push_back(std::move(run));
        if (r.runs.size() > limits::attempts_kept) r.runs.erase(r.runs.begin());
    }
    virtual void count_run(model_row& r, const attempt& run)
    {
        record_run(r, run);
        ++r.record.attempts;
        r.record.exit_code = run.exit_code;
        r.record.signal = run.signal;
        r.record.error = run.error;
    }
    virtual void unlock(model_row& r)
    {
        r.record.token = {};
        r.record.locked_by.clear();
    }
    // Back to waiting, or cancelled when that was asked for meanwhile.
    virtual void give_back(model_row& r, state to)
    {
        r.record.state = r.record.cancel_requested ? state::cancelled : to;
        unlock(r);
    }
    virtual void crash(model_row& r, std::string_view cause, const instant& now)
    {
        attempt run;
        run.status = run_status::crashed;
        run.error = std::string{cause};
        run.started_at = r.record.locked_at;
        run.ended_at = now.wall;
        record_run(r, run);
        ++r.record.crashes;
        r.record.error = std::string{cause};
        r.record.updated_at = now.wall;
        give_back(r, state::pending);
    }
    virtual void retry(model_row& r, timestamp at)
    {
        r.record.state = state_after(verdict_kind::retry, r.before, r.record.cancel_requested);
        if (is_waiting(r.record.state)) r.record.job.run_at = at;
        unlock(r);
    }
    virtual void end(model_row& r, state to)
    {
        r.record.state = to;
        unlock(r);
    }
    virtual void revive_row(model_row& r, const instant& now)
    {
        r.record.state = state::pending;
        r.record.attempts = r.record.crashes = 0;
        r.record.job.run_at = now.wall;
        r.record.updated_at = now.wall;
        r.record.cancel_requested = false;
        r.record.sequence = store_->next_sequence++;
    }

    [[nodiscard]] model_store& kept() const { return *store_; }

private:
    std::shared_ptr<model_store> store_;
};

}  // namespace queuectl::inline v0

#endif
