// Line 6: what a claim costs, by counting operations, never by time.
#ifndef QUEUECTL_TESTING_CONFORMANCE_COST_HPP
#define QUEUECTL_TESTING_CONFORMANCE_COST_HPP

#include <queuectl/testing/conformance/fixture.hpp>

#include <algorithm>

namespace queuectl::inline v0::conformance {

// The operations of the dearest of a few claims.
template <backend B>
[[nodiscard]] std::uint64_t claim_cost(fixture<B>& f)
{
    std::uint64_t most = 0;
    for (int i = 0; i < 4; ++i) {
        const auto before = static_cast<std::uint64_t>(f.place().operations());
        const auto leases = f.claim(1);
        most = std::max(most, static_cast<std::uint64_t>(f.place().operations()) - before);
        QUEUECTL_EQUAL(f, leases.size(), 1);
    }
    return most;
}

// Claims before and after fifteen times as many jobs were put in by fill(name, n): linear growth would show.
template <backend B, class Fill>
void check_claim_cost(fixture<B>& f, Fill fill)
{
    f.put_many("due", 20, [](job&) {});
    fill("few", 100);
    const auto few = claim_cost(f);
    fill("many", 1500);
    const auto many = claim_cost(f);
    if (many > 3 * few + 60)
        f.out().fail(__FILE__, __LINE__, "a claim costs " + show(few) + " operations before, " + show(many) + " after");
}

template <backend B>
void line6_finished_jobs_cost_a_claim_nothing(fixture<B>& f)
{
    check_claim_cost(f, [&](const char* name, std::size_t n) {
        f.put_many(name, n, [](job& j) { j.priority = 1; });
        for (std::size_t ended = 0; ended < n;) {
            std::vector<settlement> all;
            for (const auto& l : f.claim(std::min(n - ended, f.batch())))
                all.push_back(all.size() % 2 == 0 ? f.success(l) : f.buried(l));
            if (!QUEUECTL_CHECK(f, !all.empty())) return;
            f.settle(all);
            ended += all.size();
        }
    });
}

template <backend B>
void line6_future_jobs_cost_a_claim_nothing(fixture<B>& f)
{
    check_claim_cost(f, [&](const char* name, std::size_t n) {
        int i = 0;
        f.put_many(name, n, [&](job& j) {
            j.priority = static_cast<std::int8_t>(++i % 3);
            j.run_at = f.in(std::chrono::hours{i});
        });
    });
}

template <backend B>
void line6_held_jobs_cost_a_claim_nothing(fixture<B>& f)
{
    check_claim_cost(f, [&](const char* name, std::size_t n) {
        f.put_many(name, n, [](job& j) { j.priority = 1, j.hold = hold_dependency; });
    });
}

template <backend B>
void line6_the_backlog_costs_a_claim_little(fixture<B>& f)
{
    check_claim_cost(f, [&](const char* name, std::size_t n) { f.put_many(name, n, [](job&) {}); });
}

template <backend B>
void line6_jobs_of_other_queues_and_kinds_cost_a_claim_little(fixture<B>& f)
{
    f.put_many("mine", 20, [](job& j) { j.queue = "mine", j.kind = "mine"; });
    const std::vector<std::string> mine{"mine"};
    const auto cost = [&] {
        auto r = f.request();
        r.queues = r.kinds = mine;
        const auto before = static_cast<std::uint64_t>(f.place().operations());
        QUEUECTL_EQUAL(f, f.claim(r).size(), 1);
        return static_cast<std::uint64_t>(f.place().operations()) - before;
    };
    f.put_many("few", 100, [](job& j) { j.priority = 1; });
    const auto few = cost();
    f.put_many("many", 1500, [](job& j) { j.priority = 1, j.queue = j.id < "many5" ? "mine" : "other"; });
    const auto many = cost();
    if (many > 3 * few + 60)
        f.out().fail(__FILE__, __LINE__, "a claim costs " + show(few) + " operations before, " + show(many) + " after");
}

template <backend B>
void line6_jobs_that_fall_due_together_make_no_claim_stall(fixture<B>& f)
{
    check_claim_cost(f, [&](const char* name, std::size_t n) {
        f.put_many(name, n, [&](job& j) { j.run_at = f.in(std::chrono::hours{1}); });
        f.advance(std::chrono::hours{1});
        f.look(f.request(1));  // it also reaps what the hour expired, which is not measured
    });
}

template <backend B>
void add_cost_checks(check_list<B>& list)
{
    if constexpr (can_count<B>) {
        QUEUECTL_ADD_CHECK(list, B, line6_finished_jobs_cost_a_claim_nothing);
        QUEUECTL_ADD_CHECK(list, B, line6_future_jobs_cost_a_claim_nothing);
        QUEUECTL_ADD_CHECK(list, B, line6_held_jobs_cost_a_claim_nothing);
        QUEUECTL_ADD_CHECK(list, B, line6_the_backlog_costs_a_claim_little);
        QUEUECTL_ADD_CHECK(list, B, line6_jobs_of_other_queues_and_kinds_cost_a_claim_little);
        QUEUECTL_ADD_CHECK(list, B, line6_jobs_that_fall_due_together_make_no_claim_stall);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif
