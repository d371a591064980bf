// Reads the record `job`. Its bytes: journal/records.hpp.
#ifndef QUEUECTL_JOURNAL_RECORDS_JOB_READ_HPP
#define QUEUECTL_JOURNAL_RECORDS_JOB_READ_HPP

#include <queuectl/journal/records_job.hpp>

namespace queuectl::inline v0::journal {

// What an index needs of an image. The views point into the content that was read.
struct job_head {
    std::uint64_t sequence = 0;
    timestamp created_at{};
    timestamp updated_at{};
    timestamp run_at{};
    duration timeout{};
    duration retention{};
    double backoff_base = 0;
    std::int32_t max_retries = detail::usual_max_retries;
    std::uint32_t hold = hold_none;
    std::int8_t priority = 0;
    queuectl::state state = queuectl::state::pending;
    bool was_failed = false;
    bool cancel_requested = false;
    std::int32_t attempts = 0;
    std::int32_t crashes = 0;
    std::int32_t exit_code = -1;
    std::int32_t signal = 0;
    uid nonce{};
    std::string_view id;
    std::string_view queue;
    std::string_view kind;
    std::string_view tag;
    std::string_view key;
    std::string_view unique_key;
    std::string_view batch;
    std::string_view error;

    bool has_lease = false;  // one is recorded: the token or anything else of it is not zero
    lease_token token{};
    std::string_view worker;
    timestamp locked_at{};
    timestamp lease_until{};
    duration lease_end{};  // boot clock
    uid boot_id{};         // of lease_end
    lease_token settled_token{};
};

namespace detail {

// What an index leaves on the disk.
struct job_bulk {
    std::string_view payload;
    std::string_view cwd;
    std::string_view env;
    std::string_view depends_on;  // texts
    std::string_view result;
    std::string_view progress;
    std::string_view attempts;  // runs
};

[[nodiscard]] inline lease_token read_token(wire_reader& r) noexcept
{
    const uid nonce = r.id();
    return {nonce, r.small<std::uint32_t>()};
}

// These set every member, so that a head can be used again and nothing is cleared first. Inlined: the parts that a
// caller does not want then cost it nothing.
[[gnu::always_inline]] inline void read_asked(wire_reader& r, std::uint32_t parts, job_head& head,
                                              job_bulk& bulk) noexcept
{
    const auto has = [parts](job_part part) { return (parts & part) != 0; };
    const auto text = [&](job_part part) { return has(part) ? r.text() : std::string_view{}; };
    head.run_at = has(part_run_at) ? r.difference(head.created_at) : head.created_at;
    head.timeout = has(part_timeout) ? r.span() : duration{};
    head.retention = has(part_retention) ? r.span() : duration{};
    head.backoff_base = std::bit_cast<double>(has(part_backoff_base) ? r.fixed<std::uint64_t>() : 0);
    head.max_retries = has(part_max_retries) ? r.small<std::int32_t>() : usual_max_retries;
    head.hold = has(part_hold) ? r.small<std::uint32_t>() : std::uint32_t{hold_none};
    head.tag = text(part_tag);
    head.key = text(part_key);
    head.unique_key = text(part_unique_key);
    head.batch = text(part_batch);
    bulk.cwd = text(part_cwd);
    bulk.env = text(part_env);
    bulk.depends_on = has(part_depends_on) ? r.bytes(r.fixed<std::uint32_t>()) : std::string_view{};
}

[[gnu::always_inline]] inline void read_lease(wire_reader& r, bool there, job_head& head) noexcept
{
    head.has_lease = there;
    head.token = there ? read_token(r) : lease_token{};
    head.locked_at = there ? r.time() : timestamp{};
    head.lease_until = there ? r.time() : timestamp{};
    head.lease_end = there ? r.span() : duration{};
    head.boot_id = there ? r.id() : uid{};
    head.worker = there ? r.text() : std::string_view{};
}

[[gnu::always_inline]] inline void read_since(wire_reader& r, std::uint32_t parts, job_head& head,
                                              job_bulk& bulk) noexcept
{
    const auto has = [parts](job_part part) { return (parts & part) != 0; };
    const auto text = [&](job_part part) { return has(part) ? r.text() : std::string_view{}; };
    head.updated_at = has(part_updated_at) ? r.difference(head.created_at) : head.created_at;
    head.attempts = has(part_counts) ? r.small<std::int32_t>() : 0;
    head.crashes = has(part_counts) ? r.small<std::int32_t>() : 0;
    read_lease(r, has(part_lease), head);
    head.settled_token = has(part_settled) ? read_token(r) : lease_token{};
    head.exit_code = has(part_last_run) ? r.small<std::int32_t>() : -1;
    head.signal = has(part_last_run) ? r.small<std::int32_t>() : 0;
    head.error = text(part_error);
    bulk.result = text(part_result);
    bulk.progress = text(part_progress);
    bulk.attempts = has(part_attempts) ? r.bytes(r.fixed<std::uint32_t>()) : std::string_view{};
    head.was_failed = has(part_was_failed);
    head.cancel_requested = has(part_cancel_requested);
}

// Whether the content is an image; its parts are known ones.
[[nodiscard, gnu::always_inline]] inline bool parse_job(std::string_view content, job_head& head,
                                                        job_bulk& bulk) noexcept
{
    wire_reader r{content};
    head.sequence = r.fixed<std::uint64_t>();
    head.created_at = r.time();
    const auto parts = r.fixed<std::uint32_t>();
    head.state = r.choice(state::cancelled);
    head.priority = static_cast<std::int8_t>(r.byte());
    head.nonce = r.id();
    head.id = r.text();
    head.queue = r.text();
    head.kind = r.text();
    read_asked(r, parts, head, bulk);
    read_since(r, parts, head, bulk);
    bulk.payload = r.rest();
    return r.ok();
}

[[nodiscard]] inline bool has_unknown_parts(std::string_view content) noexcept
{
    return content.size() >= job_parts_offset + 4 &&
           (load_le<std::uint32_t>(content.data() + job_parts_offset) & ~known_job_parts) != 0;
}
[[nodiscard]] inline failure_value bad_job(std::string_view content)
{
    return has_unknown_parts(content) ? bad_record("a job has parts newer than this program", errc::wrong_version)
                                      : bad_record("it is no job");
}
[[nodiscard, gnu::always_inline]] inline bool read_job_views(std::string_view content, job_head& head,
                                                             job_bulk& bulk) noexcept
{
    return !has_unknown_parts(content) && parse_job(content, head, bulk);
}

// Whether `bytes` are texts; they replace `out`, reusing its strings.
[[nodiscard]] inline bool read_texts(std::string_view bytes, std::vector<std::string>& out)
{
    wire_reader r{bytes};
    std::size_t count = 0;
    for (; r.left() > 0; ++count) {
        const std::string_view text = r.text();
        if (!r.ok()) return false;
        if (count < out.size())
            out[count] = text;
        else
            out.emplace_back(text);
    }
    out.resize(count);
    return true;
}

inline void assign_bytes(std::string& to, std::string_view text)
{
    if (to.size() == text.size()) {
        std::memcpy(to.data(), text.data(), text.size());
    } else {
        to.clear();
        to.append(text);
    }
}
// to = text, which is none of its own. Quick when it is empty, or as long as what was there: so it is with one job
// after another.
[[gnu::always_inline]] inline void assign(std::string& to, std::string_view text)
{
    if (text.empty())
        to.clear();
    else
        assign_bytes(to, text);
}

[[nodiscard]] inline bool assign(job& to, const job_head& head, const job_bulk& bulk)
{
    assign(to.id, head.id);
    assign(to.queue, head.queue);
    assign(to.kind, head.kind);
    assign(to.payload, bulk.payload);
    to.run_at = head.run_at;
    to.timeout = head.timeout;
    to.retention = head.retention;
    to.backoff_base = head.backoff_base;
    to.max_retries = head.max_retries;
    to.hold = head.hold;
    to.priority = head.priority;
    to.nonce = head.nonce;
    assign(to.tag, head.tag);
    assign(to.key, head.key);
    assign(to.unique_key, head.unique_key);
    assign(to.batch, head.batch);
    assign(to.cwd, bulk.cwd);
    assign(to.env, bulk.env);
    return read_texts(bulk.depends_on, to.depends_on);
}

inline void assign(job_image& to, const job_head& head, const job_bulk& bulk)
{
    job_record& r = to.record;
    r.state = head.state;
    r.attempts = head.attempts;
    r.crashes = head.crashes;
    r.created_at = head.created_at;
    r.updated_at = head.updated_at;
    r.sequence = head.sequence;
    r.token = head.token;
    r.settled_token = head.settled_token;
    r.cancel_requested = head.cancel_requested;
    r.locked_by = head.worker;
    r.locked_at = head.locked_at;
    r.lease_until = head.lease_until;
    r.exit_code = head.exit_code;
    r.signal = head.signal;
    r.error = head.error;
    r.result = bulk.result;
    r.progress = bulk.progress;
    to.was_failed = head.was_failed;
    to.lease_end = head.lease_end;
    to.boot_id = head.boot_id;
}

}  // namespace detail

// The job as it was asked for, into `out`, whose strings keep their capacity. After an error `out` holds anything.
[[nodiscard]] inline result<void> read_job(std::string_view content, job& out)
{
    job_head head;
    detail::job_bulk bulk;
    if (!detail::read_job_views(content, head, bulk) || !detail::assign(out, head, bulk))
        return detail::bad_job(content);
    return {};
}

// Allocates nothing. Says nothing about the parts that it does not return. After an error `out` holds anything.
[[nodiscard]] inline result<void> read_head(std::string_view content, job_head& out)
{
    detail::job_bulk bulk;
    if (!detail::read_job_views(content, out, bulk)) return detail::bad_job(content);
    return {};
}
[[nodiscard]] inline result<job_head> read_head(std::string_view content)
{
    job_head head;
    if (auto done = read_head(content, head); !done) return fail(done.error());
    return head;
}

[[nodiscard]] inline result<job_image> read_image(std::string_view content)
{
    job_head head;
    detail::job_bulk bulk;
    job_image image;
    if (!detail::read_job_views(content, head, bulk) || !detail::assign(image.record.job, head, bulk))
        return detail::bad_job(content);
    detail::assign(image, head, bulk);
    wire_reader runs{bulk.attempts};
    while (runs.left() > 0) {
        const run_view run = detail::read_run(runs);
        if (!runs.ok()) return detail::bad_job(content);
        image.attempts.push_back(to_attempt(run));
    }
    return image;
}

}  // namespace queuectl::inline v0::journal

#endif
