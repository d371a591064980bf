// A job's life in a store of this machine, and what of it is there after reopening. The kind also tells
//
//     run_rows(store, path)                runs that have a row of their own
#ifndef QUEUECTL_TESTS_SHARED_LIFE_HPP
#define QUEUECTL_TESTS_SHARED_LIFE_HPP

#include "shared/store.hpp"

namespace queuectl_test {

template <class Kind>
class StoreLife : public store_of<Kind> {
};
TYPED_TEST_SUITE_P(StoreLife);

TYPED_TEST_P(StoreLife, SurvivesReopening)
{
    {
        auto s = this->open();
        EXPECT_EQ(put(s, make_job("a")), insert_status::inserted);
        EXPECT_EQ(put(s, make_job("b")), insert_status::inserted);
        const auto leases = take(s, 1);
        ASSERT_EQ(leases.size(), 1u);
        EXPECT_EQ(settle(s, ended(leases[0], verdict_kind::bury, run_status::failed)), settle_status::applied);
    }
    auto s = this->open();
    EXPECT_EQ(state_of(s, "a"), state::dead);
    EXPECT_EQ(state_of(s, "b"), state::pending);
    EXPECT_EQ(put(s, make_job("a")), insert_status::duplicate);
    std::vector<queue_counts> counts;
    ASSERT_TRUE(s.counts(counts));
    ASSERT_EQ(counts.size(), 1u);
    EXPECT_EQ(counts[0][state::dead], 1u);
    EXPECT_EQ(counts[0][state::pending], 1u);
    EXPECT_EQ(counts[0][state::processing], 0u);
}

TYPED_TEST_P(StoreLife, SettleAndClaimIsOneStep)
{
    auto s = this->open();
    put(s, make_job("a"));
    put(s, make_job("b"));
    const auto first = take(s, 1);
    const auto done = ended(first[0], verdict_kind::complete);
    settle_status status{};
    claim_request request;
    request.nonce = fresh();
    std::vector<lease> leases;
    const auto info = s.settle_and_claim({&done, 1}, {&status, 1}, request, leases, at(3));
    ASSERT_TRUE(info);
    EXPECT_EQ(status, settle_status::applied);
    ASSERT_EQ(leases.size(), 1u);
    EXPECT_EQ(leases[0].job.id, "b");
    EXPECT_EQ(state_of(s, "a"), state::completed);
}

TYPED_TEST_P(StoreLife, LongOutputLiesInAFileAndGoesWithTheJob)
{
    const std::string file = this->folder / (std::string{TypeParam::side_folder} + "/logs/1-1");
    auto s = this->open();
    put(s, make_job("a"));
    auto done = ended(take(s, 1)[0], verdict_kind::complete);
    done.report->output = {std::string(5000, 'h'), std::string(6000, 't'), 7};
    EXPECT_EQ(settle(s, done), settle_status::applied);
    EXPECT_TRUE(std::filesystem::exists(file));
    const auto out = s.output("a", 1);
    ASSERT_TRUE(out) << out.error().message();
    EXPECT_EQ(out->head, std::string(5000, 'h'));
    EXPECT_EQ(out->tail, std::string(6000, 't'));
    EXPECT_EQ(out->dropped_bytes, 7u);
    const std::string id = "a";
    change_status status{};
    ASSERT_TRUE(s.remove({&id, 1}, {&status, 1}));
    EXPECT_EQ(status, change_status::done);
    EXPECT_FALSE(std::filesystem::exists(file));
    EXPECT_EQ(put(s, make_job("a")), insert_status::inserted);
    EXPECT_EQ((*s.find("a"))->sequence, 2u) << "a sequence is never used twice";
}

template <class Storage>
void expect_one_run_from_2_to_3(Storage& s, const std::string& id)
{
    std::vector<attempt> runs;
    ASSERT_TRUE(s.attempts(id, runs));
    ASSERT_EQ(runs.size(), 1u);
    EXPECT_EQ(runs[0].number, 1);
    EXPECT_EQ(runs[0].status, run_status::succeeded);
    EXPECT_EQ(runs[0].exit_code, 0);
    EXPECT_EQ(runs[0].started_at, timestamp{duration{2}});
    EXPECT_EQ(runs[0].ended_at, timestamp{duration{3}});
    EXPECT_EQ(runs[0].worker, "w");
}

TYPED_TEST_P(StoreLife, ACompletedRunWithoutOutputHasNoRowUntilTheJobIsRevived)
{
    auto s = this->open();
    put(s, make_job("a"));
    auto done = ended(take(s, 1)[0], verdict_kind::complete);
    done.report->started_at = timestamp{duration{2}};
    done.report->ended_at = timestamp{duration{3}};
    EXPECT_EQ(settle(s, done), settle_status::applied);
    EXPECT_EQ(TypeParam::run_rows(s, this->path), 0u);
    expect_one_run_from_2_to_3(s, "a");
    const std::string id = "a";
    change_status status{};
    ASSERT_TRUE(s.revive({&id, 1}, {&status, 1}, at(9)));
    EXPECT_EQ(TypeParam::run_rows(s, this->path), 1u);
    expect_one_run_from_2_to_3(s, "a");
}

REGISTER_TYPED_TEST_SUITE_P(StoreLife, SurvivesReopening, SettleAndClaimIsOneStep,
                            LongOutputLiesInAFileAndGoesWithTheJob,
                            ACompletedRunWithoutOutputHasNoRowUntilTheJobIsRevived);

}  // namespace queuectl_test

#endif
