// Jobs and their states as values.
#ifndef QUEUECTL_LMDB_ROWS_HPP
#define QUEUECTL_LMDB_ROWS_HPP

#include <queuectl/lmdb/line.hpp>
#include <queuectl/lmdb/packed.hpp>

namespace queuectl::inline v0::detail::lmdb {

// A value of jobs, as it lies in the map.
struct job_view {
    job_row row{};
    std::string_view id, tag, batch, key, unique_key, cwd, env, depends_on, payload;

    [[nodiscard]] bool read(std::string_view value) noexcept
    {
        payload = value;
        return unpack_row(payload, row) && take(payload, row.id_bytes, id) && take(payload, row.tag_bytes, tag) &&
               take(payload, row.batch_bytes, batch) && take(payload, row.key_bytes, key) &&
               take(payload, row.unique_key_bytes, unique_key) && take(payload, row.cwd_bytes, cwd) &&
               take(payload, row.env_bytes, env) && take(payload, row.depends_on_bytes, depends_on);
    }
    [[nodiscard]] uid nonce() const noexcept { return {row.nonce_high, row.nonce_low}; }
};

// A value of states, as it lies in the map, and the job's lease over it; also one being made, with strings of others.
struct state_view {
    state_row row{};
    std::string_view worker, error, result, progress;
    lease_view lease;  // without jobs (count 0): none

    [[nodiscard]] bool read(std::string_view value) noexcept
    {
        return unpack_row(value, row) && row.state < state_count && take(value, row.worker_bytes, worker) &&
               take(value, row.error_bytes, error) && take(value, row.result_bytes, result) &&
               take(value, row.progress_bytes, progress);
    }
    // Of a job that was never claimed nor changed.
    void begin(const job_view& j) noexcept
    {
        row.queue = j.row.queue;
        row.kind = j.row.kind;
        row.hold = j.row.hold;
        row.priority = j.row.priority;
        row.run_at = j.row.run_at;
        row.updated_at = j.row.created_at;
        row.exit_code = -1;
        if (j.row.retention == 0) row.flags |= state_row::forgotten_when_completed;
        if (j.row.unique_key_bytes != 0) row.flags |= state_row::has_unique_key;
    }
    // Of a job that has not changed but for its lease, which is fresh and already here.
    void begin_leased() noexcept
    {
        row.queue = lease.row.queue;
        row.kind = lease.row.kind;
        row.priority = lease.row.priority;
        row.flags = lease.row.state_flags;
        row.run_at = lease.row.run_at;
        row.updated_at = lease.row.started_at;
        row.exit_code = -1;
    }
    // Without the lease.
    void write(std::string& out)
    {
        row.worker_bytes = static_cast<std::uint32_t>(worker.size());
        row.error_bytes = static_cast<std::uint32_t>(error.size());
        row.result_bytes = static_cast<std::uint32_t>(result.size());
        row.progress_bytes = static_cast<std::uint32_t>(progress.size());
        char packed[packed_most<state_row> + 8];
        out.assign(packed, pack(row, packed));
        ((out += worker) += error) += result;
        out += progress;
    }

    [[nodiscard]] bool is_leased() const noexcept { return lease.row.count != 0; }
    // That of its row, from before the claim, when it is leased.
    [[nodiscard]] queuectl::state own_state() const noexcept { return static_cast<queuectl::state>(row.state); }
    [[nodiscard]] queuectl::state state() const noexcept { return is_leased() ? state::processing : own_state(); }
    [[nodiscard]] bool has(state_row::flag f) const noexcept { return (row.flags & f) != 0; }
    void set(state_row::flag f, bool on) noexcept
    {
        row.flags = static_cast<std::uint8_t>(on ? row.flags | f : row.flags & ~f);
    }
    [[nodiscard]] ended_place ended() const noexcept { return {row.filed_at, row.group}; }
    [[nodiscard]] std::int64_t updated_at() const noexcept
    {
        return is_leased() ? lease.row.started_at : row.updated_at;
    }
    [[nodiscard]] bool cancel_requested() const noexcept { return lease.has(lease_row::cancel_requested); }
    [[nodiscard]] std::uint64_t lane() const noexcept { return lane_of(row.queue, row.kind, row.priority); }
    [[nodiscard]] lease_token token() const noexcept { return lease.token(); }
    [[nodiscard]] lease_token settled_token() const noexcept
    {
        return {{row.settled_high, row.settled_low}, row.settled_ordinal};
    }
    void settled_token(const lease_token& t) noexcept
    {
        row.settled_high = t.nonce.high;
        row.settled_low = t.nonce.low;
        row.settled_ordinal = t.ordinal;
    }
};

// A lease of a job that has not changed yet.
inline void fresh_lease(lease_view& out, const state_row& now) noexcept
{
    out.set(lease_row::is_fresh);
    out.row.state_flags = now.flags;
    out.row.priority = now.priority;
    out.row.run_at = now.run_at;
    out.row.queue = now.queue;
    out.row.kind = now.kind;
}

[[nodiscard]] inline std::string join_lines(const std::vector<std::string>& words)
{
    std::string out;
    for (const auto& word : words) (out += word) += '\n';
    return out;
}
[[nodiscard]] inline std::vector<std::string> split_lines(std::string_view text)
{
    std::vector<std::string> out;
    for (std::size_t end; (end = text.find('\n')) != text.npos; text.remove_prefix(end + 1))
        out.emplace_back(text.substr(0, end));
    return out;
}

// Adds the row of a job under the highest sequence.
[[nodiscard]] inline int append_job(transaction& tx, std::uint64_t sequence, const job& j, std::uint32_t queue,
                                    std::uint32_t kind, std::int64_t created_at)
{
    const std::string depends_on = join_lines(j.depends_on);
    job_row row{};
    row.run_at = ticks(j.run_at);
    row.created_at = created_at;
    row.timeout = j.timeout.count();
    row.retention = j.retention.count();
    row.backoff_base = reversed_bits(j.backoff_base);
    row.nonce_high = j.nonce.high;
    row.nonce_low = j.nonce.low;
    row.queue = queue;
    row.kind = kind;
    row.hold = j.hold;
    row.max_retries = j.max_retries;
    row.priority = j.priority;
    row.id_bytes = static_cast<std::uint8_t>(j.id.size());
    row.tag_bytes = static_cast<std::uint8_t>(j.tag.size());
    row.batch_bytes = static_cast<std::uint8_t>(j.batch.size());
    row.key_bytes = static_cast<std::uint16_t>(j.key.size());
    row.unique_key_bytes = static_cast<std::uint16_t>(j.unique_key.size());
    row.cwd_bytes = static_cast<std::uint32_t>(j.cwd.size());
    row.env_bytes = static_cast<std::uint32_t>(j.env.size());
    row.depends_on_bytes = static_cast<std::uint32_t>(depends_on.size());
    char packed[packed_most<job_row> + 8];
    const std::string_view parts[] = {
        {packed, pack(row, packed)}, j.id, j.tag, j.batch, j.key, j.unique_key, j.cwd, j.env, depends_on, j.payload};
    std::size_t bytes = 0;
    for (const auto& part : parts) bytes += part.size();
    int rc = 0;
    cursor* const jobs = tx.at(table::jobs, rc);
    char* room = nullptr;
    if (rc == 0) rc = jobs->reserve(sequence_key(sequence), bytes, room, MDB_APPEND);
    if (rc != 0) return rc;
    for (const auto& part : parts) {
        if (!part.empty()) std::memcpy(room, part.data(), part.size());
        room += part.size();
    }
    return 0;
}

// The job of a row; what its state row says goes over it.
[[nodiscard]] inline int read_job(transaction& tx, const job_view& from, const state_view& now, job& out)
{
    std::string_view queue;
    std::string_view kind;
    if (const int rc = tx.name_of(name_kind::queue, from.row.queue, queue); rc != 0) return rc;
    if (const int rc = tx.name_of(name_kind::kind, from.row.kind, kind); rc != 0) return rc;
    const std::pair<std::string*, std::string_view> texts[] = {{&out.id, from.id},
                                                               {&out.queue, queue},
                                                               {&out.kind, kind},
                                                               {&out.tag, from.tag},
                                                               {&out.payload, from.payload},
                                                               {&out.key, from.key},
                                                               {&out.unique_key, from.unique_key},
                                                               {&out.batch, from.batch},
                                                               {&out.cwd, from.cwd},
                                                               {&out.env, from.env}};
    for (const auto& [to, text] : texts)
        if (!text.empty() || !to->empty()) to->assign(text);
    out.run_at = time_of(now.row.run_at);
    out.timeout = duration{from.row.timeout};
    out.retention = duration{from.row.retention};
    out.backoff_base = from_reversed_bits(from.row.backoff_base);
    out.max_retries = from.row.max_retries;
    out.hold = now.row.hold;
    out.priority = now.row.priority;
    out.nonce = from.nonce();
    out.depends_on = split_lines(from.depends_on);
    return 0;
}

[[nodiscard]] inline int find_sequence(transaction& tx, std::string_view id, std::uint64_t& sequence)
{
    if (id.empty() || id.size() > limits::id_bytes) return MDB_NOTFOUND;
    std::string_view value;
    const int rc = tx.get(table::ids, id, value);
    return rc == 0 && !read_row(value, sequence) ? MDB_CORRUPTED : rc;
}

// The row of a sequence that some other row names.
[[nodiscard]] inline int read_job_row(transaction& tx, std::uint64_t sequence, job_view& out)
{
    int rc = 0;
    cursor* const jobs = tx.at(table::jobs, rc);
    if (rc == 0) rc = jobs->find(sequence_key(sequence));
    if (rc == MDB_NOTFOUND || (rc == 0 && !out.read(jobs->value()))) return MDB_CORRUPTED;
    return rc;
}

// A job's row in states; MDB_NOTFOUND when it has none.
[[nodiscard]] inline int read_state_row(transaction& tx, std::uint64_t sequence, state_view& out)
{
    int rc = 0;
    cursor* const states = tx.at(table::states, rc);
    if (rc == 0) rc = states->find(sequence_key(sequence));
    return rc == 0 && !out.read(states->value()) ? MDB_CORRUPTED : rc;
}

// The state of a job without its lease, of a job's row that the caller has read. Fresh: it has no row in states.
[[nodiscard]] inline int read_own_state(transaction& tx, std::uint64_t sequence, bool is_fresh, const job_view& from,
                                        state_view& out)
{
    const int rc = is_fresh ? MDB_NOTFOUND : read_state_row(tx, sequence, out);
    if (rc == MDB_NOTFOUND) out.begin(from);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

// The state of a job with its lease, of a job's row that the caller has read.
[[nodiscard]] inline int read_state(transaction& tx, std::uint64_t sequence, const job_view& from, state_view& out)
{
    int rc = read_own_state(tx, sequence, false, from, out);
    if (rc != 0 || !is_waiting(out.own_state())) return rc;
    rc = tx.find_lease(sequence, out.lease);
    return rc == MDB_NOTFOUND ? 0 : rc;
}
[[nodiscard]] inline int read_state(transaction& tx, std::uint64_t sequence, state_view& out)
{
    job_view from;
    const int rc = read_job_row(tx, sequence, from);
    return rc == 0 ? read_state(tx, sequence, from, out) : rc;
}
// Of a job whose lease `out` has.
[[nodiscard]] inline int read_leased_state(transaction& tx, std::uint64_t sequence, state_view& out)
{
    if (!out.lease.has(lease_row::is_fresh)) {
        const int rc = read_state_row(tx, sequence, out);
        return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
    }
    out.begin_leased();
    return 0;
}

// Its lease is the caller's. Fresh rows mostly come in the order of their jobs.
[[nodiscard]] inline int write_state(transaction& tx, std::uint64_t sequence, state_view& s)
{
    int rc = 0;
    cursor* const states = tx.at(table::states, rc);
    if (rc != 0) return rc;
    s.write(tx.scratch);
    const bool is_fresh = s.lease.has(lease_row::is_fresh);
    rc = is_fresh ? states->put(sequence_key(sequence), tx.scratch, MDB_APPEND) : MDB_KEYEXIST;
    return rc == MDB_KEYEXIST ? states->put(sequence_key(sequence), tx.scratch) : rc;
}

}  // namespace queuectl::inline v0::detail::lmdb

#endif
