// Every statement, in one place. The address of a text is its key in the cache of prepared statements.
#ifndef QUEUECTL_SQLITE_SQL_HPP
#define QUEUECTL_SQLITE_SQL_HPP

namespace queuectl::inline v0::detail::sqlite::sql {

// What row.hpp reads, in its order: first what a lease tells, then the rest of the record.
#define QUEUECTL_SQLITE_JOB                                                                                 \
    "sequence,id,queue,kind,priority,run_at,hold,max_retries,timeout,retention,backoff_base,nonce,tag,key," \
    "unique_key,batch,depends_on,cwd,env,payload,"
#define QUEUECTL_SQLITE_LEASED "state,attempts,crashes,error,runs"
#define QUEUECTL_SQLITE_RECORD                                                                      \
    "SELECT " QUEUECTL_SQLITE_JOB                                                                   \
    "iif(job IS NULL,state,1),attempts,crashes,error,runs,created_at,"                              \
    "ifnull(locked_at,updated_at),cancel_requested,exit_code,signal,settled_token,result,progress," \
    "token,locked_by,locked_at,lease_until FROM jobs LEFT JOIN leases ON job=sequence "
#define QUEUECTL_SQLITE_DEAD_RECORD                                    \
    "SELECT " QUEUECTL_SQLITE_JOB                                      \
    "4,attempts,crashes,error,runs,created_at,updated_at,0,exit_code," \
    "signal,settled_token,result,progress,NULL,NULL,NULL,NULL FROM dead_letter_queue "
// Every column of a job but its sequence and state.
#define QUEUECTL_SQLITE_MOVED                                                                              \
    "id,queue,kind,priority,run_at,hold,created_at,updated_at,attempts,crashes,runs,max_retries,timeout,"  \
    "retention,backoff_base,exit_code,signal,started_at,ended_at,worker,settled_token,nonce,error,result," \
    "progress,tag,key,unique_key,batch,depends_on,cwd,env,payload"
// A job's place in line.
#define QUEUECTL_SQLITE_PLACE                                                                                      \
    "SELECT (q.number<<32)|(k.number<<8)|(127-j.priority),j.run_at,j.sequence FROM jobs j CROSS JOIN queues q ON " \
    "q.name=j.queue CROSS JOIN kinds k ON k.name=j.kind WHERE j.sequence=?1 AND j.hold=0 AND j.state IN (0, 3)"

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

inline constexpr char header[] =
    "SELECT format,min_reader,min_writer,store_id,state,moved_to,last_removed,boot,boots FROM store";
inline constexpr char set_state[] = "UPDATE store SET state=?1, moved_to=?2";
inline constexpr char set_last_removed[] = "UPDATE store SET last_removed=max(last_removed,?1)";
inline constexpr char set_boot[] = "UPDATE store SET boot=?1,boots=?2";
inline constexpr char next_config_version[] =
    "UPDATE store SET config_version=config_version+1 RETURNING config_version";
inline constexpr char last_sequence[] =
    "SELECT (SELECT max(sequence) FROM jobs),(SELECT max(sequence) FROM dead_letter_queue)";

// FAIL: nothing is undone by the statement itself, so that it need not keep what it overwrites.
inline constexpr char insert[] =
    "INSERT OR FAIL INTO jobs(sequence,id,queue,kind,priority,run_at,hold,created_at,updated_at,max_retries,timeout,"
    "retention,backoff_base,nonce,tag,key,unique_key,batch,depends_on,cwd,env,payload) SELECT sequence,id,queue,kind,"
    "priority,run_at,hold,?2,?2,max_retries,timeout,retention,backoff_base,nonce,tag,key,unique_key,batch,depends_on,"
    "cwd,env,payload FROM queuectl_new_jobs(?1) WHERE true ON CONFLICT(id) DO NOTHING";
inline constexpr char line_up[] =
    "INSERT OR FAIL INTO line SELECT lane,run_at,sequence FROM queuectl_new_jobs(?1) WHERE lane IS NOT NULL";
inline constexpr char queue_number[] = "SELECT number FROM queues WHERE name=?1";
inline constexpr char add_queue[] = "INSERT INTO queues(name) VALUES(?1)";
inline constexpr char kind_number[] = "SELECT number FROM kinds WHERE name=?1";
inline constexpr char add_kind[] = "INSERT INTO kinds(name) VALUES(?1)";
inline constexpr char identify[] = "SELECT sequence,nonce FROM jobs WHERE id=?1";
inline constexpr char identify_dead[] = "SELECT sequence,nonce FROM dead_letter_queue WHERE id=?1";
inline constexpr char unique_waiting[] =
    "SELECT sequence FROM jobs INDEXED BY jobs_unique WHERE unique_key=?1 AND unique_key IS NOT NULL "
    "AND state IN (0, 3) AND NOT EXISTS (SELECT 1 FROM leases WHERE job=sequence) LIMIT 1";

inline constexpr char enter_line[] = "INSERT INTO line " QUEUECTL_SQLITE_PLACE;
inline constexpr char leave_line[] = "DELETE FROM line WHERE (lane,run_at,sequence)=(" QUEUECTL_SQLITE_PLACE ")";
inline constexpr char first_of_lane[] =
    "SELECT lane,run_at,sequence FROM line WHERE lane>=?1 ORDER BY lane,run_at,sequence LIMIT 1";
inline constexpr char rest_of_lane[] =
    "SELECT run_at,sequence FROM line WHERE lane=?1 AND (run_at,sequence)>(?2,?3) ORDER BY run_at,sequence LIMIT ?4";
inline constexpr char leave_lane_before[] = "DELETE FROM line WHERE lane=?1 AND run_at<?2";
inline constexpr char leave_lane_at[] = "DELETE FROM line WHERE lane=?1 AND run_at=?2 AND sequence<=?3";

inline constexpr char jobs_taken[] = "SELECT j." QUEUECTL_SQLITE_JOB QUEUECTL_SQLITE_LEASED
                                     " FROM queuectl_taken(?1) t CROSS JOIN jobs j ON j.sequence=t.sequence";
inline constexpr char lease[] =
    "INSERT OR FAIL INTO leases(job,token,boot,lease_end,lease_until,locked_at,locked_by) "
    "SELECT sequence,token,?2,?3,?4,?5,?6 FROM queuectl_taken(?1)";
inline constexpr char leases_of[] = "SELECT job,token FROM leases WHERE locked_by=?1 LIMIT ?2";
inline constexpr char expired[] =
    "SELECT job FROM leases INDEXED BY leases_by_end WHERE (boot,lease_end)<=(?1,?2) LIMIT ?3";
inline constexpr char extend[] =
    "UPDATE leases SET boot=?3,lease_end=?4,lease_until=?5 WHERE job=(SELECT sequence FROM jobs WHERE id=?1) AND "
    "token=?2 RETURNING cancel_requested";

inline constexpr char leases_completed[] =
    "SELECT l.job,l.token FROM queuectl_completed(?1) e CROSS JOIN leases l ON l.job=e.sequence";
inline constexpr char unlease_completed[] =
    "DELETE FROM leases WHERE job IN (SELECT sequence FROM queuectl_completed(?1))";
inline constexpr char complete[] =
    "UPDATE OR FAIL jobs SET state=2,settled_token=e.token,attempts=e.attempts,runs=e.runs,"
    "exit_code=ifnull(e.exit_code,jobs.exit_code),signal=ifnull(e.signal,jobs.signal),error=NULL,result=e.result,"
    "started_at=e.started_at,ended_at=e.ended_at,worker=e.worker,updated_at=?2 "
    "FROM queuectl_completed(?1) e WHERE jobs.sequence=e.sequence";
// The same of one row, without the temporary table that SQLite makes for FROM.
inline constexpr char complete_one[] =
    "UPDATE jobs SET state=2,error=NULL,updated_at=?2,"
    "(settled_token,attempts,runs,exit_code,signal,result,started_at,ended_at,worker)=(SELECT token,attempts,runs,"
    "ifnull(exit_code,jobs.exit_code),ifnull(signal,jobs.signal),result,started_at,ended_at,worker "
    "FROM queuectl_completed(?1)) WHERE sequence=?3";
#define QUEUECTL_SQLITE_HELD                                                                                          \
    "SELECT sequence,queue,token,settled_token,attempts,crashes,runs,cancel_requested,retention,locked_by,locked_at," \
    "error,id,state FROM jobs LEFT JOIN leases ON job=sequence "
inline constexpr char held[] = QUEUECTL_SQLITE_HELD "WHERE id=?1";
inline constexpr char held_sequence[] = QUEUECTL_SQLITE_HELD "WHERE sequence=?1";
#undef QUEUECTL_SQLITE_HELD
inline constexpr char unlease[] = "DELETE FROM leases WHERE job=?1";
inline constexpr char settled_dead[] = "SELECT settled_token FROM dead_letter_queue WHERE id=?1";
inline constexpr char end_run[] =
    "UPDATE jobs SET state=?2,settled_token=?3,attempts=attempts+?4,runs=runs+?4,"
    "exit_code=CASE ?4 WHEN 0 THEN exit_code ELSE ?5 END,signal=CASE ?4 WHEN 0 THEN signal ELSE ?6 END,error=?7,"
    "updated_at=?8 WHERE sequence=?1";
inline constexpr char retry_at[] = "UPDATE jobs SET run_at=?2 WHERE sequence=?1";
inline constexpr char crash[] =
    "UPDATE jobs SET state=?2,crashes=crashes+1,runs=runs+1,error=?3,updated_at=?4 WHERE sequence=?1";

inline constexpr char record_run[] = "INSERT INTO attempts VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15)";
inline constexpr char forget_runs[] = "DELETE FROM attempts WHERE job=?1 AND run<=?2 RETURNING log";
inline constexpr char move_runs[] = "UPDATE attempts SET job=?2 WHERE job=?1";
// The run that a completed job's own row tells of.
#define QUEUECTL_SQLITE_OWN_RUN                                                                               \
    "runs,attempts+crashes,0,exit_code,signal,started_at,ended_at,'',worker,0,0,0,NULL,NULL FROM jobs WHERE " \
    "sequence=?1 "                                                                                            \
    "AND started_at IS NOT NULL"
inline constexpr char runs_of[] =
    "SELECT run,number,status,exit_code,signal,started_at,ended_at,error,worker,output_bytes,0,0,NULL,NULL FROM "
    "attempts "
    "WHERE job=?1 UNION ALL SELECT " QUEUECTL_SQLITE_OWN_RUN " ORDER BY 1";
inline constexpr char write_own_run[] = "INSERT INTO attempts SELECT sequence," QUEUECTL_SQLITE_OWN_RUN;
#undef QUEUECTL_SQLITE_OWN_RUN
inline constexpr char output_of[] =
    "SELECT output_bytes,dropped_bytes,head_bytes,output,log FROM attempts WHERE job=?1 AND number=?2 "
    "AND output_bytes>0 ORDER BY run DESC LIMIT 1";

inline constexpr char past_of[] = "SELECT nonce,created_at FROM jobs WHERE id=?1";
inline constexpr char past_of_dead[] = "SELECT nonce,created_at FROM dead_letter_queue WHERE id=?1";
#define QUEUECTL_SQLITE_RESTORE(table)                                                                            \
    "INSERT INTO " table                                                                                          \
    "(sequence,id,queue,kind,state,priority,run_at,hold,created_at,updated_at,attempts,crashes,runs,max_retries," \
    "timeout,retention,backoff_base,exit_code,signal,settled_token,nonce,error,result,progress,tag,key,"          \
    "unique_key,batch,depends_on,cwd,env,payload) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16," \
    "?17,?18,?19,?20,?21,?22,?23,?24,?25,?26,?27,?28,?29,?30,?31,?32)"
inline constexpr char restore[] = QUEUECTL_SQLITE_RESTORE("jobs");
inline constexpr char restore_dead[] = QUEUECTL_SQLITE_RESTORE("dead_letter_queue");
#undef QUEUECTL_SQLITE_RESTORE
inline constexpr char stand_in_line[] = "INSERT INTO line VALUES(?1,?2,?3)";

inline constexpr char logs[] = "SELECT log FROM attempts WHERE log IS NOT NULL";

inline constexpr char bury[] = "INSERT INTO dead_letter_queue(sequence,state," QUEUECTL_SQLITE_MOVED
                               ") SELECT sequence,4," QUEUECTL_SQLITE_MOVED " FROM jobs WHERE sequence=?1";
inline constexpr char unbury[] = "INSERT INTO jobs(sequence,state," QUEUECTL_SQLITE_MOVED
                                 ") SELECT ?2,0," QUEUECTL_SQLITE_MOVED " FROM dead_letter_queue WHERE sequence=?1";
inline constexpr char erase[] = "DELETE FROM jobs WHERE sequence=?1";
inline constexpr char erase_dead[] = "DELETE FROM dead_letter_queue WHERE sequence=?1";
inline constexpr char renumber[] = "UPDATE jobs SET sequence=?2 WHERE sequence=?1";
inline constexpr char renew[] =
    "UPDATE jobs SET state=0,attempts=0,crashes=0,run_at=?2,updated_at=?2,started_at=NULL,"
    "ended_at=NULL,worker=NULL WHERE sequence=?1";
inline constexpr char cancel_waiting[] = "UPDATE jobs SET state=5,updated_at=?2 WHERE sequence=?1";
inline constexpr char cancel_running[] = "UPDATE leases SET cancel_requested=1 WHERE job=?1";
inline constexpr char reprioritise[] = "UPDATE jobs SET priority=?2,updated_at=?3 WHERE sequence=?1";
inline constexpr char place[] =
    "SELECT sequence,queue,iif(EXISTS (SELECT 1 FROM leases WHERE job=sequence),1,state) FROM "
    "jobs WHERE id=?1";
inline constexpr char place_dead[] = "SELECT sequence,queue,4 FROM dead_letter_queue WHERE id=?1";

inline constexpr char find[] = QUEUECTL_SQLITE_RECORD "WHERE id=?1";
inline constexpr char find_dead[] = QUEUECTL_SQLITE_DEAD_RECORD "WHERE id=?1";
inline constexpr char list[] = QUEUECTL_SQLITE_RECORD "WHERE sequence>?1 ORDER BY sequence";
inline constexpr char list_dead[] = QUEUECTL_SQLITE_DEAD_RECORD "WHERE sequence>?1 ORDER BY sequence";
inline constexpr char ended[] =
    "SELECT sequence,id,queue,kind,tag FROM jobs INDEXED BY jobs_ended WHERE state IN (2, 5) AND state=?1 "
    "AND updated_at<?2 ORDER BY updated_at,sequence";
inline constexpr char dead[] = "SELECT sequence,id,queue,kind,tag,updated_at FROM dead_letter_queue ORDER BY sequence";

inline constexpr char counts[] =
    "SELECT name,pending,processing,completed,failed,dead,cancelled FROM queues ORDER BY name";
inline constexpr char count[] =
    "UPDATE queues SET pending=pending+?2,processing=processing+?3,completed=completed+?4,failed=failed+?5,"
    "dead=dead+?6,cancelled=cancelled+?7 WHERE name=?1";

inline constexpr char config_get[] = "SELECT value,version,expires_at FROM config WHERE key=?1 AND expires_at>?2";
inline constexpr char config_put[] = "INSERT OR REPLACE INTO config VALUES(?1,?2,?3,?4)";
inline constexpr char config_erase[] = "DELETE FROM config WHERE key=?1";
inline constexpr char config_list[] =
    "SELECT key,value,version,expires_at FROM config WHERE key>=?1 AND substr(key,1,length(?1))=?1 AND expires_at>?2 "
    "ORDER BY key";

#undef QUEUECTL_SQLITE_JOB
#undef QUEUECTL_SQLITE_LEASED
#undef QUEUECTL_SQLITE_RECORD
#undef QUEUECTL_SQLITE_DEAD_RECORD
#undef QUEUECTL_SQLITE_MOVED
#undef QUEUECTL_SQLITE_PLACE

}  // namespace queuectl::inline v0::detail::sqlite::sql

#endif
