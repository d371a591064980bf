// What of a disk a crash may leave: the images that are tried, and what recovery has made of each.
#ifndef QUEUECTL_TESTS_JOURNAL_STORE_CRASH_IMAGES_HPP
#define QUEUECTL_TESTS_JOURNAL_STORE_CRASH_IMAGES_HPP

#include "journal/store/store_digest.hpp"

#include <queuectl/testing/simulated_disk.hpp>

#include <vector>

namespace queuectl::journal_testing {

// What recovery has made of each disk image; by the image's hash. A state of 0: nothing is known yet.
class known_images {
public:
    struct entry {
        std::uint64_t image = 0;
        std::uint64_t state = 0;
    };
    [[nodiscard]] entry& of(std::uint64_t image)
    {
        if (3 * size_ >= 2 * table_.size()) grow();
        entry& e = place(image);
        if (e.image == 0) {
            e.image = image;
            ++size_;
        }
        return e;
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    entry& place(std::uint64_t image)
    {
        for (std::size_t at = image & (table_.size() - 1);; at = (at + 1) & (table_.size() - 1))
            if (table_[at].image == image || table_[at].image == 0) return table_[at];
    }
    void grow()
    {
        std::vector<entry> old(2 * table_.size());
        old.swap(table_);
        for (const auto& e : old)
            if (e.image != 0) place(e.image) = e;
    }
    std::vector<entry> table_ = std::vector<entry>(1 << 16);
    std::size_t size_ = 0;
};

[[nodiscard]] inline std::uint64_t image_hash(const simulated::disk_state& disk)
{
    digest d;
    for (const auto& [name, file] : disk.stored) d << name << file->stored;
    return d.value() | 1;
}

// Tears of each pending write at each of its bytes (of long ones, at some), and the plans of simulated::crash_plans.
[[nodiscard]] inline std::vector<simulated::crash_plan> store_plans(const simulated::disk_state& disk,
                                                                    std::uint64_t seed, std::size_t random)
{
    constexpr std::size_t tears_max = 400;
    auto plans = simulated::crash_plans(disk, seed, random);
    std::size_t index = 0;
    for (const auto& [name, file] : disk.cached)
        for (const auto& change : file->pending) {
            const auto step = change.bytes.size() / tears_max * 8 + 1;
            for (std::size_t bytes = 1; bytes < change.bytes.size(); bytes += step)
                plans.push_back({simulated::crash_plan::kind::torn_at, index, disk.pending.size(), false, bytes});
            ++index;
        }
    return plans;
}

}  // namespace queuectl::journal_testing

#endif
