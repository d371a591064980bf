// What goes wrong beneath a store: a full map, a full disk, readers that die, contention, damage.
#include "lmdb/store.hpp"

#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>

namespace queuectl_test {
namespace {

lmdb_options with_map(std::size_t bytes, durability kept = durability::none)
{
    lmdb_options options;
    options.map_bytes = bytes;
    options.durability = kept;
    return options;
}

std::vector<job> batch_of(const std::string& name, std::size_t n, std::size_t payload_bytes)
{
    std::vector<job> jobs(n);
    for (auto& j : jobs) {
        j = make_job(name + "." + std::to_string(&j - jobs.data()));
        j.payload.assign(payload_bytes, 'x');
    }
    return jobs;
}

int exit_code_of(pid_t child)
{
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(LmdbFailures, EightProcessesGrowASmallMapTogether)
{
    const temporary_folder folder;
    {
        open_store(folder / "q", with_map(256 << 10));
    }
    std::vector<pid_t> children;
    for (int p = 0; p < 8; ++p) {
        children.push_back(::fork());
        if (children.back() != 0) continue;
        auto s = lmdb_storage::open(folder / "q", with_map(256 << 10));
        if (!s) ::_exit(1);
        for (int i = 0; i < 25; ++i) {
            const auto jobs = batch_of("p" + std::to_string(p) + "." + std::to_string(i), 20, 400);
            std::vector<insert_status> told(jobs.size());
            if (!s->insert(jobs, told, at(1))) ::_exit(2);
            const auto leases = take(*s, 10, at(10));
            std::vector<settlement> done;
            for (const auto& l : leases) done.push_back(ended(l, verdict_kind::complete));
            std::vector<settle_status> settled(done.size());
            if (!s->settle(done, settled, at(11))) ::_exit(3);
            for (const auto one : settled)
                if (one != settle_status::applied) ::_exit(4);
            if (!*s->find(jobs.front().id)) ::_exit(5);
        }
        ::_exit(0);
    }
    for (const auto child : children) EXPECT_EQ(exit_code_of(child), 0);
    auto s = open_store(folder / "q", with_map(256 << 10));
    std::vector<queue_counts> counts;
    ASSERT_TRUE(s.counts(counts));
    ASSERT_EQ(counts.size(), 1u);
    EXPECT_EQ(counts[0][state::pending] + counts[0][state::completed], 4000u);
    EXPECT_EQ(counts[0][state::processing], 0u);
    EXPECT_GT(std::filesystem::file_size(folder / "q/data.mdb"), 1u << 20);
}

TEST(LmdbFailures, TheMapGrowsToItsLimitAndNoFurther)
{
    const temporary_folder folder;
    auto options = with_map(256 << 10);
    options.map_bytes_max = 2 << 20;
    auto s = open_store(folder / "q", options);
    std::vector<insert_status> told(20);
    ASSERT_TRUE(s.insert(batch_of("first", 20, 400), told, at(1)));
    const auto leases = take(s, 5, at(10));
    ASSERT_EQ(leases.size(), 5u);
    for (int i = 0;; ++i) {
        ASSERT_LT(i, 1000);
        const auto jobs = batch_of("b" + std::to_string(i), 20, 400);
        const auto done = s.insert(jobs, told, at(1));
        if (done) continue;
        EXPECT_EQ(done.error().code, errc::store_full);
        EXPECT_FALSE(*s.find(jobs.front().id));
        break;
    }
    EXPECT_LE(std::filesystem::file_size(folder / "q/data.mdb"), 2u << 20);
    for (const auto& l : leases)
        EXPECT_EQ(settle(s, ended(l, verdict_kind::complete)), settle_status::applied) << "runs may still end";
}

TEST(LmdbFailures, ReadersThatAreKilledDoNotMakeTheFileGrow)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q", with_map(64 << 20));
    for (int i = 0; i < 50; ++i) {
        std::vector<insert_status> told(20);
        ASSERT_TRUE(s.insert(batch_of("b" + std::to_string(i), 20, 200), told, at(1)));
    }
    const auto churn = [&] {
        const auto leases = take(s, 20, at(10));
        std::vector<settlement> done;
        for (const auto& l : leases) done.push_back(ended(l, verdict_kind::release));
        std::vector<settle_status> settled(done.size());
        ASSERT_TRUE(s.settle(done, settled, at(11)));
    };
    for (int i = 0; i < 100; ++i) churn();
    const auto before = std::filesystem::file_size(folder / "q/data.mdb");
    for (int i = 0; i < 1000; ++i) {
        int ready[2];
        ASSERT_EQ(::pipe(ready), 0);
        const auto child = ::fork();
        if (child == 0) {
            auto own = lmdb_storage::open(folder / "q", with_map(64 << 20));
            MDB_txn* txn = nullptr;
            const bool reads = own && mdb_txn_begin(own->env(), nullptr, MDB_RDONLY, &txn) == 0;
            if (::write(ready[1], reads ? "y" : "n", 1) != 1) ::_exit(1);
            for (;;) ::pause();
        }
        char told = 'n';
        ASSERT_EQ(::read(ready[0], &told, 1), 1);
        EXPECT_EQ(told, 'y');
        ::close(ready[0]);
        ::close(ready[1]);
        churn();
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        churn();
    }
    const auto after = std::filesystem::file_size(folder / "q/data.mdb");
    EXPECT_LT(after, before + (2u << 20)) << "from " << before << " to " << after;
}

// The end of the disk by a limit to the size of files, which needs no rights.
TEST(LmdbFailures, AFileThatMayNotGrowRefusesWholeInserts)
{
    const temporary_folder folder;
    {
        auto s = open_store(folder / "q");
        put(s, make_job("first"));
    }
    const auto child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{1u << 20, 1u << 20};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        auto s = lmdb_storage::open(folder / "q");
        if (!s) ::_exit(1);
        std::vector<insert_status> told(8);
        for (int i = 0; i < 100; ++i) {
            const auto jobs = batch_of("big" + std::to_string(i), 8, 20'000);
            const auto done = s->insert(jobs, told, at(1));
            if (done) continue;
            if (done.error().code != errc::store_full) ::_exit(2);
            if (*s->find(jobs.front().id) || *s->find(jobs.back().id)) ::_exit(3);
            ::_exit(i > 0 && *s->find("big0.0") && *s->find("first") ? 0 : 4);
        }
        ::_exit(5);
    }
    EXPECT_EQ(exit_code_of(child), 0);
    auto s = open_store(folder / "q");
    EXPECT_EQ(put(s, make_job("later")), insert_status::inserted) << "it goes on when there is room";
}

TEST(LmdbFailures, AnotherWriterMakesUsBusyAfterTheDeadline)
{
    const temporary_folder folder;
    lmdb_options options;
    options.busy = std::chrono::milliseconds{60};
    auto s = open_store(folder / "q", options);
    put(s, make_job("a"));
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const auto child = ::fork();
    if (child == 0) {
        auto own = lmdb_storage::open(folder / "q", options);
        auto turn = own->turn();
        if (!turn || ::write(ready[1], "y", 1) != 1) ::_exit(1);
        for (;;) ::pause();
    }
    char told = 'n';
    ASSERT_EQ(::read(ready[0], &told, 1), 1);
    const job j = make_job("b");
    insert_status status{};
    const auto refused = s.insert({&j, 1}, {&status, 1}, at(1));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::busy);
    EXPECT_EQ(state_of(s, "a"), state::pending) << "reads go on";
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    EXPECT_EQ(put(s, j), insert_status::inserted);
}

TEST(LmdbFailures, AClaimCostsTheSameBehindFinishedFutureAndHeldJobs)
{
    const temporary_folder folder;
    auto s = open_store(folder / "q", with_map(64 << 20));
    const auto cost = [&](const std::string& id) {
        put(s, make_job(id), at(1000));
        const auto before = s.steps();
        EXPECT_EQ(take(s, 1, at(1000)).size(), 1u);
        return s.steps() - before;
    };
    cost("warm");
    const auto empty = cost("empty");
    std::vector<insert_status> statuses(1000);
    for (int i = 0; i < 60; ++i) {
        auto jobs = batch_of("j" + std::to_string(i), 1000, 4);
        for (auto& j : jobs) {
            if (i < 20) j.run_at = timestamp{duration{2'000'000 + (&j - jobs.data())}};
            if (i < 20) j.priority = static_cast<std::int8_t>(i % 2);
            if (i >= 20 && i < 40) j.hold = hold_dependency;
        }
        ASSERT_TRUE(s.insert(jobs, statuses, at(1)));
    }
    for (auto leases = take(s, 1000, at(1000)); !leases.empty(); leases = take(s, 1000, at(1000))) {
        std::vector<settlement> done;
        for (const auto& l : leases) done.push_back(ended(l, verdict_kind::complete));
        std::vector<settle_status> told(done.size());
        ASSERT_TRUE(s.settle(done, told, at(1001)));
    }
    EXPECT_LT(static_cast<double>(cost("full")), 1.5 * static_cast<double>(empty));
}

}  // namespace
}  // namespace queuectl_test
