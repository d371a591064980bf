// Line 10: all of it holds after reopening, and for several handles on one store.
#ifndef QUEUECTL_TESTING_CONFORMANCE_PERSIST_HPP
#define QUEUECTL_TESTING_CONFORMANCE_PERSIST_HPP

#include <queuectl/testing/conformance/fixture.hpp>

namespace queuectl::inline v0::conformance {

template <backend B>
void line10_reopen_keeps_waiting_jobs_and_their_order(fixture<B>& f)
{
    f.put("ended");
    f.settle(f.success(f.take()));
    f.put("c");
    f.put("b", [](job& j) { j.priority = 1; });
    f.put("later", [&](job& j) { j.run_at = f.in(std::chrono::seconds{5}); });
    f.put("held", [](job& j) { j.hold = hold_dependency; });
    f.reopen();
    f.put("d");
    claim_info info;
    QUEUECTL_EQUAL(f, f.ids(f.claim(f.request(9), &info)), {"b", "c", "d"});
    QUEUECTL_EQUAL(f, info.next_at, f.in(std::chrono::seconds{5}));
    QUEUECTL_EQUAL(f, f.insert(f.make("held")), insert_status::duplicate);
}

template <backend B>
void line10_reopen_keeps_leases(fixture<B>& f)
{
    f.put("a");
    f.put("b");
    const auto leases = f.claim(2);
    if (!QUEUECTL_EQUAL(f, leases.size(), 2)) return;
    f.reopen();
    QUEUECTL_EQUAL(f, f.drain(), {});
    QUEUECTL_EQUAL(f, f.extend(leases[0].receipt()), extend_status::held);
    QUEUECTL_EQUAL(f, f.settle(f.success(leases[0])), settle_status::applied);
    f.advance(f.lease_time + f.tick);
    QUEUECTL_EQUAL(f, f.drain(), {"b"});
}

template <backend B>
void line10_reopen_keeps_the_state_before_the_claim(fixture<B>& f) requires fixture<B>::inspectable
{
    f.put("a");
    f.settle(f.failed(f.take(), f.now.wall));
    const lease l = f.take();
    f.reopen();
    f.settle(f.released(l));
    QUEUECTL_EQUAL(f, f.find("a").state, state::failed);
}

template <backend B>
void line10_reopen_keeps_what_makes_repeats_safe(fixture<B>& f)
{
    const job j = f.make("a");
    f.insert(j);
    auto r = f.request(1);
    const auto first = f.claim(r);
    if (!QUEUECTL_EQUAL(f, first.size(), 1)) return;
    f.reopen();
    QUEUECTL_EQUAL(f, f.insert(j), insert_status::inserted);
    QUEUECTL_EQUAL(f, f.insert(f.make("a")), insert_status::duplicate);
    r.repeat = true;
    const auto again = f.claim(r);
    if (!QUEUECTL_EQUAL(f, again.size(), 1)) return;
    QUEUECTL_EQUAL(f, again[0].token, first[0].token);
    f.settle(f.failed(first[0], f.now.wall));
    f.reopen();
    QUEUECTL_EQUAL(f, f.settle(f.failed(first[0], f.now.wall)), settle_status::applied);
    QUEUECTL_EQUAL(f, f.take().attempts, 1);
}

template <backend B>
void line10_reopen_keeps_records_runs_and_counts(fixture<B>& f) requires fixture<B>::inspectable
{
    f.put("a", [](job& j) { j.tag = "t"; });
    f.settle(f.failed(f.take(), f.now.wall, "why"));
    auto s = f.success(f.take());
    s.result = "42";
    f.settle(s);
    const auto before = f.find("a");
    f.reopen();
    const auto after = f.find("a");
    QUEUECTL_EQUAL(f, after.state, state::completed);
    QUEUECTL_EQUAL(f, after.attempts, 2);
    QUEUECTL_EQUAL(f, after.result, "42");
    QUEUECTL_EQUAL(f, after.created_at, before.created_at);
    QUEUECTL_EQUAL(f, after.updated_at, before.updated_at);
    QUEUECTL_EQUAL(f, after.sequence, before.sequence);
    QUEUECTL_EQUAL(f, after.job.tag, "t");
    QUEUECTL_EQUAL(f, f.runs("a").size(), 2);
    std::vector<queue_counts> counts;
    f.good(f->counts(counts), "counts");
    if (!QUEUECTL_EQUAL(f, counts.size(), 1)) return;
    QUEUECTL_EQUAL(f, counts[0][state::completed], 1);
}

template <backend B>
void line10_reopen_keeps_settings(fixture<B>& f) requires fixture<B>::configurable
{
    config_entry e;
    e.key = "k";
    e.value = std::string{"v\0w", 3};
    auto version = f->config_put(e, f.now);
    if (!f.good(version, "config_put")) return;
    f.reopen();
    auto got = f->config_get("k", f.now);
    if (!f.good(got, "config_get") || !QUEUECTL_CHECK(f, got->has_value())) return;
    QUEUECTL_EQUAL(f, (*got)->value, e.value);
    QUEUECTL_EQUAL(f, (*got)->version, *version);
    QUEUECTL_CHECK(f, !f->config_put(e, f.now));
}

template <backend B>
void line10_handles_share_one_store(fixture<B>& f)
{
    const auto other = f.another();
    f.put("a");
    std::vector<lease> leases;
    f.good(other->claim(f.request(5), leases, f.now), "claim");
    if (!QUEUECTL_EQUAL(f, f.ids(leases), {"a"})) return;
    QUEUECTL_EQUAL(f, f.drain(), {});
    QUEUECTL_EQUAL(f, f.settle(f.success(leases[0])), settle_status::applied);
    std::vector<settle_status> told(1, settle_status::gone);
    const std::vector<settlement> again{f.success(leases[0])};
    f.good(other->settle(again, told, f.now), "settle");
    QUEUECTL_EQUAL(f, told.front(), settle_status::applied);
}

template <backend B>
void line10_handles_reap_each_other(fixture<B>& f)
{
    const auto other = f.another();
    f.put("a");
    const lease old = f.take();
    f.advance(f.lease_time + f.tick);
    std::vector<lease> leases;
    f.good(other->claim(f.request(), leases, f.now), "claim");
    QUEUECTL_EQUAL(f, f.ids(leases), {"a"});
    QUEUECTL_EQUAL(f, f.settle(f.success(old)), settle_status::lease_lost);
}

template <backend B>
void add_persistence_checks(check_list<B>& list)
{
    if constexpr (can_reopen<B>) {
        QUEUECTL_ADD_CHECK(list, B, line10_reopen_keeps_waiting_jobs_and_their_order);
        QUEUECTL_ADD_CHECK(list, B, line10_reopen_keeps_leases);
        QUEUECTL_ADD_CHECK(list, B, line10_reopen_keeps_what_makes_repeats_safe);
        if constexpr (fixture<B>::inspectable) {
            QUEUECTL_ADD_CHECK(list, B, line10_reopen_keeps_the_state_before_the_claim);
            QUEUECTL_ADD_CHECK(list, B, line10_reopen_keeps_records_runs_and_counts);
        }
        if constexpr (fixture<B>::configurable) QUEUECTL_ADD_CHECK(list, B, line10_reopen_keeps_settings);
    }
    if constexpr (can_share<B>) {
        QUEUECTL_ADD_CHECK(list, B, line10_handles_share_one_store);
        QUEUECTL_ADD_CHECK(list, B, line10_handles_reap_each_other);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif
