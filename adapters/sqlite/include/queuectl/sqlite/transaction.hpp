// What the verbs work on: an open transaction of a store.
#ifndef QUEUECTL_SQLITE_TRANSACTION_HPP
#define QUEUECTL_SQLITE_TRANSACTION_HPP

#include <queuectl/detail/store_gate.hpp>
#include <queuectl/facets.hpp>
#include <queuectl/sqlite/lane.hpp>
#include <queuectl/sqlite/lease_hints.hpp>
#include <queuectl/sqlite/row.hpp>
#include <queuectl/sqlite/schema.hpp>
#include <queuectl/sqlite/sql.hpp>
#include <queuectl/sqlite/store_files.hpp>

#include <algorithm>
#include <optional>

namespace queuectl::inline v0::detail::sqlite {

struct header {
    int format = 0;
    int min_reader = 0;
    int min_writer = 0;
    std::string store_id;
    store_state state = store_state::open;
    std::string moved_to;
    std::int64_t last_removed = 0;
    uid boot;
    std::int64_t boots = 0;
};

// The verbs give SQLITE_OK or a code; a refusal of our own is SQLITE_ABORT with `refusal` set. What they change
// beside rows (counts, log files, wake-ups) is gathered here and done at, or after, the commit.
class transaction {
public:
    // `files` and `known` are null on a user's own connection and for reads.
    explicit transaction(statements& s, store_files* files = nullptr, lease_hints* known = nullptr)
        : sql{s}, hints{known}, files_{files}
    {
    }

    statements& sql;
    lease_hints* hints;
    header head;
    std::optional<failure_value> refusal;
    bool work = false;                   // something may have become claimable
    bool control = false;                // a running job's cancellation was asked for
    bool changed = false;                // a row was written
    std::vector<std::string> new_logs;   // files that nothing refers to unless we commit
    std::vector<std::string> dead_logs;  // files that nothing refers to after the commit

    // Where long output goes; null on a user's own connection.
    [[nodiscard]] store_files* files() const noexcept { return files_; }

    [[nodiscard]] int refuse(failure_value why)
    {
        refusal = std::move(why);
        return SQLITE_ABORT;
    }

    [[nodiscard]] int read_header()
    {
        auto row = sql.get(sql::header);
        const int rc = row.step();
        if (rc == SQLITE_DONE) return SQLITE_CORRUPT;
        if (rc != SQLITE_ROW) return rc;
        head = {row.int32(0),
                row.int32(1),
                row.int32(2),
                row.text(3),
                static_cast<store_state>(row.int32(4)),
                row.text(5),
                row.integer(6),
                unpack_uid(row.bytes(7)),
                row.integer(8)};
        return SQLITE_OK;
    }

    // Refuses stores that this program may not read.
    [[nodiscard]] int check_readable(const char* verb)
    {
        if (const int rc = read_header(); rc != SQLITE_OK) return rc;
        if (head.min_reader <= format_version) return SQLITE_OK;
        return refuse(fail(errc::wrong_version, verb,
                           "the store has format " + std::to_string(head.format) + ", this program knows " +
                               std::to_string(format_version) + ": use a newer queuectl"));
    }

    // Refuses stores that this program may not write, …
    [[nodiscard]] int check_format(const char* verb)
    {
        if (const int rc = check_readable(verb); rc != SQLITE_OK) return rc;
        if (head.min_writer > format_version)
            return refuse(fail(errc::wrong_version, verb,
                               "writing this store needs format " + std::to_string(head.min_writer) +
                                   ", this program knows " + std::to_string(format_version)));
        return SQLITE_OK;
    }

    // … and also those that take no such change now.
    [[nodiscard]] int check_writable(const char* verb, change_of what = change_of::jobs)
    {
        if (const int rc = check_format(verb); rc != SQLITE_OK) return rc;
        return check_state(verb, what);
    }
    // The second part alone.
    [[nodiscard]] int check_state(const char* verb, change_of what)
    {
        auto admitted = admit(head.state, head.moved_to, what, verb);
        return admitted ? SQLITE_OK : refuse(fail(admitted.error()));
    }

    void count(std::string_view queue, state s, std::int64_t by)
    {
        changed = true;
        auto at = std::find_if(counts_.begin(), counts_.end(), [&](const auto& c) { return c.queue == queue; });
        if (at == counts_.end()) at = counts_.insert(at, {std::string{queue}, {}});
        at->by[static_cast<std::size_t>(s)] += by;
    }
    void move(std::string_view queue, state from, state to)
    {
        count(queue, from, -1);
        count(queue, to, +1);
    }

    // The number of this boot among those that the store has seen; leases of lower ones have expired.
    [[nodiscard]] int boot(const instant& now, std::int64_t& number)
    {
        int rc = SQLITE_OK;
        if (head.boots == 0 || head.boot != now.boot_id) {
            const auto id = pack(now.boot_id);
            rc = sql.get(sql::set_boot).bind(blob{id.view()}, ++head.boots).run();
            head.boot = now.boot_id;
        }
        number = head.boots;
        return rc;
    }

    // Where a job waits, see the table line. Its queue and kind get numbers when they are new.
    [[nodiscard]] int lane(const job& j, std::int64_t& out)
    {
        if (!known_lane_ || last_queue_ != j.queue || last_kind_ != j.kind) {
            known_lane_ = false;
            if (const int rc = number_of(sql::queue_number, sql::add_queue, j.queue, queue_); rc != SQLITE_OK)
                return rc;
            if (const int rc = number_of(sql::kind_number, sql::add_kind, j.kind, kind_); rc != SQLITE_OK) return rc;
            if (queue_ > lane_queue_max || kind_ > lane_kind_max) return SQLITE_FULL;
            last_queue_ = j.queue;
            last_kind_ = j.kind;
            known_lane_ = true;
        }
        out = lane_of(queue_, kind_, j.priority);
        return SQLITE_OK;
    }

    // A job of that sequence is gone for good.
    void removed(std::int64_t sequence) { last_removed_ = sequence > last_removed_ ? sequence : last_removed_; }

    // Whether the dead letter queue has jobs, as long as this transaction moved none there.
    [[nodiscard]] int any_dead(bool& any)
    {
        const int rc = find_last_sequence();
        any = any_dead_;
        return rc;
    }

    // The next free sequence; each call gives another one.
    [[nodiscard]] int next_sequence(std::int64_t& next)
    {
        if (const int rc = find_last_sequence(); rc != SQLITE_OK) return rc;
        next = ++last_sequence_;
        return SQLITE_OK;
    }

    // Writes what was gathered; the last thing before the commit.
    [[nodiscard]] int finish()
    {
        auto count = sql.get(sql::count);
        for (const auto& c : counts_) {
            if (c.by == decltype(c.by){}) continue;
            const int rc = count.bind(c.queue, c.by[0], c.by[1], c.by[2], c.by[3], c.by[4], c.by[5]).run();
            if (rc != SQLITE_OK) return rc;
        }
        if (last_removed_ > head.last_removed)
            if (const int rc = sql.get(sql::set_last_removed).bind(last_removed_).run(); rc != SQLITE_OK) return rc;
        if (!new_logs.empty())
            if (auto synced = files_->logs->sync(); !synced) return refuse(fail(synced.error()));
        return SQLITE_OK;
    }

private:
    struct count_change {
        std::string queue;
        std::array<std::int64_t, state_count> by{};
    };

    int find_last_sequence()
    {
        if (last_sequence_ >= 0) return SQLITE_OK;
        auto row = sql.get(sql::last_sequence);
        if (const int rc = row.step(); rc != SQLITE_ROW) return rc;
        any_dead_ = !row.null(1);
        last_sequence_ = std::max({row.integer(0), row.integer(1), head.last_removed, last_removed_});
        return SQLITE_OK;
    }

    int number_of(const char* find, const char* add, const std::string& name, std::int64_t& number)
    {
        auto known = sql.get(find);
        const int rc = known.bind(name).step();
        if (rc == SQLITE_ROW) number = known.integer(0);
        if (rc != SQLITE_DONE) return rc == SQLITE_ROW ? SQLITE_OK : rc;
        const int added = sql.get(add).bind(name).run();
        number = sqlite3_last_insert_rowid(sql.db());
        return added;
    }

    store_files* files_;
    std::vector<count_change> counts_;
    std::int64_t last_removed_ = 0;
    std::int64_t last_sequence_ = -1;  // not known
    bool any_dead_ = false;
    bool known_lane_ = false;  // of the names below
    std::string last_queue_;
    std::string last_kind_;
    std::int64_t queue_ = 0;
    std::int64_t kind_ = 0;
};

}  // namespace queuectl::inline v0::detail::sqlite

#endif
