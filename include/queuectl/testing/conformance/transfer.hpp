// The row restore of transferable_storage: jobs with their past, as another store hands them over.
#ifndef QUEUECTL_TESTING_CONFORMANCE_TRANSFER_HPP
#define QUEUECTL_TESTING_CONFORMANCE_TRANSFER_HPP

#include <queuectl/testing/conformance/stored_jobs.hpp>

#include <algorithm>

namespace queuectl::inline v0::conformance {

template <backend B>
void restore_keeps_what_was_asked_for(fixture<B>& f)
{
    for (const state s : restorable_states) {
        const auto j = past_of(f, std::string{name(s)}, s);
        restore_new(f, j);
        equal_job(f, f.find(j.record.job.id).job, j.record.job);
    }
}

template <backend B>
void restore_keeps_the_record(fixture<B>& f)
{
    for (const state s : restorable_states) {
        const auto j = past_of(f, std::string{name(s)}, s);
        restore_new(f, j);
        equal_record(f, f.find(j.record.job.id), j.record);
    }
}

template <backend B>
void restore_keeps_runs_and_output(fixture<B>& f)
{
    for (const state s : restorable_states) {
        const auto j = past_of(f, std::string{name(s)}, s);
        restore_new(f, j);
        equal_runs(f, j);
        equal_output(f, j.record.job.id, j.attempts.back());
    }
}

template <backend B>
void restore_keeps_long_output(fixture<B>& f)
{
    auto j = past_of(f, "a", state::completed);
    auto& out = j.attempts.back().output;
    out.head.assign(64u << 10, 'h');
    out.tail.assign(192u << 10, 't');
    out.tail.back() = '\xff';
    out.dropped_bytes = 1'000'000;
    j.attempts.back().output_bytes = out.head.size() + out.tail.size() + out.dropped_bytes;
    restore_new(f, j);
    equal_runs(f, j);
    equal_output(f, "a", j.attempts.back());
}

template <backend B>
void restore_keeps_the_newest_runs(fixture<B>& f)
{
    auto j = past_of(f, "a", state::failed);
    j.record.attempts = 29;
    const attempt last = j.attempts.back();
    for (std::int32_t number = 3; number <= 30; ++number) {
        j.attempts.push_back(last);
        j.attempts.back().number = number;
    }
    restore_new(f, j);
    const auto runs = f.runs("a");
    if (!QUEUECTL_EQUAL(f, runs.size(), limits::attempts_kept)) return;
    QUEUECTL_EQUAL(f, runs.front().number, 11);
    QUEUECTL_EQUAL(f, runs.back().number, 30);
}

template <backend B>
void restore_keeps_the_order(fixture<B>& f)
{
    f.put("before");
    std::vector<stored_job> jobs;
    std::vector<std::string> ids{"before"};
    for (const state s : {state::dead, state::pending, state::completed, state::failed, state::cancelled}) {
        jobs.push_back(past_of(f, std::string{name(s)}, s));
        jobs.back().record.sequence = 100 - jobs.size();
        ids.push_back(std::string{name(s)});
    }
    restore_new(f, jobs);
    f.put("after");
    ids.push_back("after");
    std::vector<std::string> told;
    for (const auto& r : f.list()) told.push_back(r.job.id);
    QUEUECTL_EQUAL(f, told, ids);
}

template <backend B>
void restored_jobs_are_counted(fixture<B>& f)
{
    std::vector<stored_job> jobs;
    for (const state s : restorable_states) jobs.push_back(past_of(f, std::string{name(s)}, s));
    jobs.push_back(past_of(f, "other", state::dead));
    jobs.back().record.job.queue = "other";
    restore_new(f, jobs);
    std::vector<queue_counts> counts;
    if (!f.good(f->counts(counts), "counts") || !QUEUECTL_EQUAL(f, counts.size(), 2)) return;
    std::sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.queue < b.queue; });
    for (const state s : restorable_states) QUEUECTL_EQUAL(f, counts[0][s], 1);
    QUEUECTL_EQUAL(f, counts[1].queue, "other");
    QUEUECTL_EQUAL(f, counts[1][state::dead], 1);
    QUEUECTL_EQUAL(f, f->purge({}, 100).value_or(99), 4);
}

// By priority, then due time, then insertion; what is held or has ended does not stand in line.
template <backend B>
void restored_jobs_wait_in_line(fixture<B>& f)
{
    std::vector<stored_job> jobs;
    const auto add_job = [&](const char* id, state s, auto edit) {
        jobs.push_back(past_of(f, id, s));
        edit(jobs.back().record.job);
    };
    add_job("later", state::failed, [&](job& j) { j.run_at = f.in(std::chrono::hours{1}); });
    add_job("held", state::pending, [](job& j) { j.hold = hold_dependency; });
    add_job("dead", state::dead, [](job&) {});
    add_job("first-of-two", state::pending, [](job&) {});
    add_job("second-of-two", state::failed, [](job&) {});
    add_job("urgent", state::pending, [](job& j) { j.priority = 4; });
    restore_new(f, jobs);
    f.put("new", [](job& j) { j.priority = -3; });
    const auto leases = f.claim(100);
    QUEUECTL_EQUAL(f, f.ids(leases), {"urgent", "first-of-two", "second-of-two", "new"});
    for (const auto& l : leases) f.settle(f.success(l));
    f.advance(std::chrono::hours{1} - f.tick);
    QUEUECTL_EQUAL(f, f.drain(), {});
    f.advance(f.tick);
    QUEUECTL_EQUAL(f, f.drain(), {"later"});
}

template <backend B>
void restored_jobs_go_on(fixture<B>& f)
{
    auto j = past_of(f, "a", state::failed);
    restore_new(f, j);
    lease l = f.take();
    QUEUECTL_EQUAL(f, l.run_number(), 3);
    QUEUECTL_EQUAL(f, l.error, j.record.error);
    QUEUECTL_EQUAL(f, f.settle(f.released(l)), settle_status::applied);
    QUEUECTL_EQUAL(f, f.find("a").state, state::failed);
    QUEUECTL_EQUAL(f, f.settle(f.success(f.take())), settle_status::applied);
    QUEUECTL_EQUAL(f, f.find("a").state, state::completed);
    const auto runs = f.runs("a");
    if (QUEUECTL_EQUAL(f, runs.size(), 3)) QUEUECTL_EQUAL(f, runs[2].number, 3);
    QUEUECTL_EQUAL(f, f.revive("a"), change_status::done);
    QUEUECTL_EQUAL(f, f.runs("a").size(), 3);
    QUEUECTL_EQUAL(f, f.cancel("a"), change_status::done);
    QUEUECTL_EQUAL(f, f.remove("a"), change_status::done);
    QUEUECTL_EQUAL(f, f.runs("a").size(), 0);
    for (const state s : {state::completed, state::dead, state::cancelled}) {
        const std::string id{name(s)};
        restore_new(f, past_of(f, id, s));
        QUEUECTL_EQUAL(f, f.revive(id), change_status::done);
        QUEUECTL_EQUAL(f, f.runs(id).size(), 2);
        QUEUECTL_EQUAL(f, f.drain(), {id});
    }
}

// What makes the repetition of a call safe comes along: the enqueuer's nonce and the token that settled.
template <backend B>
void restore_keeps_what_makes_repeats_safe(fixture<B>& f)
{
    for (const state s : restorable_states) {
        const auto j = past_of(f, std::string{name(s)}, s);
        restore_new(f, j);
        QUEUECTL_EQUAL(f, f.insert(j.record.job), insert_status::inserted);
        QUEUECTL_EQUAL(f, f.insert(f.make(j.record.job.id)), insert_status::duplicate);
        settlement again;
        again.receipt = {j.record.job.id, j.record.settled_token};
        QUEUECTL_EQUAL(f, f.settle(again), settle_status::applied);
        again.receipt.token.ordinal += 1;
        QUEUECTL_EQUAL(f, f.settle(again), settle_status::lease_lost);
        equal_record(f, f.find(j.record.job.id), j.record);
    }
}

template <backend B>
void restore_repeated_changes_nothing(fixture<B>& f)
{
    std::vector<stored_job> jobs;
    for (const state s : restorable_states) jobs.push_back(past_of(f, std::string{name(s)}, s));
    restore_new(f, jobs);
    jobs.push_back(past_of(f, "one-more"));
    restore_new(f, jobs);
    QUEUECTL_EQUAL(f, f.list().size(), 6);
    for (const auto& j : jobs) {
        equal_record(f, f.find(j.record.job.id), j.record);
        equal_runs(f, j);
    }
    // Also when the job has gone on meanwhile.
    const lease l = f.take();
    restore_new(f, jobs);
    QUEUECTL_EQUAL(f, f.find(l.job.id).state, state::processing);
    QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::applied);
    restore_new(f, jobs);
    QUEUECTL_EQUAL(f, f.find(l.job.id).state, state::completed);
    QUEUECTL_EQUAL(f, f.list().size(), 6);
}

template <backend B>
void restore_of_a_taken_id_is_a_duplicate(fixture<B>& f)
{
    f.put("a");
    QUEUECTL_EQUAL(f, restore(f, {past_of(f, "a")}), {insert_status::duplicate});
    QUEUECTL_EQUAL(f, f.find("a").job.payload, "true");
    for (const state s : {state::pending, state::dead}) {
        const auto there = past_of(f, std::string{name(s)}, s);
        restore_new(f, there);
        auto other = there;
        other.record.created_at = add(other.record.created_at, f.tick);
        other.record.error = "another";
        QUEUECTL_EQUAL(f, restore(f, {other}), {insert_status::duplicate});
        other = there;
        ++other.record.job.nonce.low;
        QUEUECTL_EQUAL(f, restore(f, {other}), {insert_status::duplicate});
        equal_record(f, f.find(there.record.job.id), there.record);
    }
}

template <backend B>
void restore_tells_of_each_job(fixture<B>& f)
{
    f.put("taken");
    const auto twice = past_of(f, "twice");
    auto other = twice;
    ++other.record.job.nonce.low;
    QUEUECTL_EQUAL(f, restore(f, {past_of(f, "a"), past_of(f, "taken"), twice, other, twice, past_of(f, "b")}),
                   {insert_status::inserted, insert_status::duplicate, insert_status::inserted,
                    insert_status::duplicate, insert_status::inserted, insert_status::inserted});
    QUEUECTL_EQUAL(f, f.list().size(), 4);
}

template <backend B>
void restore_refuses_what_is_processing(fixture<B>& f)
{
    const std::vector<stored_job> jobs{past_of(f, "a"), past_of(f, "b", state::processing), past_of(f, "c")};
    std::vector<insert_status> statuses(3);
    const auto told = f->restore(jobs, statuses, f.now);
    QUEUECTL_CHECK(f, !told && told.error().code == errc::invalid_argument);
    QUEUECTL_EQUAL(f, f.list().size(), 0);
    QUEUECTL_EQUAL(f, f.drain(), {});
}

// A whole batch, of jobs that differ in length.
template <backend B>
void restore_takes_whole_batches(fixture<B>& f)
{
    std::vector<stored_job> jobs;
    for (std::size_t i = 0; i < f.batch(); ++i) {
        jobs.push_back(past_of(f, "job-" + std::to_string(i), restorable_states[i % 5]));
        jobs.back().record.job.payload.assign(i % 700, 'p');
        jobs.back().record.job.run_at = f.in(duration{static_cast<std::int64_t>(i * 7919 % 1000)});
    }
    restore_new(f, jobs);
    const auto all = f.list();
    if (!QUEUECTL_EQUAL(f, all.size(), jobs.size())) return;
    for (std::size_t i = 0; i < all.size(); ++i) {
        equal_job(f, all[i].job, jobs[i].record.job);
        equal_record(f, all[i], jobs[i].record);
    }
    equal_runs(f, jobs.back());
}

template <backend B>
void restored_jobs_survive_reopening(fixture<B>& f)
{
    std::vector<stored_job> jobs;
    for (const state s : restorable_states) jobs.push_back(past_of(f, std::string{name(s)}, s));
    jobs[1].attempts.back().output.tail.assign(100'000, 't');
    jobs[1].attempts.back().output_bytes += 100'000;
    restore_new(f, jobs);
    f.reopen();
    for (const auto& j : jobs) {
        const auto found = f.find(j.record.job.id);
        equal_job(f, found.job, j.record.job);
        equal_record(f, found, j.record);
        equal_runs(f, j);
        equal_output(f, j.record.job.id, j.attempts.back());
    }
    restore_new(f, jobs);
    QUEUECTL_EQUAL(f, f.list().size(), 5);
    QUEUECTL_EQUAL(f, f.drain(), {"pending", "failed"});
}

template <backend B>
void restore_wakes_those_who_wait(fixture<B>& f)
{
    const auto seen = f->changes();
    restore_new(f, past_of(f, "a"));
    QUEUECTL_CHECK(f, f->changes().work != seen.work);
}

template <backend B>
void add_transfer_checks(check_list<B>& list)
{
    if constexpr (transferable<B>) {
        QUEUECTL_ADD_CHECK(list, B, restore_keeps_what_was_asked_for);
        QUEUECTL_ADD_CHECK(list, B, restore_keeps_the_record);
        QUEUECTL_ADD_CHECK(list, B, restore_keeps_runs_and_output);
        QUEUECTL_ADD_CHECK(list, B, restore_keeps_long_output);
        QUEUECTL_ADD_CHECK(list, B, restore_keeps_the_newest_runs);
        QUEUECTL_ADD_CHECK(list, B, restore_keeps_the_order);
        QUEUECTL_ADD_CHECK(list, B, restored_jobs_are_counted);
        QUEUECTL_ADD_CHECK(list, B, restored_jobs_wait_in_line);
        QUEUECTL_ADD_CHECK(list, B, restored_jobs_go_on);
        QUEUECTL_ADD_CHECK(list, B, restore_keeps_what_makes_repeats_safe);
        QUEUECTL_ADD_CHECK(list, B, restore_repeated_changes_nothing);
        QUEUECTL_ADD_CHECK(list, B, restore_of_a_taken_id_is_a_duplicate);
        QUEUECTL_ADD_CHECK(list, B, restore_tells_of_each_job);
        QUEUECTL_ADD_CHECK(list, B, restore_refuses_what_is_processing);
        QUEUECTL_ADD_CHECK(list, B, restore_takes_whole_batches);
        if constexpr (can_reopen<B>) QUEUECTL_ADD_CHECK(list, B, restored_jobs_survive_reopening);
        if constexpr (fixture<B>::notifying) QUEUECTL_ADD_CHECK(list, B, restore_wakes_those_who_wait);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif
