// The files of a store: the database, made safely, and what lies in its side folder.
#ifndef QUEUECTL_SQLITE_STORE_FILES_HPP
#define QUEUECTL_SQLITE_STORE_FILES_HPP

#include <queuectl/process/network_fs.hpp>
#include <queuectl/process/store_lock.hpp>
#include <queuectl/process/wake_word.hpp>
#include <queuectl/sqlite/options.hpp>

#include <climits>
#include <cstdlib>

namespace queuectl::inline v0::detail::sqlite {

// `path` with the links of its folder resolved; the last component is left as it is.
[[nodiscard]] inline result<std::string> resolve(const std::string& path)
{
    const auto slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    if (name.empty() || name == "." || name == ".." || path.find('\0') != std::string::npos)
        return fail(errc::invalid_argument, "open " + path, "it does not name a file");
    char real[PATH_MAX];
    if (::realpath(folder.c_str(), real) == nullptr) return fail_errno("open " + path, errno);
    std::string full = real;
    if (full != "/") full += '/';
    return full + name;
}

// Whether there is a file; an error when it is anything but a regular file that only its owner may write.
[[nodiscard]] inline result<bool> check_file(const std::string& path)
{
    struct stat what {};
    if (::lstat(path.c_str(), &what) != 0) {
        if (errno == ENOENT) return false;
        return fail_errno("open " + path, errno);
    }
    if (S_ISLNK(what.st_mode)) return fail(errc::permission, "open " + path, "it is a symbolic link");
    if (!S_ISREG(what.st_mode)) return fail(errc::invalid_argument, "open " + path, "it is not a regular file");
    if (auto ours = check_private(what, path); !ours) return fail(ours.error());
    return true;
}

// Makes an empty file of mode 0600 whatever the umask, unless there is one. It is made aside and linked: closing a
// descriptor of a file that SQLite has open in this process would drop SQLite's locks on it.
[[nodiscard]] inline result<void> create_file(const side_folder& folder, const std::string& path)
{
    const std::string name = "new-" + std::to_string(::getpid());
    ::unlinkat(folder.fd(), name.c_str(), 0);
    if (auto made = folder.open_file(name.c_str(), O_RDWR | O_CREAT | O_EXCL); !made) return fail(made.error());
    const int linked = ::linkat(folder.fd(), name.c_str(), AT_FDCWD, path.c_str(), 0) == 0 ? 0 : errno;
    ::unlinkat(folder.fd(), name.c_str(), 0);
    if (linked != 0 && linked != EEXIST) return fail_errno("create " + path, linked);
    return {};
}

// The storage's words of the control page: hints.
struct log_words {
    shared_word pages;  // of the write-ahead log, after the last commit
};

// Locks, wake-ups and logs of one store. Stays where it is.
struct store_files {
    std::optional<side_folder> folder;  // none: a store that is only read and has none
    std::optional<side_folder> logs;
    std::optional<control_page> page;
    control_words private_words{};  // without a folder nobody can be told of changes
    std::optional<store_lock> lock;
    std::optional<wake_word> wake;

    [[nodiscard]] result<void> open(const std::string& path, bool create)
    {
        auto opened = side_folder::open(path + ".d", create);
        if (!opened && !create && opened.error().code == errc::not_found) {
            wake.emplace(private_words);
            return {};
        }
        if (!opened) return fail(opened.error());
        folder.emplace(std::move(*opened));
        auto mapped = control_page::open(*folder);
        if (!mapped) return fail(mapped.error());
        page.emplace(std::move(*mapped));
        wake.emplace(page->words());
        auto locked = store_lock::open(*folder, page->words());
        if (!locked) return fail(locked.error());
        lock.emplace(std::move(*locked));
        return {};
    }

    [[nodiscard]] log_words& log() const noexcept { return page->storage_words<log_words>(); }

    // PATH.d/logs; made when it is first needed.
    [[nodiscard]] result<const side_folder*> open_logs(bool create)
    {
        if (!logs) {
            if (!folder) return fail(errc::not_found, "open logs", "the store has none");
            auto opened = folder->subfolder("logs", create);
            if (!opened) return fail(opened.error());
            if (opened->created())
                if (auto synced = folder->sync(); !synced) return fail(synced.error());
            logs.emplace(std::move(*opened));
        }
        return &*logs;
    }
};

}  // namespace queuectl::inline v0::detail::sqlite

#endif
