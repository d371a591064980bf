// The reference model's transferable facet.
#ifndef QUEUECTL_TESTING_MODEL_TRANSFER_HPP
#define QUEUECTL_TESTING_MODEL_TRANSFER_HPP

#include <queuectl/testing/model/inspect.hpp>

namespace queuectl::inline v0 {

class model_transfer : public model_inspect {
public:
    result<void> restore(std::span<const stored_job> jobs, std::span<insert_status> statuses, const instant&)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = writable("restore"); !open) return open;
        for (const auto& j : jobs)
            if (!may_restore(j))
                return fail(errc::invalid_argument, "restore", "job " + j.record.job.id + " is processing");
        for (std::size_t i = 0; i < jobs.size(); ++i) statuses[i] = restore_one(jobs[i]);
        kept().tell_work();
        return {};
    }

    virtual result<void> set_state(store_state to, std::string_view moved_to)
    {
        const std::scoped_lock lock{kept().mutex};
        auto& info = kept().info;
        info.state = to;
        info.moved_to = std::string{moved_to};
        info.read_only = to == store_state::read_only;
        kept().tell_work();
        kept().tell_control();
        return {};
    }

protected:
    using model_inspect::model_inspect;

    virtual bool may_restore(const stored_job& j) const { return j.record.state != state::processing; }
    virtual bool same_past(const model_row& r, const stored_job& j) const
    {
        return r.record.job.nonce == j.record.job.nonce && r.record.created_at == j.record.created_at;
    }
    virtual model_row row_of(const stored_job& j) const
    {
        model_row r;
        r.record = j.record;
        r.record.token = {};
        r.record.locked_by.clear();
        r.record.locked_at = r.record.lease_until = {};
        r.record.cancel_requested = false;
        r.runs = j.attempts;
        if (r.runs.size() > limits::attempts_kept)
            r.runs.erase(r.runs.begin(), r.runs.end() - std::ptrdiff_t{limits::attempts_kept});
        return r;
    }
    virtual insert_status restore_one(const stored_job& j)
    {
        if (const auto* there = kept().find(j.record.job.id))
            return same_past(*there, j) ? insert_status::inserted : insert_status::duplicate;
        auto& added = kept().rows.emplace_back(row_of(j));
        added.record.sequence = kept().next_sequence++;
        auto& queues = kept().queues;
        if (std::find(queues.begin(), queues.end(), j.record.job.queue) == queues.end())
            queues.push_back(j.record.job.queue);
        return insert_status::inserted;
    }
};

}  // namespace queuectl::inline v0

#endif
