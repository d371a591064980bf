// Runs a log through a few operations, cuts the power at every call of the last one, and judges what comes back.
#ifndef QUEUECTL_TESTS_JOURNAL_LOG_CRASH_HPP
#define QUEUECTL_TESTS_JOURNAL_LOG_CRASH_HPP

#include "log_testing.hpp"

#include <algorithm>
#include <unordered_set>
#include <vector>

namespace queuectl::journal_testing {

enum class operation : std::uint8_t {
    append,         // a small body, acknowledged after its sync
    append_only,    // not synced
    append_large,   // does not fit into the segment
    append_two,     // two bodies, then one sync
    other_appends,  // another process, synced
    settle_down,    // sync and watermark
    reopen,         // the process ends and starts again
    failed_sync,    // an append whose sync fails
    dying_writer,   // another process dies in the middle of a write
    dying_holder,   // another process dies between its append and the memory of it
    dying_leader,   // another process dies in a sync that fails, of what it has appended
    trim,           // to the newest segment, not synced; nothing can be removed yet
    drop,           // synced, and what was trimmed is removed
};
inline constexpr std::size_t operations = 13;

// What was asked of the log, in order, and how much of it was acknowledged.
struct log_model {
    std::vector<std::string> asked;
    std::size_t acknowledged = 0;  // as many of `asked` are durable
    std::size_t trimmed = 0;       // as many of `asked` need not be there
    std::uint64_t names = 0;

    std::string name(std::size_t bytes) { return std::to_string(++names) + std::string(bytes, '.'); }

    // How many of the first in `asked` are gone.
    [[nodiscard]] std::size_t gone(const heard_bodies& heard) const
    {
        if (heard.bodies.empty()) return std::min(trimmed, acknowledged);
        const auto first = std::find(asked.begin(), asked.end(), heard.bodies.begin()->second);
        return static_cast<std::size_t>(first - asked.begin());
    }

    // Null, or what is wrong with this log.
    [[nodiscard]] const char* judge(const heard_bodies& heard) const
    {
        std::size_t i = gone(heard);
        if (i > trimmed) return "something is gone that was not trimmed";
        for (const auto& [sequence, body] : heard.bodies) {
            if (i == asked.size()) return "something is there that nobody asked for";
            if (body != asked[i++]) return "something else is there than was asked for";
        }
        return i < acknowledged ? "something acknowledged is gone" : nullptr;
    }

    // From now on what is there is what was asked for, and `next`.
    void go_on(const heard_bodies& heard, const std::string& next)
    {
        asked.resize(gone(heard) + heard.bodies.size());
        asked.push_back(next);
    }
};

template <class Guards>
class crash_run {
public:
    // `shared`: the processes have one memory of what was heard.
    crash_run(std::vector<operation> steps, bool shared)
        : steps_{std::move(steps)}, memory_{shared ? std::make_shared<heard_bodies>() : nullptr}
    {
    }

    // All but the last step, then the last one with the power cut at its call `nth` (0 = not at all).
    // False when the last step has fewer calls.
    bool run(std::uint64_t nth)
    {
        first_.emplace(machine_.start(1, memory_));
        second_.emplace(machine_.start(2, memory_));
        for (std::size_t i = 0; i + 1 < steps_.size(); ++i) step(steps_[i]);
        if (nth != 0) machine_.disk.inject(disk_fault::power_off, nth);
        step(steps_.back());
        return nth == 0 || machine_.disk.is_off();
    }

    // What is wrong while the power is on.
    std::string judge()
    {
        machine_.disk.inject(disk_fault::none, 0);
        for (auto* p : {&*first_, &*second_}) {
            if (!p->log) return "it cannot be opened";
            if (const auto done = p->listen(); !done) return done.error().message();
            if (const char* wrong = model_.judge(p->heard)) return wrong;
            if (const std::string wrong = p->read_back(); !wrong.empty()) return wrong;
        }
        return {};
    }

    simulated_machine<Guards>& machine() { return machine_; }
    const log_model& model() const { return model_; }

private:
    using process = simulated_process<Guards>;

    void append(process& p, const std::string& body, bool durably)
    {
        if (!p.log) return;
        model_.asked.push_back(body);
        const auto got = p.append(body);
        if (!got) {
            const bool gone = got.error().code != errc::outcome_unknown && !machine_.disk.is_off();
            if (gone) model_.asked.pop_back();
            return;
        }
        if (durably && p.log->sync(*got)) model_.acknowledged = model_.asked.size();
    }

    void step(operation what)
    {
        switch (what) {
            case operation::append: return append(*first_, model_.name(20), true);
            case operation::append_only: return append(*first_, model_.name(30), false);
            case operation::append_large: return append(*first_, model_.name(700), true);
            case operation::append_two:
                append(*first_, model_.name(10), false);
                return append(*first_, model_.name(300), true);
            case operation::other_appends: return append(*second_, model_.name(40), true);
            case operation::settle_down:
                if (first_->log && first_->log->settle_down(first_->heard)) model_.acknowledged = model_.asked.size();
                return;
            case operation::reopen:
                first_.emplace(machine_.start(10 + ++reopened_, memory_));
                if (first_->log) static_cast<void>(first_->listen());
                return;
            case operation::failed_sync: return failed_sync();
            case operation::dying_writer: return dying_writer();
            case operation::dying_holder: return dying_holder();
            case operation::dying_leader: return dying_leader();
            case operation::trim: return trim();
            case operation::drop: return drop();
        }
    }

    void failed_sync()
    {
        if (!first_->log) return;
        model_.asked.push_back(model_.name(50));
        const auto got = first_->append(model_.asked.back());
        if (!got) return;
        machine_.disk.fail_next_sync();
        if (first_->log->sync(*got)) model_.acknowledged = model_.asked.size();
    }

    // What it has written of its frame is not one, and nobody was told.
    void dying_writer()
    {
        if (!second_->log) return;
        auto turn = second_->log->take_turn(second_->heard);
        if (!turn) return;
        simulated_file_system dying{machine_.disk};
        auto file = dying.open(journal::segment_name(turn->position().segment));
        if (!file) return;
        machine_.words.dirty = 1;
        static_cast<void>(dying.write(*file, turn->position().offset, "half of a frame, of 41 bytes, never to end"));
    }

    void dying_holder()
    {
        if (!second_->log) return;
        auto turn = second_->log->take_turn(second_->heard);
        if (!turn) return;
        model_.asked.push_back(model_.name(60));
        const auto got = turn->append(model_.asked.back());
        const bool gone = !got && got.error().code != errc::outcome_unknown && !machine_.disk.is_off();
        if (gone) model_.asked.pop_back();
    }

    // Nobody sees that it failed but who had the file open before.
    void dying_leader()
    {
        append(*second_, model_.name(70), false);
        simulated_file_system dying{machine_.disk};
        auto file = dying.open(journal::segment_name(machine_.words.segment.load()));
        if (!file) return;
        machine_.words.syncing = 1;
        machine_.disk.fail_next_sync();
        static_cast<void>(dying.sync(*file));
    }

    void trim()
    {
        if (!first_->log) return;
        auto turn = first_->log->take_turn(first_->heard);
        if (!turn) return;
        const auto segment = turn->position().segment;
        for (const auto& [sequence, place] : first_->heard.places) {
            if (place.segment >= segment) break;
            const auto at = std::find(model_.asked.begin(), model_.asked.end(), first_->heard.bodies.at(sequence));
            model_.trimmed = std::max(model_.trimmed, static_cast<std::size_t>(at - model_.asked.begin()) + 1);
        }
        static_cast<void>(turn->trim(segment, "user"));
        static_cast<void>(first_->log->drop_trimmed());
    }

    void drop()
    {
        if (!first_->log) return;
        auto turn = first_->log->take_turn(first_->heard);
        if (!turn) return;
        if (!first_->log->sync(turn->seen())) return;
        model_.acknowledged = model_.asked.size();
        static_cast<void>(first_->log->drop_trimmed());
        forget_removed();
    }

    // The places that may be read end with the removal.
    void forget_removed()
    {
        const auto lowest = machine_.words.lowest.load();
        for (auto* p : {&*first_, &*second_})
            std::erase_if(p->heard.places, [&](const auto& known) { return lowest > known.second.segment; });
    }

    std::vector<operation> steps_;
    std::shared_ptr<heard_bodies> memory_;
    simulated_machine<Guards> machine_;
    std::optional<process> first_;
    std::optional<process> second_;
    log_model model_;
    std::uint64_t reopened_ = 0;
};

// Counts, and the first thing that was wrong.
struct crash_report {
    std::uint64_t sequences = 0;
    std::uint64_t crashes = 0;
    std::uint64_t images = 0;  // after a crash
    std::unordered_set<std::uint64_t> distinct;
    std::string fault;
};

template <class Guards>
class crash_search {
public:
    // Every sequence of `length` operations; every `nth` image is crashed again while it is recovered.
    crash_search(std::size_t length, std::size_t recover_nth, bool shared = false)
        : length_{length}, recover_nth_{recover_nth}, shared_{shared}
    {
    }

    crash_report run()
    {
        std::vector<operation> steps(length_);
        try_steps(steps, 0);
        return std::move(report_);
    }

private:
    void try_steps(std::vector<operation>& steps, std::size_t at)
    {
        if (at == steps.size()) return try_sequence(steps);
        for (std::size_t i = 0; i < operations && report_.fault.empty(); ++i) {
            steps[at] = static_cast<operation>(i);
            try_steps(steps, at + 1);
        }
    }

    void try_sequence(const std::vector<operation>& steps)
    {
        ++report_.sequences;
        for (std::uint64_t nth = 1; report_.fault.empty(); ++nth) {
            crash_run<Guards> run{steps, shared_};
            const bool cut = run.run(nth);
            ++report_.crashes;
            try_images(run.machine().disk, run.model(),
                       [&] { return describe(steps) + ", power off at call " + std::to_string(nth); });
            if (cut) continue;
            if (const std::string why = run.judge(); report_.fault.empty() && !why.empty())
                report_.fault = describe(steps) + ": " + why;
            return;
        }
    }

    static std::string describe(const std::vector<operation>& steps)
    {
        std::string text = "operations";
        for (const auto s : steps) text += ' ' + std::to_string(static_cast<int>(s));
        return text;
    }

    template <class Describe>
    void try_images(simulated_disk& disk, const log_model& model, Describe&& describe)
    {
        for (const auto& plan : disk.crash_plans(report_.images, 1)) {
            const auto image = disk.crash(plan);
            ++report_.images;
            const auto key = simulated::fingerprint(image) * 31 + model.acknowledged;
            if (!report_.distinct.insert(key).second) continue;
            const std::string why = recover(image, model);
            if (!why.empty()) {
                report_.fault = describe() + ", " + plan.describe() + ": " + why;
                return;
            }
            if (report_.distinct.size() % recover_nth_ == 0)
                recover_cut_off(image, model, [&] { return describe() + ", " + plan.describe(); });
            if (!report_.fault.empty()) return;
        }
    }

    // Recovers a copy, appends, and reads it again after another boot.
    static std::string recover(const simulated::disk_state& image, log_model model)
    {
        simulated_machine<Guards> machine{simulated::crash(image, {})};
        auto a = machine.start(5);
        if (!a.log) return "it cannot be opened";
        if (const auto done = a.listen(); !done) return done.error().message();
        if (const char* wrong = model.judge(a.heard)) return wrong;
        model.go_on(a.heard, "new");
        if (const auto done = a.append_durably("new"); !done) return done.error().message();
        model.acknowledged = model.asked.size();
        simulated_machine<Guards> later{machine.disk.crash({}), {9, 9}};
        auto b = later.start(6);
        if (!b.log) return "it cannot be opened again";
        if (const auto done = b.listen(); !done) return "again: " + done.error().message();
        const char* wrong = model.judge(b.heard);
        return wrong == nullptr ? "" : std::string{"again: "} + wrong;
    }

    // The power goes at every call of the recovery and of the append after it.
    template <class Describe>
    void recover_cut_off(const simulated::disk_state& image, const log_model& before, Describe&& describe)
    {
        for (std::uint64_t nth = 1;; ++nth) {
            simulated_machine<Guards> machine{simulated::crash(image, {})};
            machine.disk.inject(disk_fault::power_off, nth);
            auto a = machine.start(7);
            log_model model = before;
            if (a.log && a.listen()) {
                model.go_on(a.heard, "newer");
                if (a.append_durably("newer")) model.acknowledged = model.asked.size();
            }
            for (const auto& plan : machine.disk.crash_plans(nth, 1)) {
                const auto again = machine.disk.crash(plan);
                ++report_.images;
                if (!report_.distinct.insert(simulated::fingerprint(again) * 31 + model.acknowledged).second) continue;
                const std::string why = recover(again, model);
                if (why.empty()) continue;
                report_.fault =
                    describe() + "; recovery cut at call " + std::to_string(nth) + ", " + plan.describe() + ": " + why;
                return;
            }
            if (!machine.disk.is_off()) return;
        }
    }

    std::size_t length_;
    std::size_t recover_nth_;
    bool shared_;
    crash_report report_;
};

}  // namespace queuectl::journal_testing

#endif
