// revive, cancel, remove, purge, reprioritise, free_worker, restore and the state of the store.
#ifndef QUEUECTL_REDIS_CHANGES_HPP
#define QUEUECTL_REDIS_CHANGES_HPP

#include <queuectl/redis/verbs.hpp>

namespace queuectl::inline v0::detail::redis {

class changes_by_hand : public verbs {
public:
    [[nodiscard]] result<void> revive(std::span<const std::string> ids, std::span<change_status> statuses,
                                      const instant& now)
    {
        return change(script::revive, ids, statuses, now);
    }
    [[nodiscard]] result<void> cancel(std::span<const std::string> ids, std::span<change_status> statuses,
                                      const instant& now)
    {
        return change(script::cancel, ids, statuses, now);
    }
    [[nodiscard]] result<void> remove(std::span<const std::string> ids, std::span<change_status> statuses)
    {
        return change(script::remove, ids, statuses, {});
    }

    // In steps of at most a thousand jobs looked at, each atomic. With a queue, kind or tag in the filter, jobs that do
    // not match are looked at too: O(final jobs) then.
    [[nodiscard]] result<std::size_t> purge(const job_filter& filter, std::size_t limit)
    {
        limit = std::min(limit, limits::sweep);
        std::size_t removed = 0;
        for (const auto state : {state::completed, state::cancelled, state::dead}) {
            if (filter.state && *filter.state != state) continue;
            for (std::size_t passed = 0; removed < limit;) {
                auto step = purge_step(filter, state, limit - removed, passed);
                if (!step) return fail(step.error());
                removed += step->removed;
                passed += step->kept;
                if (!step->more) break;
            }
        }
        return removed;
    }

    [[nodiscard]] result<change_status> reprioritise(std::string_view id, int priority, const instant& now)
    {
        if (priority < limits::priority_min || priority > limits::priority_max)
            return fail(errc::invalid_argument, "reprioritise", "a priority is -128 to 127");
        auto args = start_change(now);
        args.add(id).add(priority);
        auto told = store().call(script::reprioritise, std::move(args));
        if (!told) return fail(told.error());
        ears().touch_work();
        change_status status{};
        if (auto read = read_statuses("reprioritise", told->text, std::span{&status, 1}, 1); !read)
            return fail(read.error());
        return status;
    }

    [[nodiscard]] result<std::size_t> free_worker(std::string_view worker, std::string_view cause, const instant& now)
    {
        auto args = start_change(now);
        args.add(worker).add(cause.substr(0, limits::error_bytes));
        auto told = store().call(script::free_worker, std::move(args));
        if (!told) return fail(told.error());
        ears().touch_work();
        return static_cast<std::size_t>(told->number());
    }

    // Durable as the server is.
    [[nodiscard]] result<void> restore(std::span<const stored_job> jobs, std::span<insert_status> statuses,
                                       const instant& now)
    {
        QUEUECTL_ASSERT(jobs.size() <= max_batch && statuses.size() >= jobs.size());
        if (jobs.empty()) return {};
        auto args = start_change(now);
        for (const auto& one : jobs) {
            if (one.record.state == state::processing)
                return fail(errc::invalid_argument, "restore", "job " + one.record.job.id + " is processing");
            add_stored(args, one);
        }
        auto told = store().call(script::restore, std::move(args));
        if (!told) return fail(told.error());
        ears().touch_work();
        return read_statuses("restore", told->text, statuses, jobs.size());
    }

    [[nodiscard]] result<void> set_state(store_state to, std::string_view moved_to = {})
    {
        auto args = start_change({});
        args.add(static_cast<int>(to)).add(moved_to);
        auto told = store().call(script::set_state, std::move(args));
        if (!told) return fail(told.error());
        ears().touch_control();
        ears().touch_work();
        return {};
    }

protected:
    using verbs::verbs;

    [[nodiscard]] arguments start_change(const instant& now) const
    {
        auto args = start(now);
        args.add(store().next_change());
        return args;
    }

private:
    struct purged {
        std::size_t removed = 0;
        std::size_t kept = 0;
        bool more = false;
    };

    result<void> change(script which, std::span<const std::string> ids, std::span<change_status> statuses,
                        const instant& now)
    {
        QUEUECTL_ASSERT(statuses.size() >= ids.size());
        for (std::size_t done = 0; done < ids.size(); done += max_batch) {
            const auto some = ids.subspan(done, std::min(max_batch, ids.size() - done));
            auto args = start_change(now);
            for (const auto& id : some) args.add(id);
            auto told = store().call(which, std::move(args));
            if (!told) return fail(told.error());
            if (auto read = read_statuses("change", told->text, statuses.subspan(done), some.size()); !read)
                return read;
        }
        ears().touch_work();
        if (which == script::cancel) ears().touch_control();
        return {};
    }

    result<purged> purge_step(const job_filter& filter, state of, std::size_t most, std::size_t passed)
    {
        auto args = start_change({});
        const auto before = filter.updated_before;
        args.add(static_cast<int>(of));
        args.add(before == timestamp_max ? "+inf" : '(' + std::to_string(before.time_since_epoch().count()));
        args.add(filter.queue).add(filter.kind).add(filter.tag).add(most).add(passed);
        auto told = store().call(script::purge, std::move(args));
        if (!told) return fail(told.error());
        purged out;
        char* at = told->text.data();
        out.removed = std::strtoull(at, &at, 10);
        out.kept = std::strtoull(at, &at, 10);
        out.more = std::strtoull(at, &at, 10) != 0;
        return out;
    }

    // As restore takes it.
    static void add_stored(arguments& args, const stored_job& one)
    {
        const auto& r = one.record;
        const std::string job = pack_job(r.job, r.created_at, false);
        std::string runs;
        std::string outputs;
        std::uint32_t place = 0;
        const auto keep = one.attempts.size() - std::min(one.attempts.size(), limits::attempts_kept);
        for (const auto& run : std::span{one.attempts}.subspan(keep)) {
            const auto bytes = run.output.head + run.output.tail;
            std::string body;
            packer{body}.number(++place, 4).int32(run.number).text(run.worker, 2);
            body += pack_report(run, !bytes.empty());
            packer{runs}.text(body, 4);
            if (!bytes.empty()) packer{outputs}.number(place, 4).text(bytes, 4);
        }
        args.add(r.job.id).add(job).add(state_of(r, static_cast<unsigned char>(job[1]), place)).add(runs).add(outputs);
    }
    // STATE without a sequence.
    [[nodiscard]] static std::string state_of(const job_record& r, unsigned char job_flags, std::uint32_t runs)
    {
        std::string out;
        packer p{out};
        const auto flags = job_flags | (r.cancel_requested ? unsigned{flag_cancel} : 0U);
        p.id({}).int32(r.exit_code).int32(r.signal).time({}).time({}).token(r.settled_token);
        p.byte(0).byte(static_cast<std::uint8_t>(flags)).int32(r.attempts).int32(r.crashes).number(runs, 4);
        p.time(r.updated_at).real(0).number(0, 4).time(r.locked_at).time(r.lease_until);
        p.text(pack_lane(r.job), 1).text({}, 2).text(r.error, 2).text(r.result, 4).text(r.progress, 4);
        p.byte(static_cast<std::uint8_t>(r.state)).number(0, 4);
        pack_run_at(p, r.job.run_at);
        p.number(0, 8);
        return out;
    }
};

}  // namespace queuectl::inline v0::detail::redis

#endif
