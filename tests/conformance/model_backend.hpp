// The reference model as a backend of the conformance suite.
#ifndef QUEUECTL_TESTS_CONFORMANCE_MODEL_BACKEND_HPP
#define QUEUECTL_TESTS_CONFORMANCE_MODEL_BACKEND_HPP

#include <queuectl/testing/model.hpp>

#include <memory>

struct model_backend {
    using storage_type = queuectl::model_storage;
    storage_type make() { return storage_type{store}; }
    storage_type reopen() { return storage_type{store}; }
    storage_type another() { return storage_type{store}; }
    void make_read_only() { store->info.read_only = true; }

    std::shared_ptr<queuectl::model_store> store = std::make_shared<queuectl::model_store>();
};

#endif
