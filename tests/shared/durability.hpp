// What each verb of a store pays in syncs.
#ifndef QUEUECTL_TESTS_SHARED_DURABILITY_HPP
#define QUEUECTL_TESTS_SHARED_DURABILITY_HPP

#include "shared/store.hpp"

namespace queuectl_test {

template <class Paid>
struct paid_by_verb {
    Paid insert{}, claim{}, fused{}, settle{};
};

// The difference in `meter()` that each verb makes, on a store that has taken a job before, by a handle that did not
// make it: it has no settings but those that every handle is given, and creating a store must not be what makes it
// durable.
template <class Kind, class Meter>
auto paid_with(typename Kind::options options, Meter meter)
{
    paid_by_verb<decltype(meter() - meter())> out;
    const temporary_folder folder;
    {
        open_as<Kind>(folder / Kind::file, options);
    }
    auto s = open_as<Kind>(folder / Kind::file, options);
    put(s, make_job("first"));
    const auto count = [&](auto& into, auto&& verb) {
        const auto before = meter();
        verb();
        into = meter() - before;
    };
    count(out.insert, [&] { put(s, make_job("second")); });
    std::vector<lease> leases;
    count(out.claim, [&] { leases = take(s, 1, at(10)); });
    EXPECT_EQ(leases.size(), 1u);
    if (leases.empty()) return out;
    auto done = ended(leases[0], verdict_kind::complete);
    claim_request next;
    next.worker = "w";
    next.nonce = fresh();
    settle_status status{};
    leases.clear();
    count(out.fused, [&] { EXPECT_TRUE(s.settle_and_claim({&done, 1}, {&status, 1}, next, leases, at(11))); });
    EXPECT_EQ(leases.size(), 1u);
    if (leases.empty()) return out;
    done = ended(leases[0], verdict_kind::complete);
    count(out.settle, [&] { settle(s, done, at(12)); });
    return out;
}

}  // namespace queuectl_test

#endif
