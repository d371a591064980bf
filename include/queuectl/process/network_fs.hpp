// Whether a path lies on a file system of another machine. Linux; elsewhere nothing is known and nothing is refused.
#ifndef QUEUECTL_PROCESS_NETWORK_FS_HPP
#define QUEUECTL_PROCESS_NETWORK_FS_HPP

#include <queuectl/process/owned_fd.hpp>

#if defined(__linux__)
#include <sys/vfs.h>
#endif

namespace queuectl::inline v0 {

namespace detail {

// The name of a network file system by its magic number (statfs(2)), or null for a local one. FUSE counts as one:
// which of them are remote cannot be told.
[[nodiscard]] constexpr const char* network_fs_name(std::uint32_t magic) noexcept
{
    switch (magic) {
        case 0x6969: return "NFS";
        case 0x517b:
        case 0xff534d42:
        case 0xfe534d42: return "SMB";
        case 0x01021997: return "9P";
        case 0x65735546: return "FUSE";
        case 0x5346414f:
        case 0x6b414653: return "AFS";
        case 0x00c36400: return "Ceph";
        case 0x73757245: return "Coda";
        case 0x0bd00bd0: return "Lustre";
        case 0x7461636f: return "OCFS2";
        case 0x01161970: return "GFS2";
        default: return nullptr;
    }
}

}  // namespace detail

// errc::unsupported when `folder` is on a network file system: locks, shared memory and syncs do not mean the
// same there.
[[nodiscard]] inline result<void> refuse_network_fs([[maybe_unused]] const std::string& folder)
{
#if defined(__linux__)
    struct statfs what {};
    if (::statfs(folder.c_str(), &what) != 0) return detail::fail_errno("statfs " + folder, errno);
    if (const char* name = detail::network_fs_name(static_cast<std::uint32_t>(what.f_type)))
        return fail(errc::unsupported, "open " + folder,
                    std::string{"it is on a network file system ("} + name + "); insist to use it all the same");
#endif
    return {};
}

}  // namespace queuectl::inline v0

#endif
