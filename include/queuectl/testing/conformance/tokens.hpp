// Line 2: at most one token of a job is current, and the token decides, not the clock.
#ifndef QUEUECTL_TESTING_CONFORMANCE_TOKENS_HPP
#define QUEUECTL_TESTING_CONFORMANCE_TOKENS_HPP

#include <queuectl/testing/conformance/fixture.hpp>

namespace queuectl::inline v0::conformance {

template <backend B>
void line2_a_leased_job_is_leased_once(fixture<B>& f)
{
    f.put("a");
    f.take();
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void line2_token_is_nonce_and_ordinal(fixture<B>& f)
{
    f.put("a");
    f.put("b");
    const auto r = f.request(2);
    const auto leases = f.claim(r);
    if (!QUEUECTL_EQUAL(f, leases.size(), 2)) return;
    for (const auto& l : leases) QUEUECTL_EQUAL(f, l.token.nonce, r.nonce);
    QUEUECTL_CHECK(f, leases[0].token != leases[1].token);
}

template <backend B>
void line2_a_foreign_token_is_refused(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    lease forged = l;
    forged.token.nonce = f.nonce();
    QUEUECTL_EQUAL(f, f.settle(f.success(forged)), settle_status::lease_lost);
    QUEUECTL_EQUAL(f, f.extend(forged.receipt()), extend_status::lease_lost);
    forged.token = l.token;
    ++forged.token.ordinal;
    QUEUECTL_EQUAL(f, f.settle(f.success(forged)), settle_status::lease_lost);
    QUEUECTL_EQUAL(f, f.extend(forged.receipt()), extend_status::lease_lost);
    QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::applied);
}

template <backend B>
void line2_no_token_is_never_current(fixture<B>& f)
{
    f.put("a");
    lease none;
    none.job.id = "a";
    QUEUECTL_EQUAL(f, f.settle(f.success(none)), settle_status::lease_lost);
    QUEUECTL_EQUAL(f, f.extend(none.receipt()), extend_status::lease_lost);
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void line2_the_token_of_a_neighbour_is_refused(fixture<B>& f)
{
    f.put("a");
    f.put("b");
    const auto leases = f.claim(2);
    if (!QUEUECTL_EQUAL(f, leases.size(), 2)) return;
    lease swapped = leases[0];
    swapped.token = leases[1].token;
    QUEUECTL_EQUAL(f, f.settle(f.success(swapped)), settle_status::lease_lost);
    QUEUECTL_EQUAL(f, f.extend(swapped.receipt()), extend_status::lease_lost);
}

template <backend B>
void line2_a_reaped_lease_is_lost(fixture<B>& f)
{
    f.put("a");
    const lease old = f.take();
    f.advance(f.lease_time + f.tick);
    f.put("elsewhere", [](job& j) { j.queue = "other"; });
    auto r = f.request(5);
    const std::vector<std::string> queues{"other"};
    r.queues = queues;
    QUEUECTL_EQUAL(f, f.ids(f.claim(r)), {"elsewhere"});
    QUEUECTL_EQUAL(f, f.settle(f.success(old)), settle_status::lease_lost);
    QUEUECTL_EQUAL(f, f.extend(old.receipt()), extend_status::lease_lost);
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void line2_a_reclaimed_lease_is_lost(fixture<B>& f)
{
    f.put("a");
    const lease old = f.take();
    f.advance(f.lease_time + f.tick);
    const lease fresh = f.take();
    QUEUECTL_CHECK(f, fresh.token != old.token);
    QUEUECTL_EQUAL(f, f.settle(f.success(old)), settle_status::lease_lost);
    QUEUECTL_EQUAL(f, f.extend(old.receipt()), extend_status::lease_lost);
    QUEUECTL_EQUAL(f, f.extend(fresh.receipt()), extend_status::held);
    QUEUECTL_EQUAL(f, f.settle(f.success(fresh)), settle_status::applied);
}

template <backend B>
void line2_a_late_worker_may_settle(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    f.advance(f.lease_time * 10);
    QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::applied);
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void line2_a_late_worker_may_extend(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    f.advance(f.lease_time * 10);
    QUEUECTL_EQUAL(f, f.extend(l.receipt()), extend_status::held);
    f.advance(f.lease_time - f.tick);
    QUEUECTL_EQUAL(f, f.drain(), {});
    QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::applied);
}

template <backend B>
void line2_an_ended_lease_is_lost(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    f.settle(f.success(l));
    QUEUECTL_EQUAL(f, f.extend(l.receipt()), extend_status::lease_lost);
    lease other = l;
    other.token.nonce = f.nonce();
    QUEUECTL_EQUAL(f, f.settle(f.success(other)), settle_status::lease_lost);
}

template <backend B>
void line2_only_the_last_settle_may_be_repeated(fixture<B>& f)
{
    f.put("a");
    const auto first = f.released(f.take());
    f.settle(first);
    f.settle(f.failed(f.take(), f.now.wall));
    QUEUECTL_EQUAL(f, f.settle(first), settle_status::lease_lost);
    QUEUECTL_EQUAL(f, f.take().attempts, 1);
}

template <backend B>
void extend_of_an_unknown_job_is_lost(fixture<B>& f)
{
    QUEUECTL_EQUAL(f, f.extend(receipt{"nobody", {f.nonce(), 0}}), extend_status::lease_lost);
}

template <backend B>
void extend_prolongs_from_now(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    f.advance(f.lease_time / 2);
    QUEUECTL_EQUAL(f, f.extend(l.receipt()), extend_status::held);
    f.advance(f.lease_time - f.tick);
    QUEUECTL_EQUAL(f, f.drain(), {});
    f.advance(f.tick * 2);
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void extend_may_shorten(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    QUEUECTL_EQUAL(f, f.extend(l.receipt(), f.lease_time / 10), extend_status::held);
    f.advance(f.lease_time / 2);
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void extend_tells_of_each(fixture<B>& f)
{
    f.put("a");
    f.put("b");
    const auto leases = f.claim(2);
    if (!QUEUECTL_EQUAL(f, leases.size(), 2)) return;
    f.settle(f.success(leases[0]));
    const std::vector<receipt> receipts{leases[0].receipt(), leases[1].receipt()};
    std::vector<extend_status> told(2, extend_status::cancel_requested);
    f.good(f->extend(receipts, f.lease_time, told, f.now), "extend");
    QUEUECTL_EQUAL(f, told, {extend_status::lease_lost, extend_status::held});
}

template <backend B>
void add_token_checks(check_list<B>& list)
{
    QUEUECTL_ADD_CHECK(list, B, line2_a_leased_job_is_leased_once);
    QUEUECTL_ADD_CHECK(list, B, line2_token_is_nonce_and_ordinal);
    QUEUECTL_ADD_CHECK(list, B, line2_a_foreign_token_is_refused);
    QUEUECTL_ADD_CHECK(list, B, line2_no_token_is_never_current);
    QUEUECTL_ADD_CHECK(list, B, line2_the_token_of_a_neighbour_is_refused);
    QUEUECTL_ADD_CHECK(list, B, line2_a_reaped_lease_is_lost);
    QUEUECTL_ADD_CHECK(list, B, line2_a_reclaimed_lease_is_lost);
    QUEUECTL_ADD_CHECK(list, B, line2_a_late_worker_may_settle);
    QUEUECTL_ADD_CHECK(list, B, line2_a_late_worker_may_extend);
    QUEUECTL_ADD_CHECK(list, B, line2_an_ended_lease_is_lost);
    QUEUECTL_ADD_CHECK(list, B, line2_only_the_last_settle_may_be_repeated);
    QUEUECTL_ADD_CHECK(list, B, extend_of_an_unknown_job_is_lost);
    QUEUECTL_ADD_CHECK(list, B, extend_prolongs_from_now);
    QUEUECTL_ADD_CHECK(list, B, extend_may_shorten);
    QUEUECTL_ADD_CHECK(list, B, extend_tells_of_each);
}

}  // namespace queuectl::inline v0::conformance

#endif
