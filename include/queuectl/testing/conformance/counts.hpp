// Line 5: one state a job, counts that equal a recount, and nothing lost.
#ifndef QUEUECTL_TESTING_CONFORMANCE_COUNTS_HPP
#define QUEUECTL_TESTING_CONFORMANCE_COUNTS_HPP

#include <queuectl/testing/conformance/fixture.hpp>

namespace queuectl::inline v0::conformance {

// Compares counts() with a recount by list(), queue by queue, and their sum with `kept` jobs.
template <backend B>
void check_counts(fixture<B>& f, std::uint64_t kept, const char* step)
{
    std::vector<queue_counts> told;
    f.good(f->counts(told), "counts");
    std::vector<queue_counts> recount;
    for (const auto& c : told) {
        recount.emplace_back();
        recount.back().queue = c.queue;
    }
    std::uint64_t total = 0;
    for (const auto& r : f.list()) {
        ++total;
        bool known = false;
        for (auto& c : recount)
            if (c.queue == r.job.queue) known = true, ++c.by_state[static_cast<std::size_t>(r.state)];
        f.check(known, "every queue is counted", step, 0);
    }
    f.equal("jobs listed", step, 0, total, kept);
    for (std::size_t i = 0; i < told.size(); ++i)
        for (std::size_t s = 0; s < state_count; ++s)
            f.equal("the count of a state", step, static_cast<int>(s), told[i].by_state[s], recount[i].by_state[s]);
}

template <backend B>
void line5_counts_equal_a_recount(fixture<B>& f)
{
    check_counts(f, 0, "empty");
    for (int i = 0; i < 8; ++i)
        f.put(std::string{"a"} + std::to_string(i), [&](job& j) { j.queue = i % 2 == 0 ? "even" : "odd"; });
    f.insert(f.make("a0"));
    check_counts(f, 8, "insert");
    auto leases = f.claim(8);
    if (!QUEUECTL_EQUAL(f, leases.size(), 8)) return;
    check_counts(f, 8, "claim");
    f.settle({f.success(leases[0]), f.failed(leases[1], f.in(std::chrono::hours{2})), f.buried(leases[2]),
              f.ended(leases[3], verdict_kind::cancel, ""), f.released(leases[4])});
    check_counts(f, 8, "settle");
    f.settle(f.success(leases[0]));
    check_counts(f, 8, "settle repeated");
    f.cancel("a5");
    f.advance(f.lease_time + f.tick);
    f.claim(1);
    check_counts(f, 8, "expiry");
    f.cancel("a1");
    f.revive("a2");
    f.revive("a0");
    check_counts(f, 8, "cancel and revive");
    f.remove("a1");
    check_counts(f, 7, "remove");
    f.good(f->free_worker("worker-1", "gone", f.now), "free_worker");
    check_counts(f, 7, "free_worker");
    f.good(f->reprioritise("a6", 9, f.now), "reprioritise");
    check_counts(f, 7, "reprioritise");
    f.good(f->purge(job_filter{}, 100), "purge");
    check_counts(f, 5, "purge");
}

template <backend B>
void line5_counts_forget_a_job_completed_without_retention(fixture<B>& f)
{
    f.put("a", [](job& j) { j.retention = duration{0}; });
    f.settle(f.success(f.take()));
    check_counts(f, 0, "complete");
}

template <backend B>
void line5_each_state_is_counted(fixture<B>& f)
{
    for (int i = 0; i < 6; ++i) f.put(std::string{"a"} + std::to_string(i));
    const auto leases = f.claim(5);
    if (!QUEUECTL_EQUAL(f, leases.size(), 5)) return;
    f.settle({f.success(leases[0]), f.failed(leases[1], f.in(std::chrono::hours{2})), f.buried(leases[2]),
              f.ended(leases[3], verdict_kind::cancel, "")});
    std::vector<queue_counts> counts;
    f.good(f->counts(counts), "counts");
    if (!QUEUECTL_EQUAL(f, counts.size(), 1)) return;
    QUEUECTL_EQUAL(f, counts[0].queue, "default");
    for (std::size_t s = 0; s < state_count; ++s) QUEUECTL_EQUAL(f, counts[0].by_state[s], 1);
}

template <backend B>
void line5_counts_name_every_queue_that_held_a_job(fixture<B>& f)
{
    f.put("a", [](job& j) { j.queue = "once"; });
    f.remove("a");
    std::vector<queue_counts> counts;
    f.good(f->counts(counts), "counts");
    if (!QUEUECTL_EQUAL(f, counts.size(), 1)) return;
    QUEUECTL_EQUAL(f, counts[0].queue, "once");
    QUEUECTL_EQUAL(f, counts[0][state::pending], 0);
}

template <backend B>
void add_count_checks(check_list<B>& list)
{
    if constexpr (fixture<B>::inspectable) {
        QUEUECTL_ADD_CHECK(list, B, line5_counts_equal_a_recount);
        QUEUECTL_ADD_CHECK(list, B, line5_counts_forget_a_job_completed_without_retention);
        QUEUECTL_ADD_CHECK(list, B, line5_each_state_is_counted);
        QUEUECTL_ADD_CHECK(list, B, line5_counts_name_every_queue_that_held_a_job);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif
