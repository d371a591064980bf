// What inspectable_storage asks of a journal.
#ifndef QUEUECTL_JOURNAL_STORE_INSPECT_HPP
#define QUEUECTL_JOURNAL_STORE_INSPECT_HPP

#include <queuectl/facets.hpp>
#include <queuectl/journal/store/finish.hpp>
#include <queuectl/journal/store/outputs.hpp>

#include <algorithm>

namespace queuectl::inline v0::journal {

// ── Looking ──

// Places in the order of sequences that one call looks at.
inline constexpr std::size_t pages_looked_at = 100'000;

template <class Core>
[[nodiscard]] result<std::uint64_t> list_jobs(Core& core, const job_filter& filter, const page_request& page,
                                              std::vector<job_record>& out)
{
    const std::size_t limit = std::min(page.limit, limits::sweep);
    const std::size_t first = out.size();
    std::uint64_t last = page.after;
    std::uint64_t stopped = 0;
    for (std::size_t seen = 0; seen < limits::sweep; ++seen) {
        const std::uint64_t sequence = core.index.pages().next(last + 1, pages_looked_at, &stopped);
        if (sequence == 0) return stopped == 0 ? 0 : stopped - 1;
        if (out.size() - first == limit) return last;
        last = sequence;
        const ref job = core.index.by_sequence(sequence);
        if (filter.state && core.index.state_of(job) != *filter.state) continue;
        if (!filter.queue.empty() && core.index.queue_of(job) != filter.queue) continue;
        if (!filter.kind.empty() && core.index.kind_of(job) != filter.kind) continue;
        auto image = core.load(job);
        if (!image) return fail(image.error());
        auto& record = image->record;
        if (!filter.tag.empty() && record.job.tag != filter.tag) continue;
        if (filter.updated_before != timestamp_max && record.updated_at >= filter.updated_before) continue;
        record.sequence = sequence;
        out.push_back(std::move(record));
    }
    return last;
}

// ── Changing ── each returns what it did to one job; the record is in core.body, the index has followed.

// The job as it was, but waiting, at the end of its line, under a new sequence. The image is in core.body at `offset`.
struct rewritten_job {
    ref job = 0;
    std::size_t offset = 0;
    std::uint64_t old_sequence = 0;
    std::uint32_t old_bytes = 0;
};

// What an ended job's records say it takes.
template <class Core>
[[nodiscard]] result<std::pair<std::uint64_t, std::uint32_t>> sequence_and_bytes(Core& core, ref job)
{
    using pair = std::pair<std::uint64_t, std::uint32_t>;
    if (core.index.is_live(job)) return pair{core.index.live(job).node.sequence, core.index.live(job).bytes};
    auto record = core.read(core.index.ended(job).last);
    if (!record) return fail(record.error());
    if (record->type == record_type::end) {
        auto end = read_end(record->content);
        if (!end) return fail(end.error());
        return pair{end->sequence, end->image_bytes};
    }
    auto head = read_head(record->content);
    if (!head) return fail(head.error());
    return pair{head->sequence, static_cast<std::uint32_t>(record->bytes)};
}

// Forgets jobs.
template <class Core>
class remove_call {
public:
    explicit remove_call(Core& core) : core_{core} {}

    [[nodiscard]] static std::uint64_t bytes_max(std::size_t jobs) noexcept { return 64 + 10 * jobs; }

    [[nodiscard]] result<void> remove(ref job)
    {
        if (auto done = collect_outputs(core_, core_.index.last_of(job), dead_files_); !done) return done;
        auto known = sequence_and_bytes(core_, job);
        if (!known) return fail(known.error());
        core_.index.erase(job, known->first, known->second);
        gone_.push_back(known->first);
        return {};
    }
    void write()
    {
        if (Core::guards::log_removals && !gone_.empty()) append_remove(core_.body, gone_);
    }
    [[nodiscard]] const std::vector<output_number>& dead_files() const noexcept { return dead_files_; }
    [[nodiscard]] std::size_t removed() const noexcept { return gone_.size(); }

private:
    Core& core_;
    std::vector<std::uint64_t> gone_;
    std::vector<output_number> dead_files_;
};

// The oldest ended jobs of each queue and kind first, up to `limit`. Jobs that do not match for their tag are looked
// at, all of them.
template <class Core>
[[nodiscard]] result<void> purge_jobs(Core& core, const job_filter& filter, std::size_t limit,
                                      remove_call<Core>& removing)
{
    result<void> outcome;
    auto& lanes = core.index.all_lanes();
    const auto clear = [&](ref lane, state s) -> result<void> {
        for (ref at = core.index.first_ended(lane, s); at != 0 && removing.removed() < limit;) {
            const ref next = core.index.ended(at).after;
            if (!filter.tag.empty() || filter.updated_before != timestamp_max) {
                auto image = core.load(at);
                if (!image) return fail(image.error());
                if (image->record.updated_at >= filter.updated_before) return {};
                if (!filter.tag.empty() && image->record.job.tag != filter.tag) {
                    at = next;
                    continue;
                }
            }
            if (auto done = removing.remove(at); !done) return done;
            at = next;
        }
        return {};
    };
    lanes.for_each_queue([&](ref queue) {
        if (!filter.queue.empty() &&
            read_text(core.index.space(), core.index.space().template get<queue_slot>(queue)->name) != filter.queue)
            return true;
        return lanes.for_each_lane(queue, [&](ref lane) {
            if (!filter.kind.empty() && lanes.kind_of(lane) != filter.kind) return true;
            for (const state s : {state::completed, state::dead, state::cancelled})
                if (outcome && (!filter.state || *filter.state == s)) outcome = clear(lane, s);
            return outcome && removing.removed() < limit;
        });
    });
    return outcome;
}

// Writes jobs again, whole and changed: revive and reprioritise.
template <class Core>
class rewrite_call {
public:
    explicit rewrite_call(Core& core) : core_{core} {}

    // Whether the job is among those that were added.
    [[nodiscard]] bool has(ref job) const noexcept { return std::binary_search(added_.begin(), added_.end(), job); }

    // `edit(image)` changes what is written; with `renumber`, the job comes to stand last. Requires: !has(job).
    template <class Edit>
    [[nodiscard]] result<void> add(ref job, bool renumber, Edit&& edit)
    {
        auto known = sequence_and_bytes(core_, job);
        if (!known) return fail(known.error());
        auto image = core_.load(job);
        if (!image) return fail(image.error());
        image->record.sequence = renumber ? ++newest() : known->first;
        edit(*image);
        jobs_.push_back({job, core_.body.size(), known->first, known->second});
        added_.insert(std::lower_bound(added_.begin(), added_.end(), job), job);
        append_job(core_.body, *image);
        return {};
    }
    [[nodiscard]] std::size_t size() const noexcept { return jobs_.size(); }

    // After core.prepare: the index follows.
    [[nodiscard]] result<void> apply()
    {
        for (std::size_t i = 0; i < jobs_.size(); ++i) {
            const auto& j = jobs_[i];
            auto record = read_record(std::string_view{core_.body}.substr(j.offset));
            if (!record) return fail(record.error());
            auto head = read_head(record->content);
            if (!head) return fail(head.error());
            const bool vanishes = head->retention <= duration::zero();
            core_.index.erase(j.job, j.old_sequence, j.old_bytes);
            core_.index.add(*head, core_.index.hash(head->id), core_.at(j.offset),
                            static_cast<std::uint32_t>(record->bytes), vanishes);
        }
        return {};
    }

private:
    std::uint64_t& newest()
    {
        if (newest_ == 0) newest_ = core_.index.roots().last_sequence;
        return newest_;
    }
    Core& core_;
    std::vector<rewritten_job> jobs_;
    std::vector<ref> added_;  // sorted
    std::uint64_t newest_ = 0;
};

}  // namespace queuectl::inline v0::journal

#endif
