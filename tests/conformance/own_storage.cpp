// The example of a storage of one's own keeps the contract of the four verbs.
#include "../../examples/own_storage.hpp"

#include <queuectl/testing/conformance.hpp>
#include <queuectl/testing/conformance/gtest.hpp>

namespace {

struct own_backend {
    using storage_type = example::own_storage;
    example::own_storage make() { return {}; }
};

}  // namespace

QUEUECTL_CONFORMANCE(own_storage, own_backend);
