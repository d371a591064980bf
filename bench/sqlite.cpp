// sqlite_storage on a real disk: whole cycles (insert, claim, complete) a second, against F = 4 KiB write + fdatasync
// to a preallocated file, measured beside each figure; the syncs that each cost; and a claim behind 10^6 finished and
// 10^6 future jobs against one in an empty store. $TMPDIR (or /tmp) says which disk.
#include "report.hpp"

#include <queuectl/sqlite.hpp>

#include <filesystem>

#include <sys/syscall.h>
#include <sys/wait.h>

static std::uint64_t syncs = 0;

// In place of the C library's, which SQLite calls: counted.
extern "C" int fdatasync(int fd)
{
    ++syncs;
    return static_cast<int>(::syscall(SYS_fdatasync, fd));
}
extern "C" int fsync(int fd)
{
    ++syncs;
    return static_cast<int>(::syscall(SYS_fsync, fd));
}

namespace {

using namespace queuectl;
using bench::seconds;

class folder {
public:
    folder()
    {
        const char* base = std::getenv("TMPDIR");
        path_ = std::string{base != nullptr ? base : "/tmp"} + "/queuectl-bench-XXXXXX";
        if (::mkdtemp(path_.data()) == nullptr) std::abort();
    }
    folder(const folder&) = delete;
    folder& operator=(const folder&) = delete;
    ~folder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] std::string operator/(const char* name) const { return path_ + '/' + name; }

private:
    std::string path_;
};

instant now()
{
    const duration boot{queuectl::detail::monotonic_us()};
    return {timestamp{std::chrono::duration_cast<duration>(std::chrono::system_clock::now().time_since_epoch())}, boot,
            uid{1, 1}};
}

template <class T>
T must(result<T> r)
{
    if (r) return std::move(*r);
    std::fprintf(stderr, "%s\n", r.error().message().c_str());
    std::exit(1);
}
void must(result<void> r)
{
    if (r) return;
    std::fprintf(stderr, "%s\n", r.error().message().c_str());
    std::exit(1);
}

sqlite_storage open(const std::string& path, durability kept)
{
    sqlite_options options;
    options.durability = kept;
    options.busy = std::chrono::seconds{60};
    return must(sqlite_storage::open(path, options));
}

// F, over about half a second.
double raw_syncs(const folder& where)
{
    const owned_fd file{::open((where / "raw").c_str(), O_RDWR | O_CREAT, 0600)};
    const std::string block(4096, 'x');
    for (int i = 0; i < 1024; ++i)
        if (::pwrite(file.get(), block.data(), block.size(), i * 4096) != 4096) std::abort();
    ::fsync(file.get());
    int n = 0;
    double spent = 0;
    while (spent < 0.5)
        spent += seconds([&] {
            if (::pwrite(file.get(), block.data(), block.size(), n++ % 1024 * 4096) != 4096) std::abort();
            ::fdatasync(file.get());
        });
    return n / spent;
}

// A worker's hands on a store; ids and nonces are its own.
class hands {
public:
    hands(sqlite_storage& s, int who) : storage_{s}, who_{who} {}

    void insert(std::size_t n)
    {
        jobs_.resize(n);
        inserted_.resize(n);
        const auto t = now();
        for (auto& j : jobs_) {
            j.id = "job-" + std::to_string(who_) + '-' + std::to_string(++last_);
            j.queue = "default";
            j.kind = "shell";
            j.payload = "true";
            j.run_at = t.wall;
            j.retention = std::chrono::hours{1};
            j.nonce = {static_cast<std::uint64_t>(who_) + 1, last_};
        }
        must(storage_.insert(jobs_, inserted_, t));
    }
    std::size_t claim(std::size_t n)
    {
        leases_.clear();
        must(storage_.claim(request(n), leases_, now()));
        return leases_.size();
    }
    void settle()
    {
        end_runs();
        must(storage_.settle(settlements_, settled_, now()));
    }
    std::size_t settle_and_claim()
    {
        end_runs();
        leases_.clear();
        must(storage_.settle_and_claim(settlements_, settled_, request(1), leases_, now()));
        return leases_.size();
    }

private:
    claim_request request(std::size_t n)
    {
        claim_request r;
        r.max = n;
        r.worker = worker_;
        r.nonce = {static_cast<std::uint64_t>(who_) + 1000, ++last_};
        return r;
    }
    void end_runs()
    {
        settlements_.clear();
        settled_.resize(leases_.size());
        for (const auto& l : leases_) {
            auto& s = settlements_.emplace_back();
            s.receipt = l.receipt();
            s.report.emplace();
            s.report->status = run_status::succeeded;
            s.report->exit_code = 0;
            s.report->started_at = s.report->ended_at = now().wall;
        }
    }

    sqlite_storage& storage_;
    int who_;
    std::string worker_ = "worker-" + std::to_string(who_);
    std::uint64_t last_ = 0;
    std::vector<job> jobs_;
    std::vector<insert_status> inserted_;
    std::vector<lease> leases_;
    std::vector<settlement> settlements_;
    std::vector<settle_status> settled_;
};

struct measured {
    double jobs_per_second;
    double syncs_per_job;
};

// Batches through all three verbs, for about `budget` seconds.
measured cycles(sqlite_storage& s, std::size_t batch, int who, double budget)
{
    hands h{s, who};
    std::size_t done = 0;
    double spent = 0;
    const auto before = syncs;
    while (spent < budget)
        spent += seconds([&] {
            h.insert(batch);
            done += h.claim(batch);
            h.settle();
        });
    return {static_cast<double>(done) / spent,
            static_cast<double>(syncs - before) / static_cast<double>(std::max<std::size_t>(done, 1))};
}

// One job at a time, inserted before: each settle takes the next claim along.
measured fused(sqlite_storage& s, double budget)
{
    hands h{s, 0};
    for (int i = 0; i < 20; ++i) h.insert(1000);
    std::size_t done = 0;
    double spent = 0;
    h.claim(1);
    const auto before = syncs;
    for (std::size_t more = 1; more != 0 && spent < budget; ++done)
        spent += seconds([&] { more = h.settle_and_claim(); });
    return {static_cast<double>(done) / spent, static_cast<double>(syncs - before) / static_cast<double>(done)};
}

double of_processes(const std::string& path, int processes, double budget)
{
    {
        open(path, durability::full);
    }
    int told[2];
    if (::pipe(told) != 0) std::abort();
    for (int p = 0; p < processes; ++p) {
        if (::fork() != 0) continue;
        double rate = 0;
        {
            auto s = open(path, durability::full);
            rate = cycles(s, 100, p, budget).jobs_per_second;
        }
        ::_exit(::write(told[1], &rate, sizeof rate) == sizeof rate ? 0 : 1);
    }
    double all = 0;
    for (int p = 0; p < processes; ++p) {
        double rate = 0;
        if (::read(told[0], &rate, sizeof rate) == sizeof rate) all += rate;
        ::wait(nullptr);
    }
    ::close(told[0]);
    ::close(told[1]);
    return all;
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
