// What goes wrong beneath a store: a full map, a full disk, readers that die, contention, damage.
#include "shared/failures.hpp"
#include "lmdb/store.hpp"

#include <sys/mount.h>

#include <fstream>
#include <functional>

#include <sched.h>

namespace queuectl_test {

struct lmdb_failures_kind : lmdb_kind {
    static void count_steps() {}
    static std::uint64_t steps(const lmdb_storage& s) { return s.steps(); }
};
INSTANTIATE_TYPED_TEST_SUITE_P(LmdbFailures, StoreFailures, lmdb_failures_kind);

namespace {

lmdb_options with_map(std::size_t bytes, durability kept = durability::none)
{
    lmdb_options options;
    options.map_bytes = bytes;
    options.durability = kept;
    return options;
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

// A life of a store in which any step may find the disk full: `step` gives what its first try must not leave behind.
// A step that was refused is repeated when there is room.
class full_disk {
public:
    explicit full_disk(std::string folder) : folder_{std::move(folder)} {}

    // 0, or the line where something was wrong.
    int live(std::size_t free_bytes)
    {
        fill(free_bytes);
        for (int tries = 0; !store_ && tries < 2; ++tries) {
            auto opened = lmdb_storage::open(folder_ + "/q", with_map(16 << 20));
            if (opened)
                store_.emplace(std::move(*opened));
            else if (!refused(opened.error()))
                return __LINE__;
        }
        if (!store_) return __LINE__;
        if (!step([&](const instant& t) { return insert(t); }, [&] { return !known("a.0") && !known("a.9"); }))
            return __LINE__;
        const uid nonce = fresh();
        if (!step([&](const instant& t) { return claim(nonce, t); }, [&] { return waiting() == 10; })) return __LINE__;
        if (leases_.size() != 4) return __LINE__;
        if (!step([&](const instant& t) { return settle(t); }, [&] { return waiting() == 6 && ended_jobs() == 0; }))
            return __LINE__;
        if (!step([&](const instant& t) { return cancel(t); }, [&] { return waiting() == 6; })) return __LINE__;
        if (!step([&](const instant& t) { return configure(t); },
                  [&] { return !store_->config_get("k", at(1))->has_value(); }))
            return __LINE__;
        if (!step([&](const instant&) { return remove(); }, [&] { return ended_jobs() == 5; })) return __LINE__;
        return waiting() == 5 && ended_jobs() == 4 ? 0 : __LINE__;
    }
    int refusals() const { return refusals_; }

private:
    template <class Do, class Unchanged>
    bool step(Do what, Unchanged unchanged)
    {
        const auto first = what(at(100));
        if (first) return true;
        if (!refused(first.error()) || !unchanged()) return false;
        return what(at(100)).has_value();
    }
    // Makes room.
    bool refused(const error& e)
    {
        ++refusals_;
        std::filesystem::remove(folder_ + "/filler");
        if (e.code != errc::store_full) std::fprintf(stderr, "%s\n", e.message().c_str());
        return e.code == errc::store_full;
    }
    void fill(std::size_t free_bytes)
    {
        const auto room = std::filesystem::space(folder_).available;
        std::ofstream filler{folder_ + "/filler"};
        if (room > free_bytes) filler << std::string(static_cast<std::size_t>(room) - free_bytes, 'x');
    }

    result<void> insert(const instant& t)
    {
        const auto jobs = batch_of("a", 10, 300);
        std::vector<insert_status> told(jobs.size());
        return store_->insert(jobs, told, t);
    }
    result<void> claim(const uid& nonce, const instant& t)
    {
        claim_request request;
        request.max = 4;
        request.worker = "w";
        request.nonce = nonce;
        leases_.clear();
        const auto told = store_->claim(request, leases_, t);
        return told ? result<void>{} : fail(told.error());
    }
    // The second wrote much.
    result<void> settle(const instant& t)
    {
        std::vector<settlement> done;
        for (const auto& l : leases_) done.push_back(ended(l, verdict_kind::complete));
        done[1].report->output.head.assign(20'000, 'x');
        std::vector<settle_status> told(done.size());
        return store_->settle(done, told, t);
    }
    result<void> cancel(const instant& t)
    {
        const std::vector<std::string> ids{"a.9"};
        std::vector<change_status> told(1);
        return store_->cancel(ids, told, t);
    }
    result<void> configure(const instant& t)
    {
        config_entry entry;
        entry.key = "k";
        entry.value.assign(9000, 'v');
        const auto version = store_->config_put(entry, t);
        return version ? result<void>{} : fail(version.error());
    }
    result<void> remove()
    {
        const std::vector<std::string> ids{"a.9"};
        std::vector<change_status> told(1);
        return store_->remove(ids, told);
    }

    bool known(const std::string& id) { return store_->find(id)->has_value(); }
    std::uint64_t count(state s)
    {
        std::vector<queue_counts> all;
        if (!store_->counts(all)) return ~std::uint64_t{0};
        return all.empty() ? 0 : all[0][s];
    }
    std::uint64_t waiting() { return count(state::pending); }
    std::uint64_t ended_jobs() { return count(state::completed) + count(state::cancelled); }

    std::string folder_;
    std::optional<lmdb_storage> store_;
    std::vector<lease> leases_;
    int refusals_ = 0;
};

// Mounts a disk of 1 MiB for this process alone; false where it may not.
bool mount_small_disk(const std::string& folder)
{
    return ::unshare(::geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
           ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
           ::mount("tmpfs", folder.c_str(), "tmpfs", 0, "size=1m,mode=0700") == 0;
}

// 0, or the line where something was wrong.
int runs_end_on_a_full_disk(const std::string& folder)
{
    auto s = open_store(folder + "/q", with_map(16 << 20));
    std::vector<insert_status> told(10);
    if (!s.insert(batch_of("a", 10, 300), told, at(1))) return __LINE__;
    const auto leases = take(s, 10, at(10));
    for (int bytes = 4096; bytes > 0; bytes /= 8) {
        std::ofstream filler{folder + "/filler", std::ios::app};
        while (filler.write(std::string(4096, 'x').data(), bytes).flush()) {}
    }
    // Until the pages that earlier changes left are used up, too.
    auto refused = result<void>{};
    for (int i = 0; i < 100 && refused; ++i)
        refused = s.insert(batch_of("c" + std::to_string(i), 10, 300), told, at(20));
    if (refused || refused.error().code != errc::store_full) return __LINE__;
    std::vector<settlement> done;
    for (const auto& l : leases) {
        done.push_back(ended(l, verdict_kind::complete));
        done.back().result.assign(6000, 'r');
    }
    std::vector<settle_status> settled(done.size());
    if (!s.settle(done, settled, at(21))) return __LINE__;
    if (std::filesystem::exists(folder + "/q/reserve")) return __LINE__;
    std::filesystem::remove(folder + "/filler");
    if (!s.insert(batch_of("b", 10, 300), told, at(22))) return __LINE__;
    return std::filesystem::exists(folder + "/q/reserve") ? 0 : __LINE__;
}

TEST(LmdbFailures, AFullDiskRefusesAnyStepWholeAndTheStoreGoesOn)
{
    const temporary_folder folder;
    std::filesystem::create_directory(folder / "disk");
    const auto child = ::fork();
    if (child == 0) {
        if (!mount_small_disk(folder / "disk")) {
            std::fprintf(stderr, "no disk of 1 MiB may be mounted here\n");
            ::_exit(99);
        }
        int refusals = 0;
        for (std::size_t free_bytes = 0; free_bytes <= 480u << 10; free_bytes += 4096) {
            full_disk one{folder / "disk"};
            const int line = one.live(free_bytes);
            if (line != 0) std::fprintf(stderr, "with %zu bytes free: line %d\n", free_bytes, line);
            if (line != 0) ::_exit(1);
            refusals += one.refusals() != 0 ? 1 : 0;
            for (const auto& entry : std::filesystem::directory_iterator{folder / "disk"})
                std::filesystem::remove_all(entry.path());
        }
        const int line = runs_end_on_a_full_disk(folder / "disk");
        if (line != 0) std::fprintf(stderr, "line %d\n", line);
        if (line != 0) ::_exit(3);
        std::fprintf(stderr, "%d lives met the end of the disk\n", refusals);
        ::_exit(refusals > 20 ? 0 : 2);
    }
    const int code = exit_code_of(child);
    if (code != 99) {
        EXPECT_EQ(code, 0);
    }
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

}  // namespace
}  // namespace queuectl_test
