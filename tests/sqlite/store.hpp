// SQLite stores for the shared tests, and short ways to open them.
#ifndef QUEUECTL_TESTS_SQLITE_STORE_HPP
#define QUEUECTL_TESTS_SQLITE_STORE_HPP

#include "shared/store.hpp"

#include <queuectl/sqlite.hpp>

namespace queuectl_test {

struct sqlite_kind {
    using storage = sqlite_storage;
    using options = sqlite_options;
    static constexpr char file[] = "q.db";
    static constexpr char side_folder[] = "q.db.d";
};

inline sqlite_storage open_store(const std::string& path, sqlite_options options = {})
{
    return open_as<sqlite_kind>(path, options);
}

}  // namespace queuectl_test

#endif
