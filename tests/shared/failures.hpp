// What goes wrong beneath a store of this machine: a disk that is full, and a backlog that must not slow a claim. The
// kind also tells
//
//     count_steps()                        before a store is opened whose steps are to be counted
//     steps(store)                         how much work the storage has done: a number that only grows
#ifndef QUEUECTL_TESTS_SHARED_FAILURES_HPP
#define QUEUECTL_TESTS_SHARED_FAILURES_HPP

#include "shared/store.hpp"

#include <csignal>

#include <sys/resource.h>

namespace queuectl_test {

// What body() returns in a child whose files may not grow beyond `bytes`.
template <class Body>
int with_small_disk(rlim_t bytes, Body body)
{
    const auto child = ::fork();
    if (child == 0) {
        ::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{bytes, bytes};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        ::_exit(body());
    }
    return exit_code_of(child);
}

// 0 when the first insert that the disk has no room for was refused whole, and not the very first.
template <class Storage>
int insert_until_full(Storage& s)
{
    std::vector<insert_status> statuses(8);
    for (int i = 0; i < 100; ++i) {
        const auto jobs = batch_of("big" + std::to_string(i), statuses.size(), 20'000);
        const auto done = s.insert(jobs, statuses, at(1));
        if (done) continue;
        if (done.error().code != errc::store_full) return 2;
        if (*s.find(jobs.front().id) || *s.find(jobs.back().id)) return 3;
        return i > 0 && *s.find("big0.0") && *s.find("first") ? 0 : 4;
    }
    return 5;
}

template <class Storage>
void complete_all(Storage& s)
{
    for (auto leases = take(s, 1000, at(1000)); !leases.empty(); leases = take(s, 1000, at(1000))) {
        std::vector<settlement> done;
        for (const auto& l : leases) done.push_back(ended(l, verdict_kind::complete));
        std::vector<settle_status> told(done.size());
        ASSERT_TRUE(s.settle(done, told, at(1001)));
    }
}

template <class Kind>
class StoreFailures : public store_of<Kind> {
};
TYPED_TEST_SUITE_P(StoreFailures);

TYPED_TEST_P(StoreFailures, AFullDiskRefusesWholeInsertsAndChangesNothing)
{
    {
        auto s = this->open();
        put(s, make_job("first"));
    }
    const int code = with_small_disk(1u << 20, [&] {
        auto s = TypeParam::storage::open(this->path);
        return s ? insert_until_full(*s) : 1;
    });
    EXPECT_EQ(code, 0);
    auto s = this->open();
    EXPECT_EQ(put(s, make_job("later")), insert_status::inserted) << "it goes on when there is room";
}

TYPED_TEST_P(StoreFailures, AClaimCostsTheSameBehindFinishedFutureAndHeldJobs)
{
    TypeParam::count_steps();
    typename TypeParam::options options;
    options.durability = durability::none;
    auto s = this->open(options);
    const auto cost = [&](const std::string& id) {
        put(s, make_job(id), at(1000));
        const auto before = TypeParam::steps(s);
        EXPECT_EQ(take(s, 1, at(1000)).size(), 1u);
        return static_cast<double>(TypeParam::steps(s) - before);
    };
    cost("warm");
    const auto empty = cost("empty");
    std::vector<insert_status> statuses(1000);
    for (int i = 0; i < 60; ++i) {
        auto jobs = batch_of("j" + std::to_string(i), statuses.size(), 4);
        for (auto& j : jobs) {
            if (i < 20) j.run_at = timestamp{duration{2'000'000 + (&j - jobs.data())}};
            if (i < 20) j.priority = static_cast<std::int8_t>(i % 2);
            if (i >= 20 && i < 40) j.hold = hold_dependency;
        }
        ASSERT_TRUE(s.insert(jobs, statuses, at(1)));
    }
    complete_all(s);
    EXPECT_LT(cost("full"), 1.5 * empty);
}

REGISTER_TYPED_TEST_SUITE_P(StoreFailures, AFullDiskRefusesWholeInsertsAndChangesNothing,
                            AClaimCostsTheSameBehindFinishedFutureAndHeldJobs);

}  // namespace queuectl_test

#endif
