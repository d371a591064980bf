// Between a job's slot and the records that callers see.
#ifndef QUEUECTL_DETAIL_MEMORY_RECORD_HPP
#define QUEUECTL_DETAIL_MEMORY_RECORD_HPP

#include <queuectl/detail/memory_lane.hpp>
#include <queuectl/detail/memory_leases.hpp>
#include <queuectl/lease.hpp>
#include <queuectl/limits.hpp>

namespace queuectl::inline v0::detail {

[[nodiscard]] constexpr timestamp saturated(timestamp t) noexcept
{
    return timestamp{queuectl::saturate(t.time_since_epoch())};
}

// Whether the job has a field that memory_extra holds.
[[nodiscard]] inline bool memory_needs_extra(const job& j) noexcept
{
    return !j.tag.empty() || !j.key.empty() || !j.unique_key.empty() || !j.batch.empty() || !j.cwd.empty() ||
           !j.env.empty() || !j.depends_on.empty();
}

QUEUECTL_MEMORY_APART inline void memory_write_extra(memory_slot& slot, const job& j)
{
    slot.extra =
        std::make_unique<memory_extra>(memory_extra{j.tag, j.key, j.unique_key, j.batch, j.cwd, j.env, j.depends_on});
    slot.has_extra = true;
}
// Everything of a new job but its place: no lane, no sequence.
QUEUECTL_MEMORY_INLINE inline void memory_write(memory_slot& slot, const job& j, timestamp now)
{
    slot.id.assign(j.id);
    slot.payload.assign(j.payload);
    slot.run_at = saturated(j.run_at);
    slot.timeout = j.timeout;
    slot.retention = j.retention;
    slot.backoff_base = j.backoff_base;
    slot.max_retries = j.max_retries;
    slot.hold = j.hold;
    slot.priority = j.priority;
    slot.nonce = j.nonce;
    slot.state = state::pending;
    slot.cancel_requested = false;
    slot.attempts = slot.crashes = 0;
    slot.token = {};
    slot.created_at = slot.updated_at = now;
    if (!memory_needs_extra(j)) return;
    memory_write_extra(slot, j);
}

// An empty list by name: for a plain `{}` among the initialisers GCC first fills the whole job with zeros.
[[nodiscard]] QUEUECTL_MEMORY_INLINE inline std::vector<std::string> memory_no_strings() noexcept
{
    std::vector<std::string> none;
    return none;
}
// The job without what memory_extra holds.
[[nodiscard]] QUEUECTL_MEMORY_INLINE inline job memory_plain_job(const memory_slot& slot)
{
    return {.id = slot.id.string(),
            .queue = slot.lane->queue->name.string(),
            .kind = slot.lane->name.string(),
            .payload = slot.payload.string(),
            .run_at = slot.run_at,
            .timeout = slot.timeout,
            .retention = slot.retention,
            .backoff_base = slot.backoff_base,
            .max_retries = slot.max_retries,
            .hold = slot.hold,
            .priority = slot.priority,
            .nonce = slot.nonce,
            .tag = {},
            .key = {},
            .unique_key = {},
            .batch = {},
            .cwd = {},
            .env = {},
            .depends_on = memory_no_strings()};
}
QUEUECTL_MEMORY_APART inline void memory_read_extra(const memory_slot& slot, job& j)
{
    const memory_extra& extra = *slot.extra;
    j.tag = extra.tag;
    j.key = extra.key;
    j.unique_key = extra.unique_key;
    j.batch = extra.batch;
    j.cwd = extra.cwd;
    j.env = extra.env;
    j.depends_on = extra.depends_on;
}

// What a lease is made from in its place; it has neither the error nor what memory_extra holds.
struct memory_plain_lease {
    const memory_slot& slot;
    const lease_token& token;
    QUEUECTL_MEMORY_FLATTEN operator lease() const
    {
        return {.job = memory_plain_job(slot),
                .token = token,
                .attempts = slot.attempts,
                .crashes = slot.crashes,
                .error = {}};
    }
};

QUEUECTL_MEMORY_INLINE inline void memory_read_lease(const memory_slot& slot, const lease_token& token,
                                                     std::vector<lease>& out)
{
    lease& l = out.emplace_back(memory_plain_lease{slot, token});
    if (slot.has_extra) memory_read_extra(slot, l.job);
    if (slot.has_history) l.error = slot.history->error;
}

[[nodiscard]] inline std::string_view memory_holder(const memory_slot& slot) noexcept
{
    return slot.state == state::processing ? static_cast<const memory_worker*>(slot.line)->name.view()
                                           : std::string_view{};
}

[[nodiscard]] inline job_record memory_read_record(const memory_slot& slot)
{
    job_record r;
    r.job = memory_plain_job(slot);
    if (slot.has_extra) memory_read_extra(slot, r.job);
    r.state = slot.state;
    r.attempts = slot.attempts;
    r.crashes = slot.crashes;
    r.created_at = slot.created_at;
    r.updated_at = slot.updated_at;
    r.sequence = slot.sequence;
    r.token = slot.token;
    r.cancel_requested = slot.cancel_requested;
    if (slot.state == state::processing) {
        r.locked_by = memory_holder(slot);
        r.locked_at = slot.locked_at;
        r.lease_until = slot.lease_until;
    }
    if (!slot.has_history) return r;
    r.settled_token = slot.history->settled_token;
    r.exit_code = slot.history->exit_code;
    r.signal = slot.history->signal;
    r.error = slot.history->error;
    r.result = slot.history->result;
    r.progress = slot.history->progress;
    return r;
}

// The slot's history, made where it has none.
[[nodiscard]] inline memory_history& memory_history_of(memory_slot& slot)
{
    if (!slot.history) slot.history = std::make_unique<memory_history>();
    slot.has_history = true;
    return *slot.history;
}

// Makes room for one more run: the next memory_keep_attempt allocates nothing.
inline void memory_reserve_attempt(memory_history& history)
{
    const std::size_t size = history.attempts.size();
    if (size == history.attempts.capacity() && size < limits::attempts_kept)
        history.attempts.reserve(std::min(limits::attempts_kept, size == 0 ? 1 : 2 * size));
}
inline void memory_keep_attempt(memory_history& history, attempt&& run) noexcept
{
    if (history.attempts.size() == limits::attempts_kept) history.attempts.erase(history.attempts.begin());
    history.attempts.push_back(std::move(run));
}

}  // namespace queuectl::inline v0::detail

#endif
