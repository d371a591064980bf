// Runs of jobs, and the end of a lease whose holder is gone.
#ifndef QUEUECTL_LMDB_RUNS_HPP
#define QUEUECTL_LMDB_RUNS_HPP

#include <queuectl/lmdb/rows.hpp>

#include <algorithm>

namespace queuectl::inline v0::detail::lmdb {

// A value of runs, as it lies in the map.
struct run_view {
    run_row row{};
    std::string_view error, worker, output;

    [[nodiscard]] bool read(std::string_view value) noexcept
    {
        if (!read_row(value, row)) return false;
        value.remove_prefix(sizeof row);
        return take(value, row.error_bytes, error) && take(value, row.worker_bytes, worker) &&
               take(value, row.kept_bytes, output);
    }
};

[[nodiscard]] inline std::string log_name(std::uint64_t file, std::uint32_t run)
{
    return std::to_string(file) + '-' + std::to_string(run);
}

// Calls visit(run's number, row) for the kept runs of a job, oldest first, until it gives anything but 0.
template <class Visit>
[[nodiscard]] int each_run(transaction& tx, std::uint64_t sequence, Visit visit)
{
    int rc = 0;
    cursor* const runs = tx.at(table::runs, rc);
    if (rc == 0) rc = runs->seek(run_key(sequence, 0).view());
    for (; rc == 0 && unpack<std::uint64_t>(runs->key(), 0) == sequence; rc = runs->next()) {
        run_view run;
        if (!run.read(runs->value())) return MDB_CORRUPTED;
        if (const int told = visit(unpack<std::uint32_t>(runs->key(), 8), run); told != 0) return told;
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

// Forgets the runs of a job up to `newest`, with their output.
[[nodiscard]] inline int forget_runs(transaction& tx, std::uint64_t sequence, std::uint32_t newest)
{
    int rc = 0;
    cursor* const runs = tx.at(table::runs, rc);
    const auto first = run_key(sequence, 0);
    for (; rc == 0;) {
        rc = runs->seek(first.view());
        if (rc != 0 || unpack<std::uint64_t>(runs->key(), 0) != sequence) break;
        const auto number = unpack<std::uint32_t>(runs->key(), 8);
        run_view run;
        if (!run.read(runs->value())) return MDB_CORRUPTED;
        if (number > newest) break;
        if (run.row.file != 0) tx.dead_logs.push_back(log_name(run.row.file, run.row.file_run));
        rc = runs->erase();
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

// Adds a run under its number; long output goes into a file named after `sequence`.
[[nodiscard]] inline int add_run(transaction& tx, std::uint64_t sequence, std::uint32_t place, std::int32_t number,
                                 std::string_view worker, const attempt& run)
{
    const auto& out = run.output;
    run_row row{};
    row.number = number;
    row.exit_code = run.exit_code;
    row.signal = run.signal;
    row.status = static_cast<std::uint32_t>(run.status);
    row.started_at = ticks(run.started_at);
    row.ended_at = ticks(run.ended_at);
    row.output_bytes = std::max<std::uint64_t>(run.output_bytes, out.head.size() + out.tail.size() + out.dropped_bytes);
    row.dropped_bytes = out.dropped_bytes;
    row.head_bytes = out.head.size();
    row.error_bytes = static_cast<std::uint32_t>(run.error.size());
    row.worker_bytes = static_cast<std::uint32_t>(worker.size());
    if (out.head.size() + out.tail.size() <= limits::inline_output_bytes || tx.files() == nullptr) {
        row.kept_bytes = static_cast<std::uint32_t>(out.head.size() + out.tail.size());
    } else {
        row.file = sequence;
        row.file_run = place;
        auto logs = tx.files()->open_logs(true);
        if (!logs) return tx.refuse(fail(logs.error()));
        tx.new_logs.push_back(log_name(sequence, place));
        if (auto written = write_log(**logs, tx.new_logs.back(), out); !written)
            return tx.refuse(fail(written.error()));
    }
    std::string value{bytes_of(row)};
    (value += run.error) += worker;
    if (row.kept_bytes != 0) (value += out.head) += out.tail;
    return tx.put(table::runs, run_key(sequence, place).view(), value);
}

// Forgets what is over limits::attempts_kept when `runs` have ended.
[[nodiscard]] inline int forget_old_runs(transaction& tx, std::uint64_t sequence, std::uint32_t runs)
{
    return runs <= limits::attempts_kept
               ? 0
               : forget_runs(tx, sequence, runs - static_cast<std::uint32_t>(limits::attempts_kept));
}

// Writes the attempt record of the run that ends now; counts it in s.row.runs.
[[nodiscard]] inline int record_run(transaction& tx, std::uint64_t sequence, state_view& s, const attempt& run)
{
    const int rc = add_run(tx, sequence, ++s.row.runs, s.row.attempts + s.row.crashes + 1, s.worker, run);
    return rc == 0 ? forget_old_runs(tx, sequence, s.row.runs) : rc;
}

// The run that a completed job keeps in its state's row.
[[nodiscard]] inline attempt own_run(const state_view& s)
{
    attempt run;
    run.number = s.row.attempts + s.row.crashes;
    run.status = run_status::succeeded;
    run.exit_code = s.row.exit_code;
    run.signal = s.row.signal;
    run.started_at = time_of(s.row.started_at);
    run.ended_at = time_of(s.row.ended_at);
    run.worker = s.worker;
    return run;
}

// A job's strings of its state, copied: the row may be written while they are used.
struct state_strings {
    std::string worker, error, result, progress, leased_by;
    explicit state_strings(state_view& s)
        : worker{s.worker}, error{s.error}, result{s.result}, progress{s.progress}, leased_by{s.lease.worker}
    {
        s.lease.worker = leased_by;
        s.worker = worker;
        s.error = error;
        s.result = result;
        s.progress = progress;
    }
};

// A final job is told of in `ended`; its row's state and updated_at say how.
[[nodiscard]] inline int file_job(transaction& tx, std::uint64_t sequence, state_view& s)
{
    ended_place place{s.row.updated_at, 0};
    const int rc = is_final(s.own_state()) ? tx.enter_ended(s.own_state(), s.row.updated_at, sequence, place) : 0;
    s.row.filed_at = place.filed_at;
    s.row.group = place.group;
    return rc;
}

// A job waits, from its row's run_at on, or is final; writes its row. Its lease and count are the caller's.
[[nodiscard]] inline int place_job(transaction& tx, std::uint64_t sequence, state_view& s, queuectl::state to,
                                   const instant& now)
{
    if (!s.has(state_row::own_run)) {
        s.worker = {};
        s.row.started_at = s.row.ended_at = 0;
    }
    s.row.state = static_cast<std::uint8_t>(to);
    s.row.updated_at = ticks(now.wall);
    int rc = file_job(tx, sequence, s);
    if (rc == 0) rc = write_state(tx, sequence, s);
    if (rc == 0 && is_waiting(to) && s.row.hold == hold_none)
        rc = enter_line(tx, {s.lane(), s.row.run_at, sequence, 1, false});
    return rc;
}

// A job with a unique key is final: another may have the key.
[[nodiscard]] inline int leave_unique(transaction& tx, std::uint64_t sequence)
{
    job_view from;
    if (const int rc = read_job_row(tx, sequence, from); rc != 0) return rc;
    const std::string key{from.unique_key};
    std::string_view value;
    std::uint64_t holder = 0;
    const int rc = tx.get(table::unique, key, value);
    if (rc != 0) return rc == MDB_NOTFOUND ? 0 : rc;
    return read_row(value, holder) && holder == sequence ? tx.del(table::unique, key) : 0;
}

// Ends a lease whose holder is gone: crashes + 1, back to pending, or cancelled when that was asked for. Not if the
// job is leased elsewhere by now; `crashed` tells.
[[nodiscard]] inline int crash(transaction& tx, std::uint64_t sequence, const leased_place& place,
                               std::string_view cause, const instant& now, bool& crashed)
{
    state_view s;
    crashed = false;
    int rc = tx.find_lease(sequence, s.lease);
    if (rc == MDB_NOTFOUND) return 0;
    if (rc != 0 || s.lease.place() != place) return rc;
    crashed = true;
    if (rc = read_leased_state(tx, sequence, s); rc != 0) return rc;
    s.worker = s.lease.worker;
    attempt run;
    run.status = run_status::crashed;
    run.error = cause;
    run.started_at = time_of(s.lease.row.started_at);
    run.ended_at = now.wall;
    if (rc = record_run(tx, sequence, s, run); rc != 0) return rc;
    // A settle that was cut off may have left a file.
    if (tx.files() != nullptr) tx.dead_logs.push_back(log_name(sequence, s.row.runs));
    ++s.row.crashes;
    s.error = cause;
    const auto to = s.cancel_requested() ? state::cancelled : state::pending;
    tx.move(s.row.queue, state::processing, to);
    tx.work = true;
    const bool unique = is_final(to) && s.has(state_row::has_unique_key);
    rc = place_job(tx, sequence, s, to, now);
    if (rc == 0) rc = tx.end_lease(sequence, place);
    return rc == 0 && unique ? leave_unique(tx, sequence) : rc;
}

}  // namespace queuectl::inline v0::detail::lmdb

#endif
