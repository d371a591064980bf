// What the tests of memory_storage share: virtual time, and verbs for one job.
#ifndef QUEUECTL_TESTS_STORAGE_MEMORY_FIXTURE_HPP
#define QUEUECTL_TESTS_STORAGE_MEMORY_FIXTURE_HPP

#include <queuectl/storage/memory.hpp>

#include <gtest/gtest.h>

namespace memory_test {

using namespace queuectl;
using std::chrono::hours;
using std::chrono::seconds;

inline instant at(duration since_start, std::uint64_t boot = 1)
{
    return {timestamp{hours{24 * 365 * 50}} + since_start, hours{1} + since_start, uid{0, boot}};
}

inline job make_job(std::string id, int priority = 0, timestamp run_at = {})
{
    job j;
    j.id = std::move(id);
    j.queue = "default";
    j.kind = "test";
    j.priority = static_cast<std::int8_t>(priority);
    j.run_at = run_at;
    j.nonce = {7, 7};
    return j;
}

struct memory : ::testing::Test {
    memory_storage s;
    std::uint64_t nonces = 0;
    std::uint64_t insert_nonces = 0;

    insert_status insert(job j, const instant& now)
    {
        if (j.nonce == uid{7, 7}) j.nonce = {8, ++insert_nonces};
        insert_status status{};
        EXPECT_TRUE(s.insert({&j, 1}, {&status, 1}, now));
        return status;
    }
    std::vector<lease> claim(std::size_t max, const instant& now, std::vector<std::string> queues = {},
                             std::vector<std::string> kinds = {}, std::string_view worker = "w")
    {
        claim_request r{max, queues, kinds, seconds{30}, worker, uid{9, ++nonces}, false};
        std::vector<lease> leases;
        const auto info = s.claim(r, leases, now);
        EXPECT_TRUE(info);
        last = *info;
        return leases;
    }
    settle_status settle(const receipt& r, verdict v, const instant& now, std::optional<attempt> report = {},
                         std::string error = {})
    {
        const settlement one{r, v, std::move(report), std::move(error), {}};
        settle_status status{};
        EXPECT_TRUE(s.settle({&one, 1}, {&status, 1}, now));
        return status;
    }
    extend_status extend(const receipt& r, duration d, const instant& now)
    {
        extend_status status{};
        EXPECT_TRUE(s.extend({&r, 1}, d, {&status, 1}, now));
        return status;
    }
    change_status cancel(std::string id, const instant& now)
    {
        change_status status{};
        EXPECT_TRUE(s.cancel({&id, 1}, {&status, 1}, now));
        return status;
    }
    change_status revive(std::string id, const instant& now)
    {
        change_status status{};
        EXPECT_TRUE(s.revive({&id, 1}, {&status, 1}, now));
        return status;
    }
    job_record find(std::string_view id)
    {
        auto found = s.find(id);
        EXPECT_TRUE(found && *found) << id;
        return found && *found ? **found : job_record{};
    }
    bool gone(std::string_view id) { return !s.find(id)->has_value(); }
    std::uint64_t count(state which)
    {
        std::vector<queue_counts> counts;
        EXPECT_TRUE(s.counts(counts));
        std::uint64_t n = 0;
        for (const auto& q : counts) n += q[which];
        return n;
    }
    static std::string ids(const std::vector<lease>& leases)
    {
        std::string text;
        for (const lease& l : leases) text += (text.empty() ? "" : " ") + l.job.id;
        return text;
    }
    static attempt failed(std::string error)
    {
        attempt a;
        a.status = run_status::failed;
        a.exit_code = 3;
        a.error = std::move(error);
        return a;
    }
    claim_info last;
};

}  // namespace memory_test

#endif
