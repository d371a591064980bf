// What a worker tells on standard error: one short line for each event.
#ifndef QUEUECTL_COMMAND_WORKER_LOG_HPP
#define QUEUECTL_COMMAND_WORKER_LOG_HPP

#include <queuectl/traits.hpp>

#include <string>
#include <string_view>

namespace queuectl::command {

// Writes "TIME TEXT" with one write(2), so that lines of several threads and processes do not mix. Control characters
// become spaces; what cannot be written is dropped. Any thread.
void log_line(std::string_view text);

// The observer of a worker process. `quiet` leaves out what succeeds or will be retried.
struct log_observer : no_observer {
    bool quiet = false;

    void started(const lease& l) const;
    void settled(const lease& l, const settlement& s, settle_status status) const;
    void buried(const lease& l, std::string_view why) const;
    void trouble(const error& e) const;
};

// "250ms", "2.01s", "3m 20s"
[[nodiscard]] std::string elapsed_text(duration d);

}  // namespace queuectl::command

#endif
