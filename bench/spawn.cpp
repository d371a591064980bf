// Jobs a second through process_executor alone, nothing stored, against xargs -P2 on the same command.
#include <queuectl/executor/process.hpp>

#include "report.hpp"

#include <cstdlib>

namespace {
using namespace queuectl;

// Runs `count` jobs of one command; jobs a second.
double run_jobs(const std::string& command, std::size_t concurrency, std::uint32_t count)
{
    process_options options;
    options.concurrency = concurrency;
    process_executor executor{options};
    std::vector<finished_run> out;
    const auto seconds = bench::seconds([&] {
        for (std::uint32_t started = 0; out.size() < count;) {
            for (; started < count && executor.capacity() > 0; ++started) {
                lease l;
                l.job.id = "job";
                l.job.payload = command;
                l.token = {uid{1, 1}, started};
                if (!executor.start(l, instant{})) std::abort();
            }
            executor.collect(out, std::chrono::seconds{10});
        }
    });
    return count / seconds;
}

// The same by xargs, through the shell that a command line takes.
double run_xargs(const std::string& command, std::uint32_t count)
{
    const auto line = "yes x | head -n " + std::to_string(count) + " | xargs -P2 -I{} sh -c '" + command + "'";
    const auto seconds = bench::seconds([&] {
        if (std::system(line.c_str()) != 0) std::abort();
    });
    return count / seconds;
}

}  // namespace

int main(int argc, char** argv)
{
    const bench::report report{argc, argv};
    constexpr std::uint32_t count = 300;
    constexpr int times = 5;
    struct {
        const char* name;
        const char* ours;
        const char* theirs;
    } const commands[] = {{"spawn, sh -c true", "sh -c true", "true"},
                          {"spawn, plain command", "/bin/true", "/bin/true"},
                          {"spawn, shell syntax", "/bin/true;", "/bin/true;"}};
    for (const auto& c : commands)
        for (const std::size_t concurrency : {2U, 4U}) {
            const auto m = bench::medians(
                times, [&] { return run_jobs(c.ours, concurrency, count); },
                [&] { return run_xargs(c.theirs, count); });
            const auto name = std::string{c.name} + ", " + std::to_string(concurrency) + " at once";
            report.figure(name, m.ours, "jobs/s", m.ratio, std::string{"xargs -P2 sh -c "} + c.theirs);
        }
}
