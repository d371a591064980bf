// The memory of an index: four ranges that grow in place, mapped from files and shared by processes, or private. POSIX.
#ifndef QUEUECTL_JOURNAL_INDEX_MEMORY_HPP
#define QUEUECTL_JOURNAL_INDEX_MEMORY_HPP

#include <queuectl/process/side_folder.hpp>

#include <algorithm>
#include <cstdint>

#include <sys/file.h>
#include <sys/mman.h>

#if defined(__GNUC__)
#define QUEUECTL_INDEX_COLD [[gnu::noinline, gnu::cold]]
#define QUEUECTL_INDEX_APART [[gnu::noinline]]
#define QUEUECTL_INDEX_INLINE [[gnu::always_inline]] inline
#else
#define QUEUECTL_INDEX_INLINE
#define QUEUECTL_INDEX_APART
#define QUEUECTL_INDEX_COLD
#endif

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
    ~mapped_range() { unmap(); }

    // Takes `length` bytes of address space instead of what it had. errc::no_memory.
    [[nodiscard]] result<void> map(std::uint64_t length)
    {
        unmap();
        const int kind = file_ ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
        void* const at = ::mmap(nullptr, length, PROT_READ | PROT_WRITE, kind | MAP_NORESERVE, file_.get(), 0);
        if (at == MAP_FAILED) return queuectl::detail::fail_errno("map " + path_, errno);
        base_ = static_cast<char*>(at);
        length_ = length;
        if (bytes_now() > length) return fail(errc::no_memory, "map " + path_, "it is larger than the address space");
        return {};
    }

    // The address space of `owner`, which outlives this.
    void borrow(const mapped_range& owner) noexcept
    {
        unmap();
        base_ = owner.base_;
        length_ = bytes_ = owner.length_;
        borrowed_ = true;
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
        if (failure == 0) bytes_ = std::min(bytes_now(), length_);
        return failure;
    }
    void unmap() noexcept
    {
        if (base_ != nullptr && !borrowed_) ::munmap(base_, length_);
        base_ = nullptr;
        length_ = 0;
        borrowed_ = false;
    }
    void swap(mapped_range& other) noexcept
    {
        std::swap(file_, other.file_);
        std::swap(path_, other.path_);
        std::swap(base_, other.base_);
        std::swap(length_, other.length_);
        std::swap(bytes_, other.bytes_);
        std::swap(borrowed_, other.borrowed_);
    }

    owned_fd file_;
    std::string path_ = "private memory";
    char* base_ = nullptr;
    std::uint64_t length_ = 0;
    std::uint64_t bytes_ = 0;
    bool borrowed_ = false;
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

    // The same ranges as another's, which outlives this: two indexes of one process in one memory. All of its address
    // space counts as usable; no files are grown.
    [[nodiscard]] index_memory borrow() const noexcept
    {
        index_memory memory;
        for (std::size_t i = 0; i < ranges; ++i) memory.ranges_[i].borrow(ranges_[i]);
        return memory;
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

    // 64 GiB for the blocks and 16 for each other range; where limits do not allow it, a quarter, or a quarter of that.
    [[nodiscard]] static result<index_memory> mapped(index_memory memory)
    {
        std::uint64_t unit = std::uint64_t{16} << 30;
        auto done = memory.map_ranges(unit);
        for (; !done && unit > detail::index_step_max; unit /= 4) done = memory.map_ranges(unit / 4);
        if (!done) return fail(done.error());
        for (auto& range : memory.ranges_)
            if (auto grown = range.grow(detail::index_bytes_min); !grown) return fail(grown.error());
        return memory;
    }
    [[nodiscard]] result<void> map_ranges(std::uint64_t unit)
    {
        for (auto& range : ranges_)
            if (auto done = range.map(&range == ranges_ ? 4 * unit : unit); !done) return done;
        return {};
    }
    [[nodiscard]] const detail::mapped_range& at(index_range which) const noexcept
    {
        return ranges_[static_cast<std::size_t>(which)];
    }

    detail::mapped_range ranges_[ranges];
};

}  // namespace queuectl::inline v0::journal

#endif
