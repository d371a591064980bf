// memory_storage keeps the contract.
#include <queuectl/storage/memory.hpp>
#include <queuectl/testing/conformance.hpp>
#include <queuectl/testing/conformance/gtest.hpp>

namespace {

struct memory_backend {
    using storage_type = queuectl::memory_storage;
    std::unique_ptr<storage_type> make()
    {
        auto made = std::make_unique<storage_type>();
        storage = made.get();
        return made;
    }
    std::uint64_t operations() const { return storage->claim_steps(); }

    storage_type* storage = nullptr;
};

}  // namespace

QUEUECTL_CONFORMANCE(memory, memory_backend);
