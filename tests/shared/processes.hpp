// Several processes on one store: every job once, wake-ups, and nothing lost to SIGKILL.
#ifndef QUEUECTL_TESTS_SHARED_PROCESSES_HPP
#define QUEUECTL_TESTS_SHARED_PROCESSES_HPP

#include "shared/store.hpp"

#include <queuectl/process/futex.hpp>

#include <atomic>
#include <csignal>
#include <set>
#include <thread>

namespace queuectl_test {

// Lines of one length, which processes write whole.
class line_pipe {
public:
    line_pipe() { EXPECT_EQ(::pipe(ends_), 0); }
    line_pipe(const line_pipe&) = delete;
    line_pipe& operator=(const line_pipe&) = delete;
    ~line_pipe()
    {
        close_writer();
        ::close(ends_[0]);
    }
    [[nodiscard]] bool write(const std::string& text) const
    {
        char line[16] = {};
        std::snprintf(line, sizeof line, "%s", text.c_str());
        return ::write(ends_[1], line, sizeof line) == sizeof line;
    }
    void close_writer()
    {
        if (ends_[1] >= 0) ::close(ends_[1]);
        ends_[1] = -1;
    }
    // Up to `most` lines; the fewer when every writer is gone.
    template <class Set>
    void read_into(Set& lines, std::size_t most = ~std::size_t{0}) const
    {
        char line[16];
        for (std::size_t n = 0; n < most && ::read(ends_[0], line, sizeof line) == sizeof line; ++n) lines.insert(line);
    }

private:
    int ends_[2] = {-1, -1};
};

// A worker's process: 0 when there was nothing more to claim.
template <class Kind>
int run_all(const std::string& path, std::uint64_t who, const line_pipe& runs)
{
    auto s = Kind::storage::open(path);
    if (!s) return 1;
    const std::string name = "w" + std::to_string(who);
    for (std::uint64_t i = 0;; ++i) {
        claim_request request;
        request.max = 3;
        request.worker = name;
        request.nonce = {who + 1, i + 1};
        std::vector<lease> leases;
        if (!s->claim(request, leases, at(10))) return 2;
        if (leases.empty()) return 0;
        for (const auto& l : leases) {
            const auto done = ended(l, verdict_kind::complete);
            settle_status status{};
            if (!s->settle({&done, 1}, {&status, 1}, at(11)) || status != settle_status::applied) return 3;
            if (!runs.write(l.job.id)) return 4;
        }
    }
}

// An enqueuer's process, until it is killed.
template <class Kind>
int insert_for_ever(const std::string& path, const std::string& name, const line_pipe& told)
{
    auto s = Kind::storage::open(path);
    if (!s) return 1;
    for (int i = 0;; ++i) {
        const job j = make_job(name + "." + std::to_string(i));
        insert_status status{};
        if (!s->insert({&j, 1}, {&status, 1}, at(1))) return 2;
        if (!told.write(j.id)) return 3;
    }
}

template <class Storage>
std::size_t rows_listed(Storage& s)
{
    std::vector<job_record> records;
    page_request page;
    do {
        page.after = *s.list({}, page, records);
    } while (page.after != 0);
    return records.size();
}

template <class Kind>
class StoreProcesses : public store_of<Kind> {
};
TYPED_TEST_SUITE_P(StoreProcesses);

TYPED_TEST_P(StoreProcesses, FourWorkersRunEachJobOnce)
{
    constexpr int jobs = 400;
    {
        auto s = this->open();
        for (int i = 0; i < jobs; ++i) put(s, make_job("job" + std::to_string(i)));
    }
    line_pipe runs;
    std::vector<pid_t> children;
    for (std::uint64_t who = 0; who < 4; ++who) {
        children.push_back(::fork());
        if (children.back() == 0) ::_exit(run_all<TypeParam>(this->path, who, runs));
    }
    runs.close_writer();
    std::multiset<std::string> ran;
    runs.read_into(ran);
    for (const auto child : children) EXPECT_EQ(exit_code_of(child), 0);
    EXPECT_EQ(ran.size(), static_cast<std::size_t>(jobs));
    EXPECT_EQ(std::set<std::string>(ran.begin(), ran.end()).size(), static_cast<std::size_t>(jobs));
}

// Pushed: the look of every five seconds, for changes that nobody tells of, comes later than that.
TYPED_TEST_P(StoreProcesses, AnEnqueueWakesAWaiterOfAnotherProcess)
{
    auto s = this->open();
    const auto seen = s.changes();
    line_pipe told;
    const auto child = ::fork();
    if (child == 0) {
        auto own = TypeParam::storage::open(this->path);
        const job j = make_job("a");
        insert_status status{};
        const bool inserted = own && own->insert({&j, 1}, {&status, 1}, at(1));
        ::_exit(inserted && told.write(std::to_string(detail::monotonic_us())) ? 0 : 1);
    }
    EXPECT_NE(s.wait_for_change(seen, std::chrono::seconds{60}), seen);
    const auto woken = detail::monotonic_us();
    EXPECT_EQ(take(s, 1).size(), 1u) << "the job is there when the waiter wakes";
    EXPECT_EQ(exit_code_of(child), 0);
    std::set<std::string> inserted;
    told.read_into(inserted, 1);
    ASSERT_EQ(inserted.size(), 1u);
    EXPECT_LT(woken - std::stoll(*inserted.begin()), 2'000'000);
}

TYPED_TEST_P(StoreProcesses, AcknowledgedJobsSurviveKill)
{
    std::set<std::string> acknowledged;
    for (int round = 0; round < 12; ++round) {
        line_pipe told;
        const auto child = ::fork();
        if (child == 0) ::_exit(insert_for_ever<TypeParam>(this->path, "job" + std::to_string(round), told));
        told.close_writer();
        told.read_into(acknowledged, static_cast<std::size_t>(round) + 1);
        ::usleep(static_cast<useconds_t>(round) * 700);
        ::kill(child, SIGKILL);
        told.read_into(acknowledged);
        EXPECT_EQ(exit_code_of(child), -1) << "it went on until it was killed";
    }
    auto s = this->open();
    for (const auto& id : acknowledged) EXPECT_TRUE(*s.find(id)) << id;
    const auto rows = rows_listed(s);
    EXPECT_GE(rows, acknowledged.size());
    EXPECT_LE(rows, acknowledged.size() + 12) << "at most the one in flight of each";
    std::vector<queue_counts> counts;
    ASSERT_TRUE(s.counts(counts));
    EXPECT_EQ(counts.at(0)[state::pending], rows);
}

TYPED_TEST_P(StoreProcesses, AWaitIsInterrupted)
{
    auto s = this->open();
    std::atomic<bool> ended{false};
    const auto start = detail::monotonic_us();
    std::thread waiter{[&] {
        s.wait_for_change(s.changes(), std::chrono::seconds{60});
        ended = true;
    }};
    while (!ended) {
        s.interrupt_waits();
        std::this_thread::yield();
    }
    waiter.join();
    EXPECT_LT(detail::monotonic_us() - start, 30'000'000);
}

REGISTER_TYPED_TEST_SUITE_P(StoreProcesses, FourWorkersRunEachJobOnce, AnEnqueueWakesAWaiterOfAnotherProcess,
                            AcknowledgedJobsSurviveKill, AWaitIsInterrupted);

}  // namespace queuectl_test

#endif
