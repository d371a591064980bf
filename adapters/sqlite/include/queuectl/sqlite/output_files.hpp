// Output files and the rows that name them.
#ifndef QUEUECTL_SQLITE_OUTPUT_FILES_HPP
#define QUEUECTL_SQLITE_OUTPUT_FILES_HPP

#include <queuectl/limits.hpp>
#include <queuectl/sqlite/session.hpp>

#include <algorithm>

#include <dirent.h>

namespace queuectl::inline v0::detail::sqlite {

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

// Takes out of `names` (sorted) those that a row names. Reads every row of attempts that names a file.
[[nodiscard]] inline int drop_named(transaction& tx, std::vector<std::string>& names)
{
    std::vector<bool> named(names.size());
    auto row = tx.sql.get(sql::logs);
    int rc = names.empty() ? SQLITE_DONE : row.step();
    for (; rc == SQLITE_ROW; rc = row.step()) {
        const auto at = std::lower_bound(names.begin(), names.end(), row.bytes(0));
        if (at != names.end() && *at == row.bytes(0)) named[static_cast<std::size_t>(at - names.begin())] = true;
    }
    std::size_t i = 0;
    std::erase_if(names, [&](const std::string&) { return named[i++]; });
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

// Output files that no row names and none will: their settle failed, or its process died.
[[nodiscard]] inline result<std::vector<std::string>> orphaned_outputs(session& store, std::int64_t now_s,
                                                                       std::uint64_t* bytes = nullptr)
{
    const side_folder* const logs = store.logs();
    if (logs == nullptr) return std::vector<std::string>{};
    auto names = old_outputs(*logs, now_s, bytes);
    if (!names || names->empty()) return names;
    auto done = store.read("look for outputs", [&](transaction& tx) { return drop_named(tx, *names); });
    if (!done) return fail(done.error());
    return names;
}

}  // namespace queuectl::inline v0::detail::sqlite

#endif
