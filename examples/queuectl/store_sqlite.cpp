#include "store_parts.hpp"

#if __has_include(<queuectl/sqlite/storage.hpp>)
#include <queuectl/sqlite/storage.hpp>
#endif

namespace queuectl::command {

#if __has_include(<queuectl/sqlite/storage.hpp>)
result<std::unique_ptr<any_storage>> open_sqlite(const std::string& path, const open_options&)
{
    auto opened = sqlite_storage::open(path, sqlite_options{});
    if (!opened) return fail(opened.error());
    return erase_type(std::move(*opened));
}
#else
result<std::unique_ptr<any_storage>> open_sqlite(const std::string& path, const open_options&)
{
    return fail(errc::unsupported, "store sqlite:" + path, "is not compiled in");
}
#endif

}  // namespace queuectl::command
