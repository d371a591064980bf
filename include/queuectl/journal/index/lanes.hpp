// Queues, kinds and the lines that waiting jobs stand in.
#ifndef QUEUECTL_JOURNAL_INDEX_LANES_HPP
#define QUEUECTL_JOURNAL_INDEX_LANES_HPP

#include <queuectl/journal/index/slots.hpp>

#include <bit>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <vector>

namespace queuectl::inline v0::journal {

// Texts of up to text_size_max bytes in blocks of their own; longer ones are cut.
inline constexpr std::size_t text_size_max = 1024;
[[nodiscard]] inline std::string_view read_text(const index_space& space, ref at) noexcept
{
    std::uint16_t size;
    std::memcpy(&size, space.bytes_at(at, sizeof size), sizeof size);
    if (size > text_size_max) [[unlikely]] {
        space.doubt();
        size = 0;
    }
    return {space.bytes_at(at, sizeof size + size) + sizeof size, size};
}
[[nodiscard]] inline ref make_text(index_space& space, std::string_view text) noexcept
{
    const auto size = static_cast<std::uint16_t>(std::min(text.size(), text_size_max));
    const ref made = space.allocate(sizeof size + size);
    char* const block = space.bytes_at(made, sizeof size + size);
    std::memcpy(block, &size, sizeof size);
    if (!text.empty()) std::memcpy(block + sizeof size, text.data(), size);
    return made;
}
inline void drop_text(index_space& space, ref at) noexcept
{
    space.release(at, sizeof(std::uint16_t) + read_text(space, at).size());
}

// The lanes of an index; see slots.hpp. Not thread-safe. Requires: what a member changes was reserved.
class lanes {
public:
    using job_order = order<offsetof(live_slot, node)>;
    using line_order = order<offsetof(line_slot, node)>;
    static constexpr std::uint32_t lanes_max = 65'536;

    explicit lanes(index_space& space) : space_{&space}, jobs_{space}, lines_{space} {}

    // The lane of a queue and kind, made where there is none; 0 = there are lanes_max others. O(lanes / 256).
    [[nodiscard]] ref find_or_make(std::string_view queue, std::string_view kind) noexcept
    {
        if (const ref known = find(queue, kind); known != 0) return known;
        if (roots().lane_count == lanes_max) return 0;
        return make(*bucket_of(queue, kind), find_or_make_queue(queue), kind);
    }
    // 0 = there is none.
    [[nodiscard]] ref find(std::string_view queue, std::string_view kind) noexcept
    {
        const auto same = [&](ref at) { return kind_of(at) == kind && queue_of(at) == queue; };
        if (last_ < roots().lane_count && same(by_number(last_))) return by_number(last_);
        for (ref at = *bucket_of(queue, kind); at != 0; at = get(at).next)
            if (same(at)) {
                last_ = get(at).number;
                return at;
            }
        return 0;
    }
    [[nodiscard]] lane_slot& get(ref lane) const noexcept { return *space_->get<lane_slot>(lane); }
    [[nodiscard]] ref by_number(std::uint32_t number) const noexcept
    {
        return space_->get<lane_page>(roots().lane_pages[number / 1024 % 64])->lanes[number % 1024];
    }
    [[nodiscard]] std::string_view kind_of(ref lane) const noexcept { return read_text(*space_, get(lane).kind); }
    [[nodiscard]] queue_slot& queue_slot_of(ref lane) const noexcept
    {
        return *space_->get<queue_slot>(get(lane).queue);
    }
    [[nodiscard]] std::string_view queue_of(ref lane) const noexcept
    {
        return read_text(*space_, queue_slot_of(lane).name);
    }
    // 0 = no such queue. O(queues).
    [[nodiscard]] ref find_queue(std::string_view name) const noexcept
    {
        for (ref at = roots().queues; at != 0; at = space_->get<queue_slot>(at)->next)
            if (read_text(*space_, space_->get<queue_slot>(at)->name) == name) return at;
        return 0;
    }
    ref find_or_make_queue(std::string_view name) noexcept
    {
        if (const ref known = find_queue(name); known != 0) return known;
        const ref made = space_->allocate(sizeof(queue_slot));
        auto& queue = *space_->get<queue_slot>(made);
        queue = {};
        queue.name = make_text(*space_, name);
        queue.next = roots().queues;
        space_->touch(roots().queues) = made;
        return made;
    }

    // visit(lane) for each lane of a queue; false stops.
    template <class Visit>
    bool for_each_lane(ref queue, Visit&& visit) const
    {
        for (ref at = space_->get<queue_slot>(queue)->lanes; at != 0; at = get(at).next_of_queue)
            if (!visit(at)) return false;
        return true;
    }
    template <class Visit>
    void for_each_queue(Visit&& visit) const
    {
        for (ref at = roots().queues; at != 0; at = space_->get<queue_slot>(at)->next)
            if (!visit(at)) return;
    }

    // Stands a waiting job, whose node is set, in its line.
    void stand(ref job) noexcept
    {
        auto& slot = *space_->get<live_slot>(job);
        const ref at = line_of(by_number(slot.head.lane()), slot.priority);
        space_->touch(slot.line) = at;
        change_line(at, [&](order_set& set) { jobs_.put(set, job); });
    }
    void lift(ref job) noexcept
    {
        auto& slot = *space_->get<live_slot>(job);
        if (slot.line == 0) return;
        change_line(slot.line, [&](order_set& set) { jobs_.take(set, job); });
        space_->touch(slot.line) = 0;
    }

    // Lifts the first job of a line, and those behind it while takes(node) says so, at most `most`; appends them to
    // `out`. Requires that there is one, and most > 0.
    template <class Takes>
    void lift_first(ref at, std::vector<ref>& out, std::size_t most, Takes&& takes)
    {
        change_line(at, [&](order_set& set) {
            ref job = jobs_.first(set);
            std::uint32_t count = 0;
            do {
                space_->touch(space_->get<live_slot>(job)->line) = 0;
                out.push_back(job);
                job = jobs_.next(set, job);
            } while (++count < most && job != 0 && takes(space_->get<live_slot>(job)->node));
            jobs_.take_first(set, out.back(), count);
        });
    }

    // The first job of a line; 0 = none.
    [[nodiscard]] ref first_of(ref line) const noexcept { return jobs_.first(space_->get<line_slot>(line)->jobs); }
    [[nodiscard]] const line_slot& line(ref at) const noexcept { return *space_->get<line_slot>(at); }

    // visit(line) with the line whose first job comes first, for each priority that has jobs, the highest first;
    // false stops. visit may take that job.
    template <class Visit>
    void for_each_level(Visit&& visit)
    {
        for (std::size_t word = 0; word < 4; ++word)
            for (std::uint64_t bits = roots().levels_used[word]; bits != 0; bits &= bits - 1) {
                const auto level = 64 * word + static_cast<std::size_t>(std::countr_zero(bits));
                if (!visit(level)) return;
            }
    }
    // The line of a level whose first job comes first, and the one behind a line; 0 = none.
    [[nodiscard]] ref first_line(std::size_t level) const noexcept { return lines_.first(roots().levels[level]); }
    [[nodiscard]] ref line_behind(std::size_t level, ref line) const noexcept
    {
        return lines_.next(roots().levels[level], line);
    }

private:
    [[nodiscard]] index_roots& roots() const noexcept { return space_->roots<index_roots>(); }

    [[nodiscard]] ref* bucket_of(std::string_view queue, std::string_view kind) const noexcept
    {
        return &roots().lane_buckets[(id_hash(queue, 0) * 31 + id_hash(kind, 0)) % 256];
    }

    ref make(ref& bucket, ref queue, std::string_view kind) noexcept
    {
        const std::uint32_t number = roots().lane_count;
        if (number % 1024 == 0)
            space_->touch(roots().lane_pages[number / 1024 % 64]) = space_->allocate(sizeof(lane_page));
        const ref made = space_->allocate(sizeof(lane_slot));
        auto& lane = *space_->get<lane_slot>(made);
        lane = {};
        lane.number = number;
        lane.queue = queue;
        lane.kind = make_text(*space_, kind);
        lane.next = bucket;
        auto& of_queue = space_->touch(space_->get<queue_slot>(queue)->lanes);
        lane.next_of_queue = std::exchange(of_queue, made);
        space_->touch(bucket) = made;
        space_->touch(space_->get<lane_page>(roots().lane_pages[number / 1024 % 64])->lanes[number % 1024]) = made;
        space_->touch(roots().lane_count) = number + 1;
        return made;
    }

    [[nodiscard]] ref line_of(ref lane, std::int8_t priority) noexcept
    {
        ref& first = get(lane).lines;
        for (ref at = first; at != 0; at = line(at).next)
            if (line(at).priority == priority) return at;
        const ref made = space_->allocate(sizeof(line_slot));
        auto& l = *space_->get<line_slot>(made);
        l = {};
        l.lane = lane;
        l.priority = priority;
        l.next = first;
        space_->touch(first) = made;
        return made;
    }

    // Changes the jobs of a line, and its place among the lines of its level.
    template <class Change>
    void change_line(ref at, Change&& change)
    {
        auto& l = *space_->get<line_slot>(at);
        const ref before = jobs_.first(l.jobs);
        change(l.jobs);
        const ref after = jobs_.first(l.jobs);
        if (before == after) return;
        const auto level = static_cast<std::size_t>(127 - l.priority);
        order_set& set = roots().levels[level];
        if (before != 0 && after != 0 && set.size == 1) return take_key(l, after);
        if (before != 0) lines_.take(set, at);
        if (after != 0) {
            take_key(l, after);
            lines_.put(set, at);
        }
        auto& word = roots().levels_used[level / 64];
        const auto bit = std::uint64_t{1} << level % 64;
        if (((word & bit) != 0) != (set.size != 0)) space_->touch(word) ^= bit;
    }

    // A line stands among others where its first job would.
    void take_key(line_slot& l, ref first) noexcept
    {
        space_->touch(l.node);
        const auto& node = space_->get<live_slot>(first)->node;
        l.node.time = node.time;
        l.node.sequence = node.sequence;
    }

    index_space* space_;
    job_order jobs_;
    line_order lines_;
    std::uint32_t last_ = 0;  // number of the lane that was found last
};

}  // namespace queuectl::inline v0::journal

#endif
