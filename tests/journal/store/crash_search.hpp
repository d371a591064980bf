// Runs a journal through every short sequence of steps, cuts the power or kills the process at every call of the last
// one, and judges what comes back.
#ifndef QUEUECTL_TESTS_JOURNAL_STORE_CRASH_SEARCH_HPP
#define QUEUECTL_TESTS_JOURNAL_STORE_CRASH_SEARCH_HPP

#include "journal/store/crash_images.hpp"
#include "journal/store/crash_steps.hpp"
#include "journal/store/crash_world.hpp"

#include <vector>

namespace queuectl::journal_testing {

struct search_options {
    std::size_t length = 5;     // of the longest sequences of common steps, behind two that are always the same
    bool power = true;          // cuts the power
    bool kill = false;          // kills the process
    std::size_t random = 2;     // how many images of each class that chance decides
    std::size_t deep_nth = 97;  // every so manieth image is used, recovered again, and cut off while it is recovered
    std::size_t rare = 0;       // length of the longest sequences with at least one of the rarer steps
};

struct search_report {
    std::uint64_t sequences = 0;
    std::uint64_t images = 0;    // that were made, known ones included
    std::uint64_t distinct = 0;  // and recovered
    std::uint64_t cut = 0;       // of those: a tail was cut off
    std::uint64_t deep = 0;
    std::uint64_t kills = 0;
    std::string fault;  // the first thing that was wrong; empty = nothing
};

template <class Guards>
class store_search : disk_watch {
    using world = store_world<Guards>;

public:
    explicit store_search(const search_options& options) : options_{options}
    {
        for (int i = 0; i < 3; ++i) {
            auto made = journal::index_memory::anonymous();
            if (!made) std::abort();
            memories_.push_back(std::move(*made));
        }
    }

    search_report run()
    {
        steps_ = {step_kind::insert_two, step_kind::claim};
        for (std::size_t length = 0; length <= options_.length; ++length) extend_steps(length, common_step_kinds);
        for (std::size_t length = 1; length <= options_.rare; ++length) extend_steps(length, step_kinds);
        report_.distinct = known_.size();
        return report_;
    }

    // A random life of so many steps, led by three handles in turn, which are reopened now and then; the machine is
    // started anew now and then, too. At some steps power is cut and processes are killed.
    search_report run_random(std::uint64_t seed, std::size_t count)
    {
        seeded_random random{seed};
        sample_ = 40;
        index_bytes_ = std::size_t{512} << 10;
        auto machine = std::make_unique<world>(memories_[0]);
        std::array<std::optional<typename world::store_type>, 3> handles;
        begin();
        for (std::size_t i = 0; i < count && report_.fault.empty(); ++i) {
            steps_.push_back(static_cast<step_kind>(random.below(step_kinds)));
            if (random.one_in(50)) {
                for (auto& h : handles) h.reset();
                machine =
                    std::make_unique<world>(memories_[0], machine->disk.crash(all_kept(machine->disk)), uid{20, i + 1});
            }
            auto& handle = handles[random.below(handles.size())];
            if (random.one_in(10)) handle.reset();
            if (!handle) {
                auto opened = machine->open(100 + i);
                if (!opened) wrong(opened.error().message());
                if (!opened) break;
                handle.emplace(std::move(*opened));
            }
            do_step(*machine, *handle, i, random.one_in(8));
            if (report_.fault.empty()) compare(*handle);
        }
        report_.distinct = known_.size();
        if (!report_.fault.empty()) report_.fault = "seed " + std::to_string(seed) + ": " + report_.fault;
        return report_;
    }

private:
    // Tries all that begin like this, of the first `kinds` kinds; of all kinds those only that have a rarer step.
    void extend_steps(std::size_t more, std::size_t kinds)
    {
        if (more == 0) return kinds == common_step_kinds || any_rare() ? try_sequence() : void();
        for (std::size_t i = 0; i < kinds && report_.fault.empty(); ++i) {
            steps_.push_back(static_cast<step_kind>(i));
            extend_steps(more - 1, kinds);
            steps_.pop_back();
        }
    }
    [[nodiscard]] bool any_rare() const
    {
        return std::any_of(steps_.begin(), steps_.end(), [](step_kind s) { return s > step_kind::configure; });
    }

    void wrong(const std::string& why)
    {
        if (!report_.fault.empty()) return;
        report_.fault = "steps";
        for (const auto s : steps_) report_.fault += ' ' + std::to_string(static_cast<int>(s));
        report_.fault += ", call " + std::to_string(calls_) + where_ + ": " + why;
    }

    void try_sequence()
    {
        ++report_.sequences;
        world machine{memories_[0]};
        auto store = machine.open();
        if (!store) return wrong(store.error().message());
        begin();
        for (std::size_t i = 0; i < steps_.size() && report_.fault.empty(); ++i)
            do_step(machine, *store, i, i + 1 == steps_.size());
        if (report_.fault.empty()) compare(*store);
    }

    void begin()
    {
        model_.emplace();
        asked_ = client_ = {};
        states_.assign(1, *digest_of(*model_));
        durable_ = 0;
    }
    void do_step(world& machine, typename world::store_type& store, std::size_t i, bool watched)
    {
        expected_ = *asked_.step(*model_, steps_[i], i);
        states_.push_back(*digest_of(*model_));
        before_ = client_;
        calls_ = 0;
        if (watched) watch(&machine);
        const auto told = client_.step(store, steps_[i], i);
        watch(nullptr);
        if (!told) return wrong(told.error().message());
        if (*told != expected_) return wrong("it answers something else than the model");
        if (client_.durable()) durable_ = i + 1;
        if (watched) end_of_step(machine);
    }
    void compare(typename world::store_type& store)
    {
        const auto state = digest_of(store);
        if (!state) return wrong(state.error().message());
        if (*state != states_.back()) wrong("it has become something else than the model");
    }
    void watch(world* machine)
    {
        if (machine_ != nullptr) machine_->hands.watch = nullptr;
        machine_ = machine;
        if (machine != nullptr) machine->hands.watch = this;
    }
    void end_of_step(world& machine)
    {
        if (options_.power) try_images(machine.disk, 1);
        if (options_.kill) kill(machine);
    }

    void before_change() override
    {
        if (options_.kill) kill(*machine_);
    }
    void after_change() override
    {
        ++calls_;
        if (options_.power) try_images(machine_->disk, 1);
        if (options_.kill) kill(*machine_);
    }

    [[nodiscard]] bool allowed(std::uint64_t state, std::size_t first) const
    {
        return std::find(states_.begin() + static_cast<std::ptrdiff_t>(first), states_.end(), state) != states_.end();
    }

    // The power goes now. `depth`: which memory the recovered machine uses.
    void try_images(const simulated_disk& disk, std::size_t depth)
    {
        if (!report_.fault.empty()) return;
        for (const auto& plan : store_plans(disk.state(), known_.size(), options_.random)) {
            if (sample_ > 1 && ++drawn_ % sample_ != 0) continue;
            auto image = disk.crash(plan);
            ++report_.images;
            auto& known = known_.of(image_hash(image));
            if (known.state == 0) {
                const bool deep = depth == 1 && known_.size() % options_.deep_nth == 0;
                const auto hash = known.image;
                const auto state = recover(std::move(image), depth, deep);
                if (!report_.fault.empty()) return where(plan);
                known_.of(hash).state = state;
                if (!allowed(state, durable_)) return wrong_state(state, plan);
            } else if (!allowed(known.state, durable_)) {
                return wrong_state(known.state, plan);
            }
        }
    }
    void where(const simulated::crash_plan& plan) { report_.fault += " (" + plan.describe() + ')'; }
    void wrong_state(std::uint64_t state, const simulated::crash_plan& plan)
    {
        wrong(allowed(state, 0) ? "something acknowledged is gone" : "it is something that it never was");
        where(plan);
    }

    std::uint64_t recover(simulated::disk_state image, std::size_t depth, bool deep)
    {
        const auto copy = deep ? simulated::crash(image, {}) : simulated::disk_state{};
        world machine{memories_[depth], std::move(image), {8, 8}};
        std::uint64_t state = 0;
        {
            auto store = machine.open(3);
            if (!store) return wrong("it cannot be opened: " + store.error().message()), 0;
            const auto got = digest_of(*store);
            if (!got) return wrong("recovery: " + got.error().message()), 0;
            state = *got;
            report_.cut += machine.hands.cuts;
            if (deep) use(*store, state);
        }
        if (deep && report_.fault.empty()) go_on(machine, copy, depth);
        return state;
    }

    // Stale leases are refused, and the last step can be repeated.
    template <class Store>
    void use(Store& store, std::uint64_t state)
    {
        ++report_.deep;
        if (const char* why = before_.use_stale(store)) return wrong(why);
        const auto same = digest_of(store);
        if (!same || *same != state) return wrong("a stale lease has changed something");
        if (steps_.back() == step_kind::configure) return;
        if (state != states_.back() && state != states_[states_.size() - 2]) return;
        step_client again;
        const auto told = again.repeat(store, before_, steps_.back(), steps_.size() - 1);
        if (!told) return wrong("repeated: " + told.error().message());
        if (!again.holds_the_same(asked_)) return wrong("the last step, repeated, has other leases");
        const bool tells_the_same = steps_.back() <= step_kind::fail_held && steps_.back() != step_kind::claim;
        if (tells_the_same && *told != expected_) return wrong("the last step, repeated, is answered otherwise");
        const auto now = digest_of(store);
        if (!now || *now != states_.back()) wrong("the last step, repeated, is not what it was to be");
    }

    // Another boot tells the same; and recovery may be cut off at every call.
    void go_on(world& machine, const simulated::disk_state& copy, std::size_t depth)
    {
        {
            auto store = machine.open(4);
            if (!store) return wrong("again: " + store.error().message());
            const auto before = digest_of(*store);
            world later{memories_[depth + 1], machine.disk.crash(all_kept(machine.disk)), {9, 9}};
            auto next = later.open(5);
            if (!next) return wrong("later: " + next.error().message());
            const auto after = digest_of(*next);
            if (!before || !after || *before != *after) return wrong("another boot finds something else");
        }
        cut_off(copy, depth);
    }
    static simulated::crash_plan all_kept(const simulated_disk& disk)
    {
        return {simulated::crash_plan::kind::all, 0, disk.state().pending.size(), false, 0};
    }

    struct recovery_watch : disk_watch {
        store_search* search;
        world* machine;
        std::size_t depth;
        recovery_watch(store_search* s, world* m, std::size_t d) : search{s}, machine{m}, depth{d} {}
        void before_change() override {}
        void after_change() override { search->try_images(machine->disk, depth); }
    };
    void cut_off(const simulated::disk_state& copy, std::size_t depth)
    {
        where_ = ", recovery cut off";
        world machine{memories_[depth], simulated::crash(copy, {}), {8, 8}};
        recovery_watch watching{this, &machine, depth + 1};
        machine.hands.watch = &watching;
        {
            auto store = machine.open(3);
            if (store) static_cast<void>(digest_of(*store));
        }
        where_.clear();
    }

    // The process dies now; what it shares with others stays as it is.
    void kill(world& dying)
    {
        if (!report_.fault.empty()) return;
        ++report_.kills;
        where_ = ", killed";
        auto& memory = memories_[1];
        for (const auto range : {journal::index_range::blocks, journal::index_range::buckets,
                                 journal::index_range::pages, journal::index_range::undo})
            std::memcpy(memory.base(range), memories_[0].base(range), index_bytes_);
        world machine{memory, clone(dying.disk.state()), dying.boot};
        std::memcpy(static_cast<void*>(&machine.words), static_cast<const void*>(&dying.words), sizeof dying.words);
        judge_survivor(machine);
        where_.clear();
    }
    void judge_survivor(world& machine)
    {
        auto store = machine.open(7);
        if (!store) return wrong(store.error().message());
        const auto state = digest_of(*store);
        if (!state) return wrong(state.error().message());
        const std::size_t first = calls_at_end() ? states_.size() - 1 : states_.size() - 2;
        if (!allowed(*state, first)) return wrong("the next process finds something else");
        world later{memories_[2], clone(machine.disk.state()), {9, 9}};
        auto next = later.open(8);
        if (!next) return wrong("later: " + next.error().message());
        const auto told = digest_of(*next);
        if (!told || *told != *state) return wrong("index and log are not of one mind");
        use(*store, *state);
    }
    [[nodiscard]] bool calls_at_end() const noexcept { return machine_ == nullptr; }

    // A copy of a disk, unsynced changes included.
    static simulated::disk_state clone(const simulated::disk_state& disk)
    {
        std::map<const simulated::inode*, std::shared_ptr<simulated::inode>> copies;
        const auto copy = [&](const std::shared_ptr<simulated::inode>& old) {
            if (!old) return old;
            auto& made = copies[old.get()];
            if (!made) made = std::make_shared<simulated::inode>(*old);
            return made;
        };
        simulated::disk_state made;
        for (const auto& [name, file] : disk.cached) made.cached[name] = copy(file);
        for (const auto& [name, file] : disk.stored) made.stored[name] = copy(file);
        for (auto change : disk.pending) {
            change.target = copy(change.target);
            made.pending.push_back(std::move(change));
        }
        return made;
    }

    search_options options_;
    std::size_t sample_ = 1;  // every so manieth image is looked at
    std::size_t drawn_ = 0;
    std::size_t index_bytes_ = std::size_t{64} << 10;  // more than any range of the index uses
    std::optional<fused_model> model_;
    step_client asked_;           // of the model
    std::uint64_t expected_ = 0;  // what it has answered
    std::vector<journal::index_memory> memories_;
    std::vector<step_kind> steps_;
    std::vector<std::uint64_t> states_;  // by the model: after each step
    std::size_t durable_ = 0;            // states from this one on may come back
    step_client client_;
    step_client before_;  // the client before the last step
    world* machine_ = nullptr;
    std::uint64_t calls_ = 0;
    std::string where_;
    known_images known_;
    search_report report_;
};

}  // namespace queuectl::journal_testing

#endif
