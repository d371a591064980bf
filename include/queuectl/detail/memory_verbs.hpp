// insert, extend and settle on a memory_core.
#ifndef QUEUECTL_DETAIL_MEMORY_VERBS_HPP
#define QUEUECTL_DETAIL_MEMORY_VERBS_HPP

#include <queuectl/detail/memory_core.hpp>

namespace queuectl::inline v0::detail {

// Adds one job; its slot is whole or not there. Requires: room in table and pages; `hash` and `end` as the search for
// its id left them.
QUEUECTL_MEMORY_INLINE inline void memory_add(memory_core& core, const job& j, std::uint32_t hash, std::size_t end,
                                              timestamp now)
{
    memory_lane& lane = core.lanes.at(j.queue, j.kind);
    memory_line& line = lane.line(j.priority, core.order);
    struct undo {
        memory_slab& slab;
        memory_slot* slot;
        ~undo()
        {
            if (slot) slab.give_back(*slot);
        }
    } guard{core.slab, &core.slab.take()};
    memory_slot& slot = *guard.slot;
    memory_write(slot, j, now);
    slot.sequence = core.pages.next_sequence();
    if (line.needs_room(slot, slot.run_at.time_since_epoch().count(), now.time_since_epoch().count())) line.reserve(1);
    guard.slot = nullptr;

    slot.lane = &lane;
    slot.insert_call = core.insert_calls;
    ++lane.queue->counts[static_cast<std::size_t>(state::pending)];
    core.pages.add(slot);
    core.table.add(slot, hash, end);
    core.stand(slot, line, now);
}

// Jobs that are added while it lives go again unless it is told to keep them: an allocation may throw.
class memory_addition {
public:
    explicit memory_addition(memory_core& core) : core_{core}, first_{core.pages.next_sequence()} {}
    memory_addition(const memory_addition&) = delete;
    memory_addition& operator=(const memory_addition&) = delete;
    ~memory_addition()
    {
        if (kept_) return;
        for (std::uint64_t s = core_.pages.next_sequence(); s-- > first_;)
            if (memory_slot* slot = core_.pages.at(s)) core_.erase(*slot);
    }
    void keep() noexcept { kept_ = true; }

private:
    memory_core& core_;
    std::uint64_t first_;
    bool kept_ = false;
};

inline void memory_insert(memory_core& core, std::span<const job> jobs, std::span<insert_status> statuses,
                          timestamp now)
{
    core.table.reserve(jobs.size());
    core.pages.reserve(jobs.size());
    core.hashes.resize(std::max(core.hashes.size(), jobs.size()));
    ++core.insert_calls;
    memory_addition added{core};

    for (std::size_t i = 0; i < jobs.size(); ++i) {
        core.hashes[i] = core.table.hash(jobs[i].id);
        core.table.prefetch(core.hashes[i]);
    }
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        std::size_t end = 0;
        memory_slot* const known = core.table.find(jobs[i].id, core.hashes[i], end);
        if (!known) {
            memory_add(core, jobs[i], core.hashes[i], end, now);
            statuses[i] = insert_status::inserted;
        } else if (known->nonce == jobs[i].nonce && jobs[i].nonce && known->insert_call != core.insert_calls) {
            known->insert_call = core.insert_calls;
            statuses[i] = insert_status::inserted;
        } else {
            statuses[i] = insert_status::duplicate;
        }
    }
    added.keep();
    core.changes.touch_work();
}

inline void memory_extend(memory_core& core, std::span<const receipt> receipts, duration length,
                          std::span<extend_status> statuses, const instant& now)
{
    memory_boot& boot = core.boot(now.boot_id);
    const auto held = [](const memory_slot* slot, const receipt& r) {
        return slot && slot->state == state::processing && slot->token == r.token;
    };
    for (const receipt& r : receipts)
        if (memory_slot* slot = core.table.find(r.id); held(slot, r))
            boot.worker(memory_holder(*slot)).reserve(receipts.size());
    for (std::size_t i = 0; i < receipts.size(); ++i) {
        memory_slot* const slot = core.table.find(receipts[i].id);
        statuses[i] = extend_status::lease_lost;
        if (!held(slot, receipts[i])) continue;
        memory_worker& holder = boot.worker(memory_holder(*slot));
        core.lift(*slot);
        boot.put(*slot, holder, add(now.boot, length));
        slot->lease_until = add(now.wall, length);
        statuses[i] = slot->cancel_requested ? extend_status::cancel_requested : extend_status::held;
    }
}

// What the settlement would do to the job that has its id.
[[nodiscard]] inline settle_status memory_judge(const memory_slot* slot, const lease_token& token) noexcept
{
    if (!slot) return settle_status::gone;
    if (slot->state == state::processing && slot->token == token) return settle_status::applied;
    const bool repeated = token && slot->has_history && slot->history->settled_token == token;
    return repeated ? settle_status::applied : settle_status::lease_lost;
}

[[nodiscard]] inline bool memory_vanishes(const memory_slot& slot, const verdict& v) noexcept
{
    return v.kind == verdict_kind::complete && slot.retention <= duration::zero();
}

// Makes what memory_apply moves into place; `batch` settlements in all.
inline void memory_prepare(memory_core& core, memory_slot& slot, const settlement& s, memory_outcome& outcome,
                           std::size_t batch)
{
    memory_history& history = memory_history_of(slot);
    core.reserve_waiting(slot, batch);
    slot.lane->line(state::completed).reserve(batch);
    slot.lane->line(state::dead).reserve(batch);
    outcome.slot = &slot;
    outcome.has_run = s.report.has_value();
    outcome.error = s.report && s.error.empty() ? s.report->error : s.error;
    outcome.result = s.result;
    if (!s.report) return;
    memory_reserve_attempt(history);
    outcome.run = *s.report;
    outcome.run.number = slot.attempts + slot.crashes + 1;
    outcome.run.worker = memory_holder(slot);
    const run_output& output = outcome.run.output;
    if (outcome.run.output_bytes == 0)
        outcome.run.output_bytes = output.head.size() + output.tail.size() + output.dropped_bytes;
}

inline void memory_apply(memory_core& core, memory_outcome& outcome, const verdict& v, timestamp now) noexcept
{
    memory_slot& slot = *outcome.slot;
    memory_history& history = *slot.history;
    const state before = slot.was_failed ? state::failed : state::pending;
    const state to = state_after(v.kind, before, slot.cancel_requested);
    history.settled_token = slot.token;
    if (outcome.has_run) {
        ++slot.attempts;
        history.exit_code = outcome.run.exit_code;
        history.signal = outcome.run.signal;
        memory_keep_attempt(history, std::move(outcome.run));
    }
    if (to == state::completed)
        history.error.clear();
    else if (outcome.has_run || !outcome.error.empty())
        history.error.swap(outcome.error);
    if (to == state::completed || !outcome.result.empty()) history.result.swap(outcome.result);
    if (is_final(to)) return core.end(slot, to, now);
    if (v.kind == verdict_kind::retry) slot.run_at = saturated(v.retry_at);
    core.give_up_lease(slot, to, now);
}

inline void memory_settle(memory_core& core, std::span<const settlement> settlements, std::span<settle_status> statuses,
                          timestamp now)
{
    const std::size_t n = settlements.size();
    core.found.resize(std::max(core.found.size(), n));
    for (std::size_t i = 0; i < n; ++i) {
        core.found[i] = core.recent.find(settlements[i].receipt.token);
        if (core.found[i]) core.table.prefetch(core.found[i]->hash);
    }
    std::size_t prepared = 0;
    for (std::size_t i = 0; i < n; ++i) {
        const settlement& s = settlements[i];
        memory_slot* slot = core.found[i];
        if (!slot || !memory_equal(slot->id, s.receipt.id)) slot = core.table.find(s.receipt.id);
        statuses[i] = memory_judge(slot, s.receipt.token);
        const bool changes = slot && slot->state == state::processing && slot->token == s.receipt.token;
        core.found[i] = changes ? slot : nullptr;
        if (!changes || memory_vanishes(*slot, s.verdict)) continue;
        if (prepared == core.outcomes.size()) core.outcomes.emplace_back();
        memory_prepare(core, *slot, s, core.outcomes[prepared++], n);
    }
    prepared = 0;
    for (std::size_t i = 0; i < n; ++i) {
        if (!core.found[i]) continue;
        const verdict& v = settlements[i].verdict;
        if (memory_vanishes(*core.found[i], v))
            core.erase(*core.found[i]);
        else
            memory_apply(core, core.outcomes[prepared++], v, now);
    }
}

}  // namespace queuectl::inline v0::detail

#endif
