// lmdb_storage on a real disk: whole cycles (insert, claim, complete) a second, beside what LMDB itself does in the
// same run: the least a queue can be, three transactions on a table of rows and one table for each state; and a claim
// behind 10^6 finished and 10^6 future jobs against one in an empty store. $TMPDIR (or /tmp) says which disk.
#include "cycle.hpp"

#include <queuectl/lmdb.hpp>

#include <memory>

namespace {

using namespace queuectl;
using bench::folder;
using bench::must;
using bench::seconds;
using hands = bench::hands<lmdb_storage>;

lmdb_storage open(const std::string& path, durability kept)
{
    lmdb_options options;
    options.durability = kept;
    options.busy = std::chrono::seconds{60};
    return must(lmdb_storage::open(path, options));
}

void check(int rc)
{
    if (rc == 0) return;
    std::fprintf(stderr, "%s\n", mdb_strerror(rc));
    std::exit(1);
}

// A queue with nothing but rows of 150 bytes and which of them wait, run and have ended.
class bare_queue {
public:
    bare_queue(const std::string& path, unsigned flags)
    {
        std::filesystem::create_directory(path);
        check(mdb_env_create(&env_));
        check(mdb_env_set_maxdbs(env_, 4));
        check(mdb_env_set_mapsize(env_, std::size_t{8} << 30));
        check(mdb_env_open(env_, path.c_str(), flags | MDB_NOTLS, 0600));
        begin();
        const char* names[] = {"rows", "waiting", "running", "ended"};
        for (int i = 0; i < 4; ++i) check(mdb_dbi_open(txn_, names[i], MDB_CREATE | MDB_INTEGERKEY, &tables_[i]));
        check(mdb_txn_commit(txn_));
    }
    bare_queue(const bare_queue&) = delete;
    bare_queue& operator=(const bare_queue&) = delete;
    ~bare_queue() { mdb_env_close(env_); }

    // Batches through all three, for about `budget` seconds; jobs a second.
    [[nodiscard]] double cycles(std::size_t batch, double budget)
    {
        std::size_t done = 0;
        double spent = 0;
        while (spent < budget)
            spent += seconds([&] {
                insert(batch);
                const auto first = move(1, 2, batch);
                end(first, batch);
                done += batch;
            });
        return static_cast<double>(done) / spent;
    }

private:
    void begin() { check(mdb_txn_begin(env_, nullptr, 0, &txn_)); }
    void put(int table, std::size_t key, std::string_view value, unsigned flags)
    {
        MDB_val k{sizeof key, &key};
        MDB_val v{value.size(), const_cast<char*>(value.data())};
        check(mdb_put(txn_, tables_[table], &k, &v, flags));
    }
    void insert(std::size_t n)
    {
        begin();
        for (std::size_t i = 0; i < n; ++i) {
            put(0, ++last_, row_, MDB_APPEND);
            put(1, last_, "", MDB_APPEND);
        }
        check(mdb_txn_commit(txn_));
    }
    // The first `n` of a table go to the end of another; the first of them.
    std::size_t move(int from, int to, std::size_t n)
    {
        begin();
        MDB_cursor* at = nullptr;
        check(mdb_cursor_open(txn_, tables_[from], &at));
        std::size_t first = 0;
        for (std::size_t i = 0; i < n; ++i) {
            MDB_val k{};
            MDB_val v{};
            check(mdb_cursor_get(at, &k, &v, MDB_FIRST));
            std::size_t key = 0;
            std::memcpy(&key, k.mv_data, sizeof key);
            if (i == 0) first = key;
            put(to, key, "a token of twenty by", MDB_APPEND);
            check(mdb_cursor_del(at, 0));
        }
        mdb_cursor_close(at);
        check(mdb_txn_commit(txn_));
        return first;
    }
    void end(std::size_t first, std::size_t n)
    {
        begin();
        for (std::size_t key = first; key < first + n; ++key) {
            MDB_val k{sizeof key, &key};
            check(mdb_del(txn_, tables_[2], &k, nullptr));
            put(3, key, "exit code, start, end", MDB_APPEND);
        }
        check(mdb_txn_commit(txn_));
    }

    MDB_env* env_ = nullptr;
    MDB_txn* txn_ = nullptr;
    MDB_dbi tables_[4]{};
    std::size_t last_ = 0;
    std::string row_ = std::string(150, 'x');
};

void figures(const bench::report& out, durability kept, unsigned flags, const std::string& label)
{
    for (const std::size_t batch : {std::size_t{1}, std::size_t{100}, std::size_t{1000}}) {
        const folder where;
        auto store = open(where / "ours", kept);
        bare_queue bare{where / "bare", flags};
        hands h{store, 0};
        const auto rates = bench::medians(
            5, [&] { return bench::cycles(h, batch, 0.3).jobs_per_second; }, [&] { return bare.cycles(batch, 0.3); });
        const std::string what = label + ", batches of " + std::to_string(batch);
        out.figure(what, rates.ours, "jobs/s", rates.ratio,
                   "LMDB itself, " + std::to_string(static_cast<long>(rates.theirs)) + "/s");
    }
}

// Microseconds of one claim, by the median.
double claim_cost(lmdb_storage& s, int who)
{
    hands h{s, who};
    h.insert(300);
    return bench::median(200, [&] { return seconds([&] { h.claim(1); }) * 1e6; });
}

// 10^6 completed jobs and as many that are due in a hundred years.
void fill(lmdb_storage& s)
{
    hands h{s, 50};
    for (int i = 0; i < 1000; ++i) {
        h.insert(1000);
        h.claim(1000);
        h.settle();
    }
    std::vector<job> jobs(1000);
    std::vector<insert_status> told(1000);
    for (int i = 0; i < 1000; ++i) {
        for (auto& j : jobs) {
            j.id = "future-" + std::to_string(i * 1000 + (&j - jobs.data()));
            j.queue = "default";
            j.kind = "shell";
            j.payload = "true";
            j.run_at = timestamp{duration{4'000'000'000'000'000 + i * 1000 + (&j - jobs.data())}};
        }
        must(s.insert(jobs, told, bench::now()));
    }
}

void crowded(const bench::report& out)
{
    const folder where;
    auto empty = open(where / "empty", durability::none);
    const double alone = claim_cost(empty, 7);
    {
        auto full = open(where / "full", durability::none);
        fill(full);
        const double behind = claim_cost(full, 8);
        out.figure("lmdb claim, empty store", alone, "us");
        out.figure("lmdb claim, 10^6 finished + 10^6 future", behind, "us", behind / alone,
                   "empty store (less is better)");
    }
    int n = 0;
    const double one = bench::median(50, [&] {
        return seconds([&] {
            auto s = open(where / "full", durability::full);
            hands{s, 100 + n++}.insert(1);
        });
    });
    out.figure("lmdb sync, open + insert + close on 2*10^6 jobs", one * 1e6, "us");
}

}  // namespace

int main(int argc, char** argv)
{
    const bench::report out{argc, argv};
    figures(out, durability::full, 0, "lmdb sync");
    figures(out, durability::interval, MDB_NOMETASYNC, "lmdb nometasync");
    figures(out, durability::none, MDB_NOSYNC, "lmdb nosync");
    crowded(out);
}
