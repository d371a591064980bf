// The stored format, version 2: databases, keys and values of a store in the LMDB environment DIR/data.mdb.
//
// A change that older programs can live with raises `format`; one that they cannot write (or read) also raises
// min_writer (or min_reader) of the stores it is applied to. Stores of version 1, which no release wrote, are refused.
//
// Database           Key                              Value
// queuectl.store     'h'                              store_header, then the URL where the store was moved
//                    'Q' name, 'K' name               u32: the number of that queue, or kind
//                    'q' number, 'k' number           queue_row and the queue's name; the kind's name
//                    'w' lane, run_at, sequence       line_row: so many jobs from that sequence on stand in line
//                    'r' sequence                     lease_row: so many jobs from that sequence on are leased
//                    'g' boot (u32), end, group       lease_group: the leases that end then
//                    'e' state (u8)                   ended_row: the newest of `ended`, which goes there when full
// queuectl.jobs      sequence                         job_row: what was asked for; never written again
// queuectl.states    sequence                         state_row: what changes. None: pending since it was inserted
// queuectl.ids       id                               sequence
// queuectl.unique    unique key                       sequence of the job that waits or runs under it
// queuectl.ended     state (u8), filed_at, group      ranges: sequences of jobs that became final from then on
// queuectl.runs      sequence, run (u32)              run_row: a run that ended or was cut off; the newest 20
// queuectl.config    key                              config_row: a setting, a worker's registration, …
//
// LMDB writes whole pages, and for each database that a transaction changes at least those from its root to a leaf:
// what each call changes (header, counts, who waits, runs and has just ended) is together on the few pages of
// queuectl.store, and the rows that grow with the jobs are packed.
//
// Insertion order is `sequence`, a number that is never used twice; a revived job gets a new one. Where it is the whole
// key it is a size_t as MDB_INTEGERKEY has it. Inside other keys numbers are big-endian, signed ones with the sign bit
// flipped, so that they sort; lane: queue's number << 32 | kind's number << 8 | 127 - priority. All other numbers are
// as the machine has them: LMDB's files do not travel between kinds of machines either. Times are UTC microseconds
// since 1970, lease ends microseconds on the clock of a boot, both int64.
//
// What may be claimed once it is due stands in line: the jobs that wait and are not held, a lane for each queue, kind
// and priority, each in claim order. Neighbours (same lane and run_at, next sequence) share one entry, and so do those
// of one claim. A leased job is in exactly one lease_row and one group; its state_row, if any, is that from before the
// claim. A final job is in exactly one entry of `ended`; its state_row says in which.
#ifndef QUEUECTL_LMDB_FORMAT_HPP
#define QUEUECTL_LMDB_FORMAT_HPP

#include <queuectl/job.hpp>
#include <queuectl/limits.hpp>

#include <array>
#include <cstring>
#include <string_view>
#include <type_traits>

namespace queuectl::inline v0::detail::lmdb {

static_assert(sizeof(std::size_t) == 8, "lmdb_storage needs a 64-bit machine");

inline constexpr std::uint32_t format_version = 2;
inline constexpr std::uint32_t format_oldest = 2;

// The last four are parts of the first, each under a letter of its own.
enum class table : std::uint8_t { store, jobs, states, ids, unique, ended, runs, config, line, leased, groups, newest };
inline constexpr std::size_t table_count = 12;
inline constexpr std::size_t database_count = 8;
inline constexpr std::array<const char*, database_count> database_names = {
    "queuectl.store",  "queuectl.jobs",  "queuectl.states", "queuectl.ids",
    "queuectl.unique", "queuectl.ended", "queuectl.runs",   "queuectl.config"};
[[nodiscard]] constexpr table database_of(table t) noexcept
{
    return static_cast<std::size_t>(t) < database_count ? t : table::store;
}
// What each key of the table begins with there; 0 = nothing.
[[nodiscard]] constexpr char prefix_of(table t) noexcept
{
    switch (t) {
        case table::line: return 'w';
        case table::leased: return 'r';
        case table::groups: return 'g';
        case table::newest: return 'e';
        default: return '\0';
    }
}

// Sequences in one value of ended, and in a group, and ranges of them when it is written first: each fits on a page.
inline constexpr std::size_t ended_most = 200;
inline constexpr std::size_t ended_ranges_most = 32;
inline constexpr std::size_t group_most = 1000;
inline constexpr std::size_t group_ranges_most = 100;

struct store_header {
    std::uint32_t format, min_reader, min_writer, state;
    std::uint64_t id_high, id_low;
    std::uint64_t last_sequence;   // the last one given
    std::uint64_t last_group;      // of groups and ended
    std::uint64_t config_version;  // the last one given to an entry of config
    std::uint64_t boot_high, boot_low;
    std::uint32_t boots;  // the number of that boot: of all that this store has seen
    std::uint32_t last_queue, last_kind, reserved;
};

// Every queue that ever held a job, and how many are in each state: always equal to a recount.
struct queue_row {
    std::array<std::uint64_t, state_count> counts;
};

// Packed (see packed.hpp). Followed by the bytes of id, tag, batch, key, unique_key, cwd, env, depends_on (each id
// ended by a newline), payload.
struct job_row {
    static constexpr std::size_t times_first = 0, times = 2;
    std::int64_t run_at, created_at, timeout, retention;
    std::uint64_t backoff_base;  // of the double, the bytes from the last to the first
    std::uint64_t nonce_high, nonce_low;
    std::uint32_t queue, hold, kind;
    std::int32_t max_retries;
    std::int8_t priority;
    std::uint8_t id_bytes, tag_bytes, batch_bytes;
    std::uint16_t key_bytes, unique_key_bytes;
    std::uint32_t cwd_bytes, env_bytes, depends_on_bytes, reserved;
};

// Over job_row where both tell: priority, run_at, hold. Packed. Followed by the bytes of worker, error, result,
// progress.
struct state_row {
    enum flag : std::uint8_t {
        // The run that completed the job, when it wrote nothing: started_at, ended_at, exit_code and the worker are
        // its own, and it is in no row of runs until the job is revived.
        own_run = 2,
        forgotten_when_completed = 4,
        has_unique_key = 8,
    };
    static constexpr std::size_t times_first = 0, times = 5;
    std::int64_t run_at, updated_at, filed_at, started_at, ended_at;
    std::uint8_t state, flags;
    std::int8_t priority;
    std::uint8_t reserved;
    std::uint32_t queue;
    std::uint32_t kind, hold;
    std::int32_t attempts, crashes;
    std::uint32_t runs;  // all runs there ever were: the newest's number in the table of that name
    std::int32_t exit_code;
    std::int32_t signal;
    std::uint32_t settled_ordinal;
    std::uint64_t group;  // final: with state and filed_at the key in ended
    std::uint64_t settled_high, settled_low;
    std::uint32_t worker_bytes, error_bytes, result_bytes, progress_bytes;
};

struct line_row {
    std::uint32_t count : 31;
    std::uint32_t is_fresh : 1;  // none of them has a row in states
};

// Followed by the worker's name.
struct lease_row {
    enum flag : std::uint16_t {
        cancel_requested = 1,
        is_fresh = 2,  // as in line_row: what their state_rows would say is below, else that is 0
    };
    std::uint32_t count;                  // so many jobs, neighbours by sequence,
    std::uint32_t ordinal;                // have tokens with ordinals from this on
    std::uint64_t token_high, token_low;  // and this nonce
    std::int64_t started_at;              // when the claim was made
    std::int64_t until;                   // when the lease ends in wall time, for people
    std::int64_t end;                     // on the clock of that boot: the one that counts
    std::uint64_t group;                  // with boot and end the key in groups
    std::uint32_t boot;
    std::uint16_t flags;
    std::uint8_t state_flags;
    std::int8_t priority;
    std::int64_t run_at;
    std::uint32_t queue, kind;
};

// Followed by the worker's name and ranges in claim order: sequences (u64) and how many (u64) from each on.
struct lease_group {
    std::uint32_t live;     // how many of them are still leased in this group; never 0
    std::uint32_t scanned;  // of that many from the front none is
    std::uint32_t count;
    std::uint32_t worker_bytes;
};

// Followed by ranges.
struct ended_row {
    std::int64_t filed_at, last_at;  // the first and the last updated_at
    std::uint64_t group;
};

// Followed by the bytes of error, worker, output.
struct run_row {
    std::int32_t number;  // attempts + crashes before the run, plus 1
    std::int32_t exit_code, signal;
    std::uint32_t status;
    std::int64_t started_at, ended_at;
    std::uint64_t output_bytes;   // written in all
    std::uint64_t dropped_bytes;  // missing after the head
    std::uint64_t head_bytes;     // of output, before the gap
    std::uint64_t file;           // output over 4 KiB lies in logs/FILE-RUN; 0 = it is here
    std::uint32_t file_run;
    std::uint32_t error_bytes, worker_bytes, kept_bytes;
};

// Followed by the value.
struct config_row {
    std::uint64_t version;  // another one with every write, never used twice
    std::int64_t expires_at;
};

static_assert(sizeof(store_header) == 88 && sizeof(job_row) == 96 && sizeof(state_row) == 120 &&
              sizeof(line_row) == 4 && sizeof(lease_row) == 80 && sizeof(lease_group) == 16 &&
              sizeof(ended_row) == 24 && sizeof(run_row) == 80 && sizeof(config_row) == 16);

// The fixed part of a value; false when it is too short.
template <class Row>
[[nodiscard]] bool read_row(std::string_view bytes, Row& row) noexcept
{
    static_assert(std::is_trivially_copyable_v<Row>);
    if (bytes.size() < sizeof row) return false;
    std::memcpy(&row, bytes.data(), sizeof row);
    return true;
}
template <class Row>
[[nodiscard]] std::string_view bytes_of(const Row& row) noexcept
{
    static_assert(std::is_trivially_copyable_v<Row>);
    return {reinterpret_cast<const char*>(&row), sizeof row};
}

// Takes the next `count` bytes; false when there are fewer.
[[nodiscard]] inline bool take(std::string_view& rest, std::size_t count, std::string_view& out) noexcept
{
    if (rest.size() < count) return false;
    out = rest.substr(0, count);
    rest.remove_prefix(count);
    return true;
}

// Keys of several numbers.
template <std::size_t Bytes>
struct packed_key {
    std::array<char, Bytes> bytes{};
    std::size_t used = 0;

    template <class T>
    packed_key& add(T value) noexcept
    {
        auto bits = static_cast<std::make_unsigned_t<T>>(value);
        if constexpr (std::is_signed_v<T>) bits ^= std::make_unsigned_t<T>{1} << (8 * sizeof(T) - 1);
        for (std::size_t i = sizeof(T); i-- > 0; bits = static_cast<decltype(bits)>(sizeof(T) > 1 ? bits >> 8 : 0))
            bytes[used + i] = static_cast<char>(bits & 255);
        used += sizeof(T);
        return *this;
    }
    [[nodiscard]] std::string_view view() const noexcept { return {bytes.data(), used}; }
};
template <class T>
[[nodiscard]] T unpack(std::string_view key, std::size_t at) noexcept
{
    using bits_type = std::make_unsigned_t<T>;
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < sizeof(T) && at + i < key.size(); ++i)
        bits = bits << 8 | static_cast<unsigned char>(key[at + i]);
    if constexpr (std::is_signed_v<T>) bits ^= std::uint64_t{1} << (8 * sizeof(T) - 1);
    return static_cast<T>(static_cast<bits_type>(bits));
}

// A lane holds the waiting jobs of one queue, kind and priority. By queue, then kind, then priority from the highest.
inline constexpr std::uint32_t lane_kind_max = (1u << 24) - 1;
inline constexpr std::uint32_t lane_queue_max = ~std::uint32_t{0} - 1;
[[nodiscard]] constexpr std::uint64_t lane_of(std::uint64_t queue, std::uint64_t kind, int priority) noexcept
{
    return queue << 32 | kind << 8 | static_cast<std::uint64_t>(limits::priority_max - priority);
}
[[nodiscard]] constexpr std::uint32_t lane_queue(std::uint64_t lane) noexcept
{
    return static_cast<std::uint32_t>(lane >> 32);
}
[[nodiscard]] constexpr int lane_priority(std::uint64_t lane) noexcept
{
    return limits::priority_max - static_cast<int>(lane & 255);
}

[[nodiscard]] inline packed_key<24> line_key(std::uint64_t lane, std::int64_t run_at, std::uint64_t sequence) noexcept
{
    return packed_key<24>{}.add(lane).add(run_at).add(sequence);
}
[[nodiscard]] inline packed_key<20> group_key(std::uint32_t boot, std::int64_t end, std::uint64_t group) noexcept
{
    return packed_key<20>{}.add(boot).add(end).add(group);
}
[[nodiscard]] inline packed_key<17> ended_key(queuectl::state s, std::int64_t filed_at, std::uint64_t group) noexcept
{
    return packed_key<17>{}.add(static_cast<std::uint8_t>(s)).add(filed_at).add(group);
}
[[nodiscard]] inline packed_key<12> run_key(std::uint64_t sequence, std::uint32_t run) noexcept
{
    return packed_key<12>{}.add(sequence).add(run);
}

[[nodiscard]] inline std::int64_t ticks(timestamp t) noexcept { return t.time_since_epoch().count(); }
[[nodiscard]] inline timestamp time_of(std::int64_t us) noexcept { return timestamp{duration{us}}; }

}  // namespace queuectl::inline v0::detail::lmdb

#endif
