// How a log is opened, and who listens to it.
#ifndef QUEUECTL_JOURNAL_LOG_OPTIONS_HPP
#define QUEUECTL_JOURNAL_LOG_OPTIONS_HPP

#include <queuectl/journal/group_sync.hpp>
#include <queuectl/journal/log_position.hpp>
#include <queuectl/random.hpp>
#include <queuectl/time_source.hpp>

namespace queuectl::inline v0::journal {

struct log_options {
    bool create = true;  // the folder's first segment, when there is none
    // When an append is acknowledged, and what a power loss may take of what was (the end of the log, never its
    // middle). A killed process alone loses nothing in any of them.
    //   full      after its sync: nothing.
    //   interval  at once; a thread of the log syncs at the latest `interval` after it: what was acknowledged in the
    //             last `interval` and the length of a sync. When the process is killed meanwhile: also that, until
    //             another one takes a turn (which asks for a sync in its turn) or the system writes it (30 s, say).
    //             After a failed sync, what it covered is copied if it can still be read: else it is lost.
    //   none      at once: what the system has not written (30 s, say), and all of it after a disk error. A full
    //             segment is synced in every mode.
    // process is taken for none.
    durability mode = durability::full;
    duration interval{1'000'000};
    duration lock_patience{10'000'000};
    segment_sizes sizes{};
    uid boot = queuectl::detail::read_boot_id();
    random_source random{};  // of store id and file ids
};

// What room an append may use.
enum class append_room : std::uint8_t {
    normal,
    reserve,  // also what is kept back for appends that must go on when the disk is full: settles
};

// Who hears what is in the log, and remembers how far; often shared by the processes of a store, like the log.
//
// | expression                       | meaning                                                                        |
// |----------------------------------|--------------------------------------------------------------------------------|
// | sink.heard() → log_position      | behind the last frame that it has heard; none (the default) when there is none |
// | sink.frame(behind, place, body)  | the next frame; from now on heard() is `behind`                                |
// | sink.restart()                   | what it has heard is void: heard() is none, all is told again from the begin   |
//
// `place.type` says what the frame is: transaction, or trim (`body` is the user's part of it); for any other `body` is
// empty. `body` lies at `place`; the view is valid during the call only. After a trim, frames may speak of what had
// been written before the log's begin. A telling from the begin starts with restart(). What a holder of the turn
// appends is not told: it sets the sink's position itself, to turn.position(). A sink that does not (its process has
// died) is told.
template <class S>
concept log_sink = requires(S& sink, const log_position& behind, const frame_place& place, std::string_view body)
{
    {
        sink.heard()
        } -> std::convertible_to<log_position>;
    sink.frame(behind, place, body);
    sink.restart();
};

}  // namespace queuectl::inline v0::journal

#endif
