// The memory of an index: four ranges that grow in place, mapped from files and shared by processes, or private. POSIX.
#ifndef QUEUECTL_JOURNAL_INDEX_MEMORY_HPP
#define QUEUECTL_JOURNAL_INDEX_MEMORY_HPP

#include <queuectl/process/side_folder.hpp>

#include <algorithm>
#include <cstdint>

#include <sys/file.h>
#include <sys/mman.h>

namespace queuectl::inline v0::journal {

enum class index_range : std::uint8_t { blocks, buckets, pages, undo };

namespace detail {

inline constexpr std::uint64_t index_bytes_min = std::uint64_t{64} << 10;
inline constexpr std::uint64_t index_step_max = std::uint64_t{16} << 20;

// What a range of `size` bytes grows to when `bytes` are needed: at least the double, or 16 MiB more.
[[nodiscard]] constexpr std::uint64_t index_bytes_next(std::uint64_t size, std::uint64_t bytes) noexcept
{
    const std::uint64_t least = (bytes + index_bytes_min - 1) / index_bytes_min * index_bytes_min;
    return std::max(least, size + std::min(size, index_step_max));
}

// Makes a file `to` bytes long, with every byte behind `from`, its size, allocated. 0, or errno.
[[nodiscard]] inline int allocate_file(int fd, std::uint64_t from, std::uint64_t to) noexcept
{
    int failure = EINTR;
    while (failure == EINTR) failure = ::posix_fallocate(fd, static_cast<off_t>(from), static_cast<off_t>(to - from));
    if (failure != EOPNOTSUPP && failure != EINVAL && failure != ENOSYS) return failure;
    static constexpr char zeros[4096] = {};
    while (from < to) {
        const auto n = ::pwrite(fd, zeros, std::min<std::uint64_t>(to - from, sizeof zeros), static_cast<off_t>(from));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return n < 0 ? errno : ENOSPC;
        from += static_cast<std::uint64_t>(n);
    }
    return 0;
}

// Address space of a fixed length; with a file, the file's bytes lie at its begin, however far it grows.
class mapped_range {
public:
    mapped_range() = default;
    mapped_range(owned_fd file, std::string path) : file_{std::move(file)}, path_{std::move(path)} {}
    mapped_range(mapped_range&& other) noexcept { swap(other); }
    mapped_range& operator=(mapped_range&& other) noexcept
    {
        swap(other);
        return *this;
    }
    ~mapped_range()
    {
        if (base_ != nullptr) ::munmap(base_, length_);
    }

    // Takes `length` bytes of address space, or the half, or the half of that, when less is to be had.
    [[nodiscard]] result<void> map(std::uint64_t length)
    {
        const int kind = file_ ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
        for (;; length /= 2) {
            void* at = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, kind | MAP_NORESERVE, file_.get(), 0);
            if (at != MAP_FAILED) {
                base_ = static_cast<char*>(at);
                length_ = length;
                return grow(index_bytes_min);
            }
            if (errno != ENOMEM || length <= index_step_max) return queuectl::detail::fail_errno("map " + path_, errno);
        }
    }

    [[nodiscard]] result<void> grow(std::uint64_t bytes)
    {
        if (bytes <= bytes_) return {};
        if (bytes > length_) return fail(errc::store_full, "grow " + path_, "the address space for it is used up");
        if (!file_) {
            bytes_ = std::min(index_bytes_next(bytes_, bytes), length_);
            return {};
        }
        while (::flock(file_.get(), LOCK_EX) != 0 && errno == EINTR) {}
        const int failure = grow_file(bytes);
        ::flock(file_.get(), LOCK_UN);
        if (failure != 0) return queuectl::detail::fail_errno("grow " + path_, failure);
        return {};
    }

    [[nodiscard]] char* base() const noexcept { return base_; }
    [[nodiscard]] std::uint64_t length() const noexcept { return length_; }
    // As last seen.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }
    // As it is now.
    [[nodiscard]] std::uint64_t bytes_now() const noexcept
    {
        struct stat what {};
        if (!file_ || ::fstat(file_.get(), &what) != 0) return bytes_;
        return static_cast<std::uint64_t>(what.st_size);
    }

private:
    // Under the file's lock: nobody else grows it.
    [[nodiscard]] int grow_file(std::uint64_t bytes) noexcept
    {
        const std::uint64_t size = bytes_now();
        int failure = 0;
        if (size < bytes) {
            failure = allocate_file(file_.get(), size, std::min(index_bytes_next(size, bytes), length_));
            if (failure == ENOSPC || failure == EDQUOT || failure == EFBIG)
                failure = allocate_file(file_.get(), size, std::min(index_bytes_next(0, bytes), length_));
        }
        if (failure == 0) bytes_ = bytes_now();
        return failure;
    }
    void swap(mapped_range& other) noexcept
    {
        std::swap(file_, other.file_);
        std::swap(path_, other.path_);
        std::swap(base_, other.base_);
        std::swap(length_, other.length_);
        std::swap(bytes_, other.bytes_);
    }

    owned_fd file_;
    std::string path_ = "private memory";
    char* base_ = nullptr;
    std::uint64_t length_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace detail

// Four ranges of memory whose addresses never change while they grow. Movable. Any thread may read; one at a time, of
// all processes, may grow.
class index_memory {
public:
    // Shared with every process that maps the same folder: its files index.blocks, index.buckets, index.pages and
    // index.undo, made when they are missing. No links are followed; only their owner may read and write them.
    [[nodiscard]] static result<index_memory> map(const side_folder& folder)
    {
        index_memory memory;
        for (std::size_t i = 0; i < ranges; ++i) {
            auto file = folder.open_file(names[i], O_RDWR | O_CREAT);
            if (!file) return fail(file.error());
            memory.ranges_[i] = detail::mapped_range{std::move(*file), folder.path() + '/' + names[i]};
        }
        return mapped(std::move(memory));
    }

    // Private to this process.
    [[nodiscard]] static result<index_memory> anonymous() { return mapped(index_memory{}); }

    [[nodiscard]] char* base(index_range which) const noexcept { return at(which).base(); }

    // How far the range can ever grow in this process.
    [[nodiscard]] std::uint64_t length(index_range which) const noexcept { return at(which).length(); }

    // From now on at least so many bytes may be touched, by every process: they are allocated on the disk, so that a
    // full one is errc::store_full here and no signal later. New bytes are zero.
    [[nodiscard]] result<void> grow(index_range which, std::uint64_t bytes)
    {
        return ranges_[static_cast<std::size_t>(which)].grow(bytes);
    }

    // How many bytes may be touched, whoever made them so. One system call where the range is a file.
    [[nodiscard]] std::uint64_t bytes(index_range which) const noexcept { return at(which).bytes_now(); }

    // The same as this object last saw it: never more.
    [[nodiscard]] std::uint64_t bytes_seen(index_range which) const noexcept { return at(which).bytes(); }

private:
    static constexpr std::size_t ranges = 4;
    static constexpr const char* names[ranges] = {"index.blocks", "index.buckets", "index.pages", "index.undo"};

    index_memory() = default;

    [[nodiscard]] static result<index_memory> mapped(index_memory memory)
    {
        constexpr std::uint64_t gib = std::uint64_t{1} << 30;
        for (std::size_t i = 0; i < ranges; ++i) {
            auto& range = memory.ranges_[i];
            if (auto done = range.map(i == 0 ? 64 * gib : 16 * gib); !done) return fail(done.error());
            if (range.bytes_now() > range.length())
                return fail(errc::no_memory, std::string{"map "} + names[i], "it is larger than the address space");
        }
        return memory;
    }
    [[nodiscard]] const detail::mapped_range& at(index_range which) const noexcept
    {
        return ranges_[static_cast<std::size_t>(which)];
    }

    detail::mapped_range ranges_[ranges];
};

}  // namespace queuectl::inline v0::journal

#endif
