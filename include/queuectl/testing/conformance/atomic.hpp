// Line 1: a call is atomic, and repeating it is safe.
#ifndef QUEUECTL_TESTING_CONFORMANCE_ATOMIC_HPP
#define QUEUECTL_TESTING_CONFORMANCE_ATOMIC_HPP

#include <queuectl/testing/conformance/fixture.hpp>

namespace queuectl::inline v0::conformance {

template <backend B>
void line1_lease_carries_the_job(fixture<B>& f)
{
    job j = f.make("whole");
    j.queue = "q.1";
    j.kind = "argv";
    j.payload = std::string{"a\0b\n\xff", 5};
    j.timeout = duration{5};
    j.backoff_base = 1.5;
    j.max_retries = 7;
    j.priority = -3;
    j.tag = "t";
    j.key = "k \xe2\x82\xac";
    j.batch = "b";
    j.cwd = "/tmp";
    j.env = std::string{"A=1\0B=\0", 7};
    j.depends_on = {"x", "y"};
    f.insert(j);
    const job got = f.take().job;
    QUEUECTL_EQUAL(f, got.id, j.id);
    QUEUECTL_EQUAL(f, got.queue, j.queue);
    QUEUECTL_EQUAL(f, got.kind, j.kind);
    QUEUECTL_EQUAL(f, got.payload, j.payload);
    QUEUECTL_EQUAL(f, got.run_at, j.run_at);
    QUEUECTL_EQUAL(f, got.timeout, j.timeout);
    QUEUECTL_EQUAL(f, got.retention, j.retention);
    QUEUECTL_EQUAL(f, got.backoff_base, j.backoff_base);
    QUEUECTL_EQUAL(f, got.max_retries, j.max_retries);
    QUEUECTL_EQUAL(f, int{got.priority}, int{j.priority});
    QUEUECTL_EQUAL(f, got.nonce, j.nonce);
    QUEUECTL_EQUAL(f, got.tag, j.tag);
    QUEUECTL_EQUAL(f, got.key, j.key);
    QUEUECTL_EQUAL(f, got.batch, j.batch);
    QUEUECTL_EQUAL(f, got.cwd, j.cwd);
    QUEUECTL_EQUAL(f, got.env, j.env);
    QUEUECTL_EQUAL(f, got.depends_on, j.depends_on);
}

template <backend B>
void line1_insert_repeated_is_inserted(fixture<B>& f)
{
    const job j = f.make("a");
    QUEUECTL_EQUAL(f, f.insert(j), insert_status::inserted);
    QUEUECTL_EQUAL(f, f.insert(j), insert_status::inserted);
    QUEUECTL_EQUAL(f, f.drain(), std::vector<std::string>{"a"});
}

template <backend B>
void line1_insert_of_a_taken_id_is_a_duplicate(fixture<B>& f)
{
    f.put("a", [](job& j) { j.payload = "first"; });
    job second = f.make("a");
    second.payload = "second";
    QUEUECTL_EQUAL(f, f.insert(second), insert_status::duplicate);
    const auto leases = f.claim(10);
    QUEUECTL_EQUAL(f, f.ids(leases), std::vector<std::string>{"a"});
    for (const auto& l : leases) QUEUECTL_EQUAL(f, l.job.payload, std::string{"first"});
}

template <backend B>
void line1_insert_tells_of_each_job(fixture<B>& f)
{
    f.put("b");
    const auto told = f.insert({f.make("a"), f.make("b"), f.make("c"), f.make("a")});
    QUEUECTL_EQUAL(
        f, told,
        {insert_status::inserted, insert_status::duplicate, insert_status::inserted, insert_status::duplicate});
    QUEUECTL_EQUAL(f, f.drain(), {"b", "a", "c"});
}

template <backend B>
void line1_insert_repeated_after_the_claim_changes_nothing(fixture<B>& f)
{
    const job j = f.make("a");
    f.insert(j);
    const lease l = f.take();
    QUEUECTL_EQUAL(f, f.insert(j), insert_status::inserted);
    QUEUECTL_EQUAL(f, f.drain(), {});
    QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::applied);
    QUEUECTL_EQUAL(f, f.insert(j), insert_status::inserted);
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void line1_claim_appends(fixture<B>& f)
{
    f.put("a");
    std::vector<lease> leases(1);
    leases.front().job.id = "kept";
    f.good(f->claim(f.request(5), leases, f.now), "claim");
    QUEUECTL_EQUAL(f, f.ids(leases), {"kept", "a"});
}

template <backend B>
void line1_claim_repeated_returns_the_same_leases(fixture<B>& f)
{
    for (const char* id : {"a", "b", "c", "d"}) f.put(id);
    auto r = f.request(3);
    const auto first = f.claim(r);
    r.repeat = true;
    const auto again = f.claim(r);
    QUEUECTL_EQUAL(f, f.ids(first), {"a", "b", "c"});
    QUEUECTL_EQUAL(f, f.ids(again), f.ids(first));
    for (std::size_t i = 0; i < first.size() && i < again.size(); ++i)
        QUEUECTL_EQUAL(f, again[i].token, first[i].token);
    QUEUECTL_EQUAL(f, f.drain(), {"d"});
}

template <backend B>
void line1_claim_repeated_without_a_first_claims(fixture<B>& f)
{
    f.put("a");
    auto r = f.request(2);
    r.repeat = true;
    const auto leases = f.claim(r);
    QUEUECTL_EQUAL(f, f.ids(leases), {"a"});
    for (const auto& l : leases) QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::applied);
}

template <backend B>
void line1_claim_repeated_returns_only_what_is_current(fixture<B>& f)
{
    for (const char* id : {"a", "b", "c"}) f.put(id);
    auto r = f.request(3);
    const auto first = f.claim(r);
    if (!QUEUECTL_EQUAL(f, first.size(), 3)) return;
    f.settle(f.success(first[1]));
    r.repeat = true;
    const auto again = f.claim(r);
    if (!QUEUECTL_EQUAL(f, f.ids(again), {"a", "c"})) return;
    QUEUECTL_EQUAL(f, again[1].token, first[2].token);
}

template <backend B>
void line1_settle_repeated_is_applied(fixture<B>& f)
{
    for (const auto kind : {verdict_kind::complete, verdict_kind::bury, verdict_kind::cancel}) {
        f.put(std::string{"job"} + std::to_string(static_cast<int>(kind)));
        const auto s = f.ended(f.take(), kind, "");
        QUEUECTL_EQUAL(f, f.settle(s), settle_status::applied);
        QUEUECTL_EQUAL(f, f.settle(s), settle_status::applied);
        QUEUECTL_EQUAL(f, f.drain(), {});
    }
}

template <backend B>
void line1_settle_repeated_counts_once(fixture<B>& f)
{
    f.put("a");
    const auto s = f.failed(f.take(), f.now.wall);
    QUEUECTL_EQUAL(f, f.settle(s), settle_status::applied);
    QUEUECTL_EQUAL(f, f.settle(s), settle_status::applied);
    QUEUECTL_EQUAL(f, f.take().attempts, 1);
}

template <backend B>
void line1_settle_repeated_during_the_next_lease_changes_nothing(fixture<B>& f)
{
    f.put("a");
    const auto first = f.failed(f.take(), f.now.wall);
    f.settle(first);
    const lease second = f.take();
    QUEUECTL_EQUAL(f, f.settle(first), settle_status::applied);
    QUEUECTL_EQUAL(f, f.drain(), {});
    QUEUECTL_EQUAL(f, f.settle(f.success(second)), settle_status::applied);
}

template <backend B>
void line1_release_repeated_is_applied(fixture<B>& f)
{
    f.put("a");
    const auto first = f.released(f.take());
    QUEUECTL_EQUAL(f, f.settle(first), settle_status::applied);
    QUEUECTL_EQUAL(f, f.settle(first), settle_status::applied);
    const lease second = f.take();
    QUEUECTL_EQUAL(f, f.settle(first), settle_status::applied);
    QUEUECTL_EQUAL(f, f.settle(f.success(second)), settle_status::applied);
}

template <backend B>
void line1_settle_tells_of_each(fixture<B>& f)
{
    f.put("a");
    f.put("b");
    const auto leases = f.claim(2);
    if (!QUEUECTL_EQUAL(f, leases.size(), 2)) return;
    auto stale = f.success(leases[1]);
    stale.receipt.token.nonce = f.nonce();
    auto unknown = f.success(leases[1]);
    unknown.receipt.id = "nobody";
    QUEUECTL_EQUAL(f, f.settle({unknown, f.success(leases[0]), stale}),
                   {settle_status::gone, settle_status::applied, settle_status::lease_lost});
    QUEUECTL_EQUAL(f, f.settle(f.success(leases[1])), settle_status::applied);
}

template <backend B>
void line1_settle_and_claim_does_both(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    const std::vector<settlement> settlements{f.failed(l, f.now.wall)};
    std::vector<settle_status> statuses(1, settle_status::gone);
    std::vector<lease> leases;
    const auto told = settle_and_claim(f.store(), std::span<const settlement>{settlements},
                                       std::span<settle_status>{statuses}, f.request(2), leases, f.now);
    f.good(told, "settle_and_claim");
    QUEUECTL_EQUAL(f, statuses.front(), settle_status::applied);
    if (!QUEUECTL_EQUAL(f, f.ids(leases), {"a"})) return;
    QUEUECTL_EQUAL(f, leases.front().attempts, 1);
}

template <backend B>
void add_atomic_checks(check_list<B>& list)
{
    QUEUECTL_ADD_CHECK(list, B, line1_lease_carries_the_job);
    QUEUECTL_ADD_CHECK(list, B, line1_insert_repeated_is_inserted);
    QUEUECTL_ADD_CHECK(list, B, line1_insert_of_a_taken_id_is_a_duplicate);
    QUEUECTL_ADD_CHECK(list, B, line1_insert_tells_of_each_job);
    QUEUECTL_ADD_CHECK(list, B, line1_insert_repeated_after_the_claim_changes_nothing);
    QUEUECTL_ADD_CHECK(list, B, line1_claim_appends);
    QUEUECTL_ADD_CHECK(list, B, line1_claim_repeated_returns_the_same_leases);
    QUEUECTL_ADD_CHECK(list, B, line1_claim_repeated_without_a_first_claims);
    QUEUECTL_ADD_CHECK(list, B, line1_claim_repeated_returns_only_what_is_current);
    QUEUECTL_ADD_CHECK(list, B, line1_settle_repeated_is_applied);
    QUEUECTL_ADD_CHECK(list, B, line1_settle_repeated_counts_once);
    QUEUECTL_ADD_CHECK(list, B, line1_settle_repeated_during_the_next_lease_changes_nothing);
    QUEUECTL_ADD_CHECK(list, B, line1_release_repeated_is_applied);
    QUEUECTL_ADD_CHECK(list, B, line1_settle_tells_of_each);
    QUEUECTL_ADD_CHECK(list, B, line1_settle_and_claim_does_both);
}

}  // namespace queuectl::inline v0::conformance

#endif
