// The row restore of transferable_storage: jobs with their past, as another store hands them over.
#ifndef QUEUECTL_TESTING_CONFORMANCE_TRANSFER_HPP
#define QUEUECTL_TESTING_CONFORMANCE_TRANSFER_HPP

#include <queuectl/testing/conformance/fixture.hpp>

#include <algorithm>

namespace queuectl::inline v0::conformance {

template <class B>
inline constexpr bool transferable = transferable_storage<typename B::storage_type>;

// A job of that name and state whose every member says something; it has run twice, with output.
template <backend B>
[[nodiscard]] stored_job past_of(fixture<B>& f, const std::string& id, state s = state::pending)
{
    stored_job out;
    job_record& r = out.record;
    job& j = r.job;
    j = f.make(id);
    j.kind = "argv";
    j.payload = std::string{"a\0b\n\xff", 5};
    j.timeout = std::chrono::seconds{7};
    j.retention = std::chrono::hours{48};
    j.backoff_base = 2.5;
    j.max_retries = 9;
    j.priority = -3;
    j.tag = "nightly";
    j.key = std::string{"key \xe2\x82\xac"};
    j.unique_key = "only " + id;
    j.batch = "batch-1";
    j.cwd = "/tmp/a b";
    j.env = std::string{"A=1\0B=\xfe\0", 8};
    j.depends_on = {"first", "second"};
    r.state = s;
    r.attempts = 1;
    r.crashes = 1;
    r.created_at = add(f.now.wall, std::chrono::hours{-5});
    r.updated_at = add(f.now.wall, std::chrono::minutes{-7});
    r.settled_token = {f.nonce(), 3};
    r.exit_code = 137;
    r.signal = 9;
    r.error = "killed by signal 9";
    r.result = std::string{"half\0done", 9};
    r.progress = "50 %";
    r.sequence = 7'000'000;
    attempt run;
    run.number = 1;
    run.status = run_status::crashed;
    run.started_at = add(f.now.wall, std::chrono::hours{-4});
    run.ended_at = add(f.now.wall, std::chrono::hours{-3});
    run.error = "worker died";
    run.worker = "there-1";
    out.attempts.push_back(run);
    run.number = 2;
    run.status = run_status::failed;
    run.exit_code = 137;
    run.signal = 9;
    run.started_at = add(f.now.wall, std::chrono::hours{-2});
    run.ended_at = add(f.now.wall, std::chrono::hours{-1});
    run.error = "killed by signal 9";
    run.worker = "there-2";
    run.output.head = std::string{"out\0put\n", 8};
    run.output_bytes = 8;
    out.attempts.push_back(run);
    return out;
}

inline constexpr state restorable_states[] = {state::pending, state::completed, state::failed, state::dead,
                                              state::cancelled};

template <backend B>
std::vector<insert_status> restore(fixture<B>& f, const std::vector<stored_job>& jobs)
{
    std::vector<insert_status> statuses(jobs.size(), insert_status::kept);
    f.good(f->restore(jobs, statuses, f.now), "restore");
    return statuses;
}
template <backend B>
void restore_new(fixture<B>& f, const std::vector<stored_job>& jobs)
{
    QUEUECTL_EQUAL(f, restore(f, jobs), std::vector<insert_status>(jobs.size(), insert_status::inserted));
}
template <backend B>
void restore_new(fixture<B>& f, const stored_job& j)
{
    restore_new(f, std::vector<stored_job>{j});
}

template <backend B>
void equal_job(fixture<B>& f, const job& found, const job& j)
{
    QUEUECTL_EQUAL(f, found.id, j.id);
    QUEUECTL_EQUAL(f, found.queue, j.queue);
    QUEUECTL_EQUAL(f, found.kind, j.kind);
    QUEUECTL_EQUAL(f, found.payload, j.payload);
    QUEUECTL_EQUAL(f, found.run_at, j.run_at);
    QUEUECTL_EQUAL(f, found.timeout, j.timeout);
    QUEUECTL_EQUAL(f, found.retention, j.retention);
    QUEUECTL_EQUAL(f, found.backoff_base, j.backoff_base);
    QUEUECTL_EQUAL(f, found.max_retries, j.max_retries);
    QUEUECTL_EQUAL(f, found.hold, j.hold);
    QUEUECTL_EQUAL(f, int{found.priority}, int{j.priority});
    QUEUECTL_EQUAL(f, found.nonce, j.nonce);
    QUEUECTL_EQUAL(f, found.tag, j.tag);
    QUEUECTL_EQUAL(f, found.key, j.key);
    QUEUECTL_EQUAL(f, found.unique_key, j.unique_key);
    QUEUECTL_EQUAL(f, found.batch, j.batch);
    QUEUECTL_EQUAL(f, found.cwd, j.cwd);
    QUEUECTL_EQUAL(f, found.env, j.env);
    QUEUECTL_EQUAL(f, found.depends_on, j.depends_on);
}

template <backend B>
void equal_record(fixture<B>& f, const job_record& found, const job_record& r)
{
    QUEUECTL_EQUAL(f, found.state, r.state);
    QUEUECTL_EQUAL(f, found.attempts, r.attempts);
    QUEUECTL_EQUAL(f, found.crashes, r.crashes);
    QUEUECTL_EQUAL(f, found.created_at, r.created_at);
    QUEUECTL_EQUAL(f, found.updated_at, r.updated_at);
    QUEUECTL_EQUAL(f, found.settled_token, r.settled_token);
    QUEUECTL_EQUAL(f, found.exit_code, r.exit_code);
    QUEUECTL_EQUAL(f, found.signal, r.signal);
    QUEUECTL_EQUAL(f, found.error, r.error);
    QUEUECTL_EQUAL(f, found.result, r.result);
    QUEUECTL_EQUAL(f, found.progress, r.progress);
    QUEUECTL_CHECK(f, !found.token && !found.cancel_requested && found.locked_by.empty());
}

template <backend B>
void equal_run(fixture<B>& f, const attempt& found, const attempt& run)
{
    QUEUECTL_EQUAL(f, found.number, run.number);
    QUEUECTL_EQUAL(f, found.status, run.status);
    QUEUECTL_EQUAL(f, found.exit_code, run.exit_code);
    QUEUECTL_EQUAL(f, found.signal, run.signal);
    QUEUECTL_EQUAL(f, found.started_at, run.started_at);
    QUEUECTL_EQUAL(f, found.ended_at, run.ended_at);
    QUEUECTL_EQUAL(f, found.error, run.error);
    QUEUECTL_EQUAL(f, found.worker, run.worker);
    QUEUECTL_EQUAL(f, found.output_bytes, run.output_bytes);
}

template <backend B>
void equal_output(fixture<B>& f, const std::string& id, const attempt& run)
{
    auto out = f->output(id, run.number);
    if (!f.good(out, "output")) return;
    QUEUECTL_EQUAL(f, out->head, run.output.head);
    QUEUECTL_EQUAL(f, out->tail, run.output.tail);
    QUEUECTL_EQUAL(f, out->dropped_bytes, run.output.dropped_bytes);
}

template <backend B>
void equal_runs(fixture<B>& f, const stored_job& j)
{
    const auto runs = f.runs(j.record.job.id);
    if (!QUEUECTL_EQUAL(f, runs.size(), j.attempts.size())) return;
    for (std::size_t i = 0; i < runs.size(); ++i) equal_run(f, runs[i], j.attempts[i]);
}

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
