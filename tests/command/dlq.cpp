// dlq list and dlq retry.
#include "run_command.hpp"

namespace command_tests {

class dlq : public command_test {
protected:
    // A job of that id in the dead letter queue.
    void bury(const std::string& id, const std::string& queue = "default") const
    {
        ok({"enqueue", "--id", id, "--queue", queue, "--max-retries", "0", "--priority", "4", "exit 3"});
        drain();
    }
    [[nodiscard]] bool dead(const std::string& id) const
    {
        return ok({"dlq", "list", "--json"}).find("\"id\":\"" + id + "\"") != std::string::npos;
    }
};

TEST_F(dlq, retry_resets_attempts_and_keeps_the_rest)
{
    bury("a");
    EXPECT_TRUE(dead("a"));
    ok({"dlq", "retry", "a"});
    EXPECT_FALSE(dead("a"));
    const std::string json = ok({"show", "a", "--json"});
    for (const char* there : {R"("state":"pending")", R"("attempts":0)", R"("crashes":0)", R"("priority":4)",
                              R"("command":"exit 3")", R"("max_retries":0)"})
        EXPECT_NE(json.find(there), std::string::npos) << there << " in " << json;
    drain();
    EXPECT_TRUE(dead("a"));
}

TEST_F(dlq, list_tells_why)
{
    bury("a");
    const std::string table = ok({"dlq", "list"});
    EXPECT_NE(table.find("ERROR"), std::string::npos) << table;
    EXPECT_NE(table.find("exit code 3"), std::string::npos) << table;
}

TEST_F(dlq, retry_of_what_is_not_there_is_1)
{
    ok({"enqueue", "--id", "waiting", "true"});
    EXPECT_EQ(run({"dlq", "retry", "waiting"}).code, 1);
    EXPECT_EQ(run({"dlq", "retry", "nope"}).code, 1);
    bury("a");
    const auto some = run({"dlq", "retry", "nope", "a"});
    EXPECT_EQ(some.code, 1);
    EXPECT_FALSE(dead("a"));
}

TEST_F(dlq, retry_all_takes_a_filter)
{
    bury("a", "one");
    bury("b", "two");
    EXPECT_EQ(ok({"dlq", "retry", "--all", "--queue", "one", "--json"}), R"({"retried":1})");
    EXPECT_FALSE(dead("a"));
    EXPECT_TRUE(dead("b"));
    EXPECT_EQ(ok({"dlq", "retry", "--all", "--json"}), R"({"retried":1})");
    EXPECT_EQ(ok({"dlq", "list", "--json"}), "[]");
    EXPECT_EQ(ok({"dlq", "retry", "--all", "--json"}), R"({"retried":0})");
}

TEST_F(dlq, bad_usage_is_refused)
{
    for (const strings& words : {strings{"dlq", "retry"},
                                 {"dlq", "retry", "--all", "a"},
                                 {"dlq", "retry", "a", "--queue", "q"},
                                 {"dlq"},
                                 {"dlq", "purge"}})
        expect_refused(run(words), {"dlq"});
    EXPECT_FALSE(store_exists());
}

TEST_F(dlq, retry_on_a_store_that_does_not_exist_creates_nothing)
{
    EXPECT_EQ(run({"dlq", "retry", "a"}).code, 1);
    EXPECT_EQ(ok({"dlq", "retry", "--all"}), "0 jobs are due again");
    EXPECT_FALSE(store_exists());
}

}  // namespace command_tests
