// Apart from the tests, which are compiled sooner without it.
#include "support.hpp"

#ifdef QUEUECTL_COMMAND_REDIS

#include <queuectl/redis.hpp>

namespace queuectl::e2e {

std::unique_ptr<command::any_storage> open_redis_store(const std::string& url)
{
    auto target = parse_redis_url(url);
    EXPECT_TRUE(target) << url;
    auto opened = redis_storage::open(std::move(target->address), {});
    EXPECT_TRUE(opened) << opened.error().message();
    return command::erase_type(std::move(*opened));
}

}  // namespace queuectl::e2e

#endif
