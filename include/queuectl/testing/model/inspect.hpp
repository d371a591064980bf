// The reference model's inspectable facet.
#ifndef QUEUECTL_TESTING_MODEL_INSPECT_HPP
#define QUEUECTL_TESTING_MODEL_INSPECT_HPP

#include <queuectl/testing/model/verbs.hpp>

namespace queuectl::inline v0 {

class model_inspect : public model_verbs {
public:
    result<store_info> info() const
    {
        const std::scoped_lock lock{kept().mutex};
        return kept().info;
    }

    result<std::optional<job_record>> find(std::string_view id) const
    {
        const std::scoped_lock lock{kept().mutex};
        const auto* r = kept().find(id);
        return r == nullptr ? std::nullopt : std::optional{r->record};
    }

    virtual result<std::uint64_t> list(const job_filter& filter, const page_request& page, std::vector<job_record>& out)
    {
        const std::scoped_lock lock{kept().mutex};
        const std::size_t most = std::min(page.limit, limits::sweep);
        std::size_t told = 0;
        std::uint64_t last = 0;
        for (const auto& r : kept().rows) {
            if (r.record.sequence <= page.after || !model_matches(filter, r.record)) continue;
            if (told++ == most) return last;
            out.push_back(r.record);
            last = r.record.sequence;
        }
        return std::uint64_t{0};
    }

    result<void> attempts(std::string_view id, std::vector<attempt>& out) const
    {
        const std::scoped_lock lock{kept().mutex};
        if (const auto* r = kept().find(id))
            for (attempt run : r->runs) {
                run.output = {};
                out.push_back(std::move(run));
            }
        return {};
    }

    result<run_output> output(std::string_view id, std::int32_t number) const
    {
        const std::scoped_lock lock{kept().mutex};
        if (const auto* r = kept().find(id))
            for (auto run = r->runs.rbegin(); run != r->runs.rend(); ++run)
                if (run->number == number && run->output_bytes > 0) return run->output;
        return fail(errc::not_found, "output", "no output is kept");
    }

    virtual result<void> counts(std::vector<queue_counts>& out) const
    {
        const std::scoped_lock lock{kept().mutex};
        for (const auto& name : kept().queues) {
            queue_counts c;
            c.queue = name;
            for (const auto& r : kept().rows)
                if (r.record.job.queue == name) ++c.by_state[static_cast<std::size_t>(r.record.state)];
            out.push_back(std::move(c));
        }
        return {};
    }

    result<void> revive(std::span<const std::string> ids, std::span<change_status> statuses, const instant& now)
    {
        return change(ids, statuses, "revive", [&](model_row& r) { return revive_one(r, now); });
    }
    result<void> cancel(std::span<const std::string> ids, std::span<change_status> statuses, const instant& now)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = may_cancel(ids); !open) return open;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            auto* r = kept().find(ids[i]);
            statuses[i] = r == nullptr ? change_status::not_found : cancel_one(*r, now);
        }
        return {};
    }
    result<void> remove(std::span<const std::string> ids, std::span<change_status> statuses)
    {
        return change(ids, statuses, "remove", [&](model_row& r) { return remove_one(r); });
    }

    virtual result<std::size_t> purge(const job_filter& filter, std::size_t limit)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = writable("purge"); !open) return fail(open.error());
        std::vector<std::string> ids;
        for (const auto& r : kept().rows)
            if (ids.size() < std::min(limit, limits::sweep) && is_final(r.record.state) &&
                model_matches(filter, r.record))
                ids.push_back(r.record.job.id);
        for (const auto& id : ids) kept().erase(id);
        return ids.size();
    }

    result<change_status> reprioritise(std::string_view id, int priority, const instant& now)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = writable("reprioritise"); !open) return fail(open.error());
        auto* r = kept().find(id);
        if (r == nullptr) return change_status::not_found;
        if (!is_waiting(r->record.state)) return change_status::conflict;
        set_priority(*r, priority, now);
        return change_status::done;
    }

    virtual result<std::size_t> free_worker(std::string_view worker, std::string_view cause, const instant& now)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = ending("free_worker"); !open) return fail(open.error());
        std::size_t freed = 0;
        for (auto& r : kept().rows) {
            if (freed == limits::sweep) break;
            if (r.record.state != state::processing || r.record.locked_by != worker) continue;
            crash(r, cause, now);
            ++freed;
        }
        if (freed > 0) kept().tell_work();
        return freed;
    }

protected:
    using model_verbs::model_verbs;

    virtual change_status revive_one(model_row& r, const instant& now)
    {
        if (r.record.state == state::pending || r.record.state == state::processing) return change_status::conflict;
        revive_row(r, now);
        auto& rows = kept().rows;
        std::stable_sort(rows.begin(), rows.end(),
                         [](const model_row& a, const model_row& b) { return a.record.sequence < b.record.sequence; });
        kept().tell_work();
        return change_status::done;
    }

    virtual change_status cancel_one(model_row& r, const instant& now)
    {
        if (is_final(r.record.state)) return change_status::conflict;
        if (r.record.state == state::processing) {
            r.record.cancel_requested = true;
            kept().tell_control();
            return change_status::requested;
        }
        r.record.updated_at = now.wall;
        end(r, state::cancelled);
        return change_status::done;
    }

    // A moving store takes the cancellation of what runs.
    virtual result<void> may_cancel(std::span<const std::string> ids) const
    {
        for (const auto& id : ids)
            if (const auto* r = kept().find(id); r != nullptr && is_waiting(r->record.state)) return writable("cancel");
        return ending("cancel");
    }

    virtual change_status remove_one(model_row& r)
    {
        if (r.record.state == state::processing) return change_status::conflict;
        kept().erase(std::string{r.record.job.id});
        return change_status::done;
    }

    virtual void set_priority(model_row& r, int priority, const instant& now)
    {
        r.record.job.priority = static_cast<std::int8_t>(priority);
        r.record.updated_at = now.wall;
    }

private:
    template <class Change>
    result<void> change(std::span<const std::string> ids, std::span<change_status> statuses, const char* verb,
                        Change one)
    {
        const std::scoped_lock lock{kept().mutex};
        if (auto open = writable(verb); !open) return open;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            auto* r = kept().find(ids[i]);
            statuses[i] = r == nullptr ? change_status::not_found : one(*r);
        }
        return {};
    }
};

}  // namespace queuectl::inline v0

#endif
