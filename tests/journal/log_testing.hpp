// Logs on a simulated disk, each a process.
#ifndef QUEUECTL_TESTS_JOURNAL_LOG_TESTING_HPP
#define QUEUECTL_TESTS_JOURNAL_LOG_TESTING_HPP

#include <queuectl/journal/log.hpp>
#include <queuectl/testing/simulated_disk.hpp>

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace queuectl::journal_testing {

// For one thread: what process_gate is for many.
class simulated_gate {
public:
    struct guard {};
    [[nodiscard]] result<guard> acquire(duration) { return guard{}; }
    [[nodiscard]] bool try_lead() { return true; }
    void stop_leading() {}
};

// The bodies that were heard, by sequence, and where they were.
struct heard_bodies {
    std::map<std::uint64_t, std::string> bodies;
    std::map<std::uint64_t, journal::frame_place> places;
    std::vector<std::string> trims;
    journal::log_position at{};
    int restarts = 0;

    [[nodiscard]] journal::log_position heard() const { return at; }
    void frame(const journal::log_position& behind, const journal::frame_place& place, std::string_view body)
    {
        EXPECT_TRUE(at.sequence < behind.sequence);
        at = behind;
        if (place.type == journal::frame_type::trim) trims.emplace_back(body);
        if (place.type == journal::frame_type::transaction) remember(behind.sequence - 1, place, body);
    }
    void remember(std::uint64_t sequence, const journal::frame_place& place, std::string_view body)
    {
        bodies[sequence] = body;
        places[sequence] = place;
    }
    void restart() { *this = {{}, {}, {}, {}, restarts + 1}; }
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

// A process: its log and what it knows of it, which it may share with others.
template <class Guards = journal::all_guards>
struct simulated_process {
    simulated_file_system fs;
    std::unique_ptr<simulated_log<Guards>> log;
    std::shared_ptr<heard_bodies> memory;
    heard_bodies& heard = *memory;

    simulated_process(simulated_disk& disk, simulated_gate& gate, journal::log_words& words,
                      const journal::log_options& options, std::shared_ptr<heard_bodies> known = {})
        : fs{disk}, memory{known ? std::move(known) : std::make_shared<heard_bodies>()}
    {
        auto opened = simulated_log<Guards>::open(fs, gate, words, options);
        if (opened) log = std::move(*opened);
    }

    [[nodiscard]] result<journal::log_ticket> append(std::string_view body,
                                                     journal::append_room room = journal::append_room::normal)
    {
        auto turn = log->take_turn(heard);
        if (!turn) return fail(turn.error());
        const auto place = turn->prepare(body.size(), room);
        if (!place) return fail(place.error());
        auto ticket = turn->append(body, room);
        if (!ticket) return ticket;
        heard.remember(ticket->sequence, *place, body);
        heard.at = turn->position();
        return ticket;
    }
    [[nodiscard]] result<journal::log_ticket> append_durably(std::string_view body)
    {
        auto ticket = append(body);
        if (!ticket) return ticket;
        if (auto done = log->sync(*ticket); !done) return fail(done.error());
        return ticket;
    }
    // Hears what others have appended.
    [[nodiscard]] result<void> listen()
    {
        auto turn = log->take_turn(heard);
        if (!turn) return fail(turn.error());
        return {};
    }
    // Whether what is in the log at each place is what was heard or appended there.
    [[nodiscard]] std::string read_back()
    {
        auto turn = log->take_turn(heard);
        if (!turn) return turn.error().message();
        for (const auto& [sequence, place] : heard.places) {
            const auto& body = heard.bodies.at(sequence);
            const auto got = log->read(place.segment, place.offset, body.size());
            if (!got) return got.error().message();
            if (*got != body) return "frame " + std::to_string(sequence) + " is not at its place";
        }
        return {};
    }
    [[nodiscard]] result<void> trim_durably(std::uint64_t first, std::string_view user)
    {
        auto ticket = [&]() -> result<journal::log_ticket> {
            auto turn = log->take_turn(heard);
            if (!turn) return fail(turn.error());
            return turn->trim(first, user);
        }();
        if (!ticket) return fail(ticket.error());
        return log->sync(*ticket);
    }
    [[nodiscard]] result<void> drop_trimmed()
    {
        auto turn = log->take_turn(heard);
        if (!turn) return fail(turn.error());
        return log->drop_trimmed();
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

    [[nodiscard]] simulated_process<Guards> start(std::uint64_t seed = 1, std::shared_ptr<heard_bodies> known = {})
    {
        return {disk, gate, words, small_options(seed, boot), std::move(known)};
    }
};

[[nodiscard]] inline std::vector<std::string> texts(const heard_bodies& heard)
{
    std::vector<std::string> all;
    for (const auto& [sequence, body] : heard.bodies) all.push_back(body);
    return all;
}
using strings = std::vector<std::string>;

}  // namespace queuectl::journal_testing

#endif
