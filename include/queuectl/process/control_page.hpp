// The page that the processes of one store share: PATH.d/control, mapped. POSIX.
#ifndef QUEUECTL_PROCESS_CONTROL_PAGE_HPP
#define QUEUECTL_PROCESS_CONTROL_PAGE_HPP

#include <queuectl/process/futex.hpp>
#include <queuectl/process/side_folder.hpp>

#include <sys/mman.h>

namespace queuectl::inline v0 {

// Hints only: nothing here decides what is true, so a process may die at any instruction and a page of
// garbage costs wake-ups and short waits, never correctness. All zero is a valid state.
struct control_words {
    detail::shared_word turn;            // store_lock: changes with every release
    detail::shared_word line;            // store_lock: who sleeps on `turn` (dead ones stay counted)
    std::atomic<std::int64_t> reserved;  // store_lock: nobody barges in before this monotonic_us
    detail::shared_word any;             // wake_word: changes with every bump, and is slept on
    detail::shared_word sleepers;        // wake_word: who sleeps on `any` (dead ones stay counted)
    detail::shared_word work;            // change_counts::work
    detail::shared_word control;         // change_counts::control
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free && sizeof(control_words) == 32);

// The mapped page; movable, its words stay where they are.
class control_page {
public:
    // Maps FOLDER/control, creating it. Its blocks are allocated, so that a full disk cannot kill us later.
    [[nodiscard]] static result<control_page> open(const side_folder& folder)
    {
        const std::string path = folder.path() + "/control";
        auto file = folder.open_file("control", O_RDWR | O_CREAT);
        if (!file) return fail(file.error());
        struct stat what {};
        if (::fstat(file->get(), &what) != 0) return detail::fail_errno("stat " + path, errno);
        if (what.st_size < bytes)
            if (const int e = ::posix_fallocate(file->get(), 0, bytes); e != 0)
                return detail::fail_errno("allocate " + path, e);
        void* at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file->get(), 0);
        if (at == MAP_FAILED) return detail::fail_errno("map " + path, errno);
        return control_page{static_cast<control_words*>(at)};
    }

    control_page(control_page&& other) noexcept : words_{std::exchange(other.words_, nullptr)} {}
    control_page& operator=(control_page&& other) noexcept
    {
        std::swap(words_, other.words_);
        return *this;
    }
    ~control_page()
    {
        if (words_ != nullptr) ::munmap(words_, bytes);
    }

    [[nodiscard]] control_words& words() const noexcept { return *words_; }

    // The storage's own words, in the second KiB of the page: lock-free atomics, for which all zero is a valid state.
    template <class Words>
    [[nodiscard]] Words& storage_words() const noexcept
    {
        static_assert(sizeof(Words) <= 1024 && alignof(Words) <= 64);
        return *reinterpret_cast<Words*>(reinterpret_cast<char*>(words_) + 1024);
    }

private:
    static constexpr off_t bytes = 4096;
    explicit control_page(control_words* words) : words_{words} {}
    control_words* words_;
};

}  // namespace queuectl::inline v0

#endif
