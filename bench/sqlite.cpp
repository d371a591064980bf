// sqlite_storage on a real disk: whole cycles (insert, claim, complete) a second, against F = 4 KiB write + fdatasync
// to a preallocated file, measured beside each figure; the syncs that each cost; and a claim behind 10^6 finished and
// 10^6 future jobs against one in an empty store. $TMPDIR (or /tmp) says which disk.
#include "cycle.hpp"

#include <queuectl/sqlite.hpp>

namespace {

using namespace queuectl;
using bench::cycles;
using bench::folder;
using bench::fused;
using bench::must;
using bench::seconds;
using hands = bench::hands<sqlite_storage>;

sqlite_storage open(const std::string& path, durability kept)
{
    sqlite_options options;
    options.durability = kept;
    options.busy = std::chrono::seconds{60};
    return must(sqlite_storage::open(path, options));
}

// F, over about half a second.
double raw_syncs(const folder& where) { return bench::raw_file{where}.rate(0.5); }

double of_processes(const std::string& path, int processes, double budget)
{
    {
        open(path, durability::full);
    }
    return bench::cycles_of_processes(processes, [&] { return open(path, durability::full); }, 100, budget);
}

// Microseconds of one claim, by the median.
double claim_cost(sqlite_storage& s)
{
    hands h{s, 7};
    h.insert(300);
    return bench::median(200, [&] { return seconds([&] { h.claim(1); }) * 1e6; });
}

// `n` jobs in that state, in line when they are pending.
void fill(const std::string& path, const std::string& state, const std::string& run_at, int n)
{
    sqlite3* db = nullptr;
    sqlite3_open(path.c_str(), &db);
    const std::string sql =
        "PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=0; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 "
        "FROM n WHERE i<" +
        std::to_string(n) +
        ") INSERT INTO jobs(id,queue,kind,state,priority,run_at,created_at,updated_at,payload) SELECT '" + state +
        "-'||i,'default','shell'," + state + ",0," + run_at +
        ",i,i,'true' FROM n; INSERT OR IGNORE INTO queues(number,name) VALUES(1,'default'); "
        "INSERT OR IGNORE INTO kinds(number,name) VALUES(1,'shell'); INSERT OR IGNORE INTO line "
        "SELECT (1<<32)|(1<<8)|127,run_at,sequence FROM jobs WHERE state=0; PRAGMA wal_checkpoint(TRUNCATE)";
    if (sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) std::abort();
    sqlite3_close(db);
}

void claim_costs(const bench::report& out)
{
    const folder where;
    auto empty = open(where / "empty.db", durability::none);
    const double alone = claim_cost(empty);
    {
        open(where / "full.db", durability::none);
    }
    fill(where / "full.db", "2", "0", 1'000'000);
    fill(where / "full.db", "0", "4000000000000000", 1'000'000);
    auto full = open(where / "full.db", durability::none);
    const double crowded = claim_cost(full);
    out.figure("sqlite claim, empty store", alone, "us");
    out.figure("sqlite claim, 10^6 finished + 10^6 future", crowded, "us", crowded / alone,
               "empty store (less is better)");
}

void figures(const bench::report& out, durability kept, const std::string& label)
{
    for (const std::size_t batch : {std::size_t{1}, std::size_t{100}, std::size_t{1000}}) {
        const folder where;
        auto s = open(where / "q.db", kept);
        const double raw = raw_syncs(where);
        const auto m = batch == 1 ? fused(s, 1.5) : cycles(s, batch, 0, 1.5);
        const std::string what = label + (batch == 1 ? "one at a time, fused" : "batches of " + std::to_string(batch));
        out.figure(what, m.jobs_per_second, "jobs/s", m.jobs_per_second / raw,
                   "F = " + std::to_string(static_cast<long>(raw)) + "/s");
        out.figure(what + ", syncs", m.syncs_per_job, "per job");
    }
}

void opening(const bench::report& out)
{
    const folder where;
    {
        open(where / "q.db", durability::full);
    }
    int n = 0;
    const double raw = raw_syncs(where);
    const double one = bench::median(50, [&] {
        return seconds([&] {
            auto s = open(where / "q.db", durability::full);
            hands h{s, 100 + n++};
            h.insert(1);
        });
    });
    out.figure("sqlite FULL, open + insert + close", one * 1e6, "us", one * raw, "one raw sync");
}

}  // namespace

int main(int argc, char** argv)
{
    const bench::report out{argc, argv};
    figures(out, durability::full, "sqlite FULL, ");
    figures(out, durability::none, "sqlite NORMAL, ");
    const folder where;
    const double one = of_processes(where / "one.db", 1, 1.5);
    const double four = of_processes(where / "four.db", 4, 1.5);
    out.figure("sqlite FULL, batches of 100, 1 process", one, "jobs/s");
    out.figure("sqlite FULL, batches of 100, 4 processes", four, "jobs/s", four / one, "1 process");
    opening(out);
    claim_costs(out);
}
