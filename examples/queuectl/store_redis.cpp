#include "store_parts.hpp"

#ifdef QUEUECTL_COMMAND_REDIS
#include <queuectl/redis.hpp>

#include <cstdio>
#endif

namespace queuectl::command {

#ifdef QUEUECTL_COMMAND_REDIS

namespace {

// A folder of this machine for what its workers keep beside the store, by the store's address (FNV-1a).
std::string folder_for(const redis_target& target)
{
    const std::string base = state_folder();
    if (base.empty()) return {};
    redis_address address = target.address;
    if (address.host == "localhost") address.host = "127.0.0.1";
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : address.text()) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    char name[32];
    std::snprintf(name, sizeof name, "/redis-%016llx", static_cast<unsigned long long>(hash));
    return base + name;
}

}  // namespace

result<store_location> locate_redis(const std::string& url)
{
    auto target = parse_redis_url(url);
    if (!target) return fail(target.error());
    store_location where{store_kind::redis, folder_for(*target), false};
    where.public_url = target->address.text();
    where.private_url = url;
    return where;
}

result<std::unique_ptr<any_storage>> open_redis(const store_location& where, open_mode mode)
{
    auto target = parse_redis_url(where.private_url);
    if (!target) return fail(target.error());
    redis_options o;
    o.create = mode == open_mode::create;
    o.read_only = mode == open_mode::read;
    o.replicas = target->replicas;
    auto opened = redis_storage::open(std::move(target->address), o);
    if (!opened) return fail(opened.error());
    return erase_type(std::move(*opened));
}

#else

result<store_location> locate_redis(const std::string&)
{
    return fail(errc::unsupported, "store redis:", "is not compiled in");
}
result<std::unique_ptr<any_storage>> open_redis(const store_location&, open_mode)
{
    return fail(errc::unsupported, "store redis:", "is not compiled in");
}

#endif

}  // namespace queuectl::command
