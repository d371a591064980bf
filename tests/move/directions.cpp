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

#if defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer);
#else
constexpr bool sanitized = false;
#endif

// The jobs that a worker runs meanwhile, in a queue of its own.
constexpr int live_jobs = 60;

class directions : public move_test, public ::testing::WithParamInterface<direction> {
protected:
    std::string from_ = url_of(GetParam().from, "from");
    std::string to_ = url_of(GetParam().to, "to");

    // A worker that has run some of the live jobs.
    pid_t start_worker()
    {
        std::string lines;
        for (int i = 0; i < live_jobs; ++i)
            lines += "{\"queue\":\"live\",\"command\":\"echo " + std::to_string(i) + " >> lines; sleep 0.03\"}\n";
        EXPECT_EQ(run({"enqueue", "--file", "-", "--store", from_}, lines).code, 0);
        const pid_t worker =
            start({"worker", "start", "--store", from_, "--queue", "live", "--concurrency", "2"}, "worker.err");
        while (get("lines").size() < 20) std::this_thread::sleep_for(std::chrono::milliseconds{2});
        return worker;
    }
    // At random points of the copying, spread over the first nine tenths of it.
    std::size_t move_with_kills(std::size_t jobs, std::size_t kills)
    {
        std::minstd_rand random{seed()};
        const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>{0, n}(random); };
        const std::size_t part = jobs * 9 / 10 / kills;
        const std::size_t batch = std::max<std::size_t>(jobs / 100, 10);
        std::size_t killed = 0;
        for (std::size_t i = 0; i < kills; ++i)
            killed += move_until(from_, to_, i * part + below(part), batch, std::chrono::microseconds{below(2000)});
        const auto last = run({"migrate", "--from", from_, "--to", to_});
        EXPECT_EQ(last.code, 0) << last.err;
        return killed;
    }
    // Jobs, queues and states as status tells them.
    [[nodiscard]] std::string counts_of(const std::string& url) const
    {
        const auto json = ok({"status", "--json", "--store", url});
        return json.substr(0, json.find(",\"workers\""));
    }
    void expect_each_ran_once() const
    {
        std::map<std::string, int> ran;
        std::stringstream text{get("lines")};
        for (std::string line; std::getline(text, line);) ++ran[line];
        EXPECT_EQ(ran.size(), std::size_t{live_jobs});
        for (const auto& [line, times] : ran) EXPECT_EQ(times, 1) << "job " << line;
    }
};

TEST_P(directions, killed_on_its_way)
{
    const auto n = queuectl::effort(sanitized ? 1'000 : 5'000, 100'000);
    const auto kills = queuectl::effort(5, 50);
    const auto jobs = exported_jobs(n);
    import(from_, jobs);
    const auto lines = jobs.substr(0, jobs.find("{\"config\""));
    const pid_t worker = start_worker();
    const auto killed = move_with_kills(n, kills);
    std::printf("killed %zu times\n", killed);
    EXPECT_GE(killed + 1, kills) << "the last may come too late";
    EXPECT_EQ(wait(worker), 0) << get("worker.err");
    const auto old = exported(from_);
    EXPECT_TRUE(same(old.substr(0, lines.size()), lines));
    EXPECT_TRUE(same(exported(to_), old));
    EXPECT_EQ(counts_of(to_), counts_of(from_));
    EXPECT_NE(ok({"verify", "--store", to_}).find("clean"), std::string::npos);
    // The old store can still be looked at, and says where the jobs are.
    EXPECT_NE(ok({"status", "--json", "--store", from_}).find("\"state\":\"moved\""), std::string::npos);
    expect_one_line(run({"enqueue", "true", "--store", from_}), 69, "was moved to " + scheme_of(to_));
    EXPECT_EQ(run({"enqueue", "true", "--store", to_}).code, 0);
    EXPECT_EQ(run({"worker", "start", "--drain", "--queue", "live", "--concurrency", "8", "--store", to_}).code, 0);
    expect_each_ran_once();
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
