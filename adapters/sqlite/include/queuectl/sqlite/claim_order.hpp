// Which due jobs come next: a merge over the lanes of the table line.
#ifndef QUEUECTL_SQLITE_CLAIM_ORDER_HPP
#define QUEUECTL_SQLITE_CLAIM_ORDER_HPP

#include <queuectl/lease.hpp>
#include <queuectl/sqlite/transaction.hpp>

#include <algorithm>
#include <limits>

namespace queuectl::inline v0::detail::sqlite {

// One seek finds each lane with its first job, so a claim costs O(lanes in use + jobs taken) seeks, whatever else is
// stored: finished and held jobs are not in line, and a lane of future jobs costs its one seek. Only lanes of the named
// queues, or kinds, are looked at.
class claim_order {
public:
    claim_order(transaction& tx, const claim_request& request, const instant& now)
        : tx_{tx}, request_{request}, now_{now}, first_{tx.sql.get(sql::first_of_lane)}
    {
    }

    std::vector<std::int64_t> sequences;  // in claim order
    timestamp next_at = timestamp_max;    // the earliest run_at left in the wanted lanes, unless `most` were found

    // Finds up to `most` due jobs.
    [[nodiscard]] int find(std::size_t most)
    {
        if (const int rc = find_lanes(); rc != SQLITE_OK) return rc;
        std::stable_sort(lanes_.begin(), lanes_.end(), [](const lane& a, const lane& b) {
            return lane_priority(a.number) > lane_priority(b.number);
        });
        for (auto first = lanes_.begin(); first != lanes_.end() && sequences.size() < most;) {
            auto last = first;
            while (last != lanes_.end() && lane_priority(last->number) == lane_priority(first->number)) ++last;
            if (const int rc = merge(first, last, most); rc != SQLITE_OK) return rc;
            first = last;
        }
        for (const auto& l : lanes_)
            if (!l.ended()) next_at = std::min(next_at, l.head().run_at);
        return SQLITE_OK;
    }

    // Takes what was found out of line.
    [[nodiscard]] int leave()
    {
        for (const auto& l : lanes_) {
            const auto [run_at, sequence] = l.taken;
            if (sequence == 0) continue;
            int rc = SQLITE_OK;
            if (l.first < run_at) rc = tx_.sql.get(sql::leave_lane_before).bind(l.number, run_at).run();
            if (rc == SQLITE_OK) rc = tx_.sql.get(sql::leave_lane_at).bind(l.number, run_at, sequence).run();
            if (rc != SQLITE_OK) return rc;
        }
        return SQLITE_OK;
    }

private:
    struct place {
        timestamp run_at{};
        std::int64_t sequence = 0;
        friend auto operator<=>(const place&, const place&) = default;
    };
    struct lane {
        std::int64_t number;
        std::vector<place> ahead;  // its next jobs, from `at` on; none = it is at its end
        std::size_t at = 0;
        std::size_t chunk = 1;  // how many the last read gave
        timestamp first{};      // the run_at of its first job
        place taken{};          // the last that was taken
        [[nodiscard]] bool ended() const { return at == ahead.size(); }
        [[nodiscard]] const place& head() const { return ahead[at]; }
    };
    using lanes = std::vector<lane>;

    // Takes due jobs of lanes of one priority, earliest first.
    int merge(lanes::iterator first, lanes::iterator last, std::size_t most)
    {
        while (sequences.size() < most) {
            auto best = last;
            for (auto l = first; l != last; ++l)
                if (!l->ended() && (best == last || l->head() < best->head())) best = l;
            if (best == last || best->head().run_at > now_.wall) break;
            best->taken = best->ahead[best->at++];
            sequences.push_back(best->taken.sequence);
            if (best->ended() && sequences.size() < most)
                if (const int rc = refill(*best, most - sequences.size()); rc != SQLITE_OK) return rc;
        }
        return SQLITE_OK;
    }

    // Reads on in a lane: four times as many as last time, up to what is still wanted and one more.
    int refill(lane& l, std::size_t wanted)
    {
        l.ahead.clear();
        l.at = 0;
        l.chunk = std::min(l.chunk * 4, wanted + 1);
        auto rows = tx_.sql.get(sql::rest_of_lane);
        rows.bind(l.number, l.taken.run_at, l.taken.sequence, static_cast<std::int64_t>(l.chunk));
        int rc = rows.step();
        for (; rc == SQLITE_ROW; rc = rows.step()) {
            l.ahead.push_back({rows.time(0), rows.integer(1)});
            if (l.ahead.back().run_at > now_.wall) return SQLITE_OK;
        }
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
    }

    int find_lanes()
    {
        std::vector<std::int64_t> kinds;
        if (const int rc = numbers(sql::kind_number, request_.kinds, kinds); rc != SQLITE_OK) return rc;
        if (request_.queues.empty()) return lanes_of_all(kinds);
        std::vector<std::int64_t> queues;
        int rc = numbers(sql::queue_number, request_.queues, queues);
        for (std::size_t i = 0; rc == SQLITE_OK && i < queues.size(); ++i) rc = lanes_of(queues[i], kinds);
        return rc;
    }

    // The numbers of names, each once; names that no job ever had are left out.
    int numbers(const char* sql, std::span<const std::string> names, std::vector<std::int64_t>& out)
    {
        for (const auto& name : names) {
            auto row = tx_.sql.get(sql);
            const int rc = row.bind(name).step();
            if (rc == SQLITE_ROW && std::find(out.begin(), out.end(), row.integer(0)) == out.end())
                out.push_back(row.integer(0));
            if (rc != SQLITE_ROW && rc != SQLITE_DONE) return rc;
        }
        return SQLITE_OK;
    }

    int lanes_of_all(const std::vector<std::int64_t>& kinds)
    {
        if (request_.kinds.empty()) return lanes_from(0, std::numeric_limits<std::int64_t>::max());
        std::int64_t from = 0;
        for (;;) {
            bool found = false;
            if (const int rc = seek(from, std::numeric_limits<std::int64_t>::max(), found); rc != SQLITE_OK || !found)
                return rc;
            const auto queue = lane_queue(lanes_.back().number);
            lanes_.pop_back();
            if (const int rc = lanes_of(queue, kinds); rc != SQLITE_OK) return rc;
            from = first_lane(queue + 1, 0);
        }
    }

    int lanes_of(std::int64_t queue, const std::vector<std::int64_t>& kinds)
    {
        if (request_.kinds.empty()) return lanes_from(first_lane(queue, 0), first_lane(queue + 1, 0));
        for (const auto kind : kinds)
            if (const int rc = lanes_from(first_lane(queue, kind), first_lane(queue, kind + 1)); rc != SQLITE_OK)
                return rc;
        return SQLITE_OK;
    }

    [[nodiscard]] static std::int64_t first_lane(std::int64_t queue, std::int64_t kind)
    {
        return lane_of(queue, 0, limits::priority_max) + (kind << 8);
    }

    // Adds the lanes in use within [from, end).
    int lanes_from(std::int64_t from, std::int64_t end)
    {
        for (bool found = true; found;) {
            if (const int rc = seek(from, end, found); rc != SQLITE_OK) return rc;
            if (found) from = lanes_.back().number + 1;
        }
        return SQLITE_OK;
    }

    // Adds the first lane in use within [from, end), if any.
    int seek(std::int64_t from, std::int64_t end, bool& found)
    {
        const int rc = first_.bind(from).step();
        found = rc == SQLITE_ROW && first_.integer(0) < end;
        if (found) {
            const place head{first_.time(1), first_.integer(2)};
            lanes_.push_back({first_.integer(0), {head}, 0, 1, head.run_at, {}});
        }
        first_.reset();
        return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
    }

    transaction& tx_;
    const claim_request& request_;
    const instant& now_;
    statement first_;
    lanes lanes_;
};

}  // namespace queuectl::inline v0::detail::sqlite

#endif
