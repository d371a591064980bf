// A storage of your own is four functions. This one keeps its jobs in a vector; the conformance suite passes on it
// (tests/conformance/own_storage.cpp).
#ifndef OWN_STORAGE_HPP
#define OWN_STORAGE_HPP

#include <queuectl/limits.hpp>
#include <queuectl/storage.hpp>

#include <algorithm>

class own_storage {
public:
    static constexpr bool single_thread = true;  // no lock in here

    queuectl::result<void> insert(std::span<const queuectl::job> jobs, std::span<queuectl::insert_status> told,
                                  const queuectl::instant&)
    {
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            const row* r = find(jobs[i].id);
            const bool same = r == nullptr || r->job.nonce == jobs[i].nonce;  // this insert, or it repeated
            told[i] = same ? queuectl::insert_status::inserted : queuectl::insert_status::duplicate;
            if (r == nullptr) rows_.push_back(row{jobs[i]});
        }
        return {};
    }

    queuectl::result<queuectl::claim_info> claim(const queuectl::claim_request& request,
                                                 std::vector<queuectl::lease>& leases, const queuectl::instant& now)
    {
        queuectl::claim_info info;
        std::vector<row*> mine, waiting;
        for (row& r : rows_) {
            const bool expired = r.token && (now.boot_id != r.boot_id || now.boot >= r.until);
            if (expired && info.reaped < queuectl::limits::reap) r.crash(), ++info.reaped;
            if (r.token && request.repeat && r.token.nonce == request.nonce) mine.push_back(&r);
            if (!r.token && !r.ended && r.job.hold == 0 && r.wanted(request)) waiting.push_back(&r);
        }
        if (mine.empty()) {
            std::stable_sort(waiting.begin(), waiting.end(), [](const row* a, const row* b) {
                return a->job.priority != b->job.priority ? a->job.priority > b->job.priority
                                                          : a->job.run_at < b->job.run_at;
            });
            for (row* r : waiting) {
                if (mine.size() == request.max || r->job.run_at > now.wall) continue;
                r->token = {request.nonce, static_cast<std::uint32_t>(mine.size())};
                r->hold_until(request.lease, now);
                mine.push_back(r);
            }
        }
        std::sort(mine.begin(), mine.end(), [](const row* a, const row* b) { return a->token < b->token; });
        for (const row* r : mine) leases.push_back({r->job, r->token, r->attempts, r->crashes, r->error});
        for (const row* r : waiting)
            if (!r->token) info.next_at = std::min(info.next_at, r->job.run_at);
        if (mine.size() == request.max) info.next_at = now.wall;
        return info;
    }

    queuectl::result<void> extend(std::span<const queuectl::receipt> receipts, queuectl::duration d,
                                  std::span<queuectl::extend_status> told, const queuectl::instant& now)
    {
        for (std::size_t i = 0; i < receipts.size(); ++i) {
            row* r = find(receipts[i].id);
            const bool current = r != nullptr && r->token && r->token == receipts[i].token;
            if (current) r->hold_until(d, now);
            told[i] = current ? queuectl::extend_status::held : queuectl::extend_status::lease_lost;
        }
        return {};
    }

    queuectl::result<void> settle(std::span<const queuectl::settlement> settlements,
                                  std::span<queuectl::settle_status> told, const queuectl::instant&)
    {
        for (std::size_t i = 0; i < settlements.size(); ++i) told[i] = settle_one(settlements[i]);
        return {};
    }

private:
    struct row {
        queuectl::job job;
        queuectl::lease_token token{}, settled{};  // the current lease, and the one that was settled last
        queuectl::duration until{};
        queuectl::uid boot_id{};
        std::int32_t attempts = 0, crashes = 0;
        std::string error{};
        bool ended = false;

        bool wanted(const queuectl::claim_request& q) const
        {
            const auto in = [](auto list, const std::string& name) {
                return list.empty() || std::find(list.begin(), list.end(), name) != list.end();
            };
            return in(q.queues, job.queue) && in(q.kinds, job.kind);
        }
        void hold_until(queuectl::duration d, const queuectl::instant& now)
        {
            until = queuectl::add(now.boot, d);
            boot_id = now.boot_id;
        }
        void crash()
        {
            token = {};
            ++crashes;
            error = "lease expired";
        }
    };

    row* find(const std::string& id)
    {
        for (row& r : rows_)
            if (r.job.id == id) return &r;
        return nullptr;
    }

    queuectl::settle_status settle_one(const queuectl::settlement& s)
    {
        using queuectl::verdict_kind;
        row* r = find(s.receipt.id);
        if (r == nullptr) return queuectl::settle_status::gone;
        if (!s.receipt.token) return queuectl::settle_status::lease_lost;
        if (s.receipt.token == r->settled) return queuectl::settle_status::applied;  // repeated
        if (s.receipt.token != r->token) return queuectl::settle_status::lease_lost;
        r->settled = std::exchange(r->token, {});
        if (s.report)
            ++r->attempts, r->error = s.report->error;
        else if (!s.error.empty())
            r->error = s.error;
        const auto kind = s.verdict.kind;
        if (kind == verdict_kind::retry) r->job.run_at = s.verdict.retry_at;
        r->ended = kind == verdict_kind::complete || kind == verdict_kind::bury || kind == verdict_kind::cancel;
        if (kind == verdict_kind::complete && r->job.retention == queuectl::duration{0})
            rows_.erase(rows_.begin() + (r - rows_.data()));
        return queuectl::settle_status::applied;
    }

    std::vector<row> rows_;
};

#endif
