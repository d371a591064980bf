// What the memory of an index was before it was changed.
#ifndef QUEUECTL_JOURNAL_INDEX_UNDO_HPP
#define QUEUECTL_JOURNAL_INDEX_UNDO_HPP

#include <queuectl/journal/index/memory.hpp>

#include <atomic>
#include <cstring>

namespace queuectl::inline v0::journal::detail {

// index_range::undo. It begins with the number of bytes of the entries, which are 64 bytes behind that. An entry: the
// bytes as they were, padded to 8; then where they belong: length << 40 | range << 38 | offset. Written are whole
// lines, each once as far as is cheap to know: who remembers what has been remembered since the last commit is this
// process.
//
// A process may be killed between any two stores: an entry is whole before its length counts, and that before the
// caller changes anything. Program order is enough for it: a killed process has done what it executed, and others come
// after taking the store's lock.
class index_undo {
public:
    static constexpr std::size_t line_bytes = 64;
    static constexpr std::size_t entry_bytes = line_bytes + 8;

    explicit index_undo(const index_memory& memory) noexcept : base_{memory.base(index_range::undo)} {}

    [[nodiscard]] bool empty() const noexcept { return bytes() == 0; }
    // Of all entries.
    [[nodiscard]] std::uint64_t bytes() const noexcept { return word(0); }
    // All entries but the first `kept` bytes of them.
    void forget(std::uint64_t kept = 0) noexcept
    {
        std::atomic_signal_fence(std::memory_order_seq_cst);
        set_bytes(kept);
    }

    [[nodiscard]] static constexpr std::uint64_t place(index_range range, std::uint64_t offset,
                                                       std::size_t bytes) noexcept
    {
        return std::uint64_t{bytes} << 40 | static_cast<std::uint64_t>(range) << 38 | offset;
    }
    // Of bytes in any of the other three ranges; most are blocks.
    [[nodiscard]] static std::uint64_t place_of(const index_memory& memory, const char* at, std::size_t bytes) noexcept
    {
        for (const auto range : {index_range::blocks, index_range::buckets}) {
            const auto offset = static_cast<std::uint64_t>(at - memory.base(range));
            if (offset < memory.length(range)) [[likely]]
                return place(range, offset, bytes);
        }
        const auto offset = static_cast<std::uint64_t>(at - memory.base(index_range::pages));
        QUEUECTL_ASSERT(offset + bytes <= memory.length(index_range::pages));
        return place(index_range::pages, offset, bytes);
    }
    // How many bytes of its range are in use.
    [[nodiscard]] std::uint64_t end() const noexcept { return entries_at + bytes(); }

    // Requires that the range has grown to end() + entry_bytes, and the begin of a line.
    void append(const char* line, std::uint64_t place) noexcept
    {
        const std::uint64_t from = end();
        const std::uint64_t to = from + entry_bytes;
        std::memcpy(base_ + from, line, line_bytes);
        word(to - 8) = place;
        std::atomic_signal_fence(std::memory_order_seq_cst);
        set_bytes(to - entries_at);
    }

    // Puts back what the entries say, the last first, but for those that were there when there were `kept` bytes; may
    // be cut off and repeated. False when they are garbage.
    [[nodiscard]] bool restore(index_memory& memory, std::uint64_t kept = 0) const noexcept
    {
        std::uint64_t left = bytes();
        if (left % 8 != 0 || left < kept || left > memory.bytes(index_range::undo) - entries_at) return false;
        while (left > kept) {
            const std::uint64_t at = word(entries_at + left - 8);
            const std::uint64_t count = at >> 40;
            const std::uint64_t offset = at & ((std::uint64_t{1} << 38) - 1);
            const auto range = static_cast<index_range>(at >> 38 & 3);
            if (padded(count) + 8 > left - kept || range == index_range::undo) return false;
            if (offset + count > memory.bytes_seen(range) && offset + count > memory.bytes(range)) return false;
            left -= padded(count) + 8;
            std::memcpy(memory.base(range) + offset, base_ + entries_at + left, count);
        }
        std::atomic_signal_fence(std::memory_order_seq_cst);
        return true;
    }

private:
    static constexpr std::size_t entries_at = 64;

    [[nodiscard]] static constexpr std::size_t padded(std::size_t bytes) noexcept
    {
        return (bytes + 7) & ~std::size_t{7};
    }
    [[nodiscard]] std::uint64_t& word(std::uint64_t at) const noexcept
    {
        return *reinterpret_cast<std::uint64_t*>(base_ + at);
    }
    void set_bytes(std::uint64_t bytes) noexcept
    {
        word(0) = bytes;
        std::atomic_signal_fence(std::memory_order_seq_cst);
    }

    char* base_;
};

}  // namespace queuectl::inline v0::journal::detail

#endif
