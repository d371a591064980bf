// The state of a memory_storage and the moves of a job in it. Not thread-safe.
#ifndef QUEUECTL_DETAIL_MEMORY_CORE_HPP
#define QUEUECTL_DETAIL_MEMORY_CORE_HPP

#include <queuectl/detail/memory_lock.hpp>
#include <queuectl/detail/memory_pages.hpp>
#include <queuectl/detail/memory_recent.hpp>
#include <queuectl/detail/memory_record.hpp>
#include <queuectl/detail/memory_table.hpp>
#include <queuectl/detail/store_gate.hpp>

namespace queuectl::inline v0::detail {

// A run to be recorded, made before anything changes.
struct memory_outcome {
    memory_slot* slot = nullptr;
    bool has_run = false;
    attempt run;
    std::string error;
    std::string result;
};

struct memory_setting : memory_named {
    config_entry entry;
};

// The moves are noexcept: what they need is reserved before the first change of a call.
struct memory_core {
    // Tells stores of one process apart; nobody else sees them.
    const uid id{reinterpret_cast<std::uintptr_t>(this), memory_serial()};
    memory_lock lock;
    memory_changes changes;
    memory_slab slab;
    memory_table table{slab};
    memory_recent recent;
    memory_pages pages;
    memory_lanes lanes;
    memory_order order;
    std::vector<std::unique_ptr<memory_boot>> boots;  // the current one last; every lease of the others has expired
    memory_names<memory_setting> settings;
    store_state gate = store_state::open;
    std::string moved_to;
    std::uint64_t settings_version = 0;
    std::uint32_t insert_calls = 0;
    std::uint64_t claim_calls = 0;
    std::uint64_t records_seen = 0;  // by claims: what their cost grows with

    // Working memory of single calls, kept to spare allocations.
    std::vector<memory_slot*> found;
    std::vector<std::uint32_t> hashes;
    std::vector<memory_line*> matched;
    std::vector<memory_outcome> outcomes;

    [[nodiscard]] bool closed_to(change_of what) const noexcept
    {
        return gate != store_state::open && (what == change_of::jobs || gate != store_state::moving);
    }
    // Requires: closed to it.
    [[nodiscard]] QUEUECTL_MEMORY_APART failure_value refuse(std::string_view verb) const
    {
        return fail(admit(gate, moved_to, change_of::jobs, verb).error());
    }

    QUEUECTL_MEMORY_INLINE void set_state(memory_slot& slot, state to) noexcept
    {
        auto& counts = slot.lane->queue->counts;
        --counts[static_cast<std::size_t>(slot.state)];
        ++counts[static_cast<std::size_t>(to)];
        slot.state = to;
    }

    [[nodiscard]] memory_line& waiting_line(memory_slot& slot) { return slot.lane->line(slot.priority, order); }

    // Stands a waiting job in its line unless it is held. Requires: its line has room.
    void stand(memory_slot& slot, timestamp now) noexcept { stand(slot, waiting_line(slot), now); }
    QUEUECTL_MEMORY_INLINE void stand(memory_slot& slot, memory_line& line, timestamp now) noexcept
    {
        if (slot.hold != hold_none) return;
        if (line.put(slot, slot.run_at.time_since_epoch().count(), now.time_since_epoch().count())) order.update(line);
    }

    // Takes a job out of the line it stands in, if any.
    QUEUECTL_MEMORY_INLINE void lift(memory_slot& slot) noexcept
    {
        memory_line* const line = slot.line;
        if (!line || !line->take(slot)) return;
        if (is_waiting(slot.state))
            order.update(*line);
        else if (line->level())
            line->level()->update(*line);
    }

    QUEUECTL_MEMORY_INLINE void erase(memory_slot& slot) noexcept
    {
        lift(slot);
        --slot.lane->queue->counts[static_cast<std::size_t>(slot.state)];
        table.drop(slot);
        pages.drop(slot);
        slab.give_back(slot);
    }

    // → a final state. Requires: lane->line(to) has room.
    void end(memory_slot& slot, state to, timestamp now) noexcept
    {
        lift(slot);
        set_state(slot, to);
        slot.token = {};
        slot.cancel_requested = false;
        slot.updated_at = now;
        slot.lane->line(to).put(slot, now.time_since_epoch().count(), time_max_us);
    }

    // processing → waiting, or → cancelled where that was asked for. Requires: both lines have room.
    void give_up_lease(memory_slot& slot, state to, timestamp now) noexcept
    {
        if (slot.cancel_requested) return end(slot, state::cancelled, now);
        lift(slot);
        set_state(slot, to);
        slot.token = {};
        slot.updated_at = now;
        stand(slot, now);
        changes.touch_work();
    }

    void reserve_waiting(memory_slot& slot, std::size_t n)
    {
        waiting_line(slot).reserve(n);
        slot.lane->line(state::cancelled).reserve(n);
    }

    // The worker is gone: the run is recorded as crashed, the job waits again.
    void crash(memory_slot& slot, std::string_view cause, timestamp now)
    {
        memory_history& history = memory_history_of(slot);
        memory_reserve_attempt(history);
        reserve_waiting(slot, 1);
        attempt run;
        run.number = slot.attempts + slot.crashes + 1;
        run.status = run_status::crashed;
        run.started_at = slot.locked_at;
        run.ended_at = now;
        run.error = cause;
        run.worker = memory_holder(slot);
        history.error = cause;

        memory_keep_attempt(history, std::move(run));
        ++slot.crashes;
        give_up_lease(slot, state::pending, now);
    }

    // The leases measured on this boot's clock.
    [[nodiscard]] memory_boot& boot(const uid& boot_id)
    {
        if (boots.empty() || boots.back()->id != boot_id) boots.push_back(std::make_unique<memory_boot>(boot_id));
        return *boots.back();
    }

    // Returns expired leases to waiting, the oldest first; how many. An allocation failure keeps those that were done.
    std::size_t reap(const instant& now)
    {
        memory_boot* const current = &boot(now.boot_id);
        std::size_t reaped = 0;
        while (reaped < limits::reap) {
            memory_boot& oldest = *boots.front();
            memory_slot* const slot = oldest.first();
            if (&oldest == current) {
                if (!slot || slot->key_time > now.boot.count()) break;
            } else if (!slot) {
                boots.erase(boots.begin());
                continue;
            }
            crash(*slot, "lease expired", now.wall);
            ++reaped;
        }
        return reaped;
    }
};

}  // namespace queuectl::inline v0::detail

#endif
