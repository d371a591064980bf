#include "store_parts.hpp"

#include <queuectl/journal/storage.hpp>

namespace queuectl::command {

result<std::unique_ptr<any_storage>> open_journal(const std::string& path, open_mode mode, const open_options& options)
{
    journal_options o;
    o.create = mode == open_mode::create;
    o.sync_claims = options.sync_claims;
    o.durability = options.durability;
    auto opened = journal_storage::open(path, o);
    if (!opened) return fail(opened.error());
    return erase_type(std::move(*opened));
}

}  // namespace queuectl::command
