// Blocks in the memory of an index, with one undo for all that changes.
#ifndef QUEUECTL_JOURNAL_INDEX_SPACE_HPP
#define QUEUECTL_JOURNAL_INDEX_SPACE_HPP

#include <queuectl/detail/prefetch.hpp>
#include <queuectl/journal/index/undo.hpp>
#include <queuectl/random.hpp>
#include <queuectl/uid.hpp>

#include <cstddef>

namespace queuectl::inline v0::journal {

using ref = std::uint32_t;  // a block: its place in units of 16 bytes; 0 = none

namespace detail {

inline constexpr std::uint64_t space_magic = 0x3230656361707371;  // the layout of what follows, in its last digits
inline constexpr std::size_t block_unit = 16;
inline constexpr std::size_t block_bytes_max = 4096;

// Places in index_range::blocks. Behind ref 0 lies a page that nobody reads: a block that could not be had.
inline constexpr std::size_t space_header_at = 4096;
inline constexpr std::size_t space_roots_at = 8192;
inline constexpr std::size_t space_roots_bytes = 16384;
inline constexpr std::size_t space_blocks_at = space_roots_at + space_roots_bytes;

// What allocations change but for the free lists; its line is remembered first in every undo.
struct space_heap {
    std::uint64_t in_use = 0;  // bytes
    ref end = 0;               // blocks behind it are fresh
    std::uint32_t unused = 0;
};

struct space_header {
    std::uint64_t magic = 0;  // space_magic, or the content means nothing
    uid boot{};
    uid store{};
    std::uint64_t seed = 0;
    std::uint32_t layout = 0;
    std::uint32_t unused[3] = {};
    space_heap heap;                                  // at the begin of a line
    ref free[block_bytes_max / block_unit + 1] = {};  // by size in units: the first of a list, linked by first words
};
static_assert(sizeof(space_header) <= space_roots_at - space_header_at);

}  // namespace detail

// The content of an index_memory. All changes between two commits are undone by rollback, also by another process
// after this one was killed at any instruction. Not thread-safe: whoever has the store's turn uses it.
class index_space {
public:
    // The largest block.
    static constexpr std::size_t bytes_max = detail::block_bytes_max;

    explicit index_space(index_memory memory) noexcept
        : memory_{std::move(memory)}, undo_{memory_}, blocks_{memory_.base(index_range::blocks)}
    {
    }

    // Whether the content was made by this layout, for this boot and this store, and nobody declared it broken.
    [[nodiscard]] bool valid(const uid& boot, const uid& store, std::uint32_t layout) const noexcept
    {
        const detail::space_header& h = header();
        return h.magic == detail::space_magic && h.boot == boot && h.store == store && h.layout == layout;
    }
    // Whether all blocks lie in the address space of this process: no, where limits allow less than another's.
    [[nodiscard]] bool covered() const noexcept
    {
        return std::uint64_t{header().heap.end} * detail::block_unit <= memory_.length(index_range::blocks);
    }
    // Whether what is in use lies in the memory that there is.
    [[nodiscard]] bool sound() const noexcept
    {
        const auto end = std::uint64_t{header().heap.end} * detail::block_unit;
        return end >= detail::space_blocks_at && covers(index_range::blocks, end);
    }
    // Everything gone: all zero roots, no blocks; valid for these from now on.
    [[nodiscard]] result<void> clear(const uid& boot, const uid& store, std::uint32_t layout)
    {
        invalidate();
        undo_.forget();
        begin_change();
        doubtful_ = false;
        std::memset(blocks_, 0, detail::space_blocks_at);
        detail::space_header& h = header();
        h.boot = boot;
        h.store = store;
        h.layout = layout;
        h.seed = random_source{}();
        h.heap.end = detail::space_blocks_at / detail::block_unit;
        std::atomic_signal_fence(std::memory_order_seq_cst);
        h.magic = detail::space_magic;
        return {};
    }
    // As if never made. Changes may go on until clear, but nothing may be concluded from what is there.
    void invalidate() noexcept
    {
        header().magic = 0;
        std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    // Random, the same for all processes until the next clear.
    [[nodiscard]] std::uint64_t seed() const noexcept { return header().seed; }

    // All zero after clear. Touch what you change.
    template <class Roots>
    [[nodiscard]] Roots& roots() noexcept
    {
        static_assert(sizeof(Roots) <= detail::space_roots_bytes && alignof(Roots) <= 64);
        return *reinterpret_cast<Roots*>(blocks_ + detail::space_roots_at);
    }
    // Requires at != 0. A ref that is 0 or lies outside of the memory, since somebody has written garbage into it,
    // makes the space doubtful and gives zeros.
    template <class T>
    [[nodiscard]] T* get(ref at) const noexcept
    {
        return reinterpret_cast<T*>(bytes_at(at, sizeof(T)));
    }
    // `count` bytes from a block on, at most bytes_max.
    [[nodiscard]] QUEUECTL_INDEX_INLINE char* bytes_at(ref at, std::size_t count) const noexcept
    {
        // Of ref 0, far behind the end.
        if (at - 1 >= surely_inside_) [[unlikely]]
            return bytes_at_end(at, count);
        return blocks_ + std::size_t{at} * detail::block_unit;
    }
    // `T` number i of a range that is an array, by the same rule.
    template <class T>
    [[nodiscard]] T& element(index_range which, std::uint64_t i) const noexcept
    {
        const std::uint64_t end = (i + 1) * sizeof(T);
        if (end > seen_[static_cast<std::size_t>(which)] && !covers(which, end)) [[unlikely]]
            return *reinterpret_cast<T*>(nowhere());
        return reinterpret_cast<T*>(memory_.base(which))[i];
    }
    // Starts to load what lies there, whatever the ref is.
    void prefetch(ref at, std::size_t offset) const noexcept
    {
        queuectl::detail::prefetch(blocks_ + std::size_t{at} * detail::block_unit + offset);
    }
    // Whether so many bytes of a range may be touched.
    [[nodiscard]] bool covers(index_range which, std::uint64_t bytes) const noexcept
    {
        auto& seen = seen_[static_cast<std::size_t>(which)];
        if (bytes > seen) seen = memory_.bytes(which);
        return bytes <= seen;
    }
    // Something in the space cannot be what this code has written: nothing that was read since the last rollback or
    // clear means anything.
    [[nodiscard]] bool doubtful() const noexcept { return doubtful_; }
    void doubt() const noexcept { doubtful_ = true; }
    template <class T>
    [[nodiscard]] ref ref_of(const T* object) const noexcept
    {
        return static_cast<ref>(static_cast<std::size_t>(reinterpret_cast<const char*>(object) - blocks_) /
                                detail::block_unit);
    }

    // Bytes that were remembered since the last commit: how much has changed.
    [[nodiscard]] std::uint64_t remembered() const noexcept { return undo_.bytes(); }
    // Remembers the bytes, anywhere but in the undo, until commit; then they may be changed. When there is no room
    // (see reserve) the space is invalid from now on.
    void touch(void* at, std::size_t bytes) noexcept { remember(static_cast<char*>(at), bytes); }
    template <class T>
    QUEUECTL_INDEX_INLINE T& touch(T& object) noexcept
    {
        remember(reinterpret_cast<char*>(&object), sizeof object);
        return object;
    }

    // Room for allocations of `block_bytes` in all, in blocks of 8 bytes and more, and for touches, releases included,
    // of `undo_bytes` in all: each counts as its bytes, but at least 32; an allocation counts as 32. errc::store_full.
    [[nodiscard]] result<void> reserve(std::uint64_t block_bytes, std::uint64_t undo_bytes)
    {
        const std::uint64_t end = std::uint64_t{header().heap.end} * detail::block_unit + 2 * block_bytes;
        const std::uint64_t undo = undo_.end() + 5 * undo_bytes + 4 * detail::index_undo::entry_bytes;
        if (end > memory_.bytes_seen(index_range::blocks)) [[unlikely]]
            if (auto done = memory_.grow(index_range::blocks, end); !done) return done;
        if (undo > memory_.bytes_seen(index_range::undo)) [[unlikely]]
            return memory_.grow(index_range::undo, undo);
        return {};
    }

    // A block of 1 … bytes_max bytes, at a multiple of 16; what it contains is unspecified, and may be changed without
    // a touch until commit. Without room (see reserve) the space is invalid from now on, and the block is 0.
    [[nodiscard]] ref allocate(std::size_t bytes) noexcept
    {
        QUEUECTL_ASSERT(bytes > 0 && bytes <= bytes_max);
        const std::size_t units = (bytes + detail::block_unit - 1) / detail::block_unit;
        detail::space_header& h = header();
        if (undo_.empty()) begin_undo();
        ref block = h.free[units];
        if (block != 0) {
            ref& link = *get<ref>(block);
            touch(h.free[units]);
            touch(link);
            h.free[units] = link;
        } else {
            const std::uint64_t end = (h.heap.end + units) * detail::block_unit;
            if (end > memory_.bytes_seen(index_range::blocks) && !grown(index_range::blocks, end)) [[unlikely]]
                return 0;
            block = h.heap.end;
            h.heap.end += static_cast<ref>(units);
        }
        h.heap.in_use += units * detail::block_unit;
        return block;
    }
    // Gives back a block of allocate(bytes).
    void release(ref block, std::size_t bytes) noexcept
    {
        if (block == 0) return;
        const std::size_t units = (bytes + detail::block_unit - 1) / detail::block_unit;
        detail::space_header& h = header();
        remember(bytes_at(block, units * detail::block_unit), units * detail::block_unit);
        touch(h.free[units]);
        *get<ref>(block) = h.free[units];
        h.free[units] = block;
        h.heap.in_use -= units * detail::block_unit;
    }

    // Changes have been made since the last commit: by this holder of the turn, or by one that died.
    [[nodiscard]] bool pending() const noexcept { return !undo_.empty(); }
    // The changes stand.
    void commit() noexcept
    {
        undo_.forget();
        begin_change();
    }
    // All bytes, and the allocations, as at the last commit. May itself be cut off and repeated.
    void rollback() noexcept
    {
        rollback({});
        doubtful_ = false;
    }

    // A moment between two commits, to which the changes that follow it can be undone alone.
    struct savepoint {
        std::uint64_t undo_bytes = 0;
    };
    // What follows is remembered anew. One entry of the undo, unless nothing has changed yet.
    [[nodiscard]] savepoint save() noexcept
    {
        const savepoint now{undo_.bytes()};
        if (!undo_.empty()) begin_undo();
        return now;
    }
    // All bytes, and the allocations, as they were then; doubtful it remains. Requires: no commit or rollback to before
    // it since.
    void rollback(savepoint to) noexcept
    {
        if (!undo_.restore(memory_, to.undo_bytes) || doubtful_) invalidate();
        undo_.forget(to.undo_bytes);
        begin_change();
    }

    [[nodiscard]] index_memory& memory() noexcept { return memory_; }
    [[nodiscard]] const index_memory& memory() const noexcept { return memory_; }
    // Allocated and not released, each block rounded up to 16.
    [[nodiscard]] std::uint64_t block_bytes() const noexcept { return header().heap.in_use; }
    // Makes `bytes` of a range usable; when that fails the space is invalid from now on.
    QUEUECTL_INDEX_COLD [[nodiscard]] bool grown(index_range which, std::uint64_t bytes) noexcept
    {
        if (memory_.grow(which, bytes)) return true;
        invalidate();
        return false;
    }

private:
    QUEUECTL_INDEX_COLD [[nodiscard]] char* bytes_at_end(ref at, std::size_t count) const noexcept
    {
        const std::uint64_t begin = std::uint64_t{at} * detail::block_unit;
        if (at == 0 || !covers(index_range::blocks, begin + count)) return nowhere();
        const std::uint64_t units = (seen_[0] - bytes_max) / detail::block_unit;
        surely_inside_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(units, ~ref{0}) - 1);
        return blocks_ + begin;
    }
    // A page of zeros, behind ref 0.
    QUEUECTL_INDEX_COLD [[nodiscard]] char* nowhere() const noexcept
    {
        doubtful_ = true;
        std::memset(blocks_, 0, detail::space_header_at);
        return blocks_;
    }
    [[nodiscard]] detail::space_header& header() const noexcept
    {
        return *reinterpret_cast<detail::space_header*>(blocks_ + detail::space_header_at);
    }
    // Lines that were remembered in this change, by address, with the number of the change; some are forgotten.
    static constexpr std::size_t known_lines = 2048;
    static constexpr std::uint64_t change_bits = 20;

    QUEUECTL_INDEX_INLINE void remember(const char* at, std::size_t bytes) noexcept
    {
        const auto line = reinterpret_cast<std::uintptr_t>(at) / line_bytes;
        const bool one = (reinterpret_cast<std::uintptr_t>(at) + bytes - 1) / line_bytes == line;
        const bool known = (one && known_[line % known_lines] == mark_of(line)) || is_fresh(at);
        // Where nothing is remembered, marks may be left of a change that somebody else has ended.
        if (!known || undo_.empty()) remember_lines(at, bytes);
    }
    // Whether it lies in a block that was behind the end when this change began: nobody knows of it after a rollback.
    [[nodiscard]] bool is_fresh(const char* at) const noexcept
    {
        return static_cast<std::uint64_t>(at - fresh_) < fresh_bytes_;
    }
    [[nodiscard]] std::uint64_t mark_of(std::uintptr_t line) const noexcept
    {
        return std::uint64_t{line} << change_bits | change_;
    }
    QUEUECTL_INDEX_APART void remember_lines(const char* at, std::size_t bytes) noexcept
    {
        if (undo_.empty()) begin_undo();
        const auto from = reinterpret_cast<std::uintptr_t>(at) / line_bytes;
        const auto last = (reinterpret_cast<std::uintptr_t>(at) + bytes - 1) / line_bytes;
        for (auto line = from; line <= last; ++line) {
            std::uint64_t& known = known_[line % known_lines];
            if (known == mark_of(line)) continue;
            append(reinterpret_cast<const char*>(line * line_bytes));
            known = mark_of(line);
        }
    }
    // A new change, or part of one: nothing is remembered of it.
    QUEUECTL_INDEX_COLD void begin_undo() noexcept
    {
        begin_change();
        const auto heap = reinterpret_cast<std::uintptr_t>(&header().heap) / line_bytes;
        append(reinterpret_cast<const char*>(heap * line_bytes));
        known_[heap % known_lines] = mark_of(heap);
        const std::uint64_t end = std::uint64_t{header().heap.end} * detail::block_unit;
        fresh_ = blocks_ + end;
        fresh_bytes_ = memory_.length(index_range::blocks) - end;
    }
    // Nothing is remembered now.
    void begin_change() noexcept
    {
        fresh_bytes_ = 0;
        change_ = (change_ + 1) % (std::uint64_t{1} << change_bits);
        if (change_ != 0) [[likely]]
            return;
        std::memset(known_, 0, sizeof known_);
        change_ = 1;
    }
    void append(const char* line) noexcept
    {
        const std::uint64_t end = undo_.end() + detail::index_undo::entry_bytes;
        if (end > memory_.bytes_seen(index_range::undo) && !grown(index_range::undo, end)) [[unlikely]]
            return;
        undo_.append(line, undo_.place_of(memory_, line, line_bytes));
    }

    static constexpr std::size_t line_bytes = detail::index_undo::line_bytes;
    static_assert(offsetof(detail::space_header, heap) % line_bytes == 0);

    index_memory memory_;
    detail::index_undo undo_;
    char* blocks_;
    const char* fresh_ = nullptr;
    std::uint64_t fresh_bytes_ = 0;
    std::uint64_t change_ = 1;
    std::uint64_t known_[known_lines] = {};
    mutable std::uint64_t seen_[3] = {};       // bytes of each range that may be touched, or fewer
    mutable std::uint32_t surely_inside_ = 0;  // refs up to this one have bytes_max such bytes
    mutable bool doubtful_ = false;
};

}  // namespace queuectl::inline v0::journal

#endif
