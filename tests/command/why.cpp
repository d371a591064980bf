// why: one line with the reason for which a job does not run.
#include "run_command.hpp"

#include <signal.h>

namespace command_tests {

class why : public command_test {
protected:
    // The reason's code; its line must begin with the id and contain the words.
    std::string reason(const std::string& id, const std::string& words = {}) const
    {
        const std::string line = ok({"why", id});
        EXPECT_EQ(line.find(id + " "), 0u) << line;
        EXPECT_NE(line.find(words), std::string::npos) << line;
        EXPECT_EQ(line.find('\n'), std::string::npos) << line;
        const std::string json = ok({"why", id, "--json"});
        const std::string key = "\"reason\":\"";
        const auto at = json.find(key);
        if (at == std::string::npos) return json;
        return json.substr(at + key.size(), json.find('"', at + key.size()) - at - key.size());
    }
    // Until the job's reason is that one.
    bool becomes(const std::string& id, const std::string& wanted) const
    {
        for (int i = 0; i < 500; ++i, ::usleep(10'000))
            if (reason(id) == wanted) return true;
        return false;
    }
    void start(const strings& flags) const
    {
        strings words{"worker", "start", "--detach"};
        words.insert(words.end(), flags.begin(), flags.end());
        EXPECT_EQ(run(words).code, 0) << get("err");
    }
};

TEST_F(why, there_must_be_such_a_job)
{
    const auto r = run({"why", "nothing"});
    EXPECT_EQ(r.code, 1);
    EXPECT_EQ(r.err, "queuectl: no job nothing\n");
    EXPECT_FALSE(store_exists());
}

TEST_F(why, what_waits_for_its_time_or_has_ended)
{
    ok({"enqueue", "--id", "done", "true"});
    ok({"enqueue", "--id", "dead", "--max-retries", "0", "exit 3"});
    drain();
    ok({"enqueue", "--id", "later", "--delay", "1h", "true"});
    ok({"enqueue", "--id", "gone", "true"});
    ok({"cancel", "gone"});
    EXPECT_EQ(reason("later", "is due in "), "due_later");
    EXPECT_EQ(reason("done", "has completed"), "completed");
    EXPECT_EQ(reason("dead", "exit code 3"), "dead");
    EXPECT_EQ(reason("gone", "was cancelled"), "cancelled");
}

TEST_F(why, workers)
{
    ok({"enqueue", "--id", "first", "--queue", "a", "sleep 60"});
    EXPECT_EQ(reason("first", "no worker runs"), "no_worker");
    start({"--queue", "b"});
    EXPECT_EQ(reason("first", "none of the 1 worker takes its queue a"), "no_worker_for_queue");
    start({"--queue", "a"});
    EXPECT_TRUE(becomes("first", "running"));
    ok({"enqueue", "--id", "second", "--queue", "a", "true"});
    EXPECT_EQ(reason("second", "all 1 place of the 1 worker for its queue a are taken"), "workers_busy");
    ok({"enqueue", "--id", "failing", "--queue", "b", "--backoff-base", "1000", "exit 4"});
    EXPECT_TRUE(becomes("failing", "retry_later"));
    ok({"cancel", "first"});
    EXPECT_TRUE(becomes("second", "completed"));
    EXPECT_EQ(run({"worker", "stop"}).code, 0);
}

TEST_F(why, after_a_crash_it_waits_to_be_alone)
{
    ok({"enqueue", "--id", "poison", "test $QUEUECTL_ATTEMPT = 1 && { sleep 0.3; kill -9 $PPID; }"});
    ok({"enqueue", "--id", "long", "sleep 60"});
    start({"--concurrency", "2"});
    EXPECT_TRUE(becomes("long", "running"));
    EXPECT_TRUE(becomes("poison", "runs_alone") || becomes("long", "runs_alone"));
    for (const char* id : {"long", "poison"}) static_cast<void>(run({"cancel", id}));
    EXPECT_EQ(run({"worker", "stop"}).code, 0);
}

class completion : public command_test {
protected:
    // What bash offers for the last word, sorted.
    std::string offered(const std::string& words) const
    {
        put("script", "source \"$0\"\nCOMP_WORDS=(" + words + ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n" +
                          "_queuectl\nprintf '%s\\n' \"${COMPREPLY[@]}\" | sort -u | tr '\\n' ' '");
        put("completion", ok({"completion", "bash"}));
        const std::string command = "cd " + path("") + "; PATH=$PATH QUEUECTL_STORE='" +
                                    environment_.at("QUEUECTL_STORE") +
                                    "' bash -c \"$(cat script)\" ./completion >shown 2>&1";
        EXPECT_EQ(std::system(command.c_str()), 0);
        return get("shown");
    }
};

TEST_F(completion, of_commands_groups_options_states_and_ids)
{
    const std::string program = QUEUECTL_COMMAND;
    EXPECT_EQ(offered(program + " s"), "show smoke-test status ");
    EXPECT_EQ(offered(program + " dlq ''"), "list retry ");
    EXPECT_EQ(offered(program + " worker sto"), "stop ");
    EXPECT_EQ(offered(program + " config u"), "unset ");
    EXPECT_EQ(offered(program + " worker start --con"), "--concurrency ");
    EXPECT_EQ(offered(program + " list --state d"), "dead ");
    ok({"enqueue", "--id", "job-1", "true"});
    ok({"enqueue", "--id", "job-2", "true"});
    EXPECT_EQ(offered(program + " show job-"), "job-1 job-2 ");
    EXPECT_EQ(offered(program + " why x"), " ");
}

TEST_F(completion, of_bash_only)
{
    expect_refused(run({"completion", "tcsh"}), {"bash"});
    expect_refused(run({"completion"}), {"bash"});
}

}  // namespace command_tests
