#include "store.hpp"

#include <queuectl/testing/model.hpp>

namespace queuectl::command {

open_store open_memory() { return {erase_type(model_storage{}), store_location{store_kind::memory, {}, false}, true}; }

}  // namespace queuectl::command
