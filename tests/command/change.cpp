// cancel, delete, purge.
#include "run_command.hpp"

namespace command_tests {

class change : public command_test {};

TEST_F(change, cancel_withdraws_a_waiting_job_once)
{
    ok({"enqueue", "--id", "a", "true"});
    EXPECT_EQ(ok({"cancel", "a"}), "a cancelled");
    const auto again = run({"cancel", "a"});
    EXPECT_EQ(again.code, 1);
    EXPECT_NE(again.err.find("cancelled"), std::string::npos);
    EXPECT_EQ(run({"cancel", "nope"}).code, 1);
}

TEST_F(change, cancel_of_an_ended_job_is_1)
{
    ok({"enqueue", "--id", "a", "true"});
    drain();
    EXPECT_EQ(run({"cancel", "a"}).code, 1);
}

TEST_F(change, delete_forgets_a_job_and_frees_its_id)
{
    ok({"enqueue", "--id", "a", "true"});
    EXPECT_EQ(ok({"delete", "a", "--json"}), R"({"id":"a","status":"deleted"})");
    EXPECT_EQ(run({"show", "a"}).code, 1);
    EXPECT_EQ(run({"delete", "a"}).code, 1);
    ok({"enqueue", "--id", "a", "true"});
}

TEST_F(change, purge_removes_what_ended_and_matches)
{
    ok({"enqueue", "--id", "done", "true"});
    drain();
    ok({"enqueue", "--id", "waiting", "true"});
    ok({"enqueue", "--id", "gone", "true"});
    ok({"cancel", "gone"});
    EXPECT_EQ(ok({"purge", "--state", "completed", "--older-than", "1h", "--json"}), R"({"removed":0})");
    EXPECT_EQ(ok({"purge", "--state", "completed", "--json"}), R"({"removed":1})");
    EXPECT_EQ(ok({"purge", "--older-than", "0", "--json"}), R"({"removed":1})");
    EXPECT_EQ(run({"show", "waiting"}).code, 0);
}

TEST_F(change, bad_usage_is_refused)
{
    const std::pair<strings, const char*> all[] = {{{"cancel"}, "ID"},
                                                   {{"delete"}, "ID"},
                                                   {{"purge"}, "--state"},
                                                   {{"purge", "--state", "pending"}, "state"},
                                                   {{"purge", "--state", "processing"}, "state"},
                                                   {{"purge", "--state", "x"}, "state"},
                                                   {{"purge", "--older-than", "-1"}, "older-than"},
                                                   {{"purge", "--older-than", "yesterday"}, "older-than"}};
    for (const auto& [words, named] : all) expect_refused(run(words), {named});
    EXPECT_FALSE(store_exists());
}

TEST_F(change, nothing_is_created_by_changing_nothing)
{
    EXPECT_EQ(run({"cancel", "a"}).code, 1);
    EXPECT_EQ(run({"delete", "a"}).code, 1);
    EXPECT_EQ(ok({"purge", "--state", "dead"}), "0 jobs removed");
    EXPECT_FALSE(store_exists());
}

}  // namespace command_tests
