#include "job_past.hpp"

#include <queuectl/limits.hpp>

#include <algorithm>

namespace queuectl::command {
namespace {

// Nothing has run: no need to look for runs.
bool is_untouched(const job_record& r)
{
    return r.state == state::pending && r.attempts == 0 && r.crashes == 0 && !r.settled_token && r.error.empty();
}

// What the newest run of each number wrote: a store tells that one.
result<void> add_outputs(any_storage& store, stored_job& j)
{
    std::vector<std::int32_t> told;
    for (auto run = j.attempts.rbegin(); run != j.attempts.rend(); ++run) {
        if (run->output_bytes == 0 || std::find(told.begin(), told.end(), run->number) != told.end()) continue;
        told.push_back(run->number);
        auto out = store.output(j.record.job.id, run->number);
        if (!out && out.error().code != errc::not_found) return fail(out.error());
        if (out) run->output = std::move(*out);
    }
    return {};
}

}  // namespace

result<stored_job> past_of(any_storage& store, job_record record)
{
    stored_job j;
    j.record = std::move(record);
    if (is_untouched(j.record)) return j;
    auto told = store.attempts(j.record.job.id, j.attempts);
    if (!told && told.error().code != errc::not_found) return fail(told.error());
    if (auto added = add_outputs(store, j); !added) return fail(added.error());
    return j;
}

std::size_t bytes_of(const stored_job& j) noexcept
{
    const auto& job = j.record.job;
    std::size_t bytes = 500 + job.payload.size() + job.env.size() + job.cwd.size() + 40 * job.depends_on.size() +
                        j.record.result.size() + j.record.error.size() + j.record.progress.size();
    for (const auto& run : j.attempts)
        bytes += 200 + run.error.size() + run.output.head.size() + run.output.tail.size();
    return bytes;
}

result<bool> job_pages::next(std::vector<stored_job>& out)
{
    out.clear();
    std::vector<job_record> records;
    while (!ended_ && records.empty()) {
        auto cursor = store_.list({}, {after_, std::min(limit_, most_)}, records);
        if (!cursor) return fail(cursor.error());
        after_ = *cursor;
        ended_ = after_ == 0;
    }
    std::size_t bytes = 0;
    for (auto& record : records) {
        auto j = past_of(store_, std::move(record));
        if (!j) return fail(j.error());
        bytes += bytes_of(*j);
        out.push_back(std::move(*j));
    }
    if (!out.empty()) limit_ = std::clamp<std::size_t>(page_bytes / (bytes / out.size() + 1), 1, 2 * limit_);
    limit_ = std::min(limit_, limits::sweep);
    return !out.empty();
}

}  // namespace queuectl::command
