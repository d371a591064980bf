// What inspectable_storage changes in a journal.
#ifndef QUEUECTL_JOURNAL_STORE_CHANGING_HPP
#define QUEUECTL_JOURNAL_STORE_CHANGING_HPP

#include <queuectl/journal/store/looking.hpp>

namespace queuectl::inline v0::journal {

template <class Session>
class changing : public looking<Session> {
    using base = looking<Session>;
    using core = typename Session::core_type;
    using turn = typename Session::turn_type;
    using change_of = queuectl::detail::change_of;

public:
    [[nodiscard]] result<void> revive(std::span<const std::string> ids, std::span<change_status> statuses,
                                      const instant& now)
    {
        auto done = session().write("revive", true, [&](core& c, turn& t) -> result<void> {
            rewrite_call<core> rewriting{c};
            for (std::size_t i = 0; i < ids.size(); ++i) {
                const ref job = c.index.find(ids[i]);
                statuses[i] = job == 0 ? change_status::not_found : change_status::conflict;
                if (job == 0) continue;
                const state s = c.index.state_of(job);
                if (s == state::pending || s == state::processing || rewriting.has(job)) continue;
                auto added = rewriting.add(job, true, [&](job_image& image) {
                    auto& r = image.record;
                    r.state = state::pending;
                    r.attempts = r.crashes = 0;
                    r.cancel_requested = false;
                    r.job.run_at = r.updated_at = now.wall;
                });
                if (!added) return added;
                statuses[i] = change_status::done;
            }
            return write_again(c, t, rewriting);
        });
        if (done) session().wake().bump_work();
        return done;
    }

    [[nodiscard]] result<void> cancel(std::span<const std::string> ids, std::span<change_status> statuses,
                                      const instant& now)
    {
        bool told = false;
        const auto body = [&](core& c, turn& t) -> result<void> {
            end_record sample{};
            if (auto room = c.index.reserve(0, ids.size()); !room) return room;
            if (auto place = c.prepare(t, ids.size() * (64 + end_bytes_max(sample)), append_room::normal); !place)
                return place;
            for (std::size_t i = 0; i < ids.size(); ++i) {
                auto status = cancel_one(c, c.index.find(ids[i]), now.wall);
                if (!status) return fail(status.error());
                statuses[i] = *status;
                told = told || *status == change_status::requested;
            }
            return {};
        };
        auto done = session().write("cancel", change_of::runs, durable::as_promised, body);
        if (done && told) session().wake().bump_control();
        return done;
    }

    [[nodiscard]] result<void> remove(std::span<const std::string> ids, std::span<change_status> statuses)
    {
        std::vector<output_number> dead_files;
        auto done = session().write("remove", true, [&](core& c, turn& t) -> result<void> {
            remove_call<core> removing{c};
            if (auto room = begin_remove(c, t, ids.size()); !room) return room;
            for (std::size_t i = 0; i < ids.size(); ++i) {
                const ref job = c.index.find(ids[i]);
                statuses[i] = job == 0 ? change_status::not_found : change_status::conflict;
                if (job == 0 || c.index.state_of(job) == state::processing) continue;
                if (auto removed = removing.remove(job); !removed) return removed;
                statuses[i] = change_status::done;
            }
            removing.write();
            dead_files = removing.dead_files();
            return {};
        });
        if (done) session().remove_outputs(dead_files);
        return done;
    }

    // With a tag in the filter, ended jobs of other tags are looked at too: O(ended jobs) then.
    [[nodiscard]] result<std::size_t> purge(const job_filter& filter, std::size_t limit)
    {
        std::size_t removed = 0;
        std::vector<output_number> dead_files;
        auto done = session().write("purge", true, [&](core& c, turn& t) -> result<void> {
            remove_call<core> removing{c};
            const std::size_t most = std::min(limit, limits::sweep);
            if (auto room = begin_remove(c, t, most); !room) return room;
            if (auto purged = purge_jobs(c, filter, most, removing); !purged) return purged;
            removing.write();
            removed = removing.removed();
            dead_files = removing.dead_files();
            return {};
        });
        if (!done) return fail(done.error());
        session().remove_outputs(dead_files);
        return removed;
    }

    [[nodiscard]] result<change_status> reprioritise(std::string_view id, int priority, const instant& now)
    {
        if (priority < limits::priority_min || priority > limits::priority_max)
            return fail(errc::invalid_argument, "reprioritise", "a priority is -128 to 127");
        auto status = change_status::not_found;
        auto done = session().write("reprioritise", true, [&](core& c, turn& t) -> result<void> {
            const ref job = c.index.find(id);
            if (job == 0) return {};
            status = change_status::conflict;
            if (!is_waiting(c.index.state_of(job))) return {};
            rewrite_call<core> rewriting{c};
            auto added = rewriting.add(job, false, [&](job_image& image) {
                image.record.job.priority = static_cast<std::int8_t>(priority);
                image.record.updated_at = now.wall;
            });
            if (!added) return added;
            status = change_status::done;
            return write_again(c, t, rewriting);
        });
        if (!done) return fail(done.error());
        session().wake().bump_work();
        return status;
    }

    [[nodiscard]] result<std::size_t> free_worker(std::string_view worker, std::string_view cause, const instant& now)
    {
        std::size_t freed = 0;
        const auto body = [&](core& c, turn& t) -> result<void> {
            std::vector<ref> held;
            if (const ref at = c.index.all_leases().find_worker(worker); at != 0)
                c.index.all_leases().for_each(at, [&](ref job) {
                    held.push_back(job);
                    return held.size() < limits::sweep;
                });
            if (auto room = prepare_crashes(c, t, held, worker, cause); !room) return room;
            for (const ref job : held) {
                attempt run;
                auto r = crash_record(c, job, cause, now.wall, run);
                if (!r) return fail(r.error());
                if (auto ended = finish(c, job, *r); !ended) return ended;
            }
            freed = held.size();
            return {};
        };
        auto done = session().write("free_worker", change_of::runs, durable::as_promised, body);
        if (!done) return fail(done.error());
        if (freed > 0) session().wake().bump_work();
        return freed;
    }

protected:
    using base::base;

private:
    [[nodiscard]] Session& session() const { return *this->session_; }

    static result<void> write_again(core& c, turn& t, rewrite_call<core>& rewriting)
    {
        if (rewriting.size() == 0) return {};
        if (auto room = c.index.reserve(rewriting.size(), rewriting.size()); !room) return room;
        if (auto place = c.prepare(t, c.call_bytes(), append_room::normal); !place) return place;
        return rewriting.apply();
    }

    static result<change_status> cancel_one(core& c, ref job, timestamp now)
    {
        if (job == 0) return change_status::not_found;
        if (!c.index.is_live(job)) return change_status::conflict;
        const live_slot& slot = c.index.live(job);
        if (slot.head.state() == state::processing) {
            append_change(c.body, {slot.node.sequence, change_kind::cancel_requested, state::processing, now, {}, 0});
            c.index.request_cancel(job);
            return change_status::requested;
        }
        if (auto open = c.admits(change_of::jobs, {}); !open) return fail(open.error());
        auto token = c.settled_token(slot.last);
        if (!token) return fail(token.error());
        end_record r{};
        r.state = state::cancelled;
        r.now = now;
        r.run_at = wall(slot.node.time);
        r.attempts = slot.attempts;
        r.crashes = slot.crashes;
        r.token = *token;
        if (auto done = finish(c, job, r); !done) return fail(done.error());
        return change_status::done;
    }

    static result<void> begin_remove(core& c, turn& t, std::size_t jobs)
    {
        if (auto room = c.index.reserve(0, jobs); !room) return room;
        return c.prepare(t, remove_call<core>::bytes_max(jobs), append_room::reserve);
    }

    static result<void> prepare_crashes(core& c, turn& t, const std::vector<ref>& held, std::string_view worker,
                                        std::string_view cause)
    {
        end_record sample{};
        attempt run;
        run.error = cause;
        run.worker = worker;
        sample.run = &run;
        sample.error = cause;
        std::uint64_t bytes = 0;
        for (const ref job : held) bytes += finish_bytes_max(sample, c.index.live(job).bytes);
        if (auto room = c.index.reserve(0, held.size()); !room) return room;
        return c.prepare(t, bytes, append_room::reserve);
    }
};

}  // namespace queuectl::inline v0::journal

#endif
