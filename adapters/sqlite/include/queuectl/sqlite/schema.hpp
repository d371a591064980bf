// The stored format, version 1. `sqlite3 PATH .schema` shows it with these comments.
//
// A change that older programs can live with raises `format`; one that they cannot write (or read) also raises
// min_writer (or min_reader) of the stores it is applied to.
#ifndef QUEUECTL_SQLITE_SCHEMA_HPP
#define QUEUECTL_SQLITE_SCHEMA_HPP

namespace queuectl::inline v0::detail::sqlite {

inline constexpr int format_version = 1;

// The columns of a job, in both tables.
#define QUEUECTL_SQLITE_JOB_TABLE(name, note)                                                                       \
    "CREATE TABLE " name                                                                                            \
    " (\n"                                                                                                          \
    "  -- " note                                                                                                    \
    "\n"                                                                                                            \
    "  -- Times are UTC microseconds since 1970; durations are microseconds. Look at job_view to read it.\n"        \
    "  sequence INTEGER PRIMARY KEY,     -- insertion order, over both tables; a number is never used twice\n"      \
    "  id TEXT NOT NULL,                 -- unique over both tables\n"                                              \
    "  queue TEXT NOT NULL,\n"                                                                                      \
    "  kind TEXT NOT NULL,\n"                                                                                       \
    "  state INTEGER NOT NULL DEFAULT 0, -- 0 pending 2 completed 3 failed 4 dead 5 cancelled; while a row of\n"    \
    "                                    -- leases names the job it is processing, and this the state before\n"     \
    "  priority INTEGER NOT NULL,        -- -128 to 127, higher first\n"                                            \
    "  run_at INTEGER NOT NULL,          -- not claimable before\n"                                                 \
    "  hold INTEGER NOT NULL DEFAULT 0,  -- not claimable unless 0: 1 dependency 2 key order 4 key limit 8 kind\n"  \
    "  created_at INTEGER NOT NULL,\n"                                                                              \
    "  updated_at INTEGER NOT NULL,      -- not by claims: see leases.locked_at\n"                                  \
    "  attempts INTEGER NOT NULL DEFAULT 0, -- runs that ended\n"                                                   \
    "  crashes INTEGER NOT NULL DEFAULT 0,  -- runs cut off\n"                                                      \
    "  runs INTEGER NOT NULL DEFAULT 0,  -- all runs there ever were: the newest's attempts.run\n"                  \
    "  max_retries INTEGER NOT NULL DEFAULT 3,\n"                                                                   \
    "  timeout INTEGER NOT NULL DEFAULT 0,  -- of one run; 0 = none\n"                                              \
    "  retention INTEGER NOT NULL DEFAULT 0, -- kept this long once completed\n"                                    \
    "  backoff_base REAL NOT NULL DEFAULT 0, -- seconds; 0 = the worker decides\n"                                  \
    "  exit_code INTEGER NOT NULL DEFAULT -1, -- of the last run that ended; -1 = none\n"                           \
    "  signal INTEGER NOT NULL DEFAULT 0,\n"                                                                        \
    "  -- The run that completed the job, when it wrote nothing: it is in attempts only once the job is revived.\n" \
    "  started_at INTEGER,\n"                                                                                       \
    "  ended_at INTEGER,\n"                                                                                         \
    "  worker TEXT,\n"                                                                                              \
    "  settled_token BLOB,               -- the lease that settled it last, as in leases\n"                         \
    "  nonce BLOB,                       -- of the enqueuer: the same id and nonce again is the same insert\n"      \
    "  error TEXT,                       -- why the last run failed\n"                                              \
    "  result BLOB,\n"                                                                                              \
    "  progress BLOB,\n"                                                                                            \
    "  tag TEXT,\n"                                                                                                 \
    "  key TEXT,                         -- order and limits per key\n"                                             \
    "  unique_key TEXT,                  -- at most one waiting job per key\n"                                      \
    "  batch TEXT,\n"                                                                                               \
    "  depends_on TEXT,                  -- ids, each followed by a newline\n"                                      \
    "  cwd TEXT,\n"                                                                                                 \
    "  env BLOB,                         -- NAME=VALUE, each ended by NUL\n"                                        \
    "  payload BLOB                      -- opaque bytes; TEXT when they hold no NUL\n"                             \
    ");\n"

#define QUEUECTL_SQLITE_ISO(column) "strftime('%Y-%m-%dT%H:%M:%fZ', " column " / 1e6, 'unixepoch') AS " column
#define QUEUECTL_SQLITE_VIEW(state, lease, from)                                                              \
    "SELECT sequence, id, queue, kind, CASE " state                                                           \
    " WHEN 0 THEN 'pending' WHEN 1 THEN 'processing' "                                                        \
    "WHEN 2 THEN 'completed' WHEN 3 THEN 'failed' WHEN 4 THEN 'dead' WHEN 5 THEN 'cancelled' END AS state,\n" \
    "  priority, attempts, crashes, max_retries, " QUEUECTL_SQLITE_ISO("run_at") ", " QUEUECTL_SQLITE_ISO(    \
        "created_at") ",\n  " QUEUECTL_SQLITE_ISO("updated_at") ", " lease                                    \
                                                                ", exit_code, signal, error, tag, payload FROM " from

inline constexpr char schema_sql[] =
    "CREATE TABLE store (\n"
    "  -- One row: the header of a queuectl store. Every verb reads it first.\n"
    "  one INTEGER PRIMARY KEY CHECK (one = 1),\n"
    "  format INTEGER NOT NULL,          -- version of this layout\n"
    "  min_reader INTEGER NOT NULL,      -- the oldest format that a program must know to read it\n"
    "  min_writer INTEGER NOT NULL,      -- ... to write it\n"
    "  store_id TEXT NOT NULL,           -- 32 hexadecimal digits\n"
    "  state INTEGER NOT NULL,           -- 0 open 1 read-only 2 moved 3 moving\n"
    "  moved_to TEXT NOT NULL,           -- the URL where it was, or is being, moved\n"
    "  last_removed INTEGER NOT NULL,    -- no removed job had a higher sequence\n"
    "  config_version INTEGER NOT NULL,  -- the last one given to a row of config\n"
    "  boot BLOB,                        -- id of the boot (16 bytes) of the newest leases, and which one it is\n"
    "  boots INTEGER NOT NULL            -- of all that this store has seen\n"
    ");\n"
    "INSERT INTO store VALUES (1, 1, 1, 1, lower(hex(randomblob(16))), 0, '', 0, 0, NULL, 0);\n"
    QUEUECTL_SQLITE_JOB_TABLE("jobs", "Every job but the dead ones.")
    "CREATE UNIQUE INDEX jobs_by_id ON jobs (id);\n"
    "CREATE INDEX jobs_ended ON jobs (state, updated_at) WHERE state IN (2, 5);\n"
    "CREATE INDEX jobs_unique ON jobs (unique_key) WHERE unique_key IS NOT NULL AND state IN (0, 3);\n"
    QUEUECTL_SQLITE_JOB_TABLE("dead_letter_queue", "Jobs that gave up. They are moved here from jobs, and back.")
    "CREATE UNIQUE INDEX dead_by_id ON dead_letter_queue (id);\n"
    "CREATE TABLE line (\n"
    "  -- What may be claimed once it is due: the jobs that wait and are not held, a lane for each queue, kind and\n"
    "  -- priority, each in claim order. lane: queue's number * 2^32 + kind's number * 2^8 + 127 - priority.\n"
    "  lane INTEGER NOT NULL, run_at INTEGER NOT NULL, sequence INTEGER NOT NULL,\n"
    "  PRIMARY KEY (lane, run_at, sequence)\n"
    ") WITHOUT ROWID;\n"
    "CREATE TABLE leases (\n"
    "  -- The jobs that are processing.\n"
    "  job INTEGER PRIMARY KEY,          -- its sequence\n"
    "  token BLOB NOT NULL,              -- nonce of the claim (16 bytes) and ordinal (4), big-endian\n"
    "  boot INTEGER NOT NULL,            -- store.boots then; the leases of earlier boots have expired\n"
    "  lease_end INTEGER NOT NULL,       -- on the clock of that boot: the one that counts\n"
    "  lease_until INTEGER NOT NULL,     -- the same in wall time, for people\n"
    "  locked_at INTEGER NOT NULL,       -- when the claim was made\n"
    "  locked_by TEXT NOT NULL,          -- the worker that holds it\n"
    "  cancel_requested INTEGER NOT NULL DEFAULT 0\n"
    ");\n"
    "CREATE INDEX leases_by_end ON leases (boot, lease_end);\n"
    "CREATE TABLE attempts (\n"
    "  -- Runs of jobs that ended or were cut off; the newest 20 of each are kept.\n"
    "  job INTEGER NOT NULL,             -- sequence of the job\n"
    "  run INTEGER NOT NULL,             -- 1, 2, ...: never starts again, unlike number\n"
    "  number INTEGER NOT NULL,          -- attempts + crashes before the run, plus 1\n"
    "  status INTEGER NOT NULL,          -- 0 succeeded 1 failed 2 timed out 3 cancelled 4 crashed\n"
    "  exit_code INTEGER NOT NULL,\n"
    "  signal INTEGER NOT NULL,\n"
    "  started_at INTEGER NOT NULL,\n"
    "  ended_at INTEGER NOT NULL,\n"
    "  error TEXT NOT NULL,\n"
    "  worker TEXT NOT NULL,\n"
    "  output_bytes INTEGER NOT NULL,    -- written in all\n"
    "  dropped_bytes INTEGER NOT NULL,   -- missing after the head\n"
    "  head_bytes INTEGER NOT NULL,      -- of output, before the gap\n"
    "  output BLOB,                      -- head and tail, up to 4 KiB\n"
    "  log TEXT,                         -- longer output: the file of that name in PATH.d/logs\n"
    "  PRIMARY KEY (job, run)\n"
    ") WITHOUT ROWID;\n"
    "CREATE TABLE queues (\n"
    "  -- Every queue that ever held a job, and how many are in each state: always equal to a recount.\n"
    "  number INTEGER PRIMARY KEY,\n"
    "  name TEXT NOT NULL UNIQUE,\n"
    "  pending INTEGER NOT NULL DEFAULT 0, processing INTEGER NOT NULL DEFAULT 0,\n"
    "  completed INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0,\n"
    "  dead INTEGER NOT NULL DEFAULT 0, cancelled INTEGER NOT NULL DEFAULT 0\n"
    ");\n"
    "CREATE TABLE kinds (\n"
    "  number INTEGER PRIMARY KEY,\n"
    "  name TEXT NOT NULL UNIQUE\n"
    ");\n"
    "CREATE TABLE config (\n"
    "  -- Settings, registered workers, schedules.\n"
    "  key TEXT PRIMARY KEY,\n"
    "  value BLOB NOT NULL,\n"
    "  version INTEGER NOT NULL,         -- another one with every write, never used twice\n"
    "  expires_at INTEGER NOT NULL\n"
    ") WITHOUT ROWID;\n"
    "CREATE VIEW job_view AS -- every job, for people\n" QUEUECTL_SQLITE_VIEW(
        "iif(job IS NULL, state, 1)", "locked_by, " QUEUECTL_SQLITE_ISO("lease_until") ", hex(token) AS token",
        "jobs LEFT JOIN leases ON job = sequence") "\nUNION ALL\n"
    QUEUECTL_SQLITE_VIEW("4", "NULL, NULL, NULL", "dead_letter_queue") ";\n";

// "queu" and the format: for file(1) and for people. Not set in a user's own database.
inline constexpr char identity_sql[] = "PRAGMA application_id=0x71756575; PRAGMA user_version=1";

#undef QUEUECTL_SQLITE_JOB_TABLE
#undef QUEUECTL_SQLITE_ISO
#undef QUEUECTL_SQLITE_VIEW

}  // namespace queuectl::inline v0::detail::sqlite

#endif
