// What the benchmarks of storages on a disk share: a folder, F, the count of syncs, and a worker's hands on a store.
// $TMPDIR (or /tmp) says which disk. For one translation unit: it takes the place of the C library's syncs.
#ifndef QUEUECTL_BENCH_CYCLE_HPP
#define QUEUECTL_BENCH_CYCLE_HPP

#include "report.hpp"

#include <queuectl/process/owned_fd.hpp>
#include <queuectl/process/futex.hpp>
#include <queuectl/storage.hpp>
#include <queuectl/time_source.hpp>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bench {

// Of this process.
inline std::atomic<std::uint64_t> syncs{0};

}  // namespace bench

extern "C" int fdatasync(int fd)
{
    ++bench::syncs;
    return static_cast<int>(::syscall(SYS_fdatasync, fd));
}
extern "C" int fsync(int fd)
{
    ++bench::syncs;
    return static_cast<int>(::syscall(SYS_fsync, fd));
}

namespace bench {

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

[[nodiscard]] inline queuectl::instant now()
{
    using queuectl::duration;
    const auto wall = std::chrono::duration_cast<duration>(std::chrono::system_clock::now().time_since_epoch());
    return {queuectl::timestamp{wall}, duration{queuectl::detail::monotonic_us()}, queuectl::uid{1, 1}};
}

template <class T>
T must(queuectl::result<T> r)
{
    if (r) return std::move(*r);
    std::fprintf(stderr, "%s\n", r.error().message().c_str());
    std::exit(1);
}
inline void must(queuectl::result<void> r)
{
    if (r) return;
    std::fprintf(stderr, "%s\n", r.error().message().c_str());
    std::exit(1);
}

// 4 KiB write + fdatasync, to a preallocated and zero-filled file.
class raw_file {
public:
    explicit raw_file(const folder& where) : file_{::open((where / "raw").c_str(), O_RDWR | O_CREAT, 0600)}
    {
        for (int i = 0; i < blocks; ++i) put(i, '\0');
        ::fsync(file_.get());
    }
    // F: how many a second, over about so many seconds.
    [[nodiscard]] double rate(double budget)
    {
        int n = 0;
        double spent = 0;
        while (spent < budget)
            spent += seconds([&] {
                put(n++, 'x');
                ::fdatasync(file_.get());
            });
        return n / spent;
    }

private:
    static constexpr int blocks = 1024;

    void put(int n, char with)
    {
        const std::string block(4096, with);
        if (::pwrite(file_.get(), block.data(), block.size(), n % blocks * 4096) != 4096) std::abort();
    }

    queuectl::owned_fd file_;
};

// A worker's hands on a store; ids and nonces are its own.
template <class Storage>
class hands {
public:
    queuectl::duration retention = std::chrono::hours{1};  // of what is inserted from now on

    hands(Storage& s, int who) : storage_{s}, who_{who} {}

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
            j.retention = retention;
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
    std::size_t settle_and_claim(std::size_t n)
    {
        end_runs();
        leases_.clear();
        must(storage_.settle_and_claim(settlements_, settled_, request(n), leases_, now()));
        return leases_.size();
    }

private:
    queuectl::claim_request request(std::size_t n)
    {
        queuectl::claim_request r;
        r.max = n;
        r.worker = worker_;
        r.nonce = {static_cast<std::uint64_t>(who_) + 1000, ++last_};
        return r;
    }
    void end_runs()
    {
        settlements_.clear();
        settled_.resize(leases_.size());
        const auto t = now().wall;
        for (const auto& l : leases_) {
            auto& s = settlements_.emplace_back();
            s.receipt = l.receipt();
            s.report.emplace();
            s.report->status = queuectl::run_status::succeeded;
            s.report->exit_code = 0;
            s.report->started_at = s.report->ended_at = t;
        }
    }

    Storage& storage_;
    int who_;
    std::string worker_ = "worker-" + std::to_string(who_);
    std::uint64_t last_ = 0;
    std::vector<queuectl::job> jobs_;
    std::vector<queuectl::insert_status> inserted_;
    std::vector<queuectl::lease> leases_;
    std::vector<queuectl::settlement> settlements_;
    std::vector<queuectl::settle_status> settled_;
};

struct measured {
    double jobs_per_second;
    double syncs_per_job;
};

// Batches through all three verbs, for about `budget` seconds.
template <class Storage>
[[nodiscard]] measured cycles(hands<Storage>& h, std::size_t batch, double budget)
{
    std::size_t done = 0;
    double spent = 0;
    const auto before = syncs.load();
    while (spent < budget)
        spent += seconds([&] {
            h.insert(batch);
            done += h.claim(batch);
            h.settle();
        });
    return {static_cast<double>(done) / spent,
            static_cast<double>(syncs - before) / static_cast<double>(std::max<std::size_t>(done, 1))};
}
template <class Storage>
[[nodiscard]] measured cycles(Storage& s, std::size_t batch, int who, double budget)
{
    hands<Storage> h{s, who};
    return cycles(h, batch, budget);
}

// A worker's loop: each settle of a batch takes the next claim along. The jobs are there before, inserted off the
// clock.
template <class Storage>
[[nodiscard]] measured fused(hands<Storage>& h, std::size_t batch, double budget)
{
    constexpr std::size_t ahead = 20'000;
    std::size_t waiting = 0;
    std::size_t done = 0;
    double spent = 0;
    std::uint64_t synced = 0;
    while (spent < budget) {
        if (waiting < batch)
            for (; waiting < ahead; waiting += 1000) h.insert(1000);
        if (done == 0) waiting -= h.claim(batch);
        const auto before = syncs.load();
        spent += seconds([&] { waiting -= h.settle_and_claim(batch); });
        synced += syncs - before;
        done += batch;
    }
    h.settle();
    return {static_cast<double>(done) / spent, static_cast<double>(synced) / static_cast<double>(done)};
}
template <class Storage>
[[nodiscard]] measured fused(Storage& s, double budget)
{
    hands<Storage> h{s, 0};
    return fused(h, 1, budget);
}

// Jobs a second of so many processes together; open() → the store, which is there already; rate_of(store, number of
// the process) → jobs a second.
template <class Open, class Rate>
[[nodiscard]] double of_processes(int processes, Open&& open, Rate&& rate_of)
{
    int told[2];
    if (::pipe(told) != 0) std::abort();
    std::fflush(stdout);
    for (int p = 0; p < processes; ++p) {
        if (::fork() != 0) continue;
        double rate = 0;
        {
            auto s = open();
            rate = rate_of(s, p);
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

// The same, whole cycles in batches.
template <class Open>
[[nodiscard]] double cycles_of_processes(int processes, Open&& open, std::size_t batch, double budget)
{
    return of_processes(processes, open, [&](auto& s, int p) { return cycles(s, batch, p, budget).jobs_per_second; });
}

}  // namespace bench

#endif
