// What people see of a memory store and do to it.
#include "memory_fixture.hpp"

using namespace memory_test;

TEST_F(memory, keeps_the_last_attempts_and_their_output)
{
    insert(make_job("a"), at(seconds{0}));
    const std::int32_t runs = static_cast<std::int32_t>(limits::attempts_kept) + 5;
    for (std::int32_t i = 0; i < runs; ++i) {
        const auto leases = claim(1, at(seconds{i}));
        ASSERT_EQ(leases.size(), 1u);
        attempt run = failed("e");
        run.output.head = std::string{"run "} + std::to_string(i + 1);
        settle(leases[0].receipt(), {verdict_kind::retry, at(seconds{i}).wall}, at(seconds{i}), run);
    }
    std::vector<attempt> kept;
    ASSERT_TRUE(s.attempts("a", kept));
    ASSERT_EQ(kept.size(), limits::attempts_kept);
    EXPECT_EQ(kept.front().number, 6);
    EXPECT_EQ(kept.back().number, runs);
    EXPECT_EQ(kept.back().output_bytes, 6u);
    EXPECT_EQ(kept.back().output.head, "");
    EXPECT_EQ(s.output("a", runs)->head, "run 25");
    EXPECT_EQ(s.output("a", 5).error().code, errc::not_found);
}

TEST_F(memory, lists_every_job_once_and_in_order)
{
    for (int i = 0; i < 3000; ++i) insert(make_job(std::string{"j"} + std::to_string(i)), at(seconds{0}));
    std::vector<std::string> out_of_the_way;
    for (int i = 0; i < 3000; i += 3) out_of_the_way.push_back(std::string{"j"} + std::to_string(i));
    std::vector<change_status> statuses(out_of_the_way.size());
    ASSERT_TRUE(s.remove(out_of_the_way, statuses));
    cancel("j2999", at(seconds{1}));
    for (const bool filtered : {false, true}) {
        std::vector<job_record> all;
        job_filter filter;
        if (filtered) filter.state = state::cancelled;
        std::uint64_t cursor = 0;
        do cursor = *s.list(filter, {cursor, 700}, all);
        while (cursor != 0);
        ASSERT_EQ(all.size(), filtered ? 1u : 2000u);
        EXPECT_EQ(all.back().job.id, "j2999");
        for (std::size_t i = 1; i < all.size(); ++i) EXPECT_LT(all[i - 1].sequence, all[i].sequence);
    }
}

TEST_F(memory, revive_starts_anew_at_the_end_of_the_line)
{
    insert(make_job("a"), at(seconds{0}));
    const auto leases = claim(1, at(seconds{0}));
    settle(leases[0].receipt(), {verdict_kind::bury}, at(seconds{1}), failed("bad"));
    insert(make_job("b", 0, at(seconds{2}).wall), at(seconds{2}));
    EXPECT_EQ(revive("a", at(seconds{2})), change_status::done);
    EXPECT_EQ(revive("a", at(seconds{2})), change_status::conflict);
    EXPECT_EQ(revive("none", at(seconds{2})), change_status::not_found);
    const job_record r = find("a");
    EXPECT_EQ(r.attempts, 0);
    EXPECT_EQ(r.error, "bad");
    EXPECT_EQ(r.job.run_at, at(seconds{2}).wall);
    EXPECT_EQ(ids(claim(9, at(seconds{2}))), "b a");
}

TEST_F(memory, purges_by_state_queue_tag_and_age)
{
    for (int i = 0; i < 6; ++i) {
        job j = make_job(std::string{"j"} + std::to_string(i));
        j.queue = i % 2 ? "odd" : "even";
        j.tag = i < 3 ? "small" : "big";
        insert(j, at(seconds{0}));
        cancel(j.id, at(seconds{i}));
    }
    insert(make_job("waits"), at(seconds{0}));
    job_filter filter;
    filter.state = state::dead;
    EXPECT_EQ(*s.purge(filter, 10), 0u);
    filter = {};
    filter.queue = "odd";
    filter.updated_before = at(seconds{3}).wall;
    EXPECT_EQ(*s.purge(filter, 10), 1u);
    EXPECT_TRUE(gone("j1"));
    filter = {};
    filter.tag = "small";
    EXPECT_EQ(*s.purge(filter, 1), 1u);
    EXPECT_EQ(*s.purge(filter, 5), 1u);
    EXPECT_EQ(*s.purge(filter, 5), 0u);
    EXPECT_EQ(*s.purge({}, 100), 3u);
    EXPECT_EQ(find("waits").state, state::pending);
}

TEST_F(memory, reprioritise_moves_a_waiting_job)
{
    for (const char* id : {"a", "b", "c"}) insert(make_job(id), at(seconds{0}));
    EXPECT_EQ(*s.reprioritise("c", 7, at(seconds{0})), change_status::done);
    EXPECT_EQ(*s.reprioritise("none", 7, at(seconds{0})), change_status::not_found);
    EXPECT_EQ(s.reprioritise("c", 128, at(seconds{0})).error().code, errc::invalid_argument);
    EXPECT_EQ(ids(claim(1, at(seconds{0}))), "c");
    EXPECT_EQ(*s.reprioritise("c", 0, at(seconds{0})), change_status::conflict);
    EXPECT_EQ(*s.reprioritise("a", -1, at(seconds{0})), change_status::done);
    EXPECT_EQ(ids(claim(5, at(seconds{0}))), "b a");
}

TEST_F(memory, config_compares_and_sets_and_expires)
{
    const instant now = at(seconds{0});
    EXPECT_EQ(*s.config_put({"a", "1", 0}, now), 1u);
    EXPECT_EQ(s.config_put({"a", "2", 0}, now).error().code, errc::conflict);
    EXPECT_EQ(*s.config_put({"a", "2", 1, at(seconds{5}).wall}, now), 2u);
    EXPECT_EQ(*s.config_put({"ab", "3", any_version}, now), 3u);
    EXPECT_EQ((*s.config_get("a", at(seconds{4})))->value, "2");
    EXPECT_FALSE(s.config_get("a", at(seconds{5}))->has_value());
    std::vector<config_entry> entries;
    ASSERT_TRUE(s.config_list("a", entries, at(seconds{5})));
    ASSERT_EQ(entries.size(), 1u);
    EXPECT_EQ(entries[0].key, "ab");
    EXPECT_EQ(*s.config_put({"a", "4", 0}, at(seconds{5})), 4u) << "an expired entry is none";
    EXPECT_TRUE(*s.config_erase("a"));
    EXPECT_FALSE(*s.config_erase("a"));
}
