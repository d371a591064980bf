// Runs operations on the reference model and on a storage alike, and compares every answer.
#ifndef QUEUECTL_TESTING_RANDOM_RUN_HPP
#define QUEUECTL_TESTING_RANDOM_RUN_HPP

#include <queuectl/testing/conformance/fixture.hpp>
#include <queuectl/testing/model.hpp>
#include <queuectl/testing/random/describe.hpp>
#include <queuectl/testing/random/operation.hpp>

#include <string>
#include <utility>
#include <vector>

namespace queuectl::inline v0 {

// One run on a fresh store. What was done and the first difference are kept as text.
template <conformance::backend B>
class random_run {
public:
    // Whether every answer, and the whole store after each operation, was the model's.
    [[nodiscard]] bool run(const std::vector<operation>& all)
    {
        for (const auto& o : all) {
            ++applied_;
            apply(o);
            if (difference_.empty()) compare_stores();
            if (!difference_.empty() || !errors_.good()) return false;
        }
        return true;
    }
    // How many operations were run: all, or those up to the first difference.
    [[nodiscard]] std::size_t applied() const noexcept { return applied_; }
    // What was done, one line an operation, and what differed.
    [[nodiscard]] std::string story() const
    {
        std::string text;
        for (const auto& line : log_) text += "  " + line + '\n';
        for (const auto& e : errors_.failures()) text += "  " + e.text + '\n';
        return text + difference_;
    }

private:
    using storage_type = typename B::storage_type;
    static constexpr bool inspectable = inspectable_storage<storage_type>;

    void apply(const operation& o)
    {
        switch (o.kind) {
            case op::insert: return insert(o);
            case op::claim: return claim(o);
            case op::repeat_claim: return repeat_claim();
            case op::extend: return extend(o);
            case op::settle: return settle(o);
            case op::repeat_settle: return repeat_settle(o);
            case op::forged_settle: return forged_settle(o);
            case op::step: return step(o);
            case op::wall_jump: return wall_jump(o);
            case op::reboot: return reboot(o);
            case op::reopen: return reopen();
            default:
                if constexpr (inspectable) change(o);
        }
    }

    // The four verbs.
    void insert(const operation& o)
    {
        std::vector<job> jobs;
        for (std::size_t i = 0; i <= o.pick(0, 3); ++i) {
            seeded_random random{o.bits[1] + i};
            job j = f_.make("j" + std::to_string(random.below(14)));
            if (inserted_.size() > 3 && random.one_in(8))
                j = inserted_[random.below(inserted_.size())];
            else
                describe_job(j, random);
            const auto same = [&](const job& other) { return other.id == j.id && other.nonce == j.nonce; };
            if (std::any_of(jobs.begin(), jobs.end(), same)) continue;
            jobs.push_back(j);
            inserted_.push_back(std::move(j));
        }
        std::string what = "insert";
        for (const auto& j : jobs)
            what += ' ' + j.id + "(queue " + j.queue + " kind " + j.kind + " priority " + std::to_string(j.priority) +
                    " due " + std::to_string((j.run_at - f_.now.wall).count()) + " hold " + std::to_string(j.hold) +
                    " retention " + std::to_string(j.retention.count()) + ')';
        log(what);
        std::vector<insert_status> told(jobs.size());
        f_.good(model_.insert(jobs, told, f_.now), "insert");
        compare(told, f_.insert(jobs));
    }
    void describe_job(job& j, seeded_random& random)
    {
        j.queue = "q" + std::to_string(random.below(3));
        j.kind = random.one_in(2) ? "a" : "b";
        j.priority = static_cast<std::int8_t>(static_cast<int>(random.below(3)) - 1);
        j.run_at = f_.in(std::chrono::seconds{static_cast<int>(random.below(8)) - 4});
        j.retention = random.one_in(6) ? duration{0} : duration{1'000'000};
        j.hold = random.one_in(10) ? hold_dependency : hold_none;
        j.payload = "payload " + std::to_string(random.below(1000));
    }

    void claim(const operation& o)
    {
        request_ = f_.request(1 + o.pick(0, 4));
        request_.lease = o.pick(1, 2) == 0 ? duration{10'000'500} : duration{70'000'500};
        request_.worker = o.pick(2, 2) == 0 ? "w0" : "w1";
        queues_.clear();
        kinds_.clear();
        for (std::size_t q = 0; q < 3; ++q)
            if (((o.bits[3] >> q) & 1U) != 0) queues_.push_back("q" + std::to_string(q));
        if ((o.bits[3] & 56U) == 56U) kinds_ = {"a"};
        log("claim max " + std::to_string(request_.max) + " queues " + conformance::show(queues_) + " kinds " +
            conformance::show(kinds_) + " lease " + conformance::show(request_.lease) + " worker " +
            std::string{request_.worker});
        claim_both(false);
    }
    // The model decides whether there is something to repeat: leases of the nonce that are current.
    void repeat_claim()
    {
        if (leases_.empty()) return;
        const std::vector<std::string> nowhere{"nowhere"};
        auto reaping = f_.request();
        reaping.queues = nowhere;
        f_.good(model_.claim(reaping, scratch_, f_.now), "claim");
        f_.claim(reaping);
        log("claim from nowhere, so that expired leases are reaped");
        bool any = false;
        for (const auto& l : leases_) any = any || (l.token.nonce == request_.nonce && is_current(l));
        if (!any) return;
        log("claim repeated");
        claim_both(true);
    }
    void claim_both(bool repeat)
    {
        request_.queues = queues_;
        request_.kinds = kinds_;
        request_.repeat = repeat;
        std::vector<lease> told;
        auto info = model_.claim(request_, told, f_.now);
        claim_info answer;
        const auto leases = f_.claim(request_, &answer);
        compare(describe(told), describe(leases));
        if (!repeat) {
            compare(info->next_at, answer.next_at);
            compare(info->reaped, answer.reaped);
            leases_.insert(leases_.end(), told.begin(), told.end());
        }
    }
    [[nodiscard]] bool is_current(const lease& l)
    {
        auto r = model_.find(l.job.id);
        return r && r->has_value() && (*r)->state == state::processing && (*r)->token == l.token;
    }

    // Mostly a lease that is current, else any of the last few.
    [[nodiscard]] const lease& some_lease(const operation& o)
    {
        const std::size_t recent = std::min<std::size_t>(leases_.size(), 8);
        const std::size_t first = o.pick(0, recent);
        for (std::size_t i = 0; i < recent && o.bits[0] % 64 < 48; ++i) {
            const lease& l = leases_[leases_.size() - 1 - (first + i) % recent];
            if (is_current(l)) return l;
        }
        return leases_[leases_.size() - 1 - first];
    }
    void extend(const operation& o)
    {
        if (leases_.empty()) return;
        const std::vector<receipt> receipts{some_lease(o).receipt()};
        const duration d{5'000'500 + 1'000'000 * static_cast<std::int64_t>(o.pick(1, 30))};
        log("extend " + receipts[0].id + ' ' + conformance::show(receipts[0].token) + " by " + conformance::show(d));
        std::vector<extend_status> told(1);
        f_.good(model_.extend(receipts, d, told, f_.now), "extend");
        compare(told[0], f_.extend(receipts[0], d));
    }
    void settle(const operation& o)
    {
        if (leases_.empty()) return;
        const lease& l = some_lease(o);
        auto kind = static_cast<verdict_kind>(o.pick(1, 5));
        if (kind == verdict_kind::retry && cancel_requested(l)) kind = verdict_kind::cancel;
        settlement s = kind == verdict_kind::release ? f_.released(l) : f_.ended(l, kind, "");
        if (kind == verdict_kind::complete)
            s.result = "result " + std::to_string(o.pick(2, 100));
        else if (s.report)
            s.report->error = "why " + std::to_string(o.pick(2, 100));
        if (s.report) s.report->exit_code = static_cast<std::int32_t>(o.pick(2, 3));
        s.verdict.retry_at = f_.in(std::chrono::seconds{static_cast<int>(o.pick(3, 20))});
        settle_both(s);
        settled_.push_back(std::move(s));
    }
    [[nodiscard]] bool cancel_requested(const lease& l)
    {
        auto r = model_.find(l.job.id);
        return r && r->has_value() && (*r)->cancel_requested;
    }
    void repeat_settle(const operation& o)
    {
        if (!settled_.empty())
            settle_both(settled_[settled_.size() - 1 - o.pick(0, std::min<std::size_t>(settled_.size(), 4))]);
    }
    void forged_settle(const operation& o)
    {
        if (leases_.empty()) return;
        lease l = some_lease(o);
        if (o.pick(1, 2) == 0)
            l.token.ordinal += 1000;
        else
            l.job.id = "j" + std::to_string(o.pick(2, 14)), l.token = leases_.front().token, l.token.ordinal += 1000;
        settle_both(f_.success(l));
    }
    void settle_both(const settlement& s)
    {
        const char* const verdicts[] = {"complete", "retry", "bury", "cancel", "release"};
        log("settle " + s.receipt.id + ' ' + conformance::show(s.receipt.token) + ' ' +
            verdicts[static_cast<std::size_t>(s.verdict.kind)] + " due " +
            std::to_string((s.verdict.retry_at - f_.now.wall).count()));
        std::vector<settle_status> told(1);
        const std::vector<settlement> one{s};
        f_.good(model_.settle(one, told, f_.now), "settle");
        compare(told[0], f_.settle(s));
    }

    // Time.
    void step(const operation& o)
    {
        static constexpr std::int64_t us[] = {1'000, 1'000'000, 1'000'000, 3'000'000, 15'000'000, 80'000'000};
        const duration d{us[o.pick(0, std::size(us))]};
        log("step " + conformance::show(d));
        f_.advance(d);
    }
    void wall_jump(const operation& o)
    {
        const std::chrono::seconds d{(o.pick(0, 2) == 0 ? -1 : 1) * static_cast<int>(1 + o.pick(1, 100))};
        log("the wall clock jumps by " + std::to_string(d.count()) + " s");
        f_.now.wall += d;
    }
    void reboot(const operation& o)
    {
        if (o.pick(0, 2) == 0) return;
        log("reboot");
        f_.now.boot = std::chrono::seconds{o.pick(1, 100)};
        ++f_.now.boot_id.low;
    }
    void reopen()
    {
        if constexpr (conformance::can_reopen<B>) {
            log("reopen");
            f_.reopen();
        }
    }

    // Changes by hand.
    void change(const operation& o)
    {
        std::vector<std::string> ids{"j" + std::to_string(o.pick(0, 14)), "j" + std::to_string(14 + o.pick(1, 2))};
        if (!leases_.empty() && o.pick(3, 2) == 0) ids[0] = some_lease(o).job.id;
        std::vector<change_status> told(2);
        std::vector<change_status> answer(2);
        log(std::string{name(o.kind)} + ' ' + conformance::show(ids) + " bits " + std::to_string(o.bits[2]));
        const auto both = [&](auto verb) {
            f_.good(verb(static_cast<model_inspect&>(model_), std::span<change_status>{told}), "change");
            f_.good(verb(f_.store(), std::span<change_status>{answer}), "change");
        };
        job_filter filter;
        if (o.pick(2, 2) == 0) filter.queue = "q" + std::to_string(o.pick(3, 3));
        const std::string worker = o.pick(2, 2) == 0 ? "w0" : "w1";
        const int priority = static_cast<int>(o.pick(2, 5)) - 2;
        const auto same = [&](auto verb) { compare(verb(model_), verb(f_.store())); };
        switch (o.kind) {
            case op::revive: both([&](auto& s, auto statuses) { return s.revive(ids, statuses, f_.now); }); break;
            case op::cancel: both([&](auto& s, auto statuses) { return s.cancel(ids, statuses, f_.now); }); break;
            case op::remove: both([&](auto& s, auto statuses) { return s.remove(ids, statuses); }); break;
            case op::purge: same([&](auto& s) { return s.purge(filter, limits::sweep).value_or(~0U); }); break;
            case op::reprioritise:
                same([&](auto& s) {
                    return s.reprioritise(ids[0], priority, f_.now).value_or(change_status::requested);
                });
                break;
            default: same([&](auto& s) { return s.free_worker(worker, "killed", f_.now).value_or(~0U); });
        }
        compare(told, answer);
    }

    void compare_stores()
    {
        if constexpr (inspectable) {
            const auto expected = describe_store(static_cast<model_inspect&>(model_));
            const auto actual = describe_store(f_.store());
            for (std::size_t i = 0; i < std::max(expected.size(), actual.size()); ++i)
                if (i >= expected.size() || i >= actual.size() || expected[i] != actual[i])
                    return differ(i < expected.size() ? expected[i] : "nothing",
                                  i < actual.size() ? actual[i] : "nothing");
        }
    }
    template <class T>
    void compare(const T& model, const T& storage)
    {
        if (!(model == storage)) differ(conformance::show(model), conformance::show(storage));
    }
    void differ(const std::string& model, const std::string& storage)
    {
        if (difference_.empty()) difference_ = "the model says " + model + "\nthe storage says " + storage;
    }
    void log(std::string line) { log_.push_back(std::move(line)); }

    conformance::sink errors_;
    conformance::fixture<B> f_{errors_};
    model_storage model_;
    std::vector<job> inserted_;
    std::vector<lease> leases_;
    std::vector<lease> scratch_;
    std::vector<settlement> settled_;
    claim_request request_;
    std::vector<std::string> queues_;
    std::vector<std::string> kinds_;
    std::vector<std::string> log_;
    std::string difference_;
    std::size_t applied_ = 0;
};

}  // namespace queuectl::inline v0

#endif
