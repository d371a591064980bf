// wait ends with the job's own code; logs prints what it wrote.
#include "run_command.hpp"

namespace command_tests {

class wait : public command_test {};
class logs : public command_test {};

TEST_F(wait, ends_with_the_jobs_own_code)
{
    const std::pair<const char*, int> all[] = {{"true", 0}, {"exit 3", 3}, {"kill -TERM $$", 143}};
    for (const auto& [command, code] : all) {
        const std::string id = ok({"enqueue", "--max-retries", "0", command});
        drain();
        EXPECT_EQ(run({"wait", id}).code, code) << command;
    }
}

TEST_F(wait, of_a_cancelled_job_is_125_and_of_none_1)
{
    ok({"enqueue", "--id", "a", "true"});
    ok({"cancel", "a"});
    EXPECT_EQ(run({"wait", "a"}).code, 125);
    EXPECT_EQ(run({"wait", "nope"}).code, 1);
}

TEST_F(wait, its_own_timeout_is_124)
{
    ok({"enqueue", "--id", "a", "true"});
    EXPECT_EQ(run({"wait", "a", "--timeout", "10ms"}).code, 124);
    EXPECT_EQ(run({"wait", "a", "--timeout", "0"}).code, 124);
    expect_refused(run({"wait", "a", "--timeout", "-1"}), {"timeout"});
}

TEST_F(logs, are_the_bytes_of_the_newest_run)
{
    ok({"enqueue", "--id", "a", "--max-retries", "1", "--backoff-base", "0",
        "printf '\\033[1mrun %s\\377' $QUEUECTL_ATTEMPT; printf err >&2; exit 1"});
    drain();
    EXPECT_EQ(ok({"logs", "a"}),
              "\x1b[1mrun 2\xff"
              "err");
    EXPECT_EQ(ok({"logs", "a", "--attempt", "1"}),
              "\x1b[1mrun 1\xff"
              "err");
    EXPECT_EQ(ok({"logs", "a", "--follow"}),
              "\x1b[1mrun 2\xff"
              "err");
    EXPECT_NE(ok({"logs", "a", "--json"}).find(R"("head":"\u001b[1mrun 2)"), std::string::npos);
    EXPECT_EQ(run({"logs", "a", "--attempt", "3"}).code, 1);
}

TEST_F(logs, of_a_long_run_tell_what_was_left_out)
{
    ok({"config", "set", "output-head", "10"});
    ok({"config", "set", "output-tail", "5"});
    ok({"enqueue", "--id", "a", "seq -w 100"});
    drain();
    EXPECT_EQ(ok({"logs", "a"}), "001\n002\n00\n[... 385 bytes left out ...]\n\n100");
}

TEST_F(logs, of_a_job_without_runs_are_1)
{
    ok({"enqueue", "--id", "a", "true"});
    EXPECT_EQ(run({"logs", "a"}).code, 1);
    EXPECT_EQ(run({"logs", "nope"}).code, 1);
    for (const char* bad : {"0", "-1", "x", "99999999999"})
        expect_refused(run({"logs", "a", "--attempt", bad}), {"attempt"});
}

TEST_F(logs, of_a_run_without_output_are_empty)
{
    ok({"enqueue", "--id", "a", "true"});
    drain();
    const auto r = run({"logs", "a"});
    EXPECT_EQ(r.code, 0);
    EXPECT_EQ(r.out, "");
}

}  // namespace command_tests
