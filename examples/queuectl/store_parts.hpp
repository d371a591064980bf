// One function a concrete storage, each in a translation unit of its own.
#ifndef QUEUECTL_COMMAND_STORE_PARTS_HPP
#define QUEUECTL_COMMAND_STORE_PARTS_HPP

#include "store.hpp"

namespace queuectl::command {

// Opens, or creates, the SQLite store at an absolute path.
[[nodiscard]] result<std::unique_ptr<any_storage>> open_sqlite(const std::string& path, const open_options& options);

}  // namespace queuectl::command

#endif
