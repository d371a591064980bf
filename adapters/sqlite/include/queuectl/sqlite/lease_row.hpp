// A leased row: what settle, reap and free_worker need of it, and the end of a run.
#ifndef QUEUECTL_SQLITE_LEASE_ROW_HPP
#define QUEUECTL_SQLITE_LEASE_ROW_HPP

#include <queuectl/lease.hpp>
#include <queuectl/limits.hpp>
#include <queuectl/process/output_files.hpp>
#include <queuectl/sqlite/transaction.hpp>

namespace queuectl::inline v0::detail::sqlite {

struct lease_row : lease_hint {
    bool leased = false;
    lease_token token{};
    lease_token settled_token{};
    queuectl::state claimed_from{};
    bool cancel_requested = false;
    std::string locked_by;
    timestamp locked_at{};
    std::string error;
};

// Of sql::held and sql::held_sequence.
[[nodiscard]] inline lease_row read_lease_row(const statement& row)
{
    lease_row r;
    r.sequence = row.integer(0);
    r.queue = row.bytes(1);
    r.leased = !row.null(2);
    r.token = unpack_token(row.bytes(2));
    r.settled_token = unpack_token(row.bytes(3));
    r.attempts = row.int32(4);
    r.crashes = row.int32(5);
    r.runs = row.integer(6);
    r.cancel_requested = row.int32(7) != 0;
    r.forgotten_when_completed = row.integer(8) == 0;
    r.locked_by = row.bytes(9);
    r.locked_at = row.time(10);
    r.error = row.bytes(11);
    r.id = row.bytes(12);
    r.claimed_from = static_cast<queuectl::state>(row.int32(13));
    return r;
}

// Forgets the runs of a job up to `newest`, with their output.
[[nodiscard]] inline int forget_runs(transaction& tx, std::int64_t job, std::int64_t newest)
{
    auto forget = tx.sql.get(sql::forget_runs);
    forget.bind(job, newest);
    int rc = forget.step();
    for (; rc == SQLITE_ROW; rc = forget.step())
        if (!forget.null(0)) tx.dead_logs.push_back(forget.text(0));
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

// Forgets what is over limits::attempts_kept when one more run has ended.
[[nodiscard]] inline int forget_old_runs(transaction& tx, const lease_hint& row)
{
    constexpr auto kept = static_cast<std::int64_t>(limits::attempts_kept);
    return row.runs < kept ? SQLITE_OK : forget_runs(tx, row.sequence, row.runs + 1 - kept);
}

// Of the run that ends next.
[[nodiscard]] inline std::string log_name(const lease_hint& row)
{
    return std::to_string(row.sequence) + '-' + std::to_string(row.runs + 1);
}

// Writes an attempt record: of a job, its `place`-th run ever. Output that is too long for a row goes to the file
// `log`.
[[nodiscard]] inline int write_run(transaction& tx, std::int64_t job, std::int64_t place, const attempt& run,
                                   std::int32_t number, std::string_view worker, std::string log)
{
    const auto& out = run.output;
    std::string small;
    if (out.head.size() + out.tail.size() <= limits::inline_output_bytes || tx.files() == nullptr) {
        small = out.head + out.tail;
        log.clear();
    } else {
        auto logs = tx.files()->open_logs(true);
        if (!logs) return tx.refuse(fail(logs.error()));
        tx.new_logs.push_back(log);
        if (auto written = write_log(**logs, log, out); !written) return tx.refuse(fail(written.error()));
    }
    const auto size = [](std::size_t n) { return static_cast<std::int64_t>(n); };
    const auto bytes = std::max(size(run.output_bytes), size(out.head.size() + out.tail.size() + out.dropped_bytes));
    return tx.sql.get(sql::record_run)
        .bind(job, place, number, static_cast<int>(run.status), run.exit_code, run.signal, run.started_at, run.ended_at,
              run.error, worker, bytes, size(out.dropped_bytes), size(out.head.size()), blob{small}, text_or_null{log})
        .run();
}

// Writes the attempt record of the run that ends now; forgets what is over limits::attempts_kept. The row's own
// counters are the caller's.
[[nodiscard]] inline int record_run(transaction& tx, const lease_hint& row, std::string_view worker, const attempt& run)
{
    const int rc =
        write_run(tx, row.sequence, row.runs + 1, run, row.attempts + row.crashes + 1, worker, log_name(row));
    return rc == SQLITE_OK ? forget_old_runs(tx, row) : rc;
}

// Ends a lease whose holder is gone: crashes + 1, back to pending, or cancelled when that was asked for.
[[nodiscard]] inline int crash(transaction& tx, std::int64_t sequence, std::string_view cause, const instant& now)
{
    lease_row row;
    {
        auto held = tx.sql.get(sql::held_sequence);
        if (const int rc = held.bind(sequence).step(); rc != SQLITE_ROW) return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
        row = read_lease_row(held);
    }
    attempt run;
    run.status = run_status::crashed;
    run.error = cause;
    run.started_at = row.locked_at;
    run.ended_at = now.wall;
    if (const int rc = record_run(tx, row, row.locked_by, run); rc != SQLITE_OK) return rc;
    // A settle that was cut off may have left a file.
    if (tx.files() != nullptr && tx.files()->folder) tx.dead_logs.push_back(log_name(row));
    const state to = row.cancel_requested ? state::cancelled : state::pending;
    tx.move(row.queue, state::processing, to);
    tx.work = true;
    int rc = tx.sql.get(sql::unlease).bind(sequence).run();
    if (rc == SQLITE_OK) rc = tx.sql.get(sql::crash).bind(sequence, static_cast<int>(to), cause, now.wall).run();
    return rc == SQLITE_OK && to == state::pending ? tx.sql.get(sql::enter_line).bind(sequence).run() : rc;
}

}  // namespace queuectl::inline v0::detail::sqlite

#endif
