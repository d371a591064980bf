// A job as it is stored: what was asked for, and its record.
#ifndef QUEUECTL_JOB_HPP
#define QUEUECTL_JOB_HPP

#include <queuectl/receipt.hpp>
#include <queuectl/state.hpp>
#include <queuectl/time.hpp>
#include <queuectl/uid.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace queuectl::inline v0 {

// What was asked for; every default is resolved at enqueue, so that a later change of settings applies to
// later jobs only. Limits: limits.hpp. Strings hold any bytes where nothing else is said.
struct job {
    std::string id;       // a name of at most 128 bytes
    std::string queue;    // a name of at most 64 bytes
    std::string kind;     // a name, or empty; "shell" and "argv" are process_executor's
    std::string payload;  // opaque bytes; "shell": the command; "argv": the words, each ended by NUL

    timestamp run_at{};            // not claimable before; a retry moves it
    duration timeout{};            // of one run; 0 = none
    duration retention{};          // the record is kept this long once completed; 0 = removed at once
    double backoff_base = 0;       // seconds; 0 = the worker's own backoff decides
    std::int32_t max_retries = 3;  // runs after the first; max_attempts − 1
    std::uint32_t hold = hold_none;
    std::int8_t priority = 0;  // higher first
    uid nonce{};               // the enqueuer's: the same id and nonce again is the same insert

    std::string tag;                      // a name, or empty
    std::string key;                      // order and limits per key (≤ 255 bytes)
    std::string unique_key;               // at most one waiting job per key (≤ 255 bytes)
    std::string batch;                    // the batch it belongs to: a name, or empty
    std::string cwd;                      // process_executor: where to run it; empty = the worker's directory
    std::string env;                      // process_executor: NAME=VALUE, each ended by NUL
    std::vector<std::string> depends_on;  // ids
};

// How a run ended. The numbers are stored.
enum class run_status : std::uint8_t {
    succeeded = 0,
    failed = 1,     // the handler said so, or the exit code was not 0
    timed_out = 2,  // stopped at its timeout: a failure
    cancelled = 3,  // stopped on request
    crashed = 4,    // the worker died, or its lease ran out
};

// What a run wrote: stdout and stderr as one stream, in the order written; the middle of a long one is dropped.
struct run_output {
    std::string head;
    std::string tail;                 // what follows the gap; empty when nothing was dropped
    std::uint64_t dropped_bytes = 0;  // between head and tail
};

// One run of a job.
struct attempt {
    std::int32_t number = 0;  // 1, 2, …: its place among the job's runs, crashed ones included
    run_status status = run_status::failed;
    std::int32_t exit_code = -1;  // −1 = none (a handler, or a crash); 128 + n when signalled
    std::int32_t signal = 0;      // 0 = none
    timestamp started_at{};
    timestamp ended_at{};
    std::string error;               // why it failed, in words; empty on success
    std::string worker;              // who ran it
    run_output output;               // filled by `output()` only, not by `attempts()`
    std::uint64_t output_bytes = 0;  // in all, dropped ones included
};

// A job and all that is known of it.
struct job_record {
    queuectl::job job;
    queuectl::state state = state::pending;
    std::int32_t attempts = 0;  // runs that ended
    std::int32_t crashes = 0;   // runs cut off since the job was enqueued or revived
    timestamp created_at{};
    timestamp updated_at{};
    std::uint64_t sequence = 0;  // insertion order; breaks ties of run_at

    lease_token token{};            // the current lease; none unless processing
    lease_token settled_token{};    // the lease that settled it last
    bool cancel_requested = false;  // told to the holder by extend
    std::string locked_by;          // worker that holds the lease
    timestamp locked_at{};
    timestamp lease_until{};  // for people: the clock that counts is in the storage

    std::int32_t exit_code = -1;  // of the last run that ended
    std::int32_t signal = 0;
    std::string error;     // why the last run failed or was cut off; cleared by success
    std::string result;    // what a handler returned (≤ 64 KiB)
    std::string progress;  // what a handler last reported
};

}  // namespace queuectl::inline v0

#endif
