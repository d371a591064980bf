// Output files and the rows that name them.
#ifndef QUEUECTL_SQLITE_OUTPUT_FILES_HPP
#define QUEUECTL_SQLITE_OUTPUT_FILES_HPP

#include <queuectl/sqlite/session.hpp>

#include <algorithm>

namespace queuectl::inline v0::detail::sqlite {

// Takes out of `names` (sorted) those that a row names. Reads every row of attempts that names a file.
[[nodiscard]] inline int drop_named(transaction& tx, std::vector<std::string>& names)
{
    std::vector<bool> named(names.size());
    auto row = tx.sql.get(sql::logs);
    int rc = names.empty() ? SQLITE_DONE : row.step();
    for (; rc == SQLITE_ROW; rc = row.step()) {
        const auto at = std::lower_bound(names.begin(), names.end(), row.bytes(0));
        if (at != names.end() && *at == row.bytes(0)) named[static_cast<std::size_t>(at - names.begin())] = true;
    }
    std::size_t i = 0;
    std::erase_if(names, [&](const std::string&) { return named[i++]; });
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

}  // namespace queuectl::inline v0::detail::sqlite

#endif
