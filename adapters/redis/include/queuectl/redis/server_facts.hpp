// What a server says of itself, and what in it cannot keep a promise.
#ifndef QUEUECTL_REDIS_SERVER_FACTS_HPP
#define QUEUECTL_REDIS_SERVER_FACTS_HPP

#include <queuectl/redis/options.hpp>
#include <queuectl/result.hpp>

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace queuectl::inline v0::detail::redis {

// Of INFO. Empty: the server does not tell (its access rules).
struct server_facts {
    std::string version;
    std::string role;  // master, slave
    bool cluster = false;
    bool append_only = false;
    std::uint64_t memory_max = 0;  // 0 = no limit
    std::string memory_policy;
    int replicas = 0;
};

[[nodiscard]] inline std::string_view info_field(std::string_view info, std::string_view name)
{
    const std::string key = '\n' + std::string{name} + ':';
    const auto at = info.find(key);
    if (at == info.npos) return {};
    const auto value = info.substr(at + key.size());
    return value.substr(0, value.find_first_of("\r\n"));
}

[[nodiscard]] inline server_facts facts_of_info(std::string_view info)
{
    const auto number = [&](std::string_view name) {
        return std::strtoull(std::string{info_field(info, name)}.c_str(), nullptr, 10);
    };
    server_facts f;
    f.version = info_field(info, "redis_version");
    f.role = info_field(info, "role");
    f.cluster = info_field(info, "cluster_enabled") == "1";
    f.append_only = info_field(info, "aof_enabled") == "1";
    f.memory_max = number("maxmemory");
    f.memory_policy = info_field(info, "maxmemory_policy");
    f.replicas = static_cast<int>(number("connected_slaves"));
    return f;
}

// Redis 7 or later, and a prefix that a cluster keeps in one place.
[[nodiscard]] inline result<void> check_server(const server_facts& f, const redis_address& to)
{
    if (!f.version.empty() && std::strtol(f.version.c_str(), nullptr, 10) < 7)
        return fail(errc::unsupported, "connect " + to.text(), "Redis " + f.version + " is too old: 7 is needed");
    const auto open = to.prefix.find('{');
    const auto close = to.prefix.find('}', open + 1);
    const bool one_slot = open != to.prefix.npos && close != to.prefix.npos && close > open + 1;
    if (f.cluster && !one_slot)
        return fail(errc::unsupported, "connect " + to.text(),
                    "a cluster needs a prefix with a part in braces, as in prefix={queuectl}:");
    return {};
}

// One line for each setting that breaks a promise. `fsync`: the server's appendfsync; nothing when it does not tell.
[[nodiscard]] inline std::vector<std::string> doubts_about(const server_facts& f,
                                                           const std::optional<std::string>& fsync, int waited_for)
{
    std::vector<std::string> all;
    if (f.version.empty()) return {"the server does not tell its settings to this user: what it keeps is not known"};
    if (!f.append_only)
        all.push_back("appendonly is no: a restart of Redis loses acknowledged jobs (set appendonly yes)");
    else if (!fsync)
        all.push_back("appendfsync is not told to this user: what a power loss takes is not known");
    else if (*fsync != "always")
        all.push_back("appendfsync is " + *fsync + ": a power loss takes acknowledged jobs (set appendfsync always)");
    if (f.memory_max != 0 && f.memory_policy != "noeviction")
        all.push_back("maxmemory-policy is " + f.memory_policy +
                      ": Redis deletes jobs when memory is short (set noeviction)");
    if (f.replicas > 0 && waited_for == 0)
        all.push_back(
            std::to_string(f.replicas) +
            " replicas follow without being waited for: a failover may lose acknowledged jobs (replicas=N waits)");
    if (f.role == "slave") all.push_back("this server is a replica: it takes no jobs");
    return all;
}

}  // namespace queuectl::inline v0::detail::redis

#endif
