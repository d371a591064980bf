// Checks what only the database can tell: its pages, and that the tables agree.
#ifndef QUEUECTL_SQLITE_VERIFY_HPP
#define QUEUECTL_SQLITE_VERIFY_HPP

#include <queuectl/process/kept_outputs.hpp>
#include <queuectl/sqlite/output_files.hpp>
#include <queuectl/verify_report.hpp>

namespace queuectl::inline v0::detail::sqlite {

// A question whose every row is a fault; the first column names it.
struct table_check {
    const char* sql;
    const char* what;
};

inline constexpr table_check table_checks[] = {
    {"SELECT 'job '||id FROM jobs WHERE id IN (SELECT id FROM dead_letter_queue)",
     "is in jobs and in dead_letter_queue"},
    {"SELECT 'job '||id FROM jobs WHERE sequence IN (SELECT sequence FROM dead_letter_queue)",
     "has the sequence of a dead one"},
    {"SELECT 'job '||id FROM jobs WHERE state NOT IN (0,2,3,5)", "has a state that no row of jobs can have"},
    {"SELECT 'job '||id FROM dead_letter_queue WHERE state<>4", "is in dead_letter_queue, but not dead"},
    {"SELECT DISTINCT 'job sequence '||job FROM attempts WHERE job NOT IN (SELECT sequence FROM jobs UNION ALL "
     "SELECT sequence FROM dead_letter_queue)",
     "has attempts, but is not there"},
    {"SELECT 'job sequence '||job FROM leases WHERE job NOT IN (SELECT sequence FROM jobs WHERE state IN (0,3))",
     "is leased, but does not wait"},
    {"SELECT 'job sequence '||sequence FROM line l WHERE NOT EXISTS (SELECT 1 FROM jobs j JOIN queues q ON "
     "q.name=j.queue JOIN kinds k ON k.name=j.kind WHERE j.sequence=l.sequence AND j.run_at=l.run_at AND "
     "l.lane=(q.number<<32)|(k.number<<8)|(127-j.priority) AND j.hold=0 AND j.state IN (0,3)) OR sequence IN "
     "(SELECT job FROM leases)",
     "stands in line, but not where it should"},
    {"SELECT 'job '||id FROM jobs WHERE hold=0 AND state IN (0,3) AND sequence NOT IN (SELECT sequence FROM line) "
     "AND sequence NOT IN (SELECT job FROM leases)",
     "waits, but does not stand in line"},
    {"WITH now(queue,state) AS (SELECT queue,iif(job IS NULL,state,1) FROM jobs LEFT JOIN leases ON job=sequence "
     "UNION ALL SELECT queue,4 FROM dead_letter_queue), there AS (SELECT queue,sum(state=0) p,sum(state=1) r,"
     "sum(state=2) c,sum(state=3) f,sum(state=4) d,sum(state=5) x FROM now GROUP BY queue) "
     "SELECT 'queue '||name FROM queues LEFT JOIN there ON queue=name WHERE (pending,processing,completed,failed,dead,"
     "cancelled)<>(ifnull(p,0),ifnull(r,0),ifnull(c,0),ifnull(f,0),ifnull(d,0),ifnull(x,0)) "
     "UNION ALL SELECT 'queue '||queue FROM there WHERE queue NOT IN (SELECT name FROM queues)",
     "is not counted as a recount says"},
    {"SELECT 'store' FROM store WHERE (SELECT count(*) FROM store)<>1 OR last_removed<0", "has a header that is none"},
};

class database_check {
public:
    explicit database_check(session& store) : store_{store} {}

    [[nodiscard]] result<verify_report> run(std::int64_t now_s)
    {
        auto done = store_.read("verify", [this](transaction& tx) { return look(tx); });
        if (!done && done.error().code != errc::corrupt) return fail(done.error());
        if (!done) report_.add(finding_kind::damage, done.error().message());
        if (!report_.damaged)
            if (auto compared = compare_outputs(store_, logs_, store_.path() + ".d/logs", now_s, report_); !compared)
                return fail(compared.error());
        return std::move(report_);
    }

private:
    int look(transaction& tx)
    {
        int rc = add_bytes(tx);
        if (rc == SQLITE_OK) rc = check_pages(tx);
        if (rc != SQLITE_OK || report_.damaged) return rc;
        for (const auto& check : table_checks)
            if (rc = ask(tx, check); rc != SQLITE_OK) return rc;
        auto row = tx.sql.get(sql::logs);
        for (rc = row.step(); rc == SQLITE_ROW; rc = row.step()) logs_.push_back(row.text(0));
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
    }
    int add_bytes(transaction& tx)
    {
        auto row = tx.sql.get("SELECT page_count*page_size FROM pragma_page_count(), pragma_page_size()");
        const int rc = row.step();
        if (rc == SQLITE_ROW) report_.bytes += static_cast<std::uint64_t>(row.integer(0));
        return rc == SQLITE_ROW ? SQLITE_OK : rc;
    }
    // SQLite's own check: every page, every index entry, every NOT NULL and UNIQUE.
    int check_pages(transaction& tx)
    {
        auto row = tx.sql.get("PRAGMA integrity_check");
        int rc = row.step();
        for (; rc == SQLITE_ROW; rc = row.step())
            if (row.bytes(0) != "ok") report_.add(finding_kind::damage, store_.path() + ": " + one_line(row.text(0)));
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
    }
    int ask(transaction& tx, const table_check& check)
    {
        auto row = tx.sql.get(check.sql);
        int rc = row.step();
        for (; rc == SQLITE_ROW; rc = row.step())
            report_.add(finding_kind::wrong, one_line(row.text(0)) + ' ' + check.what);
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
    }
    static std::string one_line(std::string text)
    {
        std::replace(text.begin(), text.end(), '\n', ' ');
        return text;
    }

    session& store_;
    verify_report report_;
    std::vector<std::string> logs_;
};

}  // namespace queuectl::inline v0::detail::sqlite

#endif
