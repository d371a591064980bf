// The process in which an object was made: fork() takes the object to another, where its locks and files are not its
// own.
#ifndef QUEUECTL_PROCESS_HOME_PROCESS_HPP
#define QUEUECTL_PROCESS_HOME_PROCESS_HPP

#include <atomic>
#include <cstdint>
#include <new>

#include <sys/mman.h>
#include <unistd.h>

namespace queuectl::inline v0::detail {

// Told by a page that the kernel empties in every child, whatever call made it (madvise(2), MADV_WIPEONFORK, Linux
// 4.14); by a system call where there is no such page. Any thread.
class home_process {
public:
    home_process() noexcept : known_{now()} {}

    // Whether this is another process. A load where there is such a page.
    [[nodiscard]] bool left() const noexcept { return now() != known_; }

private:
    using word = std::atomic<std::uint32_t>;
    static_assert(word::is_always_lock_free);

    // What no ancestor of this process was told.
    static std::uint32_t now() noexcept
    {
        static word* const page = map();
        if (page == nullptr) return static_cast<std::uint32_t>(::getpid());
        const auto said = page->load(std::memory_order_relaxed);
        return said != 0 ? said : begin(*page);
    }
    static std::uint32_t begin(word& page) noexcept
    {
        static word generation{0};  // the child's copy goes on from its parent's
        std::uint32_t none = 0;
        const auto mine = generation.fetch_add(1) + 1;
        return page.compare_exchange_strong(none, mine) ? mine : none;
    }
    static word* map() noexcept
    {
#if defined(MADV_WIPEONFORK)
        const auto bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
        void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED) return nullptr;
        if (::madvise(at, bytes, MADV_WIPEONFORK) == 0) return new (at) word{0};
        ::munmap(at, bytes);
#endif
        return nullptr;
    }

    std::uint32_t known_;
};

}  // namespace queuectl::inline v0::detail

#endif
