// Jobs that are inserted, claimed and settled together, in a store of the test's own.
#ifndef QUEUECTL_TESTS_REDIS_TOGETHER_HPP
#define QUEUECTL_TESTS_REDIS_TOGETHER_HPP

#include "redis/life.hpp"

namespace queuectl_test {

struct together : ::testing::Test {
    redis_address address = shared_server().address(fresh_prefix());
    redis_storage store = open_store(address);

    // "a0" … in one call.
    void put_together(std::size_t n)
    {
        const auto now = real_now();
        std::vector<job> jobs;
        for (std::size_t i = 0; i < n; ++i) jobs.push_back(make_job("a" + std::to_string(i), now));
        std::vector<insert_status> told(n);
        ASSERT_TRUE(store.insert(jobs, told, now));
    }
    [[nodiscard]] std::vector<std::string> claimed(std::size_t max)
    {
        std::vector<std::string> ids;
        const auto leases = take(store, max).value();
        for (const auto& l : leases) ids.push_back(l.job.id);
        return ids;
    }
    [[nodiscard]] std::int64_t size_of(const char* set) const
    {
        return shared_server().ask({"ZCARD", address.prefix + set}).number();
    }
    [[nodiscard]] std::int64_t fields_of(const char* hash) const
    {
        return shared_server().ask({"HLEN", address.prefix + hash}).number();
    }
    [[nodiscard]] std::vector<settle_status> settle_all(std::span<const lease> leases)
    {
        std::vector<settlement> all;
        for (const auto& l : leases) all.push_back(success(l));
        std::vector<settle_status> told(all.size());
        EXPECT_TRUE(store.settle(all, told, real_now()));
        return told;
    }
    void complete(std::span<const lease> leases)
    {
        for (const auto t : settle_all(leases)) EXPECT_EQ(t, settle_status::applied);
    }
};

using ids = std::vector<std::string>;

}  // namespace queuectl_test

#endif
