// lmdb_storage keeps the contract.
#if defined(__GNUC__) && !defined(__clang__)
// False alarms of GCC 12 on "literal" + std::to_string(n).
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#pragma GCC diagnostic ignored "-Wrestrict"
#pragma GCC diagnostic ignored "-Warray-bounds"
#endif

#include "lmdb/store.hpp"

#include <queuectl/testing/conformance.hpp>
#include <queuectl/testing/conformance/gtest.hpp>

namespace queuectl_test {
namespace {

// durability::none: what the checks see of a store does not depend on syncs.
struct lmdb_backend {
    using storage_type = lmdb_storage;
    static constexpr bool processes = true;

    std::unique_ptr<storage_type> make() { return open(); }
    std::unique_ptr<storage_type> reopen() { return open(); }
    std::unique_ptr<storage_type> another() { return open(); }
    [[nodiscard]] std::uint64_t operations() const { return open()->steps(); }
    void make_read_only() { EXPECT_TRUE(open()->set_state(store_state::read_only)); }

private:
    // Starts with a small map, which has to grow.
    [[nodiscard]] std::unique_ptr<storage_type> open() const
    {
        lmdb_options options;
        options.durability = durability::none;
        options.map_bytes = 256 << 10;
        return std::make_unique<storage_type>(open_store(folder_ / "store", options));
    }

    temporary_folder folder_;
};

}  // namespace
}  // namespace queuectl_test

using queuectl_test::lmdb_backend;
QUEUECTL_CONFORMANCE(lmdb, lmdb_backend);
