// memory_storage keeps the contract.
#include <queuectl/storage/memory.hpp>
#include <queuectl/testing/conformance.hpp>
#include <queuectl/testing/conformance/gtest.hpp>

namespace {
struct memory_backend {
    using storage_type = queuectl::memory_storage;
    storage_type make() { return storage_type{}; }
};
}  // namespace

QUEUECTL_CONFORMANCE(memory, memory_backend);
