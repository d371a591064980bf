// Every statement, in one place. The address of a text is its key in the cache of prepared statements.
#ifndef QUEUECTL_SQLITE_SQL_HPP
#define QUEUECTL_SQLITE_SQL_HPP

namespace queuectl::inline v0::detail::sqlite::sql {

// What row.hpp reads, in its order: first what a lease tells, then the rest of the record.
#define QUEUECTL_SQLITE_JOB                                                                                 \
    "sequence,id,queue,kind,priority,run_at,hold,max_retries,timeout,retention,backoff_base,nonce,tag,key," \
    "unique_key,batch,depends_on,cwd,env,payload,state,attempts,crashes,error,runs"
#define QUEUECTL_SQLITE_RECORD                                                                          \
    QUEUECTL_SQLITE_JOB                                                                                 \
    ",created_at,updated_at,cancel_requested,exit_code,signal,token,settled_token,locked_by,locked_at," \
    "lease_until,result,progress"
// Every column of a job but its sequence and state.
#define QUEUECTL_SQLITE_MOVED                                                                             \
    "id,queue,kind,priority,run_at,hold,created_at,updated_at,attempts,crashes,runs,max_retries,timeout," \
    "retention,backoff_base,claimed_from,cancel_requested,exit_code,signal,token,lease_end,lease_boot,"   \
    "lease_until,locked_at,locked_by,settled_token,nonce,error,result,progress,tag,key,unique_key,batch," \
    "depends_on,cwd,env,payload"
#define QUEUECTL_SQLITE_WAITING " state IN (0, 3) AND hold = 0 "
#define QUEUECTL_SQLITE_GROUP \
    "SELECT queue,kind,priority,run_at,sequence FROM jobs INDEXED BY jobs_claimable WHERE" QUEUECTL_SQLITE_WAITING

inline constexpr char begin[] = "BEGIN IMMEDIATE";
inline constexpr char begin_read[] = "BEGIN";
inline constexpr char commit[] = "COMMIT";
inline constexpr char rollback[] = "ROLLBACK";
inline constexpr char savepoint[] = "SAVEPOINT queuectl";
inline constexpr char release[] = "RELEASE queuectl";
inline constexpr char rollback_to[] = "ROLLBACK TO queuectl";
inline constexpr char data_version[] = "PRAGMA data_version";

inline constexpr char journal_mode[] = "PRAGMA journal_mode";
inline constexpr char tables[] = "SELECT count(*) FROM sqlite_schema";

inline constexpr char header[] = "SELECT format,min_reader,min_writer,store_id,state,moved_to,last_removed FROM store";
inline constexpr char set_state[] = "UPDATE store SET state=?1, moved_to=?2";
inline constexpr char set_last_removed[] = "UPDATE store SET last_removed=max(last_removed,?1)";
inline constexpr char next_config_version[] =
    "UPDATE store SET config_version=config_version+1 RETURNING config_version";
inline constexpr char last_sequence[] =
    "SELECT max(ifnull((SELECT max(sequence) FROM jobs),0),"
    "ifnull((SELECT max(sequence) FROM dead_letter_queue),0),(SELECT last_removed FROM store))";

inline constexpr char insert[] =
    "INSERT INTO jobs(sequence,id,queue,kind,state,priority,run_at,hold,created_at,updated_at,attempts,crashes,runs,"
    "max_retries,timeout,retention,backoff_base,claimed_from,cancel_requested,exit_code,signal,nonce,tag,key,"
    "unique_key,batch,depends_on,cwd,env,payload) VALUES(?1,?2,?3,?4,0,?5,?6,?7,?8,?8,0,0,0,?9,?10,?11,?12,0,0,-1,0,"
    "?13,?14,?15,?16,?17,?18,?19,?20,?21) ON CONFLICT(id) DO NOTHING";
inline constexpr char identify[] = "SELECT sequence,nonce FROM jobs WHERE id=?1";
inline constexpr char identify_dead[] = "SELECT sequence,nonce FROM dead_letter_queue WHERE id=?1";
inline constexpr char any_dead[] = "SELECT 1 FROM dead_letter_queue LIMIT 1";
inline constexpr char unique_waiting[] =
    "SELECT sequence FROM jobs INDEXED BY jobs_unique WHERE unique_key=?1 AND unique_key IS NOT NULL "
    "AND state IN (0, 3) LIMIT 1";

inline constexpr char first_group[] =
    QUEUECTL_SQLITE_GROUP "AND queue>=?1 ORDER BY queue,kind,priority DESC,run_at,sequence LIMIT 1";
inline constexpr char next_queue[] =
    QUEUECTL_SQLITE_GROUP "AND queue>?1 ORDER BY queue,kind,priority DESC,run_at,sequence LIMIT 1";
inline constexpr char first_kind[] =
    QUEUECTL_SQLITE_GROUP "AND queue=?1 AND kind>=?2 ORDER BY kind,priority DESC,run_at,sequence LIMIT 1";
inline constexpr char next_kind[] =
    QUEUECTL_SQLITE_GROUP "AND queue=?1 AND kind>?2 ORDER BY kind,priority DESC,run_at,sequence LIMIT 1";
inline constexpr char next_priority[] =
    QUEUECTL_SQLITE_GROUP "AND queue=?1 AND kind=?2 AND priority<?3 ORDER BY priority DESC,run_at,sequence LIMIT 1";
inline constexpr char line[] =
    "SELECT run_at,sequence FROM jobs INDEXED BY jobs_claimable WHERE" QUEUECTL_SQLITE_WAITING
    "AND queue=?1 AND kind=?2 AND priority=?3 AND (run_at,sequence)>(?4,?5) ORDER BY run_at,sequence LIMIT ?6";

inline constexpr char job[] = "SELECT " QUEUECTL_SQLITE_JOB " FROM jobs WHERE sequence=?1";
inline constexpr char lease[] =
    "UPDATE jobs SET state=1,claimed_from=state,cancel_requested=0,token=?2,lease_end=?3,lease_boot=?4,lease_until=?5,"
    "locked_at=?6,locked_by=?7,updated_at=?6 WHERE sequence=?1";
inline constexpr char leases_of[] =
    "SELECT sequence FROM jobs INDEXED BY jobs_leased WHERE state=1 AND locked_by=?1 LIMIT ?2";
inline constexpr char token_of[] = "SELECT token FROM jobs WHERE sequence=?1";
inline constexpr char expired[] =
    "SELECT sequence FROM jobs INDEXED BY jobs_leased WHERE state=1 AND lease_boot=?1 AND lease_end<=?2 LIMIT ?3";
inline constexpr char expired_before[] =
    "SELECT sequence FROM jobs INDEXED BY jobs_leased WHERE state=1 AND lease_boot<?1 LIMIT ?2";
inline constexpr char expired_after[] =
    "SELECT sequence FROM jobs INDEXED BY jobs_leased WHERE state=1 AND lease_boot>?1 LIMIT ?2";

inline constexpr char extend[] =
    "UPDATE jobs SET lease_end=?3,lease_boot=?4,lease_until=?5 WHERE id=?1 AND state=1 AND token=?2 "
    "RETURNING cancel_requested";

#define QUEUECTL_SQLITE_HELD                                                                               \
    "SELECT sequence,queue,state,token,settled_token,attempts,crashes,runs,claimed_from,cancel_requested," \
    "retention,locked_by,locked_at,error FROM jobs "
inline constexpr char held[] = QUEUECTL_SQLITE_HELD "WHERE id=?1";
inline constexpr char held_sequence[] = QUEUECTL_SQLITE_HELD "WHERE sequence=?1";
#undef QUEUECTL_SQLITE_HELD
inline constexpr char settled_dead[] = "SELECT settled_token FROM dead_letter_queue WHERE id=?1";
inline constexpr char end_run[] =
    "UPDATE jobs SET state=?2,token=NULL,lease_end=NULL,lease_boot=NULL,locked_by=NULL,settled_token=?3,"
    "attempts=attempts+?4,runs=runs+?4,exit_code=CASE ?4 WHEN 0 THEN exit_code ELSE ?5 END,"
    "signal=CASE ?4 WHEN 0 THEN signal ELSE ?6 END,error=?7,updated_at=?8 WHERE sequence=?1";
inline constexpr char complete[] =
    "UPDATE jobs SET state=2,token=NULL,lease_end=NULL,lease_boot=NULL,locked_by=NULL,settled_token=?2,"
    "attempts=attempts+?3,runs=runs+?3,exit_code=CASE ?3 WHEN 0 THEN exit_code ELSE ?4 END,"
    "signal=CASE ?3 WHEN 0 THEN signal ELSE ?5 END,error=NULL,result=?6,updated_at=?7 WHERE "
    "sequence=?1 AND token=?2 AND state=1 AND id=?8";
inline constexpr char retry_at[] = "UPDATE jobs SET run_at=?2 WHERE sequence=?1";
inline constexpr char crash[] =
    "UPDATE jobs SET state=?2,token=NULL,lease_end=NULL,lease_boot=NULL,locked_by=NULL,crashes=crashes+1,runs=runs+1,"
    "error=?3,updated_at=?4 WHERE sequence=?1";

inline constexpr char record_run[] = "INSERT INTO attempts VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)";
inline constexpr char forget_runs[] = "DELETE FROM attempts WHERE job=?1 AND run<=?2 RETURNING log";
inline constexpr char move_runs[] = "UPDATE attempts SET job=?2 WHERE job=?1";
inline constexpr char runs_of[] =
    "SELECT number,status,exit_code,signal,started_at,ended_at,error,worker,output_bytes FROM attempts WHERE job=?1 "
    "ORDER BY run";
inline constexpr char output_of[] =
    "SELECT output_bytes,dropped_bytes,head_bytes,output,log FROM attempts WHERE job=?1 AND number=?2 "
    "AND output_bytes>0 ORDER BY run DESC LIMIT 1";
inline constexpr char log_known[] = "SELECT 1 FROM attempts WHERE job=?1 AND log=?2";

inline constexpr char bury[] = "INSERT INTO dead_letter_queue(sequence,state," QUEUECTL_SQLITE_MOVED
                               ") SELECT sequence,4," QUEUECTL_SQLITE_MOVED " FROM jobs WHERE sequence=?1";
inline constexpr char unbury[] = "INSERT INTO jobs(sequence,state," QUEUECTL_SQLITE_MOVED
                                 ") SELECT ?2,0," QUEUECTL_SQLITE_MOVED " FROM dead_letter_queue WHERE sequence=?1";
inline constexpr char erase[] = "DELETE FROM jobs WHERE sequence=?1";
inline constexpr char erase_dead[] = "DELETE FROM dead_letter_queue WHERE sequence=?1";
inline constexpr char renumber[] = "UPDATE jobs SET sequence=?2 WHERE sequence=?1";
inline constexpr char renew[] =
    "UPDATE jobs SET state=0,attempts=0,crashes=0,run_at=?2,updated_at=?2,cancel_requested=0 WHERE sequence=?1";
inline constexpr char cancel_waiting[] = "UPDATE jobs SET state=5,updated_at=?2 WHERE sequence=?1";
inline constexpr char cancel_running[] = "UPDATE jobs SET cancel_requested=1 WHERE sequence=?1";
inline constexpr char reprioritise[] = "UPDATE jobs SET priority=?2,updated_at=?3 WHERE sequence=?1";
inline constexpr char place[] = "SELECT sequence,queue,state FROM jobs WHERE id=?1";
inline constexpr char place_dead[] = "SELECT sequence,queue,4 FROM dead_letter_queue WHERE id=?1";

inline constexpr char find[] = "SELECT " QUEUECTL_SQLITE_RECORD " FROM jobs WHERE id=?1";
inline constexpr char find_dead[] = "SELECT " QUEUECTL_SQLITE_RECORD " FROM dead_letter_queue WHERE id=?1";
inline constexpr char list[] = "SELECT " QUEUECTL_SQLITE_RECORD " FROM jobs WHERE sequence>?1 ORDER BY sequence";
inline constexpr char list_dead[] =
    "SELECT " QUEUECTL_SQLITE_RECORD " FROM dead_letter_queue WHERE sequence>?1 ORDER BY sequence";
inline constexpr char ended[] =
    "SELECT sequence,id,queue,kind,tag FROM jobs INDEXED BY jobs_ended WHERE state IN (2, 5) AND state=?1 "
    "AND updated_at<?2 ORDER BY updated_at,sequence";
inline constexpr char dead[] = "SELECT sequence,id,queue,kind,tag,updated_at FROM dead_letter_queue ORDER BY sequence";

inline constexpr char counts[] = "SELECT queue,state,n FROM counts ORDER BY queue";
inline constexpr char count[] =
    "INSERT INTO counts VALUES(?1,?2,?3) ON CONFLICT(queue,state) DO UPDATE SET n=n+excluded.n";

inline constexpr char config_get[] = "SELECT value,version,expires_at FROM config WHERE key=?1 AND expires_at>?2";
inline constexpr char config_put[] = "INSERT OR REPLACE INTO config VALUES(?1,?2,?3,?4)";
inline constexpr char config_erase[] = "DELETE FROM config WHERE key=?1";
inline constexpr char config_list[] =
    "SELECT key,value,version,expires_at FROM config WHERE key>=?1 AND substr(key,1,length(?1))=?1 AND expires_at>?2 "
    "ORDER BY key";

#undef QUEUECTL_SQLITE_JOB
#undef QUEUECTL_SQLITE_RECORD
#undef QUEUECTL_SQLITE_MOVED
#undef QUEUECTL_SQLITE_WAITING
#undef QUEUECTL_SQLITE_GROUP

}  // namespace queuectl::inline v0::detail::sqlite::sql

#endif
