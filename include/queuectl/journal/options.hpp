// How a journal is opened.
#ifndef QUEUECTL_JOURNAL_OPTIONS_HPP
#define QUEUECTL_JOURNAL_OPTIONS_HPP

#include <queuectl/journal/log_options.hpp>
#include <queuectl/storage.hpp>

namespace queuectl::inline v0 {

struct journal_options {
    // full: what a call acknowledged survives power loss. interval: power loss may take what was acknowledged in the
    // last `interval`, as a whole and from the end. none: in the last seconds, until the system has written it. None of
    // them loses anything when processes die, and none damages the store. process is refused.
    queuectl::durability durability = queuectl::durability::full;
    duration interval = std::chrono::seconds{1};
    // With full durability, a claim on its own is not synced: power loss may forget that a job was started (its
    // lease has expired by then anyway). true: it is. Settles with a fused claim always are.
    bool sync_claims = false;
    // A call waits this long in all for other writers, then gives errc::busy.
    duration busy = std::chrono::seconds{10};
    bool create = true;              // false: a missing store is errc::not_found, and nothing is created
    bool insist_network_fs = false;  // locks and shared memory do not work there between machines: refused otherwise
    journal::segment_sizes sizes{};  // of its files; others than these are for tests
};

}  // namespace queuectl::inline v0

#endif
