// Output too long for a store's records: files in its logs folder, named SEQUENCE-RUN. The bytes are the head, then the
// tail. POSIX.
#ifndef QUEUECTL_PROCESS_OUTPUT_FILES_HPP
#define QUEUECTL_PROCESS_OUTPUT_FILES_HPP

#include <queuectl/job.hpp>
#include <queuectl/process/side_folder.hpp>

#include <algorithm>

#include <dirent.h>

namespace queuectl::inline v0::detail {

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

// A settle writes its files before it commits: those that are younger may belong to one that has not ended.
inline constexpr std::int64_t orphan_age_s = 3600;

// SEQUENCE-RUN
[[nodiscard]] inline bool is_output_name(std::string_view name) noexcept
{
    const auto dash = name.find('-');
    const auto digits = [](std::string_view s) {
        return !s.empty() && s.find_first_not_of("0123456789") == std::string_view::npos;
    };
    return dash != std::string_view::npos && digits(name.substr(0, dash)) && digits(name.substr(dash + 1));
}

// The output files in the folder that are older than orphan_age_s, sorted; with `bytes`, the size of all is added.
[[nodiscard]] inline result<std::vector<std::string>> old_outputs(const side_folder& logs, std::int64_t now_s,
                                                                  std::uint64_t* bytes = nullptr)
{
    owned_fd fd{::openat(logs.fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    DIR* const entries = fd ? ::fdopendir(fd.get()) : nullptr;
    if (entries == nullptr) return fail_errno("list " + logs.path(), errno);
    static_cast<void>(fd.release());
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(entries)) {
        struct stat what {};
        if (!is_output_name(entry->d_name) || ::fstatat(logs.fd(), entry->d_name, &what, AT_SYMLINK_NOFOLLOW) != 0 ||
            !S_ISREG(what.st_mode))
            continue;
        if (bytes != nullptr) *bytes += static_cast<std::uint64_t>(what.st_size);
        if (what.st_mtime < now_s - orphan_age_s) names.emplace_back(entry->d_name);
    }
    ::closedir(entries);
    std::sort(names.begin(), names.end());
    return names;
}

}  // namespace queuectl::inline v0::detail

#endif
