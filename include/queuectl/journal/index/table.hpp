// Ids to blocks: a hash table that grows one bucket at a time.
#ifndef QUEUECTL_JOURNAL_INDEX_TABLE_HPP
#define QUEUECTL_JOURNAL_INDEX_TABLE_HPP

#include <queuectl/journal/index/space.hpp>

#include <bit>
#include <string_view>

namespace queuectl::inline v0::journal {

namespace detail {

// The two halves of a 128-bit product, mixed.
[[nodiscard]] inline std::uint64_t hash_mix(std::uint64_t a, std::uint64_t b) noexcept
{
#if defined(__SIZEOF_INT128__)
    __extension__ using wide = unsigned __int128;
    const wide product = static_cast<wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
#else
    a = (a ^ a >> 32) * (b | 1);
    return (a ^ a >> 29) * 0x9e3779b97f4a7c15;
#endif
}
[[nodiscard]] inline std::uint64_t hash_word(const char* at, std::size_t bytes) noexcept
{
    std::uint64_t word = 0;
    std::memcpy(&word, at, bytes);
    return word;
}

}  // namespace detail

// The hash of an id, the same in every process of one machine. A secret seed makes collisions hard to prepare. Ids that
// differ only in their last digit, numbers counted up say, have hashes that differ only in the lowest 4 bits: their
// buckets lie in one or two cache lines.
[[nodiscard]] inline std::uint32_t id_hash(std::string_view id, std::uint64_t seed) noexcept
{
    constexpr std::uint64_t k1 = 0xa0761d6478bd642f;
    constexpr std::uint64_t k2 = 0xe7037ed1a0b428db;
    if (id.empty()) return static_cast<std::uint32_t>(seed);
    const char* at = id.data();
    std::size_t left = id.size() - 1;
    std::uint64_t h = seed ^ left * k2;
    for (; left > 16; at += 16, left -= 16)
        h = detail::hash_mix(detail::hash_word(at, 8) ^ k1, detail::hash_word(at + 8, 8) ^ h);
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    if (left >= 8) {
        a = detail::hash_word(at, 8);
        b = detail::hash_word(at + left - 8, 8);
    } else if (left >= 4) {
        a = detail::hash_word(at, 4);
        b = detail::hash_word(at + left - 4, 4);
    } else if (left > 0) {
        a = detail::hash_word(at, 1) | detail::hash_word(at + left / 2, 1) << 8;
        b = detail::hash_word(at + left - 1, 1);
    }
    h = detail::hash_mix(detail::hash_mix(a ^ k1, b ^ h), k2 ^ seed);
    const auto last = static_cast<unsigned char>(id.back());
    return static_cast<std::uint32_t>(h >> 16) ^ (last & 15U) ^ static_cast<std::uint32_t>(last >> 4) * 0x9e3779b0U;
}

// What every block in the table keeps for it.
struct table_entry {
    ref next = 0;
    std::uint32_t hash = 0;
};

// In the user's roots. All zero = an empty table.
struct table_roots {
    std::uint32_t bucket_count = 0;  // the split position follows from it
    std::uint32_t size = 0;
};

// Linear hashing: as many buckets as there ever were members, one ref each, in index_range::buckets; chains through the
// table_entry that the members have at Offset. What changes is touched. All O(1) expected, growth included.
template <std::size_t Offset>
class id_table {
public:
    // What reserve may count for an add, a drop or a replace.
    static constexpr std::size_t undo_bytes = 128;

    id_table(index_space& space, table_roots& roots) noexcept : space_{&space}, roots_{&roots} {}

    // Memory for the buckets of so many more members. errc::store_full.
    [[nodiscard]] result<void> reserve(std::size_t more)
    {
        const std::uint64_t bytes = bytes_for(roots_->size + std::uint64_t{more} + 1);
        if (bytes <= space_->memory().bytes_seen(index_range::buckets)) return {};
        return space_->memory().grow(index_range::buckets, bytes);
    }

    // The member with that hash for which same(ref) holds; 0 = none.
    template <class Same>
    [[nodiscard]] ref find(std::uint32_t hash, Same&& same) const
    {
        if (roots_->bucket_count == 0) return 0;
        for (ref at = *bucket(hash); at != 0; at = entry(at).next)
            if (entry(at).hash == hash && same(at)) return at;
        return 0;
    }

    // Whether the buckets lie in the memory that there is.
    [[nodiscard]] bool sound() const noexcept
    {
        return roots_->size <= roots_->bucket_count &&
               space_->covers(index_range::buckets, std::uint64_t{roots_->bucket_count} * sizeof(ref));
    }

    // Requires a block that is not in the table. Without room (see reserve) the table stops growing, no more.
    void add(ref block, std::uint32_t hash) noexcept
    {
        space_->touch(*roots_);
        if (roots_->size++ >= roots_->bucket_count) grow();
        if (roots_->bucket_count == 0) return space_->invalidate();
        ref* const head = bucket(hash);
        space_->touch(entry(block)) = {*head, hash};
        space_->touch(*head) = block;
    }

    // Requires a member.
    void drop(ref block) noexcept
    {
        space_->touch(*roots_).size--;
        space_->touch(*link_to(block)) = entry(block).next;
    }

    // `with`, not in the table, takes the place and the hash of `old`, a member.
    void replace(ref old, ref with) noexcept
    {
        ref* const link = link_to(old);
        space_->touch(entry(with)) = entry(old);
        space_->touch(*link) = with;
    }

    // Starts to load what find(hash) looks at first.
    void prefetch(std::uint32_t hash) const noexcept
    {
        if (roots_->bucket_count != 0) queuectl::detail::prefetch(bucket(hash));
    }
    // Starts to load what it looks at then, the line of the member's entry and the next one; wants the first to be
    // there already.
    void prefetch_member(std::uint32_t hash) const noexcept
    {
        if (roots_->bucket_count == 0) return;
        const ref at = *bucket(hash);
        space_->prefetch(at, Offset);
        space_->prefetch(at, Offset + 64);
    }

private:
    static constexpr std::uint32_t buckets_min = 64;
    // Splits look so many buckets ahead.
    static constexpr std::uint32_t ahead = 8;

    [[nodiscard]] static std::uint64_t bytes_for(std::uint64_t buckets) noexcept
    {
        return std::max<std::uint64_t>(buckets, buckets_min) * sizeof(ref);
    }
    [[nodiscard]] table_entry& entry(ref block) const noexcept
    {
        return *reinterpret_cast<table_entry*>(space_->bytes_at(block, Offset + sizeof(table_entry)) + Offset);
    }
    [[nodiscard]] ref* buckets() const noexcept
    {
        return reinterpret_cast<ref*>(space_->memory().base(index_range::buckets));
    }
    // Requires bucket_count != 0.
    [[nodiscard]] ref* bucket(std::uint32_t hash) const noexcept
    {
        const std::uint32_t mask = ~std::uint32_t{0} >> std::countl_zero(roots_->bucket_count);
        const std::uint32_t at = hash & mask;
        return &space_->template element<ref>(index_range::buckets, at < roots_->bucket_count ? at : at & mask >> 1);
    }

    // What refers to a member: its bucket, or the one before it in the chain.
    [[nodiscard]] ref* link_to(ref block) const noexcept
    {
        ref* link = bucket(entry(block).hash);
        while (*link != block) {
            if (*link == 0) [[unlikely]] {
                space_->doubt();
                break;
            }
            link = &entry(*link).next;
        }
        return link;
    }

    // One bucket more; the first time, buckets_min of them. What lies behind the last bucket means nothing, and is
    // written without being remembered.
    void grow() noexcept
    {
        const std::uint32_t count = roots_->bucket_count;
        const std::uint64_t bytes = bytes_for(std::uint64_t{count} + 1);
        if (bytes > space_->memory().bytes_seen(index_range::buckets) &&
            !space_->memory().grow(index_range::buckets, bytes)) [[unlikely]]
            return;
        if (count == 0) {
            std::memset(buckets(), 0, buckets_min * sizeof(ref));
            roots_->bucket_count = buckets_min;
        } else if (count < ~std::uint32_t{0}) {
            split(count);
        }
    }

    // Makes bucket `added`: takes the members that belong there from the bucket that had them.
    void split(std::uint32_t added) noexcept
    {
        const std::uint32_t bit = std::bit_floor(added);
        ref* const all = buckets();
        ref* stay = &all[added - bit];
        ref moved = 0;
        space_->prefetch(stay[ahead < bit ? ahead : 0], Offset);
        while (*stay != 0) {
            const ref at = *stay;
            table_entry& e = entry(at);
            if ((e.hash & bit) == 0) {
                stay = &e.next;
                continue;
            }
            space_->touch(*stay) = e.next;
            space_->touch(e.next) = moved;
            moved = at;
        }
        all[added] = moved;
        roots_->bucket_count = added + 1;
    }

    index_space* space_;
    table_roots* roots_;
};

}  // namespace queuectl::inline v0::journal

#endif
