// Many commands, several clients, several workers: each command runs, and without deaths exactly once.
#include "support.hpp"

namespace queuectl::e2e {
namespace {

// Jobs i = first … first + n − 1, each appending its number to `lines`: one object a line, in a file.
void write_jobs(const std::string& file, const std::string& lines, int first, int n)
{
    std::ofstream out{file};
    for (int i = first; i < first + n; ++i)
        out << R"({"id":"job-)" << i << R"(","command":"echo )" << i << " >> " << lines << "\"}\n";
}

TEST(ExactlyOnce, TenThousandCommandsOfFourClientsOnTwoSupervisors)
{
    constexpr int jobs = 10'000;
    constexpr int clients = 4;
    const site s;
    auto first = s.start_worker({"--count", "2", "--concurrency", "2", "--quiet"});
    auto second = s.start_worker({"--count", "2", "--concurrency", "2", "--quiet"});
    std::vector<child> enqueuers;
    for (int c = 0; c < clients; ++c) {
        const auto file = s.path("jobs" + std::to_string(c));
        write_jobs(file, s.path("lines"), c * jobs / clients, jobs / clients);
        enqueuers.push_back(
            s.start({"enqueue", "--file", "-"}, file, s.path("ids" + std::to_string(c)), s.path("err")));
    }
    for (auto& e : enqueuers) EXPECT_EQ(e.wait(), 0) << read_all(s.path("err"));
    const auto q = s.open();
    EXPECT_TRUE(eventually(
        [&] {
            auto counts = q->counts();
            return counts && !counts->empty() && (*counts)[0][state::completed] == jobs;
        },
        240s));
    first.signal(SIGTERM);
    second.signal(SIGINT);
    EXPECT_EQ(first.wait(), 0);
    EXPECT_EQ(second.wait(), 0);

    const auto lines = lines_of(s.path("lines"));
    EXPECT_EQ(lines.size(), std::size_t{jobs});
    for (const auto& [line, times] : lines) EXPECT_EQ(times, 1) << "job " << line;
    EXPECT_EQ(read_all(s.path("worker.err")), "") << "quiet workers have nothing to tell";
    EXPECT_TRUE(s.workers().empty());
}

}  // namespace
}  // namespace queuectl::e2e
