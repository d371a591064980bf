// Appends the record `job`: all of a job. Its bytes: journal/records.hpp; how it is read: records_job_read.hpp.
#ifndef QUEUECTL_JOURNAL_RECORDS_JOB_HPP
#define QUEUECTL_JOURNAL_RECORDS_JOB_HPP

#include <queuectl/journal/records_run.hpp>

#include <bit>
#include <vector>

namespace queuectl::inline v0::journal {

// All that is known of a job at one moment: enough to forget every record about it before this one.
struct job_image {
    job_record record;
    bool was_failed = false;  // what a release of the current lease restores: failed, else pending
    duration lease_end{};     // boot clock
    uid boot_id{};            // of lease_end
    std::vector<stored_attempt> attempts;
};

namespace detail {

// The parts of an image that are left out when they say nothing, in the order of their bits.
enum job_part : std::uint32_t {
    part_run_at = 1u << 0,
    part_timeout = 1u << 1,
    part_retention = 1u << 2,
    part_backoff_base = 1u << 3,
    part_max_retries = 1u << 4,
    part_hold = 1u << 5,
    part_tag = 1u << 6,
    part_key = 1u << 7,
    part_unique_key = 1u << 8,
    part_batch = 1u << 9,
    part_cwd = 1u << 10,
    part_env = 1u << 11,
    part_depends_on = 1u << 12,
    part_updated_at = 1u << 13,
    part_counts = 1u << 14,
    part_lease = 1u << 15,
    part_settled = 1u << 16,
    part_last_run = 1u << 17,
    part_error = 1u << 18,
    part_result = 1u << 19,
    part_progress = 1u << 20,
    part_attempts = 1u << 21,
    part_was_failed = 1u << 22,        // no bytes
    part_cancel_requested = 1u << 23,  // no bytes
};
inline constexpr std::uint32_t known_job_parts = (1u << 24) - 1;
inline constexpr std::size_t job_parts_offset = 16;
inline constexpr std::int32_t usual_max_retries = 3;
inline constexpr std::size_t token_bytes_max = 16 + small_bytes_max;

[[nodiscard]] constexpr std::uint32_t part_if(bool there, job_part part) noexcept { return there ? part : 0U; }

// The parts of what was asked for.
[[nodiscard]] inline std::uint32_t parts_of(const job& j, timestamp created_at) noexcept
{
    return part_if(j.run_at != created_at, part_run_at) | part_if(j.timeout.count() != 0, part_timeout) |
           part_if(j.retention.count() != 0, part_retention) |
           part_if(std::bit_cast<std::uint64_t>(j.backoff_base) != 0, part_backoff_base) |
           part_if(j.max_retries != usual_max_retries, part_max_retries) | part_if(j.hold != hold_none, part_hold) |
           part_if(!j.tag.empty(), part_tag) | part_if(!j.key.empty(), part_key) |
           part_if(!j.unique_key.empty(), part_unique_key) | part_if(!j.batch.empty(), part_batch) |
           part_if(!j.cwd.empty(), part_cwd) | part_if(!j.env.empty(), part_env) |
           part_if(!j.depends_on.empty(), part_depends_on);
}

[[nodiscard]] inline bool has_lease(const job_image& image) noexcept
{
    const job_record& r = image.record;
    return r.token != lease_token{} || !r.locked_by.empty() || r.locked_at != timestamp{} ||
           r.lease_until != timestamp{} || image.lease_end != duration{} || image.boot_id;
}

// The parts of what became of it.
[[nodiscard]] inline std::uint32_t parts_since(const job_image& image) noexcept
{
    const job_record& r = image.record;
    return part_if(r.updated_at != r.created_at, part_updated_at) |
           part_if((r.attempts | r.crashes) != 0, part_counts) | part_if(has_lease(image), part_lease) |
           part_if(r.settled_token != lease_token{}, part_settled) |
           part_if(r.exit_code != -1 || r.signal != 0, part_last_run) | part_if(!r.error.empty(), part_error) |
           part_if(!r.result.empty(), part_result) | part_if(!r.progress.empty(), part_progress) |
           part_if(!image.attempts.empty(), part_attempts) | part_if(image.was_failed, part_was_failed) |
           part_if(r.cancel_requested, part_cancel_requested);
}

inline void write_token(wire_writer& w, const lease_token& token) noexcept
{
    w.id(token.nonce);
    w.varint(token.ordinal);
}

// A part that begins with its length, a u32: write() writes it.
template <class Write>
void write_sized(wire_writer& w, Write&& write)
{
    char* const length = w.position();
    w.fixed(std::uint32_t{0});
    write();
    store_le(length, static_cast<std::uint32_t>(w.position() - length - 4));
}

inline void write_asked(wire_writer& w, std::uint32_t parts, const job& j, timestamp created_at) noexcept
{
    if ((parts & part_run_at) != 0) w.difference(j.run_at, created_at);
    if ((parts & part_timeout) != 0) w.time(j.timeout);
    if ((parts & part_retention) != 0) w.time(j.retention);
    if ((parts & part_backoff_base) != 0) w.fixed(std::bit_cast<std::uint64_t>(j.backoff_base));
    if ((parts & part_max_retries) != 0) w.signed_varint(j.max_retries);
    if ((parts & part_hold) != 0) w.varint(j.hold);
    if ((parts & part_tag) != 0) w.text(j.tag);
    if ((parts & part_key) != 0) w.text(j.key);
    if ((parts & part_unique_key) != 0) w.text(j.unique_key);
    if ((parts & part_batch) != 0) w.text(j.batch);
    if ((parts & part_cwd) != 0) w.text(j.cwd);
    if ((parts & part_env) != 0) w.text(j.env);
    if ((parts & part_depends_on) != 0)
        write_sized(w, [&] {
            for (const auto& id : j.depends_on) w.text(id);
        });
}

inline void write_lease(wire_writer& w, const job_image& image) noexcept
{
    const job_record& r = image.record;
    write_token(w, r.token);
    w.time(r.locked_at);
    w.time(r.lease_until);
    w.time(image.lease_end);
    w.id(image.boot_id);
    w.text(r.locked_by);
}

inline void write_since(wire_writer& w, std::uint32_t parts, const job_image& image) noexcept
{
    const job_record& r = image.record;
    if ((parts & part_updated_at) != 0) w.difference(r.updated_at, r.created_at);
    if ((parts & part_counts) != 0) w.signed_varint(r.attempts), w.signed_varint(r.crashes);
    if ((parts & part_lease) != 0) write_lease(w, image);
    if ((parts & part_settled) != 0) write_token(w, r.settled_token);
    if ((parts & part_last_run) != 0) w.signed_varint(r.exit_code), w.signed_varint(r.signal);
    if ((parts & part_error) != 0) w.text(r.error);
    if ((parts & part_result) != 0) w.text(r.result);
    if ((parts & part_progress) != 0) w.text(r.progress);
    if ((parts & part_attempts) != 0)
        write_sized(w, [&] {
            for (const auto& kept : image.attempts) write_run(w, kept.run, kept.output_file);
        });
}

struct image_begin {
    std::uint64_t sequence;
    timestamp created_at;
    std::uint32_t parts;
    queuectl::state state;
};
inline void write_begin(wire_writer& w, const image_begin& begin, const job& j) noexcept
{
    w.fixed(begin.sequence);
    w.time(begin.created_at);
    w.fixed(begin.parts);
    w.byte(static_cast<unsigned>(begin.state));
    w.byte(static_cast<std::uint8_t>(j.priority));
    w.id(j.nonce);
    w.text(j.id);
    w.text(j.queue);
    w.text(j.kind);
}

[[nodiscard]] inline std::size_t since_bytes_max(const job_image& image) noexcept
{
    constexpr std::size_t scalars = varint_bytes_max + 4 * small_bytes_max + 2 * token_bytes_max + 3 * 8 + 16 + 4;
    const job_record& r = image.record;
    std::size_t bytes = scalars + text_bytes_max(r.locked_by) + text_bytes_max(r.error) + text_bytes_max(r.result) +
                        text_bytes_max(r.progress);
    for (const auto& kept : image.attempts) bytes += run_bytes_max(kept.run);
    return bytes;
}

}  // namespace detail

// No less than the bytes that append_job(out, j, …) appends, and less than 160 more than the texts. O(dependencies).
[[nodiscard]] inline std::size_t job_bytes_max(const job& j) noexcept
{
    constexpr std::size_t scalars = record_header_bytes + 38 + varint_bytes_max + 3 * 8 + 2 * small_bytes_max + 4;
    std::size_t bytes = scalars + 9 * small_bytes_max + j.id.size() + j.queue.size() + j.kind.size() + j.tag.size() +
                        j.key.size() + j.unique_key.size() + j.batch.size() + j.cwd.size() + j.env.size() +
                        j.payload.size();
    for (const auto& id : j.depends_on) bytes += text_bytes_max(id);
    return bytes;
}

// A new job: pending, created now.
inline void append_job(std::string& out, const job& j, std::uint64_t sequence, timestamp now)
{
    detail::record_writer w{out, record_type::job, job_bytes_max(j) - record_header_bytes};
    const std::uint32_t parts = detail::parts_of(j, now);
    detail::write_begin(w, {sequence, now, parts, state::pending}, j);
    detail::write_asked(w, parts, j, now);
    w.bytes(j.payload);
    w.finish();
}

inline void append_job(std::string& out, const job_image& image)
{
    const job_record& r = image.record;
    const std::size_t bytes_max = job_bytes_max(r.job) + detail::since_bytes_max(image) - record_header_bytes;
    detail::record_writer w{out, record_type::job, bytes_max};
    const std::uint32_t parts = detail::parts_of(r.job, r.created_at) | detail::parts_since(image);
    detail::write_begin(w, {r.sequence, r.created_at, parts, r.state}, r.job);
    detail::write_asked(w, parts, r.job, r.created_at);
    detail::write_since(w, parts, image);
    w.bytes(r.job.payload);
    w.finish();
}

}  // namespace queuectl::inline v0::journal

#endif
