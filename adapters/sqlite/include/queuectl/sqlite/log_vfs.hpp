// SQLite's file system, but for one sync: that of the folder, which every process would pay at its first commit.
#ifndef QUEUECTL_SQLITE_LOG_VFS_HPP
#define QUEUECTL_SQLITE_LOG_VFS_HPP

#include <sqlite3.h>

#include <cstring>
#include <sys/stat.h>

namespace queuectl::inline v0::detail::sqlite {

// SQLite opens every log as one that it may be creating, and then syncs the folder together with the log's first sync.
// A log that holds more than its header needs none: SQLite syncs the header, and the folder with it, before it writes
// a first frame (sqlite3WalFrames; but for a program that creates the log under synchronous=OFF).
class log_vfs {
public:
    // For sqlite3_open_v2; null, which is SQLite's default, where that is not its own for POSIX.
    [[nodiscard]] static const char* name()
    {
        static const bool registered = add();
        return registered ? own_name : nullptr;
    }

private:
    static constexpr char own_name[] = "queuectl";
    static constexpr off_t log_header_bytes = 32;

    static bool add()
    {
        base() = sqlite3_vfs_find(nullptr);
        if (base() == nullptr || std::strcmp(base()->zName, "unix") != 0) return false;
        static sqlite3_vfs ours = *base();
        ours.pNext = nullptr;
        ours.zName = own_name;
        ours.xOpen = &open;
        return sqlite3_vfs_register(&ours, 0) == SQLITE_OK;
    }

    static int open(sqlite3_vfs*, const char* path, sqlite3_file* file, int flags, int* got)
    {
        struct stat what {};
        const bool known =
            (flags & SQLITE_OPEN_WAL) != 0 && ::lstat(path, &what) == 0 && what.st_size > log_header_bytes;
        return base()->xOpen(base(), path, file, known ? flags & ~SQLITE_OPEN_CREATE : flags, got);
    }

    static sqlite3_vfs*& base()
    {
        static sqlite3_vfs* found = nullptr;
        return found;
    }
};

}  // namespace queuectl::inline v0::detail::sqlite

#endif
