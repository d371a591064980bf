// One function a concrete storage, each in a translation unit of its own.
#ifndef QUEUECTL_COMMAND_STORE_PARTS_HPP
#define QUEUECTL_COMMAND_STORE_PARTS_HPP

#include "store.hpp"

namespace queuectl::command {

enum class open_mode { read, change, create };

// Opens the SQLite store at an absolute path.
[[nodiscard]] result<std::unique_ptr<any_storage>> open_sqlite(const std::string& path, open_mode mode,
                                                               const open_options& options);

// Opens the journal in the folder at an absolute path.
[[nodiscard]] result<std::unique_ptr<any_storage>> open_journal(const std::string& path, open_mode mode,
                                                                const open_options& options);

// Opens the LMDB store in the folder at an absolute path. Only where QUEUECTL_COMMAND_LMDB is defined.
[[nodiscard]] result<std::unique_ptr<any_storage>> open_lmdb(const std::string& path, open_mode mode,
                                                             const open_options& options);

// Of a redis:, rediss: or redis+unix: URL; errc::unsupported where it is not compiled in.
[[nodiscard]] result<store_location> locate_redis(const std::string& url);
[[nodiscard]] result<std::unique_ptr<any_storage>> open_redis(const store_location& where, open_mode mode);

// $XDG_STATE_HOME/queuectl, or ~/.local/state/queuectl; empty when neither is known.
[[nodiscard]] std::string state_folder();

}  // namespace queuectl::command

#endif
