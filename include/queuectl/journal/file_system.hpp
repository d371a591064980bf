// The files of a journal as a policy: what a log asks of a disk, and the real one. POSIX.
#ifndef QUEUECTL_JOURNAL_FILE_SYSTEM_HPP
#define QUEUECTL_JOURNAL_FILE_SYSTEM_HPP

#include <queuectl/process/side_folder.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <string_view>
#include <vector>

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#if defined(__linux__)
#include <sys/syscall.h>
#endif

namespace queuectl::inline v0::journal {

// One folder of files with plain names. Every error names the path and the system's reason.
//
// | expression                     | meaning                                                                          |
// |--------------------------------|----------------------------------------------------------------------------------|
// | F::file                        | an open file; movable, default-constructible (none), closed when destroyed       |
// | create(name) → file            | a new file that only its owner may read or write; fails when the name is taken   |
// | open(name) → file              | an existing regular file, to read and write; no links; errc::not_found           |
// | read(file, offset, to, count)  | → bytes read, fewer than `count` only at the end of the file                     |
// | write(file, offset, bytes)     | all of it, or an error: then any part of it may have been written                |
// | fill_zeros(file, offset, n)    | writes n real zeros (allocated space is not enough); as write                    |
// | sync(file)                     | file contents and size are durable; after an error nobody knows what is          |
// | sync_directory()               | names created, renamed and removed are durable                                   |
// | rename(from, to)               | replaces `to`                                                                    |
// | remove(name), list(), size(file), truncate(file, bytes)                                                           |
//
// It may have more: write_soon(file, offset, n) and close_later(file), see posix_file_system.
// Any thread may call anything; calls on one file at a time may overlap.
template <class F>
concept file_system = requires(F& fs, typename F::file& file, std::string_view text, std::uint64_t at, char* to)
{
    requires std::movable<typename F::file> && std::default_initializable<typename F::file>;
    {
        fs.create(text)
        } -> std::same_as<result<typename F::file>>;
    {
        fs.open(text)
        } -> std::same_as<result<typename F::file>>;
    {
        fs.read(file, at, to, std::size_t{})
        } -> std::same_as<result<std::size_t>>;
    {
        fs.write(file, at, text)
        } -> std::same_as<result<void>>;
    {
        fs.fill_zeros(file, at, at)
        } -> std::same_as<result<void>>;
    {
        fs.sync(file)
        } -> std::same_as<result<void>>;
    {
        fs.sync_directory()
        } -> std::same_as<result<void>>;
    {
        fs.rename(text, text)
        } -> std::same_as<result<void>>;
    {
        fs.remove(text)
        } -> std::same_as<result<void>>;
    {
        fs.list()
        } -> std::same_as<result<std::vector<std::string>>>;
    {
        fs.size(file)
        } -> std::same_as<result<std::uint64_t>>;
    {
        fs.truncate(file, at)
        } -> std::same_as<result<void>>;
};

namespace detail {

using queuectl::detail::fail_errno;

// Calls transfer(done, left) → bytes or −errno until `count` bytes are through, or it returns 0 (the end).
// Goes on after signals and short transfers. Returns the bytes done, or −errno.
template <class Transfer>
[[nodiscard]] std::int64_t transfer_all(std::size_t count, Transfer&& transfer)
{
    std::size_t done = 0;
    while (done < count) {
        const std::int64_t n = transfer(done, count - done);
        if (n == -EINTR) continue;
        if (n < 0) return n;
        if (n == 0) break;
        done += static_cast<std::size_t>(n);
    }
    return static_cast<std::int64_t>(done);
}

// The same for writes: 0, or errno. A write of nothing that reports no error counts as a full disk.
template <class Transfer>
[[nodiscard]] int write_all(std::size_t count, Transfer&& transfer)
{
    const std::int64_t done = transfer_all(count, transfer);
    if (done < 0) return static_cast<int>(-done);
    return static_cast<std::size_t>(done) == count ? 0 : ENOSPC;
}

// Calls write(offset, bytes) → result<void> with zeros for [offset, offset + count).
template <class Write>
[[nodiscard]] result<void> write_zeros(std::uint64_t offset, std::uint64_t count, Write&& write)
{
    static constexpr char zeros[std::size_t{64} << 10] = {};
    while (count > 0) {
        const std::size_t piece = static_cast<std::size_t>(std::min<std::uint64_t>(count, sizeof zeros));
        if (auto done = write(offset, std::string_view{zeros, piece}); !done) return done;
        offset += piece;
        count -= piece;
    }
    return {};
}

// Closes a file that may be the last handle of a removed one.
template <file_system FileSystem>
void let_go(FileSystem& fs, typename FileSystem::file& file)
{
    if constexpr (requires { fs.close_later(std::move(file)); }) fs.close_later(std::move(file));
}

}  // namespace detail

// A folder of the operating system: private to its user, no links followed.
class posix_file_system {
public:
    struct file {
        owned_fd fd;
        std::string path;
    };

    // With `create`, makes the folder (0700) and its entry in its parent durable.
    [[nodiscard]] static result<posix_file_system> open_folder(std::string path, bool create)
    {
        auto folder = side_folder::open(std::move(path), create);
        if (!folder) return fail(folder.error());
        if (folder->created())
            if (auto done = sync_parent(folder->path()); !done) return fail(done.error());
        return posix_file_system{std::move(*folder)};
    }

    // A folder that is only read: nothing is created, and files are opened to be read, also on a read-only disk.
    [[nodiscard]] static result<posix_file_system> open_folder_to_read(std::string path)
    {
        auto made = open_folder(std::move(path), false);
        if (made) made->access_ = O_RDONLY;
        return made;
    }

    [[nodiscard]] const side_folder& folder() const noexcept { return folder_; }

    [[nodiscard]] result<file> create(std::string_view name) { return open_file(name, O_RDWR | O_CREAT | O_EXCL); }
    [[nodiscard]] result<file> open(std::string_view name) { return open_file(name, access_); }

    [[nodiscard]] result<std::size_t> read(const file& f, std::uint64_t offset, char* to, std::size_t count)
    {
        const auto done = detail::transfer_all(count, [&](std::size_t at, std::size_t left) -> std::int64_t {
            const auto n = ::pread(f.fd.get(), to + at, left, static_cast<off_t>(offset + at));
            return n < 0 ? -errno : n;
        });
        if (done < 0) return detail::fail_errno("read " + f.path, static_cast<int>(-done));
        return static_cast<std::size_t>(done);
    }

    [[nodiscard]] result<void> write(file& f, std::uint64_t offset, std::string_view bytes)
    {
        const int failure = detail::write_all(bytes.size(), [&](std::size_t at, std::size_t left) -> std::int64_t {
            const auto n = ::pwrite(f.fd.get(), bytes.data() + at, left, static_cast<off_t>(offset + at));
            return n < 0 ? -errno : n;
        });
        if (failure != 0) return detail::fail_errno("write " + f.path, failure);
        return {};
    }

    [[nodiscard]] result<void> fill_zeros(file& f, std::uint64_t offset, std::uint64_t count)
    {
        return detail::write_zeros(offset, count,
                                   [&](std::uint64_t at, std::string_view zeros) { return write(f, at, zeros); });
    }

    // Asks the system to begin to write such a part of the file; waits for nothing, promises nothing.
    void write_soon([[maybe_unused]] file& f, [[maybe_unused]] std::uint64_t offset,
                    [[maybe_unused]] std::uint64_t count) noexcept
    {
#if defined(__linux__)
        ::syscall(SYS_sync_file_range, f.fd.get(), offset, count, sync_range_write);
#endif
    }

    // Closes the file in a thread of its own, where there can be one: the last close of a removed file of 64 MiB takes
    // the system 10 to 30 ms.
    void close_later(file f) noexcept
    {
        const int fd = f.fd.release();
        if (fd < 0) return;
        const auto close_it = [](void* it) -> void* {
            ::close(static_cast<int>(reinterpret_cast<std::intptr_t>(it)));
            return nullptr;
        };
        sigset_t all;
        sigset_t before;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        pthread_t thread{};
        void* const it = reinterpret_cast<void*>(static_cast<std::intptr_t>(fd));
        if (::pthread_create(&thread, nullptr, close_it, it) == 0)
            ::pthread_detach(thread);
        else
            ::close(fd);
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    }

    // Not repeated after EINTR either: what a failed sync has done is not known.
    [[nodiscard]] result<void> sync(file& f)
    {
        if (::fdatasync(f.fd.get()) != 0) return detail::fail_errno("sync " + f.path, errno);
        return {};
    }
    [[nodiscard]] result<void> sync_directory() { return folder_.sync(); }

    [[nodiscard]] result<void> rename(std::string_view from, std::string_view to)
    {
        if (::renameat(folder_.fd(), std::string{from}.c_str(), folder_.fd(), std::string{to}.c_str()) != 0)
            return detail::fail_errno("rename " + path(from) + " to " + path(to), errno);
        return {};
    }
    [[nodiscard]] result<void> remove(std::string_view name)
    {
        if (::unlinkat(folder_.fd(), std::string{name}.c_str(), 0) != 0)
            return detail::fail_errno("remove " + path(name), errno);
        return {};
    }

    [[nodiscard]] result<std::vector<std::string>> list()
    {
        owned_fd fd{::openat(folder_.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        DIR* entries = fd ? ::fdopendir(fd.get()) : nullptr;
        if (entries == nullptr) return detail::fail_errno("list " + folder_.path(), errno);
        static_cast<void>(fd.release());
        std::vector<std::string> names;
        errno = 0;
        while (const dirent* entry = ::readdir(entries)) names.emplace_back(entry->d_name);
        const int failure = errno;
        ::closedir(entries);
        if (failure != 0) return detail::fail_errno("list " + folder_.path(), failure);
        return names;
    }

    [[nodiscard]] result<std::uint64_t> size(const file& f)
    {
        struct stat what {};
        if (::fstat(f.fd.get(), &what) != 0) return detail::fail_errno("stat " + f.path, errno);
        return static_cast<std::uint64_t>(what.st_size);
    }
    [[nodiscard]] result<void> truncate(file& f, std::uint64_t bytes)
    {
        while (::ftruncate(f.fd.get(), static_cast<off_t>(bytes)) != 0)
            if (errno != EINTR) return detail::fail_errno("truncate " + f.path, errno);
        return {};
    }

private:
    static constexpr unsigned sync_range_write = 2;  // SYNC_FILE_RANGE_WRITE, which needs _GNU_SOURCE

    explicit posix_file_system(side_folder folder) : folder_{std::move(folder)} {}

    [[nodiscard]] std::string path(std::string_view name) const { return folder_.path() + '/' + std::string{name}; }

    result<file> open_file(std::string_view name, int flags)
    {
        auto fd = folder_.open_file(std::string{name}.c_str(), flags);
        if (!fd) return fail(fd.error());
        return file{std::move(*fd), path(name)};
    }

    side_folder folder_;
    int access_ = O_RDWR;
};
static_assert(file_system<posix_file_system>);

}  // namespace queuectl::inline v0::journal

#endif
