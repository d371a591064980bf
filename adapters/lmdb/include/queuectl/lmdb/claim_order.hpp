// Which due jobs come next: a merge over the lanes of the table line.
#ifndef QUEUECTL_LMDB_CLAIM_ORDER_HPP
#define QUEUECTL_LMDB_CLAIM_ORDER_HPP

#include <queuectl/lmdb/rows.hpp>

#include <algorithm>
#include <limits>

namespace queuectl::inline v0::detail::lmdb {

// One seek finds each lane with its first entry, so a claim costs O(lanes in use + entries taken) seeks, whatever else
// is stored: finished and held jobs are not in line, and a lane of future jobs costs its one seek. Only lanes of the
// named queues, or kinds, are looked at.
class claim_order {
public:
    claim_order(transaction& tx, const claim_request& request, const instant& now)
        : tx_{tx}, request_{request}, now_{ticks(now.wall)}
    {
    }

    struct due_job {
        std::uint64_t sequence;
        bool is_fresh;
    };
    std::vector<due_job> jobs;          // in claim order
    timestamp next_at = timestamp_max;  // the earliest run_at left in the wanted lanes, unless `most` were found

    // Finds up to `most` due jobs and takes them out of line.
    [[nodiscard]] int take(std::size_t most)
    {
        int rc = 0;
        line_ = tx_.at(table::line, rc);
        if (rc == 0) rc = find_lanes();
        if (rc != 0) return rc;
        std::stable_sort(heads_.begin(), heads_.end(), [](const head& a, const head& b) {
            return lane_priority(a.entry.lane) > lane_priority(b.entry.lane);
        });
        for (auto first = heads_.begin(); first != heads_.end() && jobs.size() < most;) {
            const auto priority = lane_priority(first->entry.lane);
            const auto last = std::find_if(first, heads_.end(),
                                           [&](const head& h) { return lane_priority(h.entry.lane) != priority; });
            if (rc = merge(first, last, most); rc != 0) return rc;
            first = last;
        }
        for (const auto& h : heads_)
            if (!h.ended) next_at = std::min(next_at, time_of(h.entry.run_at));
        return 0;
    }

private:
    struct head {
        line_entry entry;  // its next jobs
        bool ended = false;
        [[nodiscard]] bool before(const head& other) const noexcept
        {
            if (entry.run_at != other.entry.run_at) return entry.run_at < other.entry.run_at;
            return entry.first < other.entry.first;
        }
    };
    using heads = std::vector<head>;

    // Takes due jobs of lanes of one priority, earliest first.
    int merge(heads::iterator first, heads::iterator last, std::size_t most)
    {
        while (jobs.size() < most) {
            auto best = last;
            auto second = last;
            for (auto h = first; h != last; ++h) {
                if (h->ended) continue;
                if (best == last || h->before(*best)) {
                    second = best;
                    best = h;
                } else if (second == last || h->before(*second)) {
                    second = h;
                }
            }
            if (best == last || best->entry.run_at > now_) break;
            std::size_t n = std::min<std::size_t>(best->entry.count, most - jobs.size());
            if (second != last && second->entry.run_at == best->entry.run_at)
                n = std::min<std::size_t>(n, second->entry.first - best->entry.first);
            if (const int rc = take_from(*best, static_cast<std::uint32_t>(n)); rc != 0) return rc;
        }
        return 0;
    }

    // Takes the first `n` of the lane's entry; the rest of it, or the lane's next entry, is its head then.
    int take_from(head& h, std::uint32_t n)
    {
        auto& e = h.entry;
        for (std::uint32_t i = 0; i < n; ++i) jobs.push_back({e.first + i, e.is_fresh});
        const auto key = e.key();
        int rc = line_->find(key.view());
        if (rc == 0) rc = line_->erase();
        if (rc != 0) return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
        if (n < e.count) {
            e.first += n;
            e.count -= n;
            return line_->put(e.key().view(), bytes_of(e.row()));
        }
        const auto lane = e.lane;
        rc = line_->next_after_erase();
        if (rc == 0 && !read_entry(*line_, e)) return MDB_CORRUPTED;
        h.ended = rc == MDB_NOTFOUND || e.lane != lane;
        return rc == MDB_NOTFOUND ? 0 : rc;
    }

    int find_lanes()
    {
        std::vector<std::uint32_t> kinds;
        if (const int rc = numbers(name_kind::kind, request_.kinds, kinds); rc != 0) return rc;
        if (request_.queues.empty()) return lanes_of_all(kinds);
        std::vector<std::uint32_t> queues;
        int rc = numbers(name_kind::queue, request_.queues, queues);
        for (std::size_t i = 0; rc == 0 && i < queues.size(); ++i) rc = lanes_of(queues[i], kinds);
        return rc;
    }

    // The numbers of names, each once; names that no job ever had are left out.
    int numbers(name_kind what, std::span<const std::string> names, std::vector<std::uint32_t>& out)
    {
        for (const auto& name : names) {
            std::uint32_t number = 0;
            const int rc = tx_.number_of(what, name, false, number);
            if (rc == 0 && std::find(out.begin(), out.end(), number) == out.end()) out.push_back(number);
            if (rc != 0 && rc != MDB_NOTFOUND) return rc;
        }
        return 0;
    }

    int lanes_of_all(const std::vector<std::uint32_t>& kinds)
    {
        if (request_.kinds.empty()) return lanes_from(0, std::numeric_limits<std::uint64_t>::max());
        std::uint64_t from = 0;
        for (;;) {
            bool found = false;
            const int rc = seek(from, std::numeric_limits<std::uint64_t>::max(), found);
            if (rc != 0 || !found) return rc;
            const auto queue = lane_queue(heads_.back().entry.lane);
            heads_.pop_back();
            if (const int failed = lanes_of(queue, kinds); failed != 0) return failed;
            from = first_lane(std::uint64_t{queue} + 1, 0);
        }
    }

    int lanes_of(std::uint64_t queue, const std::vector<std::uint32_t>& kinds)
    {
        if (request_.kinds.empty()) return lanes_from(first_lane(queue, 0), first_lane(queue + 1, 0));
        for (const std::uint64_t kind : kinds)
            if (const int rc = lanes_from(first_lane(queue, kind), first_lane(queue, kind + 1)); rc != 0) return rc;
        return 0;
    }

    [[nodiscard]] static std::uint64_t first_lane(std::uint64_t queue, std::uint64_t kind) noexcept
    {
        return lane_of(queue, 0, limits::priority_max) + (kind << 8);
    }

    // Adds the lanes in use within [from, end). Where a lane has one entry the next one is its neighbour.
    int lanes_from(std::uint64_t from, std::uint64_t end)
    {
        for (bool found = true; found;) {
            if (const int rc = seek(from, end, found); rc != 0) return rc;
            for (bool other = found; other;) {
                from = heads_.back().entry.lane + 1;
                const int rc = line_->next();
                line_entry e;
                if (rc != 0) return rc == MDB_NOTFOUND ? 0 : rc;
                if (!read_entry(*line_, e)) return MDB_CORRUPTED;
                if (e.lane >= end) return 0;
                other = e.lane >= from;
                if (other) heads_.push_back({e});
            }
        }
        return 0;
    }

    // Adds the first lane in use within [from, end), if any.
    int seek(std::uint64_t from, std::uint64_t end, bool& found)
    {
        const int rc = line_->seek(packed_key<24>{}.add(from).view());
        found = false;
        if (rc != 0) return rc == MDB_NOTFOUND ? 0 : rc;
        line_entry e;
        if (!read_entry(*line_, e)) return MDB_CORRUPTED;
        found = e.lane < end;
        if (found) heads_.push_back({e});
        return 0;
    }

    transaction& tx_;
    const claim_request& request_;
    std::int64_t now_;
    cursor* line_ = nullptr;
    heads heads_;
};

}  // namespace queuectl::inline v0::detail::lmdb

#endif
