#include "store_parts.hpp"

#include <queuectl/lmdb/storage.hpp>

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
    return erase_type(std::move(*opened));
}

}  // namespace queuectl::command
