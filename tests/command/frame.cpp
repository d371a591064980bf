// Global options, stores, help.
#include "run_command.hpp"

#include <sys/stat.h>

namespace command_tests {

class frame : public command_test {};
class frame_sqlite : public command_test {};
class frame_journal : public command_test {};

TEST_F(frame, help_and_version_go_to_standard_output)
{
    for (const strings& words : {strings{"--help"}, {"-h"}, {"help"}, {"enqueue", "--help"}, {"dlq", "retry", "-h"}}) {
        const auto r = run(words);
        EXPECT_EQ(r.code, 0);
        EXPECT_EQ(r.err, "");
        for (const char* there : {"Examples:", "Exit codes:", "--store", "75"})
            EXPECT_NE(r.out.find(there), std::string::npos) << there << " in " << r.out;
    }
    EXPECT_EQ(run({"--version"}).out.substr(0, 9), "queuectl ");
}

TEST_F(frame, every_command_has_help_with_examples)
{
    const std::string help = ok({"--help"});
    for (const char* name : {"enqueue", "list", "show", "logs", "status", "wait", "cancel", "delete", "purge"}) {
        EXPECT_NE(help.find(std::string{"  "} + name), std::string::npos) << name;
        const auto r = run({name, "--help"});
        EXPECT_EQ(r.code, 0) << name;
        EXPECT_NE(r.out.find("Examples:"), std::string::npos) << name;
    }
}

TEST_F(frame, wrong_usage_is_2_in_one_line)
{
    for (const strings& words : {strings{},
                                 {"frobnicate"},
                                 {"--frob"},
                                 {"list", "--frob"},
                                 {"--store"},
                                 {"--store", "x:y", "list"},
                                 {"config"}})
        expect_refused(run(words), {"queuectl: "});
}

TEST_F(frame, global_options_stand_before_or_after)
{
    const std::string store = url("other");
    ok({"--store", store, "enqueue", "--id", "a", "true"});
    ok({"enqueue", "--id", "b", "true", "--store=" + store});
    EXPECT_FALSE(store_exists());
    const std::string all = ok({"list", "--json", "--store", store});
    EXPECT_NE(all.find("\"a\""), std::string::npos);
    EXPECT_NE(all.find("\"b\""), std::string::npos);
    EXPECT_EQ(ok({"--json", "--store", store, "list"}), all);
    EXPECT_EQ(ok({"--store=" + store, "list", "--json"}), all);
}

TEST_F(frame, other_stores_are_refused_in_one_line)
{
    for (const char* url : {"journal:", "journal:/", "lmdb:", "lmdb:/", "redis://", "redis://host:1/x", "redis+unix:s",
                            "rediss://host", "memory:", "sqlite:", "x", "sqlite:/a/"})
        for (const char* command : {"list", "status"}) expect_refused(run({command, "--store", url}), {"store"});
    expect_refused(run({"enqueue", "true", "--store", "memory:"}), {"worker start"});
    const auto refused = run({"enqueue", "true", "--store", "redis://me:secret@host:1/x"});
    expect_refused(refused, {"store"});
    EXPECT_EQ(refused.err.find("secret"), std::string::npos);
}

TEST_F(frame_sqlite, the_default_store_is_in_the_state_folder)
{
    environment_.erase("QUEUECTL_STORE");
    EXPECT_EQ(ok({"list", "--json"}), "[]");
    EXPECT_FALSE(std::filesystem::exists(path(".local")));
    ok({"enqueue", "true"});
    EXPECT_TRUE(std::filesystem::exists(path(".local/state/queuectl/queuectl.db")));
    struct stat about {};
    ASSERT_EQ(::stat(path(".local/state/queuectl").c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777u, 0700u);
    environment_["XDG_STATE_HOME"] = path("xdg");
    ok({"enqueue", "true"});
    EXPECT_TRUE(std::filesystem::exists(path("xdg/queuectl/queuectl.db")));
}

TEST_F(frame_sqlite, a_file_that_is_no_store_is_70_and_an_unreachable_one_69)
{
    put("q.db", std::string(8192, 'x'));
    ASSERT_EQ(::chmod(path("q.db").c_str(), 0600), 0);
    for (const strings& words : {strings{"list"}, {"status"}, {"enqueue", "true"}}) {
        const auto r = run(words);
        EXPECT_EQ(r.code, 70) << r.err;
        EXPECT_EQ(r.out, "");
    }
    EXPECT_EQ(run({"list", "--store", "sqlite:" + path("q.db") + "/x"}).code, 69);
    EXPECT_EQ(run({"enqueue", "true", "--store", "sqlite:" + path("no/folder/x.db")}).code, 69);
}

TEST_F(frame_journal, a_folder_of_other_things_is_refused_and_a_file_is_69)
{
    std::filesystem::create_directory(path("other"));
    put("other/letter", "dear");
    for (const strings& words : {strings{"list"}, {"status"}, {"enqueue", "true"}}) {
        auto all = words;
        all.insert(all.end(), {"--store", "journal:other"});
        expect_refused(run(all), {path("other"), "no store"});
    }
    EXPECT_FALSE(std::filesystem::exists(path("other/control")));
    for (const strings& words : {strings{"list"}, {"status"}, {"enqueue", "true"}}) {
        auto all = words;
        all.insert(all.end(), {"--store", "journal:other/letter"});
        EXPECT_EQ(run(all).code, 69);
    }
    EXPECT_EQ(run({"enqueue", "true", "--store", "journal:" + path("no/folder/x")}).code, 69);
}

TEST_F(frame_journal, what_is_damaged_is_read_but_not_written_and_says_where)
{
    ok({"enqueue", "--id", "a", "true"});
    ok({"enqueue", "--id", "b", "true"});
    const std::string file = path("q/0000000000000001.log");
    std::fstream{file, std::ios::in | std::ios::out | std::ios::binary}.seekp(200) << "\x5a\x5a\x5a\x5a";
    for (const char* cache : {"control", "index.blocks", "index.buckets", "index.pages", "index.undo"})
        std::filesystem::remove(path("q/" + std::string{cache}));
    const auto names_it = [](const command_result& r) {
        return r.err.find("0000000000000001.log: damage at offset 128") != std::string::npos;
    };
    for (const strings& words : {strings{"enqueue", "true"}, {"worker", "start", "--drain"}}) {
        const auto r = run(words);
        EXPECT_EQ(r.code, 70) << r.err;
        EXPECT_EQ(r.out, "");
        EXPECT_TRUE(names_it(r)) << r.err;
    }
    for (const strings& words : {strings{"list"}, {"status"}}) {
        const auto r = run(words);
        EXPECT_EQ(r.code, 0) << r.err;
        EXPECT_TRUE(names_it(r)) << r.err;
    }
}

TEST_F(frame_journal, the_url_says_how_durable_it_is)
{
    EXPECT_NE(ok({"status", "--json"}).find(R"("durability":"full")"), std::string::npos);
    for (const std::string name : {"full", "interval", "none"}) {
        environment_["QUEUECTL_STORE"] = "journal:q/?durability=" + name;
        ok({"enqueue", "--id", name, "echo $QUEUECTL_STORE > " + name});
        EXPECT_NE(ok({"status", "--json"}).find("\"durability\":\"" + name + '"'), std::string::npos);
        drain();
        EXPECT_EQ(get(name), url() + (name == "full" ? "" : "?durability=" + name) + "\n");
    }
    environment_["QUEUECTL_STORE"] = url();
    EXPECT_NE(ok({"list", "--json"}).find("interval"), std::string::npos) << "it is the same store";
    for (const char* wrong : {"?", "?durability", "?durability=", "?durability=most", "?durability=none&x=1", "?x"})
        expect_refused(run({"list", "--store", url() + wrong}), {"?durability=full, interval or none"});
}

TEST_F(frame_journal, its_path_may_be_relative_and_end_in_slashes)
{
    ok({"enqueue", "--id", "a", "true"});
    for (const char* name : {"journal:q", "journal:./q", "journal:q/", "journal:q//"}) {
        EXPECT_EQ(ok({"list", "--json", "--store", name}), ok({"list", "--json"}));
        EXPECT_NE(ok({"status", "--json", "--store", name}).find('"' + url() + '"'), std::string::npos);
    }
}

TEST_F(frame, a_full_standard_output_is_not_success)
{
    ok({"enqueue", "true"});
    // The helper writes to a file; /dev/full is reached through the shell.
    const std::string line =
        std::string{QUEUECTL_COMMAND} + " --store " + url() + " list --json >/dev/full 2>/dev/null";
    EXPECT_NE(std::system(line.c_str()), 0);
}

}  // namespace command_tests
