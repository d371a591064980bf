// The members of a stored job in JSON, said once for writing and for reading. `Io` is a member_writer or a
// member_reader (job_lines.cpp); `Job` is a stored_job, const or not. Of the same `Io`: each run of the job.
#ifndef QUEUECTL_COMMAND_JOB_MEMBERS_HPP
#define QUEUECTL_COMMAND_JOB_MEMBERS_HPP

#include <queuectl/limits.hpp>

namespace queuectl::command {

inline constexpr std::size_t any_size = std::size_t{1} << 40;

template <class Io, class Job>
void asked_members(Io& io, Job& j)
{
    io.word("id", j.id, limits::id_bytes);
    io.word("queue", j.queue, limits::name_bytes);
    io.word("kind", j.kind, limits::name_bytes, true);
    io.bytes("payload", j.payload, limits::payload_bytes);
    io.time("run_at_us", j.run_at);
    io.span("timeout_us", j.timeout);
    io.span("retention_us", j.retention);
    io.real("backoff_base", j.backoff_base, limits::backoff_base_max);
    io.number("max_retries", j.max_retries, 0, limits::retries_max);
    io.number("priority", j.priority, limits::priority_min, limits::priority_max);
    io.number("hold", j.hold, 0, hold_dependency | hold_key_order | hold_key_limit | hold_unknown_kind);
    io.id("nonce", j.nonce);
    io.word("tag", j.tag, limits::name_bytes, true);
    io.bytes("key", j.key, limits::key_bytes);
    io.bytes("unique_key", j.unique_key, limits::key_bytes);
    io.word("batch", j.batch, limits::name_bytes, true);
    io.bytes("cwd", j.cwd, limits::environment_bytes);
    io.bytes("env", j.env, limits::environment_bytes);
    io.words("depends_on", j.depends_on, limits::dependencies, limits::id_bytes);
}

template <class Io, class Record>
void record_members(Io& io, Record& r)
{
    io.name("state", r.state);
    io.number("attempts", r.attempts, 0, INT32_MAX);
    io.number("crashes", r.crashes, 0, INT32_MAX);
    io.time("created_at_us", r.created_at);
    io.time("updated_at_us", r.updated_at);
    io.token("settled_token", r.settled_token);
    io.number("exit_code", r.exit_code, -1, INT32_MAX);
    io.number("signal", r.signal, 0, INT32_MAX);
    io.bytes("error", r.error, limits::error_bytes);
    io.bytes("result", r.result, limits::result_bytes);
    io.bytes("progress", r.progress, limits::result_bytes);
}

template <class Io, class Run>
void run_members(Io& io, Run& run)
{
    io.number("number", run.number, 0, INT32_MAX);
    io.name("status", run.status);
    io.number("exit_code", run.exit_code, -1, INT32_MAX);
    io.number("signal", run.signal, 0, INT32_MAX);
    io.time("started_at_us", run.started_at);
    io.time("ended_at_us", run.ended_at);
    io.bytes("error", run.error, limits::error_bytes);
    io.bytes("worker", run.worker, limits::key_bytes);
    io.number("output_bytes", run.output_bytes, 0, INT64_MAX);
    io.number("dropped_bytes", run.output.dropped_bytes, 0, INT64_MAX);
    io.bytes("head", run.output.head, any_size);
    io.bytes("tail", run.output.tail, any_size);
}

}  // namespace queuectl::command

#endif
