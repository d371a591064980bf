// Short ways to use a store on a server, on real time.
#ifndef QUEUECTL_TESTS_REDIS_LIFE_HPP
#define QUEUECTL_TESTS_REDIS_LIFE_HPP

#include "redis/server.hpp"

#include <queuectl/time_source.hpp>

namespace queuectl_test {

[[nodiscard]] inline instant real_now() { return system_time_source{}.now(); }
[[nodiscard]] inline uid fresh()
{
    static std::atomic<std::uint64_t> last{0};
    return {static_cast<std::uint64_t>(::getpid()) << 32 | 7, ++last};
}

[[nodiscard]] inline job make_job(std::string id, const instant& now = real_now())
{
    job j;
    j.id = std::move(id);
    j.queue = "default";
    j.kind = "shell";
    j.payload = "true";
    j.run_at = now.wall;
    j.retention = std::chrono::hours{24};
    j.nonce = fresh();
    return j;
}

[[nodiscard]] inline result<insert_status> put(redis_storage& s, const job& j, const instant& now = real_now())
{
    insert_status told{};
    auto done = s.insert({&j, 1}, {&told, 1}, now);
    if (!done) return fail(done.error());
    return told;
}

[[nodiscard]] inline result<std::vector<lease>> take(redis_storage& s, std::size_t max = 1,
                                                     duration length = std::chrono::hours{1},
                                                     const instant& now = real_now())
{
    claim_request r;
    r.max = max;
    r.lease = length;
    r.worker = "w";
    r.nonce = fresh();
    std::vector<lease> leases;
    auto done = s.claim(r, leases, now);
    if (!done) return fail(done.error());
    return leases;
}

[[nodiscard]] inline settlement success(const lease& l, const instant& now = real_now())
{
    settlement s;
    s.receipt = l.receipt();
    attempt run;
    run.status = run_status::succeeded;
    run.exit_code = 0;
    run.started_at = run.ended_at = now.wall;
    s.report = run;
    return s;
}
[[nodiscard]] inline result<settle_status> settle(redis_storage& s, const settlement& what,
                                                  const instant& now = real_now())
{
    settle_status told{};
    auto done = s.settle({&what, 1}, {&told, 1}, now);
    if (!done) return fail(done.error());
    return told;
}

[[nodiscard]] inline job_record find(redis_storage& s, const std::string& id)
{
    auto found = s.find(id);
    if (!found || !*found) {
        ADD_FAILURE() << id << ": " << (found ? "not found" : found.error().message());
        return {};
    }
    return std::move(**found);
}
[[nodiscard]] inline std::uint64_t count(redis_storage& s, state which)
{
    std::vector<queue_counts> all;
    EXPECT_TRUE(s.counts(all));
    std::uint64_t n = 0;
    for (const auto& q : all) n += q[which];
    return n;
}

template <class T>
[[nodiscard]] errc code_of(const result<T>& r)
{
    return r ? errc{255} : r.error().code;
}

}  // namespace queuectl_test

#endif
