// enqueue: every form, every field, and what is refused.
#include "run_command.hpp"

#include <algorithm>

namespace command_tests {

class enqueue : public command_test {
protected:
    // A member of `show ID --json`, as text; empty when it is not there. Good enough for flat members.
    [[nodiscard]] std::string member(const std::string& id, const std::string& name) const
    {
        const std::string json = ok({"show", id, "--json"});
        const auto at = json.find("\"" + name + "\":");
        if (at == std::string::npos) return {};
        const auto from = at + name.size() + 3;
        const bool text = json[from] == '"';
        const auto end = text ? json.find("\",\"", from) + 1 : json.find_first_of(",}", from);
        return json.substr(from, end - from);
    }
};

TEST_F(enqueue, prints_the_bare_id_of_a_json_object)
{
    EXPECT_EQ(ok({"enqueue", R"({"id":"job1","command":"sleep 2"})"}), "job1");
    EXPECT_EQ(member("job1", "command"), "\"sleep 2\"");
    EXPECT_EQ(member("job1", "state"), "\"pending\"");
    EXPECT_EQ(member("job1", "attempts"), "0");
    EXPECT_EQ(member("job1", "max_retries"), "3");
    EXPECT_EQ(ok({"--json", "enqueue", R"({"id":"job2","command":"x"})"}), R"({"id":"job2"})");
}

TEST_F(enqueue, takes_a_command_text)
{
    const std::string id = ok({"enqueue", "echo  two  spaces | cat"});
    EXPECT_EQ(member(id, "command"), "\"echo  two  spaces | cat\"");
    EXPECT_EQ(member(id, "kind"), "\"shell\"");
    const std::string braces = ok({"enqueue", "--command", "{ echo a; }"});
    EXPECT_EQ(member(braces, "command"), "\"{ echo a; }\"");
}

TEST_F(enqueue, takes_an_argv)
{
    const std::string id = ok({"enqueue", "--priority", "-5", "--", "printf", "%s", "a b", "--json", "it's"});
    EXPECT_EQ(member(id, "kind"), "\"argv\"");
    EXPECT_EQ(member(id, "priority"), "-5");
    EXPECT_EQ(member(id, "command"), R"("printf %s 'a b' --json 'it'\\''s'")");
}

TEST_F(enqueue, zero_means_zero)
{
    ok({"enqueue", R"({"id":"z","command":"x","max_retries":0,"priority":0,"timeout":0,"backoff_base":0})"});
    EXPECT_EQ(member("z", "max_retries"), "0");
    EXPECT_EQ(member("z", "priority"), "0");
    EXPECT_EQ(member("z", "timeout"), "0");
    EXPECT_EQ(member("z", "backoff_base"), "0");
    ok({"config", "set", "max-retries", "7"});
    ok({"config", "set", "timeout", "60"});
    ok({"enqueue", R"({"id":"z2","command":"x","max_retries":0,"timeout":0})"});
    EXPECT_EQ(member("z2", "max_retries"), "0");
    EXPECT_EQ(member("z2", "timeout"), "0");
}

TEST_F(enqueue, settings_are_resolved_at_enqueue)
{
    ok({"config", "set", "max_retries", "7"});
    ok({"enqueue", R"({"id":"a","command":"x"})"});
    ok({"config", "set", "max-retries", "1"});
    EXPECT_EQ(member("a", "max_retries"), "7");
}

TEST_F(enqueue, spells_durations_and_times)
{
    const std::pair<const char*, const char*> spellings[] = {
        {"\"500ms\"", "0.5"}, {"\"2s\"", "2"}, {"\"5m\"", "300"}, {"\"1h\"", "3600"},
        {"\"7d\"", "604800"}, {"90", "90"},    {"1.5", "1.5"},    {"\"30\"", "30"}};
    for (const auto& [text, seconds] : spellings) {
        const std::string id = ok({"enqueue", std::string{R"({"command":"x","timeout":)"} + text + "}"});
        EXPECT_EQ(member(id, "timeout"), seconds) << text;
    }
    for (const char* time : {"\"2030-01-31T12:00:00Z\"", "\"2030-01-31T14:00:00+02:00\"", "1896091200",
                             "\"2030-01-31T09:30:00.000-0230\""}) {
        const std::string id = ok({"enqueue", std::string{R"({"command":"x","run_at":)"} + time + "}"});
        EXPECT_EQ(member(id, "run_at"), "\"2030-01-31T12:00:00.000000Z\"") << time;
    }
}

TEST_F(enqueue, max_attempts_is_one_more_than_max_retries)
{
    ok({"enqueue", R"({"id":"a","command":"x","max_attempts":1})"});
    EXPECT_EQ(member("a", "max_retries"), "0");
}

TEST_F(enqueue, flags_fill_in_what_the_object_does_not_say)
{
    ok({"enqueue", R"({"id":"a","command":"x","queue":"mine"})", "--queue", "other", "--priority", "3"});
    EXPECT_EQ(member("a", "queue"), "\"mine\"");
    EXPECT_EQ(member("a", "priority"), "3");
}

TEST_F(enqueue, a_taken_id_is_73)
{
    ok({"enqueue", "--id", "a", "first"});
    const auto again = run({"enqueue", "--id", "a", "second"});
    EXPECT_EQ(again.code, 73);
    EXPECT_EQ(again.out, "");
    EXPECT_EQ(member("a", "command"), "\"first\"");
}

TEST_F(enqueue, records_directory_and_environment)
{
    environment_["LANG"] = "C.UTF-8";
    environment_["LC_TIME"] = "C";
    environment_["SECRET"] = "s3cret";
    environment_["NAMED"] = "n1";
    environment_["ALLOWED"] = "a1";
    ok({"config", "set", "env-allow", "ALLOWED"});
    ok({"enqueue", "--id", "a", "--env", "NAMED", "--env", "GIVEN=g1", "env"});
    const std::string json = ok({"show", "a", "--json"});
    for (const char* there : {R"("LC_TIME":"C")", R"("NAMED":"n1")", R"("GIVEN":"g1")", R"("ALLOWED":"a1")",
                              R"("PATH":"/usr/local/bin:/usr/bin:/bin")"})
        EXPECT_NE(json.find(there), std::string::npos) << there << " in " << json;
    EXPECT_EQ(json.find("s3cret"), std::string::npos);
    EXPECT_NE(json.find(R"("cwd":")" + path("").substr(0, path("").size() - 1) + "\""), std::string::npos) << json;
}

TEST_F(enqueue, a_job_of_another_kind_has_a_payload)
{
    ok({"enqueue", R"({"id":"a","kind":"mail","payload":"to: me"})"});
    EXPECT_EQ(member("a", "kind"), "\"mail\"");
    expect_refused(run({"enqueue", R"({"kind":"mail","command":"x"})"}), {"kind"});
    expect_refused(run({"enqueue", R"({"payload":"x"})"}), {"kind"});
    expect_refused(run({"enqueue", R"({"kind":"shell","payload":"x"})"}), {"kind"});
}

struct bad_input {
    std::string json;
    std::string named;  // what the message must name
};

TEST_F(enqueue, bad_json_is_refused_and_nothing_stored)
{
    const std::string deep(100'000, '[');
    const bad_input all[] = {
        {R"({"command":"x")", "json"},
        {R"({"command":"x"} x)", "json"},
        {R"({"command":"x"}{})", "json"},
        {R"({'command':'x'})", "json"},
        {R"({"command":"x",})", "json"},
        {R"(["x"])", "object"},
        {R"({"command":"x","command":"y"})", "duplicate"},
        {R"({"command":"x","env":{"A":"1","A":"2"}})", "duplicate"},
        {R"({"command":"\ud800"})", "json"},
        {R"({"command":"\udc00"})", "json"},
        {"{\"command\":\"\xff\"}", "json"},
        {R"({"command":"x","priority":1e400})", "priority"},
        {R"({"command":"x","a":)" + deep, "deep"},
        {R"({"command":"x","a":NaN})", "json"},
        {"", "command"},
        {"   ", "command"},
        {"{}", "command"},
        {"[", "--command"},
    };
    for (const auto& bad : all) {
        SCOPED_TRACE(bad.json.substr(0, 60));
        expect_refused(run({"enqueue", bad.json.size() > 100'000 ? bad.json.substr(0, 100'000) : bad.json}),
                       {bad.named});
    }
    EXPECT_FALSE(store_exists());
}

TEST_F(enqueue, bad_fields_are_refused_by_name_and_nothing_stored)
{
    const bad_input all[] = {
        {R"("foo":1)", "foo"},
        {R"("state":"completed")", "state"},
        {R"("attempts":0)", "attempts"},
        {R"("created_at":"2026-01-01T00:00:00Z")", "created_at"},
        {R"("locked_by":"me")", "locked_by"},
        {R"("id":"")", "id"},
        {R"("id":"../x")", "id"},
        {R"("id":"a/b")", "id"},
        {R"("id":7)", "id"},
        {R"("id":")" + std::string(129, 'a') + "\"", "id"},
        {R"("queue":"a b")", "queue"},
        {R"("queue":null)", "queue"},
        {R"("tag":"-x")", "tag"},
        {R"("tags":["a","b"])", "tags"},
        {R"("tags":"a")", "tags"},
        {R"("priority":128)", "priority"},
        {R"("priority":-129)", "priority"},
        {R"("priority":1.5)", "priority"},
        {R"("priority":"1")", "priority"},
        {R"("priority":9223372036854775808)", "priority"},
        {R"("priority":true)", "priority"},
        {R"("max_retries":-1)", "max_retries"},
        {R"("max_retries":1000001)", "max_retries"},
        {R"("max_retries":2147483648)", "max_retries"},
        {R"("max_retries":18446744073709551616)", "max_retries"},
        {R"("max_retries":"3")", "max_retries"},
        {R"("max_attempts":0)", "max_attempts"},
        {R"("max_attempts":2,"max_retries":1)", "max_attempts"},
        {R"("backoff_base":-1)", "backoff_base"},
        {R"("backoff_base":1e300)", "backoff_base"},
        {R"("timeout":-1)", "timeout"},
        {R"("timeout":1e300)", "timeout"},
        {R"("timeout":"5 m")", "timeout"},
        {R"("timeout":"5w")", "timeout"},
        {R"("timeout":"")", "timeout"},
        {R"("timeout":[])", "timeout"},
        {R"("delay":"-5s")", "delay"},
        {R"("run_at":"2030-01-31T12:00:00")", "run_at"},
        {R"("run_at":"2030-02-30T12:00:00Z")", "run_at"},
        {R"("run_at":"tomorrow")", "run_at"},
        {R"("run_at":-1)", "run_at"},
        {R"("run_at":1e30)", "run_at"},
        {R"("run_at":1896091200,"delay":5)", "run_at"},
        {R"("env":{"A B":"x"})", "env"},
        {R"("env":{"A":1})", "env"},
        {R"("env":7)", "env"},
        {R"("env":{"A":"x\u0000y"})", "env"},
        {R"("cwd":"")", "cwd"},
        {R"("cwd":"a\u0000b")", "cwd"},
        {R"("unique_key":"k")", "unique_key"},
        {R"("unique_key":"")", "unique_key"},
        {R"("key":"k")", "key"},
        {R"("batch":"k")", "batch"},
        {R"("depends_on":["a"])", "depends_on"},
        {R"("depends_on":"a")", "depends_on"},
        {R"("kind":"argv")", "kind"},
        {R"("argv":["a"])", "command"},
    };
    for (const auto& bad : all) {
        SCOPED_TRACE(bad.json);
        expect_refused(run({"enqueue", R"({"command":"x",)" + bad.json + "}"}), {bad.named});
    }
    EXPECT_FALSE(store_exists());
}

TEST_F(enqueue, bad_commands_are_refused)
{
    for (const char* bad : {R"({"command":""})", R"({"command":"  "})", R"({"command":"a\u0000b"})", R"({"command":7})",
                            R"({"command":["a"]})", R"({"argv":[]})", R"({"argv":[""]})", R"({"argv":["a",1]})",
                            R"({"argv":["a","b\u0000"]})", R"({"argv":"a"})"})
        expect_refused(run({"enqueue", bad}), {bad[2] == 'c' ? "command" : "argv"});
    EXPECT_FALSE(store_exists());
}

TEST_F(enqueue, bad_usage_is_refused)
{
    const strings all[] = {{"enqueue"},
                           {"enqueue", "a", "b"},
                           {"enqueue", "a", "--command", "b"},
                           {"enqueue", "--"},
                           {"enqueue", "--foo", "a"},
                           {"enqueue", "a", "--priority", "x"},
                           {"enqueue", "a", "--priority"},
                           {"enqueue", "a", "--priority", "1", "--priority", "2"},
                           {"enqueue", "a", "--delay", "-1"},
                           {"enqueue", "a", "--run-at", "noon"},
                           {"enqueue", "a", "--env", "A-B=1"},
                           {"enqueue", "a", "--id", ""},
                           {"enqueue", "--file", "/nonexistent/file"},
                           {"enqueue", "--file", "-", "--id", "a"}};
    for (const auto& words : all) {
        SCOPED_TRACE(words.back());
        expect_refused(run(words), {"queuectl: "});
    }
    EXPECT_EQ(ok({"list", "--json"}), "[]");
}

}  // namespace command_tests
