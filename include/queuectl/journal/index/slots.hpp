// What the index keeps of the store: small blocks in shared memory, named by refs.
#ifndef QUEUECTL_JOURNAL_INDEX_SLOTS_HPP
#define QUEUECTL_JOURNAL_INDEX_SLOTS_HPP

#include <queuectl/journal/index/order.hpp>
#include <queuectl/journal/index/pages.hpp>
#include <queuectl/journal/index/table.hpp>
#include <queuectl/journal/log_reader.hpp>
#include <queuectl/receipt.hpp>
#include <queuectl/state.hpp>

namespace queuectl::inline v0::journal {

// Changes with every change of what is below: an index of another layout is made anew.
inline constexpr std::uint32_t index_layout = 2;

// Where a record begins: the segment and the byte in its file. 0 = nowhere.
using location = std::uint64_t;
[[nodiscard]] constexpr location locate(std::uint64_t segment, std::uint64_t offset) noexcept
{
    return segment << 40 | offset;
}
[[nodiscard]] constexpr std::uint64_t segment_of(location at) noexcept { return at >> 40; }
[[nodiscard]] constexpr std::uint64_t offset_of(location at) noexcept { return at & ((std::uint64_t{1} << 40) - 1); }

// What every job has. A slot is a live_slot unless the job has ended.
struct job_slot {
    table_entry entry;
    ref id = 0;                        // a text
    std::uint32_t lane_and_state = 0;  // number of the lane << 8 | state

    [[nodiscard]] std::uint32_t lane() const noexcept { return lane_and_state >> 8; }
    [[nodiscard]] queuectl::state state() const noexcept { return static_cast<queuectl::state>(lane_and_state & 0xff); }
    void set_state(queuectl::state s) noexcept
    {
        lane_and_state = (lane_and_state & ~std::uint32_t{0xff}) | static_cast<std::uint8_t>(s);
    }
};

// Pending, failed or processing.
struct live_slot {
    job_slot head;
    order_node node;     // time: run_at. While it runs: before, after: of its lease; place: its token's ordinal
    location image = 0;  // of its job record
    location last = 0;   // of its newest end record; of the image when there is none
    std::int64_t updated_at = 0;
    std::int32_t attempts = 0;
    std::int32_t crashes = 0;
    std::uint16_t hold = 0;
    std::int8_t priority = 0;
    bool was_failed : 1 = false;  // what a release restores
    bool cancel_requested : 1 = false;
    bool image_has_error : 1 = false;
    bool vanishes : 1 = false;  // retention 0: removed when it completes
    std::uint32_t bytes = 0;    // that its image takes
    ref line = 0;               // where it stands; none when it is held or runs
    ref lease = 0;              // while it runs
};

// Completed, dead or cancelled; the rest is in the log.
struct ended_slot {
    job_slot head;
    location last = 0;  // of its newest end record, or of its image
    ref before = 0;     // of the same lane and state, in the order in which they ended
    ref after = 0;
};
static_assert(sizeof(job_slot) == 16 && sizeof(live_slot) == 96 && sizeof(ended_slot) == 32);

// The first and the last of a list.
struct list_ends {
    ref first = 0;
    ref last = 0;
};

// A lease of one or more jobs: of those that were claimed together, or of those of them that were extended together.
struct lease_slot {
    order_node node;  // time: its end on the boot clock; sequence: of no other lease
    uid nonce{};      // of its tokens
    std::int64_t locked_at = 0;
    std::int64_t until = 0;  // wall, for people
    ref boot = 0;
    ref worker = 0;
    ref before = 0;  // of the same worker
    ref after = 0;
    list_ends jobs;  // live slots; there is at least one
};
static_assert(sizeof(lease_slot) == 88);

// Jobs of one queue and kind and priority that wait, by time.
struct line_slot {
    order_set jobs;
    order_node node;  // among the lines of its level, by their first jobs
    ref lane = 0;
    ref next = 0;  // of the lane
    std::int8_t priority = 0;
};

// A queue and a kind; never forgotten.
struct lane_slot {
    ref next = 0;  // of the same hash
    ref next_of_queue = 0;
    std::uint32_t number = 0;
    ref queue = 0;
    ref kind = 0;  // a text
    ref lines = 0;
    list_ends ended[3];  // completed, dead, cancelled
};

struct lane_page {
    ref lanes[1024] = {};
};

struct queue_slot {
    ref next = 0;
    ref name = 0;
    ref lanes = 0;
    std::uint32_t reserved = 0;
    std::uint64_t counts[state_count] = {};
};

// Leases measured on the clock of one boot.
struct boot_slot {
    uid id{};
    order_set leases;
    ref next = 0;  // an older one
};

// Who holds leases.
struct worker_slot {
    ref next = 0;
    ref name = 0;
    ref first = 0;  // lease
};

struct config_slot {
    std::uint64_t version = 0;
    std::int64_t expires_at = 0;
    location at = 0;  // of its record
    std::uint32_t bytes = 0;
    ref key = 0;
    ref next = 0;  // of the same hash
};

struct index_roots {
    log_position heard{};
    std::uint64_t any_heard = 0;  // whether heard says anything
    table_roots table;
    pages_roots pages;
    std::uint64_t last_sequence = 0;
    std::uint64_t last_lease = 0;  // of the leases' sequences
    std::uint64_t config_version = 0;
    std::uint64_t live_bytes = 0;  // that the images of all jobs, and the settings, would take
    std::int64_t created_at = 0;
    std::uint32_t lane_count = 0;
    ref queues = 0;
    ref boots = 0;  // the newest
    ref workers = 0;
    ref moved_to = 0;  // a text
    std::uint32_t store_state = 0;
    std::uint64_t log_bytes = 0;      // of all frames that are not known to be needless
    std::uint64_t clean_segment = 0;  // compaction: the record that is looked at next
    std::uint64_t clean_frame = 0;
    std::uint64_t clean_record = 0;
    std::uint64_t levels_used[4] = {};  // a bit for each priority, the highest first
    order_set levels[256];              // lines by their first jobs; the highest priority first
    ref lane_pages[64] = {};            // of 1024 lanes
    ref lane_buckets[256] = {};
    ref config_buckets[256] = {};
};
static_assert(sizeof(index_roots) <= 16384);

}  // namespace queuectl::inline v0::journal

#endif
