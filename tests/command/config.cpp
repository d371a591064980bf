// config set, get, list, unset.
#include "run_command.hpp"

namespace command_tests {

class config : public command_test {};

TEST_F(config, get_prints_the_bare_value)
{
    EXPECT_EQ(run({"config", "get", "max-retries"}).out, "3\n");
    ok({"config", "set", "max_retries", "5"});
    EXPECT_EQ(run({"config", "get", "max-retries"}).out, "5\n");
    EXPECT_EQ(run({"config", "get", "max_retries"}).out, "5\n");
    ok({"config", "unset", "max-retries"});
    EXPECT_EQ(run({"config", "get", "max-retries"}).out, "3\n");
}

TEST_F(config, values_have_one_spelling)
{
    const strings all[] = {{"timeout", "90", "90s"},      {"timeout", "3600", "1h"}, {"lease", "500s", "500s"},
                           {"keep-completed", "0", "0s"}, {"jitter", "true", "on"},  {"backoff-base", "1.50", "1.5"},
                           {"env-allow", "A, B", "A,B"}};
    for (const auto& one : all) {
        ok({"config", "set", one[0], one[1]});
        EXPECT_EQ(ok({"config", "get", one[0]}), one[2]);
    }
}

TEST_F(config, list_is_one_object_in_json)
{
    ok({"config", "set", "max-retries", "5"});
    const std::string json = ok({"config", "list", "--json"});
    EXPECT_EQ(json.substr(0, 33), R"({"max-retries":5,"backoff-base":2)");
    EXPECT_EQ(json.back(), '}');
    EXPECT_EQ(ok({"config", "get", "--json"}), json);
    EXPECT_EQ(ok({"config", "get", "max-retries", "--json"}), "5");
    EXPECT_EQ(ok({"config", "get", "jitter", "--json"}), "false");
    EXPECT_EQ(ok({"config", "get", "lease", "--json"}), "\"30s\"");
}

TEST_F(config, reads_create_nothing)
{
    ok({"config", "list"});
    ok({"config", "get", "lease"});
    ok({"config", "unset", "lease"});
    EXPECT_FALSE(store_exists());
}

TEST_F(config, unknown_keys_and_bad_values_are_refused_and_nothing_stored)
{
    const std::pair<strings, const char*> all[] = {
        {{"config", "set", "colour", "red"}, "colour"},     {{"config", "get", "colour"}, "colour"},
        {{"config", "unset", "colour"}, "colour"},          {{"config", "set", "max-retries", "-1"}, "max-retries"},
        {{"config", "set", "max-retries", "x"}, "integer"}, {{"config", "set", "max-retries", "3x"}, "integer"},
        {{"config", "set", "max-retries", ""}, "integer"},  {{"config", "set", "max-retries", "1e9"}, "integer"},
        {{"config", "set", "max-crashes", "0"}, "from 1"},  {{"config", "set", "lease", "10ms"}, "at least"},
        {{"config", "set", "timeout", "-5s"}, "timeout"},   {{"config", "set", "timeout", "1y"}, "timeout"},
        {{"config", "set", "backoff-base", "nan"}, "from"}, {{"config", "set", "jitter", "maybe"}, "on or off"},
        {{"config", "set", "env-allow", "A-B"}, "names"},   {{"config", "set", "lease"}, "KEY VALUE"},
        {{"config", "set", "a", "b", "c"}, "unexpected"},   {{"config", "nonsense"}, "nonsense"}};
    for (const auto& [words, named] : all) expect_refused(run(words), {named});
    EXPECT_FALSE(store_exists());
}

TEST_F(config, jitter_shortens_the_wait_for_a_retry)
{
    ok({"config", "set", "jitter", "on"});
    // Without it, a base of 1000 s would let none of ten jobs come back within 990 s; with it, all ten
    // wait that long with a probability of 1 in 10^20.
    for (int i = 0; i < 10; ++i) ok({"enqueue", "--max-retries", "1", "--backoff-base", "1000", "exit 1"});
    ok({"enqueue", "--id", "stop", "--priority", "-1", "--", QUEUECTL_COMMAND, "worker", "stop", "--timeout", "0"});
    run({"worker", "start"});
    const std::string json = ok({"list", "--state", "failed", "--json"});
    bool early = false;
    for (auto at = json.find("next_retry_at"); at != std::string::npos; at = json.find("next_retry_at", at + 1)) {
        const auto updated = json.rfind("updated_at", at);
        const auto seconds = [&](std::size_t from) {
            const auto t = json.find('T', from + 10);
            return std::stoi(json.substr(t + 1, 2)) * 3600 + std::stoi(json.substr(t + 4, 2)) * 60 +
                   std::stoi(json.substr(t + 7, 2));
        };
        const int waits = (seconds(at + 3) - seconds(updated) + 86400) % 86400;
        EXPECT_LE(waits, 1001);
        early = early || waits < 990;
    }
    EXPECT_TRUE(early) << json;
}

}  // namespace command_tests
