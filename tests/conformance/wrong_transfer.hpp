// The reference model with one rule of restore or of a store's states broken.
#ifndef QUEUECTL_TESTS_CONFORMANCE_WRONG_TRANSFER_HPP
#define QUEUECTL_TESTS_CONFORMANCE_WRONG_TRANSFER_HPP

#include "conformance/wrong_verbs.hpp"

class wrong_transfer : public wrong_verbs {
public:
    using wrong_verbs::wrong_verbs;

    result<void> restore(std::span<const stored_job> all, std::span<insert_status> statuses, const instant& now)
    {
        const std::size_t most = is(fault::restore_ends_at_100) ? std::min<std::size_t>(all.size(), 100) : all.size();
        const auto seen = changes();
        auto told = model_storage::restore(all.first(most), statuses.first(most), now);
        if (told && is(fault::restore_answers_all_alike))
            for (auto& s : statuses) s = statuses.front();
        if (is(fault::restore_tells_nobody)) untell(seen);
        return told;
    }
    result<void> set_state(store_state to, std::string_view moved_to) override
    {
        mine_ = to;
        const auto seen = changes();
        if (is(fault::states_are_of_a_handle)) return {};
        auto told = model_storage::set_state(to, is(fault::the_place_is_not_told) ? "" : moved_to);
        if (is(fault::states_tell_nobody)) untell(seen);
        return told;
    }

protected:
    result<void> admits(const char* verb, detail::change_of what) const override
    {
        const auto state = kept().info.state;
        const bool moving = state == store_state::moving;
        const bool moved = state == store_state::moved;
        const bool settings = std::string_view{verb}.substr(0, 6) == "config";
        if (is(fault::states_are_of_a_handle)) return detail::admit(mine_, "", what, verb);
        if (moving && is(fault::moving_is_ignored)) return {};
        if (moved && is(fault::moved_is_ignored)) return {};
        if (moved && is(fault::moved_takes_settles) && std::string_view{verb} == "settle") return {};
        if (moving && is(fault::moving_refuses_everything)) what = detail::change_of::jobs;
        if (moving && settings && is(fault::moving_refuses_settings)) what = detail::change_of::jobs;
        return wrong_verbs::admits(verb, what);
    }
    bool leases_nothing() const override { return !is(fault::moving_leases) && wrong_verbs::leases_nothing(); }
    std::size_t reap(const instant& now) override
    {
        if (is(fault::moving_reaps_nothing) && wrong_verbs::leases_nothing()) return 0;
        return wrong_verbs::reap(now);
    }
    result<void> may_cancel(std::span<const std::string> ids) const override
    {
        if (is(fault::moving_cancels_waiting_jobs)) return ending("cancel");
        return is(fault::moving_refuses_cancels) ? writable("cancel") : wrong_verbs::may_cancel(ids);
    }

    bool may_restore(const stored_job& j) const override
    {
        return is(fault::restore_takes_processing_jobs) || wrong_verbs::may_restore(j);
    }
    bool same_past(const model_row& r, const stored_job& j) const override
    {
        if (is(fault::restore_repeated_is_a_duplicate)) return false;
        if (is(fault::restore_compares_ids_only)) return true;
        if (is(fault::restore_compares_nonces_only)) return r.record.job.nonce == j.record.job.nonce;
        return wrong_verbs::same_past(r, j);
    }
    model_row row_of(const stored_job& j) const override
    {
        model_row r = wrong_verbs::row_of(j);
        if (is(fault::restore_loses_words)) r.record.progress.clear(), r.record.job.unique_key.clear();
        if (is(fault::restore_makes_times)) r.record.updated_at = r.record.created_at;
        if (is(fault::restore_loses_runs)) r.runs.clear();
        if (is(fault::restore_loses_nonces)) r.record.job.nonce = {};
        if (is(fault::restore_loses_settled_tokens)) r.record.settled_token = {};
        if (is(fault::restore_drops_holds)) r.record.job.hold = hold_none;
        if (is(fault::restored_failures_are_pending) && r.record.state == state::failed)
            r.record.state = state::pending;
        if (is(fault::restore_keeps_the_oldest_runs) && j.attempts.size() > limits::attempts_kept)
            r.runs.assign(j.attempts.begin(), j.attempts.begin() + std::ptrdiff_t{limits::attempts_kept});
        for (auto& run : r.runs) {
            if (is(fault::restore_loses_output)) run.output = {};
            if (is(fault::restore_cuts_output)) run.output.tail.clear();
        }
        return r;
    }
    insert_status restore_one(const stored_job& j) override
    {
        auto& s = kept();
        const std::string& id = j.record.job.id;
        if (is(fault::restore_adds_again) && s.find(id) != nullptr && same_past(*s.find(id), j))
            s.find(id)->record.job.id = "old";
        if (is(fault::restore_overwrites) && s.find(id) != nullptr) s.erase(id);
        const auto queues = s.queues;
        const auto told = wrong_verbs::restore_one(j);
        if (is(fault::restore_ignores_queues_in_counts)) s.queues = queues;
        if (is(fault::restore_keeps_sequences)) {
            s.find(id)->record.sequence = j.record.sequence;
            std::stable_sort(s.rows.begin(), s.rows.end(),
                             [](const auto& a, const auto& b) { return a.record.sequence < b.record.sequence; });
        }
        return told;
    }

private:
    store_state mine_ = store_state::open;
};

#endif
