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
public:
    static constexpr bool single_thread = true;  // no lock in here

    result<void> insert(std::span<const job> jobs, std::span<insert_status> told, const instant&)
    {
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            const row& r = rows_.try_emplace(jobs[i].id, row{{jobs[i], {}, 0, 0, {}}, ++inserted_}).first->second;
            const bool ours = r.job.nonce == jobs[i].nonce;  // inserted now, or by this same call before
            told[i] = ours ? insert_status::inserted : insert_status::duplicate;
        }
        return {};
    }

    result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        claim_info info;
        std::map<std::uint32_t, row*> mine;                                 // in the order of their leases
        std::map<std::tuple<int, timestamp, std::uint64_t>, row*> waiting;  // in the order of claims
        for (auto& [id, r] : rows_) {
            const bool expired = r.token && (now.boot_id != r.boot_id || now.boot >= r.until);
            if (expired && info.reaped < limits::reap) r.crash(), ++info.reaped;
            if (request.repeat && r.token.nonce == request.nonce) mine.emplace(r.token.ordinal, &r);
            if (!r.token && !r.ended && r.job.hold == 0 && r.is_wanted(request))
                waiting.emplace(std::tuple{-r.job.priority, r.job.run_at, r.sequence}, &r);
        }
        const bool repeated = !mine.empty();
        for (const auto& [place, r] : waiting) {
            if (!repeated && r->job.run_at <= now.wall && mine.size() < request.max) {
                r->token = {request.nonce, static_cast<std::uint32_t>(mine.size())};
                r->keep(request.lease, now);
                mine.emplace(r->token.ordinal, r);
            } else {
                info.next_at = std::min(info.next_at, r->job.run_at);
            }
        }
        for (const auto& [n, r] : mine) leases.push_back(*r);
        if (mine.size() == request.max) info.next_at = now.wall;
        return info;
    }

    result<void> extend(std::span<const receipt> held, duration d, std::span<extend_status> told, const instant& now)
    {
        for (std::size_t i = 0; i < held.size(); ++i) {
            const auto at = rows_.find(held[i].id);
            const bool current = at != rows_.end() && held[i].token && held[i].token == at->second.token;
            if (current) at->second.keep(d, now);
            told[i] = current ? extend_status::held : extend_status::lease_lost;
        }
        return {};
    }

    result<void> settle(std::span<const settlement> settlements, std::span<settle_status> told, const instant&)
    {
        std::transform(settlements.begin(), settlements.end(), told.begin(), [this](auto& s) { return settle(s); });
        return {};
    }

private:
    struct row : lease {  // the lease that holds the job, or that the next one will be like
        std::uint64_t sequence;
        lease_token settled{};  // of the lease that was settled last
        duration until{};
        uid boot_id{};
        bool ended = false;

        bool is_wanted(const claim_request& q) const { return among(q.queues, job.queue) && among(q.kinds, job.kind); }
        void keep(duration d, const instant& now) { until = add(now.boot, d), boot_id = now.boot_id; }
        void crash() { token = {}, ++crashes, error = "lease expired"; }
        static bool among(std::span<const std::string> names, const std::string& name)
        {
            return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
        }
    };

    settle_status settle(const settlement& s)
    {
        const auto at = rows_.find(s.receipt.id);
        if (at == rows_.end()) return settle_status::gone;
        row& r = at->second;
        const auto [kind, retry_at] = s.verdict;
        if (s.receipt.token && s.receipt.token == r.settled) return settle_status::applied;  // by this same call before
        if (!s.receipt.token || s.receipt.token != r.token) return settle_status::lease_lost;
        r.settled = std::exchange(r.token, {});
        if (s.report) ++r.attempts;
        if (s.report || !s.error.empty()) r.error = s.report ? s.report->error : s.error;
        if (kind == verdict_kind::retry) r.job.run_at = retry_at;
        r.ended = kind != verdict_kind::retry && kind != verdict_kind::release;
        if (kind == verdict_kind::complete && r.job.retention == duration{0}) rows_.erase(at);
        return settle_status::applied;
    }

    std::map<std::string, row> rows_;
    std::uint64_t inserted_ = 0;
};

}  // namespace example

#endif
