// The stored format, version 4: keys and the layout of their values. All numbers in them are big-endian, times are
// doubles of microseconds UTC (exact up to 2^53), strings any bytes.
//
// Keys, each after the prefix of the store ("queuectl:" by default):
//   store          hash: format, id (32 hexadecimal digits), gate (min_reader, min_writer and state as numbers with
//                  spaces between), moved_to; seq, the last sequence; config_version; boot, of handles with a clock of
//                  their own. Channel of the same name: 16 bytes of the sender, then "w" (work) or "c" (control).
//   jobs           hash: id → job as it was asked for (JOB), written once; every job
//   jobs:state     hash: id → what happened to it since (STATE), unless it happened to several together
//   jobs:spans     zset: sequence of the first, SPAN: what happened to jobs whose sequences are in a row; under its
//                  negative while they are leased (GROUP), under itself once they are completed. A job's STATE decides
//                  where it has one, else the SPAN that has its sequence; with neither it is pending, untouched
//   jobs:order     zset: sequence of the first, IDS of at most 64 jobs whose sequences are in a row; a hole (length 0)
//                  where a job went away or got another sequence
//   retry_queue    zset of one score: PLACE, then IDS, of jobs that wait and are not held; bytes give claim order.
//                  At most 64 jobs without a STATE are in one member when they differ in nothing but their sequence,
//                  which are in a row; the PLACE is the first one's
//   leases         zset: CLAIM, of which no lease ends before the score (on the server's clock; each job's own end is
//                  in its STATE, so that a heartbeat writes nothing here)
//   leases:held    hash: CLAIM → IDS of the jobs it took, in the order of their ordinals; its nonce → GROUP, while it
//                  holds jobs that have no STATE
//   leases:ended   hash: CLAIM → how many of its jobs are no longer held, once some are and not all
//   cancelled, dead   zset: updated_at, id
//   completed      zset: updated_at; token of one of them (20), sequence of the first where a SPAN tells of them or 0
//                  (8), IDS of at most 64 jobs that were completed together. The SPAN goes with the last of them
//   dead_letter    zset: sequence, id; the dead letter queue in insertion order
//   counts         hash: digits of two states, queue → how many went from the one to the other ("-": from or to
//                  outside). Who came minus who left is how many are there; always equal to a recount
//   unique         hash: unique key → sequence (8), id of the job that took it last
//   runs           hash: id → runs (RUN), oldest first
//   output         hash: id, "#", RUN's place → head and tail of what the run wrote
//   config         hash: key → version (8, a double), expires_at (8), value;  config:expiry zset: expires_at, key
//   reply:HANDLE   string, forgotten after ten minutes: number and answer of the handle's last change, so that a change
//                  whose answer was lost can be asked for again
//
// CLAIM   worker (length 2, text), nonce of the claim (16)
// IDS     for each its length (1) and text
// PLACE   127 − priority (1), queue (length 1, text), kind (length 1, text), run_at (8), sequence (8), whether the job
//         has a STATE (1). So all jobs of a queue, kind and priority are one stretch in order of run_at and sequence;
//         the due ones are its beginning, and nothing has to be moved when time passes. A claim looks at the first job
//         of each stretch and takes from the beginning of the best. run_at as microseconds + 2^53, so that bytes order
//         like times. (One score for all: a score per job could hold only one of the five. Priority is in front, so
//         that stretches come in that order.)
// JOB     version 4 (1), flags (1), PLACE up to kind (length 1), run_at as in PLACE (8), tag (length 1), unique_key
//         (length 1); then what no script reads; at the end created_at (8, a double), nonce (16), sequence (8)
//         flags: 4 has a unique key, 8 is removed when it completes, 16 held, 32 due at once
// STATE   nonce of the token (16), exit_code, signal (4 each), started_at, ended_at of the last run (8 each), token
// that
//         settled it last (20), state before the claim, flags (1 each), attempts, crashes, runs (4 each), updated_at
//         (8), end of the lease on the server's clock (8, a double), how many jobs its claim took (4), locked_at,
//         lease_until (8 each), PLACE up to kind (length 1), worker (2), error (2), result (4), progress (4), state
//         (1), ordinal of the token (4), run_at as in PLACE (8), sequence (8). What differs among the jobs of a claim
//         is at the end, of JOB too: a Lua that hashes only some bytes of a long string takes the last flags: those of
//         JOB; 1 cancellation asked for; 2 the run that completed it wrote nothing and is told here only
// GROUP   for jobs without a STATE that a claim took, four or more at once: how many jobs the claim took (4),
//         locked_at, end of the lease on the server's clock, lease_until (8 each, doubles), worker (length 2), number
//         of spans (1); of each: ordinal of the first (4), how many (1), sequence of the first (8), flags as in STATE
//         (1), run_at as in PLACE (8), PLACE up to kind (length 1); then a byte for each job of the claim: 1 = this
//         tells of it, 0 = it has a STATE or is no longer held
// SPAN    leased: how many (1), ordinal of the first (4), nonce of the claim (16)
//         completed by runs with nothing to say: how many (1), updated_at, locked_at, lease_until (8 each, doubles),
//         worker (length 2); of each: exit_code, signal (4 each), started_at, ended_at (8 each), token (20)
// RUN     length (4), place among all runs there ever were (4), number (4), worker (length 2), REPORT
// REPORT  status (1), exit_code, signal (4 each), started_at, ended_at, bytes written, bytes dropped (8 each, doubles),
//         bytes before the gap (4), whether output is kept (1), error (length 2)
//
// Cluster: all keys of a store must be in one slot, so its prefix needs a part in braces: "{queuectl}:".
#ifndef QUEUECTL_REDIS_FORMAT_HPP
#define QUEUECTL_REDIS_FORMAT_HPP

#include <queuectl/facets.hpp>
#include <queuectl/limits.hpp>

#include <bit>

namespace queuectl::inline v0::detail::redis {

inline constexpr int format_version = 4;

enum job_flag : std::uint8_t { flag_unique = 4, flag_forget = 8, flag_held = 16, flag_at_once = 32 };
enum state_flag : std::uint8_t { flag_cancel = 1, flag_own_run = 2 };

// Appends big-endian values to a string.
class packer {
public:
    explicit packer(std::string& out) noexcept : out_{out} {}
    packer& number(std::uint64_t value, std::size_t bytes)
    {
        char big[8];
        for (std::size_t i = 0; i < bytes; ++i) big[i] = static_cast<char>(value >> (8 * (bytes - 1 - i)) & 255);
        out_.append(big, bytes);
        return *this;
    }
    packer& byte(std::uint8_t value) { return number(value, 1); }
    packer& int32(std::int32_t value) { return number(static_cast<std::uint32_t>(value), 4); }
    packer& real(double value) { return number(std::bit_cast<std::uint64_t>(value), 8); }
    packer& micros(duration d) { return real(static_cast<double>(saturate(d).count())); }
    packer& time(timestamp t) { return micros(t.time_since_epoch()); }
    packer& id(const uid& u) { return number(u.high, 8).number(u.low, 8); }
    packer& token(const lease_token& t) { return id(t.nonce).number(t.ordinal, 4); }
    packer& text(std::string_view bytes, std::size_t length_bytes)
    {
        number(bytes.size(), length_bytes);
        out_ += bytes;
        return *this;
    }

private:
    std::string& out_;
};

// Reads them back; what is not there reads as zero or empty and makes good() false.
class unpacker {
public:
    explicit unpacker(std::string_view bytes) noexcept : rest_{bytes} {}
    [[nodiscard]] bool good() const noexcept { return good_; }
    [[nodiscard]] std::string_view rest() const noexcept { return rest_; }
    std::string_view take(std::size_t n)
    {
        good_ = good_ && n <= rest_.size();
        const auto bytes = rest_.substr(0, good_ ? n : 0);
        rest_.remove_prefix(bytes.size());
        return bytes;
    }
    std::uint64_t number(std::size_t bytes)
    {
        std::uint64_t value = 0;
        for (const char c : take(bytes)) value = value << 8 | static_cast<unsigned char>(c);
        return value;
    }
    std::uint8_t byte() { return static_cast<std::uint8_t>(number(1)); }
    std::int32_t int32() { return static_cast<std::int32_t>(static_cast<std::uint32_t>(number(4))); }
    double real() { return std::bit_cast<double>(number(8)); }
    duration micros()
    {
        const double value = real();
        constexpr auto most = static_cast<double>(time_max_us);
        if (!(value > -most)) return -duration_max;
        return value > most ? duration_max : duration{static_cast<std::int64_t>(value)};
    }
    timestamp time() { return timestamp{micros()}; }
    uid id()
    {
        uid u;
        u.high = number(8);
        u.low = number(8);
        return u;
    }
    lease_token token()
    {
        lease_token t;
        t.nonce = id();
        t.ordinal = static_cast<std::uint32_t>(number(4));
        return t;
    }
    std::string_view text(std::size_t length_bytes) { return take(static_cast<std::size_t>(number(length_bytes))); }

private:
    std::string_view rest_;
    bool good_ = true;
};

inline constexpr std::int64_t run_at_bias = std::int64_t{1} << 53;
inline void pack_run_at(packer& p, timestamp t)
{
    p.number(static_cast<std::uint64_t>(saturate(t.time_since_epoch()).count() + run_at_bias), 8);
}
[[nodiscard]] inline timestamp unpack_run_at(unpacker& u)
{
    return timestamp{saturate(duration{static_cast<std::int64_t>(u.number(8)) - run_at_bias})};
}

}  // namespace queuectl::inline v0::detail::redis

#endif
