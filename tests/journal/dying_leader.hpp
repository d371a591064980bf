// A process that dies in a sync which failed, and a writer that is held up.
#ifndef QUEUECTL_TESTS_JOURNAL_DYING_LEADER_HPP
#define QUEUECTL_TESTS_JOURNAL_DYING_LEADER_HPP

#include "log_testing.hpp"

#include <functional>

namespace queuectl::journal_testing {

// A process that leads is told that its sync has failed, and dies before it can tell others.
template <class Guards>
void die_syncing(simulated_machine<Guards>& machine)
{
    simulated_file_system dying{machine.disk};
    auto file = dying.open(journal::segment_name(machine.words.segment.load()));
    ASSERT_TRUE(file);
    machine.words.syncing = 1;
    machine.disk.fail_next_sync();
    EXPECT_FALSE(dying.sync(*file));
}

// A process that is held up behind its first write, until `meanwhile` has been done.
template <class Guards>
struct late_writer {
    struct file_system : simulated_file_system {
        std::function<void()>* meanwhile;

        file_system(simulated_disk& disk, std::function<void()>& todo) : simulated_file_system{disk}, meanwhile{&todo}
        {
        }
        [[nodiscard]] result<void> write(file& f, std::uint64_t offset, std::string_view bytes)
        {
            auto done = simulated_file_system::write(f, offset, bytes);
            if (const auto todo = std::exchange(*meanwhile, {})) todo();
            return done;
        }
    };

    std::function<void()> meanwhile;
    std::unique_ptr<journal::log<file_system, simulated_gate, Guards>> log;
    heard_bodies heard;

    late_writer(simulated_machine<Guards>& machine, std::function<void()> todo) : meanwhile{std::move(todo)}
    {
        auto opened = journal::log<file_system, simulated_gate, Guards>::open(
            file_system{machine.disk, meanwhile}, machine.gate, machine.words, small_options(9, machine.boot));
        if (opened) log = std::move(*opened);
    }
    late_writer(const late_writer&) = delete;
    late_writer& operator=(const late_writer&) = delete;

    [[nodiscard]] result<journal::log_ticket> append(std::string_view body)
    {
        auto turn = log->take_turn(heard);
        if (!turn) return fail(turn.error());
        return turn->append(body);
    }
};

}  // namespace queuectl::journal_testing

#endif
