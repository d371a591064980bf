// verify: a clean store is clean, also while it is used; every fault is named.
#include "run_command.hpp"

#include <sqlite3.h>

#include <utime.h>

namespace command_tests {

class verify : public command_test {
protected:
    // Changes the SQLite store behind the queue's back.
    void sql(const std::string& text) const
    {
        sqlite3* db = nullptr;
        ASSERT_EQ(sqlite3_open(path("q.db").c_str(), &db), SQLITE_OK);
        char* why = nullptr;
        EXPECT_EQ(sqlite3_exec(db, text.c_str(), nullptr, nullptr, &why), SQLITE_OK) << (why == nullptr ? "" : why);
        sqlite3_free(why);
        sqlite3_close(db);
    }
    // A job of every kind of end, and one with an output file.
    void fill() const
    {
        ok({"enqueue", "--id", "good", "echo small"});
        ok({"enqueue", "--id", "long", "seq 1 5000"});
        ok({"enqueue", "--id", "bad", "--max-retries", "1", "--backoff-base", "0.01", "exit 3"});
        drain();
        ok({"enqueue", "--id", "later", "--delay", "1h", "true"});
        ok({"enqueue", "--id", "gone", "true"});
        ok({"cancel", "gone"});
    }
    void expect_found(const std::string& words) const
    {
        const auto r = run({"verify"});
        EXPECT_EQ(r.code, 1) << r.out << r.err;
        EXPECT_NE(r.out.find(words), std::string::npos) << words << " in: " << r.out;
    }
    void make_old(const std::string& name) const
    {
        const utimbuf long_ago{1'000'000'000, 1'000'000'000};
        EXPECT_EQ(::utime(path(name).c_str(), &long_ago), 0);
    }
    void use_journal() { environment_["QUEUECTL_STORE"] = "journal:" + path("j"); }
};

TEST_F(verify, a_store_that_is_not_there_is_clean)
{
    EXPECT_EQ(ok({"verify"}), "clean: 0 jobs, 0 runs");
    EXPECT_FALSE(store_exists());
}

TEST_F(verify, a_used_store_is_clean)
{
    fill();
    EXPECT_EQ(ok({"verify"}).find("clean: 5 jobs, 4 runs, "), 0u);
    EXPECT_EQ(ok({"verify", "--json"}).find("{\"clean\":true,\"damaged\":false,\"jobs\":5,\"runs\":4,\"bytes\":"), 0u);
    ok({"dlq", "retry", "bad"});
    drain();
    EXPECT_EQ(ok({"verify"}).find("clean: 5 jobs, 6 runs, "), 0u);
    use_journal();
    fill();
    EXPECT_EQ(ok({"verify"}).find("clean: 5 jobs, 4 runs, "), 0u);
}

TEST_F(verify, tables_that_disagree)
{
    fill();
    sql("UPDATE queues SET completed=7");
    expect_found("wrong: queue default is not counted as a recount says");
    expect_found("wrong: queue default: counted 7 completed jobs, there are 2");
    sql("UPDATE queues SET completed=2; INSERT INTO dead_letter_queue(sequence,id,queue,kind,state,priority,run_at,"
        "created_at,updated_at) VALUES(99,'good','default','shell',4,0,0,0,0); UPDATE queues SET dead=dead+1");
    expect_found("wrong: job good is in jobs and in dead_letter_queue");
    expect_found("wrong: job good: it is there twice");
    sql("DELETE FROM dead_letter_queue WHERE sequence=99; UPDATE queues SET dead=dead-1; DELETE FROM line");
    expect_found("wrong: job later waits, but does not stand in line");
}

TEST_F(verify, records_that_contradict_themselves)
{
    fill();
    sql("UPDATE jobs SET attempts=9 WHERE id='good'");
    expect_found("wrong: job good: it was tried more often than its max_retries allow");
    sql("UPDATE jobs SET attempts=2 WHERE id='good'");
    expect_found("wrong: job good: ");
    sql("UPDATE jobs SET attempts=1, error='?' WHERE id='good'");
    expect_found("wrong: job good: it is completed, but has an error");
    sql("UPDATE jobs SET error=NULL, tag=' ' WHERE id='good'");
    expect_found("wrong: job good: its kind or tag is no name");
}

TEST_F(verify, output_files_and_rows)
{
    fill();
    const std::string logs = path("q.db.d/logs");
    std::string file;
    for (const auto& entry : std::filesystem::directory_iterator{logs}) file = entry.path().filename();
    put("q.db.d/logs/77-1", "nobody's");
    EXPECT_EQ(ok({"verify"}).find("clean: "), 0u) << "a settle that has not ended may have written it";
    make_old("q.db.d/logs/77-1");
    make_old("q.db.d/logs/" + file);
    expect_found("leftover: output file " + logs + "/77-1 belongs to no run");
    drain();
    EXPECT_FALSE(std::filesystem::exists(logs + "/77-1")) << "the next worker removes it";
    EXPECT_EQ(ok({"verify"}).find("clean: "), 0u);
    put("q.db.d/logs/" + file, "cut");
    expect_found("wrong: job long: the output of run 1 has not the length that the run tells of");
    std::filesystem::remove(logs + "/" + file);
    expect_found("wrong: output file " + logs + "/" + file + " is missing");
}

TEST_F(verify, damaged_pages)
{
    std::string jobs;
    for (int i = 0; i < 200; ++i)
        jobs += "{\"id\":\"job-" + std::to_string(i) + "\",\"command\":\"echo " + std::string(200, 'x') + "\"}\n";
    ok({"enqueue", "--file", "-"}, jobs);
    sql("PRAGMA wal_checkpoint(TRUNCATE)");
    std::string bytes = get("q.db");
    for (std::size_t at = 3 * 4096; at + 4096 < bytes.size(); at += 4096) bytes[at + 7] ^= 0x55;
    put("q.db", bytes);
    const auto r = run({"verify"});
    EXPECT_EQ(r.code, 70) << r.out << r.err;
    EXPECT_NE((r.out + r.err).find("q.db"), std::string::npos) << r.out << r.err;
    put("q.db", std::string(8192, 'x'));
    EXPECT_EQ(run({"verify"}).code, 70);
}

class damaged_journal : public verify {
protected:
    damaged_journal() { use_journal(); }
    // Flips a bit of the byte where `text` is found first in the log, and tells where.
    std::size_t harm(const std::string& text) const
    {
        std::string bytes = get("j/0000000000000001.log");
        const auto at = bytes.find(text);
        EXPECT_NE(at, std::string::npos);
        bytes[at] = static_cast<char>(bytes[at] ^ 1);
        put("j/0000000000000001.log", bytes);
        for (const char* part : {"blocks", "buckets", "pages", "undo"}) put(std::string{"j/index."} + part, "");
        return at;
    }
};

TEST_F(damaged_journal, is_shown_but_not_written)
{
    ok({"enqueue", "--id", "first", "echo unharmed"});
    ok({"enqueue", "--id", "second", "echo harmed-one"});
    ok({"enqueue", "--id", "third", "echo behind"});
    harm("harmed-one");
    const auto v = run({"verify"});
    EXPECT_EQ(v.code, 70) << v.out << v.err;
    EXPECT_EQ(v.out.find("damage: 0000000000000001.log: offsets "), 0u) << v.out;
    for (const strings& words : {strings{"list"}, {"show", "first"}, {"status"}, {"dlq", "list"}}) {
        const auto r = run(words);
        EXPECT_EQ(r.code, 0) << words[0] << ": " << r.err;
        EXPECT_EQ(r.err.rfind("queuectl: "), 0u) << r.err;
        EXPECT_NE(r.err.find("0000000000000001.log: damage at offset "), std::string::npos) << r.err;
    }
    EXPECT_NE(run({"list"}).out.find("first"), std::string::npos);
    for (const strings& words :
         {strings{"enqueue", "true"}, {"cancel", "first"}, {"delete", "first"}, {"worker", "start", "--drain"}}) {
        const auto r = run(words);
        EXPECT_EQ(r.code, 70) << words[0] << ": " << r.out << r.err;
    }
}

TEST_F(damaged_journal, is_repaired_into_another)
{
    ok({"enqueue", "--id", "first", "echo unharmed"});
    ok({"enqueue", "--id", "second", "echo harmed-one"});
    ok({"enqueue", "--id", "third", "echo behind"});
    harm("harmed-one");
    const auto r = run({"repair", "--out", path("r")});
    EXPECT_EQ(r.code, 1) << r.err;
    EXPECT_EQ(r.out.find("lost: 0000000000000001.log: offsets "), 0u) << r.out;
    EXPECT_NE(r.out.find(": 1 frame missing, from "), std::string::npos) << r.out;
    EXPECT_NE(r.out.find("saved: 2 jobs"), std::string::npos) << r.out;
    EXPECT_EQ(run({"repair", "--out", path("r")}).code, 73);
    EXPECT_EQ(run({"repair"}).code, 2);
    EXPECT_EQ(run({"verify"}).code, 70) << "the damaged one is as it was";
    environment_["QUEUECTL_STORE"] = "journal:" + path("r");
    EXPECT_EQ(ok({"verify"}).find("clean: 2 jobs"), 0u);
    drain();
    EXPECT_EQ(ok({"logs", "third"}), "behind");
    EXPECT_EQ(run({"repair", "--out", path("again")}).code, 0) << get("err") << get("out");
    EXPECT_EQ(run({"repair", "--json", "--out", path("again2")}).out.find("{\"nothing_lost\":true,\"jobs\":2,"), 0u);
    EXPECT_EQ(run({"repair", "--store", "sqlite:" + path("x.db"), "--out", path("y")}).code, 2);
}

// Workers run, jobs come and go, and verify looks on: no false alarm.
class live_verify : public verify {
protected:
    void look_on(int times) const
    {
        std::string jobs;
        for (int i = 0; i < 400; ++i)
            jobs += "{\"command\":\"" +
                    std::string{i % 5 == 0   ? "exit 1"
                                : i % 7 == 0 ? "seq 1 2000"
                                             : "true"} +
                    "\",\"max_retries\":1,\"backoff_base\":0.05}\n";
        ASSERT_EQ(run({"worker", "start", "--detach", "--count", "2", "--concurrency", "2"}).code, 0) << get("err");
        for (int i = 0; i < times; ++i) {
            if (i % 10 == 0) ok({"enqueue", "--file", "-"}, jobs);
            if (i % 10 == 5) static_cast<void>(run({"dlq", "retry", "--all"}));
            if (i % 10 == 7) static_cast<void>(run({"purge", "--state", "completed"}));
            const auto r = run({"verify"});
            EXPECT_EQ(r.code, 0) << r.out << r.err;
        }
        EXPECT_EQ(run({"worker", "stop"}).code, 0);
        EXPECT_EQ(run({"verify"}).code, 0);
    }
};

TEST_F(live_verify, sqlite) { look_on(50); }

TEST_F(live_verify, journal)
{
    use_journal();
    look_on(50);
}

}  // namespace command_tests
