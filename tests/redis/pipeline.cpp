// Threads share few connections, and what comes together goes together: counted by the server.
#include "redis/life.hpp"

#include <atomic>
#include <functional>

namespace queuectl_test {
namespace {

std::uint64_t stat(const redis_server& server, std::string_view name)
{
    const auto info = server.ask({"INFO", "stats"}).text;
    return std::strtoull(std::string{detail::redis::info_field(info, name)}.c_str(), nullptr, 10);
}

void run_each(int threads, const std::function<void(int)>& f)
{
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i) all.emplace_back([&f, i] { f(i); });
    for (auto& t : all) t.join();
}

TEST(RedisPipeline, CallsThatWaitForAConnectionGoTogether)
{
    redis_server server;
    redis_options options;
    options.connections = 1;
    auto store = open_store(server.address(), options);
    ASSERT_TRUE(put(store, make_job("first")));
    constexpr int threads = 16;
    const auto before = stat(server, "total_reads_processed");
    server.signal(SIGSTOP);
    std::thread goes_on{[&] {
        std::this_thread::sleep_for(std::chrono::milliseconds{300});
        server.signal(SIGCONT);
    }};
    run_each(threads, [&](int i) { EXPECT_TRUE(put(store, make_job("j" + std::to_string(i)))); });
    goes_on.join();
    EXPECT_EQ(count(store, state::pending), threads + 1U);
    EXPECT_LE(stat(server, "total_reads_processed") - before, threads / 2U) << "reads of the server";
}

TEST(RedisPipeline, ThreadsUseNoMoreConnectionsThanTheOptionsAllow)
{
    redis_server server;
    redis_options options;
    options.connections = 2;
    auto store = open_store(server.address(), options);
    const auto before = stat(server, "total_connections_received");
    run_each(8, [&](int who) {
        for (int i = 0; i < 20; ++i) {
            const auto id = std::to_string(who) + "." + std::to_string(i);
            EXPECT_EQ(put(store, make_job(id)).value(), insert_status::inserted);
            EXPECT_EQ(find(store, id).job.id, id) << "each call has its own answer";
        }
    });
    const auto made = stat(server, "total_connections_received") - before;
    EXPECT_LE(made, 1 + 2U) << "one more by the question itself, one of two was there before";
}

TEST(RedisPipeline, WhoWaitsTooLongForAConnectionIsTold)
{
    redis_server server;
    redis_options patient;
    patient.connections = 1;
    patient.timeout = std::chrono::milliseconds{200};
    auto store = open_store(server.address(), patient);
    ASSERT_TRUE(put(store, make_job("first")));
    server.signal(SIGSTOP);
    std::atomic<int> wrong{0};
    run_each(4, [&](int i) {
        const auto told = code_of(put(store, make_job("j" + std::to_string(i))));
        if (told != errc::outcome_unknown && told != errc::busy && told != errc::unreachable) ++wrong;
    });
    server.signal(SIGCONT);
    EXPECT_EQ(wrong, 0);
    EXPECT_TRUE(put(store, make_job("after")));
}

}  // namespace
}  // namespace queuectl_test
