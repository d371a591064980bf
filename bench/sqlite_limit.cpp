// What stands between sqlite_storage and the disk: the same cycle (insert, claim, complete; batches of 1000; WAL,
// synchronous=NORMAL, so that processor time decides) on SQLite itself, from a bare table up to the rows and indexes
// that the contract asks for. Each line adds to the one before; the last is ours.
#include "report.hpp"

#include <queuectl/id_source.hpp>
#include <queuectl/sqlite.hpp>
#include <queuectl/time_source.hpp>

#include <filesystem>

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
        run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-8192; PRAGMA wal_autocheckpoint=0");
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

void each(engine& e, sqlite3_stmt* s, int first, const std::vector<std::string>& ids)
{
    e.run("BEGIN IMMEDIATE");
    for (int i = 0; i < batch; ++i) {
        sqlite3_bind_int(s, 1, first + i);
        const auto& id = ids[static_cast<std::size_t>(i)];
        sqlite3_bind_text(s, 2, id.data(), static_cast<int>(id.size()), SQLITE_STATIC);
        while (sqlite3_step(s) == SQLITE_ROW) {}
        sqlite3_reset(s);
    }
    e.run("COMMIT");
}

// Jobs a second with these statements: one a job for each step.
double of_engine(const std::string& path, const char* schema, std::initializer_list<const char*> steps)
{
    engine e{path, schema};
    std::vector<sqlite3_stmt*> prepared;
    for (const char* sql : steps) prepared.push_back(e.prepare(sql));
    id_source ids;
    random_source random;
    const system_time_source time;
    const double took = bench::seconds([&] {
        for (int b = 0; b < batches; ++b) {
            std::vector<std::string> names(batch);
            for (auto& n : names) n = ids(time.now(), random);
            for (auto* s : prepared) each(e, s, 1 + b * batch, names);
            e.run("PRAGMA wal_checkpoint(PASSIVE)");
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

struct rung {
    const char* name;
    const char* schema;
    std::initializer_list<const char*> steps;
};

#define NARROW "CREATE TABLE j(s INTEGER PRIMARY KEY, id TEXT, state INT DEFAULT 0, run_at INT DEFAULT 0, payload BLOB"
#define WIDE                                                                                                   \
    ", a1 INT DEFAULT 0,a2 INT DEFAULT 0,a3 INT DEFAULT 0,a4 INT DEFAULT 0,a5 INT DEFAULT 0,a6 INT DEFAULT 0," \
    "a7 INT DEFAULT 0,a8 INT DEFAULT 0,a9 INT DEFAULT 0,b1 INT DEFAULT 0,b2 INT DEFAULT 0,b3 INT DEFAULT 0,"   \
    "b4 INT DEFAULT 0,b5 INT DEFAULT 0,b6 TEXT DEFAULT 'default',b7 BLOB,b8 BLOB,b9 BLOB,c1,c2,c3,c4,c5,c6,c7,c8"
#define INDEXES                                                                                                    \
    ");CREATE UNIQUE INDEX i1 ON j(id);CREATE INDEX i2 ON j(run_at) WHERE state=0;CREATE INDEX i3 ON j(a1) WHERE " \
    "state=1"

const rung rungs[] = {
    {"bare table, 3 statements",
     NARROW ")",
     {"INSERT INTO j(s,id,payload) VALUES(?1,?2,'true')", "UPDATE j SET state=1 WHERE s=?1",
      "UPDATE j SET state=2 WHERE s=?1"}},
    {"+ unique ids, claim order, lease index",
     NARROW ",a1 INT DEFAULT 0" INDEXES,
     {"INSERT INTO j(s,id,payload) VALUES(?1,?2,'true')", "UPDATE j SET state=1,a1=?1 WHERE s=?1",
      "UPDATE j SET state=2,a1=0 WHERE s=?1"}},
    {"+ the record's columns",
     NARROW WIDE INDEXES,
     {"INSERT INTO j(s,id,payload) VALUES(?1,?2,'true')", "UPDATE j SET state=1,a1=?1,b7=?2,b8=?2 WHERE s=?1",
      "UPDATE j SET state=2,a1=0,b7=NULL,b9=?2 WHERE s=?1"}},
    {"+ reading what is claimed, attempt records",
     NARROW WIDE INDEXES ";CREATE TABLE r(s INT,n INT,a INT,b INT,c TEXT,PRIMARY KEY(s,n)) WITHOUT ROWID",
     {"INSERT INTO j(s,id,payload) VALUES(?1,?2,'true')", "SELECT * FROM j WHERE s=?1",
      "UPDATE j SET state=1,a1=?1,b7=?2,b8=?2 WHERE s=?1", "UPDATE j SET state=2,a1=0,b7=NULL,b9=?2 WHERE s=?1",
      "INSERT INTO r VALUES(?1,1,0,0,?2)"}},
};

}  // namespace

int main(int argc, char** argv)
{
    const bench::report out{argc, argv};
    const char* base = std::getenv("TMPDIR");
    std::string folder = std::string{base != nullptr ? base : "/tmp"} + "/queuectl-bench-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) return 1;
    int n = 0;
    const auto fresh = [&] { return folder + '/' + std::to_string(n++) + ".db"; };
    double first = 0;
    for (const auto& r : rungs) {
        const double rate = bench::median(3, [&] { return of_engine(fresh(), r.schema, r.steps); });
        if (first == 0) first = rate;
        out.figure(std::string{"sqlite limit: "} + r.name, rate, "jobs/s", rate / first, "bare table");
    }
    const double ours = bench::median(3, [&] { return of_ours(fresh()); });
    out.figure("sqlite limit: sqlite_storage", ours, "jobs/s", ours / first, "bare table");
    std::filesystem::remove_all(folder);
}
