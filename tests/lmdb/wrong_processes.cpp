// The check of killed processes can fail: on stores that lie.
#include "shared/wrong_processes.hpp"
#include "lmdb/store.hpp"

namespace queuectl_test {

INSTANTIATE_TYPED_TEST_SUITE_P(killed_processes, killed_processes, lmdb_kind);

}  // namespace queuectl_test
