// What transferable_storage asks of a memory_core.
#ifndef QUEUECTL_DETAIL_MEMORY_TRANSFER_HPP
#define QUEUECTL_DETAIL_MEMORY_TRANSFER_HPP

#include <queuectl/detail/memory_verbs.hpp>

namespace queuectl::inline v0::detail {

// All of a job's past.
inline void memory_write_past(memory_slot& slot, const stored_job& j)
{
    const job_record& r = j.record;
    memory_write(slot, r.job, r.created_at);
    slot.updated_at = r.updated_at;
    slot.state = r.state;
    slot.attempts = r.attempts;
    slot.crashes = r.crashes;
    memory_history& history = memory_history_of(slot);
    history.settled_token = r.settled_token;
    history.exit_code = r.exit_code;
    history.signal = r.signal;
    history.error = r.error;
    history.result = r.result;
    history.progress = r.progress;
    const std::size_t kept = std::min(j.attempts.size(), limits::attempts_kept);
    history.attempts.assign(j.attempts.end() - static_cast<std::ptrdiff_t>(kept), j.attempts.end());
}

// Adds one job; its slot is whole or not there. Requires: room in table and pages; `hash` and `end` as the search for
// its id left them.
inline void memory_restore_one(memory_core& core, const stored_job& j, std::uint32_t hash, std::size_t end,
                               timestamp now)
{
    const state s = j.record.state;
    memory_lane& lane = core.lanes.at(j.record.job.queue, j.record.job.kind);
    memory_line& line = is_final(s) ? lane.line(s) : lane.line(j.record.job.priority, core.order);
    line.reserve(1);
    struct undo {
        memory_slab& slab;
        memory_slot* slot;
        ~undo()
        {
            if (slot) slab.give_back(*slot);
        }
    } guard{core.slab, &core.slab.take()};
    memory_slot& slot = *guard.slot;
    memory_write_past(slot, j);
    guard.slot = nullptr;

    slot.lane = &lane;
    slot.insert_call = core.insert_calls;
    ++lane.queue->counts[static_cast<std::size_t>(s)];
    core.pages.add(slot);
    core.table.add(slot, hash, end);
    if (is_final(s))
        line.put(slot, slot.updated_at.time_since_epoch().count(), time_max_us);
    else
        core.stand(slot, line, now);
}

inline result<void> memory_restore(memory_core& core, std::span<const stored_job> jobs,
                                   std::span<insert_status> statuses, timestamp now)
{
    for (const stored_job& j : jobs)
        if (j.record.state == state::processing)
            return fail(errc::invalid_argument, "restore", "job " + j.record.job.id + " is processing");
    core.table.reserve(jobs.size());
    core.pages.reserve(jobs.size());
    ++core.insert_calls;
    memory_addition added{core};
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        const job_record& r = jobs[i].record;
        const std::uint32_t hash = core.table.hash(r.job.id);
        std::size_t end = 0;
        const memory_slot* const known = core.table.find(r.job.id, hash, end);
        if (!known) memory_restore_one(core, jobs[i], hash, end, now);
        const bool same = !known || (known->nonce == r.job.nonce && known->created_at == r.created_at);
        statuses[i] = same ? insert_status::inserted : insert_status::duplicate;
    }
    added.keep();
    core.changes.touch_work();
    return {};
}

}  // namespace queuectl::inline v0::detail

#endif
