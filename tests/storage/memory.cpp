#include "memory_fixture.hpp"

using namespace memory_test;

TEST_F(memory, claims_by_priority_then_due_time_then_insertion)
{
    const instant now = at(seconds{100});
    insert(make_job("late", 0, now.wall), now);
    insert(make_job("early", 0, now.wall - seconds{5}), now);
    insert(make_job("tie", 0, now.wall - seconds{5}), now);
    insert(make_job("high", 5, now.wall), now);
    insert(make_job("low", -128), now);
    insert(make_job("top", 127, now.wall), now);
    EXPECT_EQ(ids(claim(10, now)), "top high early tie late low");
    EXPECT_EQ(last.next_at, timestamp_max);
}

TEST_F(memory, claims_in_the_same_order_through_a_filter)
{
    const instant now = at(seconds{100});
    const auto add = [&](std::string id, std::string queue, std::string kind, int priority, seconds ago) {
        job j = make_job(std::move(id), priority, now.wall - ago);
        j.queue = std::move(queue);
        j.kind = std::move(kind);
        insert(j, now);
    };
    add("a", "q1", "k1", 0, seconds{1});
    add("b", "q2", "k1", 0, seconds{3});
    add("c", "q1", "k2", 0, seconds{2});
    add("d", "q2", "k2", 3, seconds{0});
    add("e", "q3", "k1", 9, seconds{9});
    EXPECT_EQ(ids(claim(2, now, {"q1", "q2", "q1"})), "d b");
    EXPECT_EQ(last.next_at, now.wall);
    EXPECT_EQ(ids(claim(9, now, {"q1"}, {"k1"})), "a");
    EXPECT_EQ(ids(claim(9, now, {}, {"k2", "k1"})), "e c");
}

TEST_F(memory, is_due_exactly_at_run_at_and_tells_when)
{
    const instant now = at(seconds{0});
    insert(make_job("a", 0, now.wall + seconds{10}), now);
    insert(make_job("b", 9, now.wall + seconds{20}), now);
    EXPECT_EQ(ids(claim(5, now)), "");
    EXPECT_EQ(last.next_at, now.wall + seconds{10});
    EXPECT_EQ(ids(claim(5, now, {"default"})), "");
    EXPECT_EQ(last.next_at, now.wall + seconds{10});
    EXPECT_EQ(ids(claim(5, at(seconds{10} - duration{1}))), "");
    EXPECT_EQ(ids(claim(5, at(seconds{10}))), "a");
    EXPECT_EQ(last.next_at, now.wall + seconds{20});
}

TEST_F(memory, insert_is_idempotent_by_id_and_nonce)
{
    const instant now = at(seconds{0});
    std::vector<job> jobs{make_job("a"), make_job("b"), make_job("a")};
    std::vector<insert_status> statuses(3);
    const std::vector expected{insert_status::inserted, insert_status::inserted, insert_status::duplicate};
    for (int repeat = 0; repeat < 2; ++repeat) {
        ASSERT_TRUE(s.insert(jobs, statuses, now));
        EXPECT_EQ(statuses, expected) << "the same call, time " << repeat;
    }
    jobs[0].nonce = {1, 2};
    ASSERT_TRUE(s.insert({jobs.data(), 1}, statuses, now));
    EXPECT_EQ(statuses[0], insert_status::duplicate);
    EXPECT_EQ(count(state::pending), 2u);
}

TEST_F(memory, a_held_job_is_not_claimed)
{
    job j = make_job("a");
    j.hold = hold_dependency;
    insert(j, at(seconds{0}));
    EXPECT_EQ(ids(claim(5, at(seconds{1}))), "");
    EXPECT_EQ(last.next_at, timestamp_max);
    EXPECT_EQ(count(state::pending), 1u);
    EXPECT_EQ(cancel("a", at(seconds{2})), change_status::done);
}

TEST_F(memory, a_completed_job_vanishes_or_is_kept)
{
    const instant now = at(seconds{0});
    insert(make_job("a"), now);
    job kept = make_job("b");
    kept.retention = hours{1};
    insert(kept, now);
    const auto leases = claim(2, now);
    attempt ok;
    ok.status = run_status::succeeded;
    ok.exit_code = 0;
    for (const settle_status again : {settle_status::gone, settle_status::applied}) {
        const std::size_t i = again == settle_status::gone ? 0 : 1;
        EXPECT_EQ(settle(leases[i].receipt(), {verdict_kind::complete}, now, ok), settle_status::applied);
        EXPECT_EQ(settle(leases[i].receipt(), {verdict_kind::complete}, now, ok), again);
    }
    EXPECT_TRUE(gone("a"));
    const job_record r = find("b");
    EXPECT_EQ(r.state, state::completed);
    EXPECT_EQ(r.attempts, 1);
    EXPECT_EQ(r.exit_code, 0);
    EXPECT_FALSE(r.token);
    EXPECT_EQ(count(state::completed), 1u);
    EXPECT_EQ(count(state::processing), 0u);
}

TEST_F(memory, a_retry_waits_as_failed_and_counts)
{
    insert(make_job("a"), at(seconds{0}));
    const auto first = claim(1, at(seconds{0}));
    const timestamp again = at(seconds{9}).wall;
    EXPECT_EQ(settle(first[0].receipt(), {verdict_kind::retry, again}, at(seconds{1}), failed("no")),
              settle_status::applied);
    job_record r = find("a");
    EXPECT_EQ(r.state, state::failed);
    EXPECT_EQ(r.error, "no");
    EXPECT_EQ(r.exit_code, 3);
    EXPECT_EQ(r.job.run_at, again);
    EXPECT_EQ(ids(claim(1, at(seconds{8}))), "");
    const auto second = claim(1, at(seconds{9}));
    ASSERT_EQ(ids(second), "a");
    EXPECT_EQ(second[0].attempts, 1);
    EXPECT_EQ(second[0].error, "no");
    EXPECT_EQ(settle(first[0].receipt(), {verdict_kind::bury}, at(seconds{9}), failed("late")), settle_status::applied)
        << "it settled last: said again, changed nothing";
    EXPECT_EQ(find("a").state, state::processing);
    EXPECT_EQ(settle(second[0].receipt(), {verdict_kind::release}, at(seconds{10})), settle_status::applied);
    EXPECT_EQ(find("a").state, state::failed) << "as it was before the claim";
    EXPECT_EQ(find("a").attempts, 1);
    EXPECT_EQ(settle(first[0].receipt(), {verdict_kind::complete}, at(seconds{10})), settle_status::lease_lost);
}

TEST_F(memory, a_release_keeps_the_old_place)
{
    for (const char* id : {"a", "b", "c", "d"}) insert(make_job(id), at(seconds{0}));
    const auto leases = claim(3, at(seconds{0}));
    EXPECT_EQ(settle(leases[1].receipt(), {verdict_kind::release}, at(seconds{0})), settle_status::applied);
    EXPECT_EQ(settle(leases[2].receipt(), {verdict_kind::release}, at(seconds{0})), settle_status::applied);
    EXPECT_EQ(settle(leases[0].receipt(), {verdict_kind::release}, at(seconds{0})), settle_status::applied);
    EXPECT_EQ(ids(claim(9, at(seconds{0}))), "a b c d");
}

TEST_F(memory, an_expired_lease_counts_a_crash)
{
    insert(make_job("a"), at(seconds{0}));
    const auto first = claim(1, at(seconds{0}));
    EXPECT_EQ(extend(first[0].receipt(), seconds{30}, at(seconds{20})), extend_status::held);
    EXPECT_EQ(find("a").lease_until, at(seconds{50}).wall);
    EXPECT_EQ(ids(claim(1, at(seconds{50} - duration{1}))), "");
    const auto second = claim(1, at(seconds{50}));
    ASSERT_EQ(ids(second), "a");
    EXPECT_EQ(last.reaped, 1u);
    EXPECT_EQ(second[0].crashes, 1);
    EXPECT_EQ(second[0].attempts, 0);
    EXPECT_EQ(second[0].run_number(), 2);
    EXPECT_EQ(settle(first[0].receipt(), {verdict_kind::complete}, at(seconds{50})), settle_status::lease_lost);
    EXPECT_EQ(extend(first[0].receipt(), seconds{30}, at(seconds{50})), extend_status::lease_lost);
    std::vector<attempt> runs;
    ASSERT_TRUE(s.attempts("a", runs));
    ASSERT_EQ(runs.size(), 1u);
    EXPECT_EQ(runs[0].status, run_status::crashed);
    EXPECT_EQ(runs[0].number, 1);
    EXPECT_EQ(runs[0].worker, "w");
}

TEST_F(memory, the_token_decides_and_not_the_clock)
{
    insert(make_job("a"), at(seconds{0}));
    const auto leases = claim(1, at(seconds{0}));
    EXPECT_EQ(extend(leases[0].receipt(), seconds{30}, at(hours{5})), extend_status::held);
    EXPECT_EQ(settle(leases[0].receipt(), {verdict_kind::complete}, at(hours{9})), settle_status::applied);
}

TEST_F(memory, leases_of_another_boot_have_expired)
{
    insert(make_job("a"), at(seconds{0}, 1));
    insert(make_job("b"), at(seconds{0}, 1));
    const auto leases = claim(2, at(seconds{0}, 1));
    EXPECT_EQ(extend(leases[1].receipt(), seconds{30}, at(seconds{1}, 2)), extend_status::held);
    EXPECT_EQ(ids(claim(9, at(seconds{1}, 2))), "a") << "b was measured anew";
    EXPECT_EQ(last.reaped, 1u);
    EXPECT_EQ(settle(leases[1].receipt(), {verdict_kind::complete}, at(seconds{2}, 2)), settle_status::applied);
}

TEST_F(memory, a_repeated_claim_returns_its_leases)
{
    for (const char* id : {"a", "b", "c", "d"}) insert(make_job(id), at(seconds{0}));
    claim_request r{3, {}, {}, seconds{30}, "w", uid{1, 1}, false};
    std::vector<lease> first;
    std::vector<lease> second;
    ASSERT_TRUE(s.claim(r, first, at(seconds{0})));
    EXPECT_EQ(settle(first[1].receipt(), {verdict_kind::complete}, at(seconds{0})), settle_status::applied);
    r.repeat = true;
    ASSERT_TRUE(s.claim(r, second, at(seconds{0})));
    ASSERT_EQ(ids(second), "a c");
    EXPECT_EQ(second[1].token, first[2].token);
    r.nonce = {1, 2};
    second.clear();
    ASSERT_TRUE(s.claim(r, second, at(seconds{0})));
    EXPECT_EQ(ids(second), "d") << "the first one did not happen";
}

TEST_F(memory, cancellation_of_a_running_job_wins_whatever_ends_the_lease)
{
    for (const char* id : {"expire", "free", "release", "retry", "done"}) insert(make_job(id), at(seconds{0}));
    const auto expiring = claim(1, at(seconds{0}), {}, {}, "slow");
    const auto freed = claim(1, at(seconds{20}), {}, {}, "dead");
    const auto rest = claim(3, at(seconds{20}));
    for (const char* id : {"expire", "free", "release", "retry", "done"})
        EXPECT_EQ(cancel(id, at(seconds{21})), change_status::requested);
    EXPECT_EQ(extend(rest[0].receipt(), seconds{30}, at(seconds{21})), extend_status::cancel_requested);
    EXPECT_EQ(*s.free_worker("dead", "killed", at(seconds{22})), 1u);
    settle(rest[0].receipt(), {verdict_kind::release}, at(seconds{22}));
    settle(rest[1].receipt(), {verdict_kind::retry, at(seconds{23}).wall}, at(seconds{22}), failed("x"));
    settle(rest[2].receipt(), {verdict_kind::complete}, at(seconds{22}));
    EXPECT_EQ(ids(claim(9, at(seconds{40}))), "");
    EXPECT_EQ(last.reaped, 1u);
    for (const char* id : {"expire", "free", "release", "retry"}) EXPECT_EQ(find(id).state, state::cancelled) << id;
    EXPECT_EQ(find("free").error, "killed");
    EXPECT_TRUE(gone("done"));
    EXPECT_EQ(count(state::cancelled), 4u);
}

TEST_F(memory, times_saturate)
{
    const instant now = at(seconds{0});
    insert(make_job("a", 0, timestamp{duration::max()}), now);
    EXPECT_EQ(find("a").job.run_at, timestamp_max);
    insert(make_job("b"), now);
    claim_request r{1, {}, {}, duration::max(), "w", uid{1, 1}, false};
    std::vector<lease> leases;
    ASSERT_TRUE(s.claim(r, leases, now));
    EXPECT_EQ(find("b").lease_until, timestamp_max);
    EXPECT_EQ(settle(leases[0].receipt(), {verdict_kind::retry, timestamp{duration::max()}}, now, failed("")),
              settle_status::applied);
    EXPECT_EQ(find("b").job.run_at, timestamp_max);
}

TEST_F(memory, settle_and_claim_are_one_step)
{
    insert(make_job("a"), at(seconds{0}));
    insert(make_job("b"), at(seconds{0}));
    const auto first = claim(1, at(seconds{0}));
    const settlement done{first[0].receipt()};
    settle_status status{};
    std::vector<lease> leases;
    claim_request r{5, {}, {}, seconds{30}, "w", uid{1, 1}, false};
    ASSERT_TRUE(s.settle_and_claim({&done, 1}, {&status, 1}, r, leases, at(seconds{0})));
    EXPECT_EQ(status, settle_status::applied);
    EXPECT_EQ(ids(leases), "b");
    memory_storage moved = std::move(s);
    EXPECT_TRUE(moved.find("b")->has_value());
    s = std::move(moved);
    EXPECT_TRUE(gone("a"));
}

TEST_F(memory, keeps_every_field)
{
    job j = make_job("a");
    j.payload = std::string(5000, 'x');
    j.timeout = seconds{3};
    j.retention = seconds{4};
    j.backoff_base = 1.5;
    j.max_retries = 9;
    j.tag = "t";
    j.key = "k";
    j.unique_key = "u";
    j.batch = "b";
    j.cwd = "/";
    j.env = std::string("A=1\0", 4);
    j.depends_on = {"x", "y"};
    insert(j, at(seconds{0}));
    const auto leases = claim(1, at(seconds{0}));
    for (const job& back : {leases.at(0).job, find("a").job}) {
        EXPECT_EQ(back.payload, j.payload);
        EXPECT_EQ(back.timeout, j.timeout);
        EXPECT_EQ(back.retention, j.retention);
        EXPECT_EQ(back.backoff_base, j.backoff_base);
        EXPECT_EQ(back.max_retries, j.max_retries);
        EXPECT_EQ(back.tag + back.key + back.unique_key + back.batch + back.cwd, "tkub/");
        EXPECT_EQ(back.env, j.env);
        EXPECT_EQ(back.depends_on, j.depends_on);
    }
    settle(leases[0].receipt(), {verdict_kind::cancel}, at(seconds{0}));
    EXPECT_EQ(*s.purge({}, 1), 1u);
    insert(make_job("b"), at(seconds{0}));
    EXPECT_EQ(find("b").job.tag, "") << "the place of another job is used again";
    EXPECT_EQ(find("b").job.payload, "");
    EXPECT_FALSE(find("b").settled_token);
}
