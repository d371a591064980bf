// Leases by their end, and by their holder.
#ifndef QUEUECTL_DETAIL_MEMORY_LEASES_HPP
#define QUEUECTL_DETAIL_MEMORY_LEASES_HPP

#include <queuectl/detail/memory_line.hpp>

#include <map>
#include <string_view>

namespace queuectl::inline v0::detail {

// The leases of one worker, by their end on the boot clock.
struct memory_worker : memory_line {
    using memory_line::memory_line;
    std::string_view name;
};

// The leases measured on one boot's clock.
class memory_boot {
public:
    explicit memory_boot(uid boot) : id{boot} {}
    const uid id;

    [[nodiscard]] memory_worker& worker(std::string_view name)
    {
        if (last_ && memory_equal(last_->name, name)) return *last_;
        auto found = workers_.find(name);
        if (found == workers_.end()) {
            if (workers_.size() >= tidy_at_) tidy();
            level_.expect_line();
            found = workers_.try_emplace(std::string{name}, &level_).first;
            found->second.name = found->first;
        }
        return *(last_ = &found->second);
    }
    [[nodiscard]] memory_worker* find(std::string_view name)
    {
        const auto found = workers_.find(name);
        return found == workers_.end() ? nullptr : &found->second;
    }
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
        for (auto w = workers_.begin(); w != workers_.end();) {
            if (!w->second.empty()) {
                ++w;
                continue;
            }
            w = workers_.erase(w);
            level_.forget_line();
        }
        last_ = nullptr;
        tidy_at_ = 64 + 2 * workers_.size();
    }

    std::map<std::string, memory_worker, std::less<>> workers_;
    memory_worker* last_ = nullptr;
    memory_level level_;
    std::size_t tidy_at_ = 64;
};

}  // namespace queuectl::inline v0::detail

#endif
