#include "tend.hpp"

#include "worker_recovery.hpp"

namespace queuectl::command {

void tend(open_store& store)
{
    if (!store.exists || store.where.path.empty() || !store.storage->writable()) return;
    auto registry = worker_registry::open(store.where.side_folder(), false);
    if (!registry || registry->dead().empty()) return;
    // The store may have been opened for reading.
    if (auto writable = open_for_change(store.where)) recover_dead_workers(*registry, *writable->storage);
}

}  // namespace queuectl::command
