// The reference model keeps the contract.
#include "conformance/model_backend.hpp"

#include <queuectl/testing/conformance.hpp>
#include <queuectl/testing/conformance/gtest.hpp>

QUEUECTL_CONFORMANCE(model, model_backend);
