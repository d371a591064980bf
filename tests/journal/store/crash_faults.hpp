// Runs a journal through every short sequence of steps and lets one call of the last one fail.
#ifndef QUEUECTL_TESTS_JOURNAL_STORE_CRASH_FAULTS_HPP
#define QUEUECTL_TESTS_JOURNAL_STORE_CRASH_FAULTS_HPP

#include "journal/store/crash_search.hpp"

namespace queuectl::journal_testing {

template <class Guards>
class fault_search {
    using world = store_world<Guards>;

public:
    struct report {
        std::uint64_t faults = 0;
        std::uint64_t refused = 0;  // calls that ended with an error: nothing has changed
        std::uint64_t unknown = 0;  // with errc::outcome_unknown
        std::string fault;          // the first thing that was wrong
    };
    explicit fault_search(std::size_t length) : length_{length}
    {
        for (int i = 0; i < 2; ++i) {
            auto made = journal::index_memory::anonymous();
            if (!made) std::abort();
            memories_.push_back(std::move(*made));
        }
    }
    report run()
    {
        steps_ = {step_kind::insert_two, step_kind::claim};
        for (std::size_t length = 1; length <= length_; ++length)
            extend_steps(length, length < 3 ? step_kinds : common_step_kinds);
        return report_;
    }

private:
    void extend_steps(std::size_t more, std::size_t kinds)
    {
        if (more == 0) return try_sequence();
        for (std::size_t i = 0; i < kinds && report_.fault.empty(); ++i) {
            steps_.push_back(static_cast<step_kind>(i));
            extend_steps(more - 1, kinds);
            steps_.pop_back();
        }
    }
    void try_sequence()
    {
        for (const auto fault :
             {disk_fault::io_error, disk_fault::full, disk_fault::failed_sync, disk_fault::short_transfer})
            for (std::uint64_t nth = 1; report_.fault.empty() && try_fault(fault, nth); ++nth) {}
    }
    void wrong(const std::string& why)
    {
        if (!report_.fault.empty()) return;
        report_.fault = "steps";
        for (const auto s : steps_) report_.fault += ' ' + std::to_string(static_cast<int>(s));
        report_.fault += ", " + where_ + ": " + why;
    }

    // False when the last step has fewer calls.
    bool try_fault(disk_fault fault, std::uint64_t nth)
    {
        where_ = "fault " + std::to_string(static_cast<int>(fault)) + " at call " + std::to_string(nth);
        world machine{memories_[0]};
        auto opened = machine.open();
        if (!opened) return wrong(opened.error().message()), false;
        auto& store = *opened;
        fused_model model;
        step_client asked;
        step_client client;
        std::uint64_t before = 0;
        const std::size_t last = steps_.size() - 1;
        for (std::size_t i = 0; i < last; ++i) {
            static_cast<void>(asked.step(model, steps_[i], i));
            if (!client.step(store, steps_[i], i)) return wrong("a step before it fails"), false;
        }
        before = *digest_of(model);
        static_cast<void>(asked.step(model, steps_[last], last));
        const std::uint64_t after = *digest_of(model);
        const step_client ready = client;
        machine.disk.inject(fault, nth);
        const auto calls = machine.disk.calls();
        const auto told = client.step(store, steps_[last], last);
        if (machine.disk.calls() < calls + nth) return false;
        ++report_.faults;
        judge(machine, store, told, told && client.durable(), ready, before, after);
        return report_.fault.empty();
    }

    template <class Store, class Told>
    void judge(world& machine, Store& store, const Told& told, bool durable, const step_client& ready,
               std::uint64_t before, std::uint64_t after)
    {
        const auto state = digest_of(store);
        if (!state) return wrong("it cannot be read: " + state.error().message());
        const bool unknown = !told && told.error().code == errc::outcome_unknown;
        if (told && *state != after) return wrong("it said yes and has not done it");
        if (!told && !unknown && *state != before) return wrong("it said no and something has changed");
        if (unknown && *state != before && *state != after) return wrong("something else has been done");
        report_.unknown += unknown ? 1 : 0;
        report_.refused += told || unknown ? 0 : 1;
        const std::size_t last = steps_.size() - 1;
        step_client again;
        if (!told && steps_[last] != step_kind::configure) {
            const auto repeated = again.repeat(store, ready, steps_[last], last);
            if (!repeated) return wrong("repeated: " + repeated.error().message());
            const auto now = digest_of(store);
            if (!now || *now != after) return wrong("the step, repeated, is not what it was to be");
            durable = again.durable();
        }
        if (durable) come_back(machine, after);
    }
    // The power goes: what was acknowledged comes back.
    void come_back(world& machine, std::uint64_t state_before)
    {
        for (const auto& plan : machine.disk.crash_plans(report_.faults, 1)) {
            world later{memories_[1], machine.disk.crash(plan), {8, 8}};
            auto store = later.open(3);
            if (!store) return wrong("later: " + store.error().message());
            const auto state = digest_of(*store);
            if (!state) return wrong("later: " + state.error().message());
            if (*state != state_before) return wrong("later something acknowledged is gone: " + plan.describe());
        }
    }

    std::size_t length_;
    std::vector<journal::index_memory> memories_;
    std::vector<step_kind> steps_;
    std::string where_;
    report report_;
};

}  // namespace queuectl::journal_testing

#endif
