// Line 7: no call touches more than a bounded number of records.
#ifndef QUEUECTL_TESTING_CONFORMANCE_BOUNDS_HPP
#define QUEUECTL_TESTING_CONFORMANCE_BOUNDS_HPP

#include <queuectl/testing/conformance/fixture.hpp>

namespace queuectl::inline v0::conformance {

template <backend B>
void line7_a_claim_reaps_a_bounded_number(fixture<B>& f)
{
    const std::size_t n = limits::reap + 10;
    f.put_many("a", n, [](job&) {});
    for (std::size_t leased = 0; leased < n;) {
        const auto got = f.claim(std::min(n - leased, f.batch())).size();
        if (!QUEUECTL_CHECK(f, got > 0)) return;
        leased += got;
    }
    f.advance(f.lease_time + f.tick);
    QUEUECTL_EQUAL(f, f.look(f.request(1)).reaped, limits::reap);
    QUEUECTL_EQUAL(f, f.look(f.request(1)).reaped, n - limits::reap);
    QUEUECTL_EQUAL(f, f.look(f.request(1)).reaped, 0);
}

template <backend B>
void line7_a_page_is_bounded(fixture<B>& f) requires fixture<B>::inspectable
{
    const std::size_t n = limits::sweep + 10;
    f.put_many("a", n, [](job&) {});
    std::vector<job_record> records;
    page_request page;
    page.limit = n;
    auto next = f->list({}, page, records);
    if (!f.good(next, "list")) return;
    QUEUECTL_CHECK(f, records.size() <= limits::sweep);
    QUEUECTL_CHECK(f, *next != 0);
    QUEUECTL_EQUAL(f, f.list().size(), n);
}

template <backend B>
void line7_a_purge_is_bounded(fixture<B>& f) requires fixture<B>::inspectable
{
    const std::size_t n = limits::sweep + 10;
    f.put_many("a", n, [](job&) {});
    for (std::size_t i = 0; i < n; ++i) f.cancel(std::string{"a"} + std::to_string(i));
    auto first = f->purge({}, n);
    if (!f.good(first, "purge")) return;
    QUEUECTL_CHECK(f, *first <= limits::sweep);
    std::size_t purged = *first;
    for (std::size_t more = 1; more != 0; purged += more) more = f->purge({}, n).value_or(0);
    QUEUECTL_EQUAL(f, purged, n);
}

template <backend B>
void line7_free_worker_is_bounded(fixture<B>& f) requires fixture<B>::inspectable
{
    const std::size_t n = limits::sweep + 10;
    f.put_many("a", n, [](job&) {});
    for (std::size_t leased = 0; leased < n;) {
        const auto got = f.claim(std::min(n - leased, f.batch())).size();
        if (!QUEUECTL_CHECK(f, got > 0)) return;
        leased += got;
    }
    auto first = f->free_worker("worker-1", "gone", f.now);
    if (!f.good(first, "free_worker")) return;
    QUEUECTL_CHECK(f, *first <= limits::sweep);
    std::size_t freed = *first;
    for (std::size_t more = 1; more != 0; freed += more) more = f->free_worker("worker-1", "gone", f.now).value_or(0);
    QUEUECTL_EQUAL(f, freed, n);
}

template <backend B>
void line7_whole_batches_are_taken(fixture<B>& f)
{
    std::vector<job> jobs;
    for (std::size_t i = 0; i < f.batch(); ++i) jobs.push_back(f.make(std::string{"a"} + std::to_string(i)));
    for (const auto told : f.insert(jobs)) QUEUECTL_EQUAL(f, told, insert_status::inserted);
    const auto leases = f.claim(f.batch());
    if (!QUEUECTL_EQUAL(f, leases.size(), f.batch())) return;
    std::vector<settlement> settlements;
    for (const auto& l : leases) settlements.push_back(f.success(l));
    for (const auto told : f.settle(settlements)) QUEUECTL_EQUAL(f, told, settle_status::applied);
    QUEUECTL_EQUAL(f, f.drain(), {});
}

template <backend B>
void add_bound_checks(check_list<B>& list)
{
    QUEUECTL_ADD_CHECK(list, B, line7_a_claim_reaps_a_bounded_number);
    QUEUECTL_ADD_CHECK(list, B, line7_whole_batches_are_taken);
    if constexpr (fixture<B>::inspectable) {
        QUEUECTL_ADD_CHECK(list, B, line7_a_page_is_bounded);
        QUEUECTL_ADD_CHECK(list, B, line7_a_purge_is_bounded);
        QUEUECTL_ADD_CHECK(list, B, line7_free_worker_is_bounded);
    }
}

}  // namespace queuectl::inline v0::conformance

#endif
