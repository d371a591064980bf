#include "store_parts.hpp"

#include <queuectl/sqlite/storage.hpp>

namespace queuectl::command {

namespace {

// SQLite keeps no account of the memory it uses: that takes a lock with each allocation. Before its first use only.
void set_up_sqlite()
{
    static const int done = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    static_cast<void>(done);
}

}  // namespace

result<std::unique_ptr<any_storage>> open_sqlite(const std::string& path, open_mode mode, const open_options& options)
{
    set_up_sqlite();
    sqlite_options o;
    o.create = mode == open_mode::create;
    o.read_only = mode == open_mode::read;
    o.sync_claims = options.sync_claims;
    auto opened = sqlite_storage::open(path, o);
    if (!opened) return fail(opened.error());
    return erase_type(std::move(*opened));
}

}  // namespace queuectl::command
