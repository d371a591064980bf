// memory_storage among threads: each job runs once, and waits end when they should.
#include "memory_fixture.hpp"

#include <atomic>
#include <thread>

using namespace memory_test;

TEST_F(memory, threads_share_the_work_and_no_job_runs_twice)
{
    constexpr int jobs = 20'000;
    std::vector<std::atomic<int>> runs(jobs);
    std::atomic<int> done{0};
    const auto work = [&](std::uint64_t number) {
        std::vector<lease> leases;
        uid nonce{number, 0};
        while (done < jobs) {
            leases.clear();
            ++nonce.low;
            if (!s.claim({7, {}, {}, seconds{30}, std::to_string(number), nonce, false}, leases, at(seconds{0})))
                return;
            for (const lease& l : leases) {
                ++runs[static_cast<std::size_t>(std::stoi(l.job.id))];
                const settlement one{l.receipt()};
                settle_status status{};
                if (s.settle({&one, 1}, {&status, 1}, at(seconds{0})) && status == settle_status::applied) ++done;
            }
        }
    };
    std::vector<std::thread> threads;
    for (std::uint64_t number = 1; number <= 3; ++number) threads.emplace_back(work, number);
    for (int i = 0; i < jobs; ++i)
        ASSERT_EQ(insert(make_job(std::to_string(i)), at(seconds{0})), insert_status::inserted);
    for (auto& t : threads) t.join();
    for (const auto& n : runs) ASSERT_EQ(n, 1);
    EXPECT_EQ(count(state::pending) + count(state::processing), 0u);
}

TEST_F(memory, a_wait_ends_with_work_a_cancel_an_interrupt_or_its_time)
{
    const change_counts seen = s.changes();
    EXPECT_EQ(s.wait_for_change(seen, duration{1}), seen);
    std::thread waits_for_work{[&] { EXPECT_NE(s.wait_for_change(seen, hours{1}).work, seen.work); }};
    insert(make_job("a"), at(seconds{0}));
    waits_for_work.join();

    claim(1, at(seconds{0}));
    const change_counts before = s.changes();
    std::thread waits_for_control{[&] { EXPECT_NE(s.wait_for_change(before, hours{1}).control, before.control); }};
    EXPECT_EQ(cancel("a", at(seconds{0})), change_status::requested);
    waits_for_control.join();

    std::atomic<bool> returned{false};
    std::thread waits{[&] {
        static_cast<void>(s.wait_for_change(s.changes(), hours{1}));
        returned = true;
    }};
    while (!returned) {
        s.interrupt_waits();
        std::this_thread::yield();
    }
    waits.join();
}
