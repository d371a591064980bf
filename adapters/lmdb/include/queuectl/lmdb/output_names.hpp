// Output files and the runs that name them.
#ifndef QUEUECTL_LMDB_OUTPUT_NAMES_HPP
#define QUEUECTL_LMDB_OUTPUT_NAMES_HPP

#include <queuectl/lmdb/runs.hpp>
#include <queuectl/lmdb/session.hpp>

namespace queuectl::inline v0::detail::lmdb {

// Calls visit(sequence, row) for every run in the store, until it gives anything but 0.
template <class Visit>
[[nodiscard]] int every_run(transaction& tx, Visit visit)
{
    int rc = 0;
    cursor* const runs = tx.at(table::runs, rc);
    for (rc = rc == 0 ? runs->first() : rc; rc == 0; rc = runs->next()) {
        run_view run;
        if (!run.read(runs->value())) return MDB_CORRUPTED;
        if (const int told = visit(unpack<std::uint64_t>(runs->key(), 0), run); told != 0) return told;
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

// Takes out of `names` (sorted) those that a run names. Reads every run.
[[nodiscard]] inline int drop_named(transaction& tx, std::vector<std::string>& names)
{
    if (names.empty()) return 0;
    std::vector<bool> named(names.size());
    const int rc = every_run(tx, [&](std::uint64_t, const run_view& run) {
        if (run.row.file == 0) return 0;
        const auto name = log_name(run.row.file, run.row.file_run);
        const auto at = std::lower_bound(names.begin(), names.end(), name);
        if (at != names.end() && *at == name) named[static_cast<std::size_t>(at - names.begin())] = true;
        return 0;
    });
    std::size_t i = 0;
    std::erase_if(names, [&](const std::string&) { return named[i++]; });
    return rc;
}

}  // namespace queuectl::inline v0::detail::lmdb

#endif
