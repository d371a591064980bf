// Line 11, the rest: a store that is moving, has moved, or is read-only; the row set_state of transferable_storage.
#ifndef QUEUECTL_TESTING_CONFORMANCE_STORE_STATES_HPP
#define QUEUECTL_TESTING_CONFORMANCE_STORE_STATES_HPP

#include <queuectl/testing/conformance/changes.hpp>
#include <queuectl/testing/conformance/stored_jobs.hpp>

namespace queuectl::inline v0::conformance {

inline constexpr char new_place[] = "sqlite:/new/place.db";

template <backend B>
void set_store(fixture<B>& f, store_state s)
{
    const bool goes = s == store_state::moving || s == store_state::moved;
    f.good(f->set_state(s, goes ? new_place : ""), "set_state");
}

// Whether every call that begins something, or changes what waits or has ended, is refused with `code` and `text`.
template <backend B>
void refuses_changes_of_jobs(fixture<B>& f, errc code, const std::string& text)
{
    const auto refused = [&](const char* verb, const auto& r) {
        const bool so = !r && r.error().code == code && r.error().message().find(text) != std::string::npos;
        if (so) return;
        f.out().fail(__FILE__, __LINE__, std::string{verb} + (r ? " is taken" : ": " + r.error().message()));
    };
    std::vector<insert_status> inserted(1);
    const std::vector<job> jobs{f.make("new")};
    refused("insert", f->insert(jobs, inserted, f.now));
    const std::vector<stored_job> past{past_of(f, "new")};
    refused("restore", f->restore(past, inserted, f.now));
    std::vector<change_status> changed(1);
    const std::vector<std::string> dead{"dead"};
    const std::vector<std::string> pending{"pending"};
    refused("revive", f->revive(dead, changed, f.now));
    refused("cancel", f->cancel(pending, changed, f.now));
    refused("remove", f->remove(dead, changed));
    refused("purge", f->purge({}, 10));
    refused("reprioritise", f->reprioritise("pending", 3, f.now));
}

// The five ended or waiting jobs of put_one_of_each_state, as they were.
template <backend B>
void nothing_has_changed(fixture<B>& f)
{
    QUEUECTL_EQUAL(f, f.list().size(), 6);
    QUEUECTL_EQUAL(f, f.find("dead").state, state::dead);
    QUEUECTL_EQUAL(f, f.find("pending").state, state::pending);
    QUEUECTL_EQUAL(f, int{f.find("pending").job.priority}, 0);
    QUEUECTL_CHECK(f, f.knows("completed") && !f.knows("new"));
}

template <backend B>
void line11_a_moving_store_begins_nothing(fixture<B>& f)
{
    put_one_of_each_state(f);
    set_store(f, store_state::moving);
    refuses_changes_of_jobs(f, errc::busy, new_place);
    nothing_has_changed(f);
    std::vector<lease> leases;
    auto told = f->claim(f.request(), leases, f.now);
    if (f.good(told, "claim")) QUEUECTL_CHECK(f, told->next_at == timestamp_max);
    QUEUECTL_EQUAL(f, leases.size(), 0);
    set_store(f, store_state::open);
    QUEUECTL_EQUAL(f, f.drain(), {"pending"});
}

template <backend B>
void line11_a_moving_store_lets_runs_end(fixture<B>& f)
{
    for (const char* id : {"completes", "fails", "released", "freed"}) f.put(id);
    auto all = f.request();
    all.max = 3;
    const auto leases = f.claim(all);
    all.worker = "worker-2";
    f.claim(all);
    if (!QUEUECTL_EQUAL(f, leases.size(), 3)) return;
    set_store(f, store_state::moving);
    QUEUECTL_EQUAL(f, f.extend(leases[0].receipt()), extend_status::held);
    QUEUECTL_EQUAL(f, f.settle(f.success(leases[0])), settle_status::applied);
    QUEUECTL_EQUAL(f, f.settle(f.ended(leases[1], verdict_kind::retry, "why")), settle_status::applied);
    const std::vector<settlement> last{f.released(leases[2])};
    std::vector<settle_status> statuses(1);
    std::vector<lease> more;
    f.good(settle_and_claim(f.store(), std::span{last}, std::span{statuses}, f.request(), more, f.now), "settle");
    QUEUECTL_EQUAL(f, statuses, {settle_status::applied});
    QUEUECTL_EQUAL(f, more.size(), 0);
    QUEUECTL_EQUAL(f, f->free_worker("worker-2", "killed", f.now).value_or(99), 1);
    QUEUECTL_EQUAL(f, f.find("completes").state, state::completed);
    QUEUECTL_EQUAL(f, f.find("fails").state, state::failed);
    QUEUECTL_EQUAL(f, f.find("released").state, state::pending);
    QUEUECTL_EQUAL(f, f.find("freed").crashes, 1);
}

template <backend B>
void line11_a_moving_store_returns_expired_leases(fixture<B>& f)
{
    f.put("a");
    f.take();
    set_store(f, store_state::moving);
    f.advance(f.lease_time + f.tick);
    std::vector<lease> leases;
    auto told = f->claim(f.request(), leases, f.now);
    if (f.good(told, "claim")) QUEUECTL_EQUAL(f, told->reaped, 1);
    QUEUECTL_EQUAL(f, leases.size(), 0);
    QUEUECTL_EQUAL(f, f.find("a").state, state::pending);
    QUEUECTL_EQUAL(f, f.find("a").crashes, 1);
}

template <backend B>
void line11_a_moving_store_takes_cancels_of_what_runs(fixture<B>& f)
{
    put_one_of_each_state(f);
    set_store(f, store_state::moving);
    QUEUECTL_EQUAL(f, f.cancel("processing"), change_status::requested);
    QUEUECTL_CHECK(f, f.find("processing").cancel_requested);
    QUEUECTL_EQUAL(f, f.cancel("dead"), change_status::conflict);
    QUEUECTL_EQUAL(f, f.cancel("nobody"), change_status::not_found);
    const std::vector<std::string> both{"processing", "pending"};
    std::vector<change_status> statuses(2);
    const auto told = f->cancel(both, statuses, f.now);
    QUEUECTL_CHECK(f, !told && told.error().code == errc::busy);
    QUEUECTL_EQUAL(f, f.find("pending").state, state::pending);
}

template <backend B>
void line11_a_moving_store_takes_settings(fixture<B>& f)
{
    set_store(f, store_state::moving);
    f.good(f->config_put({"key", "value", any_version, timestamp_max}, f.now), "config_put");
    auto found = f->config_get("key", f.now);
    QUEUECTL_CHECK(f, found && *found && (*found)->value == "value");
    QUEUECTL_EQUAL(f, f->config_erase("key").value_or(false), true);
}

template <backend B>
void line11_a_moved_store_refuses_every_change(fixture<B>& f)
{
    put_one_of_each_state(f);
    const auto running = f.find("processing");
    set_store(f, store_state::moved);
    refuses_changes_of_jobs(f, errc::moved, new_place);
    nothing_has_changed(f);
    const auto refused = [&](const auto& r) {
        return !r && r.error().code == errc::moved && r.error().message().find(new_place) != std::string::npos;
    };
    std::vector<lease> leases;
    QUEUECTL_CHECK(f, refused(f->claim(f.request(), leases, f.now)));
    std::vector<extend_status> held(1);
    const std::vector<receipt> receipts{{"processing", running.token}};
    QUEUECTL_CHECK(f, refused(f->extend(receipts, f.lease_time, held, f.now)));
    std::vector<settle_status> settled(1);
    std::vector<settlement> settlements(1);
    settlements[0].receipt = receipts[0];
    QUEUECTL_CHECK(f, refused(f->settle(settlements, settled, f.now)));
    QUEUECTL_CHECK(f, refused(f->free_worker("worker-1", "gone", f.now)));
    if constexpr (fixture<B>::configurable)
        QUEUECTL_CHECK(f, refused(f->config_put({"key", "value", any_version, timestamp_max}, f.now)));
}

// In every state the store can be read, says its state, and can be opened again.
template <backend B>
void line11_a_store_says_its_state(fixture<B>& f)
{
    put_one_of_each_state(f);
    for (const auto s : {store_state::read_only, store_state::moving, store_state::moved, store_state::open}) {
        set_store(f, s);
        auto info = f->info();
        if (!f.good(info, "info")) return;
        QUEUECTL_EQUAL(f, info->state, s);
        QUEUECTL_EQUAL(f, info->read_only, s == store_state::read_only);
        QUEUECTL_EQUAL(f, info->moved_to, s == store_state::moving || s == store_state::moved ? new_place : "");
        QUEUECTL_EQUAL(f, f.list().size(), 6);
        QUEUECTL_EQUAL(f, f.runs("dead").size(), 1);
        std::vector<queue_counts> counts;
        f.good(f->counts(counts), "counts");
    }
    QUEUECTL_EQUAL(f, f.drain(), {"pending"});
}

template <backend B>
void line11_reopen_keeps_the_state(fixture<B>& f)
{
    f.put("a");
    for (const auto s : {store_state::moving, store_state::moved, store_state::open}) {
        set_store(f, s);
        f.reopen();
        auto info = f->info();
        if (!f.good(info, "info")) return;
        QUEUECTL_EQUAL(f, info->state, s);
        QUEUECTL_EQUAL(f, info->moved_to, s == store_state::open ? "" : new_place);
    }
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void line11_another_handle_sees_the_state(fixture<B>& f)
{
    f.put("a");
    const auto other = f.another();
    set_store(f, store_state::moving);
    std::vector<insert_status> inserted(1);
    const std::vector<job> jobs{f.make("new")};
    const auto told = other->insert(jobs, inserted, f.now);
    QUEUECTL_CHECK(f, !told && told.error().code == errc::busy);
    f.good(other->set_state(store_state::open, ""), "set_state");
    f.put("b");
}

template <backend B>
void line11_a_new_state_wakes_those_who_wait(fixture<B>& f)
{
    for (const auto s : {store_state::moving, store_state::moved, store_state::open}) {
        const auto seen = f->changes();
        set_store(f, s);
        QUEUECTL_CHECK(f, f->changes().work != seen.work);
    }
}

template <backend B>
void add_store_state_checks(check_list<B>& list)
{
    if constexpr (transferable<B>) {
        QUEUECTL_ADD_CHECK(list, B, line11_a_moving_store_begins_nothing);
        QUEUECTL_ADD_CHECK(list, B, line11_a_moving_store_lets_runs_end);
        QUEUECTL_ADD_CHECK(list, B, line11_a_moving_store_returns_expired_leases);
        QUEUECTL_ADD_CHECK(list, B, line11_a_moving_store_takes_cancels_of_what_runs);
        QUEUECTL_ADD_CHECK(list, B, line11_a_moved_store_refuses_every_change);
        QUEUECTL_ADD_CHECK(list, B, line11_a_store_says_its_state);
        if constexpr (fixture<B>::configurable) QUEUECTL_ADD_CHECK(list, B, line11_a_moving_store_takes_settings);
        if constexpr (can_reopen<B>) QUEUECTL_ADD_CHECK(list, B, line11_reopen_keeps_the_state);
        if constexpr (can_share<B>) QUEUECTL_ADD_CHECK(list, B, line11_another_handle_sees_the_state);
        if constexpr (fixture<B>::notifying) QUEUECTL_ADD_CHECK(list, B, line11_a_new_state_wakes_those_who_wait);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif
