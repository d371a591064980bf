// What a journal does for safety, and when it cleans.
#ifndef QUEUECTL_JOURNAL_STORE_GUARDS_HPP
#define QUEUECTL_JOURNAL_STORE_GUARDS_HPP

#include <queuectl/journal/frame.hpp>

namespace queuectl::inline v0::journal {

// All of it always; tests switch off one at a time to see that they notice, and clean sooner.
struct store_guards : all_guards {
    static constexpr bool sync_writes = true;        // a write is durable before it is acknowledged
    static constexpr bool own_ticket = true;         // it waits for its own frame, not only for those before
    static constexpr bool append_first = true;       // the index is committed after the append
    static constexpr bool roll_back_failed = true;   // and rolled back when that has failed
    static constexpr bool roll_back_dead = true;     // what a dead process has left in the index is undone
    static constexpr bool compare_tokens = true;     // only the current token extends and settles
    static constexpr bool repeat_claims = true;      // a claim with the nonce of an earlier one tells its leases
    static constexpr bool repeat_inserts = true;     // an insert with the nonce of an earlier one is the same
    static constexpr bool repeat_settles = true;     // so is a settlement with the token that settled last
    static constexpr bool log_removals = true;       // a removal is in the log
    static constexpr bool log_claims = true;         // so is a claim
    static constexpr bool sync_outputs = true;       // an output's file is durable before a record names it
    static constexpr bool sync_output_names = true;  // and so is its name
    static constexpr bool places = true;             // records are where the index says
    static constexpr bool move_images = true;        // what is alive in a segment is written again before it goes
    static constexpr bool remember = true;           // a trim says what no record says any more

    // Cleaning begins when the log takes more than twice what its live records would, and this much more.
    static constexpr std::uint64_t clean_slack_bytes = std::uint64_t{8} << 20;
    // At least so many bytes are looked at in a turn that cleans.
    static constexpr std::uint64_t clean_bytes_min = std::uint64_t{16} << 10;
};

}  // namespace queuectl::inline v0::journal

#endif
