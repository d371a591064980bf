// The command's own store_redis.cpp with another storage. "settling" is for the server alone to survive.
#include "../../../examples/queuectl/store_parts.hpp"
#include "doomed.hpp"

namespace queuectl::command {

template <class Storage>
std::unique_ptr<any_storage> erase_doomed(Storage s)
{
    return erase_type(e2e::doomed{std::move(s)});
}

}  // namespace queuectl::command

#define erase_type erase_doomed
#include "../../../examples/queuectl/store_redis.cpp"
