// What export prints import reads, on every store, byte for byte.
#include "support.hpp"

namespace move_tests {
namespace {

class export_import : public move_test, public ::testing::WithParamInterface<std::string> {
protected:
    std::string url_ = url_of(GetParam(), "from");
};

TEST_P(export_import, round_trip)
{
    const auto jobs = exported_jobs(2'000);
    import(url_, jobs);
    ASSERT_TRUE(same(exported(url_) + '\n', jobs));
    import(url_, jobs);
    EXPECT_TRUE(same(exported(url_) + '\n', jobs)) << "a second import adds nothing";
    for (const auto& kind : kinds()) {
        const auto copy = url_of(kind, "copy-" + kind);
        import(copy, exported(url_));
        EXPECT_TRUE(same(exported(copy) + '\n', jobs)) << kind;
    }
}

// What the command's own jobs leave: outputs of any bytes, retries, dead ones, and a running one.
TEST_P(export_import, what_workers_leave)
{
    ok({"config", "set", "max-retries", "1", "--store", url_});
    ok({"config", "set", "backoff-base", "0.001", "--store", url_});
    ok({"enqueue", "--command", "printf '\\000\\377'; exit 3", "--store", url_});
    ok({"enqueue", "--command", "head -c 300000 /dev/urandom", "--store", url_});
    ok({"enqueue", "--store", url_, "--", "printf", "%s", "a b"});
    EXPECT_EQ(run({"worker", "start", "--drain", "--store", url_}).code, 0);
    ok({"enqueue", "--id", "runs", "--command", "while ! test -e go; do sleep 0.01; done", "--store", url_});
    const pid_t worker = start({"worker", "start", "--store", url_}, "worker.err");
    while (run({"show", "runs", "--store", url_}).out.find("processing") == std::string::npos) {}
    const auto lines = exported(url_);
    put("go", "");
    ::kill(worker, SIGTERM);
    EXPECT_EQ(wait(worker), 0);
    EXPECT_NE(lines.find("{\"id\":\"runs\""), std::string::npos);
    EXPECT_EQ(lines.find("processing"), std::string::npos) << "a job that runs is told as pending";
    EXPECT_NE(lines.find("\"head_base64\":"), std::string::npos);
    for (const auto& kind : kinds()) {
        const auto copy = url_of(kind, "copy-" + kind);
        import(copy, lines + '\n');
        EXPECT_TRUE(same(exported(copy), lines)) << kind;
        EXPECT_EQ(run({"worker", "start", "--drain", "--store", copy}).code, 0);
        EXPECT_NE(ok({"show", "runs", "--store", copy}).find("completed"), std::string::npos);
    }
}

TEST_P(export_import, wrong_lines_are_told_by_number)
{
    const auto job = [](const std::string& id, const std::string& more) {
        return "{\"id\":\"" + id + "\",\"queue\":\"q\",\"state\":\"pending\"" + more + "}\n";
    };
    ok({"enqueue", "--id", "taken", "true", "--store", url_});
    const auto r = run({"import", "-", "--store", url_},
                       "{\"queuectl\":\"export\",\"format\":1}\n" + job("good", "") + job("bad id", "") +
                           job("a", ",\"nonsense\":1") + job("b", ",\"priority\":200") + "{\n" +
                           job("c", ",\"payload_base64\":\"@\"") + job("taken", "") +
                           "{\"id\":\"d\",\"queue\":\"q\",\"state\":\"processing\"}\n" +
                           "{\"config\":\"worker/x\",\"value\":\"\"}\n" + job("good2", ""));
    EXPECT_EQ(r.code, 1);
    for (const char* line :
         {"line 3: id: ", "line 4: nonsense: ", "line 5: priority: ", "line 6: json: ", "line 7: payload_base64: ",
          "line 8: id: taken exists already", "line 9: state: ", "line 10: config: "})
        EXPECT_NE(r.err.find(line), std::string::npos) << line << " in\n" << r.err;
    EXPECT_NE(r.err.find("2 jobs, 0 settings imported, 8 lines refused"), std::string::npos) << r.err;
    expect_one_line(run({"import", "-", "--store", url_}, "{}\n"), 2, "line 1: header");
    expect_one_line(run({"import", "-", "--store", url_}, "{\"queuectl\":\"export\",\"format\":2}\n"), 2, "newer");
    expect_one_line(run({"import", "-", "--store", url_}, ""), 2, "empty");
    expect_one_line(run({"import", "missing", "--store", url_}), 2, "missing");
}

INSTANTIATE_TEST_SUITE_P(store, export_import, ::testing::ValuesIn(kinds()), [](const auto& one) { return one.param; });

}  // namespace
}  // namespace move_tests
