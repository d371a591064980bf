// The check of killed processes can fail: on stores that lie.
#include "shared/wrong_processes.hpp"
#include "sqlite/store.hpp"

namespace queuectl_test {

INSTANTIATE_TYPED_TEST_SUITE_P(killed_processes, killed_processes, sqlite_kind);

}  // namespace queuectl_test
