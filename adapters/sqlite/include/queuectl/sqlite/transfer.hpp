// restore: jobs with their past, as another store hands them over.
#ifndef QUEUECTL_SQLITE_TRANSFER_HPP
#define QUEUECTL_SQLITE_TRANSFER_HPP

#include <queuectl/facets.hpp>
#include <queuectl/sqlite/lease_row.hpp>

namespace queuectl::inline v0::detail::sqlite {

// What is there under the job's id: SQLITE_DONE = nothing, SQLITE_ROW = a job, and whether it is this one.
[[nodiscard]] inline int look_up_past(transaction& tx, const job_record& r, insert_status& status)
{
    for (const char* sql : {sql::past_of, sql::past_of_dead}) {
        auto row = tx.sql.get(sql);
        const int rc = row.bind(r.job.id).step();
        if (rc == SQLITE_DONE) continue;
        const bool same = rc == SQLITE_ROW && unpack_uid(row.bytes(0)) == r.job.nonce && row.time(1) == r.created_at;
        status = same ? insert_status::inserted : insert_status::duplicate;
        return rc;
    }
    status = insert_status::inserted;
    return SQLITE_DONE;
}

[[nodiscard]] inline int write_past(transaction& tx, std::int64_t sequence, const job_record& r, std::int64_t runs)
{
    const job& j = r.job;
    const auto nonce = pack(j.nonce);
    const auto settled = pack(r.settled_token);
    const auto depends_on = join_lines(j.depends_on);
    const bool text = j.payload.find('\0') == std::string::npos;
    auto row = tx.sql.get(r.state == state::dead ? sql::restore_dead : sql::restore);
    row.bind(sequence, j.id, j.queue, j.kind, static_cast<int>(r.state), int{j.priority}, j.run_at,
             std::int64_t{j.hold}, r.created_at, r.updated_at, r.attempts, r.crashes, runs, j.max_retries, j.timeout,
             j.retention, j.backoff_base, r.exit_code, r.signal, or_null(settled, r.settled_token),
             or_null(nonce, j.nonce), text_or_null{r.error}, blob{r.result}, blob{r.progress}, text_or_null{j.tag},
             text_or_null{j.key}, text_or_null{j.unique_key}, text_or_null{j.batch}, text_or_null{depends_on},
             text_or_null{j.cwd}, blob{j.env});
    if (text)
        row.bind_at(32, std::string_view{j.payload});
    else
        row.bind_at(32, blob{j.payload});
    return row.run();
}

// The newest limits::attempts_kept runs.
[[nodiscard]] inline int write_runs(transaction& tx, std::int64_t sequence, std::span<const attempt> runs)
{
    if (runs.size() > limits::attempts_kept) runs = runs.last(limits::attempts_kept);
    std::int64_t place = 0;
    for (const attempt& run : runs) {
        auto log = std::to_string(sequence) + '-' + std::to_string(++place);
        const int rc = write_run(tx, sequence, place, run, run.number, run.worker, std::move(log));
        if (rc != SQLITE_OK) return rc;
    }
    return SQLITE_OK;
}

[[nodiscard]] inline int restore_one(transaction& tx, const stored_job& j, insert_status& status)
{
    const job_record& r = j.record;
    int rc = look_up_past(tx, r, status);
    if (rc != SQLITE_DONE) return rc == SQLITE_ROW ? SQLITE_OK : rc;
    std::int64_t sequence = 0;
    std::int64_t lane = 0;
    const auto runs = std::min(j.attempts.size(), limits::attempts_kept);
    rc = tx.next_sequence(sequence);
    if (rc == SQLITE_OK) rc = tx.lane(r.job, lane);
    if (rc == SQLITE_OK) rc = write_past(tx, sequence, r, static_cast<std::int64_t>(runs));
    if (rc == SQLITE_OK) rc = write_runs(tx, sequence, j.attempts);
    if (rc != SQLITE_OK) return rc;
    tx.count(r.job.queue, r.state, +1);
    if (!is_waiting(r.state) || r.job.hold != hold_none) return SQLITE_OK;
    return tx.sql.get(sql::stand_in_line).bind(lane, r.job.run_at, sequence).run();
}

[[nodiscard]] inline int restore(transaction& tx, std::span<const stored_job> jobs, std::span<insert_status> statuses)
{
    for (const auto& j : jobs)
        if (j.record.state == state::processing)
            return tx.refuse(fail(errc::invalid_argument, "restore", "job " + j.record.job.id + " is processing"));
    for (std::size_t i = 0; i < jobs.size(); ++i)
        if (const int rc = restore_one(tx, jobs[i], statuses[i]); rc != SQLITE_OK) return rc;
    tx.work = true;
    return SQLITE_OK;
}

}  // namespace queuectl::inline v0::detail::sqlite

#endif
