// The rows of inspectable_storage: changing jobs by hand.
#ifndef QUEUECTL_TESTING_CONFORMANCE_CHANGES_HPP
#define QUEUECTL_TESTING_CONFORMANCE_CHANGES_HPP

#include <queuectl/testing/conformance/fixture.hpp>

namespace queuectl::inline v0::conformance {

// A job of each state, named after it; "failed" is due in an hour, and the claimed one is leased for long.
template <backend B>
void put_one_of_each_state(fixture<B>& f)
{
    for (const auto kind : {verdict_kind::complete, verdict_kind::retry, verdict_kind::bury, verdict_kind::cancel}) {
        const char* const names[] = {"completed", "failed", "dead", "cancelled"};
        f.put(names[static_cast<std::size_t>(kind)]);
        auto s = f.ended(f.take(), kind, "why");
        s.verdict.retry_at = f.in(std::chrono::hours{1});
        f.settle(s);
    }
    f.put("processing");
    f.take();
    f.put("pending");
}

template <backend B>
void revive_makes_ended_and_failed_jobs_due(fixture<B>& f)
{
    put_one_of_each_state(f);
    f.drain();
    for (const char* id : {"completed", "dead", "cancelled", "failed"}) {
        f.advance(f.tick);
        QUEUECTL_EQUAL(f, f.revive(id), change_status::done);
        const auto r = f.find(id);
        QUEUECTL_EQUAL(f, r.state, state::pending);
        QUEUECTL_EQUAL(f, r.attempts, 0);
        QUEUECTL_EQUAL(f, r.crashes, 0);
        QUEUECTL_EQUAL(f, r.job.run_at, f.now.wall);
        QUEUECTL_EQUAL(f, r.job.payload, "true");
    }
    QUEUECTL_EQUAL(f, f.drain(), {"completed", "dead", "cancelled", "failed"});
}

template <backend B>
void revive_of_others_is_a_conflict(fixture<B>& f)
{
    put_one_of_each_state(f);
    QUEUECTL_EQUAL(f, f.revive("processing"), change_status::conflict);
    QUEUECTL_EQUAL(f, f.revive("pending"), change_status::conflict);
    QUEUECTL_EQUAL(f, f.revive("nobody"), change_status::not_found);
    QUEUECTL_EQUAL(f, f.drain(), {"pending"});
}

template <backend B>
void revive_goes_to_the_end_of_the_line(fixture<B>& f)
{
    f.put("a");
    f.settle(f.buried(f.take()));
    f.put("b");
    QUEUECTL_EQUAL(f, f.revive("a"), change_status::done);
    QUEUECTL_CHECK(f, f.find("a").sequence > f.find("b").sequence);
    QUEUECTL_EQUAL(f, f.drain(), {"b", "a"});
}

template <backend B>
void revive_clears_crashes(fixture<B>& f)
{
    f.put("a");
    f.take();
    f.advance(f.lease_time + f.tick);
    f.settle(f.buried(f.take()));
    f.revive("a");
    const lease l = f.take();
    QUEUECTL_EQUAL(f, l.crashes, 0);
    QUEUECTL_EQUAL(f, l.attempts, 0);
    QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::applied);
}

template <backend B>
void cancel_ends_waiting_jobs(fixture<B>& f)
{
    put_one_of_each_state(f);
    for (const char* id : {"pending", "failed"}) {
        QUEUECTL_EQUAL(f, f.cancel(id), change_status::done);
        QUEUECTL_EQUAL(f, f.find(id).state, state::cancelled);
    }
    for (const char* id : {"completed", "dead", "cancelled"}) QUEUECTL_EQUAL(f, f.cancel(id), change_status::conflict);
    QUEUECTL_EQUAL(f, f.cancel("nobody"), change_status::not_found);
    QUEUECTL_EQUAL(f, f.find("completed").state, state::completed);
    QUEUECTL_EQUAL(f, f.find("dead").state, state::dead);
    f.advance(f.lease_time / 2);
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void cancel_of_a_running_job_is_told_by_extend(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    QUEUECTL_EQUAL(f, f.extend(l.receipt()), extend_status::held);
    QUEUECTL_EQUAL(f, f.cancel("a"), change_status::requested);
    QUEUECTL_EQUAL(f, f.find("a").state, state::processing);
    QUEUECTL_CHECK(f, f.find("a").cancel_requested);
    QUEUECTL_EQUAL(f, f.extend(l.receipt()), extend_status::cancel_requested);
    QUEUECTL_EQUAL(f, f.extend(l.receipt()), extend_status::cancel_requested);
    QUEUECTL_EQUAL(f, f.settle(f.ended(l, verdict_kind::cancel, "stopped")), settle_status::applied);
    QUEUECTL_EQUAL(f, f.find("a").state, state::cancelled);
}

template <backend B>
void cancel_takes_effect_on_release_retry_expiry_and_free_worker(fixture<B>& f)
{
    for (const char* id : {"released", "again", "expired", "freed"}) {
        f.put(id);
        const lease l = f.take();
        QUEUECTL_EQUAL(f, f.cancel(id), change_status::requested);
        if (*id == 'r') f.settle(f.released(l));
        if (*id == 'a') f.settle(f.ended(l, verdict_kind::retry, "failed"));
        if (*id == 'e') f.advance(f.lease_time + f.tick);
        if (*id == 'f') f.good(f->free_worker("worker-1", "gone", f.now), "free_worker");
        QUEUECTL_EQUAL(f, f.drain(), {});
        QUEUECTL_EQUAL(f, f.find(id).state, state::cancelled);
    }
}

template <backend B>
void cancel_is_over_once_the_job_is_revived(fixture<B>& f)
{
    f.put("a");
    lease l = f.take();
    f.cancel("a");
    f.settle(f.ended(l, verdict_kind::cancel, "stopped"));
    f.revive("a");
    l = f.take();
    QUEUECTL_EQUAL(f, f.extend(l.receipt()), extend_status::held);
    f.settle(f.released(l));
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void remove_forgets_all_but_running_jobs(fixture<B>& f)
{
    put_one_of_each_state(f);
    for (const char* id : {"completed", "failed", "dead", "cancelled", "pending"}) {
        QUEUECTL_EQUAL(f, f.remove(id), change_status::done);
        QUEUECTL_CHECK(f, !f.knows(id));
        QUEUECTL_EQUAL(f, f.runs(id).size(), 0);
        QUEUECTL_EQUAL(f, f.remove(id), change_status::not_found);
    }
    QUEUECTL_EQUAL(f, f.remove("processing"), change_status::conflict);
    f.put("dead");
    QUEUECTL_EQUAL(f, f.runs("dead").size(), 0);
    QUEUECTL_EQUAL(f, f.drain(), {"dead"});
}

template <backend B>
void purge_removes_only_final_jobs(fixture<B>& f)
{
    put_one_of_each_state(f);
    QUEUECTL_EQUAL(f, f->purge({}, 100).value_or(99), 3);
    QUEUECTL_EQUAL(f, f->purge({}, 100).value_or(99), 0);
    for (const char* id : {"failed", "processing", "pending"}) QUEUECTL_CHECK(f, f.knows(id));
}

template <backend B>
void purge_obeys_filter_and_limit(fixture<B>& f)
{
    put_one_of_each_state(f);
    f.advance(std::chrono::seconds{1});
    f.settle(f.buried(f.take()));
    job_filter filter;
    filter.state = state::dead;
    filter.updated_before = f.now.wall;
    QUEUECTL_EQUAL(f, f->purge(filter, 100).value_or(99), 1);
    QUEUECTL_CHECK(f, !f.knows("dead"));
    QUEUECTL_CHECK(f, f.knows("pending"));
    filter.updated_before = timestamp_max;
    QUEUECTL_EQUAL(f, f->purge(filter, 100).value_or(99), 1);
    QUEUECTL_EQUAL(f, f->purge({}, 1).value_or(99), 1);
    QUEUECTL_EQUAL(f, f->purge({}, 1).value_or(99), 1);
    QUEUECTL_EQUAL(f, f->purge({}, 1).value_or(99), 0);
    filter = {};
    filter.state = state::pending;
    QUEUECTL_EQUAL(f, f->purge(filter, 100).value_or(99), 0);
}

template <backend B>
void reprioritise_moves_a_waiting_job(fixture<B>& f)
{
    put_one_of_each_state(f);
    f.put("urgent", [](job& j) { j.priority = 5; });
    const auto set = [&](const char* id, int p) {
        auto told = f->reprioritise(id, p, f.now);
        return f.good(told, "reprioritise") ? *told : change_status::not_found;
    };
    QUEUECTL_EQUAL(f, set("pending", 5), change_status::done);
    QUEUECTL_EQUAL(f, set("failed", 6), change_status::done);
    for (const char* id : {"completed", "dead", "cancelled", "processing"})
        QUEUECTL_EQUAL(f, set(id, 9), change_status::conflict);
    QUEUECTL_EQUAL(f, set("nobody", 9), change_status::not_found);
    QUEUECTL_EQUAL(f, f.drain(), {"pending", "urgent"});
    QUEUECTL_EQUAL(f, int{f.find("failed").job.priority}, 6);
}

template <backend B>
void free_worker_ends_the_leases_of_that_worker(fixture<B>& f)
{
    f.put("a");
    f.put("b");
    const lease a = f.take();
    auto r = f.request();
    r.worker = "worker-2";
    const auto b = f.claim(r);
    auto freed = f->free_worker("worker-1", "killed by signal 9", f.now);
    QUEUECTL_EQUAL(f, freed.value_or(99), 1);
    const auto kept = f.find("a");
    QUEUECTL_EQUAL(f, kept.state, state::pending);
    QUEUECTL_EQUAL(f, kept.crashes, 1);
    QUEUECTL_EQUAL(f, kept.attempts, 0);
    QUEUECTL_EQUAL(f, kept.error, "killed by signal 9");
    const auto runs = f.runs("a");
    if (QUEUECTL_EQUAL(f, runs.size(), 1)) {
        QUEUECTL_EQUAL(f, runs[0].status, run_status::crashed);
        QUEUECTL_EQUAL(f, runs[0].error, "killed by signal 9");
        QUEUECTL_EQUAL(f, runs[0].worker, "worker-1");
        QUEUECTL_EQUAL(f, runs[0].number, 1);
    }
    QUEUECTL_EQUAL(f, f.settle(f.success(a)), settle_status::lease_lost);
    if (QUEUECTL_EQUAL(f, b.size(), 1)) QUEUECTL_EQUAL(f, f.extend(b[0].receipt()), extend_status::held);
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
    QUEUECTL_EQUAL(f, f->free_worker("nobody", "gone", f.now).value_or(99), 0);
}

template <backend B>
void changes_tell_of_each_id(fixture<B>& f)
{
    put_one_of_each_state(f);
    std::vector<std::string> ids{"dead", "nobody", "processing", "failed", "dead"};
    std::vector<change_status> told(5, change_status::requested);
    f.good(f->revive(ids, told, f.now), "revive");
    QUEUECTL_EQUAL(f, told,
                   {change_status::done, change_status::not_found, change_status::conflict, change_status::done,
                    change_status::conflict});
    ids.pop_back();
    told.pop_back();
    f.good(f->cancel(ids, told, f.now), "cancel");
    QUEUECTL_EQUAL(f, told,
                   {change_status::done, change_status::not_found, change_status::requested, change_status::done});
    f.good(f->remove(ids, told), "remove");
    QUEUECTL_EQUAL(f, told,
                   {change_status::done, change_status::not_found, change_status::conflict, change_status::done});
}

template <backend B>
void add_change_checks(check_list<B>& list)
{
    if constexpr (fixture<B>::inspectable) {
        QUEUECTL_ADD_CHECK(list, B, revive_makes_ended_and_failed_jobs_due);
        QUEUECTL_ADD_CHECK(list, B, revive_of_others_is_a_conflict);
        QUEUECTL_ADD_CHECK(list, B, revive_goes_to_the_end_of_the_line);
        QUEUECTL_ADD_CHECK(list, B, revive_clears_crashes);
        QUEUECTL_ADD_CHECK(list, B, cancel_ends_waiting_jobs);
        QUEUECTL_ADD_CHECK(list, B, cancel_of_a_running_job_is_told_by_extend);
        QUEUECTL_ADD_CHECK(list, B, cancel_takes_effect_on_release_retry_expiry_and_free_worker);
        QUEUECTL_ADD_CHECK(list, B, cancel_is_over_once_the_job_is_revived);
        QUEUECTL_ADD_CHECK(list, B, remove_forgets_all_but_running_jobs);
        QUEUECTL_ADD_CHECK(list, B, purge_removes_only_final_jobs);
        QUEUECTL_ADD_CHECK(list, B, purge_obeys_filter_and_limit);
        QUEUECTL_ADD_CHECK(list, B, reprioritise_moves_a_waiting_job);
        QUEUECTL_ADD_CHECK(list, B, free_worker_ends_the_leases_of_that_worker);
        QUEUECTL_ADD_CHECK(list, B, changes_tell_of_each_id);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif
