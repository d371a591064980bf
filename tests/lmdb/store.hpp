// LMDB stores for the shared tests, and short ways to open them.
#ifndef QUEUECTL_TESTS_LMDB_STORE_HPP
#define QUEUECTL_TESTS_LMDB_STORE_HPP

#include "shared/store.hpp"

#include <queuectl/lmdb.hpp>

namespace queuectl_test {

struct lmdb_kind {
    using storage = lmdb_storage;
    using options = lmdb_options;
    static constexpr char file[] = "q";
    static constexpr char side_folder[] = "q";
};

inline lmdb_storage open_store(const std::string& path, lmdb_options options = {})
{
    return open_as<lmdb_kind>(path, options);
}

}  // namespace queuectl_test

#endif
