// The configurable facet.
#ifndef QUEUECTL_SQLITE_CONFIG_ROWS_HPP
#define QUEUECTL_SQLITE_CONFIG_ROWS_HPP

#include <queuectl/facets.hpp>
#include <queuectl/sqlite/transaction.hpp>

namespace queuectl::inline v0::detail::sqlite {

[[nodiscard]] inline int get_entry(transaction& tx, std::string_view key, const instant& now,
                                   std::optional<config_entry>& out)
{
    auto row = tx.sql.get(sql::config_get);
    const int rc = row.bind(key, now.wall).step();
    if (rc == SQLITE_ROW)
        out = config_entry{std::string{key}, row.text(0), static_cast<std::uint64_t>(row.integer(1)), row.time(2)};
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

[[nodiscard]] inline int put_entry(transaction& tx, const config_entry& entry, const instant& now,
                                   std::uint64_t& version)
{
    std::optional<config_entry> stored;
    if (const int rc = get_entry(tx, entry.key, now, stored); rc != SQLITE_OK) return rc;
    if (entry.version != any_version && entry.version != (stored ? stored->version : 0))
        return tx.refuse(fail(errc::conflict, "config_put", "another version of " + entry.key + " is stored"));
    {
        auto next = tx.sql.get(sql::next_config_version);
        int rc = next.step();
        for (; rc == SQLITE_ROW; rc = next.step()) version = static_cast<std::uint64_t>(next.integer(0));
        if (rc != SQLITE_DONE) return rc;
    }
    tx.work = true;
    return tx.sql.get(sql::config_put)
        .bind(entry.key, entry.value, static_cast<std::int64_t>(version), entry.expires_at)
        .run();
}

[[nodiscard]] inline int erase_entry(transaction& tx, std::string_view key, bool& erased)
{
    const int rc = tx.sql.get(sql::config_erase).bind(key).run();
    erased = rc == SQLITE_OK && sqlite3_changes(tx.sql.db()) != 0;
    tx.work = erased;
    return rc;
}

[[nodiscard]] inline int list_entries(transaction& tx, std::string_view prefix, const instant& now,
                                      std::vector<config_entry>& out)
{
    auto row = tx.sql.get(sql::config_list);
    row.bind(prefix, now.wall);
    int rc = row.step();
    for (; rc == SQLITE_ROW; rc = row.step())
        out.push_back({row.text(0), row.text(1), static_cast<std::uint64_t>(row.integer(2)), row.time(3)});
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

}  // namespace queuectl::inline v0::detail::sqlite

#endif
