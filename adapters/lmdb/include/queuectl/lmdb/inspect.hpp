// Reads: find, list, attempts, output, counts; and which jobs a purge takes. They take no lock of the queue.
#ifndef QUEUECTL_LMDB_INSPECT_HPP
#define QUEUECTL_LMDB_INSPECT_HPP

#include <queuectl/lmdb/change.hpp>
#include <queuectl/process/kept_outputs.hpp>

namespace queuectl::inline v0::detail::lmdb {

[[nodiscard]] inline int read_record(transaction& tx, std::uint64_t sequence, const job_view& from, const state_view& s,
                                     job_record& r)
{
    if (const int rc = read_job(tx, from, s, r.job); rc != 0) return rc;
    r.sequence = sequence;
    r.state = s.state();
    r.attempts = s.row.attempts;
    r.crashes = s.row.crashes;
    r.created_at = time_of(from.row.created_at);
    r.updated_at = time_of(s.updated_at());
    r.settled_token = s.settled_token();
    r.exit_code = s.row.exit_code;
    r.signal = s.row.signal;
    r.error = s.error;
    r.result = s.result;
    r.progress = s.progress;
    if (!s.is_leased()) return 0;
    r.token = s.token();
    r.cancel_requested = s.cancel_requested();
    r.locked_by = s.lease.worker;
    r.locked_at = time_of(s.lease.row.started_at);
    r.lease_until = time_of(s.lease.row.until);
    return 0;
}

[[nodiscard]] inline int find_job(transaction& tx, std::string_view id, std::optional<job_record>& out)
{
    std::uint64_t sequence = 0;
    job_view from;
    state_view s;
    int rc = find_sequence(tx, id, sequence);
    if (rc != 0) return rc == MDB_NOTFOUND ? 0 : rc;
    rc = read_job_row(tx, sequence, from);
    if (rc == 0) rc = read_state(tx, sequence, from, s);
    return rc == 0 ? read_record(tx, sequence, from, s, out.emplace()) : rc;
}

// A filter with the numbers of its names.
struct numbered_filter {
    const job_filter& filter;
    std::uint32_t queue = 0;
    std::uint32_t kind = 0;
    bool nothing = false;  // a name that no job ever had

    [[nodiscard]] int prepare(transaction& tx)
    {
        const auto number = [&](name_kind what, const std::string& name, std::uint32_t& out) {
            const int rc = name.empty() ? 0 : tx.number_of(what, name, false, out);
            nothing = nothing || rc == MDB_NOTFOUND;
            return rc == MDB_NOTFOUND ? 0 : rc;
        };
        const int rc = number(name_kind::queue, filter.queue, queue);
        return rc == 0 ? number(name_kind::kind, filter.kind, kind) : rc;
    }
    [[nodiscard]] bool matches(const job_view& from, const state_view& s) const noexcept
    {
        return (!filter.state || *filter.state == s.state()) && (queue == 0 || queue == s.row.queue) &&
               (kind == 0 || kind == s.row.kind) && (filter.tag.empty() || filter.tag == from.tag) &&
               time_of(s.updated_at()) < filter.updated_before;
    }
};

// Looks at no more than limits::sweep jobs: a rare filter gives short, even empty, pages with a cursor.
[[nodiscard]] inline int list_jobs(transaction& tx, const job_filter& filter, const page_request& page,
                                   std::vector<job_record>& out, std::uint64_t& next)
{
    const std::size_t most = std::min(page.limit, limits::sweep);
    numbered_filter wanted{filter};
    next = 0;
    int rc = wanted.prepare(tx);
    if (rc != 0 || wanted.nothing) return rc;
    cursor* const jobs = tx.at(table::jobs, rc);
    std::uint64_t last = page.after;
    std::size_t told = 0;
    const std::uint64_t start = page.after + 1;
    if (rc == 0) rc = jobs->seek(sequence_key(start));
    for (std::size_t seen = 0; rc == 0; ++seen, rc = jobs->next()) {
        if ((told == most || seen == limits::sweep) && last != 0) {
            next = last;
            return 0;
        }
        last = jobs->sequence();
        job_view from;
        state_view s;
        if (!from.read(jobs->value())) return MDB_CORRUPTED;
        if (rc = read_state(tx, last, from, s); rc != 0) return rc;
        if (!wanted.matches(from, s)) continue;
        if (rc = read_record(tx, last, from, s, out.emplace_back()); rc != 0) return rc;
        ++told;
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

[[nodiscard]] inline int list_runs(transaction& tx, std::string_view id, std::vector<attempt>& out)
{
    std::uint64_t sequence = 0;
    state_view s;
    int rc = find_sequence(tx, id, sequence);
    if (rc == 0) rc = read_state_row(tx, sequence, s);
    if (rc != 0) return rc == MDB_NOTFOUND ? 0 : rc;
    rc = each_run(tx, sequence, [&](std::uint32_t, const run_view& kept) {
        auto& run = out.emplace_back();
        run.number = kept.row.number;
        run.status = static_cast<run_status>(kept.row.status);
        run.exit_code = kept.row.exit_code;
        run.signal = kept.row.signal;
        run.started_at = time_of(kept.row.started_at);
        run.ended_at = time_of(kept.row.ended_at);
        run.error = kept.error;
        run.worker = kept.worker;
        run.output_bytes = kept.row.output_bytes;
        return 0;
    });
    if (rc == 0 && s.has(state_row::own_run)) out.push_back(own_run(s));
    return rc;
}

[[nodiscard]] inline int find_output(transaction& tx, std::string_view id, std::int32_t number, kept_output& out)
{
    std::uint64_t sequence = 0;
    state_view s;
    bool found = false;
    int rc = find_sequence(tx, id, sequence);
    if (rc == 0) rc = read_state(tx, sequence, s);
    if (rc == 0)
        rc = each_run(tx, sequence, [&](std::uint32_t, const run_view& run) {
            if (run.row.number != number) return 0;
            found = true;
            out = {};
            out.output.dropped_bytes = run.row.dropped_bytes;
            out.head_bytes = run.row.head_bytes;
            if (run.row.file != 0) out.log = log_name(run.row.file, run.row.file_run);
            split_output(out, std::string{run.output});
            return 0;
        });
    if (rc == 0 && s.has(state_row::own_run) && s.row.attempts + s.row.crashes == number) {
        found = true;
        out = {};
    }
    if (rc != 0 && rc != MDB_NOTFOUND) return rc;
    return found ? 0 : tx.refuse(fail(errc::not_found, "output", "no output of that run is kept"));
}

[[nodiscard]] inline int count_jobs(transaction& tx, std::vector<queue_counts>& out)
{
    int rc = 0;
    cursor* const rows = tx.at(table::store, rc);
    if (rc == 0) rc = rows->seek("q");
    for (; rc == 0 && rows->key().substr(0, 1) == "q"; rc = rows->next()) {
        queue_row row{};
        if (!read_row(rows->value(), row)) return MDB_CORRUPTED;
        auto& queue = out.emplace_back();
        queue.queue = rows->value().substr(sizeof row);
        for (std::size_t i = 0; i < state_count; ++i) queue.by_state[i] = row.counts[i];
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

// Ids of up to `limit` final jobs that match; fewer only when there are no more. The oldest of each state first.
[[nodiscard]] inline int purgeable(transaction& tx, const job_filter& filter, std::size_t limit,
                                   std::vector<std::string>& ids)
{
    numbered_filter wanted{filter};
    int rc = wanted.prepare(tx);
    if (rc != 0 || wanted.nothing) return rc;
    cursor* const newest = tx.at(table::newest, rc);
    cursor* const ended = rc == 0 ? tx.at(table::ended, rc) : nullptr;
    const auto add = [&](std::uint64_t sequence) {
        job_view from;
        state_view s;
        if (ids.size() == limit) return MDB_NOTFOUND;
        int found = read_job_row(tx, sequence, from);
        if (found == 0) found = read_state(tx, sequence, from, s);
        if (found == 0 && wanted.matches(from, s)) ids.emplace_back(from.id);
        return found;
    };
    for (const auto in : {state::completed, state::dead, state::cancelled}) {
        if (rc != 0) return rc;
        if (filter.state && *filter.state != in) continue;
        rc = each_ended(*newest, *ended, in, [&](const ended_place& place, const sequence_ranges& jobs) {
            return time_of(place.filed_at) < filter.updated_before ? jobs.each(add) : MDB_NOTFOUND;
        });
        if (rc == MDB_NOTFOUND) rc = 0;
    }
    return rc;
}

// Removes those of `ids` that are still final; `count` says how many.
[[nodiscard]] inline int purge_jobs(transaction& tx, const std::vector<std::string>& ids, std::size_t& count)
{
    count = 0;
    std::vector<change_status> statuses(ids.size());
    return change_each(tx, ids, statuses, [&](std::uint64_t sequence, const state_view& s, change_status& status) {
        if (!is_final(s.state())) return 0;
        ++count;
        return remove(tx, sequence, s, status);
    });
}

}  // namespace queuectl::inline v0::detail::lmdb

#endif
