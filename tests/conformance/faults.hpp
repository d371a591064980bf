// The faults that the conformance suite must find, one rule of the contract each.
#ifndef QUEUECTL_TESTS_CONFORMANCE_FAULTS_HPP
#define QUEUECTL_TESTS_CONFORMANCE_FAULTS_HPP

// X(name): the storage breaks the rule as the name says.
#define QUEUECTL_FAULTS(X)                   \
    X(none)                                  \
    /* 1: atomic and repeatable */           \
    X(insert_forgets_nonces)                 \
    X(insert_ignores_nonces)                 \
    X(insert_overwrites_duplicates)          \
    X(insert_stops_at_the_first_duplicate)   \
    X(payload_ends_at_nul)                   \
    X(claim_clears_its_output)               \
    X(repeated_claim_finds_nothing)          \
    X(repeated_claim_takes_more)             \
    X(repeated_claim_returns_settled_jobs)   \
    X(repeated_claim_only_repeats)           \
    X(repeated_settle_is_refused)            \
    X(repeated_settle_counts_again)          \
    X(repeated_settle_ends_the_next_lease)   \
    X(release_is_not_remembered)             \
    X(settle_answers_all_alike)              \
    X(every_settle_is_remembered)            \
    /* 2: tokens */                          \
    X(leased_jobs_are_leased_again)          \
    X(one_token_for_a_claim)                 \
    X(nonces_are_made_up)                    \
    X(tokens_are_not_compared)               \
    X(nonces_are_not_compared)               \
    X(no_token_counts_as_settled)            \
    X(clock_decides_settle)                  \
    X(clock_decides_extend)                  \
    X(reaped_leases_stay_good)               \
    X(extend_revives_ended_leases)           \
    X(extend_adds_to_the_rest)               \
    X(extend_never_shortens)                 \
    X(extend_answers_all_alike)              \
    X(extend_holds_unknown_jobs)             \
    /* 3: order */                           \
    X(priority_is_ignored)                   \
    X(priority_is_unsigned)                  \
    X(due_time_is_ignored_in_order)          \
    X(last_in_first_out)                     \
    X(queue_by_queue)                        \
    X(no_queue_means_default)                \
    X(claims_one_too_many)                   \
    X(retry_keeps_its_old_due_time_in_order) \
    X(retry_takes_a_new_sequence)            \
    X(release_goes_to_the_end)               \
    X(released_retry_is_due_now)             \
    X(expiry_goes_to_the_end)                \
    /* 4: visibility */                      \
    X(due_early)                             \
    X(due_late)                              \
    X(retries_are_due_at_once)               \
    X(holds_are_ignored)                     \
    X(only_the_first_hold_holds)             \
    X(queues_are_ignored)                    \
    X(kinds_are_ignored)                     \
    X(next_at_is_always_never)               \
    X(next_at_ignores_the_maximum)           \
    X(next_at_of_the_first_in_line)          \
    X(next_at_ignores_the_filter)            \
    X(next_at_counts_held_jobs)              \
    X(next_at_forgets_retries)               \
    X(next_at_of_nothing_is_now)             \
    /* verdicts */                           \
    X(complete_leaves_the_job_waiting)       \
    X(retention_is_ignored)                  \
    X(nothing_is_retained)                   \
    X(retry_counts_nothing)                  \
    X(bury_leaves_the_job_failed)            \
    X(cancel_leaves_the_job_waiting)         \
    X(release_counts_an_attempt)             \
    X(release_forgets_its_error)             \
    X(release_always_to_pending)             \
    X(unknown_jobs_are_lost_leases)          \
    X(crash_counts_an_attempt)               \
    X(crash_is_not_counted)                  \
    X(expired_jobs_are_failed)               \
    X(only_asked_queues_are_reaped)          \
    X(bury_without_report_counts)            \
    X(success_keeps_the_error)               \
    X(holder_is_not_named)                   \
    /* 5: counts */                          \
    X(counts_forget_cancelled_jobs)          \
    X(counts_keep_removed_jobs)              \
    X(counts_forget_empty_queues)            \
    /* 7, 8: bounds and limits */            \
    X(reaps_without_bound)                   \
    X(lists_without_bound)                   \
    X(purges_without_bound)                  \
    X(frees_without_bound)                   \
    X(batches_end_at_100)                    \
    X(names_end_at_60_bytes)                 \
    X(payloads_end_at_1_mib)                 \
    X(empty_payloads_are_nul)                \
    X(dependencies_end_at_1000)              \
    X(errors_end_at_255_bytes)               \
    X(retries_are_16_bits)                   \
    /* 9: time */                            \
    X(leases_on_the_wall_clock)              \
    X(extends_on_the_wall_clock)             \
    X(boots_are_not_told_apart)              \
    X(lease_times_overflow)                  \
    X(times_are_unsigned)                    \
    X(times_are_milliseconds)                \
    X(far_times_are_due)                     \
    /* 10: reopening and sharing */          \
    X(reopen_loses_jobs)                     \
    X(reopen_loses_leases)                   \
    X(reopen_loses_nonces)                   \
    X(reopen_loses_settled_tokens)           \
    X(reopen_loses_the_state_before)         \
    X(reopen_loses_runs)                     \
    X(reopen_loses_settings)                 \
    X(reopen_restarts_sequences)             \
    X(handles_do_not_share)                  \
    X(handles_do_not_reap_each_other)        \
    X(claims_race)                           \
    /* 11: header */                         \
    X(header_is_empty)                       \
    X(stores_have_one_id)                    \
    X(reopen_changes_the_id)                 \
    X(read_only_is_ignored)                  \
    /* inspectable */                        \
    X(created_is_not_kept)                   \
    X(list_is_by_priority)                   \
    X(list_cursor_skips_one)                 \
    X(list_ignores_tags)                     \
    X(runs_are_numbered_by_attempts)         \
    X(runs_are_kept_for_ever)                \
    X(output_is_dropped)                     \
    X(revive_keeps_attempts)                 \
    X(revive_keeps_crashes)                  \
    X(revive_keeps_the_place)                \
    X(revive_takes_pending_jobs)             \
    X(cancel_ends_final_jobs)                \
    X(cancel_is_not_told)                    \
    X(cancel_is_forgotten_by_the_end)        \
    X(cancel_outlives_the_lease)             \
    X(remove_takes_running_jobs)             \
    X(remove_keeps_runs)                     \
    X(purge_takes_waiting_jobs)              \
    X(purge_ignores_its_filter)              \
    X(reprioritise_takes_ended_jobs)         \
    X(reprioritise_goes_to_the_end)          \
    X(free_worker_frees_everyone)            \
    X(changes_stop_at_an_unknown_id)         \
    /* configurable, notifying */            \
    X(settings_end_at_nul)                   \
    X(settings_are_not_compared)             \
    X(settings_keep_their_version)           \
    X(settings_never_expire)                 \
    X(erase_always_succeeds)                 \
    X(settings_are_listed_by_like)           \
    X(nobody_is_told_of_work)                \
    X(nobody_is_told_of_cancels)             \
    X(waits_are_too_long)                    \
    X(interrupts_are_lost)                   \
    /* transferable */                       \
    X(restore_loses_words)                   \
    X(restore_makes_times)                   \
    X(restore_loses_runs)                    \
    X(restore_loses_output)                  \
    X(restore_cuts_output)                   \
    X(restore_keeps_the_oldest_runs)         \
    X(restore_keeps_sequences)               \
    X(restore_ignores_queues_in_counts)      \
    X(restore_drops_holds)                   \
    X(restored_failures_are_pending)         \
    X(restore_loses_nonces)                  \
    X(restore_loses_settled_tokens)          \
    X(restore_adds_again)                    \
    X(restore_repeated_is_a_duplicate)       \
    X(restore_overwrites)                    \
    X(restore_compares_ids_only)             \
    X(restore_compares_nonces_only)          \
    X(restore_answers_all_alike)             \
    X(restore_takes_processing_jobs)         \
    X(restore_ends_at_100)                   \
    X(restored_jobs_are_not_kept)            \
    X(restore_tells_nobody)                  \
    /* the states of a store */              \
    X(moving_is_ignored)                     \
    X(moving_refuses_everything)             \
    X(moving_leases)                         \
    X(moving_cancels_waiting_jobs)           \
    X(moving_refuses_cancels)                \
    X(moving_refuses_settings)               \
    X(moving_reaps_nothing)                  \
    X(moved_is_ignored)                      \
    X(moved_takes_settles)                   \
    X(the_state_is_not_told)                 \
    X(the_place_is_not_told)                 \
    X(reopen_opens_a_moving_store)           \
    X(states_are_of_a_handle)                \
    X(states_tell_nobody)

#define QUEUECTL_FAULT_ENUMERATOR(name) name,
#define QUEUECTL_FAULT_NAME(name) #name,

enum class fault { QUEUECTL_FAULTS(QUEUECTL_FAULT_ENUMERATOR) };
inline constexpr const char* fault_names[] = {QUEUECTL_FAULTS(QUEUECTL_FAULT_NAME)};

#endif
