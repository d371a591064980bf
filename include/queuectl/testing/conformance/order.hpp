// Line 3: priority descending, then due time, then insertion.
#ifndef QUEUECTL_TESTING_CONFORMANCE_ORDER_HPP
#define QUEUECTL_TESTING_CONFORMANCE_ORDER_HPP

#include <queuectl/testing/conformance/fixture.hpp>

namespace queuectl::inline v0::conformance {

template <backend B>
void line3_priority_goes_first(fixture<B>& f)
{
    int n = 0;
    for (const int p : {0, -128, 127, 5, -1})
        f.put(std::string{"p"} + std::to_string(p), [&](job& j) {
            j.priority = static_cast<std::int8_t>(p);
            j.run_at = f.in(-std::chrono::seconds{10 * ++n});
        });
    QUEUECTL_EQUAL(f, f.drain(), {"p127", "p5", "p0", "p-1", "p-128"});
}

template <backend B>
void line3_due_time_goes_second(fixture<B>& f)
{
    for (const int us : {2, 3, 1})
        f.put(std::string{"due"} + std::to_string(us), [&](job& j) { j.run_at = f.in(duration{us - 5}); });
    QUEUECTL_EQUAL(f, f.drain(), {"due1", "due2", "due3"});
}

template <backend B>
void line3_insertion_breaks_ties(fixture<B>& f)
{
    const timestamp due = f.now.wall;
    f.insert({f.make("z"), f.make("m")});
    f.advance(std::chrono::seconds{1});
    f.put("a", [&](job& j) { j.run_at = due; });
    QUEUECTL_EQUAL(f, f.drain(1), {"z"});
    QUEUECTL_EQUAL(f, f.drain(), {"m", "a"});
}

template <backend B>
void line3_order_spans_the_queues(fixture<B>& f)
{
    f.put("late", [&](job& j) { j.queue = "q1", j.run_at = f.in(-f.tick); });
    f.put("early", [&](job& j) { j.queue = "q2", j.run_at = f.in(-f.tick * 2); });
    f.put("urgent", [&](job& j) { j.queue = "q3", j.priority = 1; });
    f.put("not asked", [&](job& j) { j.queue = "q4", j.id = "other", j.priority = 9; });
    const std::vector<std::string> queues{"q1", "q2", "q3"};
    auto r = f.request(2);
    r.queues = queues;
    QUEUECTL_EQUAL(f, f.ids(f.claim(r)), {"urgent", "early"});
    r.nonce = f.nonce();
    QUEUECTL_EQUAL(f, f.ids(f.claim(r)), {"late"});
}

template <backend B>
void line3_no_queue_named_means_all(fixture<B>& f)
{
    f.put("b", [&](job& j) { j.queue = "q1"; });
    f.put("a", [&](job& j) { j.queue = "q2", j.priority = 1; });
    QUEUECTL_EQUAL(f, f.drain(), {"a", "b"});
}

template <backend B>
void line3_a_claim_takes_at_most_max(fixture<B>& f)
{
    for (const char* id : {"a", "b", "c"}) f.put(id);
    QUEUECTL_EQUAL(f, f.drain(2), {"a", "b"});
    QUEUECTL_EQUAL(f, f.drain(2), {"c"});
}

template <backend B>
void line3_a_retry_goes_by_its_due_time(fixture<B>& f)
{
    f.put("a");
    f.settle(f.failed(f.take(), f.in(std::chrono::seconds{2})));
    f.put("b", [&](job& j) { j.run_at = f.in(std::chrono::seconds{1}); });
    f.put("c", [&](job& j) { j.run_at = f.in(std::chrono::seconds{3}); });
    f.advance(std::chrono::seconds{5});
    QUEUECTL_EQUAL(f, f.drain(), {"b", "a", "c"});
}

template <backend B>
void line3_retries_of_one_time_keep_the_order_of_insertion(fixture<B>& f)
{
    f.put("a");
    f.put("b");
    const auto leases = f.claim(2);
    if (!QUEUECTL_EQUAL(f, leases.size(), 2)) return;
    const timestamp at = f.in(std::chrono::seconds{1});
    f.settle(f.failed(leases[1], at));
    f.settle(f.failed(leases[0], at));
    f.advance(std::chrono::seconds{1});
    QUEUECTL_EQUAL(f, f.drain(), {"a", "b"});
}

template <backend B>
void line3_a_release_keeps_the_place(fixture<B>& f)
{
    for (const char* id : {"a", "b"}) f.put(id);
    f.advance(std::chrono::seconds{1});
    f.settle(f.released(f.take()));
    QUEUECTL_EQUAL(f, f.drain(), {"a", "b"});
}

template <backend B>
void line3_a_released_retry_keeps_the_place(fixture<B>& f)
{
    f.put("a");
    const timestamp at = f.in(std::chrono::seconds{2});
    f.settle(f.failed(f.take(), at));
    f.put("b", [&](job& j) { j.run_at = add(at, f.tick); });
    f.advance(std::chrono::seconds{9});
    f.settle(f.released(f.take()));
    QUEUECTL_EQUAL(f, f.drain(), {"a", "b"});
}

template <backend B>
void line3_an_expiry_keeps_the_place(fixture<B>& f)
{
    for (const char* id : {"a", "b"}) f.put(id);
    f.take();
    f.advance(f.lease_time + f.tick);
    QUEUECTL_EQUAL(f, f.drain(), {"a", "b"});
}

template <backend B>
void add_order_checks(check_list<B>& list)
{
    QUEUECTL_ADD_CHECK(list, B, line3_priority_goes_first);
    QUEUECTL_ADD_CHECK(list, B, line3_due_time_goes_second);
    QUEUECTL_ADD_CHECK(list, B, line3_insertion_breaks_ties);
    QUEUECTL_ADD_CHECK(list, B, line3_order_spans_the_queues);
    QUEUECTL_ADD_CHECK(list, B, line3_no_queue_named_means_all);
    QUEUECTL_ADD_CHECK(list, B, line3_a_claim_takes_at_most_max);
    QUEUECTL_ADD_CHECK(list, B, line3_a_retry_goes_by_its_due_time);
    QUEUECTL_ADD_CHECK(list, B, line3_retries_of_one_time_keep_the_order_of_insertion);
    QUEUECTL_ADD_CHECK(list, B, line3_a_release_keeps_the_place);
    QUEUECTL_ADD_CHECK(list, B, line3_a_released_retry_keeps_the_place);
    QUEUECTL_ADD_CHECK(list, B, line3_an_expiry_keeps_the_place);
}

}  // namespace queuectl::inline v0::conformance

#endif
