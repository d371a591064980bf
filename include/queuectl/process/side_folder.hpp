// The private folder of a file store: PATH.d, with its lock, control page and logs. POSIX.
#ifndef QUEUECTL_PROCESS_SIDE_FOLDER_HPP
#define QUEUECTL_PROCESS_SIDE_FOLDER_HPP

#include <queuectl/process/owned_fd.hpp>

#include <fcntl.h>
#include <sys/stat.h>

namespace queuectl::inline v0 {

namespace detail {

// Refuses what another user owns or may write.
[[nodiscard]] inline result<void> check_private(const struct stat& what, const std::string& path)
{
    if (what.st_uid != ::geteuid()) return fail(errc::permission, "open " + path, "it belongs to another user");
    if ((what.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return fail(errc::permission, "open " + path, "others may write to it; chmod go-w");
    return {};
}

}  // namespace detail

// An open folder that only its owner may write to. Names are single path components chosen by the program:
// user text never becomes one. Nothing is followed: links, FIFOs and other people's files are refused.
class side_folder {
public:
    // Opens `path`; with `create`, makes it first, with mode 0700 whatever the umask. errc::not_found when it
    // is missing. A new folder is as durable as its parent is made by sync_parent().
    [[nodiscard]] static result<side_folder> open(std::string path, bool create)
    {
        return open_at(AT_FDCWD, path.c_str(), path, create);
    }

    // The same for a folder inside this one.
    [[nodiscard]] result<side_folder> subfolder(const char* name, bool create) const
    {
        return open_at(fd_.get(), name, path_ + '/' + name, create);
    }

    // Opens a regular file with `flags` (O_RDWR | O_CREAT, …). A new one has mode 0600 whatever the umask. With
    // O_CREAT there is one afterwards, even where others make and remove it meanwhile.
    [[nodiscard]] result<owned_fd> open_file(const char* name, int flags) const
    {
        constexpr int safe = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
        const std::string full = path_ + '/' + name;
        const bool create = (flags & O_CREAT) != 0;
        owned_fd file;
        while (!file) {
            if (create) {
                owned_fd made{::openat(fd_.get(), name, flags | O_EXCL | safe, 0600)};
                if (made) {
                    if (::fchmod(made.get(), 0600) != 0) return detail::fail_errno("chmod " + full, errno);
                    return made;
                }
                if (errno != EEXIST || (flags & O_EXCL) != 0) return detail::fail_errno("create " + full, errno);
            }
            file = owned_fd{::openat(fd_.get(), name, (flags & ~O_CREAT) | safe)};
            const bool removed_meanwhile = create && !file && errno == ENOENT;
            if (!file && !removed_meanwhile) return detail::fail_errno("open " + full, errno);
        }
        struct stat what {};
        if (::fstat(file.get(), &what) != 0) return detail::fail_errno("stat " + full, errno);
        if (!S_ISREG(what.st_mode)) return fail(errc::permission, "open " + full, "it is not a regular file");
        if (auto ours = detail::check_private(what, full); !ours) return fail(ours.error());
        return file;
    }

    [[nodiscard]] bool holds(const char* name) const noexcept
    {
        return ::faccessat(fd_.get(), name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    }
    // False once the folder itself was removed.
    [[nodiscard]] bool still_there() const noexcept
    {
        struct stat what {};
        return ::fstat(fd_.get(), &what) == 0 && what.st_nlink != 0;
    }

    // Makes entries created or removed in this folder durable.
    [[nodiscard]] result<void> sync() const
    {
        if (::fsync(fd_.get()) != 0) return detail::fail_errno("fsync " + path_, errno);
        return {};
    }

    [[nodiscard]] int fd() const noexcept { return fd_.get(); }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }
    [[nodiscard]] bool created() const noexcept { return created_; }

private:
    side_folder(owned_fd fd, std::string path, bool created)
        : fd_{std::move(fd)}, path_{std::move(path)}, created_{created}
    {
    }

    static result<side_folder> open_at(int parent, const char* name, const std::string& full, bool create)
    {
        bool created = false;
        if (create) {
            created = ::mkdirat(parent, name, 0700) == 0;
            if (!created && errno != EEXIST) return detail::fail_errno("mkdir " + full, errno);
            if (created && ::fchmodat(parent, name, 0700, 0) != 0) return detail::fail_errno("chmod " + full, errno);
        }
        owned_fd folder{::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
        if (!folder) {
            if (errno == ENOTDIR) return fail(errc::permission, "open " + full, "it is not a folder");
            return detail::fail_errno("open " + full, errno);
        }
        struct stat what {};
        if (::fstat(folder.get(), &what) != 0) return detail::fail_errno("stat " + full, errno);
        if (auto ours = detail::check_private(what, full); !ours) return fail(ours.error());
        return side_folder{std::move(folder), full, created};
    }

    owned_fd fd_;
    std::string path_;
    bool created_ = false;
};

// Makes the entry of `path` in its parent folder durable.
[[nodiscard]] inline result<void> sync_parent(const std::string& path)
{
    const auto slash = path.rfind('/');
    const std::string parent = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
    const owned_fd folder{::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!folder || ::fsync(folder.get()) != 0) return detail::fail_errno("fsync " + parent, errno);
    return {};
}

}  // namespace queuectl::inline v0

#endif
