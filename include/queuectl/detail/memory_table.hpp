// Ids to slots: open addressing without tombstones.
#ifndef QUEUECTL_DETAIL_MEMORY_TABLE_HPP
#define QUEUECTL_DETAIL_MEMORY_TABLE_HPP

#include <queuectl/detail/memory_slot.hpp>
#include <queuectl/detail/prefetch.hpp>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

namespace queuectl::inline v0::detail {

// The hash of an id; the seed makes collisions hard to prepare from outside. Ids that differ in their last character
// only, numbers counted up say, get hashes that differ in the lowest 4 bits only: neighbours in the table, in one or
// two cache lines.
[[nodiscard]] QUEUECTL_MEMORY_INLINE inline std::uint32_t memory_hash(std::string_view text,
                                                                      std::uint64_t seed) noexcept
{
    if (text.empty()) return 0;
    constexpr std::uint64_t k = 0x9e3779b97f4a7c15u;
    const auto word = [](const char* p, std::size_t n) {
        std::uint64_t w = 0;
        std::memcpy(&w, p, n);
        return w;
    };
    const auto mix = [](std::uint64_t v) { return (v ^ (v >> 32)) * k; };
    const auto last = static_cast<unsigned char>(text.back());
    const char* p = text.data();
    std::size_t n = text.size() - 1;
    std::uint64_t h = seed ^ (n * k);
    for (; n > 16; p += 8, n -= 8) h = mix(h ^ word(p, 8));
    if (n >= 8) {
        h = mix(h ^ word(p, 8));
        h = mix(h ^ word(p + n - 8, 8));
    } else if (n >= 4) {
        h = mix(h ^ (word(p, 4) << 32 | word(p + n - 4, 4)));
    } else if (n > 0) {
        const auto byte = [p](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(p[i])}; };
        h = mix(h ^ (byte(0) << 16 | byte(n / 2) << 8 | byte(n - 1)));
    }
    h = mix(h);
    const auto digit = static_cast<std::uint32_t>(last + (last >> 6) * 9) & 15;
    return (static_cast<std::uint32_t>(h >> 32) & ~std::uint32_t{15}) | digit;
}

// The slots of all jobs by id. At most half full; growth doubles it. find, add and drop O(1). Linear probing in which
// every cell stands behind those whose home comes before its own ("Robin Hood"), so that a search ends at the first
// one that is nearer to its home, and a removal moves nobody who is at home.
class memory_table {
public:
    explicit memory_table(const memory_slab& slab) : slab_{slab} {}

    [[nodiscard]] QUEUECTL_MEMORY_INLINE std::uint32_t hash(std::string_view id) const noexcept
    {
        return memory_hash(id, reinterpret_cast<std::uintptr_t>(this));
    }

    void prefetch(std::uint32_t hash) const noexcept
    {
        if (!cells_.empty()) detail::prefetch(&cells_[hash & mask_]);
    }

    [[nodiscard]] memory_slot* find(std::string_view id) const noexcept
    {
        std::size_t end = 0;
        return cells_.empty() ? nullptr : find(id, hash(id), end);
    }
    // The same where nothing was found: sets `end`, where the id would stand. Requires: reserve() was called.
    [[nodiscard]] QUEUECTL_MEMORY_INLINE memory_slot* find(std::string_view id, std::uint32_t hash,
                                                           std::size_t& end) const noexcept
    {
        std::size_t i = hash & mask_;
        for (std::size_t steps = 0; cells_[i].slot != none && steps <= distance(i); ++steps, i = (i + 1) & mask_) {
            if (cells_[i].hash != hash) continue;
            memory_slot& slot = slab_[cells_[i].slot];
            if (memory_equal(slot.id, id)) return &slot;
        }
        end = i;
        return nullptr;
    }

    // Makes room for n more: the next n adds allocate nothing.
    void reserve(std::size_t n)
    {
        if ((size_ + n) * 2 <= cells_.size()) return;
        std::vector<cell> old(std::max(cells_min, std::bit_ceil((size_ + n) * 2)));
        old.swap(cells_);
        mask_ = cells_.size() - 1;
        for (const cell& c : old)
            if (c.slot != none) place(c, c.hash & mask_);
    }
    // Requires: find(slot.id, hash, end) found nothing, and the table is as it was then.
    QUEUECTL_MEMORY_INLINE void add(memory_slot& slot, std::uint32_t hash, std::size_t end) noexcept
    {
        slot.hash = hash;
        place({hash, slot.index}, end);
        ++size_;
    }
    QUEUECTL_MEMORY_INLINE void drop(const memory_slot& slot) noexcept
    {
        std::size_t hole = slot.hash & mask_;
        while (cells_[hole].slot != slot.index) hole = (hole + 1) & mask_;
        for (std::size_t i = (hole + 1) & mask_; cells_[i].slot != none && distance(i) != 0; i = (i + 1) & mask_) {
            cells_[hole] = cells_[i];
            hole = i;
        }
        cells_[hole] = {};
        --size_;
    }

private:
    static constexpr std::uint32_t none = memory_nowhere;
    static constexpr std::size_t cells_min = 512;
    struct cell {
        std::uint32_t hash = 0;
        std::uint32_t slot = none;
    };
    // How far the cell in that place is from its home.
    [[nodiscard]] std::size_t distance(std::size_t place) const noexcept
    {
        return (place - cells_[place].hash) & mask_;
    }
    void place(cell c, std::size_t i) noexcept
    {
        for (; cells_[i].slot != none; i = (i + 1) & mask_)
            if (distance(i) < ((i - c.hash) & mask_)) std::swap(c, cells_[i]);
        cells_[i] = c;
    }

    const memory_slab& slab_;
    std::vector<cell> cells_;
    std::size_t mask_ = 0;
    std::size_t size_ = 0;
};

}  // namespace queuectl::inline v0::detail

#endif
