// What a check of a store has found.
#ifndef QUEUECTL_VERIFY_REPORT_HPP
#define QUEUECTL_VERIFY_REPORT_HPP

#include <queuectl/config.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace queuectl::inline v0 {

// The most important first.
enum class finding_kind : std::uint8_t {
    damage,    // bytes that cannot be read, or are not what was written
    wrong,     // what can be read contradicts itself
    leftover,  // takes room, harms nothing
};
[[nodiscard]] constexpr std::string_view name(finding_kind kind) noexcept
{
    constexpr std::string_view names[] = {"damage", "wrong", "leftover"};
    return names[static_cast<std::size_t>(kind)];
}

struct finding {
    finding_kind kind = finding_kind::wrong;
    std::string text;  // one line, naming file and offset, job or queue
};

struct verify_report {
    static constexpr std::size_t findings_kept = 100;

    std::uint64_t jobs = 0;
    std::uint64_t runs = 0;
    std::uint64_t bytes = 0;        // of files that were read
    std::uint64_t found = 0;        // findings, also those that are not kept
    bool damaged = false;           // one of them is damage
    bool counts_moved = false;      // jobs never stood still long enough for a recount from outside
    std::vector<finding> findings;  // the most important, in that order

    void add(finding_kind kind, std::string text)
    {
        ++found;
        damaged = damaged || kind == finding_kind::damage;
        const auto at = std::upper_bound(findings.begin(), findings.end(), kind,
                                         [](finding_kind k, const finding& f) { return k < f.kind; });
        findings.insert(at, finding{kind, std::move(text)});
        if (findings.size() > findings_kept) findings.pop_back();
    }
    // Both together.
    void add(verify_report other)
    {
        const auto dropped = other.found - other.findings.size();
        jobs += other.jobs;
        runs += other.runs;
        bytes += other.bytes;
        counts_moved = counts_moved || other.counts_moved;
        for (auto& f : other.findings) add(f.kind, std::move(f.text));
        found += dropped;
        damaged = damaged || other.damaged;
    }
};

// One step of removing output files that no run names and none will.
struct output_sweep {
    std::size_t removed = 0;
    bool done = true;  // false: call again, later
};

}  // namespace queuectl::inline v0

#endif
