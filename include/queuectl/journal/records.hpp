// The records in the body of a transaction frame: their bytes, and everything that writes and reads them.
//
//   body    := record …
//   record  := header (12 bytes) , content
//
//   header  0  4  CRC32C of all that follows in the record
//           4  4  bytes of the content
//           8  1  type
//           9  1  flags: 1 = a program that does not know the type skips the record; else the store is too new for it
//          10  2  zero
//
// So a record can be read alone. Its *location* is (segment number << 40) | offset of its first byte in the file.
//
// All integers are little-endian. u8 … u64: so many bits; v: a varint, s: a signed varint, text: its bytes behind a
// varint of their number (journal/wire.hpp). time: microseconds since 1970-01-01 UTC, boot: microseconds of
// CLOCK_BOOTTIME, span: microseconds, all as u64 in two's complement. uid: u64 high, u64 low. A − B is the signed
// varint of the difference modulo 2^64. token: uid, v ordinal. instant: time, boot, uid of the boot.
// sequences: v count, then for each the signed varint of its difference from the one before (the first: from 0).
// A job is named by its sequence, everywhere but in its own image.
//
// 1 job: the image of a job, written when it is inserted or restored from elsewhere, and again when it is moved;
//   replaces what was known of it
//    u64 sequence, time created_at, u32 parts, u8 state, u8 priority (int8), uid nonce, text id, text queue, text kind,
//    the parts whose bit is set, payload (to the end of the record). A part that is not there is 0, empty or as said.
//      bit  0 run_at − created_at (else created_at)     13 updated_at − created_at (else created_at)
//           1 span timeout                              14 s attempts, s crashes
//           2 span retention                            15 the lease: token, time locked_at, time lease_until,
//           3 8 backoff_base (IEEE 754 double)                 boot lease_end, uid boot, text worker
//           4 s max_retries (else 3)                    16 token settled_token
//           5 v hold                                    17 s exit code, s signal (else −1, 0)
//           6 text tag                                  18 text error
//           7 text key                                  19 text result
//           8 text unique_key                           20 text progress
//           9 text batch                                21 u32 bytes, then the kept attempts: run …
//          10 text cwd                                  22 (nothing) a release makes it failed, not pending
//          11 text env                                  23 (nothing) its cancellation was requested
//          12 u32 bytes, then depends_on: text …        24 … 31: a program that does not know them refuses the store
//    run := u8 status, + 128 when it has output; s number, s exit code, s signal, time started_at,
//           ended_at − started_at, text error, text worker; with output: v bytes in all, v number of the output file
//           (0 = inline), v dropped bytes, text head, text tail
// 2 claim: leases begin; the i-th job's token has the ordinal first + i
//    uid nonce, instant, span lease, u32 first ordinal, text worker, sequences
// 3 extend: leases end later
//    instant, span from then on, sequences
// 4 end: a lease ended
//    u64 sequence, u64 location of the job's previous `end` (0 = none behind its image), time (updated_at), u8 state,
//    u8 flags (1 a run, 2 counted as a crash, 4 sets the error, 8 to that of the run, 16 sets the result,
//    32 a release makes it failed), token of the lease, run_at − time, s attempts, s crashes, v bytes of its image now;
//    [1] run, [4 without 8] text error, [16] text result
// 5 change: what was done to a job from outside
//    u64 sequence, time (updated_at), u8 kind (change_kind), u8 state, u8 priority (int8), run_at − time
// 6 remove: jobs are forgotten                             sequences
// 7 config: a keyed value                                  u64 version, time expires_at, text key, text value
// 8 unconfig: it is erased                                 u64 version, text key
// 9 queues: names that are remembered                      text … to the end of the record
// 10 header: the state of the store                        time created_at, u8 state (0 open, 1 read-only, 2 moved,
//                                                          3 moving; a program takes one that it does not know for 1),
//                                                          text the URL that it was, or is being, moved to
//
// Readers take any bytes: every value or error that they return is within the record, and they allocate no more than
// in proportion to it. A wrong number of bytes, or a number outside an enumeration, is errc::corrupt.
#ifndef QUEUECTL_JOURNAL_RECORDS_HPP
#define QUEUECTL_JOURNAL_RECORDS_HPP

#include <queuectl/journal/record.hpp>
#include <queuectl/journal/records_job.hpp>
#include <queuectl/journal/records_job_read.hpp>
#include <queuectl/journal/records_lease.hpp>
#include <queuectl/journal/records_run.hpp>
#include <queuectl/journal/records_store.hpp>

#endif
