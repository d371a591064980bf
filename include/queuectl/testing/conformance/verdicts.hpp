// The rows of storage.hpp: what each verdict, an expiry and a crash leave behind.
#ifndef QUEUECTL_TESTING_CONFORMANCE_VERDICTS_HPP
#define QUEUECTL_TESTING_CONFORMANCE_VERDICTS_HPP

#include <queuectl/testing/conformance/fixture.hpp>

namespace queuectl::inline v0::conformance {

template <backend B>
void settle_complete_ends_the_job(fixture<B>& f)
{
    f.put("a");
    QUEUECTL_EQUAL(f, f.settle(f.success(f.take())), settle_status::applied);
    f.advance(f.lease_time * 2);
    QUEUECTL_EQUAL(f, f.drain(), {});
    QUEUECTL_EQUAL(f, f.insert(f.make("a")), insert_status::duplicate);
}

template <backend B>
void settle_complete_without_retention_removes_the_job(fixture<B>& f)
{
    f.put("a", [](job& j) { j.retention = duration{0}; });
    const auto s = f.success(f.take());
    QUEUECTL_EQUAL(f, f.settle(s), settle_status::applied);
    QUEUECTL_EQUAL(f, f.settle(s), settle_status::gone);
    f.put("a");
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void settle_bury_and_cancel_keep_a_job_without_retention(fixture<B>& f)
{
    for (const auto kind : {verdict_kind::bury, verdict_kind::cancel}) {
        const std::string id = std::string{"job"} + std::to_string(static_cast<int>(kind));
        f.put(id, [](job& j) { j.retention = duration{0}; });
        f.settle(f.ended(f.take(), kind, "why"));
        QUEUECTL_EQUAL(f, f.insert(f.make(id)), insert_status::duplicate);
    }
}

template <backend B>
void settle_retry_counts_an_attempt(fixture<B>& f)
{
    f.put("a");
    const lease first = f.take();
    QUEUECTL_EQUAL(f, first.attempts, 0);
    QUEUECTL_EQUAL(f, first.error, "");
    f.settle(f.failed(first, f.now.wall, "exit code 3"));
    const lease second = f.take();
    QUEUECTL_EQUAL(f, second.attempts, 1);
    QUEUECTL_EQUAL(f, second.crashes, 0);
    QUEUECTL_EQUAL(f, second.error, "exit code 3");
    QUEUECTL_EQUAL(f, second.run_number(), 2);
}

template <backend B>
void settle_bury_and_cancel_end_the_job(fixture<B>& f)
{
    f.put("a");
    f.put("b");
    f.settle(f.buried(f.take()));
    f.settle(f.ended(f.take(), verdict_kind::cancel, "stopped"));
    f.advance(f.lease_time * 2);
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void settle_release_counts_nothing(fixture<B>& f)
{
    f.put("a");
    f.settle(f.failed(f.take(), f.now.wall, "why"));
    QUEUECTL_EQUAL(f, f.settle(f.released(f.take())), settle_status::applied);
    const lease l = f.take();
    QUEUECTL_EQUAL(f, l.attempts, 1);
    QUEUECTL_EQUAL(f, l.crashes, 0);
    QUEUECTL_EQUAL(f, l.error, "why");
}

template <backend B>
void settle_release_with_an_error_keeps_it(fixture<B>& f)
{
    f.put("a");
    auto s = f.released(f.take());
    s.error = "no process";
    f.settle(s);
    QUEUECTL_EQUAL(f, f.take().error, "no process");
}

template <backend B>
void settle_of_an_unknown_job_is_gone(fixture<B>& f)
{
    lease l;
    l.job.id = "nobody";
    l.token = {f.nonce(), 0};
    QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::gone);
}

template <backend B>
void claim_counts_a_crash(fixture<B>& f)
{
    f.put("a");
    f.settle(f.failed(f.take(), f.now.wall));
    f.take();
    f.advance(f.lease_time + f.tick);
    claim_info info;
    const auto leases = f.claim(f.request(), &info);
    QUEUECTL_EQUAL(f, info.reaped, 1);
    if (!QUEUECTL_EQUAL(f, leases.size(), 1)) return;
    QUEUECTL_EQUAL(f, leases[0].crashes, 1);
    QUEUECTL_EQUAL(f, leases[0].attempts, 1);
    QUEUECTL_EQUAL(f, leases[0].error, "lease expired");
    QUEUECTL_EQUAL(f, leases[0].run_number(), 3);
}

template <backend B>
void claim_reaps_every_queue(fixture<B>& f)
{
    f.put("a", [](job& j) { j.queue = "q1"; });
    f.put("b", [](job& j) { j.queue = "q2"; });
    f.claim(2);
    f.advance(f.lease_time + f.tick);
    const std::vector<std::string> queues{"q3"};
    auto r = f.request();
    r.queues = queues;
    QUEUECTL_EQUAL(f, f.look(r).reaped, 2);
    QUEUECTL_EQUAL(f, f.look(r).reaped, 0);
}

template <backend B>
void settle_bury_without_a_report_counts_no_attempt(fixture<B>& f) requires fixture<B>::inspectable
{
    f.put("a");
    auto s = f.released(f.take());
    s.verdict.kind = verdict_kind::bury;
    s.error = "third crash";
    QUEUECTL_EQUAL(f, f.settle(s), settle_status::applied);
    const auto r = f.find("a");
    QUEUECTL_EQUAL(f, r.state, state::dead);
    QUEUECTL_EQUAL(f, r.attempts, 0);
    QUEUECTL_EQUAL(f, r.error, "third crash");
    QUEUECTL_EQUAL(f, f.runs("a").size(), 0);
}

template <backend B>
void settle_leaves_the_state_of_its_verdict(fixture<B>& f) requires fixture<B>::inspectable
{
    const std::pair<verdict_kind, state> all[] = {{verdict_kind::complete, state::completed},
                                                  {verdict_kind::retry, state::failed},
                                                  {verdict_kind::bury, state::dead},
                                                  {verdict_kind::cancel, state::cancelled},
                                                  {verdict_kind::release, state::pending}};
    for (const auto& [kind, after] : all) {
        const std::string id = std::string{"job"} + std::to_string(static_cast<int>(kind));
        f.put(id);
        const lease l = f.take();
        QUEUECTL_EQUAL(f, f.find(id).state, state::processing);
        auto s = kind == verdict_kind::release ? f.released(l) : f.ended(l, kind, "");
        s.verdict.retry_at = f.in(std::chrono::hours{1});
        f.settle(s);
        QUEUECTL_EQUAL(f, f.find(id).state, after);
    }
}

template <backend B>
void settle_complete_keeps_the_result_and_clears_the_error(fixture<B>& f) requires fixture<B>::inspectable
{
    f.put("a");
    auto s = f.failed(f.take(), f.now.wall, "exit code 143");
    s.report->exit_code = 143;
    s.report->signal = 15;
    f.settle(s);
    auto r = f.find("a");
    QUEUECTL_EQUAL(f, r.exit_code, 143);
    QUEUECTL_EQUAL(f, r.signal, 15);
    QUEUECTL_EQUAL(f, r.error, "exit code 143");
    f.advance(std::chrono::seconds{5});
    s = f.success(f.take());
    s.result = std::string{
        "4\0"
        "2",
        3};
    f.settle(s);
    r = f.find("a");
    QUEUECTL_EQUAL(f, r.exit_code, 0);
    QUEUECTL_EQUAL(f, r.signal, 0);
    QUEUECTL_EQUAL(f, r.error, "");
    QUEUECTL_EQUAL(f, r.result, s.result);
    QUEUECTL_EQUAL(f, r.attempts, 2);
    QUEUECTL_EQUAL(f, r.updated_at, f.now.wall);
}

template <backend B>
void settle_retry_moves_the_due_time_and_keeps_the_sequence(fixture<B>& f) requires fixture<B>::inspectable
{
    f.put("a");
    f.put("b");
    const auto before = f.find("a").sequence;
    f.settle(f.failed(f.take(), f.in(std::chrono::seconds{4})));
    const auto r = f.find("a");
    QUEUECTL_EQUAL(f, r.job.run_at, f.in(std::chrono::seconds{4}));
    QUEUECTL_EQUAL(f, r.sequence, before);
}

template <backend B>
void settle_release_restores_the_state_before(fixture<B>& f) requires fixture<B>::inspectable
{
    f.put("a");
    f.settle(f.failed(f.take(), f.now.wall));
    f.settle(f.released(f.take()));
    const auto r = f.find("a");
    QUEUECTL_EQUAL(f, r.state, state::failed);
    QUEUECTL_EQUAL(f, r.attempts, 1);
    QUEUECTL_EQUAL(f, f.runs("a").size(), 1);
}

template <backend B>
void claim_returns_an_expired_job_to_pending(fixture<B>& f) requires fixture<B>::inspectable
{
    f.put("a");
    f.settle(f.failed(f.take(), f.now.wall));
    f.take();
    f.advance(f.lease_time + f.tick);
    const std::vector<std::string> queues{"other"};
    auto q = f.request();
    q.queues = queues;
    f.claim(q);
    const auto r = f.find("a");
    QUEUECTL_EQUAL(f, r.state, state::pending);
    QUEUECTL_EQUAL(f, r.crashes, 1);
    QUEUECTL_EQUAL(f, r.attempts, 1);
    QUEUECTL_EQUAL(f, r.error, "lease expired");
    QUEUECTL_CHECK(f, !r.token);
    QUEUECTL_EQUAL(f, r.exit_code, 1);
}

template <backend B>
void claim_names_the_holder(fixture<B>& f) requires fixture<B>::inspectable
{
    f.put("a");
    f.advance(std::chrono::seconds{3});
    const lease l = f.take();
    auto r = f.find("a");
    QUEUECTL_EQUAL(f, r.locked_by, "worker-1");
    QUEUECTL_EQUAL(f, r.locked_at, f.now.wall);
    QUEUECTL_EQUAL(f, r.lease_until, f.in(f.lease_time));
    QUEUECTL_EQUAL(f, r.token, l.token);
    f.settle(f.success(l));
    r = f.find("a");
    QUEUECTL_CHECK(f, !r.token);
    QUEUECTL_EQUAL(f, r.settled_token, l.token);
    QUEUECTL_EQUAL(f, r.locked_by, "");
}

template <backend B>
void add_verdict_checks(check_list<B>& list)
{
    QUEUECTL_ADD_CHECK(list, B, settle_complete_ends_the_job);
    QUEUECTL_ADD_CHECK(list, B, settle_complete_without_retention_removes_the_job);
    QUEUECTL_ADD_CHECK(list, B, settle_bury_and_cancel_keep_a_job_without_retention);
    QUEUECTL_ADD_CHECK(list, B, settle_retry_counts_an_attempt);
    QUEUECTL_ADD_CHECK(list, B, settle_bury_and_cancel_end_the_job);
    QUEUECTL_ADD_CHECK(list, B, settle_release_counts_nothing);
    QUEUECTL_ADD_CHECK(list, B, settle_release_with_an_error_keeps_it);
    QUEUECTL_ADD_CHECK(list, B, settle_of_an_unknown_job_is_gone);
    QUEUECTL_ADD_CHECK(list, B, claim_counts_a_crash);
    QUEUECTL_ADD_CHECK(list, B, claim_reaps_every_queue);
    if constexpr (fixture<B>::inspectable) {
        QUEUECTL_ADD_CHECK(list, B, settle_bury_without_a_report_counts_no_attempt);
        QUEUECTL_ADD_CHECK(list, B, settle_leaves_the_state_of_its_verdict);
        QUEUECTL_ADD_CHECK(list, B, settle_complete_keeps_the_result_and_clears_the_error);
        QUEUECTL_ADD_CHECK(list, B, settle_retry_moves_the_due_time_and_keeps_the_sequence);
        QUEUECTL_ADD_CHECK(list, B, settle_release_restores_the_state_before);
        QUEUECTL_ADD_CHECK(list, B, claim_returns_an_expired_job_to_pending);
        QUEUECTL_ADD_CHECK(list, B, claim_names_the_holder);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif
