// How a SQLite store is opened.
#ifndef QUEUECTL_SQLITE_OPTIONS_HPP
#define QUEUECTL_SQLITE_OPTIONS_HPP

#include <queuectl/storage.hpp>

namespace queuectl::inline v0 {

struct sqlite_options {
    // full: synchronous=FULL, one fdatasync of the write-ahead log a transaction; what a call acknowledged survives
    // power loss. none (and interval, which is the same here): synchronous=NORMAL; everything survives the death of
    // any process, power loss may take the last transactions, as a whole and from the end, and never damages the
    // file. process is refused.
    queuectl::durability durability = queuectl::durability::full;

    // With full durability, a claim on its own is not synced: power loss may forget that a job was started (its
    // lease has expired by then anyway). true: it is. Settles with a fused claim always are.
    bool sync_claims = false;

    // A call waits this long in all for other writers, then gives errc::busy.
    duration busy = std::chrono::seconds{10};

    bool create = true;              // false: a missing store is errc::not_found, and nothing is created
    bool read_only = false;          // every write is errc::read_only; implies create = false
    bool insist_network_fs = false;  // locks and shared memory do not work there between machines: refused otherwise
};

}  // namespace queuectl::inline v0

#endif
