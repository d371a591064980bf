// insert.
#ifndef QUEUECTL_LMDB_INSERT_HPP
#define QUEUECTL_LMDB_INSERT_HPP

#include <queuectl/lmdb/rows.hpp>

#include <span>

namespace queuectl::inline v0::detail::lmdb {

// Adds jobs in order: a row in each of jobs and ids, and one in line for neighbours together.
class inserter {
public:
    inserter(transaction& tx, const instant& now)
        : tx_{tx}, created_at_{ticks(now.wall)}, first_{tx.head.last_sequence + 1}
    {
    }

    [[nodiscard]] int all(std::span<const job> jobs, std::span<insert_status> statuses)
    {
        int rc = 0;
        ids_ = tx_.at(table::ids, rc);
        for (std::size_t i = 0; rc == 0 && i < jobs.size(); ++i) rc = one(jobs[i], statuses[i]);
        return rc == 0 ? add_entry() : rc;
    }

private:
    int one(const job& j, insert_status& status)
    {
        if (!j.unique_key.empty()) {
            bool taken = false;
            if (const int rc = look(j, status, taken); rc != 0 || taken) return rc;
        }
        const std::uint64_t sequence = tx_.head.last_sequence + 1;
        int rc = ids_->put(j.id, bytes_of(sequence), MDB_NOOVERWRITE);
        if (rc == MDB_KEYEXIST) return tell(ids_->value(), j, status);
        if (rc != 0) return rc;
        static_cast<void>(tx_.next_sequence());
        status = insert_status::inserted;
        std::uint32_t queue = 0;
        std::uint32_t kind = 0;
        rc = tx_.number_of(name_kind::queue, j.queue, true, queue);
        if (rc == 0) rc = tx_.number_of(name_kind::kind, j.kind, true, kind);
        if (rc == 0) rc = append_job(tx_, sequence, j, queue, kind, created_at_);
        if (rc == 0 && !j.unique_key.empty()) rc = tx_.put(table::unique, j.unique_key, bytes_of(sequence));
        if (rc != 0) return rc;
        tx_.count(queue, state::pending, +1);
        return j.hold == hold_none ? line_up(lane_of(queue, kind, j.priority), ticks(j.run_at), sequence) : 0;
    }

    int line_up(std::uint64_t lane, std::int64_t run_at, std::uint64_t sequence)
    {
        if (entry_.count != 0 && entry_.takes(lane, run_at, sequence)) {
            ++entry_.count;
            return 0;
        }
        const int rc = add_entry();
        entry_ = {lane, run_at, sequence, 1, true};
        return rc;
    }
    int add_entry() { return entry_.count == 0 ? 0 : enter_line(tx_, entry_); }

    // The id, then the unique key.
    int look(const job& j, insert_status& status, bool& taken)
    {
        std::string_view value;
        int rc = tx_.get(table::ids, j.id, value);
        taken = rc == 0;
        if (taken) return tell(value, j, status);
        if (rc == MDB_NOTFOUND) rc = tx_.get(table::unique, j.unique_key, value);
        taken = rc == 0;
        if (taken) status = insert_status::kept;
        return rc == MDB_NOTFOUND ? 0 : rc;
    }

    // Of a job whose id is taken by the sequence in `value`.
    int tell(std::string_view value, const job& j, insert_status& status)
    {
        std::uint64_t sequence = 0;
        if (!read_row(value, sequence)) return MDB_CORRUPTED;
        job_view known;
        if (const int rc = read_job_row(tx_, sequence, known); rc != 0) return rc;
        const bool same = sequence < first_ && j.nonce && known.nonce() == j.nonce;
        status = same ? insert_status::inserted : insert_status::duplicate;
        return 0;
    }

    transaction& tx_;
    std::int64_t created_at_;
    std::uint64_t first_;  // the first sequence that this call gives
    cursor* ids_ = nullptr;
    line_entry entry_;
};

}  // namespace queuectl::inline v0::detail::lmdb

#endif
