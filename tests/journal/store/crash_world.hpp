// Journals on a simulated disk, each a process of one machine.
#ifndef QUEUECTL_TESTS_JOURNAL_STORE_CRASH_WORLD_HPP
#define QUEUECTL_TESTS_JOURNAL_STORE_CRASH_WORLD_HPP

#include "journal/instrumented.hpp"
#include "journal/log_testing.hpp"

#include <queuectl/journal/storage.hpp>

namespace queuectl::journal_testing {

// What is told at each call that changes the disk: before it, and after it.
class disk_watch {
public:
    virtual void before_change() = 0;
    virtual void after_change() = 0;

protected:
    ~disk_watch() = default;
};

// A process's hands on the disk, watched; counts how often it has overwritten a part of a segment with zeros.
class watched_file_system : public simulated_file_system {
    using base = simulated_file_system;

public:
    struct shared {
        disk_watch* watch = nullptr;
        std::uint64_t cuts = 0;
    };
    watched_file_system(simulated_disk& disk, shared& s) : base{disk}, shared_{&s} {}

    [[nodiscard]] result<file> create(std::string_view name)
    {
        return watched([&] { return base::create(name); });
    }
    [[nodiscard]] result<void> write(file& f, std::uint64_t offset, std::string_view bytes)
    {
        return watched([&] { return base::write(f, offset, bytes); });
    }
    [[nodiscard]] result<void> fill_zeros(file& f, std::uint64_t offset, std::uint64_t count)
    {
        if (f.name.ends_with(".log")) ++shared_->cuts;
        return watched([&] { return base::fill_zeros(f, offset, count); });
    }
    [[nodiscard]] result<void> sync(file& f)
    {
        return watched([&] { return base::sync(f); });
    }
    [[nodiscard]] result<void> sync_directory()
    {
        return watched([&] { return base::sync_directory(); });
    }
    [[nodiscard]] result<void> rename(std::string_view from, std::string_view to)
    {
        return watched([&] { return base::rename(from, to); });
    }
    [[nodiscard]] result<void> remove(std::string_view name)
    {
        return watched([&] { return base::remove(name); });
    }

private:
    template <class Call>
    std::invoke_result_t<Call&> watched(Call&& call)
    {
        if (shared_->watch == nullptr) return call();
        shared_->watch->before_change();
        auto done = call();
        shared_->watch->after_change();
        return done;
    }
    shared* shared_;
};

// The store's own guards, but segments are cleaned at once.
struct small_guards : journal::store_guards {
    static constexpr std::uint64_t clean_slack_bytes = 0;
    static constexpr std::uint64_t clean_bytes_min = 512;
};

// One boot of a machine with one disk. `memory` outlives it and may hold anything.
template <class Guards>
class store_world {
public:
    using store_type = journal::basic_storage<watched_file_system, simulated_gate, Guards>;

    explicit store_world(const journal::index_memory& memory, simulated::disk_state state = {}, uid b = first_boot)
        : disk{std::move(state)}, boot{b}, memory_{&memory}
    {
    }
    [[nodiscard]] result<store_type> open(std::uint64_t seed = 1)
    {
        return store_type::open(watched_file_system{disk, hands}, gate, words, control, memory_->borrow(),
                                options(seed), "it");
    }

    simulated_disk disk;
    watched_file_system::shared hands;
    simulated_gate gate;
    journal::log_words words{};
    control_words control{};
    uid boot;
    journal::segment_sizes sizes{1024, 2048};

private:
    const journal::log_options& options(std::uint64_t seed) const
    {
        static journal::log_options made = small_options(1);
        made.sizes = sizes;
        made.boot = boot;
        made.random = random_source{seed};
        return made;
    }
    const journal::index_memory* memory_;
};

}  // namespace queuectl::journal_testing

#endif
