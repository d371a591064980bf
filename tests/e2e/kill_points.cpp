// A worker that is killed at a named point of a job's life, alone or together with its supervisor, while a peer that
// runs other queues stands by: what was going on is counted once, nothing is lost, nothing runs on unseen.
#include "support.hpp"

namespace queuectl::e2e {
namespace {

// Whether the run that was going on counts as a crash, and the job runs again.
enum class cut_off { no, yes, either };

struct kill_point {
    const char* name;
    const char* store;
    cut_off counted;
    bool with_supervisor = false;
};

std::string text_of(const kill_point& p)
{
    return std::string{p.store} + '_' + p.name + (p.with_supervisor ? "_with_supervisor" : "");
}
std::ostream& operator<<(std::ostream& out, const kill_point& p) { return out << text_of(p); }

class KillPoints : public ::testing::TestWithParam<kill_point> {
protected:
    // A worker of the command that dies at the point; armed() tells whether it has not yet.
    child start_doomed()
    {
        std::ofstream{once()};
        ::setenv("KILL_AT", GetParam().name, 1);
        ::setenv("KILL_ONCE", once().c_str(), 1);
        if (GetParam().with_supervisor) ::setenv("KILL_SUPERVISOR", "1", 1);
        auto started = s.start_worker({}, QUEUECTL_DOOMED_COMMAND);
        for (const char* name : {"KILL_AT", "KILL_ONCE", "KILL_SUPERVISOR"}) ::unsetenv(name);
        return started;
    }
    [[nodiscard]] std::string once() const { return s.path("once"); }
    [[nodiscard]] bool armed() const { return std::filesystem::exists(once()); }
    [[nodiscard]] bool was(const char* point) const { return GetParam().name == std::string_view{point}; }

    // Each line once, but the first run of the victim, which may have been killed before it wrote anything.
    void expect_runs(bool again) const
    {
        auto lines = lines_of(s.path("runs"));
        if (was("started")) lines["1"] = 1;
        std::map<std::string, int> expected{{"a", 1}, {"b", 1}, {"c", 1}};
        if (!was("claimed")) expected["1"] = 1;
        if (again) expected["2"] = 1;
        EXPECT_EQ(lines, expected);
    }

    site s{GetParam().store};
};

TEST_P(KillPoints, NothingIsLostStuckOrRunTwiceOnceSettled)
{
    const auto& p = GetParam();
    auto peer = s.start_worker({"--queue", "other"});
    ASSERT_TRUE(s.workers_are_up(1));
    const std::string note = "echo $QUEUECTL_ATTEMPT >> " + s.path("runs");
    const auto victim = s.enqueue(was("started") ? note + "; test $QUEUECTL_ATTEMPT = 2 || sleep 77.31" : note);
    for (const char* other : {"a", "b", "c"}) s.enqueue("echo " + std::string{other} + " >> " + s.path("runs"));
    auto doomed = start_doomed();
    ASSERT_TRUE(eventually([&] { return !armed(); })) << s.log();

    EXPECT_TRUE(eventually(
        [&] {
            const auto now = s.find(victim);
            const bool ended = now.state == state::completed;
            return p.counted == cut_off::no ? ended : now.crashes == 1 || (p.counted == cut_off::either && ended);
        },
        1s));
    if (p.with_supervisor) {
        EXPECT_TRUE(eventually([&] { return s.count(state::processing) == 0; }, 1s));
        EXPECT_EQ(running("sleep 77.31"), 0);
        auto next = s.start_worker({"--drain"});
        EXPECT_EQ(next.wait(), 0) << s.log();
    }
    ASSERT_TRUE(eventually([&] { return s.count(state::completed) == 4; })) << s.log();
    EXPECT_EQ(running("sleep 77.31"), 0);
    const auto record = s.find(victim);
    if (p.counted != cut_off::either) {
        EXPECT_EQ(record.crashes, p.counted == cut_off::yes ? 1 : 0);
    }
    EXPECT_EQ(record.attempts, 1);
    expect_runs(record.crashes == 1);
    for (const auto role : {"worker", "supervisor"})
        EXPECT_TRUE(eventually([&] { return s.workers(role).size() == (p.with_supervisor ? 1u : 2u); }));
    peer.signal(SIGTERM);
    EXPECT_EQ(peer.wait(), 0);
    if (p.with_supervisor) return;
    doomed.signal(SIGTERM);
    EXPECT_EQ(doomed.wait(), 0) << "its supervisor";
}

std::vector<kill_point> all_points()
{
    std::vector<kill_point> points;
    std::vector<const char*> stores{"sqlite", "journal"};
#ifdef QUEUECTL_COMMAND_LMDB
    stores.push_back("lmdb");
    points.push_back({"settling", "lmdb", cut_off::yes});  // before it commits
#endif
#ifdef QUEUECTL_TEST_REDIS
    stores.push_back("redis");
#endif
    for (const char* store : stores) {
        points.push_back({"claimed", store, cut_off::yes});  // the claim is stored, the job has not started
        points.push_back({"started", store, cut_off::yes});  // the job's process has just started
        points.push_back({"exited", store, cut_off::yes});   // the job has ended, its settle has not begun
        points.push_back({"settled", store, cut_off::no});   // the settle is stored, the worker has not heard of it
    }
    points.push_back({"settling", "sqlite", cut_off::yes});      // in the settle's transaction, before it commits
    points.push_back({"settling", "journal", cut_off::either});  // before the settle's sync: what is written, stays
    for (std::size_t i = points.size(); i-- > 0;) {
        points.push_back(points[i]);
        points.back().with_supervisor = true;
    }
    return points;
}
INSTANTIATE_TEST_SUITE_P(Each, KillPoints, ::testing::ValuesIn(all_points()),
                         [](const auto& point) { return text_of(point.param); });

}  // namespace
}  // namespace queuectl::e2e
