// Sequences to blocks, in order.
#ifndef QUEUECTL_JOURNAL_INDEX_PAGES_HPP
#define QUEUECTL_JOURNAL_INDEX_PAGES_HPP

#include <queuectl/journal/index/space.hpp>

namespace queuectl::inline v0::journal {

// In the user's roots. All zero = nothing is set. Pages outside [first, count) are not in use.
struct pages_roots {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
};

// Pages of 256 consecutive sequences, as blocks, while one of them is set; their directory, one ref a page, in
// index_range::pages: 4 bytes for every 256 sequences there ever were. What changes is touched.
class sequence_pages {
public:
    // What reserve may count for a set, if it is the last of its page.
    static constexpr std::size_t undo_bytes = 1200;

    sequence_pages(index_space& space, pages_roots& roots) noexcept : space_{&space}, roots_{&roots} {}

    // Memory for the directory up to `last_sequence`, and for the pages of `new_jobs` consecutive sequences. Calls of
    // index_space::reserve do not add up: whoever makes one, too, counts page_bytes(new_jobs) there. errc::store_full.
    [[nodiscard]] result<void> reserve(std::uint64_t last_sequence, std::size_t new_jobs)
    {
        const std::uint64_t bytes = (last_sequence / page_size + 1) * sizeof(ref);
        if (bytes > space_->memory().bytes_seen(index_range::pages)) [[unlikely]]
            if (auto done = space_->memory().grow(index_range::pages, bytes); !done) return done;
        return space_->reserve(page_bytes(new_jobs), 0);
    }
    // The blocks that as many consecutive sequences may need.
    [[nodiscard]] static constexpr std::uint64_t page_bytes(std::size_t new_jobs) noexcept
    {
        return (new_jobs / page_size + 2) * sizeof(page);
    }

    // Whether the directory lies in the memory that there is.
    [[nodiscard]] bool sound() const noexcept
    {
        return roots_->first <= roots_->count && roots_->count <= space_->memory().length(index_range::pages) &&
               space_->covers(index_range::pages, roots_->count * sizeof(ref));
    }

    // 0 removes. O(1), but for the first set beyond the last page, which is linear in how far.
    void set(std::uint64_t sequence, ref block) noexcept
    {
        const std::uint64_t number = sequence / page_size;
        if (block != 0 && !open(number)) return;
        page* const p = page_at(number);
        if (p == nullptr) return;
        ref& place = p->places[sequence % page_size];
        if (place == block) return;
        if (place == 0) ++space_->touch(p->set);
        space_->touch(place) = block;
        if (block == 0 && --space_->touch(p->set) == 0) close(number);
    }

    // 0 = nothing is set.
    [[nodiscard]] ref get(std::uint64_t sequence) const noexcept
    {
        const page* const p = page_at(sequence / page_size);
        return p == nullptr ? 0 : p->places[sequence % page_size];
    }

    // The same where the content may be garbage: reads nothing outside of the memory.
    [[nodiscard]] ref get_checked(std::uint64_t sequence) const noexcept
    {
        const std::uint64_t number = sequence / page_size;
        const auto& memory = space_->memory();
        if (number >= roots_->count || (number + 1) * sizeof(ref) > memory.bytes(index_range::pages)) return 0;
        const std::uint64_t at = directory()[number];
        if (at == 0 || at * detail::block_unit + sizeof(page) > memory.bytes(index_range::blocks)) return 0;
        return space_->template get<page>(static_cast<ref>(at))->places[sequence % page_size];
    }

    // The first sequence ≥ from that is set; 0 = none, or not found by looking at `most` places, at least one: then
    // *stopped is where to go on, else 0. A page that is not there counts as one place.
    [[nodiscard]] std::uint64_t next(std::uint64_t from, std::size_t most, std::uint64_t* stopped) const noexcept
    {
        *stopped = 0;
        std::uint64_t at = std::max(from, roots_->first * page_size);
        while (at / page_size < roots_->count) {
            const page* const p = page_at(at / page_size);
            const std::uint64_t end = (at / page_size + 1) * page_size;
            if (most == 0) {
                *stopped = at;
                return 0;
            }
            if (p == nullptr) {
                --most;
                at = end;
                continue;
            }
            for (; at < end && most != 0; ++at, --most)
                if (p->places[at % page_size] != 0) return at;
        }
        return 0;
    }

private:
    static constexpr std::uint64_t page_size = 256;
    // So many pages at most are skipped when one is closed.
    static constexpr int skip_max = 64;

    struct page {
        std::uint32_t set = 0;  // how many places are
        std::uint32_t unused[3] = {};
        ref places[page_size] = {};
    };

    [[nodiscard]] ref* directory() const noexcept
    {
        return reinterpret_cast<ref*>(space_->memory().base(index_range::pages));
    }
    [[nodiscard]] ref& entry(std::uint64_t number) const noexcept
    {
        return space_->template element<ref>(index_range::pages, number);
    }
    [[nodiscard]] page* page_at(std::uint64_t number) const noexcept
    {
        if (number >= roots_->count) return nullptr;
        const ref at = entry(number);
        return at == 0 ? nullptr : space_->template get<page>(at);
    }

    // Makes the page if there is none. What lies behind the last page means nothing, and is written without being
    // remembered.
    [[nodiscard]] bool open(std::uint64_t number) noexcept
    {
        if (number < roots_->count && entry(number) != 0) return true;
        if (number >= roots_->count) {
            const std::uint64_t bytes = (number + 1) * sizeof(ref);
            if (bytes > space_->memory().bytes_seen(index_range::pages) && !space_->grown(index_range::pages, bytes))
                [[unlikely]]
                return false;
            space_->touch(*roots_);
            std::memset(directory() + roots_->count, 0, (number + 1 - roots_->count) * sizeof(ref));
            roots_->first = roots_->first == roots_->count ? number : roots_->first;
            roots_->count = number + 1;
        } else if (number < roots_->first) {
            space_->touch(*roots_).first = number;
        }
        const ref made = space_->allocate(sizeof(page));
        if (made == 0) return false;
        std::memset(space_->bytes_at(made, sizeof(page)), 0, sizeof(page));
        space_->touch(entry(number)) = made;
        return true;
    }

    void close(std::uint64_t number) noexcept
    {
        ref& at = entry(number);
        space_->release(at, sizeof(page));
        space_->touch(at) = 0;
        if (entry(roots_->first) != 0) return;
        std::uint64_t& first = space_->touch(*roots_).first;
        for (int i = 0; i < skip_max && first < roots_->count && entry(first) == 0; ++i) ++first;
    }

    index_space* space_;
    pages_roots* roots_;
};

}  // namespace queuectl::inline v0::journal

#endif
