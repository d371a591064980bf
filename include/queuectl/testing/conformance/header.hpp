// Line 11: a store has a header that every verb obeys.
#ifndef QUEUECTL_TESTING_CONFORMANCE_HEADER_HPP
#define QUEUECTL_TESTING_CONFORMANCE_HEADER_HPP

#include <queuectl/testing/conformance/fixture.hpp>

namespace queuectl::inline v0::conformance {

// Only what dies with the process may do without an id.
template <backend B>
void line11_a_store_has_a_header(fixture<B>& f)
{
    auto info = f->info();
    if (!f.good(info, "info")) return;
    QUEUECTL_CHECK(f, info->id || info->durability == durability::process);
    QUEUECTL_CHECK(f, info->format >= 1);
    QUEUECTL_CHECK(f, info->min_reader <= info->format && info->min_writer <= info->format);
    QUEUECTL_CHECK(f, info->min_reader <= info->min_writer);
    QUEUECTL_CHECK(f, !info->location.empty());
    QUEUECTL_CHECK(f, info->moved_to.empty() && !info->read_only);
}

template <backend B>
void line11_stores_have_ids_of_their_own(fixture<B>& f)
{
    sink none;
    fixture<B> other{none};
    auto mine = f->info();
    auto theirs = other->info();
    if (!f.good(mine, "info") || !f.good(theirs, "info")) return;
    QUEUECTL_CHECK(f, mine->id != theirs->id || !mine->id);
}

template <backend B>
void line11_reopen_keeps_the_id(fixture<B>& f) requires fixture<B>::inspectable
{
    auto before = f->info();
    f.reopen();
    auto after = f->info();
    if (!f.good(before, "info") || !f.good(after, "info")) return;
    QUEUECTL_EQUAL(f, after->id, before->id);
}

template <backend B>
void line11_a_read_only_store_refuses_changes(fixture<B>& f)
{
    f.put("a");
    f.put("b");
    const lease l = f.take();
    f.place().make_read_only();
    const auto refused = [&](const auto& r) { return !r && r.error().code == errc::read_only; };
    std::vector<insert_status> inserted(1);
    const std::vector<job> jobs{f.make("c")};
    QUEUECTL_CHECK(f, refused(f->insert(jobs, inserted, f.now)));
    std::vector<lease> leases;
    QUEUECTL_CHECK(f, refused(f->claim(f.request(), leases, f.now)));
    std::vector<extend_status> held(1);
    const std::vector<receipt> receipts{l.receipt()};
    QUEUECTL_CHECK(f, refused(f->extend(receipts, f.lease_time, held, f.now)));
    std::vector<settle_status> settled(1);
    const std::vector<settlement> settlements{f.success(l)};
    QUEUECTL_CHECK(f, refused(f->settle(settlements, settled, f.now)));
    if constexpr (fixture<B>::inspectable) {
        QUEUECTL_CHECK(f, refused(f->purge({}, 10)));
        QUEUECTL_CHECK(f, refused(f->free_worker("worker-1", "gone", f.now)));
        QUEUECTL_EQUAL(f, f.list().size(), 2);
    }
}

template <backend B>
void add_header_checks(check_list<B>& list)
{
    if constexpr (fixture<B>::inspectable) {
        QUEUECTL_ADD_CHECK(list, B, line11_a_store_has_a_header);
        QUEUECTL_ADD_CHECK(list, B, line11_stores_have_ids_of_their_own);
        if constexpr (can_reopen<B>) QUEUECTL_ADD_CHECK(list, B, line11_reopen_keeps_the_id);
    }
    if constexpr (can_freeze<B>) QUEUECTL_ADD_CHECK(list, B, line11_a_read_only_store_refuses_changes);
}

}  // namespace queuectl::inline v0::conformance

#endif
