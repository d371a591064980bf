// The orders of memory_storage: a line of jobs, and a level of lines.
#ifndef QUEUECTL_DETAIL_MEMORY_LINE_HPP
#define QUEUECTL_DETAIL_MEMORY_LINE_HPP

#include <queuectl/detail/memory_slot.hpp>

#include <algorithm>

namespace queuectl::inline v0::detail {

class memory_level;

// Jobs by key (time, then insertion). What arrives in order, or before all others, is linked to a list in O(1); the
// rest goes to a heap that knows its members' places. head O(1); put, take from anywhere O(log of the heap).
class memory_line {
public:
    explicit memory_line(memory_level* level = nullptr, std::int8_t priority = 0) : level_{level}, priority_{priority}
    {
    }
    memory_line(const memory_line&) = delete;
    memory_line& operator=(const memory_line&) = delete;

    [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }
    [[nodiscard]] memory_slot* head() const noexcept { return head_; }
    [[nodiscard]] memory_level* level() const noexcept { return level_; }
    [[nodiscard]] std::int8_t priority() const noexcept { return priority_; }
    [[nodiscard]] std::uint64_t steps() const noexcept { return steps_; }

    // Makes room for n puts: the next n of them allocate nothing.
    void reserve(std::size_t n)
    {
        if (heap_.capacity() - heap_.size() < n) heap_.reserve(heap_.size() + std::max(n, heap_.size()));
    }

    // Stands the slot at its key. A key later than `in_order_until` never goes to the list, where it would make
    // everything that follows it out of order. Requires: in no line; room, unless it goes to the list. Whether it is
    // the head now.
    QUEUECTL_MEMORY_INLINE bool put(memory_slot& slot, std::int64_t time, std::int64_t in_order_until) noexcept
    {
        slot.line = this;
        slot.key_time = time;
        if (!back_ ? time <= in_order_until : !(slot.key() < back_->key()) && time <= in_order_until)
            append(slot);
        else if (front_ && slot.key() < front_->key())
            prepend(slot);
        else
            push(slot);
        if (!head_ || slot.key() < head_->key()) head_ = &slot;
        return head_ == &slot;
    }
    [[nodiscard]] bool needs_room(const memory_slot& slot, std::int64_t time,
                                  std::int64_t in_order_until) const noexcept
    {
        const memory_key key{time, slot.sequence};
        if (!back_) return time > in_order_until;
        return (key < back_->key() || time > in_order_until) && !(key < front_->key());
    }

    // Whether it was the head.
    QUEUECTL_MEMORY_INLINE bool take(memory_slot& slot) noexcept
    {
        if (slot.heap_place == memory_nowhere)
            unlink(slot);
        else
            pull(slot);
        slot.line = nullptr;
        if (&slot != head_) return false;
        find_head();
        return true;
    }

    // Calls visit(slot) for each member, in no order, until it returns false.
    template <class Visit>
    void for_each(Visit visit) const
    {
        for (memory_slot* slot = front_; slot; slot = slot->next)
            if (!visit(*slot)) return;
        for (const entry& e : heap_)
            if (!visit(*e.slot)) return;
    }

private:
    friend class memory_level;
    struct entry {
        memory_key key;
        memory_slot* slot;
    };

    QUEUECTL_MEMORY_INLINE void find_head() noexcept
    {
        head_ = front_;
        if (!heap_.empty() && (!front_ || heap_.front().key < front_->key())) head_ = heap_.front().slot;
    }
    void append(memory_slot& slot) noexcept
    {
        slot.previous = back_;
        slot.next = nullptr;
        (back_ ? back_->next : front_) = &slot;
        back_ = &slot;
    }
    void prepend(memory_slot& slot) noexcept
    {
        slot.previous = nullptr;
        slot.next = front_;
        front_->previous = &slot;
        front_ = &slot;
    }
    void unlink(memory_slot& slot) noexcept
    {
        (slot.previous ? slot.previous->next : front_) = slot.next;
        (slot.next ? slot.next->previous : back_) = slot.previous;
    }

    static constexpr std::size_t arity = 4;
    void push(memory_slot& slot) noexcept
    {
        heap_.push_back({slot.key(), &slot});
        sift_up(heap_.size() - 1);
    }
    void pull(memory_slot& slot) noexcept
    {
        const std::size_t place = slot.heap_place;
        slot.heap_place = memory_nowhere;
        const entry last = heap_.back();
        heap_.pop_back();
        if (place == heap_.size()) return;
        set(place, last);
        sift_down(place);
        sift_up(last.slot->heap_place);
    }
    void set(std::size_t place, const entry& e) noexcept
    {
        heap_[place] = e;
        e.slot->heap_place = static_cast<std::uint32_t>(place);
        ++steps_;
    }
    void sift_up(std::size_t place) noexcept
    {
        const entry moving = heap_[place];
        while (place > 0) {
            const std::size_t parent = (place - 1) / arity;
            if (!(moving.key < heap_[parent].key)) break;
            set(place, heap_[parent]);
            place = parent;
        }
        set(place, moving);
    }
    void sift_down(std::size_t place) noexcept
    {
        const entry moving = heap_[place];
        for (;;) {
            const std::size_t first = place * arity + 1;
            if (first >= heap_.size()) break;
            const std::size_t end = std::min(first + arity, heap_.size());
            std::size_t best = first;
            for (std::size_t child = first + 1; child < end; ++child)
                if (heap_[child].key < heap_[best].key) best = child;
            if (!(heap_[best].key < moving.key)) break;
            set(place, heap_[best]);
            place = best;
        }
        set(place, moving);
    }

    memory_slot* head_ = nullptr;
    memory_slot* front_ = nullptr;
    memory_slot* back_ = nullptr;
    memory_level* level_;
    std::uint32_t place_ = memory_nowhere;  // in the level
    std::int8_t priority_;
    std::uint64_t steps_ = 0;
    std::vector<entry> heap_;
};

// Lines by their heads. top O(1); update O(log lines). Lines with nobody in them are left out.
class memory_level {
public:
    // Makes room for one more line that names this level; update never allocates then.
    void expect_line()
    {
        if (lines_ == heap_.capacity()) heap_.reserve(std::max<std::size_t>(4, 2 * lines_));
        ++lines_;
    }
    void forget_line() noexcept { --lines_; }

    [[nodiscard]] bool empty() const noexcept { return heap_.empty(); }
    [[nodiscard]] memory_line* top() const noexcept { return heap_.empty() ? nullptr : heap_.front(); }

    // To be called after the line's head may have changed. Whether this level was, and is, in use: no news.
    QUEUECTL_MEMORY_INLINE bool update(memory_line& line) noexcept
    {
        const bool stays = line.place_ != memory_nowhere && !line.empty();
        if (!stays || heap_.size() > 1) move(line);
        return stays;
    }

private:
    [[nodiscard]] static bool before(const memory_line* a, const memory_line* b) noexcept
    {
        return a->head()->key() < b->head()->key();
    }
    void move(memory_line& line) noexcept
    {
        if (line.empty()) {
            if (line.place_ != memory_nowhere) drop(line);
            return;
        }
        if (line.place_ == memory_nowhere) {
            heap_.push_back(&line);
            line.place_ = static_cast<std::uint32_t>(heap_.size() - 1);
            if (heap_.size() == 1) return;
        }
        sift_down(line.place_);
        sift_up(line.place_);
    }
    void drop(memory_line& line) noexcept
    {
        const std::size_t place = line.place_;
        line.place_ = memory_nowhere;
        memory_line* last = heap_.back();
        heap_.pop_back();
        if (last == &line) return;
        set(place, last);
        sift_down(place);
        sift_up(last->place_);
    }
    void set(std::size_t place, memory_line* line) noexcept
    {
        heap_[place] = line;
        line->place_ = static_cast<std::uint32_t>(place);
        ++line->steps_;
    }
    void sift_up(std::size_t place) noexcept
    {
        memory_line* moving = heap_[place];
        for (; place > 0 && before(moving, heap_[(place - 1) / 2]); place = (place - 1) / 2)
            set(place, heap_[(place - 1) / 2]);
        set(place, moving);
    }
    void sift_down(std::size_t place) noexcept
    {
        memory_line* moving = heap_[place];
        for (std::size_t child = 2 * place + 1; child < heap_.size(); child = 2 * place + 1) {
            if (child + 1 < heap_.size() && before(heap_[child + 1], heap_[child])) ++child;
            if (!before(heap_[child], moving)) break;
            set(place, heap_[child]);
            place = child;
        }
        set(place, moving);
    }

    std::vector<memory_line*> heap_;
    std::size_t lines_ = 0;
};

}  // namespace queuectl::inline v0::detail

#endif
