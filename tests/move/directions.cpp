// A store with jobs of every state moves to every other kind of store, killed on its way, and nothing is lost or
// doubled.
#include "support.hpp"

#include <queuectl/testing/effort.hpp>

namespace move_tests {
namespace {

struct direction {
    std::string from;
    std::string to;
};
void PrintTo(const direction& d, std::ostream* out) { *out << d.from << " to " << d.to; }

class directions : public move_test, public ::testing::WithParamInterface<direction> {};

TEST_P(directions, killed_on_its_way)
{
    const auto jobs = exported_jobs(queuectl::effort(2'000, 100'000));
    const auto from = url_of(GetParam().from, "from");
    const auto to = url_of(GetParam().to, "to");
    import(from, jobs);
    ASSERT_TRUE(same(exported(from) + '\n', jobs));
    const auto status = ok({"status", "--json", "--store", from});
    const auto killed = move_with_kills(from, to, queuectl::effort(5, 50), seed());
    std::printf("killed %zu times\n", killed);
    EXPECT_GT(killed, 0U);
    EXPECT_TRUE(same(exported(to) + '\n', jobs));
    const auto counts = [](const std::string& json) { return json.substr(0, json.find(",\"workers\"")); };
    EXPECT_EQ(counts(ok({"status", "--json", "--store", to})), counts(status));
    EXPECT_NE(ok({"verify", "--store", to}).find("clean"), std::string::npos);
    // The old store can still be looked at, and says where the jobs are.
    EXPECT_TRUE(same(exported(from) + '\n', jobs));
    const auto moved = ok({"status", "--json", "--store", from});
    EXPECT_EQ(counts(moved), counts(status));
    EXPECT_NE(moved.find("\"state\":\"moved\""), std::string::npos);
    expect_one_line(run({"enqueue", "true", "--store", from}), 69, "was moved to " + scheme_of(to));
    EXPECT_EQ(run({"enqueue", "true", "--store", to}).code, 0);
}

std::vector<direction> all_directions()
{
    std::vector<direction> all;
    for (const auto& from : kinds())
        for (const auto& to : kinds()) all.push_back({from, to});
    return all;
}
std::string direction_name(const ::testing::TestParamInfo<direction>& info)
{
    return info.param.from + "_to_" + info.param.to;
}
INSTANTIATE_TEST_SUITE_P(move, directions, ::testing::ValuesIn(all_directions()), direction_name);

class live : public move_test, public ::testing::WithParamInterface<direction> {};

// Jobs that were begun before the move end where they began, the others run in the new store; each runs once.
TEST_P(live, each_job_runs_once)
{
    const auto from = url_of(GetParam().from, "from");
    const auto to = url_of(GetParam().to, "to");
    constexpr int jobs = 300;
    std::string lines;
    for (int i = 0; i < jobs; ++i) lines += "{\"command\":\"echo " + std::to_string(i) + " >> lines; sleep 0.02\"}\n";
    EXPECT_EQ(run({"enqueue", "--file", "-", "--store", from}, lines).code, 0);
    const pid_t worker = start({"worker", "start", "--store", from, "--concurrency", "4"}, "worker.err");
    while (get("lines").size() < 50) std::this_thread::sleep_for(std::chrono::milliseconds{5});
    move_with_kills(from, to, 5, seed());
    EXPECT_EQ(wait(worker), 0) << get("worker.err");
    EXPECT_NE(get("worker.err").find("is moving to " + scheme_of(to)), std::string::npos) << get("worker.err");
    const auto lines_before = get("lines");
    const auto before = std::count(lines_before.begin(), lines_before.end(), '\n');
    EXPECT_LT(before, jobs) << "the worker had done everything before the move";
    EXPECT_EQ(run({"worker", "start", "--drain", "--concurrency", "4", "--store", to}).code, 0);
    std::map<std::string, int> ran;
    std::stringstream text{get("lines")};
    for (std::string line; std::getline(text, line);) ++ran[line];
    EXPECT_EQ(ran.size(), std::size_t{jobs});
    for (const auto& [line, times] : ran) EXPECT_EQ(times, 1) << "job " << line;
    EXPECT_NE(ok({"status", "--json", "--store", to}).find("\"completed\":300"), std::string::npos);
}

// Each kind is left once, and entered once.
std::vector<direction> a_round()
{
    const auto all = kinds();
    std::vector<direction> round;
    for (std::size_t i = 0; i < all.size(); ++i) round.push_back({all[i], all[(i + 1) % all.size()]});
    return round;
}
INSTANTIATE_TEST_SUITE_P(move, live, ::testing::ValuesIn(a_round()), direction_name);

}  // namespace
}  // namespace move_tests
