// Line 9: wall time for due times, the boot clock for leases, and both saturate.
#ifndef QUEUECTL_TESTING_CONFORMANCE_TIME_HPP
#define QUEUECTL_TESTING_CONFORMANCE_TIME_HPP

#include <queuectl/testing/conformance/fixture.hpp>

namespace queuectl::inline v0::conformance {

template <backend B>
void line9_a_lease_ends_on_the_boot_clock(fixture<B>& f)
{
    f.put("a");
    f.take();
    f.now.boot += f.lease_time - f.tick;
    QUEUECTL_EQUAL(f, f.drain(), {});
    f.now.boot += f.tick * 2;
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void line9_a_wall_clock_jump_touches_no_lease(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    for (const int years : {10, -20}) {
        f.now.wall += std::chrono::hours{24 * 365 * years};
        f.now.boot += f.tick;
        QUEUECTL_EQUAL(f, f.drain(), {});
    }
    QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::applied);
}

template <backend B>
void line9_a_wall_clock_set_back_does_not_prolong_a_lease(fixture<B>& f)
{
    f.put("a", [&](job& j) { j.run_at = timestamp{}; });
    f.take();
    f.now.wall -= std::chrono::hours{24 * 365};
    f.now.boot += f.lease_time + f.tick;
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void line9_a_wall_clock_jump_during_an_extend_touches_no_lease(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    f.now.wall -= std::chrono::hours{24};
    QUEUECTL_EQUAL(f, f.extend(l.receipt()), extend_status::held);
    f.now.wall += std::chrono::hours{48};
    f.now.boot += f.lease_time - f.tick;
    QUEUECTL_EQUAL(f, f.drain(), {});
    f.now.boot += f.tick * 2;
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void line9_another_boot_means_expired(fixture<B>& f)
{
    f.put("a");
    const lease l = f.take();
    f.now.boot_id = uid{8, 8};
    claim_info info;
    QUEUECTL_EQUAL(f, f.ids(f.claim(f.request(), &info)), {"a"});
    QUEUECTL_EQUAL(f, info.reaped, 1);
    QUEUECTL_EQUAL(f, f.settle(f.success(l)), settle_status::lease_lost);
}

template <backend B>
void line9_an_earlier_boot_clock_of_another_boot_means_expired(fixture<B>& f)
{
    f.put("a");
    f.take();
    f.now.boot_id = uid{8, 8};
    f.now.boot = duration{1};
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
    f.now.boot += f.lease_time - f.tick;
    QUEUECTL_EQUAL(f, f.drain(), {});
    f.now.boot += f.tick * 2;
    QUEUECTL_EQUAL(f, f.drain(), {"a"});
}

template <backend B>
void line9_far_times_saturate(fixture<B>& f)
{
    f.put("never", [](job& j) { j.run_at = timestamp_max; });
    f.put("a");
    auto r = f.request(2);
    r.lease = duration_max;
    QUEUECTL_EQUAL(f, f.ids(f.claim(r)), {"a"});
    f.advance(std::chrono::hours{24 * 365 * 100});
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void line9_times_before_1970_are_due(fixture<B>& f)
{
    f.put("b");
    f.put("a", [](job& j) { j.run_at = timestamp{std::chrono::hours{-24 * 365}}; });
    QUEUECTL_EQUAL(f, f.drain(), {"a", "b"});
}

template <backend B>
void line9_microseconds_are_kept(fixture<B>& f)
{
    const timestamp at = timestamp{duration{time_max_us - 1}};
    f.put("a", [&](job& j) { j.run_at = at; });
    f.put("b", [&](job& j) { j.run_at = add(at, -f.tick); });
    QUEUECTL_EQUAL(f, f.look(f.request()).next_at, add(at, -f.tick));
    f.now.wall = at;
    const auto leases = f.claim(2);
    if (!QUEUECTL_EQUAL(f, f.ids(leases), {"b", "a"})) return;
    QUEUECTL_EQUAL(f, leases[1].job.run_at, at);
}

template <backend B>
void add_time_checks(check_list<B>& list)
{
    QUEUECTL_ADD_CHECK(list, B, line9_a_lease_ends_on_the_boot_clock);
    QUEUECTL_ADD_CHECK(list, B, line9_a_wall_clock_jump_touches_no_lease);
    QUEUECTL_ADD_CHECK(list, B, line9_a_wall_clock_set_back_does_not_prolong_a_lease);
    QUEUECTL_ADD_CHECK(list, B, line9_a_wall_clock_jump_during_an_extend_touches_no_lease);
    QUEUECTL_ADD_CHECK(list, B, line9_another_boot_means_expired);
    QUEUECTL_ADD_CHECK(list, B, line9_an_earlier_boot_clock_of_another_boot_means_expired);
    QUEUECTL_ADD_CHECK(list, B, line9_far_times_saturate);
    QUEUECTL_ADD_CHECK(list, B, line9_times_before_1970_are_due);
    QUEUECTL_ADD_CHECK(list, B, line9_microseconds_are_kept);
}

}  // namespace queuectl::inline v0::conformance

#endif
