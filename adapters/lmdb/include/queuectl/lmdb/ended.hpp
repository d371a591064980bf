// Final jobs by the time when they became so.
#ifndef QUEUECTL_LMDB_ENDED_HPP
#define QUEUECTL_LMDB_ENDED_HPP

#include <queuectl/lmdb/cursor.hpp>
#include <queuectl/lmdb/ranges.hpp>

#include <array>
#include <limits>
#include <optional>

namespace queuectl::inline v0::detail::lmdb {

// Where a final job is told of.
struct ended_place {
    std::int64_t filed_at;  // not after the updated_at of any of them
    std::uint64_t group;
};

// Jobs of one state with updated_at from filed_at to last_at.
struct ended_chunk {
    ended_place place{};
    std::int64_t last_at = 0;
    sequence_ranges jobs;

    [[nodiscard]] bool takes(std::int64_t updated_at, std::uint64_t sequence) const noexcept
    {
        return jobs.count() < ended_most && (jobs.ranges() < ended_ranges_most || jobs.is_next(sequence)) &&
               updated_at >= last_at;
    }
    [[nodiscard]] bool read_newest(std::string_view value)
    {
        ended_row row{};
        if (!read_row(value, row)) return false;
        place = {row.filed_at, row.group};
        last_at = row.last_at;
        return jobs.read(value.substr(sizeof row), ended_most);
    }
    [[nodiscard]] std::string newest_value() const
    {
        std::string out{bytes_of(ended_row{place.filed_at, last_at, place.group})};
        jobs.append_to(out);
        return out;
    }
};

[[nodiscard]] inline packed_key<1> newest_key(queuectl::state s) noexcept
{
    return packed_key<1>{}.add(static_cast<std::uint8_t>(s));
}

// The tables `newest` and `ended` as a transaction changes them: the newest chunk of each state is there once, beside
// what each call changes; full ones are moved to `ended`. All give LMDB's codes; nobody else moves the first cursor.
class ended_jobs {
public:
    // A job became final.
    template <class NextGroup>
    [[nodiscard]] int enter(cursor& newest, queuectl::state s, std::int64_t updated_at, std::uint64_t sequence,
                            ended_place& place, NextGroup next_group)
    {
        if (const int rc = load(newest, s); rc != 0) return rc;
        auto& chunk = *newest_[static_cast<std::size_t>(s)];
        changed_[static_cast<std::size_t>(s)] = true;
        if (chunk.jobs.count() == 0 || !chunk.takes(updated_at, sequence)) {
            if (chunk.jobs.count() != 0) full_.push_back({s, chunk});
            chunk.place = {updated_at, next_group()};
            chunk.jobs.clear();
        }
        chunk.last_at = updated_at;
        chunk.jobs.add(sequence);
        place = chunk.place;
        return 0;
    }

    // It is final no more, or gone.
    [[nodiscard]] int leave(cursor& newest, cursor& ended, queuectl::state s, const ended_place& place,
                            std::uint64_t sequence)
    {
        if (const int rc = load(newest, s); rc != 0) return rc;
        auto& chunk = *newest_[static_cast<std::size_t>(s)];
        if (chunk.jobs.count() != 0 && chunk.place.group == place.group) {
            changed_[static_cast<std::size_t>(s)] = true;
            return chunk.jobs.erase(sequence) ? 0 : MDB_CORRUPTED;
        }
        for (auto& [state, full] : full_)
            if (full.place.group == place.group) return full.jobs.erase(sequence) ? 0 : MDB_CORRUPTED;
        const auto key = ended_key(s, place.filed_at, place.group);
        const int rc = ended.find(key.view());
        if (rc != 0) return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
        sequence_ranges jobs;
        if (!jobs.read(ended.value(), ended_most) || !jobs.erase(sequence)) return MDB_CORRUPTED;
        if (jobs.count() == 0) return ended.erase();
        value_.clear();
        jobs.append_to(value_);
        return ended.replace(key.view(), value_);
    }

    [[nodiscard]] bool has_full() const noexcept { return !full_.empty(); }
    [[nodiscard]] int write_full(cursor& ended)
    {
        int rc = 0;
        for (const auto& [s, chunk] : full_) {
            if (rc != 0 || chunk.jobs.count() == 0) continue;
            value_.clear();
            chunk.jobs.append_to(value_);
            rc = ended.put(ended_key(s, chunk.place.filed_at, chunk.place.group).view(), value_);
        }
        full_.clear();
        return rc;
    }
    [[nodiscard]] bool has_changed() const noexcept { return changed_ != decltype(changed_){}; }
    [[nodiscard]] int write_newest(cursor& newest)
    {
        int rc = 0;
        for (std::size_t i = 0; rc == 0 && i < state_count; ++i) {
            if (!std::exchange(changed_[i], false)) continue;
            const auto key = newest_key(static_cast<queuectl::state>(i));
            const bool is_there = std::exchange(at_, state_count) == i;
            if (newest_[i]->jobs.count() != 0)
                rc = is_there ? newest.replace(key.view(), newest_[i]->newest_value())
                              : newest.put(key.view(), newest_[i]->newest_value());
            else if (rc = newest.find(key.view()); rc == 0)
                rc = newest.erase();
            else if (rc == MDB_NOTFOUND)
                rc = 0;
        }
        return rc;
    }

private:
    struct full_chunk {
        queuectl::state state;
        ended_chunk chunk;
    };

    int load(cursor& newest, queuectl::state s)
    {
        auto& chunk = newest_[static_cast<std::size_t>(s)];
        if (chunk) return 0;
        const int rc = newest.find(newest_key(s).view());
        if (rc != 0 && rc != MDB_NOTFOUND) return rc;
        at_ = rc == 0 ? static_cast<std::size_t>(s) : state_count;
        chunk.emplace();
        return rc == MDB_NOTFOUND || chunk->read_newest(newest.value()) ? 0 : MDB_CORRUPTED;
    }

    std::array<std::optional<ended_chunk>, state_count> newest_;
    std::array<bool, state_count> changed_{};
    std::size_t at_ = state_count;  // the state on whose row the cursor of `newest` is, if any
    std::vector<full_chunk> full_;
    std::string value_;
};

// Calls visit(place, jobs) for the chunks of a state, by filed_at, until it gives anything but 0.
template <class Visit>
[[nodiscard]] int each_ended(cursor& newest, cursor& ended, queuectl::state s, Visit visit)
{
    ended_chunk last;
    int rc = newest.find(newest_key(s).view());
    bool told = rc == MDB_NOTFOUND;
    if (rc != 0 && !told) return rc;
    if (!told && !last.read_newest(newest.value())) return MDB_CORRUPTED;
    rc = ended.seek(ended_key(s, std::numeric_limits<std::int64_t>::min(), 0).view());
    sequence_ranges jobs;
    for (; rc == 0 && unpack<std::uint8_t>(ended.key(), 0) == static_cast<std::uint8_t>(s); rc = ended.next()) {
        const ended_place place{unpack<std::int64_t>(ended.key(), 1), unpack<std::uint64_t>(ended.key(), 9)};
        if (!jobs.read(ended.value(), ended_most)) return MDB_CORRUPTED;
        if (!told && last.place.filed_at < place.filed_at) {
            told = true;
            if (const int stop = visit(last.place, last.jobs); stop != 0) return stop;
        }
        if (const int stop = visit(place, jobs); stop != 0) return stop;
    }
    if (rc != 0 && rc != MDB_NOTFOUND) return rc;
    return told ? 0 : visit(last.place, last.jobs);
}

}  // namespace queuectl::inline v0::detail::lmdb

#endif
