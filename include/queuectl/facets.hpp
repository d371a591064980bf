// What a storage may offer beside its four verbs. Each facet is optional; what needs a missing one does not
// compile, with the name of the facet in the message.
#ifndef QUEUECTL_FACETS_HPP
#define QUEUECTL_FACETS_HPP

#include <queuectl/storage.hpp>

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace queuectl::inline v0 {

// Which jobs. Unset members match everything.
struct job_filter {
    std::optional<queuectl::state> state{};
    std::string queue{};
    std::string kind{};
    std::string tag{};
    timestamp updated_before = timestamp_max;  // strictly
};

// Jobs in insertion order; pass `next` back as `after` to go on. 0 starts and, as `next`, ends.
struct page_request {
    std::uint64_t after = 0;
    std::size_t limit = 100;  // ≤ limits::sweep
};

struct queue_counts {
    std::string queue;
    std::array<std::uint64_t, state_count> by_state{};
    [[nodiscard]] std::uint64_t operator[](queuectl::state s) const { return by_state[static_cast<std::size_t>(s)]; }
};

enum class change_status : std::uint8_t {
    done,
    requested,  // cancel of a running job: its worker is told
    not_found,
    conflict,  // the job's state does not allow it
};

// Whether a store takes changes. The numbers are stored.
enum class store_state : std::uint8_t {
    open = 0,
    read_only = 1,  // every write is errc::read_only
    moved = 2,      // every write is errc::moved, with the place it went to
    // What runs may end, nothing begins: extend, settle, free_worker, cancel of a running job and the config verbs
    // work; claim returns expired leases and leases nothing (next_at = timestamp_max); insert and every other change
    // are errc::busy, with the place the store goes to. (A call that would cancel a waiting job is such a change; the
    // repetition of a claim still tells its leases.)
    moving = 3,
};

[[nodiscard]] constexpr std::string_view name(store_state s) noexcept
{
    constexpr std::string_view names[] = {"open", "read_only", "moved", "moving"};
    const auto i = static_cast<std::size_t>(s);
    return i < std::size(names) ? names[i] : std::string_view{"unknown"};
}

// The header of a store.
struct store_info {
    std::uint32_t format = 0;      // version of its layout
    std::uint32_t min_reader = 0;  // the oldest format version that a program must know to read it
    std::uint32_t min_writer = 0;
    uid id{};
    std::string location;  // for people: a path or URL, without a password
    std::string moved_to;  // where it was moved, or is being moved; empty = it was not
    store_state state = store_state::open;
    bool read_only = false;  // by its state, or as it was opened
    queuectl::durability durability = durability::full;
};

// Expression                          Meaning
// s.info()                            The header.
// s.find(id)                          The record, or nothing.
// s.list(filter, page, out)           Appends up to page.limit records in insertion order; returns the next cursor.
//                                     It may end early with a cursor: only 0 is the end.
// s.attempts(id, out)                 Appends the runs of a job, oldest first, without their output.
// s.output(id, number)                What run `number` wrote; not_found when it is not kept.
// s.counts(out)                       Appends the counts of every queue that ever held a job. O(queues).
// s.revive(ids, statuses, now)        dead, cancelled, failed or completed → pending, due now, attempts and crashes 0,
//                                     everything else kept, at the end of its priority's line. Processing, pending:
//                                     conflict.
// s.cancel(ids, statuses, now)        Waiting → cancelled (done); processing → requested; final → conflict.
// s.remove(ids, statuses)             Forgets jobs, with attempts and output. Processing: conflict.
// s.purge(filter, limit)              Removes up to `limit` final jobs; returns how many. 0 = none is left.
// s.reprioritise(id, priority)        Of a waiting job, in its place by time.
// s.free_worker(worker, cause, now)   Ends up to limits::sweep leases of a worker known to be dead: → pending,
//                                     crashes + 1, error = cause, an attempt record "crashed". Returns how many.
//
// The same atomicity as the four verbs.
template <class S>
concept inspectable_storage = storage<S> &&
    requires(S& s, const job_filter& filter, const page_request& page, std::string_view id,
             std::span<const std::string> ids, std::span<change_status> statuses, std::vector<job_record>& records,
             std::vector<attempt>& attempts, std::vector<queue_counts>& counts, std::int32_t number, std::size_t limit,
             int priority, const instant& now)
{
    {
        s.info()
        } -> std::same_as<result<store_info>>;
    {
        s.find(id)
        } -> std::same_as<result<std::optional<job_record>>>;
    {
        s.list(filter, page, records)
        } -> std::same_as<result<std::uint64_t>>;
    {
        s.attempts(id, attempts)
        } -> std::same_as<result<void>>;
    {
        s.output(id, number)
        } -> std::same_as<result<run_output>>;
    {
        s.counts(counts)
        } -> std::same_as<result<void>>;
    {
        s.revive(ids, statuses, now)
        } -> std::same_as<result<void>>;
    {
        s.cancel(ids, statuses, now)
        } -> std::same_as<result<void>>;
    {
        s.remove(ids, statuses)
        } -> std::same_as<result<void>>;
    {
        s.purge(filter, limit)
        } -> std::same_as<result<std::size_t>>;
    {
        s.reprioritise(id, priority, now)
        } -> std::same_as<result<change_status>>;
    {
        s.free_worker(id, id, now)
        } -> std::same_as<result<std::size_t>>;
};

// A small keyed value: a setting, a worker's registration, a schedule. `version` is 0 when there is none and
// changes with every write.
struct config_entry {
    std::string key;    // ≤ 255 bytes
    std::string value;  // ≤ 64 KiB
    std::uint64_t version = 0;
    timestamp expires_at = timestamp_max;
};

// Expression                            Meaning
// s.config_get(key, now)                The entry unless it has expired.
// s.config_put(entry, now)              Writes it if entry.version is the stored one (0 = there is none; any_version =
//                                       whatever there is); the new version, or errc::conflict.
// s.config_erase(key)                   Whether there was one.
// s.config_list(prefix, out, now)       Appends the entries whose key begins with prefix, by key.
inline constexpr std::uint64_t any_version = ~std::uint64_t{0};
template <class S>
concept configurable_storage = storage<S> &&
    requires(S& s, std::string_view key, const config_entry& entry, std::vector<config_entry>& out, const instant& now)
{
    {
        s.config_get(key, now)
        } -> std::same_as<result<std::optional<config_entry>>>;
    {
        s.config_put(entry, now)
        } -> std::same_as<result<std::uint64_t>>;
    {
        s.config_erase(key)
        } -> std::same_as<result<bool>>;
    {
        s.config_list(key, out, now)
        } -> std::same_as<result<void>>;
};

// A job with all its past, as one store hands it to another.
struct stored_job {
    job_record record;              // waiting or ended, never processing
    std::vector<attempt> attempts;  // oldest first, each with its output where that is kept
};

// Expression                       Meaning
// s.restore(jobs, statuses, now)   Adds the jobs as they were elsewhere, all or none, in this order: every member of
//                                  record and attempts is kept, the newest limits::attempts_kept of these, but the
//                                  sequence, which is given here, and what only a lease has (token, locked_*,
//                                  lease_until, cancel_requested). Unique keys are not compared. `inserted`, also for
//                                  an id whose job here has the same nonce and created_at (nothing changes: the call
//                                  may be repeated); `duplicate` for any other id that is taken. A processing job:
//                                  errc::invalid_argument. Durable before it returns, whatever the durability.
// s.set_state(state, moved_to)     Whether the store takes changes from now on, by anybody; the one write that every
//                                  state takes. `moved_to` is a URL for moved and moving, and empty for the others.
//                                  Durable before it returns; wakes those who wait for a change.
template <class S>
concept transferable_storage = inspectable_storage<S> &&
    requires(S& s, std::span<const stored_job> jobs, std::span<insert_status> statuses, store_state state,
             std::string_view moved_to, const instant& now)
{
    {
        s.restore(jobs, statuses, now)
        } -> std::same_as<result<void>>;
    {
        s.set_state(state, moved_to)
        } -> std::same_as<result<void>>;
};

// Two counters that only grow (and wrap): `work` when a job may have become claimable or a setting changed,
// `control` when a running job's cancellation was asked for.
struct change_counts {
    std::uint32_t work = 0;
    std::uint32_t control = 0;
    friend bool operator==(const change_counts&, const change_counts&) = default;
};

// Expression                     Meaning
// s.changes()                    The counters now. Cheap; any thread.
// s.wait_for_change(seen, max)   Blocks until changes() != seen, interrupt_waits() or `max` has passed; returns
//                                changes(). Changes by other processes count. May return early.
// s.interrupt_waits()            Makes every current wait of this object return. Async-signal-unsafe.
template <class S>
concept notifying_storage = storage<S> && requires(S& s, change_counts seen, duration max)
{
    {
        s.changes()
        } -> std::same_as<change_counts>;
    {
        s.wait_for_change(seen, max)
        } -> std::same_as<change_counts>;
    {s.interrupt_waits()};
};

}  // namespace queuectl::inline v0

#endif
