// What memory_storage's claims cost, and that it allocates nothing once warm.
#include "memory_fixture.hpp"

#include <cstdlib>
#include <new>

// The thread sanitizer brings its own operator new.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define QUEUECTL_TEST_TSAN 1
#endif
#endif

#if !defined(__SANITIZE_THREAD__) && !defined(QUEUECTL_TEST_TSAN)

namespace {

// Allocations of this thread, and the one that is to fail (0 = none).
thread_local std::uint64_t allocations = 0;
thread_local std::uint64_t failing = 0;

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t bytes)
{
    if (++allocations == failing) throw std::bad_alloc{};
    if (void* memory = std::malloc(bytes)) return memory;
    throw std::bad_alloc{};
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

using namespace memory_test;

namespace {

struct memory_cost : memory {
    void fill(std::string_view prefix, std::size_t n, auto shape)
    {
        std::vector<job> jobs;
        std::vector<insert_status> statuses(1000);
        for (std::size_t i = 0; i < n; ++i) {
            jobs.push_back(make_job(std::string{prefix} + std::to_string(i)));
            shape(jobs.back());
            if (jobs.size() < 1000 && i + 1 < n) continue;
            ASSERT_TRUE(s.insert(jobs, statuses, at(seconds{0})));
            jobs.clear();
        }
    }
    // The steps that 100 claims of one job take.
    std::uint64_t claim_100()
    {
        fill("due", 100, [](job& j) { j.run_at = at(seconds{0}).wall; });
        const std::uint64_t before = s.claim_steps();
        for (int i = 0; i < 100; ++i) {
            const auto leases = claim(1, at(seconds{1}));
            EXPECT_EQ(leases.size(), 1u);
            settle(leases.at(0).receipt(), {verdict_kind::complete}, at(seconds{1}));
        }
        return s.claim_steps() - before;
    }
    // Everything that may be seen of the store.
    std::string picture()
    {
        std::string text;
        std::vector<job_record> all;
        EXPECT_EQ(*s.list({}, {0, 1000}, all), 0u);
        for (const job_record& r : all) {
            std::vector<attempt> runs;
            EXPECT_TRUE(s.attempts(r.job.id, runs));
            text += r.job.id + " " + std::string{name(r.state)} + std::string{" "} + std::to_string(r.attempts) + " " +
                    std::to_string(r.crashes) + std::string{" "} + std::to_string(runs.size()) + " " + r.error + " " +
                    r.locked_by + std::string{" "} + std::to_string(r.job.priority) + "\n";
        }
        for (std::size_t i = 0; i < state_count; ++i) text += std::to_string(count(static_cast<state>(i))) + " ";
        return text;
    }
    // Lets the first, second, … allocation of the call fail until it goes through; each failure must change nothing.
    void survive(std::string_view what, auto call)
    {
        const std::string before = picture();
        for (std::uint64_t nth = 1;; ++nth) {
            ASSERT_LT(nth, 1000u);
            allocations = 0;
            failing = nth;
            bool failed = false;
            try {
                call();
            } catch (const std::bad_alloc&) {
                failed = true;
            }
            failing = 0;
            if (!failed) return;
            ASSERT_EQ(picture(), before) << what << ", allocation " << nth;
        }
    }
};

}  // namespace

TEST_F(memory_cost, a_claim_does_not_see_finished_future_and_held_jobs)
{
    const std::uint64_t alone = claim_100();
    fill("finished", 100'000, [](job& j) { j.retention = hours{1}; });
    while (true) {
        const auto leases = claim(1000, at(seconds{0}));
        if (leases.empty()) break;
        std::vector<settlement> done;
        for (const lease& l : leases) done.push_back({l.receipt()});
        std::vector<settle_status> statuses(done.size());
        ASSERT_TRUE(s.settle(done, statuses, at(seconds{0})));
    }
    EXPECT_EQ(claim_100(), alone) << "behind finished jobs";
    fill("held", 10'000, [](job& j) { j.hold = hold_dependency; });
    EXPECT_EQ(claim_100(), alone) << "behind held jobs";
    fill("later", 100'000, [](job& j) { j.run_at = at(hours{1}).wall; });
    EXPECT_LE(claim_100(), 3 * alone) << "behind future jobs: one look more a claim";
    fill("high", 100'000, [](job& j) {
        j.run_at = at(hours{1}).wall;
        j.priority = 9;
    });
    EXPECT_LE(claim_100(), 4 * alone) << "behind future jobs of a higher priority";
}

TEST_F(memory_cost, a_million_jobs_falling_due_at_once_cost_a_claim_nothing)
{
    std::uint32_t scattered = 1;
    fill("later", 100'000, [&](job& j) {
        scattered = scattered * 1664525u + 1013904223u;
        j.run_at = at(seconds{100} + duration{scattered % 1'000'000}).wall;
    });
    const std::uint64_t before = s.claim_steps();
    ASSERT_EQ(claim(1, at(hours{1})).size(), 1u);
    EXPECT_LT(s.claim_steps() - before, 64u);
}

TEST_F(memory_cost, allocates_nothing_once_warm)
{
    std::vector<job> jobs;
    for (int i = 0; i < 200; ++i) jobs.push_back(make_job(std::string{"job-"} + std::to_string(i), i % 3));
    std::vector<insert_status> inserted(jobs.size());
    std::vector<lease> leases;
    std::vector<settlement> settlements(jobs.size());
    std::vector<settle_status> settled(jobs.size());
    std::uint64_t nonce = 0;
    const auto cycle = [&] {
        ASSERT_TRUE(s.insert(jobs, inserted, at(seconds{0})));
        leases.clear();
        ASSERT_TRUE(s.claim({1000, {}, {}, seconds{30}, "w", uid{5, ++nonce}, false}, leases, at(seconds{0})));
        ASSERT_EQ(leases.size(), jobs.size());
        for (std::size_t i = 0; i < leases.size(); ++i) {
            settlements[i].receipt.id = leases[i].job.id;
            settlements[i].receipt.token = leases[i].token;
        }
        ASSERT_TRUE(s.settle(settlements, settled, at(seconds{0})));
    };
    for (int i = 0; i < 3; ++i) cycle();
    const std::uint64_t before = allocations;
    for (int i = 0; i < 100; ++i) cycle();
    EXPECT_EQ(allocations, before);
}

TEST_F(memory_cost, a_failed_allocation_changes_nothing)
{
    const std::string text(100, 'x');
    std::vector<job> jobs;
    for (int i = 0; i < 5; ++i) {
        jobs.push_back(make_job(text + std::to_string(i), i % 2));
        jobs.back().tag = text;
        jobs.back().payload = text;
        jobs.back().retention = hours{1};
    }
    survive("insert", [&] {
        std::array<insert_status, 5> statuses{};
        ASSERT_TRUE(s.insert(jobs, statuses, at(seconds{0})));
    });
    std::vector<lease> leases;
    survive("claim", [&] {
        const std::size_t before = leases.size();
        ASSERT_TRUE(s.claim({5, {}, {}, seconds{30}, text, uid{5, 5}, false}, leases, at(seconds{0})));
        ASSERT_EQ(before, 0u) << "a failed call left leases behind";
    });
    ASSERT_EQ(leases.size(), 5u);
    std::vector<settlement> settlements;
    for (const lease& l : leases) settlements.push_back({l.receipt(), {}, failed(text), text, text});
    settlements[0].verdict = {verdict_kind::retry, at(seconds{1}).wall};
    settlements[1].verdict = {verdict_kind::bury, {}};
    settlements[2].verdict = {verdict_kind::release, {}};
    settlements.pop_back();
    survive("settle", [&] {
        std::array<settle_status, 5> statuses{};
        ASSERT_TRUE(s.settle(settlements, statuses, at(seconds{0})));
    });
    survive("free_worker", [&] { ASSERT_EQ(*s.free_worker(text, text, at(seconds{0})), 1u); });
    const std::vector<std::string> ids{leases[0].job.id, leases[1].job.id};
    survive("revive", [&] {
        std::array<change_status, 2> statuses{};
        ASSERT_TRUE(s.revive(ids, statuses, at(seconds{0})));
        ASSERT_EQ(statuses[1], change_status::done);
    });
}

#endif
