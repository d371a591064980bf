// The rows of notifying_storage, with real but bounded waits.
#ifndef QUEUECTL_TESTING_CONFORMANCE_NOTIFY_HPP
#define QUEUECTL_TESTING_CONFORMANCE_NOTIFY_HPP

#include <queuectl/testing/conformance/fixture.hpp>

#include <atomic>
#include <chrono>
#include <thread>

namespace queuectl::inline v0::conformance {

// How long a wait is given that should end at once: half of it is already a failure. Set it before the checks run.
inline duration notify_patience = std::chrono::seconds{4};

// Whether the store's counter `which` moves when `act` runs.
template <backend B, class Act>
[[nodiscard]] bool moves(fixture<B>& f, std::uint32_t change_counts::*which, Act act)
{
    const auto before = f->changes();
    act();
    return f->changes().*which != before.*which;
}

template <backend B>
void notify_work_changes_with_what_may_be_claimed(fixture<B>& f)
{
    const auto work = &change_counts::work;
    QUEUECTL_CHECK(f, moves(f, work, [&] { f.put("a"); }));
    QUEUECTL_CHECK(f, moves(f, work, [&] { f.put("later", [&](job& j) { j.run_at = f.in(std::chrono::hours{1}); }); }));
    lease l = f.take();
    QUEUECTL_CHECK(f, moves(f, work, [&] { f.settle(f.released(l)); }));
    l = f.take();
    QUEUECTL_CHECK(f, moves(f, work, [&] { f.settle(f.failed(l, f.now.wall)); }));
    f.take();
    if constexpr (fixture<B>::inspectable) {
        QUEUECTL_CHECK(f, moves(f, work, [&] { f.good(f->free_worker("worker-1", "gone", f.now), "free_worker"); }));
        f.settle(f.buried(f.take()));
        QUEUECTL_CHECK(f, moves(f, work, [&] { f.revive("a"); }));
    }
    if constexpr (fixture<B>::configurable)
        QUEUECTL_CHECK(f, moves(f, work, [&] { f.good(f->config_put({"k", "v", 0, timestamp_max}, f.now), "put"); }));
}

template <backend B>
void notify_control_changes_with_a_cancel(fixture<B>& f) requires fixture<B>::inspectable
{
    f.put("a");
    f.take();
    QUEUECTL_CHECK(f, moves(f, &change_counts::control, [&] { f.cancel("a"); }));
}

template <backend B>
void notify_a_wait_for_what_happened_ends_at_once(fixture<B>& f)
{
    const auto seen = f->changes();
    f.put("a");
    const auto started = std::chrono::steady_clock::now();
    const auto told = f->wait_for_change(seen, notify_patience);
    QUEUECTL_CHECK(f, std::chrono::steady_clock::now() - started < notify_patience / 2);
    QUEUECTL_CHECK(f, told != seen);
    QUEUECTL_CHECK(f, told == f->changes());
}

template <backend B>
void notify_a_wait_ends_with_its_time(fixture<B>& f)
{
    const auto started = std::chrono::steady_clock::now();
    f->wait_for_change(f->changes(), std::chrono::milliseconds{1});
    QUEUECTL_CHECK(f, std::chrono::steady_clock::now() - started < notify_patience / 2);
}

// Runs `act` while another thread waits for a change; whether that ended well before its time.
template <backend B, class Act>
[[nodiscard]] bool wakes(fixture<B>& f, Act act)
{
    const auto seen = f->changes();
    const auto started = std::chrono::steady_clock::now();
    std::thread waiter{[&] {
        auto told = seen;
        while (told == seen && std::chrono::steady_clock::now() - started < notify_patience)
            told = f->wait_for_change(seen, notify_patience);
    }};
    act();
    waiter.join();
    return std::chrono::steady_clock::now() - started < notify_patience / 2;
}

template <backend B>
void notify_an_insert_wakes_a_waiting_thread(fixture<B>& f)
{
    QUEUECTL_CHECK(f, wakes(f, [&] { f.put("a"); }));
}

template <backend B>
void notify_another_handle_wakes_a_waiting_thread(fixture<B>& f)
{
    const auto other = f.another();
    const std::vector<job> jobs{f.make("a")};
    QUEUECTL_CHECK(f, wakes(f, [&] {
                       std::vector<insert_status> told(1);
                       f.good(other->insert(jobs, told, f.now), "insert");
                   }));
}

template <backend B>
void notify_interrupt_ends_waits(fixture<B>& f)
{
    const auto seen = f->changes();
    const auto started = std::chrono::steady_clock::now();
    std::atomic<bool> returned{false};
    std::thread waiter{[&] {
        f->wait_for_change(seen, notify_patience);
        returned = true;
    }};
    while (!returned && std::chrono::steady_clock::now() - started < notify_patience * 2) {
        f->interrupt_waits();
        std::this_thread::yield();
    }
    waiter.join();
    QUEUECTL_CHECK(f, std::chrono::steady_clock::now() - started < notify_patience / 2);
}

template <backend B>
void add_notification_checks(check_list<B>& list)
{
    if constexpr (fixture<B>::notifying) {
        QUEUECTL_ADD_CHECK(list, B, notify_work_changes_with_what_may_be_claimed);
        QUEUECTL_ADD_CHECK(list, B, notify_a_wait_for_what_happened_ends_at_once);
        QUEUECTL_ADD_CHECK(list, B, notify_a_wait_ends_with_its_time);
        if constexpr (fixture<B>::inspectable) QUEUECTL_ADD_CHECK(list, B, notify_control_changes_with_a_cancel);
        if constexpr (has_threads<B>) {
            QUEUECTL_ADD_CHECK(list, B, notify_an_insert_wakes_a_waiting_thread);
            QUEUECTL_ADD_CHECK(list, B, notify_interrupt_ends_waits);
            if constexpr (can_share<B>) QUEUECTL_ADD_CHECK(list, B, notify_another_handle_wakes_a_waiting_thread);
        }
    }
}

}  // namespace queuectl::inline v0::conformance

#endif
