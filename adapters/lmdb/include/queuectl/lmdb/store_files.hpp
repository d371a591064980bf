// What lies in a store's folder beside LMDB's files: lock, control page, logs.
#ifndef QUEUECTL_LMDB_STORE_FILES_HPP
#define QUEUECTL_LMDB_STORE_FILES_HPP

#include <queuectl/process/network_fs.hpp>
#include <queuectl/process/output_files.hpp>
#include <queuectl/process/store_lock.hpp>
#include <queuectl/process/wake_word.hpp>

#include <climits>
#include <cstdlib>

#include <sys/resource.h>
#include <sys/statvfs.h>

namespace queuectl::inline v0::detail::lmdb {

// `path` with the links of its parent resolved; the last component is left as it is.
[[nodiscard]] inline result<std::string> resolve(std::string path)
{
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    const auto slash = path.rfind('/');
    const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    if (name.empty() || name == "." || name == ".." || path.find('\0') != std::string::npos)
        return fail(errc::invalid_argument, "open " + path, "it does not name a folder");
    char real[PATH_MAX];
    if (::realpath(parent.c_str(), real) == nullptr) return fail_errno("open " + path, errno);
    std::string full = real;
    if (full != "/") full += '/';
    return full + name;
}

// In the control page: so that a writer need not look for the reserve each time.
struct reserve_words {
    detail::shared_word given_up;  // changes when the reserve is
};

// Locks, wake-ups and logs of one store. Stays where it is.
struct store_files {
    std::optional<side_folder> folder;
    std::optional<control_page> page;
    control_words private_words{};  // for a folder that we may not write to: nobody can be told of changes
    std::optional<store_lock> lock;
    std::optional<wake_word> wake;

    // The folder, which is neither made nor filled where there is something else than a store.
    [[nodiscard]] result<void> open_folder(const std::string& path, bool create)
    {
        auto opened = side_folder::open(path, create);
        if (!opened) return fail(opened.error());
        folder.emplace(std::move(*opened));
        if (folder->created() || folder->holds("data.mdb")) return {};
        if (!create) return fail(errc::not_found, "open " + path, "no such store");
        auto strange = first_stranger();
        if (!strange) return fail(strange.error());
        // Others may have made the store between the two looks.
        if (strange->empty() || folder->holds("data.mdb")) return {};
        return fail(errc::invalid_argument, "open " + path, "it is no store, and holds other things: " + *strange);
    }

    [[nodiscard]] result<void> open_control(bool writes)
    {
        auto mapped = control_page::open(*folder);
        if (!mapped && !writes) {
            wake.emplace(private_words);
            return {};
        }
        if (!mapped) return fail(mapped.error());
        page.emplace(std::move(*mapped));
        wake.emplace(page->words());
        auto locked = store_lock::open(*folder, page->words());
        if (!locked && writes) return fail(locked.error());
        if (locked) lock.emplace(std::move(*locked));
        return {};
    }

    // Blocks of the disk that are kept back, so that runs can end when it is full. False: there were none to give up.
    // Both under the store's lock.
    bool give_up_reserve() const noexcept
    {
        if (page) page->storage_words<reserve_words>().given_up.fetch_add(1);
        return ::unlinkat(folder->fd(), "reserve", 0) == 0;
    }
    [[nodiscard]] result<void> keep_reserve()
    {
        const std::uint64_t given_up = page ? page->storage_words<reserve_words>().given_up.load() : 0;
        if (page && kept_reserve_ == given_up) return {};
        if (auto made = make_reserve(); !made) return made;
        kept_reserve_ = given_up;
        return {};
    }

    // Whether the disk, or the size that this process's files may have, ends within a large write.
    [[nodiscard]] bool is_nearly_full() const noexcept
    {
        constexpr std::uint64_t near = 64 << 20;
        struct statvfs disk {};
        struct stat data {};
        rlimit limit{};
        if (::fstatvfs(folder->fd(), &disk) == 0 && disk.f_bavail * std::uint64_t{disk.f_frsize} < near) return true;
        return ::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
               ::fstatat(folder->fd(), "data.mdb", &data, AT_SYMLINK_NOFOLLOW) == 0 &&
               static_cast<std::uint64_t>(data.st_size) + near > limit.rlim_cur;
    }

    // DIR/logs; made when it is first needed. Any thread.
    [[nodiscard]] result<const side_folder*> open_logs(bool create)
    {
        const std::scoped_lock one{opening_logs_};
        if (!logs_) {
            auto opened = folder->subfolder("logs", create);
            if (!opened) return fail(opened.error());
            if (opened->created())
                if (auto synced = folder->sync(); !synced) return fail(synced.error());
            logs_.emplace(std::move(*opened));
        }
        return &*logs_;
    }

private:
    static constexpr off_t reserve_bytes = 256 << 10;

    [[nodiscard]] result<void> make_reserve() const
    {
        if (folder->holds("reserve")) return {};
        auto file = folder->open_file("reserve", O_RDWR | O_CREAT);
        if (!file) return fail(file.error());
        const int e = ::posix_fallocate(file->get(), 0, reserve_bytes);
        if (e == 0) return {};
        give_up_reserve();
        return fail_errno("allocate " + folder->path() + "/reserve", e);
    }

    // A name in the folder that a store being made does not put there; empty = none.
    [[nodiscard]] result<std::string> first_stranger() const
    {
        owned_fd fd{::openat(folder->fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        DIR* const entries = fd ? ::fdopendir(fd.get()) : nullptr;
        if (entries == nullptr) return fail_errno("list " + folder->path(), errno);
        static_cast<void>(fd.release());
        std::string strange;
        while (const dirent* entry = ::readdir(entries)) {
            const std::string_view name = entry->d_name;
            bool known = false;
            for (const std::string_view ours :
                 {".", "..", "lock", "control", "lock.mdb", "logs", "reserve", "workers", "lost+found"})
                known = known || name == ours;
            if (!known) strange = name;
        }
        ::closedir(entries);
        return strange;
    }

    std::optional<std::uint64_t> kept_reserve_;  // the reserve was there when given_up was that
    std::mutex opening_logs_;
    std::optional<side_folder> logs_;
};

}  // namespace queuectl::inline v0::detail::lmdb

#endif
