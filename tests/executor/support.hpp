#ifndef QUEUECTL_TESTS_EXECUTOR_SUPPORT_HPP
#define QUEUECTL_TESTS_EXECUTOR_SUPPORT_HPP

#include <queuectl/context.hpp>
#include <queuectl/executor.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace executor_tests {

using namespace queuectl;
using namespace std::chrono_literals;

// A clock that moves when told to.
struct manual_time {
    duration* at;
    duration operator()() const noexcept { return *at; }
};

inline lease make_lease(std::uint32_t n = 1, std::string payload = {})
{
    lease l;
    l.job.id = "job" + std::to_string(n);
    l.job.payload = std::move(payload);
    l.token = {uid{7, 7}, n};
    return l;
}

inline const instant some_time{timestamp{1000s}, 50s, uid{1, 1}};

inline void nothing(const job&) {}

// Collects until `count` runs have ended; the test's timeout ends one that never does.
template <class E>
std::vector<finished_run> collect(E& e, std::size_t count)
{
    std::vector<finished_run> out;
    while (out.size() < count) e.collect(out, 10s);
    return out;
}

// Starts one job and collects its outcome.
template <class E>
outcome run_one(E& e, const lease& l = make_lease())
{
    EXPECT_TRUE(e.start(l, some_time));
    auto out = collect(e, 1);
    EXPECT_EQ(out.front().token, l.token);
    return out.front().what;
}

}  // namespace executor_tests

#endif
