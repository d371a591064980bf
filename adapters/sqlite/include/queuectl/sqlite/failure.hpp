// SQLite's result codes as errors.
#ifndef QUEUECTL_SQLITE_FAILURE_HPP
#define QUEUECTL_SQLITE_FAILURE_HPP

#include <queuectl/result.hpp>

#include <sqlite3.h>

#include <cerrno>

namespace queuectl::inline v0::detail::sqlite {

// At the commit a failed write or sync leaves it open whether the transaction is there.
enum class stage : bool { before_commit, commit };

[[nodiscard]] inline errc code_of(int rc, int system, stage when)
{
    switch (rc & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return errc::busy;
        case SQLITE_FULL: return errc::store_full;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return errc::corrupt;
        case SQLITE_READONLY: return errc::read_only;
        case SQLITE_PERM:
        case SQLITE_AUTH: return errc::permission;
        case SQLITE_NOMEM: return errc::no_memory;
        case SQLITE_TOOBIG: return errc::invalid_argument;
        case SQLITE_CANTOPEN: return system == EACCES || system == EPERM ? errc::permission : errc::unreachable;
        case SQLITE_IOERR: break;
        default: return errc::io;
    }
    if (rc == SQLITE_IOERR_NOMEM) return errc::no_memory;
    if (rc == SQLITE_IOERR_WRITE && (system == EDQUOT || system == EFBIG || system == ENOSPC)) return errc::store_full;
    return when == stage::commit ? errc::outcome_unknown : errc::io;
}

// The failure of `db` with `rc`; call it before anything else is done with the connection. SQLite keeps no errno for a
// failed commit: errno itself is looked at, so set it to 0 before the step that may fail.
[[nodiscard]] inline failure_value failed(sqlite3* db, int rc, std::string operation, stage when = stage::before_commit)
{
    const int system = errno != 0 ? errno : sqlite3_system_errno(db);
    const int extended = (rc & 0xff) == rc && sqlite3_errcode(db) == rc ? sqlite3_extended_errcode(db) : rc;
    std::string words = sqlite3_errstr(extended);
    const std::string said = sqlite3_errmsg(db);
    if ((sqlite3_errcode(db) & 0xff) == (rc & 0xff) && said != words) words = said;
    return fail(code_of(extended, system, when), std::move(operation), std::move(words), extended);
}

}  // namespace queuectl::inline v0::detail::sqlite

#endif
