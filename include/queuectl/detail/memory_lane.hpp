// Queues, kinds and priorities: which line a job waits in.
#ifndef QUEUECTL_DETAIL_MEMORY_LANE_HPP
#define QUEUECTL_DETAIL_MEMORY_LANE_HPP

#include <queuectl/detail/memory_line.hpp>
#include <queuectl/detail/memory_names.hpp>

#include <array>
#include <string_view>

namespace queuectl::inline v0::detail {

// One level a priority, and which of them hold a waiting job.
class memory_order {
public:
    [[nodiscard]] memory_level& level(std::int8_t priority) noexcept { return levels_[index(priority)]; }

    // To be called after the line's head may have changed.
    QUEUECTL_MEMORY_INLINE void update(memory_line& line) noexcept
    {
        const std::size_t i = index(line.priority());
        if (levels_[i].update(line)) return;
        const std::uint64_t bit = std::uint64_t{1} << (i % 64);
        if (levels_[i].empty())
            in_use_[i / 64] &= ~bit;
        else
            in_use_[i / 64] |= bit;
    }

    // Calls visit(level) for the levels in use, highest priority first, until it returns false.
    template <class Visit>
    void for_each_level(Visit visit)
    {
        for (std::size_t word = in_use_.size(); word-- > 0;)
            for (std::uint64_t bits = in_use_[word]; bits != 0;) {
                const auto top = static_cast<std::size_t>(std::bit_width(bits) - 1);
                bits &= ~(std::uint64_t{1} << top);
                if (!visit(levels_[word * 64 + top])) return;
            }
    }

private:
    [[nodiscard]] static std::size_t index(std::int8_t priority) noexcept
    {
        return static_cast<std::size_t>(priority + 128);
    }
    std::array<memory_level, 256> levels_;
    std::array<std::uint64_t, 4> in_use_{};
};

struct memory_queue;

// The jobs of one queue and kind, which is its name: a line for each priority in use, and one for each final state.
struct memory_lane : memory_named {
    explicit memory_lane(memory_queue* q) : queue{q} {}
    memory_queue* const queue;
    std::vector<std::unique_ptr<memory_line>> waiting;
    std::array<memory_line, state_count> final_lines;  // by (updated_at, insertion); those of final states are used
    memory_line* last = nullptr;                       // the line asked for last
    std::uint64_t claim_call = 0;                      // the last claim that looked at it

    [[nodiscard]] QUEUECTL_MEMORY_INLINE memory_line& line(std::int8_t priority, memory_order& order)
    {
        return last && last->priority() == priority ? *last : other_line(priority, order);
    }
    [[nodiscard]] memory_line& line(queuectl::state s) noexcept { return final_lines[static_cast<std::size_t>(s)]; }

private:
    QUEUECTL_MEMORY_APART memory_line& other_line(std::int8_t priority, memory_order& order)
    {
        for (const auto& known : waiting)
            if (known->priority() == priority) return *(last = known.get());
        waiting.reserve(waiting.size() + 1);
        auto made = std::make_unique<memory_line>(&order.level(priority), priority);
        order.level(priority).expect_line();
        waiting.push_back(std::move(made));
        return *(last = waiting.back().get());
    }
};

struct memory_queue : memory_named {
    std::array<std::uint64_t, state_count> counts{};
    memory_names<memory_lane> lanes;  // by kind
};

// All queues ever named. Lanes are kept: names are few.
class memory_lanes {
public:
    [[nodiscard]] QUEUECTL_MEMORY_INLINE memory_lane& at(std::string_view queue, std::string_view kind)
    {
        if (last_ && memory_equal(last_->queue->name, queue) && memory_equal(last_->name, kind)) return *last_;
        return other(queue, kind);
    }

    // Calls visit(lane) for the lanes of the named queues and kinds, all where none is named, until it returns false.
    // A name given twice is visited twice.
    template <class Names, class Visit>
    void for_each(const Names& queues, const Names& kinds, Visit visit)
    {
        const auto in_queue = [&](memory_queue& queue) {
            return each(queue.lanes, kinds, [&](memory_lane& lane) { return visit(lane); });
        };
        each(queues_, queues, in_queue);
    }
    template <class Visit>
    void for_each_queue(Visit visit) const
    {
        queues_.for_each([&](const memory_queue& queue) {
            visit(queue);
            return true;
        });
    }

    template <class Visit>
    void for_each_line(Visit visit) const
    {
        for_each_queue([&](const memory_queue& queue) {
            queue.lanes.for_each([&](const memory_lane& lane) {
                for (const auto& line : lane.waiting) visit(*line);
                return true;
            });
        });
    }

private:
    QUEUECTL_MEMORY_APART memory_lane& other(std::string_view queue, std::string_view kind)
    {
        memory_queue& q = queues_.get(queue);
        return *(last_ = &q.lanes.get(kind, &q));
    }

    template <class T, class Names, class Visit>
    static bool each(const memory_names<T>& all, const Names& names, Visit visit)
    {
        if (names.empty()) return all.for_each(visit);
        for (const auto& name : names)
            if (T* const found = all.find(name); found && !visit(*found)) return false;
        return true;
    }

    memory_names<memory_queue> queues_;
    memory_lane* last_ = nullptr;
};

}  // namespace queuectl::inline v0::detail

#endif
