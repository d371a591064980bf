// How an LMDB store is opened.
#ifndef QUEUECTL_LMDB_OPTIONS_HPP
#define QUEUECTL_LMDB_OPTIONS_HPP

#include <queuectl/storage.hpp>

namespace queuectl::inline v0 {

struct lmdb_options {
    // full: LMDB's own sync, two flushes a transaction; what a call acknowledged survives power loss. interval:
    // MDB_NOMETASYNC, one flush; power loss may take the last transaction, as a whole, and never damages the file.
    // none: MDB_NOSYNC; everything survives the death of any process, but power loss MAY CORRUPT THE WHOLE STORE:
    // LMDB cannot tell in which order its pages reached the disk. process is refused.
    queuectl::durability durability = queuectl::durability::full;

    // With full durability, a claim on its own is as with interval: power loss may forget that a job was started (its
    // lease has expired by then anyway). true: it is synced. Settles with a fused claim always are.
    bool sync_claims = false;

    // A call waits this long for other writers of the queue, then gives errc::busy. Programs that write without the
    // queue's lock (a transaction of the user's without lmdb_turn) are waited for without an end: LMDB knows none.
    duration busy = std::chrono::seconds{10};

    bool create = true;              // false: a missing store is errc::not_found, and nothing is created
    bool read_only = false;          // every write is errc::read_only; implies create = false
    bool insist_network_fs = false;  // locks and shared memory do not work there between machines: refused otherwise
    bool adopt = false;              // an LMDB environment of somebody else's becomes a store, too

    // Address space, not disk: the map doubles when it is full, up to the limit.
    std::size_t map_bytes = std::size_t{1} << 30;
    std::size_t map_bytes_max = std::size_t{1} << 45;

    // How many named databases of the user's own the environment has room for. The first handle of a process decides.
    unsigned named_databases = 16;
};

}  // namespace queuectl::inline v0

#endif
