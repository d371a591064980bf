// The reference model: a storage that is slow and plainly right. Random operations compare other storages with it,
// and the conformance suite is shown to fail on copies of it that break one rule each.
#ifndef QUEUECTL_TESTING_MODEL_HPP
#define QUEUECTL_TESTING_MODEL_HPP

#include <queuectl/testing/model/config.hpp>

namespace queuectl::inline v0 {

// A handle; copies made from one store share it. Any number of threads. Every call is linear in the store.
class model_storage : public model_config {
public:
    explicit model_storage(std::shared_ptr<model_store> store = std::make_shared<model_store>())
        : model_config{std::move(store)}
    {
    }
};

static_assert(storage<model_storage> && inspectable_storage<model_storage> && configurable_storage<model_storage> &&
              notifying_storage<model_storage> && transferable_storage<model_storage>);

}  // namespace queuectl::inline v0

#endif
