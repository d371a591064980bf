// Sequences of jobs, neighbours together.
#ifndef QUEUECTL_LMDB_RANGES_HPP
#define QUEUECTL_LMDB_RANGES_HPP

#include <queuectl/lmdb/format.hpp>

#include <string>
#include <vector>

namespace queuectl::inline v0::detail::lmdb {

// In the order in which they were added. Stored as `first` and `count` of each range.
class sequence_ranges {
public:
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    [[nodiscard]] std::size_t ranges() const noexcept { return all_.size(); }

    [[nodiscard]] bool is_next(std::uint64_t sequence) const noexcept
    {
        return !all_.empty() && sequence == all_.back().first + all_.back().count;
    }
    void add(std::uint64_t sequence)
    {
        ++count_;
        if (is_next(sequence))
            ++all_.back().count;
        else
            all_.push_back({sequence, 1});
    }
    // False when it is not there.
    [[nodiscard]] bool erase(std::uint64_t sequence)
    {
        for (auto r = all_.begin(); r != all_.end(); ++r) {
            if (sequence < r->first || sequence - r->first >= r->count) continue;
            const range rest{sequence + 1, r->count - (sequence - r->first) - 1};
            r->count = sequence - r->first;
            if (rest.count != 0) r = all_.insert(r + 1, rest) - 1;
            if (r->count == 0) all_.erase(r);
            --count_;
            return true;
        }
        return false;
    }
    void clear() noexcept
    {
        all_.clear();
        count_ = 0;
    }

    void append_to(std::string& out) const
    {
        for (const auto& r : all_) out += bytes_of(r);
    }
    // Takes the place of what is here; false unless `bytes` are ranges of at most so many sequences.
    [[nodiscard]] bool read(std::string_view bytes, std::size_t most)
    {
        clear();
        for (range r{}; read_row(bytes, r); bytes.remove_prefix(sizeof r)) {
            if (r.count == 0 || r.count > most - count_) return false;
            all_.push_back(r);
            count_ += r.count;
        }
        return bytes.empty();
    }
    // Calls visit(sequence) until it gives anything but 0.
    template <class Visit>
    [[nodiscard]] int each(Visit visit) const
    {
        for (const auto& r : all_)
            for (std::uint64_t n = 0; n < r.count; ++n)
                if (const int told = visit(r.first + n); told != 0) return told;
        return 0;
    }

private:
    struct range {
        std::uint64_t first, count;
    };
    std::vector<range> all_;
    std::size_t count_ = 0;
};

}  // namespace queuectl::inline v0::detail::lmdb

#endif
