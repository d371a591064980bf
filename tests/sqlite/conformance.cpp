// sqlite_storage keeps the contract.
#if defined(__GNUC__) && !defined(__clang__)
// False alarms of GCC 12 on "literal" + std::to_string(n).
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#pragma GCC diagnostic ignored "-Wrestrict"
#pragma GCC diagnostic ignored "-Warray-bounds"
#endif

#include "sqlite/vm_steps.hpp"

#include <queuectl/testing/conformance.hpp>
#include <queuectl/testing/conformance/gtest.hpp>

namespace queuectl_test {
namespace {

// durability::none: what the checks see of a store does not depend on syncs.
struct sqlite_backend {
    using storage_type = sqlite_storage;
    static constexpr bool processes = true;

    std::unique_ptr<storage_type> make() { return open(); }
    std::unique_ptr<storage_type> reopen() { return open(); }
    std::unique_ptr<storage_type> another() { return open(); }
    [[nodiscard]] std::uint64_t operations() const { return vm_steps(); }
    void make_read_only()
    {
        auto s = open();
        EXPECT_TRUE(s->set_state(store_state::read_only));
    }

private:
    [[nodiscard]] std::unique_ptr<storage_type> open() const
    {
        count_vm_steps();
        sqlite_options options;
        options.durability = durability::none;
        return std::make_unique<storage_type>(open_store(folder_ / "q.db", options));
    }

    temporary_folder folder_;
};

}  // namespace
}  // namespace queuectl_test

using queuectl_test::sqlite_backend;
QUEUECTL_CONFORMANCE(sqlite, sqlite_backend);
