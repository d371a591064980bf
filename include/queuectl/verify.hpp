// Checks a store through its facets: what it says of itself must agree.
#ifndef QUEUECTL_VERIFY_HPP
#define QUEUECTL_VERIFY_HPP

#include <queuectl/facets.hpp>
#include <queuectl/limits.hpp>
#include <queuectl/verify_report.hpp>

#include <algorithm>
#include <utility>

namespace queuectl::inline v0 {

namespace detail {

// What is wrong with a record by itself; empty = nothing.
[[nodiscard]] inline std::string_view record_fault(const job_record& r)
{
    const auto& j = r.job;
    const auto name_or_none = [](const std::string& s) { return s.empty() || limits::is_name(s, limits::name_bytes); };
    if (!limits::is_name(j.id, limits::id_bytes)) return "its id is no id";
    if (!limits::is_name(j.queue, limits::name_bytes)) return "its queue's name is no name";
    if (!name_or_none(j.kind) || !name_or_none(j.tag)) return "its kind or tag is no name";
    if (j.payload.size() > limits::payload_bytes) return "its payload is over the limit";
    if (j.key.size() > limits::key_bytes || j.unique_key.size() > limits::key_bytes) return "a key is over the limit";
    if (j.cwd.size() + j.env.size() > limits::environment_bytes) return "its environment is over the limit";
    if (j.depends_on.size() > limits::dependencies) return "it has too many dependencies";
    if (r.result.size() > limits::result_bytes) return "its result is over the limit";
    if (r.error.size() > limits::error_bytes) return "its error is over the limit";
    if (j.max_retries < 0 || j.max_retries > limits::retries_max) return "its max_retries are outside the limits";
    if (!(j.backoff_base >= 0 && j.backoff_base <= limits::backoff_base_max)) return "its backoff_base is outside";
    if (static_cast<std::size_t>(r.state) >= state_count) return "its state is none";
    if (r.attempts < 0 || r.crashes < 0) return "it has less than no attempts or crashes";
    if (r.attempts > std::int64_t{j.max_retries} + 1) return "it was tried more often than its max_retries allow";
    const bool runs = r.state == state::processing;
    if (runs && (!r.token || r.locked_by.empty())) return "it is processing, but has no lease token or no holder";
    if (!runs && (r.token || !r.locked_by.empty())) return "it is not processing, but has a lease token or a holder";
    if (r.state == state::completed && !r.error.empty()) return "it is completed, but has an error";
    return {};
}

// What is wrong with the kept runs of a job.
[[nodiscard]] inline std::string_view runs_fault(const job_record& r, const std::vector<attempt>& runs)
{
    const std::int64_t made = std::int64_t{r.attempts} + r.crashes;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        if (runs[i].number < 1) return "a run has no number";
        // A revived job counts from 1 again.
        if (i > 0 && runs[i].number <= runs[i - 1].number && runs[i].number != 1) return "its runs are out of order";
    }
    if (made == 0) return {};
    if (runs.empty() || runs.back().number != made) return "its newest run is not the one that its counters tell of";
    if (runs.size() < std::min<std::size_t>(limits::attempts_kept, static_cast<std::size_t>(made)))
        return "some of its runs are missing";
    return {};
}

[[nodiscard]] inline bool same_moment(const job_record& a, const job_record& b)
{
    return a.sequence == b.sequence && a.state == b.state && a.attempts == b.attempts && a.crashes == b.crashes &&
           a.updated_at == b.updated_at && a.token == b.token && a.settled_token == b.settled_token;
}

// FNV-1a, 64 bits.
[[nodiscard]] inline std::uint64_t text_hash(std::string_view text, std::uint64_t h = 0xcbf29ce484222325) noexcept
{
    for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3;
    return h;
}

// One check of one store. Bounded pages; 16 bytes of memory a job.
template <inspectable_storage S>
class facet_check {
public:
    facet_check(S& s, verify_report& report) : s_{s}, report_{report} {}

    // Only errors that keep the check from going on are told as such.
    [[nodiscard]] result<void> run()
    {
        if (auto done = compare_counts(); !done) return done;
        return look_for_twins();
    }

private:
    using queues = std::vector<queue_counts>;
    struct scan {
        queues counts;
        std::uint64_t digest = 0;  // of all that changes when a job moves
        bool whole = true;
    };
    static constexpr int looks_max = 4;

    // Jobs move while they are counted. What was counted must be what the store said just before or just after; else
    // it is counted again, and it is an error only when two scans saw the very same jobs and the store said the same
    // around both: then nothing has moved, and the difference is real.
    result<void> compare_counts()
    {
        scan last;
        queues last_said;
        for (int look = 0; look < looks_max; ++look) {
            auto before = counts();
            if (!before) return fail(before.error());
            auto seen = look_at_all(look == 0);
            if (!seen) return fail(seen.error());
            if (!seen->whole) return {};
            auto after = counts();
            if (!after) return fail(after.error());
            if (equal(seen->counts, *before) || equal(seen->counts, *after)) return {};
            const bool still =
                look > 0 && seen->digest == last.digest && equal(*before, *after) && equal(*before, last_said);
            if (still) {
                tell_differences(*after, seen->counts);
                return {};
            }
            last = std::move(*seen);
            last_said = std::move(*after);
        }
        report_.counts_moved = true;
        return {};
    }

    // The queues that hold jobs, by name.
    result<queues> counts()
    {
        queues all;
        if (auto done = s_.counts(all); !done) return fail(done.error());
        std::erase_if(all, [](const queue_counts& q) { return q.by_state == decltype(q.by_state){}; });
        std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.queue < b.queue; });
        return all;
    }
    static bool equal(const queues& a, const queues& b)
    {
        return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                          [](const auto& x, const auto& y) { return x.queue == y.queue && x.by_state == y.by_state; });
    }
    static void count(queues& all, const job_record& r)
    {
        auto at = std::lower_bound(all.begin(), all.end(), r.job.queue,
                                   [](const queue_counts& q, const std::string& name) { return q.queue < name; });
        if (at == all.end() || at->queue != r.job.queue) at = all.insert(at, queue_counts{r.job.queue, {}});
        if (static_cast<std::size_t>(r.state) < state_count) ++at->by_state[static_cast<std::size_t>(r.state)];
    }

    void tell_differences(const queues& said, const queues& seen)
    {
        for (const auto& q : said)
            for (std::size_t i = 0; i < state_count; ++i) {
                const auto at =
                    std::find_if(seen.begin(), seen.end(), [&](const auto& o) { return o.queue == q.queue; });
                const std::uint64_t there = at == seen.end() ? 0 : at->by_state[i];
                if (there != q.by_state[i])
                    report_.add(finding_kind::wrong, "queue " + q.queue + ": counted " + std::to_string(q.by_state[i]) +
                                                         " " + std::string{name(static_cast<state>(i))} +
                                                         " jobs, there are " + std::to_string(there));
            }
        for (const auto& q : seen)
            if (std::none_of(said.begin(), said.end(), [&](const auto& o) { return o.queue == q.queue; }))
                report_.add(finding_kind::wrong, "queue " + q.queue + ": has jobs, but is not counted");
    }

    result<scan> look_at_all(bool first)
    {
        scan seen;
        std::vector<job_record> records;
        std::uint64_t before = 0;
        for (page_request page{0, page_jobs};;) {
            records.clear();
            auto next = s_.list({}, page, records);
            if (!next && next.error().code != errc::corrupt) return fail(next.error());
            if (!next) {
                report_.add(finding_kind::damage, next.error().message());
                seen.whole = false;
                return seen;
            }
            for (auto& r : records) {
                count(seen.counts, r);
                digest(seen.digest, r);
                if (first && r.sequence <= before) wrong(r, "it is listed out of order");
                before = r.sequence;
                if (first)
                    if (auto done = look_at(r); !done) return fail(done.error());
            }
            if ((page.after = *next) == 0) return seen;
        }
    }
    static void digest(std::uint64_t& sum, const job_record& r)
    {
        std::uint64_t h = text_hash(r.job.id);
        for (const std::uint64_t n : {r.sequence, static_cast<std::uint64_t>(r.state), r.token.nonce.low,
                                      static_cast<std::uint64_t>(r.updated_at.time_since_epoch().count()),
                                      static_cast<std::uint64_t>(r.attempts), static_cast<std::uint64_t>(r.crashes)})
            h = (h ^ n) * 0x9e3779b97f4a7c15;
        sum += h;
    }

    void wrong(const job_record& r, std::string_view what)
    {
        report_.add(finding_kind::wrong, "job " + r.job.id + ": " + std::string{what});
    }

    result<void> look_at(job_record& r)
    {
        ++report_.jobs;
        ids_.emplace_back(text_hash(r.job.id), r.sequence);
        if (const auto fault = record_fault(r); !fault.empty()) wrong(r, fault);
        const bool ran = r.attempts != 0 || r.crashes != 0 || r.settled_token || !r.error.empty();
        return ran ? look_at_runs(r) : result<void>{};
    }

    // The job may have moved since it was listed: what is wrong must be wrong with what it is now.
    result<void> look_at_runs(const job_record& listed)
    {
        job_record r = listed;
        std::vector<attempt> runs;
        std::string fault;
        for (int look = 0; look < looks_max; ++look) {
            runs.clear();
            auto read = s_.attempts(r.job.id, runs);
            if (!read && read.error().code != errc::corrupt) return read;
            fault = read ? std::string{runs_fault(r, runs)} : "its runs cannot be read: " + read.error().message();
            if (fault.empty()) fault = output_fault(r, runs);
            if (fault.empty()) break;
            auto now = s_.find(r.job.id);
            if (!now) return fail(now.error());
            if (!*now) break;
            if (same_moment(r, **now)) {
                wrong(r, fault);
                break;
            }
            r = std::move(**now);
        }
        report_.runs += runs.size();
        return {};
    }
    std::string output_fault(const job_record& r, const std::vector<attempt>& runs)
    {
        for (std::size_t i = 0; i < runs.size(); ++i) {
            const auto number = runs[i].number;
            const bool hidden = std::any_of(runs.begin() + static_cast<std::ptrdiff_t>(i) + 1, runs.end(),
                                            [&](const attempt& later) { return later.number == number; });
            if (runs[i].output_bytes == 0 || hidden) continue;
            const std::string of = "the output of run " + std::to_string(number);
            auto out = s_.output(r.job.id, number);
            if (!out) return of + " cannot be read: " + out.error().message();
            if (out->head.size() + out->tail.size() + out->dropped_bytes != runs[i].output_bytes)
                return of + " has not the length that the run tells of";
        }
        return {};
    }

    // A job that is put at the end of its line has another sequence from then on, and may be listed under both. The
    // later one is looked at first: where that is there, the earlier one must be gone.
    result<void> look_for_twins()
    {
        std::sort(ids_.begin(), ids_.end());
        for (std::size_t i = 1; i < ids_.size(); ++i) {
            if (ids_[i].first != ids_[i - 1].first) continue;
            auto later = at(ids_[i].second);
            if (!later) return fail(later.error());
            auto earlier = at(ids_[i - 1].second);
            if (!earlier) return fail(earlier.error());
            if (*later && *earlier && (*later)->job.id == (*earlier)->job.id) wrong(**later, "it is there twice");
        }
        ids_.clear();
        return {};
    }
    result<std::optional<job_record>> at(std::uint64_t sequence)
    {
        std::vector<job_record> records;
        auto next = s_.list({}, {sequence - 1, 1}, records);
        if (!next) return fail(next.error());
        if (records.empty() || records[0].sequence != sequence) return std::optional<job_record>{};
        return std::optional<job_record>{std::move(records[0])};
    }

    static constexpr std::size_t page_jobs = 500;

    S& s_;
    verify_report& report_;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ids_;  // hashes and sequences
};

}  // namespace detail

// Recounts, and looks at every job, run and output; adds what is wrong to the report. The store may be in use.
template <inspectable_storage S>
[[nodiscard]] result<void> verify_facets(S& s, verify_report& report)
{
    return detail::facet_check<S>{s, report}.run();
}

}  // namespace queuectl::inline v0

#endif
