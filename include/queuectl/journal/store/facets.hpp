// The facets of a journal.
#ifndef QUEUECTL_JOURNAL_STORE_FACETS_HPP
#define QUEUECTL_JOURNAL_STORE_FACETS_HPP

#include <queuectl/journal/store/verbs.hpp>

namespace queuectl::inline v0::journal {

template <class Session>
class facets : public verbs<Session> {
    using base = verbs<Session>;
    using typename base::core;
    using typename base::turn;

public:
    // ── inspectable_storage ──

    [[nodiscard]] result<store_info> info()
    {
        store_info i;
        i.format = format_version;
        i.min_reader = min_reader;
        i.min_writer = min_writer;
        i.id = session().store();
        i.location = session().where();
        i.durability = session().mode();
        auto done = session().read("info", [&](core& c) -> result<void> {
            const auto& roots = c.index.roots();
            i.state = static_cast<store_state>(roots.store_state);
            i.read_only = i.state == store_state::read_only;
            if (roots.moved_to != 0) i.moved_to = read_text(c.index.space(), roots.moved_to);
            return {};
        });
        if (!done) return fail(done.error());
        i.id = session().store();
        return i;
    }

    [[nodiscard]] result<std::optional<job_record>> find(std::string_view id)
    {
        std::optional<job_record> found;
        auto done = session().read("find", [&](core& c) -> result<void> {
            const ref job = c.index.find(id);
            if (job == 0) return {};
            auto image = c.load(job);
            if (!image) return fail(image.error());
            found = std::move(image->record);
            return {};
        });
        if (!done) return fail(done.error());
        return found;
    }

    // Looks at no more than limits::sweep jobs.
    [[nodiscard]] result<std::uint64_t> list(const job_filter& filter, const page_request& page,
                                             std::vector<job_record>& out)
    {
        std::uint64_t next = 0;
        auto done = session().read("list", [&](core& c) -> result<void> {
            auto listed = list_jobs(c, filter, page, out);
            if (!listed) return fail(listed.error());
            next = *listed;
            return {};
        });
        if (!done) return fail(done.error());
        return next;
    }

    [[nodiscard]] result<void> attempts(std::string_view id, std::vector<attempt>& out)
    {
        return session().read("attempts", [&](core& c) -> result<void> {
            const ref job = c.index.find(id);
            if (job == 0) return {};
            auto image = c.load(job);
            if (!image) return fail(image.error());
            for (auto& stored : image->attempts) {
                stored.run.output = {};
                out.push_back(std::move(stored.run));
            }
            return {};
        });
    }

    [[nodiscard]] result<run_output> output(std::string_view id, std::int32_t number)
    {
        std::optional<stored_attempt> run;
        auto done = session().read("output", [&](core& c) -> result<void> {
            const ref job = c.index.find(id);
            if (job == 0) return {};
            auto image = c.load(job);
            if (!image) return fail(image.error());
            for (auto& stored : image->attempts)
                if (stored.run.number == number) run = std::move(stored);
            return {};
        });
        if (!done) return fail(done.error());
        if (!run || run->run.output_bytes == 0)
            return fail(errc::not_found, "output " + std::string{id}, "no output is kept");
        if (run->output_file == 0) return std::move(run->run.output);
        auto out = read_output(session().fs(), run->output_file);
        if (!out) return out;
        out->dropped_bytes = run->run.output.dropped_bytes;
        return out;
    }

    [[nodiscard]] result<void> counts(std::vector<queue_counts>& out)
    {
        return session().read("counts", [&](core& c) -> result<void> {
            auto& space = c.index.space();
            c.index.all_lanes().for_each_queue([&](ref at) {
                const auto& queue = *space.template get<queue_slot>(at);
                auto& counts = out.emplace_back();
                counts.queue = read_text(space, queue.name);
                std::copy(std::begin(queue.counts), std::end(queue.counts), counts.by_state.begin());
                return true;
            });
            return {};
        });
    }

    [[nodiscard]] result<void> revive(std::span<const std::string> ids, std::span<change_status> statuses,
                                      const instant& now)
    {
        auto done = session().write("revive", true, append_room::normal, [&](core& c, turn& t) -> result<void> {
            rewrite_call<core> rewriting{c};
            for (std::size_t i = 0; i < ids.size(); ++i) {
                const ref job = c.index.find(ids[i]);
                statuses[i] = job == 0 ? change_status::not_found : change_status::conflict;
                if (job == 0) continue;
                const state s = c.index.state_of(job);
                if (s == state::pending || s == state::processing) continue;
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
        auto done = session().write("cancel", true, append_room::normal, [&](core& c, turn& t) -> result<void> {
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
        });
        if (done && told) session().wake().bump_control();
        return done;
    }

    [[nodiscard]] result<void> remove(std::span<const std::string> ids, std::span<change_status> statuses)
    {
        std::vector<output_number> dead_files;
        auto done = session().write("remove", true, append_room::reserve, [&](core& c, turn& t) -> result<void> {
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
        auto done = session().write("purge", true, append_room::reserve, [&](core& c, turn& t) -> result<void> {
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
        auto done = session().write("reprioritise", true, append_room::normal, [&](core& c, turn& t) -> result<void> {
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
        auto done = session().write("free_worker", true, append_room::reserve, [&](core& c, turn& t) -> result<void> {
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
        });
        if (!done) return fail(done.error());
        if (freed > 0) session().wake().bump_work();
        return freed;
    }

    // ── configurable_storage ──

    [[nodiscard]] result<std::optional<config_entry>> config_get(std::string_view key, const instant& now)
    {
        std::optional<config_entry> found;
        auto done = session().read("config_get", [&](core& c) -> result<void> {
            const ref at = live_entry(c, key, now);
            if (at == 0) return {};
            auto entry = read_entry(c, at);
            if (!entry) return fail(entry.error());
            found = std::move(*entry);
            return {};
        });
        if (!done) return fail(done.error());
        return found;
    }

    [[nodiscard]] result<std::uint64_t> config_put(const config_entry& entry, const instant& now)
    {
        if (entry.key.empty() || entry.key.size() > limits::key_bytes)
            return fail(errc::invalid_argument, "config_put", "a key has 1 to 255 bytes");
        if (entry.value.size() > limits::config_value_bytes)
            return fail(errc::invalid_argument, "config_put " + entry.key, "a value has at most 64 KiB");
        config_entry written = entry;
        auto done = session().write("config_put", true, append_room::reserve, [&](core& c, turn& t) -> result<void> {
            const ref known = live_entry(c, entry.key, now);
            const std::uint64_t version = known == 0 ? 0 : c.config.get(known).version;
            if (entry.version != any_version && entry.version != version)
                return fail(errc::conflict, entry.key, "it was changed by another");
            if (auto room = c.index.reserve(1, 1); !room) return room;
            if (auto place = c.prepare(t, 128 + entry.key.size() + entry.value.size(), append_room::reserve); !place)
                return place;
            written.version = c.index.roots().config_version + 1;
            const location at = c.here();
            append_config(c.body, written);
            c.config.put(entry.key, written.version, entry.expires_at.time_since_epoch().count(), at,
                         static_cast<std::uint32_t>(c.body.size()));
            return {};
        });
        if (!done) return fail(done.error());
        session().wake().bump_work();
        return written.version;
    }

    [[nodiscard]] result<bool> config_erase(std::string_view key)
    {
        bool erased = false;
        auto done = session().write("config_erase", true, append_room::reserve, [&](core& c, turn& t) -> result<void> {
            if (c.config.find(key) == 0) return {};
            if (auto room = c.index.reserve(0, 1); !room) return room;
            if (auto place = c.prepare(t, 128 + key.size(), append_room::reserve); !place) return place;
            append_unconfig(c.body, key, c.index.roots().config_version);
            c.config.erase(key);
            erased = true;
            return {};
        });
        if (!done) return fail(done.error());
        if (erased) session().wake().bump_work();
        return erased;
    }

    [[nodiscard]] result<void> config_list(std::string_view prefix, std::vector<config_entry>& out, const instant& now)
    {
        const std::size_t first = out.size();
        return session().read("config_list", [&](core& c) -> result<void> {
            std::vector<ref> found;
            c.config.for_each([&](ref at) {
                if (c.config.key_of(at).substr(0, prefix.size()) == prefix && live(c, at, now)) found.push_back(at);
            });
            for (const ref at : found) {
                auto entry = read_entry(c, at);
                if (!entry) return fail(entry.error());
                out.push_back(std::move(*entry));
            }
            std::sort(out.begin() + static_cast<std::ptrdiff_t>(first), out.end(),
                      [](const config_entry& a, const config_entry& b) { return a.key < b.key; });
            return {};
        });
    }

    // ── notifying_storage ──

    [[nodiscard]] change_counts changes() { return session().wake().changes(); }
    change_counts wait_for_change(change_counts seen, duration max) { return session().wait(seen, max); }
    void interrupt_waits() { session().wake().interrupt(); }

    // How much work claims have done so far: lines looked at, and places of the index changed. For tests of their cost.
    [[nodiscard]] std::uint64_t index_steps()
    {
        std::uint64_t steps = 0;
        static_cast<void>(session().read("look", [&](core& c) -> result<void> {
            steps = c.index.steps();
            return {};
        }));
        return steps;
    }

    // Memory that the index uses, shared by all processes. For tests of its size.
    [[nodiscard]] std::uint64_t index_bytes()
    {
        std::uint64_t bytes = 0;
        static_cast<void>(session().read("look", [&](core& c) -> result<void> {
            const auto& roots = c.index.roots();
            bytes = c.index.space().block_bytes() + sizeof(ref) * (roots.table.bucket_count + roots.pages.count);
            return {};
        }));
        return bytes;
    }

    // Whether the store may be changed from now on, by anybody; `moved_to` for store_state::moved.
    [[nodiscard]] result<void> set_state(store_state s, std::string_view moved_to = {})
    {
        header_record header{};
        header.state = static_cast<std::uint8_t>(s);
        header.moved_to = moved_to;
        return session().set_header("set_state", header);
    }

protected:
    using base::base;

private:
    [[nodiscard]] Session& session() const { return *this->session_; }

    static result<void> write_again(core& c, turn& t, rewrite_call<core>& rewriting)
    {
        if (rewriting.size() == 0) return {};
        if (auto room = c.index.reserve(rewriting.size(), rewriting.size()); !room) return room;
        if (auto place = c.prepare(t, c.body.size(), append_room::normal); !place) return place;
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

    [[nodiscard]] static bool live(core& c, ref at, const instant& now)
    {
        return now.wall.time_since_epoch().count() < c.config.get(at).expires_at;
    }
    [[nodiscard]] static ref live_entry(core& c, std::string_view key, const instant& now)
    {
        const ref at = c.config.find(key);
        return at != 0 && live(c, at, now) ? at : 0;
    }
    [[nodiscard]] static result<config_entry> read_entry(core& c, ref at)
    {
        auto content = c.read(c.config.get(at).at, record_type::config);
        if (!content) return fail(content.error());
        return read_config(*content);
    }
};

}  // namespace queuectl::inline v0::journal

#endif
