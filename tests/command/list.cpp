// list and its purity as JSON.
#include "run_command.hpp"

#include <algorithm>

namespace command_tests {

class list : public command_test {};

TEST_F(list, of_a_store_that_does_not_exist_is_empty_and_creates_nothing)
{
    for (const strings& words :
         {strings{"list", "--json"}, {"--json", "dlq", "list"}, {"--json", "list", "--limit", "5"}}) {
        const auto r = run(words);
        EXPECT_EQ(r.code, 0);
        EXPECT_EQ(r.out, "[]\n");
        EXPECT_EQ(r.err, "");
    }
    EXPECT_EQ(run({"list"}).out, "");
    EXPECT_EQ(run({"list"}).code, 0);
    EXPECT_FALSE(store_exists());
    EXPECT_FALSE(std::filesystem::exists(side_folder()));
}

TEST_F(list, json_has_every_state_and_only_json)
{
    ok({"enqueue", "--id", "done", "true"});
    ok({"enqueue", "--id", "dead", "--max-retries", "0", "exit 3"});
    drain();
    ok({"enqueue", "--id", "failed", "--backoff-base", "1000", "exit 4"});
    ok({"enqueue", "--id", "waiting", "--delay", "1h", "--tag", "t1", "true"});
    ok({"enqueue", "--id", "gone", "true"});
    ok({"cancel", "gone"});
    const std::string all = ok({"list", "--json"});
    EXPECT_EQ(all.substr(0, 2), "[\n");
    EXPECT_EQ(all.substr(all.size() - 2), "\n]");
    for (const char* there :
         {R"("state":"completed")", R"("state":"dead")", R"("state":"pending")", R"("state":"cancelled")",
          R"("exit_code":3)", R"("error_message":"exit code 3")", R"("tags":["t1"])", R"("created_at":"20)"})
        EXPECT_NE(all.find(there), std::string::npos) << there << " in " << all;
}

TEST_F(list, filters_and_limits)
{
    for (const char* id : {"a", "b", "c"})
        ok({"enqueue", "--id", id, "--queue", id == std::string{"b"} ? "other" : "q", "true"});
    ok({"cancel", "c"});
    const auto ids = [&](const strings& words) {
        const std::string json = ok(words);
        std::string found;
        for (const char* id : {"a", "b", "c"})
            if (json.find("\"id\":\"" + std::string{id} + "\"") != std::string::npos) found += id;
        return found;
    };
    EXPECT_EQ(ids({"list", "--json"}), "abc");
    EXPECT_EQ(ids({"list", "--json", "--queue", "q"}), "ac");
    EXPECT_EQ(ids({"list", "--json", "--state", "cancelled"}), "c");
    EXPECT_EQ(ids({"list", "--json", "--state", "pending", "--queue", "q"}), "a");
    EXPECT_EQ(ids({"list", "--json", "--limit", "2"}), "ab");
    EXPECT_EQ(ids({"list", "--json", "--kind", "argv"}), "");
    EXPECT_EQ(ok({"list", "--json", "--limit", "0"}), "[]");
}

TEST_F(list, bytes_that_are_not_utf8_are_replaced_in_json)
{
    ok({"enqueue", "--id", "a", "--", "printf", "\xff\x01\xc3\xa4"});
    const std::string json = ok({"list", "--json"});
    EXPECT_NE(json.find("\xef\xbf\xbd\\u0001\xc3\xa4"), std::string::npos) << json;
}

TEST_F(list, the_table_has_whole_ids_and_no_control_characters)
{
    const std::string id(128, 'x');
    ok({"enqueue", "--id", id, "printf '\x1b[31mred'\nsecond"});
    const std::string table = ok({"list"});
    EXPECT_NE(table.find(id), std::string::npos);
    EXPECT_EQ(table.find('\x1b'), std::string::npos);
    EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 1);
}

TEST_F(list, bad_filters_are_refused)
{
    const std::pair<strings, const char*> all[] = {{{"list", "--limit", "-1"}, "limit"},
                                                   {{"list", "--limit", "1.5"}, "limit"},
                                                   {{"list", "--limit", "99999999999999999999"}, "limit"},
                                                   {{"list", "--limit", ""}, "limit"},
                                                   {{"list", "--state", "lost"}, "state"},
                                                   {{"list", "--queue", "a b"}, "queue"},
                                                   {{"list", "--tag", ""}, "tag"},
                                                   {{"list", "extra"}, "extra"},
                                                   {{"dlq", "list", "--state", "dead"}, "--state"},
                                                   {{"dlq", "list", "--limit", "x"}, "limit"}};
    for (const auto& [words, named] : all) expect_refused(run(words), {named});
}

}  // namespace command_tests
