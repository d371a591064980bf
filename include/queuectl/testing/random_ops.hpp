// Random operations on a storage and on the reference model alike: every answer and the whole store are compared, and a
// difference is told as the shortest sequence that shows it. The same seeds run everywhere; QUEUECTL_SEED=n runs one.
#ifndef QUEUECTL_TESTING_RANDOM_OPS_HPP
#define QUEUECTL_TESTING_RANDOM_OPS_HPP

#include <queuectl/testing/effort.hpp>
#include <queuectl/testing/random/run.hpp>
#include <queuectl/testing/shrink.hpp>

#include <cstdlib>
#include <string>
#include <vector>

namespace queuectl::inline v0 {

// Nothing, or the seed and the shortest story found.
template <conformance::backend B>
[[nodiscard]] std::string random_difference(std::uint64_t seed, std::size_t operations)
{
    const auto fails = [](const std::vector<operation>& all) { return !random_run<B>{}.run(all); };
    auto all = random_operations(seed, operations);
    random_run<B> first;
    if (first.run(all)) return {};
    all.resize(first.applied());
    all = shrink(std::move(all), fails, 500);
    random_run<B> last;
    const bool again = !last.run(all);
    return "seed " + std::to_string(seed) + (again ? "" : " (not every time)") + ":\n" + last.story();
}

namespace conformance {

template <backend B>
void random_operations_match_the_model(fixture<B>& f)
{
    const char* asked = std::getenv("QUEUECTL_SEED");
    const std::uint64_t first = asked != nullptr ? std::strtoull(asked, nullptr, 10) : 1;
    const std::uint64_t last = asked != nullptr ? first : effort(12, 500);
    for (std::uint64_t seed = first; seed <= last; ++seed) {
        const std::string difference = random_difference<B>(seed, 300);
        if (difference.empty()) continue;
        f.out().fail(__FILE__, __LINE__, difference);
        return;
    }
}

template <backend B>
void add_random_checks(check_list<B>& list)
{
    QUEUECTL_ADD_CHECK(list, B, random_operations_match_the_model);
}

}  // namespace conformance
}  // namespace queuectl::inline v0

#endif
