// What stands between sqlite_storage and the disk: the same cycle (insert, claim, complete; batches of 1000; WAL,
// synchronous=NORMAL, so that processor time decides) on SQLite itself, from a bare table up to the rows and indexes
// that the contract asks for. Each line but the second adds to the one before; the last is ours.
#include "report.hpp"

#include <queuectl/id_source.hpp>
#include <queuectl/sqlite.hpp>
#include <queuectl/time_source.hpp>

#include <algorithm>
#include <filesystem>
#include <iterator>

namespace {

using namespace queuectl;

constexpr int batch = 1000;
constexpr int batches = 20;

// One file of SQLite with statements that take (sequence, text).
class engine {
public:
    engine(const std::string& path, const char* schema)
    {
        sqlite3_open(path.c_str(), &db_);
        if (detail::sqlite::row_tables::add_to(db_) != SQLITE_OK) std::exit(1);
        run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-8192; PRAGMA "
            "wal_autocheckpoint=1000");
        run(schema);
    }
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;
    ~engine()
    {
        for (auto* s : statements_) sqlite3_finalize(s);
        sqlite3_close(db_);
    }

    void run(const char* sql)
    {
        if (sqlite3_exec(db_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return;
        std::fprintf(stderr, "%s\n", sqlite3_errmsg(db_));
        std::exit(1);
    }
    [[nodiscard]] sqlite3_stmt* prepare(const char* sql)
    {
        sqlite3_stmt* s = nullptr;
        if (sqlite3_prepare_v2(db_, sql, -1, &s, nullptr) != SQLITE_OK) {
            std::fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db_));
            std::exit(1);
        }
        statements_.push_back(s);
        return s;
    }

private:
    sqlite3* db_ = nullptr;
    std::vector<sqlite3_stmt*> statements_;
};

// A row of queuectl_taken, which shows a batch to SQL.
struct named {
    std::int64_t sequence;
    std::string id;
    void give(int column, sqlite3_context* out) const
    {
        column == 0 ? detail::sqlite::give(out, sequence) : detail::sqlite::give_text(out, id);
    }
};

// The statement once a job, with its number and its id, …
void one_by_one(sqlite3_stmt* s, const std::vector<named>& jobs)
{
    for (const auto& j : jobs) {
        sqlite3_bind_int64(s, 1, j.sequence);
        sqlite3_bind_text(s, 2, j.id.data(), static_cast<int>(j.id.size()), SQLITE_STATIC);
        while (sqlite3_step(s) == SQLITE_ROW) {}
        sqlite3_reset(s);
    }
}

// … or once.
void at_once(sqlite3_stmt* s, const std::vector<named>& jobs)
{
    auto source = detail::sqlite::source_of(jobs);
    sqlite3_bind_pointer(s, 1, &source, detail::sqlite::row_pointer, nullptr);
    while (sqlite3_step(s) == SQLITE_ROW) {}
    sqlite3_reset(s);
}

struct rung {
    const char* name;
    void (*run)(sqlite3_stmt* s, const std::vector<named>& jobs);
    const char* schema;
    std::initializer_list<std::initializer_list<const char*>> verbs;  // each a transaction
};

// Jobs a second.
double of_engine(const std::string& path, const rung& r)
{
    engine e{path, r.schema};
    std::vector<std::vector<sqlite3_stmt*>> verbs;
    for (const auto& verb : r.verbs) {
        verbs.emplace_back();
        for (const char* sql : verb) verbs.back().push_back(e.prepare(sql));
    }
    id_source ids;
    random_source random;
    const system_time_source time;
    const double took = bench::seconds([&] {
        for (int b = 0; b < batches; ++b) {
            std::vector<named> jobs;
            for (int i = 0; i < batch; ++i) jobs.push_back({1 + b * batch + i, ids(time.now(), random)});
            for (const auto& verb : verbs) {
                e.run("BEGIN IMMEDIATE");
                for (auto* s : verb) r.run(s, jobs);
                e.run("COMMIT");
            }
        }
    });
    return batch * batches / took;
}

double of_ours(const std::string& path)
{
    sqlite_options options;
    options.durability = durability::none;
    auto s = sqlite_storage::open(path, options);
    if (!s) std::exit(1);
    id_source ids;
    random_source random;
    const system_time_source time;
    std::vector<job> jobs(batch);
    std::vector<insert_status> inserted(batch);
    std::vector<settle_status> settled(batch);
    const double took = bench::seconds([&] {
        for (int b = 0; b < batches; ++b) {
            const instant now = time.now();
            for (auto& j : jobs) {
                j.id = ids(now, random);
                j.queue = "default";
                j.payload = "true";
                j.nonce = random.draw_uid();
                j.run_at = now.wall;
                j.retention = std::chrono::hours{1};
            }
            std::vector<lease> leases;
            claim_request request;
            request.max = batch;
            request.worker = "worker";
            request.nonce = random.draw_uid();
            if (!s->insert(jobs, inserted, now) || !s->claim(request, leases, now)) std::exit(1);
            std::vector<settlement> ends;
            for (const auto& l : leases) {
                attempt run;
                run.status = run_status::succeeded;
                ends.push_back({l.receipt(), {}, run, {}, {}});
            }
            if (!s->settle(ends, settled, now)) std::exit(1);
        }
    });
    return batch * batches / took;
}

// Transactions a second, each changing one row in as many pages.
double of_commits(const std::string& path, int pages)
{
    constexpr int transactions = 4000;
    engine e{path, ""};
    std::vector<sqlite3_stmt*> changes;
    for (int i = 0; i < pages; ++i) {
        const std::string table = "t" + std::to_string(i);
        e.run(("CREATE TABLE " + table + "(s INTEGER PRIMARY KEY, n); INSERT INTO " + table + " VALUES(1,0)").c_str());
        changes.push_back(e.prepare(("UPDATE " + table + " SET n=n+1 WHERE s=1").c_str()));
    }
    sqlite3_stmt* const begin = e.prepare("BEGIN IMMEDIATE");
    sqlite3_stmt* const commit = e.prepare("COMMIT");
    const auto run = [](sqlite3_stmt* s) {
        sqlite3_step(s);
        if (sqlite3_reset(s) != SQLITE_OK) std::exit(1);
    };
    const double took = bench::seconds([&] {
        for (int i = 0; i < transactions; ++i) {
            run(begin);
            for (auto* s : changes) run(s);
            run(commit);
        }
    });
    return transactions / took;
}

double of_fused(const std::string& path)
{
    constexpr int jobs_run = 4000;
    sqlite_options options;
    options.durability = durability::none;
    auto s = sqlite_storage::open(path, options);
    if (!s) std::exit(1);
    random_source random;
    const instant now = system_time_source{}.now();
    std::vector<job> jobs(batch);
    std::vector<insert_status> inserted(batch);
    for (int i = 0; i <= jobs_run; ++i) {
        auto& j = jobs[static_cast<std::size_t>(i % batch)];
        j.id = "job-" + std::to_string(i);
        j.queue = "default";
        j.payload = "true";
        j.nonce = random.draw_uid();
        j.run_at = now.wall;
        j.retention = std::chrono::hours{1};
        if (i % batch == batch - 1 && !s->insert(jobs, inserted, now)) std::exit(1);
    }
    std::vector<lease> leases;
    std::vector<settlement> ends;
    settle_status settled{};
    const double took = bench::seconds([&] {
        for (int i = 0; i < jobs_run; ++i) {
            claim_request request;
            request.worker = "worker";
            request.nonce = random.draw_uid();
            ends.clear();
            for (const auto& l : leases) ends.push_back({l.receipt(), {}, attempt{}, {}, {}});
            for (auto& one : ends) one.report->status = run_status::succeeded;
            leases.clear();
            if (!s->settle_and_claim(ends, {&settled, ends.size()}, request, leases, now)) std::exit(1);
        }
    });
    return jobs_run / took;
}

#define NARROW "CREATE TABLE j(s INTEGER PRIMARY KEY, id TEXT, state INT DEFAULT 0, payload BLOB"
#define WIDE                                                                                                        \
    ",a1 TEXT DEFAULT 'default',a2 TEXT DEFAULT 'shell',a3 INT DEFAULT 0,a4 INT DEFAULT 1,a5 INT DEFAULT 0,"        \
    "a6 INT DEFAULT 2000000000000000,a7 INT DEFAULT 2000000000000000,a8 INT DEFAULT 0,a9 INT DEFAULT 0,b1 INT "     \
    "DEFAULT 0,b2 INT DEFAULT 3,b3 INT DEFAULT 0,b4 INT DEFAULT 3600000000,b5 REAL DEFAULT 0,b6 INT DEFAULT -1,b7 " \
    "INT DEFAULT 0,b8 INT,b9 INT,c1 TEXT,c2 BLOB,c3 BLOB DEFAULT 'sixteen bytes...',c4,c5,c6,c7,c8,c9,d1,d2,d3,d4"
#define TABLES                                                                                                    \
    ");CREATE UNIQUE INDEX i1 ON j(id);CREATE INDEX i2 ON j(state) WHERE state=2;CREATE TABLE line(lane INT,at "  \
    "INT,s INT,PRIMARY KEY(lane,at,s)) WITHOUT ROWID;CREATE TABLE leases(s INTEGER PRIMARY KEY,token BLOB,until " \
    "INT,worker TEXT);CREATE INDEX i3 ON leases(until)"
#define INSERT "INSERT INTO j(s,id,payload) SELECT sequence,token,'true' FROM queuectl_taken(?1)"
#define LINE_UP "INSERT INTO line SELECT 1,2000000000000000,sequence FROM queuectl_taken(?1)"
#define LEAVE "DELETE FROM line"
#define LEASE "INSERT INTO leases SELECT sequence,token,2000000000000000,'worker' FROM queuectl_taken(?1)"
#define UNLEASE "DELETE FROM leases WHERE s IN (SELECT sequence FROM queuectl_taken(?1))"
#define OF_ALL "FROM queuectl_taken(?1) t WHERE j.s=t.sequence"

const rung rungs[] = {
    {"bare table, 3 statements a job",
     one_by_one,
     NARROW ")",
     {{"INSERT INTO j(s,id,payload) VALUES(?1,?2,'true')"},
      {"UPDATE j SET state=1 WHERE s=?1"},
      {"UPDATE j SET state=2 WHERE s=?1"}}},
    {"bare table, 3 statements a batch",
     at_once,
     NARROW ")",
     {{INSERT}, {"UPDATE j SET state=1 " OF_ALL}, {"UPDATE j SET state=2 " OF_ALL}}},
    {"+ unique ids, claim order, leases and their ends",
     at_once,
     NARROW TABLES,
     {{INSERT, LINE_UP}, {LEAVE, LEASE}, {UNLEASE, "UPDATE j SET state=2 " OF_ALL}}},
    {"+ the record's columns",
     at_once,
     NARROW WIDE TABLES,
     {{INSERT, LINE_UP},
      {LEAVE, LEASE},
      {UNLEASE, "UPDATE j SET state=2,a8=1,b1=1,b6=0,b8=a6,b9=a7,c1='worker',c2=t.token,a7=a6 " OF_ALL}}},
    {"+ reading what is claimed",
     at_once,
     NARROW WIDE TABLES,
     {{INSERT, LINE_UP},
      {LEAVE, "SELECT j.* FROM queuectl_taken(?1) t CROSS JOIN j ON j.s=t.sequence", LEASE},
      {UNLEASE, "UPDATE j SET state=2,a8=1,b1=1,b6=0,b8=a6,b9=a7,c1='worker',c2=t.token,a7=a6 " OF_ALL}}},
};

// The median of each in `rounds` rounds, in turns, so that whatever else the machine does falls on all of them.
template <class Measure>
std::vector<double> medians(std::size_t lines, Measure measure)
{
    constexpr std::size_t rounds = 7;
    std::vector<std::vector<double>> rates(lines);
    for (std::size_t round = 0; round < rounds; ++round)
        for (std::size_t i = 0; i < lines; ++i) rates[i].push_back(measure(i));
    std::vector<double> out;
    for (auto& r : rates) {
        std::sort(r.begin(), r.end());
        out.push_back(r[rounds / 2]);
    }
    return out;
}

}  // namespace

int main(int argc, char** argv)
{
    const bench::report out{argc, argv};
    const char* base = std::getenv("TMPDIR");
    std::string folder = std::string{base != nullptr ? base : "/tmp"} + "/queuectl-bench-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) return 1;
    int n = 0;
    const auto fresh = [&] { return folder + '/' + std::to_string(n++) + ".db"; };
    constexpr std::size_t steps = std::size(rungs);
    const auto rates =
        medians(steps + 1, [&](std::size_t i) { return i < steps ? of_engine(fresh(), rungs[i]) : of_ours(fresh()); });
    for (std::size_t i = 0; i <= steps; ++i)
        out.figure(std::string{"sqlite limit: "} + (i < steps ? rungs[i].name : "sqlite_storage"), rates[i], "jobs/s",
                   rates[i] / rates[0], "bare table");
    constexpr int pages[] = {1, 3, 6};
    constexpr std::size_t sizes = std::size(pages);
    const auto singles = medians(
        sizes + 1, [&](std::size_t i) { return i < sizes ? of_commits(fresh(), pages[i]) : of_fused(fresh()); });
    for (std::size_t i = 0; i <= sizes; ++i)
        out.figure(
            "sqlite limit, one at a time: " + (i < sizes ? std::to_string(pages[i]) + " pages" : "sqlite_storage"),
            singles[i], "transactions/s", singles[i] / singles[0], "1 page");
    std::filesystem::remove_all(folder);
}
