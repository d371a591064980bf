// A job as memory_storage keeps it: what every cycle touches in the slot, the rest in blocks made when needed.
#ifndef QUEUECTL_DETAIL_MEMORY_SLOT_HPP
#define QUEUECTL_DETAIL_MEMORY_SLOT_HPP

#include <queuectl/detail/memory_text.hpp>
#include <queuectl/job.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace queuectl::inline v0::detail {

class memory_line;
struct memory_lane;
struct memory_page;

// The fields of a job that most jobs leave empty.
struct memory_extra {
    std::string tag, key, unique_key, batch, cwd, env;
    std::vector<std::string> depends_on;
};

// What the runs of a job left behind.
struct memory_history {
    lease_token settled_token{};
    std::int32_t exit_code = -1;
    std::int32_t signal = 0;
    std::string error, result, progress;
    std::vector<attempt> attempts;  // oldest first, at most limits::attempts_kept
};

// Place in an order: by time, then insertion.
struct memory_key {
    std::int64_t time = 0;
    std::uint64_t sequence = 0;
    friend bool operator<(const memory_key& a, const memory_key& b) noexcept
    {
        return a.time != b.time ? a.time < b.time : a.sequence < b.sequence;
    }
};

inline constexpr std::uint32_t memory_nowhere = ~std::uint32_t{0};

// Slots never move; `index` names one for its life. A free slot keeps its strings' and blocks' memory for the next job.
struct memory_slot {
    memory_text id;
    memory_text payload;

    std::uint64_t sequence = 0;
    std::int64_t key_time =
        0;  // of its place in `line`: run_at waiting, end of lease (boot) processing, updated_at final
    memory_line* line = nullptr;  // the order it stands in; none when held
    memory_slot* previous = nullptr;
    memory_slot* next = nullptr;  // in `line`'s list; of a free slot, the next free one
    memory_lane* lane = nullptr;
    std::uint32_t heap_place = memory_nowhere;  // in `line`'s heap, when it is not in its list
    std::uint32_t hash = 0;
    std::uint32_t index = 0;
    queuectl::state state = state::pending;
    bool was_failed = false;  // the state that a release restores
    bool cancel_requested = false;
    bool has_extra = false;
    bool has_history = false;
    std::int8_t priority = 0;

    timestamp run_at{};
    duration timeout{};
    duration retention{};
    double backoff_base = 0;
    std::int32_t max_retries = 0;
    std::uint32_t hold = hold_none;
    std::int32_t attempts = 0;
    std::int32_t crashes = 0;
    uid nonce{};
    lease_token token{};
    std::uint32_t insert_call = 0;  // the last insert call that named it with its nonce
    timestamp created_at{};
    timestamp updated_at{};
    timestamp locked_at{};
    timestamp lease_until{};
    memory_page* page = nullptr;

    std::unique_ptr<memory_extra> extra;
    std::unique_ptr<memory_history> history;

    [[nodiscard]] memory_key key() const noexcept { return {key_time, sequence}; }
};

// Slots in blocks of 64, 64, 128, 256, …: addresses are stable, growth copies nothing, memory is given back at the end.
class memory_slab {
public:
    memory_slab() = default;
    memory_slab(const memory_slab&) = delete;
    memory_slab& operator=(const memory_slab&) = delete;
    ~memory_slab()
    {
        for (std::uint32_t i = 0; i < used_; ++i) (*this)[i].~memory_slot();
        for (std::size_t b = 0; b < block_count; ++b)
            if (blocks_[b]) std::allocator<memory_slot>{}.deallocate(blocks_[b], block_size(b));
    }

    [[nodiscard]] memory_slot& operator[](std::uint32_t index) const noexcept
    {
        const std::size_t b = block_of(index);
        return blocks_[b][b == 0 ? index : index - block_size(b)];
    }

    // A free slot, its strings of unspecified content.
    [[nodiscard]] QUEUECTL_MEMORY_INLINE memory_slot& take()
    {
        if (!free_) return new_slot();
        memory_slot& slot = *free_;
        free_ = slot.next;
        return slot;
    }

    QUEUECTL_MEMORY_INLINE void give_back(memory_slot& slot) noexcept
    {
        slot.payload.shrink(kept_bytes);
        if (slot.has_extra) slot.extra.reset();
        if (slot.has_history) forget(*slot.history);
        slot.has_extra = slot.has_history = false;
        slot.state = state::pending;
        slot.line = nullptr;
        slot.next = free_;
        free_ = &slot;
    }

private:
    static constexpr std::size_t block_count = 27;
    static constexpr std::size_t kept_bytes = 1024;
    [[nodiscard]] static constexpr std::size_t block_size(std::size_t b) noexcept
    {
        return std::size_t{64} << (b == 0 ? 0 : b - 1);
    }
    [[nodiscard]] static constexpr std::size_t block_of(std::uint32_t index) noexcept
    {
        return static_cast<std::size_t>(std::bit_width(index >> 6));
    }
    QUEUECTL_MEMORY_APART memory_slot& new_slot()
    {
        const std::size_t b = block_of(used_);
        if (!blocks_[b]) blocks_[b] = std::allocator<memory_slot>{}.allocate(block_size(b));
        auto* slot = ::new (static_cast<void*>(&(*this)[used_])) memory_slot;
        slot->index = used_++;
        return *slot;
    }
    QUEUECTL_MEMORY_APART static void forget(memory_history& history) noexcept
    {
        history.settled_token = {};
        history.exit_code = -1;
        history.signal = 0;
        history.attempts.clear();
        for (auto* text : {&history.error, &history.result, &history.progress}) {
            text->clear();
            if (text->capacity() > kept_bytes) std::string{}.swap(*text);
        }
    }

    memory_slot* blocks_[block_count] = {};
    std::uint32_t used_ = 0;
    memory_slot* free_ = nullptr;
};

}  // namespace queuectl::inline v0::detail

#endif
