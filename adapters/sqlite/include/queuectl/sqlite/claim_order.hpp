// Which due jobs come next: a merge over the groups (queue, kind, priority) of the claim index.
#ifndef QUEUECTL_SQLITE_CLAIM_ORDER_HPP
#define QUEUECTL_SQLITE_CLAIM_ORDER_HPP

#include <queuectl/lease.hpp>
#include <queuectl/limits.hpp>
#include <queuectl/sqlite/transaction.hpp>

#include <algorithm>

namespace queuectl::inline v0::detail::sqlite {

// One seek finds each group and its first job, so a claim costs O(groups in use + jobs taken) seeks, whatever else is
// stored: finished and held jobs are not in the index, and a group of future jobs costs its one seek. A group is a
// (queue, kind, priority) with waiting jobs; a filter by kind seeks only groups of these kinds.
class claim_order {
public:
    claim_order(transaction& tx, const claim_request& request, const instant& now)
        : tx_{tx}, request_{request}, now_{now}
    {
    }

    std::vector<std::int64_t> sequences;  // in claim order
    timestamp next_at = timestamp_max;    // the earliest run_at that is left in the wanted groups

    // Finds up to `most` due jobs.
    [[nodiscard]] int find(std::size_t most)
    {
        if (const int rc = find_groups(); rc != SQLITE_OK) return rc;
        std::stable_sort(groups_.begin(), groups_.end(),
                         [](const group& a, const group& b) { return a.priority > b.priority; });
        for (auto first = groups_.begin(); first != groups_.end() && sequences.size() < most;) {
            auto last = first;
            while (last != groups_.end() && last->priority == first->priority) ++last;
            if (const int rc = merge(first, last, most); rc != SQLITE_OK) return rc;
            first = last;
        }
        for (const auto& g : groups_)
            if (!g.ended()) next_at = std::min(next_at, g.head().run_at);
        return SQLITE_OK;
    }

private:
    struct place {
        timestamp run_at{};
        std::int64_t sequence = 0;
        friend auto operator<=>(const place&, const place&) = default;
    };
    struct group {
        std::string queue;
        std::string kind;
        int priority = 0;
        std::vector<place> ahead{};  // the next of its line, from `at` on; none = the line is at its end
        std::size_t at = 0;
        std::size_t chunk = 1;  // how many the last read gave
        [[nodiscard]] bool ended() const { return at == ahead.size(); }
        [[nodiscard]] const place& head() const { return ahead[at]; }
    };
    using groups = std::vector<group>;

    // Takes due jobs of groups of one priority, earliest first.
    int merge(groups::iterator first, groups::iterator last, std::size_t most)
    {
        while (sequences.size() < most) {
            auto best = last;
            for (auto g = first; g != last; ++g)
                if (!g->ended() && (best == last || g->head() < best->head())) best = g;
            if (best == last || best->head().run_at > now_.wall) break;
            const place taken = best->ahead[best->at++];
            sequences.push_back(taken.sequence);
            if (best->ended())
                if (const int rc = refill(*best, taken, most - sequences.size()); rc != SQLITE_OK) return rc;
        }
        return SQLITE_OK;
    }

    // Reads on in a group's line: four times as many as last time, up to what is still wanted and one more.
    int refill(group& g, const place& after, std::size_t wanted)
    {
        g.ahead.clear();
        g.at = 0;
        g.chunk = std::min(g.chunk * 4, wanted + 1);
        auto rows = tx_.sql.get(sql::line);
        rows.bind(g.queue, g.kind, g.priority, after.run_at, after.sequence, static_cast<std::int64_t>(g.chunk));
        int rc = rows.step();
        for (; rc == SQLITE_ROW; rc = rows.step()) {
            g.ahead.push_back({rows.time(0), rows.integer(1)});
            if (g.ahead.back().run_at > now_.wall) return SQLITE_OK;
        }
        return rc == SQLITE_DONE ? SQLITE_OK : rc;
    }

    // Whether a name of a request is not a repetition within it.
    static bool first_of(std::span<const std::string> names, const std::string& name)
    {
        return &*std::find(names.begin(), names.end(), name) == &name;
    }

    int find_groups()
    {
        if (request_.queues.empty()) return all_queues();
        for (const auto& queue : request_.queues)
            if (const int rc = first_of(request_.queues, queue) ? kinds_of(queue) : SQLITE_OK; rc != SQLITE_OK)
                return rc;
        return SQLITE_OK;
    }

    int all_queues()
    {
        bool found = false;
        int rc = seek(found, sql::first_group, std::string_view{});
        while (rc == SQLITE_OK && found) {
            const std::string queue = groups_.back().queue;
            if (request_.kinds.empty()) {
                rc = rest_of_queue();
            } else {
                groups_.pop_back();
                rc = kinds_of(queue);
            }
            if (rc == SQLITE_OK) rc = seek(found, sql::next_queue, queue);
        }
        return rc;
    }

    int kinds_of(const std::string& queue)
    {
        bool found = false;
        if (request_.kinds.empty()) {
            const int rc = seek(found, sql::first_kind, queue, std::string_view{});
            return rc == SQLITE_OK && found ? rest_of_queue() : rc;
        }
        for (const auto& kind : request_.kinds) {
            if (!first_of(request_.kinds, kind)) continue;
            int rc = seek(found, sql::next_priority, queue, kind, limits::priority_max + 1);
            if (rc == SQLITE_OK && found) rc = rest_of_kind();
            if (rc != SQLITE_OK) return rc;
        }
        return SQLITE_OK;
    }

    // The last group found is the first of its queue: adds the others.
    int rest_of_queue()
    {
        bool found = true;
        int rc = SQLITE_OK;
        while (rc == SQLITE_OK && found) {
            rc = rest_of_kind();
            const std::string queue = groups_.back().queue;
            const std::string kind = groups_.back().kind;
            if (rc == SQLITE_OK) rc = seek(found, sql::next_kind, queue, kind);
        }
        return rc;
    }

    int rest_of_kind()
    {
        bool found = true;
        int rc = SQLITE_OK;
        while (rc == SQLITE_OK && found) {
            const std::string queue = groups_.back().queue;
            const std::string kind = groups_.back().kind;
            rc = seek(found, sql::next_priority, queue, kind, groups_.back().priority);
        }
        return rc;
    }

    // Adds the group that the statement gives, if any.
    template <class... Values>
    int seek(bool& found, const char* sql, const Values&... values)
    {
        auto row = tx_.sql.get(sql);
        const int rc = row.bind(values...).step();
        found = rc == SQLITE_ROW;
        if (found) {
            groups_.push_back({row.text(0), row.text(1), row.int32(2), {{row.time(3), row.integer(4)}}});
        }
        return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
    }

    transaction& tx_;
    const claim_request& request_;
    const instant& now_;
    groups groups_;
};

}  // namespace queuectl::inline v0::detail::sqlite

#endif
