// Several processes on one store: every job once, wake-ups, and nothing lost to SIGKILL.
#include "lmdb/store.hpp"

#include <sys/wait.h>

#include <csignal>
#include <set>
#include <thread>

namespace queuectl_test {
namespace {

TEST(LmdbProcesses, FourWorkersRunEachJobOnce)
{
    constexpr int jobs = 400;
    const temporary_folder folder;
    {
        auto s = open_store(folder / "q");
        for (int i = 0; i < jobs; ++i) put(s, make_job("job" + std::to_string(i)));
    }
    int runs[2];
    ASSERT_EQ(::pipe(runs), 0);
    std::vector<pid_t> children;
    for (int p = 0; p < 4; ++p) {
        children.push_back(::fork());
        if (children.back() != 0) continue;
        auto s = lmdb_storage::open(folder / "q");
        if (!s) ::_exit(1);
        const std::string name = "w" + std::to_string(p);
        for (std::uint64_t i = 0;; ++i) {
            claim_request request;
            request.max = 3;
            request.worker = name;
            request.nonce = {static_cast<std::uint64_t>(p) + 1, i + 1};
            std::vector<lease> leases;
            if (!s->claim(request, leases, at(10))) ::_exit(2);
            if (leases.empty()) ::_exit(0);
            for (const auto& l : leases) {
                const auto done = ended(l, verdict_kind::complete);
                settle_status status{};
                if (!s->settle({&done, 1}, {&status, 1}, at(11)) || status != settle_status::applied) ::_exit(3);
                char line[16] = {};
                std::snprintf(line, sizeof line, "%s", l.job.id.c_str());
                if (::write(runs[1], line, sizeof line) != sizeof line) ::_exit(4);
            }
        }
    }
    ::close(runs[1]);
    std::multiset<std::string> ran;
    char line[16];
    while (::read(runs[0], line, sizeof line) == sizeof line) ran.insert(line);
    ::close(runs[0]);
    for (const auto child : children) {
        int status = 0;
        ::waitpid(child, &status, 0);
        EXPECT_EQ(status, 0);
    }
    EXPECT_EQ(ran.size(), static_cast<std::size_t>(jobs));
    EXPECT_EQ(std::set<std::string>(ran.begin(), ran.end()).size(), static_cast<std::size_t>(jobs));
}

TEST(LmdbProcesses, AnEnqueueWakesAWaiterOfAnotherProcess)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q");
    const auto seen = s.changes();
    const auto child = ::fork();
    if (child == 0) {
        auto own = lmdb_storage::open(folder / "q");
        const job j = make_job("a");
        insert_status status{};
        ::_exit(own && own->insert({&j, 1}, {&status, 1}, at(1)) ? 0 : 1);
    }
    EXPECT_NE(s.wait_for_change(seen, std::chrono::seconds{60}), seen);
    EXPECT_EQ(take(s, 1).size(), 1u) << "the job is there when the waiter wakes";
    ::waitpid(child, nullptr, 0);
}

TEST(LmdbProcesses, AChangeThatNobodyTellsOfIsNoticedInFiveSeconds)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q");
    const auto seen = s.changes();
    std::thread waiter{[&] {
        const auto start = detail::monotonic_us();
        EXPECT_NE(s.wait_for_change(seen, std::chrono::seconds{60}), seen);
        EXPECT_LT(detail::monotonic_us() - start, 12'000'000);
    }};
    MDB_txn* txn = nullptr;
    MDB_dbi own = 0;
    ::usleep(100'000);
    EXPECT_EQ(mdb_txn_begin(s.env(), nullptr, 0, &txn), 0);
    EXPECT_EQ(mdb_dbi_open(txn, "mine", MDB_CREATE, &own), 0);
    EXPECT_EQ(mdb_txn_commit(txn), 0);
    waiter.join();
}

TEST(LmdbProcesses, AcknowledgedJobsSurviveKill)
{
    const temporary_folder folder;
    std::set<std::string> acknowledged;
    for (int round = 0; round < 12; ++round) {
        int told[2];
        ASSERT_EQ(::pipe(told), 0);
        const auto child = ::fork();
        if (child == 0) {
            auto s = lmdb_storage::open(folder / "q");
            if (!s) ::_exit(1);
            for (int i = 0;; ++i) {
                const job j = make_job("job" + std::to_string(round) + "." + std::to_string(i));
                insert_status status{};
                if (!s->insert({&j, 1}, {&status, 1}, at(1))) ::_exit(2);
                char line[16] = {};
                std::snprintf(line, sizeof line, "%s", j.id.c_str());
                if (::write(told[1], line, sizeof line) != sizeof line) ::_exit(3);
            }
        }
        ::close(told[1]);
        char line[16];
        for (int i = 0; i <= round && ::read(told[0], line, sizeof line) == sizeof line; ++i) acknowledged.insert(line);
        ::usleep(static_cast<useconds_t>(round) * 700);
        ::kill(child, SIGKILL);
        while (::read(told[0], line, sizeof line) == sizeof line) acknowledged.insert(line);
        ::close(told[0]);
        ::waitpid(child, nullptr, 0);
    }
    auto s = open_store(folder / "q");
    for (const auto& id : acknowledged) EXPECT_TRUE(*s.find(id)) << id;
    std::uint64_t rows = 0;
    std::vector<job_record> records;
    page_request page;
    do {
        page.after = *s.list({}, page, records);
    } while (page.after != 0);
    rows = records.size();
    EXPECT_GE(rows, acknowledged.size());
    EXPECT_LE(rows, acknowledged.size() + 12) << "at most the one in flight of each";
    std::vector<queue_counts> counts;
    ASSERT_TRUE(s.counts(counts));
    EXPECT_EQ(counts.at(0)[state::pending], rows);
}

TEST(LmdbProcesses, AWaitIsInterrupted)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q");
    std::atomic<bool> ended{false};
    std::thread waiter{[&] {
        s.wait_for_change(s.changes(), std::chrono::seconds{60});
        ended = true;
    }};
    while (!ended) {
        s.interrupt_waits();
        std::this_thread::yield();
    }
    waiter.join();
}

}  // namespace
}  // namespace queuectl_test
