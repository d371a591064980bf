// show and status.
#include "run_command.hpp"

namespace command_tests {

class show : public command_test {};
class status : public command_test {};

TEST_F(show, json_is_one_object_with_the_runs)
{
    ok({"enqueue", "--id", "a", "--max-retries", "1", "--backoff-base", "0", "--timeout", "1m", "exit 3"});
    drain();
    const std::string json = ok({"show", "a", "--json"});
    EXPECT_EQ(json.find('\n'), std::string::npos);
    for (const char* there :
         {R"("id":"a")", R"("state":"dead")", R"("attempts":2)", R"("max_retries":1)", R"("crashes":0)",
          R"("exit_code":3)", R"("timeout":60)", R"("runs":[{"number":1,"status":"failed")"})
        EXPECT_NE(json.find(there), std::string::npos) << there << " in " << json;
    EXPECT_EQ(json.find("next_retry_at"), std::string::npos);
    EXPECT_EQ(json.find("locked_by"), std::string::npos);
}

TEST_F(show, of_no_job_is_1)
{
    const auto r = run({"show", "nope", "--json"});
    EXPECT_EQ(r.code, 1);
    EXPECT_EQ(r.out, "");
    EXPECT_NE(r.err.find("nope"), std::string::npos);
    EXPECT_FALSE(store_exists());
}

TEST_F(show, people_see_names_and_values)
{
    ok({"enqueue", "--id", "a", "true"});
    drain();
    const std::string text = ok({"show", "a"});
    for (const char* there : {"id            a", "state         completed", "exit code     0", "succeeded"})
        EXPECT_NE(text.find(there), std::string::npos) << there << " in " << text;
}

TEST_F(status, of_a_store_that_does_not_exist)
{
    EXPECT_EQ(ok({"status", "--json"}),
              R"({"jobs":{"pending":0,"processing":0,"completed":0,"failed":0,"dead":0,"cancelled":0},"queues":{},)"
              R"("workers":[],"store":")" +
                  url() + R"(","exists":false,"durability":"full"})");
    EXPECT_EQ(run({"status"}).code, 0);
    EXPECT_FALSE(store_exists());
}

TEST_F(status, counts_by_state_and_queue)
{
    ok({"enqueue", "--queue", "one", "--id", "a", "true"});
    ok({"enqueue", "--queue", "two", "true"});
    ok({"cancel", "a"});
    const std::string json = ok({"--json", "status"});
    for (const char* there : {R"({"jobs":{"pending":1,"processing":0,"completed":0,"failed":0,"dead":0,"cancelled":1})",
                              R"("one":{"pending":0)", R"("two":{"pending":1)", R"("durability":"full")"})
        EXPECT_NE(json.find(there), std::string::npos) << there << " in " << json;
}

}  // namespace command_tests
