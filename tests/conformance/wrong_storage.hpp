// The reference model with one rule of a facet broken, and a backend that loses something when it is reopened.
#ifndef QUEUECTL_TESTS_CONFORMANCE_WRONG_STORAGE_HPP
#define QUEUECTL_TESTS_CONFORMANCE_WRONG_STORAGE_HPP

#include "conformance/wrong_transfer.hpp"

#include <queuectl/testing/conformance/notify.hpp>

class wrong_storage : public wrong_transfer {
public:
    using wrong_transfer::wrong_transfer;

    result<store_info> info() const
    {
        auto i = model_storage::info();
        if (is(fault::header_is_empty)) return store_info{};
        if (is(fault::stores_have_one_id)) i->id = uid{1, 1};
        if (is(fault::the_state_is_not_told)) i->state = store_state::open;
        return i;
    }
    result<std::uint64_t> list(const job_filter& filter, const page_request& page,
                               std::vector<job_record>& out) override
    {
        job_filter f = filter;
        if (is(fault::list_ignores_tags)) f.tag.clear();
        auto next = model_storage::list(f, page, out);
        if (is(fault::lists_without_bound))
            for (page_request more = page; *next != 0; next = model_storage::list(f, more, out)) more.after = *next;
        if (is(fault::list_cursor_skips_one) && *next != 0) ++*next;
        if (is(fault::list_is_by_priority))
            std::stable_sort(out.begin(), out.end(),
                             [](const auto& a, const auto& b) { return a.job.priority > b.job.priority; });
        return next;
    }
    result<void> counts(std::vector<queue_counts>& out) const override
    {
        auto told = model_storage::counts(out);
        for (auto& c : out) {
            if (is(fault::counts_forget_cancelled_jobs)) c.by_state[5] = 0;
            auto& most = most_[c.queue];
            for (std::size_t s = 0; s < state_count; ++s) most[s] = std::max(most[s], c.by_state[s]);
            if (is(fault::counts_keep_removed_jobs)) c.by_state[2] = most[2], c.by_state[5] = most[5];
        }
        if (is(fault::counts_forget_empty_queues))
            out.erase(std::remove_if(out.begin(), out.end(),
                                     [](const queue_counts& c) { return c.by_state == decltype(c.by_state){}; }),
                      out.end());
        return told;
    }
    result<std::size_t> purge(const job_filter& filter, std::size_t limit) override
    {
        job_filter f = filter;
        if (is(fault::purge_ignores_its_filter)) f = {};
        auto purged = model_storage::purge(f, limit);
        if (!purged) return purged;
        if (is(fault::purges_without_bound)) *purged += *model_storage::purge(f, limit);
        if (is(fault::purge_takes_waiting_jobs)) {
            const std::scoped_lock lock{kept().mutex};
            std::vector<std::string> ids;
            for (const auto& r : kept().rows)
                if (r.record.state == state::pending && *purged + ids.size() < limit) ids.push_back(r.record.job.id);
            for (const auto& id : ids) kept().erase(id);
            *purged += ids.size();
        }
        return purged;
    }
    result<std::size_t> free_worker(std::string_view worker, std::string_view cause, const instant& now) override
    {
        auto freed = model_storage::free_worker(worker, cause, now);
        if (!freed) return freed;
        if (is(fault::frees_without_bound)) *freed += *model_storage::free_worker(worker, cause, now);
        if (is(fault::free_worker_frees_everyone)) *freed += *model_storage::free_worker("worker-2", cause, now);
        return freed;
    }
    result<void> revive(std::span<const std::string> ids, std::span<change_status> statuses, const instant& now)
    {
        if (!is(fault::changes_stop_at_an_unknown_id)) return model_storage::revive(ids, statuses, now);
        for (std::size_t i = 0; i < ids.size(); ++i) {
            auto told = model_storage::revive(ids.subspan(i, 1), statuses.subspan(i, 1), now);
            if (!told || statuses[i] == change_status::not_found) return told;
        }
        return {};
    }
    result<std::uint64_t> config_put(const config_entry& entry, const instant& now) override
    {
        config_entry e = entry;
        if (is(fault::settings_end_at_nul)) e.value = e.value.substr(0, e.value.find('\0'));
        const auto seen = changes();
        auto version = model_storage::config_put(e, now);
        if (version && is(fault::settings_keep_their_version)) {
            const std::scoped_lock lock{kept().mutex};
            for (auto& stored : kept().config)
                if (stored.key == e.key) stored.version = 1;
            return std::uint64_t{1};
        }
        if (is(fault::nobody_is_told_of_work)) untell(seen);
        return version;
    }
    result<bool> config_erase(std::string_view key) override
    {
        auto any = model_storage::config_erase(key);
        return is(fault::erase_always_succeeds) ? result<bool>{true} : any;
    }
    result<void> config_list(std::string_view prefix, std::vector<config_entry>& out, const instant& now) const override
    {
        if (!is(fault::settings_are_listed_by_like)) return model_storage::config_list(prefix, out, now);
        std::vector<config_entry> all;
        auto told = model_storage::config_list("", all, now);
        for (auto& e : all) {
            bool like = e.key.size() >= prefix.size();
            for (std::size_t i = 0; like && i < prefix.size(); ++i)
                like = prefix[i] == '_' || prefix[i] == '%' || prefix[i] == e.key[i];
            if (like) out.push_back(std::move(e));
        }
        return told;
    }
    change_counts wait_for_change(change_counts seen, duration max) override
    {
        if (is(fault::waits_are_too_long)) {
            std::this_thread::sleep_for(conformance::notify_patience * 3 / 4);
            return changes();
        }
        return model_storage::wait_for_change(seen, max);
    }
    void interrupt_waits() override
    {
        if (!is(fault::interrupts_are_lost)) model_storage::interrupt_waits();
    }

protected:
    result<void> admits(const char* verb, detail::change_of what) const override
    {
        if (is(fault::read_only_is_ignored) && kept().info.read_only) return {};
        return wrong_transfer::admits(verb, what);
    }
    change_status revive_one(model_row& r, const instant& now) override
    {
        if (is(fault::revive_takes_pending_jobs) && r.record.state == state::pending) return change_status::done;
        return model_storage::revive_one(r, now);
    }
    void revive_row(model_row& r, const instant& now) override
    {
        const auto old = r.record;
        model_storage::revive_row(r, now);
        if (is(fault::revive_keeps_attempts)) r.record.attempts = old.attempts;
        if (is(fault::revive_keeps_crashes)) r.record.crashes = old.crashes;
        if (is(fault::revive_keeps_the_place)) r.record.sequence = old.sequence;
        if (is(fault::cancel_outlives_the_lease)) r.record.cancel_requested = old.cancel_requested;
    }
    change_status cancel_one(model_row& r, const instant& now) override
    {
        if (is(fault::cancel_ends_final_jobs) && is_final(r.record.state)) {
            end(r, state::cancelled);
            return change_status::done;
        }
        const auto control = kept().changes.control;
        const auto told = model_storage::cancel_one(r, now);
        if (is(fault::nobody_is_told_of_cancels)) kept().changes.control = control;
        return told;
    }
    change_status remove_one(model_row& r) override
    {
        if (is(fault::remove_takes_running_jobs) && r.record.state == state::processing) r.record.state = state::dead;
        if (is(fault::remove_keeps_runs)) buried_runs_[r.record.job.id] = r.runs;
        return model_storage::remove_one(r);
    }
    insert_status insert_one(const job& j, const instant& now) override
    {
        const auto told = wrong_verbs::insert_one(j, now);
        const auto old = buried_runs_.find(j.id);
        if (old != buried_runs_.end()) kept().find(j.id)->runs = old->second;
        return told;
    }
    void set_priority(model_row& r, int priority, const instant& now) override
    {
        model_storage::set_priority(r, priority, now);
        if (is(fault::reprioritise_goes_to_the_end)) r.record.sequence = kept().next_sequence++;
    }
    bool live(const config_entry& e, const instant& now) const override
    {
        return is(fault::settings_never_expire) || model_storage::live(e, now);
    }
    bool may_put(std::uint64_t expected, std::uint64_t stored) const override
    {
        return is(fault::settings_are_not_compared) || model_storage::may_put(expected, stored);
    }

public:
    result<change_status> reprioritise(std::string_view id, int priority, const instant& now)
    {
        auto told = model_storage::reprioritise(id, priority, now);
        if (is(fault::reprioritise_takes_ended_jobs) && told && *told == change_status::conflict)
            return change_status::done;
        return told;
    }

private:
    mutable std::map<std::string, std::array<std::uint64_t, state_count>> most_;
    std::map<std::string, std::vector<attempt>> buried_runs_;
};

// The fault of the stores that are made now.
inline fault fault_now = fault::none;

struct wrong_backend {
    using storage_type = wrong_storage;
    storage_type make() { return wrong_storage{store, fault_now}; }
    storage_type reopen()
    {
        lose();
        return wrong_storage{store, fault_now};
    }
    storage_type another()
    {
        if (fault_now == fault::handles_do_not_share) return wrong_storage{std::make_shared<model_store>(), fault_now};
        return wrong_storage{store, fault_now};
    }
    void make_read_only() { store->info.read_only = true; }

    void lose()
    {
        if (fault_now == fault::reopen_loses_jobs && !store->rows.empty()) store->rows.pop_back();
        if (fault_now == fault::restored_jobs_are_not_kept)
            std::erase_if(store->rows, [](const model_row& r) { return r.record.job.batch == "batch-1"; });
        if (fault_now == fault::reopen_opens_a_moving_store && store->info.state == store_state::moving)
            store->info.state = store_state::open;
        if (fault_now == fault::reopen_loses_settings) store->config.clear();
        if (fault_now == fault::reopen_restarts_sequences) store->next_sequence = 1;
        if (fault_now == fault::reopen_changes_the_id) ++store->info.id.low;
        for (auto& r : store->rows) {
            if (fault_now == fault::reopen_loses_leases && r.record.state == state::processing)
                r.record.state = state::pending, r.record.token = {};
            if (fault_now == fault::reopen_loses_nonces) r.record.job.nonce = {};
            if (fault_now == fault::reopen_loses_settled_tokens) r.record.settled_token = {};
            if (fault_now == fault::reopen_loses_the_state_before) r.before = state::pending;
            if (fault_now == fault::reopen_loses_runs) r.runs.clear();
        }
    }

    std::shared_ptr<model_store> store = std::make_shared<model_store>();
};

#endif
