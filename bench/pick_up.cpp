// How soon an idle worker starts a job that another process enqueues (SQLite, synchronous=FULL; the job is
// /bin/true): from the enqueue's acknowledgement, and from the call of enqueue, to the end of the worker's claim and to
// the exec of the job's program. What the program then does until its main() is not counted.
#include <queuectl/executor/none.hpp>
#include <queuectl/executor/process.hpp>
#include <queuectl/process/signals.hpp>
#include <queuectl/queue.hpp>
#include <queuectl/sqlite/storage.hpp>

#include "report.hpp"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <thread>

namespace {
using namespace queuectl;
using milliseconds = std::chrono::milliseconds;

[[noreturn]] void give_up(const std::string& why)
{
    std::fprintf(stderr, "pick_up: %s\n", why.c_str());
    std::exit(1);
}

std::int64_t now_ns()
{
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return std::int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

// What the worker tells the enqueuer, in memory that they share; 0 = not yet.
struct stamps {
    std::atomic<std::int64_t> claimed{0};
    std::atomic<std::int64_t> executed{0};
};

struct stamping_executor {
    process_executor inner;
    stamps* to;

    [[nodiscard]] std::size_t capacity() const { return inner.capacity(); }
    [[nodiscard]] result<void> start(const lease& l, const instant& now)
    {
        to->claimed = now_ns();
        auto started = inner.start(l, now);
        to->executed = now_ns();
        return started;
    }
    void collect(std::vector<finished_run>& out, duration max) { inner.collect(out, max); }
    void stop(lease_token token, stop_reason reason) { inner.stop(token, reason); }
    void wake() noexcept { inner.wake(); }
};

sqlite_storage open_store(const std::string& path)
{
    auto storage = sqlite_storage::open(path);
    if (!storage) give_up(storage.error().message());
    return std::move(*storage);
}

// The worker's process: ends at the first SIGTERM.
int work(const std::string& path, stamps& to)
{
    stop_source stop;
    const process::stop_signals signals{[](void* s) { static_cast<stop_source*>(s)->request(stop_level::finish); },
                                        &stop};
    basic_queue queue{open_store(path), stamping_executor{process_executor{}, &to}};
    return queue.run(stop) ? 0 : 1;
}

struct times {
    std::vector<double> insert, claimed, executed, executed_in_all;
};

times measure(producer<sqlite_storage>& queue, stamps& worker, int rounds)
{
    times t;
    new_job job;
    job.payload = "/bin/true";
    for (int i = 0; i < rounds; ++i) {
        std::this_thread::sleep_for(milliseconds{20});
        worker.claimed = worker.executed = 0;
        const auto begun = now_ns();
        if (auto id = queue.enqueue(job); !id) give_up(id.error().message());
        const auto acknowledged = now_ns();
        for (int wait = 0; worker.executed == 0; ++wait) {
            if (wait == 20'000) give_up("the job was not started");
            std::this_thread::sleep_for(std::chrono::microseconds{500});
        }
        const auto ms = [](std::int64_t from, std::int64_t to) { return static_cast<double>(to - from) / 1e6; };
        t.insert.push_back(ms(begun, acknowledged));
        t.claimed.push_back(ms(acknowledged, worker.claimed));
        t.executed.push_back(ms(acknowledged, worker.executed));
        t.executed_in_all.push_back(ms(begun, worker.executed));
    }
    return t;
}

void print(const bench::report& report, const std::string& name, std::vector<double> ms)
{
    std::sort(ms.begin(), ms.end());
    report.figure("pick-up, " + name + ", p50", ms[ms.size() / 2], "ms");
    report.figure("pick-up, " + name + ", p99", ms[ms.size() * 99 / 100], "ms");
}

}  // namespace

int main(int argc, char** argv)
{
    const bench::report report{argc, argv};
    auto folder = (std::filesystem::temp_directory_path() / "queuectl-pick-up-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr) give_up("cannot make " + folder);
    const auto path = folder + "/q.db";
    void* shared = ::mmap(nullptr, sizeof(stamps), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) give_up("no memory");
    auto& to = *new (shared) stamps;
    const auto worker = ::fork();
    if (worker == 0) ::_exit(work(path, to));
    std::this_thread::sleep_for(milliseconds{300});
    times t;
    {
        producer<sqlite_storage> queue{open_store(path)};
        static_cast<void>(measure(queue, to, 20));
        t = measure(queue, to, 300);
    }
    ::kill(worker, SIGTERM);
    const int status = process::reap(worker);
    std::filesystem::remove_all(folder);
    if (status != 0) give_up("the worker failed");
    print(report, "the enqueue itself", t.insert);
    print(report, "acknowledgement to claim", t.claimed);
    print(report, "acknowledgement to exec", t.executed);
    print(report, "enqueue to exec", t.executed_in_all);
}
