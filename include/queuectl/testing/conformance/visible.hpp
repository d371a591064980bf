// Line 4: when a job may be claimed, and when a claim says to look again.
#ifndef QUEUECTL_TESTING_CONFORMANCE_VISIBLE_HPP
#define QUEUECTL_TESTING_CONFORMANCE_VISIBLE_HPP

#include <queuectl/testing/conformance/fixture.hpp>

namespace queuectl::inline v0::conformance {

template <backend B>
void line4_invisible_before_its_due_time(fixture<B>& f)
{
    f.put("a", [&](job& j) { j.run_at = f.in(std::chrono::seconds{1}); });
    f.advance(std::chrono::seconds{1} - f.tick);
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void line4_claimable_exactly_at_its_due_time(fixture<B>& f)
{
    f.put("a", [&](job& j) { j.run_at = f.in(std::chrono::seconds{1}); });
    f.advance(std::chrono::seconds{1});
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void line4_a_retry_waits_until_its_due_time(fixture<B>& f)
{
    f.put("a");
    f.settle(f.failed(f.take(), f.in(std::chrono::seconds{1})));
    f.advance(std::chrono::seconds{1} - f.tick);
    QUEUECTL_EQUAL(f, f.drain(), {});
    f.advance(f.tick);
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void line4_a_held_job_is_invisible(fixture<B>& f)
{
    for (const auto bit : {hold_dependency, hold_key_order, hold_key_limit, hold_unknown_kind})
        f.put(std::string{"held"} + std::to_string(static_cast<unsigned>(bit)), [&](job& j) { j.hold = bit; });
    QUEUECTL_EQUAL(f, f.drain(), {});
    f.advance(std::chrono::hours{1});
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void line4_a_claim_takes_only_its_queues(fixture<B>& f)
{
    f.put("a", [](job& j) { j.queue = "q1"; });
    f.put("b", [](job& j) { j.queue = "q2"; });
    const std::vector<std::string> queues{"q2", "q3"};
    auto r = f.request(5);
    r.queues = queues;
    QUEUECTL_EQUAL(f, f.ids(f.claim(r)), {"b"});
}

template <backend B>
void line4_a_claim_takes_only_its_kinds(fixture<B>& f)
{
    f.put("a", [](job& j) { j.kind = "mail"; });
    f.put("b", [](job& j) { j.kind = "resize"; });
    f.put("c", [](job& j) { j.kind = ""; });
    f.put("d", [](job& j) { j.kind = "resize", j.queue = "q2"; });
    const std::vector<std::string> kinds{"resize", "none"};
    const std::vector<std::string> queues{"default"};
    auto r = f.request(5);
    r.kinds = kinds;
    r.queues = queues;
    QUEUECTL_EQUAL(f, f.ids(f.claim(r)), {"b"});
    r.nonce = f.nonce();
    r.queues = {};
    QUEUECTL_EQUAL(f, f.ids(f.claim(r)), {"d"});
}

template <backend B>
void next_at_of_an_empty_store_is_never(fixture<B>& f)
{
    QUEUECTL_EQUAL(f, f.look(f.request()).next_at, timestamp_max);
}

template <backend B>
void next_at_of_a_filled_claim_is_now(fixture<B>& f)
{
    f.put("a");
    QUEUECTL_EQUAL(f, f.look(f.request()).next_at, f.now.wall);
}

template <backend B>
void next_at_is_the_earliest_due_time(fixture<B>& f)
{
    f.put("a");
    for (const int s : {9, 4, 7})
        f.put(std::string{"due"} + std::to_string(s), [&](job& j) {
            j.run_at = f.in(std::chrono::seconds{s});
            j.priority = static_cast<std::int8_t>(s);
        });
    QUEUECTL_EQUAL(f, f.look(f.request(2)).next_at, f.in(std::chrono::seconds{4}));
}

template <backend B>
void next_at_counts_retries(fixture<B>& f)
{
    f.put("a");
    f.settle(f.failed(f.take(), f.in(std::chrono::seconds{3})));
    QUEUECTL_EQUAL(f, f.look(f.request()).next_at, f.in(std::chrono::seconds{3}));
}

template <backend B>
void next_at_counts_what_the_request_names(fixture<B>& f)
{
    f.put("a", [&](job& j) { j.run_at = f.in(std::chrono::seconds{1}), j.queue = "q1", j.kind = "k1"; });
    f.put("b", [&](job& j) { j.run_at = f.in(std::chrono::seconds{2}), j.queue = "q2", j.kind = "k1"; });
    f.put("c", [&](job& j) { j.run_at = f.in(std::chrono::seconds{3}), j.queue = "q2", j.kind = "k2"; });
    const std::vector<std::string> queues{"q2"};
    const std::vector<std::string> kinds{"k2"};
    auto r = f.request();
    r.queues = queues;
    QUEUECTL_EQUAL(f, f.look(r).next_at, f.in(std::chrono::seconds{2}));
    r.kinds = kinds;
    QUEUECTL_EQUAL(f, f.look(r).next_at, f.in(std::chrono::seconds{3}));
}

template <backend B>
void next_at_counts_neither_held_nor_leased_jobs(fixture<B>& f)
{
    f.put("a");
    f.take();
    f.put("held", [&](job& j) { j.hold = hold_dependency, j.run_at = f.in(std::chrono::seconds{1}); });
    f.put("held now", [](job& j) { j.id = "held.now", j.hold = hold_key_limit; });
    QUEUECTL_EQUAL(f, f.look(f.request()).next_at, timestamp_max);
}

template <backend B>
void add_visibility_checks(check_list<B>& list)
{
    QUEUECTL_ADD_CHECK(list, B, line4_invisible_before_its_due_time);
    QUEUECTL_ADD_CHECK(list, B, line4_claimable_exactly_at_its_due_time);
    QUEUECTL_ADD_CHECK(list, B, line4_a_retry_waits_until_its_due_time);
    QUEUECTL_ADD_CHECK(list, B, line4_a_held_job_is_invisible);
    QUEUECTL_ADD_CHECK(list, B, line4_a_claim_takes_only_its_queues);
    QUEUECTL_ADD_CHECK(list, B, line4_a_claim_takes_only_its_kinds);
    QUEUECTL_ADD_CHECK(list, B, next_at_of_an_empty_store_is_never);
    QUEUECTL_ADD_CHECK(list, B, next_at_of_a_filled_claim_is_now);
    QUEUECTL_ADD_CHECK(list, B, next_at_is_the_earliest_due_time);
    QUEUECTL_ADD_CHECK(list, B, next_at_counts_retries);
    QUEUECTL_ADD_CHECK(list, B, next_at_counts_what_the_request_names);
    QUEUECTL_ADD_CHECK(list, B, next_at_counts_neither_held_nor_leased_jobs);
}

}  // namespace queuectl::inline v0::conformance

#endif
