// The four verbs.
#ifndef QUEUECTL_REDIS_VERBS_HPP
#define QUEUECTL_REDIS_VERBS_HPP

#include <queuectl/redis/codec.hpp>
#include <queuectl/redis/listener.hpp>

#include <memory>

namespace queuectl::inline v0::detail::redis {

[[nodiscard]] inline failure_value damaged(const char* verb, std::string_view id)
{
    return fail(errc::corrupt, verb, "the stored bytes of job " + std::string{id} + " are damaged");
}

// A digit for each element, as scripts answer.
template <class Status>
[[nodiscard]] result<void> read_statuses(const char* verb, std::string_view digits, std::span<Status> out,
                                         std::size_t n)
{
    if (digits.size() != n) return fail(errc::corrupt, verb, "an answer of the wrong length");
    for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<Status>(digits[i] - '0');
    return {};
}

class verbs {
public:
    static constexpr std::size_t max_batch = 1000;

    [[nodiscard]] result<void> insert(std::span<const job> jobs, std::span<insert_status> statuses, const instant& now)
    {
        QUEUECTL_ASSERT(jobs.size() <= max_batch && statuses.size() >= jobs.size());
        if (jobs.empty()) return {};
        auto args = start(now);
        const bool by_server = store().options().clock == redis_clock::server;
        for (const auto& j : jobs) args.add(j.id).add(pack_job(j, now.wall, by_server));
        auto told = store().call(script::insert, std::move(args));
        if (!told) return fail(told.error());
        ears().touch_work();
        return read_statuses("insert", told->text, statuses, jobs.size());
    }

    [[nodiscard]] result<claim_info> claim(const claim_request& request, std::vector<lease>& leases, const instant& now)
    {
        return settle_and_claim({}, {}, request, leases, now);
    }

    [[nodiscard]] result<void> extend(std::span<const receipt> receipts, duration length,
                                      std::span<extend_status> statuses, const instant& now)
    {
        QUEUECTL_ASSERT(receipts.size() <= max_batch && statuses.size() >= receipts.size());
        if (receipts.empty()) return {};
        auto args = start(now);
        args.add(saturate(length).count());
        for (const auto& r : receipts) args.add(r.id).add(token_of(r.token));
        auto told = store().call(script::extend, std::move(args));
        if (!told) return fail(told.error());
        return read_statuses("extend", told->text, statuses, receipts.size());
    }

    [[nodiscard]] result<void> settle(std::span<const settlement> settlements, std::span<settle_status> statuses,
                                      const instant& now)
    {
        QUEUECTL_ASSERT(settlements.size() <= max_batch && statuses.size() >= settlements.size());
        if (settlements.empty()) return {};
        auto args = start(now);
        add_settlements(args, settlements);
        auto told = store().call(script::settle, std::move(args));
        if (!told) return fail(told.error());
        ears().touch_work();
        return read_statuses("settle", told->text, statuses, settlements.size());
    }

    [[nodiscard]] result<claim_info> settle_and_claim(std::span<const settlement> settlements,
                                                      std::span<settle_status> statuses, const claim_request& request,
                                                      std::vector<lease>& leases, const instant& now)
    {
        QUEUECTL_ASSERT(settlements.size() <= max_batch && statuses.size() >= settlements.size());
        auto args = start(now);
        add_settlements(args, settlements);
        const uid nonce = request.nonce ? request.nonce : session::new_id();
        add_request(args, request, nonce);
        auto told = store().call(script::claim, std::move(args));
        if (!told) return fail(told.error());
        if (auto read = read_statuses("settle", told->at(0), statuses, settlements.size()); !read)
            return fail(read.error());
        if (told->size() < 3) return fail(errc::corrupt, "claim", "an answer of the wrong length");
        claim_info info;
        info.next_at = timestamp{saturate(duration{told->elements[1].integer})};
        info.reaped = static_cast<std::size_t>(told->elements[2].integer);
        if (!settlements.empty() || info.reaped > 0) ears().touch_work();
        if (auto read = read_leases(*told, nonce, leases); !read) return fail(read.error());
        return info;
    }

protected:
    explicit verbs(std::unique_ptr<session> made)
        : session_{std::move(made)}, listener_{std::make_unique<listener>(*session_)}
    {
    }
    [[nodiscard]] session& store() const noexcept { return *session_; }
    [[nodiscard]] listener& ears() const noexcept { return *listener_; }

    [[nodiscard]] arguments start(const instant& now) const
    {
        arguments args;
        session_->add_instant(args, now);
        args.add(session_->handle());
        return args;
    }

private:
    [[nodiscard]] static std::string token_of(const lease_token& t)
    {
        std::string bytes;
        packer{bytes}.token(t);
        return bytes;
    }

    static void add_settlements(arguments& args, std::span<const settlement> settlements)
    {
        args.add(settlements.size());
        std::string fixed;
        for (const auto& s : settlements) {
            const bool plain = is_plain(s);
            fixed.clear();
            packer p{fixed};
            p.int32(s.report ? s.report->exit_code : -1).int32(s.report ? s.report->signal : 0);
            p.time(s.report ? s.report->started_at : timestamp{}).time(s.report ? s.report->ended_at : timestamp{});
            p.token(s.receipt.token);
            if (!plain || !s.result.empty()) {
                p.byte(static_cast<std::uint8_t>(s.verdict.kind)).byte(s.report ? 1 : 0).byte(plain ? 1 : 0);
                p.time(s.verdict.retry_at);
                add_rest(fixed, s, plain);
            }
            args.add(s.receipt.id).add(fixed);
        }
    }
    // The run succeeded and has nothing to say: it needs no record of its own.
    [[nodiscard]] static bool is_plain(const settlement& s)
    {
        const auto& run = s.report;
        return run && s.verdict.kind == verdict_kind::complete && run->status == run_status::succeeded &&
               run->error.empty() && run->output_bytes == 0 && run->output.head.empty() && run->output.tail.empty() &&
               run->output.dropped_bytes == 0;
    }
    static void add_rest(std::string& out, const settlement& s, bool plain)
    {
        const bool run = s.report && !plain;
        if (!run && s.error.empty() && s.result.empty()) return;
        packer p{out};
        std::string error = s.report ? s.report->error : s.error;
        if (error.size() > 65'535) error.resize(65'535);
        p.text(error, 4).text(s.result, 4);
        const auto size = run ? s.report->output.head.size() + s.report->output.tail.size() : 0;
        p.text(run ? pack_report(*s.report, size > 0) : std::string{}, 4).number(size, 4);
        if (run) (out += s.report->output.head) += s.report->output.tail;
    }

    static void add_request(arguments& args, const claim_request& request, const uid& claim)
    {
        args.add(std::min(request.max, max_batch)).add(saturate(request.lease).count());
        args.again = args.add_byte(request.repeat ? '1' : '0');
        std::string nonce;
        packer{nonce}.id(claim);
        args.add(request.worker).add(nonce).add(request.queues.size());
        for (const auto& q : request.queues) args.add(q);
        for (const auto& k : request.kinds) args.add(k);
    }

    static result<void> read_leases(const reply& told, const uid& nonce, std::vector<lease>& leases)
    {
        const auto before = leases.size();
        leases.reserve(before + told.size() / 2);
        for (std::size_t i = 3; i + 1 < told.size(); i += 2) {
            lease& l = leases.emplace_back();
            timestamp created_at;
            std::uint64_t sequence = 0;
            l.job.id = told.at(i);
            l.token = {nonce, static_cast<std::uint32_t>(i / 2 - 1)};
            auto bytes = told.at(i + 1);
            const bool good =
                unpack_job(bytes, l.job, created_at, sequence) && (bytes.empty() || unpack_claimed(bytes, l));
            if (good) continue;
            auto bad = damaged("claim", told.at(i));
            leases.resize(before);
            return bad;
        }
        return {};
    }

    std::unique_ptr<session> session_;
    std::unique_ptr<listener> listener_;
};

}  // namespace queuectl::inline v0::detail::redis

#endif
