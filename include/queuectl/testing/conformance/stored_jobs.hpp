// Jobs with a past, as a store hands them over: how the checks make, restore and compare them.
#ifndef QUEUECTL_TESTING_CONFORMANCE_STORED_JOBS_HPP
#define QUEUECTL_TESTING_CONFORMANCE_STORED_JOBS_HPP

#include <queuectl/testing/conformance/fixture.hpp>

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

}  // namespace queuectl::inline v0::conformance

#endif
