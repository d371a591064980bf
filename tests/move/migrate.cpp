// What migrate tells, refuses, and leaves behind.
#include "support.hpp"

namespace move_tests {
namespace {

class migrate : public move_test, public ::testing::WithParamInterface<std::string> {
protected:
    // Leaves the store moving: a job runs longer than migrate waits.
    void leave_moving()
    {
        ok({"enqueue", "--id", "long", "--command", "while ! test -e go; do sleep 0.01; done", "--store", from_});
        ok({"enqueue", "--id", "waits", "--command", "true", "--store", from_});
        worker_ = start({"worker", "start", "--store", from_}, "worker.err");
        while (run({"list", "--state", "processing", "--json", "--store", from_}).out.find("long") ==
               std::string::npos) {}
        expect_one_line(run({"migrate", "--from", from_, "--to", to_, "--timeout", "0.05"}), 75, "1 jobs still run");
    }
    void let_it_end()
    {
        put("go", "");
        EXPECT_EQ(wait(worker_), 0) << get("worker.err");
    }

    std::string from_ = url_of(GetParam(), "from");
    std::string to_ = url_of(GetParam(), "to");
    pid_t worker_ = 0;
};

TEST_P(migrate, while_it_moves_clients_are_told_to_come_back)
{
    leave_moving();
    const std::string told = "is moving to " + scheme_of(to_);
    expect_one_line(run({"enqueue", "true", "--store", from_}), 75, told);
    expect_one_line(run({"cancel", "waits", "--store", from_}), 75, told);
    expect_one_line(run({"worker", "start", "--store", from_}), 75, told);
    expect_one_line(run({"worker", "start", "--store", to_}), 75, "still being moved into it");
    EXPECT_NE(ok({"status", "--store", from_}).find("moving to"), std::string::npos);
    EXPECT_NE(ok({"list", "--store", from_}).find("waits"), std::string::npos);
    EXPECT_NE(ok({"show", "long", "--store", from_}).find("processing"), std::string::npos);
    let_it_end();
    EXPECT_NE(ok({"migrate", "--from", from_, "--to", to_, "--json"}).find("\"jobs\":2,\"runs\":1"), std::string::npos);
    EXPECT_NE(ok({"show", "long", "--store", to_}).find("completed"), std::string::npos);
    EXPECT_NE(get("worker.err").find("is moving to"), std::string::npos);
    // Again: nothing is left to do.
    EXPECT_NE(ok({"migrate", "--from", from_, "--to", to_, "--json"}).find("\"moved_before\":true"), std::string::npos);
    expect_one_line(run({"migrate", "--from", from_, "--to", url_of(GetParam(), "third")}), 69, "was moved to");
    expect_one_line(run({"migrate", "--abort", "--from", from_}), 69, "was moved to");
    expect_one_line(run({"worker", "start", "--store", from_}), 69, "was moved to");
}

// What was copied before the move was given up is not believed when there is another.
TEST_P(migrate, given_up_and_begun_again)
{
    import(from_, exported_jobs(500));
    const pid_t cut_off = start({"migrate", "--from", from_, "--to", to_, "--batch", "1"}, "migrate.err");
    while (run({"list", "--json", "--store", to_}).out.find("job-9\"") == std::string::npos) {}
    ::kill(cut_off, SIGKILL);
    wait(cut_off);
    expect_one_line(run({"migrate", "--from", from_, "--to", url_of(GetParam(), "third")}), 1, "is moving to");
    EXPECT_NE(ok({"migrate", "--abort", "--from", from_}).find("takes changes again"), std::string::npos);
    expect_one_line(run({"migrate", "--abort", "--from", from_}), 1, "is not moving");
    ok({"cancel", "job-0", "--store", from_});
    ok({"delete", "job-5", "--store", from_});
    ok({"enqueue", "--id", "new", "true", "--store", from_});
    const auto now = exported(from_);
    ok({"migrate", "--from", from_, "--to", to_});
    EXPECT_TRUE(same(exported(to_), now));
}

TEST_P(migrate, refuses_a_target_that_is_in_use)
{
    ok({"enqueue", "--id", "a", "true", "--store", from_});
    ok({"enqueue", "--id", "b", "true", "--store", to_});
    expect_one_line(run({"migrate", "--from", from_, "--to", to_}), 73, "is not empty");
    EXPECT_EQ(run({"enqueue", "true", "--store", from_}).code, 0);
    expect_one_line(run({"migrate", "--from", from_, "--to", from_}), 2, "are the same store");
    const auto nothing = url_of(GetParam() == "redis" ? "sqlite" : GetParam(), "none");
    expect_one_line(run({"migrate", "--from", nothing, "--to", to_}), 69, "there is no store");
    expect_one_line(run({"migrate", "--from", from_}), 2, "needs --to");
    expect_one_line(run({"migrate", "--from", from_, "--to", "memory:"}), 2, "memory:");
}

// A target that somebody uses before the move has ended is noticed.
TEST_P(migrate, compares_before_it_ends)
{
    leave_moving();
    ok({"enqueue", "--id", "early", "true", "--store", to_});
    let_it_end();
    expect_one_line(run({"migrate", "--from", from_, "--to", to_}), 1, "do not have the same jobs (2 and 3)");
    EXPECT_NE(ok({"status", "--store", from_}).find("moving to"), std::string::npos);
    ok({"delete", "early", "--store", to_});
    ok({"migrate", "--from", from_, "--to", to_});
}

INSTANTIATE_TEST_SUITE_P(store, migrate, ::testing::ValuesIn(kinds()), [](const auto& one) { return one.param; });

}  // namespace
}  // namespace move_tests
