// Short texts without calls: ids, names and small payloads are copied and compared many millions of times a second.
#ifndef QUEUECTL_DETAIL_MEMORY_TEXT_HPP
#define QUEUECTL_DETAIL_MEMORY_TEXT_HPP

#include <queuectl/config.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>

// For the few functions of each job's cycle, where a call costs more than what it does.
#if defined(__GNUC__) && defined(__OPTIMIZE__) && !defined(__OPTIMIZE_SIZE__)
#define QUEUECTL_MEMORY_INLINE [[gnu::always_inline]]
#define QUEUECTL_MEMORY_FLATTEN [[gnu::flatten]]
#define QUEUECTL_MEMORY_APART [[gnu::noinline]]
#else
#define QUEUECTL_MEMORY_INLINE
#define QUEUECTL_MEMORY_FLATTEN
#define QUEUECTL_MEMORY_APART
#endif

namespace queuectl::inline v0::detail {

// a == b.
[[nodiscard]] QUEUECTL_MEMORY_INLINE inline bool memory_equal(std::string_view a, std::string_view b) noexcept
{
    const std::size_t n = a.size();
    if (n != b.size()) return false;
    const char* p = a.data();
    const char* q = b.data();
    const auto differ = [&]<class Word>(Word, std::size_t at) {
        Word x;
        Word y;
        std::memcpy(&x, p + at, sizeof x);
        std::memcpy(&y, q + at, sizeof y);
        return x != y;
    };
    if (n > 32) return std::memcmp(p, q, n) == 0;
    if (n >= 8) {
        for (std::size_t at = 0; at + 8 < n; at += 8)
            if (differ(std::uint64_t{}, at)) return false;
        return !differ(std::uint64_t{}, n - 8);
    }
    if (n >= 4) return !differ(std::uint32_t{}, 0) && !differ(std::uint32_t{}, n - 4);
    for (std::size_t at = 0; at < n; ++at)
        if (p[at] != q[at]) return false;
    return true;
}

// Bytes, up to 15 of them in place. Keeps the memory of a longer text for the next one. 15 bytes can be read wherever
// a short text is, which makes a copy two fixed moves.
class memory_text {
public:
    [[nodiscard]] std::string_view view() const noexcept
    {
        return {size_ <= short_bytes ? short_ : long_.get(), size_};
    }
    operator std::string_view() const noexcept { return view(); }

    QUEUECTL_MEMORY_INLINE void assign(std::string_view text)
    {
        const std::size_t n = text.size();
        if (n > short_bytes) return assign_long(text);
        const auto move = [&]<class Word>(Word w, std::size_t at) {
            std::memcpy(&w, text.data() + at, sizeof w);
            std::memcpy(short_ + at, &w, sizeof w);
        };
        if (n >= 8) {
            move(std::uint64_t{}, 0);
            move(std::uint64_t{}, n - 8);
        } else if (n >= 4) {
            move(std::uint32_t{}, 0);
            move(std::uint32_t{}, n - 4);
        } else {
            for (std::size_t i = 0; i < n; ++i) short_[i] = text[i];
        }
        size_ = static_cast<std::uint32_t>(n);
    }

    // Gives memory over `bytes_max` back; the text is empty then.
    void shrink(std::size_t bytes_max) noexcept
    {
        if (capacity_ <= bytes_max) return;
        long_.reset();
        capacity_ = size_ = 0;
    }

    [[nodiscard]] QUEUECTL_MEMORY_INLINE std::string string() const
    {
        return size_ <= short_bytes ? short_string() : std::string(long_.get(), size_);
    }

private:
    static constexpr std::size_t short_bytes = 15;

    // Of a fixed size first: two moves, no call.
    QUEUECTL_MEMORY_FLATTEN std::string short_string() const
    {
        std::string text(short_, short_bytes);
        text.resize(size_);
        return text;
    }
    QUEUECTL_MEMORY_APART void assign_long(std::string_view text)
    {
        if (text.size() > capacity_) {
            long_ = std::make_unique<char[]>(text.size());
            capacity_ = static_cast<std::uint32_t>(text.size());
        }
        std::memcpy(long_.get(), text.data(), text.size());
        size_ = static_cast<std::uint32_t>(text.size());
    }

    char short_[short_bytes + 1] = {};
    std::uint32_t size_ = 0;
    std::uint32_t capacity_ = 0;
    std::unique_ptr<char[]> long_;
};

}  // namespace queuectl::inline v0::detail

#endif
