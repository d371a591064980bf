// insert, on a journal.
#ifndef QUEUECTL_JOURNAL_STORE_INSERT_HPP
#define QUEUECTL_JOURNAL_STORE_INSERT_HPP

#include <queuectl/journal/store/core.hpp>

#include <algorithm>
#include <span>

namespace queuectl::inline v0::journal {

// What the index takes from a new job.
[[nodiscard]] inline job_head head_of(const job& j, std::uint64_t sequence, timestamp now) noexcept
{
    job_head h{};
    h.sequence = sequence;
    h.run_at = timestamp{saturate(j.run_at.time_since_epoch())};
    h.hold = j.hold;
    h.priority = j.priority;
    h.created_at = h.updated_at = now;
    h.id = j.id;
    h.queue = j.queue;
    h.kind = j.kind;
    return h;
}

// One call of insert. Its parts are called in their order, all under one turn.
template <class Core>
class insert_call {
public:
    insert_call(Core& core, std::span<const job> jobs, std::span<insert_status> statuses, timestamp now)
        : core_{core}, jobs_{jobs}, statuses_{statuses}, now_{now}
    {
    }

    template <class Turn>
    [[nodiscard]] result<void> run(Turn& turn)
    {
        std::uint64_t bytes = 0;
        for (const job& j : jobs_) bytes += job_bytes_max(j);
        if (auto done = reserve(); !done) return done;
        if (auto done = core_.prepare(turn, bytes, append_room::normal); !done) return done;
        if (core_.leads() && jobs_.size() == 1 && lead(jobs_[0])) return {};
        if (core_.ahead.any()) return core_.put_off();
        before_ = core_.index.roots().last_sequence;
        hashes_.resize(jobs_.size());
        for (std::size_t i = 0; i < jobs_.size(); ++i) core_.index.prefetch(hashes_[i] = core_.index.hash(jobs_[i].id));
        for (std::size_t i = 0; i < jobs_.size(); ++i) {
            if (i + early < jobs_.size()) core_.index.prefetch_member(hashes_[i + early]);
            auto status = insert_one(jobs_[i], hashes_[i]);
            if (!status) return fail(status.error());
            statuses_[i] = *status;
        }
        return {};
    }

private:
    // So many jobs before it is looked at, a job is loaded.
    static constexpr std::size_t early = 8;

    // Also for what is ahead, so that the index can be told of it one by one.
    [[nodiscard]] result<void> reserve()
    {
        const std::size_t ahead = core_.ahead.size();
        return core_.index.reserve(jobs_.size() + ahead, ahead + job_index::changes_of_an_addition);
    }
    // Only puts the job into the frame, if nothing can go wrong when the index is told of it.
    bool lead(const job& j)
    {
        const auto hash = core_.index.hash(j.id);
        if (core_.ahead.may_have(hash)) return false;
        if (core_.index.find(j.id, hash) != 0 || core_.index.all_lanes().find(j.queue, j.kind) == 0) return false;
        append_job(core_.body, j, core_.index.roots().last_sequence + 1 + core_.ahead.size(), now_);
        core_.ahead.add(hash);
        statuses_[0] = insert_status::inserted;
        return true;
    }

    result<insert_status> insert_one(const job& j, std::uint32_t hash)
    {
        const ref known = core_.index.find(j.id, hash);
        if (known != 0) return repeated(j, known);
        const location at = core_.here();
        const std::size_t begin = core_.body.size();
        const job_head head = head_of(j, core_.index.roots().last_sequence + 1, now_);
        append_job(core_.body, j, head.sequence, now_);
        const auto bytes = static_cast<std::uint32_t>(core_.body.size() - begin);
        if (core_.index.add(head, hash, at, bytes, j.retention <= duration::zero()) == 0)
            return fail(errc::store_full, "insert " + j.id, "there are too many queues and kinds");
        return insert_status::inserted;
    }

    result<insert_status> repeated(const job& j, ref known)
    {
        if (!Core::guards::repeat_inserts || !j.nonce || std::find(told_.begin(), told_.end(), known) != told_.end())
            return insert_status::duplicate;
        auto image = core_.for_each_end(core_.index.last_of(known), [](location, const end_view&) { return true; });
        if (!image) return fail(image.error());
        auto content = core_.read(*image, record_type::job);
        if (!content) return fail(content.error());
        auto head = read_head(*content);
        if (!head) return fail(head.error());
        if (head->nonce != j.nonce || head->sequence > before_) return insert_status::duplicate;
        told_.push_back(known);
        return insert_status::inserted;
    }

    Core& core_;
    std::span<const job> jobs_;
    std::span<insert_status> statuses_;
    timestamp now_;
    std::uint64_t before_ = 0;  // the last sequence before this call
    std::vector<std::uint32_t> hashes_;
    std::vector<ref> told_;  // jobs that were there, and were told to be inserted by this call
};

}  // namespace queuectl::inline v0::journal

#endif
