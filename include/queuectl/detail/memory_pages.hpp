// All jobs by sequence, for lists.
#ifndef QUEUECTL_DETAIL_MEMORY_PAGES_HPP
#define QUEUECTL_DETAIL_MEMORY_PAGES_HPP

#include <queuectl/detail/memory_slot.hpp>

#include <algorithm>
#include <limits>
#include <utility>
#include <vector>

namespace queuectl::inline v0::detail {

inline constexpr std::uint64_t memory_page_size = 64;

// The jobs of 64 consecutive sequences.
struct memory_page {
    std::uint64_t number = 0;
    std::uint32_t live = 0;
    memory_slot* slots[memory_page_size] = {};
    memory_page* next_spare = nullptr;
};

// Hands out sequences, 1, 2, …, and finds jobs by them. Pages without jobs are used again. add and drop O(1) but for
// one O(log pages) step a page; at O(log pages).
class memory_pages {
public:
    memory_pages() = default;
    memory_pages(const memory_pages&) = delete;
    memory_pages& operator=(const memory_pages&) = delete;
    ~memory_pages()
    {
        for (const place& p : places_) delete p.page;
        while (spare_) delete std::exchange(spare_, spare_->next_spare);
    }

    // Makes room for n more: the next n adds allocate nothing.
    void reserve(std::size_t n)
    {
        const std::size_t pages = n / memory_page_size + 1;
        for (; spares_ < pages; ++spares_) make_spare(*new memory_page);
        if (places_.capacity() - places_.size() < pages) make_places(pages);
    }
    [[nodiscard]] std::uint64_t next_sequence() const noexcept { return next_; }

    // Gives the slot the next sequence.
    QUEUECTL_MEMORY_INLINE void add(memory_slot& slot) noexcept
    {
        slot.sequence = next_++;
        if (!last_ || last_->number != slot.sequence / memory_page_size) open(slot.sequence / memory_page_size);
        last_->slots[slot.sequence % memory_page_size] = &slot;
        ++last_->live;
        slot.page = last_;
    }
    QUEUECTL_MEMORY_INLINE void drop(const memory_slot& slot) noexcept
    {
        memory_page& page = *slot.page;
        page.slots[slot.sequence % memory_page_size] = nullptr;
        if (--page.live == 0 && &page != last_) retire(page);
    }

    // Calls visit(slot) for the jobs whose sequence is over `after`, in order, until it returns false.
    template <class Visit>
    void visit_after(std::uint64_t after, Visit visit) const
    {
        if (after == std::numeric_limits<std::uint64_t>::max()) return;
        std::uint64_t first = (after + 1) % memory_page_size;
        const std::uint64_t number = (after + 1) / memory_page_size;
        for (std::size_t i = place_of(number); i < places_.size(); ++i, first = 0) {
            if (!places_[i].page) continue;
            if (places_[i].number != number) first = 0;
            for (; first < memory_page_size; ++first)
                if (memory_slot* slot = places_[i].page->slots[first]; slot && !visit(*slot)) return;
        }
    }

    // The job of that sequence, or null.
    [[nodiscard]] memory_slot* at(std::uint64_t sequence) const noexcept
    {
        const std::uint64_t number = sequence / memory_page_size;
        const std::size_t i = place_of(number);
        if (i == places_.size() || places_[i].number != number || !places_[i].page) return nullptr;
        return places_[i].page->slots[sequence % memory_page_size];
    }

private:
    struct place {
        std::uint64_t number;
        memory_page* page;  // null when it was retired
    };

    // The first place whose number is not below.
    [[nodiscard]] std::size_t place_of(std::uint64_t number) const noexcept
    {
        std::size_t low = 0;
        for (std::size_t high = places_.size(); low < high;) {
            const std::size_t middle = (low + high) / 2;
            if (places_[middle].number < number)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
    // Forgets retired places, and grows where more than half are in use, so that this is O(1) a page.
    QUEUECTL_MEMORY_APART void make_places(std::size_t pages)
    {
        const std::size_t used = places_.size() - retired_;
        if (2 * (used + pages) > places_.capacity()) places_.reserve(std::max<std::size_t>(64, 4 * (used + pages)));
        std::erase_if(places_, [](const place& p) { return !p.page; });
        retired_ = 0;
    }
    QUEUECTL_MEMORY_APART void open(std::uint64_t number) noexcept
    {
        memory_page* const before = last_;
        last_ = std::exchange(spare_, spare_->next_spare);
        --spares_;
        last_->number = number;
        places_.push_back({number, last_});
        if (before && before->live == 0) retire(*before);
    }
    QUEUECTL_MEMORY_APART void retire(memory_page& page) noexcept
    {
        places_[place_of(page.number)].page = nullptr;
        ++retired_;
        make_spare(page);
        ++spares_;
    }
    void make_spare(memory_page& page) noexcept { page.next_spare = std::exchange(spare_, &page); }

    std::vector<place> places_;  // by number
    std::size_t retired_ = 0;
    memory_page* spare_ = nullptr;  // all empty
    std::size_t spares_ = 0;
    memory_page* last_ = nullptr;
    std::uint64_t next_ = 1;
};

}  // namespace queuectl::inline v0::detail

#endif
