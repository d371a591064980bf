// Records as text, so that two storages can be compared and the difference read. Only what the contract fixes.
#ifndef QUEUECTL_TESTING_RANDOM_DESCRIBE_HPP
#define QUEUECTL_TESTING_RANDOM_DESCRIBE_HPP

#include <queuectl/facets.hpp>
#include <queuectl/testing/conformance/sink.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace queuectl::inline v0 {

[[nodiscard]] inline std::string describe(const lease& l)
{
    using conformance::show;
    return l.job.id + " token " + show(l.token) + " run_at " + show(l.job.run_at) + " attempts " + show(l.attempts) +
           " crashes " + show(l.crashes) + " error " + show(l.error) + " payload " + show(l.job.payload);
}

[[nodiscard]] inline std::string describe(const job_record& r)
{
    using conformance::show;
    std::string text = r.job.id + ' ' + std::string{name(r.state)} + " queue " + r.job.queue + " priority " +
                       show(int{r.job.priority}) + " run_at " + show(r.job.run_at) + " hold " + show(r.job.hold) +
                       " attempts " + show(r.attempts) + " crashes " + show(r.crashes) + " exit " + show(r.exit_code) +
                       " signal " + show(r.signal) + " error " + show(r.error) + " created " + show(r.created_at);
    if (r.state == state::processing)
        text += " token " + show(r.token) + " by " + r.locked_by + " at " + show(r.locked_at) + " until " +
                show(r.lease_until) + " cancel " + show(r.cancel_requested);
    if (r.state == state::completed) text += " result " + show(r.result);
    if (is_final(r.state)) text += " updated " + show(r.updated_at);
    return text;
}

[[nodiscard]] inline std::string describe(const attempt& a)
{
    using conformance::show;
    return '#' + show(a.number) + " status " + show(a.status) + " exit " + show(a.exit_code) + " signal " +
           show(a.signal) + " from " + show(a.started_at) + " to " + show(a.ended_at) + " error " + show(a.error) +
           " worker " + a.worker + " bytes " + show(a.output_bytes);
}

[[nodiscard]] inline std::string describe(const queue_counts& c)
{
    std::string text = "queue " + c.queue;
    for (const auto n : c.by_state) text += ' ' + std::to_string(n);
    return text;
}

template <class T>
[[nodiscard]] std::vector<std::string> describe(const std::vector<T>& all)
{
    std::vector<std::string> lines;
    for (const auto& one : all) lines.push_back(describe(one));
    return lines;
}

// Everything that an inspectable storage tells of its jobs, a line each; an error is a line too.
template <class S>
[[nodiscard]] std::vector<std::string> describe_store(S& s)
{
    std::vector<std::string> lines;
    std::vector<job_record> records;
    page_request page;
    do {
        auto next = s.list({}, page, records);
        if (!next) lines.push_back("list: " + next.error().message());
        page.after = next.value_or(0);
    } while (page.after != 0);
    for (const auto& r : records) {
        lines.push_back(describe(r));
        std::vector<attempt> runs;
        if (auto told = s.attempts(r.job.id, runs); !told) lines.push_back("attempts: " + told.error().message());
        for (const auto& run : runs) lines.push_back("  " + describe(run));
    }
    std::vector<queue_counts> counts;
    if (auto told = s.counts(counts); !told) lines.push_back("counts: " + told.error().message());
    std::sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return a.queue < b.queue; });
    for (const auto& c : counts) lines.push_back(describe(c));
    return lines;
}

}  // namespace queuectl::inline v0

#endif
