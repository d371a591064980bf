// New jobs that are in the log before they are in the index.
#ifndef QUEUECTL_JOURNAL_STORE_AHEAD_HPP
#define QUEUECTL_JOURNAL_STORE_AHEAD_HPP

#include <algorithm>
#include <cstdint>
#include <vector>

namespace queuectl::inline v0::journal {

// Those of one frame, whose callers wait for its sync: the index hears of them from the frame, while that is synced, or
// before another call needs it.
class jobs_ahead {
public:
    static constexpr std::size_t most = 256;

    [[nodiscard]] std::size_t size() const noexcept { return hashes_.size(); }
    [[nodiscard]] bool any() const noexcept { return !hashes_.empty(); }
    [[nodiscard]] bool full() const noexcept { return hashes_.size() >= most; }
    // Whether one of them may have the id with this hash. O(size()).
    [[nodiscard]] bool may_have(std::uint32_t id_hash) const noexcept
    {
        return std::find(hashes_.begin(), hashes_.end(), id_hash) != hashes_.end();
    }
    void add(std::uint32_t id_hash) { hashes_.push_back(id_hash); }
    void clear() noexcept { hashes_.clear(); }

private:
    std::vector<std::uint32_t> hashes_;
};

}  // namespace queuectl::inline v0::journal

#endif
