// A storage of your own is four functions over whatever keeps your jobs: here a std::map. The conformance suite passes
// on it (tests/conformance/own_storage.cpp).
#ifndef OWN_STORAGE_HPP
#define OWN_STORAGE_HPP

#include <queuectl/limits.hpp>
#include <queuectl/storage.hpp>

#include <algorithm>
#include <map>
#include <tuple>

namespace example {

using namespace queuectl;

class own_storage {
    struct row : job_record {  // its state is the one before the claim while there is a token
        instant end{};         // of the lease
        bool expired(const instant& now) const { return token && (now.boot_id != end.boot_id || now.boot >= end.boot); }
        void hold(duration d, const instant& now) { end = {now.wall, add(now.boot, d), now.boot_id}; }
        void crash() { token = {}, ++crashes, error = "lease expired"; }
    };
    std::map<std::string, row> rows_;
    std::uint64_t inserted_ = 0;

    settle_status settle(const settlement& s)
    {
        const auto at = rows_.find(s.receipt.id);
        if (at == rows_.end()) return settle_status::gone;
        row& r = at->second;
        if (s.receipt.token && s.receipt.token == r.settled_token) return settle_status::applied;  // repeated
        if (!s.receipt.token || s.receipt.token != r.token) return settle_status::lease_lost;
        r.settled_token = std::exchange(r.token, {});
        r.state = state_after(s.verdict.kind, r.state, false);
        if (s.report) ++r.attempts;
        if (s.report || !s.error.empty()) r.error = s.report ? s.report->error : s.error;
        if (s.verdict.kind == verdict_kind::retry) r.job.run_at = s.verdict.retry_at;
        if (r.state == state::completed && r.job.retention == duration{0}) rows_.erase(at);
        return settle_status::applied;
    }

public:
    static constexpr bool single_thread = true;  // no lock in here

    result<void> insert(std::span<const job> jobs, std::span<insert_status> told, const instant&)
    {
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            row& r = rows_[jobs[i].id];
            if (r.sequence == 0) r.job = jobs[i], r.sequence = ++inserted_;
            told[i] = r.job.nonce == jobs[i].nonce ? insert_status::inserted : insert_status::duplicate;
        }
        return {};
    }

    result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        claim_info info;
        const auto among = [](auto& names, auto& name) { return names.empty() || std::ranges::count(names, name) > 0; };
        std::map<std::tuple<int, timestamp, std::uint64_t>, row*> waiting, mine;  // in the order of claims
        for (auto& [id, r] : rows_) {
            if (info.reaped < limits::reap && r.expired(now)) r.crash(), ++info.reaped;
            const bool wanted = among(request.queues, r.job.queue) && among(request.kinds, r.job.kind);
            const bool waits = !r.token && is_waiting(r.state) && r.job.hold == hold_none && wanted;
            if (waits || (request.repeat && r.token.nonce == request.nonce))
                (waits ? waiting : mine).emplace(std::tuple{-r.job.priority, r.job.run_at, r.sequence}, &r);
        }
        const std::size_t most = mine.empty() ? request.max : 0;
        for (const auto& [place, r] : waiting) {
            const bool taken = r->job.run_at <= now.wall && mine.size() < most;
            if (!taken) info.next_at = std::min(info.next_at, r->job.run_at);
            if (taken) r->token = {request.nonce, static_cast<std::uint32_t>(mine.size())}, r->hold(request.lease, now);
            if (taken) mine.emplace(place, r);
        }
        for (const auto& [place, r] : mine) leases.push_back({r->job, r->token, r->attempts, r->crashes, r->error});
        if (mine.size() == request.max) info.next_at = now.wall;
        return info;
    }

    result<void> extend(std::span<const receipt> held, duration d, std::span<extend_status> told, const instant& now)
    {
        for (std::size_t i = 0; i < held.size(); ++i) {
            const auto at = rows_.find(held[i].id);
            const bool current = at != rows_.end() && held[i].token && held[i].token == at->second.token;
            if (current) at->second.hold(d, now);
            told[i] = current ? extend_status::held : extend_status::lease_lost;
        }
        return {};
    }

    result<void> settle(std::span<const settlement> settlements, std::span<settle_status> told, const instant&)
    {
        std::transform(settlements.begin(), settlements.end(), told.begin(), [this](auto& s) { return settle(s); });
        return {};
    }
};

}  // namespace example

#endif
