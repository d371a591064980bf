// Linked in the place of the command's own store_lmdb.cpp.
#include "../../../examples/queuectl/store_parts.hpp"
#include "doomed.hpp"

#include <queuectl/lmdb/storage.hpp>

// The linker sends our calls of mdb_txn_commit here (--wrap). The settle's: nothing of it is written.
extern "C" int __real_mdb_txn_commit(MDB_txn* txn);
extern "C" int __wrap_mdb_txn_commit(MDB_txn* txn)
{
    if (queuectl::e2e::in_settle) queuectl::e2e::reach("settling");
    return __real_mdb_txn_commit(txn);
}

namespace queuectl::command {

result<std::unique_ptr<any_storage>> open_lmdb(const std::string& path, open_mode mode, const open_options& options)
{
    lmdb_options o;
    o.create = mode == open_mode::create;
    o.read_only = mode == open_mode::read;
    o.sync_claims = options.sync_claims;
    o.durability = options.durability;
    auto opened = lmdb_storage::open(path, o);
    if (!opened) return fail(opened.error());
    return erase_type(e2e::doomed{std::move(*opened)});
}

}  // namespace queuectl::command
