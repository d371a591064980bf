// A name for the processes of one worker, by which they are found after its death.
#ifndef QUEUECTL_PROCESS_RUN_MARK_HPP
#define QUEUECTL_PROCESS_RUN_MARK_HPP

#include <queuectl/process/posix.hpp>
#include <queuectl/uid.hpp>

#include <string>

#include <sys/random.h>

namespace queuectl::inline v0::process {

// 32 hexadecimal digits that no other mark has.
[[nodiscard]] inline std::string random_mark()
{
    uid u{};
    if (::getrandom(&u, sizeof u, 0) != static_cast<ssize_t>(sizeof u))
        u = {static_cast<std::uint64_t>(::getpid()), static_cast<std::uint64_t>(monotonic_now().count())};
    return to_hex(u);
}

}  // namespace queuectl::inline v0::process

#endif
