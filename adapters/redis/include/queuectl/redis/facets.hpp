// The facets of redis_storage: inspectable, transferable, configurable, notifying.
#ifndef QUEUECTL_REDIS_FACETS_HPP
#define QUEUECTL_REDIS_FACETS_HPP

#include <queuectl/redis/changes.hpp>

namespace queuectl::inline v0::detail::redis {

class facets : public changes_by_hand {
public:
    [[nodiscard]] result<store_info> info() const
    {
        auto told = store().call(script::info, {});
        if (!told) return fail(told.error());
        if (told->size() < 6) return fail(errc::corrupt, "info", "an answer of the wrong length");
        const auto number = [&](std::size_t i) { return static_cast<std::uint32_t>(told->elements[i].number()); };
        store_info out;
        out.format = number(0);
        out.min_reader = number(1);
        out.min_writer = number(2);
        out.id = uid_of_hex(told->at(3));
        out.state = static_cast<store_state>(number(4));
        out.moved_to = told->at(5);
        out.read_only = out.state == store_state::read_only || store().options().read_only;
        out.location = store().address().text();
        out.durability = kept();
        return out;
    }

    [[nodiscard]] result<std::optional<job_record>> find(std::string_view id) const
    {
        job_record r;
        std::optional<own_run> own;
        auto told = look(id, r, own);
        if (!told) return fail(told.error());
        return *told ? std::optional{std::move(r)} : std::nullopt;
    }

    [[nodiscard]] result<std::uint64_t> list(const job_filter& filter, const page_request& page,
                                             std::vector<job_record>& out) const
    {
        if (page.limit == 0) return page.after;
        arguments args;
        args.add("").add(page.after).add(std::min(page.limit, limits::sweep));
        args.add(filter.state ? std::to_string(static_cast<int>(*filter.state)) : std::string{});
        args.add(filter.queue).add(filter.kind).add(filter.tag).add(filter.updated_before.time_since_epoch().count());
        auto told = store().call(script::list, std::move(args));
        if (!told) return fail(told.error());
        const auto before = out.size();
        for (std::size_t i = 1; i + 2 < told->size(); i += 3) {
            job_record r;
            std::optional<own_run> own;
            r.job.id = told->at(i);
            if (!read_record(told->at(i + 1), told->at(i + 2), r, own)) {
                out.resize(before);
                return damaged("list", told->at(i));
            }
            out.push_back(std::move(r));
        }
        return std::strtoull(std::string{told->at(0)}.c_str(), nullptr, 10);
    }

    [[nodiscard]] result<void> attempts(std::string_view id, std::vector<attempt>& out) const
    {
        job_record r;
        std::optional<own_run> own;
        std::string runs;
        auto told = look(id, r, own, &runs);
        if (!told) return fail(told.error());
        if (!*told) return {};
        const auto before = out.size();
        if (!unpack_runs(runs, out)) {
            out.resize(before);
            return damaged("attempts", id);
        }
        if (own && out.size() - before >= limits::attempts_kept)
            out.erase(out.begin() + static_cast<std::ptrdiff_t>(before));
        if (own) out.push_back(attempt_of(r, *own));
        return {};
    }

    [[nodiscard]] result<run_output> output(std::string_view id, std::int32_t number) const
    {
        arguments args;
        args.add("").add(id).add(number);
        auto told = store().call(script::output, std::move(args));
        if (!told) return fail(told.error());
        if (told->size() < 2)
            return fail(errc::not_found, "output " + std::string{id}, "no output of that run is kept");
        attempt run;
        std::size_t head = 0;
        unpacker u{told->at(0)};
        if (!unpack_report(u, run, head) || head > told->at(1).size()) return damaged("output", id);
        run.output.head = told->at(1).substr(0, head);
        run.output.tail = told->at(1).substr(head);
        return std::move(run.output);
    }

    [[nodiscard]] result<void> counts(std::vector<queue_counts>& out) const
    {
        auto told = store().call(script::counts, {});
        if (!told) return fail(told.error());
        std::vector<queue_counts> all;
        const auto place = [](char digit) {
            return digit == '-' ? state_count : static_cast<std::size_t>(digit - '0');
        };
        for (std::size_t i = 0; i + 1 < told->size(); i += 2) {
            const auto field = told->at(i);
            const auto from = field.size() < 2 ? 255 : place(field[0]);
            const auto to = field.size() < 2 ? 255 : place(field[1]);
            if (from > state_count || to > state_count) return fail(errc::corrupt, "counts", "an unknown state");
            const auto queue = field.substr(2);
            auto at = std::find_if(all.begin(), all.end(), [&](const queue_counts& q) { return q.queue == queue; });
            if (at == all.end()) at = all.insert(all.end(), queue_counts{std::string{queue}, {}});
            const auto went = static_cast<std::uint64_t>(told->elements[i + 1].number());
            if (from < state_count) at->by_state[from] -= went;
            if (to < state_count) at->by_state[to] += went;
        }
        std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.queue < b.queue; });
        out.insert(out.end(), all.begin(), all.end());
        return {};
    }

    [[nodiscard]] result<std::optional<config_entry>> config_get(std::string_view key, const instant& now) const
    {
        arguments args;
        store().add_instant(args, now);
        args.add(key);
        auto told = store().call(script::config_get, std::move(args));
        if (!told) return fail(told.error());
        if (told->size() < 2) return std::optional<config_entry>{};
        return std::optional{read_entry(key, told->at(1))};
    }
    [[nodiscard]] result<std::uint64_t> config_put(const config_entry& entry, const instant& now)
    {
        auto args = start_change(now);
        args.add(entry.key).add(entry.value);
        args.add(entry.version == any_version ? std::string{"any"} : std::to_string(entry.version));
        args.add(saturate(entry.expires_at.time_since_epoch()).count());
        auto told = store().call(script::config_put, std::move(args));
        if (!told) return fail(told.error());
        if (told->text == "c") return fail(errc::conflict, "config_put", "another version is stored");
        ears().touch_work();
        return std::strtoull(told->text.c_str() + std::min<std::size_t>(1, told->text.size()), nullptr, 10);
    }
    [[nodiscard]] result<bool> config_erase(std::string_view key)
    {
        auto args = start_change({});
        args.add(key);
        auto told = store().call(script::config_erase, std::move(args));
        if (!told) return fail(told.error());
        return told->text != "0";
    }
    // Looks at every entry of the store.
    [[nodiscard]] result<void> config_list(std::string_view prefix, std::vector<config_entry>& out,
                                           const instant& now) const
    {
        arguments args;
        store().add_instant(args, now);
        args.add(prefix);
        auto told = store().call(script::config_list, std::move(args));
        if (!told) return fail(told.error());
        const auto before = static_cast<std::ptrdiff_t>(out.size());
        for (std::size_t i = 0; i + 1 < told->size(); i += 2) out.push_back(read_entry(told->at(i), told->at(i + 1)));
        std::sort(out.begin() + before, out.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
        return {};
    }

    // Changes by others are pushed to a thread that the first wait starts.
    [[nodiscard]] change_counts changes() const noexcept { return ears().changes(); }
    change_counts wait_for_change(change_counts seen, duration max) { return ears().wait(seen, max); }
    void interrupt_waits() { ears().interrupt(); }

    // One line for each setting of the server that cannot keep a promise. Asks the server.
    [[nodiscard]] result<std::vector<std::string>> doubts() const { return store().doubts(); }

protected:
    using changes_by_hand::changes_by_hand;

private:
    // What survives is the server's: appendonly and appendfsync. `none` when it does not tell.
    [[nodiscard]] durability kept() const
    {
        const auto facts = store().facts();
        if (!facts.append_only) return durability::none;
        const auto fsync = store().setting("appendfsync");
        if (!fsync || *fsync == "no") return durability::none;
        return *fsync == "always" ? durability::full : durability::interval;
    }

    [[nodiscard]] static uid uid_of_hex(std::string_view digits)
    {
        const auto half = [&](std::size_t at) {
            return at < digits.size() ? std::strtoull(std::string{digits.substr(at, 16)}.c_str(), nullptr, 16) : 0;
        };
        return {half(0), half(16)};
    }

    [[nodiscard]] static bool read_record(std::string_view bytes, std::string_view state, job_record& r,
                                          std::optional<own_run>& own)
    {
        if (!unpack_job(bytes, r.job, r.created_at, r.sequence)) return false;
        r.updated_at = r.created_at;
        return state.empty() || unpack_state(state, r, own);
    }

    // Whether the job is there.
    [[nodiscard]] result<bool> look(std::string_view id, job_record& r, std::optional<own_run>& own,
                                    std::string* runs = nullptr) const
    {
        arguments args;
        args.add("").add(id);
        auto told = store().call(script::find, std::move(args));
        if (!told) return fail(told.error());
        if (told->size() < 3) return false;
        r.job.id = id;
        if (!read_record(told->at(0), told->at(1), r, own)) return damaged("find", id);
        if (runs != nullptr) *runs = told->at(2);
        return true;
    }

    [[nodiscard]] static config_entry read_entry(std::string_view key, std::string_view bytes)
    {
        unpacker u{bytes};
        config_entry e;
        e.key = key;
        e.version = static_cast<std::uint64_t>(u.real());
        e.expires_at = u.time();
        e.value = u.rest();
        return e;
    }
};

}  // namespace queuectl::inline v0::detail::redis

#endif
