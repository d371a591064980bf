// Checks what only the environment can tell: its pages, and that the tables agree.
#ifndef QUEUECTL_LMDB_VERIFY_HPP
#define QUEUECTL_LMDB_VERIFY_HPP

#include <queuectl/process/kept_outputs.hpp>
#include <queuectl/lmdb/inspect.hpp>
#include <queuectl/lmdb/output_names.hpp>
#include <queuectl/lmdb/pages.hpp>

namespace queuectl::inline v0::detail::lmdb {

// Reads every row once or twice, on one state of the store, without its lock.
class table_check {
public:
    table_check(transaction& tx, verify_report& report) : tx_{tx}, report_{report} {}

    std::vector<std::string> logs;  // the files that runs name

    [[nodiscard]] int run()
    {
        int rc = jobs();
        if (rc == 0) rc = line();
        if (rc == 0) rc = leases();
        if (rc == 0) rc = ended();
        if (rc == 0) rc = rows_without_a_job();
        if (rc == 0) rc = counted();
        if (rc == 0) rc = runs();
        const std::pair<std::uint64_t, const char*> left[] = {{in_line_, "wait, but do not stand in line"},
                                                              {leased_, "are leased, but in no group"},
                                                              {final_, "ended, but are not among those that did"}};
        for (const auto& [n, what] : left)
            if (rc == 0 && n != 0) wrong(std::to_string(n) + " jobs", what);
        return rc;
    }

private:
    template <class Visit>
    int each(table t, Visit visit)
    {
        int rc = 0;
        cursor* const c = tx_.at(t, rc);
        for (rc = rc == 0 ? c->first() : rc; rc == 0; rc = c->next())
            if (const int told = visit(*c); told != 0) return told;
        return rc == MDB_NOTFOUND ? 0 : rc;
    }
    void wrong(const std::string& who, const char* what) { report_.add(finding_kind::wrong, who + ' ' + what); }
    static std::string named(std::uint64_t sequence) { return "job sequence " + std::to_string(sequence); }

    int jobs()
    {
        return each(table::jobs, [&](const cursor& c) {
            job_view from;
            state_view s;
            const auto sequence = c.sequence();
            if (!from.read(c.value())) return MDB_CORRUPTED;
            const std::string who = "job " + std::string{from.id};
            int rc = read_state_row(tx_, sequence, s);
            if (rc == 0) ++states_;
            const bool is_fresh = rc == MDB_NOTFOUND;
            if (rc == 0 || rc == MDB_NOTFOUND) rc = read_state(tx_, sequence, from, s);
            if (rc != 0) return rc;
            std::uint64_t found = 0;
            rc = find_sequence(tx_, from.id, found);
            if (rc == MDB_NOTFOUND || (rc == 0 && found != sequence)) wrong(who, "is not found by its id");
            if (sequence > tx_.head.last_sequence) wrong(who, "has a sequence that was not given yet");
            if (s.row.queue != from.row.queue || s.row.kind != from.row.kind) wrong(who, "is in two queues or kinds");
            if (s.is_leased() && !tells_of(s, is_fresh)) wrong(who, "is leased as another one than it is");
            ++jobs_;
            in_line_ += is_waiting(s.state()) && s.row.hold == hold_none ? 1 : 0;
            leased_ += s.state() == state::processing ? 1 : 0;
            final_ += is_final(s.state()) ? 1 : 0;
            if (s.row.queue >= counts_.size()) counts_.resize(std::size_t{s.row.queue} + 1);
            ++counts_[s.row.queue][static_cast<std::size_t>(s.state())];
            return rc == MDB_NOTFOUND ? 0 : rc;
        });
    }

    // Whether the lease says of the job what its other rows say.
    [[nodiscard]] static bool tells_of(const state_view& s, bool is_fresh)
    {
        lease_view right = s.lease;
        right.row.flags &= lease_row::cancel_requested;
        right.row.run_at = right.row.queue = right.row.kind = 0;
        right.row.state_flags = 0;
        right.row.priority = 0;
        if (is_fresh) fresh_lease(right, s.row);
        return bytes_of(right.row) == bytes_of(s.lease.row);
    }

    // Each is there once where it should be: then the sums are right only when none is missing.
    int line()
    {
        line_entry before;
        return each(table::line, [&](const cursor& c) {
            line_entry e;
            if (!read_entry(c, e)) return MDB_CORRUPTED;
            if (e.lane == before.lane && e.run_at == before.run_at && e.first < before.first + before.count)
                wrong(named(e.first), "stands in line twice");
            for (std::uint32_t i = 0; i < e.count; ++i) {
                state_view s;
                const int rc = state_of(e.first + i, s);
                if (rc != 0 && rc != MDB_NOTFOUND) return rc;
                state_view own;
                const int changed = read_state_row(tx_, e.first + i, own);
                if (changed != 0 && changed != MDB_NOTFOUND) return changed;
                const bool right = rc == 0 && is_waiting(s.state()) && s.row.hold == hold_none && s.lane() == e.lane &&
                                   s.row.run_at == e.run_at && in_line_ != 0 && e.is_fresh == (changed == MDB_NOTFOUND);
                right ? void(--in_line_) : wrong(named(e.first + i), "stands in line, but not where it should");
            }
            before = e;
            return 0;
        });
    }

    int leases()
    {
        std::uint64_t told = 0;
        const int rc = each(table::leased, [&](const cursor& c) {
            lease_row row{};
            if (!read_row(c.value(), row)) return MDB_CORRUPTED;
            told += row.count;
            return 0;
        });
        if (told != leased_) wrong("the leases", "are not as many as the jobs that run");
        return rc == 0 ? groups() : rc;
    }

    int groups()
    {
        lease_list group;
        return each(table::groups, [&](const cursor& c) {
            if (!group.read(c)) return MDB_CORRUPTED;
            std::uint32_t live = 0;
            for (std::size_t i = 0; i < group.sequences.size(); ++i) {
                lease_view l;
                const int rc = tx_.find_lease(group.sequences[i], l);
                if (rc != 0 && rc != MDB_NOTFOUND) return rc;
                if (rc != 0 || l.place() != group.place) continue;
                ++live;
                if (i < group.row.scanned) wrong(named(group.sequences[i]), "is leased where no lease is looked for");
                if (l.worker != group.worker) wrong(named(group.sequences[i]), "is leased by another worker");
            }
            if (live != group.row.live || live == 0 || live > leased_)
                wrong("lease group " + std::to_string(group.place.group), "does not hold the leases that it says");
            leased_ -= std::min<std::uint64_t>(live, leased_);
            return 0;
        });
    }

    int ended()
    {
        int rc = 0;
        cursor* const newest = tx_.at(table::newest, rc);
        cursor* const rows = rc == 0 ? tx_.at(table::ended, rc) : nullptr;
        for (const auto in : {state::completed, state::dead, state::cancelled})
            if (rc == 0)
                rc = each_ended(*newest, *rows, in, [&](const ended_place& place, const sequence_ranges& jobs) {
                    return jobs.each([&](std::uint64_t sequence) { return ended(in, place, sequence); });
                });
        return rc;
    }
    int ended(state in, const ended_place& place, std::uint64_t sequence)
    {
        state_view s;
        const int rc = state_of(sequence, s);
        if (rc != 0 && rc != MDB_NOTFOUND) return rc;
        const bool right = rc == 0 && s.state() == in && s.row.filed_at == place.filed_at &&
                           s.row.group == place.group && s.row.updated_at >= place.filed_at && final_ != 0;
        right ? void(--final_) : wrong(named(sequence), "is among the ended, but not where it should be");
        return 0;
    }

    int rows_without_a_job()
    {
        std::uint64_t ids = 0;
        std::uint64_t states = 0;
        int rc = each(table::ids, [&](const cursor&) { return ++ids, 0; });
        if (rc == 0) rc = each(table::states, [&](const cursor&) { return ++states, 0; });
        if (ids != jobs_) wrong("the ids", "are not as many as the jobs");
        if (states != states_) wrong("the states", "tell of jobs that are not there");
        if (rc != 0) return rc;
        return each(table::unique, [&](const cursor& c) {
            std::uint64_t sequence = 0;
            job_view from;
            state_view s;
            if (!read_row(c.value(), sequence)) return MDB_CORRUPTED;
            const int found = state_of(sequence, s);
            if (found != 0 && found != MDB_NOTFOUND) return found;
            const bool right = found == 0 && !is_final(s.state()) && read_job_row(tx_, sequence, from) == 0 &&
                               from.unique_key == c.key();
            if (!right) wrong(named(sequence), "has a unique key, but does not wait or run");
            return 0;
        });
    }

    int counted()
    {
        return each(table::store, [&](const cursor& c) {
            if (c.key().substr(0, 1) != "q") return 0;
            queue_row row{};
            if (!read_row(c.value(), row)) return MDB_CORRUPTED;
            const auto number = unpack<std::uint32_t>(c.key(), 1);
            const auto there = number < counts_.size() ? counts_[number] : decltype(row.counts){};
            if (row.counts != there)
                wrong("queue " + std::string{c.value().substr(sizeof row)}, "is not counted as a recount says");
            return 0;
        });
    }

    int runs()
    {
        return every_run(tx_, [&](std::uint64_t sequence, const run_view& run) {
            state_view s;
            const int rc = state_of(sequence, s);
            if (rc != 0 && rc != MDB_NOTFOUND) return rc;
            if (rc != 0) wrong(named(sequence), "has runs, but is not there");
            if (run.row.file != 0) logs.push_back(log_name(run.row.file, run.row.file_run));
            return 0;
        });
    }

    // MDB_NOTFOUND for a job that is not there.
    int state_of(std::uint64_t sequence, state_view& s)
    {
        const int rc = read_state(tx_, sequence, s);
        return rc == MDB_CORRUPTED ? MDB_NOTFOUND : rc;
    }

    transaction& tx_;
    verify_report& report_;
    std::uint64_t jobs_ = 0;
    std::uint64_t states_ = 0;
    std::uint64_t in_line_ = 0;
    std::uint64_t leased_ = 0;
    std::uint64_t final_ = 0;
    std::vector<std::array<std::uint64_t, state_count>> counts_;  // by the queue's number
};

class store_check {
public:
    explicit store_check(session& store) : store_{store} {}

    [[nodiscard]] result<verify_report> run(std::int64_t now_s)
    {
        if (auto done = check_pages(); !done) return fail(done.error());
        if (report_.damaged) return std::move(report_);
        std::vector<std::string> logs;
        auto done = store_.read("verify", [&](transaction& tx) {
            table_check tables{tx, report_};
            const int rc = tables.run();
            logs = std::move(tables.logs);
            return rc;
        });
        if (!done && done.error().code != errc::corrupt) return fail(done.error());
        if (!done) report_.add(finding_kind::damage, done.error().message());
        if (!report_.damaged)
            if (auto compared = compare_outputs(store_, logs, store_.path() + "/logs", now_s, report_); !compared)
                return fail(compared.error());
        return std::move(report_);
    }

private:
    // A transaction holds the pages; the root of its state is in the file until two others have been committed.
    result<void> check_pages()
    {
        if (auto usable = store_.check_usable("verify"); !usable) return usable;
        auto& env = store_.env();
        for (int look = 0; look < 1000; ++look) {
            std::shared_lock<std::shared_mutex> hold;
            MDB_txn* txn = nullptr;
            int fd = -1;
            int rc = env.begin(MDB_RDONLY, hold, txn);
            if (rc == 0) rc = mdb_env_get_fd(env.env, &fd);
            if (rc != 0) return failed(rc, store_.name("verify"));
            const bool done = page_check{fd, store_.path() + "/data.mdb", report_}.run(mdb_txn_id(txn));
            mdb_txn_abort(txn);
            if (done) return {};
        }
        return fail(errc::busy, store_.name("verify"), "others write all the time");
    }

    session& store_;
    verify_report report_;
};

}  // namespace queuectl::inline v0::detail::lmdb

#endif
