// Logs on a simulated disk, each a process.
#ifndef QUEUECTL_TESTS_JOURNAL_LOG_TESTING_HPP
#define QUEUECTL_TESTS_JOURNAL_LOG_TESTING_HPP

#include <queuectl/journal/log.hpp>
#include <queuectl/testing/simulated_disk.hpp>

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace queuectl::journal_testing {

// For one thread: what process_gate is for many.
class simulated_gate {
public:
    struct guard {};
    [[nodiscard]] result<guard> acquire(duration) { return guard{}; }
    [[nodiscard]] bool try_lead() { return true; }
    void stop_leading() {}
};

// The bodies that were heard, by sequence.
struct heard_bodies {
    std::map<std::uint64_t, std::string> bodies;
    int restarts = 0;

    void frame(std::uint64_t sequence, std::string_view body)
    {
        EXPECT_TRUE(bodies.empty() || bodies.rbegin()->first < sequence);
        bodies.emplace(sequence, body);
    }
    void restart()
    {
        bodies.clear();
        ++restarts;
    }
};

inline constexpr uid first_boot{7, 7};

[[nodiscard]] inline journal::log_options small_options(std::uint64_t seed, uid boot = first_boot)
{
    journal::log_options options;
    options.sizes = {1024, 2048};
    options.boot = boot;
    options.random = random_source{seed};
    return options;
}

template <class Guards = journal::all_guards>
using simulated_log = journal::log<simulated_file_system, simulated_gate, Guards>;

// A process: its log and what it knows of it.
template <class Guards = journal::all_guards>
struct simulated_process {
    simulated_file_system fs;
    std::unique_ptr<simulated_log<Guards>> log;
    heard_bodies heard;

    simulated_process(simulated_disk& disk, simulated_gate& gate, journal::log_words& words,
                      const journal::log_options& options)
        : fs{disk}
    {
        auto opened = simulated_log<Guards>::open(fs, gate, words, options);
        if (opened) log = std::move(*opened);
    }

    [[nodiscard]] result<journal::log_ticket> append(std::initializer_list<std::string_view> bodies,
                                                     journal::append_room room = journal::append_room::normal)
    {
        auto turn = log->take_turn(heard);
        if (!turn) return fail(turn.error());
        auto ticket = turn->append({bodies.begin(), bodies.size()}, room);
        if (!ticket) return ticket;
        auto sequence = ticket->sequence - bodies.size();
        for (const auto body : bodies) heard.bodies[++sequence] = body;
        return ticket;
    }
    [[nodiscard]] result<journal::log_ticket> append_durably(std::initializer_list<std::string_view> bodies)
    {
        auto ticket = append(bodies);
        if (!ticket) return ticket;
        if (auto done = log->sync(*ticket); !done) return fail(done.error());
        return ticket;
    }
};

// A machine: a disk, and what its processes share until it loses power.
template <class Guards = journal::all_guards>
struct simulated_machine {
    simulated_disk disk;
    simulated_gate gate;
    journal::log_words words{};
    uid boot = first_boot;

    simulated_machine() = default;
    explicit simulated_machine(simulated::disk_state state, uid b = {8, 8}) : disk{std::move(state)}, boot{b} {}

    [[nodiscard]] simulated_process<Guards> start(std::uint64_t seed = 1)
    {
        return {disk, gate, words, small_options(seed, boot)};
    }
};

}  // namespace queuectl::journal_testing

#endif
