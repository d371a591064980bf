// Output of runs whose rows lie in a store's tables: in the row, or in a file that the row names. `Store` is an open
// store: read(verb, body), logs(), read_output(name); for its transactions there is drop_named(tx, names), which takes
// out of `names` (sorted) those that a row names. POSIX.
#ifndef QUEUECTL_PROCESS_KEPT_OUTPUTS_HPP
#define QUEUECTL_PROCESS_KEPT_OUTPUTS_HPP

#include <queuectl/facets.hpp>
#include <queuectl/limits.hpp>
#include <queuectl/process/output_files.hpp>
#include <queuectl/verify_report.hpp>

#include <algorithm>
#include <string>
#include <vector>

namespace queuectl::inline v0::detail {

// `log` names the file that has the bytes when they are not in the row; split them with split_output.
struct kept_output {
    run_output output;
    std::size_t head_bytes = 0;
    std::string log;
};
inline void split_output(kept_output& kept, std::string bytes)
{
    const auto head = std::min(kept.head_bytes, bytes.size());
    kept.output.tail = bytes.substr(head);
    bytes.resize(head);
    kept.output.head = std::move(bytes);
}

// Output files that no run names and none will: their settle failed, or its process died. With `bytes`, the size of all
// files is added.
template <class Store>
[[nodiscard]] result<std::vector<std::string>> orphaned_outputs(Store& store, std::int64_t now_s,
                                                                std::uint64_t* bytes = nullptr)
{
    const side_folder* const logs = store.logs();
    if (logs == nullptr) return std::vector<std::string>{};
    auto names = old_outputs(*logs, now_s, bytes);
    if (!names || names->empty()) return names;
    auto done = store.read("look for outputs", [&](auto& tx) { return drop_named(tx, *names); });
    if (!done) return fail(done.error());
    return names;
}

// Removes up to limits::sweep of them.
template <class Store>
[[nodiscard]] result<output_sweep> sweep_orphaned_outputs(Store& store, std::int64_t now_s)
{
    auto names = orphaned_outputs(store, now_s);
    if (!names) return fail(names.error());
    if (names->size() > limits::sweep) names->resize(limits::sweep);
    for (const auto& name : *names) remove_log(*store.logs(), name);
    return output_sweep{names->size(), names->size() < limits::sweep};
}

// Reports the files of `named` (what rows name) that are missing, and those that no row names; `folder` is where they
// lie, for people. A file may have gone with its row since that was read: then the row is gone, too.
template <class Store>
[[nodiscard]] result<void> compare_outputs(Store& store, const std::vector<std::string>& named,
                                           const std::string& folder, std::int64_t now_s, verify_report& report)
{
    std::vector<std::string> missing;
    const side_folder* const logs = store.logs();
    for (const auto& log : named)
        if (logs == nullptr || ::faccessat(logs->fd(), log.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) != 0)
            missing.push_back(log);
    std::sort(missing.begin(), missing.end());
    auto gone = missing;
    auto done = store.read("verify", [&](auto& tx) { return drop_named(tx, gone); });
    if (!done) return done;
    for (const auto& log : missing)
        if (!std::binary_search(gone.begin(), gone.end(), log))
            report.add(finding_kind::wrong, "output file " + folder + '/' + log + " is missing");
    auto orphans = orphaned_outputs(store, now_s, &report.bytes);
    if (!orphans) return fail(orphans.error());
    for (const auto& name : *orphans)
        report.add(finding_kind::leftover, "output file " + folder + '/' + name + " belongs to no run");
    return {};
}

}  // namespace queuectl::inline v0::detail

#endif
