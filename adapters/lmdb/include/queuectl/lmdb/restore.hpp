// transferable_storage's restore.
#ifndef QUEUECTL_LMDB_RESTORE_HPP
#define QUEUECTL_LMDB_RESTORE_HPP

#include <queuectl/lmdb/change.hpp>

namespace queuectl::inline v0::detail::lmdb {

// Whether the id is taken, and by whom.
[[nodiscard]] inline int look_for_restored(transaction& tx, const job_record& r, insert_status& status, bool& taken)
{
    std::uint64_t sequence = 0;
    int rc = find_sequence(tx, r.job.id, sequence);
    taken = rc == 0;
    job_view known;
    if (rc == 0) rc = read_job_row(tx, sequence, known);
    if (rc != 0) return rc == MDB_NOTFOUND ? 0 : rc;
    const bool same = known.nonce() == r.job.nonce && time_of(known.row.created_at) == r.created_at;
    status = same ? insert_status::inserted : insert_status::duplicate;
    return 0;
}

[[nodiscard]] inline int restore_state(transaction& tx, std::uint64_t sequence, const stored_job& j)
{
    const auto& r = j.record;
    job_view from;
    if (const int rc = read_job_row(tx, sequence, from); rc != 0) return rc;
    state_view s;
    s.begin(from);
    s.row.state = static_cast<std::uint8_t>(r.state);
    s.row.updated_at = ticks(r.updated_at);
    s.row.attempts = r.attempts;
    s.row.crashes = r.crashes;
    s.row.runs = static_cast<std::uint32_t>(j.attempts.size());
    s.row.exit_code = r.exit_code;
    s.row.signal = r.signal;
    s.settled_token(r.settled_token);
    s.error = r.error;
    s.result = r.result;
    s.progress = r.progress;
    tx.count(s.row.queue, r.state, +1);
    int rc = file_job(tx, sequence, s);
    if (rc == 0) rc = write_state(tx, sequence, s);
    if (rc == 0 && is_waiting(r.state) && s.row.hold == hold_none)
        rc = enter_line(tx, {s.lane(), s.row.run_at, sequence, 1, false});
    if (rc == 0 && !is_final(r.state) && s.has(state_row::has_unique_key)) rc = enter_unique(tx, sequence);
    return rc;
}

[[nodiscard]] inline int restore_one(transaction& tx, const stored_job& j)
{
    const auto sequence = tx.next_sequence();
    const auto& r = j.record;
    std::uint32_t queue = 0;
    std::uint32_t kind = 0;
    int rc = tx.number_of(name_kind::queue, r.job.queue, true, queue);
    if (rc == 0) rc = tx.number_of(name_kind::kind, r.job.kind, true, kind);
    if (rc == 0) rc = tx.put(table::ids, r.job.id, bytes_of(sequence));
    if (rc == 0) rc = append_job(tx, sequence, r.job, queue, kind, ticks(r.created_at));
    if (rc == 0) rc = restore_state(tx, sequence, j);
    std::uint32_t place = 0;
    for (const auto& run : j.attempts)
        if (rc == 0) rc = add_run(tx, sequence, ++place, run.number, run.worker, run);
    return rc == 0 ? forget_old_runs(tx, sequence, place) : rc;
}

[[nodiscard]] inline int restore(transaction& tx, std::span<const stored_job> jobs, std::span<insert_status> statuses)
{
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        const auto& r = jobs[i].record;
        if (r.state == state::processing)
            return tx.refuse(fail(errc::invalid_argument, "restore", r.job.id + " is processing"));
        bool taken = false;
        int rc = look_for_restored(tx, r, statuses[i], taken);
        if (rc == 0 && !taken) {
            statuses[i] = insert_status::inserted;
            rc = restore_one(tx, jobs[i]);
        }
        if (rc != 0) return rc;
    }
    tx.work = true;
    return 0;
}

}  // namespace queuectl::inline v0::detail::lmdb

#endif
