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

inline void read_asked(wire_reader& r, std::uint32_t parts, job_head& head, job_bulk& bulk) noexcept
{
    head.run_at = (parts & part_run_at) != 0 ? r.difference(head.created_at) : head.created_at;
    if ((parts & part_timeout) != 0) head.timeout = duration{r.signed_varint()};
    if ((parts & part_retention) != 0) head.retention = duration{r.signed_varint()};
    if ((parts & part_backoff_base) != 0) head.backoff_base = std::bit_cast<double>(r.fixed<std::uint64_t>());
    if ((parts & part_max_retries) != 0) head.max_retries = r.small<std::int32_t>();
    if ((parts & part_hold) != 0) head.hold = r.small<std::uint32_t>();
    if ((parts & part_tag) != 0) head.tag = r.text();
    if ((parts & part_key) != 0) head.key = r.text();
    if ((parts & part_unique_key) != 0) head.unique_key = r.text();
    if ((parts & part_batch) != 0) head.batch = r.text();
    if ((parts & part_cwd) != 0) bulk.cwd = r.text();
    if ((parts & part_env) != 0) bulk.env = r.text();
    if ((parts & part_depends_on) != 0) bulk.depends_on = r.bytes(r.fixed<std::uint32_t>());
}

inline void read_lease(wire_reader& r, job_head& head) noexcept
{
    head.has_lease = true;
    head.token = read_token(r);
    head.locked_at = r.time();
    head.lease_until = r.time();
    head.lease_end = r.span();
    head.boot_id = r.id();
    head.worker = r.text();
}

inline void read_since(wire_reader& r, std::uint32_t parts, job_head& head, job_bulk& bulk) noexcept
{
    if ((parts & part_updated_at) != 0) head.updated_at = r.difference(head.created_at);
    if ((parts & part_counts) != 0) {
        head.attempts = r.small<std::int32_t>();
        head.crashes = r.small<std::int32_t>();
    }
    if ((parts & part_lease) != 0) read_lease(r, head);
    if ((parts & part_settled) != 0) head.settled_token = read_token(r);
    if ((parts & part_last_run) != 0) {
        head.exit_code = r.small<std::int32_t>();
        head.signal = r.small<std::int32_t>();
    }
    if ((parts & part_error) != 0) head.error = r.text();
    if ((parts & part_result) != 0) bulk.result = r.text();
    if ((parts & part_progress) != 0) bulk.progress = r.text();
    if ((parts & part_attempts) != 0) bulk.attempts = r.bytes(r.fixed<std::uint32_t>());
    head.was_failed = (parts & part_was_failed) != 0;
    head.cancel_requested = (parts & part_cancel_requested) != 0;
}

// Whether the content is an image; its parts are known ones.
[[nodiscard]] inline bool parse_job(std::string_view content, job_head& head, job_bulk& bulk) noexcept
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
    head.updated_at = head.created_at;
    if (parts >= part_updated_at) read_since(r, parts, head, bulk);
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
[[nodiscard]] inline bool read_job_views(std::string_view content, job_head& head, job_bulk& bulk) noexcept
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

[[nodiscard]] inline bool assign(job& to, const job_head& head, const job_bulk& bulk)
{
    to.id = head.id;
    to.queue = head.queue;
    to.kind = head.kind;
    to.payload = bulk.payload;
    to.run_at = head.run_at;
    to.timeout = head.timeout;
    to.retention = head.retention;
    to.backoff_base = head.backoff_base;
    to.max_retries = head.max_retries;
    to.hold = head.hold;
    to.priority = head.priority;
    to.nonce = head.nonce;
    to.tag = head.tag;
    to.key = head.key;
    to.unique_key = head.unique_key;
    to.batch = head.batch;
    to.cwd = bulk.cwd;
    to.env = bulk.env;
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

// Allocates nothing. Says nothing about the parts that it does not return.
[[nodiscard]] inline result<job_head> read_head(std::string_view content)
{
    result<job_head> head{job_head{}};
    detail::job_bulk bulk;
    if (!detail::read_job_views(content, *head, bulk)) head = detail::bad_job(content);
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
