// How a log is opened, and who listens to it.
#ifndef QUEUECTL_JOURNAL_LOG_OPTIONS_HPP
#define QUEUECTL_JOURNAL_LOG_OPTIONS_HPP

#include <queuectl/journal/group_sync.hpp>
#include <queuectl/journal/log_reader.hpp>
#include <queuectl/random.hpp>
#include <queuectl/time_source.hpp>

namespace queuectl::inline v0::journal {

struct log_options {
    bool create = true;  // the folder's first segment, when there is none
    durability mode = durability::full;
    duration interval{1'000'000};  // of durability::interval
    duration lock_patience{10'000'000};
    log_position start{};            // where reading begins: what a snapshot says
    std::uint64_t durable_upto = 0;  // the last sequence that the snapshot knows to have been synced
    segment_sizes sizes{};
    uid boot = queuectl::detail::read_boot_id();
    random_source random{};  // of store id and file ids
};

// What room an append may use.
enum class append_room : std::uint8_t {
    normal,
    reserve,  // also what is kept back for appends that must go on when the disk is full: settles
};

// Hears what is in the log: frame(sequence, body) for each, in order, and restart() when all that it has heard is void
// and is told again from the start position (after a failed sync only). What is appended through this log is not told.
template <class S>
concept log_sink = requires(S& sink, std::uint64_t sequence, std::string_view body)
{
    sink.frame(sequence, body);
    sink.restart();
};

}  // namespace queuectl::inline v0::journal

#endif
