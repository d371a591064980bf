// File systems of this process and for it alone.
#ifndef QUEUECTL_TESTS_JOURNAL_STORE_MOUNTS_HPP
#define QUEUECTL_TESTS_JOURNAL_STORE_MOUNTS_HPP

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string>

#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

namespace queuectl::journal_testing {

namespace detail {

inline std::string refused(const char* call) { return std::string{call} + ": " + std::strerror(errno); }

// As root, or as a user who is one in a name space of its own, where that is allowed.
inline std::string own_mounts()
{
    const auto user = std::to_string(::geteuid());
    const auto group = std::to_string(::getegid());
    if (::unshare(CLONE_NEWNS) != 0) {
        if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return refused("unshare");
        std::ofstream{"/proc/self/setgroups"} << "deny";
        if (!(std::ofstream{"/proc/self/uid_map"} << user + ' ' + user + " 1" << std::flush) ||
            !(std::ofstream{"/proc/self/gid_map"} << group + ' ' + group + " 1" << std::flush))
            return refused("uid_map");
    }
    return ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 ? "" : refused("mount");
}

}  // namespace detail

// A file system of `bytes` at `path`. Why it is not possible here; empty = it is there.
[[nodiscard]] inline std::string mount_small_disk(const std::string& path, std::size_t bytes)
{
    if (auto why = detail::own_mounts(); !why.empty()) return why;
    const auto options = "mode=700,size=" + std::to_string(bytes);
    return ::mount("queuectl-test", path.c_str(), "tmpfs", 0, options.c_str()) == 0 ? "" : detail::refused("mount");
}

// `path` once more, at the same place, where nothing can be changed.
[[nodiscard]] inline std::string mount_read_only(const std::string& path)
{
    if (auto why = detail::own_mounts(); !why.empty()) return why;
    if (::mount(path.c_str(), path.c_str(), nullptr, MS_BIND, nullptr) != 0 ||
        ::mount(nullptr, path.c_str(), nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV, nullptr) != 0)
        return detail::refused("mount");
    return "";
}

}  // namespace queuectl::journal_testing

#endif
