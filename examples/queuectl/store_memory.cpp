#include "store.hpp"

#include <queuectl/storage/memory.hpp>

namespace queuectl::command {

open_store open_memory()
{
    return {std::make_unique<stored<memory_storage>>(), store_location{store_kind::memory, {}, false}, true};
}

}  // namespace queuectl::command
