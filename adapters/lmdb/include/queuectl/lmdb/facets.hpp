// The facets of lmdb_storage: inspectable, configurable, notifying, transferable.
#ifndef QUEUECTL_LMDB_FACETS_HPP
#define QUEUECTL_LMDB_FACETS_HPP

#include <queuectl/lmdb/config_rows.hpp>
#include <queuectl/lmdb/inspect.hpp>
#include <queuectl/lmdb/restore.hpp>
#include <queuectl/lmdb/verbs.hpp>
#include <queuectl/lmdb/verify.hpp>

namespace queuectl::inline v0::detail::lmdb {

class facets : public verbs {
public:
    [[nodiscard]] result<store_info> info() const
    {
        store_info out;
        auto done = store().read("info", [&](transaction& tx) {
            out.format = tx.head.format;
            out.min_reader = tx.head.min_reader;
            out.min_writer = tx.head.min_writer;
            out.id = {tx.head.id_high, tx.head.id_low};
            out.moved_to = tx.moved_to;
            out.state = tx.state();
            return 0;
        });
        out.read_only = out.state == store_state::read_only || store().options().read_only;
        out.location = store().path();
        out.durability = store().options().durability;
        return told(std::move(done), std::move(out));
    }

    // transferable_storage. In durability none and interval, too, both are durable when they return.

    [[nodiscard]] result<void> restore(std::span<const stored_job> jobs, std::span<insert_status> statuses,
                                       const instant&)
    {
        return store().write("restore", durable::always, access::begins,
                             [&](transaction& tx) { return lmdb::restore(tx, jobs, statuses); });
    }
    [[nodiscard]] result<void> set_state(store_state to, std::string_view moved_to = {})
    {
        return store().write("set_state", durable::always, access::state, [&](transaction& tx) {
            tx.head.state = static_cast<std::uint32_t>(to);
            tx.moved_to = moved_to;
            tx.header_changes();
            tx.work = tx.control = true;
            return 0;
        });
    }

    [[nodiscard]] result<std::optional<job_record>> find(std::string_view id) const
    {
        std::optional<job_record> out;
        auto done = store().read("find", [&](transaction& tx) { return lmdb::find(tx, id, out); });
        return told(std::move(done), std::move(out));
    }

    [[nodiscard]] result<std::uint64_t> list(const job_filter& filter, const page_request& page,
                                             std::vector<job_record>& out) const
    {
        std::uint64_t next = 0;
        auto done = store().read("list", [&](transaction& tx) { return lmdb::list(tx, filter, page, out, next); });
        return told(std::move(done), std::move(next));
    }

    [[nodiscard]] result<void> attempts(std::string_view id, std::vector<attempt>& out) const
    {
        return store().read("attempts", [&](transaction& tx) { return lmdb::attempts(tx, id, out); });
    }

    [[nodiscard]] result<run_output> output(std::string_view id, std::int32_t number) const
    {
        kept_output kept;
        auto done = store().read("output", [&](transaction& tx) { return lmdb::output(tx, id, number, kept); });
        if (done && !kept.log.empty()) {
            auto bytes = store().read_output(kept.log);
            if (!bytes) return fail(bytes.error());
            split_output(kept, std::move(*bytes));
        }
        return told(std::move(done), std::move(kept.output));
    }

    [[nodiscard]] result<void> counts(std::vector<queue_counts>& out) const
    {
        return store().read("counts", [&](transaction& tx) { return lmdb::counts(tx, out); });
    }

    [[nodiscard]] result<void> revive(std::span<const std::string> ids, std::span<change_status> statuses,
                                      const instant& now)
    {
        return change("revive", access::begins, ids, statuses,
                      [&](transaction& tx, std::uint64_t sequence, state_view& s, change_status& status) {
                          return lmdb::revive(tx, sequence, s, status, now);
                      });
    }
    [[nodiscard]] result<void> cancel(std::span<const std::string> ids, std::span<change_status> statuses,
                                      const instant& now)
    {
        return change("cancel", access::ends, ids, statuses,
                      [&](transaction& tx, std::uint64_t sequence, state_view& s, change_status& status) {
                          return lmdb::cancel(tx, sequence, s, status, now);
                      });
    }
    [[nodiscard]] result<void> remove(std::span<const std::string> ids, std::span<change_status> statuses)
    {
        return change("remove", access::begins, ids, statuses,
                      [](transaction& tx, std::uint64_t sequence, state_view& s, change_status& status) {
                          return lmdb::remove(tx, sequence, s, status);
                      });
    }

    // Looks for the jobs without a lock, then removes those that are still final. errc::… as for every write.
    [[nodiscard]] result<std::size_t> purge(const job_filter& filter, std::size_t limit)
    {
        std::vector<std::string> ids;
        std::size_t count = 0;
        const auto most = std::min(limit, limits::sweep);
        auto done = store().read("purge", [&](transaction& tx) { return purgeable(tx, filter, most, ids); });
        if (done)
            done = store().write("purge", durable::now, access::begins,
                                 [&](transaction& tx) { return lmdb::purge(tx, ids, count); });
        return told(std::move(done), std::move(count));
    }

    [[nodiscard]] result<change_status> reprioritise(std::string_view id, int priority, const instant& now)
    {
        if (priority < limits::priority_min || priority > limits::priority_max)
            return fail(errc::invalid_argument, "reprioritise", "priority is not within -128 and 127");
        const std::string one{id};
        change_status status{};
        auto done = change("reprioritise", access::begins, {&one, 1}, {&status, 1},
                           [&](transaction& tx, std::uint64_t sequence, state_view& s, change_status& told) {
                               return lmdb::reprioritise(tx, sequence, s, priority, told, now);
                           });
        return told(std::move(done), std::move(status));
    }

    [[nodiscard]] result<std::size_t> free_worker(std::string_view worker, std::string_view cause, const instant& now)
    {
        std::size_t freed = 0;
        auto done = store().write("free_worker", durable::now, access::ends, [&](transaction& tx) {
            freed = 0;
            return lmdb::free_worker(tx, worker, cause, now, freed);
        });
        return told(std::move(done), std::move(freed));
    }

    [[nodiscard]] result<std::optional<config_entry>> config_get(std::string_view key, const instant& now) const
    {
        std::optional<config_entry> out;
        auto done = store().read("config_get", [&](transaction& tx) { return lmdb::config_get(tx, key, now, out); });
        return told(std::move(done), std::move(out));
    }
    [[nodiscard]] result<std::uint64_t> config_put(const config_entry& entry, const instant& now)
    {
        std::uint64_t version = 0;
        auto done = store().write("config_put", durable::now, access::ends,
                                  [&](transaction& tx) { return lmdb::config_put(tx, entry, now, version); });
        return told(std::move(done), std::move(version));
    }
    [[nodiscard]] result<bool> config_erase(std::string_view key)
    {
        bool erased = false;
        auto done = store().write("config_erase", durable::now, access::ends,
                                  [&](transaction& tx) { return lmdb::config_erase(tx, key, erased); });
        return told(std::move(done), std::move(erased));
    }
    [[nodiscard]] result<void> config_list(std::string_view prefix, std::vector<config_entry>& out,
                                           const instant& now) const
    {
        return store().read("config_list", [&](transaction& tx) { return lmdb::config_list(tx, prefix, now, out); });
    }

    // Sleeps on a word that every writer bumps. Commits of programs that do not (a transaction of the user's without
    // lmdb_turn) are seen within five seconds.
    [[nodiscard]] change_counts changes() const noexcept { return store().files().wake->changes(); }
    change_counts wait_for_change(change_counts seen, duration max) { return store().wait(seen, max); }
    void interrupt_waits() noexcept { store().files().wake->interrupt(); }

    // Checks the pages of the file, that the tables agree, and that the output files are those that runs name. Reads
    // everything, without the store's lock.
    [[nodiscard]] result<verify_report> verify(const instant& now) const
    {
        return store_check{store()}.run(seconds(now));
    }

    // Removes up to limits::sweep output files that no run names, and that are an hour old: what a settle left that
    // failed, or whose process died.
    [[nodiscard]] result<output_sweep> sweep_outputs(const instant& now)
    {
        auto names = orphaned_outputs(store(), seconds(now));
        if (!names) return fail(names.error());
        if (names->size() > limits::sweep) names->resize(limits::sweep);
        for (const auto& name : *names) remove_log(*store().logs(), name);
        return output_sweep{names->size(), names->size() < limits::sweep};
    }

protected:
    using verbs::verbs;

private:
    static std::int64_t seconds(const instant& now)
    {
        return std::chrono::duration_cast<std::chrono::seconds>(now.wall.time_since_epoch()).count();
    }

    template <class T>
    static result<T> told(result<void>&& done, T&& value)
    {
        if (!done) return fail(done.error());
        return std::move(value);
    }

    template <class Change>
    result<void> change(const char* verb, access kind, std::span<const std::string> ids,
                        std::span<change_status> statuses, Change one)
    {
        return store().write(verb, durable::now, kind, [&](transaction& tx) {
            return change_each(tx, ids, statuses, [&](std::uint64_t sequence, state_view& s, change_status& status) {
                return one(tx, sequence, s, status);
            });
        });
    }
};

}  // namespace queuectl::inline v0::detail::lmdb

#endif
