// Reads: find, list, attempts, output, counts; and which jobs a purge takes. They take no lock of the queue.
#ifndef QUEUECTL_SQLITE_INSPECT_HPP
#define QUEUECTL_SQLITE_INSPECT_HPP

#include <queuectl/facets.hpp>
#include <queuectl/limits.hpp>
#include <queuectl/process/kept_outputs.hpp>
#include <queuectl/sqlite/change.hpp>

#include <algorithm>

namespace queuectl::inline v0::detail::sqlite {

[[nodiscard]] inline int find_job(transaction& tx, std::string_view id, std::optional<job_record>& out)
{
    for (const char* sql : {sql::find, sql::find_dead}) {
        auto row = tx.sql.get(sql);
        const int rc = row.bind(id).step();
        if (rc == SQLITE_ROW) out = read_record(row);
        if (rc != SQLITE_DONE) return rc == SQLITE_ROW ? SQLITE_OK : rc;
    }
    return SQLITE_OK;
}

[[nodiscard]] inline bool named(const std::string& wanted, std::string_view name)
{
    return wanted.empty() || wanted == name;
}

// A cursor over one table in insertion order.
class list_cursor {
public:
    list_cursor(transaction& tx, const char* sql, std::uint64_t after) : row_{tx.sql.get(sql)}
    {
        row_.bind(static_cast<std::int64_t>(after));
        next();
    }
    void next() { rc_ = row_.step(); }
    void close() { rc_ = SQLITE_DONE; }
    [[nodiscard]] bool failed() const { return rc_ != SQLITE_ROW && rc_ != SQLITE_DONE; }
    [[nodiscard]] int code() const { return rc_; }
    // After every sequence when it is at its end.
    [[nodiscard]] std::int64_t sequence() const
    {
        return rc_ == SQLITE_ROW ? row_.integer(0) : std::numeric_limits<std::int64_t>::max();
    }
    [[nodiscard]] bool ended() const { return rc_ != SQLITE_ROW; }
    [[nodiscard]] bool matches(const job_filter& f) const
    {
        return (!f.state || static_cast<int>(*f.state) == row_.int32(column_state)) && named(f.queue, row_.bytes(2)) &&
               named(f.kind, row_.bytes(3)) && named(f.tag, row_.bytes(12)) &&
               (f.updated_before == timestamp_max || row_.time(column_rest + 1) < f.updated_before);
    }
    [[nodiscard]] job_record record() const { return read_record(row_); }

private:
    statement row_;
    int rc_ = SQLITE_DONE;
};

// Looks at no more than limits::sweep rows: a rare filter gives short, even empty, pages with a cursor.
[[nodiscard]] inline int list_jobs(transaction& tx, const job_filter& filter, const page_request& page,
                                   std::vector<job_record>& out, std::uint64_t& next)
{
    const std::size_t most = std::min(page.limit, limits::sweep);
    list_cursor jobs{tx, sql::list, page.after};
    list_cursor dead{tx, sql::list_dead, page.after};
    if (filter.state) filter.state == state::dead ? jobs.close() : dead.close();
    std::uint64_t last = page.after;
    std::size_t told = 0;
    for (std::size_t seen = 0; !jobs.failed() && !dead.failed(); ++seen) {
        auto& row = jobs.sequence() < dead.sequence() ? jobs : dead;
        next = row.ended() ? 0 : last;
        if (row.ended() || (seen >= limits::sweep && last != 0) || (told == most && last != 0)) return SQLITE_OK;
        last = static_cast<std::uint64_t>(row.sequence());
        if (row.matches(filter)) {
            out.push_back(row.record());
            ++told;
        }
        row.next();
    }
    return jobs.failed() ? jobs.code() : dead.code();
}

[[nodiscard]] inline int list_runs(transaction& tx, std::string_view id, std::vector<attempt>& out)
{
    job_place job;
    const int found = locate(tx, id, job);
    if (found != SQLITE_ROW) return found == SQLITE_DONE ? SQLITE_OK : found;
    auto row = tx.sql.get(sql::runs_of);
    row.bind(job.sequence);
    int rc = row.step();
    for (; rc == SQLITE_ROW; rc = row.step()) {
        auto& run = out.emplace_back();
        run.number = row.int32(1);
        run.status = static_cast<run_status>(row.int32(2));
        run.exit_code = row.int32(3);
        run.signal = row.int32(4);
        run.started_at = row.time(5);
        run.ended_at = row.time(6);
        run.error = row.bytes(7);
        run.worker = row.bytes(8);
        run.output_bytes = static_cast<std::uint64_t>(row.integer(9));
    }
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

[[nodiscard]] inline int find_output(transaction& tx, std::string_view id, std::int32_t number, kept_output& out)
{
    job_place job;
    int rc = locate(tx, id, job);
    if (rc == SQLITE_ROW) {
        auto row = tx.sql.get(sql::output_of);
        rc = row.bind(job.sequence, number).step();
        if (rc == SQLITE_ROW) {
            out.output.dropped_bytes = static_cast<std::uint64_t>(row.integer(1));
            out.head_bytes = static_cast<std::size_t>(row.integer(2));
            out.log = row.bytes(4);
            split_output(out, row.text(3));
            return SQLITE_OK;
        }
    }
    return rc == SQLITE_DONE ? tx.refuse(fail(errc::not_found, "output", "no output of that run is kept")) : rc;
}

[[nodiscard]] inline int count_jobs(transaction& tx, std::vector<queue_counts>& out)
{
    auto row = tx.sql.get(sql::counts);
    int rc = row.step();
    for (; rc == SQLITE_ROW; rc = row.step()) {
        auto& queue = out.emplace_back();
        queue.queue = row.bytes(0);
        for (std::size_t i = 0; i < state_count; ++i)
            queue.by_state[i] = static_cast<std::uint64_t>(row.integer(static_cast<int>(i) + 1));
    }
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

// Ids of up to `limit` final jobs that match; fewer only when there are no more.
[[nodiscard]] inline int purgeable(transaction& tx, const job_filter& f, std::size_t limit,
                                   std::vector<std::string>& ids)
{
    const auto take = [&](statement& row) {
        if (named(f.queue, row.bytes(2)) && named(f.kind, row.bytes(3)) && named(f.tag, row.bytes(4)))
            ids.push_back(row.text(1));
    };
    const auto before = f.updated_before == timestamp_max ? std::numeric_limits<std::int64_t>::max()
                                                          : f.updated_before.time_since_epoch().count();
    for (const auto in : {state::completed, state::cancelled}) {
        if (f.state && *f.state != in) continue;
        auto row = tx.sql.get(sql::ended);
        row.bind(static_cast<int>(in), before);
        int rc = SQLITE_DONE;
        while (ids.size() < limit && (rc = row.step()) == SQLITE_ROW) take(row);
        if (rc != SQLITE_ROW && rc != SQLITE_DONE) return rc;
    }
    if (f.state && *f.state != state::dead) return SQLITE_OK;
    auto row = tx.sql.get(sql::dead);
    int rc = SQLITE_DONE;
    while (ids.size() < limit && (rc = row.step()) == SQLITE_ROW)
        if (row.integer(5) < before) take(row);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

// Removes those of `ids` that are still final; `count` says how many.
[[nodiscard]] inline int purge_jobs(transaction& tx, const std::vector<std::string>& ids, std::size_t& count)
{
    std::vector<change_status> statuses(ids.size());
    const auto one = [&](const job_place& job, change_status& status) {
        status = change_status::conflict;
        if (!is_final(job.state)) return SQLITE_OK;
        ++count;
        return remove(tx, job, status);
    };
    return change_each(tx, ids, statuses, one);
}

}  // namespace queuectl::inline v0::detail::sqlite

#endif
