// The configurable facet.
#ifndef QUEUECTL_LMDB_CONFIG_ROWS_HPP
#define QUEUECTL_LMDB_CONFIG_ROWS_HPP

#include <queuectl/lmdb/transaction.hpp>

namespace queuectl::inline v0::detail::lmdb {

[[nodiscard]] inline bool is_config_key(std::string_view key) noexcept
{
    return !key.empty() && key.size() <= limits::key_bytes;
}

// False when it has expired.
[[nodiscard]] inline int read_entry(std::string_view key, std::string_view value, const instant& now,
                                    std::optional<config_entry>& out)
{
    config_row row{};
    if (!read_row(value, row)) return MDB_CORRUPTED;
    if (time_of(row.expires_at) > now.wall)
        out =
            config_entry{std::string{key}, std::string{value.substr(sizeof row)}, row.version, time_of(row.expires_at)};
    return 0;
}

[[nodiscard]] inline int get_entry(transaction& tx, std::string_view key, const instant& now,
                                   std::optional<config_entry>& out)
{
    if (!is_config_key(key)) return 0;
    std::string_view value;
    const int rc = tx.get(table::config, key, value);
    if (rc != 0) return rc == MDB_NOTFOUND ? 0 : rc;
    return read_entry(key, value, now, out);
}

[[nodiscard]] inline int put_entry(transaction& tx, const config_entry& entry, const instant& now,
                                   std::uint64_t& version)
{
    if (!is_config_key(entry.key))
        return tx.refuse(fail(errc::invalid_argument, "config_put", "a key has 1 to 255 bytes"));
    if (entry.value.size() > limits::config_value_bytes)
        return tx.refuse(fail(errc::invalid_argument, "config_put", "a value has at most 64 KiB"));
    std::optional<config_entry> stored;
    if (const int rc = get_entry(tx, entry.key, now, stored); rc != 0) return rc;
    if (entry.version != any_version && entry.version != (stored ? stored->version : 0))
        return tx.refuse(fail(errc::conflict, "config_put", "another version of " + entry.key + " is stored"));
    version = ++tx.head.config_version;
    tx.header_changes();
    tx.work = true;
    tx.scratch = bytes_of(config_row{version, ticks(entry.expires_at)});
    tx.scratch += entry.value;
    return tx.put(table::config, entry.key, tx.scratch);
}

[[nodiscard]] inline int erase_entry(transaction& tx, std::string_view key, bool& erased)
{
    const int rc = is_config_key(key) ? tx.del(table::config, key) : MDB_NOTFOUND;
    erased = rc == 0;
    tx.work = erased;
    return rc == MDB_NOTFOUND ? 0 : rc;
}

[[nodiscard]] inline int list_entries(transaction& tx, std::string_view prefix, const instant& now,
                                      std::vector<config_entry>& out)
{
    if (prefix.size() > limits::key_bytes) return 0;
    int rc = 0;
    cursor* const rows = tx.at(table::config, rc);
    if (rc == 0) rc = prefix.empty() ? rows->first() : rows->seek(prefix);
    for (; rc == 0 && rows->key().substr(0, prefix.size()) == prefix; rc = rows->next()) {
        std::optional<config_entry> entry;
        if (const int read = read_entry(rows->key(), rows->value(), now, entry); read != 0) return read;
        if (entry) out.push_back(std::move(*entry));
    }
    return rc == MDB_NOTFOUND ? 0 : rc;
}

}  // namespace queuectl::inline v0::detail::lmdb

#endif
