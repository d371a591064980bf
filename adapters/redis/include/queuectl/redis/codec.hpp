// Jobs, states and runs as bytes: see format.hpp.
#ifndef QUEUECTL_REDIS_CODEC_HPP
#define QUEUECTL_REDIS_CODEC_HPP

#include <queuectl/lease.hpp>
#include <queuectl/redis/format.hpp>

#include <optional>

namespace queuectl::inline v0::detail::redis {

[[nodiscard]] inline std::string pack_lane(const job& j)
{
    std::string lane;
    packer p{lane};
    p.byte(static_cast<std::uint8_t>(127 - j.priority)).text(j.queue, 1).text(j.kind, 1);
    return lane;
}

// JOB without its sequence. With `due_at_once` a job that is due when it is made is due at once by the server's clock
// too.
[[nodiscard]] inline std::string pack_job(const job& j, timestamp created_at, bool due_at_once)
{
    std::string out;
    out.reserve(160 + j.id.size() + j.payload.size() + j.env.size() + j.cwd.size());
    packer p{out};
    unsigned flags = 0;
    if (!j.unique_key.empty()) flags |= flag_unique;
    if (j.retention <= duration::zero()) flags |= flag_forget;
    if (j.hold != hold_none) flags |= flag_held;
    if (due_at_once && j.run_at <= created_at) flags |= flag_at_once;
    p.byte(format_version).byte(static_cast<std::uint8_t>(flags));
    p.text(pack_lane(j), 1);
    pack_run_at(p, j.run_at);
    p.text(j.tag, 1).text(j.unique_key, 1);
    p.micros(j.timeout).micros(j.retention).real(j.backoff_base).int32(j.max_retries).number(j.hold, 4);
    p.text(j.key, 2).text(j.batch, 2).text(j.cwd, 4).text(j.env, 4).number(j.depends_on.size(), 4);
    for (const auto& id : j.depends_on) p.text(id, 2);
    p.text(j.payload, 4).time(created_at).id(j.nonce);
    return out;
}

// A PLACE up to kind.
struct lane {
    std::int8_t priority = 0;
    std::string_view queue;
    std::string_view kind;
};
inline void unpack_lane(unpacker& u, lane& out)
{
    out.priority = static_cast<std::int8_t>(127 - u.byte());
    out.queue = u.text(1);
    out.kind = u.text(1);
}

// A JOB; what is behind it is left in `bytes`. False when it is damaged. The id is the key's.
[[nodiscard]] inline bool unpack_job(std::string_view& bytes, job& j, timestamp& created_at, std::uint64_t& sequence)
{
    unpacker u{bytes};
    u.take(2);
    lane at;
    unpacker l{u.text(1)};
    unpack_lane(l, at);
    j.run_at = unpack_run_at(u);
    j.priority = at.priority;
    j.queue = at.queue;
    j.kind = at.kind;
    j.tag = u.text(1);
    j.unique_key = u.text(1);
    j.timeout = u.micros();
    j.retention = u.micros();
    j.backoff_base = u.real();
    j.max_retries = u.int32();
    j.hold = static_cast<std::uint32_t>(u.number(4));
    j.key = u.text(2);
    j.batch = u.text(2);
    j.cwd = u.text(4);
    j.env = u.text(4);
    const auto needed = u.number(4);
    if (needed <= limits::dependencies)
        for (std::uint64_t i = 0; i < needed; ++i) j.depends_on.emplace_back(u.text(2));
    j.payload = u.text(4);
    created_at = u.time();
    j.nonce = u.id();
    sequence = u.number(8);
    bytes = u.rest();
    return u.good() && l.good();
}

// The run that completed a job and is told in its STATE only.
struct own_run {
    timestamp started_at{};
    timestamp ended_at{};
    std::string worker;
};

// Fills what a STATE tells into a record that has its JOB already; false when it is damaged.
[[nodiscard]] inline bool unpack_state(std::string_view bytes, job_record& r, std::optional<own_run>& own)
{
    unpacker u{bytes};
    own_run run;
    r.token.nonce = u.id();
    r.exit_code = u.int32();
    r.signal = u.int32();
    run.started_at = u.time();
    run.ended_at = u.time();
    r.settled_token = u.token();
    u.byte();
    const auto flags = u.byte();
    r.cancel_requested = (flags & flag_cancel) != 0;
    r.attempts = u.int32();
    r.crashes = u.int32();
    u.int32();
    r.updated_at = u.time();
    u.take(12);  // what only scripts read
    r.locked_at = u.time();
    r.lease_until = u.time();
    unpacker l{u.text(1)};
    lane at;
    unpack_lane(l, at);
    r.job.priority = at.priority;
    run.worker = u.text(2);
    r.error = u.text(2);
    r.result = u.text(4);
    r.progress = u.text(4);
    const auto which = u.byte();
    if (which >= state_count) return false;
    r.state = static_cast<state>(which);
    if (r.state == state::processing) r.locked_by = run.worker;
    r.token.ordinal = static_cast<std::uint32_t>(u.number(4));
    r.job.run_at = unpack_run_at(u);
    r.sequence = u.number(8);
    if ((flags & flag_own_run) != 0) own = std::move(run);
    return u.good() && l.good();
}

// error, attempts and crashes of a claimed job's STATE, and where it stands; its token where it is this lease's.
[[nodiscard]] inline bool unpack_claimed(std::string_view bytes, lease& l)
{
    job_record r;
    std::optional<own_run> own;
    if (!unpack_state(bytes, r, own)) return false;
    l.attempts = r.attempts;
    l.crashes = r.crashes;
    l.error = std::move(r.error);
    if (r.token.nonce == l.token.nonce) l.token = r.token;
    l.job.priority = r.job.priority;
    l.job.run_at = r.job.run_at;
    return true;
}

// REPORT. `kept`: whether its output is stored.
[[nodiscard]] inline std::string pack_report(const attempt& run, bool kept)
{
    std::string out;
    const auto& o = run.output;
    const auto bytes = std::max<std::uint64_t>(run.output_bytes, o.head.size() + o.tail.size() + o.dropped_bytes);
    packer{out}
        .byte(static_cast<std::uint8_t>(run.status))
        .int32(run.exit_code)
        .int32(run.signal)
        .time(run.started_at)
        .time(run.ended_at)
        .real(static_cast<double>(bytes))
        .real(static_cast<double>(o.dropped_bytes))
        .number(o.head.size(), 4)
        .byte(kept ? 1 : 0)
        .text(std::string_view{run.error}.substr(0, 65'535), 2);
    return out;
}
[[nodiscard]] inline bool unpack_report(unpacker& u, attempt& run, std::size_t& head)
{
    run.status = static_cast<run_status>(u.byte());
    run.exit_code = u.int32();
    run.signal = u.int32();
    run.started_at = u.time();
    run.ended_at = u.time();
    run.output_bytes = static_cast<std::uint64_t>(u.real());
    run.output.dropped_bytes = static_cast<std::uint64_t>(u.real());
    head = static_cast<std::size_t>(u.number(4));
    u.byte();
    run.error = u.text(2);
    return u.good();
}

// Appends RUNs.
[[nodiscard]] inline bool unpack_runs(std::string_view bytes, std::vector<attempt>& out)
{
    for (unpacker all{bytes}; !all.rest().empty();) {
        unpacker u{all.text(4)};
        attempt run;
        std::size_t head = 0;
        u.number(4);
        run.number = u.int32();
        run.worker = u.text(2);
        if (!unpack_report(u, run, head)) return false;
        run.output = {};
        out.push_back(std::move(run));
    }
    return true;
}

// The run that `own` tells of.
[[nodiscard]] inline attempt attempt_of(const job_record& r, const own_run& own)
{
    attempt run;
    run.status = run_status::succeeded;
    run.number = r.attempts + r.crashes;
    run.exit_code = r.exit_code;
    run.signal = r.signal;
    run.started_at = own.started_at;
    run.ended_at = own.ended_at;
    run.worker = own.worker;
    return run;
}

}  // namespace queuectl::inline v0::detail::redis

#endif
