// journal_storage keeps the contract.
#if defined(__GNUC__) && !defined(__clang__)
// False alarms of GCC 12 on "literal" + std::to_string(n).
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#pragma GCC diagnostic ignored "-Wrestrict"
#pragma GCC diagnostic ignored "-Warray-bounds"
#endif

#include "journal/store/folder.hpp"

#include <queuectl/testing/conformance.hpp>
#include <queuectl/testing/conformance/gtest.hpp>

namespace queuectl::journal_testing {
namespace {

// durability::none: what the checks see of a store does not depend on syncs.
struct journal_backend {
    using storage_type = journal_storage;
    static constexpr bool processes = true;

    std::unique_ptr<storage_type> make() { return remember(open()); }
    std::unique_ptr<storage_type> reopen() { return remember(open()); }
    std::unique_ptr<storage_type> another() { return open(); }
    [[nodiscard]] std::uint64_t operations() const { return store_->index_steps(); }
    void make_read_only() { EXPECT_TRUE(open()->set_state(store_state::read_only)); }

private:
    [[nodiscard]] std::unique_ptr<storage_type> open() const
    {
        journal_options options;
        options.durability = durability::none;
        return folder_.open(options);
    }
    std::unique_ptr<storage_type> remember(std::unique_ptr<storage_type> made)
    {
        store_ = made.get();
        return made;
    }

    store_folder folder_;
    storage_type* store_ = nullptr;  // that checks count on
};

}  // namespace
}  // namespace queuectl::journal_testing

using queuectl::journal_testing::journal_backend;
QUEUECTL_CONFORMANCE(journal, journal_backend);
