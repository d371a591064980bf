// The LMDB environments that this process has open: one for each file, whatever the number of handles.
#ifndef QUEUECTL_LMDB_ENVIRONMENT_HPP
#define QUEUECTL_LMDB_ENVIRONMENT_HPP

#include <queuectl/lmdb/failure.hpp>
#include <queuectl/lmdb/format.hpp>
#include <queuectl/lmdb/options.hpp>
#include <queuectl/process/side_folder.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <shared_mutex>

#include <sys/file.h>

namespace queuectl::inline v0::detail::lmdb {

// One open environment. Every transaction in this process holds `map` shared: the map is neither grown nor moved
// meanwhile.
struct environment {
    MDB_env* env = nullptr;
    ::dev_t device = 0;
    ::ino_t file = 0;
    ::pid_t process = 0;
    std::size_t handles = 0;  // under the registry's lock
    std::array<MDB_dbi, database_count> databases{};
    std::atomic<bool> has_tables{false};
    std::mutex opening_tables;
    std::shared_mutex map;
    std::string folder;
    unsigned flags = MDB_NOTLS;
    MDB_dbi databases_max = 0;
    std::size_t map_bytes = 0;
    std::size_t map_bytes_max = 0;
    std::atomic<std::uint64_t> steps{0};  // records looked at or written: what a call's cost grows with

    [[nodiscard]] MDB_dbi dbi(table t) const noexcept { return databases[static_cast<std::size_t>(database_of(t))]; }

    // Opens the files. An errno, or LMDB's code.
    [[nodiscard]] int start()
    {
        int rc = mdb_env_create(&env);
        if (rc != 0) return rc;
        mdb_env_set_maxdbs(env, databases_max);
        mdb_env_set_maxreaders(env, 1022);
        mdb_env_set_mapsize(env, std::min(map_bytes, map_bytes_max));
        rc = mdb_env_open(env, folder.c_str(), flags, 0600);
        int fd = -1;
        if (rc == 0 && mdb_env_get_fd(env, &fd) == 0) ::fcntl(fd, F_SETFD, FD_CLOEXEC);  // LMDB 0.9.24 forgets it
        if (rc == 0) clear_readers();
        return rc;
    }
    void stop() noexcept { mdb_env_close(std::exchange(env, nullptr)); }

    // Opens the tables, or makes those that are missing. MDB_NOTFOUND: there are none.
    [[nodiscard]] int open_tables(MDB_txn* txn, bool create)
    {
        int rc = 0;
        for (std::size_t i = 0; rc == 0 && i < database_count; ++i) {
            const auto t = static_cast<table>(i);
            const unsigned integers = t == table::jobs || t == table::states ? MDB_INTEGERKEY : 0;
            rc = mdb_dbi_open(txn, database_names[i], integers | (create ? MDB_CREATE : 0), &databases[i]);
        }
        return rc;
    }

    // After MDB_PANIC: LMDB could not write a meta page, and knows no more what is on the disk. Opens all anew.
    [[nodiscard]] int restart()
    {
        const std::scoped_lock alone{map};
        MDB_txn* txn = nullptr;
        if (env != nullptr) stop();
        int rc = start();
        if (rc == 0) rc = mdb_txn_begin(env, nullptr, MDB_RDONLY, &txn);
        if (rc == 0 && (rc = open_tables(txn, false)) != 0) mdb_txn_abort(txn);
        if (rc == 0) rc = mdb_txn_commit(txn);
        if (rc != 0 && env != nullptr) stop();
        return rc;
    }

    // Doubles the map. Requires: the caller has no transaction. MDB_MAP_FULL at the limit, and `beyond` bytes over it.
    [[nodiscard]] int grow(std::size_t beyond)
    {
        const std::scoped_lock alone{map};
        MDB_envinfo info{};
        mdb_env_info(env, &info);
        const std::size_t next = std::min(info.me_mapsize * 2, map_bytes_max + beyond) / page * page;
        return next <= info.me_mapsize ? MDB_MAP_FULL : mdb_env_set_mapsize(env, next);
    }

    // Takes over the size that another process has given the map. Requires: the caller has no transaction.
    [[nodiscard]] int follow()
    {
        const std::scoped_lock alone{map};
        return mdb_env_set_mapsize(env, 0);
    }

    // A transaction under `hold`, which is taken anew where the map has to move. Readers that died give up their slots
    // when none is left.
    [[nodiscard]] int begin(unsigned how, std::shared_lock<std::shared_mutex>& hold, MDB_txn*& txn)
    {
        for (bool cleared = false, restarted = false;;) {
            if (!hold) hold = std::shared_lock{map};
            const int rc = env == nullptr ? MDB_PANIC : mdb_txn_begin(env, nullptr, how, &txn);
            if (rc == MDB_MAP_RESIZED) {
                hold = {};
                if (const int followed = follow(); followed != 0) return followed;
            } else if (rc == MDB_PANIC && !restarted) {
                restarted = true;
                hold = {};
                if (const int failed = restart(); failed != 0) return failed;
            } else if (rc == MDB_READERS_FULL && !cleared) {
                cleared = true;
                static_cast<void>(clear_readers());
            } else {
                return rc;
            }
        }
    }

    // Readers that died keep pages from being used again. Returns how many there were.
    int clear_readers() noexcept
    {
        int dead = 0;
        return mdb_reader_check(env, &dead) == 0 ? dead : 0;
    }

private:
    static constexpr std::size_t page = 4096;
};

// LMDB must not be opened twice in a process, nor used in a forked child: what the parent had open is left alone there.
class environments {
public:
    [[nodiscard]] static result<environment*> open(const side_folder& folder, const lmdb_options& options)
    {
        const std::scoped_lock one{lock()};
        const std::string path = folder.path() + "/data.mdb";
        auto what = check_files(folder, options);
        if (!what) return fail(what.error());
        for (const auto& known : all())
            if (known->process == ::getpid() && known->device == what->st_dev && known->file == what->st_ino) {
                ++known->handles;
                return known.get();
            }
        auto made = std::make_unique<environment>();
        made->device = what->st_dev;
        made->file = what->st_ino;
        made->process = ::getpid();
        made->handles = 1;
        made->folder = folder.path();
        made->databases_max = static_cast<MDB_dbi>(database_count) + options.named_databases;
        made->map_bytes = options.map_bytes;
        made->map_bytes_max = options.map_bytes_max;
        int rc = made->start();
        if (rc == MDB_INVALID && !options.read_only) rc = begin_again(folder, *made);
        if ((rc == EACCES || rc == EROFS) && options.read_only) {
            made->stop();
            made->flags |= MDB_RDONLY;
            rc = made->start();
        }
        if (rc != 0) {
            made->stop();
            return failed(rc, "open " + path);
        }
        all().push_back(std::move(made));
        return all().back().get();
    }

    static void close(environment* e) noexcept
    {
        if (e->process != ::getpid()) return;
        const std::scoped_lock one{lock()};
        if (--e->handles != 0) return;
        if (e->env != nullptr) e->stop();
        std::erase_if(all(), [e](const auto& known) { return known.get() == e; });
    }

    // The environment of a transaction of the user's; null when it is none of ours.
    [[nodiscard]] static environment* of(MDB_txn* txn)
    {
        const std::scoped_lock one{lock()};
        const MDB_env* const env = mdb_txn_env(txn);
        for (const auto& known : all())
            if (known->process == ::getpid() && known->env == env) return known.get();
        return nullptr;
    }

private:
    static constexpr std::size_t page_bytes_min = 4096;

    static std::mutex& lock()
    {
        static std::mutex m;
        return m;
    }
    // Never destroyed: a handle may outlive it.
    static std::vector<std::unique_ptr<environment>>& all()
    {
        static auto& known = *new std::vector<std::unique_ptr<environment>>;
        return known;
    }

    // A file whose making was cut off by a full disk or a kill begins with LMDB's first page and is shorter than two:
    // it never held anything, and is made again. One process at a time.
    [[nodiscard]] static int begin_again(const side_folder& folder, environment& e)
    {
        e.stop();
        if (::flock(folder.fd(), LOCK_EX) != 0) return errno;
        if (auto file = folder.open_file("data.mdb", O_RDWR)) {
            std::string first(page_bytes_min * 2, '\0');
            const auto n = ::pread(file->get(), first.data(), first.size(), 0);
            std::uint32_t magic = 0;
            std::memcpy(&magic, first.data() + 16, sizeof magic);
            if (n > 0 && n < static_cast<ssize_t>(first.size()) && magic == 0xBEEFC0DE)
                static_cast<void>(::ftruncate(file->get(), 0) == 0);
        }
        const int rc = e.start();
        ::flock(folder.fd(), LOCK_UN);
        return rc;
    }

    // LMDB writes to this file through a map: its blocks are there first, so that a full disk cannot kill us later.
    [[nodiscard]] static result<void> make_lock_file(const side_folder& folder)
    {
        auto file = folder.open_file("lock.mdb", O_RDWR | O_CREAT);
        if (!file) return fail(file.error());
        const int e = ::posix_fallocate(file->get(), 0, 64 << 10);
        if (e == 0) return {};
        ::unlinkat(folder.fd(), "lock.mdb", 0);
        return fail_errno("allocate " + folder.path() + "/lock.mdb", e);
    }

    // Of DIR/data.mdb. New files are made here, with mode 0600 whatever the umask. lock.mdb is never opened while LMDB
    // has it open: closing any descriptor of it would drop LMDB's locks.
    [[nodiscard]] static result<struct stat> check_files(const side_folder& folder, const lmdb_options& options)
    {
        const bool creates = options.create && !options.read_only;
        if (!options.read_only && !folder.holds("lock.mdb"))
            if (auto made = make_lock_file(folder); !made) return fail(made.error());
        if (creates && !folder.holds("data.mdb"))
            if (auto made = folder.open_file("data.mdb", O_RDWR | O_CREAT); !made) return fail(made.error());
        struct stat what {};
        for (const char* name : {"lock.mdb", "data.mdb"}) {
            const std::string path = folder.path() + '/' + name;
            what = {};
            if (::fstatat(folder.fd(), name, &what, AT_SYMLINK_NOFOLLOW) != 0) {
                if (errno == ENOENT && name[0] == 'l') continue;
                return fail_errno("open " + path, errno);
            }
            if (S_ISLNK(what.st_mode)) return fail(errc::permission, "open " + path, "it is a symbolic link");
            if (!S_ISREG(what.st_mode)) return fail(errc::invalid_argument, "open " + path, "it is not a regular file");
            if (auto ours = check_private(what, path); !ours) return fail(ours.error());
        }
        return what;
    }
};

// One handle's part in an environment.
struct close_environment {
    void operator()(environment* e) const noexcept { environments::close(e); }
};
using environment_ref = std::unique_ptr<environment, close_environment>;

}  // namespace queuectl::inline v0::detail::lmdb

#endif
