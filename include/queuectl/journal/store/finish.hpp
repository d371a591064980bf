// How a lease ends, on a journal.
#ifndef QUEUECTL_JOURNAL_STORE_FINISH_HPP
#define QUEUECTL_JOURNAL_STORE_FINISH_HPP

#include <queuectl/journal/store/core.hpp>

#include <algorithm>

namespace queuectl::inline v0::journal {

// After so many runs a job is written again, whole: what is known of it is never more records away.
inline constexpr std::int32_t ends_between_images = 16;

// What finish() may write for `r`, on a job whose image takes `bytes`.
[[nodiscard]] inline std::uint64_t finish_bytes_max(const end_record& r, std::uint64_t bytes)
{
    return bytes + 2 * end_bytes_max(r);
}

// Writes that a live job has become what `r` says, and tells the index. `r.previous` and `r.image_bytes` are filled in
// here. Requires: reserved, prepared.
template <class Core>
[[nodiscard]] result<void> finish(Core& core, ref job, end_record& r)
{
    auto& slot = core.index.live(job);
    const location at = core.here();
    const std::size_t begin = core.body.size();
    r.sequence = slot.node.sequence;
    r.previous = slot.last;
    const auto grown = slot.bytes + end_bytes_max(r);
    r.image_bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>(grown, ~std::uint32_t{0}));
    append_end(core.body, r);
    const ref now = core.index.end(job, r, at);
    if (r.run == nullptr || (r.attempts + r.crashes) % ends_between_images != 0) return {};
    auto image = core.load(now);
    if (!image) return fail(image.error());
    core.body.resize(begin);
    append_job(core.body, *image);
    core.index.set_image(now, at, static_cast<std::uint32_t>(core.body.size() - begin), r.image_bytes,
                         !image->record.error.empty());
    return {};
}

[[nodiscard]] inline timestamp wall(std::int64_t us) noexcept { return timestamp{duration{us}}; }

// The worker is gone: its run counts as a crash, and the job waits again. What to give to finish(); `run` belongs to
// it.
template <class Core>
[[nodiscard]] result<end_record> crash_record(Core& core, ref job, std::string_view cause, timestamp now, attempt& run)
{
    const auto& slot = core.index.live(job);
    const auto& l = core.index.all_leases().of(slot);
    auto token = core.settled_token(slot.last);
    if (!token) return fail(token.error());
    run = {};
    run.number = slot.attempts + slot.crashes + 1;
    run.status = run_status::crashed;
    run.started_at = wall(l.locked_at);
    run.ended_at = now;
    run.error = cause;
    run.worker = core.index.all_leases().holder(slot);
    end_record r{};
    r.state = slot.cancel_requested ? state::cancelled : state::pending;
    r.now = now;
    r.run_at = wall(slot.node.time);
    r.attempts = slot.attempts;
    r.crashes = slot.crashes + 1;
    r.token = *token;
    r.counts_crash = true;
    r.run = &run;
    r.set_error = true;
    r.error = cause;
    return r;
}

}  // namespace queuectl::inline v0::journal

#endif
