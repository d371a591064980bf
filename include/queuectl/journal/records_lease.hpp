// The records of leases: `claim`, `extend`, `end`. Their bytes: journal/records.hpp.
#ifndef QUEUECTL_JOURNAL_RECORDS_LEASE_HPP
#define QUEUECTL_JOURNAL_RECORDS_LEASE_HPP

#include <queuectl/journal/records_run.hpp>

#include <span>
#include <vector>

namespace queuectl::inline v0::journal {

// Jobs were leased: the i-th has the token {nonce, first_ordinal + i}.
struct claim_record {
    uid nonce{};
    std::uint32_t first_ordinal = 0;
    std::string_view worker;
    instant now{};
    duration lease{};
    std::span<const std::uint64_t> sequences;
};

// Leases run `length` from `now` on.
struct extend_record {
    instant now{};
    duration length{};
    std::span<const std::uint64_t> sequences;
};

// A lease of one job ended.
struct end_record {
    std::uint64_t sequence = 0;
    std::uint64_t previous = 0;  // location of the job's last `end` behind its image; 0 = none
    queuectl::state state = queuectl::state::pending;
    timestamp now{};
    timestamp run_at{};         // from now on
    std::int32_t attempts = 0;  // these two too
    std::int32_t crashes = 0;
    lease_token token{};  // the lease that ended
    bool was_failed = false;
    bool counts_crash = false;     // it was cut off, not settled
    const attempt* run = nullptr;  // the run that ended; null = none
    std::uint64_t output_file = 0;
    bool set_error = false;
    std::string_view error;
    bool set_result = false;
    std::string_view result;
    std::uint32_t image_bytes = 0;  // what the job's image would take from now on
};

// The same as it was read; the views point into the content.
struct end_view {
    std::uint64_t sequence = 0;
    std::uint64_t previous = 0;
    queuectl::state state = queuectl::state::pending;
    timestamp now{};
    timestamp run_at{};
    std::int32_t attempts = 0;
    std::int32_t crashes = 0;
    lease_token token{};
    bool was_failed = false;
    bool counts_crash = false;
    bool has_run = false;
    run_view run;
    bool set_error = false;
    std::string_view error;
    bool set_result = false;
    std::string_view result;
    std::uint32_t image_bytes = 0;
};

[[nodiscard]] inline stored_attempt to_attempt(const end_view& end) { return to_attempt(end.run); }

namespace detail {

inline constexpr std::size_t worker_bytes_usual_max = 255;

enum end_flag : std::uint8_t {
    end_has_run = 1,
    end_counts_crash = 2,
    end_sets_error = 4,
    end_error_is_of_run = 8,  // it is not written twice
    end_sets_result = 16,
    end_was_failed = 32,
};
inline constexpr std::uint8_t known_end_flags = 63;

inline void write_instant(wire_writer& w, const instant& now) noexcept
{
    w.time(now.wall);
    w.time(now.boot);
    w.id(now.boot_id);
}
[[nodiscard]] inline instant read_instant(wire_reader& r) noexcept
{
    instant now;
    now.wall = r.time();
    now.boot = r.span();
    now.boot_id = r.id();
    return now;
}

[[nodiscard]] constexpr std::size_t sequences_bytes_max(std::size_t count) noexcept
{
    return varint_bytes_max * (1 + count);
}
inline void write_sequences(wire_writer& w, std::span<const std::uint64_t> sequences) noexcept
{
    w.varint(sequences.size());
    std::uint64_t before = 0;
    for (const std::uint64_t sequence : sequences) {
        w.difference(sequence, before);
        before = sequence;
    }
}
inline void read_sequences(wire_reader& r, std::vector<std::uint64_t>& out)
{
    out.clear();
    const std::uint64_t count = r.varint();
    if (count > r.left()) return r.fail();
    out.resize(static_cast<std::size_t>(count));
    std::uint64_t before = 0;
    for (auto& sequence : out) sequence = before = r.difference(before);
}

[[nodiscard]] inline bool has_error_of_run(const end_record& e) noexcept
{
    return e.set_error && e.run != nullptr && !e.error.empty() && e.run->error == e.error;
}

[[nodiscard]] inline unsigned flags_of(const end_record& e) noexcept
{
    const auto flag_if = [](bool set, end_flag flag) { return set ? unsigned{flag} : 0U; };
    return flag_if(e.run != nullptr, end_has_run) | flag_if(e.counts_crash, end_counts_crash) |
           flag_if(e.set_error, end_sets_error) | flag_if(has_error_of_run(e), end_error_is_of_run) |
           flag_if(e.set_result, end_sets_result) | flag_if(e.was_failed, end_was_failed);
}

}  // namespace detail

// No less than append_claim appends for such a worker's name.
[[nodiscard]] constexpr std::size_t claim_bytes_max(std::size_t jobs,
                                                    std::size_t worker_bytes = detail::worker_bytes_usual_max) noexcept
{
    constexpr std::size_t scalars = record_header_bytes + 16 + 32 + 8 + 4 + small_bytes_max;
    return scalars + worker_bytes + detail::sequences_bytes_max(jobs);
}
inline void append_claim(std::string& out, const claim_record& claim)
{
    const std::size_t bytes_max = claim_bytes_max(claim.sequences.size(), claim.worker.size());
    detail::record_writer w{out, record_type::claim, bytes_max - record_header_bytes};
    w.id(claim.nonce);
    detail::write_instant(w, claim.now);
    w.time(claim.lease);
    w.fixed(claim.first_ordinal);
    w.text(claim.worker);
    detail::write_sequences(w, claim.sequences);
    w.finish();
}
// Replaces `sequences`; the value's span is over it.
[[nodiscard]] inline result<claim_record> read_claim(std::string_view content, std::vector<std::uint64_t>& sequences)
{
    wire_reader r{content};
    claim_record claim;
    claim.nonce = r.id();
    claim.now = detail::read_instant(r);
    claim.lease = r.span();
    claim.first_ordinal = r.fixed<std::uint32_t>();
    claim.worker = r.text();
    detail::read_sequences(r, sequences);
    claim.sequences = sequences;
    if (!r.done()) return detail::bad_record("it is no claim");
    return claim;
}

[[nodiscard]] constexpr std::size_t extend_bytes_max(std::size_t jobs) noexcept
{
    return record_header_bytes + 32 + 8 + detail::sequences_bytes_max(jobs);
}
inline void append_extend(std::string& out, const extend_record& extend)
{
    const std::size_t bytes_max = extend_bytes_max(extend.sequences.size());
    detail::record_writer w{out, record_type::extend, bytes_max - record_header_bytes};
    detail::write_instant(w, extend.now);
    w.time(extend.length);
    detail::write_sequences(w, extend.sequences);
    w.finish();
}
// Replaces `sequences`; the value's span is over it.
[[nodiscard]] inline result<extend_record> read_extend(std::string_view content, std::vector<std::uint64_t>& sequences)
{
    wire_reader r{content};
    extend_record extend;
    extend.now = detail::read_instant(r);
    extend.length = r.span();
    detail::read_sequences(r, sequences);
    extend.sequences = sequences;
    if (!r.done()) return detail::bad_record("it is no extension of leases");
    return extend;
}

// What an end takes beside its texts, run and all, at most.
inline constexpr std::size_t end_scalars_bytes_max = 256;

[[nodiscard]] inline std::size_t end_bytes_max(const end_record& e) noexcept
{
    constexpr std::size_t scalars =
        record_header_bytes + 8 + 8 + 8 + 1 + 1 + 16 + 4 * small_bytes_max + varint_bytes_max;
    static_assert(scalars + detail::run_scalars_bytes_max + 6 * small_bytes_max <= end_scalars_bytes_max);
    return scalars + (e.run != nullptr ? detail::run_bytes_max(*e.run) : 0) + text_bytes_max(e.error) +
           text_bytes_max(e.result);
}
inline void append_end(std::string& out, const end_record& e)
{
    using namespace detail;
    record_writer w{out, record_type::end, end_bytes_max(e) - record_header_bytes};
    w.fixed(e.sequence);
    w.fixed(e.previous);
    w.time(e.now);
    w.byte(static_cast<unsigned>(e.state));
    w.byte(flags_of(e));
    w.id(e.token.nonce);
    w.varint(e.token.ordinal);
    w.difference(e.run_at, e.now);
    w.signed_varint(e.attempts);
    w.signed_varint(e.crashes);
    w.varint(e.image_bytes);
    if (e.run != nullptr) write_run(w, *e.run, e.output_file);
    if (e.set_error && !has_error_of_run(e)) w.text(e.error);
    if (e.set_result) w.text(e.result);
    w.finish();
}
[[nodiscard]] inline result<end_view> read_end(std::string_view content)
{
    using namespace detail;
    wire_reader r{content};
    end_view e;
    e.sequence = r.fixed<std::uint64_t>();
    e.previous = r.fixed<std::uint64_t>();
    e.now = r.time();
    e.state = r.choice(state::cancelled);
    const std::uint8_t flags = r.byte();
    if ((flags & ~known_end_flags) != 0) r.fail();
    e.has_run = (flags & end_has_run) != 0;
    e.counts_crash = (flags & end_counts_crash) != 0;
    e.set_error = (flags & end_sets_error) != 0;
    e.set_result = (flags & end_sets_result) != 0;
    e.was_failed = (flags & end_was_failed) != 0;
    e.token.nonce = r.id();
    e.token.ordinal = r.small<std::uint32_t>();
    e.run_at = r.difference(e.now);
    e.attempts = r.small<std::int32_t>();
    e.crashes = r.small<std::int32_t>();
    e.image_bytes = r.small<std::uint32_t>();
    if (e.has_run) e.run = read_run(r);
    if (e.set_error) e.error = (flags & end_error_is_of_run) != 0 ? e.run.error : r.text();
    if (e.set_result) e.result = r.text();
    if (!r.done()) return bad_record("it is no end of a lease");
    return e;
}

}  // namespace queuectl::inline v0::journal

#endif
