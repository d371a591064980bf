// All jobs by sequence, for lists.
#ifndef QUEUECTL_DETAIL_MEMORY_PAGES_HPP
#define QUEUECTL_DETAIL_MEMORY_PAGES_HPP

#include <queuectl/detail/memory_slot.hpp>

#include <limits>
#include <map>

namespace queuectl::inline v0::detail {

inline constexpr std::uint64_t memory_page_size = 64;

// The jobs of 64 consecutive sequences.
struct memory_page {
    std::uint64_t number = 0;
    std::uint32_t live = 0;
    memory_slot* slots[memory_page_size] = {};
};

// Hands out sequences, 1, 2, …, and finds jobs by them. Pages without jobs are used again. add and drop O(1) but for
// one O(log pages) step a page.
class memory_pages {
public:
    // Makes room for n more: the next n adds allocate nothing.
    void reserve(std::size_t n)
    {
        for (std::size_t pages = n / memory_page_size + 1; spare_.size() < pages;)
            spare_.try_emplace(std::numeric_limits<std::uint64_t>::max() - made_++);
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
        std::uint64_t place = (after + 1) % memory_page_size;
        auto page = pages_.lower_bound((after + 1) / memory_page_size);
        if (page != pages_.end() && page->first != (after + 1) / memory_page_size) place = 0;
        for (; page != pages_.end(); ++page, place = 0)
            for (; place < memory_page_size; ++place)
                if (memory_slot* slot = page->second.slots[place]; slot && !visit(*slot)) return;
    }

    // The job of that sequence, or null.
    [[nodiscard]] memory_slot* at(std::uint64_t sequence) const noexcept
    {
        const auto page = pages_.find(sequence / memory_page_size);
        return page == pages_.end() ? nullptr : page->second.slots[sequence % memory_page_size];
    }

private:
    using map = std::map<std::uint64_t, memory_page>;

    QUEUECTL_MEMORY_APART void open(std::uint64_t number) noexcept
    {
        memory_page* const before = last_;
        auto node = spare_.extract(spare_.begin());
        node.key() = number;
        node.mapped().number = number;
        last_ = &pages_.insert(pages_.end(), std::move(node))->second;
        if (before && before->live == 0) retire(*before);
    }
    QUEUECTL_MEMORY_APART void retire(memory_page& page) noexcept { spare_.insert(pages_.extract(page.number)); }

    map pages_;
    map spare_;  // all empty; the keys only tell them apart
    std::uint64_t made_ = 0;
    memory_page* last_ = nullptr;
    std::uint64_t next_ = 1;
};

}  // namespace queuectl::inline v0::detail

#endif
