// Helpers of the process tests.
#ifndef QUEUECTL_TESTS_PROCESS_TESTING_HPP
#define QUEUECTL_TESTS_PROCESS_TESTING_HPP

#include <queuectl/executor/process.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace queuectl::process_testing {

inline lease make_lease(std::string command)
{
    lease l;
    l.job.id = "job";
    l.job.payload = std::move(command);
    l.token = {uid{1, 2}, 3};
    return l;
}

// The outcome of the only run, within 30 s.
template <class E>
outcome collect_one(E& e)
{
    std::vector<finished_run> out;
    const auto until = process::monotonic_now() + std::chrono::seconds{30};
    while (out.empty() && process::monotonic_now() < until) e.collect(out, until - process::monotonic_now());
    EXPECT_EQ(out.size(), 1u);
    return out.empty() ? outcome{} : std::move(out.front().what);
}

template <class E>
outcome run_process(E& e, lease l)
{
    const auto started = e.start(l, instant{});
    EXPECT_TRUE(started) << started.error().message();
    return started ? collect_one(e) : outcome{};
}
inline outcome run_process(lease l, process_options options = {})
{
    process_executor e{std::move(options)};
    return run_process(e, std::move(l));
}
inline outcome run_process(std::string command) { return run_process(make_lease(std::move(command))); }

// How many living processes carry the mark.
inline std::size_t marked_processes(const std::string& mark) { return process::find_tree({0, mark}).size(); }

// The descriptors that this process has open.
inline std::size_t open_descriptors()
{
    std::size_t n = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) ++n;
    return n;
}

}  // namespace queuectl::process_testing

#endif
