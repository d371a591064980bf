// One random operation, as numbers: what they mean is decided when it runs, so that any subsequence can be run too.
#ifndef QUEUECTL_TESTING_RANDOM_OPERATION_HPP
#define QUEUECTL_TESTING_RANDOM_OPERATION_HPP

#include <queuectl/testing/seeded_random.hpp>

#include <array>
#include <cstdint>
#include <vector>

namespace queuectl::inline v0 {

enum class op : std::uint8_t {
    insert,
    claim,
    repeat_claim,
    extend,
    settle,
    repeat_settle,
    forged_settle,
    step,
    wall_jump,
    reboot,
    reopen,
    revive,  // from here on: inspectable storages only
    cancel,
    remove,
    purge,
    reprioritise,
    free_worker,
};

struct operation {
    queuectl::op kind = op::step;
    std::array<std::uint32_t, 4> bits{};
    // The i-th number, 0 … n − 1.
    [[nodiscard]] std::size_t pick(std::size_t i, std::size_t n) const { return bits[i] % n; }
};

[[nodiscard]] inline std::vector<operation> random_operations(std::uint64_t seed, std::size_t n)
{
    static constexpr op mix[] = {op::insert,        op::insert,     op::insert, op::insert,       op::claim,
                                 op::claim,         op::claim,      op::claim,  op::repeat_claim, op::extend,
                                 op::extend,        op::settle,     op::settle, op::settle,       op::settle,
                                 op::settle,        op::step,       op::step,   op::step,         op::repeat_settle,
                                 op::forged_settle, op::wall_jump,  op::reboot, op::reopen,       op::revive,
                                 op::revive,        op::cancel,     op::cancel, op::remove,       op::purge,
                                 op::reprioritise,  op::free_worker};
    seeded_random random{seed};
    std::vector<operation> all(n);
    for (auto& o : all) {
        o.kind = mix[random.below(std::size(mix))];
        for (auto& b : o.bits) b = static_cast<std::uint32_t>(random.next() >> 32);
    }
    return all;
}

[[nodiscard]] constexpr const char* name(op kind) noexcept
{
    constexpr const char* names[] = {"insert",        "claim",         "repeat_claim", "extend",    "settle",
                                     "repeat_settle", "forged_settle", "step",         "wall_jump", "reboot",
                                     "reopen",        "revive",        "cancel",       "remove",    "purge",
                                     "reprioritise",  "free_worker"};
    return names[static_cast<std::size_t>(kind)];
}

}  // namespace queuectl::inline v0

#endif
