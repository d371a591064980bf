// Output too long for a row: files in PATH.d/logs, named SEQUENCE-RUN. The bytes are the head, then the tail.
#ifndef QUEUECTL_SQLITE_LOG_FILES_HPP
#define QUEUECTL_SQLITE_LOG_FILES_HPP

#include <queuectl/job.hpp>
#include <queuectl/process/side_folder.hpp>

namespace queuectl::inline v0::detail::sqlite {

// Writes and syncs the file; its name in the folder is not synced.
[[nodiscard]] inline result<void> write_log(const side_folder& logs, const std::string& name, const run_output& out)
{
    auto file = logs.open_file(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC);
    if (!file) return fail(file.error());
    int e = write_all(file->get(), out.head.data(), out.head.size());
    if (e == 0) e = write_all(file->get(), out.tail.data(), out.tail.size());
    if (e == 0 && ::fsync(file->get()) != 0) e = errno;
    if (e == 0) return {};
    ::unlinkat(logs.fd(), name.c_str(), 0);
    return fail_errno("write " + logs.path() + '/' + name, e);
}

[[nodiscard]] inline result<std::string> read_log(const side_folder& logs, const std::string& name)
{
    auto file = logs.open_file(name.c_str(), O_RDONLY);
    if (!file) return fail(file.error());
    std::string all;
    char part[16384];
    for (;;) {
        const auto count = ::read(file->get(), part, sizeof part);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno("read " + logs.path() + '/' + name, errno);
        if (count == 0) return all;
        all.append(part, static_cast<std::size_t>(count));
    }
}

inline void remove_log(const side_folder& logs, const std::string& name) { ::unlinkat(logs.fd(), name.c_str(), 0); }

}  // namespace queuectl::inline v0::detail::sqlite

#endif
