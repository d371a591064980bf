// A run inside a record: an attempt as it is stored.
#ifndef QUEUECTL_JOURNAL_RECORDS_RUN_HPP
#define QUEUECTL_JOURNAL_RECORDS_RUN_HPP

#include <queuectl/job.hpp>
#include <queuectl/journal/record.hpp>

namespace queuectl::inline v0::journal {

// A run that is kept: its output is inline, in run.output, or in the output file of that number.
struct stored_attempt {
    queuectl::attempt run;
    std::uint64_t output_file = 0;
};

// The same as views into a record.
struct run_view {
    std::int32_t number = 0;
    run_status status = run_status::failed;
    std::int32_t exit_code = -1;
    std::int32_t signal = 0;
    timestamp started_at{};
    timestamp ended_at{};
    std::string_view error;
    std::string_view worker;
    std::string_view output_head;
    std::string_view output_tail;
    std::uint64_t dropped_bytes = 0;
    std::uint64_t output_bytes = 0;
    std::uint64_t output_file = 0;
};

[[nodiscard]] inline stored_attempt to_attempt(const run_view& v)
{
    stored_attempt stored;
    attempt& run = stored.run;
    run.number = v.number;
    run.status = v.status;
    run.exit_code = v.exit_code;
    run.signal = v.signal;
    run.started_at = v.started_at;
    run.ended_at = v.ended_at;
    run.error = v.error;
    run.worker = v.worker;
    run.output.head = v.output_head;
    run.output.tail = v.output_tail;
    run.output.dropped_bytes = v.dropped_bytes;
    run.output_bytes = v.output_bytes;
    stored.output_file = v.output_file;
    return stored;
}

namespace detail {

inline constexpr std::uint8_t run_has_output = 128;

inline constexpr std::size_t run_scalars_bytes_max = 1 + 3 * small_bytes_max + 8 + 4 * varint_bytes_max;
[[nodiscard]] inline std::size_t run_bytes_max(const attempt& run) noexcept
{
    return run_scalars_bytes_max + text_bytes_max(run.error) + text_bytes_max(run.worker) +
           text_bytes_max(run.output.head) + text_bytes_max(run.output.tail);
}

inline void write_run(wire_writer& w, const attempt& run, std::uint64_t output_file)
{
    const run_output& output = run.output;
    const bool has_output =
        (run.output_bytes | output_file | output.dropped_bytes) != 0 || !output.head.empty() || !output.tail.empty();
    w.byte(static_cast<unsigned>(run.status) | (has_output ? run_has_output : 0U));
    w.signed_varint(run.number);
    w.signed_varint(run.exit_code);
    w.signed_varint(run.signal);
    w.time(run.started_at);
    w.difference(run.ended_at, run.started_at);
    w.text(run.error);
    w.text(run.worker);
    if (!has_output) return;
    w.varint(run.output_bytes);
    w.varint(output_file);
    w.varint(output.dropped_bytes);
    w.text(output.head);
    w.text(output.tail);
}

// reader.ok() tells whether there was one.
[[nodiscard]] inline run_view read_run(wire_reader& r)
{
    run_view run;
    const std::uint8_t first = r.byte();
    const auto status = static_cast<std::uint8_t>(first & ~run_has_output);
    if (status > static_cast<std::uint8_t>(run_status::crashed)) r.fail();
    if (!r.ok()) return run;
    run.status = static_cast<run_status>(status);
    run.number = r.small<std::int32_t>();
    run.exit_code = r.small<std::int32_t>();
    run.signal = r.small<std::int32_t>();
    run.started_at = r.time();
    run.ended_at = r.difference(run.started_at);
    run.error = r.text();
    run.worker = r.text();
    if ((first & run_has_output) == 0) return run;
    run.output_bytes = r.varint();
    run.output_file = r.varint();
    run.dropped_bytes = r.varint();
    run.output_head = r.text();
    run.output_tail = r.text();
    return run;
}

}  // namespace detail

}  // namespace queuectl::inline v0::journal

#endif
