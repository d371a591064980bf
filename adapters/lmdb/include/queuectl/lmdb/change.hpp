// What people do to jobs: revive, cancel, remove, reprioritise; and what a moving store refuses of it.
#ifndef QUEUECTL_LMDB_CHANGE_HPP
#define QUEUECTL_LMDB_CHANGE_HPP

#include <queuectl/lmdb/groups.hpp>

#include <limits>

namespace queuectl::inline v0::detail::lmdb {

// Takes a job that is not leased out of where its state has it: the line, or `ended`.
[[nodiscard]] inline int leave_place(transaction& tx, std::uint64_t sequence, const state_view& s)
{
    if (is_final(s.state())) return tx.leave_ended(s.state(), s.ended(), sequence);
    return s.row.hold == hold_none ? leave_line(tx, s.lane(), s.row.run_at, sequence) : 0;
}

// Deletes a job with its runs and their output. Its place and count are the caller's.
[[nodiscard]] inline int forget_job(transaction& tx, std::uint64_t sequence, const state_view& s)
{
    int rc = s.has(state_row::has_unique_key) ? leave_unique(tx, sequence) : 0;
    if (rc == 0 && s.row.runs != 0) rc = forget_runs(tx, sequence, std::numeric_limits<std::uint32_t>::max());
    job_view from;
    if (rc == 0) rc = read_job_row(tx, sequence, from);
    if (rc != 0) return rc;
    const std::string id{from.id};
    rc = tx.del(table::ids, id);
    if (rc == 0) rc = tx.del(table::jobs, sequence_key(sequence));
    if (rc != 0) return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
    rc = tx.del(table::states, sequence_key(sequence));
    return rc == MDB_NOTFOUND ? 0 : rc;
}

// Applies `one(sequence, state, status)` to each job that is there.
template <class Change>
[[nodiscard]] int change_each(transaction& tx, std::span<const std::string> ids, std::span<change_status> statuses,
                              Change one)
{
    for (std::size_t i = 0; i < ids.size(); ++i) {
        std::uint64_t sequence = 0;
        state_view s;
        int rc = find_sequence(tx, ids[i], sequence);
        statuses[i] = change_status::not_found;
        if (rc == MDB_NOTFOUND) continue;
        if (rc == 0) rc = read_state(tx, sequence, s);
        const state_strings strings{s};
        if (rc == 0) rc = one(sequence, s, statuses[i]);
        if (rc != 0) return rc;
    }
    return 0;
}

// Gives a job, with its runs, a new sequence.
[[nodiscard]] inline int renumber(transaction& tx, std::uint64_t from, std::uint64_t to)
{
    std::string_view value;
    if (const int rc = tx.get(table::jobs, sequence_key(from), value); rc != 0) return rc;
    const std::string row{value};
    job_view j;
    if (!j.read(row)) return MDB_CORRUPTED;
    int rc = tx.put(table::jobs, sequence_key(to), row, MDB_APPEND);
    if (rc == 0) rc = tx.put(table::ids, j.id, bytes_of(to));
    if (rc == 0) rc = tx.del(table::jobs, sequence_key(from));
    if (rc == 0) rc = tx.del(table::states, sequence_key(from));
    if (rc == MDB_NOTFOUND) rc = 0;
    for (std::string key; rc == 0;) {
        cursor* const runs = tx.at(table::runs, rc);
        if (rc == 0) rc = runs->seek(run_key(from, 0).view());
        if (rc != 0 || unpack<std::uint64_t>(runs->key(), 0) != from) break;
        const auto number = unpack<std::uint32_t>(runs->key(), 8);
        const std::string run{runs->value()};
        rc = runs->erase();
        if (rc == 0) rc = tx.put(table::runs, run_key(to, number).view(), run);
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

// A revived job has its unique key again, unless another waits or runs under it.
[[nodiscard]] inline int enter_unique(transaction& tx, std::uint64_t sequence)
{
    job_view from;
    if (const int rc = read_job_row(tx, sequence, from); rc != 0) return rc;
    const std::string key{from.unique_key};
    const int rc = tx.put(table::unique, key, bytes_of(sequence), MDB_NOOVERWRITE);
    return rc == MDB_KEYEXIST ? 0 : rc;
}

[[nodiscard]] inline int revive(transaction& tx, std::uint64_t sequence, state_view& s, change_status& status,
                                const instant& now)
{
    status = change_status::conflict;
    if (s.state() == state::pending || s.state() == state::processing) return 0;
    status = change_status::done;
    int rc = leave_place(tx, sequence, s);
    const bool unique = s.has(state_row::has_unique_key);
    if (rc == 0 && unique) rc = leave_unique(tx, sequence);
    if (rc == 0 && s.has(state_row::own_run))
        rc = add_run(tx, sequence, s.row.runs, s.row.attempts + s.row.crashes, s.worker, own_run(s));
    const auto next = tx.next_sequence();
    if (rc == 0) rc = renumber(tx, sequence, next);
    if (rc == 0 && unique) rc = enter_unique(tx, next);
    if (rc != 0) return rc;
    tx.move(s.row.queue, s.state(), state::pending);
    s.set(state_row::own_run, false);
    s.row.attempts = s.row.crashes = 0;
    s.row.run_at = ticks(now.wall);
    tx.work = true;
    return place_job(tx, next, s, state::pending, now);
}

[[nodiscard]] inline int cancel(transaction& tx, std::uint64_t sequence, state_view& s, change_status& status,
                                const instant& now)
{
    status = change_status::conflict;
    if (is_final(s.state())) return 0;
    if (s.state() == state::processing) {
        status = change_status::requested;
        tx.control = true;
        s.lease.set(lease_row::cancel_requested);
        return tx.change_lease(sequence, s.lease);
    }
    if (const int rc = tx.check_state("cancel", change_of::jobs); rc != 0) return rc;
    status = change_status::done;
    const bool unique = s.has(state_row::has_unique_key);
    tx.move(s.row.queue, s.state(), state::cancelled);
    int rc = leave_place(tx, sequence, s);
    if (rc == 0) rc = place_job(tx, sequence, s, state::cancelled, now);
    return rc == 0 && unique ? leave_unique(tx, sequence) : rc;
}

[[nodiscard]] inline int remove(transaction& tx, std::uint64_t sequence, const state_view& s, change_status& status)
{
    status = change_status::conflict;
    if (s.state() == state::processing) return 0;
    status = change_status::done;
    tx.count(s.row.queue, s.state(), -1);
    const int rc = leave_place(tx, sequence, s);
    return rc == 0 ? forget_job(tx, sequence, s) : rc;
}

[[nodiscard]] inline int reprioritise(transaction& tx, std::uint64_t sequence, state_view& s, int priority,
                                      change_status& status, const instant& now)
{
    status = change_status::conflict;
    if (!is_waiting(s.state())) return 0;
    status = change_status::done;
    if (const int rc = leave_place(tx, sequence, s); rc != 0) return rc;
    s.row.priority = static_cast<std::int8_t>(priority);
    tx.work = true;
    return place_job(tx, sequence, s, s.state(), now);
}

}  // namespace queuectl::inline v0::detail::lmdb

#endif
