// A process's log in a folder of the operating system.
#ifndef QUEUECTL_TESTS_JOURNAL_REAL_PROCESS_HPP
#define QUEUECTL_TESTS_JOURNAL_REAL_PROCESS_HPP

#include "log_testing.hpp"

#include <optional>

namespace queuectl::journal_testing {

template <class Guards = journal::all_guards>
struct real_process {
    using log_type = journal::log<journal::posix_file_system, journal::process_gate, Guards>;

    std::optional<control_page> page;
    std::optional<journal::process_gate> gate;
    std::unique_ptr<log_type> log;
    heard_bodies heard;

    explicit real_process(const std::string& path, duration patience = std::chrono::seconds{30},
                          queuectl::durability mode = queuectl::durability::full)
    {
        auto fs = journal::posix_file_system::open_folder(path, true);
        EXPECT_TRUE(fs);
        page.emplace(*control_page::open(fs->folder()));
        gate.emplace(*journal::process_gate::open(fs->folder(), page->words()));
        journal::log_options options;
        options.lock_patience = patience;
        options.mode = mode;
        options.interval = std::chrono::milliseconds{20};
        auto opened = log_type::open(std::move(*fs), *gate, words(), options);
        EXPECT_TRUE(opened) << opened.error().message();
        if (opened) log = std::move(*opened);
    }
    [[nodiscard]] journal::log_words& words() { return page->template storage_words<journal::log_words>(); }

    // `heard` belongs to whoever has the turn.
    [[nodiscard]] result<journal::log_ticket> append(std::string_view body)
    {
        auto turn = log->take_turn(heard);
        if (!turn) return fail(turn.error());
        auto ticket = turn->append(body);
        if (!ticket) return ticket;
        heard.bodies[ticket->sequence] = body;
        heard.at = turn->position();
        return ticket;
    }
    [[nodiscard]] result<void> listen()
    {
        auto turn = log->take_turn(heard);
        if (!turn) return fail(turn.error());
        return {};
    }
    [[nodiscard]] result<journal::log_ticket> append_durably(std::string_view body)
    {
        auto ticket = append(body);
        if (!ticket) return ticket;
        if (auto done = log->sync(*ticket); !done) return fail(done.error());
        return ticket;
    }
};

}  // namespace queuectl::journal_testing

#endif
