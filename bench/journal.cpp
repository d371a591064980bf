// journal_storage on a real disk, and sqlite_storage with full durability beside it, in turn: durable inserts by T
// waiting threads, whole cycles (insert, claim, complete) and a worker's loop (settle with the next claim) in batches,
// with several processes; the syncs that each cost; opening a store of 10^6 jobs, the memory of its index, and the
// worst claim while compaction runs. Beside the waiting threads: the same threads and syncs with 200 B each and no
// queue (group_commit.hpp). F = 4 KiB write + fdatasync a second to a preallocated, zero-filled file, measured
// beside each figure. $TMPDIR (or /tmp) says which disk. NAME… as arguments: only those parts (threads, cycles, fused,
// processes, million, stall).
#include "cycle.hpp"
#include "group_commit.hpp"

#include <queuectl/journal/storage.hpp>
#include <queuectl/sqlite.hpp>

#include <thread>

namespace {

using namespace queuectl;
using bench::cycles;
using bench::folder;
using bench::hands;
using bench::must;
using bench::seconds;

journal_storage open_journal(const std::string& path, durability kept)
{
    journal_options options;
    options.durability = kept;
    options.busy = std::chrono::seconds{60};
    return must(journal_storage::open(path, options));
}
sqlite_storage open_sqlite(const std::string& path, durability kept)
{
    sqlite_options options;
    options.durability = kept;
    options.busy = std::chrono::seconds{60};
    return must(sqlite_storage::open(path, options));
}

double middle(std::vector<double> values)
{
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// Against F, and against another storage; all three in turn, the ratios by pairs.
class trio {
public:
    void add(double ours, double theirs, double raw)
    {
        ours_.push_back(ours);
        theirs_.push_back(theirs);
        raw_.push_back(raw);
        to_raw_.push_back(ours / raw);
        to_theirs_.push_back(ours / theirs);
    }
    void tell(const bench::report& out, const std::string& what, const char* unit) const
    {
        const auto f = std::to_string(static_cast<long>(middle(raw_)));
        const auto other = std::to_string(static_cast<long>(middle(theirs_)));
        out.figure("journal " + what, middle(ours_), unit, middle(to_raw_), "F = " + f + "/s");
        out.figure("journal " + what, middle(ours_), unit, middle(to_theirs_), "SQLite FULL = " + other);
    }

private:
    std::vector<double> ours_, theirs_, raw_, to_raw_, to_theirs_;
};

// How often a second `make()`'s function ran, on so many threads at once, each with its own.
template <class Make>
double at_once(int threads, double budget, Make&& make)
{
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> done{0};
    std::vector<std::thread> all;
    const double spent = seconds([&] {
        for (int t = 0; t < threads; ++t)
            all.emplace_back([&, work = make()]() mutable {
                std::uint64_t mine = 0;
                for (; !stop.load(std::memory_order_relaxed); ++mine) work();
                done += mine;
            });
        std::this_thread::sleep_for(std::chrono::duration<double>(budget));
        stop = true;
        for (auto& t : all) t.join();
    });
    return static_cast<double>(done.load()) / spent;
}

// Jobs a second, one a call; `count` goes on with every round.
template <class Storage>
double inserts(Storage& s, int threads, double budget, int& count)
{
    return at_once(threads, budget, [&] { return [h = hands<Storage>{s, ++count}]() mutable { h.insert(1); }; });
}

// The system puts many new threads on one processor, and takes up to 100 ms to spread them.
void threads(const bench::report& out)
{
    constexpr double budget = 1;
    const folder where;
    bench::raw_file raw{where};
    bench::group_commit bare{where};
    auto ours = open_journal(where / "j", durability::full);
    auto theirs = open_sqlite(where / "q.db", durability::full);
    const std::string bytes(200, 'x');
    int count = 0;
    for (const int n : {1, 2, 4, 8, 16, 64}) {
        trio all;
        std::vector<double> rates, limits, parts;
        for (int i = 0; i < 5; ++i) {
            const double x = inserts(ours, n, budget, count);
            rates.push_back(x);
            limits.push_back(at_once(n, budget, [&] { return [&] { bare.commit(bytes); }; }));
            parts.push_back(x / limits.back());
            all.add(x, inserts(theirs, n, 0.05, count), raw.rate(0.2));
        }
        const auto what = "durable insert, " + std::to_string(n) + " waiting threads";
        const auto limit = "bare group commit = " + std::to_string(static_cast<long>(middle(limits)));
        all.tell(out, what, "jobs/s");
        out.figure("journal " + what, middle(rates), "jobs/s", middle(parts), limit);
    }
}

// `work(hands, batch, seconds)` → what was done, in batches of 1, 100 and 1000.
template <class Work>
void batches(const bench::report& out, const std::string& what, const char* syncs_unit, int rounds, Work work)
{
    for (const std::size_t batch : {std::size_t{1}, std::size_t{100}, std::size_t{1000}}) {
        const folder where;
        bench::raw_file raw{where};
        auto ours = open_journal(where / "j", durability::full);
        auto unsynced = open_journal(where / "n", durability::none);
        auto theirs = open_sqlite(where / "q.db", durability::full);
        hands<journal_storage> a{ours, 0};
        hands<journal_storage> b{unsynced, 0};
        hands<sqlite_storage> c{theirs, 0};
        trio all;
        std::vector<double> quick;
        double calls = 0;
        for (int i = 0; i < rounds; ++i) {
            const auto m = work(a, batch, 0.25);
            all.add(m.jobs_per_second, work(c, batch, 0.2).jobs_per_second, raw.rate(0.1));
            calls = m.syncs_per_job * static_cast<double>(batch);
            quick.push_back(work(b, batch, 0.2).jobs_per_second);
        }
        const auto name = what + ", batches of " + std::to_string(batch);
        all.tell(out, name, "jobs/s");
        out.figure("journal " + name + ", syncs", calls, syncs_unit);
        out.figure("journal " + name + ", durability none", middle(quick), "jobs/s");
    }
}

void whole_cycles(const bench::report& out)
{
    batches(out, "cycle", "per cycle", 9, [](auto& h, std::size_t n, double s) { return cycles(h, n, s); });
}

// As a worker does it: the settle of a batch takes the next claim along, and both are one sync.
void fused(const bench::report& out)
{
    batches(out, "worker loop", "per call", 5, [](auto& h, std::size_t n, double s) { return bench::fused(h, n, s); });
}

void processes(const bench::report& out)
{
    const auto one_by_one = [](auto& s, int p) {
        int count = p * 1000;
        return inserts(s, 1, 0.5, count);
    };
    const auto worker = []<class Storage>(Storage& s, int p) {
        hands<Storage> h{s, p};
        return bench::fused(h, 1, 0.5).jobs_per_second;
    };
    for (const int n : {1, 2, 4}) {
        const folder where;
        bench::raw_file raw{where};
        const auto ours = [&] { return open_journal(where / "j", durability::full); };
        const auto theirs = [&] { return open_sqlite(where / "q.db", durability::full); };
        const auto measured = [&](auto&& rate) {
            trio all;
            for (int i = 0; i < 3; ++i) {
                ours();
                theirs();
                const double x = rate(ours);
                all.add(x, rate(theirs), raw.rate(0.1));
                std::filesystem::remove_all(where / "j");
                std::filesystem::remove(where / "q.db");
            }
            return all;
        };
        const auto waiting = measured([&](auto& open) { return bench::of_processes(n, open, one_by_one); });
        const auto working = measured([&](auto& open) { return bench::of_processes(n, open, worker); });
        const auto all = measured([&](auto& open) { return bench::cycles_of_processes(n, open, 100, 0.5); });
        const auto of_n = std::to_string(n) + " processes";
        waiting.tell(out, "durable insert, one a call, " + of_n, "jobs/s");
        working.tell(out, "worker loop, one at a time, " + of_n, "jobs/s");
        all.tell(out, "cycle, batches of 100, " + of_n, "jobs/s");
    }
}

// Bytes that the index of a store takes, by its own count.
double index_bytes(const std::string& path)
{
    auto fs = must(journal::posix_file_system::open_folder(path, false));
    journal::index_space space{must(journal::index_memory::map(fs.folder()))};
    const auto& roots = space.roots<journal::index_roots>();
    return static_cast<double>(space.block_bytes() + sizeof(journal::ref) * roots.table.bucket_count +
                               sizeof(journal::ref) * roots.pages.count);
}

constexpr int million = 1'000'000;

double id_bytes(int from)
{
    double bytes = 0;
    for (int i = 1; i <= million; ++i)
        bytes += static_cast<double>(("job-" + std::to_string(from) + '-').size() + std::to_string(i).size());
    return bytes;
}

double open_and_insert(const std::string& path, int who)
{
    return 1e3 * seconds([&] {
               auto s = open_journal(path, durability::full);
               hands<journal_storage> h{s, who};
               h.insert(1);
           });
}

void of_a_million(const bench::report& out)
{
    const folder where;
    const auto path = where / "j";
    {
        auto s = open_journal(path, durability::none);
        hands<journal_storage> h{s, 0};
        for (int i = 0; i < million / 1000; ++i) h.insert(1000);
    }
    const double ids = id_bytes(0);
    out.figure("journal index, a pending job, beside its id", (index_bytes(path) - ids) / million, "B");
    int who = 1;
    out.figure("journal open + insert + close, 10^6 pending jobs",
               bench::median(20, [&] { return open_and_insert(path, who++); }), "ms");
    for (const char* name : {"index.blocks", "index.buckets", "index.pages", "index.undo"})
        std::filesystem::resize_file(path + '/' + name, 0);
    out.figure("journal open + insert, 10^6 pending jobs, index lost", open_and_insert(path, who++), "ms");
    {
        auto s = open_journal(path, durability::none);
        hands<journal_storage> h{s, who++};
        h.claim(1000);
        while (h.settle_and_claim(1000) != 0) {}
    }
    out.figure("journal index, an ended job, beside its id", (index_bytes(path) - ids) / million, "B");
}

// Among 10^6 that wait, others come and go, and leave the log as they found it: half of it is needless all the time.
void stall(const bench::report& out)
{
    const folder where;
    const auto path = where / "j";
    {
        auto s = open_journal(path, durability::none);
        hands<journal_storage> h{s, 0};
        for (int i = 0; i < million / 1000; ++i) h.insert(1000);
        h.retention = duration::zero();
        while (std::filesystem::exists(path + '/' + journal::segment_name(1))) static_cast<void>(cycles(h, 1000, 0.1));
    }
    auto s = open_journal(path, durability::full);
    hands<journal_storage> busy{s, 1};
    busy.retention = duration::zero();
    std::vector<double> claims;
    std::vector<double> settles;
    for (int i = 0; i < 2000; ++i) {
        busy.insert(100);
        claims.push_back(1e3 * seconds([&] { busy.claim(100); }));
        settles.push_back(1e3 * seconds([&] { busy.settle(); }));
    }
    for (auto* all : {&claims, &settles}) {
        std::sort(all->begin(), all->end());
        const std::string what = all == &claims ? "journal claim of 100" : "journal settle of 100";
        out.figure(what + ", 10^6 jobs, compaction: p50", (*all)[all->size() / 2], "ms");
        out.figure(what + ", 10^6 jobs, compaction: p99.9", (*all)[all->size() * 999 / 1000], "ms");
        out.figure(what + ", 10^6 jobs, compaction: worst", all->back(), "ms");
    }
}

}  // namespace

int main(int argc, char** argv)
{
    const bench::report out{argc, argv};
    const auto wanted = [&](std::string_view name) {
        bool any = false;
        bool this_one = false;
        for (int i = 1; i < argc; ++i) {
            any = any || argv[i][0] != '-';
            this_one = this_one || argv[i] == name;
        }
        return this_one || !any;
    };
    if (wanted("threads")) threads(out);
    if (wanted("cycles")) whole_cycles(out);
    if (wanted("fused")) fused(out);
    if (wanted("processes")) processes(out);
    if (wanted("million")) of_a_million(out);
    if (wanted("stall")) stall(out);
}
