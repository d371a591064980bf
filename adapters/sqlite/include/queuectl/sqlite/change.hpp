// What people do to jobs: revive, cancel, remove, reprioritise, free a worker's leases.
#ifndef QUEUECTL_SQLITE_CHANGE_HPP
#define QUEUECTL_SQLITE_CHANGE_HPP

#include <queuectl/facets.hpp>
#include <queuectl/sqlite/lease_row.hpp>

#include <limits>

namespace queuectl::inline v0::detail::sqlite {

// Moves the row to the dead letter queue; its runs stay where they are.
[[nodiscard]] inline int move_to_dead(transaction& tx, std::int64_t sequence)
{
    if (const int rc = tx.sql.get(sql::bury).bind(sequence).run(); rc != SQLITE_OK) return rc;
    return tx.sql.get(sql::erase).bind(sequence).run();
}

// Deletes a job with its runs and their output. Its count is the caller's.
[[nodiscard]] inline int forget_job(transaction& tx, std::int64_t sequence, bool dead)
{
    tx.removed(sequence);
    if (const int rc = forget_runs(tx, sequence, std::numeric_limits<std::int64_t>::max()); rc != SQLITE_OK) return rc;
    return tx.sql.get(dead ? sql::erase_dead : sql::erase).bind(sequence).run();
}

// Where a job is, in either table.
struct job_place {
    std::int64_t sequence = 0;
    std::string queue;
    queuectl::state state{};
    [[nodiscard]] bool dead() const { return state == queuectl::state::dead; }
};

// SQLITE_ROW = found, SQLITE_DONE = not there, else an error.
[[nodiscard]] inline int locate(transaction& tx, std::string_view id, job_place& out)
{
    for (const char* sql : {sql::place, sql::place_dead}) {
        auto row = tx.sql.get(sql);
        const int rc = row.bind(id).step();
        if (rc == SQLITE_ROW) out = {row.integer(0), row.text(1), static_cast<state>(row.int32(2))};
        if (rc != SQLITE_DONE) return rc;
    }
    return SQLITE_DONE;
}

// Applies `one(place, status)` to each job that is there.
template <class Change>
[[nodiscard]] int change_each(transaction& tx, std::span<const std::string> ids, std::span<change_status> statuses,
                              Change one)
{
    for (std::size_t i = 0; i < ids.size(); ++i) {
        job_place place;
        int rc = locate(tx, ids[i], place);
        statuses[i] = change_status::not_found;
        if (rc == SQLITE_ROW) rc = one(place, statuses[i]);
        if (rc != SQLITE_OK && rc != SQLITE_DONE) return rc;
    }
    return SQLITE_OK;
}

// Takes a failed job out of line; a completed one's own run goes where its others are.
[[nodiscard]] inline int prepare_revival(transaction& tx, const job_place& job)
{
    if (job.state == state::failed) return tx.sql.get(sql::leave_line).bind(job.sequence).run();
    return job.state == state::completed ? tx.sql.get(sql::write_own_run).bind(job.sequence).run() : SQLITE_OK;
}

[[nodiscard]] inline int revive(transaction& tx, const job_place& job, change_status& status, const instant& now)
{
    status = change_status::conflict;
    if (job.state == state::pending || job.state == state::processing) return SQLITE_OK;
    status = change_status::done;
    std::int64_t sequence = 0;
    if (const int rc = tx.next_sequence(sequence); rc != SQLITE_OK) return rc;
    tx.removed(job.sequence);
    if (const int left = prepare_revival(tx, job); left != SQLITE_OK) return left;
    int rc = tx.sql.get(job.dead() ? sql::unbury : sql::renumber).bind(job.sequence, sequence).run();
    if (rc == SQLITE_OK && job.dead()) rc = tx.sql.get(sql::erase_dead).bind(job.sequence).run();
    if (rc == SQLITE_OK) rc = tx.sql.get(sql::renew).bind(sequence, now.wall).run();
    if (rc == SQLITE_OK) rc = tx.sql.get(sql::move_runs).bind(job.sequence, sequence).run();
    if (rc == SQLITE_OK) rc = tx.sql.get(sql::enter_line).bind(sequence).run();
    tx.move(job.queue, job.state, state::pending);
    tx.work = true;
    return rc;
}

[[nodiscard]] inline int cancel(transaction& tx, const job_place& job, change_status& status, const instant& now)
{
    status = change_status::conflict;
    if (is_final(job.state)) return SQLITE_OK;
    tx.changed = true;
    if (job.state == state::processing) {
        status = change_status::requested;
        tx.control = true;
        return tx.sql.get(sql::cancel_running).bind(job.sequence).run();
    }
    if (const int rc = tx.check_state("cancel", change_of::jobs); rc != SQLITE_OK) return rc;
    status = change_status::done;
    tx.move(job.queue, job.state, state::cancelled);
    if (const int rc = tx.sql.get(sql::leave_line).bind(job.sequence).run(); rc != SQLITE_OK) return rc;
    return tx.sql.get(sql::cancel_waiting).bind(job.sequence, now.wall).run();
}

[[nodiscard]] inline int remove(transaction& tx, const job_place& job, change_status& status)
{
    status = change_status::conflict;
    if (job.state == state::processing) return SQLITE_OK;
    status = change_status::done;
    tx.count(job.queue, job.state, -1);
    if (is_waiting(job.state))
        if (const int rc = tx.sql.get(sql::leave_line).bind(job.sequence).run(); rc != SQLITE_OK) return rc;
    return forget_job(tx, job.sequence, job.dead());
}

[[nodiscard]] inline int reprioritise(transaction& tx, std::string_view id, int priority, change_status& status,
                                      const instant& now)
{
    job_place job;
    int rc = locate(tx, id, job);
    status = rc == SQLITE_DONE ? change_status::not_found : change_status::conflict;
    if (rc == SQLITE_DONE || (rc == SQLITE_ROW && !is_waiting(job.state))) return SQLITE_OK;
    if (rc != SQLITE_ROW) return rc;
    status = change_status::done;
    tx.work = true;
    rc = tx.sql.get(sql::leave_line).bind(job.sequence).run();
    if (rc == SQLITE_OK) rc = tx.sql.get(sql::reprioritise).bind(job.sequence, priority, now.wall).run();
    return rc == SQLITE_OK ? tx.sql.get(sql::enter_line).bind(job.sequence).run() : rc;
}

// Reads one row per lease in the store.
[[nodiscard]] inline int free_leases(transaction& tx, std::string_view worker, std::string_view cause,
                                     const instant& now, std::size_t& freed)
{
    std::vector<std::int64_t> held;
    {
        auto rows = tx.sql.get(sql::leases_of);
        rows.bind(worker, static_cast<std::int64_t>(limits::sweep));
        int rc = rows.step();
        for (; rc == SQLITE_ROW; rc = rows.step()) held.push_back(rows.integer(0));
        if (rc != SQLITE_DONE) return rc;
    }
    for (const auto sequence : held)
        if (const int rc = crash(tx, sequence, cause, now); rc != SQLITE_OK) return rc;
    freed = held.size();
    return SQLITE_OK;
}

}  // namespace queuectl::inline v0::detail::sqlite

#endif
