// Whether two indices say the same of the same log.
#ifndef QUEUECTL_JOURNAL_STORE_COMPARE_HPP
#define QUEUECTL_JOURNAL_STORE_COMPARE_HPP

#include <queuectl/journal/store/core.hpp>
#include <queuectl/verify_report.hpp>

namespace queuectl::inline v0::journal {

// Looks at `shared` with care: it may be wrong. `own`: made from the log just now, up to the same place.
class index_compare {
public:
    index_compare(job_index& own, job_index& shared, verify_report& report)
        : own_{own}, shared_{shared}, report_{report}, limit_{shared.space().memory().bytes(index_range::blocks)}
    {
    }

    // What is known of the store as a whole. O(queues).
    void totals()
    {
        auto &a = own_.roots(), &b = shared_.roots();
        if (a.last_sequence != b.last_sequence) differs("the newest sequence");
        if (a.config_version != b.config_version) differs("the newest version of a setting");
        if (a.live_bytes != b.live_bytes) differs("the bytes that jobs take");
        if (a.store_state != b.store_state) differs("the state of the store");
        own_.all_lanes().for_each_queue([&](ref at) {
            const auto& queue = *own_.space().get<queue_slot>(at);
            const auto name = read_text(own_.space(), queue.name);
            const ref other = shared_.all_lanes().find_queue(name);
            const bool same = other != 0 && std::equal(std::begin(queue.counts), std::end(queue.counts),
                                                       std::begin(shared_.space().get<queue_slot>(other)->counts));
            if (!same) differs("the counts of queue " + std::string{name});
            return true;
        });
    }

    // Compares up to `most` jobs from `sequence` on; returns where to go on, 0 = at the end.
    [[nodiscard]] std::uint64_t jobs(std::uint64_t sequence, std::size_t most)
    {
        for (std::size_t i = 0; i < most; ++i) {
            std::uint64_t stopped = 0;
            const auto at = own_.pages().next(sequence, pages_at_once, &stopped);
            if (at == 0) return stopped;
            const ref job = own_.by_sequence(at);
            if (const char* what = compare(job, shared_.pages().get_checked(at)); what != nullptr)
                differs(std::string{what} + " job " + std::string{own_.id_of(job)});
            sequence = at + 1;
        }
        return sequence;
    }

private:
    static constexpr std::size_t pages_at_once = 100'000;

    void differs(const std::string& what)
    {
        report_.add(finding_kind::damage, "the index differs from the log in " + what);
    }
    [[nodiscard]] bool inside(ref at, std::size_t bytes) const noexcept
    {
        return at != 0 && std::uint64_t{at} * detail::block_unit + bytes <= limit_;
    }

    // Null when they are the same.
    [[nodiscard]] const char* compare(ref own, ref shared) const
    {
        if (shared == 0) return "missing";
        if (!inside(shared, sizeof(ended_slot))) return "the place of";
        const auto& b = shared_.head(shared);
        if (!inside(b.id, 2) || b.lane() >= shared_.roots().lane_count) return "the id or queue of";
        if (own_.id_of(own) != shared_.id_of(shared)) return "the id of";
        if (shared_.find(own_.id_of(own)) != shared) return "finding";
        if (own_.state_of(own) != b.state()) return "the state of";
        if (own_.queue_of(own) != shared_.queue_of(shared) || own_.kind_of(own) != shared_.kind_of(shared))
            return "the queue or kind of";
        if (!own_.is_live(own)) return own_.ended(own).last == shared_.ended(shared).last ? nullptr : "the record of";
        return inside(shared, sizeof(live_slot)) ? compare(own_.live(own), shared_.live(shared)) : "the place of";
    }
    [[nodiscard]] const char* compare(const live_slot& a, const live_slot& b) const
    {
        if (a.image != b.image || a.last != b.last || a.bytes != b.bytes) return "the record of";
        if (a.node.time != b.node.time || a.node.sequence != b.node.sequence) return "the due time of";
        if (a.attempts != b.attempts || a.crashes != b.crashes) return "the runs of";
        if (a.priority != b.priority || a.hold != b.hold || (a.line == 0) != (b.line == 0)) return "the line of";
        if (a.was_failed != b.was_failed || a.cancel_requested != b.cancel_requested || a.vanishes != b.vanishes)
            return "the flags of";
        if ((a.lease == 0) != (b.lease == 0)) return "the lease of";
        if (a.lease == 0) return nullptr;
        if (!inside(b.lease, sizeof(lease_slot))) return "the lease of";
        const auto &x = own_.all_leases().of(a), &y = shared_.all_leases().of(b);
        if (own_.all_leases().token_of(a) != shared_.all_leases().token_of(b) || x.node.time != y.node.time ||
            !inside(y.worker, sizeof(worker_slot)))
            return "the lease of";
        return own_.all_leases().holder(a) == shared_.all_leases().holder(b) ? nullptr : "the holder of";
    }

    job_index& own_;
    job_index& shared_;
    verify_report& report_;
    std::uint64_t limit_;
};

}  // namespace queuectl::inline v0::journal

#endif
