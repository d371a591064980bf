// LMDB's result codes as errors.
#ifndef QUEUECTL_LMDB_FAILURE_HPP
#define QUEUECTL_LMDB_FAILURE_HPP

#include <queuectl/process/owned_fd.hpp>

#include <lmdb.h>

namespace queuectl::inline v0::detail::lmdb {

// Of our own functions that else give LMDB's codes: the transaction knows the error (see transaction::refuse).
inline constexpr int refused = -1;

// The failure of a step with `rc`: LMDB's code, or an errno.
[[nodiscard]] inline failure_value failed(int rc, std::string operation)
{
    errc code = errc::io;
    switch (rc) {
        case MDB_MAP_FULL:
        case MDB_TXN_FULL:
        case MDB_DBS_FULL: code = errc::store_full; break;
        case MDB_READERS_FULL: code = errc::busy; break;
        case MDB_VERSION_MISMATCH: code = errc::wrong_version; break;
        case MDB_PAGE_NOTFOUND:
        case MDB_CORRUPTED:
        case MDB_INVALID:
        case MDB_INCOMPATIBLE:
        case MDB_PAGE_FULL:
        case MDB_CURSOR_FULL:
        case MDB_NOTFOUND:
        case MDB_KEYEXIST: code = errc::corrupt; break;
        case MDB_BAD_VALSIZE: code = errc::invalid_argument; break;
        default: break;
    }
    if (rc > 0) return fail_errno(std::move(operation), rc);
    return fail(code, std::move(operation), mdb_strerror(rc), rc);
}

}  // namespace queuectl::inline v0::detail::lmdb

#endif
