// Leases by their end, and by their holder.
#ifndef QUEUECTL_DETAIL_MEMORY_LEASES_HPP
#define QUEUECTL_DETAIL_MEMORY_LEASES_HPP

#include <queuectl/detail/memory_line.hpp>
#include <queuectl/detail/memory_names.hpp>

#include <string_view>

namespace queuectl::inline v0::detail {

// The leases of one worker, by their end on the boot clock.
struct memory_worker : memory_line, memory_named {
    explicit memory_worker(memory_level* level) : memory_line{level} {}
};

// The leases measured on one boot's clock.
class memory_boot {
public:
    explicit memory_boot(uid boot) : id{boot} {}
    const uid id;

    [[nodiscard]] memory_worker& worker(std::string_view name)
    {
        if (last_ && memory_equal(last_->name, name)) return *last_;
        memory_worker* found = workers_.find(name);
        if (!found) {
            if (workers_.size() >= tidy_at_) tidy();
            level_.expect_line();
            found = &workers_.get(name, &level_);
        }
        return *(last_ = found);
    }
    [[nodiscard]] memory_worker* find(std::string_view name) { return workers_.find(name); }
    // The lease that ends first, or null.
    [[nodiscard]] memory_slot* first() const noexcept { return level_.empty() ? nullptr : level_.top()->head(); }

    void put(memory_slot& slot, memory_worker& holder, duration end) noexcept
    {
        if (holder.put(slot, end.count(), time_max_us)) level_.update(holder);
    }

private:
    // Forgets workers without leases, so that names that never come back do not pile up.
    void tidy()
    {
        memory_worker* next = nullptr;
        for (memory_worker* w = workers_.first_from({}); w; w = next) {
            next = workers_.first_after(w->name);
            if (!w->empty()) continue;
            workers_.erase(*w);
            level_.forget_line();
        }
        last_ = nullptr;
        tidy_at_ = 64 + 2 * workers_.size();
    }

    memory_names<memory_worker> workers_;
    memory_worker* last_ = nullptr;
    memory_level level_;
    std::size_t tidy_at_ = 64;
};

}  // namespace queuectl::inline v0::detail

#endif
