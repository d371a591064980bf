// What inspectable_storage asks of a memory_core.
#ifndef QUEUECTL_DETAIL_MEMORY_INSPECT_HPP
#define QUEUECTL_DETAIL_MEMORY_INSPECT_HPP

#include <queuectl/detail/memory_core.hpp>

namespace queuectl::inline v0::detail {

[[nodiscard]] inline bool memory_matches(const memory_slot& slot, const job_filter& f) noexcept
{
    return (!f.state || slot.state == *f.state) && (f.queue.empty() || slot.lane->queue->name.view() == f.queue) &&
           (f.kind.empty() || slot.lane->name.view() == f.kind) &&
           (f.tag.empty() || (slot.has_extra && slot.extra->tag == f.tag)) && slot.updated_at < f.updated_before;
}

// Looks at no more than limits::sweep jobs.
inline std::uint64_t memory_list(const memory_core& core, const job_filter& filter, const page_request& page,
                                 std::vector<job_record>& out)
{
    const std::size_t limit = std::min(page.limit, limits::sweep);
    std::size_t seen = 0;
    std::size_t found = 0;
    std::uint64_t last = page.after;
    std::uint64_t next = 0;
    core.pages.visit_after(page.after, [&](const memory_slot& slot) {
        if (found == limit || seen == limits::sweep) {
            next = last;
            return false;
        }
        ++seen;
        last = slot.sequence;
        if (!memory_matches(slot, filter)) return true;
        out.push_back(memory_read_record(slot));
        ++found;
        return true;
    });
    return next;
}

inline void memory_attempts(const memory_slot& slot, std::vector<attempt>& out)
{
    if (!slot.has_history) return;
    for (const attempt& run : slot.history->attempts) {
        attempt& copy = out.emplace_back();
        copy.number = run.number;
        copy.status = run.status;
        copy.exit_code = run.exit_code;
        copy.signal = run.signal;
        copy.started_at = run.started_at;
        copy.ended_at = run.ended_at;
        copy.error = run.error;
        copy.worker = run.worker;
        copy.output_bytes = run.output_bytes;
    }
}

// The newest run of that number: a revived job counts from 1 again.
[[nodiscard]] inline const attempt* memory_run(const memory_slot& slot, std::int32_t number) noexcept
{
    if (!slot.has_history) return nullptr;
    const auto& runs = slot.history->attempts;
    for (std::size_t i = runs.size(); i-- > 0;)
        if (runs[i].number == number) return &runs[i];
    return nullptr;
}

inline void memory_revive(memory_core& core, std::span<const std::string> ids, std::span<change_status> statuses,
                          timestamp now)
{
    core.pages.reserve(ids.size());
    for (const auto& id : ids)
        if (memory_slot* slot = core.table.find(id)) core.waiting_line(*slot).reserve(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
        memory_slot* const slot = core.table.find(ids[i]);
        statuses[i] = slot ? change_status::conflict : change_status::not_found;
        if (!slot || slot->state == state::pending || slot->state == state::processing) continue;
        core.lift(*slot);
        core.set_state(*slot, state::pending);
        core.pages.drop(*slot);
        core.pages.add(*slot);
        slot->attempts = slot->crashes = 0;
        slot->run_at = slot->updated_at = now;
        core.stand(*slot, now);
        statuses[i] = change_status::done;
    }
    core.changes.touch_work();
}

// Whether the call would change a job that waits.
[[nodiscard]] inline bool memory_cancels_waiting(const memory_core& core, std::span<const std::string> ids)
{
    return std::any_of(ids.begin(), ids.end(), [&](const std::string& id) {
        const memory_slot* const slot = core.table.find(id);
        return slot && is_waiting(slot->state);
    });
}

inline void memory_cancel(memory_core& core, std::span<const std::string> ids, std::span<change_status> statuses,
                          timestamp now)
{
    for (const auto& id : ids)
        if (memory_slot* slot = core.table.find(id)) slot->lane->line(state::cancelled).reserve(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
        memory_slot* const slot = core.table.find(ids[i]);
        statuses[i] = slot ? change_status::conflict : change_status::not_found;
        if (!slot || is_final(slot->state)) continue;
        if (is_waiting(slot->state)) {
            core.end(*slot, state::cancelled, now);
            statuses[i] = change_status::done;
        } else {
            slot->cancel_requested = true;
            core.changes.touch_control();
            statuses[i] = change_status::requested;
        }
    }
}

inline void memory_remove(memory_core& core, std::span<const std::string> ids,
                          std::span<change_status> statuses) noexcept
{
    for (std::size_t i = 0; i < ids.size(); ++i) {
        memory_slot* const slot = core.table.find(ids[i]);
        statuses[i] = slot ? change_status::conflict : change_status::not_found;
        if (!slot || slot->state == state::processing) continue;
        core.erase(*slot);
        statuses[i] = change_status::done;
    }
}

// The oldest first in each queue and kind: O(queues and kinds + removed). With a tag, which no order knows, jobs
// of other tags are looked at too.
inline std::size_t memory_purge(memory_core& core, const job_filter& filter, std::size_t limit)
{
    limit = std::min(limit, limits::sweep);
    std::size_t removed = 0;
    const auto clear = [&](memory_line& line) {
        while (removed < limit && !line.empty() && line.head()->updated_at < filter.updated_before) {
            core.erase(*line.head());
            ++removed;
        }
    };
    const auto pick = [&](const memory_line& line) {
        line.for_each([&](memory_slot& slot) {
            if (memory_matches(slot, filter)) core.found.push_back(&slot);
            return core.found.size() < limit;
        });
    };
    core.found.clear();
    core.found.reserve(limit);
    const auto named = [](const std::string& name) { return std::span{&name, name.empty() ? 0u : 1u}; };
    core.lanes.for_each(named(filter.queue), named(filter.kind), [&](memory_lane& lane) {
        for (const state s : {state::completed, state::dead, state::cancelled})
            if (!filter.state || *filter.state == s) filter.tag.empty() ? clear(lane.line(s)) : pick(lane.line(s));
        return removed < limit && core.found.size() < limit;
    });
    for (memory_slot* slot : core.found) core.erase(*slot);
    return removed + core.found.size();
}

[[nodiscard]] inline change_status memory_reprioritise(memory_core& core, std::string_view id, std::int8_t priority,
                                                       timestamp now)
{
    memory_slot* const slot = core.table.find(id);
    if (!slot) return change_status::not_found;
    if (!is_waiting(slot->state)) return change_status::conflict;
    slot->lane->line(priority, core.order).reserve(1);
    core.lift(*slot);
    slot->priority = priority;
    slot->updated_at = now;
    core.stand(*slot, now);
    core.changes.touch_work();
    return change_status::done;
}

[[nodiscard]] inline std::size_t memory_free_worker(memory_core& core, std::string_view name, std::string_view cause,
                                                    timestamp now)
{
    std::size_t freed = 0;
    for (const auto& boot : core.boots)
        if (memory_worker* worker = boot->find(name))
            for (; freed < limits::sweep && !worker->empty(); ++freed) core.crash(*worker->head(), cause, now);
    return freed;
}

}  // namespace queuectl::inline v0::detail

#endif
