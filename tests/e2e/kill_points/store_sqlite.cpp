// Linked in the place of the command's own store_sqlite.cpp.
#include "../../../examples/queuectl/store_parts.hpp"
#include "doomed.hpp"

#include <queuectl/sqlite/storage.hpp>

namespace queuectl::command {
namespace {

int on_commit(void*)
{
    if (e2e::in_settle) e2e::reach("settling");
    return 0;
}

int watch_commits(sqlite3* db, char**, const sqlite3_api_routines*)
{
    sqlite3_commit_hook(db, &on_commit, nullptr);
    return SQLITE_OK;
}

}  // namespace

result<std::unique_ptr<any_storage>> open_sqlite(const std::string& path, open_mode mode, const open_options& options)
{
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(&watch_commits));
    sqlite_options o;
    o.create = mode == open_mode::create;
    o.read_only = mode == open_mode::read;
    o.sync_claims = options.sync_claims;
    auto opened = sqlite_storage::open(path, o);
    if (!opened) return fail(opened.error());
    return erase_type(e2e::doomed{std::move(*opened)});
}

}  // namespace queuectl::command
